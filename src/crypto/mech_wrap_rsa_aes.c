/* CKM_RSA_AES_KEY_WRAP: a new AES key under OAEP, then the key under that one with KWP. */
#include "crypto/choice.h"
#include "crypto/mechanism_internal.h"

static bool rsa_aes_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                          const struct ck_mech_param *p, struct err *err)
{
        uint32_t bits = p && p->present ? p->u.rsa_aes.aes_bits : 0;

        (void)op;
        (void)key;
        if (bits != 128 && bits != 192 && bits != 256)
                return err_set(err, ERR_MECHANISM_PARAM, "%s makes an AES key of 128, 192 or 256 bits",
                               m->name);
        return (crypto_hash_of(p->u.rsa_aes.oaep.hash) != HASH_NONE &&
                crypto_hash_of_mgf(p->u.rsa_aes.oaep.mgf) != HASH_NONE) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs a hash and an MGF that are offered", m->name);
}

static size_t modulus_size(const struct crypto_key *key)
{
        return (key->bits + 7) / 8;
}

static size_t rsa_aes_output_max(const struct crypto_run *r)
{
        return modulus_size(r->key) + r->in.n + 24;
}

static struct ck_mech_param oaep_of(const struct ck_mech_param *p)
{
        return (struct ck_mech_param){ .kind = CK_PARAM_OAEP, .present = true, .u.oaep = p->u.rsa_aes.oaep };
}

static bool rsa_aes_wrap(struct crypto_run *r, struct err *err)
{
        struct ck_mech_param oaep = oaep_of(r->param), none = { .kind = CK_PARAM_IV };
        struct crypto_key_spec spec = { .key_type = CKK_AES, .bits = r->param->u.rsa_aes.aes_bits };
        size_t first = modulus_size(r->key), second = r->in.n + 24;
        struct crypto_key *aes = NULL;
        bool ok;

        if (*r->out_n < first + second)
                return err_set(err, ERR_BUFFER_SMALL, "no room for a wrapped key");
        if (!crypto_key_generate(r->crypto, &spec, &aes, err))
                return false;
        ok = crypto_encrypt(r->crypto, crypto_mechanism_find(CKM_RSA_PKCS_OAEP), &oaep, r->key,
                            sec_slice(aes->secret), r->out, &first, NULL, err) &&
             crypto_encrypt(r->crypto, crypto_mechanism_find(CKM_AES_KEY_WRAP_KWP), &none, aes, r->in,
                            r->out + first, &second, NULL, err);
        crypto_key_unref(&aes);
        *r->out_n = ok ? first + second : 0;
        return ok;
}

/* The key of the blob's first half, or a random one when there is none in it: the second half then fails as
 * it fails for a wrong key, and takes the same time to do so. */
static bool inner_key(struct crypto_run *r, struct crypto_key **out, size_t *good, struct err *err)
{
        struct ck_mech_param oaep = oaep_of(r->param);
        size_t k = modulus_size(r->key), n = k, wanted = r->param->u.rsa_aes.aes_bits / 8;
        struct sec *plain = sec_new(k), *random = sec_new(wanted);
        struct crypto_run half = { r->crypto,   crypto_mechanism_find(CKM_RSA_PKCS_OAEP),
                                   &oaep,       CRYPTO_DECRYPT,
                                   r->key,      slice_of(r->in.p, k),
                                   SLICE_EMPTY, NULL,
                                   &n,          NULL,
                                   false };
        bool ok = (plain && random) || err_set(err, ERR_MEMORY, "no memory to unwrap a key");

        if (ok) {
                half.out = sec_bytes(plain);
                ok = crypto_random(r->crypto, sec_bytes(random), wanted, err) &&
                     crypto_rsa_open(&half, good, err);
        }
        if (ok) {
                *good &= choice_equal(n, wanted);
                choice_bytes(*good, sec_bytes(random), sec_bytes(plain), sec_bytes(random), wanted);
                ok = crypto_key_open(r->crypto, CRYPTO_SECRET, CKK_AES, sec_slice(random), out, err);
        }
        sec_free(&random);
        sec_free(&plain);
        return ok;
}

static bool rsa_aes_unwrap(struct crypto_run *r, struct err *err)
{
        struct ck_mech_param none = { .kind = CK_PARAM_IV };
        size_t k = modulus_size(r->key);
        struct crypto_key *aes = NULL;
        struct err why = ERR_INIT;
        size_t good = 0;
        bool ok;

        if (r->in.n < k + 16)
                return err_set(err, ERR_ENCRYPTED_DATA_LEN, "%zu bytes are too few for %s", r->in.n,
                               r->mechanism->name);
        if (!inner_key(r, &aes, &good, err))
                return false;
        ok = crypto_decrypt(r->crypto, crypto_mechanism_find(CKM_AES_KEY_WRAP_KWP), &none, aes,
                            slice_of(r->in.p + k, r->in.n - k), r->out, r->out_n, &why);
        crypto_key_unref(&aes);
        if (ok)
                crypto_as_a_failure_does(&why);
        return (ok & choice_made(good)) ||
               err_set(err, ERR_ENCRYPTED_DATA, "the encrypted data cannot be opened");
}

const struct crypto_family crypto_family_rsa_aes = {
        .check = rsa_aes_check,
        .output_max = rsa_aes_output_max,
        .encrypt = rsa_aes_wrap,
        .decrypt = rsa_aes_unwrap,
};
