#include "server/certificates.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/cert.h"

#include <stdatomic.h>
#include <stdlib.h>

#define READ_MS INT64_C(60000)
#define DAY_MS  INT64_C(86400000)

static const struct {
        const char *name; /* in the metric */
        size_t path;      /* in the configuration */
        const char *end;  /* what its end means */
} rows[] = {
#define PATH(field) offsetof(struct server_conf, field)
        { "node", PATH(node_certificate), "the node does not start and lets no other node in" },
        { "operator", PATH(operator_certificate), "no node joins" },
        { "etcd", PATH(etcd_certificate), "etcd refuses the node, which is cut off then" },
        { "etcd_ca", PATH(etcd_ca), "the node refuses etcd, and is cut off then" },
        { "events", PATH(events_certificate), "events wait on the disk" },
        { "events_ca", PATH(events_ca), "events wait on the disk" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct certificates {
        const struct server_conf *conf;
        struct crypto *crypto;
        _Atomic int64_t until_ms[ROWS]; /* 0: none, or it cannot be read */
        int64_t told_ms[ROWS];          /* monotonic; 0: not yet */
        bool unread[ROWS], over[ROWS];  /* as told */
        int64_t read_ms;                /* monotonic */
        bool begun;
};

struct certificates *certificates_open(const struct server_conf *conf, struct crypto *crypto)
{
        struct certificates *c = calloc(1, sizeof(*c));

        if (c) {
                c->conf = conf;
                c->crypto = crypto;
        }
        return c;
}

void certificates_close(struct certificates **cp)
{
        free(*cp);
        *cp = NULL;
}

static const char *path_of(const struct certificates *c, size_t i)
{
        return *(char *const *)(const void *)((const char *)c->conf + rows[i].path);
}

/* The end of the certificate in a file; 0: err. */
static int64_t end_of(struct certificates *c, const char *path, struct err *err)
{
        struct buf text = BUF_INIT, der = BUF_INIT;
        char subject[128];
        int64_t until = 0;
        bool ok = file_read(path, CRYPTO_CERT_MAX, &text, err) &&
                  crypto_cert_read(c->crypto, buf_slice(&text), &der, err) &&
                  crypto_cert_describe(c->crypto, buf_slice(&der), subject, sizeof(subject), &until, err);

        buf_clear(&text);
        buf_clear(&der);
        return ok ? until : 0;
}

static void read_all(struct certificates *c)
{
        for (size_t i = 0; i < ROWS; i++) {
                const char *path = path_of(c, i);
                struct err err = ERR_INIT;
                int64_t until = path && path[0] ? end_of(c, path, &err) : 0;
                bool unread = path && path[0] && !until;

                atomic_store(&c->until_ms[i], until);
                if (unread && !c->unread[i])
                        log_warning("nothing will be told of the end of the certificate in '%s': %s", path,
                                    err.detail);
                c->unread[i] = unread;
        }
}

static bool tell(struct certificates *c, size_t i, int64_t wall_ms, int64_t mono_ms)
{
        int64_t until = atomic_load(&c->until_ms[i]), left = until - wall_ms;
        bool over = left <= 0;

        if (!until || left > c->conf->certificate_warning_days * DAY_MS) {
                c->told_ms[i] = 0;
                return false;
        }
        if (c->told_ms[i] && over == c->over[i] && mono_ms - c->told_ms[i] < DAY_MS)
                return false;
        c->told_ms[i] = mono_ms ? mono_ms : 1;
        c->over[i] = over;
        if (over)
                log_error("ALARM: the certificate in '%s' has expired: %s; put a new one there",
                          path_of(c, i), rows[i].end);
        else
                log_error(
                    "ALARM: the certificate in '%s' expires in %lld days and %lld hours: then %s; put a new "
                    "one there",
                    path_of(c, i), (long long)(left / DAY_MS), (long long)(left % DAY_MS / 3600000),
                    rows[i].end);
        return true;
}

unsigned certificates_watch(struct certificates *c, struct clock clock)
{
        int64_t wall = clock_wall_ms(&clock), mono = clock_mono_ms(&clock);
        unsigned told = 0;

        if (!c->begun || mono - c->read_ms >= READ_MS) {
                read_all(c);
                c->begun = true;
                c->read_ms = mono;
        }
        for (size_t i = 0; i < ROWS; i++)
                told += tell(c, i, wall, mono);
        return told;
}

void certificates_put(struct certificates *c, int64_t wall_ms, struct buf *out)
{
        buf_put_text(out,
                     "# HELP chsm_certificate_expires_seconds Until the certificate ends; below 0: since.\n"
                     "# TYPE chsm_certificate_expires_seconds gauge\n");
        for (size_t i = 0; i < ROWS; i++) {
                int64_t until = atomic_load(&c->until_ms[i]);

                if (until)
                        buf_printf(out, "chsm_certificate_expires_seconds{certificate=\"%s\"} %lld\n",
                                   rows[i].name, (long long)((until - wall_ms) / 1000));
        }
}
