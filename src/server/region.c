#include "server/region.h"
#include "base/log.h"
#include "server/region_link.h"
#include "vault/region.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define WAIT_MS  1000 /* the primary holds a question for a change that long */
#define AGAIN_MS 300

struct region {
        struct node *node;
        struct cluster_join join;
        struct cluster_follow follow;
        struct region_link link;
        char address[320];
        const char *told;
        _Atomic bool stop;
        pthread_t thread;
        bool started;
};

static bool go_on(void *arg)
{
        struct region *r = arg;
        sigset_t ends;

        if (r->started)
                return !atomic_load(&r->stop);
        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        return sigtimedwait(&ends, NULL, &(struct timespec){ 0 }) < 0;
}

static void tell(void *arg, const char *what)
{
        struct region *r = arg;

        if (r->told != what) {
                log_info("the node waits for %s", what);
                if (!r->started)
                        (void)sd_notifyf(0, "STATUS=waiting for %s", what);
        }
        r->told = what;
}

static struct region *region_new(struct node *n, uint16_t port, struct err *err)
{
        const struct server_conf *c = n->conf;
        struct tls_client_config tls = { .owner_certificate = c->owner_certificate,
                                         .certificate = c->node_certificate,
                                         .private_key = c->node_private_key };
        struct region *r = calloc(1, sizeof(*r));

        if (!r) {
                err_set(err, ERR_MEMORY, "no memory for the other region");
                return NULL;
        }
        r->node = n;
        r->join = node_join_of(n, go_on, tell, r);
        r->link.peers = c->region_peer;
        r->link.stop = &r->stop;
        (void)snprintf(r->address, sizeof(r->address), "%.255s:%u",
                       c->advertise_host[0] ? c->advertise_host : c->listen, port);
        r->follow = (struct cluster_follow){ .join = &r->join,
                                             .link = { region_link_call, &r->link },
                                             .folder = c->data_dir,
                                             .address = r->address,
                                             .wait_ms = WAIT_MS };
        if (!c->owner_certificate)
                err_set(err, ERR_CONFIG, "a node with region_peer needs 'owner_certificate' (PO.crt)");
        else if (region_link_open(&r->link, &tls, err) && cluster_follow_begin(&r->follow, err))
                return r;
        free(r);
        return NULL;
}

bool node_region_prepare(struct node *n, struct err *err)
{
        if (!n->conf->region_peer || !n->conf->region_peer[0])
                return true;
        n->region = region_new(n, n->port, err);
        if (!n->region)
                return false;
        if (cluster_follow_prepare(&n->region->follow, err))
                return true;
        return err->id ? false : err_set(err, ERR_CONFIG, "ended while the node waited for the other region");
}

static bool admit(void *arg, struct slice request, struct vault_region_follower *f, struct buf *answer,
                  struct err *err)
{
        struct node *n = arg;
        struct cluster_join join = node_join_of(n, NULL, NULL, NULL);
        struct cluster_admitted who;

        if (!cluster_admit(n->vault, &join, request, &who, answer, err))
                return false;
        f->number = who.number;
        (void)snprintf(f->name, sizeof(f->name), "%s", who.name);
        memcpy(f->certificate, who.certificate, sizeof(f->certificate));
        return true;
}

void node_region_attach(struct node *n)
{
        struct vault_region_host host = { .admit = n->identity ? admit : NULL,
                                          .address = n->address,
                                          .asks = n->region != NULL,
                                          .lease_ms = n->conf->region_lease_s * 1000,
                                          .arg = n };

        (void)snprintf(n->address, sizeof(n->address), "%.255s:%u",
                       n->conf->advertise_host[0] ? n->conf->advertise_host : n->conf->listen, n->port);
        vault_set_region(n->vault, &host);
}

static void rest(struct region *r, int64_t ms)
{
        for (; ms > 0 && !atomic_load(&r->stop); ms -= 100)
                nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000000L }, NULL);
}

static void *run(void *arg)
{
        struct region *r = arg;
        char last[ERR_DETAIL_MAX] = "";

        while (!atomic_load(&r->stop) && !r->follow.filled) {
                struct err err = ERR_INIT;
                bool ok = cluster_follow_step(&r->follow, r->node->vault, &err);

                if (!ok && strcmp(last, err.detail) != 0 && !atomic_load(&r->stop))
                        log_warning("the other region: %s", err.detail);
                if (ok && last[0])
                        log_info("the other region answers again");
                memcpy(last, err.detail, sizeof(last));
                if (!ok)
                        rest(r, AGAIN_MS);
                else if (vault_region_role(r->node->vault) != VAULT_FOLLOWER)
                        rest(r, FOLLOW_MEET_MS);
        }
        if (r->follow.filled)
                atomic_store(&r->node->restored, true);
        return NULL;
}

bool node_region_start(struct node *n, struct err *err)
{
        struct region *r = n->region;
        struct err away = ERR_INIT;
        int rc;

        if (!r)
                return true;
        /* One that was superseded while it was away hears of it before it serves. */
        if (vault_state(n->vault) == VAULT_ACTIVATED && vault_region_role(n->vault) == VAULT_PRIMARY &&
            !cluster_follow_step(&r->follow, n->vault, &away))
                log_warning("the other region: %s", away.detail);
        r->started = true;
        rc = pthread_create(&r->thread, NULL, run, r);
        if (rc != 0) {
                r->started = false;
                return err_set_errno(err, ERR_MEMORY, rc, "no thread for the other region");
        }
        return true;
}

void node_region_stop(struct node *n)
{
        struct region *r = n->region;

        if (!r || !r->started)
                return;
        atomic_store(&r->stop, true);
        (void)pthread_join(r->thread, NULL);
        r->started = false;
}

void node_region_clear(struct node *n)
{
        struct region *r = n->region;

        n->region = NULL;
        if (!r)
                return;
        region_link_close(&r->link);
        cluster_follow_end(&r->follow);
        free(r);
}
