#include "regions.h"
#include "operator.h"

static struct operator operator;
struct side one, two;

static int64_t wall(void *arg)
{
        return ((struct side *)arg)->hsm->wall_ms;
}

static int64_t mono(void *arg)
{
        struct clock clock = clock_system();

        (void)arg;
        return clock_mono_ms(&clock);
}

static bool side_seal(void *arg, struct slice secret, struct buf *out, struct err *err)
{
        struct side *s = arg;

        return crypto_seal(s->hsm->crypto, sec_slice(s->file_key), SLICE_EMPTY, secret, out, err);
}

static struct sec *side_open_sealed(void *arg, struct slice sealed, struct err *err)
{
        struct side *s = arg;

        return crypto_open(s->hsm->crypto, sec_slice(s->file_key), SLICE_EMPTY, sealed, err);
}

static bool side_go_on(void *arg)
{
        struct side *s = arg;

        return ++s->waits < s->waits_max;
}

static void side_tell(void *arg, const char *what)
{
        (void)arg;
        (void)what;
}

/* The other side's vault, asked directly. */
static const Chsm__Response *side_call(void *arg, Chsm__Request *r, struct arena *arena, struct err *err)
{
        struct side *s = arg;
        const Chsm__Response *response;
        bool valid;

        s->calls++;
        if (s->cut || (s->lose_question && s->calls % s->lose_question == 0)) {
                err_set(err, ERR_CONNECT, "cut");
                return NULL;
        }
        r->id = s->calls;
        response = vault_call(s->other->vault, &s->peer, r, arena, &valid);
        if (s->lose_answer && s->calls % s->lose_answer == 0) {
                err_set(err, ERR_CONNECT, "cut");
                return NULL;
        }
        return response;
}

static bool admit(void *arg, struct slice request, struct vault_region_follower *f, struct buf *answer,
                  struct err *err)
{
        struct side *s = arg;
        struct cluster_admitted who;

        if (!cluster_admit(s->vault, &s->join, request, &who, answer, err))
                return false;
        f->number = who.number;
        snprintf(f->name, sizeof(f->name), "%s", who.name);
        memcpy(f->certificate, who.certificate, sizeof(f->certificate));
        return true;
}

void side_attach(struct side *s, int64_t lease_ms)
{
        struct vault_region_host host = { admit, s->address, !s->asks_nobody, lease_ms, s };

        vault_set_region(s->vault, &host);
}

static void side_make(struct side *s, struct hsm *h, uint32_t number, struct side *other)
{
        *s = (struct side){ .hsm = h, .number = number, .other = other, .waits_max = 40 };
        snprintf(s->name, sizeof(s->name), "hsm%u", number);
        snprintf(s->address, sizeof(s->address), "region%u:1", number);
        s->data = scratch_make();
        s->identity = identity_make(h, &operator, & operator, s->name, h->wall_ms);
        assert_non_null(s->identity);
        strcpy(s->peer.address, s->name);
        s->peer.has_certificate = true;
        assert_true(crypto_sha256(h->crypto, crypto_identity_certificate(s->identity), s->peer.certificate));
        s->file_key = sec_new(32);
        assert_true(crypto_random(h->crypto, sec_bytes(s->file_key), 32, &h->err));
}

void side_join(struct side *s)
{
        s->join = (struct cluster_join){ .store = s->store,
                                         .crypto = s->hsm->crypto,
                                         .sealer = { "side", side_seal, side_open_sealed, s },
                                         .clock = { wall, mono, s },
                                         .identity = s->identity,
                                         .number = s->number,
                                         .permit_folder = s->data,
                                         .go_on = side_go_on,
                                         .tell = side_tell,
                                         .arg = s };
        s->follow = (struct cluster_follow){
                .join = &s->join, .link = { side_call, s }, .folder = s->data, .address = s->address
        };
        assert_true(cluster_follow_begin(&s->follow, &s->hsm->err));
}

static bool scratch(void *arg, int *fd, struct err *err)
{
        FILE *file = tmpfile();

        (void)arg;
        (void)err;
        assert_non_null(file);
        *fd = dup(fileno(file));
        fclose(file);
        return true;
}

static void two_store(void)
{
        struct store_config config = { .engine = "sqlite", .path = two.folder };

        two.store = store_open(&config, &two.hsm->err);
        if (!two.store)
                fail_msg("%s", two.hsm->err.detail);
        side_join(&two);
}

void two_vault(void)
{
        struct vault_deps deps = { .store = two.store,
                                   .crypto = two.hsm->crypto,
                                   .clock = two.join.clock,
                                   .sealer = two.join.sealer,
                                   .host = { .scratch = scratch },
                                   .config = { .node_name = two.name,
                                               .node_number = two.number,
                                               .token_label = "chsm",
                                               .stale_limit_ms = 60000,
                                               .password_cost = { 64, 1 } } };

        two.vault = vault_open(&deps, &two.hsm->err);
        if (!two.vault)
                fail_msg("%s", two.hsm->err.detail);
        side_attach(&two, 0);
}

static void two_close(void)
{
        vault_close(&two.vault);
        cluster_follow_end(&two.follow);
        store_close(&two.store);
}

/* As after kill -9 and a new start. */
void two_restart(void)
{
        struct err err = ERR_INIT;

        two_close();
        two_store();
        if (!cluster_follow_prepare(&two.follow, &err))
                fail_msg("%s", err.detail);
        two_vault();
}

/* The HSM's vault may be another one after a restart of it. */
void one_is(struct hsm *h)
{
        one.store = h->store;
        one.vault = h->vault;
        cluster_follow_end(&one.follow);
        side_join(&one);
        side_attach(&one, 0);
}

void one_restart(struct hsm *h)
{
        h->vault = one.vault;
        hsm_restart(h);
        one_is(h);
}

int regions_setup(void **state)
{
        struct hsm *h = hsm_ready();

        operator_make(h, &operator);
        side_make(&one, h, 1, &two);
        one_is(h);
        side_make(&two, h, 11, &one);
        two.folder = scratch_make();
        two_store();
        *state = h;
        return 0;
}

int regions_teardown(void **state)
{
        two_close();
        cluster_follow_end(&one.follow);
        crypto_identity_free(&one.identity);
        crypto_identity_free(&two.identity);
        sec_free(&one.file_key);
        sec_free(&two.file_key);
        scratch_remove(one.data);
        scratch_remove(two.data);
        scratch_remove(two.folder);
        operator_free(&operator);
        ((struct hsm *)*state)->vault = one.vault;
        hsm_free(*state);
        return 0;
}

/* Steps until the follower has what the primary has. */
void catch_up(void)
{
        struct vault_region_notes n;
        struct err err = ERR_INIT;

        for (int i = 0; i < 2000; i++) {
                err = ERR_INIT;
                (void)cluster_follow_step(&two.follow, two.vault, &err);
                if (two.follow.filled)
                        return;
                vault_region_notes(two.vault, &n);
                if (atomic_load(&two.vault->revision) && n.head >= atomic_load(&one.vault->revision)) {
                        struct vault_region_record r;
                        store_rev rev;

                        vault_region_now(two.vault, &r, &rev);
                        if (r.source >= atomic_load(&one.vault->revision) - 3 && n.level_ms && !err.id)
                                return;
                }
        }
        fail_msg("does not catch up: %s", err.detail);
}

void begin(void)
{
        struct err err = ERR_INIT;

        if (!cluster_follow_prepare(&two.follow, &err))
                fail_msg("%s", err.detail);
        two_vault();
}

/* ---- both stores hold the same ---- */

struct sum {
        struct buf text;
        struct crypto *crypto;
};

static bool sum_visit(void *arg, const struct store_event *e)
{
        struct sum *s = arg;
        uint32_t number;
        uint8_t hash[32];

        if (region_kind_of(e->key, &number) == REGION_LOCAL || number == 11)
                return true;
        assert_true(crypto_sha256(s->crypto, e->value, hash));
        buf_put_hex(&s->text, e->key);
        buf_put_text(&s->text, "=");
        buf_put_hex(&s->text, slice_of(hash, 32));
        buf_put_text(&s->text, "\n");
        return true;
}

void assert_same(void)
{
        struct sum a = { BUF_INIT, one.hsm->crypto }, b = { BUF_INIT, one.hsm->crypto };
        struct err err = ERR_INIT;
        store_rev at;

        assert_int_equal(store_load(one.store, SLICE_EMPTY, sum_visit, &a, &at, &err), STORE_OK);
        assert_int_equal(store_load(two.store, SLICE_EMPTY, sum_visit, &b, &at, &err), STORE_OK);
        assert_string_equal(buf_text(&a.text), buf_text(&b.text));
        buf_clear(&a.text);
        buf_clear(&b.text);
}

/* ---- requests to either region ---- */

struct caller *at(struct caller *c, struct side *s)
{
        c->hsm->vault = s->vault;
        return c;
}

uint32_t promote(struct caller *c, struct side *s, struct crypto_key *key, bool force)
{
        const struct ck_mech_param none = { .present = false };
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegionPromoteRequest in = CHSM__REGION_PROMOTE_REQUEST__INIT;
        struct buf text = BUF_INIT;
        uint8_t signature[512];
        size_t n = sizeof(signature);

        assert_true(vault_region_statement(s->vault, &text, NULL));
        assert_true(crypto_sign(c->hsm->crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, key,
                                buf_slice(&text), signature, &n, NULL));
        buf_clear(&text);
        in.signature = (ProtobufCBinaryData){ n, signature };
        in.force = force;
        r.region_promote = &in;
        r.body_case = CHSM__REQUEST__BODY_REGION_PROMOTE;
        return ask(at(c, s), &r)->status;
}

uint32_t demote(struct caller *c, struct side *s)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegionDemoteRequest in = CHSM__REGION_DEMOTE_REQUEST__INIT;

        r.region_demote = &in;
        r.body_case = CHSM__REQUEST__BODY_REGION_DEMOTE;
        return ask(at(c, s), &r)->status;
}

void refused(struct caller *c, uint32_t rv, const char *words)
{
        if (rv == 0 || !strstr(c->hsm->detail, words))
                fail_msg("%x: %s", rv, c->hsm->detail);
}

void step(struct side *s)
{
        struct err err = ERR_INIT;

        s->follow.met_ms = 0;
        if (!cluster_follow_step(&s->follow, s->vault, &err))
                fail_msg("%s", err.detail);
}
