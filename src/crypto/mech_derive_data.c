/* Derivations by joining, mixing, hashing and encrypting, and the public half of a private key. What they may
 * be used for is the vault's business; here no result is shorter than what it is made of. */
#include "crypto/derive.h"

static struct slice base_value(const struct crypto_derivation *d)
{
        return sec_slice(d->base->secret);
}

/* Output 0 has exactly n bytes: a template may say so or be silent. spec/key-rules.md D05. */
static bool exact_length(const struct crypto_derivation *d, size_t n, struct err *err)
{
        size_t wanted = 0;

        if (!crypto_derive_length(d, 0, n, CRYPTO_DERIVED_MOST, &wanted, err))
                return false;
        return wanted == n ||
               err_set(err, ERR_KEY_SIZE, "%s gives %zu bytes here, not %zu", d->mechanism->name, n, wanted);
}

/* ---- joining ---- */

static bool data_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        if (p && p->kind == CK_PARAM_KEY)
                return true;
        return (p && p->present && p->u.bytes.n > 0 && p->u.bytes.n <= CRYPTO_DERIVED_MOST) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs 1 to %u bytes of data", m->name,
                       CRYPTO_DERIVED_MOST);
}

static bool join(struct crypto_derivation *d, struct slice first, struct slice second, struct err *err)
{
        struct sec *out;

        if (!exact_length(d, first.n + second.n, err))
                return false;
        out = crypto_derive_room(first.n + second.n, err);
        if (!out)
                return false;
        memcpy(sec_bytes(out), first.p, first.n);
        memcpy(sec_bytes(out) + first.n, second.p, second.n);
        d->value[0] = out;
        return true;
}

static bool join_derive(struct crypto_derivation *d, struct err *err)
{
        if (d->mechanism->number == CKM_CONCATENATE_DATA_AND_BASE)
                return join(d, d->param->u.bytes, base_value(d), err);
        if (d->mechanism->number == CKM_CONCATENATE_BASE_AND_DATA)
                return join(d, base_value(d), d->param->u.bytes, err);
        if (!d->second || !d->second->secret)
                return err_set(err, ERR_KEY_TYPE, "%s needs a second secret key", d->mechanism->name);
        return join(d, base_value(d), sec_slice(d->second->secret), err);
}

const struct crypto_family crypto_family_join = { .check = data_check, .derive = join_derive };

/* ---- mixing ---- */

/* Data shorter than the key would give a shorter key, to be found byte by byte. spec/key-rules.md D04. */
static bool xor_derive(struct crypto_derivation *d, struct err *err)
{
        struct slice base = base_value(d), data = d->param->u.bytes;
        struct sec *out;

        if (data.n < base.n)
                return err_set(err, ERR_DATA_LEN, "the data must be as long as the base key, %zu bytes",
                               base.n);
        if (!exact_length(d, base.n, err))
                return false;
        out = crypto_derive_room(base.n, err);
        for (size_t i = 0; out && i < base.n; i++)
                sec_bytes(out)[i] = base.p[i] ^ data.p[i];
        d->value[0] = out;
        return out != NULL;
}

const struct crypto_family crypto_family_xor = { .check = data_check, .derive = xor_derive };

/* ---- hashing ---- */

static bool no_parameter(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        return !(p && p->present) || err_set(err, ERR_MECHANISM_PARAM, "%s takes no parameter", m->name);
}

static bool hash_derive(struct crypto_derivation *d, struct err *err)
{
        uint8_t block[CRYPTO_BLOCK_MAX];
        unsigned size = 0;
        size_t n = 0, most = (size_t)EVP_MD_get_size(d->crypto->md[d->mechanism->hash]);
        bool ok;

        if (!crypto_derive_length(d, 0, most, most, &n, err))
                return false;
        ok = EVP_Digest(base_value(d).p, base_value(d).n, block, &size, d->crypto->md[d->mechanism->hash],
                        NULL) == 1 ||
             crypto_failed(err, "hashing a key");
        ok = ok && crypto_derive_take(d, 0, slice_of(block, n), err); /* trailing bytes are dropped */
        sec_wipe(block, sizeof(block));
        return ok;
}

const struct crypto_family crypto_family_hash_derive = { .check = no_parameter, .derive = hash_derive };

static bool shake_derive(struct crypto_derivation *d, struct err *err)
{
        EVP_MD *md = EVP_MD_fetch(d->crypto->context, d->mechanism->mode, NULL);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        size_t n = 0;
        bool ok = crypto_derive_length(d, 0, 0, CRYPTO_DERIVED_MOST, &n, err);

        if (ok)
                d->value[0] = crypto_derive_room(n, err);
        ok = ok && d->value[0];
        if (ok && !(md && context && EVP_DigestInit_ex2(context, md, NULL) == 1 &&
                    EVP_DigestUpdate(context, base_value(d).p, base_value(d).n) == 1 &&
                    EVP_DigestFinalXOF(context, sec_bytes(d->value[0]), n) == 1))
                ok = crypto_failed(err, "hashing a key");
        EVP_MD_CTX_free(context);
        EVP_MD_free(md);
        return ok;
}

const struct crypto_family crypto_family_shake_derive = { .check = no_parameter, .derive = shake_derive };

/* ---- encrypting ---- */

#define BLOCK 16

static bool encrypt_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                          const struct ck_mech_param *p, struct err *err)
{
        bool cbc = p && p->kind == CK_PARAM_CBC_DATA_AES;
        size_t n = !p || !p->present ? 0 : cbc ? p->u.cbc_data.data.n : p->u.bytes.n;

        (void)op;
        (void)key;
        return (n > 0 && n % BLOCK == 0) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs data in whole blocks of %d bytes", m->name, BLOCK);
}

static bool encrypt_derive(struct crypto_derivation *d, struct err *err)
{
        bool cbc = d->param->kind == CK_PARAM_CBC_DATA_AES;
        struct slice data = cbc ? d->param->u.cbc_data.data : d->param->u.bytes;
        EVP_CIPHER_CTX *context;
        struct sec *out;
        size_t n = 0;
        int done = 0;
        bool ok;

        if (!crypto_derive_length(d, 0, data.n, data.n, &n, err))
                return false;
        context = crypto_cipher_context(d->base, d->mechanism->mode, true);
        out = crypto_derive_room(data.n, err);
        ok =
            out &&
            ((context &&
              EVP_CipherInit_ex2(context, NULL, NULL, cbc ? d->param->u.cbc_data.iv.p : NULL, 1, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
              EVP_CipherUpdate(context, sec_bytes(out), &done, data.p, (int)data.n) == 1 &&
              (size_t)done == data.n) ||
             crypto_failed(err, "encrypting data for a key"));
        EVP_CIPHER_CTX_free(context);
        if (ok)
                sec_shrink(out, n); /* trailing bytes are dropped */
        else
                sec_free(&out);
        d->value[0] = out;
        return ok;
}

const struct crypto_family crypto_family_encrypt_data = { .check = encrypt_check, .derive = encrypt_derive };

/* ---- the public half ---- */

static bool public_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        if (key && key->class != CRYPTO_PRIVATE)
                return err_set(err, ERR_KEY_TYPE, "%s works with a private key", m->name);
        return no_parameter(m, op, key, p, err);
}

static bool public_derive(struct crypto_derivation *d, struct err *err)
{
        struct crypto_key *key = NULL;

        if (d->wanted[0].class != CRYPTO_PUBLIC || d->wanted[0].type != d->base->type)
                return err_set(err, ERR_TEMPLATE_INCONSISTENT,
                               "%s makes a public key of the private key's own type", d->mechanism->name);
        if (!crypto_key_public(d->base, &key, err))
                return false;
        d->value[0] = crypto_key_material(key, err);
        crypto_key_unref(&key);
        return d->value[0] != NULL;
}

const struct crypto_family crypto_family_public = { .check = public_check, .derive = public_derive };
