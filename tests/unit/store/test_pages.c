/* Reading many keys from a member that walks all of a range for each page of it, as etcd does. */
#include "test.h"
#include "store/etcd.h"

#define KEYS_MAX 40000
#define KEY_SIZE 12
#define VALUE    600

struct member {
        struct etcd e;
        uint8_t keys[KEYS_MAX][KEY_SIZE]; /* ascending */
        size_t n;
        _Atomic size_t calls, walked, sent;
        size_t fails_at;      /* the call that is refused; 0: none */
        size_t forges_at;     /* the call whose answer is not what was asked for; 0: none */
        const char *forgery;  /* "again", "turned", "beyond" */
        size_t told, stop_at; /* by the visitor */
        bool wrong;
};

static struct slice key_of(const struct member *m, size_t i)
{
        return slice_of(m->keys[i], KEY_SIZE);
}

static int by_bytes(const void *a, const void *b)
{
        return memcmp(a, b, KEY_SIZE);
}

static size_t first_from(const struct member *m, ProtobufCBinaryData at)
{
        size_t i = 0;

        while (i < m->n && slice_compare(key_of(m, i), slice_of(at.data, at.len)) < 0)
                i++;
        return i;
}

static void answer(struct member *m, const Etcd__RangeRequest *q, size_t call, struct buf *out)
{
        static const uint8_t value[VALUE];
        Etcd__RangeResponse r = ETCD__RANGE_RESPONSE__INIT;
        Etcd__ResponseHeader h = ETCD__RESPONSE_HEADER__INIT;
        size_t from = first_from(m, q->key), to = first_from(m, q->range_end);
        size_t n = to - from < (size_t)q->limit ? to - from : (size_t)q->limit;
        Etcd__KeyValue *kvs = calloc(n + 1, sizeof(*kvs)), **list = calloc(n + 1, sizeof(*list));
        bool forged = call == m->forges_at;

        if (forged && strcmp(m->forgery, "again") == 0)
                from = 0;
        if (forged && strcmp(m->forgery, "beyond") == 0)
                from = m->n - n;
        for (size_t i = 0; i < n; i++) {
                struct slice key = key_of(m, from + i);

                etcd__key_value__init(&kvs[i]);
                kvs[i].key = etcd_bytes(key);
                kvs[i].value = (ProtobufCBinaryData){ VALUE, (uint8_t *)(uintptr_t)value };
                kvs[i].mod_revision = 7;
                list[forged && strcmp(m->forgery, "turned") == 0 ? n - 1 - i : i] = &kvs[i];
        }
        h.cluster_id = 1;
        h.revision = q->revision ? q->revision + 5 : 7;
        r.header = &h;
        r.n_kvs = n;
        r.kvs = list;
        r.more = n < to - from;
        atomic_fetch_add(&m->walked, to - from);
        atomic_fetch_add(&m->sent, n);
        etcd_pack(out, &r.base);
        free(kvs);
        free(list);
}

static enum etcd_outcome member_call(void *self, unsigned line, const char *method, struct slice request,
                                     int timeout_ms, struct etcd_reply *reply)
{
        struct member *m = self;
        size_t call = atomic_fetch_add(&m->calls, 1) + 1;
        Etcd__RangeRequest *q = etcd__range_request__unpack(NULL, request.n, request.p);

        assert_non_null(q);
        assert_string_equal(method, "/etcdserverpb.KV/Range");
        assert_int_equal(line, ETCD_LINE_READS);
        assert_true(timeout_ms > 0);
        /* After the first page, all is read as it was then. */
        assert_int_equal(q->revision, call == 1 ? 0 : 7);
        if (call == m->fails_at)
                strcpy(reply->words, "required revision has been compacted");
        else
                answer(m, q, call, &reply->message);
        etcd__range_request__free_unpacked(q, NULL);
        return call == m->fails_at ? ETCD_REFUSED : ETCD_ANSWERED;
}

static bool visit(void *arg, const struct store_event *e)
{
        struct member *m = arg;

        m->wrong = m->wrong || m->told >= m->n || e->rev != 7 || e->deleted || e->value.n != VALUE ||
                   !slice_equal(e->key, slice_of(m->keys[m->told] + 2, KEY_SIZE - 2));
        m->told++;
        return m->told != m->stop_at;
}

static enum store_rc read_all(struct member *m, store_rev *at, struct err *err)
{
        return etcd_pages_read(&m->e, SLICE_LIT("o/"), SLICE_LIT("o0"), 2, visit, m, at, err);
}

static struct member *member_make(void)
{
        struct member *m = calloc(1, sizeof(*m));

        assert_non_null(m);
        m->e.wire.self = m;
        m->e.wire.call = member_call;
        pthread_mutex_init(&m->e.lock, NULL);
        pthread_mutex_init(&m->e.reads_lock, NULL);
        return m;
}

static void member_free(struct member *m)
{
        buf_clear(&m->e.reads.message);
        buf_clear(&m->e.reads_request);
        pthread_mutex_destroy(&m->e.lock);
        pthread_mutex_destroy(&m->e.reads_lock);
        free(m);
}

/* Handles, as nodes give them: from a block of each of three nodes. */
static void fill_handles(struct member *m, size_t n)
{
        for (m->n = 0; m->n < n; m->n++) {
                uint32_t handle = (uint32_t)(m->n % 3 + 1) << 18 | (uint32_t)(m->n / 3);
                uint8_t *key = m->keys[m->n];

                memcpy(key, "o/", 2);
                for (int i = 0; i < 4; i++)
                        key[2 + i] = (uint8_t)(handle >> (24 - 8 * i));
        }
        qsort(m->keys, m->n, KEY_SIZE, by_bytes);
}

static void fill_random(struct member *m, size_t n)
{
        unsigned seed = 4711;

        for (m->n = 0; m->n < n; m->n++) {
                memcpy(m->keys[m->n], "o/", 2);
                for (size_t i = 2; i < KEY_SIZE; i++)
                        m->keys[m->n][i] = (uint8_t)(rand_r(&seed) >> 8);
        }
        qsort(m->keys, m->n, KEY_SIZE, by_bytes);
}

/* One here and there, then thousands beside each other, and so on. */
static void fill_uneven(struct member *m, size_t n)
{
        unsigned seed = 815;
        uint64_t at = 1;

        for (m->n = 0; m->n < n; m->n++) {
                uint8_t *key = m->keys[m->n];

                at += m->n / 3000 % 2 ? 1 : (uint64_t)rand_r(&seed) << 16;
                memcpy(key, "o/\xff\xff", 4);
                for (int i = 0; i < 8; i++)
                        key[4 + i] = (uint8_t)(at >> (56 - 8 * i));
        }
}

static void all_are_read_once_and_hardly_walked_twice(void **state)
{
        static void (*const fills[])(struct member *, size_t) = { fill_handles, fill_random, fill_uneven };
        static const size_t sizes[] = { 0, 1, 199, 200, 201, 3000, 40000 };

        (void)state;
        for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
                for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
                        struct member *m = member_make();
                        struct err err = ERR_INIT;
                        store_rev at = 0;

                        fills[i](m, sizes[k]);
                        if (read_all(m, &at, &err) != STORE_OK)
                                fail_msg("%s", err.detail);
                        assert_int_equal(at, 7);
                        assert_int_equal(m->told, sizes[k]);
                        assert_false(m->wrong);
                        assert_int_equal(m->sent, sizes[k]);
                        /* The first page, and each gap between stretches of keys, may cost a walk over all
                         * that is left; every page did. */
                        assert_true(m->walked <= (i == 2 ? 12 : 5) * sizes[k]);
                        assert_true(m->calls <= 3 + sizes[k] / 500);
                        member_free(m);
                }
        }
}

static void what_was_not_asked_for_ends_it(void **state)
{
        static const char *const forgeries[] = { "again", "turned", "beyond" };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                for (size_t call = 1; call <= 4; call++) {
                        struct member *m = member_make();
                        struct err err = ERR_INIT;
                        store_rev at = 0;

                        fill_random(m, 20000);
                        m->forges_at = call;
                        m->forgery = forgeries[i];
                        /* Of a first page the first keys are right, and the last ones just leave some out. */
                        if (call > 1 || i == 1) {
                                assert_int_equal(read_all(m, &at, &err), STORE_IO);
                                assert_string_equal(err.detail, "a page of etcd's keys is malformed");
                                assert_int_equal(m->calls, call);
                                assert_true(m->told < m->n);
                        }
                        assert_false(m->wrong);
                        member_free(m);
                }
        }
}

static void history_that_goes_meanwhile_is_told(void **state)
{
        (void)state;
        for (size_t call = 1; call <= 6; call++) {
                struct member *m = member_make();
                struct err err = ERR_INIT;
                store_rev at = 0;

                fill_random(m, 20000);
                m->fails_at = call;
                assert_int_equal(read_all(m, &at, &err), STORE_COMPACTED);
                assert_int_equal(err.id, ERR_STORE);
                assert_int_equal(m->told, m->sent); /* what came before was visited */
                assert_false(m->wrong);
                member_free(m);
        }
}

static void whoever_has_enough_is_not_told_more(void **state)
{
        static const size_t stops[] = { 1, 200, 201, 3500, 19999, 20000 };

        (void)state;
        for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
                struct member *m = member_make();
                struct err err = ERR_INIT;
                store_rev at = 0;

                fill_handles(m, 20000);
                m->stop_at = stops[i];
                m->fails_at = i == 0 ? 2 : 0; /* and does not hear of what went wrong later */
                assert_int_equal(read_all(m, &at, &err), STORE_OK);
                assert_int_equal(m->told, stops[i]);
                assert_int_equal(err.id, ERR_NONE);
                member_free(m);
        }
}

static void a_page_ends_where_keys_that_go_on_fill_it(void **state)
{
        struct buf out = BUF_INIT;

        (void)state;
        assert_true(etcd_page_reach(SLICE_LIT("o/\x10"), SLICE_LIT("o/\x20"), 17, 32, &out));
        /* One key each 1/256th and a little more, as the step is rounded up. */
        assert_int_equal(out.n, 2 + 8);
        assert_memory_equal(out.p, "o/\x40\0\0\0\0\0\0\x20", 10);
        /* Of one key, of the same, and past the last that begins like them, nothing can be said. */
        assert_false(etcd_page_reach(SLICE_LIT("o/\x10"), SLICE_LIT("o/\x10"), 1, 32, &out));
        assert_false(etcd_page_reach(SLICE_LIT("o/\x10"), SLICE_LIT("o/\x10\0"), 2, 32, &out));
        assert_false(etcd_page_reach(SLICE_LIT("o/\x10"), SLICE_LIT("o/\xf0"), 225, 16, &out));
        assert_true(etcd_page_reach(SLICE_LIT("o/\x10"), SLICE_LIT("o/\xe0"), 209, 16, &out));
        assert_false(etcd_page_reach(SLICE_LIT("a"), SLICE_LIT("b"), 2, SIZE_MAX, &out));
        buf_clear(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_are_read_once_and_hardly_walked_twice),
                cmocka_unit_test(what_was_not_asked_for_ends_it),
                cmocka_unit_test(history_that_goes_meanwhile_is_told),
                cmocka_unit_test(whoever_has_enough_is_not_told_more),
                cmocka_unit_test(a_page_ends_where_keys_that_go_on_fill_it),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
