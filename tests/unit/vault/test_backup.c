/* Backups and restores: what comes back, who may, and what the owner is told and asked. semantics 13. */
#include "backup_calls.h"
#include "vault/spool.h"

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

static uint32_t close_account(struct caller *c, const char *user)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DisableUserAccessRequest in = CHSM__DISABLE_USER_ACCESS_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        r.disable_user_access = &in;
        r.body_case = CHSM__REQUEST__BODY_DISABLE_USER_ACCESS;
        return ask(c, &r)->reason;
}

static uint32_t set_password(struct caller *c, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = 1;
        in.user = (char *)(uintptr_t)user;
        in.password.data = (uint8_t *)(uintptr_t)password;
        in.password.len = strlen(password);
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        return ask(c, &r)->reason;
}

/* The revision in an answer to who has seen `seen` already. */
static int64_t told_after(struct caller *c, int64_t seen)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;
        const Chsm__Response *response;

        r.find_objects = &in;
        r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        r.min_revision = seen;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        return response->revision;
}

static void a_partition_comes_back_in_another_hsm(void **state)
{
        struct hsm *h = *state, *other;
        struct owner owner = owner_of(h);
        struct caller co = caller_co(h), cu1 = caller_cu(h, "cu1"), preco, there;
        struct restore r = { .caller = &preco };
        struct attributes a = { .n = 0 };
        struct named key, lost;
        struct given before, after, masked;
        struct buf backup;
        uint8_t id[16];
        int64_t seen;

        add_bool(&a, CKA_ENCRYPT, true);
        add_bool(&a, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu1, true, &a, &key), 0);
        assert_int_equal(share_object(&cu1, &key, cu1.user_id + 1, true), 0);
        assert_int_equal(use_encrypt(&cu1, &key, &before), 0);
        assert_int_equal(caller_set_policy(&co, "wrap_strength", "2"), 0);
        assert_int_equal(take_backup(&co, false, &backup), 0);
        memcpy(id, vault_partition_id(h->vault).p, 16);
        for (int i = 0; i < 30; i++) /* the history that is lost */
                assert_int_equal(make_aes(&cu1, true, NULL, &lost), 0);
        seen = told_after(&cu1, 0);
        other = fresh_hsm(&preco);
        assert_int_equal(restore_plan(&r, &backup, NULL, &owner), 0);
        assert_non_null(strstr(r.statement, "epoch: 1\n"));
        assert_non_null(strstr(r.statement, "newest state presented: none"));
        assert_int_equal(restore_commit(&r), 0);
        hsm_restart(other);
        /* Active at once, with users, key, sharing, policy, and the owner's certificates. */
        assert_int_equal(vault_state(other->vault), 3);
        assert_memory_equal(vault_partition_id(other->vault).p, id, 16);
        there = caller_cu(other, "cu2");
        assert_int_equal(use_encrypt(&there, &key, &after), 0);
        assert_memory_equal(before.p, after.p, before.n);
        /* Whoever remembers revisions of before is served, and what he is told goes on growing. */
        assert_true(told_after(&there, seen) > seen);
        there = caller_co(other);
        assert_int_equal(caller_set_policy(&there, "wrap_strength", "1"), CKR_FUNCTION_REJECTED);
        assert_int_equal(caller_create_user(&there, 1, "after", "user1234"), 0);
        /* Logins of before the restore have ended, as the backup's users are older than they. */
        cu1.hsm = other;
        assert_int_equal(use_encrypt(&cu1, &key, &after), CKR_USER_NOT_LOGGED_IN);
        /* What is newer comes with masked objects. */
        cu1 = caller_cu(h, "cu1");
        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), 0);
        there = caller_cu(other, "cu1");
        assert_int_equal(insert(&there, &masked, NULL), 0);
        buf_clear(&backup);
        EVP_PKEY_free(owner.key);
        hsm_free(other);
}

static void restores_go_into_unowned_partitions_only(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), preco;
        struct hsm *owned = hsm_new();
        struct buf backup;
        uint64_t stream;

        assert_int_equal(take_backup(&co, false, &backup), 0);
        assert_int_equal(send_backup(&co, &backup, &stream),
                         ERR_LIFE_CYCLE); /* the source itself, activated */
        hsm_own(owned, &preco);
        assert_int_equal(caller_login(&preco, 6, "admin", "tenantadmin"), 0);
        assert_int_equal(send_backup(&preco, &backup, &stream), ERR_LIFE_CYCLE);
        hsm_free(owned);
        buf_clear(&backup);
}

static void who_may_make_one(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu1 = caller_cu(h, "cu1"), nobody = caller_new(h);
        struct buf out;

        assert_int_equal(take_backup(&nobody, false, &out), ERR_NOT_LOGGED_IN);
        assert_int_equal(take_backup(&cu1, false, &out), ERR_ROLE);
        assert_int_equal(take_backup(&cu1, true, &out), 0);
        buf_clear(&out);
        h->no_room = true;
        assert_int_equal(take_backup(&co, false, &out), ERR_FILE);
        h->no_room = false;
}

static uint32_t try_manifest(struct caller *c, uint64_t *stream)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__OpenBackupRequest open = CHSM__OPEN_BACKUP_REQUEST__INIT;
        const Chsm__Response *response;

        open.manifest_only = true;
        r.open_backup = &open;
        r.body_case = CHSM__REQUEST__BODY_OPEN_BACKUP;
        response = ask(c, &r);
        *stream = response->status ? 0 : response->backup->stream;
        return response->reason;
}

static uint64_t open_manifest(struct caller *c)
{
        uint64_t stream;

        assert_int_equal(try_manifest(c, &stream), 0);
        return stream;
}

static uint32_t read_manifest(struct caller *c, uint64_t stream)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ReadBackupRequest part = CHSM__READ_BACKUP_REQUEST__INIT;

        part.stream = stream;
        r.read_backup = &part;
        r.body_case = CHSM__REQUEST__BODY_READ_BACKUP;
        return ask(c, &r)->reason;
}

/* Whoever does not fetch what he asked for loses it by asking for more; others do not. */
static void nobody_takes_all_places(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu1 = caller_cu(h, "cu1");
        uint64_t others = open_manifest(&cu1), first = open_manifest(&co), last = 0;

        for (int i = 0; i < 20; i++)
                last = open_manifest(&co);
        assert_int_equal(read_manifest(&co, first), ERR_OPERATION_MISSING);
        assert_int_equal(read_manifest(&co, last), 0);
        assert_int_equal(read_manifest(&cu1, last), ERR_OPERATION_MISSING);
        assert_int_equal(read_manifest(&cu1, others), 0);
}

/* While a request works on its place nobody takes that away, so the next of this user is refused. */
static void places_that_are_worked_on_count(void **state)
{
        struct hsm *h = *state;
        struct vault_call call = { .vault = h->vault, .login = { .user_id = 77 } },
                          other = { .vault = h->vault, .login = { .user_id = 78 } };
        uint64_t first = vault_spool_new(&call, &(int){ 0 }), second = vault_spool_new(&call, &(int){ 0 }),
                 third;

        assert_true(first && second);
        assert_int_equal(vault_spool_new(&call, &(int){ 0 }), 0);
        assert_int_equal(call.err.id, ERR_RETRY);
        third = vault_spool_new(&other, &(int){ 0 });
        assert_true(third);
        vault_spool_done(&call, first, true);
        assert_true(vault_spool_new(&call, &(int){ 0 }));
        assert_int_equal(vault_spool_take(&call, first), -1);
        vault_spool_done(&call, second, false);
        vault_spool_done(&other, third, false);
}

/* Those who fetch nothing hold two places each, and there are sixteen. */
static void places_end(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), late = caller_cu(h, "cu1");
        uint64_t stream;

        for (int i = 0; i < 8; i++) {
                char name[8];
                struct caller c;

                (void)snprintf(name, sizeof(name), "many%d", i);
                assert_int_equal(caller_create_user(&co, 1, name, "user1234"), 0);
                c = caller_cu(h, name);
                (void)open_manifest(&c);
                (void)open_manifest(&c);
        }
        assert_int_equal(try_manifest(&late, &stream), ERR_RETRY);
}

/* An RSA key of somebody who is not the owner. */
static struct owner pretender(struct hsm *h)
{
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct crypto_key *own, *pub;
        struct owner o;
        struct sec *der;
        const uint8_t *p;

        assert_true(crypto_key_pair_generate(h->crypto, &spec, &own, &pub, &h->err));
        der = crypto_key_material(own, &h->err);
        p = sec_slice(der).p;
        o.key = d2i_AutoPrivateKey(NULL, &p, (long)sec_size(der));
        sec_free(&der);
        crypto_key_unref(&own);
        crypto_key_unref(&pub);
        return o;
}

/* What happens after the backup; *newest: the manifest that the user himself keeps. */
static void things_go_on(struct hsm *h, struct named *key, struct buf *newest)
{
        struct caller co = caller_co(h), cu1 = caller_cu(h, "cu1");
        struct named later;

        assert_int_equal(close_account(&cu1, "cu1"), 0);
        assert_int_equal(destroy(&cu1, key), 0);
        assert_int_equal(make_aes(&cu1, true, NULL, &later), 0);
        assert_int_equal(caller_create_user(&co, 1, "later", "user1234"), 0);
        assert_int_equal(set_password(&co, "cu2", "newer1234"), 0);
        assert_int_equal(caller_set_policy(&co, "wrap_strength", "2"), 0);
        cu1 = caller_cu(h, "cu1");
        assert_int_equal(take_backup(&cu1, true, newest), 0);
}

static void undone_in(const char *statement)
{
        assert_non_null(strstr(statement, "officers get back their power over user 'cu1'"));
        assert_non_null(strstr(statement, "user 'cu2' (id 4) gets back the password"));
        assert_non_null(strstr(statement, "user 'later' (id 5) is lost"));
        assert_non_null(strstr(statement, "- 1 keys come back that were deleted: "));
        assert_non_null(strstr(statement, "- 1 keys are lost that were made later: "));
        assert_non_null(strstr(statement, "'wrap_strength' goes back to 1 from 2"));
}

/* The owner's consent to one statement is none to another, nor for another HSM. */
static void consent_is_for_one_restore(struct restore *r, const struct buf *backup, const struct buf *newest,
                                       struct owner *owner)
{
        struct given good = r->signature;
        struct caller second;
        struct hsm *third = fresh_hsm(&second);
        struct restore elsewhere = { .caller = &second };

        assert_int_equal(restore_plan(r, backup, NULL, owner), 0);
        assert_null(strstr(r->statement, "officers get back"));
        r->signature = good;
        assert_int_equal(restore_commit(r), ERR_BACKUP_CONSENT);
        assert_int_equal(restore_plan(&elsewhere, backup, newest, owner), 0);
        elsewhere.signature = good;
        assert_int_equal(restore_commit(&elsewhere), ERR_BACKUP_CONSENT);
        hsm_free(third);
}

/* The documented hole: an officer takes a backup, the user closes his account to officers, and the officer
 * restores the backup elsewhere to get back his power over the user. He needs the owner, who is told. */
static void an_old_backup_does_not_undo_disable_user_access(void **state)
{
        struct hsm *h = *state, *other;
        struct owner owner = owner_of(h), officer = pretender(h);
        struct caller co = caller_co(h), cu1 = caller_cu(h, "cu1"), preco;
        struct restore r = { .caller = &preco };
        struct named key;
        struct buf backup, newest, latest;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(take_backup(&co, false, &backup), 0);
        things_go_on(h, &key, &newest);
        other = fresh_hsm(&preco);
        assert_int_equal(restore_plan(&r, &backup, &newest, &officer), 0);
        undone_in(r.statement);
        assert_int_equal(restore_commit(&r), ERR_BACKUP_CONSENT);
        assert_int_equal(restore_plan(&r, &backup, &newest, &owner), 0);
        consent_is_for_one_restore(&r, &backup, &newest, &owner);
        assert_int_equal(vault_state(other->vault), 1);
        /* Something older is not presented as the newest; the latest backup undoes nothing. */
        assert_int_equal(take_backup(&co, false, &latest), 0);
        assert_int_equal(restore_plan(&r, &latest, &newest, &owner), ERR_ARGUMENT);
        assert_int_equal(restore_plan(&r, &latest, &latest, &owner), 0);
        assert_non_null(strstr(r.statement, "undoes nothing"));
        assert_int_equal(restore_commit(&r), 0);
        hsm_restart(other);
        co = caller_co(other);
        assert_int_equal(set_password(&co, "cu1", "mine12345"), ERR_USER_CLOSED);
        buf_clear(&backup);
        buf_clear(&newest);
        buf_clear(&latest);
        EVP_PKEY_free(owner.key);
        EVP_PKEY_free(officer.key);
        hsm_free(other);
}

/* The key's way is to this partition: what the owner encrypted to another opens nothing here. */
static void the_unlocked_key_is_for_one_hsm(void **state)
{
        struct hsm *h = *state, *a, *b;
        struct owner owner = owner_of(h);
        struct caller co = caller_co(h), preco_a, preco_b;
        struct restore ra = { .caller = &preco_a }, rb = { .caller = &preco_b };
        struct buf backup;

        assert_int_equal(take_backup(&co, false, &backup), 0);
        a = fresh_hsm(&preco_a);
        b = fresh_hsm(&preco_b);
        assert_int_equal(restore_plan(&ra, &backup, NULL, &owner), 0);
        assert_int_equal(restore_plan(&rb, &backup, NULL, &owner), 0);
        rb.unlock = ra.unlock;
        assert_int_equal(restore_commit(&rb), ERR_BACKUP_KEY);
        assert_int_equal(vault_state(b->vault), 1);
        /* Nothing of the secrets stands in the file: not the master key, not a password's hash. */
        for (size_t i = 0; i + 9 < backup.n; i++)
                assert_true(memcmp(backup.p + i, "$argon2id", 9) != 0);
        buf_clear(&backup);
        EVP_PKEY_free(owner.key);
        hsm_free(a);
        hsm_free(b);
}

/* The node's own backup, with the epoch counted on across restarts. */
static void the_node_makes_its_own(void **state)
{
        struct hsm *h = *state;
        struct vault_backup_info info;
        FILE *file = tmpfile();
        struct err err = ERR_INIT;

        assert_true(vault_backup_now(h->vault, fileno(file), &info, &err));
        assert_int_equal(info.epoch, 1);
        assert_true(info.records > 10);
        hsm_restart(h);
        assert_true(vault_backup_now(h->vault, fileno(file), &info, &err));
        assert_int_equal(info.epoch, 2);
        fclose(file);
        {
                struct hsm *unowned = hsm_new();

                file = tmpfile();
                assert_false(vault_backup_now(unowned->vault, fileno(file), &info, &err));
                assert_int_equal(err.id, ERR_LIFE_CYCLE);
                fclose(file);
                hsm_free(unowned);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_partition_comes_back_in_another_hsm, begin, end),
                cmocka_unit_test_setup_teardown(restores_go_into_unowned_partitions_only, begin, end),
                cmocka_unit_test_setup_teardown(who_may_make_one, begin, end),
                cmocka_unit_test_setup_teardown(nobody_takes_all_places, begin, end),
                cmocka_unit_test_setup_teardown(places_that_are_worked_on_count, begin, end),
                cmocka_unit_test_setup_teardown(places_end, begin, end),
                cmocka_unit_test_setup_teardown(an_old_backup_does_not_undo_disable_user_access, begin, end),
                cmocka_unit_test_setup_teardown(the_unlocked_key_is_for_one_hsm, begin, end),
                cmocka_unit_test_setup_teardown(the_node_makes_its_own, begin, end),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
