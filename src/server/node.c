#include "server/node.h"
#include "server/region.h"
#include "server/restore.h"
#include "server/seen.h"
#include "base/file.h"
#include "base/log.h"
#include "vault/cluster.h"

#include <stdlib.h>

struct store_config node_store_config(const struct server_conf *c, const char *path)
{
        return (struct store_config){ .engine = c->store ? "etcd" : "sqlite",
                                      .path = path,
                                      .members = c->etcd_members,
                                      .ca = c->etcd_ca,
                                      .certificate = c->etcd_certificate,
                                      .key = c->etcd_private_key,
                                      .prefix = c->etcd_prefix,
                                      .node = (uint32_t)c->node_number };
}

static bool open_store(struct node *n, struct err *err)
{
        char *path = file_join(n->conf->data_dir, "store");
        struct store_config config = node_store_config(n->conf, path);

        n->store = path && file_make_dir(path, 0700, err) ? store_open(&config, err) : NULL;
        free(path);
        return n->store != NULL;
}

static bool open_sealer(struct node *n, struct err *err)
{
        char *path = file_join(n->conf->data_dir, "node.key");
        bool ok = path && server_sealer_open(&n->sealer, n->crypto, path, err);

        free(path);
        return ok;
}

static bool open_vault(struct node *n, uint16_t port, struct err *err)
{
        const struct server_conf *c = n->conf;
        struct vault_deps deps = {
                .store = n->store,
                .crypto = n->crypto,
                .clock = clock_system(),
                .sealer = server_sealer_of(&n->sealer),
                .host = server_host_of(n),
                .config = { .node_name = c->node_name,
                            .node_number = (uint32_t)c->node_number,
                            .host = c->advertise_host[0] ? c->advertise_host : c->listen,
                            .port = port,
                            .zone = c->zone,
                            .token_label = c->token_label,
                            .sweep_ms = c->sweep_interval_s * 1000,
                            .rebase = c->accept_edited_store,
                            .stale_limit_ms = c->stale_limit_s * 1000,
                            .max_keys = (uint64_t)c->max_keys,
                            .max_users = (uint64_t)c->max_users,
                            .lock_after = (uint32_t)c->lock_after,
                            .ticket_life_ms = c->ticket_life_h * 3600 * 1000,
                            .audit_keep_ms = c->audit_keep_days * 24 * 3600 * 1000,
                            .lanes = (uint32_t)c->commit_threads,
                            .password_cost = { (uint32_t)c->password_memory_kib,
                                               (uint32_t)c->password_passes } },
        };

        if (strlen(c->zone) > VAULT_ZONE_MAX)
                return err_set(err, ERR_CONFIG, "zone '%.40s' is longer than %d characters", c->zone,
                               VAULT_ZONE_MAX);
        if (n->identity && !crypto_identity_fingerprint(n->crypto, crypto_identity_certificate(n->identity),
                                                        deps.config.certificate))
                return err_set(err, ERR_INTERNAL, "the node's certificate cannot be hashed");
        n->vault = vault_open(&deps, err);
        if (n->vault)
                node_region_attach(n);
        return n->vault && server_seen_check(n, err) && vault_count_start(n->vault, err);
}

static bool open_audit(struct node *n, struct err *err)
{
        char *path = server_audit_folder(n->conf->data_dir, vault_partition_id(n->vault), err);
        struct audit_writer_config config = { .folder = path,
                                              .node = n->conf->node_name,
                                              .partition_id = vault_partition_id(n->vault),
                                              .crypto = n->crypto,
                                              .clock = clock_system() };

        if (path && vault_sealed_use_log(n->vault, &config.checkpoint, config.checkpoint_hash, err)) {
                if (n->conf->accept_cut_log)
                        config.checkpoint = 0;
                n->audit = audit_writer_open(&config, err);
        }
        free(path);
        if (n->audit)
                vault_set_audit(n->vault, n->audit);
        return n->audit != NULL;
}

static void event_add(void *arg, const struct vault_event *v)
{
        const struct events_event event = { .operation = v->operation,
                                            .opcode = v->opcode,
                                            .address = v->peer->address,
                                            .client = v->peer->client,
                                            .reason = v->reason,
                                            .duration_us = v->duration_us,
                                            .user = v->user,
                                            .object = v->object,
                                            .session = v->session };

        events_add(arg, &event);
}

static bool event_may(void *arg, struct err *err)
{
        return events_may(arg, err);
}

static bool open_events(struct node *n, struct err *err)
{
        const struct server_conf *c = n->conf;
        char *folder = file_join(c->data_dir, "events");
        const struct events_config config = { .node = c->node_name,
                                              .folder = folder,
                                              .file = c->events_file,
                                              .file_max = (uint64_t)c->events_file_mib << 20,
                                              .file_keep = (unsigned)c->events_file_keep,
                                              .syslog = c->events_syslog,
                                              .journal = c->events_journal,
                                              .url = c->events_url,
                                              .ca = c->events_ca,
                                              .certificate = c->events_certificate,
                                              .key = c->events_key,
                                              .authorization = c->events_authorization,
                                              .batch = (unsigned)c->events_batch,
                                              .retry_max_s = (unsigned)c->events_retry_max_s,
                                              .spool_max = (uint64_t)c->events_spool_mib << 20,
                                              .refuse = c->events_full == 1,
                                              .names = c->events_names,
                                              .tenant = c->events_tenant,
                                              .resource = c->events_resource };

        if (!folder)
                return err_set(err, ERR_MEMORY, "no memory for the event log");
        n->events = events_open(&config, err);
        free(folder);
        if (n->events)
                vault_set_events(n->vault, &(struct vault_events){ event_add, event_may, n->events });
        return n->events || !err->id;
}

/* The default folder of clients exists, so that enrolling is copying a file. */
static bool make_trust(struct node *n, struct err *err)
{
        char *path = n->conf->client_trust ? NULL : file_join(n->conf->data_dir, "clients");
        bool ok = n->conf->client_trust || (path && file_make_dir(path, 0755, err));

        free(path);
        return ok;
}

bool node_open(struct node *n, const struct server_conf *conf, uint16_t port, struct err *err)
{
        *n = (struct node){ .conf = conf, .port = port };
        pthread_mutex_init(&n->tls_lock, NULL);
        n->crypto = crypto_new(conf->fail_self_test[0] ? conf->fail_self_test : NULL, err);
        n->certificates = n->crypto ? certificates_open(conf, n->crypto) : NULL;
        if (n->crypto && !n->certificates)
                err_set(err, ERR_MEMORY, "no memory for the node");
        if (n->certificates && file_make_dir(conf->data_dir, 0700, err) &&
            server_restore_finish(conf->data_dir, err) && make_trust(n, err) && open_sealer(n, err) &&
            node_cluster_open(n, err) && open_store(n, err) && node_region_prepare(n, err) &&
            node_cluster_join(n, err) && open_vault(n, port, err) && open_audit(n, err) &&
            open_events(n, err) && node_cluster_begin(n, err))
                return true;
        node_close(n);
        return false;
}

void node_close(struct node *n)
{
        node_region_clear(n);
        tls_context_free(&n->tls);
        vault_close(&n->vault);
        events_close(&n->events);
        audit_writer_close(&n->audit);
        store_close(&n->store);
        server_sealer_close(&n->sealer);
        crypto_identity_free(&n->identity);
        buf_clear(&n->owner);
        certificates_close(&n->certificates);
        crypto_free(&n->crypto);
        pthread_mutex_destroy(&n->tls_lock);
}

static struct tls_context *make_context(struct node *n, uint64_t *generation, struct err *err)
{
        struct vault_identity identity;
        struct tls_context *t = NULL;
        char *folder =
            n->conf->client_trust ? strdup(n->conf->client_trust) : file_join(n->conf->data_dir, "clients");

        if (folder && vault_identity(n->vault, &identity, err)) {
                struct tls_server_config config = { .certificate = buf_slice(&identity.certificate),
                                                    .chain = buf_slice(&identity.chain),
                                                    .private_key_pem = sec_slice(identity.private_key_pem),
                                                    .client_trust = folder,
                                                    .demand_client = n->conf->demand_client };
                t = tls_server_context(&config, err);
                *generation = identity.generation;
                vault_identity_clear(&identity);
        }
        free(folder);
        return t;
}

struct tls_context *node_tls(struct node *n, struct err *err)
{
        struct tls_context *t;
        uint64_t generation = 0;

        pthread_mutex_lock(&n->tls_lock);
        if (!n->tls || n->tls_generation != vault_identity_generation(n->vault)) {
                t = make_context(n, &generation, err);
                if (t) {
                        tls_context_free(&n->tls);
                        n->tls = t;
                        n->tls_generation = generation;
                } else if (n->tls) {
                        log_error("the new TLS context cannot be made, the old one serves on: %s",
                                  err->detail);
                }
        }
        t = n->tls ? tls_context_ref(n->tls) : NULL;
        pthread_mutex_unlock(&n->tls_lock);
        return t;
}

void node_reload(struct node *n)
{
        pthread_mutex_lock(&n->tls_lock);
        n->tls_generation = UINT64_MAX;
        pthread_mutex_unlock(&n->tls_lock);
        if (n->events)
                events_reopen(n->events);
}
