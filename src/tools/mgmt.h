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

/* What follows when one of several servers fails. */
enum mgmt_on_failure {
        MGMT_ASK,    /* a person is asked for one of the others; a script goes on */
        MGMT_IGNORE, /* the next server */
        MGMT_ABORT,  /* no further server */
        MGMT_RETRY,  /* the same server once more */
};

struct mgmt {
        struct mgmt_conf conf;
        enum mgmt_on_failure on_failure; /* of --on-failure */
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
/* One server's part of a command. */
typedef uint32_t mgmt_one(struct shell *, struct mgmt_server *, size_t index, int argc, char **argv);
/* Calls one for each server in scope. name: for the success line; NULL: none. Of several servers each has, in
 * JSON mode, an object of its own in "servers"; when one fails, a person is asked what to do. The error is
 * that of the first that failed and was not tried again with success. */
uint32_t mgmt_each(struct shell *, const char *name, mgmt_one *one, int argc, char **argv);
uint32_t mgmt_not_connected(struct shell *, size_t index); /* fails so */
/* The server of a command that is for one (SHELL_ONE_SERVER). NULL: it is not connected; err. */
struct mgmt_server *mgmt_scoped(struct shell *);
/* "ask", "ignore" or "abort". */
bool mgmt_on_failure_read(const char *word, enum mgmt_on_failure *);

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
extern const struct shell_command mgmt_mask_rows[], mgmt_backup_rows[], mgmt_region_rows[];

#endif
