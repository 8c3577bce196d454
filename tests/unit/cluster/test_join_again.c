/* Nodes that come again, and what is of no use a second time: removed nodes, emptied ones, old requests,
 * stores of another format or partition. */
#include "nodes.h"

static struct copy kept;

/* A node that an officer removed comes back only with a certificate that the operator issued since. */
static void a_removed_node_needs_a_new_certificate(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct node two, anew;
        struct vault *second;
        struct vault_cluster_metrics m;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RemoveNodeRequest in = CHSM__REMOVE_NODE_REQUEST__INIT;

        node_two(&two, h);
        assert_true(cluster_join(&two.join, &h->err));
        second = node_vault(&two);
        assert_true(vault_member_say(second, &h->err));
        assert_true(vault_member_end(second, &h->err));
        vault_close(&second);
        in.number = 2;
        r.remove_node = &in;
        r.body_case = CHSM__REQUEST__BODY_REMOVE_NODE;
        assert_int_equal(ask(&co, &r)->status, 0);
        two.waits = 0;
        node_refused(&two, ERR_LIFE_CYCLE, "is of a node that an officer removed (removeNode)");
        vault_cluster_metrics(h->vault, &m);
        assert_int_equal(m.joins, 1);
        assert_int_equal(m.joins_refused, 1);
        node_free(&two);
        /* Nor does its number go to another. */
        node_make(&anew, h, 2, identity_make(h, &node_operator, &node_operator, "hsm9", h->wall_ms));
        node_refused(&anew, ERR_LIFE_CYCLE, "number 2 is node 'hsm2'");
        node_free(&anew);
        node_two(&anew, h);
        h->err = ERR_INIT;
        if (!cluster_join(&anew.join, &h->err))
                fail_msg("%s", h->err.detail);
        second = node_vault(&anew);
        assert_true(vault_member_say(second, &h->err));
        assert_false(vault_removed(second));
        vault_close(&second);
        node_free(&anew);
}

static void an_older_program_stays_out(void **state)
{
        struct hsm *h = *state;
        struct node two;

        store_set(h, SLICE_LIT("p/format"), SLICE_LIT("2"));
        node_two(&two, h);
        node_refused(&two, ERR_CONFIG, "the store has format 2, and this software");
        assert_int_equal(two.waits, 0);
        node_free(&two);
}

static void keep_request(struct node *n)
{
        uint8_t key[JOIN_KEY_MAX];

        (void)store_value(n->hsm, join_key(2, 'q', key), &kept);
}

/* In the place of the one that waits, before node 1 sees it. */
static void replay_request(struct node *n)
{
        uint8_t key[JOIN_KEY_MAX];

        store_set(n->hsm, join_key(2, 'q', key), buf_slice(&kept.value));
        assert_true(cluster_answer(n->hsm->vault, &node_member.join, &n->hsm->err));
}

static void old_requests_let_nobody_in(void **state)
{
        struct hsm *h = *state;
        struct node two;
        struct store_op gone = { STORE_DELETE, SLICE_LIT("p/pmk/\0\0\0\2"), SLICE_EMPTY };
        struct store_result result;

        kept.value = BUF_INIT;
        node_two(&two, h);
        two.meddle = keep_request;
        two.answers = false;
        two.waits_max = 1;
        node_refused(&two, ERR_NONE, NULL);
        assert_true(kept.found);
        two.meddle = replay_request;
        two.waits = 0;
        two.waits_max = 20;
        node_refused(&two, ERR_CERT_INVALID, "to another request");
        /* What answers it is for a point whose key is gone. */
        two.meddle = NULL;
        two.answers = true;
        two.waits = 0;
        h->err = ERR_INIT;
        assert_true(cluster_join(&two.join, &h->err));
        assert_int_equal(store_txn(h->store, NULL, 0, &gone, 1, 5000, &result, &h->err), STORE_OK);
        node_free(&two);
        buf_clear(&kept.value);
}

/* A request made for one partition stands in the store of another one. */
static void requests_are_for_one_partition(void **state)
{
        struct hsm *h = *state, *other = hsm_ready();
        struct node there, two;
        struct vault_cluster_metrics m;
        uint8_t key[JOIN_KEY_MAX];

        kept.value = BUF_INIT;
        node_make(&there, other, 2,
                  identity_make(other, &node_operator, &node_operator, "hsm2", other->wall_ms));
        there.meddle = keep_request;
        there.answers = false;
        there.waits_max = 1;
        other->err = ERR_INIT;
        assert_false(cluster_join(&there.join, &other->err));
        assert_true(kept.found);
        store_set(h, join_key(2, 'q', key), buf_slice(&kept.value));
        assert_true(cluster_answer(h->vault, &node_member.join, &h->err));
        vault_cluster_metrics(h->vault, &m);
        assert_int_equal(m.joins_refused, 1);
        node_two(&two, h);
        assert_true(cluster_join(&two.join, &h->err));
        node_free(&two);
        node_free(&there);
        buf_clear(&kept.value);
        hsm_free(other);
}

static void an_emptied_node_joins_again(void **state)
{
        struct hsm *h = *state;
        struct node two, again;

        node_two(&two, h);
        assert_true(cluster_join(&two.join, &h->err));
        node_free(&two);
        node_two(&again, h); /* with another sealing key: its disk was lost */
        assert_true(cluster_join(&again.join, &h->err));
        assert_int_equal(again.waits, 1);
        node_free(&again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_removed_node_needs_a_new_certificate),
                TEST(an_older_program_stays_out),
                TEST(old_requests_let_nobody_in),
                TEST(requests_are_for_one_partition),
                TEST(an_emptied_node_joins_again),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
