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

/* ---- what the application's options make of a template ---- */

static const CK_ATTRIBUTE *find(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
        for (CK_ULONG i = 0; i < count; i++) {
                if (templ[i].type == type)
                        return &templ[i];
        }
        return NULL;
}

static bool is_false(const CK_ATTRIBUTE *a)
{
        return a && a->pValue && a->ulValueLen == sizeof(CK_BBOOL) && !*(const CK_BBOOL *)a->pValue;
}

static CK_OBJECT_CLASS class_of(CK_OBJECT_CLASS given, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
        const CK_ATTRIBUTE *a = find(templ, count, CKA_CLASS);
        CK_OBJECT_CLASS named = CK_UNAVAILABLE_INFORMATION;

        if (given == CK_UNAVAILABLE_INFORMATION && a && a->pValue && a->ulValueLen == sizeof(named))
                memcpy(&named, a->pValue, sizeof(named));
        return given == CK_UNAVAILABLE_INFORMATION ? named : given;
}

static bool names_usage(const CK_ATTRIBUTE *templ, CK_ULONG count)
{
        static const CK_ATTRIBUTE_TYPE usages[] = { CKA_ENCRYPT,      CKA_DECRYPT,    CKA_SIGN,
                                                    CKA_SIGN_RECOVER, CKA_VERIFY,     CKA_VERIFY_RECOVER,
                                                    CKA_WRAP,         CKA_UNWRAP,     CKA_DERIVE,
                                                    CKA_ENCAPSULATE,  CKA_DECAPSULATE };

        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
                if (find(templ, count, usages[i]))
                        return true;
        }
        return false;
}

/* One usage that is off is a template that names its usages. */
static CK_ULONG add_no_usage(CK_OBJECT_CLASS class, CK_ATTRIBUTE *at)
{
        static CK_BBOOL no = CK_FALSE;

        at[0] = (CK_ATTRIBUTE){ class == CKO_PUBLIC_KEY ? CKA_VERIFY : CKA_SIGN, &no, sizeof(no) };
        at[1] = (CK_ATTRIBUTE){ CKA_DERIVE, &no, sizeof(no) };
        return class == CKO_PUBLIC_KEY ? 1 : 2;
}

CK_RV template_encode_new(struct arena *arena, CK_OBJECT_CLASS given, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
                          Chsm__Attribute ***list, size_t *n)
{
        static CK_BBOOL no = CK_FALSE;
        const struct application_conf *conf = &module.conf;
        CK_OBJECT_CLASS class = class_of(given, templ, templ ? count : 0);
        bool hidden = class == CKO_SECRET_KEY || class == CKO_PRIVATE_KEY;
        CK_ATTRIBUTE *all;

        if ((!hidden && class != CKO_PUBLIC_KEY) || (!templ && count) || count > COUNT_MAX ||
            (conf->default_extractable && conf->default_usage && conf->allow_nonsensitive_session))
                return template_encode(arena, templ, count, list, n);
        if (hidden && !conf->allow_nonsensitive_session && is_false(find(templ, count, CKA_SENSITIVE)))
                return module_refuse(ERR_TEMPLATE_INCONSISTENT,
                                     "CKA_SENSITIVE=FALSE is off for this application "
                                     "(ALLOW_NONSENSITIVE_SESSION)");
        all = arena_alloc(arena, (count + 3) * sizeof(*all));
        if (!all)
                return CKR_HOST_MEMORY;
        if (count)
                memcpy(all, templ, count * sizeof(*all));
        if (hidden && !conf->default_extractable && !find(templ, count, CKA_EXTRACTABLE))
                all[count++] = (CK_ATTRIBUTE){ CKA_EXTRACTABLE, &no, sizeof(no) };
        if (!conf->default_usage && !names_usage(all, count))
                count += add_no_usage(class, all + count);
        return template_encode(arena, all, count, list, n);
}
