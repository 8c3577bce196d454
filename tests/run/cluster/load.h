/* An application's work while its cluster is broken, and what it saw of it: every call that can change
 * something or show a change goes into a history, which check_history.py judges.
 *
 * One process holds several applications: each is a copy of the module's file, loaded as a library of its
 * own, with its own C_Initialize and its own login. What the module has no call for (sharing, users) is asked
 * with libchsm through the same daemon. */
#ifndef CHSM_TESTS_RUN_CLUSTER_LOAD_H
#define CHSM_TESTS_RUN_CLUSTER_LOAD_H

#include "ck/cryptoki.h"
#include "client/chsm.h"
#include <stdatomic.h>
#include <stdio.h>

/* ---- the history (history.c): one line a call, fields parted by tabs:
 * kind who call start_us end_us result rv subject value
 *
 * kind: write (a change), read (what a call showed), use (a key did its work), guess (a password of an
 * account that is attacked), all (from start to end everything of that kind of subject was read that there
 * is). result: ok, refused (for certain not done), unknown (no node could say). */

bool history_open(const char *path);
void history_close(void);
int64_t history_now_us(void);

struct history_call {
        const char *kind, *who, *call;
        int64_t start_us;
};
/* A call begins now. */
struct history_call history_begin(const char *kind, const char *who, const char *call);
/* It has ended: subject and value say what was changed or seen. */
void history_end(const struct history_call *, uint32_t rv, const char *value, const char *subject, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- applications (load_app.c) ---- */

struct app {
        CK_FUNCTION_LIST_PTR f;
        const char *who; /* in the history */
        char user[64];
        uint64_t user_id;
};

/* Loads a copy of the module; nobody is logged in. False: said on stderr. */
bool app_open(struct app *, const char *module, const char *folder, const char *who);
void app_close(struct app *);
CK_SESSION_HANDLE app_session(const struct app *);
CK_RV app_login(const struct app *, CK_SESSION_HANDLE, const char *user, const char *password);
/* A token AES key for encryption; and how many keys of that label the application sees. */
CK_RV app_make_key(const struct app *, CK_SESSION_HANDLE, const char *label, CK_OBJECT_HANDLE *);
CK_RV app_find(const struct app *, CK_SESSION_HANDLE, const char *label, CK_ULONG *count, CK_OBJECT_HANDLE *);
/* Encrypts and decrypts: *good when the text came back. */
CK_RV app_crypt(const struct app *, CK_SESSION_HANDLE, CK_OBJECT_HANDLE, uint32_t number, bool *good);

/* libchsm's side. */
struct chsm *direct_open(const char *user, const char *password, uint32_t role);
uint32_t direct_create_user(struct chsm *, const char *user, const char *password, uint64_t *id);
uint32_t direct_delete_user(struct chsm *, const char *user);
uint32_t direct_unlock_user(struct chsm *, const char *user);
uint32_t direct_share(struct chsm *, uint64_t handle, uint64_t user, bool share);

/* ---- the work ---- */

struct load {
        const char *prefix;           /* of all labels and users of this run */
        struct app worker, partner;   /* the owner of the keys, and with whom some are shared */
        struct app changer;           /* changes his password again and again */
        struct app guessers[2];       /* who attack an account at the same time */
        struct chsm *owner, *officer; /* the worker again, and a CO */
        bool uses_only;               /* nothing is changed: for a cluster without a quorum */
        _Atomic bool over;
};
extern struct load load;

/* One step of work at a pace that leaves the machine to the cluster. */
void load_pace(unsigned ms);

void *load_signer(void *); /* signs, and libcrypto verifies */
void *load_cipher(void *); /* encrypts and decrypts */
void *load_maker(void *);  /* makes keys, looks for them, deletes a third */
void *load_sharer(void *); /* shares, has the partner look and use, takes back, has him look again */
void *
load_changer(void *); /* logs in, changes the password, logs out; the old one is refused, the new one not */
void *load_guesser(void *); /* accounts that two attack until they are locked; then the right password too */

#endif
