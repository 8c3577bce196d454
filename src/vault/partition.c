#include "vault/partition.h"
#include "vault/format.h"
#include "base/log.h"
#include "vault/clone.h"
#include "vault/history.h"
#include "vault/moved.h"
#include "vault/ticket.h"
#include "ck/cryptoki.h"

#include <stdlib.h>

#define OLD_TICKETS 64

struct vault_partition {
        pthread_rwlock_t lock; /* all below but what is set once at open */
        bool loaded;
        struct sec *pmk; /* set once, before any call runs, like the keys derived from it */
        struct crypto_mac *record;
        struct sec *record_seal, *fingerprint;
        struct sec *_Atomic ticket;           /* changes when another region takes over */
        struct sec *old_tickets[OLD_TICKETS]; /* calls under way may still look at them */
        size_t old_ticket_count;
        struct crypto_key *key;
        uint8_t id[VAULT_ID_SIZE];
        char serial[VAULT_SERIAL_SIZE + 1];
        _Atomic int state;
        _Atomic uint64_t generation;
        struct buf body; /* of p/state as applied, to be written again with another state */
        store_rev state_rev;
        struct buf certs[VAULT_CERT_TYPES];
        store_rev cert_revs[VAULT_CERT_TYPES];
        uint32_t next_user;
        store_rev next_user_rev;
        struct map *retired;          /* context -> heap int64_t: when the record may go */
        _Atomic size_t retired_count; /* so that the usual case takes no lock */
};

bool vault_partition_open(struct vault *v, struct err *err)
{
        struct vault_partition *p = calloc(1, sizeof(*p));

        v->partition = p;
        if (!p || !(p->retired = map_new()))
                return err_set(err, ERR_MEMORY, "no memory for the partition");
        pthread_rwlock_init(&p->lock, NULL);
        atomic_store(&p->state, VAULT_UNOWNED);
        return true;
}

/* Takes the key over. False: too many of them. */
static bool ticket_set(struct vault_partition *p, struct sec *key)
{
        struct sec *old = atomic_load(&p->ticket);

        if (old && p->old_ticket_count == OLD_TICKETS)
                return false;
        if (old)
                p->old_tickets[p->old_ticket_count++] = old;
        atomic_store(&p->ticket, key);
        return true;
}

void vault_partition_close(struct vault *v)
{
        struct vault_partition *p = v->partition;
        struct sec *ticket;

        if (!p)
                return;
        sec_free(&p->pmk);
        crypto_mac_free(&p->record);
        sec_free(&p->record_seal);
        ticket = atomic_load(&p->ticket);
        sec_free(&ticket);
        for (size_t i = 0; i < p->old_ticket_count; i++)
                sec_free(&p->old_tickets[i]);
        sec_free(&p->fingerprint);
        crypto_key_unref(&p->key);
        buf_clear(&p->body);
        for (size_t i = 0; i < VAULT_CERT_TYPES; i++)
                buf_clear(&p->certs[i]);
        if (p->retired) {
                map_free_values(&p->retired, free);
                pthread_rwlock_destroy(&p->lock);
        }
        free(p);
        v->partition = NULL;
}

struct sec *vault_derive(struct vault *v, const char *purpose, struct slice context, struct err *err)
{
        struct buf info = BUF_INIT;
        struct sec *out = NULL;

        buf_put_block(&info, slice_str(purpose));
        buf_put_slice(&info, context);
        if (buf_ok(&info))
                out = crypto_derive(v->deps.crypto, sec_slice(v->partition->pmk), vault_partition_id(v),
                                    buf_slice(&info), CRYPTO_KEY_SIZE, err);
        else
                err_set(err, ERR_MEMORY, "no memory to derive a key");
        buf_clear(&info);
        return out;
}

struct crypto_mac *vault_derive_mac(struct vault *v, const char *purpose, struct err *err)
{
        struct sec *key = vault_derive(v, purpose, SLICE_EMPTY, err);
        struct crypto_mac *mac = key ? crypto_mac_new(v->deps.crypto, sec_slice(key), err) : NULL;

        sec_free(&key);
        return mac;
}

bool vault_clone_seal(struct vault *v, struct slice key, struct slice aad, struct buf *out, struct err *err)
{
        return crypto_seal(v->deps.crypto, key, aad, sec_slice(v->partition->pmk), out, err);
}

bool vault_partition_adopt(struct vault *v, const uint8_t id[VAULT_ID_SIZE], struct sec *pmk, struct err *err)
{
        struct vault_partition *p = v->partition;

        if (memcmp(p->id, id, VAULT_ID_SIZE) != 0) /* others read it: the same is not written again */
                memcpy(p->id, id, VAULT_ID_SIZE);
        if (pmk)
                p->pmk = pmk;
        if (p->record)
                return true;
        if (!p->pmk)
                return err_set(err, ERR_STORE_DAMAGED,
                               "the store holds a partition, but no master key sealed for node %u",
                               v->config.node_number);
        p->record = vault_derive_mac(v, "record", err);
        p->record_seal = p->record ? vault_derive(v, "record-seal", SLICE_EMPTY, err) : NULL;
        (void)ticket_set(p, p->record_seal ? vault_derive(v, "ticket", SLICE_EMPTY, err) : NULL);
        p->fingerprint = atomic_load(&p->ticket) ? vault_derive(v, "fingerprint", SLICE_EMPTY, err) : NULL;
        return p->fingerprint != NULL;
}

bool vault_partition_loaded(struct vault *v)
{
        return v->partition->loaded;
}

struct slice vault_partition_id(struct vault *v)
{
        return slice_of(v->partition->id, VAULT_ID_SIZE);
}

const char *vault_partition_serial(struct vault *v)
{
        return v->partition->serial;
}

struct crypto_key *vault_partition_key(struct vault *v)
{
        return v->partition->key;
}

struct slice vault_ticket_key(struct vault *v)
{
        return sec_slice(atomic_load(&v->partition->ticket));
}

struct slice vault_partition_master(struct vault *v)
{
        return sec_slice(v->partition->pmk);
}

struct crypto_mac *vault_record_mac(struct vault *v)
{
        return v->partition->record;
}

struct slice vault_record_seal_key(struct vault *v)
{
        return sec_slice(v->partition->record_seal);
}

struct slice vault_fingerprint_key(struct vault *v)
{
        return sec_slice(v->partition->fingerprint);
}

enum vault_state vault_state(struct vault *v)
{
        return (enum vault_state)atomic_load_explicit(&v->partition->state, memory_order_relaxed);
}

static int cert_index(uint32_t type)
{
        for (int i = 0; i < VAULT_CERT_TYPES; i++) {
                if (type == 1u << i)
                        return i;
        }
        return -1;
}

bool vault_partition_cert(struct vault *v, uint32_t type, struct buf *der, store_rev *rev)
{
        struct vault_partition *p = v->partition;
        int i = cert_index(type);
        bool present = false;

        if (rev)
                *rev = 0;
        if (i < 0)
                return false;
        pthread_rwlock_rdlock(&p->lock);
        present = p->certs[i].n > 0;
        if (present && der)
                buf_put_slice(der, buf_slice(&p->certs[i]));
        if (present && rev)
                *rev = p->cert_revs[i];
        pthread_rwlock_unlock(&p->lock);
        return present && (!der || buf_ok(der));
}

void vault_partition_record_encode(const struct vault_partition_record *r, struct buf *out)
{
        buf_put_u8(out, (uint8_t)r->state);
        buf_put(out, r->id, VAULT_ID_SIZE);
        buf_put(out, r->serial, VAULT_SERIAL_SIZE);
        buf_put_u64(out, (uint64_t)r->created_ms);
        buf_put_block(out, r->sealed_key);
}

bool vault_partition_record_decode(struct slice body, struct vault_partition_record *r)
{
        struct reader in = reader_of(body);
        struct slice id, serial;

        *r = (struct vault_partition_record){ .state = (enum vault_state)reader_u8(&in) };
        id = reader_bytes(&in, VAULT_ID_SIZE);
        serial = reader_bytes(&in, VAULT_SERIAL_SIZE);
        r->created_ms = (int64_t)reader_u64(&in);
        r->sealed_key = reader_block(&in, 8192);
        if (!reader_end(&in) || r->state < VAULT_UNOWNED || r->state > VAULT_ACTIVATED)
                return false;
        memcpy(r->id, id.p, id.n);
        memcpy(r->serial, serial.p, serial.n);
        return true;
}

bool vault_partition_put_state(struct vault_call *call, enum vault_state state)
{
        struct vault_partition *p = call->vault->partition;
        struct slice key = vault_call_key(call, "p/state", SLICE_EMPTY);
        struct buf body = BUF_INIT;
        store_rev rev;
        bool ok;

        pthread_rwlock_rdlock(&p->lock);
        buf_put_slice(&body, buf_slice(&p->body));
        rev = p->state_rev;
        pthread_rwlock_unlock(&p->lock);
        if (buf_ok(&body) && body.n)
                body.p[0] = (uint8_t)state;
        ok = vault_call_guard(call, STORE_REV_IS, key, rev) && vault_record_put(call, key, &body);
        buf_clear(&body);
        return ok;
}

bool vault_partition_guard_state(struct vault_call *call)
{
        struct vault_partition *p = call->vault->partition;
        store_rev rev;

        pthread_rwlock_rdlock(&p->lock);
        rev = p->state_rev;
        pthread_rwlock_unlock(&p->lock);
        return vault_call_guard(call, STORE_REV_IS, vault_call_key(call, "p/state", SLICE_EMPTY), rev);
}

uint32_t vault_partition_next_user(struct vault *v, store_rev *rev)
{
        struct vault_partition *p = v->partition;
        uint32_t next;

        pthread_rwlock_rdlock(&p->lock);
        next = p->next_user;
        *rev = p->next_user_rev;
        pthread_rwlock_unlock(&p->lock);
        return next;
}

bool vault_partition_put_next_user(struct vault_call *call, uint32_t next, store_rev rev)
{
        struct slice key = vault_call_key(call, "p/users", SLICE_EMPTY);
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u32(&body, next);
        ok = vault_call_guard(call, STORE_REV_IS, key, rev) && vault_record_put(call, key, &body);
        buf_clear(&body);
        return ok;
}

/* ---- retired contexts ---- */

bool vault_context_retired(struct vault *v, const uint8_t context[VAULT_CONTEXT_SIZE])
{
        struct vault_partition *p = v->partition;
        bool retired;

        if (atomic_load_explicit(&p->retired_count, memory_order_relaxed) == 0)
                return false;
        pthread_rwlock_rdlock(&p->lock);
        retired = map_get(p->retired, slice_of(context, VAULT_CONTEXT_SIZE)) != NULL;
        pthread_rwlock_unlock(&p->lock);
        return retired;
}

struct expired {
        int64_t now;
        uint8_t (*out)[VAULT_CONTEXT_SIZE];
        size_t n, max;
};

static bool expired_visit(void *arg, struct slice key, void *value)
{
        struct expired *e = arg;

        if (*(int64_t *)value < e->now)
                memcpy(e->out[e->n++], key.p, VAULT_CONTEXT_SIZE);
        return e->n < e->max;
}

size_t vault_partition_expired_contexts(struct vault *v, int64_t now_ms, uint8_t (*out)[VAULT_CONTEXT_SIZE],
                                        size_t n)
{
        struct expired e = { now_ms, out, 0, n };

        pthread_rwlock_rdlock(&v->partition->lock);
        map_each(v->partition->retired, expired_visit, &e);
        pthread_rwlock_unlock(&v->partition->lock);
        return e.n;
}

/* ---- apply ---- */

static bool apply_state(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_partition *p = v->partition;
        struct vault_partition_record record;
        struct slice id, body;
        struct sec *material = NULL, *key = NULL;
        bool ok = false;

        if (e->deleted || e->value.n < 2 + VAULT_ID_SIZE)
                return err_set(err, ERR_STORE_DAMAGED,
                               "the partition record 'p/state' is gone from the store");
        /* The id is needed to derive the key that proves the record, which then proves the id. */
        id = slice_of(e->value.p + 2, VAULT_ID_SIZE);
        if (p->loaded && !slice_equal(id, vault_partition_id(v)))
                return err_set(err, ERR_STORE_DAMAGED, "the store now holds another partition");
        if (!vault_partition_adopt(v, id.p, NULL, err) || !vault_record_read(v, e->key, e->value, &body, err))
                return false;
        if (!vault_partition_record_decode(body, &record))
                return err_set(err, ERR_STORE_DAMAGED, "the partition record 'p/state' cannot be read");
        if (!p->key) {
                key = vault_derive(v, "partition-key", SLICE_EMPTY, err);
                material =
                    key ? crypto_open(v->deps.crypto, sec_slice(key), id, record.sealed_key, err) : NULL;
                ok = material && crypto_key_open(v->deps.crypto, CRYPTO_PRIVATE, CKK_RSA, sec_slice(material),
                                                 &p->key, err);
                sec_free(&material);
                sec_free(&key);
                if (!ok)
                        return err_prefix(err, "the partition key cannot be opened");
        }
        pthread_rwlock_wrlock(&p->lock);
        memcpy(p->serial, record.serial, sizeof(p->serial));
        buf_reset(&p->body);
        buf_put_slice(&p->body, body);
        p->state_rev = e->rev;
        p->loaded = true;
        ok = buf_ok(&p->body);
        pthread_rwlock_unlock(&p->lock);
        atomic_store(&p->state, (int)record.state);
        return ok || err_set(err, ERR_MEMORY, "no memory for the partition record");
}

static bool apply_master_key(struct vault *v, const struct store_event *e, struct err *err)
{
        struct reader in = reader_of(slice_of(e->key.p + 6, e->key.n - 6));
        uint32_t node = reader_u32(&in);
        struct sec *pmk;

        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "the store holds a master key with a strange name");
        if (node != v->config.node_number || v->partition->pmk || e->deleted)
                return true;
        pmk = v->deps.sealer.open(v->deps.sealer.arg, e->value, err);
        if (!pmk)
                return err_prefix(err, "the master key cannot be opened by '%s'", v->deps.sealer.name);
        if (sec_size(pmk) != CRYPTO_KEY_SIZE) {
                sec_free(&pmk);
                return err_set(err, ERR_STORE_DAMAGED, "the master key has the wrong size");
        }
        v->partition->pmk = pmk;
        return true;
}

static bool apply_next_user(struct vault *v, const struct store_event *e, struct err *err)
{
        struct reader in;
        struct slice body;
        uint32_t next;

        if (!vault_record_read(v, e->key, e->value, &body, err))
                return false;
        in = reader_of(body);
        next = reader_u32(&in);
        if (!reader_end(&in))
                return err_set(err, ERR_STORE_DAMAGED, "the record 'p/users' cannot be read");
        pthread_rwlock_wrlock(&v->partition->lock);
        v->partition->next_user = next;
        v->partition->next_user_rev = e->rev;
        pthread_rwlock_unlock(&v->partition->lock);
        return true;
}

static bool apply_cert(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_partition *p = v->partition;
        int i = e->key.n == 3 ? cert_index(e->key.p[2]) : -1;
        struct slice body;
        bool ok;

        if (i < 0 || e->deleted)
                return err_set(err, ERR_STORE_DAMAGED, "a certificate in the store has gone or changed name");
        if (!vault_record_read(v, e->key, e->value, &body, err))
                return false;
        pthread_rwlock_wrlock(&p->lock);
        buf_reset(&p->certs[i]);
        buf_put_slice(&p->certs[i], body);
        p->cert_revs[i] = e->rev;
        ok = buf_ok(&p->certs[i]);
        pthread_rwlock_unlock(&p->lock);
        if (e->key.p[2] == VAULT_CERT_POAC || e->key.p[2] == VAULT_CERT_PAC)
                atomic_fetch_add(&p->generation, 1);
        return ok || err_set(err, ERR_MEMORY, "no memory for a certificate");
}

static bool apply_retired(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_partition *p = v->partition;
        struct slice context = slice_of(e->key.p + 2, e->key.n - 2), body;
        struct reader in;
        int64_t *until = NULL;
        void *old = NULL;
        bool ok = true;

        if (context.n != VAULT_CONTEXT_SIZE)
                return err_set(err, ERR_STORE_DAMAGED, "a retired context in the store has a strange name");
        if (!e->deleted) {
                if (!vault_record_read(v, e->key, e->value, &body, err))
                        return false;
                in = reader_of(body);
                until = malloc(sizeof(*until));
                if (!until)
                        return err_set(err, ERR_MEMORY, "no memory for a retired context");
                *until = (int64_t)reader_u64(&in);
        }
        pthread_rwlock_wrlock(&p->lock);
        if (e->deleted)
                old = map_remove(p->retired, context);
        else
                ok = map_put(p->retired, context, until, &old);
        atomic_store(&p->retired_count, map_count(p->retired));
        pthread_rwlock_unlock(&p->lock);
        free(ok ? old : until);
        return ok || err_set(err, ERR_MEMORY, "no memory for a retired context");
}

/* Written by a restore and when a region takes over: tickets given after the backup was made, or by what was
 * superseded, would open users as they are here. */
static bool apply_tickets(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice body;
        struct sec *key;

        if (e->deleted || !vault_record_read(v, e->key, e->value, &body, err) ||
            !(key = vault_derive(v, "ticket", body, err)))
                return err_set(err, ERR_STORE_DAMAGED, "the record 'p/tickets' is gone or cannot be read");
        if (!ticket_set(v->partition, key)) {
                sec_free(&key);
                return err_set(err, ERR_LIFE_CYCLE,
                               "the keys of logins changed too often; start the node anew");
        }
        vault_tickets_forget(v);
        return true;
}

bool vault_partition_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        if (e->key.p[0] == 'c')
                return apply_cert(v, e, err);
        if (e->key.p[0] == 'r')
                return apply_retired(v, e, err);
        if (slice_equal(e->key, SLICE_LIT("p/state")))
                return apply_state(v, e, err);
        if (slice_equal(e->key, SLICE_LIT("p/users")))
                return apply_next_user(v, e, err);
        if (slice_equal(e->key, VAULT_MOVED_KEY))
                return vault_moved_apply(v, e, err);
        if (slice_equal(e->key, SLICE_LIT("p/told")))
                return vault_history_apply(v, e, err);
        if (slice_equal(e->key, SLICE_LIT("p/tickets")))
                return apply_tickets(v, e, err);
        if (slice_equal(e->key, SLICE_LIT(VAULT_FORMAT_KEY)))
                return e->deleted || vault_format_known(e->value, err);
        if (e->key.n > 6 && memcmp(e->key.p, "p/pmk/", 6) == 0)
                return apply_master_key(v, e, err);
        return true;
}

/* ---- the node's TLS identity ---- */

uint64_t vault_identity_generation(struct vault *v)
{
        return atomic_load(&v->partition->generation);
}

bool vault_identity(struct vault *v, struct vault_identity *out, struct err *err)
{
        *out = (struct vault_identity){ .certificate = BUF_INIT, .chain = BUF_INIT };
        out->generation = vault_identity_generation(v);
        if (vault_partition_cert(v, VAULT_CERT_POAC, &out->certificate, NULL)) {
                (void)vault_partition_cert(v, VAULT_CERT_OWNER, &out->chain, NULL);
        } else {
                (void)vault_partition_cert(v, VAULT_CERT_PAC, &out->certificate, NULL);
                (void)vault_partition_cert(v, VAULT_CERT_MAC, &out->chain, NULL);
                (void)vault_partition_cert(v, VAULT_CERT_MARC, &out->chain, NULL);
        }
        if (!buf_ok(&out->certificate) || !buf_ok(&out->chain)) {
                vault_identity_clear(out);
                return err_set(err, ERR_MEMORY, "no memory for the node's certificate");
        }
        out->private_key_pem = crypto_key_private_pem(v->partition->key, err);
        if (!out->private_key_pem)
                vault_identity_clear(out);
        return out->private_key_pem != NULL;
}

void vault_identity_clear(struct vault_identity *identity)
{
        buf_clear(&identity->certificate);
        buf_clear(&identity->chain);
        sec_free(&identity->private_key_pem);
}
