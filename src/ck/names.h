/* Names of PKCS#11 numbers and back, for logs, tools and tests. The rows are in names_rows.c and
 * names_mechanism_rows.c. Pure functions over constant tables: any thread. */
#ifndef CHSM_CK_NAMES_H
#define CHSM_CK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ck_kind {
        CK_KIND_RETURN,         /* CKR_ */
        CK_KIND_MECHANISM,      /* CKM_ */
        CK_KIND_ATTRIBUTE,      /* CKA_ */
        CK_KIND_KEY_TYPE,       /* CKK_ */
        CK_KIND_OBJECT_CLASS,   /* CKO_ */
        CK_KIND_MECHANISM_FLAG, /* CKF_ of CK_MECHANISM_INFO; each a single bit */
        CK_KIND_COUNT
};

/* The standard's name of the number, with its prefix, or NULL when it has none. Static. */
const char *ck_name(enum ck_kind, uint64_t number);
/* The number of a full name ("CKM_AES_GCM", case matters). False, and *out untouched, when unknown. */
bool ck_number(enum ck_kind, const char *name, uint64_t *out);
/* The i-th number and name of a kind, ascending by number. False past the end. */
bool ck_name_at(enum ck_kind, size_t i, uint64_t *number, const char **name);

#endif
