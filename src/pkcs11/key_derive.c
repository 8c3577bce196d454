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

/* Where handles go, and what an application's structure has room for beside them. The structures were copied
 * and checked when the parameter was encoded. */
struct places {
        CK_DERIVED_KEY more[CK_DERIVED_MORE_MAX];
        CK_OBJECT_HANDLE *key[1 + CK_DERIVED_MORE_MAX];
        size_t n, n_more;
        CK_BYTE *told[2];
        size_t told_n; /* bytes in each */
        CK_VERSION *version;
};

static void places_of_key_block(const CK_MECHANISM *m, struct places *p)
{
        CK_TLS12_KEY_MAT_PARAMS tls;
        CK_SSL3_KEY_MAT_OUT *out;

        memcpy(&tls, m->pParameter, sizeof(tls));
        out = tls.pReturnedKeyMaterial;
        out->hClientMacSecret = out->hServerMacSecret = CK_INVALID_HANDLE;
        out->hClientKey = out->hServerKey = CK_INVALID_HANDLE;
        p->n = 0;
        if (tls.ulMacSizeInBits) {
                p->key[p->n++] = &out->hClientMacSecret;
                p->key[p->n++] = &out->hServerMacSecret;
        }
        p->key[p->n++] = &out->hClientKey;
        p->key[p->n++] = &out->hServerKey;
        p->told[0] = out->pIVClient;
        p->told[1] = out->pIVServer;
        p->told_n = m->mechanism == CKM_TLS12_KEY_AND_MAC_DERIVE ? tls.ulIVSizeInBits / 8 : 0;
}

static void place_of_version(const CK_MECHANISM *m, enum ck_param_kind kind, struct places *p)
{
        CK_TLS12_MASTER_KEY_DERIVE_PARAMS master;
        CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS extended;

        if (kind == CK_PARAM_TLS_MASTER) {
                memcpy(&master, m->pParameter, sizeof(master));
                p->version = master.pVersion;
        } else {
                memcpy(&extended, m->pParameter, sizeof(extended));
                p->version = extended.pVersion;
        }
}

static CK_RV places_find(const CK_MECHANISM *m, CK_OBJECT_HANDLE *key, struct places *p)
{
        enum ck_param_kind kind = CK_PARAM_NONE;

        *p = (struct places){ .key = { key }, .n = 1 };
        (void)ck_mech_param_kind(m->mechanism, &kind, NULL);
        if (kind == CK_PARAM_TLS_KEYS) {
                places_of_key_block(m, p);
                return CKR_OK;
        }
        if (!key)
                return CKR_ARGUMENTS_BAD;
        if (kind == CK_PARAM_TLS_MASTER || kind == CK_PARAM_TLS_EXTENDED)
                place_of_version(m, kind, p);
        if (!ck_mech_param_more(m, p->more, &p->n_more))
                return CKR_MECHANISM_PARAM_INVALID;
        for (size_t i = 0; i < p->n_more; i++)
                p->key[p->n++] = p->more[i].phKey;
        return CKR_OK;
}

/* Handles for what was made, and what was told beside them. */
static CK_RV places_fill(struct key_work *w, const struct places *p)
{
        const Chsm__DerivedResponse *r = w->answer.response->derived;
        size_t told = p->version ? 2 : 2 * p->told_n;
        CK_RV rv = r->n_objects == p->n && r->told.len == told ? CKR_OK : CKR_DEVICE_ERROR;

        for (size_t i = 0; rv == CKR_OK && i < p->n; i++)
                rv = object_take(w->session, r->objects[i], p->key[i]);
        if (rv != CKR_OK)
                return rv;
        if (p->version)
                *p->version = (CK_VERSION){ r->told.data[0], r->told.data[1] };
        for (size_t i = 0; i < 2 && p->told_n; i++)
                memcpy(p->told[i], r->told.data + i * p->told_n, p->told_n);
        return CKR_OK;
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest body = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__ObjectRef base, second;
        struct places places;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        places.n_more = 0;
        if (rv == CKR_OK)
                rv = places_find(mechanism, key, &places);
        if (rv == CKR_OK && (object_ref(base_key, w.arena, &base) != CKR_OK ||
                             (w.second && object_ref(w.second, w.arena, &second) != CKR_OK)))
                rv = CKR_KEY_HANDLE_INVALID;
        if (rv == CKR_OK)
                rv = template_writable(w.session, templ, count);
        if (rv == CKR_OK)
                rv = template_encode_new(w.arena, CK_UNAVAILABLE_INFORMATION, templ, count, &body.template_,
                                         &body.n_template_);
        if (rv == CKR_OK)
                rv = more_encode(&w, places.more, places.n_more, &body);
        if (rv == CKR_OK) {
                body.base_key = &base;
                body.second_key = w.second ? &second : NULL;
                body.mechanism = &w.mechanism;
                request.derive_key = &body;
                request.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK)
                rv = places_fill(&w, &places);
        for (size_t i = 0; rv != CKR_OK && i < places.n_more; i++)
                *places.more[i].phKey = CK_INVALID_HANDLE; /* all or none */
        key_work_end(&w);
        return rv;
}
