/* Derivation: one key or several, and what comes back beside them. */
#include "pkcs11/key.h"

/* Templates of further keys, as SP 800-108 parameters carry them. */
static CK_RV more_encode(struct key_work *w, const CK_DERIVED_KEY *more, size_t n,
                         Chsm__DeriveKeyRequest *body)
{
        Chsm__Template *rows = n ? arena_alloc(w->arena, n * sizeof(*rows)) : NULL;
        CK_RV rv = CKR_OK;

        body->more = n ? arena_alloc(w->arena, n * sizeof(Chsm__Template *)) : NULL;
        if (n && (!rows || !body->more))
                return CKR_HOST_MEMORY;
        for (size_t i = 0; rv == CKR_OK && i < n; i++) {
                chsm__template__init(&rows[i]);
                rv = template_writable(w->session, more[i].pTemplate, more[i].ulAttributeCount);
                if (rv == CKR_OK)
                        rv = template_encode_new(w->arena, CK_UNAVAILABLE_INFORMATION, more[i].pTemplate,
                                                 more[i].ulAttributeCount, &rows[i].attributes,
                                                 &rows[i].n_attributes);
                body->more[i] = &rows[i];
        }
        body->n_more = n;
        return rv;
}

/* Handles for what was made. All or none: after a failure every handle is invalid. */
static CK_RV keys_take(struct key_work *w, CK_OBJECT_HANDLE *const *out, size_t n)
{
        const Chsm__DerivedResponse *r = w->answer.response->derived;
        CK_RV rv = r->n_objects == n ? CKR_OK : CKR_DEVICE_ERROR;

        for (size_t i = 0; rv == CKR_OK && i < n; i++)
                rv = object_take(w->session, r->objects[i], out[i]);
        return rv;
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest body = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__ObjectRef base, second;
        CK_DERIVED_KEY more[CK_DERIVED_MORE_MAX];
        CK_OBJECT_HANDLE *out[1 + CK_DERIVED_MORE_MAX] = { key };
        size_t n = 0;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && !key)
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK && !ck_mech_param_more(mechanism, more, &n))
                rv = CKR_MECHANISM_PARAM_INVALID;
        for (size_t i = 0; rv == CKR_OK && i < n; i++)
                out[1 + i] = more[i].phKey;
        if (rv == CKR_OK && (object_ref(base_key, w.arena, &base) != CKR_OK ||
                             (w.second && object_ref(w.second, w.arena, &second) != CKR_OK)))
                rv = CKR_KEY_HANDLE_INVALID;
        if (rv == CKR_OK)
                rv = template_writable(w.session, templ, count);
        if (rv == CKR_OK)
                rv = template_encode_new(w.arena, CK_UNAVAILABLE_INFORMATION, templ, count, &body.template_,
                                         &body.n_template_);
        if (rv == CKR_OK)
                rv = more_encode(&w, more, n, &body);
        if (rv == CKR_OK) {
                body.base_key = &base;
                body.second_key = w.second ? &second : NULL;
                body.mechanism = &w.mechanism;
                request.derive_key = &body;
                request.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK)
                rv = keys_take(&w, out, 1 + n);
        for (size_t i = 0; rv != CKR_OK && i < n; i++)
                *more[i].phKey = CK_INVALID_HANDLE;
        key_work_end(&w);
        return rv;
}
