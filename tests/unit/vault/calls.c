#include "calls.h"

#include "ck/mechanism_param.h"

static const char text[] = "sixteen bytes...";
#define TEXT ((ProtobufCBinaryData){ sizeof(text) - 1, (uint8_t *)(uintptr_t)text })

static Chsm__Attribute **list_of(struct attributes *a)
{
        Chsm__Attribute **list;
        size_t n;

        attributes_lend(a, &list, &n);
        return list;
}

static uint32_t object_from(const Chsm__Response *response, struct named *o)
{
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}

static uint32_t data_from(const Chsm__Response *response, struct given *out)
{
        if (response->status)
                return response->status;
        assert_true(response->data->data.len <= sizeof(out->p));
        memcpy(out->p, response->data->data.data, response->data->data.len);
        out->n = response->data->data.len;
        return 0;
}

uint32_t create_object(struct caller *c, struct attributes *a, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateObjectRequest in = CHSM__CREATE_OBJECT_REQUEST__INIT;

        in.template_ = list_of(a);
        in.n_template_ = a->n;
        r.create_object = &in;
        r.body_case = CHSM__REQUEST__BODY_CREATE_OBJECT;
        return object_from(ask(c, &r), o);
}

uint32_t copy_object(struct caller *c, struct named *original, struct attributes *a, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CopyObjectRequest in = CHSM__COPY_OBJECT_REQUEST__INIT;

        in.object = &original->ref;
        in.template_ = list_of(a);
        in.n_template_ = a ? a->n : 0;
        r.copy_object = &in;
        r.body_case = CHSM__REQUEST__BODY_COPY_OBJECT;
        return object_from(ask(c, &r), o);
}

uint32_t share_object(struct caller *c, struct named *key, uint64_t user, bool on)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ShareObjectRequest in = CHSM__SHARE_OBJECT_REQUEST__INIT;

        in.handle = key->ref.handle;
        in.user = user;
        in.share = on;
        r.share_object = &in;
        r.body_case = CHSM__REQUEST__BODY_SHARE_OBJECT;
        return ask(c, &r)->status;
}

uint32_t use_sign(struct caller *c, struct named *key, uint64_t mechanism, struct given *signature)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest in = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = TEXT;
        r.sign = &in;
        r.body_case = CHSM__REQUEST__BODY_SIGN;
        return data_from(ask(c, &r), signature);
}

uint32_t use_verify(struct caller *c, struct named *key, uint64_t mechanism, const struct given *signature)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__VerifyRequest in = CHSM__VERIFY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = mechanism;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = TEXT;
        in.signature = (ProtobufCBinaryData){ signature->n, (uint8_t *)(uintptr_t)signature->p };
        r.verify = &in;
        r.body_case = CHSM__REQUEST__BODY_VERIFY;
        return ask(c, &r)->status;
}

uint32_t use_encrypt(struct caller *c, struct named *key, struct given *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__EncryptRequest in = CHSM__ENCRYPT_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = CKM_AES_ECB;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = TEXT;
        r.encrypt = &in;
        r.body_case = CHSM__REQUEST__BODY_ENCRYPT;
        return data_from(ask(c, &r), out);
}

uint32_t use_decrypt(struct caller *c, struct named *key, struct given *data)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DecryptRequest in = CHSM__DECRYPT_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct given out;
        uint32_t rv;

        m.number = CKM_AES_ECB;
        in.key = &key->ref;
        in.mechanism = &m;
        in.data = (ProtobufCBinaryData){ data->n, data->p };
        r.decrypt = &in;
        r.body_case = CHSM__REQUEST__BODY_DECRYPT;
        rv = data_from(ask(c, &r), &out);
        if (rv == 0)
                assert_memory_equal(out.p, text, sizeof(text) - 1);
        return rv;
}

uint32_t use_wrap(struct caller *c, struct named *wrapping, struct named *key, struct given *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest in = CHSM__WRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;

        m.number = CKM_AES_KEY_WRAP;
        in.wrapping_key = &wrapping->ref;
        in.mechanism = &m;
        in.key = &key->ref;
        r.wrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
        return data_from(ask(c, &r), out);
}

uint32_t use_unwrap(struct caller *c, struct named *unwrapping, const struct given *wrapped,
                    struct attributes *a, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest in = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes none = { .n = 0 };

        a = a ? a : &none;
        add_number(a, CKA_CLASS, CKO_SECRET_KEY);
        add_number(a, CKA_KEY_TYPE, CKK_AES);
        m.number = CKM_AES_KEY_WRAP;
        in.unwrapping_key = &unwrapping->ref;
        in.mechanism = &m;
        in.wrapped = (ProtobufCBinaryData){ wrapped->n, (uint8_t *)(uintptr_t)wrapped->p };
        in.template_ = list_of(a);
        in.n_template_ = a->n;
        r.unwrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
        return object_from(ask(c, &r), o);
}

uint32_t use_derive(struct caller *c, struct named *base, struct slice point, struct named *o)
{
        CK_ECDH1_DERIVE_PARAMS native = { CKD_NULL, 0, NULL, point.n, (CK_BYTE_PTR)(uintptr_t)point.p };
        CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &native, sizeof(native) };
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest in = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes a = { .n = 0 };
        struct buf flat = BUF_INIT;
        struct err err = ERR_INIT;
        CK_OBJECT_HANDLE second;
        uint32_t rv;

        assert_true(ck_mech_param_encode(&mechanism, &flat, &second, &err));
        add_number(&a, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&a, CKA_KEY_TYPE, CKK_AES);
        add_number(&a, CKA_VALUE_LEN, 32);
        m.number = CKM_ECDH1_DERIVE;
        m.parameter = (ProtobufCBinaryData){ flat.n, flat.p };
        in.base_key = &base->ref;
        in.mechanism = &m;
        in.template_ = list_of(&a);
        in.n_template_ = a.n;
        r.derive_key = &in;
        r.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
        rv = object_from(ask(c, &r), o);
        buf_clear(&flat);
        return rv;
}

uint8_t flag_of(struct caller *c, struct named *o, uint64_t type)
{
        uint8_t value[8];
        size_t n = 0;

        return get_attribute(c, o, type, value, sizeof(value), &n) == 0 && n == 1 ? value[0] : 0xff;
}

uint32_t set_bool(struct caller *c, struct named *o, uint64_t type, bool value)
{
        struct attributes a = { .n = 0 };

        add_bool(&a, type, value);
        return set_attribute(c, o, &a);
}
