/* What unwrapping and derivation share: attributes forced on the keys that come out of another. */
#ifndef CHSM_VAULT_KEY_MOVE_H
#define CHSM_VAULT_KEY_MOVE_H

#include "vault/key_use.h"
#include "vault/policy_model.h"

/* vault_use_begin for wrapping and unwrapping, with the codes that PKCS#11 has for the keys of these. */
bool vault_use_begin_move(struct vault_call *, const Chsm__ObjectRef *, const Chsm__Mechanism *,
                          enum crypto_op, struct vault_use *);
/* Applies the key's UNWRAP_TEMPLATE or DERIVE_TEMPLATE (which); ERR_TEMPLATE_INCONSISTENT when the template
 * says otherwise. */
bool vault_force_template(struct vault_call *, const struct vault_object *key, uint64_t which,
                          struct vault_template *);
/* The template must not say otherwise (ERR_TEMPLATE_INCONSISTENT); a silent one gets the value. why: "the
 * base key is sensitive". */
bool vault_force_bool(struct vault_call *, struct vault_template *, uint64_t type, bool value,
                      const char *why);

/* Class and type of what a template asks to be unwrapped, and that it may ask so. */
bool vault_unwrap_kind(struct vault_call *, const struct vault_template *, uint64_t *object_class,
                       uint64_t *key_type);

/* ---- policy_derive.c ---- */
/* May base give this, and is what the template asks no looser than base? Silent templates get the strictest;
 * origin gets what the child may claim of its past. spec/key-rules.md rule 5 and D. */
bool vault_policy_derive(struct vault_call *, const struct vault_object *base, uint64_t mechanism,
                         struct vault_template *, struct vault_origin *);
/* The same for what is encapsulated under a public key, or comes out of a private one. */
bool vault_policy_agree(struct vault_call *, const struct vault_object *half, enum vault_birth,
                        struct vault_template *);
/* The template of a further key of the same derivation is no looser than the first one's. D08. */
bool vault_policy_derive_more(struct vault_call *, const struct vault_template *first,
                              struct vault_template *);
/* May a derivation from base tell bytes in clear (the version and the IVs of TLS)? */
bool vault_policy_derive_told(struct vault_call *, const struct vault_object *base);

#endif
