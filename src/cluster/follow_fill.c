/* A snapshot of the other region takes the place of what the store holds. Both are walked through in the
 * order of their keys; only what differs is written. Cut off at any moment, it is done again from its start,
 * and until then the store serves nothing: z/loading. */
#include "base/file.h"
#include "base/log.h"
#include "cluster/follow.h"
#include "vault/clone.h"
#include "vault/region_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STORE_MS    10000
#define BATCH_OPS   90
#define BATCH_BYTES ((size_t)512 * 1024)
#define CHUNK       ((size_t)256 * 1024)
#define NODES_MAX   64
#define SILENT_MS   30000 /* another node that fills and has written nothing for so long is gone */

/* ---- z/loading ---- */

struct loading {
        store_rev rev;
        uint32_t node;
};

static bool loading_visit(void *arg, const struct store_event *e)
{
        struct loading *l = arg;
        struct reader in = reader_of(e->value);

        if (slice_equal(e->key, VAULT_CLONE_LOADING)) {
                l->rev = e->rev;
                l->node = reader_u32(&in);
        }
        return true;
}

static bool loading_look(struct cluster_follow *f, struct loading *l, struct err *err)
{
        store_rev at;

        *l = (struct loading){ 0 };
        return store_load(f->join->store, VAULT_CLONE_LOADING, loading_visit, l, &at, err) == STORE_OK;
}

static struct slice own_mark(const struct cluster_follow *f, uint8_t out[4])
{
        for (unsigned i = 0; i < 4; i++)
                out[i] = (uint8_t)(f->join->number >> (24 - 8 * i));
        return slice_of(out, 4);
}

/* Is the other node's mark still the same after a while? */
static bool is_abandoned(struct cluster_follow *f, const struct loading *seen, struct err *err)
{
        struct loading now = *seen;

        for (int waited = 0; now.rev == seen->rev && waited < SILENT_MS; waited += 200) {
                f->join->tell(f->join->arg, "another node to fill this region's store");
                if (!f->join->go_on(f->join->arg) || usleep(200000) != 0 || !loading_look(f, &now, err))
                        return false;
        }
        return now.rev == seen->rev;
}

bool follow_fill_begin(struct cluster_follow *f, bool *taken, struct err *err)
{
        struct loading l;
        uint8_t mark[4];
        struct store_guard guard = { STORE_ABSENT, VAULT_CLONE_LOADING, 0 };
        struct store_op op = { STORE_PUT, VAULT_CLONE_LOADING, own_mark(f, mark) };
        struct store_result result;
        enum store_rc rc;

        *taken = false;
        if (!loading_look(f, &l, err))
                return false;
        if (l.rev && l.node != f->join->number && !is_abandoned(f, &l, err))
                return !err->id;
        if (l.rev)
                guard = (struct store_guard){ STORE_REV_IS, VAULT_CLONE_LOADING, l.rev };
        rc = store_txn(f->join->store, &guard, 1, &op, 1, STORE_MS, &result, err);
        *taken = rc == STORE_OK;
        if (rc == STORE_CONFLICT)
                *err = ERR_INIT;
        return rc == STORE_OK || rc == STORE_CONFLICT;
}

/* ---- what is here ---- */

struct here {
        uint32_t nodes[NODES_MAX]; /* of this region */
        size_t n;
        int fd; /* a list of keys and hashes of their values, as a snapshot */
        struct buf out;
        uint64_t count;
        struct crypto *crypto;
        struct err *err;
        bool ok;
};

static bool node_visit(void *arg, const struct store_event *e)
{
        struct here *h = arg;
        struct reader in = reader_of(slice_of(e->key.p + 6, e->key.n - 6));
        uint32_t number = reader_u32(&in);

        if (reader_end(&in) && h->n < NODES_MAX)
                h->nodes[h->n++] = number;
        return true;
}

/* Neither what never travels nor what this region's nodes keep themselves. */
static bool is_replaced(const struct here *h, struct slice key)
{
        uint32_t number;
        enum region_kind kind = region_kind_of(key, &number);

        for (size_t i = 0; kind == REGION_NODE && i < h->n; i++) {
                if (h->nodes[i] == number)
                        return false;
        }
        return kind != REGION_LOCAL;
}

static bool here_flush(struct here *h)
{
        size_t done = 0;

        h->ok = h->ok && (buf_ok(&h->out) || err_set(h->err, ERR_MEMORY, "no memory to fill the store"));
        while (h->ok && done < h->out.n) {
                ssize_t k = write(h->fd, h->out.p + done, h->out.n - done);

                if (k < 0 && errno != EINTR)
                        h->ok = err_set_errno(h->err, ERR_FILE, errno, "a list of the store cannot be kept");
                if (k > 0)
                        done += (size_t)k;
        }
        buf_reset(&h->out);
        return h->ok;
}

static bool here_visit(void *arg, const struct store_event *e)
{
        struct here *h = arg;
        uint8_t hash[CRYPTO_HASH_SIZE];

        if (!is_replaced(h, e->key))
                return true;
        h->ok = h->ok &&
                (crypto_sha256(h->crypto, e->value, hash) || err_set(h->err, ERR_CRYPTO, "hashing failed"));
        region_snapshot_put(&h->out, e->key, slice_of(hash, sizeof(hash)));
        h->count++;
        return h->out.n < CHUNK ? h->ok : here_flush(h);
}

static bool here_list(struct cluster_follow *f, struct here *h)
{
        struct store *s = f->join->store;
        store_rev at;

        buf_put_slice(&h->out, REGION_SNAPSHOT_MAGIC);
        if (store_load(s, SLICE_LIT("p/pmk/"), node_visit, h, &at, h->err) != STORE_OK ||
            store_load(s, SLICE_EMPTY, here_visit, h, &at, h->err) != STORE_OK)
                h->ok = h->err->id ? false : err_set(h->err, ERR_STORE, "the store cannot be read");
        region_snapshot_end(&h->out, h->count);
        (void)here_flush(h);
        buf_clear(&h->out);
        return h->ok;
}

/* ---- filling ---- */

struct filling {
        struct cluster_follow *f;
        struct buf bytes; /* keys and values of ops, one after the other */
        struct {
                size_t at, key_n, value_n;
                bool put;
        } ops[BATCH_OPS];
        size_t n;
        store_rev mark; /* revision of z/loading */
        uint64_t puts, deletes;
        struct buf record; /* z/region */
        struct err *err;
};

/* last: the store is whole with this. */
static bool flush(struct filling *g, bool last)
{
        uint8_t mark[4];
        struct store_guard guard = { STORE_REV_IS, VAULT_CLONE_LOADING, g->mark };
        struct store_op ops[BATCH_OPS + 2];
        struct store_result result;
        size_t n = 0;

        if (!buf_ok(&g->bytes) || !buf_ok(&g->record))
                return err_set(g->err, ERR_MEMORY, "no memory to fill the store");
        for (; n < g->n; n++) {
                const uint8_t *p = g->bytes.p + g->ops[n].at;

                ops[n] =
                    (struct store_op){ g->ops[n].put ? STORE_PUT : STORE_DELETE, slice_of(p, g->ops[n].key_n),
                                       slice_of(p + g->ops[n].key_n, g->ops[n].value_n) };
        }
        if (last)
                ops[n++] = (struct store_op){ STORE_PUT, VAULT_CLONE_REGION, buf_slice(&g->record) };
        ops[n++] = last ? (struct store_op){ STORE_DELETE, VAULT_CLONE_LOADING, SLICE_EMPTY }
                        : (struct store_op){ STORE_PUT, VAULT_CLONE_LOADING, own_mark(g->f, mark) };
        if (store_txn(g->f->join->store, &guard, 1, ops, n, STORE_MS, &result, g->err) != STORE_OK)
                return err_prefix(g->err, "the store cannot be filled");
        g->mark = result.rev;
        g->n = 0;
        buf_reset(&g->bytes);
        return true;
}

static bool add(struct filling *g, bool put, struct slice key, struct slice value)
{
        if ((g->n == BATCH_OPS || g->bytes.n + key.n + value.n > BATCH_BYTES) && !flush(g, false))
                return false;
        g->ops[g->n].at = g->bytes.n;
        g->ops[g->n].key_n = key.n;
        g->ops[g->n].value_n = put ? value.n : 0;
        g->ops[g->n].put = put;
        g->n++;
        buf_put_slice(&g->bytes, key);
        if (put)
                buf_put_slice(&g->bytes, value);
        *(put ? &g->puts : &g->deletes) += 1;
        return true;
}

/* Where one of the two lists stands. */
struct place {
        struct region_snapshot *list;
        struct slice key, value;
        bool there;
};

/* To the next key that is replaced. */
static void next(struct place *p, const struct here *h, struct err *err)
{
        do
                p->there = region_snapshot_next(p->list, &p->key, &p->value, err);
        while (p->there && !is_replaced(h, p->key) && !slice_equal(p->key, VAULT_CLONE_REGION));
}

static bool same(struct filling *g, struct slice value, struct slice hash)
{
        uint8_t own[CRYPTO_HASH_SIZE];

        return crypto_sha256(g->f->join->crypto, value, own) && slice_equal(slice_of(own, sizeof(own)), hash);
}

static bool merge(struct filling *g, const struct here *h, struct place *want, struct place *have)
{
        next(want, h, g->err);
        next(have, h, g->err);
        while (!g->err->id && (want->there || have->there)) {
                int order = !want->there ? 1 : !have->there ? -1 : slice_compare(want->key, have->key);

                if (want->there && slice_equal(want->key, VAULT_CLONE_REGION)) {
                        buf_put_slice(&g->record, want->value);
                        next(want, h, g->err);
                        continue;
                }
                if (order > 0 && !add(g, false, have->key, SLICE_EMPTY))
                        return false;
                if ((order < 0 || (order == 0 && !same(g, want->value, have->value))) &&
                    !add(g, true, want->key, want->value))
                        return false;
                if (order <= 0)
                        next(want, h, g->err);
                if (order >= 0)
                        next(have, h, g->err);
        }
        return !g->err->id &&
               (g->record.n || err_set(g->err, ERR_FRAME, "the snapshot does not say what it is of"));
}

static int scratch(const struct cluster_follow *f, struct err *err)
{
        char *path = file_join(f->folder, "region.XXXXXX");
        int fd = path ? mkostemp(path, O_CLOEXEC) : -1;

        if (fd >= 0)
                (void)unlink(path);
        else
                err_set_errno(err, ERR_FILE, errno, "a list of the store cannot be kept in '%s'", f->folder);
        free(path);
        return fd;
}

static bool fill_from(struct filling *g, struct here *h, int snapshot)
{
        struct place want = { .list = NULL }, have = { .list = NULL };
        struct loading mark;
        bool ok = here_list(g->f, h) && loading_look(g->f, &mark, g->err);

        g->mark = mark.rev;
        if (ok && (!mark.rev || mark.node != g->f->join->number))
                ok = err_set(g->err, ERR_RETRY, "another node fills this region's store");
        want.list = ok ? region_snapshot_open(snapshot, g->err) : NULL;
        have.list = want.list ? region_snapshot_open(h->fd, g->err) : NULL;
        ok = have.list && merge(g, h, &want, &have) && flush(g, true);
        region_snapshot_close(&want.list);
        region_snapshot_close(&have.list);
        return ok;
}

bool follow_fill(struct cluster_follow *f, struct err *err)
{
        char *path = follow_snapshot_path(f);
        struct here h = { .crypto = f->join->crypto, .err = err, .ok = true, .fd = scratch(f, err) };
        struct filling *g = calloc(1, sizeof(*g));
        uint64_t count = 0;
        int fd = path && h.fd >= 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        bool ok = g && fd >= 0;

        if (!ok && !err->id)
                err_set_errno(err, ERR_FILE, errno, "the snapshot in '%s' cannot be opened", f->folder);
        if (ok) {
                g->f = f;
                g->err = err;
                ok = region_snapshot_check(fd, &count, err) && fill_from(g, &h, fd);
        }
        if (ok) {
                log_info("the store is filled from the other region: %llu records, %llu put, %llu deleted",
                         (unsigned long long)count, (unsigned long long)g->puts,
                         (unsigned long long)g->deletes);
                (void)unlink(path);
        }
        if (g) {
                buf_clear(&g->bytes);
                buf_clear(&g->record);
        }
        if (fd >= 0)
                (void)close(fd);
        if (h.fd >= 0)
                (void)close(h.fd);
        free(path);
        free(g);
        return ok;
}
