/* chsm-util: keys that several users must approve. */
#include "base/file.h"
#include "tools/quorum.h"
#include "tools/util.h"

static uint32_t token_get(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *service_text = "1", *given = NULL, *path = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true },
                                            { "-service", &given, false, false },
                                            { "-out", &path, false, true } };
        struct buf text = BUF_INIT;
        uint64_t service = 0, handle = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-service", given ? given : service_text, 1, 2, &service);
        if (rv == 0)
                rv = util_number(sh, "-k", key, 1, UINT32_MAX, &handle);
        if (rv == 0)
                rv = util_result(sh, "Cfm3GetToken",
                                 tool_token_get(sh, util_chsm(sh), service, "", handle, NULL, &text));
        if (rv == 0 && !util_write(sh, path, buf_slice(&text), 0644))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                shell_say(sh, "\n\tToken is written to file \"%s\"\n", path);
        buf_clear(&text);
        return rv;
}

static uint32_t token_approve(struct shell *sh, int argc, char **argv)
{
        const char *path = NULL;
        const struct util_option rows[] = { { "-f", &path, false, true } };
        struct tool_approvals approvals;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv)
                return rv;
        rv = tool_approvals_read(sh, path, &approvals);
        if (rv == 0)
                rv = util_result(sh, "Cfm3ApproveToken", tool_token_approve(sh, util_chsm(sh), &approvals));
        tool_approvals_clear(&approvals);
        return rv;
}

static uint32_t token_list(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return util_result(sh, "Cfm3ListTokens", tool_token_list(sh, util_chsm(sh)));
}

static uint32_t token_delete(struct shell *sh, int argc, char **argv)
{
        const char *id = NULL;
        const struct util_option rows[] = { { "-id", &id, false, true } };
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        return rv ? rv : util_result(sh, "Cfm3DeleteToken", tool_token_delete(sh, util_chsm(sh), id));
}

const struct shell_command util_quorum_rows[] = {
        { "getToken", "-k HANDLE [-service 1|2] -out FILE",
          "ask for a token: 1 to use a key once, 2 to change, share or delete it", 0, 6, false, token_get,
          "getToken -k 262150 -out use.token" },
        { "approveToken", "-f APPROVAL_FILE", "hand in the signatures of a token's file", 0, 2, false,
          token_approve, "approveToken -f use.approval" },
        { "listTokens", "", "list tokens and who has approved them", 0, 0, false, token_list, "listTokens" },
        { "delToken", "-id TOKEN_ID", "delete a token", 0, 2, false, token_delete,
          "delToken -id 5f1c0a9be37d42c68a1f7705c2d9e611" },
        { 0 },
};
