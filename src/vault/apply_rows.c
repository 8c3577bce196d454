/* Who keeps what of the store in memory: one row a key prefix, in the order of loading. p/ comes first, as it
 * holds the keys that all other records need; f/ after u/ and y/ after o/, as a counter belongs to a user or
 * key. */
#include "vault/commit.h"
#include "vault/mask.h"
#include "vault/region_internal.h"

static const struct vault_apply_row rows[] = {
        { .prefix = "p/", .apply = vault_partition_apply },
        { .prefix = "z/", .apply = vault_region_record_apply },
        { .prefix = "s/", .apply = vault_settings_apply },
        { .prefix = "c/", .apply = vault_partition_apply },
        { .prefix = "r/", .apply = vault_partition_apply },
        { .prefix = "u/", .apply = vault_users_apply },
        { .prefix = "f/", .apply = vault_failures_apply },
        { .prefix = "g/", .apply = vault_recoveries_apply },
        { .prefix = "h/", .apply = vault_objects_apply },
        { .prefix = "o/", .apply = vault_objects_apply },
        { .prefix = "q/", .apply = vault_lives_apply },
        { .prefix = "l/", .apply = vault_lanes_apply },
        { .prefix = "n/", .apply = vault_members_apply },
        { .prefix = "i/", .apply = vault_idempotency_apply },
        { .prefix = "w/", .apply = vault_quorum_apply },
        { .prefix = "t/", .apply = vault_tokens_apply },
        { .prefix = "y/", .apply = vault_uses_apply },
        { .prefix = "b/", .apply = vault_masks_apply },
        { .prefix = "x/", .apply = vault_authorisations_apply },
        { .prefix = "d/", .apply = vault_udds_apply },
        { .prefix = "e/", .apply = vault_tunings_apply },
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
