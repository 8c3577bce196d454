/* chsm-mgmt: the management utility of officers and owners. */
#include "base/opt.h"
#include "tools/kinds.h"
#include "tools/mgmt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF_PRESET "/etc/chsm/chsm-mgmt.conf"

static const char caution[] = "*************************CAUTION********************************\n"
                              "This is a CRITICAL operation. It changes the partition on every\n"
                              "node of the cluster. Make sure that it is what you want.\n"
                              "****************************************************************\n\n";

/* ---- completion: the first connected server of the scope knows ---- */

static struct chsm *knowing(struct shell *sh)
{
        struct mgmt *m = mgmt_of(sh);

        for (size_t i = 0; i < m->count; i++) {
                if (m->servers[i].chsm && (m->scope < 0 || (size_t)m->scope == i))
                        return m->servers[i].chsm;
        }
        return NULL;
}

static void list_users(struct shell *sh, kinds_add *add, void *arg)
{
        if (knowing(sh))
                kinds_users(knowing(sh), add, arg);
}

static void list_user_ids(struct shell *sh, kinds_add *add, void *arg)
{
        if (knowing(sh))
                kinds_user_ids(knowing(sh), add, arg);
}

static void list_settings(struct shell *sh, kinds_add *add, void *arg)
{
        if (knowing(sh))
                kinds_settings(knowing(sh), add, arg);
}

static void list_attributes(struct shell *sh, kinds_add *add, void *arg)
{
        (void)sh;
        kinds_attributes(add, arg);
}

static void list_servers(struct shell *sh, kinds_add *add, void *arg)
{
        for (size_t i = 0; i < mgmt_of(sh)->count; i++) {
                char id[24];

                (void)snprintf(id, sizeof(id), "%zu", i);
                add(arg, id);
        }
}

static const struct shell_kind kinds[] = {
        { .name = "USER", .list = list_users },       { .name = "USER_ID", .list = list_user_ids },
        { .name = "SETTING", .list = list_settings }, { .name = "ATTRIBUTE", .list = list_attributes },
        { .name = "ID", .list = list_servers },       { 0 },
};

static const struct shell_command *const tables[] = {
        mgmt_server_rows,                    /* servers, the ceremony */
        mgmt_user_rows,                      /* logins and users */
        mgmt_right_rows,                     /* what a user may do */
        mgmt_key_rows,                       /* keys, as officers and owners see them */
        mgmt_audit_rows,                     /* audit logs */
        mgmt_policy_rows,                    /* profile and settings */
        mgmt_quorum_rows,  mgmt_factor_rows, /* approvals */
        mgmt_mask_rows,                      /* masked objects, synchronisation */
        mgmt_backup_rows,  mgmt_region_rows,
        mgmt_config_rows, /* numbers, and what is refused */
        mgmt_cluster_rows, NULL,
};

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
        sh->one_server = m->count == 1;
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
        const char *named = secure_getenv("CHSM_MGMT_CONF");
        const char *path = named && named[0] ? named : CONF_PRESET, *json = NULL, *yes = NULL, *script = NULL,
                   *keep = NULL, *failure = NULL;
        const struct opt_row rows[] = {
                { 'c', "config", "FILE",
                  "configuration file ($CHSM_MGMT_CONF, else " CONF_PRESET "); also the first operand",
                  &path },
                { 'f', "file", "FILE", "read commands from this file", &script },
                { 'k', "keep-going", NULL, "go on after a command of a file or of standard input has failed",
                  &keep },
                { 'j', "json", NULL, "answer each command with one JSON object", &json },
                { 'y', "yes", NULL, "do not ask before critical operations", &yes },
                { 'F', "on-failure", "ask|ignore|abort",
                  "what follows when one of several servers fails (ask; a script then goes on)", &failure },
        };
        const struct opt_program program = { "chsm-mgmt",
                                             "Manages users and ownership of a chsm partition.",
                                             "[CONFIG] [COMMAND [ARGUMENT]...]",
                                             "Without a command, commands are read from standard input.\n"
                                             "See chsm-mgmt(1), and 'help' inside.",
                                             rows,
                                             6 };
        struct mgmt m = { .scope = -1 };
        struct shell sh = { .program = "chsm-mgmt",
                            .tables = tables,
                            .kinds = kinds,
                            .examples = mgmt_examples,
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
        sh.keep_going = keep != NULL;
        if (failure && !mgmt_on_failure_read(failure, &m.on_failure)) {
                fprintf(stderr, "chsm-mgmt: --on-failure is ask, ignore or abort, not '%s'\n", failure);
                return 2;
        }
        if (script && !shell_script(&sh, script))
                return 2;
        if (first < argc && strpbrk(argv[first], "/."))
                path = argv[first++];
        rc = run(&sh, &m, path, argc - first, argv + first);
        if (sh.script)
                (void)fclose(sh.script);
        mgmt_clear(&m);
        return rc;
}
