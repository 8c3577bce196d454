#include "wire/check.h"
#include "base/text.h"

static bool check_bytes(ProtobufCBinaryData b, size_t min, size_t max, const char *field, struct err *err)
{
        return (b.len >= min && b.len <= max) ||
               err_set(err, ERR_FRAME, "field '%s' has %zu bytes; %zu to %zu are taken", field, b.len, min,
                       max);
}

static bool check_name(const char *text, size_t min, size_t max, const char *field, struct err *err)
{
        size_t n = strlen(text);

        if (n < min || n > max)
                return err_set(err, ERR_FRAME, "field '%s' has %zu bytes; %zu to %zu are taken", field, n,
                               min, max);
        for (size_t i = 0; i < n; i++) {
                if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                        return err_set(err, ERR_FRAME, "field '%s' holds a control character", field);
        }
        return text_is_utf8(slice_str(text)) || err_set(err, ERR_FRAME, "field '%s' is not UTF-8", field);
}

static bool check_reference(const Chsm__ObjectRef *o, const char *field, struct err *err)
{
        if (!o || (o->handle == 0) == (o->sealed.len == 0))
                return err_set(err, ERR_FRAME, "field '%s' must name one object, by handle or by blob",
                               field);
        return check_bytes(o->sealed, 0, WIRE_SEALED_MAX, field, err);
}

static bool check_mechanism(const Chsm__Mechanism *m, struct err *err)
{
        if (!m)
                return err_set(err, ERR_FRAME, "field 'mechanism' is missing");
        return check_bytes(m->parameter, 0, WIRE_VALUE_MAX, "parameter", err);
}

static bool check_template(Chsm__Attribute *const *attributes, size_t n, size_t min, const char *field,
                           struct err *err)
{
        if (n < min || n > WIRE_TEMPLATE_MAX)
                return err_set(err, ERR_FRAME, "field '%s' has %zu attributes; %zu to %d are taken", field, n,
                               min, WIRE_TEMPLATE_MAX);
        for (size_t i = 0; i < n; i++) {
                if (!check_bytes(attributes[i]->value, 0, WIRE_VALUE_MAX, "value", err))
                        return false;
        }
        return true;
}

static bool check_use(const Chsm__ObjectRef *key, const Chsm__Mechanism *mechanism, struct err *err)
{
        return check_reference(key, "key", err) && check_mechanism(mechanism, err);
}

static bool check_shares(size_t n, struct err *err)
{
        return n <= WIRE_SHARES_MAX ||
               err_set(err, ERR_FRAME, "shared with %zu users; %d are taken", n, WIRE_SHARES_MAX);
}

bool wire_check_hello(const Chsm__Request *r, struct err *err)
{
        return check_name(r->hello->client, 0, WIRE_NAME_MAX, "client", err);
}

bool wire_check_store_cert(const Chsm__Request *r, struct err *err)
{
        return check_bytes(r->store_cert->certificate, 1, WIRE_CERT_MAX, "certificate", err);
}

static bool check_factor(const Chsm__SecondFactor *f, struct err *err)
{
        return !f || (check_bytes(f->public_key, 1, WIRE_PERSON_MAX, "public_key", err) &&
                      check_bytes(f->challenge, 1, WIRE_PERSON_MAX, "challenge", err) &&
                      check_bytes(f->signature, 1, WIRE_PERSON_MAX, "signature", err));
}

bool wire_check_auth_challenge(const Chsm__Request *r, struct err *err)
{
        return check_name(r->auth_challenge->user, 1, WIRE_NAME_MAX, "user", err);
}

bool wire_check_set_auth_key(const Chsm__Request *r, struct err *err)
{
        return check_name(r->set_auth_key->user, 1, WIRE_NAME_MAX, "user", err) &&
               check_factor(r->set_auth_key->factor, err);
}

bool wire_check_login(const Chsm__Request *r, struct err *err)
{
        return check_name(r->login->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_bytes(r->login->challenge, 0, WIRE_PERSON_MAX, "challenge", err) &&
               check_bytes(r->login->signature, 0, WIRE_PERSON_MAX, "signature", err) &&
               check_bytes(r->login->password, 0, WIRE_PASSWORD_MAX, "password", err);
}

bool wire_check_authorise(const Chsm__Request *r, struct err *err)
{
        return check_name(r->authorise->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_bytes(r->authorise->password, 0, WIRE_PASSWORD_MAX, "password", err) &&
               check_reference(r->authorise->key, "key", err);
}

bool wire_check_create_user(const Chsm__Request *r, struct err *err)
{
        return check_name(r->create_user->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_factor(r->create_user->factor, err) &&
               check_bytes(r->create_user->password, 0, WIRE_PASSWORD_MAX, "password", err);
}

bool wire_check_delete_user(const Chsm__Request *r, struct err *err)
{
        return check_name(r->delete_user->user, 0, WIRE_NAME_MAX, "user", err);
}

bool wire_check_change_password(const Chsm__Request *r, struct err *err)
{
        return check_name(r->change_password->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_factor(r->change_password->factor, err) &&
               check_bytes(r->change_password->password, 0, WIRE_PASSWORD_MAX, "password", err) &&
               check_bytes(r->change_password->old_password, 0, WIRE_PASSWORD_MAX, "old_password", err);
}

bool wire_check_unlock_user(const Chsm__Request *r, struct err *err)
{
        return check_name(r->unlock_user->user, 0, WIRE_NAME_MAX, "user", err);
}

bool wire_check_set_user_rights(const Chsm__Request *r, struct err *err)
{
        return check_name(r->set_user_rights->user, 0, WIRE_NAME_MAX, "user", err);
}

bool wire_check_disable_user_access(const Chsm__Request *r, struct err *err)
{
        return check_name(r->disable_user_access->user, 0, WIRE_NAME_MAX, "user", err);
}

bool wire_check_user_info(const Chsm__Request *r, struct err *err)
{
        return check_name(r->user_info->user, 0, WIRE_NAME_MAX, "user", err);
}

bool wire_check_get_challenge(const Chsm__Request *r, struct err *err)
{
        return check_name(r->get_challenge->user, 0, WIRE_NAME_MAX, "user", err);
}

bool wire_check_unlock_officer(const Chsm__Request *r, struct err *err)
{
        return check_name(r->unlock_officer->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_bytes(r->unlock_officer->signature, 0, 1024, "signature", err);
}

bool wire_check_change_owner(const Chsm__Request *r, struct err *err)
{
        return check_bytes(r->change_owner->check_value, 0, 32, "check_value", err);
}

bool wire_check_rename_officer(const Chsm__Request *r, struct err *err)
{
        return check_name(r->rename_officer->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_name(r->rename_officer->name, 0, WIRE_NAME_MAX, "name", err);
}

bool wire_check_generate_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__GenerateKeyRequest *g = r->generate_key;

        return check_mechanism(g->mechanism, err) &&
               check_template(g->template_, g->n_template_, 0, "template", err) &&
               check_shares(g->n_share_with, err);
}

bool wire_check_generate_key_pair(const Chsm__Request *r, struct err *err)
{
        const Chsm__GenerateKeyPairRequest *g = r->generate_key_pair;

        return check_mechanism(g->mechanism, err) &&
               check_template(g->public_template, g->n_public_template, 0, "public_template", err) &&
               check_template(g->private_template, g->n_private_template, 0, "private_template", err) &&
               check_shares(g->n_share_with, err);
}

bool wire_check_create_object(const Chsm__Request *r, struct err *err)
{
        return check_template(r->create_object->template_, r->create_object->n_template_, 0, "template", err);
}

bool wire_check_copy_object(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->copy_object->object, "object", err) &&
               check_template(r->copy_object->template_, r->copy_object->n_template_, 0, "template", err);
}

bool wire_check_destroy_object(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->destroy_object->object, "object", err);
}

bool wire_check_get_attributes(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->get_attributes->object, "object", err) &&
               (r->get_attributes->n_types <= WIRE_TEMPLATE_MAX ||
                err_set(err, ERR_FRAME, "%zu attributes asked for; %d are taken", r->get_attributes->n_types,
                        WIRE_TEMPLATE_MAX));
}

bool wire_check_set_attributes(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->set_attributes->object, "object", err) &&
               check_template(r->set_attributes->attributes, r->set_attributes->n_attributes, 0, "attributes",
                              err);
}

bool wire_check_find_objects(const Chsm__Request *r, struct err *err)
{
        return check_template(r->find_objects->template_, r->find_objects->n_template_, 0, "template", err);
}

bool wire_check_object_info(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->object_info->object, "object", err);
}

static bool check_date(const ProtobufCBinaryData *date, const char *name, struct err *err)
{
        for (size_t i = 0; i < date->len; i++) {
                if (date->len != 8 || date->data[i] < '0' || date->data[i] > '9')
                        return err_set(err, ERR_FRAME, "field %s is no date of 8 digits", name);
        }
        return true;
}

bool wire_check_rotate_key(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->rotate_key->key, "key", err) &&
               check_date(&r->rotate_key->start_date, "start_date", err) &&
               check_date(&r->rotate_key->end_date, "end_date", err);
}

bool wire_check_retire_key(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->retire_key->key, "key", err);
}

bool wire_check_sign(const Chsm__Request *r, struct err *err)
{
        return check_use(r->sign->key, r->sign->mechanism, err);
}

bool wire_check_verify(const Chsm__Request *r, struct err *err)
{
        return check_use(r->verify->key, r->verify->mechanism, err) &&
               check_bytes(r->verify->signature, 0, WIRE_VALUE_MAX, "signature", err);
}

bool wire_check_sign_recover(const Chsm__Request *r, struct err *err)
{
        return check_use(r->sign_recover->key, r->sign_recover->mechanism, err);
}

bool wire_check_verify_recover(const Chsm__Request *r, struct err *err)
{
        return check_use(r->verify_recover->key, r->verify_recover->mechanism, err) &&
               check_bytes(r->verify_recover->signature, 0, WIRE_VALUE_MAX, "signature", err);
}

bool wire_check_encrypt(const Chsm__Request *r, struct err *err)
{
        return check_use(r->encrypt->key, r->encrypt->mechanism, err);
}

bool wire_check_decrypt(const Chsm__Request *r, struct err *err)
{
        return check_use(r->decrypt->key, r->decrypt->mechanism, err);
}

bool wire_check_digest(const Chsm__Request *r, struct err *err)
{
        return check_mechanism(r->digest->mechanism, err);
}

bool wire_check_wrap_key(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->wrap_key->wrapping_key, "wrapping_key", err) &&
               check_use(r->wrap_key->key, r->wrap_key->mechanism, err);
}

bool wire_check_unwrap_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__UnwrapKeyRequest *u = r->unwrap_key;

        return check_reference(u->unwrapping_key, "unwrapping_key", err) &&
               check_mechanism(u->mechanism, err) &&
               check_bytes(u->wrapped, 0, WIRE_VALUE_MAX, "wrapped", err) &&
               check_template(u->template_, u->n_template_, 0, "template", err) &&
               check_shares(u->n_share_with, err);
}

bool wire_check_import_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__ImportKeyRequest *i = r->import_key;

        return check_reference(i->kek, "kek", err) &&
               check_bytes(i->value, 1, WIRE_VALUE_MAX, "value", err) &&
               check_template(i->template_, i->n_template_, 0, "template", err) &&
               check_shares(i->n_share_with, err);
}

bool wire_check_split_key(const Chsm__Request *r, struct err *err)
{
        return check_reference(r->split_key->key, "key", err) &&
               check_template(r->split_key->template_, r->split_key->n_template_, 0, "template", err);
}

bool wire_check_join_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__JoinKeyRequest *j = r->join_key;

        if (j->n_shares > WIRE_DERIVED_MAX)
                return err_set(err, ERR_FRAME, "%zu shares; %d are taken", j->n_shares, WIRE_DERIVED_MAX);
        for (size_t i = 0; i < j->n_shares; i++) {
                if (!check_reference(j->shares[i], "shares", err))
                        return false;
        }
        return check_template(j->template_, j->n_template_, 0, "template", err);
}

static bool check_more(const Chsm__DeriveKeyRequest *d, struct err *err)
{
        if (d->n_more > WIRE_DERIVED_MAX)
                return err_set(err, ERR_FRAME, "%zu further templates; %d are taken", d->n_more,
                               WIRE_DERIVED_MAX);
        for (size_t i = 0; i < d->n_more; i++) {
                if (!check_template(d->more[i]->attributes, d->more[i]->n_attributes, 0, "more", err))
                        return false;
        }
        return true;
}

bool wire_check_derive_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__DeriveKeyRequest *d = r->derive_key;

        return check_reference(d->base_key, "base_key", err) && check_mechanism(d->mechanism, err) &&
               (!d->second_key || check_reference(d->second_key, "second_key", err)) &&
               check_template(d->template_, d->n_template_, 0, "template", err) && check_more(d, err) &&
               check_shares(r->derive_key->n_share_with, err);
}

bool wire_check_encapsulate_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__EncapsulateKeyRequest *e = r->encapsulate_key;

        return check_reference(e->public_key, "public_key", err) && check_mechanism(e->mechanism, err) &&
               check_template(e->template_, e->n_template_, 0, "template", err);
}

bool wire_check_decapsulate_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__DecapsulateKeyRequest *d = r->decapsulate_key;

        return check_reference(d->private_key, "private_key", err) && check_mechanism(d->mechanism, err) &&
               check_template(d->template_, d->n_template_, 0, "template", err);
}

bool wire_check_random(const Chsm__Request *r, struct err *err)
{
        return r->random->length <= WIRE_RANDOM_MAX ||
               err_set(err, ERR_FRAME, "%u random bytes asked for; %d are given at once", r->random->length,
                       WIRE_RANDOM_MAX);
}

bool wire_check_stream_part(const Chsm__Request *r, struct err *err)
{
        return !r->stream_part->key || check_reference(r->stream_part->key, "key", err);
}

bool wire_check_stream_open(const Chsm__Request *r, struct err *err)
{
        return check_mechanism(r->stream_open->mechanism, err) &&
               (!r->stream_open->key || check_reference(r->stream_open->key, "key", err));
}

bool wire_check_audit_records(const Chsm__Request *r, struct err *err)
{
        return check_name(r->audit_records->chain, 1, WIRE_NAME_MAX, "chain", err);
}

bool wire_check_set_policy(const Chsm__Request *r, struct err *err)
{
        return check_name(r->set_policy->name, 1, WIRE_NAME_MAX, "name", err) &&
               check_name(r->set_policy->value, 1, WIRE_NAME_MAX, "value", err);
}

bool wire_check_set_config(const Chsm__Request *r, struct err *err)
{
        return check_name(r->set_config->name, 1, WIRE_NAME_MAX, "name", err);
}

bool wire_check_register_quorum_key(const Chsm__Request *r, struct err *err)
{
        const Chsm__RegisterQuorumKeyRequest *q = r->register_quorum_key;

        return check_name(q->user, 1, WIRE_NAME_MAX, "user", err) &&
               check_bytes(q->token, 0, WIRE_PERSON_MAX, "token", err) &&
               check_bytes(q->signature, 0, WIRE_PERSON_MAX, "signature", err) &&
               check_bytes(q->public_key, 1, WIRE_PERSON_MAX, "public_key", err) &&
               check_bytes(q->old_signature, 0, WIRE_PERSON_MAX, "old_signature", err);
}

bool wire_check_get_token(const Chsm__Request *r, struct err *err)
{
        return check_name(r->get_token->user, 0, WIRE_NAME_MAX, "user", err) &&
               check_name(r->get_token->target, 0, 31, "target", err);
}

bool wire_check_approve_token(const Chsm__Request *r, struct err *err)
{
        const Chsm__ApproveTokenRequest *a = r->approve_token;

        if (!check_bytes(a->file, 1, WIRE_TOKENS_MAX, "file", err))
                return false;
        for (size_t i = 0; i < a->n_approvals; i++) {
                if (!check_name(a->approvals[i]->user, 1, WIRE_NAME_MAX, "user", err) ||
                    !check_bytes(a->approvals[i]->signature, 1, WIRE_PERSON_MAX, "signature", err))
                        return false;
        }
        return true;
}

bool wire_check_delete_token(const Chsm__Request *r, struct err *err)
{
        return check_bytes(r->delete_token->id, 1, WIRE_NAME_MAX, "id", err);
}

bool wire_check_set_audit_udd(const Chsm__Request *r, struct err *err)
{
        return check_name(r->set_audit_udd->text, 0, WIRE_UDD_MAX, "user-defined data", err);
}
