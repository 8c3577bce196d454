/* No branch and no address depends on what came out of an RSA decryption until the answer says it: what
 * libcrypto's decryption gives is marked as unknown to valgrind's memcheck, which then reports every jump and
 * every look-up that depends on it. It is known again where src/crypto/choice.h says so: once it is decided
 * that the answer is a key or a refusal, and in the bytes that a refusal replaces by bytes of its own. This
 * is exact where a clock only has intervals; libcrypto's own code is not looked at. Langley, "Checking that
 * functions are constant time with Valgrind", 2010. */
#include "blocks.h"

#include "crypto/choice.h"
#include "crypto/internal.h"
#include "crypto/mechanism.h"
#include "test.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <valgrind/memcheck.h>

static struct {
        struct crypto *crypto;
        struct crypto_key *priv;
        uint8_t modulus[BLOCK_SIZE];
        bool marking, oaep;
        size_t marked, decided;
} world;

/* ---- between the program and its parts: the linker's --wrap ---- */

int __real_EVP_PKEY_decrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_n, const unsigned char *in,
                            size_t in_n);
int __wrap_EVP_PKEY_decrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_n, const unsigned char *in,
                            size_t in_n);
bool __real_choice_made(size_t mask);
bool __wrap_choice_made(size_t mask);
void __real_choice_bytes(size_t mask, uint8_t *out, const uint8_t *yes, const uint8_t *no, size_t n);
void __wrap_choice_bytes(size_t mask, uint8_t *out, const uint8_t *yes, const uint8_t *no, size_t n);
bool __real_crypto_key_open(struct crypto *c, enum crypto_key_class class, uint64_t type,
                            struct slice material, struct crypto_key **out, struct err *err);
bool __wrap_crypto_key_open(struct crypto *c, enum crypto_key_class class, uint64_t type,
                            struct slice material, struct crypto_key **out, struct err *err);

/* Without a padding every block comes out, and the block is the secret; of OAEP the result is one too. */
int __wrap_EVP_PKEY_decrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_n, const unsigned char *in,
                            size_t in_n)
{
        int result = __real_EVP_PKEY_decrypt(ctx, out, out_n, in, in_n);

        if (!world.marking)
                return result;
        world.marked++;
        (void)VALGRIND_MAKE_MEM_UNDEFINED(out, BLOCK_SIZE);
        if (world.oaep) {
                (void)VALGRIND_MAKE_MEM_UNDEFINED(out_n, sizeof(*out_n));
                (void)VALGRIND_MAKE_MEM_UNDEFINED(&result, sizeof(result));
        }
        return result;
}

bool __wrap_choice_made(size_t mask)
{
        world.decided++;
        (void)VALGRIND_MAKE_MEM_DEFINED(&mask, sizeof(mask));
        return __real_choice_made(mask);
}

/* The same bytes whatever the padding was, unless the answer is a key. */
void __wrap_choice_bytes(size_t mask, uint8_t *out, const uint8_t *yes, const uint8_t *no, size_t n)
{
        __real_choice_bytes(mask, out, yes, no, n);
        (void)VALGRIND_MAKE_MEM_DEFINED(out, n);
}

/* The same length whatever the padding was, unless the answer is a key. */
bool __wrap_crypto_key_open(struct crypto *c, enum crypto_key_class class, uint64_t type,
                            struct slice material, struct crypto_key **out, struct err *err)
{
        (void)VALGRIND_MAKE_MEM_DEFINED(&material, sizeof(material));
        return __real_crypto_key_open(c, class, type, material, out, err);
}

/* ---- */

static struct ck_mech_param oaep_param(void)
{
        struct ck_mech_param p = { .kind = CK_PARAM_OAEP, .present = true };

        p.u.oaep = (struct ck_mech_oaep){ CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, SLICE_EMPTY };
        return p;
}

/* Gives the block to a mechanism, as a wrapped key and as data; nothing may depend on it. The tail is what
 * follows the block in a blob of CKM_RSA_AES_KEY_WRAP. */
static void give(uint64_t mechanism, const struct ck_mech_param *p, const uint8_t *block, size_t tail,
                 bool opens)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        uint8_t blob[BLOCK_SIZE + 64] = { 0 }, out[BLOCK_SIZE + 64];
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;
        unsigned before = VALGRIND_COUNT_ERRORS;
        size_t n = sizeof(out);

        assert_true(block_encrypt(world.modulus, block, blob));
        world.marked = world.decided = 0;
        world.oaep = mechanism != CKM_RSA_PKCS;
        world.marking = true;
        assert_int_equal(crypto_unwrap(world.crypto, m, p, world.priv, slice_of(blob, BLOCK_SIZE + tail),
                                       CRYPTO_SECRET, CKK_AES, 0, &key, &err),
                         opens);
        crypto_key_unref(&key);
        if (!tail)
                (void)crypto_decrypt(world.crypto, m, p, world.priv, slice_of(blob, BLOCK_SIZE), out, &n,
                                     &err);
        world.marking = false;
        assert_int_equal(world.marked, tail ? 1 : 2);
        assert_true(world.decided >= 1);
        assert_int_equal(VALGRIND_COUNT_ERRORS, before);
}

static void nothing_depends_on_a_block_of_v15(void **state)
{
        uint8_t block[BLOCK_SIZE];

        (void)state;
        for (size_t i = 0; i < BLOCK_V15_FLAWS; i++) {
                block_v15(block, 32);
                block_v15_flaws[i].spoil(block);
                give(CKM_RSA_PKCS, NULL, block, 0, false);
        }
        block_v15(block, 32);
        give(CKM_RSA_PKCS, NULL, block, 0, true);
}

static void nothing_depends_on_a_block_of_oaep(void **state)
{
        struct ck_mech_param p = oaep_param();
        uint8_t block[BLOCK_SIZE], key[32] = "what is inside of the OAEP block";

        (void)state;
        for (size_t i = 0; i < BLOCK_OAEP_FLAWS; i++) {
                block_oaep(block, key, 32, "", block_oaep_flaws[i].spoil);
                give(CKM_RSA_PKCS_OAEP, &p, block, 0, false);
        }
        block_oaep(block, key, 17, "", NULL);
        give(CKM_RSA_PKCS_OAEP, &p, block, 0, false);
        block_oaep(block, key, 32, "", NULL);
        give(CKM_RSA_PKCS_OAEP, &p, block, 0, true);
}

static void nothing_depends_on_the_first_half(void **state)
{
        struct ck_mech_param oaep = oaep_param(), p = { .kind = CK_PARAM_RSA_AES_WRAP, .present = true };
        uint8_t block[BLOCK_SIZE], key[32] = "the key between the two halves..";

        (void)state;
        p.u.rsa_aes.aes_bits = 256;
        p.u.rsa_aes.oaep = oaep.u.oaep;
        for (size_t i = 0; i < BLOCK_OAEP_FLAWS; i++) {
                block_oaep(block, key, 32, "", block_oaep_flaws[i].spoil);
                give(CKM_RSA_AES_KEY_WRAP, &p, block, 40, false);
        }
        block_oaep(block, key, 24, "", NULL);
        give(CKM_RSA_AES_KEY_WRAP, &p, block, 40, false);
        block_oaep(block, key, 32, "", NULL); /* right, but nothing is wrapped in the second */
        give(CKM_RSA_AES_KEY_WRAP, &p, block, 40, false);
}

/* That memcheck sees it when something does depend. */
static void a_branch_is_seen(void **state)
{
        volatile uint8_t secret = 1, other = 0;
        unsigned before = VALGRIND_COUNT_ERRORS;

        (void)state;
        (void)VALGRIND_MAKE_MEM_UNDEFINED(&secret, sizeof(secret));
        if (secret == 1)
                other = 1;
        (void)other;
        assert_int_equal(VALGRIND_COUNT_ERRORS, before + 1);
}

static int begin(void **state)
{
        EVP_PKEY *pkey = EVP_RSA_gen(BLOCK_SIZE * 8);
        BIGNUM *n = NULL;
        struct err err = ERR_INIT;
        uint8_t *der = NULL;
        int der_n = pkey ? i2d_PrivateKey(pkey, &der) : 0;
        bool ok = der_n > 0 && EVP_PKEY_get_bn_param(pkey, "n", &n) == 1 &&
                  BN_bn2binpad(n, world.modulus, BLOCK_SIZE) == BLOCK_SIZE &&
                  (world.crypto = crypto_new(NULL, &err)) != NULL &&
                  crypto_key_open(world.crypto, CRYPTO_PRIVATE, CKK_RSA, slice_of(der, (size_t)der_n),
                                  &world.priv, &err);

        (void)state;
        OPENSSL_free(der);
        BN_free(n);
        EVP_PKEY_free(pkey);
        return ok ? 0 : -1;
}

static int end(void **state)
{
        (void)state;
        crypto_key_unref(&world.priv);
        crypto_free(&world.crypto);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_branch_is_seen),
                cmocka_unit_test(nothing_depends_on_a_block_of_v15),
                cmocka_unit_test(nothing_depends_on_a_block_of_oaep),
                cmocka_unit_test(nothing_depends_on_the_first_half),
        };

        if (!RUNNING_ON_VALGRIND) {
                (void)fprintf(stderr, "only valgrind sees what depends on a secret: run me under it\n");
                return 2;
        }
        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
