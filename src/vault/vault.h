/* The vault: the HSM itself, as a pure core.
 *
 * (state, caller, request) -> (response, changes). It opens no socket and no file: store, entropy, clock,
 * audit and the sealing of the master key are handed in. Authorisation is decided in policy.c, from one
 * table. DESIGN sections 3 and 5; spec/semantics.md; spec/key-rules.md. */
#ifndef CHSM_VAULT_VAULT_H
#define CHSM_VAULT_VAULT_H

#include "audit/audit.h"
#include "base/arena.h"
#include "base/clock.h"
#include "chsm.pb-c.h"
#include "crypto/crypto.h"
#include "crypto/seal.h"
#include "store/store.h"

/* Life cycle, spec/semantics.md 3. Numbers travel in HelloResponse. */
enum vault_state { VAULT_UNOWNED = 1, VAULT_OWNED = 2, VAULT_ACTIVATED = 3 };

/* Roles by their documented numbers, as bits: 1u << role. */
enum vault_role {
        VAULT_NOBODY = 0, /* connected, not logged in */
        VAULT_CU = 1,
        VAULT_CO = 2,
        VAULT_AU = 5,
        VAULT_PRECO = 6,
        VAULT_RECOVERED = 7, /* an officer whom the owner let in: he may change his own password */
};

/* How the partition's master key is kept at rest on this node. The file key is made by the server at the
 * edge; passphrase, TPM and PKCS#11 sealing are further values of this struct. */
struct vault_sealer {
        const char *name;
        bool (*seal)(void *arg, struct slice secret, struct buf *out, struct err *);
        struct sec *(*open)(void *arg, struct slice sealed, struct err *);
        void *arg;
};

/* What the program around the vault does for backups; NULL functions: there are none. */
struct vault_host {
        /* A file without a name, empty, for reading and writing; gone when closed. */
        bool (*scratch)(void *arg, int *fd, struct err *);
        /* A new empty store beside the present one, in the place of one that was left there before. */
        struct store *(*stage)(void *arg, struct err *);
        /* Closes the stage and makes it what the next start opens: from here on at any moment, whole or not
         * at all. unowned: what must still be so in the present store. The node then starts anew by itself.
         */
        bool (*adopt)(void *arg, struct store **stage, const struct store_guard *unowned, struct err *);
        /* What vault_noted_put said, as it was kept; may be NULL. */
        bool (*noted)(void *arg, struct buf *out);
        void *arg;
};

struct vault_config {
        const char *node_name; /* "hsm1" */
        uint32_t node_number;  /* 1.. */
        const char *host;      /* as told to clients in the node list */
        uint16_t port;
        const char *zone;        /* where the node stands, told to clients; NULL: not said */
        uint8_t certificate[32]; /* SHA-256 of its AOAC; zeros: it has none */
        const char *token_label; /* at most 32 bytes */
        uint64_t max_keys;       /* 0: 1,000,000 */
        uint64_t max_users;      /* 0: 1,024 */
        uint32_t lock_after;     /* failures that lock an account; 0: 5 */
        int64_t ticket_life_ms;  /* 0: 24 h */
        int store_timeout_ms;    /* 0: 3,000 */
        int64_t stale_limit_ms;  /* how long a node without contact to its store serves; 0: 60,000 */
        uint32_t lanes;          /* parallel management chains; 0: 32 */
        struct crypto_password_cost password_cost;
        int64_t audit_keep_ms; /* audit records younger than this are not purged */
        int64_t sweep_ms;      /* between two comparisons with the store; 0: 60,000 */
        bool rebase;           /* the books are made anew from what is in the store */
        bool moving; /* opened to be moved: a partition that went elsewhere is opened all the same */
        uint64_t session_cache; /* opened session objects kept in memory; 0: 16,384 */
};

struct vault_deps {
        struct store *store;   /* outlives the vault */
        struct crypto *crypto; /* outlives the vault */
        struct audit_writer
            *audit; /* records of key use and refusals; outlives the vault; NULL: none (tests) */
        struct clock clock;
        struct vault_sealer sealer;
        struct vault_host host;
        struct vault_config config; /* strings are copied */
};

struct vault;

/* Loads the partition from the store; an empty store is initialised (partition key, PMK, manufacturer-style
 * chain, PRECO admin, app_user). Errors name the thing and the cure; nothing is changed then. */
struct vault *vault_open(const struct vault_deps *, struct err *);
void vault_close(struct vault **); /* no call may be running; NULL-safe */

/* Who sent the request, as the transport knows him. */
struct vault_peer {
        uint8_t certificate[32]; /* SHA-256 of the client certificate; zeros when none was shown */
        bool has_certificate;
        char address[64]; /* for the audit record */
        char client[48];  /* its software as it said hello, "chsm-client/0.1.0"; for the event log */
};

/* Where a request should run; a column of the dispatch table. */
enum vault_cost {
        VAULT_INLINE, /* microseconds: in the event loop that read it */
        VAULT_COMMIT, /* waits for the store: in the commit lane (many threads, mostly asleep) */
        VAULT_SLOW,   /* RSA generation, password hashing: in the slow lane */
};
enum vault_cost vault_cost(struct vault *, const Chsm__Request *);

/* Executes one request. The response lives in the arena and is always set; its id is the request's.
 * *ticket_valid: the request carried a valid ticket (the transport raises its frame limit). Any thread.
 * A request whose min_revision is ahead of this node waits a moment, with a ticket of this partition only. */
const Chsm__Response *vault_call(struct vault *, const struct vault_peer *, const Chsm__Request *,
                                 struct arena *, bool *ticket_valid);

enum vault_state vault_state(struct vault *);
/* 16 bytes, the same on all nodes; lent for the life of the vault. */
struct slice vault_partition_id(struct vault *);
/* The log of key use, which needs the partition's id and so opens after the vault. Before the first call. */
void vault_set_audit(struct vault *, struct audit_writer *);
/* The head that vault_seal_use_log stored last for this node; *count 0: none. */
bool vault_sealed_use_log(struct vault *, uint64_t *count, uint8_t hash[AUDIT_HASH_SIZE], struct err *);
/* Signs count and hash of the key-use log into the store, when there is something new. One thread at a time.
 */
bool vault_seal_use_log(struct vault *, struct err *);
/* Counts this start of the node; its records say so from then on. Before the first call. */
bool vault_count_start(struct vault *, struct err *);
/* Clears away audit records below the bridges that purges left, when there are any. One thread at a time. */
bool vault_audit_sweep(struct vault *, struct err *);
/* Compares memory with the store when it is time, or when the feed gave reason; what was missed is taken in,
 * what no node wrote is an alarm. Called every second or so, one thread at a time. False: err, and it is
 * tried again. */
bool vault_sweep(struct vault *, struct err *);
/* May requests be answered? Not while the node reads its store again, nor after it saw what no node wrote. */
bool vault_in_service(struct vault *, struct err *);
/* How often the partition was changed, ever: a store that has fewer than a node has seen went back. */
uint64_t vault_changes(struct vault *);
/* Appends what a node keeps of that beside the store; reads it: ERR_STORE_DAMAGED when the store went back.
 */
bool vault_seen_put(struct vault *, struct buf *out, struct err *);
bool vault_seen_check(struct vault *, struct slice seen, struct err *);
/* What a node notes of the store's records beside it: whole, or what is to be appended to that. *whole is set
 * when only that will do. Called every second or so, one thread at a time. False, with ERR_RETRY: what
 * memory has now may be what somebody edited. */
bool vault_noted_put(struct vault *, bool *whole, struct buf *out, struct err *);
/* The store's records beside those noted. False: the note is none of this partition. */
enum vault_difference {
        VAULT_IS_REMOVED,
        VAULT_IS_OLDER,
        VAULT_IS_BACK,    /* it had been removed */
        VAULT_IS_CHANGED, /* later than the note, by whomever; so */
        VAULT_IS_ADDED,
};
#define VAULT_DIFFERENCES 5
struct vault_differences {
        uint64_t noted, found; /* records */
        uint64_t of[VAULT_DIFFERENCES];
        store_rev noted_rev, found_rev; /* newest */
};
bool vault_noted_compare(struct vault *, struct slice noted, struct vault_differences *,
                         void (*visit)(void *arg, enum vault_difference, struct slice key), void *arg);
const char *vault_difference_name(enum vault_difference);
/* A record's name for people, cut to the size; how much of it that is. */
size_t vault_record_title(struct slice key, char *out, size_t size);
/* The owner's operator accepts the store as it is, though it is older than what nodes have seen of it, or
 * edited: its books go on from what they were, and the audit chain says so. */
struct vault_acceptance {
        uint64_t seen, found; /* changes of the partition */
        bool foreign;         /* the store is another cluster than before */
        bool edited;          /* records and books do not agree; vault_config.rebase lets it be opened */
};
/* seen: what vault_seen_put said, or empty. */
bool vault_acceptance_ask(struct vault *, struct slice seen, struct vault_acceptance *, struct err *);
bool vault_accept(struct vault *, const struct vault_acceptance *, const char *subject, struct err *);
/* Tells the other nodes that this one is there, when it is time. Called every second or so in a cluster, one
 * thread at a time. */
bool vault_member_say(struct vault *, struct err *);
/* Puts the uses of keys counted since into the store, when it is time, or now. Called every second or so, and
 * before vault_close; a node that is killed loses those of the last VAULT_USES_WINDOW_MS at most. One thread
 * at a time. */
#define VAULT_USES_WINDOW_MS 10000
bool vault_store_uses(struct vault *, bool now, struct err *);
/* The certificate (DER), its chain and the private key (PEM) the node's TLS endpoint shows now: POAC once
 * owned, else the manufacturer-style certificate. generation changes when they do. Caller frees all. */
struct vault_identity {
        struct buf certificate, chain;
        struct sec *private_key_pem;
        uint64_t generation;
};
bool vault_identity(struct vault *, struct vault_identity *, struct err *);
void vault_identity_clear(struct vault_identity *);
uint64_t vault_identity_generation(struct vault *); /* cheap */

/* A command that is over, for the operation event log (spec/semantics.md 17). Texts are lent for the call. */
struct vault_event {
        const struct vault_peer *peer;
        const char *operation; /* static */
        uint32_t opcode;
        enum err_id reason;
        uint64_t duration_us;
        const char *user; /* NULL: nobody */
        uint64_t object;
        uint32_t session; /* first bytes of the application context */
};
struct vault_events {
        void (*add)(void *arg, const struct vault_event *); /* any thread */
        /* False: nothing is done now, as it could not be recorded. Such a refusal is no event. */
        bool (*may)(void *arg, struct err *);
        void *arg;
};
/* Before the first call. */
void vault_set_events(struct vault *, const struct vault_events *);

/* Counters for the admin endpoint; monotonic since open. */
struct vault_metrics {
        uint64_t calls, refused, objects, users, sessions_opened, cache_hits;
        int64_t revision;
        uint64_t store_alarms;  /* what no node of the partition wrote */
        uint64_t store_repairs; /* changes that the store did not tell of */
        uint64_t store_sweeps, store_rereads;
        uint64_t store_foreign; /* keys that are not ours, at the last sweep */
};
void vault_metrics(struct vault *, struct vault_metrics *);
/* Calls visit for every command: name, calls, failures, total microseconds. */
void vault_command_metrics(struct vault *, void (*visit)(void *, const char *, uint64_t, uint64_t, uint64_t),
                           void *);

#endif
