/* Signatures through the module that no other program asks for: recovery and its state machine. Usage:
 * signatures MODULE PIN. Prints TAP; leaves public keys and signatures in the working folder for openssl to
 * check. Run by signatures.sh against a real node. */
#include "ck/cryptoki.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST_PTR f;
static unsigned count, bad;
static CK_SESSION_HANDLE s;

static void is(const char *name, CK_RV got, CK_RV wanted)
{
        count++;
        bad += got != wanted;
        printf("%sok %u - %s\n", got == wanted ? "" : "not ", count, name);
        if (got != wanted)
                printf("# 0x%lx, not 0x%lx\n", got, wanted);
        (void)fflush(stdout);
}

static void keep(const char *name, const void *bytes, size_t n)
{
        FILE *file = fopen(name, "wbe");

        if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
                exit(2);
}

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

        is("an RSA pair", f->C_GenerateKeyPair(s, &m, public_side, 2, private_side, 1, pub, priv), CKR_OK);
        is("its public key", f->C_GetAttributeValue(s, *pub, &spki, 1), CKR_OK);
        keep(signs ? "rsa.der" : "other.der", info, spki.ulValueLen);
}

static void signs_with_recovery(CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv)
{
        CK_MECHANISM v15 = { CKM_RSA_PKCS, NULL, 0 };
        CK_BYTE data[] = "given back", signature[256], back[256];
        CK_ULONG n = 0, back_n = 0;

        is("recovery needs an init", f->C_SignRecover(s, data, 10, signature, &n),
           CKR_OPERATION_NOT_INITIALIZED);
        is("C_SignRecoverInit", f->C_SignRecoverInit(s, &v15, priv), CKR_OK);
        is("once more", f->C_SignRecoverInit(s, &v15, priv), CKR_OPERATION_ACTIVE);
        is("a plain signature may go on beside it", f->C_SignInit(s, &v15, priv), CKR_OK);
        is("and be cancelled", f->C_SignInit(s, NULL, 0), CKR_OK);
        is("the length is told", f->C_SignRecover(s, data, 10, NULL, &n), CKR_OK);
        is("it is the modulus's", n, 256);
        n = 255;
        is("too little room", f->C_SignRecover(s, data, 10, signature, &n), CKR_BUFFER_TOO_SMALL);
        is("what is needed is told", n, 256);
        is("enough room", f->C_SignRecover(s, data, 10, signature, &n), CKR_OK);
        is("then it is over", f->C_SignRecover(s, data, 10, signature, &n), CKR_OPERATION_NOT_INITIALIZED);
        keep("recover.sig", signature, n);
        is("C_VerifyRecoverInit", f->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("the length of the data", f->C_VerifyRecover(s, signature, n, NULL, &back_n), CKR_OK);
        is("is told", back_n, 10);
        back_n = 9;
        is("too little room for it", f->C_VerifyRecover(s, signature, n, back, &back_n),
           CKR_BUFFER_TOO_SMALL);
        is("the data", f->C_VerifyRecover(s, signature, n, back, &back_n), CKR_OK);
        is("is what was signed", back_n == 10 && memcmp(back, data, 10) == 0, 1);
        is("and it is over", f->C_VerifyRecover(s, signature, n, back, &back_n),
           CKR_OPERATION_NOT_INITIALIZED);
}

static void recovery_is_refused(CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv)
{
        CK_MECHANISM v15 = { CKM_RSA_PKCS, NULL, 0 }, hashed = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_BYTE data[256] = { 1 }, out[256];
        CK_ULONG n = sizeof(out);
        CK_OBJECT_HANDLE other_pub, other_priv;

        is("a hashing mechanism", f->C_SignRecoverInit(s, &hashed, priv), CKR_MECHANISM_INVALID);
        is("a public key that signs", f->C_SignRecoverInit(s, &v15, pub), CKR_KEY_FUNCTION_NOT_PERMITTED);
        is("no key", f->C_VerifyRecoverInit(s, &v15, 99999), CKR_KEY_HANDLE_INVALID);
        is("the operation", f->C_SignRecoverInit(s, &v15, priv), CKR_OK);
        is("no room for a length", f->C_SignRecover(s, data, 10, out, NULL), CKR_ARGUMENTS_BAD);
        is("ends it", f->C_SignRecover(s, data, 10, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("the operation", f->C_SignRecoverInit(s, &v15, priv), CKR_OK);
        is("too much data", f->C_SignRecover(s, data, 246, out, &n), CKR_DATA_LEN_RANGE);
        is("ends it too", f->C_SignRecover(s, data, 10, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("recovery", f->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("of a short signature", f->C_VerifyRecover(s, data, 255, out, &n), CKR_SIGNATURE_LEN_RANGE);
        is("recovery", f->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("of a forged one", f->C_VerifyRecover(s, data, 256, out, &n), CKR_SIGNATURE_INVALID);
        is("recovery", f->C_VerifyRecoverInit(s, &v15, pub), CKR_OK);
        is("cancelled", f->C_VerifyRecoverInit(s, NULL, 0), CKR_OK);
        is("is over", f->C_VerifyRecover(s, data, 256, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        rsa_pair(&other_pub, &other_priv, CK_FALSE);
        is("a key for encryption", f->C_SignRecoverInit(s, &v15, other_priv), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

int main(int argc, char **argv)
{
        void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
        CK_C_GetFunctionList get;
        CK_OBJECT_HANDLE pub = 0, priv = 0;

        if (!library) {
                printf("Bail out! %s\n", argc == 3 ? dlerror() : "usage: signatures MODULE PIN");
                return 1;
        }
        *(void **)&get = dlsym(library, "C_GetFunctionList");
        is("the list of functions", get(&f), CKR_OK);
        is("C_Initialize", f->C_Initialize(NULL), CKR_OK);
        is("a session", f->C_OpenSession(1, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
        is("login", f->C_Login(s, CKU_USER, (CK_UTF8CHAR_PTR)argv[2], strlen(argv[2])), CKR_OK);
        rsa_pair(&pub, &priv, CK_TRUE);
        signs_with_recovery(pub, priv);
        recovery_is_refused(pub, priv);
        is("C_Finalize", f->C_Finalize(NULL), CKR_OK);
        printf("# %u\n", count);
        return bad != 0;
}
