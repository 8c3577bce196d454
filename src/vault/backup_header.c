/* The header of a backup, and the signatures in it. */
#include "vault/backup.h"
#include "ck/cryptoki.h"
#include "crypto/mechanism.h"
#include "vault/partition.h"

#include <errno.h>
#include <unistd.h>

#define MAGIC         SLICE_LIT("chsmbkup")
#define PURPOSE       "chsm backup header 1\n"
#define START         14 /* magic, version, length */
#define SIGNATURE_MAX 512

bool vault_backup_fd_read(int fd, void *to, size_t n, struct err *err)
{
        uint8_t *p = to;

        while (n) {
                ssize_t k = read(fd, p, n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return err_set_errno(err, ERR_FILE, errno, "the backup cannot be read");
                if (k == 0)
                        return err_set(err, ERR_BACKUP_FORMAT, "the backup is cut off");
                p += k;
                n -= (size_t)k;
        }
        return true;
}

bool vault_backup_fd_write(int fd, struct slice s, struct err *err)
{
        while (s.n) {
                ssize_t k = write(fd, s.p, s.n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return err_set_errno(err, ERR_FILE, errno, "the backup cannot be written");
                s = slice_of(s.p + k, s.n - (size_t)k);
        }
        return true;
}

void vault_backup_header_clear(struct vault_backup_header *h)
{
        buf_clear(&h->owner);
        buf_clear(&h->certificate);
        buf_clear(&h->wrapped);
        vault_manifest_clear(&h->manifest);
}

static void put_body(const struct vault_backup_header *h, struct buf *out)
{
        buf_put_u8(out, h->manifest_only ? 2 : 1);
        buf_put(out, h->id, sizeof(h->id));
        buf_put(out, h->partition, sizeof(h->partition));
        buf_put_block(out, slice_str(h->serial));
        buf_put_u64(out, h->epoch);
        buf_put_u64(out, (uint64_t)h->revision);
        buf_put_u64(out, (uint64_t)h->time_ms);
        buf_put_block(out, slice_str(h->node));
        buf_put_block(out, buf_slice(&h->owner));
        buf_put_block(out, buf_slice(&h->certificate));
        buf_put_block(out, buf_slice(&h->wrapped));
        vault_manifest_encode(&h->manifest, out);
}

bool vault_backup_header_write(struct vault *v, struct vault_backup_header *h, struct buf *out,
                               struct err *err)
{
        const struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        struct buf body = BUF_INIT, text = BUF_INIT;
        uint8_t signature[SIGNATURE_MAX];
        size_t n = sizeof(signature), start = out->n;
        bool ok;

        put_body(h, &body);
        buf_put_slice(out, MAGIC);
        buf_put_u16(out, VAULT_BACKUP_VERSION);
        buf_put_u32(out, (uint32_t)body.n);
        buf_put_slice(out, buf_slice(&body));
        buf_put_text(&text, PURPOSE);
        buf_put(&text, out->p + start, buf_ok(out) ? out->n - start : 0);
        ok = buf_ok(&body) && buf_ok(&text) && buf_ok(out) && body.n <= VAULT_BACKUP_HEADER_MAX &&
             crypto_sign(v->deps.crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none,
                         vault_partition_key(v), buf_slice(&text), signature, &n, err);
        buf_put_u16(out, (uint16_t)n);
        buf_put(out, signature, ok ? n : 0);
        ok = ok && buf_ok(out) &&
             crypto_sha256(v->deps.crypto, slice_of(out->p + start, out->n - start), h->hash);
        h->size = out->n - start;
        buf_clear(&body);
        buf_clear(&text);
        return ok ||
               (!err->id && err_set(err, ERR_LIMIT, "the partition is too large for a backup's header"));
}

static bool text_of(struct slice in, char *out, size_t size)
{
        for (size_t i = 0; i < in.n; i++) {
                if (in.p[i] <= ' ' || in.p[i] >= 0x7f)
                        return false;
        }
        if (in.n >= size)
                return false;
        memset(out, 0, size);
        if (in.n)
                memcpy(out, in.p, in.n);
        return true;
}

static bool parse_body(struct slice body, struct vault_backup_header *h)
{
        struct reader in = reader_of(body);
        uint8_t kind = reader_u8(&in);
        struct slice id = reader_bytes(&in, sizeof(h->id)),
                     partition = reader_bytes(&in, sizeof(h->partition));
        struct slice serial = reader_block(&in, 16), node;

        h->manifest_only = kind == 2;
        h->epoch = reader_u64(&in);
        h->revision = (int64_t)reader_u64(&in);
        h->time_ms = (int64_t)reader_u64(&in);
        node = reader_block(&in, 64);
        buf_put_slice(&h->owner, reader_block(&in, CRYPTO_CERT_MAX));
        buf_put_slice(&h->certificate, reader_block(&in, CRYPTO_CERT_MAX));
        buf_put_slice(&h->wrapped, reader_block(&in, 1024));
        if (!reader_ok(&in) || (kind != 1 && kind != 2) || !vault_manifest_decode(&in, &h->manifest) ||
            !reader_end(&in) || !text_of(serial, h->serial, sizeof(h->serial)) ||
            !text_of(node, h->node, sizeof(h->node)) || (kind == 1) != (h->wrapped.n > 0))
                return false;
        memcpy(h->id, id.p, id.n);
        memcpy(h->partition, partition.p, partition.n);
        return buf_ok(&h->owner) && buf_ok(&h->certificate) && buf_ok(&h->wrapped);
}

/* What stands before the body. */
static bool parse_start(struct slice start, uint32_t *body_n, struct err *err)
{
        struct reader in = reader_of(start);
        struct slice magic = reader_bytes(&in, MAGIC.n);
        uint16_t version = reader_u16(&in);

        *body_n = reader_u32(&in);
        if (!reader_end(&in) || !slice_equal(magic, MAGIC))
                return err_set(err, ERR_BACKUP_FORMAT, "the file is no backup of a partition");
        if (version != VAULT_BACKUP_VERSION)
                return err_set(err, ERR_BACKUP_FORMAT,
                               "the backup is of version %u; this node reads version %u", version,
                               VAULT_BACKUP_VERSION);
        return *body_n <= VAULT_BACKUP_HEADER_MAX ||
               err_set(err, ERR_BACKUP_FORMAT, "the backup's header cannot have %u bytes", *body_n);
}

bool vault_backup_header_parse(struct slice s, struct vault_backup_header *h, struct err *err)
{
        uint32_t n = 0;

        *h = (struct vault_backup_header){ .owner = BUF_INIT, .certificate = BUF_INIT, .wrapped = BUF_INIT };
        if (!parse_start(slice_of(s.p, s.n < START ? s.n : START), &n, err))
                return false;
        if (s.n < START + (size_t)n)
                return err_set(err, ERR_BACKUP_FORMAT, "the backup is cut off in its header");
        return parse_body(slice_of(s.p + START, n), h) ||
               err_set(err, ERR_BACKUP_FORMAT, "the backup's header cannot be read");
}

struct crypto_key *vault_backup_cert_key(struct crypto *crypto, struct slice der, struct err *err)
{
        struct crypto_key *key = NULL;
        struct buf spki = BUF_INIT;

        if (!crypto_cert_field(crypto, der, CKA_PUBLIC_KEY_INFO, &spki) ||
            !crypto_key_open(crypto, CRYPTO_PUBLIC, CKK_RSA, buf_slice(&spki), &key, NULL))
                err_set(err, ERR_CERT_INVALID, "the certificate has no RSA key that can be used");
        buf_clear(&spki);
        return key;
}

bool vault_backup_verify(struct crypto *crypto, struct crypto_key *key, struct slice data,
                         struct slice signature)
{
        const struct ck_mech_param none = { .kind = CK_PARAM_NONE };

        return crypto_verify(crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none, key, data, signature,
                             NULL);
}

/* The owner vouches for the partition's key, and that for the header. */
static bool check_signatures(struct crypto *crypto, const struct vault_backup_header *h, struct slice raw,
                             struct slice signature, struct err *err)
{
        struct crypto_key *key = vault_backup_cert_key(crypto, buf_slice(&h->certificate), NULL);
        struct buf text = BUF_INIT;
        bool ok;

        buf_put_text(&text, PURPOSE);
        buf_put_slice(&text, raw);
        ok = key && buf_ok(&text) &&
             crypto_cert_check_owner(crypto, buf_slice(&h->owner), h->time_ms, NULL) &&
             crypto_cert_check_issued(crypto, buf_slice(&h->certificate), buf_slice(&h->owner), key,
                                      h->time_ms, NULL) &&
             vault_backup_verify(crypto, key, buf_slice(&text), signature);
        crypto_key_unref(&key);
        buf_clear(&text);
        return ok || err_set(err, ERR_BACKUP_ALTERED,
                             "the backup's header was altered, or was not signed by the partition it names");
}

bool vault_backup_header_read(struct crypto *crypto, int fd, struct vault_backup_header *h, struct err *err)
{
        struct buf raw = BUF_INIT;
        uint8_t *p = buf_extend(&raw, START), length[2];
        uint32_t n = 0;
        size_t signed_n, signature_n;
        bool ok;

        *h = (struct vault_backup_header){ .owner = BUF_INIT, .certificate = BUF_INIT, .wrapped = BUF_INIT };
        ok = p && lseek(fd, 0, SEEK_SET) == 0 && vault_backup_fd_read(fd, p, START, err) &&
             parse_start(slice_of(p, START), &n, err) && (p = buf_extend(&raw, n)) &&
             vault_backup_fd_read(fd, p, n, err) && vault_backup_header_parse(buf_slice(&raw), h, err) &&
             vault_backup_fd_read(fd, length, sizeof(length), err);
        signed_n = raw.n;
        signature_n = ok ? (size_t)length[0] << 8 | length[1] : 0;
        if (ok && signature_n > SIGNATURE_MAX)
                ok = err_set(err, ERR_BACKUP_FORMAT, "the backup's header has no signature");
        if (ok) {
                buf_put(&raw, length, sizeof(length));
                p = buf_extend(&raw, signature_n);
                ok = p && vault_backup_fd_read(fd, p, signature_n, err) &&
                     check_signatures(crypto, h, slice_of(raw.p, signed_n), slice_of(p, signature_n), err) &&
                     crypto_sha256(crypto, buf_slice(&raw), h->hash);
                h->size = raw.n;
        }
        buf_clear(&raw);
        return ok || (!err->id && err_set(err, ERR_MEMORY, "no memory for the backup's header"));
}
