/* Makes and rewrites objects. */
#include "vault/certificate.h"
#include "vault/object_rules.h"
#include "vault/partition.h"
#include "vault/policy.h"
#include "vault/policy_model.h"
#include "vault/quorum_token.h"

static bool no_memory(struct vault_call *call)
{
        return err_set(&call->err, ERR_MEMORY, "no memory for an object");
}

/* Seals the parts under the handle's store key, into the transaction; and as an object for the answer. */
static bool put_token(struct vault_call *call, uint32_t handle, const struct vault_object_parts *parts,
                      struct vault_object **out)
{
        uint8_t key_bytes[6];
        struct slice key = vault_object_store_key(handle, key_bytes);
        struct sec *plain = vault_object_encode(parts);
        struct buf sealed = BUF_INIT;
        bool ok =
            plain && vault_record_seal(call->vault, key, sec_slice(plain), &sealed, &call->err) &&
            vault_call_put(call, vault_call_key(call, "", key), arena_copy(call->arena, buf_slice(&sealed)));

        if (ok && sealed.n > STORE_VALUE_MAX)
                ok = err_set(&call->err, ERR_LIMIT, "the object is too large");
        if (ok) {
                *out = vault_object_decode(sec_slice(plain), &call->err);
                if (*out) {
                        (*out)->handle = handle;
                        (*out)->sealed = sealed;
                        sealed = BUF_INIT;
                }
                ok = *out != NULL;
        }
        sec_free(&plain);
        buf_clear(&sealed);
        return ok || (!call->err.id && no_memory(call));
}

/* As many users as must approve have to be there, and session objects have one user. */
static bool quorum_fits(struct vault_call *call, bool token, const struct vault_object_parts *parts)
{
        if (!parts->quorum)
                return true;
        if (!token || (parts->object_class != CKO_PRIVATE_KEY && parts->object_class != CKO_SECRET_KEY))
                return err_set(
                    &call->err, ERR_TEMPLATE_INCONSISTENT,
                    "only private and secret token keys can need approvals, and what is derived from such "
                    "a key is one too");
        return parts->quorum <= VAULT_QUORUM_MAX && parts->quorum <= parts->shared_count + 1
                   ? true
                   : err_set(&call->err, ERR_ARGUMENT,
                             "%u users must approve this key, at most %d can be asked for, and it has %zu: "
                             "its owner and "
                             "those it is shared with",
                             parts->quorum, VAULT_QUORUM_MAX, parts->shared_count + 1);
}

/* Whatever is written remembers what its flags say. */
static bool put_parts(struct vault_call *call, uint32_t handle, bool token, struct vault_object_parts *parts,
                      struct vault_object **out)
{
        parts->history |= vault_model_flag_marks(vault_flags_of(parts->attributes, parts->attribute_count));
        if (!quorum_fits(call, token, parts))
                return false;
        if (!token) {
                *out = vault_session_object_new(call, parts);
                return *out != NULL;
        }
        return put_token(call, handle, parts, out);
}

bool vault_object_put(struct vault_call *call, uint32_t handle, struct vault_object_parts *parts,
                      struct vault_object **out)
{
        return put_parts(call, handle, true, parts, out);
}

bool vault_object_make(struct vault_call *call, struct vault_template *t, struct crypto_key *key,
                       const struct vault_origin *origin, const uint32_t *shared, size_t shared_count,
                       struct vault_object **out)
{
        uint64_t object_class = key ? (uint64_t)crypto_key_class_of(key)
                                    : vault_template_number(t, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
        uint64_t key_type = key ? crypto_key_type(key) : CK_UNAVAILABLE_INFORMATION;
        bool token = vault_template_bool(t, CKA_TOKEN, false);
        struct vault_object_parts parts = { .object_class = object_class,
                                            .key_type = key_type,
                                            .owner = call->login.user_id,
                                            .history = origin->history,
                                            .shared = shared,
                                            .shared_count = shared_count,
                                            .quorum = key ? origin->quorum : 0,
                                            .made_ms = clock_wall_ms(&call->vault->deps.clock) };
        struct sec *material = NULL;
        uint32_t handle = 0;
        bool ok;

        *out = NULL;
        if (key && vault_policy_approved_only(call->vault) && !crypto_key_approved(key, &call->err))
                return false;
        ok = vault_policy_template(call, t, object_class) &&
             vault_rules_defaults(call, t, object_class, key_type) &&
             (!key || vault_rules_components(call, t, object_class, key)) &&
             (object_class != CKO_CERTIFICATE || vault_certificate_fill(call, t, NULL)) &&
             vault_rules_agree(call, t, NULL, object_class, key_type) &&
             vault_rules_computed(call, t, object_class, origin) &&
             vault_policy_birth(call, t, key, origin, &parts.history) &&
             (!token || vault_objects_new_handle(call, &handle));
        if (ok && key) {
                material = crypto_key_material(key, &call->err);
                ok = material != NULL;
        }
        if (ok) {
                parts.attributes = t->items;
                parts.attribute_count = t->n;
                parts.material = material ? sec_slice(material) : SLICE_EMPTY;
                ok = put_parts(call, handle, token, &parts, out);
        }
        sec_free(&material);
        return ok;
}

bool vault_object_rewrite(struct vault_call *call, const struct vault_object *o,
                          const struct vault_object_parts *wanted, struct vault_object **out)
{
        struct vault_object_parts parts = *wanted;
        struct sec *plain = vault_object_unseal(call->vault, o, &call->err);
        uint8_t key[6];
        bool ok = plain != NULL;

        *out = NULL;
        if (ok && !vault_object_material(sec_slice(plain), &parts.material))
                ok = err_set(&call->err, ERR_STORE_DAMAGED, "an object's record cannot be read");
        if (ok && o->handle)
                ok = vault_call_guard(call, STORE_REV_IS,
                                      vault_call_key(call, "", vault_object_store_key(o->handle, key)),
                                      o->rev);
        ok = ok && put_parts(call, o->handle, o->handle != 0, &parts, out);
        sec_free(&plain);
        return ok;
}

bool vault_object_copy_as(struct vault_call *call, const struct vault_object *o,
                          const struct vault_object_parts *wanted, bool token, struct vault_object **out)
{
        struct vault_object_parts parts = *wanted;
        struct sec *plain = vault_object_unseal(call->vault, o, &call->err);
        uint32_t handle = 0;
        bool ok = plain != NULL;

        *out = NULL;
        if (ok && !vault_object_material(sec_slice(plain), &parts.material))
                ok = err_set(&call->err, ERR_STORE_DAMAGED, "an object's record cannot be read");
        ok = ok && (!token || vault_objects_new_handle(call, &handle)) &&
             put_parts(call, handle, token, &parts, out);
        sec_free(&plain);
        return ok;
}
