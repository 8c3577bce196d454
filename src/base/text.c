#include "base/text.h"

bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
        unsigned base = 10;
        uint64_t value = 0;

        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
                base = 16;
                text += 2;
        }
        if (!*text)
                return false;
        for (; *text; text++) {
                unsigned digit = *text >= '0' && *text <= '9'   ? (unsigned)(*text - '0')
                                 : *text >= 'a' && *text <= 'f' ? (unsigned)(*text - 'a') + 10
                                 : *text >= 'A' && *text <= 'F' ? (unsigned)(*text - 'A') + 10
                                                                : 16;
                if (digit >= base || value > (UINT64_MAX - digit) / base)
                        return false;
                value = value * base + digit;
        }
        if (value < min || value > max)
                return false;
        *out = value;
        return true;
}

static int hex_digit(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_from_hex(struct slice hex, struct buf *out)
{
        if (hex.n % 2)
                return false;
        for (size_t i = 0; i < hex.n; i++) {
                if (hex_digit(hex.p[i]) < 0)
                        return false;
        }
        for (size_t i = 0; i < hex.n; i += 2)
                buf_put_u8(out, (uint8_t)(hex_digit(hex.p[i]) << 4 | hex_digit(hex.p[i + 1])));
        return buf_ok(out);
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool text_to_base64(struct slice s, struct buf *out)
{
        for (size_t i = 0; i < s.n; i += 3) {
                size_t left = s.n - i;
                uint32_t bits = (uint32_t)s.p[i] << 16 | (uint32_t)(left > 1 ? s.p[i + 1] : 0) << 8 |
                                (left > 2 ? s.p[i + 2] : 0);
                char quad[4] = { base64_digits[bits >> 18], base64_digits[bits >> 12 & 63],
                                 left > 1 ? base64_digits[bits >> 6 & 63] : '=',
                                 left > 2 ? base64_digits[bits & 63] : '=' };
                buf_put(out, quad, 4);
        }
        return buf_ok(out);
}

bool text_from_base64(struct slice s, struct buf *out)
{
        if (s.n % 4)
                return false;
        for (size_t i = 0; i < s.n; i += 4) {
                uint32_t bits = 0;
                size_t pad = 0;

                for (size_t k = 0; k < 4; k++) {
                        const char *at = s.p[i + k] ? strchr(base64_digits, s.p[i + k]) : NULL;
                        bool padding = s.p[i + k] == '=' && i + 4 == s.n && k >= 2;

                        if ((!at && !padding) || (at && pad))
                                return false;
                        pad += padding;
                        bits = bits << 6 | (uint32_t)(at ? at - base64_digits : 0);
                }
                if ((pad == 1 && bits & 0xff) || (pad == 2 && bits & 0xffff))
                        return false;
                uint8_t bytes[3] = { (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits };
                buf_put(out, bytes, 3 - pad);
        }
        return buf_ok(out);
}

/* Decodes one character: its length in bytes, 0 when the bytes are not UTF-8. */
static size_t utf8_next(struct slice s, uint32_t *character)
{
        static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint8_t first = s.p[0];
        size_t n = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
        uint32_t value = n == 1 ? first : n ? first & (0x7fu >> n) : 0;

        if (n == 0 || n > s.n)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if (s.p[i] >> 6 != 2)
                        return 0;
                value = value << 6 | (s.p[i] & 0x3fu);
        }
        if (value < lowest[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
                return 0;
        *character = value;
        return n;
}

bool text_is_utf8(struct slice s)
{
        uint32_t character;

        while (s.n) {
                size_t n = utf8_next(s, &character);
                if (n == 0)
                        return false;
                s = slice_of(s.p + n, s.n - n);
        }
        return true;
}

/* East Asian wide and emoji blocks; enough for labels in columns. */
static bool is_wide(uint32_t c)
{
        return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
               (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
               (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

static bool is_combining(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x300 && c <= 0x36f) ||
               (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f);
}

size_t text_width(struct slice s)
{
        size_t width = 0;

        while (s.n) {
                uint32_t character = 0;
                size_t n = utf8_next(s, &character);

                width += n == 0 ? 1 : is_combining(character) ? 0 : is_wide(character) ? 2 : 1;
                n = n ? n : 1;
                s = slice_of(s.p + n, s.n - n);
        }
        return width;
}

void text_lower(const char *text, size_t n, char *out)
{
        for (size_t i = 0; i < n; i++)
                out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
        out[n] = '\0';
}

static bool is_plain(uint8_t c)
{
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* One character that is not plain; gives back how many bytes of the text it was. */
static size_t json_escape(struct slice s, uint8_t **at)
{
        static const char digits[] = "0123456789abcdef";
        uint32_t character;
        size_t n = utf8_next(s, &character);

        if (n == 0) {
                *at = mempcpy(*at, "\xef\xbf\xbd", 3);
                return 1;
        }
        if (character == '"' || character == '\\')
                *(*at)++ = '\\';
        if (character >= 0x20 && character != 0x7f) {
                *at = mempcpy(*at, s.p, n);
                return n;
        }
        *at = mempcpy(*at, "\\u00", 4);
        *(*at)++ = (uint8_t)digits[character >> 4];
        *(*at)++ = (uint8_t)digits[character & 15];
        return n;
}

uint8_t *text_json(struct slice s, uint8_t *at)
{
        *at++ = '"';
        while (s.n) {
                size_t n = 1;

                if (is_plain(*s.p))
                        *at++ = *s.p;
                else
                        n = json_escape(s, &at);
                s = slice_of(s.p + n, s.n - n);
        }
        *at++ = '"';
        return at;
}

/* Declared in buf.h; here because it decodes UTF-8. */
void buf_put_json(struct buf *b, struct slice s)
{
        uint8_t *at = s.n < BUF_MAX / 6 - 2 ? buf_extend(b, TEXT_JSON_MOST(s.n)) : NULL;

        if (at)
                b->n = (size_t)(text_json(s, at) - b->p);
        else
                b->failed = true;
}
