/* chsm-mgmt: audit logs are exported, checked, purged and marked. */
#include "audit/audit.h"
#include "tools/audit_files.h"
#include "tools/audit_udd.h"
#include "tools/mgmt.h"

#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint32_t heads_ask(struct shell *sh, struct mgmt_server *s, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditHeadsRequest body = CHSM__AUDIT_HEADS_REQUEST__INIT;

        request.audit_heads = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_HEADS;
        return chsm_call(s->chsm, &request, answer, &sh->err);
}

static uint32_t partition_ask(struct shell *sh, struct mgmt_server *s, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__PartitionInfoRequest body = CHSM__PARTITION_INFO_REQUEST__INIT;

        request.partition_info = &body;
        request.body_case = CHSM__REQUEST__BODY_PARTITION_INFO;
        return chsm_call(s->chsm, &request, answer, &sh->err);
}

/* The heads of the nodes' logs of key use as the partition keeps them: checks the signatures of all, or of
 * one node's, which becomes the checkpoint. *n counts them. */
static uint32_t heads_check(struct shell *sh, struct mgmt_server *s, struct audit_reading *r,
                            const char *node, struct audit_verify *checkpoint, unsigned *n)
{
        struct chsm_answer partition = CHSM_ANSWER_INIT, heads = CHSM_ANSWER_INIT;
        uint32_t rv = partition_ask(sh, s, &partition);

        if (rv == 0)
                rv = heads_ask(sh, s, &heads);
        for (size_t i = 0; rv == 0 && i < heads.response->audit_heads->n_heads; i++) {
                const Chsm__AuditHead *head = heads.response->audit_heads->heads[i];
                const ProtobufCBinaryData *id = &partition.response->partition_info->partition_id;

                if (strcmp(head->chain, "use") != 0 || (node && strcmp(head->node, node) != 0))
                        continue;
                rv = audit_head_signed(sh, r, slice_of(id->data, id->len), head);
                ++*n;
                if (rv == 0 && checkpoint) {
                        checkpoint->checkpoint = head->sequence;
                        memcpy(checkpoint->checkpoint_hash, head->hash.data, AUDIT_HASH_SIZE);
                }
        }
        chsm_answer_clear(&partition);
        chsm_answer_clear(&heads);
        return rv;
}

static uint32_t check_node(struct shell *sh, struct mgmt_server *s, size_t index, struct audit_reading *r)
{
        unsigned heads = 0;
        char of[300];
        uint32_t rv = audit_fetch(sh, r, s->chsm, NULL);

        if (rv == 0)
                rv = heads_check(sh, s, r, NULL, NULL, &heads);
        if (rv == 0) {
                (void)snprintf(of, sizeof(of), "server %zu(%s)", index, s->host);
                audit_report_say(sh, r, of);
                shell_set(sh, "signed", json_integer((json_int_t)heads));
        }
        return rv;
}

/* ---- a folder of use-*.jsonl, copied from a node or on it ---- */

/* The node that wrote a file, by its first record. Caller frees. */
static char *writer_of(const char *path)
{
        char line[4096];
        FILE *f = fopen(path, "re");
        json_t *record = f && fgets(line, sizeof(line), f) ? json_loads(line, 0, NULL) : NULL;
        const char *name = json_string_value(json_object_get(record, "node"));
        char *copy = strdup(name ? name : "");

        json_decref(record);
        if (f)
                (void)fclose(f);
        return copy;
}

static uint32_t files_check(struct shell *sh, struct mgmt_server *s, const struct audit_files *files,
                            struct audit_verify *v, size_t *torn)
{
        struct chsm_answer partition = CHSM_ANSWER_INIT;
        char *node = writer_of(files->rows[0].path);
        uint32_t rv = partition_ask(sh, s, &partition);

        if (rv == 0) {
                const ProtobufCBinaryData *id = &partition.response->partition_info->partition_id;

                if (!node ||
                    !audit_verify_files(v, files, 0, slice_of(id->data, id->len), node, torn, &sh->err))
                        rv = err_ckr(&sh->err);
        }
        chsm_answer_clear(&partition);
        free(node);
        return rv;
}

static uint32_t check_folder(struct shell *sh, struct mgmt_server *s, size_t index, const char *folder,
                             struct audit_reading *r)
{
        struct audit_verify v = { .crypto = r->crypto };
        struct audit_files files;
        unsigned heads = 0;
        size_t torn = 0;
        char *node = NULL;
        uint32_t rv = 0;

        if (!audit_files_list(folder, &files, &sh->err))
                return err_ckr(&sh->err);
        if (files.n == 0)
                rv = shell_fail(sh, ERR_AUDIT, "'%s' holds no use-*.jsonl", folder);
        node = rv == 0 ? writer_of(files.rows[0].path) : NULL;
        if (node) /* a folder that ends before the head that the partition signed lacks records */
                rv = heads_check(sh, s, r, node, &v, &heads);
        if (rv == 0)
                rv = files_check(sh, s, &files, &v, &torn);
        if (rv == 0 && v.checkpoint && !v.checkpoint_met)
                rv = shell_fail(sh, ERR_AUDIT,
                                "the files end after %" PRIu64 " records; the partition signed %" PRIu64,
                                v.next_sequence, v.checkpoint);
        audit_files_free(&files);
        free(node);
        if (rv)
                return rv;
        shell_say(sh, "Audit log on server %zu(%s): %" PRIu64 " records in 1 chains, unbroken\n", index,
                  s->host, v.records);
        if (torn)
                shell_say(sh,
                          "the last record is not whole: the node is writing it, or stopped while it did\n");
        shell_set(sh, "records", json_integer((json_int_t)v.records));
        shell_set(sh, "chains", json_integer(1));
        shell_set(sh, "signed", json_integer((json_int_t)heads));
        return 0;
}

/* ---- verifyAuditLog ---- */

static uint32_t check_file(struct shell *sh, const char *path, struct audit_reading *r)
{
        uint32_t rv = audit_read_file(sh, r, path);

        if (rv == 0)
                audit_report_say(sh, r, path);
        return rv;
}

static bool is_folder(const char *path)
{
        struct stat facts;

        return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static uint32_t verify_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        struct audit_reading r;
        uint32_t rv = audit_reading_open(sh, &r, NULL, s->chsm);

        if (rv == 0)
                rv = argc == 1            ? check_node(sh, s, index, &r)
                     : is_folder(argv[1]) ? check_folder(sh, s, index, argv[1], &r)
                                          : check_file(sh, argv[1], &r);
        audit_reading_close(&r);
        return rv;
}

bool mgmt_audit_offline(int argc, char **argv)
{
        return argc == 4 && strcasecmp(argv[0], "verifyAuditLog") == 0 && strcmp(argv[2], "-k") == 0;
}

static uint32_t verify_audit(struct shell *sh, int argc, char **argv)
{
        struct audit_reading r;
        uint32_t rv;

        if (argc < 3)
                return mgmt_each(sh, "verifyAuditLog", verify_one, argc, argv);
        if (argc != 4 || strcmp(argv[2], "-k") != 0)
                return shell_fail(sh, ERR_USAGE,
                                  "verifyAuditLog takes a FILE and -k with the partition's "
                                  "certificate or public key, or a folder, or nothing");
        rv = audit_reading_open(sh, &r, argv[3], NULL);
        if (rv == 0)
                rv = check_file(sh, argv[1], &r);
        audit_reading_close(&r);
        if (rv == 0)
                shell_say(sh, "verifyAuditLog success\n");
        return rv;
}

/* ---- getAuditLogs ---- */

/* "folder/hsm1-20261124T113400.123Z": the node's name and the time of the manifest. Caller frees. */
static char *export_name(const struct audit_reading *r, const char *folder)
{
        struct audit_report report;
        char when[CLOCK_TEXT_SIZE], *name = NULL;
        size_t n = 0;

        audit_check_report(r->check, &report);
        (void)clock_text(report.time_ms, when);
        for (const char *p = when; *p; p++) {
                if (*p != '-' && *p != ':')
                        when[n++] = *p;
        }
        when[n] = '\0';
        for (char *p = report.node; *p; p++) {
                if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
                        *p = '_';
        }
        return asprintf(&name, "%s/%s-%s", folder, report.node, when) < 0 ? NULL : name;
}

/* The part file gets its name when all is there and checked. */
static uint32_t export_finish(struct shell *sh, const struct audit_reading *r, const char *part,
                              const char *folder, const struct audit_format *format)
{
        char *name = export_name(r, folder), *path = NULL, *other = NULL;
        uint32_t rv = 0;

        if (!name || asprintf(&path, "%s.jsonl", name) < 0)
                rv = shell_fail(sh, ERR_MEMORY, "no memory for an export");
        if (rv == 0 && rename(part, path) != 0) {
                err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be made", path);
                rv = err_ckr(&sh->err);
        }
        if (rv == 0) {
                audit_report_say(sh, r, path);
                shell_set(sh, "file", json_string(path));
        }
        if (rv == 0 && format->suffix && asprintf(&other, "%s%s", name, format->suffix) > 0) {
                rv = audit_format_file(sh, format, path, other);
                if (rv == 0) {
                        shell_say(sh, "written as %s to %s\n", format->name, other);
                        shell_set(sh, format->name, json_string(other));
                }
        }
        free(name);
        free(path);
        free(other);
        return rv;
}

static uint32_t export_fetch(struct shell *sh, struct mgmt_server *s, const char *part,
                             struct audit_reading *r)
{
        FILE *out = fopen(part, "wxe");
        uint32_t rv;
        bool kept;

        if (!out || fchmod(fileno(out), 0600) != 0) {
                err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be written", part);
                if (out)
                        (void)fclose(out);
                return err_ckr(&sh->err);
        }
        rv = audit_fetch(sh, r, s->chsm, out);
        kept = fflush(out) == 0 && fsync(fileno(out)) == 0;
        if (fclose(out) != 0 || !kept) {
                if (rv == 0)
                        err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be written", part);
                rv = err_ckr(&sh->err);
        }
        return rv;
}

static uint32_t get_logs_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        const struct audit_format *format = audit_format_find(argc > 2 ? argv[2] : "jsonl");
        struct audit_reading r;
        char *part = NULL;
        uint32_t rv;

        if (!format)
                return shell_fail(sh, ERR_USAGE,
                                  "'%s' is no form of export; there are jsonl, documented and cef", argv[2]);
        if (asprintf(&part, "%s/.export-%ld-%zu", argv[1], (long)getpid(), index) < 0)
                return shell_fail(sh, ERR_MEMORY, "no memory for an export");
        rv = audit_reading_open(sh, &r, NULL, s->chsm);
        if (rv == 0)
                rv = export_fetch(sh, s, part, &r);
        if (rv == 0)
                rv = export_finish(sh, &r, part, argv[1], format);
        if (rv)
                (void)unlink(part);
        audit_reading_close(&r);
        free(part);
        return rv;
}

static uint32_t get_logs(struct shell *sh, int argc, char **argv)
{
        if (!is_folder(argv[1]))
                return shell_fail(sh, ERR_FILE, "'%s' is no folder; exports are files in one, one a node",
                                  argv[1]);
        return mgmt_each(sh, "getAuditLogs", get_logs_one, argc, argv);
}

/* ---- purgeAuditLogs ---- */

/* "2026-11-24", the day's begin in UTC, or "2026-11-24T08:30:00Z". */
static bool time_read(const char *text, int64_t *ms)
{
        static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };

        *ms = 0;
        for (size_t i = 0; i < 2 && *ms <= 0; i++) {
                struct tm t = { 0 };
                const char *end = strptime(text, forms[i], &t);

                if (end && *end == '\0')
                        *ms = (int64_t)timegm(&t) * 1000;
        }
        return *ms > 0;
}

static uint32_t purge_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditPurgeRequest body = CHSM__AUDIT_PURGE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        if (!time_read(argv[1], &body.before_ms))
                return shell_fail(sh, ERR_USAGE,
                                  "'%s' is no time: write 2026-01-31 or 2026-01-31T08:30:00Z (UTC)", argv[1]);
        request.audit_purge = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_PURGE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__AuditPurgeResponse *r = answer.response->audit_purge;

                shell_say(sh,
                          "%" PRIu64 " records of %u chains purged on server %zu(%s); signed bridges stay\n",
                          r->records, r->chains, index, s->host);
                shell_set(sh, "records", json_integer((json_int_t)r->records));
                shell_set(sh, "chains", json_integer((json_int_t)r->chains));
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t purge(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "purgeAuditLogs", purge_one, argc, argv);
}

/* ---- user-defined data ---- */

static uint32_t get_udd_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)index;
        (void)argc;
        (void)argv;
        return tool_udd_get(sh, s->chsm);
}

static uint32_t get_udd(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "getAuditUDD", get_udd_one, argc, argv);
}

static uint32_t set_udd_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)index;
        return tool_udd_set(sh, s->chsm, argc > 1 ? argv[1] : "");
}

static uint32_t set_udd(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "setAuditUDD", set_udd_one, argc, argv);
}

const struct shell_command mgmt_audit_rows[] = {
        { "getAuditLogs", "FOLDER [jsonl|documented|cef]", "export each node's audit log with signed heads",
          1, 2, false, get_logs },
        { "verifyAuditLog", "[FOLDER | FILE [-k CERTIFICATE]]",
          "check the nodes' audit logs, a folder of key-use logs, or an export", 0, 3, false, verify_audit },
        { "purgeAuditLogs", "YYYY-MM-DD[THH:MM:SSZ]",
          "remove the audit records from before then (UTC); signed bridges stay", 1, 1, true, purge },
        { "getAuditUDD", "", "show what is said with each of your audit records", 0, 0, false, get_udd },
        { "setAuditUDD", "[TEXT]", "say TEXT with each of your audit records from now on; nothing clears it",
          0, 1, false, set_udd },
        { 0 },
};
