#include "vault/members.h"
#include "vault/partition.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION 1

struct vault_members {
        pthread_rwlock_t lock;
        struct vault_member rows[VAULT_MEMBERS_MAX]; /* by number */
        int64_t said_ms;                             /* when this node spoke last; one thread's */
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
        bool known = reader_u8(&in) == VERSION;

        text_take(&in, m->name, sizeof(m->name));
        text_take(&in, m->host, sizeof(m->host));
        text_take(&in, m->version, sizeof(m->version));
        m->port = reader_u16(&in);
        m->started_ms = (int64_t)reader_u64(&in);
        m->beat_ms = (int64_t)reader_u64(&in);
        m->revision = (int64_t)reader_u64(&in);
        return reader_end(&in) && known && m->beat_ms > 0;
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
                m.heard_ms = clock_mono_ms(&v->deps.clock);
        }
        pthread_rwlock_wrlock(&v->members->lock);
        v->members->rows[m.number] = m;
        pthread_rwlock_unlock(&v->members->lock);
        return true;
}

static struct vault_member self_of(struct vault *v)
{
        struct vault_member m = { .number = v->config.node_number,
                                  .port = v->config.port,
                                  .started_ms = v->members->started_ms,
                                  .beat_ms = clock_wall_ms(&v->deps.clock),
                                  .heard_ms = clock_mono_ms(&v->deps.clock),
                                  .revision = atomic_load(&v->revision) };

        snprintf(m.name, sizeof(m.name), "%s", v->config.node_name);
        snprintf(m.host, sizeof(m.host), "%s", v->config.host);
        snprintf(m.version, sizeof(m.version), "%s", CHSM_VERSION);
        return m;
}

size_t vault_members_list(struct vault *v, struct vault_member out[VAULT_MEMBERS_MAX])
{
        size_t n = 0;

        pthread_rwlock_rdlock(&v->members->lock);
        for (uint32_t i = 1; i < VAULT_MEMBERS_MAX; i++) {
                if (i == v->config.node_number)
                        out[n++] = self_of(v);
                else if (v->members->rows[i].beat_ms)
                        out[n++] = v->members->rows[i];
        }
        pthread_rwlock_unlock(&v->members->lock);
        return n;
}

bool vault_member_connected(struct vault *v, const struct vault_member *m)
{
        return clock_mono_ms(&v->deps.clock) - m->heard_ms < VAULT_SILENT_MS;
}

bool vault_member_may_be(struct vault *v, uint32_t number, const char *name, struct err *err)
{
        struct vault_member list[VAULT_MEMBERS_MAX];
        size_t n = vault_members_list(v, list);

        if (number == 0 || number >= VAULT_MEMBERS_MAX)
                return err_set(err, ERR_ARGUMENT, "node numbers are 1 to %d", VAULT_MEMBERS_MAX - 1);
        for (size_t i = 0; i < n; i++) {
                bool same_name = strcmp(list[i].name, name) == 0;

                if (list[i].number == number && !same_name)
                        return err_set(err, ERR_LIFE_CYCLE, "number %u is node '%s', not '%s'", number,
                                       list[i].name, name);
                if (list[i].number != number && same_name)
                        return err_set(err, ERR_LIFE_CYCLE, "node '%s' has number %u, not %u", name,
                                       list[i].number, number);
        }
        return true;
}

bool vault_member_say(struct vault *v, struct err *err)
{
        struct vault_member m = self_of(v);
        struct buf key = BUF_INIT, body = BUF_INIT, value = BUF_INIT;
        struct store_result result;
        bool ok;

        if (v->members->said_ms && m.heard_ms - v->members->said_ms < VAULT_BEAT_MS)
                return true;
        buf_put_text(&key, "n/");
        buf_put_u32(&key, m.number);
        member_encode(&m, &body);
        ok =
            buf_ok(&key) && buf_ok(&body) && vault_record_write(v, buf_slice(&key), buf_slice(&body), &value);
        if (ok) {
                struct store_op op = { STORE_PUT, buf_slice(&key), buf_slice(&value) };

                ok = store_txn(v->deps.store, NULL, 0, &op, 1, v->config.store_timeout_ms, &result, err) ==
                     STORE_OK;
        }
        if (ok)
                v->members->said_ms = m.heard_ms;
        else if (!err->id)
                err_set(err, ERR_MEMORY, "no memory to tell of this node");
        buf_clear(&key);
        buf_clear(&body);
        buf_clear(&value);
        return ok;
}
