/* A strict partition and a documented one asked for the same weak keys. */
#include "hsm.h"

static const uint8_t p192[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01 };
static const uint8_t x25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x6e };
static const uint8_t three[] = { 3 };

/* One row, one template: how each of the two answers. */
static const struct {
        uint64_t mechanism, bits;
        const uint8_t *exponent, *curve;
        size_t curve_n;
        uint32_t strict;
} rows[] = {
        { CKM_RSA_PKCS_KEY_PAIR_GEN, 1024, NULL, NULL, 0, CKR_KEY_SIZE_RANGE },
        { CKM_RSA_X9_31_KEY_PAIR_GEN, 1024, NULL, NULL, 0, CKR_KEY_SIZE_RANGE },
        { CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, three, NULL, 0, CKR_KEY_SIZE_RANGE },
        { CKM_EC_KEY_PAIR_GEN, 0, NULL, p192, sizeof(p192), CKR_CURVE_NOT_SUPPORTED },
        { CKM_EC_KEY_PAIR_GEN, 0, NULL, x25519, sizeof(x25519), CKR_CURVE_NOT_SUPPORTED },
        { CKM_EC_MONTGOMERY_KEY_PAIR_GEN, 0, NULL, x25519, sizeof(x25519), CKR_MECHANISM_INVALID },
};

static uint32_t make(struct caller *c, size_t row)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes pub = { .n = 0 }, priv = { .n = 0 };
        Chsm__Attribute *public_list[4], *private_list[4];

        if (rows[row].bits)
                add_number(&pub, CKA_MODULUS_BITS, rows[row].bits);
        if (rows[row].exponent)
                add_bytes(&pub, CKA_PUBLIC_EXPONENT, slice_of(rows[row].exponent, 1));
        if (rows[row].curve)
                add_bytes(&pub, CKA_EC_PARAMS, slice_of(rows[row].curve, rows[row].curve_n));
        if (rows[row].curve == x25519)
                add_bool(&priv, CKA_DERIVE, true);
        else
                add_bool(&priv, CKA_SIGN, true);
        add_bool(&priv, CKA_EXTRACTABLE, false);
        for (size_t i = 0; i < pub.n; i++)
                public_list[i] = &pub.rows[i];
        for (size_t i = 0; i < priv.n; i++)
                private_list[i] = &priv.rows[i];
        m.number = rows[row].mechanism;
        in.mechanism = &m;
        in.public_template = public_list;
        in.n_public_template = pub.n;
        in.private_template = private_list;
        in.n_private_template = priv.n;
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        return ask(c, &r)->status;
}

static void weak_keys_are_made_with_non_fips_only(void **state)
{
        struct hsm *documented = hsm_ready(), *strict = hsm_ready_as("strict");
        struct caller a = caller_cu(documented, "cu1"), b = caller_cu(strict, "cu1");

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(make(&a, i), 0);
                assert_int_equal(make(&b, i), rows[i].strict);
        }
        hsm_free(documented);
        hsm_free(strict);
}

static uint32_t sign_bytes(struct caller *c, struct named *key, const char *head, size_t head_n, size_t n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest in = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        uint8_t data[64] = { 0 };

        memcpy(data, head, head_n);
        m.number = CKM_RSA_PKCS;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = (ProtobufCBinaryData){ n, data };
        r.sign = &in;
        r.body_case = CHSM__REQUEST__BODY_SIGN;
        return ask(c, &r)->status;
}

static void old_hashes_in_a_digest_info_are_not_signed(void **state)
{
        static const struct {
                const char *head;
                size_t head_n, n;
                uint32_t strict;
        } infos[] = {
                { "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", 15, 35, CKR_DATA_INVALID },
                { "\x30\x1f\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a\x04\x14", 13, 33, CKR_DATA_INVALID },
                { "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10", 18, 34,
                  CKR_DATA_INVALID },
                { "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19, 51, 0 },
                { "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", 15, 36, 0 }, /* none */
        };
        struct hsm *documented = hsm_ready(), *strict = hsm_ready_as("strict");
        struct caller a = caller_cu(documented, "cu1"), b = caller_cu(strict, "cu1");
        struct attributes signs = { .n = 0 }, kept = { .n = 0 };
        struct named pub, of_a, of_b;

        (void)state;
        add_bool(&signs, CKA_SIGN, true);
        assert_int_equal(make_pair(&a, CKM_RSA_PKCS_KEY_PAIR_GEN, false, NULL, &signs, &pub, &of_a), 0);
        add_bool(&kept, CKA_SIGN, true);
        add_bool(&kept, CKA_EXTRACTABLE, false);
        assert_int_equal(make_pair(&b, CKM_RSA_PKCS_KEY_PAIR_GEN, false, NULL, &kept, &pub, &of_b), 0);
        for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
                assert_int_equal(sign_bytes(&a, &of_a, infos[i].head, infos[i].head_n, infos[i].n), 0);
                assert_int_equal(sign_bytes(&b, &of_b, infos[i].head, infos[i].head_n, infos[i].n),
                                 infos[i].strict);
                if (infos[i].strict)
                        assert_non_null(strstr(strict->detail, "DigestInfo"));
        }
        hsm_free(documented);
        hsm_free(strict);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(weak_keys_are_made_with_non_fips_only),
                cmocka_unit_test(old_hashes_in_a_digest_info_are_not_signed),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
