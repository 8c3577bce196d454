/* Group E of the key rules: padding oracles. Bleichenbacher 1998; Manger 2001; Vaudenay 2002; Bardou 2012. */
#include "attack.h"

#include <time.h>

#define K 256 /* bytes of an RSA-2048 modulus */

/* What is wrong with a block before it is encrypted with the public key. */
struct flaw {
        const char *words;
        void (*spoil)(CK_BYTE *block);
};

static void pkcs1(CK_BYTE *block, size_t payload)
{
        memset(block, 0x5a, K);
        block[0] = 0;
        block[1] = 2;
        block[K - payload - 1] = 0;
}

static void type_one(CK_BYTE *block)
{
        block[1] = 1;
}

static void leading_one(CK_BYTE *block)
{
        block[0] = 1;
}

static void no_end(CK_BYTE *block)
{
        memset(block + 2, 0x5a, K - 2);
}

static void early_end(CK_BYTE *block)
{
        block[9] = 0;
}

static void first_byte_ends(CK_BYTE *block)
{
        block[2] = 0;
}

static void odd_payload(CK_BYTE *block)
{
        pkcs1(block, 17);
}

static void no_payload(CK_BYTE *block)
{
        pkcs1(block, 0);
}

static const struct flaw pkcs1_flaws[] = {
        { "block type 1", type_one },      { "first byte 1", leading_one },
        { "no separator", no_end },        { "padding of 7 bytes", early_end },
        { "no padding", first_byte_ends }, { "17 bytes for AES", odd_payload },
        { "0 bytes for AES", no_payload },
};
#define FLAWS (sizeof(pkcs1_flaws) / sizeof(pkcs1_flaws[0]))

/* The same text every time; remembers the first one. */
static void same_words(struct attack *a, char *first, const char *flaw)
{
        if (!first[0])
                memcpy(first, a->reason, sizeof(a->reason));
        else if (!CHECK(a, strcmp(first, a->reason) == 0))
                printf("#   %s: '%s' and not '%s'\n", flaw, a->reason, first);
}

static void e01(struct attack *a)
{
        char first[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE pub, priv, x;
        CK_BYTE block[K];
        CK_ULONG n = K;
        struct blob c;
        struct mech m;

        MUST(a, attack_rsa(a, "+WRAP", "+UNWRAP", &pub, &priv));
        mech_of(&m, CKM_RSA_PKCS);
        for (size_t i = 0; i < FLAWS; i++) {
                pkcs1(block, 32);
                pkcs1_flaws[i].spoil(block);
                CHECK(a, oracle_rsa_raw(a, pub, block, &c));
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, priv, &c, CKO_SECRET_KEY, CKK_AES, "+ENCRYPT", &x));
                same_words(a, first, pkcs1_flaws[i].words);
        }
        pkcs1(block, 32);
        CHECK(a, oracle_rsa_raw(a, pub, block, &c));
        MUST(a, attack_unwrap_as(a, &m.m, priv, &c, CKO_SECRET_KEY, CKK_AES, "+ENCRYPT", &x));
        /* a number that is none, and lengths: public knowledge */
        MUST(a, attack_value(a, pub, CKA_MODULUS, c.p, &n));
        (void)REFUSED(a, CKR_WRAPPED_KEY_LEN_RANGE,
                      attack_unwrap_as(a, &m.m, priv, &c, CKO_SECRET_KEY, CKK_AES, "", &x));
        for (c.n = K - 1; c.n < K + 2; c.n += 2)
                (void)REFUSED(a, CKR_WRAPPED_KEY_LEN_RANGE,
                              attack_unwrap_as(a, &m.m, priv, &c, CKO_SECRET_KEY, CKK_AES, "", &x));
}

/* Length query, then the decryption. */
static CK_RV read_block(struct attack *a, CK_OBJECT_HANDLE key, struct blob *c, struct blob *v,
                        CK_ULONG *told)
{
        struct mech m;
        CK_RV rv = p11->C_DecryptInit(a->session, mech_of(&m, CKM_RSA_PKCS), key);

        if (rv == CKR_OK)
                rv = p11->C_Decrypt(a->session, c->p, c->n, NULL, told);
        v->n = sizeof(v->p);
        return rv ? rv : p11->C_Decrypt(a->session, c->p, c->n, v->p, &v->n);
}

static void e02(struct attack *a)
{
        char first[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE pub, priv;
        CK_BYTE block[K];
        CK_ULONG told, right;
        struct blob c, v;

        MUST(a, attack_rsa(a, "+ENCRYPT", "+DECRYPT", &pub, &priv));
        pkcs1(block, 32);
        CHECK(a, oracle_rsa_raw(a, pub, block, &c));
        MUST(a, read_block(a, priv, &c, &v, &right));
        CHECK(a, v.n == 32 && memcmp(v.p, block + K - 32, 32) == 0);
        for (size_t i = 0; i < FLAWS - 2; i++) { /* the last two are messages like any other */
                pkcs1(block, 32);
                pkcs1_flaws[i].spoil(block);
                CHECK(a, oracle_rsa_raw(a, pub, block, &c));
                told = 0;
                (void)REFUSED(a, CKR_ENCRYPTED_DATA_INVALID, read_block(a, priv, &c, &v, &told));
                CHECK(a, told == right); /* the length asked for does not tell either */
                same_words(a, first, pkcs1_flaws[i].words);
        }
}

/* ---- time ---- */

static long now_ns(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_value(const void *x, const void *y)
{
        const long *a = x, *b = y;

        return (*a > *b) - (*a < *b);
}

/* Friedman's statistic over rounds in which every class was tried once. */
static double friedman(long (*times)[FLAWS], size_t rounds)
{
        double sums[FLAWS] = { 0 }, squares = 0, k = FLAWS, n = (double)rounds;

        for (size_t r = 0; r < rounds; r++) {
                for (size_t i = 0; i < FLAWS; i++) {
                        double rank = 1;
                        for (size_t j = 0; j < FLAWS; j++)
                                rank += times[r][j] < times[r][i]              ? 1
                                        : j != i && times[r][j] == times[r][i] ? 0.5
                                                                               : 0;
                        sums[i] += rank;
                }
        }
        for (size_t i = 0; i < FLAWS; i++)
                squares += sums[i] * sums[i];
        return 12 / (n * k * (k + 1)) * squares - 3 * n * (k + 1);
}

/* Rounds in random order over the whole path. CHSM_ATTACK_TIMING sets them: a million values decide, the few
 * of a normal run are a report only, as other programs share the machine. */
static void e03(struct attack *a)
{
        const char *asked = getenv("CHSM_ATTACK_TIMING");
        size_t rounds = asked ? strtoul(asked, NULL, 10) : 300, at[FLAWS];
        long(*times)[FLAWS] = calloc(rounds, sizeof(*times)), *column = calloc(rounds, sizeof(long)),
        medians[FLAWS];
        CK_OBJECT_HANDLE pub, priv, x;
        struct blob c[FLAWS];
        CK_BYTE block[K], pick;
        struct mech m;
        double chi;

        MUST(a, attack_rsa(a, "+WRAP", "+UNWRAP", &pub, &priv));
        mech_of(&m, CKM_RSA_PKCS);
        for (size_t i = 0; i < FLAWS; i++) {
                pkcs1(block, 32);
                pkcs1_flaws[i].spoil(block);
                CHECK(a, oracle_rsa_raw(a, pub, block, &c[i]));
                at[i] = i;
        }
        for (size_t r = 0; r < rounds; r++) {
                for (size_t i = FLAWS - 1; i > 0; i--) { /* another order each round */
                        size_t j, kept = at[i];
                        MUST(a, p11->C_GenerateRandom(a->session, &pick, 1));
                        j = pick % (i + 1);
                        at[i] = at[j];
                        at[j] = kept;
                }
                for (size_t i = 0; i < FLAWS; i++) {
                        long from = now_ns();
                        if (attack_unwrap_as(a, &m.m, priv, &c[at[i]], CKO_SECRET_KEY, CKK_AES, "", &x) ==
                            CKR_OK)
                                WRONG(a, "a malformed block was taken");
                        times[r][at[i]] = now_ns() - from;
                }
        }
        for (size_t i = 0; i < FLAWS; i++) {
                for (size_t r = 0; r < rounds; r++)
                        column[r] = times[r][i];
                qsort(column, rounds, sizeof(long), by_value);
                medians[i] = column[rounds / 2];
                printf("# E03 %-20s median %ld ns (%+ld)\n", pkcs1_flaws[i].words, medians[i],
                       medians[i] - medians[0]);
        }
        chi = friedman(times, rounds);
        printf("# E03 Friedman %.2f over %zu rounds (22.46: p = 0.001)\n", chi, rounds);
        CHECK(a, !asked || chi < 22.46);
        free(times);
        free(column);
}

/* ---- CBC ---- */

static void e04(struct attack *a)
{
        char first[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE w, k, ec, pub, x;
        struct mech m;
        struct blob b, p8;

        if (!attack_needs(a, CKM_AES_CBC_PAD))
                return;
        MUST(a, attack_key(a, AES, "+WRAP +UNWRAP", &w));
        mech_of(&m, CKM_AES_CBC_PAD);
        if (attack_separate) { /* no such padding is looked at */
                memset(&b, 0x55, sizeof(b));
                b.n = 48;
                (void)REFUSED(a, CKR_MECHANISM_INVALID,
                              attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
                return;
        }
        MUST(a, attack_key(a, AES, "+EXTR", &k));
        MUST(a, attack_ec(a, "", "+SIGN +EXTR", &pub, &ec));
        MUST(a, attack_wrap(a, &m.m, w, k, &b));
        MUST(a, attack_wrap(a, &m.m, w, ec, &p8));
        for (int i = 1; i < 256; i++) {
                struct blob d = b, e = p8;
                d.p[b.n - 17] ^=
                    (CK_BYTE)i; /* the last byte of the padding becomes what the attacker wants */
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, w, &d, CKO_SECRET_KEY, CKK_AES, "", &x));
                same_words(a, first, "secret key");
                e.p[p8.n - 17] ^= (CK_BYTE)i;
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, w, &e, CKO_PRIVATE_KEY, CKK_EC, "", &x));
                same_words(a, first, "private key");
        }
        MUST(a, attack_unwrap_as(a, &m.m, w, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
        MUST(a, attack_unwrap_as(a, &m.m, w, &p8, CKO_PRIVATE_KEY, CKK_EC, "", &x));
}

/* ---- OAEP ---- */

static void oaep_first(CK_BYTE *em)
{
        em[0] = 1;
}

static void oaep_hash(CK_BYTE *db)
{
        db[0] ^= 1;
}

static void oaep_hash_end(CK_BYTE *db)
{
        db[31] ^= 0x80;
}

static void oaep_no_one(CK_BYTE *db)
{
        memset(db + 32, 0, K - 33 - 64);
}

static void oaep_two(CK_BYTE *db)
{
        db[K - 33 - 33] = 2;
}

static void oaep_early(CK_BYTE *db)
{
        db[40] = 7;
}

static const struct flaw oaep_flaws[] = { { "hash", oaep_hash },
                                          { "end of the hash", oaep_hash_end },
                                          { "no 01", oaep_no_one },
                                          { "02 for 01", oaep_two },
                                          { "noise in PS", oaep_early } };

static void e05(struct attack *a)
{
        char first[sizeof(a->reason)] = "", second[sizeof(a->reason)] = "";
        CK_OBJECT_HANDLE pub, pub2, unwraps, reads, x;
        CK_BYTE key[32] = "what is inside of the OAEP block", em[K];
        struct mech m;
        struct blob c, v;

        MUST(a, attack_rsa(a, "+WRAP", "+UNWRAP", &pub, &unwraps));
        MUST(a, attack_rsa(a, "+ENCRYPT", "+DECRYPT", &pub2, &reads));
        mech_of(&m, CKM_RSA_PKCS_OAEP);
        for (size_t i = 0; i < 7; i++) {
                bool foreign = i == 6; /* made for another label */
                oracle_oaep_block(em, key, 32, foreign ? "label" : "", i < 5 ? oaep_flaws[i].spoil : NULL);
                if (i == 5)
                        oaep_first(em);
                CHECK(a, oracle_rsa_raw(a, pub, em, &c));
                (void)REFUSED(a, CKR_WRAPPED_KEY_INVALID,
                              attack_unwrap_as(a, &m.m, unwraps, &c, CKO_SECRET_KEY, CKK_AES, "", &x));
                same_words(a, first, "unwrap");
                CHECK(a, oracle_rsa_raw(a, pub2, em, &c));
                (void)REFUSED(a, CKR_ENCRYPTED_DATA_INVALID, attack_decrypt(a, &m.m, reads, c.p, c.n, &v));
                same_words(a, second, "decrypt");
        }
        oracle_oaep_block(em, key, 32, "", NULL);
        CHECK(a, oracle_rsa_raw(a, pub, em, &c));
        MUST(a, attack_unwrap_as(a, &m.m, unwraps, &c, CKO_SECRET_KEY, CKK_AES, "", &x));
        CHECK(a, oracle_rsa_raw(a, pub2, em, &c));
        MUST(a, attack_decrypt(a, &m.m, reads, c.p, c.n, &v));
        CHECK(a, v.n == 32 && memcmp(v.p, key, 32) == 0);
}

/* ---- raw RSA ---- */

static CK_RV sign_recover(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, struct blob *c,
                          struct blob *out)
{
        CK_RV rv = p11->C_SignRecoverInit(a->session, m, key);

        out->n = sizeof(out->p);
        return rv ? rv : p11->C_SignRecover(a->session, c->p, c->n, out->p, &out->n);
}

static void e06(struct attack *a)
{
        CK_OBJECT_HANDLE pub, priv, reads, both;
        CK_BYTE key[32] = "the key inside an OAEP block, 32", em[K];
        struct mech m;
        struct blob c, v;

        if (!attack_needs(a, CKM_RSA_X_509))
                return;
        oracle_oaep_block(em, key, 32, "", NULL);
        mech_of(&m, CKM_RSA_X_509);
        if (SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                     attack_rsa(a, "+WRAP +VERIFY", "+SIGN +UNWRAP", &pub, &priv))) {
                CHECK(a, oracle_rsa_raw(a, pub, em, &c));
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_sign(a, &m.m, priv, c.p, c.n, &v));
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, sign_recover(a, &m.m, priv, &c, &v));
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_decrypt(a, &m.m, priv, c.p, c.n, &v));
        }
        if (SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                     attack_rsa(a, "+WRAP", "+DECRYPT +UNWRAP", &pub, &reads))) {
                CHECK(a, oracle_rsa_raw(a, pub, em, &c));
                (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                              attack_decrypt(a, &m.m, reads, c.p, c.n, &v));
        }
        /* A key that decrypts with padding tells its owner no more by signing: grade S. */
        (void)SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                       attack_rsa(a, "+ENCRYPT +VERIFY", "+SIGN +DECRYPT", &pub, &both));
        MUST(a, attack_rsa(a, "+VERIFY", "+SIGN", &pub, &priv));
        pkcs1(em, 32);
        (void)REFUSED(a, CKR_DATA_LEN_RANGE, attack_sign(a, mech_of(&m, CKM_RSA_PKCS), priv, em, K, &v));
        (void)REFUSED(a, CKR_DATA_LEN_RANGE, attack_sign(a, &m.m, priv, em, K - 10, &v));
}

static const struct attack_row rows[] = {
        { "E01", "PKCS#1 v1.5 unwrapping", e01 },
        { "E02", "PKCS#1 v1.5 decryption", e02 },
        { "E03", "time of E01", e03 },
        { "E04", "CBC padding of wrapped keys", e04 },
        { "E05", "OAEP", e05 },

        { "E06", "raw RSA", e06 },
        { 0 },
};

const struct attack_group group_oracle = { "e", rows, NULL, NULL };
