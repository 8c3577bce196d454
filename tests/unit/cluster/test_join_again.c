/* Nodes that come again, and what is of no use a second time: removed nodes, emptied ones, old requests,
 * stores of another format or partition. */
#include "../vault/late.h"
#include "nodes.h"

#include <openssl/ec.h>
#include <openssl/x509.h>

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

/* The other form of the issuer's ECDSA signature (n - s), which anybody can make and which verifies. */
static void twist(struct buf *der)
{
        const uint8_t *p = der->p;
        X509 *cert = d2i_X509(NULL, &p, (long)der->n);
        EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
        const ASN1_BIT_STRING *is;
        ECDSA_SIG *old, *other = ECDSA_SIG_new();
        BIGNUM *s = BN_new();
        uint8_t *bytes = NULL;
        int n;

        assert_true(cert && group && other && s);
        X509_get0_signature(&is, NULL, cert);
        p = is->data;
        old = d2i_ECDSA_SIG(NULL, &p, is->length);
        assert_non_null(old);
        assert_int_equal(BN_sub(s, EC_GROUP_get0_order(group), ECDSA_SIG_get0_s(old)), 1);
        assert_int_equal(ECDSA_SIG_set0(other, BN_dup(ECDSA_SIG_get0_r(old)), s), 1);
        n = i2d_ECDSA_SIG(other, &bytes);
        assert_int_equal(ASN1_STRING_set((ASN1_BIT_STRING *)(uintptr_t)is, bytes, n), 1);
        OPENSSL_free(bytes);
        bytes = NULL;
        n = i2d_X509(cert, &bytes);
        assert_true(n > 0);
        buf_reset(der);
        buf_put(der, bytes, (size_t)n);
        OPENSSL_free(bytes);
        ECDSA_SIG_free(old);
        ECDSA_SIG_free(other);
        EC_GROUP_free(group);
        X509_free(cert);
}

static struct crypto_identity *identity_of(struct hsm *h, struct crypto_key *key, const struct buf *der)
{
        struct buf pem = BUF_INIT;
        struct sec *private_pem = crypto_key_private_pem(key, &h->err);
        struct crypto_identity *id;

        assert_true(crypto_cert_pem(h->crypto, buf_slice(der), &pem, &h->err));
        id = crypto_identity_open(h->crypto, buf_slice(&pem), sec_slice(private_pem),
                                  buf_slice(&node_operator.pem), h->wall_ms, &h->err);
        if (!id)
                fail_msg("%s", h->err.detail);
        sec_free(&private_pem);
        buf_clear(&pem);
        return id;
}

/* A node that was removed cannot make a new certificate of its old one. */
static void a_removed_certificate_has_no_second_form(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct crypto_cert_name name = { .cn = "hsm2" };
        struct crypto_key_spec spec = { .key_type = CKK_EC, .curve = slice_of(hsm_p256, 10) };
        struct crypto_key *key, *pub;
        struct buf der = BUF_INIT;
        struct node two;
        struct vault *second;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RemoveNodeRequest in = CHSM__REMOVE_NODE_REQUEST__INIT;

        assert_true(crypto_key_pair_generate(h->crypto, &spec, &key, &pub, &h->err));
        assert_true(crypto_cert_issue(h->crypto, key, &name, node_operator.key, buf_slice(&node_operator.der),
                                      false, 30, h->wall_ms, &der, &h->err));
        node_make(&two, h, 2, identity_of(h, key, &der));
        assert_true(cluster_join(&two.join, &h->err));
        second = node_vault(&two);
        assert_true(vault_member_say(second, &h->err));
        assert_true(vault_member_end(second, &h->err));
        vault_close(&second);
        node_free(&two);
        in.number = 2;
        r.remove_node = &in;
        r.body_case = CHSM__REQUEST__BODY_REMOVE_NODE;
        assert_int_equal(ask(&co, &r)->status, 0);
        twist(&der);
        node_make(&two, h, 2, identity_of(h, key, &der));
        node_refused(&two, ERR_LIFE_CYCLE, "is of a node that an officer removed (removeNode)");
        node_free(&two);
        buf_clear(&der);
        crypto_key_unref(&key);
        crypto_key_unref(&pub);
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

static struct hsm *behind;

static void answer_from_behind(struct node *n)
{
        assert_true(cluster_answer(behind->vault, &node_member.join, &n->hsm->err));
}

/* The officer's policy is in force when it is in the store, not when each node has heard of it. */
static void a_node_that_is_behind_lets_nobody_in(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct copy sealed = { .value = BUF_INIT };
        struct late *news;
        struct node three;

        behind = late_node(h, &news);
        late_hold(news);
        assert_int_equal(caller_set_policy(&co, "join_requires_owner", "1"), 0);
        node_make(&three, h, 3, identity_make(h, &node_operator, &node_operator, "hsm3", h->wall_ms));
        three.answers = false;
        three.meddle = answer_from_behind;
        assert_false(cluster_join(&three.join, &h->err));
        assert_int_equal(h->err.id, ERR_NONE); /* it waited as long as it wanted */
        assert_false(store_value(h, SLICE_LIT("p/pmk/\0\0\0\3"), &sealed));
        late_let_go(news);
        three.waits = 0;
        assert_false(cluster_join(&three.join, &h->err));
        assert_int_equal(h->err.id, ERR_LIFE_CYCLE);
        assert_non_null(strstr(h->err.detail, "join_requires_owner"));
        buf_clear(&sealed.value);
        node_free(&three);
        late_free(behind);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_removed_node_needs_a_new_certificate),
                TEST(a_removed_certificate_has_no_second_form),
                TEST(an_older_program_stays_out),
                TEST(old_requests_let_nobody_in),
                TEST(requests_are_for_one_partition),
                TEST(an_emptied_node_joins_again),
                TEST(a_node_that_is_behind_lets_nobody_in),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
