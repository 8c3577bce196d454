/* Who keeps what of the store in memory: one row a key prefix, in the order of loading. p/ comes first, as it
 * holds the keys that all other records need; f/ after u/ and y/ after o/, as a counter belongs to a user or
 * key. */
#include "vault/commit.h"
#include "vault/mask.h"
#include "vault/region_internal.h"

/* The books are the ledger's. */
static bool no_memory(struct vault *v, const struct store_event *e, struct err *err)
{
        (void)v;
        (void)e;
        (void)err;
        return true;
}

static const struct vault_apply_row rows[] = {
        { .prefix = "p/", .apply = vault_partition_apply, .booked = true },
        { .prefix = "k/", .apply = no_memory },
        { .prefix = "z/", .apply = vault_region_record_apply },
        { .prefix = "s/", .apply = vault_settings_apply, .booked = true },
        { .prefix = "c/", .apply = vault_partition_apply, .booked = true },
        { .prefix = "r/", .apply = vault_partition_apply, .booked = true },
        { .prefix = "u/", .apply = vault_users_apply, .booked = true },
        { .prefix = "f/", .apply = vault_failures_apply, .booked = true },
        { .prefix = "g/", .apply = vault_recoveries_apply, .booked = true },
        { .prefix = "h/", .apply = vault_objects_apply, .booked = true },
        { .prefix = "o/", .apply = vault_objects_apply, .booked = true },
        { .prefix = "q/", .apply = vault_lives_apply, .booked = true },
        { .prefix = "l/", .apply = vault_lanes_apply, .booked = true },
        { .prefix = "n/", .apply = vault_members_apply },
        { .prefix = "i/", .apply = vault_idempotency_apply },
        { .prefix = "w/", .apply = vault_quorum_apply, .booked = true },
        { .prefix = "t/", .apply = vault_tokens_apply, .booked = true },
        { .prefix = "y/", .apply = vault_uses_apply },
        { .prefix = "b/", .apply = vault_masks_apply, .booked = true },
        { .prefix = "x/", .apply = vault_authorisations_apply, .booked = true },
        { .prefix = "d/", .apply = vault_udds_apply, .booked = true },
        { .prefix = "e/", .apply = vault_tunings_apply, .booked = true },
};

const struct vault_apply_row *vault_apply_at(size_t i)
{
        return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

bool vault_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        if (vault_region_is_loading(v) && memcmp(e->key.p, "z/", e->key.n < 2 ? e->key.n : 2) != 0)
                return true; /* the node starts anew when the store is whole again */
        for (size_t i = 0; e->key.n > 2 && i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (memcmp(e->key.p, rows[i].prefix, 2) == 0)
                        return rows[i].apply(v, e, err);
        }
        return true;
}

static const struct vault_apply_row *row_of(struct slice key)
{
        for (size_t i = 0; key.n > 2 && i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (memcmp(key.p, rows[i].prefix, 2) == 0)
                        return &rows[i];
        }
        return NULL;
}

bool vault_apply_known(struct slice key)
{
        return row_of(key) != NULL;
}

bool vault_apply_booked(struct slice key)
{
        /* Written beside the transactions that have a lane; each is sealed or guarded on its own. */
        static const char *const beside[] = { "p/pmk/", "p/format", "p/went", "d/n/", "d/b/" };
        const struct vault_apply_row *row = row_of(key);

        for (size_t i = 0; row && i < sizeof(beside) / sizeof(beside[0]); i++) {
                size_t n = strlen(beside[i]);

                if (key.n >= n && memcmp(key.p, beside[i], n) == 0)
                        return false;
        }
        return row && row->booked;
}
