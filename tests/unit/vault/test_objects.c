/* Objects: who sees them, what templates may say, what changes and what does not. */
#include "hsm.h"

static int begin(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static void session_objects_live_with_their_application(void **state)
{
        struct caller one = caller_cu(*state, "cu1"), two = caller_cu(*state, "cu1");
        struct attributes wanted = { .n = 0 }, token = { .n = 0 };
        struct named key;
        uint8_t value[64];
        size_t n;

        assert_int_equal(make_aes(&one, false, NULL, &key), 0);
        assert_int_equal(key.ref.handle, 0);
        assert_int_equal(get_attribute(&one, &key, CKA_VALUE_LEN, value, sizeof(value), &n), 0);
        assert_int_equal(value[7], 32);
        assert_int_equal(get_attribute(&two, &key, CKA_VALUE_LEN, value, sizeof(value), &n),
                         CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(count_objects(&one, &wanted), 0); /* the application keeps them */
        add_bool(&token, CKA_TOKEN, true);
        assert_int_equal(set_attribute(&one, &key, &token), 0);
        assert_int_not_equal(key.ref.handle, 0);
        assert_int_equal(count_objects(&two, &wanted), 1);
        assert_int_equal(destroy(&two, &key), 0);
}

static void strangers_see_nothing(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2");
        struct attributes wanted = { .n = 0 }, label = { .n = 0 };
        struct named key, missing = { .ref = CHSM__OBJECT_REF__INIT };
        uint8_t value[64];
        size_t n;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        missing.ref.handle = key.ref.handle + 1;
        assert_int_equal(get_attribute(&cu2, &key, CKA_LABEL, value, sizeof(value), &n),
                         CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(get_attribute(&cu2, &missing, CKA_LABEL, value, sizeof(value), &n),
                         CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(count_objects(&cu2, &wanted), 0);
        assert_int_equal(destroy(&cu2, &key), CKR_OBJECT_HANDLE_INVALID);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("mine"));
        assert_int_equal(set_attribute(&cu2, &key, &label), CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(destroy(&cu1, &key), 0);
}

/* Public objects before login: for clients with a certificate, where the partition wants it, and no others.
 */
static void public_objects_need_no_login(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h), nobody = caller_new(h);
        struct attributes open = { .n = 0 }, hidden = { .n = 0 }, all = { .n = 0 };
        struct named pub, priv, key, private_pub, its_key;
        uint8_t value[512];
        size_t n;

        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, &open, NULL, &pub, &priv), 0);
        add_bool(&hidden, CKA_PRIVATE, true);
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, &hidden, NULL, &private_pub, &its_key), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(get_attribute(&nobody, &pub, CKA_EC_POINT, value, sizeof(value), &n),
                         CKR_USER_NOT_LOGGED_IN);
        h->peer.has_certificate = true;
        assert_int_equal(count_objects(&nobody, &all), 1);
        assert_int_equal(get_attribute(&nobody, &pub, CKA_EC_POINT, value, sizeof(value), &n), 0);
        assert_int_equal(n, 67);
        assert_int_equal(get_attribute(&nobody, &private_pub, CKA_EC_POINT, value, sizeof(value), &n),
                         CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(get_attribute(&nobody, &priv, CKA_LABEL, value, sizeof(value), &n),
                         CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(get_attribute(&nobody, &key, CKA_LABEL, value, sizeof(value), &n),
                         CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(destroy(&nobody, &pub), CKR_USER_NOT_LOGGED_IN);
        h->peer.has_certificate = false;
        assert_int_equal(caller_set_policy(&co, "public_before_login", "0"), 0);
        h->peer.has_certificate = true;
        assert_int_equal(get_attribute(&nobody, &pub, CKA_EC_POINT, value, sizeof(value), &n),
                         CKR_USER_NOT_LOGGED_IN);
        h->peer.has_certificate = false;
        assert_int_equal(destroy(&cu, &pub), 0);
        assert_int_equal(destroy(&cu, &priv), 0);
        assert_int_equal(destroy(&cu, &private_pub), 0);
        assert_int_equal(destroy(&cu, &its_key), 0);
        assert_int_equal(destroy(&cu, &key), 0);
}

static uint32_t share(struct caller *c, struct named *key, uint64_t user, bool on)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ShareObjectRequest in = CHSM__SHARE_OBJECT_REQUEST__INIT;

        in.handle = key->ref.handle;
        in.user = user;
        in.share = on;
        r.share_object = &in;
        r.body_case = CHSM__REQUEST__BODY_SHARE_OBJECT;
        return ask(c, &r)->status;
}

static void a_sharer_uses_and_nothing_else(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2");
        struct attributes wanted = { .n = 0 }, label = { .n = 0 };
        struct named key;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(share(&cu1, &key, cu1.user_id, true), CKR_ARGUMENTS_BAD);
        assert_int_not_equal(share(&cu1, &key, 999, true), 0);
        assert_int_equal(share(&cu1, &key, cu2.user_id, true), 0);
        assert_int_equal(count_objects(&cu2, &wanted), 1);
        assert_int_equal(destroy(&cu2, &key), CKR_ACTION_PROHIBITED);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("mine"));
        assert_int_equal(set_attribute(&cu2, &key, &label), CKR_ACTION_PROHIBITED);
        assert_int_equal(share(&cu2, &key, cu1.user_id, true), CKR_ACTION_PROHIBITED);
        assert_int_equal(share(&cu1, &key, cu2.user_id, false), 0);
        assert_int_equal(count_objects(&cu2, &wanted), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
}

static void templates_that_ask_too_much_are_refused(void **state)
{
        static const struct {
                uint64_t type;
                bool value, token;
                uint32_t rv;
        } rows[] = {
                { CKA_TRUSTED, true, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_LOCAL, true, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_ALWAYS_SENSITIVE, true, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_NEVER_EXTRACTABLE, true, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_PRIVATE, false, true, CKR_TEMPLATE_INCONSISTENT },
                { CKA_SENSITIVE, false, true, CKR_TEMPLATE_INCONSISTENT },
                { CKA_SENSITIVE, false, false, CKR_OK },
                { CKA_TOKEN, true, true, CKR_TEMPLATE_INCONSISTENT }, /* stands twice then */
                { 0x7fff1234, true, true, CKR_ATTRIBUTE_TYPE_INVALID },
                { CKA_EC_PARAMS, true, true, CKR_TEMPLATE_INCONSISTENT },
        };
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes wanted = { .n = 0 };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct attributes a = { .n = 0 };
                struct named key;

                add_bool(&a, rows[i].type, rows[i].value);
                assert_int_equal(make_aes(&cu, rows[i].token, &a, &key), rows[i].rv);
        }
        assert_int_equal(count_objects(&cu, &wanted), 0);
}

static void what_no_object_has_finds_nothing(void **state)
{
        static const uint64_t types[] = { CKA_PRIME, 0x7fff1234, CKA_PRIME_1, CKA_PRIVATE_EXPONENT };
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes all = { .n = 0 };
        struct named key;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(count_objects(&cu, &all), 1);
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                struct attributes wanted = { .n = 0 };

                add_bytes(&wanted, types[i], SLICE_LIT("\x03"));
                assert_int_equal(count_objects(&cu, &wanted), 0);
        }
        assert_int_equal(destroy(&cu, &key), 0);
}

static void silent_templates_get_the_sensible_set(void **state)
{
        static const struct {
                uint64_t type;
                uint8_t pub, priv;
        } rows[] = { { CKA_VERIFY, 1, 0 }, { CKA_SIGN, 0, 1 },  { CKA_ENCRYPT, 1, 0 }, { CKA_DECRYPT, 0, 1 },
                     { CKA_DERIVE, 0, 0 }, { CKA_LOCAL, 1, 1 }, { CKA_PRIVATE, 0, 1 } };
        struct caller cu = caller_cu(*state, "cu1");
        struct named pub, priv;
        uint8_t value[600];
        size_t n;

        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(get_attribute(&cu, &pub, rows[i].type, value, sizeof(value), &n), 0);
                assert_int_equal(value[0], rows[i].pub);
                assert_int_equal(get_attribute(&cu, &priv, rows[i].type, value, sizeof(value), &n), 0);
                assert_int_equal(value[0], rows[i].priv);
        }
        assert_int_equal(get_attribute(&cu, &pub, CKA_MODULUS, value, sizeof(value), &n), 0);
        assert_int_equal(n, 256);
        assert_int_equal(get_attribute(&cu, &priv, CKA_PRIVATE_EXPONENT, value, sizeof(value), &n),
                         CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(n, 0);
        assert_int_equal(get_attribute(&cu, &priv, CKA_VALUE_LEN, value, sizeof(value), &n),
                         CKR_ATTRIBUTE_TYPE_INVALID);
        assert_int_equal(destroy(&cu, &pub), 0);
        assert_int_equal(destroy(&cu, &priv), 0);
}

static void some_attributes_change_one_way_only(void **state)
{
        static const struct {
                uint64_t type;
                bool value;
                uint32_t rv;
        } rows[] = {
                { CKA_EXTRACTABLE, true, CKR_OK },
                { CKA_EXTRACTABLE, false, CKR_OK },
                { CKA_EXTRACTABLE, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_WRAP_WITH_TRUSTED, true, CKR_OK },
                { CKA_WRAP_WITH_TRUSTED, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_SENSITIVE, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_TOKEN, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_LOCAL, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_DERIVE, true, CKR_OK },
                { CKA_SIGN, true, CKR_OK },
                { CKA_DESTROYABLE, false, CKR_OK },
                { CKA_DESTROYABLE, true, CKR_OK },
        };
        struct caller cu = caller_cu(*state, "cu1");
        struct named key;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct attributes a = { .n = 0 };

                add_bool(&a, rows[i].type, rows[i].value);
                assert_int_equal(set_attribute(&cu, &key, &a), rows[i].rv);
                if (rows[i].type == CKA_DESTROYABLE && !rows[i].value)
                        assert_int_equal(destroy(&cu, &key), CKR_ACTION_PROHIBITED);
        }
        assert_int_equal(destroy(&cu, &key), 0);
}

static void a_failed_change_changes_nothing(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes a = { .n = 0 }, label = { .n = 0 };
        struct named key;
        uint8_t value[64];
        size_t n;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        add_bytes(&a, CKA_LABEL, SLICE_LIT("new name"));
        add_bool(&a, CKA_TRUSTED, true);
        assert_int_equal(set_attribute(&cu, &key, &a), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(get_attribute(&cu, &key, CKA_LABEL, value, sizeof(value), &n), 0);
        assert_int_equal(n, 0);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("new name"));
        assert_int_equal(count_objects(&cu, &label), 0);
        assert_int_equal(set_attribute(&cu, &key, &label), 0);
        assert_int_equal(count_objects(&cu, &label), 1);
        assert_int_equal(destroy(&cu, &key), 0);
}

static void searches_go_page_by_page(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes a[2] = { { .n = 0 }, { .n = 0 } };
        struct named keys[300];

        for (size_t i = 0; i < 300; i++) {
                struct attributes label = { .n = 0 };

                add_bytes(&label, CKA_LABEL, i == 123 ? SLICE_LIT("needle") : SLICE_LIT("hay"));
                assert_int_equal(make_aes(&cu, true, &label, &keys[i]), 0);
        }
        assert_int_equal(count_objects(&cu, &a[0]), 300);
        add_bytes(&a[0], CKA_LABEL, SLICE_LIT("hay"));
        add_bytes(&a[1], CKA_LABEL, SLICE_LIT("needle"));
        assert_int_equal(count_objects(&cu, &a[0]), 299);
        assert_int_equal(count_objects(&cu, &a[1]), 1);
        for (size_t i = 0; i < 300; i++)
                assert_int_equal(destroy(&cu, &keys[i]), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(session_objects_live_with_their_application),
                cmocka_unit_test(strangers_see_nothing),
                cmocka_unit_test(public_objects_need_no_login),
                cmocka_unit_test(a_sharer_uses_and_nothing_else),
                cmocka_unit_test(templates_that_ask_too_much_are_refused),
                cmocka_unit_test(what_no_object_has_finds_nothing),
                cmocka_unit_test(silent_templates_get_the_sensible_set),
                cmocka_unit_test(some_attributes_change_one_way_only),
                cmocka_unit_test(a_failed_change_changes_nothing),
                cmocka_unit_test(searches_go_page_by_page),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
