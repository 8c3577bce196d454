/* Digests, and what makes their state travel: C_GetOperationState. */
#include "pkcs11/module.h"

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism)
{
        return op_init(session, OP_DIGEST, mechanism, CK_INVALID_HANDLE, CKF_DIGEST);
}

static CK_RV digest_run(struct op *op, struct slice data)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DigestRequest body = CHSM__DIGEST_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv;

        body.mechanism = &m;
        body.data = (ProtobufCBinaryData){ data.n, (uint8_t *)(uintptr_t)data.p };
        request.digest = &body;
        request.body_case = CHSM__REQUEST__BODY_DIGEST;
        rv = module_call(&request, &answer);
        if (rv == CKR_OK)
                rv = op_result(op, answer.response->data);
        chsm_answer_clear(&answer);
        return rv;
}

static CK_RV digest_any(struct op *op, struct slice data)
{
        return op_is_large(op, data) ? op_stream_whole(op, OP_DIGEST, data, SLICE_EMPTY)
                                     : digest_run(op, data);
}

static CK_RV digest_finish(struct op *op, enum op_step step, struct slice data, CK_BYTE_PTR out,
                           CK_ULONG_PTR out_len)
{
        return op_finish(op, step, op_signature_size(op), data, digest_any, out, out_len);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
               CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_DIGEST, STEP_WHOLE, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(s, op,
                        !out_len || (!data && data_len)
                            ? CKR_ARGUMENTS_BAD
                            : digest_finish(op, STEP_WHOLE, slice_of(data, data_len), out, out_len));
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        return op_part(session, OP_DIGEST, part, part_len);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
        struct key_facts facts;
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_DIGEST, STEP_PART, &s, &op);

        if (rv != CKR_OK)
                return rv;
        op->multi = true;
        rv = object_facts(key, false, &facts);
        if (rv == CKR_OK && facts.object_class != CKO_SECRET_KEY)
                rv = CKR_KEY_INDIGESTIBLE;
        if (rv == CKR_OK)
                rv = op_stream_key(op, key);
        return op_leave(s, op, rv);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_DIGEST, STEP_END, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(s, op,
                        out_len ? digest_finish(op, STEP_END, buf_slice(&op->data), out, out_len)
                                : CKR_ARGUMENTS_BAD);
}

/* ---- the state of a digest ---- */

/* Nothing in it is the module's secret: version, mechanism, and the application's own data so far. So it
 * needs no seal; what is read back is checked like any parameter. */
#define STATE_VERSION 1
#define STATE_HEAD    9

static bool others_active(const struct session *s)
{
        for (int kind = OP_NONE; kind < OP_KINDS; kind++) {
                if (kind != OP_DIGEST && kind != OP_FIND && s->ops[kind].active)
                        return true;
        }
        return false;
}

static CK_RV state_save(const struct op *op, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        CK_ULONG room = *out_len;
        struct buf state = BUF_INIT;
        CK_RV rv = CKR_OK;

        buf_put_u8(&state, STATE_VERSION);
        buf_put_u64(&state, op->mechanism);
        buf_put_slice(&state, buf_slice(&op->data));
        *out_len = state.n;
        if (!buf_ok(&state))
                rv = CKR_HOST_MEMORY;
        else if (out && room < state.n)
                rv = CKR_BUFFER_TOO_SMALL;
        else if (out)
                memcpy(out, state.p, state.n);
        if (state.p)
                sec_wipe(state.p, state.n);
        buf_clear(&state);
        return rv;
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG_PTR state_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        const struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_DIGEST];
        if (!state_len)
                rv = CKR_ARGUMENTS_BAD;
        else if (others_active(s) || op->stream || op->ready)
                rv = CKR_STATE_UNSAVEABLE;
        else if (!op->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else
                rv = state_save(op, state, state_len);
        session_put(s);
        return rv;
}

static CK_RV state_load(struct session *s, struct slice state)
{
        struct reader in = reader_of(state);
        struct op *op = &s->ops[OP_DIGEST];
        uint8_t version = reader_u8(&in);
        CK_MECHANISM m = { (CK_MECHANISM_TYPE)reader_u64(&in), NULL, 0 };
        CK_RV rv;

        if (!reader_ok(&in) || version != STATE_VERSION)
                return CKR_SAVED_STATE_INVALID;
        op_end(op); /* the state of before is given up */
        rv = op_begin(s, OP_DIGEST, &m, CK_INVALID_HANDLE, CKF_DIGEST);
        if (rv == CKR_MECHANISM_INVALID)
                return CKR_SAVED_STATE_INVALID;
        if (rv == CKR_OK && in.rest.n) {
                op->multi = true;
                rv = op_feed(op, OP_DIGEST, in.rest);
        }
        if (rv != CKR_OK)
                op_clear(op);
        return rv;
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG state_len,
                          CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (!state)
                rv = CKR_ARGUMENTS_BAD;
        else if (encryption_key || authentication_key)
                rv = CKR_KEY_NOT_NEEDED;
        else if (others_active(s))
                rv = CKR_OPERATION_ACTIVE;
        else
                rv = state_load(s, slice_of(state, state_len));
        session_put(s);
        return rv;
}
