/* Sequences that the key rules do not list: laundering of history, other users, ended sessions, searches. */
#include "attack.h"

static CK_OBJECT_HANDLE trusted;

static void before(void)
{
        struct attack a = { .id = "before", .token = true, .session = attack_session() };

        if (attack_key(&a, AES, "+WRAP +UNWRAP", &trusted) || attack_trust(trusted, true))
                printf("Bail out! no trusted key\n");
}

/* ---- a wrapping key whose value is at hand elsewhere, made trusted ---- */

/* The officer trusts it: then no protected key leaves under it. True when one did. */
static bool opens_protected(struct attack *a, CK_OBJECT_HANDLE t, CK_OBJECT_HANDLE *k, struct blob *b)
{
        struct mech m;

        if (attack_trust(t, true) != CKR_OK)
                return false;
        if (attack_key(a, AES, "+EXTR +WWT", k) != CKR_OK)
                return WRONG(a, "no target");
        return !REFUSED(a, CKR_WRAPPING_KEY_HANDLE_INVALID,
                        attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), t, *k, b));
}

/* A copy with another use, made before the trust. */
static void copied(struct attack *a)
{
        CK_OBJECT_HANDLE t, copy, k;
        struct attack as_token = *a;
        struct mech m;
        struct blob b, v;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, "+WRAP", &t));
        (void)attack_made(a, CKR_OK, &t);
        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY,
                      attack_copy(a, t, a->token ? "+DECRYPT" : "-TOKEN +DECRYPT", &copy)))
                return;
        if (!opens_protected(a, t, &k, &b))
                return;
        MUST(a, attack_decrypt(a, mech_of(&m, CKM_AES_KEY_WRAP), copy, b.p, b.n, &v));
        KEPT(a, k, v.p, v.n);
}

/* The other way round: the copy becomes trusted, the original decrypts. */
static void copied_back(struct attack *a)
{
        CK_OBJECT_HANDLE original, t, k;
        struct mech m;
        struct blob b, v;

        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_key(a, AES, "+WRAP +DECRYPT", &original)))
                return;
        MUST(a, attack_copy(a, original, "+TOKEN -DECRYPT", &t));
        if (!opens_protected(a, t, &k, &b))
                return;
        MUST(a, attack_decrypt(a, mech_of(&m, CKM_AES_KEY_WRAP), original, b.p, b.n, &v));
        KEPT(a, k, v.p, v.n);
}

/* What a trusted key unwraps is not a new trusted key. */
static void unwrapped(struct attack *a)
{
        CK_OBJECT_HANDLE second, t, k;
        struct mech m;
        struct blob b, c;

        MUST(a, attack_key(a, AES, "+EXTR +WWT +WRAP", &second));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, second, &b));
        MUST(a, attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "+TOKEN -EXTR +WRAP", &t));
        CHECK(a, !opens_protected(a, t, &k, &c));
}

/* The public half of a pair whose private half decrypts, or of one that the attacker has. */
static void trusted_public(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS, CKM_RSA_AES_KEY_WRAP };
        CK_OBJECT_HANDLE evil, pub = 0, priv, k;
        struct wanted w = { .n = 0 };
        struct mech m;
        struct blob b;

        wanted_bare(a, &w, CKO_PUBLIC_KEY, CKK_RSA, "+WRAP +TOKEN");
        wanted_bytes(&w, CKA_MODULUS, oracle_rsa_modulus(), 256);
        wanted_bytes(&w, CKA_PUBLIC_EXPONENT, "\1\0\1", 3);
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        if (SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_create(a, &w, &evil)) &&
            attack_trust(evil, true) == CKR_OK) {
                for (size_t i = 0; i < 3; i++)
                        (void)REFUSED2(a, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID,
                                       attack_wrap(a, mech_of(&m, ways[i]), evil, k, &b));
        }
        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_rsa(a, "+WRAP +TOKEN", "+DECRYPT +TOKEN", &pub, &priv)) ||
            attack_trust(pub, true) != CKR_OK)
                return;
        for (size_t i = 0; i < 3; i++)
                (void)REFUSED2(a, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID,
                               attack_wrap(a, mech_of(&m, ways[i]), pub, k, &b));
}

/* ---- what an officer can change ---- */

static void officer(struct attack *a)
{
        CK_OBJECT_HANDLE k;
        struct attack as_token = *a;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, "+WWT +WRAP", &k));
        (void)attack_made(a, CKR_OK, &k);
        CHECK(a, !attack_officer("setAttribute %lu 354 1", k)); /* EXTRACTABLE */
        CHECK(a, !attack_officer("setAttribute %lu 528 0", k)); /* WRAP_WITH_TRUSTED */
        CHECK(a, !attack_officer("setAttribute %lu 259 0", k)); /* SENSITIVE */
        CHECK(a, !attack_officer("setAttribute %lu 261 1", k)); /* DECRYPT */
        CHECK(a, !attack_officer("setAttribute %lu 258 1", k)); /* ID */
        CHECK(a, attack_reads(a, k, CKA_WRAP_WITH_TRUSTED) && attack_reads(a, k, CKA_SENSITIVE) &&
                     !attack_reads(a, k, CKA_EXTRACTABLE) && !attack_reads(a, k, CKA_DECRYPT));
        CHECK(a, !attack_officer("changePswd CU cu9 user1234") && !attack_officer("deleteUser CU cu1"));
}

/* Copies are never looser. */
static void looser(struct attack *a)
{
        static const CK_BYTE value[32] = "a session key that can be read.";
        CK_OBJECT_HANDLE k, open, x;
        struct wanted w = { .n = 0 };

        MUST(a, attack_key(a, AES, "+WWT", &k));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, "+EXTR", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, "-WWT", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, "-SENS", &x));
        (void)REFUSED2(a, CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT,
                       attack_copy(a, k, "-PRIVATE", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "+EXTR"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "-WWT"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "-SENS"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "-PRIVATE"));
        if (attack_verified)
                return;
        wanted_number(&w, CKA_CLASS, CKO_SECRET_KEY);
        wanted_number(&w, CKA_KEY_TYPE, CKK_AES);
        wanted_bytes(&w, CKA_VALUE, value, 32);
        wanted_words(&w, "-SENS -TOKEN");
        MUST(a, attack_create(a, &w, &open));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_copy(a, open, "+TOKEN", &x));
}

/* ---- lengths of what comes back ---- */

/* Half a key is found in half the time: what was wrapped comes back whole. */
static void truncated(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_GCM };
        static const CK_ULONG lengths[] = { 1, 8, 16, 24, 31, 33, 64 };
        CK_OBJECT_HANDLE k, x;
        struct mech m;
        struct blob b;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        for (size_t i = 0; i < 3; i++) {
                MUST(a, attack_wrap(a, mech_of(&m, ways[i]), trusted, k, &b));
                for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
                        struct wanted w = { .n = 0 };
                        wanted_bare(a, &w, CKO_SECRET_KEY, n % 2 ? CKK_GENERIC_SECRET : CKK_AES, "");
                        wanted_number(&w, CKA_VALUE_LEN, lengths[n]);
                        (void)REFUSED2(a, CKR_WRAPPED_KEY_INVALID, CKR_KEY_SIZE_RANGE,
                                       attack_unwrap(a, &m.m, trusted, &b, &w, &x));
                }
        }
}

/* ---- reading and searching ---- */

static size_t found_by(struct attack *a, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
        CK_ATTRIBUTE by = { type, (void *)(uintptr_t)value, n };
        CK_OBJECT_HANDLE found[4];
        CK_ULONG count = 0;

        if (p11->C_FindObjectsInit(a->session, &by, 1) != CKR_OK)
                return 0;
        (void)p11->C_FindObjects(a->session, found, 4, &count);
        (void)p11->C_FindObjectsFinal(a->session);
        return count;
}

static void searched(struct attack *a)
{
        static const CK_BYTE value[32] = "a guess is compared with this 32";
        CK_OBJECT_HANDLE k, rsa;
        struct wanted w = { .n = 0 };

        MUST(a, attack_import(a, CKK_AES, value, 32, "+ENCRYPT +WWT", &k));
        CHECK(a, found_by(a, CKA_VALUE, value, 32) == 0);
        CHECK(a, found_by(a, CKA_VALUE, value, 0) == 0);
        wanted_bare(a, &w, CKO_PRIVATE_KEY, CKK_RSA, "+SIGN +WWT");
        CHECK(a, oracle_rsa_private(&w));
        MUST(a, attack_create(a, &w, &rsa));
        for (CK_ULONG i = 0; i < w.n; i++) {
                CK_ATTRIBUTE_TYPE t = w.items[i].type;
                if (t == CKA_PRIVATE_EXPONENT || (t >= CKA_PRIME_1 && t <= CKA_COEFFICIENT))
                        CHECK(a, found_by(a, t, w.items[i].pValue, w.items[i].ulValueLen) == 0);
        }
        CHECK(a, found_by(a, CKA_MODULUS, oracle_rsa_modulus(), 256) > 0); /* what may be searched is found */
}

/* No length, no byte, whatever the buffer. */
static void read_secret(struct attack *a, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
        CK_BYTE out[600];
        CK_BYTE label[32];
        CK_ATTRIBUTE mixed[] = { { CKA_LABEL, label, sizeof(label) },
                                 { type, out, sizeof(out) },
                                 { CKA_CLASS, label, sizeof(label) } };
        CK_ATTRIBUTE query = { type, NULL, 0 };

        memset(out, 0x77, sizeof(out));
        (void)REFUSED(a, CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(a->session, key, mixed, 3));
        CHECK(a, mixed[1].ulValueLen == CK_UNAVAILABLE_INFORMATION);
        CHECK(a, mixed[0].ulValueLen == 0 && mixed[2].ulValueLen == sizeof(CK_ULONG));
        for (size_t i = 0; i < sizeof(out); i++) {
                if (out[i] != 0x77) {
                        WRONG(a, "the buffer was written to");
                        break;
                }
        }
        (void)REFUSED(a, CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(a->session, key, &query, 1));
        CHECK(a, query.ulValueLen == CK_UNAVAILABLE_INFORMATION);
}

static void read_all(struct attack *a)
{
        static const CK_ATTRIBUTE_TYPE parts[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                                   CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT };
        CK_OBJECT_HANDLE aes, pub, rsa, ec, gen;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &aes));
        MUST(a, attack_key(a, GEN, "", &gen));
        MUST(a, attack_rsa(a, "", "+SIGN", &pub, &rsa));
        MUST(a, attack_ec(a, "", "+SIGN +EXTR +WWT", &pub, &ec));
        read_secret(a, aes, CKA_VALUE);
        read_secret(a, gen, CKA_VALUE);
        read_secret(a, ec, CKA_VALUE);
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                read_secret(a, rsa, parts[i]);
        if (!a->token && !attack_verified) { /* readable, but not extractable: not readable */
                MUST(a, attack_key(a, AES, "-SENS -EXTR", &aes));
                read_secret(a, aes, CKA_VALUE);
        }
}

/* Check values: three bytes of what has enough of them, nothing of what has not. */
static void check_values(struct attack *a)
{
        CK_OBJECT_HANDLE k;
        CK_BYTE check[64];
        CK_ULONG n = sizeof(check);
        struct wanted w = { .n = 0 };

        MUST(a, attack_key(a, AES, "+WWT", &k));
        MUST(a, attack_value(a, k, CKA_CHECK_VALUE, check, &n));
        CHECK(a, n == 3);
        MUST(a, attack_key(a, GEN, "+SIGN", &k));
        n = sizeof(check);
        CHECK(a, attack_value(a, k, CKA_CHECK_VALUE, check, &n) != CKR_OK || n == 0);
        wanted_key(a, &w, CKO_SECRET_KEY, "+WRAP");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        wanted_bytes(&w, CKA_CHECK_VALUE, "\0\0\0", 3); /* a guess about a key that is yet to be made */
        (void)REFUSED2(a, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY,
                       attack_key_of(a, CKM_AES_KEY_GEN, &w, &k));
}

/* Agreement with a key of the attacker's own: he computes the child as well. */
static void agreed(struct attack *a)
{
        CK_OBJECT_HANDLE pub, priv, t, k;
        struct wanted w = { .n = 0 };
        struct mech m;
        struct blob b;

        MUST(a, attack_ec(a, "", "+DERIVE", &pub, &priv));
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, "+SENS -EXTR +WRAP +TOKEN");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        if (SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, priv, &w, &t)))
                CHECK(a, !opens_protected(a, t, &k, &b));
        wanted_words(&w, "-WRAP +ENCRYPT");
        MUST(a, attack_derive(a, &m.m, priv, &w, &t)); /* the other side has it, and the auditor is told */
        CHECK(a, strstr(attack_exposure(t), "known outside") != NULL);
}

/* A key made from a password. */
static void from_password(struct attack *a)
{
        static CK_UTF8CHAR password[] = "password";
        CK_PKCS5_PBKD2_PARAMS2 p = {
                CKZ_SALT_SPECIFIED, password, 8, 1000, CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0, password, 8
        };
        CK_MECHANISM m = { CKM_PKCS5_PBKD2, &p, sizeof(p) };
        struct wanted w = { .n = 0 };
        CK_OBJECT_HANDLE t, k;
        struct blob b;

        if (!attack_needs(a, CKM_PKCS5_PBKD2))
                return;
        wanted_key(a, &w, CKO_SECRET_KEY, "+WRAP +TOKEN");
        wanted_number(&w, CKA_KEY_TYPE, CKK_AES);
        wanted_number(&w, CKA_CLASS, CKO_SECRET_KEY);
        wanted_number(&w, CKA_VALUE_LEN, 32);
        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, p11->C_GenerateKey(a->session, &m, w.items, w.n, &t)))
                return;
        (void)attack_made(a, CKR_OK, &t);
        CHECK(a, !attack_reads(a, t, CKA_LOCAL));
        CHECK(a, !opens_protected(a, t, &k, &b));
}

static const struct attack_row rows[] = {
        { "F01", "trust of a key that was copied", copied },
        { "F02", "trust of a copy", copied_back },

        { "F03", "trust of an unwrapped key", unwrapped },
        { "F04", "trust of public keys", trusted_public },
        { "F05", "what an officer can change", officer },
        { "F06", "looser copies", looser },
        { "F07", "half a key", truncated },
        { "F08", "searching for values", searched },
        { "F09", "reading what is sensitive", read_all },
        { "F10", "check values", check_values },
        { "F11", "trust of an agreed key", agreed },
        { "F12", "trust of a key made from a password", from_password },
        { 0 },
};

const struct attack_group group_beyond = { "f", rows, NULL, before };
