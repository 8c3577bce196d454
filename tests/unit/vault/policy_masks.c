/* Masked copies on the machine of policy_machine.c: the attacker keeps one, and inserts it after what it was
 * made of has changed and was deleted. What the machine remembers of that is written down beside what the
 * rules make of it. */
#include "policy_pairs.c"

/* The copy is as the object is with the mark that there is one. */
static void masks(struct search *search, size_t at, unsigned i)
{
        struct state s = search->states[at];
        struct vault_key_facts key = facts_of(s.o[i]);

        if (!(key.flags & VAULT_TOKEN) || value_of(s.o[i]) == EVIL ||
            (s.mask && value_of(s.mask) != value_of(s.o[i])))
                return;
        s.o[i] |= (object)VAULT_HISTORY_MASKED << 24;
        s.mask = s.o[i];
        s.gone = 0;
        reach(search, &s, at, call_of(MASK, i, 0, 0));
}

/* Deleting is noted of what is marked. */
static void forget(struct state *s, unsigned i)
{
        object o = s->o[i], past = s->gone & (object)0xffffffff << 24;

        if (s->mask && value_of(s->mask) == value_of(o) && (facts_of(o).history & VAULT_HISTORY_MASKED))
                s->gone = o | past;
        s->o[i] = 0;
}

/* A copy comes in where its value is not in any token object. */
static void inserts(struct search *search, size_t at)
{
        struct state s = search->states[at];
        struct vault_key_facts was = facts_of(s.mask), gone = facts_of(s.gone);
        unsigned slot = room(search, &s), value = value_of(s.mask);
        const uint32_t keeps = VAULT_SENSITIVE | VAULT_WRAP_WITH_TRUSTED;
        uint32_t flags, history, lives = vault_model_life_marks((uint32_t)s.roles[value] << 16);

        for (unsigned i = 0; i < OBJECTS; i++) {
                if (s.o[i] && value_of(s.o[i]) == value && (facts_of(s.o[i]).flags & VAULT_TOKEN))
                        return;
        }
        if (slot == OBJECTS || !s.mask)
                return;
        flags = vault_model_inserted_flags(was.flags, s.gone ? &gone.flags : NULL);
        history = vault_model_inserted_history(was.history | lives, s.gone ? gone.history : 0);
        settle(search, &s, slot, sort_of(s.mask), value, flags, history, s.mask & (SENT | QUORUM));
        if (flags & VAULT_TRUSTED)
                s.broken = TRUST_TAKEN;
        else if (s.gone && (gone.history & ~history))
                s.broken = PAST_LOST;
        else if (s.gone && ((flags & ~gone.flags & ~keeps) || (gone.flags & ~flags & keeps)))
                s.broken = RIGHTS_BACK;
        s.gone = 0;
        reach(search, &s, at, call_of(INSERT, 0, value, 0));
}
