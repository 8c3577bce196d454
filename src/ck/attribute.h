/* What is known of each attribute, as data: one row an attribute in attribute_rows.c.
 *
 * The rows say what shape a value has, which objects carry it, in which templates it may stand and who may
 * change it later (spec/interfaces.md 1.6, spec/semantics.md 10). The vault evaluates them; nothing here
 * decides. Constant data: any thread. */
#ifndef CHSM_CK_ATTRIBUTE_H
#define CHSM_CK_ATTRIBUTE_H

#include "ck/cryptoki.h"
#include <stdbool.h>
#include <stdint.h>

/* Shape of a value; its canonical encoding is in encoding.h. */
enum ck_value {
        CK_VALUE_BOOL,
        CK_VALUE_ULONG,
        CK_VALUE_BYTES,
        CK_VALUE_UTF8,
        CK_VALUE_BIGINT,     /* unsigned, big-endian, as long as given */
        CK_VALUE_DATE,       /* CK_DATE, or empty */
        CK_VALUE_MECHANISMS, /* list of CKM_ */
        CK_VALUE_TEMPLATE,   /* list of attributes */
};

/* Classes of objects that have the attribute: a mask. */
#define CK_ON_PUBLIC      0x01u
#define CK_ON_PRIVATE     0x02u
#define CK_ON_SECRET      0x04u
#define CK_ON_CERTIFICATE 0x08u
#define CK_ON_DATA        0x10u
#define CK_ON_KEYS        (CK_ON_PUBLIC | CK_ON_PRIVATE | CK_ON_SECRET)
#define CK_ON_HIDDEN_KEYS (CK_ON_PRIVATE | CK_ON_SECRET)
#define CK_ON_ALL         (CK_ON_KEYS | CK_ON_CERTIFICATE | CK_ON_DATA)

/* Templates in which a caller may give it: a mask. Search templates may hold any; what a copy may differ in
 * is a column of its own. */
#define CK_IN_GENERATE 0x01u /* C_GenerateKey */
#define CK_IN_PUBLIC   0x02u /* public template of C_GenerateKeyPair */
#define CK_IN_PRIVATE  0x04u /* private template of C_GenerateKeyPair */
#define CK_IN_CREATE   0x08u
#define CK_IN_UNWRAP   0x10u
#define CK_IN_DERIVE   0x20u
#define CK_IN_COPY     0x40u /* C_CopyObject; not in `may`: see ck_attribute_row.copy */
#define CK_IN_ALL      (CK_IN_GENERATE | CK_IN_PUBLIC | CK_IN_PRIVATE | CK_IN_CREATE | CK_IN_UNWRAP | CK_IN_DERIVE)

/* How it may become another value: in an object that exists, or in its copy. */
enum ck_change {
        CK_CHANGE_NO,
        CK_CHANGE_OWNER,        /* freely */
        CK_CHANGE_OWNER_SET,    /* only from false to true */
        CK_CHANGE_OWNER_CLEAR,  /* only from true to false */
        CK_CHANGE_OWNER_UNUSED, /* freely, while the key has done nothing yet */
        CK_CHANGE_OWNER_LESS,   /* a list that allows less: entries may only go, or the list may appear */
        CK_CHANGE_OWNER_MORE,   /* a template that demands more: entries may only come */
        CK_CHANGE_OFFICER,      /* crypto officer only, both ways */
};

/* What it is when the caller says nothing. */
enum ck_default {
        CK_DEFAULT_ABSENT, /* the object does not have it */
        CK_DEFAULT_FALSE,
        CK_DEFAULT_TRUE,
        CK_DEFAULT_EMPTY,   /* present, of length 0 */
        CK_DEFAULT_ZERO,    /* the number 0 */
        CK_DEFAULT_CLASS,   /* depends on class, key type and the rest of the template */
        CK_DEFAULT_CONFIG,  /* a setting of the partition or the interface decides */
        CK_DEFAULT_COMPUTED /* the HSM knows it */
};

struct ck_attribute_row {
        uint64_t type;    /* CKA_ */
        const char *name; /* "CKA_..." */
        enum ck_value value;
        uint32_t classes; /* mask of CK_ON_ */
        uint32_t may;     /* mask of CK_IN_; elsewhere: CKR_ATTRIBUTE_READ_ONLY */
        uint32_t must;    /* mask of CK_IN_; missing there: CKR_TEMPLATE_INCOMPLETE */
        uint32_t must_on; /* classes `must` holds for; 0: all that have it */
        enum ck_change change;
        enum ck_change change_open; /* in certificates, data and their copies; CK_CHANGE_NO: as for keys */
        enum ck_change copy;        /* how a copy may differ */
        enum ck_default fallback;
        bool read_only; /* never given by a caller: the HSM alone sets it */
        bool secret;    /* key material of hidden keys: shown only when not SENSITIVE and EXTRACTABLE */
        uint32_t max;   /* longest canonical value, bytes */
};

/* The row of an attribute, or NULL: such an attribute is not known (CKR_ATTRIBUTE_TYPE_INVALID). */
const struct ck_attribute_row *ck_attribute_find(uint64_t type);
/* The i-th row, ascending by type; NULL past the end. */
const struct ck_attribute_row *ck_attribute_at(size_t i);
/* How it changes in objects of a class, and how their copies may differ. */
enum ck_change ck_attribute_change(const struct ck_attribute_row *, uint64_t object_class);
enum ck_change ck_attribute_copy(const struct ck_attribute_row *, uint64_t object_class);
/* Does a template of mode (one CK_IN_ bit) need it for an object of a class (one CK_ON_ bit)? */
bool ck_attribute_needed(const struct ck_attribute_row *, uint32_t class_bit, uint32_t mode);
/* The CK_ON_ bit of an object class, or 0. */
uint32_t ck_attribute_class_bit(uint64_t object_class);

#endif
