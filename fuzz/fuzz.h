/* What libFuzzer calls. */
#ifndef CHSM_FUZZ_FUZZ_H
#define CHSM_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
