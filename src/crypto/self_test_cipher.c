/* Known answers of ciphers and MACs, through the same functions that serve requests. */
#include "crypto/mechanism_internal.h"
#include "crypto/self_test.h"

static struct ck_mech_param param(enum ck_param_kind kind)
{
        return (struct ck_mech_param){ .kind = kind, .present = true };
}

static struct crypto_key *key_of(struct crypto *c, uint64_t type, const uint8_t *bytes, size_t n)
{
        struct crypto_key *key = NULL;

        return crypto_key_open(c, CRYPTO_SECRET, type, slice_of(bytes, n), &key, NULL) ? key : NULL;
}

/* Encrypts, appends the answer to out, and decrypts it again. */
static bool there_and_back(struct crypto *c, uint64_t mechanism, const struct ck_mech_param *p,
                           struct crypto_key *key, struct slice in, struct buf *out)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        uint8_t sealed[128], opened[128];
        size_t sealed_n = 0, opened_n = 0;
        bool ok = key && crypto_encrypt(c, m, p, key, in, sealed, &sealed_n, NULL, NULL) &&
                  crypto_decrypt(c, m, p, key, slice_of(sealed, sealed_n), opened, &opened_n, NULL) &&
                  slice_equal(slice_of(opened, opened_n), in);

        buf_put(out, sealed, sealed_n);
        crypto_key_unref(&key);
        return ok;
}

/* SP 800-67 B.1. */
bool self_test_des3(struct crypto *c, struct buf *out)
{
        static const uint8_t key[24] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                         0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
                                         0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23 };
        struct ck_mech_param p = { .kind = CK_PARAM_NONE };

        return there_and_back(c, CKM_DES3_ECB, &p, key_of(c, CKK_DES3, key, 24),
                              SLICE_LIT("The qufck brown fox jump"), out);
}

/* SP 800-38C example 1. */
bool self_test_ccm(struct crypto *c, struct buf *out)
{
        static const uint8_t key[16] = { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
                                         0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f },
                             nonce[7] = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16 },
                             aad[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
        struct ck_mech_param p = param(CK_PARAM_CCM);

        p.u.ccm.data_len = p.u.ccm.mac_len = 4;
        p.u.ccm.nonce = slice_of(nonce, sizeof(nonce));
        p.u.ccm.aad = slice_of(aad, sizeof(aad));
        return there_and_back(c, CKM_AES_CCM, &p, key_of(c, CKK_AES, key, 16), SLICE_LIT("\x20\x21\x22\x23"),
                              out);
}

/* IEEE 1619 vector 15: 17 bytes, the last one steals. */
bool self_test_xts(struct crypto *c, struct buf *out)
{
        static const uint8_t iv[16] = { 0x9a, 0x78, 0x56, 0x34, 0x12 };
        struct ck_mech_param p = param(CK_PARAM_IV);
        uint8_t key[32], in[17];

        for (size_t i = 0; i < 16; i++) {
                key[i] = (uint8_t)(0xff - i);
                key[16 + i] = (uint8_t)(0xbf - i);
        }
        for (size_t i = 0; i < sizeof(in); i++)
                in[i] = (uint8_t)i;
        p.u.bytes = slice_of(iv, sizeof(iv));
        return there_and_back(c, CKM_AES_XTS, &p, key_of(c, CKK_AES_XTS, key, 32), slice_of(in, sizeof(in)),
                              out);
}

/* The key, nonce and additional data of RFC 8439 2.8.2 with the beginning of its text: its first 20 bytes,
 * and a tag made with libgcrypt. */
bool self_test_chacha(struct crypto *c, struct buf *out)
{
        static const uint8_t nonce[12] = { 7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47 },
                             aad[12] = { 0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
                                         0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };
        struct ck_mech_param p = param(CK_PARAM_CHACHA_POLY);
        uint8_t key[32];

        for (size_t i = 0; i < 32; i++)
                key[i] = (uint8_t)(0x80 + i);
        p.u.chacha_poly.nonce = slice_of(nonce, sizeof(nonce));
        p.u.chacha_poly.aad = slice_of(aad, sizeof(aad));
        return there_and_back(c, CKM_CHACHA20_POLY1305, &p, key_of(c, CKK_CHACHA20, key, 32),
                              SLICE_LIT("Ladies and Gentlemen"), out);
}

/* SP 800-38D CAVP, gcmEncryptExtIV128 without plaintext. */
bool self_test_gmac(struct crypto *c, struct buf *out)
{
        static const uint8_t
            bytes[16] = { 0x77, 0xbe, 0x63, 0x70, 0x89, 0x71, 0xc4, 0xe2,
                          0x40, 0xd1, 0xcb, 0x79, 0xe8, 0xd7, 0x7f, 0xeb },
            iv[12] = { 0xe0, 0xe0, 0x0f, 0x19, 0xfe, 0xd7, 0xba, 0x01, 0x36, 0xa7, 0x97, 0xf3 },
            data[16] = { 0x7a, 0x43, 0xec, 0x1d, 0x9c, 0x0a, 0x5a, 0x78,
                         0xa0, 0xb1, 0x65, 0x33, 0xa6, 0x21, 0x3c, 0xab };
        struct crypto_key *key = key_of(c, CKK_AES, bytes, 16);
        struct ck_mech_param p = param(CK_PARAM_GCM);
        uint8_t tag[16];
        size_t n = 0;
        bool ok;

        p.u.gcm.iv = slice_of(iv, sizeof(iv));
        p.u.gcm.tag_bits = 128;
        ok = key &&
             crypto_sign(c, crypto_mechanism_find(CKM_AES_GMAC), &p, key, slice_of(data, 16), tag, &n, NULL);
        buf_put(out, tag, n);
        crypto_key_unref(&key);
        return ok;
}
