/* The second factor of a login: no password alone, and each challenge once, for its user, purpose,
 * application and time. */
#include "people.h"

enum mode { REGISTER = 1, SET, UPDATE, RESET, DEREGISTER };

struct challenge {
        uint8_t p[256], digest[32];
        size_t n;
};

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

static struct challenge challenge(struct caller *c, uint32_t role, const char *user, uint32_t purpose)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__AuthChallengeRequest in = CHSM__AUTH_CHALLENGE_REQUEST__INIT;
        const Chsm__Response *response;
        struct challenge out;

        in.role = role;
        in.user = (char *)(uintptr_t)user;
        in.purpose = purpose;
        r.auth_challenge = &in;
        r.body_case = CHSM__REQUEST__BODY_AUTH_CHALLENGE;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        out.n = response->auth_challenge->challenge.len;
        assert_true(out.n <= sizeof(out.p));
        memcpy(out.p, response->auth_challenge->challenge.data, out.n);
        assert_int_equal(response->auth_challenge->digest.len, 32);
        memcpy(out.digest, response->auth_challenge->digest.data, 32);
        return out;
}

static uint32_t login(struct caller *c, uint32_t role, const char *user, const char *password,
                      const struct challenge *ch, int person)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__LoginRequest in = CHSM__LOGIN_REQUEST__INIT;
        struct given signature = person_sign_digest(person, ch->digest);
        const Chsm__Response *response;

        in.role = role;
        in.user = (char *)(uintptr_t)user;
        in.password = (ProtobufCBinaryData){ strlen(password), (uint8_t *)(uintptr_t)password };
        in.challenge = (ProtobufCBinaryData){ ch->n, (uint8_t *)(uintptr_t)ch->p };
        in.signature = (ProtobufCBinaryData){ signature.n, signature.p };
        r.login = &in;
        r.body_case = CHSM__REQUEST__BODY_LOGIN;
        c->ticket_n = 0;
        response = ask(c, &r);
        if (response->status == 0) {
                memcpy(c->ticket, response->login->ticket.data, response->login->ticket.len);
                c->ticket_n = response->login->ticket.len;
        }
        return response->status;
}

static uint32_t fresh_login(struct caller *c, uint32_t role, const char *user, const char *password,
                            int person)
{
        struct challenge ch;

        c->ticket_n = 0; /* it may have ended */
        ch = challenge(c, role, user, 0);
        return login(c, role, user, password, &ch, person);
}

/* person -1: no key; signer: with whose key the digest is signed. */
static uint32_t set_key(struct caller *c, enum mode mode, uint32_t role, const char *user, int person,
                        int signer)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetAuthKeyRequest in = CHSM__SET_AUTH_KEY_REQUEST__INIT;
        Chsm__SecondFactor factor = CHSM__SECOND_FACTOR__INIT;
        struct challenge ch = challenge(c, role, user, 1);
        struct given signature;

        in.mode = mode;
        in.role = role;
        in.user = (char *)(uintptr_t)user;
        if (person >= 0) {
                signature = person_sign_digest(signer, ch.digest);
                factor.public_key =
                    (ProtobufCBinaryData){ person_pem(person).n, (uint8_t *)(uintptr_t)person_pem(person).p };
                factor.challenge = (ProtobufCBinaryData){ ch.n, ch.p };
                factor.signature = (ProtobufCBinaryData){ signature.n, signature.p };
                in.factor = &factor;
        }
        r.set_auth_key = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_AUTH_KEY;
        return ask(c, &r)->status;
}

static size_t count_keys(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ListAuthKeysRequest in = CHSM__LIST_AUTH_KEYS_REQUEST__INIT;
        const Chsm__Response *response;

        r.list_auth_keys = &in;
        r.body_case = CHSM__REQUEST__BODY_LIST_AUTH_KEYS;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        return response->list_auth_keys->n_keys;
}

static void a_password_alone_is_not_enough(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_new(h), old = caller_cu(h, "cu1");
        struct attributes wanted = { .n = 0 };

        assert_int_equal(count_keys(&c), 0);
        assert_int_equal(set_key(&co, REGISTER, 1, "cu1", 0, 0), 0);
        assert_int_equal(count_keys(&c), 1);
        {
                Chsm__Request r = CHSM__REQUEST__INIT;
                Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;

                r.find_objects = &in;
                r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
                assert_int_equal(ask(&old, &r)->status, CKR_USER_NOT_LOGGED_IN); /* it had less to show */
        }
        assert_int_equal(caller_login(&c, 1, "cu1", "user1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_login(&c, 1, "cu1", "wrong123"), CKR_FUNCTION_REJECTED); /* tells nothing */
        for (int i = 0; i < 7; i++) /* and counts nothing: nobody is locked out so */
                assert_int_equal(caller_login(&c, 1, "cu1", "wrong123"), CKR_FUNCTION_REJECTED);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), 0);
        assert_int_equal(count_objects(&c, &wanted), 0);
        hsm_restart(h);
        assert_int_equal(caller_login(&c, 1, "cu1", "user1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(fresh_login(&c, 1, "CU1", "user1234", 0), 0);
        assert_int_equal(caller_login(&c, 1, "cu2", "user1234"), 0); /* others as before */
}

static void wrong_factors_look_like_wrong_passwords(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_new(h);

        assert_int_equal(set_key(&co, REGISTER, 1, "cu1", 0, 0), 0);
        assert_int_equal(fresh_login(&c, 1, "cu1", "wrong123", 0), CKR_PIN_INCORRECT);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 1), CKR_PIN_INCORRECT);
        assert_int_equal(fresh_login(&c, 1, "cu1", "", 1), CKR_PIN_INCORRECT);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), 0); /* counts anew */
        for (int i = 0; i < 5; i++)
                assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 1), CKR_PIN_INCORRECT);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), CKR_PIN_LOCKED);
        assert_int_equal(fresh_login(&c, 1, "nobody", "user1234", 0), CKR_PIN_INCORRECT);
}

static void a_challenge_is_used_once(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_new(h), other = caller_new(h);
        struct challenge ch, altered;

        assert_int_equal(set_key(&co, REGISTER, 1, "cu1", 0, 0), 0);
        assert_int_equal(set_key(&co, REGISTER, 1, "cu2", 1, 1), 0);
        ch = challenge(&c, 1, "cu1", 0);
        assert_int_equal(login(&other, 1, "cu1", "user1234", &ch, 0),
                         CKR_FUNCTION_REJECTED); /* another application */
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0), 0);
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0), CKR_FUNCTION_REJECTED);
        hsm_restart(h);
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0), CKR_FUNCTION_REJECTED);
        ch = challenge(&c, 1, "cu1", 0); /* a wrong password uses it up too */
        assert_int_equal(login(&c, 1, "cu1", "wrong123", &ch, 0), CKR_PIN_INCORRECT);
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0), CKR_FUNCTION_REJECTED);
        ch = challenge(&c, 1, "cu1", 0);
        assert_int_equal(login(&c, 1, "cu2", "user1234", &ch, 1), CKR_FUNCTION_REJECTED); /* another user */
        ch = challenge(&c, 1, "cu1", 1);
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0),
                         CKR_FUNCTION_REJECTED); /* to register a key */
        ch = challenge(&c, 1, "cu1", 0);
        for (size_t i = 0; i < ch.n; i += 5) {
                altered = ch;
                altered.p[i] ^= 1;
                assert_int_equal(login(&c, 1, "cu1", "user1234", &altered, 0), CKR_FUNCTION_REJECTED);
        }
        h->wall_ms += 5 * 60 * 1000 - 1;
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0), 0);
        ch = challenge(&c, 1, "cu1", 0);
        h->wall_ms += 5 * 60 * 1000;
        assert_int_equal(login(&c, 1, "cu1", "user1234", &ch, 0), CKR_FUNCTION_REJECTED);
}

static void keys_are_set_by_who_may(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");

        assert_int_equal(set_key(&other, REGISTER, 1, "cu1", 0, 0), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_key(&c, REGISTER, 1, "cu1", 0, 1),
                         CKR_SIGNATURE_INVALID); /* he does not have it */
        assert_int_equal(set_key(&c, REGISTER, 1, "cu1", -1, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, UPDATE, 1, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, RESET, 1, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, DEREGISTER, 1, "cu1", -1, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, (enum mode)0, 1, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, (enum mode)6, 1, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&co, RESET, 1, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&co, REGISTER, 5, "app_user", 0, 0), CKR_USER_TYPE_INVALID);
        assert_int_equal(set_key(&co, REGISTER, 1, "nobody", 0, 0), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_key(&c, REGISTER, 1, "cu1", 0, 0), 0);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), 0);
        assert_int_equal(set_key(&c, REGISTER, 1, "cu1", 1, 1), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&co, UPDATE, 1, "cu1", 1, 1), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, UPDATE, 1, "cu1", 1, 1), 0);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), CKR_PIN_INCORRECT);
        assert_int_equal(set_key(&co, RESET, 1, "cu1", 2, 2), 0); /* a lost key */
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 2), 0);
        assert_int_equal(set_key(&co, SET, 1, "cu1", 3, 3), 0);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 3), 0);
        assert_int_equal(set_key(&c, DEREGISTER, 1, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_key(&c, DEREGISTER, 1, "cu1", -1, 0), 0);
        assert_int_equal(caller_login(&c, 1, "cu1", "user1234"), 0);
        assert_int_equal(count_keys(&c), 0);
}

static void who_closed_his_account_keeps_his_key(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1");
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DisableUserAccessRequest in = CHSM__DISABLE_USER_ACCESS_REQUEST__INIT;

        assert_int_equal(set_key(&c, REGISTER, 1, "cu1", 0, 0), 0);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), 0);
        in.user = (char *)(uintptr_t) "cu1";
        r.disable_user_access = &in;
        r.body_case = CHSM__REQUEST__BODY_DISABLE_USER_ACCESS;
        assert_int_equal(ask(&c, &r)->status, 0);
        for (int mode = SET; mode <= DEREGISTER; mode++)
                assert_int_equal(set_key(&co, (enum mode)mode, 1, "cu1", mode == DEREGISTER ? -1 : 1, 1),
                                 CKR_FUNCTION_REJECTED);
        assert_int_equal(fresh_login(&c, 1, "cu1", "user1234", 0), 0);
}

static void another_s_factor_needs_the_quorum(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), second;
        const struct approval two[] = { { "admin", 2, 0 }, { "co2", 2, 1 } };

        assert_int_equal(caller_create_user(&co, 2, "co2", "admin1234"), 0);
        second = caller_new(h);
        assert_int_equal(caller_login(&second, 2, "co2", "admin1234"), 0);
        assert_int_equal(register_key(&co, 2, "admin", 0, -1), 0);
        assert_int_equal(register_key(&second, 2, "co2", 1, -1), 0);
        assert_int_equal(set_m(&co, 3, 2), 0);
        assert_int_equal(set_key(&co, REGISTER, 1, "cu1", 2, 2), CKR_FUNCTION_REJECTED);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(set_key(&co, REGISTER, 1, "cu1", 2, 2), 0);
        assert_int_equal(set_key(&co, DEREGISTER, 1, "cu1", -1, 0), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_key(&co, REGISTER, 2, "admin", 0, 0), 0); /* his own */
}

/* As documented: the same key for both, and a new password. */
static void a_new_password_drops_a_shared_quorum_key(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1"), d = caller_cu(h, "cu2");

        assert_int_equal(register_key(&c, 1, "cu1", 0, -1), 0);
        assert_int_equal(register_key(&d, 1, "cu2", 1, -1), 0);
        assert_int_equal(set_key(&co, REGISTER, 1, "cu1", 0, 0), 0);
        assert_int_equal(set_key(&co, REGISTER, 1, "cu2", 2, 2), 0);
        assert_int_equal(change_password(&co, 1, "cu1", "other123"), 0);
        assert_int_equal(change_password(&co, 1, "cu2", "other123"), 0);
        assert_int_equal(fresh_login(&c, 1, "cu1", "other123", 0), 0); /* the factor stays */
        assert_int_equal(fresh_login(&d, 1, "cu2", "other123", 2), 0);
        assert_int_equal(register_key(&c, 1, "cu1", 3, -1), 0);                     /* he has none */
        assert_int_equal(register_key(&d, 1, "cu2", 3, -1), CKR_FUNCTION_REJECTED); /* he has one */
}

static void users_can_be_born_with_one(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_new(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateUserRequest in = CHSM__CREATE_USER_REQUEST__INIT;
        Chsm__SecondFactor factor = CHSM__SECOND_FACTOR__INIT;
        struct challenge ch = challenge(&co, 1, "cu9", 1);
        struct given signature = person_sign_digest(1, ch.digest);

        in.role = 1;
        in.user = (char *)(uintptr_t) "cu9";
        in.password = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t) "user1234" };
        in.factor = &factor;
        factor.public_key = (ProtobufCBinaryData){ person_pem(0).n, (uint8_t *)(uintptr_t)person_pem(0).p };
        factor.challenge = (ProtobufCBinaryData){ ch.n, ch.p };
        factor.signature = (ProtobufCBinaryData){ signature.n, signature.p };
        r.create_user = &in;
        r.body_case = CHSM__REQUEST__BODY_CREATE_USER;
        assert_int_equal(ask(&co, &r)->status, CKR_SIGNATURE_INVALID);
        signature = person_sign_digest(0, ch.digest);
        assert_int_equal(ask(&co, &r)->status, 0); /* what was refused has used nothing up */
        assert_int_equal(caller_login(&c, 1, "cu9", "user1234"), CKR_FUNCTION_REJECTED);
        assert_int_equal(fresh_login(&c, 1, "cu9", "user1234", 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_password_alone_is_not_enough),
                TEST(wrong_factors_look_like_wrong_passwords),
                TEST(a_challenge_is_used_once),
                TEST(keys_are_set_by_who_may),
                TEST(who_closed_his_account_keeps_his_key),
                TEST(another_s_factor_needs_the_quorum),
                TEST(a_new_password_drops_a_shared_quorum_key),
                TEST(users_can_be_born_with_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
