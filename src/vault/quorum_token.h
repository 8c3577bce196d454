/* Quorum tokens as data: what one says, its stored form, and the text that approvers sign. Nothing here knows
 * of a store, a clock or a user.
 *
 * A token is asked for by somebody who is logged in, approved by signatures of others over the file that its
 * text stands in, and spent by one operation of the same login. spec/semantics.md 8; docs/quorum.md. */
#ifndef CHSM_VAULT_QUORUM_TOKEN_H
#define CHSM_VAULT_QUORUM_TOKEN_H

#include "base/buf.h"

#define VAULT_TOKEN_ID       16
#define VAULT_TOKEN_FILE_MAX (16 * 1024) /* tokens of a few dozen nodes */
#define VAULT_QUORUM_MAX     8           /* approvals one operation can need */

/* Services by number; 3 and 4 are documented, the others are ours. */
enum vault_service {
        VAULT_SERVICE_KEY_USE = 1,
        VAULT_SERVICE_KEY_MGMT = 2,
        VAULT_SERVICE_USER_MGMT = 3,
        VAULT_SERVICE_MISC_CO = 4,
        VAULT_SERVICE_KEY_TRUST = 5,
        VAULT_SERVICE_POLICY = 6,
        VAULT_SERVICES, /* one more than the last */
};
/* "USER_MGMT"; NULL: there is no such service. */
const char *vault_service_name(uint32_t service);
/* True: each key says how many approvals it needs, and its users give them. */
bool vault_service_is_of_keys(uint32_t service);

struct vault_approval {
        uint32_t user_id;
        uint8_t key[32]; /* SHA-256 of the public key it was verified with */
};

struct vault_token {
        uint8_t id[VAULT_TOKEN_ID];
        uint8_t service;
        uint32_t user_id;  /* who asked */
        uint8_t login[32]; /* SHA-256 of the ticket he asked with */
        uint32_t handle;   /* key tokens: of the key; else 0 */
        char user[32];     /* his name, as created */
        char target[32];   /* the only user it may be spent on, in lower case; empty: any */
        char node[65];     /* that gave it */
        char partition[33];
        int64_t expires_ms;
        uint32_t approval_count;
        struct vault_approval approvals[VAULT_QUORUM_MAX];
        int64_t rev; /* of its record; not stored in it */
};

void vault_token_encode(const struct vault_token *, struct buf *);
/* False: damaged. */
bool vault_token_decode(struct slice, struct vault_token *);
/* What is shown to approvers, ten lines with an empty one at the end. The login is not told. */
void vault_token_text(const struct vault_token *, struct buf *);
/* True: the file is made of such texts and nothing else, so that nobody signs a token hidden among other
 * words. */
bool vault_token_file_check(struct slice file);
/* How many of the texts are of this partition. The file was checked. */
size_t vault_token_file_count(struct slice file, const char *partition);
/* True: one of the texts is this token's, to the letter. The file was checked. */
bool vault_token_file_has(struct slice file, const struct vault_token *);
/* True: this user's approval is there. */
bool vault_token_approved_by(const struct vault_token *, uint32_t user_id);

#endif
