/* Every wrapping mechanism with keys of every class, by the openssl program where it has the same, and what
 * each of them refuses. spec/key-rules.md A11, C06, E04, E05, E07, E08, E10. */
#include "engine.h"

#include <inttypes.h>
#include <unistd.h>

static struct crypto_key *kek, *rsa_private, *rsa_public, *ec_private;
static char folder[] = "/tmp/chsm-wrap-XXXXXX";

static const struct ck_mech_param none = { .kind = CK_PARAM_NONE };
static const uint8_t iv[16] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };

static struct ck_mech_oaep oaep_of(uint64_t hash, uint32_t mgf, struct slice label)
{
        return (struct ck_mech_oaep){ hash, mgf, CKZ_DATA_SPECIFIED, label };
}

static struct ck_mech_param param_of(uint64_t mechanism)
{
        struct ck_mech_param p = { .present = true };

        switch (mechanism) {
        case CKM_AES_CBC:
        case CKM_AES_CBC_PAD:
                p.kind = CK_PARAM_IV;
                p.u.bytes = slice_of(iv, sizeof(iv));
                return p;
        case CKM_AES_GCM:
                p.kind = CK_PARAM_GCM;
                p.u.gcm.tag_bits = 128;
                p.u.gcm.aad = SLICE_LIT("of what kind it is");
                return p;
        case CKM_RSA_PKCS_OAEP:
                p.kind = CK_PARAM_OAEP;
                p.u.oaep = oaep_of(CKM_SHA256, CKG_MGF1_SHA1, SLICE_LIT("label"));
                return p;
        case CKM_RSA_AES_KEY_WRAP:
                p.kind = CK_PARAM_RSA_AES_WRAP;
                p.u.rsa_aes.aes_bits = 256;
                p.u.rsa_aes.oaep = oaep_of(CKM_SHA256, CKG_MGF1_SHA256, SLICE_EMPTY);
                return p;
        default:
                return none;
        }
}

static bool wrap(uint64_t mechanism, const struct ck_mech_param *p, struct crypto_key *by,
                 struct crypto_key *key, struct buf *out, uint8_t made[16], struct err *err)
{
        size_t n = 8192;
        uint8_t *at;
        bool ok;

        buf_reset(out);
        at = buf_extend(out, n);
        *err = ERR_INIT;
        ok = crypto_wrap(engine, crypto_mechanism_find(mechanism), p, by, key, at, &n, made, err);
        out->n = ok ? n : 0;
        return ok;
}

static enum err_id unwrap(uint64_t mechanism, const struct ck_mech_param *p, struct crypto_key *by,
                          struct slice blob, enum crypto_key_class class, uint64_t type, size_t length,
                          struct crypto_key **out)
{
        struct err err = ERR_INIT;

        *out = NULL;
        if (crypto_unwrap(engine, crypto_mechanism_find(mechanism), p, by, blob, class, type, length, out,
                          &err))
                return ERR_NONE;
        assert_null(*out);
        return err.id;
}

static bool same_key(const struct crypto_key *a, const struct crypto_key *b)
{
        struct err err = ERR_INIT;
        struct sec *one = crypto_key_material(a, &err), *other = crypto_key_material(b, &err);
        bool same = sec_equal(sec_slice(one), sec_slice(other));

        sec_free(&one);
        sec_free(&other);
        return same;
}

static bool is_rsa(uint64_t mechanism)
{
        return mechanism == CKM_RSA_PKCS || mechanism == CKM_RSA_PKCS_OAEP ||
               mechanism == CKM_RSA_AES_KEY_WRAP;
}

static void there_and_back(uint64_t mechanism, struct crypto_key *key, size_t told)
{
        struct ck_mech_param p = param_of(mechanism);
        struct crypto_key *back, *by = is_rsa(mechanism) ? rsa_private : kek;
        struct buf blob = BUF_INIT;
        uint8_t made[16];
        struct err err;

        if (!wrap(mechanism, &p, is_rsa(mechanism) ? rsa_public : kek, key, &blob, made, &err))
                fail_msg("%s: %s", crypto_mechanism_name(crypto_mechanism_find(mechanism)), err.detail);
        if (p.kind == CK_PARAM_GCM)
                p.u.gcm.iv = slice_of(made, 12);
        assert_int_equal(unwrap(mechanism, &p, by, buf_slice(&blob), crypto_key_class_of(key),
                                crypto_key_type(key), told, &back),
                         ERR_NONE);
        assert_true(same_key(key, back));
        crypto_key_unref(&back);
        for (size_t i = 0; i < blob.n; i += blob.n / 7 + 1) { /* altered: the same code everywhere */
                blob.p[i] ^= 0x40;
                enum err_id id = unwrap(mechanism, &p, by, buf_slice(&blob), crypto_key_class_of(key),
                                        crypto_key_type(key), told, &back);
                assert_true(id == ERR_WRAPPED_KEY || (is_rsa(mechanism) && id == ERR_WRAPPED_KEY_LEN) ||
                            !crypto_mechanism_authenticated(crypto_mechanism_find(mechanism)));
                crypto_key_unref(&back);
                blob.p[i] ^= 0x40;
        }
        buf_clear(&blob);
}

static const uint64_t aes_wraps[] = {
        CKM_AES_ECB,
        CKM_AES_CBC,
        CKM_AES_CBC_PAD,
        CKM_AES_GCM,
        CKM_AES_KEY_WRAP,
        CKM_AES_KEY_WRAP_PAD,
        CKM_AES_KEY_WRAP_KWP,
        CKM_AES_KEY_WRAP_PKCS7,
        CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD,
        CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD,
        CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD,
        CKM_RSA_PKCS,
        CKM_RSA_PKCS_OAEP,
        CKM_RSA_AES_KEY_WRAP,
};

static void secret_keys_travel(void **state)
{
        struct crypto_key *keys[] = { secret_of(CKK_AES, "00112233445566778899aabbccddeeff"),
                                      secret_of(CKK_AES, "00112233445566778899aabbccddeeff0011223344556677"),
                                      secret_of(CKK_GENERIC_SECRET, "00112233445566778899aabbccddeeff0011") };

        (void)state;
        for (size_t i = 0; i < sizeof(aes_wraps) / sizeof(aes_wraps[0]); i++) {
                bool kw =
                    aes_wraps[i] == CKM_AES_KEY_WRAP || aes_wraps[i] == CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD;

                there_and_back(aes_wraps[i], keys[0], 0);
                there_and_back(aes_wraps[i], keys[1], 24);
                if (!kw)
                        there_and_back(aes_wraps[i], keys[2], 18);
        }
        for (size_t i = 0; i < 3; i++)
                crypto_key_unref(&keys[i]);
}

/* PKCS#8 of an RSA key does not fit RSA itself; KW needs a multiple of 8. */
static void private_keys_travel(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(aes_wraps) / sizeof(aes_wraps[0]); i++) {
                uint64_t m = aes_wraps[i];

                if (m == CKM_AES_KEY_WRAP || m == CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD)
                        continue;
                there_and_back(m, ec_private, 0);
                if (m != CKM_RSA_PKCS && m != CKM_RSA_PKCS_OAEP)
                        there_and_back(m, rsa_private, 0);
        }
}

static void the_numbers_of_the_lineage_are_the_same_wraps(void **state)
{
        static const struct {
                uint64_t one, other;
        } rows[] = { { CKM_AES_KEY_WRAP, CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD },
                     { CKM_AES_KEY_WRAP_PKCS7, CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD },
                     { CKM_AES_KEY_WRAP_KWP, CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD } };
        struct crypto_key *key = secret_of(CKK_AES, "00112233445566778899aabbccddeeff");
        struct buf one = BUF_INIT, other = BUF_INIT;
        struct err err;

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                assert_true(wrap(rows[i].one, &none, kek, key, &one, NULL, &err));
                assert_true(wrap(rows[i].other, &none, kek, key, &other, NULL, &err));
                assert_true(slice_equal(buf_slice(&one), buf_slice(&other)));
        }
        buf_clear(&one);
        buf_clear(&other);
        crypto_key_unref(&key);
}

/* E07: an IV of the caller's is refused whatever it is, but the standard's own. */
static void explicit_ivs_are_refused(void **state)
{
        static const uint8_t a6[8] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 };
        struct crypto_key *key = secret_of(CKK_AES, "00112233445566778899aabbccddeeff"), *back;
        struct ck_mech_param p = { .kind = CK_PARAM_IV, .present = true };
        struct buf blob = BUF_INIT;
        struct err err = ERR_INIT;
        uint8_t made[16];

        (void)state;
        for (size_t i = 4; i < 11; i++) {
                const struct crypto_mechanism *m = crypto_mechanism_find(aes_wraps[i]);

                for (size_t n = 1; n <= 8; n++) {
                        p.u.bytes = slice_of(iv, n);
                        assert_false(crypto_operation_check(m, CRYPTO_WRAP, kek, &p, &err));
                        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
                        assert_false(crypto_operation_check(m, CRYPTO_UNWRAP, kek, &p, &err));
                }
                p.u.bytes = slice_of(a6, 8);
                assert_int_equal(crypto_operation_check(m, CRYPTO_WRAP, kek, &p, &err),
                                 aes_wraps[i] == CKM_AES_KEY_WRAP || aes_wraps[i] == CKM_AES_KEY_WRAP_PKCS7 ||
                                     aes_wraps[i] == CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD ||
                                     aes_wraps[i] == CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD);
        }
        p = param_of(CKM_AES_GCM);
        p.u.gcm.iv = slice_of(iv, 12);
        assert_false(wrap(CKM_AES_GCM, &p, kek, key, &blob, made, &err));
        assert_int_equal(err.id, ERR_MECHANISM_PARAM);
        p.u.gcm.iv = SLICE_EMPTY;
        assert_true(wrap(CKM_AES_GCM, &p, kek, key, &blob, made, &err));
        p.u.gcm.iv = slice_of(made, 12);
        p.u.gcm.aad = SLICE_LIT("of another kind");
        assert_int_equal(unwrap(CKM_AES_GCM, &p, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, 0, &back),
                         ERR_WRAPPED_KEY);
        buf_clear(&blob);
        crypto_key_unref(&key);
}

static void seal(uint64_t mechanism, const struct ck_mech_param *p, struct crypto_key *by, struct slice plain,
                 struct buf *out)
{
        size_t n = plain.n + 1024;
        struct err err = ERR_INIT;

        buf_reset(out);
        assert_non_null(buf_extend(out, n));
        assert_true(
            crypto_encrypt(engine, crypto_mechanism_find(mechanism), p, by, plain, out->p, &n, NULL, &err));
        out->n = n;
}

/* E04: all 256 last bytes, then the right padding around the wrong thing: one code. */
static void cbc_padding_tells_nothing(void **state)
{
        struct ck_mech_param p = param_of(CKM_AES_CBC_PAD), raw = param_of(CKM_AES_CBC);
        uint8_t plain[32];
        struct buf blob = BUF_INIT;
        struct crypto_key *back;

        (void)state;
        memset(plain, 7, sizeof(plain));
        for (int last = 0; last < 256; last++) {
                plain[31] = (uint8_t)last;
                seal(CKM_AES_CBC, &raw, kek, slice_of(plain, 32), &blob);
                assert_int_equal(
                    unwrap(CKM_AES_CBC_PAD, &p, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, 0, &back),
                    ERR_WRAPPED_KEY);
        }
        seal(CKM_AES_CBC_PAD, &p, kek, slice_of(plain, 17), &blob);
        assert_int_equal(unwrap(CKM_AES_CBC_PAD, &p, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, 0, &back),
                         ERR_WRAPPED_KEY);
        assert_int_equal(unwrap(CKM_AES_CBC_PAD, &p, kek, buf_slice(&blob), CRYPTO_PRIVATE, CKK_EC, 0, &back),
                         ERR_WRAPPED_KEY);
        assert_int_equal(
            unwrap(CKM_AES_CBC_PAD, &p, kek, slice_of(blob.p, 31), CRYPTO_SECRET, CKK_AES, 0, &back),
            ERR_WRAPPED_KEY);
        buf_clear(&blob);
}

/* A key is not cut short by asking for less than was wrapped. */
static void filling_is_zeros_of_less_than_a_block(void **state)
{
        struct ck_mech_param p = param_of(CKM_AES_CBC);
        struct crypto_key *key = secret_of(CKK_AES, "00112233445566778899aabbccddeeff0011223344556677"),
                          *back;
        struct buf blob = BUF_INIT;
        struct err err;

        (void)state;
        assert_true(wrap(CKM_AES_CBC, &p, kek, key, &blob, NULL, &err));
        assert_int_equal(blob.n, 32);
        assert_int_equal(unwrap(CKM_AES_CBC, &p, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, 16, &back),
                         ERR_WRAPPED_KEY);
        assert_int_equal(
            unwrap(CKM_AES_CBC, &p, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_GENERIC_SECRET, 23, &back),
            ERR_WRAPPED_KEY);
        assert_int_equal(unwrap(CKM_AES_CBC, &p, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, 24, &back),
                         ERR_NONE);
        crypto_key_unref(&back);
        buf_clear(&blob);
        crypto_key_unref(&key);
}

/* Padding inside KW: good, absent, too long, not all alike. */
static void padding_of_pkcs7_is_strict(void **state)
{
        static const uint8_t plain[24] = { 1,  2,  3,  4,  5, 6, 7, 8, 9, 10, 11, 12,
                                           13, 14, 15, 16, 8, 8, 8, 8, 8, 8,  8,  8 };
        static const uint8_t tails[][8] = { { 8, 8, 8, 8, 8, 8, 8, 0 },
                                            { 8, 8, 8, 8, 8, 8, 8, 9 },
                                            { 8, 7, 8, 8, 8, 8, 8, 8 },
                                            { 0, 0, 0, 0, 0, 0, 2, 3 } };
        struct crypto_key *back;
        struct buf blob = BUF_INIT;
        uint8_t bytes[24];

        (void)state;
        seal(CKM_AES_KEY_WRAP, &none, kek, slice_of(plain, 24), &blob);
        assert_int_equal(
            unwrap(CKM_AES_KEY_WRAP_PKCS7, &none, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_AES, 0, &back),
            ERR_NONE);
        crypto_key_unref(&back);
        for (size_t i = 0; i < 4; i++) {
                memcpy(bytes, plain, 16);
                memcpy(bytes + 16, tails[i], 8);
                seal(CKM_AES_KEY_WRAP, &none, kek, slice_of(bytes, 24), &blob);
                assert_int_equal(unwrap(CKM_AES_KEY_WRAP_PKCS7, &none, kek, buf_slice(&blob), CRYPTO_SECRET,
                                        CKK_GENERIC_SECRET, 0, &back),
                                 ERR_WRAPPED_KEY);
        }
        buf_clear(&blob);
}

/* E05 and E08: halves that are wrong, of another blob, too short, or under another label. */
static void oaep_and_hybrid_tell_nothing(void **state)
{
        struct ck_mech_param p = param_of(CKM_RSA_AES_KEY_WRAP), o = param_of(CKM_RSA_PKCS_OAEP), other;
        struct crypto_key *key = secret_of(CKK_AES, "00112233445566778899aabbccddeeff"), *back;
        struct buf a = BUF_INIT, b = BUF_INIT;
        struct err err;

        (void)state;
        assert_true(wrap(CKM_RSA_AES_KEY_WRAP, &p, rsa_public, key, &a, NULL, &err));
        assert_true(wrap(CKM_RSA_AES_KEY_WRAP, &p, rsa_public, key, &b, NULL, &err));
        assert_int_equal(a.n, 256 + 24);
        memcpy(a.p, b.p, 256);
        assert_int_equal(
            unwrap(CKM_RSA_AES_KEY_WRAP, &p, rsa_private, buf_slice(&a), CRYPTO_SECRET, CKK_AES, 0, &back),
            ERR_WRAPPED_KEY);
        a.p[255] ^= 1;
        assert_int_equal(
            unwrap(CKM_RSA_AES_KEY_WRAP, &p, rsa_private, buf_slice(&a), CRYPTO_SECRET, CKK_AES, 0, &back),
            ERR_WRAPPED_KEY);
        assert_int_equal(unwrap(CKM_RSA_AES_KEY_WRAP, &p, rsa_private, slice_of(b.p, 256), CRYPTO_SECRET,
                                CKK_AES, 0, &back),
                         ERR_WRAPPED_KEY_LEN);
        assert_true(wrap(CKM_RSA_PKCS_OAEP, &o, rsa_public, key, &a, NULL, &err));
        other = o;
        other.u.oaep.label = SLICE_LIT("another label");
        assert_int_equal(
            unwrap(CKM_RSA_PKCS_OAEP, &other, rsa_private, buf_slice(&a), CRYPTO_SECRET, CKK_AES, 0, &back),
            ERR_WRAPPED_KEY);
        other = o;
        other.u.oaep.mgf = CKG_MGF1_SHA256;
        assert_int_equal(
            unwrap(CKM_RSA_PKCS_OAEP, &other, rsa_private, buf_slice(&a), CRYPTO_SECRET, CKK_AES, 0, &back),
            ERR_WRAPPED_KEY);
        other.u.oaep.hash = CKM_AES_CBC;
        assert_false(crypto_operation_check(crypto_mechanism_find(CKM_RSA_PKCS_OAEP), CRYPTO_WRAP, rsa_public,
                                            &other, &err));
        p.u.rsa_aes.aes_bits = 64;
        assert_false(crypto_operation_check(crypto_mechanism_find(CKM_RSA_AES_KEY_WRAP), CRYPTO_WRAP,
                                            rsa_public, &p, &err));
        buf_clear(&a);
        buf_clear(&b);
        crypto_key_unref(&key);
}

/* E10 and C06: bytes after the key, another algorithm, another class, another encoding. */
static void foreign_and_sloppy_contents_are_refused(void **state)
{
        struct err err = ERR_INIT;
        struct sec *der = crypto_key_material(ec_private, &err);
        struct buf plain = BUF_INIT, blob = BUF_INIT;
        struct crypto_key *back;
        uint64_t m = CKM_AES_KEY_WRAP_KWP;

        (void)state;
        seal(m, &none, kek, sec_slice(der), &blob);
        assert_int_equal(unwrap(m, &none, kek, buf_slice(&blob), CRYPTO_PRIVATE, CKK_EC, 0, &back), ERR_NONE);
        crypto_key_unref(&back);
        assert_int_equal(unwrap(m, &none, kek, buf_slice(&blob), CRYPTO_PRIVATE, CKK_RSA, 0, &back),
                         ERR_WRAPPED_KEY);
        assert_int_equal(unwrap(m, &none, kek, buf_slice(&blob), CRYPTO_SECRET, CKK_GENERIC_SECRET, 0, &back),
                         ERR_WRAPPED_KEY);
        buf_put_slice(&plain, sec_slice(der));
        buf_put_u8(&plain, 0);
        seal(m, &none, kek, buf_slice(&plain), &blob);
        assert_int_equal(unwrap(m, &none, kek, buf_slice(&blob), CRYPTO_PRIVATE, CKK_EC, 0, &back),
                         ERR_WRAPPED_KEY);
        buf_reset(&plain); /* the outer length written in two octets more than it needs */
        buf_put_slice(&plain, SLICE_LIT("\x30\x83\x00\x00"));
        buf_put_slice(&plain, slice_of(sec_slice(der).p + 2, sec_size(der) - 2));
        seal(m, &none, kek, buf_slice(&plain), &blob);
        assert_int_equal(unwrap(m, &none, kek, buf_slice(&blob), CRYPTO_PRIVATE, CKK_EC, 0, &back),
                         ERR_WRAPPED_KEY);
        sec_free(&der);
        buf_clear(&plain);
        buf_clear(&blob);
}

/* ---- the openssl program ---- */

static void write_file(const char *name, struct slice bytes)
{
        char path[200];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
        fclose(f);
}

static void hybrid_is_read_by_openssl(void **state)
{
        static const char script[] =
            "cd %s && openssl pkeyutl -decrypt -inkey key.der -keyform DER -in first -out aes "
            "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 && "
            "openssl enc -d -id-aes256-wrap-pad -iv a65959a6 -K $(od -An -v -tx1 aes | tr -d ' \\n') "
            "-in second -out plain && cmp plain want";
        struct ck_mech_param p = param_of(CKM_RSA_AES_KEY_WRAP);
        struct buf blob = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *want = crypto_key_material(ec_private, &err),
                   *der = crypto_key_material(rsa_private, &err);
        char command[700];

        (void)state;
        assert_true(wrap(CKM_RSA_AES_KEY_WRAP, &p, rsa_public, ec_private, &blob, NULL, &err));
        write_file("key.der", sec_slice(der));
        write_file("first", slice_of(blob.p, 256));
        write_file("second", slice_of(blob.p + 256, blob.n - 256));
        write_file("want", sec_slice(want));
        snprintf(command, sizeof(command), script, folder);
        assert_int_equal(system(command), 0);
        sec_free(&want);
        sec_free(&der);
        buf_clear(&blob);
}

static int begin(void **state)
{
        struct crypto_key_spec rsa = spec_rsa(2048), ec = spec_p256();
        struct crypto_key *ec_public = NULL;
        struct err err = ERR_INIT;
        bool ok = engine_open(state) == 0 && mkdtemp(folder) &&
                  crypto_key_pair_generate(engine, &rsa, &rsa_private, &rsa_public, &err) &&
                  crypto_key_pair_generate(engine, &ec, &ec_private, &ec_public, &err);

        crypto_key_unref(&ec_public);
        kek = secret_of(CKK_AES, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        return ok ? 0 : -1;
}

static int end(void **state)
{
        char command[100];

        snprintf(command, sizeof(command), "rm -rf %s", folder);
        crypto_key_unref(&kek);
        crypto_key_unref(&rsa_private);
        crypto_key_unref(&rsa_public);
        crypto_key_unref(&ec_private);
        return system(command) == 0 ? engine_close(state) : -1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(secret_keys_travel),
                cmocka_unit_test(private_keys_travel),
                cmocka_unit_test(the_numbers_of_the_lineage_are_the_same_wraps),
                cmocka_unit_test(explicit_ivs_are_refused),
                cmocka_unit_test(cbc_padding_tells_nothing),
                cmocka_unit_test(filling_is_zeros_of_less_than_a_block),
                cmocka_unit_test(padding_of_pkcs7_is_strict),
                cmocka_unit_test(oaep_and_hybrid_tell_nothing),
                cmocka_unit_test(foreign_and_sloppy_contents_are_refused),
                cmocka_unit_test(hybrid_is_read_by_openssl),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
