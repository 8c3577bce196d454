/* Options of chsm-util's commands, and the words of their results. */
#include "base/file.h"
#include "base/text.h"
#include "tools/util.h"

#include <stdio.h>
#include <stdlib.h>

struct chsm *util_chsm(struct shell *sh)
{
        return ((struct util *)sh->context)->chsm;
}

uint32_t util_options(struct shell *sh, int argc, char **argv, const struct util_option *rows, size_t n)
{
        for (int i = 1; i < argc; i++) {
                const struct util_option *row = NULL;

                for (size_t k = 0; k < n; k++) {
                        if (strcmp(rows[k].name, argv[i]) == 0)
                                row = &rows[k];
                }
                if (!row)
                        return shell_fail(sh, ERR_USAGE, "'%s' is no option of %s; try: %s -h", argv[i],
                                          argv[0], argv[0]);
                if (*row->value)
                        return shell_fail(sh, ERR_USAGE, "option %s stands twice", row->name);
                if (!row->is_switch && ++i == argc)
                        return shell_fail(sh, ERR_USAGE, "option %s needs a value", row->name);
                *row->value = argv[i];
        }
        for (size_t k = 0; k < n; k++) {
                if (rows[k].required && !*rows[k].value)
                        return shell_fail(sh, ERR_USAGE, "%s needs option %s; try: %s -h", argv[0],
                                          rows[k].name, argv[0]);
        }
        return 0;
}

uint32_t util_number(struct shell *sh, const char *option, const char *text, uint64_t min, uint64_t max,
                     uint64_t *out)
{
        if (text_number(text, min, max, out))
                return 0;
        return shell_fail(sh, ERR_USAGE, "option %s takes a number from %llu to %llu, not '%s'", option,
                          (unsigned long long)min, (unsigned long long)max, text);
}

uint32_t util_result(struct shell *sh, const char *function, uint32_t rv)
{
        if (rv == 0)
                shell_say(sh, "\n\t%s returned: 0x00 : HSM Return: SUCCESS\n", function);
        else if (sh->err.id != ERR_USAGE)
                shell_say(sh, "\n\t%s returned: 0x%02x : HSM Error: %s\n", function, rv,
                          err_row(sh->err.id)->text);
        return rv;
}

bool util_read(struct shell *sh, const char *path, size_t most, struct buf *out)
{
        return file_read(path, most, out, &sh->err);
}

bool util_write(struct shell *sh, const char *path, struct slice bytes, unsigned mode)
{
        if (!file_write(path, bytes, mode, &sh->err))
                return false;
        shell_set(sh, "file", json_string(path));
        return true;
}

uint32_t util_users(struct shell *sh, const char *text, uint64_t **ids, size_t *n)
{
        char copy[512], *rest = copy, *word;

        *n = 0;
        *ids = calloc(64, sizeof(**ids));
        if (!*ids || (text && strlen(text) >= sizeof(copy)))
                return shell_fail(sh, *ids ? ERR_USAGE : ERR_MEMORY, "the list of users is too long");
        if (!text)
                return 0;
        memcpy(copy, text, strlen(text) + 1);
        while ((word = strsep(&rest, ","))) {
                if (*n == 64 || !text_number(word, 1, UINT32_MAX, &(*ids)[*n]))
                        return shell_fail(sh, ERR_USAGE,
                                          "option -u takes user ids parted by commas, not '%s'", text);
                (*n)++;
        }
        return 0;
}

uint32_t util_making(struct shell *sh, const struct util_making *m, bool hidden, struct ask_attributes *a)
{
        uint64_t trusted = ((struct util *)sh->context)->wrap_with_trusted;

        if (m->trusted && util_number(sh, "-wrap_with_trusted", m->trusted, 0, 1, &trusted))
                return err_ckr(&sh->err);
        ask_bool(a, CKA_TOKEN, !m->session);
        ask_bytes(a, CKA_LABEL, slice_str(m->label));
        if (m->id)
                ask_bytes(a, CKA_ID, slice_str(m->id));
        if (hidden) {
                ask_bool(a, CKA_EXTRACTABLE, !m->not_extractable);
                ask_bool(a, CKA_WRAP_WITH_TRUSTED, trusted && !m->not_extractable);
        }
        return 0;
}
