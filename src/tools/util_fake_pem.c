/* chsm-util: files that stand for a private key of the HSM: the public numbers are real, and where the secret
 * ones would be stands the key's handle in a pattern (spec/tools.md 8). */
#include "ck/encoding.h"
#include "tools/util_move.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static const uint8_t pattern[4] = { 0xea, 0xfc, 0xfc, 0xee };
#define HANDLE_AT   4
#define PATTERN_MIN 16 /* bytes: less could be a number by chance */

/* n bytes of pattern with the handle at 4 to 11, little-endian. */
static void pattern_make(uint8_t *out, size_t n, uint64_t handle)
{
        for (size_t i = 0; i < n; i++)
                out[i] = pattern[i % 4];
        for (size_t i = 0; i < 8; i++)
                out[HANDLE_AT + i] = (uint8_t)(handle >> (8 * i));
}

/* The first byte may have made room for a number below the curve's order. */
static bool pattern_read(const uint8_t *p, size_t n, uint64_t *handle)
{
        if (n < PATTERN_MIN)
                return false;
        for (size_t i = 1; i < n; i++) {
                if ((i < HANDLE_AT || i >= HANDLE_AT + 8) && p[i] != pattern[i % 4])
                        return false;
        }
        *handle = 0;
        for (size_t i = 0; i < 8; i++)
                *handle |= (uint64_t)p[HANDLE_AT + i] << (8 * i);
        return true;
}

/* ---- DER, by hand: the library's writers refuse numbers that do not fit each other ---- */

static void put_length(struct buf *out, size_t n)
{
        if (n < 128) {
                buf_put_u8(out, (uint8_t)n);
        } else if (n < 256) {
                buf_put_u8(out, 0x81);
                buf_put_u8(out, (uint8_t)n);
        } else {
                buf_put_u8(out, 0x82);
                buf_put_u16(out, (uint16_t)n);
        }
}

static void put_tlv(struct buf *out, uint8_t tag, struct slice value)
{
        buf_put_u8(out, tag);
        put_length(out, value.n);
        buf_put_slice(out, value);
}

static void put_integer(struct buf *out, struct slice number)
{
        static const uint8_t zero = 0;

        while (number.n > 1 && number.p[0] == 0)
                number = slice_of(number.p + 1, number.n - 1);
        buf_put_u8(out, 0x02);
        put_length(out, number.n + (number.p[0] >> 7));
        if (number.p[0] & 0x80)
                buf_put(out, &zero, 1);
        buf_put_slice(out, number);
}

/* RSAPrivateKey: n and e as they are; d, of n's length, is the pattern, and so are p and q of half of it, and
 * the rest. */
static void put_rsa(struct buf *out, struct slice n, struct slice e, uint64_t handle)
{
        uint8_t wide[2048], half[1024];
        struct buf body = BUF_INIT;
        size_t size = n.n > sizeof(wide) ? sizeof(wide) : n.n;

        pattern_make(wide, size, handle);
        pattern_make(half, size / 2, handle);
        put_integer(&body, slice_of("", 1)); /* version 0 */
        put_integer(&body, n);
        put_integer(&body, e);
        put_integer(&body, slice_of(wide, size));
        for (int i = 0; i < 5; i++)
                put_integer(&body, slice_of(half, size / 2));
        put_tlv(out, 0x30, buf_slice(&body));
        buf_clear(&body);
}

/* ECPrivateKey (RFC 5915) with curve and point. point: uncompressed or compressed, without tag. */
static void put_ec(struct buf *out, struct slice curve, struct slice point, size_t order_n, bool below,
                   uint64_t handle)
{
        uint8_t scalar[72];
        struct buf body = BUF_INIT, bits = BUF_INIT, wrapped = BUF_INIT;
        static const uint8_t one = 1;

        pattern_make(scalar, order_n, handle);
        if (below)
                scalar[0] = 0;
        put_integer(&body, slice_of(&one, 1));
        put_tlv(&body, 0x04, slice_of(scalar, order_n));
        put_tlv(&body, 0xa0, curve);
        buf_put_u8(&bits, 0);
        buf_put_slice(&bits, point);
        put_tlv(&wrapped, 0x03, buf_slice(&bits));
        put_tlv(&body, 0xa1, buf_slice(&wrapped));
        put_tlv(out, 0x30, buf_slice(&body));
        buf_clear(&wrapped);
        buf_clear(&bits);
        buf_clear(&body);
}

/* ---- getCaviumPrivKey ---- */

static struct slice attribute(const struct chsm_answer *answer, size_t i)
{
        const Chsm__Attribute *a = answer->response->attributes->attributes[i];

        return a->status ? SLICE_EMPTY : slice_of(a->value.data, a->value.len);
}

/* Bytes of the curve's order, and whether the pattern would not be below it. */
static bool order_of(struct slice spki, size_t *n, bool *below, struct buf *point)
{
        const unsigned char *at = spki.p;
        uint8_t order[72], mask[72];
        BIGNUM *bn = NULL;
        uint8_t raw[160];
        size_t raw_n = 0;
        EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.n);
        bool ok = key && EVP_PKEY_get_bn_param(key, "order", &bn) == 1 && BN_num_bytes(bn) <= 72 &&
                  BN_num_bytes(bn) >= PATTERN_MIN &&
                  EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", raw, sizeof(raw), &raw_n) == 1;
        if (ok) {
                *n = (size_t)BN_num_bytes(bn);
                (void)BN_bn2bin(bn, order);
                pattern_make(mask, *n, UINT64_MAX);
                *below = memcmp(mask, order, *n) >= 0;
                buf_put(point, raw, raw_n);
        }
        BN_free(bn);
        EVP_PKEY_free(key);
        ERR_clear_error();
        return ok;
}

static uint32_t der_of(struct shell *sh, const char *key_text, const Chsm__ObjectRef *ref, struct buf *der,
                       const char **kind)
{
        static const uint64_t types[] = { CKA_CLASS,           CKA_KEY_TYPE,  CKA_MODULUS,
                                          CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_PUBLIC_KEY_INFO };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t class = 0, type = 0;
        struct buf point = BUF_INIT;
        size_t n = 0;
        bool below = false;
        uint32_t rv = ask_get(util_chsm(sh), ref, types, 6, &answer, &sh->err);

        if (rv == 0) {
                (void)ck_value_number(attribute(&answer, 0), &class);
                (void)ck_value_number(attribute(&answer, 1), &type);
                if (class != CKO_PRIVATE_KEY || (type != CKK_RSA && type != CKK_EC)) {
                        rv = shell_fail(sh, ERR_KEY_TYPE, "key %s is no private RSA or EC key", key_text);
                } else if (type == CKK_RSA) {
                        *kind = "RSA PRIVATE KEY";
                        put_rsa(der, attribute(&answer, 2), attribute(&answer, 3), ref->handle);
                } else if (order_of(attribute(&answer, 5), &n, &below, &point)) {
                        *kind = "EC PRIVATE KEY";
                        put_ec(der, attribute(&answer, 4), buf_slice(&point), n, below, ref->handle);
                } else {
                        rv = shell_fail(sh, ERR_CURVE, "the curve of key %s has no room for a handle",
                                        key_text);
                }
        }
        buf_clear(&point);
        chsm_answer_clear(&answer);
        return rv;
}

static bool pem_of(const char *kind, struct slice der, struct buf *out)
{
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long n =
            bio && PEM_write_bio(bio, kind, "", der.p, (long)der.n) > 0 ? BIO_get_mem_data(bio, &text) : 0;

        if (n > 0)
                buf_put(out, text, (size_t)n);
        BIO_free(bio);
        return n > 0 && buf_ok(out);
}

static uint32_t get_private(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *file = NULL, *kind = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true }, { "-out", &file, false, true } };
        struct buf der = BUF_INIT, pem = BUF_INIT;
        Chsm__ObjectRef ref;
        uint32_t rv = util_options(sh, argc, argv, rows, 2);

        if (rv == 0)
                rv = util_ref(sh, "-k", key, &ref);
        if (rv == 0 && !ref.handle)
                rv = shell_fail(sh, ERR_ARGUMENT,
                                "a session key ends with this tool; no file can stand for it");
        if (rv == 0)
                rv = der_of(sh, key, &ref, &der, &kind);
        if (rv == 0 && !pem_of(kind, buf_slice(&der), &pem))
                rv = shell_fail(sh, ERR_CRYPTO, "the key cannot be written as PEM");
        if (rv == 0 && !util_write(sh, file, buf_slice(&pem), 0600))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                shell_say(sh, "\n\tPrivate Key Handle is written to %s in fake PEM format\n", file);
        buf_clear(&pem);
        buf_clear(&der);
        return util_result(sh, "getCaviumPrivKey", rv);
}

/* ---- IsValidKeyHandlefile ---- */

/* The secret number as bytes, of the width it was written with. */
static bool secret_number(const EVP_PKEY *key, uint8_t out[2048], size_t *n)
{
        bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
        BIGNUM *secret = NULL;
        int width = (EVP_PKEY_get_bits(key) + 7) / 8;
        bool ok = EVP_PKEY_get_bn_param(key, rsa ? "d" : "priv", &secret) == 1 && width <= 2048 &&
                  BN_bn2binpad(secret, out, width) == width;

        *n = ok ? (size_t)width : 0;
        BN_clear_free(secret);
        return ok;
}

bool util_fake_pem(const void *pkey, uint64_t *handle)
{
        uint8_t bytes[2048];
        size_t n = 0;
        bool ok = (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC) &&
                  secret_number(pkey, bytes, &n) && pattern_read(bytes, n, handle);

        sec_wipe(bytes, sizeof(bytes));
        return ok;
}

static uint32_t is_handle_file(struct shell *sh, int argc, char **argv)
{
        const char *file = NULL;
        const struct util_option rows[] = { { "-f", &file, false, true } };
        uint64_t handle = 0;
        EVP_PKEY *key = NULL;
        bool fake;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0 && !(key = util_pem_key(sh, file)))
                rv = err_ckr(&sh->err);
        if (rv)
                return rv;
        fake = util_fake_pem(key, &handle);
        if (fake) /* the documented words, for a file that getCaviumPrivKey wrote */
                shell_say(sh, "\n\tInput file has invalid key handle: %llu\n", (unsigned long long)handle);
        else
                shell_say(sh, "\n\tInput key file has real private key\n");
        shell_set(sh, "real", json_boolean(!fake));
        if (fake)
                shell_set(sh, "handle", json_integer((json_int_t)handle));
        EVP_PKEY_free(key);
        return 0;
}

const struct shell_command util_fake_pem_rows[] = {
        { "getCaviumPrivKey", "-k PRIVATE_HANDLE -out FILE",
          "write a PEM file that stands for a private RSA or EC key: its handle in place of the secret", 0, 4,
          false, get_private, "getCaviumPrivKey -k 262154 -out fake.pem" },
        { "IsValidKeyHandlefile", "-f FILE",
          "tell whether a PEM file holds a private key, or a handle written by getCaviumPrivKey", 0, 2, false,
          is_handle_file, "IsValidKeyHandlefile -f fake.pem" },
        { 0 },
};
