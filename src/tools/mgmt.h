/* chsm-mgmt: what its commands share. Each server is spoken to directly; a command in global scope goes to
 * each. */
#ifndef CHSM_TOOLS_MGMT_H
#define CHSM_TOOLS_MGMT_H

#include "client/nodes_conf.h"
#include "tls/tls.h"
#include "tools/shell.h"

struct mgmt_conf {
        struct client_nodes nodes;
};

struct mgmt_server {
        char *host;
        uint16_t port;
        struct chsm *chsm;       /* NULL: not connected */
        struct tls_context *tls; /* of this connection */
        bool owned;              /* verified under PO.crt; else only the ceremony is possible */
        char login[64];          /* "admin(CO)", or empty */
};

struct mgmt {
        struct mgmt_conf conf;
        struct mgmt_server *servers;
        size_t count;
        long scope; /* -1: global, else the server's index */
};

/* Reads the native file (key = value) or the documented JSON. */
bool mgmt_conf_read(struct mgmt_conf *, const char *path, struct err *);
void mgmt_conf_clear(struct mgmt_conf *);
bool mgmt_servers_make(struct mgmt *, struct err *);
/* Connects to a server again, verified where PO.crt is there and fits. */
bool mgmt_connect(struct shell *, struct mgmt_server *, size_t index);
void mgmt_disconnect(struct mgmt_server *);
void mgmt_clear(struct mgmt *);

struct mgmt *mgmt_of(struct shell *);
/* Calls one for each server in scope until one fails. name: for the success line; NULL: none. */
uint32_t mgmt_each(struct shell *, const char *name,
                   uint32_t (*one)(struct shell *, struct mgmt_server *, size_t index, int argc, char **argv),
                   int argc, char **argv);

/* The documented line: "NAME success on server 0(host)", in server scope "NAME success". */
void mgmt_success(struct shell *, const char *name, size_t index);

/* 6 for PRECO, 2 CO, 1 CU; 0 and err otherwise. */
uint32_t mgmt_role(struct shell *, const char *text);
const char *mgmt_role_name(uint32_t role);
size_t mgmt_scope_size(struct shell *); /* servers that a command goes to */
/* Says what the node remarked on something done. */
void mgmt_note(struct shell *, const Chsm__Response *);
void mgmt_say_note(struct shell *, const char *note); /* empty: nothing */

extern const struct shell_example mgmt_examples[];
extern const struct shell_command mgmt_config_rows[], mgmt_cluster_rows[];
extern const struct shell_command mgmt_server_rows[], mgmt_user_rows[], mgmt_key_rows[], mgmt_audit_rows[],
    mgmt_quorum_rows[], mgmt_factor_rows[], mgmt_policy_rows[], mgmt_right_rows[];

/* Whether these words can be run without any server: an exported log is checked anywhere. */
bool mgmt_audit_offline(int argc, char **argv);
extern const struct shell_command mgmt_mask_rows[], mgmt_backup_rows[];

#endif
