#include "vault/index.h"

#include <stdlib.h>

/* Attributes worth a list: those that tell objects apart. */
static const uint64_t indexed[] = { CKA_LABEL,       CKA_ID,      CKA_UNIQUE_ID,     CKA_MODULUS,
                                    CKA_EC_POINT,    CKA_SUBJECT, CKA_VALUE,         CKA_PUBLIC_KEY_INFO,
                                    CKA_CHECK_VALUE, CKA_ISSUER,  CKA_SERIAL_NUMBER, CKA_APPLICATION };
#define INDEXED (sizeof(indexed) / sizeof(indexed[0]))

/* Kinds of lists that are no attribute. */
#define OWNER  UINT64_C(0xffffffff00000001)
#define SHARED UINT64_C(0xffffffff00000002)
#define PUBLIC UINT64_C(0xffffffff00000003)

struct vault_index {
        struct map *lists; /* kind and hash -> struct vault_posting */
};

static const struct vault_posting none;

struct vault_index *vault_index_new(void)
{
        struct vault_index *x = calloc(1, sizeof(*x));

        if (x && !(x->lists = map_new())) {
                free(x);
                x = NULL;
        }
        return x;
}

static bool free_list(void *arg, struct slice key, void *value)
{
        struct vault_posting *p = value;

        (void)arg;
        (void)key;
        free(p->handles);
        free(p);
        return true;
}

void vault_index_free(struct vault_index **xp)
{
        struct vault_index *x = *xp;

        *xp = NULL;
        if (!x)
                return;
        map_each(x->lists, free_list, NULL);
        map_free(&x->lists);
        free(x);
}

struct name {
        uint64_t kind, hash;
};

static struct slice name_slice(const struct name *name)
{
        return slice_of(name, sizeof(*name));
}

static struct name name_of(uint64_t kind, struct slice value)
{
        return (struct name){ kind, map_hash(value) };
}

static struct name name_user(uint64_t kind, uint32_t user)
{
        return (struct name){ kind, user };
}

size_t vault_posting_after(const struct vault_posting *p, uint32_t after)
{
        size_t low = 0, high = p->n;

        while (low < high) {
                size_t middle = (low + high) / 2;
                if (p->handles[middle] <= after)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool list_add(struct vault_index *x, struct name name, uint32_t handle)
{
        struct vault_posting *p = map_get(x->lists, name_slice(&name));
        size_t at;

        if (!p) {
                p = calloc(1, sizeof(*p));
                if (!p || !map_put(x->lists, name_slice(&name), p, NULL)) {
                        free(p);
                        return false;
                }
        }
        if (p->n == p->cap) {
                size_t cap = p->cap ? p->cap * 2 : 2;
                uint32_t *more = realloc(p->handles, cap * sizeof(*more));
                if (!more)
                        return false;
                p->handles = more;
                p->cap = cap;
        }
        at = vault_posting_after(p, handle);
        if (at && p->handles[at - 1] == handle)
                return true;
        memmove(&p->handles[at + 1], &p->handles[at], (p->n - at) * sizeof(p->handles[0]));
        p->handles[at] = handle;
        p->n++;
        return true;
}

static void list_remove(struct vault_index *x, struct name name, uint32_t handle)
{
        struct vault_posting *p = map_get(x->lists, name_slice(&name));
        size_t at = p ? vault_posting_after(p, handle) : 0;

        if (!at || p->handles[at - 1] != handle)
                return;
        p->n--;
        memmove(&p->handles[at - 1], &p->handles[at], (p->n - (at - 1)) * sizeof(p->handles[0]));
        if (p->n == 0) {
                map_remove(x->lists, name_slice(&name));
                free_list(NULL, SLICE_EMPTY, p);
        }
}

bool vault_index_add(struct vault_index *x, const struct vault_object *o)
{
        bool ok = list_add(x, name_user(OWNER, o->owner), o->handle);

        for (size_t i = 0; i < o->shared_count; i++)
                ok = list_add(x, name_user(SHARED, o->shared[i]), o->handle) && ok;
        if (o->object_class == CKO_PUBLIC_KEY || !(o->flags & VAULT_PRIVATE))
                ok = list_add(x, name_user(PUBLIC, 0), o->handle) && ok;
        for (size_t i = 0; i < INDEXED; i++) {
                struct slice value = vault_object_attribute(o, indexed[i]);
                if (value.n)
                        ok = list_add(x, name_of(indexed[i], value), o->handle) && ok;
        }
        return ok;
}

void vault_index_remove(struct vault_index *x, const struct vault_object *o)
{
        list_remove(x, name_user(OWNER, o->owner), o->handle);
        for (size_t i = 0; i < o->shared_count; i++)
                list_remove(x, name_user(SHARED, o->shared[i]), o->handle);
        list_remove(x, name_user(PUBLIC, 0), o->handle);
        for (size_t i = 0; i < INDEXED; i++) {
                struct slice value = vault_object_attribute(o, indexed[i]);
                if (value.n)
                        list_remove(x, name_of(indexed[i], value), o->handle);
        }
}

static const struct vault_posting *list_get(const struct vault_index *x, struct name name)
{
        const struct vault_posting *p = map_get(x->lists, name_slice(&name));

        return p ? p : &none;
}

const struct vault_posting *vault_index_value(const struct vault_index *x, uint64_t type, struct slice value)
{
        for (size_t i = 0; value.n && i < INDEXED; i++) {
                if (indexed[i] == type)
                        return list_get(x, name_of(type, value));
        }
        return NULL;
}

const struct vault_posting *vault_index_owner(const struct vault_index *x, uint32_t user_id)
{
        return list_get(x, name_user(OWNER, user_id));
}

const struct vault_posting *vault_index_shared(const struct vault_index *x, uint32_t user_id)
{
        return list_get(x, name_user(SHARED, user_id));
}

const struct vault_posting *vault_index_public(const struct vault_index *x)
{
        return list_get(x, name_user(PUBLIC, 0));
}
