/* Wrapping, unwrapping and agreement: round trips, published values, and refusals with one code. */
#include "engine.h"

static const struct ck_mech_param none = { .kind = CK_PARAM_NONE };

static bool wrap(uint64_t mechanism, const struct ck_mech_param *p, struct crypto_key *by,
                 struct crypto_key *key, struct buf *out, uint8_t iv[16], struct err *err)
{
        size_t n = 8192;
        uint8_t *at = buf_extend(out, n);
        bool ok = crypto_wrap(engine, crypto_mechanism_find(mechanism), p, by, key, at, &n, iv, err);

        out->n = ok ? n : 0;
        return ok;
}

static bool unwrap(uint64_t mechanism, const struct ck_mech_param *p, struct crypto_key *by,
                   struct slice blob, enum crypto_key_class class, uint64_t type, struct crypto_key **out,
                   struct err *err)
{
        return crypto_unwrap(engine, crypto_mechanism_find(mechanism), p, by, blob, class, type, 0, out, err);
}

static void same_key(const struct crypto_key *a, const struct crypto_key *b)
{
        struct err err = ERR_INIT;
        struct sec *one = crypto_key_material(a, &err), *other = crypto_key_material(b, &err);

        assert_true(sec_equal(sec_slice(one), sec_slice(other)));
        sec_free(&one);
        sec_free(&other);
}

/* RFC 3394 4.6: 256 bits of key data with a 256-bit key. */
static void kw_matches_the_rfc(void **state)
{
        struct crypto_key *by =
            secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        struct crypto_key *key =
            secret_of(CKK_AES, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
        struct crypto_key *back = NULL;
        struct buf expected =
            bytes_of("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
        struct buf blob = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(wrap(CKM_AES_KEY_WRAP, &none, by, key, &blob, NULL, &err));
        assert_true(slice_equal(buf_slice(&blob), buf_slice(&expected)));
        assert_true(
            unwrap(CKM_AES_KEY_WRAP, &none, by, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, &back, &err));
        same_key(key, back);
        crypto_key_unref(&back);
        for (size_t bit = 0; bit < blob.n * 8; bit++) {
                blob.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                err = ERR_INIT;
                assert_false(unwrap(CKM_AES_KEY_WRAP, &none, by, buf_slice(&blob), CRYPTO_SECRET, CKK_AES,
                                    &back, &err));
                assert_int_equal(err.id, ERR_WRAPPED_KEY);
                assert_null(back);
                blob.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        buf_clear(&blob);
        buf_clear(&expected);
        crypto_key_unref(&by);
        crypto_key_unref(&key);
}

/* A private key comes back as itself, and not as a secret key, another algorithm, or after an alteration. */
static void private_keys_keep_their_class(void **state)
{
        struct crypto_key *by = secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f"), *back = NULL;
        struct crypto_key *private_key = NULL, *public_key = NULL;
        struct crypto_key_spec spec = spec_p256();
        struct buf blob = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &private_key, &public_key, &err));
        assert_true(wrap(CKM_AES_KEY_WRAP_KWP, &none, by, private_key, &blob, NULL, &err));
        assert_true(
            unwrap(CKM_AES_KEY_WRAP_KWP, &none, by, buf_slice(&blob), CRYPTO_PRIVATE, CKK_EC, &back, &err));
        same_key(private_key, back);
        crypto_key_unref(&back);
        assert_false(unwrap(CKM_AES_KEY_WRAP_KWP, &none, by, buf_slice(&blob), CRYPTO_SECRET,
                            CKK_GENERIC_SECRET, &back, &err));
        assert_int_equal(err.id, ERR_WRAPPED_KEY);
        err = ERR_INIT;
        assert_false(
            unwrap(CKM_AES_KEY_WRAP_KWP, &none, by, buf_slice(&blob), CRYPTO_PRIVATE, CKK_RSA, &back, &err));
        assert_int_equal(err.id, ERR_WRAPPED_KEY);
        blob.n = 0;
        err = ERR_INIT;
        assert_false(wrap(CKM_AES_KEY_WRAP_KWP, &none, by, public_key, &blob, NULL, &err));
        assert_int_equal(err.id, ERR_KEY_NOT_WRAPPABLE);
        buf_clear(&blob);
        crypto_key_unref(&by);
        crypto_key_unref(&private_key);
        crypto_key_unref(&public_key);
}

/* E10: a PrivateKeyInfo says version 0 or 1; libcrypto itself would take any. */
static void other_versions_of_pkcs8_are_refused(void **state)
{
        struct crypto_key *by = secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f"), *back = NULL;
        struct crypto_key *private_key = NULL, *public_key = NULL;
        struct crypto_key_spec spec = spec_p256();
        struct sec *material;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &private_key, &public_key, &err));
        material = crypto_key_material(private_key, &err);
        for (uint8_t version = 0; version < 128; version = version < 3 ? (uint8_t)(version + 1) : 128) {
                const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_KEY_WRAP_KWP);
                uint8_t blob[512], plain[512];
                size_t n = sizeof(blob);
                bool known = version < 2;

                assert_true(sec_size(material) < sizeof(plain));
                memcpy(plain, sec_slice(material).p, sec_size(material));
                assert_int_equal(plain[3], 2); /* SEQUENCE, two bytes of length, INTEGER */
                plain[5] = version;
                err = ERR_INIT;
                assert_true(crypto_encrypt(engine, m, &none, by, slice_of(plain, sec_size(material)), blob,
                                           &n, NULL, &err));
                assert_int_equal(unwrap(CKM_AES_KEY_WRAP_KWP, &none, by, slice_of(blob, n), CRYPTO_PRIVATE,
                                        CKK_EC, &back, &err),
                                 known);
                assert_int_equal(err.id, known ? ERR_NONE : ERR_WRAPPED_KEY);
                if (known)
                        crypto_key_unref(&back);
        }
        sec_free(&material);
        crypto_key_unref(&by);
        crypto_key_unref(&private_key);
        crypto_key_unref(&public_key);
}

static void gcm_gives_its_iv_back(void **state)
{
        struct crypto_key *by = secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f"), *back = NULL;
        struct crypto_key *key = secret_of(CKK_GENERIC_SECRET, "0102030405");
        struct ck_mech_param p = { .kind = CK_PARAM_GCM, .present = true, .u.gcm = { .tag_bits = 128 } };
        struct buf blob = BUF_INIT;
        uint8_t iv[16];
        struct err err = ERR_INIT;

        (void)state;
        assert_true(wrap(CKM_AES_GCM, &p, by, key, &blob, iv, &err));
        p.u.gcm.iv = slice_of(iv, 12);
        assert_true(
            unwrap(CKM_AES_GCM, &p, by, buf_slice(&blob), CRYPTO_SECRET, CKK_GENERIC_SECRET, &back, &err));
        same_key(key, back);
        crypto_key_unref(&back);
        blob.p[0] ^= 1;
        assert_false(
            unwrap(CKM_AES_GCM, &p, by, buf_slice(&blob), CRYPTO_SECRET, CKK_GENERIC_SECRET, &back, &err));
        assert_int_equal(err.id, ERR_WRAPPED_KEY);
        buf_clear(&blob);
        crypto_key_unref(&by);
        crypto_key_unref(&key);
}

/* A block encrypted without padding: what an attacker sends. */
static void raw_blob(struct crypto_key *public_key, const uint8_t block[256], uint8_t out[256])
{
        size_t n = 256;
        struct err err = ERR_INIT;

        assert_true(crypto_encrypt(engine, crypto_mechanism_find(CKM_RSA_X_509), &none, public_key,
                                   slice_of(block, 256), out, &n, NULL, &err));
}

/* spec/key-rules.md E01: every malformed block is one code and one text. */
static void rsa_padding_tells_nothing(void **state)
{
        static const struct {
                uint8_t first, second;
                size_t zero_at; /* the separator; 0: none */
        } rows[] = { { 0, 1, 239 }, { 1, 2, 239 }, { 0, 2, 0 }, { 0, 2, 9 }, { 0, 2, 238 }, { 0, 2, 255 } };
        struct crypto_key_spec spec = spec_rsa(2048);
        struct crypto_key *private_key = NULL, *public_key = NULL, *back = NULL;
        uint8_t block[256], blob[256];
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &private_key, &public_key, &err));
        memset(block, 0x55, sizeof(block));
        block[0] = 0;
        block[1] = 2;
        block[239] = 0;
        raw_blob(public_key, block, blob);
        assert_true(unwrap(CKM_RSA_PKCS, &none, private_key, slice_of(blob, 256), CRYPTO_SECRET, CKK_AES,
                           &back, &err));
        crypto_key_unref(&back);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                memset(block, 0x55, sizeof(block));
                block[0] = rows[i].first;
                block[1] = rows[i].second;
                if (rows[i].zero_at)
                        block[rows[i].zero_at] = 0;
                if (block[0] == 1)
                        block[0] = 0, block[1] = 0x12;
                raw_blob(public_key, block, blob);
                err = ERR_INIT;
                assert_false(unwrap(CKM_RSA_PKCS, &none, private_key, slice_of(blob, 256), CRYPTO_SECRET,
                                    CKK_AES, &back, &err));
                assert_int_equal(err.id, ERR_WRAPPED_KEY);
                assert_string_equal(err.detail, "the wrapped key cannot be opened as the key asked for");
        }
        memset(blob, 0xff, sizeof(blob));
        assert_false(unwrap(CKM_RSA_PKCS, &none, private_key, slice_of(blob, 256), CRYPTO_SECRET, CKK_AES,
                            &back, &err));
        assert_int_equal(err.id, ERR_WRAPPED_KEY_LEN);
        crypto_key_unref(&private_key);
        crypto_key_unref(&public_key);
}

static bool derive(struct crypto_key *base, uint32_t kdf, struct slice point, size_t n,
                   struct crypto_key **out, struct err *err)
{
        struct ck_mech_param p = { .kind = CK_PARAM_ECDH,
                                   .present = true,
                                   .u.ecdh = { .kdf = kdf, .public_data = point } };

        return crypto_derive_key(engine, crypto_mechanism_find(CKM_ECDH1_DERIVE), &p, base, NULL,
                                 CKK_GENERIC_SECRET, n, out, err);
}

/* Both sides get one secret, from a bare or a wrapped point; X9.63 by hand gives the KDF's; bad points fail.
 */
static void both_sides_agree(void **state)
{
        struct crypto_key_spec spec = spec_p256();
        struct crypto_key *a = NULL, *a_public = NULL, *b = NULL, *b_public = NULL, *one = NULL, *two = NULL;
        struct buf pa = BUF_INIT, pb = BUF_INIT, input = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *z;
        uint8_t hash[32];

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &a, &a_public, &err));
        assert_true(crypto_key_pair_generate(engine, &spec, &b, &b_public, &err));
        assert_true(crypto_key_component(a_public, CKA_EC_POINT, &pa, &err));
        assert_true(crypto_key_component(b_public, CKA_EC_POINT, &pb, &err));
        assert_true(derive(a, CKD_NULL, buf_slice(&pb), 0, &one, &err));
        assert_true(derive(b, CKD_NULL, slice_of(pa.p + 2, pa.n - 2), 0, &two, &err));
        same_key(one, two);
        crypto_key_unref(&two);
        z = crypto_key_material(one, &err);
        buf_put_slice(&input, sec_slice(z));
        buf_put_u32(&input, 1);
        assert_true(crypto_sha256(engine, buf_slice(&input), hash));
        sec_free(&z);
        assert_true(derive(a, CKD_SHA256_KDF, buf_slice(&pb), 16, &two, &err));
        z = crypto_key_material(two, &err);
        assert_true(sec_equal(sec_slice(z), slice_of(hash, 16)));
        sec_free(&z);
        crypto_key_unref(&two);
        assert_false(derive(a, CKD_NULL, buf_slice(&pb), 33, &two, &err));
        assert_int_equal(err.id, ERR_KEY_SIZE);
        pb.p[pb.n - 1] ^= 1;
        assert_false(derive(a, CKD_NULL, buf_slice(&pb), 0, &two, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        assert_false(derive(a, CKD_NULL, slice_of(pb.p, pb.n - 1), 0, &two, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        buf_clear(&pa);
        buf_clear(&pb);
        buf_clear(&input);
        crypto_key_unref(&a);
        crypto_key_unref(&a_public);
        crypto_key_unref(&b);
        crypto_key_unref(&b_public);
        crypto_key_unref(&one);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kw_matches_the_rfc),
                cmocka_unit_test(private_keys_keep_their_class),
                cmocka_unit_test(other_versions_of_pkcs8_are_refused),
                cmocka_unit_test(gcm_gives_its_iv_back),
                cmocka_unit_test(rsa_padding_tells_nothing),
                cmocka_unit_test(both_sides_agree),
        };

        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
