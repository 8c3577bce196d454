/* Checks of masked objects and backups. */
#include "wire/check_backup.h"

static bool check(ProtobufCBinaryData b, size_t most, const char *field, struct err *err)
{
        return (b.len >= 1 && b.len <= most) ||
               err_set(err, ERR_FRAME, "field '%s' has %zu bytes; 1 to %zu are taken", field, b.len, most);
}

bool wire_check_insert_masked(const Chsm__Request *r, struct err *err)
{
        return check(r->insert_masked->masked, WIRE_MASKED_MAX, "masked", err);
}

bool wire_check_write_restore(const Chsm__Request *r, struct err *err)
{
        return check(r->write_restore->data, WIRE_BACKUP_MAX, "data", err) &&
               (r->write_restore->offset < (uint64_t)1 << 40 ||
                err_set(err, ERR_FRAME, "field 'offset' is past the largest backup"));
}

bool wire_check_commit_restore(const Chsm__Request *r, struct err *err)
{
        return check(r->commit_restore->signature, WIRE_CONSENT_MAX, "signature", err) &&
               check(r->commit_restore->unlock, WIRE_CONSENT_MAX, "unlock", err);
}
