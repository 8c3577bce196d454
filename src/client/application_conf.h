/* azcloudhsm_application.cfg (spec/tools.md 2.2): what an application on this host uses. It is optional here.
 *
 * Looked for in this order: the file that $CHSM_APPLICATION_CFG names, the working directory, /etc/chsm. It
 * cannot name a socket: whoever may write into a working directory must not redirect a login. */
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
};

/* Presets, then the file, if any. A file that is there and wrong is an error. */
bool application_conf_read(struct application_conf *, struct err *);
void application_conf_clear(struct application_conf *);

/* The daemon's socket: $CHSM_SOCKET, or that of the configured daemon. Valid until the next call. */
const char *application_socket(const struct application_conf *);

#endif
