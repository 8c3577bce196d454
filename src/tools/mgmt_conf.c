#include "tools/mgmt.h"

#include <stdlib.h>

static const struct conf_row rows[] = { CLIENT_NODES_ROWS(struct mgmt_conf, nodes) };
#define ROWS (sizeof(rows) / sizeof(rows[0]))

bool mgmt_conf_read(struct mgmt_conf *conf, const char *path, struct err *err)
{
        return client_conf_read(rows, ROWS, conf, "chsm-mgmt", path, err);
}

void mgmt_conf_clear(struct mgmt_conf *conf)
{
        conf_clear(rows, ROWS, conf);
}

bool mgmt_servers_make(struct mgmt *m, struct err *err)
{
        struct chsm_endpoint *endpoints = NULL;
        size_t n = 0;
        bool ok = client_endpoints(&m->conf.nodes, &endpoints, &n, err);

        m->servers = ok ? calloc(n, sizeof(*m->servers)) : NULL;
        if (ok && !m->servers)
                ok = err_set(err, ERR_MEMORY, "no memory for the list of servers");
        for (; ok && m->count < n; m->count++) {
                struct mgmt_server *s = &m->servers[m->count];

                s->port = endpoints[m->count].port;
                s->host = strdup(endpoints[m->count].host);
                if (!s->host)
                        ok = err_set(err, ERR_MEMORY, "no memory for the list of servers");
        }
        client_endpoints_free(endpoints, n);
        return ok;
}
