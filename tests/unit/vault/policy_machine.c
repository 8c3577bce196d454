/* A small machine whose calls are decided by the functions that the vault itself asks: two keys made inside,
 * one value that the attacker knows, one derived key, a few objects at a time. policy_calls.c adds the calls
 * and test_policy_model.c searches. */
#include "vault/policy_exposure.h"
#include "vault/policy_model.h"

static enum vault_rule off, off_too; /* rules that do not hold now */
#define VAULT_RULE_HOLDS(rule) ((rule) != off && (rule) != off_too)
#include "vault/policy_model.c"

#define OBJECTS 3 /* at most; struct search says how many */
#define OWN_MAX 64
#define VALUES  4 /* 0 the attacker's, 1 and 2 made inside, 3 derived from 1 */
#define EVIL    0
#define BASE    1
#define GOAL    2
#define CHILD   3

/* An object: its flags, history and value in one word; 0: no object. */
typedef uint64_t object;
#define LIVE ((object)1 << 63)

static object object_of(unsigned value, uint32_t flags, uint32_t history)
{
        return LIVE | (object)value << 56 | (object)history << 24 | flags;
}

static unsigned value_of(object o)
{
        return (unsigned)(o >> 56) & 3;
}

static struct vault_key_facts facts_of(object o)
{
        return (struct vault_key_facts){ .object_class = CKO_SECRET_KEY,
                                         .flags = (uint32_t)(o & 0xffffff),
                                         .history = (uint32_t)(o >> 24) & 0xffffffff,
                                         .strength = 256 };
}

/* What is broken, the worst first. */
enum broken {
        SAFE,
        KEY_KNOWN,
        TRUST_TAKEN,
        TWO_USES,
        TRUST_SPOILT,
        TRUST_CHANGED,
        UNAUTHENTICATED,
        ITSELF,
        GIVEN_WRAPS,
        BORN_OPEN,
        AUDIT_WRONG,
        BROKEN
};
static const char *const broken_words[BROKEN] = {
        "safe",
        "the attacker knows a key that was protected from birth",
        "a key is trusted that no officer made so",
        "a key has wrapped and was used for data",
        "a key is trusted that was not born to wrap only",
        "a trusted key was changed or copied",
        "a protected key was wrapped without authentication",
        "a key was wrapped by itself",
        "a key whose value was given has wrapped",
        "a key is neither wrap-with-trusted nor out of reach from birth",
        "auditKeys calls a key protected that the attacker knows",
};

struct state {
        object o[OBJECTS]; /* descending, so that their order makes no difference */
        uint8_t known;     /* masks of values */
        uint8_t promised;  /* protected from birth */
        uint8_t asked;     /* used for data */
        uint8_t wrapped;   /* something was wrapped with it */
        uint8_t spoilt;    /* was ever extractable, used or usable for data, given or derived */
        uint8_t made;      /* keys generated so far */
        uint8_t broken;
        uint8_t spare;
        uint16_t zero[3];       /* so that nothing before `from` is padding, and all of it can be compared */
        uint16_t blobs;         /* bit w * VALUES + k: k is there, wrapped under w */
        uint16_t roles[VALUES]; /* what the fingerprints remember */
        uint32_t from;          /* how it was reached: state and call */
        uint32_t call;
};

_Static_assert(offsetof(struct state, from) % 8 == 0, "the hash reads words");

/* ---- what the attacker may ask for ---- */

static const uint32_t usages[] = {
        0,
        VAULT_WRAP | VAULT_UNWRAP,
        VAULT_ENCRYPT | VAULT_DECRYPT,
        VAULT_DERIVE | VAULT_DECAPSULATE,
        VAULT_WRAP | VAULT_UNWRAP | VAULT_ENCRYPT | VAULT_DECRYPT | VAULT_DERIVE | VAULT_DECAPSULATE,
};
static const uint32_t exits[] = { 0, VAULT_EXTRACTABLE, VAULT_EXTRACTABLE | VAULT_WRAP_WITH_TRUSTED };
static const uint32_t kinds[] = { VAULT_SENSITIVE, VAULT_SENSITIVE | VAULT_TOKEN, 0, VAULT_TOKEN,
                                  VAULT_SENSITIVE | VAULT_TOKEN | VAULT_TRUSTED };
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define TEMPLATES   (COUNT(usages) * COUNT(exits) * COUNT(kinds))

static uint32_t template_of(unsigned i)
{
        return usages[i % COUNT(usages)] | exits[i / COUNT(usages) % COUNT(exits)] |
               kinds[i / COUNT(usages) / COUNT(exits)];
}

/* Single attributes that an owner may try to change. */
static const uint32_t toggles[] = { VAULT_SENSITIVE, VAULT_EXTRACTABLE, VAULT_WRAP_WITH_TRUSTED, VAULT_TOKEN,
                                    VAULT_TRUSTED };
#define CHANGES (COUNT(usages) + COUNT(toggles))
#define ALL_USES                                                                                             \
        (VAULT_WRAP | VAULT_UNWRAP | VAULT_ENCRYPT | VAULT_DECRYPT | VAULT_DERIVE | VAULT_DECAPSULATE)

static uint32_t changed(uint32_t flags, unsigned i)
{
        return i < COUNT(usages) ? (flags & ~(uint32_t)ALL_USES) | usages[i]
                                 : flags ^ toggles[i - COUNT(usages)];
}

enum verb {
        GENERATE,
        IMPORT,
        UNWRAP,
        WRAP,
        USE,
        DERIVE,
        COPY,
        CHANGE,
        TRUST,
        UNTRUST,
        DESTROY,
        ENCAPSULATE,
        DECAPSULATE
};

static uint32_t call_of(enum verb verb, unsigned a, unsigned b, unsigned t)
{
        return (uint32_t)verb << 24 | a << 16 | b << 8 | t;
}

/* ---- the search ---- */

struct search {
        unsigned slots;
        bool exact; /* nothing is forgotten, so that what auditKeys would say can be checked */
        struct vault_settings settings;
        struct state *states;
        size_t n, cap;
        uint32_t *table; /* index + 1 by hash */
        size_t mask;
        size_t broken; /* the first state that breaks a promise, or n */
        struct vault_key_facts
            own[OWN_MAX]; /* session keys that the attacker can always have, of a known value */
        size_t own_n;
};

static uint64_t hash_of(const struct state *s)
{
        const uint8_t *p = (const uint8_t *)s;
        uint64_t h = 14695981039346656037u, word;

        for (size_t i = 0; i < offsetof(struct state, from); i += 8) {
                memcpy(&word, p + i, 8);
                h = (h ^ word) * 0x9e3779b97f4a7c15u;
                h ^= h >> 29;
        }
        return h;
}

static bool separate(const struct search *s)
{
        return s->settings.value[VAULT_SET_SEPARATE_ROLES];
}

/* Knowledge spreads: from keys to what they wrap, from keys used for data to what they wrap, from base to
 * child, out of readable objects. */
static void learn(const struct search *search, struct state *s)
{
        uint8_t before;

        for (int i = 0; i < OBJECTS; i++) {
                struct vault_key_facts k = facts_of(s->o[i]);
                bool data = k.flags & (VAULT_ENCRYPT | VAULT_DECRYPT | VAULT_DERIVE);

                if (!s->o[i])
                        continue;
                if (data)
                        s->spoilt |= (uint8_t)(1u << value_of(s->o[i]));
                if ((k.flags & VAULT_TRUSTED) && (s->spoilt & 1u << value_of(s->o[i])) &&
                    search->settings.value[VAULT_SET_BORN_PROTECTED])
                        s->broken = TRUST_SPOILT;
        }
        do {
                before = s->known;
                for (unsigned b = 0; b < VALUES * VALUES; b++) {
                        if ((s->blobs & 1u << b) && ((s->known | s->asked) & 1u << b / VALUES))
                                s->known |= (uint8_t)(1u << b % VALUES);
                }
                if (s->known & 1u << BASE)
                        s->known |= 1u << CHILD;
        } while (s->known != before);
        if (separate(search) && (s->wrapped & s->asked & ~(1u << EVIL)))
                s->broken = TWO_USES;
        if (s->known & s->promised)
                s->broken = KEY_KNOWN;
}

/* Every key that the attacker knows is as good as his own. */
static void merge_known(struct state *s)
{
        for (unsigned v = 1; v < VALUES; v++) {
                if (!(s->known & 1u << v) || (s->promised & 1u << v))
                        continue;
                for (int i = 0; i < OBJECTS; i++) {
                        if (s->o[i] && value_of(s->o[i]) == v)
                                s->o[i] &= ~((object)3 << 56);
                }
                for (unsigned k = 0; k < VALUES; k++) {
                        s->blobs |= (uint16_t)((s->blobs >> (v * VALUES + k) & 1u) << k);
                        s->blobs |= (uint16_t)((s->blobs >> (k * VALUES + v) & 1u) << (k * VALUES));
                        s->blobs &= (uint16_t) ~(1u << (v * VALUES + k) | 1u << (k * VALUES + v));
                }
                s->asked &= (uint8_t) ~(1u << v);
                s->wrapped &= (uint8_t) ~(1u << v);
                s->spoilt &= (uint8_t) ~(1u << v);
                s->roles[EVIL] |= s->roles[v];
                s->roles[v] = 0;
        }
        s->blobs &= (uint16_t) ~((1u << VALUES) - 1); /* what is wrapped under a known key is known */
        s->blobs &= (uint16_t) ~(1u << EVIL | 1u << (EVIL + VALUES * EVIL));
        s->asked |= 1u << EVIL;
        s->wrapped |= 1u << EVIL;
        for (int i = 0; i < OBJECTS; i++) {
                if (!s->o[i] || value_of(s->o[i]) != EVIL)
                        continue;
                if (facts_of(s->o[i]).flags & VAULT_TOKEN)
                        s->o[i] &= ~(object)(VAULT_EXTRACTABLE | VAULT_WRAP_WITH_TRUSTED);
                else
                        s->o[i] = 0; /* he can always have another */
        }
}

/* May a key be wrapped so? w at OBJECTS and above: one of the attacker's own. */
static bool may_wrap(const struct search *search, const struct state *s, unsigned w, unsigned k, bool sealed)
{
        const struct vault_use_facts how = { .authenticated = sealed };
        struct vault_key_facts wrapping = w < OBJECTS ? facts_of(s->o[w]) : search->own[w - OBJECTS];
        struct vault_key_facts target = facts_of(s->o[k]);

        return vault_model_use(&search->settings, &wrapping, CRYPTO_WRAP, &how) == VAULT_ALLOWED &&
               vault_model_wrap(&search->settings, &wrapping, &target, w == k) == VAULT_ALLOWED;
}

static void take_blob(const struct search *search, struct state *s, unsigned w, unsigned k)
{
        unsigned value = w < OBJECTS ? value_of(s->o[w]) : EVIL;

        if (separate(search))
                s->roles[value_of(s->o[k])] |= (uint16_t)(facts_of(s->o[k]).history >> 16);
        s->blobs |= (uint16_t)(1u << (value * VALUES + value_of(s->o[k])));
        s->wrapped |= (uint8_t)(1u << value);
        if (w == k)
                s->broken = ITSELF;
        if (separate(search) && w >= OBJECTS &&
            (search->own[w - OBJECTS].history & (VAULT_HISTORY_CLEAR | VAULT_HISTORY_AGREED)))
                s->broken = GIVEN_WRAPS;
}

/* Uses of session objects leave no mark, so the attacker has made all of them at once. */
static void use_sessions(const struct search *search, struct state *s)
{
        const struct vault_use_facts plain = { .authenticated = true };

        for (unsigned i = 0; i < OBJECTS && s->o[i]; i++) {
                struct vault_key_facts key = facts_of(s->o[i]);

                if (key.flags & VAULT_TOKEN)
                        continue;
                if (vault_model_use(&search->settings, &key, CRYPTO_DECRYPT, &plain) == VAULT_ALLOWED)
                        s->asked |= (uint8_t)(1u << value_of(s->o[i]));
                for (unsigned w = 0; w < OBJECTS + search->own_n; w++) {
                        if ((w >= OBJECTS || s->o[w]) && may_wrap(search, s, w, i, true))
                                take_blob(search, s, w, i);
                }
        }
}

static void sort(object o[OBJECTS])
{
        for (int i = 1; i < OBJECTS; i++) {
                for (int k = i; k > 0 && o[k] > o[k - 1]; k--) {
                        object swap = o[k];
                        o[k] = o[k - 1];
                        o[k - 1] = swap;
                }
        }
}

static void audit(const struct search *search, struct state *s)
{
        for (unsigned i = 0; i < OBJECTS; i++) {
                struct vault_key_facts facts = facts_of(s->o[i]);

                if (s->o[i] && (s->known & 1u << value_of(s->o[i])) &&
                    vault_exposure_of(&search->settings, &facts).exposure == VAULT_EXPOSED_NOT)
                        s->broken = AUDIT_WRONG;
        }
}

static void reach(struct search *search, struct state *next, size_t from, uint32_t call)
{
        size_t at;

        sort(next->o);
        use_sessions(search, next);
        learn(search, next);
        if (search->exact)
                audit(search, next);
        else
                merge_known(next);
        if (!search->settings.value[VAULT_SET_BORN_PROTECTED])
                next->spoilt = 0;
        if (!separate(search))
                next->wrapped = 0;
        sort(next->o);
        for (at = hash_of(next) & search->mask; search->table[at]; at = (at + 1) & search->mask) {
                if (memcmp(&search->states[search->table[at] - 1], next, offsetof(struct state, from)) == 0)
                        return;
        }
        if (search->n == search->cap)
                fail_msg("the machine has more than %zu states", search->cap);
        next->from = (uint32_t)from;
        next->call = call;
        search->states[search->n++] = *next;
        search->table[at] = (uint32_t)search->n;
        if (next->broken && search->broken == SIZE_MAX)
                search->broken = search->n - 1;
}

/* Room for one more object, or OBJECTS. */
static unsigned room(const struct search *search, const struct state *s)
{
        return s->o[search->slots - 1] ? OBJECTS : search->slots - 1;
}

/* What makes no difference to any rule is forgotten, so that fewer states are different: a readable object is
 * known and need not stay, what is not extractable cannot be wrapped at all, and spoilt trust is spoilt. */
static void settle(const struct search *search, struct state *s, unsigned slot, unsigned value,
                   uint32_t flags, uint32_t history)
{
        const uint32_t spoils = VAULT_HISTORY_IMPORTED | VAULT_HISTORY_DERIVED | VAULT_HISTORY_LEFT |
                                VAULT_HISTORY_EXTRACTABLE | VAULT_HISTORY_DATA | VAULT_HISTORY_AGREED;

        if (flags & VAULT_EXTRACTABLE)
                s->spoilt |= (uint8_t)(1u << value);
        if (!(flags & VAULT_SENSITIVE)) {
                if (flags & VAULT_EXTRACTABLE)
                        s->known |= (uint8_t)(1u << value);
                s->o[slot] = 0;
                return;
        }
        if ((flags & VAULT_EXTRACTABLE) && !(flags & VAULT_WRAP_WITH_TRUSTED) &&
            search->settings.value[VAULT_SET_BORN_PROTECTED])
                s->broken = BORN_OPEN;
        /* Its owner is taken to know what any key may wrap. */
        if ((flags & VAULT_EXTRACTABLE) && !(flags & VAULT_WRAP_WITH_TRUSTED) && !separate(search))
                s->known |= (uint8_t)(1u << value);
        if (search->exact) {
                s->o[slot] = object_of(value, flags, history);
                return;
        }
        if (!(flags & VAULT_EXTRACTABLE))
                flags &= ~(uint32_t)VAULT_WRAP_WITH_TRUSTED;
        history &= ~(uint32_t)(VAULT_HISTORY_WRAPPED | VAULT_HISTORY_CLEAR | VAULT_HISTORY_OPEN);
        if (!separate(search) && !search->settings.value[VAULT_SET_BORN_PROTECTED])
                history &= 0xffff;
        if (off == VAULT_ALLOWED && (history & (spoils | VAULT_HISTORY_SESSION)))
                history |= spoils;
        if (off == VAULT_ALLOWED && value != BASE)
                history &= ~(uint32_t)VAULT_HISTORY_SESSION;
        s->o[slot] = object_of(value, flags, history);
}
