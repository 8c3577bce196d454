/* What a region does and does not do, by what it is. docs/regions.md has the same as a table. */
#include "vault/commit.h"
#include "vault/history.h"
#include "vault/region_internal.h"

/* Of commands that change nothing by themselves: they need a failure counter or a record that is the
 * primary's, right or wrong. */
static const uint32_t counted[] = { CHSM__REQUEST__BODY_LOGIN, CHSM__REQUEST__BODY_AUTHORISE,
                                    CHSM__REQUEST__BODY_GET_CHALLENGE, CHSM__REQUEST__BODY_UNLOCK_OFFICER };

/* What a region that was superseded still does: an officer takes out what only it has. */
static const uint32_t rescue[] = {
        CHSM__REQUEST__BODY_LOGIN,          CHSM__REQUEST__BODY_LOGOUT,
        CHSM__REQUEST__BODY_EXTRACT_MASKED, CHSM__REQUEST__BODY_OPEN_BACKUP,
        CHSM__REQUEST__BODY_READ_BACKUP,    CHSM__REQUEST__BODY_AUDIT_HEADS,
        CHSM__REQUEST__BODY_AUDIT_RECORDS,  CHSM__REQUEST__BODY_AUDIT_EXPORT,
        CHSM__REQUEST__BODY_USER_INFO,      CHSM__REQUEST__BODY_FIND_ALL_KEYS,
        CHSM__REQUEST__BODY_FIND_OBJECTS,   CHSM__REQUEST__BODY_OBJECT_INFO,
        CHSM__REQUEST__BODY_STATE_HASH,     CHSM__REQUEST__BODY_GET_ATTRIBUTES,
};

/* What has its own rules, in every region. */
static bool is_region_command(const struct vault_command *row)
{
        return row->body >= CHSM__REQUEST__BODY_REGION_INFO && row->body <= CHSM__REQUEST__BODY_REGION_UNSEEN;
}

static bool is_in(uint32_t body, const uint32_t *list, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (list[i] == body)
                        return true;
        }
        return false;
}

/* What a node says of itself, to anybody and always. */
static bool is_open(const struct vault_command *row)
{
        return (row->roles & (1u << VAULT_NOBODY)) && (row->states & (1u << VAULT_UNOWNED)) &&
               !is_in(row->body, counted, sizeof(counted) / sizeof(counted[0]));
}

static bool changes(const struct vault_command *row)
{
        return row->mutating || is_in(row->body, counted, sizeof(counted) / sizeof(counted[0]));
}

static bool primary_may(struct vault *v, const struct vault_command *row, struct err *err)
{
        struct vault_region *r = v->region;
        struct vault_region_follower list[VAULT_REGION_FOLLOWERS];
        int64_t gone;

        if (!r->host.lease_ms || !changes(row) || !vault_region_followers(v, list))
                return true;
        gone = clock_mono_ms(&v->deps.clock) - atomic_load(&r->heard_ms);
        return gone < r->host.lease_ms ||
               err_set(
                   err, ERR_REGION,
                   "this region has not heard of the one that follows it for %lld s, and takes changes for "
                   "%lld s only (region_lease_s): it may have been superseded",
                   (long long)(gone / 1000), (long long)(r->host.lease_ms / 1000));
}

static bool follower_may(struct vault *v, const struct vault_command *row, struct err *err)
{
        struct vault_region_record record;
        store_rev rev;
        int64_t gone;

        vault_region_now(v, &record, &rev);
        if (changes(row))
                return err_set(err, ERR_REGION,
                               "this region follows another one and is read-only: logins and changes are for "
                               "the primary at %.100s; if that is lost, the owner lets this one take over "
                               "(promoteRegion)",
                               record.peer);
        gone = clock_mono_ms(&v->deps.clock) - atomic_load(&v->region->heard_ms);
        return gone < v->config.stale_limit_ms ||
               err_set(
                   err, ERR_REGION,
                   "this region has had no contact with the primary at %.100s for %lld s, and serves keys "
                   "for %lld s only (stale_limit_s); if that is lost, the owner lets this one take over "
                   "(promoteRegion)",
                   record.peer, (long long)(gone / 1000), (long long)(v->config.stale_limit_ms / 1000));
}

static bool fenced_may(struct vault *v, const struct vault_command *row, struct err *err)
{
        struct vault_region_record record;
        store_rev rev;

        if (is_in(row->body, rescue, sizeof(rescue) / sizeof(rescue[0])))
                return true;
        vault_region_now(v, &record, &rev);
        if (record.seen_epoch)
                return err_set(
                    err, ERR_REGION,
                    "this region was superseded by epoch %llu at %.100s; it serves nothing until it "
                    "follows that (demoteRegion)",
                    (unsigned long long)record.seen_epoch, record.peer);
        return err_set(err, ERR_REGION,
                       "this region stands down (demoteRegion) and takes nothing until one is promoted");
}

bool vault_region_admit(struct vault *v, const struct vault_command *row, struct err *err)
{
        if (atomic_load_explicit(&v->region->loading, memory_order_relaxed) && !is_open(row))
                return err_set(err, ERR_RETRY,
                               "this region is being filled from a snapshot of the other one");
        if (is_open(row) || is_region_command(row))
                return true;
        switch (vault_region_role(v)) {
        case VAULT_FOLLOWER:
                return follower_may(v, row, err);
        case VAULT_FENCED:
                return fenced_may(v, row, err);
        default:
                return primary_may(v, row, err);
        }
}

bool vault_region_may_write(struct vault *v, const struct vault_command *row, struct err *err)
{
        if (vault_region_role(v) != VAULT_FOLLOWER || is_region_command(row))
                return true;
        return err_set(
            err, ERR_REGION,
            "this region follows another one and is read-only, and '%s' leaves something behind: "
            "the first use of its kind is remembered with the key, or an authorisation is used up; "
            "it is for the primary (getRegionInfo)",
            row->name);
}

bool vault_region_guard(struct vault *v, struct store_guard *guard)
{
        struct vault_region_record record;
        store_rev rev;

        if (!atomic_load_explicit(&v->region->paired, memory_order_relaxed))
                return false;
        vault_region_now(v, &record, &rev);
        *guard = (struct store_guard){ rev ? STORE_REV_IS : STORE_ABSENT, VAULT_REGION_KEY, rev };
        return true;
}

/* ---- revisions ---- */

#define REV_MASK ((INT64_C(1) << VAULT_REGION_REV_BITS) - 1)

/* What stands in front of the revision. */
static int64_t own_epoch(struct vault *v)
{
        return (int64_t)atomic_load_explicit(&v->region->epoch, memory_order_relaxed) +
               vault_history_count(v);
}

static store_rev own_revision(struct vault *v)
{
        return vault_region_role(v) == VAULT_FOLLOWER
                   ? atomic_load_explicit(&v->region->source, memory_order_relaxed)
                   : atomic_load_explicit(&v->revision, memory_order_acquire);
}

int64_t vault_region_revision(struct vault *v, store_rev committed)
{
        int64_t epoch = own_epoch(v);
        store_rev own = own_revision(v);

        if (own < committed && vault_region_role(v) != VAULT_FOLLOWER)
                own = committed;
        return (epoch << VAULT_REGION_REV_BITS) + own;
}

bool vault_region_is_behind(struct vault *v, int64_t min_revision)
{
        int64_t epoch = own_epoch(v);

        return min_revision >> VAULT_REGION_REV_BITS == epoch && own_revision(v) < (min_revision & REV_MASK);
}

void vault_region_wait(struct vault *v, int64_t min_revision, int64_t wait_ms)
{
        if (vault_region_role(v) != VAULT_FOLLOWER)
                (void)vault_revision_wait(v, min_revision & REV_MASK, wait_ms);
}

store_rev vault_region_until(struct vault *v, int64_t told)
{
        return told >> VAULT_REGION_REV_BITS == own_epoch(v) && vault_region_role(v) != VAULT_FOLLOWER
                   ? told & REV_MASK
                   : 0;
}

bool vault_region_is_superseded(struct vault *v, int64_t min_revision, struct err *err)
{
        int64_t epoch = own_epoch(v);
        int64_t asked = min_revision >> VAULT_REGION_REV_BITS;

        if (asked <= epoch)
                return false;
        err_set(
            err, ERR_REGION,
            "another region has taken over (epoch %lld) from the one that '%s' belongs to (epoch %lld); ask "
            "that one",
            (long long)asked, v->config.node_name, (long long)epoch);
        return true;
}
