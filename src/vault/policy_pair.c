/* Roles of the halves of a key pair, and usage of templates that name none. spec/key-rules.md rule 6. */
#include "vault/policy.h"
#include "vault/policy_model.h"

static const struct {
        uint64_t public_half, private_half;
} uses[] = {
        { CKA_ENCRYPT, CKA_DECRYPT },
        { CKA_VERIFY, CKA_SIGN },
        { CKA_VERIFY_RECOVER, CKA_SIGN_RECOVER },
        { CKA_WRAP, CKA_UNWRAP },
        { CKA_ENCAPSULATE, CKA_DECAPSULATE },
};
#define USES (sizeof(uses) / sizeof(uses[0]))

uint32_t vault_policy_default_usage(struct vault_call *call, const struct vault_template *t, uint32_t wanted)
{
        struct vault_settings settings = vault_settings_now(call->vault);

        return vault_model_default_usage(&settings, vault_flags_of(t->items, t->n), wanted);
}

static bool names_usage(const struct vault_template *t, bool public_half)
{
        for (size_t i = 0; i < USES; i++) {
                if (vault_template_has(t, public_half ? uses[i].public_half : uses[i].private_half))
                        return true;
        }
        return vault_template_bool(t, CKA_DERIVE, false);
}

static bool fill_half(struct vault_call *call, const struct vault_template *from, struct vault_template *to,
                      bool to_public)
{
        for (size_t i = 0; i < USES; i++) {
                uint64_t has = to_public ? uses[i].private_half : uses[i].public_half;
                uint64_t gets = to_public ? uses[i].public_half : uses[i].private_half;

                if (vault_template_bool(from, has, false) && !vault_template_set_bool(call, to, gets, true))
                        return false;
        }
        return true;
}

bool vault_policy_pair(struct vault_call *call, struct vault_template *pub, struct vault_template *priv,
                       uint32_t *pub_history, uint32_t *priv_history)
{
        bool separate = vault_settings_now(call->vault).value[VAULT_SET_SEPARATE_ROLES];
        bool pub_names = names_usage(pub, true), priv_names = names_usage(priv, false);

        if (separate && pub_names && !priv_names && !fill_half(call, pub, priv, false))
                return false;
        if (separate && priv_names && !pub_names && !fill_half(call, priv, pub, true))
                return false;
        *pub_history = vault_model_life_marks(vault_model_flag_marks(vault_flags_of(priv->items, priv->n)));
        *priv_history = vault_model_life_marks(vault_model_flag_marks(vault_flags_of(pub->items, pub->n)));
        return true;
}
