/* Connections to servers, and what runs on each of them. */
#include "base/file.h"
#include "tools/mgmt.h"
#include "tools/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct mgmt *mgmt_of(struct shell *sh)
{
        return sh->context;
}

void mgmt_disconnect(struct mgmt_server *s)
{
        chsm_close(&s->chsm);
        tls_context_free(&s->tls);
        s->login[0] = 0;
        s->owned = false;
}

void mgmt_clear(struct mgmt *m)
{
        for (size_t i = 0; i < m->count; i++) {
                mgmt_disconnect(&m->servers[i]);
                free(m->servers[i].host);
        }
        free(m->servers);
        mgmt_conf_clear(&m->conf);
}

/* allow_unowned: for the ceremony, with a node that PO.crt does not vouch for yet. */
static bool connect_as(struct mgmt *m, struct mgmt_server *s, bool allow_unowned, struct err *err)
{
        struct tls_client_config config = { .owner_certificate = m->conf.nodes.owner_certificate,
                                            .allow_unowned = allow_unowned,
                                            .certificate = file_exists(m->conf.nodes.certificate)
                                                               ? m->conf.nodes.certificate
                                                               : NULL,
                                            .private_key = m->conf.nodes.private_key };
        struct chsm_endpoint endpoint = { s->host, s->port };
        struct chsm_options options = { .endpoints = &endpoint,
                                        .endpoint_count = 1,
                                        .name = "chsm-mgmt/" CHSM_VERSION,
                                        .cancel = shell_cancel_flag() };

        s->tls = tls_client_context(&config, err);
        if (!s->tls)
                return false;
        options.dialer = tls_dialer(s->tls);
        s->chsm = chsm_open(&options, err);
        if (!s->chsm)
                tls_context_free(&s->tls);
        s->owned = s->chsm && !allow_unowned;
        return s->chsm != NULL;
}

bool mgmt_connect(struct shell *sh, struct mgmt_server *s, size_t index)
{
        struct mgmt *m = mgmt_of(sh);
        bool has_owner = file_exists(m->conf.nodes.owner_certificate);
        struct err err = ERR_INIT, second = ERR_INIT;

        mgmt_disconnect(s);
        shell_say(sh, "Connecting to 'server %zu': hostname '%s', port %u...\n", index, s->host, s->port);
        if (!has_owner)
                shell_say(sh, "%s,\npartition owner certificate not exist at given path\n",
                          m->conf.nodes.owner_certificate);
        if (has_owner && connect_as(m, s, false, &err)) {
                shell_say(
                    sh,
                    "Connected to 'server %zu': hostname '%s', port %u...\nE2E enabled on server %zu(%s)\n",
                    index, s->host, s->port, index, s->host);
                return true;
        }
        if (!connect_as(m, s, true, &second)) {
                fprintf(stderr, "Connetion to server %zu(%s) on port %u failed: %s\n", index, s->host,
                        s->port, err.id ? err.detail : second.detail);
                return false;
        }
        if (has_owner && chsm_hello(s->chsm)->state != 1) {
                /* An owned node that our PO.crt does not vouch for is somebody else's, or nobody's. */
                fprintf(stderr, "server %zu(%s) is not believed: %s\n", index, s->host, err.detail);
                mgmt_disconnect(s);
                return false;
        }
        shell_say(sh, "Connected to 'server %zu': hostname '%s', port %u...\n", index, s->host, s->port);
        shell_say(sh, "Server %zu(%s) is in unencrypted mode now...\nrunning in limited commands mode\n",
                  index, s->host);
        return true;
}

void mgmt_success(struct shell *sh, const char *name, size_t index)
{
        const struct mgmt *m = mgmt_of(sh);

        if (m->scope < 0)
                shell_say(sh, "%s success on server %zu(%s)\n", name, index, m->servers[index].host);
        else
                shell_say(sh, "%s success\n", name);
}

uint32_t mgmt_role(struct shell *sh, const char *text)
{
        static const struct {
                const char *name;
                uint32_t role;
        } roles[] = { { "CU", 1 }, { "CO", 2 }, { "PCO", 2 }, { "PRECO", 6 } };

        for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
                if (strcasecmp(roles[i].name, text) == 0)
                        return roles[i].role;
        }
        (void)shell_fail(sh, ERR_USER_TYPE, "'%s' is no user type; there are CU, CO and PRECO", text);
        return 0;
}

const char *mgmt_role_name(uint32_t role)
{
        return tool_role_name(role);
}

void mgmt_say_note(struct shell *sh, const char *note)
{
        if (!note[0])
                return;
        shell_say(sh, "Note: %s\n", note);
        shell_set(sh, "note", json_string(note));
}

void mgmt_note(struct shell *sh, const Chsm__Response *r)
{
        mgmt_say_note(sh, r->note);
}

size_t mgmt_scope_size(struct shell *sh)
{
        return mgmt_of(sh)->scope < 0 ? mgmt_of(sh)->count : 1;
}
