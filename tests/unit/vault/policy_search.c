/* Every sequence of calls on the machine of policy_machine.c, breadth first, until a promise is broken. */
#include "test.h"

#include "policy_masks.c"

static void expand(struct search *search, size_t at)
{
        for (unsigned t = 0; t < templates_of(SECRET); t++)
                births(search, at, t);
        for (unsigned t = 0; t < PAIR_TEMPLATES && search->pairs; t++)
                pair_birth(search, at, t);
        if (search->pairs)
                public_imports(search, at);
        for (unsigned i = 0; i < OBJECTS && search->states[at].o[i]; i++) {
                struct state s = search->states[at];

                for (unsigned w = 0; w < OBJECTS + search->own_n; w++) {
                        if (w >= OBJECTS || s.o[w])
                                wraps(search, at, w, i);
                }
                unwraps(search, at, i);
                for (unsigned t = 0; t < templates_of(SECRET); t++) {
                        derives(search, at, i, t);
                        agrees(search, at, i, t);
                        if (search->shares)
                                splits(search, at, i, t);
                }
                if (search->pairs)
                        public_derives(search, at, i);
                for (unsigned c = 0; c < changes_of(sort_of(s.o[i])); c++) {
                        changes(search, at, i, c);
                        copies(search, at, i, c);
                }
                uses(search, at, i);
                officer(search, at, i);
                if (search->masks)
                        masks(search, at, i);
                forget(&s, i);
                if (room(search, &search->states[at]) == OBJECTS ||
                    (facts_of(search->states[at].o[i]).flags & VAULT_TOKEN))
                        reach(search, &s, at, call_of(DESTROY, i, 0, 0));
        }
        if (search->masks)
                inserts(search, at);
}

/* What the first key is, and what can be done with it. */
enum cast { SECRETS, PAIRS, SHARES, APPROVED, MASKS };

static void search_open(struct search *s, struct vault_settings settings, enum cast cast, unsigned slots,
                        size_t cap)
{
        size_t table = 1;

        while (table < cap * 2)
                table *= 2;
        *s = (struct search){ .settings = settings,
                              .pairs = cast == PAIRS,
                              .shares = cast == SHARES,
                              .masks = cast == MASKS,
                              .quorum = cast == SHARES || cast == APPROVED,
                              .slots = slots,
                              .cap = cap,
                              .mask = table - 1,
                              .broken = SIZE_MAX };
        s->states = calloc(cap, sizeof(*s->states));
        s->table = calloc(table, sizeof(*s->table));
        assert_non_null(s->states);
        assert_non_null(s->table);
}

/* What the attacker can import or encapsulate, and what he can unwrap from blobs of his own making. */
static void make_own(struct search *s)
{
        const struct vault_use_facts sealed = { .authenticated = true };

        for (size_t from = 0; from < 2 || from < 2 + s->own_n; from++) {
                struct vault_parent p = { from > 1    ? VAULT_UNWRAPPED
                                          : from == 1 ? VAULT_ENCAPSULATED
                                                      : VAULT_CREATED,
                                          from > 1 ? &s->own[from - 2] : NULL, false, false, false };

                for (unsigned t = 0; t < templates_of(SECRET); t++) {
                        struct vault_key_facts k = { CKO_SECRET_KEY, template_of(SECRET, t), 0, 256, false };
                        bool there = !(k.flags & ALL_USES) || (k.flags & (VAULT_TOKEN | VAULT_EXTRACTABLE));

                        for (size_t i = 0; i < s->own_n; i++)
                                there = there || s->own[i].flags == k.flags;
                        if (there || vault_model_birth(&s->settings, &p, &k) != VAULT_ALLOWED ||
                            (from > 1 &&
                             vault_model_use(&s->settings, p.key, CRYPTO_UNWRAP, &sealed) != VAULT_ALLOWED))
                                continue;
                        k.history = vault_model_birth_marks(&p, k.flags);
                        assert_true(s->own_n < OWN_MAX);
                        s->own[s->own_n++] = k;
                }
        }
}

/* A public key of the attacker's, for a session. */
static void make_own_public(struct search *s)
{
        const struct vault_parent p = { VAULT_CREATED, NULL, false, false, false };
        struct vault_key_facts k = { CKO_PUBLIC_KEY, VAULT_WRAP, 0, 256, false };

        if (!s->pairs || vault_model_birth(&s->settings, &p, &k) != VAULT_ALLOWED)
                return;
        k.history = vault_model_birth_marks(&p, k.flags);
        assert_true(s->own_n < OWN_MAX);
        s->own[s->own_n++] = k;
}

static void search_close(struct search *s)
{
        free(s->states);
        free(s->table);
}

/* ---- the path, for people; what session keys did besides leaves no mark and is not shown ---- */

static void print_flags(uint32_t flags)
{
        static const struct {
                uint32_t flag;
                const char *name;
        } names[] = { { VAULT_TOKEN, "TOKEN" },
                      { VAULT_SENSITIVE, "SENSITIVE" },
                      { VAULT_EXTRACTABLE, "EXTRACTABLE" },
                      { VAULT_WRAP_WITH_TRUSTED, "WRAP_WITH_TRUSTED" },
                      { VAULT_TRUSTED, "TRUSTED" },
                      { VAULT_WRAP, "WRAP" },
                      { VAULT_UNWRAP, "UNWRAP" },
                      { VAULT_ENCRYPT, "ENCRYPT" },
                      { VAULT_DECRYPT, "DECRYPT" },
                      { VAULT_SIGN, "SIGN" },
                      { VAULT_VERIFY, "VERIFY" },
                      { VAULT_DERIVE, "DERIVE,DECAPSULATE" } };

        for (size_t i = 0; i < COUNT(names); i++) {
                if (flags & names[i].flag)
                        print_message(" %s", names[i].name);
        }
}

static void print_pair(unsigned t)
{
        uint32_t pub, priv;

        pair_template(t, &pub, &priv);
        print_message(" public");
        print_flags(pub);
        print_message("; private");
        print_flags(priv);
}

static void print_template(const struct search *s, const struct state *before, enum verb verb, unsigned a,
                           unsigned b, unsigned t)
{
        if (verb == GENERATE && b)
                print_message(" needing approvals");
        if (verb == CHANGE || verb == COPY)
                print_flags(changed(sort_of(before->o[a]), facts_of(before->o[a]).flags, t));
        else if (verb == GENERATE_PAIR)
                print_pair(t);
        else if ((verb == IMPORT || verb == DERIVE) && b)
                print_message(" the public half");
        else if (verb != WRAP && verb != TRUST && verb != UNTRUST && verb != DESTROY && verb != USE &&
                 verb != MASK && verb != INSERT)
                print_flags(template_of(verb == UNWRAP ? content_of(s, b) : SECRET, t));
}

static void print_call(const struct search *s, const struct state *before, uint32_t call)
{
        static const char *const verbs[] = { "generate",
                                             "import",
                                             "unwrap",
                                             "wrap",
                                             "use for data",
                                             "derive",
                                             "copy",
                                             "change",
                                             "trust",
                                             "untrust",
                                             "destroy",
                                             "encapsulate",
                                             "decapsulate",
                                             "generate a pair",
                                             "agree with",
                                             "split",
                                             "join",
                                             "mask",
                                             "insert the masked" };
        unsigned a = call >> 16 & 255, b = call >> 8 & 255, t = call & 255;
        enum verb verb = (enum verb)(call >> 24);

        print_message("#   %s", verbs[verb]);
        if (verb == INSERT)
                print_message(" k%u", b);
        else if (verb != GENERATE && verb != GENERATE_PAIR && verb != IMPORT && verb != ENCAPSULATE)
                print_message(verb == WRAP || verb == UNWRAP ? " with k%u%s" : " k%u%s",
                              a < OBJECTS ? value_of(before->o[a]) : EVIL,
                              a >= OBJECTS                            ? ""
                              : sort_of(before->o[a]) == PUBLIC_HALF  ? " (public)"
                              : sort_of(before->o[a]) == PRIVATE_HALF ? " (private)"
                                                                      : "");
        if (verb == WRAP)
                print_message(" key k%u%s", value_of(before->o[b]), t ? "" : " (unauthenticated)");
        if (verb == UNWRAP)
                print_message(" key k%u", b);
        print_template(s, before, verb, a, b, t);
        print_message("\n");
}

static void print_path(const struct search *s, size_t at)
{
        if (at == 0)
                return;
        print_path(s, s->states[at].from);
        print_call(s, &s->states[s->states[at].from], s->states[at].call);
}

/* Searches until a promise is broken, at most `depth` calls deep; 0: until nothing new comes. */
static void search_run(struct search *s, unsigned depth)
{
        struct state start = { .known = 1u << EVIL, .spoilt = 1u << EVIL };
        size_t end;

        make_own(s);
        make_own_public(s);
        reach(s, &start, 0, 0);
        end = s->n;
        for (size_t at = 0, level = 0; at < s->n && s->broken == SIZE_MAX && !s->full; at++) {
                if (at == end) {
                        if (++level == depth)
                                return;
                        end = s->n;
                }
                expand(s, at);
        }
}

/* The settings that are searched: the profiles, and the documented one with roles kept apart. */
enum world { DOCUMENTED, APART, VERIFIED, STRICT, WORLDS };

static struct vault_settings settings_of(enum world w)
{
        static const enum vault_profile profiles[] = { VAULT_DOCUMENTED, VAULT_DOCUMENTED, VAULT_VERIFIED,
                                                       VAULT_STRICT };
        struct vault_settings s = vault_settings_of(profiles[w]);

        if (w == APART)
                s.value[VAULT_SET_SEPARATE_ROLES] = 1;
        return s;
}

static void holds_in(enum world w, enum cast cast, unsigned slots, unsigned depth, bool exact)
{
        struct search s;

        off = off_too = VAULT_ALLOWED;
        search_open(&s, settings_of(w), cast, slots, 1000000);
        s.exact = exact;
        search_run(&s, depth);
        if (s.broken != SIZE_MAX) {
                print_message("# %s:\n", broken_words[s.states[s.broken].broken]);
                print_path(&s, s.broken);
                fail();
        }
        assert_false(s.full);
        print_message("# %zu states, all safe\n", s.n);
        search_close(&s);
}

/* A rule or mark that a promise rests on, with the settings where it does. Two that catch the same attack are
 * switched off together. */
struct needed {
        enum vault_rule rule, too;
        enum world world;
        const char *name;
};
#define NEEDED(w, r)                                                                                         \
        {                                                                                                    \
                VAULT_##r, VAULT_ALLOWED, w, #r                                                              \
        }

/* Without each of them the search must find an attack. */
static void attacks_are_found(const struct needed *needed, size_t n, enum cast cast, unsigned slots,
                              unsigned depth)
{
        size_t missed = 0;

        for (size_t i = 0; i < n; i++) {
                struct search s;

                off = needed[i].rule;
                off_too = needed[i].too;
                search_open(&s, settings_of(needed[i].world), cast, slots, 1000000);
                search_run(&s, depth);
                if (s.broken == SIZE_MAX) {
                        print_message("# without %s: nothing found in %zu states\n", needed[i].name, s.n);
                        missed++;
                } else {
                        print_message("# without %s: %s\n", needed[i].name,
                                      broken_words[s.states[s.broken].broken]);
                        print_path(&s, s.broken);
                }
                search_close(&s);
        }
        off = off_too = VAULT_ALLOWED;
        assert_int_equal(missed, 0);
}
