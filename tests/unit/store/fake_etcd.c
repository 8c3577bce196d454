#include "fake_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct fake *fake_make(void)
{
        struct fake *f = calloc(1, sizeof(*f));

        pthread_mutex_init(&f->lock, NULL);
        f->rev = 1;
        f->cluster = 7;
        return f;
}

void fake_free(struct fake *f)
{
        for (size_t i = 0; i < ETCD_LINES; i++)
                buf_clear(&f->last[i]);
        for (size_t i = 0; i < f->n; i++)
                free(f->history[i].value);
        buf_clear(&f->late);
        free(f->history);
        pthread_mutex_destroy(&f->lock);
        free(f);
}

const struct entry *fake_entry(struct fake *f, const ProtobufCBinaryData *key)
{
        for (size_t i = f->n; i-- > 0;) {
                if (f->history[i].key_n == key->len && memcmp(f->history[i].key, key->data, key->len) == 0)
                        return f->history[i].deleted ? NULL : &f->history[i];
        }
        return NULL;
}

void fake_entry_add(struct fake *f, const ProtobufCBinaryData *key, const ProtobufCBinaryData *value)
{
        struct entry *e;

        if (f->n == f->cap) {
                f->cap = f->cap ? f->cap * 2 : 64;
                f->history = realloc(f->history, f->cap * sizeof(*f->history));
        }
        e = &f->history[f->n++];
        *e = (struct entry){ .key_n = key->len, .rev = f->rev, .deleted = value == NULL };
        memcpy(e->key, key->data, key->len < sizeof(e->key) ? key->len : 0);
        if (value && value->len) {
                e->value = malloc(value->len);
                memcpy(e->value, value->data, value->len);
                e->value_n = value->len;
        }
}

static Etcd__KeyValue kv_of(const struct entry *e)
{
        Etcd__KeyValue kv = ETCD__KEY_VALUE__INIT;

        kv.key = (ProtobufCBinaryData){ e->key_n, (uint8_t *)(uintptr_t)e->key };
        kv.value = (ProtobufCBinaryData){ e->value_n, e->value };
        kv.mod_revision = e->rev;
        return kv;
}

static bool holds(struct fake *f, const Etcd__Compare *c)
{
        const struct entry *e = fake_entry(f, &c->key);
        store_rev rev = e ? e->rev : 0;

        if (c->target == ETCD__COMPARE__TARGET__VALUE)
                return e && e->value_n == c->value.len && memcmp(e->value, c->value.data, c->value.len) == 0;
        return c->result == ETCD__COMPARE__RESULT__GREATER ? rev > c->mod_revision : rev == c->mod_revision;
}

/* The answers of a branch's reads; those of writes are empty. */
static void ranges_answer(struct fake *f, Etcd__RequestOp **branch, size_t n, Etcd__TxnResponse *r)
{
        static Etcd__RangeResponse ranges[128];
        static Etcd__ResponseOp ops[128], *list[128];
        static Etcd__KeyValue kvs[128], *kv_list[128];

        for (size_t i = 0; i < n; i++) {
                const struct entry *e;

                etcd__response_op__init(&ops[i]);
                list[i] = &ops[i];
                if (branch[i]->request_case != ETCD__REQUEST_OP__REQUEST_RANGE)
                        continue;
                e = fake_entry(f, &branch[i]->range->key);
                etcd__range_response__init(&ranges[i]);
                if (e) {
                        kvs[i] = kv_of(e);
                        kv_list[i] = &kvs[i];
                        ranges[i].kvs = &kv_list[i];
                        ranges[i].n_kvs = 1;
                }
                ops[i].response_case = ETCD__RESPONSE_OP__RESPONSE_RANGE;
                ops[i].range = &ranges[i];
        }
        r->responses = list;
        r->n_responses = n;
}

static void answer(struct fake *f, enum fake_fault fault, Etcd__ResponseHeader *h)
{
        h->cluster_id = fault == FAKE_FOREIGN ? 8 : f->cluster;
        h->revision = fault == FAKE_OLDER ? 1 : f->rev;
}

static const struct entry **entries_within(struct fake *f, const ProtobufCBinaryData *key,
                                           const ProtobufCBinaryData *end, size_t *n);

static void delete_do(struct fake *f, const Etcd__DeleteRangeRequest *q)
{
        size_t n;
        const struct entry **found = entries_within(f, &q->key, &q->range_end, &n);
        struct entry *gone = calloc(n + 1, sizeof(*gone));

        for (size_t i = 0; i < n; i++)
                gone[i] = *found[i]; /* the history moves as it grows */
        for (size_t i = 0; i < n; i++) {
                ProtobufCBinaryData k = { gone[i].key_n, (uint8_t *)gone[i].key };

                fake_entry_add(f, &k, NULL);
        }
        free(gone);
        free(found);
}

static void txn_do(struct fake *f, struct slice request, enum fake_fault fault, struct buf *out)
{
        Etcd__TxnRequest *q = etcd__txn_request__unpack(NULL, request.n, request.p);
        Etcd__TxnResponse r = ETCD__TXN_RESPONSE__INIT;
        Etcd__ResponseHeader h = ETCD__RESPONSE_HEADER__INIT;

        r.succeeded = true;
        for (size_t i = 0; i < q->n_compare; i++)
                r.succeeded = r.succeeded && holds(f, q->compare[i]);
        if (r.succeeded) {
                f->rev++;
                for (size_t i = 0; i < q->n_success; i++) {
                        if (q->success[i]->request_case == ETCD__REQUEST_OP__REQUEST_PUT)
                                fake_entry_add(f, &q->success[i]->put->key, &q->success[i]->put->value);
                        else if (q->success[i]->request_case == ETCD__REQUEST_OP__REQUEST_DELETE_RANGE)
                                delete_do(f, q->success[i]->delete_range);
                }
        }
        ranges_answer(f, r.succeeded ? q->success : q->failure, r.succeeded ? q->n_success : q->n_failure,
                      &r);
        answer(f, fault, &h);
        r.header = fault == FAKE_NO_HEADER ? NULL : &h;
        etcd_pack(out, &r.base);
        etcd__txn_request__free_unpacked(q, NULL);
}

static int by_key(const void *a, const void *b)
{
        const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;

        return slice_compare(slice_of(x->key, x->key_n), slice_of(y->key, y->key_n));
}

/* What the keys of a range are now, sorted as etcd sorts them. Heap. */
static const struct entry **entries_within(struct fake *f, const ProtobufCBinaryData *key,
                                           const ProtobufCBinaryData *end, size_t *n)
{
        struct slice from = slice_of(key->data, key->len), to = slice_of(end->data, end->len);
        const struct entry **list = calloc(f->n + 1, sizeof(*list));

        *n = 0;
        for (size_t i = 0; i < f->n; i++) {
                const struct entry *e = &f->history[i];
                ProtobufCBinaryData k = { e->key_n, (uint8_t *)(uintptr_t)e->key };
                struct slice s = slice_of(e->key, e->key_n);

                if (to.n ? slice_compare(s, from) >= 0 && slice_compare(s, to) < 0 : slice_equal(s, from))
                        if (fake_entry(f, &k) == e)
                                list[(*n)++] = e;
        }
        qsort(list, *n, sizeof(*list), by_key);
        return list;
}

static void range_do(struct fake *f, struct slice request, enum fake_fault fault, struct buf *out)
{
        Etcd__RangeRequest *q = etcd__range_request__unpack(NULL, request.n, request.p);
        Etcd__RangeResponse r = ETCD__RANGE_RESPONSE__INIT;
        Etcd__ResponseHeader h = ETCD__RESPONSE_HEADER__INIT;
        size_t n, limit = q->limit > 0 && q->limit < FAKE_PAGE ? (size_t)q->limit : FAKE_PAGE;
        const struct entry **found = entries_within(f, &q->key, &q->range_end, &n);
        Etcd__KeyValue kvs[FAKE_PAGE], *list[FAKE_PAGE];

        for (; !q->count_only && r.n_kvs < n && r.n_kvs < limit; r.n_kvs++) {
                kvs[r.n_kvs] = kv_of(found[r.n_kvs]);
                list[r.n_kvs] = &kvs[r.n_kvs];
        }
        r.kvs = list;
        r.count = (int64_t)n;
        r.more = !q->count_only && r.n_kvs < n;
        answer(f, fault, &h);
        r.header = fault == FAKE_NO_HEADER ? NULL : &h;
        etcd_pack(out, &r.base);
        free(found);
        etcd__range_request__free_unpacked(q, NULL);
}

static void status_do(struct fake *f, enum fake_fault fault, struct buf *out)
{
        Etcd__StatusResponse r = ETCD__STATUS_RESPONSE__INIT;
        Etcd__ResponseHeader h = ETCD__RESPONSE_HEADER__INIT;

        answer(f, fault, &h);
        r.header = fault == FAKE_NO_HEADER ? NULL : &h;
        r.leader = 1;
        etcd_pack(out, &r.base);
}

static void request_do(struct fake *f, const char *method, struct slice request, enum fake_fault fault,
                       struct buf *out)
{
        if (strstr(method, "/Txn"))
                txn_do(f, request, fault, out);
        else if (strstr(method, "/Range"))
                range_do(f, request, fault, out);
        else if (strstr(method, "/Status"))
                status_do(f, fault, out);
        else
                buf_reset(out);
}

static enum fake_fault fault_pick(struct fake *f)
{
        enum fake_fault fault;

        if (f->times) {
                f->times--;
                return f->fault;
        }
        if (!f->per_mille || (unsigned)rand_r(&f->seed) % 1000 >= f->per_mille)
                return FAKE_NONE;
        do
                fault = (enum fake_fault)(rand_r(&f->seed) % FAKE_KINDS);
        while (!(f->mask & 1u << fault));
        return fault;
}

/* What is done of the request, in `out` the answer. */
static void arrive(struct fake *f, const char *method, struct slice request, enum fake_fault fault,
                   struct buf *out)
{
        struct buf delayed = f->late;

        f->late = BUF_INIT;
        if (fault == FAKE_DELAY && strstr(method, "/Txn"))
                buf_put_slice(&f->late, request);
        else if (fault != FAKE_UNSENT && fault != FAKE_LOSE_REQUEST && fault != FAKE_STATUS &&
                 fault != FAKE_DELAY)
                request_do(f, method, request, fault, out);
        if (delayed.n) {
                struct buf unread = BUF_INIT;
                txn_do(f, buf_slice(&delayed), FAKE_NONE, &unread);
                buf_clear(&unread);
        }
        buf_clear(&delayed);
}

static bool writes(const char *method, struct slice request)
{
        Etcd__TxnRequest *q =
            strstr(method, "/Txn") ? etcd__txn_request__unpack(NULL, request.n, request.p) : NULL;
        bool any = false;

        for (size_t i = 0; q && i < q->n_success; i++)
                any = any || q->success[i]->request_case == ETCD__REQUEST_OP__REQUEST_PUT;
        etcd__txn_request__free_unpacked(q, NULL);
        return any;
}

/* What a full etcd makes of the request, when no other fault is asked for. */
static enum fake_fault fault_of_full(struct fake *f, const char *method, struct slice request)
{
        bool first = f->fills && !f->full;

        if (!f->fills || !writes(method, request))
                return FAKE_NONE;
        f->full = true;
        f->status = 8;
        snprintf(f->words, sizeof(f->words), "etcdserver: mvcc: database space exceeded");
        return first ? FAKE_STATUS_DONE : FAKE_STATUS;
}

static enum etcd_outcome fake_call(void *self, unsigned line, const char *method, struct slice request,
                                   int timeout_ms, struct etcd_reply *reply)
{
        struct fake *f = self;
        enum fake_fault fault;
        enum etcd_outcome outcome = ETCD_ANSWERED;
        struct buf out = BUF_INIT;

        (void)timeout_ms;
        pthread_mutex_lock(&f->lock);
        f->calls++;
        if (f->until_cut && --f->until_cut == 0)
                f->cut_off = true;
        if (f->cut_off) { /* said at once, so that nobody tries for a minute */
                snprintf(reply->words, sizeof(reply->words), "etcdserver: permission denied");
                reply->status = 7;
                pthread_mutex_unlock(&f->lock);
                return ETCD_REFUSED;
        }
        fault = fault_pick(f);
        if (fault == FAKE_NONE)
                fault = fault_of_full(f, method, request);
        arrive(f, method, request, fault, &out);
        snprintf(reply->words, sizeof(reply->words), "fault %d", (int)fault);
        reply->status = fault == FAKE_STATUS || fault == FAKE_STATUS_DONE ? f->status : 0;
        if (fault == FAKE_UNSENT)
                outcome = ETCD_UNSENT;
        else if (fault == FAKE_LOSE_REQUEST || fault == FAKE_LOSE_ANSWER || fault == FAKE_DELAY)
                outcome = ETCD_LOST;
        else if (reply->status) {
                outcome = etcd_status_outcome(reply->status);
                snprintf(reply->words, sizeof(reply->words), "%s", f->words);
        }
        buf_reset(&reply->message);
        if (fault == FAKE_REPEAT)
                buf_put_slice(&reply->message, buf_slice(&f->last[line]));
        else if (fault == FAKE_TRUNCATE)
                buf_put(&reply->message, out.p, out.n ? out.n - 1 : 0);
        else if (fault == FAKE_GARBLE)
                buf_put_text(&reply->message, "\xff\xff\xff noise");
        else
                buf_put_slice(&reply->message, buf_slice(&out));
        if (out.n) {
                buf_clear(&f->last[line]);
                f->last[line] = out;
        } else
                buf_clear(&out);
        pthread_mutex_unlock(&f->lock);
        return outcome;
}

/* ---- streams ---- */
/* The revision at history[at], as a message; at moves behind it. */
static void event_message(struct fake *f, size_t *at, struct buf *out)
{
        Etcd__WatchResponse r = ETCD__WATCH_RESPONSE__INIT;
        Etcd__ResponseHeader h = ETCD__RESPONSE_HEADER__INIT;
        Etcd__Event events[FAKE_EVENTS], *list[FAKE_EVENTS];
        Etcd__KeyValue kvs[FAKE_EVENTS];
        store_rev rev = f->history[*at].rev;

        for (; *at < f->n && f->history[*at].rev == rev && r.n_events < FAKE_EVENTS; (*at)++) {
                etcd__event__init(&events[r.n_events]);
                kvs[r.n_events] = kv_of(&f->history[*at]);
                events[r.n_events].kv = &kvs[r.n_events];
                events[r.n_events].type =
                    f->history[*at].deleted ? ETCD__EVENT__TYPE__DELETE : ETCD__EVENT__TYPE__PUT;
                list[r.n_events] = &events[r.n_events];
                r.n_events++;
        }
        r.events = list;
        answer(f, FAKE_NONE, &h);
        r.header = &h;
        etcd_pack(out, &r.base);
}

static void plain_message(struct fake *f, bool created, store_rev compact, struct buf *out)
{
        Etcd__WatchResponse r = ETCD__WATCH_RESPONSE__INIT;
        Etcd__ResponseHeader h = ETCD__RESPONSE_HEADER__INIT;

        answer(f, FAKE_NONE, &h);
        r.header = &h;
        r.created = created;
        r.canceled = compact > 0;
        r.compact_revision = compact;
        etcd_pack(out, &r.base);
}

/* The next message of a stream into out; false: there is none now. */
static bool stream_next(struct fake *f, store_rev start, size_t *at, bool *created, bool *asked,
                        struct buf *out)
{
        while (*at < f->n && f->history[*at].rev < start)
                (*at)++;
        if (f->silent)
                return false;
        if (!*created || *asked) {
                plain_message(f, !*created, !*created && start <= f->compacted ? f->compacted : 0, out);
                *created = true;
                *asked = false;
                return true;
        }
        if (*at < f->n && f->swallow) {
                store_rev rev = f->history[*at].rev;

                while (*at < f->n && f->history[*at].rev == rev)
                        (*at)++;
                f->swallow--;
        }
        if (*at == f->n)
                return false;
        event_message(f, at, out);
        return true;
}

static enum etcd_outcome fake_stream(void *self, const char *method, struct slice first, struct slice ask,
                                     const struct etcd_listener *listener, struct etcd_reply *reply)
{
        struct fake *f = self;
        Etcd__WatchRequest *q = etcd__watch_request__unpack(NULL, first.n, first.p);
        store_rev start = q->create->start_revision;
        size_t at = 0;
        bool created = false, asked = false, go_on = true;
        struct buf out = BUF_INIT;
        enum etcd_tick tick;

        (void)method;
        (void)ask;
        etcd__watch_request__free_unpacked(q, NULL);
        reply->words[0] = '\0';
        pthread_mutex_lock(&f->lock);
        f->streams++;
        pthread_mutex_unlock(&f->lock);
        for (unsigned sent = 0; go_on && (tick = listener->tick(listener->arg)) != ETCD_END;) {
                bool found, twice;

                pthread_mutex_lock(&f->lock);
                asked = asked || tick == ETCD_ASK;
                found = stream_next(f, start, &at, &created, &asked, &out);
                twice = f->doubled;
                go_on = !f->cut_after || sent < f->cut_after;
                pthread_mutex_unlock(&f->lock);
                if (found && go_on) {
                        sent++;
                        go_on = listener->message(listener->arg, buf_slice(&out)) &&
                                (!twice || listener->message(listener->arg, buf_slice(&out)));
                } else
                        nanosleep(&(struct timespec){ .tv_nsec = 1000000L }, NULL);
        }
        buf_clear(&out);
        return ETCD_LOST;
}

static enum etcd_outcome fake_ask(void *self, unsigned member, const char *method, struct slice request,
                                  int timeout_ms, struct etcd_reply *reply)
{
        (void)member;
        return fake_call(self, ETCD_LINE_READS, method, request, timeout_ms, reply);
}

static void fake_close(void *self)
{
        (void)self;
}

struct etcd_wire fake_wire(struct fake *f)
{
        return (struct etcd_wire){ f, fake_call, fake_stream, fake_close, fake_ask, 3 };
}
