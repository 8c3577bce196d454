/* Every symmetric mechanism against libgcrypt, which shares no code with libcrypto: random keys and data, all
 * the awkward lengths, in one piece and in random pieces, both directions. */
#include "engine.h"
#include "ck/mechanism_size.h"

#include <gcrypt.h>

#define MOST 70000

static const size_t lengths[] = { 0, 1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 47, 48, 255, 1024, 4099, MOST };

struct cipher_row {
        uint64_t mechanism, key_type;
        size_t key;
        int algorithm, mode;
        size_t iv;
};

#define AES3(mech, how, bytes)                                                                               \
        { mech, CKK_AES, 16, GCRY_CIPHER_AES128, how, bytes },                                               \
            { mech, CKK_AES, 24, GCRY_CIPHER_AES192, how, bytes },                                           \
        {                                                                                                    \
                mech, CKK_AES, 32, GCRY_CIPHER_AES256, how, bytes                                            \
        }

static const struct cipher_row ciphers[] = {
        AES3(CKM_AES_ECB, GCRY_CIPHER_MODE_ECB, 0),
        AES3(CKM_AES_CBC, GCRY_CIPHER_MODE_CBC, 16),
        AES3(CKM_AES_CBC_PAD, GCRY_CIPHER_MODE_CBC, 16),
        AES3(CKM_AES_CTS, GCRY_CIPHER_MODE_CBC, 16),
        AES3(CKM_AES_CTR, GCRY_CIPHER_MODE_CTR, 16),
        AES3(CKM_AES_OFB, GCRY_CIPHER_MODE_OFB, 16),
        AES3(CKM_AES_CFB128, GCRY_CIPHER_MODE_CFB, 16),
        AES3(CKM_AES_CFB8, GCRY_CIPHER_MODE_CFB8, 16),
        AES3(CKM_AES_GCM, GCRY_CIPHER_MODE_GCM, 12),
        AES3(CKM_AES_CCM, GCRY_CIPHER_MODE_CCM, 7),
        { CKM_AES_GCM, CKK_AES, 32, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 1 },
        { CKM_AES_GCM, CKK_AES, 32, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 128 },
        { CKM_AES_CCM, CKK_AES, 32, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_CCM, 12 },
        { CKM_AES_XTS, CKK_AES_XTS, 32, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_XTS, 16 },
        { CKM_AES_XTS, CKK_AES_XTS, 64, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_XTS, 16 },
        { CKM_CHACHA20, CKK_CHACHA20, 32, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_STREAM, 16 },
        { CKM_CHACHA20_POLY1305, CKK_CHACHA20, 32, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 12 },
        { CKM_DES3_ECB, CKK_DES3, 24, GCRY_CIPHER_3DES, GCRY_CIPHER_MODE_ECB, 0 },
        { CKM_DES3_CBC, CKK_DES3, 24, GCRY_CIPHER_3DES, GCRY_CIPHER_MODE_CBC, 8 },
        { CKM_DES3_CBC_PAD, CKK_DES3, 24, GCRY_CIPHER_3DES, GCRY_CIPHER_MODE_CBC, 8 },
        { CKM_DES_ECB, CKK_DES, 8, GCRY_CIPHER_DES, GCRY_CIPHER_MODE_ECB, 0 },
        { CKM_DES_CBC, CKK_DES, 8, GCRY_CIPHER_DES, GCRY_CIPHER_MODE_CBC, 8 },
        { CKM_DES_CBC_PAD, CKK_DES, 8, GCRY_CIPHER_DES, GCRY_CIPHER_MODE_CBC, 8 },
};
#define CIPHERS (sizeof(ciphers) / sizeof(ciphers[0]))

static uint8_t data[MOST], theirs[MOST + 64], ours[MOST + CRYPTO_STREAM_MORE];
static uint8_t key_bytes[64], iv[128], aad[300];
static size_t aad_n, tag_n;

static uint32_t any(uint32_t below)
{
        uint32_t r;

        assert_true(crypto_random(engine, &r, sizeof(r), NULL));
        return r % below;
}

static struct ck_mech_param param_of(const struct cipher_row *row, size_t n)
{
        struct ck_mech_param p = { .present = row->iv > 0 };

        assert_true(ck_mech_param_kind(row->mechanism, &p.kind, NULL));
        switch (p.kind) {
        case CK_PARAM_CTR:
                p.u.ctr.bits = 128;
                memcpy(p.u.ctr.block, iv, 16);
                break;
        case CK_PARAM_GCM:
                p.u.gcm.iv = slice_of(iv, row->iv);
                p.u.gcm.aad = slice_of(aad, aad_n);
                p.u.gcm.tag_bits = (uint32_t)tag_n * 8;
                break;
        case CK_PARAM_CCM:
                p.u.ccm.nonce = slice_of(iv, row->iv);
                p.u.ccm.aad = slice_of(aad, aad_n);
                p.u.ccm.mac_len = (uint32_t)tag_n;
                p.u.ccm.data_len = (uint32_t)n;
                break;
        case CK_PARAM_CHACHA:
                p.u.chacha.counter = slice_of(iv, 8);
                p.u.chacha.nonce = slice_of(iv + 8, 8);
                break;
        case CK_PARAM_CHACHA_POLY:
                p.u.chacha_poly.nonce = slice_of(iv, row->iv);
                p.u.chacha_poly.aad = slice_of(aad, aad_n);
                break;
        default:
                p.u.bytes = slice_of(iv, row->iv);
        }
        return p;
}

/* libgcrypt swaps the last two blocks always (CS3); CS1 keeps them in order and swaps nothing. */
static void order_of_cs1(uint8_t *p, size_t n)
{
        size_t tail = n % 16 ? n % 16 : 16;
        uint8_t last[16];

        memcpy(last, p + n - tail - 16, 16);
        memmove(p + n - tail - 16, p + n - tail, tail);
        memcpy(p + n - 16, last, 16);
}

static size_t theirs_of(const struct cipher_row *row, size_t n)
{
        bool cts = row->mechanism == CKM_AES_CTS && n > 16;
        const struct ck_mech_size *size = ck_mech_size(row->mechanism);
        size_t out_n = n;
        gcry_cipher_hd_t h;

        memcpy(theirs, data, n);
        if (size->pads) {
                out_n = n / size->unit * size->unit + size->unit;
                memset(theirs + n, (int)(out_n - n), out_n - n);
        }
        assert_int_equal(gcry_cipher_open(&h, row->algorithm, row->mode, cts ? GCRY_CIPHER_CBC_CTS : 0), 0);
        assert_int_equal(gcry_cipher_setkey(h, key_bytes, row->key), 0);
        if (row->mode == GCRY_CIPHER_MODE_CTR)
                assert_int_equal(gcry_cipher_setctr(h, iv, row->iv), 0);
        else if (row->iv)
                assert_int_equal(gcry_cipher_setiv(h, iv, row->iv), 0);
        if (row->mode == GCRY_CIPHER_MODE_CCM) {
                uint64_t ccm[3] = { n, aad_n, tag_n };

                assert_int_equal(gcry_cipher_ctl(h, GCRYCTL_SET_CCM_LENGTHS, ccm, sizeof(ccm)), 0);
        }
        if (size->authenticates)
                assert_int_equal(gcry_cipher_authenticate(h, aad, aad_n), 0);
        if (size->authenticates)
                assert_int_equal(gcry_cipher_final(h), 0);
        assert_int_equal(gcry_cipher_encrypt(h, theirs, out_n, NULL, 0), 0);
        if (size->authenticates) {
                assert_int_equal(gcry_cipher_gettag(h, theirs + out_n, tag_n), 0);
                out_n += tag_n;
        }
        gcry_cipher_close(h);
        if (cts)
                order_of_cs1(theirs, n);
        return out_n;
}

static size_t in_pieces(enum crypto_op op, const struct crypto_mechanism *m, struct crypto_key *key,
                        const struct ck_mech_param *p, struct slice in)
{
        struct crypto_stream *s = NULL;
        struct err err = ERR_INIT;
        size_t total = 0, n, piece;

        assert_true(crypto_stream_new(engine, op, m, p, key, &s, &err));
        for (size_t at = 0; at < in.n; at += piece) {
                piece = 1 + any(in.n > 2000 ? 9000 : 40);
                if (piece > in.n - at)
                        piece = in.n - at;
                assert_true(crypto_stream_crypt(s, slice_of(in.p + at, piece), ours + total, &n, &err));
                total += n;
        }
        assert_true(crypto_stream_end(s, ours + total, &n, &err));
        crypto_stream_free(&s);
        return total + n;
}

static bool takes(const struct cipher_row *row, size_t n)
{
        const struct ck_mech_size *size = ck_mech_size(row->mechanism);

        if (size->keep_encrypt)
                return n >= 16; /* nothing to steal from */
        if (row->mode == GCRY_CIPHER_MODE_CCM && row->iv > 12 && n > 65535)
                return false;
        return size->pads || n % size->unit == 0;
}

static void compare(const struct cipher_row *row, size_t n)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(row->mechanism);
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;
        struct ck_mech_param p;
        size_t theirs_n, out_n = sizeof(ours);

        aad_n = any(sizeof(aad));
        tag_n = row->mode == GCRY_CIPHER_MODE_POLY1305 ? 16 : 12 + 2 * any(3);
        assert_true(crypto_random(engine, data, n, NULL) && crypto_random(engine, iv, sizeof(iv), NULL) &&
                    crypto_random(engine, aad, sizeof(aad), NULL) &&
                    crypto_random(engine, key_bytes, sizeof(key_bytes), NULL));
        iv[0] |= 1; /* zero would ask the HSM to make one */
        p = param_of(row, n);
        assert_true(
            crypto_key_open(engine, CRYPTO_SECRET, row->key_type, slice_of(key_bytes, row->key), &key, &err));
        theirs_n = theirs_of(row, n);
        assert_true(crypto_encrypt(engine, m, &p, key, slice_of(data, n), ours, &out_n, NULL, &err));
        assert_true(slice_equal(slice_of(ours, out_n), slice_of(theirs, theirs_n)));
        out_n = in_pieces(CRYPTO_ENCRYPT, m, key, &p, slice_of(data, n));
        assert_true(slice_equal(slice_of(ours, out_n), slice_of(theirs, theirs_n)));
        out_n = sizeof(ours);
        assert_true(crypto_decrypt(engine, m, &p, key, slice_of(theirs, theirs_n), ours, &out_n, &err));
        assert_true(slice_equal(slice_of(ours, out_n), slice_of(data, n)));
        out_n = in_pieces(CRYPTO_DECRYPT, m, key, &p, slice_of(theirs, theirs_n));
        assert_true(slice_equal(slice_of(ours, out_n), slice_of(data, n)));
        crypto_key_unref(&key);
}

static void cipher_agrees(void **state)
{
        const struct cipher_row *row = *state;

        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                if (takes(row, lengths[i]))
                        compare(row, lengths[i]);
        }
}

/* ---- digests and MACs ---- */

struct mac_row {
        uint64_t mechanism, key_type;
        size_t key;
        int algorithm; /* of the MAC; of the digest when there is no key */
};

static const struct mac_row macs[] = {
        { CKM_MD5, 0, 0, GCRY_MD_MD5 },
        { CKM_SHA_1, 0, 0, GCRY_MD_SHA1 },
        { CKM_SHA224, 0, 0, GCRY_MD_SHA224 },
        { CKM_SHA256, 0, 0, GCRY_MD_SHA256 },
        { CKM_SHA384, 0, 0, GCRY_MD_SHA384 },
        { CKM_SHA512, 0, 0, GCRY_MD_SHA512 },
        { CKM_SHA512_224, 0, 0, GCRY_MD_SHA512_224 },
        { CKM_SHA512_256, 0, 0, GCRY_MD_SHA512_256 },
        { CKM_SHA3_224, 0, 0, GCRY_MD_SHA3_224 },
        { CKM_SHA3_256, 0, 0, GCRY_MD_SHA3_256 },
        { CKM_SHA3_384, 0, 0, GCRY_MD_SHA3_384 },
        { CKM_SHA3_512, 0, 0, GCRY_MD_SHA3_512 },
        { CKM_MD5_HMAC, CKK_MD5_HMAC, 16, GCRY_MAC_HMAC_MD5 },
        { CKM_SHA_1_HMAC, CKK_SHA_1_HMAC, 20, GCRY_MAC_HMAC_SHA1 },
        { CKM_SHA224_HMAC, CKK_SHA224_HMAC, 28, GCRY_MAC_HMAC_SHA224 },
        { CKM_SHA256_HMAC, CKK_SHA256_HMAC, 64, GCRY_MAC_HMAC_SHA256 },
        { CKM_SHA384_HMAC, CKK_SHA384_HMAC, 48, GCRY_MAC_HMAC_SHA384 },
        { CKM_SHA512_HMAC, CKK_SHA512_HMAC, 64, GCRY_MAC_HMAC_SHA512 },
        { CKM_SHA512_224_HMAC, CKK_SHA512_224_HMAC, 28, GCRY_MAC_HMAC_SHA512_224 },
        { CKM_SHA512_256_HMAC, CKK_SHA512_256_HMAC, 32, GCRY_MAC_HMAC_SHA512_256 },
        { CKM_SHA3_224_HMAC, CKK_SHA3_224_HMAC, 28, GCRY_MAC_HMAC_SHA3_224 },
        { CKM_SHA3_256_HMAC, CKK_SHA3_256_HMAC, 1, GCRY_MAC_HMAC_SHA3_256 },
        { CKM_SHA3_384_HMAC, CKK_SHA3_384_HMAC, 48, GCRY_MAC_HMAC_SHA3_384 },
        { CKM_SHA3_512_HMAC, CKK_SHA3_512_HMAC, 64, GCRY_MAC_HMAC_SHA3_512 },
        { CKM_SHA256_HMAC, CKK_DES3, 24, GCRY_MAC_HMAC_SHA256 },
        { CKM_AES_CMAC, CKK_AES, 16, GCRY_MAC_CMAC_AES },
        { CKM_AES_CMAC, CKK_AES, 32, GCRY_MAC_CMAC_AES },
        { CKM_DES3_CMAC, CKK_DES3, 24, GCRY_MAC_CMAC_3DES },
        { CKM_AES_GMAC, CKK_AES, 16, GCRY_MAC_GMAC_AES },
        { CKM_AES_GMAC, CKK_AES, 24, GCRY_MAC_GMAC_AES },
};
#define MACS (sizeof(macs) / sizeof(macs[0]))

static size_t their_mac(const struct mac_row *row, size_t n)
{
        size_t out_n = 64;
        gcry_mac_hd_t h;

        if (!row->key) {
                gcry_md_hash_buffer(row->algorithm, theirs, data, n);
                return gcry_md_get_algo_dlen(row->algorithm);
        }
        assert_int_equal(gcry_mac_open(&h, row->algorithm, 0, NULL), 0);
        assert_int_equal(gcry_mac_setkey(h, key_bytes, row->key), 0);
        if (row->mechanism == CKM_AES_GMAC)
                assert_int_equal(gcry_mac_setiv(h, iv, 12), 0);
        assert_int_equal(gcry_mac_write(h, data, n), 0);
        assert_int_equal(gcry_mac_read(h, theirs, &out_n), 0);
        gcry_mac_close(h);
        return out_n;
}

static void mac_once(const struct mac_row *row, size_t n)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(row->mechanism);
        struct ck_mech_param p = { .kind = CK_PARAM_NONE };
        struct crypto_stream *s = NULL;
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;
        size_t theirs_n, out_n = 64, piece;
        uint8_t block[CRYPTO_BLOCK_MAX];

        assert_true(crypto_random(engine, data, n, NULL) && crypto_random(engine, iv, 12, NULL) &&
                    crypto_random(engine, key_bytes, sizeof(key_bytes), NULL));
        if (row->mechanism == CKM_AES_GMAC) {
                p = (struct ck_mech_param){ .kind = CK_PARAM_GCM, .present = true };
                p.u.gcm.iv = slice_of(iv, 12);
                p.u.gcm.tag_bits = 128;
        }
        if (row->key)
                assert_true(crypto_key_open(engine, CRYPTO_SECRET, row->key_type,
                                            slice_of(key_bytes, row->key), &key, &err));
        theirs_n = their_mac(row, n);
        if (key)
                assert_true(crypto_sign(engine, m, &p, key, slice_of(data, n), ours, &out_n, &err));
        else
                assert_true(crypto_digest(engine, m, slice_of(data, n), ours, &out_n, &err));
        assert_true(slice_equal(slice_of(ours, out_n), slice_of(theirs, theirs_n)));
        assert_true(crypto_stream_new(engine, key ? CRYPTO_SIGN : CRYPTO_DIGEST, m, &p, key, &s, &err));
        for (size_t at = 0; at < n; at += piece) {
                piece = 1 + any(n > 2000 ? 9000 : 40);
                if (piece > n - at)
                        piece = n - at;
                assert_true(crypto_stream_update(s, slice_of(data + at, piece), &err));
        }
        assert_true(crypto_stream_block(s, block, &out_n, &err));
        assert_true(slice_equal(slice_of(block, out_n), slice_of(theirs, theirs_n)));
        crypto_stream_free(&s);
        crypto_key_unref(&key);
}

static void mac_agrees(void **state)
{
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
                mac_once(*state, lengths[i]);
}

int main(void)
{
        static struct CMUnitTest tests[CIPHERS + MACS];
        static char names[CIPHERS + MACS][64];

        if (!gcry_check_version("1.10.0"))
                return 2;
        gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
        for (size_t i = 0; i < CIPHERS; i++) {
                snprintf(names[i], 64, "%s, key of %zu bytes, IV of %zu",
                         crypto_mechanism_name(crypto_mechanism_find(ciphers[i].mechanism)), ciphers[i].key,
                         ciphers[i].iv);
                tests[i] = (struct CMUnitTest){ names[i], cipher_agrees, NULL, NULL,
                                                (void *)(uintptr_t)&ciphers[i] };
        }
        for (size_t i = 0; i < MACS; i++) {
                snprintf(names[CIPHERS + i], 64, "%s, key of %zu bytes",
                         crypto_mechanism_name(crypto_mechanism_find(macs[i].mechanism)), macs[i].key);
                tests[CIPHERS + i] = (struct CMUnitTest){ names[CIPHERS + i], mac_agrees, NULL, NULL,
                                                          (void *)(uintptr_t)&macs[i] };
        }
        cmocka_set_message_output(CM_OUTPUT_TAP);
        return _cmocka_run_group_tests("against libgcrypt", tests, CIPHERS + MACS, engine_open, engine_close);
}
