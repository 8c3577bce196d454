/* Key use through requests: results, refusals, wrapping, deriving, trust. */
#include "hsm.h"

#include "crypto/mechanism.h"

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

struct bytes {
        uint8_t p[4096];
        size_t n;
};

static void keep(struct bytes *out, const Chsm__Response *r)
{
        assert_true(r->data->data.len <= sizeof(out->p));
        memcpy(out->p, r->data->data.data, r->data->data.len);
        out->n = r->data->data.len;
}

static uint32_t sign(struct caller *c, struct named *key, uint64_t mechanism, struct slice data,
                     struct bytes *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest in = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data.data = (uint8_t *)(uintptr_t)data.p;
        in.data.len = data.n;
        r.sign = &in;
        r.body_case = CHSM__REQUEST__BODY_SIGN;
        response = ask(c, &r);
        if (response->status == 0)
                keep(out, response);
        return response->status;
}

static uint32_t verify(struct caller *c, struct named *key, uint64_t mechanism, struct slice data,
                       const struct bytes *signature)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__VerifyRequest in = CHSM__VERIFY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data.data = (uint8_t *)(uintptr_t)data.p;
        in.data.len = data.n;
        in.signature.data = (uint8_t *)(uintptr_t)signature->p;
        in.signature.len = signature->n;
        r.verify = &in;
        r.body_case = CHSM__REQUEST__BODY_VERIFY;
        return ask(c, &r)->status;
}

/* Encrypts or decrypts with AES-CBC-PAD under a zero IV. */
static uint32_t cipher(struct caller *c, struct named *key, bool encrypt, struct slice data,
                       struct bytes *out)
{
        static uint8_t iv[16];
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__EncryptRequest e = CHSM__ENCRYPT_REQUEST__INIT;
        Chsm__DecryptRequest d = CHSM__DECRYPT_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = CKM_AES_CBC_PAD;
        m.parameter.data = iv;
        m.parameter.len = sizeof(iv);
        e.key = d.key = &key->ref;
        e.mechanism = d.mechanism = &m;
        e.data.data = d.data.data = (uint8_t *)(uintptr_t)data.p;
        e.data.len = d.data.len = data.n;
        if (encrypt)
                r.encrypt = &e;
        else
                r.decrypt = &d;
        r.body_case = encrypt ? CHSM__REQUEST__BODY_ENCRYPT : CHSM__REQUEST__BODY_DECRYPT;
        response = ask(c, &r);
        if (response->status == 0)
                keep(out, response);
        return response->status;
}

static uint32_t wrap(struct caller *c, struct named *wrapping, uint64_t mechanism, struct named *key,
                     struct bytes *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest in = CHSM__WRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        in.wrapping_key = &wrapping->ref;
        in.mechanism = &m;
        in.key = &key->ref;
        r.wrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                keep(out, response);
        return response->status;
}

static uint32_t unwrap(struct caller *c, struct named *unwrapping, uint64_t mechanism,
                       const struct bytes *wrapped, struct attributes *more, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest in = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__Attribute *list[24];
        const Chsm__Response *response;

        add_number(more, CKA_CLASS, CKO_SECRET_KEY);
        add_number(more, CKA_KEY_TYPE, CKK_AES);
        for (size_t i = 0; i < more->n; i++)
                list[i] = &more->rows[i];
        m.number = mechanism;
        in.unwrapping_key = &unwrapping->ref;
        in.mechanism = &m;
        in.wrapped.data = (uint8_t *)(uintptr_t)wrapped->p;
        in.wrapped.len = wrapped->n;
        in.template_ = list;
        in.n_template_ = more->n;
        r.unwrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(key, response->object);
        return response->status;
}

static void pairs_sign_and_verify(void **state)
{
        static const uint64_t makers[] = { CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_EC_KEY_PAIR_GEN };
        static const uint64_t users[] = { CKM_SHA256_RSA_PKCS, CKM_ECDSA_SHA256 };
        struct caller cu = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2");
        struct slice data = SLICE_LIT("a contract");

        for (int round = 0; round < 4; round++) {
                struct named pub, priv;
                struct bytes signature;
                bool token = round & 1;

                assert_int_equal(make_pair(&cu, makers[round / 2], token, NULL, NULL, &pub, &priv), 0);
                assert_int_equal(sign(&cu, &priv, users[round / 2], data, &signature), 0);
                assert_int_equal(verify(&cu, &pub, users[round / 2], data, &signature), 0);
                assert_int_equal(verify(&cu, &pub, users[round / 2], SLICE_LIT("a contracT"), &signature),
                                 CKR_SIGNATURE_INVALID);
                signature.n--;
                assert_int_equal(verify(&cu, &pub, users[round / 2], data, &signature),
                                 CKR_SIGNATURE_LEN_RANGE);
                signature.n++;
                assert_int_equal(sign(&cu, &pub, users[round / 2], data, &signature),
                                 CKR_KEY_FUNCTION_NOT_PERMITTED);
                assert_int_equal(sign(&cu, &priv, CKM_AES_CMAC, data, &signature), CKR_KEY_TYPE_INCONSISTENT);
                assert_int_equal(sign(&cu, &priv, 0x12345678, data, &signature), CKR_MECHANISM_INVALID);
                assert_int_equal(sign(&other, &priv, users[round / 2], data, &signature),
                                 CKR_KEY_HANDLE_INVALID);
                if (token) /* every user may use a public key */
                        assert_int_equal(verify(&other, &pub, users[round / 2], data, &signature), 0);
                assert_int_equal(destroy(&cu, &pub), 0);
                assert_int_equal(destroy(&cu, &priv), 0);
        }
}

static void ciphers_go_there_and_back(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct named key;
        struct bytes out, back;

        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(cipher(&cu, &key, true, SLICE_LIT("plain"), &out), 0);
        assert_int_equal(out.n, 16);
        assert_int_equal(cipher(&cu, &key, false, slice_of(out.p, out.n), &back), 0);
        assert_true(slice_equal(slice_of(back.p, back.n), SLICE_LIT("plain")));
        out.p[15] ^= 1;
        assert_int_equal(cipher(&cu, &key, false, slice_of(out.p, out.n), &back), CKR_ENCRYPTED_DATA_INVALID);
        assert_int_equal(cipher(&cu, &key, false, slice_of(out.p, 15), &back), CKR_ENCRYPTED_DATA_LEN_RANGE);
        assert_int_equal(destroy(&cu, &key), 0);
}

static void keys_travel_wrapped(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2");
        struct attributes closed = { .n = 0 }, none = { .n = 0 }, bare = { .n = 0 };
        struct named w, k, hidden, again;
        struct bytes blob, one, two;
        uint8_t value[8];
        size_t n;

        add_bool(&closed, CKA_EXTRACTABLE, false);
        add_bool(&bare, CKA_SENSITIVE, false);
        assert_int_equal(make_aes(&cu, true, NULL, &w), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &k), 0);
        assert_int_equal(make_aes(&cu, true, &closed, &hidden), 0);
        assert_int_equal(wrap(&cu, &w, CKM_AES_KEY_WRAP, &k, &blob), 0);
        assert_int_equal(blob.n, 40);
        assert_int_equal(wrap(&cu, &w, CKM_AES_KEY_WRAP, &hidden, &blob), CKR_KEY_UNEXTRACTABLE);
        assert_int_equal(wrap(&cu, &w, CKM_AES_KEY_WRAP, &w, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(wrap(&other, &w, CKM_AES_KEY_WRAP, &k, &blob), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(unwrap(&cu, &w, CKM_AES_KEY_WRAP, &blob, &bare, &again), CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(unwrap(&cu, &w, CKM_AES_KEY_WRAP, &blob, &none, &again), 0);
        assert_int_equal(get_attribute(&cu, &again, CKA_LOCAL, value, sizeof(value), &n), 0);
        assert_int_equal(value[0], 0);
        assert_int_equal(cipher(&cu, &k, true, SLICE_LIT("same key?"), &one), 0);
        assert_int_equal(cipher(&cu, &again, true, SLICE_LIT("same key?"), &two), 0);
        assert_true(slice_equal(slice_of(one.p, one.n), slice_of(two.p, two.n)));
        blob.p[11] ^= 1;
        none.n = 0;
        assert_int_equal(unwrap(&cu, &w, CKM_AES_KEY_WRAP, &blob, &none, &again), CKR_WRAPPED_KEY_INVALID);
        assert_int_equal(destroy(&cu, &w), 0);
        assert_int_equal(destroy(&cu, &k), 0);
        assert_int_equal(destroy(&cu, &hidden), 0);
}

/* spec/key-rules.md A03, B02, B03, B06, B07 and the good way between them. */
static void trust_is_the_officers_and_only_wraps(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes closed = { .n = 0 }, guarded = { .n = 0 }, trust = { .n = 0 },
                          distrust = { .n = 0 };
        struct attributes decrypt = { .n = 0 }, none = { .n = 0 };
        struct named t, w, k, again;
        struct bytes blob;
        uint8_t value[8];
        size_t n;

        add_bool(&closed, CKA_EXTRACTABLE, false);
        add_bool(&guarded, CKA_WRAP_WITH_TRUSTED, true);
        add_bool(&trust, CKA_TRUSTED, true);
        add_bool(&distrust, CKA_TRUSTED, false);
        add_bool(&decrypt, CKA_DERIVE, true);
        assert_int_equal(make_aes(&cu, true, &closed, &t), 0);
        assert_int_equal(make_aes(&cu, true, NULL, &w), 0);
        assert_int_equal(make_aes(&cu, true, &guarded, &k), 0);
        assert_int_equal(wrap(&cu, &w, CKM_AES_KEY_WRAP, &k, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(set_attribute(&cu, &t, &trust), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(set_attribute(&co, &t, &trust), 0);
        assert_int_equal(set_attribute(&cu, &t, &decrypt), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(wrap(&cu, &t, CKM_AES_KEY_WRAP, &k, &blob), 0);
        assert_int_equal(cipher(&cu, &t, false, SLICE_LIT("0123456789abcdef"), &blob),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(cipher(&cu, &t, true, SLICE_LIT("0123456789abcdef"), &blob),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(unwrap(&cu, &t, CKM_AES_KEY_WRAP, &blob, &none, &again), 0);
        assert_int_equal(get_attribute(&cu, &again, CKA_WRAP_WITH_TRUSTED, value, sizeof(value), &n), 0);
        assert_int_equal(value[0], 1);
        assert_int_equal(set_attribute(&co, &t, &distrust), 0);
        assert_int_equal(cipher(&cu, &t, false, SLICE_LIT("0123456789abcdef"), &blob),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(wrap(&cu, &t, CKM_AES_KEY_WRAP, &k, &blob), CKR_KEY_NOT_WRAPPABLE);
        assert_int_equal(destroy(&cu, &t), 0);
        assert_int_equal(destroy(&cu, &w), 0);
        assert_int_equal(destroy(&cu, &k), 0);
}

/* B08 to B10: a trusted key with a past opens nothing protected. */
static void trust_has_a_history(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes trust = { .n = 0 }, guarded = { .n = 0 };
        struct named k, w;
        struct bytes blob;

        add_bool(&trust, CKA_TRUSTED, true);
        add_bool(&guarded, CKA_WRAP_WITH_TRUSTED, true);
        assert_int_equal(make_aes(&cu, true, &guarded, &k), 0);
        for (int past = 0; past < 3; past++) { /* extractable, used for data, left the HSM */
                struct attributes closed = { .n = 0 };
                struct named t;

                add_bool(&closed, CKA_EXTRACTABLE, past != 1);
                assert_int_equal(make_aes(&cu, true, &closed, &t), 0);
                if (past == 1)
                        assert_int_equal(cipher(&cu, &t, true, SLICE_LIT("data"), &blob), 0);
                if (past == 2) {
                        assert_int_equal(make_aes(&cu, true, NULL, &w), 0);
                        assert_int_equal(wrap(&cu, &w, CKM_AES_KEY_WRAP, &t, &blob), 0);
                        assert_int_equal(destroy(&cu, &w), 0);
                }
                assert_int_equal(set_attribute(&co, &t, &trust), 0); /* the guides need it */
                assert_non_null(strstr(((struct hsm *)*state)->note, "opens nothing protected"));
                assert_int_equal(wrap(&cu, &t, CKM_AES_KEY_WRAP, &k, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
                hsm_restart(*state);
                assert_int_equal(wrap(&cu, &t, CKM_AES_KEY_WRAP, &k, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
                assert_int_equal(destroy(&cu, &t), 0);
        }
        assert_int_equal(destroy(&cu, &k), 0);
}

static void random_and_digest(void **state)
{
        static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf };
        struct caller cu = caller_cu(*state, "cu1");
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DigestRequest in = CHSM__DIGEST_REQUEST__INIT;
        Chsm__RandomRequest random = CHSM__RANDOM_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct bytes out;

        m.number = CKM_SHA256;
        in.mechanism = &m;
        in.data.data = (uint8_t *)(uintptr_t) "abc";
        in.data.len = 3;
        r.digest = &in;
        r.body_case = CHSM__REQUEST__BODY_DIGEST;
        keep(&out, ask(&cu, &r));
        assert_int_equal(out.n, 32);
        assert_memory_equal(out.p, abc, 4);
        r.random = &random;
        r.body_case = CHSM__REQUEST__BODY_RANDOM;
        random.length = 1000;
        keep(&out, ask(&cu, &r));
        assert_int_equal(out.n, 1000);
        random.length = 1u << 30;
        assert_int_equal(ask(&cu, &r)->status, CKR_ARGUMENTS_BAD);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pairs_sign_and_verify),
                cmocka_unit_test(ciphers_go_there_and_back),
                cmocka_unit_test(keys_travel_wrapped),
                cmocka_unit_test(trust_is_the_officers_and_only_wraps),
                cmocka_unit_test(trust_has_a_history),
                cmocka_unit_test(random_and_digest),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
