/* The operations through a PKCS#11 module, as an application calls them: one session a thread. */
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_FUNCTION_LIST_PTR f;
static CK_SLOT_ID slot;

struct state {
        enum bench_operation operation;
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE key;
        unsigned n_keys;
        uint64_t counter;
        CK_BYTE input[4096];
        CK_BYTE output[4096 + 256];
};

static const struct {
        const char *name;
        const char *label; /* of its key; NULL: none */
} operations[BENCH_OPERATIONS] = {
        [BENCH_RSA_SIGN] = { "RSA-2048 sign", "bench-rsa" },
        [BENCH_EC_SIGN] = { "P-256 sign", "bench-ec" },
        [BENCH_AES_GCM] = { "AES-256-GCM 4 KiB", "bench-aes" },
        [BENCH_FIND] = { "find by label", NULL },
        [BENCH_CREATE] = { "create AES token key", NULL },
};

const char *bench_operation_name(enum bench_operation operation)
{
        return operations[operation].name;
}

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

static bool open_key(struct state *s, char *failure, size_t room)
{
        const char *label = operations[s->operation].label;
        CK_ULONG n = 0;

        if (label == NULL)
                return true;
        if (bench_failed(bench_find_label(s->session, label,
                                          s->operation == BENCH_AES_GCM ? CKO_SECRET_KEY : CKO_PRIVATE_KEY,
                                          &s->key, &n),
                         "C_FindObjects", failure, room))
                return false;
        if (n == 0)
                snprintf(failure, room, "no key labelled '%s'", label);
        return n == 1;
}

static void module_close(void *state)
{
        struct state *s = state;

        if (s->session != CK_INVALID_HANDLE)
                f->C_CloseSession(s->session);
        free(s);
}

static void *module_open(const struct bench_target *target, enum bench_operation operation, unsigned thread,
                         char *failure, size_t room)
{
        struct state *s = calloc(1, sizeof *s);

        if (s == NULL)
                return NULL;
        s->operation = operation;
        s->n_keys = target->n_keys;
        s->counter = thread * 7919U;
        if (bench_open_session(&s->session, failure, room) && open_key(s, failure, room))
                return s;
        module_close(s);
        return NULL;
}

static CK_RV sign(struct state *s, CK_MECHANISM_TYPE type, CK_ULONG length)
{
        CK_MECHANISM mechanism = { type, NULL, 0 };
        CK_ULONG n = sizeof s->output;
        CK_RV rv = f->C_SignInit(s->session, &mechanism, s->key);

        memcpy(s->input, &s->counter, sizeof s->counter);
        return rv != CKR_OK ? rv : f->C_Sign(s->session, s->input, length, s->output, &n);
}

static CK_RV encrypt_gcm(struct state *s)
{
        CK_BYTE iv[12] = { 0 };
        CK_GCM_PARAMS gcm = { .pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128 };
        CK_MECHANISM mechanism = { CKM_AES_GCM, &gcm, sizeof gcm };
        CK_ULONG n = sizeof s->output;
        CK_RV rv;

        memcpy(iv, &s->counter, sizeof s->counter);
        rv = f->C_EncryptInit(s->session, &mechanism, s->key);
        return rv != CKR_OK ? rv : f->C_Encrypt(s->session, s->input, sizeof s->input, s->output, &n);
}

static CK_RV find_one(struct state *s)
{
        char label[32];
        CK_OBJECT_HANDLE key;
        CK_ULONG n = 0;
        CK_RV rv;

        snprintf(label, sizeof label, "find-%06u", (unsigned)(s->counter * 2654435761U % s->n_keys));
        rv = bench_find_label(s->session, label, CK_UNAVAILABLE_INFORMATION, &key, &n);
        return rv == CKR_OK && n != 1 ? CKR_OBJECT_HANDLE_INVALID : rv;
}

CK_RV bench_create_aes(CK_SESSION_HANDLE session, const char *label)
{
        static CK_BBOOL yes = CK_TRUE;
        static CK_ULONG length = 32;
        CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_TOKEN, &yes, sizeof yes },
                                  { CKA_ENCRYPT, &yes, sizeof yes },
                                  { CKA_DECRYPT, &yes, sizeof yes },
                                  { CKA_VALUE_LEN, &length, sizeof length },
                                  { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) } };
        CK_OBJECT_HANDLE key;

        return f->C_GenerateKey(session, &mechanism, wanted, sizeof wanted / sizeof *wanted, &key);
}

static CK_RV module_run(void *state)
{
        struct state *s = state;

        s->counter++;
        switch (s->operation) {
        case BENCH_RSA_SIGN:
                return sign(s, CKM_RSA_PKCS, 51);
        case BENCH_EC_SIGN:
                return sign(s, CKM_ECDSA, 32);
        case BENCH_AES_GCM:
                return encrypt_gcm(s);
        case BENCH_FIND:
                return find_one(s);
        default:
                return bench_create_aes(s->session, "bench-created");
        }
}

const struct bench_way bench_module = { module_open, module_run, module_close };
