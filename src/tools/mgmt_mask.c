/* chsm-mgmt: masked objects, and the copying of users and keys from one server to another by means of them.
 */
#include "base/file.h"
#include "base/text.h"
#include "tools/mgmt.h"

#include <stdlib.h>
#include <string.h>

#define MASKED_MAX ((size_t)320 * 1024)

static uint32_t number(struct shell *sh, const char *text, const char *what, uint64_t min, uint64_t most,
                       uint64_t *out)
{
        return text_number(text, min, most, out) ? 0 : shell_fail(sh, ERR_USAGE, "'%s' is no %s", text, what);
}

static uint32_t extract_one(struct shell *sh, struct mgmt_server *s, uint64_t handle, uint64_t user,
                            struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ExtractMaskedRequest body = CHSM__EXTRACT_MASKED_REQUEST__INIT;

        body.handle = handle;
        body.user = user;
        request.extract_masked = &body;
        request.body_case = CHSM__REQUEST__BODY_EXTRACT_MASKED;
        return chsm_call(s->chsm, &request, answer, &sh->err);
}

static uint32_t insert_one(struct shell *sh, struct mgmt_server *s, ProtobufCBinaryData masked, bool keep,
                           struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__InsertMaskedRequest body = CHSM__INSERT_MASKED_REQUEST__INIT;

        body.masked = masked;
        body.keep_handle = keep;
        request.insert_masked = &body;
        request.body_case = CHSM__REQUEST__BODY_INSERT_MASKED;
        return chsm_call(s->chsm, &request, answer, &sh->err);
}

static uint32_t extract(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool user = strcmp(argv[2], "user") == 0;
        uint64_t id = 0;
        uint32_t rv;

        (void)argc;
        if (!s)
                return err_ckr(&sh->err);
        if (!user && strcmp(argv[2], "key") != 0)
                return shell_fail(sh, ERR_USAGE, "'%s' is neither key nor user", argv[2]);
        rv = number(sh, argv[3], user ? "user id" : "key handle", 1, UINT32_MAX, &id);
        if (rv == 0)
                rv = extract_one(sh, s, user ? 0 : id, user ? id : 0, &answer);
        if (rv == 0) {
                const ProtobufCBinaryData *data = &answer.response->data->data;

                if (!file_write(argv[1], slice_of(data->data, data->len), 0600, &sh->err))
                        rv = err_ckr(&sh->err);
        }
        if (rv == 0) {
                shell_say(sh, "Object was masked and written to file \"%s\"\nextractMaskedObject success\n",
                          argv[1]);
                shell_set(sh, "file", json_string(argv[1]));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t insert(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf masked = BUF_INIT;
        uint32_t rv = 0;

        (void)argc;
        if (!s || !file_read(argv[1], MASKED_MAX, &masked, &sh->err))
                return err_ckr(&sh->err);
        rv = insert_one(sh, s, (ProtobufCBinaryData){ masked.n, masked.p }, false, &answer);
        if (rv == 0) {
                const Chsm__InsertedResponse *r = answer.response->inserted;

                if (r->handle)
                        shell_say(sh, "New Key Handle: %llu\n", (unsigned long long)r->handle);
                else
                        shell_say(sh, "User Id: %llu\n", (unsigned long long)r->user);
                if (answer.response->note && answer.response->note[0])
                        shell_say(sh, "note: %s\n", answer.response->note);
                shell_say(sh, "insertMaskedObject success\n");
                shell_set(sh, "handle", json_integer((json_int_t)r->handle));
                shell_set(sh, "user", json_integer((json_int_t)r->user));
        }
        buf_clear(&masked);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- from server to server ---- */

static struct mgmt_server *destination(struct shell *sh, const char *text, const struct mgmt_server *from)
{
        struct mgmt *m = mgmt_of(sh);
        uint64_t id;

        if (!text_number(text, 0, m->count - 1, &id))
                (void)shell_fail(sh, ERR_USAGE, "there is no server '%s'; ids are 0 to %zu", text,
                                 m->count - 1);
        else if (&m->servers[id] == from)
                (void)shell_fail(sh, ERR_USAGE, "server %s is the one in scope; name another", text);
        else if (!m->servers[id].chsm)
                (void)mgmt_not_connected(sh, (size_t)id);
        else
                return &m->servers[id];
        return NULL;
}

/* One object; *there: the other server has it already. */
static uint32_t copy(struct shell *sh, struct mgmt_server *from, struct mgmt_server *to, uint64_t handle,
                     uint64_t user, bool *there)
{
        struct chsm_answer out = CHSM_ANSWER_INIT, in = CHSM_ANSWER_INIT;
        uint32_t rv = extract_one(sh, from, handle, user, &out);

        *there = false;
        if (rv == 0)
                rv = insert_one(sh, to, out.response->data->data, true, &in);
        *there = rv && (sh->err.id == ERR_OBJECT_EXISTS || sh->err.id == ERR_USER_EXISTS);
        if (rv == 0 && in.response->note && in.response->note[0])
                shell_say(sh, "note: %s\n", in.response->note);
        if (rv == 0 && handle && in.response->inserted->handle != handle)
                shell_say(sh, "note: key %llu has handle %llu on the other server\n",
                          (unsigned long long)handle, (unsigned long long)in.response->inserted->handle);
        chsm_answer_clear(&out);
        chsm_answer_clear(&in);
        return rv;
}

static uint32_t sync_user(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *from = mgmt_scoped(sh), *to = from ? destination(sh, argv[2], from) : NULL;
        uint64_t id;
        bool there = false;
        uint32_t rv;

        (void)argc;
        if (!to)
                return err_ckr(&sh->err);
        rv = number(sh, argv[1], "user id", 1, UINT32_MAX, &id);
        if (rv == 0)
                rv = copy(sh, from, to, 0, id, &there);
        if (rv == 0)
                shell_say(sh, "ExtractMaskedObject: 0x0 !\nInsertMaskedObject: 0x0 !\nsyncUser success\n");
        return rv;
}

static uint32_t sync_key(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *from = mgmt_scoped(sh), *to = from ? destination(sh, argv[2], from) : NULL;
        uint64_t handle;
        bool there = false;
        uint32_t rv;

        (void)argc;
        if (!to)
                return err_ckr(&sh->err);
        rv = number(sh, argv[1], "key handle", 1, UINT32_MAX, &handle);
        if (rv == 0)
                rv = copy(sh, from, to, handle, 0, &there);
        if (there) {
                shell_say(sh, "server %s has key %llu; nothing to copy\n", argv[2],
                          (unsigned long long)handle);
                sh->err = ERR_INIT;
                rv = 0;
        }
        shell_set(sh, "there", json_boolean(there));
        if (rv == 0)
                shell_say(sh, "syncKey success\n");
        return rv;
}

/* ---- clone ---- */

struct cloned {
        size_t copied, there, failed;
        struct err first; /* why the first of them failed */
};

/* What cannot be copied is said and the rest goes on. */
static void count(struct shell *sh, struct cloned *c, const char *what, uint64_t id, uint32_t rv, bool there)
{
        if (rv && !there)
                shell_say(sh, "%s %llu is not copied: %s\n", what, (unsigned long long)id, sh->err.detail);
        if (rv == 0)
                c->copied++;
        else if (there)
                c->there++;
        else if (c->failed++ == 0)
                err_set(&c->first, sh->err.id, "%s %llu: %s", what, (unsigned long long)id, sh->err.detail);
        sh->err = ERR_INIT;
        shell_progress(sh, what, c->copied + c->there + c->failed, 0);
}

static uint32_t stopped(struct shell *sh)
{
        return shell_fail(sh, ERR_CANCELLED, "cancelled; the same command goes on from here");
}

static uint32_t clone_users(struct shell *sh, struct mgmt_server *from, struct mgmt_server *to,
                            struct cloned *c)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListUsersRequest body = CHSM__LIST_USERS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.list_users = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_USERS;
        rv = chsm_call(from->chsm, &request, &answer, &sh->err);
        for (size_t i = 0; rv == 0 && i < answer.response->list_users->n_users; i++) {
                const Chsm__User *u = answer.response->list_users->users[i];
                bool there = false;
                uint32_t one;

                if (u->role != 1 && u->role != 2)
                        continue;
                one = copy(sh, from, to, 0, u->id, &there);
                if (shell_cancelled())
                        rv = stopped(sh);
                else
                        count(sh, c, "user", u->id, one, there);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t clone_keys(struct shell *sh, struct mgmt_server *from, struct mgmt_server *to,
                           struct cloned *c)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__FindAllKeysRequest body = CHSM__FIND_ALL_KEYS_REQUEST__INIT;
        uint32_t rv = 0;
        bool more = true;

        while (rv == 0 && more) {
                struct chsm_answer answer = CHSM_ANSWER_INIT;

                request = (Chsm__Request)CHSM__REQUEST__INIT;
                request.find_all_keys = &body;
                request.body_case = CHSM__REQUEST__BODY_FIND_ALL_KEYS;
                rv = chsm_call(from->chsm, &request, &answer, &sh->err);
                more = rv == 0 && answer.response->find_all_keys->more;
                for (size_t i = 0; rv == 0 && i < answer.response->find_all_keys->n_keys; i++) {
                        uint64_t handle = answer.response->find_all_keys->keys[i]->handle;
                        bool there = false;
                        uint32_t one = copy(sh, from, to, handle, 0, &there);

                        body.after = handle;
                        if (shell_cancelled())
                                rv = stopped(sh);
                        else
                                count(sh, c, "key", handle, one, there);
                }
                chsm_answer_clear(&answer);
        }
        return rv;
}

static uint32_t clone(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *from = mgmt_scoped(sh), *to = from ? destination(sh, argv[1], from) : NULL;
        struct cloned users = { 0 }, keys = { 0 };
        uint32_t rv;

        (void)argc;
        if (!to)
                return err_ckr(&sh->err);
        rv = clone_users(sh, from, to, &users);
        if (rv == 0)
                rv = clone_keys(sh, from, to, &keys);
        if (rv)
                return rv;
        shell_say(sh, "users: %zu copied, %zu there already, %zu not copied\n", users.copied, users.there,
                  users.failed);
        shell_say(sh, "keys: %zu copied, %zu there already, %zu not copied\n", keys.copied, keys.there,
                  keys.failed);
        shell_set(sh, "users_copied", json_integer((json_int_t)users.copied));
        shell_set(sh, "keys_copied", json_integer((json_int_t)keys.copied));
        shell_set(sh, "failed", json_integer((json_int_t)(users.failed + keys.failed)));
        if (users.failed + keys.failed)
                return shell_fail(sh, (users.failed ? users : keys).first.id,
                                  "%zu objects were not copied, the first of them %s",
                                  users.failed + keys.failed, (users.failed ? users : keys).first.detail);
        shell_say(sh, "clone success\n");
        return 0;
}

const struct shell_command mgmt_mask_rows[] = {
        { "extractMaskedObject", "FILE key|user ID", "write a key or a user sealed for this security domain",
          3, 3, false, extract, "extractMaskedObject signing.masked key 262150", SHELL_ONE_SERVER },
        { "insertMaskedObject", "FILE", "bring a masked key or user in", 1, 1, true, insert,
          "insertMaskedObject signing.masked", SHELL_ONE_SERVER },
        { "syncUser", "USER_ID SERVER", "copy a user from this server to another", 2, 2, true, sync_user,
          "syncUser 3 1", SHELL_ONE_SERVER },
        { "syncKey", "HANDLE SERVER", "copy a key from this server to another", 2, 2, true, sync_key,
          "syncKey 262150 1", SHELL_ONE_SERVER },
        { "clone", "SERVER", "copy what another server lacks of this one's users and keys", 1, 1, true, clone,
          "clone 1", SHELL_ONE_SERVER },
        { 0 },
};
