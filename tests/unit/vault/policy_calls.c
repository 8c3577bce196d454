/* The calls that the attacker and the officer can make on the machine of policy_machine.c, each decided by
 * the vault's functions. test_policy_model.c includes this file after that one. */
#include "policy_machine.c"

/* A new object, when the rules let it be. */
static bool born(const struct search *search, struct state *s, unsigned slot, const struct vault_parent *p,
                 unsigned value, uint32_t flags)
{
        struct vault_key_facts k = { CKO_SECRET_KEY, flags, 0, 256 };
        bool known_before = p->how == VAULT_CREATED || p->how == VAULT_UNWRAPPED;

        if (separate(search) && known_before)
                k.history = vault_model_life_marks((uint32_t)s->roles[value] << 16);
        if (vault_model_birth(&search->settings, p, &k) != VAULT_ALLOWED)
                return false;
        if ((flags & VAULT_TRUSTED) &&
            (!p->key || !(p->key->flags & VAULT_TRUSTED) || p->how == VAULT_UNWRAPPED))
                s->broken = TRUST_TAKEN;
        k.history |= vault_model_birth_marks(p, flags);
        if (separate(search) && p->how == VAULT_UNWRAPPED)
                s->roles[value] |= (uint16_t)(k.history >> 16);
        settle(search, s, slot, value, flags, k.history);
        return true;
}

static bool protected_by(const struct search *search, uint32_t flags)
{
        return (flags & VAULT_SENSITIVE) &&
               (!(flags & VAULT_EXTRACTABLE) || (flags & VAULT_WRAP_WITH_TRUSTED) ||
                search->settings.value[VAULT_SET_BORN_PROTECTED]);
}

static void remember(const struct search *search, struct state *s, unsigned i, uint32_t marks)
{
        struct vault_key_facts k = facts_of(s->o[i]);

        if (k.flags & VAULT_TOKEN) /* what a session object was used for is not seen */
                settle(search, s, i, value_of(s->o[i]), k.flags, k.history | marks);
}

/* A token key of a value that the attacker knows: given, or encapsulated under a public key of his. */
static void own_births(struct search *search, size_t at, unsigned slot, unsigned t)
{
        static const struct {
                enum vault_birth how;
                enum verb verb;
        } ways[] = { { VAULT_CREATED, IMPORT }, { VAULT_ENCAPSULATED, ENCAPSULATE } };
        uint32_t flags = template_of(t), useful = VAULT_WRAP | VAULT_TOKEN | VAULT_SENSITIVE;

        for (size_t i = 0; i < COUNT(ways) && (flags & useful) == useful; i++) {
                struct state s = search->states[at];
                struct vault_parent p = { ways[i].how, NULL, false, false };

                s.spoilt |= 1u << EVIL;
                if (born(search, &s, slot, &p, EVIL, flags))
                        reach(search, &s, at, call_of(ways[i].verb, 0, 0, t));
        }
}

static void births(struct search *search, size_t at, unsigned t)
{
        struct state s = search->states[at];
        unsigned slot = room(search, &s);
        uint32_t flags = template_of(t);
        struct vault_parent p = { VAULT_GENERATED, NULL, false, false };

        if (slot == OBJECTS)
                return;
        if ((s.made == 0 || (s.made == 1 && !(flags & ALL_USES))) &&
            born(search, &s, slot, &p, s.made + 1u, flags)) {
                s.made++;
                s.promised |= (uint8_t)(protected_by(search, flags) << s.made);
                reach(search, &s, at, call_of(GENERATE, 0, 0, t));
        }
        own_births(search, at, slot, t);
}

static void unwraps(struct search *search, size_t at, unsigned i, unsigned t)
{
        const struct state *now = &search->states[at];
        const struct vault_use_facts sealed = { .authenticated = true };
        struct vault_key_facts key = facts_of(now->o[i]);
        struct vault_parent p = { VAULT_UNWRAPPED, &key, false, false };
        unsigned w = value_of(now->o[i]), slot = room(search, now);

        if (slot == OBJECTS ||
            vault_model_use(&search->settings, &key, CRYPTO_UNWRAP, &sealed) != VAULT_ALLOWED)
                return;
        for (unsigned k = 0; k < VALUES; k++) {
                struct state s = search->states[at];
                bool made_outside = (s.known & 1u << w) && (s.known & 1u << k);
                bool made_by_use = (s.asked & 1u << w) && (s.known & 1u << k);

                if (!(s.blobs & 1u << (w * VALUES + k)) && !made_outside && !made_by_use)
                        continue;
                s.spoilt |= (uint8_t)(1u << k);
                if ((k != GOAL || separate(search) || !(template_of(t) & ALL_USES)) &&
                    born(search, &s, slot, &p, k, template_of(t)))
                        reach(search, &s, at, call_of(UNWRAP, i, k, t));
        }
}

static void derives(struct search *search, size_t at, unsigned i, unsigned t)
{
        struct state s = search->states[at];
        const struct vault_use_facts plain = { 0 };
        struct vault_key_facts key = facts_of(s.o[i]);
        uint32_t flags = template_of(t);
        struct vault_parent p = { VAULT_DERIVED, &key, true, !(flags & (VAULT_SENSITIVE | VAULT_TOKEN)) };
        unsigned slot = room(search, &s);

        if (slot == OBJECTS || value_of(s.o[i]) != BASE ||
            vault_model_use(&search->settings, &key, CRYPTO_DERIVE, &plain) != VAULT_ALLOWED ||
            !born(search, &s, slot, &p, CHILD, flags))
                return;
        s.spoilt |= 1u << CHILD;
        if ((s.promised & 1u << BASE) && s.o[slot] &&
            !(vault_model_birth_marks(&p, flags) & VAULT_HISTORY_OPEN))
                s.promised |= 1u << CHILD;
        remember(search, &s, i, vault_model_use_marks(CRYPTO_DERIVE));
        reach(search, &s, at, call_of(DERIVE, i, 0, t));
}

/* The attacker has made the ciphertext, so he has what comes out of it. */
static void decapsulates(struct search *search, size_t at, unsigned i, unsigned t)
{
        struct state s = search->states[at];
        const struct vault_use_facts plain = { 0 };
        struct vault_key_facts key = facts_of(s.o[i]);
        uint32_t flags = template_of(t), useful = VAULT_WRAP | VAULT_TOKEN | VAULT_SENSITIVE;
        struct vault_parent p = { VAULT_DECAPSULATED, &key, true, false };
        unsigned slot = room(search, &s);

        if (slot == OBJECTS || value_of(s.o[i]) != BASE || (flags & useful) != useful ||
            vault_model_use(&search->settings, &key, CRYPTO_DECAPSULATE, &plain) != VAULT_ALLOWED ||
            !born(search, &s, slot, &p, EVIL, flags))
                return;
        s.spoilt |= 1u << EVIL;
        remember(search, &s, i, vault_model_use_marks(CRYPTO_DECAPSULATE));
        reach(search, &s, at, call_of(DECAPSULATE, i, 0, t));
}

/* The second key is only there to be got: it is given no use. */
static bool passive(const struct search *search, const struct state *s, unsigned i, unsigned c)
{
        return value_of(s->o[i]) == GOAL && c < COUNT(usages) && !separate(search);
}

/* A change that only takes something away gives the attacker nothing. */
static bool pointless(uint32_t before, uint32_t after)
{
        uint32_t gained = after & ~before, lost = before & ~after;

        return !(gained & ~(uint32_t)(VAULT_SENSITIVE | VAULT_WRAP_WITH_TRUSTED)) &&
               !(lost & (VAULT_SENSITIVE | VAULT_WRAP_WITH_TRUSTED));
}

static void copies(struct search *search, size_t at, unsigned i, unsigned c)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);
        struct vault_parent p = { VAULT_COPIED, &key, false, false };
        unsigned slot = room(search, &s);
        uint32_t flags = changed(key.flags, c);

        /* The plain copy is the one that goes the other way between session and token. */
        if (slot == OBJECTS || (flags != (key.flags ^ VAULT_TOKEN) && pointless(key.flags, flags)) ||
            passive(search, &s, i, c) || !born(search, &s, slot, &p, value_of(s.o[i]), flags))
                return;
        remember(search, &s, i, vault_model_copy_marks());
        if (key.history & VAULT_HISTORY_TRUSTED)
                s.broken = TRUST_CHANGED;
        reach(search, &s, at, call_of(COPY, i, 0, c));
}

static void wraps(struct search *search, size_t at, unsigned w, unsigned k)
{
        struct state s = search->states[at];
        struct vault_key_facts target = facts_of(s.o[k]);

        if (may_wrap(search, &s, w, k, false) &&
            ((target.flags & VAULT_WRAP_WITH_TRUSTED) ||
             (w < OBJECTS && (facts_of(s.o[w]).history & VAULT_HISTORY_TRUSTED)))) {
                s.broken = UNAUTHENTICATED;
                reach(search, &s, at, call_of(WRAP, w, k, false));
        }
        if (!(target.flags & VAULT_TOKEN) || !may_wrap(search, &s, w, k, true))
                return;
        take_blob(search, &s, w, k);
        remember(search, &s, k, vault_model_wrap_marks());
        reach(search, &s, at, call_of(WRAP, w, k, true));
}

static void uses(struct search *search, size_t at, unsigned i)
{
        struct state s = search->states[at];
        const struct vault_use_facts plain = { .authenticated = true };
        struct vault_key_facts key = facts_of(s.o[i]);

        if (!(key.flags & VAULT_TOKEN) ||
            vault_model_use(&search->settings, &key, CRYPTO_DECRYPT, &plain) != VAULT_ALLOWED)
                return;
        s.asked |= (uint8_t)(1u << value_of(s.o[i]));
        s.spoilt |= (uint8_t)(1u << value_of(s.o[i]));
        remember(search, &s, i, vault_model_use_marks(CRYPTO_DECRYPT));
        reach(search, &s, at, call_of(USE, i, 0, 0));
}

/* A session object is not changed: another blob of the same value comes to be. */
static void changes(struct search *search, size_t at, unsigned i, unsigned c)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);
        struct vault_parent p = { VAULT_CHANGED, &key, false, false };
        bool token = key.flags & VAULT_TOKEN;
        unsigned slot = token ? i : room(search, &s);
        uint32_t flags = changed(key.flags, c);

        if (slot == OBJECTS || pointless(key.flags, flags) || passive(search, &s, i, c) ||
            (token && !(flags & VAULT_TOKEN)) || !born(search, &s, slot, &p, value_of(s.o[i]), flags))
                return;
        if (key.history & VAULT_HISTORY_TRUSTED)
                s.broken = TRUST_CHANGED;
        reach(search, &s, at, call_of(CHANGE, i, 0, c));
}

static void officer(struct search *search, size_t at, unsigned i)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);
        bool on = !(key.flags & VAULT_TRUSTED), twin = false;

        if (!(key.flags & VAULT_TOKEN) || value_of(s.o[i]) == GOAL)
                return;
        for (unsigned k = 0; k < OBJECTS; k++)
                twin = twin || (k != i && s.o[k] && value_of(s.o[k]) == value_of(s.o[i]) &&
                                (facts_of(s.o[k]).flags & VAULT_TOKEN));
        if (on && vault_model_trust(&search->settings, &key, twin) != VAULT_ALLOWED)
                return;
        key.flags ^= VAULT_TRUSTED;
        key.history |= on ? vault_model_trust_marks() : 0;
        settle(search, &s, i, value_of(s.o[i]), key.flags, key.history);
        reach(search, &s, at, call_of(on ? TRUST : UNTRUST, i, 0, 0));
}
