/* chsm-util: what is said with each of the user's audit records. */
#include "tools/audit_udd.h"
#include "tools/util.h"

static uint32_t get_udd(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return util_result(sh, "Cfm3GetAuditUDD", tool_udd_get(sh, util_chsm(sh)));
}

static uint32_t set_udd(struct shell *sh, int argc, char **argv)
{
        const char *text = NULL, *clear = NULL;
        const struct util_option options[] = { { "-d", &text, false, false }, { "-c", &clear, true, false } };
        uint32_t rv = util_options(sh, argc, argv, options, 2);

        if (rv == 0 && !text == !clear)
                rv =
                    shell_fail(sh, ERR_USAGE, "setAuditUDD takes either -d with the text, or -c to clear it");
        if (rv == 0)
                rv = tool_udd_set(sh, util_chsm(sh), text ? text : "");
        return util_result(sh, "Cfm3SetAuditUDD", rv);
}

const struct shell_command util_audit_rows[] = {
        { "getAuditUDD", "", "show what is said with each of your audit records", 0, 0, false, get_udd },
        { "setAuditUDD", "-d TEXT | -c", "say TEXT with each of your audit records from now on, or clear it",
          1, 3, false, set_udd },
        { 0 },
};
