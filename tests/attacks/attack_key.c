/* Keys and templates in the notation of the key rules. */
#include "attack.h"

static const struct {
        const char *word;
        CK_ATTRIBUTE_TYPE type;
} words_of[] = {
        { "TOKEN", CKA_TOKEN },
        { "PRIVATE", CKA_PRIVATE },
        { "SENS", CKA_SENSITIVE },
        { "EXTR", CKA_EXTRACTABLE },
        { "WWT", CKA_WRAP_WITH_TRUSTED },
        { "TRUSTED", CKA_TRUSTED },
        { "ENCRYPT", CKA_ENCRYPT },
        { "DECRYPT", CKA_DECRYPT },
        { "SIGN", CKA_SIGN },
        { "VERIFY", CKA_VERIFY },
        { "SIGN_RECOVER", CKA_SIGN_RECOVER },
        { "VERIFY_RECOVER", CKA_VERIFY_RECOVER },
        { "WRAP", CKA_WRAP },
        { "UNWRAP", CKA_UNWRAP },
        { "DERIVE", CKA_DERIVE },
        { "MODIFIABLE", CKA_MODIFIABLE },
        { "COPYABLE", CKA_COPYABLE },
        { "DESTROYABLE", CKA_DESTROYABLE },
        { "LOCAL", CKA_LOCAL },
        { "ALWAYS_SENSITIVE", CKA_ALWAYS_SENSITIVE },
        { "NEVER_EXTRACTABLE", CKA_NEVER_EXTRACTABLE },
};

static CK_ULONG place(struct wanted *w, CK_ATTRIBUTE_TYPE type)
{
        CK_ULONG i = 0;

        while (i < w->n && w->items[i].type != type)
                i++;
        if (i == w->n) {
                if (w->n == sizeof(w->items) / sizeof(w->items[0]))
                        abort();
                w->n++;
        }
        w->items[i].type = type;
        return i;
}

void wanted_bool(struct wanted *w, CK_ATTRIBUTE_TYPE type, bool value)
{
        CK_ULONG i = place(w, type);

        w->bools[i] = value;
        w->items[i].pValue = &w->bools[i];
        w->items[i].ulValueLen = 1;
}

void wanted_number(struct wanted *w, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
        CK_ULONG i = place(w, type);

        w->numbers[i] = value;
        w->items[i].pValue = &w->numbers[i];
        w->items[i].ulValueLen = sizeof(CK_ULONG);
}

void wanted_bytes(struct wanted *w, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
        CK_ULONG i = place(w, type);

        w->items[i].pValue = (void *)(uintptr_t)p;
        w->items[i].ulValueLen = n;
}

void wanted_words(struct wanted *w, const char *words)
{
        while (*words) {
                size_t n = strcspn(words, " "), i = 0, rows = sizeof(words_of) / sizeof(words_of[0]);

                while (i < rows && (strlen(words_of[i].word) != n - 1 ||
                                    strncmp(words_of[i].word, words + 1, n - 1) != 0))
                        i++;
                if (i == rows || (*words != '+' && *words != '-'))
                        abort(); /* a word that is none */
                wanted_bool(w, words_of[i].type, *words == '+');
                words += n;
                words += strspn(words, " ");
        }
}

void wanted_key(const struct attack *a, struct wanted *w, CK_OBJECT_CLASS class, const char *words)
{
        wanted_bool(w, CKA_TOKEN, a->token);
        if (class == CKO_PUBLIC_KEY) {
                wanted_words(w, "-ENCRYPT -VERIFY -WRAP");
        } else {
                wanted_words(w, "+PRIVATE +SENS -EXTR -WWT -UNWRAP -DERIVE -SIGN -DECRYPT");
                if (class == CKO_SECRET_KEY)
                        wanted_words(w, "-ENCRYPT -WRAP -VERIFY");
        }
        wanted_words(w, words);
}

void wanted_bare(const struct attack *a, struct wanted *w, CK_OBJECT_CLASS class, CK_KEY_TYPE type,
                 const char *words)
{
        wanted_number(w, CKA_CLASS, class);
        if (type != CK_UNAVAILABLE_INFORMATION)
                wanted_number(w, CKA_KEY_TYPE, type);
        wanted_bool(w, CKA_TOKEN, a->token);
        wanted_words(w, words);
}

CK_RV attack_key_of(struct attack *a, CK_MECHANISM_TYPE how, struct wanted *w, CK_OBJECT_HANDLE *key)
{
        CK_MECHANISM m = { how, NULL, 0 };

        return attack_made(a, p11->C_GenerateKey(a->session, &m, w->items, w->n, key), key);
}

CK_RV attack_key(struct attack *a, enum attack_kind kind, const char *words, CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_key(a, &w, CKO_SECRET_KEY, words);
        if (kind == DES3)
                return attack_key_of(a, CKM_DES3_KEY_GEN, &w, key);
        wanted_number(&w, CKA_VALUE_LEN, kind == AES128 ? 16 : 32);
        return attack_key_of(a, kind == GEN ? CKM_GENERIC_SECRET_KEY_GEN : CKM_AES_KEY_GEN, &w, key);
}

static CK_RV pair(struct attack *a, CK_MECHANISM_TYPE how, struct wanted *pub, struct wanted *priv,
                  CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
        CK_MECHANISM m = { how, NULL, 0 };
        CK_RV rv = p11->C_GenerateKeyPair(a->session, &m, pub->items, pub->n, priv->items, priv->n,
                                          public_key, private_key);

        (void)attack_made(a, rv, public_key);
        return attack_made(a, rv, private_key);
}

CK_RV attack_rsa(struct attack *a, const char *public_words, const char *private_words,
                 CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
        struct wanted pub = { .n = 0 }, priv = { .n = 0 };

        wanted_key(a, &pub, CKO_PUBLIC_KEY, public_words);
        wanted_key(a, &priv, CKO_PRIVATE_KEY, private_words);
        wanted_number(&pub, CKA_MODULUS_BITS, 2048);
        wanted_bytes(&pub, CKA_PUBLIC_EXPONENT, "\1\0\1", 3);
        return pair(a, CKM_RSA_PKCS_KEY_PAIR_GEN, &pub, &priv, public_key, private_key);
}

CK_RV attack_ec(struct attack *a, const char *public_words, const char *private_words,
                CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        struct wanted pub = { .n = 0 }, priv = { .n = 0 };

        wanted_key(a, &pub, CKO_PUBLIC_KEY, public_words);
        wanted_key(a, &priv, CKO_PRIVATE_KEY, private_words);
        wanted_bytes(&pub, CKA_EC_PARAMS, p256, sizeof(p256));
        return pair(a, CKM_EC_KEY_PAIR_GEN, &pub, &priv, public_key, private_key);
}

CK_RV attack_create(struct attack *a, struct wanted *w, CK_OBJECT_HANDLE *object)
{
        return attack_made(a, p11->C_CreateObject(a->session, w->items, w->n, object), object);
}

CK_RV attack_import(struct attack *a, CK_KEY_TYPE type, const void *value, size_t n, const char *words,
                    CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_key(a, &w, CKO_SECRET_KEY, words);
        wanted_number(&w, CKA_CLASS, CKO_SECRET_KEY);
        wanted_number(&w, CKA_KEY_TYPE, type);
        wanted_bytes(&w, CKA_VALUE, value, n);
        return attack_create(a, &w, key);
}

CK_RV attack_set(struct attack *a, CK_OBJECT_HANDLE object, const char *words)
{
        struct wanted w = { .n = 0 };

        wanted_words(&w, words);
        return p11->C_SetAttributeValue(a->session, object, w.items, w.n);
}

CK_RV attack_copy(struct attack *a, CK_OBJECT_HANDLE object, const char *words, CK_OBJECT_HANDLE *copy)
{
        struct wanted w = { .n = 0 };

        wanted_words(&w, words);
        return attack_made(a, p11->C_CopyObject(a->session, object, w.items, w.n, copy), copy);
}

CK_RV attack_value(struct attack *a, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG *n)
{
        CK_ATTRIBUTE one = { type, out, *n };
        CK_RV rv = p11->C_GetAttributeValue(a->session, object, &one, 1);

        *n = one.ulValueLen;
        return rv;
}

bool attack_reads(struct attack *a, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
        CK_BBOOL value = CK_FALSE;
        CK_ULONG n = sizeof(value);

        return attack_value(a, object, type, &value, &n) == CKR_OK && value == CK_TRUE;
}
