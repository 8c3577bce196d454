/* Keys that several users must approve: every use, change and sharing spends a token, and nothing that comes
 * of such a key is free of its quorum. */
#include "people.h"

#include "ck/mechanism_param.h"

#include <pthread.h>

#define REJECTED CKR_FUNCTION_REJECTED
#define USE      1
#define MGMT     2

static const struct approval two[] = { { "cu1", 1, 0 }, { "cu2", 1, 1 } };

/* cu1 and cu2 have registered keys. */
static int begin(void **state)
{
        static const char *const names[] = { "cu1", "cu2" };
        struct hsm *h = hsm_ready();

        for (int i = 0; i < 2; i++) {
                struct caller c = caller_cu(h, names[i]);
                assert_int_equal(register_key(&c, 1, names[i], i, -1), 0);
        }
        *state = h;
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint64_t id_of(struct hsm *h, const char *user)
{
        return caller_cu(h, user).user_id;
}

static uint32_t pay(struct caller *c, const char *user, struct named *key, uint32_t service)
{
        return approved_token(c, service, user, key->ref.handle, two, 2);
}

static uint32_t quorum_of(struct caller *c, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ObjectInfoRequest in = CHSM__OBJECT_INFO_REQUEST__INIT;
        const Chsm__Response *response;

        in.object = &key->ref;
        r.object_info = &in;
        r.body_case = CHSM__REQUEST__BODY_OBJECT_INFO;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        return response->object_info->quorum;
}

static void a_quorum_needs_users(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1");
        struct named key;

        assert_int_equal(make_quorum_key(&c, 2, 0, NULL, &key), CKR_ARGUMENTS_BAD);
        assert_int_equal(make_quorum_key(&c, 3, id_of(h, "cu2"), NULL, &key), CKR_ARGUMENTS_BAD);
        assert_int_equal(make_quorum_key(&c, 9, id_of(h, "cu2"), NULL, &key), CKR_ARGUMENTS_BAD);
        assert_int_equal(make_quorum_key(&c, 0x102, id_of(h, "cu2"), NULL, &key), CKR_ARGUMENTS_BAD);
        assert_int_equal(make_quorum_key(&c, 2, id_of(h, "cu2"), NULL, &key), 0);
        assert_int_equal(quorum_of(&c, &key), 2);
        hsm_restart(h);
        assert_int_equal(quorum_of(&c, &key), 2);
        assert_int_equal(make_quorum_key(&c, 1, 0, NULL, &key), 0); /* its owner's signature for each use */
        {
                struct given out;
                const struct approval self[] = { { "cu1", 1, 0 } };

                assert_int_equal(use_encrypt(&c, &key, &out), REJECTED);
                assert_int_equal(approved_token(&c, USE, "cu1", key.ref.handle, self, 1), 0);
                assert_int_equal(use_encrypt(&c, &key, &out), 0);
        }
}

static void each_use_spends_a_token(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2");
        struct given out;
        struct named key;

        assert_int_equal(make_quorum_key(&c, 2, sharer.user_id, NULL, &key), 0);
        assert_int_equal(use_encrypt(&c, &key, &out), REJECTED);
        assert_int_equal(approved_token(&c, USE, "cu1", key.ref.handle, two, 1), 0);
        assert_int_equal(use_encrypt(&c, &key, &out), REJECTED); /* one is not two */
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(use_encrypt(&c, &key, &out), 0);
        assert_int_equal(use_encrypt(&c, &key, &out), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(use_encrypt(&sharer, &key, &out), REJECTED); /* it is cu1's token */
        assert_int_equal(pay(&sharer, "cu2", &key, USE), 0);
        assert_int_equal(use_decrypt(&sharer, &key, &out), 0);
        assert_int_equal(use_decrypt(&sharer, &key, &out), REJECTED);
        hsm_restart(h);
        assert_int_equal(use_decrypt(&c, &key, &out), 0);
        assert_int_equal(use_decrypt(&c, &key, &out), REJECTED);
}

/* Else decryption could be tried again and again. */
static void a_failed_use_is_a_use(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1");
        struct given odd = { .n = 5 };
        struct named key;

        assert_int_equal(make_quorum_key(&c, 2, id_of(h, "cu2"), NULL, &key), 0);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_not_equal(use_decrypt(&c, &key, &odd), 0);
        odd.n = 16;
        assert_int_equal(use_decrypt(&c, &key, &odd), REJECTED);
}

static void a_token_is_of_one_key_and_purpose(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1"), again = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2");
        struct token_file file = { .n = 0 };
        struct given out;
        struct named key, other, plain;

        assert_int_equal(make_quorum_key(&c, 2, sharer.user_id, NULL, &key), 0);
        assert_int_equal(make_quorum_key(&c, 2, sharer.user_id, NULL, &other), 0);
        assert_int_equal(make_aes(&c, true, NULL, &plain), 0);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(use_encrypt(&c, &other, &out), REJECTED);
        assert_int_equal(use_encrypt(&again, &key, &out), REJECTED); /* another login */
        assert_int_equal(destroy(&c, &key), REJECTED);
        assert_int_equal(pay(&c, "cu1", &other, MGMT), 0);
        assert_int_equal(use_encrypt(&c, &other, &out), REJECTED);
        assert_int_equal(use_encrypt(&c, &key, &out), 0);
        h->wall_ms += 600 * 1000;
        assert_int_equal(destroy(&c, &other), REJECTED); /* too late */
        assert_int_equal(get_token(&c, USE, "cu1", plain.ref.handle, NULL, &file), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_token(&c, USE, "cu1", 99, NULL, &file), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(get_token(&c, USE, "cu1", 0, NULL, &file), CKR_ARGUMENTS_BAD);
        assert_int_equal(get_token(&sharer, MGMT, "cu2", key.ref.handle, NULL, &file), CKR_ACTION_PROHIBITED);
}

static void approvers_are_its_users(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1"), stranger;
        const struct approval odd[] = { { "cu1", 1, 0 }, { "cu3", 1, 2 } }, officer[] = { { "admin", 2, 3 } };
        struct token_file file = { .n = 0 };
        struct given out;
        struct named key;

        assert_int_equal(caller_create_user(&co, 1, "cu3", "user1234"), 0);
        stranger = caller_cu(h, "cu3");
        assert_int_equal(register_key(&stranger, 1, "cu3", 2, -1), 0);
        assert_int_equal(register_key(&co, 2, "admin", 3, -1), 0);
        assert_int_equal(make_quorum_key(&c, 2, id_of(h, "cu2"), NULL, &key), 0);
        assert_int_equal(get_token(&stranger, USE, "cu3", key.ref.handle, NULL, &file),
                         CKR_KEY_HANDLE_INVALID);
        assert_int_equal(approved_token(&c, USE, "cu1", key.ref.handle, odd, 2), REJECTED);
        assert_int_equal(approved_token(&c, USE, "cu1", key.ref.handle, officer, 1), REJECTED);
        assert_int_equal(count_tokens(&stranger, NULL), 0);
        assert_int_equal(count_tokens(&co, NULL), 0);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(delete_user(&co, 1, "cu2"), 0); /* an approver that is no more */
        assert_int_equal(use_encrypt(&c, &key, &out), REJECTED);
}

static void sharing_is_managing(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), c = caller_cu(h, "cu1");
        uint64_t second = id_of(h, "cu2"), third;
        struct given out;
        struct named key;

        assert_int_equal(caller_create_user(&co, 1, "cu3", "user1234"), 0);
        third = id_of(h, "cu3");
        assert_int_equal(make_quorum_key(&c, 2, second, NULL, &key), 0);
        assert_int_equal(share_object(&c, &key, third, true), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, MGMT), 0);
        assert_int_equal(share_object(&c, &key, second, false), CKR_ARGUMENTS_BAD); /* two must remain */
        assert_int_equal(share_object(&c, &key, third, true), 0);
        assert_int_equal(share_object(&c, &key, second, false), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(pay(&c, "cu1", &key, MGMT), 0);
        assert_int_equal(share_object(&c, &key, second, false), 0);
        assert_int_equal(use_encrypt(&c, &key, &out),
                         REJECTED); /* who approved is none of its users any more */
        assert_int_equal(quorum_of(&c, &key), 2);
}

static void changing_and_deleting_are_managing(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1");
        struct named key;

        assert_int_equal(make_quorum_key(&c, 2, id_of(h, "cu2"), NULL, &key), 0);
        assert_int_equal(set_bool(&c, &key, CKA_ENCRYPT, false), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, MGMT), 0);
        assert_int_equal(set_bool(&c, &key, CKA_ENCRYPT, false), 0);
        assert_int_equal(quorum_of(&c, &key), 2);
        assert_int_equal(destroy(&c, &key), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, MGMT), 0);
        assert_int_equal(destroy(&c, &key), 0);
}

static void nothing_sheds_the_quorum(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2");
        struct attributes as_session = { .n = 0 };
        struct given out;
        struct named key, wrapping, copy;

        assert_int_equal(make_quorum_key(&c, 2, sharer.user_id, NULL, &key), 0);
        assert_int_equal(make_aes(&c, true, NULL, &wrapping), 0);
        for (uint32_t service = USE; service <= MGMT; service++)
                assert_int_equal(pay(&c, "cu1", &key, service), 0);
        assert_int_equal(copy_object(&c, &key, NULL, &copy), CKR_ACTION_PROHIBITED);
        add_bool(&as_session, CKA_TOKEN, false);
        assert_int_equal(copy_object(&c, &key, &as_session, &copy), CKR_ACTION_PROHIBITED);
        assert_int_equal(use_wrap(&c, &wrapping, &key, &out), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(use_wrap(&c, &key, &wrapping, &out), 0); /* it wraps, as a use */
        assert_int_equal(use_wrap(&c, &key, &wrapping, &out), REJECTED);
        assert_int_equal(use_unwrap(&c, &key, &out, NULL, &copy), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(use_unwrap(&c, &key, &out, NULL, &copy), 0);
}

/* SP 800-108 counter KDF with the key as base. */
static uint32_t derive(struct caller *c, struct named *base, bool token, struct named *child)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest in = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        CK_KEY_DERIVATION_STRING_DATA native = { (CK_BYTE_PTR)(uintptr_t) "sixteen bytes...sixteen bytes...",
                                                 32 };
        CK_MECHANISM mechanism = { CKM_AES_ECB_ENCRYPT_DATA, &native, sizeof(native) };
        struct attributes a = { .n = 0 };
        struct buf flat = BUF_INIT;
        struct err err = ERR_INIT;
        CK_OBJECT_HANDLE second;
        const Chsm__Response *response;

        assert_true(ck_mech_param_encode(&mechanism, &flat, &second, &err));
        add_bool(&a, CKA_TOKEN, token);
        add_number(&a, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&a, CKA_KEY_TYPE, CKK_AES);
        add_number(&a, CKA_VALUE_LEN, 32);
        m.number = CKM_AES_ECB_ENCRYPT_DATA;
        m.parameter = (ProtobufCBinaryData){ flat.n, flat.p };
        in.base_key = &base->ref;
        in.mechanism = &m;
        attributes_lend(&a, &in.template_, &in.n_template_);
        r.derive_key = &in;
        r.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(child, response->derived->objects[0]);
        buf_clear(&flat);
        return response->status;
}

static void children_have_the_quorum_too(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2");
        struct attributes derives = { .n = 0 };
        struct named key, child;
        struct given out;

        add_bool(&derives, CKA_DERIVE, true);
        assert_int_equal(make_quorum_key(&c, 2, sharer.user_id, &derives, &key), 0);
        assert_int_equal(derive(&c, &key, true, &child), REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(derive(&c, &key, false, &child),
                         CKR_TEMPLATE_INCONSISTENT); /* a session key has one user */
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(derive(&c, &key, true, &child), 0);
        assert_int_equal(quorum_of(&c, &child), 2);
        assert_int_equal(use_encrypt(&c, &child, &out), REJECTED);
        assert_int_equal(pay(&sharer, "cu2", &child, USE), 0);
        assert_int_equal(use_encrypt(&sharer, &child, &out), 0);
}

static void a_stream_is_one_use(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1");
        struct attributes priv = { .n = 0 };
        struct named key;
        Chsm__Request r = CHSM__REQUEST__INIT, part = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest in = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__StreamPartRequest piece = CHSM__STREAM_PART_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        add_bool(&priv, CKA_SIGN, true);
        assert_int_equal(make_quorum_key(&c, 2, id_of(h, "cu2"), &priv, &key), 0);
        m.number = CKM_AES_CMAC;
        in.operation = 2;
        in.key = &key.ref;
        in.mechanism = &m;
        r.stream_open = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
        assert_int_equal(ask(&c, &r)->status, REJECTED);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        response = ask(&c, &r);
        assert_int_equal(response->status, 0);
        piece.stream = response->stream_open->stream;
        assert_int_equal(ask(&c, &r)->status, REJECTED);
        piece.last = true;
        piece.data = (ProtobufCBinaryData){ 1, (uint8_t *)(uintptr_t) "a" };
        part.stream_part = &piece;
        part.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        assert_int_equal(ask(&c, &part)->status, 0);
}

/* ---- at once ---- */

#define THREADS 8

struct racer {
        struct caller *c;
        Chsm__Request request;
        Chsm__EncryptRequest body;
        Chsm__Mechanism mechanism;
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

static void of_many_at_once_one_wins(void **state)
{
        struct hsm *h = *state;
        struct caller c = caller_cu(h, "cu1");
        struct racer racers[THREADS];
        pthread_t threads[THREADS];
        pthread_barrier_t start;
        struct named key;
        unsigned won = 0, lost = 0;

        assert_int_equal(make_quorum_key(&c, 2, id_of(h, "cu2"), NULL, &key), 0);
        assert_int_equal(pay(&c, "cu1", &key, USE), 0);
        assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
        for (int i = 0; i < THREADS; i++) {
                struct racer *r = &racers[i];

                *r = (struct racer){ .c = &c,
                                     .request = CHSM__REQUEST__INIT,
                                     .body = CHSM__ENCRYPT_REQUEST__INIT,
                                     .mechanism = CHSM__MECHANISM__INIT,
                                     .start = &start };
                r->mechanism.number = CKM_AES_ECB;
                r->body.key = &key.ref;
                r->body.mechanism = &r->mechanism;
                r->body.data = (ProtobufCBinaryData){ 16, (uint8_t *)(uintptr_t) "sixteen bytes..." };
                r->request.encrypt = &r->body;
                r->request.body_case = CHSM__REQUEST__BODY_ENCRYPT;
                r->request.id = 1;
                r->request.context = (ProtobufCBinaryData){ sizeof(c.context), c.context };
                r->request.ticket = (ProtobufCBinaryData){ c.ticket_n, c.ticket };
        }
        for (int i = 0; i < THREADS; i++)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_quorum_needs_users),
                TEST(each_use_spends_a_token),
                TEST(a_failed_use_is_a_use),
                TEST(a_token_is_of_one_key_and_purpose),
                TEST(approvers_are_its_users),
                TEST(sharing_is_managing),
                TEST(changing_and_deleting_are_managing),
                TEST(nothing_sheds_the_quorum),
                TEST(children_have_the_quorum_too),
                TEST(a_stream_is_one_use),
                TEST(of_many_at_once_one_wins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
