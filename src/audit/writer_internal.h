/* Inside the log of key use: what its writer and its reader share. */
#ifndef CHSM_AUDIT_WRITER_INTERNAL_H
#define CHSM_AUDIT_WRITER_INTERNAL_H

#include "audit/audit.h"

#include "crypto/seal.h"

#include <pthread.h>
#include <stdatomic.h>

/* Where a record stands: readers ask for one page after the other. */
struct audit_place {
        uint64_t file; /* sequence of the file's first record */
        uint64_t sequence;
        size_t offset;
};

/* A record with its texts copied, so that the caller's may go. */
struct audit_waiting {
        struct audit_record record;
        char user[32], role[8], context[12], peer[72], subject[32], detail[200], udd[72];
};

struct audit_writer {
        struct audit_writer_config config;
        char *node, *folder, *path;
        int fd;
        size_t size; /* of the file */
        pthread_t thread;
        struct crypto_hasher *hasher; /* the writer's thread alone */
        pthread_mutex_t lock;
        pthread_cond_t filled, drained;
        struct audit_waiting *queue, *spare; /* of `capacity`: what waits, and what is being written */
        size_t capacity, count;
        uint64_t appended, written; /* records taken in, records in the file or lost to a failure */
        unsigned waiters;   /* callers that wait for what is queued to be written: no gathering then */
        bool closing, idle; /* idle: the writer waits to be told of a record */
        struct err trouble; /* of the last batch; under lock */
        uint64_t lost;      /* records that could not be written since the last good batch; writer thread */
        uint64_t sequence;  /* of the next record; the writer's thread alone */
        uint64_t head;      /* the same after the last batch, with its hash; under lock */
        uint8_t head_hash[AUDIT_HASH_SIZE];
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t last_ms;
        bool stepped;             /* the clock is behind last_ms, and a record says so */
        _Atomic bool failing;     /* the last batch could not be written */
        _Atomic bool crowded;     /* little room is left in the queue */
        _Atomic uint64_t dropped; /* records lost since it was opened */
        struct audit_place place; /* where reading went on; under lock */
};

#endif
