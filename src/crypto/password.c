/* Passwords at rest: Argon2id (RFC 9106) by libargon2. */
#include "crypto/seal.h"

#include <argon2.h>
#include <string.h>

#define MEMORY_KIB_PRESET 19456
#define PASSES_PRESET     2
#define LANES             1
#define SALT_SIZE         16
#define HASH_SIZE         32

static uint32_t memory_kib(const struct crypto_password_cost *cost)
{
        return cost && cost->memory_kib ? cost->memory_kib : MEMORY_KIB_PRESET;
}

static uint32_t passes(const struct crypto_password_cost *cost)
{
        return cost && cost->passes ? cost->passes : PASSES_PRESET;
}

bool crypto_password_hash(struct crypto *c, const struct crypto_password_cost *cost, struct slice password,
                          char out[CRYPTO_PASSWORD_TEXT_MAX], struct err *err)
{
        uint8_t salt[SALT_SIZE];
        int rc;

        if (!crypto_random(c, salt, sizeof(salt), err))
                return false;
        rc = argon2id_hash_encoded(passes(cost), memory_kib(cost), LANES, password.p, password.n, salt,
                                   sizeof(salt), HASH_SIZE, out, CRYPTO_PASSWORD_TEXT_MAX);
        if (rc != ARGON2_OK)
                return err_set(err, ERR_CRYPTO, "password cannot be hashed: %s", argon2_error_message(rc));
        return true;
}

bool crypto_password_verify(struct crypto *c, const char *record, struct slice password, struct err *err)
{
        int rc = argon2id_verify(record, password.p, password.n);

        (void)c;
        if (rc == ARGON2_OK)
                return true;
        if (rc == ARGON2_VERIFY_MISMATCH)
                return err_set(err, ERR_LOGIN_FAILED, "user name or password is wrong");
        return err_set(err, ERR_STORE_DAMAGED, "a stored password record cannot be read: %s",
                       argon2_error_message(rc));
}

void crypto_password_waste(struct crypto *c, const struct crypto_password_cost *cost, struct slice password)
{
        static const uint8_t salt[SALT_SIZE] = { 0 };
        uint8_t hash[HASH_SIZE];

        (void)c;
        (void)argon2id_hash_raw(passes(cost), memory_kib(cost), LANES, password.p, password.n, salt,
                                sizeof(salt), hash, sizeof(hash));
        sec_wipe(hash, sizeof(hash));
}
