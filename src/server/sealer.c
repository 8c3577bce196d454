#include "server/sealer.h"
#include "base/file.h"

#define PURPOSE SLICE_LIT("chsm master key, file seal 1")

bool server_sealer_open(struct server_sealer *s, struct crypto *crypto, const char *path, struct err *err)
{
        *s = (struct server_sealer){ .crypto = crypto };
        if (!file_exists(path)) {
                struct sec *fresh = sec_new(CRYPTO_KEY_SIZE);
                bool ok = fresh && crypto_random(crypto, sec_bytes(fresh), CRYPTO_KEY_SIZE, err) &&
                          file_write(path, sec_slice(fresh), 0600, err);
                sec_free(&fresh);
                if (!ok)
                        return err_prefix(err, "the node's key cannot be made");
        }
        s->key = file_read_secret(path, 4096, false, err);
        if (s->key && sec_size(s->key) != CRYPTO_KEY_SIZE) {
                sec_free(&s->key);
                return err_set(err, ERR_FILE,
                               "the node's key '%s' must have %d bytes; restore it from its copy", path,
                               CRYPTO_KEY_SIZE);
        }
        return s->key != NULL;
}

void server_sealer_close(struct server_sealer *s)
{
        sec_free(&s->key);
}

static bool seal(void *arg, struct slice secret, struct buf *out, struct err *err)
{
        struct server_sealer *s = arg;

        return crypto_seal(s->crypto, sec_slice(s->key), PURPOSE, secret, out, err);
}

static struct sec *open_sealed(void *arg, struct slice sealed, struct err *err)
{
        struct server_sealer *s = arg;
        struct sec *plain = crypto_open(s->crypto, sec_slice(s->key), PURPOSE, sealed, NULL);

        if (!plain)
                err_set(err, ERR_STORE_DAMAGED, "it was sealed with another node.key");
        return plain;
}

struct vault_sealer server_sealer_of(struct server_sealer *s)
{
        return (struct vault_sealer){ "file", seal, open_sealed, s };
}
