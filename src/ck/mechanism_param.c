/* Which parameter a mechanism takes, and the node's side: flat bytes to plain fields. */
#include "ck/mechanism_param.h"
#include "ck/mechanism_param_rows.h"
#include "ck/names.h"
#include <inttypes.h>

static const struct ck_mech_param_row *row_of(uint64_t mechanism)
{
        size_t low = 0;
        size_t high = ck_mech_param_rows_n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct ck_mech_param_row *row = &ck_mech_param_rows[middle];
                if (row->mechanism == mechanism)
                        return row;
                if (row->mechanism < mechanism)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

bool ck_mech_param_kind(uint64_t mechanism, enum ck_param_kind *kind, bool *optional)
{
        const struct ck_mech_param_row *row = row_of(mechanism);
        if (!row)
                return false;
        *kind = row->kind;
        if (optional)
                *optional = row->optional;
        return true;
}

static struct slice block(struct reader *r)
{
        return reader_block(r, CK_MECH_PARAM_MAX);
}

/* A byte that must be 0 or 1. */
static bool flag(struct reader *r)
{
        uint8_t value = reader_u8(r);
        if (value > 1)
                r->failed = true;
        return value == 1;
}

static void read_oaep(struct reader *r, struct ck_mech_oaep *oaep)
{
        oaep->hash = reader_u64(r);
        oaep->mgf = reader_u32(r);
        oaep->source = reader_u32(r);
        oaep->label = block(r);
        if (oaep->source != CKZ_DATA_SPECIFIED && (oaep->source != 0 || oaep->label.n != 0))
                r->failed = true;
}

static void read_aead(struct reader *r, struct ck_mech_param *p)
{
        switch (p->kind) {
        case CK_PARAM_CTR: {
                p->u.ctr.bits = reader_u32(r);
                struct slice cb = reader_bytes(r, sizeof(p->u.ctr.block));
                if (cb.n == sizeof(p->u.ctr.block))
                        memcpy(p->u.ctr.block, cb.p, cb.n);
                r->failed = r->failed || p->u.ctr.bits < 1 || p->u.ctr.bits > 128;
                break;
        }
        case CK_PARAM_GCM:
                p->u.gcm.iv = block(r);
                p->u.gcm.iv_bits = reader_u32(r);
                p->u.gcm.aad = block(r);
                p->u.gcm.tag_bits = reader_u32(r);
                r->failed = r->failed || p->u.gcm.tag_bits > 128;
                break;
        case CK_PARAM_CCM:
                p->u.ccm.data_len = reader_u32(r);
                p->u.ccm.nonce = block(r);
                p->u.ccm.aad = block(r);
                p->u.ccm.mac_len = reader_u32(r);
                break;
        case CK_PARAM_CHACHA:
                p->u.chacha.counter = block(r);
                p->u.chacha.nonce = block(r);
                break;
        default: /* CK_PARAM_CHACHA_POLY */
                p->u.chacha_poly.nonce = block(r);
                p->u.chacha_poly.aad = block(r);
        }
}

static void read_signature(struct reader *r, struct ck_mech_param *p)
{
        switch (p->kind) {
        case CK_PARAM_PSS:
                p->u.pss.hash = reader_u64(r);
                p->u.pss.mgf = reader_u32(r);
                p->u.pss.salt_len = reader_u32(r);
                break;
        case CK_PARAM_EDDSA:
                p->u.eddsa.prehash = flag(r);
                p->u.eddsa.context = block(r);
                break;
        default: /* CK_PARAM_CONTEXT, CK_PARAM_CONTEXT_HASH */
                p->u.context.hedge = reader_u32(r);
                p->u.context.context = block(r);
                if (p->kind == CK_PARAM_CONTEXT_HASH)
                        p->u.context.hash = reader_u64(r);
        }
}

bool ck_kdf_piece_next(struct reader *r, struct ck_kdf_piece *piece)
{
        if (r->rest.n == 0 || !reader_ok(r))
                return false;
        *piece = (struct ck_kdf_piece){ .type = reader_u32(r) };
        piece->formatted = flag(r);
        if (piece->formatted) {
                piece->little_endian = flag(r);
                piece->width = reader_u32(r);
                piece->method = reader_u32(r);
        } else {
                piece->bytes = block(r);
        }
        return reader_ok(r);
}

/* The form a piece must have follows from its type. */
static bool piece_ok(const struct ck_kdf_piece *piece)
{
        switch (piece->type) {
        case CK_SP800_108_ITERATION_VARIABLE: /* without a format: the chaining value of the other modes */
                return piece->formatted || piece->bytes.n == 0;
        case CK_SP800_108_COUNTER:
        case CK_SP800_108_DKM_LENGTH:
                return piece->formatted;
        case CK_SP800_108_BYTE_ARRAY:
                return !piece->formatted;
        default:
                return false;
        }
}

static void read_kdf108(struct reader *r, struct ck_mech_param *p)
{
        struct ck_kdf_piece piece;
        uint32_t n = 0;
        p->u.kdf108.prf = reader_u64(r);
        if (p->kind == CK_PARAM_KDF108_FEEDBACK)
                p->u.kdf108.iv = block(r);
        p->u.kdf108.n = reader_u32(r);
        p->u.kdf108.pieces = block(r);
        struct reader pieces = reader_of(p->u.kdf108.pieces);
        while (ck_kdf_piece_next(&pieces, &piece)) {
                if (!piece_ok(&piece))
                        pieces.failed = true;
                n++;
        }
        if (!reader_end(&pieces) || n != p->u.kdf108.n || n > CK_KDF_PIECES_MAX)
                r->failed = true;
}

static void read_derivation(struct reader *r, struct ck_mech_param *p)
{
        switch (p->kind) {
        case CK_PARAM_ECDH:
                p->u.ecdh.kdf = reader_u32(r);
                p->u.ecdh.shared = block(r);
                p->u.ecdh.public_data = block(r);
                break;
        case CK_PARAM_CBC_DATA_AES:
        case CK_PARAM_CBC_DATA_DES:
                p->u.cbc_data.iv = reader_bytes(r, p->kind == CK_PARAM_CBC_DATA_AES ? 16 : 8);
                p->u.cbc_data.data = block(r);
                break;
        case CK_PARAM_HKDF:
                p->u.hkdf.extract = flag(r);
                p->u.hkdf.expand = flag(r);
                p->u.hkdf.hash = reader_u64(r);
                p->u.hkdf.salt_type = reader_u32(r);
                p->u.hkdf.salt = block(r);
                p->u.hkdf.info = block(r);
                if (p->u.hkdf.salt_type != CKF_HKDF_SALT_DATA && p->u.hkdf.salt.n != 0)
                        r->failed = true;
                break;
        case CK_PARAM_PBKDF2:
                p->u.pbkdf2.prf = reader_u32(r);
                p->u.pbkdf2.iterations = reader_u32(r);
                p->u.pbkdf2.salt = block(r);
                p->u.pbkdf2.password = block(r);
                break;
        default: /* CK_PARAM_KDF108, CK_PARAM_KDF108_FEEDBACK */
                read_kdf108(r, p);
        }
}

static void read_tls(struct reader *r, struct ck_mech_param *p)
{
        p->u.tls.hash = reader_u64(r);
        if (p->kind == CK_PARAM_TLS_KDF || p->kind == CK_PARAM_TLS_EXTENDED)
                p->u.tls.label = block(r);
        if (p->kind != CK_PARAM_TLS_EXTENDED) {
                p->u.tls.client = block(r);
                p->u.tls.server = block(r);
        }
        if (p->kind == CK_PARAM_TLS_KEYS) {
                p->u.tls.mac_bits = reader_u32(r);
                p->u.tls.key_bits = reader_u32(r);
                p->u.tls.iv_bits = reader_u32(r);
                return;
        }
        p->u.tls.with = flag(r);
        if (p->kind == CK_PARAM_TLS_KDF) {
                p->u.tls.context = block(r);
                if (!p->u.tls.with && p->u.tls.context.n)
                        r->failed = true;
        }
}

static void read_param(struct reader *r, struct ck_mech_param *p)
{
        switch (p->kind) {
        case CK_PARAM_NONE:
        case CK_PARAM_KEY:
                break;
        case CK_PARAM_IV:
                p->u.bytes = reader_bytes(r, r->rest.n);
                break;
        case CK_PARAM_NUMBER:
                p->u.number = reader_u32(r);
                break;
        case CK_PARAM_STRING:
                p->u.bytes = block(r);
                break;
        case CK_PARAM_CTR:
        case CK_PARAM_GCM:
        case CK_PARAM_CCM:
        case CK_PARAM_CHACHA:
        case CK_PARAM_CHACHA_POLY:
                read_aead(r, p);
                break;
        case CK_PARAM_OAEP:
                read_oaep(r, &p->u.oaep);
                break;
        case CK_PARAM_RSA_AES_WRAP:
                p->u.rsa_aes.aes_bits = reader_u32(r);
                read_oaep(r, &p->u.rsa_aes.oaep);
                break;
        case CK_PARAM_PSS:
        case CK_PARAM_EDDSA:
        case CK_PARAM_CONTEXT:
        case CK_PARAM_CONTEXT_HASH:
                read_signature(r, p);
                break;
        case CK_PARAM_ECDH:
        case CK_PARAM_CBC_DATA_AES:
        case CK_PARAM_CBC_DATA_DES:
        case CK_PARAM_HKDF:
        case CK_PARAM_PBKDF2:
        case CK_PARAM_KDF108:
        case CK_PARAM_KDF108_FEEDBACK:
                read_derivation(r, p);
                break;
        case CK_PARAM_TLS_MASTER:
        case CK_PARAM_TLS_EXTENDED:
        case CK_PARAM_TLS_KEYS:
        case CK_PARAM_TLS_KDF:
                read_tls(r, p);
                break;
        case CK_PARAM_TLS_MAC:
                p->u.tls_mac.hash = reader_u64(r);
                p->u.tls_mac.length = reader_u32(r);
                p->u.tls_mac.who = reader_u32(r);
                break;
        case CK_PARAM_VERSION:
                p->u.version[0] = reader_u8(r);
                p->u.version[1] = reader_u8(r);
                break;
        }
}

bool ck_mech_param_decode(uint64_t mechanism, struct slice flat, struct ck_mech_param *out, struct err *err)
{
        const struct ck_mech_param_row *row = row_of(mechanism);
        *out = (struct ck_mech_param){ .kind = row ? row->kind : CK_PARAM_NONE };
        if (!row)
                return err_set(err, ERR_MECHANISM, "mechanism 0x%" PRIx64 " is not known", mechanism);
        struct reader r = reader_of(flat);
        bool without = row->optional || row->kind == CK_PARAM_NONE || row->kind == CK_PARAM_KEY;
        if (flat.n == 0 && without)
                return true;
        if (flat.n == 0 || flat.n > CK_MECH_PARAM_MAX)
                r.failed = true;
        else
                read_param(&r, out);
        if (row->iv_size && !r.failed && out->u.bytes.n != row->iv_size) {
                err_set(err, ERR_MECHANISM_PARAM, "'%s' takes an IV of %u bytes, not %zu",
                        ck_name(CK_KIND_MECHANISM, mechanism), row->iv_size, out->u.bytes.n);
                *out = (struct ck_mech_param){ .kind = row->kind };
                return false;
        }
        if (!reader_end(&r)) {
                *out = (struct ck_mech_param){ .kind = row->kind };
                return err_set(err, ERR_MECHANISM_PARAM, "parameter of '%s' is %s",
                               ck_name(CK_KIND_MECHANISM, mechanism), flat.n ? "malformed" : "missing");
        }
        out->present = true;
        return true;
}
