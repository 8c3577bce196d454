/* Backups the node makes by itself: into a folder, every so often, the newest few kept. docs/backup.md. */
#ifndef CHSM_SERVER_SCHEDULE_H
#define CHSM_SERVER_SCHEDULE_H

#include "server/node.h"

struct schedule;

/* Starts the thread; NULL without err when the configuration names no folder. */
struct schedule *schedule_open(struct node *, struct err *);
void schedule_close(struct schedule **); /* lets a backup under way end; NULL-safe */

struct schedule_state {
        uint64_t made, failed;
        int64_t last_s; /* wall clock of the newest backup in the folder; 0: none */
        bool failing;   /* the last attempt failed */
};
void schedule_state(struct schedule *, struct schedule_state *);

/* Checks what can be checked without the owner, and says it: form, signatures, hash. */
bool schedule_verify(const char *path, struct err *);

#endif
