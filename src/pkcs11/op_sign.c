/* Signatures and their verification. */
#include "pkcs11/module.h"

#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)1024 * 1024)

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return op_init(session, OP_SIGN, mechanism, key, CKF_SIGN);
}

static CK_RV sign_run(struct op *op, struct slice data)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SignRequest body = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool copies = op->key >= LOCAL_HANDLE || op->facts.always_authenticate;
        struct arena *arena = copies ? arena_new(ARENA_FIRST, ARENA_MOST) : NULL;
        CK_RV rv = copies && !arena ? CKR_HOST_MEMORY : object_ref(op->key, arena, &ref);

        if (rv == CKR_OK)
                rv = op_authorise(op, OP_SIGN, &request, arena);
        if (rv == CKR_OK) {
                body.key = &ref;
                body.mechanism = &m;
                body.data = (ProtobufCBinaryData){ data.n, (uint8_t *)(uintptr_t)data.p };
                request.sign = &body;
                request.body_case = CHSM__REQUEST__BODY_SIGN;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = op_result(op, answer.response->data);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

static CK_RV sign_any(struct op *op, struct slice data)
{
        return op_is_large(op, data) ? op_stream_whole(op, OP_SIGN, data, SLICE_EMPTY) : sign_run(op, data);
}

CK_RV op_sign(struct op *op, enum op_step step, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        return op_finish(op, step, op_signature_size(op), data, sign_any, out, out_len);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
             CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_SIGN, STEP_WHOLE, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(s, op,
                        !out_len || (!data && data_len)
                            ? CKR_ARGUMENTS_BAD
                            : op_sign(op, STEP_WHOLE, slice_of(data, data_len), out, out_len));
}

CK_RV op_part(CK_SESSION_HANDLE session, enum op_kind kind, CK_BYTE_PTR part, CK_ULONG n)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, kind, STEP_PART, &s, &op);

        if (rv != CKR_OK)
                return rv;
        op->multi = true;
        return op_leave(s, op, part || !n ? op_feed(op, kind, slice_of(part, n)) : CKR_ARGUMENTS_BAD);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        return op_part(session, OP_SIGN, part, part_len);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_SIGN, STEP_END, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(
            s, op, out_len ? op_sign(op, STEP_END, buf_slice(&op->data), out, out_len) : CKR_ARGUMENTS_BAD);
}

/* ---- verification ---- */

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return op_init(session, OP_VERIFY, mechanism, key, CKF_VERIFY);
}

static CK_RV verify_run(struct op *op, struct slice data, struct slice signature)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__VerifyRequest body = CHSM__VERIFY_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        CK_RV rv = arena ? object_ref(op->key, arena, &ref) : CKR_HOST_MEMORY;

        if (rv == CKR_OK) {
                body.key = &ref;
                body.mechanism = &m;
                body.data = (ProtobufCBinaryData){ data.n, (uint8_t *)(uintptr_t)data.p };
                body.signature = (ProtobufCBinaryData){ signature.n, (uint8_t *)(uintptr_t)signature.p };
                request.verify = &body;
                request.body_case = CHSM__REQUEST__BODY_VERIFY;
                rv = module_call(&request, &answer);
        }
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

CK_RV op_verify(struct op *op, struct slice data, struct slice signature)
{
        return op_is_large(op, data) ? op_stream_whole(op, OP_VERIFY, data, signature)
                                     : verify_run(op, data, signature);
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
               CK_ULONG signature_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_VERIFY, STEP_WHOLE, &s, &op);

        if (rv != CKR_OK)
                return rv;
        rv = (!data && data_len) || !signature
                 ? CKR_ARGUMENTS_BAD
                 : op_verify(op, slice_of(data, data_len), slice_of(signature, signature_len));
        op_clear(op);
        session_put(s);
        return rv;
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        return op_part(session, OP_VERIFY, part, part_len);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_VERIFY, STEP_END, &s, &op);

        if (rv != CKR_OK)
                return rv;
        rv = signature ? op_verify(op, buf_slice(&op->data), slice_of(signature, signature_len))
                       : CKR_ARGUMENTS_BAD;
        op_clear(op);
        session_put(s);
        return rv;
}
