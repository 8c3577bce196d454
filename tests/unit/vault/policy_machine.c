/* A small machine whose calls are decided by the functions that the vault itself asks: two keys made inside,
 * one value that the attacker knows, one derived key, a few objects at a time. The first key is a secret key,
 * or a pair of two objects. policy_calls.c and policy_pairs.c add the calls, policy_search.c searches. */
#include "vault/policy_exposure.h"
#include "vault/policy_model.h"

static enum vault_rule off, off_too; /* rules that do not hold now */
#define VAULT_RULE_HOLDS(rule) ((rule) != off && (rule) != off_too)
#include "vault/policy_model.c"

#define OBJECTS 4 /* at most; struct search says how many */
#define OWN_MAX 64
#define VALUES  4 /* 0 the attacker's, 1 and 2 made inside, 3 derived from 1 */
#define EVIL    0
#define BASE    1
#define GOAL    2
#define CHILD   3

/* An object: its flags, history, value and class in one word; 0: no object. */
typedef uint64_t object;
#define LIVE   ((object)1 << 63)
#define QUORUM ((object)1 << 61) /* several users must approve its uses */
#define SENT   ((object)1 << 60) /* a private key unwrapped it, so that anybody may have sent it */

enum sort { SECRET, PUBLIC_HALF, PRIVATE_HALF, SORTS };

static object object_of(enum sort sort, unsigned value, uint32_t flags, uint32_t history)
{
        return LIVE | (object)sort << 58 | (object)value << 56 | (object)history << 24 | flags;
}

static enum sort sort_of(object o)
{
        return (enum sort)(o >> 58 & 3);
}

static unsigned value_of(object o)
{
        return (unsigned)(o >> 56) & 3;
}

static struct vault_key_facts facts_of(object o)
{
        static const uint64_t classes[] = { CKO_SECRET_KEY, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY };

        return (struct vault_key_facts){ .object_class = classes[sort_of(o)],
                                         .flags = (uint32_t)(o & 0xffffff),
                                         .history = (uint32_t)(o >> 24) & 0xffffffff,
                                         .strength = 256,
                                         .quorum = o & QUORUM };
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
        QUORUM_LOST,
        BORN_OPEN,
        AUDIT_WRONG,
        RIGHTS_BACK,
        PAST_LOST,
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
        "a key that several must approve is there without, or outside",
        "a key is neither wrap-with-trusted nor out of reach from birth",
        "auditKeys calls a key protected that the attacker knows",
        "a masked copy brought back what was taken from a key",
        "a masked copy forgot what a key had been through",
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
        uint8_t guarded;        /* several must approve, from birth */
        uint16_t zero[3];       /* so that nothing before `from` is padding, and all of it can be compared */
        uint16_t blobs;         /* bit w * VALUES + k: k is there, wrapped under w */
        uint16_t roles[VALUES]; /* what the fingerprints remember */
        object mask;            /* a masked copy outside */
        object gone;            /* what of its value was last deleted here since; its history: of all */
        uint32_t from;          /* how it was reached: state and call */
        uint32_t call;
};

_Static_assert(offsetof(struct state, from) % 8 == 0, "the hash reads words");

/* ---- what the attacker may ask for ---- */

#define SECRET_ALL                                                                                           \
        (VAULT_WRAP | VAULT_UNWRAP | VAULT_ENCRYPT | VAULT_DECRYPT | VAULT_DERIVE | VAULT_DECAPSULATE)
#define ALL_USES    (SECRET_ALL | VAULT_SIGN | VAULT_VERIFY)
#define USAGES      6
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct {
        unsigned n;
        uint32_t list[USAGES];
} usages[SORTS] = {
        [SECRET] = { 5,
                     { 0, VAULT_WRAP | VAULT_UNWRAP, VAULT_ENCRYPT | VAULT_DECRYPT,
                       VAULT_DERIVE | VAULT_DECAPSULATE, SECRET_ALL } },
        [PUBLIC_HALF] = { 3, { 0, VAULT_WRAP, VAULT_WRAP | VAULT_ENCRYPT | VAULT_VERIFY } },
        [PRIVATE_HALF] = { 6,
                           { 0, VAULT_UNWRAP, VAULT_DECRYPT, VAULT_SIGN, VAULT_DERIVE | VAULT_DECAPSULATE,
                             VAULT_UNWRAP | VAULT_DECRYPT | VAULT_SIGN | VAULT_DERIVE | VAULT_DECAPSULATE } },
};
static const uint32_t exits[] = { 0, VAULT_EXTRACTABLE, VAULT_EXTRACTABLE | VAULT_WRAP_WITH_TRUSTED };
static const uint32_t kinds[] = { VAULT_SENSITIVE, VAULT_SENSITIVE | VAULT_TOKEN, 0, VAULT_TOKEN,
                                  VAULT_SENSITIVE | VAULT_TOKEN | VAULT_TRUSTED };

static unsigned templates_of(enum sort sort)
{
        return usages[sort].n * (unsigned)(COUNT(exits) * COUNT(kinds));
}

static uint32_t template_of(enum sort sort, unsigned i)
{
        unsigned n = usages[sort].n;

        return usages[sort].list[i % n] | exits[i / n % COUNT(exits)] | kinds[i / n / COUNT(exits)];
}

/* Single attributes that an owner may try to change. */
static const uint32_t toggles[] = { VAULT_TOKEN, VAULT_TRUSTED, VAULT_SENSITIVE, VAULT_EXTRACTABLE,
                                    VAULT_WRAP_WITH_TRUSTED };

static unsigned changes_of(enum sort sort)
{
        return usages[sort].n + (sort == PUBLIC_HALF ? 2 : (unsigned)COUNT(toggles));
}

static uint32_t changed(enum sort sort, uint32_t flags, unsigned i)
{
        return i < usages[sort].n ? (flags & ~(uint32_t)ALL_USES) | usages[sort].list[i]
                                  : flags ^ toggles[i - usages[sort].n];
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
        DECAPSULATE,
        GENERATE_PAIR,
        AGREE,
        SPLIT,
        JOIN,
        MASK,
        INSERT,
};

static uint32_t call_of(enum verb verb, unsigned a, unsigned b, unsigned t)
{
        return (uint32_t)verb << 24 | a << 16 | b << 8 | t;
}

/* ---- the search ---- */

struct search {
        unsigned slots;
        bool pairs;  /* the first key is a pair */
        bool shares; /* the derived key is the shares of the first */
        bool quorum; /* there are keys that several users must approve */
        bool masks;  /* keys go out masked and come back */
        bool exact;  /* nothing is forgotten, so that what auditKeys would say can be checked */
        struct vault_settings settings;
        struct state *states;
        size_t n, cap;
        uint32_t *table; /* index + 1 by hash */
        size_t mask;
        bool full;     /* there are more states than room for them */
        size_t broken; /* the first state that breaks a promise, or n */
        struct vault_key_facts
            own[OWN_MAX];   /* session keys that the attacker can always have, of a known value */
        bool sent[OWN_MAX]; /* SENT */
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
                bool data = k.flags & ALL_USES & ~(uint32_t)(VAULT_WRAP | VAULT_UNWRAP);

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
                if (search->shares && (s->known & 1u << CHILD))
                        s->known |= 1u << BASE;
        } while (s->known != before);
        if (separate(search) && (s->wrapped & s->asked & ~(1u << EVIL)))
                s->broken = TWO_USES;
        if (s->known & s->guarded)
                s->broken = QUORUM_LOST;
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
        if (s->mask && (s->known & 1u << value_of(s->mask)) && !(s->promised & 1u << value_of(s->mask)))
                s->mask = s->gone = 0;
        s->blobs &= (uint16_t) ~((1u << VALUES) - 1); /* what is wrapped under a known key is known */
        s->blobs &= (uint16_t) ~(1u << EVIL | 1u << (EVIL + VALUES * EVIL));
        s->asked |= 1u << EVIL;
        s->wrapped |= 1u << EVIL;
        for (int i = 0; i < OBJECTS; i++) {
                if (!s->o[i] || value_of(s->o[i]) != EVIL)
                        continue;
                if (sort_of(s->o[i]) == PRIVATE_HALF && off == VAULT_ALLOWED) {
                        s->o[i] = 0; /* what it would open is his own anyway, and trust in its public half
                                        opens nothing */
                        continue;
                }
                if ((s->o[i] & VAULT_TOKEN) &&
                    (off != VAULT_ALLOWED || (s->o[i] & (VAULT_WRAP | VAULT_UNWRAP))))
                        s->o[i] &= ~(object)(VAULT_EXTRACTABLE | VAULT_WRAP_WITH_TRUSTED);
                else
                        s->o[i] = 0; /* he can always have another, and use the value himself */
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
        if (s->guarded & 1u << value_of(s->o[k]))
                s->broken = QUORUM_LOST;
        if (separate(search) && w >= OBJECTS &&
            (search->own[w - OBJECTS].history & (VAULT_HISTORY_CLEAR | VAULT_HISTORY_AGREED)))
                s->broken = GIVEN_WRAPS;
        if (separate(search) && (w >= OBJECTS ? search->sent[w - OBJECTS] : (s->o[w] & SENT) != 0))
                s->broken = GIVEN_WRAPS;
}

/* Does a use of this key for data read what was wrapped under it? Decrypting does, and raw RSA signs whatever
 * block it is given. */
static bool reads(const struct search *search, const struct vault_key_facts *key)
{
        const struct vault_use_facts plain = { .authenticated = true },
                                     raw = { .authenticated = true, .raw_rsa = true };

        return vault_model_use(&search->settings, key, CRYPTO_DECRYPT, &plain) == VAULT_ALLOWED ||
               (key->object_class == CKO_PRIVATE_KEY &&
                vault_model_use(&search->settings, key, CRYPTO_SIGN, &raw) == VAULT_ALLOWED);
}

/* Uses of session objects leave no mark, so the attacker has made all of them at once. */
static void use_sessions(const struct search *search, struct state *s)
{
        for (unsigned i = 0; i < OBJECTS && s->o[i]; i++) {
                struct vault_key_facts key = facts_of(s->o[i]);

                if (key.flags & VAULT_TOKEN)
                        continue;
                if (reads(search, &key))
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

/* Two public halves that are the same are one. */
static void merge_public(struct state *s)
{
        for (unsigned i = 1; i < OBJECTS && s->o[i]; i++) {
                if (s->o[i] == s->o[i - 1] && sort_of(s->o[i]) == PUBLIC_HALF)
                        s->o[i - 1] = 0;
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
        sort(next->o);
        merge_public(next);
        if (!search->settings.value[VAULT_SET_BORN_PROTECTED])
                next->spoilt = 0;
        if (!separate(search))
                next->wrapped = 0;
        sort(next->o);
        for (at = hash_of(next) & search->mask; search->table[at]; at = (at + 1) & search->mask) {
                if (memcmp(&search->states[search->table[at] - 1], next, offsetof(struct state, from)) == 0)
                        return;
        }
        if (search->n == search->cap) {
                search->full = true;
                return;
        }
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

#define SPOILS                                                                                               \
        (VAULT_HISTORY_IMPORTED | VAULT_HISTORY_DERIVED | VAULT_HISTORY_LEFT | VAULT_HISTORY_EXTRACTABLE |   \
         VAULT_HISTORY_DATA | VAULT_HISTORY_AGREED)

/* Of a public half only this matters: whether it wraps, whether it is trusted or could be, and whether it
 * came from outside. One of a session can do nothing that the others cannot. */
static void settle_public(const struct search *search, struct state *s, unsigned slot, unsigned value,
                          uint32_t flags, uint32_t history)
{
        const uint32_t spoils = SPOILS & ~(uint32_t)VAULT_HISTORY_IMPORTED;
        bool plain = !separate(search) && !search->settings.value[VAULT_SET_BORN_PROTECTED];

        history &= ~(uint32_t)(VAULT_HISTORY_WRAPPED | VAULT_HISTORY_CLEAR | VAULT_HISTORY_OPEN);
        flags &= ~(uint32_t)(VAULT_SENSITIVE | VAULT_EXTRACTABLE | VAULT_WRAP_WITH_TRUSTED);
        if (off == VAULT_ALLOWED && (history & (SPOILS | VAULT_HISTORY_SESSION)))
                history = (history | spoils) & ~(uint32_t)VAULT_HISTORY_SESSION;
        if (plain) {
                history &= 0xffff;
                flags &= VAULT_TOKEN | VAULT_TRUSTED | VAULT_WRAP;
        }
        s->o[slot] = off == VAULT_ALLOWED && !(flags & VAULT_TOKEN)
                         ? 0
                         : object_of(PUBLIC_HALF, value, flags, history);
}

/* What makes no difference to any rule is forgotten, so that fewer states are different: a readable object is
 * known and need not stay, what is not extractable cannot be wrapped at all, and spoilt trust is spoilt. */
static void settle(const struct search *search, struct state *s, unsigned slot, enum sort sort,
                   unsigned value, uint32_t flags, uint32_t history, object more)
{
        const uint32_t spoils = SPOILS;

        if (sort == PUBLIC_HALF) {
                settle_public(search, s, slot, value, flags, history);
                return;
        }
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
        if ((flags & VAULT_EXTRACTABLE) && !(flags & VAULT_WRAP_WITH_TRUSTED) && !separate(search) &&
            !(more & QUORUM))
                s->known |= (uint8_t)(1u << value);
        if (search->exact) {
                s->o[slot] = object_of(sort, value, flags, history) | more;
                return;
        }
        if (!(flags & VAULT_EXTRACTABLE))
                flags &= ~(uint32_t)VAULT_WRAP_WITH_TRUSTED;
        history &= ~(uint32_t)(VAULT_HISTORY_WRAPPED | VAULT_HISTORY_CLEAR | VAULT_HISTORY_OPEN);
        if (sort == PRIVATE_HALF && off == VAULT_ALLOWED &&
            (history & (ROLES_ALL & ~(uint32_t)VAULT_HISTORY_ROLE_WRAP)))
                history |= spoils; /* for trust in its public half, which is all that looks at it */
        if (!separate(search) && !search->settings.value[VAULT_SET_BORN_PROTECTED] &&
            (sort == SECRET || off == VAULT_ALLOWED))
                history &= 0xffff;
        if (off == VAULT_ALLOWED && (history & (spoils | VAULT_HISTORY_SESSION)))
                history |= spoils;
        if (off == VAULT_ALLOWED && value != BASE)
                history &= ~(uint32_t)VAULT_HISTORY_SESSION;
        s->o[slot] = object_of(sort, value, flags, history) | more;
}

/* The same object with other flags and another past. */
static void resettle(const struct search *search, struct state *s, unsigned i, uint32_t flags,
                     uint32_t history)
{
        object was = s->o[i];

        settle(search, s, i, sort_of(was), value_of(was), flags, history, was & (SENT | QUORUM));
}
