#include "tls/gather.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#define KEPT_MOST ((size_t)20 * 1024) /* memory a silent connection holds on to */

bool tls_gather_empty(const struct tls_gather *g)
{
        return g->at == g->out.n;
}

static bool full(void)
{
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

bool tls_gather_send(struct tls_gather *g)
{
        while (!tls_gather_empty(g)) {
                ssize_t n = send(g->fd, g->out.p + g->at, g->out.n - g->at, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                g->at += (size_t)n;
        }
        if (g->out.cap > KEPT_MOST)
                buf_clear(&g->out);
        else
                buf_reset(&g->out);
        g->at = 0;
        return true;
}

void tls_gather_clear(struct tls_gather *g)
{
        buf_clear(&g->out);
        g->at = 0;
}

/* Handshakes and alerts go out at once, behind what is kept. */
static int write_through(BIO *bio, struct tls_gather *g, const char *p, int n)
{
        ssize_t sent = tls_gather_send(g) ? send(g->fd, p, (size_t)n, MSG_NOSIGNAL) : -1;

        if (sent < 0 && full())
                BIO_set_retry_write(bio);
        return (int)sent;
}

static int gather_write(BIO *bio, const char *p, int n)
{
        struct tls_gather *g = BIO_get_data(bio);

        BIO_clear_retry_flags(bio);
        if (n <= 0)
                return 0;
        if (!g->on)
                return write_through(bio, g, p, n);
        buf_put(&g->out, p, (size_t)n);
        return buf_ok(&g->out) ? n : -1;
}

static long gather_ctrl(BIO *bio, int command, long number, void *pointer)
{
        (void)bio;
        (void)number;
        (void)pointer;
        return command == BIO_CTRL_FLUSH; /* there is nothing else that libssl asks for */
}

static BIO_METHOD *method;

static void method_make(void)
{
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gathering socket");
        if (method &&
            (BIO_meth_set_write(method, gather_write) != 1 || BIO_meth_set_ctrl(method, gather_ctrl) != 1)) {
                BIO_meth_free(method);
                method = NULL;
        }
}

BIO *tls_gather_bio(struct tls_gather *g)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        BIO *bio;

        (void)pthread_once(&once, method_make);
        bio = method ? BIO_new(method) : NULL;
        if (bio) {
                BIO_set_data(bio, g);
                BIO_set_init(bio, 1);
        }
        return bio;
}
