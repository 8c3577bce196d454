/* A stage: a store filled beside the present one, which takes its place with one put of m/data. Whoever opens
 * the store before that finds the old one, whoever opens it later the new one; nobody finds a part. */
#include "store/etcd.h"

#include <stdio.h>

#define SWEEP_MS 60000

bool etcd_stage_name(struct etcd *e, struct err *err)
{
        uint8_t id[ETCD_ID_SIZE];
        size_t n = strlen(e->prefix);

        if (!etcd_id_make(id, err))
                return false;
        e->beside = n;
        n += (size_t)snprintf(e->prefix + n, sizeof(e->prefix) - n, "r/");
        for (unsigned i = 0; i < 8; i++)
                n += (size_t)snprintf(e->prefix + n, sizeof(e->prefix) - n, "%02x", id[i]);
        (void)snprintf(e->prefix + n, sizeof(e->prefix) - n, "/");
        return true;
}

/* Where the keys are of the store behind the first `root` bytes of the prefix. */
static bool data_read(struct etcd *e, size_t root, char data[ETCD_DATA_MAX + 1], store_rev *rev,
                      struct err *err)
{
        struct buf value = BUF_INIT;
        bool ok = etcd_own_read(e, root, "m/data", &value, rev, err) == STORE_OK;

        memcpy(data, "d/", 3);
        if (ok && *rev) {
                ok = value.n == ETCD_DATA_MAX && memcmp(value.p, "r/", 2) == 0 &&
                     memcmp(value.p + value.n - 3, "/d/", 3) == 0;
                for (size_t i = 2; ok && i < value.n - 3; i++)
                        ok = (value.p[i] >= '0' && value.p[i] <= '9') ||
                             (value.p[i] >= 'a' && value.p[i] <= 'f');
                if (!ok)
                        err_set(err, ERR_STORE_DAMAGED,
                                "the key 'm/data' in etcd is none of ours; restore it from a snapshot");
                else {
                        memcpy(data, value.p, value.n);
                        data[value.n] = '\0';
                }
        }
        buf_clear(&value);
        return ok;
}

/* What stages of before left. This one stays, and the one that is the present store. */
static bool sweep_stages(struct etcd *e, struct err *err)
{
        const char *keep[] = { e->prefix + e->beside, e->beside_rev ? e->beside_data : NULL };
        struct etcd_own own = { .root = e->beside, .sweep_from = SLICE_LIT("r/") };
        char after[ETCD_STAGE_SIZE + 1];

        if (keep[1] && strcmp(keep[1], keep[0]) < 0) {
                keep[1] = keep[0];
                keep[0] = e->beside_data;
        }
        for (unsigned i = 0; i < 2 && keep[i]; i++) {
                own.sweep_to = slice_of(keep[i], ETCD_STAGE_SIZE);
                if (etcd_change_own(e, &own, SWEEP_MS, err) != STORE_OK)
                        return false;
                (void)snprintf(after, sizeof(after), "%.*s0", ETCD_STAGE_SIZE - 1,
                               keep[i]); /* '0' follows '/' */
                own.sweep_from = slice_str(after);
        }
        own.sweep_to = SLICE_LIT("r0");
        return etcd_change_own(e, &own, SWEEP_MS, err) == STORE_OK;
}

/* The keys of the store that an adopted stage took the place of. */
static bool sweep_replaced(struct etcd *e, struct err *err)
{
        const struct etcd_own own = { .root = strlen(e->prefix), .sweep_also = SLICE_LIT("d/") };
        uint64_t count = 0;

        if (!e->data_rev || etcd_count(e, "d/", &count, err) != STORE_OK)
                return !e->data_rev;
        return count == 0 || etcd_change_own(e, &own, SWEEP_MS, err) == STORE_OK;
}

bool etcd_stage_open(struct etcd *e, struct err *err)
{
        if (e->beside)
                return data_read(e, e->beside, e->beside_data, &e->beside_rev, err) && sweep_stages(e, err);
        return data_read(e, strlen(e->prefix), e->data, &e->data_rev, err) && sweep_replaced(e, err);
}

bool etcd_data_follow(struct etcd *e, struct err *err)
{
        char data[ETCD_DATA_MAX + 1];
        store_rev rev;
        bool followed;

        pthread_mutex_lock(&e->lock);
        followed = e->watches != NULL;
        pthread_mutex_unlock(&e->lock);
        if (followed || e->beside)
                return true;
        if (!data_read(e, strlen(e->prefix), data, &rev, err))
                return false;
        if (rev == e->data_rev)
                return true;
        memcpy(e->data, data, sizeof(data));
        e->data_rev = rev;
        return etcd_node_take(e, err);
}

enum store_rc etcd_adopt(void *self, const struct store_guard *guards, size_t n, int timeout_ms,
                         struct err *err)
{
        struct etcd *e = self;
        struct store_guard all[STORE_GUARDS_MAX + 1];
        struct buf keys = BUF_INIT;
        struct etcd_own own = { .root = e->beside,
                                .put_key = SLICE_LIT("m/data"),
                                .sweep_also = SLICE_LIT("n/") };
        char data[ETCD_DATA_MAX + 1];
        enum store_rc rc = STORE_IO;

        if (!e->beside || n > STORE_GUARDS_MAX) {
                err_set(err, ERR_INTERNAL, "the store is no stage of another");
                return STORE_IO;
        }
        (void)buf_extend(&keys, (n + 1) * (ETCD_DATA_MAX + STORE_KEY_MAX));
        keys.n = 0;
        for (size_t i = 0; i < n; i++) {
                size_t at = keys.n;

                buf_put_text(&keys, e->beside_data);
                buf_put_slice(&keys, guards[i].key);
                all[i] = guards[i];
                all[i].key = slice_of(keys.p + at, keys.n - at);
        }
        all[n] = (struct store_guard){ e->beside_rev ? STORE_REV_IS : STORE_ABSENT, SLICE_LIT("m/data"),
                                       e->beside_rev };
        own.guards = all;
        own.guard_count = n + 1;
        (void)snprintf(data, sizeof(data), "%.*sd/", ETCD_STAGE_SIZE, e->prefix + e->beside);
        own.put_value = slice_str(data);
        if (buf_ok(&keys))
                rc = etcd_change_own(e, &own, timeout_ms, err);
        else
                err_set(err, ERR_MEMORY, "no memory to adopt a store");
        buf_clear(&keys);
        return rc;
}
