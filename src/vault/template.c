#include "vault/template.h"
#include "ck/attribute.h"
#include "ck/encoding.h"
#include "ck/names.h"

/* Index of the first item with a type not below. */
static size_t place(const struct vault_attribute *items, size_t n, uint64_t type)
{
        size_t low = 0, high = n;

        while (low < high) {
                size_t middle = (low + high) / 2;
                if (items[middle].type < type)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const struct vault_attribute *vault_attribute_find(const struct vault_attribute *items, size_t n,
                                                   uint64_t type)
{
        size_t i = place(items, n, type);

        return i < n && items[i].type == type ? &items[i] : NULL;
}

struct slice vault_template_get(const struct vault_template *t, uint64_t type)
{
        const struct vault_attribute *a = vault_attribute_find(t->items, t->n, type);

        return a ? a->value : SLICE_EMPTY;
}

bool vault_template_has(const struct vault_template *t, uint64_t type)
{
        return vault_attribute_find(t->items, t->n, type) != NULL;
}

bool vault_template_bool(const struct vault_template *t, uint64_t type, bool fallback)
{
        bool value = fallback;

        (void)ck_value_bool(vault_template_get(t, type), &value);
        return value;
}

uint64_t vault_template_number(const struct vault_template *t, uint64_t type, uint64_t fallback)
{
        uint64_t value = fallback;

        (void)ck_value_number(vault_template_get(t, type), &value);
        return value;
}

bool vault_template_set(struct vault_call *call, struct vault_template *t, uint64_t type, struct slice value)
{
        size_t i = place(t->items, t->n, type);

        if (!value.p)
                value.p = (const uint8_t *)"";
        if (i < t->n && t->items[i].type == type) {
                t->items[i].value = value;
                return true;
        }
        if (t->n == VAULT_TEMPLATE_MAX)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "the template has too many attributes");
        memmove(&t->items[i + 1], &t->items[i], (t->n - i) * sizeof(t->items[0]));
        t->items[i] = (struct vault_attribute){ type, value };
        t->n++;
        return true;
}

bool vault_template_set_bool(struct vault_call *call, struct vault_template *t, uint64_t type, bool value)
{
        return vault_template_set(call, t, type, slice_of(value ? "\1" : "\0", 1));
}

bool vault_template_set_number(struct vault_call *call, struct vault_template *t, uint64_t type,
                               uint64_t value)
{
        uint8_t *bytes = arena_alloc(call->arena, 8);

        if (!bytes)
                return err_set(&call->err, ERR_MEMORY, "no memory for a template");
        for (int i = 0; i < 8; i++)
                bytes[i] = (uint8_t)(value >> (56 - 8 * i));
        return vault_template_set(call, t, type, slice_of(bytes, 8));
}

void vault_template_remove(struct vault_template *t, uint64_t type)
{
        size_t i = place(t->items, t->n, type);

        if (i < t->n && t->items[i].type == type) {
                t->n--;
                memmove(&t->items[i], &t->items[i + 1], (t->n - i) * sizeof(t->items[0]));
        }
}

/* Classes that a template of this mode may be about. */
static uint32_t classes_of(uint32_t mode, Chsm__Attribute *const *list, size_t n)
{
        uint64_t object_class;

        switch (mode) {
        case CK_IN_GENERATE:
                return CK_ON_SECRET;
        case CK_IN_PUBLIC:
                return CK_ON_PUBLIC;
        case CK_IN_PRIVATE:
                return CK_ON_PRIVATE;
        default:
                break;
        }
        for (size_t i = 0; i < n; i++) {
                if (list[i]->type == CKA_CLASS &&
                    ck_value_number(slice_of(list[i]->value.data, list[i]->value.len), &object_class) &&
                    ck_attribute_class_bit(object_class)) /* derived data is asked for by length, as a key */
                        return ck_attribute_class_bit(object_class) |
                               (mode == CK_IN_DERIVE && object_class == CKO_DATA ? CK_ON_SECRET : 0);
        }
        return CK_ON_ALL;
}

static bool may_stand(struct vault_call *call, const struct ck_attribute_row *row, uint32_t mode,
                      uint32_t classes, struct slice value)
{
        bool wanted = false;

        if (row->read_only)
                return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY, "%s is set by the HSM alone", row->name);
        if (row->change == CK_CHANGE_OFFICER && ck_value_bool(value, &wanted) && wanted)
                return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY,
                               "only a crypto officer makes %s TRUE, after the object was made", row->name);
        if (mode == CK_IN_COPY)
                return true; /* the original decides */
        if (!(row->classes & classes))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "such an object has no %s", row->name);
        return (row->may & mode) ||
               err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY, "%s cannot be given here", row->name);
}

bool vault_template_read(struct vault_call *call, Chsm__Attribute *const *list, size_t n, uint32_t mode,
                         struct vault_template *t)
{
        uint32_t classes = classes_of(mode, list, n);

        t->n = 0;
        for (size_t i = 0; i < n; i++) {
                struct slice value = slice_of(list[i]->value.data, list[i]->value.len);
                const struct ck_attribute_row *row = ck_attribute_find(list[i]->type);

                if (!row)
                        return ck_attribute_unknown(list[i]->type, &call->err);
                if (vault_template_has(t, row->type))
                        return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                                       "%s stands twice in the template", row->name);
                if (mode && !may_stand(call, row, mode, classes, value))
                        return false;
                if (!ck_value_check(row->type, value, &call->err) ||
                    !vault_template_set(call, t, row->type, value))
                        return false;
        }
        return true;
}
