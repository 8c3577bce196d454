/* chsm-mgmt: the management utility of officers and owners. */
#include "base/opt.h"
#include "tools/mgmt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CONF_PRESET "/etc/chsm/chsm-mgmt.conf"

static const char caution[] = "*************************CAUTION********************************\n"
                              "This is a CRITICAL operation. It changes the partition on every\n"
                              "node of the cluster. Make sure that it is what you want.\n"
                              "****************************************************************\n\n";

static int run(struct shell *sh, struct mgmt *m, const char *path, int argc, char **argv)
{
        struct err err = ERR_INIT;
        bool connected = false;

        if (mgmt_audit_offline(argc, argv)) {
                shell_words(sh, argc, argv);
                return sh->status;
        }
        if (!mgmt_conf_read(&m->conf, path, &err) || !mgmt_servers_make(m, &err)) {
                fprintf(stderr, "%s: %s\n", sh->program, err.detail);
                return 2;
        }
        for (size_t i = 0; i < m->count; i++)
                connected = mgmt_connect(sh, &m->servers[i], i) || connected;
        if (!connected) {
                fprintf(stderr, "%s: no server can be reached\n", sh->program);
                return 1;
        }
        if (argc > 0)
                shell_words(sh, argc, argv);
        else
                shell_loop(sh);
        return sh->status;
}

int main(int argc, char **argv)
{
        static const struct shell_command *const tables[] = {
                mgmt_server_rows, mgmt_user_rows,  mgmt_key_rows, mgmt_audit_rows,
                mgmt_policy_rows, mgmt_right_rows, NULL
        };
        const char *path = CONF_PRESET, *json = NULL, *yes = NULL;
        const struct opt_row rows[] = {
                { 'c', "config", "FILE", "configuration file (" CONF_PRESET "); also the first operand",
                  &path },
                { 'j', "json", NULL, "answer each command with one JSON object", &json },
                { 'y', "yes", NULL, "do not ask before critical operations", &yes },
        };
        const struct opt_program program = { "chsm-mgmt",
                                             "Manages users and ownership of a chsm partition.",
                                             "[CONFIG] [COMMAND [ARGUMENT]...]",
                                             "Without a command, commands are read from standard input.\n"
                                             "See chsm-mgmt(1), and 'help' inside.",
                                             rows,
                                             3 };
        struct mgmt m = { .scope = -1 };
        struct shell sh = { .program = "chsm-mgmt",
                            .tables = tables,
                            .caution = caution,
                            .prompt = "cloudmgmt>",
                            .context = &m };
        int first, rc;

        switch (opt_parse(&program, argc, argv, &first)) {
        case OPT_EXIT_OK:
                return 0;
        case OPT_EXIT_USAGE:
                return 2;
        default:
                break;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        sh.json = json != NULL;
        sh.yes = yes != NULL;
        if (first < argc && strpbrk(argv[first], "/."))
                path = argv[first++];
        rc = run(&sh, &m, path, argc - first, argv + first);
        mgmt_clear(&m);
        return rc;
}
