/* What both tools share of quorums: token files, approval files, and tokens on the screen. */
#ifndef CHSM_TOOLS_QUORUM_H
#define CHSM_TOOLS_QUORUM_H

#include "base/buf.h"
#include "client/chsm.h"
#include "tools/shell.h"

#define TOOL_APPROVALS_MAX 16

/* An approval file, read: the token file's bytes and who signed them. */
struct tool_approvals {
        struct buf file;
        size_t n;
        Chsm__Approval rows[TOOL_APPROVALS_MAX], *list[TOOL_APPROVALS_MAX];
        char names[TOOL_APPROVALS_MAX][64];
        struct buf signatures[TOOL_APPROVALS_MAX];
};
/* "Multi Token File Path = FILE;" and so on, spec/semantics.md 8; files are taken from the folder the tool
 * runs in. clear is due in both cases. */
uint32_t tool_approvals_read(struct shell *, const char *path, struct tool_approvals *);
void tool_approvals_clear(struct tool_approvals *);

/* Asks for a token (user empty: who is logged in) and adds its text to out. target: NULL or the user it is
 * for. */
uint32_t tool_token_get(struct shell *, struct chsm *, uint64_t service, const char *user, uint64_t handle,
                        const char *target, struct buf *out);
uint32_t tool_token_approve(struct shell *, struct chsm *, struct tool_approvals *);
uint32_t tool_token_list(struct shell *, struct chsm *);
/* id: 32 hex digits. */
uint32_t tool_token_delete(struct shell *, struct chsm *, const char *id);
/* "2 Users need to approve to use/manage this key", when there is a quorum. */
void tool_quorum_say(struct shell *, uint32_t quorum);

#endif
