/* A PKCS#11 module as an application loads it, and what preparing and measuring both ask of it. */
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_FUNCTION_LIST_PTR f;
static CK_SLOT_ID slot;

bool bench_failed(CK_RV rv, const char *what, char *failure, size_t room)
{
        if (rv == CKR_OK)
                return false;
        snprintf(failure, room, "%s answered 0x%lx", what, rv);
        return true;
}

/* The slot whose token has that label. */
static bool find_slot(const char *token, char *failure, size_t room)
{
        CK_SLOT_ID slots[64];
        CK_ULONG n = 64;
        size_t length = strlen(token);

        if (bench_failed(f->C_GetSlotList(CK_TRUE, slots, &n), "C_GetSlotList", failure, room))
                return false;
        for (CK_ULONG i = 0; i < n; i++) {
                CK_TOKEN_INFO info;

                if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK && length < sizeof info.label &&
                    memcmp(info.label, token, length) == 0 && info.label[length] == ' ') {
                        slot = slots[i];
                        return true;
                }
        }
        snprintf(failure, room, "no token labelled '%s' among %lu", token, n);
        return false;
}

bool bench_open_session(CK_SESSION_HANDLE *session, char *failure, size_t room)
{
        return !bench_failed(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session),
                             "C_OpenSession", failure, room);
}

bool bench_module_load(const struct bench_target *target, char *failure, size_t room)
{
        static CK_SESSION_HANDLE keeps_login;
        CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
        CK_C_GetFunctionList get;
        void *library;

        if (target->socket != NULL)
                setenv("CHSM_SOCKET", target->socket, 1);
        library = dlopen(target->module, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
                snprintf(failure, room, "%s", dlerror());
                return false;
        }
        *(void **)&get = dlsym(library, "C_GetFunctionList");
        if (get == NULL || get(&f) != CKR_OK) {
                snprintf(failure, room, "'%s' is no PKCS#11 module", target->module);
                return false;
        }
        return !bench_failed(f->C_Initialize(&args), "C_Initialize", failure, room) &&
               find_slot(target->token, failure, room) && bench_open_session(&keeps_login, failure, room) &&
               !bench_failed(f->C_Login(keeps_login, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)target->pin,
                                        strlen(target->pin)),
                             "C_Login", failure, room);
}

CK_RV bench_find_label(CK_SESSION_HANDLE session, const char *label, CK_OBJECT_CLASS class,
                       CK_OBJECT_HANDLE *key, CK_ULONG *n)
{
        CK_ATTRIBUTE wanted[] = { { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
                                  { CKA_CLASS, &class, sizeof class } };
        CK_RV rv = f->C_FindObjectsInit(session, wanted, class == CK_UNAVAILABLE_INFORMATION ? 1 : 2);
        CK_RV closed;

        if (rv != CKR_OK)
                return rv;
        rv = f->C_FindObjects(session, key, 1, n);
        closed = f->C_FindObjectsFinal(session);
        return rv != CKR_OK ? rv : closed;
}

CK_RV bench_create_aes(CK_SESSION_HANDLE session, const char *label, CK_BBOOL token, CK_OBJECT_HANDLE *key)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG length = 32;
        CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_TOKEN, &token, sizeof token },
                                  { CKA_ENCRYPT, &yes, sizeof yes },
                                  { CKA_DECRYPT, &yes, sizeof yes },
                                  { CKA_WRAP, &yes, sizeof yes },
                                  { CKA_SIGN, &yes, sizeof yes },
                                  { CKA_EXTRACTABLE, &yes, sizeof yes },
                                  { CKA_VALUE_LEN, &length, sizeof length },
                                  { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) } };

        return f->C_GenerateKey(session, &mechanism, wanted, sizeof wanted / sizeof *wanted, key);
}

CK_RV bench_create_pair(CK_SESSION_HANDLE session, const struct bench_key_row *row, CK_BBOOL token)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG bits = row->bits;
        CK_MECHANISM mechanism = { row->mechanism, NULL, 0 };
        bool rsa = row->mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN;
        CK_ATTRIBUTE label = { CKA_LABEL, (void *)(uintptr_t)row->label, strlen(row->label) };
        CK_ATTRIBUTE public_wanted[] = { { CKA_TOKEN, &token, sizeof token },
                                         label,
                                         { CKA_VERIFY, &yes, sizeof yes },
                                         rsa ? (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits, sizeof bits }
                                             : (CK_ATTRIBUTE){ CKA_EC_PARAMS, row->curve, row->curve_n },
                                         { CKA_ENCRYPT, &yes, sizeof yes } };
        /* RSA keys decrypt, the others agree; Ed25519 does neither. */
        CK_ATTRIBUTE private_wanted[] = { { CKA_TOKEN, &token, sizeof token },
                                          label,
                                          { CKA_SIGN, &yes, sizeof yes },
                                          { rsa ? CKA_DECRYPT : CKA_DERIVE, &yes, sizeof yes } };
        bool signs_only = row->mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN;
        CK_OBJECT_HANDLE public_key, private_key;

        return f->C_GenerateKeyPair(session, &mechanism, public_wanted, rsa ? 5 : 4, private_wanted,
                                    signs_only ? 3 : 4, &public_key, &private_key);
}
