/* Signatures through the module that no other program asks for: recovery and its state machine; SHA-3, MD5,
 * other mask hashes, rare curves. Usage: signatures MODULE PIN. Prints TAP; leaves public keys, signatures
 * and the list `checks` in the working folder for openssl to check. Run by signatures.sh against a real node.
 */
#include "guest.h"

static CK_SESSION_HANDLE s;

static void rsa_pair(CK_OBJECT_HANDLE *pub, CK_OBJECT_HANDLE *priv, CK_BBOOL signs)
{
        CK_MECHANISM m = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        CK_ULONG bits = 2048;
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE public_side[] = { { CKA_MODULUS_BITS, &bits, sizeof(bits) },
                                       { signs ? CKA_VERIFY : CKA_ENCRYPT, &yes, 1 } };
        CK_ATTRIBUTE private_side[] = { { signs ? CKA_SIGN : CKA_DECRYPT, &yes, 1 } };
        CK_BYTE info[600];
        CK_ATTRIBUTE spki = { CKA_PUBLIC_KEY_INFO, info, sizeof(info) };

        is("an RSA pair", F->C_GenerateKeyPair(s, &m, public_side, 2, private_side, 1, pub, priv), CKR_OK);
        is("its public key", F->C_GetAttributeValue(s, *pub, &spki, 1), CKR_OK);
        keep(signs ? "rsa.der" : "other.der", info, spki.ulValueLen);
}

static void signs_with_recovery(CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv)
{
        CK_MECHANISM v15 = { CKM_RSA_PKCS, NULL, 0 };
        CK_BYTE data[] = "given back", signature[256], back[256];
        CK_ULONG n = 0, back_n = 0;

        is("recovery needs an init", F->C_SignRecover(s, data, 10, signature, &n),
           CKR_OPERATION_NOT_INITIALIZED);
        is("C_SignRecoverInit", F->C_SignRecoverInit(s, &v15, priv), CKR_OK);
        is("once more", F->C_SignRecoverInit(s, &v15, priv), CKR_OPERATION_ACTIVE);
        is("a plain signature may go on beside it", F->C_SignInit(s, &v15, priv), CKR_OK);
        is("and be cancelled", F->C_SignInit(s, NULL, 0), CKR_OK);
        is("the length is told", F->C_SignRecover(s, data, 10, NULL, &n), CKR_OK);
        is("it is the modulus's", n, 256);
        n = 255;
        is("too little room", F->C_SignRecover(s, data, 10, signature, &n), CKR_BUFFER_TOO_SMALL);
        is("what is needed is told", n, 256);
        is("enough room", F->C_SignRecover(s, data, 10, signature, &n), CKR_OK);
        is("then it is over", F->C_SignRecover(s, data, 10, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
        keep("recover.sig", signature, n);
        is("C_VerifyRecoverInit", F->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("the length of the data", F->C_VerifyRecover(s, signature, n, NULL, &back_n), CKR_OK);
        is("is told", back_n, 10);
        back_n = 9;
        is("too little room for it", F->C_VerifyRecover(s, signature, n, back, &back_n),
           CKR_BUFFER_TOO_SMALL);
        is("the data", F->C_VerifyRecover(s, signature, n, back, &back_n), CKR_OK);
        is("is what was signed", back_n == 10 && memcmp(back, data, 10) == 0, 1);
        is("and it is over", F->C_VerifyRecover(s, signature, n, back, &back_n),
           CKR_OPERATION_NOT_INITIALIZED);
}

static void recovery_is_refused(CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv)
{
        CK_MECHANISM v15 = { CKM_RSA_PKCS, NULL, 0 }, hashed = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_BYTE data[256] = { 1 }, out[256];
        CK_ULONG n = sizeof(out);
        CK_OBJECT_HANDLE other_pub, other_priv;

        is("a hashing mechanism", F->C_SignRecoverInit(s, &hashed, priv), CKR_MECHANISM_INVALID);
        is("a public key that signs", F->C_SignRecoverInit(s, &v15, pub), CKR_KEY_FUNCTION_NOT_PERMITTED);
        is("no key", F->C_VerifyRecoverInit(s, &v15, 99999), CKR_KEY_HANDLE_INVALID);
        is("the operation", F->C_SignRecoverInit(s, &v15, priv), CKR_OK);
        is("no room for a length", F->C_SignRecover(s, data, 10, out, NULL), CKR_ARGUMENTS_BAD);
        is("ends it", F->C_SignRecover(s, data, 10, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("the operation", F->C_SignRecoverInit(s, &v15, priv), CKR_OK);
        is("too much data", F->C_SignRecover(s, data, 246, out, &n), CKR_DATA_LEN_RANGE);
        is("ends it too", F->C_SignRecover(s, data, 10, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("recovery", F->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("of a short signature", F->C_VerifyRecover(s, data, 255, out, &n), CKR_SIGNATURE_LEN_RANGE);
        is("recovery", F->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("of a forged one", F->C_VerifyRecover(s, data, 256, out, &n), CKR_SIGNATURE_INVALID);
        is("recovery", F->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("cancelled", F->C_VerifyRecoverInit(s, NULL, 0), CKR_OK);
        is("is over", F->C_VerifyRecover(s, data, 256, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        rsa_pair(&other_pub, &other_priv, CK_FALSE);
        is("a key for encryption", F->C_SignRecoverInit(s, &v15, other_priv), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* ---- kinds of keys and mechanisms ---- */

static const CK_BYTE text[] = "some text\n";
#define TEXT_N (sizeof(text) - 1)

static const struct pair_row {
        const char *name;
        CK_MECHANISM_TYPE maker;
        CK_ULONG bits;
        CK_BYTE params[13];
        CK_ULONG params_n;
} pair_rows[] = {
        { "rsa1024", CKM_RSA_X9_31_KEY_PAIR_GEN, 1024, { 0 }, 0 },
        { "rsa2304", CKM_RSA_PKCS_KEY_PAIR_GEN, 2304, { 0 }, 0 },
        { "p192",
          CKM_EC_KEY_PAIR_GEN,
          0,
          { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01 },
          10 },
        { "bp224",
          CKM_EC_KEY_PAIR_GEN,
          0,
          { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x05 },
          11 },
        { "bp320",
          CKM_EC_KEY_PAIR_GEN,
          0,
          { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x09 },
          11 },
        { "ed25519", CKM_EC_KEY_PAIR_GEN, 0, { 0x06, 0x03, 0x2b, 0x65, 0x70 }, 5 },
        { "ed448",
          CKM_EC_EDWARDS_KEY_PAIR_GEN,
          0,
          { 0x13, 0x0a, 'e', 'd', 'w', 'a', 'r', 'd', 's', '4', '4', '8' },
          12 },
};
#define PAIRS (sizeof(pair_rows) / sizeof(pair_rows[0]))

#define PSS(hash, mgf, salt)                                                                                 \
        {                                                                                                    \
                hash, mgf, salt                                                                              \
        }
static const struct sign_row {
        size_t pair;
        CK_MECHANISM_TYPE mechanism;
        CK_RSA_PKCS_PSS_PARAMS pss;
        const char *openssl;
} sign_rows[] = {
        { 0, CKM_SHA3_256_RSA_PKCS, PSS(0, 0, 0), "dgst -sha3-256" },
        { 0, CKM_SHA1_RSA_PKCS, PSS(0, 0, 0), "dgst -sha1" },
        { 1, CKM_MD5_RSA_PKCS, PSS(0, 0, 0), "dgst -md5" },
        { 1, CKM_SHA3_512_RSA_PKCS, PSS(0, 0, 0), "dgst -sha3-512" },
        { 1, CKM_SHA3_384_RSA_PKCS_PSS, PSS(CKM_SHA3_384, CKG_MGF1_SHA3_384, 48),
          "dgst -sha3-384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48" },
        { 1, CKM_SHA256_RSA_PKCS_PSS, PSS(CKM_SHA256, CKG_MGF1_SHA512, 0),
          "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:0 -sigopt rsa_mgf1_md:sha512" },
        { 2, CKM_ECDSA_SHA3_224, PSS(0, 0, 0), "dgst -sha3-224" },
        { 3, CKM_ECDSA_SHA3_256, PSS(0, 0, 0), "dgst -sha3-256" },
        { 4, CKM_ECDSA_SHA384, PSS(0, 0, 0), "dgst -sha384" },
        { 5, CKM_EDDSA, PSS(0, 0, 0), "pkeyutl -rawin" },
        { 6, CKM_EDDSA, PSS(0, 0, 0), "pkeyutl -rawin" },
};

static void pair_of_row(const struct pair_row *row, CK_OBJECT_HANDLE *pub, CK_OBJECT_HANDLE *priv)
{
        CK_MECHANISM m = { row->maker, NULL, 0 };
        CK_ATTRIBUTE bits = { CKA_MODULUS_BITS, (void *)(uintptr_t)&row->bits, sizeof(row->bits) },
                     params = { CKA_EC_PARAMS, (void *)(uintptr_t)row->params, row->params_n };
        CK_BYTE info[600];
        CK_ATTRIBUTE spki = { CKA_PUBLIC_KEY_INFO, info, sizeof(info) };
        char name[40];

        is(row->name, F->C_GenerateKeyPair(s, &m, row->bits ? &bits : &params, 1, NULL, 0, pub, priv),
           CKR_OK);
        is("its public key", F->C_GetAttributeValue(s, *pub, &spki, 1), CKR_OK);
        (void)snprintf(name, sizeof(name), "%s.der", row->name);
        keep(name, info, spki.ulValueLen);
}

/* r and s side by side become a SEQUENCE of two INTEGERs; orders here stay below 60 bytes. */
static CK_ULONG to_der(const CK_BYTE *signature, CK_ULONG n, CK_BYTE *out)
{
        CK_ULONG at = 2, half = n / 2;

        for (int i = 0; i < 2; i++) {
                const CK_BYTE *p = signature + (CK_ULONG)i * half;
                CK_ULONG skip = 0, pad;

                while (skip + 1 < half && p[skip] == 0)
                        skip++;
                pad = p[skip] >> 7;
                out[at++] = 2;
                out[at++] = (CK_BYTE)(half - skip + pad);
                if (pad)
                        out[at++] = 0;
                memcpy(out + at, p + skip, half - skip);
                at += half - skip;
        }
        out[0] = 0x30;
        out[1] = (CK_BYTE)(at - 2);
        return at;
}

static void sign_row(const struct sign_row *row, size_t number, CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv,
                     FILE *checks)
{
        CK_RSA_PKCS_PSS_PARAMS pss = row->pss;
        CK_MECHANISM m = { row->mechanism, pss.hashAlg ? &pss : NULL, pss.hashAlg ? sizeof(pss) : 0 };
        CK_BYTE signature[300], der[320], data[TEXT_N];
        CK_ULONG n = 0, told;
        char name[40];

        memcpy(data, text, TEXT_N);
        is("C_SignInit", F->C_SignInit(s, &m, priv), CKR_OK);
        is("the length", F->C_Sign(s, data, TEXT_N, NULL, &n), CKR_OK);
        told = n;
        is("the signature", F->C_Sign(s, data, TEXT_N, signature, &n), CKR_OK);
        is("is as long as was told", n, told);
        is("C_VerifyInit", F->C_VerifyInit(s, &m, pub), CKR_OK);
        is("it verifies", F->C_Verify(s, data, TEXT_N, signature, n), CKR_OK);
        data[0] ^= 1;
        is("C_VerifyInit", F->C_VerifyInit(s, &m, pub), CKR_OK);
        is("of other data it does not", F->C_Verify(s, data, TEXT_N, signature, n), CKR_SIGNATURE_INVALID);
        is("C_VerifyInit", F->C_VerifyInit(s, &m, pub), CKR_OK);
        is("nor a byte shorter", F->C_Verify(s, data, TEXT_N, signature, n - 1), CKR_SIGNATURE_LEN_RANGE);
        (void)snprintf(name, sizeof(name), "%zu.sig", number);
        if (row->pair >= 2 && row->pair <= 4)
                keep(name, der, to_der(signature, n, der));
        else
                keep(name, signature, n);
        fprintf(checks, "%s %s %s\n", pair_rows[row->pair].name, name, row->openssl);
}

static void every_kind_signs(void)
{
        CK_OBJECT_HANDLE pub[PAIRS], priv[PAIRS];
        FILE *checks = fopen("checks", "we");
        CK_KEY_TYPE type = 0;
        CK_ATTRIBUTE a = { CKA_KEY_TYPE, &type, sizeof(type) };

        for (size_t i = 0; i < PAIRS; i++)
                pair_of_row(&pair_rows[i], &pub[i], &priv[i]);
        is("the type of a key by CKM_EC_KEY_PAIR_GEN", F->C_GetAttributeValue(s, priv[5], &a, 1), CKR_OK);
        is("is that of its curve", type, CKK_EC_EDWARDS);
        for (size_t i = 0; checks && i < sizeof(sign_rows) / sizeof(sign_rows[0]); i++)
                sign_row(&sign_rows[i], i, pub[sign_rows[i].pair], priv[sign_rows[i].pair], checks);
        if (!checks || fclose(checks) != 0)
                exit(2);
        keep("text", text, TEXT_N);
}

int main(int argc, char **argv)
{
        CK_OBJECT_HANDLE pub = 0, priv = 0;

        s = guest_begin(argc, argv);
        rsa_pair(&pub, &priv, CK_TRUE);
        signs_with_recovery(pub, priv);
        recovery_is_refused(pub, priv);
        every_kind_signs();
        return guest_end();
}
