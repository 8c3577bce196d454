/* chsm-mgmt: operations that several people must approve. */
#include "base/file.h"
#include "base/text.h"
#include "tools/mgmt.h"
#include "tools/quorum.h"

#include <stdio.h>

static size_t servers_in_scope(struct shell *sh)
{
        return mgmt_of(sh)->scope < 0 ? mgmt_of(sh)->count : 1;
}

static uint32_t number(struct shell *sh, const char *what, const char *text, uint64_t most, uint64_t *out)
{
        return text_number(text, 0, most, out)
                   ? 0
                   : shell_fail(sh, ERR_USAGE, "the %s is a number up to %llu, not '%s'", what,
                                (unsigned long long)most, text);
}

/* ---- values ---- */

static uint32_t get_m_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetMValueRequest body = CHSM__GET_MVALUE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t service = 0;
        uint32_t rv = number(sh, "service", argv[1], 255, &service);

        (void)argc;
        if (rv == 0) {
                body.service = (uint32_t)service;
                request.get_m_value = &body;
                request.body_case = CHSM__REQUEST__BODY_GET_M_VALUE;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0) {
                const Chsm__MValueResponse *r = answer.response->m_value;

                shell_say(sh, "MValue of service %u[%s] on server %zu : [%u]\n", r->service, r->name, index,
                          r->m);
                shell_set(sh, "service", json_integer(r->service));
                shell_set(sh, "m", json_integer(r->m));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_m_value(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, get_m_one, argc, argv);
}

static uint32_t set_m_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetMValueRequest body = CHSM__SET_MVALUE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t service = 0, m = 0;
        uint32_t rv = number(sh, "service", argv[1], 255, &service);

        (void)index;
        (void)argc;
        if (rv == 0)
                rv = number(sh, "M value", argv[2], 255, &m);
        if (rv == 0) {
                body.service = (uint32_t)service;
                body.m = (uint32_t)m;
                request.set_m_value = &body;
                request.body_case = CHSM__REQUEST__BODY_SET_M_VALUE;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0)
                mgmt_note(sh, answer.response);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t set_m_value(struct shell *sh, int argc, char **argv)
{
        shell_say(sh, "Setting M Value(%s) for %s on %zu nodes\n", argv[2], argv[1], servers_in_scope(sh));
        return mgmt_each(sh, "setMValue", set_m_one, argc, argv);
}

static uint32_t get_timeout_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetTokenTimeoutRequest body = CHSM__GET_TOKEN_TIMEOUT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.get_token_timeout = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_TOKEN_TIMEOUT;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                shell_say(sh, "Token timeout on server %zu(%s): %u sec\n", index, s->host,
                          answer.response->token_timeout->seconds);
                shell_set(sh, "seconds", json_integer(answer.response->token_timeout->seconds));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_timeout(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, get_timeout_one, argc, argv);
}

static uint32_t set_timeout_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetTokenTimeoutRequest body = CHSM__SET_TOKEN_TIMEOUT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t seconds = 0;
        uint32_t rv = number(sh, "time-out", argv[1], UINT32_MAX, &seconds);

        (void)index;
        (void)argc;
        if (rv == 0) {
                body.seconds = (uint32_t)seconds;
                request.set_token_timeout = &body;
                request.body_case = CHSM__REQUEST__BODY_SET_TOKEN_TIMEOUT;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t set_timeout(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "setTokenTimeout", set_timeout_one, argc, argv);
}

/* ---- the key of a person ---- */

static bool read_into(struct shell *sh, const char *path, struct buf *b, ProtobufCBinaryData *out)
{
        if (!file_read(path, 2048, b, &sh->err))
                return false;
        *out = (ProtobufCBinaryData){ b->n, b->p };
        return true;
}

static uint32_t register_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RegisterQuorumKeyRequest body = CHSM__REGISTER_QUORUM_KEY_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf token = BUF_INIT, signature = BUF_INIT, key = BUF_INIT, old = BUF_INIT;
        uint32_t rv;

        (void)index;
        body.role = mgmt_role(sh, argv[1]);
        body.user = argv[2];
        if (!body.role || !read_into(sh, argv[3], &token, &body.token) ||
            !read_into(sh, argv[4], &signature, &body.signature) ||
            !read_into(sh, argv[5], &key, &body.public_key) ||
            (argc > 6 && !read_into(sh, argv[6], &old, &body.old_signature))) {
                rv = err_ckr(&sh->err);
        } else {
                request.register_quorum_key = &body;
                request.body_case = CHSM__REQUEST__BODY_REGISTER_QUORUM_KEY;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        buf_clear(&token);
        buf_clear(&signature);
        buf_clear(&key);
        buf_clear(&old);
        return rv;
}

static uint32_t register_key(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, argv[0], register_one, argc, argv);
}

/* ---- tokens ---- */

static struct buf gathered; /* of the running getToken, from each of its servers */

static uint32_t token_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        uint64_t service = 0, handle = 0;
        uint32_t rv = number(sh, "service", argv[1], 255, &service);
        bool of_key = service == 1 || service == 2;

        (void)index;
        if (rv == 0 && of_key)
                rv = argc > 4 ? number(sh, "key handle", argv[4], UINT32_MAX, &handle)
                              : shell_fail(sh, ERR_USAGE,
                                           "tokens of services 1 and 2 name a key: getToken %s %s %s HANDLE",
                                           argv[1], argv[2], argv[3]);
        return rv ? rv
                  : tool_token_get(sh, s->chsm, service, argv[2], handle,
                                   argc > 4 && !of_key ? argv[4] : NULL, &gathered);
}

static uint32_t token_get(struct shell *sh, int argc, char **argv)
{
        uint32_t rv = mgmt_each(sh, "getToken", token_one, argc, argv);

        if (gathered.n && !file_write(argv[3], buf_slice(&gathered), 0644, &sh->err))
                rv = rv ? rv : err_ckr(&sh->err);
        else if (gathered.n)
                shell_set(sh, "file", json_string(argv[3]));
        buf_clear(&gathered);
        return rv;
}

static uint32_t approve_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        struct tool_approvals approvals;
        uint32_t rv = tool_approvals_read(sh, argv[1], &approvals);

        (void)index;
        (void)argc;
        if (rv == 0)
                rv = tool_token_approve(sh, s->chsm, &approvals);
        tool_approvals_clear(&approvals);
        return rv;
}

static uint32_t token_approve(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "approveToken", approve_one, argc, argv);
}

static uint32_t list_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        shell_say(sh, "=====================\n    Server %zu(%s)\n=====================\n", index, s->host);
        return tool_token_list(sh, s->chsm);
}

static uint32_t token_list(struct shell *sh, int argc, char **argv)
{
        uint32_t rv = mgmt_each(sh, NULL, list_one, argc, argv);

        if (rv == 0)
                shell_say(sh, "listTokens success\n");
        return rv;
}

static uint32_t delete_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)index;
        (void)argc;
        return tool_token_delete(sh, s->chsm, argv[1]);
}

static uint32_t token_delete(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "delToken", delete_one, argc, argv);
}

const struct shell_command mgmt_quorum_rows[] = {
        { "getMValue", "SERVICE", "how many approvals a service needs; 1: none but the caller", 1, 1, false,
          get_m_value, "getMValue 3" },
        { "setMValue", "SERVICE M", "let a service (3 to 6) need the approvals of M officers; 1: off", 2, 2,
          true, set_m_value, "setMValue 3 2" },
        { "registerQuorumPubKey", "CO|CU USER TOKEN TOKEN_SIGNATURE PUBLIC_KEY [SIGNATURE_BY_PRESENT_KEY]",
          "register one's own key to approve with", 5, 6, true, register_key,
          "registerQuorumPubKey CO officer1 officer1.token officer1.token.sig officer1.pem" },
        { "registerMofnPubKey", "CO|CU USER TOKEN TOKEN_SIGNATURE PUBLIC_KEY [SIGNATURE_BY_PRESENT_KEY]",
          "the older name of registerQuorumPubKey", 5, 6, true, register_key,
          "registerMofnPubKey CO officer1 officer1.token officer1.token.sig officer1.pem" },
        { "getToken", "SERVICE USER FILE [TARGET_USER|KEY_HANDLE]",
          "ask for a token; its file is for others to sign", 3, 4, false, token_get,
          "getToken 3 officer1 officer1.token3" },
        { "approveToken", "APPROVAL_FILE", "hand in the signatures of a token's file", 1, 1, false,
          token_approve, "approveToken officer1.approval" },
        { "listTokens", "", "list tokens and who has approved them", 0, 0, false, token_list, "listTokens" },
        { "delToken", "TOKEN_ID", "delete a token", 1, 1, false, token_delete,
          "delToken 5f1c0a9be37d42c68a1f7705c2d9e611" },
        { "getTokenTimeout", "", "how long tokens live", 0, 0, false, get_timeout, "getTokenTimeout" },
        { "setTokenTimeout", "SECONDS", "let new tokens live so long (30 to 86400 s)", 1, 1, false,
          set_timeout, "setTokenTimeout 900" },
        { 0 },
};
