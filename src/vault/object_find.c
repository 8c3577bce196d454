/* Searches, by users for what they may use and by officers for whose keys there are. */
#include "crypto/seal.h"
#include "vault/region.h"
#include "vault/policy.h"

#define PAGE_PRESET     256 /* handles of one answer */
#define PAGE_ATTRIBUTES 64  /* with their attributes */

static size_t page_of(const Chsm__FindObjectsRequest *in)
{
        size_t most = in->with_attributes ? PAGE_ATTRIBUTES : PAGE_PRESET;

        return in->limit && in->limit < most ? in->limit : most;
}

static bool find_fill(struct vault_call *call, struct vault_object **found, size_t n, bool attributes,
                      Chsm__FindObjectsResponse *r)
{
        r->handles = arena_alloc(call->arena, (n + 1) * sizeof(uint64_t));
        r->objects = arena_alloc(call->arena, (n + 1) * sizeof(Chsm__ObjectResponse *));
        if (!r->handles || !r->objects)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        for (size_t i = 0; i < n; i++) {
                r->handles[i] = found[i]->handle;
                if (attributes && !(r->objects[i] = vault_object_answer(call, found[i])))
                        return false;
        }
        r->n_handles = n;
        r->n_objects = attributes ? n : 0;
        return true;
}

/* Secret components never match: a search must not become an oracle for them. */
static bool searchable(const struct vault_template *t)
{
        for (size_t i = 0; i < t->n; i++) {
                const struct ck_attribute_row *row = ck_attribute_find(t->items[i].type);
                if (row->secret && row->type != CKA_VALUE)
                        return false;
        }
        return true;
}

/* An attribute that no object here has is on none of them. */
static bool nothing_has(const Chsm__FindObjectsRequest *in)
{
        for (size_t i = 0; i < in->n_template_; i++) {
                if (!ck_attribute_find(in->template_[i]->type))
                        return true;
        }
        return false;
}

bool vault_find_objects(struct vault_call *call)
{
        const Chsm__FindObjectsRequest *in = call->request->find_objects;
        Chsm__FindObjectsResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_object *found[PAGE_PRESET];
        struct vault_template wanted;
        bool more = false, ok;
        size_t n = 0;

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__find_objects_response__init(r);
        if (!nothing_has(in) && !vault_template_read(call, in->template_, in->n_template_, 0, &wanted))
                return false;
        if (in->after < UINT32_MAX && !nothing_has(in) && searchable(&wanted))
                (void)vault_objects_search(call, &wanted, (uint32_t)in->after,
                                           vault_region_until(call->vault, in->until), page_of(in), found, &n,
                                           &more);
        ok = find_fill(call, found, n, in->with_attributes, r);
        r->more = more;
        for (size_t i = 0; i < n; i++)
                vault_object_unref(&found[i]);
        call->response->find_objects = r;
        call->response->body_case = CHSM__RESPONSE__BODY_FIND_OBJECTS;
        return ok;
}

static bool hash_all(struct vault_call *call, uint32_t user, uint8_t out[CRYPTO_HASH_SIZE])
{
        struct vault_object *page[PAGE_PRESET];
        struct buf all = BUF_INIT;
        uint32_t after = 0;
        bool more = true, ok;
        size_t n;

        while (more) {
                vault_objects_list(call->vault, user, after, PAGE_PRESET, page, &n, &more);
                for (size_t i = 0; i < n; i++) {
                        after = page[i]->handle;
                        buf_put_u32(&all, page[i]->handle);
                        buf_put_u32(&all, page[i]->owner);
                        buf_put_u32(&all, (uint32_t)page[i]->shared_count);
                        for (size_t k = 0; k < page[i]->shared_count; k++)
                                buf_put_u32(&all, page[i]->shared[k]);
                        vault_object_unref(&page[i]);
                }
        }
        ok = buf_ok(&all) && crypto_sha256(call->vault->deps.crypto, buf_slice(&all), out);
        buf_clear(&all);
        return ok;
}

static bool keys_fill(struct vault_call *call, uint32_t user, uint32_t after, Chsm__FindAllKeysResponse *r)
{
        struct vault_object *page[PAGE_PRESET];
        Chsm__FoundKey *rows = arena_alloc(call->arena, PAGE_PRESET * sizeof(*rows));
        bool more;
        size_t n;

        r->keys = arena_alloc(call->arena, PAGE_PRESET * sizeof(Chsm__FoundKey *));
        if (!rows || !r->keys)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        vault_objects_list(call->vault, user, after, PAGE_PRESET, page, &n, &more);
        for (size_t i = 0; i < n; i++) {
                chsm__found_key__init(&rows[i]);
                rows[i].handle = page[i]->handle;
                rows[i].owned = !user || page[i]->owner == user;
                r->keys[i] = &rows[i];
                vault_object_unref(&page[i]);
        }
        r->n_keys = n;
        r->more = more;
        return true;
}

bool vault_find_all_keys(struct vault_call *call)
{
        const Chsm__FindAllKeysRequest *in = call->request->find_all_keys;
        Chsm__FindAllKeysResponse *r = arena_alloc(call->arena, sizeof(*r));
        char name[32];

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__find_all_keys_response__init(r);
        if (in->user && (in->user > UINT32_MAX || !vault_user_name(call->vault, (uint32_t)in->user, name)))
                return err_set(&call->err, ERR_USER_ABSENT, "there is no user with id %llu",
                               (unsigned long long)in->user);
        if (in->after >= UINT32_MAX)
                return err_set(&call->err, ERR_ARGUMENT, "handles end below %u", UINT32_MAX);
        if (!keys_fill(call, (uint32_t)in->user, (uint32_t)in->after, r))
                return false;
        r->total = in->after ? 0 : vault_objects_count_of(call->vault, (uint32_t)in->user);
        if (in->hash) {
                r->hash.data = arena_alloc(call->arena, CRYPTO_HASH_SIZE);
                r->hash.len = CRYPTO_HASH_SIZE;
                if (!r->hash.data || !hash_all(call, (uint32_t)in->user, r->hash.data))
                        return err_set(&call->err, ERR_MEMORY, "no memory for the hash of all keys");
        }
        call->response->find_all_keys = r;
        call->response->body_case = CHSM__RESPONSE__BODY_FIND_ALL_KEYS;
        return true;
}
