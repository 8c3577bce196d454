/* chsm-util: what the commands share that move keys in and out: files of secrets, mechanisms with their
 * parameters, and the header of wrapped files. */
#ifndef CHSM_TOOLS_UTIL_MOVE_H
#define CHSM_TOOLS_UTIL_MOVE_H

#include "tools/util.h"

#define UTIL_KEY_FILE_MAX 65536

/* ---- files of secrets ---- */

/* A file of key bytes. Caller frees. NULL: sh->err. */
struct sec *util_read_secret(struct shell *, const char *path);
/* Written for its owner alone. */
bool util_write_secret(struct shell *, const char *path, struct slice);
/* The private key in a PEM file without a password, an EVP_PKEY. Caller frees. NULL: sh->err says what the
 * file is instead. */
void *util_pem_key(struct shell *, const char *path);
/* Is the key (an EVP_PKEY) one of getCaviumPrivKey's, which stands for a handle? */
bool util_fake_pem(const void *pkey, uint64_t *handle);
/* PKCS#8 in DER of a private key in PEM, without a password; *key_type becomes its CKK_. Caller frees. NULL:
 * sh->err says what the file is instead. */
struct sec *util_pem_private(struct shell *, const char *path, uint64_t *key_type);
/* PEM of a private key in PKCS#8. Caller frees. */
struct sec *util_pem_of_private(struct slice der);

/* ---- wrapping ---- */

enum util_wrap_kind { UTIL_WRAP_PLAIN, UTIL_WRAP_KW, UTIL_WRAP_GCM, UTIL_WRAP_OAEP, UTIL_WRAP_RSA_AES };

struct util_wrap_row {
        uint64_t number;  /* of -m */
        const char *name; /* as the documented tool calls it */
        uint64_t mechanism;
        enum util_wrap_kind kind;
        bool own_iv; /* the HSM writes the IV before the data */
        bool unwraps_only;
};
const struct util_wrap_row *util_wrap_row(uint64_t number); /* NULL: none */

/* How a key is wrapped: options as given, and what they say. */
struct util_wrapping {
        const char *mechanism, *hash, *aad_file, *tag, *iv_text, *iv_file, *no_header;
        const struct util_wrap_row *row;
        uint64_t hash_number, tag_bytes;
        struct buf aad; /* of the caller */
        struct buf
            header; /* what is bound to the wrapped key where the mechanism can; empty without header */
        struct buf iv;
        struct buf parameter; /* flat */
        Chsm__Mechanism m;
};
#define UTIL_WRAPPING_OPTIONS(w)                                                                             \
        { "-m", &(w).mechanism, false, true }, { "-t", &(w).hash, false, false },                            \
            { "-aad", &(w).aad_file, false, false }, { "-tag_size", &(w).tag, false, false },                \
            { "-i", &(w).iv_text, false, false }, { "-iv_file", &(w).iv_file, false, false },                \
        {                                                                                                    \
                "-noheader", &(w).no_header, true, false                                                     \
        }
/* Reads the options; refuses those the mechanism does not take. */
uint32_t util_wrapping_read(struct shell *, struct util_wrapping *);
/* w->m for wrapping or unwrapping, by header, aad and iv. */
uint32_t util_wrapping_ready(struct shell *, struct util_wrapping *);
void util_wrapping_clear(struct util_wrapping *);

/* A key leaves under another. */
uint32_t util_wrap_call(struct shell *, const Chsm__Mechanism *, const Chsm__ObjectRef *wrapping,
                        const Chsm__ObjectRef *key, struct chsm_answer *);

/* ---- header of wrapped files (docs/key-tasks.md): "CHSMKEY" and version 1, mechanism, hash, tag size and 0
 * as bytes, then the key's attributes as a block (u32 length); all this is w->header. A block with the IV
 * follows, and the wrapped key. ---- */

/* w->header for a key, with its attributes as the node tells them. */
uint32_t util_header_make(struct shell *, struct util_wrapping *, const Chsm__ObjectRef *key);
/* The whole file. */
bool util_header_file(const struct util_wrapping *, struct slice wrapped, struct buf *out);
/* Reads a file: w->header, w->iv, and attributes and wrapped key, lent from it. Options given must agree. */
uint32_t util_header_read(struct shell *, struct util_wrapping *, struct slice file, struct slice *attributes,
                          struct slice *wrapped);

/* ---- what other commands need of these ---- */
/* Handles parted by commas. Caller frees. */
uint32_t util_handles(struct shell *, const char *option, const char *text, uint64_t **, size_t *n);
/* Wraps a key into a file with a header, by AES-GCM, and brings it back; nothing is said. */
uint32_t util_wrap_file(struct shell *, const char *key, const char *with, const char *file);
uint32_t util_unwrap_file(struct shell *, const char *file, const char *with, uint64_t *handle);
/* The point of an EC or Montgomery public key in PEM, as ECDH takes it. */
uint32_t util_public_point(struct shell *, const char *file, struct buf *);
/* A public key of a PEM or DER file as a session object that may wrap; ref lends from the answer. */
uint32_t util_public_session(struct shell *, const char *file, struct chsm_answer *, Chsm__ObjectRef *ref);
/* Has a key that the caller sees this CKA_ID? (util_bulk.c) */
uint32_t util_id_taken(struct shell *, const char *id, bool *taken);
/* CKA_EC_PARAMS of a curve number, and what makes pairs on it. (util_key.c) */
uint32_t util_curve(struct shell *, const char *number, struct slice *params, uint64_t *mechanism);

extern const struct shell_command util_import_rows[], util_export_rows[], util_wrap_command_rows[],
    util_public_rows[], util_aes_wrap_rows[], util_fake_pem_rows[], util_hsm_info_rows[], util_derive_rows[],
    util_split_rows[], util_park_rows[], util_atomic_rows[], util_context_rows[];

#endif
