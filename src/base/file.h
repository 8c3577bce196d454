/* Whole files, read and written with care. */
#ifndef CHSM_BASE_FILE_H
#define CHSM_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/sec.h"
#include <sys/types.h>

/* Appends the file's bytes to out; refused when there are more than max. */
bool file_read(const char *path, size_t max, struct buf *out, struct err *);
/* The same for secrets; the file must not be readable by group or others unless loose. Caller frees. */
struct sec *file_read_secret(const char *path, size_t max, bool loose, struct err *);
/* Writes a temporary file beside it, syncs it, renames it, syncs the folder: old or new, never half. */
bool file_write(const char *path, struct slice, mode_t, struct err *);
/* Makes the folder (not its parents) if absent; refuses one that others may write to. */
bool file_make_dir(const char *path, mode_t, struct err *);
bool file_exists(const char *path);
/* folder + "/" + name, heap; NULL when out of memory. */
char *file_join(const char *folder, const char *name);

#endif
