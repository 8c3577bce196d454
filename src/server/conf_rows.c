/* Every option of chsm-server.conf, one row each. */
#include "server/conf.h"
#include "wire/frame.h"

#include <stddef.h>

#define AT(field) .offset = offsetof(struct server_conf, field)

static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

const struct conf_row server_conf_rows[] = {
        { "data_dir", CONF_PATH, AT(data_dir), .preset = "/var/lib/chsm",
          .help = "folder of the store, the audit log, the node's key and the clients' certificates" },
        { "listen", CONF_TEXT, AT(listen), .preset = "127.0.0.1", .help = "address to listen on" },
        { "port", CONF_NUMBER, AT(port), .preset = "2225", .min = 0, .max = 65535,
          .help = "TCP port; 0 takes a free one (see ready_file)" },
        { "advertise_host", CONF_TEXT, AT(advertise_host), .preset = "",
          .help = "host name told to clients in the node list; empty: the address of 'listen'" },
        { "ready_file", CONF_PATH, AT(ready_file), .preset = NULL,
          .help = "file written when the node takes requests: port=N and admin_port=N" },
        { "admin_listen", CONF_TEXT, AT(admin_listen), .preset = "127.0.0.1",
          .help = "address of the admin endpoint (/healthz, /readyz, /metrics)" },
        { "admin_port", CONF_NUMBER, AT(admin_port), .preset = "-1", .min = -1, .max = 65535,
          .help = "port of the admin endpoint; 0 takes a free one, -1 is off" },
        { "node_name", CONF_TEXT, AT(node_name), .preset = "hsm1", .help = "this node's name" },
        { "node_number", CONF_NUMBER, AT(node_number), .preset = "1", .min = 1, .max = 63,
          .help = "this node's number, unique in the cluster; part of every handle it gives" },
        { "token_label", CONF_TEXT, AT(token_label), .preset = "chsm", .help = "label of the PKCS#11 token" },
        { "demand_client_certificate", CONF_BOOL, AT(demand_client), .preset = "yes",
          .help = "refuse clients that show no enrolled certificate" },
        { "client_trust", CONF_PATH, AT(client_trust), .preset = NULL,
          .help =
              "folder of clients' certificates, or CAs of theirs (*.pem, *.crt); default: data_dir/clients" },
        { "loops", CONF_NUMBER, AT(loops), .preset = "0", .min = 0, .max = 256,
          .help = "threads that serve connections; 0: one a processor" },
        { "commit_threads", CONF_NUMBER, AT(commit_threads), .preset = "32", .min = 1, .max = 1024,
          .help = "changes that may wait for the store at once" },
        { "slow_threads", CONF_NUMBER, AT(slow_threads), .preset = "0", .min = 0, .max = 256,
          .help = "threads for key generation and password hashing; 0: one a processor" },
        { "max_frame", CONF_NUMBER, AT(max_frame), .preset = "1048576", .min = 65536,
          .max = WIRE_LIMIT_HIGHEST, .help = "bytes of the largest request after login" },
        { "max_connections", CONF_NUMBER, AT(max_connections), .preset = "4096", .min = 1, .max = 1000000,
          .help = "connections at once; more are closed at once" },
        { "idle_timeout_s", CONF_NUMBER, AT(idle_timeout_s), .preset = "0", .min = 0, .max = 86400,
          .help = "seconds after which a silent connection is closed; 0: never" },
        { "log", CONF_TEXT, AT(log_target), .preset = "stderr", .help = "stderr, syslog, none or a file" },
        { "log_level", CONF_CHOICE, AT(log_level), .preset = "info", .choices = levels,
          .help = "error, warning, info or debug" },
        { "lock_after", CONF_NUMBER, AT(lock_after), .preset = "5", .min = 1, .max = 100,
          .help = "failed logins that lock an account" },
        { "ticket_life_h", CONF_NUMBER, AT(ticket_life_h), .preset = "24", .min = 1, .max = 720,
          .help = "hours a login lasts" },
        { "max_keys", CONF_NUMBER, AT(max_keys), .preset = "1000000", .min = 1, .max = 60000000,
          .help = "objects the partition may hold" },
        { "max_users", CONF_NUMBER, AT(max_users), .preset = "1024", .min = 2, .max = 1000000,
          .help = "users the partition may have" },
        { "password_memory_kib", CONF_NUMBER, AT(password_memory_kib), .preset = "19456", .min = 64,
          .max = 1048576, .help = "memory of one password hash (Argon2id)" },
        { "password_passes", CONF_NUMBER, AT(password_passes), .preset = "2", .min = 1, .max = 100,
          .help = "passes of one password hash (Argon2id)" },
        { "accept_cut_log", CONF_BOOL, AT(accept_cut_log), .preset = "no",
          .help = "start although the key-use log is not the one that the partition signed" },
        { "audit_keep_days", CONF_NUMBER, AT(audit_keep_days), .preset = "90", .min = 0, .max = 36500,
          .help = "days for which audit records cannot be purged" },
        { "fail_self_test", CONF_TEXT, AT(fail_self_test), .preset = "",
          .help = "spoil the self-test of this name, to see that the node stays out of service" },
};
const size_t server_conf_rows_n = sizeof(server_conf_rows) / sizeof(server_conf_rows[0]);
