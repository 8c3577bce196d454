/* chsm-mgmt: the audit chains are checked, as the nodes give them and as files lie in a folder. */
#include "audit/audit.h"
#include "tools/mgmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 1000

/* What a check needs: hashing, and the partition and node that a chain begins with. */
struct check {
        struct crypto *crypto;
        struct chsm_answer partition, node;
        uint64_t records;
        unsigned chains;
};

static uint32_t check_begin(struct shell *sh, struct mgmt_server *s, struct check *c)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__PartitionInfoRequest partition = CHSM__PARTITION_INFO_REQUEST__INIT;
        const struct chsm_answer none = CHSM_ANSWER_INIT;
        uint32_t rv;

        c->partition = c->node = none;
        c->crypto = crypto_new(NULL, &sh->err);
        if (!c->crypto)
                return err_ckr(&sh->err);
        request.partition_info = &partition;
        request.body_case = CHSM__REQUEST__BODY_PARTITION_INFO;
        rv = chsm_call(s->chsm, &request, &c->partition, &sh->err);
        return rv;
}

static void check_end(struct check *c)
{
        chsm_answer_clear(&c->partition);
        chsm_answer_clear(&c->node);
        crypto_free(&c->crypto);
}

static struct slice partition_id(const struct check *c)
{
        const Chsm__PartitionInfoResponse *r = c->partition.response->partition_info;

        return slice_of(r->partition_id.data, r->partition_id.len);
}

/* Checks one page; *after moves on. */
static uint32_t check_page(struct shell *sh, struct mgmt_server *s, const Chsm__AuditHead *head,
                           struct audit_verify *v, uint64_t *after)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditRecordsRequest body = CHSM__AUDIT_RECORDS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t before = *after, left = head->sequence - *after;
        uint32_t rv;

        body.chain = head->chain;
        body.after = *after;
        body.limit = left < PAGE ? (uint32_t)left : PAGE; /* not beyond the head: it may have moved since */
        request.audit_records = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_RECORDS;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__AuditRecordsResponse *r = answer.response->audit_records;

                if (!audit_verify_lines(v, slice_of(r->lines.data, r->lines.len), &sh->err)) {
                        err_prefix(&sh->err, "chain %s of node '%s'", head->chain, head->node);
                        rv = err_ckr(&sh->err);
                }
                *after = v->next_sequence - 1;
                if (rv == 0 && *after == before)
                        rv = shell_fail(sh, ERR_AUDIT,
                                        "chain %s ends at record %" PRIu64 ", its head says %" PRIu64,
                                        head->chain, before, head->sequence);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t check_chain(struct shell *sh, struct mgmt_server *s, const Chsm__AuditHead *head,
                            struct check *c)
{
        struct audit_verify v = { .crypto = c->crypto, .next_sequence = 1 };
        uint64_t after = 0;
        uint32_t rv = 0;

        if (!audit_genesis(c->crypto, partition_id(c), head->node, head->chain, v.expected))
                return shell_fail(sh, ERR_CRYPTO, "hashing failed");
        while (rv == 0 && after < head->sequence)
                rv = check_page(sh, s, head, &v, &after);
        if (rv == 0 &&
            !slice_equal(slice_of(v.expected, AUDIT_HASH_SIZE), slice_of(head->hash.data, head->hash.len)))
                rv = shell_fail(sh, ERR_AUDIT, "chain %s does not end in the head that the partition keeps",
                                head->chain);
        c->records += v.records;
        c->chains++;
        return rv;
}

static uint32_t check_node(struct shell *sh, struct mgmt_server *s, struct check *c)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditHeadsRequest body = CHSM__AUDIT_HEADS_REQUEST__INIT;
        uint32_t rv;

        request.audit_heads = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_HEADS;
        rv = chsm_call(s->chsm, &request, &c->node, &sh->err);
        for (size_t i = 0; rv == 0 && i < c->node.response->audit_heads->n_heads; i++)
                rv = check_chain(sh, s, c->node.response->audit_heads->heads[i], c);
        return rv;
}

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

/* A folder of use-*.jsonl, copied from a node or on it. */
static uint32_t check_folder(struct shell *sh, const char *folder, struct check *c)
{
        struct audit_verify v = { .crypto = c->crypto };
        struct audit_files files;
        size_t torn = 0;
        char *node = NULL;
        bool ok = audit_files_list(folder, &files, &sh->err);

        if (ok && files.n == 0)
                ok = err_set(&sh->err, ERR_AUDIT, "'%s' holds no use-*.jsonl", folder);
        node = ok ? writer_of(files.rows[0].path) : NULL;
        ok = ok && node && audit_verify_files(&v, &files, 0, partition_id(c), node, &torn, &sh->err);
        free(node);
        audit_files_free(&files);
        if (!ok)
                return err_ckr(&sh->err);
        c->records += v.records;
        c->chains++;
        if (torn)
                shell_say(sh,
                          "the last record is not whole: the node is writing it, or stopped while it did\n");
        return 0;
}

static uint32_t verify_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        struct check c = { 0 };
        uint32_t rv = check_begin(sh, s, &c);

        if (rv == 0)
                rv = argc > 1 ? check_folder(sh, argv[1], &c) : check_node(sh, s, &c);
        if (rv == 0) {
                shell_say(sh, "Audit log on server %zu(%s): %" PRIu64 " records in %u chains, unbroken\n",
                          index, s->host, c.records, c.chains);
                shell_set(sh, "records", json_integer((json_int_t)c.records));
                shell_set(sh, "chains", json_integer((json_int_t)c.chains));
        }
        check_end(&c);
        return rv;
}

static uint32_t verify_audit(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "verifyAuditLog", verify_one, argc, argv);
}

const struct shell_command mgmt_audit_rows[] = {
        { "verifyAuditLog", "[FOLDER]", "check the audit chains of the nodes, or a folder of key-use logs", 0,
          1, false, verify_audit },
        { 0 },
};
