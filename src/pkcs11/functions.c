/* The function lists that applications get, made from the rows of ck/cryptoki_functions.h; and the functions
 * that this token has no use for. */
#include "pkcs11/module.h"

#define UNUSED(name, arguments)                                                                              \
        CK_RV name arguments                                                                                 \
        {                                                                                                    \
                CK_RV rv = module_check();                                                                   \
                return rv == CKR_OK ? CKR_FUNCTION_NOT_SUPPORTED : rv;                                       \
        }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

UNUSED(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result))
UNUSED(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id))
UNUSED(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data,
                     CK_ULONG data_len))
UNUSED(C_WrapKeyAuthenticated,
       (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
        CK_OBJECT_HANDLE key, CK_BYTE_PTR aad, CK_ULONG aad_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len))
UNUSED(C_UnwrapKeyAuthenticated,
       (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,
        CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR aad,
        CK_ULONG aad_len, CK_OBJECT_HANDLE_PTR key))

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
        return CKR_FUNCTION_NOT_PARALLEL;
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
        return CKR_FUNCTION_NOT_PARALLEL;
}
#pragma GCC diagnostic pop

#define ENTRY(name, since, arguments) .name = name,

static CK_FUNCTION_LIST list_2_40 = { .version = { 2, 40 }, CK_FUNCTIONS_2_40(ENTRY) };
static CK_FUNCTION_LIST_3_0 list_3_0 = { .version = { 3, 0 },
                                         CK_FUNCTIONS_2_40(ENTRY) CK_FUNCTIONS_3_0(ENTRY) };

/* 3.1 changed no list: the functions are those of 3.0 under another version. */
static CK_FUNCTION_LIST_3_0 list_3_1 = { .version = { 3, 1 },
                                         CK_FUNCTIONS_2_40(ENTRY) CK_FUNCTIONS_3_0(ENTRY) };

static CK_FUNCTION_LIST_3_2 list_3_2 = { .version = { 3, 2 },
                                         CK_FUNCTIONS_2_40(ENTRY) CK_FUNCTIONS_3_0(ENTRY)
                                             CK_FUNCTIONS_3_2(ENTRY) };

static CK_UTF8CHAR name[] = "PKCS 11";
static CK_INTERFACE interfaces[] = {
        { name, &list_3_1, CKF_INTERFACE_FORK_SAFE }, /* for who asks for no version */
        { name, &list_3_2, CKF_INTERFACE_FORK_SAFE },
        { name, &list_3_0, CKF_INTERFACE_FORK_SAFE },
        { name, &list_2_40, CKF_INTERFACE_FORK_SAFE },
};
#define INTERFACES (sizeof(interfaces) / sizeof(interfaces[0]))

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
        if (!list)
                return CKR_ARGUMENTS_BAD;
        *list = &list_2_40;
        return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
        CK_ULONG room;

        if (!count)
                return CKR_ARGUMENTS_BAD;
        room = *count;
        *count = INTERFACES;
        if (!list)
                return CKR_OK;
        if (room < INTERFACES)
                return CKR_BUFFER_TOO_SMALL;
        memcpy(list, interfaces, sizeof(interfaces));
        return CKR_OK;
}

CK_RV C_GetInterface(CK_UTF8CHAR_PTR wanted, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface,
                     CK_FLAGS flags)
{
        if (!interface)
                return CKR_ARGUMENTS_BAD;
        for (size_t i = 0; i < INTERFACES; i++) {
                const CK_VERSION *has = interfaces[i].pFunctionList;

                if (wanted && strcmp((const char *)wanted, (const char *)name) != 0)
                        continue;
                if (version && (version->major != has->major || version->minor != has->minor))
                        continue;
                if ((flags & interfaces[i].flags) != flags)
                        continue;
                *interface = &interfaces[i];
                return CKR_OK;
        }
        return CKR_ARGUMENTS_BAD; /* NSS asks for names of its own */
}
