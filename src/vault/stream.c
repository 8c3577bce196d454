/* Multi-part operations larger than a message. A stream is state of this node, bound to the login and
 * application context that opened it; what it may do is asked again when it ends, and of ciphers with each
 * part, so that a key that was deleted, taken back or restricted meanwhile does not work on. stream_crypt.c
 * has the parts of ciphers. */
#include "vault/stream.h"
#include "vault/users.h"

#include <stdlib.h>

#define STREAMS_MAX  4096             /* a power of two: the place of a stream is in its number */
#define SHARE_MAX    1024             /* of one application context */
#define SHARE_NOBODY 256              /* of all who digest before login */
#define ACTIVE_MS    3000             /* one that was used within that time is waited for */
#define IDLE_MS      (10 * 60 * 1000) /* after that an opener may take its place */

struct vault_streams {
        pthread_mutex_t lock;
        uint64_t turn;
        struct vault_stream *rows[STREAMS_MAX];
};

bool vault_streams_open(struct vault *v, struct err *err)
{
        v->streams = calloc(1, sizeof(*v->streams));
        if (!v->streams)
                return err_set(err, ERR_MEMORY, "no memory for multi-part operations");
        pthread_mutex_init(&v->streams->lock, NULL);
        return true;
}

static void stream_free(struct vault_stream *s)
{
        crypto_stream_free(&s->state);
        sec_wipe(s->secret, sizeof(s->secret));
        buf_clear(&s->sealed);
        buf_clear(&s->parameter);
        free(s);
}

void vault_streams_close(struct vault *v)
{
        if (!v->streams)
                return;
        for (size_t i = 0; i < STREAMS_MAX; i++) {
                if (v->streams->rows[i])
                        stream_free(v->streams->rows[i]);
        }
        pthread_mutex_destroy(&v->streams->lock);
        free(v->streams);
        v->streams = NULL;
}

bool vault_streams_active(struct vault *v)
{
        int64_t since = clock_mono_ms(&v->deps.clock) - ACTIVE_MS;
        bool active = false;

        pthread_mutex_lock(&v->streams->lock);
        for (size_t i = 0; !active && i < STREAMS_MAX; i++) {
                const struct vault_stream *s = v->streams->rows[i];

                active = s && (s->busy || s->used_ms > since);
        }
        pthread_mutex_unlock(&v->streams->lock);
        return active;
}

/* ---- opening ---- */

/* All who have not logged in are one: their contexts are nobody's word. */
static bool is_mine(const struct vault_stream *a, const struct vault_stream *b)
{
        return a->user_id == b->user_id &&
               (!a->user_id || memcmp(a->context, b->context, VAULT_CONTEXT_SIZE) == 0);
}

static int by_user(const void *a, const void *b)
{
        uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;

        return (one > two) - (one < two);
}

/* All places are taken: the user who has most of them, the opener's counted as one more. */
static uint32_t user_with_most(const struct vault_streams *all, uint32_t opener)
{
        uint32_t users[STREAMS_MAX + 1], most = opener;
        size_t run = 0, longest = 0;

        for (size_t i = 0; i < STREAMS_MAX; i++)
                users[i] = all->rows[i]->user_id;
        users[STREAMS_MAX] = opener;
        qsort(users, STREAMS_MAX + 1, sizeof(users[0]), by_user);
        for (size_t i = 0; i <= STREAMS_MAX; i++) {
                run = i && users[i] == users[i - 1] ? run + 1 : 1;
                if (run > longest) {
                        longest = run;
                        most = users[i];
                }
        }
        return most;
}

/* The oldest of that user's; STREAMS_MAX: all are being worked on. */
static size_t oldest_of(const struct vault_streams *all, uint32_t user)
{
        size_t oldest = STREAMS_MAX;

        for (size_t i = 0; i < STREAMS_MAX; i++) {
                const struct vault_stream *one = all->rows[i];

                if (one->user_id == user && !one->busy &&
                    (oldest == STREAMS_MAX || one->turn < all->rows[oldest]->turn))
                        oldest = i;
        }
        return oldest;
}

/* Takes a free place; or that of this context's own oldest stream when it has its share; or that of one that
 * lay idle for long; or of the user who has most. So nobody's forgotten streams keep others out, nor does one
 * user with many contexts. */
static bool place(struct vault *v, struct vault_stream *s)
{
        struct vault_streams *all = v->streams;
        size_t none = STREAMS_MAX, own = none, oldest = none, unused = none, count = 0;
        struct vault_stream *out = NULL;

        s->used_ms = clock_mono_ms(&v->deps.clock);
        pthread_mutex_lock(&all->lock);
        for (size_t i = 0; i < STREAMS_MAX; i++) {
                struct vault_stream *one = all->rows[i];

                if (!one)
                        unused = i;
                if (!one || one->busy)
                        continue;
                if (is_mine(one, s) && ++count && (own == none || one->turn < all->rows[own]->turn))
                        own = i;
                if (one->used_ms <= s->used_ms - IDLE_MS &&
                    (oldest == none || one->turn < all->rows[oldest]->turn))
                        oldest = i;
        }
        if (count >= (s->user_id ? SHARE_MAX : SHARE_NOBODY))
                unused = own;
        else if (unused == none)
                unused = oldest != none ? oldest : oldest_of(all, user_with_most(all, s->user_id));
        if (unused != none) {
                s->turn = ++all->turn;
                s->id = (s->id | STREAMS_MAX) / STREAMS_MAX * STREAMS_MAX + unused; /* never 0 */
                s->id = (s->id & VAULT_STREAM_RANDOM) | (uint64_t)v->config.node_number << VAULT_STREAM_NODE;
                out = all->rows[unused];
                all->rows[unused] = s;
        }
        pthread_mutex_unlock(&all->lock);
        if (out)
                stream_free(out);
        return unused != none;
}

/* Checks that the operation may be done, as its single-part command would. */
static bool use_begin(struct vault_call *call, enum crypto_op op, const Chsm__ObjectRef *ref,
                      const Chsm__Mechanism *m, struct vault_use *use)
{
        *use = (struct vault_use){ .object = NULL };
        if (!vault_right_check(call, vault_right_of_operation(op)))
                return false; /* may have been taken since the stream began */
        if (op != CRYPTO_DIGEST)
                return vault_use_begin(call, ref, ERR_KEY_HANDLE, m, op, use);
        return vault_use_mechanism(call, m, use) &&
               crypto_operation_check(use->mechanism, op, NULL, &use->param, &call->err);
}

bool vault_stream_use(struct vault_call *call, const struct vault_stream *s, struct vault_use *use)
{
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;

        m.number = s->mechanism;
        m.parameter = (ProtobufCBinaryData){ s->parameter.n, s->parameter.p };
        ref.handle = s->handle;
        ref.sealed = (ProtobufCBinaryData){ s->sealed.n, s->sealed.p };
        return use_begin(call, s->op, &ref, &m, use);
}

static struct vault_stream *stream_new(struct vault_call *call, const Chsm__StreamOpenRequest *in,
                                       struct vault_use *use)
{
        struct vault_stream *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->op = (enum crypto_op)in->operation;
        s->user_id = call->login.user_id;
        memcpy(s->context, call->context, VAULT_CONTEXT_SIZE);
        s->mechanism = in->mechanism->number;
        buf_put(&s->parameter, in->mechanism->parameter.data, in->mechanism->parameter.len);
        if (in->key) {
                s->handle = in->key->handle;
                buf_put(&s->sealed, in->key->sealed.data, in->key->sealed.len);
        }
        if (buf_ok(&s->parameter) && buf_ok(&s->sealed) &&
            crypto_random(call->vault->deps.crypto, &s->id, sizeof(s->id), &call->err) &&
            crypto_random(call->vault->deps.crypto, s->secret, sizeof(s->secret), &call->err) &&
            ck_mech_param_decode(s->mechanism, buf_slice(&s->parameter), &s->param, &call->err) &&
            crypto_stream_new(call->vault->deps.crypto, s->op, use->mechanism, &s->param, use->key, &s->state,
                              &call->err))
                return s;
        stream_free(s);
        return NULL;
}

static bool is_cipher(enum crypto_op op)
{
        return op == CRYPTO_ENCRYPT || op == CRYPTO_DECRYPT;
}

/* Makes a stream and takes it in; its number stays in the call for being run again after a conflict. */
static bool stream_begin(struct vault_call *call, struct vault_use *use, Chsm__StreamOpenResponse **out)
{
        Chsm__StreamOpenResponse *r = call->memo;
        struct vault_stream *s;
        struct slice iv;

        *out = r;
        if (r)
                return true;
        r = arena_alloc(call->arena, sizeof(*r));
        s = r ? stream_new(call, call->request->stream_open, use) : NULL;
        if (!s)
                return call->err.id ? false
                                    : err_set(&call->err, ERR_MEMORY, "no memory for a multi-part operation");
        chsm__stream_open_response__init(r);
        iv = is_cipher(s->op) ? arena_copy(call->arena, crypto_stream_iv(s->state)) : SLICE_EMPTY;
        r->iv = (ProtobufCBinaryData){ iv.n, (uint8_t *)(uintptr_t)iv.p };
        if (!place(call->vault, s)) {
                stream_free(s);
                return err_set(&call->err, ERR_LIMIT, "%d multi-part operations are under way on this node",
                               STREAMS_MAX);
        }
        r->stream = s->id;
        call->memo = *out = r;
        return true;
}

bool vault_stream_open(struct vault_call *call)
{
        const Chsm__StreamOpenRequest *in = call->request->stream_open;
        enum crypto_op op = (enum crypto_op)in->operation;
        struct vault_use use = { .object = NULL };
        Chsm__StreamOpenResponse *r = NULL;
        bool ok;

        if (!is_cipher(op) && op != CRYPTO_SIGN && op != CRYPTO_VERIFY && op != CRYPTO_DIGEST)
                return err_set(&call->err, ERR_ARGUMENT, "operation %u has no multi-part form here",
                               in->operation);
        if (op != CRYPTO_DIGEST && call->login.role != VAULT_CU)
                return err_set(&call->err, ERR_NOT_LOGGED_IN, "only digests are made before login");
        /* A cipher answers before it ends, so its use is remembered before it begins. */
        ok = use_begin(call, op, in->key, in->mechanism, &use) && stream_begin(call, &use, &r) &&
             (!is_cipher(op) || vault_use_data(call, use.object));
        vault_use_end(&use);
        if (!ok)
                return false;
        call->response->stream_open = r;
        call->response->body_case = CHSM__RESPONSE__BODY_STREAM_OPEN;
        return true;
}

/* ---- parts ---- */

/* The caller's stream, marked busy; the part's place among the others is checked. *again: it was taken
 * before. */
static struct vault_stream *take(struct vault_call *call, const Chsm__StreamPartRequest *in, bool *again)
{
        struct vault_streams *all = call->vault->streams;
        struct vault_stream *s = NULL;

        *again = false;
        pthread_mutex_lock(&all->lock);
        s = all->rows[in->stream % STREAMS_MAX];
        if (s && (s->id != in->stream || s->user_id != call->login.user_id ||
                  memcmp(s->context, call->context, VAULT_CONTEXT_SIZE) != 0))
                s = NULL;
        if (!s) {
                err_set(&call->err, ERR_IO,
                        "the multi-part operation is not on this node: the node restarted, or it lay idle "
                        "for long");
        } else if (s->busy) {
                err_set(&call->err, ERR_RETRY, "a part of this operation is being worked on");
                s = NULL;
        } else if (!in->cancel && in->sequence + 1 == s->sequence && !in->last && !is_cipher(s->op)) {
                *again = true;
                s = NULL;
        } else if (!in->cancel && in->sequence + 1 == s->sequence) {
                err_set(&call->err, ERR_IO,
                        "what this part gave is not kept: the operation has to begin again");
                s = NULL;
        } else if (!in->cancel && in->sequence != s->sequence) {
                err_set(&call->err, ERR_ARGUMENT, "part %llu of the operation comes next, not %llu",
                        (unsigned long long)s->sequence, (unsigned long long)in->sequence);
                s = NULL;
        } else {
                s->busy = true;
        }
        pthread_mutex_unlock(&all->lock);
        return s;
}

static void give_back(struct vault *v, struct vault_stream *s)
{
        pthread_mutex_lock(&v->streams->lock);
        s->busy = false;
        s->sequence++;
        s->turn = ++v->streams->turn;
        s->used_ms = clock_mono_ms(&v->deps.clock);
        pthread_mutex_unlock(&v->streams->lock);
}

static void remove_stream(struct vault *v, struct vault_stream *s)
{
        pthread_mutex_lock(&v->streams->lock);
        v->streams->rows[s->id % STREAMS_MAX] = NULL;
        pthread_mutex_unlock(&v->streams->lock);
}

/* The end of a stream, kept for being run again after a conflict. */
struct ending {
        struct vault_stream *stream;
        uint8_t block[CRYPTO_BLOCK_MAX];
        size_t n;
};

static void ending_clear(void *memo)
{
        struct ending *e = memo;

        stream_free(e->stream);
        sec_wipe(e->block, sizeof(e->block));
}

/* The value of a key goes into a digest. Its history is written when the digest is given out. */
static bool digest_key(struct vault_call *call, struct vault_stream *s, const Chsm__ObjectRef *ref)
{
        struct vault_use use = { .mechanism = crypto_mechanism_find(s->mechanism) };
        struct sec *value = NULL;
        bool ok;

        if (s->digested_count == VAULT_STREAM_KEYS)
                return err_set(&call->err, ERR_LIMIT, "a digest takes %d keys in", VAULT_STREAM_KEYS);
        value = vault_use_value(call, ref, &use);
        ok = value && crypto_stream_update(s->state, sec_slice(value), &call->err);
        if (ok && use.object->handle)
                s->digested[s->digested_count++] = use.object->handle;
        sec_free(&value);
        vault_use_end(&use);
        return ok;
}

/* Asks again whether the keys may be digested, and remembers that they were. */
static bool digested_keys(struct vault_call *call, const struct vault_stream *s,
                          const struct vault_use *digest)
{
        bool ok = true;

        for (size_t i = 0; ok && i < s->digested_count; i++) {
                struct vault_use use = { .mechanism = digest->mechanism };
                Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
                struct sec *value;

                ref.handle = s->digested[i];
                value = vault_use_value(call, &ref, &use);
                ok = value && vault_use_data(call, use.object);
                sec_free(&value);
                vault_use_end(&use);
        }
        return ok;
}

static bool finish(struct vault_call *call, const struct ending *e)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        struct vault_stream *s = e->stream;
        struct crypto *c = call->vault->deps.crypto;
        struct slice block = slice_of(e->block, e->n);
        struct vault_use use;
        uint8_t *out;
        size_t n;
        bool ok = vault_stream_use(call, s, &use);

        n = ok ? crypto_output_max(use.mechanism, s->op, use.key, &use.param, e->n) : 0;
        out = arena_alloc(call->arena, n + CRYPTO_BLOCK_MAX);
        ok = ok && (out || err_set(&call->err, ERR_MEMORY, "no memory for the answer"));
        if (ok && s->op == CRYPTO_VERIFY) {
                ok = crypto_verify_block(c, use.mechanism, &use.param, use.key, block,
                                         slice_of(in->signature.data, in->signature.len), &call->err) &&
                     vault_use_data(call, use.object) && vault_call_done(call);
        } else if (ok && s->op == CRYPTO_SIGN) {
                ok = crypto_sign_block(c, use.mechanism, &use.param, use.key, block, out, &n, &call->err) &&
                     vault_use_data(call, use.object) && vault_use_reply(call, slice_of(out, n), NULL, 0);
        } else if (ok) {
                memcpy(out, e->block, e->n);
                ok = digested_keys(call, s, &use) && vault_use_reply(call, slice_of(out, e->n), NULL, 0);
        }
        vault_use_end(&use);
        return ok;
}

bool vault_stream_part(struct vault_call *call)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        struct ending *e = call->memo;
        struct vault_stream *s;
        bool again, ok, over = true;

        if (e)
                return finish(call, e);
        s = take(call, in, &again);
        if (!s)
                return again && vault_call_done(call);
        call->mechanism = s->mechanism;
        call->object = s->handle;
        ok = !in->key || s->op == CRYPTO_DIGEST ||
             err_set(&call->err, ERR_ARGUMENT, "only digests take a key's value in");
        if (is_cipher(s->op) && !in->cancel) {
                ok = ok && vault_stream_crypt(call, s, &over);
                if (ok && !over) {
                        give_back(call->vault, s);
                        return true;
                }
                remove_stream(call->vault, s);
                stream_free(s);
                return ok;
        }
        ok = in->cancel ||
             (ok && crypto_stream_update(s->state, slice_of(in->data.data, in->data.len), &call->err) &&
              (!in->key || digest_key(call, s, in->key)));
        if (ok && !in->cancel && !in->last) {
                give_back(call->vault, s);
                return vault_call_done(call);
        }
        remove_stream(call->vault, s);
        e = ok && !in->cancel ? arena_alloc(call->arena, sizeof(*e)) : NULL;
        if (!e) {
                stream_free(s);
                return in->cancel     ? vault_call_done(call)
                       : call->err.id ? false
                                      : err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        }
        e->stream = s;
        call->memo = e;
        call->memo_clear = ending_clear;
        return crypto_stream_block(s->state, e->block, &e->n, &call->err) && finish(call, e);
}
