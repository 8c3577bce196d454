#include "vault/quorum.h"
#include "vault/partition.h"

#include <stdlib.h>

#define VERSION 1

struct vault_quorum {
        pthread_mutex_t lock;
        struct vault_quorum_values values;
        store_rev turn_rev;                                /* of w/tokens */
        struct vault_token *tokens[VAULT_TOKENS_MAX + 64]; /* other versions may have been more generous */
        size_t count;
};

static struct vault_quorum_values off(void)
{
        struct vault_quorum_values values = { .life_s = VAULT_TOKEN_LIFE_S };

        memset(values.m, 1, sizeof(values.m));
        return values;
}

bool vault_quorum_open(struct vault *v, struct err *err)
{
        v->quorum = calloc(1, sizeof(*v->quorum));
        if (!v->quorum)
                return err_set(err, ERR_MEMORY, "no memory for quorum tokens");
        pthread_mutex_init(&v->quorum->lock, NULL);
        v->quorum->values = off();
        return true;
}

void vault_quorum_close(struct vault *v)
{
        if (!v->quorum)
                return;
        for (size_t i = 0; i < v->quorum->count; i++)
                free(v->quorum->tokens[i]);
        pthread_mutex_destroy(&v->quorum->lock);
        free(v->quorum);
        v->quorum = NULL;
}

struct vault_quorum_values vault_quorum_now(struct vault *v)
{
        struct vault_quorum_values values;

        pthread_mutex_lock(&v->quorum->lock);
        values = v->quorum->values;
        pthread_mutex_unlock(&v->quorum->lock);
        return values;
}

uint32_t vault_quorum_needs(struct vault *v, const struct vault_quorum_values *values, uint32_t service)
{
        uint32_t policy =
            service == VAULT_SERVICE_KEY_TRUST ? vault_settings_now(v).value[VAULT_SET_TRUST_NEEDS] : 1;

        return values->m[service] > policy ? values->m[service] : policy;
}

/* ---- values ---- */

bool vault_quorum_guard(struct vault_call *call, const struct vault_quorum_values *values)
{
        return vault_call_guard(call, values->rev ? STORE_REV_IS : STORE_ABSENT,
                                vault_call_key(call, "w/quorum", SLICE_EMPTY), values->rev);
}

bool vault_quorum_put(struct vault_call *call, const struct vault_quorum_values *values)
{
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u8(&body, VERSION);
        buf_put_u8(&body, VAULT_SERVICES);
        buf_put(&body, values->m, VAULT_SERVICES);
        buf_put_u32(&body, values->life_s);
        ok = vault_quorum_guard(call, values) &&
             vault_record_put(call, vault_call_key(call, "w/quorum", SLICE_EMPTY), &body);
        buf_clear(&body);
        return ok;
}

/* A record of an older version has fewer services. */
static bool values_decode(struct slice body, struct vault_quorum_values *values)
{
        struct reader in = reader_of(body);
        bool known = reader_u8(&in) == VERSION;
        uint8_t n = reader_u8(&in);
        struct slice m = reader_bytes(&in, n);

        *values = off();
        values->life_s = reader_u32(&in);
        if (!reader_end(&in) || !known || n > VAULT_SERVICES)
                return false;
        for (uint8_t i = 0; i < n; i++) {
                if (m.p[i] < 1 || m.p[i] > VAULT_QUORUM_MAX)
                        return false;
                values->m[i] = m.p[i];
        }
        return true;
}

bool vault_quorum_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_quorum_values values = off();
        bool turn = slice_equal(e->key, SLICE_LIT("w/tokens"));
        struct slice body;

        if (!turn && !slice_equal(e->key, SLICE_LIT("w/quorum")))
                return true;
        if (!e->deleted &&
            (!vault_record_read(v, e->key, e->value, &body, err) || (!turn && !values_decode(body, &values))))
                return err_set(err, ERR_STORE_DAMAGED,
                               "the quorum's values cannot be read, or are of a newer version");
        values.rev = e->deleted ? 0 : e->rev;
        pthread_mutex_lock(&v->quorum->lock);
        if (turn)
                v->quorum->turn_rev = values.rev;
        else
                v->quorum->values = values;
        pthread_mutex_unlock(&v->quorum->lock);
        return true;
}

/* ---- tokens ---- */

/* The lock is held. */
static size_t place_of(const struct vault_quorum *q, const uint8_t id[VAULT_TOKEN_ID])
{
        size_t i = 0;

        while (i < q->count && memcmp(q->tokens[i]->id, id, VAULT_TOKEN_ID) != 0)
                i++;
        return i;
}

/* The lock is held. */
static bool token_set(struct vault_quorum *q, const struct vault_token *t)
{
        size_t i = place_of(q, t->id);

        if (i == q->count) {
                if (i == sizeof(q->tokens) / sizeof(q->tokens[0]) || !(q->tokens[i] = calloc(1, sizeof(*t))))
                        return false;
                q->count++;
        }
        *q->tokens[i] = *t;
        return true;
}

bool vault_tokens_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice id = slice_of(e->key.p + 2, e->key.n - 2), body;
        struct vault_token t;
        bool ok = true;
        size_t i;

        if (id.n != VAULT_TOKEN_ID)
                return err_set(err, ERR_STORE_DAMAGED, "a token's record has a name of %zu bytes", id.n);
        if (!e->deleted) {
                if (!vault_record_read(v, e->key, e->value, &body, err))
                        return false;
                if (!vault_token_decode(body, &t) || memcmp(t.id, id.p, id.n) != 0)
                        return err_set(err, ERR_STORE_DAMAGED, "a token's record cannot be read");
                t.rev = e->rev;
        }
        pthread_mutex_lock(&v->quorum->lock);
        if (!e->deleted) {
                ok = token_set(v->quorum, &t);
        } else if ((i = place_of(v->quorum, id.p)) < v->quorum->count) {
                free(v->quorum->tokens[i]);
                v->quorum->tokens[i] = v->quorum->tokens[--v->quorum->count];
        }
        pthread_mutex_unlock(&v->quorum->lock);
        return ok || err_set(err, ERR_MEMORY, "no memory for a token");
}

bool vault_token_find(struct vault *v, const uint8_t id[VAULT_TOKEN_ID], struct vault_token *out)
{
        struct vault_quorum *q = v->quorum;
        size_t i;

        pthread_mutex_lock(&q->lock);
        i = place_of(q, id);
        if (i < q->count)
                *out = *q->tokens[i];
        pthread_mutex_unlock(&q->lock);
        return i < q->count;
}

size_t vault_tokens_choose(struct vault *v, bool (*wanted)(const void *arg, const struct vault_token *),
                           const void *arg, struct vault_token *out, size_t cap)
{
        struct vault_quorum *q = v->quorum;
        size_t n = 0;

        pthread_mutex_lock(&q->lock);
        for (size_t i = 0; i < q->count && n < cap; i++) {
                if (!wanted || wanted(arg, q->tokens[i]))
                        out[n++] = *q->tokens[i];
        }
        pthread_mutex_unlock(&q->lock);
        return n;
}

size_t vault_tokens_count(struct vault *v, store_rev *turn_rev)
{
        size_t n;

        pthread_mutex_lock(&v->quorum->lock);
        n = v->quorum->count;
        *turn_rev = v->quorum->turn_rev;
        pthread_mutex_unlock(&v->quorum->lock);
        return n;
}

static struct slice token_key(struct vault_call *call, const struct vault_token *t)
{
        return vault_call_key(call, "t/", slice_of(t->id, sizeof(t->id)));
}

static bool token_guard(struct vault_call *call, const struct vault_token *t)
{
        return vault_call_guard(call, t->rev ? STORE_REV_IS : STORE_ABSENT, token_key(call, t), t->rev);
}

bool vault_token_put(struct vault_call *call, const struct vault_token *t)
{
        struct buf body = BUF_INIT;
        bool ok;

        vault_token_encode(t, &body);
        ok = token_guard(call, t) && vault_record_put(call, token_key(call, t), &body);
        buf_clear(&body);
        return ok;
}

bool vault_token_delete(struct vault_call *call, const struct vault_token *t)
{
        return token_guard(call, t) && vault_call_delete(call, token_key(call, t));
}

bool vault_token_login(struct vault_call *call, uint8_t login[32])
{
        return crypto_sha256(call->vault->deps.crypto,
                             slice_of(call->request->ticket.data, call->request->ticket.len), login) ||
               err_set(&call->err, ERR_CRYPTO, "hashing failed");
}
