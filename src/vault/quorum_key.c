/* Keys of persons: public RSA keys that people sign with outside the HSM. */
#include "base/text.h"
#include "crypto/mechanism.h"
#include "vault/quorum.h"

#define PEM_HEAD "-----BEGIN PUBLIC KEY-----"
#define PEM_TAIL "-----END PUBLIC KEY-----"
#define PEM_MAX  2048

static bool not_a_key(struct err *err)
{
        return err_set(err, ERR_ARGUMENT,
                       "the public key is not one RSA key of 2048 bits in PEM; make it with: openssl rsa -in "
                       "KEY -pubout");
}

static bool pem_body(struct slice pem, struct buf *der)
{
        struct buf text = BUF_INIT;
        size_t head = strlen(PEM_HEAD), i = head;
        bool ok;

        while (i < pem.n && pem.p[i] != '-') {
                if (pem.p[i] != '\n' && pem.p[i] != '\r')
                        buf_put_u8(&text, pem.p[i]);
                i++;
        }
        ok = pem.n - i >= strlen(PEM_TAIL) && memcmp(pem.p + i, PEM_TAIL, strlen(PEM_TAIL)) == 0;
        for (i += strlen(PEM_TAIL); ok && i < pem.n; i++)
                ok = pem.p[i] == '\n' || pem.p[i] == '\r';
        ok = ok && buf_ok(&text) && text_from_base64(buf_slice(&text), der);
        buf_clear(&text);
        return ok;
}

bool vault_person_key_read(struct vault *v, struct slice pem_or_der, struct vault_user_key *out,
                           struct err *err)
{
        size_t head = strlen(PEM_HEAD);
        bool pem = pem_or_der.n > head && memcmp(pem_or_der.p, PEM_HEAD, head) == 0;
        struct buf der = BUF_INIT;
        struct crypto_key *key = NULL;
        bool ok = pem_or_der.n <= PEM_MAX;

        if (ok && pem)
                ok = pem_body(pem_or_der, &der);
        else if (ok)
                buf_put_slice(&der, pem_or_der);
        ok = ok && buf_ok(&der) && der.n && der.n <= sizeof(out->der) &&
             crypto_key_open(v->deps.crypto, CRYPTO_PUBLIC, CKK_RSA, buf_slice(&der), &key, NULL) &&
             crypto_key_bits(key) == 2048;
        crypto_key_unref(&key);
        if (ok) {
                *out = (struct vault_user_key){ .n = (uint16_t)der.n };
                memcpy(out->der, der.p, der.n);
        }
        buf_clear(&der);
        return ok || not_a_key(err);
}

static bool verifies(struct vault *v, const struct vault_user_key *key, uint64_t mechanism, struct slice data,
                     struct slice signature)
{
        const struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        struct crypto_key *parsed = NULL;
        bool ok = key->n &&
                  crypto_key_open(v->deps.crypto, CRYPTO_PUBLIC, CKK_RSA, slice_of(key->der, key->n), &parsed,
                                  NULL) &&
                  crypto_verify(v->deps.crypto, crypto_mechanism_find(mechanism), &none, parsed, data,
                                signature, NULL);

        crypto_key_unref(&parsed);
        return ok;
}

bool vault_person_signed(struct vault *v, const struct vault_user_key *key, struct slice data,
                         struct slice signature)
{
        return verifies(v, key, CKM_SHA256_RSA_PKCS, data, signature);
}

bool vault_person_signed_digest(struct vault *v, const struct vault_user_key *key, const uint8_t digest[32],
                                struct slice signature)
{
        /* DigestInfo of SHA-256, RFC 8017 section 9.2 */
        uint8_t info[19 + 32] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                  0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

        memcpy(info + 19, digest, 32);
        return verifies(v, key, CKM_RSA_PKCS, slice_of(info, sizeof(info)), signature);
}

bool vault_person_key_hash(struct vault *v, const struct vault_user_key *key, uint8_t out[32])
{
        return crypto_sha256(v->deps.crypto, slice_of(key->der, key->n), out);
}
