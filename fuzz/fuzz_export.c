/* Exported audit logs given to the offline check, every signature taken for good. */
#include "audit/export.h"
#include "fuzz.h"

static bool is_signed(void *arg, struct slice text, struct slice signature)
{
        (void)arg;
        (void)text;
        (void)signature;
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct crypto *engine;
        struct err err = ERR_INIT;
        struct audit_check *c;
        struct audit_report report;

        if (!engine)
                engine = crypto_new(NULL, &err);
        c = engine ? audit_check_new(engine, is_signed, NULL, &err) : NULL;
        if (!c)
                abort();
        if ((!audit_check_feed(c, slice_of(data, size), &err) || !audit_check_end(c, &err)) &&
            err.id == ERR_NONE)
                abort();
        audit_check_report(c, &report);
        audit_check_free(&c);
        return 0;
}
