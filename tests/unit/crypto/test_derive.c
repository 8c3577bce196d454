/* Derivations against the openssl program and by hand, and what each of them refuses. spec/key-rules.md D. */
#include "derivation.h"

#include <inttypes.h>

#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static enum err_id derive_as(uint64_t mechanism, struct slice flat, struct crypto_key *base,
                             struct crypto_key *second, uint64_t type, size_t n, struct buf *out)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        struct crypto_key *key = NULL;
        struct ck_mech_param p;
        struct err err = ERR_INIT;

        assert_non_null(m);
        *out = BUF_INIT;
        if (!ck_mech_param_decode(mechanism, flat, &p, &err) ||
            !crypto_derive_key(engine, m, &p, base, second, type, n, &key, &err)) {
                assert_null(key);
                return err.id;
        }
        *out = value_of(key);
        crypto_key_unref(&key);
        return ERR_NONE;
}

static enum err_id derive(uint64_t mechanism, struct slice flat, struct crypto_key *base, size_t n,
                          struct buf *out)
{
        return derive_as(mechanism, flat, base, NULL, CKK_GENERIC_SECRET, n, out);
}

/* What the program makes of `options`, compared with ours. */
static void same_as_program(const struct buf *ours, const char *options)
{
        char command[2000];
        uint8_t theirs[4000];
        size_t n;
        FILE *f;

        snprintf(command, sizeof(command), "openssl kdf -keylen %zu -binary %s", ours->n, options);
        f = popen(command, "r");
        assert_non_null(f);
        n = fread(theirs, 1, sizeof(theirs), f);
        assert_int_equal(pclose(f), 0);
        assert_int_equal(n, ours->n);
        assert_memory_equal(theirs, ours->p, n);
}

static const struct {
        uint64_t digest, hmac;
        const char *name;
        size_t size;
} hashes[] = {
        { CKM_SHA_1, CKM_SHA_1_HMAC, "SHA1", 20 },
        { CKM_SHA224, CKM_SHA224_HMAC, "SHA224", 28 },
        { CKM_SHA256, CKM_SHA256_HMAC, "SHA256", 32 },
        { CKM_SHA384, CKM_SHA384_HMAC, "SHA384", 48 },
        { CKM_SHA512, CKM_SHA512_HMAC, "SHA512", 64 },
        { CKM_SHA512_224, CKM_SHA512_224_HMAC, "SHA512-224", 28 },
        { CKM_SHA512_256, CKM_SHA512_256_HMAC, "SHA512-256", 32 },
        { CKM_SHA3_224, CKM_SHA3_224_HMAC, "SHA3-224", 28 },
        { CKM_SHA3_256, CKM_SHA3_256_HMAC, "SHA3-256", 32 },
        { CKM_SHA3_384, CKM_SHA3_384_HMAC, "SHA3-384", 48 },
        { CKM_SHA3_512, CKM_SHA3_512_HMAC, "SHA3-512", 64 },
};
#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

static void hkdf_is_the_program_s(void **state)
{
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, KEY_HEX);
        char options[400];

        (void)state;
        for (size_t i = 0; i < HASHES; i++) {
                struct buf flat = BUF_INIT, out;

                put_hkdf(&flat, true, true, hashes[i].digest, CKF_HKDF_SALT_DATA, SLICE_LIT("salt"),
                         SLICE_LIT("info"));
                assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 100 + i, &out), ERR_NONE);
                snprintf(options, sizeof(options),
                         "-kdfopt digest:%s -kdfopt hexkey:" KEY_HEX
                         " -kdfopt salt:salt -kdfopt info:info HKDF",
                         hashes[i].name);
                same_as_program(&out, options);
                buf_clear(&out);
                buf_clear(&flat);
        }
        crypto_key_unref(&base);
}

/* Counter and feedback mode with the layout libcrypto has: counter, label, zero, context, length. */
static void kdf108_is_the_program_s(void **state)
{
        static const uint8_t iv[64] = { 0 };
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, KEY_HEX), *aes = secret_of(CKK_AES, KEY_HEX);
        char options[500], zeros[129];

        (void)state;
        memset(zeros, '0', sizeof(zeros));
        for (size_t i = 0; i <= HASHES; i++) {
                bool cmac = i == HASHES, feedback = i % 2;
                size_t seed = cmac ? 16 : hashes[i].size;
                uint64_t m = feedback ? CKM_SP800_108_FEEDBACK_KDF : CKM_SP800_108_COUNTER_KDF;
                struct buf flat = BUF_INIT, out;

                put_kdf108(&flat, m, cmac ? CKM_AES_CMAC : hashes[i].hmac,
                           feedback ? "i c32 x6c6162656c x00 x637478 l32" : "i32 x6c6162656c x00 x637478 l32",
                           slice_of(iv, seed));
                assert_int_equal(derive(m, buf_slice(&flat), cmac ? aes : base, 77 + i, &out), ERR_NONE);
                snprintf(options, sizeof(options),
                         "-kdfopt mode:%s -kdfopt mac:%s -kdfopt %s:%s -kdfopt hexkey:" KEY_HEX
                         " -kdfopt salt:label -kdfopt info:ctx %s%.*s KBKDF",
                         feedback ? "feedback" : "counter", cmac ? "CMAC" : "HMAC",
                         cmac ? "cipher" : "digest", cmac ? "AES-256-CBC" : hashes[i].name,
                         feedback ? "-kdfopt hexseed:" : "", feedback ? (int)seed * 2 : 0, zeros);
                same_as_program(&out, options);
                buf_clear(&out);
                buf_clear(&flat);
        }
        crypto_key_unref(&base);
        crypto_key_unref(&aes);
}

/* SP 800-108 5.3 by hand: A(1) = PRF(fixed), A(2) = PRF(A(1)); K(i) = PRF(A(i) || i || fixed). */
static void the_double_pipeline_by_hand(void **state)
{
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, KEY_HEX);
        struct buf key = bytes_of(KEY_HEX), flat = BUF_INIT, out, input = BUF_INIT;
        struct slice fixed = SLICE_LIT("fixed\x02\x00"); /* 512 bits of both blocks, little-endian */
        uint8_t a[32], want[64];

        (void)state;
        put_kdf108(&flat, CKM_SP800_108_DOUBLE_PIPELINE_KDF, CKM_SHA256_HMAC, "i c8 x6669786564 S16",
                   SLICE_EMPTY);
        fixed = SLICE_LIT("fixed\x00\x02");
        assert_true(crypto_hmac_sha256(engine, buf_slice(&key), fixed, a));
        for (uint8_t i = 1; i <= 2; i++) {
                buf_reset(&input);
                buf_put(&input, a, 32);
                buf_put_u8(&input, i);
                buf_put_slice(&input, fixed);
                assert_true(
                    crypto_hmac_sha256(engine, buf_slice(&key), buf_slice(&input), want + 32 * (i - 1)));
                assert_true(crypto_hmac_sha256(engine, buf_slice(&key), slice_of(a, 32), a));
        }
        assert_int_equal(derive(CKM_SP800_108_DOUBLE_PIPELINE_KDF, buf_slice(&flat), base, 60, &out),
                         ERR_NONE);
        assert_memory_equal(out.p, want, 60);
        buf_clear(&out);
        buf_clear(&flat);
        buf_clear(&input);
        buf_clear(&key);
        crypto_key_unref(&base);
}

/* Further keys begin at new blocks, and the length pieces count all of them. */
static void several_keys_share_one_stream(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_SP800_108_COUNTER_KDF);
        struct crypto_wanted wanted[] = { { CRYPTO_SECRET, CKK_GENERIC_SECRET, 40 },
                                          { CRYPTO_SECRET, CKK_AES, 16 },
                                          { CRYPTO_SECRET, CKK_GENERIC_SECRET, 33 } };
        static const size_t at[] = { 0, 64, 96 };
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, KEY_HEX), *keys[3];
        struct buf flat = BUF_INIT, whole, one;
        struct ck_mech_param p;
        struct err err = ERR_INIT;

        (void)state;
        put_kdf108(&flat, CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, "i16 x6c x0500",
                   SLICE_EMPTY); /* 1280 bits */
        assert_int_equal(derive(CKM_SP800_108_COUNTER_KDF, buf_slice(&flat), base, 160, &whole), ERR_NONE);
        buf_reset(&flat);
        put_kdf108(&flat, CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, "i16 x6c s16", SLICE_EMPTY);
        assert_true(ck_mech_param_decode(CKM_SP800_108_COUNTER_KDF, buf_slice(&flat), &p, &err));
        assert_true(crypto_derive_keys(engine, m, &p, base, NULL, wanted, 3, keys, NULL, &err));
        for (size_t i = 0; i < 3; i++) {
                one = value_of(keys[i]);
                assert_int_equal(one.n, wanted[i].length);
                assert_memory_equal(one.p, whole.p + at[i], one.n);
                buf_clear(&one);
                crypto_key_unref(&keys[i]);
        }
        wanted[2].type = CKK_AES; /* 33 bytes are no AES key: nothing is made */
        assert_false(crypto_derive_keys(engine, m, &p, base, NULL, wanted, 3, keys, NULL, &err));
        assert_true(!keys[0] && !keys[1] && !keys[2]);
        assert_false(crypto_derive_keys(engine, crypto_mechanism_find(CKM_XOR_BASE_AND_DATA), &p, base, NULL,
                                        wanted, 2, keys, NULL, &err));
        buf_clear(&whole);
        buf_clear(&flat);
        crypto_key_unref(&base);
}

static void inputs_of_kdf108_are_strict(void **state)
{
        static const struct {
                uint64_t mechanism;
                const char *pieces;
        } rows[] = {
                { CKM_SP800_108_COUNTER_KDF, "x6c" },         /* no counter */
                { CKM_SP800_108_COUNTER_KDF, "i32 i32 x6c" }, /* two */
                { CKM_SP800_108_COUNTER_KDF, "i12 x6c" },     /* not whole bytes */
                { CKM_SP800_108_COUNTER_KDF, "i40 x6c" },     /* too wide */
                { CKM_SP800_108_COUNTER_KDF, "i x6c" },       /* without a form */
                { CKM_SP800_108_COUNTER_KDF, "i32 c32" },     /* the other modes' counter */
                { CKM_SP800_108_COUNTER_KDF, "i32 l32 s32" }, /* two lengths */
                { CKM_SP800_108_COUNTER_KDF, "i32 l72" },     /* too wide */
                { CKM_SP800_108_FEEDBACK_KDF, "c32 x6c" },    /* no chaining value */
                { CKM_SP800_108_FEEDBACK_KDF, "i i x6c" },    /* two */
                { CKM_SP800_108_FEEDBACK_KDF, "i32 x6c" },    /* it has no form */
                { CKM_SP800_108_DOUBLE_PIPELINE_KDF, "x6c" },
        };
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, KEY_HEX);
        struct buf flat = BUF_INIT, out;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                buf_reset(&flat);
                put_kdf108(&flat, rows[i].mechanism, CKM_SHA256_HMAC, rows[i].pieces, SLICE_EMPTY);
                assert_int_equal(derive(rows[i].mechanism, buf_slice(&flat), base, 32, &out),
                                 ERR_MECHANISM_PARAM);
        }
        buf_reset(&flat); /* a counter of 8 bits does not reach 256 blocks */
        put_kdf108(&flat, CKM_SP800_108_COUNTER_KDF, CKM_SHA_1_HMAC, "i8", SLICE_EMPTY);
        assert_int_equal(derive(CKM_SP800_108_COUNTER_KDF, buf_slice(&flat), base, 3072, &out), ERR_NONE);
        buf_clear(&out);
        buf_reset(&flat);
        put_kdf108(&flat, CKM_SP800_108_COUNTER_KDF, CKM_SHA256, "i32", SLICE_EMPTY); /* no keyed function */
        assert_int_equal(derive(CKM_SP800_108_COUNTER_KDF, buf_slice(&flat), base, 32, &out),
                         ERR_MECHANISM_PARAM);
        buf_reset(&flat);
        put_kdf108(&flat, CKM_SP800_108_COUNTER_KDF, CKM_AES_CMAC, "i32", SLICE_EMPTY);
        crypto_key_unref(&base);
        base = secret_of(CKK_GENERIC_SECRET, "0102030405");
        assert_int_equal(derive(CKM_SP800_108_COUNTER_KDF, buf_slice(&flat), base, 32, &out), ERR_KEY_TYPE);
        buf_clear(&flat);
        crypto_key_unref(&base);
}

static void hkdf_refuses(void **state)
{
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, KEY_HEX);
        struct buf flat = BUF_INIT, out;

        (void)state;
        put_hkdf(&flat, false, false, CKM_SHA256, CKF_HKDF_SALT_NULL, SLICE_EMPTY, SLICE_EMPTY);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 32, &out), ERR_MECHANISM_PARAM);
        buf_reset(&flat);
        put_hkdf(&flat, true, true, CKM_AES_CMAC, CKF_HKDF_SALT_NULL, SLICE_EMPTY, SLICE_EMPTY);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 32, &out), ERR_MECHANISM_PARAM);
        buf_reset(&flat);
        put_hkdf(&flat, true, true, CKM_SHA256, 3, SLICE_EMPTY, SLICE_EMPTY);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 32, &out), ERR_MECHANISM_PARAM);
        buf_reset(&flat);
        put_hkdf(&flat, true, true, CKM_SHA256, CKF_HKDF_SALT_KEY, SLICE_EMPTY, SLICE_EMPTY);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 32, &out), ERR_KEY_TYPE);
        buf_reset(&flat);
        put_hkdf(&flat, true, true, CKM_SHA256, CKF_HKDF_SALT_NULL, SLICE_EMPTY, SLICE_EMPTY);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 0, &out), ERR_TEMPLATE_INCOMPLETE);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 3073, &out), ERR_KEY_SIZE);
        assert_int_equal(derive_as(CKM_HKDF_DERIVE, buf_slice(&flat), base, NULL, CKK_AES, 20, &out),
                         ERR_KEY_SIZE);
        buf_reset(&flat);
        put_hkdf(&flat, true, false, CKM_SHA256, CKF_HKDF_SALT_NULL, SLICE_EMPTY, SLICE_EMPTY);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 33, &out), ERR_KEY_SIZE);
        assert_int_equal(derive(CKM_HKDF_DERIVE, buf_slice(&flat), base, 0, &out), ERR_NONE);
        assert_int_equal(out.n, 32);
        buf_clear(&out);
        buf_clear(&flat);
        crypto_key_unref(&base);
}

/* D04, D05: joined and mixed keys keep every byte of what they are made of. */
static void joining_and_mixing(void **state)
{
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, "00112233445566778899aabbccddeeff"),
                          *other = secret_of(CKK_GENERIC_SECRET, "0102030405060708090a0b0c0d0e0f10");
        static const uint8_t data[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
        struct buf flat = BUF_INIT, out, want;

        (void)state;
        buf_put_block(&flat, slice_of(data, 16));
        want = bytes_of("00112233445566778899aabbccddeeff0102030405060708090a0b0c0d0e0f10");
        assert_int_equal(derive_as(CKM_CONCATENATE_BASE_AND_KEY, SLICE_EMPTY, base, other, CKK_AES, 0, &out),
                         ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&want)));
        buf_clear(&out);
        assert_int_equal(derive(CKM_CONCATENATE_BASE_AND_DATA, buf_slice(&flat), base, 32, &out), ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&want)));
        buf_clear(&out);
        buf_clear(&want);
        want = bytes_of("0102030405060708090a0b0c0d0e0f1000112233445566778899aabbccddeeff");
        assert_int_equal(derive(CKM_CONCATENATE_DATA_AND_BASE, buf_slice(&flat), base, 0, &out), ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&want)));
        buf_clear(&out);
        buf_clear(&want);
        want = bytes_of("011321374153617f8193a1b7c1d3e1ef");
        assert_int_equal(derive(CKM_XOR_BASE_AND_DATA, buf_slice(&flat), base, 0, &out), ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&want)));
        buf_clear(&out);
        assert_int_equal(derive(CKM_CONCATENATE_BASE_AND_DATA, buf_slice(&flat), base, 31, &out),
                         ERR_KEY_SIZE);
        assert_int_equal(derive(CKM_CONCATENATE_DATA_AND_BASE, buf_slice(&flat), base, 16, &out),
                         ERR_KEY_SIZE);
        assert_int_equal(derive(CKM_CONCATENATE_BASE_AND_DATA, buf_slice(&flat), base, 33, &out),
                         ERR_KEY_SIZE);
        assert_int_equal(derive(CKM_XOR_BASE_AND_DATA, buf_slice(&flat), base, 8, &out), ERR_KEY_SIZE);
        assert_int_equal(derive(CKM_CONCATENATE_BASE_AND_KEY, SLICE_EMPTY, base, 0, &out), ERR_KEY_TYPE);
        buf_reset(&flat);
        buf_put_block(&flat, slice_of(data, 20)); /* what is over is not used */
        assert_int_equal(derive(CKM_XOR_BASE_AND_DATA, buf_slice(&flat), base, 16, &out), ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&want)));
        buf_clear(&out);
        buf_reset(&flat);
        buf_put_block(&flat, slice_of(data, 15));
        assert_int_equal(derive(CKM_XOR_BASE_AND_DATA, buf_slice(&flat), base, 0, &out), ERR_DATA_LEN);
        buf_reset(&flat);
        buf_put_block(&flat, SLICE_EMPTY);
        assert_int_equal(derive(CKM_CONCATENATE_BASE_AND_DATA, buf_slice(&flat), base, 0, &out),
                         ERR_MECHANISM_PARAM);
        assert_null(crypto_mechanism_find(CKM_EXTRACT_KEY_FROM_KEY)); /* D03 */
        buf_clear(&flat);
        buf_clear(&want);
        crypto_key_unref(&base);
        crypto_key_unref(&other);
}

static const struct {
        uint64_t mechanism;
        const char *name;
        size_t size; /* 0: as long as asked for */
} hashed[] = {
        { CKM_SHA1_KEY_DERIVATION, "sha1", 20 },
        { CKM_SHA224_KEY_DERIVATION, "sha224", 28 },
        { CKM_SHA256_KEY_DERIVATION, "sha256", 32 },
        { CKM_SHA384_KEY_DERIVATION, "sha384", 48 },
        { CKM_SHA512_KEY_DERIVATION, "sha512", 64 },
        { CKM_SHA512_224_KEY_DERIVATION, "sha512-224", 28 },
        { CKM_SHA512_256_KEY_DERIVATION, "sha512-256", 32 },
        { CKM_SHA3_224_KEY_DERIVATION, "sha3-224", 28 },
        { CKM_SHA3_256_KEY_DERIVATION, "sha3-256", 32 },
        { CKM_SHA3_384_KEY_DERIVATION, "sha3-384", 48 },
        { CKM_SHA3_512_KEY_DERIVATION, "sha3-512", 64 },
        { CKM_SHAKE_128_KEY_DERIVATION, "shake128", 0 },
        { CKM_SHAKE_256_KEY_DERIVATION, "shake256", 0 },
};

static void hashes_of_keys_are_the_program_s(void **state)
{
        struct crypto_key *base = secret_of(CKK_GENERIC_SECRET, "00112233445566778899aabbccddeeff");
        struct buf out;

        (void)state;
        for (size_t i = 0; i < sizeof(hashed) / sizeof(hashed[0]); i++) {
                size_t n = hashed[i].size ? hashed[i].size : 100;
                char command[300];
                uint8_t theirs[200];
                FILE *f;

                snprintf(
                    command, sizeof(command),
                    "printf "
                    "'\\000\\021\\042\\063\\104\\125\\146\\167\\210\\231\\252\\273\\314\\335\\356\\377' | "
                    "openssl dgst -%s %s -binary",
                    hashed[i].name, hashed[i].size ? "" : "-xoflen 100");
                f = popen(command, "r");
                assert_non_null(f);
                assert_int_equal(fread(theirs, 1, sizeof(theirs), f), n);
                assert_int_equal(pclose(f), 0);
                assert_int_equal(derive(hashed[i].mechanism, SLICE_EMPTY, base, hashed[i].size ? 0 : n, &out),
                                 ERR_NONE);
                assert_int_equal(out.n, n);
                assert_memory_equal(out.p, theirs, n);
                buf_clear(&out);
                assert_int_equal(derive(hashed[i].mechanism, SLICE_EMPTY, base, 16, &out), ERR_NONE);
                assert_memory_equal(out.p, theirs, 16);
                buf_clear(&out);
                if (hashed[i].size)
                        assert_int_equal(derive(hashed[i].mechanism, SLICE_EMPTY, base, n + 1, &out),
                                         ERR_KEY_SIZE);
                else
                        assert_int_equal(derive(hashed[i].mechanism, SLICE_EMPTY, base, 0, &out),
                                         ERR_TEMPLATE_INCOMPLETE);
        }
        crypto_key_unref(&base);
}

/* SP 800-38A F.1.1 and F.2.1, as keys. */
static void encrypted_data_is_a_key(void **state)
{
        struct crypto_key *base = secret_of(CKK_AES, "2b7e151628aed2a6abf7158809cf4f3c"),
                          *generic = secret_of(CKK_GENERIC_SECRET, "2b7e151628aed2a6abf7158809cf4f3c");
        struct buf data = bytes_of("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"),
                   ecb = bytes_of("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"),
                   cbc = bytes_of("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"),
                   iv = bytes_of("000102030405060708090a0b0c0d0e0f"), flat = BUF_INIT, out;

        (void)state;
        buf_put_block(&flat, buf_slice(&data));
        assert_int_equal(derive(CKM_AES_ECB_ENCRYPT_DATA, buf_slice(&flat), base, 0, &out), ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&ecb)));
        buf_clear(&out);
        assert_int_equal(derive(CKM_AES_ECB_ENCRYPT_DATA, buf_slice(&flat), base, 24, &out), ERR_NONE);
        assert_memory_equal(out.p, ecb.p, 24);
        buf_clear(&out);
        assert_int_equal(derive(CKM_AES_ECB_ENCRYPT_DATA, buf_slice(&flat), base, 33, &out), ERR_KEY_SIZE);
        assert_int_equal(derive(CKM_AES_ECB_ENCRYPT_DATA, buf_slice(&flat), generic, 0, &out), ERR_KEY_TYPE);
        buf_reset(&flat);
        buf_put_slice(&flat, buf_slice(&iv));
        buf_put_block(&flat, buf_slice(&data));
        assert_int_equal(derive(CKM_AES_CBC_ENCRYPT_DATA, buf_slice(&flat), base, 0, &out), ERR_NONE);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&cbc)));
        buf_clear(&out);
        buf_reset(&flat);
        buf_put_block(&flat, slice_of(data.p, 31));
        assert_int_equal(derive(CKM_AES_ECB_ENCRYPT_DATA, buf_slice(&flat), base, 16, &out),
                         ERR_MECHANISM_PARAM);
        buf_clear(&data);
        buf_clear(&ecb);
        buf_clear(&cbc);
        buf_clear(&iv);
        buf_clear(&flat);
        crypto_key_unref(&base);
        crypto_key_unref(&generic);
}

static const struct {
        uint32_t kdf;
        const char *name, *hash;
} kdfs[] = {
        { CKD_SHA1_KDF, "X963KDF", "SHA1" },
        { CKD_SHA224_KDF, "X963KDF", "SHA224" },
        { CKD_SHA256_KDF, "X963KDF", "SHA256" },
        { CKD_SHA384_KDF, "X963KDF", "SHA384" },
        { CKD_SHA512_KDF, "X963KDF", "SHA512" },
        { CKD_SHA3_224_KDF, "X963KDF", "SHA3-224" },
        { CKD_SHA3_256_KDF, "X963KDF", "SHA3-256" },
        { CKD_SHA3_384_KDF, "X963KDF", "SHA3-384" },
        { CKD_SHA3_512_KDF, "X963KDF", "SHA3-512" },
        { CKD_SHA1_KDF_SP800, "SSKDF", "SHA1" },
        { CKD_SHA224_KDF_SP800, "SSKDF", "SHA224" },
        { CKD_SHA256_KDF_SP800, "SSKDF", "SHA256" },
        { CKD_SHA384_KDF_SP800, "SSKDF", "SHA384" },
        { CKD_SHA512_KDF_SP800, "SSKDF", "SHA512" },
        { CKD_SHA3_224_KDF_SP800, "SSKDF", "SHA3-224" },
        { CKD_SHA3_256_KDF_SP800, "SSKDF", "SHA3-256" },
        { CKD_SHA3_384_KDF_SP800, "SSKDF", "SHA3-384" },
        { CKD_SHA3_512_KDF_SP800, "SSKDF", "SHA3-512" },
};

static void put_ecdh(struct buf *flat, uint32_t kdf, struct slice shared, struct slice point)
{
        buf_reset(flat);
        buf_put_u32(flat, kdf);
        buf_put_block(flat, shared);
        buf_put_block(flat, point);
}

static void agreement_kdfs_are_the_program_s(void **state)
{
        struct crypto_key_spec spec = spec_p256();
        struct crypto_key *a = NULL, *a_public = NULL, *b = NULL, *b_public = NULL;
        struct buf point = BUF_INIT, flat = BUF_INIT, z, out, text = BUF_INIT;
        struct err err = ERR_INIT;
        char options[500];

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &a, &a_public, &err));
        assert_true(crypto_key_pair_generate(engine, &spec, &b, &b_public, &err));
        assert_true(crypto_key_component(b_public, CKA_EC_POINT, &point, &err));
        put_ecdh(&flat, CKD_NULL, SLICE_EMPTY, buf_slice(&point));
        assert_int_equal(derive(CKM_ECDH1_DERIVE, buf_slice(&flat), a, 0, &z), ERR_NONE);
        buf_put_hex(&text, buf_slice(&z));
        for (size_t i = 0; i < sizeof(kdfs) / sizeof(kdfs[0]); i++) {
                uint64_t m = i % 2 ? CKM_ECDH1_DERIVE : CKM_ECDH1_COFACTOR_DERIVE;

                put_ecdh(&flat, kdfs[i].kdf, SLICE_LIT("shared"), buf_slice(&point));
                assert_int_equal(derive(m, buf_slice(&flat), a, 70 + i, &out), ERR_NONE);
                snprintf(options, sizeof(options),
                         "-kdfopt digest:%s -kdfopt hexkey:%s -kdfopt info:shared %s", kdfs[i].hash,
                         buf_text(&text), kdfs[i].name);
                same_as_program(&out, options);
                buf_clear(&out);
        }
        put_ecdh(&flat, CKD_NULL, SLICE_LIT("shared"), buf_slice(&point));
        assert_int_equal(derive(CKM_ECDH1_DERIVE, buf_slice(&flat), a, 0, &out), ERR_MECHANISM_PARAM);
        put_ecdh(&flat, CKD_CPDIVERSIFY_KDF, SLICE_EMPTY, buf_slice(&point));
        assert_int_equal(derive(CKM_ECDH1_DERIVE, buf_slice(&flat), a, 0, &out), ERR_MECHANISM_PARAM);
        put_ecdh(&flat, CKD_NULL, SLICE_EMPTY, buf_slice(&point));
        assert_int_equal(derive(CKM_ECDH1_DERIVE, buf_slice(&flat), b_public, 0, &out), ERR_KEY_TYPE);
        buf_clear(&point);
        buf_clear(&flat);
        buf_clear(&z);
        buf_clear(&text);
        crypto_key_unref(&a);
        crypto_key_unref(&a_public);
        crypto_key_unref(&b);
        crypto_key_unref(&b_public);
}

/* Small-order points of X25519 give zero, which is refused. RFC 7748 6.1. */
static void small_order_points_are_refused(void **state)
{
        static const char *const points[] = {
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0100000000000000000000000000000000000000000000000000000000000000",
                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        };
        static const uint8_t x25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x6e };
        struct crypto_key_spec spec = { .key_type = CKK_EC_MONTGOMERY,
                                        .curve = slice_of(x25519, sizeof(x25519)) };
        struct crypto_key *a = NULL, *a_public = NULL;
        struct buf flat = BUF_INIT, point, out;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &a, &a_public, &err));
        for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
                point = bytes_of(points[i]);
                put_ecdh(&flat, CKD_SHA256_KDF, SLICE_EMPTY, buf_slice(&point));
                assert_int_equal(derive(CKM_ECDH1_DERIVE, buf_slice(&flat), a, 32, &out),
                                 ERR_MECHANISM_PARAM);
                buf_clear(&point);
        }
        buf_clear(&flat);
        crypto_key_unref(&a);
        crypto_key_unref(&a_public);
}

static void the_public_half(void **state)
{
        struct crypto_key_spec spec = spec_p256();
        struct crypto_key *a = NULL, *a_public = NULL, *made = NULL;
        struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        struct crypto_wanted wanted = { CRYPTO_PUBLIC, CKK_EC, 0 };
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_PUB_KEY_FROM_PRIV_KEY);
        struct err err = ERR_INIT;
        struct buf want, got;

        (void)state;
        assert_true(crypto_key_pair_generate(engine, &spec, &a, &a_public, &err));
        assert_true(crypto_derive_keys(engine, m, &none, a, NULL, &wanted, 1, &made, NULL, &err));
        want = value_of(a_public);
        got = value_of(made);
        assert_true(slice_equal(buf_slice(&want), buf_slice(&got)));
        crypto_key_unref(&made);
        wanted.type = CKK_RSA;
        assert_false(crypto_derive_keys(engine, m, &none, a, NULL, &wanted, 1, &made, NULL, &err));
        assert_int_equal(err.id, ERR_TEMPLATE_INCONSISTENT);
        wanted.type = CKK_EC;
        assert_false(crypto_derive_keys(engine, m, &none, a_public, NULL, &wanted, 1, &made, NULL, &err));
        assert_int_equal(err.id, ERR_KEY_TYPE);
        buf_clear(&want);
        buf_clear(&got);
        crypto_key_unref(&a);
        crypto_key_unref(&a_public);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hkdf_is_the_program_s),
                cmocka_unit_test(kdf108_is_the_program_s),
                cmocka_unit_test(the_double_pipeline_by_hand),
                cmocka_unit_test(several_keys_share_one_stream),
                cmocka_unit_test(inputs_of_kdf108_are_strict),
                cmocka_unit_test(hkdf_refuses),
                cmocka_unit_test(joining_and_mixing),
                cmocka_unit_test(hashes_of_keys_are_the_program_s),
                cmocka_unit_test(encrypted_data_is_a_key),
                cmocka_unit_test(agreement_kdfs_are_the_program_s),
                cmocka_unit_test(small_order_points_are_refused),
                cmocka_unit_test(the_public_half),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
