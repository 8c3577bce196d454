/* Sealing and derivation used by the system itself (not by applications): AES-256-GCM, HKDF, HMAC, SHA-256,
 * Argon2id. Keys are 32 bytes. */
#ifndef CHSM_CRYPTO_SEAL_H
#define CHSM_CRYPTO_SEAL_H

#include "base/buf.h"
#include "crypto/crypto.h"

#define CRYPTO_KEY_SIZE   32
#define CRYPTO_HASH_SIZE  32
#define CRYPTO_SEAL_EXTRA 28 /* nonce (12) and tag (16) around the plaintext */

/* HKDF-SHA-256 (RFC 5869): out_n bytes of key material from key, for the purpose named by info. Caller frees.
 */
struct sec *crypto_derive(struct crypto *, struct slice key, struct slice salt, struct slice info,
                          size_t out_n, struct err *);
/* Appends nonce || ciphertext || tag. The nonce is random; give each key to few messages or derive one each.
 */
bool crypto_seal(struct crypto *, struct slice key, struct slice aad, struct slice plain, struct buf *out,
                 struct err *);
/* Opens what crypto_seal wrote; anything altered: ERR_AEAD. The plaintext belongs to the caller. */
struct sec *crypto_open(struct crypto *, struct slice key, struct slice aad, struct slice sealed,
                        struct err *);
bool crypto_sha256(struct crypto *, struct slice, uint8_t out[CRYPTO_HASH_SIZE]);
/* SHA-256 for one thread that hashes much that is short: what OpenSSL sets up and clears for each costs a
 * third of it. */
struct crypto_hasher;
struct crypto_hasher *crypto_hasher_new(struct crypto *); /* NULL: no memory */
bool crypto_hasher_sha256(struct crypto_hasher *, struct slice, uint8_t out[CRYPTO_HASH_SIZE]);
void crypto_hasher_free(struct crypto_hasher **); /* NULL-safe */
bool crypto_hmac_sha256(struct crypto *, struct slice key, struct slice data, uint8_t out[CRYPTO_HASH_SIZE]);

/* The same under one key for many texts, by any number of threads at once. */
struct crypto_mac;
struct crypto_mac *crypto_mac_new(struct crypto *, struct slice key, struct err *); /* NULL: err */
bool crypto_mac_of(struct crypto_mac *, struct slice data, uint8_t out[CRYPTO_HASH_SIZE]);
void crypto_mac_free(struct crypto_mac **); /* NULL-safe */

/* Argon2id password records: a self-describing text "$argon2id$v=19$m=...,t=...,p=...$salt$hash".
 * cost: memory in KiB and passes; 0 takes the presets (19456 KiB, 2 passes: OWASP's minimum). */
struct crypto_password_cost {
        uint32_t memory_kib, passes;
};
#define CRYPTO_PASSWORD_TEXT_MAX 160
bool crypto_password_hash(struct crypto *, const struct crypto_password_cost *, struct slice password,
                          char out[CRYPTO_PASSWORD_TEXT_MAX], struct err *);
/* True when it matches. A record that cannot be read is a mismatch with err set to ERR_STORE_DAMAGED. */
bool crypto_password_verify(struct crypto *, const char *record, struct slice password, struct err *);
/* The work of a verification without a record, so that an unknown user costs the same time. */
void crypto_password_waste(struct crypto *, const struct crypto_password_cost *, struct slice password);

#endif
