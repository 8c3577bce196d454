/* Which right a command needs, by its body's number. What is not here needs none. */
#include "ck/cryptoki.h"
#include "ck/encoding.h"
#include "vault/right.h"

static const struct vault_right_row names[] = {
        { VAULT_RIGHT_SIGN, "CKA_USER_SIGN", "sign or make MACs" },
        { VAULT_RIGHT_WRAP, "CKA_USER_WRAP", "wrap keys" },
        { VAULT_RIGHT_UNWRAP, "CKA_USER_UNWRAP", "unwrap or import keys" },
        { VAULT_RIGHT_MODIFIABLE, "CKA_USER_MODIFIABLE", "change or copy objects" },
        { VAULT_RIGHT_DERIVE, "CKA_USER_DERIVE", "derive keys" },
        { VAULT_RIGHT_KEYGEN, "CKA_USER_KEYGEN", "make keys" },
        { VAULT_RIGHT_MANAGE_BY_CO, "CKA_MANAGE_BY_CO", "be managed by officers" },
};

static const uint8_t commands[] = {
        [CHSM__REQUEST__BODY_GENERATE_KEY] = VAULT_RIGHT_KEYGEN,
        [CHSM__REQUEST__BODY_GENERATE_KEY_PAIR] = VAULT_RIGHT_KEYGEN,
        [CHSM__REQUEST__BODY_COPY_OBJECT] = VAULT_RIGHT_MODIFIABLE,
        [CHSM__REQUEST__BODY_SET_ATTRIBUTES] = VAULT_RIGHT_MODIFIABLE,
        [CHSM__REQUEST__BODY_ROTATE_KEY] = VAULT_RIGHT_KEYGEN | VAULT_RIGHT_MODIFIABLE,
        [CHSM__REQUEST__BODY_RETIRE_KEY] = VAULT_RIGHT_MODIFIABLE,
        [CHSM__REQUEST__BODY_SIGN] = VAULT_RIGHT_SIGN,
        [CHSM__REQUEST__BODY_SIGN_RECOVER] = VAULT_RIGHT_SIGN,
        [CHSM__REQUEST__BODY_WRAP_KEY] = VAULT_RIGHT_WRAP,
        [CHSM__REQUEST__BODY_UNWRAP_KEY] = VAULT_RIGHT_UNWRAP,
        [CHSM__REQUEST__BODY_DERIVE_KEY] = VAULT_RIGHT_DERIVE,
        [CHSM__REQUEST__BODY_ENCAPSULATE_KEY] = VAULT_RIGHT_DERIVE,
        [CHSM__REQUEST__BODY_DECAPSULATE_KEY] = VAULT_RIGHT_DERIVE,
        [CHSM__REQUEST__BODY_EXTRACT_MASKED] = VAULT_RIGHT_WRAP,
        [CHSM__REQUEST__BODY_INSERT_MASKED] = VAULT_RIGHT_UNWRAP,
};

static const uint8_t operations[CRYPTO_OPS] = {
        [CRYPTO_SIGN] = VAULT_RIGHT_SIGN,       [CRYPTO_SIGN_RECOVER] = VAULT_RIGHT_SIGN,
        [CRYPTO_GENERATE] = VAULT_RIGHT_KEYGEN, [CRYPTO_GENERATE_PAIR] = VAULT_RIGHT_KEYGEN,
        [CRYPTO_WRAP] = VAULT_RIGHT_WRAP,       [CRYPTO_UNWRAP] = VAULT_RIGHT_UNWRAP,
        [CRYPTO_DERIVE] = VAULT_RIGHT_DERIVE,
};

const struct vault_right_row *vault_right_at(size_t i)
{
        return i < sizeof(names) / sizeof(names[0]) ? &names[i] : NULL;
}

uint32_t vault_right_of_operation(enum crypto_op op)
{
        return (size_t)op < CRYPTO_OPS ? operations[op] : 0;
}

/* A key given by value is made and comes from outside; certificates and data are neither. */
static uint32_t right_of_creation(const Chsm__CreateObjectRequest *in)
{
        uint64_t object_class = CKO_DATA;

        for (size_t i = 0; i < in->n_template_; i++) {
                const Chsm__Attribute *a = in->template_[i];

                if (a->type == CKA_CLASS)
                        (void)ck_value_number(slice_of(a->value.data, a->value.len), &object_class);
        }
        if (object_class == CKO_SECRET_KEY || object_class == CKO_PRIVATE_KEY)
                return VAULT_RIGHT_KEYGEN | VAULT_RIGHT_UNWRAP;
        return object_class == CKO_PUBLIC_KEY ? VAULT_RIGHT_KEYGEN : 0;
}

uint32_t vault_right_of_request(const Chsm__Request *r)
{
        size_t body = (size_t)r->body_case;

        if (r->body_case == CHSM__REQUEST__BODY_STREAM_OPEN)
                return vault_right_of_operation((enum crypto_op)r->stream_open->operation);
        if (r->body_case == CHSM__REQUEST__BODY_CREATE_OBJECT)
                return right_of_creation(r->create_object);
        if (r->body_case == CHSM__REQUEST__BODY_IMPORT_KEY)
                return (uint32_t)VAULT_RIGHT_KEYGEN | VAULT_RIGHT_UNWRAP |
                       (r->import_key->wrapped ? (uint32_t)VAULT_RIGHT_WRAP : 0);
        if (r->body_case == CHSM__REQUEST__BODY_SPLIT_KEY || r->body_case == CHSM__REQUEST__BODY_JOIN_KEY)
                return VAULT_RIGHT_DERIVE;
        return body < sizeof(commands) ? commands[body] : 0;
}
