/* azcloudhsm_application.cfg (spec/tools.md 2.2): what an application on this host uses. It is optional here.
 *
 * Looked for in this order: the file that $CHSM_APPLICATION_CFG names, the working directory, /etc/chsm. It
 * cannot name a socket: whoever may write into a working directory must not redirect a login; nor, there, a
 * log file or a program. The keys that are ours come from the environment too, as CHSM_<KEY>, which comes
 * last; a process that was started with more rights than its caller does not look at it.
 * docs/applications.md. */
#ifndef CHSM_CLIENT_APPLICATION_CONF_H
#define CHSM_CLIENT_APPLICATION_CONF_H

#include "base/conf.h"

#define CLIENT_SOCKET_PRESET "/run/chsm/client.sock"

struct application_conf {
        int64_t daemon_id; /* also from $azcloudhsm_daemon_id */
        int socket_type;
        int64_t port;
        int64_t user_kek_handle; /* 0: none */
        bool wrap_with_trusted;  /* what the tools and providers give new keys */
        char *certstorage_url, *certstorage_signing_keyid, *uami_client_id;
        /* ours, for the PKCS#11 module */
        int pin_error_code; /* 0: CKR_PIN_INCORRECT, 1: 0xA3 as the documented system says */
        char *default_user; /* of a PIN that is a password alone; NULL: none */
        bool defer_connect; /* a missing daemon is an empty slot, not an error of C_Initialize */
        int log_level;      /* enum application_log */
        char *log_file;     /* NULL: nothing is logged */
        char *second_factor_command, *approval_command; /* helper.h; NULL: none */
        bool strict;                                    /* the three below off */
        bool default_extractable, default_usage, allow_nonsensitive_session;
};

enum application_log {
        APPLICATION_LOG_NONE,
        APPLICATION_LOG_ERRORS,
        APPLICATION_LOG_REFUSALS,
        APPLICATION_LOG_CALLS
};

/* Presets, then the file, if any. A file that is there and wrong is an error. */
bool application_conf_read(struct application_conf *, struct err *);
void application_conf_clear(struct application_conf *);

/* The daemon's socket: $CHSM_SOCKET, or that of the configured daemon. Valid until the next call. */
const char *application_socket(const struct application_conf *);

#endif
