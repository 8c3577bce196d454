/* chsm-util: the key utility of crypto users. */
#include "base/opt.h"
#include "client/application_conf.h"
#include "tools/kinds.h"
#include "tools/util_move.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static struct chsm *connect_daemon(const char *path, struct err *err)
{
        struct chsm_endpoint endpoint = { path, 0 };
        struct chsm_options options = { .dialer = wire_unix_dialer(),
                                        .endpoints = &endpoint,
                                        .endpoint_count = 1,
                                        .name = "chsm-util/" CHSM_VERSION,
                                        .cancel = shell_cancel_flag() };

        return chsm_open(&options, err);
}

/* ---- completion ---- */

static void list_users(struct shell *sh, kinds_add *add, void *arg)
{
        kinds_users(util_chsm(sh), add, arg);
}

static void list_labels(struct shell *sh, kinds_add *add, void *arg)
{
        kinds_labels(util_chsm(sh), add, arg);
}

static void list_attributes(struct shell *sh, kinds_add *add, void *arg)
{
        (void)sh;
        kinds_attributes(add, arg);
}

static const struct shell_kind kinds[] = {
        { .name = "USER", .list = list_users },
        { .name = "LABEL", .list = list_labels },
        { .name = "ATTRIBUTE", .list = list_attributes },
        { 0 },
};

/* "singlecmd loginHSM -u CU -s cu1 -p pw sign -f x ...": a login and one command in one process. */
static void single(struct shell *sh, int argc, char **argv)
{
        int end = argc;

        if (argc > 0 && shell_is(sh, argv[0], "loginHSM")) {
                end = 1;
                while (end < argc && argv[end][0] == '-')
                        end += strcmp(argv[end], "-hpswd") == 0 ? 1 : 2;
                if (end > argc)
                        end = argc;
                shell_words(sh, end, argv);
                if (sh->status || end == argc)
                        return;
                argc -= end;
                argv += end;
        }
        if (argc > 0)
                shell_words(sh, argc, argv);
}

/* On standard error, as the answer is what it is. */
static void say_stale(struct util *u)
{
        uint64_t ms = chsm_stale_ms(u->chsm);

        if (ms)
                fprintf(stderr,
                        "chsm-util: note: a node that answered has had no contact with its cluster for "
                        "%llu.%03llu s; "
                        "what changed since is not in its answer\n",
                        (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
}

static int run(struct shell *sh, struct util *u, const char *path, int argc, char **argv)
{
        char socket[512];
        struct application_conf conf = { 0 };
        struct err err = ERR_INIT;

        if (!application_conf_read(&conf, &err)) {
                fprintf(stderr, "chsm-util: %s\n", err.detail);
                application_conf_clear(&conf);
                return 2;
        }
        u->wrap_with_trusted = conf.wrap_with_trusted;
        u->user_kek = (uint64_t)conf.user_kek_handle;
        u->second_factor = (struct helper){ .command = conf.second_factor_command };
        (void)snprintf(socket, sizeof(socket), "%s", path ? path : application_socket(&conf));
        u->socket = socket;
        u->open = connect_daemon;
        u->chsm = connect_daemon(socket, &err);
        if (!u->chsm) {
                fprintf(stderr,
                        "chsm-util: Daemon socket connection error: %s\n"
                        "Is chsm-client running? Its socket is that of --socket, of $CHSM_SOCKET, "
                        "or " CLIENT_SOCKET_PRESET "\n",
                        err.detail);
                application_conf_clear(&conf);
                return 1;
        }
        if (argc > 0 && strcmp(argv[0], "singlecmd") == 0)
                single(sh, argc - 1, argv + 1);
        else if (argc > 0)
                single(sh, argc, argv);
        else
                shell_loop(sh);
        say_stale(u);
        util_clear(u);
        chsm_close(&u->chsm);
        application_conf_clear(&conf);
        return sh->status;
}

int main(int argc, char **argv)
{
        static const struct shell_command *const tables[] = { util_hsm_info_rows,     util_derive_rows,
                                                              util_split_rows,        util_park_rows,
                                                              util_atomic_rows,       util_context_rows,
                                                              util_import_rows,       util_export_rows,
                                                              util_wrap_command_rows, util_public_rows,
                                                              util_aes_wrap_rows,     util_fake_pem_rows,
                                                              util_session_rows,      util_key_rows,
                                                              util_find_rows,         util_attribute_rows,
                                                              util_use_rows,          util_audit_rows,
                                                              util_quorum_rows,       util_mask_rows,
                                                              util_life_rows,         NULL };
        const char *path = NULL, *json = NULL, *script = NULL, *keep = NULL;
        const struct opt_row rows[] = {
                { 's', "socket", "PATH",
                  "socket of the client daemon ($CHSM_SOCKET, " CLIENT_SOCKET_PRESET ")", &path },
                { 'f', "file", "FILE", "read commands from this file", &script },
                { 'k', "keep-going", NULL, "go on after a command of a file or of standard input has failed",
                  &keep },
                { 'j', "json", NULL, "answer each command with one JSON object", &json },
        };
        const struct opt_program program = { "chsm-util",
                                             "Makes, finds and uses keys of a chsm partition.",
                                             "[singlecmd] [COMMAND [OPTION]...]",
                                             "Without a command, commands are read from standard input.\n"
                                             "See chsm-util(1), and 'help' inside.",
                                             rows,
                                             4 };
        struct util u = { 0 };
        struct shell sh = { .program = "chsm-util",
                            .tables = tables,
                            .kinds = kinds,
                            .examples = util_examples,
                            .caution = "",
                            .prompt = "Command:  ",
                            .context = &u };
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
        sh.keep_going = keep != NULL;
        if (script && !shell_script(&sh, script))
                return 2;
        rc = run(&sh, &u, path, argc - first, argv + first);
        if (sh.script)
                (void)fclose(sh.script);
        return rc;
}
