/* Who a node is, and how two of them agree on a key: certificates under the operator's trust anchor (AOTA),
 * signatures with them, and an ephemeral P-521 agreement. The cloning protocol of the cluster rests on these
 * (spec/semantics.md 12: KAS with ephemeral P-521 and the one-step KDF with HMAC-SHA-512). */
#ifndef CHSM_CRYPTO_IDENTITY_H
#define CHSM_CRYPTO_IDENTITY_H

#include "base/buf.h"
#include "base/sec.h"
#include "crypto/crypto.h"
#include "crypto/key.h"
#include "crypto/seal.h"

#define CRYPTO_IDENTITY_NAME_MAX 64
#define CRYPTO_AGREEMENT_KEY     32

struct crypto_identity;
/* A certificate, its private key and the trust anchor, each PEM. The key must be the certificate's, and the
 * certificate must verify under the anchor and be in its time: ERR_CERT_INVALID says which does not hold. */
struct crypto_identity *crypto_identity_open(struct crypto *, struct slice certificate, struct slice key,
                                             struct slice anchor, int64_t now_ms, struct err *);
void crypto_identity_free(struct crypto_identity **); /* NULL-safe */
/* The certificate's common name, and its DER; lent. */
const char *crypto_identity_name(const struct crypto_identity *);
struct slice crypto_identity_certificate(const struct crypto_identity *);
/* SHA-256 of what the issuer signed of a certificate (DER). Its holder cannot alter that; of the rest he can:
 * each ECDSA signature has a second form that verifies as well. */
bool crypto_identity_fingerprint(struct crypto *, struct slice certificate, uint8_t out[CRYPTO_HASH_SIZE]);
/* Appends a signature over data (SHA-512; RSA keys: PKCS#1 v1.5). */
bool crypto_identity_sign(struct crypto_identity *, struct slice data, struct buf *signature, struct err *);
/* Is `certificate` (DER) one of the same anchor, in its time, and did its key sign data? Its common name goes
 * into name. */
bool crypto_identity_verify(struct crypto_identity *, struct slice certificate, int64_t now_ms,
                            struct slice data, struct slice signature, char name[CRYPTO_IDENTITY_NAME_MAX],
                            struct err *);
/* SHA-512 PKCS#1 v1.5 by a partition key, and its verification under the certificate issued for it. */
bool crypto_partition_sign(struct crypto *, const struct crypto_key *partition, struct slice data,
                           struct buf *signature, struct err *);
/* Is poac (DER) issued by owner (DER, self-signed), and did its key sign data? Times do not count: an owner's
 * certificate is permanent (spec/semantics.md 3). */
bool crypto_partition_verify(struct crypto *, struct slice owner, struct slice poac, struct slice data,
                             struct slice signature, struct err *);

/* Did the key of the owner's certificate (DER) sign data, as `openssl dgst -sha256 -sign PO.key` does? */
bool crypto_owner_signed(struct crypto *, struct slice owner, struct slice data, struct slice signature);

struct crypto_agreement;
/* A fresh key pair of P-521. */
struct crypto_agreement *crypto_agreement_new(struct crypto *, struct err *);
void crypto_agreement_free(struct crypto_agreement **); /* NULL-safe */
/* The public point, uncompressed; lent. */
struct slice crypto_agreement_public(const struct crypto_agreement *);
/* CRYPTO_AGREEMENT_KEY bytes from the agreement with the peer's point and what both know of it (SP 800-56C,
 * one-step, HMAC-SHA-512). Caller frees. */
struct sec *crypto_agreement_derive(struct crypto_agreement *, struct slice peer, struct slice info,
                                    struct err *);

#endif
