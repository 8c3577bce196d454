/* chsm-util: mechanisms that wrap, and the header of wrapped files. */
#include "base/text.h"
#include "ck/encoding.h"
#include "tools/util_move.h"

#include <string.h>

#define TAG_PRESET 16
#define HEAD       12 /* bytes before the attributes */
#define VERSION    1
static const char magic[7] = "CHSMKEY";

/* Numbers of -t. */
static const struct {
        uint64_t number;
        CK_MECHANISM_TYPE hash;
        uint32_t mgf;
} hash_rows[] = {
        { 2, CKM_SHA_1, CKG_MGF1_SHA1 },    { 3, CKM_SHA256, CKG_MGF1_SHA256 },
        { 4, CKM_SHA384, CKG_MGF1_SHA384 }, { 5, CKM_SHA512, CKG_MGF1_SHA512 },
        { 6, CKM_SHA224, CKG_MGF1_SHA224 },
};

static uint32_t not_for(struct shell *sh, const struct util_wrapping *w, const char *option)
{
        return shell_fail(sh, ERR_USAGE, "option %s is nothing for mechanism %llu (%s)", option,
                          (unsigned long long)w->row->number, w->row->name);
}

/* Options that only some mechanisms take. */
static uint32_t fits(struct shell *sh, const struct util_wrapping *w)
{
        enum util_wrap_kind kind = w->row->kind;

        if (w->hash && kind != UTIL_WRAP_OAEP && kind != UTIL_WRAP_RSA_AES)
                return not_for(sh, w, "-t");
        if (w->aad_file && kind != UTIL_WRAP_GCM)
                return not_for(sh, w, "-aad");
        if (w->tag && kind != UTIL_WRAP_GCM)
                return not_for(sh, w, "-tag_size");
        if (w->iv_file && (kind != UTIL_WRAP_GCM || w->row->own_iv))
                return not_for(sh, w, "-iv_file");
        if (w->iv_text && kind != UTIL_WRAP_KW)
                return not_for(sh, w, "-i");
        return 0;
}

uint32_t util_wrapping_read(struct shell *sh, struct util_wrapping *w)
{
        uint64_t number = 0;
        uint32_t rv = util_number(sh, "-m", w->mechanism, 0, 64, &number);

        w->row = rv ? NULL : util_wrap_row(number);
        if (rv == 0 && !w->row)
                rv = shell_fail(sh, ERR_MECHANISM, "there is no wrapping mechanism %s; try: wrapKey -h",
                                w->mechanism);
        if (rv == 0)
                rv = fits(sh, w);
        w->hash_number = 2;
        w->tag_bytes = TAG_PRESET;
        if (rv == 0 && w->hash)
                rv = util_number(sh, "-t", w->hash, 2, 6, &w->hash_number);
        if (rv == 0 && w->tag)
                rv = util_number(sh, "-tag_size", w->tag, 8, 16, &w->tag_bytes);
        if (rv == 0 && w->aad_file && !util_read(sh, w->aad_file, 32768, &w->aad))
                rv = err_ckr(&sh->err);
        if (rv == 0 && w->iv_text && (!text_from_hex(slice_str(w->iv_text), &w->iv) || w->iv.n != 8))
                rv = shell_fail(sh, ERR_USAGE, "option -i takes 16 hex digits, not '%s'", w->iv_text);
        return rv;
}

void util_wrapping_clear(struct util_wrapping *w)
{
        buf_clear(&w->aad);
        buf_clear(&w->header);
        buf_clear(&w->iv);
        buf_clear(&w->parameter);
}

/* ---- flat parameters (ck/mechanism_param.h) ---- */

static void put_oaep(struct util_wrapping *w)
{
        size_t i = 0;

        while (hash_rows[i].number != w->hash_number)
                i++;
        buf_put_u64(&w->parameter, hash_rows[i].hash);
        buf_put_u32(&w->parameter, hash_rows[i].mgf);
        buf_put_u32(&w->parameter, CKZ_DATA_SPECIFIED);
        buf_put_block(&w->parameter, buf_slice(&w->header));
}

static void put_gcm(struct util_wrapping *w)
{
        static const uint8_t ask[12] = { 0 }; /* the HSM makes the IV */
        struct slice iv = w->row->own_iv ? SLICE_EMPTY : w->iv.n ? buf_slice(&w->iv) : slice_of(ask, 12);

        buf_put_block(&w->parameter, iv);
        buf_put_u32(&w->parameter, (uint32_t)iv.n * 8);
        buf_put_u32(&w->parameter, (uint32_t)(w->header.n + w->aad.n));
        buf_put_slice(&w->parameter, buf_slice(&w->header));
        buf_put_slice(&w->parameter, buf_slice(&w->aad));
        buf_put_u32(&w->parameter, (uint32_t)w->tag_bytes * 8);
}

uint32_t util_wrapping_ready(struct shell *sh, struct util_wrapping *w)
{
        buf_reset(&w->parameter);
        switch (w->row->kind) {
        case UTIL_WRAP_RSA_AES:
                buf_put_u32(&w->parameter, 256);
                put_oaep(w);
                break;
        case UTIL_WRAP_OAEP:
                put_oaep(w);
                break;
        case UTIL_WRAP_GCM:
                put_gcm(w);
                break;
        case UTIL_WRAP_KW:
                buf_put_slice(&w->parameter, buf_slice(&w->iv));
                break;
        default:
                break;
        }
        chsm__mechanism__init(&w->m);
        w->m.number = w->row->mechanism;
        w->m.parameter = (ProtobufCBinaryData){ w->parameter.n, w->parameter.p };
        return buf_ok(&w->parameter) ? 0
                                     : shell_fail(sh, ERR_MEMORY, "no memory for a mechanism's parameter");
}

uint32_t util_wrap_call(struct shell *sh, const Chsm__Mechanism *m, const Chsm__ObjectRef *wrapping,
                        const Chsm__ObjectRef *key, struct chsm_answer *answer)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest body = CHSM__WRAP_KEY_REQUEST__INIT;

        body.mechanism = (Chsm__Mechanism *)(uintptr_t)m;
        body.wrapping_key = (Chsm__ObjectRef *)(uintptr_t)wrapping;
        body.key = (Chsm__ObjectRef *)(uintptr_t)key;
        request.wrap_key = &body;
        request.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
        return chsm_call(util_chsm(sh), &request, answer, &sh->err);
}

/* ---- the header ---- */

/* What a key keeps when it comes back. */
static const uint64_t kept[] = {
        CKA_CLASS,
        CKA_KEY_TYPE,
        CKA_LABEL,
        CKA_ID,
        CKA_ENCRYPT,
        CKA_DECRYPT,
        CKA_WRAP,
        CKA_UNWRAP,
        CKA_SIGN,
        CKA_VERIFY,
        CKA_DERIVE,
        CKA_EXTRACTABLE,
        CKA_WRAP_WITH_TRUSTED,
        CKA_DESTROYABLE,
        CKA_START_DATE,
        CKA_END_DATE,
};
#define KEPT (sizeof(kept) / sizeof(kept[0]))

uint32_t util_header_make(struct shell *sh, struct util_wrapping *w, const Chsm__ObjectRef *key)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf attributes = BUF_INIT;
        uint32_t rv = ask_get(util_chsm(sh), key, kept, KEPT, &answer, &sh->err);

        for (size_t i = 0; rv == 0 && i < KEPT; i++) {
                const Chsm__Attribute *a = answer.response->attributes->attributes[i];

                if (a->status == 0 && a->value.len)
                        ck_template_put(&attributes, a->type, slice_of(a->value.data, a->value.len));
        }
        buf_put(&w->header, magic, sizeof(magic));
        buf_put_u8(&w->header, VERSION);
        buf_put_u8(&w->header, (uint8_t)w->row->number);
        buf_put_u8(&w->header, (uint8_t)w->hash_number);
        buf_put_u8(&w->header, (uint8_t)w->tag_bytes);
        buf_put_u8(&w->header, 0);
        buf_put_block(&w->header, buf_slice(&attributes));
        if (rv == 0 && (!buf_ok(&w->header) || !buf_ok(&attributes)))
                rv = shell_fail(sh, ERR_MEMORY, "no memory for the header of a wrapped key");
        buf_clear(&attributes);
        chsm_answer_clear(&answer);
        return rv;
}

bool util_header_file(const struct util_wrapping *w, struct slice wrapped, struct buf *out)
{
        buf_put_slice(out, buf_slice(&w->header));
        if (w->header.n)
                buf_put_block(out, buf_slice(&w->iv));
        buf_put_slice(out, wrapped);
        return buf_ok(out);
}

/* What options say must be what the header says. */
static uint32_t agrees(struct shell *sh, struct util_wrapping *w, const uint8_t head[HEAD])
{
        if (head[8] != w->row->number)
                return shell_fail(sh, ERR_USAGE, "the file was wrapped with mechanism %u, not %llu", head[8],
                                  (unsigned long long)w->row->number);
        if ((w->hash && head[9] != w->hash_number) || head[9] < 2 || head[9] > 6)
                return shell_fail(sh, ERR_USAGE, "the file was wrapped with hash %u", head[9]);
        if ((w->tag && head[10] != w->tag_bytes) || head[10] < 8 || head[10] > 16)
                return shell_fail(sh, ERR_USAGE, "the file was wrapped with a tag of %u bytes", head[10]);
        w->hash_number = head[9];
        w->tag_bytes = head[10];
        return 0;
}

uint32_t util_header_read(struct shell *sh, struct util_wrapping *w, struct slice file,
                          struct slice *attributes, struct slice *wrapped)
{
        struct reader in = reader_of(file);
        struct slice head = reader_bytes(&in, HEAD), iv;
        uint32_t rv;

        *attributes = reader_block(&in, UTIL_KEY_FILE_MAX);
        iv = reader_block(&in, 16);
        *wrapped = in.rest;
        if (!reader_ok(&in) || memcmp(head.p, magic, sizeof(magic)) != 0)
                return shell_fail(sh, ERR_WRAPPED_KEY,
                                  "the file has no header of wrapKey; say -noheader with -l, -kc and -kt");
        if (head.p[7] != VERSION || head.p[11] != 0)
                return shell_fail(sh, ERR_WRAPPED_KEY,
                                  "the file's header is of version %u, and this tool reads %d", head.p[7],
                                  VERSION);
        rv = agrees(sh, w, head.p);
        buf_put(&w->header, head.p, HEAD);
        buf_put_block(&w->header, *attributes);
        if (w->row->kind == UTIL_WRAP_GCM)
                buf_put_slice(&w->iv, iv);
        return rv;
}
