/* Key derivation of SP 800-108: counter, feedback and double-pipeline mode. The caller lays the input of the
 * pseudorandom function out in pieces; each key begins at a new block of its output. */
#include "crypto/derive.h"

enum shape { COUNTER_MODE, FEEDBACK_MODE, PIPELINE_MODE };

static enum shape shape_of(const struct crypto_mechanism *m)
{
        return m->number == CKM_SP800_108_FEEDBACK_KDF          ? FEEDBACK_MODE
               : m->number == CKM_SP800_108_DOUBLE_PIPELINE_KDF ? PIPELINE_MODE
                                                                : COUNTER_MODE;
}

/* The lineage's own number calls its counter CK_SP800_108_COUNTER. */
static bool is_counter(const struct crypto_mechanism *m, const struct ck_kdf_piece *piece)
{
        if (piece->type == CK_SP800_108_COUNTER)
                return shape_of(m) != COUNTER_MODE || m->number == CKM_CLOUDHSM_SP800_108_COUNTER_KDF;
        return piece->type == CK_SP800_108_ITERATION_VARIABLE && shape_of(m) == COUNTER_MODE;
}

static bool width_ok(uint32_t bits, uint32_t most)
{
        return bits >= 8 && bits <= most && bits % 8 == 0;
}

static bool piece_check(const struct crypto_mechanism *m, const struct ck_kdf_piece *piece,
                        unsigned *counters, unsigned *variables, unsigned *lengths)
{
        switch (piece->type) {
        case CK_SP800_108_ITERATION_VARIABLE:
                if (shape_of(m) != COUNTER_MODE) {
                        ++*variables;
                        return !piece->formatted;
                }
                ++*counters;
                return piece->formatted && width_ok(piece->width, 32);
        case CK_SP800_108_COUNTER:
                ++*counters;
                return is_counter(m, piece) && width_ok(piece->width, 32);
        case CK_SP800_108_DKM_LENGTH:
                ++*lengths;
                return width_ok(piece->width, 64) &&
                       (piece->method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS ||
                        piece->method == CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS);
        default:
                return true;
        }
}

static bool kdf108_check(const struct crypto_mechanism *m, enum crypto_op op, const struct crypto_key *key,
                         const struct ck_mech_param *p, struct err *err)
{
        struct reader pieces = reader_of(p && p->present ? p->u.kdf108.pieces : SLICE_EMPTY);
        struct ck_kdf_piece piece;
        unsigned counters = 0, variables = 0, lengths = 0;
        bool ok = true;

        (void)op;
        (void)key;
        if (!p || !p->present ||
            (p->u.kdf108.prf != CKM_AES_CMAC && crypto_hash_of_hmac(p->u.kdf108.prf) == HASH_NONE))
                return err_set(err, ERR_MECHANISM_PARAM, "%s works with an HMAC that is offered or AES-CMAC",
                               m->name);
        while (ck_kdf_piece_next(&pieces, &piece))
                ok = piece_check(m, &piece, &counters, &variables, &lengths) && ok;
        ok = ok && lengths <= 1 && counters <= 1 &&
             (shape_of(m) == COUNTER_MODE ? counters == 1 : variables == 1);
        return ok ||
               err_set(err, ERR_MECHANISM_PARAM,
                       "the input of %s must hold its iteration variable once, with whole bytes", m->name);
}

/* The input of the pseudorandom function; the number pieces lie in `numbers`. */
struct input {
        struct slice parts[CRYPTO_PRF_PARTS];
        size_t n;
        size_t variable; /* index of the piece that chains, and of the counter; n: none */
        size_t counter;
        struct ck_kdf_piece counter_form;
        uint8_t counter_bytes[8], length_bytes[8];
};

static struct slice number_bytes(const struct ck_kdf_piece *form, uint64_t number, uint8_t out[8])
{
        size_t n = form->width / 8;

        for (size_t i = 0; i < n; i++) {
                size_t shift = 8 * (form->little_endian ? i : n - 1 - i);
                out[i] = (uint8_t)(number >> shift);
        }
        return slice_of(out, n);
}

static void lay_out(const struct crypto_derivation *d, uint64_t keys_bits, uint64_t segments_bits,
                    struct input *in)
{
        struct reader pieces = reader_of(d->param->u.kdf108.pieces);
        struct ck_kdf_piece piece;

        in->n = 0;
        in->variable = in->counter = CRYPTO_PRF_PARTS;
        while (ck_kdf_piece_next(&pieces, &piece)) {
                struct slice bytes = piece.bytes;

                if (is_counter(d->mechanism, &piece)) {
                        in->counter = in->n;
                        in->counter_form = piece;
                } else if (piece.type == CK_SP800_108_ITERATION_VARIABLE) {
                        in->variable = in->n;
                } else if (piece.type == CK_SP800_108_DKM_LENGTH) {
                        bool by_keys = piece.method == CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
                        bytes = number_bytes(&piece, by_keys ? keys_bits : segments_bits, in->length_bytes);
                }
                in->parts[in->n++] = bytes;
        }
}

/* A(i) of the double pipeline: A(0) is the input without what changes. */
static bool pipeline_step(const struct crypto_prf *prf, const struct input *in, uint64_t i, uint8_t *a,
                          struct err *err)
{
        struct slice fixed[CRYPTO_PRF_PARTS], last = slice_of(a, prf->size);
        size_t n = 0;

        if (i > 1)
                return crypto_prf(prf, &last, 1, a, err);
        for (size_t k = 0; k < in->n; k++) {
                if (k != in->variable && k != in->counter)
                        fixed[n++] = in->parts[k];
        }
        return crypto_prf(prf, fixed, n, a, err);
}

static bool kdf108_stream(const struct crypto_derivation *d, const struct crypto_prf *prf, struct input *in,
                          struct sec *out, struct err *err)
{
        size_t blocks = sec_size(out) / prf->size;
        uint8_t a[CRYPTO_BLOCK_MAX];
        bool ok = true;

        for (size_t i = 1; ok && i <= blocks; i++) {
                uint8_t *at = sec_bytes(out) + (i - 1) * prf->size;

                if (in->counter < in->n)
                        in->parts[in->counter] = number_bytes(&in->counter_form, i, in->counter_bytes);
                if (shape_of(d->mechanism) == PIPELINE_MODE)
                        ok = pipeline_step(prf, in, i, a, err);
                if (in->variable < in->n)
                        in->parts[in->variable] = shape_of(d->mechanism) == PIPELINE_MODE
                                                      ? slice_of(a, prf->size)
                                                  : i == 1 ? d->param->u.kdf108.iv
                                                           : slice_of(at - prf->size, prf->size);
                ok = ok && crypto_prf(prf, in->parts, in->n, at, err);
        }
        sec_wipe(a, sizeof(a));
        return ok;
}

/* Lengths of all keys, in bytes and in whole blocks. */
static bool measure(const struct crypto_derivation *d, size_t block, size_t length[CRYPTO_DERIVED_MAX],
                    size_t *keys, size_t *segments, struct err *err)
{
        *keys = *segments = 0;
        for (size_t i = 0; i < d->n; i++) {
                if (!crypto_derive_length(d, i, 0, CRYPTO_DERIVED_MOST, &length[i], err))
                        return false;
                *keys += length[i];
                *segments += (length[i] + block - 1) / block * block;
        }
        return true;
}

static bool counter_suffices(const struct input *in, size_t blocks, struct err *err)
{
        return in->counter >= in->n || in->counter_form.width >= 32 ||
               blocks < ((size_t)1 << in->counter_form.width) ||
               err_set(err, ERR_KEY_SIZE, "a counter of %u bits does not count so many blocks",
                       in->counter_form.width);
}

static bool kdf108_derive(struct crypto_derivation *d, struct err *err)
{
        enum crypto_hash hash = crypto_hash_of_hmac(d->param->u.kdf108.prf);
        size_t length[CRYPTO_DERIVED_MAX], keys, segments, at = 0;
        struct crypto_prf prf = { 0 };
        struct sec *stream = NULL;
        struct input in;
        bool ok = crypto_prf_open(d->crypto, hash, sec_slice(d->base->secret), &prf, err) &&
                  measure(d, prf.size, length, &keys, &segments, err);

        if (ok) {
                lay_out(d, (uint64_t)keys * 8, (uint64_t)segments * 8, &in);
                ok = counter_suffices(&in, segments / prf.size, err);
        }
        stream = ok ? crypto_derive_room(segments, err) : NULL;
        ok = stream && kdf108_stream(d, &prf, &in, stream, err);
        for (size_t i = 0; ok && i < d->n; i++) {
                ok = crypto_derive_take(d, i, slice_of(sec_bytes(stream) + at, length[i]), err);
                at += (length[i] + prf.size - 1) / prf.size * prf.size;
        }
        sec_free(&stream);
        crypto_prf_close(&prf);
        return ok;
}

const struct crypto_family crypto_family_kdf108 = {
        .check = kdf108_check,
        .derive = kdf108_derive,
        .several = true,
};
