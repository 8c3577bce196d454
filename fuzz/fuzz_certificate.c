/* Certificates as storeCert gets them, PEM or DER of anybody's making; and as applications store them, any
 * bytes. */
#include "ck/cryptoki.h"
#include "crypto/cert.h"
#include "fuzz.h"

/* A field is told whole or not at all. */
static void stored(struct crypto *engine, struct slice value)
{
        static const uint64_t fields[] = { CKA_SUBJECT,         CKA_ISSUER,     CKA_SERIAL_NUMBER,
                                           CKA_PUBLIC_KEY_INFO, CKA_START_DATE, CKA_END_DATE };
        bool first = false;

        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
                struct buf out = BUF_INIT;
                bool told = crypto_cert_field(engine, value, fields[i], &out);

                if ((!told && out.n) || (i > 3 && out.n && out.n != 8) || (i && told != first))
                        abort();
                first = told;
                buf_clear(&out);
        }
}

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
        stored(engine, slice_of(data, size));
        buf_clear(&der);
        return 0;
}
