/* Encryption and decryption. Block modes go part by part: the module chains IV and counter from one request
 * to the next. What authenticates its data is gathered, as nothing may come out before the tag is seen. */
#include "ck/mechanism_param.h"
#include "pkcs11/module.h"

#define BLOCK       16
#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)1024 * 1024)

static bool in_blocks(const struct op *op)
{
        switch (op->mechanism) {
        case CKM_AES_ECB:
        case CKM_AES_CBC:
        case CKM_AES_CBC_PAD:
        case CKM_AES_CTR:
                return true;
        default:
                return false;
        }
}

static CK_RV begin(CK_SESSION_HANDLE session, enum op_kind kind, CK_MECHANISM_PTR mechanism,
                   CK_OBJECT_HANDLE key)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = op_begin(s, kind, mechanism, key, kind == OP_ENCRYPT ? CKF_ENCRYPT : CKF_DECRYPT);
        session_put(s);
        return rv;
}

/* One request. The result is appended to out. */
static CK_RV run(struct op *op, enum op_kind kind, CK_MECHANISM_TYPE mechanism, struct slice data,
                 struct buf *out)
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
                m.number = mechanism;
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
        if (rv == CKR_OK) {
                const Chsm__DataResponse *r = answer.response->data;

                buf_put(out, r->data.data, r->data.len);
                if (op->iv_out && r->iv.len == op->iv_out_n)
                        memcpy(op->iv_out, r->iv.data, r->iv.len);
                rv = buf_ok(out) ? CKR_OK : CKR_HOST_MEMORY;
        }
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

/* ---- chaining ---- */

/* The parameter of the next part: the last cipher block, or the counter further on. */
static CK_RV chain(struct op *op, enum op_kind kind, struct slice in, struct slice out)
{
        struct slice cipher = kind == OP_ENCRYPT ? out : in;
        struct ck_mech_param param;
        CK_AES_CTR_PARAMS ctr;
        CK_MECHANISM m = { op->mechanism, &ctr, sizeof(ctr) };
        CK_OBJECT_HANDLE second;
        struct err err = ERR_INIT;
        uint64_t carry;

        if (op->mechanism == CKM_AES_ECB)
                return CKR_OK;
        if (op->mechanism != CKM_AES_CTR) {
                buf_reset(&op->parameter);
                buf_put(&op->parameter, cipher.p + cipher.n - BLOCK, BLOCK);
                return buf_ok(&op->parameter) ? CKR_OK : CKR_HOST_MEMORY;
        }
        if (!ck_mech_param_decode(op->mechanism, buf_slice(&op->parameter), &param, &err))
                return module_err(&err);
        ctr.ulCounterBits = param.u.ctr.bits;
        memcpy(ctr.cb, param.u.ctr.block, BLOCK);
        carry = in.n / BLOCK;
        for (int i = BLOCK - 1; i >= 0 && carry; i--) {
                carry += ctr.cb[i];
                ctr.cb[i] = (CK_BYTE)carry;
                carry >>= 8;
        }
        buf_reset(&op->parameter);
        return ck_mech_param_encode(&m, &op->parameter, &second, &err) ? CKR_OK : module_err(&err);
}

/* Whole blocks, in as many requests as their size needs. */
static CK_RV run_blocks(struct op *op, enum op_kind kind, struct slice data, struct buf *out)
{
        CK_MECHANISM_TYPE mechanism = op->mechanism == CKM_AES_CBC_PAD ? CKM_AES_CBC : op->mechanism;
        size_t most = chsm_data_max(module.chsm) / BLOCK * BLOCK;
        CK_RV rv = CKR_OK;

        for (size_t at = 0; rv == CKR_OK && at < data.n;) {
                struct slice part = slice_of(data.p + at, data.n - at < most ? data.n - at : most);
                size_t before = out->n;

                rv = run(op, kind, mechanism, part, out);
                if (rv == CKR_OK)
                        rv = chain(op, kind, part, slice_of(out->p + before, out->n - before));
                at += part.n;
        }
        return rv;
}

/* Bytes of the gathered ones that can go now. */
static size_t whole(const struct op *op, enum op_kind kind, size_t n)
{
        if (op->mechanism == CKM_AES_CBC_PAD && kind == OP_DECRYPT)
                return n ? (n - 1) / BLOCK * BLOCK : 0; /* the last block holds the padding */
        return n / BLOCK * BLOCK;
}

CK_RV op_update(struct op *op, enum op_kind kind, struct slice part, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        size_t ready = in_blocks(op) ? whole(op, kind, op->data.n + part.n) : 0;
        struct buf result = BUF_INIT;
        CK_RV rv;

        if (!out || *out_len < ready) {
                *out_len = ready;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        op->multi = true;
        rv = op_gather(op, (CK_BYTE_PTR)(uintptr_t)part.p, part.n);
        if (rv == CKR_OK && ready)
                rv = run_blocks(op, kind, slice_of(op->data.p, ready), &result);
        if (rv == CKR_OK) {
                memcpy(out, result.n ? result.p : out, result.n);
                *out_len = result.n;
                memmove(op->data.p, op->data.p + ready, op->data.n - ready);
                op->data.n -= ready;
        }
        if (result.p)
                sec_wipe(result.p, result.n);
        buf_clear(&result);
        return rv;
}

/* What is left: a part of a block, padding, or everything that had to be gathered. */
CK_RV op_crypt(struct op *op, enum op_kind kind, struct slice data)
{
        size_t blocks;
        CK_RV rv = CKR_OK;

        buf_reset(&op->result);
        if (!in_blocks(op))
                rv = run(op, kind, op->mechanism, data, &op->result);
        else if (data.n <= chsm_data_max(module.chsm) && (data.n || op->mechanism == CKM_AES_CBC_PAD))
                rv = run(op, kind, op->mechanism, data, &op->result);
        else if (data.n) {
                blocks = whole(op, kind, data.n);
                rv = run_blocks(op, kind, slice_of(data.p, blocks), &op->result);
                if (rv == CKR_OK && (blocks < data.n || op->mechanism == CKM_AES_CBC_PAD))
                        rv = run(op, kind, op->mechanism, slice_of(data.p + blocks, data.n - blocks),
                                 &op->result);
        }
        return rv;
}

/* Most bytes that the answer to n bytes can have. */
static size_t bound(const struct op *op, enum op_kind kind, size_t n)
{
        if (op->facts.key_type == CKK_RSA)
                return op->facts.bytes;
        if (op->mechanism == CKM_AES_CBC_PAD && kind == OP_ENCRYPT)
                return n / BLOCK * BLOCK + BLOCK;
        return in_blocks(op) || kind == OP_DECRYPT ? n : n + 32;
}

/* All at once, or the end of the parts. */
static CK_RV conclude(CK_SESSION_HANDLE session, enum op_kind kind, enum op_step step, struct slice data,
                      CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, kind, step, &s, &op);

        if (rv != CKR_OK)
                return rv;
        if (step == STEP_END)
                data = buf_slice(&op->data);
        if (!out_len || (!data.p && data.n)) {
                rv = CKR_ARGUMENTS_BAD;
        } else if (!out && !op_waits(op, data)) {
                *out_len = bound(op, kind, data.n);
        } else {
                rv = op_waits(op, data) ? CKR_OK : op_crypt(op, kind, data);
                rv = rv == CKR_OK ? op_deliver(op, step, data, out, out_len) : rv;
        }
        return op_leave(s, op, rv);
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
