/* C_EncapsulateKey and C_DecapsulateKey of 3.2. */
#include "pkcs11/key.h"

/* The class of a secret key goes without saying here, and the node wants it said. */
static CK_RV shared_template(struct key_work *w, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
                             Chsm__Attribute ***list, size_t *n)
{
        CK_RV rv = template_writable(w->session, templ, count);

        return rv == CKR_OK ? template_encode_new(w->arena, CKO_SECRET_KEY, templ, count, list, n) : rv;
}

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
                       CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR ciphertext,
                       CK_ULONG_PTR ciphertext_len, CK_OBJECT_HANDLE_PTR key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__EncapsulateKeyRequest body = CHSM__ENCAPSULATE_KEY_REQUEST__INIT;
        Chsm__ObjectRef half;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && (!ciphertext_len || (ciphertext && !key)))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK && object_ref(public_key, w.arena, &half) != CKR_OK)
                rv = CKR_KEY_HANDLE_INVALID;
        if (rv == CKR_OK)
                rv = shared_template(&w, templ, count, &body.template_, &body.n_template_);
        if (rv == CKR_OK) {
                body.public_key = &half;
                body.mechanism = &w.mechanism;
                body.room = !ciphertext                    ? 0
                            : *ciphertext_len < UINT32_MAX ? (uint32_t)*ciphertext_len
                                                           : UINT32_MAX;
                request.encapsulate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_ENCAPSULATE_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK) {
                const Chsm__EncapsulatedResponse *r = w.answer.response->encapsulated;

                *ciphertext_len = r->ciphertext_len;
                if (ciphertext && !r->object)
                        rv = CKR_BUFFER_TOO_SMALL;
                else if (ciphertext)
                        rv = object_take(w.session, r->object, key);
                if (rv == CKR_OK && ciphertext)
                        memcpy(ciphertext, r->ciphertext.data, r->ciphertext.len);
        }
        key_work_end(&w);
        return rv;
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
                       CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR ciphertext,
                       CK_ULONG ciphertext_len, CK_OBJECT_HANDLE_PTR key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DecapsulateKeyRequest body = CHSM__DECAPSULATE_KEY_REQUEST__INIT;
        Chsm__ObjectRef half;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && (!ciphertext || !key))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK && object_ref(private_key, w.arena, &half) != CKR_OK)
                rv = CKR_KEY_HANDLE_INVALID;
        if (rv == CKR_OK)
                rv = shared_template(&w, templ, count, &body.template_, &body.n_template_);
        if (rv == CKR_OK) {
                body.private_key = &half;
                body.mechanism = &w.mechanism;
                body.ciphertext = (ProtobufCBinaryData){ ciphertext_len, ciphertext };
                request.decapsulate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_DECAPSULATE_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK)
                rv = object_take(w.session, w.answer.response->object, key);
        key_work_end(&w);
        return rv;
}
