/* Every sequence of calls on the machine of policy_machine.c. No state that can be reached may break a
 * promise; and with each rule switched off in turn the search must find the attack. */
#include "test.h"

#include "policy_calls.c"

static void expand(struct search *search, size_t at)
{
        for (unsigned t = 0; t < TEMPLATES; t++)
                births(search, at, t);
        for (unsigned i = 0; i < OBJECTS && search->states[at].o[i]; i++) {
                struct state s = search->states[at];

                for (unsigned w = 0; w < OBJECTS + search->own_n; w++) {
                        if (w >= OBJECTS || s.o[w])
                                wraps(search, at, w, i);
                }
                for (unsigned t = 0; t < TEMPLATES; t++) {
                        unwraps(search, at, i, t);
                        derives(search, at, i, t);
                        decapsulates(search, at, i, t);
                }
                for (unsigned c = 0; c < CHANGES; c++) {
                        changes(search, at, i, c);
                        copies(search, at, i, c);
                }
                uses(search, at, i);
                officer(search, at, i);
                s.o[i] = 0;
                if (room(search, &search->states[at]) == OBJECTS ||
                    (facts_of(search->states[at].o[i]).flags & VAULT_TOKEN))
                        reach(search, &s, at, call_of(DESTROY, i, 0, 0));
        }
}

static void search_open(struct search *s, struct vault_settings settings, unsigned slots, size_t cap)
{
        size_t table = 1;

        while (table < cap * 2)
                table *= 2;
        *s = (struct search){
                .settings = settings, .slots = slots, .cap = cap, .mask = table - 1, .broken = SIZE_MAX
        };
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
                                          from > 1 ? &s->own[from - 2] : NULL, false, false };

                for (unsigned t = 0; t < TEMPLATES; t++) {
                        struct vault_key_facts k = { CKO_SECRET_KEY, template_of(t), 0, 256 };
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
                      { VAULT_WRAP, "WRAP,UNWRAP" },
                      { VAULT_DECRYPT, "ENCRYPT,DECRYPT" },
                      { VAULT_DERIVE, "DERIVE,DECAPSULATE" } };

        for (size_t i = 0; i < COUNT(names); i++) {
                if (flags & names[i].flag)
                        print_message(" %s", names[i].name);
        }
}

static void print_call(const struct state *before, uint32_t call)
{
        static const char *const verbs[] = { "generate", "import",      "unwrap",     "wrap",  "use for data",
                                             "derive",   "copy",        "change",     "trust", "untrust",
                                             "destroy",  "encapsulate", "decapsulate" };
        unsigned verb = call >> 24, a = call >> 16 & 255, b = call >> 8 & 255, t = call & 255;

        print_message("#   %s", verbs[verb]);
        if (verb != GENERATE && verb != IMPORT && verb != ENCAPSULATE)
                print_message(verb == WRAP || verb == UNWRAP ? " with k%u" : " k%u",
                              a < OBJECTS ? value_of(before->o[a]) : EVIL);
        if (verb == WRAP)
                print_message(" key k%u%s", value_of(before->o[b]), t ? "" : " (unauthenticated)");
        if (verb == UNWRAP)
                print_message(" key k%u", b);
        if (verb == CHANGE || verb == COPY)
                print_flags(changed(facts_of(before->o[a]).flags, t));
        else if (verb != WRAP && verb != TRUST && verb != UNTRUST && verb != DESTROY && verb != USE)
                print_flags(template_of(t));
        print_message("\n");
}

static void print_path(const struct search *s, size_t at)
{
        if (at == 0)
                return;
        print_path(s, s->states[at].from);
        print_call(&s->states[s->states[at].from], s->states[at].call);
}

/* Searches until a promise is broken, at most `depth` calls deep; 0: until nothing new comes. */
static void search_run(struct search *s, unsigned depth)
{
        struct state start = { .known = 1u << EVIL, .spoilt = 1u << EVIL };
        size_t end;

        make_own(s);
        reach(s, &start, 0, 0);
        end = s->n;
        for (size_t at = 0, level = 0; at < s->n && s->broken == SIZE_MAX; at++) {
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

static void holds_in(enum world w, unsigned slots, unsigned depth, bool exact)
{
        struct search s;

        off = off_too = VAULT_ALLOWED;
        search_open(&s, settings_of(w), slots, 1000000);
        s.exact = exact;
        search_run(&s, depth);
        if (s.broken != SIZE_MAX) {
                print_message("# %s:\n", broken_words[s.states[s.broken].broken]);
                print_path(&s, s.broken);
                fail();
        }
        print_message("# %zu states, all safe\n", s.n);
        search_close(&s);
}

static void nothing_reachable_breaks_a_promise(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, 2, 0, false);
}

static void nor_with_three_objects(void **state)
{
        (void)state;
        holds_in(DOCUMENTED, 3, 6, false);
        holds_in(APART, 3, 6, false);
        holds_in(VERIFIED, 3, 0, false);
}

static void what_audit_keys_calls_protected_is_not_known(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, 2, 4, true);
}

/* Each rule and mark that a promise rests on, with the settings where it does. Two that catch the same attack
 * are switched off together. */
static const struct {
        enum vault_rule rule, too;
        enum world world;
        const char *name;
} needed[] = {
#define NEEDED(w, r)                                                                                         \
        {                                                                                                    \
                VAULT_##r, VAULT_ALLOWED, w, #r                                                              \
        }
        NEEDED(DOCUMENTED, RULE_TRUST_IS_GIVEN),
        NEEDED(DOCUMENTED, RULE_UNWRAPPED_HIDDEN),
        NEEDED(DOCUMENTED, RULE_UNWRAPPED_WWT),
        NEEDED(DOCUMENTED, RULE_CHILD_HIDDEN),
        NEEDED(DOCUMENTED, RULE_CHILD_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_CHILD_WWT),
        NEEDED(DOCUMENTED, RULE_STAYS_HIDDEN),
        NEEDED(DOCUMENTED, RULE_STAYS_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_STAYS_WWT),
        NEEDED(DOCUMENTED, RULE_TRUSTED_COPY),
        NEEDED(DOCUMENTED, RULE_TRUSTED_CHANGE),
        NEEDED(DOCUMENTED, RULE_OFFICER_ONLY),
        NEEDED(DOCUMENTED, RULE_TRUSTED_ONLY_WRAPS),
        NEEDED(DOCUMENTED, RULE_TRUSTED_UNAUTHENTICATED),
        NEEDED(DOCUMENTED, RULE_WRAP_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_WRAP_ITSELF),
        NEEDED(DOCUMENTED, RULE_WRAP_UNTRUSTED),
        NEEDED(DOCUMENTED, RULE_SPOILT_IMPORTED),
        NEEDED(DOCUMENTED, RULE_SPOILT_DERIVED),
        NEEDED(DOCUMENTED, RULE_SPOILT_AGREED),
        NEEDED(DOCUMENTED, RULE_SPOILT_EXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_SPOILT_DATA),
        { VAULT_MARK_LEFT, VAULT_MARK_EXTRACTABLE, DOCUMENTED, "MARK_LEFT and MARK_EXTRACTABLE" },
        NEEDED(DOCUMENTED, MARK_DATA),
        NEEDED(DOCUMENTED, MARK_COPIED),
        NEEDED(DOCUMENTED, MARK_TRUSTED),
        NEEDED(DOCUMENTED, MARK_IMPORTED),
        NEEDED(DOCUMENTED, MARK_DERIVED),
        NEEDED(DOCUMENTED, MARK_AGREED),
        NEEDED(DOCUMENTED, MARK_SESSION),
        NEEDED(APART, RULE_USAGE),
        NEEDED(APART, RULE_TWO_ROLES),
        NEEDED(APART, RULE_KNOWN_WRAPS),
        NEEDED(APART, RULE_CHILD_WRAPS),
        NEEDED(APART, RULE_AGREED_WRAPS),
        NEEDED(APART, RULE_ROLE_GAINED),
        NEEDED(APART, MARK_ROLES),
        NEEDED(APART, MARK_LIVES),
        NEEDED(VERIFIED, RULE_BORN_PROTECTED),
        NEEDED(VERIFIED, RULE_TRUST_BORN),
};

static void without_any_rule_the_search_finds_the_attack(void **state)
{
        size_t missed = 0;

        (void)state;
        for (size_t i = 0; i < COUNT(needed); i++) {
                struct search s;

                off = needed[i].rule;
                off_too = needed[i].too;
                search_open(&s, settings_of(needed[i].world), 3, 1000000);
                search_run(&s, 7);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_reachable_breaks_a_promise),
                cmocka_unit_test(nor_with_three_objects),
                cmocka_unit_test(what_audit_keys_calls_protected_is_not_known),
                cmocka_unit_test(without_any_rule_the_search_finds_the_attack),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
