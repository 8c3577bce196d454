#include "vault/region_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHANGE_PUT, CHANGE_DELETE };

void region_batch_begin(struct buf *out)
{
        buf_put_u8(out, REGION_BATCH_VERSION);
}

void region_batch_put(struct buf *out, store_rev rev, const struct store_op *ops, size_t n)
{
        buf_put_u64(out, (uint64_t)rev);
        buf_put_u32(out, (uint32_t)n);
        for (size_t i = 0; i < n; i++) {
                buf_put_u8(out, ops[i].kind == STORE_PUT ? CHANGE_PUT : CHANGE_DELETE);
                buf_put_block(out, ops[i].key);
                buf_put_block(out, ops[i].kind == STORE_PUT ? ops[i].value : SLICE_EMPTY);
        }
}

bool region_batch_open(struct slice bytes, struct reader *in)
{
        *in = reader_of(bytes);
        return reader_u8(in) == REGION_BATCH_VERSION;
}

static bool op_read(struct reader *in, struct store_op *op)
{
        uint8_t kind = reader_u8(in);

        op->kind = kind == CHANGE_PUT ? STORE_PUT : STORE_DELETE;
        op->key = reader_block(in, STORE_KEY_MAX);
        op->value = reader_block(in, STORE_VALUE_MAX);
        return reader_ok(in) && op->key.n > 0 && kind <= CHANGE_DELETE &&
               (kind == CHANGE_PUT || op->value.n == 0);
}

bool region_batch_next(struct reader *in, store_rev after, struct region_revision *r)
{
        if (!reader_ok(in) || in->rest.n == 0)
                return false;
        *r = (struct region_revision){ .rev = (store_rev)reader_u64(in), .n = reader_u32(in) };
        in->failed = in->failed || r->rev <= after || r->n == 0 || r->n > STORE_OPS_MAX;
        for (size_t i = 0; reader_ok(in) && i < r->n; i++)
                in->failed = !op_read(in, &r->ops[i]);
        return reader_ok(in);
}

bool region_batch_ended(const struct reader *in)
{
        return reader_end(in);
}

/* ---- snapshots ---- */

void region_snapshot_put(struct buf *out, struct slice key, struct slice value)
{
        buf_put_block(out, key);
        buf_put_block(out, value);
}

void region_snapshot_end(struct buf *out, uint64_t count)
{
        buf_put_block(out, SLICE_EMPTY);
        buf_put_u64(out, count);
}

struct region_snapshot {
        int fd;
        uint8_t *p; /* [at, n) is read and not used yet */
        size_t at, n;
        uint8_t key[STORE_KEY_MAX]; /* the last one, for the order */
        size_t key_n;
        uint64_t count;
        bool ended;
};

#define PIECE ((size_t)STORE_VALUE_MAX + STORE_KEY_MAX + 64)

static bool damaged(struct err *err)
{
        return err_set(err, ERR_FRAME, "the snapshot of the other region is cut off or cannot be read");
}

/* Makes n bytes available at p + at. */
static bool fill(struct region_snapshot *s, size_t n, struct err *err)
{
        if (s->n - s->at >= n)
                return true;
        memmove(s->p, s->p + s->at, s->n - s->at);
        s->n -= s->at;
        s->at = 0;
        while (s->n < n) {
                ssize_t k = read(s->fd, s->p + s->n, PIECE - s->n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return err_set_errno(err, ERR_FILE, errno, "the snapshot cannot be read");
                if (k == 0)
                        return damaged(err);
                s->n += (size_t)k;
        }
        return true;
}

struct region_snapshot *region_snapshot_open(int fd, struct err *err)
{
        struct region_snapshot *s = calloc(1, sizeof(*s));
        struct slice magic = REGION_SNAPSHOT_MAGIC;

        if (s)
                s->p = malloc(PIECE);
        if (!s || !s->p) {
                err_set(err, ERR_MEMORY, "no memory for a snapshot");
                region_snapshot_close(&s);
                return NULL;
        }
        s->fd = fd;
        if (lseek(fd, 0, SEEK_SET) != 0)
                err_set_errno(err, ERR_FILE, errno, "the snapshot cannot be read");
        else if (fill(s, magic.n, err) && slice_equal(slice_of(s->p, magic.n), magic))
                s->at = magic.n;
        else if (!err->id)
                damaged(err);
        if (!s->at)
                region_snapshot_close(&s);
        return s;
}

void region_snapshot_close(struct region_snapshot **sp)
{
        struct region_snapshot *s = *sp;

        *sp = NULL;
        if (!s)
                return;
        free(s->p);
        free(s);
}

/* A block at the present place; it stays there. */
static bool block(struct region_snapshot *s, size_t before, size_t most, size_t *n, struct err *err)
{
        struct reader in;

        if (!fill(s, before + 4, err))
                return false;
        in = reader_of(slice_of(s->p + s->at + before, 4));
        *n = reader_u32(&in);
        return *n <= most ? fill(s, before + 4 + *n, err) : damaged(err);
}

static bool end_read(struct region_snapshot *s, struct err *err)
{
        struct reader in;
        uint8_t more;
        ssize_t k;

        if (!fill(s, 4 + 8, err))
                return false;
        in = reader_of(slice_of(s->p + s->at + 4, 8));
        if (reader_u64(&in) != s->count || s->n != s->at + 12)
                return damaged(err);
        do
                k = read(s->fd, &more, 1);
        while (k < 0 && errno == EINTR);
        if (k != 0)
                return damaged(err);
        s->ended = true;
        return false;
}

bool region_snapshot_next(struct region_snapshot *s, struct slice *key, struct slice *value, struct err *err)
{
        size_t key_n, value_n;

        if (s->ended || !block(s, 0, STORE_KEY_MAX, &key_n, err))
                return false;
        if (key_n == 0)
                return end_read(s, err);
        if (!block(s, 4 + key_n, STORE_VALUE_MAX, &value_n, err))
                return false;
        *key = slice_of(s->p + s->at + 4, key_n);
        *value = slice_of(s->p + s->at + 8 + key_n, value_n);
        if (s->count && slice_compare(slice_of(s->key, s->key_n), *key) >= 0)
                return damaged(err);
        memcpy(s->key, key->p, key_n);
        s->key_n = key_n;
        s->count++;
        s->at += 8 + key_n + value_n;
        return true;
}

bool region_snapshot_check(int fd, uint64_t *count, struct err *err)
{
        struct region_snapshot *s = region_snapshot_open(fd, err);
        struct slice key, value;
        bool ok;

        while (s && region_snapshot_next(s, &key, &value, err))
                ;
        ok = s && s->ended;
        *count = ok ? s->count : 0;
        region_snapshot_close(&s);
        return ok;
}

/* ---- which keys travel ---- */

enum region_kind region_kind_of(struct slice key, uint32_t *number)
{
        static const char *const local[] = { "p/pmk/", "p/went", "n/", "j/", "z/" };
        static const char *const node[] = { "l/", "k/", "m/", "a/", "h/", "g/", "d/n/", "d/b/" };

        *number = 0;
        for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
                size_t n = strlen(local[i]);

                if (key.n >= n && memcmp(key.p, local[i], n) == 0)
                        return REGION_LOCAL;
        }
        for (size_t i = 0; i < sizeof(node) / sizeof(node[0]); i++) {
                size_t n = strlen(node[i]);
                struct reader in;

                if (key.n < n + 4 || memcmp(key.p, node[i], n) != 0)
                        continue;
                in = reader_of(slice_of(key.p + n, 4));
                *number = reader_u32(&in);
                return REGION_NODE;
        }
        return REGION_SHARED;
}
