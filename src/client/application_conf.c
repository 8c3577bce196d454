#include "client/application_conf.h"
#include "base/file.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define AT(field) .offset = offsetof(struct application_conf, field)

static const char *const socket_types[] = { "UNIXSOCKET", NULL };

static const struct conf_row rows[] = {
        { "DAEMON_ID", CONF_NUMBER, AT(daemon_id), .preset = "1", .min = 1, .max = 9999,
          .help = "which client daemon of this host" },
        { "SOCKET_TYPE", CONF_CHOICE, AT(socket_type), .preset = "UNIXSOCKET", .choices = socket_types,
          .help = "how the daemon is reached" },
        { "PORT", CONF_NUMBER, AT(port), .preset = "1111", .min = 1, .max = 65535,
          .help = "taken, without effect: there is no TCP socket" },
        { "USER_KEK_HANDLE", CONF_NUMBER, AT(user_kek_handle), .preset = "0", .max = INT64_MAX,
          .help = "handle of the trusted key that imports use" },
        { "DEFAULT_WRAP_WITH_TRUSTED", CONF_BOOL, AT(wrap_with_trusted), .preset = "1",
          .help = "whether new keys leave only under trusted keys" },
        { "WRAP_WITH_TRUSTED", CONF_BOOL, AT(wrap_with_trusted), .help = "the same, as one guide names it" },
        { "CERTSTORAGE_URL", CONF_TEXT, AT(certstorage_url), .help = "where certificates are kept" },
        { "CERTSTORAGE_SIGNING_KEYID", CONF_TEXT, AT(certstorage_signing_keyid),
          .help = "and what signs them" },
        { "UAMI_CLIENT_ID", CONF_TEXT, AT(uami_client_id),
          .help = "managed identity; taken, without effect" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *find(void)
{
        static const char *const places[] = { "azcloudhsm_application.cfg",
                                              "/etc/chsm/azcloudhsm_application.cfg" };
        const char *named = getenv("CHSM_APPLICATION_CFG");

        if (named && named[0])
                return named;
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                if (file_exists(places[i]))
                        return places[i];
        }
        return NULL;
}

bool application_conf_read(struct application_conf *conf, struct err *err)
{
        const char *path = find(), *id = getenv("azcloudhsm_daemon_id");

        return conf_defaults(rows, ROWS, conf, err) && (!path || conf_read(rows, ROWS, conf, path, err)) &&
               (!id || !id[0] || conf_set(rows, ROWS, conf, "DAEMON_ID", id, "$azcloudhsm_daemon_id", err));
}

void application_conf_clear(struct application_conf *conf)
{
        conf_clear(rows, ROWS, conf);
}

const char *application_socket(const struct application_conf *conf)
{
        static _Thread_local char path[64];
        const char *named = getenv("CHSM_SOCKET");

        if (named && named[0])
                return named;
        if (conf->daemon_id == 1)
                return CLIENT_SOCKET_PRESET;
        (void)snprintf(path, sizeof(path), "/run/chsm/client-%d.sock", (int)conf->daemon_id);
        return path;
}
