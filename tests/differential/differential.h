/* The same random calls to two PKCS#11 modules, whose answers are compared.
 *
 * differential MODULE PIN OTHER-MODULE OTHER-PIN [SEED [COUNT]]: runs COUNT sequences (default 200), one for
 * each seed from SEED on (default 1), in fresh sessions with keys of known values. What may differ, and why,
 * stands in explained_rows.c; anything else is a finding, printed with its seed and the calls before it. */
#ifndef CHSM_TESTS_DIFFERENTIAL_H
#define CHSM_TESTS_DIFFERENTIAL_H

#include "ck/cryptoki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OURS, THEIRS, SIDES };

#define OBJECTS_MAX  64
#define SESSIONS_MAX 3            /* of operations, which end when the two go apart */
#define HOME         SESSIONS_MAX /* the one whose objects they use */
#define RESULT_MAX   8192

/* Kinds of objects made in both modules, with the same value. */
enum kind {
        KIND_AES,
        KIND_GENERIC,
        KIND_RSA_PRIVATE,
        KIND_RSA_PUBLIC,
        KIND_EC_PRIVATE,
        KIND_EC_PUBLIC,
        KIND_DATA,
        KIND_CERTIFICATE,
        KINDS,
};

struct object {
        enum kind kind;
        CK_OBJECT_HANDLE handle[SIDES];
        bool gone; /* destroyed: its handles are tried all the same */
};

struct side {
        const char *pin;
        CK_FUNCTION_LIST_PTR f;
        CK_SLOT_ID slot;
        CK_SESSION_HANDLE session[SESSIONS_MAX + 1];
        CK_BYTE result[RESULT_MAX];
        CK_ULONG result_n;
};

struct mechanism_row;
struct world {
        struct side side[SIDES];
        struct object objects[OBJECTS_MAX];
        size_t object_count;
        uint64_t random;
        bool over;              /* there was a finding: no more calls in this sequence */
        bool apart;             /* an explained difference: what is concerned has to be made alike again */
        int session_at;         /* the session of the last operation, or -1 */
        struct object *touched; /* what the last call made or changed, or NULL */
        unsigned long calls, explained, findings;
        char trail[4096]; /* the calls of this sequence */
        size_t trail_n;
        const struct mechanism_row *row; /* of the operation that is compared, or NULL */
        unsigned long used[128];         /* how often each explanation was given */
};

/* A mechanism that both offer. */
struct mechanism_row {
        CK_MECHANISM_TYPE mechanism;
        CK_FLAGS functions;
        CK_FLAGS random; /* functions whose results differ from run to run */
        enum kind secret,
            public; /* kinds of the key that signs or decrypts, and of the one that verifies or encrypts */
};
extern const struct mechanism_row mechanism_rows[];
extern const size_t mechanism_rows_n;

struct call_row {
        const char *name;
        unsigned weight;
        void (*run)(struct world *);
};
extern const struct call_row call_rows[];
extern const size_t call_rows_n;

/* A difference that is right: the function and the mechanism's name (patterns of fnmatch, with alternatives;
 * NULL: of no mechanism), and both codes; CK_UNAVAILABLE_INFORMATION stands for any, and CKR_OK on both sides
 * for results that differ. */
struct explained_row {
        const char *function, *mechanism;
        CK_RV ours, theirs;
        const char *why;
};
extern const struct explained_row explained_rows[];
extern const size_t explained_rows_n;

/* ---- main.c ---- */
uint32_t random_below(struct world *, uint32_t n);
void random_bytes(struct world *, CK_BYTE *, size_t);
/* Adds to the trail. */
void trail(struct world *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Compares the codes; true when both are CKR_OK. After an explained difference the call is over, and
 * resynchronise makes the two alike. */
bool compare(struct world *, const char *function, const CK_RV rv[SIDES]);
/* Compares the sides' results. */
void compare_results(struct world *, const char *function);
/* After a call that went apart: the session starts anew, and the object is made anew, on both sides. */
void resynchronise(struct world *);
/* Says what else is wrong. */
void finding(struct world *, const char *what);

/* ---- objects.c ---- */
/* An object of that kind in both; its template has random extras. */
void object_create(struct world *, enum kind);
struct object *object_any(struct world *);
struct object *object_of(struct world *, enum kind);
/* Calls on objects; rows of calls.c. */
void object_create_any(struct world *);
void object_destroy(struct world *);
void object_get(struct world *);
void object_set(struct world *);
void object_copy(struct world *);
void object_find(struct world *);

/* ---- mechanisms.c ---- */
/* The row's mechanism with a parameter of its kind, now and then a wrong one. The memory is the world's until
 * the next call. */
CK_MECHANISM mechanism_make(struct world *, const struct mechanism_row *);

#endif
