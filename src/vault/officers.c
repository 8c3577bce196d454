/* Officers themselves: how many there are, and the name of the first. spec/semantics.md 5 and 6. */
#include "vault/users.h"

#include "base/text.h"

void vault_officers_note(struct vault_call *call, uint32_t without, size_t more)
{
        size_t n = vault_users_officers(call->vault, without) + more;

        if (n >= 2)
                return;
        call->response->note =
            (char *)(uintptr_t)(n == 1 ? "only one crypto officer can log in: without him nobody manages "
                                         "users; make another: createUser CO"
                                       : "no crypto officer can log in; the partition's owner can help: "
                                         "getChallenge, unlockCO");
}

/* The record and the failure counter under another name. */
static bool move(struct vault_call *call, const struct vault_user_view *old, struct vault_user_view *u)
{
        struct slice key = slice_str(old->key);

        if (!vault_user_guard(call, old))
                return false;
        if (strcmp(u->key, old->key) == 0) /* only capitals and small letters change */
                return vault_user_put(call, u);
        u->rev = u->failures_rev = 0;
        return vault_call_delete(call, vault_call_key(call, "u/", key)) &&
               (!old->failures_rev || vault_call_delete(call, vault_call_key(call, "f/", key))) &&
               vault_user_put(call, u) && vault_user_put_failures(call, u, old->failures);
}

static bool may_rename(struct vault_call *call, const struct vault_user_view *u, const char *name)
{
        struct vault_user_view other;

        if (u->id != call->login.user_id)
                return err_set(&call->err, ERR_ROLE, "only '%s' himself changes his name", u->name);
        if (!vault_user_name_check(name, &call->err))
                return false;
        if (!vault_user_find(call->vault, slice_str(name), &other) || other.id == u->id)
                return true;
        sec_wipe(other.password, sizeof(other.password));
        return err_set(&call->err, ERR_USER_EXISTS, "there is a user '%s' already", other.name);
}

bool vault_rename_officer(struct vault_call *call)
{
        const Chsm__RenameOfficerRequest *in = call->request->rename_officer;
        struct vault_user_view u, old;
        bool ok;

        if (!vault_user_target(call, VAULT_CO, in->user, &u))
                return false;
        old = u;
        ok = may_rename(call, &u, in->name);
        if (ok) {
                memset(u.name, 0, sizeof(u.name));
                memset(u.key, 0, sizeof(u.key));
                memcpy(u.name, in->name, strlen(in->name));
                text_lower(u.name, strlen(u.name), u.key);
                u.epoch++; /* his logins were those of the old name */
                ok = move(call, &old, &u) && vault_call_done(call);
        }
        sec_wipe(u.password, sizeof(u.password));
        sec_wipe(old.password, sizeof(old.password));
        return ok;
}
