/* Secret bytes: locked in memory, left out of core dumps, wiped when freed.
 *
 * Plain buffers cannot hold them by accident: a struct sec is opaque and is read through sec_slice. */
#ifndef CHSM_BASE_SEC_H
#define CHSM_BASE_SEC_H

#include "base/slice.h"

struct sec;

/* n zero bytes (n may be 0), or NULL when no memory could be had. Small secrets share locked pages. */
struct sec *sec_new(size_t n);
struct sec *sec_copy(struct slice);
void sec_free(struct sec **); /* wipes; NULL-safe; clears the pointer */
uint8_t *sec_bytes(struct sec *);
size_t sec_size(const struct sec *);
struct slice sec_slice(const struct sec *);
/* Shortens; the cut bytes are wiped. n must not exceed the size. */
void sec_shrink(struct sec *, size_t n);

/* Overwrites n bytes in a way the compiler keeps. */
void sec_wipe(void *p, size_t n);
/* Equal, in time that depends on the lengths only. */
bool sec_equal(struct slice a, struct slice b);

/* Turns off core dumps and ptrace of this process. Called first thing by the node and the daemon.
 * False when the system refused. */
bool sec_process_harden(void);

#endif
