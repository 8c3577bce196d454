/* Encryption and decryption. What fits into a message and comes at once is one request; parts and larger data
 * go through a stream on the node (op_cipher_bulk.c). Authenticated data to decrypt is gathered, as nothing
 * may come out before the tag is seen. How much comes out when is what ck/mechanism_size.h says. */
#include "ck/mechanism_size.h"
#include "pkcs11/module.h"

#include <stdlib.h>

#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)1024 * 1024)

/* What is known of the sizes of an operation. */
struct sizes {
        const struct ck_mech_size *row; /* NULL: all data is needed at once */
        struct ck_mech_param param;
        bool encrypts, waits; /* waits: for the tag */
};

static struct sizes sizes_of(const struct op *op, enum op_kind kind)
{
        const struct ck_mech_size *row = ck_mech_size(op->mechanism);
        struct sizes s = { .row = row && row->unit ? row : NULL, .encrypts = kind == OP_ENCRYPT };
        struct err err = ERR_INIT;

        if (s.row && !ck_mech_param_decode(op->mechanism, buf_slice(&op->parameter), &s.param, &err))
                s.row = NULL;
        s.waits = s.row && s.row->authenticates && !s.encrypts;
        return s;
}

/* Most bytes that come out at the end when n were not answered before. */
static size_t bound(const struct op *op, const struct sizes *s, size_t n)
{
        if (op->facts.key_type == CKK_RSA)
                return op->facts.bytes;
        if (!s->row)
                return s->encrypts ? n + 32 : n;
        return ck_mech_end(s->row, &s->param, s->encrypts, n) +
               (s->encrypts && !op->shown ? s->row->prefix : 0);
}

static CK_RV begin(CK_SESSION_HANDLE session, enum op_kind kind, CK_MECHANISM_PTR mechanism,
                   CK_OBJECT_HANDLE key)
{
        return op_init(session, kind, mechanism, key, kind == OP_ENCRYPT ? CKF_ENCRYPT : CKF_DECRYPT);
}

/* All data in one request. The result is in op. */
static CK_RV run(struct op *op, enum op_kind kind, struct slice parameter, struct slice data)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__EncryptRequest encrypt = CHSM__ENCRYPT_REQUEST__INIT;
        Chsm__DecryptRequest decrypt = CHSM__DECRYPT_REQUEST__INIT;
        Chsm__Mechanism m = op_mechanism(op);
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        CK_RV rv = arena ? object_ref(op->key, arena, &ref) : CKR_HOST_MEMORY;

        if (rv == CKR_OK)
                rv = op_authorise(op, kind, &request, arena);
        if (rv == CKR_OK) {
                m.parameter = (ProtobufCBinaryData){ parameter.n, (uint8_t *)(uintptr_t)parameter.p };
                encrypt.key = decrypt.key = &ref;
                encrypt.mechanism = decrypt.mechanism = &m;
                encrypt.data = decrypt.data = (ProtobufCBinaryData){ data.n, (uint8_t *)(uintptr_t)data.p };
                if (kind == OP_ENCRYPT)
                        request.encrypt = &encrypt;
                else
                        request.decrypt = &decrypt;
                request.body_case =
                    kind == OP_ENCRYPT ? CHSM__REQUEST__BODY_ENCRYPT : CHSM__REQUEST__BODY_DECRYPT;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = op_result(op, answer.response->data);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

/* ---- parts ---- */

/* Authenticated data to decrypt has no bound but memory. */
static CK_RV gather_sealed(struct op *op, struct slice part)
{
        size_t wanted = op->sealed_n + part.n, room = op->sealed_room ? op->sealed_room : 4096;
        uint8_t *p = op->sealed;

        while (room < wanted && room <= SIZE_MAX / 2)
                room *= 2;
        if (wanted < part.n || room < wanted)
                return CKR_DATA_LEN_RANGE;
        if (room > op->sealed_room)
                p = realloc(op->sealed, room);
        if (!p)
                return CKR_HOST_MEMORY;
        op->sealed = p;
        op->sealed_room = room;
        memcpy(p + op->sealed_n, part.n ? part.p : p, part.n);
        op->sealed_n = wanted;
        return CKR_OK;
}

/* All that waits here and the part go to the node, which keeps what it cannot answer yet. */
static CK_RV pass_on(struct op *op, enum op_kind kind, struct slice part, CK_BYTE_PTR out, size_t *n)
{
        CK_RV rv = op_bulk(op, kind, buf_slice(&op->data), part, false, out, n);

        if (op->data.n)
                sec_wipe(op->data.p, op->data.n);
        buf_reset(&op->data);
        return rv;
}

CK_RV op_update(struct op *op, enum op_kind kind, struct slice part, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct sizes s = sizes_of(op, kind);
        size_t all = op->behind + op->data.n + part.n,
               ready = s.row ? ck_mech_ready(s.row, s.encrypts, all) : 0;
        size_t n = ready && s.encrypts && !op->shown ? ready + s.row->prefix : ready;
        CK_RV rv;

        if (!out || *out_len < n) {
                *out_len = n;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        op->multi = true;
        if (s.waits)
                rv = gather_sealed(op, part);
        else if (!ready)
                rv = op_gather(op, (CK_BYTE_PTR)(uintptr_t)part.p, part.n);
        else
                rv = pass_on(op, kind, part, out, &n);
        if (ready)
                op->behind = all - ready;
        *out_len = n;
        return rv;
}

/* ---- all at once, or the end of the parts ---- */

static bool is_large(const struct op *op, const struct sizes *s, struct slice data)
{
        return op->stream || (s->row && data.n > chsm_data_max(module.chsm));
}

/* Bytes that a large decryption gives. Of padded data that is seen in its last block, which opens by itself
 * with the one before it as its IV. */
static CK_RV size_of_large(struct op *op, enum op_kind kind, const struct sizes *s, struct slice data,
                           size_t room, size_t *n)
{
        size_t unit = s->row->unit;
        CK_RV rv = CKR_OK;

        *n = bound(op, s, data.n);
        if (!s->row->pads || s->encrypts || room >= *n || op->stream || data.n % unit)
                return CKR_OK;
        rv =
            run(op, kind, slice_of(data.p + data.n - 2 * unit, unit), slice_of(data.p + data.n - unit, unit));
        *n = data.n - unit + op->result.n;
        return rv;
}

static CK_RV conclude_large(struct op *op, enum op_kind kind, const struct sizes *s, struct slice data,
                            CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        size_t n;
        CK_RV rv = size_of_large(op, kind, s, data, *out_len, &n);

        if (rv != CKR_OK)
                return rv;
        if (*out_len < n) {
                *out_len = n;
                return CKR_BUFFER_TOO_SMALL;
        }
        n = *out_len;
        rv = s->waits ? op_bulk_open(op, data, out, &n) : op_bulk(op, kind, SLICE_EMPTY, data, true, out, &n);
        *out_len = n;
        if (rv == CKR_OK)
                op_clear(op);
        return rv;
}

/* The end of a stream gives a block or a tag, which waits when there is no room for it. */
static CK_RV end_stream(struct op *op, enum op_kind kind)
{
        size_t n = op->behind + op->data.n + 64;
        uint8_t *at = buf_extend(&op->result, n);
        CK_RV rv = at ? op_bulk(op, kind, SLICE_EMPTY, buf_slice(&op->data), true, at, &n) : CKR_HOST_MEMORY;

        op->result.n = rv == CKR_OK ? n : 0;
        return rv;
}

/* Large data whose result waits here, as messages have it. */
static CK_RV crypt_large(struct op *op, enum op_kind kind, const struct sizes *s, struct slice data)
{
        size_t n = bound(op, s, data.n);
        uint8_t *at = buf_extend(&op->result, n + 1);
        CK_RV rv = CKR_DATA_LEN_RANGE;

        if (at)
                rv = s->waits ? op_bulk_open(op, data, at, &n)
                              : op_bulk(op, kind, SLICE_EMPTY, data, true, at, &n);
        op->result.n = rv == CKR_OK ? n : 0;
        op->shown = false;
        return rv;
}

CK_RV op_crypt(struct op *op, enum op_kind kind, struct slice data)
{
        struct sizes s = sizes_of(op, kind);

        buf_reset(&op->result);
        if (op->stream)
                return end_stream(op, kind);
        return is_large(op, &s, data) ? crypt_large(op, kind, &s, data)
                                      : run(op, kind, buf_slice(&op->parameter), data);
}

static CK_RV conclude(CK_SESSION_HANDLE session, enum op_kind kind, enum op_step step, struct slice data,
                      CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *session_of;
        struct op *op;
        struct sizes s;
        CK_RV rv = op_enter(session, kind, step, &session_of, &op);

        if (rv != CKR_OK)
                return rv;
        s = sizes_of(op, kind);
        if (step == STEP_END)
                data = s.waits ? slice_of(op->sealed, op->sealed_n) : buf_slice(&op->data);
        if (!out_len || (!data.p && data.n)) {
                rv = CKR_ARGUMENTS_BAD;
        } else if (!out && !op_waits(op, data)) {
                *out_len = bound(op, &s, op->behind + data.n);
        } else if (!op->ready && is_large(op, &s, data) && !op->stream) {
                rv = conclude_large(op, kind, &s, data, out, out_len);
        } else {
                rv = op_waits(op, data) ? CKR_OK : op_crypt(op, kind, data);
                rv = rv == CKR_OK ? op_deliver(op, step, data, out, out_len) : rv;
        }
        return op_leave(session_of, op, rv);
}

static CK_RV single(CK_SESSION_HANDLE session, enum op_kind kind, struct slice data, CK_BYTE_PTR out,
                    CK_ULONG_PTR out_len)
{
        return conclude(session, kind, STEP_WHOLE, data, out, out_len);
}

static CK_RV part(CK_SESSION_HANDLE session, enum op_kind kind, struct slice data, CK_BYTE_PTR out,
                  CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, kind, STEP_PART, &s, &op);

        if (rv != CKR_OK)
                return rv;
        return op_leave(s, op,
                        !out_len || (!data.p && data.n) ? CKR_ARGUMENTS_BAD
                                                        : op_update(op, kind, data, out, out_len));
}

static CK_RV final(CK_SESSION_HANDLE session, enum op_kind kind, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        return conclude(session, kind, STEP_END, SLICE_EMPTY, out, out_len);
}

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return begin(session, OP_ENCRYPT, mechanism, key);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                CK_ULONG_PTR out_len)
{
        return single(session, OP_ENCRYPT, slice_of(data, data_len), out, out_len);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                      CK_ULONG_PTR out_len)
{
        return part(session, OP_ENCRYPT, slice_of(data, data_len), out, out_len);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        return final(session, OP_ENCRYPT, out, out_len);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return begin(session, OP_DECRYPT, mechanism, key);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                CK_ULONG_PTR out_len)
{
        return single(session, OP_DECRYPT, slice_of(data, data_len), out, out_len);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                      CK_ULONG_PTR out_len)
{
        return part(session, OP_DECRYPT, slice_of(data, data_len), out, out_len);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        return final(session, OP_DECRYPT, out, out_len);
}
