#include "vault/ticket.h"
#include "vault/partition.h"
#include "vault/tuning.h"

#include <stdlib.h>

#define TICKET_VERSION    1
#define RECOVERED_LIFE_MS (10 * 60 * 1000) /* time to choose a password */
#define TICKET_PLAIN      (1 + 1 + 4 + 8 + VAULT_CONTEXT_SIZE + 8 + 1 + 32)
#define TICKET_SIZE       (TICKET_PLAIN + CRYPTO_SEAL_EXTRA)
#define SHARDS            16
#define SHARD_ENTRIES     64 /* by hash; a newcomer takes the place of the one before */

struct entry {
        uint8_t bytes[TICKET_SIZE];
        bool used;
        struct vault_login login;
        bool has_certificate;
        uint8_t certificate[32];
        const _Atomic uint64_t *live_epoch;
        const _Atomic uint32_t *live_rights;
};

struct shard {
        pthread_rwlock_t lock;
        struct entry entries[SHARD_ENTRIES];
};

struct vault_tickets {
        struct shard shards[SHARDS];
};

bool vault_tickets_open(struct vault *v, struct err *err)
{
        v->tickets = calloc(1, sizeof(*v->tickets));
        if (!v->tickets)
                return err_set(err, ERR_MEMORY, "no memory for tickets");
        for (size_t i = 0; i < SHARDS; i++)
                pthread_rwlock_init(&v->tickets->shards[i].lock, NULL);
        return true;
}

void vault_tickets_close(struct vault *v)
{
        if (!v->tickets)
                return;
        for (size_t i = 0; i < SHARDS; i++)
                pthread_rwlock_destroy(&v->tickets->shards[i].lock);
        sec_wipe(v->tickets, sizeof(*v->tickets));
        free(v->tickets);
        v->tickets = NULL;
}

void vault_tickets_forget(struct vault *v)
{
        for (size_t i = 0; v->tickets && i < SHARDS; i++) {
                struct shard *s = &v->tickets->shards[i];

                pthread_rwlock_wrlock(&s->lock);
                sec_wipe(s->entries, sizeof(s->entries));
                pthread_rwlock_unlock(&s->lock);
        }
}

bool vault_ticket_make(struct vault_call *call, const struct vault_user_view *user, struct slice *ticket,
                       int64_t *expires_ms)
{
        struct vault *v = call->vault;
        struct buf plain = BUF_INIT, sealed = BUF_INIT;
        bool ok;

        *expires_ms = clock_wall_ms(&v->deps.clock) +
                      (user->role == VAULT_RECOVERED ? RECOVERED_LIFE_MS : vault_login_life_ms(v));
        buf_put_u8(&plain, TICKET_VERSION);
        buf_put_u8(&plain, (uint8_t)user->role);
        buf_put_u32(&plain, user->id);
        buf_put_u64(&plain, user->epoch);
        buf_put(&plain, call->context, VAULT_CONTEXT_SIZE);
        buf_put_u64(&plain, (uint64_t)*expires_ms);
        buf_put_u8(&plain, call->peer->has_certificate);
        buf_put(&plain, call->peer->certificate, sizeof(call->peer->certificate));
        ok = buf_ok(&plain) && crypto_seal(v->deps.crypto, vault_ticket_key(v), vault_partition_id(v),
                                           buf_slice(&plain), &sealed, &call->err);
        *ticket = ok ? arena_copy(call->arena, buf_slice(&sealed)) : SLICE_EMPTY;
        buf_clear(&plain);
        buf_clear(&sealed);
        return ok && (ticket->p || err_set(&call->err, ERR_MEMORY, "no memory for a ticket"));
}

static bool entry_read(struct vault *v, struct slice plain, struct entry *e)
{
        struct reader in = reader_of(plain);
        struct vault_user_view user;
        struct slice context, certificate;

        if (reader_u8(&in) != TICKET_VERSION)
                return false;
        e->login.role = (enum vault_role)reader_u8(&in);
        e->login.user_id = reader_u32(&in);
        e->login.epoch = reader_u64(&in);
        context = reader_bytes(&in, VAULT_CONTEXT_SIZE);
        e->login.expires_ms = (int64_t)reader_u64(&in);
        e->has_certificate = reader_u8(&in) != 0;
        certificate = reader_bytes(&in, sizeof(e->certificate));
        if (!reader_end(&in) || !vault_user_find_id(v, e->login.user_id, &user))
                return false;
        memcpy(e->login.context, context.p, context.n);
        memcpy(e->certificate, certificate.p, certificate.n);
        memcpy(e->login.user, user.name, sizeof(e->login.user));
        e->live_epoch = user.live_epoch;
        e->live_rights = user.live_rights;
        sec_wipe(user.password, sizeof(user.password));
        return true;
}

static bool entry_check(struct vault_call *call, const struct entry *e, struct err *err)
{
        struct vault *v = call->vault;

        if (e->login.expires_ms <= clock_wall_ms(&v->deps.clock))
                return err_set(err, ERR_TICKET, "the login of '%s' has expired", e->login.user);
        if (e->has_certificate != call->peer->has_certificate ||
            !slice_equal(slice_of(e->certificate, 32), slice_of(call->peer->certificate, 32)))
                return err_set(err, ERR_TICKET, "the login was given to another client certificate");
        if (!slice_equal(slice_of(e->login.context, VAULT_CONTEXT_SIZE),
                         slice_of(call->context, VAULT_CONTEXT_SIZE)))
                return err_set(err, ERR_TICKET, "the login belongs to another application context");
        if (vault_context_retired(v, call->context))
                return err_set(err, ERR_TICKET, "the application context of this login was retired");
        if (atomic_load_explicit(e->live_epoch, memory_order_relaxed) != e->login.epoch) {
                call->ended = e->login;
                return err_set(err, ERR_TICKET,
                               "the login of '%s' has ended: the account was changed, locked or deleted",
                               e->login.user);
        }
        call->login = e->login;
        call->login.rights = atomic_load_explicit(e->live_rights, memory_order_relaxed);
        return true;
}

static bool ticket_unseal(struct vault *v, struct slice ticket, struct entry *e)
{
        struct sec *plain =
            crypto_open(v->deps.crypto, vault_ticket_key(v), vault_partition_id(v), ticket, NULL);
        bool ok = plain && entry_read(v, sec_slice(plain), e);

        sec_free(&plain);
        return ok;
}

bool vault_ticket_is_ours(const struct vault_call *call)
{
        struct vault *v = call->vault;
        struct slice ticket = slice_of(call->request->ticket.data, call->request->ticket.len);
        struct sec *plain = ticket.n == TICKET_SIZE ? crypto_open(v->deps.crypto, vault_ticket_key(v),
                                                                  vault_partition_id(v), ticket, NULL)
                                                    : NULL;
        bool ours = plain != NULL;

        sec_free(&plain);
        return ours;
}

bool vault_ticket_open(struct vault_call *call, struct err *err)
{
        struct vault *v = call->vault;
        struct slice ticket = slice_of(call->request->ticket.data, call->request->ticket.len);
        struct entry fresh = { 0 };
        struct shard *shard;
        struct entry *slot;
        const uint8_t *key = vault_ticket_key(v).p;
        uint64_t hash;
        bool known, ok = false;

        if (ticket.n != TICKET_SIZE)
                return err_set(err, ERR_TICKET, "the login ticket is not one of this partition");
        hash = map_hash(ticket);
        shard = &v->tickets->shards[hash % SHARDS];
        slot = &shard->entries[hash / SHARDS % SHARD_ENTRIES];
        pthread_rwlock_rdlock(&shard->lock);
        known = slot->used && slice_equal(slice_of(slot->bytes, TICKET_SIZE), ticket);
        if (known)
                ok = entry_check(call, slot, err);
        pthread_rwlock_unlock(&shard->lock);
        if (known)
                return ok;
        if (!ticket_unseal(v, ticket, &fresh))
                return err_set(err, ERR_TICKET, "the login ticket is not one of this partition");
        memcpy(fresh.bytes, ticket.p, TICKET_SIZE);
        fresh.used = true;
        pthread_rwlock_wrlock(&shard->lock);
        ok = vault_ticket_key(v).p == key; /* else it was opened under what has changed meanwhile */
        if (ok)
                *slot = fresh;
        pthread_rwlock_unlock(&shard->lock);
        return ok ? entry_check(call, &fresh, err)
                  : err_set(err, ERR_TICKET, "the login has ended: another region takes over");
}
