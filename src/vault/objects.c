/* All token objects of the partition, by handle, with the index for searches. Filled by apply. */
#include "vault/index.h"
#include "vault/partition.h"
#include "vault/policy.h"
#include "vault/users.h"
#include "vault/uses.h"

#include <stdlib.h>

#define SHARDS       64
#define FIRST_INDEX  6    /* as the documented system numbers its first key */
#define HANDLE_BLOCK 1024 /* handles reserved with one change of the record */

struct shard {
        pthread_rwlock_t lock;
        struct map *by_handle; /* 4 bytes big-endian -> struct vault_object */
};

struct vault_objects {
        struct shard shards[SHARDS];
        pthread_rwlock_t index_lock; /* taken before a shard's, never inside */
        struct vault_index *index;
        _Atomic size_t count;
        pthread_mutex_t handle_lock;
        uint32_t next, reserved; /* indexes of this node: next one to give, first one not reserved */
        store_rev reserved_rev;
};

bool vault_objects_open(struct vault *v, struct err *err)
{
        struct vault_objects *o = calloc(1, sizeof(*o));
        bool ok = o != NULL;

        v->objects = o;
        for (size_t i = 0; ok && i < SHARDS; i++) {
                pthread_rwlock_init(&o->shards[i].lock, NULL);
                o->shards[i].by_handle = map_new();
                ok = o->shards[i].by_handle != NULL;
        }
        if (ok) {
                pthread_rwlock_init(&o->index_lock, NULL);
                pthread_mutex_init(&o->handle_lock, NULL);
                o->index = vault_index_new();
                o->next = o->reserved = FIRST_INDEX;
        }
        return (ok && o->index) || err_set(err, ERR_MEMORY, "no memory for objects");
}

static void unref_one(void *value)
{
        struct vault_object *o = value;

        vault_object_unref(&o);
}

void vault_objects_close(struct vault *v)
{
        struct vault_objects *o = v->objects;

        if (!o)
                return;
        for (size_t i = 0; i < SHARDS; i++) {
                map_free_values(&o->shards[i].by_handle, unref_one);
                pthread_rwlock_destroy(&o->shards[i].lock);
        }
        vault_index_free(&o->index);
        pthread_rwlock_destroy(&o->index_lock);
        pthread_mutex_destroy(&o->handle_lock);
        free(o);
        v->objects = NULL;
}

uint64_t vault_objects_count(struct vault *v)
{
        return atomic_load_explicit(&v->objects->count, memory_order_relaxed);
}

uint64_t vault_objects_owned(struct vault *v, uint32_t user_id)
{
        uint64_t n;

        pthread_rwlock_rdlock(&v->objects->index_lock);
        n = vault_index_owned(v->objects->index, user_id);
        pthread_rwlock_unlock(&v->objects->index_lock);
        return n;
}

static struct shard *shard_of(struct vault *v, uint32_t handle)
{
        return &v->objects->shards[handle % SHARDS];
}

static struct slice handle_key(const uint32_t *handle)
{
        return slice_of(handle, sizeof(*handle));
}

struct vault_object *vault_objects_find(struct vault *v, uint32_t handle)
{
        struct shard *s = shard_of(v, handle);
        struct vault_object *o;

        pthread_rwlock_rdlock(&s->lock);
        o = map_get(s->by_handle, handle_key(&handle));
        if (o)
                vault_object_ref(o);
        pthread_rwlock_unlock(&s->lock);
        return o;
}

/* ---- handles ---- */

/* node << 18 | index, as documented; indexes past 18 bits go on in the top byte. */
static uint32_t handle_of(uint32_t node, uint32_t index)
{
        return (index >> 18) << 24 | node << 18 | (index & 0x3ffff);
}

static struct slice reserve_key(struct vault_call *call)
{
        uint32_t node = call->vault->config.node_number;
        uint8_t bytes[4] = { (uint8_t)(node >> 24), (uint8_t)(node >> 16), (uint8_t)(node >> 8),
                             (uint8_t)node };

        return vault_call_key(call, "h/", slice_of(bytes, 4));
}

/* Raises the reservation to cover index, unless the call does so already. */
static bool reserve(struct vault_call *call, uint32_t index, store_rev rev)
{
        struct slice key = reserve_key(call);
        struct buf body = BUF_INIT;
        bool ok;

        for (size_t i = 0; i < call->op_count; i++) {
                if (slice_equal(call->ops[i].key, key))
                        return true;
        }
        buf_put_u32(&body, index + HANDLE_BLOCK);
        ok = vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, key, rev) &&
             vault_record_put(call, key, &body);
        buf_clear(&body);
        return ok;
}

/* An object without its owner could be deleted by nobody: a deletion of his account, of which this node may
 * not have heard, makes the transaction fail. */
static bool guard_owner(struct vault_call *call)
{
        struct vault_user_view u;
        struct slice key;

        if (call->login.role != VAULT_CU)
                return true;
        if (!vault_user_find_id(call->vault, call->login.user_id, &u))
                return err_set(&call->err, ERR_TICKET, "the account of '%s' was deleted", call->login.user);
        sec_wipe(u.password, sizeof(u.password));
        key = vault_call_key(call, "u/", slice_str(u.key));
        for (size_t i = 0; i < call->guard_count; i++) {
                if (slice_equal(call->guards[i].key, key))
                        return true;
        }
        return vault_call_guard(call, STORE_EXISTS, key, 0);
}

bool vault_objects_new_handle(struct vault_call *call, uint32_t *handle)
{
        struct vault_objects *o = call->vault->objects;
        uint8_t key[6];
        uint32_t index, reserved;
        store_rev rev;

        if (vault_objects_count(call->vault) >= call->vault->config.max_keys)
                return err_set(&call->err, ERR_LIMIT,
                               "the partition has its most objects, %llu; delete some first",
                               (unsigned long long)call->vault->config.max_keys);
        pthread_mutex_lock(&o->handle_lock);
        index = o->next++;
        reserved = o->reserved;
        rev = o->reserved_rev;
        pthread_mutex_unlock(&o->handle_lock);
        *handle = handle_of(call->vault->config.node_number, index);
        vault_object_store_key(*handle, key);
        if ((index >= reserved && !reserve(call, index, rev)) || !guard_owner(call))
                return false;
        return vault_call_guard(call, STORE_ABSENT, vault_call_key(call, "", slice_of(key, sizeof(key))), 0);
}

static bool apply_reservation(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_objects *o = v->objects;
        struct reader key = reader_of(slice_of(e->key.p + 2, e->key.n - 2)), in;
        uint32_t node = reader_u32(&key), reserved;
        struct slice body;

        if (!reader_end(&key) || e->deleted)
                return err_set(err, ERR_STORE_DAMAGED, "a handle counter in the store is gone or misnamed");
        if (!vault_record_read(v, e->key, e->value, &body, err))
                return false;
        in = reader_of(body);
        reserved = reader_u32(&in);
        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "a handle counter in the store cannot be read");
        if (node != v->config.node_number)
                return true;
        pthread_mutex_lock(&o->handle_lock);
        if (o->reserved_rev == 0 && o->next == FIRST_INDEX && reserved > o->next &&
            atomic_load(&v->revision) == 0)
                o->next = reserved; /* at start: what was reserved before may have been given */
        o->reserved = reserved;
        o->reserved_rev = e->rev;
        pthread_mutex_unlock(&o->handle_lock);
        return true;
}

/* ---- apply ---- */

static bool replace(struct vault *v, uint32_t handle, struct vault_object *fresh)
{
        struct vault_objects *o = v->objects;
        struct shard *s = shard_of(v, handle);
        void *old = NULL;
        struct vault_object *gone;
        bool ok = true;

        pthread_rwlock_wrlock(&o->index_lock);
        pthread_rwlock_wrlock(&s->lock);
        if (fresh)
                ok = vault_uses_attach(fresh, map_get(s->by_handle, handle_key(&handle))) &&
                     map_put(s->by_handle, handle_key(&handle), fresh, &old);
        else
                old = map_remove(s->by_handle, handle_key(&handle));
        gone = old;
        if (fresh && gone)
                fresh->born = gone->born;
        pthread_rwlock_unlock(&s->lock);
        if (gone)
                vault_index_remove(o->index, gone);
        if (fresh && ok)
                ok = vault_index_add(o->index, fresh);
        if (fresh && !gone)
                atomic_fetch_add(&o->count, 1);
        else if (!fresh && gone)
                atomic_fetch_sub(&o->count, 1);
        pthread_rwlock_unlock(&o->index_lock);
        /* A key that stays the same need not be parsed again. */
        if (gone && fresh && ok) {
                struct crypto_key *none = NULL, *key = atomic_load(&gone->key);
                if (key && !atomic_compare_exchange_strong(&fresh->key, &none, crypto_key_ref(key)))
                        crypto_key_unref(&key);
        }
        vault_object_unref(&gone);
        return ok;
}

bool vault_objects_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct reader key = reader_of(slice_of(e->key.p + 2, e->key.n - 2));
        struct vault_object *o = NULL;
        struct sec *plain;
        uint32_t handle;

        if (e->key.p[0] == 'h')
                return apply_reservation(v, e, err);
        handle = reader_u32(&key);
        if (!reader_end(&key) || handle == 0)
                return err_set(err, ERR_STORE_DAMAGED, "an object in the store is misnamed");
        if (!e->deleted) {
                plain = vault_record_open(v, e->key, e->value, err);
                o = plain ? vault_object_decode(sec_slice(plain), err) : NULL;
                sec_free(&plain);
                if (!o)
                        return false;
                o->handle = handle;
                o->rev = o->born = e->rev;
                buf_put_slice(&o->sealed, e->value);
                buf_trim(&o->sealed);
                if (!buf_ok(&o->sealed)) {
                        vault_object_unref(&o);
                        return err_set(err, ERR_MEMORY, "no memory for an object");
                }
        }
        return replace(v, handle, o) || err_set(err, ERR_MEMORY, "no memory for an object");
}

/* ---- searches ---- */

static bool matches(const struct vault_object *o, const struct vault_template *wanted)
{
        for (size_t i = 0; i < wanted->n; i++) {
                const struct vault_attribute *has =
                    vault_attribute_find(o->attributes, o->attribute_count, wanted->items[i].type);
                if (!has || !slice_equal(has->value, wanted->items[i].value))
                        return false;
        }
        return true;
}

bool vault_objects_search(struct vault_call *call, const struct vault_template *wanted, uint32_t after,
                          store_rev until, size_t limit, struct vault_object **out, size_t *n, bool *more)
{
        struct vault_objects *o = call->vault->objects;
        struct vault_walk w;
        uint32_t handle;

        *n = 0;
        *more = false;
        pthread_rwlock_rdlock(&o->index_lock);
        vault_index_search(o->index, call->login.user_id, wanted, after, &w);
        while (!*more && vault_walk_next(&w, &handle)) {
                struct vault_object *found = vault_objects_find(call->vault, handle);
                if (found && (!until || found->born <= until) && vault_policy_sees(found, &call->login) &&
                    matches(found, wanted)) {
                        *more = *n == limit;
                        if (!*more) {
                                out[(*n)++] = found;
                                continue;
                        }
                }
                vault_object_unref(&found);
        }
        pthread_rwlock_unlock(&o->index_lock);
        return true;
}

void vault_objects_list(struct vault *v, uint32_t user, uint32_t after, size_t limit,
                        struct vault_object **out, size_t *n, bool *more)
{
        struct vault_objects *o = v->objects;
        struct vault_walk w;
        uint32_t handle;

        *n = 0;
        *more = false;
        pthread_rwlock_rdlock(&o->index_lock);
        vault_index_list(o->index, user, after, &w);
        while (!*more && vault_walk_next(&w, &handle)) {
                struct vault_object *found = vault_objects_find(v, handle);
                if (!found)
                        continue;
                *more = *n == limit;
                if (*more)
                        vault_object_unref(&found);
                else
                        out[(*n)++] = found;
        }
        pthread_rwlock_unlock(&o->index_lock);
}

uint64_t vault_objects_count_of(struct vault *v, uint32_t user)
{
        struct vault_objects *o = v->objects;
        struct vault_walk w;
        uint32_t handle;
        uint64_t n = 0;

        if (!user)
                return vault_objects_count(v);
        pthread_rwlock_rdlock(&o->index_lock);
        vault_index_list(o->index, user, 0, &w);
        while (vault_walk_next(&w, &handle))
                n++;
        pthread_rwlock_unlock(&o->index_lock);
        return n;
}
