/* Wrapping and unwrapping keys with any mechanism that encrypts. Private keys travel as PKCS#8 (RFC 5208). */
#include "crypto/choice.h"
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

/* Version 0 is RFC 5208's, 1 is RFC 5958's. libcrypto does not look at it. */
static bool is_known_version(struct slice bytes)
{
        const unsigned char *at = bytes.p, *end = bytes.p + bytes.n;
        long length = 0;
        int tag, kind;

        (void)ASN1_get_object(&at, &length, &tag, &kind, (long)bytes.n);
        ERR_clear_error();
        return end - at >= 3 && at[0] == V_ASN1_INTEGER && at[1] == 1 && at[2] <= 1;
}

/* True when the bytes are one PrivateKeyInfo in DER and nothing else. Re-encoding catches every other way of
 * writing the same thing. */
static bool is_private_info(struct slice bytes)
{
        const unsigned char *at = bytes.p;
        PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.n);
        unsigned char *der = NULL;
        int n = info && at == bytes.p + bytes.n ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
        bool ok = n > 0 && (size_t)n == bytes.n && CRYPTO_memcmp(der, bytes.p, bytes.n) == 0 &&
                  is_known_version(bytes);

        OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
        PKCS8_PRIV_KEY_INFO_free(info);
        ERR_clear_error();
        return ok;
}

/* Another encoding of a private key is not a secret key either. spec/key-rules.md C06. How soon the parser
 * gives up depends on the bytes, so it sees none but those of a SEQUENCE. */
static bool looks_like_private_info(struct slice bytes)
{
        const unsigned char *at = bytes.p;
        PKCS8_PRIV_KEY_INFO *info;

        if (bytes.n == 0 || bytes.p[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
                return false;
        info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.n);

        PKCS8_PRIV_KEY_INFO_free(info);
        ERR_clear_error();
        return info != NULL;
}

bool crypto_key_open_foreign(struct crypto *c, enum crypto_key_class class, uint64_t key_type,
                             struct slice value, struct crypto_key **out, struct err *err)
{
        struct crypto_key *key = NULL;
        bool secret = class == CRYPTO_SECRET;
        bool ok = (secret ? !looks_like_private_info(value) : is_private_info(value)) &&
                  crypto_key_open(c, class, key_type, value, &key, NULL) &&
                  (secret || crypto_key_check(key, NULL));

        if (!ok) {
                crypto_key_unref(&key);
                return err_set(err, ERR_ATTRIBUTE_VALUE,
                               secret ? "the value is no key of that type: its length does not fit, or it is "
                                        "a private key's PKCS#8"
                                      : "the value is no sound private key of that type in PKCS#8 form");
        }
        *out = key;
        return true;
}

/* Length of the first DER value, or 0. */
static size_t outer_length(struct slice bytes)
{
        const unsigned char *at = bytes.p;
        long length = 0;
        int tag, kind, bad = ASN1_get_object(&at, &length, &tag, &kind, (long)bytes.n);
        size_t n = !(bad & 0x80) && length > 0 ? (size_t)(at - bytes.p) + (size_t)length : 0;

        ERR_clear_error();
        return n <= bytes.n ? n : 0;
}

/* Is what follows the n bytes a filling of zeros to a whole block? */
static bool is_filled(struct slice plain, size_t n)
{
        uint8_t rest = 0;

        if (n == 0 || n > plain.n || plain.n - n >= BLOCK)
                return false;
        for (size_t i = n; i < plain.n; i++)
                rest |= plain.p[i];
        return rest == 0;
}

void crypto_as_a_failure_does(struct err *why)
{
        err_set(why, ERR_ENCRYPTED_DATA, "the encrypted data cannot be opened");
}

/* What came out of a blob. Which of the checks fails must not show in the time, so what is wrong is kept for
 * the end, and the work is the same. spec/key-rules.md rule 7. */
struct content {
        struct slice plain; /* all of the room, what is behind the end too */
        size_t n;           /* where decryption says the end is */
        size_t opened;      /* a mask: choice.h */
        bool filled;        /* to whole blocks, with zeros */
        bool sealed;        /* nobody but who has the key makes such a blob: its failures tell nothing */
};

/* A mask: is n a length that keys of the type have? */
static size_t length_fits(const struct crypto_secret *row, size_t value_len, size_t n)
{
        return ~choice_less(n, row->min) & ~choice_less(row->max, n) &
               choice_equal((n - row->min) & (row->step - 1u), 0) &
               choice_equal(n, choice_number(choice_equal(value_len, 0), n, value_len));
}

/* One key is made in any case: of bytes of our own, of the least length of its type, when nothing came out
 * that fits. */
static bool secret_open(struct crypto *c, const struct content *in, uint64_t key_type, size_t value_len,
                        struct crypto_key **key)
{
        const struct crypto_secret *row = crypto_secret_find(key_type);
        size_t n = in->filled && value_len ? value_len : in->n, room = in->plain.n, fits, take;
        struct sec *own = sec_new(room), *value = sec_new(room);
        bool made = false;

        if (row && own && value && row->min <= room) {
                for (size_t i = 0; i < room; i++)
                        sec_bytes(own)[i] = (uint8_t)(i & 15); /* begins like no key in DER */
                fits = in->opened & length_fits(row, value_len, n);
                if (in->filled) /* then nothing is hidden in the length */
                        fits &= (size_t)0 - (size_t)is_filled(slice_of(in->plain.p, in->n), n);
                take = choice_number(fits, n, row->min);
                choice_bytes(fits, sec_bytes(value), in->plain.p, sec_bytes(own), room);
                made =
                    crypto_key_open(c, CRYPTO_SECRET, key_type, slice_of(sec_bytes(value), take), key, NULL);
                made = !looks_like_private_info(sec_slice(value)) & made;
                made = made & choice_made(fits);
        }
        sec_free(&own);
        sec_free(&value);
        return made;
}

/* The key is looked at whatever the padding says: the length it gives itself decides what is looked at. */
static bool private_open(struct crypto *c, const struct content *in, uint64_t key_type,
                         struct crypto_key **key)
{
        size_t n = in->sealed ? in->n & in->opened : outer_length(in->plain);
        bool fits =
            choice_made(in->opened) && (in->filled ? is_filled(slice_of(in->plain.p, in->n), n) : n == in->n);
        struct slice content = slice_of(in->plain.p, n);

        return is_private_info(content) && crypto_key_open(c, CRYPTO_PRIVATE, key_type, content, key, NULL) &&
               crypto_key_check(*key, NULL) && fits;
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

/* False: for a reason that is no secret. */
static bool content_open(struct crypto_run *r, struct content *in, struct err *err)
{
        struct err why = ERR_INIT;
        bool opened;

        if (r->mechanism->family == &crypto_family_rsa_crypt)
                return crypto_rsa_open(r, &in->opened, err);
        opened = crypto_decrypt(r->crypto, r->mechanism, r->param, r->key, r->in, r->out, r->out_n, &why);
        if (why.id == ERR_MECHANISM_PARAM || why.id == ERR_MEMORY)
                return err_set(err, why.id, "%s", why.detail);
        if (opened)
                crypto_as_a_failure_does(&why);
        in->opened = (size_t)0 - (size_t)opened;
        return true;
}

bool crypto_unwrap(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                   struct crypto_key *unwrapping, struct slice wrapped, enum crypto_key_class class,
                   uint64_t key_type, size_t value_len, struct crypto_key **out, struct err *err)
{
        struct crypto_run r = { c,           m,    param, CRYPTO_DECRYPT, unwrapping, wrapped,
                                SLICE_EMPTY, NULL, NULL,  NULL,           false };
        struct crypto_key *key = NULL;
        struct content in;
        struct sec *plain;
        bool ok;

        *out = NULL;
        if (!(m->functions & OP(UNWRAP)))
                return err_set(err, ERR_MECHANISM, "mechanism %s cannot unwrap", m->name);
        if (class == CRYPTO_PUBLIC)
                return err_set(err, ERR_TEMPLATE_INCONSISTENT, "a public key is not unwrapped but created");
        if (unwrapping->type == CKK_RSA && !rsa_length_ok(m, unwrapping, wrapped))
                return err_set(err, ERR_WRAPPED_KEY_LEN,
                               "the wrapped key's length is not that of the modulus");
        in = (struct content){ .n = crypto_output_max(m, CRYPTO_DECRYPT, unwrapping, param, wrapped.n),
                               .filled = fills_with_zeros(m),
                               .sealed = m->authenticated || unwrapping->type == CKK_RSA };
        plain = sec_new(in.n);
        if (!plain)
                return err_set(err, ERR_MEMORY, "no memory to unwrap a key");
        in.plain = sec_slice(plain);
        r.out = sec_bytes(plain);
        r.out_n = &in.n;
        if (!content_open(&r, &in, err)) {
                sec_free(&plain);
                return false;
        }
        ok = class == CRYPTO_SECRET ? secret_open(c, &in, key_type, value_len, &key)
                                    : private_open(c, &in, key_type, &key);
        sec_free(&plain);
        if (!ok) {
                crypto_key_unref(&key);
                return err_set(err, ERR_WRAPPED_KEY, "the wrapped key cannot be opened as the key asked for");
        }
        *out = key;
        return true;
}
