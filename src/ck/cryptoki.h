/* PKCS#11 for C: types, function lists and prototypes, written from the OASIS specifications 2.40, 3.1
 * and 3.2.
 *
 * Names and layouts are the standard's, because applications and other modules see them; on Unix no structure
 * is packed. Numbers are in cryptoki_numbers.h and cryptoki_mechanisms.h, parameters of mechanisms in
 * cryptoki_params.h, the functions in cryptoki_functions.h; all come with this file. */
#ifndef CHSM_CK_CRYPTOKI_H
#define CHSM_CK_CRYPTOKI_H

#include "ck/cryptoki_numbers.h"
#include "ck/cryptoki_mechanisms.h"
#include "ck/cryptoki_functions.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What applications may call is visible in the module; define as empty for static use. */
#ifndef CK_EXPORT
#define CK_EXPORT __attribute__((visibility("default")))
#endif

#define CRYPTOKI_VERSION_MAJOR 3
#define CRYPTOKI_VERSION_MINOR 2

typedef unsigned char CK_BYTE;
typedef CK_BYTE CK_CHAR;
typedef CK_BYTE CK_UTF8CHAR;
typedef CK_BYTE CK_BBOOL;
typedef unsigned long int CK_ULONG;
typedef long int CK_LONG;
typedef CK_ULONG CK_FLAGS;
typedef void *CK_VOID_PTR;
typedef CK_VOID_PTR *CK_VOID_PTR_PTR;
typedef CK_BYTE *CK_BYTE_PTR;
typedef CK_CHAR *CK_CHAR_PTR;
typedef CK_UTF8CHAR *CK_UTF8CHAR_PTR;
typedef CK_ULONG *CK_ULONG_PTR;
typedef CK_FLAGS *CK_FLAGS_PTR;

#ifndef NULL_PTR
#define NULL_PTR NULL
#endif

typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_SLOT_ID *CK_SLOT_ID_PTR;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_SESSION_HANDLE *CK_SESSION_HANDLE_PTR;
typedef CK_ULONG CK_OBJECT_HANDLE;
typedef CK_OBJECT_HANDLE *CK_OBJECT_HANDLE_PTR;
typedef CK_ULONG CK_USER_TYPE;
typedef CK_ULONG CK_STATE;
typedef CK_ULONG CK_NOTIFICATION;
typedef CK_ULONG CK_OBJECT_CLASS;
typedef CK_OBJECT_CLASS *CK_OBJECT_CLASS_PTR;
typedef CK_ULONG CK_HW_FEATURE_TYPE;
typedef CK_ULONG CK_KEY_TYPE;
typedef CK_KEY_TYPE *CK_KEY_TYPE_PTR;
typedef CK_ULONG CK_CERTIFICATE_TYPE;
typedef CK_ULONG CK_CERTIFICATE_CATEGORY;
typedef CK_ULONG CK_JAVA_MIDP_SECURITY_DOMAIN;
typedef CK_ULONG CK_PROFILE_ID;
typedef CK_ULONG CK_ATTRIBUTE_TYPE;
typedef CK_ATTRIBUTE_TYPE *CK_ATTRIBUTE_TYPE_PTR;
typedef CK_ULONG CK_MECHANISM_TYPE;
typedef CK_MECHANISM_TYPE *CK_MECHANISM_TYPE_PTR;
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;

typedef struct CK_VERSION {
        CK_BYTE major;
        CK_BYTE minor;
} CK_VERSION;
typedef CK_VERSION *CK_VERSION_PTR;

/* Text fields below are padded with blanks and carry no NUL. */
typedef struct CK_INFO {
        CK_VERSION cryptokiVersion;
        CK_UTF8CHAR manufacturerID[32];
        CK_FLAGS flags; /* zero */
        CK_UTF8CHAR libraryDescription[32];
        CK_VERSION libraryVersion;
} CK_INFO;
typedef CK_INFO *CK_INFO_PTR;

typedef struct CK_SLOT_INFO {
        CK_UTF8CHAR slotDescription[64];
        CK_UTF8CHAR manufacturerID[32];
        CK_FLAGS flags;
        CK_VERSION hardwareVersion;
        CK_VERSION firmwareVersion;
} CK_SLOT_INFO;
typedef CK_SLOT_INFO *CK_SLOT_INFO_PTR;

typedef struct CK_TOKEN_INFO {
        CK_UTF8CHAR label[32];
        CK_UTF8CHAR manufacturerID[32];
        CK_UTF8CHAR model[16];
        CK_CHAR serialNumber[16];
        CK_FLAGS flags;
        CK_ULONG ulMaxSessionCount;
        CK_ULONG ulSessionCount;
        CK_ULONG ulMaxRwSessionCount;
        CK_ULONG ulRwSessionCount;
        CK_ULONG ulMaxPinLen; /* bytes */
        CK_ULONG ulMinPinLen; /* bytes */
        CK_ULONG ulTotalPublicMemory;
        CK_ULONG ulFreePublicMemory;
        CK_ULONG ulTotalPrivateMemory;
        CK_ULONG ulFreePrivateMemory;
        CK_VERSION hardwareVersion;
        CK_VERSION firmwareVersion;
        CK_CHAR utcTime[16]; /* YYYYMMDDhhmmss00, when there is a clock */
} CK_TOKEN_INFO;
typedef CK_TOKEN_INFO *CK_TOKEN_INFO_PTR;

typedef struct CK_SESSION_INFO {
        CK_SLOT_ID slotID;
        CK_STATE state;
        CK_FLAGS flags;
        CK_ULONG ulDeviceError;
} CK_SESSION_INFO;
typedef CK_SESSION_INFO *CK_SESSION_INFO_PTR;

typedef struct CK_ATTRIBUTE {
        CK_ATTRIBUTE_TYPE type;
        CK_VOID_PTR pValue;
        CK_ULONG ulValueLen; /* bytes */
} CK_ATTRIBUTE;
typedef CK_ATTRIBUTE *CK_ATTRIBUTE_PTR;

/* Digits in ASCII. */
typedef struct CK_DATE {
        CK_CHAR year[4];
        CK_CHAR month[2];
        CK_CHAR day[2];
} CK_DATE;
typedef CK_DATE *CK_DATE_PTR;

typedef struct CK_MECHANISM {
        CK_MECHANISM_TYPE mechanism;
        CK_VOID_PTR pParameter;
        CK_ULONG ulParameterLen; /* bytes */
} CK_MECHANISM;
typedef CK_MECHANISM *CK_MECHANISM_PTR;

/* The unit of the sizes (bits or bytes) depends on the mechanism. */
typedef struct CK_MECHANISM_INFO {
        CK_ULONG ulMinKeySize;
        CK_ULONG ulMaxKeySize;
        CK_FLAGS flags;
} CK_MECHANISM_INFO;
typedef CK_MECHANISM_INFO *CK_MECHANISM_INFO_PTR;

typedef struct CK_INTERFACE {
        CK_UTF8CHAR *pInterfaceName; /* NUL-terminated */
        CK_VOID_PTR pFunctionList;   /* one of the function lists below; begins with a CK_VERSION */
        CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

typedef struct CK_ASYNC_DATA {
        CK_ULONG ulVersion;
        CK_BYTE_PTR pValue;
        CK_ULONG ulValue;
        CK_OBJECT_HANDLE hObject;
        CK_OBJECT_HANDLE hAdditionalObject;
} CK_ASYNC_DATA;
typedef CK_ASYNC_DATA *CK_ASYNC_DATA_PTR;

typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE, CK_NOTIFICATION, CK_VOID_PTR);
typedef CK_RV (*CK_CREATEMUTEX)(CK_VOID_PTR_PTR);
typedef CK_RV (*CK_DESTROYMUTEX)(CK_VOID_PTR);
typedef CK_RV (*CK_LOCKMUTEX)(CK_VOID_PTR);
typedef CK_RV (*CK_UNLOCKMUTEX)(CK_VOID_PTR);

typedef struct CK_C_INITIALIZE_ARGS {
        CK_CREATEMUTEX CreateMutex;
        CK_DESTROYMUTEX DestroyMutex;
        CK_LOCKMUTEX LockMutex;
        CK_UNLOCKMUTEX UnlockMutex;
        CK_FLAGS flags;
        CK_VOID_PTR pReserved;
} CK_C_INITIALIZE_ARGS;
typedef CK_C_INITIALIZE_ARGS *CK_C_INITIALIZE_ARGS_PTR;

typedef struct CK_FUNCTION_LIST CK_FUNCTION_LIST;
typedef CK_FUNCTION_LIST *CK_FUNCTION_LIST_PTR;
typedef CK_FUNCTION_LIST_PTR *CK_FUNCTION_LIST_PTR_PTR;
typedef struct CK_FUNCTION_LIST_3_0 CK_FUNCTION_LIST_3_0;
typedef CK_FUNCTION_LIST_3_0 *CK_FUNCTION_LIST_3_0_PTR;
typedef struct CK_FUNCTION_LIST_3_2 CK_FUNCTION_LIST_3_2;
typedef CK_FUNCTION_LIST_3_2 *CK_FUNCTION_LIST_3_2_PTR;

#include "ck/cryptoki_params.h"

/* For each function: its prototype and the type of a pointer to it (CK_C_Sign for C_Sign). */
#define CK_DECLARE_FUNCTION(name, since, arguments)                                                          \
        CK_EXPORT CK_RV name arguments;                                                                      \
        typedef CK_RV(*CK_##name) arguments;
CK_FUNCTIONS(CK_DECLARE_FUNCTION)
#undef CK_DECLARE_FUNCTION

#define CK_DECLARE_MEMBER(name, since, arguments) CK_##name name;
/* The list of 2.40 must not grow: applications copy and compare it by size. */
struct CK_FUNCTION_LIST {
        CK_VERSION version;
        CK_FUNCTIONS_2_40(CK_DECLARE_MEMBER)
};

/* Also the list of 3.1. */
struct CK_FUNCTION_LIST_3_0 {
        CK_VERSION version;
        CK_FUNCTIONS_2_40(CK_DECLARE_MEMBER)
        CK_FUNCTIONS_3_0(CK_DECLARE_MEMBER)
};

struct CK_FUNCTION_LIST_3_2 {
        CK_VERSION version;
        CK_FUNCTIONS_2_40(CK_DECLARE_MEMBER)
        CK_FUNCTIONS_3_0(CK_DECLARE_MEMBER)
        CK_FUNCTIONS_3_2(CK_DECLARE_MEMBER)
};
#undef CK_DECLARE_MEMBER

#ifdef __cplusplus
}
#endif

#endif
