/* Keys of a parameter set through requests, where libcrypto has them (3.5); elsewhere nobody sees them. */
#include "hsm.h"

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

static bool offered(struct caller *c, uint64_t mechanism)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__MechanismsRequest in = CHSM__MECHANISMS_REQUEST__INIT;
        const Chsm__Response *response;

        r.mechanisms = &in;
        r.body_case = CHSM__REQUEST__BODY_MECHANISMS;
        response = ask(c, &r);
        for (size_t i = 0; i < response->mechanisms->n_mechanisms; i++) {
                if (response->mechanisms->mechanisms[i]->number == mechanism)
                        return true;
        }
        return false;
}

static uint32_t make(struct caller *c, bool token, uint64_t mechanism, uint64_t set, struct named *pub,
                     struct named *priv)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes a = { .n = 0 }, b = { .n = 0 };
        Chsm__Attribute *public_list[3], *private_list[3];
        const Chsm__Response *response;

        add_bool(&a, CKA_TOKEN, token);
        add_bool(&b, CKA_TOKEN, token);
        if (set)
                add_number(&a, CKA_PARAMETER_SET, set);
        for (size_t i = 0; i < a.n; i++)
                public_list[i] = &a.rows[i];
        for (size_t i = 0; i < b.n; i++)
                private_list[i] = &b.rows[i];
        m.number = mechanism;
        in.mechanism = &m;
        in.public_template = public_list;
        in.n_public_template = a.n;
        in.private_template = private_list;
        in.n_private_template = b.n;
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        response = ask(c, &r);
        if (response->status == 0 && token) {
                name_object(pub, response->key_pair->public_key);
                name_object(priv, response->key_pair->private_key);
        }
        return response->status;
}

static uint32_t sign(struct caller *c, struct named *key, uint64_t mechanism, uint8_t *out, size_t *n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest in = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = (ProtobufCBinaryData){ 4, (uint8_t *)(uintptr_t) "data" };
        r.sign = &in;
        r.body_case = CHSM__REQUEST__BODY_SIGN;
        assert_int_equal(vault_cost(c->hsm->vault, &r) == VAULT_SLOW, mechanism == CKM_SLH_DSA);
        response = ask(c, &r);
        if (response->status == 0) {
                *n = response->data->data.len;
                memcpy(out, response->data->data.data, *n);
        }
        return response->status;
}

static uint32_t verify(struct caller *c, struct named *key, uint64_t mechanism, uint8_t *signature, size_t n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__VerifyRequest in = CHSM__VERIFY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = (ProtobufCBinaryData){ 4, (uint8_t *)(uintptr_t) "data" };
        in.signature = (ProtobufCBinaryData){ n, signature };
        r.verify = &in;
        r.body_case = CHSM__REQUEST__BODY_VERIFY;
        return ask(c, &r)->status;
}

static void pairs_sign(struct caller *cu, uint64_t maker, uint64_t user, uint64_t set, size_t public_n,
                       size_t signature_n)
{
        static uint8_t signature[50000], value[3000];
        struct named pub, priv;
        size_t n = 0;

        assert_int_equal(make(cu, true, maker, 0, &pub, &priv), CKR_TEMPLATE_INCOMPLETE);
        assert_int_equal(make(cu, true, maker, 99, &pub, &priv), CKR_PARAMETER_SET_NOT_SUPPORTED);
        assert_int_equal(make(cu, false, maker, set, &pub, &priv), 0);
        assert_int_equal(make(cu, true, maker, set, &pub, &priv), 0);
        assert_int_equal(get_attribute(cu, &pub, CKA_VALUE, value, sizeof(value), &n), 0);
        assert_int_equal(n, public_n);
        assert_int_equal(get_attribute(cu, &priv, CKA_PARAMETER_SET, value, sizeof(value), &n), 0);
        assert_int_equal(value[7], set);
        assert_int_equal(get_attribute(cu, &priv, CKA_VALUE, value, sizeof(value), &n),
                         CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(get_attribute(cu, &priv, CKA_SEED, value, sizeof(value), &n),
                         maker == CKM_ML_DSA_KEY_PAIR_GEN ? CKR_ATTRIBUTE_SENSITIVE
                                                          : CKR_ATTRIBUTE_TYPE_INVALID);
        assert_int_equal(sign(cu, &priv, user, signature, &n), 0);
        assert_int_equal(n, signature_n);
        assert_int_equal(verify(cu, &pub, user, signature, n), 0);
        signature[9] ^= 1;
        assert_int_equal(verify(cu, &pub, user, signature, n), CKR_SIGNATURE_INVALID);
        assert_int_equal(sign(cu, &pub, user, signature, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(destroy(cu, &pub), 0);
        assert_int_equal(destroy(cu, &priv), 0);
}

static void parameter_sets_are_there_or_nobody_sees_them(void **state)
{
        struct hsm *hsm = *state;
        struct caller cu = caller_cu(hsm, "cu1");
        unsigned major = 0, minor = 0;
        struct named pub, priv;
        bool present;

        assert_int_equal(sscanf(crypto_library_version(hsm->crypto), "OpenSSL %u.%u", &major, &minor), 2);
        present = major > 3 || (major == 3 && minor >= 5);
        assert_int_equal(offered(&cu, CKM_ML_DSA), present);
        assert_int_equal(offered(&cu, CKM_HASH_SLH_DSA_SHAKE256), present);
        if (present) {
                pairs_sign(&cu, CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKP_ML_DSA_87, 2592, 4627);
                pairs_sign(&cu, CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKP_SLH_DSA_SHA2_256F, 64, 49856);
        } else {
                assert_int_equal(make(&cu, true, CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44, &pub, &priv),
                                 CKR_MECHANISM_INVALID);
                assert_int_equal(make(&cu, false, CKM_SLH_DSA_KEY_PAIR_GEN, 1, &pub, &priv),
                                 CKR_MECHANISM_INVALID);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parameter_sets_are_there_or_nobody_sees_them),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
