/* Code and words of every refusal of policy_model.c. The codes are those of spec/key-rules.md. */
#include "vault/policy_model.h"

static const struct vault_rule_row rows[] = {
        [VAULT_RULE_TRUST_IS_GIVEN] = { ERR_ATTRIBUTE_READ_ONLY,
                                        "only a crypto officer makes a key trusted, after it was made" },
        [VAULT_RULE_READABLE_TOKEN] = { ERR_TEMPLATE_INCONSISTENT, "a private or secret token key cannot "
                                                                   "have CKA_SENSITIVE=FALSE; leave the "
                                                                   "attribute out, or make a session key" },
        [VAULT_RULE_READABLE_SESSION] = { ERR_TEMPLATE_INCONSISTENT,
                                          "CKA_SENSITIVE=FALSE is off in this partition "
                                          "(allow_nonsensitive_session)" },
        [VAULT_RULE_BORN_PROTECTED] = { ERR_TEMPLATE_INCONSISTENT,
                                        "in this partition a private or secret key has CKA_EXTRACTABLE=FALSE "
                                        "or "
                                        "CKA_WRAP_WITH_TRUSTED=TRUE from birth (born_protected=1, which "
                                        "nobody loosens; see getPolicy)" },
        [VAULT_RULE_TWO_ROLES] = { ERR_TEMPLATE_INCONSISTENT,
                                   "in this partition a key wraps, or encrypts, or signs, and never two of "
                                   "these in "
                                   "its life, in whatever object (separate_roles=1, which nobody loosens; "
                                   "see getPolicy)" },
        [VAULT_RULE_KNOWN_WRAPS] = { ERR_ATTRIBUTE_READ_ONLY, "in this partition a key whose value was given "
                                                              "does not wrap (separate_roles=1, which nobody "
                                                              "loosens; see getPolicy)" },
        [VAULT_RULE_CHILD_WRAPS] = { ERR_TEMPLATE_INCONSISTENT, "in this partition a derived key does not "
                                                                "wrap or unwrap, as it can be derived "
                                                                "again for another use (separate_roles=1, "
                                                                "which nobody loosens; see getPolicy)" },
        [VAULT_RULE_AGREED_WRAPS] = { ERR_TEMPLATE_INCONSISTENT,
                                      "in this partition an encapsulated key, which a peer has too, does not "
                                      "wrap or unwrap (separate_roles=1, which nobody loosens; see "
                                      "getPolicy)" },
        [VAULT_RULE_SENT_WRAPS] = { ERR_TEMPLATE_INCONSISTENT,
                                    "in this partition a key that anybody could "
                                    "have sent, under a public key, does "
                                    "not wrap (separate_roles=1, which nobody loosens; see getPolicy)" },
        [VAULT_RULE_ROLE_GAINED] = { ERR_ATTRIBUTE_READ_ONLY,
                                     "in this partition a key keeps the role it was "
                                     "born with: to wrap, or encrypt, or "
                                     "sign (separate_roles=1, which nobody loosens; see getPolicy)" },
        [VAULT_RULE_UNWRAPPED_HIDDEN] = { ERR_TEMPLATE_INCONSISTENT,
                                          "a key that was outside in a wrapped form has CKA_SENSITIVE=TRUE" },
        [VAULT_RULE_UNWRAPPED_WWT] = { ERR_TEMPLATE_INCONSISTENT,
                                       "a trusted key unwrapped it, so it has CKA_WRAP_WITH_TRUSTED=TRUE" },
        [VAULT_RULE_CHILD_HIDDEN] = { ERR_TEMPLATE_INCONSISTENT, "the base key is sensitive, so the derived "
                                                                 "one has CKA_SENSITIVE=TRUE" },
        [VAULT_RULE_CHILD_UNEXTRACTABLE] = { ERR_TEMPLATE_INCONSISTENT,
                                             "the base key is not extractable, so the derived one has "
                                             "CKA_EXTRACTABLE=FALSE" },
        [VAULT_RULE_CHILD_WWT] = { ERR_TEMPLATE_INCONSISTENT, "the base key has CKA_WRAP_WITH_TRUSTED=TRUE, "
                                                              "so the derived one has it too" },
        [VAULT_RULE_STAYS_HIDDEN] = { ERR_ATTRIBUTE_READ_ONLY, "what is sensitive stays so, in every copy" },
        [VAULT_RULE_STAYS_UNEXTRACTABLE] = { ERR_ATTRIBUTE_READ_ONLY,
                                             "what is not extractable stays so, in every copy" },
        [VAULT_RULE_STAYS_WWT] = { ERR_ATTRIBUTE_READ_ONLY,
                                   "CKA_WRAP_WITH_TRUSTED=TRUE stays so, in every copy" },
        [VAULT_RULE_QUORUM_COPY] = { ERR_ACTION_PROHIBITED,
                                     "users must approve its uses, and a copy would be "
                                     "its owner's alone, so it is not copied" },
        [VAULT_RULE_QUORUM_WRAP] = { ERR_KEY_NOT_WRAPPABLE,
                                     "users must approve its uses, and nobody would be asked about what is "
                                     "unwrapped, so it is not wrapped; a masked object keeps the quorum" },
        [VAULT_RULE_QUORUM_SPLIT] = { ERR_KEY_FUNCTION, "users must approve its uses, and nobody would be "
                                                        "asked about the result, so it is neither split nor "
                                                        "joined" },
        [VAULT_RULE_TRUSTED_COPY] = { ERR_ACTION_PROHIBITED, "a key that is or was trusted is not copied" },
        [VAULT_RULE_TRUSTED_CHANGE] = { ERR_ATTRIBUTE_READ_ONLY,
                                        "the key is or was trusted; what it may do stays as it is" },
        [VAULT_RULE_OFFICER_ONLY] = { ERR_ATTRIBUTE_READ_ONLY, "only a crypto officer changes CKA_TRUSTED" },
        [VAULT_RULE_USAGE] = { ERR_KEY_FUNCTION, "the key's usage attributes do not allow this" },
        [VAULT_RULE_TRUSTED_ONLY_WRAPS] = { ERR_KEY_FUNCTION, "the key is or was trusted, and such a key "
                                                              "only wraps and unwraps" },
        [VAULT_RULE_TRUSTED_UNAUTHENTICATED] = { ERR_MECHANISM, "a trusted key wraps and unwraps with "
                                                                "authenticated mechanisms only, "
                                                                "AES key wrap or GCM" },
        [VAULT_RULE_TWO_ROLES_WRAP] = { ERR_KEY_FUNCTION,
                                        "the key has or had another role than to wrap, so "
                                        "it does not wrap or unwrap "
                                        "(separate_roles=1, which nobody loosens; see getPolicy)" },
        [VAULT_RULE_RAW_RSA] = { ERR_KEY_FUNCTION, "raw RSA would open what this key unwraps" },
        [VAULT_RULE_WRAP_OWNER] = { ERR_KEY_NOT_WRAPPABLE, "only the owner of a key can wrap it" },
        [VAULT_RULE_WRAP_UNEXTRACTABLE] = { ERR_KEY_UNEXTRACTABLE, "the key has CKA_EXTRACTABLE=FALSE" },
        [VAULT_RULE_WRAP_ITSELF] = { ERR_KEY_NOT_WRAPPABLE, "a key cannot wrap itself" },
        [VAULT_RULE_WRAP_KNOWN] = { ERR_KEY_NOT_WRAPPABLE,
                                    "in this partition a public key from outside does "
                                    "not wrap (separate_roles=1, which nobody loosens; see getPolicy)" },
        [VAULT_RULE_WRAP_UNTRUSTED] = { ERR_KEY_NOT_WRAPPABLE, "the key is wrapped by trusted keys only, and "
                                                               "the wrapping key is not "
                                                               "trusted" },
        [VAULT_RULE_WRAP_WEAKER] = { ERR_WRAPPING_KEY_SIZE, "the wrapping key is weaker than the key it "
                                                            "would protect (wrap_strength)" },
        [VAULT_RULE_SPOILT_IMPORTED] = { ERR_WRAPPING_KEY,
                                         "the trusted key was not generated in the HSM, so it "
                                         "opens nothing protected" },
        [VAULT_RULE_SPOILT_DERIVED] = { ERR_WRAPPING_KEY,
                                        "the trusted key was derived from another, so it opens "
                                        "nothing protected" },
        [VAULT_RULE_SPOILT_AGREED] = { ERR_WRAPPING_KEY,
                                       "the trusted key was encapsulated, and a peer has it too, so it "
                                       "opens nothing protected" },
        [VAULT_RULE_SPOILT_EXTRACTABLE] = { ERR_WRAPPING_KEY,
                                            "the trusted key was extractable or has left the HSM, "
                                            "so it opens nothing protected" },
        [VAULT_RULE_SPOILT_DATA] = { ERR_WRAPPING_KEY,
                                     "the trusted key was used for data, copied, or able to be "
                                     "used so, so it opens nothing protected" },
        [VAULT_RULE_SPOILT_HALF] = { ERR_WRAPPING_KEY, "the private half of the trusted key could do more "
                                                       "than unwrap, or is not here, "
                                                       "so it opens nothing protected" },
        [VAULT_RULE_TRUST_TWIN] = { ERR_ACTION_PROHIBITED, "another object has the same value; what the "
                                                           "trusted key wraps would open "
                                                           "there" },
        [VAULT_RULE_TRUST_BORN] = { ERR_ACTION_PROHIBITED,
                                    "in this partition only a key that was generated "
                                    "here, never extractable, and "
                                    "never able to do more than wrap and unwrap is "
                                    "trusted (born_protected=1, which nobody loosens; see getPolicy)" },
};

const struct vault_rule_row *vault_rule_row(enum vault_rule rule)
{
        return &rows[rule];
}
