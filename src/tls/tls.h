/* Mutual TLS 1.3 as a transport.
 *
 * The server shows POAC (its manufacturer-style certificate while unowned); the client verifies it under
 * PO.crt. Clients show a certificate that stands in the server's trust folder, or was issued by one that
 * does. TLS 1.3 only, private library context, no renegotiation, no compression, session tickets off. */
#ifndef CHSM_TLS_TLS_H
#define CHSM_TLS_TLS_H

#include "base/sec.h"
#include "wire/conn.h"

struct tls_context;

struct tls_server_config {
        struct slice certificate;     /* DER */
        struct slice chain;           /* DER certificates one after another, may be empty */
        struct slice private_key_pem; /* secret; copied into the context */
        const char *client_trust;     /* folder of PEM files: clients' own certificates or CAs of theirs */
        bool demand_client;           /* refuse clients without a certificate from there */
};

struct tls_client_config {
        const char
            *owner_certificate;  /* PO.crt; NULL or absent file: the node cannot be verified, see below */
        bool allow_unowned;      /* accept a node that cannot be verified under PO.crt (ceremony only) */
        const char *certificate; /* client's own, PEM; NULL: none */
        const char *private_key; /* PEM; must not be readable by others */
};

/* Errors name the file and the cure (wrong PO.crt, expired certificate, key of another certificate). The
 * context may be shared by threads; it must outlive its connections. */
struct tls_context *tls_server_context(const struct tls_server_config *, struct err *);
struct tls_context *tls_client_context(const struct tls_client_config *, struct err *);
struct tls_context *tls_context_ref(struct tls_context *);
void tls_context_free(struct tls_context **); /* drops one reference; NULL-safe */

/* Takes over an accepted TCP socket. */
struct wire_conn *tls_accept(struct tls_context *, int fd, struct err *);
/* Dials host (name or address) and port; a failed verification says which certificate and why. */
struct wire_dialer tls_dialer(struct tls_context *);
/* After the handshake: was the node verified under PO.crt? */
bool tls_conn_owned(const struct wire_conn *);

#endif
