/* Commands on the rights of users: setUserAttributes, disableUserAccess, getUserInfo. spec/semantics.md 6, 7.
 */
#include "vault/users.h"

static bool is_cu(struct vault_call *call, const struct vault_user_view *u)
{
        return u->role == VAULT_CU ||
               err_set(&call->err, ERR_USER_TYPE, "'%s' is a %s; only crypto users have rights", u->name,
                       vault_role_name((uint32_t)u->role));
}

static bool may_set(struct vault_call *call, const struct vault_user_view *u, uint32_t mask, uint32_t rights)
{
        if (!is_cu(call, u))
                return false;
        if (!mask || mask & ~VAULT_RIGHTS_ALL)
                return err_set(&call->err, ERR_ARGUMENT, "the request names %s",
                               mask ? "rights that there are not" : "no right to change");
        if (!vault_user_admits_officers(call, u->id, "change his rights"))
                return false;
        if (mask & VAULT_RIGHT_MANAGE_BY_CO && !(rights & VAULT_RIGHT_MANAGE_BY_CO))
                return err_set(
                    &call->err, ERR_ROLE,
                    "only '%s' himself can take officers' access away; he can run: disableUserAccess %s",
                    u->name, u->name);
        return true;
}

bool vault_set_user_rights(struct vault_call *call)
{
        const Chsm__SetUserRightsRequest *in = call->request->set_user_rights;
        struct vault_user_view u;
        bool ok;

        if (!vault_user_target(call, 0, in->user, &u))
                return false;
        ok = may_set(call, &u, in->mask, in->rights);
        u.rights = (u.rights & ~in->mask) | (in->rights & in->mask);
        ok = ok && vault_user_put(call, &u) && vault_call_done(call);
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}

bool vault_disable_user_access(struct vault_call *call)
{
        struct vault_user_view u;
        bool ok;

        if (!vault_user_target(call, 0, call->request->disable_user_access->user, &u))
                return false;
        if (u.id != call->login.user_id) {
                ok = err_set(
                    &call->err, ERR_ROLE,
                    "only '%s' himself can close his account to officers; he can run: disableUserAccess %s",
                    u.name, u.name);
        } else {
                /* What he may not do now, nobody can give him afterwards. */
                if (u.rights != VAULT_RIGHTS_ALL && u.rights & VAULT_RIGHT_MANAGE_BY_CO)
                        call->response->note =
                            (char *)(uintptr_t) "some of the user's rights are off and will stay off";
                u.rights &= ~(uint32_t)VAULT_RIGHT_MANAGE_BY_CO;
                ok = vault_user_put(call, &u) && vault_call_done(call);
        }
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}

static Chsm__User *user_row(struct vault_call *call, const struct vault_user_view *u)
{
        Chsm__User *row = arena_alloc(call->arena, sizeof(*row));
        char *name = arena_text(call->arena, slice_str(u->name));

        if (!row || !name)
                return NULL;
        chsm__user__init(row);
        row->id = u->id;
        row->role = (uint32_t)u->role;
        row->name = name;
        row->failures = u->failures;
        row->locked = vault_user_locked(call->vault, u);
        row->quorum_key = u->quorum_key.n != 0;
        row->second_factor = u->second_factor.n != 0;
        return row;
}

bool vault_user_info(struct vault_call *call)
{
        Chsm__UserInfoResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_user_view u;

        if (!vault_user_target(call, 0, call->request->user_info->user, &u))
                return false;
        sec_wipe(u.password, sizeof(u.password));
        if (call->login.role != VAULT_CO && u.id != call->login.user_id)
                return err_set(&call->err, ERR_ROLE,
                               "only crypto officers and '%s' himself see what '%s' may do", u.name, u.name);
        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__user_info_response__init(r);
        r->user = user_row(call, &u);
        r->rights = u.rights;
        r->created_ms = u.created_ms;
        r->keys = vault_objects_owned(call->vault, u.id);
        call->response->user_info = r;
        call->response->body_case = CHSM__RESPONSE__BODY_USER_INFO;
        return r->user || err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}
