/* The benchmark's parts: a cell is one operation on one target with so many threads, measured for so long in
 * a process of its own, so that cells share no library state and the client's CPU is the process's. */
#ifndef CHSM_BENCH_H
#define CHSM_BENCH_H

#include "ck/cryptoki.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { BENCH_MAX_THREADS = 64, BENCH_MAX_ROUNDS = 9, BENCH_BUCKETS = 64 * 32 };

enum bench_operation {
        BENCH_RSA_SIGN,
        BENCH_RSA_4096_SIGN,
        BENCH_RSA_PSS_SIGN,
        BENCH_RSA_VERIFY,
        BENCH_RSA_DECRYPT,
        BENCH_EC_SIGN,
        BENCH_EC_VERIFY,
        BENCH_EC_384_SIGN,
        BENCH_ECDH,
        BENCH_ED25519_SIGN,
        BENCH_AES_GCM,
        BENCH_AES_CBC,
        BENCH_HMAC,
        BENCH_CMAC,
        BENCH_WRAP,
        BENCH_RANDOM,
        BENCH_FIND,
        BENCH_CREATE,
        BENCH_CREATE_SESSION,
        BENCH_CREATE_PAIR,
        BENCH_OPERATIONS,
};

enum bench_key {
        BENCH_KEY_RSA,
        BENCH_KEY_RSA_4096,
        BENCH_KEY_P256,
        BENCH_KEY_P384,
        BENCH_KEY_ED25519,
        BENCH_KEY_AES,
        BENCH_KEY_MAC,
        BENCH_KEYS, /* none */
};

/* What is done; module_run.c has a function for each. */
enum bench_kind {
        BENCH_SIGN,
        BENCH_VERIFY,
        BENCH_ENCRYPT,
        BENCH_DECRYPT,
        BENCH_DERIVE,
        BENCH_WRAP_KEY,
        BENCH_RANDOM_BYTES,
        BENCH_FIND_LABEL,
        BENCH_CREATE_KEY,
        BENCH_CREATE_PAIR_KEYS,
        BENCH_KINDS,
};

/* A key that operations use: how it is labelled and made. */
struct bench_key_row {
        const char *label;
        CK_MECHANISM_TYPE mechanism;
        CK_BYTE *curve; /* CKA_EC_PARAMS */
        CK_ULONG curve_n;
        CK_ULONG bits;   /* RSA modulus */
        const char *raw; /* libcrypto's name of the algorithm or group */
};
extern const struct bench_key_row bench_key_rows[BENCH_KEYS];

struct bench_operation_row {
        const char *name;
        enum bench_kind kind;
        CK_MECHANISM_TYPE mechanism;
        CK_ULONG input; /* bytes */
        enum bench_key key;
        bool session;                      /* what it makes is a session object */
        int padding;                       /* libcrypto's, for RSA */
        const char *digest, *cipher, *mac; /* libcrypto's names */
};
extern const struct bench_operation_row bench_operation_rows[BENCH_OPERATIONS];

/* Where operations run. Paths and texts are borrowed for the program's life. */
struct bench_target {
        const char *name;
        const char *module; /* PKCS#11 module; NULL: libcrypto itself */
        const char *token;  /* token label */
        const char *pin;
        const char *socket; /* what CHSM_SOCKET is set to, or NULL */
        pid_t server;       /* 0: none */
        pid_t daemon;       /* 0: none */
        unsigned n_keys;    /* keys that find chooses among */
};

/* One measurement. CPU times are of the measured interval only, in seconds. */
struct bench_figures {
        uint64_t operations;
        double seconds;
        double client_cpu, daemon_cpu, server_cpu;
        double p50, p99;   /* latency in microseconds */
        char failure[160]; /* "" when it worked */
};

/* How an operation is done on some kind of target. `open` makes one thread's state (NULL: fills *failure, of
 * `room` bytes); `run` does it once and answers 0, or a code that says what
 * failed; `close` frees. */
struct bench_way {
        void *(*open)(const struct bench_target *, enum bench_operation, unsigned thread, char *failure,
                      size_t room);
        unsigned long (*run)(void *);
        void (*close)(void *);
};

extern const struct bench_way bench_raw;    /* raw.c: libcrypto, key and context reused */
extern const struct bench_way bench_module; /* module.c: a PKCS#11 module */

/* Loads the target's module, logs in; once a process. False: *failure says why. */
bool bench_module_load(const struct bench_target *, char *failure, size_t room);

/* Makes what the operations use: the keys of bench_key_rows, and keys to find up to target->n_keys. Runs in a
 * process of its own. Exits the program with a message when it cannot. */
void bench_prepare(const struct bench_target *, unsigned threads);

/* Measures one cell; never fails but in `failure`. */
struct bench_figures bench_cell(const struct bench_target *, enum bench_operation, unsigned threads,
                                double seconds);

/* The figures of all rounds of one cell, and how to report them. */
struct bench_row {
        const struct bench_target *target;
        enum bench_operation operation;
        unsigned threads;
        unsigned rounds;
        struct bench_figures figures[BENCH_MAX_ROUNDS];
};

/* Medians over the rounds. */
double bench_rate(const struct bench_row *); /* operations a second */
double
bench_server_cost(const struct bench_row *); /* server CPU microseconds an operation; raw: the process's */
double bench_p50(const struct bench_row *);

void bench_print_rows(const struct bench_row *, size_t n);

/* The table of ratios to the targets. Returns how many floors were missed. */
unsigned bench_print_targets(const struct bench_row *, size_t n);

#endif
