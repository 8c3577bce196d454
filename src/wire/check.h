/* The checks behind wire_rows.c: lengths and ranges of each request's fields. What a value means is the
 * vault's business; here nothing may be larger, emptier or stranger than the protocol says. */
#ifndef CHSM_WIRE_CHECK_H
#define CHSM_WIRE_CHECK_H

#include "wire/frame.h"

#define WIRE_NAME_MAX     64
#define WIRE_PASSWORD_MAX 256
#define WIRE_TEMPLATE_MAX 256 /* attributes */
#define WIRE_VALUE_MAX    (64 * 1024)
#define WIRE_SEALED_MAX   (128 * 1024)
#define WIRE_DERIVED_MAX  32
#define WIRE_SHARES_MAX   1024
#define WIRE_CERT_MAX     (16 * 1024)
#define WIRE_PERSON_MAX   2048 /* a public key or signature of a person */
#define WIRE_TOKENS_MAX   (16 * 1024)
#define WIRE_UDD_MAX      256
#define WIRE_RANDOM_MAX   (1024 * 1024)

bool wire_check_hello(const Chsm__Request *, struct err *);
bool wire_check_store_cert(const Chsm__Request *, struct err *);
bool wire_check_login(const Chsm__Request *, struct err *);
bool wire_check_authorise(const Chsm__Request *, struct err *);
bool wire_check_create_user(const Chsm__Request *, struct err *);
bool wire_check_delete_user(const Chsm__Request *, struct err *);
bool wire_check_change_password(const Chsm__Request *, struct err *);
bool wire_check_unlock_user(const Chsm__Request *, struct err *);
bool wire_check_generate_key(const Chsm__Request *, struct err *);
bool wire_check_generate_key_pair(const Chsm__Request *, struct err *);
bool wire_check_create_object(const Chsm__Request *, struct err *);
bool wire_check_copy_object(const Chsm__Request *, struct err *);
bool wire_check_destroy_object(const Chsm__Request *, struct err *);
bool wire_check_get_attributes(const Chsm__Request *, struct err *);
bool wire_check_set_attributes(const Chsm__Request *, struct err *);
bool wire_check_find_objects(const Chsm__Request *, struct err *);
bool wire_check_object_info(const Chsm__Request *, struct err *);
bool wire_check_rotate_key(const Chsm__Request *, struct err *);
bool wire_check_retire_key(const Chsm__Request *, struct err *);
bool wire_check_sign(const Chsm__Request *, struct err *);
bool wire_check_verify(const Chsm__Request *, struct err *);
bool wire_check_sign_recover(const Chsm__Request *, struct err *);
bool wire_check_verify_recover(const Chsm__Request *, struct err *);
bool wire_check_encrypt(const Chsm__Request *, struct err *);
bool wire_check_decrypt(const Chsm__Request *, struct err *);
bool wire_check_digest(const Chsm__Request *, struct err *);
bool wire_check_wrap_key(const Chsm__Request *, struct err *);
bool wire_check_unwrap_key(const Chsm__Request *, struct err *);
bool wire_check_import_key(const Chsm__Request *, struct err *);
bool wire_check_split_key(const Chsm__Request *, struct err *);
bool wire_check_join_key(const Chsm__Request *, struct err *);
bool wire_check_derive_key(const Chsm__Request *, struct err *);
bool wire_check_encapsulate_key(const Chsm__Request *, struct err *);
bool wire_check_decapsulate_key(const Chsm__Request *, struct err *);
bool wire_check_random(const Chsm__Request *, struct err *);
bool wire_check_stream_open(const Chsm__Request *, struct err *);
bool wire_check_stream_part(const Chsm__Request *, struct err *);
bool wire_check_audit_records(const Chsm__Request *, struct err *);
bool wire_check_set_user_rights(const Chsm__Request *, struct err *);
bool wire_check_disable_user_access(const Chsm__Request *, struct err *);
bool wire_check_user_info(const Chsm__Request *, struct err *);
bool wire_check_get_challenge(const Chsm__Request *, struct err *);
bool wire_check_unlock_officer(const Chsm__Request *, struct err *);
bool wire_check_change_owner(const Chsm__Request *, struct err *);
bool wire_check_rename_officer(const Chsm__Request *, struct err *);
bool wire_check_set_policy(const Chsm__Request *, struct err *);
bool wire_check_set_config(const Chsm__Request *, struct err *);
bool wire_check_register_quorum_key(const Chsm__Request *, struct err *);
bool wire_check_get_token(const Chsm__Request *, struct err *);
bool wire_check_approve_token(const Chsm__Request *, struct err *);
bool wire_check_auth_challenge(const Chsm__Request *, struct err *);
bool wire_check_set_auth_key(const Chsm__Request *, struct err *);
bool wire_check_delete_token(const Chsm__Request *, struct err *);
bool wire_check_set_audit_udd(const Chsm__Request *, struct err *);

#endif
