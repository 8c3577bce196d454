/* chsm-client: carries the requests of this host's applications to the nodes. */
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/sec.h"
#include "daemon/relay.h"
#include "tls/tls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define CONF_PRESET "/etc/chsm/chsm-client.conf"

/* A socket nobody listens on is left over from a killed daemon; one that answers belongs to a running one. */
static bool clear_stale(const struct sockaddr_un *at, struct err *err)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

        if (fd >= 0)
                (void)close(fd);
        if (alive)
                return err_set(err, ERR_CONFIG, "another chsm-client serves '%s'", at->sun_path);
        (void)unlink(at->sun_path);
        return true;
}

static int listen_here(const struct daemon_conf *conf, struct err *err)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        char *end;
        long mode = strtol(conf->socket_mode, &end, 8);
        int fd;

        if (*end || mode < 0 || mode > 0777) {
                err_set(err, ERR_CONFIG, "socket_mode '%s' is not an octal mode like 0660",
                        conf->socket_mode);
                return -1;
        }
        if (strlen(conf->socket) >= sizeof(at.sun_path)) {
                err_set(err, ERR_CONFIG, "socket path '%s' is longer than %zu bytes", conf->socket,
                        sizeof(at.sun_path) - 1);
                return -1;
        }
        memcpy(at.sun_path, conf->socket, strlen(conf->socket) + 1);
        if (!clear_stale(&at, err))
                return -1;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
            chmod(conf->socket, (mode_t)mode) != 0 || listen(fd, 512) != 0) {
                err_set_errno(err, ERR_FILE, errno, "cannot listen on socket '%s'", conf->socket);
                if (fd >= 0)
                        (void)close(fd);
                return -1;
        }
        return fd;
}

static void accept_one(struct relay_shared *shared, struct relay **relays, unsigned *turn, int listener)
{
        const struct daemon_conf *conf = shared->conf;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct ucred who = { 0 };
        socklen_t n = sizeof(who);
        size_t users;

        if (fd < 0)
                return;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0) {
                (void)close(fd);
                return;
        }
        users = relay_user_count(who.uid, 1);
        if (users > (size_t)conf->max_per_user ||
            atomic_fetch_add(&shared->connections, 1) >= (size_t)conf->max_connections) {
                log_warning("a connection of user %u was closed at once: %s", (unsigned)who.uid,
                            users > (size_t)conf->max_per_user ? "max_connections_per_user"
                                                               : "max_connections");
                if (users <= (size_t)conf->max_per_user)
                        atomic_fetch_sub(&shared->connections, 1);
                (void)relay_user_count(who.uid, -1);
                (void)close(fd);
                return;
        }
        relay_take(relays[(*turn)++ % (unsigned)conf->loops], fd);
}

/* SIGUSR1 asks for the nodes; the relays, whose they are, log them. The other signals are the end. */
static bool is_question(struct relay_shared *shared, struct relay **relays, int signals)
{
        struct signalfd_siginfo info;

        if (read(signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo != SIGUSR1)
                return false;
        atomic_fetch_add(&shared->asked, 1);
        for (int64_t i = 0; i < shared->conf->loops; i++)
                relay_wake(relays[i]);
        return true;
}

static void accept_until_signal(struct relay_shared *shared, struct relay **relays, int listener, int signals)
{
        struct pollfd fds[] = { { .fd = listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
        unsigned turn = 0;

        for (;;) {
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        return;
                if (fds[1].revents && !is_question(shared, relays, signals))
                        return;
                if (fds[0].revents)
                        accept_one(shared, relays, &turn, listener);
        }
}

static bool start(struct relay_shared *shared, struct relay **relays, struct err *err)
{
        for (int64_t i = 0; i < shared->conf->loops; i++) {
                relays[i] = relay_new(shared, err);
                if (!relays[i])
                        return false;
        }
        return true;
}

static bool serve(const struct daemon_conf *conf, int signals, struct err *err)
{
        struct tls_client_config tls_config = { .owner_certificate = conf->nodes.owner_certificate,
                                                .certificate = conf->nodes.certificate,
                                                .private_key = conf->nodes.private_key };
        struct relay_shared shared = { .conf = conf, .options.name = "chsm-client/" CHSM_VERSION };
        struct chsm_endpoint *endpoints = NULL;
        struct tls_context *tls = tls_client_context(&tls_config, err);
        struct relay **relays = calloc((size_t)conf->loops, sizeof(struct relay *));
        bool inherited = sd_listen_fds(1) == 1, ok = false;
        int listener = -1;

        if (tls && relays &&
            client_endpoints(&conf->nodes, &endpoints, &shared.options.endpoint_count, err)) {
                shared.options.dialer = tls_dialer(tls);
                shared.options.endpoints = endpoints;
                listener = inherited ? SD_LISTEN_FDS_START : listen_here(conf, err);
        }
        if (listener >= 0 && start(&shared, relays, err) &&
            (!conf->ready_file || file_write(conf->ready_file, SLICE_LIT("ready\n"), 0644, err))) {
                (void)sd_notify(0, "READY=1");
                log_info("applications can connect to %s", conf->socket);
                accept_until_signal(&shared, relays, listener, signals);
                log_info("stopping");
                ok = true;
        }
        atomic_store(&shared.stopping, true);
        for (int64_t i = 0; relays && i < conf->loops; i++)
                relay_free(&relays[i]);
        if (listener >= 0) {
                (void)close(listener);
                if (!inherited)
                        (void)unlink(conf->socket);
        }
        client_endpoints_free(endpoints, shared.options.endpoint_count);
        free(relays);
        tls_context_free(&tls);
        return ok;
}

static int fail(const char *what, const struct err *err)
{
        fprintf(stderr, "chsm-client: %s%s\n", what, err->detail);
        return err_row(err->id)->exit_code ? err_row(err->id)->exit_code : 1;
}

static int block_signals(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGUSR1);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGXFSZ, SIG_IGN);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
        const char *path = CONF_PRESET, *check = NULL, *print = NULL;
        const struct opt_row rows[] = {
                { 'c', "config", "FILE", "configuration file (" CONF_PRESET ")", &path },
                { 0, "check-config", NULL, "read the configuration and exit", &check },
                { 0, "print-config", NULL, "write a configuration file with every option, and exit", &print },
        };
        const struct opt_program program = {
                "chsm-client", "Carries this host's requests to the HSM's nodes.",
                "[FILE]",      "FILE is the same as --config FILE. See chsm-client(8).",
                rows,          3
        };
        struct daemon_conf conf = { 0 };
        struct err err = ERR_INIT;
        int first, rc = 0;

        switch (opt_parse(&program, argc, argv, &first)) {
        case OPT_EXIT_OK:
                return 0;
        case OPT_EXIT_USAGE:
                return 2;
        default:
                break;
        }
        if (print) {
                conf_print(daemon_conf_rows, daemon_conf_rows_n, "chsm-client", stdout);
                return 0;
        }
        if (first < argc)
                path = argv[first]; /* as azcloudhsm_client takes it */
        if (!client_conf_read(daemon_conf_rows, daemon_conf_rows_n, &conf, "chsm-client", path, &err)) {
                rc = fail("", &err);
        } else if (!check) {
                int signals = block_signals();

                (void)sec_process_harden();
                if (!log_open("chsm-client", conf.log_target, (enum log_level)conf.log_level, &err) ||
                    !serve(&conf, signals, &err))
                        rc = fail("cannot serve: ", &err);
                (void)close(signals);
                log_close();
        }
        conf_clear(daemon_conf_rows, daemon_conf_rows_n, &conf);
        return rc;
}
