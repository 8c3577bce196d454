/* Verification of a signature that comes first (PKCS#11 3.2), and the session's validation flags. */
#include "pkcs11/module.h"

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE_PTR signature, CK_ULONG signature_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_VERIFY_SIGNATURE];
        if (mechanism && !signature)
                rv = CKR_ARGUMENTS_BAD;
        else
                rv = op_begin(s, OP_VERIFY_SIGNATURE, mechanism, key, CKF_VERIFY);
        if (rv == CKR_OK && mechanism) {
                buf_put(&op->aside, signature, signature_len);
                if (!buf_ok(&op->aside)) {
                        op_end(op);
                        rv = CKR_HOST_MEMORY;
                }
        }
        session_put(s);
        return rv;
}

/* The verdict ends the operation. */
static CK_RV conclude(CK_SESSION_HANDLE session, enum op_step step, CK_BYTE_PTR data, CK_ULONG data_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_VERIFY_SIGNATURE, step, &s, &op);

        if (rv != CKR_OK)
                return rv;
        if (step == STEP_END)
                rv = op_verify(op, buf_slice(&op->data), buf_slice(&op->aside));
        else
                rv = data || !data_len ? op_verify(op, slice_of(data, data_len), buf_slice(&op->aside))
                                       : CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                op_end(op);
        return op_leave(s, op, rv);
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
        return conclude(session, STEP_WHOLE, data, data_len);
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_VERIFY_SIGNATURE, STEP_PART, &s, &op);

        if (rv != CKR_OK)
                return rv;
        op->multi = true;
        return op_leave(
            s, op, part || !part_len ? op_feed(op, OP_VERIFY, slice_of(part, part_len)) : CKR_ARGUMENTS_BAD);
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
        return conclude(session, STEP_END, NULL, 0);
}

/* No validation authority has looked at this module. */
CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type,
                                  CK_FLAGS_PTR flags)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK && (!flags || type != CKS_LAST_VALIDATION_OK))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                *flags = 0;
        session_put(s);
        return rv;
}
