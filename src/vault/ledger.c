#include "vault/ledger.h"
#include "vault/commit.h"
#include "vault/noted.h"
#include "vault/partition.h"
#include "vault/region.h"

#include <stdlib.h>

#define TAIL      32 /* bytes at a record's end: its tag, which stands for all of it and its place */
#define FRESH_MAX (8u << 20)

struct sum {
        uint64_t parts[2];
};

struct row {
        store_rev rev;
        uint64_t value;
        struct sum hash; /* of a booked record */
        uint32_t turn;   /* of the sweep that saw it last */
};

struct page {
        struct sum sum;
        uint64_t changes;
};

struct vault_ledger {
        pthread_mutex_t lock;
        struct map *rows;  /* store key -> heap struct row */
        struct map *pages; /* store key -> heap struct page */
        struct map *gone;  /* during a sweep: keys that went; values are not used */
        struct sum records, books;
        uint64_t changes, lift;
        uint32_t turn;
        bool rebase;
        struct buf fresh; /* noted.h: what changed lately, when that is asked for */
        bool noting;
        struct crypto_mac *mac;
};

bool vault_ledger_open(struct vault *v, struct err *err)
{
        struct vault_ledger *l = calloc(1, sizeof(*l));

        v->ledger = l;
        if (!l)
                return err_set(err, ERR_MEMORY, "no memory for the ledger");
        pthread_mutex_init(&l->lock, NULL);
        return ((l->rows = map_new()) && (l->pages = map_new())) ||
               err_set(err, ERR_MEMORY, "no memory for the ledger");
}

void vault_ledger_close(struct vault *v)
{
        struct vault_ledger *l = v->ledger;

        if (!l)
                return;
        map_free_values(&l->rows, free);
        map_free_values(&l->pages, free);
        map_free(&l->gone);
        crypto_mac_free(&l->mac);
        buf_clear(&l->fresh);
        pthread_mutex_destroy(&l->lock);
        free(l);
        v->ledger = NULL;
}

void vault_ledger_lock(struct vault *v)
{
        pthread_mutex_lock(&v->ledger->lock);
}

void vault_ledger_unlock(struct vault *v)
{
        pthread_mutex_unlock(&v->ledger->lock);
}

static void add(struct sum *to, const struct sum *s)
{
        to->parts[0] += s->parts[0];
        to->parts[1] += s->parts[1];
}

static void take(struct sum *to, const struct sum *s)
{
        to->parts[0] -= s->parts[0];
        to->parts[1] -= s->parts[1];
}

static bool hash_of(struct vault *v, struct slice key, struct slice value, struct sum *out, struct err *err)
{
        struct vault_ledger *l = v->ledger;
        uint8_t bytes[STORE_KEY_MAX + TAIL], hash[CRYPTO_HASH_SIZE];
        size_t tail = value.n < TAIL ? value.n : TAIL;
        struct reader in = reader_of(slice_of(hash, sizeof(hash)));

        if (!l->mac && !(l->mac = vault_derive_mac(v, "books", err)))
                return false;
        if (key.n > STORE_KEY_MAX)
                return err_set(err, ERR_INTERNAL, "a store key is too long for the books");
        memcpy(bytes, value.p + value.n - tail, tail);
        memcpy(bytes + tail, key.p, key.n);
        if (!crypto_mac_of(l->mac, slice_of(bytes, tail + key.n), hash))
                return err_set(err, ERR_CRYPTO, "a record cannot be entered in the books");
        out->parts[0] = reader_u64(&in);
        out->parts[1] = reader_u64(&in);
        return true;
}

static uint64_t number_of(const struct sum *s)
{
        return s->parts[0] ? s->parts[0] : 1;
}

static void fresh_add(struct vault_ledger *l, struct slice key, store_rev rev, uint64_t hash)
{
        if (!l->noting)
                return;
        vault_noted_entry(&l->fresh, key, rev, hash);
        if (l->fresh.n > FRESH_MAX)
                l->noting = false;
}

static bool is_page(struct slice key)
{
        return key.n > 2 && memcmp(key.p, "k/", 2) == 0;
}

uint64_t vault_ledger_value(struct slice value)
{
        return map_hash(value);
}

/* ---- the books ---- */

static bool page_read(struct vault *v, const struct store_event *e, struct page *page, struct err *err)
{
        struct sec *plain = vault_record_open(v, e->key, e->value, err);
        struct reader in;

        if (!plain)
                return false;
        in = reader_of(sec_slice(plain));
        page->changes = reader_u64(&in);
        page->sum.parts[0] = reader_u64(&in);
        page->sum.parts[1] = reader_u64(&in);
        sec_free(&plain);
        return reader_end(&in) || err_set(err, ERR_STORE_DAMAGED, "a page of the books cannot be read");
}

static bool page_note(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_ledger *l = v->ledger;
        struct page *page = NULL;
        void *old = NULL;
        bool ok = true;

        if (!e->deleted) {
                page = calloc(1, sizeof(*page));
                ok = page ? page_read(v, e, page, err) : err_set(err, ERR_MEMORY, "no memory for the books");
        }
        if (ok && page)
                ok = map_put(l->pages, e->key, page, &old) ||
                     err_set(err, ERR_MEMORY, "no memory for the books");
        else if (ok)
                old = map_remove(l->pages, e->key);
        if (ok && page) {
                add(&l->books, &page->sum);
                l->changes += page->changes;
        }
        if (old) {
                take(&l->books, &((struct page *)old)->sum);
                l->changes -= ((struct page *)old)->changes;
        }
        free(ok ? old : page);
        return ok;
}

/* ---- the records ---- */

static bool is_booked(const struct row *row)
{
        return row->hash.parts[0] || row->hash.parts[1];
}

static bool put(struct vault *v, struct row *row, const struct store_event *e, struct err *err)
{
        struct sum fresh = { { 0, 0 } };

        if (vault_apply_booked(e->key) && !hash_of(v, e->key, e->value, &fresh, err))
                return false;
        add(&v->ledger->records, &fresh);
        take(&v->ledger->records, &row->hash);
        *row = (struct row){ e->rev, vault_ledger_value(e->value), fresh, v->ledger->turn };
        if (is_booked(row))
                fresh_add(v->ledger, e->key, e->rev, number_of(&fresh));
        return true;
}

static bool note_put(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_ledger *l = v->ledger;
        struct row *row = map_get(l->rows, e->key), *made = NULL;
        bool ok;

        if (row && row->rev > e->rev)
                return true;
        if (!row)
                row = made = calloc(1, sizeof(*row));
        ok = (row || err_set(err, ERR_MEMORY, "no memory for the ledger")) &&
             (!is_page(e->key) || page_note(v, e, err)) && put(v, row, e, err) &&
             (!made || map_put(l->rows, e->key, made, NULL) ||
              err_set(err, ERR_MEMORY, "no memory for the ledger"));
        if (!ok)
                free(made);
        return ok;
}

static bool note_gone(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_ledger *l = v->ledger;
        struct row *row = map_get(l->rows, e->key);

        if (row && row->rev > e->rev)
                return true;
        if (l->gone && !map_put(l->gone, e->key, l, NULL))
                return err_set(err, ERR_MEMORY, "no memory for the ledger");
        if (!row)
                return true;
        if (is_page(e->key) && !page_note(v, e, err))
                return false;
        take(&l->records, &row->hash);
        if (is_booked(row))
                fresh_add(l, e->key, e->rev, 0);
        free(map_remove(l->rows, e->key));
        return true;
}

bool vault_ledger_note(struct vault *v, const struct store_event *e, struct err *err)
{
        if (!vault_apply_known(e->key))
                return true;
        return e->deleted ? note_gone(v, e, err) : note_put(v, e, err);
}

bool vault_ledger_is_current(struct vault *v, const struct store_event *e)
{
        const struct row *row = map_get(v->ledger->rows, e->key);

        return !row || row->rev <= e->rev;
}

bool vault_ledger_agrees(struct vault *v)
{
        const struct vault_ledger *l = v->ledger;

        return l->rebase || vault_region_role(v) != VAULT_PRIMARY ||
               (l->records.parts[0] == l->books.parts[0] && l->records.parts[1] == l->books.parts[1]);
}

uint64_t vault_ledger_changes(struct vault *v)
{
        uint64_t n;

        vault_ledger_lock(v);
        n = v->ledger->changes;
        vault_ledger_unlock(v);
        return n;
}

void vault_ledger_rebase(struct vault *v)
{
        v->ledger->rebase = true;
}

bool vault_ledger_is_rebased(struct vault *v)
{
        return v->ledger->rebase;
}

void vault_ledger_lift(struct vault *v, uint64_t changes)
{
        v->ledger->lift = changes;
}

/* ---- for the note ---- */

bool vault_ledger_booked(struct vault *v, struct slice key, store_rev *rev, uint64_t *hash)
{
        const struct row *row = map_get(v->ledger->rows, key);

        if (!row || !is_booked(row))
                return false;
        *rev = row->rev;
        *hash = number_of(&row->hash);
        return true;
}

struct each {
        bool (*visit)(void *arg, struct slice key, store_rev, uint64_t hash);
        void *arg;
};

static bool each_visit(void *arg, struct slice key, void *value)
{
        const struct each *e = arg;
        const struct row *row = value;

        return !is_booked(row) || e->visit(e->arg, key, row->rev, number_of(&row->hash));
}

void vault_ledger_each(struct vault *v, bool (*visit)(void *arg, struct slice key, store_rev, uint64_t hash),
                       void *arg)
{
        struct each e = { visit, arg };

        map_each(v->ledger->rows, each_visit, &e);
}

bool vault_ledger_fresh(struct vault *v, struct buf *out)
{
        struct vault_ledger *l = v->ledger;
        bool known = l->noting && buf_ok(&l->fresh);

        if (known)
                buf_put_slice(out, buf_slice(&l->fresh));
        l->noting = true;
        buf_clear(&l->fresh);
        return known;
}

bool vault_ledger_row(struct vault *v, struct slice key, store_rev *rev, uint64_t *value)
{
        const struct row *row = map_get(v->ledger->rows, key);

        if (row) {
                *rev = row->rev;
                *value = row->value;
        }
        return row != NULL;
}

/* ---- sweeps ---- */

bool vault_ledger_sweep_begin(struct vault *v)
{
        v->ledger->turn++;
        v->ledger->gone = map_new();
        return v->ledger->gone != NULL;
}

void vault_ledger_seen(struct vault *v, struct slice key)
{
        struct row *row = map_get(v->ledger->rows, key);

        if (row)
                row->turn = v->ledger->turn;
}

bool vault_ledger_went(struct vault *v, struct slice key)
{
        return map_get(v->ledger->gone, key) != NULL;
}

struct unseen {
        const struct vault_ledger *ledger;
        store_rev rev;
        void (*visit)(void *arg, struct slice key);
        void *arg;
};

static bool unseen_visit(void *arg, struct slice key, void *value)
{
        const struct unseen *u = arg;
        const struct row *row = value;

        if (row->turn != u->ledger->turn && row->rev <= u->rev)
                u->visit(u->arg, key);
        return true;
}

void vault_ledger_unseen(struct vault *v, store_rev rev, void (*visit)(void *arg, struct slice key),
                         void *arg)
{
        struct unseen u = { v->ledger, rev, visit, arg };

        map_each(v->ledger->rows, unseen_visit, &u);
}

void vault_ledger_sweep_end(struct vault *v)
{
        map_free(&v->ledger->gone);
}

/* ---- a transaction's page ---- */

static struct slice page_key(struct vault_call *call, uint32_t lane)
{
        struct buf rest = BUF_INIT;
        struct slice key;

        buf_put_u32(&rest, call->vault->config.node_number);
        buf_put_text(&rest, "/");
        buf_put_u8(&rest, (uint8_t)lane);
        key = buf_ok(&rest) ? vault_call_key(call, "k/", buf_slice(&rest)) : SLICE_EMPTY;
        buf_clear(&rest);
        return key;
}

/* What an operation adds to the sum. *booked: it counts. A guard that it be what is known is added unless
 * there is one that says as much. The lock is held. */
static bool op_account(struct vault_call *call, const struct store_op *op, struct sum *sum, bool *booked,
                       struct store_guard *guards, size_t *n, size_t max)
{
        struct vault *v = call->vault;
        const struct row *row = map_get(v->ledger->rows, op->key);
        struct sum fresh = { { 0, 0 } };

        *booked = vault_apply_booked(op->key);
        if (!*booked)
                return true;
        if (op->kind == STORE_PUT && !hash_of(v, op->key, op->value, &fresh, &call->err))
                return false;
        add(sum, &fresh);
        if (row)
                take(sum, &row->hash);
        for (size_t i = 0; i < *n; i++) {
                if (guards[i].kind != STORE_EXISTS && slice_equal(guards[i].key, op->key))
                        return true;
        }
        if (*n == max)
                return err_set(&call->err, ERR_INTERNAL, "the request depends on too many records");
        guards[(*n)++] =
            (struct store_guard){ row ? STORE_REV_IS : STORE_ABSENT, op->key, row ? row->rev : 0 };
        return true;
}

static bool page_put(struct vault_call *call, struct slice key, const struct page *page, struct store_op *op)
{
        struct buf body = BUF_INIT, value = BUF_INIT;
        bool ok;

        buf_put_u64(&body, page->changes);
        buf_put_u64(&body, page->sum.parts[0]);
        buf_put_u64(&body, page->sum.parts[1]);
        ok = buf_ok(&body) && vault_record_seal(call->vault, key, buf_slice(&body), &value, &call->err);
        *op = (struct store_op){ STORE_PUT, key,
                                 ok ? arena_copy(call->arena, buf_slice(&value)) : SLICE_EMPTY };
        buf_clear(&body);
        buf_clear(&value);
        return op->value.p || (!call->err.id && err_set(&call->err, ERR_MEMORY, "no memory for the books"));
}

bool vault_books_add(struct vault_call *call, uint32_t lane, struct store_guard *guards, size_t *guard_count,
                     size_t guards_max, struct store_op *ops, size_t *op_count)
{
        struct vault_ledger *l = call->vault->ledger;
        struct slice key = page_key(call, lane);
        struct page page = { .changes = 0 };
        const struct page *last;
        const struct row *row;
        bool ok = key.n || err_set(&call->err, ERR_MEMORY, "no memory for the books"), any = false, one;

        pthread_mutex_lock(&l->lock);
        for (size_t i = 0; ok && i < *op_count; i++) {
                ok = op_account(call, &ops[i], &page.sum, &one, guards, guard_count, guards_max - 1);
                any = any || one;
        }
        row = map_get(l->rows, key);
        last = map_get(l->pages, key);
        if (last) {
                add(&page.sum, &last->sum);
                page.changes = last->changes;
        }
        if (l->rebase) {
                add(&page.sum, &l->records);
                take(&page.sum, &l->books);
                l->rebase = false;
                any = true;
        }
        if (l->lift) {
                page.changes += l->lift;
                l->lift = 0;
                any = true;
        }
        page.changes++;
        if (ok && any)
                guards[(*guard_count)++] =
                    (struct store_guard){ row ? STORE_REV_IS : STORE_ABSENT, key, row ? row->rev : 0 };
        pthread_mutex_unlock(&l->lock);
        if (!ok || !any)
                return ok;
        return page_put(call, key, &page, &ops[(*op_count)++]);
}
