/* Group E of the key rules, second part: formats of wrapped keys and of padded data. */
#include "attack.h"
#include "blocks.h"

static CK_OBJECT_HANDLE trusted;

static void before(void)
{
        struct attack a = { .id = "before", .token = true, .session = attack_session() };

        if (attack_key(&a, AES, "+WRAP +UNWRAP", &trusted) || attack_trust(trusted, true))
                printf("Bail out! no trusted key\n");
}

/* Nothing but the code, and always the same words. */
static void same_words(struct attack *a, char *first)
{
        if (!first[0])
                memcpy(first, a->reason, sizeof(a->reason));
        else if (!CHECK(a, strcmp(first, a->reason) == 0))
                printf("#   '%s' and not '%s'\n", a->reason, first);
}

static void flip_all(struct attack *a, CK_MECHANISM_TYPE how)
{
        char first[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE k, x;
        struct mech m;
        struct blob b;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_wrap(a, mech_of(&m, how), trusted, k, &b));
        for (CK_ULONG bit = 0; bit < b.n * 8; bit++) {
                b.p[bit / 8] ^= (CK_BYTE)(1u << bit % 8);
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
                same_words(a, first);
                b.p[bit / 8] ^= (CK_BYTE)(1u << bit % 8);
        }
        while (b.n) { /* and every length that is shorter */
                b.n--;
                (void)REFUSED2(a, CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE,
                               attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
        }
}

static void e07(struct attack *a)
{
        flip_all(a, CKM_AES_KEY_WRAP);
        flip_all(a, CKM_AES_KEY_WRAP_KWP);
        flip_all(a, CKM_AES_GCM);
}

/* RFC 5649 by somebody who has the key: the length word and the padding as he wants them. */
static void e07p(struct attack *a)
{
        static const CK_BYTE value[32] = "the wrapping key of both of them";
        static const struct {
                CK_BYTE iv[8];
                CK_BYTE last;
                bool good;
        } forms[] = { { { 0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 32 }, 0, true },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 0 }, 0, false },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 24 }, 0, false },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 31 }, 1, false },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 33 }, 0, false },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 40 }, 0, false },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0x80, 0, 0, 32 }, 0, false },
                      { { 0xa6, 0x59, 0x59, 0xa6, 0xff, 0xff, 0xff, 0xff }, 0, false },
                      { { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 }, 0, false } };
        char first[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE w, x;
        CK_BYTE plain[32];
        struct mech m;
        struct blob b;
        size_t n;

        MUST(a, attack_import(a, CKK_AES, value, 32, "+UNWRAP", &w));
        mech_of(&m, CKM_AES_KEY_WRAP_KWP);
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                memset(plain, 0x11, sizeof(plain));
                plain[31] = forms[i].last;
                n = sizeof(b.p);
                CHECK(a, oracle_wrap_iv(value, forms[i].iv, plain, 32, b.p, &n));
                b.n = n;
                if (forms[i].good) {
                        MUST(a, attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
                        continue;
                }
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_GENERIC_SECRET, "", &x));
                same_words(a, first);
        }
}

/* An initial value other than the standard's is not taken, at no length. */
static void e07i(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP,
                                                  CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PKCS7 };
        CK_BYTE iv[24] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa7 };
        CK_OBJECT_HANDLE k, x;
        struct mech m;
        struct blob b, c;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                if (!attack_needs(a, ways[i]))
                        continue;
                MUST(a, attack_wrap(a, mech_of(&m, ways[i]), trusted, k, &b));
                m.m.pParameter = iv;
                for (CK_ULONG n = 1; n <= sizeof(iv); n++) {
                        m.m.ulParameterLen = n;
                        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_wrap(a, &m.m, trusted, k, &c));
                        (void)REFUSED(
                            a, CKR_MECHANISM_PARAM_INVALID,
                            attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
                }
        }
}

/* Both halves of RSA_AES_KEY_WRAP, by somebody who has the public key only. */
static bool rsa_aes(struct attack *a, CK_OBJECT_HANDLE pub, const void *content, size_t n,
                    void (*spoil)(CK_BYTE *), struct blob *b)
{
        static const CK_BYTE temporary[32] = "the temporary key of the blob 32";
        CK_BYTE em[256];
        size_t room = sizeof(b->p) - 256;
        struct blob c;

        block_oaep(em, temporary, 32, "", spoil);
        if (!oracle_rsa_raw(a, pub, em, &c) ||
            !oracle_wrap("AES-256-WRAP-PAD", temporary, content, n, b->p + 256, &room))
                return false;
        memcpy(b->p, c.p, 256);
        b->n = 256 + room;
        return true;
}

static void spoil_hash(CK_BYTE *db)
{
        db[5] ^= 1;
}

static void e08(struct attack *a)
{
        char first[sizeof(a->reason)] = "";
        CK_BYTE key[32] = "inside of both halves: 32 bytes.";
        CK_OBJECT_HANDLE pub, priv, k, x;
        struct mech m;
        struct blob b, other, d;

        if (!attack_needs(a, CKM_RSA_AES_KEY_WRAP))
                return;
        MUST(a, attack_rsa(a, "+WRAP", "+UNWRAP", &pub, &priv));
        mech_of(&m, CKM_RSA_AES_KEY_WRAP);
        CHECK(a, rsa_aes(a, pub, key, 32, NULL, &b));
        MUST(a, attack_unwrap_as(a, &m.m, priv, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
        CHECK(a, rsa_aes(a, pub, key, 32, spoil_hash, &d)); /* the OAEP half is broken */
        (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                      attack_unwrap_as(a, &m.m, priv, &d, CKO_SECRET_KEY, CKK_AES, "", &x));
        same_words(a, first);
        d = b; /* the wrapped half is */
        d.p[d.n - 1] ^= 1;
        (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                      attack_unwrap_as(a, &m.m, priv, &d, CKO_SECRET_KEY, CKK_AES, "", &x));
        same_words(a, first);
        EXPOSED(a, attack_key(a, AES, "+EXTR", &k)); /* two halves of two blobs */
        MUST(a, attack_wrap(a, &m.m, pub, k, &other));
        d = b;
        memcpy(d.p, other.p, 256);
        (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                      attack_unwrap_as(a, &m.m, priv, &d, CKO_SECRET_KEY, CKK_AES, "", &x));
        same_words(a, first);
        for (d = b, d.n = 0; d.n < b.n; d.n += 8) /* cut */
                (void)REFUSED2(a, CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE,
                               attack_unwrap_as(a, &m.m, priv, &d, CKO_SECRET_KEY, CKK_AES, "", &x));
}

/* Update with all, then the end. */
static CK_RV in_parts(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k, const struct blob *c,
                      bool *at_end)
{
        CK_BYTE out[256];
        CK_ULONG n = sizeof(out);
        CK_RV rv = p11->C_DecryptInit(a->session, m, k);

        if (rv == CKR_OK)
                rv = p11->C_DecryptUpdate(a->session, (CK_BYTE_PTR)(uintptr_t)c->p, c->n, out, &n);
        *at_end = rv == CKR_OK;
        n = sizeof(out);
        return rv ? rv : p11->C_DecryptFinal(a->session, out, &n);
}

static void e09(struct attack *a)
{
        char first[sizeof(a->reason)] = "", second[sizeof(a->reason)] = "";
        CK_BYTE text[40] = "forty bytes leave eight for the padding";
        CK_OBJECT_HANDLE k, w;
        struct mech m;
        struct blob c, v;
        bool at_end;

        MUST(a, attack_key(a, AES, "+ENCRYPT +DECRYPT", &k));
        MUST(a, attack_encrypt(a, mech_of(&m, CKM_AES_CBC_PAD), k, text, sizeof(text), &c));
        for (int i = 1; i < 256; i++) {
                struct blob d = c;
                if (i == (8 ^ 1))
                        continue; /* becomes a padding of one byte, which is right */
                d.p[c.n - 17] ^= (CK_BYTE)i;
                (void)REFUSED(a, CKR_ENCRYPTED_DATA_INVALID, attack_decrypt(a, &m.m, k, d.p, d.n, &v));
                same_words(a, first);
                (void)REFUSED(a, CKR_ENCRYPTED_DATA_INVALID, in_parts(a, &m.m, k, &d, &at_end));
                CHECK(a, at_end);
                same_words(a, second);
        }
        MUST(a, in_parts(a, &m.m, k, &c, &at_end));
        (void)SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_key(a, AES, "+DECRYPT +UNWRAP", &w));
}

static void e10(struct attack *a)
{
        char first[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE pub, priv, x;
        CK_BYTE der[2400];
        struct mech m;
        struct blob b;
        size_t n;

        if (!attack_needs(a, CKM_RSA_AES_KEY_WRAP))
                return;
        MUST(a, attack_rsa(a, "+WRAP", "+UNWRAP", &pub, &priv));
        mech_of(&m, CKM_RSA_AES_KEY_WRAP);
        for (enum oracle_pkcs8 form = PKCS8_GOOD; form < PKCS8_FORMS; form++) {
                n = oracle_private_info(form, der, sizeof(der));
                CHECK(a, n > 0 && rsa_aes(a, pub, der, n, NULL, &b));
                if (form == PKCS8_GOOD) {
                        MUST(a, attack_unwrap_as(a, &m.m, priv, &b, CKO_PRIVATE_KEY, CKK_RSA, "", &x));
                        continue;
                }
                if (!REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                             attack_unwrap_as(a, &m.m, priv, &b, CKO_PRIVATE_KEY, CKK_RSA, "", &x)))
                        printf("#   form %d\n", (int)form);
                same_words(a, first);
        }
}

static const struct attack_row rows[] = {
        { "E07", "each bit of a wrapped key", e07 },
        { "E07-kwp", "length word and padding", e07p },
        { "E07-iv", "initial values", e07i },
        { "E08", "two halves", e08 },
        { "E09", "CBC padding of data", e09 },
        { "E10", "private key information", e10 },
        { 0 },
};

const struct attack_group group_format = { "format", rows, NULL, before };
