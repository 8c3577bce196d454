/* CBC-MAC: CKM_AES_MAC (FIPS 113 with AES), and the first half of CCM. */
#include "crypto/cipher.h"

bool crypto_cbc_mac_add(struct crypto_cbc_mac *mac, struct slice in)
{
        uint8_t scratch[1024 + 16];
        int n = 0;
        bool ok = true;

        for (size_t at = 0, part; ok && at < in.n; at += part) {
                part = in.n - at < 1024 ? in.n - at : 1024;
                ok = EVP_CipherUpdate(mac->context, scratch, &n, in.p + at, (int)part) == 1;
                if (ok && n)
                        memcpy(mac->last, scratch + (size_t)n - mac->block, mac->block);
                mac->used = (mac->used + part) % mac->block;
        }
        sec_wipe(scratch, sizeof(scratch));
        return ok;
}

bool crypto_cbc_mac_end(struct crypto_cbc_mac *mac)
{
        static const uint8_t zero[16] = { 0 };

        return !mac->used || crypto_cbc_mac_add(mac, slice_of(zero, mac->block - mac->used));
}
