#include "crypto/shamir.h"

uint8_t crypto_shamir_product(uint8_t a, uint8_t b)
{
        uint8_t out = 0;

        for (int i = 0; i < 8; i++) {
                uint8_t take = (uint8_t)(0u - (b & 1u)), over = (uint8_t)(0u - (unsigned)(a >> 7));

                out = (uint8_t)(out ^ (a & take));
                a = (uint8_t)((unsigned)(a << 1) ^ (over & 0x1bu));
                b = (uint8_t)(b >> 1);
        }
        return out;
}

/* a to the power of 254, which is 1/a. */
static uint8_t inverse(uint8_t a)
{
        uint8_t out = 1, power = a;

        for (int bit = 1; bit < 8; bit++) {
                power = crypto_shamir_product(power, power);
                out = crypto_shamir_product(out, power);
        }
        return out;
}

bool crypto_shamir_split(struct crypto *c, struct slice secret, unsigned threshold,
                         struct crypto_share *shares, size_t n, struct err *err)
{
        struct sec *random = NULL;

        if (threshold < 2 || threshold > n || n > CRYPTO_SHARES_MAX || secret.n == 0)
                return err_set(err, ERR_ARGUMENT,
                               "a secret is split into 2 to %d shares, of which 2 to all are needed",
                               CRYPTO_SHARES_MAX);
        random = sec_new(secret.n * (threshold - 1));
        if (!random || !crypto_random(c, sec_bytes(random), sec_size(random), err)) {
                bool memory = !random;

                sec_free(&random);
                return memory ? err_set(err, ERR_MEMORY, "no memory to split a secret") : false;
        }
        for (size_t i = 0; i < n; i++) {
                shares[i].x = (uint8_t)(i + 1);
                for (size_t k = 0; k < secret.n; k++) {
                        uint8_t y = 0;

                        /* Horner: the coefficients from the highest down, the secret last */
                        for (unsigned j = 0; j + 1 < threshold; j++)
                                y = (uint8_t)(crypto_shamir_product(y, shares[i].x) ^
                                              sec_slice(random).p[j * secret.n + k]);
                        shares[i].y[k] = (uint8_t)(crypto_shamir_product(y, shares[i].x) ^ secret.p[k]);
                }
        }
        sec_free(&random);
        return true;
}

bool crypto_shamir_join(const struct crypto_share *shares, size_t n, uint8_t *secret, size_t secret_n)
{
        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < i; j++) {
                        if (shares[i].x == shares[j].x)
                                return false;
                }
                if (shares[i].x == 0)
                        return false;
        }
        memset(secret, 0, secret_n);
        for (size_t i = 0; i < n; i++) {
                uint8_t weight = 1; /* of share i at 0, by Lagrange */

                for (size_t j = 0; j < n; j++) {
                        if (j != i)
                                weight = crypto_shamir_product(
                                    weight, crypto_shamir_product(
                                                shares[j].x, inverse((uint8_t)(shares[j].x ^ shares[i].x))));
                }
                for (size_t k = 0; k < secret_n; k++)
                        secret[k] = (uint8_t)(secret[k] ^ crypto_shamir_product(weight, shares[i].y[k]));
        }
        return true;
}
