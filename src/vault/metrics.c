#include "vault/commit.h"
#include "vault/object.h"
#include "vault/users.h"

#include <stdlib.h>

struct command_counter {
        _Atomic uint64_t calls, failures, microseconds;
};

struct vault_counters {
        struct command_counter commands[VAULT_COMMANDS_MAX];
};

bool vault_counters_open(struct vault *v, struct err *err)
{
        v->counters = calloc(1, sizeof(*v->counters));
        return v->counters || err_set(err, ERR_MEMORY, "no memory for counters");
}

void vault_counters_close(struct vault *v)
{
        free(v->counters);
        v->counters = NULL;
}

void vault_counters_add(struct vault *v, const struct vault_command *row, bool failed, uint64_t microseconds)
{
        struct command_counter *c = &v->counters->commands[row ? row->body : 0];

        atomic_fetch_add_explicit(&c->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->failures, failed ? 1 : 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->microseconds, microseconds, memory_order_relaxed);
}

void vault_metrics(struct vault *v, struct vault_metrics *out)
{
        *out = (struct vault_metrics){ .revision = atomic_load(&v->revision),
                                       .store_alarms = atomic_load(&v->store_alarms),
                                       .store_repairs = atomic_load(&v->store_repairs),
                                       .store_sweeps = atomic_load(&v->store_sweeps),
                                       .store_foreign = atomic_load(&v->store_foreign),
                                       .store_rereads = atomic_load(&v->store_rereads) };
        out->users = vault_users_count(v);
        out->objects = vault_objects_count(v);
        vault_cache_counts(v, &out->sessions_opened, &out->cache_hits);
        for (size_t i = 0; i < VAULT_COMMANDS_MAX; i++) {
                struct command_counter *c = &v->counters->commands[i];
                out->calls += atomic_load_explicit(&c->calls, memory_order_relaxed);
                out->refused += atomic_load_explicit(&c->failures, memory_order_relaxed);
        }
}

void vault_command_metrics(struct vault *v, void (*visit)(void *, const char *, uint64_t, uint64_t, uint64_t),
                           void *arg)
{
        const struct vault_command *row;

        for (size_t i = 0; (row = vault_command_at(i)); i++) {
                struct command_counter *c = &v->counters->commands[row->body];
                visit(arg, row->name, atomic_load_explicit(&c->calls, memory_order_relaxed),
                      atomic_load_explicit(&c->failures, memory_order_relaxed),
                      atomic_load_explicit(&c->microseconds, memory_order_relaxed));
        }
}
