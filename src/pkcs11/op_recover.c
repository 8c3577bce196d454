/* Signatures that give back what was signed: C_SignRecover and C_VerifyRecover. Single-part only, as the
 * standard has it. */
#include "pkcs11/module.h"

#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)1024 * 1024)

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return op_init(session, OP_SIGN_RECOVER, mechanism, key, CKF_SIGN_RECOVER);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return op_init(session, OP_VERIFY_RECOVER, mechanism, key, CKF_VERIFY_RECOVER);
}

/* Asks the node; the result waits in op. */
static CK_RV ask(struct op *op, enum op_kind kind, struct slice in)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SignRecoverRequest sign = CHSM__SIGN_RECOVER_REQUEST__INIT;
        Chsm__VerifyRecoverRequest verify = CHSM__VERIFY_RECOVER_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        CK_RV rv = arena ? object_ref(op->key, arena, &ref) : CKR_HOST_MEMORY;

        if (rv == CKR_OK)
                rv = op_authorise(op, kind, &request, arena);
        if (rv == CKR_OK) {
                sign.key = verify.key = &ref;
                sign.mechanism = verify.mechanism = &m;
                sign.data = verify.signature = (ProtobufCBinaryData){ in.n, (uint8_t *)(uintptr_t)in.p };
                if (kind == OP_SIGN_RECOVER) {
                        request.sign_recover = &sign;
                        request.body_case = CHSM__REQUEST__BODY_SIGN_RECOVER;
                } else {
                        request.verify_recover = &verify;
                        request.body_case = CHSM__REQUEST__BODY_VERIFY_RECOVER;
                }
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = op_result(op, answer.response->data);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

static CK_RV ask_sign(struct op *op, struct slice in)
{
        return ask(op, OP_SIGN_RECOVER, in);
}

static CK_RV ask_verify(struct op *op, struct slice in)
{
        return ask(op, OP_VERIFY_RECOVER, in);
}

/* A signature's length is known; a message's only after recovery. */
static CK_RV finish(struct op *op, enum op_kind kind, struct slice in, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        bool signs = kind == OP_SIGN_RECOVER;

        return op_finish(op, STEP_WHOLE, signs ? op_signature_size(op) : 0, in, signs ? ask_sign : ask_verify,
                         out, out_len);
}

static CK_RV recover(CK_SESSION_HANDLE session, enum op_kind kind, CK_BYTE_PTR in, CK_ULONG in_len,
                     CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, kind, STEP_WHOLE, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(s, op,
                        !out_len || (!in && in_len) ? CKR_ARGUMENTS_BAD
                                                    : finish(op, kind, slice_of(in, in_len), out, out_len));
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                    CK_ULONG_PTR out_len)
{
        return recover(session, OP_SIGN_RECOVER, data, data_len, out, out_len);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len,
                      CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        return recover(session, OP_VERIFY_RECOVER, signature, signature_len, out, out_len);
}
