/* chsm-util: signing and verifying files. */
#include "tools/util.h"

#include <openssl/ecdsa.h>
#include <stdio.h>

#define OP_SIGN  2 /* enum crypto_op, as an authorisation names it */
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
        bool ecdsa;
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
        if (rv == 0)
                rv = util_ref(sh, "-k", key, &u->key);
        if (rv == 0 && !util_read(sh, file, FILE_MAX, &u->data))
                rv = err_ckr(&sh->err);
        for (size_t i = 0; rv == 0 && i < MECHANISMS; i++) {
                if (mechanism_rows[i].number != number)
                        continue;
                u->mechanism.number = mechanism_rows[i].mechanism;
                u->ecdsa = number >= 15 && number <= 19;
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

/* ---- ECDSA: the node's r and s side by side, and the DER that openssl and everybody else reads ---- */

static bool der_of(struct slice raw, struct buf *out)
{
        ECDSA_SIG *sig = ECDSA_SIG_new();
        BIGNUM *r = BN_bin2bn(raw.p, (int)(raw.n / 2), NULL);
        BIGNUM *s = BN_bin2bn(raw.p + raw.n / 2, (int)(raw.n / 2), NULL);
        bool ok = sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1;
        unsigned char *der = NULL;
        int n;

        if (!ok) {
                BN_free(r);
                BN_free(s);
        }
        n = ok ? i2d_ECDSA_SIG(sig, &der) : 0;
        if (n > 0)
                buf_put(out, der, (size_t)n);
        OPENSSL_free(der);
        ECDSA_SIG_free(sig);
        return n > 0 && buf_ok(out);
}

/* A DER signature becomes the raw form in place; anything else stays as it is: it may be raw already. */
static void raw_of(struct buf *signature, size_t half)
{
        const unsigned char *at = signature->p;
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)signature->n);
        uint8_t raw[160];

        if (sig && at == signature->p + signature->n && half * 2 <= sizeof(raw) &&
            BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half) > 0 &&
            BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, (int)half) > 0) {
                buf_reset(signature);
                buf_put(signature, raw, 2 * half);
        }
        ECDSA_SIG_free(sig);
}

/* Bytes of r, by the key's point: 1 + 2 * field bytes, within an OCTET STRING of one or two length bytes. For
 * the curves offered the order is as wide as the field. */
static size_t half_of(struct shell *sh, const Chsm__ObjectRef *key)
{
        static const uint64_t type = CKA_EC_POINT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct err err = ERR_INIT;
        size_t n = 0;

        if (ask_get(util_chsm(sh), key, &type, 1, &answer, &err) == 0)
                n = answer.response->attributes->attributes[0]->value.len;
        chsm_answer_clear(&answer);
        return n < 3 ? 0 : (n - (n > 129 ? 4 : 3)) / 2;
}

static uint32_t sign(struct shell *sh, int argc, char **argv)
{
        const char *file = NULL, *key = NULL, *mechanism = NULL, *out = NULL, *raw = NULL, *password = NULL,
                   *hidden = NULL;
        const struct util_option rows[] = {
                { "-f", &file, false, true },      { "-k", &key, false, true },
                { "-m", &mechanism, false, true }, { "-out", &out, false, true },
                { "-raw", &raw, true, false },     { "-p", &password, false, false },
                { "-hpswd", &hidden, true, false }
        };
        struct buf authorisation = BUF_INIT;
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SignRequest body = CHSM__SIGN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct use u = { .data = BUF_INIT, .parameter = BUF_INIT };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = use_begin(sh, file, key, mechanism, &u);
        if (rv == 0 && (rv = util_authorise(sh, &u.key, OP_SIGN, password, hidden, &authorisation)))
                rv = util_result(sh, "Cfm3Sign", rv);
        if (rv == 0) {
                request.authorisation = (ProtobufCBinaryData){ authorisation.n, authorisation.p };
                body.key = &u.key;
                body.mechanism = &u.mechanism;
                body.data = (ProtobufCBinaryData){ u.data.n, u.data.p };
                request.sign = &body;
                request.body_case = CHSM__REQUEST__BODY_SIGN;
                rv = util_result(sh, "Cfm3Sign", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;
                struct slice bytes = slice_of(r->data.data, r->data.len);
                struct buf der = BUF_INIT;

                if (u.ecdsa && !raw && der_of(bytes, &der))
                        bytes = buf_slice(&der);
                if (!util_write(sh, out, bytes, 0644))
                        rv = err_ckr(&sh->err);
                else
                        shell_say(sh, "\n\tsignature is written to file %s\n", out);
                buf_clear(&der);
                if (rv == 0)
                        util_cluster_status(sh);
        }
        buf_clear(&authorisation);
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
        if (rv == 0 && u.ecdsa)
                raw_of(&bytes, half_of(sh, &u.key));
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
        { "sign", "-f FILE -k PRIVATE_HANDLE -m MECHANISM -out SIGNATURE [-raw] [-p PASSWORD|-hpswd]",
          "sign a file; mechanisms: 0-4 RSA PKCS#1 with SHA-1/256/384/512/224, 5-9 PSS, 15-19 ECDSA, 28 "
          "EdDSA; an ECDSA signature is DER unless -raw; -p and -hpswd for a key that asks at each use",
          0, 12, false, sign },
        { "verify", "-f FILE -s SIGNATURE -k PUBLIC_HANDLE -m MECHANISM", "verify a file's signature", 0, 8,
          false, verify },
        { 0 },
};
