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
        wipe(&op->authorisation);
        wipe(&op->aside);
        free(op->sealed);
        search_free(&op->search);
        *op = (struct op){ .active = false };
}

void ops_clear(struct session *s)
{
        for (int i = 0; i < OP_KINDS; i++)
                op_clear(&s->ops[i]);
}

/* ---- the order of calls ---- */

enum op_state {
        STATE_IDLE,
        STATE_BEGUN,
        STATE_PARTS, /* some data came */
        STATE_WHOLE, /* the result of all data at once waits for room */
        STATE_ENDED, /* the result of the parts waits for room */
};

static enum op_state state_of(const struct op *op)
{
        if (!op->active)
                return STATE_IDLE;
        if (op->ready)
                return op->multi ? STATE_ENDED : STATE_WHOLE;
        return op->multi ? STATE_PARTS : STATE_BEGUN;
}

/* What a step gets in a state: spec/interfaces.md 1.2. */
static const CK_RV op_order[][3] = {
        [STATE_IDLE] = { [STEP_WHOLE] = CKR_OPERATION_NOT_INITIALIZED,
                         [STEP_PART] = CKR_OPERATION_NOT_INITIALIZED,
                         [STEP_END] = CKR_OPERATION_NOT_INITIALIZED },
        [STATE_BEGUN] = { [STEP_WHOLE] = CKR_OK, [STEP_PART] = CKR_OK, [STEP_END] = CKR_OK },
        [STATE_PARTS] = { [STEP_WHOLE] = CKR_OPERATION_ACTIVE, [STEP_PART] = CKR_OK, [STEP_END] = CKR_OK },
        [STATE_WHOLE] = { [STEP_WHOLE] = CKR_OK,
                          [STEP_PART] = CKR_OPERATION_ACTIVE,
                          [STEP_END] = CKR_OPERATION_ACTIVE },
        [STATE_ENDED] = { [STEP_WHOLE] = CKR_OPERATION_ACTIVE,
                          [STEP_PART] = CKR_OPERATION_ACTIVE,
                          [STEP_END] = CKR_OK },
};

CK_RV op_may(const struct op *op, enum op_step step)
{
        return op_order[state_of(op)][step];
}

CK_RV op_enter(CK_SESSION_HANDLE session, enum op_kind kind, enum op_step step, struct session **s,
               struct op **op)
{
        CK_RV rv = session_get(session, s);

        if (rv != CKR_OK)
                return rv;
        *op = &(*s)->ops[kind];
        rv = op_may(*op, step);
        if (rv != CKR_OK)
                session_put(*s);
        return rv;
}

void op_end(struct op *op)
{
        op_stream_cancel(op);
        op_clear(op);
}

/* What was remembered of the key was no longer so: somebody else has changed or destroyed it. */
static bool is_stale(CK_RV rv)
{
        return rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID ||
               rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_MECHANISM_INVALID;
}

CK_RV op_leave(struct session *s, struct op *op, CK_RV rv)
{
        if (is_stale(rv) && op->key)
                facts_forget_key(op->key);
        if (rv == CKR_OBJECT_HANDLE_INVALID && op->key)
                rv = CKR_KEY_HANDLE_INVALID; /* the operation's key was destroyed meanwhile */
        if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
                op_end(op);
        session_put(s);
        return rv;
}

bool op_waits(struct op *op, struct slice data)
{
        if (op->ready && !op->multi && !slice_equal(buf_slice(&op->data), data)) {
                op->ready = false;
                wipe(&op->data);
        }
        return op->ready;
}

/* ---- beginning: handle, mechanism, parameter, usage, as the node will ask too ---- */

static CK_RV check_handle(CK_OBJECT_HANDLE key, struct key_facts *f)
{
        CK_RV rv = object_facts(key, false, f);

        if (rv == CKR_OK && f->object_class != CKO_PUBLIC_KEY && f->object_class != CKO_PRIVATE_KEY &&
            f->object_class != CKO_SECRET_KEY)
                return module_refuse(ERR_KEY_HANDLE, "the object is no key");
        return rv;
}

static CK_RV check_mechanism(CK_MECHANISM_TYPE type, CK_FLAGS flag, const struct key_facts *key)
{
        struct mechanism m;
        CK_RV rv = mechanism_find(type, &m);

        if (rv == CKR_MECHANISM_INVALID || (rv == CKR_OK && !(m.info.flags & flag)))
                return module_refuse(ERR_MECHANISM, "the mechanism is not offered for this operation");
        if (rv == CKR_OK && key && !mechanism_takes(&m, key->key_type))
                return module_refuse(ERR_KEY_TYPE, "the mechanism does not work with a key of this type");
        return rv;
}

static bool is_allowed(const struct key_facts *f, CK_MECHANISM_TYPE type)
{
        bool allowed = f->allowed_n == 0;

        for (size_t i = 0; i < f->allowed_n; i++)
                allowed = allowed || f->allowed[i] == type;
        return allowed;
}

/* A usage flag that was off may have been set by somebody since; one that is on is asked for again by the
 * node. */
static CK_RV check_usage(enum op_kind kind, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type, struct key_facts *f)
{
        CK_RV rv = CKR_OK;

        if (!(f->usage & (1u << op_base(kind))))
                rv = object_facts(key, true, f);
        if (rv != CKR_OK)
                return rv;
        if (f->trusted)
                return module_refuse(ERR_KEY_FUNCTION,
                                     "the key is trusted, and such a key only wraps and unwraps");
        if (!(f->usage & (1u << op_base(kind))))
                return module_refuse(ERR_KEY_FUNCTION, "the key's usage attributes do not permit this");
        return is_allowed(f, type)
                   ? CKR_OK
                   : module_refuse(ERR_MECHANISM, "the mechanism is not in the key's CKA_ALLOWED_MECHANISMS");
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

static CK_RV begin(struct op *op, enum op_kind kind, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, CK_FLAGS flag)
{
        CK_OBJECT_HANDLE second;
        struct err err = ERR_INIT;
        CK_RV rv = kind == OP_DIGEST ? CKR_OK : check_handle(key, &op->facts);

        if (rv == CKR_OK)
                rv = check_mechanism(m->mechanism, flag, kind == OP_DIGEST ? NULL : &op->facts);
        if (rv == CKR_OK && kind != OP_MESSAGE_ENCRYPT && kind != OP_MESSAGE_DECRYPT &&
            !ck_mech_param_encode(m, &op->parameter, &second, &err))
                rv = module_err(&err);
        if (rv == CKR_OK && kind != OP_DIGEST)
                rv = check_usage(kind, key, m->mechanism, &op->facts);
        op->mechanism = m->mechanism;
        op->key = key;
        if (kind == OP_ENCRYPT)
                note_iv(op, m);
        op->active = rv == CKR_OK;
        return rv;
}

CK_RV op_begin(struct session *s, enum op_kind kind, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, CK_FLAGS flag)
{
        struct op *op = &s->ops[kind];
        CK_RV rv;

        if (!m) { /* PKCS#11 3.0: ends what is going on */
                rv = op->active ? CKR_OK : CKR_ARGUMENTS_BAD;
                op_end(op);
                return rv;
        }
        if (op->active)
                return CKR_OPERATION_ACTIVE;
        rv = begin(op, kind, m, key, flag);
        if (rv != CKR_OK)
                op_clear(op);
        return rv;
}

CK_RV op_init(CK_SESSION_HANDLE session, enum op_kind kind, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
              CK_FLAGS flag)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = op_begin(s, kind, mechanism, key, flag);
        session_put(s);
        return rv;
}

enum op_kind op_base(enum op_kind kind)
{
        switch (kind) {
        case OP_MESSAGE_ENCRYPT:
                return OP_ENCRYPT;
        case OP_MESSAGE_DECRYPT:
                return OP_DECRYPT;
        case OP_MESSAGE_SIGN:
        case OP_MESSAGE_SIGN_ONE:
                return OP_SIGN;
        case OP_MESSAGE_VERIFY:
        case OP_MESSAGE_VERIFY_ONE:
        case OP_VERIFY_SIGNATURE:
                return OP_VERIFY;
        default:
                return kind;
        }
}

uint32_t op_number(enum op_kind kind)
{
        static const uint32_t numbers[] = {
                [OP_ENCRYPT] = 0,      [OP_DECRYPT] = 1,        [OP_SIGN] = 2,  [OP_VERIFY] = 3,
                [OP_SIGN_RECOVER] = 4, [OP_VERIFY_RECOVER] = 5, [OP_DIGEST] = 6
        };

        return numbers[op_base(kind)];
}

CK_RV op_authorise(struct op *op, enum op_kind kind, Chsm__Request *request, struct arena *arena)
{
        struct slice copy;

        if (!op->facts.always_authenticate ||
            (kind != OP_SIGN && kind != OP_DECRYPT && kind != OP_SIGN_RECOVER))
                return CKR_OK;
        if (!op->authorisation.n)
                return module_refuse(ERR_NOT_LOGGED_IN,
                                     "the key has CKA_ALWAYS_AUTHENTICATE=TRUE: C_Login with "
                                     "CKU_CONTEXT_SPECIFIC comes first");
        copy = arena_copy(arena, buf_slice(&op->authorisation));
        if (!copy.p)
                return CKR_HOST_MEMORY;
        request->authorisation = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        wipe(&op->authorisation);
        wipe(&op->aside);
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

void op_take_iv(struct op *op, ProtobufCBinaryData iv)
{
        if (op->iv_out && iv.len == op->iv_out_n)
                memcpy(op->iv_out, iv.data, iv.len);
}

CK_RV op_result(struct op *op, const Chsm__DataResponse *r)
{
        buf_reset(&op->result);
        buf_put(&op->result, r->data.data, r->data.len);
        op_take_iv(op, r->iv);
        return buf_ok(&op->result) ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV op_deliver(struct op *op, enum op_step step, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        CK_ULONG room = *out_len;

        *out_len = op->result.n;
        if (out && room >= op->result.n) {
                if (op->result.n)
                        memcpy(out, op->result.p, op->result.n);
                op_clear(op);
                return CKR_OK;
        }
        op->ready = true;
        op->multi = step == STEP_END;
        if (!op->multi && op->data.p != data.p) {
                buf_reset(&op->data);
                buf_put_slice(&op->data, data);
                if (!buf_ok(&op->data))
                        return CKR_HOST_MEMORY;
        }
        return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV op_finish(struct op *op, enum op_step step, size_t size, struct slice data,
                CK_RV (*run)(struct op *, struct slice), CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        CK_RV rv = CKR_OK;

        if (op_waits(op, data))
                return op_deliver(op, step, data, out, out_len);
        if (size && (!out || *out_len < size)) {
                *out_len = size;
                return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        }
        rv = run(op, data);
        return rv == CKR_OK ? op_deliver(op, step, data, out, out_len) : rv;
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
