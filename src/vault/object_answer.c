/* Objects as answers: what of an object may be shown to whom. */
#include "ck/encoding.h"
#include "vault/policy.h"

static bool no_memory(struct vault_call *call)
{
        return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

static void value_lend(ProtobufCBinaryData *to, struct slice value)
{
        to->data = (uint8_t *)(uintptr_t)value.p;
        to->len = value.n;
}

/* RSA keys have their numbers, all others one value. */
static bool has_part(const struct vault_object *o, uint64_t type)
{
        if (type == CKA_SEED)
                return o->key_type == CKK_ML_DSA;
        return (type == CKA_VALUE) == (o->key_type != CKK_RSA);
}

/* A component of a key that may be shown in clear, by decision of the key's flags. */
static bool secret_answer(struct vault_call *call, struct vault_object *o, uint64_t type,
                          Chsm__Attribute *out)
{
        bool may = !(o->flags & VAULT_SENSITIVE) && (o->flags & VAULT_EXTRACTABLE);
        struct crypto_key *key;
        struct buf value = BUF_INIT;
        struct slice copy = SLICE_EMPTY;

        if (!may) {
                out->status = CKR_ATTRIBUTE_SENSITIVE;
                return true;
        }
        key = vault_object_key(call->vault, o, &call->err);
        if (!key)
                return false;
        if (crypto_key_component(key, type, &value, NULL))
                copy = arena_copy(call->arena, buf_slice(&value));
        else
                out->status = CKR_ATTRIBUTE_TYPE_INVALID;
        if (value.p)
                sec_wipe(value.p, value.n);
        buf_clear(&value);
        value_lend(&out->value, copy);
        return out->status || copy.p || no_memory(call);
}

bool vault_attribute_answer(struct vault_call *call, struct vault_object *o, uint64_t type,
                            Chsm__Attribute *out)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);
        const struct vault_attribute *a = vault_attribute_find(o->attributes, o->attribute_count, type);
        bool hidden = o->object_class == CKO_PRIVATE_KEY || o->object_class == CKO_SECRET_KEY;
        struct slice copy;

        chsm__attribute__init(out);
        out->type = type;
        if (a) {
                copy = arena_copy(call->arena, a->value);
                value_lend(&out->value, copy);
                return copy.p || no_memory(call);
        }
        if (row && row->secret && hidden && has_part(o, type) &&
            (row->classes & ck_attribute_class_bit(o->object_class)))
                return secret_answer(call, o, type, out);
        out->status = CKR_ATTRIBUTE_TYPE_INVALID;
        return true;
}

/* Everything the object stores; nothing of it is secret. */
static bool all_answer(struct vault_call *call, struct vault_object *o, Chsm__Attribute ***list, size_t *n)
{
        Chsm__Attribute *rows = arena_alloc(call->arena, (o->attribute_count + 1) * sizeof(*rows));
        Chsm__Attribute **pointers = arena_alloc(call->arena, (o->attribute_count + 1) * sizeof(*pointers));

        if (!rows || !pointers)
                return no_memory(call);
        for (size_t i = 0; i < o->attribute_count; i++) {
                if (!vault_attribute_answer(call, o, o->attributes[i].type, &rows[i]))
                        return false;
                pointers[i] = &rows[i];
        }
        *list = pointers;
        *n = o->attribute_count;
        return true;
}

Chsm__ObjectResponse *vault_object_answer(struct vault_call *call, struct vault_object *o)
{
        Chsm__ObjectResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct slice sealed;

        if (!r) {
                no_memory(call);
                return NULL;
        }
        chsm__object_response__init(r);
        r->handle = o->handle;
        if (!o->handle) {
                sealed = arena_copy(call->arena, buf_slice(&o->sealed));
                if (!sealed.p) {
                        no_memory(call);
                        return NULL;
                }
                value_lend(&r->sealed, sealed);
        }
        return all_answer(call, o, &r->attributes, &r->n_attributes) ? r : NULL;
}

bool vault_object_reply(struct vault_call *call, struct vault_object *o)
{
        Chsm__ObjectResponse *r = vault_object_answer(call, o);

        if (!r)
                return false;
        call->object = o->handle;
        call->response->object = r;
        call->response->body_case = CHSM__RESPONSE__BODY_OBJECT;
        return true;
}

bool vault_get_attributes(struct vault_call *call)
{
        const Chsm__GetAttributesRequest *in = call->request->get_attributes;
        Chsm__AttributesResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_object *o = vault_object_of(call, in->object, ERR_HANDLE);
        Chsm__Attribute *rows;
        bool ok = false;

        if (!o || !r)
                goto out;
        call->object = o->handle;
        chsm__attributes_response__init(r);
        if (in->n_types == 0) {
                ok = all_answer(call, o, &r->attributes, &r->n_attributes);
        } else {
                rows = arena_alloc(call->arena, in->n_types * sizeof(*rows));
                r->attributes = arena_alloc(call->arena, in->n_types * sizeof(Chsm__Attribute *));
                ok = rows && r->attributes;
                for (size_t i = 0; ok && i < in->n_types; i++) {
                        ok = vault_attribute_answer(call, o, in->types[i], &rows[i]);
                        r->attributes[i] = &rows[i];
                }
                r->n_attributes = in->n_types;
        }
        call->response->attributes = r;
        call->response->body_case = CHSM__RESPONSE__BODY_ATTRIBUTES;
out:
        vault_object_unref(&o);
        return ok || call->err.id ? ok : no_memory(call);
}
