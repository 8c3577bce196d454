/* MACs, digests and generated keys through the module. Usage: macs MODULE PIN. Prints TAP; leaves MACs of
 * `data` in the working folder for openssl to check. Run by ciphers.sh, after the program ciphers left key,
 * IV and data. */
#include "guest.h"

#define LARGE 3000017

static CK_SESSION_HANDLE s;
static CK_BYTE data[LARGE], key_bytes[64], iv[16];

/* ---- generation ---- */

static const struct made {
        const char *name;
        CK_MECHANISM_TYPE mechanism;
        CK_ULONG length; /* in the template; 0: none */
        CK_RV rv;
        CK_KEY_TYPE type;
        CK_ULONG bytes;
} made[] = {
        { "CKM_DES_KEY_GEN", CKM_DES_KEY_GEN, 0, CKR_OK, CKK_DES, 8 },
        { "CKM_DES2_KEY_GEN", CKM_DES2_KEY_GEN, 0, CKR_OK, CKK_DES2, 16 },
        { "CKM_DES3_KEY_GEN", CKM_DES3_KEY_GEN, 0, CKR_OK, CKK_DES3, 24 },
        { "CKM_DES3_KEY_GEN of 24", CKM_DES3_KEY_GEN, 24, CKR_OK, CKK_DES3, 24 },
        { "CKM_DES3_KEY_GEN of 16", CKM_DES3_KEY_GEN, 16, CKR_KEY_SIZE_RANGE, 0, 0 },
        { "CKM_CHACHA20_KEY_GEN", CKM_CHACHA20_KEY_GEN, 0, CKR_OK, CKK_CHACHA20, 32 },
        { "CKM_AES_XTS_KEY_GEN of 32", CKM_AES_XTS_KEY_GEN, 32, CKR_OK, CKK_AES_XTS, 32 },
        { "CKM_AES_XTS_KEY_GEN of 64", CKM_AES_XTS_KEY_GEN, 64, CKR_OK, CKK_AES_XTS, 64 },
        { "CKM_AES_XTS_KEY_GEN of 48", CKM_AES_XTS_KEY_GEN, 48, CKR_KEY_SIZE_RANGE, 0, 0 },
        { "CKM_AES_XTS_KEY_GEN", CKM_AES_XTS_KEY_GEN, 0, CKR_TEMPLATE_INCOMPLETE, 0, 0 },
        { "CKM_AES_KEY_GEN", CKM_AES_KEY_GEN, 0, CKR_TEMPLATE_INCOMPLETE, 0, 0 },
        { "CKM_AES_KEY_GEN of 20", CKM_AES_KEY_GEN, 20, CKR_KEY_SIZE_RANGE, 0, 0 },
        { "CKM_SHA_1_KEY_GEN", CKM_SHA_1_KEY_GEN, 0, CKR_OK, CKK_SHA_1_HMAC, 20 },
        { "CKM_SHA224_KEY_GEN", CKM_SHA224_KEY_GEN, 0, CKR_OK, CKK_SHA224_HMAC, 28 },
        { "CKM_SHA256_KEY_GEN", CKM_SHA256_KEY_GEN, 0, CKR_OK, CKK_SHA256_HMAC, 32 },
        { "CKM_SHA384_KEY_GEN", CKM_SHA384_KEY_GEN, 0, CKR_OK, CKK_SHA384_HMAC, 48 },
        { "CKM_SHA512_KEY_GEN", CKM_SHA512_KEY_GEN, 0, CKR_OK, CKK_SHA512_HMAC, 64 },
        { "CKM_SHA512_224_KEY_GEN", CKM_SHA512_224_KEY_GEN, 0, CKR_OK, CKK_SHA512_224_HMAC, 28 },
        { "CKM_SHA512_256_KEY_GEN", CKM_SHA512_256_KEY_GEN, 0, CKR_OK, CKK_SHA512_256_HMAC, 32 },
        { "CKM_SHA3_224_KEY_GEN", CKM_SHA3_224_KEY_GEN, 0, CKR_OK, CKK_SHA3_224_HMAC, 28 },
        { "CKM_SHA3_256_KEY_GEN of 100", CKM_SHA3_256_KEY_GEN, 100, CKR_OK, CKK_SHA3_256_HMAC, 100 },
        { "CKM_SHA3_384_KEY_GEN of 13", CKM_SHA3_384_KEY_GEN, 13, CKR_KEY_SIZE_RANGE, 0, 0 },
        { "CKM_SHA3_512_KEY_GEN of 3073", CKM_SHA3_512_KEY_GEN, 3073, CKR_KEY_SIZE_RANGE, 0, 0 },
        { "CKM_HKDF_KEY_GEN", CKM_HKDF_KEY_GEN, 32, CKR_OK, CKK_HKDF, 32 },
        { "CKM_GENERIC_SECRET_KEY_GEN of 1", CKM_GENERIC_SECRET_KEY_GEN, 1, CKR_OK, CKK_GENERIC_SECRET, 1 },
};

static void generates(const struct made *m)
{
        CK_MECHANISM mechanism = { m->mechanism, NULL, 0 };
        CK_ULONG length = m->length, bytes = 0;
        CK_KEY_TYPE type = 0;
        CK_BBOOL local = CK_FALSE;
        CK_MECHANISM_TYPE by = 0;
        CK_ATTRIBUTE wanted[] = { { CKA_VALUE_LEN, &length, sizeof(length) } };
        CK_ATTRIBUTE got[] = { { CKA_KEY_TYPE, &type, sizeof(type) },
                               { CKA_VALUE_LEN, &bytes, sizeof(bytes) },
                               { CKA_LOCAL, &local, sizeof(local) },
                               { CKA_KEY_GEN_MECHANISM, &by, sizeof(by) } };
        CK_OBJECT_HANDLE key = 0;

        is(m->name, F->C_GenerateKey(s, &mechanism, wanted, length ? 1 : 0, &key), m->rv);
        if (m->rv != CKR_OK)
                return;
        is("its attributes", F->C_GetAttributeValue(s, key, got, 4), CKR_OK);
        is("are right", type == m->type && bytes == m->bytes && local && by == m->mechanism, 1);
}

/* ---- MACs ---- */

static const struct mac {
        const char *name; /* of the file for openssl */
        CK_MECHANISM_TYPE mechanism;
        CK_KEY_TYPE type;
        CK_ULONG key, bytes;
        int general;
} macs[] = {
        { "hmac-md5", CKM_MD5_HMAC, CKK_GENERIC_SECRET, 32, 16, 0 },
        { "hmac-sha1", CKM_SHA_1_HMAC, CKK_SHA_1_HMAC, 32, 20, 0 },
        { "hmac-sha224", CKM_SHA224_HMAC_GENERAL, CKK_SHA224_HMAC, 32, 11, 1 },
        { "hmac-sha512", CKM_SHA512_HMAC, CKK_SHA512_HMAC, 32, 64, 0 },
        { "hmac-sha512-224", CKM_SHA512_224_HMAC, CKK_SHA512_224_HMAC, 32, 28, 0 },
        { "hmac-sha512-256", CKM_SHA512_256_HMAC_GENERAL, CKK_SHA512_256_HMAC, 32, 32, 1 },
        { "hmac-sha3-256", CKM_SHA3_256_HMAC, CKK_SHA3_256_HMAC, 32, 32, 0 },
        { "hmac-sha3-512", CKM_SHA3_512_HMAC_GENERAL, CKK_GENERIC_SECRET, 32, 4, 1 },
        { "cmac", CKM_AES_CMAC, CKK_AES, 32, 16, 0 },
        { "cmac-general", CKM_AES_CMAC_GENERAL, CKK_AES, 32, 5, 1 },
        { "cmac-des3", CKM_DES3_CMAC, CKK_DES3, 24, 8, 0 },
        { "gmac", CKM_AES_GMAC, CKK_AES, 32, 12, 2 },
        { "aes-mac", CKM_AES_MAC, CKK_AES, 32, 8, 0 },
        { "aes-mac-general", CKM_AES_MAC_GENERAL, CKK_AES, 32, 16, 1 },
};

static CK_OBJECT_HANDLE import(CK_KEY_TYPE type, CK_ULONG n)
{
        CK_OBJECT_CLASS class = CKO_SECRET_KEY;
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) },
                                  { CKA_KEY_TYPE, &type, sizeof(type) },
                                  { CKA_VALUE, key_bytes, n },
                                  { CKA_SIGN, &yes, 1 },
                                  { CKA_VERIFY, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        is("a key", F->C_CreateObject(s, wanted, 5, &key), CKR_OK);
        return key;
}

static void authenticates(const struct mac *r)
{
        CK_ULONG bytes = r->bytes, n = 0, wrong = 0;
        CK_GCM_PARAMS gcm = { iv, 12, 96, NULL, 0, r->bytes * 8 };
        CK_MECHANISM m = { r->mechanism, NULL, 0 };
        CK_OBJECT_HANDLE key = import(r->type, r->key);
        CK_BYTE mac[65], again[64];

        if (r->general == 1)
                m = (CK_MECHANISM){ r->mechanism, &bytes, sizeof(bytes) };
        else if (r->general == 2)
                m = (CK_MECHANISM){ r->mechanism, &gcm, sizeof(gcm) };
        is(r->name, F->C_SignInit(s, &m, key), CKR_OK);
        is("its length", F->C_Sign(s, data, LARGE, NULL, &n), CKR_OK);
        is("is known", n, r->bytes);
        n--;
        is("little room", F->C_Sign(s, data, LARGE, mac, &n), CKR_BUFFER_TOO_SMALL);
        is("enough", F->C_Sign(s, data, LARGE, mac, &n), CKR_OK);
        keep(r->name, mac, n);
        is("in pieces", F->C_SignInit(s, &m, key), CKR_OK);
        for (CK_ULONG at = 0, piece = 1; at < LARGE; at += piece, piece = piece * 3 + 1) {
                piece = piece < LARGE - at ? piece : LARGE - at;
                wrong += F->C_SignUpdate(s, data + at, piece) != CKR_OK;
        }
        is("all taken", wrong, 0);
        is("the end", F->C_SignFinal(s, again, &n), CKR_OK);
        is("the same", (CK_RV)memcmp(mac, again, n), 0);
        is("verification", F->C_VerifyInit(s, &m, key), CKR_OK);
        is("accepts it", F->C_Verify(s, data, LARGE, mac, n), CKR_OK);
        mac[0] ^= 1;
        is("verification", F->C_VerifyInit(s, &m, key), CKR_OK);
        is("refuses another", F->C_Verify(s, data, LARGE, mac, n), CKR_SIGNATURE_INVALID);
        is("verification", F->C_VerifyInit(s, &m, key), CKR_OK);
        is("refuses a longer one", F->C_Verify(s, data, LARGE, mac, n + 1), CKR_SIGNATURE_LEN_RANGE);
}

/* ---- digests ---- */

static const struct digest {
        const char *name;
        CK_MECHANISM_TYPE mechanism;
        CK_ULONG bytes;
} digests[] = {
        { "md5", CKM_MD5, 16 },
        { "sha512-224", CKM_SHA512_224, 28 },
        { "sha512-256", CKM_SHA512_256, 32 },
        { "sha3-224", CKM_SHA3_224, 28 },
        { "sha3-256", CKM_SHA3_256, 32 },
        { "sha3-384", CKM_SHA3_384, 48 },
        { "sha3-512", CKM_SHA3_512, 64 },
};

static void digests_it(const struct digest *d)
{
        CK_MECHANISM m = { d->mechanism, NULL, 0 };
        CK_BYTE out[64];
        CK_ULONG n = 0;

        is(d->name, F->C_DigestInit(s, &m), CKR_OK);
        is("its length", F->C_Digest(s, data, LARGE, NULL, &n), CKR_OK);
        is("is known", n, d->bytes);
        is("the digest", F->C_Digest(s, data, LARGE, out, &n), CKR_OK);
        keep(d->name, out, n);
}

/* Values of keys among data of any size. Before login too, but for the keys. */
static void digests_keys(void)
{
        CK_MECHANISM m = { CKM_SHA3_256, NULL, 0 };
        CK_OBJECT_HANDLE one = import(CKK_GENERIC_SECRET, 20), two = import(CKK_AES, 32);
        CK_BYTE out[32], wanted[32], *all = malloc(2 * (size_t)LARGE + 72);
        CK_ULONG n = 32, at = 0;

        if (!all)
                exit(2);
        memcpy(all, key_bytes, 20);
        memcpy(all + 20, data, LARGE);
        memcpy(all + 20 + LARGE, key_bytes, 32);
        memcpy(all + 52 + LARGE, data, 100);
        memcpy(all + 152 + LARGE, key_bytes, 20);
        at = 172 + LARGE;
        is("a digest", F->C_DigestInit(s, &m), CKR_OK);
        is("of a key", F->C_DigestKey(s, one), CKR_OK);
        is("of much data", F->C_DigestUpdate(s, data, LARGE), CKR_OK);
        is("of another key", F->C_DigestKey(s, two), CKR_OK);
        is("of little data", F->C_DigestUpdate(s, data, 100), CKR_OK);
        is("of the first key again", F->C_DigestKey(s, one), CKR_OK);
        is("ends", F->C_DigestFinal(s, out, &n), CKR_OK);
        is("the same", F->C_DigestInit(s, &m), CKR_OK);
        is("of known bytes", F->C_Digest(s, all, at, wanted, &n), CKR_OK);
        is("is the same", (CK_RV)memcmp(out, wanted, 32), 0);
        free(all);
        is("after logout", F->C_Logout(s), CKR_OK);
        is("a digest", F->C_DigestInit(s, &m), CKR_OK);
        is("of much data", F->C_Digest(s, data, LARGE, out, &n), CKR_OK);
        keep("sha3-256", out, n);
}

int main(int argc, char **argv)
{

        take("data", data, LARGE);
        take("key", key_bytes, sizeof(key_bytes));
        take("iv", iv, sizeof(iv));
        s = guest_begin(argc, argv);
        for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
                generates(&made[i]);
        for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
                authenticates(&macs[i]);
        for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
                digests_it(&digests[i]);
        digests_keys();
        return guest_end();
}
