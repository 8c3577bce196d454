/* Backups: the header in memory; then the whole file, read with a key that is not its own and with none. */
#include "fuzz.h"
#include "vault/backup.h"

#include <stdio.h>
#include <unistd.h>

static struct crypto *crypto;

static void whole(const uint8_t *data, size_t size, const struct sec *key)
{
        struct vault_backup_header h;
        struct vault_backup_summary s = { .master = NULL };
        struct err err = ERR_INIT;
        FILE *f = tmpfile();
        bool ok;

        if (!f || fwrite(data, 1, size, f) != size || fflush(f) != 0)
                abort();
        ok = vault_backup_header_read(crypto, fileno(f), &h, &err) &&
             vault_backup_read(crypto, fileno(f), &h, key, NULL, NULL, &s, &err);
        if (ok == (err.id != 0) || (ok && key))
                abort();
        sec_free(&s.master);
        vault_backup_header_clear(&h);
        fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct vault_backup_header h;
        struct err err = ERR_INIT;
        struct buf lines = BUF_INIT;
        struct sec *key;

        if (!crypto)
                crypto = crypto_new(NULL, &err);
        if (!crypto)
                abort();
        if (vault_backup_header_parse(slice_of(data, size), &h, &err)) {
                vault_manifest_compare(&h.manifest, &h.manifest, &lines);
                if (lines.n) /* a state undoes nothing of itself */
                        abort();
                buf_clear(&lines);
        } else if (!err.id) {
                abort();
        }
        vault_backup_header_clear(&h);
        key = sec_copy(SLICE_LIT("thirty-two bytes of another key!"));
        whole(data, size, key);
        whole(data, size, NULL);
        sec_free(&key);
        return 0;
}
