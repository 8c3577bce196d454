/* Every type of secret key, ascending: the lengths it may have. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

/* Any length: HMAC keys, input of key derivation. */
#define ANY(number, bytes)                                                                                   \
        {                                                                                                    \
                .type = number, .min = 1, .max = 3072, .step = 1, .preset = bytes                            \
        }
#define FIXED(number, bytes) .type = number, .min = bytes, .max = bytes, .step = 1, .preset = bytes
#define DES(number, bytes)                                                                                   \
        {                                                                                                    \
                FIXED(number, bytes), .parity = true, .cipher = "DES-EDE3", .block = 8                       \
        }

static const struct crypto_secret rows[] = {
        ANY(CKK_GENERIC_SECRET, 0),
        DES(CKK_DES, 8),
        DES(CKK_DES2, 16),
        DES(CKK_DES3, 24),
        { .type = CKK_AES, .min = 16, .max = 32, .step = 8, .cipher = "AES", .block = 16 },
        ANY(CKK_MD5_HMAC, 16),
        ANY(CKK_SHA_1_HMAC, 20),
        ANY(CKK_SHA256_HMAC, 32),
        ANY(CKK_SHA384_HMAC, 48),
        ANY(CKK_SHA512_HMAC, 64),
        ANY(CKK_SHA224_HMAC, 28),
        { FIXED(CKK_CHACHA20, 32) },
        { .type = CKK_AES_XTS, .min = 32, .max = 64, .step = 32 },
        ANY(CKK_SHA3_224_HMAC, 28),
        ANY(CKK_SHA3_256_HMAC, 32),
        ANY(CKK_SHA3_384_HMAC, 48),
        ANY(CKK_SHA3_512_HMAC, 64),
        ANY(CKK_HKDF, 0),
        ANY(CKK_SHA512_224_HMAC, 28),
        ANY(CKK_SHA512_256_HMAC, 32),
};

const struct crypto_secret *crypto_secret_find(uint64_t type)
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].type == type)
                        return &rows[i];
        }
        return NULL;
}

uint32_t crypto_secret_preset(uint64_t type)
{
        const struct crypto_secret *row = crypto_secret_find(type);

        return row ? row->preset : 0;
}
