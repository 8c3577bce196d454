/* How many bytes come out of a mechanism. The node makes its results by these rows and the module answers
 * length queries by them, so that the two cannot differ. Rows: mechanism_size_rows.c. Functions keep no
 * state: any thread. */
#ifndef CHSM_CK_MECHANISM_SIZE_H
#define CHSM_CK_MECHANISM_SIZE_H

#include "ck/mechanism_param.h"

struct ck_mech_size {
        uint64_t mechanism;
        uint8_t result; /* a digest or MAC: bytes; the most, where the parameter says how many. 0: neither */
        uint8_t unit;   /* a cipher: bytes come out in multiples of this many. 0: it is none, or needs all its
                           data at once */
        uint8_t keep_encrypt, keep_decrypt; /* bytes that stay behind until the end is known, at least */
        bool pads;          /* encryption fills the last unit up, with a whole one if need be */
        bool authenticates; /* a tag follows the encrypted data; nothing is decrypted before it is checked */
        uint8_t prefix;     /* bytes of IV before the encrypted data */
};

/* NULL: the mechanism has no row, its results hang on the key. */
const struct ck_mech_size *ck_mech_size(uint64_t mechanism);
/* Ascending by mechanism; NULL past the end. */
const struct ck_mech_size *ck_mech_size_at(size_t i);
size_t ck_mech_size_count(void);

/* Bytes of the digest or MAC that mechanism makes under this parameter; 0 when it makes neither. */
size_t ck_mech_result(uint64_t mechanism, const struct ck_mech_param *);

/* Bytes of the tag that a parameter asks for; 0 when it is none of an authenticating cipher. */
size_t ck_mech_tag(const struct ck_mech_param *);

/* Of n bytes that a cipher was given and has not answered: how many it answers before its end is known. As
 * many come out. */
size_t ck_mech_ready(const struct ck_mech_size *, bool encrypts, size_t n);

/* Bytes that come out at the end when n bytes were not answered before; the most, for decryption of padding.
 */
size_t ck_mech_end(const struct ck_mech_size *, const struct ck_mech_param *, bool encrypts, size_t n);

#endif
