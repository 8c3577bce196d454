/* The partition: its identity, life-cycle state, certificates and the keys derived from its master key.
 *
 * Filled by apply from p/, c/ and r/ records. All getters may be called from any thread. spec/semantics.md 3
 * and 4; DESIGN section 5.6. */
#ifndef CHSM_VAULT_PARTITION_H
#define CHSM_VAULT_PARTITION_H

#include "crypto/cert.h"
#include "vault/core.h"

#define VAULT_ID_SIZE     16
#define VAULT_SERIAL_SIZE 16 /* hex digits, without NUL */
#define VAULT_CERT_TYPES  7  /* bits 1, 2, 4 ... 64 */

enum vault_cert_type {
        VAULT_CERT_MARC = 1,
        VAULT_CERT_MAC = 2,
        VAULT_CERT_OWNER = 4,  /* POTAC, PO.crt */
        VAULT_CERT_POAC = 8,   /* partition key, issued by the owner */
        VAULT_CERT_PAC = 16,   /* partition key, issued by the HSM */
        VAULT_CERT_AOTAC = 32, /* operator's root */
        VAULT_CERT_AOAC = 64,  /* HSM key, issued by the operator */
};

/* What p/state holds. */
struct vault_partition_record {
        enum vault_state state;
        uint8_t id[VAULT_ID_SIZE];
        char serial[VAULT_SERIAL_SIZE + 1];
        int64_t created_ms;
        struct slice sealed_key; /* partition key, PKCS#8 under a key derived from the master key */
};

bool vault_partition_open(struct vault *, struct err *);
void vault_partition_close(struct vault *); /* NULL-safe */
/* True once p/state has been applied. */
bool vault_partition_loaded(struct vault *);
/* Takes the master key and derives the fixed keys; init.c before anything is stored, else apply. */
bool vault_partition_adopt(struct vault *, const uint8_t id[VAULT_ID_SIZE], struct sec *pmk, struct err *);

const char *vault_partition_serial(struct vault *);
/* Lent for the life of the vault. */
struct crypto_key *vault_partition_key(struct vault *);
struct slice vault_ticket_key(struct vault *);
/* The master key itself, for a backup. */
struct slice vault_partition_master(struct vault *);
/* Appends the DER of a certificate; false when absent. rev (may be NULL): for guards, 0 when absent. */
bool vault_partition_cert(struct vault *, uint32_t type, struct buf *der, store_rev *rev);
/* Puts p/state with another state into the call's transaction, guarded by its present revision. */
bool vault_partition_put_state(struct vault_call *, enum vault_state);
/* Guards that the state is the one that memory holds. */
bool vault_partition_guard_state(struct vault_call *);
/* The next free user id, with the guard that makes it ours; put writes id as the next free one. */
uint32_t vault_partition_next_user(struct vault *, store_rev *rev);
bool vault_partition_put_next_user(struct vault_call *, uint32_t next, store_rev rev);
/* Up to n contexts whose retirement is past its time, oldest first found; the count. */
size_t vault_partition_expired_contexts(struct vault *, int64_t now_ms, uint8_t (*out)[VAULT_CONTEXT_SIZE],
                                        size_t n);

/* ---- init.c ---- */
/* Makes a new partition in an empty store, in one transaction. */
bool vault_partition_initialise(struct vault *, struct err *);

/* ---- record.c: stored records that nobody can edit, swap or move ---- */
/* Version byte, body, then an HMAC under a derived key over partition id, store key and all before it. */
#define VAULT_RECORD_TAG 32
bool vault_record_write(struct vault *, struct slice store_key, struct slice body, struct buf *out);
/* Lends the body; ERR_STORE_DAMAGED when it is not what was written under that key. */
bool vault_record_read(struct vault *, struct slice store_key, struct slice value, struct slice *body,
                       struct err *);
/* The same with encryption, for records that hold password hashes. */
bool vault_record_seal(struct vault *, struct slice store_key, struct slice plain, struct buf *out,
                       struct err *);
struct sec *vault_record_open(struct vault *, struct slice store_key, struct slice value, struct err *);
/* Writes or seals body (whose failure is noticed) and puts it into the call's transaction. */
bool vault_record_put(struct vault_call *, struct slice store_key, const struct buf *body);
bool vault_record_put_sealed(struct vault_call *, struct slice store_key, const struct buf *body);
/* partition.c: keys for record.c. */
struct crypto_mac *vault_record_mac(struct vault *);
struct slice vault_record_seal_key(struct vault *);
/* init.c writes, partition.c reads: the body of p/state. */
void vault_partition_record_encode(const struct vault_partition_record *, struct buf *);
bool vault_partition_record_decode(struct slice body, struct vault_partition_record *);

#endif
