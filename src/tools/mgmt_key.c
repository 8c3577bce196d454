/* chsm-mgmt: whose keys there are, and what officers and owners change of them. */
#include "base/file.h"
#include "base/text.h"
#include "ck/attribute.h"
#include "tools/ask.h"
#include "tools/key_life.h"
#include "tools/mgmt.h"
#include "tools/quorum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t number(struct shell *sh, const char *text, const char *what, uint64_t most, uint64_t *out)
{
        if (text_number(text, 0, most, out))
                return 0;
        return shell_fail(sh, ERR_USAGE, "'%s' is no %s", text, what);
}

/* ---- findAllKeys: each page is shown and written as it comes ---- */

struct found {
        Chsm__FindAllKeysRequest body;
        json_t *list; /* JSON mode: one document has them all */
        FILE *file;
        uint64_t n, total;
        bool more;
        char hash[65];
};

static void find_show(struct shell *sh, const struct mgmt_server *s, size_t index, struct found *f,
                      const Chsm__FindAllKeysResponse *r)
{
        if (f->body.after == 0) {
                f->total = r->total;
                shell_say(sh, "Keys on server %zu(%s):\nNumber of keys found %llu\n", index, s->host,
                          (unsigned long long)f->total);
                shell_say(sh, "number of keys matched from start index 0::%llu\n",
                          (unsigned long long)(f->total ? f->total - 1 : 0));
        }
        for (size_t i = 0; i < r->n_keys; i++) {
                unsigned long long handle = r->keys[i]->handle;
                const char *comma = f->n++ ? "," : "";

                shell_say(sh, "%s%llu(%s)", comma, handle, r->keys[i]->owned ? "o" : "s");
                if (f->file)
                        fprintf(f->file, "%s%llu(%s)", comma, handle, r->keys[i]->owned ? "o" : "s");
                if (sh->json)
                        (void)json_array_append_new(f->list, json_integer((json_int_t)handle));
                f->body.after = handle;
        }
        for (size_t i = 0; i < r->hash.len && i < 32; i++)
                (void)snprintf(f->hash + 2 * i, 3, "%02x", r->hash.data[i]);
        f->more = r->more && r->n_keys;
        if (!isatty(STDOUT_FILENO))
                shell_progress(sh, "keys", f->n, f->total);
        (void)fflush(stdout);
}

static uint32_t find_page(struct shell *sh, struct mgmt_server *s, size_t index, struct found *f)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.find_all_keys = &f->body;
        request.body_case = CHSM__REQUEST__BODY_FIND_ALL_KEYS;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                find_show(sh, s, index, f, answer.response->find_all_keys);
        f->body.hash = false; /* once is enough */
        chsm_answer_clear(&answer);
        return rv;
}

/* All pages; a file that is named becomes whole or stays what it was. */
static uint32_t find_pages(struct shell *sh, struct mgmt_server *s, size_t index, struct found *f,
                           const char *path)
{
        char part[4096];
        uint32_t rv = 0;

        (void)snprintf(part, sizeof(part), "%s.part", path ? path : "");
        if (path && !(f->file = fopen(part, "we"))) {
                err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be made", part);
                return err_ckr(&sh->err);
        }
        while (rv == 0 && f->more)
                rv = find_page(sh, s, index, f);
        shell_progress_clear(sh);
        shell_say(sh, "\n");
        if (f->file && (fclose(f->file) != 0 || (rv == 0 && rename(part, path) != 0)) && rv == 0) {
                err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be written", path);
                rv = err_ckr(&sh->err);
        }
        if (f->file && rv)
                (void)unlink(part);
        return rv;
}

static uint32_t find_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        struct found f = { .body = CHSM__FIND_ALL_KEYS_REQUEST__INIT, .list = json_array(), .more = true };
        uint64_t hash = 0;
        uint32_t rv = number(sh, argv[1], "user id", UINT32_MAX, &f.body.user);

        if (rv == 0)
                rv = number(sh, argv[2], "hash switch (0 or 1)", 1, &hash);
        f.body.hash = hash != 0;
        if (rv == 0)
                rv = find_pages(sh, s, index, &f, argc > 3 ? argv[3] : NULL);
        if (rv == 0 && hash)
                shell_say(sh, "Key Hash:\n%s\n", f.hash);
        shell_set(sh, "keys", f.list);
        if (rv == 0 && hash)
                shell_set(sh, "hash", json_string(f.hash));
        return rv;
}

static uint32_t find_all_keys(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "findAllKeys", find_one, argc, argv);
}

/* ---- one key ---- */

/* Whose a key is, as it is shown and written. */
static void put_info(struct buf *out, const Chsm__ObjectInfoResponse *r)
{
        buf_printf(out, "\n\t%s,\n\n\tOwned by user %llu\n", r->token ? "Token/Flash Key" : "Session Key",
                   (unsigned long long)r->owner);
        if (r->n_shared_with)
                buf_printf(out, "\n\talso, shared to following %zu user(s):\n\n\t\t", r->n_shared_with);
        for (size_t i = 0; i < r->n_shared_with; i++)
                buf_printf(out, "%s%llu", i ? ", " : "", (unsigned long long)r->shared_with[i]);
        buf_printf(out, "\n");
}

static uint32_t info_show(struct shell *sh, const struct mgmt_server *s, size_t index,
                          const Chsm__ObjectInfoResponse *r, const char *file)
{
        json_t *users = json_array();
        struct buf out = BUF_INIT;
        const char *text;

        put_info(&out, r);
        text = buf_text(&out);
        shell_say(sh, "Key Info on server %zu(%s):\n%s", index, s->host, text ? text : "");
        for (size_t i = 0; i < r->n_shared_with; i++)
                (void)json_array_append_new(users, json_integer((json_int_t)r->shared_with[i]));
        tool_key_life(sh, r);
        shell_set(sh, "owner", json_integer((json_int_t)r->owner));
        shell_set(sh, "shared_with", users);
        tool_quorum_say(sh, r->quorum);
        if (file && file_write(file, buf_slice(&out), 0644, &sh->err))
                shell_set(sh, "file", json_string(file));
        buf_clear(&out);
        return err_ckr(&sh->err);
}

static uint32_t info_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ObjectInfoRequest body = CHSM__OBJECT_INFO_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = number(sh, argv[1], "key handle", UINT32_MAX, &ref.handle);

        if (rv == 0) {
                body.object = &ref;
                request.object_info = &body;
                request.body_case = CHSM__REQUEST__BODY_OBJECT_INFO;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0)
                rv = info_show(sh, s, index, answer.response->object_info, argc > 2 ? argv[2] : NULL);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_key_info(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, info_one, argc, argv);
}

static uint32_t share_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ShareObjectRequest body = CHSM__SHARE_OBJECT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t on = 0;
        uint32_t rv = number(sh, argv[1], "key handle", UINT32_MAX, &body.handle);

        (void)index;
        (void)argc;
        if (rv == 0)
                rv = number(sh, argv[2], "user id", UINT32_MAX, &body.user);
        if (rv == 0)
                rv = number(sh, argv[3], "switch (1 shares, 0 takes back)", 1, &on);
        if (rv == 0) {
                body.share = on != 0;
                request.share_object = &body;
                request.body_case = CHSM__REQUEST__BODY_SHARE_OBJECT;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t share_key(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "shareKey", share_one, argc, argv);
}

/* ---- attributes ---- */

/* As getAttribute of the other tool writes it: the name, and the value below it. */
static uint32_t attribute_file(struct shell *sh, const char *path, uint64_t type, const char *text)
{
        struct buf out = BUF_INIT;

        buf_printf(&out, "OBJ_ATTR_%s\n%s\n", ask_attribute_name(type), text);
        if (file_write(path, buf_slice(&out), 0644, &sh->err))
                shell_set(sh, "file", json_string(path));
        buf_clear(&out);
        return err_ckr(&sh->err);
}

static uint32_t get_attribute_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc,
                                  char **argv)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        uint64_t type;
        uint32_t rv = number(sh, argv[1], "key handle", UINT32_MAX, &ref.handle);

        if (rv == 0 && (!ask_attribute_type(argv[2], &type) || type == 512))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no attribute; try: listAttributes", argv[2]);
        if (rv == 0)
                rv = ask_get(s->chsm, &ref, &type, 1, &answer, &sh->err);
        if (rv == 0 && answer.response->attributes->attributes[0]->status)
                rv = shell_fail(sh, ERR_ATTRIBUTE_SENSITIVE,
                                "%s of key %llu is not shown: it is secret, or the key has no such attribute",
                                ask_attribute_name(type), (unsigned long long)ref.handle);
        if (rv == 0) {
                const Chsm__Attribute *a = answer.response->attributes->attributes[0];
                char *text = ask_value_text(type, slice_of(a->value.data, a->value.len));

                shell_say(sh, "Attribute Value on server %zu(%s):\nOBJ_ATTR_%s\n%s\n", index, s->host,
                          ask_attribute_name(type), text ? text : "");
                shell_set(sh, "value", json_string(text ? text : ""));
                if (argc > 3)
                        rv = attribute_file(sh, argv[3], type, text ? text : "");
                free(text);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_attribute(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, get_attribute_one, argc, argv);
}

static uint32_t set_attribute_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc,
                                  char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest body = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t type = 0, value;
        uint32_t rv = number(sh, argv[1], "key handle", UINT32_MAX, &ref.handle);

        (void)index;
        (void)argc;
        if (rv == 0 && (!ask_attribute_type(argv[2], &type) || type == 512))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no attribute; try: listAttributes", argv[2]);
        if (rv)
                return rv;
        switch (ck_attribute_find(type)->value) {
        case CK_VALUE_BOOL:
                if ((rv = number(sh, argv[3], "value (0 or 1)", 1, &value)) == 0)
                        ask_bool(&a, type, value);
                break;
        case CK_VALUE_ULONG:
                if ((rv = number(sh, argv[3], "number", UINT64_MAX, &value)) == 0)
                        ask_number(&a, type, value);
                break;
        default:
                ask_bytes(&a, type, slice_str(argv[3]));
        }
        if (rv == 0) {
                body.object = &ref;
                body.attributes = a.list;
                body.n_attributes = a.n;
                request.set_attributes = &body;
                request.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        if (rv == 0)
                mgmt_note(sh, answer.response);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t set_attribute(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "setAttribute", set_attribute_one, argc, argv);
}

static uint32_t list_attributes(struct shell *sh, int argc, char **argv)
{
        const struct ck_attribute_row *row;

        (void)argc;
        (void)argv;
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                shell_say(sh, "\tOBJ_ATTR_%-28s = %llu\n", row->name + 4, (unsigned long long)row->type);
                shell_set(sh, row->name, json_integer((json_int_t)row->type));
        }
        shell_say(sh, "\tOBJ_ATTR_%-28s = 512\n", "ALL");
        return 0;
}

const struct shell_command mgmt_key_rows[] = {
        { "findAllKeys", "USER_ID|0 HASH(0|1) [FILE]", "list a user's keys, or everybody's", 2, 3, false,
          find_all_keys },
        { "getKeyInfo", "HANDLE [FILE]", "owner of a key and whom it is shared with", 1, 2, false,
          get_key_info },
        { "shareKey", "HANDLE USER_ID 1|0", "share a key with a user, or take it back", 3, 3, true,
          share_key },
        { "getAttribute", "HANDLE ATTRIBUTE [FILE]", "show an attribute of a key", 2, 3, false,
          get_attribute },
        { "setAttribute", "HANDLE ATTRIBUTE VALUE", "change an attribute; officers: 134 (trusted)", 3, 3,
          true, set_attribute },
        { "listAttributes", "", "list the attributes and their numbers", 0, 0, false, list_attributes },
        { 0 },
};
