/* chsm-util: several logins side by side in one run of the tool. A context is a connection with a login of
 * its own; the commands work in the one that authUser named last. 1 is the tool's own. */
#include "tools/util.h"

#include <stdlib.h>
#include <strings.h>

static struct util *util_of(struct shell *sh)
{
        return sh->context;
}

static uint32_t context_alloc(struct shell *sh, int argc, char **argv)
{
        struct util *u = util_of(sh);
        size_t i = 1;

        (void)argc;
        (void)argv;
        u->contexts[0] = u->contexts[0] ? u->contexts[0] : u->chsm;
        while (i < UTIL_CONTEXTS && u->contexts[i])
                i++;
        if (i == UTIL_CONTEXTS)
                return shell_fail(sh, ERR_LIMIT,
                                  "this run of the tool has %d contexts already; free one with "
                                  "freeContext",
                                  UTIL_CONTEXTS);
        u->contexts[i] = u->open(u->socket, &sh->err);
        if (!u->contexts[i])
                return util_result(sh, "Cfm3AllocContext", err_ckr(&sh->err));
        shell_say(sh, "\n\tContext Handle: %zu\n", i + 1);
        shell_set(sh, "context", json_integer((json_int_t)i + 1));
        return util_result(sh, "Cfm3AllocContext", 0);
}

/* The context of -c, from 0. */
static uint32_t context_find(struct shell *sh, const char *text, size_t *i)
{
        struct util *u = util_of(sh);
        uint64_t number = 0;
        uint32_t rv = util_number(sh, "-c", text, 1, UTIL_CONTEXTS, &number);

        *i = (size_t)number - 1;
        if (rv == 0 && *i > 0 && !u->contexts[*i])
                rv = shell_fail(sh, ERR_ARGUMENT, "there is no context %s; make one with allocContext", text);
        return rv;
}

static void context_use(struct util *u, size_t i)
{
        u->contexts[0] = u->contexts[0] ? u->contexts[0] : u->chsm;
        u->chsm = u->contexts[i];
}

static uint32_t login(struct shell *sh, struct chsm *c, const char *user, const char *password)
{
        struct sec *secret =
            password ? sec_copy(slice_str(password)) : shell_password(sh, "Enter password: ");
        uint32_t rv = secret ? helper_login(c, &util_of(sh)->second_factor, 1, slice_str(user),
                                            sec_slice(secret), &sh->err)
                             : err_ckr(&sh->err);

        sec_free(&secret);
        return rv;
}

static uint32_t context_auth(struct shell *sh, int argc, char **argv)
{
        const char *context = NULL, *type = NULL, *user = NULL, *password = NULL, *hidden = NULL;
        const struct util_option rows[] = { { "-c", &context, false, true },
                                            { "-u", &type, false, false },
                                            { "-s", &user, false, false },
                                            { "-p", &password, false, false },
                                            { "-hpswd", &hidden, true, false } };
        struct util *u = util_of(sh);
        size_t i = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 5);

        if (rv == 0)
                rv = context_find(sh, context, &i);
        if (rv == 0 && type && strcasecmp(type, "CU") != 0)
                rv = shell_fail(sh, ERR_USER_TYPE, "only crypto users (CU) log in here, not '%s'", type);
        if (rv == 0 && user && !password == !hidden)
                rv = shell_fail(sh, ERR_USAGE, "give the password with -p, or -hpswd to be asked for it");
        if (rv == 0 && !user && (password || hidden))
                rv = shell_fail(sh, ERR_USAGE, "whose password? give the user with -s");
        if (rv == 0 && user)
                rv = login(sh,
                           i                ? u->contexts[i]
                           : u->contexts[0] ? u->contexts[0]
                                            : u->chsm,
                           user, password);
        if (rv == 0)
                context_use(u, i);
        return util_result(sh, "Cfm3AuthUser", rv);
}

static uint32_t context_free(struct shell *sh, int argc, char **argv)
{
        const char *context = NULL;
        const struct util_option rows[] = { { "-c", &context, false, true } };
        struct util *u = util_of(sh);
        size_t i = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = context_find(sh, context, &i);
        if (rv == 0 && i == 0)
                rv = shell_fail(sh, ERR_ARGUMENT,
                                "context 1 is the tool's own and ends with it; log out with logoutHSM");
        if (rv == 0) {
                if (u->chsm == u->contexts[i])
                        context_use(u, 0);
                chsm_close(&u->contexts[i]);
        }
        return util_result(sh, "Cfm3FreeContext", rv);
}

const struct shell_command util_context_rows[] = {
        { "allocContext", "", "make a context: a connection with a login of its own", 0, 0, false,
          context_alloc, "allocContext" },
        { "authUser", "-c CONTEXT [-u CU -s USER -p PASSWORD|-hpswd]",
          "go over to a context, and log a user in there", 0, 9, false, context_auth,
          "authUser -c 2 -u CU -s cu2 -hpswd" },
        { "freeContext", "-c CONTEXT", "end a context and its login", 0, 2, false, context_free,
          "freeContext -c 2" },
        { 0 },
};
