/* chsm-util: files of key bytes, and private keys in PEM. */
#include "base/file.h"
#include "ck/cryptoki.h"
#include "tools/util_move.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

struct sec *util_read_secret(struct shell *sh, const char *path)
{
        return file_read_secret(path, UTIL_KEY_FILE_MAX, true, &sh->err);
}

bool util_write_secret(struct shell *sh, const char *path, struct slice bytes)
{
        return util_write(sh, path, bytes, 0600);
}

/* ---- PEM in ---- */

/* Nobody is asked for the password of a file: documented, and a password in a prompt would be one more secret
 * to lose. */
static int no_password(char *out, int size, int writing, void *arg)
{
        (void)writing;
        if (size > 0)
                out[0] = 0;
        *(bool *)arg = true;
        return -1;
}

static uint64_t type_of(const EVP_PKEY *key)
{
        switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA:
                return CKK_RSA;
        case EVP_PKEY_EC:
                return CKK_EC;
        case EVP_PKEY_ED25519:
        case EVP_PKEY_ED448:
                return CKK_EC_EDWARDS;
        case EVP_PKEY_X25519:
        case EVP_PKEY_X448:
                return CKK_EC_MONTGOMERY;
        default:
                return CK_UNAVAILABLE_INFORMATION;
        }
}

static struct sec *pkcs8_of(EVP_PKEY *key)
{
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        unsigned char *der = NULL;
        int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
        struct sec *out = n > 0 ? sec_copy(slice_of(der, (size_t)n)) : NULL;

        OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
        PKCS8_PRIV_KEY_INFO_free(info);
        return out;
}

void *util_pem_key(struct shell *sh, const char *path)
{
        struct sec *text = util_read_secret(sh, path);
        BIO *bio = text ? BIO_new_mem_buf(sec_slice(text).p, (int)sec_size(text)) : NULL;
        bool locked = false;
        EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &locked) : NULL;

        if (text && locked)
                (void)shell_fail(
                    sh, ERR_USAGE,
                    "'%s' is protected by a password; take it off with: openssl pkey -in %s -out "
                    "FILE",
                    path, path);
        else if (text && !key)
                (void)shell_fail(sh, ERR_USAGE, "'%s' holds no private key in PEM", path);
        BIO_free(bio);
        sec_free(&text);
        ERR_clear_error();
        return key;
}

struct sec *util_pem_private(struct shell *sh, const char *path, uint64_t *key_type)
{
        EVP_PKEY *key = util_pem_key(sh, path);
        struct sec *der = NULL;
        uint64_t handle;

        if (!key)
                return NULL;
        *key_type = type_of(key);
        if (*key_type == CK_UNAVAILABLE_INFORMATION)
                (void)shell_fail(sh, ERR_KEY_TYPE, "'%s' holds a key of a type that is not kept here", path);
        else if (util_fake_pem(key, &handle))
                (void)shell_fail(sh, ERR_USAGE, "'%s' holds no key: it stands for key %llu of an HSM", path,
                                 (unsigned long long)handle);
        else if (!(der = pkcs8_of(key)))
                (void)shell_fail(sh, ERR_CRYPTO, "the private key in '%s' cannot be written as PKCS#8", path);
        EVP_PKEY_free(key);
        ERR_clear_error();
        return der;
}

/* ---- PEM out: by hand, as the library's own writers leave copies in plain memory ---- */

#define LINE_BYTES 48 /* of DER; 64 characters */

struct sec *util_pem_of_private(struct slice der)
{
        static const char first[] = "-----BEGIN PRIVATE KEY-----\n", last[] = "-----END PRIVATE KEY-----\n";
        size_t lines = (der.n + LINE_BYTES - 1) / LINE_BYTES, at = sizeof(first) - 1;
        struct sec *out = sec_new(sizeof(first) + sizeof(last) + lines * 66);

        if (!out)
                return NULL;
        memcpy(sec_bytes(out), first, at);
        for (size_t i = 0; i < der.n; i += LINE_BYTES) {
                size_t n = der.n - i < LINE_BYTES ? der.n - i : LINE_BYTES;

                at += (size_t)EVP_EncodeBlock(sec_bytes(out) + at, der.p + i, (int)n);
                sec_bytes(out)[at++] = '\n';
        }
        memcpy(sec_bytes(out) + at, last, sizeof(last) - 1);
        sec_shrink(out, at + sizeof(last) - 1);
        return out;
}
