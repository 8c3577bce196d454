/* The ceremony's certificates, made by the openssl program as its documentation says. */
#include "engine.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/cert.h"

static char *folder;
static struct crypto_key *partition_key, *partition_public;

static void shell(const char *commands)
{
        char line[1500];

        snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", folder, commands);
        if (system(line) != 0) {
                snprintf(line, sizeof(line), "cat %s/log >&2", folder);
                (void)!system(line);
                fail_msg("%s", commands);
        }
}

static bool read_cert(const char *name, struct buf *der, struct err *err)
{
        struct buf bytes = BUF_INIT;
        char path[200];
        bool ok;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_true(file_read(path, 1 << 20, &bytes, err));
        ok = crypto_cert_read(engine, buf_slice(&bytes), der, err);
        buf_clear(&bytes);
        return ok;
}

static int64_t now(void)
{
        struct clock clock = clock_system();

        return clock_wall_ms(&clock);
}

static int prepare(void **state)
{
        struct crypto_key_spec spec = spec_rsa(2048);
        struct crypto_cert_name name = { .cn = "HSM:00ff:PARTN:1, for non-FIPS mode",
                                         .ou = "N3FIPS",
                                         .o = "Cavium",
                                         .l = "SanJose",
                                         .st = "CA",
                                         .c = "US" };
        struct buf pem = BUF_INIT;
        struct err err = ERR_INIT;
        char path[200];

        if (engine_open(state) != 0)
                return -1;
        folder = scratch_make();
        assert_true(crypto_key_pair_generate(engine, &spec, &partition_key, &partition_public, &err));
        assert_true(crypto_cert_request(engine, partition_key, &name, &pem, &err));
        snprintf(path, sizeof(path), "%s/P1.csr", folder);
        assert_true(file_write(path, buf_slice(&pem), 0600, &err));
        buf_clear(&pem);
        shell("openssl req -in P1.csr -noout -verify -subject | grep -q 'CN = \"HSM:00ff:PARTN:1, for "
              "non-FIPS mode\"'");
        shell("openssl req -newkey rsa:2048 -nodes -keyout PO.key -x509 -days 3650 -subj /CN=owner -out "
              "PO.crt");
        shell(
            "openssl x509 -days 3650 -req -in P1.csr -CA PO.crt -CAkey PO.key -set_serial 01 -out POAC.crt");
        return 0;
}

static int clean(void **state)
{
        crypto_key_unref(&partition_key);
        crypto_key_unref(&partition_public);
        scratch_remove(folder);
        return engine_close(state);
}

static void ceremony_is_accepted(void **state)
{
        struct buf owner = BUF_INIT, poac = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(read_cert("PO.crt", &owner, &err));
        assert_true(read_cert("POAC.crt", &poac, &err));
        assert_true(crypto_cert_check_owner(engine, buf_slice(&owner), now(), &err));
        assert_true(crypto_cert_check_issued(engine, buf_slice(&poac), buf_slice(&owner), partition_key,
                                             now(), &err));
        buf_clear(&owner);
        buf_clear(&poac);
}

struct bad_owner {
        const char *make, *words;
};

static void bad_owner_certificates_are_named(void **state)
{
        static const struct bad_owner rows[] = {
                { "openssl req -newkey rsa:4096 -nodes -keyout k -x509 -subj /CN=x -out bad.crt",
                  "2048 bits, not RSA of 4096" },
                { "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -x509 -subj "
                  "/CN=x -out bad.crt",
                  "2048 bits, not EC of 256" },
                { "cp POAC.crt bad.crt", "not self-signed" },
                { "openssl req -newkey rsa:2048 -nodes -keyout k -x509 -subj /CN=x -sha1 -out bad.crt",
                  "weaker than SHA-256" },
                { "printf '[req]\\ndistinguished_name=d\\n[d]\\n' >c.cnf; openssl req -config c.cnf -newkey "
                  "rsa:2048 -nodes "
                  "-keyout k -x509 -subj /CN=x -addext basicConstraints=CA:FALSE -out bad.crt",
                  "CA:TRUE" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf der = BUF_INIT;
                struct err err = ERR_INIT;

                shell(rows[i].make);
                assert_true(read_cert("bad.crt", &der, &err));
                assert_false(crypto_cert_check_owner(engine, buf_slice(&der), now(), &err));
                assert_int_equal(err.id, ERR_CERT_INVALID);
                if (!strstr(err.detail, rows[i].words))
                        fail_msg("'%s' does not say '%s'", err.detail, rows[i].words);
                buf_clear(&der);
        }
}

static void time_is_looked_at(void **state)
{
        struct buf owner = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(read_cert("PO.crt", &owner, &err));
        assert_false(
            crypto_cert_check_owner(engine, buf_slice(&owner), now() + (int64_t)3651 * 86400000, &err));
        assert_non_null(strstr(err.detail, "expired at"));
        assert_false(crypto_cert_check_owner(engine, buf_slice(&owner), now() - (int64_t)86400000, &err));
        assert_non_null(strstr(err.detail, "not valid before"));
        buf_clear(&owner);
}

static void wrong_issuer_and_wrong_key_are_refused(void **state)
{
        struct buf owner = BUF_INIT, other = BUF_INIT, poac = BUF_INIT, foreign = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        shell("openssl req -newkey rsa:2048 -nodes -keyout PO2.key -x509 -subj /CN=owner -out PO2.crt");
        shell("openssl req -newkey rsa:2048 -nodes -keyout k -subj /CN=x -out x.csr && "
              "openssl x509 -req -in x.csr -CA PO.crt -CAkey PO.key -set_serial 2 -out foreign.crt");
        assert_true(read_cert("PO.crt", &owner, &err) && read_cert("PO2.crt", &other, &err));
        assert_true(read_cert("POAC.crt", &poac, &err) && read_cert("foreign.crt", &foreign, &err));
        assert_false(crypto_cert_check_issued(engine, buf_slice(&poac), buf_slice(&other), partition_key,
                                              now(), &err));
        assert_non_null(strstr(err.detail, "certificate signature failure"));
        assert_false(crypto_cert_check_issued(engine, buf_slice(&foreign), buf_slice(&owner), partition_key,
                                              now(), &err));
        assert_non_null(strstr(err.detail, "another key"));
        buf_clear(&owner);
        buf_clear(&other);
        buf_clear(&poac);
        buf_clear(&foreign);
}

static void hostile_bytes_are_refused(void **state)
{
        struct buf owner = BUF_INIT, out = BUF_INIT, big = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        shell("cat PO.crt POAC.crt >two.crt; { cat PO.crt; echo rubbish; } >tail.crt; head -c 300 PO.crt "
              ">short.crt");
        assert_false(read_cert("two.crt", &out, &err));
        assert_non_null(strstr(err.detail, "exactly one"));
        assert_false(read_cert("tail.crt", &out, &err));
        assert_false(read_cert("short.crt", &out, &err));
        assert_true(read_cert("PO.crt", &owner, &err));
        for (size_t n = 0; n < owner.n; n++)
                assert_false(crypto_cert_read(engine, slice_of(owner.p, n), &out, &err));
        buf_put_u8(&owner, 0);
        assert_false(crypto_cert_read(engine, buf_slice(&owner), &out, &err));
        assert_non_null(buf_extend(&big, CRYPTO_CERT_MAX + 1));
        assert_false(crypto_cert_read(engine, buf_slice(&big), &out, &err));
        assert_int_equal(err.id, ERR_CERT_INVALID);
        buf_clear(&owner);
        buf_clear(&out);
        buf_clear(&big);
}

static void chain_of_our_own_satisfies_openssl(void **state)
{
        struct crypto_cert_name root = { .cn = "root" }, leaf = { .cn = "leaf" };
        struct buf root_der = BUF_INIT, leaf_der = BUF_INIT, pem = BUF_INIT;
        struct err err = ERR_INIT;
        char path[200];

        (void)state;
        assert_true(crypto_cert_issue(engine, partition_key, &root, partition_key, SLICE_EMPTY, true, 10,
                                      now(), &root_der, &err));
        assert_true(crypto_cert_issue(engine, partition_key, &leaf, partition_key, buf_slice(&root_der),
                                      false, 10, now(), &leaf_der, &err));
        assert_true(crypto_cert_pem(engine, buf_slice(&root_der), &pem, &err));
        snprintf(path, sizeof(path), "%s/root.crt", folder);
        assert_true(file_write(path, buf_slice(&pem), 0600, &err));
        buf_reset(&pem);
        assert_true(crypto_cert_pem(engine, buf_slice(&leaf_der), &pem, &err));
        snprintf(path, sizeof(path), "%s/leaf.crt", folder);
        assert_true(file_write(path, buf_slice(&pem), 0600, &err));
        shell("openssl verify -CAfile root.crt leaf.crt");
        buf_clear(&root_der);
        buf_clear(&leaf_der);
        buf_clear(&pem);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ceremony_is_accepted),
                cmocka_unit_test(bad_owner_certificates_are_named),
                cmocka_unit_test(time_is_looked_at),
                cmocka_unit_test(wrong_issuer_and_wrong_key_are_refused),
                cmocka_unit_test(hostile_bytes_are_refused),
                cmocka_unit_test(chain_of_our_own_satisfies_openssl),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, prepare, clean);
}
