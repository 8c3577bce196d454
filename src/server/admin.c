#include "server/admin.h"
#include "server/schedule.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>

struct admin {
        struct server *server;
        struct MHD_Daemon *daemon;
};

static void put_metric(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
                   (unsigned long long)value);
}

struct command_text {
        struct buf calls, failures, seconds;
};

static void put_command(void *arg, const char *name, uint64_t calls, uint64_t failures, uint64_t us)
{
        struct command_text *t = arg;

        buf_printf(&t->calls, "chsm_requests_total{command=\"%s\"} %llu\n", name, (unsigned long long)calls);
        buf_printf(&t->failures, "chsm_request_failures_total{command=\"%s\"} %llu\n", name,
                   (unsigned long long)failures);
        buf_printf(&t->seconds, "chsm_request_seconds_total{command=\"%s\"} %llu.%06llu\n", name,
                   (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000));
}

static void put_events(struct node *n, struct buf *out)
{
        struct events_counts c;

        if (!n->events)
                return;
        events_counts(n->events, &c);
        put_metric(out, "chsm_events_total", "counter", "Records of the operation event log.", c.taken);
        put_metric(out, "chsm_events_lost_total", "counter", "Records that could not be kept.", c.lost);
        put_metric(out, "chsm_events_spool_bytes", "gauge", "Records on disk for destinations that are away.",
                   c.spooled_bytes);
        buf_put_text(out, "# HELP chsm_events_sent_total Records delivered.\n"
                          "# TYPE chsm_events_sent_total counter\n");
        for (size_t i = 0; i < 4 && c.destinations[i].name; i++)
                buf_printf(out, "chsm_events_sent_total{destination=\"%s\"} %llu\n", c.destinations[i].name,
                           (unsigned long long)c.destinations[i].sent);
        buf_put_text(out, "# HELP chsm_events_retries_total Deliveries that failed and were tried again.\n"
                          "# TYPE chsm_events_retries_total counter\n");
        for (size_t i = 0; i < 4 && c.destinations[i].name; i++)
                buf_printf(out, "chsm_events_retries_total{destination=\"%s\"} %llu\n",
                           c.destinations[i].name, (unsigned long long)c.destinations[i].retries);
}

static void put_backups(struct schedule *schedule, struct buf *out)
{
        struct schedule_state state;

        schedule_state(schedule, &state);
        put_metric(out, "chsm_backups_total", "counter", "Backups made by schedule.", state.made);
        put_metric(out, "chsm_backup_failures_total", "counter", "Scheduled backups that failed.",
                   state.failed);
        put_metric(out, "chsm_backup_failing", "gauge", "1: the last scheduled backup failed.",
                   state.failing);
        put_metric(out, "chsm_backup_last_seconds", "gauge", "Time of the newest backup, Unix seconds.",
                   (uint64_t)state.last_s);
}

static bool metrics(struct server *s, struct buf *out)
{
        struct vault_metrics m;
        struct command_text t = { BUF_INIT, BUF_INIT, BUF_INIT };

        vault_metrics(s->node->vault, &m);
        put_metric(out, "chsm_objects", "gauge", "Token objects in the partition.", m.objects);
        put_metric(out, "chsm_users", "gauge", "Users of the partition.", m.users);
        put_metric(out, "chsm_state", "gauge", "Life cycle: 1 unowned, 2 owned, 3 activated.",
                   (uint64_t)vault_state(s->node->vault));
        put_metric(out, "chsm_revision", "gauge", "Store revision this node has applied.",
                   (uint64_t)m.revision);
        put_metric(out, "chsm_store_alarms_total", "counter",
                   "Times that the store was not what the partition's nodes wrote.", m.store_alarms);
        put_metric(out, "chsm_store_repairs_total", "counter",
                   "Changes that the store did not tell of, found by comparing.", m.store_repairs);
        put_metric(out, "chsm_store_foreign_keys", "gauge",
                   "Keys in the store that no node wrote and none uses.", m.store_foreign);
        put_metric(out, "chsm_store_sweeps_total", "counter", "Comparisons of memory with the store.",
                   m.store_sweeps);
        put_metric(out, "chsm_store_rereads_total", "counter", "Times that the store was read again at once.",
                   m.store_rereads);
        put_metric(out, "chsm_connections", "gauge", "Open connections.", atomic_load(&s->connections));
        put_metric(out, "chsm_connections_accepted_total", "counter", "Connections accepted.",
                   atomic_load(&s->accepted));
        put_metric(out, "chsm_connections_refused_total", "counter", "Connections refused.",
                   atomic_load(&s->refused));
        put_metric(out, "chsm_session_objects_opened_total", "counter", "Session objects opened.",
                   m.sessions_opened);
        put_metric(out, "chsm_session_object_cache_hits_total", "counter", "Session objects found open.",
                   m.cache_hits);
        put_metric(out, "chsm_audit_lost_total", "counter", "Records of key use lost to a failing disk.",
                   audit_writer_lost(s->node->audit));
        admin_put_cluster(s, out);
        admin_put_region(s, out);
        put_events(s->node, out);
        if (s->schedule)
                put_backups(s->schedule, out);
        vault_command_metrics(s->node->vault, put_command, &t);
        buf_put_text(out,
                     "# HELP chsm_requests_total Requests by command.\n# TYPE chsm_requests_total counter\n");
        buf_put_slice(out, buf_slice(&t.calls));
        buf_put_text(out, "# HELP chsm_request_failures_total Requests refused or failed.\n"
                          "# TYPE chsm_request_failures_total counter\n");
        buf_put_slice(out, buf_slice(&t.failures));
        buf_put_text(out, "# HELP chsm_request_seconds_total Time spent in requests.\n"
                          "# TYPE chsm_request_seconds_total counter\n");
        buf_put_slice(out, buf_slice(&t.seconds));
        buf_clear(&t.calls);
        buf_clear(&t.failures);
        buf_clear(&t.seconds);
        return buf_ok(out);
}

static unsigned page(struct server *s, const char *url, struct buf *out)
{
        if (strcmp(url, "/healthz") == 0) {
                buf_put_text(out, "ok\n");
                return MHD_HTTP_OK;
        }
        if (strcmp(url, "/readyz") == 0) {
                bool stopping = atomic_load(&s->stopping), draining = atomic_load(&s->draining);
                bool ready = !stopping && !draining;

                buf_put_text(out, stopping ? "stopping\n" : draining ? "draining\n" : "ready\n");
                return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
        }
        if (strcmp(url, "/metrics") == 0)
                return metrics(s, out) ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
        buf_put_text(out, "try /healthz, /readyz or /metrics\n");
        return MHD_HTTP_NOT_FOUND;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *data_n,
                              void **state)
{
        struct admin *a = arg;
        struct buf out = BUF_INIT;
        struct MHD_Response *response;
        enum MHD_Result rc = MHD_NO;
        unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;

        (void)version;
        (void)data;
        (void)state;
        *data_n = 0;
        if (strcmp(method, "GET") == 0)
                status = page(a->server, url, &out);
        response = MHD_create_response_from_buffer(out.n, out.p, MHD_RESPMEM_MUST_COPY);
        if (response) {
                (void)MHD_add_response_header(response, "Content-Type",
                                              "text/plain; version=0.0.4; charset=utf-8");
                rc = MHD_queue_response(connection, status, response);
                MHD_destroy_response(response);
        }
        buf_clear(&out);
        return rc;
}

struct admin *admin_open(struct server *s, const char *address, uint16_t port, uint16_t *bound,
                         struct err *err)
{
        struct admin *a = calloc(1, sizeof(*a));
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
        const union MHD_DaemonInfo *info;

        if (!a || inet_pton(AF_INET, address, &at.sin_addr) != 1) {
                err_set(err, a ? ERR_CONFIG : ERR_MEMORY, "admin_listen '%s' is not an IPv4 address",
                        address);
                free(a);
                return NULL;
        }
        a->server = s;
        a->daemon =
            MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, port, NULL, NULL, answer, a,
                             MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_CONNECTION_LIMIT, 64u,
                             MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
        info = a->daemon ? MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
        if (!info) {
                err_set(err, ERR_CONNECT, "the admin endpoint cannot listen on %s port %u", address, port);
                admin_close(&a);
                return NULL;
        }
        *bound = info->port;
        return a;
}

void admin_close(struct admin **ap)
{
        struct admin *a = *ap;

        *ap = NULL;
        if (a && a->daemon)
                MHD_stop_daemon(a->daemon);
        free(a);
}
