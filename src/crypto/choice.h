/* Choosing without branches: for what decides whether a padding is right, until it may be known. A mask is a
 * size_t of all ones or of zeros. tests/timing/secret.c follows the secret through these. */
#ifndef CHSM_CRYPTO_CHOICE_H
#define CHSM_CRYPTO_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same, but the compiler does not know what it is: it would see that a mask has two values, and branch on
 * it. */
static inline size_t choice_hidden(size_t mask)
{
        __asm__("" : "+r"(mask));
        return mask;
}

/* Numbers below 2^63. */
static inline size_t choice_less(size_t a, size_t b)
{
        return choice_hidden((size_t)0 - ((a - b) >> (sizeof(size_t) * 8 - 1)));
}

static inline size_t choice_equal(size_t a, size_t b)
{
        return ~(choice_less(a, b) | choice_less(b, a));
}

static inline size_t choice_number(size_t mask, size_t yes, size_t no)
{
        return (yes & mask) | (no & ~mask);
}

/* n bytes of yes or of no. */
void choice_bytes(size_t mask, uint8_t *out, const uint8_t *yes, const uint8_t *no, size_t n);
/* Moves what begins at `by`, below n, to the front; in the time of n bytes. */
void choice_shift(uint8_t *bytes, size_t n, size_t by);
/* From here on everybody may know what the mask says: it is in the answer. */
bool choice_made(size_t mask);

#endif
