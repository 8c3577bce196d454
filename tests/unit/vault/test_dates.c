/* Keys in and out of their time. The vault's clock is the test's. */
#include "calls.h"

#include "base/clock.h"

#define DAY INT64_C(86400000)

struct day {
        struct hsm *hsm;
        struct caller cu;
};

static int begin(void **state)
{
        struct day *d = calloc(1, sizeof(*d));

        d->hsm = hsm_ready();
        *state = d;
        return 0;
}

static int end(void **state)
{
        struct day *d = *state;

        hsm_free(d->hsm);
        free(d);
        return 0;
}

/* A date so many days from the vault's today. */
static struct slice date(struct day *d, int days, char out[8])
{
        char text[CLOCK_TEXT_SIZE];

        (void)clock_text(d->hsm->wall_ms + days * DAY, text);
        memcpy(out, text, 4);
        memcpy(out + 4, text + 5, 2);
        memcpy(out + 6, text + 8, 2);
        return slice_of(out, 8);
}

static void log_in(struct day *d)
{
        d->cu = caller_cu(d->hsm, "cu1"); /* tickets do not outlive the jumps of the clock */
}

/* A key that does everything, with a first and a last day. */
static void make(struct day *d, int from, int until, struct named *key)
{
        static const uint64_t usages[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
                                           CKA_VERIFY,  CKA_WRAP,    CKA_UNWRAP };
        struct attributes a = { .n = 0 };
        char dates[2][8];

        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
                add_bool(&a, usages[i], true);
        add_bytes(&a, CKA_START_DATE, date(d, from, dates[0]));
        add_bytes(&a, CKA_END_DATE, date(d, until, dates[1]));
        assert_int_equal(make_aes(&d->cu, true, &a, key), 0);
}

/* fresh, kept: what making new things and reading old ones gives. */
static void uses(struct day *d, struct named *key, struct named *target, struct given old[3], uint32_t fresh,
                 uint32_t kept)
{
        struct given out;
        struct named made;

        assert_int_equal(use_encrypt(&d->cu, key, &out), fresh);
        assert_int_equal(use_sign(&d->cu, key, CKM_AES_CMAC, &out), fresh);
        assert_int_equal(use_wrap(&d->cu, key, target, &out), fresh);
        assert_int_equal(use_decrypt(&d->cu, key, &old[0]), kept);
        assert_int_equal(use_verify(&d->cu, key, CKM_AES_CMAC, &old[1]), kept);
        assert_int_equal(use_unwrap(&d->cu, key, &old[2], NULL, &made), kept);
}

static void keys_work_in_their_time(void **state)
{
        struct day *d = *state;
        struct named key, target;
        struct given old[3];

        log_in(d);
        assert_int_equal(make_aes(&d->cu, true, NULL, &target), 0);
        make(d, 0, 1, &key);
        assert_int_equal(use_encrypt(&d->cu, &key, &old[0]), 0);
        assert_int_equal(use_sign(&d->cu, &key, CKM_AES_CMAC, &old[1]), 0);
        assert_int_equal(use_wrap(&d->cu, &key, &target, &old[2]), 0);
        uses(d, &key, &target, old, CKR_OK, CKR_OK);
        d->hsm->wall_ms += DAY; /* the last day counts */
        log_in(d);
        uses(d, &key, &target, old, CKR_OK, CKR_OK);
        d->hsm->wall_ms += DAY;
        log_in(d);
        uses(d, &key, &target, old, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_OK);
        d->hsm->wall_ms -= 3 * DAY;
        log_in(d);
        uses(d, &key, &target, old, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_FUNCTION_NOT_PERMITTED);
        d->hsm->wall_ms += DAY;
        log_in(d);
        uses(d, &key, &target, old, CKR_OK, CKR_OK);
        assert_int_equal(destroy(&d->cu, &key), 0);
        assert_int_equal(destroy(&d->cu, &target), 0);
}

static void pairs_agree_in_their_time(void **state)
{
        struct day *d = *state;
        struct attributes a = { .n = 0 };
        struct named pub, priv, made;
        struct given signature;
        uint8_t point[80];
        char last[8];
        size_t n;

        log_in(d);
        add_bytes(&a, CKA_END_DATE, date(d, 0, last));
        assert_int_equal(make_pair(&d->cu, CKM_EC_KEY_PAIR_GEN, true, NULL, &a, &pub, &priv), 0);
        assert_int_equal(get_attribute(&d->cu, &pub, CKA_EC_POINT, point, sizeof(point), &n), 0);
        assert_int_equal(use_derive(&d->cu, &priv, slice_of(point, n), &made), 0);
        assert_int_equal(use_sign(&d->cu, &priv, CKM_ECDSA_SHA256, &signature), 0);
        d->hsm->wall_ms += DAY;
        log_in(d);
        assert_int_equal(use_derive(&d->cu, &priv, slice_of(point, n), &made),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(use_sign(&d->cu, &priv, CKM_ECDSA_SHA256, &signature),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(use_verify(&d->cu, &pub, CKM_ECDSA_SHA256, &signature), 0);
        assert_int_equal(destroy(&d->cu, &pub), 0);
        assert_int_equal(destroy(&d->cu, &priv), 0);
}

static void the_owner_changes_dates(void **state)
{
        struct day *d = *state;
        struct attributes later = { .n = 0 }, crossed = { .n = 0 }, never = { .n = 0 };
        struct named key;
        struct given out;
        char dates[2][8];

        log_in(d);
        make(d, -3, -1, &key);
        assert_int_equal(use_encrypt(&d->cu, &key, &out), CKR_KEY_FUNCTION_NOT_PERMITTED);
        add_bytes(&crossed, CKA_START_DATE, date(d, 1, dates[0]));
        assert_int_equal(set_attribute(&d->cu, &key, &crossed), CKR_TEMPLATE_INCONSISTENT);
        add_bytes(&later, CKA_END_DATE, date(d, 0, dates[1]));
        assert_int_equal(set_attribute(&d->cu, &key, &later), 0);
        assert_int_equal(use_encrypt(&d->cu, &key, &out), 0);
        add_bytes(&never, CKA_START_DATE, SLICE_EMPTY);
        add_bytes(&never, CKA_END_DATE, SLICE_EMPTY);
        assert_int_equal(set_attribute(&d->cu, &key, &never), 0);
        assert_int_equal(use_encrypt(&d->cu, &key, &out), 0);
        assert_int_equal(destroy(&d->cu, &key), 0);
}

static void crossed_and_impossible_dates_are_refused(void **state)
{
        static const char *bad[] = { "20261301", "20261232", "2026111", "2026-1-1", "00000000" };
        struct day *d = *state;
        struct attributes crossed = { .n = 0 }, all = { .n = 0 };
        struct named key;
        char dates[2][8];

        log_in(d);
        add_bytes(&crossed, CKA_START_DATE, date(d, 2, dates[0]));
        add_bytes(&crossed, CKA_END_DATE, date(d, 1, dates[1]));
        assert_int_equal(make_aes(&d->cu, true, &crossed, &key), CKR_TEMPLATE_INCONSISTENT);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct attributes a = { .n = 0 };

                add_bytes(&a, CKA_END_DATE, slice_str(bad[i]));
                assert_int_equal(make_aes(&d->cu, true, &a, &key), CKR_ATTRIBUTE_VALUE_INVALID);
        }
        assert_int_equal(count_objects(&d->cu, &all), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keys_work_in_their_time),
                cmocka_unit_test(pairs_agree_in_their_time),
                cmocka_unit_test(the_owner_changes_dates),
                cmocka_unit_test(crossed_and_impossible_dates_are_refused),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
