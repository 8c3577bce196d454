/* Certificates as storeCert gets them: PEM or DER of anybody's making. */
#include "crypto/cert.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct crypto *engine;
        struct err err = ERR_INIT;
        struct buf der = BUF_INIT;
        char subject[200];
        int64_t until;

        if (!engine)
                engine = crypto_new(NULL, &err);
        if (!engine)
                abort();
        if (crypto_cert_read(engine, slice_of(data, size), &der, &err)) {
                (void)crypto_cert_check_owner(engine, buf_slice(&der), 1700000000000, &err);
                (void)crypto_cert_describe(engine, buf_slice(&der), subject, sizeof(subject), &until, &err);
        } else if (err.id == ERR_NONE) {
                abort();
        }
        buf_clear(&der);
        return 0;
}
