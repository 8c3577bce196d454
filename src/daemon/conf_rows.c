/* Every option of chsm-client.conf, one row each. */
#include "base/text.h"
#include "daemon/conf.h"
#include "wire/frame.h"

#include <stddef.h>
#include <stdlib.h>

#define AT(field) .offset = offsetof(struct daemon_conf, field)

static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

const struct conf_row daemon_conf_rows[] = {
        { "socket", CONF_PATH, AT(socket), .preset = "/run/chsm/client.sock",
          .help = "Unix socket that applications connect to" },
        { "server", CONF_LIST, AT(servers), .help = "host:port of a node; one line a node" },
        { "owner_certificate", CONF_PATH, AT(owner_certificate), .preset = "/etc/chsm/PO.crt",
          .help = "certificate of the partition's owner, under which nodes are verified" },
        { "certificate", CONF_PATH, AT(certificate), .preset = "/etc/chsm/client.crt",
          .help = "this host's certificate, which the nodes have in their folder of clients" },
        { "private_key", CONF_PATH, AT(private_key), .preset = "/etc/chsm/client.key",
          .help = "its private key; readable by its owner only" },
        { "socket_mode", CONF_TEXT, AT(socket_mode), .preset = "0666",
          .help = "access to the socket, octal; who may use keys is decided by login" },
        { "loops", CONF_NUMBER, AT(loops), .preset = "1", .min = 1, .max = 64,
          .help = "threads that relay, each with connections of its own" },
        { "max_connections", CONF_NUMBER, AT(max_connections), .preset = "4096", .min = 1, .max = 1000000,
          .help = "connections of applications at once" },
        { "max_connections_per_user", CONF_NUMBER, AT(max_per_user), .preset = "1024", .min = 1,
          .max = 1000000, .help = "of those, at most so many of one system user" },
        { "deadline_s", CONF_NUMBER, AT(deadline_s), .preset = "60", .min = 1, .max = 3600,
          .help = "seconds a request is tried for, unless its application gives up before" },
        { "max_frame", CONF_NUMBER, AT(max_frame), .preset = "1048576", .min = 65536,
          .max = WIRE_LIMIT_HIGHEST, .help = "bytes of the largest request" },
        { "ready_file", CONF_PATH, AT(ready_file), .help = "file written when applications can connect" },
        { "log", CONF_TEXT, AT(log_target), .preset = "stderr", .help = "stderr, syslog, none or a file" },
        { "log_level", CONF_CHOICE, AT(log_level), .preset = "info", .choices = levels,
          .help = "error, warning, info or debug" },
};
const size_t daemon_conf_rows_n = sizeof(daemon_conf_rows) / sizeof(daemon_conf_rows[0]);

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

bool daemon_endpoints(const struct daemon_conf *conf, struct chsm_endpoint **out, size_t *n, struct err *err)
{
        size_t count = 0;

        while (conf->servers && conf->servers[count])
                count++;
        *n = 0;
        *out = calloc(count + 1, sizeof(**out));
        if (!*out)
                return err_set(err, ERR_MEMORY, "no memory for the list of servers");
        if (count == 0)
                return err_set(err, ERR_CONFIG, "no server is configured; add: server = host:port");
        for (; *n < count; (*n)++) {
                if (!parse_server(conf->servers[*n], &(*out)[*n], err))
                        return false;
        }
        return true;
}

void daemon_endpoints_free(struct chsm_endpoint *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free((void *)(uintptr_t)list[i].host);
        free(list);
}
