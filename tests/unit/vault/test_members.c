/* What nodes of a cluster know of each other. The second node is a second vault over the same store, which
 * opens the master key with the same sealer. */
#include "hsm.h"
#include "crypto/mechanism.h"
#include "vault/cluster.h"
#include "vault/format.h"
#include "vault/members.h"
#include "vault/partition.h"

struct grab {
        struct buf value;
};

static bool grab_visit(void *arg, const struct store_event *e)
{
        struct grab *g = arg;

        buf_reset(&g->value);
        buf_put_slice(&g->value, e->value);
        return true;
}

static void store_put(struct hsm *h, struct slice key, struct slice value)
{
        struct store_op op = { STORE_PUT, key, value };
        struct store_result result;

        assert_int_equal(store_txn(h->store, NULL, 0, &op, 1, 5000, &result, &h->err), STORE_OK);
}

static struct vault *second_node(struct hsm *h)
{
        struct vault_deps deps = h->vault->deps;
        struct grab g = { .value = BUF_INIT };
        struct vault *v;
        store_rev at;

        assert_int_equal(store_load(h->store, SLICE_LIT("p/pmk/\0\0\0\1"), grab_visit, &g, &at, &h->err),
                         STORE_OK);
        store_put(h, SLICE_LIT("p/pmk/\0\0\0\2"), buf_slice(&g.value));
        buf_clear(&g.value);
        deps.config = (struct vault_config){ .node_name = "hsm2",
                                             .node_number = 2,
                                             .host = "10.0.0.2",
                                             .port = 2225,
                                             .zone = "east",
                                             .password_cost = { 64, 1 } };
        memset(deps.config.certificate, 0x22, sizeof(deps.config.certificate));
        v = vault_open(&deps, &h->err);
        if (!v)
                fail_msg("%s", h->err.detail);
        return v;
}

static void say(struct hsm *h, struct vault *v)
{
        if (!vault_member_say(v, &h->err))
                fail_msg("%s", h->err.detail);
}

static const Chsm__Response *hello(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__HelloRequest in = CHSM__HELLO_REQUEST__INIT;

        r.hello = &in;
        r.body_case = CHSM__REQUEST__BODY_HELLO;
        return ask(c, &r);
}

static const Chsm__ClusterInfoResponse *info(struct hsm *h)
{
        struct caller who = caller_new(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ClusterInfoRequest in = CHSM__CLUSTER_INFO_REQUEST__INIT;
        const Chsm__Response *answer;

        r.cluster_info = &in;
        r.body_case = CHSM__REQUEST__BODY_CLUSTER_INFO;
        answer = ask(&who, &r);
        assert_int_equal(answer->status, 0);
        return answer->cluster_info;
}

static void a_node_tells_of_the_others(void **state)
{
        struct hsm *h = *state;
        struct vault *two = second_node(h);
        const struct vault_load load = { 7, 1234, 350 };
        const Chsm__ClusterInfoResponse *r;

        vault_set_load(two, &load);
        say(h, two);
        r = info(h);
        assert_int_equal(r->n_nodes, 2);
        assert_int_equal(r->node, 1);
        assert_int_equal(r->nodes[0]->number, 1);
        assert_int_equal(r->nodes[0]->health, VAULT_SERVING);
        assert_true(r->nodes[0]->connected);
        assert_string_equal(r->nodes[1]->name, "hsm2");
        assert_string_equal(r->nodes[1]->host, "10.0.0.2");
        assert_string_equal(r->nodes[1]->zone, "east");
        assert_string_equal(r->nodes[1]->version, CHSM_VERSION);
        assert_int_equal(r->nodes[1]->port, 2225);
        assert_int_equal(r->nodes[1]->health, VAULT_SERVING);
        assert_int_equal(r->nodes[1]->in_flight, 7);
        assert_int_equal(r->nodes[1]->per_second, 1234);
        assert_int_equal(r->nodes[1]->cpu_permille, 350);
        assert_int_equal(r->nodes[1]->lag, 0);
        assert_true(r->nodes[1]->revision > 0);
        assert_false(r->nodes[1]->never_heard);
        /* What it said lies in the store; it says no more. */
        h->mono_more = VAULT_SILENT_MS + 1;
        r = info(h);
        assert_int_equal(r->nodes[1]->health, VAULT_SILENT);
        assert_false(r->nodes[1]->connected);
        assert_true(r->nodes[1]->heard_ms > VAULT_SILENT_MS);
        vault_close(&two);
}

static void a_node_of_the_past_is_not_connected(void **state)
{
        struct hsm *h = *state;
        struct vault *two = second_node(h);
        const Chsm__ClusterInfoResponse *r;

        say(h, two);
        vault_close(&two);
        hsm_restart(h);
        r = info(h);
        assert_int_equal(r->n_nodes, 2);
        assert_true(r->nodes[1]->never_heard);
        assert_false(r->nodes[1]->connected);
        assert_int_equal(r->nodes[1]->health, VAULT_SILENT);
        h->wall_ms++;
        two = second_node(h);
        say(h, two);
        r = info(h);
        assert_false(r->nodes[1]->never_heard);
        assert_int_equal(r->nodes[1]->health, VAULT_SERVING);
        vault_close(&two);
}

/* Who has just started hears of the others at once, not when they would speak again anyway. */
static void a_newcomer_is_answered(void **state)
{
        struct hsm *h = *state;
        struct vault *two;
        int64_t rev;

        say(h, h->vault);
        rev = atomic_load(&h->vault->revision);
        say(h, h->vault);
        assert_int_equal(atomic_load(&h->vault->revision), rev);
        h->wall_ms++;
        two = second_node(h);
        say(h, two);
        rev = atomic_load(&h->vault->revision);
        say(h, h->vault);
        assert_int_equal(atomic_load(&h->vault->revision), rev + 1);
        say(h, h->vault);
        assert_int_equal(atomic_load(&h->vault->revision), rev + 1);
        vault_close(&two);
}

static void the_store_is_told_of(void **state)
{
        struct hsm *h = *state;
        struct store_health health = {
                .engine = "etcd", .members = 3, .answering = 2, .changes_possible = true
        };
        const Chsm__ClusterInfoResponse *r;
        struct vault_cluster_metrics m;

        health.rev = atomic_load(&h->vault->revision) + VAULT_LAG_MOST + 1;
        vault_set_store_health(h->vault, &health);
        r = info(h);
        assert_string_equal(r->store, "etcd");
        assert_int_equal(r->store_members, 3);
        assert_int_equal(r->store_answering, 2);
        assert_true(r->changes_possible);
        assert_int_equal(r->store_revision, health.rev);
        assert_int_equal(r->nodes[0]->lag, VAULT_LAG_MOST + 1);
        assert_int_equal(r->nodes[0]->health, VAULT_BEHIND);
        vault_cluster_metrics(h->vault, &m);
        assert_int_equal(m.lag, VAULT_LAG_MOST + 1);
        assert_int_equal(m.health, VAULT_BEHIND);
        assert_int_equal(m.nodes, 1);
        assert_int_equal(m.nodes_connected, 1);
        assert_int_equal(m.cut_off_ms, 0);
        assert_string_equal(vault_health_name(VAULT_CUT_OFF), "cut off");
        assert_string_equal(vault_health_name((enum vault_health)99), "unknown");
}

static void put_record(struct hsm *h, uint8_t version, size_t tail)
{
        struct buf body = BUF_INIT, value = BUF_INIT;
        struct slice key = SLICE_LIT("n/\0\0\0\3");

        buf_put_u8(&body, version);
        buf_put_block(&body, SLICE_LIT("hsm3"));
        buf_put_block(&body, SLICE_LIT("10.0.0.3"));
        buf_put_block(&body, SLICE_LIT("9.9.9"));
        buf_put_u16(&body, 2225);
        for (int i = 0; i < 3; i++)
                buf_put_u64(&body, 77);
        if (version > 1) {
                buf_put_block(&body, SLICE_LIT("west"));
                buf_put_u8(&body, VAULT_SERVING);
                buf_put_u64(&body, 5);
                for (int i = 0; i < 3; i++)
                        buf_put_u32(&body, 1);
                for (int i = 0; i < 32; i++)
                        buf_put_u8(&body, 0);
        }
        while (tail--)
                buf_put_u8(&body, 0xaa);
        assert_true(vault_record_write(h->vault, key, buf_slice(&body), &value));
        store_put(h, key, buf_slice(&value));
        buf_clear(&body);
        buf_clear(&value);
}

/* While nodes are upgraded one by one, older ones read what newer ones say, and the other way round. */
static void records_of_other_versions_are_read(void **state)
{
        struct hsm *h = *state;
        const Chsm__ClusterInfoResponse *r;

        put_record(h, 9, 40);
        r = info(h);
        assert_int_equal(r->n_nodes, 2);
        assert_string_equal(r->nodes[1]->version, "9.9.9");
        assert_string_equal(r->nodes[1]->zone, "west");
        assert_int_equal(r->nodes[1]->lag, 5);
        put_record(h, 1, 0);
        r = info(h);
        assert_string_equal(r->nodes[1]->zone, "");
        assert_int_equal(r->nodes[1]->health, VAULT_SERVING);
        /* But bytes that this version does not have are no record of it. */
        put_record(h, 2, 1);
        assert_true(atomic_load(&h->vault->failed));
}

/* ---- draining ---- */

static uint32_t draining(struct hsm *h, struct caller *c)
{
        struct named key;
        uint32_t rv = make_aes(c, false, NULL, &key);

        if (rv)
                assert_non_null(strstr(h->detail, "being drained"));
        return rv;
}

static void a_draining_node_takes_nothing_new(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct vault *two;

        vault_drain(h->vault);
        assert_int_equal(info(h)->nodes[0]->health, VAULT_DRAINING);
        /* There is nobody else. */
        assert_int_equal(draining(h, &cu), 0);
        two = second_node(h);
        say(h, two);
        assert_int_equal(draining(h, &cu), CKR_DEVICE_ERROR);
        assert_int_equal(hello(&cu)->status, 0);
        /* It tells the others at once; to them it is connected, but not one to take work. */
        say(h, h->vault);
        vault_drain(two);
        assert_int_equal(draining(h, &cu), CKR_DEVICE_ERROR);
        say(h, two);
        assert_int_equal(draining(h, &cu), 0);
        vault_close(&two);
}

static const Chsm__Response *stream(struct caller *c, uint64_t *id, bool last)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest open = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__StreamPartRequest part = CHSM__STREAM_PART_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        static uint64_t sequence;
        const Chsm__Response *answer;

        if (*id == 0) {
                m.number = CKM_SHA256;
                open.mechanism = &m;
                open.operation = CRYPTO_DIGEST;
                r.stream_open = &open;
                r.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
        } else {
                part.stream = *id;
                part.sequence = sequence++;
                part.data = (ProtobufCBinaryData){ 3, (uint8_t *)(uintptr_t) "abc" };
                part.last = last;
                r.stream_part = &part;
                r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        }
        answer = ask(c, &r);
        if (*id == 0 && answer->status == 0) {
                *id = answer->stream_open->stream;
                sequence = 0;
        }
        return answer;
}

static void it_finishes_what_only_it_has(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct vault *two = second_node(h);
        uint64_t id = 0, another = 0;

        say(h, two);
        assert_true(vault_drained(h->vault));
        assert_int_equal(stream(&cu, &id, false)->status, 0);
        vault_drain(h->vault);
        assert_false(vault_drained(h->vault));
        assert_int_equal(stream(&cu, &id, false)->status, 0);
        assert_int_equal(stream(&cu, &another, false)->status, CKR_DEVICE_ERROR);
        assert_false(vault_drained(h->vault));
        assert_int_equal(stream(&cu, &id, true)->status, 0);
        assert_true(vault_drained(h->vault));
        vault_close(&two);
}

/* ---- removing ---- */

static const Chsm__Response *remove_node(struct caller *c, uint32_t number)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RemoveNodeRequest in = CHSM__REMOVE_NODE_REQUEST__INIT;

        in.number = number;
        r.remove_node = &in;
        r.body_case = CHSM__REQUEST__BODY_REMOVE_NODE;
        return ask(c, &r);
}

static void refused(struct caller *co, uint32_t number, enum err_id reason, const char *words)
{
        const Chsm__Response *r = remove_node(co, number);

        assert_int_equal(r->reason, reason);
        if (!strstr(r->detail, words))
                fail_msg("%s", r->detail);
}

static bool is_there(struct hsm *h, struct slice key)
{
        struct grab g = { .value = BUF_INIT };
        store_rev at;
        bool there;

        assert_int_equal(store_load(h->store, key, grab_visit, &g, &at, &h->err), STORE_OK);
        there = g.value.n > 0;
        buf_clear(&g.value);
        return there;
}

static void only_a_node_that_has_ended_is_removed(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu1");
        struct vault *two = second_node(h);
        struct err err = ERR_INIT;

        say(h, two);
        assert_int_equal(remove_node(&cu, 2)->reason, ERR_ROLE);
        refused(&co, 7, ERR_ARGUMENT, "has no node 7");
        refused(&co, 1, ERR_LIFE_CYCLE, "cannot take itself out");
        refused(&co, 2, ERR_LIFE_CYCLE, "node 'hsm2' is serving");
        vault_drain(two);
        say(h, two);
        refused(&co, 2, ERR_LIFE_CYCLE, "node 'hsm2' is draining");
        assert_true(vault_member_end(two, &err));
        vault_close(&two);
        assert_int_equal(info(h)->nodes[1]->health, VAULT_ENDED);
        assert_false(info(h)->nodes[1]->connected);
        assert_true(is_there(h, SLICE_LIT("p/pmk/\0\0\0\2")));
        assert_int_equal(remove_node(&co, 2)->status, 0);
        assert_int_equal(info(h)->n_nodes, 1);
        assert_false(is_there(h, SLICE_LIT("p/pmk/\0\0\0\2")));
        assert_true(is_there(h, SLICE_LIT("z/\x22\x22\x22\x22")));
        refused(&co, 2, ERR_ARGUMENT, "has no node 2");
        /* Its number stays its name's. */
        assert_true(vault_member_may_be(h->vault, 2, "hsm2", &err));
        assert_false(vault_member_may_be(h->vault, 2, "hsm7", &err));
        assert_false(vault_member_may_be(h->vault, 7, "hsm2", &err));
        assert_true(vault_member_may_be(h->vault, 7, "hsm7", &err));
}

static void who_was_never_heard_may_be_there(void **state)
{
        struct hsm *h = *state;
        struct vault *two = second_node(h);
        struct caller co;

        say(h, two);
        vault_close(&two);
        hsm_restart(h);
        co = caller_co(h);
        refused(&co, 2, ERR_RETRY, "has only just started to listen");
        h->mono_more = VAULT_SILENT_MS;
        assert_int_equal(remove_node(&co, 2)->status, 0);
}

/* It was cut off, or its host slept: it finds itself removed. */
static void a_removed_node_that_lives_serves_no_more(void **state)
{
        struct hsm *h = *state;
        struct vault *two = second_node(h), *one = h->vault;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu1");
        struct named key;
        int64_t rev;

        say(h, two);
        h->mono_more = VAULT_SILENT_MS + 1;
        assert_false(vault_removed(two));
        assert_int_equal(remove_node(&co, 2)->status, 0);
        assert_true(vault_removed(two));
        assert_false(vault_removed(one));
        rev = atomic_load(&one->revision);
        h->vault = two;
        assert_int_equal(make_aes(&cu, false, NULL, &key), CKR_DEVICE_ERROR);
        assert_non_null(strstr(h->detail, "was removed from the partition"));
        assert_int_equal(hello(&cu)->status, 0);
        h->vault = one;
        say(h, two);
        assert_int_equal(atomic_load(&one->revision), rev);
        assert_int_equal(info(h)->n_nodes, 1);
        vault_close(&two);
}

/* ---- formats ---- */

static void a_store_of_another_format_is_kept_away_from(void **state)
{
        struct hsm *h = *state;
        struct err err = ERR_INIT;
        struct caller cu = caller_cu(h, "cu1");
        struct vault_cluster_metrics m;
        struct named key;

        assert_true(vault_format_known(SLICE_LIT("1"), &err));
        assert_false(vault_format_known(SLICE_LIT("2"), &err));
        assert_int_equal(err.id, ERR_CONFIG);
        assert_non_null(strstr(err.detail, "at least the version that the other nodes run"));
        assert_false(vault_format_known(SLICE_LIT("one"), &err));
        assert_int_equal(err.id, ERR_STORE_DAMAGED);
        assert_false(vault_format_known(SLICE_EMPTY, &err));
        store_put(h, SLICE_LIT(VAULT_FORMAT_KEY), SLICE_LIT("1"));
        assert_int_equal(make_aes(&cu, false, NULL, &key), 0);
        /* Someone upgraded the store under a node that was left running. */
        store_put(h, SLICE_LIT(VAULT_FORMAT_KEY), SLICE_LIT("2"));
        assert_int_equal(make_aes(&cu, false, NULL, &key), CKR_DEVICE_ERROR);
        vault_cluster_metrics(h->vault, &m);
        assert_int_equal(m.health, VAULT_OUT_OF_SERVICE);
}

static int setup(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int teardown(void **state)
{
        hsm_free(*state);
        return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_node_tells_of_the_others),
                TEST(a_node_of_the_past_is_not_connected),
                TEST(a_newcomer_is_answered),
                TEST(the_store_is_told_of),
                TEST(records_of_other_versions_are_read),
                TEST(a_draining_node_takes_nothing_new),
                TEST(it_finishes_what_only_it_has),
                TEST(only_a_node_that_has_ended_is_removed),
                TEST(who_was_never_heard_may_be_there),
                TEST(a_removed_node_that_lives_serves_no_more),
                TEST(a_store_of_another_format_is_kept_away_from),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
