/* Exported audit logs given to the verifier. */
#include "audit/audit.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct crypto *engine;
        struct err err = ERR_INIT;
        struct audit_verify v = { 0 };

        if (!engine)
                engine = crypto_new(NULL, &err);
        if (!engine)
                abort();
        v.crypto = engine;
        if (!audit_verify_lines(&v, slice_of(data, size), &err) && err.id == ERR_NONE)
                abort();
        return 0;
}
