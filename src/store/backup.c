/* The engine-neutral stream: magic, revision, records {flag 1, key block, value block, checksum of the
 * record}, then {flag 0, count, checksum}. The CRC finds accidents; against intent the vault seals the
 * stream. */
#include "store/store.h"
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKUP_MAGIC "chsm-store-1\n"
#define BATCH_BYTES  ((size_t)512 * 1024)

/* CRC-32C (Castagnoli), bit by bit: a backup is bound by its medium. */
static uint32_t crc_add(uint32_t crc, struct slice s)
{
        crc = ~crc;
        for (size_t i = 0; i < s.n; i++) {
                crc ^= s.p[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        }
        return ~crc;
}

static bool fd_write(int fd, struct slice s, struct err *err)
{
        while (s.n) {
                ssize_t n = write(fd, s.p, s.n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return err_set_errno(err, ERR_FILE, errno, "backup cannot be written");
                s = slice_of(s.p + n, s.n - (size_t)n);
        }
        return true;
}

struct backup {
        int fd;
        struct buf record;
        uint64_t count;
        uint32_t crc; /* of the whole stream so far */
        struct err *err;
        bool ok;
};

static bool backup_flush(struct backup *b)
{
        b->crc = crc_add(b->crc, buf_slice(&b->record));
        b->ok = buf_ok(&b->record) && fd_write(b->fd, buf_slice(&b->record), b->err);
        buf_reset(&b->record);
        return b->ok;
}

static bool backup_visit(void *arg, const struct store_event *e)
{
        struct backup *b = arg;

        buf_put_u8(&b->record, 1);
        buf_put_block(&b->record, e->key);
        buf_put_block(&b->record, e->value);
        buf_put_u32(&b->record, crc_add(0, buf_slice(&b->record)));
        b->count++;
        return backup_flush(b);
}

enum store_rc store_backup(struct store *s, int fd, store_rev *at, struct err *err)
{
        struct backup b = { .fd = fd, .record = BUF_INIT, .err = err, .ok = true };
        enum store_rc rc;

        buf_put(&b.record, BACKUP_MAGIC, sizeof(BACKUP_MAGIC) - 1);
        rc = backup_flush(&b) ? store_load(s, SLICE_EMPTY, backup_visit, &b, at, err) : STORE_IO;
        if (rc == STORE_OK && b.ok) {
                buf_put_u8(&b.record, 0);
                buf_put_u64(&b.record, b.count);
                buf_put_u64(&b.record, (uint64_t)*at);
                buf_put_u32(&b.record, crc_add(b.crc, buf_slice(&b.record)));
                (void)backup_flush(&b);
        }
        buf_clear(&b.record);
        return rc == STORE_OK && !b.ok ? STORE_IO : rc;
}

struct restore {
        int fd;
        uint32_t crc;
        struct buf block;
        struct err *err;
};

static bool fd_read(struct restore *r, void *p, size_t n)
{
        uint8_t *at = p;

        for (size_t got = 0; got < n;) {
                ssize_t k = read(r->fd, at + got, n - got);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return err_set(r->err, ERR_STORE_DAMAGED, "the backup ends too early");
                got += (size_t)k;
        }
        return true;
}

/* Reads a length and that many bytes, appending both to r->block. */
static bool block_read(struct restore *r, size_t max, size_t *at, size_t *n)
{
        uint8_t head[4], *p;
        struct reader length;

        if (!fd_read(r, head, sizeof(head)))
                return false;
        length = reader_of(slice_of(head, sizeof(head)));
        *n = reader_u32(&length);
        if (*n > max)
                return err_set(r->err, ERR_STORE_DAMAGED, "the backup holds a length of %zu bytes", *n);
        buf_put(&r->block, head, sizeof(head));
        *at = r->block.n;
        p = buf_extend(&r->block, *n);
        return p ? fd_read(r, p, *n) : err_set(r->err, ERR_MEMORY, "no memory to read the backup");
}

/* 1: a record, 0: the end (checked), -1: damaged. */
static int record_read(struct restore *r, struct store_op *op, uint64_t count)
{
        size_t key, key_n, value, value_n;
        uint8_t tail[20];
        struct reader reader;
        uint32_t crc;

        buf_reset(&r->block);
        if (!fd_read(r, tail, 1))
                return -1;
        buf_put_u8(&r->block, tail[0]);
        if (tail[0] == 0) {
                if (!fd_read(r, tail, sizeof(tail)))
                        return -1;
                buf_put(&r->block, tail, 16);
                crc = crc_add(r->crc, buf_slice(&r->block));
                reader = reader_of(slice_of(tail, sizeof(tail)));
                if (reader_u64(&reader) == count && (reader_u64(&reader), reader_u32(&reader) == crc))
                        return 0;
                err_set(r->err, ERR_STORE_DAMAGED, "the backup's count or checksum is wrong");
                return -1;
        }
        if (tail[0] != 1 || !block_read(r, STORE_KEY_MAX, &key, &key_n) ||
            !block_read(r, STORE_VALUE_MAX, &value, &value_n) || !fd_read(r, tail, 4)) {
                if (tail[0] != 1)
                        err_set(r->err, ERR_STORE_DAMAGED, "the backup holds an unknown record");
                return -1;
        }
        reader = reader_of(slice_of(tail, 4));
        if (reader_u32(&reader) != crc_add(0, buf_slice(&r->block))) {
                err_set(r->err, ERR_STORE_DAMAGED, "record %llu of the backup is damaged",
                        (unsigned long long)count);
                return -1;
        }
        buf_put(&r->block, tail, 4);
        r->crc = crc_add(r->crc, buf_slice(&r->block));
        *op = (struct store_op){ STORE_PUT, slice_of(r->block.p + key, key_n),
                                 slice_of(r->block.p + value, value_n) };
        return 1;
}

/* Records on their way into the store, many in one transaction. */
struct batch {
        struct store *into; /* NULL: the stream is only read */
        struct buf bytes;   /* keys and values, one after the other */
        struct {
                size_t key_n, value_n;
        } sizes[STORE_OPS_MAX];
        size_t n;
};

static bool batch_flush(struct batch *b, struct err *err)
{
        struct store_op ops[STORE_OPS_MAX];
        struct store_result result;
        size_t at = 0;

        if (!buf_ok(&b->bytes))
                return err_set(err, ERR_MEMORY, "no memory to restore a backup");
        for (size_t i = 0; i < b->n; i++) {
                ops[i] =
                    (struct store_op){ STORE_PUT, slice_of(b->bytes.p + at, b->sizes[i].key_n),
                                       slice_of(b->bytes.p + at + b->sizes[i].key_n, b->sizes[i].value_n) };
                at += b->sizes[i].key_n + b->sizes[i].value_n;
        }
        if (b->n && store_txn(b->into, NULL, 0, ops, b->n, 60000, &result, err) != STORE_OK)
                return false;
        b->n = 0;
        buf_reset(&b->bytes);
        return true;
}

static bool batch_add(struct batch *b, const struct store_op *op, struct err *err)
{
        if (!b->into)
                return true;
        if ((b->n == STORE_OPS_MAX || b->bytes.n + op->key.n + op->value.n > BATCH_BYTES) &&
            !batch_flush(b, err))
                return false;
        b->sizes[b->n].key_n = op->key.n;
        b->sizes[b->n].value_n = op->value.n;
        b->n++;
        buf_put_slice(&b->bytes, op->key);
        buf_put_slice(&b->bytes, op->value);
        return true;
}

/* Reads the stream once; with a store, also writes it there. */
static bool stream_walk(struct restore *r, struct store *into, void (*tell)(void *, uint64_t), void *arg)
{
        char magic[sizeof(BACKUP_MAGIC) - 1];
        struct batch batch = { .into = into, .bytes = BUF_INIT };
        struct store_op op;
        uint64_t count = 0;
        int rc = -1;

        if (!fd_read(r, magic, sizeof(magic)))
                return false;
        if (memcmp(magic, BACKUP_MAGIC, sizeof(magic)) != 0)
                return err_set(r->err, ERR_STORE_DAMAGED, "this is not a backup of chsm");
        r->crc = crc_add(0, slice_of(magic, sizeof(magic)));
        while ((rc = record_read(r, &op, count)) == 1) {
                if (!batch_add(&batch, &op, r->err)) {
                        rc = -1;
                        break;
                }
                if (++count % STORE_OPS_MAX == 0 && tell && into)
                        tell(arg, count);
        }
        if (rc == 0 && into && !batch_flush(&batch, r->err))
                rc = -1;
        buf_clear(&batch.bytes);
        return rc == 0;
}

static bool count_visit(void *arg, const struct store_event *e)
{
        (void)e;
        ++*(uint64_t *)arg;
        return false;
}

enum store_rc store_restore(struct store *s, int fd, void (*tell)(void *arg, uint64_t records), void *arg,
                            struct err *err)
{
        struct restore r = { .fd = fd, .block = BUF_INIT, .err = err };
        uint64_t present = 0;
        store_rev at;
        bool ok;

        if (store_load(s, SLICE_EMPTY, count_visit, &present, &at, err) != STORE_OK)
                return STORE_IO;
        if (present) {
                err_set(err, ERR_LIFE_CYCLE, "a backup is restored into an empty store only");
                return STORE_CONFLICT;
        }
        /* The whole stream is checked before the first change. */
        ok =
            stream_walk(&r, NULL, NULL, NULL) && lseek(fd, 0, SEEK_SET) == 0 && stream_walk(&r, s, tell, arg);
        buf_clear(&r.block);
        return ok ? STORE_OK : STORE_DAMAGED;
}
