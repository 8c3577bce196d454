#include "client/nodes_conf.h"
#include "base/file.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST  ((size_t)64 * 1024)
#define NODE_PORT  2225
#define SOCKET_FMT "/run/chsm/client-%d.sock"

/* What a documented option is here; key NULL: taken, without effect. */
static const struct json_row {
        const char *section, *name, *key;
} json_rows[] = {
        { "client", "e2e_owner_crt_path", "owner_certificate" },
        { "client", "log_level", "log_level" },
        { "client", "workers", "loops" },
        { "client", "daemon_id", "socket" },
        { "client", "socket_type", "socket_type" },
        { "client", "tcp_port", NULL },
        { "client", "CriticalAlertScript", NULL },
        { "client", "create_object_minimum_nodes", NULL },
        { "client", "enable_3des_key_reuse", NULL },
        { "client", "reconnect_attempts", NULL },
        { "client", "reconnect_interval", NULL },
        { "client", "sslreneg", NULL },
        { "client", "zoneid", NULL },
        { "ssl", "owner_cert_path", "owner_certificate" },
        { "ssl", "certificate", "certificate" },
        { "ssl", "pkey", "private_key" },
        { "ssl", "CApath", NULL },
        { "ssl", "server_ch_ssl_ciphers", NULL },
        { "ssl", "server_ssl", NULL },
        { "logging", "log_level", "log_level" },
        { "logging", "logfiles_location", NULL },
        { "server", "hostname", "server" },
        { "server", "port", NULL },
        { "loadbalance", NULL, NULL },
        { "dualfactor", NULL, NULL },
        { "mutual_auth", NULL, NULL },
        { "scard", NULL, NULL },
};

struct target {
        const struct conf_row *rows;
        size_t n;
        void *values;
        const char *program, *path;
        bool server_given; /* "servers" is what counts when both are there */
};

static bool has_key(const struct target *t, const char *key)
{
        for (size_t i = 0; key && i < t->n; i++) {
                if (strcmp(t->rows[i].name, key) == 0)
                        return true;
        }
        return false;
}

/* A JSON value as the text of a native option. */
static bool value_text(const json_t *value, char *text, size_t room)
{
        if (json_is_string(value))
                return (size_t)snprintf(text, room, "%s", json_string_value(value)) < room;
        if (json_is_integer(value))
                return (size_t)snprintf(text, room, "%" JSON_INTEGER_FORMAT, json_integer_value(value)) <
                       room;
        return json_is_boolean(value) && snprintf(text, room, "%s", json_is_true(value) ? "yes" : "no") > 0;
}

static bool server_add(struct target *t, const json_t *one, struct err *err)
{
        const json_t *port = json_object_get(one, "port");
        const char *host = json_string_value(json_object_get(one, "hostname"));
        char text[300];
        bool colon = host && strchr(host, ':');

        if (!host || !host[0] || (port && !json_is_integer(port)))
                return err_set(err, ERR_CONFIG,
                               "'%s': every server needs a \"hostname\", and its \"port\" is a number",
                               t->path);
        if ((size_t)snprintf(text, sizeof(text), "%s%s%s:%lld", colon ? "[" : "", host, colon ? "]" : "",
                             port ? (long long)json_integer_value(port) : NODE_PORT) >= sizeof(text))
                return err_set(err, ERR_CONFIG, "'%s': host name '%.40s...' is too long", t->path, host);
        return conf_set(t->rows, t->n, t->values, "server", text, t->path, err);
}

/* The two options that are not one text to one text. */
static bool set_daemon_id(struct target *t, const char *text, struct err *err)
{
        uint64_t id;
        char socket[sizeof(SOCKET_FMT) + 20];

        if (!text_number(text, 1, 9999, &id))
                return err_set(err, ERR_CONFIG, "'%s': daemon_id is a number from 1 to 9999, not '%s'",
                               t->path, text);
        if (id == 1)
                return true; /* the preset socket is the first daemon's */
        (void)snprintf(socket, sizeof(socket), SOCKET_FMT, (int)id);
        return conf_set(t->rows, t->n, t->values, "socket", socket, t->path, err);
}

static bool set_one(struct target *t, const struct json_row *row, const json_t *section, const json_t *value,
                    struct err *err)
{
        char text[1024];

        if (!row->name || !row->key)
                return true;
        if (strcmp(row->key, "server") == 0)
                return t->server_given || server_add(t, section, err);
        if (!value_text(value, text, sizeof(text)))
                return err_set(err, ERR_CONFIG, "'%s': \"%s\" in \"%s\" is no text, number or yes/no",
                               t->path, row->name, row->section);
        if (strcmp(row->key, "socket_type") == 0)
                return strcmp(text, "UNIXSOCKET") == 0 ||
                       err_set(err, ERR_CONFIG,
                               "'%s': socket_type '%s' is not offered, as anybody on the host could use it; "
                               "only UNIXSOCKET is",
                               t->path, text);
        if (!has_key(t, row->key))
                return true;
        if (strcmp(row->name, "daemon_id") == 0)
                return set_daemon_id(t, text, err);
        return conf_set(t->rows, t->n, t->values, row->key, text, t->path, err);
}

static bool set_section(struct target *t, const char *section, json_t *members, struct err *err)
{
        const char *name;
        json_t *value;
        char text[1024];

        if (!json_is_object(members))
                return err_set(err, ERR_CONFIG, "'%s': \"%s\" is not an object", t->path, section);
        json_object_foreach(members, name, value)
        {
                const struct json_row *row = NULL;

                if (strcmp(section, t->program) == 0) {
                        if (!value_text(value, text, sizeof(text)))
                                return err_set(err, ERR_CONFIG, "'%s': \"%s\" in \"%s\" is no text or number",
                                               t->path, name, section);
                        if (!conf_set(t->rows, t->n, t->values, name, text, t->path, err))
                                return false;
                        continue;
                }
                for (size_t i = 0; !row && i < sizeof(json_rows) / sizeof(json_rows[0]); i++) {
                        if (strcmp(json_rows[i].section, section) == 0 &&
                            (!json_rows[i].name || strcmp(json_rows[i].name, name) == 0))
                                row = &json_rows[i];
                }
                if (!row)
                        return err_set(err, ERR_CONFIG, "'%s': \"%s\" in \"%s\" is not known", t->path, name,
                                       section);
                if (!set_one(t, row, members, value, err))
                        return false;
        }
        return true;
}

/* A section named like another of our programs is for that one. */
static bool is_others(const struct target *t, const char *section)
{
        return strncmp(section, "chsm-", 5) == 0 && strcmp(section, t->program) != 0;
}

static bool set_all(struct target *t, json_t *root, struct err *err)
{
        json_t *servers = json_object_get(root, "servers"), *value;
        const char *name;
        size_t i;

        if (!json_is_object(root) || (servers && !json_is_array(servers)))
                return err_set(err, ERR_CONFIG, "'%s': {\"servers\": [{\"hostname\": \"...\"}]} is wanted",
                               t->path);
        json_array_foreach(servers, i, value)
        {
                if (!server_add(t, value, err))
                        return false;
        }
        t->server_given = json_array_size(servers) > 0;
        json_object_foreach(root, name, value)
        {
                if (value != servers && !is_others(t, name) && !set_section(t, name, value, err))
                        return false;
        }
        return true;
}

static bool read_json(struct target *t, struct slice text, struct err *err)
{
        json_error_t where;
        json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &where);
        bool ok = root ? set_all(t, root, err)
                       : err_set(err, ERR_CONFIG, "'%s' line %d: %s", t->path, where.line, where.text);

        json_decref(root);
        return ok;
}

bool client_conf_parse(const struct conf_row *rows, size_t n, void *values, const char *program,
                       struct slice text, const char *path, struct err *err)
{
        struct target t = { .rows = rows, .n = n, .values = values, .program = program, .path = path };
        size_t at = 0;

        while (at < text.n && strchr(" \t\r\n", text.p[at]))
                at++;
        return at < text.n && text.p[at] == '{' ? read_json(&t, text, err)
                                                : conf_parse(rows, n, values, text, path, err);
}

bool client_conf_read(const struct conf_row *rows, size_t n, void *values, const char *program,
                      const char *path, struct err *err)
{
        struct buf text = BUF_INIT;
        bool ok = conf_defaults(rows, n, values, err) && file_read(path, FILE_MOST, &text, err) &&
                  client_conf_parse(rows, n, values, program, buf_slice(&text), path, err);

        buf_clear(&text);
        return ok;
}

static bool parse_server(const char *text, struct chsm_endpoint *out, struct err *err)
{
        const char *colon = strrchr(text, ':');
        uint64_t port = 0;
        bool bracket = text[0] == '[' && colon && colon > text && colon[-1] == ']';
        size_t n = colon ? (size_t)(colon - text) : 0;

        if (!colon || n == 0 || !text_number(colon + 1, 1, 65535, &port))
                return err_set(err, ERR_CONFIG, "server '%s' is not host:port", text);
        out->host = bracket ? strndup(text + 1, n - 2) : strndup(text, n);
        out->port = (uint16_t)port;
        return out->host || err_set(err, ERR_MEMORY, "no memory for the list of servers");
}

bool client_endpoints(const struct client_nodes *nodes, struct chsm_endpoint **out, size_t *n,
                      struct err *err)
{
        size_t count = 0;

        while (nodes->servers && nodes->servers[count])
                count++;
        *n = 0;
        *out = calloc(count + 1, sizeof(**out));
        if (!*out)
                return err_set(err, ERR_MEMORY, "no memory for the list of servers");
        if (count == 0)
                return err_set(err, ERR_CONFIG, "no server is configured; add: server = host:port");
        for (; *n < count; (*n)++) {
                if (!parse_server(nodes->servers[*n], &(*out)[*n], err))
                        return false;
        }
        return true;
}

void client_endpoints_free(struct chsm_endpoint *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free((void *)(uintptr_t)list[i].host);
        free(list);
}
