/* Inside the operation event log. */
#ifndef CHSM_EVENTS_INTERNAL_H
#define CHSM_EVENTS_INTERNAL_H

#include "base/buf.h"
#include "events/events.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- ring.c: bounded queue of fixed slots, many producers, one consumer ---- */
#define EVENTS_RING 16384 /* slots; a power of two */
/* Two cache lines, which go from one core to another; a third only where names are wanted. */
struct events_slot {
        _Alignas(64) _Atomic uint64_t turn;
        int64_t time_ms;
        const char *operation;
        uint32_t duration_us;
        uint16_t opcode, reason;
        char address[48], client[48];
        char user[32];
        uint64_t object;
        uint32_t session;
};
struct events_ring {
        _Alignas(64) _Atomic uint64_t tail; /* producers */
        _Alignas(64) uint64_t head;         /* consumer */
        struct events_slot *slots;
};
bool events_ring_open(struct events_ring *);
void events_ring_close(struct events_ring *);
/* A slot to fill, to be published; NULL: the ring is full. */
struct events_slot *events_ring_claim(struct events_ring *);
void events_ring_publish(struct events_slot *);
/* The oldest event, or NULL; released when it is done with. */
struct events_slot *events_ring_peek(struct events_ring *);
void events_ring_release(struct events_ring *, struct events_slot *);

/* ---- format.c ---- */
struct events_format {
        const char *node;
        bool names;
        int64_t start_ms; /* part of RecordId */
        struct buf tail;  /* what all records end in */
        uint64_t number;  /* of the next record */
};
bool events_format_open(struct events_format *, const struct events_config *);
void events_format_close(struct events_format *);
/* Appends one line. */
void events_format_put(struct events_format *, const struct events_slot *, struct buf *);
void events_format_lost(struct events_format *, uint64_t lost, struct buf *);
/* A text field of a line that events_format_put wrote, without quotes; as it stands there, escaped. */
struct slice events_line_field(struct slice line, const char *name);

/* ---- file.c ---- */
struct events_file;
struct events_file *events_file_open(const char *path, uint64_t max, unsigned keep, struct err *);
void events_file_close(struct events_file **); /* NULL-safe */
/* All of the lines, or none. */
bool events_file_put(struct events_file *, struct slice lines, struct err *);
void events_file_reopen(struct events_file *);

/* ---- spool.c: lines on disk until all readers have them ---- */
struct events_spool;
/* names: of the readers. *torn: a record was cut off by a crash. */
struct events_spool *events_spool_open(const char *folder, uint64_t max, const char *const *names, size_t n,
                                       bool *torn, struct err *);
void events_spool_close(struct events_spool **); /* NULL-safe */
/* All of the lines, or none. */
bool events_spool_put(struct events_spool *, struct slice lines, struct err *);
uint64_t events_spool_bytes(struct events_spool *);
/* Waits for lines and gives whole ones, about `most` bytes at most. False: closing, or it cannot be read. */
bool events_spool_read(struct events_spool *, size_t reader, size_t most, struct buf *lines, struct err *);
/* The first n bytes of what was read are delivered. */
void events_spool_done(struct events_spool *, size_t reader, size_t n);
/* Waits; false: closing. */
bool events_spool_pause(struct events_spool *, int64_t ms);
bool events_spool_closing(struct events_spool *);
/* Ends all waiting. */
void events_spool_stop(struct events_spool *);

/* ---- sinks: socket.c, https.c ---- */
struct events_sink {
        const char *name;
        size_t most; /* bytes of one delivery */
        /* Delivers lines, in order; *sent: bytes of those that were taken, also when it fails. */
        bool (*send)(void *arg, struct slice lines, size_t *sent, struct err *);
        void (*close)(void *arg);
        void *arg;
};
bool events_syslog_open(struct events_sink *, const char *path, struct err *);
bool events_journal_open(struct events_sink *, const char *path, struct err *);
bool events_https_open(struct events_sink *, const struct events_config *, const _Atomic bool *closing,
                       struct err *);

/* ---- forward.c: a thread that carries lines from the spool to a sink ---- */
struct events_forward {
        struct events_sink sink;
        struct events_spool *spool;
        size_t reader;
        unsigned retry_max_s;
        pthread_t thread;
        bool started, failing;
        _Atomic uint64_t sent, retries;
};
bool events_forward_start(struct events_forward *, struct err *);
void events_forward_join(struct events_forward *);

#endif
