#include "vault/certificate.h"
#include "ck/cryptoki.h"
#include "crypto/cert.h"

/* Attributes that repeat what the certificate says. */
static const uint64_t repeated[] = { CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_PUBLIC_KEY_INFO, CKA_START_DATE,
                                     CKA_END_DATE };

static bool kind_fits(struct vault_call *call, const struct vault_template *t)
{
        struct slice value = vault_template_get(t, CKA_VALUE);
        uint64_t kind = vault_template_number(t, CKA_CERTIFICATE_TYPE, CKC_X_509);

        if (kind != CKC_X_509)
                return err_set(&call->err, ERR_ATTRIBUTE_VALUE,
                               "certificates of type %llu are not kept here, X.509 (0) is",
                               (unsigned long long)kind);
        if (value.n)
                return true;
        if (!vault_template_get(t, CKA_URL).n)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "a certificate needs a CKA_VALUE, or a CKA_URL where it is found");
        return (vault_template_get(t, CKA_HASH_OF_SUBJECT_PUBLIC_KEY).n &&
                vault_template_get(t, CKA_HASH_OF_ISSUER_PUBLIC_KEY).n) ||
               err_set(&call->err, ERR_TEMPLATE_INCOMPLETE,
                       "a certificate that is only a CKA_URL needs the hashes of subject's and issuer's key");
}

static bool repeat(struct vault_call *call, struct vault_template *t, uint64_t type)
{
        struct buf field = BUF_INIT;
        struct slice copy = SLICE_EMPTY;
        bool ok = true;

        if (crypto_cert_field(call->vault->deps.crypto, vault_template_get(t, CKA_VALUE), type, &field)) {
                copy = arena_copy(call->arena, buf_slice(&field));
                ok = copy.p != NULL;
        }
        buf_clear(&field);
        return (ok && vault_template_set(call, t, type, copy)) ||
               err_set(&call->err, ERR_MEMORY, "no memory for a certificate");
}

static bool check_value(struct vault_call *call, struct vault_template *t, const struct vault_template *given)
{
        uint8_t *made = arena_alloc(call->arena, 3);
        struct slice value = vault_template_get(t, CKA_VALUE),
                     said = vault_template_get(given, CKA_CHECK_VALUE);

        if (!value.n)
                return true; /* what stands elsewhere cannot be checked */
        if (!made || !crypto_cert_check_value(call->vault->deps.crypto, value, made))
                return err_set(&call->err, ERR_MEMORY, "no memory for a certificate");
        if (said.n && !slice_equal(said, slice_of(made, 3)))
                return err_set(&call->err, ERR_ATTRIBUTE_VALUE,
                               "CKA_CHECK_VALUE is not that of this certificate");
        return vault_template_set(call, t, CKA_CHECK_VALUE, slice_of(made, 3));
}

bool vault_certificate_fill(struct vault_call *call, struct vault_template *t,
                            const struct vault_template *given)
{
        if (!given)
                given = t;
        if (!kind_fits(call, t) || !check_value(call, t, given))
                return false;
        for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
                if (!vault_template_get(given, repeated[i]).n && !repeat(call, t, repeated[i]))
                        return false;
        }
        return vault_template_has(t, CKA_NAME_HASH_ALGORITHM) ||
               vault_template_set_number(call, t, CKA_NAME_HASH_ALGORITHM, CKM_SHA_1);
}
