/* Session objects: sealed under a key of their application's context, and kept by the application. A node
 * opens the same blob again and again, so what it opened lately stays in memory. DESIGN section 5.4. */
#include "vault/object.h"
#include "vault/partition.h"

#include <stdlib.h>

#define TAG 16 /* at the end of a blob */

struct vault_cache {
        pthread_rwlock_t lock;
        struct map *by_tag;         /* last bytes of the blob -> struct vault_object */
        struct vault_object **ring; /* in the order they came */
        size_t size, next;
        _Atomic uint64_t opened, hits;
};

bool vault_cache_open(struct vault *v, struct err *err)
{
        struct vault_cache *c = calloc(1, sizeof(*c));

        v->cache = c;
        if (!c)
                return err_set(err, ERR_MEMORY, "no memory for session objects");
        pthread_rwlock_init(&c->lock, NULL);
        c->by_tag = map_new();
        c->size = v->config.session_cache;
        c->ring = calloc(c->size, sizeof(struct vault_object *));
        return (c->by_tag && c->ring) || err_set(err, ERR_MEMORY, "no memory for session objects");
}

void vault_cache_close(struct vault *v)
{
        struct vault_cache *c = v->cache;

        if (!c)
                return;
        for (size_t i = 0; c->ring && i < c->size; i++)
                vault_object_unref(&c->ring[i]);
        free(c->ring);
        map_free(&c->by_tag);
        pthread_rwlock_destroy(&c->lock);
        free(c);
        v->cache = NULL;
}

void vault_cache_counts(struct vault *v, uint64_t *opened, uint64_t *hits)
{
        *opened = atomic_load_explicit(&v->cache->opened, memory_order_relaxed);
        *hits = atomic_load_explicit(&v->cache->hits, memory_order_relaxed);
}

static struct slice tag_of(struct slice sealed)
{
        return slice_of(sealed.p + sealed.n - TAG, TAG);
}

static struct vault_object *cache_find(struct vault *v, struct slice sealed)
{
        struct vault_cache *c = v->cache;
        struct vault_object *o;

        pthread_rwlock_rdlock(&c->lock);
        o = map_get(c->by_tag, tag_of(sealed));
        if (o && slice_equal(buf_slice(&o->sealed), sealed))
                vault_object_ref(o);
        else
                o = NULL;
        pthread_rwlock_unlock(&c->lock);
        return o;
}

static void cache_keep(struct vault *v, struct vault_object *o)
{
        struct vault_cache *c = v->cache;
        struct slice tag = tag_of(buf_slice(&o->sealed));
        struct vault_object *old;

        pthread_rwlock_wrlock(&c->lock);
        old = c->ring[c->next];
        if (!map_get(c->by_tag, tag)) {
                if (old)
                        map_remove(c->by_tag, tag_of(buf_slice(&old->sealed)));
                c->ring[c->next] = NULL;
                if (map_put(c->by_tag, tag, o, NULL)) {
                        c->ring[c->next] = vault_object_ref(o);
                        c->next = (c->next + 1) % c->size;
                }
        } else {
                old = NULL;
        }
        pthread_rwlock_unlock(&c->lock);
        vault_object_unref(&old);
}

static struct sec *context_key(struct vault *v, const uint8_t context[VAULT_CONTEXT_SIZE], struct err *err)
{
        return vault_derive(v, "session", slice_of(context, VAULT_CONTEXT_SIZE), err);
}

struct sec *vault_object_unseal(struct vault *v, const struct vault_object *o, struct err *err)
{
        uint8_t store_key[6];
        struct sec *key, *plain;

        if (o->handle)
                return vault_record_open(v, vault_object_store_key(o->handle, store_key),
                                         buf_slice(&o->sealed), err);
        key = context_key(v, o->context, err);
        plain = key ? crypto_open(v->deps.crypto, sec_slice(key), vault_partition_id(v),
                                  buf_slice(&o->sealed), err)
                    : NULL;
        sec_free(&key);
        return plain;
}

static struct vault_object *object_of(struct vault_call *call, struct slice plain, struct slice sealed)
{
        struct vault_object *o = vault_object_decode(plain, &call->err);

        if (!o)
                return NULL;
        memcpy(o->context, call->context, VAULT_CONTEXT_SIZE);
        buf_put_slice(&o->sealed, sealed);
        if (!buf_ok(&o->sealed)) {
                err_set(&call->err, ERR_MEMORY, "no memory for a session object");
                vault_object_unref(&o);
                return NULL;
        }
        cache_keep(call->vault, o);
        return o;
}

struct vault_object *vault_session_object_new(struct vault_call *call, const struct vault_object_parts *parts)
{
        struct vault *v = call->vault;
        struct sec *key = context_key(v, call->context, &call->err), *plain = vault_object_encode(parts);
        struct buf sealed = BUF_INIT;
        struct vault_object *o = NULL;

        if (key && plain &&
            crypto_seal(v->deps.crypto, sec_slice(key), vault_partition_id(v), sec_slice(plain), &sealed,
                        &call->err))
                o = object_of(call, sec_slice(plain), buf_slice(&sealed));
        else if (!call->err.id)
                err_set(&call->err, ERR_MEMORY, "no memory for a session object");
        sec_free(&key);
        sec_free(&plain);
        buf_clear(&sealed);
        return o;
}

struct vault_object *vault_session_object_open(struct vault_call *call, struct slice sealed)
{
        struct vault *v = call->vault;
        struct vault_object *o = NULL;
        struct sec *key, *plain;

        if (sealed.n > CRYPTO_SEAL_EXTRA)
                o = cache_find(v, sealed);
        if (o && memcmp(o->context, call->context, VAULT_CONTEXT_SIZE) == 0) {
                atomic_fetch_add_explicit(&v->cache->hits, 1, memory_order_relaxed);
                return o;
        }
        vault_object_unref(&o);
        key = context_key(v, call->context, &call->err);
        if (!key)
                return NULL;
        plain = crypto_open(v->deps.crypto, sec_slice(key), vault_partition_id(v), sealed, NULL);
        sec_free(&key);
        if (!plain) {
                err_set(&call->err, ERR_HANDLE, "the session object is not one of this application");
                return NULL;
        }
        atomic_fetch_add_explicit(&v->cache->opened, 1, memory_order_relaxed);
        o = object_of(call, sec_slice(plain), sealed);
        sec_free(&plain);
        return o;
}
