#include "vault/uses.h"
#include "ck/encoding.h"

#include <stdlib.h>

static const struct {
        uint64_t attribute;
        uint32_t flag;
} flag_rows[] = {
        { CKA_TOKEN, VAULT_TOKEN },
        { CKA_PRIVATE, VAULT_PRIVATE },
        { CKA_SENSITIVE, VAULT_SENSITIVE },
        { CKA_EXTRACTABLE, VAULT_EXTRACTABLE },
        { CKA_TRUSTED, VAULT_TRUSTED },
        { CKA_WRAP_WITH_TRUSTED, VAULT_WRAP_WITH_TRUSTED },
        { CKA_MODIFIABLE, VAULT_MODIFIABLE },
        { CKA_COPYABLE, VAULT_COPYABLE },
        { CKA_DESTROYABLE, VAULT_DESTROYABLE },
        { CKA_ENCRYPT, VAULT_ENCRYPT },
        { CKA_DECRYPT, VAULT_DECRYPT },
        { CKA_SIGN, VAULT_SIGN },
        { CKA_SIGN_RECOVER, VAULT_SIGN_RECOVER },
        { CKA_VERIFY, VAULT_VERIFY },
        { CKA_VERIFY_RECOVER, VAULT_VERIFY_RECOVER },
        { CKA_WRAP, VAULT_WRAP },
        { CKA_UNWRAP, VAULT_UNWRAP },
        { CKA_DERIVE, VAULT_DERIVE },
        { CKA_ENCAPSULATE, VAULT_ENCAPSULATE },
        { CKA_DECAPSULATE, VAULT_DECAPSULATE },
        { CKA_ALWAYS_AUTHENTICATE, VAULT_ALWAYS_AUTHENTICATE },
};

uint32_t vault_flag_of(uint64_t attribute)
{
        for (size_t i = 0; i < sizeof(flag_rows) / sizeof(flag_rows[0]); i++) {
                if (flag_rows[i].attribute == attribute)
                        return flag_rows[i].flag;
        }
        return 0;
}

uint32_t vault_flags_of(const struct vault_attribute *items, size_t n)
{
        uint32_t flags = 0;
        bool value;

        for (size_t i = 0; i < n; i++) {
                value = false;
                if (ck_value_bool(items[i].value, &value) && value)
                        flags |= vault_flag_of(items[i].type);
        }
        return flags;
}

struct vault_object *vault_object_ref(struct vault_object *o)
{
        atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
        return o;
}

void vault_object_unref(struct vault_object **op)
{
        struct vault_object *o = *op;
        struct crypto_key *key;

        *op = NULL;
        if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
                return;
        key = atomic_load(&o->key);
        crypto_key_unref(&key);
        vault_tally_unref(&o->tally);
        buf_clear(&o->sealed);
        free(o->memory);
        free(o);
}

struct slice vault_object_attribute(const struct vault_object *o, uint64_t type)
{
        const struct vault_attribute *a = vault_attribute_find(o->attributes, o->attribute_count, type);

        return a ? a->value : SLICE_EMPTY;
}

bool vault_object_is_shared_with(const struct vault_object *o, uint32_t user_id)
{
        for (size_t i = 0; i < o->shared_count; i++) {
                if (o->shared[i] == user_id)
                        return true;
        }
        return false;
}

struct crypto_key *vault_object_key(struct vault *v, struct vault_object *o, struct err *err)
{
        struct crypto_key *key = atomic_load_explicit(&o->key, memory_order_acquire), *none = NULL;
        struct sec *plain;
        struct slice material;
        bool ok;

        if (key)
                return key;
        if (o->object_class != CKO_PUBLIC_KEY && o->object_class != CKO_PRIVATE_KEY &&
            o->object_class != CKO_SECRET_KEY) {
                err_set(err, ERR_KEY_HANDLE, "the object is not a key");
                return NULL;
        }
        plain = vault_object_unseal(v, o, err);
        if (!plain)
                return NULL;
        ok = vault_object_material(sec_slice(plain), &material) &&
             crypto_key_open(v->deps.crypto, (enum crypto_key_class)o->object_class, o->key_type, material,
                             &key, err);
        sec_free(&plain);
        if (!ok)
                return NULL;
        if (!atomic_compare_exchange_strong(&o->key, &none, key)) {
                crypto_key_unref(&key); /* another thread was faster */
                key = none;
        }
        return key;
}

/* ---- body of a record ---- */

/* Newer forms say after the history how many users must approve, and the newest also when it was made. */
#define BODY_VERSION_OLDEST 1
#define BODY_VERSION_QUORUM 2
#define BODY_VERSION        3

struct sec *vault_object_encode(const struct vault_object_parts *p)
{
        struct buf open = BUF_INIT;
        struct sec *out = NULL;

        buf_put_u8(&open, BODY_VERSION);
        buf_put_u64(&open, p->object_class);
        buf_put_u64(&open, p->key_type);
        buf_put_u32(&open, p->owner);
        buf_put_u32(&open, p->history);
        buf_put_u8(&open, (uint8_t)p->quorum);
        buf_put_u64(&open, (uint64_t)p->made_ms);
        buf_put_u32(&open, (uint32_t)p->shared_count);
        for (size_t i = 0; i < p->shared_count; i++)
                buf_put_u32(&open, p->shared[i]);
        buf_put_u32(&open, (uint32_t)p->attribute_count);
        for (size_t i = 0; i < p->attribute_count; i++) {
                buf_put_u64(&open, p->attributes[i].type);
                buf_put_block(&open, p->attributes[i].value);
        }
        buf_put_u32(&open, (uint32_t)p->material.n);
        if (buf_ok(&open))
                out = sec_new(open.n + p->material.n);
        if (out) {
                memcpy(sec_bytes(out), open.p, open.n);
                if (p->material.n)
                        memcpy(sec_bytes(out) + open.n, p->material.p, p->material.n);
        }
        buf_clear(&open);
        return out;
}

/* The fields before the lists. */
static void read_head(struct reader *in, struct vault_object_parts *p)
{
        uint8_t version = reader_u8(in);

        if (version < BODY_VERSION_OLDEST || version > BODY_VERSION)
                in->failed = true;
        p->object_class = reader_u64(in);
        p->key_type = reader_u64(in);
        p->owner = reader_u32(in);
        p->history = reader_u32(in);
        p->quorum = version >= BODY_VERSION_QUORUM ? reader_u8(in) : 0;
        p->made_ms = version == BODY_VERSION ? (int64_t)reader_u64(in) : 0;
}

bool vault_object_material(struct slice plain, struct slice *material)
{
        struct reader in = reader_of(plain);
        struct vault_object_parts p;
        uint32_t n;

        read_head(&in, &p);
        n = reader_u32(&in);
        (void)reader_bytes(&in, (size_t)n * 4);
        n = reader_u32(&in);
        for (uint32_t i = 0; i < n && reader_ok(&in); i++) {
                (void)reader_u64(&in);
                (void)reader_block(&in, CK_VALUE_MAX);
        }
        *material = reader_block(&in, 65536);
        return reader_end(&in);
}

/* Attributes, their values and shared ids in one allocation of the size they need: there may be a million. */
static bool lists_allocate(struct reader in, struct vault_object *o)
{
        uint32_t shared = reader_u32(&in), n;
        size_t size;

        (void)reader_bytes(&in, (size_t)shared * 4);
        n = reader_u32(&in);
        if (!reader_ok(&in) || shared > VAULT_SHARED_MAX || n > VAULT_TEMPLATE_MAX)
                return false;
        size = n * sizeof(struct vault_attribute) + shared * sizeof(uint32_t);
        for (uint32_t i = 0; i < n; i++) {
                (void)reader_u64(&in);
                size += reader_block(&in, CK_VALUE_MAX).n;
        }
        o->attribute_count = n;
        o->shared_count = shared;
        o->memory = reader_ok(&in) ? malloc(size + 1) : NULL;
        return o->memory != NULL;
}

static bool read_lists(struct reader *in, struct vault_object *o)
{
        uint32_t *ids;
        struct vault_attribute *attributes;
        uint8_t *values;

        if (!lists_allocate(*in, o))
                return false;
        attributes = o->memory;
        ids = (uint32_t *)(attributes + o->attribute_count);
        values = (uint8_t *)(ids + o->shared_count);
        (void)reader_u32(in);
        for (size_t i = 0; i < o->shared_count; i++)
                ids[i] = reader_u32(in);
        (void)reader_u32(in);
        for (size_t i = 0; i < o->attribute_count; i++) {
                uint64_t type = reader_u64(in);
                struct slice value = reader_block(in, CK_VALUE_MAX);
                bool set = false;

                if (value.n)
                        memcpy(values, value.p, value.n);
                attributes[i] = (struct vault_attribute){ type, slice_of(values, value.n) };
                values += value.n;
                if (ck_value_bool(value, &set) && set)
                        o->flags |= vault_flag_of(type);
                if (value.n && (type == CKA_START_DATE || type == CKA_END_DATE))
                        o->flags |= VAULT_DATED;
        }
        o->shared = ids;
        o->attributes = attributes;
        return reader_ok(in);
}

struct vault_object *vault_object_decode(struct slice plain, struct err *err)
{
        struct vault_object *o = calloc(1, sizeof(*o));
        struct reader in = reader_of(plain);
        struct vault_object_parts p;

        if (!o) {
                err_set(err, ERR_MEMORY, "no memory for an object");
                return NULL;
        }
        atomic_init(&o->refs, 1);
        o->sealed = BUF_INIT;
        read_head(&in, &p);
        o->object_class = p.object_class;
        o->key_type = p.key_type;
        o->owner = p.owner;
        o->history = p.history;
        o->quorum = p.quorum;
        o->made_ms = p.made_ms;
        if (read_lists(&in, o)) {
                (void)reader_block(&in, 65536);
                if (reader_end(&in))
                        return o;
        }
        err_set(err, ERR_STORE_DAMAGED, "an object's record cannot be read");
        vault_object_unref(&o);
        return NULL;
}

struct slice vault_object_store_key(uint32_t handle, uint8_t out[6])
{
        out[0] = 'o';
        out[1] = '/';
        for (int i = 0; i < 4; i++)
                out[2 + i] = (uint8_t)(handle >> (24 - 8 * i));
        return slice_of(out, 6);
}

struct vault_object_parts vault_object_parts_of(const struct vault_object *o)
{
        return (struct vault_object_parts){ .object_class = o->object_class,
                                            .key_type = o->key_type,
                                            .owner = o->owner,
                                            .history = o->history,
                                            .shared = o->shared,
                                            .shared_count = o->shared_count,
                                            .quorum = o->quorum,
                                            .made_ms = o->made_ms,
                                            .attributes = o->attributes,
                                            .attribute_count = o->attribute_count };
}
