/* A request for every command, as test_roles.c sends it in every role: one row a command, or several where
 * it matters whose object it is. test_roles.c includes this file.
 *
 * A row without a function sends an empty request. A function fills t->request; what it makes for that is of
 * this trial alone. The row's name stands in roles.txt, with what each role is answered. */
#include "mask_calls.h"

#define OWNER    "cu1"
#define SHARER   "cu2"
#define STRANGER "cu3"
#define PASSWORD "user1234"

/* What all trials of an activated partition find. Handles are 1, nobody's, before the activation. */
struct world {
        struct caller officer, owner; /* logged in throughout */
        struct named aes;             /* the owner's, shared with the sharer; every usage */
        struct named pub, priv;       /* RSA, the same; priv is shared */
        struct named asking;          /* CKA_ALWAYS_AUTHENTICATE */
        struct given wrapped;         /* under aes */
        struct given signature;       /* by priv */
        struct given recoverable;     /* the same, with recovery */
        uint32_t names;               /* users made for single trials */
        struct buf owner_certificate, partition_certificate;
};

/* One command as one role. */
struct trial {
        struct hsm *hsm;
        struct world *world;
        struct caller *me;
        const char *user; /* my name; empty: nobody */
        bool activated;
        Chsm__Request request;
        Chsm__Mechanism mechanism;
        struct attributes attributes;
        Chsm__ObjectRef ref;
        struct named fresh;
        char name[32];
        uint8_t kcv[8], signature[256];
        union {
                uint64_t aligned;
                uint8_t bytes[256];
        } body; /* the request's own message */
};

/* The message of the command, initialised; `field` by its name in the schema. */
static void *body_of(struct trial *t, const char *field)
{
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(&chsm__request__descriptor, field);
        const ProtobufCMessageDescriptor *message;

        assert_non_null(f);
        message = f->descriptor;
        assert_true(message->sizeof_message <= sizeof(t->body.bytes));
        message->message_init((ProtobufCMessage *)&t->body);
        *(void **)(void *)((uint8_t *)&t->request + f->offset) = &t->body;
        t->request.body_case = (Chsm__Request__BodyCase)f->id;
        return &t->body;
}

static ProtobufCBinaryData bytes_of(const char *text)
{
        return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

static char *text_of(const char *text)
{
        return (char *)(uintptr_t)text;
}

static Chsm__Mechanism *mechanism_of(struct trial *t, uint64_t number)
{
        chsm__mechanism__init(&t->mechanism);
        t->mechanism.number = number;
        return &t->mechanism;
}

/* A key of the owner for this trial, shared with the sharer. */
static struct named *fresh_key(struct trial *t)
{
        struct caller *owner = &t->world->owner;
        struct caller sharer;

        chsm__object_ref__init(&t->fresh.ref);
        t->fresh.ref.handle = 1;
        if (!t->activated)
                return &t->fresh;
        assert_int_equal(make_aes(owner, true, NULL, &t->fresh), 0);
        sharer = caller_cu(t->hsm, SHARER);
        assert_int_equal(share_object(owner, &t->fresh, sharer.user_id, true), 0);
        return &t->fresh;
}

/* A CU for this trial. */
static char *fresh_user(struct trial *t)
{
        snprintf(t->name, sizeof(t->name), "other%u", ++t->world->names);
        if (t->activated)
                assert_int_equal(caller_create_user(&t->world->officer, 1, t->name, PASSWORD), 0);
        return t->name;
}

/* ---- the node and its owner ---- */

static void fill_get_cert(struct trial *t)
{
        ((Chsm__GetCertRequest *)body_of(t, "get_cert"))->type = 1;
}

static void store(struct trial *t, uint32_t type, const struct buf *certificate)
{
        Chsm__StoreCertRequest *in = body_of(t, "store_cert");

        in->type = type;
        in->certificate = (ProtobufCBinaryData){ certificate->n, certificate->p };
}

static void fill_store_owner(struct trial *t)
{
        store(t, 4, &t->world->owner_certificate);
}

/* After the owner's, where the caller may store that. */
static void fill_store_partition(struct trial *t)
{
        (void)caller_store_cert(t->me, 4, buf_slice(&t->world->owner_certificate));
        store(t, 8, &t->world->partition_certificate);
}

/* ---- login and users ---- */

static void fill_login(struct trial *t)
{
        Chsm__LoginRequest *in = body_of(t, "login");

        in->role = t->activated ? 1 : 6;
        in->user = text_of(t->activated ? STRANGER : "admin");
        in->password = bytes_of(t->activated ? PASSWORD : "tenantadmin");
}

static void fill_create_user(struct trial *t)
{
        Chsm__CreateUserRequest *in = body_of(t, "create_user");

        snprintf(t->name, sizeof(t->name), "other%u", ++t->world->names);
        in->role = 1;
        in->user = t->name;
        in->password = bytes_of(PASSWORD);
}

static void fill_delete_user(struct trial *t)
{
        Chsm__DeleteUserRequest *in = body_of(t, "delete_user");

        in->role = 1;
        in->user = fresh_user(t);
}

static void fill_change_own_password(struct trial *t)
{
        Chsm__ChangePasswordRequest *in = body_of(t, "change_password");
        bool admin = strcmp(t->user, "admin") == 0;

        in->role = !t->activated ? 6 : admin ? 2 : t->me->user_id == 2 ? 5 : 1;
        in->user = text_of(t->user[0] ? t->user : STRANGER);
        in->password = bytes_of(admin ? "admin1234" : PASSWORD);
}

static void fill_change_other_password(struct trial *t)
{
        Chsm__ChangePasswordRequest *in = body_of(t, "change_password");

        in->role = 1;
        in->user = fresh_user(t);
        in->password = bytes_of("another1234");
}

static void fill_unlock_user(struct trial *t)
{
        Chsm__UnlockUserRequest *in = body_of(t, "unlock_user");
        struct caller guess = caller_new(t->hsm);

        in->user = fresh_user(t);
        for (int i = 0; t->activated && i < 5; i++)
                (void)caller_login(&guess, 1, in->user, "guess1234");
}

static void fill_authorise(struct trial *t)
{
        Chsm__AuthoriseRequest *in = body_of(t, "authorise");

        in->password = bytes_of(PASSWORD);
        in->key = &t->world->asking.ref;
        in->operation = 2;
}

/* ---- objects ---- */

static void fill_generate_key(struct trial *t)
{
        Chsm__GenerateKeyRequest *in = body_of(t, "generate_key");

        in->mechanism = mechanism_of(t, CKM_AES_KEY_GEN);
        add_number(&t->attributes, CKA_VALUE_LEN, 32);
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

static void fill_generate_key_pair(struct trial *t)
{
        Chsm__GenerateKeyPairRequest *in = body_of(t, "generate_key_pair");

        in->mechanism = mechanism_of(t, CKM_EC_KEY_PAIR_GEN);
        add_bytes(&t->attributes, CKA_EC_PARAMS, slice_of(hsm_p256, sizeof(hsm_p256)));
        attributes_lend(&t->attributes, &in->public_template, &in->n_public_template);
}

static void fill_create_object(struct trial *t)
{
        Chsm__CreateObjectRequest *in = body_of(t, "create_object");

        add_number(&t->attributes, CKA_CLASS, CKO_DATA);
        add_bytes(&t->attributes, CKA_VALUE, SLICE_LIT("data"));
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

static void fill_copy_object(struct trial *t)
{
        ((Chsm__CopyObjectRequest *)body_of(t, "copy_object"))->object = &t->world->aes.ref;
}

static void fill_destroy_object(struct trial *t)
{
        ((Chsm__DestroyObjectRequest *)body_of(t, "destroy_object"))->object = &fresh_key(t)->ref;
}

static void fill_get_attributes(struct trial *t)
{
        ((Chsm__GetAttributesRequest *)body_of(t, "get_attributes"))->object = &t->world->aes.ref;
}

static void fill_get_public_attributes(struct trial *t)
{
        ((Chsm__GetAttributesRequest *)body_of(t, "get_attributes"))->object = &t->world->pub.ref;
}

static void fill_set_attributes(struct trial *t)
{
        Chsm__SetAttributesRequest *in = body_of(t, "set_attributes");

        in->object = &fresh_key(t)->ref;
        add_bytes(&t->attributes, CKA_LABEL, SLICE_LIT("new"));
        attributes_lend(&t->attributes, &in->attributes, &in->n_attributes);
}

static void fill_set_trusted(struct trial *t)
{
        Chsm__SetAttributesRequest *in = body_of(t, "set_attributes");

        in->object = &fresh_key(t)->ref;
        add_bool(&t->attributes, CKA_TRUSTED, true);
        attributes_lend(&t->attributes, &in->attributes, &in->n_attributes);
}

static void fill_object_info(struct trial *t)
{
        ((Chsm__ObjectInfoRequest *)body_of(t, "object_info"))->object = &t->world->aes.ref;
}

static void fill_rotate(struct trial *t)
{
        ((Chsm__RotateKeyRequest *)body_of(t, "rotate_key"))->key = &fresh_key(t)->ref;
}

/* The current version, which the owner may not retire. */
static void fill_retire(struct trial *t)
{
        ((Chsm__RetireKeyRequest *)body_of(t, "retire_key"))->key = &fresh_key(t)->ref;
}

static void share(struct trial *t, bool on)
{
        Chsm__ShareObjectRequest *in = body_of(t, "share_object");
        struct caller other = { .user_id = 1 };

        if (t->activated)
                other = caller_cu(t->hsm, on ? STRANGER : SHARER);
        in->handle = fresh_key(t)->ref.handle;
        in->user = other.user_id;
        in->share = on;
}

static void fill_share(struct trial *t)
{
        share(t, true);
}

static void fill_unshare(struct trial *t)
{
        share(t, false);
}

#include "role_requests_use.c"

/* ---- logs and policy ---- */

static void fill_audit_records(struct trial *t)
{
        ((Chsm__AuditRecordsRequest *)body_of(t, "audit_records"))->chain = text_of("mgmt-00");
}

static void fill_set_audit_udd(struct trial *t)
{
        ((Chsm__SetAuditUddRequest *)body_of(t, "set_audit_udd"))->text = text_of("CHG-1234");
}

static void fill_audit_purge(struct trial *t)
{
        ((Chsm__AuditPurgeRequest *)body_of(t, "audit_purge"))->before_ms = 1;
}

static void fill_set_policy(struct trial *t)
{
        Chsm__SetPolicyRequest *in = body_of(t, "set_policy");

        in->name = text_of("profile");
        in->value = text_of("documented");
}

#include "role_quorum.c"
#include "role_mask.c"
#include "role_users.c"

static void fill_set_config(struct trial *t)
{
        Chsm__SetConfigRequest *in = body_of(t, "set_config");

        in->name = text_of("lock_after");
        in->value = 5;
}

static void fill_remove_node(struct trial *t)
{
        Chsm__RemoveNodeRequest *in = body_of(t, "remove_node");

        in->number = 9; /* there is none */
}

struct role_request {
        const char *name; /* of the command; or command:case */
        void (*fill)(struct trial *);
        bool alone; /* where it is done, nothing is as before: it gets an HSM of its own */
};

static const struct role_request role_requests[] = {
        { .name = "hello" },
        { .name = "node_info" },
        { .name = "partition_info" },
        { .name = "cluster_info" },
        { "get_cert", fill_get_cert, false },
        { .name = "cert_request" },
        { "store_cert:4", fill_store_owner, true },
        { "store_cert:8", fill_store_partition, true },
        { .name = "mechanisms" },
        { "login", fill_login, false },
        { .name = "logout" },
        { .name = "list_users" },
        { "create_user", fill_create_user, false },
        { "delete_user", fill_delete_user, false },
        { "change_password:own", fill_change_own_password, true },
        { "change_password:other", fill_change_other_password, false },
        { "unlock_user", fill_unlock_user, false },
        { "authorise", fill_authorise, false },
        { "generate_key", fill_generate_key, false },
        { "generate_key_pair", fill_generate_key_pair, false },
        { "create_object", fill_create_object, false },
        { "copy_object", fill_copy_object, false },
        { "destroy_object", fill_destroy_object, false },
        { "get_attributes:private", fill_get_attributes, false },
        { "get_attributes:public", fill_get_public_attributes, false },
        { "set_attributes:label", fill_set_attributes, false },
        { "set_attributes:trusted", fill_set_trusted, false },
        { .name = "find_objects" },
        { "object_info", fill_object_info, false },
        { "rotate_key", fill_rotate, false },
        { "retire_key", fill_retire, false },
        { "share_object:share", fill_share, false },
        { "share_object:unshare", fill_unshare, false },
        { .name = "find_all_keys" },
        { .name = "retire_context" },
        { "sign", fill_sign, false },
        { "verify", fill_verify, false },
        { "sign_recover", fill_sign_recover, false },
        { "verify_recover", fill_verify_recover, false },
        { "encrypt", fill_encrypt, false },
        { "decrypt", fill_decrypt, false },
        { "digest", fill_digest, false },
        { "wrap_key:owner's", fill_wrap_key, false },
        { "wrap_key:own", fill_wrap_own_key, false },
        { "unwrap_key", fill_unwrap_key, false },
        { "import_key", fill_import_key, false },
        { "split_key", fill_split_key, false },
        { "join_key", fill_join_key, false },
        { "derive_key", fill_derive_key, false },
        { "random", fill_random, false },
        { "seed_random", fill_seed_random, false },
        { "stream_open:digest", fill_stream_digest, false },
        { "stream_open:sign", fill_stream_sign, false },
        { "stream_part", fill_stream_part, false },
        { .name = "audit_heads" },
        { "audit_records", fill_audit_records, false },
        { .name = "get_policy" },
        { "set_policy", fill_set_policy, false },
        { .name = "audit_keys" },
        { .name = "get_config" },
        { "set_config", fill_set_config, false },
        { "remove_node", fill_remove_node, false },
        { "set_user_rights", fill_set_user_rights, false },
        { "disable_user_access", fill_disable_user_access, true },
        { "user_info", fill_user_info, false },
        { "get_m_value", fill_get_m_value, false },
        { "set_m_value", fill_set_m_value, false },
        { "register_quorum_key", fill_register_quorum_key, false },
        { "get_token:officer's", fill_get_officers_token, false },
        { "get_token:key's", fill_get_key_token, false },
        { "approve_token", fill_approve_token, false },
        { .name = "list_tokens" },
        { "delete_token", fill_delete_token, false },
        { .name = "get_token_timeout" },
        { "set_token_timeout", fill_set_token_timeout, false },
        { "auth_challenge", fill_auth_challenge, false },
        { "set_auth_key:own", fill_own_auth_key, true },
        { "set_auth_key:other", fill_other_auth_key, false },
        { .name = "list_auth_keys" },
        { "extract_masked:key", fill_extract_key, false },
        { "extract_masked:user", fill_extract_user, false },
        { "insert_masked:key", fill_insert_key, false },
        { .name = "open_backup" },
        { "read_backup", fill_read_backup, false },
        { .name = "open_restore" },
        { "write_restore", fill_write_restore, false },
        { "plan_restore", fill_plan_restore, false },
        { "commit_restore", fill_commit_restore, false },
        { .name = "get_audit_udd" },
        { "set_audit_udd", fill_set_audit_udd, false },
        { .name = "audit_export" },
        { "audit_purge", fill_audit_purge, false },
        { "encapsulate_key", fill_encapsulate_key, false },
        { "decapsulate_key", fill_decapsulate_key, false },
        { "get_challenge", fill_get_challenge, false },
        { "unlock_officer", fill_unlock_officer, true },
        { "change_owner", fill_change_owner, false },
        { "state_hash:users", fill_hash_users, false },
        { "state_hash:keys", fill_hash_keys, false },
        { "rename_officer", fill_rename_officer, true },
        { .name = "region_info" },
        { .name = "region_join" },
        { .name = "region_snapshot" },
        { .name = "region_read" },
        { .name = "region_feed" },
        { .name = "region_promote" },
        { .name = "region_meet" },
        { .name = "region_demote" },
        { .name = "region_unseen" },
};
#define ROLE_REQUESTS (sizeof(role_requests) / sizeof(role_requests[0]))
