/* What the files of the fake share. */
#ifndef CHSM_TESTS_FAKE_INTERNAL_H
#define CHSM_TESTS_FAKE_INTERNAL_H

#include "fake_etcd.h"

#include <pthread.h>

#define FAKE_EVENTS 128
#define FAKE_PAGE   64 /* keys of an answer at most, whatever was asked for */

struct entry {
        char key[128];
        uint8_t *value; /* heap */
        size_t key_n, value_n;
        store_rev rev;
        bool deleted;
};

struct fake {
        pthread_mutex_t lock;
        struct entry *history; /* every change, in order; the last of a key is what it is */
        size_t n, cap;
        store_rev rev, compacted;
        uint64_t cluster;
        enum fake_fault fault;
        unsigned times;
        int status;
        char words[128];
        unsigned mask, per_mille, seed;
        unsigned cut_after, calls, streams;
        unsigned swallow;
        bool doubled, silent, cut_off, fills, full;
        unsigned until_cut;          /* calls before it is; 0: never */
        struct buf last[ETCD_LINES]; /* answers */
        struct buf late;             /* a delayed request */
};

/* The last change of a key; NULL: it is absent. */
const struct entry *fake_entry(struct fake *, const ProtobufCBinaryData *key);
/* A change at the present revision. value NULL: it goes. */
void fake_entry_add(struct fake *, const ProtobufCBinaryData *key, const ProtobufCBinaryData *value);

#endif
