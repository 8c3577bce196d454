/* The nodes of the cluster, as each says of itself every few seconds: n/<u32 node>. */
#ifndef CHSM_VAULT_MEMBERS_H
#define CHSM_VAULT_MEMBERS_H

#include "vault/core.h"

#define VAULT_MEMBERS_MAX 64 /* numbers are 1 to 63 */
#define VAULT_BEAT_MS     5000
#define VAULT_SILENT_MS   16000 /* a node that has said nothing for so long is not connected */

struct vault_member {
        uint32_t number;
        char name[64], host[256], version[32];
        uint16_t port;
        int64_t started_ms, beat_ms; /* wall clock of that node; beat 0: not a member */
        int64_t heard_ms;            /* monotonic clock of this one */
        int64_t revision;            /* that it had applied */
};

bool vault_members_open(struct vault *, struct err *);
void vault_members_close(struct vault *); /* NULL-safe */
/* Copies of all members, ascending by number; this node is always among them. */
size_t vault_members_list(struct vault *, struct vault_member out[VAULT_MEMBERS_MAX]);
bool vault_member_connected(struct vault *, const struct vault_member *);
/* May a node of that name have the number? Not when another name has it, or that name another number. */
bool vault_member_may_be(struct vault *, uint32_t number, const char *name, struct err *);

#endif
