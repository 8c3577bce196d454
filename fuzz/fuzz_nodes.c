/* The daemon's configuration in its documented JSON forms and its own: what is taken gives endpoints or a
 * reason. */
#include "fuzz.h"
#include "daemon/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct daemon_conf conf = { 0 };
        struct chsm_endpoint *endpoints = NULL;
        struct err err = ERR_INIT;
        size_t n = 0;

        if (!conf_defaults(daemon_conf_rows, daemon_conf_rows_n, &conf, &err))
                abort();
        if (client_conf_parse(daemon_conf_rows, daemon_conf_rows_n, &conf, "chsm-client",
                              slice_of(data, size), "x.cfg", &err)) {
                bool made = client_endpoints(&conf.nodes, &endpoints, &n, &err);

                if (made != (err.id == ERR_NONE))
                        abort();
                client_endpoints_free(endpoints, n);
        } else if (err.id == ERR_NONE) {
                abort(); /* a refusal without a reason */
        }
        conf_clear(daemon_conf_rows, daemon_conf_rows_n, &conf);
        return 0;
}
