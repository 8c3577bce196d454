/* Group C of the key rules: templates and classes. Tookan 2010; SoftHSM pull request 898; CVE-2026-13757. */
#include "attack.h"

#include <unistd.h>

static CK_OBJECT_HANDLE trusted;

static void before(void)
{
        struct attack a = { .id = "before", .token = true, .session = attack_session() };

        if (attack_key(&a, AES, "+WRAP +UNWRAP", &trusted) || attack_trust(trusted, true))
                printf("Bail out! no trusted key\n");
}

/* An AES key of these words with a template inside. */
static CK_RV key_with(struct attack *a, const char *words, CK_ATTRIBUTE_TYPE which, struct wanted *inner,
                      CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_key(a, &w, CKO_SECRET_KEY, words);
        wanted_number(&w, CKA_VALUE_LEN, 32);
        wanted_bytes(&w, which, inner->items, inner->n * sizeof(inner->items[0]));
        return attack_key_of(a, CKM_AES_KEY_GEN, &w, key);
}

static void c01(struct attack *a)
{
        struct wanted inner = { .n = 0 };
        CK_OBJECT_HANDLE t, k, back;
        struct mech m;
        struct blob b;

        wanted_words(&inner, "-EXTR");
        MUST(a, key_with(a, "+WRAP +UNWRAP", CKA_UNWRAP_TEMPLATE, &inner, &t));
        EXPOSED(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), t, k, &b));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, t, &b, CKO_SECRET_KEY, CKK_AES, "+EXTR", &back));
        MUST(a, attack_unwrap_as(a, &m.m, t, &b, CKO_SECRET_KEY, CKK_AES, "", &back));
        CHECK(a, !attack_reads(a, back, CKA_EXTRACTABLE));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, back, "+EXTR"));
}

static CK_RV named_key(struct attack *a, const char *label, const char *id, CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_key(a, &w, CKO_SECRET_KEY, "+EXTR +WWT");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        wanted_bytes(&w, CKA_LABEL, label, strlen(label));
        wanted_bytes(&w, CKA_ID, id, strlen(id));
        return attack_key_of(a, CKM_AES_KEY_GEN, &w, key);
}

static void c02(struct attack *a)
{
        struct wanted inner = { .n = 0 };
        struct attack as_token = *a;
        CK_OBJECT_HANDLE w, k;
        struct mech m;
        struct blob b;

        wanted_bytes(&inner, CKA_LABEL, "a", 1);
        wanted_bytes(&inner, CKA_ID, "\1", 1);
        wanted_number(&inner, CKA_KEY_TYPE, CKK_AES);
        as_token.token = true;
        MUST(a, key_with(&as_token, "+WRAP", CKA_WRAP_TEMPLATE, &inner, &w));
        (void)attack_made(a, CKR_OK, &w);
        MUST(a, attack_trust(w, true));
        mech_of(&m, CKM_AES_KEY_WRAP);
        MUST(a, named_key(a, "b", "\1", &k));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, w, k, &b));
        MUST(a, named_key(a, "a", "", &k));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, w, k, &b));
        MUST(a, named_key(a, "ab", "\1", &k));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, w, k, &b));
        MUST(a, named_key(a, "a", "\1", &k));
        MUST(a, attack_wrap(a, &m.m, w, k, &b));
}

/* The last attribute once more, with the other value. */
static struct wanted *twice(struct wanted *w, CK_ATTRIBUTE_TYPE type)
{
        static CK_BBOOL values[2] = { CK_TRUE, CK_FALSE };

        for (int i = 0; i < 2; i++)
                w->items[w->n++] = (CK_ATTRIBUTE){ type, &values[i], 1 };
        return w;
}

static void c04(struct attack *a)
{
        static const CK_BYTE value[32] = "a value for the duplicated case";
        struct wanted w = { .n = 0 }, pub = { .n = 0 }, bare = { .n = 0 }, only = { .n = 0 },
                      born = { .n = 0 };
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_MECHANISM pair = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        CK_OBJECT_HANDLE x, y, k, derive;
        struct mech m;
        struct blob b;

        wanted_number(&w, CKA_VALUE_LEN, 32);
        wanted_bool(&w, CKA_TOKEN, a->token);
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_key_of(a, CKM_AES_KEY_GEN, twice(&w, CKA_EXTRACTABLE), &x));
        wanted_bytes(&pub, CKA_EC_PARAMS, p256, sizeof(p256));
        (void)twice(&only, CKA_EXTRACTABLE);
        (void)REFUSED(
            a, CKR_TEMPLATE_INCONSISTENT,
            p11->C_GenerateKeyPair(a->session, &pair, pub.items, pub.n, only.items, only.n, &x, &y));
        (void)twice(&pub, CKA_VERIFY);
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      p11->C_GenerateKeyPair(a->session, &pair, pub.items, pub.n, NULL, 0, &x, &y));
        wanted_bare(a, &born, CKO_SECRET_KEY, CKK_AES, "");
        wanted_bytes(&born, CKA_VALUE, value, 32);
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_create(a, twice(&born, CKA_SENSITIVE), &x));
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, k, &b));
        wanted_bare(a, &bare, CKO_SECRET_KEY, CKK_AES, "");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap(a, &m.m, trusted, &b, twice(&bare, CKA_WRAP_WITH_TRUSTED), &x));
        MUST(a, attack_ec(a, "", "+DERIVE", &y, &derive));
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, derive, &bare, &x));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, p11->C_CopyObject(a->session, k, only.items, only.n, &x));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      p11->C_SetAttributeValue(a->session, k, only.items, only.n));
}

static long resident_kib(long pid)
{
        char path[64];
        long pages = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%ld/statm", pid);
        f = fopen(path, "re");
        if (f && fscanf(f, "%*d %ld", &pages) != 1)
                pages = 0;
        if (f)
                (void)fclose(f);
        return pages * 4;
}

#define DEEP 10000

static void c05(struct attack *a)
{
        static CK_ATTRIBUTE nest[DEEP + 1], self = { CKA_WRAP_TEMPLATE, &self, sizeof(self) };
        long node = strtol(getenv("CHSM_NODE_PIDS"), NULL, 10), own = getpid(), was, own_was;
        CK_BBOOL yes = CK_TRUE;
        struct wanted w = { .n = 0 };
        CK_OBJECT_HANDLE x;

        wanted_key(a, &w, CKO_SECRET_KEY, "+WRAP");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        nest[DEEP] = (CK_ATTRIBUTE){ CKA_EXTRACTABLE, &yes, 1 };
        for (int i = DEEP - 1; i >= 0; i--)
                nest[i] = (CK_ATTRIBUTE){ i % 2 ? CKA_UNWRAP_TEMPLATE : CKA_WRAP_TEMPLATE, &nest[i + 1],
                                          sizeof(nest[0]) };
        was = resident_kib(node);
        own_was = resident_kib(own);
        wanted_bytes(&w, CKA_WRAP_TEMPLATE, nest, sizeof(nest[0]));
        (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_key_of(a, CKM_AES_KEY_GEN, &w, &x));
        wanted_bytes(&w, CKA_WRAP_TEMPLATE, &self, sizeof(self));
        (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_key_of(a, CKM_AES_KEY_GEN, &w, &x));
        MUST(a, attack_key(a, AES, "+WRAP", &x));
        for (int i = 0; i < 2; i++) {
                CK_ATTRIBUTE change = i ? self : nest[0];
                (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID,
                              p11->C_SetAttributeValue(a->session, x, &change, 1));
        }
#ifndef CHSM_SANITIZED /* which keeps what was freed */
        CHECK(a, resident_kib(own) - own_was < 1024);
        CHECK(a, resident_kib(node) - was < 1024);
#else
        (void)own_was;
        (void)was;
#endif
}

/* A private key that comes back as something whose value can be worked with. */
static void confuse(struct attack *a, CK_OBJECT_HANDLE w, CK_OBJECT_HANDLE private_key)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP_KWP, CKM_AES_GCM };
        static const struct {
                CK_OBJECT_CLASS class;
                CK_KEY_TYPE type;
                const char *words;
        } disguises[] = { { CKO_SECRET_KEY, CKK_GENERIC_SECRET, "+DERIVE" },
                          { CKO_SECRET_KEY, CKK_GENERIC_SECRET, "+SIGN" },
                          { CKO_SECRET_KEY, CKK_AES, "+DECRYPT" },
                          { CKO_SECRET_KEY, CKK_SHA256_HMAC, "+SIGN" },
                          { CKO_PUBLIC_KEY, CKK_RSA, "" },
                          { CKO_DATA, CK_UNAVAILABLE_INFORMATION, "" },
                          { CKO_CERTIFICATE, CK_UNAVAILABLE_INFORMATION, "" } };
        CK_OBJECT_HANDLE back;
        struct mech m;
        struct blob b;

        for (size_t i = 0; i < 2; i++) {
                MUST(a, attack_wrap(a, mech_of(&m, ways[i]), w, private_key, &b));
                for (size_t k = 0; k < sizeof(disguises) / sizeof(disguises[0]); k++)
                        (void)REFUSED2(a, CKR_TEMPLATE_INCONSISTENT, CKR_WRAPPED_KEY_INVALID,
                                       attack_unwrap_as(a, &m.m, w, &b, disguises[k].class, disguises[k].type,
                                                        disguises[k].words, &back));
                (void)REFUSED2(a, CKR_TEMPLATE_INCONSISTENT, CKR_WRAPPED_KEY_INVALID,
                               attack_unwrap_as(a, &m.m, w, &b, CKO_PRIVATE_KEY, CKK_EC_EDWARDS, "", &back));
        }
}

static void c06(struct attack *a)
{
        CK_OBJECT_HANDLE pub, rsa, ec, w, k, back;
        struct mech m;
        struct blob b;

        MUST(a, attack_rsa(a, "", "+SIGN +EXTR +WWT", &pub, &rsa));
        MUST(a, attack_ec(a, "", "+SIGN +EXTR +WWT", &pub, &ec));
        confuse(a, trusted, rsa);
        confuse(a, trusted, ec);
        /* and a secret key as a private one */
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, k, &b));
        (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                      attack_unwrap_as(a, &m.m, trusted, &b, CKO_PRIVATE_KEY, CKK_EC, "+SIGN", &back));
        MUST(a, attack_key(a, AES, "+WRAP +UNWRAP", &w));
        EXPOSED(a, attack_rsa(a, "", "+SIGN +EXTR", &pub, &rsa));
        confuse(a, w, rsa);
}

static void c07(struct attack *a)
{
        struct wanted inner = { .n = 0 }, pub = { .n = 0 }, priv = { .n = 0 }, child = { .n = 0 };
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_MECHANISM pair = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        CK_OBJECT_HANDLE p, base, x;
        struct mech m;

        wanted_words(&inner, "+SENS -EXTR");
        wanted_key(a, &pub, CKO_PUBLIC_KEY, "");
        wanted_bytes(&pub, CKA_EC_PARAMS, p256, sizeof(p256));
        wanted_key(a, &priv, CKO_PRIVATE_KEY, "+DERIVE");
        wanted_bytes(&priv, CKA_DERIVE_TEMPLATE, inner.items, inner.n * sizeof(inner.items[0]));
        MUST(a, attack_made(a,
                            p11->C_GenerateKeyPair(a->session, &pair, pub.items, pub.n, priv.items, priv.n,
                                                   &p, &base),
                            &p));
        (void)attack_made(a, CKR_OK, &base);
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        wanted_bare(a, &child, CKO_SECRET_KEY, CKK_AES, "+EXTR");
        wanted_number(&child, CKA_VALUE_LEN, 32);
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &child, &x));
        wanted_words(&child, "-EXTR -SENS");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &child, &x));
        wanted_words(&child, "+SENS");
        MUST(a, attack_derive(a, &m.m, base, &child, &x));
        CHECK(a, attack_reads(a, x, CKA_SENSITIVE) && !attack_reads(a, x, CKA_EXTRACTABLE));
}

static void c09(struct attack *a)
{
        static const CK_BYTE value[32] = "a value that claims to be local";
        static const char *const claims[] = { "+LOCAL", "+ALWAYS_SENSITIVE", "+NEVER_EXTRACTABLE", "-LOCAL" };
        struct wanted w = { .n = 0 };
        CK_OBJECT_HANDLE k, x;
        struct mech m;
        struct blob b;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, k, &b));
        for (size_t i = 0; i < 4; i++) {
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_key(a, AES, claims[i], &x));
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                              attack_import(a, CKK_AES, value, 32, claims[i], &x));
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, claims[i], &x));
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                              attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, claims[i], &x));
        }
        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, "");
        wanted_bytes(&w, CKA_VALUE, value, 32);
        wanted_number(&w, CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN);
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_create(a, &w, &x));
        w.n--;
        wanted_bytes(&w, CKA_UNIQUE_ID, "mine", 4);
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_create(a, &w, &x));
}

static CK_RV rsa_allowing(struct attack *a, const char *words, CK_OBJECT_HANDLE *pub_key,
                          CK_OBJECT_HANDLE *key)
{
        static CK_MECHANISM_TYPE only = CKM_RSA_PKCS_OAEP;
        CK_MECHANISM pair = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        struct wanted pub = { .n = 0 }, priv = { .n = 0 };
        CK_RV rv;

        wanted_key(a, &pub, CKO_PUBLIC_KEY, "");
        wanted_number(&pub, CKA_MODULUS_BITS, 2048);
        wanted_key(a, &priv, CKO_PRIVATE_KEY, words);
        wanted_bytes(&priv, CKA_ALLOWED_MECHANISMS, &only, sizeof(only));
        rv = p11->C_GenerateKeyPair(a->session, &pair, pub.items, pub.n, priv.items, priv.n, pub_key, key);
        (void)attack_made(a, rv, pub_key);
        return attack_made(a, rv, key);
}

static void c08(struct attack *a)
{
        CK_MECHANISM_TYPE wide[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS };
        CK_ATTRIBUTE change = { CKA_ALLOWED_MECHANISMS, wide, sizeof(wide) };
        CK_BYTE block[256] = { 0, 2 };
        CK_OBJECT_HANDLE pub, reads, unwraps, x;
        struct mech m;
        struct blob c;

        MUST(a, rsa_allowing(a, "+UNWRAP", &pub, &unwraps));
        MUST(a, rsa_allowing(a, "+DECRYPT", &pub, &reads));
        CHECK(a, oracle_rsa_raw(a, pub, block, &c));
        mech_of(&m, CKM_RSA_PKCS);
        (void)REFUSED(a, CKR_MECHANISM_INVALID,
                      attack_unwrap_as(a, &m.m, unwraps, &c, CKO_SECRET_KEY, CKK_AES, "", &x));
        (void)REFUSED(a, CKR_MECHANISM_INVALID, p11->C_DecryptInit(a->session, &m.m, reads));
        (void)REFUSED(a, CKR_MECHANISM_INVALID,
                      p11->C_DecryptInit(a->session, mech_of(&m, CKM_RSA_X_509), reads));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, p11->C_SetAttributeValue(a->session, reads, &change, 1));
        change.ulValueLen = 0;
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, p11->C_SetAttributeValue(a->session, reads, &change, 1));
        change.ulValueLen = sizeof(wide);
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, p11->C_CopyObject(a->session, reads, &change, 1, &x));
}

/* The message calls begin alike. */
static CK_RV message_begin(struct attack *a, const char *name, CK_MECHANISM_TYPE how, CK_OBJECT_HANDLE key)
{
        CK_C_MessageEncryptInit begin;
        struct mech m;

        *(void **)&begin = attack_function(name);
        return begin ? begin(a->session, mech_of(&m, how), key) : CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV message_end(struct attack *a, const char *name)
{
        CK_C_MessageEncryptFinal end;

        *(void **)&end = attack_function(name);
        return end ? end(a->session) : CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV aes_allowing(struct attack *a, CK_MECHANISM_TYPE only, const char *words, CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_key(a, &w, CKO_SECRET_KEY, words);
        wanted_number(&w, CKA_VALUE_LEN, 32);
        wanted_number(&w, CKA_ALLOWED_MECHANISMS, only); /* a list of one */
        return attack_key_of(a, CKM_AES_KEY_GEN, &w, key);
}

/* The same list holds for operations on many messages, whichever of them the key is for. */
static void c08m(struct attack *a)
{
        static const struct {
                const char *begin, *end;
                CK_MECHANISM_TYPE only, other, third;
                const char *words;
        } rows[] = {
                { "C_MessageEncryptInit", "C_MessageEncryptFinal", CKM_AES_GCM, CKM_AES_CCM,
                  CKM_CLOUDHSM_AES_GCM, "+ENCRYPT" },
                { "C_MessageDecryptInit", "C_MessageDecryptFinal", CKM_AES_GCM, CKM_AES_CCM,
                  CKM_CLOUDHSM_AES_GCM, "+DECRYPT" },
                { "C_MessageEncryptInit", "C_MessageEncryptFinal", CKM_AES_CCM, CKM_AES_GCM, CKM_AES_CBC,
                  "+ENCRYPT" },
                { "C_MessageDecryptInit", "C_MessageDecryptFinal", CKM_AES_CCM, CKM_AES_GCM, CKM_AES_CBC,
                  "+DECRYPT" },
                { "C_MessageSignInit", "C_MessageSignFinal", CKM_AES_CMAC, CKM_AES_GMAC, CKM_SHA256_HMAC,
                  "+SIGN" },
                { "C_MessageVerifyInit", "C_MessageVerifyFinal", CKM_AES_CMAC, CKM_AES_GMAC, CKM_SHA256_HMAC,
                  "+VERIFY" },
        };
        CK_OBJECT_HANDLE k, pub;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                MUST(a, aes_allowing(a, rows[i].only, rows[i].words, &k));
                (void)REFUSED(a, CKR_MECHANISM_INVALID, message_begin(a, rows[i].begin, rows[i].other, k));
                (void)REFUSED(a, CKR_MECHANISM_INVALID, message_begin(a, rows[i].begin, rows[i].third, k));
                MUST(a, message_begin(a, rows[i].begin, rows[i].only, k));
                MUST(a, message_end(a, rows[i].end));
        }
        MUST(a, rsa_allowing(a, "+DECRYPT", &pub, &k));
        (void)REFUSED(a, CKR_MECHANISM_INVALID, message_begin(a, "C_MessageDecryptInit", CKM_RSA_PKCS, k));
}

static CK_RV set_template(struct attack *a, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE which, const char *words)
{
        struct wanted inner = { .n = 0 };
        CK_ATTRIBUTE change = { which, inner.items, 0 };

        wanted_words(&inner, words);
        change.ulValueLen = inner.n * sizeof(inner.items[0]);
        return p11->C_SetAttributeValue(a->session, key, &change, 1);
}

static void c03(struct attack *a)
{
        CK_OBJECT_HANDLE w, k, back;
        struct mech m;
        struct blob b;

        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, set_template(a, trusted, CKA_UNWRAP_TEMPLATE, "+EXTR"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, set_template(a, trusted, CKA_WRAP_TEMPLATE, "+EXTR"));
        MUST(a, attack_key(a, AES, "+WRAP +UNWRAP", &w));
        EXPOSED(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), w, k, &b));
        MUST(a, attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "", &back));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, set_template(a, w, CKA_UNWRAP_TEMPLATE, "+EXTR"));
}

static const struct attack_row rows[] = {
        { "C01", "the unwrapping key's template", c01 },
        { "C02", "the wrapping key's template", c02 },
        { "C04", "one attribute twice", c04 },
        { "C05", "templates without a bottom", c05 },
        { "C06", "class confusion", c06 },
        { "C07", "the base key's template", c07 },
        { "C09", "what the HSM alone sets", c09 },
        { "C08", "allowed mechanisms", c08 },
        { "C08-messages", "allowed mechanisms and message calls", c08m },
        { "C03", "a template changed after use", c03 },
        { 0 },
};

const struct attack_group group_template = { "c", rows, NULL, before };
