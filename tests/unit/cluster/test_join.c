/* Nodes that join a partition through its store, and everything that must keep one out. Node 1 is the HSM of
 * the vault's tests; the others have a sealing key and an identity of their own. */
#include "nodes.h"
#include "crypto/cert.h"
#include "crypto/mechanism.h"

#include <fcntl.h>
#include <sys/stat.h>

static void a_node_joins_and_is_the_same_hsm(void **state)
{
        struct hsm *h = *state;
        struct node two;
        struct vault *first = h->vault, *second;
        struct caller cu = caller_cu(h, "cu1");
        struct named key, other;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ListUsersRequest in = CHSM__LIST_USERS_REQUEST__INIT;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        node_two(&two, h);
        if (!cluster_join(&two.join, &h->err))
                fail_msg("%s", h->err.detail);
        assert_int_equal(two.waits, 1);
        second = node_vault(&two);
        h->vault = second;
        r.list_users = &in;
        r.body_case = CHSM__REQUEST__BODY_LIST_USERS;
        assert_int_equal(ask(&cu, &r)->list_users->n_users, 4); /* admin, app_user, cu1, cu2 */
        /* The ticket of node 1 is good here, and so is its key; what is made here is there. */
        assert_int_equal(destroy(&cu, &key), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &other), 0);
        assert_int_equal(other.ref.handle >> 18, 2);
        h->vault = first;
        assert_int_equal(destroy(&cu, &key), CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(destroy(&cu, &other), 0);
        vault_close(&second);
        /* It is there already now: nothing is asked for any more. */
        two.waits = 0;
        assert_true(cluster_join(&two.join, &h->err));
        assert_int_equal(two.waits, 0);
        node_free(&two);
}

struct leak {
        struct slice secret;
        bool found;
};

static bool leak_visit(void *arg, const struct store_event *e)
{
        struct leak *l = arg;

        l->found = l->found || (e->value.n && memmem(e->value.p, e->value.n, l->secret.p, l->secret.n));
        return true;
}

static void see_the_messages(struct node *n)
{
        struct copy sealed = { .value = BUF_INIT };
        uint8_t key[JOIN_KEY_MAX];

        assert_true(store_value(n->hsm, join_key(2, 'q', key), &sealed));
        if (n->answers)
                assert_true(store_value(n->hsm, join_key(2, 'a', key), &sealed));
        buf_clear(&sealed.value);
}

static void the_store_never_sees_the_key(void **state)
{
        struct hsm *h = *state;
        struct node two;
        struct copy sealed = { .value = BUF_INIT };
        struct leak leak = { .found = false };
        struct sec *pmk;
        store_rev at;
        uint8_t key[JOIN_KEY_MAX];

        node_two(&two, h);
        two.meddle = see_the_messages;
        assert_true(cluster_join(&two.join, &h->err));
        assert_true(store_value(h, SLICE_LIT("p/pmk/\0\0\0\2"), &sealed));
        pmk = node_open_sealed(&two, buf_slice(&sealed.value), &h->err);
        assert_non_null(pmk);
        leak.secret = sec_slice(pmk);
        assert_int_equal(store_load(h->store, SLICE_EMPTY, leak_visit, &leak, &at, &h->err), STORE_OK);
        assert_false(leak.found);
        /* The messages are gone. */
        assert_false(store_value(h, join_key(2, 'q', key), &sealed));
        assert_false(store_value(h, join_key(2, 'a', key), &sealed));
        sec_free(&pmk);
        buf_clear(&sealed.value);
        node_free(&two);
}

static void strangers_stay_out(void **state)
{
        struct hsm *h = *state;
        struct operator other;
        struct node two;

        operator_make(h, &other);
        /* Of another operator: it believes the cluster as little as the cluster believes it. */
        node_make(&two, h, 2, identity_make(h, &other, &other, "hsm2", h->wall_ms));
        node_refused(&two, ERR_LIFE_CYCLE, "not of this cluster's operator");
        node_free(&two);
        /* Its certificate has ended since. */
        node_make(&two, h, 2, identity_make(h, &node_operator, &node_operator, "hsm2", h->wall_ms));
        h->wall_ms += INT64_C(40) * 24 * 3600 * 1000;
        node_refused(&two, ERR_LIFE_CYCLE, "not in its time");
        h->wall_ms -= INT64_C(40) * 24 * 3600 * 1000;
        node_free(&two);
        /* Someone else's name, or a second number. */
        node_make(&two, h, 2, identity_make(h, &node_operator, &node_operator, "hsm1", h->wall_ms));
        node_refused(&two, ERR_LIFE_CYCLE, "node 'hsm1' has number 1");
        node_free(&two);
        node_make(&two, h, 2, NULL);
        node_refused(&two, ERR_CONFIG, "node_certificate");
        node_free(&two);
        node_make(&two, h, 99, identity_make(h, &node_operator, &node_operator, "hsm99", h->wall_ms));
        node_refused(&two, ERR_LIFE_CYCLE, "node numbers are 1 to 63");
        node_free(&two);
        /* A name that would write lines of its own into what the owner signs. */
        assert_null(identity_make(h, &node_operator, &node_operator, "hsm2\nPartition: 00", h->wall_ms));
        assert_int_equal(h->err.id, ERR_CERT_INVALID);
        h->err = ERR_INIT;
        operator_free(&other);
}

static void another_partition_than_expected(void **state)
{
        struct hsm *h = *state;
        struct node two;

        node_two(&two, h);
        two.join.owner = buf_slice(&node_operator.der);
        node_refused(&two, ERR_CERT_INVALID, "another owner");
        two.join.owner = buf_slice(&h->owner);
        two.waits = 0;
        h->err = ERR_INIT;
        assert_true(cluster_join(&two.join, &h->err));
        node_free(&two);
}

static void the_owner_may_have_to_agree(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct node two;
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_SHA256_RSA_PKCS);
        const struct ck_mech_param none = { .present = false };
        char path[200];
        uint8_t text[1024], signature[256];
        size_t n = sizeof(signature);
        ssize_t length;
        int fd;

        assert_int_equal(caller_set_policy(&co, "join_requires_owner", "1"), 0);
        node_two(&two, h);
        node_refused(&two, ERR_LIFE_CYCLE, "join_requires_owner");
        snprintf(path, sizeof(path), "%s/join-permit.txt", h->folder);
        fd = open(path, O_RDONLY);
        length = read(fd, text, sizeof(text));
        assert_true(length > 0);
        close(fd);
        assert_true(crypto_sign(h->crypto, m, &none, h->owner_key, slice_of(text, (size_t)length), signature,
                                &n, &h->err));
        snprintf(path, sizeof(path), "%s/join-permit.sig", h->folder);
        fd = open(path, O_WRONLY | O_CREAT, 0600);
        assert_int_equal(write(fd, signature, n), n);
        close(fd);
        two.waits = 0;
        h->err = ERR_INIT;
        if (!cluster_join(&two.join, &h->err))
                fail_msg("%s", h->err.detail);
        node_free(&two);
        /* The permit is for that node with that certificate. */
        node_make(&two, h, 3, identity_make(h, &node_operator, &node_operator, "hsm3", h->wall_ms));
        h->err = ERR_INIT;
        assert_false(cluster_join(&two.join, &h->err));
        assert_int_equal(h->err.id, ERR_LIFE_CYCLE);
        node_free(&two);
}

static void nothing_happens_before_activation(void **state)
{
        struct hsm *h = hsm_new();
        struct node two;

        (void)state;
        node_two(&two, h);
        two.waits_max = 3;
        node_refused(&two, ERR_NONE, NULL);
        assert_string_equal(two.told, "an activated node to let this one in");
        node_free(&two);
        hsm_free(h);
}

static void spoil(struct node *n, char which)
{
        struct copy message = { .value = BUF_INIT };
        uint8_t key[JOIN_KEY_MAX];

        if (!store_value(n->hsm, join_key(2, which, key), &message) || n->waits > 0)
                return;
        n->at = n->at < message.value.n ? n->at : message.value.n - 1;
        message.value.p[n->at] ^= 1;
        store_set(n->hsm, join_key(2, which, key), buf_slice(&message.value));
        n->waits_max = n->at + 1 < message.value.n ? n->waits_max : 0;
        buf_clear(&message.value);
}

static void spoil_answer(struct node *n)
{
        spoil(n, 'a');
}

/* Before node 1 sees it. */
static void spoil_request(struct node *n)
{
        spoil(n, 'q');
        assert_true(cluster_answer(n->hsm->vault, &node_member.join, &n->hsm->err));
}

/* A bit flipped anywhere, every 47rd byte: node_refused, and nothing is stored. */
static void altered_messages_are_refused(void **state)
{
        struct hsm *h = *state;
        void (*const meddlers[])(struct node *) = { spoil_answer, spoil_request };
        struct node two;
        struct copy sealed = { .value = BUF_INIT };

        node_two(&two, h);
        for (size_t i = 0; i < 2; i++) {
                size_t at = 0;

                two.meddle = meddlers[i];
                two.answers = i == 0;
                do {
                        two.at = at;
                        two.waits = 0;
                        two.waits_max = 20;
                        h->err = ERR_INIT;
                        assert_false(cluster_join(&two.join, &h->err));
                        assert_false(store_value(h, SLICE_LIT("p/pmk/\0\0\0\2"), &sealed));
                        at += 47;
                } while (two.at + 47 == at);
                assert_true(at > 47 * 10);
        }
        buf_clear(&sealed.value);
        node_free(&two);
}

static struct copy kept;

static void keep_answer(struct node *n)
{
        uint8_t key[JOIN_KEY_MAX];

        (void)store_value(n->hsm, join_key(2, 'a', key), &kept);
}

static void replay_answer(struct node *n)
{
        uint8_t key[JOIN_KEY_MAX];

        store_set(n->hsm, join_key(2, 'a', key), buf_slice(&kept.value));
}

static void old_answers_are_of_no_use(void **state)
{
        struct hsm *h = *state;
        struct node two;
        struct store_op gone = { STORE_DELETE, SLICE_LIT("p/pmk/\0\0\0\2"), SLICE_EMPTY };
        struct store_result result;

        node_two(&two, h);
        two.meddle = keep_answer;
        assert_true(cluster_join(&two.join, &h->err));
        assert_true(kept.found);
        assert_int_equal(store_txn(h->store, NULL, 0, &gone, 1, 5000, &result, &h->err), STORE_OK);
        two.meddle = replay_answer;
        two.answers = false;
        two.waits = 0;
        node_refused(&two, ERR_CERT_INVALID, "to another request");
        node_free(&two);
        buf_clear(&kept.value);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_node_joins_and_is_the_same_hsm),
                TEST(the_store_never_sees_the_key),
                TEST(strangers_stay_out),
                TEST(another_partition_than_expected),
                TEST(the_owner_may_have_to_agree),
                TEST(nothing_happens_before_activation),
                TEST(altered_messages_are_refused),
                TEST(old_answers_are_of_no_use),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
