#include "test.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static void integers_are_big_endian_and_read_back(void **state)
{
        struct buf b = BUF_INIT;
        struct reader r;
        static const uint8_t wanted[] = { 1,  2,  3,  4,  5, 6, 7, 8, 9,   10, 11,
                                          12, 13, 14, 15, 0, 0, 0, 2, 'h', 'i' };

        (void)state;
        buf_put_u8(&b, 1);
        buf_put_u16(&b, 0x0203);
        buf_put_u32(&b, 0x04050607);
        buf_put_u64(&b, 0x08090a0b0c0d0e0f);
        buf_put_block(&b, SLICE_LIT("hi"));
        assert_int_equal(b.n, sizeof(wanted));
        assert_memory_equal(b.p, wanted, b.n);
        r = reader_of(buf_slice(&b));
        assert_int_equal(reader_u8(&r), 1);
        assert_int_equal(reader_u16(&r), 0x0203);
        assert_int_equal(reader_u32(&r), 0x04050607);
        assert_int_equal(reader_u64(&r), 0x08090a0b0c0d0e0f);
        assert_false(reader_end(&r));
        assert_true(slice_equal(reader_block(&r, 2), SLICE_LIT("hi")));
        assert_true(reader_end(&r));
        buf_clear(&b);
}

static void truncated_input_fails_for_good(void **state)
{
        static const uint8_t bytes[] = { 0, 0, 0, 3, 'a', 'b', 'c' };

        (void)state;
        for (size_t n = 0; n < sizeof(bytes); n++) {
                struct reader r = reader_of(slice_of(bytes, n));

                assert_int_equal(reader_block(&r, 10).n, 0);
                assert_false(reader_ok(&r));
                assert_int_equal(reader_u8(&r), 0);
                assert_false(reader_end(&r));
        }
        struct reader r = reader_of(slice_of(bytes, sizeof(bytes)));
        assert_int_equal(reader_block(&r, 2).n, 0);
        assert_false(reader_ok(&r));
}

static void failure_of_a_write_sticks(void **state)
{
        struct buf b = BUF_INIT;

        (void)state;
        buf_put_text(&b, "before");
        assert_null(buf_extend(&b, BUF_MAX));
        buf_put_text(&b, "after");
        assert_false(buf_ok(&b));
        assert_int_equal(buf_slice(&b).n, 0);
        buf_reset(&b);
        buf_put_text(&b, "again");
        assert_true(buf_ok(&b));
        buf_clear(&b);
}

static void numbers_are_as_printf_writes_them(void **state)
{
        static const uint64_t numbers[] = { 0, 1, 9, 10, 255, 4096, 1234567890123, UINT64_MAX };
        char wanted[64];

        (void)state;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                struct buf b = BUF_INIT;

                buf_put_number(&b, numbers[i], 10);
                buf_put_u8(&b, ' ');
                buf_put_number(&b, numbers[i], 16);
                (void)snprintf(wanted, sizeof(wanted), "%" PRIu64 " %" PRIx64, numbers[i], numbers[i]);
                assert_string_equal(buf_text(&b), wanted);
                buf_clear(&b);
        }
}

static void times_are_as_strftime_writes_them(void **state)
{
        static const int64_t times[] = { 0, 951782399999, 951868800001, 1795000000123, 4102444800000 };
        char text[CLOCK_TEXT_SIZE], wanted[64];

        (void)state;
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                time_t seconds = (time_t)(times[i] / 1000);
                struct tm parts;
                size_t n = strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));

                (void)snprintf(wanted + n, sizeof(wanted) - n, ".%03dZ", (int)(times[i] % 1000));
                assert_string_equal(clock_text(times[i], text), wanted);
        }
}

static void json_and_hex_are_safe(void **state)
{
        uint8_t worst[40], room[TEXT_JSON_MOST(sizeof(worst))];
        struct buf b = BUF_INIT;

        (void)state;
        buf_put_json(&b, SLICE_LIT("a\"b\\c\n\x01\xff\xc3\xa4"));
        assert_string_equal(buf_text(&b), "\"a\\\"b\\\\c\\u000a\\u0001\xef\xbf\xbd\xc3\xa4\"");
        buf_reset(&b);
        for (size_t i = 0; i < sizeof(worst); i++)
                worst[i] = 0x1f; /* nothing takes more room */
        assert_ptr_equal(text_json(slice_of(worst, sizeof(worst)), room), room + sizeof(room));
        buf_put_hex(&b, SLICE_LIT("\x00\xff\x10"));
        assert_string_equal(buf_text(&b), "00ff10");
        buf_clear(&b);
}

static void base64_is_strict(void **state)
{
        static const char *const bad[] = { "Zg=",  "Zg",   "Zh==", "Zg==Zg==", "Z===",
                                           "=Zg=", "Zg=A", "Z g=", "Zm9=" };
        static const char *const good[][2] = {
                { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" }
        }; /* RFC 4648 10 */
        struct buf b = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < 5; i++) {
                buf_reset(&b);
                assert_true(text_to_base64(slice_str(good[i][0]), &b));
                assert_string_equal(buf_text(&b), good[i][1]);
                buf_reset(&b);
                assert_true(text_from_base64(slice_str(good[i][1]), &b));
                assert_string_equal(buf_text(&b), good[i][0]);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                buf_reset(&b);
                if (text_from_base64(slice_str(bad[i]), &b))
                        fail_msg("'%s' was accepted", bad[i]);
        }
        buf_clear(&b);
}

static void numbers_are_strict(void **state)
{
        static const char *const bad[] = { "",   " 1", "1 ", "+1", "-1", "0x", "1a", "18446744073709551616",
                                           "0xg" };
        uint64_t n;

        (void)state;
        assert_true(text_number("18446744073709551615", 0, UINT64_MAX, &n));
        assert_true(n == UINT64_MAX);
        assert_true(text_number("0xFf", 0, 255, &n) && n == 255);
        assert_false(text_number("256", 0, 255, &n));
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_false(text_number(bad[i], 0, UINT64_MAX, &n));
}

static void utf8_is_strict_and_has_width(void **state)
{
        static const char *const bad[] = { "\x80",         "\xc0\x80",         "\xc3", "\xe0\x80\x80",
                                           "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff" };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_false(text_is_utf8(slice_str(bad[i])));
        assert_true(text_is_utf8(slice_str("Schl\xc3\xbcssel \xe9\x8d\xb5")));
        assert_int_equal(text_width(slice_str("Schl\xc3\xbcssel \xe9\x8d\xb5")), 12);
}

static void arena_is_wiped_and_limited(void **state)
{
        struct arena *a = arena_new(1024, 4096);
        uint8_t *p = arena_alloc(a, 100);

        (void)state;
        memset(p, 0x5a, 100);
        arena_reset(a);
        assert_ptr_equal(arena_alloc(a, 100), p);
        for (int i = 0; i < 100; i++)
                assert_int_equal(p[i], 0);
        assert_non_null(arena_alloc(a, 3000));
        assert_null(arena_alloc(a, 3000));
        assert_null(arena_alloc(a, SIZE_MAX));
        assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
        arena_free(&a);
        assert_null(a);
}

static void trimming_keeps_the_content(void **state)
{
        struct buf b = BUF_INIT;

        (void)state;
        buf_trim(&b);
        assert_null(b.p);
        buf_put_text(&b,
                     "more than sixty-four bytes of text, so that the memory has doubled before this ends");
        assert_true(b.cap > b.n);
        buf_trim(&b);
        assert_int_equal(b.cap, b.n);
        assert_true(
            slice_equal(buf_slice(&b), SLICE_LIT("more than sixty-four bytes of text, so that the memory "
                                                 "has doubled before this ends")));
        buf_put_u8(&b, 1);
        assert_true(buf_ok(&b) && b.cap >= b.n);
        buf_clear(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(trimming_keeps_the_content),
                cmocka_unit_test(integers_are_big_endian_and_read_back),
                cmocka_unit_test(truncated_input_fails_for_good),
                cmocka_unit_test(failure_of_a_write_sticks),
                cmocka_unit_test(json_and_hex_are_safe),
                cmocka_unit_test(numbers_are_as_printf_writes_them),
                cmocka_unit_test(times_are_as_strftime_writes_them),
                cmocka_unit_test(base64_is_strict),
                cmocka_unit_test(numbers_are_strict),
                cmocka_unit_test(utf8_is_strict_and_has_width),
                cmocka_unit_test(arena_is_wiped_and_limited),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
