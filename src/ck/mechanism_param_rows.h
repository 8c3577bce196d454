/* The table behind mechanism_param.h; for this room only. */
#ifndef CHSM_CK_MECHANISM_PARAM_ROWS_H
#define CHSM_CK_MECHANISM_PARAM_ROWS_H

#include "ck/mechanism_param.h"

struct ck_mech_param_row {
        uint64_t mechanism;
        enum ck_param_kind kind;
        bool optional;   /* the parameter may be left out */
        uint8_t iv_size; /* CK_PARAM_IV: its only length in bytes; 0: any */
};

/* Ascending by mechanism. */
extern const struct ck_mech_param_row ck_mech_param_rows[];
extern const size_t ck_mech_param_rows_n;

#endif
