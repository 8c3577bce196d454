/* What helpers are run for: a second factor, and approvals. */
#include "base/text.h"
#include "client/helper.h"

#define SIGNATURE_MAX 1024
#define APPROVALS_MAX 16
#define CU            1

/* ---- the second factor ---- */

static uint32_t login_signed(struct chsm *c, const struct helper *h, const Chsm__AuthChallengeRequest *who,
                             struct slice password, const Chsm__AuthChallengeResponse *r, struct err *err)
{
        struct buf signature = BUF_INIT;
        uint32_t rv;

        err->id = ERR_NONE;
        if (!helper_run(h, who->user, 0, slice_of(r->digest.data, r->digest.len), ERR_SECOND_FACTOR,
                        &signature, err) ||
            (signature.n > SIGNATURE_MAX &&
             !err_set(err, ERR_SECOND_FACTOR, "'%s' said more than a signature", h->command)))
                rv = err_ckr(err);
        else
                rv = chsm_login_signed(c, who->role, slice_str(who->user), password,
                                       slice_of(r->challenge.data, r->challenge.len), buf_slice(&signature),
                                       err);
        buf_clear(&signature);
        return rv;
}

uint32_t helper_login(struct chsm *c, const struct helper *h, uint32_t role, struct slice user,
                      struct slice password, struct err *err)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuthChallengeRequest body = CHSM__AUTH_CHALLENGE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena;
        uint32_t rv = chsm_login(c, role, user, password, err);

        if (rv == 0 || err->id != ERR_SECOND_FACTOR || !h->command)
                return rv;
        arena = arena_new(256, 64 * 1024);
        body.role = role;
        body.user = arena ? arena_text(arena, user) : NULL;
        request.auth_challenge = &body;
        request.body_case = CHSM__REQUEST__BODY_AUTH_CHALLENGE;
        *err = ERR_INIT;
        if (!body.user)
                err_set(err, ERR_MEMORY, "no memory for a login");
        rv = body.user ? chsm_call(c, &request, &answer, err) : err_ckr(err);
        if (rv == 0)
                rv = login_signed(c, h, &body, password, answer.response->auth_challenge, err);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

/* ---- approvals ---- */

/* "NAME BASE64" into one approval; false: the line is none. */
static bool line_read(struct arena *arena, struct slice line, Chsm__Approval *a)
{
        const uint8_t *space = line.n ? memchr(line.p, ' ', line.n) : NULL;
        struct buf signature = BUF_INIT;
        struct slice copy = SLICE_EMPTY;
        size_t n = space ? (size_t)(space - line.p) : 0;

        chsm__approval__init(a);
        a->role = CU;
        if (n && text_from_base64(slice_of(space + 1, line.n - n - 1), &signature) && signature.n)
                copy = arena_copy(arena, buf_slice(&signature));
        buf_clear(&signature);
        a->user = n ? arena_text(arena, slice_of(line.p, n)) : NULL;
        a->signature = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        return a->user && copy.p;
}

static bool approvals_read(struct arena *arena, struct slice said, Chsm__ApproveTokenRequest *out)
{
        Chsm__Approval *rows = arena_alloc(arena, APPROVALS_MAX * sizeof(*rows));

        out->approvals = arena_alloc(arena, APPROVALS_MAX * sizeof(Chsm__Approval *));
        while (rows && out->approvals && said.n) {
                const uint8_t *end = memchr(said.p, '\n', said.n);
                struct slice line = slice_of(said.p, end ? (size_t)(end - said.p) : said.n);

                if (line.n &&
                    (out->n_approvals == APPROVALS_MAX || !line_read(arena, line, &rows[out->n_approvals])))
                        return false;
                if (line.n) {
                        out->approvals[out->n_approvals] = &rows[out->n_approvals];
                        out->n_approvals++;
                }
                said = slice_of(said.p + line.n + (end != NULL), said.n - line.n - (end != NULL));
        }
        return out->n_approvals > 0;
}

static uint32_t token_approve(struct chsm *c, const struct helper *h, const char *user, uint64_t key,
                              const Chsm__GetTokenResponse *token, struct err *err)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ApproveTokenRequest body = CHSM__APPROVE_TOKEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(4096, 256 * 1024);
        struct buf said = BUF_INIT;
        uint32_t rv;

        body.file = token->text;
        request.approve_token = &body;
        request.body_case = CHSM__REQUEST__BODY_APPROVE_TOKEN;
        if (!arena)
                err_set(err, ERR_MEMORY, "no memory for approvals");
        else if (helper_run(h, user, key, slice_of(token->text.data, token->text.len), ERR_QUORUM, &said,
                            err) &&
                 !approvals_read(arena, buf_slice(&said), &body))
                err_set(err, ERR_QUORUM,
                        "what '%s' said is not lines of a user's name and his signature in base64",
                        h->command);
        rv = err->id ? err_ckr(err) : chsm_call(c, &request, &answer, err);
        buf_clear(&said);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

/* A token that nobody approved would only take up room until it expires. */
static void token_drop(struct chsm *c, const Chsm__GetTokenResponse *token)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeleteTokenRequest body = CHSM__DELETE_TOKEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;

        body.id = token->id;
        request.delete_token = &body;
        request.body_case = CHSM__REQUEST__BODY_DELETE_TOKEN;
        (void)chsm_call(c, &request, &answer, NULL);
        chsm_answer_clear(&answer);
}

uint32_t helper_approve(struct chsm *c, const struct helper *h, const char *user, uint32_t service,
                        uint64_t key, struct err *err)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetTokenRequest body = CHSM__GET_TOKEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.service = service;
        body.handle = key;
        request.get_token = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_TOKEN;
        rv = chsm_call(c, &request, &answer, err);
        if (rv == 0) {
                rv = token_approve(c, h, user, key, answer.response->get_token, err);
                if (rv)
                        token_drop(c, answer.response->get_token);
        }
        chsm_answer_clear(&answer);
        return rv;
}
