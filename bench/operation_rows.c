/* What is measured: one row an operation, for libcrypto and for modules alike, and the keys they need. */
#include "bench.h"

#include <openssl/rsa.h>

static CK_BYTE p256[] = { 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
static CK_BYTE p384[] = { 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22 };
static CK_BYTE ed25519[] = { 0x06, 0x03, 0x2B, 0x65, 0x70 };

const struct bench_key_row bench_key_rows[BENCH_KEYS] = {
        [BENCH_KEY_RSA] = { "bench-rsa", CKM_RSA_PKCS_KEY_PAIR_GEN, .bits = 2048, .raw = "RSA" },
        [BENCH_KEY_RSA_4096] = { "bench-rsa-4096", CKM_RSA_PKCS_KEY_PAIR_GEN, .bits = 4096, .raw = "RSA" },
        [BENCH_KEY_P256] = { "bench-ec", CKM_EC_KEY_PAIR_GEN, p256, sizeof p256, .raw = "P-256" },
        [BENCH_KEY_P384] = { "bench-ec-384", CKM_EC_KEY_PAIR_GEN, p384, sizeof p384, .raw = "P-384" },
        [BENCH_KEY_ED25519] = { "bench-ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, ed25519, sizeof ed25519,
                                .raw = "ED25519" },
        [BENCH_KEY_AES] = { "bench-aes", CKM_AES_KEY_GEN },
        [BENCH_KEY_MAC] = { "bench-mac", CKM_GENERIC_SECRET_KEY_GEN },
};

const struct bench_operation_row bench_operation_rows[BENCH_OPERATIONS] = {
        [BENCH_RSA_SIGN] = { "RSA-2048 sign", BENCH_SIGN, CKM_RSA_PKCS, 51, BENCH_KEY_RSA,
                             .padding = RSA_PKCS1_PADDING },
        [BENCH_RSA_4096_SIGN] = { "RSA-4096 sign", BENCH_SIGN, CKM_RSA_PKCS, 51, BENCH_KEY_RSA_4096,
                                  .padding = RSA_PKCS1_PADDING },
        [BENCH_RSA_PSS_SIGN] = { "RSA-2048 PSS sign", BENCH_SIGN, CKM_SHA256_RSA_PKCS_PSS, 64, BENCH_KEY_RSA,
                                 .padding = RSA_PKCS1_PSS_PADDING, .digest = "SHA256" },
        [BENCH_RSA_VERIFY] = { "RSA-2048 verify", BENCH_VERIFY, CKM_RSA_PKCS, 51, BENCH_KEY_RSA,
                               .padding = RSA_PKCS1_PADDING },
        [BENCH_RSA_DECRYPT] = { "RSA-2048 OAEP decrypt", BENCH_DECRYPT, CKM_RSA_PKCS_OAEP, 32, BENCH_KEY_RSA,
                                .padding = RSA_PKCS1_OAEP_PADDING },
        [BENCH_EC_SIGN] = { "P-256 sign", BENCH_SIGN, CKM_ECDSA, 32, BENCH_KEY_P256 },
        [BENCH_EC_VERIFY] = { "P-256 verify", BENCH_VERIFY, CKM_ECDSA, 32, BENCH_KEY_P256 },
        [BENCH_EC_384_SIGN] = { "P-384 sign", BENCH_SIGN, CKM_ECDSA, 48, BENCH_KEY_P384 },
        [BENCH_ECDH] = { "P-256 ECDH, session key", BENCH_DERIVE, CKM_ECDH1_DERIVE, 65, BENCH_KEY_P256 },
        [BENCH_ED25519_SIGN] = { "Ed25519 sign", BENCH_SIGN, CKM_EDDSA, 64, BENCH_KEY_ED25519 },
        [BENCH_AES_GCM] = { "AES-256-GCM 4 KiB", BENCH_ENCRYPT, CKM_AES_GCM, 4096, BENCH_KEY_AES,
                            .cipher = "AES-256-GCM" },
        [BENCH_AES_CBC] = { "AES-256-CBC 4 KiB", BENCH_ENCRYPT, CKM_AES_CBC, 4096, BENCH_KEY_AES,
                            .cipher = "AES-256-CBC" },
        [BENCH_HMAC] = { "HMAC-SHA-256 1 KiB", BENCH_SIGN, CKM_SHA256_HMAC, 1024, BENCH_KEY_MAC,
                         .mac = "HMAC", .digest = "SHA256" },
        [BENCH_CMAC] = { "AES-256-CMAC 1 KiB", BENCH_SIGN, CKM_AES_CMAC, 1024, BENCH_KEY_AES, .mac = "CMAC",
                         .cipher = "AES-256-CBC" },
        [BENCH_WRAP] = { "AES key wrap", BENCH_WRAP_KEY, CKM_AES_KEY_WRAP, 32, BENCH_KEY_AES },
        [BENCH_RANDOM] = { "random, 32 bytes", BENCH_RANDOM_BYTES, 0, 32, BENCH_KEYS },
        [BENCH_FIND] = { "find by label", BENCH_FIND_LABEL, 0, 0, BENCH_KEYS },
        [BENCH_CREATE] = { "create AES token key", BENCH_CREATE_KEY, CKM_AES_KEY_GEN, 0, BENCH_KEYS },
        [BENCH_CREATE_SESSION] = { "create AES session key", BENCH_CREATE_KEY, CKM_AES_KEY_GEN, 0, BENCH_KEYS,
                                   .session = true },
        [BENCH_CREATE_PAIR] = { "make P-256 session pair", BENCH_CREATE_PAIR_KEYS, CKM_EC_KEY_PAIR_GEN, 0,
                                BENCH_KEYS, .session = true },
};
