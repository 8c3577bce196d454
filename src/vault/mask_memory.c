/* What is remembered of keys that have masked copies outside: that they were deleted here, what they had been
 * through by then, whose they were and what restricted them, so that inserting an older copy washes nothing
 * off and gives nothing back. */
#include "ck/encoding.h"
#include "vault/backup.h"
#include "vault/lives.h"
#include "vault/mask.h"
#include "vault/partition.h"

#include <stdlib.h>

#define PRINT 33 /* class, fingerprint */

struct known {
        store_rev rev;
        bool deleted;
        uint32_t history, changes, owner;
        struct buf kept;
};

static void known_free(void *value)
{
        struct known *k = value;

        if (k)
                buf_clear(&k->kept);
        free(k);
}

struct vault_masks {
        pthread_rwlock_t lock;
        struct map *by_print; /* -> heap struct known */
};

bool vault_masks_open(struct vault *v, struct err *err)
{
        struct vault_masks *m = calloc(1, sizeof(*m));

        v->masks = m;
        if (!m || !(m->by_print = map_new()))
                return err_set(err, ERR_MEMORY, "no memory for what is known of masked keys");
        pthread_rwlock_init(&m->lock, NULL);
        return true;
}

void vault_masks_close(struct vault *v)
{
        struct vault_masks *m = v->masks;

        if (!m)
                return;
        if (m->by_print) {
                map_free_values(&m->by_print, known_free);
                pthread_rwlock_destroy(&m->lock);
        }
        free(m);
        v->masks = NULL;
}

/* Older records end before the owner. NULL: no memory, or damaged. */
static struct known *known_read(struct slice body, store_rev rev)
{
        struct reader in = reader_of(body);
        struct known *k = calloc(1, sizeof(*k));

        if (!k)
                return NULL;
        k->rev = rev;
        k->kept = BUF_INIT;
        k->deleted = reader_u8(&in) != 0;
        k->history = reader_u32(&in);
        k->changes = reader_u32(&in);
        if (in.rest.n) {
                k->owner = reader_u32(&in);
                buf_put_slice(&k->kept, reader_block(&in, STORE_VALUE_MAX));
        }
        if (!reader_end(&in) || !buf_ok(&k->kept)) {
                known_free(k);
                return NULL;
        }
        return k;
}

bool vault_masks_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice print = slice_of(e->key.p + 4, e->key.n > 4 ? e->key.n - 4 : 0), body;
        struct known *known;
        void *old = NULL;
        bool ok;

        if (slice_equal(e->key, SLICE_LIT("b/e")))
                return vault_backup_epoch_apply(v, e, err);
        if (e->key.n < 4 || memcmp(e->key.p, "b/k/", 4) != 0)
                return true;
        if (e->deleted || print.n != PRINT || !vault_record_read(v, e->key, e->value, &body, err))
                return err_set(err, ERR_STORE_DAMAGED, "what is known of a masked key is gone or misnamed");
        known = known_read(body, e->rev);
        if (!known)
                return err_set(err, ERR_STORE_DAMAGED, "what is known of a masked key cannot be read");
        pthread_rwlock_wrlock(&v->masks->lock);
        ok = map_put(v->masks->by_print, print, known, &old);
        pthread_rwlock_unlock(&v->masks->lock);
        known_free(ok ? old : known);
        return ok || err_set(err, ERR_MEMORY, "no memory for what is known of a masked key");
}

bool vault_mask_memory_of(struct vault_call *call, const struct vault_object *o, struct crypto_key *key,
                          struct vault_mask_memory *m)
{
        struct vault_masks *all = call->vault->masks;
        struct vault_life life;
        uint8_t print[PRINT] = { (uint8_t)o->object_class };
        const struct known *known;
        bool known_all;

        *m = (struct vault_mask_memory){ .store_key = SLICE_EMPTY };
        if (!vault_life_of(call, key, &life))
                return false;
        memcpy(print + 1, life.store_key.p + 2, PRINT - 1);
        m->store_key = vault_call_key(call, "b/k/", slice_of(print, sizeof(print)));
        pthread_rwlock_rdlock(&all->lock);
        known = map_get(all->by_print, slice_of(print, sizeof(print)));
        if (known) {
                m->rev = known->rev;
                m->deleted = known->deleted;
                m->history = known->history;
                m->changes = known->changes;
                m->owner = known->owner;
                m->kept = arena_copy(call->arena, buf_slice(&known->kept));
        }
        known_all = m->store_key.p && (!known || m->kept.p || !known->kept.n);
        pthread_rwlock_unlock(&all->lock);
        return known_all || err_set(&call->err, ERR_MEMORY, "no memory for a fingerprint");
}

bool vault_mask_memory_put(struct vault_call *call, const struct vault_mask_memory *m, bool deleted,
                           uint32_t history)
{
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u8(&body, deleted);
        buf_put_u32(&body, history);
        buf_put_u32(&body, m->changes + 1);
        if (deleted) {
                buf_put_u32(&body, m->owner);
                buf_put_block(&body, m->kept);
        }
        ok = vault_call_guard(call, m->rev ? STORE_REV_IS : STORE_ABSENT, m->store_key, m->rev) &&
             vault_record_put(call, m->store_key, &body);
        buf_clear(&body);
        return ok;
}

/* What an object may not do, and what its rotation made of it. Trust is not brought in anyhow. */
static bool restricts(uint64_t type)
{
        static const uint64_t others[] = { CKA_ALLOWED_MECHANISMS, CKA_WRAP_TEMPLATE,    CKA_UNWRAP_TEMPLATE,
                                           CKA_DERIVE_TEMPLATE,    CKA_START_DATE,       CKA_END_DATE,
                                           CKA_CHSM_KEY_FAMILY,    CKA_CHSM_KEY_VERSION, CKA_CHSM_KEY_STATE };
        const struct ck_attribute_row *row = ck_attribute_find(type);

        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
                if (others[i] == type)
                        return true;
        }
        return row && row->value == CK_VALUE_BOOL && type != CKA_TRUSTED;
}

bool vault_mask_deleted(struct vault_call *call, struct vault_object *o)
{
        struct vault_mask_memory m;
        struct crypto_key *key;
        struct buf kept = BUF_INIT;
        bool ok;

        if (!(o->history & VAULT_HISTORY_MASKED))
                return true;
        key = vault_object_key(call->vault, o, &call->err);
        if (!key || !vault_mask_memory_of(call, o, key, &m))
                return false;
        for (size_t i = 0; i < o->attribute_count; i++) {
                if (restricts(o->attributes[i].type))
                        ck_template_put(&kept, o->attributes[i].type, o->attributes[i].value);
        }
        m.owner = o->owner;
        m.kept = buf_slice(&kept);
        ok = (buf_ok(&kept) || err_set(&call->err, ERR_MEMORY, "no memory for what restricts a key")) &&
             vault_mask_memory_put(call, &m, true, m.history | o->history);
        buf_clear(&kept);
        return ok;
}
