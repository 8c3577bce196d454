/* Parameter sets of FIPS 203, 204 and 205 by CKA_KEY_TYPE and CKA_PARAMETER_SET. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <string.h>

static const struct crypto_set sets[] = {
        { CKK_ML_KEM, CKP_ML_KEM_512, "ML-KEM-512", 800, 768 },
        { CKK_ML_KEM, CKP_ML_KEM_768, "ML-KEM-768", 1184, 1088 },
        { CKK_ML_KEM, CKP_ML_KEM_1024, "ML-KEM-1024", 1568, 1568 },
        { CKK_ML_DSA, CKP_ML_DSA_44, "ML-DSA-44", 1312, 2420 },
        { CKK_ML_DSA, CKP_ML_DSA_65, "ML-DSA-65", 1952, 3309 },
        { CKK_ML_DSA, CKP_ML_DSA_87, "ML-DSA-87", 2592, 4627 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128S, "SLH-DSA-SHA2-128s", 32, 7856 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128S, "SLH-DSA-SHAKE-128s", 32, 7856 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, "SLH-DSA-SHA2-128f", 32, 17088 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128F, "SLH-DSA-SHAKE-128f", 32, 17088 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192S, "SLH-DSA-SHA2-192s", 48, 16224 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192S, "SLH-DSA-SHAKE-192s", 48, 16224 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192F, "SLH-DSA-SHA2-192f", 48, 35664 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F, "SLH-DSA-SHAKE-192f", 48, 35664 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256S, "SLH-DSA-SHA2-256s", 64, 29792 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256S, "SLH-DSA-SHAKE-256s", 64, 29792 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256F, "SLH-DSA-SHA2-256f", 64, 49856 },
        { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F, "SLH-DSA-SHAKE-256f", 64, 49856 },
};
#define SETS (sizeof(sets) / sizeof(sets[0]))

bool crypto_key_has_set(uint64_t key_type)
{
        return key_type == CKK_ML_KEM || key_type == CKK_ML_DSA || key_type == CKK_SLH_DSA;
}

const struct crypto_set *crypto_set_find(uint64_t key_type, uint64_t number)
{
        for (size_t i = 0; i < SETS; i++) {
                if (sets[i].key_type == key_type && sets[i].number == number)
                        return &sets[i];
        }
        return NULL;
}

const struct crypto_set *crypto_set_named(uint64_t key_type, const char *name)
{
        for (size_t i = 0; name && i < SETS; i++) {
                if (sets[i].key_type == key_type && strcmp(sets[i].name, name) == 0)
                        return &sets[i];
        }
        return NULL;
}
