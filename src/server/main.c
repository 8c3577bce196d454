/* chsm-server: one node. */
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "crypto/mechanism.h"
#include "server/admin.h"
#include "server/migrate.h"
#include "server/region.h"
#include "server/restore.h"
#include "server/drain.h"
#include "server/schedule.h"
#include "server/seen.h"
#include "server/status.h"
#include "server/verbs.h"
#include "server/watch.h"
#include "vault/cluster.h"
#include "vault/region.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define CONF_PRESET "/etc/chsm/chsm-server.conf"

static int bind_one(const struct addrinfo *a)
{
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
                        bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 512) != 0)) {
                int saved = errno;
                (void)close(fd);
                errno = saved;
                fd = -1;
        }
        return fd;
}

static uint16_t port_of(int fd)
{
        struct sockaddr_storage at = { 0 };
        socklen_t n = sizeof(at);

        if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
                return 0;
        return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                              : ((struct sockaddr_in *)&at)->sin_port);
}

/* From systemd, or made here. */
static int open_listener(const struct server_conf *conf, uint16_t *port, struct err *err)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
        char service[8];
        int fd = -1, rc;

        if (sd_listen_fds(1) == 1) {
                fd = SD_LISTEN_FDS_START;
        } else {
                (void)snprintf(service, sizeof(service), "%d", (int)conf->port);
                rc = getaddrinfo(conf->listen, service, &hints, &list);
                if (rc != 0) {
                        err_set(err, ERR_CONFIG, "address '%s' of 'listen' is not known: %s", conf->listen,
                                gai_strerror(rc));
                        return -1;
                }
                for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
                        fd = bind_one(a);
                freeaddrinfo(list);
                if (fd < 0)
                        err_set_errno(err, ERR_CONNECT, errno, "cannot listen on %s port %d", conf->listen,
                                      (int)conf->port);
        }
        *port = fd < 0 ? 0 : port_of(fd);
        return fd;
}

static unsigned processors(int64_t asked)
{
        long n = asked ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);

        return n < 1 ? 1 : (unsigned)n;
}

static bool tell_ready(const struct server_conf *conf, uint16_t port, uint16_t admin_port, struct err *err)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "port=%u\nadmin_port=%u\n", port, admin_port);
        if (conf->ready_file && conf->ready_file[0] &&
            !file_write(conf->ready_file, slice_str(text), 0644, err))
                return false;
        (void)sd_notify(0, "READY=1");
        server_status_set(conf, "serving", NULL);
        log_info("node '%s' serves on %s port %u", conf->node_name, conf->listen, port);
        return true;
}

/* Once a second the head of the key-use log is signed into the store: a burnt node loses no more than that.
 * What was purged meanwhile is cleared away. */
static void seal_log(struct server *s)
{
        struct err err = ERR_INIT;

        if (!vault_seal_use_log(s->node->vault, &err))
                log_error("%s", err.detail);
        err = ERR_INIT;
        if (!vault_audit_sweep(s->node->vault, &err))
                log_error("%s", err.detail);
        err = ERR_INIT;
        if (!server_seen_write(s->node, &err))
                log_error("%s", err.detail);
}

/* How often keys were used goes into the store in batches. */
static void store_uses(struct server *s, bool now)
{
        struct err err = ERR_INIT;

        if (!vault_store_uses(s->node->vault, now, &err))
                log_error("%s", err.detail);
}

static void wait_for_signal(struct server *s, const sigset_t *signals)
{
        static const struct timespec second = { .tv_sec = 1 };

        for (;;) {
                int number = sigtimedwait(signals, NULL, &second);

                if (number == SIGHUP) {
                        log_info("reading the clients' certificates again");
                        node_reload(s->node);
                } else if (number == SIGTERM || number == SIGINT) {
                        if (number == SIGTERM && s->node->conf->store && s->node->conf->drain_s)
                                server_drain(s, signals);
                        return;
                }
                if (vault_removed(s->node->vault))
                        return;
                if (atomic_load(&s->node->restored)) {
                        log_info("the partition is to be another one: the node starts anew");
                        return;
                }
                seal_log(s);
                store_uses(s, false);
                node_tick(s->node);
                if (vault_region_is_stale(s->node->vault))
                        atomic_store(&s->node->restored, true);
        }
}

static bool start_loops(struct server *s, int fd, struct err *err)
{
        unsigned n = processors(s->node->conf->loops);

        s->loops = calloc(n, sizeof(struct loop *));
        if (!s->loops)
                return err_set(err, ERR_MEMORY, "no memory for event loops");
        for (; s->loop_count < n; s->loop_count++) {
                s->loops[s->loop_count] = loop_new(s, s->loop_count ? -1 : fd, err);
                if (!s->loops[s->loop_count])
                        return false;
        }
        for (unsigned i = 0; i < n; i++) {
                if (!loop_start(s->loops[i], err))
                        return false;
        }
        return true;
}

/* Requests under way are finished; the loops send their answers and end. */
static void stop(struct server *s)
{
        (void)sd_notify(0, "STOPPING=1");
        log_info("stopping");
        atomic_store(&s->stopping, true);
        for (unsigned i = 0; i < s->loop_count; i++)
                loop_wake(s->loops[i]);
        pool_stop(s->commit);
        pool_stop(s->slow);
        for (unsigned i = 0; i < s->loop_count; i++)
                loop_join(&s->loops[i]);
        pool_free(&s->commit); /* until now a loop may have been in the middle of a request for them */
        pool_free(&s->slow);
        free(s->loops);
}

static bool serve(const struct server_conf *conf, const sigset_t *signals, char **argv, struct err *err)
{
        struct node node;
        struct server s = { .node = &node };
        struct admin *admin = NULL;
        struct watch *watch = NULL;
        struct ticker *sweeper = NULL;
        uint16_t port, admin_port = 0;
        int fd = open_listener(conf, &port, err);
        bool ok = false;

        if (fd < 0 || !node_open(&node, conf, port, err)) {
                if (fd >= 0)
                        (void)close(fd);
                return false;
        }
        s.commit = pool_new("commit", (unsigned)conf->commit_threads, err);
        s.slow = s.commit ? pool_new("slow", processors(conf->slow_threads), err) : NULL;
        if (s.slow && node_region_start(&node, err) && start_loops(&s, fd, err) &&
            (conf->admin_port < 0 ||
             (admin = admin_open(&s, conf->admin_listen, (uint16_t)conf->admin_port, &admin_port, err))) &&
            ((s.schedule = schedule_open(&node, err)) || !err->id) && (watch = watch_open(&s, err)) &&
            (sweeper = sweeper_start(&node, err)) && tell_ready(conf, port, admin_port, err)) {
                wait_for_signal(&s, signals);
                ok = !vault_removed(node.vault) ||
                     err_set(err, ERR_LIFE_CYCLE,
                             "an officer removed this node from the partition (removeNode); it joins again "
                             "with a new certificate of the operator");
        }
        schedule_close(&s.schedule);
        node_region_stop(&node);
        watch_close(&watch);
        ticker_stop(&sweeper);
        stop(&s);
        if (ok) {
                store_uses(&s, true);
                seal_log(&s);
        }
        admin_close(&admin);
        node_close(&node);
        if (ok && atomic_load(&node.restored)) {
                server_start_anew(fd, argv, err);
                ok = false;
        }
        (void)close(fd);
        return ok;
}

static int fail(const char *what, const struct err *err)
{
        fprintf(stderr, "chsm-server: %s%s\n", what, err->detail);
        return err_row(err->id)->exit_code ? err_row(err->id)->exit_code : 1;
}

/* Serves until it is told to end. The program's exit code. */
static int run(const struct server_conf *conf, char **argv)
{
        struct err err = ERR_INIT;
        sigset_t signals;
        int rc = 0;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGXFSZ, SIG_IGN); /* a full quota is an error like a full disk, not an end */
        (void)sec_process_harden();
        if (!log_open("chsm-server", conf->log_target, (enum log_level)conf->log_level, &err)) {
                rc = fail("cannot serve: ", &err);
        } else if (serve(conf, &signals, argv, &err)) {
                server_status_set(conf, "ended", NULL);
        } else {
                server_status_set(conf, "out", err.detail);
                if (strcmp(conf->log_target, "stderr") != 0)
                        log_error("cannot serve: %s", err.detail);
                rc = fail("cannot serve: ", &err);
        }
        log_close();
        return rc;
}

int main(int argc, char **argv)
{
        const char *path = CONF_PRESET, *check = NULL, *print = NULL, *mechanisms = NULL, *backup = NULL;
        const struct opt_row rows[] = {
                { 'c', "config", "FILE", "configuration file (" CONF_PRESET ")", &path },
                { 0, "check-config", NULL, "read the configuration and exit", &check },
                { 0, "print-config", NULL, "write a configuration file with every option, and exit", &print },
                { 0, "print-mechanisms", NULL, "write the table of mechanisms, docs/mechanisms.md, and exit",
                  &mechanisms },
                { 0, "verify-backup", "FILE", "check a backup's form, signatures and hash, and exit",
                  &backup },
        };
        const struct opt_program program = { "chsm-server",
                                             "A node of the chsm cloud HSM.",
                                             "[status | recover [--yes] | migrate --from FILE --to FILE]",
                                             "status: what the node does, and why. recover: accepts a store "
                                             "that went back. See chsm-server(8).",
                                             rows,
                                             5 };
        struct server_conf conf = { 0 };
        struct err err = ERR_INIT;
        int first, rc = 0;

        if (argc > 1 && strcmp(argv[1], "migrate") == 0)
                return server_migrate(argc - 1, argv + 1);
        switch (opt_parse(&program, argc, argv, &first)) {
        case OPT_EXIT_OK:
                return 0;
        case OPT_EXIT_USAGE:
                return 2;
        default:
                break;
        }
        if (print) {
                conf_print(server_conf_rows, server_conf_rows_n, "chsm-server", stdout);
                return 0;
        }
        if (mechanisms) {
                crypto_mechanisms_print(stdout);
                return 0;
        }
        if (backup)
                return schedule_verify(backup, &err) ? 0 : fail("", &err);
        if (!conf_defaults(server_conf_rows, server_conf_rows_n, &conf, &err) ||
            !conf_read(server_conf_rows, server_conf_rows_n, &conf, path, &err)) {
                rc = fail("", &err);
        } else if (!check && first < argc) {
                rc = server_verb(&conf, argc - first, argv + first);
        } else if (!check) {
                rc = run(&conf, argv);
        }
        conf_clear(server_conf_rows, server_conf_rows_n, &conf);
        return rc;
}
