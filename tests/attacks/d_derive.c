/* Group D of the key rules: derivation. Clulow 2003; CVE-2015-5464 (Luna). */
#include "attack.h"

static CK_BYTE chosen[64] = "data that the attacker has chosen, of two blocks and more bytes";

/* A secret child, silent but for its length and the words; length 0: none given. */
static void child_of(const struct attack *a, struct wanted *w, CK_ULONG length, const char *words)
{
        *w = (struct wanted){ .n = 0 };
        wanted_bare(a, w, CKO_SECRET_KEY, CKK_GENERIC_SECRET, words);
        if (length)
                wanted_number(w, CKA_VALUE_LEN, length);
}

/* Both bases of the rules: sensitive, not extractable, deriving. */
static CK_RV base_for(struct attack *a, CK_MECHANISM_TYPE type, const char *words, CK_OBJECT_HANDLE *base)
{
        return attack_key(a, type == CKM_AES_ECB_ENCRYPT_DATA || type == CKM_AES_CBC_ENCRYPT_DATA ? AES : GEN,
                          words, base);
}

static void string_of(struct mech *m, CK_MECHANISM_TYPE type, CK_ULONG n)
{
        mech_of(m, type);
        m->p.string = (CK_KEY_DERIVATION_STRING_DATA){ chosen, n };
        m->m.pParameter = &m->p.string;
        m->m.ulParameterLen = sizeof(m->p.string);
}

static const CK_MECHANISM_TYPE secret_ways[] = {
        CKM_AES_ECB_ENCRYPT_DATA,      CKM_AES_CBC_ENCRYPT_DATA,      CKM_XOR_BASE_AND_DATA,
        CKM_CONCATENATE_BASE_AND_DATA, CKM_CONCATENATE_DATA_AND_BASE, CKM_HKDF_DERIVE,
        CKM_SP800_108_COUNTER_KDF,     CKM_SP800_108_FEEDBACK_KDF,    CKM_SP800_108_DOUBLE_PIPELINE_KDF,
        CKM_SHA256_KEY_DERIVATION
};
#define WAYS (sizeof(secret_ways) / sizeof(secret_ways[0]))

/* No child of a sensitive base is readable, whatever derives it. */
static void d01(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, child;
        struct mech m;

        for (size_t i = 0; i < WAYS; i++) {
                MUST(a, base_for(a, secret_ways[i], "+DERIVE", &base));
                mech_of(&m, secret_ways[i]);
                if (!attack_needs(a, secret_ways[i])) {
                        child_of(a, &w, 32, "");
                        (void)REFUSED(a, CKR_MECHANISM_INVALID, attack_derive(a, &m.m, base, &w, &child));
                        continue;
                }
                child_of(a, &w, 32, "-SENS");
                if (secret_ways[i] == CKM_HKDF_DERIVE && !a->token && !attack_verified)
                        MUST(a, attack_derive(a, &m.m, base, &w,
                                              &child)); /* of a key of this session: allowed */
                else
                        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &w, &child));
                child_of(a, &w, 32, "+EXTR");
                if (secret_ways[i] == CKM_HKDF_DERIVE && !a->token && !attack_verified)
                        continue;
                (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &w, &child));
        }
}

static void d02(struct attack *a)
{
        static const CK_ULONG lengths[] = { 1, 2, 8, 15 };
        struct wanted w;
        CK_OBJECT_HANDLE base, child;
        struct mech m;

        for (size_t i = 0; i < WAYS; i++) {
                if (!attack_needs(a, secret_ways[i]))
                        continue;
                MUST(a, base_for(a, secret_ways[i], "+DERIVE", &base));
                for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
                        child_of(a, &w, lengths[k], "+SIGN");
                        mech_of(&m, secret_ways[i]);
                        (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_derive(a, &m.m, base, &w, &child));
                }
        }
}

/* Byte by byte: each child of one byte would be found by 256 MACs. */
static void d03(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, child;
        struct mech m;

        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        for (CK_ULONG bit = 0; bit < 256; bit += 8) {
                mech_of(&m, CKM_EXTRACT_KEY_FROM_KEY);
                m.p.extract = bit;
                child_of(a, &w, 1, "+SIGN");
                (void)REFUSED2(a, CKR_MECHANISM_INVALID, CKR_KEY_SIZE_RANGE,
                               attack_derive(a, &m.m, base, &w, &child));
        }
}

static void d04(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, child;
        struct mech m;

        if (!attack_needs(a, CKM_XOR_BASE_AND_DATA))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE +WWT", &base));
        for (CK_ULONG n = 1; n < 32; n++) { /* what is shorter than the base tells a part of it */
                string_of(&m, CKM_XOR_BASE_AND_DATA, n);
                child_of(a, &w, 0, "+SIGN");
                (void)REFUSED(a, CKR_DATA_LEN_RANGE, attack_derive(a, &m.m, base, &w, &child));
        }
        string_of(&m, CKM_XOR_BASE_AND_DATA, 32);
        child_of(a, &w, 0, "-SENS");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &w, &child));
        child_of(a, &w, 0, "+EXTR");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &w, &child));
        child_of(a, &w, 0, "-WWT");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &w, &child));
        child_of(a, &w, 0, "");
        MUST(a, attack_derive(a, &m.m, base, &w, &child));
        CHECK(a, attack_reads(a, child, CKA_SENSITIVE) && !attack_reads(a, child, CKA_EXTRACTABLE) &&
                     attack_reads(a, child, CKA_WRAP_WITH_TRUSTED));
}

static void d05(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, child, part;
        struct mech m;

        if (!attack_needs(a, CKM_CONCATENATE_BASE_AND_DATA) ||
            !attack_needs(a, CKM_CONCATENATE_DATA_AND_BASE))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        string_of(&m, CKM_CONCATENATE_BASE_AND_DATA, 31);
        child_of(a, &w, 0, "+DERIVE");
        MUST(a, attack_derive(a, &m.m, base, &w, &child));
        mech_of(&m, CKM_EXTRACT_KEY_FROM_KEY);
        m.p.extract = 31 * 8;
        child_of(a, &w, 32, "+SIGN");
        (void)REFUSED2(a, CKR_MECHANISM_INVALID, CKR_KEY_SIZE_RANGE,
                       attack_derive(a, &m.m, child, &w, &part));
        /* the window: one byte of the base and 31 known ones, or the other way round */
        for (CK_ULONG length = 16; length < 63; length++) {
                child_of(a, &w, length, "+SIGN");
                string_of(&m, CKM_CONCATENATE_DATA_AND_BASE, 31);
                (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_derive(a, &m.m, base, &w, &part));
                string_of(&m, CKM_CONCATENATE_BASE_AND_DATA, 31);
                (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_derive(a, &m.m, base, &w, &part));
        }
}

static CK_MECHANISM_PTR with_key(struct mech *m, CK_OBJECT_HANDLE second)
{
        mech_of(m, CKM_CONCATENATE_BASE_AND_KEY);
        m->p.second = second;
        m->m.pParameter = &m->p.second;
        m->m.ulParameterLen = sizeof(m->p.second);
        return &m->m;
}

/* In the other user's process: makes a key and tells its handle, or deletes it. */
static CK_RV role_make(struct attack *a, const CK_ULONG *numbers)
{
        CK_OBJECT_HANDLE k = 0;

        (void)numbers;
        return attack_key(a, GEN, "+DERIVE +SIGN +EXTR +WWT", &k) ? 0 : k;
}

static CK_RV role_delete(struct attack *a, const CK_ULONG *numbers)
{
        return p11->C_DestroyObject(a->session, numbers[0]);
}

static void d06(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, mute, strict, alien, child;
        struct mech m;

        if (!attack_needs(a, CKM_CONCATENATE_BASE_AND_KEY))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE +EXTR +WWT", &base));
        MUST(a, attack_key(a, GEN, "+SIGN +EXTR +WWT", &mute));
        child_of(a, &w, 0, "+SIGN");
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_derive(a, with_key(&m, mute), base, &w, &child));
        alien = attack_other("d", "cu2", "make", NULL, 0);
        CHECK(a, alien != 0 && alien != CK_UNAVAILABLE_INFORMATION);
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_derive(a, with_key(&m, alien), base, &w, &child));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_derive(a, with_key(&m, alien), alien, &w, &child));
        MUST(a, attack_other("d", "cu2", "delete", &alien, 1));
        MUST(a, attack_key(a, GEN, "+DERIVE", &strict));
        child_of(a, &w, 0, "+SIGN +EXTR");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, with_key(&m, strict), base, &w, &child));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, with_key(&m, base), strict, &w, &child));
        child_of(a, &w, 0, "+SIGN -WWT");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, with_key(&m, base), strict, &w, &child));
        child_of(a, &w, 0, "+SIGN -SENS");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_derive(a, with_key(&m, strict), strict, &w, &child));
        child_of(a, &w, 0, "+SIGN");
        MUST(a, attack_derive(a, with_key(&m, base), strict, &w, &child));
        CHECK(a, !attack_reads(a, child, CKA_EXTRACTABLE) && attack_reads(a, child, CKA_WRAP_WITH_TRUSTED) &&
                     attack_reads(a, child, CKA_SENSITIVE) && !attack_reads(a, child, CKA_NEVER_EXTRACTABLE));
}

static void d07(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, pub, child;
        struct mech m;

        MUST(a, attack_ec(a, "", "+DERIVE +EXTR +WWT", &pub, &base));
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        child_of(a, &w, 32, "-EXTR");
        wanted_bool(&w, CKA_NEVER_EXTRACTABLE, true);
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_derive(a, &m.m, base, &w, &child));
        child_of(a, &w, 32, "-EXTR +SENS");
        MUST(a, attack_derive(a, &m.m, base, &w, &child));
        CHECK(a, !attack_reads(a, child, CKA_NEVER_EXTRACTABLE) && !attack_reads(a, child, CKA_LOCAL));
        CHECK(a, attack_reads(a, child, CKA_WRAP_WITH_TRUSTED));
        child_of(a, &w, 32, "+SENS -WWT");
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, base, &w, &child));
}

static void d08(struct attack *a)
{
        struct wanted w, loose;
        CK_OBJECT_HANDLE base, child, second = 0;
        CK_DERIVED_KEY more = { NULL, 0, &second };
        struct mech m;

        if (!attack_needs(a, CKM_SP800_108_COUNTER_KDF))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        for (int i = 0; i < 3; i++) {
                mech_of(&m, CKM_SP800_108_COUNTER_KDF);
                child_of(a, &w, 32, "+SIGN");
                child_of(a, &loose, i == 2 ? 1 : 32, i == 0 ? "-SENS" : i == 1 ? "+EXTR" : "+SIGN");
                more.pTemplate = loose.items;
                more.ulAttributeCount = loose.n;
                m.p.kdf.ulAdditionalDerivedKeys = 1;
                m.p.kdf.pAdditionalDerivedKeys = &more;
                (void)REFUSED(a, i == 2 ? CKR_KEY_SIZE_RANGE : CKR_TEMPLATE_INCONSISTENT,
                              attack_derive(a, &m.m, base, &w, &child));
        }
}

static void d09(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE base, alien, child;
        struct mech m;

        if (!attack_needs(a, CKM_HKDF_DERIVE))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        alien = attack_other("d", "cu2", "make", NULL, 0);
        CHECK(a, alien != 0 && alien != CK_UNAVAILABLE_INFORMATION);
        child_of(a, &w, 32, "+SIGN");
        mech_of(&m, CKM_HKDF_DERIVE);
        m.p.hkdf.ulSaltType = CKF_HKDF_SALT_KEY;
        m.p.hkdf.hSaltKey = alien;
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_derive(a, &m.m, base, &w, &child));
        MUST(a, attack_other("d", "cu2", "delete", &alien, 1));
        mech_of(&m, CKM_HKDF_DERIVE);
        m.p.hkdf.ulInfoLen = (CK_ULONG)1 << 32;
        (void)REFUSED(a, CKR_MECHANISM_PARAM_INVALID, attack_derive(a, &m.m, base, &w, &child));
        mech_of(&m, CKM_HKDF_DERIVE);
        wanted_number(&w, CKA_VALUE_LEN, 0);
        (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_derive(a, &m.m, base, &w, &child));
        child_of(a, &w, 255 * 32 + 1, "+SIGN");
        (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_derive(a, &m.m, base, &w, &child));
        child_of(a, &w, ((CK_ULONG)1 << 32) + 32, "+SIGN");
        (void)REFUSED(a, CKR_KEY_SIZE_RANGE, attack_derive(a, &m.m, base, &w, &child));
}

/* The child as readable data. */
static CK_RV hkdf_data(struct attack *a, CK_OBJECT_HANDLE base, CK_OBJECT_HANDLE *data)
{
        struct wanted w = { .n = 0 };
        struct mech m;

        wanted_bare(a, &w, CKO_DATA, CK_UNAVAILABLE_INFORMATION, "");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        return attack_derive(a, mech_of(&m, CKM_HKDF_DATA), base, &w, data);
}

static void d10(struct attack *a)
{
        CK_OBJECT_HANDLE base, data;

        if (!attack_needs(a, CKM_HKDF_DATA))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, hkdf_data(a, base, &data));
        MUST(a, attack_key(a, GEN, "+DERIVE +EXTR +WWT", &base));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, hkdf_data(a, base, &data));
}

/* The same output once as data and once as a key. */
static void d11(struct attack *a)
{
        CK_OBJECT_HANDLE base, data, child;
        CK_BYTE v[32] = { 0 };
        CK_ULONG n = sizeof(v);
        struct wanted w;
        struct mech m;

        if (!attack_needs(a, CKM_HKDF_DATA) || !attack_needs(a, CKM_HKDF_DERIVE))
                return;
        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        w = (struct wanted){ .n = 0 };
        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, "+SENS -EXTR +ENCRYPT");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        MUST(a, attack_derive(a, mech_of(&m, CKM_HKDF_DERIVE), base, &w, &child));
        if (REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, hkdf_data(a, base, &data)))
                return;
        MUST(a, attack_value(a, data, CKA_VALUE, v, &n));
        KEPT(a, child, v, n);
}

static void d12(struct attack *a)
{
        struct wanted w;
        CK_OBJECT_HANDLE pub, priv, x, secret;
        struct mech m;

        MUST(a, attack_ec(a, "+VERIFY", "+SIGN", &pub, &priv));
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        child_of(a, &w, 32, "");
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_derive(a, &m.m, priv, &w, &x));
        MUST(a, attack_key(a, GEN, "+SIGN", &secret));
        for (size_t i = 0; i < WAYS; i++) {
                if (secret_ways[i] == CKM_AES_ECB_ENCRYPT_DATA ||
                    secret_ways[i] == CKM_AES_CBC_ENCRYPT_DATA || !attack_needs(a, secret_ways[i]))
                        continue;
                mech_of(&m, secret_ways[i]);
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_derive(a, &m.m, secret, &w, &x));
        }
        if (attack_needs(a, CKM_PUB_KEY_FROM_PRIV_KEY)) {
                w = (struct wanted){ .n = 0 };
                wanted_bare(a, &w, CKO_PUBLIC_KEY, CKK_EC, "");
                mech_of(&m, CKM_PUB_KEY_FROM_PRIV_KEY);
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_derive(a, &m.m, priv, &w, &x));
        }
}

static const struct attack_row rows[] = {
        { "D01", "a readable child", d01 },
        { "D02", "a child short enough to guess", d02 },
        { "D03", "extraction byte by byte", d03 },
        { "D04", "XOR that truncates", d04 },
        { "D05", "concatenation and a window", d05 },
        { "D06", "concatenation of two keys", d06 },
        { "D07", "a child that claims more than its base", d07 },
        { "D08", "additional keys that are looser", d08 },
        { "D09", "HKDF lengths and salts", d09 },
        { "D10", "a child that is data", d10 },
        { "D11", "one output, key and data", d11 },
        { "D12", "a base that does not derive", d12 },
        { 0 },
};

static const struct attack_role roles[] = { { "make", role_make }, { "delete", role_delete }, { 0 } };

const struct attack_group group_derive = { "d", rows, roles, NULL };
