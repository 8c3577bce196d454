/* Programs of the host that stand between people and a key: one signs the challenge of a second factor,
 * another brings the approvals of a key's users. azcloudhsm_application.cfg names them; docs/quorum.md.
 *
 * A program is started directly, no shell in between, with what is to be signed on its standard input, and
 * says its answer on standard output. It sees nothing of the password and nothing of what is signed for. */
#ifndef CHSM_CLIENT_HELPER_H
#define CHSM_CLIENT_HELPER_H

#include "base/buf.h"
#include "client/chsm.h"

struct helper {
        const char *command;   /* absolute path and words, parted by spaces; NULL: there is none */
        int wait_s;            /* then it is killed; 0: 300, as long as a challenge lives */
        bool (*stopped)(void); /* asked while waiting: true kills it; may be NULL */
};

/* Whether a command can be one: its program has an absolute path. */
bool helper_check(const char *command);
/* Runs it with the variables CHSM_HELPER_USER and CHSM_HELPER_KEY (0: none) set; out gets what it printed.
 * False: it could not be run, took too long, failed or said nothing; `id` is the error to set. */
bool helper_run(const struct helper *, const char *user, uint64_t key, struct slice input, enum err_id id,
                struct buf *out, struct err *);

/* chsm_login; for a user with a second factor, whose password alone the node refuses, it asks for a challenge
 * and lets the helper sign its digest. */
uint32_t helper_login(struct chsm *, const struct helper *, uint32_t role, struct slice user,
                      struct slice password, struct err *);
/* A token of this login for one use or change (service) of a key, approved by whom the helper names: lines of
 * a user's name and his signature in base64. */
uint32_t helper_approve(struct chsm *, const struct helper *, const char *user, uint32_t service,
                        uint64_t key, struct err *);

#endif
