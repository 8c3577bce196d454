/* What may be derived from which key, and what becomes of its protection. spec/key-rules.md rule 5 and D. */
#include "ck/encoding.h"
#include "vault/key_move.h"
#include "vault/policy_model.h"

/* Its value may be known to its application: a key born in a session, where the partition lets session
 * secrets be readable. */
static bool is_open_to_application(struct vault_call *call, const struct vault_object *base)
{
        return !base->handle && (base->history & VAULT_HISTORY_SESSION) &&
               !(base->flags & VAULT_WRAP_WITH_TRUSTED) &&
               vault_settings_now(call->vault).value[VAULT_SET_NONSENSITIVE_SESSION];
}

static bool is_agreement(uint64_t mechanism)
{
        return mechanism == CKM_ECDH1_DERIVE || mechanism == CKM_ECDH1_COFACTOR_DERIVE ||
               mechanism == CKM_HKDF_DERIVE;
}

static bool names_mechanism(const struct vault_object *o, uint64_t mechanism)
{
        struct reader in = reader_of(vault_object_attribute(o, CKA_ALLOWED_MECHANISMS));

        while (in.rest.n >= 8) {
                if (reader_u64(&in) == mechanism)
                        return true;
        }
        return false;
}

/* Readable output: of a key that is readable itself, or of one that was born for it and never gives the same
 * bytes as a key. D10, D11. */
static bool may_give_data(struct vault_call *call, const struct vault_object *base)
{
        if (!(base->flags & VAULT_SENSITIVE) && (base->flags & VAULT_EXTRACTABLE))
                return true;
        return (names_mechanism(base, CKM_HKDF_DATA) && !names_mechanism(base, CKM_HKDF_DERIVE)) ||
               err_set(&call->err, ERR_KEY_FUNCTION,
                       "the base key is sensitive; one that gives data is made with CKA_ALLOWED_MECHANISMS "
                       "that hold CKM_HKDF_DATA and not CKM_HKDF_DERIVE");
}

/* What the child may claim of its past. */
static void inherit_past(const struct vault_object *base, const struct vault_parent *parent,
                         struct vault_origin *origin)
{
        bool never = false, always = false;

        (void)ck_value_bool(vault_object_attribute(base, CKA_NEVER_EXTRACTABLE), &never);
        (void)ck_value_bool(vault_object_attribute(base, CKA_ALWAYS_SENSITIVE), &always);
        origin->never_extractable = origin->never_extractable && never;
        origin->always_sensitive = origin->always_sensitive && always;
        origin->history |= vault_model_birth_marks(parent, VAULT_TOKEN); /* of the base alone */
}

bool vault_policy_derive(struct vault_call *call, const struct vault_object *base, uint64_t mechanism,
                         struct vault_template *t, struct vault_origin *origin)
{
        struct vault_key_facts facts = vault_policy_facts(base);
        const struct vault_parent parent = { .how = VAULT_DERIVED,
                                             .key = &facts,
                                             .agreement = is_agreement(mechanism),
                                             .peer = base->object_class == CKO_PRIVATE_KEY,
                                             .readable = is_agreement(mechanism) &&
                                                         is_open_to_application(call, base) &&
                                                         !vault_template_bool(t, CKA_SENSITIVE, true) &&
                                                         !vault_template_bool(t, CKA_TOKEN, false) };

        if (mechanism == CKM_HKDF_DATA)
                return may_give_data(call, base);
        if (mechanism == CKM_PUB_KEY_FROM_PRIV_KEY)
                return true;
        inherit_past(base, &parent, origin);
        return vault_policy_inherit(call, &parent, t);
}

bool vault_policy_agree(struct vault_call *call, const struct vault_object *half, enum vault_birth how,
                        struct vault_template *t)
{
        struct vault_key_facts facts = vault_policy_facts(half);
        /* A public key passes nothing on: what is sent under it is as new as a generated key. */
        const struct vault_parent parent = { .how = how,
                                             .key = how == VAULT_ENCAPSULATED ? NULL : &facts,
                                             .agreement = true,
                                             .readable = is_open_to_application(call, half) &&
                                                         !vault_template_bool(t, CKA_SENSITIVE, true) &&
                                                         !vault_template_bool(t, CKA_TOKEN, false) };

        return vault_policy_inherit(call, &parent, t);
}

bool vault_policy_derive_more(struct vault_call *call, const struct vault_template *first,
                              struct vault_template *t)
{
        static const char why[] = "the first key of this derivation has it so";

        if (vault_template_bool(first, CKA_SENSITIVE, true) &&
            !vault_force_bool(call, t, CKA_SENSITIVE, true, why))
                return false;
        if (!vault_template_bool(first, CKA_EXTRACTABLE, true) &&
            !vault_force_bool(call, t, CKA_EXTRACTABLE, false, why))
                return false;
        return !vault_template_bool(first, CKA_WRAP_WITH_TRUSTED, false) ||
               vault_force_bool(call, t, CKA_WRAP_WITH_TRUSTED, true, why);
}

bool vault_policy_derive_told(struct vault_call *call, const struct vault_object *base)
{
        return (!(base->flags & VAULT_SENSITIVE) && (base->flags & VAULT_EXTRACTABLE)) ||
               is_open_to_application(call, base) ||
               err_set(&call->err, ERR_KEY_FUNCTION,
                       "the base key is sensitive, and this would tell a part of what it gives; use "
                       "CKM_TLS12_KEY_SAFE_DERIVE");
}
