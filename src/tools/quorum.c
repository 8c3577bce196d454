#include "tools/quorum.h"
#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define FILE_MAX (16 * 1024)

/* ---- approval files ---- */

/* One entry of the file, cut out of it: key and value without spaces and quotes around. */
static char *trim(char *text)
{
        size_t n;

        while (isspace((unsigned char)*text) || *text == '"')
                text++;
        n = strlen(text);
        while (n && (isspace((unsigned char)text[n - 1]) || text[n - 1] == '"'))
                text[--n] = 0;
        return text;
}

/* Comments become spaces. */
static void drop_comments(char *text)
{
        bool comment = false;

        for (; *text; text++) {
                comment = *text == '#' || (comment && *text != '\n');
                if (comment)
                        *text = ' ';
        }
}

/* The next "key = value;"; false at the end. A line is an entry even without its semicolon. */
static bool next_entry(char **rest, char **key, char **value)
{
        char *line, *equals;

        do {
                line = strsep(rest, "\n;");
                line = line ? trim(line) : NULL;
        } while (line && !*line);
        if (!line)
                return false;
        equals = strchr(line, '=');
        if (equals)
                *equals = 0;
        *value = equals ? trim(equals + 1) : line + strlen(line);
        *key = trim(line);
        return true;
}

static uint32_t role_of(const char *text)
{
        return strcmp(text, "2") == 0 || strcasecmp(text, "CO") == 0   ? 2
               : strcmp(text, "1") == 0 || strcasecmp(text, "CU") == 0 ? 1
                                                                       : 0;
}

static uint32_t read_file(struct shell *sh, const char *path, size_t most, struct buf *out)
{
        buf_reset(out);
        return file_read(path, most, out, &sh->err) ? 0 : err_ckr(&sh->err);
}

/* What stands in the file of one approver, after his type. */
static uint32_t approver_entry(struct shell *sh, struct tool_approvals *a, const char *key, const char *value)
{
        Chsm__Approval *row = a->n ? &a->rows[a->n - 1] : NULL;

        if (strcasecmp(key, "Approver Type") == 0) {
                if (a->n == TOOL_APPROVALS_MAX)
                        return shell_fail(sh, ERR_LIMIT, "an approval file has at most %d approvers",
                                          TOOL_APPROVALS_MAX);
                row = &a->rows[a->n];
                chsm__approval__init(row);
                a->list[a->n++] = row;
                row->role = role_of(value);
                return row->role ? 0
                                 : shell_fail(sh, ERR_USAGE,
                                              "an approver's type is 2 (CO) or 1 (CU), not '%s'", value);
        }
        if (!row)
                return shell_fail(sh, ERR_USAGE, "'%s' stands before any 'Approver Type'", key);
        if (strcasecmp(key, "Approver Name") == 0) {
                (void)snprintf(a->names[a->n - 1], sizeof(a->names[0]), "%s", value);
                row->user = a->names[a->n - 1];
                return 0;
        }
        if (read_file(sh, value, 2048, &a->signatures[a->n - 1]))
                return err_ckr(&sh->err);
        row->signature = (ProtobufCBinaryData){ a->signatures[a->n - 1].n, a->signatures[a->n - 1].p };
        return 0;
}

static uint32_t entry(struct shell *sh, struct tool_approvals *a, const char *key, const char *value,
                      uint64_t *promised)
{
        bool file = strcasecmp(key, "Multi Token File Path") == 0 || strcasecmp(key, "Token File Path") == 0;

        if (file && a->file.n && *value)
                return shell_fail(sh, ERR_USAGE, "an approval file names one token file");
        if (file)
                return *value ? read_file(sh, value, FILE_MAX, &a->file) : 0;
        if (strcasecmp(key, "Number of Approvals") == 0)
                return text_number(value, 1, TOOL_APPROVALS_MAX, promised)
                           ? 0
                           : shell_fail(sh, ERR_USAGE, "the number of approvals is 1 to %d, not '%s'",
                                        TOOL_APPROVALS_MAX, value);
        if (strcasecmp(key, "Approver Type") == 0 || strcasecmp(key, "Approver Name") == 0 ||
            strcasecmp(key, "Approval File") == 0)
                return approver_entry(sh, a, key, value);
        return shell_fail(sh, ERR_USAGE, "'%s' is no entry of an approval file", key);
}

uint32_t tool_approvals_read(struct shell *sh, const char *path, struct tool_approvals *a)
{
        struct buf text = BUF_INIT;
        char *rest, *key, *value;
        uint64_t promised = 0;
        uint32_t rv;

        memset(a, 0, sizeof(*a));
        rv = read_file(sh, path, FILE_MAX, &text);
        rest = rv ? NULL : (char *)(uintptr_t)buf_text(&text);
        if (rest)
                drop_comments(rest);
        while (rv == 0 && next_entry(&rest, &key, &value))
                rv = entry(sh, a, key, value, &promised);
        buf_clear(&text);
        if (rv)
                return rv;
        if (!a->file.n)
                return shell_fail(sh, ERR_USAGE, "%s names no token file: 'Multi Token File Path = FILE;'",
                                  path);
        if (promised != a->n)
                return shell_fail(sh, ERR_USAGE, "%s promises %llu approvals and has %zu approvers", path,
                                  (unsigned long long)promised, a->n);
        for (size_t i = 0; i < a->n; i++) {
                if (!a->names[i][0] || !a->signatures[i].n)
                        return shell_fail(sh, ERR_USAGE,
                                          "approver %zu needs 'Approver Name' and 'Approval File'", i + 1);
        }
        return 0;
}

void tool_approvals_clear(struct tool_approvals *a)
{
        buf_clear(&a->file);
        for (size_t i = 0; i < TOOL_APPROVALS_MAX; i++)
                buf_clear(&a->signatures[i]);
}

/* ---- tokens ---- */

static void hex_of(ProtobufCBinaryData id, char out[65])
{
        for (size_t i = 0; i < id.len && i < 32; i++)
                (void)snprintf(out + 2 * i, 3, "%02x", id.data[i]);
}

uint32_t tool_token_get(struct shell *sh, struct chsm *chsm, uint64_t service, const char *user,
                        uint64_t handle, const char *target, struct buf *out)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetTokenRequest body = CHSM__GET_TOKEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        char id[65] = "";
        uint32_t rv;

        body.service = (uint32_t)service;
        body.user = (char *)(uintptr_t)user;
        body.handle = handle;
        body.target = (char *)(uintptr_t)(target ? target : "");
        request.get_token = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_TOKEN;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__GetTokenResponse *r = answer.response->get_token;

                hex_of(r->id, id);
                buf_put(out, r->text.data, r->text.len);
                shell_say(sh, "Token:\nId:%s\nService:%llu\nNode:%s\nKey Handle:%llu\nUser:%s\n", id,
                          (unsigned long long)service, r->node, (unsigned long long)handle, r->user);
                shell_say(sh, "Required num of approvers : %u\n", r->required);
                shell_set(sh, "id", json_string(id));
                shell_set(sh, "required", json_integer(r->required));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static void show(struct shell *sh, const Chsm__TokensResponse *r)
{
        json_t *list = json_array();

        for (size_t i = 0; i < r->n_tokens; i++) {
                const Chsm__Token *t = r->tokens[i];
                json_t *names = json_array();
                char id[65] = "";

                hex_of(t->id, id);
                shell_say(sh,
                          "-------- Token - %zu ----------\nToken:\nId:%s\nService:%u\nNode:%s\nKey "
                          "Handle:%llu\nUser:%s\n",
                          i, id, t->service, t->node, (unsigned long long)t->handle, t->user);
                if (t->target[0])
                        shell_say(sh, "For:%s\n", t->target);
                shell_say(
                    sh,
                    "Token Validity: %u sec\nRequired num of approvers : %u\nCurrent num of approvals : %u\n",
                    t->seconds_left, t->required, t->approvals);
                for (size_t k = 0; k < t->n_approvers; k++) {
                        shell_say(sh, "Approver-%zu: %s\n", k, t->approvers[k]);
                        (void)json_array_append_new(names, json_string(t->approvers[k]));
                }
                (void)json_array_append_new(
                    list, json_pack("{s:s,s:i,s:s,s:s,s:I,s:s,s:s,s:i,s:i,s:i,s:o}", "id", id, "service",
                                    (int)t->service, "service_name", t->service_name, "node", t->node,
                                    "handle", (json_int_t)t->handle, "user", t->user, "for", t->target,
                                    "seconds_left", (int)t->seconds_left, "required", (int)t->required,
                                    "approvals", (int)t->approvals, "approvers", names));
        }
        shell_set(sh, "tokens", list);
}

uint32_t tool_token_approve(struct shell *sh, struct chsm *chsm, struct tool_approvals *a)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ApproveTokenRequest body = CHSM__APPROVE_TOKEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.file = (ProtobufCBinaryData){ a->file.n, a->file.p };
        body.approvals = a->list;
        body.n_approvals = a->n;
        request.approve_token = &body;
        request.body_case = CHSM__REQUEST__BODY_APPROVE_TOKEN;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        if (rv == 0)
                show(sh, answer.response->tokens);
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t tool_token_list(struct shell *sh, struct chsm *chsm)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListTokensRequest body = CHSM__LIST_TOKENS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.list_tokens = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_TOKENS;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                show(sh, answer.response->tokens);
                shell_say(sh, "Num of tokens = %zu\n\n", answer.response->tokens->n_tokens);
        }
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t tool_token_delete(struct shell *sh, struct chsm *chsm, const char *id)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeleteTokenRequest body = CHSM__DELETE_TOKEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf bytes = BUF_INIT;
        uint32_t rv;

        if (!text_from_hex(slice_str(id), &bytes) || bytes.n != 16)
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no token's id; see: listTokens", id);
        else {
                body.id = (ProtobufCBinaryData){ bytes.n, bytes.p };
                request.delete_token = &body;
                request.body_case = CHSM__REQUEST__BODY_DELETE_TOKEN;
                rv = chsm_call(chsm, &request, &answer, &sh->err);
        }
        buf_clear(&bytes);
        chsm_answer_clear(&answer);
        return rv;
}

void tool_quorum_say(struct shell *sh, uint32_t quorum)
{
        if (quorum)
                shell_say(sh, "%u Users need to approve to use/manage this key\n", quorum);
        shell_set(sh, "quorum", json_integer(quorum));
}
