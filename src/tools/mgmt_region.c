/* chsm-mgmt: two regions of one partition: which is primary, taking over, standing down. docs/regions.md. */
#include "base/file.h"
#include "tools/mgmt.h"

#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE_MAX 1024
#define UNSEEN_MOST   1000 /* records listed at once */

static const char *role_name(uint32_t role)
{
        static const char *const names[] = { "unknown", "primary", "follower", "fenced" };

        return names[role < 4 ? role : 0];
}

static void say_ago(struct shell *sh, const char *what, int64_t ms)
{
        if (ms < 0)
                shell_say(sh, "\t%-22s:not since the node started\n", what);
        else
                shell_say(sh, "\t%-22s:%lld ms ago\n", what, (long long)ms);
}

static void say_follower(struct shell *sh, const Chsm__RegionInfoResponse *r)
{
        shell_say(sh, "\tFollows               :%s\n\tRevision of primary   :%lld\n", r->peer,
                  (long long)r->head);
        shell_say(sh, "\tBehind                :%lld revisions\n",
                  (long long)(r->head > r->revision ? r->head - r->revision : 0));
        say_ago(sh, "Had all", r->lag_ms);
        say_ago(sh, "Heard the primary", r->heard_ms);
        if (r->apply_ms >= 0)
                shell_say(sh, "\tLast change took      :%lld ms\n", (long long)r->apply_ms);
        if (r->trouble[0])
                shell_say(sh, "\tTrouble               :%s\n", r->trouble);
}

static json_t *followers(struct shell *sh, const Chsm__RegionInfoResponse *r)
{
        json_t *list = json_array();

        for (size_t i = 0; i < r->n_followers; i++) {
                const Chsm__RegionFollower *f = r->followers[i];

                shell_say(sh, "\tFollower %-13u:%s, has revision %lld, heard %lld ms ago\n", f->number,
                          f->name, (long long)f->revision, (long long)f->heard_ms);
                (void)json_array_append_new(
                    list, json_pack("{s:i,s:s,s:I,s:I}", "node", (int)f->number, "name", f->name, "revision",
                                    (json_int_t)f->revision, "heard_ms", (json_int_t)f->heard_ms));
        }
        return list;
}

static void show(struct shell *sh, size_t index, const struct mgmt_server *s,
                 const Chsm__RegionInfoResponse *r)
{
        shell_say(sh, "Region info from server %zu(%s):\n", index, s->host);
        shell_say(sh,
                  "\tRole                  :%s\n\tEpoch                 :%llu\n\tRevision              "
                  ":%lld\n",
                  role_name(r->role), (unsigned long long)r->epoch, (long long)r->revision);
        if (r->role == 2)
                say_follower(sh, r);
        if (r->role == 3 && r->seen_epoch)
                shell_say(sh, "\tSuperseded by         :epoch %llu at %s\n",
                          (unsigned long long)r->seen_epoch, r->peer);
        shell_set(sh, "role", json_string(role_name(r->role)));
        shell_set(sh, "epoch", json_integer((json_int_t)r->epoch));
        shell_set(sh, "revision", json_integer((json_int_t)r->revision));
        shell_set(sh, "head", json_integer((json_int_t)r->head));
        shell_set(sh, "lag_revisions",
                  json_integer((json_int_t)(r->head > r->revision ? r->head - r->revision : 0)));
        shell_set(sh, "lag_ms", json_integer((json_int_t)r->lag_ms));
        shell_set(sh, "apply_ms", json_integer((json_int_t)r->apply_ms));
        shell_set(sh, "heard_ms", json_integer((json_int_t)r->heard_ms));
        shell_set(sh, "peer", json_string(r->peer));
        shell_set(sh, "trouble", json_string(r->trouble));
        shell_set(sh, "superseded_by", json_integer((json_int_t)r->seen_epoch));
        shell_set(sh, "followers", followers(sh, r));
}

static uint32_t info_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RegionInfoRequest body = CHSM__REGION_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.region_info = &body;
        request.body_case = CHSM__REQUEST__BODY_REGION_INFO;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                show(sh, index, s, answer.response->region_info);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t get_region_info(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, info_one, argc, argv);
}

/* What the owner signs, into a file; today or any time before. */
static uint32_t get_statement(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RegionInfoRequest body = CHSM__REGION_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        if (!s)
                return err_ckr(&sh->err);
        request.region_info = &body;
        request.body_case = CHSM__REQUEST__BODY_REGION_INFO;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0 &&
            !file_write(argv[1], slice_str(answer.response->region_info->statement), 0644, &sh->err))
                rv = err_ckr(&sh->err);
        if (rv == 0) {
                shell_say(sh,
                          "%s\nThe owner signs it with: openssl dgst -sha256 -sign PO.key -out %s.sig %s\n"
                          "getRegionStatement success\n",
                          answer.response->region_info->statement, argv[1], argv[1]);
                shell_set(sh, "statement", json_string(answer.response->region_info->statement));
                shell_set(sh, "file", json_string(argv[1]));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t promote(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RegionPromoteRequest body = CHSM__REGION_PROMOTE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf signature = BUF_INIT;
        uint32_t rv = 0;

        if (!s)
                return err_ckr(&sh->err);
        if (argc > 2 && strcmp(argv[2], "-force") != 0)
                return shell_fail(sh, ERR_USAGE, "'%s' is no option; there is -force", argv[2]);
        if (!file_read(argv[1], SIGNATURE_MAX, &signature, &sh->err))
                return err_ckr(&sh->err);
        body.signature = (ProtobufCBinaryData){ signature.n, signature.p };
        body.force = argc > 2;
        request.region_promote = &body;
        request.body_case = CHSM__REQUEST__BODY_REGION_PROMOTE;
        chsm_forget_login(s->chsm); /* it ends with the promotion, and none is needed */
        s->login[0] = 0;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__RegionInfoResponse *r = answer.response->region_info;

                shell_say(sh,
                          "This region is primary, with epoch %llu. Everybody logs in again.\n"
                          "promoteRegion success\n",
                          (unsigned long long)r->epoch);
                shell_set(sh, "role", json_string(role_name(r->role)));
                shell_set(sh, "epoch", json_integer((json_int_t)r->epoch));
        }
        chsm_answer_clear(&answer);
        buf_clear(&signature);
        return rv;
}

static uint32_t demote(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RegionDemoteRequest body = CHSM__REGION_DEMOTE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        if (!s)
                return err_ckr(&sh->err);
        request.region_demote = &body;
        request.body_case = CHSM__REQUEST__BODY_REGION_DEMOTE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__RegionInfoResponse *r = answer.response->region_info;

                shell_say(
                    sh,
                    r->seen_epoch
                        ? "This region follows %s as soon as that has given it a snapshot.\n"
                        : "This region has stood down%s: nothing is changed here until one is promoted.\n",
                    r->seen_epoch ? r->peer : "");
                shell_say(sh, "demoteRegion success\n");
                shell_set(sh, "role", json_string(role_name(r->role)));
                shell_set(sh, "rejoins", json_boolean(r->seen_epoch != 0));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t list_unseen(struct shell *sh, int argc, char **argv)
{
        struct mgmt_server *s = mgmt_scoped(sh);
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RegionUnseenRequest body = CHSM__REGION_UNSEEN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        json_t *list = json_array();
        uint32_t rv;

        (void)argc;
        (void)argv;
        if (!s) {
                json_decref(list);
                return err_ckr(&sh->err);
        }
        body.limit = UNSEEN_MOST;
        request.region_unseen = &body;
        request.body_case = CHSM__REQUEST__BODY_REGION_UNSEEN;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__RegionUnseenResponse *r = answer.response->region_unseen;
                const char *at = (const char *)r->lines.data, *end = at + r->lines.len, *stop;

                shell_say(sh, "%llu changes after revision %lld are in this region only:\n%.*s",
                          (unsigned long long)r->count, (long long)r->revision, (int)r->lines.len,
                          at ? at : "");
                for (; at && at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1)
                        (void)json_array_append_new(list, json_loadb(at, (size_t)(stop - at), 0, NULL));
                shell_say(sh, "listUnseen success\n");
                shell_set(sh, "revision", json_integer((json_int_t)r->revision));
                shell_set(sh, "count", json_integer((json_int_t)r->count));
        }
        shell_set(sh, "records", list);
        chsm_answer_clear(&answer);
        return rv;
}

const struct shell_command mgmt_region_rows[] = {
        { "getRegionInfo", "", "tell which region is primary, and how far behind one that follows is", 0, 0,
          false, get_region_info, "getRegionInfo", SHELL_ANYWHERE },
        { "getRegionStatement", "FILE", "write what the owner signs so that this region may take over", 1, 1,
          false, get_statement, "getRegionStatement hsm11.txt", SHELL_ONE_SERVER },
        { "promoteRegion", "SIGNATURE [-force]", "make this region the primary, with the owner's signature",
          1, 2, true, promote, "promoteRegion hsm11.txt.sig", SHELL_ONE_SERVER },
        { "demoteRegion", "",
          "let this region stand down; one that was superseded follows the one that took over", 0, 0, true,
          demote, "demoteRegion", SHELL_ONE_SERVER },
        { "listUnseen", "", "list what a superseded region has and the one that took over has not", 0, 0,
          false, list_unseen, "listUnseen", SHELL_ONE_SERVER },
        { 0 },
};
