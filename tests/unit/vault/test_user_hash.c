/* Digests that let nodes be compared: what changes them, and that nothing else does. */
#include "calls.h"

enum kind { USERS = 1, KEYS = 2 };

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

struct hashes {
        uint64_t id[400];
        uint8_t hash[400][32];
        size_t n;
        uint8_t total[32];
};

static uint32_t ask_hashes(struct caller *c, uint32_t kind, uint64_t id, bool total, struct hashes *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StateHashRequest in = CHSM__STATE_HASH_REQUEST__INIT;
        const Chsm__Response *response;

        in.kind = kind;
        in.id = id;
        in.total = total;
        r.state_hash = &in;
        r.body_case = CHSM__REQUEST__BODY_STATE_HASH;
        out->n = 0;
        do {
                response = ask(c, &r);
                if (response->status)
                        return response->status;
                for (size_t i = 0; i < response->state_hash->n_rows; i++) {
                        in.after = out->id[out->n] = response->state_hash->rows[i]->id;
                        assert_int_equal(response->state_hash->rows[i]->hash.len, 32);
                        memcpy(out->hash[out->n++], response->state_hash->rows[i]->hash.data, 32);
                }
                if (total)
                        memcpy(out->total, response->state_hash->total.data, 32);
        } while (response->state_hash->more);
        return 0;
}

/* How many of the second are not the same in the first. */
static size_t differing(const struct hashes *a, const struct hashes *b)
{
        size_t n = 0;

        assert_int_equal(a->n, b->n);
        for (size_t i = 0; i < a->n; i++)
                n += a->id[i] != b->id[i] || memcmp(a->hash[i], b->hash[i], 32) != 0;
        return n;
}

static void take_right(struct caller *co, const char *user, bool back)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetUserRightsRequest in = CHSM__SET_USER_RIGHTS_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        in.mask = 1;
        in.rights = back;
        r.set_user_rights = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_USER_RIGHTS;
        assert_int_equal(ask(co, &r)->status, 0);
}

static void a_users_digest_follows_his_record(void **state)
{
        static struct hashes before, after;
        struct caller co = caller_co(*state), guess = caller_new(*state);
        uint8_t total[32];

        assert_int_equal(ask_hashes(&co, USERS, 0, false, &before), 0);
        assert_int_equal(before.n, 4); /* admin, app_user, cu1, cu2 */
        hsm_restart(*state);
        assert_int_equal(ask_hashes(&co, USERS, 0, false, &after), 0);
        assert_int_equal(differing(&before, &after), 0);
        assert_int_equal(ask_hashes(&co, USERS, 0, true, &after), 0);
        memcpy(total, after.total, 32);
        assert_int_equal(caller_login(&guess, 1, "cu1", "guess1234"),
                         CKR_PIN_INCORRECT); /* each node's own count */
        assert_int_equal(ask_hashes(&co, USERS, 0, true, &after), 0);
        assert_memory_equal(total, after.total, 32);
        take_right(&co, "cu1", false);
        assert_int_equal(ask_hashes(&co, USERS, 0, false, &after), 0);
        assert_int_equal(differing(&before, &after), 1);
        assert_int_equal(ask_hashes(&co, USERS, 0, true, &after), 0);
        assert_memory_not_equal(total, after.total, 32);
        take_right(&co, "cu1", true);
        assert_int_equal(ask_hashes(&co, USERS, 3, false, &after), 0);
        assert_int_equal(after.n, 1);
        assert_memory_equal(after.hash[0], before.hash[2], 32);
}

static void a_keys_digest_follows_all_that_is_stored_of_it(void **state)
{
        static struct hashes before, after;
        struct caller co = caller_co(*state), cu1 = caller_cu(*state, "cu1"), cu2 = caller_cu(*state, "cu2");
        struct named keys[300];

        for (size_t i = 0; i < 300; i++) /* more than one page */
                assert_int_equal(make_aes(&cu1, true, NULL, &keys[i]), 0);
        assert_int_equal(ask_hashes(&co, KEYS, 0, false, &before), 0);
        assert_int_equal(before.n, 300);
        assert_int_equal(ask_hashes(&co, KEYS, 0, true, &before), 0);
        assert_int_equal(ask_hashes(&co, KEYS, 0, false, &before), 0);
        for (size_t i = 1; i < 300; i++)
                assert_memory_not_equal(before.hash[i], before.hash[0], 32);
        hsm_restart(*state);
        assert_int_equal(ask_hashes(&co, KEYS, 0, false, &after), 0);
        assert_int_equal(differing(&before, &after), 0);
        assert_int_equal(share_object(&cu1, &keys[7], cu2.user_id, true), 0);
        assert_int_equal(set_bool(&co, &keys[280], CKA_TRUSTED, true), 0);
        assert_int_equal(ask_hashes(&co, KEYS, 0, false, &after), 0);
        assert_int_equal(differing(&before, &after), 2);
        assert_int_equal(ask_hashes(&co, KEYS, keys[8].ref.handle, false, &after), 0);
        assert_int_equal(after.n, 1);
        assert_memory_equal(after.hash[0], before.hash[8], 32);
}

static void what_is_refused(void **state)
{
        static struct hashes out;
        struct caller co = caller_co(*state), cu = caller_cu(*state, "cu1");

        assert_int_equal(ask_hashes(&co, 3, 0, false, &out), CKR_ARGUMENTS_BAD);
        assert_int_equal(ask_hashes(&co, USERS, 99, false, &out), CKR_FUNCTION_REJECTED);
        assert_int_equal(ask_hashes(&co, KEYS, 99, false, &out), CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(ask_hashes(&co, KEYS, UINT64_C(1) << 32, false, &out), CKR_ARGUMENTS_BAD);
        assert_int_equal(ask_hashes(&cu, KEYS, 0, false, &out), CKR_FUNCTION_REJECTED);
        assert_int_equal(ask_hashes(&cu, USERS, 0, false, &out), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_users_digest_follows_his_record),
                cmocka_unit_test(a_keys_digest_follows_all_that_is_stored_of_it),
                cmocka_unit_test(what_is_refused),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
