/* Login and logout, and the verdict on a password. DESIGN section 6: one guarded transaction on the failure
 * counter, so that many threads and nodes do not give an attacker more tries than one. */
#include "vault/partition.h"
#include "vault/second_factor.h"
#include "vault/ticket.h"
#include "vault/tuning.h"

/* Kept across runs of the handler: hashing again after a conflict on the counter would only cost time, as the
 * answer depends on the user's record alone. */
struct verdict {
        store_rev user_rev;
        uint32_t user_id;
        bool good;
};

static bool locked(const struct vault_user_view *u, struct err *err)
{
        return err_set(err, ERR_LOGIN_LOCKED, "the account '%s' is locked after %u failed logins; %s",
                       u->name, u->failures,
                       u->role == VAULT_CU ? "a crypto officer can run unlockUser"
                                           : "another crypto officer can run changePswd, or the partition's "
                                             "owner help: getChallenge, unlockCO");
}

static bool wrong(struct err *err)
{
        return err_set(err, ERR_LOGIN_FAILED, "user name or password is wrong");
}

static struct verdict *verdict_of(struct vault_call *call, const struct vault_user_view *u,
                                  struct slice password)
{
        struct verdict *kept = call->memo;
        struct err err = ERR_INIT;

        if (kept && kept->user_id == u->id && kept->user_rev == u->rev)
                return kept;
        kept = arena_alloc(call->arena, sizeof(*kept));
        if (!kept) {
                err_set(&call->err, ERR_MEMORY, "no memory for a login");
                return NULL;
        }
        *kept = (struct verdict){ u->rev, u->id, false };
        kept->good = crypto_password_verify(call->vault->deps.crypto, u->password, password, &err);
        if (!kept->good && err.id == ERR_STORE_DAMAGED) {
                call->err = err;
                return NULL;
        }
        call->memo = kept;
        return kept;
}

/* A failure that was counted and whose answer got lost: it is asked again with the same key. The password is
 * not looked at, so that a key does not become a way to guess. */
static bool failed_before(const struct vault_call *call, const struct vault_user_view *u)
{
        static const uint8_t none[VAULT_ONCE_SIZE];
        struct slice key = slice_of(call->request->idempotency.data, call->request->idempotency.len);

        return u->failures && slice_equal(key, slice_of(u->failed, sizeof(u->failed))) &&
               !slice_equal(key, slice_of(none, sizeof(none)));
}

static bool refuse(struct vault_call *call, const struct vault_user_view *u)
{
        call->subject = arena_text(call->arena, slice_str(u->name));
        call->refused = true;
        wrong(&call->err);
        return true;
}

bool vault_login_verdict(struct vault_call *call, const struct vault_user_view *u, struct slice password,
                         bool *good)
{
        struct verdict *verdict;
        struct vault_user_view ended = *u;

        *good = false;
        if (failed_before(call, u))
                return refuse(call, u);
        if (vault_user_locked(call->vault, u))
                return locked(u, &call->err);
        verdict = verdict_of(call, u, password);
        if (!verdict)
                return false;
        *good = verdict->good;
        if (*good)
                return vault_user_guard(call, u) && (u->failures == 0 || vault_user_put_failures(call, u, 0));
        if (!vault_user_guard(call, u) || !vault_user_put_failures(call, u, u->failures + 1))
                return false;
        ended.failures = u->failures + 1;
        if (vault_user_locked(call->vault, &ended)) {
                ended.epoch++; /* locking ends his tickets */
                if (!vault_user_put(call, &ended))
                        return false;
                if (u->role == VAULT_CO)
                        vault_officers_note(call, u->id, 0);
        }
        return refuse(call, u);
}

static bool login_answer(struct vault_call *call, const struct vault_user_view *u)
{
        Chsm__LoginResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct slice ticket;

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for a login");
        chsm__login_response__init(r);
        if (!vault_ticket_make(call, u, &ticket, &r->expires_ms))
                return false;
        r->ticket.data = (uint8_t *)(uintptr_t)ticket.p;
        r->ticket.len = ticket.n;
        r->user_id = u->id;
        r->role = (uint32_t)u->role;
        if (u->role == VAULT_CO)
                vault_officers_note(call, u->id, 1);
        call->response->login = r;
        call->response->body_case = CHSM__RESPONSE__BODY_LOGIN;
        return true;
}

bool vault_login_user(struct vault_call *call)
{
        struct vault *v = call->vault;
        const Chsm__LoginRequest *in = call->request->login;
        struct slice password = slice_of(in->password.data, in->password.len);
        struct vault_user_view user;
        bool good, signed_well, ok;

        call->subject = arena_text(call->arena, slice_of(in->user, strnlen(in->user, 64)));
        if (in->role != VAULT_CU && in->role != VAULT_CO && in->role != VAULT_PRECO)
                return err_set(&call->err, ERR_USER_TYPE,
                               "nobody logs in with user type %u; CU is 1, CO 2, PRECO 6", in->role);
        if (call->request->context.len != VAULT_CONTEXT_SIZE)
                return err_set(&call->err, ERR_ARGUMENT, "a login needs an application context of %d bytes",
                               VAULT_CONTEXT_SIZE);
        if (vault_context_retired(v, call->context))
                return err_set(&call->err, ERR_TICKET,
                               "this application context was retired; begin a new one");
        if (!vault_user_find(v, slice_str(in->user), &user) || (uint32_t)user.role != in->role ||
            !user.password[0] || password.n > VAULT_PASSWORD_MAX) {
                crypto_password_waste(v->deps.crypto, &v->config.password_cost, password);
                return wrong(&call->err);
        }
        /* A wrong signature counts as a wrong password does, and costs the same. */
        ok = vault_factor_login(call, &user, &signed_well) &&
             vault_login_verdict(call, &user, signed_well ? password : SLICE_EMPTY, &good) &&
             (!good || login_answer(call, &user));
        sec_wipe(user.password, sizeof(user.password));
        return ok;
}

bool vault_logout(struct vault_call *call)
{
        /* A ticket is a statement that any node can read, so there is nothing here to forget; its holder
         * drops it. Session objects end with retire_context, which the client sends when it made some. */
        return vault_call_done(call);
}

/* Old retirements go when a new one is written: nobody's ticket lives that long. */
static bool drop_expired(struct vault_call *call, int64_t now_ms)
{
        uint8_t old[4][VAULT_CONTEXT_SIZE];
        size_t n = vault_partition_expired_contexts(call->vault, now_ms, old, 4);

        for (size_t i = 0; i < n; i++) {
                struct slice context = slice_of(old[i], VAULT_CONTEXT_SIZE);
                if (memcmp(old[i], call->context, VAULT_CONTEXT_SIZE) != 0 &&
                    !vault_call_delete(call, vault_call_key(call, "r/", context)))
                        return false;
        }
        return true;
}

bool vault_retire_context(struct vault_call *call)
{
        struct vault *v = call->vault;
        int64_t now = clock_wall_ms(&v->deps.clock);
        struct slice key = vault_call_key(call, "r/", slice_of(call->context, VAULT_CONTEXT_SIZE));
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u64(&body, (uint64_t)(now + vault_login_life_most_ms(v)));
        ok = vault_record_put(call, key, &body) && drop_expired(call, now) && vault_call_done(call);
        buf_clear(&body);
        return ok;
}
