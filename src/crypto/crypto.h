/* The cryptographic engine: a private OpenSSL library context, self-tests, randomness.
 *
 * All cryptography of the node goes through this room. Nothing here touches OpenSSL's default context. */
#ifndef CHSM_CRYPTO_CRYPTO_H
#define CHSM_CRYPTO_CRYPTO_H

#include "base/err.h"
#include "base/sec.h"
#include "base/slice.h"

struct crypto;

/* Opens a library context and runs every known-answer self-test (a failed one: ERR_SELF_TEST naming it).
 * `fail_self_test` names one test to spoil, for the test that proves the node stays out of service; NULL
 * otherwise. The result belongs to the caller. */
struct crypto *crypto_new(const char *fail_self_test, struct err *);
void crypto_free(struct crypto **); /* NULL-safe; all keys must have been released before */
/* "OpenSSL 3.0.22 ..." */
const char *crypto_library_version(const struct crypto *);

/* n random bytes from the private context's DRBG. Any thread. ERR_RANDOM on failure. */
bool crypto_random(struct crypto *, void *out, size_t n, struct err *);
/* Mixes caller bytes into the generator (never replaces entropy). */
bool crypto_random_add(struct crypto *, struct slice, struct err *);

#endif
