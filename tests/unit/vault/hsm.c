#include "hsm.h"

#include "crypto/cert.h"
#include "crypto/mechanism.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

const uint8_t hsm_p256[10] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

/* ---- what is handed to the vault ---- */

static int64_t wall(void *arg)
{
        return ((struct hsm *)arg)->wall_ms;
}

static int64_t mono(void *arg)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock) + ((struct hsm *)arg)->mono_more;
}

static bool seal(void *arg, struct slice secret, struct buf *out, struct err *err)
{
        struct hsm *h = arg;

        return crypto_seal(h->crypto, sec_slice(h->file_key), SLICE_LIT("test"), secret, out, err);
}

static struct sec *open_sealed(void *arg, struct slice sealed, struct err *err)
{
        struct hsm *h = arg;

        return crypto_open(h->crypto, sec_slice(h->file_key), SLICE_LIT("test"), sealed, err);
}

/* ---- what the node's program does for backups ---- */

static bool scratch(void *arg, int *fd, struct err *err)
{
        FILE *file = ((struct hsm *)arg)->no_room ? NULL : tmpfile();

        if (!file)
                return err_set(err, ERR_FILE, "no room");
        *fd = dup(fileno(file));
        fclose(file);
        return *fd >= 0;
}

static struct store *stage(void *arg, struct err *err)
{
        struct hsm *h = arg;
        struct store_config config = { .engine = "sqlite" };

        if (h->stage)
                scratch_remove(h->stage);
        h->stage = scratch_make();
        config.path = h->stage;
        return store_open(&config, err);
}

static bool adopt(void *arg, struct store **store, const struct store_guard *unowned, struct err *err)
{
        struct hsm *h = arg;
        struct store_result result;

        store_close(store);
        h->adopted = store_txn(h->store, unowned, 1, NULL, 0, 1000, &result, err) == STORE_OK;
        return h->adopted;
}

static bool noted(void *arg, struct buf *out)
{
        struct hsm *h = arg;

        buf_put_slice(out, buf_slice(&h->noted));
        return h->noted.n > 0;
}

static void open_store(struct hsm *h)
{
        struct store_config config = { .engine = "sqlite", .path = h->folder };

        h->store = store_open(&config, &h->err);
        if (!h->store)
                fail_msg("%s", h->err.detail);
}

static void try_vault(struct hsm *h, uint32_t number)
{
        struct vault_deps deps = { .crypto = h->crypto,
                                   .clock = { wall, mono, h },
                                   .sealer = { "test", seal, open_sealed, h },
                                   .host = { scratch, stage, adopt, noted, h },
                                   .config = { .node_name = number == 1 ? "hsm1" : "hsm2",
                                               .node_number = number,
                                               .store_timeout_ms = number == 1 ? 0 : 300,
                                               .token_label = "chsm",
                                               .rebase = h->rebase,
                                               .password_cost = { 64, 1 } } };

        if (!h->store)
                open_store(h);
        deps.store = h->store;
        h->vault = vault_open(&deps, &h->err);
}

void hsm_open_as(struct hsm *h, uint32_t number)
{
        try_vault(h, number);
        if (!h->vault)
                fail_msg("%s", h->err.detail);
}

static void open_vault(struct hsm *h)
{
        hsm_open_as(h, 1);
}

/* All but store and vault. */
static struct hsm *hsm_bare(void)
{
        struct hsm *h = calloc(1, sizeof(*h));
        struct clock clock = clock_system();

        h->folder = scratch_make();
        h->wall_ms = clock_wall_ms(&clock);
        h->owner = BUF_INIT;
        h->crypto = crypto_new(NULL, &h->err);
        assert_non_null(h->crypto);
        h->file_key = sec_copy(SLICE_LIT("thirty-two bytes of a sealing key"));
        sec_shrink(h->file_key, 32);
        h->arena = arena_new(64 * 1024, 16 * 1024 * 1024);
        strcpy(h->peer.address, "test");
        return h;
}

struct hsm *hsm_new(void)
{
        struct hsm *h = hsm_bare();

        open_vault(h);
        return h;
}

struct hsm *hsm_over(struct store *store)
{
        struct hsm *h = hsm_bare();

        h->store = store;
        open_vault(h);
        return h;
}

bool hsm_reopen(struct hsm *h, bool rebase)
{
        h->rebase = rebase;
        vault_close(&h->vault);
        h->err = ERR_INIT;
        try_vault(h, 1);
        h->rebase = false;
        return h->vault != NULL;
}

struct hsm *hsm_clone(struct hsm *from)
{
        struct hsm *h = hsm_bare();
        FILE *stream = tmpfile();
        store_rev at;

        assert_non_null(stream);
        assert_int_equal(store_backup(from->store, fileno(stream), &at, &h->err), STORE_OK);
        assert_int_equal(lseek(fileno(stream), 0, SEEK_SET), 0);
        open_store(h);
        assert_int_equal(store_restore(h->store, fileno(stream), NULL, NULL, &h->err), STORE_OK);
        fclose(stream);
        open_vault(h);
        return h;
}

void hsm_restart(struct hsm *h)
{
        vault_close(&h->vault);
        store_close(&h->store);
        if (h->adopted) {
                scratch_remove(h->folder);
                h->folder = h->stage;
                h->stage = NULL;
                h->adopted = false;
        }
        open_vault(h);
}

void hsm_free(struct hsm *h)
{
        vault_close(&h->vault);
        store_close(&h->store);
        crypto_key_unref(&h->owner_key);
        buf_clear(&h->owner);
        buf_clear(&h->noted);
        sec_free(&h->file_key);
        crypto_free(&h->crypto);
        arena_free(&h->arena);
        scratch_remove(h->folder);
        if (h->stage)
                scratch_remove(h->stage);
        free(h);
}

/* ---- callers ---- */

struct caller caller_new(struct hsm *h)
{
        static uint32_t count;
        struct caller c = { .hsm = h };

        count++;
        memcpy(c.context, &count, sizeof(count));
        c.context[15] = 0x5a;
        return c;
}

const Chsm__Response *ask_again(struct caller *c, Chsm__Request *r, const uint8_t key[16])
{
        struct hsm *h = c->hsm;
        const Chsm__Response *response;
        bool valid;

        r->id = 7;
        r->context.data = c->context;
        r->context.len = sizeof(c->context);
        r->ticket.data = c->ticket;
        r->ticket.len = c->ticket_n;
        r->idempotency.data = (uint8_t *)(uintptr_t)key;
        r->idempotency.len = 16;
        arena_reset(h->arena);
        response = vault_call(h->vault, &h->peer, r, h->arena, &valid);
        assert_int_equal(response->id, 7);
        snprintf(h->note, sizeof(h->note), "%s", response->note);
        snprintf(h->detail, sizeof(h->detail), "%s", response->detail);
        assert_true((response->status == 0) == (response->reason == 0));
        assert_true((response->status == 0) == (response->detail[0] == 0));
        return response;
}

const Chsm__Response *ask(struct caller *c, Chsm__Request *r)
{
        static uint64_t count;
        uint8_t key[16] = { 0 };

        count++;
        memcpy(key, &count, sizeof(count));
        return ask_again(c, r, key);
}

uint32_t caller_login(struct caller *c, uint32_t role, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        const Chsm__Response *response;

        login.role = role;
        login.user = (char *)(uintptr_t)user;
        login.password.data = (uint8_t *)(uintptr_t)password;
        login.password.len = strlen(password);
        r.login = &login;
        r.body_case = CHSM__REQUEST__BODY_LOGIN;
        c->ticket_n = 0;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        assert_true(response->login->ticket.len <= sizeof(c->ticket));
        memcpy(c->ticket, response->login->ticket.data, response->login->ticket.len);
        c->ticket_n = response->login->ticket.len;
        c->user_id = response->login->user_id;
        return 0;
}

struct caller caller_cu(struct hsm *h, const char *user)
{
        struct caller c = caller_new(h);

        assert_int_equal(caller_login(&c, 1, user, "user1234"), 0);
        return c;
}

struct caller caller_co(struct hsm *h)
{
        struct caller c = caller_new(h);

        assert_int_equal(caller_login(&c, 2, "admin", "admin1234"), 0);
        return c;
}

size_t hsm_owner_signs(struct caller *c, const char *officer, uint8_t signature[256])
{
        const struct ck_mech_param none = { .present = false };
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetChallengeRequest in = CHSM__GET_CHALLENGE_REQUEST__INIT;
        const Chsm__Response *response;
        size_t n = 256;

        in.user = (char *)(uintptr_t)officer;
        r.get_challenge = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_CHALLENGE;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        assert_true(
            crypto_sign(c->hsm->crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, c->hsm->owner_key,
                        slice_of(response->challenge->challenge.data, response->challenge->challenge.len),
                        signature, &n, NULL));
        return n;
}

uint32_t caller_create_user(struct caller *c, uint32_t role, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateUserRequest in = CHSM__CREATE_USER_REQUEST__INIT;

        in.role = role;
        in.user = (char *)(uintptr_t)user;
        in.password.data = (uint8_t *)(uintptr_t)password;
        in.password.len = strlen(password);
        r.create_user = &in;
        r.body_case = CHSM__REQUEST__BODY_CREATE_USER;
        return ask(c, &r)->status;
}

uint32_t caller_store_cert(struct caller *c, uint32_t type, struct slice der)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StoreCertRequest in = CHSM__STORE_CERT_REQUEST__INIT;

        in.type = type;
        in.certificate.data = (uint8_t *)(uintptr_t)der.p;
        in.certificate.len = der.n;
        r.store_cert = &in;
        r.body_case = CHSM__REQUEST__BODY_STORE_CERT;
        return ask(c, &r)->status;
}

uint32_t caller_set_policy(struct caller *c, const char *name, const char *value)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetPolicyRequest in = CHSM__SET_POLICY_REQUEST__INIT;

        in.name = (char *)(uintptr_t)name;
        in.value = (char *)(uintptr_t)value;
        r.set_policy = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_POLICY;
        return ask(c, &r)->status;
}

/* ---- the ceremony ---- */

void hsm_activate(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = 6;
        in.user = (char *)(uintptr_t) "admin";
        in.password.data = (uint8_t *)(uintptr_t) "admin1234";
        in.password.len = 9;
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        assert_int_equal(ask(c, &r)->status, 0);
}

/* The key of the partition's own TLS endpoint. */
static struct crypto_key *endpoint_key(struct hsm *h, const struct vault_identity *identity)
{
        struct slice pem = sec_slice(identity->private_key_pem);
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
        EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        struct crypto_key *key = NULL;
        uint8_t *der = NULL;
        int n = i2d_PrivateKey(pkey, &der);

        assert_true(n > 0);
        assert_true(
            crypto_key_open(h->crypto, CRYPTO_PRIVATE, CKK_RSA, slice_of(der, (size_t)n), &key, &h->err));
        OPENSSL_free(der);
        EVP_PKEY_free(pkey);
        BIO_free(bio);
        return key;
}

/* What the owner does with the openssl program. */
void hsm_issue(struct hsm *h, struct buf *poac)
{
        struct crypto_cert_name owner = { .cn = "owner" }, partition = { .cn = "partition" };
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct vault_identity identity;
        struct crypto_key *public_owner, *key;

        assert_true(crypto_key_pair_generate(h->crypto, &spec, &h->owner_key, &public_owner, &h->err));
        assert_true(crypto_cert_issue(h->crypto, h->owner_key, &owner, h->owner_key, SLICE_EMPTY, true, 365,
                                      h->wall_ms, &h->owner, &h->err));
        assert_true(vault_identity(h->vault, &identity, &h->err));
        key = endpoint_key(h, &identity);
        assert_true(crypto_cert_issue(h->crypto, key, &partition, h->owner_key, buf_slice(&h->owner), false,
                                      365, h->wall_ms, poac, &h->err));
        vault_identity_clear(&identity);
        crypto_key_unref(&public_owner);
        crypto_key_unref(&key);
}

void hsm_own(struct hsm *h, struct caller *preco)
{
        struct buf poac = BUF_INIT;

        *preco = caller_new(h);
        hsm_issue(h, &poac);
        assert_int_equal(caller_login(preco, 6, "admin", "tenantadmin"), 0);
        assert_int_equal(caller_store_cert(preco, 4, buf_slice(&h->owner)), 0);
        assert_int_equal(caller_store_cert(preco, 8, buf_slice(&poac)), 0);
        buf_clear(&poac);
}

void hsm_ceremony(struct hsm *h)
{
        struct caller preco;

        hsm_own(h, &preco);
        hsm_activate(&preco);
}

struct hsm *hsm_ready(void)
{
        return hsm_ready_as("documented");
}

struct hsm *hsm_ready_as(const char *profile)
{
        struct hsm *h = hsm_new();
        struct caller co;

        hsm_own(h, &co);
        assert_int_equal(caller_set_policy(&co, "profile", profile), 0);
        hsm_activate(&co);
        co = caller_co(h);
        assert_int_equal(caller_create_user(&co, 1, "cu1", "user1234"), 0);
        assert_int_equal(caller_create_user(&co, 1, "cu2", "user1234"), 0);
        return h;
}
