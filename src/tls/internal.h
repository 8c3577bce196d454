/* Inside the TLS room: what contexts and connections share. */
#ifndef CHSM_TLS_INTERNAL_H
#define CHSM_TLS_INTERNAL_H

#include "tls/tls.h"
#include <openssl/ssl.h>
#include <stdatomic.h>

struct tls_context {
        atomic_uint references;
        OSSL_LIB_CTX *library; /* of the process */
        SSL_CTX *ssl;
        EVP_MD *sha256;
        bool server;
        bool has_owner;       /* client: nodes are verified under PO.crt */
        bool allow_unowned;   /* client: others are accepted, and told apart */
        bool has_certificate; /* client: shows one */
};

/* Set by a connection's verification when it let an unverifiable node pass. */
struct tls_verdict {
        bool unverified;
        int error; /* X509_V_ERR_ of the first failure */
};
int tls_verdict_index(void);

/* The newest of libcrypto's words; clears its queue. */
const char *tls_words(void);

#endif
