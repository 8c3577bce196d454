/* Which command is of which service, one row each. Only what changes something is paid for; a command that is
 * not here, or to which its row does not apply, needs nobody's approval. */
#include "vault/quorum_rows.h"
#include "vault/partition.h"

#include <strings.h>

static bool always(const struct vault_call *call)
{
        (void)call;
        return true;
}

static bool of_another(const struct vault_call *call)
{
        return !call->subject || strcasecmp(call->subject, call->login.user) != 0;
}

static bool by_officer(const struct vault_call *call)
{
        return call->login.role == VAULT_CO;
}

/* Keys have no subject. */
static bool of_user(const struct vault_call *call)
{
        return call->login.role == VAULT_CO && call->subject;
}

static const struct vault_quorum_row rows[] = {
        { CHSM__REQUEST__BODY_CREATE_USER, VAULT_SERVICE_USER_MGMT, true, always },
        { CHSM__REQUEST__BODY_DELETE_USER, VAULT_SERVICE_USER_MGMT, true, always },
        { CHSM__REQUEST__BODY_INSERT_MASKED, VAULT_SERVICE_USER_MGMT, true, of_user },
        { CHSM__REQUEST__BODY_CHANGE_PASSWORD, VAULT_SERVICE_USER_MGMT, true, of_another },
        { CHSM__REQUEST__BODY_SET_USER_RIGHTS, VAULT_SERVICE_USER_MGMT, true, always },
        { CHSM__REQUEST__BODY_CHANGE_OWNER, VAULT_SERVICE_USER_MGMT, true, always },
        { CHSM__REQUEST__BODY_SET_M_VALUE, VAULT_SERVICE_MISC_CO, false, always },
        { CHSM__REQUEST__BODY_SET_TOKEN_TIMEOUT, VAULT_SERVICE_MISC_CO, false, always },
        { CHSM__REQUEST__BODY_SET_ATTRIBUTES, VAULT_SERVICE_KEY_TRUST, false, by_officer },
        { CHSM__REQUEST__BODY_SET_AUTH_KEY, VAULT_SERVICE_USER_MGMT, true, of_another },
        { CHSM__REQUEST__BODY_SET_POLICY, VAULT_SERVICE_POLICY, false, by_officer },
        { CHSM__REQUEST__BODY_SET_CONFIG, VAULT_SERVICE_POLICY, false, always },
        { CHSM__REQUEST__BODY_REMOVE_NODE, VAULT_SERVICE_POLICY, false, always },
        { CHSM__REQUEST__BODY_AUDIT_PURGE, VAULT_SERVICE_POLICY, false, always },
};

const struct vault_quorum_row *vault_quorum_row(const struct vault_call *call)
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].body == (uint32_t)call->request->body_case)
                        return rows[i].applies(call) ? &rows[i] : NULL;
        }
        return NULL;
}
