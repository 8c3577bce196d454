/* A key that both its owner's password (CKA_ALWAYS_AUTHENTICATE) and approvals are asked for. */
#include "people.h"

#define USE  1
#define SIGN 2

struct both {
        Chsm__Request request;
        Chsm__SignRequest body;
        Chsm__Mechanism mechanism;
        uint8_t permit[256];
};

static void make_key(struct caller *c, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes pub = { .n = 0 }, priv = { .n = 0 };
        static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        const Chsm__Response *response;

        add_bytes(&pub, CKA_EC_PARAMS, slice_of(p256, sizeof(p256)));
        add_bool(&priv, CKA_TOKEN, true);
        add_bool(&priv, CKA_SIGN, true);
        add_bool(&priv, CKA_ALWAYS_AUTHENTICATE, true);
        attributes_lend(&pub, &in.public_template, &in.n_public_template);
        attributes_lend(&priv, &in.private_template, &in.n_private_template);
        m.number = CKM_EC_KEY_PAIR_GEN;
        in.mechanism = &m;
        in.quorum = 1;
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        name_object(key, response->key_pair->private_key);
}

static void authorise(struct caller *c, struct named *key, struct both *b)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__AuthoriseRequest in = CHSM__AUTHORISE_REQUEST__INIT;
        const Chsm__Response *response;

        in.password = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t) "user1234" };
        in.key = &key->ref;
        in.operation = SIGN;
        r.authorise = &in;
        r.body_case = CHSM__REQUEST__BODY_AUTHORISE;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        chsm__request__init(&b->request);
        chsm__sign_request__init(&b->body);
        chsm__mechanism__init(&b->mechanism);
        b->mechanism.number = CKM_ECDSA_SHA256;
        b->body.key = &key->ref;
        b->body.mechanism = &b->mechanism;
        b->body.data = (ProtobufCBinaryData){ 4, (uint8_t *)(uintptr_t) "data" };
        b->request.sign = &b->body;
        b->request.body_case = CHSM__REQUEST__BODY_SIGN;
        assert_true(response->authorise->authorisation.len <= sizeof(b->permit));
        memcpy(b->permit, response->authorise->authorisation.data, response->authorise->authorisation.len);
        b->request.authorisation = (ProtobufCBinaryData){ response->authorise->authorisation.len, b->permit };
}

/* Another request each time, as a client sends that tries again after the approvals have come. */
static uint32_t sign(struct caller *c, struct both *b)
{
        return ask(c, &b->request)->status;
}

static void the_password_holds_until_the_approvals_have_come(void **state)
{
        const struct approval self[] = { { "cu1", 1, 0 } };
        struct hsm *h = hsm_ready();
        struct caller c = caller_cu(h, "cu1");
        struct named key;
        struct both b;

        (void)state;
        assert_int_equal(register_key(&c, 1, "cu1", 0, -1), 0);
        make_key(&c, &key);
        authorise(&c, &key, &b);
        assert_int_equal(sign(&c, &b), CKR_FUNCTION_REJECTED);
        assert_int_equal(approved_token(&c, USE, "cu1", key.ref.handle, self, 1), 0);
        assert_int_equal(sign(&c, &b), 0);
        assert_int_equal(approved_token(&c, USE, "cu1", key.ref.handle, self, 1), 0);
        assert_int_equal(sign(&c, &b), CKR_USER_NOT_LOGGED_IN); /* once */
        assert_int_equal(count_tokens(&c, NULL), 1);            /* and the token is kept */
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_password_holds_until_the_approvals_have_come),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
