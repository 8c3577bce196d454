/* The shape of a mechanism row, and what the families of mechanisms share. */
#ifndef CHSM_CRYPTO_MECHANISM_INTERNAL_H
#define CHSM_CRYPTO_MECHANISM_INTERNAL_H

#include "ck/cryptoki.h"
#include "crypto/internal.h"
#include "crypto/mechanism.h"

#define OP(name) (1u << CRYPTO_##name)

/* One run of an operation; everything is the caller's. */
struct crypto_run {
        struct crypto *crypto;
        const struct crypto_mechanism *mechanism;
        const struct ck_mech_param *param;
        enum crypto_op op;
        struct crypto_key *key;
        struct slice in;
        struct slice signature; /* verify */
        uint8_t *out;
        size_t *out_n;
        uint8_t *iv_out;
        bool hashed; /* in is the digest or MAC of the data already */
};

struct crypto_derivation; /* derive.h */
struct crypto_mode;       /* cipher.h */

/* Implementation shared by rows that differ in data only. Functions a family lacks are NULL. */
struct crypto_family {
        bool (*check)(const struct crypto_mechanism *, enum crypto_op, const struct crypto_key *,
                      const struct ck_mech_param *, struct err *); /* the parameter; may be NULL */
        size_t (*output_max)(const struct crypto_run *);
        bool (*encrypt)(struct crypto_run *, struct err *);
        bool (*decrypt)(struct crypto_run *, struct err *);
        bool (*sign)(struct crypto_run *, struct err *);
        bool (*verify)(struct crypto_run *, struct err *);
        bool (*verify_recover)(struct crypto_run *, struct err *); /* signing with recovery is sign */
        bool (*digest)(struct crypto_run *, struct err *);
        bool (*derive)(struct crypto_derivation *, struct err *);
        /* A fresh shared secret into secret, what carries it into out. */
        bool (*encapsulate)(struct crypto_run *, struct sec **secret, struct err *);
        bool (*decapsulate)(struct crypto_run *, struct sec **secret, struct err *);
        const struct crypto_mode *mode; /* of encryption and decryption that can go part by part */
        bool several;                   /* one derivation may make several keys */
        /* The value of a secret key that is made of the parameter; NULL: it is random. */
        struct sec *(*generate)(struct crypto *, const struct ck_mech_param *, size_t length, struct err *);
};

enum crypto_wrap_padding { CRYPTO_WRAP_PLAIN, CRYPTO_WRAP_KWP, CRYPTO_WRAP_PKCS7 };

/* What a row needs of libcrypto: feature.c. */
enum crypto_feature {
        CRYPTO_EVERYWHERE,
        CRYPTO_NEEDS_ML_KEM,
        CRYPTO_NEEDS_ML_DSA,
        CRYPTO_NEEDS_SLH_DSA,
        CRYPTO_FEATURES
};

struct crypto_mechanism {
        uint64_t number;
        const char *name;
        enum crypto_feature needs;
        uint32_t functions;
        uint64_t key_types[4];  /* terminated by CK_UNAVAILABLE_INFORMATION when fewer */
        uint8_t key_type_count; /* 0: needs no key */
        uint64_t makes;         /* CKK_ of generate mechanisms */
        uint32_t min, max;      /* as C_GetMechanismInfo tells: bits, or bytes for secret keys */
        enum crypto_policy_class class;
        uint32_t non_fips; /* functions that are so in a row that is not */
        bool authenticated;
        enum crypto_hash hash;
        int padding;      /* RSA_..._PADDING, or enum crypto_wrap_padding */
        const char *mode; /* cipher mode as OpenSSL names it: "CBC" */
        const struct crypto_family *family;
};

extern const struct crypto_family crypto_family_rsa_sign, crypto_family_rsa_crypt, crypto_family_ecdsa,
    crypto_family_eddsa, crypto_family_set_sign, crypto_family_cipher, crypto_family_gcm, crypto_family_ccm,
    crypto_family_cts, crypto_family_xts, crypto_family_mac, crypto_family_digest, crypto_family_key_wrap,
    crypto_family_rsa_aes, crypto_family_ecdh;
extern const struct crypto_family crypto_family_hkdf, crypto_family_kdf108, crypto_family_pbkdf2,
    crypto_family_join, crypto_family_xor, crypto_family_hash_derive, crypto_family_shake_derive,
    crypto_family_encrypt_data, crypto_family_public, crypto_family_tls_master, crypto_family_tls_keys,
    crypto_family_tls_export, crypto_family_tls_mac, crypto_family_tls_premaster, crypto_family_tkw,
    crypto_family_kem;

/* Hash number by digest mechanism (CKM_SHA256 ...); HASH_NONE when it is none that parameters may name (MD5
 * is not). */
enum crypto_hash crypto_hash_of(uint64_t digest_mechanism);
/* Hash of a CKG_MGF1_ number. */
enum crypto_hash crypto_hash_of_mgf(uint64_t mgf);
/* The run's input, or its digest in block when the row names a hash. */
bool crypto_run_digest(const struct crypto_run *, uint8_t block[64], struct slice *input, struct err *);
/* What a decryption that fails does beside: words take time, and who goes on as if nothing had been wrong
 * must take as long with what was right. */
void crypto_as_a_failure_does(struct err *);
/* RSA decryption with padding v1.5 or OAEP, which does not tell by its time whether the padding was right:
 * *good is all ones when it was, else zero, and then no byte of out has a meaning. out has room for the
 * modulus. False only for what anybody may know. */
bool crypto_rsa_open(struct crypto_run *, size_t *good, struct err *);
/* Tag of a cached context: one per row and operation. */
const void *crypto_run_tag(const struct crypto_run *);
/* A cached or new cipher context with the key set, for encryption or decryption. */
struct crypto_cached *crypto_run_cipher(struct crypto_run *, bool encrypt, struct err *);

#endif
