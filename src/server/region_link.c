#include "server/region_link.h"
#include "base/clock.h"
#include "wire/frame.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define ANSWER_MS  30000 /* a snapshot is written before it is answered */
#define LOOK_MS    200   /* how often it is seen that the node stops */

bool region_link_open(struct region_link *l, const struct tls_client_config *config, struct err *err)
{
        l->tls = tls_client_context(config, err);
        return l->tls != NULL;
}

static void hang_up(struct region_link *l)
{
        if (l->conn)
                l->conn->ops->close(l->conn);
        l->conn = NULL;
        wire_reader_free(&l->reader);
}

void region_link_close(struct region_link *l)
{
        hang_up(l);
        tls_context_free(&l->tls);
}

static int64_t now_ms(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

/* Waits for the descriptor. False: err. */
static bool wait_for(struct region_link *l, short events, int64_t until, struct err *err)
{
        struct pollfd p = { .fd = l->conn->fd, .events = events };

        while (!(l->stop && atomic_load(l->stop))) {
                int64_t left = until - now_ms();

                if (left <= 0)
                        return err_set(err, ERR_DEADLINE, "'%s' of the other region does not answer",
                                       l->peers[l->at]);
                if (poll(&p, 1, (int)(left < LOOK_MS ? left : LOOK_MS)) > 0)
                        return true;
        }
        return err_set(err, ERR_CONNECT, "the node stops");
}

/* One step of an exchange. *done: it went on; else it is to be tried again. */
static bool moved(struct region_link *l, enum wire_io io, int64_t until, bool *done, struct err *err)
{
        *done = io == WIRE_IO_OK;
        switch (io) {
        case WIRE_IO_OK:
                return true;
        case WIRE_IO_WANT_READ:
                return wait_for(l, POLLIN, until, err);
        case WIRE_IO_WANT_WRITE:
                return wait_for(l, POLLOUT, until, err);
        default:
                if (!err->id)
                        err_set(err, ERR_CONNECT, "'%s' of the other region has closed the connection",
                                l->peers[l->at]);
                return false;
        }
}

static bool address_split(const char *text, char host[256], uint16_t *port, struct err *err)
{
        const char *colon = strrchr(text, ':');
        size_t n = colon ? (size_t)(colon - text) : 0;
        char *end = NULL;
        unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;

        if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
                text++;
                n -= 2;
        }
        if (!n || n > 255 || !number || number > 65535 || *end)
                return err_set(err, ERR_CONFIG, "region_peer: '%s' is not host:port", text);
        memcpy(host, text, n);
        host[n] = '\0';
        *port = (uint16_t)number;
        return true;
}

static bool connect_to(struct region_link *l, struct err *err)
{
        struct wire_dialer dialer = tls_dialer(l->tls);
        int64_t until = now_ms() + CONNECT_MS;
        char host[256];
        uint16_t port = 0;
        bool done = false;

        if (!address_split(l->peers[l->at], host, &port, err))
                return false;
        l->reader = wire_reader_new(WIRE_LIMIT_PRESET);
        if (!l->reader)
                return err_set(err, ERR_MEMORY, "no memory for a connection");
        l->conn = dialer.dial(dialer.arg, host, port, err);
        while (l->conn && !done) {
                if (!moved(l, l->conn->ops->handshake(l->conn, err), until, &done, err))
                        return false;
        }
        return done;
}

static bool send_all(struct region_link *l, struct slice bytes, int64_t until, struct err *err)
{
        while (bytes.n) {
                size_t n = 0;
                bool done;

                if (!moved(l, l->conn->ops->write(l->conn, bytes.p, bytes.n, &n, err), until, &done, err))
                        return false;
                if (done)
                        bytes = slice_of(bytes.p + n, bytes.n - n);
        }
        return true;
}

static const Chsm__Response *receive(struct region_link *l, struct arena *arena, int64_t until,
                                     struct err *err)
{
        for (;;) {
                uint8_t *frame;
                size_t n, room, got = 0;
                bool done;
                uint8_t *space;
                Chsm__Response *r;

                switch (wire_reader_next(l->reader, &frame, &n, err)) {
                case WIRE_BAD:
                        return NULL;
                case WIRE_FRAME:
                        r = wire_response_decode(arena, slice_of(frame, n), err);
                        if (r && r->id != l->id) {
                                err_set(err, ERR_FRAME, "an answer to something else");
                                r = NULL;
                        }
                        return r;
                default:
                        break;
                }
                space = wire_reader_space(l->reader, &room);
                if (!space) {
                        err_set(err, ERR_MEMORY, "no memory for an answer");
                        return NULL;
                }
                if (!moved(l, l->conn->ops->read(l->conn, space, room, &got, err), until, &done, err))
                        return NULL;
                if (done)
                        wire_reader_filled(l->reader, got);
        }
}

const Chsm__Response *region_link_call(void *arg, Chsm__Request *request, struct arena *arena,
                                       struct err *err)
{
        struct region_link *l = arg;
        struct buf out = BUF_INIT;
        const Chsm__Response *r = NULL;
        int64_t until = now_ms() + ANSWER_MS;

        request->id = ++l->id;
        if (!wire_request_encode(request, &out))
                err_set(err, ERR_MEMORY, "no memory for a question");
        else if ((l->conn || connect_to(l, err)) && send_all(l, buf_slice(&out), until, err))
                r = receive(l, arena, until, err);
        buf_clear(&out);
        if (!r) { /* the next try is another node's */
                hang_up(l);
                if (l->peers[++l->at] == NULL)
                        l->at = 0;
                if (!err->id)
                        err_set(err, ERR_CONNECT, "the other region cannot be reached");
        }
        return r;
}
