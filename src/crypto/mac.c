/* HMAC-SHA-256 under a key that is used for very many short texts. */
#include "crypto/internal.h"
#include "crypto/seal.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

#define IDLE_MAX 64

/* EVP_MAC_init without a key begins anew with the one that is set up, which to do for each text costs twice
 * what the text does. */
struct crypto_mac {
        pthread_mutex_t lock;
        EVP_MAC_CTX *keyed; /* never used itself */
        EVP_MAC_CTX *idle[IDLE_MAX];
        size_t idle_count;
};

struct crypto_mac *crypto_mac_new(struct crypto *c, struct slice key, struct err *err)
{
        struct crypto_mac *m = calloc(1, sizeof(*m));
        char name[] = "SHA256";
        const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                      OSSL_PARAM_construct_end() };

        if (!m) {
                err_set(err, ERR_MEMORY, "no memory for a key of records");
                return NULL;
        }
        pthread_mutex_init(&m->lock, NULL);
        m->keyed = EVP_MAC_CTX_new(c->hmac);
        if (m->keyed && EVP_MAC_init(m->keyed, key.p, key.n, params) == 1)
                return m;
        crypto_failed(err, "keying a MAC");
        crypto_mac_free(&m);
        return NULL;
}

void crypto_mac_free(struct crypto_mac **mp)
{
        struct crypto_mac *m = *mp;

        *mp = NULL;
        if (!m)
                return;
        for (size_t i = 0; i < m->idle_count; i++)
                EVP_MAC_CTX_free(m->idle[i]);
        EVP_MAC_CTX_free(m->keyed);
        pthread_mutex_destroy(&m->lock);
        free(m);
}

static EVP_MAC_CTX *context_take(struct crypto_mac *m)
{
        EVP_MAC_CTX *context = NULL;

        pthread_mutex_lock(&m->lock);
        if (m->idle_count)
                context = m->idle[--m->idle_count];
        pthread_mutex_unlock(&m->lock);
        return context ? context : EVP_MAC_CTX_dup(m->keyed);
}

static void context_give(struct crypto_mac *m, EVP_MAC_CTX *context)
{
        pthread_mutex_lock(&m->lock);
        if (m->idle_count < IDLE_MAX) {
                m->idle[m->idle_count++] = context;
                context = NULL;
        }
        pthread_mutex_unlock(&m->lock);
        EVP_MAC_CTX_free(context);
}

bool crypto_mac_of(struct crypto_mac *m, struct slice data, uint8_t out[CRYPTO_HASH_SIZE])
{
        EVP_MAC_CTX *context = context_take(m);
        size_t n = 0;
        bool ok = context && EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
                  (data.n == 0 || EVP_MAC_update(context, data.p, data.n) == 1) &&
                  EVP_MAC_final(context, out, &n, CRYPTO_HASH_SIZE) == 1 && n == CRYPTO_HASH_SIZE;

        if (ok) {
                context_give(m, context);
                return true;
        }
        EVP_MAC_CTX_free(context);
        ERR_clear_error();
        return false;
}
