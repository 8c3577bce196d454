/* chsm-util: keys out of keys and of passwords. */
#include "tools/util_move.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of -hash, as of wrapKey's -t. */
static const struct {
        uint64_t number, hash, hmac;
        uint32_t kdf, prf; /* of ECDH, of PBKDF2 */
} hash_rows[] = {
        { 2, CKM_SHA_1, CKM_SHA_1_HMAC, CKD_SHA1_KDF, CKP_PKCS5_PBKD2_HMAC_SHA1 },
        { 3, CKM_SHA256, CKM_SHA256_HMAC, CKD_SHA256_KDF, CKP_PKCS5_PBKD2_HMAC_SHA256 },
        { 4, CKM_SHA384, CKM_SHA384_HMAC, CKD_SHA384_KDF, CKP_PKCS5_PBKD2_HMAC_SHA384 },
        { 5, CKM_SHA512, CKM_SHA512_HMAC, CKD_SHA512_KDF, CKP_PKCS5_PBKD2_HMAC_SHA512 },
        { 6, CKM_SHA224, CKM_SHA224_HMAC, CKD_SHA224_KDF, CKP_PKCS5_PBKD2_HMAC_SHA224 },
};

/* What both verbs read from their options. */
struct derive {
        const char *base, *method, *peer, *hash, *salt_file, *info_file, *type, *size;
        struct util_making m;
        uint64_t key_type, bytes;
        size_t row; /* of hash_rows */
        struct buf salt, info, point, parameter;
};

static void derive_clear(struct derive *d)
{
        buf_clear(&d->salt);
        buf_clear(&d->info);
        buf_clear(&d->point);
        sec_wipe(d->parameter.p, d->parameter.n); /* a password may stand in it */
        buf_clear(&d->parameter);
}

/* The options, with SHA-256 where no hash is named. */
static uint32_t derive_read(struct shell *sh, struct derive *d)
{
        uint64_t number = 3;
        uint32_t rv = util_number(sh, "-t", d->type, 0, 1024, &d->key_type);

        if (rv == 0)
                rv = util_number(sh, "-s", d->size, 16, 3072, &d->bytes);
        if (rv == 0 && d->hash)
                rv = util_number(sh, "-hash", d->hash, 2, 6, &number);
        d->row = 0;
        while (hash_rows[d->row].number != number)
                d->row++;
        if (rv == 0 && ((d->salt_file && !util_read(sh, d->salt_file, 4096, &d->salt)) ||
                        (d->info_file && !util_read(sh, d->info_file, 4096, &d->info))))
                rv = err_ckr(&sh->err);
        return rv;
}

/* ---- deriveSymKey ---- */

static uint32_t ecdh(struct shell *sh, struct derive *d)
{
        if (!d->peer)
                return shell_fail(sh, ERR_USAGE, "method 1 (ECDH) needs the other side's public key: -f PEM");
        if (d->salt_file)
                return shell_fail(sh, ERR_USAGE, "method 1 (ECDH) takes no salt");
        if (d->info_file && !d->hash)
                return shell_fail(sh, ERR_USAGE,
                                  "-info goes with -hash: without one the secret is taken as it is");
        if (util_public_point(sh, d->peer, &d->point))
                return err_ckr(&sh->err);
        buf_put_u32(&d->parameter, d->hash ? hash_rows[d->row].kdf : CKD_NULL);
        buf_put_block(&d->parameter, buf_slice(&d->info));
        buf_put_block(&d->parameter, buf_slice(&d->point));
        return 0;
}

static uint32_t hkdf(struct shell *sh, struct derive *d)
{
        (void)sh;
        buf_put_u8(&d->parameter, 1);
        buf_put_u8(&d->parameter, 1);
        buf_put_u64(&d->parameter, hash_rows[d->row].hash);
        buf_put_u32(&d->parameter, d->salt.n ? CKF_HKDF_SALT_DATA : CKF_HKDF_SALT_NULL);
        buf_put_block(&d->parameter, buf_slice(&d->salt));
        buf_put_block(&d->parameter, buf_slice(&d->info));
        return 0;
}

/* SP 800-108: a counter of 32 bits, then what -info holds. */
static uint32_t counter(struct shell *sh, struct derive *d)
{
        struct buf pieces = BUF_INIT;

        if (d->salt_file)
                return shell_fail(sh, ERR_USAGE, "method 3 (SP 800-108) takes no salt");
        buf_put_u32(&pieces, CK_SP800_108_ITERATION_VARIABLE);
        buf_put_u8(&pieces, 1);
        buf_put_u8(&pieces, 0);
        buf_put_u32(&pieces, 32);
        buf_put_u32(&pieces, 0);
        buf_put_u32(&pieces, CK_SP800_108_BYTE_ARRAY);
        buf_put_u8(&pieces, 0);
        buf_put_block(&pieces, buf_slice(&d->info));
        buf_put_u64(&d->parameter, hash_rows[d->row].hmac);
        buf_put_u32(&d->parameter, 2);
        buf_put_block(&d->parameter, buf_slice(&pieces));
        buf_clear(&pieces);
        return 0;
}

static const struct {
        uint64_t mechanism;
        uint32_t (*parameter)(struct shell *, struct derive *);
} method_rows[] = {
        { CKM_ECDH1_DERIVE, ecdh },
        { CKM_HKDF_DERIVE, hkdf },
        { CKM_SP800_108_COUNTER_KDF, counter },
};

static uint32_t derive_call(struct shell *sh, struct derive *d, uint64_t mechanism,
                            struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest body = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct ask_attributes a = { .n = 0 };
        Chsm__ObjectRef base;
        uint64_t *users = NULL;
        uint32_t rv = util_ref(sh, "-k", d->base, &base);

        if (rv == 0)
                rv = util_users(sh, d->m.users, &users, &body.n_share_with);
        ask_number(&a, CKA_CLASS, CKO_SECRET_KEY);
        ask_number(&a, CKA_KEY_TYPE, d->key_type);
        ask_number(&a, CKA_VALUE_LEN, d->bytes);
        if (rv == 0)
                rv = util_making(sh, &d->m, true, &a);
        if (rv == 0)
                rv = util_role(sh, &d->m, CKO_SECRET_KEY, &a);
        if (rv == 0) {
                m.number = mechanism;
                m.parameter = (ProtobufCBinaryData){ d->parameter.n, d->parameter.p };
                body.base_key = &base;
                body.mechanism = &m;
                body.template_ = a.list;
                body.n_template_ = a.n;
                body.share_with = users;
                body.unique_id = true;
                request.derive_key = &body;
                request.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
                rv = chsm_call(util_chsm(sh), &request, answer, &sh->err);
        }
        free(users);
        return rv;
}

static uint32_t made(struct shell *sh, const Chsm__ObjectResponse *object, const char *words)
{
        uint64_t handle = util_made(sh, object);

        shell_say(sh, "\n\t%s  Key Handle: %llu\n", words, (unsigned long long)handle);
        shell_set(sh, "handle", json_integer((json_int_t)handle));
        util_cluster_status(sh);
        return 0;
}

#define DERIVE_OPTIONS(d)                                                                                    \
        { "-t", &(d).type, false, true }, { "-s", &(d).size, false, true },                                  \
            { "-hash", &(d).hash, false, false }, { "-salt", &(d).salt_file, false, false },                 \
            { "-l", &(d).m.label, false, true }, { "-id", &(d).m.id, false, false },                         \
            { "-sess", &(d).m.session, true, false }, { "-nex", &(d).m.not_extractable, true, false },       \
            { "-wrap_with_trusted", &(d).m.trusted, false, false }, { "-u", &(d).m.users, false, false },    \
            { "-min_srv", &(d).m.nodes, false, false }, { "-timeout", &(d).m.timeout, false, false },        \
        {                                                                                                    \
                "-role", &(d).m.role, false, false                                                           \
        }

static uint32_t derive_key(struct shell *sh, int argc, char **argv)
{
        struct derive d = { NULL };
        const struct util_option rows[] = { { "-k", &d.base, false, true },
                                            { "-m", &d.method, false, true },
                                            { "-f", &d.peer, false, false },
                                            { "-info", &d.info_file, false, false },
                                            DERIVE_OPTIONS(d) };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t method = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-m", d.method, 1, 3, &method);
        if (rv == 0 && method != 1 && d.peer)
                rv = shell_fail(sh, ERR_USAGE, "-f is for method 1 (ECDH)");
        if (rv == 0)
                rv = derive_read(sh, &d);
        if (rv == 0)
                rv = method_rows[method - 1].parameter(sh, &d);
        if (rv == 0)
                rv = util_result(sh, "Cfm3DeriveKey",
                                 derive_call(sh, &d, method_rows[method - 1].mechanism, &answer));
        if (rv == 0)
                rv = made(sh, answer.response->derived->objects[0], "Symmetric Key Derived.");
        derive_clear(&d);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- genPBEKey ---- */

#define ITERATIONS_LEAST  10000
#define ITERATIONS_PRESET 600000
#define SALT_LEAST        16

static uint32_t password_parameter(struct shell *sh, struct derive *d, uint64_t iterations, const char *text)
{
        struct sec *password = text ? sec_copy(slice_str(text)) : shell_password(sh, "Enter password: ");

        if (!password)
                return err_ckr(&sh->err);
        if (sec_size(password) < 8) {
                sec_free(&password);
                return shell_fail(sh, ERR_USAGE, "the password of a key has at least 8 characters");
        }
        buf_put_u32(&d->parameter, hash_rows[d->row].prf);
        buf_put_u32(&d->parameter, (uint32_t)iterations);
        buf_put_block(&d->parameter, buf_slice(&d->salt));
        buf_put_block(&d->parameter, sec_slice(password));
        sec_free(&password);
        return buf_ok(&d->parameter) ? 0 : shell_fail(sh, ERR_MEMORY, "no memory for a password");
}

static uint32_t password_call(struct shell *sh, struct derive *d, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct ask_attributes a = { .n = 0 };
        uint64_t *users = NULL;
        uint32_t rv = util_users(sh, d->m.users, &users, &body.n_share_with);

        ask_number(&a, CKA_KEY_TYPE, d->key_type);
        ask_number(&a, CKA_VALUE_LEN, d->bytes);
        if (rv == 0)
                rv = util_making(sh, &d->m, true, &a);
        if (rv == 0)
                rv = util_role(sh, &d->m, CKO_SECRET_KEY, &a);
        if (rv == 0) {
                m.number = CKM_PKCS5_PBKD2;
                m.parameter = (ProtobufCBinaryData){ d->parameter.n, d->parameter.p };
                body.mechanism = &m;
                body.template_ = a.list;
                body.n_template_ = a.n;
                body.share_with = users;
                body.unique_id = true;
                request.generate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
                rv = chsm_call(util_chsm(sh), &request, answer, &sh->err);
        }
        free(users);
        return rv;
}

static uint32_t password_key(struct shell *sh, int argc, char **argv)
{
        struct derive d = { NULL };
        const char *iterations = NULL, *password = NULL, *hidden = NULL;
        const struct util_option rows[] = { { "-i", &iterations, false, false },
                                            { "-p", &password, false, false },
                                            { "-hpswd", &hidden, true, false },
                                            DERIVE_OPTIONS(d) };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t n = ITERATIONS_PRESET;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = derive_read(sh, &d);
        if (rv == 0 && iterations)
                rv = util_number(sh, "-i", iterations, ITERATIONS_LEAST, 10000000, &n);
        if (rv == 0 && d.salt.n < SALT_LEAST)
                rv = shell_fail(sh, ERR_USAGE, "give a file of at least %d bytes of salt with -salt",
                                SALT_LEAST);
        if (rv == 0 && d.key_type != CKK_AES && d.key_type != CKK_GENERIC_SECRET)
                rv = shell_fail(
                    sh, ERR_KEY_TYPE,
                    "a password makes keys of type 31 (AES) and 16 (generic secret), not %s: triple DES "
                    "is not made any more",
                    d.type);
        if (rv == 0 && !password == !hidden)
                rv = shell_fail(sh, ERR_USAGE, "give the password with -p, or -hpswd to be asked for it");
        if (rv == 0)
                rv = password_parameter(sh, &d, n, password);
        if (rv == 0)
                rv = util_result(sh, "Cfm3GenerateSymmetricKey", password_call(sh, &d, &answer));
        if (rv == 0)
                rv = made(sh, answer.response->object, "Symmetric Key Created.");
        derive_clear(&d);
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- what is not made ---- */

static uint32_t dsa_pair(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return util_result(
            sh, "Cfm3GenerateKeyPair",
            shell_fail(sh, ERR_UNSUPPORTED,
                       "DSA keys are not made: FIPS 186-5 has withdrawn DSA; make an EC pair with "
                       "genECCKeyPair, which signs faster with shorter keys"));
}

#define NEW                                                                                                  \
        "-l LABEL [-id ID] [-role wrap|encrypt|sign] [-sess] [-nex] [-wrap_with_trusted 0|1] [-u USER_IDS]"

const struct shell_command util_derive_rows[] = {
        { "deriveSymKey",
          "-k BASE_HANDLE -m 1|2|3 -t TYPE -s BYTES " NEW " [-f PEM] [-hash HASH] [-salt FILE] [-info FILE]",
          "derive a key: 1 ECDH with a public key of -f, and with -hash ANSI X9.63; 2 HKDF; 3 SP 800-108 in "
          "counter "
          "mode. Hashes: 2 SHA-1, 3 SHA-256, 4 SHA-384, 5 SHA-512, 6 SHA-224",
          0, 34, false, derive_key, "deriveSymKey -k 262154 -m 1 -f peer.pem -hash 3 -t 31 -s 32 -l shared" },
        { "genPBEKey", "-t 31|16 -s BYTES -salt FILE -p PASSWORD|-hpswd " NEW " [-hash HASH] [-i ITERATIONS]",
          "make a key of a password (PBKDF2)", 0, 32, false, password_key,
          "genPBEKey -t 31 -s 32 -salt salt.bin -hpswd -l backup" },
        { "genDSAKeyPair", "[-m BITS] [-l LABEL]", "refused, with the reason: DSA is withdrawn", 0, 30, false,
          dsa_pair, "genDSAKeyPair -m 2048 -l old" },
        { 0 },
};
