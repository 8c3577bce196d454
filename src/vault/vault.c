#include "vault/vault.h"
#include "base/log.h"
#include "vault/authorise.h"
#include "vault/clock_watch.h"
#include "vault/commit.h"
#include "vault/ledger.h"
#include "vault/lives.h"
#include "vault/backup.h"
#include "vault/mask.h"
#include "vault/members.h"
#include "vault/moved.h"
#include "vault/partition.h"
#include "vault/stream.h"
#include "vault/ticket.h"
#include "vault/quorum.h"
#include "vault/region.h"
#include "vault/udd.h"
#include "vault/users.h"
#include "vault/uses.h"
#include "vault/tuning.h"

#include <stdlib.h>

/* What stands in a configuration as 0. */
static void presets(struct vault_config *c)
{
        c->max_keys = c->max_keys ? c->max_keys : 1000000;
        c->max_users = c->max_users ? c->max_users : 1024;
        c->lock_after = c->lock_after ? c->lock_after : 5;
        c->ticket_life_ms = c->ticket_life_ms ? c->ticket_life_ms : INT64_C(24) * 3600 * 1000;
        c->store_timeout_ms = c->store_timeout_ms ? c->store_timeout_ms : 3000;
        c->sweep_ms = c->sweep_ms ? c->sweep_ms : 60000;
        c->lanes = c->lanes ? c->lanes : 32;
        c->stale_limit_ms = c->stale_limit_ms ? c->stale_limit_ms : 60000;
        c->session_cache = c->session_cache ? c->session_cache : 16384;
}

static bool config_copy(struct vault *v, const struct vault_config *from, struct err *err)
{
        v->config = *from;
        presets(&v->config);
        v->config.node_name = strdup(from->node_name ? from->node_name : "hsm1");
        v->config.host = strdup(from->host ? from->host : "127.0.0.1");
        v->config.token_label = strdup(from->token_label ? from->token_label : "chsm");
        v->config.zone = strdup(from->zone ? from->zone : "");
        if (!v->config.node_number)
                v->config.node_number = 1;
        if (!v->config.node_name || !v->config.host || !v->config.token_label || !v->config.zone)
                return err_set(err, ERR_MEMORY, "no memory for the configuration");
        if (strlen(v->config.token_label) > 32)
                return err_set(err, ERR_CONFIG, "token label '%.40s' is longer than 32 bytes",
                               v->config.token_label);
        return true;
}

static bool parts_open(struct vault *v, struct err *err)
{
        return vault_ledger_open(v, err) && vault_region_open(v, err) && vault_partition_open(v, err) &&
               vault_users_open(v, err) && vault_lanes_open(v, err) && vault_members_open(v, err) &&
               vault_clock_open(v, err) && vault_tickets_open(v, err) && vault_streams_open(v, err) &&
               vault_replays_open(v, err) && vault_authorisations_open(v, err) &&
               vault_counters_open(v, err) && vault_objects_open(v, err) && vault_cache_open(v, err) &&
               vault_lives_open(v, err) && vault_quorum_open(v, err) && vault_udds_open(v, err) &&
               vault_masks_open(v, err) && vault_spools_open(v, err);
}

struct load {
        struct vault *vault;
        const struct vault_apply_row *row;
        struct err *err;
        bool failed;
};

static bool load_visit(void *arg, const struct store_event *e)
{
        struct load *l = arg;

        l->failed = !l->row->apply(l->vault, e, l->err) || !vault_ledger_note(l->vault, e, l->err);
        return !l->failed;
}

/* Rows of one prefix; *at: the oldest revision of all loads, from which changes are followed. Applying a
 * change twice is harmless. */
static bool load_row(struct vault *v, const struct vault_apply_row *row, store_rev *at, struct err *err)
{
        struct load l = { v, row, err, false };
        store_rev rev;

        if (store_load(v->deps.store, slice_str(row->prefix), load_visit, &l, &rev, err) != STORE_OK ||
            l.failed)
                return false;
        if (*at < 0 || rev < *at)
                *at = rev;
        return true;
}

static bool store_is_empty(struct vault *v, bool *empty, struct err *err)
{
        struct store_status status;

        if (store_status(v->deps.store, &status, err) != STORE_OK)
                return false;
        *empty = status.keys == 0;
        v->store_identity = status.identity;
        return true;
}

static bool load_all(struct vault *v, store_rev *at, struct err *err)
{
        const struct vault_apply_row *row;
        bool empty;

        if (!store_is_empty(v, &empty, err) || (empty && !vault_partition_initialise(v, err)))
                return false;
        *at = -1;
        for (size_t i = 0; (row = vault_apply_at(i)); i++) {
                if (!load_row(v, row, at, err))
                        return false;
                if (i == 0 && !vault_partition_loaded(v))
                        return err_set(err, ERR_STORE_DAMAGED,
                                       "the store holds records but no partition; restore from a backup");
                if (i == 0 && !vault_moved_check(v, err))
                        return false;
        }
        return true;
}

/* ---- the feed ---- */

void vault_revision_set(struct vault *v, store_rev rev)
{
        pthread_mutex_lock(&v->revision_lock);
        if (rev > atomic_load(&v->revision))
                atomic_store(&v->revision, rev);
        pthread_cond_broadcast(&v->revision_moved);
        pthread_mutex_unlock(&v->revision_lock);
}

static void on_events(void *arg, store_rev rev, const struct store_event *events, size_t n)
{
        struct vault *v = arg;

        vault_watch_events(v, rev, events, n);
        vault_revision_set(v, rev);
}

static void on_reset(void *arg)
{
        struct vault *v = arg;

        log_error("the store's history is gone before this node has seen it: the node reads all of it again");
        atomic_store(&v->reading, true);
        atomic_store(&v->reset, true);
}

static void on_link(void *arg, bool up)
{
        struct vault *v = arg;

        atomic_store(&v->cut_off_ms, up ? 0 : clock_mono_ms(&v->deps.clock));
        log_info("the store is %s", up ? "reachable" : "out of reach");
}

struct store_follower vault_follower(struct vault *v)
{
        return (struct store_follower){ on_events, on_reset, on_link, v };
}

bool vault_revision_wait(struct vault *v, store_rev rev, int64_t timeout_ms)
{
        struct timespec until;
        int rc = 0;

        if (atomic_load_explicit(&v->revision, memory_order_acquire) >= rev)
                return true;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += timeout_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&v->revision_lock);
        while (atomic_load(&v->revision) < rev && rc == 0)
                rc = pthread_cond_timedwait(&v->revision_moved, &v->revision_lock, &until);
        pthread_mutex_unlock(&v->revision_lock);
        return atomic_load(&v->revision) >= rev;
}

static bool revision_open(struct vault *v)
{
        pthread_condattr_t attributes;

        pthread_mutex_init(&v->revision_lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&v->revision_moved, &attributes);
        pthread_condattr_destroy(&attributes);
        return true;
}

struct vault *vault_open(const struct vault_deps *deps, struct err *err)
{
        struct vault *v = calloc(1, sizeof(*v));
        struct store_follower follower = vault_follower(v);
        store_rev at;

        if (!v) {
                err_set(err, ERR_MEMORY, "no memory for the vault");
                return NULL;
        }
        v->deps = *deps;
        v->opened_ms = clock_mono_ms(&deps->clock);
        revision_open(v);
        vault_settings_open(v);
        vault_tunings_open(v);
        if (!config_copy(v, &deps->config, err) || !parts_open(v, err) || !load_all(v, &at, err))
                goto failed;
        vault_revision_set(v, at);
        vault_members_listen(v);
        if (store_follow(deps->store, at, &follower, &v->watch, err) != STORE_OK ||
            !vault_watch_begin(v, err))
                goto failed;
        v->swept_ms = clock_mono_ms(&deps->clock);
        return v;
failed:
        vault_close(&v);
        return NULL;
}

void vault_set_audit(struct vault *v, struct audit_writer *audit)
{
        v->deps.audit = audit;
}

void vault_set_events(struct vault *v, const struct vault_events *events)
{
        v->events = *events;
}

void vault_close(struct vault **vp)
{
        struct vault *v = *vp;

        *vp = NULL;
        if (!v)
                return;
        store_unfollow(&v->watch);
        vault_cache_close(v);
        vault_lives_close(v);
        vault_uses_close(v);
        vault_masks_close(v);
        vault_spools_close(v);
        vault_objects_close(v);
        vault_counters_close(v);
        vault_replays_close(v);
        vault_authorisations_close(v);
        vault_quorum_close(v);
        vault_tickets_close(v);
        vault_streams_close(v);
        vault_lanes_close(v);
        vault_members_close(v);
        vault_clock_close(v);
        vault_udds_close(v);
        vault_region_close(v);
        vault_users_close(v);
        vault_partition_close(v);
        vault_ledger_close(v);
        pthread_mutex_destroy(&v->revision_lock);
        pthread_cond_destroy(&v->revision_moved);
        free((void *)(uintptr_t)v->config.node_name);
        free((void *)(uintptr_t)v->config.host);
        free((void *)(uintptr_t)v->config.token_label);
        free((void *)(uintptr_t)v->config.zone);
        free(v);
}
