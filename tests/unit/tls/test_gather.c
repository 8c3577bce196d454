/* The BIO that gathers records: nothing lost and nothing out of order when the socket is full. */
#include "test.h"
#include "tls/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

struct pair {
        struct tls_gather gather;
        BIO *bio;
        int peer;
};

static void pair_make(struct pair *p)
{
        int fds[2], small = 4096;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
        p->gather = (struct tls_gather){ .fd = fds[0], .out = BUF_INIT };
        p->bio = tls_gather_bio(&p->gather);
        p->peer = fds[1];
        assert_non_null(p->bio);
}

static void pair_free(struct pair *p)
{
        BIO_free(p->bio);
        tls_gather_clear(&p->gather);
        close(p->gather.fd);
        close(p->peer);
}

static size_t drain(int fd, uint8_t *out, size_t cap)
{
        size_t got = 0;
        ssize_t n;

        while (got < cap && (n = read(fd, out + got, cap - got)) > 0)
                got += (size_t)n;
        return got;
}

static void kept_until_sent(void **state)
{
        struct pair p;
        uint8_t got[16];

        (void)state;
        pair_make(&p);
        p.gather.on = true;
        assert_int_equal(BIO_write(p.bio, "one ", 4), 4);
        assert_int_equal(BIO_write(p.bio, "two ", 4), 4);
        assert_int_equal(drain(p.peer, got, sizeof(got)), 0);
        p.gather.on = false;
        assert_false(tls_gather_empty(&p.gather));
        assert_true(tls_gather_send(&p.gather));
        assert_true(tls_gather_empty(&p.gather));
        assert_int_equal(BIO_write(p.bio, "three", 5), 5);
        assert_int_equal(BIO_flush(p.bio), 1);
        assert_int_equal(drain(p.peer, got, sizeof(got)), 13);
        assert_memory_equal(got, "one two three", 13);
        pair_free(&p);
}

static void what_is_kept_goes_first(void **state)
{
        enum { MUCH = 300000 };
        struct pair p;
        uint8_t *sent = malloc(MUCH), *got = malloc(MUCH + 8);
        size_t n = 0;

        (void)state;
        pair_make(&p);
        for (size_t i = 0; i < MUCH; i++)
                sent[i] = (uint8_t)(i * 31 + i / 253);
        p.gather.on = true;
        assert_int_equal(BIO_write(p.bio, sent, MUCH), MUCH);
        p.gather.on = false;
        assert_false(tls_gather_send(&p.gather));
        assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
        assert_int_equal(BIO_write(p.bio, "alert", 5), -1); /* not before what is kept */
        assert_true(BIO_should_retry(p.bio));
        while (!tls_gather_send(&p.gather))
                n += drain(p.peer, got + n, MUCH - n);
        while (BIO_write(p.bio, "alert", 5) != 5)
                n += drain(p.peer, got + n, MUCH - n);
        n += drain(p.peer, got + n, MUCH + 8 - n);
        assert_int_equal(n, MUCH + 5);
        assert_memory_equal(got, sent, MUCH);
        assert_memory_equal(got + MUCH, "alert", 5);
        free(sent);
        free(got);
        pair_free(&p);
}

static void a_broken_socket_is_told(void **state)
{
        struct pair p;

        (void)state;
        pair_make(&p);
        close(p.peer);
        p.gather.on = true;
        assert_int_equal(BIO_write(p.bio, "x", 1), 1);
        p.gather.on = false;
        assert_false(tls_gather_send(&p.gather)); /* and no signal */
        assert_int_equal(errno, EPIPE);
        p.peer = dup(p.gather.fd);
        pair_free(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kept_until_sent),
                cmocka_unit_test(what_is_kept_goes_first),
                cmocka_unit_test(a_broken_socket_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
