/* Inside the etcd engine: what its files share. DESIGN section 6.
 *
 * Every transaction goes through one of ETCD_LANES lanes. A lane is a key of this node's that each of its
 * transactions guards and rewrites with a fresh id. So a transaction whose answer was lost is settled by
 * writing the lane once more under the same guard: either that succeeds, and the lost one can never apply,
 * or the lane tells whose write came through. The lane's put also takes guards-only transactions through
 * Raft.
 *
 * Keys, below the configured prefix:
 *   d/<key>              the store's keys, unless m/data says where else they are
 *   l/<node>/<lane>      id of the lane's last transaction; numbers in decimal
 *   n/<node>             which process writes as that node; every transaction guards it
 *   m/compacted          u64: history before it is gone for followers
 *   m/data               text, what the store's keys begin with since a stage was adopted: r/<id>/d/
 *   r/<id>/              a stage: all of the above, filled by a restore or migration before it is adopted
 */
#ifndef CHSM_STORE_ETCD_H
#define CHSM_STORE_ETCD_H

#include "store/engine.h"
#include "base/buf.h"
#include "etcd.pb-c.h"

#include <pthread.h>
#include <stdatomic.h>

#define ETCD_LANES       32
#define ETCD_LINE_READS  ETCD_LANES       /* the line of everything that is no transaction */
#define ETCD_LINES       (ETCD_LANES + 1) /* each is a connection of its own, used by one thread at a time */
#define ETCD_ID_SIZE     16
#define ETCD_TRY_MS      400  /* one try at one member */
#define ETCD_SETTLE_MS   3000 /* how much longer than asked a lost answer is settled */
#define ETCD_SILENCE_MS  1500 /* a watch that says nothing for so long is taken for dead */
#define ETCD_KEEP_BEHIND 1000 /* revisions kept behind what is told to be compacted */
#define ETCD_PREFIX_CONF 128  /* of the configuration */
#define ETCD_STAGE_SIZE  19   /* r/<16 hex digits>/ */
#define ETCD_DATA_MAX    (ETCD_STAGE_SIZE + 2)
#define ETCD_PREFIX_MAX  (ETCD_PREFIX_CONF + ETCD_DATA_MAX) /* room for prefix and what stands behind it */
#define ETCD_MEMBERS_MAX 9

/* What became of one call. */
enum etcd_outcome {
        ETCD_ANSWERED, /* the reply holds the message */
        ETCD_REFUSED,  /* the member says it did nothing: status and words */
        ETCD_UNSENT,   /* it never reached a member */
        ETCD_LOST      /* it may have been done */
};

struct etcd_reply {
        struct buf message;
        int status; /* gRPC's */
        char words[256];
};

/* What a watch does next. */
enum etcd_tick { ETCD_GO_ON, ETCD_ASK /* send the progress request */, ETCD_END };

struct etcd_listener {
        bool (*message)(void *arg, struct slice); /* false: end the stream */
        enum etcd_tick (*tick)(void *arg);        /* called at least every 100 ms */
        void *arg;
};

/* The way to the members: curl in use, in tests a fake that loses, delays and alters answers. */
struct etcd_wire {
        void *self;
        /* One unary call. method: "/etcdserverpb.KV/Txn". A line is used by one thread at a time. */
        enum etcd_outcome (*call)(void *self, unsigned line, const char *method, struct slice request,
                                  int timeout_ms, struct etcd_reply *);
        /* One stream, until it ends: sends first, then `ask` each time a tick says so. */
        enum etcd_outcome (*stream)(void *self, const char *method, struct slice first, struct slice ask,
                                    const struct etcd_listener *, struct etcd_reply *);
        void (*close)(void *self);
        /* One call to one member, over a connection that is for nothing else; one thread at a time. */
        enum etcd_outcome (*ask)(void *self, unsigned member, const char *method, struct slice request,
                                 int timeout_ms, struct etcd_reply *);
        unsigned members;
};

/* curl over HTTP/2 and mutual TLS. */
bool etcd_curl_open(const struct store_config *, struct etcd_wire *, struct err *);

/* ---- etcd_frame.c: pure ---- */
/* The message in a gRPC answer of one frame; false: not exactly one whole, uncompressed frame. */
bool etcd_frame_one(struct slice answer, struct slice *message);
/* The next frame of a growing stream: 1 found (consumed: bytes it took), 0 not whole yet, -1 malformed. */
int etcd_frame_next(struct slice bytes, struct slice *message, size_t *consumed);
void etcd_frame_put(struct buf *, struct slice message);
/* What a gRPC status says of the call it answers. */
enum etcd_outcome etcd_status_outcome(int status);
/* grpc-message with its %XX undone, cut to the size. */
void etcd_status_words(struct slice text, char *words, size_t size);

struct etcd_lane {
        unsigned number;
        bool busy;
        bool dirty; /* an answer is lost and not settled */
        store_rev rev;
        uint8_t pending[ETCD_ID_SIZE]; /* of the transaction whose answer is out */
        uint8_t settle[ETCD_ID_SIZE];
        struct etcd_reply reply;
        struct buf request, keys;
        struct etcd_txn_parts *parts; /* etcd_txn.c */
};

struct etcd_watch;

/* A transaction that waits until the followers have seen it. Each is woken by itself: when all were, at every
 * change that anybody makes, they cost more than the change. */
struct etcd_waiter {
        struct etcd_waiter *next;
        store_rev rev;
        pthread_cond_t woken; /* monotonic */
};

struct etcd {
        struct etcd_wire wire;
        char prefix[ETCD_PREFIX_MAX + 1];
        char data[ETCD_DATA_MAX + 1]; /* of the store's keys: "d/"; changes before the first follower only */
        store_rev data_rev;           /* of m/data; 0: absent */
        size_t beside; /* of a stage: bytes of prefix that are the present store's; 0: it is none */
        char beside_data[ETCD_DATA_MAX + 1]; /* and its `data` and `data_rev` when the stage was made */
        store_rev beside_rev;
        uint32_t node;
        uint8_t run[ETCD_ID_SIZE]; /* of this opening */
        pthread_mutex_t lock;
        pthread_cond_t moved;     /* monotonic: a watch has seen more, or stops */
        pthread_cond_t lane_free; /* monotonic */
        struct etcd_waiter *waiters;
        struct etcd_lane lanes[ETCD_LANES];
        struct etcd_watch *watches;
        pthread_mutex_t reads_lock; /* the line of reads */
        struct etcd_reply reads;
        struct buf reads_request;
        unsigned reads_patience; /* how often the time of a read's first try is doubled */
        pthread_mutex_t health_lock;
        struct etcd_reply health;
        _Atomic uint64_t cluster;     /* 0: not known yet */
        _Atomic int64_t highest;      /* revision of any answer */
        _Atomic int64_t compacted;    /* as told to followers */
        _Atomic bool fenced, foreign; /* another process writes as this node; another or an older cluster */
        _Atomic bool writable;
        _Atomic uint64_t txns, conflicts, settled;
};

/* The engine over a wire, which it takes over. */
void *etcd_open_over(const struct store_config *, struct etcd_wire, struct err *);

/* ---- etcd.c ---- */
int64_t etcd_now_ms(void);
/* A fresh random id. */
bool etcd_id_make(uint8_t id[ETCD_ID_SIZE], struct err *);
/* CLOCK_MONOTONIC until mono_ms. */
struct timespec etcd_until(int64_t mono_ms);
/* For waits until that. */
void etcd_cond_init(pthread_cond_t *);
/* prefix, kind, rest. The slice lies in buf and is valid until its next write. */
struct slice etcd_key(const struct etcd *, struct buf *, const char *kind, struct slice rest);
/* The first key after all that begin with this one, appended to buf as etcd_key's. */
struct slice etcd_key_end(struct buf *, struct slice key);
struct slice etcd_pack(struct buf *, const ProtobufCMessage *);
static inline ProtobufCBinaryData etcd_bytes(struct slice s)
{
        return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}
/* Is the answer from the cluster we know? Remembers its revision. */
bool etcd_header_ok(struct etcd *, const Etcd__ResponseHeader *, struct err *);
/* Why nothing is done any more: ERR_STORE_DAMAGED or ERR_STORE. False: nothing of the kind. */
bool etcd_broken(const struct etcd *, struct err *);
/* A refusal in our words; what: "the transaction". */
enum store_rc etcd_refusal(const struct etcd_reply *, const char *what, struct err *);
/* Does the refusal say that the members' quota is used up? */
bool etcd_is_full(const struct etcd_reply *);
/* A read, tried at each member until the deadline. */
enum store_rc etcd_read(struct etcd *, const char *method, const ProtobufCMessage *request, int timeout_ms,
                        const char *what, struct err *);

/* ---- etcd_txn.c ---- */
bool etcd_lanes_open(struct etcd *, struct err *);
void etcd_lanes_close(struct etcd *);
/* Makes this process the one that writes as its node: from here on every transaction of an older one fails.
 */
bool etcd_node_take(struct etcd *, struct err *);
enum store_rc etcd_txn(void *, const struct store_guard *, size_t, const struct store_op *, size_t, int,
                       struct store_result *, struct err *);
/* A change of keys of ours, through a lane; guards and keys stand behind the first `root` bytes of the
 * prefix. put_key, sweep_from: empty for none. */
struct etcd_own {
        size_t root;
        const struct store_guard *guards;
        size_t guard_count;
        struct slice put_key, put_value;
        struct slice sweep_from, sweep_to; /* everything between goes */
        struct slice sweep_also;           /* and everything that begins with this */
};
enum store_rc etcd_change_own(struct etcd *, const struct etcd_own *, int timeout_ms, struct err *);
/* One put of a key of ours outside d/, through a lane. key without the prefix. NULL key: none, a barrier. */
enum store_rc etcd_put_own(struct etcd *, const char *key, struct slice value, int timeout_ms, store_rev *,
                           struct err *);

/* ---- etcd_pages.c ---- */
/* The decoded answer, under reads_lock. NULL: rc and err. */
Etcd__RangeResponse *etcd_range_read(struct etcd *, const Etcd__RangeRequest *, const char *what,
                                     enum store_rc *, struct err *);
/* All keys within [from, to) at one revision, in order, without their first `skip` bytes; visit is called in
 * this thread. */
enum store_rc etcd_pages_read(struct etcd *, struct slice from, struct slice to, size_t skip,
                              bool (*visit)(void *arg, const struct store_event *), void *arg, store_rev *at,
                              struct err *);
/* Where `wanted` keys after `last` end, if they go on as densely as the n from first to last. False: that
 * cannot be told. */
bool etcd_page_reach(struct slice first, struct slice last, size_t n, size_t wanted, struct buf *out);

/* ---- etcd_load.c ---- */
enum store_rc etcd_load(void *, struct slice, bool (*)(void *, const struct store_event *), void *,
                        store_rev *, struct err *);
enum store_rc etcd_compact(void *, store_rev, struct err *);
enum store_rc etcd_status(void *, struct store_status *, struct err *);
/* Reads m/compacted. */
bool etcd_compacted_read(struct etcd *, struct err *);
/* The value of the key behind the first `root` bytes of the prefix, appended; *rev 0: absent. */
enum store_rc etcd_own_read(struct etcd *, size_t root, const char *key, struct buf *value, store_rev *rev,
                            struct err *);
/* How many keys begin with this, behind the prefix. */
enum store_rc etcd_count(struct etcd *, const char *kind, uint64_t *count, struct err *);

/* ---- etcd_stage.c ---- */
/* Makes the store a stage of the one it was configured as: sets the prefix. */
bool etcd_stage_name(struct etcd *, struct err *);
/* Once the lanes are open: what m/data of the store, or of the one beside, says; clears away what no store
 * needs any more. */
bool etcd_stage_open(struct etcd *, struct err *);
/* Without followers: looks whether a stage was adopted meanwhile, and goes over to it. */
bool etcd_data_follow(struct etcd *, struct err *);
enum store_rc etcd_adopt(void *, const struct store_guard *, size_t, int timeout_ms, struct err *);

/* ---- etcd_health.c ---- */
enum store_rc etcd_health(void *, struct store_health *, struct err *);

/* ---- etcd_watch.c ---- */
enum store_rc etcd_follow(void *, store_rev, const struct store_follower *, void **, struct err *);
void etcd_unfollow(void *, void *);
/* The parts of a follower, for its thread and for whoever feeds it by hand. NULL: no memory. */
struct etcd_watch *etcd_watch_make(struct etcd *, store_rev from, const struct store_follower *);
void etcd_watch_free(struct etcd_watch *);
/* Takes a message of the stream (arg: the watch). False: the stream is to be ended. */
bool etcd_watch_message(void *arg, struct slice);
/* Waits until every follower has seen rev, or is out of contact, or the deadline. */
void etcd_watch_wait(struct etcd *, store_rev rev, int64_t deadline_ms);

#endif
