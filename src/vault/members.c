#include "vault/members.h"
#include "base/log.h"
#include "vault/clock_watch.h"
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION 2 /* later ones are read as far as they are known */

struct vault_members {
        pthread_rwlock_t lock;
        struct vault_member rows[VAULT_MEMBERS_MAX]; /* by number */
        struct store_health store;
        struct vault_load load;  /* of this node */
        _Atomic int64_t said_ms; /* when this node spoke last; 0: it is to speak now */
        _Atomic bool listens;    /* what is applied now happens now */
        int64_t started_ms;
};

bool vault_members_open(struct vault *v, struct err *err)
{
        v->members = calloc(1, sizeof(*v->members));
        if (!v->members)
                return err_set(err, ERR_MEMORY, "no memory for the list of nodes");
        pthread_rwlock_init(&v->members->lock, NULL);
        v->members->started_ms = clock_wall_ms(&v->deps.clock);
        return true;
}

void vault_members_close(struct vault *v)
{
        if (!v->members)
                return;
        pthread_rwlock_destroy(&v->members->lock);
        free(v->members);
        v->members = NULL;
}

static void text_take(struct reader *in, char *out, size_t size)
{
        struct slice s = reader_block(in, size - 1);

        if (s.n)
                memcpy(out, s.p, s.n);
        out[s.n] = '\0';
}

static bool member_decode(struct slice body, struct vault_member *m)
{
        struct reader in = reader_of(body);
        uint8_t version = reader_u8(&in);

        text_take(&in, m->name, sizeof(m->name));
        text_take(&in, m->host, sizeof(m->host));
        text_take(&in, m->version, sizeof(m->version));
        m->port = reader_u16(&in);
        m->started_ms = (int64_t)reader_u64(&in);
        m->beat_ms = (int64_t)reader_u64(&in);
        m->revision = (int64_t)reader_u64(&in);
        m->said = VAULT_SERVING;
        if (version >= 2) {
                struct slice certificate;

                text_take(&in, m->zone, sizeof(m->zone));
                m->said = (enum vault_health)reader_u8(&in);
                m->lag = (int64_t)reader_u64(&in);
                m->load.in_flight = reader_u32(&in);
                m->load.per_second = reader_u32(&in);
                m->load.cpu_permille = reader_u32(&in);
                certificate = reader_bytes(&in, sizeof(m->certificate));
                if (certificate.n == sizeof(m->certificate))
                        memcpy(m->certificate, certificate.p, certificate.n);
        }
        return version >= 1 && m->beat_ms > 0 && (version > VERSION ? reader_ok(&in) : reader_end(&in));
}

static void member_encode(const struct vault_member *m, struct buf *out)
{
        buf_put_u8(out, VERSION);
        buf_put_block(out, slice_str(m->name));
        buf_put_block(out, slice_str(m->host));
        buf_put_block(out, slice_str(m->version));
        buf_put_u16(out, m->port);
        buf_put_u64(out, (uint64_t)m->started_ms);
        buf_put_u64(out, (uint64_t)m->beat_ms);
        buf_put_u64(out, (uint64_t)m->revision);
        buf_put_block(out, slice_str(m->zone));
        buf_put_u8(out, (uint8_t)m->said);
        buf_put_u64(out, (uint64_t)m->lag);
        buf_put_u32(out, m->load.in_flight);
        buf_put_u32(out, m->load.per_second);
        buf_put_u32(out, m->load.cpu_permille);
        buf_put(out, m->certificate, sizeof(m->certificate));
}

/* A record that was there when this node started tells that there was such a node once; one that comes later
 * tells that it lives. Who has just started is answered at once, so that it knows the others. */
static void member_take(struct vault *v, struct vault_member *m)
{
        struct vault_members *all = v->members;
        struct vault_member *was = &all->rows[m->number];

        pthread_rwlock_wrlock(&all->lock);
        m->heard_ms = was->heard_ms;
        if (m->beat_ms && atomic_load(&all->listens) && m->beat_ms != was->beat_ms) {
                m->heard_ms = clock_mono_ms(&v->deps.clock);
                vault_clock_heard(v, m->number, m->beat_ms);
                if (m->number != v->config.node_number && m->started_ms != was->started_ms)
                        atomic_store(&all->said_ms, 0);
        }
        if (m->number == v->config.node_number && m->said == VAULT_REMOVED && atomic_load(&all->listens)) {
                log_error("an officer has removed this node from the partition: it serves no more");
                atomic_store(&v->removed, true);
        }
        *was = *m;
        pthread_rwlock_unlock(&all->lock);
}

void vault_members_listen(struct vault *v)
{
        atomic_store(&v->members->listens, true);
}

bool vault_members_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct reader in = reader_of(slice_of(e->key.p + 2, e->key.n - 2));
        struct vault_member m = { .number = reader_u32(&in) };
        struct slice body;

        if (!reader_end(&in) || m.number == 0 || m.number >= VAULT_MEMBERS_MAX)
                return err_set(err, ERR_STORE_DAMAGED, "the store holds a node with a strange number");
        if (!e->deleted) {
                if (!vault_record_read(v, e->key, e->value, &body, err))
                        return false;
                if (!member_decode(body, &m))
                        return err_set(err, ERR_STORE_DAMAGED, "the record of node %u cannot be read",
                                       m.number);
                m.rev = e->rev;
        }
        member_take(v, &m);
        return true;
}

/* Revisions that the store has and this node has not. */
static int64_t lag_of(struct vault *v)
{
        int64_t lag = v->members->store.rev - atomic_load(&v->revision);

        return lag > 0 ? lag : 0;
}

static enum vault_health self_health(struct vault *v)
{
        if (atomic_load(&v->failed))
                return VAULT_OUT_OF_SERVICE;
        if (atomic_load(&v->cut_off_ms))
                return VAULT_CUT_OFF;
        if (atomic_load(&v->draining))
                return VAULT_DRAINING;
        return lag_of(v) > VAULT_LAG_MOST ? VAULT_BEHIND : VAULT_SERVING;
}

/* With the lock held. */
static struct vault_member self_of(struct vault *v)
{
        struct vault_member m = { .number = v->config.node_number,
                                  .port = v->config.port,
                                  .started_ms = v->members->started_ms,
                                  .beat_ms = clock_wall_ms(&v->deps.clock),
                                  .heard_ms = clock_mono_ms(&v->deps.clock),
                                  .revision = atomic_load(&v->revision),
                                  .lag = lag_of(v),
                                  .said = self_health(v),
                                  .load = v->members->load,
                                  .rev = v->members->rows[v->config.node_number].rev };

        snprintf(m.name, sizeof(m.name), "%s", v->config.node_name);
        snprintf(m.host, sizeof(m.host), "%s", v->config.host);
        snprintf(m.version, sizeof(m.version), "%s", CHSM_VERSION);
        snprintf(m.zone, sizeof(m.zone), "%s", v->config.zone);
        memcpy(m.certificate, v->config.certificate, sizeof(m.certificate));
        return m;
}

size_t vault_members_list(struct vault *v, struct vault_member out[VAULT_MEMBERS_MAX])
{
        size_t n = 0;

        pthread_rwlock_rdlock(&v->members->lock);
        for (uint32_t i = 1; i < VAULT_MEMBERS_MAX; i++) {
                if (i == v->config.node_number)
                        out[n++] = self_of(v);
                else if (v->members->rows[i].beat_ms && v->members->rows[i].said != VAULT_REMOVED)
                        out[n++] = v->members->rows[i];
        }
        pthread_rwlock_unlock(&v->members->lock);
        return n;
}

bool vault_member_connected(struct vault *v, const struct vault_member *m)
{
        return m->said != VAULT_ENDED && m->said != VAULT_REMOVED && m->heard_ms &&
               clock_mono_ms(&v->deps.clock) - m->heard_ms < VAULT_SILENT_MS;
}

enum vault_health vault_member_health(struct vault *v, const struct vault_member *m)
{
        return m->said == VAULT_ENDED || vault_member_connected(v, m) ? m->said : VAULT_SILENT;
}

const char *vault_health_name(enum vault_health health)
{
        static const char *const names[] = { [VAULT_SERVING] = "serving",
                                             [VAULT_DRAINING] = "draining",
                                             [VAULT_BEHIND] = "behind",
                                             [VAULT_CUT_OFF] = "cut off",
                                             [VAULT_SILENT] = "silent",
                                             [VAULT_ENDED] = "ended",
                                             [VAULT_OUT_OF_SERVICE] = "out of service",
                                             [VAULT_REMOVED] = "removed" };

        return health >= VAULT_SERVING && health <= VAULT_REMOVED ? names[health] : "unknown";
}

void vault_set_load(struct vault *v, const struct vault_load *load)
{
        pthread_rwlock_wrlock(&v->members->lock);
        v->members->load = *load;
        pthread_rwlock_unlock(&v->members->lock);
}

void vault_set_store_health(struct vault *v, const struct store_health *health)
{
        pthread_rwlock_wrlock(&v->members->lock);
        v->members->store = *health;
        pthread_rwlock_unlock(&v->members->lock);
}

struct store_health vault_store_health(struct vault *v)
{
        struct store_health health;

        pthread_rwlock_rdlock(&v->members->lock);
        health = v->members->store;
        pthread_rwlock_unlock(&v->members->lock);
        if (health.rev < atomic_load(&v->revision))
                health.rev = atomic_load(&v->revision); /* the members were asked a moment ago */
        return health;
}

void vault_count_join(struct vault *v, bool let_in)
{
        atomic_fetch_add(let_in ? &v->joins : &v->joins_refused, 1);
}

void vault_cluster_metrics(struct vault *v, struct vault_cluster_metrics *out)
{
        struct vault_member list[VAULT_MEMBERS_MAX];
        size_t n = vault_members_list(v, list);
        int64_t since = atomic_load(&v->cut_off_ms);

        *out = (struct vault_cluster_metrics){ .nodes = (unsigned)n,
                                               .stale_limit_ms = v->config.stale_limit_ms,
                                               .store = vault_store_health(v),
                                               .refused_cut_off = atomic_load(&v->refused_cut_off),
                                               .answered_cut_off = atomic_load(&v->answered_cut_off),
                                               .joins = atomic_load(&v->joins),
                                               .joins_refused = atomic_load(&v->joins_refused) };
        if (since)
                out->cut_off_ms = clock_mono_ms(&v->deps.clock) - since + 1;
        for (size_t i = 0; i < n; i++) {
                out->nodes_connected += vault_member_connected(v, &list[i]);
                if (list[i].number == v->config.node_number) {
                        out->health = vault_member_health(v, &list[i]);
                        out->lag = list[i].lag;
                }
        }
}

bool vault_member_may_be(struct vault *v, uint32_t number, const char *name, struct err *err)
{
        struct vault_member *rows = v->members->rows, self;
        bool ok = true;

        if (number == 0 || number >= VAULT_MEMBERS_MAX)
                return err_set(err, ERR_ARGUMENT, "node numbers are 1 to %d", VAULT_MEMBERS_MAX - 1);
        pthread_rwlock_rdlock(&v->members->lock);
        self = self_of(v);
        for (uint32_t i = 1; ok && i < VAULT_MEMBERS_MAX; i++) {
                const struct vault_member *m = i == self.number ? &self : &rows[i];
                bool same_name = strcmp(m->name, name) == 0;

                if (!m->beat_ms)
                        continue;
                if (m->number == number && !same_name)
                        ok = err_set(err, ERR_LIFE_CYCLE, "number %u is node '%s', not '%s'", number, m->name,
                                     name);
                if (m->number != number && same_name)
                        ok = err_set(err, ERR_LIFE_CYCLE, "node '%s' has number %u, not %u", name, m->number,
                                     number);
        }
        pthread_rwlock_unlock(&v->members->lock);
        return ok;
}

/* ---- going ---- */

/* Is another node there that takes the work? */
static bool has_others(struct vault *v)
{
        bool found = false;

        pthread_rwlock_rdlock(&v->members->lock);
        for (uint32_t i = 1; !found && i < VAULT_MEMBERS_MAX; i++) {
                const struct vault_member *m = &v->members->rows[i];

                found = i != v->config.node_number && (m->said == VAULT_SERVING || m->said == VAULT_BEHIND) &&
                        vault_member_connected(v, m);
        }
        pthread_rwlock_unlock(&v->members->lock);
        return found;
}

void vault_drain(struct vault *v)
{
        atomic_store(&v->draining, true);
        atomic_store(&v->members->said_ms, 0);
}

bool vault_drained(struct vault *v)
{
        return !vault_streams_active(v);
}

bool vault_removed(struct vault *v)
{
        return atomic_load(&v->removed);
}

/* What tells of the node, and what goes on with something that only this node has. */
static bool is_bound_here(uint32_t body)
{
        return body == CHSM__REQUEST__BODY_HELLO || body == CHSM__REQUEST__BODY_CLUSTER_INFO ||
               body == CHSM__REQUEST__BODY_NODE_INFO || body == CHSM__REQUEST__BODY_STREAM_PART ||
               body == CHSM__REQUEST__BODY_READ_BACKUP;
}

bool vault_member_admit(struct vault_call *call, const struct vault_command *row)
{
        struct vault *v = call->vault;

        if (atomic_load_explicit(&v->removed, memory_order_relaxed) && row->body != CHSM__REQUEST__BODY_HELLO)
                return err_set(&call->err, ERR_DRAINING,
                               "node '%s' was removed from the partition by an officer; use another node",
                               v->config.node_name);
        if (!atomic_load_explicit(&v->draining, memory_order_relaxed) || is_bound_here(row->body) ||
            !has_others(v))
                return true;
        return err_set(&call->err, ERR_DRAINING,
                       "node '%s' is being drained by its operator and takes nothing new; use another node",
                       v->config.node_name);
}

/* ---- saying so ---- */

static bool record_make(struct vault *v, const struct vault_member *m, struct buf *key, struct buf *value)
{
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_text(key, "n/");
        buf_put_u32(key, m->number);
        member_encode(m, &body);
        ok = buf_ok(key) && buf_ok(&body) && vault_record_write(v, buf_slice(key), buf_slice(&body), value);
        buf_clear(&body);
        return ok;
}

bool vault_member_put(struct vault_call *call, const struct vault_member *m)
{
        struct buf key = BUF_INIT, value = BUF_INIT;
        struct slice k, x;
        bool ok = record_make(call->vault, m, &key, &value);

        k = arena_copy(call->arena, buf_slice(&key));
        x = arena_copy(call->arena, buf_slice(&value));
        ok = (ok || err_set(&call->err, ERR_MEMORY, "no memory for a record")) &&
             vault_call_guard(call, STORE_REV_IS, k, m->rev) && vault_call_put(call, k, x);
        buf_clear(&key);
        buf_clear(&value);
        return ok;
}

/* Only over what this node knows of its record: an officer may have removed it meanwhile. */
static enum store_rc say(struct vault *v, const struct vault_member *m, struct err *err)
{
        struct buf key = BUF_INIT, value = BUF_INIT;
        struct store_result result;
        enum store_rc rc = STORE_IO;

        if (record_make(v, m, &key, &value)) {
                struct store_op op = { STORE_PUT, buf_slice(&key), buf_slice(&value) };
                struct store_guard guard = { m->rev ? STORE_REV_IS : STORE_ABSENT, op.key, m->rev };

                rc = store_txn(v->deps.store, &guard, 1, &op, 1, v->config.store_timeout_ms, &result, err);
                if (rc == STORE_OK)
                        (void)vault_revision_wait(v, result.rev, v->config.store_timeout_ms);
        } else {
                err_set(err, ERR_MEMORY, "no memory to tell of this node");
        }
        buf_clear(&key);
        buf_clear(&value);
        return rc;
}

static struct vault_member self_now(struct vault *v)
{
        struct vault_member m;

        pthread_rwlock_rdlock(&v->members->lock);
        m = self_of(v);
        pthread_rwlock_unlock(&v->members->lock);
        return m;
}

bool vault_member_say(struct vault *v, struct err *err)
{
        struct vault_member m = self_now(v);
        int64_t said = atomic_load(&v->members->said_ms);
        enum store_rc rc;

        /* A node that doubts its clock speaks each time: when all were set, each sees so that the others have
         * it. */
        if (vault_removed(v) || (said && m.heard_ms - said < VAULT_BEAT_MS && vault_clock_believed(v, NULL)))
                return true;
        /* Before speaking: who starts meanwhile wants to hear it again. */
        atomic_store(&v->members->said_ms, m.heard_ms);
        rc = say(v, &m, err);
        if (rc != STORE_OK)
                atomic_store(&v->members->said_ms, said);
        return rc == STORE_OK || rc == STORE_CONFLICT; /* the next time, over what has come */
}

bool vault_member_end(struct vault *v, struct err *err)
{
        struct vault_member m = self_now(v);

        m.said = VAULT_ENDED;
        return vault_removed(v) || say(v, &m, err) == STORE_OK;
}
