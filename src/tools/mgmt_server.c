/* chsm-mgmt: servers, partition and ceremony. */
#include "base/file.h"
#include "base/text.h"
#include "tools/mgmt.h"
#include "tools/show.h"

#include <stdio.h>

static uint32_t help(struct shell *sh, int argc, char **argv)
{
        shell_help(sh, argc > 1 ? argv[1] : NULL);
        return err_ckr(&sh->err);
}

static uint32_t quit(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        shell_say(sh, "disconnecting from servers, please wait...\n");
        sh->done = true;
        return 0;
}

static void prompt(struct shell *sh)
{
        struct mgmt *m = mgmt_of(sh);

        sh->in_server = m->scope >= 0;
        if (m->scope < 0)
                (void)snprintf(sh->prompt, sizeof(sh->prompt), "cloudmgmt>");
        else
                (void)snprintf(sh->prompt, sizeof(sh->prompt), "server%ld>", m->scope);
}

static uint32_t leave(struct shell *sh, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);

        if (m->scope < 0)
                return quit(sh, argc, argv);
        m->scope = -1;
        prompt(sh);
        return 0;
}

static uint32_t server(struct shell *sh, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        uint64_t id;

        (void)argc;
        if (!text_number(argv[1], 0, m->count ? m->count - 1 : 0, &id))
                return shell_fail(sh, ERR_USAGE, "there is no server '%s'; ids are 0 to %zu", argv[1],
                                  m->count - 1);
        m->scope = (long)id;
        prompt(sh);
        shell_say(sh, "Server is in '%s' mode...\n", m->servers[id].owned ? "E2E" : "Unencrypted");
        return 0;
}

static uint32_t reconnect(struct shell *sh, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        uint32_t rv = 0;

        (void)argc;
        (void)argv;
        for (size_t i = 0; i < m->count; i++) {
                if (m->scope >= 0 && (size_t)m->scope != i)
                        continue;
                if (!mgmt_connect(sh, &m->servers[i], i))
                        rv = shell_fail(sh, ERR_CONNECT,
                                        "server %zu(%s) could not be connected; see the words above", i,
                                        m->servers[i].host);
        }
        return rv;
}

static uint32_t info(struct shell *sh, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        json_t *list = json_array();

        (void)argc;
        (void)argv;
        shell_say(sh, "Id  Hostname              Port   State          LoginState\n");
        for (size_t i = 0; i < m->count; i++) {
                const struct mgmt_server *s = &m->servers[i];
                const char *state = s->chsm ? "Connected" : "Not connected";

                shell_say(sh, "%-3zu %-21s %-6u %-14s %s%s%s\n", i, s->host, s->port, state,
                          s->login[0] ? "Logged in as '" : "Not logged in", s->login, s->login[0] ? "'" : "");
                (void)json_array_append_new(list, json_pack("{s:i,s:s,s:i,s:b,s:b,s:s}", "id", (int)i,
                                                            "hostname", s->host, "port", (int)s->port,
                                                            "connected", s->chsm != NULL, "verified",
                                                            s->owned, "login", s->login));
        }
        shell_set(sh, "servers", list);
        return 0;
}

/* ---- what a server says of itself ---- */

static uint32_t hsm_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__NodeInfoRequest body = CHSM__NODE_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.node_info = &body;
        request.body_case = CHSM__REQUEST__BODY_NODE_INFO;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                shell_say(sh, "*** Server %zu HSM Info ***\n\n", index);
                tool_show_hsm(sh, answer.response->node_info);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_hsm_info(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, hsm_one, argc, argv);
}

static uint32_t partition_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        static const char *const states[] = { "?", "initialised, unowned", "owned", "activated" };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__PartitionInfoRequest body = CHSM__PARTITION_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.partition_info = &body;
        request.body_case = CHSM__REQUEST__BODY_PARTITION_INFO;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__PartitionInfoResponse *r = answer.response->partition_info;
                const char *state = states[r->state <= 3 ? r->state : 0];

                shell_say(sh, "*** Server %zu Partition Info ***\n\n\tName                 :%s\n", index,
                          r->name);
                shell_say(sh, "\tState                :%s\n\tFIPS state           :%u\n", state,
                          r->fips_state);
                shell_say(sh, "\tUsers                :%llu of %llu\n", (unsigned long long)r->users,
                          (unsigned long long)r->max_users);
                shell_say(sh, "\tKeys                 :%llu of %llu\n", (unsigned long long)r->keys,
                          (unsigned long long)r->max_keys);
                shell_say(sh, "\tPassword length      :%u to %u\n\tLock after failures  :%u\n",
                          r->min_password, r->max_password, r->lock_after);
                shell_say(sh, "\tProfile              :%s\n\tRevision             :%lld\n", r->profile,
                          (long long)r->revision);
                shell_set(sh, "name", json_string(r->name));
                shell_set(sh, "state", json_string(state));
                shell_set(sh, "fips_state", json_integer((json_int_t)r->fips_state));
                shell_set(sh, "users", json_integer((json_int_t)r->users));
                shell_set(sh, "keys", json_integer((json_int_t)r->keys));
                shell_set(sh, "max_users", json_integer((json_int_t)r->max_users));
                shell_set(sh, "max_keys", json_integer((json_int_t)r->max_keys));
                shell_set(sh, "min_password", json_integer((json_int_t)r->min_password));
                shell_set(sh, "max_password", json_integer((json_int_t)r->max_password));
                shell_set(sh, "lock_after", json_integer((json_int_t)r->lock_after));
                shell_set(sh, "profile", json_string(r->profile));
                shell_set(sh, "revision", json_integer((json_int_t)r->revision));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_partition_info(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, partition_one, argc, argv);
}

/* ---- certificates ---- */

static uint32_t write_pem(struct shell *sh, const char *path, const ProtobufCBinaryData *pem)
{
        if (!file_write(path, slice_of(pem->data, pem->len), 0644, &sh->err))
                return err_ckr(&sh->err);
        shell_set(sh, "file", json_string(path));
        return 0;
}

static uint32_t cert_req_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CertRequestRequest body = CHSM__CERT_REQUEST_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)index;
        (void)argc;
        request.cert_request = &body;
        request.body_case = CHSM__REQUEST__BODY_CERT_REQUEST;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                rv = write_pem(sh, argv[1], &answer.response->cert_request->pem);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_cert_req(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "getCertReq", cert_req_one, argc, argv);
}

static uint32_t cert_type(struct shell *sh, const char *text, uint32_t *type)
{
        uint64_t n;

        if (!text_number(text, 1, 64, &n) || (n & (n - 1)))
                return shell_fail(sh, ERR_USAGE, "certificate types are 1, 2, 4, 8, 16, 32 and 64, not '%s'",
                                  text);
        *type = (uint32_t)n;
        return 0;
}

static uint32_t get_cert_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetCertRequest body = CHSM__GET_CERT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = cert_type(sh, argv[2], &body.type);

        (void)index;
        (void)argc;
        if (rv == 0) {
                request.get_cert = &body;
                request.body_case = CHSM__REQUEST__BODY_GET_CERT;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0)
                rv = write_pem(sh, argv[1], &answer.response->get_cert->pem);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_cert(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "getCert", get_cert_one, argc, argv);
}

static uint32_t store_cert_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__StoreCertRequest body = CHSM__STORE_CERT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf text = BUF_INIT;
        uint32_t rv = cert_type(sh, argv[2], &body.type);

        (void)argc;
        if (rv == 0 && !file_read(argv[1], 64 * 1024, &text, &sh->err))
                rv = err_ckr(&sh->err);
        if (rv == 0) {
                body.certificate = (ProtobufCBinaryData){ text.n, text.p };
                request.store_cert = &body;
                request.body_case = CHSM__REQUEST__BODY_STORE_CERT;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        buf_clear(&text);
        /* The node now shows the owner's certificate: everything further is said to it verified. */
        if (rv == 0)
                mgmt_success(sh, "storeCert", index);
        if (rv == 0 && body.type == 8) {
                shell_say(sh, "logging out\n");
                if (!mgmt_connect(sh, s, index))
                        rv = shell_fail(sh, ERR_CONNECT,
                                        "the certificate is stored, but the node cannot be verified; "
                                        "is PO.crt where the configuration says?");
        }
        return rv;
}

static uint32_t store_cert(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, store_cert_one, argc, argv);
}

const struct shell_command mgmt_server_rows[] = {
        { "help", "[COMMAND]", "list the commands, or explain one", 0, 1, false, help, "help createUser",
          SHELL_ANYWHERE },
        { "quit", "", "disconnect from all servers and end", 0, 0, false, quit, "quit", SHELL_GLOBAL },
        { "exit", "", "leave the server's scope", 0, 0, false, leave, "exit", SHELL_SERVER },
        { "server", "ID", "talk to one server only", 1, 1, false, server, "server 0", SHELL_GLOBAL },
        { "reconnect", "", "connect to the server again", 0, 0, false, reconnect, "reconnect", SHELL_SERVER },
        { "enable_e2e", "", "connect again, verified under PO.crt", 0, 0, false, reconnect, "enable_e2e",
          SHELL_ANYWHERE },
        { "info", "[server ID]", "show connections and logins", 0, 2, false, info, "info server 0",
          SHELL_GLOBAL },
        { "getHSMInfo", "", "describe the node", 0, 0, false, get_hsm_info, "getHSMInfo", SHELL_ANYWHERE },
        { "getPartitionInfo", "", "describe the partition and its limits", 0, 0, false, get_partition_info,
          "getPartitionInfo", SHELL_SERVER },
        { "getCertReq", "FILE", "write the partition's certificate request (PKCS#10)", 1, 1, false,
          get_cert_req, "getCertReq P1.csr", SHELL_ONE_SERVER },
        { "getCert", "FILE 1|2|4|8|16|32|64", "write a stored certificate", 2, 2, false, get_cert,
          "getCert PO.pem 4", SHELL_ONE_SERVER },
        { "storeCert", "FILE 4|8", "store the owner's certificate (4) or the one he issued (8)", 2, 2, false,
          store_cert, "storeCert PO.crt 4", SHELL_ONE_SERVER },
        { 0 },
};
