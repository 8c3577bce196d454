/* One named test for each record of tests/vectors/secret_key.txt. */
#include "engine.h"
#include "base/file.h"
#include "ck/names.h"

#define RECORDS_MAX 200

struct record {
        char from[80], mechanism[40], op[16];
        struct buf key, iv, in, out;
};

static struct record records[RECORDS_MAX];
static struct CMUnitTest tests[RECORDS_MAX];
static size_t count;

static void take_field(struct record *r, const char *name, const char *value)
{
        const struct {
                const char *name;
                struct buf *bytes;
        } fields[] = { { "key", &r->key }, { "iv", &r->iv }, { "in", &r->in }, { "out", &r->out } };

        if (strcmp(name, "from") == 0)
                snprintf(r->from, sizeof(r->from), "%s", value);
        else if (strcmp(name, "mechanism") == 0)
                snprintf(r->mechanism, sizeof(r->mechanism), "%s", value);
        else if (strcmp(name, "op") == 0)
                snprintf(r->op, sizeof(r->op), "%s", value);
        for (size_t i = 0; i < 4; i++) {
                if (strcmp(name, fields[i].name) == 0 && !text_from_hex(slice_str(value), fields[i].bytes))
                        exit(2);
        }
}

static void read_records(const char *path)
{
        FILE *f = fopen(path, "r");
        char line[1200], name[20], value[1100];
        bool open = false;

        if (!f)
                exit(2);
        while (fgets(line, sizeof(line), f) && count < RECORDS_MAX) {
                value[0] = '\0';
                if (sscanf(line, "%19s = %1099[^\n]", name, value) >= 1 && line[0] != '\n') {
                        take_field(&records[count], name, value);
                        open = true;
                } else if (open) {
                        count++;
                        open = false;
                }
        }
        count += open;
        fclose(f);
}

static void run_record(void **state)
{
        struct record *r = *state;
        uint64_t number = 0;
        const struct crypto_mechanism *m;
        struct crypto_key *key = NULL;
        struct ck_mech_param p = { .kind = CK_PARAM_IV,
                                   .present = r->iv.n > 0,
                                   .u.bytes = buf_slice(&r->iv) };
        uint8_t out[1024];
        size_t n = sizeof(out);
        struct err err = ERR_INIT;
        bool encrypts = strcmp(r->op, "encrypt") == 0;

        assert_true(ck_number(CK_KIND_MECHANISM, r->mechanism, &number));
        m = crypto_mechanism_find(number);
        assert_non_null(m);
        assert_true(crypto_key_open(engine, CRYPTO_SECRET,
                                    encrypts                                           ? CKK_AES
                                    : crypto_mechanism_key_type(m, CKK_GENERIC_SECRET) ? CKK_GENERIC_SECRET
                                                                                       : CKK_AES,
                                    buf_slice(&r->key), &key, &err));
        assert_true(crypto_operation_check(m, encrypts ? CRYPTO_ENCRYPT : CRYPTO_SIGN, key, &p, &err));
        if (encrypts)
                assert_true(crypto_encrypt(engine, m, &p, key, buf_slice(&r->in), out, &n, NULL, &err));
        else
                assert_true(crypto_sign(engine, m, &p, key, buf_slice(&r->in), out, &n, &err));
        assert_int_equal(n, r->out.n);
        assert_memory_equal(out, r->out.p, n);
        n = sizeof(out);
        if (encrypts) {
                assert_true(crypto_decrypt(engine, m, &p, key, buf_slice(&r->out), out, &n, &err));
                assert_true(slice_equal(slice_of(out, n), buf_slice(&r->in)));
        } else {
                assert_true(crypto_verify(engine, m, &p, key, buf_slice(&r->in), buf_slice(&r->out), &err));
        }
        crypto_key_unref(&key);
}

/* Every single flipped bit of a key wrap is refused. spec/key-rules.md E07. */
static void every_flipped_bit_of_a_wrap_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < count; i++) {
                struct record *r = &records[i];
                const struct crypto_mechanism *m;
                struct crypto_key *key = NULL;
                struct ck_mech_param none = { 0 };
                struct err err = ERR_INIT;
                uint8_t out[256];
                uint64_t number = 0;

                if (strncmp(r->mechanism, "CKM_AES_KEY_WRAP", 16) != 0)
                        continue;
                assert_true(ck_number(CK_KIND_MECHANISM, r->mechanism, &number));
                m = crypto_mechanism_find(number);
                assert_true(crypto_key_open(engine, CRYPTO_SECRET, CKK_AES, buf_slice(&r->key), &key, &err));
                for (size_t bit = 0; bit < r->out.n * 8; bit++) {
                        size_t n = sizeof(out);
                        r->out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                        assert_false(
                            crypto_decrypt(engine, m, &none, key, buf_slice(&r->out), out, &n, &err));
                        assert_int_equal(err.id, ERR_ENCRYPTED_DATA);
                        r->out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                }
                crypto_key_unref(&key);
        }
}

int main(void)
{
        int failed;

        read_records(TEST_SOURCE_DIR "/tests/vectors/secret_key.txt");
        if (count < 10 || count + 1 >= RECORDS_MAX)
                return 2;
        for (size_t i = 0; i < count; i++)
                tests[i] = (struct CMUnitTest){ records[i].from, run_record, NULL, NULL, &records[i] };
        tests[count] = (struct CMUnitTest)cmocka_unit_test(every_flipped_bit_of_a_wrap_is_refused);
        cmocka_set_message_output(CM_OUTPUT_TAP);
        failed = _cmocka_run_group_tests("known answers", tests, count + 1, engine_open, engine_close);
        for (size_t i = 0; i < count; i++) {
                buf_clear(&records[i].key);
                buf_clear(&records[i].iv);
                buf_clear(&records[i].in);
                buf_clear(&records[i].out);
        }
        return failed;
}
