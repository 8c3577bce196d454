/* One named test for each record of tests/vectors/derive.txt. */
#include "derivation.h"
#include "ck/encoding.h"
#include "ck/names.h"

#define RECORDS_MAX 120
#define FIELDS_MAX  14

struct record {
        char *name[FIELDS_MAX], *value[FIELDS_MAX];
        size_t n;
};

static struct record records[RECORDS_MAX];
static struct CMUnitTest tests[RECORDS_MAX];
static size_t count;

static void read_records(const char *path)
{
        FILE *f = fopen(path, "r");
        char line[2400], name[20], value[2300];
        struct record *r = NULL;

        if (!f)
                exit(2);
        while (fgets(line, sizeof(line), f)) {
                value[0] = '\0';
                if (line[0] == '\n' || sscanf(line, "%19s = %2299[^\n]", name, value) < 1) {
                        r = NULL;
                        continue;
                }
                if (!r && count < RECORDS_MAX)
                        r = &records[count++];
                if (!r || r->n == FIELDS_MAX)
                        exit(2);
                r->name[r->n] = strdup(name);
                r->value[r->n++] = strdup(value);
        }
        fclose(f);
}

static const char *text(const struct record *r, const char *name)
{
        for (size_t i = 0; i < r->n; i++) {
                if (strcmp(r->name[i], name) == 0)
                        return r->value[i];
        }
        return "";
}

static struct buf hex(const struct record *r, const char *name)
{
        return bytes_of(text(r, name));
}

static uint64_t number(const char *name)
{
        uint64_t out = 0;

        assert_true(ck_number(CK_KIND_MECHANISM, name, &out));
        return out;
}

/* ---- parameters ---- */

static void put_block(struct buf *out, const struct record *r, const char *name)
{
        struct buf bytes = hex(r, name);

        buf_put_block(out, buf_slice(&bytes));
        buf_clear(&bytes);
}

static void hkdf_flat(const struct record *r, struct buf *out)
{
        struct buf salt = hex(r, "salt"), info = hex(r, "info");
        bool by_key = text(r, "second")[0];

        put_hkdf(out, text(r, "do")[0] != 'e' || text(r, "do")[2] == 't',
                 text(r, "do")[0] != 'e' || text(r, "do")[2] == 'p', number(text(r, "hash")),
                 by_key   ? CKF_HKDF_SALT_KEY
                 : salt.n ? CKF_HKDF_SALT_DATA
                          : CKF_HKDF_SALT_NULL,
                 buf_slice(&salt), buf_slice(&info));
        buf_clear(&salt);
        buf_clear(&info);
}

static void flat_of(const struct record *r, uint64_t mechanism, enum ck_param_kind kind, struct buf *out)
{
        struct buf iv = hex(r, "iv");

        switch (kind) {
        case CK_PARAM_HKDF:
                hkdf_flat(r, out);
                break;
        case CK_PARAM_KDF108:
        case CK_PARAM_KDF108_FEEDBACK:
                put_kdf108(out, mechanism, number(text(r, "prf")), text(r, "pieces"), buf_slice(&iv));
                break;
        case CK_PARAM_PBKDF2:
                buf_put_u32(out, (uint32_t)atoi(text(r, "prf")));
                buf_put_u32(out, (uint32_t)atoi(text(r, "iterations")));
                put_block(out, r, "salt");
                put_block(out, r, "password");
                break;
        case CK_PARAM_ECDH:
                buf_put_u32(out, (uint32_t)atoi(text(r, "kdf")));
                put_block(out, r, "shared");
                put_block(out, r, "public");
                break;
        case CK_PARAM_STRING:
                put_block(out, r, "data");
                break;
        case CK_PARAM_CBC_DATA_AES:
                buf_put_slice(out, buf_slice(&iv));
                put_block(out, r, "data");
                break;
        case CK_PARAM_TLS_MASTER:
        case CK_PARAM_TLS_KEYS:
                buf_put_u64(out, number(text(r, "hash")));
                put_block(out, r, "client");
                put_block(out, r, "server");
                if (kind == CK_PARAM_TLS_MASTER) {
                        buf_put_u8(out, 0);
                        break;
                }
                buf_put_u32(out, 256);
                buf_put_u32(out, 256);
                buf_put_u32(out, 0);
                break;
        default:
                break;
        }
        buf_clear(&iv);
}

/* ---- keys ---- */

static const struct {
        const char *name;
        uint64_t type;
        const char *params; /* an OBJECT IDENTIFIER, whose length is in its second octet */
} curves[] = {
        { "X25519", CKK_EC_MONTGOMERY, "\x06\x03\x2b\x65\x6e" },
        { "X448", CKK_EC_MONTGOMERY, "\x06\x03\x2b\x65\x6f" },
        { "P-256", CKK_EC, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" },
};

static struct crypto_key *base_of(const struct record *r, const struct crypto_mechanism *m)
{
        struct buf bytes = hex(r, "key"), own = hex(r, "own");
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;
        bool ok = false;

        for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
                struct crypto_component parts[3] = {
                        { CKA_EC_PARAMS, slice_of(curves[i].params, 2 + (size_t)curves[i].params[1]) },
                        { CKA_VALUE, buf_slice(&bytes) },
                        { CKA_EC_POINT, buf_slice(&own) }
                };

                if (strcmp(text(r, "curve"), curves[i].name) == 0)
                        ok = crypto_key_import(engine, CRYPTO_PRIVATE, curves[i].type, parts, own.n ? 3 : 2,
                                               &key, &err);
        }
        if (!text(r, "curve")[0])
                ok = crypto_key_open(engine, CRYPTO_SECRET,
                                     crypto_mechanism_key_type(m, CKK_GENERIC_SECRET) ? CKK_GENERIC_SECRET
                                                                                      : CKK_AES,
                                     buf_slice(&bytes), &key, &err);
        if (!ok)
                fail_msg("base key: %s", err.detail);
        buf_clear(&bytes);
        buf_clear(&own);
        return key;
}

/* The four keys of a TLS key block, as one key. */
static bool key_block(const struct crypto_mechanism *m, const struct ck_mech_param *p,
                      struct crypto_key *base, struct crypto_key **out, struct err *err)
{
        struct crypto_wanted wanted[4];
        struct crypto_key *keys[4];
        struct buf all = BUF_INIT;
        bool ok;

        for (size_t i = 0; i < 4; i++)
                wanted[i] = (struct crypto_wanted){ CRYPTO_SECRET, CKK_GENERIC_SECRET, 0 };
        ok = crypto_derive_keys(engine, m, p, base, NULL, wanted, 4, keys, NULL, err);
        for (size_t i = 0; i < 4; i++) {
                struct buf one = ok ? value_of(keys[i]) : BUF_INIT;

                buf_put_slice(&all, buf_slice(&one));
                buf_clear(&one);
                crypto_key_unref(&keys[i]);
        }
        ok = ok && crypto_key_open(engine, CRYPTO_SECRET, CKK_GENERIC_SECRET, buf_slice(&all), out, err);
        buf_clear(&all);
        return ok;
}

static void run_record(void **state)
{
        const struct record *r = *state;
        uint64_t mechanism = number(text(r, "mechanism"));
        const struct crypto_mechanism *m = crypto_mechanism_find(mechanism);
        struct buf flat = BUF_INIT, want = hex(r, "out"), got;
        struct crypto_key *base, *second = NULL, *out = NULL;
        struct ck_mech_param p;
        enum ck_param_kind kind;
        struct err err = ERR_INIT;
        bool ok;

        assert_non_null(m);
        assert_true(ck_mech_param_kind(mechanism, &kind, NULL));
        flat_of(r, mechanism, kind, &flat);
        assert_true(ck_mech_param_decode(mechanism, buf_slice(&flat), &p, &err));
        if (text(r, "second")[0])
                second = secret_of(CKK_GENERIC_SECRET, text(r, "second"));
        if (kind == CK_PARAM_PBKDF2) {
                struct crypto_key_spec spec = { .key_type = CKK_GENERIC_SECRET,
                                                .bits = (uint32_t)want.n * 8 };
                ok = crypto_generate(engine, m, &p, &spec, &out, &err);
        } else {
                base = base_of(r, m);
                ok = kind == CK_PARAM_TLS_KEYS ? key_block(m, &p, base, &out, &err)
                                               : crypto_derive_key(engine, m, &p, base, second,
                                                                   CKK_GENERIC_SECRET, want.n, &out, &err);
                crypto_key_unref(&base);
        }
        if (!ok)
                fail_msg("%s", err.detail);
        got = value_of(out);
        assert_int_equal(got.n, want.n);
        assert_memory_equal(got.p, want.p, want.n);
        buf_clear(&got);
        buf_clear(&want);
        buf_clear(&flat);
        crypto_key_unref(&second);
        crypto_key_unref(&out);
}

int main(void)
{
        int failed;

        read_records(TEST_SOURCE_DIR "/tests/vectors/derive.txt");
        if (count < 20 || count == RECORDS_MAX)
                return 2;
        for (size_t i = 0; i < count; i++)
                tests[i] =
                    (struct CMUnitTest){ text(&records[i], "from"), run_record, NULL, NULL, &records[i] };
        cmocka_set_message_output(CM_OUTPUT_TAP);
        failed = _cmocka_run_group_tests("derivation", tests, count, engine_open, engine_close);
        for (size_t i = 0; i < count; i++) {
                for (size_t k = 0; k < records[i].n; k++) {
                        free(records[i].name[k]);
                        free(records[i].value[k]);
                }
        }
        return failed;
}
