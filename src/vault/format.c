#include "vault/format.h"
#include "base/text.h"

#include <stdio.h>

bool vault_format_known(struct slice record, struct err *err)
{
        char text[24];
        uint64_t format = 0;

        (void)snprintf(text, sizeof(text), "%.*s", (int)(record.n < 20 ? record.n : 20),
                       (const char *)record.p);
        if (record.n == 0 || record.n > 20 || !text_number(text, 1, UINT32_MAX, &format))
                return err_set(err, ERR_STORE_DAMAGED,
                               "the store's format, the record '" VAULT_FORMAT_KEY "', is no number");
        if (format > VAULT_FORMAT_NEWEST)
                return err_set(err, ERR_CONFIG,
                               "the store has format %llu, and this software (" CHSM_VERSION
                               ") knows %d to %d: install at least the version that the other nodes run",
                               (unsigned long long)format, VAULT_FORMAT_OLDEST, VAULT_FORMAT_NEWEST);
        if (format < VAULT_FORMAT_OLDEST)
                return err_set(err, ERR_CONFIG,
                               "the store has format %llu, and this software (" CHSM_VERSION
                               ") knows %d to %d: upgrade over the versions between, one after the other",
                               (unsigned long long)format, VAULT_FORMAT_OLDEST, VAULT_FORMAT_NEWEST);
        return true;
}
