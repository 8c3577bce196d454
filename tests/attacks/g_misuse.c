/* Sequences that the key rules do not list, second part: parameters, points, imports, templates. */
#include "attack.h"

/* ---- authenticated encryption ---- */

/* The HSM's own IVs do not repeat. */
static void gcm_ivs(struct attack *a)
{
        enum { MANY = 200 };
        static CK_BYTE seen[MANY][12];
        CK_OBJECT_HANDLE k;
        struct mech m;
        struct blob v;

        MUST(a, attack_key(a, AES, "+ENCRYPT", &k));
        for (int i = 0; i < MANY; i++) {
                MUST(a, attack_encrypt(a, mech_of(&m, CKM_AES_GCM), k, seen, 16, &v));
                memcpy(seen[i], m.iv, 12);
                CHECK(a, memcmp(seen[i], (CK_BYTE[12]){ 0 }, 12) != 0);
                for (int j = 0; j < i; j++) {
                        if (memcmp(seen[j], seen[i], 12) == 0)
                                WRONG(a, "an IV came twice");
                }
        }
}

/* Nothing comes out before the tag is right. */
static void unauthentic(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_GCM, CKM_AES_CCM };
        static CK_BYTE text[64] = "text that must not come out of a message that somebody changed";
        CK_OBJECT_HANDLE k;
        CK_BYTE out[128];
        CK_ULONG n;
        struct mech m;
        struct blob c;

        MUST(a, attack_key(a, AES, "+ENCRYPT +DECRYPT", &k));
        for (size_t i = 0; i < 2; i++) {
                if (!attack_needs(a, ways[i]))
                        continue;
                mech_of(&m, ways[i]);
                if (ways[i] == CKM_AES_CCM)
                        m.p.ccm.ulDataLen = sizeof(text);
                MUST(a, attack_encrypt(a, &m.m, k, text, sizeof(text), &c));
                for (CK_ULONG at = 0; at < c.n; at += 7) {
                        c.p[at] ^= 0x40;
                        memset(out, 0x77, sizeof(out));
                        n = sizeof(out);
                        MUST(a, p11->C_DecryptInit(a->session, &m.m, k));
                        (void)REFUSED2(a, CKR_AEAD_DECRYPT_FAILED, CKR_ENCRYPTED_DATA_INVALID,
                                       p11->C_Decrypt(a->session, c.p, c.n, out, &n));
                        for (size_t j = 0; j < sizeof(out); j++) {
                                if (out[j] != 0x77) {
                                        WRONG(a, "plain text of a forged message came out");
                                        break;
                                }
                        }
                        c.p[at] ^= 0x40;
                }
                c.p[3] ^= 1; /* in parts: the update may say nothing, and the end must */
                MUST(a, p11->C_DecryptInit(a->session, &m.m, k));
                n = sizeof(out);
                MUST(a, p11->C_DecryptUpdate(a->session, c.p, c.n, out, &n));
                CHECK(a, n == 0);
                n = sizeof(out);
                (void)REFUSED2(a, CKR_AEAD_DECRYPT_FAILED, CKR_ENCRYPTED_DATA_INVALID,
                               p11->C_DecryptFinal(a->session, out, &n));
        }
}

static void counters(struct attack *a)
{
        static const CK_ULONG bits[] = { 0, 129, 256, ~0ul };
        CK_BYTE data[48] = { 0 };
        CK_OBJECT_HANDLE k;
        struct mech m;
        struct blob v;

        MUST(a, attack_key(a, AES, "+ENCRYPT", &k));
        for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
                mech_of(&m, CKM_AES_CTR);
                m.p.ctr.ulCounterBits = bits[i];
                (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_encrypt(a, &m.m, k, data, 16, &v));
        }
        mech_of(&m, CKM_AES_CTR); /* a counter of one bit repeats its key stream with the third block */
        m.p.ctr.ulCounterBits = 1;
        (void)REFUSED(a, CKR_DATA_LEN_RANGE, attack_encrypt(a, &m.m, k, data, 48, &v));
}

/* ---- points ---- */

static CK_RV agree(struct attack *a, CK_OBJECT_HANDLE base, const CK_BYTE *point, size_t n)
{
        struct wanted w = { .n = 0 };
        CK_OBJECT_HANDLE x;
        struct mech m;

        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_GENERIC_SECRET, "+SENS -EXTR");
        mech_of(&m, CKM_ECDH1_DERIVE);
        m.p.ecdh.pPublicData = (CK_BYTE_PTR)(uintptr_t)point;
        m.p.ecdh.ulPublicDataLen = n;
        return attack_derive(a, &m.m, base, &w, &x);
}

/* Invalid curve attack: the answer would tell the private number modulo small primes. CVE-2021-3798. */
static void invalid_points(struct attack *a)
{
        CK_BYTE good[65], bad[70];
        CK_OBJECT_HANDLE pub, base, x;
        struct wanted w = { .n = 0 };
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

        MUST(a, attack_ec(a, "", "+DERIVE", &pub, &base));
        CHECK(a, oracle_p256_point(good));
        MUST(a, agree(a, base, good, 65));
        for (int i = 1; i < 65; i += 9) {
                memcpy(bad, good, 65);
                bad[i] ^= 1; /* off the curve */
                (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, bad, 65));
        }
        memcpy(bad, good, 65);
        memset(bad + 1, 0xff, 32); /* a coordinate above the prime */
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, bad, 65));
        memset(bad, 0, sizeof(bad)); /* infinity, in every length */
        for (size_t n = 1; n <= 66; n += n == 1 ? 32 : 1)
                (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, bad, n));
        bad[0] = 4; /* (0, 0) */
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, bad, 65));
        for (CK_BYTE form = 0; form < 8; form++) { /* forms and lengths that do not agree */
                memcpy(bad, good, 65);
                bad[0] = form;
                if (form != 4 && form < 6) /* 6 and 7 say the same in another form */
                        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, bad, 65));
                (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, bad, 64));
        }
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, NULL, 65));
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, good, (CK_ULONG)-1));
        /* nor do such points become keys */
        memcpy(bad, "\x04\x41", 2);
        memcpy(bad + 2, good, 65);
        bad[20] ^= 1;
        wanted_bare(a, &w, CKO_PUBLIC_KEY, CKK_EC, "");
        wanted_bytes(&w, CKA_EC_PARAMS, p256, sizeof(p256));
        wanted_bytes(&w, CKA_EC_POINT, bad, 67);
        (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_create(a, &w, &x));
}

static CK_RV x25519(struct attack *a, CK_OBJECT_HANDLE *base)
{
        static const CK_BYTE params[] = { 0x06, 0x03, 0x2b, 0x65, 0x6e };
        CK_MECHANISM m = { CKM_EC_MONTGOMERY_KEY_PAIR_GEN, NULL, 0 };
        struct wanted pub = { .n = 0 }, priv = { .n = 0 };
        CK_OBJECT_HANDLE p;
        CK_RV rv;

        wanted_key(a, &pub, CKO_PUBLIC_KEY, "");
        wanted_bytes(&pub, CKA_EC_PARAMS, params, sizeof(params));
        wanted_key(a, &priv, CKO_PRIVATE_KEY, "+DERIVE");
        rv = p11->C_GenerateKeyPair(a->session, &m, pub.items, pub.n, priv.items, priv.n, &p, base);
        (void)attack_made(a, rv, &p);
        return attack_made(a, rv, base);
}

/* Points whose multiples are few: the secret would be zero. RFC 7748 section 6. */
static void small_points(struct attack *a)
{
        static const CK_BYTE points[][32] = {
                { 0 },
                { 1 },
                { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
                  0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
                  0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
                { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
                  0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
                  0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
                { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
                { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
                { 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
        };
        CK_OBJECT_HANDLE base;

        if (!attack_needs(a, CKM_EC_MONTGOMERY_KEY_PAIR_GEN)) {
                (void)REFUSED(a, CKR_MECHANISM_INVALID, x25519(a, &base));
                return;
        }
        MUST(a, x25519(a, &base));
        for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
                (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, points[i], 32));
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, agree(a, base, points[2], 31));
}

/* ---- imports ---- */

/* Curves that the caller describes himself (CVE-2020-0601), or that are none. */
static void own_curves(struct attack *a)
{
        static const CK_BYTE explicit_curve[] = { 0x30, 0x0b, 0x02, 0x01, 0x01, 0x30, 0x06,
                                                  0x06, 0x01, 0x2a, 0x02, 0x01, 0x07 };
        static const CK_BYTE unknown[] = { 0x06, 0x03, 0x2a, 0x03, 0x04 }, null_curve[] = { 0x05, 0x00 };
        const struct {
                const CK_BYTE *p;
                size_t n;
        } curves[] = { { explicit_curve, sizeof(explicit_curve) },
                       { unknown, sizeof(unknown) },
                       { null_curve, sizeof(null_curve) },
                       { unknown, 3 },
                       { unknown, 0 } };
        CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        CK_OBJECT_HANDLE x, y;

        for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
                struct wanted w = { .n = 0 };

                wanted_bytes(&w, CKA_EC_PARAMS, curves[i].p, curves[i].n);
                (void)REFUSED2(a, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID,
                               p11->C_GenerateKeyPair(a->session, &m, w.items, w.n, NULL, 0, &x, &y));
        }
}

static void private_numbers(struct attack *a)
{
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        static const CK_BYTE order[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                           0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
        CK_BYTE numbers[4][33] = { { 0 } };
        CK_OBJECT_HANDLE x;

        memcpy(numbers[1], order, 32);
        memset(numbers[2], 0xff, 33);
        memset(numbers[3], 0xff, 33);
        for (int i = 0; i < 4; i++) {
                struct wanted w = { .n = 0 };

                wanted_bare(a, &w, CKO_PRIVATE_KEY, CKK_EC, "+SIGN +WWT");
                wanted_bytes(&w, CKA_EC_PARAMS, p256, sizeof(p256));
                wanted_bytes(&w, CKA_VALUE, numbers[i], i == 3 ? 33 : 32);
                (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_create(a, &w, &x));
        }
}

static void broken_rsa(struct attack *a)
{
        static const CK_ATTRIBUTE_TYPE parts[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                                   CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT,
                                                   CKA_MODULUS };
        struct wanted w = { .n = 0 };
        CK_BYTE other[256];
        CK_OBJECT_HANDLE x;

        wanted_bare(a, &w, CKO_PRIVATE_KEY, CKK_RSA, "+SIGN +WWT");
        CHECK(a, oracle_rsa_private(&w));
        MUST(a, attack_create(a, &w, &x));
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]);
             i++) { /* a fault in any number shows the primes */
                for (CK_ULONG k = 0; k < w.n; k++) {
                        CK_ATTRIBUTE kept = w.items[k];
                        if (kept.type != parts[i])
                                continue;
                        memcpy(other, kept.pValue, kept.ulValueLen);
                        other[kept.ulValueLen - 1] ^= 4;
                        w.items[k].pValue = other;
                        if (!REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_create(a, &w, &x)))
                                printf("#   attribute 0x%lx\n", kept.type);
                        w.items[k] = kept;
                }
        }
        wanted_bytes(&w, CKA_PUBLIC_EXPONENT, "\1", 1); /* the identity */
        (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_create(a, &w, &x));
        wanted_bytes(&w, CKA_PUBLIC_EXPONENT, "\1\0\0", 3);
        (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID, attack_create(a, &w, &x));
}

/* A public half that is not the private half's: signatures under both would show the private number. */
static void double_public(struct attack *a)
{
        static const CK_BYTE ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_BYTE number[32] = "a private number that is known..", point[34] = { 0x04, 0x20, 0x58, 0x66 };
        CK_OBJECT_HANDLE x, pub, priv;
        CK_BYTE info[256];
        CK_ULONG info_n = sizeof(info);

        MUST(a, attack_ec(a, "", "+SIGN", &pub, &priv));
        MUST(a, attack_value(a, pub, CKA_PUBLIC_KEY_INFO, info, &info_n));
        for (int i = 0; i < 4; i++) {
                struct wanted w = { .n = 0 };

                wanted_bare(a, &w, CKO_PRIVATE_KEY, i % 2 ? CKK_EC : CKK_EC_EDWARDS, "+SIGN +WWT");
                wanted_bytes(&w, CKA_EC_PARAMS, i % 2 ? p256 : ed25519,
                             i % 2 ? sizeof(p256) : sizeof(ed25519));
                wanted_bytes(&w, CKA_VALUE, number, 32);
                if (i < 2)
                        wanted_bytes(&w, CKA_PUBLIC_KEY_INFO, info, info_n);
                else
                        wanted_bytes(&w, CKA_EC_POINT, point, sizeof(point));
                (void)REFUSED2(a, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
                               attack_create(a, &w, &x));
        }
}

static void secret_lengths(struct attack *a)
{
        static const CK_ULONG lengths[] = { 1, 15, 17, 31, 33, 64 };
        static const CK_BYTE value[64] = "a value of any length whatever it is called; AES has but three";
        CK_OBJECT_HANDLE x;

        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
                (void)REFUSED2(a, CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE,
                               attack_import(a, CKK_AES, value, lengths[i], "+WWT", &x));
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                struct wanted w = { .n = 0 };

                wanted_key(a, &w, CKO_SECRET_KEY, "");
                wanted_number(&w, CKA_VALUE_LEN, lengths[i]);
                (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_key_of(a, CKM_AES_KEY_GEN, &w, &x));
                wanted_number(&w, CKA_VALUE_LEN, ((CK_ULONG)1 << 32) + 32);
                (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_key_of(a, CKM_AES_KEY_GEN, &w, &x));
        }
}

/* ---- templates and lengths ---- */

static void hostile_templates(struct attack *a)
{
        static CK_BYTE long_label[70000];
        CK_BBOOL two = 2;
        CK_ULONG number = 32;
        const CK_ATTRIBUTE wrong[] = { { CKA_ENCRYPT, &two, 1 },
                                       { CKA_ENCRYPT, NULL, 1 },
                                       { CKA_ENCRYPT, &two, 0 },
                                       { CKA_ENCRYPT, &number, 2 },
                                       { CKA_ENCRYPT, &two, (CK_ULONG)-1 },
                                       { CKA_KEY_TYPE, &number, 4 },
                                       { CKA_KEY_TYPE, NULL, sizeof(number) },
                                       { CKA_KEY_TYPE, &number, (CK_ULONG)-1 },
                                       { CKA_LABEL, NULL, 5 },
                                       { CKA_LABEL, long_label, sizeof(long_label) },
                                       { CKA_LABEL, long_label, (CK_ULONG)1 << 40 },
                                       { CKA_ID, NULL, (CK_ULONG)-1 },
                                       { CKA_START_DATE, long_label, 7 },
                                       { CKA_ALLOWED_MECHANISMS, &number, 5 },
                                       { CKA_ALLOWED_MECHANISMS, NULL, 8 },
                                       { CKA_WRAP_TEMPLATE, NULL, sizeof(CK_ATTRIBUTE) },
                                       { CKA_WRAP_TEMPLATE, long_label, 5 } };
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_OBJECT_HANDLE x, k;

        MUST(a, attack_key(a, AES, "", &k));
        memset(long_label, 'l', sizeof(long_label));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                CK_ATTRIBUTE items[3] = { { CKA_VALUE_LEN, &number, sizeof(number) }, wrong[i] };
                if (!REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID,
                             p11->C_GenerateKey(a->session, &m, items, 2, &x)))
                        printf("#   row %zu\n", i);
                (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID,
                              p11->C_SetAttributeValue(a->session, k, &items[1], 1));
                (void)REFUSED(a, CKR_ATTRIBUTE_VALUE_INVALID,
                              p11->C_CopyObject(a->session, k, &items[1], 1, &x));
        }
}

static void mechanism_parameters(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_AES_GCM,
                                                  CKM_AES_CCM };
        CK_BYTE some[64] = { 0 };
        CK_OBJECT_HANDLE k;
        struct blob v;

        MUST(a, attack_key(a, AES, "+ENCRYPT", &k));
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                CK_MECHANISM shapes[] = { { ways[i], NULL, 0 },  { ways[i], NULL, 16 },
                                          { ways[i], some, 0 },  { ways[i], some, 15 },
                                          { ways[i], some, 17 }, { ways[i], NULL, (CK_ULONG)-1 },
                                          { ways[i], some, 1 },  { ways[i], some, (CK_ULONG)1 << 33 } };
                for (size_t n = 0; n < sizeof(shapes) / sizeof(shapes[0]); n++)
                        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID,
                                      attack_encrypt(a, &shapes[n], k, some, 16, &v));
        }
}

static void gcm_parameters(struct attack *a)
{
        CK_BYTE iv[16] = { 1 };
        CK_OBJECT_HANDLE k;
        struct mech m;
        struct blob v;
        const struct {
                CK_BYTE_PTR iv;
                CK_ULONG iv_n, tag_bits;
        } wrong[] = {
                { iv, 0, 128 },  { NULL, 12, 128 }, { iv, 12, 0 },   { iv, 12, 8 }, { iv, 12, 24 },
                { iv, 12, 31 },  { iv, 12, 129 },   { iv, 12, 136 }, { iv, 12, 1 }, { iv, (CK_ULONG)-1, 128 },
                { iv, 12, ~0ul }
        };

        MUST(a, attack_key(a, AES, "+ENCRYPT +DECRYPT", &k));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                mech_of(&m, CKM_AES_GCM);
                m.p.gcm.pIv = wrong[i].iv;
                m.p.gcm.ulIvLen = wrong[i].iv_n;
                m.p.gcm.ulTagBits = wrong[i].tag_bits;
                if (!REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_encrypt(a, &m.m, k, iv, 16, &v)))
                        printf("#   row %zu\n", i);
                (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_decrypt(a, &m.m, k, iv, 16, &v));
        }
        mech_of(&m, CKM_AES_GCM);
        m.p.gcm.pAAD = NULL;
        m.p.gcm.ulAADLen = 8;
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_encrypt(a, &m.m, k, iv, 16, &v));
}

static CK_RV verify(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, CK_BYTE data[8], CK_ULONG n)
{
        CK_BYTE mac[4] = { 0 };
        CK_RV rv = p11->C_VerifyInit(a->session, m, key);

        return rv ? rv : p11->C_Verify(a->session, data, 8, mac, n);
}

/* A code of one byte is guessed. */
static void short_macs(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_SHA256_HMAC_GENERAL, CKM_AES_CMAC_GENERAL };
        static const CK_ULONG lengths[] = { 0, 1, 2, 3, 65, ~0ul };
        CK_BYTE data[8] = "message";
        CK_OBJECT_HANDLE k;
        struct mech m;
        struct blob v;

        for (size_t i = 0; i < 2; i++) {
                MUST(a, attack_key(a, i ? AES : GEN, "+SIGN +VERIFY", &k));
                for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
                        mech_of(&m, ways[i]);
                        m.p.general = lengths[n];
                        if (!REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_sign(a, &m.m, k, data, 8, &v)))
                                printf("#   length %lu\n", lengths[n]);
                        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID,
                                      verify(a, &m.m, k, data, lengths[n] < 4 ? lengths[n] : 4));
                }
                mech_of(&m, ways[i]); /* and a short code is not taken for a longer one */
                m.p.general = 16;
                MUST(a, attack_sign(a, &m.m, k, data, 8, &v));
                MUST(a, p11->C_VerifyInit(a->session, &m.m, k));
                (void)REFUSED(a, CKR_SIGNATURE_LEN_RANGE, p11->C_Verify(a->session, data, 8, v.p, 1));
        }
}

static const struct attack_row rows[] = {

        { "G02", "initial values of the HSM", gcm_ivs },
        { "G03", "forged messages", unauthentic },
        { "G04", "counters that come back", counters },

        { "G06", "points off the curve", invalid_points },
        { "G07", "points of small order", small_points },
        { "G08", "curves of the caller's own", own_curves },
        { "G09", "impossible private numbers", private_numbers },
        { "G10", "RSA keys with a fault", broken_rsa },
        { "G11", "another public half", double_public },
        { "G12", "lengths of secret keys", secret_lengths },
        { "G13", "hostile templates", hostile_templates },
        { "G14", "hostile parameters", mechanism_parameters },
        { "G01", "GCM parameters", gcm_parameters },
        { "G05", "codes that are guessed", short_macs },
        { 0 },
};

const struct attack_group group_misuse = { "g", rows, NULL, NULL };
