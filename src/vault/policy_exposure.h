/* How exposed a key is, and the shortest way by which its owner could read it: what auditKeys tells. Pure,
 * and asked of policy_model.h, so that the answer is what the node would really allow. */
#ifndef CHSM_VAULT_POLICY_EXPOSURE_H
#define CHSM_VAULT_POLICY_EXPOSURE_H

#include "vault/policy_model.h"

enum vault_exposure {
        VAULT_EXPOSED_PUBLIC,     /* nothing to hide */
        VAULT_EXPOSED_NOT,        /* protected: no sequence of calls reads it */
        VAULT_EXPOSED_EXPORTABLE, /* its owner alone can read it */
        VAULT_EXPOSED_OUTSIDE,    /* its value was outside, or could have been taken out: it may be known */
        VAULT_EXPOSED_READABLE,   /* it is shown */
};

struct vault_exposure_report {
        enum vault_exposure exposure;
        const char *name; /* "protected" */
        const char *path; /* the calls, or why there are none */
        const char *note; /* what else an auditor wants to know; empty mostly */
};

struct vault_exposure_report vault_exposure_of(const struct vault_settings *, const struct vault_key_facts *);

#endif
