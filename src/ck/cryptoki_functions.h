/* Every PKCS#11 function once: name, version that brought it, arguments.
 *
 * Prototypes, function types and the three function lists of cryptoki.h are made from these rows, and so are
 * the tables of the module. X is called as X(name, since, arguments): since is 240, 300 or 320, arguments is
 * the parenthesised parameter list. The order of the rows is the binary layout of the function lists: never
 * reorder. */
#ifndef CHSM_CK_CRYPTOKI_FUNCTIONS_H
#define CHSM_CK_CRYPTOKI_FUNCTIONS_H

#include <stddef.h>

/* clang-format off */
#define CK_FUNCTIONS_2_40(X) \
        X(C_Initialize, 240, (CK_VOID_PTR init_args)) \
        X(C_Finalize, 240, (CK_VOID_PTR reserved)) \
        X(C_GetInfo, 240, (CK_INFO_PTR info)) \
        X(C_GetFunctionList, 240, (CK_FUNCTION_LIST_PTR_PTR list)) \
        X(C_GetSlotList, 240, (CK_BBOOL token_present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count)) \
        X(C_GetSlotInfo, 240, (CK_SLOT_ID slot, CK_SLOT_INFO_PTR info)) \
        X(C_GetTokenInfo, 240, (CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)) \
        X(C_GetMechanismList, 240, (CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count)) \
        X(C_GetMechanismInfo, 240, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)) \
        X(C_InitToken, 240, (CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label)) \
        X(C_InitPIN, 240, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)) \
        X(C_SetPIN, 240, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old_pin, CK_ULONG old_len, \
                          CK_UTF8CHAR_PTR new_pin, CK_ULONG new_len)) \
        X(C_OpenSession, 240, (CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify, \
                               CK_SESSION_HANDLE_PTR session)) \
        X(C_CloseSession, 240, (CK_SESSION_HANDLE session)) \
        X(C_CloseAllSessions, 240, (CK_SLOT_ID slot)) \
        X(C_GetSessionInfo, 240, (CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info)) \
        X(C_GetOperationState, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG_PTR state_len)) \
        X(C_SetOperationState, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG state_len, \
                                     CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)) \
        X(C_Login, 240, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)) \
        X(C_Logout, 240, (CK_SESSION_HANDLE session)) \
        X(C_CreateObject, 240, (CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count, \
                                CK_OBJECT_HANDLE_PTR object)) \
        X(C_CopyObject, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ, \
                              CK_ULONG count, CK_OBJECT_HANDLE_PTR new_object)) \
        X(C_DestroyObject, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)) \
        X(C_GetObjectSize, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG_PTR size)) \
        X(C_GetAttributeValue, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, \
                                     CK_ATTRIBUTE_PTR templ, CK_ULONG count)) \
        X(C_SetAttributeValue, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, \
                                     CK_ATTRIBUTE_PTR templ, CK_ULONG count)) \
        X(C_FindObjectsInit, 240, (CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count)) \
        X(C_FindObjects, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG max, \
                               CK_ULONG_PTR count)) \
        X(C_FindObjectsFinal, 240, (CK_SESSION_HANDLE session)) \
        X(C_EncryptInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)) \
        X(C_Encrypt, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out, \
                           CK_ULONG_PTR out_len)) \
        X(C_EncryptUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, \
                                 CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_EncryptFinal, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DecryptInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)) \
        X(C_Decrypt, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out, \
                           CK_ULONG_PTR out_len)) \
        X(C_DecryptUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, \
                                 CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DecryptFinal, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DigestInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism)) \
        X(C_Digest, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out, \
                          CK_ULONG_PTR out_len)) \
        X(C_DigestUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)) \
        X(C_DigestKey, 240, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)) \
        X(C_DigestFinal, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_SignInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)) \
        X(C_Sign, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out, \
                        CK_ULONG_PTR out_len)) \
        X(C_SignUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)) \
        X(C_SignFinal, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_SignRecoverInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                   CK_OBJECT_HANDLE key)) \
        X(C_SignRecover, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, \
                               CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_VerifyInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)) \
        X(C_Verify, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, \
                          CK_BYTE_PTR signature, CK_ULONG signature_len)) \
        X(C_VerifyUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)) \
        X(C_VerifyFinal, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len)) \
        X(C_VerifyRecoverInit, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                     CK_OBJECT_HANDLE key)) \
        X(C_VerifyRecover, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len, \
                                 CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DigestEncryptUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, \
                                       CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DecryptDigestUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, \
                                       CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_SignEncryptUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, \
                                     CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DecryptVerifyUpdate, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, \
                                       CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_GenerateKey, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR templ, \
                               CK_ULONG count, CK_OBJECT_HANDLE_PTR key)) \
        X(C_GenerateKeyPair, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                   CK_ATTRIBUTE_PTR public_templ, CK_ULONG public_count, \
                                   CK_ATTRIBUTE_PTR private_templ, CK_ULONG private_count, \
                                   CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key)) \
        X(C_WrapKey, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                           CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE_PTR out, \
                           CK_ULONG_PTR out_len)) \
        X(C_UnwrapKey, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                             CK_OBJECT_HANDLE unwrapping_key, CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, \
                             CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)) \
        X(C_DeriveKey, 240, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base_key, \
                             CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)) \
        X(C_SeedRandom, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR seed, CK_ULONG seed_len)) \
        X(C_GenerateRandom, 240, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG out_len)) \
        X(C_GetFunctionStatus, 240, (CK_SESSION_HANDLE session)) \
        X(C_CancelFunction, 240, (CK_SESSION_HANDLE session)) \
        X(C_WaitForSlotEvent, 240, (CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved))

#define CK_FUNCTIONS_3_0(X) \
        X(C_GetInterfaceList, 300, (CK_INTERFACE_PTR list, CK_ULONG_PTR count)) \
        X(C_GetInterface, 300, (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface, \
                                CK_FLAGS flags)) \
        X(C_LoginUser, 300, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, \
                             CK_ULONG pin_len, CK_UTF8CHAR_PTR name, CK_ULONG name_len)) \
        X(C_SessionCancel, 300, (CK_SESSION_HANDLE session, CK_FLAGS flags)) \
        X(C_MessageEncryptInit, 300, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                      CK_OBJECT_HANDLE key)) \
        X(C_EncryptMessage, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                  CK_BYTE_PTR aad, CK_ULONG aad_len, CK_BYTE_PTR data, CK_ULONG data_len, \
                                  CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_EncryptMessageBegin, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                       CK_BYTE_PTR aad, CK_ULONG aad_len)) \
        X(C_EncryptMessageNext, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                      CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out, \
                                      CK_ULONG_PTR out_len, CK_FLAGS flags)) \
        X(C_MessageEncryptFinal, 300, (CK_SESSION_HANDLE session)) \
        X(C_MessageDecryptInit, 300, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                      CK_OBJECT_HANDLE key)) \
        X(C_DecryptMessage, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                  CK_BYTE_PTR aad, CK_ULONG aad_len, CK_BYTE_PTR data, CK_ULONG data_len, \
                                  CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_DecryptMessageBegin, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                       CK_BYTE_PTR aad, CK_ULONG aad_len)) \
        X(C_DecryptMessageNext, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                      CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out, \
                                      CK_ULONG_PTR out_len, CK_FLAGS flags)) \
        X(C_MessageDecryptFinal, 300, (CK_SESSION_HANDLE session)) \
        X(C_MessageSignInit, 300, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                   CK_OBJECT_HANDLE key)) \
        X(C_SignMessage, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                               CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_SignMessageBegin, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len)) \
        X(C_SignMessageNext, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                   CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR out, \
                                   CK_ULONG_PTR out_len)) \
        X(C_MessageSignFinal, 300, (CK_SESSION_HANDLE session)) \
        X(C_MessageVerifyInit, 300, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                     CK_OBJECT_HANDLE key)) \
        X(C_VerifyMessage, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                 CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, \
                                 CK_ULONG signature_len)) \
        X(C_VerifyMessageBegin, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len)) \
        X(C_VerifyMessageNext, 300, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, \
                                     CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR signature, \
                                     CK_ULONG signature_len)) \
        X(C_MessageVerifyFinal, 300, (CK_SESSION_HANDLE session))

#define CK_FUNCTIONS_3_2(X) \
        X(C_EncapsulateKey, 320, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                  CK_OBJECT_HANDLE public_key, CK_ATTRIBUTE_PTR templ, CK_ULONG count, \
                                  CK_BYTE_PTR ciphertext, CK_ULONG_PTR ciphertext_len, \
                                  CK_OBJECT_HANDLE_PTR key)) \
        X(C_DecapsulateKey, 320, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                  CK_OBJECT_HANDLE private_key, CK_ATTRIBUTE_PTR templ, CK_ULONG count, \
                                  CK_BYTE_PTR ciphertext, CK_ULONG ciphertext_len, CK_OBJECT_HANDLE_PTR key)) \
        X(C_VerifySignatureInit, 320, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                       CK_OBJECT_HANDLE key, CK_BYTE_PTR signature, CK_ULONG signature_len)) \
        X(C_VerifySignature, 320, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)) \
        X(C_VerifySignatureUpdate, 320, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)) \
        X(C_VerifySignatureFinal, 320, (CK_SESSION_HANDLE session)) \
        X(C_GetSessionValidationFlags, 320, (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, \
                                             CK_FLAGS_PTR flags)) \
        X(C_AsyncComplete, 320, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, \
                                 CK_ASYNC_DATA_PTR result)) \
        X(C_AsyncGetID, 320, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id)) \
        X(C_AsyncJoin, 320, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, \
                             CK_BYTE_PTR data, CK_ULONG data_len)) \
        X(C_WrapKeyAuthenticated, 320, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                        CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE_PTR aad, \
                                        CK_ULONG aad_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)) \
        X(C_UnwrapKeyAuthenticated, 320, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, \
                                          CK_OBJECT_HANDLE unwrapping_key, CK_BYTE_PTR wrapped, \
                                          CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR templ, CK_ULONG count, \
                                          CK_BYTE_PTR aad, CK_ULONG aad_len, CK_OBJECT_HANDLE_PTR key))
/* clang-format on */

#define CK_FUNCTIONS(X) CK_FUNCTIONS_2_40(X) CK_FUNCTIONS_3_0(X) CK_FUNCTIONS_3_2(X)

#endif
