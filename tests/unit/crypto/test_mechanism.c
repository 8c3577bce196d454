/* Every signature mechanism, checked by the openssl program; refusals of bad input. */
#include "engine.h"

#include <inttypes.h>

static char *folder;

static void write_file(const char *name, struct slice bytes)
{
        char path[200];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
        fclose(f);
}

static bool openssl_accepts(const char *options)
{
        char command[600];

        snprintf(command, sizeof(command), "cd %s && openssl %s >/dev/null 2>&1", folder, options);
        return system(command) == 0;
}

static struct ck_mech_param pss(uint64_t hash, uint32_t mgf, uint32_t salt)
{
        struct ck_mech_param p = { .kind = CK_PARAM_PSS, .present = true };

        p.u.pss.hash = hash;
        p.u.pss.mgf = mgf;
        p.u.pss.salt_len = salt;
        return p;
}

struct sign_row {
        uint64_t mechanism;
        uint64_t hash;
        uint32_t mgf;
        const char *openssl; /* digest name, or NULL: none */
};

static void put_der_half(struct buf *out, struct slice half)
{
        while (half.n > 1 && half.p[0] == 0)
                half = slice_of(half.p + 1, half.n - 1);
        buf_put_u8(out, 2);
        buf_put_u8(out, (uint8_t)(half.n + (half.p[0] >> 7)));
        if (half.p[0] >> 7)
                buf_put_u8(out, 0);
        buf_put_slice(out, half);
}

static void sign_and_show(struct crypto_key *priv, struct crypto_key *pub, const struct sign_row *row,
                          const char *verify_options)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(row->mechanism);
        struct ck_mech_param param = row->hash ? pss(row->hash, row->mgf, 20) : (struct ck_mech_param){ 0 };
        uint8_t signature[1024];
        size_t n = sizeof(signature);
        struct slice data = SLICE_LIT("what is signed\n");
        struct err err = ERR_INIT;
        char options[400];

        assert_non_null(m);
        assert_true(crypto_operation_check(m, CRYPTO_SIGN, priv, &param, &err));
        for (int again = 0; again < 3; again++) { /* the second one runs on the cached context */
                n = sizeof(signature);
                assert_true(crypto_sign(engine, m, &param, priv, data, signature, &n, &err));
                assert_true(crypto_verify(engine, m, &param, pub, data, slice_of(signature, n), &err));
        }
        assert_int_equal(n, crypto_output_max(m, CRYPTO_SIGN, priv, &param, data.n));
        write_file("data", data);
        if (crypto_key_type(priv) == CKK_EC) {
                struct buf body = BUF_INIT, der = BUF_INIT;
                put_der_half(&body, slice_of(signature, n / 2));
                put_der_half(&body, slice_of(signature + n / 2, n / 2));
                buf_put_u8(&der, 0x30);
                buf_put_u8(&der, (uint8_t)body.n);
                buf_put_slice(&der, buf_slice(&body));
                write_file("signature", buf_slice(&der));
                buf_clear(&body);
                buf_clear(&der);
        } else {
                write_file("signature", slice_of(signature, n));
        }
        snprintf(options, sizeof(options), "dgst -%s -verify pub.pem %s -signature signature data",
                 row->openssl, verify_options);
        assert_true(openssl_accepts(options));
        signature[n / 2] ^= 1;
        assert_false(crypto_verify(engine, m, &param, pub, data, slice_of(signature, n), &err));
        assert_int_equal(err.id, ERR_SIGNATURE);
        assert_false(crypto_verify(engine, m, &param, pub, data, slice_of(signature, n - 1), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
}

static void make_pair(struct crypto_key_spec spec, struct crypto_key **priv, struct crypto_key **pub)
{
        struct buf pem = BUF_INIT;
        struct err err = ERR_INIT;

        assert_true(crypto_key_pair_generate(engine, &spec, priv, pub, &err));
        assert_true(crypto_key_public_pem(*pub, &pem, &err));
        write_file("pub.pem", buf_slice(&pem));
        buf_clear(&pem);
}

static void rsa_signatures_satisfy_openssl(void **state)
{
        static const struct sign_row v15[] = {
                { CKM_SHA1_RSA_PKCS, 0, 0, "sha1" },     { CKM_SHA224_RSA_PKCS, 0, 0, "sha224" },
                { CKM_SHA256_RSA_PKCS, 0, 0, "sha256" }, { CKM_SHA384_RSA_PKCS, 0, 0, "sha384" },
                { CKM_SHA512_RSA_PKCS, 0, 0, "sha512" },
        };
        static const struct sign_row with_salt[] = {
                { CKM_SHA1_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, "sha1" },
                { CKM_SHA224_RSA_PKCS_PSS, CKM_SHA224, CKG_MGF1_SHA224, "sha224" },
                { CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, "sha256" },
                { CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, "sha384" },
                { CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, "sha512" },
        };
        struct crypto_key *priv, *pub;

        (void)state;
        make_pair(spec_rsa(2048), &priv, &pub);
        for (size_t i = 0; i < 5; i++) {
                sign_and_show(priv, pub, &v15[i], "");
                sign_and_show(priv, pub, &with_salt[i],
                              "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20");
        }
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

static void ecdsa_signatures_satisfy_openssl(void **state)
{
        static const struct sign_row rows[] = {
                { CKM_ECDSA_SHA1, 0, 0, "sha1" },     { CKM_ECDSA_SHA224, 0, 0, "sha224" },
                { CKM_ECDSA_SHA256, 0, 0, "sha256" }, { CKM_ECDSA_SHA384, 0, 0, "sha384" },
                { CKM_ECDSA_SHA512, 0, 0, "sha512" },
        };
        struct crypto_key *priv, *pub;

        (void)state;
        make_pair(spec_p256(), &priv, &pub);
        for (size_t i = 0; i < 5; i++) {
                for (int many = 0; many < 4; many++) /* short halves come up now and then */
                        sign_and_show(priv, pub, &rows[i], "");
        }
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

/* On P-521 the first byte of a half is 0 in one of two cases; without both of them the signature is still
 * one. */
static void ecdsa_halves_may_be_narrow(void **state)
{
        static const uint8_t p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_ECDSA_SHA512);
        const struct ck_mech_param none = { 0 };
        struct crypto_key_spec spec = spec_p256();
        struct crypto_key *priv, *pub;
        struct slice data = SLICE_LIT("what is signed");
        uint8_t signature[132], narrow[130];
        size_t n;
        struct err err = ERR_INIT;

        (void)state;
        spec.curve = slice_of(p521, sizeof(p521));
        make_pair(spec, &priv, &pub);
        do {
                n = sizeof(signature);
                assert_true(crypto_sign(engine, m, &none, priv, data, signature, &n, &err));
        } while (signature[0] || signature[66]);
        memcpy(narrow, signature + 1, 65);
        memcpy(narrow + 65, signature + 67, 65);
        assert_true(crypto_verify(engine, m, &none, pub, data, slice_of(narrow, 130), &err));
        narrow[5] ^= 1;
        assert_false(crypto_verify(engine, m, &none, pub, data, slice_of(narrow, 130), &err));
        assert_int_equal(err.id, ERR_SIGNATURE);
        assert_false(crypto_verify(engine, m, &none, pub, data, slice_of(narrow, 129), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
        assert_false(crypto_verify(engine, m, &none, pub, data, SLICE_EMPTY, &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

static void openssl_encrypts_and_we_decrypt(void **state)
{
        struct crypto_key *priv, *pub;
        uint8_t sealed[256], plain[256];
        size_t n;
        char path[200];
        FILE *f;
        struct err err = ERR_INIT;
        struct ck_mech_param oaep = { .kind = CK_PARAM_OAEP, .present = true };
        const struct crypto_mechanism *v15 = crypto_mechanism_find(CKM_RSA_PKCS);

        (void)state;
        oaep.u.oaep = (struct ck_mech_oaep){ CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, SLICE_EMPTY };
        make_pair(spec_rsa(2048), &priv, &pub);
        write_file("data", SLICE_LIT("hello"));
        for (int i = 0; i < 2; i++) {
                const struct crypto_mechanism *m = i ? crypto_mechanism_find(CKM_RSA_PKCS_OAEP) : v15;
                struct ck_mech_param none = { 0 };

                assert_true(
                    openssl_accepts(i ? "pkeyutl -encrypt -pubin -inkey pub.pem -in data -out sealed "
                                        "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
                                      : "pkeyutl -encrypt -pubin -inkey pub.pem -in data -out sealed"));
                snprintf(path, sizeof(path), "%s/sealed", folder);
                f = fopen(path, "rb");
                assert_int_equal(fread(sealed, 1, 256, f), 256);
                fclose(f);
                n = sizeof(plain);
                assert_true(crypto_decrypt(engine, m, i ? &oaep : &none, priv, slice_of(sealed, 256), plain,
                                           &n, &err));
                assert_true(slice_equal(slice_of(plain, n), SLICE_LIT("hello")));
        }
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

/* Blocks made with raw public RSA: each wrong form gives the same code and the same words. key-rules E02. */
static void bad_padding_says_nothing(void **state)
{
        const struct crypto_mechanism *raw = crypto_mechanism_find(CKM_RSA_X_509),
                                      *v15 = crypto_mechanism_find(CKM_RSA_PKCS);
        struct crypto_key *priv, *pub;
        struct ck_mech_param none = { 0 };
        struct err err = ERR_INIT;
        char words[ERR_DETAIL_MAX] = "";

        (void)state;
        make_pair(spec_rsa(2048), &priv, &pub);
        for (int form = 0; form < 6; form++) {
                uint8_t block[256], sealed[256], plain[256];
                size_t n = sizeof(sealed);

                memset(block, 0x55, sizeof(block));
                block[0] = 0;
                block[1] = 2;
                block[200] = 0;
                if (form == 1)
                        block[1] = 1; /* a signature's block */
                if (form == 2)
                        block[200] = 0x55; /* no separator */
                if (form == 3)
                        block[9] = 0; /* padding of 7 bytes */
                if (form == 4)
                        block[0] = 1; /* still below the modulus, whose top bit is set */
                if (form == 5)
                        block[2] = 0;
                assert_true(
                    crypto_encrypt(engine, raw, &none, pub, slice_of(block, 256), sealed, &n, NULL, &err));
                n = sizeof(plain);
                if (form == 0) {
                        assert_true(
                            crypto_decrypt(engine, v15, &none, priv, slice_of(sealed, 256), plain, &n, &err));
                        assert_int_equal(n, 55);
                        continue;
                }
                assert_false(
                    crypto_decrypt(engine, v15, &none, priv, slice_of(sealed, 256), plain, &n, &err));
                assert_int_equal(err.id, ERR_ENCRYPTED_DATA);
                if (words[0])
                        assert_string_equal(words, err.detail);
                snprintf(words, sizeof(words), "%s", err.detail);
        }
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
}

static void gcm_makes_its_own_iv_and_finds_changes(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_GCM);
        struct crypto_key *key =
            secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        struct ck_mech_param p = { .kind = CK_PARAM_GCM, .present = true };
        uint8_t iv[16] = { 0 }, zero[12] = { 0 }, sealed[64], plain[64];
        size_t n = sizeof(sealed), plain_n = sizeof(plain);
        struct err err = ERR_INIT;

        (void)state;
        p.u.gcm.iv = slice_of(zero, 12);
        p.u.gcm.aad = SLICE_LIT("header");
        p.u.gcm.tag_bits = 128;
        assert_true(crypto_encrypt(engine, m, &p, key, SLICE_LIT("thirteen byte"), sealed, &n, iv, &err));
        assert_int_equal(n, 29);
        assert_memory_not_equal(iv, zero, 12);
        p.u.gcm.iv = slice_of(iv, 12);
        assert_true(crypto_decrypt(engine, m, &p, key, slice_of(sealed, n), plain, &plain_n, &err));
        assert_true(slice_equal(slice_of(plain, plain_n), SLICE_LIT("thirteen byte")));
        for (size_t i = 0; i < n; i++) {
                sealed[i] ^= 0x80;
                assert_false(crypto_decrypt(engine, m, &p, key, slice_of(sealed, n), plain, &plain_n, &err));
                assert_int_equal(err.id, ERR_AEAD);
                sealed[i] ^= 0x80;
        }
        p.u.gcm.tag_bits = 40;
        assert_false(crypto_operation_check(m, CRYPTO_ENCRYPT, key, &p, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        crypto_key_unref(&key);
}

static void counter_may_not_wrap(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_CTR);
        struct crypto_key *key = secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f");
        struct ck_mech_param p = { .kind = CK_PARAM_CTR, .present = true };
        uint8_t data[64] = { 0 }, out[96];
        size_t n = sizeof(out);
        struct err err = ERR_INIT;

        (void)state;
        p.u.ctr.bits = 8;
        p.u.ctr.block[15] = 0xfe;
        assert_true(crypto_encrypt(engine, m, &p, key, slice_of(data, 32), out, &n, NULL, &err));
        assert_false(crypto_encrypt(engine, m, &p, key, slice_of(data, 33), out, &n, NULL, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        crypto_key_unref(&key);
}

static void rows_are_ascending_and_complete(void **state)
{
        const struct crypto_mechanism *m;
        uint64_t before = 0;

        (void)state;
        for (size_t i = 0; (m = crypto_mechanism_at(i)) != NULL; i++) {
                if (i && crypto_mechanism_number(m) <= before)
                        print_error("0x%" PRIx64 " after 0x%" PRIx64 "\n", crypto_mechanism_number(m),
                                    before);
                assert_true(i == 0 || crypto_mechanism_number(m) > before);
                before = crypto_mechanism_number(m);
                assert_ptr_equal(crypto_mechanism_find(before), m);
                assert_true(crypto_mechanism_functions(m) != 0);
        }
        assert_null(crypto_mechanism_find(0xdeadbeef));
}

static void wrong_keys_are_refused_in_order(void **state)
{
        struct crypto_key *aes = secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f");
        struct err err = ERR_INIT;
        struct ck_mech_param none = { 0 };

        (void)state;
        assert_false(crypto_operation_check(NULL, CRYPTO_SIGN, aes, &none, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
        assert_false(
            crypto_operation_check(crypto_mechanism_find(CKM_SHA256), CRYPTO_SIGN, aes, &none, &err));
        assert_int_equal(err.id, ERR_MECHANISM);
        assert_false(crypto_operation_check(crypto_mechanism_find(CKM_ECDSA), CRYPTO_SIGN, aes, &none, &err));
        assert_int_equal(err.id, ERR_KEY_TYPE);
        assert_false(
            crypto_operation_check(crypto_mechanism_find(CKM_AES_CBC), CRYPTO_ENCRYPT, aes, &none, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        crypto_key_unref(&aes);
}

static int open_all(void **state)
{
        folder = scratch_make();
        return engine_open(state);
}

static int close_all(void **state)
{
        scratch_remove(folder);
        return engine_close(state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_are_ascending_and_complete),
                cmocka_unit_test(wrong_keys_are_refused_in_order),
                cmocka_unit_test(rsa_signatures_satisfy_openssl),
                cmocka_unit_test(ecdsa_signatures_satisfy_openssl),
                cmocka_unit_test(ecdsa_halves_may_be_narrow),
                cmocka_unit_test(openssl_encrypts_and_we_decrypt),
                cmocka_unit_test(bad_padding_says_nothing),
                cmocka_unit_test(gcm_makes_its_own_iv_and_finds_changes),
                cmocka_unit_test(counter_may_not_wrap),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, open_all, close_all);
}
