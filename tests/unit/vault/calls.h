/* Requests about objects and keys, as functions. Each returns the CKR_ value. */
#ifndef CHSM_TESTS_VAULT_CALLS_H
#define CHSM_TESTS_VAULT_CALLS_H

#include "hsm.h"

/* What a use gave. */
struct given {
        uint8_t p[4096];
        size_t n;
};

uint32_t create_object(struct caller *, struct attributes *, struct named *);
uint32_t copy_object(struct caller *, struct named *, struct attributes *, struct named *);
uint32_t share_object(struct caller *, struct named *, uint64_t user, bool on);
uint32_t use_sign(struct caller *, struct named *, uint64_t mechanism, struct given *signature);
uint32_t use_verify(struct caller *, struct named *, uint64_t mechanism, const struct given *signature);
/* AES-ECB of one block. */
uint32_t use_encrypt(struct caller *, struct named *, struct given *);
uint32_t use_decrypt(struct caller *, struct named *, struct given *);
/* AES key wrap of a secret key. */
uint32_t use_wrap(struct caller *, struct named *wrapping, struct named *key, struct given *);
uint32_t use_unwrap(struct caller *, struct named *unwrapping, const struct given *, struct attributes *,
                    struct named *);
/* ECDH with a P-256 point: an AES session key. */
uint32_t use_derive(struct caller *, struct named *base, struct slice point, struct named *);
/* An attribute as one byte; 0xff: the object does not have it or does not show it. */
uint8_t flag_of(struct caller *, struct named *, uint64_t type);
/* The CKR_ value of one boolean set. */
uint32_t set_bool(struct caller *, struct named *, uint64_t type, bool);

#endif
