/* libchsm: the client library behind the PKCS#11 module and the tools.
 *
 * A struct chsm is one application's way to the HSM: connections to its endpoints (the local daemon, or
 * nodes), one application context, at most one login. Any thread may call; no thread is ever started: while
 * several threads wait, one of them does the reading for all, so requests of many threads share one
 * connection and their writes are combined. Lost connections are made anew and unanswered requests sent
 * again, each request being safe to repeat (mutating ones carry an idempotency key), within the caller's
 * deadline. */
#ifndef CHSM_CLIENT_CHSM_H
#define CHSM_CLIENT_CHSM_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "chsm.pb-c.h"
#include "wire/conn.h"
#include <signal.h>

struct chsm;

struct chsm_endpoint {
        const char *host; /* socket path, host name or address */
        uint16_t port;
};

struct chsm_options {
        struct wire_dialer dialer;
        const struct chsm_endpoint *endpoints;
        size_t endpoint_count;
        const char *name; /* "libchsm-pkcs11/0.1.0", for the node's log */
        int deadline_ms;  /* of a call, all retries included; 0: 5,000 */
        int connect_ms;   /* of one connection attempt; 0: 2,000 */
        size_t max_frame; /* 0: 1 MiB */
        bool lazy;        /* chsm_open succeeds although nobody answers yet */
        /* A flag that a signal handler of the application sets: while it is not 0, calls end with
         * ERR_CANCELLED. A signal wakes a thread that waits. NULL: none. */
        const volatile sig_atomic_t *cancel;
};

/* Connects to one endpoint and says hello; ERR_CONNECT names every endpoint tried and why it failed. */
struct chsm *chsm_open(const struct chsm_options *, struct err *);
/* Ends the context (retires its session objects if any were made and a login is held), closes. NULL-safe. */
void chsm_close(struct chsm **);
/* Around fork, for the handlers of pthread_atfork: prepare waits until no thread changes anything, parent
 * lets them go on, and the child abandons: it frees and closes without sending anything. */
void chsm_fork_prepare(struct chsm *);
void chsm_fork_parent(struct chsm *);
void chsm_abandon(struct chsm **); /* NULL-safe */
/* Every call under way and every later one ends with ERR_NOT_INITIALIZED; chsm_close is due when they have
 * returned. Any thread. */
void chsm_interrupt(struct chsm *);

/* Whether a node answers, asked for at most once a second and waited for at most wait_ms. */
bool chsm_reach(struct chsm *, int wait_ms);
/* The node's last hello (state, label, limits); valid until chsm_close. */
const Chsm__HelloResponse *chsm_hello(struct chsm *);
/* The largest data block one call can carry now, before or after login, with room for the rest of the
 * message. */
size_t chsm_data_max(struct chsm *);

/* An answer owns the memory of its message. */
struct chsm_answer {
        struct arena *arena;
        const Chsm__Response *response;
};
#define CHSM_ANSWER_INIT ((struct chsm_answer){ NULL, NULL })
/* Frees and wipes; the answer may be used again. */
void chsm_answer_clear(struct chsm_answer *);

/* Sends the request and waits for its answer. The library fills in id, ticket, context, revision, deadline
 * and idempotency key; the caller sets the body. Returns the CKR_ value: the node's, or CKR_DEVICE_ERROR when
 * no endpoint could answer within the deadline. err carries reason and sentence of every refusal. */
uint32_t chsm_call(struct chsm *, Chsm__Request *, struct chsm_answer *, struct err *);

/* role: numeric type (1 CU, 2 CO, 6 PRECO). The password is not kept: the ticket is. */
uint32_t chsm_login(struct chsm *, uint32_t role, struct slice user, struct slice password, struct err *);
/* The same for users with a second factor: a challenge of auth_challenge, and the signature of its digest. */
uint32_t chsm_login_signed(struct chsm *, uint32_t role, struct slice user, struct slice password,
                           struct slice challenge, struct slice signature, struct err *);
uint32_t chsm_logout(struct chsm *, struct err *);
/* What the node remarked on the last login, or an empty text. Copied. */
#define CHSM_REMARK_MAX 256
void chsm_login_remark(struct chsm *, char out[CHSM_REMARK_MAX]);
bool chsm_logged_in(struct chsm *, uint64_t *user_id);
/* Takes a ticket that came with another answer than that of a login (unlockCO). */
bool chsm_use_ticket(struct chsm *, struct slice ticket, uint64_t user_id, struct err *);
/* Forgets the ticket without asking anyone (the node said it is no longer valid). */
void chsm_forget_login(struct chsm *);
/* Highest revision seen in answers: caches that were filled at it are still true. */
int64_t chsm_revision(struct chsm *);
/* For how long at most a node that answered had no contact with its cluster's store; 0: all had. */
uint64_t chsm_stale_ms(struct chsm *);
/* Random bytes for the module's own needs (getrandom). */
bool chsm_local_random(void *out, size_t n);

#endif
