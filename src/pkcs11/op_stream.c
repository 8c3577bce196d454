/* Data larger than a message, and parts of ciphers: they go to the node one by one, where the hash or MAC of
 * them grows or the cipher runs on. */
#include "pkcs11/module.h"

#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)1024 * 1024)

bool op_is_large(const struct op *op, struct slice data)
{
        return op->stream || data.n > chsm_data_max(module.chsm);
}

CK_RV op_stream_open(struct op *op, enum op_kind kind)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest body = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        CK_RV rv = arena ? CKR_OK : CKR_HOST_MEMORY;

        if (rv == CKR_OK && kind != OP_DIGEST) {
                rv = object_ref(op->key, arena, &ref);
                body.key = &ref;
        }
        if (rv == CKR_OK)
                rv = op_authorise(op, kind, &request, arena);
        if (rv == CKR_OK) {
                body.operation = op_number(kind);
                body.mechanism = &m;
                request.stream_open = &body;
                request.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK) {
                op->stream = answer.response->stream_open->stream;
                op_take_iv(op, answer.response->stream_open->iv);
        }
        op->part = 0;
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

static CK_RV ask(struct op *op, Chsm__StreamPartRequest *body, struct slice data, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        CK_RV rv;

        body->stream = op->stream;
        body->sequence = op->part++;
        body->data = (ProtobufCBinaryData){ data.n, (uint8_t *)(uintptr_t)data.p };
        request.stream_part = body;
        request.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        rv = module_call(&request, answer);
        if (rv != CKR_OK && rv != CKR_DEVICE_ERROR)
                op->stream = 0; /* the node ends what it refuses */
        return rv;
}

CK_RV op_stream_crypt(struct op *op, struct slice data, bool last, struct slice receipt, CK_BYTE_PTR out,
                      size_t *n)
{
        Chsm__StreamPartRequest body = CHSM__STREAM_PART_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv;

        body.last = last;
        body.signature = (ProtobufCBinaryData){ receipt.n, (uint8_t *)(uintptr_t)receipt.p };
        rv = ask(op, &body, data, &answer);
        if (rv == CKR_OK && answer.response->data->data.len > *n)
                rv = module_refuse(ERR_PROTOCOL, "the HSM gave more than was asked for");
        if (rv == CKR_OK) {
                *n = answer.response->data->data.len;
                memcpy(out, *n ? answer.response->data->data.data : out, *n);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static CK_RV stream_part(struct op *op, Chsm__StreamPartRequest *body, struct slice data)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv = ask(op, body, data, &answer);

        if (rv == CKR_OK && answer.response->body_case == CHSM__RESPONSE__BODY_DATA)
                rv = op_result(op, answer.response->data);
        chsm_answer_clear(&answer);
        return rv;
}

/* All of data but what belongs into the last part. */
static CK_RV send_parts(struct op *op, struct slice *data)
{
        size_t most = chsm_data_max(module.chsm);
        CK_RV rv = CKR_OK;

        while (rv == CKR_OK && data->n > most) {
                Chsm__StreamPartRequest body = CHSM__STREAM_PART_REQUEST__INIT;

                rv = stream_part(op, &body, slice_of(data->p, most));
                *data = slice_of(data->p + most, data->n - most);
        }
        return rv;
}

CK_RV op_feed(struct op *op, enum op_kind kind, struct slice data)
{
        size_t most = chsm_data_max(module.chsm);
        struct slice all = data;
        CK_RV rv = CKR_OK;

        if (op->data.n + data.n <= most)
                return op_gather(op, (CK_BYTE_PTR)(uintptr_t)data.p, data.n);
        if (!op->stream && (rv = op_stream_open(op, kind)) == CKR_DATA_LEN_RANGE)
                return op_gather(op, (CK_BYTE_PTR)(uintptr_t)data.p, data.n); /* must be seen whole */
        if (rv == CKR_OK && op->data.n) {
                struct slice held = buf_slice(&op->data);
                Chsm__StreamPartRequest body = CHSM__STREAM_PART_REQUEST__INIT;

                rv = send_parts(op, &held);
                if (rv == CKR_OK)
                        rv = stream_part(op, &body, held);
                buf_reset(&op->data);
        }
        if (rv == CKR_OK)
                rv = send_parts(op, &all);
        return rv == CKR_OK ? op_gather(op, (CK_BYTE_PTR)(uintptr_t)all.p, all.n) : rv;
}

CK_RV op_stream_whole(struct op *op, enum op_kind kind, struct slice data, struct slice signature)
{
        Chsm__StreamPartRequest last = CHSM__STREAM_PART_REQUEST__INIT;
        CK_RV rv = op->stream ? CKR_OK : op_stream_open(op, kind);

        if (rv == CKR_OK)
                rv = send_parts(op, &data);
        last.last = true;
        last.signature = (ProtobufCBinaryData){ signature.n, (uint8_t *)(uintptr_t)signature.p };
        if (rv == CKR_OK)
                rv = stream_part(op, &last, data);
        op->stream = 0;
        return rv;
}

void op_stream_cancel(struct op *op)
{
        Chsm__StreamPartRequest body = CHSM__STREAM_PART_REQUEST__INIT;

        body.cancel = true;
        if (op->stream)
                (void)stream_part(op, &body, SLICE_EMPTY);
        op->stream = 0;
}

CK_RV op_stream_key(struct op *op, CK_OBJECT_HANDLE key)
{
        Chsm__StreamPartRequest body = CHSM__STREAM_PART_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        CK_RV rv = arena ? object_ref(key, arena, &ref) : CKR_HOST_MEMORY;

        if (rv == CKR_OBJECT_HANDLE_INVALID)
                rv = CKR_KEY_HANDLE_INVALID;
        if (rv == CKR_OK && !op->stream)
                rv = op_stream_open(op, OP_DIGEST);
        if (rv == CKR_OK) {
                struct slice held = buf_slice(&op->data);

                body.key = &ref;
                rv = send_parts(op, &held);
                if (rv == CKR_OK)
                        rv = stream_part(op, &body, held);
                buf_reset(&op->data);
        }
        arena_free(&arena);
        return rv;
}
