/* Errors are values with words: one row a reason, and a sentence said where the reason is known.
 *
 * A row gives the stable name, the PKCS#11 return value applications see, the exit code of tools, and the
 * cure. A new reason is one row in err_rows.c and one name in the enum below. */
#ifndef CHSM_BASE_ERR_H
#define CHSM_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are stable: they travel on the wire and stand in logs. Only append. */
enum err_id {
        ERR_NONE = 0,
        /* general */
        ERR_INTERNAL,    /* CKR_GENERAL_ERROR: a defect of ours */
        ERR_MEMORY,      /* CKR_HOST_MEMORY */
        ERR_ARGUMENT,    /* CKR_ARGUMENTS_BAD */
        ERR_UNSUPPORTED, /* CKR_FUNCTION_NOT_SUPPORTED */
        ERR_USAGE,       /* command line; exit code 2 */
        ERR_CONFIG,      /* configuration file; names file, line and accepted values */
        ERR_FILE,        /* file could not be read or written */
        ERR_IO,
        /* transport and messages */
        ERR_CONNECT,  /* CKR_DEVICE_ERROR: nobody listens, or the way is closed */
        ERR_TLS,      /* CKR_DEVICE_ERROR */
        ERR_FRAME,    /* malformed, truncated, oversized frame or message */
        ERR_DEADLINE, /* CKR_DEVICE_ERROR: not answered in time */
        ERR_RETRY,    /* CKR_DEVICE_ERROR: refused for now, retry later (no quorum, busy, behind) */
        ERR_PROTOCOL, /* message out of order or not allowed yet */
        /* store */
        ERR_STORE,          /* store failed (disk full, read-only, damaged); names the cure */
        ERR_STORE_CONFLICT, /* a guard failed */
        ERR_STORE_DAMAGED,
        /* life cycle and ceremony */
        ERR_LIFE_CYCLE,   /* command not possible in this life-cycle state */
        ERR_CERT_INVALID, /* certificate refused; says what is wrong with it */
        ERR_CERT_EXISTS,  /* owner certificate is permanent */
        ERR_CERT_ABSENT,
        /* login and users */
        ERR_LOGIN_FAILED,      /* CKR_PIN_INCORRECT */
        ERR_LOGIN_LOCKED,      /* CKR_PIN_LOCKED */
        ERR_NOT_LOGGED_IN,     /* CKR_USER_NOT_LOGGED_IN */
        ERR_ALREADY_LOGGED_IN, /* CKR_USER_ALREADY_LOGGED_IN */
        ERR_OTHER_LOGGED_IN,   /* CKR_USER_ANOTHER_ALREADY_LOGGED_IN */
        ERR_USER_TYPE,         /* CKR_USER_TYPE_INVALID */
        ERR_TICKET,            /* CKR_USER_NOT_LOGGED_IN: ticket expired, revoked, foreign or altered */
        ERR_ROLE,              /* role may not do this: CKR_FUNCTION_REJECTED */
        ERR_USER_EXISTS,
        ERR_USER_ABSENT,
        ERR_USER_NAME, /* user name not acceptable */
        ERR_USER_BUSY, /* user owns keys or is logged in */
        ERR_PASSWORD,  /* CKR_PIN_LEN_RANGE or CKR_PIN_INVALID: password not acceptable */
        /* objects */
        ERR_HANDLE,            /* CKR_OBJECT_HANDLE_INVALID */
        ERR_KEY_HANDLE,        /* CKR_KEY_HANDLE_INVALID */
        ERR_KEY_TYPE,          /* CKR_KEY_TYPE_INCONSISTENT */
        ERR_KEY_SIZE,          /* CKR_KEY_SIZE_RANGE */
        ERR_KEY_FUNCTION,      /* CKR_KEY_FUNCTION_NOT_PERMITTED */
        ERR_KEY_UNEXTRACTABLE, /* CKR_KEY_UNEXTRACTABLE */
        ERR_KEY_NOT_WRAPPABLE, /* CKR_KEY_NOT_WRAPPABLE */
        ERR_WRAPPING_KEY,      /* CKR_WRAPPING_KEY_HANDLE_INVALID */
        ERR_WRAPPING_KEY_SIZE, /* CKR_WRAPPING_KEY_SIZE_RANGE */
        ERR_WRAPPING_KEY_TYPE, /* CKR_WRAPPING_KEY_TYPE_INCONSISTENT */
        ERR_UNWRAPPING_KEY,    /* CKR_UNWRAPPING_KEY_HANDLE_INVALID */
        ERR_WRAPPED_KEY,       /* CKR_WRAPPED_KEY_INVALID */
        ERR_WRAPPED_KEY_LEN,   /* CKR_WRAPPED_KEY_LEN_RANGE */
        ERR_TEMPLATE_INCOMPLETE,
        ERR_TEMPLATE_INCONSISTENT,
        ERR_ATTRIBUTE_READ_ONLY,
        ERR_ATTRIBUTE_SENSITIVE,
        ERR_ATTRIBUTE_TYPE,    /* CKR_ATTRIBUTE_TYPE_INVALID */
        ERR_ATTRIBUTE_VALUE,   /* CKR_ATTRIBUTE_VALUE_INVALID */
        ERR_ACTION_PROHIBITED, /* CKR_ACTION_PROHIBITED */
        ERR_CURVE,             /* CKR_CURVE_NOT_SUPPORTED */
        ERR_DOMAIN,            /* CKR_DOMAIN_PARAMS_INVALID */
        ERR_LIMIT,             /* CKR_DEVICE_MEMORY: object, user or session limit reached */
        /* cryptography */
        ERR_MECHANISM,          /* CKR_MECHANISM_INVALID */
        ERR_MECHANISM_PARAM,    /* CKR_MECHANISM_PARAM_INVALID */
        ERR_DATA,               /* CKR_DATA_INVALID */
        ERR_DATA_LEN,           /* CKR_DATA_LEN_RANGE */
        ERR_ENCRYPTED_DATA,     /* CKR_ENCRYPTED_DATA_INVALID */
        ERR_ENCRYPTED_DATA_LEN, /* CKR_ENCRYPTED_DATA_LEN_RANGE */
        ERR_AEAD,               /* CKR_AEAD_DECRYPT_FAILED */
        ERR_SIGNATURE,          /* CKR_SIGNATURE_INVALID */
        ERR_SIGNATURE_LEN,      /* CKR_SIGNATURE_LEN_RANGE */
        ERR_RANDOM,             /* CKR_DEVICE_ERROR */
        ERR_SELF_TEST,          /* CKR_DEVICE_ERROR: a self-test failed, the node is out of service */
        ERR_CRYPTO,             /* CKR_DEVICE_ERROR: libcrypto failed unexpectedly */
        /* module-side operation states */
        ERR_OPERATION_ACTIVE,
        ERR_OPERATION_MISSING, /* CKR_OPERATION_NOT_INITIALIZED */
        ERR_BUFFER_SMALL,
        ERR_SESSION,         /* CKR_SESSION_HANDLE_INVALID */
        ERR_NOT_INITIALIZED, /* CKR_CRYPTOKI_NOT_INITIALIZED */
        /* audit */
        ERR_AUDIT, /* record could not be written, or a log does not verify */
        /* later additions */
        ERR_KEY_DATE,      /* CKR_KEY_FUNCTION_NOT_PERMITTED: before CKA_START_DATE or after CKA_END_DATE */
        ERR_PARAMETER_SET, /* CKR_PARAMETER_SET_NOT_SUPPORTED */
        ERR_UNWRAPPING_KEY_SIZE, /* CKR_UNWRAPPING_KEY_SIZE_RANGE */
        ERR_UNWRAPPING_KEY_TYPE, /* CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT */
        ERR_RIGHT,               /* CKR_FUNCTION_REJECTED: an officer took this right from the user */
        ERR_USER_CLOSED,   /* CKR_FUNCTION_REJECTED: the user gave officers no access (disableUserAccess) */
        ERR_QUORUM,        /* CKR_FUNCTION_REJECTED: RET_MXN_AUTH_FAILED, approvals are missing */
        ERR_SECOND_FACTOR, /* CKR_FUNCTION_REJECTED: the password alone is not enough */
        ERR_CANCELLED,     /* CKR_FUNCTION_CANCELED: by who asked for it */
        ERR_MASK_FORMAT,   /* CKR_WRAPPED_KEY_INVALID: no masked object, or one of a newer version */
        ERR_MASK_LENGTH,   /* CKR_WRAPPED_KEY_LEN_RANGE: cut off, or with bytes after its end */
        ERR_MASK_FOREIGN,  /* CKR_WRAPPED_KEY_INVALID: of another security domain */
        ERR_MASK_ALTERED,  /* CKR_WRAPPED_KEY_INVALID */
        ERR_MASK_OWNER,    /* the owner of a masked key is no user here */
        ERR_MASK_DELETED,  /* deleted here after it was masked */
        ERR_OBJECT_EXISTS,
        ERR_BACKUP_FORMAT,  /* CKR_WRAPPED_KEY_INVALID: no backup, cut off, or of a newer version */
        ERR_BACKUP_ALTERED, /* CKR_WRAPPED_KEY_INVALID */
        ERR_BACKUP_KEY,     /* CKR_WRAPPED_KEY_INVALID: the key given is not the backup's */
        ERR_BACKUP_CONSENT, /* CKR_SIGNATURE_INVALID: the owner did not agree to this restore */
        ERR_REGION, /* CKR_DEVICE_ERROR: not here and now: this region follows another one, or was superseded
                     */
        ERR_DRAINING, /* CKR_DEVICE_ERROR: this node takes nothing new; others do */
        ERR_COUNT
};

struct err_row {
        const char *name;  /* stable, lower case with dashes: "login-failed" */
        uint32_t ckr;      /* PKCS#11 return value */
        uint8_t exit_code; /* of tools: 1 refused or failed, 2 usage */
        const char *text;  /* what it means, in general */
        const char *cure;  /* what a person can do, or NULL */
};

/* The row of any id; unknown ids give the row of ERR_INTERNAL. */
const struct err_row *err_row(enum err_id);

#define ERR_DETAIL_MAX 400

/* Filled by the function that knows the reason; outer functions may add where, never replace why. */
struct err {
        enum err_id id;
        char detail[ERR_DETAIL_MAX]; /* one sentence: lower case, no full stop, names in quotes, no secrets */
};

#define ERR_INIT ((struct err){ ERR_NONE, "" })

/* Sets reason and sentence. err may be NULL. Always returns false, so `return err_set(...)` reads well. */
bool err_set(struct err *err, enum err_id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts words and ": " before the sentence already there. Always returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds errno's words after the sentence: err_set with ": <strerror(number)>" at the end. */
bool err_set_errno(struct err *err, enum err_id, int number, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The CKR_ value of what err holds: 0 when it holds nothing. */
uint32_t err_ckr(const struct err *err);

#endif
