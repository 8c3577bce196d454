/* The owner lets an officer in: what a challenge is bound to, and what can be done then. spec/semantics.md 5.
 */
#include "crypto/mechanism.h"
#include "hsm.h"
#include "vault/vault.h"

#define MINUTE (60 * 1000)

static int begin(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h);

        assert_int_equal(caller_create_user(&co, 2, "second", "second1234"), 0);
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

struct proof {
        uint8_t p[256];
        size_t n;
};

static struct proof signed_by_owner(struct hsm *h, const char *officer)
{
        struct caller anybody = caller_new(h);
        struct proof out;

        out.n = hsm_owner_signs(&anybody, officer, out.p);
        return out;
}

/* The caller has the ticket when it worked. */
static uint32_t unlock(struct caller *c, const char *officer, const struct proof *proof)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnlockOfficerRequest in = CHSM__UNLOCK_OFFICER_REQUEST__INIT;
        const Chsm__Response *response;

        in.user = (char *)(uintptr_t)officer;
        in.signature = (ProtobufCBinaryData){ proof->n, (uint8_t *)(uintptr_t)proof->p };
        r.unlock_officer = &in;
        r.body_case = CHSM__REQUEST__BODY_UNLOCK_OFFICER;
        response = ask(c, &r);
        if (response->status == 0) {
                assert_true(response->login->ticket.len <= sizeof(c->ticket));
                c->ticket_n = response->login->ticket.len;
                memcpy(c->ticket, response->login->ticket.data, c->ticket_n);
                c->user_id = response->login->user_id;
        }
        return response->status;
}

static uint32_t change_password(struct caller *c, uint32_t role, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = role;
        in.user = (char *)(uintptr_t)user;
        in.password = (ProtobufCBinaryData){ strlen(password), (uint8_t *)(uintptr_t)password };
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        return ask(c, &r)->status;
}

static void lock(struct hsm *h, const char *officer)
{
        struct caller guess = caller_new(h);

        for (int i = 0; i < 5; i++)
                assert_int_equal(caller_login(&guess, 2, officer, "guess1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&guess, 2, officer, "guess1234"), CKR_PIN_LOCKED);
}

static void a_challenge_is_the_partitions_and_says_what_it_is_for(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_new(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetChallengeRequest in = CHSM__GET_CHALLENGE_REQUEST__INIT;
        const Chsm__ChallengeResponse *one;
        uint8_t first[176];

        in.user = (char *)(uintptr_t) "ADMIN";
        r.get_challenge = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_CHALLENGE;
        assert_int_equal(ask(&c, &r)->status, 0);
        one = ask(&c, &r)->challenge;
        assert_int_equal(one->challenge.len, 176);
        assert_int_equal(one->signature.len, 256);
        assert_memory_equal(one->challenge.data, "chsm: the owner of a partition", 30);
        assert_memory_equal(one->challenge.data + 64, vault_partition_id(h->vault).p, 16);
        assert_memory_equal(one->challenge.data + 80, "\0\0\0\1\0\0\0\1admin", 13); /* node, id, name */
        assert_in_range(one->expires_ms - h->wall_ms, 30 * MINUTE, 60 * MINUTE);
        memcpy(first, one->challenge.data, sizeof(first));
        assert_memory_equal(ask(&c, &r)->challenge->challenge.data, first,
                            sizeof(first)); /* nobody pushes it out */
        in.user = (char *)(uintptr_t) "cu1";
        assert_int_equal(ask(&c, &r)->status, CKR_USER_TYPE_INVALID);
        in.user = (char *)(uintptr_t) "nobody";
        assert_int_equal(ask(&c, &r)->status, CKR_FUNCTION_REJECTED);
}

static void a_locked_officer_is_let_in_and_changes_his_password(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_new(h), before = caller_co(h);
        struct proof proof;

        lock(h, "admin");
        proof = signed_by_owner(h, "admin");
        hsm_restart(h); /* nothing was kept, so nothing is lost */
        assert_int_equal(unlock(&c, "Admin", &proof), 0);
        /* His logins have ended, and this one is for his own password only. */
        assert_int_equal(caller_create_user(&before, 1, "cu8", "user1234"), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_create_user(&c, 1, "cu8", "user1234"), CKR_FUNCTION_REJECTED);
        assert_non_null(strstr(h->detail, "only changePswd is possible"));
        assert_int_equal(caller_set_policy(&c, "wrap_strength", "2"), CKR_FUNCTION_REJECTED);
        assert_int_equal(change_password(&c, 2, "second", "stolen123"), CKR_FUNCTION_REJECTED);
        assert_int_equal(change_password(&c, 1, "cu1", "stolen123"), CKR_FUNCTION_REJECTED);
        assert_int_equal(change_password(&c, 2, "admin", "short"), CKR_PIN_LEN_RANGE);
        assert_int_equal(change_password(&c, 2, "admin", "again12345"), 0);
        assert_int_equal(change_password(&c, 2, "admin", "again12346"), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_login(&c, 2, "admin", "again12345"), 0);
        assert_int_equal(change_password(&c, 2, "admin", "admin1234"), 0);
}

/* The failures are reset: who remembers his password needs no new one. */
static void let_in_he_may_keep_his_password(void **state)
{
        struct caller c = caller_new(*state);
        struct proof proof;

        lock(*state, "admin");
        proof = signed_by_owner(*state, "admin");
        assert_int_equal(unlock(&c, "admin", &proof), 0);
        assert_int_equal(caller_login(&c, 2, "admin", "admin1234"), 0);
}

static void a_signature_lets_in_once(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_new(h), again = caller_new(h);
        struct proof proof = signed_by_owner(h, "admin");

        assert_int_equal(unlock(&c, "admin", &proof), 0);
        assert_int_equal(unlock(&again, "admin", &proof), CKR_SIGNATURE_INVALID);
        hsm_restart(h);
        assert_int_equal(unlock(&again, "admin", &proof), CKR_SIGNATURE_INVALID);
        proof = signed_by_owner(h, "admin");
        assert_int_equal(unlock(&again, "admin", &proof), 0);
        assert_int_equal(change_password(&c, 2, "admin", "admin1234"), 0);
        assert_int_equal(change_password(&again, 2, "admin", "stale12345"), CKR_USER_NOT_LOGGED_IN);
}

static void a_signature_is_for_one_officer(void **state)
{
        struct caller c = caller_new(*state);
        struct proof proof = signed_by_owner(*state, "second");

        assert_int_equal(unlock(&c, "admin", &proof), CKR_SIGNATURE_INVALID);
        assert_int_equal(unlock(&c, "cu1", &proof), CKR_USER_TYPE_INVALID);
        assert_int_equal(unlock(&c, "nobody", &proof), CKR_FUNCTION_REJECTED);
        assert_int_equal(unlock(&c, "second", &proof), 0);
}

static void only_the_owners_signature_counts(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_new(h);
        struct proof good = signed_by_owner(h, "admin"), bad = { .n = 256 };
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetChallengeRequest in = CHSM__GET_CHALLENGE_REQUEST__INIT;

        in.user = (char *)(uintptr_t) "admin";
        r.get_challenge = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_CHALLENGE;
        memcpy(bad.p, ask(&c, &r)->challenge->signature.data, 256); /* the partition's own */
        assert_int_equal(unlock(&c, "admin", &bad), CKR_SIGNATURE_INVALID);
        for (size_t i = 0; i < 256; i += 17) {
                bad = good;
                bad.p[i] ^= 1;
                assert_int_equal(unlock(&c, "admin", &bad), CKR_SIGNATURE_INVALID);
        }
        bad = good;
        bad.n = 255;
        assert_int_equal(unlock(&c, "admin", &bad), CKR_SIGNATURE_INVALID);
        bad.n = 0;
        assert_int_equal(unlock(&c, "admin", &bad), CKR_SIGNATURE_INVALID);
        assert_int_equal(unlock(&c, "admin", &good), 0); /* wrong ones have not used it up */
}

static void a_challenge_ends_with_its_time(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_new(h);
        struct proof proof = signed_by_owner(h, "admin");

        h->wall_ms += 30 * MINUTE;
        assert_int_equal(unlock(&c, "admin", &proof), 0);
        proof = signed_by_owner(h, "admin");
        h->wall_ms += 60 * MINUTE;
        c = caller_new(h);
        assert_int_equal(unlock(&c, "admin", &proof), CKR_SIGNATURE_INVALID);
        proof = signed_by_owner(h, "admin");
        assert_int_equal(unlock(&c, "admin", &proof), 0);
        h->wall_ms += 11 * MINUTE; /* and the ticket with its own */
        assert_int_equal(change_password(&c, 2, "admin", "admin1234"), CKR_USER_NOT_LOGGED_IN);
}

static void a_new_password_ends_a_challenge(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_new(h), co = caller_co(h);
        struct proof proof = signed_by_owner(h, "second");

        assert_int_equal(change_password(&co, 2, "second", "second1235"), 0);
        assert_int_equal(unlock(&c, "second", &proof), CKR_SIGNATURE_INVALID);
        proof = signed_by_owner(h, "second");
        lock(h, "second"); /* whoever locks him does not spoil it */
        assert_int_equal(unlock(&c, "second", &proof), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_challenge_is_the_partitions_and_says_what_it_is_for),
                cmocka_unit_test(a_locked_officer_is_let_in_and_changes_his_password),
                cmocka_unit_test(let_in_he_may_keep_his_password),
                cmocka_unit_test(a_signature_lets_in_once),
                cmocka_unit_test(a_signature_is_for_one_officer),
                cmocka_unit_test(only_the_owners_signature_counts),
                cmocka_unit_test(a_challenge_ends_with_its_time),
                cmocka_unit_test(a_new_password_ends_a_challenge),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
