/* chsm-mgmt: the owner's recovery of a crypto officer. */
#include "base/file.h"
#include "tools/mgmt_user.h"

#include <stdio.h>
#include <sys/stat.h>

#define TEMPLATE_MAX  (64 * 1024)
#define SIGNATURE_MAX 1024
#define PATH_ROOM     4096

static uint32_t need_folder(struct shell *sh, const char *path)
{
        struct stat st;

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
                return 0;
        return shell_fail(sh, ERR_FILE, "'%s' is no folder; make it first", path);
}

static uint32_t write_node_file(struct shell *sh, const char *folder, const char *kind, size_t index,
                                ProtobufCBinaryData data)
{
        char path[PATH_ROOM];

        if (snprintf(path, sizeof(path), "%s/%s_node_%zu", folder, kind, index) >= (int)sizeof(path))
                return shell_fail(sh, ERR_FILE, "the name of '%s' is too long", folder);
        if (!file_write(path, slice_of(data.data, data.len), 0644, &sh->err))
                return err_ckr(&sh->err);
        shell_set(sh, kind, json_string(path));
        return 0;
}

static uint32_t challenge_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetChallengeRequest body = CHSM__GET_CHALLENGE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        body.user = argv[1];
        request.get_challenge = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_CHALLENGE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__ChallengeResponse *r = answer.response->challenge;

                rv = write_node_file(sh, argv[2], "challenge", index, r->challenge);
                if (rv == 0)
                        rv = write_node_file(sh, argv[3], "signature", index, r->signature);
                shell_set(sh, "expires_ms", json_integer((json_int_t)r->expires_ms));
        }
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t mgmt_get_challenge(struct shell *sh, int argc, char **argv)
{
        uint32_t rv = need_folder(sh, argv[2]);

        if (rv == 0)
                rv = need_folder(sh, argv[3]);
        if (rv)
                return rv;
        shell_say(sh, "getChallenge on %zu nodes\n", mgmt_scope_size(sh));
        return mgmt_each(sh, "getChallenge", challenge_one, argc, argv);
}

/* ---- unlockCO ---- */

/* A template for the servers there are, where none is yet. */
static uint32_t write_sample(struct shell *sh, const char *path)
{
        struct buf text = BUF_INIT;
        const char *words;
        uint32_t rv;

        buf_printf(&text, "{\n  \"Unlock CO signatures\": {");
        for (size_t i = 0; i < mgmt_of(sh)->count; i++)
                buf_printf(&text, "%s\n    \"Node %zu\": \"/path/to/challenge.sign%zu\"", i ? "," : "", i, i);
        buf_printf(&text, "\n  }\n}\n");
        words = buf_text(&text);
        if (!file_write(path, buf_slice(&text), 0644, &sh->err)) {
                rv = err_ckr(&sh->err);
        } else {
                shell_say(sh, "A sample was written to %s:\n%s", path, words ? words : "");
                shell_set(sh, "sample", json_string(words ? words : ""));
                rv = shell_fail(
                    sh, ERR_FILE,
                    "there was no template '%s'; put the paths of the signatures into the sample and run "
                    "unlockCO again",
                    path);
        }
        buf_clear(&text);
        return rv;
}

static json_t *template; /* of the running command, for each of its servers */

static uint32_t read_template(struct shell *sh, const char *path)
{
        struct buf text = BUF_INIT;
        json_error_t error;
        uint32_t rv = 0;

        if (!file_read(path, TEMPLATE_MAX, &text, &sh->err)) {
                rv = err_ckr(&sh->err);
        } else if (!(template = json_loadb((const char *)text.p, text.n, 0, &error))) {
                rv = shell_fail(sh, ERR_CONFIG, "%s:%d: %s", path, error.line, error.text);
        } else if (!json_is_object(json_object_get(template, "Unlock CO signatures"))) {
                rv = shell_fail(sh, ERR_CONFIG, "%s has no object \"Unlock CO signatures\"", path);
        }
        buf_clear(&text);
        return rv;
}

/* The signature for a server, from the file that the template names. */
static uint32_t read_signature(struct shell *sh, const char *path, size_t index, struct buf *out)
{
        char node[32];
        const char *file;

        (void)snprintf(node, sizeof(node), "Node %zu", index);
        file = json_string_value(json_object_get(json_object_get(template, "Unlock CO signatures"), node));
        if (!file)
                return shell_fail(sh, ERR_CONFIG, "%s names no signature for \"%s\"", path, node);
        return file_read(file, SIGNATURE_MAX, out, &sh->err) ? 0 : err_ckr(&sh->err);
}

static uint32_t unlock_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__UnlockOfficerRequest body = CHSM__UNLOCK_OFFICER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf signature = BUF_INIT;
        uint32_t rv = read_signature(sh, argv[2], index, &signature);

        (void)argc;
        if (rv == 0) {
                chsm_forget_login(s->chsm); /* a login that has ended must not come with the request */
                s->login[0] = 0;
                body.user = argv[1];
                body.signature = (ProtobufCBinaryData){ signature.n, signature.p };
                request.unlock_officer = &body;
                request.body_case = CHSM__REQUEST__BODY_UNLOCK_OFFICER;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0) {
                const Chsm__LoginResponse *r = answer.response->login;

                if (!chsm_use_ticket(s->chsm, slice_of(r->ticket.data, r->ticket.len), r->user_id, &sh->err))
                        rv = err_ckr(&sh->err);
                (void)snprintf(s->login, sizeof(s->login), "%.40s(CO)", argv[1]);
                mgmt_note(sh, answer.response);
        }
        chsm_answer_clear(&answer);
        buf_clear(&signature);
        return rv;
}

uint32_t mgmt_unlock_officer(struct shell *sh, int argc, char **argv)
{
        struct stat st;
        uint32_t rv;

        if (stat(argv[2], &st) != 0)
                return write_sample(sh, argv[2]);
        rv = read_template(sh, argv[2]);
        if (rv == 0)
                rv = mgmt_each(sh, "unlockCO", unlock_one, argc, argv);
        if (rv == 0)
                shell_say(sh, "Now choose a new password: changePswd CO %s -hpswd\n", argv[1]);
        json_decref(template);
        template = NULL;
        return rv;
}
