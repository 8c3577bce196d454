#include "server/verbs.h"
#include "server/recover.h"
#include "server/status.h"

#include <stdio.h>

static int status(const struct server_conf *conf, int argc, char **argv)
{
        struct err err = ERR_INIT;
        bool serves = server_status_show(conf, stdout, &err);

        (void)argc;
        (void)argv;
        if (err.id)
                fprintf(stderr, "chsm-server: %s\n", err.detail);
        return serves ? 0 : 1;
}

static const struct {
        const char *name;
        int operands; /* most after the name */
        int (*run)(const struct server_conf *, int argc, char **argv);
} verbs[] = {
        { "status", 0, status }, { "recover", 9, server_recover }, /* its options are its own */
};

int server_verb(const struct server_conf *conf, int argc, char **argv)
{
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                if (strcmp(verbs[i].name, argv[0]) == 0 && argc - 1 <= verbs[i].operands)
                        return verbs[i].run(conf, argc, argv);
        }
        fprintf(stderr, "chsm-server: '%s' is not understood; see chsm-server --help\n", argv[0]);
        return 2;
}
