/* chsm-util: keys go out and come in wrapped. */
#include "base/file.h"
#include "ck/encoding.h"
#include "tools/util_bulk.h"
#include "tools/util_move.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- out ---- */

struct wrap {
        const char *key, *with, *file, *list, *folder;
        char path[4096]; /* of the file, when it is one of a list */
        struct util_wrapping w;
};

/* The IV that the node made: into the header, or a file of its own. */
static uint32_t keep_iv(struct shell *sh, struct util_wrapping *w, const Chsm__DataResponse *r)
{
        if (w->row->kind != UTIL_WRAP_GCM || w->row->own_iv)
                return 0;
        buf_reset(&w->iv);
        buf_put(&w->iv, r->iv.data, r->iv.len);
        return !w->iv_file || util_write(sh, w->iv_file, buf_slice(&w->iv), 0600) ? 0 : err_ckr(&sh->err);
}

static uint32_t wrap_one(struct shell *sh, struct wrap *x)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf out = BUF_INIT;
        Chsm__ObjectRef key, with;
        uint32_t rv = util_ref(sh, "-k", x->key, &key);

        buf_reset(&x->w.header);
        if (rv == 0)
                rv = util_ref(sh, "-w", x->with, &with);
        if (rv == 0 && !x->w.no_header)
                rv = util_header_make(sh, &x->w, &key);
        if (rv == 0)
                rv = util_wrapping_ready(sh, &x->w);
        if (rv == 0)
                rv = util_wrap_call(sh, &x->w.m, &with, &key, &answer);
        if (rv == 0)
                rv = keep_iv(sh, &x->w, answer.response->data);
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;

                if (!util_header_file(&x->w, slice_of(r->data.data, r->data.len), &out))
                        rv = shell_fail(sh, ERR_MEMORY, "no memory for a wrapped key");
                else if (!util_write(sh, x->file, buf_slice(&out), 0600))
                        rv = err_ckr(&sh->err);
        }
        if (rv == 0) {
                shell_say(sh, "\n\tKey Wrapped.\n\n\tWrapped Key written to file \"%s\" length %zu\n",
                          x->file, out.n);
                shell_set(sh, "length", json_integer((json_int_t)out.n));
        }
        if (x->w.row && x->w.row->kind == UTIL_WRAP_GCM)
                buf_reset(&x->w.iv); /* every key has its own */
        buf_clear(&out);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm2WrapKey", rv);
}

/* A shell that says nothing: the caller has the words. */
static struct shell quiet(const struct shell *sh)
{
        struct shell out = *sh;

        out.json = true;
        out.answer = NULL;
        return out;
}

uint32_t util_wrap_file(struct shell *sh, const char *key, const char *with, const char *file)
{
        struct wrap x = { .key = key, .with = with, .file = file, .w = { .mechanism = "10" } };
        struct shell silent = quiet(sh);
        uint32_t rv = util_wrapping_read(&silent, &x.w);

        if (rv == 0)
                rv = wrap_one(&silent, &x);
        sh->err = silent.err;
        util_wrapping_clear(&x.w);
        return rv;
}

/* A handle of the list, into FOLDER/HANDLE.wrapped; a file that is there was written whole. */
static uint32_t wrap_line(struct shell *sh, const char *line, const char *name, bool *skipped, void *arg)
{
        struct wrap *x = arg;
        (void)name;
        if (snprintf(x->path, sizeof(x->path), "%s/%s.wrapped", x->folder, line) >= (int)sizeof(x->path))
                return shell_fail(sh, ERR_USAGE, "the path of the wrapped key is too long");
        *skipped = file_exists(x->path);
        x->key = line;
        x->file = x->path;
        return *skipped ? 0 : wrap_one(sh, x);
}

static uint32_t wrap_key(struct shell *sh, int argc, char **argv)
{
        struct wrap x = { .w = { NULL } };
        const struct util_option rows[] = {
                { "-k", &x.key, false, false },    { "-w", &x.with, false, true },
                { "-out", &x.file, false, false }, { "-list", &x.list, false, false },
                { "-d", &x.folder, false, false }, UTIL_WRAPPING_OPTIONS(x.w)
        };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_wrapping_read(sh, &x.w);
        if (rv == 0 && x.w.row->unwraps_only)
                rv = shell_fail(
                    sh, ERR_MECHANISM,
                    "%s only unwraps: triple DES has protected nothing new since 2024 (SP 800-131A); "
                    "wrap under an AES key, with mechanism 5, 6 or 10",
                    x.w.row->name);
        if (rv == 0 && x.w.no_header && x.w.row->kind == UTIL_WRAP_GCM && !x.w.row->own_iv && !x.w.iv_file)
                rv = shell_fail(sh, ERR_USAGE,
                                "the HSM makes the IV of mechanism 10: say with -iv_file where to keep it");
        if (rv == 0 && x.list && x.folder && !x.key && !x.file && !x.w.iv_file)
                rv = util_bulk_list(sh, x.list, wrap_line, &x);
        else if (rv == 0 && x.key && x.file && !x.list && !x.folder)
                rv = wrap_one(sh, &x);
        else if (rv == 0)
                rv = shell_fail(sh, ERR_USAGE, "give -k HANDLE -out FILE, or -list FILE -d FOLDER");
        util_wrapping_clear(&x.w);
        return rv;
}

/* ---- in ---- */

struct unwrap {
        const char *file, *folder, *with, *object_class, *key_type, *size;
        struct util_making m;
        struct util_wrapping w;
        struct buf blob;
        struct slice attributes, wrapped;
        struct ask_attributes a;
        uint64_t handle; /* of the last key */
};

/* What the header says of the key, where no option says otherwise. That it may leave under any key is left
 * unsaid: a trusted key does not let that be. */
static uint32_t header_template(struct shell *sh, struct unwrap *x)
{
        struct reader in = reader_of(x->attributes);
        struct slice value;
        uint64_t type;

        while (ck_template_next(&in, &type, &value)) {
                bool given = (type == CKA_LABEL && x->m.label) || (type == CKA_ID && x->m.id) ||
                             (type == CKA_EXTRACTABLE && x->m.not_extractable) ||
                             (type == CKA_WRAP_WITH_TRUSTED && (x->m.trusted || !value.n || !value.p[0]));

                if (!given && x->a.n < ASK_ATTRIBUTES - 8)
                        ask_bytes(&x->a, type, value);
        }
        if (!reader_end(&in))
                return shell_fail(sh, ERR_WRAPPED_KEY, "the attributes in the file's header are damaged");
        ask_bool(&x->a, CKA_TOKEN, !x->m.session);
        if (x->m.label)
                ask_bytes(&x->a, CKA_LABEL, slice_str(x->m.label));
        if (x->m.id)
                ask_bytes(&x->a, CKA_ID, slice_str(x->m.id));
        if (x->m.not_extractable)
                ask_bool(&x->a, CKA_EXTRACTABLE, false);
        if (x->m.trusted)
                ask_bool(&x->a, CKA_WRAP_WITH_TRUSTED, x->m.trusted[0] == '1');
        return util_making_wishes(sh, &x->m);
}

static uint32_t plain_template(struct shell *sh, struct unwrap *x)
{
        uint64_t object_class = 0, key_type = 0;
        uint32_t rv;

        if (!x->m.label || !x->object_class || !x->key_type)
                return shell_fail(sh, ERR_USAGE, "-noheader goes with -l LABEL -kc CLASS -kt TYPE");
        rv = util_number(sh, "-kc", x->object_class, 3, 4, &object_class);
        if (rv == 0)
                rv = util_number(sh, "-kt", x->key_type, 0, 1024, &key_type);
        if (rv)
                return rv;
        ask_number(&x->a, CKA_CLASS, object_class);
        ask_number(&x->a, CKA_KEY_TYPE, key_type);
        rv = util_making(sh, &x->m, true, &x->a);
        return rv ? rv : util_role(sh, &x->m, object_class, &x->a);
}

/* The file's parts, and the template it makes. */
static uint32_t unwrap_prepare(struct shell *sh, struct unwrap *x)
{
        uint64_t size = 0;
        uint32_t rv = util_read(sh, x->file, 2 * UTIL_KEY_FILE_MAX, &x->blob) ? 0 : err_ckr(&sh->err);

        x->wrapped = buf_slice(&x->blob);
        if (rv == 0 && !x->w.no_header)
                rv = util_header_read(sh, &x->w, buf_slice(&x->blob), &x->attributes, &x->wrapped);
        if (rv == 0 && x->w.no_header && x->w.iv_file && !util_read(sh, x->w.iv_file, 16, &x->w.iv))
                rv = err_ckr(&sh->err);
        if (rv == 0 && x->size && (rv = util_number(sh, "-s", x->size, 1, 3072, &size)) == 0)
                ask_number(&x->a, CKA_VALUE_LEN, size);
        if (rv == 0)
                rv = x->w.no_header ? plain_template(sh, x) : header_template(sh, x);
        return rv ? rv : util_wrapping_ready(sh, &x->w);
}

static uint32_t unwrap_call(struct shell *sh, struct unwrap *x, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest body = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__ObjectRef with;
        uint64_t *users = NULL;
        uint32_t rv = util_ref(sh, "-w", x->with, &with);

        if (rv == 0)
                rv = util_users(sh, x->m.users, &users, &body.n_share_with);
        if (rv == 0)
                rv = util_quorum(sh, &x->m, &body.quorum);
        if (rv == 0) {
                body.unwrapping_key = &with;
                body.mechanism = &x->w.m;
                body.wrapped = (ProtobufCBinaryData){ x->wrapped.n, (uint8_t *)(uintptr_t)x->wrapped.p };
                body.template_ = x->a.list;
                body.n_template_ = x->a.n;
                body.share_with = users;
                body.unique_id = true;
                request.unwrap_key = &body;
                request.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
                rv = chsm_call(util_chsm(sh), &request, answer, &sh->err);
        }
        free(users);
        return rv;
}

static uint32_t unwrap_one(struct shell *sh, struct unwrap *x)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        x->a = (struct ask_attributes){ .n = 0 };
        buf_reset(&x->blob);
        buf_reset(&x->w.header);
        rv = unwrap_prepare(sh, x);
        if (rv == 0)
                rv = unwrap_call(sh, x, &answer);
        if (rv == 0 && x->w.no_header) {
                (void)util_result(sh, "Cfm3CreateUnwrapTemplate2", 0);
                (void)util_result(sh, "Cfm2UnWrapWithTemplate3", 0);
        } else {
                (void)util_result(sh, "Cfm3UnWrapKey", rv);
        }
        if (rv == 0) {
                x->handle = util_made(sh, answer.response->object);
                shell_say(sh, "\n\tKey Unwrapped.  Key Handle: %llu\n", (unsigned long long)x->handle);
                shell_set(sh, "handle", json_integer((json_int_t)x->handle));
                util_cluster_status(sh);
        }
        if (x->w.row->kind == UTIL_WRAP_GCM)
                buf_reset(&x->w.iv);
        chsm_answer_clear(&answer);
        return rv;
}

/* A file is done when a key with the id in its header is there; keys without id cannot be told apart. */
static uint32_t unwrap_file(struct shell *sh, const char *path, const char *name, bool *skipped, void *arg)
{
        struct unwrap *x = arg;
        struct slice value;
        char id[256] = "";
        struct reader in;
        uint64_t type;
        uint32_t rv;

        (void)name;
        x->file = path;
        buf_reset(&x->blob);
        buf_reset(&x->w.header);
        rv = util_read(sh, path, 2 * UTIL_KEY_FILE_MAX, &x->blob) ? 0 : err_ckr(&sh->err);
        if (rv == 0)
                rv = util_header_read(sh, &x->w, buf_slice(&x->blob), &x->attributes, &x->wrapped);
        buf_reset(&x->w.iv);
        if (rv)
                return rv;
        in = reader_of(x->attributes);
        while (ck_template_next(&in, &type, &value)) {
                if (type == CKA_ID && value.n < sizeof(id))
                        (void)snprintf(id, sizeof(id), "%.*s", (int)value.n, (const char *)value.p);
        }
        if (!id[0])
                return shell_fail(sh, ERR_USAGE,
                                  "the key in it has no id, so whether it is back cannot be seen; "
                                  "unwrap it with -f");
        rv = util_id_taken(sh, id, skipped);
        return rv || *skipped ? rv : unwrap_one(sh, x);
}

static uint32_t unwrap_run(struct shell *sh, struct unwrap *x)
{
        uint32_t rv = util_wrapping_read(sh, &x->w);

        if (rv == 0 && x->w.no_header && x->w.row->kind == UTIL_WRAP_GCM && !x->w.row->own_iv &&
            !x->w.iv_file)
                rv = shell_fail(sh, ERR_USAGE, "mechanism 10 needs the IV that wrapKey wrote: -iv_file");
        if (rv == 0 && x->file && !x->folder)
                rv = unwrap_one(sh, x);
        else if (rv == 0 && x->folder && !x->file && !x->w.no_header && !x->m.label && !x->m.id)
                rv = util_bulk_folder(sh, x->folder, ".wrapped", unwrap_file, x);
        else if (rv == 0)
                rv = shell_fail(sh, ERR_USAGE,
                                "give a file with -f, or a folder of .wrapped files with -d (without "
                                "-noheader, -l and -id)");
        util_wrapping_clear(&x->w);
        buf_clear(&x->blob);
        return rv;
}

uint32_t util_unwrap_file(struct shell *sh, const char *file, const char *with, uint64_t *handle)
{
        struct unwrap x = { .file = file, .with = with, .w = { .mechanism = "10" } };
        struct shell silent = quiet(sh);
        uint32_t rv = unwrap_run(&silent, &x);

        sh->err = silent.err;
        *handle = x.handle;
        return rv;
}

#define UNWRAP_OPTIONS(x)                                                                                    \
        { "-f", &(x).file, false, false }, { "-w", &(x).with, false, true },                                 \
            { "-kc", &(x).object_class, false, false }, { "-kt", &(x).key_type, false, false },              \
            UTIL_WRAPPING_OPTIONS((x).w), UTIL_MAKING_MORE((x).m),                                           \
        {                                                                                                    \
                "-l", &(x).m.label, false, false                                                             \
        }

static uint32_t unwrap_key(struct shell *sh, int argc, char **argv)
{
        struct unwrap x = { .w = { NULL } };
        const struct util_option rows[] = { UNWRAP_OPTIONS(x), { "-d", &x.folder, false, false } };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        return rv ? rv : unwrap_run(sh, &x);
}

static uint32_t unwrap_size(struct shell *sh, int argc, char **argv)
{
        struct unwrap x = { .w = { NULL } };
        const struct util_option rows[] = { UNWRAP_OPTIONS(x), { "-s", &x.size, false, true } };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        return rv ? rv : unwrap_run(sh, &x);
}

#define HOW "[-t HASH] [-aad FILE] [-tag_size 8-16] [-i IV] [-iv_file FILE] [-noheader]"
#define NEW                                                                                                  \
        "[-l LABEL] [-kc 3|4] [-kt TYPE] [-id ID] [-role wrap|encrypt|sign] [-sess] [-nex] "                 \
        "[-wrap_with_trusted 0|1] [-u USER_IDS] [-min_srv N [-timeout S]]"

const struct shell_command util_wrap_command_rows[] = {
        { "wrapKey", "-k HANDLE -w WRAPPING_HANDLE -out FILE -m MECHANISM " HOW " | -list FILE -d FOLDER",
          "write a key wrapped, or every key of a list; mechanisms: 4 AES key wrap with PKCS#5 padding, 5 "
          "RFC 3394, 6 RFC 5649, 7 RSA-AES, 8 RSA-OAEP, 10 AES-GCM, 11 AES-GCM with the IV before it, 12 RSA "
          "PKCS#1",
          0, 20, false, wrap_key, "wrapKey -k 262151 -w 262152 -out key.wrapped -m 10" },
        { "unWrapKey", "-f FILE -w UNWRAPPING_HANDLE -m MECHANISM " HOW " " NEW " | -d FOLDER",
          "unwrap a file of wrapKey, or with -noheader any wrapped key; mechanisms are those of wrapKey, and "
          "9 "
          "NIST triple DES wrap",
          0, 44, false, unwrap_key, "unWrapKey -f key.wrapped -w 262152 -m 10" },
        { "unWrapKeyWithSize", "-f FILE -w UNWRAPPING_HANDLE -m MECHANISM -s BYTES " HOW " " NEW,
          "unwrap a secret key that must have so many bytes", 0, 44, false, unwrap_size,
          "unWrapKeyWithSize -f key.bin -w 262152 -m 5 -s 24 -noheader -l data -kc 4 -kt 31" },
        { 0 },
};
