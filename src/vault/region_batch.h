/* What travels from region to region, in two forms, both read as strangers' bytes: a batch of the change feed
 * and the records of a snapshot. docs/regions.md.
 *
 * A batch: version (u8), then revisions in ascending order: revision (u64), count (u32), and that many
 * changes: kind (u8: 0 put, 1 delete), key and value as blocks. A snapshot: magic, records in ascending order
 * of their keys (key and value as blocks), an empty key as the end, their count (u64). The last record
 * is z/region, with which the follower begins. */
#ifndef CHSM_VAULT_REGION_BATCH_H
#define CHSM_VAULT_REGION_BATCH_H

#include "base/buf.h"
#include "store/store.h"

#define REGION_BATCH_VERSION  1
#define REGION_SNAPSHOT_MAGIC SLICE_LIT("chsm region snapshot 1\n")

/* One revision of a batch; slices lend from its bytes. */
struct region_revision {
        store_rev rev;
        size_t n;
        struct store_op ops[STORE_OPS_MAX];
};

void region_batch_begin(struct buf *);
void region_batch_put(struct buf *, store_rev, const struct store_op *, size_t n);
/* A reader behind the version. False: not a batch. */
bool region_batch_open(struct slice bytes, struct reader *);
/* The next revision, greater than `after`. False at the end and where the bytes are none: region_batch_ended
 * tells which. */
bool region_batch_next(struct reader *, store_rev after, struct region_revision *);
bool region_batch_ended(const struct reader *);

/* ---- snapshots ---- */
void region_snapshot_put(struct buf *, struct slice key, struct slice value);
void region_snapshot_end(struct buf *, uint64_t count);

/* Reads a snapshot from a file, a record at a time. */
struct region_snapshot;
struct region_snapshot *region_snapshot_open(int fd, struct err *); /* lent, read from its start */
void region_snapshot_close(struct region_snapshot **);              /* NULL-safe */
/* The next record, valid until the next call. False: the end, or err is set. */
bool region_snapshot_next(struct region_snapshot *, struct slice *key, struct slice *value, struct err *);
/* Reads all of it: is it whole? Leaves the file at its end. */
bool region_snapshot_check(int fd, uint64_t *count, struct err *);

/* ---- which keys travel ---- */
enum region_kind {
        REGION_SHARED, /* what both regions have */
        REGION_LOCAL,  /* of the store itself: master keys as sealed for nodes, members, joining, regions */
        REGION_NODE,   /* of one node, by number: its chains, handles, starts */
};
/* number: of a REGION_NODE key. */
enum region_kind region_kind_of(struct slice key, uint32_t *number);

#endif
