/* insertMaskedObject: a masked key or user comes in. It comes back as restricted as it went out and with all
 * that is remembered of it here: nothing that was taken from a user or a key returns this way. */
#include "ck/encoding.h"
#include "vault/key_use.h"
#include "vault/lives.h"
#include "vault/mask.h"
#include "vault/partition.h"
#include "vault/policy_model.h"
#include "vault/users.h"

#include <strings.h>

#define PAGE 64

static bool unreadable(struct vault_call *call)
{
        return err_set(&call->err, ERR_MASK_FORMAT, "the masked object cannot be read by this version");
}

static bool reply(struct vault_call *call, uint32_t handle, uint32_t user)
{
        Chsm__InsertedResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__inserted_response__init(r);
        r->handle = handle;
        r->user = user;
        call->response->inserted = r;
        call->response->body_case = CHSM__RESPONSE__BODY_INSERTED;
        return true;
}

/* True when that id is here the user it was where the object was masked. */
static bool is_user(struct vault *v, uint32_t id, struct slice name)
{
        char here[32];

        return vault_user_is_cu(v, id) && vault_user_name(v, id, here) && strlen(here) == name.n &&
               strncasecmp(here, (const char *)name.p, name.n) == 0;
}

/* Whose key it is, and whether the caller may bring it in. */
static bool owner_agrees(struct vault_call *call, const struct vault_object *o,
                         const struct vault_masked_key *k)
{
        if (!is_user(call->vault, o->owner, k->owner))
                return err_set(&call->err, ERR_MASK_OWNER,
                               "the key's owner '%.*s' (id %u) is no crypto user of this partition",
                               (int)k->owner.n, (const char *)k->owner.p, o->owner);
        if (call->login.role == VAULT_CU && call->login.user_id != o->owner)
                return err_set(&call->err, ERR_ACTION_PROHIBITED,
                               "only the key's owner '%.*s' or a crypto officer can insert it",
                               (int)k->owner.n, (const char *)k->owner.p);
        return vault_mask_may_manage(call, o->owner);
}

/* ---- is it here already? ---- */

/* Compared by value only when what is known in the open is equal. */
static bool is_same(struct vault_call *call, const struct vault_object *o, struct crypto_key *key,
                    struct vault_object *other)
{
        struct vault_life a, b;
        struct crypto_key *there;
        struct err err = call->err;
        bool same;

        if (other->object_class != o->object_class || other->key_type != o->key_type ||
            !slice_equal(vault_object_attribute(o, CKA_CLOUDHSM_KCV),
                         vault_object_attribute(other, CKA_CLOUDHSM_KCV)))
                return false;
        there = vault_object_key(call->vault, other, NULL);
        same = there && vault_life_of(call, key, &a) && vault_life_of(call, there, &b) &&
               slice_equal(a.store_key, b.store_key);
        call->err = err;
        return same;
}

static bool is_absent(struct vault_call *call, const struct vault_object *o, struct crypto_key *key)
{
        struct vault_object *page[PAGE];
        uint32_t after = 0, found = 0;
        bool more = true;
        size_t n;

        while (more && !found) {
                vault_objects_list(call->vault, 0, after, PAGE, page, &n, &more);
                for (size_t i = 0; i < n; i++) {
                        after = page[i]->handle;
                        if (!found && is_same(call, o, key, page[i]))
                                found = after;
                        vault_object_unref(&page[i]);
                }
        }
        return !found || err_set(&call->err, ERR_OBJECT_EXISTS,
                                 "key %u has this value already, unable to insert object", found);
}

/* ---- keys ---- */

/* What restricted the key when it was deleted here takes the place of what did when it was masked. */
static bool restrict_again(struct vault_call *call, struct slice kept, struct vault_template *t)
{
        struct reader in = reader_of(kept);
        struct slice value;
        uint64_t type;

        while (ck_template_next(&in, &type, &value)) {
                struct slice copy = arena_copy(call->arena, value);

                if (!copy.p && value.n)
                        return err_set(&call->err, ERR_MEMORY, "no memory for an attribute");
                if (!vault_template_set(call, t, type, copy))
                        return false;
        }
        return true;
}

/* Trust is given by officers of this partition and not brought in; otherwise the attributes are as they were,
 * or more restricted. */
static bool attributes_of(struct vault_call *call, const struct vault_object *o, struct slice kept,
                          struct vault_object_parts *parts, struct vault_template *t)
{
        static const uint8_t no = 0;

        t->n = 0;
        for (size_t i = 0; i < o->attribute_count; i++) {
                struct slice value = o->attributes[i].value;

                if (o->attributes[i].type == CKA_TRUSTED && (o->flags & VAULT_TRUSTED)) {
                        value = slice_of(&no, 1);
                        call->response->note = (char *)(uintptr_t) "the key was trusted; a crypto officer "
                                                                   "can make it so again";
                }
                if (!vault_template_set(call, t, o->attributes[i].type, value))
                        return false;
        }
        if (!restrict_again(call, kept, t))
                return false;
        parts->attributes = t->items;
        parts->attribute_count = t->n;
        return true;
}

/* Users it was shared with who are here under the same id and name. */
static void sharers_of(struct vault_call *call, const struct vault_object *o,
                       const struct vault_masked_key *k, uint32_t out[VAULT_SHARED_MAX],
                       struct vault_object_parts *parts)
{
        parts->shared = out;
        parts->shared_count = 0;
        for (size_t i = 0; i < o->shared_count; i++) {
                if (i < k->sharers && is_user(call->vault, o->shared[i], k->sharer[i]))
                        out[parts->shared_count++] = o->shared[i];
        }
        if (parts->shared_count < o->shared_count)
                call->response->note =
                    (char *)(uintptr_t) "some users the key was shared with are not here; it is not shared "
                                        "with them";
}

static bool handle_for(struct vault_call *call, const struct vault_masked_key *k, uint32_t *handle)
{
        struct vault_object *there;
        uint8_t key[6];

        if (!call->request->insert_masked->keep_handle || !k->handle)
                return vault_objects_new_handle(call, handle);
        there = vault_objects_find(call->vault, k->handle);
        if (there) {
                vault_object_unref(&there);
                return vault_objects_new_handle(call, handle);
        }
        if (vault_objects_count(call->vault) >= call->vault->config.max_keys)
                return err_set(&call->err, ERR_LIMIT,
                               "the partition has its most objects; delete some first");
        *handle = k->handle;
        return vault_call_guard(call, STORE_ABSENT,
                                vault_call_key(call, "", vault_object_store_key(*handle, key)), 0);
}

/* What the search of policy_model.h has looked at is what comes of the attributes. */
static bool as_the_model_says(struct vault_call *call, const struct vault_object *o,
                              const struct vault_mask_memory *m, const struct vault_object *made)
{
        struct vault_attribute kept[VAULT_TEMPLATE_MAX];
        struct reader in = reader_of(m->kept);
        size_t n = 0;
        uint32_t gone;

        while (n < VAULT_TEMPLATE_MAX && ck_template_next(&in, &kept[n].type, &kept[n].value))
                n++;
        gone = vault_flags_of(kept, n);
        return ((made->flags ^ vault_model_inserted_flags(o->flags, n ? &gone : NULL)) &
                ~(uint32_t)VAULT_DATED) == 0 ||
               err_set(&call->err, ERR_INTERNAL, "the masked key's flags are not what the rules make them");
}

static bool put_key(struct vault_call *call, const struct vault_object *o, const struct vault_masked_key *k,
                    struct crypto_key *key)
{
        struct vault_object_parts parts = vault_object_parts_of(o);
        struct vault_object *made = NULL;
        struct vault_template t;
        struct vault_mask_memory m;
        struct vault_life life;
        uint32_t shared[VAULT_SHARED_MAX], handle = 0;
        bool ok = vault_life_of(call, key, &life) && vault_mask_memory_of(call, o, key, &m);

        if (ok && m.deleted && m.owner && m.owner != o->owner)
                ok =
                    err_set(&call->err, ERR_MASK_DELETED,
                            "the key was another user's when it was deleted here, and only its owner of then "
                            "could bring it back");
        if (ok && m.deleted && call->login.user_id != o->owner)
                ok = err_set(&call->err, ERR_MASK_DELETED,
                             "the key was deleted here after it was masked; only its owner '%.*s' can bring "
                             "it back",
                             (int)k->owner.n, (const char *)k->owner.p);
        parts.history =
            vault_model_inserted_history(parts.history | k->life | life.marks, ok ? m.history : 0);
        sharers_of(call, o, k, shared, &parts);
        ok = ok && attributes_of(call, o, m.kept, &parts, &t) &&
             vault_object_material(k->body, &parts.material) &&
             (!(k->life & ~life.marks) || vault_life_add(call, &life, k->life)) &&
             handle_for(call, k, &handle) && vault_mask_memory_put(call, &m, false, m.history) &&
             vault_object_put(call, handle, &parts, &made) && as_the_model_says(call, o, &m, made) &&
             reply(call, handle, o->owner);
        call->object = handle;
        vault_object_unref(&made);
        return ok;
}

bool vault_mask_insert_key(struct vault_call *call, struct slice plain)
{
        struct vault_masked_key k;
        struct vault_object *o;
        struct crypto_key *key = NULL;
        struct slice material;
        bool ok;

        if (!vault_masked_key_decode(plain, &k) || !(o = vault_object_decode(k.body, &call->err)))
                return unreadable(call);
        ok = vault_object_material(k.body, &material) && owner_agrees(call, o, &k) &&
             crypto_key_open(call->vault->deps.crypto, (enum crypto_key_class)o->object_class, o->key_type,
                             material, &key, &call->err) &&
             is_absent(call, o, key) && put_key(call, o, &k, key);
        crypto_key_unref(&key);
        vault_object_unref(&o);
        return ok || call->err.id ? ok : unreadable(call);
}

/* ---- users ---- */

static bool user_is_new(struct vault_call *call, const struct vault_user_view *u, uint32_t next)
{
        struct vault_user_view here;
        bool exists = vault_user_find(call->vault, slice_str(u->key), &here) ||
                      vault_user_find_id(call->vault, u->id, &here);

        if (exists) {
                sec_wipe(here.password, sizeof(here.password));
                return err_set(&call->err, ERR_USER_EXISTS,
                               "user already created, unable to insert object: '%s' has id %u here",
                               here.name, here.id);
        }
        if (u->id < next)
                return err_set(&call->err, ERR_MASK_DELETED,
                               "id %u was given here before and its user was deleted: his old password and "
                               "rights do not come back; a crypto officer can run: createUser",
                               u->id);
        return vault_users_count(call->vault) < call->vault->config.max_users ||
               err_set(&call->err, ERR_LIMIT,
                       "the partition has its most users, %llu; a crypto officer can run: deleteUser",
                       (unsigned long long)call->vault->config.max_users);
}

bool vault_mask_insert_user(struct vault_call *call, struct slice plain)
{
        struct vault_user_view u;
        struct slice name;
        char lower[VAULT_NAME_MAX + 1] = "";
        struct reader in = reader_of(plain);
        store_rev rev;
        uint32_t next = vault_partition_next_user(call->vault, &rev);
        bool ok;

        if (call->login.role == VAULT_CU)
                return err_set(&call->err, ERR_ROLE, "only a crypto officer inserts users");
        (void)reader_bytes(&in, 4 + 1 + 8 + 8); /* what stands before the name, see user_record.c */
        name = reader_block(&in, VAULT_NAME_MAX);
        for (size_t i = 0; i < name.n; i++)
                lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
        if (!reader_ok(&in) || !vault_user_decode(plain, slice_str(lower), &u) ||
            (u.role != VAULT_CU && u.role != VAULT_CO))
                return unreadable(call);
        call->subject = arena_text(call->arena, slice_str(u.name));
        ok = user_is_new(call, &u, next) && vault_user_put(call, &u) &&
             vault_partition_put_next_user(call, u.id + 1, rev) && reply(call, 0, u.id);
        sec_wipe(&u, sizeof(u));
        return ok;
}
