#include "ck/names.h"
#include "ck/names_rows.h"
#include <string.h>

static const struct {
        const struct ck_name_row *rows;
        const size_t *n;
} tables[CK_KIND_COUNT] = {
        [CK_KIND_RETURN] = { ck_return_names, &ck_return_names_n },
        [CK_KIND_MECHANISM] = { ck_mechanism_names, &ck_mechanism_names_n },
        [CK_KIND_ATTRIBUTE] = { ck_attribute_names, &ck_attribute_names_n },
        [CK_KIND_KEY_TYPE] = { ck_key_type_names, &ck_key_type_names_n },
        [CK_KIND_OBJECT_CLASS] = { ck_object_class_names, &ck_object_class_names_n },
        [CK_KIND_MECHANISM_FLAG] = { ck_mechanism_flag_names, &ck_mechanism_flag_names_n },
};

static bool kind_ok(enum ck_kind kind)
{
        return (unsigned)kind < CK_KIND_COUNT;
}

const char *ck_name(enum ck_kind kind, uint64_t number)
{
        size_t low = 0;
        size_t high = kind_ok(kind) ? *tables[kind].n : 0;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct ck_name_row *row = &tables[kind].rows[middle];
                if (row->number == number)
                        return row->name;
                if (row->number < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

bool ck_number(enum ck_kind kind, const char *name, uint64_t *out)
{
        size_t n = kind_ok(kind) && name ? *tables[kind].n : 0;
        for (size_t i = 0; i < n; i++) {
                if (strcmp(tables[kind].rows[i].name, name) == 0) {
                        *out = tables[kind].rows[i].number;
                        return true;
                }
        }
        return false;
}

bool ck_name_at(enum ck_kind kind, size_t i, uint64_t *number, const char **name)
{
        if (!kind_ok(kind) || i >= *tables[kind].n)
                return false;
        *number = tables[kind].rows[i].number;
        *name = tables[kind].rows[i].name;
        return true;
}
