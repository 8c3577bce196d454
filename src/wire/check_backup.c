/* Checks of masked objects and backups. */
#include "wire/check_backup.h"

bool wire_check_insert_masked(const Chsm__Request *r, struct err *err)
{
        size_t n = r->insert_masked->masked.len;

        return (n >= 1 && n <= WIRE_MASKED_MAX) ||
               err_set(err, ERR_FRAME, "field 'masked' has %zu bytes; 1 to %d are taken", n, WIRE_MASKED_MAX);
}
