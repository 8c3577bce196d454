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

static void open_store(struct hsm *h)
{
        struct store_config config = { .engine = "sqlite", .path = h->folder };

        h->store = store_open(&config, &h->err);
        if (!h->store)
                fail_msg("%s", h->err.detail);
}

void hsm_open_as(struct hsm *h, uint32_t number)
{
        struct vault_deps deps = { .crypto = h->crypto,
                                   .clock = { wall, mono, h },
                                   .sealer = { "test", seal, open_sealed, h },
                                   .host = { scratch, stage, adopt, h },
                                   .config = { .node_name = number == 1 ? "hsm1" : "hsm2",
                                               .node_number = number,
                                               .store_timeout_ms = number == 1 ? 0 : 300,
                                               .token_label = "chsm",
                                               .password_cost = { 64, 1 } } };

        if (!h->store)
                open_store(h);
        deps.store = h->store;
        h->vault = vault_open(&deps, &h->err);
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

/* ---- attributes and objects ---- */

static uint8_t *add(struct attributes *a, uint64_t type, size_t n)
{
        Chsm__Attribute *row = &a->rows[a->n];

        assert_true(a->n < 24);
        chsm__attribute__init(row);
        row->type = type;
        row->value.data = a->bytes[a->n];
        row->value.len = n;
        a->lent[a->n++] = false;
        return row->value.data;
}

void add_bool(struct attributes *a, uint64_t type, bool value)
{
        *add(a, type, 1) = value;
}

void add_number(struct attributes *a, uint64_t type, uint64_t value)
{
        uint8_t *p = add(a, type, 8);

        for (int i = 0; i < 8; i++)
                p[i] = (uint8_t)(value >> (56 - 8 * i));
}

void add_bytes(struct attributes *a, uint64_t type, struct slice value)
{
        (void)add(a, type, value.n);
        a->rows[a->n - 1].value.data = (uint8_t *)(uintptr_t)value.p;
        a->lent[a->n - 1] = true;
}

/* Pointers are set late, as the struct may have been copied. */
void attributes_lend(struct attributes *a, Chsm__Attribute ***list, size_t *n)
{
        for (size_t i = 0; a && i < a->n; i++) {
                if (!a->lent[i])
                        a->rows[i].value.data = a->bytes[i];
                a->list[i] = &a->rows[i];
        }
        *list = a ? a->list : NULL;
        *n = a ? a->n : 0;
}

void name_object(struct named *o, const Chsm__ObjectResponse *r)
{
        chsm__object_ref__init(&o->ref);
        o->ref.handle = r->handle;
        if (r->handle)
                return;
        assert_true(r->sealed.len > 0 && r->sealed.len <= sizeof(o->blob));
        memcpy(o->blob, r->sealed.data, r->sealed.len);
        o->ref.sealed.data = o->blob;
        o->ref.sealed.len = r->sealed.len;
}

uint32_t make_aes(struct caller *c, bool token, struct attributes *more, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes none = { .n = 0 }, *a = more ? more : &none;
        const Chsm__Response *response;

        m.number = CKM_AES_KEY_GEN;
        add_bool(a, CKA_TOKEN, token);
        add_number(a, CKA_VALUE_LEN, 32);
        in.mechanism = &m;
        attributes_lend(a, &in.template_, &in.n_template_);
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}

uint32_t make_pair(struct caller *c, uint64_t mechanism, bool token, struct attributes *pub,
                   struct attributes *priv, struct named *public_key, struct named *private_key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes none[2] = { { .n = 0 }, { .n = 0 } };
        const Chsm__Response *response;

        pub = pub ? pub : &none[0];
        priv = priv ? priv : &none[1];
        m.number = mechanism;
        add_bool(pub, CKA_TOKEN, token);
        add_bool(priv, CKA_TOKEN, token);
        if (mechanism == CKM_EC_KEY_PAIR_GEN)
                add_bytes(pub, CKA_EC_PARAMS, slice_of(hsm_p256, sizeof(hsm_p256)));
        else if (mechanism == CKM_ML_KEM_KEY_PAIR_GEN)
                add_number(pub, CKA_PARAMETER_SET, CKP_ML_KEM_512);
        else
                add_number(pub, CKA_MODULUS_BITS, 2048);
        in.mechanism = &m;
        attributes_lend(pub, &in.public_template, &in.n_public_template);
        attributes_lend(priv, &in.private_template, &in.n_private_template);
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        name_object(public_key, response->key_pair->public_key);
        name_object(private_key, response->key_pair->private_key);
        return 0;
}

uint32_t destroy(struct caller *c, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DestroyObjectRequest in = CHSM__DESTROY_OBJECT_REQUEST__INIT;

        in.object = &o->ref;
        r.destroy_object = &in;
        r.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
        return ask(c, &r)->status;
}

uint32_t set_attribute(struct caller *c, struct named *o, struct attributes *a)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest in = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        const Chsm__Response *response;

        in.object = &o->ref;
        attributes_lend(a, &in.attributes, &in.n_attributes);
        r.set_attributes = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}

uint32_t get_attribute(struct caller *c, struct named *o, uint64_t type, uint8_t *out, size_t cap, size_t *n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest in = CHSM__GET_ATTRIBUTES_REQUEST__INIT;
        const Chsm__Response *response;
        const Chsm__Attribute *a;

        in.object = &o->ref;
        in.types = &type;
        in.n_types = 1;
        r.get_attributes = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        a = response->attributes->attributes[0];
        assert_true(a->value.len <= cap);
        if (a->value.len)
                memcpy(out, a->value.data, a->value.len);
        *n = a->value.len;
        return a->status;
}

size_t count_objects(struct caller *c, struct attributes *wanted)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;
        const Chsm__Response *response;
        size_t n = 0;

        attributes_lend(wanted, &in.template_, &in.n_template_);
        r.find_objects = &in;
        r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        do {
                response = ask(c, &r);
                assert_int_equal(response->status, 0);
                n += response->find_objects->n_handles;
                if (response->find_objects->n_handles)
                        in.after = response->find_objects->handles[response->find_objects->n_handles - 1];
        } while (response->find_objects->more);
        return n;
}
