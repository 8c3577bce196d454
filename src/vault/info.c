/* What the node says of itself: most of it before any login. */
#include "vault/members.h"
#include "vault/partition.h"
#include "vault/policy.h"
#include "vault/users.h"
#include "vault/tuning.h"

#include <stdio.h>

#define FIPS_APPROVED  2 /* "FIPS mode", as documented; 0: no restriction of algorithms */
#define MEMORY_PUBLIC  (64ull * 1024 * 1024)
#define MEMORY_PRIVATE (1024ull * 1024 * 1024)

static bool memory(struct vault_call *call)
{
        return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

static Chsm__Version *version_of(struct vault_call *call)
{
        Chsm__Version *version = arena_alloc(call->arena, sizeof(*version));
        unsigned major = 0, minor = 0, patch = 0;

        if (!version)
                return NULL;
        chsm__version__init(version);
        if (sscanf(CHSM_VERSION, "%u.%u.%u", &major, &minor, &patch) == 3) {
                version->major = major;
                version->minor = minor;
                version->patch = patch;
        }
        return version;
}

static bool node_fill(struct vault_call *call, const struct vault_member *m, Chsm__Node *node)
{
        chsm__node__init(node);
        node->number = m->number;
        node->name = arena_text(call->arena, slice_str(m->name));
        node->host = arena_text(call->arena, slice_str(m->host));
        node->port = m->port;
        node->connected = vault_member_connected(call->vault, m);
        node->zone = arena_text(call->arena, slice_str(m->zone));
        return node->name && node->host && node->zone;
}

/* What changes all the time, and what clients need not know to choose a node. */
static bool node_fill_more(struct vault_call *call, const struct vault_member *m, Chsm__Node *node)
{
        node->health = vault_member_health(call->vault, m);
        node->version = arena_text(call->arena, slice_str(m->version));
        node->revision = m->revision;
        node->lag = m->lag;
        node->in_flight = m->load.in_flight;
        node->per_second = m->load.per_second;
        node->cpu_permille = m->load.cpu_permille;
        node->never_heard = m->heard_ms == 0;
        if (m->heard_ms)
                node->heard_ms = (uint64_t)(clock_mono_ms(&call->vault->deps.clock) - m->heard_ms);
        return node->version != NULL;
}

static Chsm__Node **nodes_of(struct vault_call *call, bool all, size_t *n)
{
        struct vault_member members[VAULT_MEMBERS_MAX];
        size_t count = vault_members_list(call->vault, members);
        Chsm__Node *nodes = arena_alloc(call->arena, count * sizeof(*nodes));
        Chsm__Node **list = arena_alloc(call->arena, count * sizeof(*list));

        for (size_t i = 0; i < count; i++) {
                if (!nodes || !list || !node_fill(call, &members[i], &nodes[i]) ||
                    (all && !node_fill_more(call, &members[i], &nodes[i])))
                        return NULL;
                list[i] = &nodes[i];
        }
        *n = count;
        return list;
}

static bool id_fill(struct vault_call *call, ProtobufCBinaryData *out)
{
        struct slice id = arena_copy(call->arena, vault_partition_id(call->vault));

        out->data = (uint8_t *)(uintptr_t)id.p;
        out->len = id.n;
        return id.p != NULL;
}

/* Two copies of a partition have one id, and tickets of one do not open the other: what these are sealed with
 * tells the copies apart. */
static bool copy_id_fill(struct vault_call *call, ProtobufCBinaryData *out)
{
        struct slice key = vault_ticket_key(call->vault);
        uint8_t *p = arena_alloc(call->arena, CRYPTO_HASH_SIZE);

        if (!p)
                return false;
        if (!key.n)
                return true;
        out->data = p;
        out->len = VAULT_ID_SIZE;
        return crypto_hmac_sha256(call->vault->deps.crypto, key, SLICE_LIT("copy of a partition"), p);
}

bool vault_hello(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__HelloResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return memory(call);
        chsm__hello_response__init(r);
        r->version = version_of(call);
        r->state = (uint32_t)vault_state(v);
        r->node = arena_text(call->arena, slice_str(v->config.node_name));
        r->node_number = v->config.node_number;
        r->token_label = arena_text(call->arena, slice_str(v->config.token_label));
        r->nodes = nodes_of(call, false, &r->n_nodes);
        if (!r->version || !r->node || !r->token_label || !r->nodes || !id_fill(call, &r->partition_id) ||
            !copy_id_fill(call, &r->copy_id))
                return memory(call);
        call->response->hello = r;
        call->response->body_case = CHSM__RESPONSE__BODY_HELLO;
        return true;
}

bool vault_node_info(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__NodeInfoResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return memory(call);
        chsm__node_info_response__init(r);
        r->label = arena_text(call->arena, slice_str(v->config.token_label));
        r->model = arena_text(call->arena, slice_str("chsm"));
        r->serial = arena_text(call->arena, slice_str(vault_partition_serial(v)));
        r->manufacturer = arena_text(call->arena, slice_str("chsm project"));
        r->total_public_memory = r->free_public_memory = MEMORY_PUBLIC;
        r->total_private_memory = r->free_private_memory = MEMORY_PRIVATE;
        r->firmware = version_of(call);
        r->build = arena_text(call->arena, slice_str(CHSM_VERSION));
        r->library = arena_text(call->arena, slice_str(crypto_library_version(v->deps.crypto)));
        r->fips_state = vault_policy_approved_only(v) ? FIPS_APPROVED : 0;
        r->uptime_s = (uint64_t)(clock_mono_ms(&v->deps.clock) - v->opened_ms) / 1000;
        r->state = (uint32_t)vault_state(v);
        if (!r->label || !r->model || !r->serial || !r->manufacturer || !r->firmware || !r->build ||
            !r->library)
                return memory(call);
        call->response->node_info = r;
        call->response->body_case = CHSM__RESPONSE__BODY_NODE_INFO;
        return true;
}

bool vault_partition_info(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__PartitionInfoResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_metrics metrics;

        if (!r)
                return memory(call);
        chsm__partition_info_response__init(r);
        vault_metrics(v, &metrics);
        r->name = arena_text(call->arena, slice_str("PARTITION_1"));
        r->state = (uint32_t)vault_state(v);
        r->users = metrics.users;
        r->max_users = v->config.max_users;
        r->keys = metrics.objects;
        r->max_keys = v->config.max_keys;
        r->session_objects_opened = metrics.sessions_opened;
        r->revision = metrics.revision;
        r->fips_state = vault_policy_approved_only(v) ? FIPS_APPROVED : 0;
        r->min_password = VAULT_PASSWORD_MIN;
        r->max_password = VAULT_PASSWORD_MAX;
        r->lock_after = vault_tuning_now(v, VAULT_TUNE_LOCK_AFTER);
        r->profile = arena_text(
            call->arena, slice_str(vault_profile_name((enum vault_profile)vault_settings_now(v).profile)));
        if (!r->name || !r->profile || !id_fill(call, &r->partition_id))
                return memory(call);
        call->response->partition_info = r;
        call->response->body_case = CHSM__RESPONSE__BODY_PARTITION_INFO;
        return true;
}

bool vault_cluster_info(struct vault_call *call)
{
        Chsm__ClusterInfoResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct store_health store = vault_store_health(call->vault);

        if (!r)
                return memory(call);
        chsm__cluster_info_response__init(r);
        r->nodes = nodes_of(call, true, &r->n_nodes);
        r->node = call->vault->config.node_number;
        r->store = arena_text(call->arena, slice_str(store.engine ? store.engine : ""));
        r->store_members = store.members;
        r->store_answering = store.answering;
        r->changes_possible = store.changes_possible;
        r->store_revision = store.rev;
        if (!r->nodes || !r->store)
                return memory(call);
        call->response->cluster_info = r;
        call->response->body_case = CHSM__RESPONSE__BODY_CLUSTER_INFO;
        return true;
}
