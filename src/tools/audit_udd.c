#include "tools/audit_udd.h"

static uint32_t answer_say(struct shell *sh, struct chsm *chsm, Chsm__Request *request)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = chsm_call(chsm, request, &answer, &sh->err);

        if (rv == 0) {
                const char *text = answer.response->audit_udd->text;

                if (text[0])
                        shell_say(sh, "User-defined data of your audit records: %s\n", text);
                else
                        shell_say(sh, "No user-defined data is set for your audit records\n");
                shell_set(sh, "udd", json_string(text));
        }
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t tool_udd_get(struct shell *sh, struct chsm *chsm)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetAuditUddRequest body = CHSM__GET_AUDIT_UDD_REQUEST__INIT;

        request.get_audit_udd = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_AUDIT_UDD;
        return answer_say(sh, chsm, &request);
}

uint32_t tool_udd_set(struct shell *sh, struct chsm *chsm, const char *text)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetAuditUddRequest body = CHSM__SET_AUDIT_UDD_REQUEST__INIT;

        body.text = (char *)(uintptr_t)text;
        request.set_audit_udd = &body;
        request.body_case = CHSM__REQUEST__BODY_SET_AUDIT_UDD;
        return answer_say(sh, chsm, &request);
}
