/* chsm-util: keys in shares (Shamir). Shares are keys of the HSM, or files wrapped for their custodians;
 * never clear. */
#include "base/file.h"
#include "tools/util_move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARES_MAX 8

struct split {
        const char *key, *shares, *threshold, *with, *mechanism, *hash, *folder;
        struct util_making m;
        uint64_t n, needed;
        uint64_t *custodians; /* handles of their wrapping keys */
        size_t custodian_n;
};

static uint32_t split_read(struct shell *sh, struct split *s)
{
        uint32_t rv = util_number(sh, "-n", s->shares, 2, SHARES_MAX, &s->n);

        if (rv == 0)
                rv = util_number(sh, "-threshold", s->threshold, 2, SHARES_MAX, &s->needed);
        if (rv == 0 && s->needed > s->n)
                rv = shell_fail(sh, ERR_USAGE, "of %s shares %s cannot be needed", s->shares, s->threshold);
        if (rv == 0 && (!s->with != !s->folder || !s->with != !s->mechanism))
                rv = shell_fail(sh, ERR_USAGE,
                                "wrapped shares need -w HANDLES, -m MECHANISM and -d FOLDER together");
        if (rv == 0 && s->with)
                rv = util_handles(sh, "-w", s->with, &s->custodians, &s->custodian_n);
        if (rv == 0 && s->with && s->custodian_n != s->n)
                rv = shell_fail(sh, ERR_USAGE, "%s shares need as many wrapping keys, not %zu", s->shares,
                                s->custodian_n);
        return rv;
}

static uint32_t split_call(struct shell *sh, struct split *s, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SplitKeyRequest body = CHSM__SPLIT_KEY_REQUEST__INIT;
        struct ask_attributes a = { .n = 0 };
        Chsm__ObjectRef key;
        uint32_t rv = util_ref(sh, "-k", s->key, &key);

        if (s->with)
                s->m.session = "-sess"; /* a share that goes into a file is no key that stays */
        if (rv == 0)
                rv = util_making(sh, &s->m, true, &a);
        if (rv)
                return rv;
        body.key = &key;
        body.threshold = (uint32_t)s->needed;
        body.shares = (uint32_t)s->n;
        body.template_ = a.list;
        body.n_template_ = a.n;
        request.split_key = &body;
        request.body_case = CHSM__REQUEST__BODY_SPLIT_KEY;
        return chsm_call(util_chsm(sh), &request, answer, &sh->err);
}

/* Share i into FOLDER/LABEL-i.share, for custodian i; a file that is there is not written over. */
static uint32_t write_share(struct shell *sh, struct split *s, size_t i, const Chsm__ObjectResponse *share)
{
        struct util_wrapping w = { .mechanism = s->mechanism, .hash = s->hash };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT, with = CHSM__OBJECT_REF__INIT;
        struct buf out = BUF_INIT;
        char path[4096];
        uint32_t rv = util_wrapping_read(sh, &w);

        ref.sealed = share->sealed;
        with.handle = s->custodians[i];
        if (rv == 0 && snprintf(path, sizeof(path), "%s/%s-%zu.share", s->folder, s->m.label, i + 1) >=
                           (int)sizeof(path))
                rv = shell_fail(sh, ERR_USAGE, "the path of a share is too long");
        if (rv == 0 && file_exists(path))
                rv = shell_fail(sh, ERR_FILE, "'%s' is there already", path);
        if (rv == 0)
                rv = util_header_make(sh, &w, &ref);
        if (rv == 0)
                rv = util_wrapping_ready(sh, &w);
        if (rv == 0)
                rv = util_wrap_call(sh, &w.m, &with, &ref, &answer);
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;

                if (w.row->kind == UTIL_WRAP_GCM && !w.row->own_iv)
                        buf_put(&w.iv, r->iv.data, r->iv.len);
                if (!util_header_file(&w, slice_of(r->data.data, r->data.len), &out) ||
                    !util_write(sh, path, buf_slice(&out), 0600))
                        rv = sh->err.id ? err_ckr(&sh->err)
                                        : shell_fail(sh, ERR_MEMORY, "no memory for a share");
        }
        if (rv == 0)
                shell_say(sh, "\n\tShare %zu written to file \"%s\"\n", i + 1, path);
        util_wrapping_clear(&w);
        buf_clear(&out);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t split_end(struct shell *sh, struct split *s, const Chsm__DerivedResponse *r)
{
        json_t *list = json_array();
        uint32_t rv = 0;

        for (size_t i = 0; rv == 0 && i < r->n_objects; i++) {
                if (s->with) {
                        rv = write_share(sh, s, i, r->objects[i]);
                        continue;
                }
                uint64_t handle = util_made(sh, r->objects[i]);

                shell_say(sh, "\n\tShare %zu.  Key Handle: %llu\n", i + 1, (unsigned long long)handle);
                (void)json_array_append_new(list, json_integer((json_int_t)handle));
        }
        shell_set(sh, "handles", list);
        if (rv == 0 && s->with) /* not that of the last share alone */
                shell_set(sh, "file", json_string(s->folder));
        return rv;
}

static uint32_t split_key(struct shell *sh, int argc, char **argv)
{
        struct split s = { NULL };
        const struct util_option rows[] = { { "-k", &s.key, false, true },
                                            { "-n", &s.shares, false, true },
                                            { "-threshold", &s.threshold, false, true },
                                            { "-w", &s.with, false, false },
                                            { "-m", &s.mechanism, false, false },
                                            { "-t", &s.hash, false, false },
                                            { "-d", &s.folder, false, false },
                                            { "-l", &s.m.label, false, true },
                                            { "-sess", &s.m.session, true, false },
                                            { "-nex", &s.m.not_extractable, true, false },
                                            { "-wrap_with_trusted", &s.m.trusted, false, false } };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = split_read(sh, &s);
        if (rv == 0)
                rv = util_result(sh, "Cfm3SplitKey", split_call(sh, &s, &answer));
        if (rv == 0)
                rv = split_end(sh, &s, answer.response->derived);
        free(s.custodians);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- joining ---- */

static uint32_t join_call(struct shell *sh, const char *keys, const char *type, const struct util_making *m,
                          struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__JoinKeyRequest body = CHSM__JOIN_KEY_REQUEST__INIT;
        struct ask_attributes a = { .n = 0 };
        Chsm__ObjectRef refs[SHARES_MAX], *list[SHARES_MAX];
        char text[24];
        uint64_t *handles = NULL, key_type = 0;
        size_t n = 0;
        uint32_t rv = util_handles(sh, "-k", keys, &handles, &n);

        if (rv == 0 && (n < 2 || n > SHARES_MAX))
                rv = shell_fail(sh, ERR_USAGE, "option -k takes the handles of 2 to %d shares, not %zu",
                                SHARES_MAX, n);
        for (size_t i = 0; rv == 0 && i < n; i++) {
                (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)handles[i]);
                rv = util_ref(sh, "-k", text, &refs[i]);
                list[i] = &refs[i];
        }
        if (rv == 0)
                rv = util_number(sh, "-t", type, 0, 1024, &key_type);
        if (rv == 0)
                rv = util_making(sh, m, true, &a);
        if (rv == 0)
                rv = util_role(sh, m, CKO_SECRET_KEY, &a);
        if (rv == 0) {
                ask_number(&a, CKA_CLASS, CKO_SECRET_KEY);
                ask_number(&a, CKA_KEY_TYPE, key_type);
                body.shares = list;
                body.n_shares = n;
                body.template_ = a.list;
                body.n_template_ = a.n;
                body.unique_id = true;
                request.join_key = &body;
                request.body_case = CHSM__REQUEST__BODY_JOIN_KEY;
                rv = chsm_call(util_chsm(sh), &request, answer, &sh->err);
        }
        free(handles);
        return rv;
}

static uint32_t join_key(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *keys = NULL, *type = NULL;
        const struct util_option rows[] = { { "-k", &keys, false, true },
                                            { "-t", &type, false, true },
                                            { "-l", &m.label, false, true },
                                            { "-id", &m.id, false, false },
                                            { "-sess", &m.session, true, false },
                                            { "-nex", &m.not_extractable, true, false },
                                            { "-wrap_with_trusted", &m.trusted, false, false },
                                            { "-role", &m.role, false, false } };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_result(sh, "Cfm3JoinKey", join_call(sh, keys, type, &m, &answer));
        if (rv == 0) {
                uint64_t handle = util_made(sh, answer.response->object);

                shell_say(sh, "\n\tKey Joined.  Key Handle: %llu\n", (unsigned long long)handle);
                shell_set(sh, "handle", json_integer((json_int_t)handle));
        }
        chsm_answer_clear(&answer);
        return rv;
}

const struct shell_command util_split_rows[] = {
        { "splitKey",
          "-k HANDLE -n SHARES -threshold NEEDED -l LABEL [-sess] [-nex] [-wrap_with_trusted 0|1] [-w "
          "HANDLES -m "
          "MECHANISM [-t HASH] -d FOLDER]",
          "split a secret key into shares, of which so many give it back: keys, or files wrapped under one "
          "key for "
          "each",
          0, 20, false, split_key, "splitKey -k 262151 -n 5 -threshold 3 -l master" },
        { "joinKey",
          "-k HANDLES -t TYPE -l LABEL [-id ID] [-role wrap|encrypt|sign] [-sess] [-nex] [-wrap_with_trusted "
          "0|1]",
          "make a key of the shares of splitKey", 0, 14, false, join_key,
          "joinKey -k 262160,262161,262163 -t 31 -l master" },
        { 0 },
};
