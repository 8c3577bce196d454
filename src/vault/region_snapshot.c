/* The primary's side: all that both regions share, at one revision, as a file that is fetched in parts. */
#include "vault/region_internal.h"
#include "vault/backup.h"
#include "vault/key_use.h"
#include "vault/spool.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)256 * 1024)

struct writing {
        int fd;
        struct buf out;
        uint64_t count;
        struct err *err;
        bool ok;
};

static bool flush(struct writing *w)
{
        w->ok = w->ok && (buf_ok(&w->out) || err_set(w->err, ERR_MEMORY, "no memory for a snapshot")) &&
                vault_backup_fd_write(w->fd, buf_slice(&w->out), w->err);
        buf_reset(&w->out);
        return w->ok;
}

static bool visit(void *arg, const struct store_event *e)
{
        struct writing *w = arg;
        uint32_t number;

        if (region_kind_of(e->key, &number) == REGION_LOCAL)
                return true;
        region_snapshot_put(&w->out, e->key, e->value);
        w->count++;
        return w->out.n < CHUNK || flush(w);
}

/* With which the follower begins; only a node of the partition can make it. It is last in order. */
static void put_record(struct vault *v, store_rev at, struct writing *w)
{
        struct vault_region_record now, r = { .role = VAULT_FOLLOWER, .source = at };
        struct buf value = BUF_INIT;
        store_rev rev;

        vault_region_now(v, &now, &rev);
        r.epoch = now.epoch;
        r.by = v->config.node_number;
        r.contact_ms = clock_wall_ms(&v->deps.clock);
        if (v->region->host.address)
                (void)snprintf(r.peer, sizeof(r.peer), "%s", v->region->host.address);
        w->ok = w->ok && (vault_region_write(v, &r, &value) ||
                          err_set(w->err, ERR_MEMORY, "no memory for a snapshot"));
        region_snapshot_put(&w->out, VAULT_REGION_KEY, buf_slice(&value));
        w->count++;
        buf_clear(&value);
}

static bool snapshot_write(struct vault_call *call, int fd, store_rev *at)
{
        struct writing w = { .fd = fd, .out = BUF_INIT, .err = &call->err, .ok = true };

        buf_put_slice(&w.out, REGION_SNAPSHOT_MAGIC);
        if (store_load(call->vault->deps.store, SLICE_EMPTY, visit, &w, at, &call->err) != STORE_OK)
                w.ok = call->err.id ? false : err_set(&call->err, ERR_STORE, "the store cannot be read");
        put_record(call->vault, *at, &w);
        region_snapshot_end(&w.out, w.count);
        (void)flush(&w);
        buf_clear(&w.out);
        return w.ok;
}

bool vault_region_snapshot(struct vault_call *call)
{
        Chsm__RegionSnapshotResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_region_follower who;
        store_rev at = 0;
        struct stat st;
        uint64_t stream;
        int fd;
        bool ok;

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for a snapshot");
        chsm__region_snapshot_response__init(r);
        if (!vault_follower_of(call, &who))
                return false;
        if (vault_region_role(call->vault) == VAULT_FOLLOWER)
                return err_set(&call->err, ERR_REGION, "this region follows another one itself");
        stream = vault_spool_new(call, &fd);
        if (!stream)
                return false;
        ok = snapshot_write(call, fd, &at) &&
             (fstat(fd, &st) == 0 || err_set(&call->err, ERR_FILE, "the snapshot has no size"));
        vault_spool_done(call, stream, ok);
        if (!ok)
                return false;
        r->stream = stream;
        r->size = (uint64_t)st.st_size;
        r->revision = at;
        call->response->region_snapshot = r;
        call->response->body_case = CHSM__RESPONSE__BODY_REGION_SNAPSHOT;
        return true;
}

bool vault_region_read_part(struct vault_call *call)
{
        const Chsm__RegionReadRequest *in = call->request->region_read;
        struct vault_region_follower who;
        uint8_t *data = arena_alloc(call->arena, CHUNK);
        ssize_t n = -1;
        struct stat st;
        int fd;

        if (!data)
                return err_set(&call->err, ERR_MEMORY, "no memory for a part of the snapshot");
        if (!vault_follower_of(call, &who) || (fd = vault_spool_take(call, in->stream)) < 0)
                return false;
        if (fstat(fd, &st) == 0 && in->offset <= (uint64_t)st.st_size)
                n = pread(fd, data, CHUNK, (off_t)in->offset);
        /* Kept until it is left alone: a part whose answer was lost is asked for again. */
        vault_spool_done(call, in->stream, n > 0);
        if (n < 0)
                return err_set(&call->err, ERR_ARGUMENT, "the snapshot has no byte %llu",
                               (unsigned long long)in->offset);
        return vault_use_reply(call, slice_of(data, (size_t)n), NULL, 0);
}
