/* chsm-util: what its commands share. It speaks to the client daemon, as applications do. */
#ifndef CHSM_TOOLS_UTIL_H
#define CHSM_TOOLS_UTIL_H

#include "base/buf.h"
#include "client/chsm.h"
#include "client/helper.h"
#include "tools/ask.h"
#include "tools/shell.h"

/* Session keys have handles of the tool's own, from here on; they end with it. */
#define UTIL_SESSION_FIRST 4026531841U
#define UTIL_SESSION_MOST  256
#define UTIL_CONTEXTS      8

struct util {
        struct chsm *chsm;
        bool wrap_with_trusted; /* DEFAULT_WRAP_WITH_TRUSTED */
        uint64_t user_kek;      /* USER_KEK_HANDLE; 0: none */
        struct helper second_factor;
        const char *socket; /* of the daemon */
        struct chsm *(*open)(const char *socket, struct err *);
        struct chsm *contexts[UTIL_CONTEXTS]; /* the first is the tool's own, once there are others */
        ProtobufCBinaryData session[UTIL_SESSION_MOST]; /* sealed session keys of this run */
        size_t session_n;
};

struct chsm *util_chsm(struct shell *);

/* "-k 7 -f file": one row an option of a command. */
struct util_option {
        const char *name;   /* "-k" */
        const char **value; /* receives the next word; for a switch, the option itself */
        bool is_switch, required;
};
/* 0, or a usage refusal that names the option. */
uint32_t util_options(struct shell *, int argc, char **argv, const struct util_option *, size_t n);
uint32_t util_number(struct shell *, const char *option, const char *text, uint64_t min, uint64_t max,
                     uint64_t *);
/* The object a handle in text stands for. The sealed bytes are lent. */
uint32_t util_ref(struct shell *, const char *option, const char *text, Chsm__ObjectRef *);
/* The handle to show for an object just made; a session object is kept for later commands. */
uint64_t util_made(struct shell *, const Chsm__ObjectResponse *);
void util_forget(struct shell *, const Chsm__ObjectRef *);
void util_clear(struct util *);
/* A key that asks for its user's password at each use: the authorisation for one (enum crypto_op) into out.
 * At a terminal it is asked for; elsewhere it must be given. Others need none: 0, and out is as it was. */
uint32_t util_authorise(struct shell *, const Chsm__ObjectRef *key, uint32_t operation, const char *password,
                        bool hidden, struct buf *out);
/* "Cluster Status:" and a line a node. */
void util_cluster_status(struct shell *);
/* "Cfm3X returned: 0x00 : HSM Return: SUCCESS", or the error. Gives rv back. */
uint32_t util_result(struct shell *, const char *function, uint32_t rv);
/* Reads a file of at most `most` bytes. */
bool util_read(struct shell *, const char *path, size_t most, struct buf *);
bool util_write(struct shell *, const char *path, struct slice, unsigned mode);

/* Options that all key making commands share, and the templates they give. */
struct util_making {
        const char *label, *id, *session, *not_extractable, *trusted, *users, *quorum, *nodes, *timeout,
            *attest, *role;
};
/* All but the label, which some commands can do without. */
#define UTIL_MAKING_MORE(m)                                                                                  \
        { "-id", &(m).id, false, false }, { "-sess", &(m).session, true, false },                            \
            { "-nex", &(m).not_extractable, true, false },                                                   \
            { "-wrap_with_trusted", &(m).trusted, false, false }, { "-u", &(m).users, false, false },        \
            { "-m_value", &(m).quorum, false, false }, { "-min_srv", &(m).nodes, false, false },             \
            { "-timeout", &(m).timeout, false, false }, { "-attest", &(m).attest, true, false },             \
        {                                                                                                    \
                "-role", &(m).role, false, false                                                             \
        }
#define UTIL_MAKING_OPTIONS(m) { "-l", &(m).label, false, true }, UTIL_MAKING_MORE(m)

/* The error a command's result line shows for a reason: the documented HSM codes where there is one, else the
 * CKR_ number (spec/tools.md 9.1). */
struct util_hsm_code {
        enum err_id id;
        uint32_t code;
        const char *text;
};
extern const struct util_hsm_code util_hsm_codes[]; /* ended by a NULL text */

/* Usage of a key, or of a half, that has the one role asked for by -role. */
uint32_t util_role(struct shell *, const struct util_making *, CK_OBJECT_CLASS, struct ask_attributes *);
/* What is asked of the cluster and of this run of the tool, whatever the key's attributes. */
uint32_t util_making_wishes(struct shell *, const struct util_making *);
/* hidden: a private or secret key. What no option says stays unsaid, for the node to decide; but keys that
 * may leave do so under trusted keys only unless the configuration says otherwise. */
uint32_t util_making(struct shell *, const struct util_making *, bool hidden, struct ask_attributes *);
/* How many users must approve, of -m_value; 0: none. */
uint32_t util_quorum(struct shell *, const struct util_making *, uint32_t *quorum);
/* -min_srv and -timeout: 0 when they can be kept. */
uint32_t util_cluster_wishes(struct shell *, const struct util_making *);
/* The user ids of -u. Caller frees. */
uint32_t util_users(struct shell *, const char *text, uint64_t **ids, size_t *n);

extern const struct shell_example util_examples[];
extern const struct shell_command util_session_rows[], util_key_rows[], util_find_rows[],
    util_attribute_rows[], util_use_rows[], util_audit_rows[], util_life_rows[], util_quorum_rows[];
extern const struct shell_command util_mask_rows[];

#endif
