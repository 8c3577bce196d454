/* Attack sequences of the key rules, driven through the real module against a running node.
 *
 * A sequence is a function that is run twice: with session keys and with token keys. It makes keys in the
 * notation of the rules ("+EXTR -SENS": see attack_key), says what must be granted (MUST) and what must be
 * refused with which code (REFUSED), and compares what the attacker ends up with with the true key (KEPT).
 * After every refusal the harness itself checks that no object came into being, that the session works and
 * that the log of the module has one record with a reason.
 *
 * One program holds all groups: attacks GROUPS MODULE PIN, with commas. It prints TAP. The same program is
 * the second user and the second application: attacks GROUP MODULE PIN ROLE NUMBERS... (attack_other). */
#ifndef CHSM_TESTS_ATTACK_H
#define CHSM_TESTS_ATTACK_H

#include "ck/cryptoki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTACK_MADE_MAX 512

/* One run of one sequence. */
struct attack {
        const char *id;
        bool token; /* this run's keys are token objects */
        bool failed;
        CK_SESSION_HANDLE session;
        size_t objects;                         /* seen before the call that must be refused */
        long log_at;                            /* size of the module's log before it */
        char reason[400];                       /* what the log said of the last refusal */
        CK_OBJECT_HANDLE made[ATTACK_MADE_MAX]; /* token objects, deleted at the end */
        size_t made_n;
};

struct attack_row {
        const char *id, *words;
        void (*run)(struct attack *);
};
/* What another process does: a role of the group, with the numbers it was given. */
struct attack_role {
        const char *name;
        CK_RV (*run)(struct attack *, const CK_ULONG *numbers);
};
struct attack_group {
        const char *name;
        const struct attack_row *rows; /* ends with an empty one */
        const struct attack_role *roles;
        void (*before)(void); /* keys that many sequences share; may be NULL */
};
extern const struct attack_group group_wrap, group_trusted, group_template, group_derive, group_oracle,
    group_format, group_beyond, group_misuse, group_wire, group_other, group_rights, group_masked, group_life,
    group_consent;

extern CK_FUNCTION_LIST_PTR p11;
/* The partition has separate_roles=1: sequences of grade S are refused. */
extern bool attack_separate;
/* The partition is verified or strict: what the documented profile grants may be refused earlier. */
extern bool attack_verified;
/* The partition is strict: approved mechanisms only. What falls away with the others stands in attack.c. */
extern bool attack_strict;
/* An officer has asked for full strength (wrap_strength 2). */
extern bool attack_tight;

/* ---- attack.c ---- */

/* The call must be granted; else the sequence ends. */
#define MUST(a, call)                                                                                        \
        do {                                                                                                 \
                if (!attack_granted(a, #call, __LINE__, call))                                               \
                        return;                                                                              \
        } while (0)
/* The call must be refused with this code, or one of two; true when it was refused at all. */
#define REFUSED(a, code, call) (attack_before(a), attack_refused(a, #call, __LINE__, (call), code, code))
#define REFUSED2(a, one, other, call)                                                                        \
        (attack_before(a), attack_refused(a, #call, __LINE__, (call), one, other))
/* Grade S: refused so with separate_roles, granted without. True when the attack goes on. */
#define SEPARATE(a, code, call) (attack_before(a), attack_separated(a, #call, __LINE__, (call), code))
/* A key that the rules count as known to its owner: verified partitions make none
 * (CKR_TEMPLATE_INCONSISTENT), and the sequence ends there. */
#define EXPOSED(a, call)                                                                                     \
        do {                                                                                                 \
                if (!attack_exposed(a, #call, __LINE__, (attack_before(a), (call))))                         \
                        return;                                                                              \
        } while (0)
#define CHECK(a, truth) attack_check(a, #truth, __LINE__, truth)
#define WRONG(a, words) attack_check(a, words, __LINE__, false)

void attack_before(struct attack *);
bool attack_granted(struct attack *, const char *what, int line, CK_RV);
bool attack_refused(struct attack *, const char *what, int line, CK_RV, CK_RV one, CK_RV other);
bool attack_separated(struct attack *, const char *what, int line, CK_RV, CK_RV code);
bool attack_exposed(struct attack *, const char *what, int line, CK_RV);
bool attack_check(struct attack *, const char *what, int line, bool truth);
/* Is it offered? */
bool attack_offered(CK_MECHANISM_TYPE);
/* The i-th mechanism offered, CK_UNAVAILABLE_INFORMATION past the end. */
CK_MECHANISM_TYPE attack_mechanism_at(CK_ULONG i);
/* The sequence rests on this mechanism, which must be offered. False in strict for those that must not be
 * there: the sequence ends, as it cannot begin. */
bool attack_needs(struct attack *, CK_MECHANISM_TYPE);
/* Remembers a new object for deletion at the end of the run; passes rv on. */
CK_RV attack_made(struct attack *, CK_RV, const CK_OBJECT_HANDLE *);
size_t attack_count(CK_SESSION_HANDLE);
/* A further session of this application. */
CK_SESSION_HANDLE attack_session(void);
const char *attack_pin(void);
/* A function of the module that is not in p11's list (PKCS#11 3.0), or NULL. */
void *attack_function(const char *name);

/* ---- attack_key.c ---- */

/* A native template in the making. A later value of the same attribute replaces the earlier one. */
struct wanted {
        CK_ATTRIBUTE items[40];
        CK_ULONG n, numbers[40];
        CK_BBOOL bools[40];
};
void wanted_bool(struct wanted *, CK_ATTRIBUTE_TYPE, bool);
void wanted_number(struct wanted *, CK_ATTRIBUTE_TYPE, CK_ULONG);
void wanted_bytes(struct wanted *, CK_ATTRIBUTE_TYPE, const void *, size_t);
/* "+EXTR -SENS +WRAP": sets what is named. */
void wanted_words(struct wanted *, const char *words);
/* The notation's key: everything FALSE but PRIVATE and SENSITIVE, then the words. */
void wanted_key(const struct attack *, struct wanted *, CK_OBJECT_CLASS, const char *words);
/* Class, type and CKA_TOKEN of the run, then the words; else silent. */
void wanted_bare(const struct attack *, struct wanted *, CK_OBJECT_CLASS, CK_KEY_TYPE, const char *words);

enum attack_kind { AES = 32, AES128 = 16, GEN = 1032, DES3 = 2024 };
CK_RV attack_key(struct attack *, enum attack_kind, const char *words, CK_OBJECT_HANDLE *);
CK_RV attack_key_of(struct attack *, CK_MECHANISM_TYPE, struct wanted *, CK_OBJECT_HANDLE *);
CK_RV attack_rsa(struct attack *, const char *public_words, const char *private_words,
                 CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key);
CK_RV attack_ec(struct attack *, const char *public_words, const char *private_words,
                CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key);
/* A secret key whose value the attacker knows. */
CK_RV attack_import(struct attack *, CK_KEY_TYPE, const void *value, size_t n, const char *words,
                    CK_OBJECT_HANDLE *);
CK_RV attack_create(struct attack *, struct wanted *, CK_OBJECT_HANDLE *);
CK_RV attack_set(struct attack *, CK_OBJECT_HANDLE, const char *words);
CK_RV attack_copy(struct attack *, CK_OBJECT_HANDLE, const char *words, CK_OBJECT_HANDLE *);
bool attack_reads(struct attack *, CK_OBJECT_HANDLE, CK_ATTRIBUTE_TYPE);
CK_RV attack_value(struct attack *, CK_OBJECT_HANDLE, CK_ATTRIBUTE_TYPE, void *, CK_ULONG *n);

/* ---- attack_use.c ---- */

/* A mechanism with a parameter that its decoder takes. */
struct mech {
        CK_MECHANISM m;
        CK_BYTE iv[16], seed[48], point[65];
        union {
                CK_RSA_PKCS_OAEP_PARAMS oaep;
                CK_RSA_PKCS_PSS_PARAMS pss;
                CK_AES_CTR_PARAMS ctr;
                CK_GCM_PARAMS gcm;
                CK_CCM_PARAMS ccm;
                CK_CHACHA20_PARAMS chacha20;
                CK_SALSA20_CHACHA20_POLY1305_PARAMS chacha;
                CK_MAC_GENERAL_PARAMS general;
                CK_ECDH1_DERIVE_PARAMS ecdh;
                CK_ECDH_AES_KEY_WRAP_PARAMS ecdh_wrap;
                CK_RSA_AES_KEY_WRAP_PARAMS rsa_wrap;
                CK_KEY_DERIVATION_STRING_DATA string;
                CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc_data;
                CK_HKDF_PARAMS hkdf;
                CK_SP800_108_KDF_PARAMS kdf;
                CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;
                CK_PKCS5_PBKD2_PARAMS2 password;
                CK_EXTRACT_PARAMS extract;
                CK_OBJECT_HANDLE second;
        } p;
        CK_RSA_PKCS_OAEP_PARAMS oaep; /* of RSA_AES_KEY_WRAP */
        CK_PRF_DATA_PARAM pieces[2];
        CK_SP800_108_COUNTER_FORMAT counter;
};
CK_MECHANISM_PTR mech_of(struct mech *, CK_MECHANISM_TYPE);

struct blob {
        CK_BYTE p[8192];
        CK_ULONG n;
};
CK_RV attack_wrap(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
                  struct blob *);
CK_RV attack_unwrap(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE unwrapping, const struct blob *,
                    const struct wanted *, CK_OBJECT_HANDLE *);
/* With class, type, token of the run and the words. */
CK_RV attack_unwrap_as(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE unwrapping, const struct blob *,
                       CK_OBJECT_CLASS, CK_KEY_TYPE, const char *words, CK_OBJECT_HANDLE *);
CK_RV attack_derive(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE base, const struct wanted *,
                    CK_OBJECT_HANDLE *);
CK_RV attack_encrypt(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, const void *, size_t,
                     struct blob *);
CK_RV attack_decrypt(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, const void *, size_t,
                     struct blob *);
CK_RV attack_sign(struct attack *, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, const void *, size_t, struct blob *);
/* Begins an operation; if that is granted, does it with 16 bytes, so that the refusal may come late. */
CK_RV attack_try(struct attack *, CK_FLAGS operation, CK_MECHANISM_PTR, CK_OBJECT_HANDLE);

/* ---- attack_tools.c ---- */

/* Commands of a crypto officer, a line each. True when the tool reported success; attack_said holds what it
 * printed. */
bool attack_officer(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same as the crypto user cu1. */
bool attack_user(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool attack_util(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As the second user. */
bool attack_util_cu2(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern char attack_said[16384];
CK_RV attack_trust(CK_OBJECT_HANDLE, bool);
/* Another process of this program does the role as "cu1" or "cu2"; CK_UNAVAILABLE_INFORMATION when it failed.
 */
CK_RV attack_other(const char *group, const char *user, const char *role, const CK_ULONG *numbers, size_t n);
/* The number of a user. */
unsigned long attack_user_id(const char *name);
/* What auditKeys says of a key, "" when the tool does not list it. */
const char *attack_exposure(CK_OBJECT_HANDLE);
/* auditKeys lists the key as so exposed. It sees token keys only: true for others. */
bool attack_is_listed(const struct attack *, CK_OBJECT_HANDLE, const char *exposure);
/* auditKeys has a note with these words on the token key. */
bool attack_is_noted(CK_OBJECT_HANDLE, const char *words);
#define EXPORTABLE "exportable by its owner alone"

/* ---- attack_oracle.c: the attacker's own computer ---- */

bool oracle_aes_ecb(const void *key, size_t key_n, bool encrypt, const void *in, void *out16);
bool oracle_aes_cbc(const void *key, size_t key_n, bool encrypt, const CK_BYTE iv[16], const void *in,
                    size_t n, void *out);
/* RFC 3394 and 5649 with the key. *n: room, then size. */
bool oracle_unwrap(const char *cipher, const void *key, const void *in, size_t n, void *out, size_t *out_n);
bool oracle_wrap(const char *cipher, const void *key, const void *in, size_t n, void *out, size_t *out_n);
/* AES-256 of RFC 3394 with an initial value of one's own. */
bool oracle_wrap_iv(const void *key, const CK_BYTE iv[8], const void *in, size_t n, void *out, size_t *out_n);
bool oracle_hmac(const void *key, size_t key_n, const void *in, size_t n, CK_BYTE out[32]);
/* RSA-2048 by modulus: c = block^65537. */
bool oracle_rsa_raw(struct attack *, CK_OBJECT_HANDLE public_key, const CK_BYTE block[256], struct blob *c);
/* A point of P-256 whose private number the attacker has. */
bool oracle_p256_point(CK_BYTE out[65]);
/* An RSA-2048 key of the attacker's own: its modulus of 256 bytes, and OAEP (SHA-256) with it. */
const CK_BYTE *oracle_rsa_modulus(void);
/* All numbers of it, as a template has them; they live as long as the program. */
bool oracle_rsa_private(struct wanted *);
bool oracle_oaep_open(const struct blob *, void *out, size_t *n);
/* PrivateKeyInfo of an RSA-2048 key, and what is no such thing. Its size; 0: no room. */
enum oracle_pkcs8 {
        PKCS8_GOOD,
        PKCS8_EXPONENT_ONE,
        PKCS8_EXPONENT_EVEN,
        PKCS8_EXPONENT_OTHER, /* not the private one's */
        PKCS8_PRIME,          /* primes that do not make the modulus */
        PKCS8_TRAILING,
        PKCS8_LENGTH,
        PKCS8_LONG_FORM,
        PKCS8_SHORT,
        PKCS8_ALGORITHM,
        PKCS8_CURVE,
        PKCS8_NOTHING,
        PKCS8_FORMS,
};
size_t oracle_private_info(enum oracle_pkcs8, CK_BYTE *out, size_t room);
/* Is v the value of this AES key? By its check value; the same question for a value known by other means is
 * memcmp. */
bool oracle_is_key(struct attack *, CK_OBJECT_HANDLE key, const void *v, size_t n);
/* V(k): the attacker's bytes must not be the key's value. */
#define KEPT(a, key, v, n)                                                                                   \
        attack_check(a, "V(" #key "): the attacker has the key", __LINE__, !oracle_is_key(a, key, v, n))

#endif
