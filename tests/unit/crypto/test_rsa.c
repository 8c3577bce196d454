/* RSA with every hash, mask generation hash, salt and label, checked by the openssl program both ways. */
#include "engine.h"

static char *folder;
static struct crypto_key *priv, *pub;

static const struct {
        uint64_t digest, v15, pss;
        uint32_t mgf;
        size_t size;
        const char *name;
} hashes[] = {
        { CKM_SHA_1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKG_MGF1_SHA1, 20, "sha1" },
        { CKM_SHA224, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKG_MGF1_SHA224, 28, "sha224" },
        { CKM_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKG_MGF1_SHA256, 32, "sha256" },
        { CKM_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKG_MGF1_SHA384, 48, "sha384" },
        { CKM_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKG_MGF1_SHA512, 64, "sha512" },
        { CKM_SHA3_224, CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKG_MGF1_SHA3_224, 28, "sha3-224" },
        { CKM_SHA3_256, CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKG_MGF1_SHA3_256, 32, "sha3-256" },
        { CKM_SHA3_384, CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKG_MGF1_SHA3_384, 48, "sha3-384" },
        { CKM_SHA3_512, CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKG_MGF1_SHA3_512, 64, "sha3-512" },
        { 0, CKM_MD5_RSA_PKCS, 0, 0, 16, "md5" },
};
#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

static void write_file(const char *name, struct slice bytes)
{
        char path[200];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "wbe");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
        (void)fclose(f);
}

static size_t read_file(const char *name, uint8_t *out, size_t room)
{
        char path[200];
        FILE *f;
        size_t n;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "rbe");
        assert_non_null(f);
        n = fread(out, 1, room, f);
        (void)fclose(f);
        return n;
}

static void openssl_does(const char *options)
{
        char command[800];

        snprintf(command, sizeof(command), "cd %s && openssl %s >log 2>&1 || { cat log >&2; exit 1; }",
                 folder, options);
        assert_int_equal(system(command), 0);
}

static void signs_and_verifies(uint64_t mechanism, struct ck_mech_param *p, size_t hash, const char *options)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        struct slice data = SLICE_LIT("what is signed\n");
        struct err err = ERR_INIT;
        uint8_t signature[256];
        size_t n = sizeof(signature);
        char command[400];

        assert_non_null(m);
        assert_true(crypto_operation_check(m, CRYPTO_SIGN, priv, p, &err));
        assert_true(crypto_sign(engine, m, p, priv, data, signature, &n, &err));
        write_file("signature", slice_of(signature, n));
        snprintf(command, sizeof(command), "dgst -%s -verify pub.pem %s -signature signature data",
                 hashes[hash].name, options);
        openssl_does(command);
        snprintf(command, sizeof(command), "dgst -%s -sign key.pem %s -out signature data", hashes[hash].name,
                 options);
        openssl_does(command);
        assert_int_equal(read_file("signature", signature, sizeof(signature)), 256);
        assert_true(crypto_verify(engine, m, p, pub, data, slice_of(signature, n), &err));
        assert_false(crypto_verify(engine, m, p, pub, SLICE_LIT("else"), slice_of(signature, n), &err));
        assert_int_equal(err.id, ERR_SIGNATURE);
}

static void v15_with_every_hash(void **state)
{
        (void)state;
        for (size_t i = 0; i < HASHES; i++) {
                struct ck_mech_param none = { 0 };
                signs_and_verifies(hashes[i].v15, &none, i, "");
        }
}

static struct ck_mech_param pss_of(size_t hash, size_t mgf, uint32_t salt)
{
        struct ck_mech_param p = { .kind = CK_PARAM_PSS, .present = true };

        p.u.pss.hash = hashes[hash].digest;
        p.u.pss.mgf = hashes[mgf].mgf;
        p.u.pss.salt_len = salt;
        return p;
}

/* Salts of nothing, of the hash's length, and the longest; the other hash of the mask is the next in turn. */
static void pss_with_every_hash_mask_and_salt(void **state)
{
        (void)state;
        for (size_t i = 0; i < 9; i++) {
                const uint32_t salts[] = { 0, (uint32_t)hashes[i].size, (uint32_t)(254 - hashes[i].size) };

                for (size_t k = 0; k < 3; k++) {
                        size_t mgf = (i + k) % 9;
                        struct ck_mech_param p = pss_of(i, mgf, salts[k]);
                        char options[200];

                        snprintf(options, sizeof(options),
                                 "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:%u -sigopt "
                                 "rsa_mgf1_md:%s",
                                 salts[k], hashes[mgf].name);
                        signs_and_verifies(hashes[i].pss, &p, i, options);
                }
        }
}

static void refuse_param(uint64_t mechanism, enum crypto_op op, struct ck_mech_param p)
{
        struct err err = ERR_INIT;

        assert_false(crypto_operation_check(crypto_mechanism_find(mechanism), op, priv, &p, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
}

static void pss_parameters_that_do_not_fit(void **state)
{
        struct ck_mech_param p = pss_of(2, 2, 223), wrong = pss_of(2, 2, 32);
        uint8_t signature[256];
        size_t n = sizeof(signature);
        struct err err = ERR_INIT;

        (void)state;
        refuse_param(CKM_SHA256_RSA_PKCS_PSS, CRYPTO_SIGN, p); /* one byte too long */
        p.u.pss.salt_len = UINT32_MAX;
        refuse_param(CKM_SHA256_RSA_PKCS_PSS, CRYPTO_VERIFY, p);
        refuse_param(CKM_SHA384_RSA_PKCS_PSS, CRYPTO_SIGN, pss_of(2, 3, 32)); /* another hash */
        p = pss_of(2, 2, 32);
        p.u.pss.mgf = 0;
        refuse_param(CKM_SHA256_RSA_PKCS_PSS, CRYPTO_SIGN, p);
        p.u.pss.mgf = 10;
        refuse_param(CKM_SHA256_RSA_PKCS_PSS, CRYPTO_SIGN, p);
        p = pss_of(2, 2, 32);
        p.u.pss.hash = CKM_MD5;
        refuse_param(CKM_RSA_PKCS_PSS, CRYPTO_SIGN, p);
        p.present = false;
        refuse_param(CKM_RSA_PKCS_PSS, CRYPTO_SIGN, p);
        /* A digest of another length than the parameter's hash has. */
        assert_false(crypto_sign(engine, crypto_mechanism_find(CKM_RSA_PKCS_PSS), &wrong, priv,
                                 SLICE_LIT("twenty bytes of data"), signature, &n, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        /* A signature with another salt, mask or hash than the verifier asks for. */
        n = sizeof(signature);
        assert_true(crypto_sign(engine, crypto_mechanism_find(CKM_SHA256_RSA_PKCS_PSS), &wrong, priv,
                                SLICE_LIT("x"), signature, &n, &err));
        for (int form = 0; form < 3; form++) {
                struct ck_mech_param other =
                    pss_of(form == 2 ? 6 : 2, form == 1 ? 4 : 2, form == 0 ? 20 : 32);
                assert_false(crypto_verify(
                    engine,
                    crypto_mechanism_find(form == 2 ? CKM_SHA3_256_RSA_PKCS_PSS : CKM_SHA256_RSA_PKCS_PSS),
                    &other, pub, SLICE_LIT("x"), slice_of(signature, n), &err));
                assert_int_equal(err.id, ERR_SIGNATURE);
        }
}

static void oaep_both_ways(size_t hash, size_t mgf, struct slice label, const char *label_hex)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_RSA_PKCS_OAEP);
        struct ck_mech_param p = { .kind = CK_PARAM_OAEP, .present = true };
        uint8_t data[256], sealed[256], plain[256];
        size_t longest = 254 - 2 * hashes[hash].size, n;
        struct err err = ERR_INIT;
        char command[400], options[200];

        memset(data, 0x42, sizeof(data));
        p.u.oaep = (struct ck_mech_oaep){ hashes[hash].digest, hashes[mgf].mgf, CKZ_DATA_SPECIFIED, label };
        snprintf(options, sizeof(options),
                 "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:%s -pkeyopt rsa_mgf1_md:%s %s%s",
                 hashes[hash].name, hashes[mgf].name, label.n ? "-pkeyopt rsa_oaep_label:" : "", label_hex);
        assert_true(crypto_operation_check(m, CRYPTO_ENCRYPT, pub, &p, &err));
        for (size_t k = 0; k < 3; k++) {
                size_t length = k == 0 ? 0 : k == 1 ? 1 : longest;

                n = sizeof(sealed);
                assert_true(
                    crypto_encrypt(engine, m, &p, pub, slice_of(data, length), sealed, &n, NULL, &err));
                write_file("sealed", slice_of(sealed, n));
                snprintf(command, sizeof(command), "pkeyutl -decrypt -inkey key.pem -in sealed -out plain %s",
                         options);
                openssl_does(command);
                assert_int_equal(read_file("plain", plain, sizeof(plain)), length);
                assert_memory_equal(plain, data, length);
        }
        n = sizeof(sealed);
        assert_false(crypto_encrypt(engine, m, &p, pub, slice_of(data, longest + 1), sealed, &n, NULL, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        snprintf(command, sizeof(command), "pkeyutl -encrypt -pubin -inkey pub.pem -in data -out sealed %s",
                 options);
        openssl_does(command);
        assert_int_equal(read_file("sealed", sealed, sizeof(sealed)), 256);
        n = sizeof(plain);
        assert_true(crypto_decrypt(engine, m, &p, priv, slice_of(sealed, 256), plain, &n, &err));
        assert_true(slice_equal(slice_of(plain, n), SLICE_LIT("what is signed\n")));
        sealed[100] ^= 1;
        n = sizeof(plain);
        assert_false(crypto_decrypt(engine, m, &p, priv, slice_of(sealed, 256), plain, &n, &err));
        assert_int_equal(err.id, ERR_ENCRYPTED_DATA);
}

static void oaep_with_every_hash_mask_and_label(void **state)
{
        struct ck_mech_param md5 = { .kind = CK_PARAM_OAEP, .present = true };

        (void)state;
        for (size_t i = 0; i < 9; i++)
                oaep_both_ways(i, i % 2 ? i : (i + 4) % 9, i % 3 ? SLICE_EMPTY : SLICE_LIT("label"),
                               i % 3 ? "" : "6c6162656c");
        md5.u.oaep = (struct ck_mech_oaep){ CKM_MD5, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, SLICE_EMPTY };
        refuse_param(CKM_RSA_PKCS_OAEP, CRYPTO_DECRYPT, md5);
        md5.u.oaep.hash = CKM_SHA256_RSA_PKCS;
        refuse_param(CKM_RSA_PKCS_OAEP, CRYPTO_DECRYPT, md5);
        md5.u.oaep = (struct ck_mech_oaep){ CKM_SHA_1, 0, CKZ_DATA_SPECIFIED, SLICE_EMPTY };
        refuse_param(CKM_RSA_PKCS_OAEP, CRYPTO_DECRYPT, md5);
}

/* What no signer makes: blocks with the wrong hash's name, without its NULL, with bytes behind the hash
 * (Bleichenbacher 2006), all of the right length under the raw mechanism. */
static void forged_v15_blocks_are_refused(void **state)
{
        static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
        static const uint8_t hash[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
        const struct crypto_mechanism *raw = crypto_mechanism_find(CKM_RSA_X_509),
                                      *m = crypto_mechanism_find(CKM_SHA256_RSA_PKCS);
        struct ck_mech_param none = { 0 };
        struct err err = ERR_INIT;

        (void)state;
        for (int form = 0; form < 7; form++) {
                uint8_t block[256], signature[256];
                size_t at = form == 1 ? 100 : 256 - 52, n = sizeof(signature);

                memset(block, form == 6 ? 0xee : 0xff, sizeof(block));
                block[0] = 0;
                block[1] = form == 5 ? 2 : 1;
                block[at++] = 0;
                memcpy(block + at, info, sizeof(info));
                memcpy(block + at + sizeof(info), hash, sizeof(hash));
                if (form == 2)
                        block[at + 14] = 0x02; /* SHA-384 */
                if (form == 3)
                        block[at + 15] = 0x04; /* an OCTET STRING for the NULL */
                if (form == 4)
                        block[20] = 0; /* the padding ends early */
                assert_true(crypto_sign(engine, raw, &none, priv, slice_of(block, 256), signature, &n, &err));
                assert_int_equal(
                    crypto_verify(engine, m, &none, pub, SLICE_LIT("abc"), slice_of(signature, n), &err),
                    form == 0);
                assert_int_equal(form == 0 ? ERR_SIGNATURE : err.id, ERR_SIGNATURE);
        }
}

static int open_all(void **state)
{
        struct crypto_key_spec spec = spec_rsa(2048);
        struct buf pem = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *material;

        folder = scratch_make();
        if (engine_open(state) != 0 || !crypto_key_pair_generate(engine, &spec, &priv, &pub, &err))
                return -1;
        assert_true(crypto_key_public_pem(pub, &pem, &err));
        write_file("pub.pem", buf_slice(&pem));
        buf_clear(&pem);
        material = crypto_key_material(priv, &err);
        write_file("key.der", sec_slice(material));
        sec_free(&material);
        openssl_does("pkey -inform DER -in key.der -out key.pem");
        write_file("data", SLICE_LIT("what is signed\n"));
        return 0;
}

static int close_all(void **state)
{
        crypto_key_unref(&priv);
        crypto_key_unref(&pub);
        scratch_remove(folder);
        return engine_close(state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(v15_with_every_hash),
                cmocka_unit_test(pss_with_every_hash_mask_and_salt),
                cmocka_unit_test(pss_parameters_that_do_not_fit),
                cmocka_unit_test(oaep_with_every_hash_mask_and_label),
                cmocka_unit_test(forged_v15_blocks_are_refused),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, open_all, close_all);
}
