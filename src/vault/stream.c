/* Multi-part operations larger than a message. A stream is state of this node, bound to the login and
 * application context that opened it; what it may do is asked again when it ends, so that a key that was
 * deleted, taken back or restricted meanwhile does not sign. */
#include "vault/stream.h"

#include <stdlib.h>

#define STREAMS_MAX 1024
#define SHARE_MAX   64               /* of one application context */
#define IDLE_MS     (10 * 60 * 1000) /* after that an opener may take its place */

struct stream {
        uint64_t id; /* random, not 0 */
        uint32_t user_id;
        uint8_t context[VAULT_CONTEXT_SIZE];
        int64_t used_ms;
        uint64_t turn;     /* grows with each use: the smallest was used longest ago */
        uint64_t sequence; /* of the part that comes next */
        bool busy;
        enum crypto_op op;
        uint64_t handle; /* of the key; 0: sealed, or none */
        struct buf sealed, parameter;
        struct ck_mech_param param; /* of parameter, into which it points */
        uint64_t mechanism;
        struct crypto_stream *state;
};

struct vault_streams {
        pthread_mutex_t lock;
        uint64_t turn;
        struct stream *rows[STREAMS_MAX];
};

bool vault_streams_open(struct vault *v, struct err *err)
{
        v->streams = calloc(1, sizeof(*v->streams));
        if (!v->streams)
                return err_set(err, ERR_MEMORY, "no memory for multi-part operations");
        pthread_mutex_init(&v->streams->lock, NULL);
        return true;
}

static void stream_free(struct stream *s)
{
        crypto_stream_free(&s->state);
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

/* ---- opening ---- */

static bool is_mine(const struct stream *a, const struct stream *b)
{
        return a->user_id == b->user_id && memcmp(a->context, b->context, VAULT_CONTEXT_SIZE) == 0;
}

/* Takes a free place; or that of this context's own oldest stream when it has its share; or that of one that
 * lay idle for long. So nobody's forgotten streams keep others out. */
static bool place(struct vault *v, struct stream *s)
{
        struct vault_streams *all = v->streams;
        size_t none = STREAMS_MAX, own = none, oldest = none, unused = none, count = 0;
        struct stream *out = NULL;

        s->used_ms = clock_mono_ms(&v->deps.clock);
        pthread_mutex_lock(&all->lock);
        for (size_t i = 0; i < STREAMS_MAX; i++) {
                struct stream *one = all->rows[i];

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
        if (count >= SHARE_MAX)
                unused = own;
        else if (unused == none)
                unused = oldest;
        if (unused != none) {
                s->turn = ++all->turn;
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
        if (op != CRYPTO_DIGEST)
                return vault_use_begin(call, ref, ERR_KEY_HANDLE, m, op, use);
        *use = (struct vault_use){ .object = NULL };
        return vault_use_mechanism(call, m, use) &&
               crypto_operation_check(use->mechanism, op, NULL, &use->param, &call->err);
}

static struct stream *stream_new(struct vault_call *call, const Chsm__StreamOpenRequest *in,
                                 struct vault_use *use)
{
        struct stream *s = calloc(1, sizeof(*s));

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
            crypto_random(call->vault->deps.crypto, (uint8_t *)&s->id, sizeof(s->id), &call->err) && s->id &&
            ck_mech_param_decode(s->mechanism, buf_slice(&s->parameter), &s->param, &call->err) &&
            crypto_stream_new(call->vault->deps.crypto, s->op, use->mechanism, &s->param, use->key, &s->state,
                              &call->err))
                return s;
        stream_free(s);
        return NULL;
}

bool vault_stream_open(struct vault_call *call)
{
        const Chsm__StreamOpenRequest *in = call->request->stream_open;
        Chsm__StreamOpenResponse *r = arena_alloc(call->arena, sizeof(*r));
        enum crypto_op op = (enum crypto_op)in->operation;
        struct vault_use use = { .object = NULL };
        struct stream *s = NULL;

        if (op != CRYPTO_SIGN && op != CRYPTO_VERIFY && op != CRYPTO_DIGEST)
                return err_set(&call->err, ERR_ARGUMENT, "operation %u has no multi-part form here",
                               in->operation);
        if (r && use_begin(call, op, in->key, in->mechanism, &use))
                s = stream_new(call, in, &use);
        vault_use_end(&use);
        if (!s)
                return call->err.id ? false
                                    : err_set(&call->err, ERR_MEMORY, "no memory for a multi-part operation");
        chsm__stream_open_response__init(r);
        r->stream = s->id;
        if (!place(call->vault, s)) {
                stream_free(s);
                return err_set(&call->err, ERR_LIMIT, "%d multi-part operations are under way on this node",
                               STREAMS_MAX);
        }
        call->response->stream_open = r;
        call->response->body_case = CHSM__RESPONSE__BODY_STREAM_OPEN;
        return true;
}

/* ---- parts ---- */

/* The caller's stream, marked busy; the part's place among the others is checked. *again: it was taken
 * before. */
static struct stream *take(struct vault_call *call, const Chsm__StreamPartRequest *in, bool *again)
{
        struct vault_streams *all = call->vault->streams;
        struct stream *s = NULL;

        *again = false;
        pthread_mutex_lock(&all->lock);
        for (size_t i = 0; !s && i < STREAMS_MAX; i++) {
                struct stream *one = all->rows[i];

                if (one && one->id == in->stream && one->user_id == call->login.user_id &&
                    memcmp(one->context, call->context, VAULT_CONTEXT_SIZE) == 0)
                        s = one;
        }
        if (!s) {
                err_set(&call->err, ERR_IO,
                        "the multi-part operation is not on this node: the node restarted, or it lay idle "
                        "for long");
        } else if (s->busy) {
                err_set(&call->err, ERR_RETRY, "a part of this operation is being worked on");
                s = NULL;
        } else if (!in->cancel && in->sequence + 1 == s->sequence && !in->last) {
                *again = true;
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

static void give_back(struct vault *v, struct stream *s)
{
        pthread_mutex_lock(&v->streams->lock);
        s->busy = false;
        s->sequence++;
        s->turn = ++v->streams->turn;
        s->used_ms = clock_mono_ms(&v->deps.clock);
        pthread_mutex_unlock(&v->streams->lock);
}

static void remove_stream(struct vault *v, struct stream *s)
{
        pthread_mutex_lock(&v->streams->lock);
        for (size_t i = 0; i < STREAMS_MAX; i++) {
                if (v->streams->rows[i] == s)
                        v->streams->rows[i] = NULL;
        }
        pthread_mutex_unlock(&v->streams->lock);
}

/* The end of a stream, kept for being run again after a conflict. */
struct ending {
        struct stream *stream;
        uint8_t block[CRYPTO_BLOCK_MAX];
        size_t n;
};

static void ending_clear(void *memo)
{
        struct ending *e = memo;

        stream_free(e->stream);
        sec_wipe(e->block, sizeof(e->block));
}

static bool finish(struct vault_call *call, const struct ending *e)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        struct stream *s = e->stream;
        struct crypto *c = call->vault->deps.crypto;
        struct slice block = slice_of(e->block, e->n);
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct vault_use use;
        uint8_t *out;
        size_t n;
        bool ok;

        m.number = s->mechanism;
        m.parameter = (ProtobufCBinaryData){ s->parameter.n, s->parameter.p };
        ref.handle = s->handle;
        ref.sealed = (ProtobufCBinaryData){ s->sealed.n, s->sealed.p };
        ok = use_begin(call, s->op, &ref, &m, &use);
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
                ok = vault_use_reply(call, slice_of(out, e->n), NULL, 0);
        }
        vault_use_end(&use);
        return ok;
}

bool vault_stream_part(struct vault_call *call)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        struct ending *e = call->memo;
        struct stream *s;
        bool again, ok;

        if (e)
                return finish(call, e);
        s = take(call, in, &again);
        if (!s)
                return again && vault_call_done(call);
        call->mechanism = s->mechanism;
        call->object = s->handle;
        ok = in->cancel || crypto_stream_update(s->state, slice_of(in->data.data, in->data.len), &call->err);
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
