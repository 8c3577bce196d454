/* Keys: generation, wrapping, unwrapping; and random bytes. Derivation is key_derive.c. */
#include "pkcs11/key.h"

#define ARENA_FIRST 8192
#define ARENA_MOST  ((size_t)4 * 1024 * 1024)
#define RANDOM_MOST 65536

CK_RV key_work_begin(struct key_work *w, CK_SESSION_HANDLE session, const CK_MECHANISM *m)
{
        struct buf flat = BUF_INIT;
        struct err err = ERR_INIT;
        struct slice copy;
        CK_RV rv;

        *w = (struct key_work){ .answer = CHSM_ANSWER_INIT };
        rv = session_get(session, &w->session);
        if (rv != CKR_OK)
                return rv;
        w->arena = arena_new(ARENA_FIRST, ARENA_MOST);
        if (!m || !w->arena)
                return m ? CKR_HOST_MEMORY : CKR_ARGUMENTS_BAD;
        if (!ck_mech_param_encode(m, &flat, &w->second, &err)) {
                buf_clear(&flat);
                return module_err(&err);
        }
        copy = arena_copy(w->arena, buf_slice(&flat));
        if (flat.p)
                sec_wipe(flat.p, flat.n);
        buf_clear(&flat);
        chsm__mechanism__init(&w->mechanism);
        w->mechanism.number = m->mechanism;
        w->mechanism.parameter = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        return copy.p ? CKR_OK : CKR_HOST_MEMORY;
}

void key_work_end(struct key_work *w)
{
        chsm_answer_clear(&w->answer);
        arena_free(&w->arena);
        session_put(w->session);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR templ,
                    CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && !key)
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = template_writable(w.session, templ, count);
        if (rv == CKR_OK)
                rv = template_encode_new(w.arena, CKO_SECRET_KEY, templ, count, &body.template_,
                                         &body.n_template_);
        if (rv == CKR_OK) {
                body.mechanism = &w.mechanism;
                request.generate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK)
                rv = object_take(w.session, w.answer.response->object, key);
        key_work_end(&w);
        return rv;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_templ,
                        CK_ULONG public_count, CK_ATTRIBUTE_PTR private_templ, CK_ULONG private_count,
                        CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest body = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && (!public_key || !private_key))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = template_writable(w.session, public_templ, public_count);
        if (rv == CKR_OK)
                rv = template_writable(w.session, private_templ, private_count);
        if (rv == CKR_OK)
                rv = template_encode_new(w.arena, CKO_PUBLIC_KEY, public_templ, public_count,
                                         &body.public_template, &body.n_public_template);
        if (rv == CKR_OK)
                rv = template_encode_new(w.arena, CKO_PRIVATE_KEY, private_templ, private_count,
                                         &body.private_template, &body.n_private_template);
        if (rv == CKR_OK) {
                body.mechanism = &w.mechanism;
                request.generate_key_pair = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK)
                rv = object_take(w.session, w.answer.response->key_pair->public_key, public_key);
        if (rv == CKR_OK)
                rv = object_take(w.session, w.answer.response->key_pair->private_key, private_key);
        key_work_end(&w);
        return rv;
}

/* The IV that the HSM made goes where the application gave zeros. */
static void wrap_iv(const CK_MECHANISM *m, ProtobufCBinaryData iv)
{
        CK_GCM_PARAMS gcm;

        if (m->mechanism != CKM_AES_GCM || m->ulParameterLen != sizeof(gcm))
                return;
        memcpy(&gcm, m->pParameter, sizeof(gcm));
        if (iv.len && gcm.pIv && gcm.ulIvLen == iv.len)
                memcpy(gcm.pIv, iv.data, iv.len);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest body = CHSM__WRAP_KEY_REQUEST__INIT;
        Chsm__ObjectRef wrapping, target;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && !out_len)
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK && object_ref(wrapping_key, w.arena, &wrapping) != CKR_OK)
                rv = CKR_WRAPPING_KEY_HANDLE_INVALID;
        if (rv == CKR_OK && object_ref(key, w.arena, &target) != CKR_OK)
                rv = CKR_KEY_HANDLE_INVALID;
        if (rv == CKR_OK) {
                body.wrapping_key = &wrapping;
                body.mechanism = &w.mechanism;
                body.key = &target;
                request.wrap_key = &body;
                request.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK) {
                const Chsm__DataResponse *r = w.answer.response->data;
                CK_ULONG room = *out_len;

                *out_len = r->data.len;
                if (out && room < r->data.len) {
                        rv = CKR_BUFFER_TOO_SMALL;
                } else if (out) {
                        memcpy(out, r->data.data, r->data.len);
                        wrap_iv(mechanism, r->iv);
                }
        }
        key_work_end(&w);
        return rv;
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,
                  CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
                  CK_OBJECT_HANDLE_PTR key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest body = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__ObjectRef unwrapping;
        struct key_work w;
        CK_RV rv = key_work_begin(&w, session, mechanism);

        if (rv == CKR_OK && (!wrapped || !key))
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK && object_ref(unwrapping_key, w.arena, &unwrapping) != CKR_OK)
                rv = CKR_UNWRAPPING_KEY_HANDLE_INVALID;
        if (rv == CKR_OK)
                rv = template_writable(w.session, templ, count);
        if (rv == CKR_OK)
                rv = template_encode_new(w.arena, CK_UNAVAILABLE_INFORMATION, templ, count, &body.template_,
                                         &body.n_template_);
        if (rv == CKR_OK) {
                body.unwrapping_key = &unwrapping;
                body.mechanism = &w.mechanism;
                body.wrapped = (ProtobufCBinaryData){ wrapped_len, wrapped };
                request.unwrap_key = &body;
                request.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
                rv = module_call(&request, &w.answer);
        }
        if (rv == CKR_OK)
                rv = object_take(w.session, w.answer.response->object, key);
        key_work_end(&w);
        return rv;
}

/* ---- random ---- */

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE_PTR seed, CK_ULONG seed_len)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SeedRandomRequest body = CHSM__SEED_RANDOM_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK && !seed)
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK) {
                body.seed = (ProtobufCBinaryData){ seed_len, seed };
                request.seed_random = &body;
                request.body_case = CHSM__REQUEST__BODY_SEED_RANDOM;
                rv = module_call(&request, &answer);
        }
        chsm_answer_clear(&answer);
        session_put(s);
        return rv;
}

static CK_RV random_part(CK_BYTE_PTR out, CK_ULONG n)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RandomRequest body = CHSM__RANDOM_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv;

        body.length = (uint32_t)n;
        request.random = &body;
        request.body_case = CHSM__REQUEST__BODY_RANDOM;
        rv = module_call(&request, &answer);
        if (rv == CKR_OK && answer.response->data->data.len != n)
                rv = CKR_DEVICE_ERROR;
        if (rv == CKR_OK)
                memcpy(out, answer.response->data->data.data, n);
        chsm_answer_clear(&answer);
        return rv;
}

CK_RV module_random(CK_BYTE_PTR out, CK_ULONG n)
{
        CK_RV rv = CKR_OK;

        for (CK_ULONG at = 0; rv == CKR_OK && at < n; at += RANDOM_MOST)
                rv = random_part(out + at, n - at < RANDOM_MOST ? n - at : RANDOM_MOST);
        return rv;
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG out_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv == CKR_OK && !out)
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK)
                rv = module_random(out, out_len);
        session_put(s);
        return rv;
}
