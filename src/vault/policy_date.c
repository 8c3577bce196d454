#include "vault/policy.h"

/* What a key that has ended still does with what was made in its time. NIST SP 800-57: recipient usage. */
#define AFTER_END                                                                                            \
        (1u << CRYPTO_DECRYPT | 1u << CRYPTO_UNWRAP | 1u << CRYPTO_VERIFY | 1u << CRYPTO_VERIFY_RECOVER)

/* Today as a CK_DATE. */
static void today(struct vault *v, char out[8])
{
        char text[CLOCK_TEXT_SIZE];

        (void)clock_text(clock_wall_ms(&v->deps.clock), text); /* YYYY-MM-DDT... */
        memcpy(out, text, 4);
        memcpy(out + 4, text + 5, 2);
        memcpy(out + 6, text + 8, 2);
}

bool vault_policy_date(struct vault_call *call, const struct vault_object *o, enum crypto_op op)
{
        struct slice from, until;
        char now[8];

        if (!(o->flags & VAULT_DATED))
                return true;
        from = vault_object_attribute(o, CKA_START_DATE);
        until = vault_object_attribute(o, CKA_END_DATE);
        today(call->vault, now);
        if (from.n == sizeof(now) && memcmp(now, from.p, sizeof(now)) < 0)
                return err_set(&call->err, ERR_KEY_DATE, "the key's CKA_START_DATE is %.8s, today is %.8s",
                               (const char *)from.p, now);
        if (until.n == sizeof(now) && memcmp(now, until.p, sizeof(now)) > 0 && !(AFTER_END & 1u << op))
                return err_set(&call->err, ERR_KEY_DATE,
                               "the key's CKA_END_DATE is %.8s, today is %.8s; it only decrypts, unwraps and "
                               "verifies what is there",
                               (const char *)until.p, now);
        return true;
}
