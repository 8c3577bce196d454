/* Functions that drive two operations with the same data: what goes in clear into or comes in clear out of a
 * cipher is also digested, signed or verified. */
#include "pkcs11/module.h"

/* Both operations must be able to take a part. A failure ends both. */
struct dual {
        struct session *session;
        struct op *cipher, *other;
        enum op_kind other_kind;
};

static CK_RV dual_enter(struct dual *d, CK_SESSION_HANDLE session, enum op_kind cipher, enum op_kind other)
{
        CK_RV rv = op_enter(session, cipher, STEP_PART, &d->session, &d->cipher);

        d->other_kind = other;
        if (rv != CKR_OK)
                return rv;
        d->other = &d->session->ops[other];
        rv = op_may(d->other, STEP_PART);
        if (rv != CKR_OK)
                session_put(d->session);
        return rv;
}

static CK_RV dual_leave(struct dual *d, CK_RV rv)
{
        if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
                op_end(d->other);
        return op_leave(d->session, d->cipher, rv);
}

static CK_RV feed(struct dual *d, struct slice clear)
{
        d->other->multi = true;
        return op_feed(d->other, d->other_kind, clear);
}

/* The clear part goes to the other operation first, as the result may be written over it. */
static CK_RV encrypt_part(struct dual *d, struct slice clear, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        CK_ULONG needed = 0;
        CK_RV rv = op_update(d->cipher, OP_ENCRYPT, clear, NULL, &needed);

        if (rv == CKR_OK && (!out || *out_len < needed)) {
                *out_len = needed;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        if (rv == CKR_OK)
                rv = feed(d, clear);
        return rv == CKR_OK ? op_update(d->cipher, OP_ENCRYPT, clear, out, out_len) : rv;
}

static CK_RV encrypting(CK_SESSION_HANDLE session, enum op_kind other, CK_BYTE_PTR part, CK_ULONG part_len,
                        CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct dual d;
        CK_RV rv = dual_enter(&d, session, OP_ENCRYPT, other);

        if (rv != CKR_OK)
                return rv;
        return dual_leave(&d, !out_len || (!part && part_len)
                                  ? CKR_ARGUMENTS_BAD
                                  : encrypt_part(&d, slice_of(part, part_len), out, out_len));
}

static CK_RV decrypting(CK_SESSION_HANDLE session, enum op_kind other, CK_BYTE_PTR part, CK_ULONG part_len,
                        CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct dual d;
        CK_RV rv = dual_enter(&d, session, OP_DECRYPT, other);

        if (rv != CKR_OK)
                return rv;
        rv = !out_len || (!part && part_len)
                 ? CKR_ARGUMENTS_BAD
                 : op_update(d.cipher, OP_DECRYPT, slice_of(part, part_len), out, out_len);
        if (rv == CKR_OK && out)
                rv = feed(&d, slice_of(out, *out_len));
        return dual_leave(&d, rv);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out,
                            CK_ULONG_PTR out_len)
{
        return encrypting(session, OP_DIGEST, part, part_len, out, out_len);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out,
                            CK_ULONG_PTR out_len)
{
        return decrypting(session, OP_DIGEST, part, part_len, out, out_len);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out,
                          CK_ULONG_PTR out_len)
{
        return encrypting(session, OP_SIGN, part, part_len, out, out_len);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out,
                            CK_ULONG_PTR out_len)
{
        return decrypting(session, OP_VERIFY, part, part_len, out, out_len);
}
