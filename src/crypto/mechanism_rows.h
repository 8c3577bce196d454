/* How many rows mechanism_rows.c holds, for the search by number. */
#ifndef CHSM_CRYPTO_MECHANISM_ROWS_H
#define CHSM_CRYPTO_MECHANISM_ROWS_H

#include <stddef.h>

size_t crypto_mechanism_count(void);

#endif
