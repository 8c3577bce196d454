/* The audit log: JSON Lines in a hash chain, one record a command with its result.
 *
 * Each record holds the SHA-256 of the line before it, so an edit, a cut, a gap or a change of order is found
 * by whoever knows a later head. spec/semantics.md 18; DESIGN section 5.10. */
#ifndef CHSM_AUDIT_AUDIT_H
#define CHSM_AUDIT_AUDIT_H

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/crypto.h"

#define AUDIT_HASH_SIZE 32

/* What a record says. Text may be NULL: then the field is left out. */
struct audit_record {
        const char *node;
        const char *chain; /* "use", "mgmt-00" ... */
        uint64_t sequence;
        int64_t time_ms;
        const char *operation; /* "CN_LOGIN" */
        uint32_t opcode;
        const char *user;
        const char *role;
        const char *context; /* first 8 hex digits of the application context */
        const char *peer;
        const char *subject; /* user acted upon */
        uint64_t object;     /* 0: none */
        uint64_t object2;    /* public half, wrapping key; 0: none */
        uint64_t mechanism;  /* 0: none */
        uint32_t result;     /* CKR_ */
        const char *reason;  /* row name of base/err.h, NULL when done */
        const char *detail;
        const char *udd; /* what the user wants said with his records */
        uint32_t boot;   /* how often the node had started */
};

/* The hash a chain starts with: of partition, node and chain name. */
bool audit_genesis(struct crypto *, struct slice partition_id, const char *node, const char *chain,
                   uint8_t out[AUDIT_HASH_SIZE]);
/* What a partition signs (RSA PKCS#1 v1.5, SHA-256) as the head of a node's key-use log of `count` records.
 */
bool audit_head_text(struct slice partition_id, const char *node, uint64_t count,
                     const uint8_t hash[AUDIT_HASH_SIZE], int64_t time_ms, struct buf *out);
/* Appends the record as one line with its newline. Pure. */
bool audit_record_format(const struct audit_record *, const uint8_t previous[AUDIT_HASH_SIZE],
                         struct buf *line);
/* The hash the next record must hold. */
bool audit_line_hash(struct crypto *, struct slice line, uint8_t out[AUDIT_HASH_SIZE]);

/* The writer of a node's key-use log: any thread appends, one thread chains and writes. */
struct audit_writer;
struct audit_writer_config {
        const char *folder; /* holds use-<first sequence>.jsonl */
        const char *node;
        struct slice partition_id;
        struct crypto *crypto;
        struct clock clock;
        size_t queue;    /* records waiting at most; 0: 32,768 */
        size_t file_max; /* bytes after which a new file begins; 0: 64 MiB */
        /* What the partition signed last: a log that ends before it, or is another there, is not gone on
         * with. 0: nothing is known. */
        uint64_t checkpoint;
        uint8_t checkpoint_hash[AUDIT_HASH_SIZE];
};
/* Goes on where the newest file ends; a torn last line is cut off and told in a record of its own. */
struct audit_writer *audit_writer_open(const struct audit_writer_config *, struct err *);
/* Waits for room when the queue is full: nothing is lost. node, chain, sequence and time are filled in. */
void audit_writer_append(struct audit_writer *, const struct audit_record *);
/* Whether it is about to wait: who must not, asks first and does nothing that would be recorded. Any thread.
 */
bool audit_writer_crowded(struct audit_writer *);
/* Waits until everything appended before is in the file. False: writing failed, err says why. */
bool audit_writer_flush(struct audit_writer *, struct err *);
void audit_writer_head(struct audit_writer *, uint64_t *sequence, uint8_t hash[AUDIT_HASH_SIZE]);
void audit_writer_close(struct audit_writer **); /* flushes; NULL-safe */
/* Whether the last batch could not be written: the next record finds out whether it is over. Any thread. */
bool audit_writer_failing(struct audit_writer *);
/* Records lost to failures since it was opened. */
uint64_t audit_writer_lost(struct audit_writer *);
/* ---- read.c ---- */
/* Appends whole lines from record `from` on: at most `limit`, and not many more bytes than `bytes`. Nothing
 * is appended past the end. ERR_AUDIT when the record is there no more. */
bool audit_writer_read(struct audit_writer *, uint64_t from, uint32_t limit, size_t bytes, struct buf *lines,
                       struct err *);
/* Sequence and previous hash of the oldest record in the folder. */
bool audit_writer_first(struct audit_writer *, uint64_t *sequence, uint8_t start[AUDIT_HASH_SIZE],
                        struct err *);
/* Where files end of which every record is earlier than before_ms: the newest file is never among them. */
bool audit_writer_boundary(struct audit_writer *, int64_t before_ms, uint64_t *sequence,
                           uint8_t start[AUDIT_HASH_SIZE], struct err *);
/* Removes the files whose records all come before `next`, but the newest. */
bool audit_writer_drop(struct audit_writer *, uint64_t next, struct err *);

/* Checks one chain's lines, which may come in several pieces. */
struct audit_verify {
        struct crypto *crypto;
        uint8_t expected[AUDIT_HASH_SIZE]; /* hash the next line must hold */
        uint64_t next_sequence;
        int64_t last_time_ms;
        uint64_t records;
        uint64_t steps;      /* records earlier than the one before them: the clock was set back */
        uint64_t step_at;    /* sequence of the first of them */
        int64_t step_ms;     /* and by how much */
        uint64_t checkpoint; /* not 0: after so many records of the chain the hash must be this */
        uint8_t checkpoint_hash[AUDIT_HASH_SIZE];
        bool checkpoint_met;
};
/* Whole lines only. ERR_AUDIT names the record and what is wrong with it. A time that goes back is no damage,
 * as the chain holds: it is counted in steps. */
bool audit_verify_lines(struct audit_verify *, struct slice lines, struct err *);
/* Begins at this line, whatever went before it. False: it is no record. */
bool audit_verify_adopt(struct audit_verify *, struct slice line);

/* A folder's files of the key-use log, in the order of their records. */
struct audit_file {
        char *path;
        uint64_t first; /* sequence of its first record */
};
struct audit_files {
        struct audit_file *rows;
        size_t n;
};
bool audit_files_list(const char *folder, struct audit_files *, struct err *);
void audit_files_free(struct audit_files *);
/* Makes v expect the file's first record: where the chain begins, or what the record itself says. */
bool audit_files_start(struct audit_verify *v, const struct audit_file *, struct slice partition_id,
                       const char *node, struct err *);
/* Checks the files from the given one on. The chain's start is checked when the first record is among them
 * and partition_id is not empty; else it is taken as it stands. *torn: bytes of an unfinished record at the
 * very end. */
bool audit_verify_files(struct audit_verify *, const struct audit_files *, size_t from,
                        struct slice partition_id, const char *node, size_t *torn, struct err *);

#endif
