/* EdDSA (RFC 8032): pure, with a context, or of the hash of the data. libcrypto before 3.2 has the pure form
 * without a context only; what it lacks is refused. */
#include "crypto/mechanism_internal.h"

#include <openssl/params.h>

/* Provider parameters of libcrypto 3.2, which the headers of 3.0 do not name. */
#define PARAM_INSTANCE "instance"
#define PARAM_CONTEXT  "context-string"
#define CONTEXT_MAX    255

bool crypto_eddsa_has_instances(struct crypto *c)
{
        EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(c->context, "ED25519", NULL);
        const OSSL_PARAM *list = signature ? EVP_SIGNATURE_settable_ctx_params(signature) : NULL;
        bool has = list && OSSL_PARAM_locate_const(list, PARAM_INSTANCE);

        EVP_SIGNATURE_free(signature);
        ERR_clear_error();
        return has;
}

static bool is_plain(const struct ck_mech_param *p)
{
        return !(p && p->present && (p->u.eddsa.prehash || p->u.eddsa.context.n));
}

static bool eddsa_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                        const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        if (is_plain(p))
                return true;
        if (p->u.eddsa.context.n > CONTEXT_MAX)
                return err_set(err, ERR_MECHANISM_PARAM, "a context of %zu bytes; RFC 8032 allows %d",
                               p->u.eddsa.context.n, CONTEXT_MAX);
        return !key || key->crypto->eddsa_instances ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "%s is offered without context and without pre-hashing; the rest needs libcrypto 3.2",
                       m->name);
}

static size_t eddsa_output_max(const struct crypto_run *r)
{
        return r->key->bits == 256 ? 64 : 114;
}

/* RFC 8032 5: Ed25519 has a name of its own for a context, Ed448 always has one. */
static const char *instance_of(const struct crypto_run *r)
{
        bool small = r->key->bits == 256;

        if (r->param->u.eddsa.prehash)
                return small ? "Ed25519ph" : "Ed448ph";
        return small ? "Ed25519ctx" : "Ed448";
}

static void fill_params(const struct crypto_run *r, OSSL_PARAM params[3])
{
        struct slice context = is_plain(r->param) ? SLICE_EMPTY : r->param->u.eddsa.context;
        size_t n = 0;

        if (!is_plain(r->param))
                params[n++] =
                    OSSL_PARAM_construct_utf8_string(PARAM_INSTANCE, (char *)(uintptr_t)instance_of(r), 0);
        if (context.n)
                params[n++] =
                    OSSL_PARAM_construct_octet_string(PARAM_CONTEXT, (void *)(uintptr_t)context.p, context.n);
        params[n] = OSSL_PARAM_construct_end();
}

static bool eddsa_sign(struct crypto_run *r, struct err *err)
{
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        OSSL_PARAM params[3];
        bool ok;

        fill_params(r, params);
        ok =
            context &&
            EVP_DigestSignInit_ex(context, NULL, NULL, r->crypto->context, NULL, r->key->pkey, params) == 1 &&
            EVP_DigestSign(context, r->out, r->out_n, r->in.p ? r->in.p : r->out, r->in.n) == 1;
        EVP_MD_CTX_free(context);
        return ok || crypto_failed(err, "an EdDSA signature");
}

static bool eddsa_verify(struct crypto_run *r, struct err *err)
{
        static const uint8_t none[1] = { 0 };
        EVP_MD_CTX *context;
        OSSL_PARAM params[3];
        bool ok;

        if (r->signature.n != eddsa_output_max(r))
                return err_set(err, ERR_SIGNATURE_LEN, "the signature has %zu bytes; this key makes %zu",
                               r->signature.n, eddsa_output_max(r));
        context = EVP_MD_CTX_new();
        fill_params(r, params);
        ok =
            context &&
            EVP_DigestVerifyInit_ex(context, NULL, NULL, r->crypto->context, NULL, r->key->pkey, params) ==
                1 &&
            EVP_DigestVerify(context, r->signature.p, r->signature.n, r->in.p ? r->in.p : none, r->in.n) == 1;
        EVP_MD_CTX_free(context);
        ERR_clear_error();
        return ok || err_set(err, ERR_SIGNATURE, "the signature does not match");
}

const struct crypto_family crypto_family_eddsa = {
        .check = eddsa_check,
        .output_max = eddsa_output_max,
        .sign = eddsa_sign,
        .verify = eddsa_verify,
};
