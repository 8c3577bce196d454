/* Rights of a crypto user: what an officer may take from him (setUserAttributes), and whether officers have
 * power over him at all (disableUserAccess). spec/semantics.md 6 and 7. */
#ifndef CHSM_VAULT_RIGHT_H
#define CHSM_VAULT_RIGHT_H

enum vault_right {
        VAULT_RIGHT_SIGN = 1u << 0,
        VAULT_RIGHT_WRAP = 1u << 1,
        VAULT_RIGHT_UNWRAP = 1u << 2,
        VAULT_RIGHT_MODIFIABLE = 1u << 3,
        VAULT_RIGHT_DERIVE = 1u << 4,
        VAULT_RIGHT_KEYGEN = 1u << 5,
        VAULT_RIGHT_MANAGE_BY_CO = 1u << 6, /* once off, off for good */
};
#define VAULT_RIGHTS_ALL 0x7fu

#endif
