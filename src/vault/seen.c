/* What a node keeps of its store beside it: whose it was, and how many changes it had. */
#include "vault/commit.h"
#include "vault/history.h"
#include "vault/ledger.h"
#include "vault/noted.h"
#include "vault/partition.h"
#include "vault/record_names.h"
#include "vault/region.h"

#define TIMEOUT_MS 30000

/* Notes made before there was an identity have none. */
#define OLD_SIZE  (VAULT_ID_SIZE + 8 + CRYPTO_HASH_SIZE)
#define SEEN_SIZE (OLD_SIZE + 8)

uint64_t vault_changes(struct vault *v)
{
        return vault_ledger_changes(v);
}

static bool tag_of(struct vault *v, struct slice what, uint8_t tag[CRYPTO_HASH_SIZE], struct err *err)
{
        struct buf node = BUF_INIT;
        struct sec *key;
        bool ok;

        buf_put_u32(&node, v->config.node_number);
        key = buf_ok(&node) ? vault_derive(v, "seen", buf_slice(&node), err) : NULL;
        ok = key && crypto_hmac_sha256(v->deps.crypto, sec_slice(key), what, tag);
        sec_free(&key);
        buf_clear(&node);
        return ok;
}

bool vault_seen_put(struct vault *v, struct buf *out, struct err *err)
{
        uint8_t tag[CRYPTO_HASH_SIZE];
        size_t at = out->n;

        buf_put_slice(out, vault_partition_id(v));
        buf_put_u64(out, vault_changes(v));
        buf_put_u64(out, v->store_identity);
        if (!buf_ok(out) || !tag_of(v, slice_of(out->p + at, out->n - at), tag, err))
                return false;
        buf_put(out, tag, sizeof(tag));
        return buf_ok(out);
}

/* What the note says beside what there is. None of this partition: nothing was seen. */
static bool seen_read(struct vault *v, struct slice seen, struct vault_acceptance *a, struct err *err)
{
        uint8_t tag[CRYPTO_HASH_SIZE];
        size_t covered = seen.n - CRYPTO_HASH_SIZE;
        struct reader in = reader_of(seen);
        struct slice id = reader_bytes(&in, VAULT_ID_SIZE), has;
        uint64_t changes = reader_u64(&in), was = seen.n == SEEN_SIZE ? reader_u64(&in) : 0;

        has = reader_bytes(&in, CRYPTO_HASH_SIZE);
        if (!reader_end(&in) || (seen.n != SEEN_SIZE && seen.n != OLD_SIZE))
                return err_set(err, ERR_STORE_DAMAGED, "the note of what the store held cannot be read");
        if (vault_region_role(v) != VAULT_PRIMARY) /* filled from another region */
                return true;
        if (!slice_equal(id, vault_partition_id(v))) /* of the partition that was here before */
                return true;
        if (!tag_of(v, slice_of(seen.p, covered), tag, err))
                return false;
        if (!sec_equal(slice_of(tag, sizeof(tag)), has))
                return err_set(err, ERR_STORE_DAMAGED, "the note of what the store held was changed");
        a->seen = changes;
        a->foreign = was && v->store_identity && was != v->store_identity;
        return true;
}

bool vault_acceptance_ask(struct vault *v, struct slice seen, struct vault_acceptance *a, struct err *err)
{
        *a = (struct vault_acceptance){ .found = vault_changes(v), .edited = vault_ledger_is_rebased(v) };
        return !seen.n || seen_read(v, seen, a, err);
}

bool vault_seen_check(struct vault *v, struct slice seen, struct err *err)
{
        struct vault_acceptance a = { .found = vault_changes(v) };
        char words[RECORD_NAMES_SIZE];

        if (!seen_read(v, seen, &a, err))
                return false;
        if (a.found >= a.seen)
                return !a.foreign ||
                       err_set(
                           err, ERR_STORE_DAMAGED,
                           "the store is another etcd cluster than this node had, made from a copy of it: "
                           "two of them would be two HSMs with the same keys. Connect the node to its own "
                           "one, or, when that is gone for good, run 'chsm-server recover'");
        vault_noted_words(v, words, sizeof(words));
        return err_set(
            err, ERR_STORE_DAMAGED,
            "the store went back: it has %llu changes of the %llu that this node has seen. Put the "
            "newer store back; when that is gone for good, 'chsm-server recover' says what is lost "
            "and accepts it%s%s",
            (unsigned long long)a.found, (unsigned long long)a.seen, words[0] ? ": " : "", words);
}

/* Revisions go back as well: to clients a new history begins. */
bool vault_accept(struct vault *v, const struct vault_acceptance *a, const char *subject, struct err *err)
{
        static const struct vault_peer peer = { .address = "recover" };
        const struct audit_record as = { .time_ms = clock_wall_ms(&v->deps.clock),
                                         .operation = "CN_ACCEPT_STORE",
                                         .opcode = 0x1b5,
                                         .subject = subject,
                                         .peer = peer.address };
        struct vault_call call = { .vault = v, .peer = &peer, .arena = arena_new(64 * 1024, 1024 * 1024) };
        struct audit_record record = as;
        bool ok;

        if (!call.arena)
                return err_set(err, ERR_MEMORY, "no memory to accept a store");
        vault_ledger_lift(v, a->seen > a->found ? a->seen - a->found : 0);
        ok = vault_history_begin(&call) &&
             vault_lane_commit(&call, &record, TIMEOUT_MS, &call.err) == STORE_OK;
        if (!ok)
                err_set(err, call.err.id ? call.err.id : ERR_STORE, "it cannot be recorded: %s",
                        call.err.detail);
        arena_free(&call.arena);
        return ok;
}
