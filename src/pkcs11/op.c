/* Operations: what a session has begun, and how results are handed over. */
#include "ck/mechanism_size.h"
#include "pkcs11/module.h"

#include <stdlib.h>

static void wipe(struct buf *b)
{
        if (b->p)
                sec_wipe(b->p, b->n);
        buf_clear(b);
}

void op_clear(struct op *op)
{
        wipe(&op->data);
        wipe(&op->result);
        wipe(&op->parameter);
        free(op->found);
        *op = (struct op){ .active = false };
}

void ops_clear(struct session *s)
{
        for (int i = 0; i < OP_KINDS; i++)
                op_clear(&s->ops[i]);
}

/* A usage flag that was off may have been set by somebody since. */
static CK_RV check_key(enum op_kind kind, CK_OBJECT_HANDLE key, struct key_facts *f)
{
        CK_RV rv = object_facts(key, false, f);

        if (rv == CKR_OK && !(f->usage & (1u << kind)) && key < LOCAL_HANDLE)
                rv = object_facts(key, true, f);
        if (rv != CKR_OK)
                return rv;
        if (f->object_class != CKO_PUBLIC_KEY && f->object_class != CKO_PRIVATE_KEY &&
            f->object_class != CKO_SECRET_KEY)
                return CKR_KEY_HANDLE_INVALID;
        if (f->trusted)
                return module_refuse(ERR_KEY_FUNCTION,
                                     "the key is trusted, and such a key only wraps and unwraps");
        return f->usage & (1u << kind)
                   ? CKR_OK
                   : module_refuse(ERR_KEY_FUNCTION, "the key's usage attributes do not permit this");
}

/* Where a GCM IV that the HSM makes is to be written: the caller's own, when it is all zero. */
static void note_iv(struct op *op, const CK_MECHANISM *m)
{
        const CK_GCM_PARAMS *gcm = m->pParameter;
        CK_BYTE any = 0;

        if (m->mechanism != CKM_AES_GCM || m->ulParameterLen != sizeof(*gcm) || !gcm->pIv ||
            gcm->ulIvLen != 12)
                return;
        for (CK_ULONG i = 0; i < gcm->ulIvLen; i++)
                any |= gcm->pIv[i];
        if (any == 0) {
                op->iv_out = gcm->pIv;
                op->iv_out_n = gcm->ulIvLen;
        }
}

CK_RV op_begin(struct session *s, enum op_kind kind, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, CK_FLAGS flag)
{
        struct op *op = &s->ops[kind];
        struct key_facts facts = { 0 };
        CK_MECHANISM_INFO info;
        CK_OBJECT_HANDLE second;
        struct err err = ERR_INIT;
        CK_RV rv = CKR_OK;

        if (!m) { /* PKCS#11 3.0: ends what is going on */
                rv = op->active ? CKR_OK : CKR_ARGUMENTS_BAD;
                op_stream_cancel(op);
                op_clear(op);
                return rv;
        }
        if (op->active)
                return CKR_OPERATION_ACTIVE;
        if (kind != OP_DIGEST)
                rv = check_key(kind, key, &facts);
        else if (!chsm_logged_in(module.chsm, NULL))
                rv = CKR_USER_NOT_LOGGED_IN;
        if (rv == CKR_OK)
                rv = mechanism_info(m->mechanism, &info);
        if (rv == CKR_OK && !(info.flags & flag))
                rv = module_refuse(ERR_MECHANISM, "the mechanism is not offered for this operation");
        if (rv != CKR_OK)
                return rv;
        op->facts = facts;
        op->mechanism = m->mechanism;
        op->key = key;
        if (!ck_mech_param_encode(m, &op->parameter, &second, &err)) {
                op_clear(op);
                return module_err(&err);
        }
        if (kind == OP_ENCRYPT)
                note_iv(op, m);
        op->active = true;
        return CKR_OK;
}

Chsm__Mechanism op_mechanism(struct op *op)
{
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = op->mechanism;
        m.parameter = (ProtobufCBinaryData){ op->parameter.n, op->parameter.p };
        return m;
}

CK_RV op_gather(struct op *op, CK_BYTE_PTR part, CK_ULONG n)
{
        if (!part && n)
                return CKR_ARGUMENTS_BAD;
        if (n > BUF_MAX - op->data.n)
                return CKR_DATA_LEN_RANGE;
        buf_put(&op->data, part, n);
        return buf_ok(&op->data) ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV op_result(struct op *op, const Chsm__DataResponse *r)
{
        buf_reset(&op->result);
        buf_put(&op->result, r->data.data, r->data.len);
        if (op->iv_out && r->iv.len == op->iv_out_n)
                memcpy(op->iv_out, r->iv.data, r->iv.len);
        op->ready = buf_ok(&op->result);
        return op->ready ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV op_deliver(struct op *op, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        CK_ULONG room = *out_len;

        *out_len = op->result.n;
        if (!out)
                return CKR_OK;
        if (room < op->result.n)
                return CKR_BUFFER_TOO_SMALL;
        if (op->result.n)
                memcpy(out, op->result.p, op->result.n);
        op_clear(op);
        return CKR_OK;
}

size_t op_signature_size(const struct op *op)
{
        struct ck_mech_param param;
        struct err err = ERR_INIT;

        if (op->facts.key_type == CKK_RSA && op->key)
                return op->facts.bytes;
        if (op->facts.key_type == CKK_EC || op->facts.key_type == CKK_EC_EDWARDS)
                return 2 * op->facts.bytes;
        return ck_mech_param_decode(op->mechanism, buf_slice(&op->parameter), &param, &err)
                   ? ck_mech_result(op->mechanism, &param)
                   : 0;
}
