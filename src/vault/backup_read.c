/* A backup is read from one end to the other; nothing in it is believed before it is checked. */
#include "vault/backup.h"
#include "ck/cryptoki.h"
#include "vault/partition.h"

#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_MAX (1024 * 1024)
#define END_START (8 + 32 + 2)

void vault_backup_aad(const struct vault_backup_header *h, uint64_t index, bool last,
                      uint8_t out[VAULT_BACKUP_AAD])
{
        memcpy(out, h->hash, 32);
        for (int i = 0; i < 8; i++)
                out[32 + i] = (uint8_t)(index >> (56 - 8 * i));
        out[40] = last;
}

struct reading {
        struct crypto *crypto;
        int fd;
        const struct vault_backup_header *header;
        const struct sec *key;
        bool (*visit)(void *arg, struct slice key, struct slice value);
        void *arg;
        struct vault_backup_summary *summary;
        struct crypto_stream *digest, *whole;
        struct buf chunk;
        uint64_t index;
        struct err *err;
};

static bool altered(struct reading *r)
{
        return err_set(r->err, ERR_BACKUP_ALTERED, "part %llu of the backup was altered or is not its own",
                       (unsigned long long)r->index);
}

/* Length and sealed bytes of the next chunk into r->chunk; false with no error: the end begins here. */
static bool next_chunk(struct reading *r, bool *end)
{
        uint8_t head[END_START];
        struct reader in;
        uint32_t n;
        uint8_t *p;

        *end = false;
        if (!vault_backup_fd_read(r->fd, head, 4, r->err))
                return false;
        if (memcmp(head, VAULT_BACKUP_END.p, 4) == 0) {
                *end = true;
                return true;
        }
        in = reader_of(slice_of(head, 4));
        n = reader_u32(&in);
        if (n < CRYPTO_SEAL_EXTRA || n > CHUNK_MAX)
                return altered(r);
        buf_reset(&r->chunk);
        buf_put(&r->chunk, head, 4);
        p = buf_extend(&r->chunk, n);
        if (!p)
                return err_set(r->err, ERR_MEMORY, "no memory to read a backup");
        return vault_backup_fd_read(r->fd, p, n, r->err) &&
               crypto_stream_update(r->whole, buf_slice(&r->chunk), r->err);
}

static bool records(struct reading *r, struct slice plain)
{
        struct reader in = reader_of(plain);

        if (!crypto_stream_update(r->digest, plain, r->err))
                return false;
        while (in.rest.n) {
                struct slice key = reader_block(&in, STORE_KEY_MAX),
                             value = reader_block(&in, STORE_VALUE_MAX);

                if (!reader_ok(&in) || !key.n || key.p[0] > 0x7f)
                        return altered(r);
                r->summary->records++;
                r->summary->of_prefix[key.p[0]]++;
                if (r->visit && !r->visit(r->arg, key, value))
                        return !r->err->id && err_set(r->err, ERR_STORE, "a record could not be restored");
        }
        return true;
}

/* The last chunk agrees with all that was read. */
static bool check_last(struct reading *r, struct slice plain)
{
        struct reader in = reader_of(plain);
        uint8_t digest[CRYPTO_BLOCK_MAX];
        uint64_t counts[128] = { 0 };
        uint32_t kinds, heads;
        size_t n = 0;
        bool ok = reader_u64(&in) == r->summary->records;

        kinds = reader_u32(&in);
        for (uint32_t i = 0; i < kinds && reader_ok(&in); i++) {
                uint8_t prefix = reader_u8(&in);

                counts[prefix & 0x7f] = reader_u64(&in);
        }
        heads = reader_u32(&in);
        for (uint32_t i = 0; i < heads && reader_ok(&in); i++)
                (void)reader_bytes(&in, 4 + 4 + 8 + 32);
        r->summary->heads = heads;
        return (ok && memcmp(counts, r->summary->of_prefix, sizeof(counts)) == 0 &&
                crypto_stream_block(r->digest, digest, &n, r->err) &&
                slice_equal(reader_bytes(&in, n), slice_of(digest, n)) && reader_end(&in)) ||
               altered(r);
}

/* Opens the chunk in r->chunk; *last: it is the last one. */
static bool take_chunk(struct reading *r, bool *last)
{
        struct slice sealed = slice_of(r->chunk.p + 4, r->chunk.n - 4);
        uint8_t aad[VAULT_BACKUP_AAD];
        struct sec *plain = NULL;
        bool ok = true;

        *last = false;
        for (int i = 0; i < 2 && !plain; i++) {
                vault_backup_aad(r->header, r->index, i, aad);
                plain = crypto_open(r->crypto, sec_slice(r->key), slice_of(aad, sizeof(aad)), sealed, NULL);
                *last = i;
        }
        if (!plain && r->index == 0)
                return err_set(r->err, ERR_BACKUP_KEY, "the backup cannot be opened with this key");
        if (!plain)
                return altered(r);
        if (r->index == 0) {
                ok = (!*last && sec_size(plain) == CRYPTO_KEY_SIZE) || altered(r);
                r->summary->master = ok ? plain : NULL;
                plain = ok ? NULL : plain;
        } else {
                ok = *last ? check_last(r, sec_slice(plain)) : records(r, sec_slice(plain));
        }
        sec_free(&plain);
        r->index++;
        return ok;
}

/* Hash and signature over everything, and nothing behind them. The first 4 bytes are read. */
static bool check_end(struct reading *r)
{
        uint8_t head[END_START], hash[CRYPTO_BLOCK_MAX], signature[512], more;
        struct crypto_key *key = vault_backup_cert_key(r->crypto, buf_slice(&r->header->certificate), r->err);
        struct buf text = BUF_INIT;
        size_t n = 0, signature_n;
        bool ok = key && vault_backup_fd_read(r->fd, head + 4, sizeof(head) - 4, r->err) &&
                  crypto_stream_block(r->whole, hash, &n, r->err);

        signature_n = ok ? (size_t)head[40] << 8 | head[41] : 0;
        if (ok && (memcmp(head + 4, VAULT_BACKUP_END.p + 4, 4) != 0 || memcmp(head + 8, hash, 32) != 0 ||
                   signature_n > sizeof(signature)))
                ok = altered(r);
        ok = ok && vault_backup_fd_read(r->fd, signature, signature_n, r->err);
        if (ok) {
                vault_backup_end_text(r->header, hash, &text);
                ok = (buf_ok(&text) && vault_backup_verify(r->crypto, key, buf_slice(&text),
                                                           slice_of(signature, signature_n))) ||
                     altered(r);
        }
        if (ok && read(r->fd, &more, 1) != 0)
                ok = err_set(r->err, ERR_BACKUP_FORMAT,
                             "the backup is followed by bytes that are not its own");
        crypto_key_unref(&key);
        buf_clear(&text);
        return ok;
}

static bool read_chunks(struct reading *r)
{
        bool last = false, end = false;

        while (next_chunk(r, &end)) {
                if (end) {
                        if (r->key && !last)
                                return err_set(r->err, ERR_BACKUP_FORMAT, "the backup is cut off");
                        return check_end(r);
                }
                if (last || r->header->manifest_only)
                        return altered(r);
                if (r->key && !take_chunk(r, &last))
                        return false;
        }
        return false;
}

/* The header's bytes count in the hash of the file. */
static bool skip_header(struct reading *r)
{
        uint8_t piece[4096];
        size_t left = r->header->size;

        if (lseek(r->fd, 0, SEEK_SET) != 0)
                return err_set(r->err, ERR_FILE, "the backup is no file that can be read twice");
        while (left) {
                size_t n = left < sizeof(piece) ? left : sizeof(piece);

                if (!vault_backup_fd_read(r->fd, piece, n, r->err) ||
                    !crypto_stream_update(r->whole, slice_of(piece, n), r->err))
                        return false;
                left -= n;
        }
        return true;
}

bool vault_backup_read(struct crypto *crypto, int fd, const struct vault_backup_header *header,
                       const struct sec *key, bool (*visit)(void *arg, struct slice key, struct slice value),
                       void *arg, struct vault_backup_summary *summary, struct err *err)
{
        static const struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        const struct crypto_mechanism *m = crypto_mechanism_find(CKM_SHA256);
        struct reading r = { .crypto = crypto,
                             .fd = fd,
                             .header = header,
                             .key = key,
                             .visit = visit,
                             .arg = arg,
                             .summary = summary,
                             .chunk = BUF_INIT,
                             .err = err };
        bool ok;

        *summary = (struct vault_backup_summary){ .master = NULL };
        ok = crypto_stream_new(crypto, CRYPTO_DIGEST, m, &none, NULL, &r.digest, err) &&
             crypto_stream_new(crypto, CRYPTO_DIGEST, m, &none, NULL, &r.whole, err) && skip_header(&r) &&
             read_chunks(&r);
        crypto_stream_free(&r.digest);
        crypto_stream_free(&r.whole);
        buf_clear(&r.chunk);
        if (!ok)
                sec_free(&summary->master);
        return ok;
}
