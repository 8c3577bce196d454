#include "nodes.h"

struct node node_member;
struct operator node_operator;

static int64_t wall(void *arg)
{
        return ((struct hsm *)arg)->wall_ms;
}

static bool node_seal(void *arg, struct slice secret, struct buf *out, struct err *err)
{
        struct node *n = arg;

        return crypto_seal(n->hsm->crypto, sec_slice(n->file_key), SLICE_EMPTY, secret, out, err);
}

struct sec *node_open_sealed(void *arg, struct slice sealed, struct err *err)
{
        struct node *n = arg;

        return crypto_open(n->hsm->crypto, sec_slice(n->file_key), SLICE_EMPTY, sealed, err);
}

static bool node_go_on(void *arg)
{
        struct node *n = arg;

        if (n->answers && !cluster_answer(n->hsm->vault, &node_member.join, &n->hsm->err))
                fail_msg("%s", n->hsm->err.detail);
        if (n->meddle)
                n->meddle(n);
        return ++n->waits < n->waits_max;
}

static void node_tell(void *arg, const char *what)
{
        snprintf(((struct node *)arg)->told, sizeof(((struct node *)arg)->told), "%s", what);
}

void node_make(struct node *n, struct hsm *h, uint32_t number, struct crypto_identity *identity)
{
        *n = (struct node){ .hsm = h, .identity = identity, .answers = true, .waits_max = 20 };
        n->file_key = sec_new(32);
        assert_true(crypto_random(h->crypto, sec_bytes(n->file_key), 32, &h->err));
        n->join = (struct cluster_join){ .store = h->store,
                                         .crypto = h->crypto,
                                         .sealer = { "node", node_seal, node_open_sealed, n },
                                         .clock = { wall, NULL, h },
                                         .identity = identity,
                                         .number = number,
                                         .permit_folder = h->folder,
                                         .go_on = node_go_on,
                                         .tell = node_tell,
                                         .arg = n };
}

void node_free(struct node *n)
{
        crypto_identity_free(&n->identity);
        sec_free(&n->file_key);
}

int nodes_setup(void **state)
{
        struct hsm *h = hsm_ready();

        operator_make(h, &node_operator);
        node_make(&node_member, h, 1, identity_make(h, &node_operator, &node_operator, "hsm1", h->wall_ms));
        assert_non_null(node_member.identity);
        *state = h;
        return 0;
}

int nodes_teardown(void **state)
{
        node_free(&node_member);
        operator_free(&node_operator);
        hsm_free(*state);
        return 0;
}

void node_two(struct node *n, struct hsm *h)
{
        node_make(n, h, 2, identity_make(h, &node_operator, &node_operator, "hsm2", h->wall_ms));
        assert_non_null(n->identity);
}

/* The vault of a node that has joined. */
struct vault *node_vault(struct node *n)
{
        struct vault_deps deps = { .store = n->hsm->store,
                                   .crypto = n->hsm->crypto,
                                   .clock = clock_system(),
                                   .sealer = n->join.sealer,
                                   .config = { .node_name = "hsm2",
                                               .node_number = n->join.number,
                                               .token_label = "chsm",
                                               .password_cost = { 64, 1 } } };
        struct vault *v;

        assert_true(crypto_identity_fingerprint(n->hsm->crypto, crypto_identity_certificate(n->identity),
                                                deps.config.certificate));
        v = vault_open(&deps, &n->hsm->err);

        if (!v)
                fail_msg("%s", n->hsm->err.detail);
        return v;
}

static bool copy_visit(void *arg, const struct store_event *e)
{
        struct copy *c = arg;

        buf_reset(&c->value);
        buf_put_slice(&c->value, e->value);
        c->found = true;
        return true;
}

bool store_value(struct hsm *h, struct slice key, struct copy *c)
{
        store_rev at;

        c->found = false;
        assert_int_equal(store_load(h->store, key, copy_visit, c, &at, &h->err), STORE_OK);
        return c->found;
}

void store_set(struct hsm *h, struct slice key, struct slice value)
{
        struct store_op op = { STORE_PUT, key, value };
        struct store_result result;

        assert_int_equal(store_txn(h->store, NULL, 0, &op, 1, 5000, &result, &h->err), STORE_OK);
}

void node_refused(struct node *n, enum err_id id, const char *words)
{
        struct copy sealed = { .value = BUF_INIT };

        n->hsm->err = ERR_INIT;
        assert_false(cluster_join(&n->join, &n->hsm->err));
        if (n->hsm->err.id != id || (words && !strstr(n->hsm->err.detail, words)))
                fail_msg("%d: %s", (int)n->hsm->err.id, n->hsm->err.detail);
        assert_false(store_value(n->hsm, SLICE_LIT("p/pmk/\0\0\0\2"), &sealed));
        buf_clear(&sealed.value);
}
