#include "vault/region.h"
#include "base/log.h"
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/region_internal.h"

#include <stdlib.h>

#define VERSION 1

bool vault_region_open(struct vault *v, struct err *err)
{
        struct vault_region *r = calloc(1, sizeof(*r));

        v->region = r;
        if (!r)
                return err_set(err, ERR_MEMORY, "no memory for the regions");
        pthread_mutex_init(&r->lock, NULL);
        r->record.role = VAULT_PRIMARY;
        r->notes.apply_ms = -1;
        atomic_store(&r->role, VAULT_PRIMARY);
        return vault_feeds_open(v, err);
}

void vault_region_close(struct vault *v)
{
        if (!v->region)
                return;
        vault_feeds_close(v);
        pthread_mutex_destroy(&v->region->lock);
        free(v->region);
        v->region = NULL;
}

void vault_set_region(struct vault *v, const struct vault_region_host *host)
{
        v->region->host = *host;
}

void vault_region_now(struct vault *v, struct vault_region_record *out, store_rev *rev)
{
        pthread_mutex_lock(&v->region->lock);
        *out = v->region->record;
        *rev = v->region->rev;
        pthread_mutex_unlock(&v->region->lock);
}

enum vault_region_role vault_region_role(struct vault *v)
{
        return (enum vault_region_role)atomic_load_explicit(&v->region->role, memory_order_relaxed);
}

bool vault_region_is_stale(struct vault *v)
{
        return atomic_load(&v->region->stale);
}

/* ---- records ---- */

bool vault_region_write(struct vault *v, const struct vault_region_record *r, struct buf *out)
{
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u8(&body, VERSION);
        buf_put_u8(&body, (uint8_t)r->role);
        buf_put_u64(&body, r->epoch);
        buf_put_u32(&body, r->by);
        buf_put_u64(&body, (uint64_t)r->source);
        buf_put_u64(&body, (uint64_t)r->contact_ms);
        buf_put_u64(&body, r->seen_epoch);
        buf_put_u64(&body, (uint64_t)r->seen);
        buf_put_u8(&body, r->rejoin);
        buf_put_block(&body, slice_str(r->peer));
        ok = buf_ok(&body) && vault_record_write(v, VAULT_REGION_KEY, buf_slice(&body), out);
        buf_clear(&body);
        return ok;
}

static void text_take(struct reader *in, char *out, size_t size)
{
        struct slice s = reader_block(in, size - 1);

        if (s.n)
                memcpy(out, s.p, s.n);
        out[s.n] = '\0';
}

bool vault_region_read(struct vault *v, struct slice value, struct vault_region_record *r, struct err *err)
{
        struct slice body;
        struct reader in;

        *r = (struct vault_region_record){ .role = VAULT_PRIMARY };
        if (!vault_record_read(v, VAULT_REGION_KEY, value, &body, err))
                return false;
        in = reader_of(body);
        if (reader_u8(&in) != VERSION)
                in.failed = true;
        r->role = (enum vault_region_role)reader_u8(&in);
        r->epoch = reader_u64(&in);
        r->by = reader_u32(&in);
        r->source = (store_rev)reader_u64(&in);
        r->contact_ms = (int64_t)reader_u64(&in);
        r->seen_epoch = reader_u64(&in);
        r->seen = (store_rev)reader_u64(&in);
        r->rejoin = reader_u8(&in) != 0;
        text_take(&in, r->peer, sizeof(r->peer));
        return (reader_end(&in) && r->role >= VAULT_PRIMARY && r->role <= VAULT_FENCED) ||
               err_set(err, ERR_STORE_DAMAGED, "the record of the region cannot be read");
}

bool vault_follower_write(struct vault *v, const struct vault_region_follower *f, struct slice key,
                          struct buf *out)
{
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u8(&body, VERSION);
        buf_put_block(&body, slice_str(f->name));
        buf_put(&body, f->certificate, sizeof(f->certificate));
        buf_put_u64(&body, (uint64_t)f->admitted_ms);
        buf_put_u64(&body, (uint64_t)f->acked);
        buf_put_u64(&body, (uint64_t)f->heard_ms);
        ok = buf_ok(&body) && vault_record_write(v, key, buf_slice(&body), out);
        buf_clear(&body);
        return ok;
}

static bool follower_read(struct vault *v, const struct store_event *e, struct vault_region_follower *f,
                          struct err *err)
{
        struct slice body, certificate;
        struct reader in;

        if (!vault_record_read(v, e->key, e->value, &body, err))
                return false;
        in = reader_of(body);
        if (reader_u8(&in) != VERSION)
                in.failed = true;
        text_take(&in, f->name, sizeof(f->name));
        certificate = reader_bytes(&in, sizeof(f->certificate));
        f->admitted_ms = (int64_t)reader_u64(&in);
        f->acked = (store_rev)reader_u64(&in);
        f->heard_ms = (int64_t)reader_u64(&in);
        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "the record of a following node cannot be read");
        memcpy(f->certificate, certificate.p, certificate.n);
        f->rev = e->rev;
        return true;
}

/* ---- apply ---- */

/* A wall clock's moment, on the monotonic one. */
static int64_t as_mono(struct vault *v, int64_t wall_ms)
{
        int64_t age = clock_wall_ms(&v->deps.clock) - wall_ms, now = clock_mono_ms(&v->deps.clock);
        int64_t then = now - (age > 0 ? age : 0);

        return then > 0 ? then : 1;
}

static bool apply_region(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_region *r = v->region;
        struct vault_region_record record = { .role = VAULT_PRIMARY };

        if (e->deleted)
                return err_set(err, ERR_STORE_DAMAGED, "the record of the region is gone");
        if (!vault_region_read(v, e->value, &record, err))
                return false;
        pthread_mutex_lock(&r->lock);
        if (r->rev && r->record.role != record.role)
                log_info("this region is %s now, epoch %llu",
                         record.role == VAULT_PRIMARY    ? "primary"
                         : record.role == VAULT_FOLLOWER ? "a follower"
                                                         : "fenced",
                         (unsigned long long)record.epoch);
        r->record = record;
        r->rev = e->rev;
        atomic_store(&r->epoch, record.epoch);
        if (atomic_load(&r->source) < record.source)
                atomic_store(&r->source, record.source);
        if (record.role == VAULT_FOLLOWER && as_mono(v, record.contact_ms) > atomic_load(&r->heard_ms))
                atomic_store(&r->heard_ms, as_mono(v, record.contact_ms));
        atomic_store(&r->role, (int)record.role);
        atomic_store(&r->paired, true);
        pthread_mutex_unlock(&r->lock); /* who sees the new revision sees the role too: dispatch.c, commit */
        return true;
}

static bool apply_follower(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_region *r = v->region;
        struct reader in = reader_of(slice_of(e->key.p + 4, e->key.n - 4));
        struct vault_region_follower f = { .number = reader_u32(&in) };
        struct vault_region_follower *slot = NULL;

        if (!reader_end(&in) || !f.number)
                return err_set(err, ERR_STORE_DAMAGED,
                               "the store holds a following node with a strange name");
        if (!e->deleted && !follower_read(v, e, &f, err))
                return false;
        pthread_mutex_lock(&r->lock);
        for (size_t i = 0; i < VAULT_REGION_FOLLOWERS; i++) {
                if (r->followers[i].rev && r->followers[i].number == f.number)
                        slot = &r->followers[i];
                else if (!r->followers[i].rev && !slot)
                        slot = &r->followers[i];
        }
        if (slot) {
                f.said_ms = slot->said_ms;
                *slot = f;
                atomic_store(&r->paired, true);
        }
        pthread_mutex_unlock(&r->lock);
        if (f.rev && as_mono(v, f.heard_ms) > atomic_load(&r->heard_ms))
                atomic_store(&r->heard_ms, as_mono(v, f.heard_ms));
        return true;
}

bool vault_region_record_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        if (slice_equal(e->key, VAULT_REGION_KEY))
                return apply_region(v, e, err);
        if (e->key.n == 8 && memcmp(e->key.p, "z/f/", 4) == 0)
                return apply_follower(v, e, err);
        if (!slice_equal(e->key, VAULT_LOADING_KEY))
                return true;
        if (e->deleted && atomic_load(&v->region->loading))
                atomic_store(&v->region->stale, true);
        if (!e->deleted)
                atomic_store(&v->region->loading, true);
        return true;
}

bool vault_region_is_loading(struct vault *v)
{
        return v->region && atomic_load_explicit(&v->region->loading, memory_order_relaxed);
}

size_t vault_region_followers(struct vault *v, struct vault_region_follower out[VAULT_REGION_FOLLOWERS])
{
        size_t n = 0;

        pthread_mutex_lock(&v->region->lock);
        for (size_t i = 0; i < VAULT_REGION_FOLLOWERS; i++) {
                if (v->region->followers[i].rev)
                        out[n++] = v->region->followers[i];
        }
        pthread_mutex_unlock(&v->region->lock);
        return n;
}

void vault_region_note(struct vault *v, const struct vault_region_notes *notes)
{
        pthread_mutex_lock(&v->region->lock);
        v->region->notes = *notes;
        pthread_mutex_unlock(&v->region->lock);
        if (notes->heard_ms > atomic_load(&v->region->heard_ms))
                atomic_store(&v->region->heard_ms, notes->heard_ms);
}

void vault_region_notes(struct vault *v, struct vault_region_notes *out)
{
        pthread_mutex_lock(&v->region->lock);
        *out = v->region->notes;
        pthread_mutex_unlock(&v->region->lock);
        out->heard_ms = atomic_load(&v->region->heard_ms);
}
