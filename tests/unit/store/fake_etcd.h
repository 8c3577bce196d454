/* An etcd in memory behind struct etcd_wire, which answers wrongly on demand. It keeps what the real one
 * promises (transactions in order, revisions, history), so that a test can look afterwards what was done. */
#ifndef CHSM_TESTS_FAKE_ETCD_H
#define CHSM_TESTS_FAKE_ETCD_H

#include "store/etcd.h"

enum fake_fault {
        FAKE_NONE,
        FAKE_UNSENT,       /* no connection */
        FAKE_LOSE_REQUEST, /* it never arrives, and nobody says so */
        FAKE_LOSE_ANSWER,  /* done, but the answer is lost */
        FAKE_DELAY,        /* arrives after the next call of any line */
        FAKE_REPEAT,       /* done, and the line's last answer comes once more */
        FAKE_TRUNCATE,     /* done, the answer is cut */
        FAKE_GARBLE,       /* done, the answer is noise */
        FAKE_STATUS,       /* not done, with fake->status */
        FAKE_STATUS_DONE,  /* done, with fake->status */
        FAKE_OLDER,        /* done, but the header's revision is lower than before */
        FAKE_FOREIGN,      /* done, the header is another cluster's */
        FAKE_NO_HEADER,
        FAKE_KINDS
};

struct fake;
struct fake *fake_make(void);
void fake_free(struct fake *); /* after the store is closed */
struct etcd_wire fake_wire(struct fake *);
/* The next `times` calls have this fault; then none. status: gRPC's, with words. */
void fake_next(struct fake *, enum fake_fault, unsigned times, int status, const char *words);
/* Each call has one of the faults of the mask (1u << fault) with this chance in 1,000. seed: repeats the run.
 */
void fake_storm(struct fake *, unsigned mask, unsigned per_mille, unsigned seed);
/* Each stream is ended after that many messages; 0: never. */
void fake_cut_streams(struct fake *, unsigned after);
/* Streams send each message twice. */
void fake_double_streams(struct fake *, bool on);
/* Streams say nothing any more, but stay open. */
void fake_silence(struct fake *, bool on);
/* That call and all after it are refused; 0: none is any more. So a process that dies there is played. */
void fake_cut_off(struct fake *, unsigned after);
bool fake_is_cut_off(struct fake *);
/* So many revisions are not told to streams, and nobody hears of it. */
void fake_swallow(struct fake *, unsigned revisions);
/* What an operator does with etcdctl: puts or (NULL) deletes a key. */
void fake_edit(struct fake *, const char *prefix, struct slice key, const struct slice *value);
/* History is compacted while nobody listens: each stream ends, and what it missed is gone.
 * fake_cut_streams(0) ends it. */
void fake_forget(struct fake *);
/* Compacts at the newest revision, as an operator may. */
void fake_compact(struct fake *);
/* The quota is used up by the next write, which is made and answered with NOSPACE, as etcd does; then every
 * transaction that could write is refused. False: there is room again. */
void fake_fill(struct fake *, bool full);
/* Streams and answers come from another cluster from now on. */
void fake_replace(struct fake *);
#define FAKE_VALUE_MAX 64
/* The value below the prefix's d/, as text. False: absent. */
bool fake_value(struct fake *, const char *key, char value[FAKE_VALUE_MAX], store_rev *rev);
unsigned fake_calls(struct fake *);
unsigned fake_streams(struct fake *);

#endif
