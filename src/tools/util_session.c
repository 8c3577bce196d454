/* chsm-util: login and what the HSM says of itself. */
#include "base/text.h"
#include "ck/attribute.h"
#include "tools/show.h"
#include "tools/util.h"

#include <stdio.h>
#include <strings.h>

static uint32_t help(struct shell *sh, int argc, char **argv)
{
        shell_help(sh, argc > 1 ? argv[1] : NULL);
        return err_ckr(&sh->err);
}

static uint32_t leave(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        sh->done = true;
        return 0;
}

static uint32_t login(struct shell *sh, int argc, char **argv)
{
        const char *type = NULL, *user = NULL, *password = NULL, *hidden = NULL;
        const struct util_option rows[] = { { "-u", &type, false, true },
                                            { "-s", &user, false, true },
                                            { "-p", &password, false, false },
                                            { "-hpswd", &hidden, true, false } };
        struct sec *secret;
        uint32_t rv = util_options(sh, argc, argv, rows, 4);

        if (rv)
                return rv;
        if (strcasecmp(type, "CU") != 0)
                return util_result(
                    sh, "Cfm3LoginHSM",
                    shell_fail(sh, ERR_USER_TYPE, "only crypto users (CU) log in here, not '%s'", type));
        if (!password == !hidden)
                return shell_fail(sh, ERR_USAGE, "give the password with -p, or -hpswd to be asked for it");
        secret = hidden ? shell_password(sh, "Enter password: ") : sec_copy(slice_str(password));
        if (!secret)
                return err_ckr(&sh->err);
        rv = helper_login(util_chsm(sh), &((struct util *)sh->context)->second_factor, 1, slice_str(user),
                          sec_slice(secret), &sh->err);
        sec_free(&secret);
        rv = util_result(sh, "Cfm3LoginHSM", rv);
        if (rv == 0)
                util_cluster_status(sh);
        return rv;
}

static uint32_t logout(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return util_result(sh, "Cfm3LogoutHSM", chsm_logout(util_chsm(sh), &sh->err));
}

static uint32_t login_status(struct shell *sh, int argc, char **argv)
{
        uint64_t id = 0;
        bool in = chsm_logged_in(util_chsm(sh), &id);

        (void)argc;
        (void)argv;
        if (in)
                shell_say(sh, "\tlogged in as user %llu (CU)\n", (unsigned long long)id);
        else
                shell_say(sh, "\tnot logged in\n");
        shell_set(sh, "logged_in", json_boolean(in));
        return 0;
}

static uint32_t hsm_info(struct shell *sh, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__NodeInfoRequest body = CHSM__NODE_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.node_info = &body;
        request.body_case = CHSM__REQUEST__BODY_NODE_INFO;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0)
                tool_show_hsm(sh, answer.response->node_info);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3GetHSMInfo", rv);
}

static uint32_t list_users(struct shell *sh, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListUsersRequest body = CHSM__LIST_USERS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        json_t *list = json_array();
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.list_users = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_USERS;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__ListUsersResponse *r = answer.response->list_users;

                shell_say(sh,
                          "\n\tNumber Of Users found %zu\n\n\tIndex       User ID     User Type       User "
                          "Name       "
                          "                    MofnPubKey    LoginFailureCnt         2FA\n",
                          r->n_users);
                for (size_t i = 0; i < r->n_users; i++) {
                        const Chsm__User *u = r->users[i];

                        shell_say(sh, "\t%-11zu %-11llu %-15s %-34s %-13s %-23u %s\n", i + 1,
                                  (unsigned long long)u->id, tool_role_name(u->role), u->name,
                                  u->quorum_key ? "YES" : "NO", u->failures, u->second_factor ? "YES" : "NO");
                        (void)json_array_append_new(list, tool_user_json(u));
                }
        }
        shell_set(sh, "users", list);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3ListUsers", rv);
}

static uint32_t list_attributes(struct shell *sh, int argc, char **argv)
{
        const struct ck_attribute_row *row;

        (void)argc;
        (void)argv;
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                shell_say(sh, "\tOBJ_ATTR_%-28s = %llu\n", row->name + 4, (unsigned long long)row->type);
                shell_set(sh, row->name, json_integer((json_int_t)row->type));
        }
        shell_say(sh, "\tOBJ_ATTR_%-28s = 512\n", "ALL");
        return 0;
}

const struct shell_command util_session_rows[] = {
        { "help", "[COMMAND]", "list the commands, or explain one", 0, 1, false, help },
        { "exit", "", "end", 0, 0, false, leave },
        { "quit", "", "end", 0, 0, false, leave },
        { "loginHSM", "-u CU -s USER -p PASSWORD|-hpswd", "log in", 0, 8, false, login },
        { "logoutHSM", "", "log out", 0, 0, false, logout },
        { "loginStatus", "", "tell who is logged in", 0, 0, false, login_status },
        { "getHSMInfo", "", "describe the node", 0, 0, false, hsm_info },
        { "listUsers", "", "list the partition's users", 0, 0, false, list_users },
        { "listAttributes", "", "list the attributes and their numbers", 0, 0, false, list_attributes },
        { 0 },
};
