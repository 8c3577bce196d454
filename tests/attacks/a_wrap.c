/* Group A of the key rules: wrap and decrypt. Clulow 2003; Delaune, Kremer and Steel 2008; Tookan 2010. */
#include "attack.h"

static CK_OBJECT_HANDLE trusted, weak; /* AES-256 and AES-128, made trusted by the officer */
static unsigned long cu2;

static void before(void)
{
        struct attack a = { .id = "before", .token = true, .session = attack_session() };

        if (attack_key(&a, AES, "+WRAP +UNWRAP", &trusted) ||
            attack_key(&a, AES128, "+WRAP +UNWRAP", &weak) ||
            !attack_officer("setAttribute %lu 134 1\nsetAttribute %lu 134 1", trusted, weak))
                printf("Bail out! no trusted keys\n");
        cu2 = attack_user_id("cu2");
}

/* Wrap with a mechanism, read the blob with another: both of one key. */
static void wrap_then_decrypt(struct attack *a, CK_MECHANISM_TYPE how, CK_OBJECT_HANDLE wrapping,
                              CK_OBJECT_HANDLE reading)
{
        struct mech m;
        struct blob b, v;
        CK_OBJECT_HANDLE k;

        EXPOSED(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_wrap(a, mech_of(&m, how), wrapping, k, &b));
        if (!SEPARATE(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_decrypt(a, &m.m, reading, b.p, b.n, &v)))
                return;
        CHECK(a, oracle_is_key(a, k, v.p, v.n)); /* the attack is the real one */
        CHECK(a, attack_is_listed(a, k, EXPORTABLE));
}

static void a01(struct attack *a)
{
        CK_OBJECT_HANDLE w, pub, priv;

        if (!attack_needs(a, CKM_AES_CBC))
                return;
        if (SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_key(a, AES, "+WRAP +DECRYPT", &w))) {
                wrap_then_decrypt(a, CKM_AES_CBC, w, w);
                wrap_then_decrypt(a, CKM_AES_KEY_WRAP, w, w);
        }
        if (SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_rsa(a, "+WRAP", "+DECRYPT", &pub, &priv)))
                wrap_then_decrypt(a, CKM_RSA_PKCS_OAEP, pub, priv);
}

static void a02(struct attack *a)
{
        CK_OBJECT_HANDLE k, w, copy;
        struct mech m;
        struct blob b;

        EXPOSED(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_key(a, AES, "+WRAP", &w));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), w, k, &b));
        (void)SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, w, "-WRAP +DECRYPT"));
        MUST(a, attack_set(a, w, attack_separate ? "+WRAP" : "+WRAP -DECRYPT"));
        (void)SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, w, "+DECRYPT"));
        MUST(a, attack_set(a, w, "-WRAP"));
        (void)SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, w, "+DECRYPT"));
        (void)SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, w, "+DECRYPT", &copy));
        if (a->token && attack_separate)
                CHECK(a, !attack_user("setAttribute %lu 261 1", w));
        CHECK(a, attack_reads(a, w, CKA_DECRYPT) == !attack_separate);
}

/* A key that wraps with this mechanism, not trusted. */
static CK_RV wrapper_for(struct attack *a, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE *w)
{
        CK_OBJECT_HANDLE other;

        switch (type) {
        case CKM_RSA_PKCS:
        case CKM_RSA_PKCS_OAEP:
        case CKM_RSA_AES_KEY_WRAP:
                return attack_rsa(a, "+WRAP", "+UNWRAP", w, &other);
        case CKM_ECDH_AES_KEY_WRAP:
                return attack_ec(a, "+WRAP", "+UNWRAP", w, &other);
        case CKM_DES3_CBC:
        case CKM_DES3_CBC_PAD:
                return attack_key(a, DES3, "+WRAP", w);
        default:
                return attack_key(a, AES, "+WRAP", w);
        }
}

static void a03(struct attack *a)
{
        CK_MECHANISM_TYPE type;
        CK_MECHANISM_INFO info;
        CK_OBJECT_HANDLE k, w;
        struct mech m;
        struct blob b;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        CHECK(a, attack_is_listed(a, k, "protected"));
        for (CK_ULONG i = 0; (type = attack_mechanism_at(i)) != CK_UNAVAILABLE_INFORMATION; i++) {
                if (p11->C_GetMechanismInfo(1, type, &info) != CKR_OK || !(info.flags & CKF_WRAP))
                        continue;
                MUST(a, wrapper_for(a, type, &w));
                if (!REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, mech_of(&m, type), w, k, &b)))
                        printf("#   mechanism 0x%lx\n", type);
        }
}

/* PKCS#11 3.2; a module that does not have it says so. */
static CK_RV wrap_authenticated(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE wrapping,
                                CK_OBJECT_HANDLE key, struct blob *b)
{
        CK_C_WrapKeyAuthenticated wrap;

        *(void **)&wrap = attack_function("C_WrapKeyAuthenticated");
        b->n = sizeof(b->p);
        return wrap ? wrap(a->session, m, wrapping, key, NULL, 0, b->p, &b->n) : CKR_FUNCTION_NOT_SUPPORTED;
}

static void a04(struct attack *a)
{
        CK_OBJECT_HANDLE k, rsa, ec, pub;
        struct mech m;
        struct blob b;
        CK_RV rv;

        MUST(a, attack_key(a, AES, "-EXTR", &k));
        MUST(a, attack_rsa(a, "+VERIFY", "+SIGN -EXTR", &pub, &rsa));
        MUST(a, attack_ec(a, "+VERIFY", "+SIGN -EXTR", &pub, &ec));
        mech_of(&m, CKM_AES_KEY_WRAP);
        (void)REFUSED(a, CKR_KEY_UNEXTRACTABLE, attack_wrap(a, &m.m, trusted, k, &b));
        mech_of(&m, CKM_AES_KEY_WRAP_KWP);
        (void)REFUSED(a, CKR_KEY_UNEXTRACTABLE, attack_wrap(a, &m.m, trusted, rsa, &b));
        (void)REFUSED(a, CKR_KEY_UNEXTRACTABLE, attack_wrap(a, &m.m, trusted, ec, &b));
        (void)REFUSED(a, CKR_KEY_UNEXTRACTABLE, attack_wrap(a, mech_of(&m, CKM_AES_GCM), trusted, k, &b));
        rv = wrap_authenticated(a, &m.m, trusted, k, &b);
        CHECK(a, rv == CKR_KEY_UNEXTRACTABLE || rv == CKR_FUNCTION_NOT_SUPPORTED);
}

static void a05(struct attack *a)
{
        CK_OBJECT_HANDLE k, w, back;
        struct mech m;
        struct blob b;

        EXPOSED(a, attack_key(a, AES, "+EXTR +ENCRYPT", &k));
        MUST(a, attack_key(a, AES, "+WRAP +UNWRAP", &w));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), w, k, &b));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "-SENS", &back));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_GENERIC_SECRET, "-SENS", &back));
        MUST(a, attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "", &back));
        CHECK(a, attack_reads(a, back, CKA_SENSITIVE));
        CHECK(a, !attack_reads(a, back, CKA_ALWAYS_SENSITIVE));
        CHECK(a, !attack_reads(a, back, CKA_NEVER_EXTRACTABLE));
        CHECK(a, !attack_reads(a, back, CKA_LOCAL));
}

static void a06(struct attack *a)
{
        CK_OBJECT_HANDLE w1, w2, u1, u2, k;
        struct mech m;
        struct blob b, c, v;

        EXPOSED(a, attack_key(a, AES, "+EXTR", &w1));
        MUST(a, attack_key(a, AES, "+WRAP +UNWRAP", &w2));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), w2, w1, &b));
        MUST(a, attack_unwrap_as(a, &m.m, w2, &b, CKO_SECRET_KEY, CKK_AES, "+WRAP", &u1));
        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, w2, &b, CKO_SECRET_KEY, CKK_AES, "+DECRYPT", &u2)))
                return;
        MUST(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_wrap(a, &m.m, u1, k, &c));
        MUST(a, attack_decrypt(a, &m.m, u2, c.p, c.n, &v));
        CHECK(a, oracle_is_key(a, k, v.p, v.n));
        CHECK(a, attack_is_listed(a, k, EXPORTABLE));
}

/* The public half of a key that the attacker has himself. */
static CK_RV trojan(struct attack *a, CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_bare(a, &w, CKO_PUBLIC_KEY, CKK_RSA, "+WRAP");
        wanted_bytes(&w, CKA_MODULUS, oracle_rsa_modulus(), 256);
        wanted_bytes(&w, CKA_PUBLIC_EXPONENT, "\1\0\1", 3);
        return attack_create(a, &w, key);
}

static void a07(struct attack *a)
{
        CK_OBJECT_HANDLE k, evil;
        struct mech m;
        struct blob b;
        CK_BYTE v[256];
        size_t n = sizeof(v);

        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, trojan(a, &evil)))
                return;
        EXPOSED(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_RSA_PKCS_OAEP), evil, k, &b));
        CHECK(a, oracle_oaep_open(&b, v, &n) && oracle_is_key(a, k, v, n));
        CHECK(a, attack_is_listed(a, k, EXPORTABLE));
}

static void a08(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS, CKM_RSA_AES_KEY_WRAP };
        CK_OBJECT_HANDLE k, evil;
        struct mech m;
        struct blob b;

        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, trojan(a, &evil)))
                return;
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                if (attack_needs(a, ways[i]))
                        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE,
                                      attack_wrap(a, mech_of(&m, ways[i]), evil, k, &b));
        }
        if (attack_offered(CKM_ECDH_AES_KEY_WRAP)) { /* may be absent */
                MUST(a, wrapper_for(a, CKM_ECDH_AES_KEY_WRAP, &evil));
                mech_of(&m, CKM_ECDH_AES_KEY_WRAP);
                (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, evil, k, &b));
        }
}

static void a10(struct attack *a)
{
        CK_OBJECT_HANDLE w, guarded;
        struct mech m;
        struct blob b;

        mech_of(&m, CKM_AES_KEY_WRAP);
        (void)REFUSED2(a, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE,
                       attack_wrap(a, &m.m, trusted, trusted, &b));
        MUST(a, attack_key(a, AES, "+EXTR +WWT +WRAP", &guarded));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, guarded, guarded, &b));
        EXPOSED(a, attack_key(a, AES, "+EXTR +WRAP", &w));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, w, w, &b));
}

static void a11(struct attack *a)
{
        static const CK_MECHANISM_TYPE loose[] = { CKM_AES_ECB, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CTR,
                                                   CKM_RSA_X_509 };
        CK_OBJECT_HANDLE k, back;
        struct mech m;
        struct blob b, spliced = { .n = 32 };

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
                if (!attack_needs(a, loose[i]))
                        continue;
                (void)REFUSED(a, CKR_MECHANISM_INVALID,
                              attack_wrap(a, mech_of(&m, loose[i]), trusted, k, &b));
                (void)REFUSED(a, CKR_MECHANISM_INVALID,
                              attack_unwrap_as(a, mech_of(&m, loose[i]), trusted, &spliced, CKO_SECRET_KEY,
                                               CKK_AES, "", &back));
        }
}

/* Halves of two authenticated blobs do not make a third. */
static void a11s(struct attack *a)
{
        CK_OBJECT_HANDLE one, other, back;
        struct mech m;
        struct blob b, c;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &one));
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &other));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, one, &b));
        MUST(a, attack_wrap(a, &m.m, trusted, other, &c));
        for (CK_ULONG cut = 8; cut < b.n; cut += 8) {
                struct blob d = b;
                memcpy(d.p + cut, c.p + cut, c.n - cut);
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, trusted, &d, CKO_SECRET_KEY, CKK_AES, "", &back));
        }
}

static void a12(struct attack *a)
{
        static const CK_BYTE known[32] = "thirty-two bytes that all know!";
        CK_OBJECT_HANDLE x, conjured, k;
        struct mech m;
        struct blob c, b;
        CK_BYTE v[64];
        size_t n = sizeof(v);

        if (!attack_needs(a, CKM_AES_CBC) ||
            !SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_key(a, AES, "+ENCRYPT +UNWRAP", &x)))
                return;
        MUST(a, attack_encrypt(a, mech_of(&m, CKM_AES_CBC), x, known, sizeof(known), &c));
        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_unwrap_as(a, &m.m, x, &c, CKO_SECRET_KEY, CKK_AES, "+WRAP", &conjured)))
                return;
        EXPOSED(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), conjured, k, &b));
        CHECK(a, oracle_unwrap("AES-256-WRAP", known, b.p, b.n, v, &n) && oracle_is_key(a, k, v, n));
        CHECK(a, attack_is_listed(a, k, EXPORTABLE));
}

static void a13(struct attack *a)
{
        static const CK_BYTE known[32] = "another thirty-two known bytes!";
        CK_OBJECT_HANDLE y, k;
        struct mech m;
        struct blob b;

        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_import(a, CKK_AES, known, 32, "+WRAP", &y)))
                return;
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), y, k, &b));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, mech_of(&m, CKM_AES_GCM), y, k, &b));
}

/* In the second user's process: wraps what was shared with him under a key of his own. */
static CK_RV role_wrap(struct attack *a, const CK_ULONG *numbers)
{
        CK_OBJECT_HANDLE w;
        struct mech m;
        struct blob b;
        CK_RV rv;

        a->token = false;
        rv = attack_key(a, AES, "+WRAP", &w);
        return rv ? CKR_GENERAL_ERROR : attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), w, numbers[0], &b);
}

static CK_RV role_encrypt(struct attack *a, const CK_ULONG *numbers)
{
        struct mech m;

        return attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), numbers[0]);
}

static void a14(struct attack *a)
{
        CK_OBJECT_HANDLE k;
        struct attack as_token = *a;

        as_token.token = true; /* only token keys are shared */
        if (attack_verified)
                MUST(a, attack_key(&as_token, AES, "+EXTR +WWT +ENCRYPT", &k));
        else
                MUST(a, attack_key(&as_token, AES, "+EXTR +ENCRYPT", &k));
        (void)attack_made(a, CKR_OK, &k);
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_other("a", "cu2", "wrap", &k, 1));
        CHECK(a, attack_user("shareKey %lu %lu 1", k, cu2));
        MUST(a, attack_other("a", "cu2", "encrypt", &k, 1)); /* a shared key is used */
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_other("a", "cu2", "wrap", &k, 1));
}

/* An RSA key that the officer trusts; a token key in every run, as only those can be. */
static CK_RV trusted_rsa(struct attack *a, CK_ULONG bits, CK_OBJECT_HANDLE *pub)
{
        CK_MECHANISM pair = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        struct wanted for_pub = { .n = 0 }, for_priv = { .n = 0 };
        CK_OBJECT_HANDLE priv;
        CK_RV rv;

        wanted_key(a, &for_pub, CKO_PUBLIC_KEY, "+WRAP +TOKEN");
        wanted_key(a, &for_priv, CKO_PRIVATE_KEY, "+UNWRAP +TOKEN");
        wanted_number(&for_pub, CKA_MODULUS_BITS, bits);
        rv = p11->C_GenerateKeyPair(a->session, &pair, for_pub.items, for_pub.n, for_priv.items, for_priv.n,
                                    pub, &priv);
        (void)attack_made(a, rv, pub);
        (void)attack_made(a, rv, &priv);
        return rv ? rv : attack_trust(*pub, true);
}

static void a09(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_GCM };
        CK_OBJECT_HANDLE k, rsa, small, pub;
        struct mech m;
        struct blob b;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_key(a, AES128, "+EXTR +WWT", &small));
        MUST(a, attack_rsa(a, "+VERIFY", "+SIGN +EXTR +WWT", &pub, &rsa));
        for (size_t i = 0; i < 3; i++) {
                (void)REFUSED(a, CKR_WRAPPING_KEY_SIZE_RANGE,
                              attack_wrap(a, mech_of(&m, ways[i]), weak, k, &b));
                MUST(a, attack_wrap(a, mech_of(&m, ways[i]), trusted, k, &b));
                MUST(a, attack_wrap(a, mech_of(&m, ways[i]), weak, small, &b));
        }
        /* RSA-2048 has the strength of 112 bits: AES-128 is enough for it */
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP_KWP), weak, rsa, &b));
}

/* RSA-2048 may wrap AES-256 until an officer says otherwise (wrap_strength 2: this suite's `separate`). */
static void a09r(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_AES_KEY_WRAP };
        CK_OBJECT_HANDLE k, small, t;
        struct mech m;
        struct blob b;

        MUST(a, trusted_rsa(a, 2048, &t));
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_key(a, AES128, "+EXTR +WWT", &small));
        for (size_t i = 0; i < 2; i++) {
                mech_of(&m, ways[i]);
                if (attack_tight) {
                        (void)REFUSED(a, CKR_WRAPPING_KEY_SIZE_RANGE, attack_wrap(a, &m.m, t, k, &b));
                        (void)REFUSED(a, CKR_WRAPPING_KEY_SIZE_RANGE, attack_wrap(a, &m.m, t, small, &b));
                } else {
                        MUST(a, attack_wrap(a, &m.m, t, k, &b));
                        MUST(a, attack_wrap(a, &m.m, t, small, &b));
                }
        }
        if (a->token)
                CHECK(a, attack_is_noted(k, "RSA-2048") == !attack_tight);
        /* what is not authenticated is refused to it whatever the strength */
        (void)REFUSED(a, CKR_MECHANISM_INVALID, attack_wrap(a, mech_of(&m, CKM_RSA_PKCS), t, k, &b));
}

/* RSA-1024 has 80 bits: less than any policy that asks for strength takes. strict has no such key. */
static void a09s(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_AES_KEY_WRAP };
        CK_OBJECT_HANDLE k, small, t;
        struct mech m;
        struct blob b;

        if (attack_strict) {
                (void)REFUSED(a, CKR_KEY_SIZE_RANGE, trusted_rsa(a, 1024, &t));
                return;
        }
        MUST(a, trusted_rsa(a, 1024, &t));
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_key(a, AES128, "+EXTR +WWT", &small));
        for (size_t i = 0; i < 2; i++) {
                mech_of(&m, ways[i]);
                (void)REFUSED(a, CKR_WRAPPING_KEY_SIZE_RANGE, attack_wrap(a, &m.m, t, k, &b));
                (void)REFUSED(a, CKR_WRAPPING_KEY_SIZE_RANGE, attack_wrap(a, &m.m, t, small, &b));
        }
}

/* No mechanism wraps under DES, so a trusted key of it opens nothing. strict makes none. */
static void a09d(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_DES3_CBC, CKM_DES3_CBC_PAD };
        struct attack as_token = *a;
        CK_OBJECT_HANDLE k, small, t;
        struct mech m;
        struct blob b;

        as_token.token = true;
        if (attack_strict) {
                (void)REFUSED(a, CKR_MECHANISM_INVALID, attack_key(&as_token, DES3, "+WRAP +UNWRAP", &t));
                return;
        }
        MUST(a, attack_key(&as_token, DES3, "+WRAP +UNWRAP", &t));
        (void)attack_made(a, CKR_OK, &t);
        MUST(a, attack_trust(t, true));
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        MUST(a, attack_key(a, AES128, "+EXTR +WWT", &small));
        for (size_t i = 0; i < 2; i++) {
                (void)REFUSED(a, CKR_MECHANISM_INVALID, attack_wrap(a, mech_of(&m, ways[i]), t, k, &b));
                (void)REFUSED(a, CKR_MECHANISM_INVALID, attack_wrap(a, mech_of(&m, ways[i]), t, small, &b));
        }
        (void)REFUSED(a, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                      attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), t, k, &b));
}

static const struct attack_row rows[] = {
        { "A01", "one key wraps and decrypts", a01 },
        { "A02", "a wrapping key that becomes a decrypting one", a02 },
        { "A03", "wrap-with-trusted under a key that is not", a03 },
        { "A04", "what is not extractable, under a trusted key", a04 },
        { "A05", "unwrapped and no longer sensitive", a05 },
        { "A06", "two lives of one key", a06 },
        { "A07", "trojan public key", a07 },
        { "A08", "trojan public key, wrap-with-trusted target", a08 },
        { "A10", "a key wraps itself", a10 },
        { "A11", "wrap without authentication", a11 },
        { "A11-splice", "halves of two blobs", a11s },
        { "A12", "encrypt as wrap", a12 },
        { "A13", "a known key against a protected target", a13 },
        { "A14", "a shared key is not wrapped", a14 },
        { "A09", "a weaker wrapping key", a09 },
        { "A09-rsa", "a weaker RSA key", a09r },
        { "A09-1024", "an RSA key of 1024 bits", a09s },
        { "A09-des", "a trusted DES key", a09d },
        { 0 },
};

static const struct attack_role roles[] = { { "wrap", role_wrap }, { "encrypt", role_encrypt }, { 0 } };

const struct attack_group group_wrap = { "a", rows, roles, before };
