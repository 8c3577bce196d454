/* Signatures and digests. */
#include "pkcs11/module.h"

#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)1024 * 1024)

/* Ends an operation that failed; one that only lacks room goes on. */
static CK_RV settle(struct op *op, CK_RV rv)
{
        if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
                op_clear(op);
        return rv;
}

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = op_begin(s, OP_SIGN, mechanism, key, CKF_SIGN);
        session_put(s);
        return rv;
}

static CK_RV sign_run(struct op *op, struct slice data)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SignRequest body = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = op->key >= LOCAL_HANDLE ? arena_new(ARENA_FIRST, ARENA_MOST) : NULL;
        CK_RV rv;

        if (op->facts.always_authenticate && !op->authorised)
                return CKR_USER_NOT_LOGGED_IN;
        rv = op->key >= LOCAL_HANDLE && !arena ? CKR_HOST_MEMORY : object_ref(op->key, arena, &ref);
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

/* The length is answered without signing where it is known. */
static CK_RV sign_finish(struct op *op, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        size_t size = op_signature_size(op);
        CK_RV rv = CKR_OK;

        if (!op->ready && size && (!out || *out_len < size)) {
                *out_len = size;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        if (!op->ready && op_is_large(op, data))
                rv = op_stream_whole(op, OP_SIGN, data, SLICE_EMPTY);
        else if (!op->ready)
                rv = sign_run(op, data);
        return settle(op, rv == CKR_OK ? op_deliver(op, out, out_len) : rv);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
             CK_ULONG_PTR out_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_SIGN];
        if (!op->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (op->multi)
                rv = CKR_OPERATION_ACTIVE;
        else if (!out_len || (!data && data_len))
                rv = settle(op, CKR_ARGUMENTS_BAD);
        else
                rv = sign_finish(op, slice_of(data, data_len), out, out_len);
        session_put(s);
        return rv;
}

static CK_RV gather(CK_SESSION_HANDLE session, enum op_kind kind, CK_BYTE_PTR part, CK_ULONG n)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[kind];
        if (!op->active) {
                rv = CKR_OPERATION_NOT_INITIALIZED;
        } else {
                op->multi = true;
                rv = settle(op, part || !n ? op_feed(op, kind, slice_of(part, n)) : CKR_ARGUMENTS_BAD);
        }
        session_put(s);
        return rv;
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        return gather(session, OP_SIGN, part, part_len);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_SIGN];
        if (!op->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (!out_len)
                rv = settle(op, CKR_ARGUMENTS_BAD);
        else
                rv = sign_finish(op, buf_slice(&op->data), out, out_len);
        session_put(s);
        return rv;
}

/* ---- verification ---- */

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = op_begin(s, OP_VERIFY, mechanism, key, CKF_VERIFY);
        session_put(s);
        return rv;
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

static CK_RV verify_finish(struct op *op, struct slice data, struct slice signature)
{
        return op_is_large(op, data) ? op_stream_whole(op, OP_VERIFY, data, signature)
                                     : verify_run(op, data, signature);
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
               CK_ULONG signature_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_VERIFY];
        if (!op->active) {
                rv = CKR_OPERATION_NOT_INITIALIZED;
        } else if (op->multi) {
                rv = CKR_OPERATION_ACTIVE;
        } else {
                rv = (!data && data_len) || !signature
                         ? CKR_ARGUMENTS_BAD
                         : verify_finish(op, slice_of(data, data_len), slice_of(signature, signature_len));
                op_clear(op);
        }
        session_put(s);
        return rv;
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        return gather(session, OP_VERIFY, part, part_len);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_VERIFY];
        if (!op->active) {
                rv = CKR_OPERATION_NOT_INITIALIZED;
        } else {
                rv = signature ? verify_finish(op, buf_slice(&op->data), slice_of(signature, signature_len))
                               : CKR_ARGUMENTS_BAD;
                op_clear(op);
        }
        session_put(s);
        return rv;
}

/* ---- digests ---- */

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = op_begin(s, OP_DIGEST, mechanism, CK_INVALID_HANDLE, CKF_DIGEST);
        session_put(s);
        return rv;
}

static CK_RV digest_run(struct op *op, struct slice data)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DigestRequest body = CHSM__DIGEST_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        size_t first = op->digest_key ? op->digest_at : data.n;
        CK_RV rv = arena ? CKR_OK : CKR_HOST_MEMORY;

        if (rv == CKR_OK && op->digest_key) {
                rv = object_ref(op->digest_key, arena, &ref);
                body.key = &ref;
        }
        if (rv == CKR_OK) {
                body.mechanism = &m;
                body.data = (ProtobufCBinaryData){ first, (uint8_t *)(uintptr_t)data.p };
                body.more = (ProtobufCBinaryData){ data.n - first, (uint8_t *)(uintptr_t)data.p + first };
                request.digest = &body;
                request.body_case = CHSM__REQUEST__BODY_DIGEST;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = op_result(op, answer.response->data);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

static CK_RV digest_finish(struct op *op, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        size_t size = op_signature_size(op);
        CK_RV rv;

        if (!out || *out_len < size) {
                *out_len = size;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        rv = op_is_large(op, data) ? op_stream_whole(op, OP_DIGEST, data, SLICE_EMPTY) : digest_run(op, data);
        return settle(op, rv == CKR_OK ? op_deliver(op, out, out_len) : rv);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
               CK_ULONG_PTR out_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_DIGEST];
        if (!op->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (op->multi)
                rv = CKR_OPERATION_ACTIVE;
        else if (!out_len || (!data && data_len))
                rv = settle(op, CKR_ARGUMENTS_BAD);
        else
                rv = digest_finish(op, slice_of(data, data_len), out, out_len);
        session_put(s);
        return rv;
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
        return gather(session, OP_DIGEST, part, part_len);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
        struct session *s;
        struct key_facts facts;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_DIGEST];
        if (!op->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if ((rv = object_facts(key, false, &facts)) == CKR_OK &&
                 (facts.object_class != CKO_SECRET_KEY || op->digest_key || op->stream))
                rv = CKR_KEY_INDIGESTIBLE; /* one key a digest travels with the request */
        if (rv == CKR_OK) {
                op->multi = true;
                op->digest_key = key;
                op->digest_at = op->data.n;
        }
        session_put(s);
        return rv;
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_DIGEST];
        if (!op->active)
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (!out_len)
                rv = settle(op, CKR_ARGUMENTS_BAD);
        else
                rv = digest_finish(op, buf_slice(&op->data), out, out_len);
        session_put(s);
        return rv;
}
