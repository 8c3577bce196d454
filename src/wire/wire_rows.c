/* What the wire knows of each request body; one row each, ascending by field number. */
#include "wire/check.h"
#include "wire/check_backup.h"
#include "wire/check_region.h"

#define BODY(upper, text) .body = CHSM__REQUEST__BODY_##upper, .name = text

static const struct wire_row rows[] = {
        { BODY(HELLO, "hello"), .before_login = true, .check = wire_check_hello },
        { BODY(NODE_INFO, "node_info"), .before_login = true },
        { BODY(PARTITION_INFO, "partition_info"), .before_login = true },
        { BODY(CLUSTER_INFO, "cluster_info"), .before_login = true },
        { BODY(GET_CERT, "get_cert"), .before_login = true },
        { BODY(CERT_REQUEST, "cert_request"), .before_login = true },
        { BODY(STORE_CERT, "store_cert"), .mutating = true, .check = wire_check_store_cert },
        { BODY(MECHANISMS, "mechanisms"), .before_login = true },
        { BODY(LOGIN, "login"), .before_login = true, .mutating = true, .check = wire_check_login },
        { BODY(LOGOUT, "logout"), .mutating = true },
        { BODY(LIST_USERS, "list_users"), .before_login = true, .use = true },
        { BODY(CREATE_USER, "create_user"), .mutating = true, .check = wire_check_create_user },
        { BODY(DELETE_USER, "delete_user"), .mutating = true, .check = wire_check_delete_user },
        { BODY(CHANGE_PASSWORD, "change_password"), .mutating = true, .check = wire_check_change_password },
        { BODY(UNLOCK_USER, "unlock_user"), .mutating = true, .check = wire_check_unlock_user },
        { BODY(AUTHORISE, "authorise"), .mutating = true, .check = wire_check_authorise },
        { BODY(GENERATE_KEY, "generate_key"), .mutating = true, .check = wire_check_generate_key },
        { BODY(GENERATE_KEY_PAIR, "generate_key_pair"), .mutating = true,
          .check = wire_check_generate_key_pair },
        { BODY(CREATE_OBJECT, "create_object"), .mutating = true, .check = wire_check_create_object },
        { BODY(COPY_OBJECT, "copy_object"), .mutating = true, .check = wire_check_copy_object },
        { BODY(DESTROY_OBJECT, "destroy_object"), .mutating = true, .check = wire_check_destroy_object },
        { BODY(GET_ATTRIBUTES, "get_attributes"), .use = true, .check = wire_check_get_attributes },
        { BODY(SET_ATTRIBUTES, "set_attributes"), .mutating = true, .check = wire_check_set_attributes },
        { BODY(FIND_OBJECTS, "find_objects"), .use = true, .check = wire_check_find_objects },
        { BODY(OBJECT_INFO, "object_info"), .use = true, .check = wire_check_object_info },
        { BODY(SHARE_OBJECT, "share_object"), .mutating = true },
        { BODY(FIND_ALL_KEYS, "find_all_keys") },
        { BODY(RETIRE_CONTEXT, "retire_context"), .mutating = true },
        { BODY(SIGN, "sign"), .use = true, .check = wire_check_sign },
        { BODY(VERIFY, "verify"), .use = true, .check = wire_check_verify },
        { BODY(SIGN_RECOVER, "sign_recover"), .use = true, .check = wire_check_sign_recover },
        { BODY(VERIFY_RECOVER, "verify_recover"), .use = true, .check = wire_check_verify_recover },
        { BODY(ENCRYPT, "encrypt"), .use = true, .check = wire_check_encrypt },
        { BODY(DECRYPT, "decrypt"), .use = true, .check = wire_check_decrypt },
        { BODY(DIGEST, "digest"), .before_login = true, .use = true, .check = wire_check_digest },
        { BODY(WRAP_KEY, "wrap_key"), .mutating = true, .check = wire_check_wrap_key },
        { BODY(UNWRAP_KEY, "unwrap_key"), .mutating = true, .check = wire_check_unwrap_key },
        { BODY(DERIVE_KEY, "derive_key"), .mutating = true, .check = wire_check_derive_key },
        { BODY(RANDOM, "random"), .before_login = true, .use = true, .check = wire_check_random },
        { BODY(SEED_RANDOM, "seed_random"), .before_login = true },
        { BODY(STREAM_OPEN, "stream_open"), .before_login = true, .check = wire_check_stream_open },
        { BODY(STREAM_PART, "stream_part"), .before_login = true, .check = wire_check_stream_part },
        { BODY(AUDIT_HEADS, "audit_heads") },
        { BODY(AUDIT_RECORDS, "audit_records"), .check = wire_check_audit_records },
        { BODY(GET_POLICY, "get_policy"), .before_login = true },
        { BODY(SET_POLICY, "set_policy"), .mutating = true, .check = wire_check_set_policy },
        { BODY(AUDIT_KEYS, "audit_keys") },
        { BODY(SET_USER_RIGHTS, "set_user_rights"), .mutating = true, .check = wire_check_set_user_rights },
        { BODY(DISABLE_USER_ACCESS, "disable_user_access"), .mutating = true,
          .check = wire_check_disable_user_access },
        { BODY(USER_INFO, "user_info"), .use = true, .check = wire_check_user_info },
        { BODY(GET_CHALLENGE, "get_challenge"), .before_login = true, .check = wire_check_get_challenge },
        { BODY(UNLOCK_OFFICER, "unlock_officer"), .before_login = true, .check = wire_check_unlock_officer },
        { BODY(CHANGE_OWNER, "change_owner"), .mutating = true, .check = wire_check_change_owner },
        { BODY(STATE_HASH, "state_hash") },
        { BODY(RENAME_OFFICER, "rename_officer"), .mutating = true, .check = wire_check_rename_officer },
        { BODY(GET_M_VALUE, "get_m_value") },
        { BODY(SET_M_VALUE, "set_m_value"), .mutating = true },
        { BODY(REGISTER_QUORUM_KEY, "register_quorum_key"), .mutating = true,
          .check = wire_check_register_quorum_key },
        { BODY(GET_TOKEN, "get_token"), .mutating = true, .check = wire_check_get_token },
        { BODY(APPROVE_TOKEN, "approve_token"), .mutating = true, .check = wire_check_approve_token },
        { BODY(LIST_TOKENS, "list_tokens") },
        { BODY(DELETE_TOKEN, "delete_token"), .mutating = true, .check = wire_check_delete_token },
        { BODY(GET_TOKEN_TIMEOUT, "get_token_timeout") },
        { BODY(SET_TOKEN_TIMEOUT, "set_token_timeout"), .mutating = true },
        { BODY(AUTH_CHALLENGE, "auth_challenge"), .before_login = true, .check = wire_check_auth_challenge },
        { BODY(SET_AUTH_KEY, "set_auth_key"), .mutating = true, .check = wire_check_set_auth_key },
        { BODY(LIST_AUTH_KEYS, "list_auth_keys"), .before_login = true },
        { BODY(EXTRACT_MASKED, "extract_masked"), .mutating = true },
        { BODY(INSERT_MASKED, "insert_masked"), .mutating = true, .check = wire_check_insert_masked },
        { BODY(OPEN_BACKUP, "open_backup"), .mutating = true },
        { BODY(READ_BACKUP, "read_backup") },
        { BODY(OPEN_RESTORE, "open_restore") },
        { BODY(WRITE_RESTORE, "write_restore"), .check = wire_check_write_restore },
        { BODY(PLAN_RESTORE, "plan_restore") },
        { BODY(COMMIT_RESTORE, "commit_restore"), .check = wire_check_commit_restore },
        { BODY(ROTATE_KEY, "rotate_key"), .mutating = true, .check = wire_check_rotate_key },
        { BODY(RETIRE_KEY, "retire_key"), .mutating = true, .check = wire_check_retire_key },
        { BODY(GET_AUDIT_UDD, "get_audit_udd") },
        { BODY(SET_AUDIT_UDD, "set_audit_udd"), .mutating = true, .check = wire_check_set_audit_udd },
        { BODY(AUDIT_EXPORT, "audit_export") },
        { BODY(AUDIT_PURGE, "audit_purge"), .mutating = true },
        { BODY(GET_CONFIG, "get_config") },
        { BODY(SET_CONFIG, "set_config"), .mutating = true, .check = wire_check_set_config },
        { BODY(ENCAPSULATE_KEY, "encapsulate_key"), .mutating = true, .check = wire_check_encapsulate_key },
        { BODY(DECAPSULATE_KEY, "decapsulate_key"), .mutating = true, .check = wire_check_decapsulate_key },
        { BODY(IMPORT_KEY, "import_key"), .mutating = true, .check = wire_check_import_key },
        { BODY(SPLIT_KEY, "split_key"), .mutating = true, .check = wire_check_split_key },
        { BODY(JOIN_KEY, "join_key"), .mutating = true, .check = wire_check_join_key },
        { BODY(REMOVE_NODE, "remove_node"), .mutating = true },
        { BODY(REGION_INFO, "region_info"), .before_login = true },
        { BODY(REGION_JOIN, "region_join"), .before_login = true, .check = wire_check_region_join },
        { BODY(REGION_SNAPSHOT, "region_snapshot"), .before_login = true },
        { BODY(REGION_READ, "region_read"), .before_login = true, .check = wire_check_region_read },
        { BODY(REGION_FEED, "region_feed"), .before_login = true, .check = wire_check_region_feed },
        { BODY(REGION_PROMOTE, "region_promote"), .before_login = true, .mutating = true,
          .check = wire_check_region_promote },
        { BODY(REGION_MEET, "region_meet"), .before_login = true, .check = wire_check_region_meet },
        { BODY(REGION_DEMOTE, "region_demote"), .mutating = true },
        { BODY(REGION_UNSEEN, "region_unseen"), .check = wire_check_region_unseen },
};

const struct wire_row *wire_row_at(size_t i)
{
        return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const struct wire_row *wire_row_find(uint32_t body)
{
        size_t low = 0, high = sizeof(rows) / sizeof(rows[0]);

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (rows[middle].body == body)
                        return &rows[middle];
                if (rows[middle].body < body)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
