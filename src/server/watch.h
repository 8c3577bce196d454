/* A thread that looks once a second how busy this node is and how the store's members are, and tells the
 * vault. Apart from the main thread, which waits for the store when that is out of reach. */
#ifndef CHSM_SERVER_WATCH_H
#define CHSM_SERVER_WATCH_H

#include "server/loop.h"

struct watch;
struct watch *watch_open(struct server *, struct err *);
void watch_close(struct watch **); /* before the node; NULL-safe */

#endif
