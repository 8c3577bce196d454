/* Every command, once. Numbers of opcodes that the documentation leaves unknown are 0x100 + the body's
 * number. A row without an operation name is not recorded (spec/semantics.md 17). */
#include "vault/core.h"
#include "vault/commit.h"
#include "vault/backup.h"
#include "vault/mask.h"

#define NOBODY (1u << VAULT_NOBODY)
#define CU     (1u << VAULT_CU)
#define CO     (1u << VAULT_CO)
#define AU     (1u << VAULT_AU)
#define PRECO  (1u << VAULT_PRECO)
#define LET_IN (1u << VAULT_RECOVERED)
#define USERS  (CU | CO | AU | PRECO | LET_IN)
#define ANYONE (NOBODY | USERS)

#define ACTIVE (1u << VAULT_ACTIVATED)
#define OWNED  (ACTIVE | 1u << VAULT_OWNED)
#define ALWAYS (OWNED | 1u << VAULT_UNOWNED)

#define UNOWNED (1u << VAULT_UNOWNED)

#define ROW(number, command, recorded, code, who, when, changes, in_store, where, function)                  \
        [number] = { .body = number,                                                                         \
                     .name = #command,                                                                       \
                     .operation = recorded,                                                                  \
                     .opcode = code,                                                                         \
                     .roles = who,                                                                           \
                     .states = when,                                                                         \
                     .mutating = changes,                                                                    \
                     .audited = in_store,                                                                    \
                     .cost = where,                                                                          \
                     .handler = function }

/* By body number. */
static const struct vault_command rows[] = {
        ROW(10, hello, NULL, 0x10a, ANYONE, ALWAYS, false, false, VAULT_INLINE, vault_hello),
        ROW(11, node_info, "CN_TOKEN_INFO", 0x10b, ANYONE, ALWAYS, false, false, VAULT_INLINE,
            vault_node_info),
        ROW(12, partition_info, "CN_PARTITION_INFO", 0x10c, ANYONE, ALWAYS, false, false, VAULT_INLINE,
            vault_partition_info),
        ROW(13, cluster_info, NULL, 0x10d, ANYONE, ALWAYS, false, false, VAULT_INLINE, vault_cluster_info),
        ROW(14, get_cert, "CN_GET_CERT", 0x10e, ANYONE, ALWAYS, false, false, VAULT_INLINE, vault_get_cert),
        ROW(15, cert_request, "CN_GET_CERT_REQ", 0x10f, ANYONE, ALWAYS, false, false, VAULT_INLINE,
            vault_cert_request),
        ROW(16, store_cert, "CN_CERT_AUTH_STORE_CERT", 0x110, PRECO, ALWAYS, true, true, VAULT_COMMIT,
            vault_store_cert),
        ROW(17, mechanisms, NULL, 0x111, ANYONE, ALWAYS, false, false, VAULT_INLINE, vault_mechanisms),
        ROW(20, login, "CN_LOGIN", 0xd, ANYONE, ALWAYS, false, true, VAULT_SLOW, vault_login_user),
        ROW(21, logout, "CN_LOGOUT", 0xe, USERS, ALWAYS, false, false, VAULT_INLINE, vault_logout),
        ROW(22, list_users, "CN_LIST_USERS", 0x116, ANYONE, ALWAYS, false, false, VAULT_INLINE,
            vault_list_users),
        ROW(23, create_user, "CN_CREATE_USER", 0x3, CO, ACTIVE, true, true, VAULT_SLOW, vault_create_user),
        ROW(24, delete_user, "CN_DELETE_USER", 0xa1, CO, ACTIVE, true, true, VAULT_COMMIT, vault_delete_user),
        ROW(25, change_password, "CN_CHANGE_PSWD", 0x9, PRECO | CO | CU | LET_IN, OWNED, true, true,
            VAULT_SLOW, vault_change_password),
        ROW(26, unlock_user, "CN_UNLOCK_USER", 0x11a, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_unlock_user),
        ROW(27, authorise, "CN_LOGIN", 0x11b, CU, ACTIVE, false, true, VAULT_SLOW, vault_authorise),
        ROW(30, generate_key, "CN_GENERATE_KEY", 0x17, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_generate_key),
        ROW(31, generate_key_pair, "CN_GENERATE_KEY_PAIR", 0x19, CU, ACTIVE, true, true, VAULT_SLOW,
            vault_generate_key_pair),
        ROW(32, create_object, "CN_CREATE_OBJECT", 0x120, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_create_object),
        ROW(33, copy_object, "CN_COPY_OBJECT", 0x121, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_copy_object),
        ROW(34, destroy_object, "CN_TOMBSTONE_OBJECT", 0x11, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_destroy_object),
        ROW(35, get_attributes, "CN_GET_ATTRIBUTE_VALUE", 0x123, NOBODY | CU, ACTIVE, false, false,
            VAULT_INLINE, vault_get_attributes),
        ROW(36, set_attributes, "CN_MODIFY_OBJECT", 0x124, CU | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_attributes),
        ROW(37, find_objects, "CN_FIND_OBJECTS_USING_COUNT", 0x125, NOBODY | CU, ACTIVE, false, false,
            VAULT_INLINE, vault_find_objects),
        ROW(38, object_info, "CN_GET_OBJECT_INFO", 0x126, CU, ACTIVE, false, false, VAULT_INLINE,
            vault_object_info),
        ROW(39, share_object, "CN_SHARE_OBJECT", 0x12, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_share_object),
        ROW(40, find_all_keys, "CN_FIND_ALL_KEYS", 0x128, CO | AU, ACTIVE, false, false, VAULT_INLINE,
            vault_find_all_keys),
        ROW(41, retire_context, "CN_CLOSE_SESSION", 0x129, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_retire_context),
        ROW(50, sign, "CN_SIGN", 0x132, CU, ACTIVE, false, false, VAULT_INLINE, vault_sign),
        ROW(51, verify, "CN_VERIFY", 0x133, CU, ACTIVE, false, false, VAULT_INLINE, vault_verify),
        ROW(52, sign_recover, "CN_SIGN_RECOVER", 0x134, CU, ACTIVE, false, false, VAULT_INLINE,
            vault_sign_recover),
        ROW(53, verify_recover, "CN_VERIFY_RECOVER", 0x135, CU, ACTIVE, false, false, VAULT_INLINE,
            vault_verify_recover),
        ROW(54, encrypt, "CN_ENCRYPT", 0x136, CU, ACTIVE, false, false, VAULT_INLINE, vault_encrypt),
        ROW(55, decrypt, "CN_DECRYPT", 0x137, CU, ACTIVE, false, false, VAULT_INLINE, vault_decrypt),
        ROW(56, digest, "CN_DIGEST", 0x138, NOBODY | CU, ACTIVE, false, false, VAULT_INLINE, vault_digest),
        ROW(57, wrap_key, "CN_WRAP_KEY", 0x1a, CU, ACTIVE, true, true, VAULT_COMMIT, vault_wrap_key),
        ROW(58, unwrap_key, "CN_UNWRAP_KEY", 0x1b, CU, ACTIVE, true, true, VAULT_COMMIT, vault_unwrap_key),
        ROW(170, import_key, "CN_UNWRAP_KEY", 0x1aa, CU, ACTIVE, true, true, VAULT_COMMIT, vault_import_key),
        ROW(171, split_key, "CN_SPLIT_KEY", 0x1ab, CU, ACTIVE, true, true, VAULT_COMMIT, vault_split_key),
        ROW(172, join_key, "CN_JOIN_KEY", 0x1ac, CU, ACTIVE, true, true, VAULT_COMMIT, vault_join_key),
        ROW(173, remove_node, "CN_REMOVE_NODE", 0x1ad, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_remove_node),
        ROW(59, derive_key, "CN_DERIVE_KEY", 0x13b, CU, ACTIVE, true, true, VAULT_COMMIT, vault_derive_key),
        ROW(60, random, "CN_FIPS_RAND", 0x13c, NOBODY | CU, ACTIVE, false, false, VAULT_INLINE, vault_random),
        ROW(61, seed_random, "CN_SEED_RANDOM", 0x13d, NOBODY | CU, ACTIVE, false, false, VAULT_INLINE,
            vault_seed_random),
        ROW(62, stream_open, "CN_STREAM_OPEN", 0x13e, NOBODY | CU, ACTIVE, false, false, VAULT_INLINE,
            vault_stream_open),
        ROW(63, stream_part, "CN_STREAM_PART", 0x13f, NOBODY | CU, ACTIVE, false, false, VAULT_COMMIT,
            vault_stream_part),
        ROW(70, audit_heads, "CN_AUDIT_HEADS", 0x146, CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_audit_heads),
        ROW(71, audit_records, "CN_AUDIT_RECORDS", 0x147, CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_audit_records),
        ROW(80, get_policy, "CN_GET_POLICY", 0x150, ANYONE, ALWAYS, false, false, VAULT_INLINE,
            vault_get_policy),
        ROW(81, set_policy, "CN_SET_POLICY", 0x151, PRECO | CO, OWNED, true, true, VAULT_COMMIT,
            vault_set_policy),
        ROW(82, audit_keys, "CN_AUDIT_KEYS", 0x152, CU | CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_audit_keys),
        ROW(92, set_user_rights, "CN_MODIFY_USER", 0x15c, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_user_rights),
        ROW(93, disable_user_access, "CN_DISABLE_USER_ACCESS", 0x15d, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_disable_user_access),
        ROW(94, user_info, "CN_GET_USER_INFO", 0x15e, CU | CO, ACTIVE, false, false, VAULT_INLINE,
            vault_user_info),
        ROW(95, get_challenge, "CN_GET_CHALLENGE", 0x15f, NOBODY | CO, ACTIVE, false, false, VAULT_SLOW,
            vault_get_challenge),
        ROW(96, unlock_officer, "CN_UNLOCK_CO", 0x160, NOBODY | CO, ACTIVE, false, true, VAULT_COMMIT,
            vault_unlock_officer),
        ROW(97, change_owner, "CN_MODIFY_KEY_OWNER", 0x161, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_change_owner),
        ROW(98, state_hash, "CN_STATE_HASH", 0x162, CU | CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_state_hash),
        ROW(99, rename_officer, "CN_RENAME_PCO", 0x163, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_rename_officer),
        ROW(100, get_m_value, "CN_GET_M_VALUE", 0x164, CO, ACTIVE, false, false, VAULT_INLINE,
            vault_get_m_value),
        ROW(101, set_m_value, "CN_SET_M_VALUE", 0x165, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_m_value),
        ROW(102, register_quorum_key, "CN_REGISTER_QUORUM_PUB_KEY", 0x166, CU | CO, ACTIVE, true, true,
            VAULT_COMMIT, vault_register_quorum_key),
        ROW(103, get_token, "CN_GET_TOKEN", 0x167, CU | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_get_token),
        ROW(104, approve_token, "CN_APPROVE_TOKEN", 0x168, CU | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_approve_token),
        ROW(105, list_tokens, "CN_LIST_TOKENS", 0x169, CU | CO, ACTIVE, false, false, VAULT_COMMIT,
            vault_list_tokens),
        ROW(106, delete_token, "CN_DELETE_TOKEN", 0x16a, CU | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_delete_token),
        ROW(107, get_token_timeout, "CN_GET_TOKEN_TIMEOUT", 0x16b, CU | CO, ACTIVE, false, false,
            VAULT_INLINE, vault_get_token_timeout),
        ROW(108, set_token_timeout, "CN_SET_TOKEN_TIMEOUT", 0x16c, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_token_timeout),
        ROW(109, auth_challenge, "CN_AUTH_CHALLENGE", 0x16d, ANYONE, ACTIVE, false, false, VAULT_INLINE,
            vault_auth_challenge),
        ROW(110, set_auth_key, "CN_SET_USER_AUTH_PUB_KEY", 0x16e, CU | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_auth_key),
        ROW(111, list_auth_keys, "CN_LIST_USER_AUTH_PUB_KEYS", 0x16f, ANYONE, ACTIVE, false, false,
            VAULT_INLINE, vault_list_auth_keys),
        ROW(120, extract_masked, "CN_EXTRACT_MASKED_OBJECT_USER", 0xf0, CU | CO | AU, ACTIVE, true, true,
            VAULT_COMMIT, vault_extract_masked),
        ROW(121, insert_masked, "CN_INSERT_MASKED_OBJECT_USER", 0xf1, CU | CO | AU, ACTIVE, true, true,
            VAULT_COMMIT, vault_insert_masked),
        ROW(122, open_backup, "CN_BACKUP", 0x17a, CU | CO | AU, ACTIVE, true, true, VAULT_SLOW,
            vault_open_backup),
        ROW(123, read_backup, NULL, 0x17b, CU | CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_read_backup),
        ROW(124, open_restore, "CN_RESTORE_OPEN", 0x17c, PRECO, UNOWNED, false, false, VAULT_COMMIT,
            vault_open_restore),
        ROW(125, write_restore, NULL, 0x17d, PRECO, UNOWNED, false, false, VAULT_COMMIT, vault_write_restore),
        ROW(126, plan_restore, "CN_RESTORE_PLAN", 0x17e, PRECO, UNOWNED, false, false, VAULT_SLOW,
            vault_plan_restore),
        ROW(127, commit_restore, "CN_RESTORE", 0x17f, PRECO, UNOWNED, false, false, VAULT_SLOW,
            vault_commit_restore),
        ROW(140, rotate_key, "CN_ROTATE_KEY", 0x18c, CU, ACTIVE, true, true, VAULT_SLOW, vault_rotate_key),
        ROW(141, retire_key, "CN_RETIRE_KEY", 0x18d, CU, ACTIVE, true, true, VAULT_COMMIT, vault_retire_key),
        ROW(150, get_audit_udd, "CN_GET_AUDIT_UDD", 0x196, CU | CO | AU, ACTIVE, false, false, VAULT_INLINE,
            vault_get_audit_udd),
        ROW(151, set_audit_udd, "CN_SET_AUDIT_UDD", 0x197, CU | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_audit_udd),
        ROW(152, audit_export, "CN_AUDIT_EXPORT", 0x198, CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_audit_export),
        ROW(153, audit_purge, "CN_AUDIT_PURGE", 0x199, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_audit_purge),
        ROW(155, get_config, "CN_GET_HSM_CONFIG", 0x19b, CO | AU, ACTIVE, false, false, VAULT_INLINE,
            vault_get_config),
        ROW(156, set_config, "CN_SET_HSM_CONFIG", 0x19c, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_set_config),
        ROW(165, encapsulate_key, "CN_ENCAPSULATE_KEY", 0x1a5, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_encapsulate_key),
        ROW(166, decapsulate_key, "CN_DECAPSULATE_KEY", 0x1a6, CU, ACTIVE, true, true, VAULT_COMMIT,
            vault_decapsulate_key),
        ROW(185, region_info, NULL, 0x1b9, ANYONE, ALWAYS, false, false, VAULT_INLINE, vault_region_info),
        ROW(186, region_join, "CN_REGION_JOIN", 0x1ba, NOBODY, ACTIVE, false, true, VAULT_SLOW,
            vault_region_join),
        ROW(187, region_snapshot, "CN_REGION_SNAPSHOT", 0x1bb, NOBODY, ACTIVE, false, false, VAULT_SLOW,
            vault_region_snapshot),
        ROW(188, region_read, NULL, 0x1bc, NOBODY, ACTIVE, false, false, VAULT_COMMIT,
            vault_region_read_part),
        ROW(189, region_feed, NULL, 0x1bd, NOBODY, ACTIVE, false, false, VAULT_COMMIT, vault_region_feed),
        ROW(190, region_promote, "CN_REGION_PROMOTE", 0x1be, NOBODY | CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_region_promote),
        ROW(191, region_meet, NULL, 0x1bf, NOBODY, ACTIVE, false, false, VAULT_COMMIT, vault_region_hear),
        ROW(192, region_demote, "CN_REGION_DEMOTE", 0x1c0, CO, ACTIVE, true, true, VAULT_COMMIT,
            vault_region_demote),
        ROW(193, region_unseen, "CN_REGION_UNSEEN", 0x1c1, CO | AU, ACTIVE, false, false, VAULT_COMMIT,
            vault_region_list_unseen),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS <= VAULT_COMMANDS_MAX, "each command has a counter");

const struct vault_command *vault_command_find(uint32_t body)
{
        return body < ROWS && rows[body].handler ? &rows[body] : NULL;
}

const struct vault_command *vault_command_at(size_t i)
{
        for (size_t body = 0; body < ROWS; body++) {
                if (rows[body].handler && i-- == 0)
                        return &rows[body];
        }
        return NULL;
}
