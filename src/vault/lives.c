#include "vault/lives.h"
#include "ck/cryptoki.h"
#include "vault/partition.h"

#include <stdlib.h>

#define PRINT 32

struct known {
        store_rev rev;
        uint32_t marks;
};

struct vault_lives {
        pthread_rwlock_t lock;
        struct map *by_print; /* fingerprint -> heap struct known */
};

bool vault_lives_open(struct vault *v, struct err *err)
{
        struct vault_lives *l = calloc(1, sizeof(*l));

        v->lives = l;
        if (!l || !(l->by_print = map_new()))
                return err_set(err, ERR_MEMORY, "no memory for fingerprints");
        pthread_rwlock_init(&l->lock, NULL);
        return true;
}

void vault_lives_close(struct vault *v)
{
        struct vault_lives *l = v->lives;

        if (!l)
                return;
        if (l->by_print) {
                map_free_values(&l->by_print, free);
                pthread_rwlock_destroy(&l->lock);
        }
        free(l);
        v->lives = NULL;
}

bool vault_lives_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice print = slice_of(e->key.p + 2, e->key.n - 2), body;
        struct known *known;
        struct reader in;
        void *old = NULL;
        bool ok;

        if (e->deleted || print.n != PRINT || !vault_record_read(v, e->key, e->value, &body, err))
                return err_set(err, ERR_STORE_DAMAGED, "a fingerprint in the store is gone or misnamed");
        in = reader_of(body);
        known = malloc(sizeof(*known));
        if (!known)
                return err_set(err, ERR_MEMORY, "no memory for a fingerprint");
        *known = (struct known){ e->rev, reader_u32(&in) };
        if (!reader_end(&in)) {
                free(known);
                return err_set(err, ERR_STORE_DAMAGED, "a fingerprint in the store cannot be read");
        }
        pthread_rwlock_wrlock(&v->lives->lock);
        ok = map_put(v->lives->by_print, print, known, &old);
        pthread_rwlock_unlock(&v->lives->lock);
        free(ok ? old : known);
        return ok || err_set(err, ERR_MEMORY, "no memory for a fingerprint");
}

/* Of a pair, what both halves have. */
static bool fingerprint(struct vault_call *call, const struct crypto_key *key, uint8_t out[PRINT])
{
        struct slice secret = vault_fingerprint_key(call->vault);
        struct buf open = BUF_INIT;
        bool ok;

        if (crypto_key_class_of(key) == CRYPTO_SECRET)
                ok = crypto_key_fingerprint(key, secret, out);
        else
                ok = crypto_key_component(key, CKA_PUBLIC_KEY_INFO, &open, NULL) && buf_ok(&open) &&
                     crypto_hmac_sha256(call->vault->deps.crypto, secret, buf_slice(&open), out);
        buf_clear(&open);
        return ok || err_set(&call->err, ERR_CRYPTO, "the fingerprint of a key could not be made");
}

bool vault_life_of(struct vault_call *call, const struct crypto_key *key, struct vault_life *life)
{
        struct vault_lives *l = call->vault->lives;
        uint8_t print[PRINT];
        const struct known *known;

        *life = (struct vault_life){ .store_key = SLICE_EMPTY };
        if (!fingerprint(call, key, print))
                return false;
        life->store_key = vault_call_key(call, "q/", slice_of(print, PRINT));
        pthread_rwlock_rdlock(&l->lock);
        known = map_get(l->by_print, slice_of(print, PRINT));
        if (known) {
                life->rev = known->rev;
                life->marks = known->marks;
        }
        pthread_rwlock_unlock(&l->lock);
        return life->store_key.p || err_set(&call->err, ERR_MEMORY, "no memory for a fingerprint");
}

bool vault_life_add(struct vault_call *call, const struct vault_life *life, uint32_t marks)
{
        struct buf body = BUF_INIT;
        bool ok = vault_call_guard(call, life->rev ? STORE_REV_IS : STORE_ABSENT, life->store_key, life->rev);

        if (ok && (!life->rev || (marks & ~life->marks))) {
                buf_put_u32(&body, life->marks | marks);
                ok = vault_record_put(call, life->store_key, &body);
        }
        buf_clear(&body);
        return ok;
}
