/* Who may mask and insert, and that a masked copy brings back nothing that was taken. semantics 12, key
 * rules. */
#include "mask_calls.h"
#include "vault/commit.h"
#include "vault/users.h"

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

static uint32_t delete_user(struct caller *c, const char *name)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeleteUserRequest in = CHSM__DELETE_USER_REQUEST__INIT;

        in.role = 1;
        in.user = (char *)(uintptr_t)name;
        r.delete_user = &in;
        r.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        return ask(c, &r)->reason;
}

/* Writes a user's rights into the store, as the commands on them do. */
static void set_rights(struct hsm *h, const char *name, uint32_t rights)
{
        struct vault_call call = { .vault = h->vault, .arena = arena_new(64 * 1024, 1024 * 1024) };
        struct audit_record record = { .operation = "CN_SET_USER_RIGHTS", .peer = "test" };
        struct vault_user_view u;

        assert_true(vault_user_find(h->vault, slice_str(name), &u));
        u.rights = rights;
        assert_true(vault_user_put(&call, &u));
        assert_int_equal(vault_lane_commit(&call, &record, 5000, &h->err), STORE_OK);
        arena_free(&call.arena);
}

static void only_owner_and_officers(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2"), co = caller_co(*state),
                      nobody = caller_new(*state);
        struct named key, back;
        struct given masked, user;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(share_object(&cu1, &key, cu2.user_id, true), 0);
        assert_int_equal(mask(&nobody, key.ref.handle, 0, &masked), ERR_NOT_LOGGED_IN);
        assert_int_equal(mask(&cu2, key.ref.handle, 0, &masked), ERR_ACTION_PROHIBITED);
        assert_int_equal(mask(&cu1, 0, cu2.user_id, &masked), ERR_ROLE);
        assert_int_equal(mask(&co, 0, cu2.user_id, &user), 0);
        assert_int_equal(insert(&cu1, &user, NULL), ERR_ROLE);
        assert_int_equal(mask(&co, key.ref.handle, 0, &masked), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(insert(&nobody, &masked, NULL), ERR_NOT_LOGGED_IN);
        assert_int_equal(insert(&cu2, &masked, NULL), ERR_ACTION_PROHIBITED);
        assert_int_equal(insert(&cu1, &masked, &back), 0);
        /* The officer's copy still belongs to cu1, and is shared as it was. */
        assert_int_equal(destroy(&cu2, &back), CKR_ACTION_PROHIBITED);
        assert_int_equal(use_encrypt(&cu2, &back, &masked), 0);
}

static void what_its_owner_deleted_no_officer_brings_back(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct named key;
        struct given masked;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(mask(&co, key.ref.handle, 0, &masked), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(insert(&co, &masked, NULL), ERR_MASK_DELETED);
        hsm_restart(*state);
        co = caller_co(*state);
        assert_int_equal(insert(&co, &masked, NULL), ERR_MASK_DELETED);
        cu1 = caller_cu(*state, "cu1");
        assert_int_equal(insert(&cu1, &masked, &key), 0);
}

/* Masked while it had not been used, then used for data: the older copy is not a fresh wrapping key. */
static void history_is_not_washed_off(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes a = { .n = 0 }, b = { .n = 0 }, trusted = { .n = 0 };
        struct named key, target;
        struct given masked, out;

        add_bool(&a, CKA_EXTRACTABLE, false);
        add_bool(&a, CKA_WRAP, true);
        add_bool(&a, CKA_ENCRYPT, true);
        assert_int_equal(make_aes(&cu1, true, &a, &key), 0);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), 0);
        assert_int_equal(use_encrypt(&cu1, &key, &out), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(insert(&cu1, &masked, &key), 0);
        add_bool(&trusted, CKA_TRUSTED, true);
        assert_int_equal(set_attribute(&co, &key, &trusted), 0);
        add_bool(&b, CKA_EXTRACTABLE, true);
        add_bool(&b, CKA_WRAP_WITH_TRUSTED, true);
        assert_int_equal(make_aes(&cu1, true, &b, &target), 0);
        assert_int_equal(use_wrap(&cu1, &key, &target, &out), CKR_WRAPPING_KEY_HANDLE_INVALID);
}

/* Trust that an officer took back is not in the older copy either. */
static void trust_is_not_brought_in(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes a = { .n = 0 }, on = { .n = 0 }, off = { .n = 0 };
        struct named key;
        struct given masked;

        add_bool(&a, CKA_EXTRACTABLE, false);
        add_bool(&a, CKA_WRAP, true);
        assert_int_equal(make_aes(&cu1, true, &a, &key), 0);
        add_bool(&on, CKA_TRUSTED, true);
        assert_int_equal(set_attribute(&co, &key, &on), 0);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), 0);
        add_bool(&off, CKA_TRUSTED, false);
        assert_int_equal(set_attribute(&co, &key, &off), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(insert(&cu1, &masked, &key), 0);
        assert_non_null(strstr(((struct hsm *)*state)->note, "was trusted"));
        assert_int_equal(flag_of(&cu1, &key, CKA_TRUSTED), 0);
}

static void deleted_and_closed_users_stay_so(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu;
        struct named key;
        struct given masked, user, out;

        assert_int_equal(caller_create_user(&co, 1, "closed", "user1234"), 0);
        cu = caller_cu(h, "closed");
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(mask(&co, key.ref.handle, 0, &masked), 0);
        assert_int_equal(mask(&co, 0, cu.user_id, &user), 0);
        set_rights(h, "closed", VAULT_RIGHTS_ALL & ~(uint32_t)VAULT_RIGHT_MANAGE_BY_CO);
        assert_int_equal(mask(&co, key.ref.handle, 0, &out), ERR_USER_CLOSED);
        assert_int_equal(mask(&co, 0, cu.user_id, &out), ERR_USER_CLOSED);
        assert_int_equal(insert(&co, &user, NULL), ERR_USER_EXISTS);
        assert_int_equal(destroy(&cu, &key), 0);
        assert_int_equal(insert(&co, &masked, NULL), ERR_USER_CLOSED);
        assert_int_equal(mask(&cu, key.ref.handle, 0, &out), ERR_KEY_HANDLE);
        /* An officer may delete who owns nothing, and cannot bring back who he was before. */
        assert_int_equal(delete_user(&co, "closed"), 0);
        assert_int_equal(insert(&co, &user, NULL), ERR_MASK_DELETED);
        assert_int_equal(insert(&co, &masked, NULL), ERR_MASK_OWNER);
        assert_int_equal(caller_create_user(&co, 1, "closed", "user1234"), 0);
        assert_int_equal(insert(&co, &user, NULL), ERR_USER_EXISTS);
        assert_int_equal(insert(&co, &masked, NULL), ERR_MASK_OWNER); /* of that name, and somebody else */
}

static void rights_to_wrap_and_unwrap_cover_masks(void **state)
{
        struct hsm *h = *state;
        struct caller cu1 = caller_cu(h, "cu1");
        struct named key;
        struct given masked;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        set_rights(h, "cu1", VAULT_RIGHTS_ALL & ~(uint32_t)VAULT_RIGHT_WRAP);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), ERR_RIGHT);
        set_rights(h, "cu1", VAULT_RIGHTS_ALL & ~(uint32_t)VAULT_RIGHT_UNWRAP);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(insert(&cu1, &masked, &key), ERR_RIGHT);
        set_rights(h, "cu1", VAULT_RIGHTS_ALL);
        assert_int_equal(insert(&cu1, &masked, &key), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(only_owner_and_officers, begin, end),
                cmocka_unit_test_setup_teardown(what_its_owner_deleted_no_officer_brings_back, begin, end),
                cmocka_unit_test_setup_teardown(history_is_not_washed_off, begin, end),
                cmocka_unit_test_setup_teardown(trust_is_not_brought_in, begin, end),
                cmocka_unit_test_setup_teardown(deleted_and_closed_users_stay_so, begin, end),
                cmocka_unit_test_setup_teardown(rights_to_wrap_and_unwrap_cover_masks, begin, end),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
