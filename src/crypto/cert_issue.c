/* Making certificates and requests: the manufacturer-style chain of a new node, the partition's request. */
#include "crypto/cert.h"
#include "crypto/internal.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#define BACKDATE_S 3600

static bool name_fill(X509_NAME *name, const struct crypto_cert_name *from)
{
        const struct {
                const char *field, *value;
        } rows[] = { { "C", from->c },   { "ST", from->st }, { "O", from->o },
                     { "OU", from->ou }, { "L", from->l },   { "CN", from->cn } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].value &&
                    X509_NAME_add_entry_by_txt(name, rows[i].field, MBSTRING_UTF8,
                                               (const unsigned char *)rows[i].value, -1, -1, 0) != 1)
                        return false;
        }
        return true;
}

bool crypto_cert_request(struct crypto *c, const struct crypto_key *key, const struct crypto_cert_name *name,
                         struct buf *pem, struct err *err)
{
        X509_REQ *request = X509_REQ_new_ex(c->context, NULL);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long n = 0;

        if (request && bio && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
            name_fill(X509_REQ_get_subject_name(request), name) &&
            X509_REQ_set_pubkey(request, key->pkey) == 1 &&
            X509_REQ_sign(request, key->pkey, c->md[HASH_SHA256]) > 0 &&
            PEM_write_bio_X509_REQ(bio, request) == 1)
                n = BIO_get_mem_data(bio, &text);
        if (n > 0)
                buf_put(pem, text, (size_t)n);
        BIO_free(bio);
        X509_REQ_free(request);
        return n > 0 || crypto_failed(err, "making a certificate request");
}

static bool serial_set(struct crypto *c, X509 *cert)
{
        uint8_t bytes[16];
        BIGNUM *number = NULL;
        bool ok = crypto_random(c, bytes, sizeof(bytes), NULL);

        bytes[0] &= 0x7f;
        if (ok)
                number = BN_bin2bn(bytes, sizeof(bytes), NULL);
        ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
        BN_free(number);
        return ok;
}

static bool extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX context;
        X509_EXTENSION *extension;
        bool ok;

        X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        ok = extension && X509_add_ext(cert, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        return ok;
}

static bool validity_set(X509 *cert, int64_t now_ms, int days)
{
        time_t from = (time_t)(now_ms / 1000 - BACKDATE_S);
        time_t until = (time_t)(now_ms / 1000) + (time_t)days * 86400;

        return ASN1_TIME_set(X509_getm_notBefore(cert), from) &&
               ASN1_TIME_set(X509_getm_notAfter(cert), until);
}

bool crypto_cert_issue(struct crypto *c, const struct crypto_key *subject_key,
                       const struct crypto_cert_name *name, const struct crypto_key *issuer_key,
                       struct slice issuer_der, bool is_ca, int days, int64_t now_ms, struct buf *der,
                       struct err *err)
{
        const uint8_t *at = issuer_der.p;
        X509 *cert = X509_new_ex(c->context, NULL);
        X509 *issuer = issuer_der.n ? d2i_X509(NULL, &at, (long)issuer_der.n) : NULL;
        uint8_t *bytes = NULL;
        int n = 0;

        if (cert && (issuer || !issuer_der.n) && X509_set_version(cert, X509_VERSION_3) == 1 &&
            serial_set(c, cert) && name_fill(X509_get_subject_name(cert), name) &&
            X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) == 1 &&
            validity_set(cert, now_ms, days) && X509_set_pubkey(cert, subject_key->pkey) == 1 &&
            extension_add(cert, issuer ? issuer : cert, NID_basic_constraints,
                          is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
            extension_add(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash") &&
            X509_sign(cert, issuer_key->pkey, c->md[HASH_SHA256]) > 0)
                n = i2d_X509(cert, &bytes);
        if (n > 0)
                buf_put(der, bytes, (size_t)n);
        OPENSSL_free(bytes);
        X509_free(cert);
        X509_free(issuer);
        return n > 0 || crypto_failed(err, "issuing a certificate");
}

struct sec *crypto_key_private_pem(const struct crypto_key *key, struct err *err)
{
        BIO *bio = BIO_new(BIO_s_secmem());
        struct sec *out = NULL;
        char *text;
        long n = 0;

        if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1)
                n = BIO_get_mem_data(bio, &text);
        if (n > 0)
                out = sec_copy(slice_of(text, (size_t)n));
        if (n > 0)
                sec_wipe(text, (size_t)n);
        BIO_free(bio);
        if (!out)
                crypto_failed(err, "writing a private key");
        return out;
}
