/* What the partition's owner has decided about keys: a profile, and single settings that may be tighter than
 * it.
 *
 * One row a setting: setting_rows.c. The record stands in the store (s/policy), so that every node holds the
 * same rules and no node's configuration loosens them. Chosen before activation, only tightened afterwards.
 * docs/key-policy.md. */
#ifndef CHSM_VAULT_SETTING_H
#define CHSM_VAULT_SETTING_H

#include "base/buf.h"
#include "base/err.h"

enum vault_profile { VAULT_DOCUMENTED, VAULT_VERIFIED, VAULT_STRICT, VAULT_PROFILES };

enum vault_setting {
        VAULT_SET_SEPARATE_ROLES,
        VAULT_SET_BORN_PROTECTED,
        VAULT_SET_NON_FIPS,
        VAULT_SET_CALLER_IV,
        VAULT_SET_NONSENSITIVE_SESSION,
        VAULT_SET_PUBLIC_BEFORE_LOGIN,
        VAULT_SET_JOIN_REQUIRES_OWNER,
        VAULT_SET_WRAP_STRENGTH,
        VAULT_SET_TRUST_NEEDS,
        VAULT_SETTINGS,
};

/* Values of VAULT_SET_WRAP_STRENGTH: what may wrap a protected key. */
enum vault_wrap_strength {
        VAULT_WRAP_ANY,    /* a weaker key too */
        VAULT_WRAP_RSA_OK, /* no weaker key, but RSA-2048 counts as strong as AES-256 */
        VAULT_WRAP_EQUAL,  /* no weaker key */
};

struct vault_settings {
        uint8_t profile;
        uint8_t value[VAULT_SETTINGS];
};

struct vault_setting_row {
        const char *name;
        uint8_t preset[VAULT_PROFILES];
        uint8_t loosest[VAULT_PROFILES]; /* what the owner may choose within the profile */
        uint8_t most;                    /* values are 0 to most */
        uint8_t honoured;                /* the greatest value this version can keep its word on */
        bool more_is_tighter;
        const char *help;
};
const struct vault_setting_row *vault_setting_row(enum vault_setting);
const char *vault_profile_name(enum vault_profile);

struct vault_settings vault_settings_of(enum vault_profile);
/* Changes one setting, or the profile when the name is "profile". settled: the partition is activated, so
 * that only tighter values are taken. False: unchanged, and err says who could have done what. */
bool vault_settings_change(struct vault_settings *, const char *name, const char *value, bool settled,
                           struct err *);
/* The body of the record. */
void vault_settings_encode(const struct vault_settings *, struct buf *);
bool vault_settings_decode(struct slice body, struct vault_settings *);

#endif
