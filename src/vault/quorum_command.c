/* The commands on the quorum's values, and the keys that approvals are signed with. */
#include "vault/partition.h"
#include "vault/quorum.h"

#define TOKEN_MAX 245 /* bytes of a registration token, as documented */

static bool officers_service(struct vault_call *call, uint32_t service)
{
        if (vault_service_name(service) && !vault_service_is_of_keys(service))
                return true;
        return err_set(&call->err, ERR_ARGUMENT,
                       "service %u has no M value; there are 3 (USER_MGMT), 4 (MISC_CO), 5 (KEY_TRUST) and 6 "
                       "(POLICY), and keys have their own: -m_value",
                       service);
}

static bool m_answer(struct vault_call *call, uint32_t service, uint32_t m)
{
        Chsm__MValueResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__mvalue_response__init(r);
        r->service = service;
        r->name = (char *)(uintptr_t)vault_service_name(service);
        r->m = m;
        call->response->m_value = r;
        call->response->body_case = CHSM__RESPONSE__BODY_M_VALUE;
        return true;
}

bool vault_get_m_value(struct vault_call *call)
{
        uint32_t service = call->request->get_m_value->service;
        struct vault_quorum_values values = vault_quorum_now(call->vault);

        return officers_service(call, service) &&
               m_answer(call, service, vault_quorum_needs(call->vault, &values, service));
}

/* How many officers there are, and how many of them could sign an approval. */
static bool officers(struct vault_call *call, uint32_t *all, uint32_t *ready)
{
        struct vault_user_view *users;
        size_t n;

        *all = *ready = 0;
        if (!vault_users_list(call->vault, call->arena, &users, &n))
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of users");
        for (size_t i = 0; i < n; i++) {
                *all += users[i].role == VAULT_CO;
                *ready += users[i].role == VAULT_CO && users[i].quorum_key.n;
        }
        return true;
}

/* Said of what is done and may not be meant. */
static bool advise(struct vault_call *call, const struct vault_quorum_values *values, uint32_t service,
                   uint32_t ready)
{
        uint32_t m = values->m[service], guard = values->m[VAULT_SERVICE_MISC_CO];

        if (m > ready)
                call->response->note = arena_printf(
                    call->arena,
                    "only %u officers have registered a key to approve with (registerQuorumPubKey); "
                    "service %u works for nobody before there are %u",
                    ready, service, m);
        else if (m > guard)
                call->response->note = arena_printf(call->arena,
                                                    "one approval less than these can take this back, as "
                                                    "service 4 (MISC_CO) needs %u; run: setMValue 4 %u",
                                                    guard, m);
        return call->response->note || err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

bool vault_set_m_value(struct vault_call *call)
{
        const Chsm__SetMValueRequest *in = call->request->set_m_value;
        struct vault_quorum_values values = vault_quorum_now(call->vault);
        uint32_t all, ready;
        store_rev users_rev;

        call->subject = arena_printf(call->arena, "%u=%u", in->service, in->m);
        (void)vault_partition_next_user(call->vault, &users_rev);
        if (!officers_service(call, in->service) || !officers(call, &all, &ready))
                return false;
        if (in->m < 1 || in->m > VAULT_QUORUM_MAX)
                return err_set(&call->err, ERR_ARGUMENT,
                               "an M value is 2 to %d, or 1 for none but the caller; not %u",
                               VAULT_QUORUM_MAX, in->m);
        if (in->m > all)
                return err_set(&call->err, ERR_ARGUMENT,
                               "there are %u crypto officers, so %u of them cannot approve; make more first: "
                               "createUser CO",
                               all, in->m);
        if (values.m[in->service] == in->m) /* nothing to pay for, as when a list of nodes is gone through */
                return m_answer(call, in->service, in->m);
        values.m[in->service] = (uint8_t)in->m;
        /* Officers are made and deleted under the user counter; their number stays what it was counted as. */
        return vault_call_guard(call, users_rev ? STORE_REV_IS : STORE_ABSENT,
                                vault_call_key(call, "p/users", SLICE_EMPTY), users_rev) &&
               vault_quorum_put(call, &values) && m_answer(call, in->service, in->m) &&
               advise(call, &values, in->service, ready);
}

static bool timeout_answer(struct vault_call *call, uint32_t seconds)
{
        Chsm__TokenTimeoutResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__token_timeout_response__init(r);
        r->seconds = seconds;
        call->response->token_timeout = r;
        call->response->body_case = CHSM__RESPONSE__BODY_TOKEN_TIMEOUT;
        return true;
}

bool vault_get_token_timeout(struct vault_call *call)
{
        return timeout_answer(call, vault_quorum_now(call->vault).life_s);
}

bool vault_set_token_timeout(struct vault_call *call)
{
        uint32_t seconds = call->request->set_token_timeout->seconds;
        struct vault_quorum_values values = vault_quorum_now(call->vault);

        call->subject = arena_printf(call->arena, "%u", seconds);
        if (seconds < VAULT_TOKEN_LIFE_LEAST || seconds > VAULT_TOKEN_LIFE_MOST)
                return err_set(&call->err, ERR_ARGUMENT, "a token lives %d to %d seconds, not %u",
                               VAULT_TOKEN_LIFE_LEAST, VAULT_TOKEN_LIFE_MOST, seconds);
        if (values.life_s == seconds)
                return timeout_answer(call, seconds);
        values.life_s = seconds;
        return vault_quorum_put(call, &values) && timeout_answer(call, seconds);
}

/* ---- the key of a person ---- */

static bool same_key(const struct vault_user_key *a, const struct vault_user_key *b)
{
        return slice_equal(slice_of(a->der, a->n), slice_of(b->der, b->n));
}

/* Who has a key already must show that he has it still, or a stolen password would be enough to approve. */
static bool may_replace(struct vault_call *call, const Chsm__RegisterQuorumKeyRequest *in,
                        const struct vault_user_view *u, const struct vault_user_key *key)
{
        struct slice old = slice_of(in->old_signature.data, in->old_signature.len);

        return !u->quorum_key.n || same_key(&u->quorum_key, key) ||
               (old.n && vault_person_signed(call->vault, &u->quorum_key,
                                             slice_of(in->token.data, in->token.len), old)) ||
               err_set(&call->err, ERR_QUORUM,
                       "'%s' has registered a key; another one is taken with a signature of the registration "
                       "token "
                       "by the present key only, as a last argument",
                       u->name);
}

bool vault_register_quorum_key(struct vault_call *call)
{
        const Chsm__RegisterQuorumKeyRequest *in = call->request->register_quorum_key;
        struct slice token = slice_of(in->token.data, in->token.len);
        struct vault_user_view u;
        struct vault_user_key key;
        bool ok;

        call->subject = arena_text(call->arena, slice_of(in->user, strnlen(in->user, 64)));
        if (!vault_user_find(call->vault, slice_str(in->user), &u) || u.id != call->login.user_id ||
            (uint32_t)u.role != in->role)
                return err_set(
                    &call->err, ERR_ROLE,
                    "everybody registers his own key: log in as '%s', or nobody's approval is his own",
                    in->user);
        if (token.n < 1 || token.n > TOKEN_MAX)
                return err_set(&call->err, ERR_ARGUMENT, "a registration token has 1 to %d bytes, not %zu",
                               TOKEN_MAX, token.n);
        ok = vault_person_key_read(call->vault, slice_of(in->public_key.data, in->public_key.len), &key,
                                   &call->err);
        if (ok &&
            !vault_person_signed(call->vault, &key, token, slice_of(in->signature.data, in->signature.len)))
                ok = err_set(
                    &call->err, ERR_SIGNATURE,
                    "the signature of the registration token does not verify with this public key; make it "
                    "with: openssl dgst -sha256 -sign KEY -out TOKEN.sig TOKEN");
        ok = ok && may_replace(call, in, &u, &key);
        u.quorum_key = key;
        ok = ok && vault_user_put(call, &u) && vault_call_done(call);
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}
