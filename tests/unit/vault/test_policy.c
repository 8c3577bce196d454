/* The rules of the profiles, through requests. policy_model.c is searched in test_policy_model.c; here: that
 * the vault asks it, with the codes of spec/key-rules.md. */
#include "hsm.h"

#include "ck/mechanism_param.h"

static struct hsm *documented, *verified; /* of all tests: making one costs more than a test */

static int begin(void **state)
{
        (void)state;
        documented = hsm_ready();
        verified = hsm_ready_as("verified");
        return 0;
}

static int end(void **state)
{
        (void)state;
        hsm_free(documented);
        hsm_free(verified);
        return 0;
}

struct bytes {
        uint8_t p[4096];
        size_t n;
};

static uint32_t wrap_with(struct caller *c, struct named *wrapping, const CK_MECHANISM *native,
                          struct named *key, struct bytes *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest in = CHSM__WRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct buf flat = BUF_INIT;
        CK_OBJECT_HANDLE second;
        const Chsm__Response *response;

        assert_true(ck_mech_param_encode(native, &flat, &second, NULL));
        m.number = native->mechanism;
        m.parameter.data = flat.p;
        m.parameter.len = flat.n;
        in.wrapping_key = &wrapping->ref;
        in.mechanism = &m;
        in.key = &key->ref;
        r.wrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
        response = ask(c, &r);
        buf_clear(&flat);
        if (response->status == 0 && out) {
                memcpy(out->p, response->data->data.data, response->data->data.len);
                out->n = response->data->data.len;
        }
        return response->status;
}

static uint32_t wrap(struct caller *c, struct named *wrapping, struct named *key, struct bytes *out)
{
        const CK_MECHANISM kw = { .mechanism = CKM_AES_KEY_WRAP };

        return wrap_with(c, wrapping, &kw, key, out);
}

static uint32_t unwrap(struct caller *c, struct named *unwrapping, const struct bytes *wrapped,
                       struct attributes *t, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest in = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        add_number(t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(t, CKA_KEY_TYPE, CKK_AES);
        attributes_lend(t, &in.template_, &in.n_template_);
        m.number = CKM_AES_KEY_WRAP;
        in.unwrapping_key = &unwrapping->ref;
        in.mechanism = &m;
        in.wrapped.data = (uint8_t *)(uintptr_t)wrapped->p;
        in.wrapped.len = wrapped->n;
        r.unwrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(key, response->object);
        return response->status;
}

/* An AES key of a given value. */
static uint32_t import(struct caller *c, bool token, const uint8_t value[16], struct attributes *t,
                       struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateObjectRequest in = CHSM__CREATE_OBJECT_REQUEST__INIT;
        const Chsm__Response *response;

        add_number(t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(t, CKA_KEY_TYPE, CKK_AES);
        add_bool(t, CKA_TOKEN, token);
        add_bytes(t, CKA_VALUE, slice_of(value, 16));
        attributes_lend(t, &in.template_, &in.n_template_);
        r.create_object = &in;
        r.body_case = CHSM__REQUEST__BODY_CREATE_OBJECT;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(key, response->object);
        return response->status;
}

static uint32_t copy(struct caller *c, struct named *o, uint64_t type, bool value, struct named *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CopyObjectRequest in = CHSM__COPY_OBJECT_REQUEST__INIT;
        struct attributes t = { .n = 0 };
        Chsm__Attribute *list[1];
        const Chsm__Response *response;

        add_bool(&t, type, value);
        list[0] = &t.rows[0];
        in.object = &o->ref;
        in.template_ = list;
        in.n_template_ = 1;
        r.copy_object = &in;
        r.body_case = CHSM__REQUEST__BODY_COPY_OBJECT;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(out, response->object);
        return response->status;
}

static struct attributes with(const uint64_t *types, size_t n)
{
        struct attributes t = { .n = 0 };

        for (size_t i = 0; i < n; i++)
                add_bool(&t, types[i], true);
        return t;
}
#define WITH(...)                                                                                            \
        with((const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static uint32_t trust(struct hsm *h, struct named *key, bool on)
{
        struct caller co = caller_co(h);
        struct attributes t = { .n = 0 };

        add_bool(&t, CKA_TRUSTED, on);
        return set_attribute(&co, key, &t);
}

static uint32_t set_one(struct caller *c, struct named *o, uint64_t type, bool value)
{
        struct attributes t = { .n = 0 };

        add_bool(&t, type, value);
        return set_attribute(c, o, &t);
}

static bool reads(struct caller *c, struct named *o, uint64_t type)
{
        uint8_t value = 2;
        size_t n;

        assert_int_equal(get_attribute(c, o, type, &value, 1, &n), 0);
        return value;
}

static void a_verified_partition_makes_protected_keys_of_one_role(void **state)
{
        struct hsm *h = verified;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named key;

        (void)state;
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        assert_false(reads(&cu, &key, CKA_EXTRACTABLE));
        assert_true(reads(&cu, &key, CKA_ENCRYPT));
        assert_false(reads(&cu, &key, CKA_WRAP));
        t = WITH(CKA_EXTRACTABLE);
        assert_int_equal(make_aes(&cu, false, &t, &key), 0);
        assert_true(reads(&cu, &key, CKA_WRAP_WITH_TRUSTED));
        t = WITH(CKA_EXTRACTABLE);
        add_bool(&t, CKA_WRAP_WITH_TRUSTED, false);
        assert_int_equal(make_aes(&cu, false, &t, &key), CKR_TEMPLATE_INCONSISTENT);
        t = WITH(CKA_WRAP, CKA_DECRYPT); /* A01 */
        assert_int_equal(make_aes(&cu, false, &t, &key), CKR_TEMPLATE_INCONSISTENT);
        t = WITH(CKA_ENCRYPT, CKA_UNWRAP); /* A12 */
        assert_int_equal(make_aes(&cu, false, &t, &key), CKR_TEMPLATE_INCONSISTENT);
        t = (struct attributes){ .n = 0 };
        add_bool(&t, CKA_SENSITIVE, false);
        assert_int_equal(make_aes(&cu, false, &t, &key), CKR_TEMPLATE_INCONSISTENT);
}

static void a_key_keeps_its_role(void **state)
{
        static const uint8_t known[16] = { 7 };
        struct hsm *h = verified;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t;
        struct named key, other;

        (void)state;
        for (int token = 0; token < 2; token++) {
                t = WITH(CKA_WRAP);
                assert_int_equal(make_aes(&cu, token, &t, &key), 0);
                assert_int_equal(set_one(&cu, &key, CKA_DECRYPT, true), CKR_ATTRIBUTE_READ_ONLY); /* A02 */
                assert_int_equal(copy(&cu, &key, CKA_DECRYPT, true, &other), CKR_ATTRIBUTE_READ_ONLY);
                assert_int_equal(set_one(&cu, &key, CKA_WRAP, false), 0);
                assert_int_equal(set_one(&cu, &key, CKA_DECRYPT, true), CKR_ATTRIBUTE_READ_ONLY);
                assert_int_equal(set_one(&cu, &key, CKA_UNWRAP, true), 0);
                t = WITH(CKA_WRAP); /* A07, A13 */
                assert_int_equal(import(&cu, token, known, &t, &key), CKR_ATTRIBUTE_READ_ONLY);
        }
}

/* A key made of a password is as given as an imported one. */
static void a_password_makes_no_wrapping_key(void **state)
{
        struct hsm *h = verified;
        struct caller cu = caller_cu(h, "cu1");
        uint8_t salt[8] = { 1 }, password[4] = "word";
        CK_PKCS5_PBKD2_PARAMS2 native = { .saltSource = CKZ_SALT_SPECIFIED,
                                          .pSaltSourceData = salt,
                                          .ulSaltSourceDataLen = sizeof(salt),
                                          .iterations = 1000,
                                          .prf = CKP_PKCS5_PBKD2_HMAC_SHA256,
                                          .pPassword = password,
                                          .ulPasswordLen = sizeof(password) };
        const CK_MECHANISM pbkdf2 = { CKM_PKCS5_PBKD2, &native, sizeof(native) };
        const uint64_t usages[] = { CKA_WRAP, CKA_ENCRYPT };
        const uint32_t expected[] = { CKR_ATTRIBUTE_READ_ONLY, 0 };

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct attributes t = with(&usages[i], 1);
                Chsm__Request r = CHSM__REQUEST__INIT;
                Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
                Chsm__Mechanism m = CHSM__MECHANISM__INIT;
                Chsm__Attribute *list[24];
                struct buf flat = BUF_INIT;
                CK_OBJECT_HANDLE second;

                add_number(&t, CKA_CLASS, CKO_SECRET_KEY);
                add_number(&t, CKA_KEY_TYPE, CKK_AES);
                add_number(&t, CKA_VALUE_LEN, 32);
                for (size_t k = 0; k < t.n; k++)
                        list[k] = &t.rows[k];
                assert_true(ck_mech_param_encode(&pbkdf2, &flat, &second, NULL));
                m.number = CKM_PKCS5_PBKD2;
                m.parameter.data = flat.p;
                m.parameter.len = flat.n;
                in.mechanism = &m;
                in.template_ = list;
                in.n_template_ = t.n;
                r.generate_key = &in;
                r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
                assert_int_equal(ask(&cu, &r)->status, expected[i]);
                buf_clear(&flat);
        }
}

static void halves_of_a_pair_have_one_role(void **state)
{
        struct hsm *h = verified;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes pub = WITH(CKA_WRAP), priv = WITH(CKA_DECRYPT);
        struct named public_key, private_key;

        (void)state;
        assert_int_equal(
            make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &pub, &priv, &public_key, &private_key),
            CKR_TEMPLATE_INCONSISTENT);
        pub = WITH(CKA_WRAP);
        assert_int_equal(
            make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, &pub, NULL, &public_key, &private_key), 0);
        assert_true(reads(&cu, &private_key, CKA_UNWRAP));
        assert_false(reads(&cu, &private_key, CKA_SIGN));
        assert_int_equal(set_one(&cu, &private_key, CKA_DECRYPT, true), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(make_pair(&cu, CKM_EC_KEY_PAIR_GEN, true, NULL, NULL, &public_key, &private_key), 0);
        assert_true(reads(&cu, &private_key, CKA_SIGN));
        assert_true(reads(&cu, &private_key, CKA_DERIVE));
}

/* A06: two lives of one value. */
static void roles_are_remembered_by_value(void **state)
{
        for (int token = 0; token < 2; token++) {
                struct hsm *h = verified;
                struct caller cu = caller_cu(h, "cu1");
                struct attributes t = WITH(CKA_WRAP, CKA_UNWRAP);
                struct named t2, w1, u;
                struct bytes blob;

                (void)state;
                add_bool(&t, CKA_EXTRACTABLE, false);
                assert_int_equal(make_aes(&cu, true, &t, &t2), 0);
                assert_int_equal(trust(h, &t2, true), 0);
                t = WITH(CKA_WRAP, CKA_EXTRACTABLE);
                assert_int_equal(make_aes(&cu, token, &t, &w1), 0);
                assert_int_equal(wrap(&cu, &t2, &w1, &blob), 0);
                hsm_restart(h);
                t = WITH(CKA_DECRYPT);
                assert_int_equal(unwrap(&cu, &t2, &blob, &t, &u), CKR_TEMPLATE_INCONSISTENT);
                t = WITH(CKA_UNWRAP);
                assert_int_equal(unwrap(&cu, &t2, &blob, &t, &u), 0);
                assert_true(reads(&cu, &u, CKA_WRAP_WITH_TRUSTED));
                t = WITH(CKA_UNWRAP);
                add_bool(&t, CKA_WRAP_WITH_TRUSTED, false); /* B11 */
                assert_int_equal(unwrap(&cu, &t2, &blob, &t, &u), CKR_TEMPLATE_INCONSISTENT);
        }
}

static void only_keys_born_to_wrap_are_trusted(void **state)
{
        static const uint8_t known[16] = { 9 };
        struct hsm *h = verified;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named key;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0); /* it encrypts */
        assert_int_equal(trust(h, &key, true), CKR_ACTION_PROHIBITED);
        t = WITH(CKA_WRAP, CKA_EXTRACTABLE);
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        assert_int_equal(trust(h, &key, true), CKR_ACTION_PROHIBITED);
        t = WITH(CKA_UNWRAP);
        assert_int_equal(import(&cu, true, known, &t, &key), 0);
        assert_int_equal(trust(h, &key, true), CKR_ACTION_PROHIBITED);
        t = WITH(CKA_WRAP, CKA_UNWRAP);
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        assert_int_equal(trust(h, &key, true), 0);
        assert_string_equal(h->note, "");
}

/* B12, in all modes: what would open what a trusted key wraps. */
static void a_value_is_trusted_in_one_object(void **state)
{
        static const uint8_t known[16] = { 3 };
        struct hsm *h = documented;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t = { .n = 0 };
        struct named first, second, key;

        (void)state;
        assert_int_equal(import(&cu, true, known, &t, &first), 0);
        t = (struct attributes){ .n = 0 };
        assert_int_equal(import(&cu, true, known, &t, &second), 0);
        assert_int_equal(trust(h, &first, true), CKR_ACTION_PROHIBITED);
        assert_int_equal(destroy(&cu, &second), 0);
        assert_int_equal(trust(h, &first, true), 0); /* the guides need it, and it opens nothing protected */
        assert_non_null(strstr(h->note, "opens nothing protected"));
        t = (struct attributes){ .n = 0 };
        add_bool(&t, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu, true, &t, &first), 0);
        assert_int_equal(copy(&cu, &first, CKA_TOKEN, false, &second), 0); /* a life that nobody can find */
        assert_int_equal(trust(h, &first, true), 0);
        t = WITH(CKA_WRAP_WITH_TRUSTED);
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        assert_int_equal(wrap(&cu, &first, &key, NULL), CKR_WRAPPING_KEY_HANDLE_INVALID);
}

/* A session object leaves no trace of its uses, so what became a token object from one is never relied on. */
static void history_is_not_laundered(void **state)
{
        struct hsm *h = documented;
        struct caller cu = caller_cu(h, "cu1");
        struct attributes t;
        struct named blob, key, target;

        (void)state;
        t = WITH(CKA_WRAP_WITH_TRUSTED);
        assert_int_equal(make_aes(&cu, true, &t, &target), 0);
        for (int by_copy = 0; by_copy < 2; by_copy++) {
                t = WITH(CKA_WRAP, CKA_UNWRAP);
                add_bool(&t, CKA_EXTRACTABLE, false);
                assert_int_equal(make_aes(&cu, false, &t, &blob), 0);
                key = blob;
                key.ref.sealed.data = key.blob;
                assert_int_equal(by_copy ? copy(&cu, &blob, CKA_TOKEN, true, &key)
                                         : set_one(&cu, &key, CKA_TOKEN, true),
                                 0);
                assert_int_equal(trust(h, &key, true), 0);
                assert_int_equal(wrap(&cu, &key, &target, NULL), CKR_WRAPPING_KEY_HANDLE_INVALID);
        }
}

/* A09. */
static void a_weaker_key_wraps_nothing_protected(void **state)
{
        struct hsm *h = documented;
        struct caller cu = caller_cu(h, "cu1");
        const CK_RSA_PKCS_OAEP_PARAMS oaep = { .hashAlg = CKM_SHA256,
                                               .mgf = CKG_MGF1_SHA256,
                                               .source = CKZ_DATA_SPECIFIED };
        const CK_MECHANISM rsa = { CKM_RSA_PKCS_OAEP, (void *)(uintptr_t)&oaep, sizeof(oaep) };
        struct attributes t = WITH(CKA_WRAP_WITH_TRUSTED), priv = WITH(CKA_UNWRAP);
        struct named key, small, public_key, private_key;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;
        struct caller co;

        (void)state;
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        t = WITH(CKA_TOKEN, CKA_WRAP, CKA_UNWRAP);
        add_bool(&t, CKA_EXTRACTABLE, false);
        add_number(&t, CKA_VALUE_LEN, 16);
        attributes_lend(&t, &in.template_, &in.n_template_);
        m.number = CKM_AES_KEY_GEN;
        in.mechanism = &m;
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        response = ask(&cu, &r);
        assert_int_equal(response->status, 0);
        name_object(&small, response->object);
        assert_int_equal(trust(h, &small, true), 0);
        assert_int_equal(wrap(&cu, &small, &key, NULL), CKR_WRAPPING_KEY_SIZE_RANGE);
        /* RSA-2048 counts as strong enough unless the owner says otherwise; its private half only unwraps. */
        t = WITH(CKA_WRAP);
        add_bool(&priv, CKA_EXTRACTABLE, false);
        assert_int_equal(
            make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, &t, &priv, &public_key, &private_key), 0);
        assert_int_equal(trust(h, &public_key, true), 0);
        assert_string_equal(h->note, "");
        assert_int_equal(wrap_with(&cu, &public_key, &rsa, &key, NULL), 0);
        assert_int_equal(set_one(&cu, &private_key, CKA_DECRYPT, true), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(copy(&cu, &private_key, CKA_DECRYPT, true, &small), CKR_ACTION_PROHIBITED);
        co = caller_co(h);
        assert_int_equal(caller_set_policy(&co, "wrap_strength", "2"), 0);
        assert_int_equal(wrap_with(&cu, &public_key, &rsa, &key, NULL), CKR_WRAPPING_KEY_SIZE_RANGE);
        /* A pair whose private half can decrypt opens nothing protected. */
        t = WITH(CKA_WRAP);
        priv = WITH(CKA_UNWRAP, CKA_DECRYPT);
        add_bool(&priv, CKA_EXTRACTABLE, false);
        assert_int_equal(
            make_pair(&cu, CKM_RSA_PKCS_KEY_PAIR_GEN, true, &t, &priv, &public_key, &private_key), 0);
        assert_int_equal(trust(h, &public_key, true), 0);
        assert_int_equal(wrap_with(&cu, &public_key, &rsa, &key, NULL), CKR_WRAPPING_KEY_HANDLE_INVALID);
}

/* What auditKeys says of a key; NULL: nothing. */
static const char *exposure(struct caller *c, const struct named *key, const char **path)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__AuditKeysRequest in = CHSM__AUDIT_KEYS_REQUEST__INIT;
        const Chsm__Response *response;

        r.audit_keys = &in;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_KEYS;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        for (size_t i = 0; i < response->audit_keys->n_keys; i++) {
                if (response->audit_keys->keys[i]->handle != key->ref.handle)
                        continue;
                *path = response->audit_keys->keys[i]->path;
                return response->audit_keys->keys[i]->exposure;
        }
        return NULL;
}

static void audit_keys_tells_how_each_could_be_read(void **state)
{
        static const uint8_t known[16] = { 3 };
        struct hsm *h = documented;
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2"), co = caller_co(h);
        struct attributes t = { .n = 0 };
        struct named key;
        const char *path;

        (void)state;
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_string_equal(exposure(&cu, &key, &path), "exportable by its owner alone");
        assert_non_null(strstr(path, "C_WrapKey"));
        assert_null(exposure(&other, &key, &path));
        assert_string_equal(exposure(&co, &key, &path), "exportable by its owner alone");
        assert_int_equal(set_one(&cu, &key, CKA_EXTRACTABLE, false), 0);
        assert_string_equal(exposure(&cu, &key, &path), "known outside");
        t = WITH(CKA_WRAP_WITH_TRUSTED);
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        assert_string_equal(exposure(&cu, &key, &path), "protected");
        t = (struct attributes){ .n = 0 };
        add_bool(&t, CKA_EXTRACTABLE, false);
        assert_int_equal(make_aes(&cu, true, &t, &key), 0);
        assert_string_equal(exposure(&cu, &key, &path), "protected");
        t = (struct attributes){ .n = 0 };
        assert_int_equal(import(&cu, true, known, &t, &key), 0);
        assert_string_equal(exposure(&cu, &key, &path), "known outside");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_verified_partition_makes_protected_keys_of_one_role),
                cmocka_unit_test(a_key_keeps_its_role),
                cmocka_unit_test(a_password_makes_no_wrapping_key),
                cmocka_unit_test(halves_of_a_pair_have_one_role),
                cmocka_unit_test(roles_are_remembered_by_value),
                cmocka_unit_test(only_keys_born_to_wrap_are_trusted),
                cmocka_unit_test(a_value_is_trusted_in_one_object),
                cmocka_unit_test(history_is_not_laundered),
                cmocka_unit_test(a_weaker_key_wraps_nothing_protected),
                cmocka_unit_test(audit_keys_tells_how_each_could_be_read),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
