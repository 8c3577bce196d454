/* One engine for all tests of a file, and short ways to make keys. */
#ifndef CHSM_TESTS_CRYPTO_ENGINE_H
#define CHSM_TESTS_CRYPTO_ENGINE_H

#include "test.h"
#include "base/text.h"
#include "ck/cryptoki.h"
#include "crypto/mechanism.h"
#include "crypto/seal.h"

static struct crypto *engine;

static inline int engine_open(void **state)
{
        struct err err = ERR_INIT;

        (void)state;
        engine = crypto_new(NULL, &err);
        if (!engine)
                print_error("%s\n", err.detail);
        return engine ? 0 : -1;
}

static inline int engine_close(void **state)
{
        (void)state;
        crypto_free(&engine);
        return 0;
}

static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

static inline struct crypto_key_spec spec_rsa(uint32_t bits)
{
        return (struct crypto_key_spec){ .key_type = CKK_RSA, .bits = bits };
}

static inline struct crypto_key_spec spec_p256(void)
{
        return (struct crypto_key_spec){ .key_type = CKK_EC, .curve = slice_of(oid_p256, sizeof(oid_p256)) };
}

static inline struct crypto_key_spec spec_ed25519(void)
{
        return (struct crypto_key_spec){ .key_type = CKK_EC_EDWARDS,
                                         .curve = slice_of(oid_ed25519, sizeof(oid_ed25519)) };
}

/* Bytes of hex text; the caller clears. */
static inline struct buf bytes_of(const char *hex)
{
        struct buf b = BUF_INIT;

        assert_true(text_from_hex(slice_str(hex), &b));
        return b;
}

static inline struct crypto_key *secret_of(uint64_t type, const char *hex)
{
        struct buf b = bytes_of(hex);
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;

        assert_true(crypto_key_open(engine, CRYPTO_SECRET, type, buf_slice(&b), &key, &err));
        buf_clear(&b);
        return key;
}

#endif
