/* Derivation through requests: what a child inherits, and what no key gives. spec/key-rules.md rule 5 and D.
 */
#include "hsm.h"

#include "ck/encoding.h"
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

static uint32_t make_secret(struct caller *c, bool token, struct attributes *more, struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes all = *more;
        const Chsm__Response *response;

        add_bool(&all, CKA_TOKEN, token);
        add_number(&all, CKA_VALUE_LEN, 32);
        for (size_t i = 0; i < all.n; i++) {
                all.list[i] = &all.rows[i];
                if (i < more->n && all.rows[i].value.data == more->bytes[i])
                        all.rows[i].value.data = all.bytes[i];
        }
        m.number = CKM_GENERIC_SECRET_KEY_GEN;
        in.mechanism = &m;
        in.template_ = all.list;
        in.n_template_ = all.n;
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(key, response->object);
        return response->status;
}

/* GEN{+DERIVE}: sensitive, not extractable. */
static void make_base(struct caller *c, bool token, struct named *key)
{
        struct attributes t = { .n = 0 };

        add_bool(&t, CKA_DERIVE, true);
        add_bool(&t, CKA_EXTRACTABLE, false);
        assert_int_equal(make_secret(c, token, &t, key), 0);
}

/* ---- one derivation ---- */

struct wish {
        uint64_t mechanism;
        struct buf param;
        struct named *second;
        struct attributes t;
        struct attributes more[3];
        size_t n_more;
};

static void hkdf_param(struct buf *out, uint32_t salt_type, const char *info)
{
        buf_reset(out);
        buf_put_u8(out, 1);
        buf_put_u8(out, 1);
        buf_put_u64(out, CKM_SHA256);
        buf_put_u32(out, salt_type);
        buf_put_block(out, SLICE_EMPTY);
        buf_put_block(out, slice_str(info));
}

static void kdf108_param(struct buf *out)
{
        struct buf pieces = BUF_INIT;

        buf_put_u32(&pieces, CK_SP800_108_ITERATION_VARIABLE);
        buf_put_u8(&pieces, 1);
        buf_put_u8(&pieces, 0);
        buf_put_u32(&pieces, 32);
        buf_put_u32(&pieces, 0);
        buf_put_u32(&pieces, CK_SP800_108_BYTE_ARRAY);
        buf_put_u8(&pieces, 0);
        buf_put_block(&pieces, SLICE_LIT("label"));
        buf_reset(out);
        buf_put_u64(out, CKM_SHA256_HMAC);
        buf_put_u32(out, 2);
        buf_put_block(out, buf_slice(&pieces));
        buf_clear(&pieces);
}

static struct wish wish_hkdf(uint64_t object_class)
{
        struct wish w = { .mechanism = CKM_HKDF_DERIVE, .param = BUF_INIT };

        hkdf_param(&w.param, CKF_HKDF_SALT_NULL, "info");
        add_number(&w.t, CKA_CLASS, object_class);
        if (object_class == CKO_SECRET_KEY)
                add_number(&w.t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        return w;
}

static struct wish wish_secret(size_t length)
{
        struct wish w = wish_hkdf(CKO_SECRET_KEY);

        add_number(&w.t, CKA_VALUE_LEN, length);
        return w;
}

static void relink(struct attributes *t)
{
        for (size_t i = 0; i < t->n; i++) {
                t->list[i] = &t->rows[i];
                t->rows[i].value.data = t->bytes[i];
        }
}

static uint32_t derive(struct caller *c, struct named *base, struct wish *w, struct named *keys)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest in = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__Template rows[3], *more[3];
        const Chsm__Response *response;

        relink(&w->t);
        for (size_t i = 0; i < w->n_more; i++) {
                relink(&w->more[i]);
                chsm__template__init(&rows[i]);
                rows[i].attributes = w->more[i].list;
                rows[i].n_attributes = w->more[i].n;
                more[i] = &rows[i];
        }
        m.number = w->mechanism;
        m.parameter.data = w->param.p;
        m.parameter.len = w->param.n;
        in.base_key = &base->ref;
        in.second_key = w->second ? &w->second->ref : NULL;
        in.mechanism = &m;
        in.template_ = w->t.list;
        in.n_template_ = w->t.n;
        in.more = more;
        in.n_more = w->n_more;
        r.derive_key = &in;
        r.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
        response = ask(c, &r);
        for (size_t i = 0; response->status == 0 && i < response->derived->n_objects; i++)
                name_object(&keys[i], response->derived->objects[i]);
        buf_clear(&w->param);
        return response->status;
}

static bool is_set(struct caller *c, struct named *key, uint64_t type)
{
        uint8_t value[8] = { 0 };
        size_t n;

        assert_int_equal(get_attribute(c, key, type, value, sizeof(value), &n), 0);
        return value[0];
}

static uint32_t derive_with(struct caller *c, struct named *base, uint64_t type, bool value,
                            struct named *key)
{
        struct wish w = wish_secret(32);

        add_bool(&w.t, type, value);
        return derive(c, base, &w, key);
}

/* ---- tests ---- */

/* D01, D07: a silent template gets the strictest, one that wants more is refused. */
static void children_inherit_the_strictest(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes guarded = { .n = 0 };
        struct named base, child;
        struct wish w;

        for (int token = 0; token < 2; token++) {
                make_base(&cu, token, &base);
                w = wish_secret(32);
                assert_int_equal(derive(&cu, &base, &w, &child), 0);
                assert_true(is_set(&cu, &child, CKA_SENSITIVE));
                assert_true(is_set(&cu, &child, CKA_ALWAYS_SENSITIVE));
                assert_true(is_set(&cu, &child, CKA_NEVER_EXTRACTABLE));
                assert_false(is_set(&cu, &child, CKA_EXTRACTABLE));
                assert_false(is_set(&cu, &child, CKA_LOCAL));
                assert_int_equal(derive_with(&cu, &base, CKA_EXTRACTABLE, true, &child),
                                 CKR_TEMPLATE_INCONSISTENT);
                assert_int_equal(derive_with(&cu, &base, CKA_SENSITIVE, false, &child),
                                 token ? CKR_TEMPLATE_INCONSISTENT : 0);
                assert_int_equal(derive_with(&cu, &base, CKA_NEVER_EXTRACTABLE, true, &child),
                                 CKR_ATTRIBUTE_READ_ONLY);
                if (token)
                        assert_int_equal(destroy(&cu, &base), 0);
        }
        add_bool(&guarded, CKA_DERIVE, true);
        add_bool(&guarded, CKA_WRAP_WITH_TRUSTED, true);
        assert_int_equal(make_secret(&cu, false, &guarded, &base), 0);
        assert_int_equal(derive_with(&cu, &base, CKA_WRAP_WITH_TRUSTED, false, &child),
                         CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(derive_with(&cu, &base, CKA_SENSITIVE, false, &child), CKR_TEMPLATE_INCONSISTENT);
        w = wish_secret(32);
        assert_int_equal(derive(&cu, &base, &w, &child), 0);
        assert_true(is_set(&cu, &child, CKA_WRAP_WITH_TRUSTED));
        assert_false(is_set(&cu, &child, CKA_NEVER_EXTRACTABLE));
}

/* D02, D09. */
static void short_and_impossible_children_are_refused(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        static const size_t lengths[] = { 0, 1, 2, 8, 15, 3073, 255 * 32 + 1 };
        struct named base, child;
        struct wish w;

        make_base(&cu, false, &base);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                w = wish_secret(lengths[i]);
                assert_int_equal(derive(&cu, &base, &w, &child), CKR_KEY_SIZE_RANGE);
        }
        w = wish_hkdf(CKO_SECRET_KEY);
        assert_int_equal(derive(&cu, &base, &w, &child), CKR_TEMPLATE_INCOMPLETE);
        w = wish_secret(32);
        w.t.n = 1; /* no key type */
        assert_int_equal(derive(&cu, &base, &w, &child), CKR_TEMPLATE_INCOMPLETE);
        w = wish_hkdf(CKO_PRIVATE_KEY);
        assert_int_equal(derive(&cu, &base, &w, &child), CKR_TEMPLATE_INCONSISTENT);
}

/* D06, D09: the second key is asked as the base is. */
static void the_second_key_is_asked_too(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2"), co = caller_co(*state);
        struct attributes plain = { .n = 0 }, trust = { .n = 0 }, born = { .n = 0 };
        struct named base, foreign, useless, trusted, good, child;
        struct named *seconds[] = { &foreign, &useless, &trusted, NULL, &good };
        static const uint32_t codes[] = { CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED,
                                          CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_PARAM_INVALID, 0 };

        add_bool(&plain, CKA_SIGN, true);
        add_bool(&trust, CKA_TRUSTED, true);
        add_bool(&born, CKA_WRAP, true);
        add_bool(&born, CKA_DERIVE, true);
        add_bool(&born, CKA_EXTRACTABLE, false);
        make_base(&cu, false, &base);
        make_base(&other, true, &foreign);
        make_base(&cu, false, &good);
        assert_int_equal(make_secret(&cu, false, &plain, &useless), 0);
        assert_int_equal(make_aes(&cu, true, &born, &trusted), 0);
        assert_int_equal(set_attribute(&co, &trusted, &trust), 0);
        for (size_t i = 0; i < 5; i++) {
                struct wish w = wish_secret(32);

                hkdf_param(&w.param, CKF_HKDF_SALT_KEY, "info");
                w.second = seconds[i];
                assert_int_equal(derive(&cu, &base, &w, &child), codes[i]);
        }
        struct wish w = wish_secret(32); /* a second key that the parameter does not ask for */
        w.second = &good;
        assert_int_equal(derive(&cu, &base, &w, &child), CKR_MECHANISM_PARAM_INVALID);
        w = wish_secret(32);
        assert_int_equal(derive(&cu, &trusted, &w, &child), CKR_KEY_FUNCTION_NOT_PERMITTED);
        w = wish_secret(32);
        assert_int_equal(derive(&cu, &useless, &w, &child), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(destroy(&cu, &trusted), 0);
        assert_int_equal(destroy(&other, &foreign), 0);
}

enum spoil { SPOIL_NOTHING, SPOIL_LAST_READABLE, SPOIL_LAST_SHORT, SPOIL_LAST_LOOSER };

/* Three keys, the first wrap-with-trusted; the others say nothing of that unless spoiled. */
static struct wish wish_three(bool token, enum spoil spoil)
{
        struct wish w = { .mechanism = CKM_SP800_108_COUNTER_KDF, .param = BUF_INIT, .n_more = 2 };
        struct attributes *t[] = { &w.t, &w.more[0], &w.more[1] };

        kdf108_param(&w.param);
        for (size_t i = 0; i < 3; i++) {
                add_number(t[i], CKA_CLASS, CKO_SECRET_KEY);
                add_number(t[i], CKA_KEY_TYPE, i == 1 ? CKK_AES : CKK_GENERIC_SECRET);
                add_number(t[i], CKA_VALUE_LEN, i == 1 ? 16 : i == 2 && spoil == SPOIL_LAST_SHORT ? 8 : 40);
                add_bool(t[i], CKA_TOKEN, token);
        }
        add_bool(t[0], CKA_WRAP_WITH_TRUSTED, true);
        if (spoil == SPOIL_LAST_READABLE)
                add_bool(t[2], CKA_SENSITIVE, false);
        if (spoil == SPOIL_LAST_LOOSER)
                add_bool(t[2], CKA_WRAP_WITH_TRUSTED, false);
        return w;
}

/* D08: several keys of one call exist together or not at all. */
static void several_keys_are_all_or_none(void **state)
{
        static const uint32_t codes[] = { 0, CKR_TEMPLATE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
                                          CKR_TEMPLATE_INCONSISTENT };
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes any = { .n = 0 };
        struct named base, keys[3];
        struct wish w;
        size_t before;

        add_number(&any, CKA_CLASS, CKO_SECRET_KEY);
        for (int token = 0; token < 2; token++) {
                make_base(&cu, token, &base);
                before = count_objects(&cu, &any);
                for (int spoil = SPOIL_LAST_READABLE; spoil <= SPOIL_LAST_LOOSER; spoil++) {
                        w = wish_three(true, (enum spoil)spoil);
                        assert_int_equal(derive(&cu, &base, &w, keys), codes[spoil]);
                        assert_int_equal(count_objects(&cu, &any), before);
                }
                w = wish_three(true, SPOIL_NOTHING);
                assert_int_equal(derive(&cu, &base, &w, keys), 0);
                assert_int_equal(count_objects(&cu, &any), before + 3);
                for (size_t i = 0; i < 3; i++) {
                        assert_true(is_set(&cu, &keys[i], CKA_WRAP_WITH_TRUSTED));
                        assert_int_equal(destroy(&cu, &keys[i]), 0);
                }
                w = wish_three(false, SPOIL_NOTHING);
                assert_int_equal(derive(&cu, &base, &w, keys), 0);
                w = wish_three(false, SPOIL_NOTHING); /* HKDF makes one key at a time */
                w.mechanism = CKM_HKDF_DERIVE;
                hkdf_param(&w.param, CKF_HKDF_SALT_NULL, "info");
                assert_int_equal(derive(&cu, &base, &w, keys), CKR_MECHANISM_PARAM_INVALID);
                if (token)
                        assert_int_equal(destroy(&cu, &base), 0);
        }
}

/* D10, D11. */
static void data_comes_from_keys_born_for_it(void **state)
{
        static const uint64_t allowed[][2] = { { CKM_HKDF_DATA, CKM_SHA256_HMAC },
                                               { CKM_HKDF_DATA, CKM_HKDF_DERIVE } };
        struct caller cu = caller_cu(*state, "cu1");
        struct named base, data;
        uint8_t value[64], list[16];
        struct wish w;
        size_t n;

        make_base(&cu, true, &base);
        w = wish_hkdf(CKO_DATA);
        w.mechanism = CKM_HKDF_DATA;
        add_number(&w.t, CKA_VALUE_LEN, 42);
        assert_int_equal(derive(&cu, &base, &w, &data), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(destroy(&cu, &base), 0);
        for (int both = 0; both < 2; both++) {
                struct attributes t = { .n = 0 };

                for (int i = 0; i < 16; i++)
                        list[i] = (uint8_t)(allowed[both][i / 8] >> (56 - 8 * (i % 8)));
                add_bool(&t, CKA_DERIVE, true);
                add_bool(&t, CKA_EXTRACTABLE, false);
                add_bytes(&t, CKA_ALLOWED_MECHANISMS, slice_of(list, sizeof(list)));
                assert_int_equal(make_secret(&cu, true, &t, &base), 0);
                w = wish_hkdf(CKO_DATA);
                w.mechanism = CKM_HKDF_DATA;
                add_number(&w.t, CKA_VALUE_LEN, 42);
                assert_int_equal(derive(&cu, &base, &w, &data), both ? CKR_KEY_FUNCTION_NOT_PERMITTED : 0);
                if (!both) {
                        assert_int_equal(get_attribute(&cu, &data, CKA_VALUE, value, sizeof(value), &n), 0);
                        assert_int_equal(n, 42);
                        w = wish_secret(32);
                        assert_int_equal(derive(&cu, &base, &w, &data), CKR_MECHANISM_INVALID);
                }
                assert_int_equal(destroy(&cu, &base), 0);
        }
}

/* A derived key's value can be known outside (the other side of an agreement): trust in it opens nothing. */
static void derived_keys_are_not_relied_on(void **state)
{
        struct caller cu = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct attributes trust = { .n = 0 }, guarded = { .n = 0 };
        struct named base, kek, key;
        struct wish w = wish_hkdf(CKO_SECRET_KEY);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest in = CHSM__WRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        add_bool(&trust, CKA_TRUSTED, true);
        add_bool(&guarded, CKA_WRAP_WITH_TRUSTED, true);
        make_base(&cu, true, &base);
        w.t.n = 0;
        add_number(&w.t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&w.t, CKA_KEY_TYPE, CKK_AES);
        add_number(&w.t, CKA_VALUE_LEN, 32);
        add_bool(&w.t, CKA_TOKEN, true);
        add_bool(&w.t, CKA_WRAP, true);
        assert_int_equal(derive(&cu, &base, &w, &kek), 0);
        assert_int_equal(set_attribute(&co, &kek, &trust), 0);
        assert_int_equal(make_aes(&cu, true, &guarded, &key), 0);
        m.number = CKM_AES_KEY_WRAP;
        in.wrapping_key = &kek.ref;
        in.key = &key.ref;
        in.mechanism = &m;
        r.wrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
        assert_int_equal(ask(&cu, &r)->status, CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(destroy(&cu, &base), 0);
        assert_int_equal(destroy(&cu, &kek), 0);
        assert_int_equal(destroy(&cu, &key), 0);
}

/* C07. */
static void the_derive_template_holds(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes t = { .n = 0 };
        struct named base, child;
        struct buf inner = BUF_INIT;
        struct wish w;

        ck_template_put(&inner, CKA_EXTRACTABLE, slice_of("\0", 1));
        add_bool(&t, CKA_DERIVE, true);
        add_bytes(&t, CKA_DERIVE_TEMPLATE, buf_slice(&inner));
        assert_int_equal(make_secret(&cu, false, &t, &base), 0);
        assert_int_equal(derive_with(&cu, &base, CKA_EXTRACTABLE, true, &child), CKR_TEMPLATE_INCONSISTENT);
        w = wish_secret(32);
        assert_int_equal(derive(&cu, &base, &w, &child), 0);
        assert_false(is_set(&cu, &child, CKA_EXTRACTABLE));
        buf_clear(&inner);
}

/* D12, and the public half of a private key is like any public key. */
static void the_public_half(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes closed = { .n = 0 };
        struct named pub, priv, made;
        uint8_t one[128], other[128];
        struct wish w;
        size_t n, m;

        add_bool(&closed, CKA_DERIVE, false);
        add_bool(&closed, CKA_SIGN, true);
        for (int derives = 0; derives < 2; derives++) {
                assert_int_equal(
                    make_pair(&cu, CKM_EC_KEY_PAIR_GEN, false, NULL, derives ? NULL : &closed, &pub, &priv),
                    0);
                w = (struct wish){ .mechanism = CKM_PUB_KEY_FROM_PRIV_KEY, .param = BUF_INIT };
                add_bool(&w.t, CKA_VERIFY, true);
                assert_int_equal(derive(&cu, &priv, &w, &made), derives ? 0 : CKR_KEY_FUNCTION_NOT_PERMITTED);
                if (!derives)
                        continue;
                assert_int_equal(get_attribute(&cu, &pub, CKA_EC_POINT, one, sizeof(one), &n), 0);
                assert_int_equal(get_attribute(&cu, &made, CKA_EC_POINT, other, sizeof(other), &m), 0);
                assert_true(slice_equal(slice_of(one, n), slice_of(other, m)));
                w = (struct wish){ .mechanism = CKM_PUB_KEY_FROM_PRIV_KEY, .param = BUF_INIT };
                add_number(&w.t, CKA_KEY_TYPE, CKK_RSA);
                assert_int_equal(derive(&cu, &priv, &w, &made), CKR_TEMPLATE_INCONSISTENT);
        }
}

/* D04 to D06: joining and mixing keep the strictest of both keys. */
static void joined_keys_keep_the_strictest(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes open_t = { .n = 0 };
        struct named closed, open_key, child;
        struct wish w;

        add_bool(&open_t, CKA_DERIVE, true);
        make_base(&cu, false, &closed);
        assert_int_equal(make_secret(&cu, false, &open_t, &open_key), 0);
        for (int order = 0; order < 2; order++) {
                for (int loose = 0; loose < 2; loose++) {
                        w = (struct wish){ .mechanism = CKM_CONCATENATE_BASE_AND_KEY, .param = BUF_INIT };
                        add_number(&w.t, CKA_CLASS, CKO_SECRET_KEY);
                        add_number(&w.t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
                        if (loose)
                                add_bool(&w.t, CKA_EXTRACTABLE, true);
                        w.second = order ? &closed : &open_key;
                        assert_int_equal(derive(&cu, order ? &open_key : &closed, &w, &child),
                                         loose ? CKR_TEMPLATE_INCONSISTENT : 0);
                        if (!loose)
                                assert_false(is_set(&cu, &child, CKA_EXTRACTABLE) ||
                                             is_set(&cu, &child, CKA_NEVER_EXTRACTABLE));
                }
        }
        w = (struct wish){ .mechanism = CKM_CONCATENATE_BASE_AND_KEY, .param = BUF_INIT };
        add_number(&w.t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&w.t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        add_bool(&w.t, CKA_SENSITIVE, false);
        w.second = &open_key;
        assert_int_equal(derive(&cu, &open_key, &w, &child), CKR_TEMPLATE_INCONSISTENT);
}

static struct wish wish_key_block(uint64_t mechanism, uint32_t mac, uint32_t iv)
{
        static const uint8_t random[32] = { 1 };
        struct wish w = { .mechanism = mechanism, .param = BUF_INIT };

        buf_put_u64(&w.param, CKM_SHA256);
        buf_put_block(&w.param, slice_of(random, 32));
        buf_put_block(&w.param, slice_of(random, 32));
        buf_put_u32(&w.param, mac);
        buf_put_u32(&w.param, 128);
        buf_put_u32(&w.param, iv);
        add_number(&w.t, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&w.t, CKA_KEY_TYPE, CKK_AES);
        add_bool(&w.t, CKA_ENCRYPT, true);
        return w;
}

/* A key block from one template; its IVs are told of session secrets only. */
static void key_blocks_tell_ivs_of_session_secrets_only(void **state)
{
        struct caller cu = caller_cu(*state, "cu1");
        struct attributes any = { .n = 0 };
        struct named premaster, master, keys[4];
        uint8_t value[8];
        struct wish w;
        size_t before, n;

        add_number(&any, CKA_CLASS, CKO_SECRET_KEY);
        for (int token = 0; token < 2; token++) {
                make_base(&cu, token, &premaster);
                w = (struct wish){ .mechanism = CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, .param = BUF_INIT };
                buf_put_u64(&w.param, CKM_SHA256);
                buf_put_block(&w.param, SLICE_LIT("0123456789abcdef0123456789abcdef"));
                buf_put_u8(&w.param, 0);
                add_number(&w.t, CKA_CLASS, CKO_SECRET_KEY);
                add_number(&w.t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
                add_bool(&w.t, CKA_TOKEN, token);
                add_bool(&w.t, CKA_DERIVE, true);
                assert_int_equal(derive(&cu, &premaster, &w, &master), 0);
                before = count_objects(&cu, &any);
                w = wish_key_block(CKM_TLS12_KEY_AND_MAC_DERIVE, 160, 128);
                add_bool(&w.t, CKA_TOKEN, true);
                assert_int_equal(derive(&cu, &master, &w, keys), token ? CKR_KEY_FUNCTION_NOT_PERMITTED : 0);
                assert_int_equal(count_objects(&cu, &any), before + (token ? 0 : 4));
                for (size_t i = 0; !token && i < 4; i++)
                        assert_int_equal(destroy(&cu, &keys[i]), 0);
                w = wish_key_block(CKM_TLS12_KEY_SAFE_DERIVE, 160, 0);
                assert_int_equal(derive(&cu, &master, &w, keys), 0);
                for (size_t i = 0; i < 4; i++) {
                        assert_int_equal(is_set(&cu, &keys[i], CKA_SIGN), i < 2);
                        assert_int_equal(is_set(&cu, &keys[i], CKA_ENCRYPT), i >= 2);
                        assert_false(is_set(&cu, &keys[i], CKA_EXTRACTABLE));
                        assert_int_equal(
                            get_attribute(&cu, &keys[i], CKA_VALUE_LEN, value, sizeof(value), &n), 0);
                        assert_int_equal(value[7], i < 2 ? 20 : 16);
                }
                w = wish_key_block(CKM_TLS12_KEY_SAFE_DERIVE, 64, 0); /* MAC keys of 8 bytes */
                assert_int_equal(derive(&cu, &master, &w, keys), CKR_KEY_SIZE_RANGE);
                if (token) {
                        assert_int_equal(destroy(&cu, &premaster), 0);
                        assert_int_equal(destroy(&cu, &master), 0);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(children_inherit_the_strictest),
                cmocka_unit_test(short_and_impossible_children_are_refused),
                cmocka_unit_test(the_second_key_is_asked_too),
                cmocka_unit_test(several_keys_are_all_or_none),
                cmocka_unit_test(data_comes_from_keys_born_for_it),
                cmocka_unit_test(derived_keys_are_not_relied_on),
                cmocka_unit_test(the_derive_template_holds),
                cmocka_unit_test(the_public_half),
                cmocka_unit_test(joined_keys_keep_the_strictest),
                cmocka_unit_test(key_blocks_tell_ivs_of_session_secrets_only),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
