/* Every partition setting, one row each: what each profile begins with, and how loose the owner may make it.
 */
#include "vault/setting.h"

#define SAME(documented, verified, strict)                                                                   \
        .preset = { documented, verified, strict }, .loosest = { documented, verified, strict }

static const struct vault_setting_row rows[] = {
        [VAULT_SET_SEPARATE_ROLES] = { .name = "separate_roles",
                                       SAME(0, 1, 1),
                                       .most = 1,
                                       .honoured = 1,
                                       .more_is_tighter = true,
                                       .help = "a key wraps, or encrypts, or signs, never two of these" },
        [VAULT_SET_BORN_PROTECTED] = { .name = "born_protected",
                                       SAME(0, 1, 1),
                                       .most = 1,
                                       .honoured = 1,
                                       .more_is_tighter = true,
                                       .help =
                                           "hidden keys are not extractable or wrap-with-trusted from birth; "
                                           "only keys born to wrap are trusted" },
        [VAULT_SET_NON_FIPS] = { .name = "non_fips",
                                 SAME(1, 1, 0),
                                 .most = 1,
                                 .honoured = 1,
                                 .help = "mechanisms that FIPS 140-3 does not approve" },
        [VAULT_SET_CALLER_IV] = { .name = "caller_iv",
                                  SAME(1, 1, 0),
                                  .most = 1,
                                  .honoured = 1,
                                  .help = "the caller may choose the IV of AES-GCM" },
        [VAULT_SET_NONSENSITIVE_SESSION] = { .name = "allow_nonsensitive_session",
                                             SAME(1, 0, 0),
                                             .most = 1,
                                             .honoured = 1,
                                             .help =
                                                 "session secrets may be readable (Java and OpenSSL need it "
                                                 "for key agreement)" },
        [VAULT_SET_PUBLIC_BEFORE_LOGIN] = { .name = "public_before_login",
                                            .preset = { 1, 1, 1 },
                                            .loosest = { 1, 1, 1 },
                                            .most = 1,
                                            .honoured = 1,
                                            .help = "public objects can be read without a login" },
        [VAULT_SET_JOIN_REQUIRES_OWNER] = { .name = "join_requires_owner",
                                            SAME(0, 1, 1),
                                            .most = 1,
                                            .honoured = 1,
                                            .more_is_tighter = true,
                                            .help =
                                                "a node joins the cluster only with the owner's signature" },
        [VAULT_SET_WRAP_STRENGTH] = { .name = "wrap_strength",
                                      .preset = { 1, 1, 1 },
                                      .loosest = { 0, 1, 1 },
                                      .most = 2,
                                      .honoured = 2,
                                      .more_is_tighter = true,
                                      .help = "what wraps a protected key: 0 any trusted key, 1 none that is "
                                              "weaker but RSA-2048, 2 none that is weaker" },
        [VAULT_SET_TRUST_NEEDS] = { .name = "trust_needs",
                                    .preset = { 1, 1, 1 },
                                    .loosest = { 1, 1, 1 },
                                    .most = 8,
                                    .honoured = 8,
                                    .more_is_tighter = true,
                                    .help = "officers needed to make a key trusted" },
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) == VAULT_SETTINGS, "every setting needs its row");

const struct vault_setting_row *vault_setting_row(enum vault_setting setting)
{
        return &rows[setting];
}
