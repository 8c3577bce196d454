/* Text forms of bytes and numbers: hex, base64, strict number parsing, UTF-8. */
#ifndef CHSM_BASE_TEXT_H
#define CHSM_BASE_TEXT_H

#include "base/buf.h"

/* Whole-string parse: no sign, spaces or leftovers; decimal, or hex after 0x. False when not in [min,max]. */
bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* Even count of hex digits of either case; appends to out. */
bool text_from_hex(struct slice hex, struct buf *out);
/* RFC 4648 base64 with padding, strict (no white space). */
bool text_to_base64(struct slice, struct buf *out);
bool text_from_base64(struct slice, struct buf *out);
bool text_is_utf8(struct slice);
/* Columns the text takes on a terminal (0 for control characters, 2 for wide ones). */
size_t text_width(struct slice utf8);
/* A JSON string with its quotes, of a text of n bytes at most so long; bytes that are not UTF-8 become
 * U+FFFD. */
#define TEXT_JSON_MOST(n) ((n)*6 + 2)
/* Writes it, with no NUL, and gives back where it ends. */
uint8_t *text_json(struct slice, uint8_t *at);
/* Lower-cases ASCII into out (n+1 bytes with NUL). */
void text_lower(const char *text, size_t n, char *out);

#endif
