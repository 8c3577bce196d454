/* Signatures with recovery through requests, and the usage attributes that go with them. */
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

struct bytes {
        uint8_t p[512];
        size_t n;
};

static uint32_t recover(struct caller *c, bool signs, struct named *key, uint64_t mechanism, struct slice in,
                        struct bytes *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRecoverRequest sign = CHSM__SIGN_RECOVER_REQUEST__INIT;
        Chsm__VerifyRecoverRequest verify = CHSM__VERIFY_RECOVER_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        sign.key = verify.key = &key->ref;
        sign.mechanism = verify.mechanism = &m;
        sign.data = verify.signature = (ProtobufCBinaryData){ in.n, (uint8_t *)(uintptr_t)in.p };
        if (signs)
                r.sign_recover = &sign;
        else
                r.verify_recover = &verify;
        r.body_case = signs ? CHSM__REQUEST__BODY_SIGN_RECOVER : CHSM__REQUEST__BODY_VERIFY_RECOVER;
        response = ask(c, &r);
        if (response->status == 0 && out) {
                assert_true(response->data->data.len <= sizeof(out->p));
                out->n = response->data->data.len;
                memcpy(out->p, response->data->data.data, out->n);
        }
        return response->status;
}

static void a_pair_signs_and_recovers(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2");
        struct slice data = SLICE_LIT("thirty-five bytes, nearly a digest.");
        struct named pub, priv;
        struct bytes signature, plain;

        for (int token = 0; token < 2; token++) {
                assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, token, NULL, NULL, &pub, &priv),
                                 0);
                assert_int_equal(recover(&cu, true, &priv, CKM_RSA_PKCS, data, &signature), 0);
                assert_int_equal(
                    recover(&cu, false, &pub, CKM_RSA_PKCS, slice_of(signature.p, signature.n), &plain), 0);
                assert_true(slice_equal(slice_of(plain.p, plain.n), data));
                assert_int_equal(
                    recover(&cu, false, &pub, CKM_RSA_PKCS, slice_of(signature.p, signature.n - 1), &plain),
                    CKR_SIGNATURE_LEN_RANGE);
                signature.p[100] ^= 1;
                assert_int_equal(
                    recover(&cu, false, &pub, CKM_RSA_PKCS, slice_of(signature.p, signature.n), &plain),
                    CKR_SIGNATURE_INVALID);
                assert_int_equal(recover(&cu, true, &priv, CKM_SHA256_RSA_PKCS, data, NULL),
                                 CKR_MECHANISM_INVALID);
                assert_int_equal(recover(&cu, true, &priv, CKM_AES_CMAC, data, NULL), CKR_MECHANISM_INVALID);
                assert_int_equal(recover(&cu, true, &pub, CKM_RSA_PKCS, data, NULL),
                                 CKR_KEY_FUNCTION_NOT_PERMITTED);
                assert_int_equal(recover(&other, true, &priv, CKM_RSA_PKCS, data, NULL),
                                 CKR_KEY_HANDLE_INVALID);
                assert_int_equal(destroy(&cu, &pub), 0);
                assert_int_equal(destroy(&cu, &priv), 0);
        }
}

static uint8_t flag_of(struct caller *c, struct named *key, uint64_t type)
{
        uint8_t value[8] = { 0xff };
        size_t n = 0;

        assert_int_equal(get_attribute(c, key, type, value, sizeof(value), &n), 0);
        assert_int_equal(n, 1);
        return value[0];
}

static void recovery_goes_with_signing(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes verify = { .n = 0 }, decrypt = { .n = 0 }, loose = { .n = 0 }, tight = { .n = 0 };
        struct named pub, priv;

        /* Silent on recovery: the same as CKA_SIGN and CKA_VERIFY. */
        add_bool(&verify, CKA_VERIFY, true);
        add_bool(&decrypt, CKA_DECRYPT, true);
        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &verify, &decrypt, &pub, &priv), 0);
        assert_int_equal(flag_of(&cu, &pub, CKA_VERIFY_RECOVER), 1);
        assert_int_equal(flag_of(&cu, &priv, CKA_SIGN_RECOVER), 0);
        assert_int_equal(recover(&cu, true, &priv, CKM_RSA_PKCS, SLICE_LIT("x"), NULL),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        /* Given, and different. */
        add_bool(&loose, CKA_SIGN, false);
        add_bool(&loose, CKA_SIGN_RECOVER, true);
        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, false, NULL, &loose, &pub, &priv),
                         CKR_TEMPLATE_INCONSISTENT);
        add_bool(&tight, CKA_VERIFY, true);
        add_bool(&tight, CKA_VERIFY_RECOVER, false);
        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &tight, NULL, &pub, &priv),
                         CKR_TEMPLATE_INCONSISTENT);
        /* Other kinds of keys recover nothing. */
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, NULL, NULL, &pub, &priv), 0);
        assert_int_equal(flag_of(&cu, &priv, CKA_SIGN_RECOVER), 0);
        assert_int_equal(flag_of(&cu, &pub, CKA_VERIFY_RECOVER), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pair_signs_and_recovers),
                cmocka_unit_test(recovery_goes_with_signing),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
