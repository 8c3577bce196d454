/* A user a key is shared with uses it, and nothing else. spec/semantics.md 9. */
#include "calls.h"

static int begin(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h);

        assert_int_equal(caller_create_user(&co, 1, "cu3", "user1234"), 0);
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

/* An AES key with every use, shared by cu1 with cu2. */
static void make_shared(struct caller *owner, struct caller *sharer, struct named *key)
{
        static const uint64_t usages[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
                                           CKA_VERIFY,  CKA_WRAP,    CKA_UNWRAP };
        struct attributes a = { .n = 0 };

        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
                add_bool(&a, usages[i], true);
        add_bytes(&a, CKA_LABEL, SLICE_LIT("shared"));
        assert_int_equal(make_aes(owner, true, &a, key), 0);
        assert_int_equal(share_object(owner, key, sharer->user_id, true), 0);
}

static void a_sharer_uses_the_key(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2");
        struct attributes by_label = { .n = 0 };
        struct named key, own, again;
        struct given out, mac, blob;

        make_shared(&cu1, &cu2, &key);
        add_bytes(&by_label, CKA_LABEL, SLICE_LIT("shared"));
        assert_int_equal(count_objects(&cu2, &by_label), 1);
        assert_int_equal(use_encrypt(&cu2, &key, &out), 0);
        assert_int_equal(use_decrypt(&cu2, &key, &out), 0);
        assert_int_equal(use_sign(&cu2, &key, CKM_AES_CMAC, &mac), 0);
        assert_int_equal(use_verify(&cu2, &key, CKM_AES_CMAC, &mac), 0);
        assert_int_equal(use_verify(&cu1, &key, CKM_AES_CMAC, &mac), 0);
        /* A sharer wraps keys of his own with it, and what it unwraps is his. */
        assert_int_equal(make_aes(&cu2, false, NULL, &own), 0);
        assert_int_equal(use_wrap(&cu2, &key, &own, &blob), 0);
        assert_int_equal(use_unwrap(&cu2, &key, &blob, NULL, &again), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(use_encrypt(&cu2, &key, &out), CKR_KEY_HANDLE_INVALID);
}

static void a_sharer_does_nothing_else(void **state)
{
        static const uint64_t flags[] = { CKA_EXTRACTABLE, CKA_DESTROYABLE, CKA_ENCRYPT, CKA_COPYABLE };
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2"),
                      cu3 = caller_cu(*state, "cu3");
        struct attributes label = { .n = 0 }, all = { .n = 0 };
        struct named key, wrapping, copy;
        struct given blob;

        make_shared(&cu1, &cu2, &key);
        assert_int_equal(make_aes(&cu2, true, NULL, &wrapping), 0);
        assert_int_equal(use_wrap(&cu2, &wrapping, &key, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(use_wrap(&cu2, &key, &key, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(copy_object(&cu2, &key, NULL, &copy), CKR_ACTION_PROHIBITED);
        assert_int_equal(destroy(&cu2, &key), CKR_ACTION_PROHIBITED);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("mine"));
        assert_int_equal(set_attribute(&cu2, &key, &label), CKR_ACTION_PROHIBITED);
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
                assert_int_equal(set_bool(&cu2, &key, flags[i], false), CKR_ACTION_PROHIBITED);
        assert_int_equal(share_object(&cu2, &key, cu3.user_id, true), CKR_ACTION_PROHIBITED);
        assert_int_equal(share_object(&cu2, &key, cu2.user_id, false), CKR_ACTION_PROHIBITED);
        assert_int_equal(share_object(&cu2, &key, cu1.user_id, false), CKR_ACTION_PROHIBITED);
        assert_int_equal(count_objects(&cu2, &all), 2);
        assert_int_equal(count_objects(&cu3, &all), 0);
        assert_int_equal(destroy(&cu2, &wrapping), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
}

static void sharing_ends(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2"),
                      cu3 = caller_cu(*state, "cu3");
        struct attributes all = { .n = 0 };
        struct named key;
        struct given out;

        make_shared(&cu1, &cu2, &key);
        assert_int_equal(use_encrypt(&cu3, &key, &out), CKR_KEY_HANDLE_INVALID); /* as if it were not there */
        assert_int_equal(share_object(&cu1, &key, cu3.user_id, true), 0);
        assert_int_equal(use_encrypt(&cu3, &key, &out), 0);
        assert_int_equal(share_object(&cu1, &key, cu2.user_id, false), 0);
        assert_int_equal(use_encrypt(&cu2, &key, &out), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(count_objects(&cu2, &all), 0);
        assert_int_equal(share_object(&cu1, &key, cu2.user_id, false), CKR_ARGUMENTS_BAD);
        hsm_restart(*state);
        assert_int_equal(use_encrypt(&cu3, &key, &out), 0);
        assert_int_equal(count_objects(&cu3, &all), 1);
        assert_int_equal(count_objects(&cu2, &all), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(count_objects(&cu3, &all), 0);
}

/* Public keys are everybody's to use and their owner's to change. */
static void public_keys_are_used_by_all(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2");
        struct attributes hidden = { .n = 0 }, label = { .n = 0 }, all = { .n = 0 };
        struct named pub, priv;
        struct given signature;

        add_bool(&hidden, CKA_PRIVATE, true);
        assert_int_equal(make_pair(&cu1, CKM_EC_KEY_PAIR_GEN, true, &hidden, NULL, &pub, &priv), 0);
        assert_int_equal(use_sign(&cu1, &priv, CKM_ECDSA_SHA256, &signature), 0);
        assert_int_equal(count_objects(&cu2, &all), 1);
        assert_int_equal(use_verify(&cu2, &pub, CKM_ECDSA_SHA256, &signature), 0);
        assert_int_equal(share_object(&cu1, &pub, cu2.user_id, true), CKR_ARGUMENTS_BAD);
        assert_int_equal(destroy(&cu2, &pub), CKR_ACTION_PROHIBITED);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("mine"));
        assert_int_equal(set_attribute(&cu2, &pub, &label), CKR_ACTION_PROHIBITED);
        assert_int_equal(use_sign(&cu2, &priv, CKM_ECDSA_SHA256, &signature), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(destroy(&cu1, &pub), 0);
        assert_int_equal(destroy(&cu1, &priv), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_sharer_uses_the_key),
                cmocka_unit_test(a_sharer_does_nothing_else),
                cmocka_unit_test(sharing_ends),
                cmocka_unit_test(public_keys_are_used_by_all),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
