/* A region takes over, with the owner's signature; a region stands down; what it had that the other one does
 * not have. */
#include "base/log.h"
#include "vault/ledger.h"
#include "vault/clone.h"
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/region_internal.h"

#include <stdio.h>

/* The primary answered a moment ago and may still take changes, which would be lost. */
#define IN_CONTACT_MS 10000

static bool primary_is_quiet(struct vault_call *call, const struct vault_region_record *now)
{
        struct vault_region_notes notes;
        int64_t gone;

        vault_region_notes(call->vault, &notes);
        gone = clock_mono_ms(&call->vault->deps.clock) - notes.heard_ms;
        if (now->role != VAULT_FOLLOWER || !notes.heard_ms || gone > IN_CONTACT_MS || notes.fenced)
                return true;
        return err_set(
            &call->err, ERR_REGION,
            "the primary at %.100s answered %lld ms ago and takes changes: demoteRegion there first, "
            "or force it and lose what is not here yet",
            now->peer, (long long)gone);
}

static bool owner_agrees(struct vault_call *call)
{
        const Chsm__RegionPromoteRequest *in = call->request->region_promote;
        struct buf text = BUF_INIT;
        struct err err = ERR_INIT;
        bool ok = vault_region_statement(call->vault, &text, &call->err);

        if (ok && !vault_clone_owner_signed(call->vault, buf_slice(&text),
                                            slice_of(in->signature.data, in->signature.len), &err))
                ok = err_set(
                    &call->err, ERR_SIGNATURE,
                    "this is not the owner's signature of this node's present statement: getRegionInfo "
                    "FILE writes it, and openssl dgst -sha256 -sign PO.key signs it");
        buf_clear(&text);
        return ok;
}

/* What the region becomes with this call. */
static bool answer(struct vault_call *call, const struct vault_region_record *r, store_rev rev)
{
        if (!vault_region_put(call, r, rev) || !vault_region_info(call))
                return false;
        call->response->region_info->role = (uint32_t)r->role; /* as it will be */
        call->response->region_info->epoch = r->epoch;
        return true;
}

/* Tickets of before open no more: what the old primary changed last, and this region does not know, may have
 * ended them. */
static bool put_tickets(struct vault_call *call)
{
        struct buf fresh = BUF_INIT;
        uint8_t *p = buf_extend(&fresh, 16);
        bool ok = p && crypto_random(call->vault->deps.crypto, p, 16, &call->err) &&
                  vault_record_put(call, vault_call_key(call, "p/tickets", SLICE_EMPTY), &fresh);

        buf_clear(&fresh);
        return ok || (call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory to take over"));
}

bool vault_region_promote(struct vault_call *call)
{
        struct vault *v = call->vault;
        struct vault_region_record r;
        store_rev rev;

        vault_region_now(v, &r, &rev);
        if (r.role == VAULT_PRIMARY)
                return err_set(&call->err, ERR_REGION, "this region is primary already, with epoch %llu",
                               (unsigned long long)r.epoch);
        if (vault_region_is_loading(v))
                return err_set(&call->err, ERR_REGION, "this region is being filled from a snapshot");
        if (!owner_agrees(call) || (!call->request->region_promote->force && !primary_is_quiet(call, &r)))
                return false;
        r.epoch = (r.seen_epoch > r.epoch ? r.seen_epoch : r.epoch) + 1;
        r.role = VAULT_PRIMARY;
        r.by = v->config.node_number;
        r.seen_epoch = 0;
        r.seen = 0;
        r.rejoin = false;
        call->subject = arena_printf(call->arena, "epoch %llu", (unsigned long long)r.epoch);
        if (!call->subject)
                return err_set(&call->err, ERR_MEMORY, "no memory to take over");
        /* What was followed came in parts; from here on the books are this region's. */
        vault_ledger_rebase(v);
        return put_tickets(call) && answer(call, &r, rev);
}

bool vault_region_demote(struct vault_call *call)
{
        struct vault *v = call->vault;
        struct vault_region_record r;
        store_rev rev;

        vault_region_now(v, &r, &rev);
        if (r.role == VAULT_FOLLOWER)
                return err_set(&call->err, ERR_REGION, "this region follows another one already");
        if (r.role == VAULT_FENCED && !r.seen_epoch)
                return err_set(&call->err, ERR_REGION,
                               "this region has stood down already; promote one, and this one follows it");
        if (r.role == VAULT_FENCED && r.rejoin)
                return err_set(&call->err, ERR_REGION, "this region is on its way to follow %.100s", r.peer);
        if (r.role == VAULT_FENCED && !v->region->host.asks)
                return err_set(
                    &call->err, ERR_CONFIG,
                    "node '%s' has no node of the other region to follow: set region_peer to %.100s "
                    "and start it anew",
                    v->config.node_name, r.peer);
        if (r.role == VAULT_PRIMARY && !atomic_load(&v->region->paired))
                return err_set(&call->err, ERR_REGION,
                               "no other region follows this one, none could take over");
        r.rejoin = r.role == VAULT_FENCED;
        r.role = VAULT_FENCED;
        r.by = v->config.node_number;
        call->subject = arena_text(call->arena, slice_str(r.rejoin ? "follow" : "stand down"));
        if (!call->subject)
                return err_set(&call->err, ERR_MEMORY, "no memory to stand down");
        return answer(call, &r, rev);
}

/* ---- what only this region has ---- */

static bool unseen_visit(void *arg, const struct store_event *e)
{
        struct vault_region_unseen *u = arg;

        if (e->rev <= u->since)
                return true;
        u->count++;
        if (u->count <= u->limit && u->lines.n + e->value.n <= u->bytes)
                buf_put_slice(&u->lines, e->value);
        return true;
}

bool vault_region_unseen(struct vault *v, struct vault_region_unseen *u, struct err *err)
{
        struct vault_region_record r;
        store_rev rev, at;

        vault_region_now(v, &r, &rev);
        if (r.role != VAULT_FENCED || !r.seen_epoch)
                return err_set(err, ERR_REGION,
                               "this region was not superseded: no other one has less than it");
        u->since = r.seen;
        return store_load(v->deps.store, SLICE_LIT("m/"), unseen_visit, u, &at, err) == STORE_OK &&
               (buf_ok(&u->lines) || err_set(err, ERR_MEMORY, "no memory for the records"));
}

bool vault_region_list_unseen(struct vault_call *call)
{
        Chsm__RegionUnseenResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_region_unseen u = { .limit = call->request->region_unseen->limit,
                                         .bytes = (size_t)128 * 1024 };
        struct slice copy = SLICE_EMPTY;
        bool ok = r || err_set(&call->err, ERR_MEMORY, "no memory for the answer");

        ok = ok && vault_region_unseen(call->vault, &u, &call->err);
        if (ok) {
                chsm__region_unseen_response__init(r);
                copy = arena_copy(call->arena, buf_slice(&u.lines));
                ok = copy.p || err_set(&call->err, ERR_MEMORY, "no memory for the records");
        }
        buf_clear(&u.lines);
        if (!ok)
                return false;
        r->revision = u.since;
        r->count = u.count;
        r->lines = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        call->response->region_unseen = r;
        call->response->body_case = CHSM__RESPONSE__BODY_REGION_UNSEEN;
        return true;
}
