/* chsm-mgmt: the audit chains are checked, as the nodes give them and as files lie in a folder. */
#include "audit/audit.h"
#include "tools/mgmt.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 1000

/* What a check needs: hashing, and the partition and node that a chain begins with. */
struct check {
        struct crypto *crypto;
        struct chsm_answer partition, node;
        uint64_t records;
        unsigned chains, heads; /* heads: of key-use logs, signatures checked */
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

/* The signature over a key-use head verifies under the certificate that the owner gave the partition. */
static uint32_t check_signature(struct shell *sh, struct mgmt_server *s, const struct check *c,
                                const Chsm__AuditHead *head)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetCertRequest body = CHSM__GET_CERT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf text = BUF_INIT;
        uint32_t rv;

        body.type = 8;
        request.get_cert = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_CERT;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const ProtobufCBinaryData *pem = &answer.response->get_cert->pem;
                BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
                X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
                EVP_MD_CTX *context = EVP_MD_CTX_new();

                if (head->hash.len != AUDIT_HASH_SIZE || !x || !context ||
                    !audit_head_text(partition_id(c), head->node, head->sequence, head->hash.data,
                                     head->time_ms, &text) ||
                    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) != 1 ||
                    EVP_DigestVerify(context, head->signature.data, head->signature.len, text.p, text.n) != 1)
                        rv = shell_fail(sh, ERR_AUDIT,
                                        "the head of node '%s' is not signed by this partition", head->node);
                EVP_MD_CTX_free(context);
                X509_free(x);
                BIO_free(bio);
        }
        buf_clear(&text);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t heads_ask(struct shell *sh, struct mgmt_server *s, struct check *c)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditHeadsRequest body = CHSM__AUDIT_HEADS_REQUEST__INIT;

        request.audit_heads = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_HEADS;
        return chsm_call(s->chsm, &request, &c->node, &sh->err);
}

static uint32_t check_node(struct shell *sh, struct mgmt_server *s, struct check *c)
{
        uint32_t rv = heads_ask(sh, s, c);

        for (size_t i = 0; rv == 0 && i < c->node.response->audit_heads->n_heads; i++) {
                const Chsm__AuditHead *head = c->node.response->audit_heads->heads[i];
                bool uses = strcmp(head->chain, "use") == 0;

                rv = uses ? check_signature(sh, s, c, head) : check_chain(sh, s, head, c);
                c->heads += rv == 0 && uses ? 1 : 0;
        }
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

/* The signed head of that node, if it has one yet: a folder that ends before it lacks records. */
static uint32_t checkpoint_set(struct shell *sh, struct mgmt_server *s, const char *node, struct check *c,
                               struct audit_verify *v)
{
        uint32_t rv = heads_ask(sh, s, c);

        for (size_t i = 0; rv == 0 && i < c->node.response->audit_heads->n_heads; i++) {
                const Chsm__AuditHead *head = c->node.response->audit_heads->heads[i];

                if (strcmp(head->chain, "use") != 0 || strcmp(head->node, node) != 0)
                        continue;
                rv = check_signature(sh, s, c, head);
                if (rv == 0) {
                        v->checkpoint = head->sequence;
                        memcpy(v->checkpoint_hash, head->hash.data, AUDIT_HASH_SIZE);
                }
        }
        return rv;
}

/* A folder of use-*.jsonl, copied from a node or on it. */
static uint32_t check_folder(struct shell *sh, struct mgmt_server *s, const char *folder, struct check *c)
{
        struct audit_verify v = { .crypto = c->crypto };
        struct audit_files files;
        size_t torn = 0;
        char *node = NULL;
        uint32_t rv = 0;

        if (!audit_files_list(folder, &files, &sh->err))
                return err_ckr(&sh->err);
        if (files.n == 0)
                rv = shell_fail(sh, ERR_AUDIT, "'%s' holds no use-*.jsonl", folder);
        node = rv == 0 ? writer_of(files.rows[0].path) : NULL;
        if (node)
                rv = checkpoint_set(sh, s, node, c, &v);
        if (rv == 0 && !(node && audit_verify_files(&v, &files, 0, partition_id(c), node, &torn, &sh->err)))
                rv = err_ckr(&sh->err);
        if (rv == 0 && v.checkpoint && !v.checkpoint_met)
                rv = shell_fail(sh, ERR_AUDIT,
                                "the files end after %" PRIu64 " records; the partition signed %" PRIu64,
                                v.next_sequence, v.checkpoint);
        audit_files_free(&files);
        free(node);
        c->records += v.records;
        c->chains++;
        if (rv == 0 && torn)
                shell_say(sh,
                          "the last record is not whole: the node is writing it, or stopped while it did\n");
        return rv;
}

static uint32_t verify_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        struct check c = { 0 };
        uint32_t rv = check_begin(sh, s, &c);

        if (rv == 0)
                rv = argc > 1 ? check_folder(sh, s, argv[1], &c) : check_node(sh, s, &c);
        if (rv == 0) {
                shell_say(sh, "Audit log on server %zu(%s): %" PRIu64 " records in %u chains, unbroken\n",
                          index, s->host, c.records, c.chains);
                shell_set(sh, "records", json_integer((json_int_t)c.records));
                shell_set(sh, "signed", json_integer((json_int_t)c.heads));
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
