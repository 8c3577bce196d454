/* Answers and streams of an etcd that says whatever it likes: the first byte chooses what it is taken for. */
#include "fuzz.h"
#include "store/etcd_txn.h"

static struct slice answer;
static unsigned pages;

static enum etcd_outcome fuzz_call(void *self, unsigned line, const char *method, struct slice request,
                                   int timeout_ms, struct etcd_reply *reply)
{
        (void)self;
        (void)line;
        (void)method;
        (void)request;
        (void)timeout_ms;
        /* The same page again and again has to end it by itself. */
        if (++pages > 1000)
                abort();
        buf_reset(&reply->message);
        buf_put_slice(&reply->message, answer);
        return ETCD_ANSWERED;
}

static struct etcd *engine(void)
{
        static struct etcd e;

        if (!e.prefix[0]) {
                e.wire.call = fuzz_call;
                strcpy(e.prefix, "/f/");
                e.node = 1;
                pthread_mutex_init(&e.lock, NULL);
                pthread_mutex_init(&e.reads_lock, NULL);
                pthread_cond_init(&e.moved, NULL);
        }
        atomic_store(&e.cluster, 0);
        atomic_store(&e.highest, 0);
        atomic_store(&e.foreign, false);
        return &e;
}

static void frames(struct slice bytes)
{
        struct slice message;
        size_t consumed;
        char words[64];

        etcd_status_words(bytes, words, sizeof(words));
        (void)etcd_frame_one(bytes, &message);
        while (etcd_frame_next(bytes, &message, &consumed) == 1)
                bytes = slice_of(bytes.p + consumed, bytes.n - consumed);
}

static void transaction(struct slice bytes)
{
        struct err err = ERR_INIT;
        struct etcd_lane lane = { .rev = 3 };
        struct etcd_attempt a = { .e = engine(), .lane = &lane, .floor = 2, .err = &err };
        Etcd__TxnResponse *r;

        buf_put_slice(&lane.reply.message, bytes);
        r = etcd_answer_read(&a, lane.pending);
        for (size_t i = 0; r && i <= r->n_responses; i++)
                (void)etcd_value_is(etcd_look_at(r, i), lane.settle);
        etcd__txn_response__free_unpacked(r, NULL);
        buf_clear(&lane.reply.message);
}

static bool visit(void *arg, const struct store_event *e)
{
        (void)arg;
        return e->key.n + e->value.n < SIZE_MAX;
}

static void load(struct slice bytes)
{
        struct err err = ERR_INIT;
        store_rev at;

        answer = bytes;
        pages = 0;
        (void)etcd_load(engine(), SLICE_EMPTY, visit, NULL, &at, &err);
}

static void events(void *arg, store_rev rev, const struct store_event *list, size_t n)
{
        store_rev *last = arg;

        /* In order, whatever comes. */
        if (rev <= *last || (n && !list[0].key.n))
                abort();
        *last = rev;
}

static void stream(struct slice bytes)
{
        store_rev last = 0;
        struct store_follower follower = { .events = events, .arg = &last };
        struct etcd_watch *w = etcd_watch_make(engine(), 0, &follower);
        struct slice message;
        size_t consumed;

        while (w && etcd_frame_next(bytes, &message, &consumed) == 1 && etcd_watch_message(w, message))
                bytes = slice_of(bytes.p + consumed, bytes.n - consumed);
        if (w)
                etcd_watch_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const parsers[])(struct slice) = { frames, transaction, load, stream };

        if (size)
                parsers[data[0] % 4](slice_of(data + 1, size - 1));
        return 0;
}
