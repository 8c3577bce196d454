/* Objects of known value in both modules, and calls on objects. */
#include "differential.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

/* A template in the making. */
struct template
{
        CK_ATTRIBUTE items[24];
        CK_ULONG n;
        CK_BBOOL bools[24];
        CK_ULONG numbers[24];
};

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
        t->items[t->n++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)value, n };
}

static void add_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
        t->bools[t->n] = value;
        add(t, type, &t->bools[t->n], 1);
}

static void add_number(struct template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
        t->numbers[t->n] = value;
        add(t, type, &t->numbers[t->n], sizeof(CK_ULONG));
}

/* ---- key pairs, made once ---- */

static struct {
        CK_BYTE bytes[512];
        CK_ULONG n;
} rsa_parts[8], ec_private, ec_point;
static const struct {
        const char *name;
        CK_ATTRIBUTE_TYPE type;
} rsa_rows[8] = {
        { OSSL_PKEY_PARAM_RSA_N, CKA_MODULUS },
        { OSSL_PKEY_PARAM_RSA_E, CKA_PUBLIC_EXPONENT },
        { OSSL_PKEY_PARAM_RSA_D, CKA_PRIVATE_EXPONENT },
        { OSSL_PKEY_PARAM_RSA_FACTOR1, CKA_PRIME_1 },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, CKA_PRIME_2 },
        { OSSL_PKEY_PARAM_RSA_EXPONENT1, CKA_EXPONENT_1 },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, CKA_EXPONENT_2 },
        { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, CKA_COEFFICIENT },
};
static const CK_BYTE p256[] = { 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };

static void take_number(EVP_PKEY *key, const char *name, CK_BYTE *out, CK_ULONG *n)
{
        BIGNUM *number = NULL;

        if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
                abort();
        *n = (CK_ULONG)BN_bn2bin(number, out);
        BN_free(number);
}

static void pairs_make(void)
{
        EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
        size_t n = 0;

        for (size_t i = 0; i < 8; i++)
                take_number(rsa, rsa_rows[i].name, rsa_parts[i].bytes, &rsa_parts[i].n);
        take_number(ec, OSSL_PKEY_PARAM_PRIV_KEY, ec_private.bytes, &ec_private.n);
        if (EVP_PKEY_get_octet_string_param(ec, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, ec_point.bytes + 2, 65,
                                            &n) != 1)
                abort();
        ec_point.bytes[0] = 0x04;
        ec_point.bytes[1] = 65;
        ec_point.n = 67;
        EVP_PKEY_free(rsa);
        EVP_PKEY_free(ec);
}

/* ---- creation ---- */

static const struct kind_row {
        CK_OBJECT_CLASS object_class;
        CK_KEY_TYPE key_type;
        CK_ATTRIBUTE_TYPE usage[4]; /* what it is made for; 0 ends */
} kind_rows[KINDS] = {
        [KIND_AES] = { CKO_SECRET_KEY, CKK_AES, { CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY } },
        [KIND_GENERIC] = { CKO_SECRET_KEY, CKK_GENERIC_SECRET, { CKA_SIGN, CKA_VERIFY } },
        [KIND_RSA_PRIVATE] = { CKO_PRIVATE_KEY, CKK_RSA, { CKA_DECRYPT, CKA_SIGN } },
        [KIND_RSA_PUBLIC] = { CKO_PUBLIC_KEY, CKK_RSA, { CKA_ENCRYPT, CKA_VERIFY } },
        [KIND_EC_PRIVATE] = { CKO_PRIVATE_KEY, CKK_EC, { CKA_SIGN } },
        [KIND_EC_PUBLIC] = { CKO_PUBLIC_KEY, CKK_EC, { CKA_VERIFY } },
        [KIND_DATA] = { CKO_DATA, 0, { 0 } },
        [KIND_CERTIFICATE] = { CKO_CERTIFICATE, 0, { 0 } },
};

static void add_value(struct world *w, struct template *t, enum kind kind)
{
        static CK_BYTE value[64];
        static const CK_ULONG aes_sizes[] = { 16, 24, 32 };

        random_bytes(w, value, sizeof value);
        switch (kind) {
        case KIND_AES:
                add(t, CKA_VALUE, value, aes_sizes[random_below(w, 3)]);
                break;
        case KIND_RSA_PRIVATE:
        case KIND_RSA_PUBLIC:
                for (size_t i = 0; i < (kind == KIND_RSA_PUBLIC ? 2 : 8); i++)
                        add(t, rsa_rows[i].type, rsa_parts[i].bytes, rsa_parts[i].n);
                break;
        case KIND_EC_PRIVATE:
        case KIND_EC_PUBLIC:
                add(t, CKA_EC_PARAMS, p256, sizeof p256);
                if (kind == KIND_EC_PRIVATE)
                        add(t, CKA_VALUE, ec_private.bytes, ec_private.n);
                else
                        add(t, CKA_EC_POINT, ec_point.bytes, ec_point.n);
                break;
        case KIND_CERTIFICATE:
                add_number(t, CKA_CERTIFICATE_TYPE, CKC_X_509);
                add(t, CKA_SUBJECT, "\x30\x00", 2);
                add(t, CKA_VALUE, value, 64);
                break;
        default:
                add(t, CKA_VALUE, value, 32);
        }
}

void object_create(struct world *w, enum kind kind)
{
        const struct kind_row *row = &kind_rows[kind];
        struct template t = { .n = 0 };
        struct object *o = &w->objects[w->object_count];
        bool key = row->object_class != CKO_DATA && row->object_class != CKO_CERTIFICATE;
        bool hidden = row->object_class == CKO_PRIVATE_KEY || row->object_class == CKO_SECRET_KEY;
        CK_RV rv[SIDES];

        if (rsa_parts[0].n == 0)
                pairs_make();
        if (w->object_count == OBJECTS_MAX)
                return;
        add_number(&t, CKA_CLASS, row->object_class);
        add_bool(&t, CKA_TOKEN, false);
        add_bool(&t, CKA_PRIVATE, hidden || random_below(w, 2));
        add(&t, CKA_LABEL, "differential", 1 + random_below(w, 12));
        if (key) {
                add_number(&t, CKA_KEY_TYPE, row->key_type);
                add(&t, CKA_ID, "identity", random_below(w, 9));
        }
        for (int i = 0; i < 4 && row->usage[i]; i++)
                add_bool(&t, row->usage[i], random_below(w, 8) != 0);
        add_value(w, &t, kind);
        trail(w, "\n#   C_CreateObject(kind %d)", kind);
        *o = (struct object){ .kind = kind };
        w->touched = o;
        for (int i = 0; i < SIDES; i++)
                rv[i] = w->side[i].f->C_CreateObject(w->side[i].session[HOME], t.items, t.n, &o->handle[i]);
        if (compare(w, "C_CreateObject", rv))
                w->object_count++;
}

struct object *object_any(struct world *w)
{
        return &w->objects[random_below(w, (uint32_t)w->object_count)];
}

struct object *object_of(struct world *w, enum kind kind)
{
        for (size_t tries = 0; tries < 20; tries++) {
                struct object *o = object_any(w);
                if (o->kind == kind)
                        return o;
        }
        return object_any(w);
}

/* ---- calls on objects ---- */

static const CK_ATTRIBUTE_TYPE readable[] = {
        CKA_CLASS,     CKA_TOKEN,   CKA_PRIVATE,          CKA_LABEL,    CKA_KEY_TYPE,  CKA_ID,
        CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT,          CKA_SIGN,     CKA_VERIFY,    CKA_WRAP,
        CKA_UNWRAP,    CKA_DERIVE,  CKA_MODULUS,          CKA_VALUE,    CKA_EC_PARAMS, CKA_PRIME_1,
        CKA_EC_POINT,  CKA_LOCAL,   CKA_PRIVATE_EXPONENT, CKA_COPYABLE, CKA_VALUE_LEN, CKA_MODIFIABLE,
};
#define READABLE (sizeof readable / sizeof *readable)

void object_create_any(struct world *w)
{
        object_create(w, (enum kind)random_below(w, KINDS));
}

void object_destroy(struct world *w)
{
        struct object *o = object_any(w);
        CK_RV rv[SIDES];

        trail(w, "\n#   C_DestroyObject(kind %d)", o->kind);
        for (int i = 0; i < SIDES; i++)
                rv[i] = w->side[i].f->C_DestroyObject(w->side[i].session[HOME], o->handle[i]);
        w->touched = o;
        o->gone = compare(w, "C_DestroyObject", rv) || o->gone;
}

void object_get(struct world *w)
{
        struct object *o = object_any(w);
        CK_ATTRIBUTE_TYPE type = readable[random_below(w, READABLE)];
        CK_ULONG room = random_below(w, 4) ? RESULT_MAX : random_below(w, 40);
        bool null = random_below(w, 5) == 0;
        char function[64];
        CK_RV rv[SIDES];

        trail(w, "\n#   C_GetAttributeValue(kind %d, 0x%lx, room %lu%s)", o->kind, type, room,
              null ? ", NULL" : "");
        for (int i = 0; i < SIDES; i++) {
                struct side *s = &w->side[i];
                CK_ATTRIBUTE a = { type, null ? NULL : s->result, null ? 0 : room };

                rv[i] = s->f->C_GetAttributeValue(s->session[HOME], o->handle[i], &a, 1);
                s->result_n = rv[i] == CKR_OK && !null ? a.ulValueLen : 0;
        }
        (void)snprintf(function, sizeof function, "C_GetAttributeValue 0x%lx", type);
        if (compare(w, function, rv))
                compare_results(w, function);
}

void object_set(struct world *w)
{
        static const CK_ATTRIBUTE_TYPE types[] = { CKA_LABEL,  CKA_ID,     CKA_ENCRYPT, CKA_SIGN,   CKA_CLASS,
                                                   CKA_DERIVE, CKA_VERIFY, CKA_TOKEN,   CKA_PRIVATE };
        struct object *o = object_any(w);
        CK_ATTRIBUTE_TYPE type = types[random_below(w, sizeof types / sizeof *types)];
        struct template t = { .n = 0 };
        char function[64];
        CK_RV rv[SIDES];

        if (type == CKA_LABEL || type == CKA_ID)
                add(&t, type, "other text", random_below(w, 11));
        else if (type == CKA_CLASS)
                add_number(&t, type, CKO_DATA);
        else
                add_bool(&t, type, type != CKA_TOKEN && random_below(w, 2));
        trail(w, "\n#   C_SetAttributeValue(kind %d, 0x%lx)", o->kind, type);
        for (int i = 0; i < SIDES; i++)
                rv[i] =
                    w->side[i].f->C_SetAttributeValue(w->side[i].session[HOME], o->handle[i], t.items, t.n);
        w->touched = o;
        (void)snprintf(function, sizeof function, "C_SetAttributeValue 0x%lx", type);
        (void)compare(w, function, rv);
}

void object_copy(struct world *w)
{
        struct object *o = object_any(w), *made = &w->objects[w->object_count];
        struct template t = { .n = 0 };
        CK_RV rv[SIDES];

        if (w->object_count == OBJECTS_MAX)
                return;
        if (random_below(w, 2))
                add(&t, CKA_LABEL, "a copy", 6);
        trail(w, "\n#   C_CopyObject(kind %d)", o->kind);
        *made = (struct object){ .kind = o->kind };
        w->touched = made;
        for (int i = 0; i < SIDES; i++)
                rv[i] = w->side[i].f->C_CopyObject(w->side[i].session[HOME], o->handle[i], t.items, t.n,
                                                   &made->handle[i]);
        if (compare(w, "C_CopyObject", rv))
                w->object_count++;
}

/* What is found must be the same objects. */
void object_find(struct world *w)
{
        struct object *o = object_any(w);
        struct template t = { .n = 0 };
        CK_OBJECT_HANDLE found[SIDES][OBJECTS_MAX];
        CK_ULONG n[SIDES] = { 0, 0 };
        CK_RV rv[SIDES];

        add_bool(&t, CKA_TOKEN, false);
        if (random_below(w, 2))
                add_number(&t, CKA_CLASS, kind_rows[o->kind].object_class);
        if (random_below(w, 2))
                add(&t, CKA_LABEL, "differential", 1 + random_below(w, 12));
        trail(w, "\n#   C_FindObjects");
        for (int i = 0; i < SIDES; i++) {
                CK_FUNCTION_LIST_PTR f = w->side[i].f;
                CK_SESSION_HANDLE s = w->side[i].session[HOME];

                rv[i] = f->C_FindObjectsInit(s, t.items, t.n);
                if (rv[i] == CKR_OK)
                        rv[i] = f->C_FindObjects(s, found[i], OBJECTS_MAX, &n[i]);
                (void)f->C_FindObjectsFinal(s);
        }
        if (!compare(w, "C_FindObjects", rv))
                return;
        if (n[OURS] != n[THEIRS])
                finding(w, "C_FindObjects found another number of objects");
        for (size_t k = 0; k < w->object_count && !w->over; k++) {
                bool in[SIDES] = { false, false };

                for (int i = 0; i < SIDES; i++) {
                        for (CK_ULONG j = 0; j < n[i]; j++)
                                in[i] =
                                    in[i] || (!w->objects[k].gone && found[i][j] == w->objects[k].handle[i]);
                }
                if (in[OURS] != in[THEIRS])
                        finding(w, "C_FindObjects found other objects");
        }
}
