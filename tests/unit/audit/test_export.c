/* Exports: what was done to one is found, whatever it was. */
#include "test.h"
#include "audit/export.h"
#include "base/text.h"
#include "ck/cryptoki.h"
#include "crypto/mechanism.h"

#define PARTITION SLICE_LIT("0123456789abcdef")
#define LINES_MAX 64

static struct crypto *engine;
static struct crypto_key *partition_key, *partition_public, *foreign_key;

/* An export as lines, so that they can be moved about. */
struct lines {
        struct buf rows[LINES_MAX];
        size_t n;
};

static void line_put(struct lines *l, struct slice text)
{
        assert_true(l->n < LINES_MAX);
        buf_put_slice(&l->rows[l->n++], text);
}

static void lines_clear(struct lines *l)
{
        for (size_t i = 0; i < LINES_MAX; i++)
                buf_clear(&l->rows[i]);
        l->n = 0;
}

static void line_remove(struct lines *l, size_t at)
{
        struct buf gone = l->rows[at];

        memmove(&l->rows[at], &l->rows[at + 1], (l->n - at - 1) * sizeof(gone));
        l->rows[--l->n] = gone;
        buf_clear(&l->rows[l->n]);
}

static void line_swap(struct lines *l, size_t a, size_t b)
{
        struct buf kept = l->rows[a];

        l->rows[a] = l->rows[b];
        l->rows[b] = kept;
}

/* Replaces the text in a line; both have the same length. */
static void line_edit(struct lines *l, size_t at, const char *from, const char *to)
{
        char *found = strstr(buf_text(&l->rows[at]), from);

        assert_non_null(found);
        memcpy(found, to, strlen(to));
}

static void line_sign(struct lines *l, struct crypto_key *key)
{
        const struct ck_mech_param none = { .present = false };
        struct slice text = buf_slice(&l->rows[l->n - 1]);
        struct err err = ERR_INIT;
        struct buf line = BUF_INIT;
        uint8_t signature[512];
        size_t n = sizeof(signature);

        assert_true(crypto_sign(engine, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, key, text,
                                signature, &n, &err));
        assert_true(audit_signature_format(slice_of(signature, n), &line));
        line_put(l, buf_slice(&line));
        buf_clear(&line);
}

static bool is_signed(void *arg, struct slice text, struct slice signature)
{
        const struct ck_mech_param none = { .present = false };
        struct err err = ERR_INIT;

        (void)arg;
        return crypto_verify(engine, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, partition_public,
                             text, signature, &err);
}

/* Makes a stretch's records, of which those from `first` on are kept. */
static void chain_make(struct audit_stretch *s, const char *chain, uint64_t first, uint64_t next,
                       int64_t step_ms, struct lines *l)
{
        uint8_t hash[AUDIT_HASH_SIZE];

        *s = (struct audit_stretch){ .first = first, .next = next };
        strcpy(s->chain, chain);
        assert_true(audit_genesis(engine, PARTITION, "hsm1", chain, hash));
        memcpy(s->start, hash, sizeof(hash));
        for (uint64_t i = audit_chain_base(chain); i < next; i++) {
                struct audit_record r = { .node = "hsm1",
                                          .chain = chain,
                                          .sequence = i,
                                          .time_ms =
                                              1700000000000 + 1000 * (int64_t)i - (i == 3 ? step_ms : 0),
                                          .operation = "CN_SIGN",
                                          .opcode = 0x132,
                                          .user = "cu1",
                                          .boot = 3 };
                struct buf line = BUF_INIT;

                if (i == first)
                        memcpy(s->start, hash, sizeof(hash));
                assert_true(audit_record_format(&r, hash, &line));
                assert_true(audit_line_hash(engine, buf_slice(&line), hash));
                if (i >= first)
                        line_put(l, buf_slice(&line));
                buf_clear(&line);
        }
        if (first == next)
                memcpy(s->start, hash, sizeof(hash));
        memcpy(s->head, hash, sizeof(hash));
}

static void manifest_put(struct lines *l, const struct audit_stretch *rows, size_t n, struct crypto_key *key)
{
        struct buf line = BUF_INIT;

        assert_true(audit_manifest_format(PARTITION, "hsm1", 1700001000000, rows, n, &line));
        line_put(l, buf_slice(&line));
        line_sign(l, key);
        buf_clear(&line);
}

static void bridge_put(struct lines *l, const struct audit_stretch *s, struct crypto_key *key)
{
        struct audit_bridge b = { .next = s->first, .time_ms = 1700000900000, .user = "admin" };
        struct buf line = BUF_INIT;

        strcpy(b.chain, s->chain);
        memcpy(b.start, s->start, sizeof(b.start));
        assert_true(audit_bridge_format(PARTITION, "hsm1", &b, &line));
        line_put(l, buf_slice(&line));
        line_sign(l, key);
        buf_clear(&line);
}

/* 0 manifest, 1 signature, 2 to 6 records 1 to 5 of mgmt-00, 7 bridge, 8 signature, 9 to 12 records 10 to 13
 * of use; mgmt-01 has nothing left but a bridge: 13 and 14. */
static void export_make(struct lines *out, struct crypto_key *key, struct crypto_key *bridge_key)
{
        struct audit_stretch s[3];
        struct lines chains[3] = { 0 };

        chain_make(&s[0], "mgmt-00", 1, 6, 0, &chains[0]);
        chain_make(&s[1], "use", 10, 14, 0, &chains[1]);
        chain_make(&s[2], "mgmt-01", 8, 8, 0, &chains[2]);
        manifest_put(out, s, 3, key);
        for (size_t c = 0; c < 3; c++) {
                if (s[c].first != audit_chain_base(s[c].chain))
                        bridge_put(out, &s[c], bridge_key);
                for (size_t i = 0; i < chains[c].n; i++)
                        line_put(out, buf_slice(&chains[c].rows[i]));
                lines_clear(&chains[c]);
        }
}

/* Feeds pieces of that many bytes. */
static bool check(const struct lines *l, size_t cut, size_t piece, struct audit_report *report,
                  struct err *err)
{
        struct audit_check *c = audit_check_new(engine, is_signed, NULL, err);
        struct buf all = BUF_INIT;
        bool ok = true;

        assert_non_null(c);
        for (size_t i = 0; i < l->n; i++)
                buf_put_slice(&all, buf_slice(&l->rows[i]));
        all.n -= cut;
        for (size_t at = 0; ok && at < all.n; at += piece)
                ok = audit_check_feed(c, slice_of(all.p + at, all.n - at < piece ? all.n - at : piece), err);
        ok = ok && audit_check_end(c, err);
        if (report) {
                audit_check_report(c, report);
                report->chains = NULL;
        }
        audit_check_free(&c);
        buf_clear(&all);
        return ok;
}

static void edit_record(struct lines *l)
{
        line_edit(l, 3, "\"cu1\"", "\"cu2\"");
}

static void edit_last_record(struct lines *l)
{
        line_edit(l, 6, "\"cu1\"", "\"cu2\"");
}

static void edit_hash(struct lines *l)
{
        line_edit(l, 4, "\"prev\":\"", "\"prev\":\"00");
}

static void edit_sequence(struct lines *l)
{
        line_edit(l, 4, "\"seq\":3", "\"seq\":9");
}

static void remove_record(struct lines *l)
{
        line_remove(l, 4);
}

static void remove_last_record(struct lines *l)
{
        line_remove(l, 6);
}

static void remove_first_record(struct lines *l)
{
        line_remove(l, 2);
}

static void repeat_record(struct lines *l)
{
        struct buf copy = BUF_INIT;

        buf_put_slice(&copy, buf_slice(&l->rows[4]));
        line_put(l, buf_slice(&copy));
        buf_clear(&copy);
        for (size_t i = l->n - 1; i > 5; i--)
                line_swap(l, i, i - 1);
}

static void swap_records(struct lines *l)
{
        line_swap(l, 3, 4);
}

static void swap_chains(struct lines *l)
{
        line_swap(l, 6, 9);
}

static void cut_end(struct lines *l)
{
        l->n = 11;
}

static void cut_all_records(struct lines *l)
{
        l->n = 2;
}

static void cut_signature(struct lines *l)
{
        l->n = 1;
}

static void cut_everything(struct lines *l)
{
        l->n = 0;
}

static void add_line(struct lines *l)
{
        line_put(l, buf_slice(&l->rows[6]));
}

static void edit_manifest(struct lines *l)
{
        line_edit(l, 0, "\"next\":6", "\"next\":5");
}

static void edit_node(struct lines *l)
{
        line_edit(l, 0, "hsm1", "hsm2");
}

static void remove_manifest(struct lines *l)
{
        line_remove(l, 0);
        line_remove(l, 0);
}

static void edit_bridge_count(struct lines *l)
{
        line_edit(l, 7, "\"next\":10", "\"next\":11");
}

static void edit_bridge_user(struct lines *l)
{
        line_edit(l, 7, "admin", "nadim");
}

static void remove_bridge(struct lines *l)
{
        line_remove(l, 7);
        line_remove(l, 7);
}

static void borrow_bridge(struct lines *l)
{
        line_swap(l, 7, 13);
        line_swap(l, 8, 14);
}

static void manifest_as_bridge(struct lines *l)
{
        buf_reset(&l->rows[7]);
        buf_reset(&l->rows[8]);
        buf_put_slice(&l->rows[7], buf_slice(&l->rows[0]));
        buf_put_slice(&l->rows[8], buf_slice(&l->rows[1]));
}

static void bridge_as_manifest(struct lines *l)
{
        buf_reset(&l->rows[0]);
        buf_reset(&l->rows[1]);
        buf_put_slice(&l->rows[0], buf_slice(&l->rows[7]));
        buf_put_slice(&l->rows[1], buf_slice(&l->rows[8]));
}

static void cut_last_bridge(struct lines *l)
{
        l->n = 13;
}

static const struct tampering {
        const char *name;
        void (*act)(struct lines *);
        const char *words; /* of the refusal */
} tamperings[] = {
        { "a changed record", edit_record, "chain mgmt-00: record 3 does not follow" },
        { "a changed last record", edit_last_record, "record 5 was changed" },
        { "a changed hash", edit_hash, "chain mgmt-00: record 3 does not follow" },
        { "a changed number", edit_sequence, "record 3 is missing" },
        { "a record left out", remove_record, "record 3 is missing" },
        { "the first record left out", remove_first_record, "record 1 is missing" },
        { "the last record of a chain left out", remove_last_record, "chain mgmt-00" },
        { "a record given twice", repeat_record, "record 4 is missing: record 3 stands in its place" },
        { "two records changed about", swap_records, "record 2 is missing: record 3 stands in its place" },
        { "records of two chains changed about", swap_chains, "record 5 is missing" },
        { "the end cut off", cut_end,
          "ends before record 12 of chain use; the partition signed 13 as its last" },
        { "all records cut off", cut_all_records, "ends before record 1 of chain mgmt-00" },
        { "the signature cut off", cut_signature, "no signed manifest" },
        { "nothing at all", cut_everything, "no signed manifest" },
        { "a line more", add_line, "more than the manifest names" },
        { "a changed manifest", edit_manifest, "the manifest is not signed by this partition" },
        { "another node's name", edit_node, "the manifest is not signed by this partition" },
        { "no manifest", remove_manifest, "the manifest is not signed by this partition" },
        { "a bridge over more", edit_bridge_count, "the bridge of chain use is not signed" },
        { "a bridge by somebody else", edit_bridge_user, "the bridge of chain use is not signed" },
        { "no bridge", remove_bridge, "records 0 to 9 of chain use are missing, and no signed bridge says" },
        { "the bridge of another chain", borrow_bridge, "the bridge of chain use is over something else" },
        { "the manifest in place of a bridge", manifest_as_bridge, "no signed bridge says" },
        { "a bridge in place of the manifest", bridge_as_manifest, "no manifest" },
        { "a last bridge cut off", cut_last_bridge, "ends before record 8 of chain mgmt-01" },
};

static void tampering_is_found(void **state)
{
        const struct tampering *t = *state;
        struct lines l = { .n = 0 };
        struct err err = ERR_INIT;

        export_make(&l, partition_key, partition_key);
        t->act(&l);
        if (check(&l, 0, 1000, NULL, &err))
                fail_msg("accepted");
        assert_int_equal(err.id, ERR_AUDIT);
        if (!strstr(err.detail, t->words))
                fail_msg("'%s' does not say '%s'", err.detail, t->words);
        lines_clear(&l);
}

static void an_export_verifies_in_pieces_of_any_size(void **state)
{
        static const size_t pieces[] = { 1, 7, 200, 4096, 1 << 20 };
        struct lines l = { .n = 0 };
        struct audit_report report;
        struct err err = ERR_INIT;

        (void)state;
        export_make(&l, partition_key, partition_key);
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
                if (!check(&l, 0, pieces[i], &report, &err))
                        fail_msg("%s", err.detail);
                assert_int_equal(report.records, 9);
                assert_int_equal(report.chain_count, 3);
                assert_string_equal(report.node, "hsm1");
        }
        assert_false(check(&l, 1, 100, NULL, &err));
        assert_non_null(strstr(err.detail, "ends within a line"));
        lines_clear(&l);
}

/* Of every line but the signatures, whose base64 has bits that say nothing. */
static void every_changed_byte_is_found(void **state)
{
        struct lines l = { .n = 0 };
        struct err err = ERR_INIT;

        (void)state;
        export_make(&l, partition_key, partition_key);
        for (size_t row = 0; row < l.n; row++) {
                if (row == 1 || row == 8 || row == 14)
                        continue;
                for (size_t i = 0; i < l.rows[row].n; i++) {
                        l.rows[row].p[i] ^= 1;
                        if (check(&l, 0, 1 << 20, NULL, &err))
                                fail_msg("line %zu byte %zu", row, i);
                        l.rows[row].p[i] ^= 1;
                }
        }
        lines_clear(&l);
}

static void foreign_signatures_are_refused(void **state)
{
        struct lines l = { .n = 0 };
        struct err err = ERR_INIT;

        (void)state;
        export_make(&l, foreign_key, partition_key);
        assert_false(check(&l, 0, 1000, NULL, &err));
        assert_non_null(strstr(err.detail, "the manifest is not signed by this partition"));
        lines_clear(&l);
        export_make(&l, partition_key, foreign_key); /* a bridge forged by somebody who has the log */
        assert_false(check(&l, 0, 1000, NULL, &err));
        assert_non_null(strstr(err.detail, "the bridge of chain use is not signed by this partition"));
        lines_clear(&l);
}

static void a_clock_set_back_is_told_and_no_damage(void **state)
{
        struct lines chain = { .n = 0 }, l = { .n = 0 };
        struct audit_check *c;
        struct audit_stretch s;
        struct audit_report report;
        struct err err = ERR_INIT;

        (void)state;
        chain_make(&s, "mgmt-00", 1, 6, 90000, &chain);
        manifest_put(&l, &s, 1, partition_key);
        c = audit_check_new(engine, is_signed, NULL, &err);
        for (size_t i = 0; i < 2; i++)
                assert_true(audit_check_feed(c, buf_slice(&l.rows[i]), &err));
        for (size_t i = 0; i < chain.n; i++)
                assert_true(audit_check_feed(c, buf_slice(&chain.rows[i]), &err));
        assert_true(audit_check_end(c, &err));
        audit_check_report(c, &report);
        assert_int_equal(report.chains[0].steps, 1);
        assert_int_equal(report.chains[0].step_at, 3);
        assert_int_equal(report.chains[0].step_ms, 89000);
        audit_check_free(&c);
        lines_clear(&l);
        lines_clear(&chain);
}

static int keys_make(void **state)
{
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct crypto_key *other = NULL;
        struct err err = ERR_INIT;

        (void)state;
        engine = crypto_new(NULL, &err);
        if (!engine || !crypto_key_pair_generate(engine, &spec, &partition_key, &partition_public, &err) ||
            !crypto_key_pair_generate(engine, &spec, &foreign_key, &other, &err)) {
                print_error("%s\n", err.detail);
                return -1;
        }
        crypto_key_unref(&other);
        return 0;
}

static int keys_free(void **state)
{
        (void)state;
        crypto_key_unref(&partition_key);
        crypto_key_unref(&partition_public);
        crypto_key_unref(&foreign_key);
        crypto_free(&engine);
        return 0;
}

#define ROWS (sizeof(tamperings) / sizeof(tamperings[0]))

int main(void)
{
        struct CMUnitTest tests[ROWS + 4] = {
                cmocka_unit_test(an_export_verifies_in_pieces_of_any_size),
                cmocka_unit_test(every_changed_byte_is_found),
                cmocka_unit_test(foreign_signatures_are_refused),
                cmocka_unit_test(a_clock_set_back_is_told_and_no_damage),
        };

        for (size_t i = 0; i < ROWS; i++)
                tests[i + 4] = (struct CMUnitTest){ .name = tamperings[i].name,
                                                    .test_func = tampering_is_found,
                                                    .initial_state = (void *)(uintptr_t)&tamperings[i] };
        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, keys_make, keys_free);
}
