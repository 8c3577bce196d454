/* Certificate objects: what stands in the certificate is filled in where the template is silent.
 * spec/interfaces.md 1.8, spec/semantics.md 19. */
#ifndef CHSM_VAULT_CERTIFICATE_H
#define CHSM_VAULT_CERTIFICATE_H

#include "vault/template.h"

/* Refuses another kind than X.509, a certificate that has neither value nor address, and a check value that
 * is not the value's. Then sets what is empty and can be read from CKA_VALUE; a value that is no certificate
 * is kept as it is. given: what the caller said; NULL: all of the template. */
bool vault_certificate_fill(struct vault_call *, struct vault_template *, const struct vault_template *given);

#endif
