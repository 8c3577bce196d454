/* Contexts of ciphers for keys of every type, and running ciphers. */
#include "crypto/cipher.h"

#include <stdio.h>

/* ---- contexts ---- */

/* Key bytes as the cipher wants them. DES with one key K, or two K1, K2, is triple DES with K K K, or
 * K1 K2 K1; libcrypto's default provider has triple DES only. */
struct slice crypto_cipher_key(const struct crypto_key *key, uint8_t expanded[24])
{
        struct slice bytes = sec_slice(key->secret);
        const struct crypto_secret *row = crypto_secret_find(key->type);

        if (!row->parity)
                return bytes;
        for (size_t i = 0; i < 24; i++)
                expanded[i] = bytes.p[i % bytes.n];
        return slice_of(expanded, 24);
}

void crypto_cipher_name(const struct crypto_key *key, const char *mode, char name[32])
{
        const struct crypto_secret *row = crypto_secret_find(key->type);

        if (!row->cipher)
                (void)snprintf(name, 32, "%s", mode);
        else if (row->parity)
                (void)snprintf(name, 32, "%s-%s", row->cipher, mode);
        else
                (void)snprintf(name, 32, "%s-%u-%s", row->cipher, key->bits, mode);
}

static EVP_CIPHER_CTX *context_new(struct crypto *c, const char *name, struct slice key, bool encrypt)
{
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(c->context, name, NULL);

        if (context)
                EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        if (!cipher || !context || EVP_CipherInit_ex2(context, cipher, key.p, NULL, encrypt, NULL) != 1 ||
            EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
                EVP_CIPHER_CTX_free(context);
                context = NULL;
        }
        EVP_CIPHER_free(cipher);
        return context;
}

EVP_CIPHER_CTX *crypto_cipher_context(const struct crypto_key *key, const char *mode, bool encrypt)
{
        EVP_CIPHER_CTX *context;
        uint8_t expanded[24];
        char name[32];

        crypto_cipher_name(key, mode, name);
        context = context_new(key->crypto, name, crypto_cipher_key(key, expanded), encrypt);
        sec_wipe(expanded, sizeof(expanded));
        return context;
}

/* One half of an XTS key, as a key of its own. */
static EVP_CIPHER_CTX *half_context(const struct crypto_key *key, unsigned half, bool encrypt)
{
        struct slice bytes = sec_slice(key->secret);
        size_t n = bytes.n / 2;

        return context_new(key->crypto, n == 16 ? "AES-128-ECB" : "AES-256-ECB",
                           slice_of(bytes.p + half * n, n), encrypt);
}

static void context_free(void *context)
{
        EVP_CIPHER_CTX_free(context);
}

struct crypto_cached *crypto_cipher_take_context(struct crypto_cipher *c, const char *mode, bool encrypt,
                                                 unsigned which)
{
        /* The row's address and what is beyond the operations of crypto_run_tag stand for the context. */
        const void *tag = (const uint8_t *)c->mechanism + 16 + 2 * which + encrypt;
        struct crypto_cached *cached = crypto_cache_take(c->key, tag);

        if (cached)
                return cached;
        return crypto_cached_new(
            tag, mode ? crypto_cipher_context(c->key, mode, encrypt) : half_context(c->key, which, encrypt),
            context_free);
}

/* ---- running ---- */

bool crypto_cipher_bad_length(const struct crypto_cipher *c, struct err *err)
{
        return err_set(err, c->encrypts ? ERR_DATA_LEN : ERR_ENCRYPTED_DATA_LEN,
                       "data of this length is not for %s under this parameter", c->mechanism->name);
}

static bool start(struct crypto_cipher *c, struct err *err)
{
        c->room = UINT64_MAX;
        c->started = true;
        return c->mechanism->family->mode->start(c, err);
}

bool crypto_cipher_begin(struct crypto_cipher *c, const struct crypto_run *r, struct err *err)
{
        *c = (struct crypto_cipher){ .crypto = r->crypto,
                                     .mechanism = r->mechanism,
                                     .size = ck_mech_size(r->mechanism->number),
                                     .param = r->param,
                                     .key = r->key,
                                     .encrypts = r->op == CRYPTO_ENCRYPT };
        return (c->size->prefix && !c->encrypts) || start(c, err);
}

/* The IV before encrypted data: takes its bytes from in, and starts when it is complete. */
static bool take_prefix(struct crypto_cipher *c, struct slice *in, struct err *err)
{
        size_t n = c->size->prefix - c->iv_n < in->n ? c->size->prefix - c->iv_n : in->n;

        if (c->started)
                return true;
        memcpy(c->iv + c->iv_n, n ? in->p : c->iv, n);
        c->iv_n += n;
        *in = slice_of(n ? in->p + n : in->p, in->n - n);
        return c->iv_n < c->size->prefix || start(c, err);
}

static size_t give_prefix(struct crypto_cipher *c, uint8_t *out)
{
        if (!c->size->prefix || !c->encrypts || c->shown)
                return 0;
        c->shown = true;
        memcpy(out, c->iv, c->size->prefix);
        return c->size->prefix;
}

/* Of n bytes at hand, those that go through now. Decryption goes on before the tag is seen: showing what
 * comes out is the caller's business. */
static size_t ready(const struct crypto_cipher *c, size_t n)
{
        size_t tag = c->size->authenticates ? ck_mech_tag(c->param) : 0;

        if (c->size->authenticates && !c->encrypts)
                return n > tag ? n - tag : 0;
        return ck_mech_ready(c->size, c->encrypts, n);
}

static void hold(struct crypto_cipher *c, struct slice in)
{
        if (in.n)
                memcpy(c->held + c->held_n, in.p, in.n);
        c->held_n += in.n;
}

static bool take(struct crypto_cipher *c, struct slice in, uint8_t *out, size_t *n)
{
        if (in.n && !c->mechanism->family->mode->take(c, in, out + *n))
                return false;
        *n += in.n;
        return true;
}

/* go bytes of what is held and in, a multiple of the unit. */
static bool pass(struct crypto_cipher *c, struct slice in, size_t go, uint8_t *out, size_t *n)
{
        size_t unit = c->size->unit, fill, first;

        if (go <= c->held_n) { /* some stays held: little came in */
                if (!take(c, slice_of(c->held, go), out, n))
                        return false;
                memmove(c->held, c->held + go, c->held_n - go);
                c->held_n -= go;
                hold(c, in);
                return true;
        }
        fill = (unit - c->held_n % unit) % unit;
        hold(c, slice_of(in.p, fill));
        first = c->held_n;
        c->held_n = 0;
        if (!take(c, slice_of(c->held, first), out, n) || !take(c, slice_of(in.p + fill, go - first), out, n))
                return false;
        hold(c, slice_of(in.p + fill + go - first, in.n - fill - (go - first)));
        return true;
}

bool crypto_cipher_update(struct crypto_cipher *c, struct slice in, uint8_t *out, size_t *n, struct err *err)
{
        size_t go;

        *n = 0;
        if (!take_prefix(c, &in, err))
                return false;
        if (!in.n)
                return true;
        if (in.n > c->room || in.n > INT32_MAX)
                return crypto_cipher_bad_length(c, err);
        c->room -= in.n;
        go = ready(c, c->held_n + in.n);
        if (!go) {
                hold(c, in);
                return true;
        }
        *n = give_prefix(c, out);
        return pass(c, in, go, out, n) || crypto_failed(err, c->encrypts ? "encryption" : "decryption");
}

bool crypto_cipher_end(struct crypto_cipher *c, uint8_t *out, size_t *n, struct err *err)
{
        struct err spare, *why = err ? err : &spare;
        size_t first = give_prefix(c, out);
        bool ok;

        *n = 0;
        if (!c->started)
                return crypto_cipher_bad_length(c, err);
        why->id = ERR_NONE;
        ok = c->mechanism->family->mode->end(c, slice_of(c->held, c->held_n), out + first, n, why);
        *n = ok ? *n + first : 0;
        if (!ok && !why->id)
                return crypto_failed(err, c->encrypts ? "encryption" : "decryption");
        if (!c->encrypts && ERR_peek_error()) /* asked in any case, to take as long */
                ERR_clear_error();
        return ok;
}

void crypto_cipher_clear(struct crypto_cipher *c)
{
        if (c->key) {
                crypto_cache_put(c->key, c->main);
                crypto_cache_put(c->key, c->other);
        }
        sec_wipe(c, sizeof(*c));
}

/* ---- one piece ---- */

size_t crypto_cipher_output_max(const struct crypto_run *r)
{
        return r->in.n + 32; /* a block of padding, or IV and tag */
}

static bool run(struct crypto_run *r, enum crypto_op op, struct err *err)
{
        struct crypto_run as = *r; /* wraps come here too */
        struct crypto_cipher c;
        size_t n = 0, last = 0;
        bool ok, verifies;

        as.op = op;
        ok = crypto_cipher_begin(&c, &as, err);
        verifies = ok && c.size->authenticates;
        if (ok && c.iv_n && r->iv_out)
                memcpy(r->iv_out, c.iv, c.iv_n);
        else if (ok && c.iv_n && !c.size->prefix)
                ok = err_set(err, ERR_MECHANISM_PARAM, "there is no room to give the IV back");
        ok = ok && crypto_cipher_update(&c, r->in, r->out, &n, err) &&
             crypto_cipher_end(&c, r->out + n, &last, err);
        crypto_cipher_clear(&c);
        if (!ok && op == CRYPTO_DECRYPT && verifies)
                sec_wipe(
                    r->out,
                    n); /* nothing unverified is looked at; what has a padding only is, to take as long */
        *r->out_n = ok ? n + last : 0;
        return ok;
}

bool crypto_cipher_encrypt(struct crypto_run *r, struct err *err)
{
        return run(r, CRYPTO_ENCRYPT, err);
}

bool crypto_cipher_decrypt(struct crypto_run *r, struct err *err)
{
        return run(r, CRYPTO_DECRYPT, err);
}
