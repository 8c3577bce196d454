/* Message-based encryption (PKCS#11 3.0): many messages under one C_MessageEncryptInit, each with an IV that
 * the caller gives or the HSM makes, the tag beside the ciphertext. Parts of a message are gathered: all of
 * it comes out with the last part, for decryption after the tag was seen. */
#include "ck/mechanism_param.h"
#include "pkcs11/module.h"

#include <stdlib.h>

#define IV_MAX 16

/* A message's parameter, whichever structure it came in. */
struct message {
        CK_BYTE_PTR iv, tag;
        CK_ULONG iv_n, fixed_bits, generator, tag_n;
};

static CK_RV bad_parameter(const char *why)
{
        return module_refuse(ERR_MECHANISM_PARAM, why);
}

static CK_RV read_gcm(const void *param, struct message *m)
{
        const CK_GCM_MESSAGE_PARAMS *p = param;

        *m = (struct message){
                p->pIv, p->pTag, p->ulIvLen, p->ulIvFixedBits, p->ivGenerator, p->ulTagBits / 8
        };
        return p->ulTagBits % 8 == 0 && p->ulTagBits <= 128 ? CKR_OK
                                                            : bad_parameter("the tag must be of whole bytes");
}

static CK_RV read_ccm(const void *param, struct message *m)
{
        const CK_CCM_MESSAGE_PARAMS *p = param;

        *m = (struct message){ p->pNonce,           p->pMAC,           p->ulNonceLen,
                               p->ulNonceFixedBits, p->nonceGenerator, p->ulMACLen };
        return CKR_OK;
}

static CK_RV read_chacha(const void *param, struct message *m)
{
        const CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS *p = param;

        *m = (struct message){ p->pNonce, p->pTag, p->ulNonceLen, 0, CKG_NO_GENERATE, 16 };
        return CKR_OK;
}

/* The parameter of the mechanism in its single-message form, as the node knows it. */
union native {
        CK_GCM_PARAMS gcm;
        CK_CCM_PARAMS ccm;
        CK_SALSA20_CHACHA20_POLY1305_PARAMS chacha;
};

static CK_ULONG make_gcm(const struct message *m, struct slice aad, CK_ULONG data_n, union native *out)
{
        (void)data_n;
        out->gcm = (CK_GCM_PARAMS){ m->iv,           m->iv_n,     m->iv_n * 8, (CK_BYTE_PTR)(uintptr_t)aad.p,
                                    (CK_ULONG)aad.n, m->tag_n * 8 };
        return sizeof(out->gcm);
}

static CK_ULONG make_ccm(const struct message *m, struct slice aad, CK_ULONG data_n, union native *out)
{
        out->ccm = (CK_CCM_PARAMS){ data_n,          m->iv,   m->iv_n, (CK_BYTE_PTR)(uintptr_t)aad.p,
                                    (CK_ULONG)aad.n, m->tag_n };
        return sizeof(out->ccm);
}

static CK_ULONG make_chacha(const struct message *m, struct slice aad, CK_ULONG data_n, union native *out)
{
        (void)data_n;
        out->chacha = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){ m->iv, m->iv_n, (CK_BYTE_PTR)(uintptr_t)aad.p,
                                                             (CK_ULONG)aad.n };
        return sizeof(out->chacha);
}

static const struct message_row {
        CK_MECHANISM_TYPE mechanism;
        CK_ULONG size;
        CK_RV (*read)(const void *, struct message *);
        CK_ULONG (*make)(const struct message *, struct slice aad, CK_ULONG data_n, union native *);
} rows[] = {
        { CKM_AES_GCM, sizeof(CK_GCM_MESSAGE_PARAMS), read_gcm, make_gcm },
        { CKM_AES_CCM, sizeof(CK_CCM_MESSAGE_PARAMS), read_ccm, make_ccm },
        { CKM_CHACHA20_POLY1305, sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), read_chacha, make_chacha },
};

static const struct message_row *row_of(CK_MECHANISM_TYPE mechanism)
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].mechanism == mechanism)
                        return &rows[i];
        }
        return NULL;
}

bool op_has_messages(CK_MECHANISM_TYPE mechanism)
{
        return row_of(mechanism) != NULL;
}

/* The lengths are checked here only where this file depends on them; the node checks them all. */
static CK_RV message_read(const struct op *op, const void *param, CK_ULONG param_n, struct message *m)
{
        const struct message_row *row = row_of(op->mechanism);
        CK_RV rv;

        if (!param || param_n != row->size)
                return bad_parameter("the message's parameter is not the structure of the mechanism");
        rv = row->read(param, m);
        if (rv != CKR_OK)
                return rv;
        if (!m->iv || !m->tag || m->iv_n == 0 || m->tag_n == 0 || m->tag_n > 16)
                return bad_parameter("a message needs an IV and a tag");
        if (m->generator != CKG_NO_GENERATE && (m->iv_n > IV_MAX || m->fixed_bits >= m->iv_n * 8))
                return bad_parameter("there are no bits of the IV left to generate");
        return m->generator <= CKG_GENERATE_COUNTER_XOR ? CKR_OK : bad_parameter("no such generator of IVs");
}

/* ---- IVs ---- */

/* The bits after the fixed ones, from `made`. */
static void put_free_bits(struct message *m, const CK_BYTE *made)
{
        CK_ULONG whole = m->fixed_bits / 8;
        CK_BYTE mask = (CK_BYTE)(0xff >> (m->fixed_bits % 8));

        m->iv[whole] = (CK_BYTE)((m->iv[whole] & ~mask) | (made[whole] & mask));
        memcpy(m->iv + whole + 1, made + whole + 1, m->iv_n - whole - 1);
}

/* One more, in the last n bytes. */
static void count_up(CK_BYTE *p, CK_ULONG n)
{
        while (n > 0 && ++p[n - 1] == 0)
                n--;
}

/* Counters begin where the HSM says, so that two operations under one key do not begin at the same place. */
static CK_RV counter_begin(struct op *op, const struct message *m)
{
        op->counter_n = m->iv_n;
        op->messages = 0;
        if (m->generator == CKG_GENERATE_COUNTER)
                return module_random(op->counter, m->iv_n);
        memset(op->counter, 0, sizeof(op->counter));
        memcpy(op->base, m->iv, m->iv_n);
        return CKR_OK;
}

static CK_RV counter_next(struct op *op, struct message *m)
{
        CK_ULONG bits = m->iv_n * 8 - m->fixed_bits;
        CK_RV rv = CKR_OK;

        if (op->counter_n != m->iv_n)
                rv = counter_begin(op, m);
        if (rv != CKR_OK)
                return rv;
        if (bits < 64 && op->messages >> bits)
                return CKR_TOKEN_RESOURCE_EXCEEDED; /* every IV of the counter has been there */
        if (m->generator == CKG_GENERATE_COUNTER) {
                put_free_bits(m, op->counter);
        } else {
                CK_BYTE made[IV_MAX];

                for (CK_ULONG i = 0; i < m->iv_n; i++)
                        made[i] = op->base[i] ^ op->counter[i];
                memcpy(m->iv, op->base, m->iv_n);
                put_free_bits(m, made);
        }
        op->messages++;
        count_up(op->counter, m->iv_n);
        return CKR_OK;
}

/* A whole GCM IV is the node's own to make, whatever its policy says of callers' IVs: zero asks for that. */
static CK_RV iv_make(struct op *op, struct message *m)
{
        CK_BYTE made[IV_MAX];
        CK_RV rv;

        if (m->generator == CKG_NO_GENERATE)
                return CKR_OK;
        if (m->generator == CKG_GENERATE_COUNTER || m->generator == CKG_GENERATE_COUNTER_XOR)
                return counter_next(op, m);
        if (op->mechanism == CKM_AES_GCM && m->fixed_bits == 0 && m->iv_n == 12) {
                memset(m->iv, 0, m->iv_n);
                return CKR_OK;
        }
        if (m->iv_n * 8 - m->fixed_bits < 64)
                return bad_parameter("fewer than 64 random bits of an IV would come twice");
        rv = module_random(made, m->iv_n);
        if (rv == CKR_OK)
                put_free_bits(m, made);
        return rv;
}

/* ---- one message ---- */

static CK_RV set_parameter(struct op *op, const struct message *m, CK_ULONG data_n)
{
        union native native;
        CK_MECHANISM mechanism = { op->mechanism, &native, 0 };
        CK_OBJECT_HANDLE second;
        struct err err = ERR_INIT;

        mechanism.ulParameterLen = row_of(op->mechanism)->make(m, buf_slice(&op->aside), data_n, &native);
        buf_reset(&op->parameter);
        op->iv_out = m->iv;
        op->iv_out_n = m->iv_n;
        return ck_mech_param_encode(&mechanism, &op->parameter, &second, &err) ? CKR_OK : module_err(&err);
}

static CK_RV encrypt(struct op *op, struct message *m, struct slice clear, CK_BYTE_PTR out)
{
        CK_RV rv = iv_make(op, m);

        if (rv == CKR_OK)
                rv = set_parameter(op, m, (CK_ULONG)clear.n);
        if (rv == CKR_OK)
                rv = op_crypt(op, OP_ENCRYPT, clear);
        if (rv == CKR_OK && op->result.n != clear.n + m->tag_n)
                rv = CKR_DEVICE_ERROR;
        if (rv == CKR_OK) {
                if (clear.n)
                        memcpy(out, op->result.p, clear.n);
                memcpy(m->tag, op->result.p + clear.n, m->tag_n);
        }
        return rv;
}

static CK_RV decrypt(struct op *op, struct message *m, struct slice cipher, CK_BYTE_PTR out)
{
        struct buf both = BUF_INIT;
        CK_RV rv = set_parameter(op, m, (CK_ULONG)cipher.n);

        buf_put_slice(&both, cipher);
        buf_put(&both, m->tag, m->tag_n);
        if (rv == CKR_OK)
                rv = buf_ok(&both) ? op_crypt(op, OP_DECRYPT, buf_slice(&both)) : CKR_HOST_MEMORY;
        if (rv == CKR_OK && op->result.n != cipher.n)
                rv = CKR_DEVICE_ERROR;
        if (rv == CKR_OK && cipher.n)
                memcpy(out, op->result.p, cipher.n);
        buf_clear(&both);
        return rv;
}

/* What a message leaves: nothing. The operation is ready for the next one. */
static void message_end(struct op *op)
{
        op_stream_cancel(op); /* one that failed amid a large message */
        op->behind = 0;
        op->shown = false;
        if (op->result.p)
                sec_wipe(op->result.p, op->result.n);
        if (op->data.p)
                sec_wipe(op->data.p, op->data.n);
        buf_clear(&op->result);
        buf_clear(&op->data);
        buf_clear(&op->aside);
        buf_clear(&op->parameter);
        op->iv_out = NULL;
        op->multi = false;
}

static CK_RV message_run(struct op *op, enum op_kind kind, const void *param, CK_ULONG param_n,
                         struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct message m;
        CK_RV rv = message_read(op, param, param_n, &m);

        if (rv == CKR_OK)
                rv = kind == OP_MESSAGE_ENCRYPT ? encrypt(op, &m, data, out) : decrypt(op, &m, data, out);
        if (rv == CKR_OK)
                *out_len = (CK_ULONG)data.n;
        message_end(op);
        return rv;
}

/* ---- the functions ---- */

static CK_RV init(CK_SESSION_HANDLE session, enum op_kind kind, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key,
                  CK_FLAGS flag)
{
        return op_init(session, kind, m, key, flag);
}

/* The operation, when a message may begin (in_parts false) or go on (true). */
static CK_RV enter(CK_SESSION_HANDLE session, enum op_kind kind, bool in_parts, struct session **s,
                   struct op **op)
{
        CK_RV rv = session_get(session, s);

        if (rv != CKR_OK)
                return rv;
        *op = &(*s)->ops[kind];
        if (!(*op)->active || (in_parts && !(*op)->multi))
                rv = CKR_OPERATION_NOT_INITIALIZED;
        else if (!in_parts && (*op)->multi)
                rv = CKR_OPERATION_ACTIVE;
        if (rv != CKR_OK)
                session_put(*s);
        return rv;
}

static CK_RV whole(CK_SESSION_HANDLE session, enum op_kind kind, const void *param, CK_ULONG param_n,
                   struct slice aad, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        struct session *s;
        struct op *op;
        CK_RV rv = enter(session, kind, false, &s, &op);

        if (rv != CKR_OK)
                return rv;
        if (!out_len || (!aad.p && aad.n) || (!data.p && data.n)) {
                rv = CKR_ARGUMENTS_BAD;
        } else if ((!out && data.n) || (out && *out_len < data.n)) {
                *out_len = (CK_ULONG)data.n;
                rv = out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        } else {
                buf_put_slice(&op->aside, aad);
                rv = buf_ok(&op->aside) ? message_run(op, kind, param, param_n, data, out, out_len)
                                        : CKR_HOST_MEMORY;
        }
        session_put(s);
        return rv;
}

static CK_RV begin(CK_SESSION_HANDLE session, enum op_kind kind, const void *param, CK_ULONG param_n,
                   struct slice aad)
{
        struct session *s;
        struct op *op;
        struct message m;
        CK_RV rv = enter(session, kind, false, &s, &op);

        if (rv != CKR_OK)
                return rv;
        rv = !aad.p && aad.n ? CKR_ARGUMENTS_BAD : message_read(op, param, param_n, &m);
        if (rv == CKR_OK) {
                buf_put_slice(&op->aside, aad);
                rv = buf_ok(&op->aside) ? CKR_OK : CKR_HOST_MEMORY;
        }
        if (rv == CKR_OK)
                op->multi = true;
        else
                message_end(op);
        session_put(s);
        return rv;
}

static CK_RV next(CK_SESSION_HANDLE session, enum op_kind kind, const void *param, CK_ULONG param_n,
                  struct slice part, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags)
{
        struct session *s;
        struct op *op;
        CK_RV rv = enter(session, kind, true, &s, &op);
        CK_ULONG ready;

        if (rv != CKR_OK)
                return rv;
        ready = flags & CKF_END_OF_MESSAGE ? (CK_ULONG)(op->data.n + part.n) : 0;
        if (!out_len || (!part.p && part.n)) {
                rv = CKR_ARGUMENTS_BAD;
        } else if ((!out && ready) || (out && *out_len < ready)) {
                *out_len = ready;
                session_put(s);
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        } else {
                rv = op_gather(op, (CK_BYTE_PTR)(uintptr_t)part.p, (CK_ULONG)part.n);
        }
        if (rv == CKR_OK && !(flags & CKF_END_OF_MESSAGE))
                *out_len = 0;
        else if (rv == CKR_OK)
                rv = message_run(op, kind, param, param_n, buf_slice(&op->data), out, out_len);
        if (rv != CKR_OK)
                message_end(op);
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
        session_put(s);
        return rv;
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return init(session, OP_MESSAGE_ENCRYPT, mechanism, key, CKF_MESSAGE_ENCRYPT);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
                       CK_ULONG aad_len, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                       CK_ULONG_PTR out_len)
{
        return whole(session, OP_MESSAGE_ENCRYPT, param, param_len, slice_of(aad, aad_len),
                     slice_of(data, data_len), out, out_len);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
                            CK_ULONG aad_len)
{
        return begin(session, OP_MESSAGE_ENCRYPT, param, param_len, slice_of(aad, aad_len));
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR part,
                           CK_ULONG part_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags)
{
        return next(session, OP_MESSAGE_ENCRYPT, param, param_len, slice_of(part, part_len), out, out_len,
                    flags);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
        return final(session, OP_MESSAGE_ENCRYPT);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
        return init(session, OP_MESSAGE_DECRYPT, mechanism, key, CKF_MESSAGE_DECRYPT);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
                       CK_ULONG aad_len, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out,
                       CK_ULONG_PTR out_len)
{
        return whole(session, OP_MESSAGE_DECRYPT, param, param_len, slice_of(aad, aad_len),
                     slice_of(data, data_len), out, out_len);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
                            CK_ULONG aad_len)
{
        return begin(session, OP_MESSAGE_DECRYPT, param, param_len, slice_of(aad, aad_len));
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR part,
                           CK_ULONG part_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags)
{
        return next(session, OP_MESSAGE_DECRYPT, param, param_len, slice_of(part, part_len), out, out_len,
                    flags);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
        return final(session, OP_MESSAGE_DECRYPT);
}
