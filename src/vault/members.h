/* The nodes of the cluster, as each says of itself every few seconds: n/<u32 node>. */
#ifndef CHSM_VAULT_MEMBERS_H
#define CHSM_VAULT_MEMBERS_H

#include "vault/cluster.h"
#include "vault/core.h"

#define VAULT_MEMBERS_MAX 64 /* numbers are 1 to 63 */
#define VAULT_BEAT_MS     5000
#define VAULT_SILENT_MS   16000 /* a node that has said nothing for so long is not connected */

#define VAULT_LAG_MOST 100 /* revisions; a node with more is called behind */

struct vault_member {
        uint32_t number;
        char name[64], host[256], version[32], zone[VAULT_ZONE_MAX + 1];
        uint16_t port;
        int64_t started_ms, beat_ms; /* wall clock of that node; beat 0: not a member */
        int64_t heard_ms;            /* monotonic clock of this one; 0: not heard since this one started */
        int64_t revision;            /* that it had applied */
        int64_t lag;                 /* revisions of the store that it had not */
        enum vault_health said;      /* of itself */
        struct vault_load load;
        uint8_t certificate[32]; /* SHA-256 of its AOAC; zeros: none */
        int64_t rev;             /* of the record */
};

/* What member_command.c keeps of certificates of nodes that were removed. */
#define VAULT_REVOKED "z/"

bool vault_members_open(struct vault *, struct err *);
void vault_members_close(struct vault *); /* NULL-safe */
/* Copies of all members, ascending by number; this node is always among them. */
size_t vault_members_list(struct vault *, struct vault_member out[VAULT_MEMBERS_MAX]);
bool vault_member_connected(struct vault *, const struct vault_member *);
/* As this node sees it now. */
enum vault_health vault_member_health(struct vault *, const struct vault_member *);
/* Records that are applied from here on are news: whoever they are of, lives. */
void vault_members_listen(struct vault *);
/* What the store's members said last; members 0: nobody asked yet. */
struct store_health vault_store_health(struct vault *);
/* May the call be done here, although this node is draining or was removed? */
bool vault_member_admit(struct vault_call *, const struct vault_command *);
/* May a node of that name have the number? Not when another name has it, or that name another number. */
bool vault_member_may_be(struct vault *, uint32_t number, const char *name, struct err *);

/* The member's record as it stands in the store, with key; for a change of it by a command. */
bool vault_member_put(struct vault_call *, const struct vault_member *);

#endif
