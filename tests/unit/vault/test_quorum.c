/* Officers' quorum: nothing is done without the approvals it needs, and no token is spent twice, after its
 * time, by another login, or for another service or user. */
#include "people.h"

#include <pthread.h>

#define REJECTED CKR_FUNCTION_REJECTED

static const struct approval two[] = { { "admin", 2, 0 }, { "co2", 2, 1 } };

/* Officers admin, co2 and co3, whose keys are those of persons 0, 1 and 2; two approvals for USER_MGMT and
 * MISC_CO. */
static int begin(void **state)
{
        static const char *const names[] = { "admin", "co2", "co3" };
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h);

        for (int i = 0; i < 3; i++) {
                struct caller c = caller_new(h);

                if (i)
                        assert_int_equal(caller_create_user(&co, 2, names[i], "admin1234"), 0);
                assert_int_equal(caller_login(&c, 2, names[i], "admin1234"), 0);
                assert_int_equal(register_key(&c, 2, names[i], i, -1), 0);
        }
        assert_int_equal(set_m(&co, 4, 2), 0);
        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(set_m(&co, 3, 2), 0);
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static struct caller officer(struct hsm *h, const char *name)
{
        struct caller c = caller_new(h);

        assert_int_equal(caller_login(&c, 2, name, "admin1234"), 0);
        return c;
}

static uint32_t make(struct caller *c, const char *name)
{
        return caller_create_user(c, 1, name, "user1234");
}

static void off_by_default(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller co = caller_co(h);
        uint32_t m = 0;

        (void)state;
        for (uint32_t service = 3; service < 7; service++) {
                assert_int_equal(get_m(&co, service, &m), 0);
                assert_int_equal(m, 1);
        }
        assert_int_equal(get_m(&co, 1, &m), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_m(&co, 7, &m), CKR_ARGUMENTS_BAD);
        assert_int_equal(make(&co, "cu9"), 0);
        hsm_free(h);
}

static void values_have_bounds(void **state)
{
        struct caller co = caller_co(*state);
        uint32_t m = 0;

        assert_int_equal(get_m(&co, 3, &m), 0);
        assert_int_equal(m, 2);
        assert_int_equal(set_m(&co, 3, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_m(&co, 3, 4), CKR_ARGUMENTS_BAD); /* there are three officers */
        assert_int_equal(set_m(&co, 3, 9), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_m(&co, 1, 2), CKR_ARGUMENTS_BAD); /* of keys */
        assert_int_equal(set_m(&co, 0, 2), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_m(&co, 3, 2), 0);        /* as it is */
        assert_int_equal(set_m(&co, 3, 3), REJECTED); /* changing needs two now */
        assert_int_equal(set_m(&co, 3, 1), REJECTED);
        assert_int_equal(set_timeout(&co, 60), REJECTED);
        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(set_m(&co, 3, 3), 0);
        assert_int_equal(set_m(&co, 3, 2), REJECTED);
}

static void each_command_of_the_service_asks(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu2");

        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(delete_user(&co, 1, "cu2"), REJECTED);
        assert_int_equal(change_password(&co, 1, "cu2", "other1234"), REJECTED);
        assert_int_equal(change_password(&co, 2, "co2", "other1234"), REJECTED);
        assert_int_equal(change_password(&cu, 1, "cu2", "other1234"), 0); /* his own */
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(delete_user(&co, 1, "cu2"), 0);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(change_password(&co, 1, "cu1", "other1234"), 0);
        assert_int_equal(change_password(&co, 2, "admin", "other1234"), 0); /* his own */
}

static void a_token_is_spent_once(void **state)
{
        struct caller co = caller_co(*state);
        uint32_t held = 0;

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(count_tokens(&co, &held), 1);
        assert_int_equal(held, 2);
        assert_int_equal(make(&co, "cu9"), 0);
        assert_int_equal(count_tokens(&co, &held), 0);
        assert_int_equal(make(&co, "cu8"), REJECTED);
        hsm_restart(*state);
        assert_int_equal(make(&co, "cu8"), REJECTED);
}

/* What was refused, or changed nothing, has spent nothing. */
static void only_what_is_done_is_paid_for(void **state)
{
        struct caller co = caller_co(*state);

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_not_equal(caller_create_user(&co, 1, "with space", "user1234"), 0);
        assert_int_equal(delete_user(&co, 1, "nobody"), REJECTED);
        assert_int_equal(make(&co, "cu1"), 0); /* the same again: it is there */
        assert_int_equal(count_tokens(&co, NULL), 1);
        assert_int_equal(make(&co, "cu9"), 0);
        assert_int_equal(count_tokens(&co, NULL), 0);
}

static void approvals_must_be_enough_and_true(void **state)
{
        struct caller co = caller_co(*state);
        const struct approval one[] = { { "admin", 2, 0 } },
                              same[] = { { "admin", 2, 0 }, { "ADMIN", 2, 0 } },
                              wrong[] = { { "admin", 2, 0 }, { "co2", 2, 2 } }, cu[] = { { "cu1", 1, 1 } },
                              type[] = { { "co2", 1, 1 } };
        struct token_file file = { .n = 0 }, other = { .n = 0 };
        uint32_t held = 9;

        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(approve(&co, &file, one, 1), 0);
        assert_int_equal(approve(&co, &file, one, 1), 0); /* again: still one */
        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(approve(&co, &file, same, 2), CKR_ARGUMENTS_BAD);
        assert_int_equal(approve(&co, &file, wrong, 2), REJECTED);
        assert_int_equal(approve(&co, &file, cu, 1), REJECTED);
        assert_int_equal(approve(&co, &file, type, 1), REJECTED);
        assert_int_equal(approve(&co, &file, one, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(count_tokens(&co, &held), 1);
        assert_int_equal(held, 1);
        /* A token that is not signed for: the file differs. */
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &other), 0);
        other.p[other.n++] = '\n';
        assert_int_equal(approve(&co, &other, two, 2), CKR_ARGUMENTS_BAD);
        assert_int_equal(approve(&co, &file, &two[1], 1), 0); /* the second one, later */
        assert_int_equal(make(&co, "cu9"), 0);
}

static void a_file_is_tokens_and_nothing_else(void **state)
{
        struct caller co = caller_co(*state);
        struct token_file file = { .n = 0 }, altered, second = { .n = 0 };

        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        for (size_t i = 0; i < file.n; i += 7) { /* signed as altered: no token of ours is in it */
                altered = file;
                altered.p[i] ^= 1;
                assert_int_not_equal(approve(&co, &altered, two, 2), 0);
        }
        altered = file;
        memmove(altered.p + 6, altered.p, altered.n);
        memcpy(altered.p, "words\n", 6);
        altered.n += 6;
        assert_int_equal(approve(&co, &altered, two, 2), CKR_ARGUMENTS_BAD);
        altered.n = 0;
        assert_int_equal(approve(&co, &altered, two, 2), CKR_ARGUMENTS_BAD);
        second = file; /* who signs approves one operation, not two */
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &second), 0);
        assert_int_equal(approve(&co, &second, two, 2), REJECTED);
        assert_int_equal(make(&co, "cu7"), REJECTED);
        assert_int_equal(approve(&co, &file, two, 2), 0);
        assert_int_equal(make(&co, "cu7"), 0);
        assert_int_equal(make(&co, "cu8"), REJECTED);
}

static void a_token_ends_with_its_time(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct token_file file = { .n = 0 };

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        h->wall_ms += 600 * 1000 - 1;
        assert_int_equal(make(&co, "cu8"), 0);
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        h->wall_ms += 600 * 1000;
        assert_int_equal(approve(&co, &file, two, 2), REJECTED);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        h->wall_ms += 600 * 1000;
        assert_int_equal(make(&co, "cu9"), REJECTED); /* approved and all */
        assert_int_equal(count_tokens(&co, NULL), 0);
        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(set_timeout(&co, 29), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_timeout(&co, 86401), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_timeout(&co, 30), 0);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        h->wall_ms += 30 * 1000;
        assert_int_equal(make(&co, "cu9"), REJECTED);
}

static void a_token_is_one_logins(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), again = caller_co(h), other = officer(h, "co2"), same = co;
        struct token_file file = { .n = 0 };

        assert_int_equal(get_token(&co, 3, "co2", 0, NULL, &file), REJECTED); /* for who is logged in */
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        assert_int_equal(approve(&other, &file, two, 2), REJECTED);
        assert_int_equal(approve(&again, &file, two, 2), REJECTED);
        assert_int_equal(approve(&co, &file, two, 2), 0);
        assert_int_equal(make(&other, "cu9"), REJECTED);
        assert_int_equal(make(&again, "cu9"), REJECTED);
        assert_int_equal(caller_login(&same, 2, "admin", "admin1234"), 0); /* the same application, later */
        assert_int_equal(make(&same, "cu9"), REJECTED);
        hsm_restart(h);
        assert_int_equal(make(&co, "cu9"), 0); /* the login outlives the node, and so does its token */
}

static void a_token_is_of_one_service_and_user(void **state)
{
        struct caller co = caller_co(*state);
        struct token_file file = { .n = 0 };

        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(set_m(&co, 3, 1), 0); /* with that of service 4 */
        assert_int_equal(set_m(&co, 3, 2), REJECTED);
        assert_int_equal(count_tokens(&co, NULL), 1);
        assert_int_equal(make(&co, "cu9"), 0); /* free now: nothing is spent */
        assert_int_equal(count_tokens(&co, NULL), 1);
        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(set_m(&co, 3, 2), 0);
        assert_int_equal(make(&co, "cu8"), 0);
        /* Bound to a user. */
        assert_int_equal(get_token(&co, 3, "admin", 0, "Cu6", &file), 0);
        assert_int_equal(approve(&co, &file, two, 2), 0);
        assert_int_equal(make(&co, "cu5"), REJECTED);
        assert_int_equal(delete_user(&co, 1, "cu1"), REJECTED);
        assert_int_equal(make(&co, "CU6"), 0);
        assert_int_equal(get_token(&co, 4, "admin", 0, "cu6", &file), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_token(&co, 3, "admin", 7, NULL, &file), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_token(&co, 9, "admin", 0, NULL, &file), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_token(&co, 1, "admin", 7, NULL, &file), REJECTED); /* of crypto users */
}

/* ---- what changes between approval and use ---- */

static void a_changed_key_takes_its_approval_back(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), second = officer(h, "co2");
        uint32_t held = 0;

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(register_key(&second, 2, "co2", 3, -1), REJECTED); /* without the present key */
        assert_int_equal(register_key(&second, 2, "co2", 3, 4), REJECTED);  /* nor with another */
        assert_int_equal(register_key(&second, 2, "co2", 3, 1), 0);
        assert_int_equal(count_tokens(&co, &held), 1);
        assert_int_equal(held, 1);
        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(register_key(&second, 2, "co2", 1, 3), 0);
        assert_int_equal(make(&co, "cu9"), 0);
}

static void a_deleted_approver_does_not_count(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), third = officer(h, "co3");
        const struct approval others[] = { { "co3", 2, 2 }, { "admin", 2, 0 } };

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(approved_token(&third, 3, "co3", 0, others, 2), 0);
        assert_int_equal(delete_user(&third, 2, "co2"), 0);
        assert_int_equal(make(&co, "cu9"), REJECTED);
        /* Somebody of the same name is somebody else, even with the same key. */
        assert_int_equal(approved_token(&third, 3, "co3", 0, others, 2), 0);
        assert_int_equal(caller_create_user(&third, 2, "co2", "admin1234"), 0);
        {
                struct caller fresh = officer(h, "co2");
                assert_int_equal(register_key(&fresh, 2, "co2", 1, -1), 0);
        }
        assert_int_equal(make(&co, "cu9"), REJECTED);
}

static void a_locked_approver_does_not_count(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), guess = caller_new(h), third = officer(h, "co3");
        const struct approval others[] = { { "co3", 2, 2 }, { "admin", 2, 0 } };

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(caller_login(&guess, 2, "co2", "guess1234"), CKR_PIN_INCORRECT);
        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), REJECTED);
        assert_int_equal(approved_token(&third, 3, "co3", 0, others, 2), 0);
        assert_int_equal(change_password(&third, 2, "co2", "other1234"), 0); /* unlocks */
        assert_int_equal(make(&co, "cu9"), 0);
}

static void a_raised_value_asks_for_more(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct token_file file = { .n = 0 };
        const struct approval last[] = { { "co3", 2, 2 } };

        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        assert_int_equal(approve(&co, &file, two, 2), 0);
        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(set_m(&co, 3, 3), 0);
        assert_int_equal(make(&co, "cu9"), REJECTED);
        assert_int_equal(approve(&co, &file, last, 1), 0);
        assert_int_equal(make(&co, "cu9"), 0);
}

static void officers_stay_enough(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(delete_user(&co, 2, "co3"), 0);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(delete_user(&co, 2, "co2"), REJECTED); /* two must remain */
}

/* ---- registration ---- */

static void everybody_registers_his_own(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu1");
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegisterQuorumKeyRequest in = CHSM__REGISTER_QUORUM_KEY_REQUEST__INIT;
        struct given signature;
        uint8_t token[246] = { 1 };

        assert_int_equal(register_key(&co, 2, "co2", 4, 1), REJECTED);
        assert_int_equal(register_key(&co, 1, "cu1", 4, -1), REJECTED);
        assert_int_equal(register_key(&cu, 2, "cu1", 4, -1), REJECTED); /* not of that type */
        assert_int_equal(register_key(&cu, 1, "cu1", 4, -1), 0);
        in.role = 2;
        in.user = (char *)(uintptr_t) "admin";
        in.token = (ProtobufCBinaryData){ sizeof(token), token };
        signature = person_sign(4, slice_of(token, sizeof(token)));
        in.signature = (ProtobufCBinaryData){ signature.n, signature.p };
        in.public_key = (ProtobufCBinaryData){ person_pem(4).n, (uint8_t *)(uintptr_t)person_pem(4).p };
        r.register_quorum_key = &in;
        r.body_case = CHSM__REQUEST__BODY_REGISTER_QUORUM_KEY;
        assert_int_equal(ask(&co, &r)->status, CKR_ARGUMENTS_BAD); /* 246 bytes */
        in.token.len = 245;
        assert_int_equal(ask(&co, &r)->status, CKR_SIGNATURE_INVALID);
        in.public_key.len -= 2;
        assert_int_equal(ask(&co, &r)->status, CKR_ARGUMENTS_BAD); /* the end is cut off */
        in.public_key = (ProtobufCBinaryData){ sizeof(token), token };
        assert_int_equal(ask(&co, &r)->status, CKR_ARGUMENTS_BAD);
}

/* ---- at once ---- */

#define THREADS 8

struct racer {
        struct caller *c;
        Chsm__Request request;
        Chsm__CreateUserRequest body;
        char name[16];
        uint8_t once[16];
        pthread_barrier_t *start;
        uint32_t status;
};

static void *race(void *arg)
{
        struct racer *r = arg;
        struct arena *arena = arena_new(4096, 4 << 20);
        bool valid;

        (void)pthread_barrier_wait(r->start);
        r->status = vault_call(r->c->hsm->vault, &r->c->hsm->peer, &r->request, arena, &valid)->status;
        arena_free(&arena);
        return NULL;
}

static void of_many_at_once_one_is_paid_for(void **state)
{
        struct caller co = caller_co(*state);
        struct racer racers[THREADS];
        pthread_t threads[THREADS];
        pthread_barrier_t start;
        unsigned won = 0, lost = 0;

        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
        for (uint8_t i = 0; i < THREADS; i++) {
                struct racer *r = &racers[i];

                *r = (struct racer){ .c = &co,
                                     .request = CHSM__REQUEST__INIT,
                                     .body = CHSM__CREATE_USER_REQUEST__INIT,
                                     .start = &start };
                (void)snprintf(r->name, sizeof(r->name), "racer%d", i);
                memset(r->once, i + 1, sizeof(r->once));
                r->body.role = 1;
                r->body.user = r->name;
                r->body.password = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t) "user1234" };
                r->request.create_user = &r->body;
                r->request.body_case = CHSM__REQUEST__BODY_CREATE_USER;
                r->request.id = 1;
                r->request.context = (ProtobufCBinaryData){ sizeof(co.context), co.context };
                r->request.ticket = (ProtobufCBinaryData){ co.ticket_n, co.ticket };
                r->request.idempotency = (ProtobufCBinaryData){ sizeof(r->once), r->once };
        }
        for (uint8_t i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        for (int i = 0; i < THREADS; i++) {
                pthread_join(threads[i], NULL);
                won += racers[i].status == 0;
                lost += racers[i].status == REJECTED;
        }
        pthread_barrier_destroy(&start);
        assert_int_equal(won, 1);
        assert_int_equal(lost, THREADS - 1);
}

static void a_request_sent_again_is_the_same_one(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateUserRequest in = CHSM__CREATE_USER_REQUEST__INIT;
        const uint8_t once[16] = { 77 }, other[16] = { 78 };
        uint64_t id;

        in.role = 1;
        in.user = (char *)(uintptr_t) "cu9";
        in.password = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t) "user1234" };
        r.create_user = &in;
        r.body_case = CHSM__REQUEST__BODY_CREATE_USER;
        assert_int_equal(ask_again(&co, &r, once)->status, REJECTED); /* refused: nothing is remembered */
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        {
                const Chsm__Response *response = ask_again(&co, &r, once);
                assert_int_equal(response->status, 0);
                id = response->user->id;
        }
        assert_int_equal(ask_again(&co, &r, once)->user->id, id);
        hsm_restart(*state);
        assert_int_equal(ask_again(&co, &r, once)->user->id, id);
        in.user =
            (char
                 *)(uintptr_t) "cu8"; /* another request under the same key gets the old answer at the most */
        assert_int_equal(ask_again(&co, &r, once)->user->id, id);
        assert_int_equal(ask_again(&co, &r, other)->status, REJECTED);
        assert_int_equal(caller_login(&co, 1, "cu8", "user1234"), CKR_PIN_INCORRECT);
}

/* ---- the store of tokens ---- */

static void tokens_are_bounded(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), other = officer(h, "co2");
        struct token_file file = { .n = 0 };

        for (int i = 0; i < 64; i++) {
                file.n = 0;
                assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        }
        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), CKR_DEVICE_MEMORY);
        assert_int_equal(get_token(&other, 3, "co2", 0, NULL, &file), 0);
        assert_int_equal(delete_token(&co, file.id), 0); /* an officer may tidy up */
        assert_int_equal(delete_token(&co, file.id), CKR_ARGUMENTS_BAD);
        h->wall_ms += 600 * 1000;
        for (int i = 0; i < 16; i++) { /* each takes four expired ones along */
                file.n = 0;
                assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        }
        assert_int_equal(count_tokens(&co, NULL), 16);
        hsm_restart(h);
        assert_int_equal(count_tokens(&co, NULL), 16);
}

static void tokens_are_nobody_elses_to_see_or_delete(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu1");
        struct token_file file = { .n = 0 };

        assert_int_equal(get_token(&co, 3, "admin", 0, NULL, &file), 0);
        assert_int_equal(count_tokens(&cu, NULL), 0);
        assert_int_equal(delete_token(&cu, file.id), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_token(&cu, 3, "cu1", 0, NULL, &file), REJECTED);
        assert_int_equal(count_tokens(&co, NULL), 1);
        assert_int_equal(delete_token(&co, file.id), 0);
}

/* ---- services of ours ---- */

static void trust_needs_officers(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu1");
        struct named key;
        uint32_t m = 0;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(caller_set_policy(&co, "trust_needs", "2"), 0);
        assert_int_equal(get_m(&co, 5, &m), 0);
        assert_int_equal(m, 2);
        assert_int_equal(set_bool(&co, &key, CKA_TRUSTED, true), REJECTED);
        assert_int_equal(approved_token(&co, 3, "admin", 0, two, 2), 0);
        assert_int_equal(set_bool(&co, &key, CKA_TRUSTED, true), REJECTED);
        assert_int_equal(approved_token(&co, 5, "admin", 0, two, 1), 0);
        assert_int_equal(set_bool(&co, &key, CKA_TRUSTED, true), REJECTED);
        assert_int_equal(approved_token(&co, 5, "admin", 0, two, 2), 0);
        assert_int_equal(set_bool(&co, &key, CKA_TRUSTED, true), 0);
        assert_int_equal(set_bool(&co, &key, CKA_TRUSTED, false), REJECTED);
        assert_int_equal(caller_set_policy(&co, "trust_needs", "1"), REJECTED); /* only tighter */
}

static void the_policy_needs_officers(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);

        assert_int_equal(approved_token(&co, 4, "admin", 0, two, 2), 0);
        assert_int_equal(set_m(&co, 6, 2), 0);
        assert_int_equal(caller_set_policy(&co, "non_fips", "0"), REJECTED);
        assert_int_equal(approved_token(&co, 6, "admin", 0, two, 2), 0);
        assert_int_equal(caller_set_policy(&co, "non_fips", "0"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(off_by_default),
                TEST(values_have_bounds),
                TEST(each_command_of_the_service_asks),
                TEST(a_token_is_spent_once),
                TEST(only_what_is_done_is_paid_for),
                TEST(approvals_must_be_enough_and_true),
                TEST(a_file_is_tokens_and_nothing_else),
                TEST(a_token_ends_with_its_time),
                TEST(a_token_is_one_logins),
                TEST(a_token_is_of_one_service_and_user),
                TEST(a_changed_key_takes_its_approval_back),
                TEST(a_deleted_approver_does_not_count),
                TEST(a_locked_approver_does_not_count),
                TEST(a_raised_value_asks_for_more),
                TEST(officers_stay_enough),
                TEST(everybody_registers_his_own),
                TEST(of_many_at_once_one_is_paid_for),
                TEST(a_request_sent_again_is_the_same_one),
                TEST(tokens_are_bounded),
                TEST(tokens_are_nobody_elses_to_see_or_delete),
                TEST(trust_needs_officers),
                TEST(the_policy_needs_officers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
