/* The rows of key_advice.h, the gravest first. */
#include "vault/key_advice.h"

#define SHARED_MANY 4 /* users besides the owner */

static bool hidden(const struct vault_advice_facts *f)
{
        return f->object_class == CKO_SECRET_KEY || f->object_class == CKO_PRIVATE_KEY;
}

static bool all(const struct vault_advice_facts *f, uint32_t flags)
{
        return (f->flags & flags) == flags;
}

static bool extractable_untrusted(const struct vault_advice_facts *f)
{
        return hidden(f) && all(f, VAULT_EXTRACTABLE) && !(f->flags & VAULT_WRAP_WITH_TRUSTED);
}

static bool wraps_and_decrypts(const struct vault_advice_facts *f)
{
        return hidden(f) && !(f->flags & VAULT_TRUSTED) &&
               (all(f, VAULT_WRAP | VAULT_DECRYPT) || all(f, VAULT_UNWRAP | VAULT_ENCRYPT));
}

static bool trusted_and_decrypts(const struct vault_advice_facts *f)
{
        return all(f, VAULT_TRUSTED) &&
               (f->flags & (VAULT_DECRYPT | VAULT_ENCRYPT | VAULT_SIGN | VAULT_DERIVE));
}

static bool too_many_rights(const struct vault_advice_facts *f)
{
        int jobs = ((f->flags & (VAULT_ENCRYPT | VAULT_DECRYPT)) != 0) +
                   ((f->flags & (VAULT_SIGN | VAULT_VERIFY)) != 0) +
                   ((f->flags & (VAULT_WRAP | VAULT_UNWRAP)) != 0) + ((f->flags & VAULT_DERIVE) != 0);

        return hidden(f) && jobs >= 3;
}

static bool shared_widely(const struct vault_advice_facts *f)
{
        return f->shared >= SHARED_MANY;
}

static bool expired(const struct vault_advice_facts *f)
{
        return f->days_left < 0 && f->state == CHSM_KEY_CURRENT;
}

static bool expiring(const struct vault_advice_facts *f)
{
        return f->days_left >= 0 && f->days_left <= f->limits.expiring_days && f->state == CHSM_KEY_CURRENT;
}

static bool old(const struct vault_advice_facts *f)
{
        return hidden(f) && f->age_days >= f->limits.old_days && f->state == CHSM_KEY_CURRENT;
}

static bool unused(const struct vault_advice_facts *f)
{
        return hidden(f) && f->unused_days >= f->limits.unused_days && f->state != CHSM_KEY_SUPERSEDED;
}

static bool superseded_unused(const struct vault_advice_facts *f)
{
        return hidden(f) && f->unused_days >= f->limits.unused_days && f->state == CHSM_KEY_SUPERSEDED;
}

static bool officers_alone(const struct vault_advice_facts *f)
{
        return f->officers_alone;
}

static const struct vault_advice_row rows[] = {
        { "single-officer", VAULT_ADVICE_SERIOUS, true, officers_alone,
          "fewer than two crypto officers could log in: if one is lost, only the owner's key opens the "
          "account again",
          "createUser CO NAME PASSWORD" },
        { "extractable-untrusted", VAULT_ADVICE_SERIOUS, false, extractable_untrusted,
          "it leaves the HSM under any key its owner chooses, as CKA_EXTRACTABLE is TRUE without "
          "CKA_WRAP_WITH_TRUSTED",
          "chsm-util: setAttribute -o %u -a 528 -v 1" },
        { "wraps-and-decrypts", VAULT_ADVICE_SERIOUS, false, wraps_and_decrypts,
          "what it wraps it also decrypts, so every key wrapped under it can be read",
          "chsm-util: setAttribute -o %u -a 261 -v 0" },
        { "trusted-for-data", VAULT_ADVICE_WARNING, false, trusted_and_decrypts,
          "it is trusted and could have been used for data; the HSM refuses that now, but a wrapping key is "
          "best "
          "made for wrapping alone",
          "chsm-util: genSymKey -t 31 -s 32 -l LABEL -role wrap -nex, then trust that one in place of %u" },
        { "too-many-rights", VAULT_ADVICE_WARNING, false, too_many_rights,
          "it encrypts, signs, wraps or derives, three or more of these; a key is best made for one",
          "chsm-util: setAttribute -o %u -a ATTRIBUTE -v 0 for what it is not used for" },
        { "shared-widely", VAULT_ADVICE_WARNING, false, shared_widely,
          "four users or more may use it besides its owner", "chsm-mgmt: shareKey %u USER_ID 0" },
        { "expired", VAULT_ADVICE_WARNING, false, expired,
          "its CKA_END_DATE has passed, so it makes nothing new", "chsm-util: rotateKey -k %u -ed YYYYMMDD" },
        { "expiring", VAULT_ADVICE_WARNING, false, expiring, "its CKA_END_DATE is near",
          "chsm-util: rotateKey -k %u -ed YYYYMMDD" },
        { "old", VAULT_ADVICE_NOTE, false, old, "it was made long ago and has not been rotated since",
          "chsm-util: rotateKey -k %u" },
        { "unused", VAULT_ADVICE_NOTE, false, unused, "it has not been used for long",
          "chsm-util: deleteKey -k %u" },
        { "superseded-unused", VAULT_ADVICE_NOTE, false, superseded_unused,
          "a newer version has taken its place, and nothing old has been opened with it for long",
          "chsm-util: retireKey -k %u" },
};

const struct vault_advice_row *vault_advice_at(size_t i)
{
        return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}
