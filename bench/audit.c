/* How long the offline check of an exported audit log takes.
 * Usage: chsm-bench-audit [RECORDS [FOLDER]]: 1,000,000 records of key use, made by the node's own writer. */
#include "audit/export.h"
#include "base/file.h"
#include "ck/cryptoki.h"
#include "crypto/mechanism.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PARTITION SLICE_LIT("0123456789abcdef")

struct bench {
        struct crypto *crypto;
        struct crypto_key *private_key, *public_key;
        struct err err;
        char folder[256], export[300];
        uint64_t records;
};

static int fail(const struct bench *b)
{
        fprintf(stderr, "chsm-bench-audit: %s\n", b->err.detail);
        return 1;
}

static double seconds_now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_signed(void *arg, struct slice text, struct slice signature)
{
        const struct ck_mech_param none = { .present = false };
        struct bench *b = arg;

        return crypto_verify(b->crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, b->public_key,
                             text, signature, &b->err);
}

/* Records as a node makes them, and the head they end in. */
static bool records_make(struct bench *b, struct audit_stretch *s)
{
        struct audit_writer_config config = { .folder = b->folder,
                                              .node = "hsm1",
                                              .partition_id = PARTITION,
                                              .crypto = b->crypto,
                                              .clock = clock_system(),
                                              .file_max = SIZE_MAX };
        struct audit_writer *w = audit_writer_open(&config, &b->err);
        struct audit_record r = { .operation = "CN_SIGN",
                                  .opcode = 0x132,
                                  .user = "application",
                                  .role = "CU",
                                  .context = "35139621",
                                  .peer = "127.0.0.1:36306 CN=host",
                                  .object = 262150,
                                  .mechanism = 0x1041,
                                  .boot = 1 };

        if (!w)
                return false;
        strcpy(s->chain, "use");
        for (uint64_t i = 0; i < b->records; i++)
                audit_writer_append(w, &r);
        audit_writer_head(w, &s->next, s->head);
        audit_writer_close(&w);
        return s->next == b->records && audit_genesis(b->crypto, PARTITION, "hsm1", "use", s->start);
}

static bool copy(FILE *out, const char *path)
{
        static uint8_t chunk[1 << 20];
        FILE *in = fopen(path, "re");
        size_t n;
        bool ok = in != NULL;

        while (ok && (n = fread(chunk, 1, sizeof(chunk), in)) > 0)
                ok = fwrite(chunk, 1, n, out) == n;
        if (in)
                (void)fclose(in);
        return ok;
}

static bool export_make(struct bench *b, const struct audit_stretch *s)
{
        const struct ck_mech_param none = { .present = false };
        struct buf head = BUF_INIT;
        uint8_t signature[512];
        size_t n = sizeof(signature);
        char log[300];
        FILE *out = fopen(b->export, "we");
        bool ok = out && audit_manifest_format(PARTITION, "hsm1", 1, s, 1, &head) &&
                  crypto_sign(b->crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, b->private_key,
                              buf_slice(&head), signature, &n, &b->err) &&
                  audit_signature_format(slice_of(signature, n), &head) &&
                  fwrite(head.p, 1, head.n, out) == head.n;

        (void)snprintf(log, sizeof(log), "%s/use-0.jsonl", b->folder);
        ok = ok && copy(out, log);
        if (out && fclose(out) != 0)
                ok = false;
        buf_clear(&head);
        (void)unlink(log);
        return ok;
}

static bool check(struct bench *b)
{
        static uint8_t chunk[256 * 1024];
        struct audit_check *c = audit_check_new(b->crypto, is_signed, b, &b->err);
        struct audit_report report;
        FILE *in = fopen(b->export, "re");
        double start = seconds_now();
        size_t n, bytes = 0;
        bool ok = c && in;

        while (ok && (n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
                ok = audit_check_feed(c, slice_of(chunk, n), &b->err);
                bytes += n;
        }
        ok = ok && audit_check_end(c, &b->err);
        if (ok) {
                audit_check_report(c, &report);
                printf("%llu records, %zu MB, verified in %.2f s\n", (unsigned long long)report.records,
                       bytes / 1000000, seconds_now() - start);
        }
        if (in)
                (void)fclose(in);
        audit_check_free(&c);
        return ok;
}

int main(int argc, char **argv)
{
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct bench b = { .err = ERR_INIT, .records = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000 };
        struct audit_stretch stretch = { .first = 0 };
        bool ok;

        (void)snprintf(b.folder, sizeof(b.folder), "%s/chsm-bench-audit.XXXXXX", argc > 2 ? argv[2] : "/tmp");
        b.crypto = crypto_new(NULL, &b.err);
        if (!b.crypto || !mkdtemp(b.folder))
                return fail(&b);
        (void)snprintf(b.export, sizeof(b.export), "%s/export.jsonl", b.folder);
        ok = crypto_key_pair_generate(b.crypto, &spec, &b.private_key, &b.public_key, &b.err) &&
             records_make(&b, &stretch) && export_make(&b, &stretch) && check(&b);
        (void)unlink(b.export);
        (void)rmdir(b.folder);
        crypto_key_unref(&b.private_key);
        crypto_key_unref(&b.public_key);
        crypto_free(&b.crypto);
        return ok ? 0 : fail(&b);
}
