/* The header is the standard's: numbers, layouts, order of functions. */
#include "ck/cryptoki.h"
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(name, since, arguments) +1

static void test_function_lists_have_the_standard_length(void **state)
{
        (void)state;
        assert_int_equal(0 CK_FUNCTIONS_2_40(COUNT), 68);
        assert_int_equal(0 CK_FUNCTIONS_3_0(COUNT), 24);
        assert_int_equal(0 CK_FUNCTIONS_3_2(COUNT), 12);
        assert_int_equal(sizeof(CK_FUNCTION_LIST), 69 * sizeof(void *));
        assert_int_equal(sizeof(CK_FUNCTION_LIST_3_0), 93 * sizeof(void *));
        assert_int_equal(sizeof(CK_FUNCTION_LIST_3_2), 105 * sizeof(void *));
}

#define PLACE(name) ((int)(offsetof(CK_FUNCTION_LIST_3_2, name) / sizeof(void *)))

static void test_functions_stand_at_their_place(void **state)
{
        (void)state;
        assert_int_equal(PLACE(C_Initialize), 1);
        assert_int_equal(PLACE(C_GetFunctionList), 4);
        assert_int_equal(PLACE(C_OpenSession), 13);
        assert_int_equal(PLACE(C_Login), 19);
        assert_int_equal(PLACE(C_CreateObject), 21);
        assert_int_equal(PLACE(C_FindObjectsInit), 27);
        assert_int_equal(PLACE(C_EncryptInit), 30);
        assert_int_equal(PLACE(C_DigestKey), 41);
        assert_int_equal(PLACE(C_SignInit), 43);
        assert_int_equal(PLACE(C_VerifyRecover), 54);
        assert_int_equal(PLACE(C_GenerateKey), 59);
        assert_int_equal(PLACE(C_DeriveKey), 63);
        assert_int_equal(PLACE(C_WaitForSlotEvent), 68);
        assert_int_equal(PLACE(C_GetInterfaceList), 69);
        assert_int_equal(PLACE(C_LoginUser), 71);
        assert_int_equal(PLACE(C_MessageVerifyFinal), 92);
        assert_int_equal(PLACE(C_EncapsulateKey), 93);
        assert_int_equal(PLACE(C_AsyncJoin), 102);
        assert_int_equal(PLACE(C_UnwrapKeyAuthenticated), 104);
}

static void test_structures_are_not_packed(void **state)
{
        (void)state;
        assert_int_equal(sizeof(CK_VERSION), 2);
        assert_int_equal(sizeof(CK_DATE), 8);
        assert_int_equal(offsetof(CK_INFO, flags), 40);
        assert_int_equal(sizeof(CK_INFO), 88);
        assert_int_equal(sizeof(CK_SLOT_INFO), 112);
        assert_int_equal(sizeof(CK_TOKEN_INFO), 208);
        assert_int_equal(sizeof(CK_C_INITIALIZE_ARGS), 6 * sizeof(void *));
        assert_int_equal(sizeof(CK_ATTRIBUTE), 3 * sizeof(void *));
        assert_int_equal(sizeof(CK_GCM_PARAMS), 6 * sizeof(void *));
        assert_int_equal(offsetof(CK_EDDSA_PARAMS, ulContextDataLen), sizeof(void *));
        assert_int_equal(offsetof(CK_HKDF_PARAMS, prfHashMechanism), sizeof(void *));
}

static const struct {
        unsigned long is, should;
} numbers[] = {
        { CKM_RSA_PKCS, 0x1 },
        { CKM_RSA_PKCS_OAEP, 0x9 },
        { CKM_RSA_PKCS_PSS, 0xd },
        { CKM_ML_KEM, 0x17 },
        { CKM_ML_DSA, 0x1d },
        { CKM_SLH_DSA, 0x2e },
        { CKM_SHA256_RSA_PKCS, 0x40 },
        { CKM_SHA256_RSA_PKCS_PSS, 0x43 },
        { CKM_SHA224_RSA_PKCS, 0x46 },
        { CKM_SHA_1, 0x220 },
        { CKM_SHA256, 0x250 },
        { CKM_SHA256_HMAC, 0x251 },
        { CKM_SHA3_256, 0x2b0 },
        { CKM_GENERIC_SECRET_KEY_GEN, 0x350 },
        { CKM_SP800_108_COUNTER_KDF, 0x3ac },
        { CKM_PKCS5_PBKD2, 0x3b0 },
        { CKM_EC_KEY_PAIR_GEN, 0x1040 },
        { CKM_ECDSA_SHA256, 0x1044 },
        { CKM_ECDH1_DERIVE, 0x1050 },
        { CKM_RSA_AES_KEY_WRAP, 0x1054 },
        { CKM_EDDSA, 0x1057 },
        { CKM_AES_KEY_GEN, 0x1080 },
        { CKM_AES_GCM, 0x1087 },
        { CKM_AES_KEY_WRAP, 0x2109 },
        { CKM_AES_KEY_WRAP_PAD, 0x210a },
        { CKM_AES_KEY_WRAP_KWP, 0x210b },
        { CKM_AES_KEY_WRAP_PKCS7, 0x210c },
        { CKM_CHACHA20_POLY1305, 0x4021 },
        { CKM_HKDF_DERIVE, 0x402a },
        { CKM_CLOUDHSM_AES_GCM, 0x80001087 },
        { CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, 0x80002109 },
        { CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, 0x8000210a },
        { CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, 0x8000216f },
        { CKM_DES3_NIST_WRAP, 0x80008000 },
        { CKA_TRUSTED, 134 },
        { CKA_KEY_TYPE, 256 },
        { CKA_EXTRACTABLE, 354 },
        { CKA_DESTROYABLE, 370 },
        { CKA_WRAP_WITH_TRUSTED, 528 },
        { CKA_WRAP_TEMPLATE, 1073742353 },
        { CKA_UNWRAP_TEMPLATE, 1073742354 },
        { CKA_SEED, 0x637 },
        { CKK_AES, 31 },
        { CKK_EC_EDWARDS, 0x40 },
        { CKK_ML_KEM, 0x49 },
        { CKR_AEAD_DECRYPT_FAILED, 0x42 },
        { CKR_PIN_INCORRECT, 0xa0 },
        { CKR_PIN_EXPIRED, 0xa3 },
        { CKR_USER_NOT_LOGGED_IN, 0x101 },
        { CKR_OPERATION_NOT_VALIDATED, 0x207 },
        { CKG_MGF1_SHA224, 5 },
        { CKD_SHA256_KDF, 6 },
        { CK_UNAVAILABLE_INFORMATION, ~0UL },
};

static void test_numbers(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                assert_int_equal(numbers[i].is, numbers[i].should);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_function_lists_have_the_standard_length),
                cmocka_unit_test(test_functions_stand_at_their_place),
                cmocka_unit_test(test_structures_are_not_packed),
                cmocka_unit_test(test_numbers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
