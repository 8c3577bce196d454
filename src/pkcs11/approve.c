/* Keys whose use their users approve: which request needs a token for what. */
#include "pkcs11/module.h"

#include <stddef.h>

#define KEY_USE    1 /* the services of docs/quorum.md */
#define KEY_CHANGE 2

#define ROW(case_of, service, type, field)                                                                   \
        {                                                                                                    \
                CHSM__REQUEST__BODY_##case_of, service, offsetof(Chsm__##type, field)                        \
        }

/* Where a request has the key that it uses. */
static const struct {
        Chsm__Request__BodyCase body;
        uint32_t service;
        size_t key; /* offset of its reference */
} rows[] = {
        ROW(SIGN, KEY_USE, SignRequest, key),
        ROW(SIGN_RECOVER, KEY_USE, SignRecoverRequest, key),
        ROW(VERIFY, KEY_USE, VerifyRequest, key),
        ROW(ENCRYPT, KEY_USE, EncryptRequest, key),
        ROW(DECRYPT, KEY_USE, DecryptRequest, key),
        ROW(STREAM_OPEN, KEY_USE, StreamOpenRequest, key),
        ROW(WRAP_KEY, KEY_USE, WrapKeyRequest, wrapping_key),
        ROW(UNWRAP_KEY, KEY_USE, UnwrapKeyRequest, unwrapping_key),
        ROW(DERIVE_KEY, KEY_USE, DeriveKeyRequest, base_key),
        ROW(DECAPSULATE_KEY, KEY_USE, DecapsulateKeyRequest, private_key),
        ROW(SET_ATTRIBUTES, KEY_CHANGE, SetAttributesRequest, object),
        ROW(DESTROY_OBJECT, KEY_CHANGE, DestroyObjectRequest, object),
};

/* All bodies are pointers in one union. */
static const Chsm__ObjectRef *key_of(const Chsm__Request *request, size_t offset)
{
        const uint8_t *body = (const uint8_t *)request->sign;
        const Chsm__ObjectRef *key = NULL;

        if (body)
                memcpy(&key, body + offset, sizeof(key));
        return key;
}

static bool approve(uint32_t service, uint64_t key)
{
        const struct helper helper = { module.conf.approval_command, 0, module_closing };
        struct err err = ERR_INIT;
        char user[sizeof(module.user)];

        pthread_mutex_lock(&module.login_lock);
        memcpy(user, module.user, sizeof(user));
        pthread_mutex_unlock(&module.login_lock);
        if (helper_approve(module.chsm, &helper, user, service, key, &err) == 0)
                return true;
        module_log("not approved", &err);
        return false;
}

bool approval_get(const Chsm__Request *request)
{
        for (size_t i = 0; module.conf.approval_command && i < sizeof(rows) / sizeof(rows[0]); i++) {
                const Chsm__ObjectRef *key =
                    request->body_case == rows[i].body ? key_of(request, rows[i].key) : NULL;

                if (key && key->handle)
                        return approve(rows[i].service, key->handle);
        }
        return false;
}
