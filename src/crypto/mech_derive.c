/* Derivation: what all families of it share. A family fills the values of its outputs; here they become keys,
 * all of them or none. */
#include "crypto/derive.h"

#include <openssl/core_names.h>

bool crypto_derive_length(const struct crypto_derivation *d, size_t i, size_t natural, size_t most, size_t *n,
                          struct err *err)
{
        const struct crypto_wanted *w = &d->wanted[i];

        *n = w->length;
        if (w->type == CKK_DES3 || w->type == CKK_DES2) {
                if (*n && *n != (w->type == CKK_DES3 ? 24u : 16u))
                        return err_set(err, ERR_KEY_SIZE, "a key of this type cannot have %zu bytes", *n);
                *n = w->type == CKK_DES3 ? 24 : 16;
        }
        if (!*n)
                *n = natural;
        if (!*n)
                return err_set(err, ERR_TEMPLATE_INCOMPLETE, "%s gives any length: the template lacks %s",
                               d->mechanism->name, "CKA_VALUE_LEN");
        return *n <= most || err_set(err, ERR_KEY_SIZE, "%s gives at most %zu bytes here, not %zu",
                                     d->mechanism->name, most, *n);
}

struct sec *crypto_derive_room(size_t n, struct err *err)
{
        struct sec *out = sec_new(n);

        if (!out)
                err_set(err, ERR_MEMORY, "no memory for a derived key");
        return out;
}

bool crypto_derive_take(struct crypto_derivation *d, size_t i, struct slice value, struct err *err)
{
        sec_free(&d->value[i]);
        d->value[i] = sec_copy(value);
        return d->value[i] || err_set(err, ERR_MEMORY, "no memory for a derived key");
}

struct sec *crypto_kdf_run(struct crypto *c, const char *name, const OSSL_PARAM *params, size_t n,
                           struct err *err)
{
        EVP_KDF *kdf = EVP_KDF_fetch(c->context, name, NULL);
        EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
        struct sec *out = sec_new(n);

        if (!context || !out || EVP_KDF_derive(context, sec_bytes(out), n, params) != 1) {
                sec_free(&out);
                crypto_failed(err, "key derivation");
        }
        EVP_KDF_CTX_free(context);
        EVP_KDF_free(kdf);
        return out;
}

static bool make_keys(struct crypto_derivation *d, struct crypto_key **out, struct err *err)
{
        for (size_t i = 0; i < d->n; i++) {
                if (!d->value[i])
                        return err_set(err, ERR_INTERNAL, "%s left an output empty", d->mechanism->name);
                if (!crypto_key_open(d->crypto, d->wanted[i].class, d->wanted[i].type, sec_slice(d->value[i]),
                                     &out[i], err))
                        return false;
        }
        return true;
}

bool crypto_derive_keys(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                        struct crypto_key *base, struct crypto_key *second,
                        const struct crypto_wanted *wanted, size_t n, struct crypto_key **out,
                        struct crypto_told *told, struct err *err)
{
        struct crypto_derivation d = { .crypto = c,
                                       .mechanism = m,
                                       .param = param,
                                       .base = base,
                                       .second = second,
                                       .n = n,
                                       .told = told };
        bool ok;

        memset(out, 0, n * sizeof(*out));
        if (told)
                told->n = 0;
        if (!crypto_operation_check(m, CRYPTO_DERIVE, base, param, err))
                return false;
        if (n == 0 || n > CRYPTO_DERIVED_MAX || !m->family || !m->family->derive ||
            (n > 1 && !m->family->several))
                return err_set(err, ERR_MECHANISM_PARAM, "%s does not make %zu keys at once", m->name, n);
        memcpy(d.wanted, wanted, n * sizeof(*wanted));
        ok = m->family->derive(&d, err) && make_keys(&d, out, err);
        for (size_t i = 0; i < n; i++) {
                sec_free(&d.value[i]);
                if (!ok)
                        crypto_key_unref(&out[i]);
        }
        if (!ok && told)
                sec_wipe(told, sizeof(*told));
        return ok;
}

bool crypto_derive_key(struct crypto *c, const struct crypto_mechanism *m, const struct ck_mech_param *param,
                       struct crypto_key *base, struct crypto_key *second, uint64_t key_type,
                       size_t value_len, struct crypto_key **out, struct err *err)
{
        struct crypto_wanted wanted = { .class = CRYPTO_SECRET, .type = key_type, .length = value_len };

        return crypto_derive_keys(c, m, param, base, second, &wanted, 1, out, NULL, err);
}
