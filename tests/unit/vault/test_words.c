/* The words of refusals: which rule, what was looked at, and who may change it with what. */
#include "calls.h"

#include <stdarg.h>

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

static void said(struct hsm *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void said(struct hsm *h, const char *fmt, ...)
{
        char words[400];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(words, sizeof(words), fmt, ap);
        va_end(ap);
        if (!strstr(h->detail, words))
                fail_msg("'%s' does not say '%s'", h->detail, words);
}

static unsigned handle_of(const struct named *o)
{
        return (unsigned)o->ref.handle;
}

static void a_wrap_says_which_keys_and_who_may_trust(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h);
        struct attributes protected = { .n = 0 }, wraps = { .n = 0 }, fixed = { .n = 0 };
        struct named target, kek, inside;
        struct given out;

        add_bool(&protected, CKA_WRAP_WITH_TRUSTED, true);
        add_bool(&wraps, CKA_WRAP, true);
        add_bool(&wraps, CKA_EXTRACTABLE, false);
        add_bool(&fixed, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu, true, &protected, &target), 0);
        assert_int_equal(make_aes(&cu, true, &wraps, &kek), 0);
        assert_int_equal(make_aes(&cu, true, &fixed, &inside), 0);
        assert_int_equal(use_wrap(&cu, &kek, &target, &out), CKR_KEY_NOT_WRAPPABLE);
        said(h,
             "key %u has WRAP_WITH_TRUSTED=1 and key %u is not TRUSTED; a crypto officer can run: "
             "setAttribute %u 134 1",
             handle_of(&target), handle_of(&kek), handle_of(&kek));
        assert_int_equal(set_bool(&co, &kek, CKA_TRUSTED, true), 0); /* what was said helps */
        assert_int_equal(use_wrap(&cu, &kek, &target, &out), 0);
        assert_int_equal(use_wrap(&cu, &kek, &inside, &out), CKR_KEY_UNEXTRACTABLE);
        said(h, "key %u has EXTRACTABLE=0, which nobody can change", handle_of(&inside));
        assert_int_equal(use_wrap(&cu, &kek, &kek, &out), CKR_KEY_UNEXTRACTABLE);
}

static void the_owner_is_named(void **state)
{
        struct hsm *h = *state;
        struct caller owner = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2");
        struct attributes wraps = { .n = 0 };
        struct named key;
        struct given out;

        add_bool(&wraps, CKA_WRAP, true);
        assert_int_equal(make_aes(&owner, true, &wraps, &key), 0);
        assert_int_equal(share_object(&owner, &key, sharer.user_id, true), 0);
        assert_int_equal(destroy(&sharer, &key), CKR_ACTION_PROHIBITED);
        said(h, "key %u belongs to cu1, and only the owner can delete it; 'cu2' is logged in",
             handle_of(&key));
        assert_int_equal(use_wrap(&sharer, &key, &key, &out), CKR_KEY_NOT_WRAPPABLE);
        said(h, "key %u belongs to cu1, and only the owner can wrap it", handle_of(&key));
}

static void a_use_says_which_attribute_and_its_number(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes only = { .n = 0 }, stays = { .n = 0 };
        struct named key, fixed;
        struct given out;

        add_bool(&only, CKA_DECRYPT, true);
        add_bool(&stays, CKA_DECRYPT, true);
        add_bool(&stays, CKA_MODIFIABLE, false);
        assert_int_equal(make_aes(&cu, true, &only, &key), 0);
        assert_int_equal(make_aes(&cu, true, &stays, &fixed), 0);
        assert_int_equal(use_encrypt(&cu, &key, &out), CKR_KEY_FUNCTION_NOT_PERMITTED);
        said(h, "key %u has CKA_ENCRYPT=FALSE; its owner cu1 can run: setAttribute %u 260 1", handle_of(&key),
             handle_of(&key));
        assert_int_equal(set_bool(&cu, &key, CKA_ENCRYPT, true), 0);
        assert_int_equal(use_encrypt(&cu, &key, &out), 0);
        assert_int_equal(use_encrypt(&cu, &fixed, &out), CKR_KEY_FUNCTION_NOT_PERMITTED);
        said(h, "CKA_MODIFIABLE=FALSE, so nobody can change it");
}

static void a_key_that_may_not_be_deleted_says_how_it_could(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes kept = { .n = 0 };
        struct named key;

        add_bool(&kept, CKA_DESTROYABLE, false);
        assert_int_equal(make_aes(&cu, true, &kept, &key), 0);
        assert_int_equal(destroy(&cu, &key), CKR_ACTION_PROHIBITED);
        said(h, "its owner cu1 can run: setAttribute %u 370 1", handle_of(&key));
        assert_int_equal(set_bool(&cu, &key, CKA_DESTROYABLE, true), 0);
        assert_int_equal(destroy(&cu, &key), 0);
}

static void a_role_is_told_whose_command_it_is(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), nobody = caller_new(h);

        assert_int_equal(caller_create_user(&cu, 1, "cu9", "user1234"), CKR_FUNCTION_REJECTED);
        said(h, "'create_user': it is for CO, and this is a CU");
        assert_int_equal(caller_create_user(&nobody, 1, "cu9", "user1234"), CKR_USER_NOT_LOGGED_IN);
        said(h, "it is for CO");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_wrap_says_which_keys_and_who_may_trust),
                cmocka_unit_test(the_owner_is_named),
                cmocka_unit_test(a_use_says_which_attribute_and_its_number),
                cmocka_unit_test(a_key_that_may_not_be_deleted_says_how_it_could),
                cmocka_unit_test(a_role_is_told_whose_command_it_is),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
