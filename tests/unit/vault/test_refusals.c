/* Refusals of management commands and of making keys, each known by its sentence: those that no other test of
 * the vault asks for. refusals.txt lists all. */
#include "calls.h"
#include "people.h"

static int begin(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static void refused(struct caller *c, Chsm__Request *r, Chsm__Request__BodyCase body, const char *words)
{
        r->body_case = body;
        assert_int_not_equal(ask(c, r)->status, 0);
        if (!strstr(c->hsm->detail, words))
                fail_msg("'%s' instead of '%s'", c->hsm->detail, words);
}

static void said(struct hsm *h, uint32_t status, const char *words)
{
        assert_int_not_equal(status, 0);
        if (!strstr(h->detail, words))
                fail_msg("'%s' instead of '%s'", h->detail, words);
}

static char *lent(const char *text)
{
        return (char *)(uintptr_t)text;
}

/* ---- the partition and its logs ---- */

static void certificates_that_are_not_there(void **state)
{
        struct hsm *bare = hsm_new();
        struct caller co = caller_co(*state), nobody = caller_new(bare);
        Chsm__GetCertRequest in = CHSM__GET_CERT_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        r.get_cert = &in;
        in.type = 3;
        refused(&co, &r, CHSM__REQUEST__BODY_GET_CERT, "types are 1, 2, 4 ... 64");
        in.type = 4;
        refused(&nobody, &r, CHSM__REQUEST__BODY_GET_CERT,
                "the partition owner certificate (4) has not been stored");
        hsm_free(bare);
}

static void chains_that_no_node_has(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__AuditRecordsRequest in = CHSM__AUDIT_RECORDS_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        r.audit_records = &in;
        in.chain = lent("mgmt-256");
        refused(&co, &r, CHSM__REQUEST__BODY_AUDIT_RECORDS, "not 'mgmt-256'");
        in.chain = lent("mgmt-01x");
        refused(&co, &r, CHSM__REQUEST__BODY_AUDIT_RECORDS, "not 'mgmt-01x'");
        in.chain = lent("use");
        refused(&co, &r, CHSM__REQUEST__BODY_AUDIT_RECORDS, "keeps no log of key use");
}

static void keys_are_listed_up_to_the_last_handle(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__FindAllKeysRequest in = CHSM__FIND_ALL_KEYS_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        r.find_all_keys = &in;
        in.after = UINT32_MAX;
        refused(&co, &r, CHSM__REQUEST__BODY_FIND_ALL_KEYS, "handles end below");
}

/* ---- how a request comes ---- */

static void a_request_that_is_none(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__Request r = CHSM__REQUEST__INIT;

        refused(&co, &r, CHSM__REQUEST__BODY__NOT_SET, "does not know request 0");
}

/* As ask(), with lengths of its own. */
static void refused_bare(struct caller *c, Chsm__Request *r, size_t context, size_t idempotency,
                         const char *words)
{
        const Chsm__Response *answer;
        uint8_t key[16] = { 1 };
        bool valid;

        r->context = (ProtobufCBinaryData){ context, c->context };
        r->ticket = (ProtobufCBinaryData){ c->ticket_n, c->ticket };
        r->idempotency = (ProtobufCBinaryData){ idempotency, key };
        arena_reset(c->hsm->arena);
        answer = vault_call(c->hsm->vault, &c->hsm->peer, r, c->hsm->arena, &valid);
        assert_int_not_equal(answer->status, 0);
        if (!strstr(answer->detail, words))
                fail_msg("'%s' instead of '%s'", answer->detail, words);
}

static void a_change_needs_a_key_for_its_retry(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__UnlockUserRequest in = CHSM__UNLOCK_USER_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        in.user = lent("cu1");
        r.unlock_user = &in;
        r.body_case = CHSM__REQUEST__BODY_UNLOCK_USER;
        refused_bare(&co, &r, 16, 15, "needs an idempotency key of 16 bytes");
}

static void who_logs_in_names_his_application(void **state)
{
        struct caller nobody = caller_new(*state);
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        Chsm__AuthChallengeRequest challenge = CHSM__AUTH_CHALLENGE_REQUEST__INIT;
        Chsm__UnlockOfficerRequest open = CHSM__UNLOCK_OFFICER_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        login.role = VAULT_CU;
        login.user = lent("cu1");
        r.login = &login;
        r.body_case = CHSM__REQUEST__BODY_LOGIN;
        refused_bare(&nobody, &r, 15, 16, "a login needs an application context of 16 bytes");
        challenge.role = VAULT_CU;
        challenge.user = lent("cu1");
        r.auth_challenge = &challenge;
        r.body_case = CHSM__REQUEST__BODY_AUTH_CHALLENGE;
        refused_bare(&nobody, &r, 0, 16, "a challenge needs an application context of 16 bytes");
        open.user = lent("admin");
        r.unlock_officer = &open;
        r.body_case = CHSM__REQUEST__BODY_UNLOCK_OFFICER;
        refused_bare(&nobody, &r, 17, 16, "unlockCO needs an application context of 16 bytes");
        challenge.purpose = 99;
        r.auth_challenge = &challenge;
        refused(&nobody, &r, CHSM__REQUEST__BODY_AUTH_CHALLENGE, "there is no challenge for purpose 99");
}

static void an_application_that_ended_does_not_come_back(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        Chsm__RetireContextRequest in = CHSM__RETIRE_CONTEXT_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        r.retire_context = &in;
        r.body_case = CHSM__REQUEST__BODY_RETIRE_CONTEXT;
        assert_int_equal(ask(&cu, &r)->status, 0);
        said(*state, caller_login(&cu, VAULT_CU, "cu1", "user1234"),
             "this application context was retired; begin a new one");
}

/* ---- users ---- */

static void the_last_officer_and_oneself_are_not_deleted(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), other = caller_new(h);

        said(h, delete_user(&co, VAULT_CO, "admin"), "'admin' is logged in here; another officer can delete");
        assert_int_equal(caller_create_user(&co, VAULT_CO, "second", "officer12"), 0);
        assert_int_equal(caller_login(&other, VAULT_CO, "second", "officer12"), 0);
        assert_int_equal(delete_user(&other, VAULT_CO, "admin"), 0);
        said(h, delete_user(&other, VAULT_CO, "second"), "'second' is logged in here");
}

static void whom_nobody_deletes_or_gives_a_password(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);

        said(h, delete_user(&co, VAULT_AU, "app_user"), "'app_user' cannot be deleted");
        said(h, change_password(&co, VAULT_AU, "app_user", "user12345"), "has no password to change");
}

static void who_is_unlocked(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__UnlockUserRequest in = CHSM__UNLOCK_USER_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        r.unlock_user = &in;
        in.user = lent("cu1");
        refused(&co, &r, CHSM__REQUEST__BODY_UNLOCK_USER, "'cu1' is not locked");
        in.user = lent("admin");
        refused(&co, &r, CHSM__REQUEST__BODY_UNLOCK_USER,
                "'admin' is not a crypto user; another crypto officer can run changePswd");
}

static void passwords_without_what_tools_cut_at(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);

        said(h, caller_create_user(&co, VAULT_CU, "cu9", "user:1234"), "a password must not have '#'");
        said(h, caller_create_user(&co, VAULT_CU, "cu9", "user\t1234"), "has no control characters");
}

/* ---- backups and masked objects ---- */

static void what_no_officer_has_under_way(void **state)
{
        struct caller co = caller_co(*state);
        Chsm__ReadBackupRequest part = CHSM__READ_BACKUP_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        part.stream = 77;
        r.read_backup = &part;
        refused(&co, &r, CHSM__REQUEST__BODY_READ_BACKUP,
                "this login has no backup 77 under way; begin anew");
}

/* ---- making keys ---- */

static uint32_t generate(struct caller *c, uint64_t mechanism, struct attributes *t, const uint64_t *share,
                         size_t n)
{
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        m.number = mechanism;
        in.mechanism = &m;
        attributes_lend(t, &in.template_, &in.n_template_);
        in.share_with = (uint64_t *)(uintptr_t)share;
        in.n_share_with = n;
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        return ask(c, &r)->status;
}

static void secret_keys_have_a_length(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes none = { .n = 0 }, odd = { .n = 0 };

        said(h, generate(&cu, CKM_AES_KEY_GEN, &none, NULL, 0), "the template lacks CKA_VALUE_LEN");
        add_number(&odd, CKA_VALUE_LEN, 31);
        said(h, generate(&cu, CKM_AES_KEY_GEN, &odd, NULL, 0), "31");
        odd.n = 0;
        add_number(&odd, CKA_VALUE_LEN, 64);
        said(h, generate(&cu, CKM_AES_KEY_GEN, &odd, NULL, 0), "makes keys of 16 to 32 bytes, not 64");
}

static void whom_keys_are_shared_with(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), second = caller_cu(h, "cu2");
        const uint64_t twice[] = { second.user_id, second.user_id };
        uint64_t many[65];
        struct attributes session = { .n = 0 }, token = { .n = 0 };
        struct named key;

        add_number(&session, CKA_VALUE_LEN, 32);
        said(h, generate(&cu, CKM_AES_KEY_GEN, &session, twice, 1), "a session key cannot be shared");
        add_number(&token, CKA_VALUE_LEN, 32);
        add_bool(&token, CKA_TOKEN, true);
        said(h, generate(&cu, CKM_AES_KEY_GEN, &token, twice, 2), "stands twice in the list");
        for (size_t i = 0; i < 65; i++)
                many[i] = second.user_id;
        said(h, generate(&cu, CKM_AES_KEY_GEN, &token, many, 65), "a key is shared with at most");
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(share_object(&cu, &key, second.user_id, true), 0);
        said(h, share_object(&cu, &key, second.user_id, true), "already");
}

static uint32_t pair(struct caller *c, uint64_t mechanism, struct attributes *t)
{
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        m.number = mechanism;
        in.mechanism = &m;
        attributes_lend(t, &in.public_template, &in.n_public_template);
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        return ask(c, &r)->status;
}

static void pairs_need_what_makes_them(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes none = { .n = 0 }, long_rsa = { .n = 0 };

        said(h, pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, &none), "lacks CKA_MODULUS_BITS");
        said(h, pair(&cu, CKM_EC_KEY_PAIR_GEN, &none), "lacks CKA_EC_PARAMS");
        add_number(&long_rsa, CKA_MODULUS_BITS, 16385);
        said(h, pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, &long_rsa), "an RSA key of 16385 bits cannot be made");
}

static void objects_have_a_class(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named made;

        add_bool(&t, CKA_TOKEN, false);
        said(h, create_object(&cu, &t, &made), "the template lacks CKA_CLASS");
        add_number(&t, CKA_CLASS, 0x7777);
        said(h, create_object(&cu, &t, &made), "objects of class 30583 are not kept here");
}

static void certificates_have_a_value_or_a_place(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named made;

        add_number(&t, CKA_CLASS, CKO_CERTIFICATE);
        add_number(&t, CKA_CERTIFICATE_TYPE, CKC_X_509);
        add_bytes(&t, CKA_SUBJECT, SLICE_LIT("\x30\x00"));
        add_bytes(&t, CKA_VALUE, SLICE_EMPTY);
        said(h, create_object(&cu, &t, &made), "a certificate needs a CKA_VALUE, or a CKA_URL");
        add_bytes(&t, CKA_URL, SLICE_LIT("http://x"));
        said(h, create_object(&cu, &t, &made), "needs the hashes of subject's and issuer's key");
}

static void what_is_split(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes none = { .n = 0 };
        struct named public_key, private_key;
        Chsm__SplitKeyRequest in = CHSM__SPLIT_KEY_REQUEST__INIT;
        Chsm__JoinKeyRequest join = CHSM__JOIN_KEY_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, &none, NULL, &public_key, &private_key),
                         0);
        in.key = &private_key.ref;
        in.threshold = 2;
        in.shares = 3;
        r.split_key = &in;
        refused(&cu, &r, CHSM__REQUEST__BODY_SPLIT_KEY, "is no secret key, and only these are split");
        r.join_key = &join;
        refused(&cu, &r, CHSM__REQUEST__BODY_JOIN_KEY, "shares are joined");
}

static void officers_trust_token_keys_only(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h);
        struct attributes t = { .n = 0 };
        struct named made;

        add_number(&t, CKA_CLASS, CKO_CERTIFICATE);
        add_number(&t, CKA_CERTIFICATE_TYPE, CKC_X_509);
        add_bool(&t, CKA_TOKEN, true);
        add_bool(&t, CKA_PRIVATE, false);
        add_bytes(&t, CKA_VALUE, SLICE_EMPTY);
        add_bytes(&t, CKA_SUBJECT, SLICE_LIT("\x30\x00"));
        add_bytes(&t, CKA_URL, SLICE_LIT("http://x"));
        add_bytes(&t, CKA_HASH_OF_SUBJECT_PUBLIC_KEY, SLICE_LIT("0123456789abcdefghij"));
        add_bytes(&t, CKA_HASH_OF_ISSUER_PUBLIC_KEY, SLICE_LIT("0123456789abcdefghij"));
        if (create_object(&cu, &t, &made) != 0)
                fail_msg("%s", h->detail);
        said(h, set_bool(&co, &made, CKA_TRUSTED, true), "only secret and public token keys can be trusted");
}

static void a_separate_role_stays(void **state)
{
        struct hsm *h = hsm_ready_as("strict");
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct given block = { .n = 16 };
        struct named key;

        (void)state;
        add_bool(&t, CKA_WRAP, true);
        add_bool(&t, CKA_UNWRAP, true);
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        said(h, use_encrypt(&cu, &key, &block),
             "has CKA_ENCRYPT=FALSE; in this partition a key keeps the role");
        hsm_free(h);
}

static uint32_t import(struct caller *c, struct named *kek)
{
        static const uint8_t value[16] = "a value outside";
        Chsm__ImportKeyRequest in = CHSM__IMPORT_KEY_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;
        struct attributes t = { .n = 0 };

        in.kek = &kek->ref;
        in.value = (ProtobufCBinaryData){ sizeof(value), (uint8_t *)(uintptr_t)value };
        add_number(&t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&t, CKA_KEY_TYPE, CKK_AES);
        attributes_lend(&t, &in.template_, &in.n_template_);
        r.import_key = &in;
        r.body_case = CHSM__REQUEST__BODY_IMPORT_KEY;
        return ask(c, &r)->status;
}

static void keys_come_in_under_a_user_kek(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named public_key, private_key, plain;

        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, NULL, NULL, &public_key, &private_key), 0);
        said(h, import(&cu, &private_key), "is not a user KEK: it is no AES key");
        add_bool(&t, CKA_UNWRAP, false);
        assert_int_equal(make_aes(&cu, true, &t, &plain), 0);
        said(h, import(&cu, &plain), "is not a user KEK: it has CKA_UNWRAP=FALSE");
}

static void what_token_keys_alone_may_be(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct named key;

        assert_int_equal(make_aes(&cu, false, NULL, &key), 0);
        said(h, set_bool(&cu, &key, CKA_TRUSTED, true),
             "CKA_TRUSTED is changed by a crypto officer only, and of token keys only");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(certificates_that_are_not_there),
                TEST(chains_that_no_node_has),
                TEST(keys_are_listed_up_to_the_last_handle),
                TEST(a_request_that_is_none),
                TEST(a_change_needs_a_key_for_its_retry),
                TEST(who_logs_in_names_his_application),
                TEST(an_application_that_ended_does_not_come_back),
                TEST(the_last_officer_and_oneself_are_not_deleted),
                TEST(whom_nobody_deletes_or_gives_a_password),
                TEST(who_is_unlocked),
                TEST(passwords_without_what_tools_cut_at),
                TEST(what_no_officer_has_under_way),
                TEST(secret_keys_have_a_length),
                TEST(whom_keys_are_shared_with),
                TEST(pairs_need_what_makes_them),
                TEST(objects_have_a_class),
                TEST(certificates_have_a_value_or_a_place),
                TEST(what_is_split),
                TEST(officers_trust_token_keys_only),
                TEST(a_separate_role_stays),
                TEST(keys_come_in_under_a_user_kek),
                TEST(what_token_keys_alone_may_be),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
