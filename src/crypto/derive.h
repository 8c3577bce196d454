/* What the families of derivation mechanisms share (mech_derive*.c). */
#ifndef CHSM_CRYPTO_DERIVE_H
#define CHSM_CRYPTO_DERIVE_H

#include "crypto/mechanism_internal.h"

/* One run of a derivation. The family fills value[0..n-1], which belong to the run. */
struct crypto_derivation {
        struct crypto *crypto;
        const struct crypto_mechanism *mechanism;
        const struct ck_mech_param *param;
        const struct crypto_key *base, *second; /* second may be NULL */
        size_t n;                               /* outputs */
        struct crypto_wanted wanted[CRYPTO_DERIVED_MAX];
        struct sec *value[CRYPTO_DERIVED_MAX];
        struct crypto_told *told; /* where what is not secret goes; may be NULL */
};

/* Length of output i: what the template says, what its type says, or natural (0: there is none, and a silent
 * template is incomplete); at most `most`. */
bool crypto_derive_length(const struct crypto_derivation *, size_t i, size_t natural, size_t most, size_t *n,
                          struct err *);
/* n bytes to fill, or NULL with err set. */
struct sec *crypto_derive_room(size_t n, struct err *);
/* A copy of value as output i. */
bool crypto_derive_take(struct crypto_derivation *, size_t i, struct slice value, struct err *);
/* n bytes of a KDF of libcrypto; NULL: err says why. */
struct sec *crypto_kdf_run(struct crypto *, const char *name, const OSSL_PARAM *, size_t n, struct err *);

#define CRYPTO_DERIVED_MOST 3072u /* bytes of one derived key */

/* ---- prf.c ---- */
#define CRYPTO_PRF_PARTS 40 /* pieces of one input: those of an SP 800-108 input and ours */

/* A pseudorandom function with its key. */
struct crypto_prf {
        EVP_MAC_CTX *keyed;
        size_t size; /* bytes it gives */
};
/* HMAC with that hash, or AES-CMAC for HASH_NONE. Close it in any case. */
bool crypto_prf_open(struct crypto *, enum crypto_hash, struct slice key, struct crypto_prf *, struct err *);
void crypto_prf_close(struct crypto_prf *);
/* Its value for the n pieces in a row; out has room for prf->size bytes. */
bool crypto_prf(const struct crypto_prf *, const struct slice *, size_t n, uint8_t *out, struct err *);
/* n bytes of P_hash (RFC 5246 5) for a seed in pieces: label, randoms ... */
struct sec *crypto_prf_tls(const struct crypto_prf *, const struct slice *seed, size_t parts, size_t n,
                           struct err *);
/* Hash of CKM_SHA256_HMAC and the like; HASH_NONE: none of them. */
enum crypto_hash crypto_hash_of_hmac(uint64_t mechanism);

#endif
