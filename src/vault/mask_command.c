/* extractMaskedObject: one key or user goes out, sealed for this security domain. The answer to inserting is
 * in mask_insert.c. spec/semantics.md 12 and 2.1. */
#include "vault/key_use.h"
#include "vault/lives.h"
#include "vault/mask.h"
#include "vault/quorum.h"
#include "vault/users.h"

bool vault_mask_may_manage(struct vault_call *call, uint32_t user_id)
{
        return call->login.role == VAULT_CU ||
               vault_user_admits_officers(call, user_id, "mask, insert or synchronise him or his keys");
}

/* The appliance user sees what officers see. */
static struct vault_object *find(struct vault_call *call, uint64_t handle)
{
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct vault_object *o;

        ref.handle = handle;
        if (call->login.role != VAULT_AU)
                return vault_object_of(call, &ref, ERR_KEY_HANDLE);
        o = handle <= UINT32_MAX ? vault_objects_find(call->vault, (uint32_t)handle) : NULL;
        if (!o)
                err_set(&call->err, ERR_KEY_HANDLE, "there is no object with handle %llu",
                        (unsigned long long)handle);
        return o;
}

static bool names_of(struct vault_call *call, const struct vault_object *o, struct vault_masked_key *k)
{
        char *names = arena_alloc(call->arena, (o->shared_count + 1) * 32);

        if (!names)
                return err_set(&call->err, ERR_MEMORY, "no memory for a masked object");
        if (!vault_user_name(call->vault, o->owner, names))
                return err_set(&call->err, ERR_MASK_OWNER, "key %u has no owner", o->handle);
        k->owner = slice_str(names);
        for (size_t i = 0; i < o->shared_count; i++) {
                names += 32;
                if (!vault_user_name(call->vault, o->shared[i], names))
                        names[0] = 0; /* deleted since: the name of nobody */
                k->sharer[i] = slice_str(names);
        }
        k->sharers = o->shared_count;
        return true;
}

/* The object as it is after the mark that it was masked. */
static struct sec *body_of(struct vault_call *call, const struct vault_object *o)
{
        struct vault_object_parts parts = vault_object_parts_of(o);
        struct sec *stored = vault_object_unseal(call->vault, o, &call->err), *body = NULL;

        parts.history |= VAULT_HISTORY_MASKED;
        if (stored && vault_object_material(sec_slice(stored), &parts.material))
                body = vault_object_encode(&parts);
        sec_free(&stored);
        if (!body && !call->err.id)
                err_set(&call->err, ERR_MEMORY, "no memory for a masked object");
        return body;
}

static bool reply(struct vault_call *call, enum vault_mask_kind kind, struct sec *plain)
{
        struct buf out = BUF_INIT;
        struct slice copy = SLICE_EMPTY;

        if (plain && vault_mask_seal(call->vault, kind, sec_slice(plain), &out, &call->err))
                copy = arena_copy(call->arena, buf_slice(&out));
        buf_clear(&out);
        if (!copy.p)
                return call->err.id ? false
                                    : err_set(&call->err, ERR_MEMORY, "no memory for a masked object");
        return vault_use_reply(call, copy, NULL, 0);
}

static bool mask_key(struct vault_call *call, struct vault_object *o)
{
        struct vault_masked_key k = { .handle = o->handle };
        struct crypto_key *key = vault_object_key(call->vault, o, &call->err);
        struct vault_mask_memory m;
        struct vault_life life;
        struct sec *body = NULL, *plain = NULL;
        bool ok = key && names_of(call, o, &k) && vault_life_of(call, key, &life) &&
                  vault_mask_memory_of(call, o, key, &m) && (body = body_of(call, o));

        if (ok) {
                k.life = life.marks;
                k.body = sec_slice(body);
                plain = vault_masked_key_encode(&k);
                ok = vault_use_remember(call, o, VAULT_HISTORY_MASKED) &&
                     vault_mask_memory_put(call, &m, false, m.history) && reply(call, VAULT_MASK_KEY, plain);
        }
        sec_free(&body);
        sec_free(&plain);
        return ok;
}

static bool extract_key(struct vault_call *call, uint64_t handle)
{
        struct vault_object *o = find(call, handle);
        bool ok;

        if (!o)
                return false;
        call->object = o->handle;
        ok = (call->login.role != VAULT_CU || vault_policy_owns(call, o, "mask")) &&
             vault_mask_may_manage(call, o->owner) &&
             (call->login.role != VAULT_CU || vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_MGMT)) &&
             mask_key(call, o);
        vault_object_unref(&o);
        return ok;
}

static bool extract_user(struct vault_call *call, uint64_t id)
{
        struct vault_user_view u = { .id = 0 };
        struct buf body = BUF_INIT;
        struct sec *plain = NULL;
        bool ok;

        if (call->login.role == VAULT_CU)
                return err_set(&call->err, ERR_ROLE, "only a crypto officer masks users");
        if (id > UINT32_MAX || !vault_user_find_id(call->vault, (uint32_t)id, &u))
                return err_set(&call->err, ERR_USER_ABSENT, "there is no user with id %llu",
                               (unsigned long long)id);
        call->subject = arena_text(call->arena, slice_str(u.name));
        if (u.role != VAULT_CU && u.role != VAULT_CO)
                ok = err_set(&call->err, ERR_USER_TYPE,
                             "'%s' is neither a crypto user nor an officer; every "
                             "partition has one of its own",
                             u.name);
        else
                ok = vault_mask_may_manage(call, u.id) && vault_user_guard(call, &u) &&
                     vault_user_encode(&u, &body) && (plain = sec_copy(buf_slice(&body))) &&
                     reply(call, VAULT_MASK_USER, plain);
        sec_wipe(u.password, sizeof(u.password));
        if (body.p)
                sec_wipe(body.p, body.n);
        buf_clear(&body);
        sec_free(&plain);
        return ok || call->err.id ? ok : err_set(&call->err, ERR_MEMORY, "no memory for a masked user");
}

bool vault_extract_masked(struct vault_call *call)
{
        const Chsm__ExtractMaskedRequest *in = call->request->extract_masked;

        if (!in->handle == !in->user)
                return err_set(&call->err, ERR_ARGUMENT, "name one object to mask: a key or a user");
        return in->handle ? extract_key(call, in->handle) : extract_user(call, in->user);
}

bool vault_insert_masked(struct vault_call *call)
{
        const Chsm__InsertMaskedRequest *in = call->request->insert_masked;
        enum vault_mask_kind kind;
        struct sec *plain =
            vault_mask_open(call->vault, slice_of(in->masked.data, in->masked.len), &kind, &call->err);
        bool ok;

        if (!plain)
                return false;
        ok = kind == VAULT_MASK_KEY ? vault_mask_insert_key(call, sec_slice(plain))
                                    : vault_mask_insert_user(call, sec_slice(plain));
        sec_free(&plain);
        return ok;
}
