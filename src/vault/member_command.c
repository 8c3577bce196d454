/* removeNode: a node goes for good. Its sealed master key and the head of its key-use log go with it, its
 * certificate lets it in no more, and its number stays its name's, because the chains of its management
 * records begin with that. */
#include "vault/members.h"
#include "vault/partition.h"

#define VERSION 1

/* May it be taken out: is it certain that it does not serve? */
static bool is_gone(struct vault_call *call, const struct vault_member *m)
{
        struct vault *v = call->vault;
        enum vault_health health = vault_member_health(v, m);

        if (m->number == v->config.node_number)
                return err_set(
                    &call->err, ERR_LIFE_CYCLE,
                    "node '%s' cannot take itself out: end it (systemctl stop chsm-server) and ask "
                    "another node",
                    m->name);
        if (health != VAULT_ENDED && health != VAULT_SILENT)
                return err_set(&call->err, ERR_LIFE_CYCLE,
                               "node '%s' is %s; its operator drains it first (systemctl stop chsm-server "
                               "there), then it can be removed",
                               m->name, vault_health_name(health));
        if (health == VAULT_SILENT && !m->heard_ms &&
            clock_mono_ms(&v->deps.clock) - v->opened_ms < VAULT_SILENT_MS)
                return err_set(&call->err, ERR_RETRY,
                               "node '%s' was not heard yet, but node '%s' has only just started to listen; "
                               "try again in %d s",
                               m->name, v->config.node_name, VAULT_SILENT_MS / 1000);
        return true;
}

static bool revoke(struct vault_call *call, const struct vault_member *m)
{
        static const uint8_t none[32];
        struct slice certificate = slice_of(m->certificate, sizeof(m->certificate));
        struct buf body = BUF_INIT;
        bool ok;

        if (slice_equal(certificate, slice_of(none, sizeof(none))))
                return true; /* it never had one */
        buf_put_u8(&body, VERSION);
        buf_put_u32(&body, m->number);
        buf_put_block(&body, slice_str(m->name));
        buf_put_u64(&body, (uint64_t)clock_wall_ms(&call->vault->deps.clock));
        ok = vault_record_put(call, vault_call_key(call, VAULT_REVOKED, certificate), &body);
        buf_clear(&body);
        return ok;
}

/* The store's key of something of that node. */
static struct slice key_of(struct vault_call *call, const char *prefix, uint32_t number, const char *after)
{
        struct buf rest = BUF_INIT;
        struct slice key;

        buf_put_u32(&rest, number);
        buf_put_text(&rest, after);
        key = buf_ok(&rest) ? vault_call_key(call, prefix, buf_slice(&rest)) : SLICE_EMPTY;
        buf_clear(&rest);
        return key;
}

bool vault_remove_node(struct vault_call *call)
{
        uint32_t number = call->request->remove_node->number;
        struct vault_member list[VAULT_MEMBERS_MAX], *m = NULL;
        size_t n = vault_members_list(call->vault, list);

        for (size_t i = 0; i < n; i++) {
                if (list[i].number == number)
                        m = &list[i];
        }
        if (!m)
                return err_set(&call->err, ERR_ARGUMENT,
                               "the partition has no node %u; getClusterInfo lists those it has", number);
        if (!is_gone(call, m))
                return false;
        m->said = VAULT_REMOVED;
        call->subject = arena_text(call->arena, slice_str(m->name));
        return vault_member_put(call, m) && revoke(call, m) &&
               vault_call_delete(call, key_of(call, "p/pmk/", number, "")) &&
               vault_call_delete(call, key_of(call, "a/", number, "")) &&
               vault_call_delete(call, key_of(call, "j/", number, "q")) &&
               vault_call_delete(call, key_of(call, "j/", number, "a")) && vault_call_done(call);
}
