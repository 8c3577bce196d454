/* An officer makes a key trusted. spec/key-rules.md rules 2 and 3, B08 to B12. */
#include "ck/encoding.h"
#include "vault/key_use.h"
#include "vault/policy_model.h"

#define PAGE 64

/* Calls visit for every other token object until it says so; its word. */
static bool any_other(struct vault_call *call, const struct vault_object *o,
                      bool (*visit)(struct vault_call *, const struct vault_object *, struct vault_object *,
                                    void *),
                      void *arg)
{
        struct vault_object *page[PAGE];
        uint32_t after = 0;
        bool more = true, found = false;
        size_t n;

        while (more && !found) {
                vault_objects_list(call->vault, 0, after, PAGE, page, &n, &more);
                for (size_t i = 0; i < n; i++) {
                        after = page[i]->handle;
                        found = found || (page[i]->handle != o->handle && visit(call, o, page[i], arg));
                        vault_object_unref(&page[i]);
                }
        }
        return found;
}

/* The value itself is compared only when all that is known of it in the open is equal. */
static bool is_twin(struct vault_call *call, const struct vault_object *o, struct vault_object *other,
                    void *arg)
{
        uint8_t a[32], b[32];
        struct crypto_key *key, *mine = arg;

        if (other->object_class != CKO_SECRET_KEY ||
            !slice_equal(vault_object_attribute(o, CKA_VALUE_LEN),
                         vault_object_attribute(other, CKA_VALUE_LEN)) ||
            (o->key_type == other->key_type && !slice_equal(vault_object_attribute(o, CKA_CLOUDHSM_KCV),
                                                            vault_object_attribute(other, CKA_CLOUDHSM_KCV))))
                return false;
        key = vault_object_key(call->vault, other, NULL);
        return key && crypto_key_fingerprint(mine, vault_fingerprint_key(call->vault), a) &&
               crypto_key_fingerprint(key, vault_fingerprint_key(call->vault), b) &&
               memcmp(a, b, sizeof(a)) == 0;
}

static bool has_twin(struct vault_call *call, const struct vault_object *o, bool *twin)
{
        struct crypto_key *key =
            vault_object_key(call->vault, (struct vault_object *)(uintptr_t)o, &call->err);

        *twin = key && o->object_class == CKO_SECRET_KEY && any_other(call, o, is_twin, key);
        return key != NULL;
}

/* The other half of a public key, with a reference in *arg. */
static bool is_half(struct vault_call *call, const struct vault_object *o, struct vault_object *other,
                    void *arg)
{
        (void)call;
        if (other->object_class != CKO_PRIVATE_KEY || other->owner != o->owner ||
            !slice_equal(vault_object_attribute(o, CKA_PUBLIC_KEY_INFO),
                         vault_object_attribute(other, CKA_PUBLIC_KEY_INFO)))
                return false;
        *(struct vault_object **)arg = vault_object_ref(other);
        return true;
}

/* Trust in a public key is trust in its private half: from now on that only unwraps, and it counts when it
 * never could do more. */
static bool bind_half(struct vault_call *call, const struct vault_object *o, uint32_t *history)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_object *half = NULL;
        struct vault_key_facts facts;
        bool ok = true;

        if (!vault_object_attribute(o, CKA_PUBLIC_KEY_INFO).n || !any_other(call, o, is_half, &half))
                return true;
        facts = vault_policy_facts(half);
        if (vault_model_half_counts(&settings, &facts)) {
                ok = vault_use_remember(call, half, vault_model_half_marks());
                *history |= VAULT_HISTORY_PAIRED;
        }
        vault_object_unref(&half);
        return ok;
}

bool vault_policy_trust(struct vault_call *call, const struct vault_object *o, bool on, uint32_t *history)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts facts;
        const struct vault_rule_row *row;
        enum vault_rule rule;
        bool twin;

        if (!on)
                return true;
        if (!has_twin(call, o, &twin) || (o->object_class == CKO_PUBLIC_KEY && !(o->flags & VAULT_TRUSTED) &&
                                          !bind_half(call, o, history)))
                return false;
        facts = vault_policy_facts(o);
        facts.history |= *history;
        rule = vault_model_trust(&settings, &facts, twin);
        row = vault_rule_row(rule);
        if (rule != VAULT_ALLOWED)
                return err_set(&call->err, row->err, "%s", row->words);
        *history |= vault_model_trust_marks();
        rule = vault_model_honoured(&settings, &facts);
        if (rule != VAULT_ALLOWED)
                call->response->note = (char *)(uintptr_t)vault_rule_row(rule)->words;
        return true;
}
