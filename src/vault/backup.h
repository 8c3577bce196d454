/* Backups: everything a partition is, in one file that only its owner can bring back to life. docs/backup.md.
 *
 * Layout (big-endian):
 *   header   magic, version (u16), length (u32), body (what stands in struct vault_backup_header), signature
 * of the partition key over all that. It is readable: what it says of users and keys is what listUsers and
 * findAllKeys say. chunks   length (u32), sealed bytes: AES-256-GCM under the backup's own key, which travels
 * in the header encrypted to the owner's key (RSA-OAEP, SHA-256). Associated data: hash of the header, index,
 *            whether it is the last. The first holds the partition's master key, the last counts, audit heads
 *            and the digest of all records; those between hold records as they stand in the store.
 *   end      magic, SHA-256 of all before it, signature of the partition key over id and hash.
 * A manifest is a header alone: the signed state of a partition, to compare older backups with. */
#ifndef CHSM_VAULT_BACKUP_H
#define CHSM_VAULT_BACKUP_H

#include "vault/manifest.h"

#define VAULT_BACKUP_VERSION    1
#define VAULT_BACKUP_HEADER_MAX ((size_t)32 * 1024 * 1024)
#define VAULT_BACKUP_PART_MAX   (256 * 1024) /* bytes of a file in one message */

struct vault_backup_header {
        bool manifest_only;
        uint8_t id[16];
        uint8_t partition[16];
        char serial[17];
        uint64_t epoch; /* grows with every backup and manifest of the partition */
        int64_t revision;
        int64_t time_ms;
        char node[65];
        struct buf owner, certificate; /* PO.crt and POAC, DER */
        struct buf wrapped;            /* the backup's key, for the owner; empty in a manifest */
        struct vault_manifest manifest;
        uint8_t hash[32]; /* of the header as it stands in the file */
        size_t size;      /* bytes of it */
};
void vault_backup_header_clear(struct vault_backup_header *);

/* ---- backup_header.c ---- */
/* Appends the header with its signature; fills hash and size. */
bool vault_backup_header_write(struct vault *, struct vault_backup_header *, struct buf *out, struct err *);
/* Reads and checks it: form, the owner's certificate, his signature under the partition's, the partition's
 * under the header. ERR_BACKUP_FORMAT, ERR_BACKUP_ALTERED. vault_backup_header_clear is due in any case. */
bool vault_backup_header_read(struct crypto *, int fd, struct vault_backup_header *, struct err *);
/* The same of bytes in memory, without the signatures: for fuzz tests. */
bool vault_backup_header_parse(struct slice, struct vault_backup_header *, struct err *);
/* The public key of a certificate; NULL: err. */
struct crypto_key *vault_backup_cert_key(struct crypto *, struct slice der, struct err *);
bool vault_backup_verify(struct crypto *, struct crypto_key *, struct slice data, struct slice signature);

/* ---- backup_write.c ---- */
struct vault_backup_info {
        uint8_t id[16];
        uint64_t epoch;
        uint64_t records, size;
        uint8_t sha256[32]; /* of the whole file */
        int64_t time_ms;
};
/* Writes a backup of now, with the next epoch, to the file, and reads it back to see that it is right. The
 * epoch and the audit record are in the call's transaction. */
bool vault_backup_write(struct vault_call *, int fd, bool manifest_only, struct vault_backup_info *);
/* The same for the node's schedule, as the appliance user, committed. Any thread. */
bool vault_backup_now(struct vault *, int fd, struct vault_backup_info *, struct err *);

/* ---- backup_read.c ---- */
struct vault_backup_summary {
        struct sec *master; /* the partition's master key; caller frees */
        uint64_t records;
        uint64_t of_prefix[128]; /* by the first letter of the store key */
        size_t heads;            /* of audit chains */
};
/* Reads the whole file from its start and checks everything. key: the backup's own; NULL: only what can be
 * checked without it (form, hash and signatures). visit may be NULL. ERR_BACKUP_ALTERED, ERR_BACKUP_KEY. */
bool vault_backup_read(struct crypto *, int fd, const struct vault_backup_header *, const struct sec *key,
                       bool (*visit)(void *arg, struct slice key, struct slice value), void *arg,
                       struct vault_backup_summary *, struct err *);
/* Associated data of a chunk. */
#define VAULT_BACKUP_AAD 41
void vault_backup_aad(const struct vault_backup_header *, uint64_t index, bool last,
                      uint8_t out[VAULT_BACKUP_AAD]);
#define VAULT_BACKUP_END SLICE_LIT("chsmbend")
void vault_backup_end_text(const struct vault_backup_header *, const uint8_t sha256[32], struct buf *);

/* Whole reads and writes. */
bool vault_backup_fd_read(int fd, void *, size_t n, struct err *);
bool vault_backup_fd_write(int fd, struct slice, struct err *);

/* ---- backup_epoch.c: b/e, the last epoch given ---- */
uint64_t vault_backup_epoch(struct vault *, store_rev *rev);
bool vault_backup_epoch_put(struct vault_call *, uint64_t epoch, store_rev rev);
bool vault_backup_epoch_apply(struct vault *, const struct store_event *, struct err *);

/* ---- restore.c ---- */
/* What the owner signs, as text; lines: what the restore would undo. newest may be NULL. */
bool vault_restore_statement(struct vault *, const struct vault_backup_header *,
                             const struct vault_backup_header *newest, struct buf *out, struct err *);
/* Fills the stage with the partition of the backup, opens it to see that it works, and hands it to the host.
 */
bool vault_restore_run(struct vault_call *, int fd, const struct vault_backup_header *,
                       const struct sec *key);

/* ---- spool.c: files on their way in or out, in parts; they vanish with the node ---- */
bool vault_spools_open(struct vault *, struct err *);
void vault_spools_close(struct vault *); /* NULL-safe */

/* ---- backup_command.c, restore_command.c ---- */
bool vault_open_backup(struct vault_call *);
bool vault_read_backup(struct vault_call *);
bool vault_open_restore(struct vault_call *);
bool vault_write_restore(struct vault_call *);
bool vault_plan_restore(struct vault_call *);
bool vault_commit_restore(struct vault_call *);

#endif
