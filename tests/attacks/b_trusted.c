/* Group B of the key rules: trusted wrapping keys. Focardi and Luccio 2021. */
#include "attack.h"

static CK_OBJECT_HANDLE trusted, broad,
    outsider; /* broad: every usage flag reads TRUE, as the guides set it */

static void before(void)
{
        struct attack a = { .id = "before", .token = true, .session = attack_session() };
        bool ok = attack_key(&a, AES, "+WRAP +UNWRAP", &trusted) == CKR_OK &&
                  attack_key(&a, AES, "+WRAP +UNWRAP", &outsider) == CKR_OK;

        if (!attack_separate)
                ok = ok &&
                     attack_key(&a, AES, "+WRAP +UNWRAP +ENCRYPT +DECRYPT +SIGN +VERIFY +DERIVE", &broad) ==
                         CKR_OK &&
                     attack_trust(broad, true) == CKR_OK;
        if (!ok || attack_trust(trusted, true))
                printf("Bail out! no trusted keys\n");
}

/* A blob of a key that may leave under a trusted key only. */
static CK_RV guarded_blob(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE t, CK_OBJECT_HANDLE *k,
                          struct blob *b)
{
        CK_RV rv = attack_key(a, AES, "+EXTR +WWT", k);

        return rv ? rv : attack_wrap(a, m, t, *k, b);
}

static void b01(struct attack *a)
{
        static const CK_BYTE value[32] = "the attacker's trusted value 32";
        CK_OBJECT_HANDLE k, w, pub, priv, x;
        struct wanted child = { .n = 0 };
        struct mech m;
        struct blob b;

        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_key(a, AES, "+WRAP +TRUSTED", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_rsa(a, "+WRAP +TRUSTED", "+UNWRAP", &x, &priv));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_rsa(a, "+WRAP", "+UNWRAP +TRUSTED", &x, &priv));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_import(a, CKK_AES, value, 32, "+WRAP +TRUSTED", &x));
        MUST(a, guarded_blob(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, &k, &b));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                      attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "+WRAP +TRUSTED", &x));
        MUST(a, attack_ec(a, "", "+DERIVE", &pub, &priv));
        wanted_bare(a, &child, CKO_SECRET_KEY, CKK_AES, "+WRAP +TRUSTED");
        wanted_number(&child, CKA_VALUE_LEN, 32);
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_derive(a, &m.m, priv, &child, &x));
        MUST(a, attack_key(a, AES, "+WRAP", &w));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, w, "+TRUSTED", &x));
}

static void b02(struct attack *a)
{
        CK_OBJECT_HANDLE w;

        MUST(a, attack_key(a, AES, "+WRAP", &w));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, w, "+TRUSTED"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, trusted, "-TRUSTED"));
        CHECK(a, attack_reads(a, trusted, CKA_TRUSTED));
        CHECK(a, !attack_reads(a, w, CKA_TRUSTED));
        if (!a->token)
                return;
        CHECK(a, !attack_user("setAttribute %lu 134 1", w));
        CHECK(a, !attack_user("setAttribute %lu 134 0", trusted));
        CHECK(a, !attack_util("setAttribute -o %lu -a 134 -v 1", w));
        CHECK(a, !attack_reads(a, w, CKA_TRUSTED) && attack_reads(a, trusted, CKA_TRUSTED));
}

/* The key of the published guides: made by the tool with every flag, trusted by the officer. */
static CK_RV guide_key(struct attack *a, const char *options, CK_OBJECT_HANDLE *t)
{
        const char *at;

        if (!attack_util("genSymKey -t 31 -s 32 -l kek %s", options))
                return CKR_TEMPLATE_INCONSISTENT;
        at = strstr(attack_said, "andle: ");
        *t = at ? strtoul(at + 7, NULL, 10) : 0;
        (void)attack_made(a, CKR_OK, t);
        return attack_trust(*t, true);
}

static void b03(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_ECB,
                                                  CKM_AES_CBC,      CKM_AES_CTR,          CKM_AES_GCM,
                                                  CKM_AES_CBC_PAD };
        CK_OBJECT_HANDLE t, k;
        struct mech m;
        struct blob b, v;

        if (attack_separate) { /* the guide's key encrypts only: nobody trusts it, or trust makes it useless
                                */
                CK_RV rv = guide_key(a, "-nex", &t);
                CHECK(a, rv == (attack_verified ? CKR_FUNCTION_REJECTED : CKR_OK));
                MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                              attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), t, k, &b));
                return;
        }
        MUST(a, guide_key(a, "-nex", &t));
        MUST(a, guarded_blob(a, mech_of(&m, CKM_AES_KEY_WRAP), t, &k, &b));
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                memset(&v, 0, sizeof(v));
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                              attack_decrypt(a, mech_of(&m, ways[i]), t, b.p, b.n, &v));
                KEPT(a, k, v.p, 32);
        }
        CHECK(a, !attack_util("exSymKey -k %lu -w %lu -out /dev/null", k, t));
        CHECK(a, !attack_util("exportPrivateKey -k %lu -w %lu -out /dev/null", k, t));
        /* the guide's default key is extractable: trust is granted and opens nothing protected */
        MUST(a, guide_key(a, "", &t));
        (void)REFUSED(a, CKR_WRAPPING_KEY_HANDLE_INVALID,
                      attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), t, k, &b));
}

/* A parameter that this program cannot write (TLS has many) may be refused first: such mechanisms take no AES
 * key. */
static bool refusal(CK_RV rv, const struct mech *m)
{
        return rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_MECHANISM_INVALID ||
               rv == CKR_KEY_TYPE_INCONSISTENT || rv == CKR_KEY_SIZE_RANGE ||
               (rv == CKR_MECHANISM_PARAM_INVALID && !m->m.pParameter);
}

static void no_exit(struct attack *a, CK_OBJECT_HANDLE t, CK_MECHANISM_TYPE type)
{
        static const CK_FLAGS operations[] = { CKF_ENCRYPT,      CKF_DECRYPT,        CKF_SIGN,
                                               CKF_SIGN_RECOVER, CKF_VERIFY_RECOVER, CKF_VERIFY };
        struct wanted child = { .n = 0 };
        CK_OBJECT_HANDLE x;
        struct mech m;
        CK_RV rv;

        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
                rv = attack_try(a, operations[i], mech_of(&m, type), t);
                if (!CHECK(a, refusal(rv, &m)))
                        printf("#   mechanism 0x%lx operation 0x%lx gave 0x%lx\n", type, operations[i], rv);
        }
        wanted_bare(a, &child, CKO_SECRET_KEY, CKK_GENERIC_SECRET, "");
        wanted_number(&child, CKA_VALUE_LEN, 32);
        mech_of(&m, type);
        if (type == CKM_CONCATENATE_BASE_AND_KEY) {
                m.p.second = t;
                m.m.pParameter = &m.p.second;
                m.m.ulParameterLen = sizeof(m.p.second);
        }
        rv = attack_derive(a, &m.m, t, &child, &x);
        if (!CHECK(a, refusal(rv, &m)))
                printf("#   mechanism 0x%lx derives from it: 0x%lx\n", type, rv);
}

static void b05(struct attack *a)
{
        CK_MECHANISM_TYPE type;
        size_t before_all = attack_count(a->session);

        for (CK_ULONG i = 0; (type = attack_mechanism_at(i)) != CK_UNAVAILABLE_INFORMATION; i++) {
                no_exit(a, trusted, type);
                if (broad)
                        no_exit(a, broad, type);
        }
        CHECK(a, attack_count(a->session) == before_all);
}

static void b06(struct attack *a)
{
        static const char *const changes[] = {
                "+DECRYPT", "+ENCRYPT", "+SIGN", "+VERIFY", "+DERIVE", "+EXTR"
        };
        CK_ATTRIBUTE inner = { CKA_LABEL, NULL, 0 };
        static const CK_ATTRIBUTE_TYPE templates[] = { CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE };
        CK_OBJECT_HANDLE copy;

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, trusted, changes[i]));
                if (i < 5)
                        (void)REFUSED(a, CKR_ACTION_PROHIBITED, attack_copy(a, trusted, changes[i], &copy));
        }
        (void)REFUSED(a, CKR_ACTION_PROHIBITED,
                      attack_copy(a, trusted, a->token ? "+TOKEN" : "-TOKEN", &copy));
        for (size_t i = 0; i < 2; i++) {
                CK_ATTRIBUTE change = { templates[i], &inner, sizeof(inner) };
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                              p11->C_SetAttributeValue(a->session, trusted, &change, 1));
        }
}

/* A token key of this run, whatever its kind of keys: only those can be trusted. */
static CK_RV token_key(struct attack *a, const char *words, CK_OBJECT_HANDLE *key)
{
        bool token = a->token;
        CK_RV rv;

        a->token = true;
        rv = attack_key(a, AES, words, key);
        a->token = token;
        return rv;
}

static void b07(struct attack *a)
{
        CK_OBJECT_HANDLE t, k, copy;
        struct mech m;
        struct blob b, v = { .n = 0 };

        MUST(a, token_key(a, "+WRAP +UNWRAP", &t));
        MUST(a, attack_trust(t, true));
        MUST(a, guarded_blob(a, mech_of(&m, CKM_AES_KEY_WRAP), t, &k, &b));
        MUST(a, attack_trust(t, false));
        CHECK(a, !attack_reads(a, t, CKA_TRUSTED));
        (void)REFUSED2(a, CKR_ATTRIBUTE_READ_ONLY, CKR_KEY_FUNCTION_NOT_PERMITTED,
                       attack_set(a, t, "+DECRYPT"));
        (void)REFUSED2(a, CKR_ATTRIBUTE_READ_ONLY, CKR_KEY_FUNCTION_NOT_PERMITTED,
                       attack_decrypt(a, &m.m, t, b.p, b.n, &v));
        (void)REFUSED(a, CKR_ACTION_PROHIBITED, attack_copy(a, t, "+DECRYPT", &copy));
        KEPT(a, k, v.p, v.n);
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE,
                      attack_wrap(a, &m.m, t, k, &b)); /* and it is not trusted now */
}

/* Keys whose value somebody may know are trusted and open nothing. */
static void spoilt(struct attack *a, CK_OBJECT_HANDLE t)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_GCM };
        CK_OBJECT_HANDLE k;
        struct mech m;
        struct blob b;

        if (attack_trust(t, true) != CKR_OK)
                return; /* refused to the officer already */
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        for (size_t i = 0; i < 3; i++)
                (void)REFUSED(a, CKR_WRAPPING_KEY_HANDLE_INVALID,
                              attack_wrap(a, mech_of(&m, ways[i]), t, k, &b));
}

static void b08(struct attack *a)
{
        static const CK_BYTE value[32] = "a value that the attacker knows";
        struct attack as_token = *a;
        CK_OBJECT_HANDLE t;

        as_token.token = true;
        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_import(&as_token, CKK_AES, value, 32, "+WRAP", &t)))
                return;
        (void)attack_made(a, CKR_OK, &t);
        spoilt(a, t);
}

static void b09(struct attack *a)
{
        CK_OBJECT_HANDLE t, pub, priv;
        struct mech m;
        struct blob b;

        EXPOSED(a, token_key(a, "+EXTR +WRAP", &t));
        MUST(a, attack_rsa(a, "+WRAP", "+UNWRAP", &pub, &priv));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_RSA_PKCS_OAEP), pub, t, &b));
        spoilt(a, t);
}

static void b10(struct attack *a)
{
        static const CK_BYTE counter[16] = { [15] = 2 };
        CK_OBJECT_HANDLE t;
        struct mech m;
        struct blob b;

        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, token_key(a, "+ENCRYPT +WRAP", &t)))
                return;
        MUST(a, attack_encrypt(a, mech_of(&m, CKM_AES_ECB), t, counter, 16, &b));
        spoilt(a, t);
}

static void b11(struct attack *a)
{
        CK_OBJECT_HANDLE k, w, back;
        struct mech m;
        struct blob b;

        MUST(a, guarded_blob(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, &k, &b));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "-WWT", &back));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "-SENS", &back));
        MUST(a, attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "+EXTR", &back));
        CHECK(a, attack_reads(a, back, CKA_WRAP_WITH_TRUSTED) && attack_reads(a, back, CKA_SENSITIVE));
        MUST(a, attack_key(a, AES, "+WRAP", &w));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, w, back, &b));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, back, "-WWT"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, back, "-WWT", &w));
}

static void b12(struct attack *a)
{
        static const CK_BYTE value[32] = "one value, two keys, one trusted";
        struct attack as_token = *a;
        CK_OBJECT_HANDLE t, w, k, back;
        struct mech m;
        struct blob b;

        as_token.token = true;
        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY,
                      attack_import(&as_token, CKK_AES, value, 32, "+WRAP +UNWRAP", &t)))
                return;
        (void)attack_made(a, CKR_OK, &t);
        MUST(a, attack_import(a, CKK_AES, value, 32, "+UNWRAP +DECRYPT", &w));
        spoilt(a, t);
        /* and a blob of a real trusted key opens under no other one */
        MUST(a, guarded_blob(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, &k, &b));
        (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                      attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "", &back));
        (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                      attack_unwrap_as(a, &m.m, outsider, &b, CKO_SECRET_KEY, CKK_AES, "", &back));
}

static void b14(struct attack *a)
{
        CHECK(a, !attack_officer("createUser CU admin user1234"));
        CHECK(a, !attack_officer("createUser CU Admin user1234"));
        CHECK(a, !attack_officer("createUser CU ADMIN user1234"));
        CHECK(a, !attack_officer("createUser CO Cu1 user1234"));
}

static void b04(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_CTR,  CKM_AES_ECB, CKM_AES_OFB, CKM_AES_CFB128,
                                                  CKM_AES_CFB8, CKM_AES_GCM, CKM_AES_CBC };
        CK_OBJECT_HANDLE t = broad ? broad : trusted, k;
        struct mech m;
        struct blob b, v;
        CK_BYTE block[16];

        MUST(a, guarded_blob(a, mech_of(&m, CKM_AES_GCM), t, &k, &b));
        memcpy(block, m.iv, 12);
        memcpy(block + 12, "\0\0\0\2", 4); /* the counter block that hides the key's first 16 bytes */
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                if (!attack_needs(a, ways[i]))
                        continue;
                mech_of(&m, ways[i]);
                memcpy(ways[i] == CKM_AES_CTR ? m.p.ctr.cb : m.iv, block, ways[i] == CKM_AES_GCM ? 12 : 16);
                v = b;
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                              attack_encrypt(a, &m.m, t, ways[i] == CKM_AES_ECB ? block : b.p, 32, &v));
                KEPT(a, k, v.p, 32);
        }
}

static CK_RV digest_key(struct attack *a, CK_OBJECT_HANDLE key)
{
        CK_BYTE out[32];
        CK_ULONG n = sizeof(out);
        CK_RV rv = p11->C_DigestKey(a->session, key);

        return rv ? rv : p11->C_DigestFinal(a->session, out, &n);
}

/* As the second key of a derivation, as a salt, and in a digest. */
static void b05s(struct attack *a)
{
        CK_OBJECT_HANDLE base, t = broad ? broad : trusted, x;
        CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
        struct wanted child = { .n = 0 };
        struct mech m;

        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        wanted_bare(a, &child, CKO_SECRET_KEY, CKK_GENERIC_SECRET, "");
        if (attack_needs(a, CKM_CONCATENATE_BASE_AND_KEY)) {
                mech_of(&m, CKM_CONCATENATE_BASE_AND_KEY);
                m.p.second = t;
                m.m.pParameter = &m.p.second;
                m.m.ulParameterLen = sizeof(m.p.second);
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_derive(a, &m.m, base, &child, &x));
        }
        if (attack_needs(a, CKM_HKDF_DERIVE)) {
                wanted_number(&child, CKA_VALUE_LEN, 32);
                mech_of(&m, CKM_HKDF_DERIVE);
                m.p.hkdf.ulSaltType = CKF_HKDF_SALT_KEY;
                m.p.hkdf.hSaltKey = t;
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_derive(a, &m.m, base, &child, &x));
        }
        MUST(a, p11->C_DigestInit(a->session, &sha));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, digest_key(a, t));
}

/* The four message calls begin alike. */
static CK_RV message_begin(struct attack *a, const char *name, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key)
{
        CK_C_MessageEncryptInit begin;

        *(void **)&begin = attack_function(name);
        return begin ? begin(a->session, m, key) : CKR_FUNCTION_NOT_SUPPORTED;
}

/* Keys that are not for it neither encapsulate nor decapsulate. PKCS#11 3.2. */
static void b05k(struct attack *a)
{
        CK_MECHANISM kem = { CKM_ML_KEM, NULL, 0 };
        CK_OBJECT_HANDLE t = broad ? broad : trusted, x;
        struct wanted child = { .n = 0 };
        CK_C_EncapsulateKey encapsulate;
        CK_C_DecapsulateKey decapsulate;
        struct blob c = { .n = sizeof(c.p) };
        size_t before_all = attack_count(a->session);
        CK_RV rv;

        *(void **)&encapsulate = attack_function("C_EncapsulateKey");
        *(void **)&decapsulate = attack_function("C_DecapsulateKey");
        wanted_bare(a, &child, CKO_SECRET_KEY, CKK_AES, "");
        rv = encapsulate(a->session, &kem, t, child.items, child.n, c.p, &c.n, &x);
        CHECK(a, refusal(rv, &(struct mech){ .m = kem }));
        rv = decapsulate(a->session, &kem, t, child.items, child.n, c.p, 768, &x);
        CHECK(a, refusal(rv, &(struct mech){ .m = kem }));
        CHECK(a, attack_count(a->session) == before_all);
}

static void b05m(struct attack *a)
{
        static const struct {
                const char *call;
                CK_MECHANISM_TYPE how;
        } ways[] = { { "C_MessageEncryptInit", CKM_AES_GCM }, { "C_MessageEncryptInit", CKM_AES_CCM },
                     { "C_MessageDecryptInit", CKM_AES_GCM }, { "C_MessageDecryptInit", CKM_AES_CCM },
                     { "C_MessageSignInit", CKM_AES_CMAC },   { "C_MessageVerifyInit", CKM_AES_CMAC } };
        struct mech m;

        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                              message_begin(a, ways[i].call, mech_of(&m, ways[i].how), trusted));
                if (broad)
                        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                                      message_begin(a, ways[i].call, mech_of(&m, ways[i].how), broad));
        }
}

static const struct attack_row rows[] = {
        { "B01", "trust in a template", b01 },
        { "B02", "trust set by a user", b02 },
        { "B03", "the guide's key decrypts nothing", b03 },
        { "B05", "no other exit for any mechanism", b05 },
        { "B06", "changed after trust", b06 },
        { "B07", "trust, then untrust", b07 },
        { "B08", "trust of a known key", b08 },
        { "B09", "trust of a leaked key", b09 },
        { "B10", "trust of a key that was used", b10 },
        { "B11", "unwrap keeps the protection", b11 },
        { "B12", "the same value twice", b12 },
        { "B14", "one account, two roles", b14 },
        { "B04", "encrypt is decrypt", b04 },
        { "B05-second", "as second key, salt and digest", b05s },
        { "B05-messages", "message calls", b05m },
        { "B05-kem", "encapsulation", b05k },
        { 0 },
};

const struct attack_group group_trusted = { "b", rows, NULL, before };
