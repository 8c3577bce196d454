/* A thread that does one thing every so often, until it is stopped. */
#ifndef CHSM_SERVER_TICKER_H
#define CHSM_SERVER_TICKER_H

#include "base/err.h"

struct ticker;

/* Calls tick(arg) at once and then every_ms after each call has returned, whatever happens to the time of
 * day. `what` names the thread in the error. NULL: err is set. */
struct ticker *ticker_start(const char *what, int every_ms, void (*tick)(void *), void *arg, struct err *err);
/* Waits for a call under way and for no more than that. NULL-safe; from any thread but its own. */
void ticker_stop(struct ticker **);

#endif
