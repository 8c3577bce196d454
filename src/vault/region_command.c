/* Commands of the regions: who is primary, letting a node of the other region in, taking over, standing
 * down. */
#include "base/log.h"
#include "vault/clone.h"
#include "vault/commit.h"
#include "vault/members.h"
#include "vault/partition.h"
#include "vault/region_internal.h"

#include <stdio.h>

static bool memory(struct vault_call *call)
{
        return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
        return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

/* ---- records in a call ---- */

bool vault_region_put(struct vault_call *call, const struct vault_region_record *r, store_rev rev)
{
        struct buf value = BUF_INIT;
        bool ok = vault_region_write(call->vault, r, &value);

        ok = ok ? vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, VAULT_REGION_KEY, rev) &&
                      vault_call_put(call, VAULT_REGION_KEY, arena_copy(call->arena, buf_slice(&value)))
                : memory(call);
        buf_clear(&value);
        return ok;
}

bool vault_follower_put(struct vault_call *call, const struct vault_region_follower *f)
{
        struct buf value = BUF_INIT, number = BUF_INIT;
        struct slice key;
        bool ok;

        buf_put_u32(&number, f->number);
        key = buf_ok(&number) ? vault_call_key(call, "z/f/", buf_slice(&number)) : SLICE_EMPTY;
        ok = key.n && vault_follower_write(call->vault, f, key, &value);
        ok = ok ? vault_call_guard(call, f->rev ? STORE_REV_IS : STORE_ABSENT, key, f->rev) &&
                      vault_call_put(call, key, arena_copy(call->arena, buf_slice(&value)))
                : memory(call);
        buf_clear(&value);
        buf_clear(&number);
        return ok;
}

bool vault_follower_of(struct vault_call *call, struct vault_region_follower *out)
{
        struct vault_region_follower list[VAULT_REGION_FOLLOWERS];
        size_t n = vault_region_followers(call->vault, list);

        for (size_t i = 0; call->peer->has_certificate && i < n; i++) {
                if (memcmp(list[i].certificate, call->peer->certificate, sizeof(list[i].certificate)) == 0) {
                        *out = list[i];
                        return true;
                }
        }
        return err_set(&call->err, ERR_ROLE,
                       "this is for nodes of the other region that were let in, by their own certificate");
}

/* ---- info ---- */

bool vault_region_statement(struct vault *v, struct buf *out, struct err *err)
{
        struct vault_region_record r;
        uint64_t next;
        store_rev rev;

        vault_region_now(v, &r, &rev);
        next = (r.seen_epoch > r.epoch ? r.seen_epoch : r.epoch) + 1;
        buf_put_text(out, "chsm: the owner lets a region take over a partition\nPartition: ");
        buf_put_hex(out, vault_partition_id(v));
        buf_printf(out, "\nNode: %u %s\nEpoch: %llu\n", v->config.node_number, v->config.node_name,
                   (unsigned long long)next);
        return buf_ok(out) || err_set(err, ERR_MEMORY, "no memory for a statement");
}

static int64_t since(struct vault *v, int64_t mono_ms)
{
        return mono_ms ? clock_mono_ms(&v->deps.clock) - mono_ms : -1;
}

static bool fill_followers(struct vault_call *call, Chsm__RegionInfoResponse *r)
{
        struct vault_region_follower list[VAULT_REGION_FOLLOWERS];
        size_t n = vault_region_followers(call->vault, list);
        Chsm__RegionFollower *rows = arena_alloc(call->arena, (n + 1) * sizeof(*rows));

        r->followers = arena_alloc(call->arena, (n + 1) * sizeof(*r->followers));
        if (!rows || !r->followers)
                return memory(call);
        for (size_t i = 0; i < n; i++) {
                chsm__region_follower__init(&rows[i]);
                rows[i].number = list[i].number;
                rows[i].name = arena_text(call->arena, slice_str(list[i].name));
                rows[i].revision = list[i].acked;
                rows[i].heard_ms = clock_wall_ms(&call->vault->deps.clock) - list[i].heard_ms;
                r->followers[i] = &rows[i];
                if (!rows[i].name)
                        return memory(call);
        }
        r->n_followers = n;
        return true;
}

bool vault_region_info(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__RegionInfoResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_region_record now;
        struct vault_region_notes notes;
        struct buf statement = BUF_INIT;
        store_rev rev;

        if (!r)
                return memory(call);
        chsm__region_info_response__init(r);
        vault_region_now(v, &now, &rev);
        vault_region_notes(v, &notes);
        r->role = (uint32_t)now.role;
        r->epoch = now.epoch;
        r->revision =
            now.role == VAULT_FOLLOWER ? atomic_load(&v->region->source) : atomic_load(&v->revision);
        r->head = now.role == VAULT_FOLLOWER ? notes.head : r->revision;
        r->lag_ms = since(v, notes.level_ms);
        r->apply_ms = notes.apply_ms;
        r->heard_ms = since(v, notes.heard_ms);
        r->seen_epoch = now.seen_epoch;
        r->peer = arena_text(call->arena, slice_str(now.peer));
        r->trouble = arena_text(call->arena, slice_str(notes.trouble));
        if (vault_region_statement(v, &statement, &call->err))
                r->statement = arena_text(call->arena, buf_slice(&statement));
        buf_clear(&statement);
        if (!r->peer || !r->trouble || !r->statement || !fill_followers(call, r))
                return call->err.id ? false : memory(call);
        call->response->region_info = r;
        call->response->body_case = CHSM__RESPONSE__BODY_REGION_INFO;
        return true;
}

/* ---- letting a node of the other region in ---- */

/* Its number must not be one that gives handles or writes chains here. */
static bool may_be_follower(struct vault_call *call, const struct vault_region_follower *f)
{
        struct vault_member members[VAULT_MEMBERS_MAX];
        struct vault_region_follower list[VAULT_REGION_FOLLOWERS];
        size_t n = vault_members_list(call->vault, members),
               others = vault_region_followers(call->vault, list);

        for (size_t i = 0; i < n; i++) {
                if (members[i].number == f->number || strcmp(members[i].name, f->name) == 0)
                        return err_set(&call->err, ERR_LIFE_CYCLE,
                                       "node %u '%s' has the number or name of node %u '%s' of this region; "
                                       "each region's nodes have their own",
                                       f->number, f->name, members[i].number, members[i].name);
        }
        for (size_t i = 0; i < others; i++) {
                if (list[i].number == f->number && strcmp(list[i].name, f->name) != 0)
                        return err_set(&call->err, ERR_LIFE_CYCLE, "number %u is node '%s', not '%s'",
                                       f->number, list[i].name, f->name);
        }
        return others < VAULT_REGION_FOLLOWERS ||
               err_set(&call->err, ERR_LIFE_CYCLE, "%d nodes follow already", VAULT_REGION_FOLLOWERS);
}

static bool admit(struct vault_call *call, struct vault_region_follower *f, struct buf *answer)
{
        const Chsm__RegionJoinRequest *in = call->request->region_join;
        struct vault_region_follower list[VAULT_REGION_FOLLOWERS];
        struct vault *v = call->vault;
        size_t n = vault_region_followers(v, list);

        if (!v->region->host.admit)
                return err_set(&call->err, ERR_CONFIG,
                               "node '%s' has no certificate of the operator: set operator_certificate, "
                               "node_certificate and node_private_key",
                               v->config.node_name);
        if (vault_region_role(v) == VAULT_FOLLOWER)
                return err_set(&call->err, ERR_REGION, "this region follows another one itself");
        if (!v->region->host.admit(v->region->host.arg, slice_of(in->request.data, in->request.len), f,
                                   answer, &call->err))
                return false;
        if (!call->peer->has_certificate ||
            memcmp(f->certificate, call->peer->certificate, sizeof(f->certificate)) != 0)
                return err_set(&call->err, ERR_CERT_INVALID,
                               "node '%s' asks over a connection with another certificate than its own",
                               f->name);
        for (size_t i = 0; i < n; i++) {
                if (list[i].number == f->number)
                        f->rev = list[i].rev;
        }
        return may_be_follower(call, f);
}

bool vault_region_join(struct vault_call *call)
{
        Chsm__RegionJoinResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_region_follower f = { .number = 0 };
        struct buf answer = BUF_INIT;
        struct slice copy = SLICE_EMPTY;
        bool ok = r || memory(call);

        ok = ok && admit(call, &f, &answer);
        if (ok) {
                chsm__region_join_response__init(r);
                f.admitted_ms = f.heard_ms = clock_wall_ms(&call->vault->deps.clock);
                copy = arena_copy(call->arena, buf_slice(&answer));
                call->subject = arena_text(call->arena, slice_str(f.name));
                ok = (copy.p && call->subject) ? vault_follower_put(call, &f) : memory(call);
        }
        buf_clear(&answer);
        if (!ok)
                return false;
        log_info("node '%s' (%u) of another region may follow this one", f.name, f.number);
        r->answer = bytes_of(copy);
        call->response->region_join = r;
        call->response->body_case = CHSM__RESPONSE__BODY_REGION_JOIN;
        return true;
}

bool vault_region_hear(struct vault_call *call)
{
        const Chsm__RegionMeetRequest *in = call->request->region_meet;
        Chsm__RegionMeetResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault *v = call->vault;
        struct vault_region_record own;
        struct buf value = BUF_INIT;
        store_rev rev;
        bool changed, ok;

        if (!r)
                return memory(call);
        chsm__region_meet_response__init(r);
        if (!call->peer->has_certificate)
                return err_set(&call->err, ERR_ROLE, "this is for nodes of the other region");
        if (in->record.len && !vault_region_meet(v, slice_of(in->record.data, in->record.len), in->address,
                                                 &changed, &call->err))
                return false;
        vault_region_now(v, &own, &rev);
        ok = !rev || vault_region_write(v, &own, &value);
        r->record = bytes_of(arena_copy(call->arena, buf_slice(&value)));
        r->address = arena_text(call->arena, slice_str(v->region->host.address));
        buf_clear(&value);
        if (!ok || !r->record.data || !r->address)
                return memory(call);
        call->response->region_meet = r;
        call->response->body_case = CHSM__RESPONSE__BODY_REGION_MEET;
        return true;
}
