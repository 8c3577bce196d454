#include "vault/noted.h"
#include "vault/ledger.h"
#include "vault/partition.h"
#include "vault/record_names.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "chsm records 1\n"
#define MOST (40u << 20) /* bytes; what does not fit is detected all the same, without its name */

struct entry {
        store_rev rev;
        uint64_t hash;
};

void vault_noted_entry(struct buf *out, struct slice key, store_rev rev, uint64_t hash)
{
        buf_put_u16(out, (uint16_t)key.n);
        buf_put_slice(out, key);
        buf_put_u64(out, (uint64_t)rev);
        buf_put_u64(out, hash);
}

static bool put_visit(void *arg, struct slice key, store_rev rev, uint64_t hash)
{
        struct buf *out = arg;

        vault_noted_entry(out, key, rev, hash);
        return buf_ok(out) && out->n < MOST;
}

bool vault_noted_put(struct vault *v, bool *whole, struct buf *out, struct err *err)
{
        size_t flag;

        vault_ledger_lock(v);
        if (!vault_in_service(v, err)) {
                vault_ledger_unlock(v);
                return false;
        }
        if (!vault_ledger_fresh(v, out))
                *whole = true;
        if (*whole) {
                buf_reset(out);
                buf_put_text(out, HEAD);
                buf_put_slice(out, vault_partition_id(v));
                flag = out->n;
                buf_put_u8(out, 1);
                vault_ledger_each(v, put_visit, out);
                if (out->n >= MOST)
                        out->p[flag] = 0;
        }
        vault_ledger_unlock(v);
        return buf_ok(out) || err_set(err, ERR_MEMORY, "no memory to note the records of the store");
}

/* ---- comparing ---- */

struct comparison {
        struct vault *vault;
        struct map *noted; /* key -> struct entry */
        struct vault_differences *sums;
        void (*visit)(void *arg, enum vault_difference, struct slice key);
        void *arg;
        bool all; /* are in the note */
};

static void tell(struct comparison *c, enum vault_difference kind, struct slice key)
{
        c->sums->of[kind]++;
        if (c->visit)
                c->visit(c->arg, kind, key);
}

static bool read_one(struct comparison *c, struct reader *in)
{
        struct slice key = reader_bytes(in, reader_u16(in));
        struct entry *e = malloc(sizeof(*e));
        void *old = NULL;

        if (e)
                *e = (struct entry){ (store_rev)reader_u64(in), reader_u64(in) };
        if (!e || !reader_ok(in)) {
                free(e);
                return false;
        }
        if (e->rev > c->sums->noted_rev)
                c->sums->noted_rev = e->rev;
        if (!map_put(c->noted, key, e, &old)) {
                free(e);
                return false;
        }
        free(old);
        return true;
}

static bool noted_visit(void *arg, struct slice key, void *value)
{
        struct comparison *c = arg;
        const struct entry *e = value;
        store_rev rev = 0;
        uint64_t hash = 0;

        if (!e->hash)
                return true;
        c->sums->noted++;
        if (!vault_ledger_booked(c->vault, key, &rev, &hash))
                tell(c, VAULT_IS_REMOVED, key);
        else if (hash != e->hash)
                tell(c, rev <= e->rev ? VAULT_IS_OLDER : VAULT_IS_CHANGED, key);
        return true;
}

static bool found_visit(void *arg, struct slice key, store_rev rev, uint64_t hash)
{
        struct comparison *c = arg;
        const struct entry *e = map_get(c->noted, key);

        (void)hash;
        c->sums->found++;
        if (rev > c->sums->found_rev)
                c->sums->found_rev = rev;
        if ((!e && c->all) || (e && !e->hash))
                tell(c, rev <= c->sums->noted_rev ? VAULT_IS_BACK : VAULT_IS_ADDED, key);
        return true;
}

bool vault_noted_compare(struct vault *v, struct slice noted, struct vault_differences *sums,
                         void (*visit)(void *arg, enum vault_difference, struct slice key), void *arg)
{
        struct reader in = reader_of(noted);
        struct slice head = reader_bytes(&in, strlen(HEAD)), id = reader_bytes(&in, VAULT_ID_SIZE);
        struct comparison c = { v, NULL, sums, visit, arg, false };

        *sums = (struct vault_differences){ .noted = 0 };
        c.all = reader_u8(&in) != 0;
        if (!slice_equal(head, SLICE_LIT(HEAD)) || !slice_equal(id, vault_partition_id(v)) ||
            !(c.noted = map_new()))
                return false;
        while (read_one(&c, &in))
                ;
        vault_ledger_lock(v);
        map_each(c.noted, noted_visit, &c);
        vault_ledger_each(v, found_visit, &c);
        vault_ledger_unlock(v);
        map_free_values(&c.noted, free);
        return true;
}

/* ---- in words ---- */

static const char *const kinds[VAULT_DIFFERENCES] = { "removed", "older", "put back", "changed", "added" };

const char *vault_difference_name(enum vault_difference kind)
{
        return kinds[kind];
}

static void name_visit(void *arg, enum vault_difference kind, struct slice key)
{
        struct record_names *names = arg;

        record_names_add(&names[kind], key);
}

void vault_noted_words(struct vault *v, char *out, size_t size)
{
        struct record_names *names = calloc(VAULT_DIFFERENCES, sizeof(*names));
        struct vault_differences sums;
        struct buf noted = BUF_INIT;
        size_t at = 0;

        if (size)
                out[0] = '\0';
        if (names && v->deps.host.noted && v->deps.host.noted(v->deps.host.arg, &noted) &&
            vault_noted_compare(v, buf_slice(&noted), &sums, name_visit, names)) {
                for (size_t i = 0; i < VAULT_DIFFERENCES && at < size; i++) {
                        record_names_end(&names[i]);
                        if (names[i].n)
                                at += (size_t)snprintf(out + at, size - at, "%s%s: %s", at ? "; " : "",
                                                       kinds[i], names[i].text);
                }
        }
        buf_clear(&noted);
        free(names);
}
