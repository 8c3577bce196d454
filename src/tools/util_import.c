/* chsm-util: keys of files come in. Private and secret ones under the user KEK (spec/semantics.md 11). */
#include "base/text.h"
#include "tools/util_bulk.h"
#include "tools/util_move.h"

#include <stdlib.h>

/* What importPrivateKey and imSymKey are asked for. */
struct import {
        const char *file, *folder, *kek, *wrapped_file, *type;
        struct util_making m;
        uint64_t object_class, key_type;
        struct sec *value;
};
#define IMPORT_OPTIONS(i)                                                                                    \
        { "-f", &(i).file, false, false }, { "-d", &(i).folder, false, false },                              \
            { "-w", &(i).kek, false, false }, { "-wk", &(i).wrapped_file, false, false },                    \
            UTIL_MAKING_MORE((i).m),                                                                         \
        {                                                                                                    \
                "-l", &(i).m.label, false, false                                                             \
        }

/* Option -w, or USER_KEK_HANDLE of azcloudhsm_application.cfg. */
static uint32_t kek_ref(struct shell *sh, const char *option, Chsm__ObjectRef *ref)
{
        uint64_t configured = ((struct util *)sh->context)->user_kek;

        if (option)
                return util_ref(sh, "-w", option, ref);
        chsm__object_ref__init(ref);
        ref->handle = configured;
        return configured ? 0
                          : shell_fail(sh, ERR_USAGE,
                                       "which user KEK? give its handle with -w, or USER_KEK_HANDLE in "
                                       "azcloudhsm_application.cfg");
}

static uint32_t import_call(struct shell *sh, struct import *i, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ImportKeyRequest body = CHSM__IMPORT_KEY_REQUEST__INIT;
        struct ask_attributes a = { .n = 0 };
        Chsm__ObjectRef kek;
        uint64_t *users = NULL;
        uint32_t rv = kek_ref(sh, i->kek, &kek);

        if (rv == 0)
                rv = util_users(sh, i->m.users, &users, &body.n_share_with);
        if (rv == 0)
                rv = util_quorum(sh, &i->m, &body.quorum);
        ask_number(&a, CKA_CLASS, i->object_class);
        ask_number(&a, CKA_KEY_TYPE, i->key_type);
        if (rv == 0)
                rv = util_making(sh, &i->m, true, &a);
        if (rv == 0)
                rv = util_role(sh, &i->m, i->object_class, &a);
        if (rv == 0) {
                body.kek = &kek;
                body.value = (ProtobufCBinaryData){ sec_size(i->value), sec_bytes(i->value) };
                body.template_ = a.list;
                body.n_template_ = a.n;
                body.share_with = users;
                body.unique_id = true;
                body.wrapped = i->wrapped_file != NULL;
                request.import_key = &body;
                request.body_case = CHSM__REQUEST__BODY_IMPORT_KEY;
                rv = chsm_call(util_chsm(sh), &request, answer, &sh->err);
        }
        free(users);
        return rv;
}

/* The key that is now in, and the file of -wk. */
static uint32_t import_end(struct shell *sh, struct import *i, const struct chsm_answer *answer,
                           const char *words)
{
        const Chsm__ImportKeyResponse *r = answer->response->import_key;
        uint64_t handle = util_made(sh, r->object);

        if (i->wrapped_file &&
            !util_write(sh, i->wrapped_file, slice_of(r->wrapped.data, r->wrapped.len), 0600))
                return err_ckr(&sh->err);
        shell_say(sh, "\n\t%s  Key Handle: %llu\n", words, (unsigned long long)handle);
        shell_set(sh, "handle", json_integer((json_int_t)handle));
        util_cluster_status(sh);
        return 0;
}

/* ---- importPrivateKey ---- */

static uint32_t private_one(struct shell *sh, struct import *i)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        i->object_class = CKO_PRIVATE_KEY;
        i->value = util_pem_private(sh, i->file, &i->key_type);
        if (!i->value)
                return err_ckr(&sh->err);
        shell_say(sh, "\n\tBER encoded key length is %zu\n", sec_size(i->value));
        rv = import_call(sh, i, &answer);
        if (rv == 0) {
                (void)util_result(sh, "Cfm3ImportWrapKey", 0);
                (void)util_result(sh, "Cfm3CreateUnwrapTemplate2", 0);
                shell_say(sh, "\n\tCfm3ImportUnWrapKey: 0x00 : HSM Return: SUCCESS\n");
                rv = import_end(sh, i, &answer, "Private Key Imported.");
        } else {
                (void)util_result(sh, "Cfm3ImportUnWrapKey", rv);
        }
        sec_free(&i->value);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- imSymKey ---- */

/* Documented types and their lengths; generic secrets take any length the node does. */
static uint32_t symmetric_type(struct shell *sh, struct import *i)
{
        uint32_t rv = util_number(sh, "-t", i->type, 0, 64, &i->key_type);

        if (rv == 0 && i->key_type != CKK_AES && i->key_type != CKK_GENERIC_SECRET && i->key_type != CKK_DES3)
                rv = shell_fail(sh, ERR_KEY_TYPE,
                                "key types are 31 (AES), 16 (generic secret) and 21 (DES3), not %s", i->type);
        return rv;
}

static uint32_t symmetric_one(struct shell *sh, struct import *i)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = symmetric_type(sh, i);

        i->object_class = CKO_SECRET_KEY;
        if (rv)
                return rv;
        i->value = util_read_secret(sh, i->file);
        if (!i->value)
                return err_ckr(&sh->err);
        if (sec_size(i->value) == 0)
                rv = shell_fail(sh, ERR_USAGE, "'%s' is empty", i->file);
        if (rv == 0)
                rv = import_call(sh, i, &answer);
        if (rv == 0) {
                (void)util_result(sh, "Cfm3WrapHostKey", 0);
                (void)util_result(sh, "Cfm3CreateUnwrapTemplate", 0);
        }
        (void)util_result(sh, "Cfm3UnWrapKey", rv);
        if (rv == 0)
                rv = import_end(sh, i, &answer, "Symmetric Key Unwrapped.");
        sec_free(&i->value);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- a file, or a folder of files ---- */

struct folder_import {
        struct import *import;
        uint32_t (*one)(struct shell *, struct import *);
};

/* A file's name without its suffix is label and id; a key that has the id is there already. */
static uint32_t folder_one(struct shell *sh, const char *path, const char *name, bool *skipped, void *arg)
{
        struct folder_import *f = arg;

        f->import->file = path;
        f->import->m.label = f->import->m.id = name;
        *skipped = false;
        if (util_id_taken(sh, name, skipped))
                return err_ckr(&sh->err);
        return *skipped ? 0 : f->one(sh, f->import);
}

static uint32_t run(struct shell *sh, struct import *i, const char *suffix,
                    uint32_t (*one)(struct shell *, struct import *))
{
        struct folder_import f = { i, one };

        if (!i->file == !i->folder)
                return shell_fail(sh, ERR_USAGE, "give a file with -f, or a folder of files with -d");
        if (i->file)
                return i->m.label ? one(sh, i) : shell_fail(sh, ERR_USAGE, "-f goes with -l LABEL");
        if (i->m.label || i->m.id || i->m.session || i->wrapped_file)
                return shell_fail(
                    sh, ERR_USAGE,
                    "with -d the names of files are labels and ids, so -l, -id, -sess and -wk do "
                    "not go with it");
        return util_bulk_folder(sh, i->folder, suffix, folder_one, &f);
}

static uint32_t import_private(struct shell *sh, int argc, char **argv)
{
        struct import i = { NULL };
        const struct util_option rows[] = { IMPORT_OPTIONS(i) };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        return rv ? rv : run(sh, &i, ".pem", private_one);
}

static uint32_t import_symmetric(struct shell *sh, int argc, char **argv)
{
        struct import i = { NULL };
        const struct util_option rows[] = { { "-t", &i.type, false, true }, IMPORT_OPTIONS(i) };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        return rv ? rv : run(sh, &i, ".key", symmetric_one);
}

#define UNDER                                                                                                \
        " [-w KEK_HANDLE] [-wk FILE] [-id ID] [-role wrap|encrypt|sign] [-sess] [-nex] "                     \
        "[-wrap_with_trusted 1] [-u USER_IDS] [-min_srv N [-timeout S]]"

const struct shell_command util_import_rows[] = {
        { "importPrivateKey", "-l LABEL -f PEM" UNDER " | -d FOLDER",
          "import a private key from a PEM file under the user KEK, or every .pem file of a folder", 0, 30,
          false, import_private, "importPrivateKey -l tls -f key.pem -w 262150" },
        { "imSymKey", "-l LABEL -t 31|16|21 -f FILE" UNDER " | -d FOLDER",
          "import a secret key from a file of its bytes under the user KEK, or every .key file of a folder",
          0, 32, false, import_symmetric, "imSymKey -l data -t 31 -f aes.bin -w 262150" },
        { 0 },
};
