/* chsm-util: public keys come in. Nothing in them is secret, so no KEK is needed; nothing they wrap is
 * protected either (spec/key-rules.md A07). */
#include "base/text.h"
#include "tools/util_move.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* Attributes of a public key, and the bytes they lend. */
struct parts {
        struct ask_attributes a;
        struct buf params, point, modulus, exponent;
};

static void parts_clear(struct parts *p)
{
        buf_clear(&p->params);
        buf_clear(&p->point);
        buf_clear(&p->modulus);
        buf_clear(&p->exponent);
}

static bool put_number(const EVP_PKEY *key, const char *name, struct buf *out)
{
        BIGNUM *n = NULL;
        uint8_t *at;
        bool ok = EVP_PKEY_get_bn_param(key, name, &n) == 1 &&
                  (at = buf_extend(out, (size_t)BN_num_bytes(n))) && BN_bn2bin(n, at) >= 0;

        BN_free(n);
        return ok;
}

/* The public point: encoded by its curve, or as it is. */
static struct slice point_of(EVP_PKEY *key, unsigned char **owned, uint8_t raw[64])
{
        size_t n = 64;

        if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
                n = EVP_PKEY_get1_encoded_public_key(key, owned);
                return slice_of(*owned, n);
        }
        return EVP_PKEY_get_raw_public_key(key, raw, &n) == 1 ? slice_of(raw, n) : SLICE_EMPTY;
}

/* The point as an OCTET STRING, and the curve by its name. */
static bool put_point(EVP_PKEY *key, struct parts *p)
{
        unsigned char *bytes = NULL, *params = NULL, *der = NULL;
        uint8_t raw[64];
        struct slice point = point_of(key, &bytes, raw);
        ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
        int params_n = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC
                           ? i2d_KeyParams(key, &params)
                           : i2d_ASN1_OBJECT(OBJ_nid2obj(EVP_PKEY_get_base_id(key)), &params);
        int der_n = point.n && octets && ASN1_OCTET_STRING_set(octets, point.p, (int)point.n) == 1
                        ? i2d_ASN1_OCTET_STRING(octets, &der)
                        : 0;

        if (params_n > 0)
                buf_put(&p->params, params, (size_t)params_n);
        if (der_n > 0)
                buf_put(&p->point, der, (size_t)der_n);
        OPENSSL_free(bytes);
        OPENSSL_free(params);
        OPENSSL_free(der);
        ASN1_OCTET_STRING_free(octets);
        return params_n > 0 && der_n > 0;
}

static void put_rsa(struct parts *p)
{
        ask_number(&p->a, CKA_KEY_TYPE, CKK_RSA);
        ask_bytes(&p->a, CKA_MODULUS, buf_slice(&p->modulus));
        ask_bytes(&p->a, CKA_PUBLIC_EXPONENT, buf_slice(&p->exponent));
}

static uint32_t parts_of(struct shell *sh, EVP_PKEY *key, const char *file, struct parts *p)
{
        int id = EVP_PKEY_get_base_id(key);
        bool ok;

        switch (id) {
        case EVP_PKEY_RSA:
                ok = put_number(key, "n", &p->modulus) && put_number(key, "e", &p->exponent);
                put_rsa(p);
                break;
        case EVP_PKEY_EC:
        case EVP_PKEY_ED25519:
        case EVP_PKEY_ED448:
        case EVP_PKEY_X25519:
        case EVP_PKEY_X448:
                ok = put_point(key, p);
                ask_number(&p->a, CKA_KEY_TYPE,
                           id == EVP_PKEY_EC                                ? CKK_EC
                           : id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 ? CKK_EC_EDWARDS
                                                                            : CKK_EC_MONTGOMERY);
                ask_bytes(&p->a, CKA_EC_PARAMS, buf_slice(&p->params));
                ask_bytes(&p->a, CKA_EC_POINT, buf_slice(&p->point));
                break;
        default:
                return shell_fail(sh, ERR_KEY_TYPE, "'%s' holds a key of a type that is not kept here", file);
        }
        return ok ? 0 : shell_fail(sh, ERR_CRYPTO, "the public key in '%s' cannot be read", file);
}

static uint32_t create(struct shell *sh, const struct util_making *m, struct parts *p)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CreateObjectRequest body = CHSM__CREATE_OBJECT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_making(sh, m, false, &p->a);

        if (rv == 0)
                rv = util_role(sh, m, CKO_PUBLIC_KEY, &p->a);
        if (rv)
                return rv;
        ask_number(&p->a, CKA_CLASS, CKO_PUBLIC_KEY);
        body.template_ = p->a.list;
        body.n_template_ = p->a.n;
        body.unique_id = true;
        request.create_object = &body;
        request.body_case = CHSM__REQUEST__BODY_CREATE_OBJECT;
        rv = util_result(sh, "Cfm3CreatePublicKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        if (rv == 0) {
                uint64_t handle = util_made(sh, answer.response->object);

                shell_say(sh, "\n\tPublic Key Handle: %llu\n", (unsigned long long)handle);
                shell_set(sh, "handle", json_integer((json_int_t)handle));
                util_cluster_status(sh);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static EVP_PKEY *read_public(struct shell *sh, const char *file)
{
        struct buf text = BUF_INIT;
        BIO *bio =
            util_read(sh, file, UTIL_KEY_FILE_MAX, &text) ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
        EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

        if (bio && !key)
                (void)shell_fail(sh, ERR_USAGE, "'%s' holds no public key in PEM", file);
        BIO_free(bio);
        buf_clear(&text);
        ERR_clear_error();
        return key;
}

static uint32_t import_public(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *file = NULL;
        const struct util_option rows[] = {
                { "-l", &m.label, false, true },         { "-f", &file, false, true },
                { "-id", &m.id, false, false },          { "-sess", &m.session, true, false },
                { "-role", &m.role, false, false },      { "-min_srv", &m.nodes, false, false },
                { "-timeout", &m.timeout, false, false }
        };
        struct parts p = { .a = { .n = 0 } };
        EVP_PKEY *key = NULL;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0 && !(key = read_public(sh, file)))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                rv = parts_of(sh, key, file, &p);
        if (rv == 0)
                rv = create(sh, &m, &p);
        EVP_PKEY_free(key);
        parts_clear(&p);
        return rv;
}

static uint32_t create_public(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *modulus = NULL, *exponent = NULL;
        const struct util_option rows[] = {
                { "-l", &m.label, false, true },        { "-m", &modulus, false, true },
                { "-e", &exponent, false, true },       { "-id", &m.id, false, false },
                { "-sess", &m.session, true, false },   { "-role", &m.role, false, false },
                { "-min_srv", &m.nodes, false, false }, { "-timeout", &m.timeout, false, false }
        };
        struct parts p = { .a = { .n = 0 } };
        uint64_t e = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-e", exponent, 3, UINT32_MAX, &e);
        if (rv == 0 && (!text_from_hex(slice_str(modulus), &p.modulus) || p.modulus.n == 0))
                rv = shell_fail(sh, ERR_USAGE, "option -m takes the modulus as hex digits");
        if (rv == 0) {
                for (int shift = 24; shift >= 0; shift -= 8) {
                        if (e >> shift)
                                buf_put_u8(&p.exponent, (uint8_t)(e >> shift));
                }
                put_rsa(&p);
                rv = create(sh, &m, &p);
        }
        parts_clear(&p);
        return rv;
}

uint32_t util_public_point(struct shell *sh, const char *file, struct buf *out)
{
        EVP_PKEY *key = read_public(sh, file);
        unsigned char *bytes = NULL;
        uint8_t raw[64];
        struct slice point = SLICE_EMPTY;
        uint32_t rv = key ? 0 : err_ckr(&sh->err);

        if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
                point = point_of(key, &bytes, raw);
        buf_put_slice(out, point);
        if (key && !point.n)
                rv = shell_fail(sh, ERR_KEY_TYPE, "'%s' holds no key of an elliptic curve", file);
        OPENSSL_free(bytes);
        EVP_PKEY_free(key);
        return rv;
}

/* PEM, or DER as one document has it. */
static EVP_PKEY *read_either(struct shell *sh, const char *file)
{
        struct buf bytes = BUF_INIT;
        const unsigned char *at;
        EVP_PKEY *key = NULL;

        if (!util_read(sh, file, UTIL_KEY_FILE_MAX, &bytes))
                return NULL;
        at = bytes.p;
        if (bytes.n && bytes.p[0] == 0x30)
                key = d2i_PUBKEY(NULL, &at, (long)bytes.n);
        buf_clear(&bytes);
        ERR_clear_error();
        return key ? key : read_public(sh, file);
}

uint32_t util_public_session(struct shell *sh, const char *file, struct chsm_answer *answer,
                             Chsm__ObjectRef *ref)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CreateObjectRequest body = CHSM__CREATE_OBJECT_REQUEST__INIT;
        struct parts p = { .a = { .n = 0 } };
        EVP_PKEY *key = read_either(sh, file);
        uint32_t rv = key ? parts_of(sh, key, file, &p) : err_ckr(&sh->err);

        if (rv == 0) {
                ask_number(&p.a, CKA_CLASS, CKO_PUBLIC_KEY);
                ask_bool(&p.a, CKA_TOKEN, false);
                ask_bool(&p.a, CKA_WRAP, true);
                body.template_ = p.a.list;
                body.n_template_ = p.a.n;
                request.create_object = &body;
                request.body_case = CHSM__REQUEST__BODY_CREATE_OBJECT;
                rv = chsm_call(util_chsm(sh), &request, answer, &sh->err);
        }
        chsm__object_ref__init(ref);
        if (rv == 0)
                ref->sealed = answer->response->object->sealed;
        EVP_PKEY_free(key);
        parts_clear(&p);
        return rv;
}

#define MORE " [-id ID] [-role wrap|encrypt|sign] [-sess] [-min_srv N [-timeout S]]"

const struct shell_command util_public_rows[] = {
        { "importPubKey", "-l LABEL -f PEM" MORE, "import a public key from a PEM file", 0, 14, false,
          import_public, "importPubKey -l partner -f partner.pub" },
        { "createPublicKey", "-l LABEL -m MODULUS_HEX -e EXPONENT" MORE,
          "make an RSA public key of its numbers", 0, 16, false, create_public,
          "createPublicKey -l partner -m c0ffee... -e 65537" },
        { 0 },
};
