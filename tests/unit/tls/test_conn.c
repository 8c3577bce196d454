/* Two ends of a TLS connection in one process: much data both ways through full sockets. */
#include "test.h"
#include "tls/tls.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

enum { MUCH = 12 * 1024 * 1024 + 17 };

struct ends {
        struct tls_context *node, *client;
        struct wire_conn *a, *b; /* client's, node's */
};

/* A certificate of the node's own, which the client is told to accept unverified. */
static struct tls_context *node_context(void)
{
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        BIO *pem = BIO_new(BIO_s_mem());
        X509 *x = X509_new();
        struct tls_server_config config = { .chain = SLICE_EMPTY };
        struct tls_context *context;
        struct err err = ERR_INIT;
        uint8_t *der = NULL;
        char *text;
        int n;

        assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), 0);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        assert_int_equal(X509_set_pubkey(x, key), 1);
        assert_true(X509_sign(x, key, EVP_sha256()) > 0);
        n = i2d_X509(x, &der);
        assert_true(n > 0);
        assert_int_equal(PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL), 1);
        config.certificate = slice_of(der, (size_t)n);
        config.private_key_pem.n = (size_t)BIO_get_mem_data(pem, &text);
        config.private_key_pem.p = (uint8_t *)text;
        context = tls_server_context(&config, &err);
        if (!context)
                fail_msg("%s", err.detail);
        OPENSSL_free(der);
        BIO_free(pem);
        X509_free(x);
        EVP_PKEY_free(key);
        return context;
}

static bool step(struct wire_conn *c)
{
        struct err err = ERR_INIT;
        enum wire_io io = c->ops->handshake(c, &err);

        if (io == WIRE_IO_FAILED || io == WIRE_IO_CLOSED)
                fail_msg("%s", err.detail);
        return io == WIRE_IO_OK;
}

static void ends_make(struct ends *e)
{
        struct tls_client_config config = { .allow_unowned = true };
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof(address);
        int listener = socket(AF_INET, SOCK_STREAM, 0), fd, small = 20000;
        struct err err = ERR_INIT;
        bool a = false, b = false;
        struct wire_dialer dialer;

        e->node = node_context();
        e->client = tls_client_context(&config, &err);
        assert_non_null(e->client);
        dialer = tls_dialer(e->client);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &n), 0);
        e->a = dialer.dial(dialer.arg, "127.0.0.1", ntohs(address.sin_port), &err);
        assert_non_null(e->a);
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(fd >= 0);
        close(listener);
        e->b = tls_accept(e->node, fd, &err);
        assert_non_null(e->b);
        assert_int_equal(setsockopt(e->a->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
        assert_int_equal(setsockopt(e->b->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
        while (!a || !b) {
                a = a || step(e->a);
                b = b || step(e->b);
        }
}

static void ends_free(struct ends *e)
{
        e->a->ops->close(e->a);
        e->b->ops->close(e->b);
        tls_context_free(&e->node);
        tls_context_free(&e->client);
}

/* One direction: how much of the pattern has gone in and come out. */
struct flow {
        struct wire_conn *from, *to;
        const uint8_t *pattern;
        size_t in, out, full; /* full: times the socket took no more */
};

static void flow_step(struct flow *f, bool read)
{
        static uint8_t got[40000];
        struct err err = ERR_INIT;
        size_t n = 0;
        enum wire_io io = WIRE_IO_OK;

        while (f->in < MUCH && io == WIRE_IO_OK) {
                n = 0;
                io = f->from->ops->write(f->from, f->pattern + f->in, MUCH - f->in, &n, &err);
                if (io != WIRE_IO_OK && io != WIRE_IO_WANT_WRITE)
                        fail_msg("%s", err.detail);
                f->in += n;
                f->full += io == WIRE_IO_WANT_WRITE;
        }
        io = WIRE_IO_OK;
        while (read && io == WIRE_IO_OK && f->out < MUCH) {
                n = 0;
                io = f->to->ops->read(f->to, got, sizeof(got), &n, &err);
                if (io == WIRE_IO_FAILED)
                        fail_msg("%s", err.detail);
                assert_memory_equal(got, f->pattern + f->out, n);
                f->out += n;
        }
}

static void much_crosses_both_ways(void **state)
{
        struct ends e;
        uint8_t *pattern = malloc(MUCH);
        struct flow to_node, to_client;

        (void)state;
        for (size_t i = 0; i < MUCH; i++)
                pattern[i] = (uint8_t)(i * 7 + i / 251 + i / 65537);
        ends_make(&e);
        to_node = (struct flow){ e.a, e.b, pattern, 0, 0, 0 };
        to_client = (struct flow){ e.b, e.a, pattern, 0, 0, 0 };
        for (int i = 0; i < 3; i++) { /* until both sockets are full */
                flow_step(&to_node, false);
                flow_step(&to_client, false);
        }
        while (to_node.out < MUCH || to_client.out < MUCH) {
                flow_step(&to_node, true);
                flow_step(&to_client, true);
        }
        assert_true(to_node.full > 0);
        assert_int_equal(to_node.in, MUCH);
        assert_int_equal(to_client.in, MUCH);
        ends_free(&e);
        free(pattern);
}

static void an_end_is_seen(void **state)
{
        struct ends e;
        struct err err = ERR_INIT;
        uint8_t byte;
        size_t n;

        (void)state;
        ends_make(&e);
        assert_int_equal(e.a->ops->write(e.a, "x", 1, &n, &err), WIRE_IO_OK);
        assert_int_equal(n, 1);
        while (e.b->ops->read(e.b, &byte, 1, &n, &err) != WIRE_IO_OK)
                continue;
        assert_int_equal(byte, 'x');
        assert_false(tls_conn_owned(e.a));
        e.a->ops->close(e.a);
        while (e.b->ops->read(e.b, &byte, 1, &n, &err) == WIRE_IO_WANT_READ)
                continue;
        assert_int_equal(e.b->ops->read(e.b, &byte, 1, &n, &err), WIRE_IO_CLOSED);
        e.b->ops->close(e.b);
        tls_context_free(&e.node);
        tls_context_free(&e.client);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(much_crosses_both_ways),
                cmocka_unit_test(an_end_is_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
