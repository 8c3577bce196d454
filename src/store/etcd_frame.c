/* gRPC's framing, without I/O: a flag byte (0: not compressed), a big-endian length, the message. */
#include "store/etcd.h"

#include <stdio.h>

#define FRAME_HEAD 5

int etcd_frame_next(struct slice bytes, struct slice *message, size_t *consumed)
{
        uint32_t n;

        if (bytes.n < FRAME_HEAD)
                return bytes.n && bytes.p[0] != 0 ? -1 : 0;
        n = (uint32_t)bytes.p[1] << 24 | (uint32_t)bytes.p[2] << 16 | (uint32_t)bytes.p[3] << 8 | bytes.p[4];
        if (bytes.p[0] != 0 || n > BUF_MAX - FRAME_HEAD)
                return -1;
        if (bytes.n - FRAME_HEAD < n)
                return 0;
        *message = slice_of(bytes.p + FRAME_HEAD, n);
        *consumed = FRAME_HEAD + n;
        return 1;
}

bool etcd_frame_one(struct slice answer, struct slice *message)
{
        size_t consumed = 0;

        return etcd_frame_next(answer, message, &consumed) == 1 && consumed == answer.n;
}

void etcd_frame_put(struct buf *out, struct slice message)
{
        buf_put_u8(out, 0);
        buf_put_block(out, message);
}

/* etcd answers with these when it did nothing; every other says or allows that something was done. */
enum etcd_outcome etcd_status_outcome(int status)
{
        static const enum etcd_outcome outcomes[] = {
                [0] = ETCD_ANSWERED, [1] = ETCD_LOST,    [2] = ETCD_LOST,    [3] = ETCD_REFUSED,
                [4] = ETCD_LOST,     [5] = ETCD_REFUSED, [6] = ETCD_REFUSED, [7] = ETCD_REFUSED,
                [8] = ETCD_REFUSED,  [9] = ETCD_REFUSED, [10] = ETCD_LOST,   [11] = ETCD_REFUSED,
                [12] = ETCD_REFUSED, [13] = ETCD_LOST,   [14] = ETCD_LOST,   [15] = ETCD_LOST,
                [16] = ETCD_REFUSED,
        };

        return status >= 0 && (size_t)status < sizeof(outcomes) / sizeof(outcomes[0]) ? outcomes[status]
                                                                                      : ETCD_LOST;
}

static int hex_digit(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

void etcd_status_words(struct slice text, char *words, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < text.n && n + 1 < size; i++) {
                uint8_t c = text.p[i];

                if (c == '%' && text.n - i > 2 && hex_digit(text.p[i + 1]) >= 0 &&
                    hex_digit(text.p[i + 2]) >= 0) {
                        c = (uint8_t)(hex_digit(text.p[i + 1]) << 4 | hex_digit(text.p[i + 2]));
                        i += 2;
                }
                words[n++] = c >= ' ' && c < 0x7f ? (char)c : '?';
        }
        words[n] = '\0';
}
