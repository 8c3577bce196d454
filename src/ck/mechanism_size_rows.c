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
/* The last two blocks of 16 go together: with CTS also when both are whole. */
#define STEALS(number, keep)                                                                                 \
        {                                                                                                    \
                .mechanism = number, .unit = 16, .keep_encrypt = keep, .keep_decrypt = keep                  \
        }

/* clang-format off */
static const struct ck_mech_size rows[] = {
        DIGEST(CKM_SHA512_224, 28),
        HMAC(SHA512_224, 28),
        DIGEST(CKM_SHA512_256, 32),
        HMAC(SHA512_256, 32),
        BLOCKS(CKM_DES_ECB, 8),
        BLOCKS(CKM_DES_CBC, 8),
        PADDED(CKM_DES_CBC_PAD, 8),
        BLOCKS(CKM_DES3_ECB, 8),
        BLOCKS(CKM_DES3_CBC, 8),
        PADDED(CKM_DES3_CBC_PAD, 8),
        MAC(CKM_DES3_CMAC_GENERAL, 8),
        MAC(CKM_DES3_CMAC, 8),
        DIGEST(CKM_MD5, 16),
        HMAC(MD5, 16),
        DIGEST(CKM_SHA_1, 20),
        HMAC(SHA_1, 20),
        DIGEST(CKM_SHA256, 32),
        HMAC(SHA256, 32),
        DIGEST(CKM_SHA224, 28),
        HMAC(SHA224, 28),
        DIGEST(CKM_SHA384, 48),
        HMAC(SHA384, 48),
        DIGEST(CKM_SHA512, 64),
        HMAC(SHA512, 64),
        DIGEST(CKM_SHA3_256, 32),
        HMAC(SHA3_256, 32),
        DIGEST(CKM_SHA3_224, 28),
        HMAC(SHA3_224, 28),
        DIGEST(CKM_SHA3_384, 48),
        HMAC(SHA3_384, 48),
        DIGEST(CKM_SHA3_512, 64),
        HMAC(SHA3_512, 64),
        MAC(CKM_TLS12_MAC, 64),
        MAC(CKM_TLS_MAC, 64),
        STEALS(CKM_AES_XTS, 16),
        BLOCKS(CKM_AES_ECB, 16),
        BLOCKS(CKM_AES_CBC, 16),
        MAC(CKM_AES_MAC, 8),
        MAC(CKM_AES_MAC_GENERAL, 16),
        PADDED(CKM_AES_CBC_PAD, 16),
        STREAM(CKM_AES_CTR),
        AEAD(CKM_AES_GCM, 0),
        AEAD(CKM_AES_CCM, 0),
        STEALS(CKM_AES_CTS, 17),
        MAC(CKM_AES_CMAC, 16),
        MAC(CKM_AES_CMAC_GENERAL, 16),
        MAC(CKM_AES_GMAC, 16),
        STREAM(CKM_CHACHA20),
        STREAM(CKM_AES_OFB),
        STREAM(CKM_AES_CFB8),
        STREAM(CKM_AES_CFB128),
        STREAM(CKM_AES_CFB1),
        AEAD(CKM_CHACHA20_POLY1305, 0),
        AEAD(CKM_CLOUDHSM_AES_GCM, 12),
};
/* clang-format on */

size_t ck_mech_size_count(void)
{
        return sizeof(rows) / sizeof(rows[0]);
}

const struct ck_mech_size *ck_mech_size_at(size_t i)
{
        return i < ck_mech_size_count() ? &rows[i] : NULL;
}
