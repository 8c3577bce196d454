/* What a node does on disk for backups and restores: files without names, a store beside the present one, and
 * the step from one to the other, which is whole or not at all whenever the node is killed. */
#ifndef CHSM_SERVER_RESTORE_H
#define CHSM_SERVER_RESTORE_H

#include "server/node.h"

/* For the vault; the node must stay where it is. */
struct vault_host server_host_of(struct node *);
/* A new empty store beside the present one of this configuration, whether that is open or not. NULL: err. */
struct store *server_stage_open(const struct server_conf *, struct err *);
/* Makes it what the next start opens, if the guards (of keys of the present store; etcd only) hold; closes
 * it. */
bool server_stage_adopt(const struct server_conf *, struct store **, const struct store_guard *,
                        size_t guards, struct err *);
/* At start, before the store is opened: a restore that was complete takes its place, anything less goes away.
 */
bool server_restore_finish(const char *data_dir, struct err *);
/* The folder of the key-use log of this partition. The log of another one, which the node held before a
 * restore, is put aside as audit-<its id>. Heap; NULL: err. */
char *server_audit_folder(const char *data_dir, struct slice partition_id, struct err *);
/* The node's program in the place of this one, on the same listening socket, with the restored partition.
 * Returns only when that is not possible. */
void server_start_anew(int listener, char **argv, struct err *);

#endif
