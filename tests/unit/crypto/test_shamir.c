/* Secret sharing, against a second arithmetic of the same field: tables of powers of 3. */
#include "test.h"

#include "crypto/shamir.h"

#define N 5

static uint8_t power_of[255], log_of[256];

static void tables(void)
{
        uint8_t x = 1;

        for (int i = 0; i < 255; i++) {
                power_of[i] = x;
                log_of[x] = (uint8_t)i;
                x = (uint8_t)(x ^ (uint8_t)(x << 1) ^ (x & 0x80 ? 0x1b : 0)); /* times 3 */
        }
}

static uint8_t product(uint8_t a, uint8_t b)
{
        return a && b ? power_of[(log_of[a] + log_of[b]) % 255] : 0;
}

static void the_field(void **state)
{
        (void)state;
        tables();
        assert_int_equal(crypto_shamir_product(0x57, 0x83), 0xc1); /* FIPS 197, 4.2 */
        for (unsigned a = 0; a < 256; a++) {
                for (unsigned b = 0; b < 256; b++)
                        assert_int_equal(crypto_shamir_product((uint8_t)a, (uint8_t)b),
                                         product((uint8_t)a, (uint8_t)b));
        }
}

static void every_subset(void **state)
{
        struct err err = ERR_INIT;
        struct crypto *c = crypto_new(NULL, &err);
        uint8_t secret[40], bytes[N][40], out[40];
        struct crypto_share shares[N], some[N];

        (void)state;
        assert_true(crypto_random(c, secret, sizeof(secret), &err));
        for (size_t i = 0; i < N; i++)
                shares[i].y = bytes[i];
        for (unsigned threshold = 2; threshold <= N; threshold++) {
                assert_true(
                    crypto_shamir_split(c, slice_of(secret, sizeof(secret)), threshold, shares, N, &err));
                for (unsigned mask = 1; mask < 1u << N; mask++) {
                        size_t n = 0;

                        for (size_t i = 0; i < N; i++) {
                                if (mask >> i & 1)
                                        some[n++] = shares[i];
                        }
                        assert_true(crypto_shamir_join(some, n, out, sizeof(out)));
                        assert_int_equal(memcmp(out, secret, sizeof(out)) == 0, n >= threshold);
                }
        }
        crypto_free(&c);
}

/* A share lies on the polynomial that other shares give: share 3 of a line through 1 and 2. */
static void on_a_line(void **state)
{
        struct err err = ERR_INIT;
        struct crypto *c = crypto_new(NULL, &err);
        uint8_t secret[1] = { 0x42 }, y[3];
        struct crypto_share shares[3] = { { 0, &y[0] }, { 0, &y[1] }, { 0, &y[2] } };
        uint8_t slope;

        (void)state;
        tables();
        assert_true(crypto_shamir_split(c, slice_of(secret, 1), 2, shares, 3, &err));
        slope = (uint8_t)(y[0] ^ secret[0]); /* at 1 */
        assert_int_equal(y[1], secret[0] ^ product(slope, 2));
        assert_int_equal(y[2], secret[0] ^ product(slope, 3));
        crypto_free(&c);
}

static void refusals(void **state)
{
        struct err err = ERR_INIT;
        struct crypto *c = crypto_new(NULL, &err);
        uint8_t y[17][4], out[4];
        struct crypto_share shares[17];
        struct slice secret = SLICE_LIT("four");

        (void)state;
        for (size_t i = 0; i < 17; i++)
                shares[i] = (struct crypto_share){ 0, y[i] };
        assert_false(crypto_shamir_split(c, secret, 1, shares, 3, &err)); /* each share would be the secret */
        assert_false(crypto_shamir_split(c, secret, 4, shares, 3, &err));
        assert_false(crypto_shamir_split(c, secret, 2, shares, 17, &err));
        assert_false(crypto_shamir_split(c, SLICE_EMPTY, 2, shares, 3, &err));
        assert_true(crypto_shamir_split(c, secret, 2, shares, 3, &err));
        shares[1].x = shares[0].x;
        assert_false(crypto_shamir_join(shares, 2, out, 4));
        shares[1].x = 0;
        assert_false(crypto_shamir_join(shares, 2, out, 4));
        crypto_free(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_field),
                cmocka_unit_test(every_subset),
                cmocka_unit_test(on_a_line),
                cmocka_unit_test(refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
