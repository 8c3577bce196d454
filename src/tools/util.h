/* chsm-util: what its commands share. It speaks to the client daemon, as applications do. */
#ifndef CHSM_TOOLS_UTIL_H
#define CHSM_TOOLS_UTIL_H

#include "base/buf.h"
#include "client/chsm.h"
#include "tools/ask.h"
#include "tools/shell.h"

struct util {
        struct chsm *chsm;
        bool wrap_with_trusted; /* DEFAULT_WRAP_WITH_TRUSTED */
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
/* "Cfm3X returned: 0x00 : HSM Return: SUCCESS", or the error. Gives rv back. */
uint32_t util_result(struct shell *, const char *function, uint32_t rv);
/* Reads a file of at most `most` bytes. */
bool util_read(struct shell *, const char *path, size_t most, struct buf *);
bool util_write(struct shell *, const char *path, struct slice, unsigned mode);

/* Options that all key making commands share, and the templates they give. */
struct util_making {
        const char *label, *id, *session, *not_extractable, *trusted, *users;
};
#define UTIL_MAKING_OPTIONS(m)                                                                               \
        { "-l", &(m).label, false, true }, { "-id", &(m).id, false, false },                                 \
            { "-sess", &(m).session, true, false }, { "-nex", &(m).not_extractable, true, false },           \
            { "-wrap_with_trusted", &(m).trusted, false, false },                                            \
        {                                                                                                    \
                "-u", &(m).users, false, false                                                               \
        }
/* hidden: a private or secret key. */
uint32_t util_making(struct shell *, const struct util_making *, bool hidden, struct ask_attributes *);
/* The user ids of -u. Caller frees. */
uint32_t util_users(struct shell *, const char *text, uint64_t **ids, size_t *n);

extern const struct shell_command util_session_rows[], util_key_rows[], util_use_rows[];

#endif
