/* The end of a certificate is told ahead, once a day, and again when it has come; a new file is seen. */
#include "server/certificates.h"
#include "test.h"

#include "base/file.h"
#include "crypto/cert.h"
#include "ck/cryptoki.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

struct fixture {
        char *folder, *path;
        struct crypto *crypto;
        struct crypto_key *pub, *priv;
        struct server_conf conf;
        struct certificates *certificates;
        int64_t start_ms, wall_ms, mono_ms;
        struct err err;
};

static int64_t wall(void *arg)
{
        return ((struct fixture *)arg)->wall_ms;
}

static int64_t mono(void *arg)
{
        return ((struct fixture *)arg)->mono_ms;
}

static void issue(struct fixture *f, int days)
{
        const struct crypto_cert_name name = { .cn = "hsm1" };
        struct buf der = BUF_INIT, pem = BUF_INIT;

        assert_true(crypto_cert_issue(f->crypto, f->pub, &name, f->priv, SLICE_EMPTY, false, days, f->wall_ms,
                                      &der, &f->err));
        assert_true(crypto_cert_pem(f->crypto, buf_slice(&der), &pem, &f->err));
        assert_true(file_write(f->path, buf_slice(&pem), 0600, &f->err));
        buf_clear(&der);
        buf_clear(&pem);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        const struct crypto_key_spec spec = { .key_type = CKK_EC, .curve = { p256, sizeof(p256) } };
        struct clock clock = clock_system();

        f->folder = scratch_make();
        f->path = file_join(f->folder, "node.crt");
        f->crypto = crypto_new(NULL, &f->err);
        assert_non_null(f->crypto);
        assert_true(crypto_key_pair_generate(f->crypto, &spec, &f->priv, &f->pub, &f->err));
        f->start_ms = f->wall_ms = clock_wall_ms(&clock);
        f->mono_ms = 1000;
        f->conf.node_certificate = f->path;
        f->conf.certificate_warning_days = 30;
        f->certificates = certificates_open(&f->conf, f->crypto);
        assert_non_null(f->certificates);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        certificates_close(&f->certificates);
        crypto_key_unref(&f->pub);
        crypto_key_unref(&f->priv);
        crypto_free(&f->crypto);
        scratch_remove(f->folder);
        free(f->path);
        free(f);
        return 0;
}

/* So much later; how many were told of. */
static unsigned after(struct fixture *f, int64_t ms)
{
        f->wall_ms += ms;
        f->mono_ms += ms;
        return certificates_watch(f->certificates, (struct clock){ wall, mono, f });
}

static long long left(struct fixture *f)
{
        static const char line[] = "\nchsm_certificate_expires_seconds{certificate=\"node\"} ";
        struct buf out = BUF_INIT;
        const char *at;
        long long seconds = -1;

        certificates_put(f->certificates, f->wall_ms, &out);
        at = strstr(buf_text(&out), line);
        if (at)
                seconds = atoll(at + strlen(line));
        buf_clear(&out);
        return seconds;
}

static void its_end_is_told(void **state)
{
        struct fixture *f = *state;
        long long day = DAY_MS / 1000;

        issue(f, 40);
        assert_int_equal(after(f, 0), 0);
        assert_in_range(left(f), 40 * day - 7200, 40 * day);
        assert_int_equal(after(f, 9 * DAY_MS), 0);
        assert_int_equal(after(f, 2 * DAY_MS), 1); /* 29 days */
        assert_int_equal(after(f, 1000), 0);       /* once a day */
        assert_int_equal(after(f, DAY_MS), 1);
        assert_int_equal(after(f, 28 * DAY_MS), 1); /* it has expired */
        assert_true(left(f) < 1);
        assert_int_equal(after(f, 1000), 0);
        issue(f, 365);
        assert_int_equal(after(f, 61000), 0); /* the new one is read */
        assert_true(left(f) > 300 * day);
        assert_int_equal(after(f, 340 * DAY_MS), 1);
}

static void what_cannot_be_read_has_no_end(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(after(f, 0), 0); /* there is no file */
        assert_int_equal(left(f), -1);
        assert_true(file_write(f->path, SLICE_LIT("no certificate"), 0600, &f->err));
        assert_int_equal(after(f, 61000), 0);
        assert_int_equal(left(f), -1);
        issue(f, 10);
        assert_int_equal(after(f, 61000), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(its_end_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(what_cannot_be_read_has_no_end, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
