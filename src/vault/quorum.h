/* Quorum: operations that several people must approve. Values and tokens in memory, and paying for an
 * operation.
 *
 * w/quorum holds how many approvals each service needs (1: off) and how long tokens live; w/tokens makes
 * those who ask for tokens take turns, so that their number is exact; t/<id> is a token. An operation that
 * needs approvals deletes its token in its own transaction, under guards on the token, the values and every
 * approver's record: so a token is spent once, and only while what it was approved by still holds.
 * spec/semantics.md 8; docs/quorum.md. */
#ifndef CHSM_VAULT_QUORUM_H
#define CHSM_VAULT_QUORUM_H

#include "vault/object.h"
#include "vault/quorum_token.h"
#include "vault/users.h"

#define VAULT_TOKENS_MAX       1024
#define VAULT_TOKENS_OF_KEYS   768 /* the rest is for officers */
#define VAULT_TOKENS_OF_USER   64  /* so that nobody fills the store alone */
#define VAULT_TOKEN_LIFE_S     600
#define VAULT_TOKEN_LIFE_LEAST 30
#define VAULT_TOKEN_LIFE_MOST  86400
#define VAULT_TOKENS_DROP      4 /* expired ones that go with a new one */

struct vault_quorum_values {
        uint8_t m[VAULT_SERVICES]; /* approvals; 1: off */
        uint32_t life_s;           /* of a token */
        store_rev rev;             /* 0: no record */
};

bool vault_quorum_open(struct vault *, struct err *);
void vault_quorum_close(struct vault *); /* NULL-safe */
struct vault_quorum_values vault_quorum_now(struct vault *);
/* Guards that the values are these; puts others. */
bool vault_quorum_guard(struct vault_call *, const struct vault_quorum_values *);
bool vault_quorum_put(struct vault_call *, const struct vault_quorum_values *);
/* Approvals an officer's service needs, with what the partition's policy asks for besides (trust_needs). */
uint32_t vault_quorum_needs(struct vault *, const struct vault_quorum_values *, uint32_t service);

/* ---- tokens in memory ---- */
/* A copy; false: there is no such token. */
bool vault_token_find(struct vault *, const uint8_t id[VAULT_TOKEN_ID], struct vault_token *);
/* Copies of those that `wanted` chooses, at most `cap`; NULL chooses all. */
size_t vault_tokens_choose(struct vault *, bool (*wanted)(const void *arg, const struct vault_token *),
                           const void *arg, struct vault_token *out, size_t cap);
size_t vault_tokens_count(struct vault *, store_rev *turn_rev);
/* Into the call's transaction, guarded by token->rev (0: absent). */
bool vault_token_put(struct vault_call *, const struct vault_token *);
bool vault_token_delete(struct vault_call *, const struct vault_token *);
/* The login of the call, as tokens are bound to it. */
bool vault_token_login(struct vault_call *, uint8_t login[32]);

/* ---- quorum_pay.c ---- */
/* Is this person's approval one that counts? o: the key of a key token, else NULL. */
bool vault_quorum_may_approve(struct vault *, const struct vault_token *, const struct vault_object *o,
                              const struct vault_user_view *);
/* How many of the token's approvals hold now. */
uint32_t vault_quorum_holding(struct vault_call *, const struct vault_token *, const struct vault_object *o);
/* After a handler: when its changes are of a service that needs approvals, a token of this login that has
 * them is spent with them; else ERR_QUORUM. */
bool vault_quorum_pay(struct vault_call *);
/* Before a key with a quorum is used or managed: spends a token of this login for that key. A use spends it
 * even when it then fails. True when the key has no quorum. */
bool vault_quorum_pay_key(struct vault_call *, const struct vault_object *, enum vault_service);

/* ---- quorum_key.c ---- */
/* Reads an RSA-2048 public key, PEM or DER; der gets SubjectPublicKeyInfo. */
bool vault_person_key_read(struct vault *, struct slice pem_or_der, struct vault_user_key *, struct err *);
/* Does the person's RSA key say that he signed these bytes (PKCS#1 v1.5, SHA-256)? */
bool vault_person_signed(struct vault *, const struct vault_user_key *, struct slice data,
                         struct slice signature);
/* The same for a SHA-256 digest that is signed as such. */
bool vault_person_signed_digest(struct vault *, const struct vault_user_key *, const uint8_t digest[32],
                                struct slice signature);
bool vault_person_key_hash(struct vault *, const struct vault_user_key *, uint8_t out[32]);

#endif
