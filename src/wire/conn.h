/* A connection as a set of functions, so that client and server do not know what carries their bytes: a Unix
 * socket (wire/unix.c), mutual TLS over TCP (src/tls), or a pair of buffers in a test.
 *
 * All calls are non-blocking. A connection belongs to one thread at a time. */
#ifndef CHSM_WIRE_CONN_H
#define CHSM_WIRE_CONN_H

#include "base/err.h"
#include "base/slice.h"
#include <sys/types.h>

enum wire_io {
        WIRE_IO_OK,         /* done; *n bytes moved */
        WIRE_IO_WANT_READ,  /* call again when the descriptor is readable */
        WIRE_IO_WANT_WRITE, /* call again when the descriptor is writable */
        WIRE_IO_CLOSED,     /* the peer closed in order */
        WIRE_IO_FAILED,     /* err has the words */
};

#define WIRE_FINGERPRINT_SIZE 32
#define WIRE_PEER_TEXT        96

struct wire_conn {
        const struct wire_conn_ops *ops;
        int fd; /* for poll; owned by the connection */
};

struct wire_conn_ops {
        /* Connects or handshakes on. OK: ready for read and write. */
        enum wire_io (*handshake)(struct wire_conn *, struct err *);
        enum wire_io (*read)(struct wire_conn *, void *p, size_t cap, size_t *n, struct err *);
        enum wire_io (*write)(struct wire_conn *, const void *p, size_t len, size_t *n, struct err *);
        bool (*pending)(const struct wire_conn *); /* bytes to be read that the descriptor does not tell of */
        /* SHA-256 of the peer's certificate; zeros when it gave none. */
        void (*fingerprint)(const struct wire_conn *, uint8_t out[WIRE_FINGERPRINT_SIZE]);
        /* "10.0.0.7:41022 CN=app1" or "uid 1000 pid 4711", for logs. */
        void (*describe)(const struct wire_conn *, char out[WIRE_PEER_TEXT]);
        void (*close)(struct wire_conn *); /* frees */
};

/* Starts connections. The connection is returned at once; its handshake goes on by ops->handshake. */
struct wire_dialer {
        struct wire_conn *(*dial)(void *arg, const char *host, uint16_t port, struct err *);
        void *arg;
};

/* Unix sockets: host is the socket's path, port unused. */
struct wire_dialer wire_unix_dialer(void);
/* Takes over an accepted socket. */
struct wire_conn *wire_unix_accept(int fd, struct err *);
/* User, group and process of the peer of a Unix connection. */
bool wire_unix_peer(const struct wire_conn *, uid_t *, gid_t *, pid_t *);

#endif
