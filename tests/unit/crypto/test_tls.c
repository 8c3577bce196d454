/* TLS 1.2 against the openssl program, and the strings that must not meet. */
#include "derivation.h"

#define MASTER_HEX                                                                                           \
        "202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a043e5d52a65e66125188bf"
#define CLIENT_HEX "62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616"
#define SERVER_HEX "ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868"

static const struct {
        uint64_t digest;
        const char *name;
        size_t size;
} hashes[] = { { CKM_SHA256, "SHA256", 32 }, { CKM_SHA384, "SHA384", 48 }, { CKM_SHA512, "SHA512", 64 } };

/* n bytes of the program's pseudorandom function. */
static void program(const char *secret, const char *hash, const char *seeds, size_t n, uint8_t *out)
{
        char command[1500];
        FILE *f;

        snprintf(command, sizeof(command),
                 "openssl kdf -keylen %zu -binary -kdfopt digest:%s -kdfopt hexsecret:%s %s TLS1-PRF", n,
                 hash, secret, seeds);
        f = popen(command, "r");
        assert_non_null(f);
        assert_int_equal(fread(out, 1, n, f), n);
        assert_int_equal(pclose(f), 0);
}

static void put_hex_block(struct buf *out, const char *hex)
{
        struct buf b = bytes_of(hex);

        buf_put_block(out, buf_slice(&b));
        buf_clear(&b);
}

static enum err_id derive(uint64_t mechanism, const struct buf *flat, struct crypto_key *base,
                          const struct crypto_wanted *wanted, size_t n, struct crypto_key **keys,
                          struct crypto_told *told)
{
        struct ck_mech_param p;
        struct err err = ERR_INIT;

        memset(keys, 0, n * sizeof(*keys));
        if (!ck_mech_param_decode(mechanism, buf_slice(flat), &p, &err) ||
            !crypto_derive_keys(engine, crypto_mechanism_find(mechanism), &p, base, NULL, wanted, n, keys,
                                told, &err))
                return err.id;
        return ERR_NONE;
}

static void is_value(struct crypto_key **key, const uint8_t *want, size_t n)
{
        struct buf b = value_of(*key);

        assert_int_equal(b.n, n);
        assert_memory_equal(b.p, want, n);
        buf_clear(&b);
        crypto_key_unref(key);
}

static const struct crypto_wanted generic = { CRYPTO_SECRET, CKK_GENERIC_SECRET, 0 };

static void extended_masters_are_the_program_s(void **state)
{
        struct crypto_key *agreed = secret_of(CKK_GENERIC_SECRET, CLIENT_HEX),
                          *rsa = secret_of(CKK_GENERIC_SECRET, MASTER_HEX), *key;
        struct crypto_told told;
        uint8_t want[48];

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct buf flat = BUF_INIT;

                buf_put_u64(&flat, hashes[i].digest);
                put_hex_block(&flat, SERVER_HEX);
                buf_put_u8(&flat, 0);
                program(CLIENT_HEX, hashes[i].name,
                        "-kdfopt seed:'extended master secret' -kdfopt hexseed:" SERVER_HEX, 48, want);
                assert_int_equal(
                    derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, &flat, agreed, &generic, 1, &key, &told),
                    ERR_NONE);
                assert_int_equal(told.n, 0);
                is_value(&key, want, 48);
                assert_int_equal(
                    derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, &flat, agreed, &generic, 1, &key, &told),
                    ERR_KEY_SIZE);
                flat.p[flat.n - 1] = 1; /* tell the version, which an agreed secret has not */
                assert_int_equal(
                    derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, &flat, agreed, &generic, 1, &key, &told),
                    ERR_MECHANISM_PARAM);
                assert_int_equal(
                    derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, &flat, rsa, &generic, 1, &key, &told),
                    ERR_NONE);
                assert_int_equal(told.n, 2);
                assert_int_equal(told.bytes[0], 0x20);
                crypto_key_unref(&key);
                buf_clear(&flat);
        }
        crypto_key_unref(&agreed);
        crypto_key_unref(&rsa);
}

static void put_keys(struct buf *flat, uint32_t mac, uint32_t key, uint32_t iv)
{
        buf_reset(flat);
        buf_put_u64(flat, CKM_SHA384);
        put_hex_block(flat, CLIENT_HEX);
        put_hex_block(flat, SERVER_HEX);
        buf_put_u32(flat, mac);
        buf_put_u32(flat, key);
        buf_put_u32(flat, iv);
}

static void key_blocks_are_the_program_s(void **state)
{
        static const struct {
                uint32_t mac, key, iv;
        } rows[] = { { 160, 128, 128 }, { 0, 256, 32 }, { 384, 256, 0 } };
        struct crypto_key *master = secret_of(CKK_GENERIC_SECRET, MASTER_HEX), *keys[4];
        struct crypto_wanted wanted[4] = { generic, generic, generic, generic };
        struct buf flat = BUF_INIT;
        struct crypto_told told;
        uint8_t want[256];

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                size_t mac = rows[i].mac / 8, n = rows[i].key / 8, iv = rows[i].iv / 8, at = 0;
                size_t outputs = mac ? 4 : 2;

                put_keys(&flat, rows[i].mac, rows[i].key, rows[i].iv);
                program(MASTER_HEX, "SHA384",
                        "-kdfopt seed:'key expansion' -kdfopt hexseed:" SERVER_HEX
                        " -kdfopt hexseed:" CLIENT_HEX,
                        2 * (mac + n + iv), want);
                assert_int_equal(
                    derive(CKM_TLS12_KEY_AND_MAC_DERIVE, &flat, master, wanted, outputs, keys, &told),
                    ERR_NONE);
                for (size_t k = 0; k < outputs; k++) {
                        size_t length = mac && k < 2 ? mac : n;
                        is_value(&keys[k], want + at, length);
                        at += length;
                }
                assert_int_equal(told.n, 2 * iv);
                assert_memory_equal(told.bytes, want + at, 2 * iv);
                assert_int_equal(
                    derive(CKM_TLS12_KEY_AND_MAC_DERIVE, &flat, master, wanted, 6 - outputs, keys, &told),
                    ERR_MECHANISM_PARAM);
        }
        put_keys(&flat, 160, 0, 128); /* nothing but what is told */
        assert_int_equal(derive(CKM_TLS12_KEY_AND_MAC_DERIVE, &flat, master, wanted, 4, keys, &told),
                         ERR_MECHANISM_PARAM);
        put_keys(&flat, 160, 128, 136);
        assert_int_equal(derive(CKM_TLS12_KEY_AND_MAC_DERIVE, &flat, master, wanted, 4, keys, &told),
                         ERR_MECHANISM_PARAM);
        put_keys(&flat, 161, 128, 128);
        assert_int_equal(derive(CKM_TLS12_KEY_AND_MAC_DERIVE, &flat, master, wanted, 4, keys, &told),
                         ERR_MECHANISM_PARAM);
        put_keys(&flat, 0, 128, 0);
        wanted[0].length = 32;
        assert_int_equal(derive(CKM_TLS12_KEY_SAFE_DERIVE, &flat, master, wanted, 2, keys, &told),
                         ERR_TEMPLATE_INCONSISTENT);
        buf_clear(&flat);
        crypto_key_unref(&master);
}

static void put_export(struct buf *flat, const char *label, const char *context)
{
        buf_reset(flat);
        buf_put_u64(flat, CKM_SHA256);
        buf_put_block(flat, slice_str(label));
        put_hex_block(flat, CLIENT_HEX);
        put_hex_block(flat, SERVER_HEX);
        buf_put_u8(flat, context != NULL);
        buf_put_block(flat, slice_str(context ? context : ""));
}

static void exporters_keep_to_their_labels(void **state)
{
        static const char *const bad[] = { "",
                                           "m",
                                           "master secret",
                                           "master secret and more",
                                           "key expansi",
                                           "client finished",
                                           "server finishe",
                                           "extended master" };
        struct crypto_key *master = secret_of(CKK_GENERIC_SECRET, MASTER_HEX), *key;
        struct crypto_wanted wanted = { CRYPTO_SECRET, CKK_GENERIC_SECRET, 40 };
        struct buf flat = BUF_INIT;
        uint8_t want[40];

        (void)state;
        put_export(&flat, "EXPERIMENTAL label", NULL);
        program(MASTER_HEX, "SHA256",
                "-kdfopt seed:'EXPERIMENTAL label' -kdfopt hexseed:" CLIENT_HEX
                " -kdfopt hexseed:" SERVER_HEX,
                40, want);
        assert_int_equal(derive(CKM_TLS_KDF, &flat, master, &wanted, 1, &key, NULL), ERR_NONE);
        is_value(&key, want, 40);
        put_export(&flat, "EXPERIMENTAL label", "context");
        program(MASTER_HEX, "SHA256",
                "-kdfopt seed:'EXPERIMENTAL label' -kdfopt hexseed:" CLIENT_HEX " -kdfopt hexseed:" SERVER_HEX
                " -kdfopt hexseed:0007 -kdfopt seed:context",
                40, want);
        assert_int_equal(derive(CKM_TLS_KDF, &flat, master, &wanted, 1, &key, NULL), ERR_NONE);
        is_value(&key, want, 40);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                put_export(&flat, bad[i], NULL);
                assert_int_equal(derive(CKM_TLS_KDF, &flat, master, &wanted, 1, &key, NULL),
                                 ERR_MECHANISM_PARAM);
        }
        wanted.length = 0;
        put_export(&flat, "EXPERIMENTAL label", NULL);
        assert_int_equal(derive(CKM_TLS_KDF, &flat, master, &wanted, 1, &key, NULL), ERR_TEMPLATE_INCOMPLETE);
        buf_clear(&flat);
        crypto_key_unref(&master);
}

static void finished_macs_are_the_program_s(void **state)
{
        static const uint64_t numbers[] = { CKM_TLS_MAC, CKM_TLS12_MAC };
        struct crypto_key *master = secret_of(CKK_GENERIC_SECRET, MASTER_HEX);
        struct buf hash = bytes_of(SERVER_HEX CLIENT_HEX);
        struct err err = ERR_INIT;
        uint8_t want[40], out[64];

        (void)state;
        for (size_t i = 0; i < 12; i++) {
                const struct crypto_mechanism *m = crypto_mechanism_find(numbers[i % 2]);
                uint32_t who = 1 + (i / 2) % 2;
                struct ck_mech_param p = { .kind = CK_PARAM_TLS_MAC, .present = true };
                struct slice data = slice_of(hash.p, hashes[i / 4].size);
                char seeds[300], hex[130];
                size_t n = sizeof(out);

                p.u.tls_mac.hash = hashes[i / 4].digest;
                p.u.tls_mac.length = i % 3 ? 12 : 40;
                p.u.tls_mac.who = who;
                snprintf(hex, sizeof(hex), "%.*s", (int)data.n * 2, SERVER_HEX CLIENT_HEX);
                snprintf(seeds, sizeof(seeds), "-kdfopt seed:'%s finished' -kdfopt hexseed:%s",
                         who == 1 ? "server" : "client", hex);
                program(MASTER_HEX, hashes[i / 4].name, seeds, p.u.tls_mac.length, want);
                assert_true(crypto_operation_check(m, CRYPTO_SIGN, master, &p, &err));
                assert_int_equal(crypto_output_max(m, CRYPTO_SIGN, master, &p, data.n), p.u.tls_mac.length);
                assert_true(crypto_sign(engine, m, &p, master, data, out, &n, &err));
                assert_int_equal(n, p.u.tls_mac.length);
                assert_memory_equal(out, want, n);
                assert_true(crypto_verify(engine, m, &p, master, data, slice_of(out, n), &err));
                out[0] ^= 1;
                assert_false(crypto_verify(engine, m, &p, master, data, slice_of(out, n), &err));
                assert_int_equal(err.id, ERR_SIGNATURE);
                assert_false(crypto_verify(engine, m, &p, master, data, slice_of(out, n - 1), &err));
                assert_int_equal(err.id, ERR_SIGNATURE_LEN);
                assert_false(crypto_sign(engine, m, &p, master, slice_of(data.p, 20), out, &n, &err));
                assert_int_equal(err.id, ERR_DATA_LEN);
                p.u.tls_mac.length = 11;
                assert_false(crypto_operation_check(m, CRYPTO_SIGN, master, &p, &err));
                p.u.tls_mac.length = 12;
                p.u.tls_mac.who = 3;
                assert_false(crypto_operation_check(m, CRYPTO_SIGN, master, &p, &err));
        }
        buf_clear(&hash);
        crypto_key_unref(&master);
}

static void premasters_begin_with_their_version(void **state)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_TLS_PRE_MASTER_KEY_GEN);
        struct ck_mech_param p = { .kind = CK_PARAM_VERSION, .present = true, .u.version = { 3, 3 } };
        struct crypto_key_spec spec = { .key_type = CKK_GENERIC_SECRET, .bits = 48 * 8 };
        struct crypto_key *one = NULL, *other = NULL;
        struct buf a, b;
        struct err err = ERR_INIT;

        (void)state;
        assert_true(crypto_generate(engine, m, &p, &spec, &one, &err));
        assert_true(crypto_generate(engine, m, &p, &spec, &other, &err));
        a = value_of(one);
        b = value_of(other);
        assert_int_equal(a.n, 48);
        assert_true(a.p[0] == 3 && a.p[1] == 3);
        assert_memory_not_equal(a.p, b.p, 48);
        p.present = false;
        crypto_key_unref(&one);
        assert_false(crypto_generate(engine, m, &p, &spec, &one, &err));
        buf_clear(&a);
        buf_clear(&b);
        crypto_key_unref(&other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(extended_masters_are_the_program_s),
                cmocka_unit_test(key_blocks_are_the_program_s),
                cmocka_unit_test(exporters_keep_to_their_labels),
                cmocka_unit_test(finished_macs_are_the_program_s),
                cmocka_unit_test(premasters_begin_with_their_version),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, engine_open, engine_close);
}
