/* Connections: non-blocking TLS over TCP. */
#include "tls/gather.h"
#include "tls/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_conn {
        struct wire_conn base;
        struct tls_context *context;
        SSL *ssl;
        struct tls_verdict verdict;
        bool established;
        bool dry; /* the last read wanted more than what is there */
        struct tls_gather gather;
        size_t gathered; /* bytes of the caller's that the records being sent hold */
        char address[64];
};

static struct tls_conn *conn_of(struct wire_conn *c)
{
        return (struct tls_conn *)c;
}

static const struct tls_conn *const_conn_of(const struct wire_conn *c)
{
        return (const struct tls_conn *)c;
}

/* Alerts and failures that have a cure. */
static const struct {
        int reason;
        const char *words;
} reason_rows[] = {
        { SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the node demands a client certificate; copy the client's "
                                                   "certificate into the node's folder of clients" },
        { SSL_R_TLSV1_ALERT_UNKNOWN_CA,
          "the node does not know this client's certificate; copy it into the node's folder of clients" },
        { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the other side refused our certificate" },
        { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired" },
        { SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the other side does not speak TLS 1.3" },
        { SSL_R_UNSUPPORTED_PROTOCOL, "the other side does not speak TLS 1.3" },
        { SSL_R_WRONG_VERSION_NUMBER, "the other side does not speak TLS" },
        { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client showed no certificate" },
};

static bool tls_failure(struct tls_conn *t, int os_error, struct err *err)
{
        int reason = ERR_GET_REASON(ERR_peek_last_error());
        long verify = SSL_get_verify_result(t->ssl);

        if (ERR_peek_last_error() == 0) {
                if (os_error)
                        return err_set_errno(err, ERR_CONNECT, os_error, "the connection to %s broke",
                                             t->address);
                return err_set(err, ERR_CONNECT, "%s closed the connection", t->address);
        }
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
                ERR_clear_error();
                return err_set(err, ERR_TLS, "the certificate of %s was not accepted: %s%s", t->address,
                               X509_verify_cert_error_string(verify),
                               t->context->server ? "" : "; is this the right PO.crt?");
        }
        if (t->context->server && reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA) {
                ERR_clear_error();
                return err_set(err, ERR_TLS,
                               "TLS with %s: the client does not know the node's certificate (PO.crt)",
                               t->address);
        }
        for (size_t i = 0; i < sizeof(reason_rows) / sizeof(reason_rows[0]); i++) {
                if (reason_rows[i].reason == reason) {
                        ERR_clear_error();
                        return err_set(err, ERR_TLS, "TLS with %s: %s", t->address, reason_rows[i].words);
                }
        }
        return err_set(err, ERR_TLS, "TLS with %s: %s", t->address, tls_words());
}

static enum wire_io result(struct tls_conn *t, int rc, struct err *err)
{
        int os_error = errno;

        switch (SSL_get_error(t->ssl, rc)) {
        case SSL_ERROR_WANT_READ:
                return WIRE_IO_WANT_READ;
        case SSL_ERROR_WANT_WRITE:
                return WIRE_IO_WANT_WRITE;
        case SSL_ERROR_ZERO_RETURN:
                return WIRE_IO_CLOSED;
        default:
                tls_failure(t, os_error, err);
                return WIRE_IO_FAILED;
        }
}

static enum wire_io tls_handshake(struct wire_conn *c, struct err *err)
{
        struct tls_conn *t = conn_of(c);
        int rc;

        ERR_clear_error();
        errno = 0;
        rc = SSL_do_handshake(t->ssl);
        if (rc != 1)
                return result(t, rc, err);
        t->established = true;
        return WIRE_IO_OK;
}

static enum wire_io tls_read(struct wire_conn *c, void *p, size_t cap, size_t *n, struct err *err)
{
        struct tls_conn *t = conn_of(c);
        int rc;

        ERR_clear_error();
        errno = 0;
        rc = SSL_read_ex(t->ssl, p, cap, n);
        t->dry = rc != 1;
        return rc == 1 ? WIRE_IO_OK : result(t, rc, err);
}

/* Makes records of what is to be written, or of as much as goes out in one piece. */
static enum wire_io gather(struct tls_conn *t, const uint8_t *p, size_t len, struct err *err)
{
        int rc = 1;

        ERR_clear_error();
        errno = 0;
        t->gathered = 0;
        t->gather.on = true;
        while (rc == 1 && t->gathered < len && t->gathered < TLS_GATHER_MOST) {
                size_t n = 0;

                rc = SSL_write_ex(t->ssl, p + t->gathered, len - t->gathered, &n);
                t->gathered += n;
        }
        t->gather.on = false;
        return rc == 1 ? WIRE_IO_OK : result(t, rc, err);
}

static enum wire_io tls_write(struct wire_conn *c, const void *p, size_t len, size_t *n, struct err *err)
{
        struct tls_conn *t = conn_of(c);
        enum wire_io io = tls_gather_empty(&t->gather) ? gather(t, p, len, err) : WIRE_IO_OK;

        if (io != WIRE_IO_OK)
                return io;
        if (!tls_gather_send(&t->gather)) {
                int os_error = errno;

                if (os_error == EAGAIN || os_error == EWOULDBLOCK)
                        return WIRE_IO_WANT_WRITE; /* called again with the same bytes, it goes on there */
                err_set_errno(err, ERR_CONNECT, os_error, "the connection to %s broke", t->address);
                return WIRE_IO_FAILED;
        }
        *n = t->gathered;
        return WIRE_IO_OK;
}

static bool tls_pending(const struct wire_conn *c)
{
        const struct tls_conn *t = const_conn_of(c);

        return !t->dry && SSL_has_pending(t->ssl) == 1; /* a part of a record is nothing to be read yet */
}

static void tls_fingerprint(const struct wire_conn *c, uint8_t out[WIRE_FINGERPRINT_SIZE])
{
        const struct tls_conn *t = const_conn_of(c);
        X509 *peer = SSL_get0_peer_certificate(t->ssl);
        unsigned n = WIRE_FINGERPRINT_SIZE;

        memset(out, 0, WIRE_FINGERPRINT_SIZE);
        if (peer && X509_digest(peer, t->context->sha256, out, &n) != 1)
                memset(out, 0, WIRE_FINGERPRINT_SIZE);
}

static void tls_describe(const struct wire_conn *c, char out[WIRE_PEER_TEXT])
{
        const struct tls_conn *t = const_conn_of(c);
        X509 *peer = SSL_get0_peer_certificate(t->ssl);
        char cn[24] = "";

        if (peer)
                (void)X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, cn, sizeof(cn));
        for (char *p = cn; *p; p++)
                *p = *p >= ' ' && *p < 0x7f ? *p : '?';
        (void)snprintf(out, WIRE_PEER_TEXT, "%s%s%s", t->address, cn[0] ? " CN=" : "", cn);
}

static void tls_close(struct wire_conn *c)
{
        struct tls_conn *t = conn_of(c);

        if (t->established)
                (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
        SSL_free(t->ssl);
        tls_gather_clear(&t->gather);
        (void)close(c->fd);
        tls_context_free(&t->context);
        free(t);
}

static const struct wire_conn_ops tls_ops = {
        .handshake = tls_handshake,
        .read = tls_read,
        .write = tls_write,
        .pending = tls_pending,
        .fingerprint = tls_fingerprint,
        .describe = tls_describe,
        .close = tls_close,
};

static void address_text(const struct sockaddr *a, socklen_t n, char *out, size_t cap)
{
        char host[48], port[8];

        if (getnameinfo(a, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                (void)snprintf(out, cap, "?");
        else
                (void)snprintf(out, cap, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Reads come from the socket itself, what is written goes through the gathering BIO. */
static bool attach(struct tls_conn *t, int fd)
{
        BIO *in = BIO_new_socket(fd, BIO_NOCLOSE), *out = tls_gather_bio(&t->gather);

        t->gather = (struct tls_gather){ .fd = fd, .out = BUF_INIT };
        if (!in || !out) {
                BIO_free(in);
                BIO_free(out);
                return false;
        }
        SSL_set0_rbio(t->ssl, in);
        SSL_set0_wbio(t->ssl, out);
        return true;
}

/* Takes over the socket, closing it on failure. */
static struct tls_conn *conn_new(struct tls_context *context, int fd, struct err *err)
{
        struct tls_conn *t = calloc(1, sizeof(*t));
        int on = 1;

        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        if (t) {
                t->base.ops = &tls_ops;
                t->base.fd = fd;
                t->ssl = SSL_new(context->ssl);
        }
        if (!t || !t->ssl || !attach(t, fd) ||
            SSL_set_ex_data(t->ssl, tls_verdict_index(), &t->verdict) != 1) {
                if (t)
                        SSL_free(t->ssl);
                free(t);
                (void)close(fd);
                err_set(err, ERR_MEMORY, "no memory for a TLS connection");
                return NULL;
        }
        t->context = tls_context_ref(context);
        return t;
}

struct wire_conn *tls_accept(struct tls_context *context, int fd, struct err *err)
{
        struct tls_conn *t = conn_new(context, fd, err);
        struct sockaddr_storage peer;
        socklen_t n = sizeof(peer);

        if (!t)
                return NULL;
        SSL_set_accept_state(t->ssl);
        if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0)
                address_text((struct sockaddr *)&peer, n, t->address, sizeof(t->address));
        return &t->base;
}

static int dial_one(const struct addrinfo *a)
{
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0 && errno != EINPROGRESS) {
                int saved = errno;
                (void)close(fd);
                errno = saved;
                fd = -1;
        }
        return fd;
}

static struct wire_conn *tls_dial(void *arg, const char *host, uint16_t port, struct err *err)
{
        struct tls_context *context = arg;
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
        struct tls_conn *t = NULL;
        char service[8];
        int rc, fd = -1;

        (void)snprintf(service, sizeof(service), "%u", port);
        rc = getaddrinfo(host, service, &hints, &list);
        if (rc != 0) {
                err_set(err, ERR_CONNECT, "host '%s' is not known: %s", host, gai_strerror(rc));
                return NULL;
        }
        for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
                fd = dial_one(a);
        freeaddrinfo(list);
        if (fd < 0)
                err_set_errno(err, ERR_CONNECT, errno, "%s:%u cannot be reached", host, port);
        else
                t = conn_new(context, fd, err);
        if (!t)
                return NULL;
        (void)snprintf(t->address, sizeof(t->address), "%s:%u", host, port);
        SSL_set_connect_state(t->ssl);
        return &t->base;
}

struct wire_dialer tls_dialer(struct tls_context *context)
{
        return (struct wire_dialer){ tls_dial, context };
}

bool tls_conn_owned(const struct wire_conn *c)
{
        const struct tls_conn *t = const_conn_of(c);

        return c->ops == &tls_ops && t->established && t->context->has_owner && !t->verdict.unverified;
}
