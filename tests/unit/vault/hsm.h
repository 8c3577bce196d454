/* A whole HSM inside a test: real store, real cryptography, the ceremony done with real certificates. */
#ifndef CHSM_TESTS_VAULT_HSM_H
#define CHSM_TESTS_VAULT_HSM_H

#include "test.h"
#include "ck/cryptoki.h"
#include "vault/vault.h"

struct hsm {
        char *folder;
        struct crypto *crypto;
        struct store *store;
        struct vault *vault;
        struct sec *file_key;
        struct crypto_key *owner_key;
        struct buf owner; /* PO.crt, DER */
        struct vault_peer peer;
        char *stage;       /* folder of a store being restored; NULL: none */
        bool adopted;      /* the next hsm_restart opens it */
        bool rebase;       /* for hsm_reopen */
        bool no_room;      /* scratch files cannot be made */
        struct buf noted;  /* what the node noted of the records; empty: nothing */
        int64_t wall_ms;   /* the vault's clock */
        int64_t mono_more; /* added to its monotonic one */
        struct err err;
        char note[256];      /* of the last answer */
        char detail[400];    /* the same */
        struct arena *arena; /* of the last answer */
};

/* Somebody who sends requests: an application context and perhaps a login. */
struct caller {
        struct hsm *hsm;
        uint8_t context[16];
        uint8_t ticket[256];
        size_t ticket_n;
        uint64_t user_id;
};

struct hsm *hsm_new(void);                        /* unowned */
void hsm_ceremony(struct hsm *);                  /* owned and activated: CO admin / admin1234 */
void hsm_issue(struct hsm *, struct buf *poac);   /* makes the owner's key and certificates, stores nothing */
void hsm_own(struct hsm *, struct caller *preco); /* owned; PRECO logged in */
void hsm_activate(struct caller *preco);
struct hsm *hsm_ready(void); /* with CUs cu1, cu2 / user1234 */
struct hsm *hsm_ready_as(const char *profile);
void hsm_restart(struct hsm *); /* closes and opens vault and store */
/* Another HSM with the same partition: what a restored backup gives. The first one is left as it is. */
struct hsm *hsm_clone(struct hsm *);
struct hsm *hsm_over(struct store *); /* unowned, on this store, which it takes over */
/* Closes the vault and opens it over the same store; false: err says why not. */
bool hsm_reopen(struct hsm *, bool rebase);
void hsm_free(struct hsm *);
/* Opens the vault over h->store, or over the folder's: as node 1, or as another one. */
void hsm_open_as(struct hsm *h, uint32_t number);
struct caller caller_new(struct hsm *);
/* Sends with ticket, context and a fresh idempotency key; the answer lives until the HSM's next one. */
const Chsm__Response *ask(struct caller *, Chsm__Request *);
/* The same with an idempotency key of the caller's choice. */
const Chsm__Response *ask_again(struct caller *, Chsm__Request *, const uint8_t key[16]);
/* The CKR_ value. */
uint32_t caller_login(struct caller *, uint32_t role, const char *user, const char *password);
struct caller caller_cu(struct hsm *, const char *user); /* logged in with user1234 */
struct caller caller_co(struct hsm *);                   /* admin, logged in */
uint32_t caller_create_user(struct caller *, uint32_t role, const char *user, const char *password);
/* The owner's signature of the challenge that the caller gets for this officer; its length. */
size_t hsm_owner_signs(struct caller *, const char *officer, uint8_t signature[256]);
uint32_t caller_set_policy(struct caller *, const char *name, const char *value);
uint32_t caller_store_cert(struct caller *, uint32_t type, struct slice der);

/* ---- attributes and objects ---- */
struct attributes {
        Chsm__Attribute rows[24];
        Chsm__Attribute *list[24];
        uint8_t bytes[24][16];
        bool lent[24]; /* the value lies elsewhere */
        size_t n;
};
void add_bool(struct attributes *, uint64_t type, bool);
void add_number(struct attributes *, uint64_t type, uint64_t);
void add_bytes(struct attributes *, uint64_t type, struct slice);
/* The list for a request, valid until the struct is moved; a NULL struct is an empty list. */
void attributes_lend(struct attributes *, Chsm__Attribute ***list, size_t *n);
/* A named object: a handle, or a copy of a sealed blob (2 KiB at most). */
struct named {
        Chsm__ObjectRef ref;
        uint8_t blob[4096];
};
void name_object(struct named *, const Chsm__ObjectResponse *);
/* The CKR_ value; on 0 the object is named. Attributes may be NULL. */
uint32_t make_aes(struct caller *, bool token, struct attributes *more, struct named *);
uint32_t make_pair(struct caller *, uint64_t mechanism, bool token, struct attributes *pub,
                   struct attributes *priv, struct named *public_key, struct named *private_key);
uint32_t destroy(struct caller *, struct named *);
uint32_t set_attribute(struct caller *, struct named *, struct attributes *);
/* Copies the value into out (at most cap bytes); the attribute's status, or the request's. */
uint32_t get_attribute(struct caller *, struct named *, uint64_t type, uint8_t *out, size_t cap, size_t *n);
size_t count_objects(struct caller *, struct attributes *wanted);
extern const uint8_t hsm_p256[10];

#endif
