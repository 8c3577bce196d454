/* What the running libcrypto has beyond that of Debian 12: asked once, when the library is opened. Mechanisms
 * that need what is not there are not offered. */
#include "crypto/mechanism_internal.h"

static const struct {
        const char *algorithm; /* the provider's name; a library that has this one has its family */
        const char *since;
} rows[CRYPTO_FEATURES] = {
        [CRYPTO_NEEDS_ML_KEM] = { "ML-KEM-768", "libcrypto 3.5" },
        [CRYPTO_NEEDS_ML_DSA] = { "ML-DSA-65", "libcrypto 3.5" },
        [CRYPTO_NEEDS_SLH_DSA] = { "SLH-DSA-SHA2-128s", "libcrypto 3.5" },
};

/* Of the process, like the library itself. */
static atomic_uint present = 1u << CRYPTO_EVERYWHERE;

void crypto_features_ask(struct crypto *c)
{
        unsigned found = 1u << CRYPTO_EVERYWHERE;

        for (int i = CRYPTO_EVERYWHERE + 1; i < CRYPTO_FEATURES; i++) {
                EVP_KEYMGMT *manager = EVP_KEYMGMT_fetch(c->context, rows[i].algorithm, NULL);

                found |= manager ? 1u << i : 0;
                EVP_KEYMGMT_free(manager);
        }
        ERR_clear_error();
        atomic_store(&present, found);
}

bool crypto_mechanism_offered(const struct crypto_mechanism *m)
{
        return atomic_load(&present) & 1u << m->needs;
}

bool crypto_mechanism_slow(const struct crypto_mechanism *m)
{
        return m->needs == CRYPTO_NEEDS_SLH_DSA;
}

const char *crypto_mechanism_since(const struct crypto_mechanism *m)
{
        return rows[m->needs].since;
}
