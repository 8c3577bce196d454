/* The operation event log: one JSON record a command, for monitoring. spec/semantics.md 17; docs/logs.md
 *
 *   any thread -> ring (no lock, no allocation) -> writer thread -> file
 *                                                              \-> spool on disk -> a thread each: syslog,
 *                                                                                   journal, HTTPS endpoint
 *
 * What the spool has taken survives an outage of its destinations and a restart. Whatever is lost all the
 * same (spool or disk full) is counted, and told by a record of its own as soon as one can be written. */
#ifndef CHSM_EVENTS_EVENTS_H
#define CHSM_EVENTS_EVENTS_H

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

/* What happened; texts are lent. */
struct events_event {
        const char *operation; /* "CN_LOGIN"; static */
        uint32_t opcode;
        const char *address; /* "127.0.0.1:36306 CN=host"; the port and what follows are left out */
        const char *client;  /* "chsm-client/0.1.0" */
        enum err_id reason;
        uint64_t duration_us;
        /* Shown with events_names only. */
        const char *user; /* NULL: none */
        uint64_t object;
        uint32_t session; /* of the application context */
};

struct events_config {
        const char *node;
        const char *folder;            /* of the spool; copied */
        const char *file;              /* empty: none */
        uint64_t file_max;             /* bytes after which the file is rotated */
        unsigned file_keep;            /* rotated files kept beside it */
        const char *syslog;            /* path of its socket; empty: none */
        const char *journal;           /* the same */
        const char *url;               /* https://...; empty: none */
        const char *ca;                /* PEM file; empty: the system's */
        const char *certificate, *key; /* of the client, PEM; empty: none */
        const char *authorization;     /* file whose first line is sent as Authorization; empty: none */
        unsigned batch;                /* records in one HTTPS request */
        unsigned retry_max_s;          /* longest wait between two tries */
        uint64_t spool_max;            /* bytes waiting on disk at most */
        bool refuse; /* commands are refused while records cannot be kept; else records are lost */
        bool names;
        const char *tenant, *resource; /* TenantId, _ResourceId */
};

struct events;
/* NULL and no error: no destination is configured. Texts outlive it. */
struct events *events_open(const struct events_config *, struct err *);
/* Delivers what is queued to file and spool, and ends; the spool waits for the next start. NULL-safe. */
void events_close(struct events **);
/* Any thread. */
void events_add(struct events *, const struct events_event *);
/* False: records cannot be kept now, and commands are to be refused. */
bool events_may(struct events *, struct err *);
/* The log file was moved away: goes on in a new one. */
void events_reopen(struct events *);

struct events_counts {
        uint64_t taken, lost, spooled_bytes;
        struct {
                const char *name; /* NULL: ends the list */
                uint64_t sent, retries;
        } destinations[4];
};
void events_counts(struct events *, struct events_counts *);

#endif
