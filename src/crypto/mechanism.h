/* The mechanism table and the operations on it.
 *
 * One row declares a mechanism: number, functions, key types, sizes, parameter kind, policy class,
 * implementation, self-test. C_GetMechanismList and C_GetMechanismInfo, authorisation, documentation and
 * tests are driven by the rows in mechanism_rows.c. Whether the caller may use the key is the vault's
 * business. */
#ifndef CHSM_CRYPTO_MECHANISM_H
#define CHSM_CRYPTO_MECHANISM_H

#include "ck/mechanism_param.h"
#include "crypto/key.h"
#include <stdio.h>

/* Operations; a row's `functions` is a mask of 1u << operation. */
enum crypto_op {
        CRYPTO_ENCRYPT,
        CRYPTO_DECRYPT,
        CRYPTO_SIGN,
        CRYPTO_VERIFY,
        CRYPTO_SIGN_RECOVER,
        CRYPTO_VERIFY_RECOVER,
        CRYPTO_DIGEST,
        CRYPTO_GENERATE,
        CRYPTO_GENERATE_PAIR,
        CRYPTO_WRAP,
        CRYPTO_UNWRAP,
        CRYPTO_DERIVE,
        CRYPTO_ENCAPSULATE,
        CRYPTO_DECAPSULATE,
        CRYPTO_OPS, /* how many */
};

enum crypto_policy_class {
        CRYPTO_APPROVED,
        CRYPTO_LEGACY /* verify, decrypt, unwrap only */,
        CRYPTO_NON_FIPS
};

struct crypto_mechanism;

const struct crypto_mechanism *crypto_mechanism_find(uint64_t number); /* NULL: not offered */
const struct crypto_mechanism *crypto_mechanism_at(size_t i);          /* ascending; NULL past the end */
/* Every row, those included that the running libcrypto cannot serve; the two above leave these out. */
const struct crypto_mechanism *crypto_mechanism_row(size_t i);
bool crypto_mechanism_offered(const struct crypto_mechanism *);      /* does this libcrypto serve it? */
const char *crypto_mechanism_since(const struct crypto_mechanism *); /* the libcrypto it needs, or NULL */
bool crypto_mechanism_slow(const struct crypto_mechanism *);         /* a signature takes up to a second */
const char *crypto_op_name(enum crypto_op);                          /* "sign", "generate pair" */
uint64_t crypto_mechanism_number(const struct crypto_mechanism *);
const char *crypto_mechanism_name(const struct crypto_mechanism *);
uint32_t crypto_mechanism_functions(const struct crypto_mechanism *); /* mask of 1u << enum crypto_op */
/* What is left of them in a partition that has FIPS-approved uses only; 0: it is not offered there. */
uint32_t crypto_mechanism_functions_under(const struct crypto_mechanism *, bool approved_only);
/* CKF_ of CK_MECHANISM_INFO, of what is left; 0 when nothing is. */
uint64_t crypto_mechanism_ck_flags(const struct crypto_mechanism *, bool approved_only);
void crypto_mechanism_sizes(const struct crypto_mechanism *, uint64_t *min, uint64_t *max); /* CK units */
void crypto_mechanism_sizes_under(const struct crypto_mechanism *, bool approved_only, uint64_t *min,
                                  uint64_t *max);
enum crypto_policy_class crypto_mechanism_class(const struct crypto_mechanism *);
/* True when this use of it is for partitions with non_fips only: the row is, or this function of it is, or it
 * makes something new with what is offered for the old only. */
bool crypto_mechanism_non_fips(const struct crypto_mechanism *, enum crypto_op);
bool crypto_mechanism_key_type(const struct crypto_mechanism *, uint64_t key_type); /* may use or make it */
const uint64_t *crypto_mechanism_key_types(const struct crypto_mechanism *, size_t *n);
uint64_t
crypto_mechanism_makes(const struct crypto_mechanism *); /* CKK_ a generate mechanism makes by default */
/* True when its wrapping is authenticated (KW, KWP, GCM, OAEP is not): spec/key-rules.md rule 3. */
bool crypto_mechanism_authenticated(const struct crypto_mechanism *);

/* Writes docs/mechanisms.md: every row, those included that this libcrypto lacks. */
void crypto_mechanisms_print(FILE *);

/* Checks number, function, key type and size and the parameter, in the order of spec/key-rules.md. This is
 * all that C_SignInit and its like need to know. key may be NULL for digests. */
bool crypto_operation_check(const struct crypto_mechanism *, enum crypto_op, const struct crypto_key *,
                            const struct ck_mech_param *, struct err *);

/* Asked besides where the policy has no non_fips: ERR_MECHANISM, ERR_KEY_SIZE or ERR_MECHANISM_PARAM for what
 * is not FIPS-approved. Small RSA keys, P-192 and SHA-1 still verify, decrypt and unwrap. */
bool crypto_operation_approved(const struct crypto_mechanism *, enum crypto_op, const struct crypto_key *,
                               const struct ck_mech_param *, struct err *);
/* And of what is signed: CKM_RSA_PKCS is given a DigestInfo, in which an old hash is named. */
bool crypto_input_approved(const struct crypto_mechanism *, struct slice data, struct err *);

/* Bytes the result may need for in_n bytes of input; 0 when the input length is impossible for the key. */
size_t crypto_output_max(const struct crypto_mechanism *, enum crypto_op, const struct crypto_key *,
                         const struct ck_mech_param *, size_t in_n);

/* Single-part operations. out has room for *out_n bytes (crypto_output_max); *out_n becomes the result's
 * length. iv_out: where a mechanism that makes its own IV (GCM with zeroed IV) writes it (16 bytes), may be
 * NULL. Padding and format failures are one code, one text, one time (spec/key-rules.md rule 7). */
bool crypto_encrypt(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                    struct crypto_key *, struct slice in, uint8_t *out, size_t *out_n, uint8_t *iv_out,
                    struct err *);
bool crypto_decrypt(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                    struct crypto_key *, struct slice in, uint8_t *out, size_t *out_n, struct err *);
bool crypto_sign(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                 struct crypto_key *, struct slice in, uint8_t *out, size_t *out_n, struct err *);
/* True: the signature is good. ERR_SIGNATURE or ERR_SIGNATURE_LEN: it is not. */
bool crypto_verify(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                   struct crypto_key *, struct slice in, struct slice signature, struct err *);
bool crypto_sign_recover(struct crypto *, const struct crypto_mechanism *, struct crypto_key *,
                         struct slice in, uint8_t *out, size_t *out_n, struct err *);
bool crypto_verify_recover(struct crypto *, const struct crypto_mechanism *, struct crypto_key *,
                           struct slice signature, uint8_t *out, size_t *out_n, struct err *);
bool crypto_digest(struct crypto *, const struct crypto_mechanism *, struct slice in, uint8_t *out,
                   size_t *out_n, struct err *);
/* target's material, wrapped. Private keys travel as PKCS#8. */
bool crypto_wrap(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                 struct crypto_key *wrapping, struct crypto_key *target, uint8_t *out, size_t *out_n,
                 uint8_t *iv_out, struct err *);
/* The key inside; key_class and key_type from the caller's template; value_len 0 or the wanted length. All
 * failures of the blob itself are ERR_WRAPPED_KEY. */
bool crypto_unwrap(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                   struct crypto_key *unwrapping, struct slice wrapped, enum crypto_key_class,
                   uint64_t key_type, size_t value_len, struct crypto_key **out, struct err *);
/* True when a generate mechanism makes the key of its parameter (a password), so that it is not ours alone.
 */
bool crypto_mechanism_from_parameter(const struct crypto_mechanism *);
/* A secret key by a generate mechanism; the spec's curve and exponent are not looked at. */
bool crypto_generate(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                     const struct crypto_key_spec *, struct crypto_key **out, struct err *);
/* Most keys one derivation makes. */
#define CRYPTO_DERIVED_MAX 8
/* A key to derive: what the caller's template says of it. */
struct crypto_wanted {
        enum crypto_key_class class;
        uint64_t type; /* CKK_ */
        size_t length; /* bytes; 0: the mechanism's natural length */
};
/* What a derivation tells beside its keys: the version in a TLS premaster secret, the IVs of a key block. */
struct crypto_told {
        uint8_t bytes[64];
        size_t n;
};
/* Keys derived from base, all or none; each of the n results has a reference. second: the other key of
 * two-key mechanisms, else NULL. told may be NULL. */
bool crypto_derive_keys(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                        struct crypto_key *base, struct crypto_key *second, const struct crypto_wanted *,
                        size_t n, struct crypto_key **out, struct crypto_told *told, struct err *);
/* The same for one secret key of value_len bytes (0: the mechanism's natural length). */
bool crypto_derive_key(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                       struct crypto_key *base, struct crypto_key *second, uint64_t key_type,
                       size_t value_len, struct crypto_key **out, struct err *);

/* A key that a public key's owner can have too: key is the wanted secret key of a fresh shared secret, out
 * (crypto_output_max bytes) the ciphertext that carries it to him. Nobody else reads it out of that. */
bool crypto_encapsulate(struct crypto *, const struct crypto_mechanism *, struct crypto_key *public_key,
                        const struct crypto_wanted *, uint8_t *out, size_t *out_n, struct crypto_key **key,
                        struct err *);
/* The key that a ciphertext carries. A ciphertext of the right length always gives one: a wrong one gives a
 * key that nobody else has (FIPS 203 implicit rejection). ERR_ENCRYPTED_DATA_LEN: of another length. */
bool crypto_decapsulate(struct crypto *, const struct crypto_mechanism *, struct crypto_key *private_key,
                        const struct crypto_wanted *, struct slice ciphertext, struct crypto_key **key,
                        struct err *);

/* Operations on more data than one message holds: digests, signatures and verifications of mechanisms that
 * hash or MAC their data first, encryptions and decryptions of the ciphers in ck/mechanism_size_rows.c.
 * Others: ERR_DATA_LEN. A stream belongs to one thread at a time; it keeps a reference to the key, and what
 * the parameter points to must outlive it. */
#define CRYPTO_BLOCK_MAX 64
struct crypto_stream;
bool crypto_stream_new(struct crypto *, enum crypto_op, const struct crypto_mechanism *,
                       const struct ck_mech_param *, struct crypto_key *key, struct crypto_stream **,
                       struct err *);
bool crypto_stream_update(struct crypto_stream *, struct slice in, struct err *);
/* The digest, or the whole MAC. The stream takes nothing afterwards. */
bool crypto_stream_block(struct crypto_stream *, uint8_t block[CRYPTO_BLOCK_MAX], size_t *n, struct err *);
/* Encryption and decryption: as much of in as can be answered already, and at the end the rest with padding
 * or tag. out has room for in.n + CRYPTO_STREAM_MORE bytes. Decryption answers before it has seen the tag:
 * who asks for it shows nothing before crypto_stream_end said yes. */
#define CRYPTO_STREAM_MORE 128
bool crypto_stream_crypt(struct crypto_stream *, struct slice in, uint8_t *out, size_t *n, struct err *);
bool crypto_stream_end(struct crypto_stream *, uint8_t *out, size_t *n, struct err *);
/* The IV that was made for an encryption; empty when the caller's is used. Lent. */
struct slice crypto_stream_iv(const struct crypto_stream *);
/* True when the mechanism authenticates what it encrypts. */
bool crypto_stream_authenticates(const struct crypto_stream *);
void crypto_stream_free(struct crypto_stream **); /* NULL-safe */
/* crypto_sign and crypto_verify from what crypto_stream_block gave. */
bool crypto_sign_block(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                       struct crypto_key *, struct slice block, uint8_t *out, size_t *out_n, struct err *);
bool crypto_verify_block(struct crypto *, const struct crypto_mechanism *, const struct ck_mech_param *,
                         struct crypto_key *, struct slice block, struct slice signature, struct err *);

#endif
