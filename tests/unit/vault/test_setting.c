/* The partition's profile and settings: chosen before the activation, only tightened afterwards. */
#include "hsm.h"

#include "ck/mechanism_param.h"

#define REJECTED 0x200 /* CKR_FUNCTION_REJECTED */
#define BAD      0x7   /* CKR_ARGUMENTS_BAD */

static const Chsm__PolicyResponse *policy(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetPolicyRequest in = CHSM__GET_POLICY_REQUEST__INIT;
        const Chsm__Response *response;

        r.get_policy = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_POLICY;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        return response->policy;
}

static unsigned setting(struct caller *c, const char *name)
{
        const Chsm__PolicyResponse *r = policy(c);

        for (size_t i = 0; i < r->n_settings; i++) {
                if (strcmp(r->settings[i]->name, name) == 0)
                        return r->settings[i]->value;
        }
        fail_msg("getPolicy does not tell '%s'", name);
        return 0;
}

static void assert_profile(struct caller *c, const char *name)
{
        assert_string_equal(policy(c)->profile, name);
}

static void a_new_partition_is_as_documented(void **state)
{
        struct hsm *h = hsm_new();
        struct caller c = caller_new(h);

        (void)state;
        assert_profile(&c, "documented");
        assert_int_equal(setting(&c, "separate_roles"), 0);
        assert_int_equal(setting(&c, "non_fips"), 1);
        assert_int_equal(setting(&c, "allow_nonsensitive_session"), 1);
        assert_int_equal(setting(&c, "public_before_login"), 1);
        hsm_free(h);
}

static void the_owner_chooses_before_the_activation_and_nobody_loosens_it(void **state)
{
        struct hsm *h = hsm_new();
        struct caller preco = caller_new(h), nobody, co, cu;

        (void)state;
        assert_int_equal(caller_login(&preco, 6, "admin", "tenantadmin"), 0);
        assert_int_equal(caller_set_policy(&preco, "profile", "strict"), REJECTED); /* not owned yet */
        hsm_own(h, &preco);
        nobody = caller_new(h);
        assert_int_equal(caller_set_policy(&nobody, "profile", "strict"), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_set_policy(&preco, "profile", "strict"), 0);
        assert_int_equal(setting(&preco, "non_fips"), 0);
        assert_int_equal(caller_set_policy(&preco, "non_fips", "1"), REJECTED); /* looser than strict */
        assert_int_equal(caller_set_policy(&preco, "profile", "verified"), 0);
        assert_int_equal(caller_set_policy(&preco, "non_fips", "0"), 0);
        assert_int_equal(caller_set_policy(&preco, "non_fips", "1"), 0); /* still his to choose */
        hsm_activate(&preco);
        co = caller_co(h);
        assert_int_equal(caller_create_user(&co, 1, "cu1", "user1234"), 0);
        cu = caller_cu(h, "cu1");
        assert_int_equal(caller_set_policy(&cu, "non_fips", "0"), REJECTED); /* a role of its own */
        assert_int_equal(caller_set_policy(&co, "profile", "documented"), REJECTED);
        assert_int_equal(caller_set_policy(&co, "separate_roles", "0"), REJECTED);
        assert_profile(&co, "verified");
        assert_int_equal(caller_set_policy(&co, "wrap_strength", "2"), 0);
        assert_int_equal(caller_set_policy(&co, "wrap_strength", "1"), REJECTED);
        assert_int_equal(caller_set_policy(&co, "profile", "strict"), 0);
        assert_profile(&co, "strict");
        assert_int_equal(setting(&co, "wrap_strength"), 2); /* tighter than the profile stays */
        hsm_restart(h);
        assert_profile(&co, "strict");
        assert_int_equal(setting(&co, "wrap_strength"), 2);
        hsm_free(h);
}

static void what_cannot_be_kept_is_refused(void **state)
{
        struct hsm *h = hsm_new();
        struct caller preco;

        (void)state;
        hsm_own(h, &preco);
        assert_int_equal(caller_set_policy(&preco, "profile", "lenient"), BAD);
        assert_int_equal(caller_set_policy(&preco, "colour", "1"), BAD);
        assert_int_equal(caller_set_policy(&preco, "non_fips", "2"), BAD);
        assert_int_equal(caller_set_policy(&preco, "non_fips", "yes"), BAD);
        assert_int_equal(caller_set_policy(&preco, "trust_needs", "9"), BAD);
        assert_int_equal(caller_set_policy(&preco, "trust_needs", "0"), REJECTED);
        assert_int_equal(setting(&preco, "trust_needs"), 1);
        hsm_free(h);
}

/* What C_GetMechanismInfo would tell; 0: not in the list. */
static uint64_t mechanism_flags(struct caller *c, uint64_t number)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__MechanismsRequest in = CHSM__MECHANISMS_REQUEST__INIT;
        const Chsm__Response *response;

        r.mechanisms = &in;
        r.body_case = CHSM__REQUEST__BODY_MECHANISMS;
        response = ask(c, &r);
        for (size_t i = 0; i < response->mechanisms->n_mechanisms; i++) {
                if (response->mechanisms->mechanisms[i]->number == number)
                        return response->mechanisms->mechanisms[i]->flags;
        }
        return 0;
}

static uint32_t sign_with(struct caller *c, struct named *key, uint64_t mechanism)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest in = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        uint8_t data[32] = { 1 };

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data.data = data;
        in.data.len = sizeof(data);
        r.sign = &in;
        r.body_case = CHSM__REQUEST__BODY_SIGN;
        return ask(c, &r)->status;
}

static void mechanisms_are_offered_as_the_profile_says(void **state)
{
        struct hsm *documented = hsm_ready(), *strict = hsm_ready_as("strict");
        struct caller a = caller_cu(documented, "cu1"), b = caller_cu(strict, "cu1");
        struct attributes pub[2] = { { .n = 0 }, { .n = 0 } }, priv[2] = { { .n = 0 }, { .n = 0 } };
        struct named public_key, key[2];

        (void)state;
        assert_true(mechanism_flags(&a, CKM_RSA_X_509) & CKF_SIGN);
        assert_int_equal(mechanism_flags(&b, CKM_RSA_X_509), 0);
        assert_true(mechanism_flags(&a, CKM_SHA1_RSA_PKCS) & CKF_SIGN);
        assert_true(mechanism_flags(&b, CKM_SHA1_RSA_PKCS) & CKF_VERIFY);
        assert_false(mechanism_flags(&b, CKM_SHA1_RSA_PKCS) & CKF_SIGN);
        for (int i = 0; i < 2; i++) {
                add_bool(&priv[i], CKA_SIGN, true);
                add_bool(&pub[i], CKA_VERIFY, true);
        }
        add_bool(&priv[1], CKA_EXTRACTABLE, false);
        assert_int_equal(
            make_pair(&a, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &pub[0], &priv[0], &public_key, &key[0]), 0);
        assert_int_equal(
            make_pair(&b, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &pub[1], &priv[1], &public_key, &key[1]), 0);
        assert_int_equal(sign_with(&a, &key[0], CKM_SHA1_RSA_PKCS), 0);
        assert_int_equal(sign_with(&b, &key[1], CKM_SHA1_RSA_PKCS), CKR_MECHANISM_INVALID);
        assert_int_equal(sign_with(&b, &key[1], CKM_RSA_X_509), CKR_MECHANISM_INVALID);
        assert_int_equal(sign_with(&b, &key[1], CKM_SHA256_RSA_PKCS), 0);
        hsm_free(documented);
        hsm_free(strict);
}

static uint32_t encrypt_gcm(struct caller *c, struct named *key, const uint8_t iv[12])
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__EncryptRequest in = CHSM__ENCRYPT_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        CK_GCM_PARAMS native = { .pIv = (CK_BYTE_PTR)(uintptr_t)iv, .ulIvLen = 12, .ulTagBits = 128 };
        CK_MECHANISM mechanism = { CKM_AES_GCM, &native, sizeof(native) };
        struct buf flat = BUF_INIT;
        CK_OBJECT_HANDLE second;
        uint32_t status;

        assert_true(ck_mech_param_encode(&mechanism, &flat, &second, NULL));
        m.number = CKM_AES_GCM;
        m.parameter.data = flat.p;
        m.parameter.len = flat.n;
        in.key = &key->ref;
        in.mechanism = &m;
        r.encrypt = &in;
        r.body_case = CHSM__REQUEST__BODY_ENCRYPT;
        status = ask(c, &r)->status;
        buf_clear(&flat);
        return status;
}

static void the_strict_profile_makes_the_iv_itself(void **state)
{
        static const uint8_t asked[12] = { 0 }, chosen[12] = { 1 };
        const char *const profiles[] = { "verified", "strict" };
        const uint32_t expected[] = { 0, CKR_MECHANISM_PARAM_INVALID };

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct hsm *h = hsm_ready_as(profiles[i]);
                struct caller c = caller_cu(h, "cu1");
                struct attributes t = { .n = 0 };
                struct named key;

                add_bool(&t, CKA_ENCRYPT, true);
                add_bool(&t, CKA_EXTRACTABLE, false);
                assert_int_equal(make_aes(&c, false, &t, &key), 0);
                assert_int_equal(encrypt_gcm(&c, &key, asked), 0);
                assert_int_equal(encrypt_gcm(&c, &key, chosen), expected[i]);
                hsm_free(h);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_partition_is_as_documented),
                cmocka_unit_test(the_owner_chooses_before_the_activation_and_nobody_loosens_it),
                cmocka_unit_test(what_cannot_be_kept_is_refused),
                cmocka_unit_test(mechanisms_are_offered_as_the_profile_says),
                cmocka_unit_test(the_strict_profile_makes_the_iv_itself),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
