/* Every mechanism, one row each, ascending by number. */
#include "crypto/mechanism_internal.h"
#include "crypto/mechanism_rows.h"

#include <openssl/rsa.h>

#define KEYS(...)                                                                                            \
        .key_types = { __VA_ARGS__ }, .key_type_count = sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8
#define ROW(mech) .number = mech, .name = #mech
#define RSA_SIZES .min = CRYPTO_RSA_MIN, .max = CRYPTO_RSA_MAX
#define EC_SIZES  .min = 192, .max = 521
#define AES_SIZES .min = 16, .max = 32
#define RECOVERS  OP(SIGN) | OP(VERIFY) | OP(SIGN_RECOVER) | OP(VERIFY_RECOVER)

#define RSA_SIGN(mech, which, pad, policy)                                                                   \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(SIGN) | OP(VERIFY), KEYS(CKK_RSA), RSA_SIZES, \
                .hash = which, .padding = pad, .class = policy, .family = &crypto_family_rsa_sign            \
        }
#define EC_SIGN(mech, which, policy)                                                                         \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(SIGN) | OP(VERIFY), KEYS(CKK_EC), EC_SIZES,   \
                .hash = which, .class = policy, .family = &crypto_family_ecdsa                               \
        }
#define ML_KEM_SIZES  .min = 800, .max = 1568, .needs = CRYPTO_NEEDS_ML_KEM
#define ML_DSA_SIZES  .min = 1312, .max = 2592, .needs = CRYPTO_NEEDS_ML_DSA
#define SLH_DSA_SIZES .min = 32, .max = 64, .needs = CRYPTO_NEEDS_SLH_DSA
/* sizes: bytes of the public key. */
#define SET_SIGN(mech, kind, sizes, ...)                                                                     \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(SIGN) | OP(VERIFY), KEYS(kind), sizes,        \
                .family = &crypto_family_set_sign, __VA_ARGS__                                               \
        }
#define SET_GEN(mech, kind, sizes)                                                                           \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(GENERATE_PAIR), KEYS(kind), .makes = kind,    \
                sizes                                                                                        \
        }
#define DIGEST(mech, which)                                                                                  \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(DIGEST), .hash = which,                       \
                .family = &crypto_family_digest                                                              \
        }
/* Typed HMAC keys and any bytes; Java and the documented samples also give AES and DES3 keys. */
#define HMAC_ROW(mech, text, which, kind)                                                                    \
        .number = mech, .name = text, .functions = OP(SIGN) | OP(VERIFY),                                    \
        KEYS(CKK_GENERIC_SECRET, kind, CKK_AES, CKK_DES3), .min = 1, .max = 3072, .hash = which,             \
        .family = &crypto_family_mac
#define HMAC(mech, which, kind)                                                                              \
        {                                                                                                    \
                HMAC_ROW(mech, #mech, which, kind)                                                           \
        }
/* min and max: bytes of the keys made. */
#define SECRET_GEN_NAMED(mech, text, kind, least, most)                                                      \
        {                                                                                                    \
                .number = mech, .name = text, .functions = OP(GENERATE), KEYS(kind), .makes = kind,          \
                .min = least, .max = most                                                                    \
        }

#define SECRET_GEN(mech, kind, least, most) SECRET_GEN_NAMED(mech, #mech, kind, least, most)
#define HMAC_GEN(mech, kind)                SECRET_GEN_NAMED(mech, #mech, kind, 14, 3072) /* 112 bits: SP 800-131A */
/* Triple DES: to read what there is; DES is gone for the strict altogether. */
#define DES3(mech, text, ...)                                                                                \
        {                                                                                                    \
                .number = mech, .name = text, KEYS(CKK_DES3, CKK_DES2), .min = 16, .max = 24,                \
                .class = CRYPTO_LEGACY, __VA_ARGS__                                                          \
        }
#define DES3_CIPHER(mech, how)                                                                               \
        DES3(mech, #mech, .functions = OP(ENCRYPT) | OP(DECRYPT), .mode = how,                               \
             .family = &crypto_family_cipher)
#define DES3_MAC(mech) DES3(mech, #mech, .functions = OP(SIGN) | OP(VERIFY), .family = &crypto_family_mac)
#define DES_CIPHER(mech, how)                                                                                \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(ENCRYPT) | OP(DECRYPT), KEYS(CKK_DES),        \
                .min = 8, .max = 8, .mode = how, .class = CRYPTO_NON_FIPS, .family = &crypto_family_cipher   \
        }
#define AES_MODE(mech, how)                                                                                  \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(ENCRYPT) | OP(DECRYPT), KEYS(CKK_AES),        \
                AES_SIZES, .family = how                                                                     \
        }
#define AES_MAC(mech, policy)                                                                                \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(SIGN) | OP(VERIFY), KEYS(CKK_AES), AES_SIZES, \
                .class = policy, .family = &crypto_family_mac                                                \
        }
#define CHACHA(mech, how, what)                                                                              \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(ENCRYPT) | OP(DECRYPT), KEYS(CKK_CHACHA20),   \
                .min = 32, .max = 32, .mode = how, .class = CRYPTO_NON_FIPS, .family = what                  \
        }
#define GCM(mech)                                                                                            \
        {                                                                                                    \
                .number = mech, .name = #mech,                                                               \
                .functions = OP(ENCRYPT) | OP(DECRYPT) | OP(WRAP) | OP(UNWRAP), KEYS(CKK_AES), AES_SIZES,    \
                .mode = "GCM", .authenticated = true, .family = &crypto_family_gcm                           \
        }
#define CIPHER(mech, how)                                                                                    \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(ENCRYPT) | OP(DECRYPT), KEYS(CKK_AES),        \
                AES_SIZES, .mode = how, .family = &crypto_family_cipher                                      \
        }
/* Unauthenticated modes unwrap what is there already; to wrap with them is not for the strict. */
#define CIPHER_WRAP(mech, how)                                                                               \
        {                                                                                                    \
                .number = mech, .name = #mech,                                                               \
                .functions = OP(ENCRYPT) | OP(DECRYPT) | OP(WRAP) | OP(UNWRAP), KEYS(CKK_AES), AES_SIZES,    \
                .mode = how, .non_fips = OP(WRAP), .family = &crypto_family_cipher                           \
        }
#define KEY_WRAP(mech, how, what)                                                                            \
        {                                                                                                    \
                .number = mech, .name = #mech,                                                               \
                .functions = OP(ENCRYPT) | OP(DECRYPT) | OP(WRAP) | OP(UNWRAP), KEYS(CKK_AES), AES_SIZES,    \
                .mode = how, .padding = what, .authenticated = true, .family = &crypto_family_key_wrap       \
        }
#define DERIVE(mech, how, ...)                                                                               \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(DERIVE), KEYS(__VA_ARGS__), .min = 1,         \
                .max = 3072, .family = &how                                                                  \
        }
#define TLS_MAC(mech)                                                                                        \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(SIGN) | OP(VERIFY), KEYS(CKK_GENERIC_SECRET), \
                .min = 1, .max = 3072, .family = &crypto_family_tls_mac                                      \
        }
#define PRF_KEYS  CKK_GENERIC_SECRET, CKK_AES
#define ANY_BYTES CKK_GENERIC_SECRET, CKK_AES, CKK_HKDF
/* Joining and mixing (SP 800-133 6.3 approves of it), and hashing, which nobody at NIST does. */
#define MIX(mech, how, what, policy)                                                                         \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(DERIVE), KEYS(ANY_BYTES), .min = 1,           \
                .max = 3072, .class = policy, .family = &how, .mode = what                                   \
        }
#define HASH_KEY(mech, which)                                                                                \
        {                                                                                                    \
                .number = mech, .name = #mech, .functions = OP(DERIVE), KEYS(ANY_BYTES), .min = 1,           \
                .max = 3072, .class = CRYPTO_NON_FIPS, .hash = which, .family = &crypto_family_hash_derive   \
        }

static const struct crypto_mechanism rows[] = {
        { ROW(CKM_RSA_PKCS_KEY_PAIR_GEN), .functions = OP(GENERATE_PAIR), KEYS(CKK_RSA), .makes = CKK_RSA,
          RSA_SIZES },
        { ROW(CKM_RSA_PKCS), KEYS(CKK_RSA), RSA_SIZES,
          .functions = RECOVERS | OP(ENCRYPT) | OP(DECRYPT) | OP(WRAP) | OP(UNWRAP),
          .padding = RSA_PKCS1_PADDING, .non_fips = OP(ENCRYPT) | OP(WRAP),
          .family = &crypto_family_rsa_crypt },
        { ROW(CKM_RSA_X_509), KEYS(CKK_RSA), RSA_SIZES, .functions = RECOVERS | OP(ENCRYPT) | OP(DECRYPT),
          .padding = RSA_NO_PADDING, .class = CRYPTO_NON_FIPS, .family = &crypto_family_rsa_crypt },
        RSA_SIGN(CKM_MD5_RSA_PKCS, HASH_MD5, RSA_PKCS1_PADDING, CRYPTO_NON_FIPS),
        RSA_SIGN(CKM_SHA1_RSA_PKCS, HASH_SHA1, RSA_PKCS1_PADDING, CRYPTO_LEGACY),
        { ROW(CKM_RSA_PKCS_OAEP), KEYS(CKK_RSA), RSA_SIZES,
          .functions = OP(ENCRYPT) | OP(DECRYPT) | OP(WRAP) | OP(UNWRAP), .padding = RSA_PKCS1_OAEP_PADDING,
          .family = &crypto_family_rsa_crypt },
        { ROW(CKM_RSA_X9_31_KEY_PAIR_GEN), .functions = OP(GENERATE_PAIR), KEYS(CKK_RSA), .makes = CKK_RSA,
          RSA_SIZES },
        RSA_SIGN(CKM_RSA_PKCS_PSS, HASH_NONE, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA1_RSA_PKCS_PSS, HASH_SHA1, RSA_PKCS1_PSS_PADDING, CRYPTO_LEGACY),
        SET_GEN(CKM_ML_KEM_KEY_PAIR_GEN, CKK_ML_KEM, ML_KEM_SIZES),
        { ROW(CKM_ML_KEM), .functions = OP(ENCAPSULATE) | OP(DECAPSULATE), KEYS(CKK_ML_KEM), ML_KEM_SIZES,
          .family = &crypto_family_kem },
        SET_GEN(CKM_ML_DSA_KEY_PAIR_GEN, CKK_ML_DSA, ML_DSA_SIZES),
        SET_SIGN(CKM_ML_DSA, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_NONE),
        SET_SIGN(CKM_HASH_ML_DSA, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_NONE),
        SET_SIGN(CKM_HASH_ML_DSA_SHA224, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA224),
        SET_SIGN(CKM_HASH_ML_DSA_SHA256, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA256),
        SET_SIGN(CKM_HASH_ML_DSA_SHA384, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA384),
        SET_SIGN(CKM_HASH_ML_DSA_SHA512, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA512),
        SET_SIGN(CKM_HASH_ML_DSA_SHA3_224, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA3_224),
        SET_SIGN(CKM_HASH_ML_DSA_SHA3_256, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA3_256),
        SET_SIGN(CKM_HASH_ML_DSA_SHA3_384, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA3_384),
        SET_SIGN(CKM_HASH_ML_DSA_SHA3_512, CKK_ML_DSA, ML_DSA_SIZES, .hash = HASH_SHA3_512),
        SET_SIGN(CKM_HASH_ML_DSA_SHAKE128, CKK_ML_DSA, ML_DSA_SIZES, .mode = "SHAKE128"),
        SET_SIGN(CKM_HASH_ML_DSA_SHAKE256, CKK_ML_DSA, ML_DSA_SIZES, .mode = "SHAKE256"),
        SET_GEN(CKM_SLH_DSA_KEY_PAIR_GEN, CKK_SLH_DSA, SLH_DSA_SIZES),
        SET_SIGN(CKM_SLH_DSA, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_NONE),
        SET_SIGN(CKM_HASH_SLH_DSA, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_NONE),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA224, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA224),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA256, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA256),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA384, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA384),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA512, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA512),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA3_224, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA3_224),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA3_256, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA3_256),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA3_384, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA3_384),
        SET_SIGN(CKM_HASH_SLH_DSA_SHA3_512, CKK_SLH_DSA, SLH_DSA_SIZES, .hash = HASH_SHA3_512),
        SET_SIGN(CKM_HASH_SLH_DSA_SHAKE128, CKK_SLH_DSA, SLH_DSA_SIZES, .mode = "SHAKE128"),
        SET_SIGN(CKM_HASH_SLH_DSA_SHAKE256, CKK_SLH_DSA, SLH_DSA_SIZES, .mode = "SHAKE256"),
        RSA_SIGN(CKM_SHA256_RSA_PKCS, HASH_SHA256, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA384_RSA_PKCS, HASH_SHA384, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA512_RSA_PKCS, HASH_SHA512, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA256_RSA_PKCS_PSS, HASH_SHA256, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA384_RSA_PKCS_PSS, HASH_SHA384, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA512_RSA_PKCS_PSS, HASH_SHA512, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA224_RSA_PKCS, HASH_SHA224, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA224_RSA_PKCS_PSS, HASH_SHA224, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        DIGEST(CKM_SHA512_224, HASH_SHA512_224),
        HMAC(CKM_SHA512_224_HMAC, HASH_SHA512_224, CKK_SHA512_224_HMAC),
        HMAC(CKM_SHA512_224_HMAC_GENERAL, HASH_SHA512_224, CKK_SHA512_224_HMAC),
        HASH_KEY(CKM_SHA512_224_KEY_DERIVATION, HASH_SHA512_224),
        DIGEST(CKM_SHA512_256, HASH_SHA512_256),
        HMAC(CKM_SHA512_256_HMAC, HASH_SHA512_256, CKK_SHA512_256_HMAC),
        HMAC(CKM_SHA512_256_HMAC_GENERAL, HASH_SHA512_256, CKK_SHA512_256_HMAC),
        HASH_KEY(CKM_SHA512_256_KEY_DERIVATION, HASH_SHA512_256),
        DERIVE(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, crypto_family_tls_master, CKK_GENERIC_SECRET),
        DERIVE(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, crypto_family_tls_master, CKK_GENERIC_SECRET),
        RSA_SIGN(CKM_SHA3_256_RSA_PKCS, HASH_SHA3_256, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_384_RSA_PKCS, HASH_SHA3_384, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_512_RSA_PKCS, HASH_SHA3_512, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_256_RSA_PKCS_PSS, HASH_SHA3_256, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_384_RSA_PKCS_PSS, HASH_SHA3_384, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_512_RSA_PKCS_PSS, HASH_SHA3_512, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_224_RSA_PKCS, HASH_SHA3_224, RSA_PKCS1_PADDING, CRYPTO_APPROVED),
        RSA_SIGN(CKM_SHA3_224_RSA_PKCS_PSS, HASH_SHA3_224, RSA_PKCS1_PSS_PADDING, CRYPTO_APPROVED),
        { ROW(CKM_DES_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_DES), .makes = CKK_DES, .min = 8,
          .max = 8, .class = CRYPTO_NON_FIPS },
        DES_CIPHER(CKM_DES_ECB, "ECB"),
        DES_CIPHER(CKM_DES_CBC, "CBC"),
        DES_CIPHER(CKM_DES_CBC_PAD, "CBC"),
        { ROW(CKM_DES2_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_DES2), .makes = CKK_DES2, .min = 16,
          .max = 16, .class = CRYPTO_NON_FIPS },
        { ROW(CKM_DES3_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_DES3), .makes = CKK_DES3, .min = 24,
          .max = 24, .class = CRYPTO_NON_FIPS },
        DES3_CIPHER(CKM_DES3_ECB, "ECB"),
        DES3_CIPHER(CKM_DES3_CBC, "CBC"),
        DES3_CIPHER(CKM_DES3_CBC_PAD, "CBC"),
        DES3_MAC(CKM_DES3_CMAC_GENERAL),
        DES3_MAC(CKM_DES3_CMAC),
        { ROW(CKM_MD5), .functions = OP(DIGEST), .hash = HASH_MD5, .class = CRYPTO_NON_FIPS,
          .family = &crypto_family_digest },
        { HMAC_ROW(CKM_MD5_HMAC, "CKM_MD5_HMAC", HASH_MD5, CKK_MD5_HMAC), .class = CRYPTO_NON_FIPS },
        { HMAC_ROW(CKM_MD5_HMAC_GENERAL, "CKM_MD5_HMAC_GENERAL", HASH_MD5, CKK_MD5_HMAC),
          .class = CRYPTO_NON_FIPS },
        DIGEST(CKM_SHA_1, HASH_SHA1),
        HMAC(CKM_SHA_1_HMAC, HASH_SHA1, CKK_SHA_1_HMAC),
        HMAC(CKM_SHA_1_HMAC_GENERAL, HASH_SHA1, CKK_SHA_1_HMAC),
        DIGEST(CKM_SHA256, HASH_SHA256),
        HMAC(CKM_SHA256_HMAC, HASH_SHA256, CKK_SHA256_HMAC),
        HMAC(CKM_SHA256_HMAC_GENERAL, HASH_SHA256, CKK_SHA256_HMAC),
        DIGEST(CKM_SHA224, HASH_SHA224),
        HMAC(CKM_SHA224_HMAC, HASH_SHA224, CKK_SHA224_HMAC),
        HMAC(CKM_SHA224_HMAC_GENERAL, HASH_SHA224, CKK_SHA224_HMAC),
        DIGEST(CKM_SHA384, HASH_SHA384),
        HMAC(CKM_SHA384_HMAC, HASH_SHA384, CKK_SHA384_HMAC),
        HMAC(CKM_SHA384_HMAC_GENERAL, HASH_SHA384, CKK_SHA384_HMAC),
        DIGEST(CKM_SHA512, HASH_SHA512),
        HMAC(CKM_SHA512_HMAC, HASH_SHA512, CKK_SHA512_HMAC),
        HMAC(CKM_SHA512_HMAC_GENERAL, HASH_SHA512, CKK_SHA512_HMAC),
        DIGEST(CKM_SHA3_256, HASH_SHA3_256),
        HMAC(CKM_SHA3_256_HMAC, HASH_SHA3_256, CKK_SHA3_256_HMAC),
        HMAC(CKM_SHA3_256_HMAC_GENERAL, HASH_SHA3_256, CKK_SHA3_256_HMAC),
        HMAC_GEN(CKM_SHA3_256_KEY_GEN, CKK_SHA3_256_HMAC),
        DIGEST(CKM_SHA3_224, HASH_SHA3_224),
        HMAC(CKM_SHA3_224_HMAC, HASH_SHA3_224, CKK_SHA3_224_HMAC),
        HMAC(CKM_SHA3_224_HMAC_GENERAL, HASH_SHA3_224, CKK_SHA3_224_HMAC),
        HMAC_GEN(CKM_SHA3_224_KEY_GEN, CKK_SHA3_224_HMAC),
        DIGEST(CKM_SHA3_384, HASH_SHA3_384),
        HMAC(CKM_SHA3_384_HMAC, HASH_SHA3_384, CKK_SHA3_384_HMAC),
        HMAC(CKM_SHA3_384_HMAC_GENERAL, HASH_SHA3_384, CKK_SHA3_384_HMAC),
        HMAC_GEN(CKM_SHA3_384_KEY_GEN, CKK_SHA3_384_HMAC),
        DIGEST(CKM_SHA3_512, HASH_SHA3_512),
        HMAC(CKM_SHA3_512_HMAC, HASH_SHA3_512, CKK_SHA3_512_HMAC),
        HMAC(CKM_SHA3_512_HMAC_GENERAL, HASH_SHA3_512, CKK_SHA3_512_HMAC),
        HMAC_GEN(CKM_SHA3_512_KEY_GEN, CKK_SHA3_512_HMAC),
        { ROW(CKM_GENERIC_SECRET_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_GENERIC_SECRET),
          .makes = CKK_GENERIC_SECRET, .min = 1, .max = 3072 },
        MIX(CKM_CONCATENATE_BASE_AND_KEY, crypto_family_join, NULL, CRYPTO_APPROVED),
        MIX(CKM_CONCATENATE_BASE_AND_DATA, crypto_family_join, NULL, CRYPTO_APPROVED),
        MIX(CKM_CONCATENATE_DATA_AND_BASE, crypto_family_join, NULL, CRYPTO_APPROVED),
        MIX(CKM_XOR_BASE_AND_DATA, crypto_family_xor, NULL, CRYPTO_APPROVED),
        { ROW(CKM_TLS_PRE_MASTER_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_GENERIC_SECRET),
          .makes = CKK_GENERIC_SECRET, .min = 48, .max = 48, .family = &crypto_family_tls_premaster },
        HASH_KEY(CKM_SHA1_KEY_DERIVATION, HASH_SHA1),
        HASH_KEY(CKM_SHA256_KEY_DERIVATION, HASH_SHA256),
        HASH_KEY(CKM_SHA384_KEY_DERIVATION, HASH_SHA384),
        HASH_KEY(CKM_SHA512_KEY_DERIVATION, HASH_SHA512),
        HASH_KEY(CKM_SHA224_KEY_DERIVATION, HASH_SHA224),
        HASH_KEY(CKM_SHA3_256_KEY_DERIVATION, HASH_SHA3_256),
        HASH_KEY(CKM_SHA3_224_KEY_DERIVATION, HASH_SHA3_224),
        HASH_KEY(CKM_SHA3_384_KEY_DERIVATION, HASH_SHA3_384),
        HASH_KEY(CKM_SHA3_512_KEY_DERIVATION, HASH_SHA3_512),
        MIX(CKM_SHAKE_128_KEY_DERIVATION, crypto_family_shake_derive, "SHAKE-128", CRYPTO_NON_FIPS),
        MIX(CKM_SHAKE_256_KEY_DERIVATION, crypto_family_shake_derive, "SHAKE-256", CRYPTO_NON_FIPS),
        DERIVE(CKM_SP800_108_COUNTER_KDF, crypto_family_kdf108, PRF_KEYS),
        DERIVE(CKM_SP800_108_FEEDBACK_KDF, crypto_family_kdf108, PRF_KEYS),
        DERIVE(CKM_SP800_108_DOUBLE_PIPELINE_KDF, crypto_family_kdf108, PRF_KEYS),
        { ROW(CKM_PKCS5_PBKD2), .functions = OP(GENERATE), KEYS(CKK_GENERIC_SECRET, CKK_AES, CKK_HKDF),
          .makes = CKK_GENERIC_SECRET, .min = 1, .max = 3072, .family = &crypto_family_pbkdf2 },
        TLS_MAC(CKM_TLS12_MAC),
        DERIVE(CKM_TLS12_MASTER_KEY_DERIVE, crypto_family_tls_master, CKK_GENERIC_SECRET),
        DERIVE(CKM_TLS12_KEY_AND_MAC_DERIVE, crypto_family_tls_keys, CKK_GENERIC_SECRET),
        DERIVE(CKM_TLS12_MASTER_KEY_DERIVE_DH, crypto_family_tls_master, CKK_GENERIC_SECRET),
        DERIVE(CKM_TLS12_KEY_SAFE_DERIVE, crypto_family_tls_keys, CKK_GENERIC_SECRET),
        TLS_MAC(CKM_TLS_MAC),
        DERIVE(CKM_TLS_KDF, crypto_family_tls_export, CKK_GENERIC_SECRET),
        { ROW(CKM_EC_KEY_PAIR_GEN), .functions = OP(GENERATE_PAIR),
          KEYS(CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY), .makes = CKK_EC, EC_SIZES },
        EC_SIGN(CKM_ECDSA, HASH_NONE, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA1, HASH_SHA1, CRYPTO_LEGACY),
        EC_SIGN(CKM_ECDSA_SHA224, HASH_SHA224, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA256, HASH_SHA256, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA384, HASH_SHA384, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA512, HASH_SHA512, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA3_224, HASH_SHA3_224, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA3_256, HASH_SHA3_256, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA3_384, HASH_SHA3_384, CRYPTO_APPROVED),
        EC_SIGN(CKM_ECDSA_SHA3_512, HASH_SHA3_512, CRYPTO_APPROVED),
        { ROW(CKM_ECDH1_DERIVE), .functions = OP(DERIVE), KEYS(CKK_EC, CKK_EC_MONTGOMERY), EC_SIZES,
          .family = &crypto_family_ecdh },
        { ROW(CKM_ECDH1_COFACTOR_DERIVE), .functions = OP(DERIVE), KEYS(CKK_EC), EC_SIZES,
          .family = &crypto_family_ecdh },
        { ROW(CKM_RSA_AES_KEY_WRAP), .functions = OP(WRAP) | OP(UNWRAP), KEYS(CKK_RSA), RSA_SIZES,
          .family = &crypto_family_rsa_aes },
        { ROW(CKM_EC_EDWARDS_KEY_PAIR_GEN), .functions = OP(GENERATE_PAIR), KEYS(CKK_EC_EDWARDS),
          .makes = CKK_EC_EDWARDS, .min = 256, .max = 456 },
        { ROW(CKM_EC_MONTGOMERY_KEY_PAIR_GEN), .functions = OP(GENERATE_PAIR), KEYS(CKK_EC_MONTGOMERY),
          .makes = CKK_EC_MONTGOMERY, .min = 256, .max = 448, .class = CRYPTO_NON_FIPS },
        { ROW(CKM_EDDSA), .functions = OP(SIGN) | OP(VERIFY), KEYS(CKK_EC_EDWARDS), .min = 256, .max = 456,
          .family = &crypto_family_eddsa },
        { ROW(CKM_AES_XTS), .functions = OP(ENCRYPT) | OP(DECRYPT), KEYS(CKK_AES_XTS), .min = 32, .max = 64,
          .family = &crypto_family_xts },
        SECRET_GEN(CKM_AES_XTS_KEY_GEN, CKK_AES_XTS, 32, 64),
        { ROW(CKM_AES_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_AES), .makes = CKK_AES, AES_SIZES },
        CIPHER_WRAP(CKM_AES_ECB, "ECB"),
        CIPHER_WRAP(CKM_AES_CBC, "CBC"),
        AES_MAC(CKM_AES_MAC, CRYPTO_NON_FIPS),
        AES_MAC(CKM_AES_MAC_GENERAL, CRYPTO_NON_FIPS),
        CIPHER_WRAP(CKM_AES_CBC_PAD, "CBC"),
        CIPHER(CKM_AES_CTR, "CTR"),
        GCM(CKM_AES_GCM),
        AES_MODE(CKM_AES_CCM, &crypto_family_ccm),
        AES_MODE(CKM_AES_CTS, &crypto_family_cts),
        AES_MAC(CKM_AES_CMAC, CRYPTO_APPROVED),
        AES_MAC(CKM_AES_CMAC_GENERAL, CRYPTO_APPROVED),
        AES_MAC(CKM_AES_GMAC, CRYPTO_APPROVED),
        { ROW(CKM_AES_ECB_ENCRYPT_DATA), .functions = OP(DERIVE), KEYS(CKK_AES), AES_SIZES, .mode = "ECB",
          .class = CRYPTO_NON_FIPS, .family = &crypto_family_encrypt_data },
        { ROW(CKM_AES_CBC_ENCRYPT_DATA), .functions = OP(DERIVE), KEYS(CKK_AES), AES_SIZES, .mode = "CBC",
          .class = CRYPTO_NON_FIPS, .family = &crypto_family_encrypt_data },
        { ROW(CKM_CHACHA20_KEY_GEN), .functions = OP(GENERATE), KEYS(CKK_CHACHA20), .makes = CKK_CHACHA20,
          .min = 32, .max = 32, .class = CRYPTO_NON_FIPS },
        CHACHA(CKM_CHACHA20, "ChaCha20", &crypto_family_cipher),
        CIPHER(CKM_AES_OFB, "OFB"),
        CIPHER(CKM_AES_CFB8, "CFB8"),
        CIPHER(CKM_AES_CFB128, "CFB"),
        CIPHER(CKM_AES_CFB1, "CFB1"),
        KEY_WRAP(CKM_AES_KEY_WRAP, "WRAP", CRYPTO_WRAP_PLAIN),
        KEY_WRAP(CKM_AES_KEY_WRAP_PAD, "WRAP-PAD", CRYPTO_WRAP_KWP),
        KEY_WRAP(CKM_AES_KEY_WRAP_KWP, "WRAP-PAD", CRYPTO_WRAP_KWP),
        KEY_WRAP(CKM_AES_KEY_WRAP_PKCS7, "WRAP", CRYPTO_WRAP_PKCS7),
        HMAC_GEN(CKM_SHA_1_KEY_GEN, CKK_SHA_1_HMAC),
        HMAC_GEN(CKM_SHA224_KEY_GEN, CKK_SHA224_HMAC),
        HMAC_GEN(CKM_SHA256_KEY_GEN, CKK_SHA256_HMAC),
        HMAC_GEN(CKM_SHA384_KEY_GEN, CKK_SHA384_HMAC),
        HMAC_GEN(CKM_SHA512_KEY_GEN, CKK_SHA512_HMAC),
        HMAC_GEN(CKM_SHA512_224_KEY_GEN, CKK_SHA512_224_HMAC),
        HMAC_GEN(CKM_SHA512_256_KEY_GEN, CKK_SHA512_256_HMAC),
        CHACHA(CKM_CHACHA20_POLY1305, "ChaCha20-Poly1305", &crypto_family_gcm),
        DERIVE(CKM_HKDF_DERIVE, crypto_family_hkdf, CKK_GENERIC_SECRET, CKK_HKDF, CKK_AES),
        DERIVE(CKM_HKDF_DATA, crypto_family_hkdf, CKK_GENERIC_SECRET, CKK_HKDF, CKK_AES),
        SECRET_GEN(CKM_HKDF_KEY_GEN, CKK_HKDF, 14, 3072),
        { ROW(CKM_PUB_KEY_FROM_PRIV_KEY), .functions = OP(DERIVE),
          KEYS(CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY), .min = 192, .max = CRYPTO_RSA_MAX,
          .family = &crypto_family_public },
        DERIVE(CKM_CLOUDHSM_SP800_108_COUNTER_KDF, crypto_family_kdf108, PRF_KEYS),
        GCM(CKM_CLOUDHSM_AES_GCM),
        KEY_WRAP(CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, "WRAP", CRYPTO_WRAP_PLAIN),
        KEY_WRAP(CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, "WRAP", CRYPTO_WRAP_PKCS7),
        KEY_WRAP(CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, "WRAP-PAD", CRYPTO_WRAP_KWP),
        { ROW(CKM_DES3_NIST_WRAP), .functions = OP(UNWRAP), KEYS(CKK_DES3), .min = 24, .max = 24,
          .class = CRYPTO_NON_FIPS, .family = &crypto_family_tkw },
};

const struct crypto_mechanism *crypto_mechanism_row(size_t i)
{
        return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

size_t crypto_mechanism_count(void)
{
        return sizeof(rows) / sizeof(rows[0]);
}
