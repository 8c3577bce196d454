/* Objects: keys, certificates and data, as the vault holds them.
 *
 * A struct vault_object is an immutable snapshot, shared by reference count. A token object stands in the
 * table of objects.c, which apply fills; a session object is a sealed blob that its application keeps, opened
 * on use (session_object.c). Key material stays sealed in memory until its first use. spec/semantics.md 9
 * and 10. */
#ifndef CHSM_VAULT_OBJECT_H
#define CHSM_VAULT_OBJECT_H

#include "ck/attribute.h"
#include "crypto/key.h"
#include "vault/core.h"
#include "vault/template.h"

/* What has ever been true of an object; bits are only added. spec/key-rules.md rule 2. */
enum vault_history {
        VAULT_HISTORY_LEFT = 1,        /* left the HSM under some wrapping key */
        VAULT_HISTORY_EXTRACTABLE = 2, /* was extractable */
        VAULT_HISTORY_DATA = 4,        /* used for anything but wrap and unwrap */
        VAULT_HISTORY_TRUSTED = 8,     /* was trusted */
        VAULT_HISTORY_IMPORTED = 16,   /* its value came from outside */
        VAULT_HISTORY_WRAPPED = 32,    /* wrapped or unwrapped another key */
        VAULT_HISTORY_DERIVED = 128,   /* its value came from another key, and can come again */
        VAULT_HISTORY_OPEN = 64,       /* could be read, or wrapped by an untrusted key: its owner knows it */
        VAULT_HISTORY_PAIRED = 256,    /* trusted public key whose private half only ever unwraps */
        VAULT_HISTORY_CLEAR = 512,     /* its value was given in clear */
        VAULT_HISTORY_SESSION = 1024,  /* was born a session object, whose uses are not seen */
        VAULT_HISTORY_AGREED = 2048,   /* encapsulated, or derived with a point: the other side has it too */
        VAULT_HISTORY_MASKED = 4096,   /* a masked copy of it is outside: its deletion is remembered */
        /* what it was ever able to do, in whatever object (separate_roles) */
        VAULT_HISTORY_ROLE_WRAP = 1 << 16,
        VAULT_HISTORY_ROLE_CIPHER = 1 << 17,
        VAULT_HISTORY_ROLE_SIGN = 1 << 18,
        VAULT_HISTORY_ROLE_DERIVE = 1 << 19,
};

/* Boolean attributes that decisions are made on, as bits of vault_object.flags. */
enum vault_flag {
        VAULT_TOKEN = 1u << 0,
        VAULT_PRIVATE = 1u << 1,
        VAULT_SENSITIVE = 1u << 2,
        VAULT_EXTRACTABLE = 1u << 3,
        VAULT_TRUSTED = 1u << 4,
        VAULT_WRAP_WITH_TRUSTED = 1u << 5,
        VAULT_MODIFIABLE = 1u << 6,
        VAULT_COPYABLE = 1u << 7,
        VAULT_DESTROYABLE = 1u << 8,
        VAULT_ENCRYPT = 1u << 9,
        VAULT_DECRYPT = 1u << 10,
        VAULT_SIGN = 1u << 11,
        VAULT_SIGN_RECOVER = 1u << 12,
        VAULT_VERIFY = 1u << 13,
        VAULT_VERIFY_RECOVER = 1u << 14,
        VAULT_WRAP = 1u << 15,
        VAULT_UNWRAP = 1u << 16,
        VAULT_DERIVE = 1u << 17,
        VAULT_ENCAPSULATE = 1u << 19,
        VAULT_DECAPSULATE = 1u << 20,
        VAULT_DATED = 1u << 18, /* no attribute: it has a start or an end date */
        VAULT_ALWAYS_AUTHENTICATE = 1u << 24,
};

#define VAULT_SHARED_MAX 64 /* users one object is shared with */

struct vault_object {
        _Atomic unsigned refs;
        uint32_t handle;                     /* 0: session object */
        uint64_t object_class;               /* CKO_ */
        uint64_t key_type;                   /* CKK_; CK_UNAVAILABLE_INFORMATION on what is no key */
        uint32_t owner;                      /* user id */
        uint32_t history;                    /* mask of enum vault_history */
        uint32_t flags;                      /* mask of enum vault_flag */
        store_rev rev;                       /* of its record */
        store_rev born;                      /* of its first record that this node has seen */
        uint8_t context[VAULT_CONTEXT_SIZE]; /* session object: of which application */
        const uint32_t *shared;              /* user ids */
        size_t shared_count;
        uint32_t quorum; /* users who must approve each use and change; 0: none. quorum.h */
        int64_t made_ms; /* when its value was made or came in; 0: not known, an old record */
        const struct vault_attribute *attributes; /* ascending by type */
        size_t attribute_count;
        struct buf sealed;                /* the record, or the session object's blob */
        _Atomic(struct crypto_key *) key; /* parsed at the first use */
        struct vault_tally *tally;        /* uses.h; of a token object in the table */
        void *memory;                     /* holds shared and attributes */
};

struct vault_object *vault_object_ref(struct vault_object *);
void vault_object_unref(struct vault_object **); /* NULL-safe */
/* The value of an attribute the object stores; NULL pointer when it has none. */
struct slice vault_object_attribute(const struct vault_object *, uint64_t type);
bool vault_object_is_shared_with(const struct vault_object *, uint32_t user_id);
/* The parsed key, lent for the life of the object. ERR_KEY_HANDLE when it is no key. */
struct crypto_key *vault_object_key(struct vault *, struct vault_object *, struct err *);
/* Flag of a boolean attribute, or 0. */
uint32_t vault_flag_of(uint64_t attribute);
/* Flags of the attributes that are TRUE. */
uint32_t vault_flags_of(const struct vault_attribute *, size_t n);

/* ---- object_record.c: what is sealed ---- */
struct vault_object_parts {
        uint64_t object_class, key_type;
        uint32_t owner, history;
        const uint32_t *shared;
        size_t shared_count;
        uint32_t quorum;
        int64_t made_ms;
        const struct vault_attribute *attributes;
        size_t attribute_count;
        struct slice material; /* secret */
};
/* The plain body; NULL: no memory. */
struct sec *vault_object_encode(const struct vault_object_parts *);
/* An object with one reference, without handle, revision and sealed bytes. */
struct vault_object *vault_object_decode(struct slice plain, struct err *);
/* Lends the material inside a plain body. */
bool vault_object_material(struct slice plain, struct slice *material);
/* Opens the object's own sealed bytes. */
struct sec *vault_object_unseal(struct vault *, const struct vault_object *, struct err *);
/* The store key of a token object, 6 bytes. */
struct slice vault_object_store_key(uint32_t handle, uint8_t out[6]);

/* ---- objects.c ---- */
/* With a reference, or NULL. Whether the caller may see it is policy.c's business. */
struct vault_object *vault_objects_find(struct vault *, uint32_t handle);
/* A handle nobody has had, with the bookkeeping in the call's transaction. */
bool vault_objects_new_handle(struct vault_call *, uint32_t *handle);
/* What the caller sees and `wanted` matches, ascending by handle after `after`; at most limit. *more: there
 * are others. until: without what was made after that revision; 0: with it. Every object comes with a
 * reference. */
bool vault_objects_search(struct vault_call *, const struct vault_template *wanted, uint32_t after,
                          store_rev until, size_t limit, struct vault_object **out, size_t *n, bool *more);
/* The same for officers: what a user owns or is given to use, or everything (0). */
void vault_objects_list(struct vault *, uint32_t user, uint32_t after, size_t limit,
                        struct vault_object **out, size_t *n, bool *more);
/* How many there are of a user, owned or shared; 0: of everybody. */
uint64_t vault_objects_count_of(struct vault *, uint32_t user);

/* ---- session_object.c ---- */
/* Blobs opened, and blobs found open, since the vault was opened. */
void vault_cache_counts(struct vault *, uint64_t *opened, uint64_t *hits);
/* Seals parts as a session object of the call's context. */
struct vault_object *vault_session_object_new(struct vault_call *, const struct vault_object_parts *);
/* Opens a blob an application sent; with a reference. ERR_HANDLE when it is not one of this context. */
struct vault_object *vault_session_object_open(struct vault_call *, struct slice sealed);

/* ---- object_answer.c ---- */
/* Object as an answer: handle or blob, and all attributes that may be shown. */
Chsm__ObjectResponse *vault_object_answer(struct vault_call *, struct vault_object *);
bool vault_object_reply(struct vault_call *, struct vault_object *);
/* One attribute for the caller; its status says when it cannot be shown. */
bool vault_attribute_answer(struct vault_call *, struct vault_object *, uint64_t type, Chsm__Attribute *out);

struct vault_key_facts;

/* ---- object_make.c ---- */
/* Where a new key's value comes from. */
struct vault_origin {
        uint32_t mode;      /* CK_IN_ bit of the template that made it */
        uint32_t how;       /* enum vault_birth, where mode does not tell; 0: it does */
        uint64_t mechanism; /* CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION when not generated */
        bool local;         /* generated here */
        bool always_sensitive, never_extractable; /* what its ancestors allow to claim */
        uint32_t history;
        uint32_t quorum;                      /* users who must approve what is done with it */
        const struct vault_key_facts *parent; /* the unwrapping key, policy_model.h; NULL: none */
};
/* Fills defaults and computed attributes of the template, checks it, and makes the object: a session object,
 * or a token object whose record is in the call's transaction. key may be NULL for certificates and data. The
 * result has a reference. */
bool vault_object_make(struct vault_call *, struct vault_template *, struct crypto_key *key,
                       const struct vault_origin *, const uint32_t *shared, size_t shared_count,
                       struct vault_object **out);
/* The same object with other attributes, history or sharing, in the call's transaction. */
bool vault_object_rewrite(struct vault_call *, const struct vault_object *, const struct vault_object_parts *,
                          struct vault_object **out);
/* The same material as another object, under a new handle or as a session object. */
bool vault_object_copy_as(struct vault_call *, const struct vault_object *, const struct vault_object_parts *,
                          bool token, struct vault_object **out);
/* A token object of that handle, with the material in the parts, in the call's transaction. */
bool vault_object_put(struct vault_call *, uint32_t handle, struct vault_object_parts *,
                      struct vault_object **out);
struct vault_object_parts vault_object_parts_of(const struct vault_object *);

#endif
