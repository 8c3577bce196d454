/* Contexts of block and stream ciphers for keys of every type. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <stdio.h>

/* Key bytes as the cipher wants them. DES with one key K, or two K1, K2, is triple DES with K K K, or
 * K1 K2 K1; libcrypto's default provider has triple DES only. */
static struct slice cipher_key(const struct crypto_key *key, uint8_t expanded[24])
{
        struct slice bytes = sec_slice(key->secret);
        const struct crypto_secret *row = crypto_secret_find(key->type);

        if (!row->parity)
                return bytes;
        for (size_t i = 0; i < 24; i++)
                expanded[i] = bytes.p[i % bytes.n];
        return slice_of(expanded, 24);
}

static void cipher_name(const struct crypto_key *key, const char *mode, char name[32])
{
        const struct crypto_secret *row = crypto_secret_find(key->type);

        if (!row->cipher)
                (void)snprintf(name, 32, "%s", mode);
        else if (row->parity)
                (void)snprintf(name, 32, "%s-%s", row->cipher, mode);
        else
                (void)snprintf(name, 32, "%s-%u-%s", row->cipher, key->bits, mode);
}

EVP_CIPHER_CTX *crypto_cipher_context(const struct crypto_key *key, const char *mode, bool encrypt)
{
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        EVP_CIPHER *cipher;
        uint8_t expanded[24];
        char name[32];

        cipher_name(key, mode, name);
        cipher = EVP_CIPHER_fetch(key->crypto->context, name, NULL);
        if (context)
                EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        if (!cipher || !context ||
            EVP_CipherInit_ex2(context, cipher, cipher_key(key, expanded).p, NULL, encrypt, NULL) != 1) {
                EVP_CIPHER_CTX_free(context);
                context = NULL;
        }
        sec_wipe(expanded, sizeof(expanded));
        EVP_CIPHER_free(cipher);
        return context;
}
