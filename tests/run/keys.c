/* Keys out of keys and keys under keys, through the module. Usage: keys MODULE PIN. Prints TAP; leaves values
 * in the working folder for openssl to make again. Run by keys.sh against a real node. */
#include "guest.h"

static CK_SESSION_HANDLE s;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
static CK_KEY_TYPE generic = CKK_GENERIC_SECRET, aes = CKK_AES;
static CK_BYTE value[32] = "0123456789abcdef0123456789abcde";

static CK_ULONG read_value(CK_OBJECT_HANDLE key, CK_BYTE out[512])
{
        CK_ATTRIBUTE a = { CKA_VALUE, out, 512 };

        return F->C_GetAttributeValue(s, key, &a, 1) == CKR_OK ? a.ulValueLen : 0;
}

static void keep_value(const char *name, CK_OBJECT_HANDLE key, CK_ULONG n)
{
        CK_BYTE bytes[512];

        is(name, read_value(key, bytes), n);
        keep(name, bytes, n);
}

/* A key of known value, which may be read: so may what is made of it. */
static CK_OBJECT_HANDLE known(CK_KEY_TYPE type, CK_ULONG n)
{
        CK_ATTRIBUTE t[] = { { CKA_CLASS, &secret, sizeof(secret) },
                             { CKA_KEY_TYPE, &type, sizeof(type) },
                             { CKA_VALUE, value, n },
                             { CKA_SENSITIVE, &no, 1 },
                             { CKA_EXTRACTABLE, &yes, 1 },
                             { CKA_DERIVE, &yes, 1 },
                             { CKA_SIGN, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        is("a known key", F->C_CreateObject(s, t, 7, &key), CKR_OK);
        return key;
}

static CK_RV derive(CK_MECHANISM *m, CK_OBJECT_HANDLE base, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
        CK_ATTRIBUTE t[] = { { CKA_CLASS, &secret, sizeof(secret) },
                             { CKA_KEY_TYPE, &generic, sizeof(generic) },
                             { CKA_SENSITIVE, &no, 1 },
                             { CKA_EXTRACTABLE, &yes, 1 },
                             { CKA_VALUE_LEN, &n, sizeof(n) } };

        *key = 0;
        return F->C_DeriveKey(s, m, base, t, n ? 5 : 4, key);
}

static void hkdf(CK_OBJECT_HANDLE base)
{
        CK_BYTE salt[] = "salt", info[] = "info";
        CK_HKDF_PARAMS p = { CK_TRUE, CK_TRUE, CKM_SHA384, CKF_HKDF_SALT_DATA, salt, 4, 0, info, 4 };
        CK_MECHANISM m = { CKM_HKDF_DERIVE, &p, sizeof(p) };
        CK_OBJECT_HANDLE key, salt_key;
        CK_ATTRIBUTE t[] = { { CKA_CLASS, &secret, sizeof(secret) },
                             { CKA_KEY_TYPE, &generic, sizeof(generic) },
                             { CKA_VALUE, salt, 4 },
                             { CKA_SENSITIVE, &no, 1 },
                             { CKA_DERIVE, &yes, 1 } };

        is("HKDF with bytes as salt", derive(&m, base, 100, &key), CKR_OK);
        keep_value("hkdf.data", key, 100);
        is("a salt as a key", F->C_CreateObject(s, t, 5, &salt_key), CKR_OK);
        p.ulSaltType = CKF_HKDF_SALT_KEY;
        p.hSaltKey = salt_key;
        is("HKDF with a key as salt", derive(&m, base, 100, &key), CKR_OK);
        keep_value("hkdf.key", key, 100);
        p.hSaltKey = 0x7777;
        is("HKDF with a salt that is not there", derive(&m, base, 100, &key), CKR_KEY_HANDLE_INVALID);
        p.ulInfoLen = (CK_ULONG)1 << 32;
        is("HKDF with 4 GiB of info", derive(&m, base, 100, &key), CKR_MECHANISM_PARAM_INVALID);
}

static void kdf108(CK_OBJECT_HANDLE base)
{
        CK_SP800_108_COUNTER_FORMAT counter = { CK_FALSE, 32 };
        CK_SP800_108_DKM_LENGTH_FORMAT length = { CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 32 };
        CK_BYTE label[] = "label", zero[] = { 0 }, context[] = "ctx";
        CK_PRF_DATA_PARAM pieces[] = { { CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof(counter) },
                                       { CK_SP800_108_BYTE_ARRAY, label, 5 },
                                       { CK_SP800_108_BYTE_ARRAY, zero, 1 },
                                       { CK_SP800_108_BYTE_ARRAY, context, 3 },
                                       { CK_SP800_108_DKM_LENGTH, &length, sizeof(length) } };
        CK_ULONG n16 = 16, n8 = 8;
        CK_OBJECT_HANDLE key, more[2] = { 9, 9 };
        CK_ATTRIBUTE t[2][5] = {
                { { CKA_CLASS, &secret, sizeof(secret) },
                  { CKA_KEY_TYPE, &aes, sizeof(aes) },
                  { CKA_VALUE_LEN, &n16, sizeof(n16) },
                  { CKA_SENSITIVE, &no, 1 },
                  { CKA_EXTRACTABLE, &yes, 1 } },
                { { CKA_CLASS, &secret, sizeof(secret) },
                  { CKA_KEY_TYPE, &generic, sizeof(generic) },
                  { CKA_VALUE_LEN, &n16, sizeof(n16) },
                  { CKA_SENSITIVE, &no, 1 },
                  { CKA_EXTRACTABLE, &yes, 1 } },
        };
        CK_DERIVED_KEY derived[2] = { { t[0], 5, &more[0] }, { t[1], 5, &more[1] } };
        CK_SP800_108_KDF_PARAMS p = { CKM_SHA256_HMAC, 5, pieces, 0, NULL };
        CK_MECHANISM m = { CKM_SP800_108_COUNTER_KDF, &p, sizeof(p) };
        CK_MECHANISM old = { CKM_CLOUDHSM_SP800_108_COUNTER_KDF, &p,
                             offsetof(CK_SP800_108_KDF_PARAMS, ulAdditionalDerivedKeys) };
        CK_BYTE bytes[512];

        is("SP 800-108 in counter mode", derive(&m, base, 40, &key), CKR_OK);
        keep_value("kdf108.new", key, 40);
        is("the lineage's number with its structure", derive(&old, base, 40, &key), CKR_OK);
        keep_value("kdf108.old", key, 40);
        p.ulAdditionalDerivedKeys = 2;
        p.pAdditionalDerivedKeys = derived;
        is("three keys at once", derive(&m, base, 32, &key), CKR_OK);
        is("all of them are there", read_value(more[0], bytes) + read_value(more[1], bytes), 32);
        t[1][2].pValue = &n8;
        is("one of them too short", derive(&m, base, 32, &key), CKR_KEY_SIZE_RANGE);
        is("no handle is given then", more[0] | more[1], 0);
}

static void others(CK_OBJECT_HANDLE base)
{
        CK_BYTE data[] = "0123456789abcdef0123456789abcde", salt[] = "salt", password[] = "password";
        CK_KEY_DERIVATION_STRING_DATA string = { data, 32 };
        CK_PKCS5_PBKD2_PARAMS2 pbkdf2 = {
                CKZ_SALT_SPECIFIED, salt, 4, 1000, CKP_PKCS5_PBKD2_HMAC_SHA512, NULL, 0, password, 8
        };
        CK_MECHANISM x = { CKM_XOR_BASE_AND_DATA, &string, sizeof(string) };
        CK_MECHANISM join = { CKM_CONCATENATE_BASE_AND_KEY, &base, sizeof(base) };
        CK_MECHANISM hash = { CKM_SHA256_KEY_DERIVATION, NULL, 0 };
        CK_ULONG first_bit = 0;
        CK_MECHANISM extract = { CKM_EXTRACT_KEY_FROM_KEY, &first_bit, sizeof(first_bit) };
        CK_MECHANISM pb = { CKM_PKCS5_PBKD2, &pbkdf2, sizeof(pbkdf2) };
        CK_ULONG n = 48;
        CK_ATTRIBUTE t[] = { { CKA_KEY_TYPE, &generic, sizeof(generic) },
                             { CKA_VALUE_LEN, &n, sizeof(n) },
                             { CKA_SENSITIVE, &no, 1 },
                             { CKA_EXTRACTABLE, &yes, 1 } };
        CK_BYTE bytes[512], sum = 0;
        CK_OBJECT_HANDLE key;

        is("XOR of a key with itself", derive(&x, base, 0, &key), CKR_OK);
        is("has its length", read_value(key, bytes), 32);
        for (int i = 0; i < 31; i++)
                sum |= bytes[i];
        is("and is zero", sum, 0);
        string.ulLen = 31;
        is("XOR with less than the key", derive(&x, base, 0, &key), CKR_DATA_LEN_RANGE);
        is("a key joined with itself", derive(&join, base, 64, &key), CKR_OK);
        is("has twice its length", read_value(key, bytes), 64);
        is("and no part of it", derive(&join, base, 63, &key), CKR_KEY_SIZE_RANGE);
        is("a hash of a key", derive(&hash, base, 0, &key), CKR_OK);
        keep_value("hash.key", key, 32);
        is("EXTRACT_KEY_FROM_KEY is not offered", derive(&extract, base, 16, &key), CKR_MECHANISM_INVALID);
        is("a key of a password", F->C_GenerateKey(s, &pb, t, 4, &key), CKR_OK);
        keep_value("pbkdf2.key", key, 48);
}

static void tls(void)
{
        CK_VERSION version = { 3, 3 }, told = { 0, 0 };
        CK_BYTE client[32] = "client", server[32] = "server", ivs[2][16] = { { 0 } }, mac[40];
        CK_SSL3_RANDOM_DATA randoms = { client, 32, server, 32 };
        CK_SSL3_KEY_MAT_OUT out = { 9, 9, 9, 9, ivs[0], ivs[1] };
        CK_TLS12_MASTER_KEY_DERIVE_PARAMS master_p = { randoms, &told, CKM_SHA256 };
        CK_TLS12_KEY_MAT_PARAMS keys_p = { 160, 128, 128, CK_FALSE, randoms, &out, CKM_SHA256 };
        CK_TLS_MAC_PARAMS mac_p = { CKM_SHA256, 12, 1 };
        CK_MECHANISM gen = { CKM_TLS_PRE_MASTER_KEY_GEN, &version, sizeof(version) };
        CK_MECHANISM master_m = { CKM_TLS12_MASTER_KEY_DERIVE, &master_p, sizeof(master_p) };
        CK_MECHANISM keys_m = { CKM_TLS12_KEY_AND_MAC_DERIVE, &keys_p, sizeof(keys_p) };
        CK_MECHANISM mac_m = { CKM_TLS_MAC, &mac_p, sizeof(mac_p) };
        CK_ATTRIBUTE t[] = { { CKA_CLASS, &secret, sizeof(secret) },
                             { CKA_KEY_TYPE, &generic, sizeof(generic) },
                             { CKA_DERIVE, &yes, 1 },
                             { CKA_SIGN, &yes, 1 },
                             { CKA_VERIFY, &yes, 1 } };
        CK_ATTRIBUTE key_t[] = { { CKA_CLASS, &secret, sizeof(secret) },
                                 { CKA_KEY_TYPE, &aes, sizeof(aes) },
                                 { CKA_ENCRYPT, &yes, 1 } };
        CK_OBJECT_HANDLE premaster, master;
        CK_ULONG n = 0;

        is("a TLS premaster secret", F->C_GenerateKey(s, &gen, t + 2, 1, &premaster), CKR_OK);
        is("its master secret", F->C_DeriveKey(s, &master_m, premaster, t, 5, &master), CKR_OK);
        is("tells the version", (CK_RV)told.major << 8 | told.minor, 0x0303);
        is("the key block", F->C_DeriveKey(s, &keys_m, master, key_t, 3, NULL), CKR_OK);
        is("has four keys",
           out.hClientKey && out.hServerKey && out.hClientMacSecret && out.hServerMacSecret &&
               out.hClientKey != out.hServerKey,
           1);
        is("and two IVs", memcmp(ivs[0], ivs[1], 16) != 0, 1);
        keys_p.ulMacSizeInBits = 0;
        is("a key block without MAC keys", F->C_DeriveKey(s, &keys_m, master, key_t, 3, NULL), CKR_OK);
        is("has none", out.hClientMacSecret | out.hServerMacSecret, 0);
        is("the MAC of a Finished message", F->C_SignInit(s, &mac_m, master), CKR_OK);
        is("tells its length", F->C_Sign(s, client, 32, NULL, &n), CKR_OK);
        is("which is the parameter's", n, 12);
        n = sizeof(mac);
        is("and is made", F->C_Sign(s, client, 32, mac, &n), CKR_OK);
        is("verified", F->C_VerifyInit(s, &mac_m, master), CKR_OK);
        is("it holds", F->C_Verify(s, client, 32, mac, n), CKR_OK);
}

/* ---- wraps ---- */

static CK_RV check_value(CK_OBJECT_HANDLE key, CK_BYTE out[3])
{
        CK_ATTRIBUTE a = { CKA_CHECK_VALUE, out, 3 };

        return F->C_GetAttributeValue(s, key, &a, 1);
}

static void travels(const char *name, CK_MECHANISM *m, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE opens,
                    CK_OBJECT_HANDLE key)
{
        CK_ATTRIBUTE t[] = { { CKA_CLASS, &secret, sizeof(secret) }, { CKA_KEY_TYPE, &aes, sizeof(aes) } };
        CK_BYTE blob[1024], one[3] = { 1 }, other[3] = { 2 };
        CK_ULONG n = 0, n2;
        CK_OBJECT_HANDLE back = 0;
        CK_RV rv = F->C_WrapKey(s, m, by, key, NULL, &n);

        is(name, rv, CKR_OK);
        n2 = n - 1;
        is("too little room", F->C_WrapKey(s, m, by, key, blob, &n2), CKR_BUFFER_TOO_SMALL);
        is("enough room", F->C_WrapKey(s, m, by, key, blob, &n), CKR_OK);
        is("it opens", F->C_UnwrapKey(s, m, opens, blob, n, t, 2, &back), CKR_OK);
        is("as what it was", check_value(key, one) | check_value(back, other), CKR_OK);
        is("bit by bit", memcmp(one, other, 3) == 0, 1);
}

static CK_OBJECT_HANDLE wrapping_aes(void)
{
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ULONG n = 32;
        CK_ATTRIBUTE t[] = { { CKA_VALUE_LEN, &n, sizeof(n) },
                             { CKA_WRAP, &yes, 1 },
                             { CKA_UNWRAP, &yes, 1 },
                             { CKA_EXTRACTABLE, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        is("an AES key", F->C_GenerateKey(s, &m, t, 4, &key), CKR_OK);
        return key;
}

static void wraps(void)
{
        CK_BYTE iv[16] = { 7 }, made[12] = { 0 };
        CK_GCM_PARAMS gcm = { made, 12, 96, NULL, 0, 128 }, own = { NULL, 0, 0, NULL, 0, 128 };
        CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA384, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
        CK_RSA_AES_KEY_WRAP_PARAMS hybrid = { 256, &oaep };
        CK_MECHANISM rows[] = { { CKM_AES_ECB, NULL, 0 },
                                { CKM_AES_CBC, iv, 16 },
                                { CKM_AES_CBC_PAD, iv, 16 },
                                { CKM_AES_KEY_WRAP, NULL, 0 },
                                { CKM_AES_KEY_WRAP_PAD, NULL, 0 },
                                { CKM_AES_KEY_WRAP_KWP, NULL, 0 },
                                { CKM_AES_KEY_WRAP_PKCS7, NULL, 0 },
                                { CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, NULL, 0 },
                                { CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, NULL, 0 },
                                { CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, NULL, 0 },
                                { CKM_CLOUDHSM_AES_GCM, &own, sizeof(own) } };
        CK_MECHANISM g = { CKM_AES_GCM, &gcm, sizeof(gcm) }, pkcs = { CKM_RSA_PKCS, NULL, 0 },
                     o = { CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) },
                     h = { CKM_RSA_AES_KEY_WRAP, &hybrid, sizeof(hybrid) },
                     pair = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        CK_ULONG bits = 2048, n = 1024;
        CK_ATTRIBUTE pub_t[] = { { CKA_MODULUS_BITS, &bits, sizeof(bits) }, { CKA_WRAP, &yes, 1 } };
        CK_ATTRIBUTE priv_t[] = { { CKA_UNWRAP, &yes, 1 } };
        CK_OBJECT_HANDLE by = wrapping_aes(), key = wrapping_aes(), pub = 0, priv = 0, back;
        CK_BYTE blob[1024];
        char name[40];

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                snprintf(name, sizeof(name), "a wrap with mechanism 0x%lx", rows[i].mechanism);
                travels(name, &rows[i], by, by, key);
        }
        is("a GCM wrap with an IV of the HSM's", F->C_WrapKey(s, &g, by, key, blob, &n), CKR_OK);
        memset(iv, 0, sizeof(iv));
        is("which it gives back", memcmp(made, iv, 12) != 0, 1);
        is("and opens with it",
           F->C_UnwrapKey(s, &g, by, blob, n,
                          (CK_ATTRIBUTE[]){ { CKA_CLASS, &secret, sizeof(secret) },
                                            { CKA_KEY_TYPE, &aes, sizeof(aes) } },
                          2, &back),
           CKR_OK);
        is("an IV of the caller's", F->C_WrapKey(s, &g, by, key, blob, &n), CKR_MECHANISM_PARAM_INVALID);
        is("an RSA pair", F->C_GenerateKeyPair(s, &pair, pub_t, 2, priv_t, 1, &pub, &priv), CKR_OK);
        travels("a wrap with PKCS#1 v1.5", &pkcs, pub, priv, key);
        travels("a wrap with OAEP", &o, pub, priv, key);
        travels("a wrap with RSA and AES", &h, pub, priv, key);
        is("RSA does not wrap with AES", F->C_WrapKey(s, &rows[3], pub, key, blob, &n),
           CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        is("nor unwrap", F->C_UnwrapKey(s, &rows[3], priv, blob, 40, NULL, 0, &back),
           CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        is("a wrapping key that is not there", F->C_WrapKey(s, &rows[3], 0x7777, key, blob, &n),
           CKR_WRAPPING_KEY_HANDLE_INVALID);
}

int main(int argc, char **argv)
{
        CK_OBJECT_HANDLE base;

        s = guest_begin(argc, argv);
        base = known(CKK_GENERIC_SECRET, 32);
        keep("base.key", value, 32);
        hkdf(base);
        kdf108(base);
        others(base);
        tls();
        wraps();
        return guest_end();
}
