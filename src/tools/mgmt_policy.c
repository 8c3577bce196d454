/* chsm-mgmt: the partition's policy. */
#include "tools/audit_keys.h"
#include "tools/mgmt.h"

static void show(struct shell *sh, const struct mgmt_server *s, size_t index, const Chsm__PolicyResponse *r)
{
        json_t *list = json_object();

        shell_say(sh, "Policy on server %zu(%s):\n\n    %-28s %s\n", index, s->host, "profile", r->profile);
        for (size_t i = 0; i < r->n_settings; i++) {
                shell_say(sh, "    %-28s %u    %s\n", r->settings[i]->name, r->settings[i]->value,
                          r->settings[i]->help);
                (void)json_object_set_new(list, r->settings[i]->name, json_integer(r->settings[i]->value));
        }
        shell_set(sh, "profile", json_string(r->profile));
        shell_set(sh, "settings", list);
}

static uint32_t get_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetPolicyRequest body = CHSM__GET_POLICY_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.get_policy = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_POLICY;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                show(sh, s, index, answer.response->policy);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_policy(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, get_one, argc, argv);
}

static uint32_t set_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetPolicyRequest body = CHSM__SET_POLICY_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)index;
        body.name = argv[1];
        body.value = argv[2];
        request.set_policy = &body;
        request.body_case = CHSM__REQUEST__BODY_SET_POLICY;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t set_policy(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "setPolicy", set_one, argc, argv);
}

static uint32_t audit_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        shell_say(sh, "Keys on server %zu(%s):\n\n", index, s->host);
        return tool_audit_keys(sh, s->chsm, argc, argv);
}

static uint32_t audit_keys(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "auditKeys", audit_one, argc, argv);
}

const struct shell_command mgmt_policy_rows[] = {
        { "auditKeys", "[-unused DAYS] [-expiring DAYS] [-old DAYS] [-json]",
          "show how exposed every key is, how it could be read, and what is advised against", 0, 7, false,
          audit_keys, "auditKeys", SHELL_ANYWHERE },
        { "getPolicy", "", "show the partition's profile and settings", 0, 0, false, get_policy, "getPolicy",
          SHELL_ANYWHERE },
        { "setPolicy", "SETTING VALUE",
          "choose the profile documented, verified or strict (PRECO, before the activation), or tighten a "
          "setting (CO); nothing is loosened afterwards",
          2, 2, true, set_policy, "setPolicy profile verified", SHELL_ANYWHERE },
        { 0 },
};
