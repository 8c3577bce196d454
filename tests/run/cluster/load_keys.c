/* What is done with keys. */
#include "load.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#define LABEL_MAX 96

static _Atomic uint32_t next_number;

/* A key of the worker is there, with this handle and this owner. */
static bool key_made(const struct history_call *call, CK_RV rv, const char *label,
                     const CK_OBJECT_HANDLE *key)
{
        char value[32];

        history_end(call, (uint32_t)rv, "1", "key:%s", label);
        if (rv != CKR_OK)
                return false;
        (void)snprintf(value, sizeof(value), "%lu", (unsigned long)*key);
        history_end(call, 0, value, "handle:%s", label);
        (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)load.worker.user_id);
        history_end(call, 0, value, "owner:%s", label);
        return true;
}

/* ---- signing ---- */

static bool make_pair(const struct app *app, CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE *pub,
                      CK_OBJECT_HANDLE *priv)
{
        struct history_call call = history_begin("write", app->who, "C_GenerateKeyPair");
        CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE of_public[] = { { CKA_EC_PARAMS, p256, sizeof(p256) }, { CKA_VERIFY, &yes, 1 } };
        CK_ATTRIBUTE of_private[] = { { CKA_TOKEN, &yes, 1 },
                                      { CKA_SIGN, &yes, 1 },
                                      { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) } };

        return key_made(&call, app->f->C_GenerateKeyPair(s, &m, of_public, 2, of_private, 3, pub, priv),
                        label, priv);
}

static EVP_PKEY *public_key(const struct app *app, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
        CK_BYTE point[80]; /* an octet string around 65 bytes */
        CK_ATTRIBUTE a = { CKA_EC_POINT, point, sizeof(point) };
        char curve[] = "P-256";
        OSSL_PARAM params[3];
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        EVP_PKEY *pkey = NULL;

        if (app->f->C_GetAttributeValue(s, key, &a, 1) == CKR_OK && a.ulValueLen == 67) {
                params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
                params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point + 2, 65);
                params[2] = OSSL_PARAM_construct_end();
                if (EVP_PKEY_fromdata_init(ctx) <= 0 ||
                    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
                        pkey = NULL;
        }
        EVP_PKEY_CTX_free(ctx);
        return pkey;
}

static bool verifies(EVP_PKEY *pkey, const CK_BYTE hash[32], const CK_BYTE raw[64])
{
        ECDSA_SIG *sig = ECDSA_SIG_new();
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
        unsigned char *der = NULL;
        int n;
        bool good;

        (void)ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
        n = i2d_ECDSA_SIG(sig, &der);
        good = n > 0 && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, der, (size_t)n, hash, 32) == 1;
        OPENSSL_free(der);
        ECDSA_SIG_free(sig);
        EVP_PKEY_CTX_free(ctx);
        return good;
}

static CK_RV sign(const struct app *app, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_BYTE hash[32],
                  CK_BYTE raw[64])
{
        CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
        CK_ULONG n = 64;
        CK_RV rv = app->f->C_SignInit(s, &m, key);

        return rv != CKR_OK ? rv : app->f->C_Sign(s, hash, 32, raw, &n);
}

void *load_signer(void *arg)
{
        const struct app *app = &load.worker;
        CK_SESSION_HANDLE s = app_session(app);
        CK_OBJECT_HANDLE pub = 0, priv = 0;
        EVP_PKEY *pkey = make_pair(app, s, load.prefix, &pub, &priv) ? public_key(app, s, pub) : NULL;

        (void)arg;
        while (!atomic_load(&load.over)) {
                CK_BYTE hash[32] = { 7 }, raw[64];
                uint32_t number = atomic_fetch_add(&next_number, 1);
                struct history_call call = history_begin("use", app->who, "C_Sign");
                CK_RV rv;

                memcpy(hash + 1, &number, sizeof(number));
                rv = sign(app, s, priv, hash, raw);
                history_end(&call, (uint32_t)rv,
                            rv == CKR_OK && pkey && verifies(pkey, hash, raw) ? "good" : "bad", "sign");
                load_pace(2);
        }
        EVP_PKEY_free(pkey);
        return NULL;
}

/* ---- encryption ---- */

/* The first use of a key is a change, as its record says from then on that it was used. */
static void crypt_once(const struct app *app, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *what)
{
        struct history_call call = history_begin("use", app->who, "C_Encrypt, C_Decrypt");
        bool good;
        CK_RV rv = app_crypt(app, s, key, atomic_fetch_add(&next_number, 1), &good);

        history_end(&call, (uint32_t)rv, good ? "good" : "bad", "%s", what);
}

/* ---- making, looking, deleting ---- */

static bool make_key(CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE *key)
{
        struct history_call call = history_begin("write", load.worker.who, "C_GenerateKey");

        return key_made(&call, app_make_key(&load.worker, s, label, key), label, key);
}

void *load_cipher(void *arg)
{
        CK_SESSION_HANDLE s = app_session(&load.worker);
        CK_OBJECT_HANDLE key = 0;
        const char *what = "first use";
        char label[LABEL_MAX];

        (void)arg;
        (void)snprintf(label, sizeof(label), "%s-cipher", load.prefix);
        (void)make_key(s, label, &key);
        while (!atomic_load(&load.over)) {
                crypt_once(&load.worker, s, key, what);
                what = "crypt";
                load_pace(3);
        }
        return NULL;
}

/* What the application sees now; for the owner it is the key, for others that it is shared. */
static CK_OBJECT_HANDLE look(const struct app *app, CK_SESSION_HANDLE s, const char *kind, const char *label)
{
        struct history_call call = history_begin("read", app->who, "C_FindObjects");
        CK_OBJECT_HANDLE key = 0;
        CK_ULONG n;
        CK_RV rv = app_find(app, s, label, &n, &key);
        char value[32];

        (void)snprintf(value, sizeof(value), "%lu", (unsigned long)n);
        history_end(&call, (uint32_t)rv, value, "%s:%s", kind, label);
        return rv == CKR_OK && n ? key : 0;
}

static void delete_key(CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE key)
{
        struct history_call call = history_begin("write", load.worker.who, "C_DestroyObject");

        history_end(&call, (uint32_t)load.worker.f->C_DestroyObject(s, key), "0", "key:%s", label);
}

void *load_maker(void *arg)
{
        CK_SESSION_HANDLE s = app_session(&load.worker);

        (void)arg;
        while (!atomic_load(&load.over)) {
                uint32_t number = atomic_fetch_add(&next_number, 1);
                CK_OBJECT_HANDLE key = 0;
                char label[LABEL_MAX];

                (void)snprintf(label, sizeof(label), "%s-%u", load.prefix, number);
                if (make_key(s, label, &key)) {
                        (void)look(&load.worker, s, "key", label);
                        if (number % 3 == 0) {
                                delete_key(s, label, key);
                                (void)look(&load.worker, s, "key", label);
                        }
                }
                load_pace(8);
        }
        return NULL;
}

/* ---- sharing ---- */

static bool share(const char *label, CK_OBJECT_HANDLE key, bool on)
{
        struct history_call call = history_begin("write", load.worker.who, "shareKey");
        uint32_t rv = direct_share(load.owner, key, load.partner.user_id, on);

        history_end(&call, rv, on ? "1" : "0", "share:%s", label);
        return rv == 0;
}

void *load_sharer(void *arg)
{
        CK_SESSION_HANDLE s = app_session(&load.worker), other = app_session(&load.partner);

        (void)arg;
        while (!atomic_load(&load.over)) {
                uint32_t number = atomic_fetch_add(&next_number, 1);
                CK_OBJECT_HANDLE key = 0, seen;
                char label[LABEL_MAX];

                (void)snprintf(label, sizeof(label), "%s-%u", load.prefix, number);
                load_pace(15);
                if (!make_key(s, label, &key) || look(&load.partner, other, "share", label) ||
                    !share(label, key, true))
                        continue;
                seen = look(&load.partner, other, "share", label);
                if (seen)
                        crypt_once(&load.partner, other, seen, "first use");
                if (number % 3 == 0 || !share(label, key, false))
                        continue;
                (void)look(&load.partner, other, "share", label);
        }
        return NULL;
}
