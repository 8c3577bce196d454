/* Connections over Unix sockets. */
#include "wire/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum wire_io unix_handshake(struct wire_conn *c, struct err *err)
{
        (void)c;
        (void)err;
        return WIRE_IO_OK;
}

static enum wire_io unix_read(struct wire_conn *c, void *p, size_t cap, size_t *n, struct err *err)
{
        ssize_t got = recv(c->fd, p, cap, MSG_DONTWAIT);

        if (got > 0) {
                *n = (size_t)got;
                return WIRE_IO_OK;
        }
        if (got == 0)
                return WIRE_IO_CLOSED;
        if (errno == EAGAIN || errno == EINTR)
                return WIRE_IO_WANT_READ;
        err_set_errno(err, ERR_IO, errno, "reading from a local connection failed");
        return WIRE_IO_FAILED;
}

static enum wire_io unix_write(struct wire_conn *c, const void *p, size_t len, size_t *n, struct err *err)
{
        ssize_t put = send(c->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (put >= 0) {
                *n = (size_t)put;
                return WIRE_IO_OK;
        }
        if (errno == EAGAIN || errno == EINTR)
                return WIRE_IO_WANT_WRITE;
        err_set_errno(err, ERR_IO, errno, "writing to a local connection failed");
        return WIRE_IO_FAILED;
}

static bool unix_pending(const struct wire_conn *c)
{
        (void)c;
        return false;
}

static void unix_fingerprint(const struct wire_conn *c, uint8_t out[WIRE_FINGERPRINT_SIZE])
{
        (void)c;
        memset(out, 0, WIRE_FINGERPRINT_SIZE);
}

static void unix_describe(const struct wire_conn *c, char out[WIRE_PEER_TEXT])
{
        uid_t uid;
        gid_t gid;
        pid_t pid;

        if (wire_unix_peer(c, &uid, &gid, &pid))
                (void)snprintf(out, WIRE_PEER_TEXT, "uid %u pid %d", (unsigned)uid, (int)pid);
        else
                (void)snprintf(out, WIRE_PEER_TEXT, "local");
}

static void unix_close(struct wire_conn *c)
{
        (void)close(c->fd);
        free(c);
}

static const struct wire_conn_ops unix_ops = {
        .handshake = unix_handshake,
        .read = unix_read,
        .write = unix_write,
        .pending = unix_pending,
        .fingerprint = unix_fingerprint,
        .describe = unix_describe,
        .close = unix_close,
};

struct wire_conn *wire_unix_accept(int fd, struct err *err)
{
        struct wire_conn *c = calloc(1, sizeof(*c));

        if (!c) {
                (void)close(fd);
                err_set(err, ERR_MEMORY, "no memory for a connection");
                return NULL;
        }
        c->ops = &unix_ops;
        c->fd = fd;
        return c;
}

/* Local sockets connect at once or not at all. */
static struct wire_conn *unix_dial(void *arg, const char *path, uint16_t port, struct err *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void)arg;
        (void)port;
        if (strlen(path) >= sizeof(address.sun_path)) {
                err_set(err, ERR_CONFIG, "socket path '%s' is longer than %zu bytes", path,
                        sizeof(address.sun_path) - 1);
                return NULL;
        }
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
                err_set_errno(err, ERR_CONNECT, errno, "socket '%s' cannot be reached", path);
                if (fd >= 0)
                        (void)close(fd);
                return NULL;
        }
        return wire_unix_accept(fd, err);
}

struct wire_dialer wire_unix_dialer(void)
{
        return (struct wire_dialer){ unix_dial, NULL };
}

bool wire_unix_peer(const struct wire_conn *c, uid_t *uid, gid_t *gid, pid_t *pid)
{
        struct ucred who;
        socklen_t n = sizeof(who);

        if (c->ops != &unix_ops || getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
                return false;
        *uid = who.uid;
        *gid = who.gid;
        *pid = who.pid;
        return true;
}
