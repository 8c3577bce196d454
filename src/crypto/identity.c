#include "crypto/identity.h"
#include "crypto/cert.h"
#include "crypto/internal.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

struct crypto_identity {
        struct crypto *crypto;
        EVP_PKEY *key;
        X509 *anchor;
        struct buf der;
        char name[CRYPTO_IDENTITY_NAME_MAX];
};

static X509 *x509_of(struct crypto *c, struct slice der)
{
        const uint8_t *at = der.p;
        X509 *cert = X509_new_ex(c->context, NULL);

        if (cert && (der.n == 0 || der.n > CRYPTO_CERT_MAX || !d2i_X509(&cert, &at, (long)der.n)))
                cert = NULL; /* d2i freed it */
        else if (cert && at != der.p + der.n) {
                X509_free(cert);
                cert = NULL;
        }
        ERR_clear_error();
        return cert;
}

static X509 *pem_x509(struct crypto *c, struct slice pem, struct buf *der, const char *what, struct err *err)
{
        X509 *cert;

        if (!crypto_cert_read(c, pem, der, err)) {
                err_prefix(err, "%s", what);
                return NULL;
        }
        cert = x509_of(c, buf_slice(der));
        if (!cert)
                err_set(err, ERR_CERT_INVALID, "%s cannot be read", what);
        return cert;
}

static bool in_time(const X509 *cert, int64_t now_ms)
{
        time_t now = (time_t)(now_ms / 1000);

        return X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
               X509_cmp_time(X509_get0_notAfter(cert), &now) > 0;
}

/* A name stands in the text that the owner signs, so it is one word, all of which is seen. */
static bool is_word(const char *name, int n)
{
        for (int i = 0; i < n; i++) {
                if (name[i] <= ' ' || name[i] > '~')
                        return false;
        }
        return true;
}

/* The certificate is under the anchor, in its time, and has a name. */
static bool node_cert_check(X509 *cert, X509 *anchor, int64_t now_ms, char name[CRYPTO_IDENTITY_NAME_MAX],
                            struct err *err)
{
        int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
                                          CRYPTO_IDENTITY_NAME_MAX);
        bool under = X509_verify(cert, X509_get0_pubkey(anchor)) == 1;

        ERR_clear_error();
        if (n <= 0)
                return err_set(err, ERR_CERT_INVALID, "the node's certificate has no common name");
        if (!is_word(name, n < CRYPTO_IDENTITY_NAME_MAX ? n : CRYPTO_IDENTITY_NAME_MAX - 1))
                return err_set(err, ERR_CERT_INVALID,
                               "the common name of the node's certificate is not one word of ASCII");
        if (!under)
                return err_set(err, ERR_CERT_INVALID,
                               "the certificate of node '%s' is not of this cluster's operator", name);
        return in_time(cert, now_ms) ||
               err_set(err, ERR_CERT_INVALID, "the certificate of node '%s' is not in its time", name);
}

struct crypto_identity *crypto_identity_open(struct crypto *c, struct slice certificate, struct slice key,
                                             struct slice anchor, int64_t now_ms, struct err *err)
{
        struct crypto_identity *id = calloc(1, sizeof(*id));
        struct buf anchor_der = BUF_INIT;
        BIO *bio = BIO_new_mem_buf(key.p, (int)key.n);
        X509 *own = NULL;
        bool ok = false;

        if (!id || !bio) {
                err_set(err, ERR_MEMORY, "no memory for the node's identity");
                goto out;
        }
        id->crypto = c;
        own = pem_x509(c, certificate, &id->der, "the node's certificate", err);
        id->anchor = own ? pem_x509(c, anchor, &anchor_der, "the operator's certificate", err) : NULL;
        if (!id->anchor)
                goto out;
        id->key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, c->context, NULL);
        if (!id->key || EVP_PKEY_eq(X509_get0_pubkey(own), id->key) != 1)
                err_set(err, ERR_CERT_INVALID, "the node's private key is not that of its certificate");
        else
                ok = node_cert_check(own, id->anchor, now_ms, id->name, err);
out:
        ERR_clear_error();
        X509_free(own);
        BIO_free(bio);
        buf_clear(&anchor_der);
        if (!ok)
                crypto_identity_free(&id);
        return id;
}

void crypto_identity_free(struct crypto_identity **idp)
{
        struct crypto_identity *id = *idp;

        *idp = NULL;
        if (!id)
                return;
        EVP_PKEY_free(id->key);
        X509_free(id->anchor);
        buf_clear(&id->der);
        free(id);
}

const char *crypto_identity_name(const struct crypto_identity *id)
{
        return id->name;
}

struct slice crypto_identity_certificate(const struct crypto_identity *id)
{
        return buf_slice(&id->der);
}

bool crypto_identity_fingerprint(struct crypto *c, struct slice certificate, uint8_t out[CRYPTO_HASH_SIZE])
{
        X509 *cert = x509_of(c, certificate);
        uint8_t *tbs = NULL;
        int n = cert ? i2d_re_X509_tbs(cert, &tbs) : 0;
        bool ok = n > 0 && crypto_sha256(c, slice_of(tbs, (size_t)n), out);

        OPENSSL_free(tbs);
        X509_free(cert);
        return ok;
}

/* Ed25519 and Ed448 hash by themselves. */
static const char *hash_of(const EVP_PKEY *key)
{
        return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : "SHA2-512";
}

static bool sign_with(struct crypto *c, EVP_PKEY *key, struct slice data, struct buf *signature,
                      struct err *err)
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        size_t n = 0;
        uint8_t *at;
        bool ok = false;

        if (ctx && EVP_DigestSignInit_ex(ctx, NULL, hash_of(key), c->context, NULL, key, NULL) == 1 &&
            EVP_DigestSign(ctx, NULL, &n, data.p, data.n) == 1 && (at = buf_extend(signature, n))) {
                size_t made = n;
                ok = EVP_DigestSign(ctx, at, &made, data.p, data.n) == 1;
                signature->n -= n - made;
        }
        EVP_MD_CTX_free(ctx);
        ERR_clear_error();
        return ok || err_set(err, ERR_INTERNAL, "the node cannot sign with its key");
}

static bool signed_by(struct crypto *c, EVP_PKEY *key, const char *hash, struct slice data,
                      struct slice signature)
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        bool ok = ctx && key && EVP_DigestVerifyInit_ex(ctx, NULL, hash, c->context, NULL, key, NULL) == 1 &&
                  EVP_DigestVerify(ctx, signature.p, signature.n, data.p, data.n) == 1;

        EVP_MD_CTX_free(ctx);
        ERR_clear_error();
        return ok;
}

bool crypto_identity_sign(struct crypto_identity *id, struct slice data, struct buf *signature,
                          struct err *err)
{
        return sign_with(id->crypto, id->key, data, signature, err);
}

bool crypto_identity_verify(struct crypto_identity *id, struct slice certificate, int64_t now_ms,
                            struct slice data, struct slice signature, char name[CRYPTO_IDENTITY_NAME_MAX],
                            struct err *err)
{
        X509 *cert = x509_of(id->crypto, certificate);
        bool ok = false;

        name[0] = '\0';
        if (!cert)
                err_set(err, ERR_CERT_INVALID, "the other node's certificate cannot be read");
        else if (node_cert_check(cert, id->anchor, now_ms, name, err))
                ok = signed_by(id->crypto, X509_get0_pubkey(cert), hash_of(X509_get0_pubkey(cert)), data,
                               signature) ||
                     err_set(err, ERR_CERT_INVALID, "the message is not signed by node '%s'", name);
        X509_free(cert);
        return ok;
}

bool crypto_partition_sign(struct crypto *c, const struct crypto_key *partition, struct slice data,
                           struct buf *signature, struct err *err)
{
        return sign_with(c, partition->pkey, data, signature, err);
}

bool crypto_partition_verify(struct crypto *c, struct slice owner, struct slice poac, struct slice data,
                             struct slice signature, struct err *err)
{
        X509 *root = x509_of(c, owner), *cert = x509_of(c, poac);
        bool ok = root && cert && X509_verify(root, X509_get0_pubkey(root)) == 1 &&
                  X509_verify(cert, X509_get0_pubkey(root)) == 1;

        ERR_clear_error();
        if (!ok)
                err_set(err, ERR_CERT_INVALID, "the partition's certificate is not of its owner");
        else
                ok = signed_by(c, X509_get0_pubkey(cert), "SHA2-512", data, signature) ||
                     err_set(err, ERR_CERT_INVALID, "the message is not signed by the partition");
        X509_free(root);
        X509_free(cert);
        return ok;
}

bool crypto_owner_signed(struct crypto *c, struct slice owner, struct slice data, struct slice signature)
{
        X509 *cert = x509_of(c, owner);
        bool ok = cert && signed_by(c, X509_get0_pubkey(cert), "SHA2-256", data, signature);

        X509_free(cert);
        return ok;
}
