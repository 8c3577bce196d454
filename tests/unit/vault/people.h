/* People with RSA keys of their own, which sign with libcrypto alone; and the requests of a quorum as
 * functions. Each returns the CKR_ value. */
#ifndef CHSM_TESTS_VAULT_PEOPLE_H
#define CHSM_TESTS_VAULT_PEOPLE_H

#include "calls.h"

#define PEOPLE 6

/* The person's public key as PEM; made at the first call. */
struct slice person_pem(int person);
/* PKCS#1 v1.5 with SHA-256 of the data. */
struct given person_sign(int person, struct slice data);
/* The same of a digest that is there already. */
struct given person_sign_digest(int person, const uint8_t digest[32]);

struct token_file {
        uint8_t id[16];
        uint8_t p[4096];
        size_t n;
};
struct approval {
        const char *user;
        uint32_t role;
        int person; /* with whose key */
};

/* old: the person whose key is replaced, or -1. */
uint32_t register_key(struct caller *, uint32_t role, const char *user, int person, int old);
uint32_t set_m(struct caller *, uint32_t service, uint32_t m);
uint32_t get_m(struct caller *, uint32_t service, uint32_t *m);
/* handle 0 and target NULL: none. Adds to the file's text, so that a file can hold several. */
uint32_t get_token(struct caller *, uint32_t service, const char *user, uint64_t handle, const char *target,
                   struct token_file *);
uint32_t approve(struct caller *, const struct token_file *, const struct approval *, size_t n);
/* A token of this service that everybody in the list has approved; the last refusal else. */
uint32_t approved_token(struct caller *, uint32_t service, const char *user, uint64_t handle,
                        const struct approval *, size_t n);
/* How many tokens the caller sees; *held: the approvals of the last one. */
size_t count_tokens(struct caller *, uint32_t *held);
uint32_t delete_token(struct caller *, const uint8_t id[16]);
uint32_t set_timeout(struct caller *, uint32_t seconds);
uint32_t delete_user(struct caller *, uint32_t role, const char *user);
uint32_t change_password(struct caller *, uint32_t role, const char *user, const char *password);
/* An AES token key that `quorum` users must approve, shared with one. */
uint32_t make_quorum_key(struct caller *, uint32_t quorum, uint64_t shared_with, struct attributes *,
                         struct named *);

#endif
