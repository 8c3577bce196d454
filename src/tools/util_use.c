/* chsm-util: signing and verifying files. */
#include "tools/util.h"

#include <stdio.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)

/* Numbers of the documented tool. */
static const struct {
        uint64_t number;
        const char *name;
        CK_MECHANISM_TYPE mechanism;
        CK_MECHANISM_TYPE pss_hash; /* 0: no PSS */
        uint32_t mgf, salt;
} mechanism_rows[] = {
        { 0, "SHA1_RSA_PKCS", CKM_SHA1_RSA_PKCS, 0, 0, 0 },
        { 1, "SHA256_RSA_PKCS", CKM_SHA256_RSA_PKCS, 0, 0, 0 },
        { 2, "SHA384_RSA_PKCS", CKM_SHA384_RSA_PKCS, 0, 0, 0 },
        { 3, "SHA512_RSA_PKCS", CKM_SHA512_RSA_PKCS, 0, 0, 0 },
        { 4, "SHA224_RSA_PKCS", CKM_SHA224_RSA_PKCS, 0, 0, 0 },
        { 5, "SHA1_RSA_PKCS_PSS", CKM_SHA1_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20 },
        { 6, "SHA256_RSA_PKCS_PSS", CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32 },
        { 7, "SHA384_RSA_PKCS_PSS", CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48 },
        { 8, "SHA512_RSA_PKCS_PSS", CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, 64 },
        { 9, "SHA224_RSA_PKCS_PSS", CKM_SHA224_RSA_PKCS_PSS, CKM_SHA224, CKG_MGF1_SHA224, 28 },
        { 15, "ECDSA_SHA1", CKM_ECDSA_SHA1, 0, 0, 0 },
        { 16, "ECDSA_SHA224", CKM_ECDSA_SHA224, 0, 0, 0 },
        { 17, "ECDSA_SHA256", CKM_ECDSA_SHA256, 0, 0, 0 },
        { 18, "ECDSA_SHA384", CKM_ECDSA_SHA384, 0, 0, 0 },
        { 19, "ECDSA_SHA512", CKM_ECDSA_SHA512, 0, 0, 0 },
        { 28, "EDDSA", CKM_EDDSA, 0, 0, 0 },
};
#define MECHANISMS (sizeof(mechanism_rows) / sizeof(mechanism_rows[0]))

/* What sign and verify read from their options. */
struct use {
        struct buf data, parameter;
        Chsm__Mechanism mechanism;
        Chsm__ObjectRef key;
};

static void use_clear(struct use *u)
{
        buf_clear(&u->data);
        buf_clear(&u->parameter);
}

static uint32_t use_begin(struct shell *sh, const char *file, const char *key, const char *mechanism,
                          struct use *u)
{
        uint64_t number = 0;
        uint32_t rv = util_number(sh, "-m", mechanism, 0, 64, &number);

        chsm__mechanism__init(&u->mechanism);
        chsm__object_ref__init(&u->key);
        if (rv == 0)
                rv = util_number(sh, "-k", key, 1, UINT32_MAX, &u->key.handle);
        if (rv == 0 && !util_read(sh, file, FILE_MAX, &u->data))
                rv = err_ckr(&sh->err);
        for (size_t i = 0; rv == 0 && i < MECHANISMS; i++) {
                if (mechanism_rows[i].number != number)
                        continue;
                u->mechanism.number = mechanism_rows[i].mechanism;
                if (mechanism_rows[i].pss_hash) { /* flat form: hash u64, mask u32, salt u32 */
                        buf_put_u64(&u->parameter, mechanism_rows[i].pss_hash);
                        buf_put_u32(&u->parameter, mechanism_rows[i].mgf);
                        buf_put_u32(&u->parameter, mechanism_rows[i].salt);
                }
                u->mechanism.parameter = (ProtobufCBinaryData){ u->parameter.n, u->parameter.p };
                return 0;
        }
        return rv ? rv
                  : shell_fail(sh, ERR_MECHANISM, "there is no signature mechanism %s; try: sign -h",
                               mechanism);
}

static uint32_t sign(struct shell *sh, int argc, char **argv)
{
        const char *file = NULL, *key = NULL, *mechanism = NULL, *out = NULL;
        const struct util_option rows[] = { { "-f", &file, false, true },
                                            { "-k", &key, false, true },
                                            { "-m", &mechanism, false, true },
                                            { "-out", &out, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SignRequest body = CHSM__SIGN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct use u = { .data = BUF_INIT, .parameter = BUF_INIT };
        uint32_t rv = util_options(sh, argc, argv, rows, 4);

        if (rv == 0)
                rv = use_begin(sh, file, key, mechanism, &u);
        if (rv == 0) {
                body.key = &u.key;
                body.mechanism = &u.mechanism;
                body.data = (ProtobufCBinaryData){ u.data.n, u.data.p };
                request.sign = &body;
                request.body_case = CHSM__REQUEST__BODY_SIGN;
                rv = util_result(sh, "Cfm3Sign", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;

                if (!util_write(sh, out, slice_of(r->data.data, r->data.len), 0644))
                        rv = err_ckr(&sh->err);
                else
                        shell_say(sh, "\n\tsignature is written to file %s\n", out);
        }
        use_clear(&u);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t verify(struct shell *sh, int argc, char **argv)
{
        const char *file = NULL, *key = NULL, *mechanism = NULL, *signature = NULL;
        const struct util_option rows[] = { { "-f", &file, false, true },
                                            { "-s", &signature, false, true },
                                            { "-k", &key, false, true },
                                            { "-m", &mechanism, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__VerifyRequest body = CHSM__VERIFY_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct use u = { .data = BUF_INIT, .parameter = BUF_INIT };
        struct buf bytes = BUF_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 4);

        if (rv == 0)
                rv = use_begin(sh, file, key, mechanism, &u);
        if (rv == 0 && !util_read(sh, signature, 65536, &bytes))
                rv = err_ckr(&sh->err);
        if (rv == 0) {
                body.key = &u.key;
                body.mechanism = &u.mechanism;
                body.data = (ProtobufCBinaryData){ u.data.n, u.data.p };
                body.signature = (ProtobufCBinaryData){ bytes.n, bytes.p };
                request.verify = &body;
                request.body_case = CHSM__REQUEST__BODY_VERIFY;
                rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
                if (rv == 0)
                        shell_say(sh, "\n\tSignature verification successful\n");
                rv = util_result(sh, "Cfm3Verify", rv);
        }
        buf_clear(&bytes);
        use_clear(&u);
        chsm_answer_clear(&answer);
        return rv;
}

const struct shell_command util_use_rows[] = {
        { "sign", "-f FILE -k PRIVATE_HANDLE -m MECHANISM -out SIGNATURE",
          "sign a file; mechanisms: 0-4 RSA PKCS#1 with SHA-1/256/384/512/224, 5-9 PSS, 15-19 ECDSA, 28 "
          "EdDSA",
          0, 8, false, sign },
        { "verify", "-f FILE -s SIGNATURE -k PUBLIC_HANDLE -m MECHANISM", "verify a file's signature", 0, 8,
          false, verify },
        { 0 },
};
