/* Do refusals of malformed blobs and data tell by their time what was wrong with them? Asked of a vault
 * alone, in one process, without network and log: what is seen here is the most that anybody can see. Key
 * rules 7, E03 to E05. Usage: vault [ROUNDS [TESTS]], a pattern of names; CHSM_ATTACK_TIMING sets them too,
 * and then a difference above the tolerance fails. The rounds of a normal run are too few to decide; there it
 * is tested that all refusals are one code and text. */
#include "blocks.h"
#include "calls.h"
#include "timing.h"

#include "ck/mechanism_param.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define TOLERANCE 20     /* ns: spec/key-rules.md E03 */
#define FEW       30     /* rounds, which find a difference of */
#define GROSS     100000 /* ns */
#define VARIANTS  256    /* of a class: two ciphertexts differ in time whatever is in them */

/* Requests that must be refused alike. */
struct group {
        const char *title;
        uint64_t mechanism;
        bool unwrap;
        uint64_t object_class, key_type; /* of what is unwrapped */
        size_t n;
        const char *words[TIMING_CLASSES_MAX];
        uint8_t data[TIMING_CLASSES_MAX][VARIANTS][512];
        size_t size[TIMING_CLASSES_MAX], variants[TIMING_CLASSES_MAX], turn[TIMING_CLASSES_MAX];
};

static struct {
        struct caller cu;
        struct named rsa_public, rsa_unwraps, rsa_reads, rsa_reads_public, aes_unwraps, aes_reads;
        uint8_t modulus[BLOCK_SIZE], reads_modulus[BLOCK_SIZE];
        uint8_t aes[32];          /* the value of both AES keys */
        struct buf oaep, rsa_aes; /* parameters */
} world;

static size_t rounds, variants = 2; /* of a normal run */
static bool decides;

/* ---- requests ---- */

static Chsm__Mechanism mechanism_of(uint64_t number)
{
        static uint8_t iv[16];
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = number;
        if (number == CKM_RSA_PKCS_OAEP)
                m.parameter = (ProtobufCBinaryData){ world.oaep.n, world.oaep.p };
        if (number == CKM_RSA_AES_KEY_WRAP)
                m.parameter = (ProtobufCBinaryData){ world.rsa_aes.n, world.rsa_aes.p };
        if (number == CKM_AES_CBC_PAD)
                m.parameter = (ProtobufCBinaryData){ sizeof(iv), iv };
        return m;
}

static struct named *key_of(const struct group *g)
{
        if (g->mechanism == CKM_AES_CBC_PAD)
                return g->unwrap ? &world.aes_unwraps : &world.aes_reads;
        return g->unwrap ? &world.rsa_unwraps : &world.rsa_reads;
}

static uint32_t send(struct group *g, size_t which)
{
        ProtobufCBinaryData data = { g->size[which], g->data[which][g->turn[which]++ % g->variants[which]] };
        Chsm__Mechanism m = mechanism_of(g->mechanism);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest unwrap = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__DecryptRequest decrypt = CHSM__DECRYPT_REQUEST__INIT;
        struct attributes t = { .n = 0 };

        if (g->unwrap) {
                add_number(&t, CKA_CLASS, g->object_class);
                add_number(&t, CKA_KEY_TYPE, g->key_type);
                attributes_lend(&t, &unwrap.template_, &unwrap.n_template_);
                unwrap.unwrapping_key = &key_of(g)->ref;
                unwrap.mechanism = &m;
                unwrap.wrapped = data;
                r.unwrap_key = &unwrap;
                r.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
        } else {
                decrypt.key = &key_of(g)->ref;
                decrypt.mechanism = &m;
                decrypt.data = data;
                r.decrypt = &decrypt;
                r.body_case = CHSM__REQUEST__BODY_DECRYPT;
        }
        return ask(&world.cu, &r)->status;
}

static void act(void *with, size_t which)
{
        (void)send(with, which);
}

static void judge(struct group *g)
{
        uint32_t wanted = g->unwrap ? CKR_WRAPPED_KEY_INVALID : CKR_ENCRYPTED_DATA_INVALID;
        char first[sizeof(world.cu.hsm->detail)] = "";
        struct timing_report report;

        for (size_t i = 0; i < g->n * variants; i++) {
                assert_int_equal(send(g, i % g->n), wanted);
                if (i == 0)
                        memcpy(first, world.cu.hsm->detail, sizeof(first));
                assert_string_equal(world.cu.hsm->detail, first);
        }
        report = timing_compare(g->title, g->words, g->n, rounds, decides ? TOLERANCE : GROSS, act, g);
        if (report.verdict == TIMING_DIFFERENT)
                fail_msg("%s: the time tells what was wrong", g->title);
}

/* ---- what is wrong ---- */

/* A class, or one more variant of it. */
static void add(struct group *g, const char *words, const void *data, size_t n)
{
        size_t i = 0;

        while (i < g->n && strcmp(g->words[i], words) != 0)
                i++;
        assert_true(i < TIMING_CLASSES_MAX && n <= sizeof(g->data[0][0]) && g->variants[i] < VARIANTS);
        g->n += i == g->n;
        g->words[i] = words;
        memcpy(g->data[i][g->variants[i]++], data, n);
        g->size[i] = n;
}

static void add_block(struct group *g, const char *words, const uint8_t *block)
{
        uint8_t out[BLOCK_SIZE];

        assert_true(block_encrypt(g->unwrap ? world.modulus : world.reads_modulus, block, out));
        add(g, words, out, sizeof(out));
}

static void v15(bool unwrap)
{
        static struct group g;
        uint8_t block[BLOCK_SIZE];

        g = (struct group){ .title = unwrap ? "C_UnwrapKey RSA_PKCS" : "C_Decrypt RSA_PKCS",
                            .mechanism = CKM_RSA_PKCS,
                            .unwrap = unwrap,
                            .object_class = CKO_SECRET_KEY,
                            .key_type = CKK_AES };
        for (size_t i = 0; i < variants * (size_t)(BLOCK_V15_FLAWS - (unwrap ? 0 : 2)); i++) {
                block_v15(block, 32);
                block_v15_flaws[i / variants].spoil(block);
                add_block(&g, block_v15_flaws[i / variants].words, block);
                if (i >= variants)
                        continue;
                block_v15(block, 32);
                block_v15_flaws[0].spoil(block);
                add_block(&g, "the same again", block); /* what noise looks like */
        }
        judge(&g);
}

static void unwrapping_v15(void **state)
{
        (void)state;
        v15(true);
}

static void decrypting_v15(void **state)
{
        (void)state;
        v15(false);
}

static void oaep(bool unwrap)
{
        static struct group g;
        uint8_t block[BLOCK_SIZE], key[32] = "what is inside of the OAEP block";

        g = (struct group){ .title = unwrap ? "C_UnwrapKey RSA_PKCS_OAEP" : "C_Decrypt RSA_PKCS_OAEP",
                            .mechanism = CKM_RSA_PKCS_OAEP,
                            .unwrap = unwrap,
                            .object_class = CKO_SECRET_KEY,
                            .key_type = CKK_AES };
        for (size_t i = 0; i < variants * BLOCK_OAEP_FLAWS; i++) {
                block_oaep(block, key, 32, "", block_oaep_flaws[i / variants].spoil);
                add_block(&g, block_oaep_flaws[i / variants].words, block);
        }
        for (size_t i = 0; i < variants; i++) {
                block_oaep(block, key, 32, "", NULL);
                block[0] = 1;
                add_block(&g, "first byte 1", block);
                block_oaep(block, key, 32, "label", NULL);
                add_block(&g, "made for another label", block);
                if (!unwrap)
                        continue;
                block_oaep(block, key, 17, "", NULL);
                add_block(&g, "17 bytes for AES", block);
                block_oaep(block, key, 0, "", NULL);
                add_block(&g, "0 bytes for AES", block);
        }
        judge(&g);
}

static void unwrapping_oaep(void **state)
{
        (void)state;
        oaep(true);
}

static void decrypting_oaep(void **state)
{
        (void)state;
        oaep(false);
}

/* Either half broken: E08. */
static void unwrapping_rsa_aes(void **state)
{
        static struct group g = { .title = "C_UnwrapKey RSA_AES_KEY_WRAP",
                                  .mechanism = CKM_RSA_AES_KEY_WRAP,
                                  .unwrap = true,
                                  .object_class = CKO_SECRET_KEY,
                                  .key_type = CKK_AES };
        uint8_t block[BLOCK_SIZE], blob[BLOCK_SIZE + 40], inner[32] = "the key between the two halves..";

        (void)state;
        for (size_t i = 0; i < 4 * variants; i++) {
                size_t which = i / variants;

                block_oaep(block, inner, which == 3 ? 24 : 32, "",
                           which < 2 ? block_oaep_flaws[which].spoil : NULL);
                assert_true(block_encrypt(world.modulus, block, blob));
                block_oaep(block, inner, 32, "", NULL);
                memcpy(blob + BLOCK_SIZE, block + 1, 40); /* no wrap of anything */
                add(&g,
                    which == 0   ? "first half: hash"
                    : which == 1 ? "first half: end of the hash"
                    : which == 2 ? "second half"
                                 : "first half: 24 bytes for 32",
                    blob, sizeof(blob));
        }
        judge(&g);
}

/* Adds plain under AES-CBC with a zero IV; whole blocks. */
static void add_cbc(struct group *g, const char *words, const uint8_t *plain, size_t n)
{
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        uint8_t out[2048], iv[16] = { 0 };
        int made = 0;

        assert_int_equal(EVP_EncryptInit_ex2(context, EVP_aes_256_cbc(), world.aes, iv, NULL), 1);
        assert_int_equal(EVP_CIPHER_CTX_set_padding(context, 0), 1);
        assert_int_equal(EVP_EncryptUpdate(context, out, &made, plain, (int)n), 1);
        assert_int_equal(made, n);
        add(g, words, out, n);
        EVP_CIPHER_CTX_free(context);
}

/* The endings that are no padding of the n bytes, whole blocks, whose last byte is to be what attackers try.
 */
static void add_wrong_paddings(struct group *g, uint8_t *plain, size_t n)
{
        plain[n - 1] = 0;
        add_cbc(g, "padding of 0", plain, n);
        plain[n - 1] = 17;
        add_cbc(g, "padding of 17", plain, n);
        plain[n - 1] = 0x80;
        add_cbc(g, "padding of 128", plain, n);
        memset(plain + n - 9, 9, 9);
        plain[n - 9] = 8;
        add_cbc(g, "padding of 9, its first wrong", plain, n);
        memset(plain + n - 9, 9, 9);
        plain[n - 2] = 8;
        add_cbc(g, "padding of 9, its last wrong", plain, n);
}

static void decrypting_cbc(void **state)
{
        static struct group g = { .title = "C_Decrypt AES_CBC_PAD", .mechanism = CKM_AES_CBC_PAD };
        uint8_t plain[64];

        (void)state;
        memset(plain, 0x5a, sizeof(plain));
        add_wrong_paddings(&g, plain, sizeof(plain));
        judge(&g);
}

static void unwrapping_cbc(void **state)
{
        static struct group g = { .title = "C_UnwrapKey AES_CBC_PAD of AES",
                                  .mechanism = CKM_AES_CBC_PAD,
                                  .unwrap = true,
                                  .object_class = CKO_SECRET_KEY,
                                  .key_type = CKK_AES };
        static struct group one; /* of one block */
        uint8_t plain[48];

        (void)state;
        one = g;
        one.title = "C_UnwrapKey AES_CBC_PAD, a block";
        memset(plain, 0x5a, sizeof(plain));
        add_wrong_paddings(&g, plain, sizeof(plain));
        plain[47] = 1;
        add_cbc(&g, "right, 47 bytes for AES", plain, 48);
        memset(plain + 33, 15, 15);
        add_cbc(&g, "right, 33 bytes for AES", plain, 48);
        judge(&g);
        memset(plain, 16, 16); /* the first byte decides how long a DER parser looks at it */
        add_wrong_paddings(&one, plain, 16);
        plain[15] = 1;
        add_cbc(&one, "right, 15 bytes for AES", plain, 16);
        memset(plain, 16, 16);
        add_cbc(&one, "right, nothing inside", plain, 16);
        judge(&one);
}

/* The attacker has a blob with a private key and changes what the padding becomes; the key then is another
 * one anyway, as its last block is destroyed, and that is all that may be seen. */
static void unwrapping_cbc_private(void **state)
{
        static struct group g = { .title = "C_UnwrapKey AES_CBC_PAD of EC",
                                  .mechanism = CKM_AES_CBC_PAD,
                                  .unwrap = true,
                                  .object_class = CKO_PRIVATE_KEY,
                                  .key_type = CKK_EC };
        EVP_PKEY *pkey = EVP_EC_gen("P-256");
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
        uint8_t plain[192] = { 0 }, *der = NULL;
        int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
        size_t whole = ((size_t)n / 16 + 1) * 16, pad = whole - (size_t)n;

        (void)state;
        assert_true(n > 100 && whole <= sizeof(plain));
        memcpy(plain, der, (size_t)n);
        plain[n - 1] ^= 1; /* a point that is not on the curve */
        memset(plain + n, (int)pad, pad);
        add_cbc(&g, "right, the key is none", plain, whole);
        plain[n - 1] ^= 3;
        add_cbc(&g, "the same, other bytes", plain, whole);
        plain[whole - 1] = 0;
        add_cbc(&g, "padding of 0", plain, whole);
        plain[whole - 1] = 17;
        add_cbc(&g, "padding of 17", plain, whole);
        plain[whole - 1] = 1; /* a key and bytes behind it */
        add_cbc(&g, "right, but a byte long", plain, whole);
        judge(&g);
        OPENSSL_free(der);
        PKCS8_PRIV_KEY_INFO_free(info);
        EVP_PKEY_free(pkey);
}

/* ---- can the judge tell? ---- */

static void a_difference_is_found_and_equality_too(void **state)
{
        enum { MANY = 4000, THREE = 3 };
        long *times = calloc(MANY * THREE, sizeof(*times));
        struct timing_report r;

        (void)state;
        for (size_t i = 0; i < MANY * THREE; i++) /* noise of 0 to 999 ns, one in ten far out */
                times[i] = 100000 + (long)(i * 7919 % 1000) + (i % 10 == 0 ? 50000 : 0);
        for (size_t i = 0; i < MANY; i++)
                times[i * THREE + 1] = times[i * THREE] + (long)(i % 5) - 2;
        for (size_t i = 0; i < MANY; i++)
                times[i * THREE + 2] = times[i * THREE] + (long)(i % 7) - 3;
        r = timing_judge(times, MANY, THREE, TOLERANCE);
        assert_int_equal(r.verdict, TIMING_SAME);
        for (size_t i = 0; i < MANY; i++)
                times[i * THREE + 2] += 30;
        r = timing_judge(times, MANY, THREE, TOLERANCE);
        assert_int_equal(r.verdict, TIMING_DIFFERENT);
        assert_true(r.friedman > r.critical);
        assert_in_range(r.differences[2].median, 28, 32);
        r = timing_judge(times, 5, THREE, 1);
        assert_int_not_equal(r.verdict, TIMING_SAME);
        assert_in_range((long)(r.critical * 10), 138,
                        142); /* 13.8 with two degrees of freedom; it overestimates */
        free(times);
}

/* ---- the keys ---- */

static void pair(const char *which, struct named *pub, struct named *priv, uint8_t modulus[BLOCK_SIZE])
{
        bool unwraps = strcmp(which, "unwraps") == 0;
        struct attributes a = { .n = 0 }, b = { .n = 0 };
        size_t n;

        add_bool(&a, unwraps ? CKA_WRAP : CKA_ENCRYPT, true);
        add_bool(&b, unwraps ? CKA_UNWRAP : CKA_DECRYPT, true);
        assert_int_equal(make_pair(&world.cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, &a, &b, pub, priv), 0);
        assert_int_equal(get_attribute(&world.cu, pub, CKA_MODULUS, modulus, BLOCK_SIZE, &n), 0);
        assert_int_equal(n, BLOCK_SIZE);
}

static void known_aes(uint64_t usage, struct named *key)
{
        struct attributes t = { .n = 0 };

        add_number(&t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&t, CKA_KEY_TYPE, CKK_AES);
        add_bool(&t, CKA_TOKEN, true);
        add_bool(&t, usage, true);
        add_bytes(&t, CKA_VALUE, slice_of(world.aes, sizeof(world.aes)));
        assert_int_equal(create_object(&world.cu, &t, key), 0);
}

static int begin(void **state)
{
        CK_RSA_PKCS_OAEP_PARAMS native = { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
        CK_RSA_AES_KEY_WRAP_PARAMS both = { 256, &native };
        CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &native, sizeof(native) },
                     w = { CKM_RSA_AES_KEY_WRAP, &both, sizeof(both) };
        CK_OBJECT_HANDLE second;
        struct err err = ERR_INIT;

        *state = hsm_ready();
        world.cu = caller_cu(*state, "cu1");
        memset(world.aes, 0x42, sizeof(world.aes));
        pair("unwraps", &world.rsa_public, &world.rsa_unwraps, world.modulus);
        pair("reads", &world.rsa_reads_public, &world.rsa_reads, world.reads_modulus);
        known_aes(CKA_UNWRAP, &world.aes_unwraps);
        known_aes(CKA_DECRYPT, &world.aes_reads);
        return ck_mech_param_encode(&m, &world.oaep, &second, &err) &&
                       ck_mech_param_encode(&w, &world.rsa_aes, &second, &err)
                   ? 0
                   : -1;
}

static int end(void **state)
{
        buf_clear(&world.oaep);
        buf_clear(&world.rsa_aes);
        hsm_free(*state);
        return 0;
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_difference_is_found_and_equality_too),
                cmocka_unit_test(unwrapping_v15),
                cmocka_unit_test(decrypting_v15),
                cmocka_unit_test(unwrapping_oaep),
                cmocka_unit_test(decrypting_oaep),
                cmocka_unit_test(unwrapping_rsa_aes),
                cmocka_unit_test(unwrapping_cbc),
                cmocka_unit_test(unwrapping_cbc_private),
                cmocka_unit_test(decrypting_cbc),
        };
        const char *asked = argc > 1 ? argv[1] : getenv("CHSM_ATTACK_TIMING");

        decides = asked != NULL;
        if (decides)
                variants = VARIANTS;
        rounds = asked ? strtoul(asked, NULL, 10) : FEW;
        if (argc > 2)
                cmocka_set_test_filter(argv[2]);
        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
