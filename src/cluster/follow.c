#include "cluster/follow.h"
#include "base/file.h"
#include "base/log.h"
#include "vault/clone.h"
#include "vault/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS    200
#define UNSEEN_MOST ((size_t)32 * 1024 * 1024)

bool cluster_follow_begin(struct cluster_follow *f, struct err *err)
{
        f->arena = arena_new(64 * 1024, 16 * 1024 * 1024);
        return (f->arena || err_set(err, ERR_MEMORY, "no memory to follow the other region")) &&
               crypto_random(f->join->crypto, f->context, sizeof(f->context), err);
}

void cluster_follow_end(struct cluster_follow *f)
{
        arena_free(&f->arena);
}

/* ---- before the vault ---- */

struct found {
        bool partition, loading;
};

static bool found_visit(void *arg, const struct store_event *e)
{
        struct found *f = arg;

        f->partition = f->partition || slice_equal(e->key, SLICE_LIT("p/state"));
        f->loading = f->loading || slice_equal(e->key, VAULT_CLONE_LOADING);
        return true;
}

static bool look(struct cluster_follow *f, struct found *found, struct err *err)
{
        store_rev at;

        *found = (struct found){ false, false };
        return store_load(f->join->store, SLICE_LIT("p/"), found_visit, found, &at, err) == STORE_OK &&
               store_load(f->join->store, SLICE_LIT("z/"), found_visit, found, &at, err) == STORE_OK;
}

static bool fetched(const struct cluster_follow *f)
{
        char *path = follow_snapshot_path(f);
        bool there = path && file_exists(path);

        free(path);
        return there;
}

/* One try to fill the store. */
static bool fill_once(struct cluster_follow *f, const struct found *found, struct err *err)
{
        bool taken;

        if (!found->loading || !fetched(f)) {
                if (!follow_ask_join(f, err) || !follow_ask_snapshot(f, err))
                        return false;
        }
        return follow_fill_begin(f, &taken, err) && (!taken || follow_fill(f, err));
}

bool cluster_follow_prepare(struct cluster_follow *f, struct err *err)
{
        struct err why = ERR_INIT;
        struct found found;
        char last[ERR_DETAIL_MAX] = "";

        while (look(f, &found, err)) {
                if (found.partition && !found.loading)
                        return true;
                why = ERR_INIT;
                if (fill_once(f, &found, &why))
                        continue;
                if (strcmp(last, why.detail) != 0)
                        log_warning("this region cannot be filled yet: %s", why.detail);
                memcpy(last, why.detail, sizeof(last));
                f->join->tell(f->join->arg, "the other region");
                nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
                if (!f->join->go_on(f->join->arg))
                        return false;
        }
        return false;
}

/* ---- beside the vault ---- */

/* Tells what this region is and hears what the other one is. */
static bool meet(struct cluster_follow *f, struct vault *v, struct vault_region_record *other,
                 struct err *err)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegionMeetRequest in = CHSM__REGION_MEET_REQUEST__INIT;
        struct vault_region_record own;
        struct buf value = BUF_INIT;
        const Chsm__Response *response;
        struct slice record;
        store_rev rev;
        bool ok, changed;

        *other = (struct vault_region_record){ .role = VAULT_PRIMARY };
        vault_region_now(v, &own, &rev);
        ok = !rev || vault_region_write(v, &own, &value);
        in.record = (ProtobufCBinaryData){ value.n, value.p };
        in.address = (char *)(uintptr_t)f->address;
        r.region_meet = &in;
        r.body_case = CHSM__REQUEST__BODY_REGION_MEET;
        response = ok ? follow_ask(f, &r, CHSM__RESPONSE__BODY_REGION_MEET, err) : NULL;
        buf_clear(&value);
        if (!response)
                return err->id ? false : err_set(err, ERR_MEMORY, "no memory to meet the other region");
        record = slice_of(response->region_meet->record.data, response->region_meet->record.len);
        return vault_region_meet(v, record, response->region_meet->address, &changed, err) &&
               (!record.n || vault_region_read(v, record, other, err));
}

/* What this region has and the one that took over does not: a file, before it is replaced. */
static bool keep_unseen(struct cluster_follow *f, struct vault *v, struct err *err)
{
        struct vault_region_unseen u = { .limit = UINT64_MAX, .bytes = UNSEEN_MOST };
        struct vault_region_record r;
        char name[64];
        char *path;
        store_rev rev;
        bool ok;

        vault_region_now(v, &r, &rev);
        (void)snprintf(name, sizeof(name), "unseen-epoch-%llu.jsonl", (unsigned long long)r.seen_epoch);
        path = file_join(f->folder, name);
        ok = path && vault_region_unseen(v, &u, err) && file_write(path, buf_slice(&u.lines), 0600, err);
        if (ok)
                log_warning("%llu changes of this region are not in the one that took over; their audit "
                            "records are in '%s'",
                            (unsigned long long)u.count, path);
        buf_clear(&u.lines);
        free(path);
        return ok || (err->id ? false : err_set(err, ERR_MEMORY, "no memory for what is not seen"));
}

/* The store is to be what the other region has; the node starts anew for that. */
static bool fill_anew(struct cluster_follow *f, struct err *err)
{
        bool taken;

        if (!follow_ask_snapshot(f, err) || !follow_fill_begin(f, &taken, err))
                return false;
        f->filled = true;
        return true;
}

static void note(struct cluster_follow *f, struct vault *v, const Chsm__RegionFeedResponse *r,
                 int64_t took_ms)
{
        struct vault_region_notes n;
        int64_t now = clock_mono_ms(&f->join->clock);

        vault_region_notes(v, &n);
        n.head = r->head;
        n.heard_ms = now;
        if (r->upto >= r->head)
                n.level_ms = now;
        if (r->changes.len > 1)
                n.apply_ms = (int64_t)r->age_ms + took_ms;
        n.trouble[0] = '\0';
        vault_region_note(v, &n);
}

static bool follow(struct cluster_follow *f, struct vault *v, const struct vault_region_record *own,
                   struct err *err)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegionFeedRequest in = CHSM__REGION_FEED_REQUEST__INIT;
        const Chsm__Response *response;
        const Chsm__RegionFeedResponse *feed;
        int64_t came;

        in.from = own->source;
        in.epoch = own->epoch;
        in.wait_ms = (uint32_t)f->wait_ms;
        r.region_feed = &in;
        r.body_case = CHSM__REQUEST__BODY_REGION_FEED;
        response = follow_ask(f, &r, CHSM__RESPONSE__BODY_REGION_FEED, err);
        if (!response)
                return false;
        came = clock_mono_ms(&f->join->clock);
        feed = response->region_feed;
        if (feed->gone) {
                log_warning("the primary's history does not go back to what this region has; a snapshot is "
                            "taken");
                return fill_anew(f, err);
        }
        if (!vault_region_apply(v, slice_of(feed->changes.data, feed->changes.len), feed->upto, err))
                return false;
        note(f, v, feed, clock_mono_ms(&f->join->clock) - came);
        return true;
}

static void note_trouble(struct vault *v, bool fenced, const struct err *err)
{
        struct vault_region_notes n;

        vault_region_notes(v, &n);
        n.fenced = fenced;
        if (err && err->id)
                (void)snprintf(n.trouble, sizeof(n.trouble), "%.255s", err->detail);
        vault_region_note(v, &n);
}

/* A turn of a region that follows, with what the other one said it is. */
static bool step_follower(struct cluster_follow *f, struct vault *v, const struct vault_region_record *own,
                          struct err *err)
{
        bool ok = follow(f, v, own, err);

        if (!ok && err->id == ERR_ROLE) { /* it does not know this node, as after a restore */
                *err = ERR_INIT;
                ok = follow_ask_join(f, err);
        }
        return ok;
}

static bool step_by_role(struct cluster_follow *f, struct vault *v, struct err *err)
{
        struct vault_region_record own, other;
        int64_t now = clock_mono_ms(&f->join->clock);
        store_rev rev;

        vault_region_now(v, &own, &rev);
        if (own.role != VAULT_FOLLOWER || now - f->met_ms >= FOLLOW_MEET_MS) {
                if (!meet(f, v, &other, err))
                        return false;
                f->met_ms = now;
                note_trouble(v, other.role == VAULT_FENCED, NULL);
                vault_region_now(v, &own, &rev);
                if (own.role == VAULT_FOLLOWER && other.role == VAULT_PRIMARY && other.epoch > own.epoch)
                        return follow_ask_join(f, err) && fill_anew(f, err);
                if (own.role == VAULT_FENCED && own.rejoin)
                        return follow_ask_join(f, err) && keep_unseen(f, v, err) && fill_anew(f, err);
        }
        if (own.role == VAULT_FOLLOWER)
                return step_follower(f, v, &own, err);
        return true;
}

bool cluster_follow_step(struct cluster_follow *f, struct vault *v, struct err *err)
{
        bool ok = step_by_role(f, v, err);

        if (!ok && err->id == ERR_STORE_CONFLICT) { /* another node of this region applies */
                *err = ERR_INIT;
                return true;
        }
        if (!ok)
                note_trouble(v, false, err);
        return ok;
}
