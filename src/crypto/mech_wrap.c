/* Wrapping and unwrapping keys with any mechanism that encrypts. Private keys travel as PKCS#8 (RFC 5208). */
#include "crypto/mechanism_internal.h"

#include <openssl/x509.h>

#define BLOCK 16

/* ECB and CBC without padding take whole blocks: PKCS#11 fills up with zeros, and the reader knows the
 * length.
 */
static bool fills_with_zeros(const struct crypto_mechanism *m)
{
        return m->number == CKM_AES_ECB || m->number == CKM_AES_CBC;
}

static struct sec *wrap_input(const struct crypto_mechanism *m, const struct crypto_key *target,
                              struct err *err)
{
        struct sec *material = crypto_key_material(target, err), *filled;
        size_t n = material ? (sec_size(material) + BLOCK - 1) / BLOCK * BLOCK : 0;

        if (!material || !fills_with_zeros(m) || n == sec_size(material))
                return material;
        filled = sec_new(n);
        if (filled)
                memcpy(sec_bytes(filled), sec_slice(material).p, sec_size(material));
        else
                err_set(err, ERR_MEMORY, "no memory to wrap a key");
        sec_free(&material);
        return filled;
}

/* An IV of the caller's would let him repeat it, and a repeated one opens what GCM has wrapped. */
static bool iv_is_ours(const struct crypto_mechanism *m, const struct ck_mech_param *p)
{
        static const uint8_t zero[12] = { 0 };

        return !p || p->kind != CK_PARAM_GCM || p->u.gcm.iv.n == 0 ||
               slice_equal(p->u.gcm.iv, slice_of(zero, sizeof(zero))) || m->family != &crypto_family_gcm;
}

bool crypto_wrap(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                 struct crypto_key *wrapping, struct crypto_key *target, uint8_t *out, size_t *out_n,
                 uint8_t *iv_out, struct err *err)
{
        struct err why = ERR_INIT;
        struct sec *material;
        bool ok;

        if (!(m->functions & OP(WRAP)))
                return err_set(err, ERR_MECHANISM, "mechanism %s cannot wrap", m->name);
        if (target->class == CRYPTO_PUBLIC)
                return err_set(err, ERR_KEY_NOT_WRAPPABLE, "a public key is read, not wrapped");
        if (!iv_is_ours(m, param))
                return err_set(err, ERR_MECHANISM_PARAM,
                               "the HSM makes the IV of a wrapped key: give 12 zero bytes and read it back");
        material = wrap_input(m, target, err);
        if (!material)
                return false;
        ok = crypto_encrypt(c, m, param, wrapping, sec_slice(material), out, out_n, iv_out, &why);
        sec_free(&material);
        if (ok)
                return true;
        if (why.id == ERR_DATA_LEN)
                return err_set(err, ERR_KEY_SIZE, "a key of this length cannot be wrapped with %s", m->name);
        return err_set(err, why.id, "%s", why.detail);
}

/* True when the bytes are one PrivateKeyInfo in DER and nothing else. Re-encoding catches every other way of
 * writing the same thing. */
static bool is_private_info(struct slice bytes)
{
        const unsigned char *at = bytes.p;
        PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.n);
        unsigned char *der = NULL;
        int n = info && at == bytes.p + bytes.n ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
        bool ok = n > 0 && (size_t)n == bytes.n && CRYPTO_memcmp(der, bytes.p, bytes.n) == 0;

        OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
        PKCS8_PRIV_KEY_INFO_free(info);
        ERR_clear_error();
        return ok;
}

/* Another encoding of a private key is not a secret key either. spec/key-rules.md C06. */
static bool looks_like_private_info(struct slice bytes)
{
        const unsigned char *at = bytes.p;
        PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.n);

        PKCS8_PRIV_KEY_INFO_free(info);
        ERR_clear_error();
        return info != NULL;
}

static bool content_open(struct crypto *c, struct slice content, enum crypto_key_class class,
                         uint64_t key_type, size_t value_len, struct crypto_key **out)
{
        struct crypto_key *key = NULL;
        bool secret = class == CRYPTO_SECRET;

        if (secret ? looks_like_private_info(content) || (value_len && value_len != content.n)
                   : !is_private_info(content))
                return false;
        if (!crypto_key_open(c, class, key_type, content, &key, NULL))
                return false;
        if (!secret && !crypto_key_check(key, NULL)) {
                crypto_key_unref(&key);
                return false;
        }
        *out = key;
        return true;
}

/* Length of the key in a plain that was filled with zeros to whole blocks: a secret key has the length the
 * caller says, a private key the one of its outer SEQUENCE. 0: the rest is not such a filling. */
static size_t filled_length(struct slice plain, enum crypto_key_class class, size_t value_len)
{
        const unsigned char *at = plain.p;
        size_t n = plain.n;
        uint8_t rest = 0;
        long length;
        int tag, kind;

        if (class == CRYPTO_SECRET) {
                n = value_len ? value_len : plain.n;
        } else {
                (void)ASN1_get_object(&at, &length, &tag, &kind, (long)plain.n);
                n = length > 0 ? (size_t)(at - plain.p) + (size_t)length : 0;
                ERR_clear_error();
        }
        if (n > plain.n || plain.n - n >= BLOCK)
                return 0;
        for (size_t i = n; i < plain.n; i++)
                rest |= plain.p[i];
        return rest ? 0 : n;
}

/* RSA only, and public knowledge: the blob has the modulus's length and is a number below it. */
static bool rsa_length_ok(const struct crypto_mechanism *m, const struct crypto_key *key,
                          struct slice wrapped)
{
        BIGNUM *modulus = NULL, *number = NULL;
        size_t k = (key->bits + 7) / 8;
        bool hybrid = m->family == &crypto_family_rsa_aes;
        bool ok = (hybrid ? wrapped.n >= k + 16 : wrapped.n == k) &&
                  EVP_PKEY_get_bn_param(key->pkey, "n", &modulus) == 1;

        if (ok)
                number = BN_bin2bn(wrapped.p, (int)k, NULL);
        ok = ok && number && BN_cmp(number, modulus) < 0;
        BN_free(number);
        BN_free(modulus);
        ERR_clear_error();
        return ok;
}

bool crypto_unwrap(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                   struct crypto_key *unwrapping, struct slice wrapped, enum crypto_key_class class,
                   uint64_t key_type, size_t value_len, struct crypto_key **out, struct err *err)
{
        struct err why = ERR_INIT;
        struct crypto_key *key = NULL;
        struct sec *plain;
        size_t n;
        bool opened, ok;

        *out = NULL;
        if (!(m->functions & OP(UNWRAP)))
                return err_set(err, ERR_MECHANISM, "mechanism %s cannot unwrap", m->name);
        if (class == CRYPTO_PUBLIC)
                return err_set(err, ERR_TEMPLATE_INCONSISTENT, "a public key is not unwrapped but created");
        if (unwrapping->type == CKK_RSA && !rsa_length_ok(m, unwrapping, wrapped))
                return err_set(err, ERR_WRAPPED_KEY_LEN,
                               "the wrapped key's length is not that of the modulus");
        n = crypto_output_max(m, CRYPTO_DECRYPT, unwrapping, param, wrapped.n);
        plain = sec_new(n);
        if (!plain)
                return err_set(err, ERR_MEMORY, "no memory to unwrap a key");
        opened = crypto_decrypt(c, m, param, unwrapping, wrapped, sec_bytes(plain), &n, &why);
        if (why.id == ERR_MECHANISM_PARAM || why.id == ERR_MEMORY) {
                sec_free(&plain);
                return err_set(err, why.id, "%s", why.detail);
        }
        /* The same work after a failure, so that its time does not tell which check failed. */
        if (!opened)
                n = value_len && value_len <= sec_size(plain) ? value_len : 16;
        sec_shrink(plain, n <= sec_size(plain) ? n : sec_size(plain));
        if (opened && fills_with_zeros(m)) {
                n = filled_length(sec_slice(plain), class, value_len);
                opened = n > 0;
                sec_shrink(plain, n);
        }
        ok = content_open(c, sec_slice(plain), class, key_type, value_len, &key) && opened;
        sec_free(&plain);
        if (!ok) {
                crypto_key_unref(&key);
                return err_set(err, ERR_WRAPPED_KEY, "the wrapped key cannot be opened as the key asked for");
        }
        *out = key;
        return true;
}
