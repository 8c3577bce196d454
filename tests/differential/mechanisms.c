/* Mechanisms with parameters, right and wrong. */
#include "differential.h"

#define KEYED(row, flags, key)                                                                               \
        {                                                                                                    \
                row, flags, 0, key, key                                                                      \
        }
#define RSA(row, flags, is_random)                                                                           \
        {                                                                                                    \
                row, flags, is_random, KIND_RSA_PRIVATE, KIND_RSA_PUBLIC                                     \
        }
#define SIGNS  (CKF_SIGN | CKF_VERIFY)
#define CRYPTS (CKF_ENCRYPT | CKF_DECRYPT)

const struct mechanism_row mechanism_rows[] = {
        { CKM_SHA_1, CKF_DIGEST, 0, KINDS, KINDS },
        { CKM_SHA224, CKF_DIGEST, 0, KINDS, KINDS },
        { CKM_SHA256, CKF_DIGEST, 0, KINDS, KINDS },
        { CKM_SHA384, CKF_DIGEST, 0, KINDS, KINDS },
        { CKM_SHA512, CKF_DIGEST, 0, KINDS, KINDS },
        KEYED(CKM_SHA_1_HMAC, SIGNS, KIND_GENERIC),
        KEYED(CKM_SHA256_HMAC, SIGNS, KIND_GENERIC),
        KEYED(CKM_SHA512_HMAC, SIGNS, KIND_GENERIC),
        KEYED(CKM_AES_CMAC, SIGNS, KIND_AES),
        RSA(CKM_RSA_PKCS, SIGNS | CRYPTS, CKF_ENCRYPT),
        RSA(CKM_RSA_X_509, SIGNS | CRYPTS, 0),
        RSA(CKM_SHA1_RSA_PKCS, SIGNS, 0),
        RSA(CKM_SHA256_RSA_PKCS, SIGNS, 0),
        RSA(CKM_SHA512_RSA_PKCS, SIGNS, 0),
        RSA(CKM_RSA_PKCS_PSS, SIGNS, CKF_SIGN),
        RSA(CKM_SHA256_RSA_PKCS_PSS, SIGNS, CKF_SIGN),
        RSA(CKM_RSA_PKCS_OAEP, CRYPTS, CKF_ENCRYPT),
        { CKM_ECDSA, SIGNS, CKF_SIGN, KIND_EC_PRIVATE, KIND_EC_PUBLIC },
        KEYED(CKM_AES_ECB, CRYPTS, KIND_AES),
        KEYED(CKM_AES_CBC, CRYPTS, KIND_AES),
        KEYED(CKM_AES_CBC_PAD, CRYPTS, KIND_AES),
        KEYED(CKM_AES_CTR, CRYPTS, KIND_AES),
        KEYED(CKM_AES_GCM, CRYPTS, KIND_AES),
};
const size_t mechanism_rows_n = sizeof mechanism_rows / sizeof *mechanism_rows;

static CK_BYTE iv[16], aad[32];
static union {
        CK_AES_CTR_PARAMS ctr;
        CK_GCM_PARAMS gcm;
        CK_RSA_PKCS_PSS_PARAMS pss;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
} p;

static void make_gcm(struct world *w)
{
        static const CK_ULONG tags[] = { 128, 96, 120, 32, 64, 129, 0 };

        p.gcm = (CK_GCM_PARAMS){ .pIv = iv, .ulIvLen = 12, .ulIvBits = 96 };
        p.gcm.ulTagBits = tags[random_below(w, 10) < 7 ? 0 : random_below(w, 7)];
        if (random_below(w, 3) == 0) {
                p.gcm.pAAD = aad;
                p.gcm.ulAADLen = 1 + random_below(w, sizeof aad);
        }
}

CK_MECHANISM mechanism_make(struct world *w, const struct mechanism_row *row)
{
        CK_MECHANISM m = { row->mechanism, NULL, 0 };
        bool wrong = random_below(w, 20) == 0;

        random_bytes(w, iv, sizeof iv);
        if (wrong)
                trail(w, " [wrong parameter]");
        iv[0] |= 1; /* all zero asks our module for an IV of the HSM's */
        switch (row->mechanism) {
        case CKM_AES_CBC:
        case CKM_AES_CBC_PAD:
                m.pParameter = iv;
                m.ulParameterLen = wrong ? random_below(w, 17) : sizeof iv;
                break;
        case CKM_AES_CTR:
                p.ctr.ulCounterBits = wrong ? 129 : 128;
                memcpy(p.ctr.cb, iv, sizeof iv);
                p.ctr.cb[8] &= 0x7f; /* far from the end */
                m.pParameter = &p.ctr;
                m.ulParameterLen = sizeof p.ctr;
                break;
        case CKM_AES_GCM:
                make_gcm(w);
                m.pParameter = &p.gcm;
                m.ulParameterLen = sizeof p.gcm - (wrong ? 1 : 0);
                trail(w, " [tag %lu, AAD %lu]", p.gcm.ulTagBits, p.gcm.ulAADLen);
                break;
        case CKM_RSA_PKCS_PSS:
        case CKM_SHA256_RSA_PKCS_PSS:
                p.pss = (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256,
                                                  wrong ? 300 : random_below(w, 33) };
                m.pParameter = &p.pss;
                m.ulParameterLen = sizeof p.pss;
                trail(w, " [salt %lu]", p.pss.sLen);
                break;
        case CKM_RSA_PKCS_OAEP:
                p.oaep = (CK_RSA_PKCS_OAEP_PARAMS){ CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0 };
                m.pParameter = &p.oaep;
                m.ulParameterLen = wrong ? 0 : sizeof p.oaep;
                break;
        default:
                break;
        }
        return m;
}
