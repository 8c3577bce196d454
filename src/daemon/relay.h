/* Relays: each is one thread that carries frames between applications and nodes, undecoded.
 *
 * A relay has a pool of connections to the nodes. Ids are replaced on the way, and a request asks for a node
 * that has seen what any application of this host has been told of: what one changed the others see,
 * whichever node they get to. Everything else, the login ticket included, is the application's business. */
#ifndef CHSM_DAEMON_RELAY_H
#define CHSM_DAEMON_RELAY_H

#include "daemon/conf.h"
#include <stdatomic.h>

struct relay_shared {
        const struct daemon_conf *conf;
        struct chsm_options options; /* of the way to the nodes */
        _Atomic size_t connections;
        _Atomic int64_t revision; /* the highest in any answer */
        _Atomic bool stopping;
        _Atomic unsigned asked; /* how often was asked for the nodes */
};

struct relay;
struct relay *relay_new(struct relay_shared *, struct err *);
/* Hands an accepted socket over; any thread. */
void relay_take(struct relay *, int fd);
/* After a change of what is shared: the thread looks. Any thread. */
void relay_wake(struct relay *);
/* Ends the thread; requests under way are dropped, as their applications see the connection close. NULL-safe.
 */
void relay_free(struct relay **);
/* Connections that a system user has in all relays: counted by the accepting thread and given back here. */
size_t relay_user_count(uid_t, int change);

#endif
