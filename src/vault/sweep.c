/* Holding memory against the store: each revision as it comes, and everything every so often. What was missed
 * is taken in; what no node wrote is an alarm, and the node serves nothing of it. */
#include "vault/ledger.h"
#include "base/log.h"
#include "vault/commit.h"
#include "vault/noted.h"
#include "vault/record_names.h"

#include <stdio.h>
#include <stdlib.h>

#define LATE_MS 1000 /* for changes that are on their way while the store is read */

static void alarm_tell(struct vault *v, const char *words)
{
        atomic_fetch_add(&v->store_alarms, 1);
        atomic_store(&v->failed, true);
        log_error("ALARM: %s; the node is out of service: restore a backup, or read docs/cluster.md", words);
}

bool vault_in_service(struct vault *v, struct err *err)
{
        if (atomic_load_explicit(&v->failed, memory_order_relaxed))
                return err_set(
                    err, ERR_STORE_DAMAGED,
                    "the node is out of service: its store could not be followed; see the node's log");
        return !atomic_load_explicit(&v->reading, memory_order_acquire) ||
               err_set(err, ERR_RETRY, "node '%s' reads its store again; try again or another node",
                       v->config.node_name);
}

/* False. */
static bool differs(struct vault *v, struct err *err)
{
        char words[RECORD_NAMES_SIZE];

        vault_noted_words(v, words, sizeof(words));
        return err_set(err, ERR_STORE_DAMAGED,
                       "the store is not what the nodes of this partition left: records were removed or put "
                       "back to what they were earlier; restore a backup, or look at what 'chsm-server "
                       "recover' would accept%s%s",
                       words[0] ? ": " : "", words);
}

bool vault_watch_begin(struct vault *v, struct err *err)
{
        bool agrees;

        vault_ledger_lock(v);
        agrees = vault_ledger_agrees(v);
        v->watching = true;
        if (!agrees && v->config.rebase)
                vault_ledger_rebase(v);
        vault_ledger_unlock(v);
        return agrees || v->config.rebase || differs(v, err);
}

/* Reads the store again before anything more is answered: either a change was missed, or somebody made this
 * one. */
static void suspect(struct vault *v, store_rev rev, const struct store_event *events, size_t n)
{
        struct record_names names = { .n = 0 };

        for (size_t i = 0; i < n; i++)
                record_names_add(&names, events[i].key);
        record_names_end(&names);
        atomic_store_explicit(&v->reading, true, memory_order_release);
        (void)snprintf(v->suspects, sizeof(v->suspects), "%s", names.text);
        log_error(
            "revision %lld of the store does not agree with its books (%s): the node reads all of it again",
            (long long)rev, names.text);
}

void vault_watch_events(struct vault *v, store_rev rev, const struct store_event *events, size_t n)
{
        struct err err = ERR_INIT;

        vault_ledger_lock(v);
        for (size_t i = 0; i < n && rev > v->synced; i++) {
                if (!vault_ledger_note(v, &events[i], &err)) {
                        alarm_tell(v, err.detail);
                        break;
                }
        }
        if (v->watching && rev > v->synced && n && !vault_ledger_agrees(v) && !atomic_load(&v->reading))
                suspect(v, rev, events, n);
        for (size_t i = 0; i < n && rev > v->synced; i++) {
                if (vault_ledger_is_current(v, &events[i]) && !vault_apply(v, &events[i], &err)) {
                        alarm_tell(v, err.detail);
                        break;
                }
        }
        vault_ledger_unlock(v);
}

/* ---- the sweep ---- */

/* A record as the store has it, or that it has none. */
struct differing {
        struct differing *next;
        struct store_event event;
        uint8_t bytes[]; /* key, value */
};

struct sweep {
        struct vault *vault;
        struct differing *first;
        size_t records, repaired;
        struct record_names missed, edited, foreign;
        struct err *err;
        bool ok;
};

static bool differing_add(struct sweep *s, const struct store_event *e)
{
        struct differing *d = malloc(sizeof(*d) + e->key.n + e->value.n);

        if (!d)
                return err_set(s->err, ERR_MEMORY, "no memory to compare with the store");
        memcpy(d->bytes, e->key.p, e->key.n);
        if (e->value.n)
                memcpy(d->bytes + e->key.n, e->value.p, e->value.n);
        d->event = *e;
        d->event.key = slice_of(d->bytes, e->key.n);
        d->event.value = slice_of(d->bytes + e->key.n, e->value.n);
        d->next = s->first;
        s->first = d;
        return true;
}

static bool same(struct vault *v, const struct store_event *e)
{
        store_rev rev;
        uint64_t value;

        return vault_ledger_row(v, e->key, &rev, &value) && rev == e->rev &&
               value == vault_ledger_value(e->value);
}

/* Records of ours that memory does not hold: of the management chains, heads of logs, those who join. */
static bool is_beside(struct slice key)
{
        static const char *const prefixes[] = { "m/", "a/", "j/" };

        for (size_t i = 0; key.n > 2 && i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
                if (memcmp(key.p, prefixes[i], 2) == 0)
                        return true;
        }
        return false;
}

/* Keys that nobody of ours reads, put among them: harmless, but whoever did that is able to. */
static void tell_foreign(struct sweep *s)
{
        record_names_end(&s->foreign);
        if (s->foreign.n && s->foreign.n != atomic_load(&s->vault->store_foreign))
                log_error(
                    "ALARM: the store has %zu foreign key%s among the partition's, which no node uses: %s",
                    s->foreign.n, s->foreign.n == 1 ? "" : "s", s->foreign.text);
        atomic_store(&s->vault->store_foreign, s->foreign.n);
}

static bool sweep_visit(void *arg, const struct store_event *e)
{
        struct sweep *s = arg;

        if (!vault_apply_known(e->key)) {
                if (!is_beside(e->key))
                        record_names_add(&s->foreign, e->key);
                return true;
        }
        s->records++;
        vault_ledger_lock(s->vault);
        vault_ledger_seen(s->vault, e->key);
        s->ok = same(s->vault, e) || differing_add(s, e);
        vault_ledger_unlock(s->vault);
        return s->ok;
}

static void unseen_visit(void *arg, struct slice key)
{
        struct sweep *s = arg;
        const struct store_event gone = { .key = key, .deleted = true };

        s->ok = s->ok && differing_add(s, &gone);
}

/* One that differed when it was read: does it still? Then the ledger has it from here on. */
static void settle(struct sweep *s, struct differing *d, store_rev at)
{
        struct vault *v = s->vault;
        store_rev rev = 0;
        uint64_t value = 0;
        bool known = vault_ledger_row(v, d->event.key, &rev, &value);

        if (d->event.deleted)
                d->event.rev = at;
        else if (vault_ledger_went(v, d->event.key) || (known && rev > d->event.rev) || same(v, &d->event)) {
                d->event.key = SLICE_EMPTY; /* it changed meanwhile, as the feed told */
                return;
        } else if (known && rev == d->event.rev)
                record_names_add(&s->edited, d->event.key);
        record_names_add(&s->missed, d->event.key);
        s->repaired++;
        s->ok = s->ok && vault_ledger_note(v, &d->event, s->err);
}

static void verdict(struct sweep *s)
{
        struct vault *v = s->vault;
        char words[900];

        record_names_end(&s->missed);
        record_names_end(&s->edited);
        if (s->edited.n || !vault_ledger_agrees(v)) {
                (void)snprintf(words, sizeof(words),
                               "the store is not what the nodes of this partition wrote: %s %s changed, "
                               "removed or put back to "
                               "what %s earlier",
                               s->edited.n   ? s->edited.text
                               : s->missed.n ? s->missed.text
                                             : v->suspects,
                               s->missed.n + s->edited.n == 1 ? "was" : "were",
                               s->missed.n + s->edited.n == 1 ? "it was" : "they were");
                s->ok = false;
                err_set(s->err, ERR_STORE_DAMAGED, "%s", words);
                return;
        }
        if (!s->repaired)
                return;
        atomic_fetch_add(&v->store_repairs, s->repaired);
        log_error("ALARM: the store did not tell this node of %zu change%s, which it has taken in now: %s",
                  s->repaired, s->repaired == 1 ? "" : "s", s->missed.text);
}

/* Into memory, users before what hangs on them; what is of a wrong form is told by whoever applies it. */
static void take_in(struct sweep *s)
{
        const struct vault_apply_row *row;

        for (size_t i = 0; s->ok && (row = vault_apply_at(i)); i++) {
                for (const struct differing *d = s->first; s->ok && d; d = d->next) {
                        if (d->event.key.n > 2 && memcmp(d->event.key.p, row->prefix, 2) == 0)
                                s->ok = row->apply(s->vault, &d->event, s->err);
                }
        }
}

static bool compare(struct sweep *s, store_rev *at)
{
        struct vault *v = s->vault;
        enum store_rc rc;
        bool begun;

        vault_ledger_lock(v);
        begun = vault_ledger_sweep_begin(v);
        vault_ledger_unlock(v);
        s->ok = begun || err_set(s->err, ERR_MEMORY, "no memory to compare with the store");
        rc = s->ok ? store_load(v->deps.store, SLICE_EMPTY, sweep_visit, s, at, s->err) : STORE_IO;
        if (rc == STORE_DAMAGED) /* another cluster, or an older state of this one */
                alarm_tell(v, s->err->detail);
        return rc == STORE_OK && s->ok;
}

static bool refollow(struct vault *v, store_rev at, struct err *err)
{
        struct store_follower follower = vault_follower(v);

        if (v->watch)
                return true;
        if (store_follow(v->deps.store, at, &follower, &v->watch, err) != STORE_OK)
                return false;
        log_info("the node has read its store again and follows it from revision %lld", (long long)at);
        return true;
}

/* Everything that was read, and what of memory was not there. */
static void take_over(struct sweep *s, store_rev at, bool again)
{
        struct vault *v = s->vault;

        vault_ledger_lock(v);
        vault_ledger_unseen(v, at, unseen_visit, s);
        for (struct differing *d = s->first; s->ok && d; d = d->next)
                settle(s, d, at);
        if (s->ok && again) { /* that is what it was read for */
                atomic_fetch_add(&v->store_rereads, 1);
        }
        if (s->ok)
                verdict(s);
        if (s->ok)
                take_in(s);
        if (!s->ok)
                alarm_tell(v, s->err->detail);
        if (at > v->synced && s->ok && s->repaired)
                v->synced = at < atomic_load(&v->revision) ? v->synced : at;
        vault_ledger_unlock(v);
}

static bool sweep(struct vault *v, bool again, struct err *err)
{
        struct sweep s = { .vault = v, .err = err };
        store_rev at = 0;
        bool read = compare(&s, &at);

        if (read) {
                if (!again)
                        (void)vault_revision_wait(v, at, LATE_MS);
                take_over(&s, at, again);
        }
        vault_ledger_lock(v);
        vault_ledger_sweep_end(v);
        vault_ledger_unlock(v);
        while (s.first) {
                struct differing *d = s.first;

                s.first = d->next;
                free(d);
        }
        if (!read || !s.ok)
                return false;
        tell_foreign(&s);
        atomic_fetch_add(&v->store_sweeps, 1);
        vault_revision_set(v, at);
        return refollow(v, at, err);
}

bool vault_sweep(struct vault *v, struct err *err)
{
        int64_t now = clock_mono_ms(&v->deps.clock);
        bool reset = atomic_load(&v->reset), again = reset || atomic_load(&v->reading);

        if (atomic_load(&v->failed) || (!again && now - v->swept_ms < v->config.sweep_ms))
                return true;
        if (reset) {
                store_unfollow(&v->watch);
                atomic_store(&v->reset, false);
        }
        if (!sweep(v, again, err)) {
                if (!v->watch)
                        atomic_store(&v->reset, true);
                return false;
        }
        v->swept_ms = clock_mono_ms(&v->deps.clock);
        atomic_store(&v->reading, false);
        return true;
}
