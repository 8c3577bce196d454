/* The offline check of a chain: hash, sequence and time of each line. */
#include "audit/audit.h"

#include <inttypes.h>
#include <string.h>

/* The text after `"name":` near the line's start, or NULL. Records are written by one function, so fields
 * stand in one order; a record in any other form is not ours. */
static const uint8_t *field(struct slice line, const char *name)
{
        const uint8_t *at = memmem(line.p, line.n, name, strlen(name));

        return at ? at + strlen(name) : NULL;
}

static bool field_number(struct slice line, const char *name, int64_t *out)
{
        const uint8_t *at = field(line, name), *end = line.p + line.n, *first = at;
        int64_t value = 0;

        while (at && at < end && *at >= '0' && *at <= '9' && value < INT64_MAX / 10 - 9)
                value = value * 10 + (*at++ - '0');
        *out = value;
        return at && at != first;
}

#define TAIL_SIZE (sizeof("\"}\n") - 1)

static bool holds_hash(struct slice line, const uint8_t expected[AUDIT_HASH_SIZE])
{
        static const char digits[] = "0123456789abcdef";
        static const char name[] = ",\"prev\":\"";
        size_t hex = 2 * AUDIT_HASH_SIZE, whole = sizeof(name) - 1 + hex + TAIL_SIZE;
        const uint8_t *at = line.p + line.n - whole;

        if (line.n < whole || memcmp(at, name, sizeof(name) - 1) != 0 ||
            memcmp(line.p + line.n - TAIL_SIZE, "\"}\n", TAIL_SIZE) != 0)
                return false;
        at += sizeof(name) - 1;
        for (size_t i = 0; i < AUDIT_HASH_SIZE; i++) {
                if (at[2 * i] != digits[expected[i] >> 4] || at[2 * i + 1] != digits[expected[i] & 15])
                        return false;
        }
        return true;
}

static int nibble(uint8_t c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool audit_verify_adopt(struct audit_verify *v, struct slice line)
{
        size_t whole = 2 * AUDIT_HASH_SIZE + TAIL_SIZE;
        int64_t sequence, time_ms;

        if (line.n < whole || !field_number(line, "\"seq\":", &sequence) ||
            !field_number(line, "\"ms\":", &time_ms))
                return false;
        for (size_t i = 0; i < AUDIT_HASH_SIZE; i++) {
                int high = nibble(line.p[line.n - whole + 2 * i]);
                int low = nibble(line.p[line.n - whole + 2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                v->expected[i] = (uint8_t)(high << 4 | low);
        }
        v->next_sequence = (uint64_t)sequence;
        v->last_time_ms = time_ms;
        return true;
}

static bool verify_line(struct audit_verify *v, struct slice line, struct err *err)
{
        int64_t sequence, time_ms;

        if (line.n < 8 || memcmp(line.p, "{\"v\":1,", 7) != 0 || !field_number(line, "\"seq\":", &sequence) ||
            !field_number(line, "\"ms\":", &time_ms))
                return err_set(err, ERR_AUDIT, "record %" PRIu64 " is not an audit record", v->next_sequence);
        if ((uint64_t)sequence != v->next_sequence)
                return err_set(err, ERR_AUDIT,
                               "record %" PRIu64 " is missing: record %" PRId64 " stands in its place",
                               v->next_sequence, sequence);
        if (!holds_hash(line, v->expected))
                return err_set(err, ERR_AUDIT,
                               "record %" PRId64
                               " does not follow the one before it: one of the two was changed",
                               sequence);
        if (time_ms < v->last_time_ms && v->steps++ == 0) {
                v->step_at = (uint64_t)sequence;
                v->step_ms = v->last_time_ms - time_ms;
        }
        v->next_sequence++;
        v->last_time_ms = time_ms;
        v->records++;
        if (!audit_line_hash(v->crypto, line, v->expected))
                return err_set(err, ERR_CRYPTO, "hashing failed");
        if (v->checkpoint != 0 && v->next_sequence == v->checkpoint) {
                v->checkpoint_met = memcmp(v->expected, v->checkpoint_hash, AUDIT_HASH_SIZE) == 0;
                return v->checkpoint_met ||
                       err_set(err, ERR_AUDIT, "record %" PRId64 " is not the one that the partition signed",
                               sequence);
        }
        return true;
}

bool audit_verify_lines(struct audit_verify *v, struct slice lines, struct err *err)
{
        while (lines.n) {
                const uint8_t *end = memchr(lines.p, '\n', lines.n);
                size_t n = end ? (size_t)(end - lines.p) + 1 : 0;

                if (!end)
                        return err_set(err, ERR_AUDIT, "record %" PRIu64 " is cut off", v->next_sequence);
                if (!verify_line(v, slice_of(lines.p, n), err))
                        return false;
                lines = slice_of(lines.p + n, lines.n - n);
        }
        return true;
}
