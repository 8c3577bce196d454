/* What a node of a cluster does besides serving: being somebody, joining, letting others in. */
#include "base/file.h"
#include "base/log.h"
#include "crypto/cert.h"
#include "server/node.h"
#include "server/status.h"

#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define FILE_MOST 65536

static bool read_pem(const char *path, const char *option, struct buf *out, struct err *err)
{
        if (!path)
                return err_set(err, ERR_CONFIG, "a node of a cluster needs '%s' in its configuration",
                               option);
        return file_read(path, FILE_MOST, out, err);
}

static bool open_identity(struct node *n, struct err *err)
{
        const struct server_conf *c = n->conf;
        struct buf certificate = BUF_INIT, anchor = BUF_INIT;
        struct sec *key = NULL;
        struct clock clock = clock_system();

        if (read_pem(c->node_certificate, "node_certificate", &certificate, err) &&
            read_pem(c->operator_certificate, "operator_certificate", &anchor, err) &&
            (c->node_private_key ||
             err_set(err, ERR_CONFIG, "a node of a cluster needs 'node_private_key' in its configuration")))
                key = file_read_secret(c->node_private_key, FILE_MOST, false, err);
        if (key)
                n->identity = crypto_identity_open(n->crypto, buf_slice(&certificate), sec_slice(key),
                                                   buf_slice(&anchor), clock_wall_ms(&clock), err);
        if (n->identity && strcmp(crypto_identity_name(n->identity), c->node_name) != 0) {
                err_set(err, ERR_CONFIG, "the node's certificate is of '%s', and node_name is '%s'",
                        crypto_identity_name(n->identity), c->node_name);
                crypto_identity_free(&n->identity);
        }
        sec_free(&key);
        buf_clear(&certificate);
        buf_clear(&anchor);
        return n->identity != NULL;
}

bool node_cluster_open(struct node *n, struct err *err)
{
        struct buf pem = BUF_INIT;
        bool ok = true;

        /* A single node too, when it is to speak with another region. */
        if (!n->conf->store && !n->conf->node_certificate && !n->conf->region_peer)
                return true;
        if (n->conf->owner_certificate)
                ok = file_read(n->conf->owner_certificate, FILE_MOST, &pem, err) &&
                     crypto_cert_read(n->crypto, buf_slice(&pem), &n->owner, err);
        buf_clear(&pem);
        return ok && open_identity(n, err);
}

/* The signals that end the program are blocked (main.c); while the node waits they are asked for. */
static bool go_on(void *arg)
{
        sigset_t ends;

        (void)arg;
        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        return sigtimedwait(&ends, NULL, &(struct timespec){ 0 }) < 0;
}

/* What the node waited for last. */
struct waiting {
        const struct server_conf *conf;
        const char *last;
};

static void tell(void *arg, const char *what)
{
        struct waiting *w = arg;
        char words[200];

        if (w->last != what) {
                log_info("the node waits for %s", what);
                (void)sd_notifyf(0, "STATUS=waiting for %s", what);
                (void)snprintf(words, sizeof(words), "waits for %s", what);
                server_status_set(w->conf, "waiting", words);
        }
        w->last = what;
}

struct cluster_join node_join_of(struct node *n, bool (*may_go_on)(void *),
                                 void (*says)(void *, const char *), void *arg)
{
        return (struct cluster_join){ .store = n->store,
                                      .crypto = n->crypto,
                                      .sealer = server_sealer_of(&n->sealer),
                                      .clock = clock_system(),
                                      .identity = n->identity,
                                      .number = (uint32_t)n->conf->node_number,
                                      .owner = buf_slice(&n->owner),
                                      .permit_folder = n->conf->data_dir,
                                      .go_on = may_go_on,
                                      .tell = says,
                                      .arg = arg };
}

static struct cluster_join join_of(struct node *n, struct waiting *waiting)
{
        return node_join_of(n, go_on, tell, waiting);
}

bool node_cluster_join(struct node *n, struct err *err)
{
        struct waiting waiting = { .conf = n->conf };
        struct cluster_join join = join_of(n, &waiting);

        if (!n->conf->store || cluster_join(&join, err))
                return true;
        return err->id ? false : err_set(err, ERR_CONFIG, "ended while the node waited to join");
}

bool node_cluster_begin(struct node *n, struct err *err)
{
        return !n->conf->store || vault_member_say(n->vault, err);
}

void node_tick(struct node *n)
{
        struct waiting waiting = { .conf = n->conf };
        struct cluster_join join = join_of(n, &waiting);
        struct err err = ERR_INIT;

        (void)certificates_watch(n->certificates, clock_system());
        if (!n->conf->store)
                return;
        if (!cluster_answer(n->vault, &join, &err))
                log_error("waiting nodes cannot be answered: %s", err.detail);
        err = ERR_INIT;
        if (!vault_member_say(n->vault, &err))
                log_error("the other nodes cannot be told of this one: %s", err.detail);
}
