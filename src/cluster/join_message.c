#include "cluster/join_message.h"

#include <stdio.h>

#define VERSION 1
enum { ANSWER_REFUSED, ANSWER_SEALED };

static const char request_label[] = "chsm join request 1", partition_label[] = "chsm join partition 1",
                  answer_label[] = "chsm join answer 1", info_label[] = "chsm join key 1";

/* What is signed: the label keeps one kind of message from passing for another. */
static bool labelled(const char *label, struct slice body, struct buf *out)
{
        buf_reset(out);
        buf_put_block(out, slice_str(label));
        buf_put_slice(out, body);
        return buf_ok(out);
}

static bool no_memory(struct err *err)
{
        return err_set(err, ERR_MEMORY, "no memory for a join message");
}

/* ---- request ---- */
bool join_request_write(const struct join_request *r, struct crypto_identity *id, struct buf *out,
                        struct err *err)
{
        struct buf text = BUF_INIT, signature = BUF_INIT;
        bool ok;

        buf_put_u8(out, VERSION);
        buf_put_u32(out, r->number);
        buf_put_block(out, r->partition);
        buf_put_block(out, r->point);
        buf_put_block(out, crypto_identity_certificate(id));
        buf_put_block(out, r->permit);
        ok = buf_ok(out) && labelled(request_label, buf_slice(out), &text)
                 ? crypto_identity_sign(id, buf_slice(&text), &signature, err)
                 : no_memory(err);
        buf_put_block(out, buf_slice(&signature));
        buf_clear(&text);
        buf_clear(&signature);
        return ok && (buf_ok(out) || no_memory(err));
}

bool join_request_read(struct slice bytes, struct join_request *r)
{
        struct reader in = reader_of(bytes);

        *r = (struct join_request){ 0 };
        if (reader_u8(&in) != VERSION)
                return false;
        r->number = reader_u32(&in);
        r->partition = reader_block(&in, JOIN_PARTITION_ID);
        r->point = reader_block(&in, JOIN_PART_MAX);
        r->certificate = reader_block(&in, JOIN_PART_MAX);
        r->permit = reader_block(&in, JOIN_PART_MAX);
        r->body = slice_of(bytes.p, bytes.n - in.rest.n);
        r->signature = reader_block(&in, JOIN_PART_MAX);
        return reader_end(&in) && r->partition.n == JOIN_PARTITION_ID && r->number > 0;
}

bool join_request_verify(const struct join_request *r, struct crypto_identity *id, int64_t now_ms,
                         char name[CRYPTO_IDENTITY_NAME_MAX], struct err *err)
{
        struct buf text = BUF_INIT;
        bool ok = labelled(request_label, r->body, &text)
                      ? crypto_identity_verify(id, r->certificate, now_ms, buf_slice(&text), r->signature,
                                               name, err)
                      : no_memory(err);

        buf_clear(&text);
        return ok;
}

bool join_permit_text(struct crypto *c, struct slice partition, const char *node, struct slice certificate,
                      struct buf *out, struct err *err)
{
        uint8_t hash[CRYPTO_HASH_SIZE];

        if (!crypto_sha256(c, certificate, hash))
                return err_set(err, ERR_INTERNAL, "the node's certificate cannot be hashed");
        buf_put_text(out, "chsm: this node may join this partition\nPartition: ");
        buf_put_hex(out, partition);
        buf_printf(out, "\nNode: %s\nCertificate (SHA-256): ", node);
        buf_put_hex(out, slice_of(hash, sizeof(hash)));
        buf_put_text(out, "\n");
        return buf_ok(out) || no_memory(err);
}

/* ---- answer ---- */
static bool sealed_write(const struct join_answer *a, struct crypto_identity *id,
                         bool (*sign_partition)(void *, struct slice, struct buf *, struct err *), void *arg,
                         struct buf *out, struct err *err)
{
        struct buf text = BUF_INIT, signature = BUF_INIT;
        bool ok;

        buf_put_u32(out, a->number);
        buf_put_block(out, a->request_hash);
        buf_put_block(out, a->point);
        buf_put_block(out, crypto_identity_certificate(id));
        buf_put_block(out, a->owner);
        buf_put_block(out, a->poac);
        buf_put_block(out, a->sealed);
        ok = buf_ok(out) && labelled(partition_label, buf_slice(out), &text)
                 ? sign_partition(arg, buf_slice(&text), &signature, err)
                 : no_memory(err);
        buf_put_block(out, buf_slice(&signature));
        buf_reset(&signature);
        if (ok)
                ok = buf_ok(out) && labelled(answer_label, buf_slice(out), &text)
                         ? crypto_identity_sign(id, buf_slice(&text), &signature, err)
                         : no_memory(err);
        buf_put_block(out, buf_slice(&signature));
        buf_clear(&text);
        buf_clear(&signature);
        return ok;
}

bool join_answer_write(const struct join_answer *a, struct crypto_identity *id,
                       bool (*sign_partition)(void *, struct slice, struct buf *, struct err *), void *arg,
                       struct buf *out, struct err *err)
{
        bool ok = true;

        buf_put_u8(out, VERSION);
        buf_put_u8(out, a->refusal ? ANSWER_REFUSED : ANSWER_SEALED);
        if (a->refusal)
                buf_put_block(out, slice_of(a->refusal, strnlen(a->refusal, sizeof(a->refusal_text) - 1)));
        else
                ok = sealed_write(a, id, sign_partition, arg, out, err);
        return ok && (buf_ok(out) || no_memory(err));
}

static bool refusal_read(struct reader *in, struct join_answer *a)
{
        struct slice text = reader_block(in, sizeof(a->refusal_text) - 1);

        if (!reader_end(in) || text.n == 0)
                return false;
        /* It is shown to people and signed by nobody. */
        for (size_t i = 0; i < text.n; i++)
                a->refusal_text[i] = text.p[i] >= ' ' && text.p[i] < 0x7f ? (char)text.p[i] : '?';
        a->refusal = a->refusal_text;
        return true;
}

bool join_answer_read(struct slice bytes, struct join_answer *a)
{
        struct reader in = reader_of(bytes);
        uint8_t version = reader_u8(&in), kind = reader_u8(&in);

        *a = (struct join_answer){ 0 };
        if (version != VERSION || kind > ANSWER_SEALED)
                return false;
        if (kind == ANSWER_REFUSED)
                return refusal_read(&in, a);
        a->number = reader_u32(&in);
        a->request_hash = reader_block(&in, CRYPTO_HASH_SIZE);
        a->point = reader_block(&in, JOIN_PART_MAX);
        a->certificate = reader_block(&in, JOIN_PART_MAX);
        a->owner = reader_block(&in, JOIN_PART_MAX);
        a->poac = reader_block(&in, JOIN_PART_MAX);
        a->sealed = reader_block(&in, JOIN_PART_MAX);
        a->partition_body = slice_of(bytes.p, bytes.n - in.rest.n);
        a->partition_signature = reader_block(&in, JOIN_PART_MAX);
        a->body = slice_of(bytes.p, bytes.n - in.rest.n);
        a->signature = reader_block(&in, JOIN_PART_MAX);
        return reader_end(&in) && a->request_hash.n == CRYPTO_HASH_SIZE;
}

bool join_answer_verify(struct crypto *c, const struct join_answer *a, const uint8_t request_hash[32],
                        struct crypto_identity *id, int64_t now_ms, char name[CRYPTO_IDENTITY_NAME_MAX],
                        struct err *err)
{
        struct buf text = BUF_INIT;
        bool ok;

        if (!slice_equal(a->request_hash, slice_of(request_hash, CRYPTO_HASH_SIZE)))
                return err_set(err, ERR_CERT_INVALID, "the answer is to another request");
        ok = labelled(answer_label, a->body, &text)
                 ? crypto_identity_verify(id, a->certificate, now_ms, buf_slice(&text), a->signature, name,
                                          err)
                 : no_memory(err);
        if (ok)
                ok = labelled(partition_label, a->partition_body, &text)
                         ? crypto_partition_verify(c, a->owner, a->poac, buf_slice(&text),
                                                   a->partition_signature, err)
                         : no_memory(err);
        buf_clear(&text);
        return ok;
}

bool join_info(struct crypto *c, struct slice partition, const uint8_t request_hash[32], struct slice point,
               struct slice certificate, uint8_t out[32])
{
        struct buf text = BUF_INIT;
        bool ok;

        buf_put_block(&text, slice_str(info_label));
        buf_put_block(&text, partition);
        buf_put(&text, request_hash, CRYPTO_HASH_SIZE);
        buf_put_block(&text, point);
        buf_put_block(&text, certificate);
        ok = buf_ok(&text) && crypto_sha256(c, buf_slice(&text), out);
        buf_clear(&text);
        return ok;
}
