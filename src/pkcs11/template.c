/* Native templates on their way to the wire. */
#include "ck/encoding.h"
#include "pkcs11/module.h"

#define COUNT_MAX 256 /* attributes of one template: above what any object has */

CK_RV template_encode(struct arena *arena, CK_ATTRIBUTE_PTR templ, CK_ULONG count, Chsm__Attribute ***list,
                      size_t *n)
{
        Chsm__Attribute *rows;
        struct buf value = BUF_INIT;
        struct err err = ERR_INIT;
        CK_RV rv = CKR_OK;

        *n = 0;
        *list = NULL;
        if ((!templ && count) || count > COUNT_MAX)
                return CKR_ARGUMENTS_BAD;
        rows = arena_alloc(arena, (count + 1) * sizeof(*rows));
        *list = arena_alloc(arena, (count + 1) * sizeof(Chsm__Attribute *));
        if (!rows || !*list)
                return CKR_HOST_MEMORY;
        for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
                struct slice copy;

                buf_reset(&value);
                if (!ck_value_from_native(&templ[i], &value, &err)) {
                        rv = module_err(&err);
                        break;
                }
                copy = arena_copy(arena, buf_slice(&value));
                if (!copy.p)
                        rv = CKR_HOST_MEMORY;
                chsm__attribute__init(&rows[i]);
                rows[i].type = templ[i].type;
                rows[i].value = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
                (*list)[i] = &rows[i];
        }
        if (value.p)
                sec_wipe(value.p, value.n);
        buf_clear(&value);
        *n = count;
        return rv;
}

struct slice template_find(const struct buf *encoded, CK_ATTRIBUTE_TYPE wanted)
{
        struct reader in = reader_of(buf_slice(encoded));
        struct slice value;
        uint64_t type;

        while (ck_template_next(&in, &type, &value)) {
                if (type == wanted)
                        return value.p ? value : slice_of("", 0);
        }
        return SLICE_EMPTY;
}

CK_RV template_writable(const struct session *s, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
        for (CK_ULONG i = 0; templ && i < count; i++) {
                if (templ[i].type == CKA_TOKEN && templ[i].pValue && templ[i].ulValueLen == 1 &&
                    *(CK_BBOOL *)templ[i].pValue && !s->read_write)
                        return CKR_SESSION_READ_ONLY;
        }
        return CKR_OK;
}
