#include "tools/ask.h"
#include "base/text.h"
#include "ck/attribute.h"
#include "ck/encoding.h"

#include <stdlib.h>
#include <strings.h>

static Chsm__Attribute *add(struct ask_attributes *a, CK_ATTRIBUTE_TYPE type)
{
        Chsm__Attribute *row;

        if (a->n == ASK_ATTRIBUTES)
                abort(); /* a mistake of ours: templates have a fixed shape */
        row = &a->rows[a->n];
        chsm__attribute__init(row);
        row->type = type;
        a->list[a->n] = row;
        a->n++;
        return row;
}

void ask_bool(struct ask_attributes *a, CK_ATTRIBUTE_TYPE type, bool value)
{
        Chsm__Attribute *row = add(a, type);

        a->small[a->n - 1][0] = value;
        row->value = (ProtobufCBinaryData){ 1, a->small[a->n - 1] };
}

void ask_number(struct ask_attributes *a, CK_ATTRIBUTE_TYPE type, uint64_t value)
{
        Chsm__Attribute *row = add(a, type);
        uint8_t *p = a->small[a->n - 1];

        for (int i = 0; i < 8; i++)
                p[i] = (uint8_t)(value >> (56 - 8 * i));
        row->value = (ProtobufCBinaryData){ 8, p };
}

void ask_bytes(struct ask_attributes *a, CK_ATTRIBUTE_TYPE type, struct slice value)
{
        add(a, type)->value = (ProtobufCBinaryData){ value.n, (uint8_t *)(uintptr_t)value.p };
}

uint32_t ask_get(struct chsm *c, const Chsm__ObjectRef *object, const uint64_t *types, size_t n,
                 struct chsm_answer *answer, struct err *err)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest body = CHSM__GET_ATTRIBUTES_REQUEST__INIT;

        body.object = (Chsm__ObjectRef *)(uintptr_t)object;
        body.types = (uint64_t *)(uintptr_t)types;
        body.n_types = n;
        request.get_attributes = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
        return chsm_call(c, &request, answer, err);
}

const char *ask_attribute_name(uint64_t type)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);

        if (row)
                return row->name + 4; /* without CKA_ */
        return NULL;
}

bool ask_attribute_type(const char *text, uint64_t *type)
{
        const struct ck_attribute_row *row;

        if (text_number(text, 0, UINT64_MAX, type)) {
                /* 528 is CKA_WRAP_WITH_TRUSTED, as in the standard; 512 asks for all. */
                return *type == 512 || ck_attribute_find(*type) != NULL;
        }
        if (strncasecmp(text, "OBJ_ATTR_", 9) == 0)
                text += 9;
        else if (strncasecmp(text, "CKA_", 4) == 0)
                text += 4;
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                if (strcasecmp(row->name + 4, text) == 0) {
                        *type = row->type;
                        return true;
                }
        }
        return false;
}

char *ask_value_text(uint64_t type, struct slice value)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);
        struct buf out = BUF_INIT;
        uint64_t number;
        const char *text;
        char *copy;

        if (row && row->value == CK_VALUE_UTF8 && text_is_utf8(value)) {
                buf_put_slice(&out, value);
        } else if (row && row->value == CK_VALUE_ULONG && ck_value_number(value, &number)) {
                buf_printf(&out, "0x%02llx", (unsigned long long)number);
        } else {
                buf_put_text(&out, "0x");
                buf_put_hex(&out, value);
        }
        text = buf_text(&out);
        copy = text ? strdup(text) : NULL;
        buf_clear(&out);
        return copy;
}
