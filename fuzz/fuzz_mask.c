/* Masked objects: the header, and what is inside one once it is open. */
#include "fuzz.h"
#include "vault/mask.h"
#include "vault/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice in = slice_of(data, size), id, salt, sealed;
        enum vault_mask_kind kind;
        struct vault_masked_key key;
        struct vault_user_view user;
        struct err err = ERR_INIT;

        if (vault_mask_read_header(in, &kind, &id, &salt, &sealed, &err)) {
                if (sealed.n > size || id.n != 16)
                        abort();
                in = sealed;
        } else if (!err.id) {
                abort();
        }
        if (vault_masked_key_decode(in, &key)) {
                struct sec *again = vault_masked_key_encode(&key);
                struct vault_object *o = vault_object_decode(key.body, &err);

                if (!again || !slice_equal(sec_slice(again), in))
                        abort();
                sec_free(&again);
                vault_object_unref(&o);
        }
        (void)vault_user_decode(in, SLICE_LIT("name"), &user);
        return 0;
}
