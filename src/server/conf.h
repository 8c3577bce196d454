/* The node's configuration file. */
#ifndef CHSM_SERVER_CONF_H
#define CHSM_SERVER_CONF_H

#include "base/conf.h"

struct server_conf {
        char *data_dir; /* store, audit log, clients' certificates and the node's key live below it */
        char *listen, *advertise_host;
        int64_t port;
        char *ready_file;
        char *admin_listen;
        int64_t admin_port; /* -1: off */
        char *node_name, *token_label, *zone;
        int64_t node_number;
        bool demand_client;
        char *client_trust;
        int64_t loops, commit_threads, slow_threads;
        int64_t max_frame, max_connections, idle_timeout_s;
        char *log_target;
        int log_level;
        int64_t lock_after, ticket_life_h, max_keys, max_users, password_memory_kib, password_passes;
        int store; /* 0 sqlite, 1 etcd */
        int64_t stale_limit_s, sweep_interval_s, drain_s, certificate_warning_days;
        bool accept_edited_store;
        char *etcd_members, *etcd_ca, *etcd_certificate, *etcd_private_key, *etcd_prefix;
        char *operator_certificate, *node_certificate, *node_private_key, *owner_certificate;
        char **region_peer;
        int64_t region_lease_s;
        char *backup_dir;
        int64_t backup_interval_s, backup_keep;
        bool accept_cut_log;
        int64_t audit_keep_days;
        char *events_file, *events_syslog, *events_journal, *events_url;
        char *events_ca, *events_certificate, *events_key, *events_authorization;
        char *events_tenant, *events_resource;
        int64_t events_file_mib, events_file_keep, events_spool_mib, events_batch, events_retry_max_s;
        int events_full;
        bool events_names;
        char *fail_self_test;
};

extern const struct conf_row server_conf_rows[];
extern const size_t server_conf_rows_n;

#endif
