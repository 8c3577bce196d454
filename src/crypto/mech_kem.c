/* ML-KEM (FIPS 203): a shared secret that travels under a public key. Its failures cannot be told: libcrypto
 * answers a ciphertext that was not made for the key with a secret that nobody else has. */
#include "crypto/derive.h"

#include <stdlib.h>

/* No set of FIPS 203 has a longer one. */
#define SECRET_MAX 64u

static size_t kem_output_max(const struct crypto_run *r)
{
        return r->key->set ? r->key->set->output_n : 0;
}

static struct sec *shortened(struct sec *room, size_t n, struct err *err)
{
        struct sec *out = n <= sec_size(room) ? sec_copy(slice_of(sec_bytes(room), n)) : NULL;

        sec_free(&room);
        if (!out)
                err_set(err, ERR_MEMORY, "no memory for a shared secret");
        return out;
}

static bool kem_encapsulate(struct crypto_run *r, struct sec **secret, struct err *err)
{
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(r->crypto->context, r->key->pkey, NULL);
        struct sec *room = crypto_derive_room(SECRET_MAX, err);
        size_t n = SECRET_MAX, least = kem_output_max(r);
        bool ok;

        ok = room && context && *r->out_n >= least && EVP_PKEY_encapsulate_init(context, NULL) == 1 &&
             EVP_PKEY_encapsulate(context, r->out, r->out_n, sec_bytes(room), &n) == 1 && *r->out_n == least;
        EVP_PKEY_CTX_free(context);
        if (!ok) {
                sec_free(&room);
                return crypto_failed(err, "encapsulation");
        }
        *secret = shortened(room, n, err);
        return *secret != NULL;
}

static bool kem_decapsulate(struct crypto_run *r, struct sec **secret, struct err *err)
{
        EVP_PKEY_CTX *context;
        struct sec *room;
        size_t n = SECRET_MAX;
        bool ok;

        if (r->in.n != kem_output_max(r))
                return err_set(err, ERR_ENCRYPTED_DATA_LEN,
                               "the ciphertext has %zu bytes; this key takes %zu", r->in.n,
                               kem_output_max(r));
        context = EVP_PKEY_CTX_new_from_pkey(r->crypto->context, r->key->pkey, NULL);
        room = crypto_derive_room(SECRET_MAX, err);
        ok = room && context && EVP_PKEY_decapsulate_init(context, NULL) == 1 &&
             EVP_PKEY_decapsulate(context, sec_bytes(room), &n, r->in.p, r->in.n) == 1;
        EVP_PKEY_CTX_free(context);
        if (!ok) {
                sec_free(&room);
                return crypto_failed(err, "decapsulation");
        }
        *secret = shortened(room, n, err);
        return *secret != NULL;
}

/* The wanted key: the first bytes of the secret, as many as the template or its type says, or all of it. */
static bool make_key(struct crypto *c, const struct crypto_mechanism *m, const struct crypto_wanted *wanted,
                     struct sec *secret, struct crypto_key **key, struct err *err)
{
        struct crypto_derivation d = { .crypto = c, .mechanism = m, .n = 1, .wanted = { *wanted } };
        size_t n;

        return crypto_derive_length(&d, 0, sec_size(secret), sec_size(secret), &n, err) &&
               crypto_key_open(c, wanted->class, wanted->type, slice_of(sec_bytes(secret), n), key, err);
}

static bool halves_fit(const struct crypto_run *r, enum crypto_key_class class, struct err *err)
{
        return r->key->class == class ||
               err_set(err, ERR_KEY_FUNCTION, "a %s key does not %s",
                       r->key->class == CRYPTO_PUBLIC ? "public" : "private", crypto_op_name(r->op));
}

bool crypto_encapsulate(struct crypto *c, const struct crypto_mechanism *m, struct crypto_key *public_key,
                        const struct crypto_wanted *wanted, uint8_t *out, size_t *out_n,
                        struct crypto_key **key, struct err *err)
{
        struct crypto_run r = { .crypto = c,
                                .mechanism = m,
                                .op = CRYPTO_ENCAPSULATE,
                                .key = public_key,
                                .out = out,
                                .out_n = out_n };
        struct sec *secret = NULL;
        bool ok = crypto_operation_check(m, CRYPTO_ENCAPSULATE, public_key, NULL, err) &&
                  halves_fit(&r, CRYPTO_PUBLIC, err) && m->family->encapsulate(&r, &secret, err) &&
                  make_key(c, m, wanted, secret, key, err);

        sec_free(&secret);
        return ok;
}

bool crypto_decapsulate(struct crypto *c, const struct crypto_mechanism *m, struct crypto_key *private_key,
                        const struct crypto_wanted *wanted, struct slice ciphertext, struct crypto_key **key,
                        struct err *err)
{
        struct crypto_run r = {
                .crypto = c, .mechanism = m, .op = CRYPTO_DECAPSULATE, .key = private_key, .in = ciphertext
        };
        struct sec *secret = NULL;
        bool ok = crypto_operation_check(m, CRYPTO_DECAPSULATE, private_key, NULL, err) &&
                  halves_fit(&r, CRYPTO_PRIVATE, err) && m->family->decapsulate(&r, &secret, err) &&
                  make_key(c, m, wanted, secret, key, err);

        sec_free(&secret);
        return ok;
}

bool crypto_kem_agrees(struct crypto *c, struct crypto_key *private_key, struct crypto_key *public_key,
                       struct err *err)
{
        size_t n = public_key->set->output_n;
        uint8_t *ciphertext = malloc(n);
        struct crypto_run there = { .crypto = c,
                                    .op = CRYPTO_ENCAPSULATE,
                                    .key = public_key,
                                    .out = ciphertext,
                                    .out_n = &n },
                          back = { .crypto = c, .op = CRYPTO_DECAPSULATE, .key = private_key };
        struct sec *sent = NULL, *got = NULL;
        bool ok = ciphertext && kem_encapsulate(&there, &sent, err);

        back.in = slice_of(ciphertext, n);
        ok = ok && kem_decapsulate(&back, &got, err) && sec_size(sent) == sec_size(got) &&
             CRYPTO_memcmp(sec_bytes(sent), sec_bytes(got), sec_size(sent)) == 0;
        sec_free(&sent);
        sec_free(&got);
        free(ciphertext);
        return ok;
}

const struct crypto_family crypto_family_kem = {
        .output_max = kem_output_max,
        .encapsulate = kem_encapsulate,
        .decapsulate = kem_decapsulate,
};
