/* What ciphers refuse: parameters, lengths, altered data; and what multi-part operations owe their callers.
 */
#include "engine.h"
#include "ck/mechanism_size.h"

static const char key128[] = "000102030405060708090a0b0c0d0e0f";
static uint8_t out[70000 + CRYPTO_STREAM_MORE], data[70000];

static struct ck_mech_param gcm(size_t iv, uint32_t tag)
{
        struct ck_mech_param p = { .kind = CK_PARAM_GCM, .present = true };
        static uint8_t bytes[200];

        memset(bytes, 7, sizeof(bytes));
        p.u.gcm.iv = slice_of(bytes, iv);
        p.u.gcm.tag_bits = tag;
        return p;
}

static struct ck_mech_param ccm(size_t nonce, uint32_t tag, uint32_t n)
{
        struct ck_mech_param p = { .kind = CK_PARAM_CCM, .present = true };
        static uint8_t bytes[20];

        p.u.ccm.nonce = slice_of(bytes, nonce);
        p.u.ccm.mac_len = tag;
        p.u.ccm.data_len = n;
        return p;
}

static struct ck_mech_param iv_of(size_t n)
{
        struct ck_mech_param p = { .kind = CK_PARAM_IV, .present = n > 0 };
        static uint8_t bytes[32];

        p.u.bytes = slice_of(bytes, n);
        return p;
}

static struct ck_mech_param chacha(size_t counter, size_t nonce)
{
        struct ck_mech_param p = { .kind = CK_PARAM_CHACHA, .present = true };
        static uint8_t bytes[32];

        p.u.chacha.counter = slice_of(bytes, counter);
        p.u.chacha.nonce = slice_of(bytes, nonce);
        return p;
}

static struct ck_mech_param poly(size_t nonce)
{
        struct ck_mech_param p = { .kind = CK_PARAM_CHACHA_POLY, .present = true };
        static uint8_t bytes[32];

        p.u.chacha_poly.nonce = slice_of(bytes, nonce);
        return p;
}

static enum err_id check(uint64_t mechanism, enum crypto_op op, struct ck_mech_param p)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        struct err err = ERR_INIT;

        return crypto_operation_check(m, op, NULL, &p, &err) ? ERR_NONE : err.id;
}

static void parameters_have_their_ranges(void **state)
{
        struct ck_mech_param odd = gcm(12, 128);

        (void)state;
        for (size_t n = 0; n <= 20; n++) {
                assert_int_equal(check(CKM_AES_CBC, CRYPTO_ENCRYPT, iv_of(n)),
                                 n == 16 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_AES_XTS, CRYPTO_ENCRYPT, iv_of(n)),
                                 n == 16 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_AES_CTS, CRYPTO_DECRYPT, iv_of(n)),
                                 n == 16 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_AES_CFB8, CRYPTO_ENCRYPT, iv_of(n)),
                                 n == 16 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_DES3_CBC, CRYPTO_ENCRYPT, iv_of(n)),
                                 n == 8 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_AES_CCM, CRYPTO_ENCRYPT, ccm(n, 16, 0)),
                                 n >= 7 && n <= 13 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_AES_CCM, CRYPTO_DECRYPT, ccm(12, (uint32_t)n, 0)),
                                 n >= 4 && n <= 16 && n % 2 == 0 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_CHACHA20_POLY1305, CRYPTO_ENCRYPT, poly(n)),
                                 n == 12 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_CHACHA20, CRYPTO_ENCRYPT, chacha(4, n)),
                                 n == 12 ? 0 : ERR_MECHANISM_PARAM);
                assert_int_equal(check(CKM_CHACHA20, CRYPTO_ENCRYPT, chacha(n, 8)),
                                 n == 8 ? 0 : ERR_MECHANISM_PARAM);
        }
        for (uint32_t bits = 0; bits <= 136; bits++)
                assert_int_equal(check(CKM_AES_GCM, CRYPTO_ENCRYPT, gcm(12, bits)),
                                 bits == 32 || bits == 64 || (bits >= 96 && bits <= 128 && bits % 8 == 0)
                                     ? 0
                                     : ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_AES_GCM, CRYPTO_ENCRYPT, gcm(128, 128)), 0);
        assert_int_equal(check(CKM_AES_GCM, CRYPTO_ENCRYPT, gcm(129, 128)), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_AES_GCM, CRYPTO_ENCRYPT, gcm(0, 128)), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_AES_GCM, CRYPTO_DECRYPT, gcm(0, 128)), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_CLOUDHSM_AES_GCM, CRYPTO_ENCRYPT, gcm(12, 128)), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_CLOUDHSM_AES_GCM, CRYPTO_DECRYPT, gcm(0, 128)), 0);
        assert_int_equal(check(CKM_AES_GMAC, CRYPTO_SIGN, gcm(0, 128)), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_AES_GMAC, CRYPTO_SIGN, gcm(12, 100)), ERR_MECHANISM_PARAM);
        odd.u.gcm.aad = slice_of(data, 5);
        assert_int_equal(check(CKM_AES_GMAC, CRYPTO_SIGN, odd), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_AES_ECB, CRYPTO_ENCRYPT, iv_of(16)), ERR_MECHANISM_PARAM);
        assert_int_equal(check(CKM_AES_CCM, CRYPTO_ENCRYPT, ccm(13, 16, 65535)), 0);
        assert_int_equal(check(CKM_AES_CCM, CRYPTO_ENCRYPT, ccm(13, 16, 65536)), ERR_MECHANISM_PARAM);
}

struct run {
        uint64_t mechanism, key_type;
        const char *key;
        struct ck_mech_param p;
        size_t n;
        enum err_id id;
};

static enum err_id attempt(enum crypto_op op, const struct run *r)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(r->mechanism);
        struct crypto_key *key = secret_of(r->key_type, r->key);
        struct crypto_stream *s = NULL;
        struct err err = ERR_INIT, second = ERR_INIT;
        size_t n = sizeof(out), last;
        bool ok, parts;

        assert_true(crypto_operation_check(m, op, key, &r->p, &err));
        ok = op == CRYPTO_ENCRYPT
                 ? crypto_encrypt(engine, m, &r->p, key, slice_of(data, r->n), out, &n, NULL, &err)
                 : crypto_decrypt(engine, m, &r->p, key, slice_of(data, r->n), out, &n, &err);
        parts = crypto_stream_new(engine, op, m, &r->p, key, &s, &second) &&
                crypto_stream_crypt(s, slice_of(data, r->n / 2), out, &n, &second) &&
                crypto_stream_crypt(s, slice_of(data + r->n / 2, r->n - r->n / 2), out, &n, &second) &&
                crypto_stream_end(s, out, &last, &second);
        assert_int_equal(parts, ok);
        assert_int_equal(second.id, err.id);
        crypto_stream_free(&s);
        crypto_key_unref(&key);
        return err.id;
}

static const char xts[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static void lengths_that_do_not_fit_are_refused(void **state)
{
        const struct run runs[] = {
                { CKM_AES_ECB, CKK_AES, key128, iv_of(0), 15, ERR_DATA_LEN },
                { CKM_AES_CBC, CKK_AES, key128, iv_of(16), 17, ERR_DATA_LEN },
                { CKM_DES3_CBC, CKK_DES3, "0123456789abcdef23456789abcdef01456789abcdef0123", iv_of(8), 12,
                  ERR_DATA_LEN },
                { CKM_AES_CTS, CKK_AES, key128, iv_of(16), 15, ERR_DATA_LEN },
                { CKM_AES_CTS, CKK_AES, key128, iv_of(16), 16, ERR_NONE },
                { CKM_AES_XTS, CKK_AES_XTS, xts, iv_of(16), 15, ERR_DATA_LEN },
                { CKM_AES_XTS, CKK_AES_XTS, xts, iv_of(16), 0, ERR_DATA_LEN },
                { CKM_AES_CCM, CKK_AES, key128, ccm(12, 16, 40), 39, ERR_DATA_LEN },
                { CKM_AES_CCM, CKK_AES, key128, ccm(12, 16, 40), 41, ERR_DATA_LEN },
                { CKM_AES_CCM, CKK_AES, key128, ccm(12, 16, 40), 40, ERR_NONE },
        };
        const struct run back[] = {
                { CKM_AES_CBC, CKK_AES, key128, iv_of(16), 17, ERR_ENCRYPTED_DATA_LEN },
                { CKM_AES_CBC_PAD, CKK_AES, key128, iv_of(16), 0, ERR_ENCRYPTED_DATA_LEN },
                { CKM_AES_CBC_PAD, CKK_AES, key128, iv_of(16), 31, ERR_ENCRYPTED_DATA_LEN },
                { CKM_AES_CTS, CKK_AES, key128, iv_of(16), 3, ERR_ENCRYPTED_DATA_LEN },
                { CKM_AES_GCM, CKK_AES, key128, gcm(12, 128), 15, ERR_ENCRYPTED_DATA_LEN },
                { CKM_CLOUDHSM_AES_GCM, CKK_AES, key128, gcm(0, 128), 11, ERR_ENCRYPTED_DATA_LEN },
                { CKM_CLOUDHSM_AES_GCM, CKK_AES, key128, gcm(0, 128), 27, ERR_ENCRYPTED_DATA_LEN },
                { CKM_AES_CCM, CKK_AES, key128, ccm(12, 16, 40), 55, ERR_ENCRYPTED_DATA_LEN },
                { CKM_AES_CCM, CKK_AES, key128, ccm(12, 16, 40), 57, ERR_ENCRYPTED_DATA_LEN },
                { CKM_CHACHA20_POLY1305, CKK_CHACHA20, xts, poly(12), 15, ERR_ENCRYPTED_DATA_LEN },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
                assert_int_equal(attempt(CRYPTO_ENCRYPT, &runs[i]), runs[i].id);
        for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++)
                assert_int_equal(attempt(CRYPTO_DECRYPT, &back[i]), back[i].id);
}

/* A counter that would come round gives the same key stream twice. */
static void counters_do_not_come_round(void **state)
{
        struct ck_mech_param ctr = { .kind = CK_PARAM_CTR, .present = true }, stream = chacha(4, 12);
        static const uint8_t late[4] = { 0xfe, 0xff, 0xff, 0xff };
        const struct run good = { CKM_CHACHA20, CKK_CHACHA20, xts, stream, 1000, ERR_NONE };
        struct run r = { CKM_AES_CTR, CKK_AES, key128, ctr, 32, ERR_NONE };

        (void)state;
        r.p.u.ctr.bits = 8;
        r.p.u.ctr.block[15] = 0xfe;
        assert_int_equal(attempt(CRYPTO_ENCRYPT, &r), ERR_NONE);
        r.n = 33;
        assert_int_equal(attempt(CRYPTO_ENCRYPT, &r), ERR_DATA_LEN);
        assert_int_equal(attempt(CRYPTO_DECRYPT, &r), ERR_ENCRYPTED_DATA_LEN);
        assert_int_equal(attempt(CRYPTO_ENCRYPT, &good), ERR_NONE);
        r = good;
        r.p.u.chacha.counter = slice_of(late, 4);
        r.n = 128;
        assert_int_equal(attempt(CRYPTO_ENCRYPT, &r), ERR_NONE);
        r.n = 129;
        assert_int_equal(attempt(CRYPTO_ENCRYPT, &r), ERR_DATA_LEN);
}

struct sealed {
        uint64_t mechanism, key_type;
        const char *key;
        struct ck_mech_param p;
};

/* Every bit, cut and lengthened data, another IV and other additional data get one code and one text. */
static void altered_data_is_refused_with_one_answer(void **state)
{
        const struct sealed rows[] = { { CKM_AES_GCM, CKK_AES, key128, gcm(12, 96) },
                                       { CKM_CLOUDHSM_AES_GCM, CKK_AES, key128, gcm(0, 128) },
                                       { CKM_AES_CCM, CKK_AES, key128, ccm(13, 8, 20) },
                                       { CKM_CHACHA20_POLY1305, CKK_CHACHA20, xts, poly(12) } };
        char text[sizeof(((struct err *)0)->detail)] = "";

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct crypto_mechanism *m = crypto_mechanism_find(rows[i].mechanism);
                struct crypto_key *key = secret_of(rows[i].key_type, rows[i].key);
                struct err err = ERR_INIT;
                uint8_t sealed[80], opened[80 + CRYPTO_STREAM_MORE], iv[16];
                size_t sealed_n = 0, n;

                assert_true(crypto_encrypt(engine, m, &rows[i].p, key, slice_of(data, 20), sealed, &sealed_n,
                                           iv, &err));
                for (size_t bit = 0; bit < sealed_n * 8; bit++) {
                        struct crypto_stream *s = NULL;

                        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
                        memset(opened, 0xee, sizeof(opened));
                        assert_false(crypto_decrypt(engine, m, &rows[i].p, key, slice_of(sealed, sealed_n),
                                                    opened, &n, &err));
                        assert_int_equal(err.id, ERR_AEAD);
                        if (!text[0])
                                snprintf(text, sizeof(text), "%s", err.detail);
                        assert_string_equal(err.detail, text);
                        for (size_t k = 0; k < 20; k++) /* nothing of the data is left */
                                assert_true(opened[k] == 0 || opened[k] == 0xee);
                        err = ERR_INIT;
                        assert_true(crypto_stream_new(engine, CRYPTO_DECRYPT, m, &rows[i].p, key, &s, &err) &&
                                    crypto_stream_crypt(s, slice_of(sealed, sealed_n), opened, &n, &err));
                        assert_false(crypto_stream_end(s, opened + n, &n, &err));
                        assert_int_equal(err.id, ERR_AEAD);
                        assert_string_equal(err.detail, text);
                        crypto_stream_free(&s);
                        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
                }
                crypto_key_unref(&key);
        }
}

/* All 256 last bytes, and wrong bytes before it: good padding opens, the rest is one code and one text. */
static void padding_is_right_or_refused_with_one_answer(void **state)
{
        const struct crypto_mechanism *plain = crypto_mechanism_find(CKM_AES_CBC),
                                      *padded = crypto_mechanism_find(CKM_AES_CBC_PAD);
        struct crypto_key *key = secret_of(CKK_AES, key128);
        struct ck_mech_param p = iv_of(16);

        (void)state;
        for (unsigned pad = 0; pad < 256; pad++) {
                for (unsigned wrong = 0; wrong < 17; wrong++) {
                        uint8_t block[32], sealed[64], opened[64];
                        struct err err = ERR_INIT;
                        size_t n, opened_n;
                        bool good = pad >= 1 && pad <= 16 && (wrong == 0 || wrong >= pad);

                        memset(block, 0x55, 32);
                        memset(block + 32 - (pad <= 16 ? pad : 16), (int)pad, pad <= 16 ? pad : 16);
                        block[31] = (uint8_t)pad;
                        if (wrong && wrong < 16)
                                block[31 - wrong] ^= 0x80;
                        assert_true(crypto_encrypt(engine, plain, &p, key, slice_of(block, 32), sealed, &n,
                                                   NULL, &err));
                        assert_int_equal(crypto_decrypt(engine, padded, &p, key, slice_of(sealed, n), opened,
                                                        &opened_n, &err),
                                         good);
                        if (good)
                                assert_int_equal(opened_n, 32 - pad);
                        else
                                assert_int_equal(err.id, ERR_ENCRYPTED_DATA);
                }
        }
        crypto_key_unref(&key);
}

/* SP 800-38C example 4: additional data of 65,536 bytes has a length of its own form. */
static void ccm_takes_long_additional_data(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_CCM);
        struct crypto_key *key = secret_of(CKK_AES, "404142434445464748494a4b4c4d4e4f");
        struct buf nonce = bytes_of("101112131415161718191a1b1c"),
                   wanted = bytes_of("69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72"
                                     "b4ac6bec93e8598e7f0dadbcea5b");
        struct ck_mech_param p = ccm(13, 14, 32);
        static uint8_t aad[65536];
        uint8_t in[32];
        struct err err = ERR_INIT;
        size_t n = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(aad); i++)
                aad[i] = (uint8_t)i;
        for (size_t i = 0; i < sizeof(in); i++)
                in[i] = (uint8_t)(0x20 + i);
        p.u.ccm.nonce = buf_slice(&nonce);
        p.u.ccm.aad = slice_of(aad, sizeof(aad));
        assert_true(crypto_encrypt(engine, m, &p, key, slice_of(in, 32), out, &n, NULL, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&wanted)));
        buf_clear(&nonce);
        buf_clear(&wanted);
        crypto_key_unref(&key);
}

static void the_hsm_makes_ivs_for_gcm(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_GCM),
                                      *vendor = crypto_mechanism_find(CKM_CLOUDHSM_AES_GCM);
        struct crypto_key *key = secret_of(CKK_AES, key128);
        struct ck_mech_param p = gcm(0, 128), with;
        uint8_t iv[16] = { 0 }, zero[12] = { 0 };
        struct crypto_stream *s = NULL;
        struct err err = ERR_INIT;
        size_t n = 0, last = 0, first_n;

        (void)state;
        p.u.gcm.iv = slice_of(zero, 12);
        assert_false(crypto_encrypt(engine, m, &p, key, slice_of(data, 50), out, &n, NULL, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM); /* nowhere to give it back */
        err = ERR_INIT;
        assert_true(crypto_stream_new(engine, CRYPTO_ENCRYPT, m, &p, key, &s, &err));
        with = p;
        memcpy(iv, crypto_stream_iv(s).p, crypto_stream_iv(s).n);
        with.u.gcm.iv = slice_of(iv, 12);
        assert_memory_not_equal(iv, zero, 12);
        assert_true(crypto_stream_crypt(s, slice_of(data, 50), out, &n, &err) &&
                    crypto_stream_end(s, out + n, &last, &err));
        crypto_stream_free(&s);
        assert_true(crypto_decrypt(engine, m, &with, key, slice_of(out, n + last), out, &n, &err));
        assert_true(slice_equal(slice_of(out, n), slice_of(data, 50)));
        p.u.gcm.iv = SLICE_EMPTY;
        assert_true(crypto_encrypt(engine, vendor, &p, key, slice_of(data, 50), out, &first_n, NULL, &err));
        assert_int_equal(first_n, 12 + 50 + 16);
        memcpy(iv, out, 12);
        with.u.gcm.iv = slice_of(iv, 12);
        assert_true(
            crypto_decrypt(engine, m, &with, key, slice_of(out + 12, first_n - 12), out + 100, &n, &err));
        assert_true(slice_equal(slice_of(out + 100, n), slice_of(data, 50)));
        crypto_key_unref(&key);
}

/* SP 800-38E: a data unit has at most 2^20 blocks. */
static void xts_keeps_to_its_data_unit(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_AES_XTS);
        struct crypto_key *key = secret_of(CKK_AES_XTS, xts);
        struct ck_mech_param p = iv_of(16);
        struct crypto_stream *s = NULL;
        struct err err = ERR_INIT;
        size_t n;

        (void)state;
        assert_true(crypto_stream_new(engine, CRYPTO_ENCRYPT, m, &p, key, &s, &err));
        for (size_t i = 0; i < (1u << 24) / 65536; i++)
                assert_true(crypto_stream_crypt(s, slice_of(data, 65536), out, &n, &err));
        assert_false(crypto_stream_crypt(s, slice_of(data, 1), out, &n, &err));
        assert_int_equal(err.id, ERR_DATA_LEN);
        crypto_stream_free(&s);
        crypto_key_unref(&key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parameters_have_their_ranges),
                cmocka_unit_test(lengths_that_do_not_fit_are_refused),
                cmocka_unit_test(counters_do_not_come_round),
                cmocka_unit_test(altered_data_is_refused_with_one_answer),
                cmocka_unit_test(padding_is_right_or_refused_with_one_answer),
                cmocka_unit_test(ccm_takes_long_additional_data),
                cmocka_unit_test(the_hsm_makes_ivs_for_gcm),
                cmocka_unit_test(xts_keeps_to_its_data_unit),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
