/* docs/mechanisms.md, written from the mechanism table. */
#include "ck/cryptoki.h"
#include "ck/names.h"
#include "crypto/mechanism.h"

#include <inttypes.h>

static void put_functions(FILE *out, uint32_t functions)
{
        const char *between = "";

        for (int op = CRYPTO_ENCRYPT; op < CRYPTO_OPS; op++) {
                if (functions & 1u << op) {
                        fprintf(out, "%s%s", between, crypto_op_name((enum crypto_op)op));
                        between = ", ";
                }
        }
}

static void put_keys(FILE *out, const struct crypto_mechanism *m)
{
        const char *between = "", *name;
        size_t n;
        const uint64_t *types = crypto_mechanism_key_types(m, &n);

        for (size_t i = 0; i < n; i++) {
                name = ck_name(CK_KIND_KEY_TYPE, types[i]);
                fprintf(out, "%s%s", between, name ? name + 4 : "?"); /* without CKK_ */
                between = ", ";
        }
}

static void put_sizes(FILE *out, const struct crypto_mechanism *m)
{
        static const uint64_t pairs[] = { CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY };
        uint64_t min, max;
        bool pair = false;

        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
                pair |= crypto_mechanism_key_type(m, pairs[i]);
        crypto_mechanism_sizes(m, &min, &max);
        if (!max)
                return;
        fprintf(out, "%" PRIu64, min);
        if (min != max)
                fprintf(out, " to %" PRIu64, max);
        fprintf(out, "%s", pair ? " bits" : " bytes");
}

static void put_class(FILE *out, const struct crypto_mechanism *m)
{
        uint32_t all = crypto_mechanism_functions_under(m, false),
                 strict = crypto_mechanism_functions_under(m, true);

        if (strict == all) {
                fprintf(out, "approved");
        } else if (!strict) {
                fprintf(out, "`non_fips`");
        } else {
                fprintf(out, "approved to ");
                put_functions(out, strict);
                fprintf(out, "; else `non_fips`");
        }
        if (crypto_mechanism_since(m))
                fprintf(out, "; %s", crypto_mechanism_since(m));
}

static const char head[] =
    "# Mechanisms\n\n"
    "Written by `chsm-server --print-mechanisms` from `src/crypto/mechanism_rows.c`; do not edit.\n\n"
    "Rows of class `non_fips` are offered where the partition's policy says so. Where it does not, RSA keys "
    "have 2048\n"
    "to 4096 bits and exponents from 65537, P-192, X25519 and X448 are not there, and what is smaller or "
    "older only\n"
    "verifies, decrypts and unwraps. A row that names a libcrypto is offered from that one on. Sizes are "
    "those of\n"
    "C_GetMechanismInfo.\n\n"
    "| number | name | functions | keys | sizes | class |\n"
    "| --- | --- | --- | --- | --- | --- |\n";

void crypto_mechanisms_print(FILE *out)
{
        const struct crypto_mechanism *m;

        fputs(head, out);
        for (size_t i = 0; (m = crypto_mechanism_row(i)); i++) {
                fprintf(out, "| 0x%08" PRIx64 " | %s | ", crypto_mechanism_number(m),
                        crypto_mechanism_name(m));
                put_functions(out, crypto_mechanism_functions(m));
                fputs(" | ", out);
                put_keys(out, m);
                fputs(" | ", out);
                put_sizes(out, m);
                fputs(" | ", out);
                put_class(out, m);
                fputs(" |\n", out);
        }
}
