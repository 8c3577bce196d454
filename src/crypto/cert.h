/* Certificates of the ceremony: making, reading and validating them. spec/semantics.md sections 3 and 4.
 *
 * Certificates are passed as DER; PEM is accepted where outside bytes come in. */
#ifndef CHSM_CRYPTO_CERT_H
#define CHSM_CRYPTO_CERT_H

#include "base/buf.h"
#include "crypto/key.h"

#define CRYPTO_CERT_MAX        (16 * 1024) /* bytes of one certificate, PEM or DER */
#define CRYPTO_CERT_OBJECT_MAX (64 * 1024) /* of one that an application stores */

/* Reads one PEM or DER certificate strictly (exactly one, no trailing data besides white space) as DER. */
bool crypto_cert_read(struct crypto *, struct slice pem_or_der, struct buf *der, struct err *);
bool crypto_cert_pem(struct crypto *, struct slice der, struct buf *pem, struct err *);

/* Owner certificate rules: X.509, self-signed and verifying under itself, RSA-2048, not expired at now_ms, if
 * it has v3 extensions then BasicConstraints CA:TRUE (critical or not), signature SHA-256 or better. */
bool crypto_cert_check_owner(struct crypto *, struct slice der, int64_t now_ms, struct err *);
/* POAC rules: carries partition_key's public half, verifies under the owner certificate, in its time. */
bool crypto_cert_check_issued(struct crypto *, struct slice der, struct slice issuer_der,
                              const struct crypto_key *partition_key, int64_t now_ms, struct err *);

struct crypto_cert_name {
        const char *cn, *ou, *o, *l, *st, *c; /* NULL: absent */
};
/* PKCS#10 request (PEM) for the key. */
bool crypto_cert_request(struct crypto *, const struct crypto_key *private_key,
                         const struct crypto_cert_name *, struct buf *pem, struct err *);
/* A certificate for subject_key signed by issuer_key (issuer_der empty: self-signed). is_ca sets
 * BasicConstraints. days counts from now_ms, which is backdated by an hour for skewed clocks. */
bool crypto_cert_issue(struct crypto *, const struct crypto_key *subject_key, const struct crypto_cert_name *,
                       const struct crypto_key *issuer_key, struct slice issuer_der, bool is_ca, int days,
                       int64_t now_ms, struct buf *der, struct err *);
/* SHA-256 of the DER bytes. */
bool crypto_cert_fingerprint(struct crypto *, struct slice der, uint8_t out[32]);
/* Subject in RFC 2253 form and the validity end, for people. */
bool crypto_cert_describe(struct crypto *, struct slice der, char *subject, size_t subject_n,
                          int64_t *not_after_ms, struct err *);
/* ---- cert_fields.c: certificates that applications store ---- */
/* Appends CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER (DER), CKA_PUBLIC_KEY_INFO, CKA_START_DATE or
 * CKA_END_DATE of a DER certificate. False, and out as before, when these bytes are no certificate. */
bool crypto_cert_field(struct crypto *, struct slice der, uint64_t attribute, struct buf *out);
/* CKA_CHECK_VALUE of a certificate object: of SHA-1 of its value, whatever the value is. */
bool crypto_cert_check_value(struct crypto *, struct slice value, uint8_t out[3]);
/* The private key as PKCS#8 PEM, for the TLS context of the same process only. Caller frees. */
struct sec *crypto_key_private_pem(const struct crypto_key *, struct err *);

#endif
