/* The seeds of fuzz_parameter and fuzz_template lead to the decoder of every mechanism and of every
 * attribute, and to its refusals: the targets are run here over their seeds, and it is written down what the
 * decoders said. A row of either table that no seed reaches fails. */
#include "base/buf.h"
#include "ck/mechanism_param_rows.h"
#include "ck/names.h"
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define ROWS 512

static struct {
        uint64_t number;
        bool taken, refused;
} seen[ROWS];
static size_t seen_n;

static bool note(uint64_t number, bool taken)
{
        size_t i = 0;

        while (i < seen_n && seen[i].number != number)
                i++;
        if (i == seen_n) {
                assert_true(seen_n < ROWS);
                seen[seen_n++].number = number;
        }
        *(taken ? &seen[i].taken : &seen[i].refused) = true;
        return taken;
}

/* What libFuzzer calls, in either target. */
int run_parameter(const uint8_t *data, size_t size);
int run_template(const uint8_t *data, size_t size);

#define ck_mech_param_decode(mechanism, flat, out, err)                                                      \
        note(mechanism, ck_mech_param_decode(mechanism, flat, out, err))
#define LLVMFuzzerTestOneInput run_parameter
#include "../../../fuzz/fuzz_parameter.c"
#undef LLVMFuzzerTestOneInput
#undef ck_mech_param_decode

static bool spied_value(const CK_ATTRIBUTE *a, struct buf *out, struct err *err)
{
        return note(a->type, ck_value_from_native(a, out, err));
}

#define ck_value_from_native   spied_value
#define LLVMFuzzerTestOneInput run_template
#include "../../../fuzz/fuzz_template.c"
#undef LLVMFuzzerTestOneInput
#undef ck_value_from_native

/* Runs a target over the seeds of a folder. */
static void run_seeds(const char *folder, int (*run)(const uint8_t *data, size_t size))
{
        static uint8_t seed[8192];
        char path[512];
        struct dirent *entry;
        DIR *d;

        seen_n = 0;
        memset(seen, 0, sizeof(seen));
        snprintf(path, sizeof(path), "%s/fuzz/corpus/%s", TEST_SOURCE_DIR, folder);
        d = opendir(path);
        assert_non_null(d);
        while ((entry = readdir(d)) != NULL) {
                FILE *f;

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/fuzz/corpus/%s/%s", TEST_SOURCE_DIR, folder, entry->d_name);
                f = fopen(path, "rb");
                assert_non_null(f);
                (void)run(seed, fread(seed, 1, sizeof(seed), f));
                fclose(f);
        }
        closedir(d);
}

static void want(const char *name, uint64_t number)
{
        size_t i = 0;

        while (i < seen_n && seen[i].number != number)
                i++;
        if (i == seen_n || !seen[i].taken)
                fail_msg("no seed of the fuzz target is taken for %s", name);
        if (!seen[i].refused)
                fail_msg("no seed of the fuzz target is refused for %s", name);
}

/* What takes bytes of any length refuses only what is far too long, which is no good seed. */
static void run_too_long(void)
{
        size_t n = CK_MECH_PARAM_MAX + 2;
        uint8_t *data = calloc(n, 1);

        assert_non_null(data);
        data[0] = CK_PARAM_IV;
        (void)run_parameter(data, n);
        free(data);
}

static void seeds_reach_the_decoder_of_every_mechanism(void **state)
{
        (void)state;
        run_seeds("parameter", run_parameter);
        run_too_long();
        assert_true(ck_mech_param_rows_n > 100);
        for (size_t i = 0; i < ck_mech_param_rows_n; i++)
                want(ck_name(CK_KIND_MECHANISM, ck_mech_param_rows[i].mechanism),
                     ck_mech_param_rows[i].mechanism);
}

static void seeds_reach_the_decoder_of_every_attribute(void **state)
{
        const struct ck_attribute_row *row;
        size_t n = 0;

        (void)state;
        run_seeds("template", run_template);
        while ((row = ck_attribute_at(n)) != NULL) {
                want(row->name, row->type);
                n++;
        }
        assert_true(n > 50);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(seeds_reach_the_decoder_of_every_mechanism),
                cmocka_unit_test(seeds_reach_the_decoder_of_every_attribute),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
