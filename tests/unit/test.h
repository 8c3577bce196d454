/* What every unit test includes: cmocka, and a scratch folder that goes away again. */
#ifndef CHSM_TESTS_TEST_H
#define CHSM_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline int scratch_visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

/* A new empty folder; its name belongs to the caller until scratch_remove. */
static inline char *scratch_make(void)
{
        char template[] = "/tmp/chsm-test.XXXXXX";

        assert_non_null(mkdtemp(template));
        return strdup(template);
}

static inline void scratch_remove(char *folder)
{
        (void)nftw(folder, scratch_visit, 16, FTW_DEPTH | FTW_PHYS);
        free(folder);
}

#endif
