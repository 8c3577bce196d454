/* The calls that the attacker and the officer can make on the machine of policy_machine.c, each decided by
 * the vault's functions. policy_pairs.c has those of pairs. */
#include "policy_machine.c"

/* A new object, when the rules let it be. */
static bool born(const struct search *search, struct state *s, unsigned slot, const struct vault_parent *p,
                 enum sort sort, unsigned value, uint32_t flags, uint32_t history, object more)
{
        struct vault_key_facts k = facts_of(object_of(sort, value, flags, history));
        bool known_before = p->how == VAULT_CREATED || p->how == VAULT_UNWRAPPED;

        if (separate(search) && known_before)
                k.history |= vault_model_life_marks((uint32_t)s->roles[value] << 16);
        if (vault_model_birth(&search->settings, p, &k) != VAULT_ALLOWED)
                return false;
        if ((flags & VAULT_TRUSTED) &&
            (!p->key || !(p->key->flags & VAULT_TRUSTED) || p->how == VAULT_UNWRAPPED))
                s->broken = TRUST_TAKEN;
        k.history |= vault_model_birth_marks(p, flags);
        if (separate(search) && p->how == VAULT_UNWRAPPED)
                s->roles[value] |= (uint16_t)(k.history >> 16);
        more |= vault_model_passes_quorum(p) ? QUORUM : 0;
        settle(search, s, slot, sort, value, flags, k.history, more);
        if ((s->guarded & 1u << value) && !(more & QUORUM))
                s->broken = QUORUM_LOST;
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
                resettle(search, s, i, k.flags, k.history | marks);
}

/* A token key of a value that the attacker knows: given, or encapsulated under a public key of his. */
static void own_births(struct search *search, size_t at, unsigned slot, unsigned t)
{
        static const struct {
                enum vault_birth how;
                enum verb verb;
        } ways[] = { { VAULT_CREATED, IMPORT }, { VAULT_ENCAPSULATED, ENCAPSULATE } };
        uint32_t flags = template_of(SECRET, t), useful = VAULT_WRAP | VAULT_TOKEN | VAULT_SENSITIVE;

        for (size_t i = 0; i < COUNT(ways) && (flags & useful) == useful; i++) {
                struct state s = search->states[at];
                struct vault_parent p = { ways[i].how, NULL, false, false, false };

                s.spoilt |= 1u << EVIL;
                if (born(search, &s, slot, &p, SECRET, EVIL, flags, 0, 0))
                        reach(search, &s, at, call_of(ways[i].verb, 0, 0, t));
        }
}

static void generates(struct search *search, size_t at, unsigned slot, unsigned t, object more)
{
        struct state s = search->states[at];
        uint32_t flags = template_of(SECRET, t);
        const struct vault_parent p = { VAULT_GENERATED, NULL, false, false, false };

        if ((s.made == 0 ? search->pairs : s.made > 1 || (flags & ALL_USES)) ||
            !born(search, &s, slot, &p, SECRET, s.made + 1u, flags, 0, more))
                return;
        s.made++;
        s.promised |= (uint8_t)(protected_by(search, flags) << s.made);
        s.guarded |= (uint8_t)((more & QUORUM ? 1u : 0u) << s.made);
        reach(search, &s, at, call_of(GENERATE, 0, more & QUORUM ? 1 : 0, t));
}

static void births(struct search *search, size_t at, unsigned t)
{
        unsigned slot = room(search, &search->states[at]);

        if (slot == OBJECTS)
                return;
        generates(search, at, slot, t, 0);
        if (search->quorum && (template_of(SECRET, t) & VAULT_TOKEN)) /* of session keys nobody else knows */
                generates(search, at, slot, t, QUORUM);
        if (!search->pairs)
                own_births(search, at, slot, t);
}

/* What a blob holds: the first key of a search of pairs is the private half. */
static enum sort content_of(const struct search *search, unsigned value)
{
        return search->pairs && value == BASE ? PRIVATE_HALF : SECRET;
}

static void unwraps_as(struct search *search, size_t at, unsigned i, unsigned k)
{
        const struct state *now = &search->states[at];
        struct vault_key_facts key = facts_of(now->o[i]);
        struct vault_parent p = { VAULT_UNWRAPPED, &key, false, false, false };
        enum sort sort = content_of(search, k);
        unsigned slot = room(search, now);

        for (unsigned t = 0; t < templates_of(sort); t++) {
                struct state s = search->states[at];
                uint32_t flags = template_of(sort, t);

                s.spoilt |= (uint8_t)(1u << k);
                if ((k == GOAL && !separate(search) && (flags & ALL_USES)) ||
                    !born(search, &s, slot, &p, sort, k, flags, 0, 0))
                        continue;
                if (sort_of(search->states[at].o[i]) == PRIVATE_HALF && k == EVIL && s.o[slot])
                        s.o[slot] |= SENT;
                reach(search, &s, at, call_of(UNWRAP, i, k, t));
        }
}

static void unwraps(struct search *search, size_t at, unsigned i)
{
        const struct state *now = &search->states[at];
        const struct vault_use_facts sealed = { .authenticated = true };
        struct vault_key_facts key = facts_of(now->o[i]);
        unsigned w = value_of(now->o[i]);
        uint8_t known = now->known, asked = now->asked;
        uint16_t blobs = now->blobs;

        if (room(search, now) == OBJECTS ||
            vault_model_use(&search->settings, &key, CRYPTO_UNWRAP, &sealed) != VAULT_ALLOWED)
                return;
        for (unsigned k = 0; k < VALUES; k++) {
                /* Everybody has the public half, and can make blobs of what he knows. */
                bool made_outside = key.object_class == CKO_PRIVATE_KEY || ((known | asked) & 1u << w);

                if ((blobs & 1u << (w * VALUES + k)) || (made_outside && (known & 1u << k)))
                        unwraps_as(search, at, i, k);
        }
}

static void derives(struct search *search, size_t at, unsigned i, unsigned t)
{
        struct state s = search->states[at];
        const struct vault_use_facts plain = { 0 };
        struct vault_key_facts key = facts_of(s.o[i]);
        uint32_t flags = template_of(SECRET, t);
        struct vault_parent p = { VAULT_DERIVED, &key, true, search->pairs,
                                  !(flags & (VAULT_SENSITIVE | VAULT_TOKEN)) };
        unsigned slot = room(search, &s);

        if (key.quorum)
                s.guarded |= 1u << CHILD;
        if (slot == OBJECTS || value_of(s.o[i]) != BASE || search->shares ||
            vault_model_use(&search->settings, &key, CRYPTO_DERIVE, &plain) != VAULT_ALLOWED ||
            !born(search, &s, slot, &p, SECRET, CHILD, flags, 0, 0))
                return;
        s.spoilt |= 1u << CHILD;
        if ((s.promised & 1u << BASE) && s.o[slot] &&
            !(vault_model_birth_marks(&p, flags) & VAULT_HISTORY_OPEN))
                s.promised |= 1u << CHILD;
        remember(search, &s, i, vault_model_use_marks(CRYPTO_DERIVE));
        reach(search, &s, at, call_of(DERIVE, i, 0, t));
}

/* The shares of a key are one key here: who has it has the whole. They have no use but to be joined. */
static void splits(struct search *search, size_t at, unsigned i, unsigned t)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);
        const struct vault_parent p = { VAULT_DERIVED, &key, false, false, false };
        bool join = value_of(s.o[i]) == CHILD;
        uint32_t flags = template_of(SECRET, t);
        unsigned slot = room(search, &s);

        if (slot == OBJECTS || (value_of(s.o[i]) != BASE && !join) || (!join && (flags & ALL_USES)) ||
            vault_model_split(&key) != VAULT_ALLOWED)
                return;
        if (!join) {
                s.guarded |= (uint8_t)((s.guarded >> BASE & 1u) << CHILD);
                s.promised |= (uint8_t)((s.promised >> BASE & 1u) << CHILD);
        }
        s.spoilt |= (uint8_t)(1u << CHILD | 1u << BASE);
        /* A quorum does not pass on: what has one is not split. */
        key.quorum = false;
        if (!born(search, &s, slot, &p, SECRET, join ? BASE : CHILD, flags, key.history & ROLES_ALL, 0))
                return;
        if (!join)
                remember(search, &s, i, vault_model_use_marks(CRYPTO_DERIVE));
        reach(search, &s, at, call_of(join ? JOIN : SPLIT, i, 0, t));
}

/* The attacker has made the ciphertext, or agrees with a point of his own, so he has what comes out of it. */
static void agrees(struct search *search, size_t at, unsigned i, unsigned t)
{
        static const struct {
                enum vault_birth how;
                enum crypto_op op;
                enum verb verb;
        } ways[] = { { VAULT_DECAPSULATED, CRYPTO_DECAPSULATE, DECAPSULATE },
                     { VAULT_DERIVED, CRYPTO_DERIVE, AGREE } };
        const struct vault_use_facts plain = { 0 };
        uint32_t flags = template_of(SECRET, t), useful = VAULT_WRAP | VAULT_TOKEN | VAULT_SENSITIVE;

        for (size_t way = 0; way < (search->pairs ? 2 : 1) && (flags & useful) == useful; way++) {
                struct state s = search->states[at];
                struct vault_key_facts key = facts_of(s.o[i]);
                struct vault_parent p = { ways[way].how, &key, true, ways[way].how == VAULT_DERIVED, false };
                unsigned slot = room(search, &s);

                if (slot == OBJECTS || value_of(s.o[i]) != BASE || key.object_class == CKO_PUBLIC_KEY ||
                    vault_model_use(&search->settings, &key, ways[way].op, &plain) != VAULT_ALLOWED ||
                    !born(search, &s, slot, &p, SECRET, EVIL, flags, 0, 0))
                        continue;
                s.spoilt |= 1u << EVIL;
                remember(search, &s, i, vault_model_use_marks(ways[way].op));
                reach(search, &s, at, call_of(ways[way].verb, i, 0, t));
        }
}

/* The second key is only there to be got: it is given no use. */
static bool passive(const struct search *search, const struct state *s, unsigned i, unsigned c)
{
        return value_of(s->o[i]) == GOAL && c < usages[SECRET].n && !separate(search);
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
        struct vault_parent p = { VAULT_COPIED, &key, false, false, false };
        unsigned slot = room(search, &s);
        uint32_t flags = changed(sort_of(s.o[i]), key.flags, c);

        /* The plain copy is the one that goes the other way between session and token. */
        if (slot == OBJECTS || (flags != (key.flags ^ VAULT_TOKEN) && pointless(key.flags, flags)) ||
            passive(search, &s, i, c) ||
            !born(search, &s, slot, &p, sort_of(s.o[i]), value_of(s.o[i]), flags, 0, 0))
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
        struct vault_key_facts key = facts_of(s.o[i]);

        if (!(key.flags & VAULT_TOKEN) || !reads(search, &key))
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
        struct vault_parent p = { VAULT_CHANGED, &key, false, false, false };
        bool token = key.flags & VAULT_TOKEN;
        unsigned slot = token ? i : room(search, &s);
        uint32_t flags = changed(sort_of(s.o[i]), key.flags, c);

        if (slot == OBJECTS || (search->masks ? flags == key.flags : pointless(key.flags, flags)) ||
            passive(search, &s, i, c) || (token && !(flags & VAULT_TOKEN)) ||
            !born(search, &s, slot, &p, sort_of(s.o[i]), value_of(s.o[i]), flags, 0, 0))
                return;
        if (key.history & VAULT_HISTORY_TRUSTED)
                s.broken = TRUST_CHANGED;
        reach(search, &s, at, call_of(CHANGE, i, 0, c));
}

static void trusts(struct search *search, size_t at, unsigned i, unsigned half, uint32_t more)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);
        bool on = !(key.flags & VAULT_TRUSTED), twin = false;

        for (unsigned k = 0; k < OBJECTS && key.object_class == CKO_SECRET_KEY; k++)
                twin = twin || (k != i && s.o[k] && value_of(s.o[k]) == value_of(s.o[i]) &&
                                (facts_of(s.o[k]).flags & VAULT_TOKEN));
        key.history |= more;
        if (on && vault_model_trust(&search->settings, &key, twin) != VAULT_ALLOWED)
                return;
        key.flags ^= VAULT_TRUSTED;
        key.history |= on ? vault_model_trust_marks() : 0;
        resettle(search, &s, i, key.flags, key.history);
        if (half < OBJECTS)
                remember(search, &s, half, vault_model_half_marks());
        reach(search, &s, at, call_of(on ? TRUST : UNTRUST, i, 0, 0));
}

/* An officer trusts a public key, and with it its private half, whichever of its objects is found first. */
static void officer(struct search *search, size_t at, unsigned i)
{
        const struct state *s = &search->states[at];
        struct vault_key_facts key = facts_of(s->o[i]);
        bool bound = false;

        if (!(key.flags & VAULT_TOKEN) || value_of(s->o[i]) == GOAL || key.object_class == CKO_PRIVATE_KEY)
                return;
        for (unsigned k = 0;
             k < OBJECTS && key.object_class == CKO_PUBLIC_KEY && !(key.flags & VAULT_TRUSTED); k++) {
                struct vault_key_facts half = facts_of(search->states[at].o[k]);

                if (!search->states[at].o[k] || sort_of(search->states[at].o[k]) != PRIVATE_HALF ||
                    !(half.flags & VAULT_TOKEN) ||
                    value_of(search->states[at].o[k]) != value_of(search->states[at].o[i]))
                        continue;
                bound = true;
                if (vault_model_half_counts(&search->settings, &half))
                        trusts(search, at, i, k, VAULT_HISTORY_PAIRED);
                else
                        trusts(search, at, i, OBJECTS, 0);
        }
        if (!bound)
                trusts(search, at, i, OBJECTS, 0);
}
