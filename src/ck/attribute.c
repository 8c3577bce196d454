#include "ck/attribute.h"
#include "ck/attribute_rows.h"

const struct ck_attribute_row *ck_attribute_find(uint64_t type)
{
        size_t low = 0;
        size_t high = ck_attribute_rows_n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct ck_attribute_row *row = &ck_attribute_rows[middle];
                if (row->type == type)
                        return row;
                if (row->type < type)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

const struct ck_attribute_row *ck_attribute_at(size_t i)
{
        return i < ck_attribute_rows_n ? &ck_attribute_rows[i] : NULL;
}

static bool is_open(uint64_t object_class)
{
        return object_class == CKO_CERTIFICATE || object_class == CKO_DATA;
}

enum ck_change ck_attribute_change(const struct ck_attribute_row *row, uint64_t object_class)
{
        return is_open(object_class) && row->change_open != CK_CHANGE_NO ? row->change_open : row->change;
}

enum ck_change ck_attribute_copy(const struct ck_attribute_row *row, uint64_t object_class)
{
        return is_open(object_class) && row->change_open != CK_CHANGE_NO ? row->change_open : row->copy;
}

bool ck_attribute_needed(const struct ck_attribute_row *row, uint32_t class_bit, uint32_t mode)
{
        uint32_t on = row->must_on ? row->must_on : row->classes;

        return (row->must & mode) && (on & class_bit);
}

uint32_t ck_attribute_class_bit(uint64_t object_class)
{
        switch (object_class) {
        case CKO_PUBLIC_KEY:
                return CK_ON_PUBLIC;
        case CKO_PRIVATE_KEY:
                return CK_ON_PRIVATE;
        case CKO_SECRET_KEY:
                return CK_ON_SECRET;
        case CKO_CERTIFICATE:
                return CK_ON_CERTIFICATE;
        case CKO_DATA:
                return CK_ON_DATA;
        default:
                return 0;
        }
}
