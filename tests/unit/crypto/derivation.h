/* Flat parameters of derivations, for the tests of them. */
#ifndef CHSM_TESTS_CRYPTO_DERIVATION_H
#define CHSM_TESTS_CRYPTO_DERIVATION_H

#include "engine.h"

#include <ctype.h>
#include <stdlib.h>

static inline void put_piece(struct buf *out, const char *text)
{
        char kind = (char)tolower(text[0]);
        uint32_t width = (uint32_t)strtoul(text + 1, NULL, 10);
        struct buf bytes = BUF_INIT;

        if (kind == 'x') {
                assert_true(text_from_hex(slice_str(text + 1), &bytes));
                buf_put_u32(out, CK_SP800_108_BYTE_ARRAY);
        } else {
                buf_put_u32(out, kind == 'i'   ? CK_SP800_108_ITERATION_VARIABLE
                                 : kind == 'c' ? CK_SP800_108_COUNTER
                                               : CK_SP800_108_DKM_LENGTH);
        }
        buf_put_u8(out, width > 0 && kind != 'x');
        if (width && kind != 'x') {
                buf_put_u8(out, isupper(text[0]) != 0);
                buf_put_u32(out, width);
                buf_put_u32(out, kind == 'l'   ? CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS
                                 : kind == 's' ? CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS
                                               : 0);
        } else {
                buf_put_block(out, buf_slice(&bytes));
        }
        buf_clear(&bytes);
}

/* The flat form of an SP 800-108 parameter; feedback has an IV (its p may be NULL then), others none. */
static inline void put_kdf108(struct buf *out, uint64_t mechanism, uint64_t prf, const char *pieces,
                              struct slice iv)
{
        struct buf list = BUF_INIT;
        char *copy = strdup(pieces), *save = NULL;
        uint32_t n = 0;

        for (char *at = strtok_r(copy, " ", &save); at; at = strtok_r(NULL, " ", &save)) {
                put_piece(&list, at);
                n++;
        }
        buf_put_u64(out, prf);
        if (mechanism == CKM_SP800_108_FEEDBACK_KDF)
                buf_put_block(out, iv);
        buf_put_u32(out, n);
        buf_put_block(out, buf_slice(&list));
        free(copy);
        buf_clear(&list);
}

static inline void put_hkdf(struct buf *out, bool extract, bool expand, uint64_t hash, uint32_t salt_type,
                            struct slice salt, struct slice info)
{
        buf_put_u8(out, extract);
        buf_put_u8(out, expand);
        buf_put_u64(out, hash);
        buf_put_u32(out, salt_type);
        buf_put_block(out, salt);
        buf_put_block(out, info);
}

/* Bytes of the key as a buf the caller clears. */
static inline struct buf value_of(const struct crypto_key *key)
{
        struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *value = crypto_key_material(key, &err);

        assert_non_null(value);
        buf_put_slice(&out, sec_slice(value));
        sec_free(&value);
        return out;
}

#endif
