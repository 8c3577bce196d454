#include "ck/encoding.h"
#include "base/sec.h"
#include "ck/names.h"
#include <inttypes.h>

/* Numbers travel as 64 bits; the two are the same on every system chsm is built for. */
_Static_assert(sizeof(CK_ULONG) == sizeof(uint64_t), "CK_ULONG has 64 bits");

static const char *name_of(uint64_t type)
{
        const char *name = ck_name(CK_KIND_ATTRIBUTE, type);
        return name ? name : "attribute";
}

static bool refuse(struct err *err, uint64_t type, const char *why)
{
        return err_set(err, ERR_ATTRIBUTE_VALUE, "value of '%s' refused: %s", name_of(type), why);
}

bool ck_attribute_unknown(uint64_t type, struct err *err)
{
        const char *name = ck_name(CK_KIND_ATTRIBUTE, type);

        if (name)
                return err_set(err, ERR_TEMPLATE_INCONSISTENT, "no object here has %s", name);
        return err_set(err, ERR_ATTRIBUTE_TYPE, "attribute 0x%" PRIx64 " is not known", type);
}

static const struct ck_attribute_row *row_of(uint64_t type, struct err *err)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);
        if (!row)
                (void)ck_attribute_unknown(type, err);
        return row;
}

void ck_value_put_bool(struct buf *out, bool value)
{
        buf_put_u8(out, value ? 1 : 0);
}

void ck_value_put_number(struct buf *out, uint64_t value)
{
        buf_put_u64(out, value);
}

bool ck_value_bool(struct slice value, bool *out)
{
        if (value.n != 1 || value.p[0] > 1)
                return false;
        *out = value.p[0] == 1;
        return true;
}

bool ck_value_number(struct slice value, uint64_t *out)
{
        struct reader r = reader_of(value);
        uint64_t number = reader_u64(&r);
        if (!reader_end(&r))
                return false;
        *out = number;
        return true;
}

void ck_template_put(struct buf *out, uint64_t type, struct slice value)
{
        buf_put_u32(out, (uint32_t)type);
        buf_put_block(out, value);
}

bool ck_template_next(struct reader *r, uint64_t *type, struct slice *value)
{
        if (r->rest.n == 0 || !reader_ok(r))
                return false;
        uint64_t t = reader_u32(r);
        struct slice v = reader_block(r, CK_VALUE_MAX);
        if (!reader_ok(r))
                return false;
        *type = t;
        *value = v;
        return true;
}

/* Eight digits with a month and a day that exist, or nothing. */
static bool date_ok(struct slice v)
{
        if (v.n == 0)
                return true;
        if (v.n != 8)
                return false;
        for (size_t i = 0; i < v.n; i++) {
                if (v.p[i] < '0' || v.p[i] > '9')
                        return false;
        }
        int month = (v.p[4] - '0') * 10 + v.p[5] - '0';
        int day = (v.p[6] - '0') * 10 + v.p[7] - '0';
        return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool value_check(const struct ck_attribute_row *row, struct slice value, bool nested, struct err *err);

static bool template_check(uint64_t outer, struct slice value, struct err *err)
{
        struct reader r = reader_of(value);
        uint64_t types[CK_TEMPLATE_MAX_ENTRIES];
        uint64_t type;
        struct slice inner;
        size_t n = 0;
        while (ck_template_next(&r, &type, &inner)) {
                const struct ck_attribute_row *row = row_of(type, err);
                if (!row || !value_check(row, inner, true, err))
                        return false;
                if (n == CK_TEMPLATE_MAX_ENTRIES)
                        return refuse(err, outer, "it has too many entries");
                for (size_t i = 0; i < n; i++) {
                        if (types[i] == type)
                                return err_set(err, ERR_TEMPLATE_INCONSISTENT, "'%s' has %s twice",
                                               name_of(outer), row->name);
                }
                types[n++] = type;
        }
        return reader_end(&r) || refuse(err, outer, "it is cut short");
}

static bool value_check(const struct ck_attribute_row *row, struct slice value, bool nested, struct err *err)
{
        bool flag;
        if (value.n > row->max)
                return refuse(err, row->type, "it is too long");
        switch (row->value) {
        case CK_VALUE_BOOL:
                return ck_value_bool(value, &flag) || refuse(err, row->type, "it is not one byte, 0 or 1");
        case CK_VALUE_ULONG:
                return value.n == 8 || refuse(err, row->type, "it is not a number of 8 bytes");
        case CK_VALUE_DATE:
                return date_ok(value) || refuse(err, row->type, "it is not a date of the form YYYYMMDD");
        case CK_VALUE_MECHANISMS:
                return (value.n % 8 == 0 && value.n / 8 <= CK_MECHANISM_LIST_MAX) ||
                       refuse(err, row->type, "it is not a list of mechanisms");
        case CK_VALUE_TEMPLATE:
                if (nested)
                        return refuse(err, row->type, "a template cannot stand in a template");
                return template_check(row->type, value, err);
        case CK_VALUE_BYTES:
        case CK_VALUE_UTF8:
        case CK_VALUE_BIGINT:
                break;
        }
        return true;
}

bool ck_value_check(uint64_t type, struct slice value, struct err *err)
{
        const struct ck_attribute_row *row = row_of(type, err);
        return row && value_check(row, value, false, err);
}

static bool put_native(const CK_ATTRIBUTE *attribute, bool nested, struct buf *out, struct err *err);

static bool put_native_list(const CK_ATTRIBUTE *attribute, struct buf *out, struct err *err)
{
        const uint8_t *p = (const uint8_t *)attribute->pValue;
        if (attribute->ulValueLen % sizeof(CK_ULONG) != 0)
                return refuse(err, attribute->type, "it is not a list of mechanisms");
        for (size_t i = 0; i < attribute->ulValueLen; i += sizeof(CK_ULONG)) {
                CK_ULONG number;
                memcpy(&number, p + i, sizeof(number));
                buf_put_u64(out, number);
        }
        return true;
}

static bool put_native_template(const CK_ATTRIBUTE *attribute, struct buf *out, struct err *err)
{
        const uint8_t *p = (const uint8_t *)attribute->pValue;
        if (attribute->ulValueLen % sizeof(CK_ATTRIBUTE) != 0 ||
            attribute->ulValueLen / sizeof(CK_ATTRIBUTE) > CK_TEMPLATE_MAX_ENTRIES)
                return refuse(err, attribute->type, "it is not a list of attributes");
        for (size_t i = 0; i < attribute->ulValueLen; i += sizeof(CK_ATTRIBUTE)) {
                CK_ATTRIBUTE inner;
                struct buf value = BUF_INIT;
                memcpy(&inner, p + i, sizeof(inner));
                bool ok = put_native(&inner, true, &value, err);
                if (ok)
                        ck_template_put(out, inner.type, buf_slice(&value));
                buf_clear(&value);
                if (!ok)
                        return false;
        }
        return true;
}

/* out is empty. */
static bool put_native(const CK_ATTRIBUTE *attribute, bool nested, struct buf *out, struct err *err)
{
        CK_ULONG number;
        CK_ULONG n = attribute->ulValueLen;
        const struct ck_attribute_row *row = row_of(attribute->type, err);
        if (!row)
                return false;
        if (n > CK_VALUE_MAX)
                return refuse(err, row->type, "it is too long");
        if (n > 0 && !attribute->pValue)
                return refuse(err, row->type, "its pointer is NULL");
        bool ok = true;
        switch (row->value) {
        case CK_VALUE_ULONG:
                if (n != sizeof(CK_ULONG))
                        return refuse(err, row->type, "it has not the length of a CK_ULONG");
                memcpy(&number, attribute->pValue, sizeof(number));
                buf_put_u64(out, number);
                break;
        case CK_VALUE_MECHANISMS:
                ok = put_native_list(attribute, out, err);
                break;
        case CK_VALUE_TEMPLATE:
                ok = nested ? refuse(err, row->type, "a template cannot stand in a template")
                            : put_native_template(attribute, out, err);
                break;
        default:
                buf_put(out, attribute->pValue, n);
        }
        if (ok && !buf_ok(out))
                return err_set(err, ERR_MEMORY, "no memory for the value of '%s'", row->name);
        return ok && value_check(row, buf_slice(out), nested, err);
}

bool ck_value_from_native(const CK_ATTRIBUTE *attribute, struct buf *out, struct err *err)
{
        struct buf value = BUF_INIT;
        bool ok = put_native(attribute, false, &value, err);
        if (ok) {
                buf_put_slice(out, buf_slice(&value));
                ok = buf_ok(out) || err_set(err, ERR_MEMORY, "no memory for an attribute's value");
        }
        /* The value may be a key that an application imports. */
        if (value.p)
                sec_wipe(value.p, value.cap);
        buf_clear(&value);
        return ok;
}

/* Room for n bytes at the caller's? Sets ulValueLen. *write: there is something to copy to. */
static bool room_for(CK_ATTRIBUTE *attribute, size_t n, bool *write, struct err *err)
{
        *write = attribute->pValue != NULL;
        if (*write && attribute->ulValueLen < n) {
                attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
                return err_set(err, ERR_BUFFER_SMALL, "buffer for '%s' is too small: %zu bytes needed",
                               name_of(attribute->type), n);
        }
        attribute->ulValueLen = n;
        return true;
}

static bool numbers_to_native(struct slice value, CK_ATTRIBUTE *attribute, struct err *err)
{
        struct reader r = reader_of(value);
        bool write;
        if (!room_for(attribute, value.n / 8 * sizeof(CK_ULONG), &write, err))
                return false;
        for (size_t i = 0; write && i < value.n / 8; i++) {
                CK_ULONG number = reader_u64(&r);
                memcpy((uint8_t *)attribute->pValue + i * sizeof(number), &number, sizeof(number));
        }
        return true;
}

static bool template_to_native(struct slice value, CK_ATTRIBUTE *attribute, struct err *err)
{
        struct reader r = reader_of(value);
        struct slice inner;
        uint64_t type;
        size_t n = 0;
        bool write;
        bool ok = true;
        while (ck_template_next(&r, &type, &inner))
                n++;
        if (!room_for(attribute, n * sizeof(CK_ATTRIBUTE), &write, err))
                return false;
        r = reader_of(value);
        for (uint8_t *p = (uint8_t *)attribute->pValue; write && ck_template_next(&r, &type, &inner);
             p += sizeof(CK_ATTRIBUTE)) {
                CK_ATTRIBUTE entry;
                memcpy(&entry, p, sizeof(entry));
                entry.type = type;
                if (!ck_value_to_native(inner, &entry, err))
                        ok = false;
                memcpy(p, &entry, sizeof(entry));
        }
        return ok;
}

bool ck_value_to_native(struct slice value, CK_ATTRIBUTE *attribute, struct err *err)
{
        const struct ck_attribute_row *row = row_of(attribute->type, err);
        bool write;
        if (!row || !value_check(row, value, false, err)) {
                attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
                return false;
        }
        if (row->value == CK_VALUE_ULONG || row->value == CK_VALUE_MECHANISMS)
                return numbers_to_native(value, attribute, err);
        if (row->value == CK_VALUE_TEMPLATE)
                return template_to_native(value, attribute, err);
        if (!room_for(attribute, value.n, &write, err))
                return false;
        if (write && value.n)
                memcpy(attribute->pValue, value.p, value.n);
        return true;
}
