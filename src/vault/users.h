/* Users: records, failure counters, and the verdict on a password.
 *
 * A user's record is u/<lower-case name>, sealed; his failure counter is f/<lower-case name>. Memory is
 * filled by apply. A user's memory is never freed before the vault is closed, so an opened ticket may keep a
 * pointer to its epoch. spec/semantics.md 2, 5 and 6. */
#ifndef CHSM_VAULT_USERS_H
#define CHSM_VAULT_USERS_H

#include "vault/core.h"
#include "vault/right.h"

#define VAULT_NAME_MAX     31
#define VAULT_PASSWORD_MIN 8
#define VAULT_PASSWORD_MAX 32
#define VAULT_EPOCH_DEAD   UINT64_MAX /* of a deleted user: no ticket has it */
#define VAULT_USER_KEY_MAX 600        /* SubjectPublicKeyInfo of RSA-4096 is 550 */

/* A public key of a person, as DER. */
struct vault_user_key {
        uint16_t n; /* 0: none */
        uint8_t der[VAULT_USER_KEY_MAX];
};

/* A copy of what is known of a user. */
struct vault_user_view {
        uint32_t id;
        enum vault_role role;
        uint64_t epoch;
        char name[VAULT_NAME_MAX + 1];           /* as created */
        char key[VAULT_NAME_MAX + 1];            /* lower case: the store key's rest */
        char password[CRYPTO_PASSWORD_TEXT_MAX]; /* empty: cannot log in */
        int64_t created_ms;
        uint32_t rights;                     /* of enum vault_right; all for who is no CU */
        struct vault_user_key quorum_key;    /* signs approvals */
        struct vault_user_key second_factor; /* asked for at login */
        store_rev rev;
        uint32_t failures;
        uint8_t failed[VAULT_ONCE_SIZE];    /* idempotency key of the last of them; zeros: none known */
        store_rev failures_rev;             /* 0: no counter record */
        const _Atomic uint64_t *live_epoch; /* valid until vault_close */
        const _Atomic uint32_t *live_rights;
};

bool vault_users_open(struct vault *, struct err *);
void vault_users_close(struct vault *); /* NULL-safe */
uint64_t vault_users_count(struct vault *);
/* False: no such user. */
bool vault_user_find(struct vault *, struct slice name, struct vault_user_view *);
bool vault_user_find_id(struct vault *, uint32_t id, struct vault_user_view *);
/* Locked: CO and CU only, as PRECO could not be unlocked by anyone. */
bool vault_user_locked(struct vault *, const struct vault_user_view *);
/* How many officers could log in now, without this one (0: nobody is left out). */
size_t vault_users_officers(struct vault *, uint32_t without);
/* Calls visit for every user, ascending by id; the views are copies. */
bool vault_users_list(struct vault *, struct arena *, struct vault_user_view **out, size_t *n);

/* ERR_USER_NAME or ERR_PASSWORD with what is wrong. */
bool vault_user_name_check(const char *name, struct err *);
bool vault_user_password_check(struct slice password, struct err *);

/* user_record.c: the plain record. Records of before there were rights and keys have them all, and none. */
bool vault_user_encode(const struct vault_user_view *, struct buf *);
/* key: the lower-case name. False: damaged. */
bool vault_user_decode(struct slice plain, struct slice key, struct vault_user_view *);
/* Puts the record, guarded by view->rev (0: absent), into the call's transaction. */
bool vault_user_put(struct vault_call *, const struct vault_user_view *);
/* Takes the counter to `failures` (0 deletes it), guarded by its revision, and keeps the call's idempotency
 * key with it. */
bool vault_user_put_failures(struct vault_call *, const struct vault_user_view *, uint32_t failures);
/* Guards that user record and counter are as in the view. */
bool vault_user_guard(struct vault_call *, const struct vault_user_view *);

/* user_command.c: the user of that name and role, as the call's subject; role 0: any. ERR_USER_ABSENT. */
bool vault_user_target(struct vault_call *, uint32_t role, const char *name, struct vault_user_view *);
/* "CU" and so on, for sentences. */
const char *vault_role_name(uint32_t role);
/* right.c: whether officers have power over this user and his keys, for what they want to do ("change the
 * password"). The answer is guarded: it holds until the call's transaction is committed. ERR_USER_CLOSED. */
bool vault_user_admits_officers(struct vault_call *, uint32_t user_id, const char *what);

/* officers.c: remarks in the answer when, after the call, fewer than two officers could log in. One is left
 * out (0: none), and `more` are counted that are not in memory yet. */
void vault_officers_note(struct vault_call *, uint32_t without, size_t more);

/* Revision of the record of this officer's last recovery on this node; 0: there was none. */
store_rev vault_user_recovered(struct vault *, uint32_t user_id);

/* login.c: the verdict on a password, as guards and changes of the call. *good is only to be told when the
 * transaction has committed: true is guarded (and resets the counter), false is counted, locks at the limit,
 * and sets call->refused. False result: err (locked, or no verdict possible). */
bool vault_login_verdict(struct vault_call *, const struct vault_user_view *, struct slice password,
                         bool *good);

#endif
