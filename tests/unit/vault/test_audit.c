/* The audit log as auditors take it: exports that verify, records that say what they should, purges with
 * their bridges, and what users want said. */
#include "hsm.h"

#include "audit/export.h"
#include "crypto/mechanism.h"
#include "vault/core.h"
#include "vault/partition.h"

#define DAY ((int64_t)24 * 3600 * 1000)

/* An HSM with a log of key use whose files are full after one batch. */
struct logged {
        struct hsm *hsm;
        struct audit_writer *writer;
};

static int64_t test_wall(void *arg)
{
        return ((struct hsm *)arg)->wall_ms;
}

static void log_open_for(struct logged *l)
{
        char path[200];
        struct audit_writer_config config = { .folder = path,
                                              .node = "hsm1",
                                              .partition_id = vault_partition_id(l->hsm->vault),
                                              .crypto = l->hsm->crypto,
                                              .clock = { .wall_ms = test_wall, .arg = l->hsm },
                                              .file_max = 1 };

        snprintf(path, sizeof(path), "%s/audit", l->hsm->folder);
        l->writer = audit_writer_open(&config, &l->hsm->err);
        assert_non_null(l->writer);
        vault_set_audit(l->hsm->vault, l->writer);
}

static int begin(void **state)
{
        struct logged *l = calloc(1, sizeof(*l));

        l->hsm = hsm_ready();
        log_open_for(l);
        *state = l;
        return 0;
}

static int end(void **state)
{
        struct logged *l = *state;

        vault_set_audit(l->hsm->vault, NULL);
        audit_writer_close(&l->writer);
        hsm_free(l->hsm);
        free(l);
        return 0;
}

static bool is_signed(void *arg, struct slice text, struct slice signature)
{
        const struct ck_mech_param none = { .present = false };
        struct hsm *h = arg;
        struct err err = ERR_INIT;

        return crypto_verify(h->crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none,
                             vault_partition_key(h->vault), text, signature, &err);
}

/* Appends the records of a stretch, page by page. */
static void records_fetch(struct caller *who, const struct audit_stretch *s, struct buf *out)
{
        Chsm__AuditRecordsRequest in = CHSM__AUDIT_RECORDS_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;
        uint64_t at = s->first;

        r.audit_records = &in;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_RECORDS;
        in.chain = (char *)(uintptr_t)s->chain;
        while (at < s->next) {
                const Chsm__Response *answer;
                struct slice lines;
                uint64_t before = at;

                in.after = strcmp(s->chain, "use") == 0 ? at : at - 1;
                in.limit = s->next - at < 7 ? (uint32_t)(s->next - at) : 7;
                answer = ask(who, &r);
                assert_int_equal(answer->status, 0);
                lines = slice_of(answer->audit_records->lines.data, answer->audit_records->lines.len);
                buf_put_slice(out, lines);
                for (size_t i = 0; i < lines.n; i++)
                        at += lines.p[i] == '\n';
                assert_true(at > before);
        }
}

/* The export as the tool writes it; report is filled from its check. */
static void export_make(struct logged *l, struct caller *who, struct buf *out, struct audit_report *report,
                        struct audit_checked_chain *chains)
{
        Chsm__AuditExportRequest in = CHSM__AUDIT_EXPORT_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;
        const Chsm__AuditExportResponse *e;
        struct audit_check *c = audit_check_new(l->hsm->crypto, is_signed, l->hsm, &l->hsm->err);
        struct buf bridges[AUDIT_CHAINS_MAX] = { 0 };
        char names[AUDIT_CHAINS_MAX][AUDIT_CHAIN_NAME];
        size_t bridge_n, fed = 0;

        r.audit_export = &in;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_EXPORT;
        assert_int_equal(ask(who, &r)->status, 0);
        e = ask(who, &r)->audit_export;
        buf_put(out, e->manifest.data, e->manifest.len);
        assert_true(audit_signature_format(slice_of(e->signature.data, e->signature.len), out));
        bridge_n = e->n_bridges;
        for (size_t i = 0; i < bridge_n; i++) {
                snprintf(names[i], sizeof(names[i]), "%s", e->bridges[i]->chain);
                buf_put(&bridges[i], e->bridges[i]->line.data, e->bridges[i]->line.len);
                assert_true(audit_signature_format(
                    slice_of(e->bridges[i]->signature.data, e->bridges[i]->signature.len), &bridges[i]));
        }
        assert_true(audit_check_feed(c, buf_slice(out), &l->hsm->err));
        fed = out->n;
        audit_check_report(c, report);
        for (size_t i = 0; i < report->chain_count; i++) {
                const struct audit_stretch s = report->chains[i].stretch;

                for (size_t b = 0; s.first != audit_chain_base(s.chain) && b < bridge_n; b++) {
                        if (strcmp(names[b], s.chain) == 0)
                                buf_put_slice(out, buf_slice(&bridges[b]));
                }
                records_fetch(who, &s, out);
                if (!audit_check_feed(c, slice_of(out->p + fed, out->n - fed), &l->hsm->err))
                        fail_msg("%s", l->hsm->err.detail);
                fed = out->n;
        }
        if (!audit_check_end(c, &l->hsm->err))
                fail_msg("%s", l->hsm->err.detail);
        audit_check_report(c, report);
        memcpy(chains, report->chains, report->chain_count * sizeof(*chains));
        report->chains = chains;
        for (size_t i = 0; i < bridge_n; i++)
                buf_clear(&bridges[i]);
        audit_check_free(&c);
}

static void an_export_verifies_and_says_what_it_should(void **state)
{
        struct logged *l = *state;
        struct caller co = caller_co(l->hsm);
        struct audit_checked_chain chains[40];
        struct audit_report report;
        struct buf text = BUF_INIT;

        assert_int_equal(caller_create_user(&co, 2, "second", "user1234"), 0);
        export_make(l, &co, &text, &report, chains);
        assert_true(report.records > 5);
        assert_string_equal(report.node, "hsm1");
        assert_string_equal(chains[report.chain_count - 1].stretch.chain, "use");
        assert_true(chains[report.chain_count - 1].stretch.next > 0);
        assert_non_null(strstr(buf_text(&text), "\"op\":\"CN_CREATE_CO\",\"opcode\":\"0x4\""));
        assert_non_null(strstr(buf_text(&text), "\"op\":\"CN_CREATE_USER\",\"opcode\":\"0x3\""));
        buf_clear(&text);
}

static uint32_t purge(struct caller *who, int64_t before_ms, uint64_t *records)
{
        Chsm__AuditPurgeRequest in = CHSM__AUDIT_PURGE_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;
        const Chsm__Response *answer;

        in.before_ms = before_ms;
        r.audit_purge = &in;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_PURGE;
        answer = ask(who, &r);
        if (answer->status == CKR_GENERAL_ERROR)
                fail_msg("%s", answer->detail);
        *records = answer->status ? 0 : answer->audit_purge->records;
        return answer->status;
}

static void purged_records_leave_a_bridge(void **state)
{
        struct logged *l = *state;
        struct hsm *h = l->hsm;
        struct caller co = caller_co(h);
        struct audit_checked_chain chains[40];
        struct audit_report report;
        struct buf before = BUF_INIT, after = BUF_INIT;
        uint64_t records = 0, gone = 0, again = 0;
        int64_t middle;

        export_make(l, &co, &before, &report, chains);
        assert_true(audit_writer_flush(l->writer, &h->err));
        h->wall_ms += DAY;
        middle = h->wall_ms;
        co = caller_co(h);
        assert_int_equal(caller_create_user(&co, 1, "later", "user1234"), 0);
        records = report.records;
        h->vault->config.audit_keep_ms = 2 * DAY;
        assert_int_equal(purge(&co, middle, &gone), CKR_ARGUMENTS_BAD); /* too young */
        assert_int_equal(purge(&co, 0, &gone), CKR_ARGUMENTS_BAD);
        h->vault->config.audit_keep_ms = 0;
        assert_int_equal(purge(&co, middle + DAY, &gone), CKR_ARGUMENTS_BAD); /* of the future */
        assert_int_equal(purge(&co, middle, &gone), 0);
        assert_true(gone > 5 && gone <= records + 10);
        for (int swept = 0; swept < 2; swept++) { /* what a sweep removes was bridged before */
                export_make(l, &co, &after, &report, chains);
                assert_int_equal(chains[0].bridge.next, chains[0].stretch.first);
                assert_true(chains[0].stretch.first > 1);
                assert_string_equal(chains[0].bridge.user, "admin");
                assert_non_null(strstr(buf_text(&after), "\"subject\":\"later\""));
                assert_null(strstr(buf_text(&after), "\"subject\":\"cu1\""));
                assert_non_null(strstr(buf_text(&after), "CN_AUDIT_PURGE"));
                assert_true(vault_audit_sweep(h->vault, &h->err));
                buf_reset(&after);
        }
        assert_int_equal(chains[report.chain_count - 1].bridge.next,
                         chains[report.chain_count - 1].stretch.first);
        assert_true(chains[report.chain_count - 1].bridge.next > 0);
        assert_int_equal(purge(&co, middle, &again), 0); /* nothing more */
        assert_int_equal(again, 0);
        buf_clear(&before);
        buf_clear(&after);
}

static const char *udd(struct caller *who)
{
        Chsm__GetAuditUddRequest in = CHSM__GET_AUDIT_UDD_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;
        const Chsm__Response *answer;

        r.get_audit_udd = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_AUDIT_UDD;
        answer = ask(who, &r);
        assert_int_equal(answer->status, 0);
        return answer->audit_udd->text;
}

static uint32_t udd_set(struct caller *who, const char *text)
{
        Chsm__SetAuditUddRequest in = CHSM__SET_AUDIT_UDD_REQUEST__INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;

        in.text = (char *)(uintptr_t)text;
        r.set_audit_udd = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_AUDIT_UDD;
        return ask(who, &r)->status;
}

static void user_defined_data_stands_in_the_users_own_records(void **state)
{
        struct logged *l = *state;
        struct caller co = caller_co(l->hsm), cu = caller_cu(l->hsm, "cu1");
        struct audit_checked_chain chains[40];
        struct audit_report report;
        struct buf text = BUF_INIT;
        const char *longest = "0123456789012345678901234567890123456789012345678901234567890123";
        const char *longer = "01234567890123456789012345678901234567890123456789012345678901234";

        assert_string_equal(udd(&co), "");
        assert_int_equal(udd_set(&co, ""), 0); /* nothing to clear */
        assert_int_equal(udd_set(&co, longer), CKR_ARGUMENTS_BAD);
        assert_int_equal(udd_set(&co, "two\nlines"), CKR_ARGUMENTS_BAD);
        assert_int_equal(udd_set(&co, "\xff"), CKR_ARGUMENTS_BAD);
        assert_string_equal(udd(&co), "");
        assert_int_equal(udd_set(&co, longest), 0);
        assert_string_equal(udd(&co), longest);
        assert_int_equal(udd_set(&co, "CHG-1234 \"quoted\""), 0);
        assert_string_equal(udd(&cu), "");
        assert_int_equal(caller_create_user(&co, 1, "marked", "user1234"), 0);
        vault_set_audit(l->hsm->vault, NULL);
        audit_writer_close(&l->writer);
        hsm_restart(l->hsm);
        log_open_for(l);
        assert_string_equal(udd(&co), "CHG-1234 \"quoted\"");
        export_make(l, &co, &text, &report, chains);
        assert_non_null(strstr(buf_text(&text), "\"subject\":\"marked\",\"result\":\"0x0\","
                                                "\"udd\":\"CHG-1234 \\\"quoted\\\"\""));
        assert_int_equal(udd_set(&co, ""), 0);
        assert_string_equal(udd(&co), "");
        assert_int_equal(udd_set(&cu, "batch 7"), 0);
        assert_string_equal(udd(&cu), "batch 7");
        buf_clear(&text);
}

static void starts_are_counted(void **state)
{
        struct logged *l = *state;
        struct hsm *h = l->hsm;

        assert_true(vault_count_start(h->vault, &h->err));
        assert_int_equal(h->vault->starts, 1);
        vault_set_audit(h->vault, NULL);
        audit_writer_close(&l->writer);
        hsm_restart(h);
        log_open_for(l);
        assert_true(vault_count_start(h->vault, &h->err));
        assert_int_equal(h->vault->starts, 2);
}

/* spec/semantics.md 18: the documented numbers, and no number twice. */
static void documented_operations_have_their_numbers(void **state)
{
        static const struct {
                const char *name;
                uint32_t opcode;
        } known[] = {
                { "CN_CREATE_USER", 0x3 },
                { "CN_CHANGE_PSWD", 0x9 },
                { "CN_LOGIN", 0xd },
                { "CN_LOGOUT", 0xe },
                { "CN_SHARE_OBJECT", 0x12 },
                { "CN_GENERATE_KEY", 0x17 },
                { "CN_WRAP_KEY", 0x1a },
                { "CN_GENERATE_KEY_PAIR", 0x19 },
                { "CN_UNWRAP_KEY", 0x1b },
                { "CN_DELETE_USER", 0xa1 },
                { "CN_GEN_PSWD_ENC_KEY", 0x1d },
                { "CN_NIST_AES_WRAP", 0x1e },
                { "CN_TOMBSTONE_OBJECT", 0x11 },
                { "CN_EXTRACT_MASKED_OBJECT_USER", 0xf0 },
                { "CN_INSERT_MASKED_OBJECT_USER", 0xf1 },
        };
        const struct vault_command *row, *other;

        (void)state;
        for (size_t i = 0; (row = vault_command_at(i)); i++) {
                for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
                        bool same = row->operation && strcmp(row->operation, known[k].name) == 0;

                        if (same && row->opcode != known[k].opcode && row->opcode < 0x100)
                                fail_msg("%s has opcode 0x%x", row->name, row->opcode);
                }
                for (size_t j = i + 1; (other = vault_command_at(j)); j++) {
                        if (row->opcode == other->opcode)
                                fail_msg("%s and %s have the same opcode", row->name, other->name);
                }
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_export_verifies_and_says_what_it_should),
                TEST(purged_records_leave_a_bridge),
                TEST(user_defined_data_stands_in_the_users_own_records),
                TEST(starts_are_counted),
                cmocka_unit_test(documented_operations_have_their_numbers),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
