/* Multi-part operations whose data exceeds one message. */
#ifndef CHSM_VAULT_STREAM_H
#define CHSM_VAULT_STREAM_H

#include "vault/key_use.h"

#define VAULT_STREAM_KEYS 8 /* most keys in one digest */
/* Whose stream it is stands in the top byte of its number, so that clients send its parts there. */
#define VAULT_STREAM_NODE   56
#define VAULT_STREAM_RANDOM (((uint64_t)1 << VAULT_STREAM_NODE) - 1)

struct vault_stream {
        uint64_t id; /* random but for node and place */
        uint32_t user_id;
        uint8_t context[VAULT_CONTEXT_SIZE];
        int64_t used_ms;
        uint64_t turn;     /* grows with each use: the smallest was used longest ago */
        uint64_t sequence; /* of the part that comes next */
        bool busy;
        enum crypto_op op;
        uint64_t handle; /* of the key; 0: sealed, or none */
        struct buf sealed, parameter;
        struct ck_mech_param param; /* of parameter, into which it points */
        uint64_t mechanism;
        struct crypto_stream *state;
        uint32_t digested[VAULT_STREAM_KEYS]; /* token keys whose values are in the digest */
        size_t digested_count;
        /* decryption of authenticated data */
        bool verified;      /* the first pass ended with a good tag */
        uint64_t part;      /* of this pass */
        uint8_t secret[32]; /* makes the receipts */
};

bool vault_streams_open(struct vault *, struct err *);
void vault_streams_close(struct vault *); /* when nothing was opened: nothing */
/* Was one used within the last seconds, so that it is likely to go on? */
bool vault_streams_active(struct vault *);

/* Whether the stream's operation may be done now, as its single-part command would ask. vault_use_end either
 * way. */
bool vault_stream_use(struct vault_call *, const struct vault_stream *, struct vault_use *);

/* stream_crypt.c: one part of an encryption or decryption, whose answer it sets. *over: it was the last.
 * Whoever fails is over as well. */
bool vault_stream_crypt(struct vault_call *, struct vault_stream *, bool *over);

#endif
