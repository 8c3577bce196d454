/* chsm-mgmt: one command on each server of the scope, and what is asked when one of several fails. */
#include "tools/mgmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* What the nodes of a partition do together, so that a second one would find it done. */
static bool is_done_once(const char *name)
{
        static const char *const once[] = { "getToken",          "approveToken",      "delToken",
                                            "createUser",        "deleteUser",        "changePswd",
                                            "unlockUser",        "renamePCO",         "modifyKeyOwner",
                                            "setUserAttributes", "disableUserAccess", "shareKey" };

        for (size_t i = 0; name && i < sizeof(once) / sizeof(once[0]); i++) {
                if (strcmp(once[i], name) == 0)
                        return true;
        }
        return false;
}

static bool same(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
        return slice_equal(slice_of(a.data, a.len), slice_of(b.data, b.len));
}

/* Another node of the same partition comes before this one, and has done it. A copy of it that was restored
 * elsewhere has the same id and changes by itself. */
static bool has_elder(const struct mgmt *m, const bool *done, size_t index)
{
        const Chsm__HelloResponse *own = chsm_hello(m->servers[index].chsm), *other;

        for (size_t i = 0; i < index; i++) {
                if (!m->servers[i].chsm || !done || !done[i])
                        continue;
                other = chsm_hello(m->servers[i].chsm);
                if (own->partition_id.len && same(own->partition_id, other->partition_id) &&
                    same(own->copy_id, other->copy_id))
                        return true;
        }
        return false;
}

/* A command that goes to the servers of the scope. */
struct each {
        struct shell *sh;
        const char *name; /* for the success line; NULL: none */
        mgmt_one *one;
        int argc;
        char **argv;
        bool clean; /* none has failed so far */
        bool *done; /* which servers have done it */
};

uint32_t mgmt_not_connected(struct shell *sh, size_t i)
{
        return shell_fail(sh, ERR_CONNECT, "server %zu(%s) is not connected; to try again: reconnect", i,
                          mgmt_of(sh)->servers[i].host);
}

struct mgmt_server *mgmt_scoped(struct shell *sh)
{
        struct mgmt *m = mgmt_of(sh);
        size_t i = m->scope < 0 ? 0 : (size_t)m->scope;

        if (m->servers[i].chsm)
                return &m->servers[i];
        (void)mgmt_not_connected(sh, i);
        return NULL;
}

static uint32_t run_one(struct each *e, size_t i)
{
        struct mgmt *m = mgmt_of(e->sh);
        uint32_t rv;

        if (!m->servers[i].chsm) {
                shell_say(e->sh, "Server %zu is not connected\n", i);
                return mgmt_not_connected(e->sh, i);
        }
        rv = m->scope < 0 && is_done_once(e->name) && has_elder(m, e->done, i)
                 ? 0
                 : e->one(e->sh, &m->servers[i], i, e->argc, e->argv);
        if (rv == 0 && e->name)
                mgmt_success(e->sh, e->name, i);
        return rv;
}

/* ---- JSON mode: with several servers, each has an object of its own in "servers" ---- */

static json_t *own_answer(const struct mgmt *m, json_t *answer, size_t i)
{
        json_t *list = json_object_get(answer, "servers"), *own;
        size_t at;

        if (!list) {
                list = json_array();
                (void)json_object_set_new(answer, "servers", list);
        }
        json_array_foreach(list, at, own)
        {
                if (json_integer_value(json_object_get(own, "server")) == (json_int_t)i)
                        return own;
        }
        own = json_pack("{s:I,s:s}", "server", (json_int_t)i, "hostname", m->servers[i].host);
        (void)json_array_append_new(list, own);
        return own;
}

static void own_result(json_t *own, uint32_t rv, const struct err *err)
{
        (void)json_object_set_new(own, "ok", json_boolean(rv == 0));
        if (rv == 0) { /* it may have failed at first */
                (void)json_object_del(own, "code");
                (void)json_object_del(own, "reason");
                (void)json_object_del(own, "detail");
                return;
        }
        (void)json_object_set_new(own, "code", json_integer((json_int_t)rv));
        (void)json_object_set_new(own, "reason", json_string(err_row(err->id)->name));
        (void)json_object_set_new(own, "detail", json_string(err->detail));
}

static uint32_t run_of_several(struct each *e, size_t i)
{
        struct mgmt *m = mgmt_of(e->sh);
        json_t *whole = e->sh->answer, *own = e->sh->json && whole ? own_answer(m, whole, i) : NULL;
        uint32_t rv;

        if (own)
                e->sh->answer = own;
        e->sh->err = ERR_INIT; /* of the server before */
        rv = run_one(e, i);
        e->sh->answer = whole;
        if (own)
                own_result(own, rv, &e->sh->err);
        return rv;
}

/* ---- one of several has failed ---- */

static enum mgmt_on_failure ask(struct shell *sh)
{
        static const struct {
                const char *letter, *word;
                enum mgmt_on_failure choice;
        } choices[] = { { "r", "retry", MGMT_RETRY },
                        { "i", "ignore", MGMT_IGNORE },
                        { "a", "abort", MGMT_ABORT } };
        char line[64];

        for (;;) {
                if (!shell_ask(sh, "Retry/Ignore/Abort?(R/I/A):", line, sizeof(line)))
                        return MGMT_ABORT;
                for (size_t i = 0; i < 3; i++) {
                        if (strcasecmp(line, choices[i].letter) == 0 ||
                            strcasecmp(line, choices[i].word) == 0)
                                return choices[i].choice;
                }
                shell_say(sh, "Invalid option, please type 'R', 'I' or 'A'\n");
        }
}

/* Says what failed where, and what is to be done; the words of it stay in *err. */
static enum mgmt_on_failure failed(struct each *e, size_t i, struct err *err)
{
        struct shell *sh = e->sh;
        struct mgmt *m = mgmt_of(sh);
        bool asked = m->on_failure == MGMT_ASK && shell_is_person(sh);

        *err = sh->err;
        err_prefix(err, "server %zu(%s)", i, m->servers[i].host);
        if (!sh->json && (asked || !e->clean)) /* else the end of the command says so */
                fprintf(stderr, "%s failed on %s\n", e->argv[0], err->detail);
        if (asked)
                return ask(sh);
        return m->on_failure == MGMT_ABORT ? MGMT_ABORT : MGMT_IGNORE;
}

static uint32_t run_on_all(struct each *e)
{
        struct mgmt *m = mgmt_of(e->sh);
        struct err first = ERR_INIT, err = ERR_INIT;
        enum mgmt_on_failure next = MGMT_IGNORE;
        uint32_t worst = 0, rv = 0;
        bool some = false;

        for (size_t i = 0; i < m->count && next != MGMT_ABORT; i++) {
                for (next = MGMT_RETRY; next == MGMT_RETRY;) {
                        rv = run_of_several(e, i);
                        next = rv ? failed(e, i, &err) : MGMT_IGNORE;
                }
                if (rv && worst == 0) {
                        worst = rv;
                        first = err;
                }
                e->done[i] = rv == 0;
                e->clean = e->clean && rv == 0;
                some = some || rv == 0;
                if (next == MGMT_ABORT && i + 1 < m->count)
                        shell_say(e->sh, "aborted: nothing was sent to the servers after server %zu\n", i);
        }
        e->sh->ignored = some && m->on_failure == MGMT_IGNORE;
        e->sh->err = first;
        return worst;
}

uint32_t mgmt_each(struct shell *sh, const char *name, mgmt_one *one, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        struct each e = { sh, name, one, argc, argv, true, NULL };
        uint32_t rv;

        if (m->scope >= 0)
                return run_one(&e, (size_t)m->scope);
        if (m->count == 1)
                return run_one(&e, 0);
        e.done = calloc(m->count, sizeof(*e.done));
        rv = e.done ? run_on_all(&e) : shell_fail(sh, ERR_MEMORY, "no memory for the results of servers");
        free(e.done);
        return rv;
}

bool mgmt_on_failure_read(const char *word, enum mgmt_on_failure *out)
{
        static const struct {
                const char *word;
                enum mgmt_on_failure choice;
        } words[] = { { "ask", MGMT_ASK }, { "ignore", MGMT_IGNORE }, { "abort", MGMT_ABORT } };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (strcmp(words[i].word, word) == 0) {
                        *out = words[i].choice;
                        return true;
                }
        }
        return false;
}
