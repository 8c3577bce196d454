/* The canonical form of attribute values: what travels on the wire and lies in the store.
 *
 *   bool        1 byte, 0 or 1
 *   number      8 bytes, big-endian
 *   date        8 ASCII digits YYYYMMDD, or nothing
 *   mechanisms  8 bytes big-endian each
 *   template    attributes one after the other: u32 type, u32 length, value; no template inside a template
 *   the rest    the bytes as they are
 *
 * The kind of each attribute is in its row (attribute.h). Native values come from applications: no pointer or
 * length is believed. Functions keep no state: any thread. */
#ifndef CHSM_CK_ENCODING_H
#define CHSM_CK_ENCODING_H

#include "base/buf.h"
#include "base/err.h"
#include "ck/attribute.h"

/* Entries a template inside an attribute may have, and mechanisms in a list: far above any real use. */
#define CK_TEMPLATE_MAX_ENTRIES 64
#define CK_MECHANISM_LIST_MAX   1024
/* Longest value of any attribute, bytes. */
#define CK_VALUE_MAX 65536u

/* Refuses a template's attribute that has no row; always false. One of PKCS#11 that no object here has
 * contradicts whatever is made (ERR_TEMPLATE_INCONSISTENT), a number nobody knows is ERR_ATTRIBUTE_TYPE. */
bool ck_attribute_unknown(uint64_t type, struct err *);

/* Appends the canonical form of a native attribute's value to out. Unknown attribute: as above; wrong
 * length, missing pointer or impossible value: ERR_ATTRIBUTE_VALUE; then out is as before. */
bool ck_value_from_native(const CK_ATTRIBUTE *, struct buf *out, struct err *);

/* Writes a canonical value where C_GetAttributeValue's caller wants it: pValue NULL asks for the length only.
 * Sets ulValueLen. ERR_BUFFER_SMALL and ulValueLen CK_UNAVAILABLE_INFORMATION when it does not fit;
 * ERR_ATTRIBUTE_VALUE when the value is not canonical. For templates the caller's array is filled, and each
 * of its entries is treated in the same way. */
bool ck_value_to_native(struct slice value, CK_ATTRIBUTE *, struct err *);

/* Is this a well-formed canonical value of that attribute? Errors as above; templates are checked throughout.
 */
bool ck_value_check(uint64_t type, struct slice value, struct err *);

void ck_value_put_bool(struct buf *, bool);
void ck_value_put_number(struct buf *, uint64_t);
/* Reads canonical values. False, and *out untouched, when the length or value is wrong. */
bool ck_value_bool(struct slice, bool *out);
bool ck_value_number(struct slice, uint64_t *out);

/* Templates and any other list of attributes: writes one entry, or reads the next. The reader ends when
 * ck_template_next gives false; then reader_end tells a clean end from a malformed list. */
void ck_template_put(struct buf *, uint64_t type, struct slice value);
bool ck_template_next(struct reader *, uint64_t *type, struct slice *value);

#endif
