/* One named test for each record of tests/vectors: in one piece, and in pieces of odd lengths. */
#include "vectors.h"
#include "ck/mechanism_size.h"

static struct CMUnitTest tests[RECORDS_MAX];
static const size_t splits[] = { 1, 3, 16, 17, 31 };

static size_t least(size_t a, size_t b)
{
        return a < b ? a : b;
}

static void check_digest(struct record *r, const struct crypto_mechanism *m)
{
        struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        struct err err = ERR_INIT;
        uint8_t out[64];
        size_t n = sizeof(out);

        assert_true(crypto_operation_check(m, CRYPTO_DIGEST, NULL, &none, &err));
        assert_true(crypto_digest(engine, m, buf_slice(&r->in), out, &n, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&r->out)));
}

static void check_mac(struct record *r, const struct crypto_mechanism *m, struct crypto_key *key,
                      const struct ck_mech_param *p)
{
        struct slice in = buf_slice(&r->in);
        struct err err = ERR_INIT;
        uint8_t out[64];
        size_t n = sizeof(out);

        assert_true(crypto_operation_check(m, CRYPTO_SIGN, key, p, &err));
        assert_int_equal(crypto_output_max(m, CRYPTO_SIGN, key, p, in.n), r->out.n);
        assert_true(crypto_sign(engine, m, p, key, in, out, &n, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&r->out)));
        assert_true(crypto_verify(engine, m, p, key, in, buf_slice(&r->out), &err));
        out[0] ^= 1;
        assert_false(crypto_verify(engine, m, p, key, in, slice_of(out, n), &err));
        assert_int_equal(err.id, ERR_SIGNATURE);
        err = ERR_INIT;
        out[0] ^= 1;
        assert_false(crypto_verify(engine, m, p, key, in, slice_of(out, n - 1), &err));
        assert_int_equal(err.id, ERR_SIGNATURE_LEN);
}

/* The hash or MAC of the same data given in pieces. */
static void check_pieces(struct record *r, enum crypto_op op, const struct crypto_mechanism *m,
                         struct crypto_key *key, const struct ck_mech_param *p, size_t piece)
{
        struct crypto_stream *s = NULL;
        struct err err = ERR_INIT;
        uint8_t block[CRYPTO_BLOCK_MAX], out[64];
        size_t n = 0, out_n = sizeof(out);

        assert_true(crypto_stream_new(engine, op, m, p, key, &s, &err));
        for (size_t at = 0; at < r->in.n; at += piece)
                assert_true(
                    crypto_stream_update(s, slice_of(r->in.p + at, least(piece, r->in.n - at)), &err));
        assert_true(crypto_stream_block(s, block, &n, &err));
        crypto_stream_free(&s);
        if (op == CRYPTO_SIGN)
                assert_true(crypto_sign_block(engine, m, p, key, slice_of(block, n), out, &out_n, &err));
        else
                memcpy(out, block, out_n = n);
        assert_true(slice_equal(slice_of(out, out_n), buf_slice(&r->out)));
}

/* The same, piece by piece; what has come out at each step is what both sides of the wire expect. */
static void crypt_pieces(enum crypto_op op, const struct crypto_mechanism *m, struct crypto_key *key,
                         const struct ck_mech_param *p, struct slice in, struct slice wanted, size_t piece)
{
        const struct ck_mech_size *size = ck_mech_size(crypto_mechanism_number(m));
        bool encrypts = op == CRYPTO_ENCRYPT;
        struct crypto_stream *s = NULL;
        struct err err = ERR_INIT;
        uint8_t out[1200 + CRYPTO_STREAM_MORE];
        size_t n, total = 0;

        assert_true(crypto_stream_new(engine, op, m, p, key, &s, &err));
        for (size_t at = 0; at < in.n; at += piece) {
                struct slice part = slice_of(in.p + at, least(piece, in.n - at));

                assert_true(crypto_stream_crypt(s, part, out + total, &n, &err));
                total += n;
                if (encrypts || !size->authenticates)
                        assert_int_equal(total, ck_mech_ready(size, encrypts, at + part.n));
        }
        assert_true(crypto_stream_end(s, out + total, &n, &err));
        if (!(size->pads && !encrypts) && !(size->authenticates && !encrypts))
                assert_int_equal(n, ck_mech_end(size, p, encrypts, in.n - total));
        assert_true(slice_equal(slice_of(out, total + n), wanted));
        crypto_stream_free(&s);
}

static void check_decryption(struct record *r, const struct crypto_mechanism *m, struct crypto_key *key,
                             const struct ck_mech_param *p)
{
        struct err err = ERR_INIT;
        uint8_t out[1200];
        size_t n = sizeof(out);

        assert_true(crypto_operation_check(m, CRYPTO_DECRYPT, key, p, &err));
        assert_true(crypto_decrypt(engine, m, p, key, buf_slice(&r->in), out, &n, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&r->out)));
        for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++)
                crypt_pieces(CRYPTO_DECRYPT, m, key, p, buf_slice(&r->in), buf_slice(&r->out), splits[i]);
}

static void check_cipher(struct record *r, const struct crypto_mechanism *m, struct crypto_key *key,
                         const struct ck_mech_param *p)
{
        struct err err = ERR_INIT;
        uint8_t out[1200];
        size_t n = sizeof(out);

        assert_true(crypto_operation_check(m, CRYPTO_ENCRYPT, key, p, &err));
        assert_true(crypto_output_max(m, CRYPTO_ENCRYPT, key, p, r->in.n) >= r->out.n);
        assert_true(crypto_encrypt(engine, m, p, key, buf_slice(&r->in), out, &n, NULL, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&r->out)));
        n = sizeof(out);
        assert_true(crypto_decrypt(engine, m, p, key, buf_slice(&r->out), out, &n, &err));
        assert_true(slice_equal(slice_of(out, n), buf_slice(&r->in)));
        for (size_t i = 0; ck_mech_size(crypto_mechanism_number(m)) && i < sizeof(splits) / sizeof(splits[0]);
             i++) {
                crypt_pieces(CRYPTO_ENCRYPT, m, key, p, buf_slice(&r->in), buf_slice(&r->out), splits[i]);
                crypt_pieces(CRYPTO_DECRYPT, m, key, p, buf_slice(&r->out), buf_slice(&r->in), splits[i]);
        }
}

static void run_record(void **state)
{
        struct record *r = *state;
        const struct crypto_mechanism *m = record_mechanism(r);
        struct ck_mech_param p = record_param(r, m);
        struct crypto_key *key = strcmp(r->op, "digest") == 0 ? NULL : record_key(r, m);

        if (!key)
                check_digest(r, m);
        else if (strcmp(r->op, "sign") == 0)
                check_mac(r, m, key, &p);
        else if (strcmp(r->op, "decrypt") == 0)
                check_decryption(r, m, key, &p);
        else
                check_cipher(r, m, key, &p);
        for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
                if (!key || strcmp(r->op, "sign") == 0)
                        check_pieces(r, key ? CRYPTO_SIGN : CRYPTO_DIGEST, m, key, &p, splits[i]);
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

                if (strncmp(r->mechanism, "CKM_AES_KEY_WRAP", 16) != 0)
                        continue;
                m = record_mechanism(r);
                key = record_key(r, m);
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

/* Symmetric mechanisms that vectors are asked of; the others are tested with openssl and whole programs. */
static bool wants_vector(const struct crypto_mechanism *m)
{
        static const uint64_t types[] = { CKK_GENERIC_SECRET, CKK_AES,  CKK_AES_XTS,
                                          CKK_CHACHA20,       CKK_DES3, CKK_DES };
        uint32_t uses =
            crypto_mechanism_functions(m) & (1u << CRYPTO_ENCRYPT | 1u << CRYPTO_SIGN | 1u << CRYPTO_DIGEST);

        if (crypto_mechanism_number(m) == CKM_TLS_MAC || crypto_mechanism_number(m) == CKM_TLS12_MAC)
                return false; /* test_tls compares them with the program */
        for (size_t i = 0; uses && i < sizeof(types) / sizeof(types[0]); i++) {
                if (crypto_mechanism_key_type(m, types[i]))
                        return true;
        }
        return uses & (1u << CRYPTO_DIGEST);
}

static void every_row_has_a_vector(void **state)
{
        const struct crypto_mechanism *m;
        size_t missing = 0;

        (void)state;
        for (size_t i = 0; (m = crypto_mechanism_at(i)); i++) {
                bool found = !wants_vector(m);

                for (size_t k = 0; !found && k < count; k++)
                        found = strcmp(records[k].mechanism, crypto_mechanism_name(m)) == 0;
                if (!found)
                        print_error("%s has no record in tests/vectors\n", crypto_mechanism_name(m));
                missing += !found;
        }
        assert_int_equal(missing, 0);
}

int main(void)
{
        int failed;

        records_read("secret_key.txt");
        records_read("digest_hmac.txt");
        records_read("cipher.txt");
        if (count < 10 || count + 2 >= RECORDS_MAX)
                return 2;
        for (size_t i = 0; i < count; i++)
                tests[i] = (struct CMUnitTest){ records[i].from, run_record, NULL, NULL, &records[i] };
        tests[count] = (struct CMUnitTest)cmocka_unit_test(every_flipped_bit_of_a_wrap_is_refused);
        tests[count + 1] = (struct CMUnitTest)cmocka_unit_test(every_row_has_a_vector);
        cmocka_set_message_output(CM_OUTPUT_TAP);
        failed = _cmocka_run_group_tests("known answers", tests, count + 2, engine_open, engine_close);
        records_clear();
        return failed;
}
