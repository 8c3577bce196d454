#include "crypto/choice.h"

void choice_bytes(size_t mask, uint8_t *out, const uint8_t *yes, const uint8_t *no, size_t n)
{
        mask = choice_hidden(mask);
        for (size_t i = 0; i < n; i++)
                out[i] = (uint8_t)((yes[i] & mask) | (no[i] & ~mask));
}

void choice_shift(uint8_t *bytes, size_t n, size_t by)
{
        for (size_t step = 1; step < n; step *= 2) {
                size_t mask = choice_equal(by & step, step);

                for (size_t i = 0; i < n; i++) {
                        uint8_t next = i + step < n ? bytes[i + step] : 0;

                        bytes[i] = (uint8_t)((next & mask) | (bytes[i] & ~mask));
                }
        }
}

bool choice_made(size_t mask)
{
        return mask != 0;
}
