/* Which nodes to reach and how to know them, from a native file (key = value) or from the documented JSON
 * files azcloudhsm_resource.cfg, azcloudhsm_client.cfg and azcloudhsm_mgmt_util.cfg
 * (spec/tools.md 2.1, 2.3, 2.4). */
#ifndef CHSM_CLIENT_NODES_CONF_H
#define CHSM_CLIENT_NODES_CONF_H

#include "base/conf.h"
#include "client/chsm.h"
#include <stddef.h>

struct client_nodes {
        char **servers; /* "host:port" or "[address]:port" */
        char *owner_certificate, *certificate, *private_key;
};

/* The rows of those options, for a struct that has a `struct client_nodes` in it. */
#define CLIENT_NODES_ROWS(type, member)                                                                      \
        { "server", CONF_LIST, .offset = offsetof(type, member.servers),                                     \
          .help = "host:port of a node; one line a node" },                                                  \
            { "owner_certificate", CONF_PATH, .offset = offsetof(type, member.owner_certificate),            \
              .preset = "/etc/chsm/PO.crt",                                                                  \
              .help = "certificate of the partition's owner, under which nodes are verified" },              \
            { "certificate", CONF_PATH, .offset = offsetof(type, member.certificate),                        \
              .preset = "/etc/chsm/client.crt",                                                              \
              .help = "this host's certificate, which the nodes have in their folder of clients" },          \
        {                                                                                                    \
                "private_key", CONF_PATH, .offset = offsetof(type, member.private_key),                      \
                                          .preset = "/etc/chsm/client.key",                                  \
                                          .help = "its private key; readable by its owner only"              \
        }

/* Presets, then the file over them: JSON when it begins with '{'. JSON options that the rows do not have are
 * taken and have no effect; names that no documented file has are refused. A section named like the program
 * ("chsm-client") holds options of its native file. */
bool client_conf_read(const struct conf_row *rows, size_t n, void *target, const char *program,
                      const char *path, struct err *);

/* The same from text over present values; name: of the file, for messages and relative paths. */
bool client_conf_parse(const struct conf_row *rows, size_t n, void *target, const char *program,
                       struct slice text, const char *name, struct err *);

/* The servers as endpoints; hosts are heap copies, freed by client_endpoints_free. None: an error. */
bool client_endpoints(const struct client_nodes *, struct chsm_endpoint **, size_t *n, struct err *);
void client_endpoints_free(struct chsm_endpoint *, size_t n);

#endif
