/* The version of what lies in the store, p/format: a decimal number in clear, as it is read before a node has
 * any key. Absent: 1. A node keeps away from a store whose version it does not know. */
#ifndef CHSM_VAULT_FORMAT_H
#define CHSM_VAULT_FORMAT_H

#include "base/err.h"
#include "base/slice.h"

#define VAULT_FORMAT_KEY    "p/format"
#define VAULT_FORMAT_OLDEST 1
#define VAULT_FORMAT_NEWEST 1

/* Does this software know the format that the record tells? ERR_CONFIG says what to do. */
bool vault_format_known(struct slice record, struct err *err);

#endif
