/* Requests as tools make them: one call a request, attributes as lists. */
#ifndef CHSM_TOOLS_ASK_H
#define CHSM_TOOLS_ASK_H

#include "ck/cryptoki.h"
#include "client/chsm.h"

#define ASK_ATTRIBUTES 32

/* A template being built; values are copies. */
struct ask_attributes {
        Chsm__Attribute rows[ASK_ATTRIBUTES];
        Chsm__Attribute *list[ASK_ATTRIBUTES];
        uint8_t small[ASK_ATTRIBUTES][8];
        size_t n;
};
void ask_bool(struct ask_attributes *, CK_ATTRIBUTE_TYPE, bool);
void ask_number(struct ask_attributes *, CK_ATTRIBUTE_TYPE, uint64_t);
/* Lends the bytes. */
void ask_bytes(struct ask_attributes *, CK_ATTRIBUTE_TYPE, struct slice);

/* Reads attributes of an object: the answer's list in the order asked. */
uint32_t ask_get(struct chsm *, const Chsm__ObjectRef *, const uint64_t *types, size_t n,
                 struct chsm_answer *, struct err *);
/* A CKA_ name without its prefix, or NULL. */
const char *ask_attribute_name(uint64_t type);
/* "OBJ_ATTR_LABEL", "LABEL", "CKA_LABEL" or a number. */
bool ask_attribute_type(const char *text, uint64_t *type);
/* Printable form of a value: text, a number, or hex. Caller frees. */
char *ask_value_text(uint64_t type, struct slice value);

#endif
