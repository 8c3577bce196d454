/* Keys that travel under a public key, where libcrypto has ML-KEM (3.5); elsewhere every way to them is
 * refused. What the rules say of such keys is searched by test_policy_model and holds here through requests.
 */
#include "calls.h"

#include "crypto/mechanism.h"
#include "vault/right.h"

#define CIPHERTEXT 768 /* of ML-KEM-512 */

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

/* What travels. */
struct sent {
        uint8_t p[CIPHERTEXT];
        size_t n;
};

static void shared_template(struct attributes *t)
{
        add_number(t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(t, CKA_KEY_TYPE, CKK_AES);
}

static uint32_t encapsulate(struct caller *c, struct named *half, struct attributes *t, uint32_t room,
                            struct sent *out, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__EncapsulateKeyRequest in = CHSM__ENCAPSULATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        shared_template(t);
        m.number = CKM_ML_KEM;
        in.public_key = &half->ref;
        in.mechanism = &m;
        in.room = room;
        attributes_lend(t, &in.template_, &in.n_template_);
        r.encapsulate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_ENCAPSULATE_KEY;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        out->n = response->encapsulated->ciphertext_len;
        assert_int_equal(out->n, CIPHERTEXT);
        if (room < CIPHERTEXT) {
                assert_null(response->encapsulated->object);
                assert_int_equal(response->encapsulated->ciphertext.len, 0);
                return 0;
        }
        memcpy(out->p, response->encapsulated->ciphertext.data, CIPHERTEXT);
        name_object(key, response->encapsulated->object);
        return 0;
}

static uint32_t decapsulate(struct caller *c, struct named *half, struct attributes *t,
                            const struct sent *ciphertext, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DecapsulateKeyRequest in = CHSM__DECAPSULATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        shared_template(t);
        m.number = CKM_ML_KEM;
        in.private_key = &half->ref;
        in.mechanism = &m;
        in.ciphertext = (ProtobufCBinaryData){ ciphertext->n, (uint8_t *)(uintptr_t)ciphertext->p };
        attributes_lend(t, &in.template_, &in.n_template_);
        r.decapsulate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_DECAPSULATE_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(key, response->object);
        return response->status;
}

static bool present(struct hsm *h)
{
        (void)h;
        return crypto_mechanism_find(CKM_ML_KEM) != NULL;
}

static struct attributes flag(uint64_t type, bool value)
{
        struct attributes t = { .n = 0 };

        add_bool(&t, type, value);
        return t;
}

static void absent_it_is_refused_everywhere(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named pub, priv, key;
        struct sent sent = { .n = CIPHERTEXT };
        size_t before;

        if (present(h)) {
                assert_int_equal(make_pair(&cu, CKM_ML_KEM_KEY_PAIR_GEN, false, NULL, NULL, &pub, &priv), 0);
                return;
        }
        assert_int_equal(make_pair(&cu, CKM_ML_KEM_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv),
                         CKR_MECHANISM_INVALID);
        assert_int_equal(make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        before = count_objects(&cu, NULL);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &key), CKR_MECHANISM_INVALID);
        t.n = 0;
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &key), CKR_MECHANISM_INVALID);
        assert_int_equal(count_objects(&cu, NULL), before);
}

static uint32_t may_derive(struct caller *co, bool on)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetUserRightsRequest in = CHSM__SET_USER_RIGHTS_REQUEST__INIT;
        char user[] = "cu1";

        in.user = user;
        in.mask = VAULT_RIGHT_DERIVE;
        in.rights = on ? VAULT_RIGHT_DERIVE : 0;
        r.set_user_rights = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_USER_RIGHTS;
        return ask(co, &r)->status;
}

static void it_takes_the_right_to_derive(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes t = { .n = 0 };
        struct named pub, priv, key;
        struct sent sent = { .n = CIPHERTEXT };

        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        assert_int_equal(may_derive(&co, false), 0);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &key), CKR_FUNCTION_REJECTED);
        t.n = 0;
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &key), CKR_FUNCTION_REJECTED);
        assert_int_equal(may_derive(&co, true), 0);
        t.n = 0;
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &key),
                         present(*state) ? CKR_KEY_TYPE_INCONSISTENT : CKR_MECHANISM_INVALID);
}

/* Flags and attributes are there for keys of every kind, so that templates that name them are read. */
static void attributes_belong_to_their_halves(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes on_private = flag(CKA_ENCAPSULATE, true), on_public = flag(CKA_DECAPSULATE, true),
                          off = flag(CKA_ENCAPSULATE, false);
        struct named pub, priv;

        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, NULL, &on_private, &pub, &priv),
                         CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, &on_public, NULL, &pub, &priv),
                         CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, &off, NULL, &pub, &priv), 0);
        assert_int_equal(flag_of(&cu, &pub, CKA_ENCAPSULATE), 0);
        assert_int_equal(flag_of(&cu, &priv, CKA_DECAPSULATE), 0);
}

static void both_sides_get_the_key(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2");
        struct attributes t = { .n = 0 };
        struct named pub, priv, a = { .ref = CHSM__OBJECT_REF__INIT }, b;
        struct sent sent;
        struct given one, two;
        size_t before;

        if (!present(*state))
                return;
        assert_int_equal(make_pair(&cu, CKM_ML_KEM_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        assert_int_equal(flag_of(&cu, &pub, CKA_ENCAPSULATE), 1);
        assert_int_equal(flag_of(&cu, &pub, CKA_WRAP), 0);
        assert_int_equal(flag_of(&cu, &priv, CKA_DECAPSULATE), 1);
        before = count_objects(&cu, NULL);
        add_bool(&t, CKA_TOKEN, true);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT - 1, &sent, &a), 0); /* only the length */
        assert_int_equal(count_objects(&cu, NULL), before);
        t.n = 0;
        add_bool(&t, CKA_TOKEN, true);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &a), 0);
        assert_int_equal(count_objects(&cu, NULL), before + 1);
        t.n = 0;
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &b), 0);
        assert_int_equal(use_encrypt(&cu, &a, &one), 0);
        assert_int_equal(use_encrypt(&cu, &b, &two), 0);
        assert_memory_equal(one.p, two.p, one.n);
        for (int i = 0; i < 2; i++) {
                struct named *key = i ? &b : &a;

                assert_int_equal(flag_of(&cu, key, CKA_LOCAL), 0);
                assert_int_equal(flag_of(&cu, key, CKA_SENSITIVE), 1);
                assert_int_equal(flag_of(&cu, key, CKA_ALWAYS_SENSITIVE), 0);
                assert_int_equal(flag_of(&cu, key, CKA_NEVER_EXTRACTABLE), 0);
        }
        t.n = 0;
        assert_int_equal(decapsulate(&other, &priv, &t, &sent, &b), CKR_KEY_HANDLE_INVALID);
        t.n = 0;
        assert_int_equal(decapsulate(&cu, &pub, &t, &sent, &b), CKR_KEY_FUNCTION_NOT_PERMITTED);
        t.n = 0;
        sent.n--;
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &b), CKR_ENCRYPTED_DATA_LEN_RANGE);
}

static void what_comes_out_is_as_hidden_as_the_private_key(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes closed = flag(CKA_EXTRACTABLE, false), t = flag(CKA_SENSITIVE, false);
        struct named pub, priv, key;
        struct sent sent;

        if (!present(*state))
                return;
        assert_int_equal(make_pair(&cu, CKM_ML_KEM_KEY_PAIR_GEN, true, NULL, &closed, &pub, &priv), 0);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &key),
                         0); /* a public key hides nothing */
        t = flag(CKA_EXTRACTABLE, true);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &key), 0);
        t = flag(CKA_SENSITIVE, false);
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &key), CKR_TEMPLATE_INCONSISTENT);
        t = flag(CKA_EXTRACTABLE, true);
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &key), CKR_TEMPLATE_INCONSISTENT);
        t = (struct attributes){ .n = 0 };
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &key), 0);
        assert_int_equal(flag_of(&cu, &key, CKA_EXTRACTABLE), 0);
        t = (struct attributes){ .n = 0 };
        add_number(&t, CKA_VALUE_LEN, 8);
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &key), CKR_KEY_SIZE_RANGE);
}

/* Java and TLS read what two parties agreed on: session keys of a session's pair. */
static void a_session_pair_gives_readable_keys(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes t;
        struct named pub, priv, a, b;
        struct sent sent;
        uint8_t one[64], two[64];
        size_t n;

        if (!present(*state))
                return;
        assert_int_equal(make_pair(&cu, CKM_ML_KEM_KEY_PAIR_GEN, false, NULL, NULL, &pub, &priv), 0);
        t = flag(CKA_SENSITIVE, false);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &a), 0);
        t = flag(CKA_SENSITIVE, false);
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &b), 0);
        assert_int_equal(get_attribute(&cu, &a, CKA_VALUE, one, sizeof(one), &n), 0);
        assert_int_equal(n, 32);
        assert_int_equal(get_attribute(&cu, &b, CKA_VALUE, two, sizeof(two), &n), 0);
        assert_memory_equal(one, two, 32);
        t = flag(CKA_SENSITIVE, false);
        add_bool(&t, CKA_TOKEN, true);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &a), CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(caller_set_policy(&co, "allow_nonsensitive_session", "0"), 0);
        t = flag(CKA_SENSITIVE, false);
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &a), CKR_TEMPLATE_INCONSISTENT);
}

/* From here on the partition is tightened, which an active one cannot take back.
 *
 * A peer has it too: its trust opens nothing protected, and under separate_roles it does not wrap at all. */
static void a_peers_key_wraps_nothing_protected(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes closed = flag(CKA_WRAP, true), guarded = flag(CKA_WRAP_WITH_TRUSTED, true), t;
        struct named pub, priv, wrapping, target;
        struct sent sent;
        struct given blob;

        if (!present(*state))
                return;
        assert_int_equal(make_pair(&cu, CKM_ML_KEM_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        add_bool(&closed, CKA_TOKEN, true);
        add_bool(&closed, CKA_EXTRACTABLE, false);
        t = closed;
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &wrapping), 0);
        assert_int_equal(set_bool(&co, &wrapping, CKA_TRUSTED, true), 0);
        add_bool(&guarded, CKA_EXTRACTABLE, true);
        assert_int_equal(make_aes(&cu, true, &guarded, &target), 0);
        assert_int_equal(use_wrap(&cu, &wrapping, &target, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(destroy(&cu, &wrapping), 0);
        t = closed;
        assert_int_equal(decapsulate(&cu, &priv, &t, &sent, &wrapping), 0);
        assert_int_equal(set_bool(&co, &wrapping, CKA_TRUSTED, true), 0);
        assert_int_equal(use_wrap(&cu, &wrapping, &target, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(caller_set_policy(&co, "separate_roles", "1"), 0);
        t = closed;
        assert_int_equal(encapsulate(&cu, &pub, &t, CIPHERTEXT, &sent, &wrapping), CKR_TEMPLATE_INCONSISTENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(absent_it_is_refused_everywhere),
                cmocka_unit_test(it_takes_the_right_to_derive),
                cmocka_unit_test(attributes_belong_to_their_halves),
                cmocka_unit_test(both_sides_get_the_key),
                cmocka_unit_test(what_comes_out_is_as_hidden_as_the_private_key),
                cmocka_unit_test(a_session_pair_gives_readable_keys),
                cmocka_unit_test(a_peers_key_wraps_nothing_protected),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
