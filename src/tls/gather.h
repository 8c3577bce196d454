/* The way out of a TLS connection: a BIO on the socket that can gather records and send them with one system
 * call. libssl alone writes each record by itself, and a write costs as much as a signature. */
#ifndef CHSM_TLS_GATHER_H
#define CHSM_TLS_GATHER_H

#include "base/buf.h"
#include <openssl/bio.h>

struct tls_gather {
        int fd;
        bool on;        /* records are kept, not sent */
        struct buf out; /* what is kept, or could not be sent yet */
        size_t at;      /* bytes of out that are sent */
};

/* Bytes of plain text taken in one piece, and so how much is kept at most, but for what TLS adds. */
#define TLS_GATHER_MOST ((size_t)64 * 1024)

/* A BIO for SSL_set0_wbio that writes to g, which outlives it; NULL: no memory. */
BIO *tls_gather_bio(struct tls_gather *g);
bool tls_gather_empty(const struct tls_gather *);
/* Sends what is kept as far as it goes. False: errno; EAGAIN when the socket is full. */
bool tls_gather_send(struct tls_gather *);
void tls_gather_clear(struct tls_gather *);

#endif
