#include "base/conf.h"
#include "base/file.h"
#include "base/text.h"
#include "tools/mgmt.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define AT(field) .offset = offsetof(struct mgmt_conf, field)
#define FILE_MAX  ((size_t)64 * 1024)

static const struct conf_row rows[] = {
        { "server", CONF_LIST, AT(servers), .help = "host:port of a node; one line a node" },
        { "owner_certificate", CONF_PATH, AT(owner_certificate), .preset = "/etc/chsm/PO.crt",
          .help = "certificate of the partition's owner, under which nodes are verified" },
        { "certificate", CONF_PATH, AT(certificate), .preset = "/etc/chsm/client.crt",
          .help = "this host's certificate, which the nodes have in their folder of clients" },
        { "private_key", CONF_PATH, AT(private_key), .preset = "/etc/chsm/client.key",
          .help = "its private key; readable by its owner only" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* {"servers":[{"hostname":"hsm1","port":2225}], "ssl":{...}} as keys of the native file. */
static bool json_set(struct mgmt_conf *conf, const char *path, json_t *root, struct err *err)
{
        static const struct {
                const char *json, *key;
        } files[] = { { "owner_cert_path", "owner_certificate" },
                      { "certificate", "certificate" },
                      { "pkey", "private_key" } };
        json_t *servers = json_object_get(root, "servers"), *ssl = json_object_get(root, "ssl"), *one;
        size_t i;
        bool ok = true;

        json_array_foreach(servers, i, one)
        {
                const char *host = json_string_value(json_object_get(one, "hostname"));
                json_t *port = json_object_get(one, "port");
                char text[300];

                (void)snprintf(text, sizeof(text), "%s:%d", host ? host : "",
                               port ? (int)json_integer_value(port) : 2225);
                ok = ok && host && conf_set(rows, ROWS, conf, "server", text, path, err);
        }
        for (i = 0; ok && i < sizeof(files) / sizeof(files[0]); i++) {
                const char *value = json_string_value(json_object_get(ssl, files[i].json));
                if (value)
                        ok = conf_set(rows, ROWS, conf, files[i].key, value, path, err);
        }
        return ok ||
               (err->id ? false : err_set(err, ERR_CONFIG, "'%s': every server needs a \"hostname\"", path));
}

bool mgmt_conf_read(struct mgmt_conf *conf, const char *path, struct err *err)
{
        struct buf text = BUF_INIT;
        json_error_t where;
        json_t *root;
        bool ok = conf_defaults(rows, ROWS, conf, err) && file_read(path, FILE_MAX, &text, err);
        size_t at = 0;

        while (ok && at < text.n && (text.p[at] == ' ' || text.p[at] == '\n' || text.p[at] == '\t'))
                at++;
        if (ok && at < text.n && text.p[at] == '{') {
                root = json_loadb((const char *)text.p, text.n, 0, &where);
                ok = root ? json_set(conf, path, root, err)
                          : err_set(err, ERR_CONFIG, "'%s' line %d: %s", path, where.line, where.text);
                json_decref(root);
        } else if (ok) {
                ok = conf_parse(rows, ROWS, conf, buf_slice(&text), path, err);
        }
        buf_clear(&text);
        return ok;
}

void mgmt_conf_clear(struct mgmt_conf *conf)
{
        conf_clear(rows, ROWS, conf);
}

bool mgmt_servers_make(struct mgmt *m, struct err *err)
{
        size_t n = 0;

        while (m->conf.servers && m->conf.servers[n])
                n++;
        if (n == 0)
                return err_set(err, ERR_CONFIG, "no server is configured; add: server = host:port");
        m->servers = calloc(n, sizeof(*m->servers));
        if (!m->servers)
                return err_set(err, ERR_MEMORY, "no memory for the list of servers");
        for (; m->count < n; m->count++) {
                struct mgmt_server *s = &m->servers[m->count];
                const char *text = m->conf.servers[m->count], *colon = strrchr(text, ':');
                uint64_t port;

                if (!colon || !text_number(colon + 1, 1, 65535, &port))
                        return err_set(err, ERR_CONFIG, "server '%s' is not host:port", text);
                s->host = strndup(text, (size_t)(colon - text));
                s->port = (uint16_t)port;
                if (!s->host)
                        return err_set(err, ERR_MEMORY, "no memory for the list of servers");
        }
        return true;
}
