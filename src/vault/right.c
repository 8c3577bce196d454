#include "vault/users.h"

/* Who can give it back stands in the sentence: an officer, or nobody. */
static bool missing(struct vault_call *call, const struct vault_right_row *row)
{
        if (call->login.rights & VAULT_RIGHT_MANAGE_BY_CO)
                return err_set(&call->err, ERR_RIGHT,
                               "user '%s' has %s off, so he may not %s; a crypto officer can run: "
                               "setUserAttributes %s FILE with %s 0x01 in the file",
                               call->login.user, row->name, row->does, call->login.user, row->name);
        return err_set(
            &call->err, ERR_RIGHT,
            "user '%s' has %s off, so he may not %s; nobody can change that, because he has closed "
            "his account to officers (disableUserAccess)",
            call->login.user, row->name, row->does);
}

bool vault_right_check(struct vault_call *call, uint32_t needed)
{
        const struct vault_right_row *row;

        needed &= ~call->login.rights;
        if (!needed || call->login.role != VAULT_CU)
                return true;
        for (size_t i = 0; (row = vault_right_at(i)); i++) {
                if (needed & (uint32_t)row->right)
                        return missing(call, row);
        }
        return err_set(&call->err, ERR_INTERNAL, "the command needs a right that has no name");
}

bool vault_user_admits_officers(struct vault_call *call, uint32_t user_id, const char *what)
{
        struct vault_user_view u;
        bool open;

        if (!vault_user_find_id(call->vault, user_id, &u))
                return true; /* nobody's: there is no one to protect */
        sec_wipe(u.password, sizeof(u.password));
        open = u.rights & VAULT_RIGHT_MANAGE_BY_CO;
        if (!open)
                return err_set(
                    &call->err, ERR_USER_CLOSED,
                    "'%s' has closed his account to officers (disableUserAccess), so no officer can "
                    "%s; nobody can undo that",
                    u.name, what);
        return vault_call_guard(call, STORE_REV_IS, vault_call_key(call, "u/", slice_str(u.key)), u.rev);
}
