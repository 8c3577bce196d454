/* Which role may try which command in which state. The columns stand in dispatch_rows.c; here are the words
 * of a refusal. spec/semantics.md 2.1 and 3. */
#include "vault/commit.h"

#include <stdio.h>

static const char *state_words(enum vault_state state)
{
        switch (state) {
        case VAULT_UNOWNED:
                return "the partition has no owner yet; PRECO stores the owner's certificates first, with "
                       "storeCert";
        case VAULT_OWNED:
                return "the partition is not activated yet; PRECO must change his password first";
        default:
                return "the partition is activated";
        }
}

bool vault_policy_state(struct vault *v, const struct vault_command *row, struct err *err)
{
        enum vault_state state = vault_state(v);

        if (row->states & (1u << state))
                return true;
        return err_set(err, ERR_LIFE_CYCLE, "'%s' is not possible now: %s", row->name, state_words(state));
}

/* "CO or AU": the roles of a row. */
static void roles_text(uint32_t mask, char *out, size_t size)
{
        static const struct {
                enum vault_role role;
                const char *name;
        } roles[] = { { VAULT_PRECO, "PRECO" }, { VAULT_CO, "CO" }, { VAULT_CU, "CU" }, { VAULT_AU, "AU" } };
        size_t n = 0;

        out[0] = 0;
        for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && n < size; i++) {
                if (mask & (1u << roles[i].role))
                        n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " or " : "", roles[i].name);
        }
}

bool vault_policy_role(struct vault *v, const struct vault_command *row, enum vault_role role,
                       const struct vault_peer *peer, struct err *err)
{
        bool may = row->roles & (1u << role);
        char allowed[48], is[16];

        /* Rows that let nobody read objects do so only where the owner wants public objects public, and for
         * clients whose certificate the node knows. */
        if (role == VAULT_NOBODY && row->states == 1u << VAULT_ACTIVATED && row->body >= 30 && row->body < 50)
                may = may && peer->has_certificate &&
                      vault_settings_now(v).value[VAULT_SET_PUBLIC_BEFORE_LOGIN];
        if (may)
                return true;
        roles_text(row->roles, allowed, sizeof(allowed));
        if (role == VAULT_NOBODY)
                return err_set(err, ERR_NOT_LOGGED_IN, "no user is logged in to do '%s'; it is for %s",
                               row->name, allowed);
        if (role == VAULT_RECOVERED)
                return err_set(err, ERR_ROLE,
                               "after unlockCO only changePswd is possible, not '%s'; then log in",
                               row->name);
        roles_text(1u << role, is, sizeof(is));
        return err_set(err, ERR_ROLE,
                       "the logged in user's role may not do '%s': it is for %s, and this is a %s", row->name,
                       allowed, is);
}
