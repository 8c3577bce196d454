/* The table behind attribute.h; for attribute.c only. */
#ifndef CHSM_CK_ATTRIBUTE_ROWS_H
#define CHSM_CK_ATTRIBUTE_ROWS_H

#include "ck/attribute.h"

extern const struct ck_attribute_row ck_attribute_rows[];
extern const size_t ck_attribute_rows_n;

#endif
