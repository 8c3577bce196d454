/* Inside the crypto room: the library context with what was fetched from it, and the parsed key. */
#ifndef CHSM_CRYPTO_INTERNAL_H
#define CHSM_CRYPTO_INTERNAL_H

#include "crypto/key.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdatomic.h>

/* Hashes; crypto.c has libcrypto's names of them. */
enum crypto_hash {
        HASH_NONE,
        HASH_MD5,
        HASH_SHA1,
        HASH_SHA224,
        HASH_SHA256,
        HASH_SHA384,
        HASH_SHA512,
        HASH_SHA512_224,
        HASH_SHA512_256,
        HASH_SHA3_224,
        HASH_SHA3_256,
        HASH_SHA3_384,
        HASH_SHA3_512,
        HASH_COUNT
};

struct crypto {
        OSSL_LIB_CTX *context;
        OSSL_PROVIDER *provider;
        EVP_MD *md[HASH_COUNT];
        EVP_MAC *hmac, *cmac, *gmac;
        EVP_KDF *hkdf;
        EVP_CIPHER *gcm256;
        bool eddsa_instances; /* contexts and pre-hashing of EdDSA: libcrypto 3.2 */
};

#define KEY_CACHE 4 /* initialised contexts kept in a key: a few threads, a mechanism or two */

/* A context that was initialised for one use of one key. */
struct crypto_cached {
        const void *tag; /* the mechanism row and operation it was made for */
        void *context;
        void (*free)(void *);
};

struct crypto_key {
        struct crypto *crypto;
        atomic_uint references;
        enum crypto_key_class class;
        uint64_t type; /* CKK_ */
        uint32_t bits;
        bool old;                         /* size, curve or exponent is for partitions with non_fips */
        const struct crypto_curve *curve; /* NULL for RSA and secret keys */
        const struct crypto_set *set;     /* ML-KEM, ML-DSA, SLH-DSA; then bits are those of the public key */
        EVP_PKEY *pkey;                   /* public and private keys */
        struct sec *secret;               /* secret keys */
        _Atomic(struct crypto_cached *) cache[KEY_CACHE];
};

/* A cached context for tag, or NULL: make one. It is the caller's until put back. */
struct crypto_cached *crypto_cache_take(struct crypto_key *, const void *tag);
/* Gives one back, or frees it when the cache is full. NULL-safe. */
void crypto_cache_put(struct crypto_key *, struct crypto_cached *);
/* Frees one that failed or holds state not worth keeping. NULL-safe. */
void crypto_cached_free(struct crypto_cached *);
struct crypto_cached *crypto_cached_new(const void *tag, void *context, void (*free_context)(void *));

bool crypto_key_check(struct crypto_key *, struct err *); /* full consistency of a pair from outside */
struct crypto_key *crypto_key_alloc(struct crypto *, enum crypto_key_class, uint64_t type, uint32_t bits);
/* A key around pkey, which it owns from then on (freed on failure too). */
bool crypto_key_wrap_pkey(struct crypto *, enum crypto_key_class, uint64_t type, EVP_PKEY *,
                          struct crypto_key **, struct err *);

/* Sets ERR_CRYPTO with libcrypto's words and clears its error queue. Always false. */
bool crypto_failed(struct err *, const char *what);

/* ---- RSA ---- */
#define CRYPTO_RSA_MIN  1024
#define CRYPTO_RSA_MAX  8192
#define CRYPTO_RSA_STEP 256
/* In partitions without non_fips: spec/interfaces.md 1.4. */
#define CRYPTO_RSA_APPROVED_MIN 2048
#define CRYPTO_RSA_APPROVED_MAX 4096
#define CRYPTO_EC_APPROVED_MIN  224
bool crypto_rsa_approved(uint32_t bits, const BIGNUM *e);
/* Size and public exponent of a key from anywhere: ERR_KEY_SIZE, ERR_ATTRIBUTE_VALUE. */
bool crypto_rsa_acceptable(uint32_t bits, const BIGNUM *e, struct err *);

bool crypto_eddsa_has_instances(struct crypto *); /* asked once, at the start */
void crypto_features_ask(struct crypto *);        /* which rows this libcrypto can serve */

/* ---- curves: curve_rows.c ---- */
struct crypto_curve {
        const char *name;  /* OpenSSL group or key type name */
        uint64_t key_type; /* CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY */
        uint32_t bits;
        bool non_fips;   /* for partitions with non_fips only */
        uint8_t oid[12]; /* DER */
        size_t oid_n;
        const char *printable; /* curve name form of CKA_EC_PARAMS for Edwards and Montgomery keys */
};
const struct crypto_curve *crypto_curve_find(struct slice ec_params); /* NULL: not offered */
const struct crypto_curve *crypto_curve_named(const char *openssl_name);
/* ---- parameter sets: set_rows.c; their keys: key_set.c ---- */
struct crypto_set {
        uint64_t key_type;
        uint32_t number;             /* CKP_ */
        const char *name;            /* libcrypto's */
        uint32_t public_n, output_n; /* bytes of the public key; of a signature or ciphertext */
};
const struct crypto_set *crypto_set_find(uint64_t key_type, uint64_t number);
const struct crypto_set *crypto_set_named(uint64_t key_type, const char *openssl_name);
EVP_PKEY *crypto_set_generate(struct crypto *, const struct crypto_key_spec *, struct err *);
/* value and seed of a private key: one, or both of the same key. */
EVP_PKEY *crypto_set_import(struct crypto *, enum crypto_key_class, uint64_t type, uint64_t number,
                            struct slice value, struct slice seed, struct err *);
/* mech_kem.c: what the one half encapsulates, the other decapsulates. */
bool crypto_kem_agrees(struct crypto *, struct crypto_key *private_key, struct crypto_key *public_key,
                       struct err *);
bool crypto_set_component(const struct crypto_key *, uint64_t attribute, struct buf *out);

/* crypto_key_approved for a pair that is still to be made; e NULL: not RSA. */
bool crypto_spec_approved(const struct crypto_key_spec *, const struct crypto_curve *, const BIGNUM *e,
                          struct err *);

/* key_rsa_import.c, key_component.c are reached through key.h. */
bool crypto_key_pairwise(struct crypto *, struct crypto_key *private_key, struct crypto_key *public_key,
                         struct err *);

/* ---- types of secret keys: secret_rows.c ---- */
struct crypto_secret {
        uint64_t type;           /* CKK_ */
        uint32_t min, max, step; /* bytes: min, min + step ... max */
        uint32_t preset;         /* bytes of a generated one whose template names no length; 0: it must */
        bool parity;             /* the lowest bit of each byte makes the number of ones odd (DES) */
        const char *cipher;      /* libcrypto's name of the block cipher, for keys of one */
        uint8_t block;           /* its block, bytes */
};
const struct crypto_secret *crypto_secret_find(uint64_t type); /* NULL: not offered */
/* A context of the key's block cipher in that mode ("ECB", "CBC" ...) with the key set; an IV, where the mode
 * has one, is still to be given. NULL: libcrypto has no such mode. */
EVP_CIPHER_CTX *crypto_cipher_context(const struct crypto_key *, const char *mode, bool encrypt);

/* ---- self-tests: self_test_rows.c ---- */
bool crypto_self_test(struct crypto *, const char *spoil, struct err *);

#endif
