/* Templates as applications hand them to the module: any type, any length, missing pointers, nested lists;
 * and the way back into buffers that are too small or absent. */
#include "fuzz.h"
#include "ck/encoding.h"
#include "pkcs11/module.h"

#include <string.h>

enum { ENTRIES = 24, NESTED = 6 };

struct input {
        const uint8_t *p;
        size_t n;
};

static uint8_t take(struct input *in)
{
        if (in->n == 0)
                return 0;
        in->n--;
        return *in->p++;
}

static CK_ATTRIBUTE_TYPE first_of(unsigned value)
{
        size_t i = 0;

        while (ck_attribute_at(i) && ck_attribute_at(i)->value != value)
                i++;
        return ck_attribute_at(i) ? ck_attribute_at(i)->type : CKA_CLASS;
}

static CK_ATTRIBUTE_TYPE take_type(struct input *in)
{
        static size_t rows;
        uint8_t which = take(in);

        while (rows == 0 || ck_attribute_at(rows))
                rows++;
        if (which == 0xff)
                return (CK_ATTRIBUTE_TYPE)take(in) << 24 | take(in);
        if (which == 0xfe)
                return first_of(take(in) % (CK_VALUE_TEMPLATE + 1));
        return ck_attribute_at(which % rows)->type;
}

/* The bytes are a copy of exactly that size, so that reading past them is seen. NULL-terminated list of
 * copies. */
static void *keep(void *copies[], size_t *n, const uint8_t *p, size_t size)
{
        void *copy = malloc(size ? size : 1);

        if (!copy)
                abort();
        if (size)
                memcpy(copy, p, size);
        return copies[(*n)++] = copy;
}

static void take_attribute(struct input *in, CK_ATTRIBUTE *a, void *copies[], size_t *n, bool nest)
{
        const struct ck_attribute_row *row;
        CK_ATTRIBUTE inner[NESTED];
        uint8_t length, count;

        a->type = take_type(in);
        row = ck_attribute_find(a->type);
        length = take(in);
        if (row && row->value == CK_VALUE_TEMPLATE) {
                count = nest ? (uint8_t)(length % NESTED) : 0;
                for (uint8_t i = 0; i < count; i++)
                        take_attribute(in, &inner[i], copies, n, false);
                a->pValue = keep(copies, n, (const uint8_t *)inner, count * sizeof(*inner));
                a->ulValueLen = count * sizeof(*inner) + (length >= 240 ? 1 : 0);
                return;
        }
        if (length > in->n)
                length = (uint8_t)in->n;
        a->ulValueLen = length;
        a->pValue = take(in) == 0x5a ? NULL : keep(copies, n, in->p, length > in->n ? in->n : length);
        if (length > in->n)
                a->ulValueLen = in->n;
        in->p += a->ulValueLen;
        in->n -= a->ulValueLen;
        if (!a->pValue && length == 7)
                a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
}

/* What was encoded fits back into a buffer of its own size and no other kind. */
static void back(const Chsm__Attribute *encoded, size_t room)
{
        CK_BYTE bytes[512];
        CK_ATTRIBUTE a = { encoded->type, room ? bytes : NULL, room };
        const struct ck_attribute_row *row = ck_attribute_find(encoded->type);
        struct err err = ERR_INIT;

        if (row && row->value == CK_VALUE_TEMPLATE)
                a = (CK_ATTRIBUTE){ encoded->type, NULL, 0 };
        (void)ck_value_to_native(slice_of(encoded->value.data, encoded->value.len), &a, &err);
}

/* The same bytes as the value of each attribute of that shape: a new row is fuzzed without a seed of its own.
 */
static void all_alike(const CK_ATTRIBUTE *given)
{
        const struct ck_attribute_row *row = ck_attribute_find(given->type), *other;
        struct buf value = BUF_INIT;

        for (size_t i = 0; row && (other = ck_attribute_at(i)) != NULL; i++) {
                CK_ATTRIBUTE a = { other->type, given->pValue, given->ulValueLen };
                struct err err = ERR_INIT;

                buf_reset(&value);
                if (other->value == row->value && ck_value_from_native(&a, &value, &err) &&
                    !ck_value_check(a.type, buf_slice(&value), &err))
                        abort(); /* what the module sends, the node takes */
        }
        buf_clear(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct input in = { data, size };
        CK_ATTRIBUTE templ[ENTRIES];
        void *copies[ENTRIES * (NESTED + 1)];
        size_t kept = 0, n = 0;
        CK_ULONG count = take(&in) % ENTRIES;
        struct arena *arena = arena_new(4096, 1024 * 1024);
        struct session session = { .read_write = false };
        Chsm__Attribute **list;

        for (CK_ULONG i = 0; i < count; i++)
                take_attribute(&in, &templ[i], copies, &kept, true);
        for (CK_ULONG i = 0; i < count; i++)
                all_alike(&templ[i]);
        (void)template_writable(&session, templ, count);
        if (template_encode(arena, templ, count, &list, &n) == CKR_OK) {
                struct err err = ERR_INIT;

                for (size_t i = 0; i < n; i++) {
                        if (!ck_value_check(list[i]->type, slice_of(list[i]->value.data, list[i]->value.len),
                                            &err))
                                abort(); /* what the module sends, the node takes */
                        back(list[i], take(&in));
                }
        }
        arena_free(&arena);
        while (kept)
                free(copies[--kept]);
        return 0;
}
