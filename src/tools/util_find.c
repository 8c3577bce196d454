/* chsm-util: keys are found, described and deleted. */
#include "base/text.h"
#include "tools/audit_keys.h"
#include "tools/key_life.h"
#include "tools/quorum.h"
#include "tools/util.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

struct search {
        struct buf text;
        json_t *list;
        size_t n;
};

static void search_add(struct search *s, uint64_t handle)
{
        buf_printf(&s->text, "%s%llu", s->n++ ? ", " : "", (unsigned long long)handle);
        (void)json_array_append_new(s->list, json_integer((json_int_t)handle));
}

static uint32_t info_call(struct shell *sh, Chsm__ObjectRef *ref, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ObjectInfoRequest body = CHSM__OBJECT_INFO_REQUEST__INIT;

        body.object = ref;
        request.object_info = &body;
        request.body_case = CHSM__REQUEST__BODY_OBJECT_INFO;
        return chsm_call(util_chsm(sh), &request, answer, &sh->err);
}

static uint32_t find_page(struct shell *sh, Chsm__FindObjectsRequest *body, struct search *s, bool *more)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.find_objects = body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        *more = false;
        if (rv == 0) {
                const Chsm__FindObjectsResponse *r = answer.response->find_objects;

                for (size_t i = 0; i < r->n_handles; i++) {
                        search_add(s, r->handles[i]);
                        body->after = r->handles[i];
                }
                *more = r->more && r->n_handles;
        }
        chsm_answer_clear(&answer);
        return rv;
}

/* What findKey is asked for. */
struct wish {
        const char *class, *type, *label, *id, *kcv, *session, *users, *modulus_file, *version;
        struct ask_attributes a;
        struct buf check, modulus;
        uint64_t *ids, version_number;
        size_t n_ids;
};

/* The modulus of a PEM public key or certificate request, or the file's bytes as they are. */
static uint32_t read_modulus(struct shell *sh, const char *path, struct buf *out)
{
        struct buf text = BUF_INIT;
        BIGNUM *n = NULL;
        BIO *bio;
        EVP_PKEY *key;

        if (!util_read(sh, path, 65536, &text))
                return err_ckr(&sh->err);
        bio = BIO_new_mem_buf(text.p, (int)text.n);
        key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
        if (key && EVP_PKEY_get_bn_param(key, "n", &n) == 1) {
                uint8_t *at = buf_extend(out, (size_t)BN_num_bytes(n));

                if (at)
                        (void)BN_bn2bin(n, at);
        } else if (!key) {
                buf_put_slice(out, buf_slice(&text));
        }
        BN_free(n);
        EVP_PKEY_free(key);
        BIO_free(bio);
        buf_clear(&text);
        return out->n ? 0 : shell_fail(sh, ERR_USAGE, "'%s' holds no RSA modulus", path);
}

static uint32_t wish_read(struct shell *sh, struct wish *w)
{
        uint64_t number = 0;
        uint32_t rv = 0;

        if (w->class && (rv = util_number(sh, "-c", w->class, 2, 4, &number)) == 0)
                ask_number(&w->a, CKA_CLASS, number);
        if (rv == 0 && w->version && strcmp(w->version, "current") != 0)
                rv = util_number(sh, "-ver", w->version, 1, UINT32_MAX, &w->version_number);
        if (rv == 0 && w->type && (rv = util_number(sh, "-t", w->type, 0, 1024, &number)) == 0)
                ask_number(&w->a, CKA_KEY_TYPE, number);
        if (rv == 0 && w->session && (rv = util_number(sh, "-sess", w->session, 0, 1, &number)) == 0)
                ask_bool(&w->a, CKA_TOKEN, number == 0);
        if (rv == 0 && w->kcv && !text_from_hex(slice_str(w->kcv), &w->check))
                rv = shell_fail(sh, ERR_USAGE, "option -kcv takes hex digits, not '%s'", w->kcv);
        if (rv == 0 && w->modulus_file && (rv = read_modulus(sh, w->modulus_file, &w->modulus)) == 0)
                ask_bytes(&w->a, CKA_MODULUS, buf_slice(&w->modulus));
        if (rv == 0)
                rv = util_users(sh, w->users, &w->ids, &w->n_ids);
        if (w->label)
                ask_bytes(&w->a, CKA_LABEL, slice_str(w->label));
        if (w->id)
                ask_bytes(&w->a, CKA_ID, slice_str(w->id));
        if (w->kcv)
                ask_bytes(&w->a, CKA_CHECK_VALUE, buf_slice(&w->check));
        return rv;
}

static void wish_clear(struct wish *w)
{
        buf_clear(&w->check);
        buf_clear(&w->modulus);
        free(w->ids);
}

static uint32_t find_token_keys(struct shell *sh, struct wish *w, struct search *s)
{
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        bool more = true;
        uint32_t rv = 0;

        body.template_ = w->a.list;
        body.n_template_ = w->a.n;
        while (rv == 0 && more) {
                rv = find_page(sh, &body, s, &more);
                shell_progress(sh, "keys", s->n, 0);
        }
        return rv;
}

/* The keys of this run of the tool, whose attributes the node tells when it is shown them. */
static uint32_t find_session_keys(struct shell *sh, struct wish *w, struct search *s)
{
        struct util *u = sh->context;
        uint64_t types[ASK_ATTRIBUTES];
        uint32_t rv = 0;

        for (size_t i = 0; i < w->a.n; i++)
                types[i] = w->a.rows[i].type;
        for (size_t k = 0; rv == 0 && k < u->session_n; k++) {
                Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
                struct chsm_answer answer = CHSM_ANSWER_INIT;
                bool matches = true;

                ref.sealed = u->session[k];
                if (!ref.sealed.len)
                        continue;
                rv = ask_get(u->chsm, &ref, types, w->a.n, &answer, &sh->err);
                for (size_t i = 0; rv == 0 && i < w->a.n; i++) {
                        const Chsm__Attribute *is = answer.response->attributes->attributes[i];
                        struct slice wanted = slice_of(w->a.rows[i].value.data, w->a.rows[i].value.len);

                        matches = matches && !is->status &&
                                  slice_equal(slice_of(is->value.data, is->value.len), wanted);
                }
                if (rv == 0 && matches)
                        search_add(s, UTIL_SESSION_FIRST + k);
                chsm_answer_clear(&answer);
        }
        return rv;
}

static bool names_user(const Chsm__ObjectInfoResponse *info, uint64_t user)
{
        for (size_t i = 0; i < info->n_shared_with; i++) {
                if (info->shared_with[i] == user)
                        return true;
        }
        return info->owner == user;
}

/* -ver: the current one of each key's versions, or the one of that number. */
static bool is_version(const Chsm__ObjectInfoResponse *info, const struct wish *w)
{
        if (!w->version)
                return true;
        return strcmp(w->version, "current") == 0 ? info->state == CHSM_KEY_CURRENT
                                                  : info->version == w->version_number;
}

/* Keeps the keys that every listed user can use, of the versions asked for. */
static uint32_t keep_wanted(struct shell *sh, const struct wish *w, struct search *s)
{
        struct search kept = { BUF_INIT, json_array(), 0 };
        uint32_t rv = 0;
        json_t *handle;
        size_t i;

        json_array_foreach(s->list, i, handle)
        {
                struct chsm_answer answer = CHSM_ANSWER_INIT;
                Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
                bool all;

                ref.handle = (uint64_t)json_integer_value(handle);
                rv = info_call(sh, &ref, &answer);
                shell_progress(sh, "keys", i + 1, json_array_size(s->list));
                all = rv == 0 && is_version(answer.response->object_info, w);
                for (size_t k = 0; rv == 0 && k < w->n_ids; k++)
                        all = all && names_user(answer.response->object_info, w->ids[k]);
                if (rv == 0 && all)
                        search_add(&kept, ref.handle);
                chsm_answer_clear(&answer);
                if (rv)
                        break;
        }
        json_decref(s->list);
        buf_clear(&s->text);
        *s = kept;
        return rv;
}

static uint32_t find_key(struct shell *sh, int argc, char **argv)
{
        struct wish w = { .check = BUF_INIT, .modulus = BUF_INIT };
        const struct util_option rows[] = {
                { "-c", &w.class, false, false },        { "-t", &w.type, false, false },
                { "-l", &w.label, false, false },        { "-id", &w.id, false, false },
                { "-kcv", &w.kcv, false, false },        { "-sess", &w.session, false, false },
                { "-m", &w.modulus_file, false, false }, { "-u", &w.users, false, false },
                { "-ver", &w.version, false, false },
        };
        struct search s = { BUF_INIT, json_array(), 0 };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = wish_read(sh, &w);
        if (rv == 0 && !(w.session && w.session[0] == '1'))
                rv = find_token_keys(sh, &w, &s);
        if (rv == 0 && (w.n_ids || w.version))
                rv = keep_wanted(sh, &w, &s);
        if (rv == 0 && !w.n_ids && !(w.session && w.session[0] == '0'))
                rv = find_session_keys(sh, &w, &s);
        if (rv == 0) {
                const char *text = buf_text(&s.text);

                shell_say(sh, "\n\tTotal number of keys present: %zu\n", s.n);
                shell_say(sh, "\tNumber of matching keys from start index 0::%zu\n", s.n ? s.n - 1 : 0);
                shell_say(sh, "\n\tHandles of matching keys:\n\t%s\n", text ? text : "");
                util_cluster_status(sh);
        }
        shell_set(sh, "handles", s.list);
        buf_clear(&s.text);
        wish_clear(&w);
        return util_result(sh, "Cfm3FindKey", rv);
}

/* The key that option -k names, as the node knows it. */
static uint32_t info_of(struct shell *sh, int argc, char **argv, const char *function,
                        struct chsm_answer *answer)
{
        const char *key = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true } };
        Chsm__ObjectRef ref;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = util_ref(sh, "-k", key, &ref);
        return rv ? rv : util_result(sh, function, info_call(sh, &ref, answer));
}

/* Every node of a cluster has every key: a node is asked, and its cluster told of. */
static uint32_t find_single(struct shell *sh, int argc, char **argv)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = info_of(sh, argc, argv, "Cfm3FindSingleKey", &answer);

        chsm_answer_clear(&answer);
        if (rv == 0)
                util_cluster_status(sh);
        shell_set(sh, "present", json_boolean(rv == 0));
        return rv;
}

static uint32_t key_info(struct shell *sh, int argc, char **argv)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = info_of(sh, argc, argv, "Cfm3GetKey", &answer);

        if (rv == 0) {
                const Chsm__ObjectInfoResponse *r = answer.response->object_info;
                json_t *users = json_array();

                shell_say(sh, "\n\tOwned by user %llu\n", (unsigned long long)r->owner);
                if (r->n_shared_with)
                        shell_say(sh, "\n\tShared to following %zu user(s):\n\t", r->n_shared_with);
                for (size_t i = 0; i < r->n_shared_with; i++) {
                        shell_say(sh, "%s%llu", i ? ", " : "", (unsigned long long)r->shared_with[i]);
                        (void)json_array_append_new(users, json_integer((json_int_t)r->shared_with[i]));
                }
                shell_say(sh, "\n");
                tool_key_life(sh, r);
                shell_set(sh, "owner", json_integer((json_int_t)r->owner));
                shell_set(sh, "shared_with", users);
                tool_quorum_say(sh, r->quorum);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t delete_key(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DestroyObjectRequest body = CHSM__DESTROY_OBJECT_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = util_ref(sh, "-k", key, &ref);
        if (rv)
                return rv;
        body.object = &ref;
        request.destroy_object = &body;
        request.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
        rv = util_result(sh, "Cfm3DeleteKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        if (rv == 0) {
                util_forget(sh, &ref);
                util_cluster_status(sh);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t audit_keys(struct shell *sh, int argc, char **argv)
{
        return util_result(sh, "Cfm3AuditKeys", tool_audit_keys(sh, util_chsm(sh), argc, argv));
}

const struct shell_command util_find_rows[] = {
        { "auditKeys", "[-unused DAYS] [-expiring DAYS] [-old DAYS] [-json]",
          "show how exposed one's own keys are, how each could be read, and what is advised against", 0, 7,
          false, audit_keys, "auditKeys -unused 30" },
        { "findKey",
          "[-c CLASS] [-t TYPE] [-l LABEL] [-id ID] [-sess 0|1] [-u USER_IDS] [-m MODULUS_FILE] [-kcv HEX] "
          "[-ver current|N]",
          "find keys that match all of it", 0, 18, false, find_key },
        { "findSingleKey", "-k HANDLE", "tell whether a key is on the nodes", 0, 2, false, find_single },
        { "getKeyInfo", "-k HANDLE", "owner of a key, whom it is shared with, its uses and versions", 0, 2,
          false, key_info },
        { "deleteKey", "-k HANDLE", "delete a key of one's own", 0, 2, false, delete_key },
        { 0 },
};
