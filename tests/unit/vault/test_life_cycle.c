/* From the factory to an owned partition, and every wrong step on the way. */
#include "hsm.h"

#include "crypto/cert.h"
#include "vault/cluster.h"
#include "vault/core.h"

static const Chsm__Response *hello(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__HelloRequest in = CHSM__HELLO_REQUEST__INIT;

        r.hello = &in;
        r.body_case = CHSM__REQUEST__BODY_HELLO;
        return ask(c, &r);
}

static void a_new_node_waits_for_its_owner(void **state)
{
        struct hsm *h = hsm_new();
        struct caller c = caller_new(h);
        struct named o;

        (void)state;
        assert_int_equal(hello(&c)->hello->state, VAULT_UNOWNED);
        assert_int_equal(caller_login(&c, 6, "admin", "wrong password"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&c, 6, "admin", "tenantadmin"), 0);
        assert_int_not_equal(caller_create_user(&c, 1, "cu1", "user1234"), 0);
        assert_int_not_equal(make_aes(&c, true, NULL, &o), 0);
        hsm_free(h);
}

static void the_ceremony_goes_in_its_order(void **state)
{
        struct hsm *h = hsm_new(), *other = hsm_new();
        struct caller c = caller_new(h);
        struct crypto_cert_name name = { .cn = "thief" };
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct crypto_key *key, *pub;
        struct buf der = BUF_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(h->crypto, &spec, &key, &pub, &h->err));
        assert_true(
            crypto_cert_issue(h->crypto, key, &name, key, SLICE_EMPTY, true, 365, h->wall_ms, &der, &h->err));
        assert_int_equal(caller_store_cert(&c, 4, buf_slice(&der)), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(caller_login(&c, 6, "admin", "tenantadmin"), 0);
        assert_int_not_equal(caller_store_cert(&c, 8, buf_slice(&der)), 0);
        assert_int_not_equal(caller_store_cert(&c, 16, buf_slice(&der)), 0);
        hsm_ceremony(h);
        assert_int_equal(caller_store_cert(&c, 4, buf_slice(&der)),
                         CKR_USER_NOT_LOGGED_IN); /* his ticket is void */
        c = caller_new(h);
        assert_int_equal(hello(&c)->hello->state, VAULT_ACTIVATED);
        assert_int_equal(caller_login(&c, 2, "admin", "admin1234"), 0);
        assert_int_not_equal(caller_store_cert(&c, 4, buf_slice(&der)), 0);
        buf_clear(&der);
        crypto_key_unref(&key);
        crypto_key_unref(&pub);
        hsm_free(h);
        hsm_free(other);
}

static void a_certificate_of_another_key_is_refused(void **state)
{
        struct hsm *h = hsm_new();
        struct caller c = caller_new(h);
        struct crypto_cert_name name = { .cn = "owner" };
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct crypto_key *key, *pub;
        struct buf owner = BUF_INIT, poac = BUF_INIT;

        (void)state;
        assert_true(crypto_key_pair_generate(h->crypto, &spec, &key, &pub, &h->err));
        assert_true(crypto_cert_issue(h->crypto, key, &name, key, SLICE_EMPTY, true, 365, h->wall_ms, &owner,
                                      &h->err));
        assert_true(crypto_cert_issue(h->crypto, pub, &name, key, buf_slice(&owner), false, 365, h->wall_ms,
                                      &poac, &h->err));
        assert_int_equal(caller_login(&c, 6, "admin", "tenantadmin"), 0);
        assert_int_equal(caller_store_cert(&c, 4, buf_slice(&owner)), 0);
        assert_int_not_equal(caller_store_cert(&c, 8, buf_slice(&poac)), 0);
        assert_int_equal(hello(&c)->hello->state, VAULT_UNOWNED);
        buf_clear(&owner);
        buf_clear(&poac);
        crypto_key_unref(&key);
        crypto_key_unref(&pub);
        hsm_free(h);
}

static void everything_is_there_after_a_restart(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct attributes wanted = { .n = 0 };
        struct named key;
        uint32_t handle;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        handle = (uint32_t)key.ref.handle;
        hsm_restart(h);
        assert_int_equal(hello(&cu)->hello->state, VAULT_ACTIVATED);
        assert_int_equal(count_objects(&cu, &wanted), 1); /* with the ticket from before */
        assert_int_equal(destroy(&cu, &key), 0);
        hsm_restart(h);
        assert_int_equal(count_objects(&cu, &wanted), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_true(key.ref.handle > handle); /* a handle is never given twice */
        hsm_free(h);
}

static void a_node_without_its_master_key_stays_shut(void **state)
{
        struct hsm *h = hsm_new();
        struct err err = ERR_INIT;
        struct vault_deps deps = { .store = h->store, .crypto = h->crypto, .clock = clock_system() };

        (void)state;
        vault_close(&h->vault);
        store_close(&h->store);
        h->store = store_open(&(struct store_config){ .engine = "sqlite", .path = h->folder }, &err);
        assert_non_null(h->store);
        deps.store = h->store;
        deps.config.node_number = 2; /* no key is sealed for that node */
        assert_null(vault_open(&deps, &err));
        assert_int_equal(err.id, ERR_STORE_DAMAGED);
        hsm_free(h);
}

/* What the store's engine tells the vault in a cluster, told by hand: SQLite is never out of reach. */
static void a_node_that_is_cut_off_serves_for_a_while(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), stranger = caller_new(h);
        struct clock clock = clock_system();
        struct vault_cluster_metrics metrics;
        struct named key;

        (void)state;
        atomic_store(&h->vault->cut_off_ms, clock_mono_ms(&clock) - 59000);
        assert_int_equal(make_aes(&cu, false, NULL, &key), 0);
        assert_in_range(hello(&stranger)->stale_ms, 59000, 60000);
        vault_cluster_metrics(h->vault, &metrics);
        assert_int_equal(metrics.answered_cut_off, 2);
        atomic_store(&h->vault->cut_off_ms, clock_mono_ms(&clock) - 61000);
        assert_int_equal(make_aes(&cu, false, NULL, &key), CKR_DEVICE_ERROR);
        assert_non_null(strstr(h->detail, "stale_limit_s"));
        assert_int_equal(hello(&stranger)->status, 0);
        atomic_store(&h->vault->cut_off_ms, 0);
        assert_int_equal(make_aes(&cu, false, NULL, &key), 0);
        assert_int_equal(hello(&stranger)->stale_ms, 0);
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_node_waits_for_its_owner),
                cmocka_unit_test(the_ceremony_goes_in_its_order),
                cmocka_unit_test(a_certificate_of_another_key_is_refused),
                cmocka_unit_test(everything_is_there_after_a_restart),
                cmocka_unit_test(a_node_without_its_master_key_stays_shut),
                cmocka_unit_test(a_node_that_is_cut_off_serves_for_a_while),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
