/* What the files of the program `guest` share: the module as a guest in an application's process, asked what
 * no other program asks. Each file is a topic. */
#ifndef CHSM_TESTS_RUN_GUEST_H
#define CHSM_TESTS_RUN_GUEST_H

#include "ck/cryptoki.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct guest {
        CK_FUNCTION_LIST_PTR f;
        CK_FUNCTION_LIST_3_0_PTR f3;
        void *library;
        CK_SLOT_ID slot;
        const char *token, *pin;
        unsigned count, bad;
};
extern struct guest guest;
#define F  (guest.f)
#define F3 (guest.f3)

/* One line of TAP. Topics are run by one thread. */
void is(const char *name, CK_RV got, CK_RV wanted);
/* Only a failure is worth a line: for tables of thousands of cases. */
bool same(const char *name, CK_RV got, CK_RV wanted);

/* For programs of their own, called with MODULE PIN [...]: loads the module, opens a session and logs in, or
 * ends the program; finalises, tells the count and gives back the exit code. */
CK_SESSION_HANDLE guest_begin(int argc, char **argv);
int guest_end(void);
/* Files of the working folder that other programs read or wrote; of this size, or the program ends. */
void keep(const char *name, const void *bytes, size_t n);
void take(const char *name, void *bytes, size_t n);

CK_RV login(CK_SESSION_HANDLE, const char *pin);
CK_RV login_context(CK_SESSION_HANDLE, const char *pin);
CK_SESSION_HANDLE open_session(bool read_write); /* 0: refused */
/* Initialises, opens a session, logs in; and back. */
CK_SESSION_HANDLE arrive(void);
void leave(void);
/* Handles of session keys that may do everything, 0 when refused. */
CK_OBJECT_HANDLE make_aes(CK_SESSION_HANDLE);
CK_OBJECT_HANDLE make_hmac_key(CK_SESSION_HANDLE);
/* P-256; more: further attributes of the private key. */
CK_RV make_pair(CK_SESSION_HANDLE, CK_ATTRIBUTE *more, CK_ULONG more_n, CK_OBJECT_HANDLE *public_key,
                CK_OBJECT_HANDLE *private_key);
CK_RV sign(CK_SESSION_HANDLE, CK_OBJECT_HANDLE key);

/* Topics, in the order they are run; each begins and ends uninitialised. */
void guest_life(void);
void guest_order(void);
void guest_extras(void);
void guest_auth(void);
void guest_message(void);
void guest_view(void);
void guest_threads(void);

#endif
