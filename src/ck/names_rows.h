/* The tables behind names.h; for names.c only. */
#ifndef CHSM_CK_NAMES_ROWS_H
#define CHSM_CK_NAMES_ROWS_H

#include "ck/cryptoki_mechanisms.h"
#include "ck/cryptoki_numbers.h"
#include <stddef.h>
#include <stdint.h>

struct ck_name_row {
        uint64_t number;
        const char *name;
};

/* Ascending by number, no number twice; each with its count of rows. */
extern const struct ck_name_row ck_return_names[];
extern const size_t ck_return_names_n;
extern const struct ck_name_row ck_mechanism_names[];
extern const size_t ck_mechanism_names_n;
extern const struct ck_name_row ck_attribute_names[];
extern const size_t ck_attribute_names_n;
extern const struct ck_name_row ck_key_type_names[];
extern const size_t ck_key_type_names_n;
extern const struct ck_name_row ck_object_class_names[];
extern const size_t ck_object_class_names_n;
extern const struct ck_name_row ck_mechanism_flag_names[];
extern const size_t ck_mechanism_flag_names_n;

#endif
