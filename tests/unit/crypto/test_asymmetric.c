/* One named test for each record of tests/vectors/asymmetric.txt. */
#include "engine.h"
#include "ck/names.h"

#define RECORDS_MAX 400
#define FIELDS_MAX  16

struct record {
        char *names[FIELDS_MAX], *values[FIELDS_MAX];
        size_t n;
};

static struct record records[RECORDS_MAX];
static struct CMUnitTest tests[RECORDS_MAX];
static size_t count;

static const struct {
        const char *name;
        uint64_t key_type;
        const char *params; /* CKA_EC_PARAMS */
} curves[] = {
        { "P-192", CKK_EC, "06082a8648ce3d030101" }, { "P-224", CKK_EC, "06052b81040021" },
        { "P-256", CKK_EC, "06082a8648ce3d030107" }, { "P-384", CKK_EC, "06052b81040022" },
        { "P-521", CKK_EC, "06052b81040023" },       { "secp256k1", CKK_EC, "06052b8104000a" },
        { "Ed25519", CKK_EC_EDWARDS, "06032b6570" }, { "Ed448", CKK_EC_EDWARDS, "06032b6571" },
};

static void read_records(const char *path)
{
        FILE *f = fopen(path, "re");
        char *line = NULL, *equals;
        size_t room = 0;
        ssize_t n;

        if (!f)
                exit(2);
        while ((n = getline(&line, &room, f)) > 0 && count < RECORDS_MAX) {
                struct record *r = &records[count];

                line[n - 1] = '\0';
                equals = strstr(line, " =");
                if (!equals) {
                        count += r->n > 0;
                } else if (r->n < FIELDS_MAX) {
                        r->names[r->n] = strndup(line, (size_t)(equals - line));
                        r->values[r->n++] = strdup(equals[2] ? equals + 3 : "");
                }
        }
        count += count < RECORDS_MAX && records[count].n > 0;
        free(line);
        (void)fclose(f);
}

static const char *field(const struct record *r, const char *name)
{
        for (size_t i = 0; i < r->n; i++) {
                if (strcmp(r->names[i], name) == 0)
                        return r->values[i];
        }
        return NULL;
}

static struct buf field_bytes(const struct record *r, const char *name)
{
        return bytes_of(field(r, name) ? field(r, name) : "");
}

static uint64_t number_of(const char *name)
{
        static const char *const mgfs[] = { "",       "SHA1",     "SHA256",   "SHA384",   "SHA512",
                                            "SHA224", "SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512" };
        uint64_t number = 0;

        for (size_t i = 1; strncmp(name, "CKG_MGF1_", 9) == 0 && i < 10; i++) {
                if (strcmp(mgfs[i], name + 9) == 0)
                        return i;
        }
        assert_true(ck_number(CK_KIND_MECHANISM, name, &number));
        return number;
}

static bool import(const struct record *r, bool private, struct crypto_key **out, struct err *err)
{
        struct buf b[4] = { field_bytes(r, "modulus"), field_bytes(r, "exponent"),
                            field_bytes(r, private ? "private" : "public"), BUF_INIT };
        struct crypto_component list[3];
        uint64_t type = CKK_RSA;
        size_t n = private ? 3 : 2;
        bool ok;

        list[0] = (struct crypto_component){ CKA_MODULUS, buf_slice(&b[0]) };
        list[1] = (struct crypto_component){ CKA_PUBLIC_EXPONENT, buf_slice(&b[1]) };
        list[2] = (struct crypto_component){ CKA_PRIVATE_EXPONENT, buf_slice(&b[2]) };
        for (size_t i = 0; field(r, "curve") && i < sizeof(curves) / sizeof(curves[0]); i++) {
                if (strcmp(field(r, "curve"), curves[i].name) != 0)
                        continue;
                type = curves[i].key_type;
                b[3] = bytes_of(curves[i].params);
                list[0] = (struct crypto_component){ CKA_EC_PARAMS, buf_slice(&b[3]) };
                list[1] = (struct crypto_component){ private ? CKA_VALUE : CKA_EC_POINT, buf_slice(&b[2]) };
                n = 2;
        }
        ok = crypto_key_import(engine, private ? CRYPTO_PRIVATE : CRYPTO_PUBLIC, type, list, n, out, err);
        for (size_t i = 0; i < 4; i++)
                buf_clear(&b[i]);
        return ok;
}

static struct ck_mech_param param_of(const struct record *r, struct slice context)
{
        struct ck_mech_param p = { .kind = CK_PARAM_NONE };
        const char *hash = field(r, "hash"), *mgf = field(r, "mgf"), *salt = field(r, "salt");

        if (salt) {
                p.kind = CK_PARAM_PSS;
                p.u.pss.hash = number_of(hash);
                p.u.pss.mgf = (uint32_t)number_of(mgf);
                p.u.pss.salt_len = (uint32_t)atoi(salt);
        } else if (hash) {
                p.kind = CK_PARAM_OAEP;
                p.u.oaep.hash = number_of(hash);
                p.u.oaep.mgf = (uint32_t)number_of(mgf);
                p.u.oaep.source = CKZ_DATA_SPECIFIED;
        } else if (context.n || field(r, "prehash")) {
                p.kind = CK_PARAM_EDDSA;
                p.u.eddsa.prehash = field(r, "prehash") != NULL;
                p.u.eddsa.context = context;
        }
        p.present = p.kind != CK_PARAM_NONE;
        return p;
}

/* Signs where the record has a private key: these mechanisms give the same signature every time. */
static void sign_again(const struct record *r, const struct crypto_mechanism *m, struct ck_mech_param *p,
                       struct slice message, struct slice signature)
{
        struct crypto_key *priv = NULL;
        struct err err = ERR_INIT;
        uint8_t out[1024];

        assert_true(import(r, true, &priv, &err));
        for (int again = 0; again < 2; again++) { /* with a cached context */
                size_t n = sizeof(out);
                assert_true(crypto_sign(engine, m, p, priv, message, out, &n, &err));
                assert_true(slice_equal(slice_of(out, n), signature));
        }
        crypto_key_unref(&priv);
}

/* EdDSA beyond the pure form came with libcrypto 3.2. */
static bool lacking(const struct ck_mech_param *p)
{
        unsigned major = 0, minor = 0;

        assert_int_equal(sscanf(crypto_library_version(engine), "OpenSSL %u.%u", &major, &minor), 2);
        return p->kind == CK_PARAM_EDDSA && major == 3 && minor < 2;
}

static void run_verify(const struct record *r, struct crypto_key *pub)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(number_of(field(r, "mechanism")));
        struct buf message = field_bytes(r, "message"), signature = field_bytes(r, "signature"),
                   context = field_bytes(r, "context");
        struct ck_mech_param p = param_of(r, buf_slice(&context));
        bool good = strcmp(field(r, "result"), "good") == 0;
        struct err err = ERR_INIT;

        assert_non_null(m);
        if (lacking(&p)) {
                assert_false(crypto_operation_check(m, CRYPTO_VERIFY, pub, &p, &err));
                assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        } else {
                assert_true(crypto_operation_check(m, CRYPTO_VERIFY, pub, &p, &err));
                for (int again = 0; again < 2; again++) {
                        assert_int_equal(crypto_verify(engine, m, &p, pub, buf_slice(&message),
                                                       buf_slice(&signature), &err),
                                         good);
                        assert_int_equal(good ? ERR_SIGNATURE : err.id, ERR_SIGNATURE);
                }
                if (field(r, "private"))
                        sign_again(r, m, &p, buf_slice(&message), buf_slice(&signature));
        }
        buf_clear(&message);
        buf_clear(&signature);
        buf_clear(&context);
}

static void run_decrypt(const struct record *r)
{
        const struct crypto_mechanism *m = crypto_mechanism_find(number_of(field(r, "mechanism")));
        struct buf message = field_bytes(r, "message"), sealed = field_bytes(r, "sealed");
        struct ck_mech_param p = param_of(r, SLICE_EMPTY);
        struct crypto_key *priv = NULL;
        struct err err = ERR_INIT;
        uint8_t out[1024];
        size_t n = sizeof(out);

        assert_true(import(r, true, &priv, &err));
        assert_true(crypto_operation_check(m, CRYPTO_DECRYPT, priv, &p, &err));
        assert_true(crypto_decrypt(engine, m, &p, priv, buf_slice(&sealed), out, &n, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&message)));
        p.u.oaep.label = SLICE_LIT("another label");
        n = sizeof(out);
        assert_false(crypto_decrypt(engine, m, &p, priv, buf_slice(&sealed), out, &n, &err));
        assert_int_equal(err.id, ERR_ENCRYPTED_DATA);
        crypto_key_unref(&priv);
        buf_clear(&message);
        buf_clear(&sealed);
}

static void run_record(void **state)
{
        struct record *r = *state;
        bool good = strcmp(field(r, "result"), "good") == 0, imports = strcmp(field(r, "op"), "import") == 0;
        struct crypto_key *pub = NULL;
        struct err err = ERR_INIT;

        if (strcmp(field(r, "op"), "decrypt") == 0) {
                run_decrypt(r);
                return;
        }
        if (!import(r, false, &pub, &err)) { /* "Q changed": a point beside the curve */
                assert_false(good);
                assert_int_equal(err.id, ERR_ATTRIBUTE_VALUE);
                return;
        }
        if (imports)
                assert_true(good);
        else
                run_verify(r, pub);
        crypto_key_unref(&pub);
}

int main(void)
{
        int failed;

        read_records(TEST_SOURCE_DIR "/tests/vectors/asymmetric.txt");
        if (count < 100 || count >= RECORDS_MAX)
                return 2;
        for (size_t i = 0; i < count; i++)
                tests[i] = (struct CMUnitTest){ records[i].values[0], run_record, NULL, NULL, &records[i] };
        cmocka_set_message_output(CM_OUTPUT_TAP);
        failed = _cmocka_run_group_tests("asymmetric", tests, count, engine_open, engine_close);
        for (size_t i = 0; i < count; i++) {
                for (size_t k = 0; k < records[i].n; k++) {
                        free(records[i].names[k]);
                        free(records[i].values[k]);
                }
        }
        return failed;
}
