/* chsm-mgmt: whether nodes hold the same users and keys, by the digests they give. */
#include "base/file.h"
#include "base/text.h"
#include "tools/mgmt_user.h"

#include <stdio.h>
#include <stdlib.h>

enum kind { USERS = 1, KEYS = 2 };

static uint32_t ask_hashes(struct shell *sh, struct mgmt_server *s, Chsm__StateHashRequest *body,
                           struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;

        request.state_hash = body;
        request.body_case = CHSM__REQUEST__BODY_STATE_HASH;
        return chsm_call(s->chsm, &request, answer, &sh->err);
}

static uint32_t number(struct shell *sh, const char *text, const char *what, uint64_t *out)
{
        return text_number(text, 0, UINT32_MAX, out) ? 0
                                                     : shell_fail(sh, ERR_USAGE, "'%s' is no %s", text, what);
}

/* ---- getUserHash, getSingleUserHash ---- */

static void say_hash(struct shell *sh, struct mgmt_server *s, size_t index, ProtobufCBinaryData hash)
{
        struct buf hex = BUF_INIT;
        const char *text;

        buf_put_hex(&hex, slice_of(hash.data, hash.len));
        text = buf_text(&hex);
        shell_say(sh, "User Hash on server %zu(%s):\n%s\n", index, s->host, text ? text : "");
        shell_set(sh, "hash", json_string(text ? text : ""));
        buf_clear(&hex);
}

static uint32_t hash_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__StateHashRequest body = CHSM__STATE_HASH_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = 0;

        body.kind = USERS;
        body.total = argc == 1;
        if (argc > 1)
                rv = number(sh, argv[1], "user id", &body.id);
        if (rv == 0 && argc > 1 && body.id == 0)
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no user id; all users: getUserHash", argv[1]);
        if (rv == 0)
                rv = ask_hashes(sh, s, &body, &answer);
        if (rv == 0) {
                const Chsm__StateHashResponse *r = answer.response->state_hash;

                say_hash(sh, s, index, body.total || !r->n_rows ? r->total : r->rows[0]->hash);
        }
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t mgmt_user_hash(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, argc > 1 ? "getSingleUserHash" : "getUserHash", hash_one, argc, argv);
}

/* ---- getUserDiffMap, getKeyDiffMap ---- */

/* All digests of a server, ascending by id. */
struct list {
        struct {
                uint64_t id;
                uint8_t hash[32];
        } * rows;
        size_t n;
};

static uint32_t load(struct shell *sh, struct mgmt_server *s, Chsm__StateHashRequest body, struct list *out)
{
        bool more = true;
        uint32_t rv = 0;

        while (rv == 0 && more) {
                struct chsm_answer answer = CHSM_ANSWER_INIT;
                const Chsm__StateHashResponse *r;
                void *grown;

                rv = ask_hashes(sh, s, &body, &answer);
                r = rv == 0 ? answer.response->state_hash : NULL;
                grown = r ? realloc(out->rows, (out->n + r->n_rows + 1) * sizeof(*out->rows)) : NULL;
                if (grown)
                        out->rows = grown;
                else if (rv == 0)
                        rv = shell_fail(sh, ERR_MEMORY, "no memory for the digests of a node");
                for (size_t i = 0; grown && i < r->n_rows; i++) {
                        out->rows[out->n].id = body.after = r->rows[i]->id;
                        memcpy(out->rows[out->n++].hash, r->rows[i]->hash.data,
                               r->rows[i]->hash.len < 32 ? r->rows[i]->hash.len : 32);
                }
                more = grown && r->more && r->n_rows;
                shell_progress(sh, "digests", out->n, 0);
                chsm_answer_clear(&answer);
        }
        return rv;
}

static bool same_in(const struct list *other, const struct list *own, size_t i)
{
        size_t low = 0, high = other->n;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (other->rows[middle].id == own->rows[i].id)
                        return memcmp(other->rows[middle].hash, own->rows[i].hash, 32) == 0;
                if (other->rows[middle].id < own->rows[i].id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return false;
}

/* A row for each user or key of the reference server: on which servers it is the same, the last first. */
static void map_text(struct mgmt *m, const struct list *lists, size_t reference, const char *head,
                     struct buf *text, json_t *rows)
{
        const struct list *own = &lists[reference];

        buf_printf(text, "%s  Synced On\n", head);
        for (size_t i = 0; i < own->n; i++) {
                json_t *on = json_array();

                buf_printf(text, "%llu  ", (unsigned long long)own->rows[i].id);
                for (size_t s = m->count; s-- > 0;) {
                        if (m->servers[s].chsm && same_in(&lists[s], own, i)) {
                                buf_printf(text, "%zu,", s);
                                (void)json_array_append_new(on, json_integer((json_int_t)s));
                        }
                }
                buf_put_u8(text, '\n');
                (void)json_array_append_new(
                    rows, json_pack("{s:I,s:o}", "id", (json_int_t)own->rows[i].id, "synced_on", on));
        }
}

static uint32_t compare(struct shell *sh, size_t reference, const Chsm__StateHashRequest *body,
                        const char *file)
{
        struct mgmt *m = mgmt_of(sh);
        struct list *lists = calloc(m->count, sizeof(*lists));
        struct buf text = BUF_INIT;
        json_t *rows = json_array();
        const char *words;
        uint32_t rv = lists ? 0 : shell_fail(sh, ERR_MEMORY, "no memory for digests");

        for (size_t s = 0; rv == 0 && s < m->count; s++) {
                if (m->servers[s].chsm)
                        rv = load(sh, &m->servers[s], *body, &lists[s]);
                /* what only other nodes have is no error */
                if (rv && s != reference && sh->err.id != ERR_MEMORY && sh->err.id != ERR_ROLE &&
                    sh->err.id != ERR_NOT_LOGGED_IN) {
                        sh->err = ERR_INIT;
                        rv = 0;
                }
        }
        if (rv == 0) {
                map_text(m, lists, reference, body->kind == USERS ? "User Id" : "Key Handle", &text, rows);
                words = buf_text(&text);
                shell_say(sh, "%s", words ? words : "");
                if (file && !file_write(file, buf_slice(&text), 0644, &sh->err))
                        rv = err_ckr(&sh->err);
        }
        shell_set(sh, "rows", rows);
        for (size_t s = 0; lists && s < m->count; s++)
                free(lists[s].rows);
        free(lists);
        buf_clear(&text);
        return rv;
}

/* Global: the first word is the reference server; in a server's scope it is that server. Numbers follow, then
 * perhaps a file. */
static uint32_t diff_map(struct shell *sh, Chsm__StateHashRequest *body, uint64_t *const numbers[],
                         const char *const names[], int count, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        int at = 1;
        uint64_t reference = (uint64_t)(m->scope < 0 ? 0 : m->scope);
        uint32_t rv = 0;

        if (m->scope < 0)
                rv = number(sh, argv[at++], "server (in global scope it comes first)", &reference);
        if (rv == 0 && (reference >= m->count || !m->servers[reference].chsm))
                rv = shell_fail(sh, ERR_USAGE, "server %llu is not connected", (unsigned long long)reference);
        for (int i = 0; rv == 0 && i < count; i++)
                rv = argc > at ? number(sh, argv[at++], names[i], numbers[i])
                               : shell_fail(sh, ERR_USAGE, "the %s is missing (0: all); try: help %s",
                                            names[i], argv[0]);
        if (rv == 0 && argc > at + 1)
                rv = shell_fail(sh, ERR_USAGE, "'%s' is one word too many; try: help %s", argv[at + 1],
                                argv[0]);
        if (rv == 0)
                rv = compare(sh, (size_t)reference, body, argc > at ? argv[at] : NULL);
        if (rv == 0)
                shell_say(sh, "%s success\n", body->kind == USERS ? "getUserDiffMap" : "getKeyDiffMap");
        return rv;
}

uint32_t mgmt_user_diff(struct shell *sh, int argc, char **argv)
{
        Chsm__StateHashRequest body = CHSM__STATE_HASH_REQUEST__INIT;
        uint64_t *const numbers[] = { &body.id };
        const char *const names[] = { "user id" };

        body.kind = USERS;
        return diff_map(sh, &body, numbers, names, 1, argc, argv);
}

uint32_t mgmt_key_diff(struct shell *sh, int argc, char **argv)
{
        Chsm__StateHashRequest body = CHSM__STATE_HASH_REQUEST__INIT;
        uint64_t *const numbers[] = { &body.user, &body.id };
        const char *const names[] = { "user id", "key handle" };

        body.kind = KEYS;
        return diff_map(sh, &body, numbers, names, 2, argc, argv);
}
