/* What a user wants said with each of his audit records ("user-defined data": a ticket, a change number),
 * kept as d/u/<u32 user>; and what else of the records comes from d/: how often each node has started. */
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/udd.h"

#include "base/text.h"

#include <stdlib.h>

struct vault_udds {
        pthread_rwlock_t lock;
        struct map *texts;    /* by the four bytes of the user's id */
        _Atomic size_t count; /* so that partitions without any pay nothing */
};

struct udd {
        store_rev rev;
        char text[VAULT_UDD_MAX + 1];
};

bool vault_udds_open(struct vault *v, struct err *err)
{
        v->udds = calloc(1, sizeof(*v->udds));
        if (v->udds && (v->udds->texts = map_new())) {
                pthread_rwlock_init(&v->udds->lock, NULL);
                return true;
        }
        free(v->udds);
        v->udds = NULL;
        return err_set(err, ERR_MEMORY, "no memory for user-defined audit data");
}

static bool entry_free(void *arg, struct slice key, void *value)
{
        (void)arg;
        (void)key;
        free(value);
        return true;
}

void vault_udds_close(struct vault *v)
{
        if (!v->udds)
                return;
        map_each(v->udds->texts, entry_free, NULL);
        map_free(&v->udds->texts);
        pthread_rwlock_destroy(&v->udds->lock);
        free(v->udds);
        v->udds = NULL;
}

static bool udd_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice id = slice_of(e->key.p + 4, e->key.n - 4), body;
        struct udd *entry = NULL;
        void *old = NULL;
        bool ok = true;

        if (!e->deleted) {
                if (!vault_record_read(v, e->key, e->value, &body, err))
                        return false;
                entry = body.n <= VAULT_UDD_MAX ? calloc(1, sizeof(*entry)) : NULL;
                if (!entry)
                        return err_set(err, ERR_STORE_DAMAGED, "user-defined audit data cannot be kept");
                entry->rev = e->rev;
                memcpy(entry->text, body.p, body.n);
        }
        pthread_rwlock_wrlock(&v->udds->lock);
        if (entry)
                ok = map_put(v->udds->texts, id, entry, &old);
        else
                old = map_remove(v->udds->texts, id);
        atomic_store(&v->udds->count, map_count(v->udds->texts));
        pthread_rwlock_unlock(&v->udds->lock);
        free(ok ? old : entry);
        return ok || err_set(err, ERR_MEMORY, "no memory for user-defined audit data");
}

bool vault_udds_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        if (e->key.n == 8 && memcmp(e->key.p, "d/u/", 4) == 0)
                return udd_apply(v, e, err);
        if (e->key.n == 8 && memcmp(e->key.p, "d/b/", 4) == 0)
                atomic_store(&v->swept, false);
        return true;
}

/* A copy in the arena; NULL: he has none. *rev (may be NULL): of his record. */
static const char *udd_of(struct vault *v, struct arena *arena, uint32_t user_id, store_rev *rev)
{
        uint8_t id[4] = { (uint8_t)(user_id >> 24), (uint8_t)(user_id >> 16), (uint8_t)(user_id >> 8),
                          (uint8_t)user_id };
        const char *text = NULL;
        struct udd *entry;

        if (atomic_load_explicit(&v->udds->count, memory_order_relaxed) == 0)
                return NULL;
        pthread_rwlock_rdlock(&v->udds->lock);
        entry = map_get(v->udds->texts, slice_of(id, sizeof(id)));
        if (entry) {
                text = arena_text(arena, slice_str(entry->text));
                if (rev)
                        *rev = entry->rev;
        }
        pthread_rwlock_unlock(&v->udds->lock);
        return text;
}

const char *vault_udd(struct vault_call *call)
{
        return call->login.role == VAULT_NOBODY ? NULL
                                                : udd_of(call->vault, call->arena, call->login.user_id, NULL);
}

static bool reply(struct vault_call *call, const char *text)
{
        Chsm__AuditUddResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__audit_udd_response__init(r);
        r->text = (char *)(uintptr_t)(text ? text : "");
        call->response->audit_udd = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUDIT_UDD;
        return true;
}

bool vault_get_audit_udd(struct vault_call *call)
{
        return reply(call, vault_udd(call));
}

static bool text_ok(const char *text, struct err *err)
{
        size_t n = strlen(text);

        if (n > VAULT_UDD_MAX)
                return err_set(err, ERR_ARGUMENT,
                               "user-defined audit data has %zu bytes; %d are the most, none clears it", n,
                               VAULT_UDD_MAX);
        for (size_t i = 0; i < n; i++) {
                if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
                        return err_set(err, ERR_ARGUMENT,
                                       "user-defined audit data is one line of UTF-8 text without control "
                                       "characters");
        }
        return text_is_utf8(slice_str(text)) ||
               err_set(err, ERR_ARGUMENT, "user-defined audit data is UTF-8 text");
}

bool vault_set_audit_udd(struct vault_call *call)
{
        const char *text = call->request->set_audit_udd->text;
        struct buf id = BUF_INIT, body = BUF_INIT;
        struct slice key = SLICE_EMPTY;
        store_rev rev = 0;
        bool ok;

        if (!text_ok(text, &call->err))
                return false;
        (void)udd_of(call->vault, call->arena, call->login.user_id, &rev);
        if (!text[0] && !rev)
                return reply(call, NULL);
        buf_put_u32(&id, call->login.user_id);
        if (buf_ok(&id))
                key = vault_call_key(call, "d/u/", buf_slice(&id));
        buf_put_text(&body, text);
        ok = vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, key, rev) &&
             (text[0] ? vault_record_put(call, key, &body) : vault_call_delete(call, key)) &&
             reply(call, text);
        buf_clear(&id);
        buf_clear(&body);
        return ok;
}

/* ---- starts of the node ---- */

struct starts {
        struct vault *vault;
        struct err *err;
        uint32_t count;
        store_rev rev;
        bool ok;
};

static bool starts_visit(void *arg, const struct store_event *e)
{
        struct starts *s = arg;
        struct slice body;
        struct reader in;

        s->ok = vault_record_read(s->vault, e->key, e->value, &body, s->err);
        if (!s->ok)
                return false;
        in = reader_of(body);
        s->count = reader_u32(&in);
        s->rev = e->rev;
        s->ok = reader_end(&in);
        return s->ok;
}

bool vault_count_start(struct vault *v, struct err *err)
{
        struct starts s = { .vault = v, .err = err, .ok = true };
        struct buf key = BUF_INIT, body = BUF_INIT, value = BUF_INIT;
        struct store_result result = { 0 };
        store_rev at;
        bool ok;

        buf_put_text(&key, "d/n/");
        buf_put_u32(&key, v->config.node_number);
        ok = buf_ok(&key) &&
             store_load(v->deps.store, buf_slice(&key), starts_visit, &s, &at, err) == STORE_OK && s.ok;
        buf_put_u32(&body, s.count + 1);
        ok = ok && buf_ok(&body) && vault_record_write(v, buf_slice(&key), buf_slice(&body), &value);
        if (ok) {
                struct store_guard guard = { s.rev ? STORE_REV_IS : STORE_ABSENT, buf_slice(&key), s.rev };
                struct store_op op = { STORE_PUT, buf_slice(&key), buf_slice(&value) };

                ok = store_txn(v->deps.store, &guard, 1, &op, 1, v->config.store_timeout_ms, &result, err) ==
                     STORE_OK;
        }
        if (ok)
                v->starts = s.count + 1;
        else if (!err->id)
                err_set(err, ERR_STORE, "the count of the node's starts cannot be kept");
        buf_clear(&key);
        buf_clear(&body);
        buf_clear(&value);
        return ok;
}
