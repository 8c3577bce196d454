/* Options of chsm-util's commands, and the words of their results. */
#include "base/file.h"
#include "base/text.h"
#include "tools/util_move.h"

#include <stdio.h>
#include <stdlib.h>

struct chsm *util_chsm(struct shell *sh)
{
        return ((struct util *)sh->context)->chsm;
}

uint32_t util_options(struct shell *sh, int argc, char **argv, const struct util_option *rows, size_t n)
{
        for (int i = 1; i < argc; i++) {
                const struct util_option *row = NULL;

                for (size_t k = 0; k < n; k++) {
                        if (strcmp(rows[k].name, argv[i]) == 0)
                                row = &rows[k];
                }
                if (!row)
                        return shell_fail(sh, ERR_USAGE, "'%s' is no option of %s; try: %s -h", argv[i],
                                          argv[0], argv[0]);
                if (*row->value)
                        return shell_fail(sh, ERR_USAGE, "option %s stands twice", row->name);
                if (!row->is_switch && ++i == argc)
                        return shell_fail(sh, ERR_USAGE, "option %s needs a value", row->name);
                *row->value = argv[i];
        }
        for (size_t k = 0; k < n; k++) {
                if (rows[k].required && !*rows[k].value)
                        return shell_fail(sh, ERR_USAGE, "%s needs option %s; try: %s -h", argv[0],
                                          rows[k].name, argv[0]);
        }
        return 0;
}

uint32_t util_number(struct shell *sh, const char *option, const char *text, uint64_t min, uint64_t max,
                     uint64_t *out)
{
        if (text_number(text, min, max, out))
                return 0;
        return shell_fail(sh, ERR_USAGE, "option %s takes a number from %llu to %llu, not '%s'", option,
                          (unsigned long long)min, (unsigned long long)max, text);
}

bool util_read(struct shell *sh, const char *path, size_t most, struct buf *out)
{
        return file_read(path, most, out, &sh->err);
}

bool util_write(struct shell *sh, const char *path, struct slice bytes, unsigned mode)
{
        if (!file_write(path, bytes, mode, &sh->err))
                return false;
        shell_set(sh, "file", json_string(path));
        return true;
}

/* Numbers parted by commas. */
static uint32_t numbers(struct shell *sh, const char *option, const char *what, const char *text,
                        uint64_t **ids, size_t *n)
{
        char copy[512], *rest = copy, *word;

        *n = 0;
        *ids = calloc(64, sizeof(**ids));
        if (!*ids || (text && strlen(text) >= sizeof(copy)))
                return shell_fail(sh, *ids ? ERR_USAGE : ERR_MEMORY, "the list of option %s is too long",
                                  option);
        if (!text)
                return 0;
        memcpy(copy, text, strlen(text) + 1);
        while ((word = strsep(&rest, ","))) {
                if (*n == 64 || !text_number(word, 1, UINT32_MAX, &(*ids)[*n]))
                        return shell_fail(sh, ERR_USAGE, "option %s takes %s parted by commas, not '%s'",
                                          option, what, text);
                (*n)++;
        }
        return 0;
}

uint32_t util_users(struct shell *sh, const char *text, uint64_t **ids, size_t *n)
{
        return numbers(sh, "-u", "user ids", text, ids, n);
}

uint32_t util_handles(struct shell *sh, const char *option, const char *text, uint64_t **handles, size_t *n)
{
        return numbers(sh, option, "handles", text, handles, n);
}

uint32_t util_quorum(struct shell *sh, const struct util_making *m, uint32_t *quorum)
{
        uint64_t n = 0;
        uint32_t rv = m->quorum ? util_number(sh, "-m_value", m->quorum, 0, 8, &n) : 0;

        *quorum = (uint32_t)n;
        return rv;
}

/* What the documented tool offers and this one cannot promise is refused, not passed over. */
uint32_t util_cluster_wishes(struct shell *sh, const struct util_making *m)
{
        uint64_t nodes = 1, seconds = 0, present = 0;
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ClusterInfoRequest body = CHSM__CLUSTER_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = 0;

        if (m->attest)
                return shell_fail(
                    sh, ERR_UNSUPPORTED,
                    "-attest: there is no firmware to attest; check the node's certificates with getCert");
        if (rv == 0 && m->timeout && !m->nodes)
                return shell_fail(sh, ERR_USAGE, "-timeout goes with -min_srv");
        if (rv == 0 && m->timeout)
                rv = util_number(sh, "-timeout", m->timeout, 0, UINT32_MAX, &seconds);
        if (rv == 0 && m->nodes)
                rv = util_number(sh, "-min_srv", m->nodes, 1, 32, &nodes);
        if (rv || nodes == 1)
                return rv;
        request.cluster_info = &body;
        request.body_case = CHSM__REQUEST__BODY_CLUSTER_INFO;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        for (size_t i = 0; rv == 0 && i < answer.response->cluster_info->n_nodes; i++)
                present += answer.response->cluster_info->nodes[i]->connected ? 1 : 0;
        chsm_answer_clear(&answer);
        if (rv == 0 && nodes > present)
                rv = shell_fail(sh, ERR_CONNECT, "-min_srv %s: only %llu nodes are up", m->nodes,
                                (unsigned long long)present);
        return rv;
}

/* -role: usage by class. */
static const struct {
        const char *name;
        struct {
                CK_OBJECT_CLASS object_class;
                CK_ATTRIBUTE_TYPE types[2]; /* CKA_CLASS: none */
        } usage[3];
} role_rows[] = {
        { "wrap",
          { { CKO_SECRET_KEY, { CKA_WRAP, CKA_UNWRAP } },
            { CKO_PUBLIC_KEY, { CKA_WRAP, CKA_CLASS } },
            { CKO_PRIVATE_KEY, { CKA_UNWRAP, CKA_CLASS } } } },
        { "encrypt",
          { { CKO_SECRET_KEY, { CKA_ENCRYPT, CKA_DECRYPT } },
            { CKO_PUBLIC_KEY, { CKA_ENCRYPT, CKA_CLASS } },
            { CKO_PRIVATE_KEY, { CKA_DECRYPT, CKA_CLASS } } } },
        { "sign",
          { { CKO_SECRET_KEY, { CKA_SIGN, CKA_VERIFY } },
            { CKO_PUBLIC_KEY, { CKA_VERIFY, CKA_CLASS } },
            { CKO_PRIVATE_KEY, { CKA_SIGN, CKA_CLASS } } } },
};

uint32_t util_role(struct shell *sh, const struct util_making *m, CK_OBJECT_CLASS object_class,
                   struct ask_attributes *a)
{
        for (size_t i = 0; m->role && i < sizeof(role_rows) / sizeof(role_rows[0]); i++) {
                if (strcmp(role_rows[i].name, m->role) != 0)
                        continue;
                for (size_t k = 0; k < 6; k++) {
                        CK_ATTRIBUTE_TYPE type = role_rows[i].usage[k / 2].types[k % 2];

                        if (role_rows[i].usage[k / 2].object_class == object_class && type != CKA_CLASS)
                                ask_bool(a, type, true);
                }
                return 0;
        }
        return m->role ? shell_fail(sh, ERR_USAGE, "-role is wrap, encrypt or sign, not '%s'", m->role) : 0;
}

uint32_t util_making_wishes(struct shell *sh, const struct util_making *m)
{
        size_t held = ((struct util *)sh->context)->session_n;
        uint64_t flag;

        if (util_cluster_wishes(sh, m))
                return err_ckr(&sh->err);
        if (m->session && held + 2 > UTIL_SESSION_MOST) /* it may be a pair */
                return shell_fail(
                    sh, ERR_LIMIT,
                    "this run of the tool holds %zu session keys, and %d are the most; delete some", held,
                    UTIL_SESSION_MOST);
        return m->trusted ? util_number(sh, "-wrap_with_trusted", m->trusted, 0, 1, &flag) : 0;
}

uint32_t util_making(struct shell *sh, const struct util_making *m, bool hidden, struct ask_attributes *a)
{
        bool trusted = ((struct util *)sh->context)->wrap_with_trusted && !m->not_extractable;
        uint32_t rv = util_making_wishes(sh, m);

        if (rv)
                return rv;
        ask_bool(a, CKA_TOKEN, !m->session);
        ask_bytes(a, CKA_LABEL, slice_str(m->label));
        if (m->id)
                ask_bytes(a, CKA_ID, slice_str(m->id));
        if (hidden) {
                ask_bool(a, CKA_EXTRACTABLE, !m->not_extractable);
                if (m->trusted || trusted)
                        ask_bool(a, CKA_WRAP_WITH_TRUSTED, m->trusted ? m->trusted[0] == '1' : trusted);
        }
        return 0;
}
