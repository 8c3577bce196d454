/* What certificate objects say of themselves: fields of an X.509 certificate, as PKCS#11 wants them. */
#include "ck/cryptoki.h"
#include "crypto/cert.h"
#include "crypto/internal.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

static bool put_der(struct buf *out, uint8_t *der, int n)
{
        if (n > 0)
                buf_put(out, der, (size_t)n);
        OPENSSL_free(der);
        return n > 0 && buf_ok(out);
}

static bool put_name(struct buf *out, const X509_NAME *name)
{
        uint8_t *der = NULL;
        int n = i2d_X509_NAME(name, &der);

        return put_der(out, der, n);
}

/* The whole INTEGER, as the standard asks. */
static bool put_serial(struct buf *out, const X509 *cert)
{
        uint8_t *der = NULL;
        int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);

        return put_der(out, der, n);
}

static bool put_public_info(struct buf *out, X509 *cert)
{
        uint8_t *der = NULL;
        int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

        return put_der(out, der, n);
}

/* YYYYMMDD; a date that has no such form stays out. */
static bool put_date(struct buf *out, const ASN1_TIME *time)
{
        struct tm parts;
        char text[16];

        if (ASN1_TIME_to_tm(time, &parts) != 1 || parts.tm_year < -1900 || parts.tm_year > 8099)
                return true;
        (void)snprintf(text, sizeof(text), "%04d%02d%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday);
        buf_put(out, text, 8);
        return buf_ok(out);
}

bool crypto_cert_field(struct crypto *c, struct slice der, uint64_t attribute, struct buf *out)
{
        const uint8_t *at = der.p;
        X509 *cert = X509_new_ex(c->context, NULL);
        bool ok = false;

        if (cert && der.n <= CRYPTO_CERT_OBJECT_MAX && d2i_X509(&cert, &at, (long)der.n)) {
                switch (at == der.p + der.n ? attribute : CK_UNAVAILABLE_INFORMATION) {
                case CKA_SUBJECT:
                        ok = put_name(out, X509_get_subject_name(cert));
                        break;
                case CKA_ISSUER:
                        ok = put_name(out, X509_get_issuer_name(cert));
                        break;
                case CKA_SERIAL_NUMBER:
                        ok = put_serial(out, cert);
                        break;
                case CKA_PUBLIC_KEY_INFO:
                        ok = put_public_info(out, cert);
                        break;
                case CKA_START_DATE:
                        ok = put_date(out, X509_get0_notBefore(cert));
                        break;
                case CKA_END_DATE:
                        ok = put_date(out, X509_get0_notAfter(cert));
                        break;
                default:
                        break;
                }
                X509_free(cert);
        }
        ERR_clear_error();
        return ok;
}

bool crypto_cert_check_value(struct crypto *c, struct slice value, uint8_t out[3])
{
        uint8_t hash[20];

        if (EVP_Digest(value.p, value.n, hash, NULL, c->md[HASH_SHA1], NULL) != 1)
                return false;
        memcpy(out, hash, 3);
        return true;
}
