/* Life cycle: arguments, slot, sessions, operations in short, fork, no thread of the module's own. */
#include "guest.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

static void interfaces(void *library)
{
        CK_C_GetInterfaceList list;
        CK_C_GetInterface get;
        CK_INTERFACE rows[8];
        CK_INTERFACE_PTR one;
        CK_VERSION v31 = { 3, 1 }, v32 = { 3, 2 }, v240 = { 2, 40 }, v99 = { 9, 9 };
        CK_ULONG n = 0;

        *(void **)&list = dlsym(library, "C_GetInterfaceList");
        *(void **)&get = dlsym(library, "C_GetInterface");
        is("the interfaces are counted", list(NULL, &n), CKR_OK);
        is("there are four", n, 4);
        n = 1;
        is("too little room for them", list(rows, &n), CKR_BUFFER_TOO_SMALL);
        is("version 3.1 is there", get(NULL, &v31, &one, 0), CKR_OK);
        is("and 3.2", get(NULL, &v32, &one, 0), CKR_OK);
        is("and 2.40", get((CK_UTF8CHAR_PTR) "PKCS 11", &v240, &one, 0), CKR_OK);
        is("but no 9.9", get(NULL, &v99, &one, 0) == CKR_OK, 0);
        is("and no other name", get((CK_UTF8CHAR_PTR) "Vendor", NULL, &one, 0) == CKR_OK, 0);
}

static CK_RV no_mutex(CK_VOID_PTR_PTR mutex)
{
        (void)mutex;
        return CKR_OK;
}

static CK_RV no_lock(CK_VOID_PTR mutex)
{
        (void)mutex;
        return CKR_OK;
}

static void initialising(void)
{
        CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
        CK_ULONG n = 0;

        is("nothing works before C_Initialize", F->C_GetSlotList(CK_TRUE, NULL, &n),
           CKR_CRYPTOKI_NOT_INITIALIZED);
        args.pReserved = &args;
        is("a reserved argument", F->C_Initialize(&args), CKR_ARGUMENTS_BAD);
        args = (CK_C_INITIALIZE_ARGS){ .CreateMutex = no_mutex };
        is("one mutex function of four", F->C_Initialize(&args), CKR_ARGUMENTS_BAD);
        for (CK_FLAGS flags = 0; flags < 4; flags++) {
                args = (CK_C_INITIALIZE_ARGS){ no_mutex, no_lock, no_lock, no_lock, flags, NULL };
                is("mutexes of the application's own", F->C_Initialize(&args), CKR_OK);
                is("are not needed", F->C_Finalize(NULL), CKR_OK);
                args = (CK_C_INITIALIZE_ARGS){ .flags = flags };
                is("no mutexes", F->C_Initialize(&args), CKR_OK);
                is("are enough too", F->C_Finalize(NULL), CKR_OK);
        }
        is("no arguments", F->C_Initialize(NULL), CKR_OK);
        is("a second time", F->C_Initialize(&args), CKR_CRYPTOKI_ALREADY_INITIALIZED);
        is("C_Finalize with an argument", F->C_Finalize(&args), CKR_ARGUMENTS_BAD);
}

static void find_slot(void)
{
        CK_SLOT_ID slots[4];
        CK_ULONG n = 0;
        CK_TOKEN_INFO info;

        is("slots are counted", F->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
        is("there is one", n, 1);
        n = 0;
        is("no room for it", F->C_GetSlotList(CK_TRUE, slots, &n), CKR_BUFFER_TOO_SMALL);
        n = 4;
        is("it is told", F->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
        guest.slot = slots[0];
        is("its number is the documented one", guest.slot, 1);
        is("its token", F->C_GetTokenInfo(guest.slot, &info), CKR_OK);
        is("is labelled", (CK_RV)memcmp(info.label, guest.token, strlen(guest.token)), 0);
        is("another slot", F->C_GetTokenInfo(99, &info), CKR_SLOT_ID_INVALID);
        is("a missing pointer", F->C_GetTokenInfo(guest.slot, NULL), CKR_ARGUMENTS_BAD);
}

static CK_SESSION_HANDLE sessions(void)
{
        CK_SESSION_HANDLE read_only, session;
        CK_SESSION_INFO info;
        char wrong[80];

        is("a parallel session", F->C_OpenSession(guest.slot, 0, NULL, NULL, &session),
           CKR_SESSION_PARALLEL_NOT_SUPPORTED);
        is("a read-only session", F->C_OpenSession(guest.slot, CKF_SERIAL_SESSION, NULL, NULL, &read_only),
           CKR_OK);
        is("a read-write session",
           F->C_OpenSession(guest.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
        is("a PIN without a colon", login(session, "user1234"), CKR_PIN_INCORRECT);
        (void)snprintf(wrong, sizeof(wrong), "%sx", guest.pin);
        is("a wrong PIN", login(session, wrong), CKR_PIN_INCORRECT);
        is("nobody's session", F->C_GetSessionInfo(session, &info), CKR_OK);
        is("is public", info.state, CKS_RW_PUBLIC_SESSION);
        is("the right PIN", login(session, guest.pin), CKR_OK);
        is("once more", login(session, guest.pin), CKR_USER_ALREADY_LOGGED_IN);
        is("the other session", F->C_GetSessionInfo(read_only, &info), CKR_OK);
        is("is the user's too", info.state, CKS_RO_USER_FUNCTIONS);
        is("it is closed", F->C_CloseSession(read_only), CKR_OK);
        is("and gone", F->C_GetSessionInfo(read_only, &info), CKR_SESSION_HANDLE_INVALID);
        return session;
}

static CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE session)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE token[] = { { CKA_TOKEN, &yes, 1 } };
        CK_SESSION_HANDLE read_only = open_session(false);
        CK_OBJECT_HANDLE public_key, private_key = 0;

        is("a read-only session makes no token key",
           make_pair(read_only, token, 1, &public_key, &private_key), CKR_SESSION_READ_ONLY);
        is("but a read-write one does", make_pair(session, token, 1, &public_key, &private_key), CKR_OK);
        (void)F->C_CloseSession(read_only);
        return private_key;
}

static void operations(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
        CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 }, unknown = { 0x12345678, NULL, 0 };
        CK_BYTE data[] = "data", out[64];
        CK_ULONG n = sizeof(out);

        is("C_Sign without C_SignInit", F->C_Sign(s, data, 4, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("an unknown mechanism", F->C_SignInit(s, &unknown, key), CKR_MECHANISM_INVALID);
        is("a handle of nothing", F->C_SignInit(s, &ecdsa, 424242), CKR_KEY_HANDLE_INVALID);
        is("C_SignInit", F->C_SignInit(s, &ecdsa, key), CKR_OK);
        is("once more", F->C_SignInit(s, &ecdsa, key), CKR_OPERATION_ACTIVE);
        is("the length is asked for", F->C_Sign(s, data, 4, NULL, &n), CKR_OK);
        is("and told", n, 64);
        n = 63;
        is("a buffer too small", F->C_Sign(s, data, 4, out, &n), CKR_BUFFER_TOO_SMALL);
        is("does not end the operation", F->C_Sign(s, data, 4, out, &n), CKR_OK);
        is("the end does", F->C_Sign(s, data, 4, out, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("C_SignInit again", F->C_SignInit(s, &ecdsa, key), CKR_OK);
        is("a part", F->C_SignUpdate(s, data, 2), CKR_OK);
        is("and then the whole", F->C_Sign(s, data, 4, out, &n), CKR_OPERATION_ACTIVE);
        is("the end of the parts", F->C_SignFinal(s, out, &n), CKR_OK);
        is("C_SignInit for missing data", F->C_SignInit(s, &ecdsa, key), CKR_OK);
        is("missing data", F->C_Sign(s, NULL, 4, out, &n), CKR_ARGUMENTS_BAD);
        is("ECDSA recovers nothing", F->C_SignRecoverInit(s, &ecdsa, key), CKR_MECHANISM_INVALID);
        is("what is out of use says so", F->C_GetFunctionStatus(s), CKR_FUNCTION_NOT_PARALLEL);
}

/* The child's exit code: which check failed. */
static int child(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
        CK_SESSION_HANDLE own;
        CK_SESSION_INFO info;

        if (F->C_GetSessionInfo(s, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
                return 1;
        if (F->C_Initialize(NULL) != CKR_OK)
                return 2;
        if (F->C_OpenSession(guest.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &own) != CKR_OK)
                return 3;
        if (sign(own, key) == CKR_OK)
                return 4; /* the parent's login is not the child's */
        if (login(own, guest.pin) != CKR_OK || sign(own, key) != CKR_OK)
                return 5;
        return F->C_Finalize(NULL) == CKR_OK ? 0 : 6;
}

static void forking(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
        int status = -1;
        pid_t pid = fork();

        if (pid == 0)
                _exit(child(s, key));
        (void)waitpid(pid, &status, 0);
        is("a forked child starts uninitialised and logs in by itself", (CK_RV)WEXITSTATUS(status), 0);
        is("the parent goes on", sign(s, key), CKR_OK);
}

static unsigned threads(void)
{
        char line[128];
        unsigned n = 0;
        FILE *status = fopen("/proc/self/status", "re");

        while (status && fgets(line, sizeof(line), status))
                (void)sscanf(line, "Threads: %u", &n);
        if (status)
                (void)fclose(status);
        return n;
}

void guest_life(void)
{
        unsigned before = threads();
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE key;

        interfaces(guest.library);
        initialising();
        find_slot();
        session = sessions();
        key = make_key(session);
        operations(session, key);
        forking(session, key);
        is("the module started no thread", threads(), before);
        is("the key goes", F->C_DestroyObject(session, key), CKR_OK);
        is("C_Finalize", F->C_Finalize(NULL), CKR_OK);
        is("again", F->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
        is("C_Initialize after it", F->C_Initialize(NULL), CKR_OK);
        is("and the end", F->C_Finalize(NULL), CKR_OK);
}
