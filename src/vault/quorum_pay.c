/* Paying for operations with tokens. */
#include "base/text.h"
#include "vault/partition.h"
#include "vault/quorum_rows.h"

/* ---- whose approval counts ---- */

static bool has_the_key(struct vault *v, const struct vault_user_view *u, const uint8_t approved_with[32])
{
        uint8_t hash[32];

        return u->quorum_key.n && vault_person_key_hash(v, &u->quorum_key, hash) &&
               memcmp(hash, approved_with, sizeof(hash)) == 0;
}

bool vault_quorum_may_approve(struct vault *v, const struct vault_token *t, const struct vault_object *o,
                              const struct vault_user_view *u)
{
        if (vault_user_locked(v, u) || !u->quorum_key.n)
                return false;
        if (!vault_service_is_of_keys(t->service))
                return u->role == VAULT_CO;
        return u->role == VAULT_CU && o && (o->owner == u->id || vault_object_is_shared_with(o, u->id));
}

/* Approvals that hold, and guards that they go on holding until the transaction: locking an account writes
 * its record too. most: guards for so many at the most; the count is of all. */
static bool count_holding(struct vault_call *call, const struct vault_token *t, const struct vault_object *o,
                          uint32_t most, uint32_t *n)
{
        struct vault *v = call->vault;
        struct vault_user_view u;
        bool ok = true;

        *n = 0;
        for (uint32_t i = 0; ok && i < t->approval_count; i++) {
                const struct vault_approval *a = &t->approvals[i];

                if (!vault_user_find_id(v, a->user_id, &u) || !vault_quorum_may_approve(v, t, o, &u) ||
                    !has_the_key(v, &u, a->key))
                        continue;
                if ((*n)++ < most)
                        ok = vault_call_guard(call, STORE_REV_IS,
                                              vault_call_key(call, "u/", slice_str(u.key)), u.rev);
        }
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}

uint32_t vault_quorum_holding(struct vault_call *call, const struct vault_token *t,
                              const struct vault_object *o)
{
        uint32_t n = 0;

        (void)count_holding(call, t, o, 0, &n);
        return n;
}

/* ---- choosing and spending ---- */

struct price {
        uint8_t login[32];
        uint32_t service, handle, needs;
        char target[32]; /* lower case; empty: the operation names nobody */
        int64_t now_ms;
};

static bool is_for(const void *arg, const struct vault_token *t)
{
        const struct price *p = arg;

        return t->service == p->service && t->handle == p->handle && t->expires_ms > p->now_ms &&
               memcmp(t->login, p->login, sizeof(p->login)) == 0 && t->approval_count >= p->needs &&
               (!t->target[0] || strcmp(t->target, p->target) == 0);
}

static bool spend(struct vault_call *call, struct price *p, const struct vault_object *o, bool *paid)
{
        struct vault_token *tokens = arena_alloc(call->arena, VAULT_TOKENS_OF_USER * sizeof(*tokens));
        const struct vault_token *best = NULL;
        uint32_t held;
        size_t n;

        *paid = false;
        if (!tokens)
                return err_set(&call->err, ERR_MEMORY, "no memory for tokens");
        p->now_ms = clock_wall_ms(&call->vault->deps.clock);
        if (!vault_token_login(call, p->login))
                return false;
        n = vault_tokens_choose(call->vault, is_for, p, tokens, VAULT_TOKENS_OF_USER);
        for (size_t i = 0; i < n;
             i++) { /* one that is bound to the user acted upon goes before one for anyone */
                if (vault_quorum_holding(call, &tokens[i], o) >= p->needs &&
                    (!best || (!best->target[0] && tokens[i].target[0])))
                        best = &tokens[i];
        }
        *paid = best != NULL;
        return !best || (count_holding(call, best, o, p->needs, &held) && vault_token_delete(call, best));
}

/* ---- officers ---- */

static bool unpaid(struct vault_call *call, const struct price *p)
{
        return err_set(
            &call->err, ERR_QUORUM,
            "RET_MXN_AUTH_FAILED: service %u (%s) needs %u approvals, and this login has no token with "
            "them; run: getToken %u %s FILE, let %u officers sign FILE, then: approveToken",
            p->service, vault_service_name(p->service), p->needs, p->service, call->login.user, p->needs);
}

/* The policy can ask for approvals too. */
static bool guard_policy(struct vault_call *call)
{
        store_rev rev = atomic_load_explicit(&call->vault->settings_rev, memory_order_acquire);

        return vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT,
                                vault_call_key(call, "s/policy", SLICE_EMPTY), rev);
}

/* Officers must be enough for every service, or nobody could lower its value again. Deletions write the user
 * counter, so two of them take turns. */
static bool officers_remain(struct vault_call *call, const struct vault_quorum_values *values)
{
        struct vault_user_view *users;
        uint32_t officers = 0, most = 1;
        size_t n;

        if (call->request->body_case != CHSM__REQUEST__BODY_DELETE_USER ||
            call->request->delete_user->role != VAULT_CO)
                return true;
        if (!vault_users_list(call->vault, call->arena, &users, &n))
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of users");
        for (size_t i = 0; i < n; i++)
                officers += users[i].role == VAULT_CO;
        for (uint32_t s = 0; s < VAULT_SERVICES; s++) {
                uint32_t needs = vault_quorum_needs(call->vault, values, s);
                most = needs > most ? needs : most;
        }
        return officers > most ||
               err_set(
                   &call->err, ERR_USER_BUSY,
                   "%u officers are needed for approvals, and there are %u; lower the value first: setMValue",
                   most, officers);
}

bool vault_quorum_pay(struct vault_call *call)
{
        const struct vault_quorum_row *row = vault_quorum_row(call);
        struct vault_quorum_values values;
        struct price price = { .handle = 0 };
        bool paid;

        if (!row || !call->op_count || call->refused)
                return true;
        /* Revisions first: what is newer than them fails the guard, never the other way round. */
        values = vault_quorum_now(call->vault);
        price.service = row->service;
        if (!vault_quorum_guard(call, &values) || !guard_policy(call) || !officers_remain(call, &values))
                return false;
        price.needs = vault_quorum_needs(call->vault, &values, row->service);
        if (price.needs < 2)
                return true;
        if (row->names_user && call->subject && strlen(call->subject) < sizeof(price.target))
                text_lower(call->subject, strlen(call->subject), price.target);
        return spend(call, &price, NULL, &paid) && (paid || unpaid(call, &price));
}

/* ---- keys ---- */

static bool unpaid_key(struct vault_call *call, const struct price *p)
{
        return err_set(
            &call->err, ERR_QUORUM,
            "RET_MXN_AUTH_FAILED: key %u needs %u approvals for each %s, and this login has no token with "
            "them; run: getToken -k %u -service %u -out FILE, let %u of its users sign FILE, then: "
            "approveToken",
            p->handle, p->needs, p->service == VAULT_SERVICE_KEY_USE ? "use" : "change or sharing", p->handle,
            p->service, p->needs);
}

bool vault_quorum_pay_key(struct vault_call *call, const struct vault_object *o, enum vault_service service)
{
        struct price price = { .service = service, .handle = o->handle, .needs = o->quorum };
        uint8_t bytes[6];
        bool paid;

        /* A multi-part operation was paid for when it was opened, or would not be there. */
        if (!o->quorum || call->request->body_case == CHSM__REQUEST__BODY_STREAM_PART)
                return true;
        if (!spend(call, &price, o, &paid))
                return false;
        if (!paid)
                return unpaid_key(call, &price);
        if (!vault_call_guard(call, STORE_REV_IS,
                              vault_call_key(call, "", vault_object_store_key(o->handle, bytes)), o->rev))
                return false;
        if (service == VAULT_SERVICE_KEY_USE) {
                call->spent_guards = call->guard_count;
                call->spent_ops = call->op_count;
        }
        return true;
}
