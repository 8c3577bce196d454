/* Keys that travel under a public key: encapsulation and decapsulation (ML-KEM). Whoever holds the private
 * half, or has sent the ciphertext, knows such a key; the policy remembers it. PKCS#11 3.2 5.18. */
#include "ck/cryptoki.h"
#include "vault/key_move.h"
#include "vault/object_rules.h"
#include "vault/policy_model.h"

#define SHARED_MIN 16 /* bytes, as of derived keys: spec/key-rules.md rule 5 */

/* The template brought to what the pair's half and the partition allow, and what it asks of the mechanism. */
static bool settle(struct vault_call *call, const struct vault_use *use, enum vault_birth how,
                   struct vault_template *t, struct crypto_wanted *wanted)
{
        uint64_t forced = how == VAULT_ENCAPSULATED ? CKA_ENCAPSULATE_TEMPLATE : CKA_DECAPSULATE_TEMPLATE;
        uint64_t length = vault_template_number(t, CKA_VALUE_LEN, 0);

        if (vault_template_number(t, CKA_CLASS, CKO_SECRET_KEY) != CKO_SECRET_KEY)
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT, "%s makes secret keys",
                               crypto_mechanism_name(use->mechanism));
        if (!vault_force_template(call, use->object, forced, t) ||
            !vault_policy_agree(call, use->object, how, t) ||
            !vault_rules_required(call, t, CKO_SECRET_KEY, CK_IN_DERIVE) ||
            !vault_policy_template(call, t, CKO_SECRET_KEY))
                return false;
        if (vault_template_has(t, CKA_VALUE_LEN) && length < SHARED_MIN)
                return err_set(&call->err, ERR_KEY_SIZE, "an encapsulated key has at least %d bytes",
                               SHARED_MIN);
        *wanted =
            (struct crypto_wanted){ CRYPTO_SECRET, vault_template_number(t, CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                    (size_t)length };
        return true;
}

/* The key as an object: nothing of its past may be claimed. Who must approve uses of the private key must
 * approve uses of what comes out of it. */
static bool make_object(struct vault_call *call, struct vault_template *t, struct crypto_key *key,
                        enum vault_birth how, const struct vault_object *half, struct vault_object **out)
{
        const struct vault_key_facts facts = vault_policy_facts(half);
        const struct vault_parent parent = { .how = how, .key = &facts };
        bool passes = vault_model_passes_quorum(&parent);
        const struct vault_origin origin = { .mode = CK_IN_DERIVE,
                                             .how = how,
                                             .mechanism = CK_UNAVAILABLE_INFORMATION,
                                             .quorum = passes ? half->quorum : 0 };

        if (crypto_key_bits(key) < SHARED_MIN * 8)
                return err_set(&call->err, ERR_KEY_SIZE, "an encapsulated key has at least %d bytes",
                               SHARED_MIN);
        return vault_object_make(call, t, key, &origin, passes ? half->shared : NULL,
                                 passes ? half->shared_count : 0, out);
}

static bool reply(struct vault_call *call, struct vault_object *o, struct slice ciphertext)
{
        Chsm__EncapsulatedResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__encapsulated_response__init(r);
        r->ciphertext_len = (uint32_t)ciphertext.n;
        if (o) {
                r->object = vault_object_answer(call, o);
                if (!r->object)
                        return false;
                r->ciphertext = (ProtobufCBinaryData){ ciphertext.n, (uint8_t *)(uintptr_t)ciphertext.p };
        }
        call->response->encapsulated = r;
        call->response->body_case = CHSM__RESPONSE__BODY_ENCAPSULATED;
        return true;
}

/* The key and what carries it, made and answered; nothing of it stays when this fails. */
static bool encapsulate(struct vault_call *call, const struct vault_use *use, size_t n)
{
        const Chsm__EncapsulateKeyRequest *in = call->request->encapsulate_key;
        uint8_t *ciphertext = arena_alloc(call->arena, n);
        struct vault_template t;
        struct crypto_wanted wanted;
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        bool ok = (ciphertext || err_set(&call->err, ERR_MEMORY, "no memory for a ciphertext")) &&
                  vault_template_read(call, in->template_, in->n_template_, CK_IN_DERIVE, &t) &&
                  settle(call, use, VAULT_ENCAPSULATED, &t, &wanted) &&
                  crypto_encapsulate(call->vault->deps.crypto, use->mechanism, use->key, &wanted, ciphertext,
                                     &n, &key, &call->err) &&
                  make_object(call, &t, key, VAULT_ENCAPSULATED, use->object, &o) &&
                  reply(call, o, slice_of(ciphertext, n));

        if (ok) {
                call->second_object = use->object->handle;
                call->object = o->handle;
        }
        vault_object_unref(&o);
        crypto_key_unref(&key);
        return ok;
}

bool vault_encapsulate_key(struct vault_call *call)
{
        const Chsm__EncapsulateKeyRequest *in = call->request->encapsulate_key;
        struct vault_use use;
        bool ok =
            vault_use_begin(call, in->public_key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_ENCAPSULATE, &use);
        size_t n = ok ? crypto_output_max(use.mechanism, CRYPTO_ENCAPSULATE, use.key, &use.param, 0) : 0;

        if (ok)
                ok = in->room < n ? reply(call, NULL, slice_of(NULL, n)) : encapsulate(call, &use, n);
        vault_use_end(&use);
        return ok;
}

bool vault_decapsulate_key(struct vault_call *call)
{
        const Chsm__DecapsulateKeyRequest *in = call->request->decapsulate_key;
        struct vault_use use;
        struct vault_template t;
        struct crypto_wanted wanted;
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        bool ok =
            vault_use_begin(call, in->private_key, ERR_KEY_HANDLE, in->mechanism, CRYPTO_DECAPSULATE, &use) &&
            vault_template_read(call, in->template_, in->n_template_, CK_IN_DERIVE, &t) &&
            settle(call, &use, VAULT_DECAPSULATED, &t, &wanted) &&
            crypto_decapsulate(call->vault->deps.crypto, use.mechanism, use.key, &wanted,
                               slice_of(in->ciphertext.data, in->ciphertext.len), &key, &call->err) &&
            make_object(call, &t, key, VAULT_DECAPSULATED, use.object, &o) && vault_object_reply(call, o);

        if (ok)
                call->second_object = use.object->handle;
        vault_object_unref(&o);
        crypto_key_unref(&key);
        vault_use_end(&use);
        return ok;
}
