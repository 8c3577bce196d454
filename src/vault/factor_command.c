/* The commands on the keys of second factors. */
#include "vault/quorum.h"
#include "vault/right.h"
#include "vault/second_factor.h"

/* The five ways the documented tool has; the words of each say what it is for. */
enum mode { REGISTER = 1, SET, UPDATE, RESET, DEREGISTER };

static const struct {
        const char *name;
        bool own, others;  /* whose key it changes */
        bool fresh, known; /* the user must have none, or one */
} modes[] = {
        [REGISTER] = { "registerUserAuthPubKey", true, true, true, false },
        [SET] = { "setUserAuthPubKey", true, true, false, false },
        [UPDATE] = { "updateUserAuthPubKey", true, false, false, true },
        [RESET] = { "resetUserAuthPubKey", false, true, false, true },
        [DEREGISTER] = { "deregisterUserAuthPubKey", true, true, false, true },
};

static bool mode_fits(struct vault_call *call, const Chsm__SetAuthKeyRequest *in,
                      const struct vault_user_view *u)
{
        bool own = u->id == call->login.user_id, has = u->second_factor.n != 0;

        if (in->mode < REGISTER || in->mode > DEREGISTER)
                return err_set(&call->err, ERR_ARGUMENT, "there is no way %u to set a key", in->mode);
        if (own ? !modes[in->mode].own : !modes[in->mode].others)
                return err_set(&call->err, ERR_ARGUMENT, "%s is for %s; see: help", modes[in->mode].name,
                               own ? "the key of another user" : "one's own key");
        if (modes[in->mode].fresh && has)
                return err_set(&call->err, ERR_ARGUMENT,
                               "'%s' has a key already; an own one is changed by "
                               "updateUserAuthPubKey, another's by resetUserAuthPubKey",
                               u->name);
        if (modes[in->mode].known && !has)
                return err_set(&call->err, ERR_ARGUMENT, "'%s' has no key yet; run: registerUserAuthPubKey",
                               u->name);
        if ((in->mode == DEREGISTER) == (in->factor != NULL))
                return err_set(&call->err, ERR_ARGUMENT, "a key is given unless it is taken away");
        return true;
}

static bool may_set(struct vault_call *call, const struct vault_user_view *u)
{
        if (u->role != VAULT_CU && u->role != VAULT_CO)
                return err_set(&call->err, ERR_USER_TYPE, "a %s has no second factor",
                               vault_role_name((uint32_t)u->role));
        if (u->id == call->login.user_id)
                return true;
        if (call->login.role != VAULT_CO)
                return err_set(&call->err, ERR_ROLE,
                               "only a crypto officer changes another user's second factor");
        return vault_user_admits_officers(call, u->id, "change his second factor");
}

bool vault_set_auth_key(struct vault_call *call)
{
        const Chsm__SetAuthKeyRequest *in = call->request->set_auth_key;
        struct vault_user_view u;
        struct vault_user_key key;
        bool ok;

        if (!vault_user_target(call, in->role, in->user, &u))
                return false;
        ok = may_set(call, &u) && mode_fits(call, in, &u) &&
             vault_factor_take(call, in->factor, (uint32_t)u.role, u.key, &key);
        if (ok) {
                u.second_factor = key;
                u.epoch++; /* logins that were open before had less to show */
                ok = vault_user_put(call, &u) && vault_call_done(call);
        }
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}

bool vault_list_auth_keys(struct vault_call *call)
{
        Chsm__ListAuthKeysResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_user_view *users = NULL;
        Chsm__AuthKey *rows;
        size_t n = 0;

        if (!r || !vault_users_list(call->vault, call->arena, &users, &n))
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of users");
        chsm__list_auth_keys_response__init(r);
        rows = arena_alloc(call->arena, (n + 1) * sizeof(*rows));
        r->keys = arena_alloc(call->arena, (n + 1) * sizeof(*r->keys));
        for (size_t i = 0; rows && r->keys && i < n; i++) {
                Chsm__AuthKey *row = &rows[r->n_keys];
                uint8_t *hash = users[i].second_factor.n ? arena_alloc(call->arena, 32) : NULL;

                if (!hash || !vault_person_key_hash(call->vault, &users[i].second_factor, hash))
                        continue;
                chsm__auth_key__init(row);
                row->id = users[i].id;
                row->role = (uint32_t)users[i].role;
                row->user = users[i].name;
                row->hash = (ProtobufCBinaryData){ 32, hash };
                r->keys[r->n_keys++] = row;
        }
        if (!rows || !r->keys)
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of users");
        call->response->list_auth_keys = r;
        call->response->body_case = CHSM__RESPONSE__BODY_LIST_AUTH_KEYS;
        return true;
}
