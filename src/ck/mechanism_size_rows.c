/* The rows of mechanism_size.h, ascending by mechanism. */
#include "ck/mechanism_size.h"

#define DIGEST(number, bytes)                                                                                \
        {                                                                                                    \
                .mechanism = number, .result = bytes                                                         \
        }
#define MAC(number, bytes)                                                                                   \
        {                                                                                                    \
                .mechanism = number, .result = bytes                                                         \
        }
#define HMAC(name, bytes) MAC(CKM_##name##_HMAC, bytes), MAC(CKM_##name##_HMAC_GENERAL, bytes)
#define STREAM(number)                                                                                       \
        {                                                                                                    \
                .mechanism = number, .unit = 1                                                               \
        }
#define BLOCKS(number, bytes)                                                                                \
        {                                                                                                    \
                .mechanism = number, .unit = bytes                                                           \
        }
/* The last block of a decryption may be padding. */
#define PADDED(number, bytes)                                                                                \
        {                                                                                                    \
                .mechanism = number, .unit = bytes, .keep_decrypt = 1, .pads = true                          \
        }
#define AEAD(number, iv)                                                                                     \
        {                                                                                                    \
                .mechanism = number, .unit = 1, .authenticates = true, .prefix = iv                          \
        }

static const struct ck_mech_size rows[] = {
        DIGEST(CKM_SHA512_224, 28),    HMAC(SHA512_224, 28),
        DIGEST(CKM_SHA512_256, 32),    HMAC(SHA512_256, 32),
        DIGEST(CKM_MD5, 16),           HMAC(MD5, 16),
        DIGEST(CKM_SHA_1, 20),         HMAC(SHA_1, 20),
        DIGEST(CKM_SHA256, 32),        HMAC(SHA256, 32),
        DIGEST(CKM_SHA224, 28),        HMAC(SHA224, 28),
        DIGEST(CKM_SHA384, 48),        HMAC(SHA384, 48),
        DIGEST(CKM_SHA512, 64),        HMAC(SHA512, 64),
        DIGEST(CKM_SHA3_256, 32),      HMAC(SHA3_256, 32),
        DIGEST(CKM_SHA3_224, 28),      HMAC(SHA3_224, 28),
        DIGEST(CKM_SHA3_384, 48),      HMAC(SHA3_384, 48),
        DIGEST(CKM_SHA3_512, 64),      HMAC(SHA3_512, 64),
        BLOCKS(CKM_AES_ECB, 16),       BLOCKS(CKM_AES_CBC, 16),
        PADDED(CKM_AES_CBC_PAD, 16),   STREAM(CKM_AES_CTR),
        AEAD(CKM_AES_GCM, 0),          MAC(CKM_AES_CMAC, 16),
        MAC(CKM_AES_CMAC_GENERAL, 16),
};

const struct ck_mech_size *ck_mech_size_at(size_t i)
{
        return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}
