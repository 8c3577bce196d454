/* Rights of a crypto user: what an officer may take from him (setUserAttributes), and whether officers have
 * power over him at all (disableUserAccess). spec/semantics.md 6 and 7.
 *
 * right_rows.c says which command and which multi-part operation needs which; dispatch.c asks before any
 * handler, streams ask once more with each step. Other roles have no rights and need none. */
#ifndef CHSM_VAULT_RIGHT_H
#define CHSM_VAULT_RIGHT_H

#include "crypto/mechanism.h"
#include "vault/vault.h"

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

struct vault_call;

struct vault_right_row {
        enum vault_right right;
        const char *name; /* in files of setUserAttributes: "CKA_USER_SIGN" */
        const char *does; /* "sign" */
};
/* NULL past the end. */
const struct vault_right_row *vault_right_at(size_t i);

/* What a request needs, as a mask of enum vault_right; 0: nothing. */
uint32_t vault_right_of_request(const Chsm__Request *);
uint32_t vault_right_of_operation(enum crypto_op);
/* ERR_RIGHT when the caller is a crypto user who lacks one of them. */
bool vault_right_check(struct vault_call *, uint32_t needed);

#endif
