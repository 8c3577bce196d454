/* PKCS#11 mechanism parameters; part of cryptoki.h, which includes it after the basic types.
 *
 * Pointers belong to the application. Each comment names the mechanisms that take the structure. */
#ifndef CHSM_CK_CRYPTOKI_PARAMS_H
#define CHSM_CK_CRYPTOKI_PARAMS_H

#include "ck/cryptoki.h"

typedef CK_ULONG CK_RSA_PKCS_MGF_TYPE;                       /* CKG_ */
typedef CK_ULONG CK_RSA_PKCS_OAEP_SOURCE_TYPE;               /* CKZ_ */
typedef CK_ULONG CK_EC_KDF_TYPE;                             /* CKD_ */
typedef CK_ULONG CK_GENERATOR_FUNCTION;                      /* CKG_ */
typedef CK_ULONG CK_HEDGE_TYPE;                              /* CKH_ */
typedef CK_ULONG CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE; /* CKP_ */
typedef CK_ULONG CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE;           /* CKZ_ */
typedef CK_MECHANISM_TYPE CK_SP800_108_PRF_TYPE;
typedef CK_ULONG CK_PRF_DATA_TYPE;
typedef CK_ULONG CK_SP800_108_DKM_LENGTH_METHOD;

/* Bytes of the code that a *_MAC_GENERAL or *_HMAC_GENERAL mechanism makes. */
typedef CK_ULONG CK_MAC_GENERAL_PARAMS;
typedef CK_MAC_GENERAL_PARAMS *CK_MAC_GENERAL_PARAMS_PTR;
/* CKM_EXTRACT_KEY_FROM_KEY: the first bit to take. */
typedef CK_ULONG CK_EXTRACT_PARAMS;
typedef CK_EXTRACT_PARAMS *CK_EXTRACT_PARAMS_PTR;

/* CKM_RSA_PKCS_OAEP */
typedef struct CK_RSA_PKCS_OAEP_PARAMS {
        CK_MECHANISM_TYPE hashAlg;
        CK_RSA_PKCS_MGF_TYPE mgf;
        CK_RSA_PKCS_OAEP_SOURCE_TYPE source;
        CK_VOID_PTR pSourceData;
        CK_ULONG ulSourceDataLen;
} CK_RSA_PKCS_OAEP_PARAMS;
typedef CK_RSA_PKCS_OAEP_PARAMS *CK_RSA_PKCS_OAEP_PARAMS_PTR;

/* CKM_RSA_PKCS_PSS and its relatives with a digest */
typedef struct CK_RSA_PKCS_PSS_PARAMS {
        CK_MECHANISM_TYPE hashAlg;
        CK_RSA_PKCS_MGF_TYPE mgf;
        CK_ULONG sLen;
} CK_RSA_PKCS_PSS_PARAMS;
typedef CK_RSA_PKCS_PSS_PARAMS *CK_RSA_PKCS_PSS_PARAMS_PTR;

/* CKM_RSA_AES_KEY_WRAP */
typedef struct CK_RSA_AES_KEY_WRAP_PARAMS {
        CK_ULONG ulAESKeyBits;
        CK_RSA_PKCS_OAEP_PARAMS_PTR pOAEPParams;
} CK_RSA_AES_KEY_WRAP_PARAMS;
typedef CK_RSA_AES_KEY_WRAP_PARAMS *CK_RSA_AES_KEY_WRAP_PARAMS_PTR;

/* CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE */
typedef struct CK_ECDH1_DERIVE_PARAMS {
        CK_EC_KDF_TYPE kdf;
        CK_ULONG ulSharedDataLen;
        CK_BYTE_PTR pSharedData;
        CK_ULONG ulPublicDataLen;
        CK_BYTE_PTR pPublicData;
} CK_ECDH1_DERIVE_PARAMS;
typedef CK_ECDH1_DERIVE_PARAMS *CK_ECDH1_DERIVE_PARAMS_PTR;

/* CKM_ECDH_AES_KEY_WRAP and its relatives */
typedef struct CK_ECDH_AES_KEY_WRAP_PARAMS {
        CK_ULONG ulAESKeyBits;
        CK_EC_KDF_TYPE kdf;
        CK_ULONG ulSharedDataLen;
        CK_BYTE_PTR pSharedData;
} CK_ECDH_AES_KEY_WRAP_PARAMS;
typedef CK_ECDH_AES_KEY_WRAP_PARAMS *CK_ECDH_AES_KEY_WRAP_PARAMS_PTR;

/* CKM_EDDSA; without it: plain Ed25519 or Ed448 */
typedef struct CK_EDDSA_PARAMS {
        CK_BBOOL phFlag;
        CK_ULONG ulContextDataLen;
        CK_BYTE_PTR pContextData;
} CK_EDDSA_PARAMS;
typedef CK_EDDSA_PARAMS *CK_EDDSA_PARAMS_PTR;

/* CKM_ML_DSA, CKM_SLH_DSA */
typedef struct CK_SIGN_ADDITIONAL_CONTEXT {
        CK_HEDGE_TYPE hedgeVariant;
        CK_BYTE_PTR pContext;
        CK_ULONG ulContextLen;
} CK_SIGN_ADDITIONAL_CONTEXT;
typedef CK_SIGN_ADDITIONAL_CONTEXT *CK_SIGN_ADDITIONAL_CONTEXT_PTR;

/* CKM_HASH_ML_DSA, CKM_HASH_SLH_DSA */
typedef struct CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        CK_HEDGE_TYPE hedgeVariant;
        CK_BYTE_PTR pContext;
        CK_ULONG ulContextLen;
        CK_MECHANISM_TYPE hash;
} CK_HASH_SIGN_ADDITIONAL_CONTEXT;
typedef CK_HASH_SIGN_ADDITIONAL_CONTEXT *CK_HASH_SIGN_ADDITIONAL_CONTEXT_PTR;

/* CKM_AES_CTR */
typedef struct CK_AES_CTR_PARAMS {
        CK_ULONG ulCounterBits;
        CK_BYTE cb[16];
} CK_AES_CTR_PARAMS;
typedef CK_AES_CTR_PARAMS *CK_AES_CTR_PARAMS_PTR;

/* CKM_AES_GCM, CKM_CLOUDHSM_AES_GCM */
typedef struct CK_GCM_PARAMS {
        CK_BYTE_PTR pIv;
        CK_ULONG ulIvLen;
        CK_ULONG ulIvBits;
        CK_BYTE_PTR pAAD;
        CK_ULONG ulAADLen;
        CK_ULONG ulTagBits;
} CK_GCM_PARAMS;
typedef CK_GCM_PARAMS *CK_GCM_PARAMS_PTR;

/* CKM_AES_CCM */
typedef struct CK_CCM_PARAMS {
        CK_ULONG ulDataLen;
        CK_BYTE_PTR pNonce;
        CK_ULONG ulNonceLen;
        CK_BYTE_PTR pAAD;
        CK_ULONG ulAADLen;
        CK_ULONG ulMACLen;
} CK_CCM_PARAMS;
typedef CK_CCM_PARAMS *CK_CCM_PARAMS_PTR;

/* CKM_AES_GCM in message calls */
typedef struct CK_GCM_MESSAGE_PARAMS {
        CK_BYTE_PTR pIv;
        CK_ULONG ulIvLen;
        CK_ULONG ulIvFixedBits;
        CK_GENERATOR_FUNCTION ivGenerator;
        CK_BYTE_PTR pTag;
        CK_ULONG ulTagBits;
} CK_GCM_MESSAGE_PARAMS;
typedef CK_GCM_MESSAGE_PARAMS *CK_GCM_MESSAGE_PARAMS_PTR;

/* CKM_AES_CCM in message calls */
typedef struct CK_CCM_MESSAGE_PARAMS {
        CK_ULONG ulDataLen;
        CK_BYTE_PTR pNonce;
        CK_ULONG ulNonceLen;
        CK_ULONG ulNonceFixedBits;
        CK_GENERATOR_FUNCTION nonceGenerator;
        CK_BYTE_PTR pMAC;
        CK_ULONG ulMACLen;
} CK_CCM_MESSAGE_PARAMS;
typedef CK_CCM_MESSAGE_PARAMS *CK_CCM_MESSAGE_PARAMS_PTR;

/* CKM_CHACHA20 */
typedef struct CK_CHACHA20_PARAMS {
        CK_BYTE_PTR pBlockCounter;
        CK_ULONG blockCounterBits;
        CK_BYTE_PTR pNonce;
        CK_ULONG ulNonceBits;
} CK_CHACHA20_PARAMS;
typedef CK_CHACHA20_PARAMS *CK_CHACHA20_PARAMS_PTR;

/* CKM_SALSA20 */
typedef struct CK_SALSA20_PARAMS {
        CK_BYTE_PTR pBlockCounter;
        CK_BYTE_PTR pNonce;
        CK_ULONG ulNonceBits;
} CK_SALSA20_PARAMS;
typedef CK_SALSA20_PARAMS *CK_SALSA20_PARAMS_PTR;

/* CKM_CHACHA20_POLY1305, CKM_SALSA20_POLY1305 */
typedef struct CK_SALSA20_CHACHA20_POLY1305_PARAMS {
        CK_BYTE_PTR pNonce;
        CK_ULONG ulNonceLen;
        CK_BYTE_PTR pAAD;
        CK_ULONG ulAADLen;
} CK_SALSA20_CHACHA20_POLY1305_PARAMS;
typedef CK_SALSA20_CHACHA20_POLY1305_PARAMS *CK_SALSA20_CHACHA20_POLY1305_PARAMS_PTR;

/* the same in message calls */
typedef struct CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
        CK_BYTE_PTR pNonce;
        CK_ULONG ulNonceLen;
        CK_BYTE_PTR pTag;
} CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS;
typedef CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS *CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS_PTR;

/* CKM_DES3_CBC_ENCRYPT_DATA */
typedef struct CK_DES_CBC_ENCRYPT_DATA_PARAMS {
        CK_BYTE iv[8];
        CK_BYTE_PTR pData;
        CK_ULONG length;
} CK_DES_CBC_ENCRYPT_DATA_PARAMS;
typedef CK_DES_CBC_ENCRYPT_DATA_PARAMS *CK_DES_CBC_ENCRYPT_DATA_PARAMS_PTR;

/* CKM_AES_CBC_ENCRYPT_DATA */
typedef struct CK_AES_CBC_ENCRYPT_DATA_PARAMS {
        CK_BYTE iv[16];
        CK_BYTE_PTR pData;
        CK_ULONG length;
} CK_AES_CBC_ENCRYPT_DATA_PARAMS;
typedef CK_AES_CBC_ENCRYPT_DATA_PARAMS *CK_AES_CBC_ENCRYPT_DATA_PARAMS_PTR;

/* CKM_CONCATENATE_BASE_AND_DATA and its relatives, CKM_AES_ECB_ENCRYPT_DATA */
typedef struct CK_KEY_DERIVATION_STRING_DATA {
        CK_BYTE_PTR pData;
        CK_ULONG ulLen;
} CK_KEY_DERIVATION_STRING_DATA;
typedef CK_KEY_DERIVATION_STRING_DATA *CK_KEY_DERIVATION_STRING_DATA_PTR;

/* CKM_HKDF_DERIVE, CKM_HKDF_DATA */
typedef struct CK_HKDF_PARAMS {
        CK_BBOOL bExtract;
        CK_BBOOL bExpand;
        CK_MECHANISM_TYPE prfHashMechanism;
        CK_ULONG ulSaltType;
        CK_BYTE_PTR pSalt;
        CK_ULONG ulSaltLen;
        CK_OBJECT_HANDLE hSaltKey;
        CK_BYTE_PTR pInfo;
        CK_ULONG ulInfoLen;
} CK_HKDF_PARAMS;
typedef CK_HKDF_PARAMS *CK_HKDF_PARAMS_PTR;

/* CKM_PKCS5_PBKD2 before 2.40: the length is behind a pointer */
typedef struct CK_PKCS5_PBKD2_PARAMS {
        CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE saltSource;
        CK_VOID_PTR pSaltSourceData;
        CK_ULONG ulSaltSourceDataLen;
        CK_ULONG iterations;
        CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE prf;
        CK_VOID_PTR pPrfData;
        CK_ULONG ulPrfDataLen;
        CK_UTF8CHAR_PTR pPassword;
        CK_ULONG_PTR ulPasswordLen;
} CK_PKCS5_PBKD2_PARAMS;
typedef CK_PKCS5_PBKD2_PARAMS *CK_PKCS5_PBKD2_PARAMS_PTR;

/* CKM_PKCS5_PBKD2 */
typedef struct CK_PKCS5_PBKD2_PARAMS2 {
        CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE saltSource;
        CK_VOID_PTR pSaltSourceData;
        CK_ULONG ulSaltSourceDataLen;
        CK_ULONG iterations;
        CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE prf;
        CK_VOID_PTR pPrfData;
        CK_ULONG ulPrfDataLen;
        CK_UTF8CHAR_PTR pPassword;
        CK_ULONG ulPasswordLen;
} CK_PKCS5_PBKD2_PARAMS2;
typedef CK_PKCS5_PBKD2_PARAMS2 *CK_PKCS5_PBKD2_PARAMS2_PTR;

/* one piece of an SP 800-108 input */
typedef struct CK_PRF_DATA_PARAM {
        CK_PRF_DATA_TYPE type;
        CK_VOID_PTR pValue;
        CK_ULONG ulValueLen;
} CK_PRF_DATA_PARAM;
typedef CK_PRF_DATA_PARAM *CK_PRF_DATA_PARAM_PTR;

/* value of a CK_SP800_108_COUNTER or ITERATION_VARIABLE piece */
typedef struct CK_SP800_108_COUNTER_FORMAT {
        CK_BBOOL bLittleEndian;
        CK_ULONG ulWidthInBits;
} CK_SP800_108_COUNTER_FORMAT;
typedef CK_SP800_108_COUNTER_FORMAT *CK_SP800_108_COUNTER_FORMAT_PTR;

/* value of a CK_SP800_108_DKM_LENGTH piece */
typedef struct CK_SP800_108_DKM_LENGTH_FORMAT {
        CK_SP800_108_DKM_LENGTH_METHOD dkmLengthMethod;
        CK_BBOOL bLittleEndian;
        CK_ULONG ulWidthInBits;
} CK_SP800_108_DKM_LENGTH_FORMAT;
typedef CK_SP800_108_DKM_LENGTH_FORMAT *CK_SP800_108_DKM_LENGTH_FORMAT_PTR;

/* a further key made by one SP 800-108 derivation */
typedef struct CK_DERIVED_KEY {
        CK_ATTRIBUTE_PTR pTemplate;
        CK_ULONG ulAttributeCount;
        CK_OBJECT_HANDLE_PTR phKey;
} CK_DERIVED_KEY;
typedef CK_DERIVED_KEY *CK_DERIVED_KEY_PTR;

/* CKM_SP800_108_COUNTER_KDF, CKM_SP800_108_DOUBLE_PIPELINE_KDF */
typedef struct CK_SP800_108_KDF_PARAMS {
        CK_SP800_108_PRF_TYPE prfType;
        CK_ULONG ulNumberOfDataParams;
        CK_PRF_DATA_PARAM_PTR pDataParams;
        CK_ULONG ulAdditionalDerivedKeys;
        CK_DERIVED_KEY_PTR pAdditionalDerivedKeys;
} CK_SP800_108_KDF_PARAMS;
typedef CK_SP800_108_KDF_PARAMS *CK_SP800_108_KDF_PARAMS_PTR;

/* CKM_SP800_108_FEEDBACK_KDF */
typedef struct CK_SP800_108_FEEDBACK_KDF_PARAMS {
        CK_SP800_108_PRF_TYPE prfType;
        CK_ULONG ulNumberOfDataParams;
        CK_PRF_DATA_PARAM_PTR pDataParams;
        CK_ULONG ulIVLen;
        CK_BYTE_PTR pIV;
        CK_ULONG ulAdditionalDerivedKeys;
        CK_DERIVED_KEY_PTR pAdditionalDerivedKeys;
} CK_SP800_108_FEEDBACK_KDF_PARAMS;
typedef CK_SP800_108_FEEDBACK_KDF_PARAMS *CK_SP800_108_FEEDBACK_KDF_PARAMS_PTR;

/* the randoms of a TLS handshake */
typedef struct CK_SSL3_RANDOM_DATA {
        CK_BYTE_PTR pClientRandom;
        CK_ULONG ulClientRandomLen;
        CK_BYTE_PTR pServerRandom;
        CK_ULONG ulServerRandomLen;
} CK_SSL3_RANDOM_DATA;
typedef CK_SSL3_RANDOM_DATA *CK_SSL3_RANDOM_DATA_PTR;

/* keys and IVs made for a TLS connection */
typedef struct CK_SSL3_KEY_MAT_OUT {
        CK_OBJECT_HANDLE hClientMacSecret;
        CK_OBJECT_HANDLE hServerMacSecret;
        CK_OBJECT_HANDLE hClientKey;
        CK_OBJECT_HANDLE hServerKey;
        CK_BYTE_PTR pIVClient;
        CK_BYTE_PTR pIVServer;
} CK_SSL3_KEY_MAT_OUT;
typedef CK_SSL3_KEY_MAT_OUT *CK_SSL3_KEY_MAT_OUT_PTR;

/* CKM_TLS12_MASTER_KEY_DERIVE and _DH */
typedef struct CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
        CK_SSL3_RANDOM_DATA RandomInfo;
        CK_VERSION_PTR pVersion;
        CK_MECHANISM_TYPE prfHashMechanism;
} CK_TLS12_MASTER_KEY_DERIVE_PARAMS;
typedef CK_TLS12_MASTER_KEY_DERIVE_PARAMS *CK_TLS12_MASTER_KEY_DERIVE_PARAMS_PTR;

/* CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE and _DH */
typedef struct CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
        CK_MECHANISM_TYPE prfHashMechanism;
        CK_BYTE_PTR pSessionHash;
        CK_ULONG ulSessionHashLen;
        CK_VERSION_PTR pVersion;
} CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS;
typedef CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS *CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS_PTR;

/* CKM_TLS12_KEY_AND_MAC_DERIVE */
typedef struct CK_TLS12_KEY_MAT_PARAMS {
        CK_ULONG ulMacSizeInBits;
        CK_ULONG ulKeySizeInBits;
        CK_ULONG ulIVSizeInBits;
        CK_BBOOL bIsExport;
        CK_SSL3_RANDOM_DATA RandomInfo;
        CK_SSL3_KEY_MAT_OUT_PTR pReturnedKeyMaterial;
        CK_MECHANISM_TYPE prfHashMechanism;
} CK_TLS12_KEY_MAT_PARAMS;
typedef CK_TLS12_KEY_MAT_PARAMS *CK_TLS12_KEY_MAT_PARAMS_PTR;

/* CKM_TLS_KDF */
typedef struct CK_TLS_KDF_PARAMS {
        CK_MECHANISM_TYPE prfMechanism;
        CK_BYTE_PTR pLabel;
        CK_ULONG ulLabelLength;
        CK_SSL3_RANDOM_DATA RandomInfo;
        CK_BYTE_PTR pContextData;
        CK_ULONG ulContextDataLength;
} CK_TLS_KDF_PARAMS;
typedef CK_TLS_KDF_PARAMS *CK_TLS_KDF_PARAMS_PTR;

/* CKM_TLS_MAC; the last field is 1 for the server, 2 for the client */
typedef struct CK_TLS_MAC_PARAMS {
        CK_MECHANISM_TYPE prfHashMechanism;
        CK_ULONG ulMacLength;
        CK_ULONG ulServerOrClient;
} CK_TLS_MAC_PARAMS;
typedef CK_TLS_MAC_PARAMS *CK_TLS_MAC_PARAMS_PTR;

/* Names of 2.40 for the same structures */
typedef CK_GCM_PARAMS CK_AES_GCM_PARAMS;
typedef CK_GCM_PARAMS *CK_AES_GCM_PARAMS_PTR;
typedef CK_CCM_PARAMS CK_AES_CCM_PARAMS;
typedef CK_CCM_PARAMS *CK_AES_CCM_PARAMS_PTR;

#endif
