/* Parts of encryptions and decryptions.
 *
 * What is authenticated is not shown before its tag was seen, and the node does not keep it: decryption of it
 * goes in two passes. In the first the tag is checked and nothing comes out but a receipt for each part; in
 * the second the same parts come with their receipts and go out decrypted. A receipt is an HMAC under a
 * secret of the stream, so a part that was not in the first pass, or at another place, is not decrypted. */
#include "crypto/seal.h"
#include "vault/stream.h"

static bool passes_twice(const struct vault_stream *s)
{
        return s->op == CRYPTO_DECRYPT && crypto_stream_authenticates(s->state);
}

static bool receipt_of(struct vault_call *call, const struct vault_stream *s, struct slice data,
                       uint8_t receipt[32])
{
        struct crypto *c = call->vault->deps.crypto;
        uint8_t key[32];
        bool ok = crypto_hmac_sha256(c, slice_of(s->secret, sizeof(s->secret)),
                                     slice_of((const uint8_t *)&s->part, sizeof(s->part)), key) &&
                  crypto_hmac_sha256(c, slice_of(key, sizeof(key)), data, receipt);

        sec_wipe(key, sizeof(key));
        return ok || err_set(&call->err, ERR_CRYPTO, "a part's receipt could not be made");
}

/* The cipher's answer to the part in the call's arena. */
static bool crypt(struct vault_call *call, struct vault_stream *s, struct slice *out)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        uint8_t *at = arena_alloc(call->arena, in->data.len + CRYPTO_STREAM_MORE);
        size_t n = 0, last = 0;
        bool ok = at != NULL;

        if (!ok)
                return err_set(&call->err, ERR_MEMORY, "the answer would be larger than one may be");
        ok = crypto_stream_crypt(s->state, slice_of(in->data.data, in->data.len), at, &n, &call->err) &&
             (!in->last || crypto_stream_end(s->state, at + n, &last, &call->err));
        *out = slice_of(at, ok ? n + last : 0);
        return ok;
}

/* The tag was good: the same again, for showing. */
static bool second_pass(struct vault_call *call, struct vault_stream *s, struct vault_use *use)
{
        crypto_stream_free(&s->state);
        s->verified = true;
        s->part = 0;
        return crypto_stream_new(call->vault->deps.crypto, s->op, use->mechanism, &s->param, use->key,
                                 &s->state, &call->err);
}

static bool first_pass(struct vault_call *call, struct vault_stream *s, struct vault_use *use)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        uint8_t *receipt = arena_alloc(call->arena, 32);
        struct slice clear = SLICE_EMPTY;
        bool ok = receipt && receipt_of(call, s, slice_of(in->data.data, in->data.len), receipt) &&
                  crypt(call, s, &clear);

        if (clear.n)
                sec_wipe((uint8_t *)(uintptr_t)clear.p, clear.n);
        s->part++;
        return ok && (!in->last || second_pass(call, s, use)) &&
               vault_use_reply(call, slice_of(receipt, 32), NULL, 0);
}

static bool receipt_is_good(struct vault_call *call, const struct vault_stream *s)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        uint8_t receipt[32];

        return receipt_of(call, s, slice_of(in->data.data, in->data.len), receipt) &&
               (sec_equal(slice_of(receipt, sizeof(receipt)),
                          slice_of(in->signature.data, in->signature.len)) ||
                err_set(&call->err, ERR_AEAD, "this part is not the one whose tag was checked"));
}

bool vault_stream_crypt(struct vault_call *call, struct vault_stream *s, bool *over)
{
        const Chsm__StreamPartRequest *in = call->request->stream_part;
        struct vault_use use;
        struct slice out = SLICE_EMPTY;
        bool ok = vault_stream_use(call, s, &use);

        *over = in->last;
        if (ok && passes_twice(s) && !s->verified) {
                *over = false;
                ok = first_pass(call, s, &use);
        } else if (ok) {
                ok = (!passes_twice(s) || receipt_is_good(call, s)) && crypt(call, s, &out) &&
                     vault_use_reply(call, out, NULL, 0);
                s->part++;
        }
        vault_use_end(&use);
        return ok;
}
