/* What objects go through: copies, one-way changes, dates, certificates. */
#include "calls.h"

#include "ck/encoding.h"

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

static bool same_attribute(struct caller *c, struct named *one, struct named *two, uint64_t type)
{
        uint8_t a[1024], b[1024];
        size_t a_n = 0, b_n = 0;

        assert_int_equal(get_attribute(c, one, type, a, sizeof(a), &a_n), 0);
        assert_int_equal(get_attribute(c, two, type, b, sizeof(b), &b_n), 0);
        return slice_equal(slice_of(a, a_n), slice_of(b, b_n));
}

/* As Java's key store does it, and back as providers do. */
static void copies_cross_between_session_and_token(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes all = { .n = 0 }, keep = { .n = 0 }, cache = { .n = 0 }, closed = { .n = 0 };
        struct named session, token, again;

        add_bool(&closed, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu, false, &closed, &session), 0);
        add_bool(&keep, CKA_TOKEN, true);
        add_bytes(&keep, CKA_ID, SLICE_LIT("id"));
        assert_int_equal(copy_object(&cu, &session, &keep, &token), 0);
        assert_int_not_equal(token.ref.handle, 0);
        assert_int_equal(count_objects(&cu, &keep), 1);
        assert_false(same_attribute(&cu, &session, &token, CKA_UNIQUE_ID));
        assert_false(same_attribute(&cu, &session, &token, CKA_ID));
        assert_true(same_attribute(&cu, &session, &token, CKA_CHECK_VALUE));
        assert_int_equal(flag_of(&cu, &token, CKA_LOCAL), 1);
        assert_int_equal(flag_of(&cu, &token, CKA_NEVER_EXTRACTABLE), 1);
        add_bool(&cache, CKA_TOKEN, false);
        assert_int_equal(copy_object(&cu, &token, &cache, &again), 0);
        assert_int_equal(again.ref.handle, 0);
        assert_true(same_attribute(&cu, &again, &token, CKA_CHECK_VALUE));
        assert_int_equal(destroy(&cu, &token), 0);
        assert_int_equal(count_objects(&cu, &all), 0);
}

static void a_copy_is_never_looser(void **state)
{
        static const struct {
                uint64_t type;
                bool original, copy;
                uint32_t rv;
        } rows[] = {
                { CKA_EXTRACTABLE, true, false, CKR_OK },
                { CKA_EXTRACTABLE, false, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_WRAP_WITH_TRUSTED, false, true, CKR_OK },
                { CKA_WRAP_WITH_TRUSTED, true, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_SENSITIVE, false, true, CKR_OK },
                { CKA_SENSITIVE, true, false, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_MODIFIABLE, true, false, CKR_OK },
                { CKA_MODIFIABLE, false, true, CKR_ATTRIBUTE_READ_ONLY },
                { CKA_DESTROYABLE, false, true, CKR_OK },
        };
        struct caller cu = caller_cu(*state, "cu1");

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct attributes made = { .n = 0 }, differs = { .n = 0 };
                struct named original, copy;

                add_bool(&made, rows[i].type, rows[i].original);
                add_bool(&differs, rows[i].type, rows[i].copy);
                assert_int_equal(make_aes(&cu, false, &made, &original), 0);
                assert_int_equal(copy_object(&cu, &original, &differs, &copy), rows[i].rv);
                if (rows[i].rv)
                        continue;
                assert_int_equal(flag_of(&cu, &copy, rows[i].type), rows[i].copy);
                if (rows[i].type == CKA_SENSITIVE)
                        assert_int_equal(flag_of(&cu, &copy, CKA_ALWAYS_SENSITIVE), 0);
                if (rows[i].type == CKA_EXTRACTABLE)
                        assert_int_equal(flag_of(&cu, &copy, CKA_NEVER_EXTRACTABLE), 0);
        }
}

static void what_forbids_copies_and_changes(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes uncopyable = { .n = 0 }, fixed = { .n = 0 }, sign = { .n = 0 }, label = { .n = 0 };
        struct named one, two, copy;

        add_bool(&uncopyable, CKA_COPYABLE, false);
        add_bool(&fixed, CKA_MODIFIABLE, false);
        add_bool(&sign, CKA_SIGN, true);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("other"));
        assert_int_equal(make_aes(&cu, true, &uncopyable, &one), 0);
        assert_int_equal(make_aes(&cu, true, &fixed, &two), 0);
        assert_int_equal(copy_object(&cu, &one, NULL, &copy), CKR_ACTION_PROHIBITED);
        assert_int_equal(set_bool(&cu, &one, CKA_COPYABLE, true), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(set_attribute(&cu, &two, &label), CKR_ACTION_PROHIBITED);
        assert_int_equal(set_bool(&cu, &two, CKA_MODIFIABLE, true), CKR_ACTION_PROHIBITED);
        assert_int_equal(copy_object(&cu, &two, &sign, &copy), CKR_ACTION_PROHIBITED);
        assert_int_equal(copy_object(&cu, &two, &label, &copy), 0);
        assert_int_equal(flag_of(&cu, &copy, CKA_MODIFIABLE), 0);
        assert_int_equal(destroy(&cu, &copy), 0);
        assert_int_equal(destroy(&cu, &one), 0);
        assert_int_equal(destroy(&cu, &two), 0);
}

/* A copy must not be the place where a key is used unseen before it is trusted. */
static void copying_counts_as_use(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes closed = { .n = 0 }, guarded = { .n = 0 }, session = { .n = 0 };
        struct named t, copy, k;
        struct given blob;

        add_bool(&closed, CKA_EXTRACTABLE, false);
        add_bool(&guarded, CKA_WRAP_WITH_TRUSTED, true);
        add_bool(&session, CKA_TOKEN, false);
        assert_int_equal(make_aes(&cu, true, &closed, &t), 0);
        assert_int_equal(make_aes(&cu, true, &guarded, &k), 0);
        assert_int_equal(copy_object(&cu, &t, &session, &copy), 0);
        assert_int_equal(use_encrypt(&cu, &copy, &blob), 0);
        assert_int_equal(set_bool(&co, &t, CKA_TRUSTED, true), 0);
        assert_int_equal(use_wrap(&cu, &t, &k, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(copy_object(&cu, &t, &session, &copy), CKR_ACTION_PROHIBITED);
        assert_int_equal(destroy(&cu, &t), 0);
        assert_int_equal(destroy(&cu, &k), 0);
}

/* ---- templates and mechanisms of a key ---- */

static void add_template(struct attributes *a, uint64_t type, struct buf *value, const char *label,
                         bool sensitive)
{
        buf_reset(value);
        if (label)
                ck_template_put(value, CKA_LABEL, slice_str(label));
        if (sensitive)
                ck_template_put(value, CKA_SENSITIVE, SLICE_LIT("\1"));
        add_bytes(a, type, buf_slice(value));
}

static void templates_are_set_before_use(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes first = { .n = 0 }, second = { .n = 0 }, named = { .n = 0 };
        struct buf value[2] = { BUF_INIT, BUF_INIT };
        struct named w, session, k, other;
        struct given blob;

        add_template(&first, CKA_WRAP_TEMPLATE, &value[0], "a", false);
        add_template(&second, CKA_WRAP_TEMPLATE, &value[1], "b", false);
        add_bytes(&named, CKA_LABEL, SLICE_LIT("a"));
        assert_int_equal(make_aes(&cu, true, NULL, &w), 0);
        assert_int_equal(make_aes(&cu, false, NULL, &session), 0);
        assert_int_equal(make_aes(&cu, false, &named, &k), 0);
        assert_int_equal(make_aes(&cu, false, NULL, &other), 0);
        assert_int_equal(set_attribute(&cu, &session, &first), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(set_attribute(&cu, &w, &second), 0);
        assert_int_equal(set_attribute(&cu, &w, &first), 0);
        assert_int_equal(use_wrap(&cu, &w, &other, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(set_attribute(&cu, &w, &first), 0);
        assert_int_equal(use_wrap(&cu, &w, &k, &blob), 0);
        assert_int_equal(set_attribute(&cu, &w, &second), CKR_ATTRIBUTE_READ_ONLY);
        hsm_restart(*state);
        assert_int_equal(set_attribute(&cu, &w, &second), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(destroy(&cu, &w), 0);
        buf_clear(&value[0]);
        buf_clear(&value[1]);
}

static void copies_keep_what_their_templates_demand(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes made = { .n = 0 }, more = { .n = 0 }, less = { .n = 0 }, other = { .n = 0 };
        struct buf value[4] = { BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT };
        struct named key, copy;

        add_template(&made, CKA_UNWRAP_TEMPLATE, &value[0], "a", false);
        add_template(&more, CKA_UNWRAP_TEMPLATE, &value[1], "a", true);
        add_template(&less, CKA_UNWRAP_TEMPLATE, &value[2], NULL, false);
        add_template(&other, CKA_UNWRAP_TEMPLATE, &value[3], "b", true);
        assert_int_equal(make_aes(&cu, false, &made, &key), 0);
        assert_int_equal(copy_object(&cu, &key, &more, &copy), 0);
        assert_int_equal(copy_object(&cu, &key, &less, &copy), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(copy_object(&cu, &key, &other, &copy), CKR_ATTRIBUTE_READ_ONLY);
        for (int i = 0; i < 4; i++)
                buf_clear(&value[i]);
}

static void mechanisms_can_only_become_fewer(void **state)
{
        static const uint8_t ecb_cbc[16] = { [6] = 0x10, [7] = 0x81, [14] = 0x10, [15] = 0x82 };
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes none = { .n = 0 }, made = { .n = 0 }, less = { .n = 0 }, more = { .n = 0 };
        struct named key, copy;
        struct given blob;

        add_bytes(&made, CKA_ALLOWED_MECHANISMS, slice_of(ecb_cbc, 16));
        add_bytes(&less, CKA_ALLOWED_MECHANISMS, slice_of(ecb_cbc + 8, 8));
        add_bytes(&more, CKA_ALLOWED_MECHANISMS, slice_of(ecb_cbc, 16));
        add_bytes(&none, CKA_ALLOWED_MECHANISMS, SLICE_EMPTY);
        assert_int_equal(make_aes(&cu, false, &made, &key), 0);
        assert_int_equal(use_encrypt(&cu, &key, &blob), 0);
        assert_int_equal(set_attribute(&cu, &key, &less), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(copy_object(&cu, &key, &less, &copy), 0);
        assert_int_equal(use_encrypt(&cu, &copy, &blob), CKR_MECHANISM_INVALID);
        assert_int_equal(copy_object(&cu, &copy, &more, &key), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(copy_object(&cu, &copy, &none, &key), 0);
        assert_int_equal(copy_object(&cu, &key, &less, &copy), CKR_ATTRIBUTE_READ_ONLY);
}

/* ---- usage ---- */

static void recovery_changes_with_signing(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes apart = { .n = 0 };
        struct named pub, priv;

        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, false, NULL, NULL, &pub, &priv), 0);
        assert_int_equal(flag_of(&cu, &priv, CKA_SIGN_RECOVER), 1);
        assert_int_equal(set_bool(&cu, &priv, CKA_SIGN, false), 0);
        assert_int_equal(flag_of(&cu, &priv, CKA_SIGN_RECOVER), 0);
        assert_int_equal(set_bool(&cu, &priv, CKA_SIGN_RECOVER, true), 0);
        assert_int_equal(flag_of(&cu, &priv, CKA_SIGN), 1);
        add_bool(&apart, CKA_SIGN, true);
        add_bool(&apart, CKA_SIGN_RECOVER, false);
        assert_int_equal(set_attribute(&cu, &priv, &apart), CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(set_bool(&cu, &pub, CKA_VERIFY, false), 0);
        assert_int_equal(flag_of(&cu, &pub, CKA_VERIFY_RECOVER), 0);
        assert_int_equal(set_bool(&cu, &pub, CKA_SIGN, true), CKR_TEMPLATE_INCONSISTENT);
}

/* One usage named, allowed or not: nothing else is given; but agreement is what EC keys are for. */
static void a_template_that_names_a_usage_gets_no_other(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes off = { .n = 0 }, sign = { .n = 0 }, no_derive = { .n = 0 };
        struct named key, pub;

        add_bool(&off, CKA_ENCRYPT, false);
        assert_int_equal(make_aes(&cu, false, &off, &key), 0);
        assert_int_equal(flag_of(&cu, &key, CKA_DECRYPT), 0);
        assert_int_equal(flag_of(&cu, &key, CKA_WRAP), 0);
        add_bool(&sign, CKA_SIGN, true);
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, NULL, &sign, &pub, &key), 0);
        assert_int_equal(flag_of(&cu, &key, CKA_DERIVE), 1);
        assert_int_equal(flag_of(&cu, &key, CKA_DECRYPT), 0);
        assert_int_equal(flag_of(&cu, &pub, CKA_VERIFY), 1);
        assert_int_equal(flag_of(&cu, &pub, CKA_DERIVE), 0);
        add_bool(&no_derive, CKA_SIGN, true);
        add_bool(&no_derive, CKA_DERIVE, false);
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, NULL, &no_derive, &pub, &key), 0);
        assert_int_equal(flag_of(&cu, &key, CKA_DERIVE), 0);
}

/* Every kind of key that can be imported, by a template that names no usage. */
static void silent_templates_get_what_their_kind_does(void **state)
{
        static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 },
                             ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 },
                             x25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x6e };
        static const struct {
                uint64_t object_class, key_type;
                size_t bytes, curve_n;
                const uint8_t *curve;
                const char *uses; /* Encrypt Decrypt Sign Verify Wrap Unwrap, Agree: derive */
        } rows[] = {
                { CKO_SECRET_KEY, CKK_AES, 32, 0, NULL, "EDWU" },
                { CKO_SECRET_KEY, CKK_AES_XTS, 64, 0, NULL, "ED" },
                { CKO_SECRET_KEY, CKK_DES2, 16, 0, NULL, "ED" },
                { CKO_SECRET_KEY, CKK_DES3, 24, 0, NULL, "ED" },
                { CKO_SECRET_KEY, CKK_CHACHA20, 32, 0, NULL, "ED" },
                { CKO_SECRET_KEY, CKK_HKDF, 32, 0, NULL, "A" },
                { CKO_SECRET_KEY, CKK_GENERIC_SECRET, 32, 0, NULL, "SVA" },
                { CKO_SECRET_KEY, CKK_SHA_1_HMAC, 20, 0, NULL, "SV" },
                { CKO_SECRET_KEY, CKK_SHA256_HMAC, 32, 0, NULL, "SV" },
                { CKO_SECRET_KEY, CKK_SHA3_256_HMAC, 32, 0, NULL, "SV" },
                { CKO_PRIVATE_KEY, CKK_EC, 32, sizeof(p256), p256, "SA" },
                { CKO_PRIVATE_KEY, CKK_EC_EDWARDS, 32, sizeof(ed25519), ed25519, "S" },
                { CKO_PRIVATE_KEY, CKK_EC_MONTGOMERY, 32, sizeof(x25519), x25519, "A" },
        };
        static const struct {
                char letter;
                uint64_t type;
        } uses[] = { { 'E', CKA_ENCRYPT }, { 'D', CKA_DECRYPT }, { 'S', CKA_SIGN },  { 'V', CKA_VERIFY },
                     { 'W', CKA_WRAP },    { 'U', CKA_UNWRAP },  { 'A', CKA_DERIVE } };
        struct caller cu = caller_cu(*state, "cu1");
        uint8_t value[64];

        for (size_t i = 0; i < sizeof(value); i++)
                value[i] = (uint8_t)(1 + 37 * i);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct attributes a = { .n = 0 };
                struct named key;

                add_number(&a, CKA_CLASS, rows[i].object_class);
                add_number(&a, CKA_KEY_TYPE, rows[i].key_type);
                add_bytes(&a, CKA_VALUE, slice_of(value, rows[i].bytes));
                if (rows[i].curve)
                        add_bytes(&a, CKA_EC_PARAMS, slice_of(rows[i].curve, rows[i].curve_n));
                assert_int_equal(create_object(&cu, &a, &key), 0);
                for (size_t k = 0; k < sizeof(uses) / sizeof(uses[0]); k++)
                        assert_int_equal(flag_of(&cu, &key, uses[k].type),
                                         strchr(rows[i].uses, uses[k].letter) != NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(copies_cross_between_session_and_token),
                cmocka_unit_test(a_copy_is_never_looser),
                cmocka_unit_test(what_forbids_copies_and_changes),
                cmocka_unit_test(copying_counts_as_use),
                cmocka_unit_test(templates_are_set_before_use),
                cmocka_unit_test(copies_keep_what_their_templates_demand),
                cmocka_unit_test(mechanisms_can_only_become_fewer),
                cmocka_unit_test(recovery_changes_with_signing),
                cmocka_unit_test(a_template_that_names_a_usage_gets_no_other),
                cmocka_unit_test(silent_templates_get_what_their_kind_does),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
