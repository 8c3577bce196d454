/* Native parameters of applications: what goes in comes out on the node's side, and bad ones are refused. */
#include "ck/mechanism_param.h"
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static CK_BYTE iv[12] = { 1, 2, 3 };
static CK_BYTE ab[2] = { 'a', 'b' };
#define AB SLICE_LIT("ab")

/* What a node reads of this native parameter; the flat form is left in flat. */
static struct ck_mech_param carry(CK_MECHANISM_TYPE type, void *p, size_t n, struct buf *flat)
{
        CK_MECHANISM m = { type, p, n };
        CK_OBJECT_HANDLE second = 99;
        struct ck_mech_param out;
        struct err err = ERR_INIT;
        buf_reset(flat);
        assert_true(ck_mech_param_encode(&m, flat, &second, &err));
        assert_int_equal(second, CK_INVALID_HANDLE);
        assert_true(ck_mech_param_decode(type, buf_slice(flat), &out, &err));
        return out;
}

static void refused(CK_MECHANISM_TYPE type, void *p, size_t n)
{
        CK_MECHANISM m = { type, p, n };
        CK_OBJECT_HANDLE second = 99;
        struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        buf_put_u8(&out, 1);
        assert_false(ck_mech_param_encode(&m, &out, &second, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        assert_int_equal(out.n, 1);
        buf_clear(&out);
}

static void test_ciphers(void **state)
{
        struct buf flat = BUF_INIT;
        (void)state;
        CK_BYTE block[16] = { 1, 2, 3 };
        struct ck_mech_param p = carry(CKM_AES_CBC, block, sizeof(block), &flat);
        assert_true(p.present && slice_equal(p.u.bytes, slice_of(block, sizeof(block))));
        p = carry(CKM_DES3_CBC, block, 8, &flat);
        assert_int_equal(p.u.bytes.n, 8);
        CK_AES_CTR_PARAMS ctr = { 32, { 7, 8 } };
        p = carry(CKM_AES_CTR, &ctr, sizeof(ctr), &flat);
        assert_int_equal(p.u.ctr.bits, 32);
        assert_memory_equal(p.u.ctr.block, ctr.cb, 16);
        CK_GCM_PARAMS gcm = { iv, sizeof(iv), ~0UL, ab, sizeof(ab), 96 };
        p = carry(CKM_AES_GCM, &gcm, sizeof(gcm), &flat);
        assert_true(slice_equal(p.u.gcm.iv, slice_of(iv, sizeof(iv))));
        assert_true(slice_equal(p.u.gcm.aad, AB));
        assert_int_equal(p.u.gcm.tag_bits, 96);
        CK_CCM_PARAMS ccm = { 1000, iv, 7, NULL, 0, 16 };
        p = carry(CKM_AES_CCM, &ccm, sizeof(ccm), &flat);
        assert_int_equal(p.u.ccm.data_len, 1000);
        assert_int_equal(p.u.ccm.nonce.n, 7);
        assert_int_equal(p.u.ccm.mac_len, 16);
        CK_CHACHA20_PARAMS chacha = { ab, 16, iv, 96 };
        p = carry(CKM_CHACHA20, &chacha, sizeof(chacha), &flat);
        assert_true(slice_equal(p.u.chacha.counter, AB));
        assert_int_equal(p.u.chacha.nonce.n, 12);
        CK_SALSA20_CHACHA20_POLY1305_PARAMS poly = { iv, sizeof(iv), ab, sizeof(ab) };
        p = carry(CKM_CHACHA20_POLY1305, &poly, sizeof(poly), &flat);
        assert_int_equal(p.u.chacha_poly.nonce.n, 12);
        assert_true(slice_equal(p.u.chacha_poly.aad, AB));
        buf_clear(&flat);
}

static void test_cipher_values_out_of_range(void **state)
{
        CK_BYTE block[17] = { 1 };
        CK_AES_CTR_PARAMS ctr = { 0, { 0 } };
        CK_GCM_PARAMS gcm = { iv, sizeof(iv), 96, NULL, 0, 129 };
        (void)state;
        refused(CKM_AES_CBC, block, 15);
        refused(CKM_AES_CBC_PAD, block, 17);
        refused(CKM_DES3_CBC, block, 16);
        refused(CKM_AES_CTR, &ctr, sizeof(ctr));
        ctr.ulCounterBits = 129;
        refused(CKM_AES_CTR, &ctr, sizeof(ctr));
        refused(CKM_AES_GCM, &gcm, sizeof(gcm));
}

static void test_signatures_and_rsa(void **state)
{
        struct buf flat = BUF_INIT;
        (void)state;
        CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA384, CKG_MGF1_SHA384, 48 };
        struct ck_mech_param p = carry(CKM_SHA384_RSA_PKCS_PSS, &pss, sizeof(pss), &flat);
        assert_int_equal(p.u.pss.hash, CKM_SHA384);
        assert_int_equal(p.u.pss.salt_len, 48);
        CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA256, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, ab, sizeof(ab) };
        p = carry(CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep), &flat);
        assert_int_equal(p.u.oaep.hash, CKM_SHA256);
        assert_int_equal(p.u.oaep.mgf, CKG_MGF1_SHA1);
        assert_true(slice_equal(p.u.oaep.label, AB));
        CK_RSA_AES_KEY_WRAP_PARAMS wrap = { 256, &oaep };
        p = carry(CKM_RSA_AES_KEY_WRAP, &wrap, sizeof(wrap), &flat);
        assert_int_equal(p.u.rsa_aes.aes_bits, 256);
        assert_int_equal(p.u.rsa_aes.oaep.mgf, CKG_MGF1_SHA1);
        CK_EDDSA_PARAMS eddsa = { CK_TRUE, sizeof(ab), ab };
        p = carry(CKM_EDDSA, &eddsa, sizeof(eddsa), &flat);
        assert_true(p.u.eddsa.prehash && slice_equal(p.u.eddsa.context, AB));
        p = carry(CKM_EDDSA, NULL, 0, &flat);
        assert_false(p.present);
        CK_HASH_SIGN_ADDITIONAL_CONTEXT context = { CKH_HEDGE_REQUIRED, ab, sizeof(ab), CKM_SHA512 };
        p = carry(CKM_HASH_SLH_DSA, &context, sizeof(context), &flat);
        assert_int_equal(p.u.context.hedge, CKH_HEDGE_REQUIRED);
        assert_int_equal(p.u.context.hash, CKM_SHA512);
        CK_MAC_GENERAL_PARAMS length = 8;
        p = carry(CKM_AES_CMAC_GENERAL, &length, sizeof(length), &flat);
        assert_int_equal(p.u.number, 8);
        buf_clear(&flat);
}

static void test_derivations(void **state)
{
        struct buf flat = BUF_INIT;
        (void)state;
        CK_ECDH1_DERIVE_PARAMS ecdh = { CKD_SHA256_KDF, 2, ab, sizeof(iv), iv };
        struct ck_mech_param p = carry(CKM_ECDH1_DERIVE, &ecdh, sizeof(ecdh), &flat);
        assert_int_equal(p.u.ecdh.kdf, CKD_SHA256_KDF);
        assert_true(slice_equal(p.u.ecdh.shared, AB));
        assert_int_equal(p.u.ecdh.public_data.n, 12);
        CK_KEY_DERIVATION_STRING_DATA text = { ab, 2 };
        p = carry(CKM_CONCATENATE_BASE_AND_DATA, &text, sizeof(text), &flat);
        assert_true(slice_equal(p.u.bytes, AB));
        CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc = { { 5 }, ab, 2 };
        p = carry(CKM_AES_CBC_ENCRYPT_DATA, &cbc, sizeof(cbc), &flat);
        assert_int_equal(p.u.cbc_data.iv.n, 16);
        assert_true(slice_equal(p.u.cbc_data.data, AB));
        CK_HKDF_PARAMS hkdf = { CK_TRUE, CK_FALSE, CKM_SHA256, CKF_HKDF_SALT_DATA, ab, 2, 0, NULL, 0 };
        p = carry(CKM_HKDF_DERIVE, &hkdf, sizeof(hkdf), &flat);
        assert_true(p.u.hkdf.extract && !p.u.hkdf.expand);
        assert_true(slice_equal(p.u.hkdf.salt, AB));
        CK_PKCS5_PBKD2_PARAMS2 pbkdf2 = {
                CKZ_SALT_SPECIFIED, iv, sizeof(iv), 1000, CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0, ab, sizeof(ab)
        };
        p = carry(CKM_PKCS5_PBKD2, &pbkdf2, sizeof(pbkdf2), &flat);
        assert_int_equal(p.u.pbkdf2.iterations, 1000);
        assert_true(slice_equal(p.u.pbkdf2.password, AB));
        CK_ULONG password_n = sizeof(ab);
        CK_PKCS5_PBKD2_PARAMS old = {
                CKZ_SALT_SPECIFIED, iv, sizeof(iv), 1000, CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0, ab,
                &password_n
        };
        p = carry(CKM_PKCS5_PBKD2, &old, sizeof(old), &flat);
        assert_int_equal(p.u.pbkdf2.iterations, 1000);
        assert_true(slice_equal(p.u.pbkdf2.password, AB));
        buf_clear(&flat);
        CK_MECHANISM odd = { CKM_PKCS5_PBKD2, &pbkdf2, sizeof(pbkdf2) };
        CK_OBJECT_HANDLE none;
        struct err err = ERR_INIT;
        pbkdf2.ulPasswordLen = 70001; /* neither a length nor an address of one */
        assert_false(ck_mech_param_encode(&odd, &flat, &none, &err));
        odd.pParameter = &old;
        password_n = 65536;
        assert_false(ck_mech_param_encode(&odd, &flat, &none, &err));
        buf_clear(&flat);
}

/* Further keys travel beside the flat form; too many of them or a missing pointer are refused. */
static void further_keys(CK_SP800_108_KDF_PARAMS *kdf)
{
        CK_OBJECT_HANDLE handle;
        CK_DERIVED_KEY keys[2] = { { NULL, 0, &handle }, { NULL, 0, &handle } }, more[CK_DERIVED_MORE_MAX];
        CK_MECHANISM m = { CKM_SP800_108_COUNTER_KDF, kdf, sizeof(*kdf) };
        size_t n;

        assert_true(ck_mech_param_more(&m, more, &n) && n == 0);
        kdf->ulAdditionalDerivedKeys = 2;
        assert_false(ck_mech_param_more(&m, more, &n));
        kdf->pAdditionalDerivedKeys = keys;
        assert_true(ck_mech_param_more(&m, more, &n) && n == 2);
        assert_ptr_equal(more[1].phKey, &handle);
        kdf->ulAdditionalDerivedKeys = CK_DERIVED_MORE_MAX + 1;
        assert_false(ck_mech_param_more(&m, more, &n));
        kdf->ulAdditionalDerivedKeys = 2;
        keys[1].ulAttributeCount = 1;
        assert_false(ck_mech_param_more(&m, more, &n));
        keys[1] = (CK_DERIVED_KEY){ NULL, 0, NULL };
        assert_false(ck_mech_param_more(&m, more, &n));
        kdf->ulAdditionalDerivedKeys = 0;
        kdf->pAdditionalDerivedKeys = NULL;
        m.mechanism = CKM_HKDF_DERIVE;
        assert_true(ck_mech_param_more(&m, more, &n) && n == 0);
}

static void test_counter_kdf(void **state)
{
        CK_SP800_108_COUNTER_FORMAT counter = { CK_FALSE, 32 };
        CK_SP800_108_DKM_LENGTH_FORMAT length = { CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_TRUE, 16 };
        CK_PRF_DATA_PARAM pieces[] = { { CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof(counter) },
                                       { CK_SP800_108_BYTE_ARRAY, ab, sizeof(ab) },
                                       { CK_SP800_108_DKM_LENGTH, &length, sizeof(length) } };
        CK_SP800_108_KDF_PARAMS kdf = { CKM_SHA256_HMAC, 3, pieces, 0, NULL };
        struct ck_kdf_piece piece;
        struct buf flat = BUF_INIT;
        (void)state;
        struct ck_mech_param p = carry(CKM_SP800_108_COUNTER_KDF, &kdf, sizeof(kdf), &flat);
        assert_int_equal(p.u.kdf108.prf, CKM_SHA256_HMAC);
        assert_int_equal(p.u.kdf108.n, 3);
        struct reader r = reader_of(p.u.kdf108.pieces);
        assert_true(ck_kdf_piece_next(&r, &piece) && piece.formatted);
        assert_int_equal(piece.width, 32);
        assert_true(ck_kdf_piece_next(&r, &piece) && slice_equal(piece.bytes, AB));
        assert_true(ck_kdf_piece_next(&r, &piece) && piece.little_endian);
        assert_int_equal(piece.method, CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS);
        /* the lineage's older, shorter structure is taken for its own number only */
        size_t shorter = offsetof(CK_SP800_108_KDF_PARAMS, ulAdditionalDerivedKeys);
        p = carry(CKM_CLOUDHSM_SP800_108_COUNTER_KDF, &kdf, shorter, &flat);
        assert_int_equal(p.u.kdf108.n, 3);
        refused(CKM_SP800_108_COUNTER_KDF, &kdf, shorter);
        CK_SP800_108_FEEDBACK_KDF_PARAMS feedback = { CKM_SHA256_HMAC, 2, pieces, 2, ab, 0, NULL };
        p = carry(CKM_SP800_108_FEEDBACK_KDF, &feedback, sizeof(feedback), &flat);
        assert_true(slice_equal(p.u.kdf108.iv, AB));
        further_keys(&kdf);
        kdf.ulNumberOfDataParams = CK_KDF_PIECES_MAX + 1;
        refused(CKM_SP800_108_COUNTER_KDF, &kdf, sizeof(kdf));
        kdf.ulNumberOfDataParams = 3;
        pieces[0].ulValueLen = 3;
        refused(CKM_SP800_108_COUNTER_KDF, &kdf, sizeof(kdf));
        buf_clear(&flat);
}

static void test_tls(void **state)
{
        CK_VERSION version = { 3, 3 };
        CK_BYTE room[16];
        CK_SSL3_KEY_MAT_OUT out = { 0, 0, 0, 0, room, room };
        CK_TLS12_MASTER_KEY_DERIVE_PARAMS master = { { iv, 12, ab, 2 }, &version, CKM_SHA256 };
        CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS extended = { CKM_SHA384, ab, 2, NULL };
        CK_TLS12_KEY_MAT_PARAMS keys = { 160, 128, 32, CK_FALSE, { iv, 12, ab, 2 }, &out, CKM_SHA256 };
        CK_TLS_KDF_PARAMS kdf = { CKM_SHA256, ab, 2, { iv, 12, ab, 2 }, iv, 12 };
        CK_TLS_MAC_PARAMS mac = { CKM_SHA256, 12, 1 };
        struct buf flat = BUF_INIT;
        struct ck_mech_param p;

        (void)state;
        p = carry(CKM_TLS12_MASTER_KEY_DERIVE, &master, sizeof(master), &flat);
        assert_true(p.u.tls.hash == CKM_SHA256 && p.u.tls.with && p.u.tls.client.n == 12);
        assert_true(slice_equal(p.u.tls.server, AB));
        p = carry(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, &extended, sizeof(extended), &flat);
        assert_true(slice_equal(p.u.tls.label, AB) && !p.u.tls.with);
        p = carry(CKM_TLS12_KEY_AND_MAC_DERIVE, &keys, sizeof(keys), &flat);
        assert_true(p.u.tls.mac_bits == 160 && p.u.tls.key_bits == 128 && p.u.tls.iv_bits == 32);
        p = carry(CKM_TLS12_KEY_SAFE_DERIVE, &keys, sizeof(keys), &flat);
        assert_int_equal(p.u.tls.iv_bits, 0);
        p = carry(CKM_TLS_KDF, &kdf, sizeof(kdf), &flat);
        assert_true(slice_equal(p.u.tls.label, AB) && p.u.tls.with && p.u.tls.context.n == 12);
        p = carry(CKM_TLS_MAC, &mac, sizeof(mac), &flat);
        assert_true(p.u.tls_mac.length == 12 && p.u.tls_mac.who == 1);
        p = carry(CKM_TLS_PRE_MASTER_KEY_GEN, &version, sizeof(version), &flat);
        assert_true(p.u.version[0] == 3 && p.u.version[1] == 3);
        keys.bIsExport = CK_TRUE;
        refused(CKM_TLS12_KEY_AND_MAC_DERIVE, &keys, sizeof(keys));
        keys.bIsExport = CK_FALSE;
        out.pIVServer = NULL;
        refused(CKM_TLS12_KEY_AND_MAC_DERIVE, &keys, sizeof(keys));
        keys.pReturnedKeyMaterial = NULL;
        refused(CKM_TLS12_KEY_SAFE_DERIVE, &keys, sizeof(keys));
        kdf.pContextData = NULL;
        refused(CKM_TLS_KDF, &kdf, sizeof(kdf));
        master.RandomInfo.pClientRandom = NULL;
        refused(CKM_TLS12_MASTER_KEY_DERIVE, &master, sizeof(master));
        refused(CKM_TLS12_MASTER_KEY_DERIVE_DH, &master, sizeof(master) - 1);
        buf_clear(&flat);
}

static void test_second_keys_go_beside(void **state)
{
        CK_OBJECT_HANDLE key = 77, second = 0;
        CK_HKDF_PARAMS hkdf = { CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_KEY, NULL, 0, 55, ab, 2 };
        CK_MECHANISM m = { CKM_CONCATENATE_BASE_AND_KEY, &key, sizeof(key) };
        struct buf flat = BUF_INIT;
        struct err err = ERR_INIT;
        (void)state;
        assert_true(ck_mech_param_encode(&m, &flat, &second, &err));
        assert_int_equal(second, 77);
        assert_int_equal(flat.n, 0);
        m = (CK_MECHANISM){ CKM_HKDF_DERIVE, &hkdf, sizeof(hkdf) };
        assert_true(ck_mech_param_encode(&m, &flat, &second, &err));
        assert_int_equal(second, 55);
        hkdf.hSaltKey = CK_INVALID_HANDLE;
        refused(CKM_HKDF_DERIVE, &hkdf, sizeof(hkdf));
        key = CK_INVALID_HANDLE;
        refused(CKM_CONCATENATE_BASE_AND_KEY, &key, sizeof(key));
        refused(CKM_CONCATENATE_BASE_AND_KEY, NULL, 0);
        buf_clear(&flat);
}

static void test_wrong_lengths_and_pointers(void **state)
{
        CK_GCM_PARAMS gcm = { iv, sizeof(iv), 96, ab, sizeof(ab), 128 };
        CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, ~0UL };
        CK_RSA_AES_KEY_WRAP_PARAMS wrap = { 256, NULL };
        CK_EDDSA_PARAMS eddsa = { 2, 0, NULL };
        (void)state;
        for (size_t n = 0; n < sizeof(gcm); n++)
                refused(CKM_AES_GCM, &gcm, n);
        refused(CKM_AES_GCM, NULL, sizeof(gcm));
        refused(CKM_AES_GCM, &gcm, CK_UNAVAILABLE_INFORMATION);
        gcm.pIv = NULL;
        refused(CKM_AES_GCM, &gcm, sizeof(gcm));
        gcm = (CK_GCM_PARAMS){ iv, sizeof(iv), 96, ab, CK_MECH_PARAM_MAX + 1, 128 };
        refused(CKM_AES_GCM, &gcm, sizeof(gcm));
        gcm.ulAADLen = CK_UNAVAILABLE_INFORMATION;
        refused(CKM_AES_GCM, &gcm, sizeof(gcm));
        refused(CKM_RSA_PKCS_PSS, &pss, sizeof(pss));
        refused(CKM_RSA_AES_KEY_WRAP, &wrap, sizeof(wrap));
        refused(CKM_EDDSA, &eddsa, sizeof(eddsa));
        refused(CKM_RSA_PKCS, ab, sizeof(ab));
        refused(CKM_AES_CBC, NULL, 16);
        refused(CKM_AES_CBC, NULL, 0);
        refused(CKM_AES_CBC, iv, CK_UNAVAILABLE_INFORMATION);
        refused(CKM_AES_KEY_WRAP, NULL, 8);
}

static void test_unknown_mechanism(void **state)
{
        CK_MECHANISM m = { 0xdead, NULL, 0 };
        CK_OBJECT_HANDLE second = 0;
        struct buf flat = BUF_INIT;
        struct err err = ERR_INIT;
        (void)state;
        assert_false(ck_mech_param_encode(&m, &flat, &second, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ciphers),
                cmocka_unit_test(test_cipher_values_out_of_range),
                cmocka_unit_test(test_signatures_and_rsa),
                cmocka_unit_test(test_derivations),
                cmocka_unit_test(test_counter_kdf),
                cmocka_unit_test(test_tls),
                cmocka_unit_test(test_second_keys_go_beside),
                cmocka_unit_test(test_wrong_lengths_and_pointers),
                cmocka_unit_test(test_unknown_mechanism),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
