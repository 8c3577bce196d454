/* C_CreateObject to C_FindObjectsFinal. */
#include "ck/encoding.h"
#include "pkcs11/module.h"

#include <stdlib.h>

#define ARENA_FIRST 8192
#define ARENA_MOST  ((size_t)4 * 1024 * 1024)

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
                     CK_OBJECT_HANDLE_PTR object)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CreateObjectRequest body = CHSM__CREATE_OBJECT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = NULL;
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (!object || !(arena = arena_new(ARENA_FIRST, ARENA_MOST)))
                rv = object ? CKR_HOST_MEMORY : CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = template_writable(s, templ, count);
        if (rv == CKR_OK)
                rv = template_encode_new(arena, CK_UNAVAILABLE_INFORMATION, templ, count, &body.template_,
                                         &body.n_template_);
        if (rv == CKR_OK) {
                request.create_object = &body;
                request.body_case = CHSM__REQUEST__BODY_CREATE_OBJECT;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = object_take(s, answer.response->object, object);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        session_put(s);
        return rv;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
                   CK_OBJECT_HANDLE_PTR new_object)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CopyObjectRequest body = CHSM__COPY_OBJECT_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = NULL;
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (!new_object || !(arena = arena_new(ARENA_FIRST, ARENA_MOST)))
                rv = new_object ? CKR_HOST_MEMORY : CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = object_ref(object, arena, &ref);
        if (rv == CKR_OK)
                rv = template_writable(s, templ, count);
        if (rv == CKR_OK)
                rv = template_encode(arena, templ, count, &body.template_, &body.n_template_);
        if (rv == CKR_OK) {
                body.object = &ref;
                request.copy_object = &body;
                request.body_case = CHSM__REQUEST__BODY_COPY_OBJECT;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = object_take(s, answer.response->object, new_object);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        session_put(s);
        return rv;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DestroyObjectRequest body = CHSM__DESTROY_OBJECT_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK)
                rv = arena ? object_ref(object, arena, &ref) : CKR_HOST_MEMORY;
        if (rv == CKR_OK && ref.handle && !s->read_write)
                rv = CKR_SESSION_READ_ONLY;
        if (rv == CKR_OK) {
                body.object = &ref;
                request.destroy_object = &body;
                request.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                object_forget(object);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        session_put(s);
        return rv;
}

/* Of a token object what may be read of it, and room for what may not: an estimate, as the standard allows.
 */
static CK_RV token_size(Chsm__ObjectRef *ref, CK_ULONG_PTR size)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest body = CHSM__GET_ATTRIBUTES_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv;

        body.object = ref;
        request.get_attributes = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
        rv = module_call(&request, &answer);
        if (rv == CKR_USER_NOT_LOGGED_IN)
                rv = CKR_OBJECT_HANDLE_INVALID;
        *size = 0;
        for (size_t i = 0; rv == CKR_OK && i < answer.response->attributes->n_attributes; i++)
                *size += sizeof(CK_ATTRIBUTE) + answer.response->attributes->attributes[i]->value.len;
        chsm_answer_clear(&answer);
        return rv;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG_PTR size)
{
        struct arena *arena;
        Chsm__ObjectRef ref;
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        arena = arena_new(ARENA_FIRST, ARENA_MOST);
        if (!size || !arena)
                rv = size ? CKR_HOST_MEMORY : CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = object_ref(object, arena, &ref);
        if (rv == CKR_OK && ref.handle)
                rv = token_size(&ref, size);
        else if (rv == CKR_OK)
                *size = (CK_ULONG)ref.sealed.len;
        arena_free(&arena);
        session_put(s);
        return rv;
}

/* ---- attributes ---- */

/* Every attribute is treated; the worst of what happened is told. */
static CK_RV fill_values(const Chsm__AttributesResponse *r, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
        CK_RV rv = CKR_OK;

        for (CK_ULONG i = 0; i < count && i < r->n_attributes; i++) {
                const Chsm__Attribute *a = r->attributes[i];
                struct err err = ERR_INIT;
                CK_RV one = a->status;

                if (one == CKR_OK &&
                    !ck_value_to_native(slice_of(a->value.data, a->value.len), &templ[i], &err))
                        one = err_ckr(&err);
                if (one != CKR_OK)
                        templ[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
                if (one != CKR_OK && (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL))
                        rv = one;
        }
        if (rv == CKR_ATTRIBUTE_SENSITIVE)
                rv = module_refuse(ERR_ATTRIBUTE_SENSITIVE, "the key is sensitive or not extractable");
        return rv;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ,
                          CK_ULONG count)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest body = CHSM__GET_ATTRIBUTES_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK && (!templ || count == 0 || count > 256))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = arena && (body.types = arena_alloc(arena, count * sizeof(uint64_t))) ? CKR_OK
                                                                                          : CKR_HOST_MEMORY;
        if (rv == CKR_OK)
                rv = object_ref(object, arena, &ref);
        if (rv == CKR_OK) {
                for (CK_ULONG i = 0; i < count; i++)
                        body.types[i] = templ[i].type;
                body.n_types = count;
                body.object = &ref;
                request.get_attributes = &body;
                request.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
                rv = module_call(&request, &answer);
                if (rv == CKR_USER_NOT_LOGGED_IN)
                        rv = CKR_OBJECT_HANDLE_INVALID; /* what is not seen is not there */
        }
        if (rv == CKR_OK)
                rv = fill_values(answer.response->attributes, templ, count);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        session_put(s);
        return rv;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ,
                          CK_ULONG count)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest body = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK && (!templ || count == 0))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = arena ? object_ref(object, arena, &ref) : CKR_HOST_MEMORY;
        if (rv == CKR_OK && ref.handle && !s->read_write)
                rv = CKR_SESSION_READ_ONLY;
        if (rv == CKR_OK)
                rv = template_writable(s, templ, count);
        if (rv == CKR_OK)
                rv = template_encode(arena, templ, count, &body.attributes, &body.n_attributes);
        if (rv == CKR_OK) {
                body.object = &ref;
                request.set_attributes = &body;
                request.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK)
                rv = object_changed(object, answer.response->object);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        session_put(s);
        return rv;
}
