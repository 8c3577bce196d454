/* How often keys were used: what counts, what a kill may lose, who is told. */
#include "calls.h"
#include "vault/uses.h"

static const Chsm__ObjectInfoResponse *info(struct caller *c, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ObjectInfoRequest in = CHSM__OBJECT_INFO_REQUEST__INIT;
        const Chsm__Response *answer;

        in.object = &key->ref;
        r.object_info = &in;
        r.body_case = CHSM__REQUEST__BODY_OBJECT_INFO;
        answer = ask(c, &r);
        assert_int_equal(answer->status, 0);
        return answer->object_info;
}

static uint64_t uses(struct caller *c, struct named *key)
{
        return info(c, key)->uses;
}

static void store_now(struct hsm *h)
{
        if (!vault_store_uses(h->vault, true, &h->err))
                fail_msg("%s", h->err.detail);
}

static void successful_uses_count(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct named key, other, back;
        struct attributes more = { .n = 0 };
        struct given given, wrapped;
        int64_t base;

        (void)state;
        add_bool(&more, CKA_ENCRYPT, true);
        add_bool(&more, CKA_DECRYPT, true);
        add_bool(&more, CKA_WRAP, true);
        add_bool(&more, CKA_UNWRAP, true);
        base = h->wall_ms;
        assert_int_equal(make_aes(&cu, true, &more, &key), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &other), 0);
        assert_int_equal(uses(&cu, &key), 0);
        assert_int_equal(info(&cu, &key)->last_used_ms, 0);
        assert_int_equal(info(&cu, &key)->made_ms, base);
        h->wall_ms += 1000;
        assert_int_equal(use_encrypt(&cu, &key, &given), 0);
        assert_int_equal(uses(&cu, &key), 1);
        assert_int_equal(info(&cu, &key)->last_used_ms, base + 1000);
        assert_int_equal(use_decrypt(&cu, &key, &given), 0);
        assert_int_equal(use_wrap(&cu, &key, &other, &wrapped), 0);
        assert_int_equal(uses(&cu, &key), 3);
        assert_int_equal(uses(&cu, &other), 0); /* it was moved, not used */
        more.n = 0;
        assert_int_equal(use_unwrap(&cu, &key, &wrapped, &more, &back), 0);
        assert_int_equal(uses(&cu, &key), 4);
        assert_int_not_equal(use_sign(&cu, &key, CKM_AES_CMAC, &given), 0); /* refused: CKA_SIGN=FALSE */
        wrapped.p[0] ^= 1;
        assert_int_not_equal(use_unwrap(&cu, &key, &wrapped, &more, &back), 0); /* failed */
        assert_int_equal(uses(&cu, &key), 4);
        assert_int_equal(info(&cu, &key)->last_used_ms, base + 1000);
        hsm_free(h);
}

static void a_change_of_the_key_keeps_the_count(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");
        struct attributes label = { .n = 0 };
        struct given given;
        struct named key;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(use_encrypt(&cu, &key, &given), 0);
        add_bytes(&label, CKA_LABEL, SLICE_LIT("renamed"));
        assert_int_equal(set_attribute(&cu, &key, &label), 0);
        assert_int_equal(share_object(&cu, &key, other.user_id, true), 0);
        assert_int_equal(use_encrypt(&other, &key, &given), 0);
        assert_int_equal(uses(&cu, &key), 2);
        assert_false(info(&other, &key)->life); /* the owner's business */
        assert_int_equal(uses(&other, &key), 0);
        hsm_free(h);
}

static void what_is_stored_survives_a_kill(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct given given;
        struct named key, often;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &often), 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(use_encrypt(&cu, &often, &given), 0);
        assert_int_equal(use_encrypt(&cu, &key, &given), 0);
        store_now(h);
        assert_int_equal(uses(&cu, &often), 5); /* not twice */
        assert_int_equal(uses(&cu, &key), 1);
        store_now(h); /* nothing new */
        assert_int_equal(use_encrypt(&cu, &often, &given), 0);
        assert_int_equal(uses(&cu, &often), 6);
        hsm_restart(h); /* vault_close stores nothing: as a kill */
        assert_int_equal(uses(&cu, &often), 5);
        assert_int_equal(uses(&cu, &key), 1);
        assert_true(info(&cu, &key)->last_used_ms > 0);
        assert_int_equal(use_encrypt(&cu, &often, &given), 0);
        store_now(h);
        hsm_restart(h);
        assert_int_equal(uses(&cu, &often), 6);
        hsm_free(h);
}

static void the_window_is_kept(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct given given;
        struct named key;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(use_encrypt(&cu, &key, &given), 0);
        store_now(h);
        assert_int_equal(use_encrypt(&cu, &key, &given), 0);
        assert_true(vault_store_uses(h->vault, false, &h->err)); /* it is not time */
        hsm_restart(h);
        assert_int_equal(uses(&cu, &key), 1);
        hsm_free(h);
}

static bool count_one(void *arg, const struct store_event *e)
{
        size_t *n = arg;

        (void)e;
        (*n)++;
        return true;
}

static size_t records(struct hsm *h)
{
        size_t n = 0;
        store_rev at;

        assert_int_equal(store_load(h->store, SLICE_LIT("y/"), count_one, &n, &at, &h->err), STORE_OK);
        return n;
}

static void deleted_keys_leave_no_count(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct named keys[60];
        struct given given;

        (void)state;
        for (int i = 0; i < 60; i++) {
                assert_int_equal(make_aes(&cu, true, NULL, &keys[i]), 0);
                assert_int_equal(use_encrypt(&cu, &keys[i], &given), 0);
        }
        assert_int_equal(destroy(&cu, &keys[30]), 0); /* among those to be stored: the others are */
        store_now(h);
        store_now(h);
        assert_int_equal(records(h), 59);
        hsm_restart(h);
        for (int i = 0; i < 60; i++) {
                if (i != 30)
                        assert_int_equal(uses(&cu, &keys[i]), 1);
        }
        assert_int_equal(destroy(&cu, &keys[0]), 0);
        assert_int_equal(records(h), 58);
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(successful_uses_count),
                cmocka_unit_test(a_change_of_the_key_keeps_the_count),
                cmocka_unit_test(what_is_stored_survives_a_kill),
                cmocka_unit_test(the_window_is_kept),
                cmocka_unit_test(deleted_keys_leave_no_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
