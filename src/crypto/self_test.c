/* Known answers, asked at every start. A wrong one keeps the node out of service. */
#include "crypto/internal.h"
#include "crypto/seal.h"
#include "crypto/self_test.h"
#include "base/text.h"

#include <string.h>

struct self_test {
        const char *name;
        bool (*run)(struct crypto *, struct buf *out);
        const char *expected; /* hex */
};

static bool digest_abc(struct crypto *c, enum crypto_hash hash, struct buf *out)
{
        uint8_t *at = buf_extend(out, (size_t)EVP_MD_get_size(c->md[hash]));

        return at && EVP_Digest("abc", 3, at, NULL, c->md[hash], NULL) == 1;
}

static bool run_sha1(struct crypto *c, struct buf *out)
{
        return digest_abc(c, HASH_SHA1, out);
}

static bool run_sha256(struct crypto *c, struct buf *out)
{
        return digest_abc(c, HASH_SHA256, out);
}

static bool run_sha384(struct crypto *c, struct buf *out)
{
        return digest_abc(c, HASH_SHA384, out);
}

static bool run_sha512(struct crypto *c, struct buf *out)
{
        return digest_abc(c, HASH_SHA512, out);
}

static bool run_sha3(struct crypto *c, struct buf *out)
{
        return digest_abc(c, HASH_SHA3_256, out);
}

/* RFC 4231 case 2. */
static bool run_hmac(struct crypto *c, struct buf *out)
{
        uint8_t *at = buf_extend(out, 32);

        return at && crypto_hmac_sha256(c, SLICE_LIT("Jefe"), SLICE_LIT("what do ya want for nothing?"), at);
}

/* RFC 5869 case 1. */
static bool run_hkdf(struct crypto *c, struct buf *out)
{
        static const uint8_t salt[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
        static const uint8_t info[] = { 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9 };
        uint8_t key[22];
        struct sec *okm;

        memset(key, 0x0b, sizeof(key));
        okm = crypto_derive(c, slice_of(key, 22), slice_of(salt, 13), slice_of(info, 10), 42, NULL);
        buf_put_slice(out, sec_slice(okm));
        sec_free(&okm);
        return true;
}

/* The GCM specification's test case 14 (McGrew and Viega): all-zero key, nonce and block. */
static bool run_gcm(struct crypto *c, struct buf *out)
{
        static const uint8_t zero[32] = { 0 };
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        uint8_t *at = buf_extend(out, 32);
        int n = 0;
        bool ok = at && context && EVP_EncryptInit_ex2(context, c->gcm256, zero, zero, NULL) == 1 &&
                  EVP_EncryptUpdate(context, at, &n, zero, 16) == 1 &&
                  EVP_EncryptFinal_ex(context, at + 16, &n) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, at + 16) == 1;

        EVP_CIPHER_CTX_free(context);
        return ok;
}

/* The generator: two draws are not equal and not zero. */
static bool run_random(struct crypto *c, struct buf *out)
{
        uint8_t a[32] = { 0 }, b[32] = { 0 };
        static const uint8_t zero[32] = { 0 };
        bool good = crypto_random(c, a, 32, NULL) && crypto_random(c, b, 32, NULL) && memcmp(a, b, 32) != 0 &&
                    memcmp(a, zero, 32) != 0;

        buf_put_u8(out, good);
        return true;
}

static const struct self_test self_tests[] = {
        { "SHA-1", run_sha1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "SHA-256", run_sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "SHA-384", run_sha384,
          "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a"
          "7" },
        { "SHA-512", run_sha512,
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd45"
          "4d4423643ce80e"
          "2a9ac94fa54ca49f" },
        { "SHA3-256", run_sha3, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
        { "HMAC-SHA-256", run_hmac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { "HKDF", run_hkdf,
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
        { "AES-256-GCM", run_gcm, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
        { "RSA", self_test_rsa, "66d3fa6b0c192bd0aba80fedc25e27309e5707abf7910da6183af0306c041183" },
        { "ECDSA", self_test_ecdsa, "01" },
        { "Ed25519", self_test_ed25519,
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          "d25bf5f0595bbe24655141438e7a100b" },
        { "AES-256", self_test_aes, "8ea2b7ca516745bfeafc49904b496089" },
        { "AES-KW", self_test_key_wrap,
          "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21" },
        { "CMAC", self_test_cmac, "070a16b46b4d4144f79bdd9dd04a287c" },
        { "3DES", self_test_des3, "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900" },
        { "AES-CCM", self_test_ccm, "7162015b4dac255d" },
        { "AES-XTS", self_test_xts, "6c1625db4671522d3d7599601de7ca09ed" },
        { "AES-GMAC", self_test_gmac, "209fcc8d3675ed938e9c7166709dd946" },
        { "ChaCha20-Poly1305", self_test_chacha,
          "d31a8d34648e60db7b86afbc53ef7ec2a4aded51e139d222c27617a282d78e210b635057" },
        { "Argon2id", self_test_argon2id,
          "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe" },
        { "DRBG", run_random, "01" },
};

bool crypto_self_test(struct crypto *c, const char *spoil, struct err *err)
{
        for (size_t i = 0; i < sizeof(self_tests) / sizeof(self_tests[0]); i++) {
                const struct self_test *t = &self_tests[i];
                struct buf got = BUF_INIT, wanted = BUF_INIT;
                bool ok = t->run(c, &got) && text_from_hex(slice_str(t->expected), &wanted);

                if (spoil && strcmp(spoil, t->name) == 0 && got.n)
                        got.p[0] ^= 1;
                ok = ok && slice_equal(buf_slice(&got), buf_slice(&wanted));
                buf_clear(&got);
                buf_clear(&wanted);
                if (!ok)
                        return err_set(err, ERR_SELF_TEST,
                                       "self-test '%s' gave a wrong answer: this node stays out of service",
                                       t->name);
        }
        return true;
}
