/* Checks of what regions say to each other. */
#include "wire/check_region.h"

static bool check(ProtobufCBinaryData b, size_t least, size_t most, const char *field, struct err *err)
{
        return (b.len >= least && b.len <= most) ||
               err_set(err, ERR_FRAME, "field '%s' has %zu bytes; %zu to %zu are taken", field, b.len, least,
                       most);
}

bool wire_check_region_join(const Chsm__Request *r, struct err *err)
{
        return check(r->region_join->request, 1, WIRE_REGION_REQUEST_MAX, "request", err);
}

bool wire_check_region_read(const Chsm__Request *r, struct err *err)
{
        return r->region_read->offset < (uint64_t)1 << 40 ||
               err_set(err, ERR_FRAME, "field 'offset' is past the largest snapshot");
}

bool wire_check_region_feed(const Chsm__Request *r, struct err *err)
{
        return r->region_feed->from >= 0 || err_set(err, ERR_FRAME, "field 'from' is negative");
}

bool wire_check_region_promote(const Chsm__Request *r, struct err *err)
{
        return check(r->region_promote->signature, 1, 1024, "signature", err);
}

bool wire_check_region_meet(const Chsm__Request *r, struct err *err)
{
        size_t n = strlen(r->region_meet->address);

        if (n > WIRE_REGION_ADDRESS_MAX)
                return err_set(err, ERR_FRAME, "field 'address' has %zu bytes; at most %d are taken", n,
                               WIRE_REGION_ADDRESS_MAX);
        for (size_t i = 0; i < n; i++) {
                if (r->region_meet->address[i] <= ' ' || (unsigned char)r->region_meet->address[i] > '~')
                        return err_set(err, ERR_FRAME, "field 'address' holds a strange character");
        }
        return check(r->region_meet->record, 0, WIRE_REGION_RECORD_MAX, "record", err);
}

bool wire_check_region_unseen(const Chsm__Request *r, struct err *err)
{
        return r->region_unseen->limit <= 10000 ||
               err_set(err, ERR_FRAME, "field 'limit' is %u; at most 10,000 are taken",
                       r->region_unseen->limit);
}
