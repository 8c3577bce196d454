/* Keys in shares: what shares and joined keys may do, and who may make them. */
#include "calls.h"

static const Chsm__Response *split(struct caller *c, struct named *key, uint32_t threshold, uint32_t n,
                                   struct attributes *a)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SplitKeyRequest in = CHSM__SPLIT_KEY_REQUEST__INIT;

        in.key = &key->ref;
        in.threshold = threshold;
        in.shares = n;
        attributes_lend(a, &in.template_, &in.n_template_);
        request.split_key = &in;
        request.body_case = CHSM__REQUEST__BODY_SPLIT_KEY;
        return ask(c, &request);
}

/* Two token shares of a key; the CKR_ value. */
static uint32_t split_two(struct caller *c, struct named *key, struct named shares[2])
{
        struct attributes a = { .n = 0 };
        const Chsm__Response *r;

        add_bool(&a, CKA_TOKEN, true);
        r = split(c, key, 2, 2, &a);
        for (size_t i = 0; r->status == 0 && i < 2; i++)
                name_object(&shares[i], r->derived->objects[i]);
        return r->status;
}

static uint32_t join(struct caller *c, struct named shares[2], struct attributes *a, struct named *out)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__JoinKeyRequest in = CHSM__JOIN_KEY_REQUEST__INIT;
        Chsm__ObjectRef *list[] = { &shares[0].ref, &shares[1].ref };
        const Chsm__Response *r;

        add_number(a, CKA_KEY_TYPE, CKK_AES);
        in.shares = list;
        in.n_shares = 2;
        attributes_lend(a, &in.template_, &in.n_template_);
        request.join_key = &in;
        request.body_case = CHSM__REQUEST__BODY_JOIN_KEY;
        r = ask(c, &request);
        if (r->status == 0)
                name_object(out, r->object);
        return r->status;
}

static void as_protected(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct attributes a = { .n = 0 }, plain = { .n = 0 }, loose = { .n = 0 }, readable = { .n = 0 };
        struct named key, shares[2], joined, w;
        struct given blob;

        (void)state;
        add_bool(&a, CKA_EXTRACTABLE, true);
        add_bool(&a, CKA_WRAP_WITH_TRUSTED, true);
        assert_int_equal(make_aes(&cu, true, &a, &key), 0);
        assert_int_equal(split_two(&cu, &key, shares), 0);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(flag_of(&cu, &shares[i], CKA_WRAP_WITH_TRUSTED), 1);
                assert_int_equal(flag_of(&cu, &shares[i], CKA_SENSITIVE), 1);
                assert_int_equal(flag_of(&cu, &shares[i], CKA_SIGN), 0);
                assert_int_equal(flag_of(&cu, &shares[i], CKA_DERIVE), 0);
                assert_int_equal(flag_of(&cu, &shares[i], CKA_LOCAL), 0);
        }
        assert_int_equal(make_aes(&cu, false, NULL, &w), 0);
        assert_int_not_equal(use_wrap(&cu, &w, &shares[0], &blob), 0);
        assert_int_equal(join(&cu, shares, &plain, &joined), 0);
        assert_int_equal(flag_of(&cu, &joined, CKA_WRAP_WITH_TRUSTED), 1);
        assert_int_equal(flag_of(&cu, &joined, CKA_NEVER_EXTRACTABLE), 0);
        assert_int_not_equal(use_wrap(&cu, &w, &joined, &blob), 0);
        add_bool(&loose, CKA_WRAP_WITH_TRUSTED, false);
        assert_int_equal(join(&cu, shares, &loose, &joined), CKR_TEMPLATE_INCONSISTENT);
        add_bool(&readable, CKA_SENSITIVE, false);
        assert_int_equal(join(&cu, shares, &readable, &joined), CKR_TEMPLATE_INCONSISTENT);
        hsm_free(h);
}

/* A joined key is the same key, and its trust opens nothing: its value came together from outside of it. */
static void same_value_no_trust(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h);
        struct attributes usage = { .n = 0 }, also = { .n = 0 }, protected = { .n = 0 };
        struct named key, shares[2], joined, target;
        struct given a, b;

        (void)state;
        add_bool(&usage, CKA_ENCRYPT, true);
        add_bool(&usage, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu, true, &usage, &key), 0);
        assert_int_equal(split_two(&cu, &key, shares), 0);
        add_bool(&also, CKA_ENCRYPT, true);
        add_bool(&also, CKA_WRAP, true);
        add_bool(&also, CKA_TOKEN, true);
        assert_int_equal(join(&cu, shares, &also, &joined), 0);
        assert_int_equal(use_encrypt(&cu, &key, &a), 0);
        assert_int_equal(use_encrypt(&cu, &joined, &b), 0);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.p, b.p, a.n);
        assert_int_equal(destroy(&cu, &key), 0); /* else there is a twin */
        assert_int_equal(set_bool(&co, &joined, CKA_TRUSTED, true), 0);
        add_bool(&protected, CKA_EXTRACTABLE, true);
        add_bool(&protected, CKA_WRAP_WITH_TRUSTED, true);
        assert_int_equal(make_aes(&cu, false, &protected, &target), 0);
        assert_int_equal(use_wrap(&cu, &joined, &target, &a), CKR_WRAPPING_KEY_HANDLE_INVALID);
        hsm_free(h);
}

/* Where roles are separate the joined key has the role of the key, or none. */
static void one_role(void **state)
{
        struct hsm *h = hsm_ready_as("verified");
        struct caller cu = caller_cu(h, "cu1");
        struct attributes usage = { .n = 0 }, signs = { .n = 0 }, wraps = { .n = 0 }, same = { .n = 0 };
        struct named key, shares[2], joined;

        (void)state;
        add_bool(&usage, CKA_ENCRYPT, true);
        add_bool(&usage, CKA_DECRYPT, true);
        assert_int_equal(make_aes(&cu, true, &usage, &key), 0);
        assert_int_equal(split_two(&cu, &key, shares), 0);
        add_bool(&signs, CKA_SIGN, true);
        assert_int_equal(join(&cu, shares, &signs, &joined), CKR_TEMPLATE_INCONSISTENT);
        add_bool(&wraps, CKA_WRAP, true);
        assert_int_equal(join(&cu, shares, &wraps, &joined), CKR_TEMPLATE_INCONSISTENT);
        add_bool(&same, CKA_DECRYPT, true);
        assert_int_equal(join(&cu, shares, &same, &joined), 0);
        hsm_free(h);
}

static void refusals(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2"), co = caller_co(h);
        struct attributes one = { .n = 0 }, many = { .n = 0 }, usage = { .n = 0 }, id = { .n = 0 },
                          none = { .n = 0 };
        struct named key, shares[2], joined, trusted;
        size_t before;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        before = count_objects(&cu, NULL);
        assert_int_equal(split(&cu, &key, 1, 2, &one)->status, CKR_ARGUMENTS_BAD);
        assert_int_equal(split(&cu, &key, 2, 9, &many)->status, CKR_ARGUMENTS_BAD);
        add_bool(&usage, CKA_SIGN, true);
        assert_int_equal(split(&cu, &key, 2, 2, &usage)->status, CKR_TEMPLATE_INCONSISTENT);
        add_bytes(&id, CKA_ID, slice_str("one for all"));
        assert_int_equal(split(&cu, &key, 2, 2, &id)->status, CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(split_two(&other, &key, shares), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(share_object(&cu, &key, other.user_id, true), 0);
        assert_int_equal(split_two(&other, &key, shares), CKR_ACTION_PROHIBITED);
        assert_int_equal(make_aes(&cu, true, NULL, &trusted), 0);
        assert_int_equal(set_bool(&co, &trusted, CKA_TRUSTED, true), 0);
        assert_int_equal(split_two(&cu, &trusted, shares), CKR_KEY_FUNCTION_NOT_PERMITTED);
        shares[0] = shares[1] = key; /* no shares */
        assert_int_equal(join(&cu, shares, &none, &joined), CKR_WRAPPED_KEY_INVALID);
        assert_int_equal(count_objects(&cu, NULL), before + 1);
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(as_protected),
                cmocka_unit_test(same_value_no_trust),
                cmocka_unit_test(one_role),
                cmocka_unit_test(refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
