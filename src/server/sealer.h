/* Seals the partition's master key with a key in a file of the node. */
#ifndef CHSM_SERVER_SEALER_H
#define CHSM_SERVER_SEALER_H

#include "vault/vault.h"

struct server_sealer {
        struct crypto *crypto;
        struct sec *key;
};

/* Reads the key file, or makes one (32 random bytes, mode 0600). ERR_FILE when others may read it. */
bool server_sealer_open(struct server_sealer *, struct crypto *, const char *path, struct err *);
void server_sealer_close(struct server_sealer *);
/* Valid as long as the struct. */
struct vault_sealer server_sealer_of(struct server_sealer *);

#endif
