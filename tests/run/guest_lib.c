#include "guest.h"

#include <dlfcn.h>

struct guest guest;

void is(const char *name, CK_RV got, CK_RV wanted)
{
        guest.count++;
        guest.bad += got != wanted;
        printf("%sok %u - %s\n", got == wanted ? "" : "not ", guest.count, name);
        if (got != wanted)
                printf("# 0x%lx, not 0x%lx\n", got, wanted);
        (void)fflush(stdout);
}

bool same(const char *name, CK_RV got, CK_RV wanted)
{
        if (got != wanted)
                is(name, got, wanted);
        return got == wanted;
}

void keep(const char *name, const void *bytes, size_t n)
{
        FILE *file = fopen(name, "wbe");

        if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
                exit(2);
}

void take(const char *name, void *bytes, size_t n)
{
        FILE *file = fopen(name, "rbe");

        if (!file || fread(bytes, 1, n, file) != n || fclose(file) != 0)
                exit(2);
}

static CK_RV login_type(CK_SESSION_HANDLE session, CK_USER_TYPE type, const char *pin)
{
        return F->C_Login(session, type, (CK_UTF8CHAR_PTR)(uintptr_t)pin, strlen(pin));
}

CK_RV login(CK_SESSION_HANDLE session, const char *pin)
{
        return login_type(session, CKU_USER, pin);
}

CK_RV login_context(CK_SESSION_HANDLE session, const char *pin)
{
        return login_type(session, CKU_CONTEXT_SPECIFIC, pin);
}

CK_SESSION_HANDLE open_session(bool read_write)
{
        CK_FLAGS flags = CKF_SERIAL_SESSION | (read_write ? CKF_RW_SESSION : 0);
        CK_SESSION_HANDLE session = 0;

        return F->C_OpenSession(guest.slot, flags, NULL, NULL, &session) == CKR_OK ? session : 0;
}

CK_SESSION_HANDLE arrive(void)
{
        CK_SESSION_HANDLE session = 0;

        if (!same("C_Initialize", F->C_Initialize(NULL), CKR_OK) || !(session = open_session(true)) ||
            !same("C_Login", login(session, guest.pin), CKR_OK)) {
                printf("Bail out! no session\n");
                exit(1);
        }
        return session;
}

CK_SESSION_HANDLE guest_begin(int argc, char **argv)
{
        CK_C_GetFunctionList list;

        guest.library = argc >= 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
        if (!guest.library) {
                printf("Bail out! %s\n", argc >= 3 ? dlerror() : "arguments: MODULE PIN");
                exit(1);
        }
        guest.pin = argv[2];
        guest.slot = 1;
        *(void **)&list = dlsym(guest.library, "C_GetFunctionList");
        is("the list of functions", list(&guest.f), CKR_OK);
        return arrive();
}

int guest_end(void)
{
        leave();
        printf("# %u\n", guest.count);
        return guest.bad != 0;
}

void leave(void)
{
        (void)same("C_Finalize", F->C_Finalize(NULL), CKR_OK);
}

CK_OBJECT_HANDLE make_aes(CK_SESSION_HANDLE session)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG length = 32;
        CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_VALUE_LEN, &length, sizeof(length) },
                                  { CKA_ENCRYPT, &yes, 1 },
                                  { CKA_DECRYPT, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        (void)F->C_GenerateKey(session, &mechanism, wanted, 3, &key);
        return key;
}

CK_OBJECT_HANDLE make_hmac_key(CK_SESSION_HANDLE session)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG length = 32;
        CK_MECHANISM mechanism = { CKM_GENERIC_SECRET_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_VALUE_LEN, &length, sizeof(length) },
                                  { CKA_SIGN, &yes, 1 },
                                  { CKA_VERIFY, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        (void)F->C_GenerateKey(session, &mechanism, wanted, 3, &key);
        return key;
}

CK_RV make_pair(CK_SESSION_HANDLE session, CK_ATTRIBUTE *more, CK_ULONG more_n, CK_OBJECT_HANDLE *public_key,
                CK_OBJECT_HANDLE *private_key)
{
        CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_BBOOL yes = CK_TRUE;
        CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        CK_ATTRIBUTE pub[] = { { CKA_EC_PARAMS, p256, sizeof(p256) }, { CKA_VERIFY, &yes, 1 } };
        CK_ATTRIBUTE priv[8] = { { CKA_SIGN, &yes, 1 } };

        for (CK_ULONG i = 0; i < more_n && i < 7; i++)
                priv[1 + i] = more[i];
        return F->C_GenerateKeyPair(session, &mechanism, pub, 2, priv, 1 + more_n, public_key, private_key);
}

CK_RV sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
        CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };
        CK_BYTE data[] = "data", out[64];
        CK_ULONG n = sizeof(out);
        CK_RV rv = F->C_SignInit(s, &ecdsa, key);

        return rv ? rv : F->C_Sign(s, data, 4, out, &n);
}
