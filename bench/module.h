/* What preparing and measuring share of a loaded PKCS#11 module. */
#ifndef CHSM_BENCH_MODULE_H
#define CHSM_BENCH_MODULE_H

#include "bench.h"

extern CK_FUNCTION_LIST_PTR f; /* of the module this process has loaded */

/* True, with a sentence in *failure, when rv is not CKR_OK. */
bool bench_failed(CK_RV rv, const char *what, char *failure, size_t room);

/* A read-write session on the target's slot. */
bool bench_open_session(CK_SESSION_HANDLE *session, char *failure, size_t room);

/* The first object with that label and class (CK_UNAVAILABLE_INFORMATION: any); *n: 0 or 1. */
CK_RV bench_find_label(CK_SESSION_HANDLE session, const char *label, CK_OBJECT_CLASS class,
                       CK_OBJECT_HANDLE *key, CK_ULONG *n);

/* An AES-256 key for anything. */
CK_RV bench_create_aes(CK_SESSION_HANDLE session, const char *label, CK_BBOOL token, CK_OBJECT_HANDLE *key);

/* The pair of a row. */
CK_RV bench_create_pair(CK_SESSION_HANDLE session, const struct bench_key_row *, CK_BBOOL token);

#endif
