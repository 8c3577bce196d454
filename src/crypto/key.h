/* Keys as the engine holds them: parsed once, immutable, shared by reference count.
 *
 * Rebuilding a key costs 4 to 25 times the operation itself, so parsed keys and initialised contexts are
 * cached inside. Any thread may use any key. */
#ifndef CHSM_CRYPTO_KEY_H
#define CHSM_CRYPTO_KEY_H

#include "base/buf.h"
#include "crypto/crypto.h"

struct crypto_key;

enum crypto_key_class { CRYPTO_PUBLIC = 2, CRYPTO_PRIVATE = 3, CRYPTO_SECRET = 4 }; /* the CKO_ numbers */

/* What to generate. */
struct crypto_key_spec {
        uint64_t key_type;      /* CKK_; a pair asked for as CKK_EC is of its curve's type */
        uint32_t bits;          /* RSA modulus; secret key length in bits */
        struct slice curve;     /* DER CKA_EC_PARAMS */
        struct slice exponent;  /* RSA public exponent, big-endian; empty: 65537 */
        uint64_t parameter_set; /* CKP_ of ML-KEM, ML-DSA, SLH-DSA */
        bool approved_only;     /* refuses what crypto_key_approved would, before the work */
};

struct crypto_key *crypto_key_ref(struct crypto_key *);
void crypto_key_unref(
    struct crypto_key **); /* NULL-safe; clears the pointer; wipes with the last reference */

/* Bytes of a secret key of that type when its template names no length; 0: it has to, or there is no such
 * type. */
uint32_t crypto_secret_preset(uint64_t key_type);
/* A secret key. ERR_KEY_SIZE when the type does not have that length. */
bool crypto_key_generate(struct crypto *, const struct crypto_key_spec *, struct crypto_key **out,
                         struct err *);
/* A pair, checked by a pairwise test (sign and verify, or agree) before it is returned. */
bool crypto_key_pair_generate(struct crypto *, const struct crypto_key_spec *,
                              struct crypto_key **private_key, struct crypto_key **public_key, struct err *);

/* Material is the canonical form that is stored sealed: PKCS#8 DER, SubjectPublicKeyInfo DER, or raw bytes.
 */
struct sec *crypto_key_material(const struct crypto_key *, struct err *);
/* Reads material strictly (exact length, no trailing bytes, algorithm equals key_type, key is sane: RSA e odd
 * >= 3 and n of allowed size, EC point on its curve and not infinity, no small-order point). */
bool crypto_key_open(struct crypto *, enum crypto_key_class, uint64_t key_type, struct slice material,
                     struct crypto_key **out, struct err *);

/* The same for what comes from outside in clear: PKCS#8 must be in its canonical form and its parts agree,
 * and a secret key must not be a private key's PKCS#8 (spec/key-rules.md C06). ERR_ATTRIBUTE_VALUE. */
bool crypto_key_open_foreign(struct crypto *, enum crypto_key_class, uint64_t key_type, struct slice value,
                             struct crypto_key **out, struct err *);

/* Components given by an application (C_CreateObject): PKCS#11 attribute numbers and canonical values.
 * Missing RSA CRT parts are recomputed; inconsistent parts are refused (ERR_ATTRIBUTE_VALUE). */
struct crypto_component {
        uint64_t attribute; /* CKA_MODULUS, CKA_EC_PARAMS, CKA_EC_POINT, CKA_VALUE, ... */
        struct slice value;
};
bool crypto_key_import(struct crypto *, enum crypto_key_class, uint64_t key_type,
                       const struct crypto_component *, size_t n, struct crypto_key **out, struct err *);
/* One component by attribute number, appended to out: CKA_MODULUS, CKA_MODULUS_BITS (8 bytes big-endian),
 * CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT (DER OCTET STRING), CKA_PUBLIC_KEY_INFO (DER SPKI),
 * CKA_CHECK_VALUE (3 bytes), CKA_VALUE_LEN (8 bytes big-endian); of a private or secret key also the secret
 * ones (CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, ...): the caller has decided that they may leave.
 * ERR_ATTRIBUTE_TYPE when such a key has no such component. */
bool crypto_key_component(const struct crypto_key *, uint64_t attribute, struct buf *out, struct err *);
/* The public key that belongs to a private key. */
bool crypto_key_public(const struct crypto_key *private_key, struct crypto_key **out, struct err *);

/* True for types whose keys have a CKA_PARAMETER_SET: ML-KEM, ML-DSA, SLH-DSA. */
bool crypto_key_has_set(uint64_t key_type);
/* May a partition without non_fips make or take in this key? ERR_KEY_SIZE, ERR_CURVE. */
bool crypto_key_approved(const struct crypto_key *, struct err *);

enum crypto_key_class crypto_key_class_of(const struct crypto_key *);
uint64_t crypto_key_type(const struct crypto_key *); /* CKK_ */
uint32_t crypto_key_bits(const struct crypto_key *);
/* HMAC-SHA-256 of the key's value under a partition key: equal for equal keys, tells nothing else.
 * spec/key-rules.md A06, B12. */
bool crypto_key_fingerprint(const struct crypto_key *, struct slice partition_key, uint8_t out[32]);
/* PEM text of a public key (SubjectPublicKeyInfo). */
bool crypto_key_public_pem(const struct crypto_key *, struct buf *out, struct err *);

#endif
