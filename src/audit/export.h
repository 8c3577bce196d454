/* The exported audit log of a node: one JSON Lines file that anybody can check with the partition's public
 * key.
 *
 *   manifest                      what follows: each chain's first record, next record, start and head
 *   signature                     by the partition over the manifest's line
 *   for each chain of the manifest, in its order:
 *     bridge, signature           when earlier records were purged: says so, and where the chain goes on
 *     records                     as the node wrote them
 *
 * What is signed is a whole line with its newline (RSA PKCS#1 v1.5, SHA-256), so openssl checks it too.
 * docs/logs.md; spec/semantics.md 18. */
#ifndef CHSM_AUDIT_EXPORT_H
#define CHSM_AUDIT_EXPORT_H

#include "audit/audit.h"

#define AUDIT_CHAIN_NAME 16  /* bytes, with NUL */
#define AUDIT_CHAINS_MAX 257 /* 256 lanes and the log of key use */

/* A stretch of a chain. */
struct audit_stretch {
        char chain[AUDIT_CHAIN_NAME];
        uint64_t first, next;           /* sequence of its first record, and of the one after its last */
        uint8_t start[AUDIT_HASH_SIZE]; /* what its first record holds as the hash before it */
        uint8_t head[AUDIT_HASH_SIZE];  /* hash of its last record; start when it is empty */
};

/* The records before `next` of a chain were purged. */
struct audit_bridge {
        char chain[AUDIT_CHAIN_NAME];
        uint64_t next;
        uint8_t start[AUDIT_HASH_SIZE];
        int64_t time_ms;
        char user[32]; /* who asked for it */
};

/* The sequence of a chain's very first record: 0 in the log of key use, 1 in management chains. */
uint64_t audit_chain_base(const char *chain);

/* Each appends one line with its newline. Pure. */
bool audit_manifest_format(struct slice partition_id, const char *node, int64_t time_ms,
                           const struct audit_stretch *, size_t n, struct buf *line);
bool audit_bridge_format(struct slice partition_id, const char *node, const struct audit_bridge *,
                         struct buf *line);
bool audit_signature_format(struct slice signature, struct buf *line);

/* Checks an export as it comes, in pieces of any size. */
struct audit_check;
/* is_signed: whether the partition signed the text. */
struct audit_check *audit_check_new(struct crypto *,
                                    bool (*is_signed)(void *arg, struct slice text, struct slice signature),
                                    void *arg, struct err *);
void audit_check_free(struct audit_check **); /* NULL-safe */
/* False: the export is not what the partition gave; err names chain and record. */
bool audit_check_feed(struct audit_check *, struct slice, struct err *);
/* All has come. False: something is missing. */
bool audit_check_end(struct audit_check *, struct err *);

/* What was found; lent for the life of the check. */
struct audit_checked_chain {
        struct audit_stretch stretch;
        struct audit_bridge bridge; /* next 0: nothing was purged */
        uint64_t steps;             /* records earlier than the one before them */
        uint64_t step_at;           /* the first of them */
        int64_t step_ms;            /* and by how much */
};
struct audit_report {
        char node[64], partition[33];
        int64_t time_ms; /* of the export */
        uint64_t records;
        size_t chain_count;
        const struct audit_checked_chain *chains;
};
void audit_check_report(const struct audit_check *, struct audit_report *);

#endif
