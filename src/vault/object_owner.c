/* An officer gives a key to another crypto user: modifyKeyOwner. The check value shows that he means this
 * key; whoever keeps officers out gives and gets nothing so. spec/semantics.md 2.1 and 7. */
#include "vault/policy.h"
#include "vault/users.h"

static bool check_value(struct vault_call *call, const struct vault_object *o,
                        const ProtobufCBinaryData *given)
{
        struct slice has = vault_object_attribute(o, CKA_CHECK_VALUE);

        if (!has.n)
                return !given->len || err_set(&call->err, ERR_ARGUMENT,
                                              "object %u has no check value; give none", o->handle);
        if (!given->len)
                return err_set(
                    &call->err, ERR_ARGUMENT,
                    "the check value (KCV) of key %u is needed; its owner sees it with: getAttribute %u 371",
                    o->handle, o->handle);
        return sec_equal(slice_of(given->data, given->len), has) ||
               err_set(&call->err, ERR_ARGUMENT, "key %u has another check value (KCV) than the one given",
                       o->handle);
}

static bool new_owner(struct vault_call *call, const struct vault_object *o, uint64_t id)
{
        struct vault_user_view u;

        if (id > UINT32_MAX || !vault_user_find_id(call->vault, (uint32_t)id, &u))
                return err_set(&call->err, ERR_USER_ABSENT, "there is no user with id %llu",
                               (unsigned long long)id);
        sec_wipe(u.password, sizeof(u.password));
        call->subject = arena_text(call->arena, slice_str(u.name));
        if (u.role != VAULT_CU)
                return err_set(&call->err, ERR_USER_TYPE, "'%s' is a %s; only crypto users own keys", u.name,
                               vault_role_name((uint32_t)u.role));
        if (u.id == o->owner)
                return err_set(&call->err, ERR_ARGUMENT, "key %u is '%s''s already", o->handle, u.name);
        return vault_user_admits_officers(call, o->owner, "give his keys away") &&
               vault_user_admits_officers(call, u.id, "give him keys");
}

/* Or an officer would choose who approves. */
static bool approver_already(struct vault_call *call, const struct vault_object *o, uint64_t id)
{
        return !o->quorum || vault_object_is_shared_with(o, (uint32_t)id) ||
               err_set(&call->err, ERR_ACTION_PROHIBITED,
                       "%u users must approve what is done with key %u, so it goes to one of those it is "
                       "shared with only; "
                       "its owner can share it, with their approval: shareKey",
                       o->quorum, o->handle);
}

bool vault_change_owner(struct vault_call *call)
{
        const Chsm__ChangeOwnerRequest *in = call->request->change_owner;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct vault_object *o, *changed = NULL;
        struct vault_object_parts parts;
        uint32_t shared[VAULT_SHARED_MAX];
        bool ok;

        ref.handle = in->handle;
        o = vault_object_of(call, &ref, ERR_HANDLE);
        if (!o)
                return false;
        call->object = o->handle;
        ok = new_owner(call, o, in->user) && approver_already(call, o, in->user) &&
             check_value(call, o, &in->check_value);
        parts = vault_object_parts_of(o);
        parts.owner = (uint32_t)in->user;
        parts.shared = shared;
        parts.shared_count = 0;
        for (size_t i = 0; i < o->shared_count; i++) { /* those it is shared with keep its use */
                if (o->shared[i] != parts.owner)
                        shared[parts.shared_count++] = o->shared[i];
        }
        ok = ok && vault_object_rewrite(call, o, &parts, &changed) && vault_call_done(call);
        vault_object_unref(&changed);
        vault_object_unref(&o);
        return ok;
}
