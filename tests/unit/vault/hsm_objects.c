/* Objects, as a test names them. */
#include "hsm.h"
#include "crypto/cert.h"
#include "crypto/mechanism.h"
#include <openssl/pem.h>
#include <openssl/x509.h>

static uint8_t *add(struct attributes *a, uint64_t type, size_t n)
{
        Chsm__Attribute *row = &a->rows[a->n];

        assert_true(a->n < 24);
        chsm__attribute__init(row);
        row->type = type;
        row->value.data = a->bytes[a->n];
        row->value.len = n;
        a->lent[a->n++] = false;
        return row->value.data;
}

void add_bool(struct attributes *a, uint64_t type, bool value)
{
        *add(a, type, 1) = value;
}

void add_number(struct attributes *a, uint64_t type, uint64_t value)
{
        uint8_t *p = add(a, type, 8);

        for (int i = 0; i < 8; i++)
                p[i] = (uint8_t)(value >> (56 - 8 * i));
}

void add_bytes(struct attributes *a, uint64_t type, struct slice value)
{
        (void)add(a, type, value.n);
        a->rows[a->n - 1].value.data = (uint8_t *)(uintptr_t)value.p;
        a->lent[a->n - 1] = true;
}

/* Pointers are set late, as the struct may have been copied. */
void attributes_lend(struct attributes *a, Chsm__Attribute ***list, size_t *n)
{
        for (size_t i = 0; a && i < a->n; i++) {
                if (!a->lent[i])
                        a->rows[i].value.data = a->bytes[i];
                a->list[i] = &a->rows[i];
        }
        *list = a ? a->list : NULL;
        *n = a ? a->n : 0;
}

void name_object(struct named *o, const Chsm__ObjectResponse *r)
{
        chsm__object_ref__init(&o->ref);
        o->ref.handle = r->handle;
        if (r->handle)
                return;
        assert_true(r->sealed.len > 0 && r->sealed.len <= sizeof(o->blob));
        memcpy(o->blob, r->sealed.data, r->sealed.len);
        o->ref.sealed.data = o->blob;
        o->ref.sealed.len = r->sealed.len;
}

uint32_t make_aes(struct caller *c, bool token, struct attributes *more, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes none = { .n = 0 }, *a = more ? more : &none;
        const Chsm__Response *response;

        m.number = CKM_AES_KEY_GEN;
        add_bool(a, CKA_TOKEN, token);
        add_number(a, CKA_VALUE_LEN, 32);
        in.mechanism = &m;
        attributes_lend(a, &in.template_, &in.n_template_);
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}

uint32_t make_pair(struct caller *c, uint64_t mechanism, bool token, struct attributes *pub,
                   struct attributes *priv, struct named *public_key, struct named *private_key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes none[2] = { { .n = 0 }, { .n = 0 } };
        const Chsm__Response *response;

        pub = pub ? pub : &none[0];
        priv = priv ? priv : &none[1];
        m.number = mechanism;
        add_bool(pub, CKA_TOKEN, token);
        add_bool(priv, CKA_TOKEN, token);
        if (mechanism == CKM_EC_KEY_PAIR_GEN)
                add_bytes(pub, CKA_EC_PARAMS, slice_of(hsm_p256, sizeof(hsm_p256)));
        else if (mechanism == CKM_ML_KEM_KEY_PAIR_GEN)
                add_number(pub, CKA_PARAMETER_SET, CKP_ML_KEM_512);
        else
                add_number(pub, CKA_MODULUS_BITS, 2048);
        in.mechanism = &m;
        attributes_lend(pub, &in.public_template, &in.n_public_template);
        attributes_lend(priv, &in.private_template, &in.n_private_template);
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        name_object(public_key, response->key_pair->public_key);
        name_object(private_key, response->key_pair->private_key);
        return 0;
}

uint32_t destroy(struct caller *c, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DestroyObjectRequest in = CHSM__DESTROY_OBJECT_REQUEST__INIT;

        in.object = &o->ref;
        r.destroy_object = &in;
        r.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
        return ask(c, &r)->status;
}

uint32_t set_attribute(struct caller *c, struct named *o, struct attributes *a)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest in = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        const Chsm__Response *response;

        in.object = &o->ref;
        attributes_lend(a, &in.attributes, &in.n_attributes);
        r.set_attributes = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}

uint32_t get_attribute(struct caller *c, struct named *o, uint64_t type, uint8_t *out, size_t cap, size_t *n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest in = CHSM__GET_ATTRIBUTES_REQUEST__INIT;
        const Chsm__Response *response;
        const Chsm__Attribute *a;

        in.object = &o->ref;
        in.types = &type;
        in.n_types = 1;
        r.get_attributes = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        a = response->attributes->attributes[0];
        assert_true(a->value.len <= cap);
        if (a->value.len)
                memcpy(out, a->value.data, a->value.len);
        *n = a->value.len;
        return a->status;
}

size_t count_objects(struct caller *c, struct attributes *wanted)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;
        const Chsm__Response *response;
        size_t n = 0;

        attributes_lend(wanted, &in.template_, &in.n_template_);
        r.find_objects = &in;
        r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        do {
                response = ask(c, &r);
                assert_int_equal(response->status, 0);
                n += response->find_objects->n_handles;
                if (response->find_objects->n_handles)
                        in.after = response->find_objects->handles[response->find_objects->n_handles - 1];
        } while (response->find_objects->more);
        return n;
}
