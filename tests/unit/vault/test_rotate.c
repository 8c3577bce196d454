/* Rotation and retirement: what follows, what does not, what each version may do, and that no power is
 * gained. */
#include "calls.h"
#include "vault/object.h"
#include "vault/version.h"

static const Chsm__Response *rotate_with(struct caller *c, struct named *key, const char *from,
                                         const char *until)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RotateKeyRequest in = CHSM__ROTATE_KEY_REQUEST__INIT;

        in.key = &key->ref;
        in.start_date = (ProtobufCBinaryData){ strlen(from), (uint8_t *)(uintptr_t)from };
        in.end_date = (ProtobufCBinaryData){ strlen(until), (uint8_t *)(uintptr_t)until };
        r.rotate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_ROTATE_KEY;
        return ask(c, &r);
}

static uint32_t rotate(struct caller *c, struct named *key, struct named *fresh)
{
        const Chsm__Response *answer = rotate_with(c, key, "", "");

        if (answer->status == 0 && fresh)
                name_object(fresh, answer->object);
        return answer->status;
}

static uint32_t rotate_pair(struct caller *c, struct named *key, struct named *pub, struct named *priv)
{
        const Chsm__Response *answer = rotate_with(c, key, "", "");

        if (answer->status == 0) {
                name_object(pub, answer->key_pair->public_key);
                name_object(priv, answer->key_pair->private_key);
        }
        return answer->status;
}

static uint32_t retire(struct caller *c, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RetireKeyRequest in = CHSM__RETIRE_KEY_REQUEST__INIT;

        in.key = &key->ref;
        r.retire_key = &in;
        r.body_case = CHSM__REQUEST__BODY_RETIRE_KEY;
        return ask(c, &r)->status;
}

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

static void same_attribute(struct caller *c, struct named *a, struct named *b, uint64_t type)
{
        uint8_t left[1200], right[1200];
        size_t n = 0, m = 0;

        assert_int_equal(get_attribute(c, a, type, left, sizeof(left), &n), 0);
        assert_int_equal(get_attribute(c, b, type, right, sizeof(right), &m), 0);
        assert_int_equal(n, m);
        assert_memory_equal(left, right, n);
}

static uint32_t history_of(struct hsm *h, struct named *key)
{
        struct vault_object *o = vault_objects_find(h->vault, (uint32_t)key->ref.handle);
        uint32_t history = o->history;

        vault_object_unref(&o);
        return history;
}

static void make_named(struct caller *cu, struct named *key)
{
        struct attributes more = { .n = 0 };

        add_bytes(&more, CKA_LABEL, SLICE_LIT("payments"));
        add_bytes(&more, CKA_ID, SLICE_LIT("p1"));
        add_bool(&more, CKA_ENCRYPT, true);
        add_bool(&more, CKA_DECRYPT, true);
        add_bool(&more, CKA_WRAP, true);
        add_bool(&more, CKA_UNWRAP, true);
        add_bool(&more, CKA_SIGN, true);
        add_bool(&more, CKA_VERIFY, true);
        add_bool(&more, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(cu, true, &more, key), 0);
}

static void versions_and_what_they_may(void **state)
{
        static const uint64_t same[] = {
                CKA_LABEL,       CKA_ID,        CKA_KEY_TYPE,          CKA_VALUE_LEN,
                CKA_EXTRACTABLE, CKA_SENSITIVE, CKA_WRAP_WITH_TRUSTED, CKA_CHSM_KEY_FAMILY
        };
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), sharer = caller_cu(h, "cu2");
        struct given given, secret, mac, ignored;
        struct named first, second, third, target;
        const Chsm__ObjectInfoResponse *r;

        (void)state;
        make_named(&cu, &first);
        make_named(&sharer, &target); /* the same label; another family */
        assert_int_equal(share_object(&cu, &first, sharer.user_id, true), 0);
        assert_int_equal(use_encrypt(&cu, &first, &secret), 0);
        assert_int_equal(use_sign(&cu, &first, CKM_AES_CMAC, &mac), 0);
        assert_int_equal(info(&cu, &first)->version, 1);
        assert_int_equal(info(&cu, &first)->n_versions, 0);
        assert_int_equal(rotate(&cu, &first, &second), 0);
        assert_int_not_equal(first.ref.handle, second.ref.handle);
        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
                same_attribute(&cu, &first, &second, same[i]);
        /* The old one opens and verifies, and makes nothing. */
        assert_int_equal(use_decrypt(&cu, &first, &secret), 0);
        assert_int_equal(use_verify(&cu, &first, CKM_AES_CMAC, &mac), 0);
        assert_int_equal(use_encrypt(&cu, &first, &given), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(use_sign(&cu, &first, CKM_AES_CMAC, &given), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(use_encrypt(&cu, &second, &given), 0);
        assert_int_not_equal(memcmp(given.p, secret.p, given.n), 0); /* another value */
        /* The sharer has the new one too. */
        assert_int_equal(use_encrypt(&sharer, &second, &ignored), 0);
        assert_memory_equal(given.p, ignored.p, given.n);
        assert_int_equal(rotate(&cu, &first, NULL), CKR_ACTION_PROHIBITED);
        assert_non_null(strstr(h->detail, "version 1"));
        assert_int_equal(rotate(&cu, &second, &third), 0);
        r = info(&sharer, &second);
        assert_int_equal(r->version, 2);
        assert_int_equal(r->state, CHSM_KEY_SUPERSEDED);
        assert_int_equal(r->n_versions, 3);
        for (uint32_t i = 0; i < 3; i++)
                assert_int_equal(r->versions[i]->version, i + 1);
        assert_int_equal(r->versions[2]->handle, third.ref.handle);
        assert_int_equal(r->versions[2]->state, CHSM_KEY_CURRENT);
        hsm_restart(h);
        assert_int_equal(info(&cu, &first)->n_versions, 3);
        hsm_free(h);
}

static void retired_versions_do_nothing(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");
        struct named first, second, copy;
        struct attributes none = { .n = 0 };
        struct given secret;

        (void)state;
        make_named(&cu, &first);
        assert_int_equal(use_encrypt(&cu, &first, &secret), 0);
        assert_int_equal(retire(&cu, &first), CKR_ACTION_PROHIBITED); /* the current one */
        assert_non_null(strstr(h->detail, "rotateKey"));
        assert_int_equal(rotate(&cu, &first, &second), 0);
        assert_int_equal(share_object(&cu, &first, other.user_id, true), 0);
        assert_int_equal(retire(&other, &first), CKR_ACTION_PROHIBITED);
        assert_int_equal(retire(&cu, &first), 0);
        assert_int_equal(retire(&cu, &first), CKR_ACTION_PROHIBITED);
        assert_int_equal(use_decrypt(&cu, &first, &secret), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(info(&cu, &first)->state, CHSM_KEY_RETIRED);
        /* Nothing gives it back: not a change, not a copy. */
        assert_int_equal(set_bool(&cu, &first, CKA_DECRYPT, true), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(copy_object(&cu, &first, &none, &copy), 0);
        assert_int_equal(use_decrypt(&cu, &copy, &secret), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(set_bool(&cu, &copy, CKA_DECRYPT, true), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(rotate(&cu, &copy, NULL), CKR_ACTION_PROHIBITED);
        assert_int_equal(info(&cu, &copy)->n_versions, 0); /* of no family */
        add_bool(&none, CKA_DECRYPT, true);
        assert_int_equal(copy_object(&cu, &first, &none, &copy), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(destroy(&cu, &first), 0);
        assert_int_equal(info(&cu, &second)->n_versions, 1);
        hsm_free(h);
}

static void superseded_versions_get_nothing_back(void **state)
{
        static const uint64_t taken[] = { CKA_ENCRYPT, CKA_SIGN, CKA_WRAP };
        static const uint8_t number[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct named first, second, copy;
        struct attributes changes;

        (void)state;
        make_named(&cu, &first);
        assert_int_equal(rotate(&cu, &first, &second), 0);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(flag_of(&cu, &first, taken[i]), 0);
                assert_int_equal(set_bool(&cu, &first, taken[i], true), CKR_ATTRIBUTE_READ_ONLY);
                changes = (struct attributes){ .n = 0 };
                add_bool(&changes, taken[i], true);
                assert_int_equal(copy_object(&cu, &first, &changes, &copy), CKR_ATTRIBUTE_READ_ONLY);
        }
        changes = (struct attributes){ .n = 0 };
        add_bytes(&changes, CKA_CHSM_KEY_STATE, slice_of(number, 8));
        assert_int_equal(set_attribute(&cu, &first, &changes), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(make_aes(&cu, true, &changes, &copy), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(set_bool(&cu, &first, CKA_DECRYPT, false), 0); /* less is the owner's business */
        assert_int_equal(set_bool(&cu, &first, CKA_DECRYPT, true), 0);
        hsm_free(h);
}

static void history_and_trust_stay_behind(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h);
        struct attributes more = { .n = 0 };
        struct named wrapping, fresh, other, target, back;
        struct given blob;

        (void)state;
        add_bool(&more, CKA_WRAP, true);
        add_bool(&more, CKA_UNWRAP, true);
        add_bool(&more, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu, true, &more, &wrapping), 0);
        assert_int_equal(set_bool(&co, &wrapping, CKA_TRUSTED, true), 0);
        more.n = 0;
        add_bool(&more, CKA_WRAP_WITH_TRUSTED, true);
        add_bool(&more, CKA_EXTRACTABLE, true);
        assert_int_equal(make_aes(&cu, true, &more, &target), 0);
        assert_int_equal(use_wrap(&cu, &wrapping, &target, &blob), 0);
        assert_int_equal(rotate(&cu, &wrapping, &fresh), 0);
        assert_int_equal(flag_of(&cu, &wrapping, CKA_TRUSTED), 1);
        assert_int_equal(flag_of(&cu, &fresh, CKA_TRUSTED), 0);
        assert_int_equal(history_of(h, &fresh) & (VAULT_HISTORY_TRUSTED | VAULT_HISTORY_WRAPPED), 0);
        assert_true(history_of(h, &wrapping) & VAULT_HISTORY_TRUSTED);
        /* The new one wraps nothing protected until an officer says so; the old one opens what it wrapped. */
        assert_int_equal(use_wrap(&cu, &fresh, &target, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(use_wrap(&cu, &wrapping, &target, &blob), CKR_KEY_FUNCTION_NOT_PERMITTED);
        more.n = 0;
        assert_int_equal(use_unwrap(&cu, &wrapping, &blob, &more, &back), 0);
        assert_int_equal(flag_of(&cu, &back, CKA_WRAP_WITH_TRUSTED), 1);
        assert_int_equal(set_bool(&co, &fresh, CKA_TRUSTED, true), 0);
        assert_int_equal(use_wrap(&cu, &fresh, &target, &blob), 0);
        /* And a key that could be read does not lose that by rotating: the old value stays what it is. */
        assert_int_equal(make_aes(&cu, true, NULL, &other), 0);
        assert_int_equal(rotate(&cu, &other, NULL), 0);
        assert_true(history_of(h, &other) & VAULT_HISTORY_EXTRACTABLE);
        hsm_free(h);
}

static void pairs_rotate_as_pairs(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct attributes pub_more = { .n = 0 }, priv_more = { .n = 0 };
        struct named pub, priv, pub2, priv2, pub3, priv3;
        struct given signature, other;

        (void)state;
        add_bytes(&pub_more, CKA_LABEL, SLICE_LIT("tls"));
        add_bytes(&priv_more, CKA_LABEL, SLICE_LIT("tls"));
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, &pub_more, &priv_more, &pub, &priv), 0);
        assert_int_equal(use_sign(&cu, &priv, CKM_ECDSA, &signature), 0);
        assert_int_equal(rotate_pair(&cu, &pub, &pub2, &priv2), 0); /* either half names the pair */
        same_attribute(&cu, &pub, &pub2, CKA_EC_PARAMS);
        same_attribute(&cu, &priv, &priv2, CKA_LABEL);
        same_attribute(&cu, &pub2, &priv2, CKA_PUBLIC_KEY_INFO);
        same_attribute(&cu, &pub, &priv2, CKA_CHSM_KEY_FAMILY);
        assert_int_equal(use_sign(&cu, &priv, CKM_ECDSA, &other), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(use_verify(&cu, &pub, CKM_ECDSA, &signature), 0);
        assert_int_equal(use_sign(&cu, &priv2, CKM_ECDSA, &other), 0);
        assert_int_equal(use_verify(&cu, &pub2, CKM_ECDSA, &other), 0);
        assert_int_not_equal(use_verify(&cu, &pub, CKM_ECDSA, &other), 0);
        assert_int_equal(info(&cu, &priv2)->n_versions, 2); /* private halves */
        /* Retirement too; and a private key without its public half gets a fresh one. */
        assert_int_equal(retire(&cu, &priv), 0);
        assert_int_equal(info(&cu, &pub)->state, CHSM_KEY_RETIRED);
        assert_int_equal(use_verify(&cu, &pub, CKM_ECDSA, &signature), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(destroy(&cu, &pub2), 0);
        assert_int_equal(rotate_pair(&cu, &priv2, &pub3, &priv3), 0);
        same_attribute(&cu, &pub3, &priv3, CKA_LABEL);
        assert_int_equal(use_sign(&cu, &priv3, CKM_ECDSA, &other), 0);
        assert_int_equal(use_verify(&cu, &pub3, CKM_ECDSA, &other), 0);
        assert_int_equal(info(&cu, &pub3)->version, 3);
        assert_int_equal(destroy(&cu, &priv3), 0);
        assert_int_equal(rotate_pair(&cu, &pub3, &pub2, &priv2), CKR_KEY_HANDLE_INVALID);
        hsm_free(h);
}

static void rsa_keeps_its_size(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        struct named pub, priv, pub2, priv2;
        struct given signature;

        (void)state;
        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        assert_int_equal(rotate_pair(&cu, &priv, &pub2, &priv2), 0);
        same_attribute(&cu, &pub, &pub2, CKA_MODULUS_BITS);
        same_attribute(&cu, &pub, &pub2, CKA_PUBLIC_EXPONENT);
        assert_int_equal(use_sign(&cu, &priv, CKM_SHA256_RSA_PKCS, &signature),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(use_sign(&cu, &priv2, CKM_SHA256_RSA_PKCS, &signature), 0);
        assert_int_equal(use_verify(&cu, &pub2, CKM_SHA256_RSA_PKCS, &signature), 0);
        hsm_free(h);
}

static void refusals_change_nothing(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2"), co = caller_co(h);
        struct attributes fixed = { .n = 0 }, all = { .n = 0 };
        struct named key, session, rigid, gone;
        const Chsm__Response *answer;
        size_t before;

        (void)state;
        make_named(&cu, &key);
        add_bool(&fixed, CKA_MODIFIABLE, false);
        assert_int_equal(make_aes(&cu, true, &fixed, &rigid), 0);
        assert_int_equal(make_aes(&cu, false, NULL, &session), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &gone), 0);
        assert_int_equal(destroy(&cu, &gone), 0);
        before = count_objects(&cu, &all);
        assert_int_equal(rotate(&other, &key, NULL), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(share_object(&cu, &key, other.user_id, true), 0);
        assert_int_equal(rotate(&other, &key, NULL), CKR_ACTION_PROHIBITED); /* the owner's business */
        assert_int_equal(rotate(&co, &key, NULL), CKR_FUNCTION_REJECTED);
        assert_int_equal(rotate(&cu, &session, NULL), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(rotate(&cu, &gone, NULL), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(rotate(&cu, &rigid, NULL), CKR_ACTION_PROHIBITED);
        answer = rotate_with(&cu, &key, "20300101", "20200101"); /* ends before it begins */
        assert_int_equal(answer->status, CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(count_objects(&cu, &all), before);
        assert_int_equal(info(&cu, &key)->state, CHSM_KEY_CURRENT);
        answer = rotate_with(&cu, &key, "", "20990101");
        assert_int_equal(answer->status, 0);
        hsm_free(h);
}

/* Powers that generation would refuse today, rotation refuses too. */
static void stricter_policy_holds(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1"), co = caller_co(h);
        struct named key;

        (void)state;
        make_named(&cu, &key); /* wraps and encrypts */
        assert_int_equal(caller_set_policy(&co, "separate_roles", "1"), 0);
        assert_int_equal(rotate(&cu, &key, NULL), CKR_TEMPLATE_INCONSISTENT);
        assert_non_null(strstr(h->detail, "separate_roles"));
        assert_int_equal(info(&cu, &key)->state, CHSM_KEY_CURRENT);
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(versions_and_what_they_may),
                cmocka_unit_test(retired_versions_do_nothing),
                cmocka_unit_test(superseded_versions_get_nothing_back),
                cmocka_unit_test(history_and_trust_stay_behind),
                cmocka_unit_test(pairs_rotate_as_pairs),
                cmocka_unit_test(rsa_keeps_its_size),
                cmocka_unit_test(refusals_change_nothing),
                cmocka_unit_test(stricter_policy_holds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
