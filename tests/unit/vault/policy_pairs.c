/* What is different when the first key of policy_machine.c is a pair: a public half that everybody has, and a
 * private half that unwraps, decrypts, signs or derives. */
#include "policy_calls.c"

static const struct {
        uint32_t public_half, private_half;
} pair_usages[] = {
        { VAULT_WRAP, VAULT_UNWRAP },
        { VAULT_WRAP | VAULT_ENCRYPT, VAULT_UNWRAP | VAULT_DECRYPT },
        { VAULT_WRAP, VAULT_DECRYPT },
        { VAULT_WRAP, VAULT_SIGN },
        { VAULT_WRAP, VAULT_UNWRAP | VAULT_SIGN },
        { VAULT_WRAP | VAULT_VERIFY, VAULT_UNWRAP },
        { VAULT_WRAP, VAULT_UNWRAP | VAULT_DERIVE | VAULT_DECAPSULATE },
        { VAULT_ENCRYPT, VAULT_DECRYPT },
        { 0, VAULT_DERIVE | VAULT_DECAPSULATE },
        { VAULT_WRAP, 0 },
};
static const uint32_t pair_kinds[] = { VAULT_SENSITIVE | VAULT_TOKEN, VAULT_SENSITIVE, VAULT_TOKEN, 0 };
#define PAIR_TEMPLATES ((unsigned)(COUNT(pair_usages) * COUNT(exits) * COUNT(pair_kinds)))

static void pair_template(unsigned t, uint32_t *public_flags, uint32_t *private_flags)
{
        *public_flags = pair_usages[t % COUNT(pair_usages)].public_half | VAULT_TOKEN;
        *private_flags = pair_usages[t % COUNT(pair_usages)].private_half |
                         exits[t / COUNT(pair_usages) % COUNT(exits)] |
                         pair_kinds[t / COUNT(pair_usages) / COUNT(exits)];
}

/* Each half remembers what the other may do, as vault_policy_pair has it. */
static void pair_birth(struct search *search, size_t at, unsigned t)
{
        struct state s = search->states[at];
        const struct vault_parent p = { VAULT_GENERATED, NULL, false, false, false };
        uint32_t pub, priv;

        if (s.made > 0)
                return;
        pair_template(t, &pub, &priv);
        if (!born(search, &s, 0, &p, PUBLIC_HALF, BASE, pub,
                  vault_model_life_marks(vault_model_flag_marks(priv)), 0) ||
            !born(search, &s, 1, &p, PRIVATE_HALF, BASE, priv,
                  vault_model_life_marks(vault_model_flag_marks(pub)), 0))
                return;
        s.made = 1;
        s.promised |= (uint8_t)(protected_by(search, priv) << BASE);
        reach(search, &s, at, call_of(GENERATE_PAIR, 0, 0, t));
}

/* A public key comes in: the attacker's own, or the other pair's once more. */
static void public_imports(struct search *search, size_t at)
{
        const struct vault_parent p = { VAULT_CREATED, NULL, false, false, false };

        for (unsigned value = EVIL; value <= BASE; value++) {
                struct state s = search->states[at];
                unsigned slot = room(search, &s);

                if (slot == OBJECTS || value > s.made ||
                    !born(search, &s, slot, &p, PUBLIC_HALF, value, VAULT_WRAP | VAULT_TOKEN, 0, 0))
                        continue;
                reach(search, &s, at, call_of(IMPORT, value, 1, 0));
        }
}

/* The public half out of the private one. */
static void public_derives(struct search *search, size_t at, unsigned i)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);
        const struct vault_parent p = { VAULT_DERIVED, NULL, false, false, false };
        const struct vault_use_facts plain = { 0 };
        unsigned slot = room(search, &s);

        if (slot == OBJECTS || key.object_class != CKO_PRIVATE_KEY ||
            vault_model_use(&search->settings, &key, CRYPTO_DERIVE, &plain) != VAULT_ALLOWED ||
            !born(search, &s, slot, &p, PUBLIC_HALF, value_of(s.o[i]), VAULT_WRAP | VAULT_TOKEN, 0, 0))
                return;
        reach(search, &s, at, call_of(DERIVE, i, 1, 0));
}
