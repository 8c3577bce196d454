/* Every option of chsm-client.conf, one row each. */
#include "client/application_conf.h"
#include "daemon/conf.h"
#include "wire/frame.h"

#include <stddef.h>

#define AT(field) .offset = offsetof(struct daemon_conf, field)

static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

const struct conf_row daemon_conf_rows[] = {
        { "socket", CONF_PATH, AT(socket), .preset = CLIENT_SOCKET_PRESET,
          .help = "Unix socket that applications connect to" },
        CLIENT_NODES_ROWS(struct daemon_conf, nodes),
        { "zone", CONF_TEXT, AT(zone), .preset = "",
          .help = "nodes of this zone are asked first, others while it has none that serve or only crowded "
                  "ones; empty: all alike" },
        { "learn_nodes", CONF_BOOL, AT(learn_nodes), .preset = "yes",
          .help = "connect to all nodes that one of those given above tells of" },
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
