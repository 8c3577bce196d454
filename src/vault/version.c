#include "vault/version.h"
#include "ck/encoding.h"

#define SHOWN_MAX 128 /* versions one answer lists */

/* What each state takes: a superseded key makes nothing new, a retired one does nothing at all. */
static const struct {
        uint64_t type, from; /* from this state on it is FALSE */
} taken[] = {
        { CKA_ENCRYPT, CHSM_KEY_SUPERSEDED },      { CKA_SIGN, CHSM_KEY_SUPERSEDED },
        { CKA_SIGN_RECOVER, CHSM_KEY_SUPERSEDED }, { CKA_WRAP, CHSM_KEY_SUPERSEDED },
        { CKA_ENCAPSULATE, CHSM_KEY_SUPERSEDED },  { CKA_DECRYPT, CHSM_KEY_RETIRED },
        { CKA_VERIFY, CHSM_KEY_RETIRED },          { CKA_VERIFY_RECOVER, CHSM_KEY_RETIRED },
        { CKA_UNWRAP, CHSM_KEY_RETIRED },          { CKA_DERIVE, CHSM_KEY_RETIRED },
        { CKA_DECAPSULATE, CHSM_KEY_RETIRED },
};
#define TAKEN (sizeof(taken) / sizeof(taken[0]))

struct vault_version vault_version_of(const struct vault_object *o)
{
        struct vault_version v = { vault_object_attribute(o, CKA_CHSM_KEY_FAMILY), 1, CHSM_KEY_CURRENT };

        (void)ck_value_number(vault_object_attribute(o, CKA_CHSM_KEY_VERSION), &v.number);
        (void)ck_value_number(vault_object_attribute(o, CKA_CHSM_KEY_STATE), &v.state);
        return v;
}

bool vault_version_allows(struct vault_call *call, const struct vault_object *o, uint64_t type,
                          struct slice value)
{
        struct vault_version v = vault_version_of(o);
        bool on = false;

        (void)ck_value_bool(value, &on);
        for (size_t i = 0; on && i < TAKEN; i++) {
                if (taken[i].type == type && v.state >= taken[i].from)
                        return err_set(&call->err, ERR_ATTRIBUTE_READ_ONLY,
                                       "key %u is a %s version, and %s stays FALSE; use the current version "
                                       "(getKeyInfo -k %u lists them)",
                                       o->handle, v.state == CHSM_KEY_RETIRED ? "retired" : "superseded",
                                       ck_attribute_find(type)->name, o->handle);
        }
        return true;
}

void vault_version_leave(struct vault_template *copy)
{
        vault_template_remove(copy, CKA_CHSM_KEY_FAMILY);
        vault_template_remove(copy, CKA_CHSM_KEY_VERSION);
        if (vault_template_number(copy, CKA_CHSM_KEY_STATE, CHSM_KEY_CURRENT) == CHSM_KEY_CURRENT)
                vault_template_remove(copy, CKA_CHSM_KEY_STATE);
}

bool vault_version_take(struct vault_call *call, struct vault_template *t, const struct vault_version *v)
{
        for (size_t i = 0; i < TAKEN; i++) {
                if (v->state >= taken[i].from && vault_template_has(t, taken[i].type) &&
                    !vault_template_set_bool(call, t, taken[i].type, false))
                        return false;
        }
        return vault_template_set(call, t, CKA_CHSM_KEY_FAMILY, v->family) &&
               vault_template_set_number(call, t, CKA_CHSM_KEY_VERSION, v->number) &&
               vault_template_set_number(call, t, CKA_CHSM_KEY_STATE, v->state);
}

static void tell(const struct vault_object *o, Chsm__KeyVersion *row)
{
        struct vault_version v = vault_version_of(o);

        chsm__key_version__init(row);
        row->handle = o->handle;
        row->version = (uint32_t)v.number;
        row->state = (uint32_t)v.state;
        row->made_ms = o->made_ms;
}

bool vault_version_list(struct vault_call *call, const struct vault_object *o, Chsm__ObjectInfoResponse *r)
{
        struct vault_template wanted = { .n = 0 };
        struct vault_version v = vault_version_of(o);
        struct vault_object **found = arena_alloc(call->arena, SHOWN_MAX * sizeof(struct vault_object *));
        Chsm__KeyVersion *rows = arena_alloc(call->arena, SHOWN_MAX * sizeof(*rows));
        bool more;
        size_t n;

        r->version = (uint32_t)v.number;
        r->state = (uint32_t)v.state;
        if (!v.family.n)
                return true;
        r->versions = arena_alloc(call->arena, SHOWN_MAX * sizeof(Chsm__KeyVersion *));
        if (!found || !rows || !r->versions)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        if (!vault_template_set(call, &wanted, CKA_CHSM_KEY_FAMILY, v.family) ||
            !vault_template_set_number(call, &wanted, CKA_CLASS, o->object_class) ||
            !vault_objects_search(call, &wanted, 0, 0, SHOWN_MAX, found, &n, &more))
                return false;
        for (size_t i = 0; i < n; i++) {
                tell(found[i], &rows[i]);
                r->versions[r->n_versions++] = &rows[i];
                vault_object_unref(&found[i]);
        }
        return true;
}
