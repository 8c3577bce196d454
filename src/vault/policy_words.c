#include "vault/policy_words.h"
#include "ck/attribute.h"

#include <stdio.h>

struct names {
        char key[40];   /* "key 262150" */
        char owner[64]; /* "cu1" */
};

static struct names names_of(struct vault_call *call, const struct vault_object *o)
{
        struct names n;
        char user[32];

        if (o->handle)
                (void)snprintf(n.key, sizeof(n.key), "key %u", o->handle);
        else
                (void)snprintf(n.key, sizeof(n.key), "the session key");
        if (vault_user_name(call->vault, o->owner, user))
                (void)snprintf(n.owner, sizeof(n.owner), "%s", user);
        else
                (void)snprintf(n.owner, sizeof(n.owner), "user %u", o->owner);
        return n;
}

bool vault_words_not_owner(struct vault_call *call, const struct vault_object *o, enum err_id id,
                           const char *what)
{
        struct names n = names_of(call, o);

        return err_set(&call->err, id, "%s belongs to %s, and only the owner can %s it; '%s' is logged in",
                       n.key, n.owner, what, call->login.user);
}

bool vault_words_flag(struct vault_call *call, const struct vault_object *o, enum err_id id, const char *name,
                      unsigned number)
{
        struct names n = names_of(call, o);

        if (!(o->flags & VAULT_MODIFIABLE))
                return err_set(&call->err, id,
                               "%s has %s=FALSE, and CKA_MODIFIABLE=FALSE, so nobody can change it", n.key,
                               name);
        if (!o->handle)
                return err_set(&call->err, id, "%s has %s=FALSE; its application can set it", n.key, name);
        return err_set(&call->err, id, "%s has %s=FALSE; its owner %s can run: setAttribute %u %u 1", n.key,
                       name, n.owner, o->handle, number);
}

bool vault_words_usage(struct vault_call *call, const struct vault_object *o, const char *name)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts facts = vault_policy_facts(o);
        const struct ck_attribute_row *row;
        struct names n = names_of(call, o);

        if (vault_model_ever_trusted(&facts))
                return err_set(
                    &call->err, ERR_KEY_FUNCTION,
                    "%s has %s=FALSE, and as it is or was trusted it stays so: it only wraps and unwraps",
                    n.key, name);
        if (settings.value[VAULT_SET_SEPARATE_ROLES])
                return err_set(&call->err, ERR_KEY_FUNCTION,
                               "%s has %s=FALSE; in this partition a key keeps the role it was born with "
                               "(separate_roles), so another key must be made for this",
                               n.key, name);
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                if (strcmp(row->name, name) == 0)
                        return vault_words_flag(call, o, ERR_KEY_FUNCTION, name, (unsigned)row->type);
        }
        return err_set(&call->err, ERR_KEY_FUNCTION, "%s has %s=FALSE", n.key, name);
}

bool vault_words_of(struct vault_call *call, enum vault_rule rule, const struct vault_object *o)
{
        const struct vault_rule_row *row = vault_rule_row(rule);
        struct names n = names_of(call, o);

        return err_set(&call->err, row->err, "%s: %s", n.key, row->words);
}

static bool untrusted(struct vault_call *call, const struct vault_object *wrapping, const char *target)
{
        enum err_id id = vault_rule_row(VAULT_RULE_WRAP_UNTRUSTED)->err;

        if (!wrapping->handle)
                return err_set(
                    &call->err, id,
                    "%s has WRAP_WITH_TRUSTED=1 and the wrapping key is a session key, which nobody can "
                    "make TRUSTED",
                    target);
        return err_set(&call->err, id,
                       "%s has WRAP_WITH_TRUSTED=1 and key %u is not TRUSTED; a crypto officer can run: "
                       "setAttribute %u 134 1",
                       target, wrapping->handle, wrapping->handle);
}

bool vault_words_wrap(struct vault_call *call, enum vault_rule rule, const struct vault_object *wrapping,
                      const struct vault_key_facts *with, const struct vault_object *target,
                      const struct vault_key_facts *what)
{
        const struct vault_rule_row *row = vault_rule_row(rule);
        struct names outer = names_of(call, wrapping), inner = names_of(call, target);

        switch (rule) {
        case VAULT_RULE_WRAP_UNTRUSTED:
                return untrusted(call, wrapping, inner.key);
        case VAULT_RULE_WRAP_UNEXTRACTABLE:
                return err_set(&call->err, row->err,
                               "%s has EXTRACTABLE=0, which nobody can change; its owner can run "
                               "extractMaskedObject, for partitions of this security domain only",
                               inner.key);
        case VAULT_RULE_WRAP_WEAKER:
                return err_set(
                    &call->err, row->err,
                    "%s has %u bits of strength and %s would have to withstand %u (wrap_strength; see "
                    "getPolicy); wrap with a stronger key",
                    outer.key, with->strength, inner.key, what->strength);
        case VAULT_RULE_WRAP_ITSELF:
                return err_set(&call->err, row->err, "%s cannot wrap itself", inner.key);
        default:
                return err_set(&call->err, row->err, "%s does not wrap %s: %s", outer.key, inner.key,
                               row->words);
        }
}

bool vault_words_officer_only(struct vault_call *call, const struct vault_object *o,
                              const struct ck_attribute_row *row)
{
        struct names n = names_of(call, o);

        if (!o->handle)
                return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY,
                               "%s is changed by a crypto officer only, and of token keys only", row->name);
        return err_set(
            &call->err, ERR_ATTRIBUTE_READ_ONLY,
            "%s of %s is changed by a crypto officer only; a crypto officer can run: setAttribute %u "
            "%llu 1",
            row->name, n.key, o->handle, (unsigned long long)row->type);
}
