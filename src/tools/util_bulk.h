/* chsm-util: one command over many keys: progress on a terminal, Ctrl-C between two keys, and running it once
 * more goes on where it stopped, since what is done is skipped. docs/key-tasks.md. */
#ifndef CHSM_TOOLS_UTIL_BULK_H
#define CHSM_TOOLS_UTIL_BULK_H

#include "tools/util.h"

/* Does one; path of the file, and its name without suffix. *skipped: it was done before. */
typedef uint32_t (*util_bulk_one)(struct shell *, const char *path, const char *name, bool *skipped, void *);

/* Every file of a folder whose name ends so, in the order of names. Stops at the first that fails, naming it.
 * In JSON mode the answer has done, skipped, total and stopped. */
uint32_t util_bulk_folder(struct shell *, const char *folder, const char *suffix, util_bulk_one, void *);
/* The same for the lines of a file; path is the line. Empty lines and those that begin with # are left out.
 */
uint32_t util_bulk_list(struct shell *, const char *file, util_bulk_one, void *);

#endif
