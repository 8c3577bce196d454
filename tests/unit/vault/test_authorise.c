/* Keys with CKA_ALWAYS_AUTHENTICATE: no use without an authorisation, and one use of each, whatever is tried.
 */
#include "hsm.h"

#include <pthread.h>

#define DECRYPT 1
#define SIGN    2

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

struct permit {
        uint8_t p[256];
        size_t n;
};

static uint32_t authorise(struct caller *c, const char *user, const char *password, struct named *key,
                          uint32_t operation, struct permit *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__AuthoriseRequest in = CHSM__AUTHORISE_REQUEST__INIT;
        const Chsm__Response *response;

        in.user = (char *)(uintptr_t)user;
        in.password = (ProtobufCBinaryData){ strlen(password), (uint8_t *)(uintptr_t)password };
        in.key = &key->ref;
        in.operation = operation;
        r.authorise = &in;
        r.body_case = CHSM__REQUEST__BODY_AUTHORISE;
        response = ask(c, &r);
        out->n = response->status ? 0 : response->authorise->authorisation.len;
        assert_true(out->n <= sizeof(out->p));
        if (out->n)
                memcpy(out->p, response->authorise->authorisation.data, out->n);
        return response->status;
}

struct signing {
        Chsm__Request request;
        Chsm__SignRequest body;
        Chsm__Mechanism mechanism;
};

static Chsm__Request *signing(struct signing *s, struct named *key, uint64_t mechanism, const char *data,
                              struct permit *permit)
{
        chsm__request__init(&s->request);
        chsm__sign_request__init(&s->body);
        chsm__mechanism__init(&s->mechanism);
        s->mechanism.number = mechanism;
        s->body.key = &key->ref;
        s->body.mechanism = &s->mechanism;
        s->body.data = (ProtobufCBinaryData){ strlen(data), (uint8_t *)(uintptr_t)data };
        s->request.sign = &s->body;
        s->request.body_case = CHSM__REQUEST__BODY_SIGN;
        if (permit)
                s->request.authorisation = (ProtobufCBinaryData){ permit->n, permit->p };
        return &s->request;
}

static uint32_t sign(struct caller *c, struct named *key, const char *data, struct permit *permit)
{
        struct signing s;

        return ask(c, signing(&s, key, CKM_ECDSA_SHA256, data, permit))->status;
}

static void make_key(struct caller *c, bool token, struct named *key)
{
        struct attributes priv = { .n = 0 };
        struct named public_key;

        add_bool(&priv, CKA_ALWAYS_AUTHENTICATE, true);
        assert_int_equal(make_pair(c, CKM_EC_KEY_PAIR_GEN, token, NULL, &priv, &public_key, key), 0);
}

static void one_authorisation_is_one_signature(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        struct permit permit;

        for (int token = 0; token < 2; token++) {
                make_key(&c, token, &key);
                assert_int_equal(sign(&c, &key, "a", NULL), CKR_USER_NOT_LOGGED_IN);
                assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
                assert_int_equal(sign(&c, &key, "a", &permit), 0);
                assert_int_equal(sign(&c, &key, "b", &permit), CKR_USER_NOT_LOGGED_IN);
                assert_int_equal(sign(&c, &key, "a", &permit), CKR_USER_NOT_LOGGED_IN);
                assert_int_equal(authorise(&c, "CU1", "user1234", &key, SIGN, &permit), 0);
                assert_int_equal(sign(&c, &key, "b", &permit), 0);
        }
}

static void a_request_sent_again_gets_its_answer_again(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        struct permit permit;
        struct signing s;
        uint8_t once[16] = { 9 }, other[16] = { 8 };

        make_key(&c, true, &key);
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
        signing(&s, &key, CKM_ECDSA_SHA256, "a", &permit);
        assert_int_equal(ask_again(&c, &s.request, once)->status, 0);
        assert_int_equal(ask_again(&c, &s.request, once)->status, 0);
        assert_int_equal(ask_again(&c, &s.request, other)->status, CKR_USER_NOT_LOGGED_IN);
        signing(&s, &key, CKM_ECDSA_SHA256, "b", &permit);
        assert_int_equal(ask_again(&c, &s.request, once)->status, CKR_USER_NOT_LOGGED_IN);
        hsm_restart(*state); /* it stands in the store */
        assert_int_equal(ask_again(&c, &s.request, once)->status, CKR_USER_NOT_LOGGED_IN);
        signing(&s, &key, CKM_ECDSA_SHA256, "a", &permit);
        assert_int_equal(ask_again(&c, &s.request, once)->status, 0);
}

static void a_failed_use_is_a_use(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct attributes priv = { .n = 0 };
        struct named public_key, key;
        struct permit permit;
        struct signing s;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DecryptRequest in = CHSM__DECRYPT_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        uint8_t cipher[256] = { 1 };
        char longer[250] = { 0 };

        add_bool(&priv, CKA_ALWAYS_AUTHENTICATE, true);
        add_bool(&priv, CKA_DECRYPT, true);
        add_bool(&priv, CKA_SIGN, true);
        assert_int_equal(make_pair(&c, CKM_RSA_PKCS_KEY_PAIR_GEN, true, NULL, &priv, &public_key, &key), 0);
        /* Of an operation that the key cannot do at all nothing is used up. */
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
        assert_int_equal(ask(&c, signing(&s, &key, CKM_ECDSA_SHA256, "a", &permit))->status,
                         CKR_KEY_TYPE_INCONSISTENT);
        memset(longer, 'x', sizeof(longer) - 1);
        assert_int_equal(ask(&c, signing(&s, &key, CKM_RSA_PKCS, longer, &permit))->status,
                         CKR_DATA_LEN_RANGE);
        assert_int_equal(ask(&c, signing(&s, &key, CKM_RSA_PKCS, "a", &permit))->status,
                         CKR_USER_NOT_LOGGED_IN);
        m.number = CKM_RSA_PKCS;
        in.key = &key.ref;
        in.mechanism = &m;
        in.data = (ProtobufCBinaryData){ sizeof(cipher), cipher };
        r.decrypt = &in;
        r.body_case = CHSM__REQUEST__BODY_DECRYPT;
        assert_int_equal(authorise(&c, "", "user1234", &key, DECRYPT, &permit), 0);
        r.authorisation = (ProtobufCBinaryData){ permit.n, permit.p };
        assert_int_equal(ask(&c, &r)->status, CKR_ENCRYPTED_DATA_INVALID);
        cipher[9] = 7;
        assert_int_equal(ask(&c, &r)->status, CKR_USER_NOT_LOGGED_IN);
}

static void it_is_bound_to_everything(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1"), again = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");
        struct named key, key2, session;
        struct permit permit, altered;

        make_key(&c, true, &key);
        make_key(&c, true, &key2);
        make_key(&c, false, &session);
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
        assert_int_equal(sign(&c, &key2, "a", &permit), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(sign(&c, &session, "a", &permit), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(sign(&again, &key, "a", &permit), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(sign(&other, &key, "a", &permit), CKR_KEY_HANDLE_INVALID);
        for (size_t i = 0; i < permit.n; i++) {
                altered = permit;
                altered.p[i] ^= 1;
                assert_int_equal(sign(&c, &key, "a", &altered), CKR_USER_NOT_LOGGED_IN);
        }
        altered = (struct permit){ .n = c.ticket_n };
        memcpy(altered.p, c.ticket, c.ticket_n); /* sealed under the same key, for another purpose */
        assert_int_equal(sign(&c, &key, "a", &altered), CKR_USER_NOT_LOGGED_IN);
        h->wall_ms += 60 * 1000 - 1;
        assert_int_equal(sign(&c, &key, "a", &permit), 0);
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
        h->wall_ms += 60 * 1000;
        assert_int_equal(sign(&c, &key, "a", &permit), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(authorise(&c, "", "user1234", &session, DECRYPT, &permit), 0);
        assert_int_equal(sign(&c, &session, "a", &permit), CKR_USER_NOT_LOGGED_IN);
}

static void wrong_passwords_count_as_at_login(void **state)
{
        struct caller c = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2"), co = caller_co(*state);
        struct named key, plain;
        struct permit permit;

        make_key(&c, true, &key);
        assert_int_equal(authorise(&other, "", "user1234", &key, SIGN, &permit), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(authorise(&co, "", "admin1234", &key, SIGN, &permit), CKR_FUNCTION_REJECTED);
        assert_int_equal(authorise(&c, "cu2", "user1234", &key, SIGN, &permit), CKR_PIN_INCORRECT);
        assert_int_equal(make_aes(&c, true, NULL, &plain), 0);
        assert_int_equal(authorise(&c, "", "user1234", &plain, DECRYPT, &permit),
                         CKR_OPERATION_NOT_INITIALIZED);
        assert_int_equal(authorise(&c, "", "user1234", &key, 3, &permit), CKR_OPERATION_NOT_INITIALIZED);
        assert_int_equal(authorise(&c, "", "user1234", &key, 99, &permit), CKR_OPERATION_NOT_INITIALIZED);
        for (int i = 0; i < 4; i++)
                assert_int_equal(authorise(&c, "", "wrong123", &key, SIGN, &permit), CKR_PIN_INCORRECT);
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0); /* counts anew */
        for (int i = 0; i < 5; i++)
                assert_int_equal(authorise(&c, "", "wrong123", &key, SIGN, &permit), CKR_PIN_INCORRECT);
        /* Locked: the login itself has ended with it. */
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_login(&c, 1, "cu1", "user1234"), CKR_PIN_LOCKED);
}

static uint32_t open_stream(struct caller *c, struct named *key, struct permit *permit, uint64_t *id)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest in = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        uint8_t once[16] = { 3 };
        const Chsm__Response *response;

        m.number = CKM_ECDSA_SHA256;
        in.operation = SIGN;
        in.mechanism = &m;
        in.key = &key->ref;
        r.stream_open = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
        if (permit)
                r.authorisation = (ProtobufCBinaryData){ permit->n, permit->p };
        response = ask_again(c, &r, once);
        *id = response->status ? 0 : response->stream_open->stream;
        return response->status;
}

static void a_stream_is_one_use_and_never_opened_twice(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        struct permit permit;
        uint64_t id, second;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamPartRequest in = CHSM__STREAM_PART_REQUEST__INIT;

        make_key(&c, true, &key);
        assert_int_equal(open_stream(&c, &key, NULL, &id), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
        assert_int_equal(open_stream(&c, &key, &permit, &id), 0);
        assert_int_equal(open_stream(&c, &key, &permit, &second), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(sign(&c, &key, "a", &permit), CKR_USER_NOT_LOGGED_IN);
        in.stream = id;
        in.last = true;
        in.data = (ProtobufCBinaryData){ 1, (uint8_t *)(uintptr_t) "a" };
        r.stream_part = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        assert_int_equal(ask(&c, &r)->status, 0);
}

/* ---- at once ---- */

#define THREADS 8

struct racer {
        struct caller *c;
        struct signing signing;
        uint8_t once[16];
        pthread_barrier_t *start;
        uint32_t status;
};

static void *race(void *arg)
{
        struct racer *r = arg;
        struct arena *arena = arena_new(4096, 1 << 20);
        bool valid;

        (void)pthread_barrier_wait(r->start);
        r->status =
            vault_call(r->c->hsm->vault, &r->c->hsm->peer, &r->signing.request, arena, &valid)->status;
        arena_free(&arena);
        return NULL;
}

static void of_many_at_once_one_wins(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        struct permit permit;
        struct racer racers[THREADS];
        pthread_t threads[THREADS];
        pthread_barrier_t start;
        unsigned won = 0, lost = 0;

        make_key(&c, true, &key);
        assert_int_equal(authorise(&c, "", "user1234", &key, SIGN, &permit), 0);
        assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
        for (uint8_t i = 0; i < THREADS; i++) {
                struct racer *r = &racers[i];
                Chsm__Request *q = signing(&r->signing, &key, CKM_ECDSA_SHA256, "a", &permit);

                r->c = &c;
                r->start = &start;
                memset(r->once, i + 1, sizeof(r->once));
                q->id = 1;
                q->context = (ProtobufCBinaryData){ sizeof(c.context), c.context };
                q->ticket = (ProtobufCBinaryData){ c.ticket_n, c.ticket };
                q->idempotency = (ProtobufCBinaryData){ sizeof(r->once), r->once };
                assert_int_equal(pthread_create(&threads[i], NULL, race, r), 0);
        }
        for (int i = 0; i < THREADS; i++) {
                pthread_join(threads[i], NULL);
                won += racers[i].status == 0;
                lost += racers[i].status == CKR_USER_NOT_LOGGED_IN;
        }
        pthread_barrier_destroy(&start);
        assert_int_equal(won, 1);
        assert_int_equal(lost, THREADS - 1);
}

static void the_attribute_stays(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct attributes off = { .n = 0 };
        struct named key;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CopyObjectRequest in = CHSM__COPY_OBJECT_REQUEST__INIT;
        const Chsm__Response *response;
        struct named copy;

        make_key(&c, true, &key);
        add_bool(&off, CKA_ALWAYS_AUTHENTICATE, false);
        assert_int_not_equal(set_attribute(&c, &key, &off), 0);
        in.object = &key.ref;
        off.list[0] = &off.rows[0];
        in.template_ = off.list;
        in.n_template_ = off.n;
        r.copy_object = &in;
        r.body_case = CHSM__REQUEST__BODY_COPY_OBJECT;
        assert_int_not_equal(ask(&c, &r)->status, 0);
        in.n_template_ = 0;
        response = ask(&c, &r);
        assert_int_equal(response->status, 0);
        name_object(&copy, response->object);
        assert_int_equal(sign(&c, &copy, "a", NULL), CKR_USER_NOT_LOGGED_IN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_authorisation_is_one_signature, begin, end),
                cmocka_unit_test_setup_teardown(a_request_sent_again_gets_its_answer_again, begin, end),
                cmocka_unit_test_setup_teardown(a_failed_use_is_a_use, begin, end),
                cmocka_unit_test_setup_teardown(it_is_bound_to_everything, begin, end),
                cmocka_unit_test_setup_teardown(wrong_passwords_count_as_at_login, begin, end),
                cmocka_unit_test_setup_teardown(a_stream_is_one_use_and_never_opened_twice, begin, end),
                cmocka_unit_test_setup_teardown(of_many_at_once_one_wins, begin, end),
                cmocka_unit_test_setup_teardown(the_attribute_stays, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
