#include "client/application_conf.h"
#include "base/file.h"
#include "client/helper.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define AT(field) .offset = offsetof(struct application_conf, field)

static const char *const socket_types[] = { "UNIXSOCKET", NULL };
static const char *const pin_codes[] = { "0xA0", "0xA3", NULL };
static const char *const log_levels[] = { "none", "errors", "refusals", "calls", NULL };

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
        { "PIN_ERROR_CODE", CONF_CHOICE, AT(pin_error_code), .preset = "0xA0", .choices = pin_codes,
          .help = "what C_Login says to a wrong PIN: 0xA3 is what the documented system says" },
        { "DEFAULT_USER", CONF_TEXT, AT(default_user), .help = "whose password a PIN without a colon is" },
        { "DEFER_CONNECT", CONF_BOOL, AT(defer_connect), .preset = "0",
          .help = "a missing daemon is a slot without token, not an error of C_Initialize" },
        { "LOG_LEVEL", CONF_CHOICE, AT(log_level), .preset = "refusals", .choices = log_levels,
          .help = "what the module writes into the log file" },
        { "LOG_FILE", CONF_TEXT, AT(log_file),
          .help = "the module's log; not from the working directory's file" },
        { "SECOND_FACTOR_COMMAND", CONF_TEXT, AT(second_factor_command),
          .help = "program that signs the challenge of a user's second factor, with its words; not from the "
                  "working directory's file" },
        { "APPROVAL_COMMAND", CONF_TEXT, AT(approval_command),
          .help = "program that brings the approvals of keys with a quorum; not from the working "
                  "directory's file" },
        { "STRICT", CONF_BOOL, AT(strict), .preset = "0",
          .help = "the next three keys all off, whatever they say" },
        { "DEFAULT_EXTRACTABLE", CONF_BOOL, AT(default_extractable), .preset = "1",
          .help = "whether a new key may leave under a wrapping key when its template does not say" },
        { "DEFAULT_USAGE", CONF_BOOL, AT(default_usage), .preset = "1",
          .help = "whether a template that names no usage gets the usual ones" },
        { "ALLOW_NONSENSITIVE_SESSION", CONF_BOOL, AT(allow_nonsensitive_session), .preset = "1",
          .help = "whether this application may make session keys with a value that can be read" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The environment's word for a key. Both names of the log file are older than the rule. */
static const struct {
        const char *variable, *key;
} variables[] = {
        { "azcloudhsm_daemon_id", "DAEMON_ID" },
        { "CHSM_PIN_ERROR_CODE", "PIN_ERROR_CODE" },
        { "CHSM_DEFAULT_USER", "DEFAULT_USER" },
        { "CHSM_DEFER_CONNECT", "DEFER_CONNECT" },
        { "CHSM_LOG_LEVEL", "LOG_LEVEL" },
        { "CHSM_LOG", "LOG_FILE" },
        { "CHSM_SECOND_FACTOR_COMMAND", "SECOND_FACTOR_COMMAND" },
        { "CHSM_APPROVAL_COMMAND", "APPROVAL_COMMAND" },
        { "CHSM_STRICT", "STRICT" },
        { "CHSM_DEFAULT_EXTRACTABLE", "DEFAULT_EXTRACTABLE" },
        { "CHSM_DEFAULT_USAGE", "DEFAULT_USAGE" },
        { "CHSM_ALLOW_NONSENSITIVE_SESSION", "ALLOW_NONSENSITIVE_SESSION" },
};

static const char *find(bool *by_chance)
{
        static const char *const places[] = { "azcloudhsm_application.cfg",
                                              "/etc/chsm/azcloudhsm_application.cfg" };
        const char *named = secure_getenv("CHSM_APPLICATION_CFG");

        *by_chance = false;
        if (named && named[0])
                return named;
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                *by_chance = i == 0;
                if (file_exists(places[i]))
                        return places[i];
        }
        return NULL;
}

static bool read_environment(struct application_conf *conf, struct err *err)
{
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
                const char *value = secure_getenv(variables[i].variable);
                char where[64];

                (void)snprintf(where, sizeof(where), "$%s", variables[i].variable);
                if (value && value[0] && !conf_set(rows, ROWS, conf, variables[i].key, value, where, err))
                        return false;
        }
        return true;
}

/* Whoever may write into a working directory must not say where this process writes, not even this error, nor
 * what it starts. */
static bool by_chance_check(struct application_conf *conf, const char *path, struct err *err)
{
        const struct {
                const char *key, *variable;
                char **value;
        } kept[] = { { "LOG_FILE", "CHSM_LOG", &conf->log_file },
                     { "SECOND_FACTOR_COMMAND", "CHSM_SECOND_FACTOR_COMMAND", &conf->second_factor_command },
                     { "APPROVAL_COMMAND", "CHSM_APPROVAL_COMMAND", &conf->approval_command } };
        bool ok = true;

        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
                if (!*kept[i].value)
                        continue;
                free(*kept[i].value);
                *kept[i].value = NULL;
                ok = err_set(
                    err, ERR_CONFIG,
                    "'%s': %s is not taken from the working directory; use $%s, or the file in /etc/chsm",
                    path, kept[i].key, kept[i].variable);
        }
        return ok;
}

static bool command_check(const char *key, const char *command, struct err *err)
{
        return !command || helper_check(command) ||
               err_set(err, ERR_CONFIG, "%s names a program by its absolute path, not '%s'", key, command);
}

bool application_conf_read(struct application_conf *conf, struct err *err)
{
        bool by_chance, ok;
        const char *path = find(&by_chance);

        if (!conf_defaults(rows, ROWS, conf, err))
                return false;
        ok = !path || conf_read(rows, ROWS, conf, path, err);
        if (by_chance)
                ok = by_chance_check(conf, path, err) && ok;
        if (!ok || !read_environment(conf, err) ||
            !command_check("SECOND_FACTOR_COMMAND", conf->second_factor_command, err) ||
            !command_check("APPROVAL_COMMAND", conf->approval_command, err))
                return false;
        if (conf->strict)
                conf->default_extractable = conf->default_usage = conf->allow_nonsensitive_session = false;
        return true;
}

void application_conf_clear(struct application_conf *conf)
{
        conf_clear(rows, ROWS, conf);
}

const char *application_socket(const struct application_conf *conf)
{
        static _Thread_local char path[64];
        const char *named = secure_getenv("CHSM_SOCKET");

        if (named && named[0])
                return named;
        if (conf->daemon_id == 1)
                return CLIENT_SOCKET_PRESET;
        (void)snprintf(path, sizeof(path), "/run/chsm/client-%d.sock", (int)conf->daemon_id);
        return path;
}
