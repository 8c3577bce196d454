/* Commands on objects that exist: copy, change, share, delete, tell. */
#include "ck/encoding.h"
#include "vault/certificate.h"
#include "vault/key_use.h"
#include "vault/mask.h"
#include "vault/object_rules.h"
#include "vault/policy_model.h"
#include "vault/quorum.h"
#include "vault/users.h"
#include "vault/uses.h"
#include "vault/policy_words.h"
#include "vault/version.h"

/* The object's attributes as a template that can be changed. */
static bool template_of(struct vault_call *call, const struct vault_object *o, struct vault_template *t)
{
        t->n = 0;
        for (size_t i = 0; i < o->attribute_count; i++) {
                if (!vault_template_set(call, t, o->attributes[i].type, o->attributes[i].value))
                        return false;
        }
        return true;
}

static bool is_hidden(const struct vault_object *o)
{
        return o->object_class == CKO_SECRET_KEY || o->object_class == CKO_PRIVATE_KEY;
}

/* The object's attributes with the changes, as they would be then; each change was permitted before. */
static bool changed_template(struct vault_call *call, const struct vault_object *o,
                             const struct vault_template *changes, struct vault_template *t)
{
        if (!template_of(call, o, t))
                return false;
        for (size_t i = 0; i < changes->n; i++) {
                if (!vault_template_set(call, t, changes->items[i].type, changes->items[i].value))
                        return false;
        }
        if (is_hidden(o) && vault_template_bool(t, CKA_TOKEN, false) &&
            !vault_template_bool(t, CKA_SENSITIVE, true))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "a token key cannot have CKA_SENSITIVE=FALSE");
        if (o->object_class == CKO_CERTIFICATE &&
            !vault_certificate_fill(call, t, vault_template_has(changes, CKA_VALUE) ? changes : t))
                return false;
        return vault_policy_usage(call, t, o->object_class) &&
               vault_rules_agree(call, t, changes, o->object_class, o->key_type);
}

/* Uses of a copy are not seen at the original, so both count as used from now on, which spoils later trust.
 */
static bool copy_history(struct vault_call *call, const struct vault_object *o,
                         struct vault_object_parts *parts)
{
        if (!is_hidden(o))
                return true;
        parts->history |= vault_model_copy_marks();
        return vault_use_remember(call, o, vault_model_copy_marks());
}

/* A copy gets nothing back that rotation took. */
static bool keeps_state(struct vault_call *call, const struct vault_object *o,
                        const struct vault_template *changes)
{
        for (size_t i = 0; i < changes->n; i++) {
                if (!vault_version_allows(call, o, changes->items[i].type, changes->items[i].value))
                        return false;
        }
        return true;
}

bool vault_copy_object(struct vault_call *call)
{
        const Chsm__CopyObjectRequest *in = call->request->copy_object;
        struct vault_object *o = vault_object_of(call, in->object, ERR_HANDLE), *copy = NULL;
        struct vault_template changes, t;
        struct vault_object_parts parts;
        bool ok;

        if (!o)
                return false;
        ok = vault_policy_owns(call, o, "copy") &&
             vault_template_read(call, in->template_, in->n_template_, CK_IN_COPY, &changes) &&
             vault_policy_copy(call, o, &changes) && vault_policy_template(call, &changes, o->object_class) &&
             keeps_state(call, o, &changes) && changed_template(call, o, &changes, &t) &&
             vault_rules_unique(call, &t);
        if (ok)
                vault_version_leave(&t);
        parts = vault_object_parts_of(o);
        parts.owner = call->login.user_id;
        parts.shared_count = 0;
        parts.attributes = t.items;
        parts.attribute_count = ok ? t.n : 0;
        ok = ok && copy_history(call, o, &parts) &&
             vault_object_copy_as(call, o, &parts, vault_template_bool(&t, CKA_TOKEN, false), &copy) &&
             vault_object_reply(call, copy);
        vault_object_unref(&copy);
        vault_object_unref(&o);
        return ok;
}

bool vault_destroy_object(struct vault_call *call)
{
        struct vault_object *o = vault_object_of(call, call->request->destroy_object->object, ERR_HANDLE);
        uint8_t bytes[6];
        struct slice key;
        bool ok;

        if (!o)
                return false;
        call->object = o->handle;
        ok = vault_policy_owns(call, o, "delete");
        if (ok && !(o->flags & VAULT_DESTROYABLE))
                ok = vault_words_flag(call, o, ERR_ACTION_PROHIBITED, "CKA_DESTROYABLE", CKA_DESTROYABLE);
        ok = ok && vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_MGMT);
        if (ok && o->handle) {
                key = vault_call_key(call, "", vault_object_store_key(o->handle, bytes));
                ok = vault_call_guard(call, STORE_REV_IS, key, o->rev) && vault_call_delete(call, key) &&
                     vault_uses_forget(call, o) && vault_mask_deleted(call, o);
        }
        vault_object_unref(&o);
        return ok && vault_call_done(call);
}

static bool change(struct vault_call *call, struct vault_object *o, const struct vault_template *changes,
                   struct vault_object **out)
{
        struct vault_object_parts parts = vault_object_parts_of(o);
        struct vault_template t;

        for (size_t i = 0; i < changes->n; i++) {
                if (!vault_policy_change(call, o, changes->items[i].type, changes->items[i].value))
                        return false;
        }
        if (!changed_template(call, o, changes, &t))
                return false;
        if (call->login.role == VAULT_CO &&
            !vault_policy_trust(call, o, vault_template_bool(&t, CKA_TRUSTED, false), &parts.history))
                return false;
        parts.attributes = t.items;
        parts.attribute_count = t.n;
        if (o->handle || !vault_template_bool(&t, CKA_TOKEN, false))
                return vault_object_rewrite(call, o, &parts, out);
        parts.history |= VAULT_HISTORY_DATA; /* nothing is known of what a session object was used for */
        return vault_object_copy_as(call, o, &parts, true, out);
}

bool vault_set_attributes(struct vault_call *call)
{
        const Chsm__SetAttributesRequest *in = call->request->set_attributes;
        struct vault_object *o = vault_object_of(call, in->object, ERR_HANDLE), *changed = NULL;
        struct vault_template changes;
        bool ok;

        if (!o)
                return false;
        call->object = o->handle;
        ok = call->login.role == VAULT_CO ? vault_user_admits_officers(call, o->owner, "change his keys")
                                          : vault_policy_owns(call, o, "change");
        if (ok && !(o->flags & VAULT_MODIFIABLE))
                ok = err_set(&call->err, ERR_ACTION_PROHIBITED,
                             "the object has CKA_MODIFIABLE=FALSE, which nobody can change");
        /* Trust is the officers' business; what the key's users approve is what its owner does. */
        ok = ok && vault_template_read(call, in->attributes, in->n_attributes, 0, &changes) &&
             (call->login.role == VAULT_CO || vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_MGMT)) &&
             change(call, o, &changes, &changed) && vault_object_reply(call, changed);
        vault_object_unref(&changed);
        vault_object_unref(&o);
        return ok;
}

/* ---- sharing ---- */

static bool shared_list(struct vault_call *call, const struct vault_object *o, uint32_t user, bool share,
                        uint32_t out[VAULT_SHARED_MAX], size_t *n)
{
        *n = 0;
        for (size_t i = 0; i < o->shared_count; i++) {
                if (o->shared[i] != user)
                        out[(*n)++] = o->shared[i];
        }
        if (!share)
                return *n < o->shared_count || err_set(&call->err, ERR_ARGUMENT,
                                                       "key %u is not shared with user %u", o->handle, user);
        if (*n < o->shared_count)
                return err_set(&call->err, ERR_ARGUMENT, "key %u is shared with user %u already", o->handle,
                               user);
        if (*n == VAULT_SHARED_MAX)
                return err_set(&call->err, ERR_LIMIT, "a key is shared with at most %d users",
                               VAULT_SHARED_MAX);
        out[(*n)++] = user;
        return true;
}

bool vault_share_object(struct vault_call *call)
{
        const Chsm__ShareObjectRequest *in = call->request->share_object;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct vault_object *o, *changed = NULL;
        struct vault_object_parts parts;
        uint32_t users[VAULT_SHARED_MAX];
        bool ok;

        ref.handle = in->handle;
        o = vault_object_of(call, &ref, ERR_HANDLE);
        if (!o)
                return false;
        call->object = o->handle;
        ok = vault_policy_owns(call, o, "share");
        if (ok && o->object_class != CKO_PRIVATE_KEY && o->object_class != CKO_SECRET_KEY)
                ok = err_set(&call->err, ERR_ARGUMENT,
                             "only private and secret keys are shared; every user has the "
                             "use of public ones");
        if (ok && in->user == call->login.user_id)
                ok = err_set(&call->err, ERR_ARGUMENT, "a key is not shared with its own owner");
        if (ok && in->share && (in->user > UINT32_MAX || !vault_user_is_cu(call->vault, (uint32_t)in->user)))
                ok = err_set(&call->err, ERR_USER_ABSENT, "there is no crypto user with id %llu",
                             (unsigned long long)in->user);
        parts = vault_object_parts_of(o);
        ok = ok && shared_list(call, o, (uint32_t)in->user, in->share, users, &parts.shared_count);
        parts.shared = users;
        ok = ok && vault_quorum_pay_key(call, o, VAULT_SERVICE_KEY_MGMT) &&
             vault_object_rewrite(call, o, &parts, &changed) && vault_call_done(call);
        vault_object_unref(&changed);
        vault_object_unref(&o);
        return ok;
}

bool vault_object_info(struct vault_call *call)
{
        struct vault_object *o = vault_object_of(call, call->request->object_info->object, ERR_HANDLE);
        Chsm__ObjectInfoResponse *r = arena_alloc(call->arena, sizeof(*r));
        bool ok = o && r;

        if (ok) {
                call->object = o->handle;
                chsm__object_info_response__init(r);
                r->owner = o->owner;
                r->token = o->handle != 0;
                r->quorum = o->quorum;
                if (o->handle && o->owner == call->login.user_id) {
                        struct vault_uses uses = vault_uses_of(o);

                        r->life = true;
                        r->uses = uses.count;
                        r->last_used_ms = uses.last_ms;
                        r->made_ms = o->made_ms;
                }
                ok = vault_version_list(call, o, r);
                r->n_shared_with = o->owner == call->login.user_id ? o->shared_count : 0;
                r->shared_with = arena_alloc(call->arena, (o->shared_count + 1) * sizeof(uint64_t));
                ok = ok && r->shared_with != NULL;
                for (size_t i = 0; ok && i < r->n_shared_with; i++)
                        r->shared_with[i] = o->shared[i];
                call->response->object_info = r;
                call->response->body_case = CHSM__RESPONSE__BODY_OBJECT_INFO;
        }
        vault_object_unref(&o);
        return ok || (!call->err.id ? err_set(&call->err, ERR_MEMORY, "no memory for the answer") : false);
}
