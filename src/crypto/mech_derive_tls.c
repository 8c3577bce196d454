/* The key schedule of TLS 1.2 (RFC 5246 8.1 and 6.3, RFC 7627 4, RFC 5705 4), and the MAC of its Finished
 * messages.
 *
 * All of them are one function of a secret and a string of label and values. The lengths demanded here and
 * the labels refused keep the strings of different uses apart, so that what one use tells (a MAC, an IV) is
 * never what another one keeps as a key. */
#include "crypto/derive.h"

#define RANDOM 32
#define MASTER 48

static const char master_label[] = "master secret", extended_label[] = "extended master secret",
                  keys_label[] = "key expansion", server_label[] = "server finished",
                  client_label[] = "client finished";

static bool hash_check(const struct crypto_mechanism *m, uint64_t hash, struct err *err)
{
        return crypto_hash_of(hash) != HASH_NONE ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs a hash that is offered", m->name);
}

static bool randoms_check(const struct crypto_mechanism *m, const struct ck_mech_param *p, struct err *err)
{
        return (p->u.tls.client.n == RANDOM && p->u.tls.server.n == RANDOM) ||
               err_set(err, ERR_MECHANISM_PARAM, "%s needs two randoms of %d bytes", m->name, RANDOM);
}

static bool present(const struct crypto_mechanism *m, const struct ck_mech_param *p, struct err *err)
{
        return (p && p->present) || err_set(err, ERR_MECHANISM_PARAM, "%s needs a parameter", m->name);
}

static struct sec *prf(struct crypto *c, uint64_t hash, const struct crypto_key *secret,
                       const struct slice *seed, size_t parts, size_t n, struct err *err)
{
        struct crypto_prf f;
        struct sec *out = NULL;

        if (crypto_prf_open(c, crypto_hash_of(hash), sec_slice(secret->secret), &f, err))
                out = crypto_prf_tls(&f, seed, parts, n, err);
        crypto_prf_close(&f);
        return out;
}

/* ---- master secret ---- */

/* A secret that was agreed upon has no version inside. */
static bool is_agreed(const struct crypto_mechanism *m)
{
        return m->number == CKM_TLS12_MASTER_KEY_DERIVE_DH ||
               m->number == CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH;
}

static bool master_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        if (!present(m, p, err) || !hash_check(m, p->u.tls.hash, err))
                return false;
        if (p->kind == CK_PARAM_TLS_MASTER && !randoms_check(m, p, err))
                return false;
        if (p->kind == CK_PARAM_TLS_EXTENDED && (p->u.tls.label.n < 20 || p->u.tls.label.n > 64))
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs the hash of the handshake", m->name);
        if (is_agreed(m) && p->u.tls.with)
                return err_set(err, ERR_MECHANISM_PARAM, "%s knows no version", m->name);
        return !key || is_agreed(m) || key->bits == MASTER * 8 ||
               err_set(err, ERR_KEY_SIZE, "a TLS premaster secret has %d bytes, not %u", MASTER,
                       key->bits / 8);
}

static bool master_derive(struct crypto_derivation *d, struct err *err)
{
        const struct ck_mech_param *p = d->param;
        struct slice seed[3] = { slice_str(master_label), p->u.tls.client, p->u.tls.server };
        size_t parts = 3;

        if (p->kind == CK_PARAM_TLS_EXTENDED) {
                seed[0] = slice_str(extended_label);
                seed[1] = p->u.tls.label;
                parts = 2;
        }
        if (d->wanted[0].type != CKK_GENERIC_SECRET || (d->wanted[0].length && d->wanted[0].length != MASTER))
                return err_set(err, ERR_TEMPLATE_INCONSISTENT,
                               "a TLS master secret is a generic secret of %d bytes", MASTER);
        d->value[0] = prf(d->crypto, p->u.tls.hash, d->base, seed, parts, MASTER, err);
        if (d->value[0] && p->u.tls.with && d->told) {
                memcpy(d->told->bytes, sec_slice(d->base->secret).p, 2);
                d->told->n = 2;
        }
        return d->value[0] != NULL;
}

const struct crypto_family crypto_family_tls_master = { .check = master_check, .derive = master_derive };

/* ---- key block ---- */

static bool whole_bytes(uint32_t bits, uint32_t most)
{
        return bits % 8 == 0 && bits <= most;
}

static bool keys_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                       const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        if (!present(m, p, err) || !hash_check(m, p->u.tls.hash, err) || !randoms_check(m, p, err))
                return false;
        if (!whole_bytes(p->u.tls.mac_bits, 512) || !whole_bytes(p->u.tls.key_bits, 256) ||
            !whole_bytes(p->u.tls.iv_bits, 128) || !p->u.tls.key_bits)
                return err_set(err, ERR_MECHANISM_PARAM,
                               "%s makes MAC keys to 512, keys to 256 and IVs to 128 bits, in whole bytes",
                               m->name);
        return !key || key->bits == MASTER * 8 ||
               err_set(err, ERR_KEY_SIZE, "a TLS master secret has %d bytes, not %u", MASTER, key->bits / 8);
}

/* Outputs in the order of the block: MAC keys of client and server (none when they have no bits), keys. */
static bool keys_derive(struct crypto_derivation *d, struct err *err)
{
        const struct ck_mech_param *p = d->param;
        struct slice seed[3] = { slice_str(keys_label), p->u.tls.server, p->u.tls.client };
        size_t mac = p->u.tls.mac_bits / 8, n = p->u.tls.key_bits / 8, iv = p->u.tls.iv_bits / 8, at = 0;
        size_t outputs = mac ? 4 : 2;
        struct sec *block;
        bool ok = true;

        if (d->n != outputs)
                return err_set(err, ERR_MECHANISM_PARAM, "%s makes %zu keys here", d->mechanism->name,
                               outputs);
        block = prf(d->crypto, p->u.tls.hash, d->base, seed, 3, 2 * (mac + n + iv), err);
        for (size_t i = 0; block && ok && i < outputs; i++) {
                size_t length = mac && i < 2 ? mac : n;

                ok = (!d->wanted[i].length || d->wanted[i].length == length ||
                      err_set(err, ERR_TEMPLATE_INCONSISTENT, "the key block has keys of %zu bytes, not %zu",
                              length, d->wanted[i].length)) &&
                     crypto_derive_take(d, i, slice_of(sec_bytes(block) + at, length), err);
                at += length;
        }
        if (block && ok && iv && d->told) {
                memcpy(d->told->bytes, sec_bytes(block) + at, 2 * iv);
                d->told->n = 2 * iv;
        }
        ok = ok && block;
        sec_free(&block);
        return ok;
}

const struct crypto_family crypto_family_tls_keys = {
        .check = keys_check,
        .derive = keys_derive,
        .several = true,
};

/* ---- exporter ---- */

/* Nothing separates a label from what follows it, so one that begins a label of the handshake, or that one of
 * those begins, could be made up to the same string. */
static bool is_reserved(struct slice label)
{
        static const char *const labels[] = { master_label, extended_label, keys_label, server_label,
                                              client_label };

        for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
                size_t n = strlen(labels[i]) < label.n ? strlen(labels[i]) : label.n;

                if (memcmp(labels[i], label.p, n) == 0)
                        return true;
        }
        return false;
}

static bool export_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        if (!present(m, p, err) || !hash_check(m, p->u.tls.hash, err) || !randoms_check(m, p, err))
                return false;
        if (p->u.tls.label.n == 0 || p->u.tls.label.n > 255 || p->u.tls.context.n > 65535)
                return err_set(err, ERR_MECHANISM_PARAM, "%s needs a label of 1 to 255 bytes", m->name);
        return !is_reserved(p->u.tls.label) ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "the label is one of the handshake's, or could pass for one");
}

static bool export_derive(struct crypto_derivation *d, struct err *err)
{
        const struct ck_mech_param *p = d->param;
        uint8_t length[2] = { (uint8_t)(p->u.tls.context.n >> 8), (uint8_t)p->u.tls.context.n };
        struct slice seed[5] = { p->u.tls.label, p->u.tls.client, p->u.tls.server,
                                 slice_of(length, sizeof(length)), p->u.tls.context };
        size_t n = 0;

        if (!crypto_derive_length(d, 0, 0, CRYPTO_DERIVED_MOST, &n, err))
                return false;
        d->value[0] = prf(d->crypto, p->u.tls.hash, d->base, seed, p->u.tls.with ? 5 : 3, n, err);
        return d->value[0] != NULL;
}

const struct crypto_family crypto_family_tls_export = { .check = export_check, .derive = export_derive };

/* ---- Finished ---- */

static bool finished_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                           const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        if (!present(m, p, err) || !hash_check(m, p->u.tls_mac.hash, err))
                return false;
        return (p->u.tls_mac.length >= 12 && p->u.tls_mac.length <= CRYPTO_BLOCK_MAX &&
                (p->u.tls_mac.who == 1 || p->u.tls_mac.who == 2)) ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "%s makes 12 to %d bytes, for the server (1) or the client (2)", m->name,
                       CRYPTO_BLOCK_MAX);
}

static size_t finished_size(const struct crypto_run *r)
{
        return r->param->u.tls_mac.length;
}

static bool finished_sign(struct crypto_run *r, struct err *err)
{
        const struct ck_mech_param *p = r->param;
        enum crypto_hash hash = crypto_hash_of(p->u.tls_mac.hash);
        struct slice seed[2] = { slice_str(p->u.tls_mac.who == 1 ? server_label : client_label), r->in };
        struct sec *mac;

        if (r->in.n != (size_t)EVP_MD_get_size(r->crypto->md[hash]))
                return err_set(err, ERR_DATA_LEN, "%s takes the hash of the handshake, not %zu bytes",
                               r->mechanism->name, r->in.n);
        mac = prf(r->crypto, p->u.tls_mac.hash, r->key, seed, 2, p->u.tls_mac.length, err);
        if (!mac)
                return false;
        memcpy(r->out, sec_bytes(mac), sec_size(mac));
        *r->out_n = sec_size(mac);
        sec_free(&mac);
        return true;
}

static bool finished_verify(struct crypto_run *r, struct err *err)
{
        uint8_t mac[CRYPTO_BLOCK_MAX];
        size_t n = sizeof(mac);
        struct crypto_run again = *r;
        bool good;

        again.out = mac;
        again.out_n = &n;
        if (!finished_sign(&again, err))
                return false;
        good = r->signature.n == n && sec_equal(r->signature, slice_of(mac, n));
        sec_wipe(mac, sizeof(mac));
        if (r->signature.n != n)
                return err_set(err, ERR_SIGNATURE_LEN, "the MAC has %zu bytes, not %zu", r->signature.n, n);
        return good || err_set(err, ERR_SIGNATURE, "the MAC does not match");
}

const struct crypto_family crypto_family_tls_mac = {
        .check = finished_check,
        .output_max = finished_size,
        .sign = finished_sign,
        .verify = finished_verify,
};

/* ---- premaster secret of RSA key transport ---- */

static bool premaster_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                            const struct ck_mech_param *p, struct err *err)
{
        (void)op;
        (void)key;
        return present(m, p, err);
}

static struct sec *premaster(struct crypto *c, const struct ck_mech_param *p, size_t n, struct err *err)
{
        struct sec *out = crypto_derive_room(n, err);

        if (out && (n < 2 || !crypto_random(c, sec_bytes(out), n, err)))
                sec_free(&out);
        if (out)
                memcpy(sec_bytes(out), p->u.version, 2);
        return out;
}

const struct crypto_family crypto_family_tls_premaster = { .check = premaster_check, .generate = premaster };
