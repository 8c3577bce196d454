/* What auditKeys advises: every row applies to what it is about and not to a key as it should be. */
#include "calls.h"
#include "vault/key_advice.h"

static const struct vault_advice_limits limits = { .unused_days = 90, .expiring_days = 30, .old_days = 365 };

/* A key nobody has anything against. */
static struct vault_advice_facts good(void)
{
        return (struct vault_advice_facts){ .object_class = CKO_SECRET_KEY,
                                            .flags =
                                                VAULT_TOKEN | VAULT_SENSITIVE | VAULT_ENCRYPT | VAULT_DECRYPT,
                                            .state = CHSM_KEY_CURRENT,
                                            .age_days = 10,
                                            .unused_days = 1,
                                            .days_left = INT64_MAX,
                                            .limits = limits };
}

/* The names of the rows that apply, with spaces between. */
static const char *names(const struct vault_advice_facts *f)
{
        static char text[512];
        const struct vault_advice_row *row;

        text[0] = '\0';
        for (size_t i = 0; (row = vault_advice_at(i)); i++) {
                if (row->applies(f)) {
                        strcat(text, text[0] ? " " : "");
                        strcat(text, row->name);
                }
        }
        return text;
}

static void each_row_is_about_one_thing(void **state)
{
        struct vault_advice_facts f = good();

        (void)state;
        assert_string_equal(names(&f), "");
        f.flags |= VAULT_EXTRACTABLE;
        assert_string_equal(names(&f), "extractable-untrusted");
        f.flags |= VAULT_WRAP_WITH_TRUSTED;
        assert_string_equal(names(&f), "");
        f = good();
        f.flags |= VAULT_WRAP;
        assert_string_equal(names(&f), "wraps-and-decrypts");
        f.flags |= VAULT_TRUSTED;
        assert_string_equal(names(&f), "trusted-for-data");
        f = good();
        f.flags |= VAULT_SIGN | VAULT_DERIVE;
        assert_string_equal(names(&f), "too-many-rights");
        f = good();
        f.shared = 3;
        assert_string_equal(names(&f), "");
        f.shared = 4;
        assert_string_equal(names(&f), "shared-widely");
        f = good();
        f.officers_alone = true;
        assert_string_equal(names(&f), "single-officer");
}

static void days_count(void **state)
{
        struct vault_advice_facts f = good();

        (void)state;
        f.days_left = 31;
        assert_string_equal(names(&f), "");
        f.days_left = 30;
        assert_string_equal(names(&f), "expiring");
        f.days_left = 0;
        assert_string_equal(names(&f), "expiring");
        f.days_left = -1;
        assert_string_equal(names(&f), "expired");
        f.state = CHSM_KEY_SUPERSEDED;
        assert_string_equal(names(&f), "");
        f = good();
        f.age_days = 364;
        assert_string_equal(names(&f), "");
        f.age_days = 365;
        assert_string_equal(names(&f), "old");
        f.unused_days = 90;
        assert_string_equal(names(&f), "old unused");
        f.state = CHSM_KEY_SUPERSEDED;
        assert_string_equal(names(&f), "superseded-unused");
        f = good();
        f.age_days = f.unused_days = -1; /* an old record does not say */
        assert_string_equal(names(&f), "");
        f.object_class = CKO_PUBLIC_KEY;
        f.age_days = f.unused_days = 10000;
        assert_string_equal(names(&f), "");
}

static void rows_have_words_and_a_cure(void **state)
{
        const struct vault_advice_row *row;
        size_t n = 0;

        (void)state;
        for (; (row = vault_advice_at(n)); n++) {
                const char *at = strstr(row->cure, "%u");

                assert_true(row->severity >= VAULT_ADVICE_NOTE && row->severity <= VAULT_ADVICE_SERIOUS);
                assert_true(strlen(row->words) > 10 && strlen(row->cure) > 5);
                assert_int_equal(at == NULL, row->of_partition);
                assert_null(at ? strchr(at + 1, '%') : NULL);
                for (size_t k = 0; k < n; k++) {
                        assert_string_not_equal(row->name, vault_advice_at(k)->name);
                        assert_true(vault_advice_at(k)->severity >= row->severity);
                }
        }
        assert_int_equal(n, 11);
}

static const Chsm__AuditKeysResponse *audit(struct caller *c, uint32_t unused, uint32_t expiring,
                                            uint32_t old)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__AuditKeysRequest in = CHSM__AUDIT_KEYS_REQUEST__INIT;
        const Chsm__Response *answer;

        in.unused_days = unused;
        in.expiring_days = expiring;
        in.old_days = old;
        r.audit_keys = &in;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_KEYS;
        answer = ask(c, &r);
        assert_int_equal(answer->status, 0);
        return answer->audit_keys;
}

/* The advice of that rule about the key, or NULL. */
static const Chsm__KeyAdvice *advice(const Chsm__AuditKeysResponse *r, struct named *key, const char *rule)
{
        for (size_t i = 0; i < r->n_keys; i++) {
                for (size_t k = 0; r->keys[i]->handle == key->ref.handle && k < r->keys[i]->n_advice; k++) {
                        if (strcmp(r->keys[i]->advice[k]->rule, rule) == 0)
                                return r->keys[i]->advice[k];
                }
        }
        return NULL;
}

static void keys_are_reviewed(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h);
        struct attributes dated = { .n = 0 };
        struct named key, ends;
        const Chsm__AuditKeysResponse *r;
        struct given given;
        char command[64];

        (void)state;
        h->wall_ms = 1893456000000; /* 2030-01-01 */
        cu = caller_cu(h, "cu1");
        co = caller_co(h);
        add_bytes(&dated, CKA_END_DATE, SLICE_LIT("20300301"));
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(make_aes(&cu, true, &dated, &ends), 0);
        r = audit(&cu, 0, 0, 0);
        assert_non_null(advice(r, &key, "extractable-untrusted"));
        (void)snprintf(command, sizeof(command), "setAttribute -o %u -a 528 -v 1", (unsigned)key.ref.handle);
        assert_non_null(strstr(advice(r, &key, "extractable-untrusted")->cure, command));
        assert_null(advice(r, &key, "unused"));
        assert_null(advice(r, &ends, "expiring")); /* 59 days */
        assert_non_null(advice(audit(&cu, 0, 59, 0), &ends, "expiring"));
        assert_null(advice(audit(&cu, 0, 58, 0), &ends, "expiring"));
        assert_int_equal(r->n_partition, 1); /* one officer */
        assert_string_equal(r->partition[0]->rule, "single-officer");
        assert_int_equal(caller_create_user(&co, 2, "second", "officer1234"), 0);
        assert_int_equal(audit(&co, 0, 0, 0)->n_partition, 0);
        /* A hundred days later only the key that was used meanwhile counts as used. */
        h->wall_ms += INT64_C(60) * 86400000;
        cu = caller_cu(h, "cu1");
        assert_int_equal(use_encrypt(&cu, &key, &given), 0);
        h->wall_ms += INT64_C(40) * 86400000;
        cu = caller_cu(h, "cu1");
        r = audit(&cu, 0, 0, 0);
        assert_null(advice(r, &key, "unused"));
        assert_non_null(advice(r, &ends, "unused"));
        assert_non_null(advice(r, &ends, "expired"));
        assert_non_null(advice(audit(&cu, 40, 0, 0), &key, "unused"));
        assert_null(advice(r, &key, "old"));
        assert_non_null(advice(audit(&cu, 0, 0, 100), &key, "old"));
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_row_is_about_one_thing),
                cmocka_unit_test(days_count),
                cmocka_unit_test(rows_have_words_and_a_cure),
                cmocka_unit_test(keys_are_reviewed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
