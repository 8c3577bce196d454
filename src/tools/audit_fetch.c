#include "tools/audit_files.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define PAGE  2000
#define CHUNK ((size_t)256 * 1024)

/* ---- whose signature ---- */

/* A certificate's key, or a public key. */
static EVP_PKEY *key_of(BIO *bio)
{
        X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;

        X509_free(x);
        if (!key && bio && BIO_seek(bio, 0) == 0)
                key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
        return key;
}

static uint32_t key_of_node(struct shell *sh, struct chsm *chsm, void **key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetCertRequest body = CHSM__GET_CERT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.type = 8;
        request.get_cert = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_CERT;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const ProtobufCBinaryData *pem = &answer.response->get_cert->pem;

                *key = key_of(BIO_new_mem_buf(pem->data, (int)pem->len));
                if (!*key)
                        rv = shell_fail(sh, ERR_CERT_INVALID, "the partition's certificate cannot be read");
        }
        chsm_answer_clear(&answer);
        return rv;
}

static bool is_signed(void *arg, struct slice text, struct slice signature)
{
        struct audit_reading *r = arg;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool ok = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, r->key) == 1 &&
                  EVP_DigestVerify(context, signature.p, signature.n, text.p, text.n) == 1;

        EVP_MD_CTX_free(context);
        return ok;
}

uint32_t audit_reading_open(struct shell *sh, struct audit_reading *r, const char *path, struct chsm *chsm)
{
        uint32_t rv = 0;

        *r = (struct audit_reading){ .crypto = crypto_new(NULL, &sh->err) };
        if (!r->crypto)
                return err_ckr(&sh->err);
        if (path) {
                r->key = key_of(BIO_new_file(path, "r"));
                if (!r->key)
                        rv = shell_fail(sh, ERR_FILE,
                                        "'%s' holds neither a certificate nor a public key in PEM", path);
        } else {
                rv = key_of_node(sh, chsm, &r->key);
        }
        if (rv == 0) {
                r->check = audit_check_new(r->crypto, is_signed, r, &sh->err);
                rv = r->check ? 0 : err_ckr(&sh->err);
        }
        return rv;
}

void audit_reading_close(struct audit_reading *r)
{
        audit_check_free(&r->check);
        EVP_PKEY_free(r->key);
        r->key = NULL;
        crypto_free(&r->crypto);
}

uint32_t audit_head_signed(struct shell *sh, struct audit_reading *r, struct slice partition_id,
                           const Chsm__AuditHead *head)
{
        struct buf text = BUF_INIT;
        bool ok = head->hash.len == AUDIT_HASH_SIZE &&
                  audit_head_text(partition_id, head->node, head->sequence, head->hash.data, head->time_ms,
                                  &text) &&
                  is_signed(r, buf_slice(&text), slice_of(head->signature.data, head->signature.len));

        buf_clear(&text);
        return ok ? 0
                  : shell_fail(sh, ERR_AUDIT, "the head of node '%s' is not signed by this partition",
                               head->node);
}

/* ---- from a node ---- */

/* Into the check, and into the file. */
static uint32_t take(struct shell *sh, struct audit_reading *r, struct slice bytes, FILE *out)
{
        if (!audit_check_feed(r->check, bytes, &sh->err))
                return err_ckr(&sh->err);
        if (out && bytes.n && fwrite(bytes.p, 1, bytes.n, out) != bytes.n) {
                err_set_errno(&sh->err, ERR_FILE, errno, "the export cannot be written");
                return err_ckr(&sh->err);
        }
        return 0;
}

static uint32_t take_signed(struct shell *sh, struct audit_reading *r, const ProtobufCBinaryData *line,
                            const ProtobufCBinaryData *signature, FILE *out)
{
        struct buf text = BUF_INIT;
        uint32_t rv;

        buf_put(&text, line->data, line->len);
        rv = audit_signature_format(slice_of(signature->data, signature->len), &text)
                 ? take(sh, r, buf_slice(&text), out)
                 : shell_fail(sh, ERR_MEMORY, "no memory for a signature");
        buf_clear(&text);
        return rv;
}

/* One page; *at moves on. */
static uint32_t fetch_page(struct shell *sh, struct audit_reading *r, struct chsm *chsm,
                           const struct audit_stretch *s, uint64_t *at, FILE *out)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditRecordsRequest body = CHSM__AUDIT_RECORDS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t left = s->next - *at, before = *at;
        uint32_t rv;

        body.chain = (char *)(uintptr_t)s->chain;
        body.after = *at - audit_chain_base(s->chain);
        body.limit = left < PAGE ? (uint32_t)left : PAGE; /* not beyond the manifest: the log goes on */
        request.audit_records = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_RECORDS;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const ProtobufCBinaryData *lines = &answer.response->audit_records->lines;

                rv = take(sh, r, slice_of(lines->data, lines->len), out);
                for (size_t i = 0; i < lines->len; i++)
                        *at += lines->data[i] == '\n';
        }
        if (rv == 0 && *at == before)
                rv = shell_fail(sh, ERR_AUDIT,
                                "chain %s ends before record %" PRIu64 ", its head says %" PRIu64, s->chain,
                                before, s->next - 1);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t fetch_chain(struct shell *sh, struct audit_reading *r, struct chsm *chsm,
                            const Chsm__AuditExportResponse *e, const struct audit_stretch *s, FILE *out)
{
        uint64_t at = s->first;
        uint32_t rv = 0;

        for (size_t i = 0; rv == 0 && s->first != audit_chain_base(s->chain) && i < e->n_bridges; i++) {
                if (strcmp(e->bridges[i]->chain, s->chain) == 0)
                        rv = take_signed(sh, r, &e->bridges[i]->line, &e->bridges[i]->signature, out);
        }
        while (rv == 0 && at < s->next) {
                rv = fetch_page(sh, r, chsm, s, &at, out);
                shell_progress(sh, s->chain, at - s->first, s->next - s->first);
        }
        return rv;
}

uint32_t audit_fetch(struct shell *sh, struct audit_reading *r, struct chsm *chsm, FILE *out)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuditExportRequest body = CHSM__AUDIT_EXPORT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct audit_report report = { .chain_count = 0 };
        uint32_t rv;

        request.audit_export = &body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_EXPORT;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__AuditExportResponse *e = answer.response->audit_export;

                rv = take_signed(sh, r, &e->manifest, &e->signature, out);
                if (rv == 0)
                        audit_check_report(r->check, &report);
                for (size_t i = 0; rv == 0 && i < report.chain_count; i++)
                        rv = fetch_chain(sh, r, chsm, e, &report.chains[i].stretch, out);
        }
        if (rv == 0 && !audit_check_end(r->check, &sh->err))
                rv = err_ckr(&sh->err);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- from a file ---- */

uint32_t audit_read_file(struct shell *sh, struct audit_reading *r, const char *path)
{
        FILE *f = fopen(path, "re");
        uint8_t *chunk = malloc(CHUNK);
        size_t n = 0;
        bool ok = true;

        if (!f || !chunk) {
                err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be read", path);
                ok = false;
        }
        for (uint64_t kib = 0; ok && (n = fread(chunk, 1, CHUNK, f)) > 0; kib += n / 1024) {
                ok = audit_check_feed(r->check, slice_of(chunk, n), &sh->err);
                shell_progress(sh, "checked, KiB", kib, 0);
                if (shell_cancelled())
                        ok = err_set(&sh->err, ERR_CANCELLED,
                                     "cancelled; the rest of the file was not checked");
        }
        if (ok && ferror(f))
                ok = err_set_errno(&sh->err, ERR_FILE, errno, "'%s' cannot be read", path);
        ok = ok && audit_check_end(r->check, &sh->err);
        if (f)
                (void)fclose(f);
        free(chunk);
        return ok ? 0 : err_ckr(&sh->err);
}

/* ---- what was found ---- */

static void say_chain(struct shell *sh, const struct audit_checked_chain *c, json_t *purged, json_t *steps)
{
        uint64_t base = audit_chain_base(c->stretch.chain);
        char when[CLOCK_TEXT_SIZE];

        if (c->bridge.next) {
                shell_say(sh, "chain %s: records %" PRIu64 " to %" PRIu64 " were purged at %s by '%s'\n",
                          c->stretch.chain, base, c->bridge.next - 1, clock_text(c->bridge.time_ms, when),
                          c->bridge.user);
                (void)json_array_append_new(
                    purged, json_pack("{s:s,s:I,s:I,s:s,s:s}", "chain", c->stretch.chain, "first",
                                      (json_int_t)base, "last", (json_int_t)c->bridge.next - 1, "time",
                                      clock_text(c->bridge.time_ms, when), "user", c->bridge.user));
        }
        if (c->steps) {
                shell_say(sh,
                          "warning: chain %s: the clock went back %" PRIu64 " times; record %" PRIu64
                          " is %" PRId64 " ms earlier than the one before it\n",
                          c->stretch.chain, c->steps, c->step_at, c->step_ms);
                (void)json_array_append_new(steps,
                                            json_pack("{s:s,s:I,s:I,s:I}", "chain", c->stretch.chain, "count",
                                                      (json_int_t)c->steps, "record", (json_int_t)c->step_at,
                                                      "ms", (json_int_t)c->step_ms));
        }
}

void audit_report_say(struct shell *sh, const struct audit_reading *r, const char *of)
{
        json_t *purged = json_array(), *steps = json_array();
        struct audit_report report;
        char when[CLOCK_TEXT_SIZE];

        audit_check_report(r->check, &report);
        shell_say(sh, "Audit log on %s: %" PRIu64 " records in %zu chains, unbroken\n", of, report.records,
                  report.chain_count);
        shell_say(sh, "node '%s' of partition %s, signed at %s\n", report.node, report.partition,
                  clock_text(report.time_ms, when));
        for (size_t i = 0; i < report.chain_count; i++)
                say_chain(sh, &report.chains[i], purged, steps);
        shell_set(sh, "records", json_integer((json_int_t)report.records));
        shell_set(sh, "chains", json_integer((json_int_t)report.chain_count));
        shell_set(sh, "node", json_string(report.node));
        shell_set(sh, "partition", json_string(report.partition));
        shell_set(sh, "time", json_string(clock_text(report.time_ms, when)));
        shell_set(sh, "purged", purged);
        shell_set(sh, "clock_steps", steps);
}
