/* Message-based signing and verification (PKCS#11 3.0): one C_MessageSignInit for many signatures. Each
 * message is an operation of its own, begun from what the Init said; one that fails ends that message only.
 */
#include "pkcs11/module.h"

/* The operation of the message under way. */
static enum op_kind one_of(enum op_kind kind)
{
        return kind == OP_MESSAGE_SIGN ? OP_MESSAGE_SIGN_ONE : OP_MESSAGE_VERIFY_ONE;
}

static CK_RV init(CK_SESSION_HANDLE session, enum op_kind kind, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key,
                  CK_FLAGS flag)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = op_begin(s, kind, m, key, flag);
        if (rv == CKR_OK && !m)
                op_end(&s->ops[one_of(kind)]);
        session_put(s);
        return rv;
}

/* A message of its own kind; it takes over the authorisation that waits. */
static CK_RV start(struct op *all, struct op *one)
{
        op_clear(one);
        one->mechanism = all->mechanism;
        one->key = all->key;
        one->facts = all->facts;
        buf_put_slice(&one->parameter, buf_slice(&all->parameter));
        one->authorisation = all->authorisation;
        all->authorisation = BUF_INIT;
        one->active = true;
        return buf_ok(&one->parameter) ? CKR_OK : CKR_HOST_MEMORY;
}

/* The message's operation, when `step` may come; a new one begins unless this is the next part. The standard
 * has no parameter for messages of the mechanisms here. */
static CK_RV enter(CK_SESSION_HANDLE session, enum op_kind kind, enum op_step step, CK_VOID_PTR param,
                   CK_ULONG param_n, struct session **s, struct op **one)
{
        CK_RV rv = session_get(session, s);
        struct op *all;

        if (rv != CKR_OK)
                return rv;
        all = &(*s)->ops[kind];
        *one = &(*s)->ops[one_of(kind)];
        if (!all->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (step == STEP_WHOLE && !(*one)->active)
                rv = start(all, *one);
        else
                rv = op_may(*one, step);
        if (rv == CKR_OK && (param || param_n)) {
                op_end(*one);
                rv = module_refuse(ERR_MECHANISM_PARAM, "messages of this mechanism have no parameter");
        }
        if (rv != CKR_OK)
                session_put(*s);
        return rv;
}

static CK_RV begin(CK_SESSION_HANDLE session, enum op_kind kind, CK_VOID_PTR param, CK_ULONG param_n)
{
        struct session *s;
        struct op *one;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        one = &s->ops[one_of(kind)];
        if (!s->ops[kind].active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (one->active)
                rv = CKR_OPERATION_ACTIVE;
        else if (param || param_n)
                rv = module_refuse(ERR_MECHANISM_PARAM, "messages of this mechanism have no parameter");
        else
                rv = start(&s->ops[kind], one);
        if (rv == CKR_OK)
                one->multi = true;
        session_put(s);
        return rv;
}

static CK_RV final(CK_SESSION_HANDLE session, enum op_kind kind)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (!s->ops[kind].active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        op_end(&s->ops[kind]);
        op_end(&s->ops[one_of(kind)]);
        session_put(s);
        return rv;
}

/* ---- signing ---- */

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return init(session, OP_MESSAGE_SIGN, mechanism, key, CKF_MESSAGE_SIGN);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR data,
                    CK_ULONG data_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = enter(session, OP_MESSAGE_SIGN, STEP_WHOLE, param, param_len, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(s, op,
                        !out_len || (!data && data_len)
                            ? CKR_ARGUMENTS_BAD
                            : op_sign(op, STEP_WHOLE, slice_of(data, data_len), out, out_len));
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len)
{
        return begin(session, OP_MESSAGE_SIGN, param, param_len);
}

/* The last part is taken in once, however often its signature needs more room. */
static CK_RV sign_last(struct op *op, struct slice part, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        size_t size = op_signature_size(op);
        CK_RV rv = CKR_OK;

        if (!op->ready && size && (!out || *out_len < size)) {
                *out_len = size;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        if (!op->ready)
                rv = op_feed(op, OP_SIGN, part);
        return rv == CKR_OK ? op_sign(op, STEP_END, buf_slice(&op->data), out, out_len) : rv;
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR part,
                        CK_ULONG part_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = enter(session, OP_MESSAGE_SIGN, out_len ? STEP_END : STEP_PART, param, param_len, &s, &op);

        if (rv != CKR_OK)
                return rv;
        if (!part && part_len)
                rv = CKR_ARGUMENTS_BAD;
        else if (out_len)
                rv = sign_last(op, slice_of(part, part_len), out, out_len);
        else
                rv = op_feed(op, OP_SIGN, slice_of(part, part_len));
        return op_leave(s, op, rv);
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
        return final(session, OP_MESSAGE_SIGN);
}

/* ---- verification ---- */

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return init(session, OP_MESSAGE_VERIFY, mechanism, key, CKF_MESSAGE_VERIFY);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR data,
                      CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = enter(session, OP_MESSAGE_VERIFY, STEP_WHOLE, param, param_len, &s, &op);

        if (rv != CKR_OK)
                return rv;
        rv = !signature || (!data && data_len)
                 ? CKR_ARGUMENTS_BAD
                 : op_verify(op, slice_of(data, data_len), slice_of(signature, signature_len));
        op_end(op);
        session_put(s);
        return rv;
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len)
{
        return begin(session, OP_MESSAGE_VERIFY, param, param_len);
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR part,
                          CK_ULONG part_len, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = enter(session, OP_MESSAGE_VERIFY, STEP_PART, param, param_len, &s, &op);

        if (rv != CKR_OK)
                return rv;
        rv = part || !part_len ? op_feed(op, OP_VERIFY, slice_of(part, part_len)) : CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK && signature) {
                rv = op_verify(op, buf_slice(&op->data), slice_of(signature, signature_len));
                op_end(op);
        }
        return op_leave(s, op, rv);
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
        return final(session, OP_MESSAGE_VERIFY);
}
