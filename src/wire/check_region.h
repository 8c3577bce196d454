/* Checks of what regions say to each other, see check.h. */
#ifndef CHSM_WIRE_CHECK_REGION_H
#define CHSM_WIRE_CHECK_REGION_H

#include "wire/frame.h"

#define WIRE_REGION_REQUEST_MAX 4096 /* all of it comes before any login */
#define WIRE_REGION_RECORD_MAX  1024
#define WIRE_REGION_ADDRESS_MAX 319

bool wire_check_region_join(const Chsm__Request *, struct err *);
bool wire_check_region_read(const Chsm__Request *, struct err *);
bool wire_check_region_feed(const Chsm__Request *, struct err *);
bool wire_check_region_promote(const Chsm__Request *, struct err *);
bool wire_check_region_meet(const Chsm__Request *, struct err *);
bool wire_check_region_unseen(const Chsm__Request *, struct err *);

#endif
