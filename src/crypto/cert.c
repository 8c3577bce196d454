/* Reading and validating certificates of the ceremony. spec/semantics.md 3 and 4. */
#include "crypto/cert.h"
#include "base/clock.h"
#include "ck/cryptoki.h"
#include "crypto/internal.h"
#include "crypto/seal.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"

static X509 *cert_parse(struct crypto *c, struct slice der)
{
        const uint8_t *at = der.p;
        X509 *cert = X509_new_ex(c->context, NULL);

        if (cert && (der.n > CRYPTO_CERT_MAX || !d2i_X509(&cert, &at, (long)der.n))) {
                cert = NULL; /* d2i freed it */
        } else if (cert && at != der.p + der.n) {
                X509_free(cert);
                cert = NULL;
        }
        ERR_clear_error();
        return cert;
}

static bool cert_put(X509 *cert, struct buf *der)
{
        uint8_t *bytes = NULL;
        int n = i2d_X509(cert, &bytes);

        if (n > 0)
                buf_put(der, bytes, (size_t)n);
        OPENSSL_free(bytes);
        return n > 0 && buf_ok(der);
}

static bool is_space(uint8_t c)
{
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool pem_read(struct crypto *c, struct slice text, struct buf *der, struct err *err)
{
        BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
        X509 *cert = X509_new_ex(c->context, NULL);
        char *rest = NULL;
        long left = 0;
        bool ok = false;

        if (!bio || !cert || !PEM_read_bio_X509(bio, &cert, NULL, NULL)) {
                err_set(err, ERR_CERT_INVALID, "the PEM text holds no certificate that can be read");
                goto out;
        }
        left = BIO_get_mem_data(bio, &rest);
        while (left > 0 && is_space((uint8_t)rest[left - 1]))
                left--;
        if (left > 0) {
                err_set(err, ERR_CERT_INVALID, "there is more after the certificate: exactly one is wanted");
                goto out;
        }
        ok = cert_put(cert, der);
out:
        X509_free(cert);
        BIO_free(bio);
        ERR_clear_error();
        return ok;
}

bool crypto_cert_read(struct crypto *c, struct slice bytes, struct buf *der, struct err *err)
{
        X509 *cert;
        bool ok;

        if (bytes.n == 0 || bytes.n > CRYPTO_CERT_MAX)
                return err_set(err, ERR_CERT_INVALID, "a certificate of %zu bytes; 1 to %d are taken",
                               bytes.n, CRYPTO_CERT_MAX);
        if (memmem(bytes.p, bytes.n, PEM_BEGIN, sizeof(PEM_BEGIN) - 1))
                return pem_read(c, bytes, der, err);
        cert = cert_parse(c, bytes);
        if (!cert)
                return err_set(err, ERR_CERT_INVALID, "this is neither a PEM nor a DER certificate");
        ok = cert_put(cert, der);
        X509_free(cert);
        return ok || err_set(err, ERR_MEMORY, "no memory for a certificate");
}

bool crypto_cert_pem(struct crypto *c, struct slice der, struct buf *pem, struct err *err)
{
        X509 *cert = cert_parse(c, der);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long n = cert && bio && PEM_write_bio_X509(bio, cert) == 1 ? BIO_get_mem_data(bio, &text) : 0;

        if (n > 0)
                buf_put(pem, text, (size_t)n);
        BIO_free(bio);
        X509_free(cert);
        return n > 0 || crypto_failed(err, "writing a certificate");
}

static int64_t asn1_ms(const ASN1_TIME *t)
{
        struct tm parts;

        return t && ASN1_TIME_to_tm(t, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : INT64_MIN;
}

static bool check_time(X509 *cert, int64_t now_ms, struct err *err)
{
        char when[CLOCK_TEXT_SIZE];
        int64_t from = asn1_ms(X509_get0_notBefore(cert)), until = asn1_ms(X509_get0_notAfter(cert));

        if (now_ms < from)
                return err_set(err, ERR_CERT_INVALID, "the certificate is not valid before %s",
                               clock_text(from, when));
        if (now_ms > until)
                return err_set(err, ERR_CERT_INVALID, "the certificate expired at %s",
                               clock_text(until, when));
        return true;
}

static bool check_hash(X509 *cert, struct err *err)
{
        int md = NID_undef, bits = 0;
        uint32_t flags = 0;

        if (X509_get_signature_info(cert, &md, NULL, &bits, &flags) == 1 && bits >= 112)
                return true;
        return err_set(err, ERR_CERT_INVALID,
                       "the certificate is signed with a hash weaker than SHA-256 (%s)",
                       md == NID_undef ? "unknown" : OBJ_nid2sn(md));
}

static bool check_owner(X509 *cert, int64_t now_ms, struct err *err)
{
        EVP_PKEY *pkey = X509_get0_pubkey(cert);

        if (!pkey || !EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_get_bits(pkey) != 2048)
                return err_set(err, ERR_CERT_INVALID,
                               "the owner certificate must hold an RSA key of 2048 bits, not %s of %d",
                               pkey ? EVP_PKEY_get0_type_name(pkey) : "an unknown key",
                               pkey ? EVP_PKEY_get_bits(pkey) : 0);
        if (X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) != 0)
                return err_set(err, ERR_CERT_INVALID,
                               "the owner certificate is not self-signed: subject and issuer differ");
        if (X509_verify(cert, pkey) != 1)
                return err_set(err, ERR_CERT_INVALID,
                               "the owner certificate's signature does not verify under its own key");
        if (X509_get_ext_count(cert) > 0 && !(X509_get_extension_flags(cert) & EXFLAG_BCONS))
                return err_set(
                    err, ERR_CERT_INVALID,
                    "the owner certificate has extensions but no BasicConstraints: it must be CA:TRUE");
        if (X509_get_ext_count(cert) > 0 && !(X509_get_extension_flags(cert) & EXFLAG_CA))
                return err_set(err, ERR_CERT_INVALID,
                               "the owner certificate's BasicConstraints do not say CA:TRUE");
        return check_hash(cert, err) && check_time(cert, now_ms, err);
}

bool crypto_cert_check_owner(struct crypto *c, struct slice der, int64_t now_ms, struct err *err)
{
        X509 *cert = cert_parse(c, der);
        bool ok = cert ? check_owner(cert, now_ms, err)
                       : err_set(err, ERR_CERT_INVALID, "the certificate cannot be read");

        X509_free(cert);
        ERR_clear_error();
        return ok;
}

bool crypto_cert_check_issued(struct crypto *c, struct slice der, struct slice issuer_der,
                              const struct crypto_key *partition_key, int64_t now_ms, struct err *err)
{
        X509 *cert = cert_parse(c, der), *issuer = cert_parse(c, issuer_der);
        EVP_PKEY *pkey = cert ? X509_get0_pubkey(cert) : NULL;
        bool ok = false;

        if (!cert || !issuer)
                err_set(err, ERR_CERT_INVALID, "the certificate cannot be read");
        else if (!pkey || EVP_PKEY_eq(pkey, partition_key->pkey) != 1)
                err_set(err, ERR_CERT_INVALID,
                        "the certificate carries another key than this partition's: sign the request of "
                        "getCertReq");
        else if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0)
                err_set(err, ERR_CERT_INVALID,
                        "the certificate was not issued by the owner certificate stored before");
        else if (X509_verify(cert, X509_get0_pubkey(issuer)) != 1)
                err_set(err, ERR_CERT_INVALID,
                        "certificate signature failure: it does not verify under the owner certificate "
                        "stored before");
        else
                ok = check_hash(cert, err) && check_time(cert, now_ms, err);
        X509_free(cert);
        X509_free(issuer);
        ERR_clear_error();
        return ok;
}

bool crypto_cert_fingerprint(struct crypto *c, struct slice der, uint8_t out[32])
{
        return crypto_sha256(c, der, out);
}

bool crypto_cert_describe(struct crypto *c, struct slice der, char *subject, size_t subject_n,
                          int64_t *not_after_ms, struct err *err)
{
        X509 *cert = cert_parse(c, der);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long n;

        if (!cert || !bio || X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) < 0) {
                X509_free(cert);
                BIO_free(bio);
                ERR_clear_error();
                return err_set(err, ERR_CERT_INVALID, "the certificate cannot be read");
        }
        n = BIO_get_mem_data(bio, &text);
        (void)snprintf(subject, subject_n, "%.*s", (int)n, text);
        *not_after_ms = asn1_ms(X509_get0_notAfter(cert));
        BIO_free(bio);
        X509_free(cert);
        return true;
}
