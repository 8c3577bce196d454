/* getToken, approveToken, listTokens, delToken. */
#include "base/text.h"
#include "vault/partition.h"
#include "vault/policy.h"
#include "vault/quorum.h"

#define APPROVALS_MOST 64 /* in one request: of one file for several tokens */

/* ---- asking for one ---- */

static bool drop_expired(struct vault_call *call, int64_t now)
{
        struct vault_token *all = arena_alloc(call->arena, VAULT_TOKENS_MAX * sizeof(*all));
        size_t n = all ? vault_tokens_choose(call->vault, NULL, NULL, all, VAULT_TOKENS_MAX) : 0, dropped = 0;

        for (size_t i = 0; i < n && dropped < VAULT_TOKENS_DROP; i++) {
                if (all[i].expires_ms > now)
                        continue;
                if (!vault_token_delete(call, &all[i]))
                        return false;
                dropped++;
        }
        return all || err_set(&call->err, ERR_MEMORY, "no memory for tokens");
}

static bool of_user(const void *arg, const struct vault_token *t)
{
        const struct vault_token *wanted = arg;

        return t->user_id == wanted->user_id && t->expires_ms > wanted->expires_ms;
}

static bool is_of_key(const void *arg, const struct vault_token *t)
{
        (void)arg;
        return vault_service_is_of_keys(t->service);
}

/* Room for one more; expired ones go first. turn_rev: of the turns that the count was true at. */
static bool make_room(struct vault_call *call, bool of_key, int64_t now, store_rev *turn_rev)
{
        const struct vault_token mine = { .user_id = call->login.user_id, .expires_ms = now };
        struct vault_token *some = arena_alloc(call->arena, VAULT_TOKENS_OF_KEYS * sizeof(*some));
        size_t ops = call->op_count, count = vault_tokens_count(call->vault, turn_rev);

        if (!some)
                return err_set(&call->err, ERR_MEMORY, "no memory for tokens");
        if (vault_tokens_choose(call->vault, of_user, &mine, some, VAULT_TOKENS_OF_USER) >=
            VAULT_TOKENS_OF_USER)
                return err_set(&call->err, ERR_LIMIT, "'%s' has %d tokens; delete some first: delToken",
                               call->login.user, VAULT_TOKENS_OF_USER);
        if (!drop_expired(call, now))
                return false;
        count -= call->op_count - ops;
        if (count >= VAULT_TOKENS_MAX)
                return err_set(
                    &call->err, ERR_LIMIT,
                    "there are %d tokens that have not expired; delete some first: listTokens, delToken",
                    VAULT_TOKENS_MAX);
        if (of_key && call->op_count == ops &&
            vault_tokens_choose(call->vault, is_of_key, NULL, some, VAULT_TOKENS_OF_KEYS) >=
                VAULT_TOKENS_OF_KEYS)
                return err_set(
                    &call->err, ERR_LIMIT,
                    "there are %d tokens of keys, and the other places are for officers; try again later",
                    VAULT_TOKENS_OF_KEYS);
        return true;
}

/* After the token in the transaction, so that nobody sees the turn before the token. */
static bool put_turn(struct vault_call *call, int64_t now, store_rev turn_rev)
{
        struct slice turn = vault_call_key(call, "w/tokens", SLICE_EMPTY);
        struct buf body = BUF_INIT;
        bool ok;

        buf_put_u64(&body, (uint64_t)now);
        ok = vault_call_guard(call, turn_rev ? STORE_REV_IS : STORE_ABSENT, turn, turn_rev) &&
             vault_record_put(call, turn, &body);
        buf_clear(&body);
        return ok;
}

/* The key of a key token, as its user may ask for it. */
static bool key_of(struct vault_call *call, struct vault_token *t)
{
        const Chsm__GetTokenRequest *in = call->request->get_token;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct vault_object *o;
        bool ok;

        ref.handle = in->handle;
        o = vault_object_of(call, &ref, ERR_KEY_HANDLE);
        if (!o)
                return false;
        call->object = o->handle;
        ok = o->quorum || err_set(&call->err, ERR_ARGUMENT, "key %u needs nobody's approval", o->handle);
        ok = ok && (t->service != VAULT_SERVICE_KEY_MGMT || vault_policy_owns(call, o, "change or share"));
        t->handle = o->handle;
        vault_object_unref(&o);
        return ok;
}

static bool service_fits(struct vault_call *call, const Chsm__GetTokenRequest *in)
{
        bool of_keys = vault_service_is_of_keys(in->service);

        if (!vault_service_name(in->service))
                return err_set(&call->err, ERR_ARGUMENT, "there is no service %u", in->service);
        if (call->login.role != (of_keys ? VAULT_CU : VAULT_CO))
                return err_set(&call->err, ERR_ROLE, "tokens of service %u (%s) are for crypto %s",
                               in->service, vault_service_name(in->service), of_keys ? "users" : "officers");
        if (of_keys == (in->handle == 0))
                return err_set(&call->err, ERR_ARGUMENT, "tokens of keys, and only these, name a key");
        if (in->target[0] && in->service != VAULT_SERVICE_USER_MGMT)
                return err_set(&call->err, ERR_ARGUMENT,
                               "only tokens of service 3 (USER_MGMT) are bound to a user");
        return !in->target[0] || vault_user_name_check(in->target, &call->err);
}

static void partition_name(struct vault_call *call, struct vault_token *t)
{
        struct buf hex = BUF_INIT;

        buf_put_hex(&hex, vault_partition_id(call->vault));
        if (buf_ok(&hex) && hex.n < sizeof(t->partition))
                memcpy(t->partition, hex.p, hex.n);
        buf_clear(&hex);
}

static bool token_fill(struct vault_call *call, struct vault_token *t, int64_t now)
{
        const Chsm__GetTokenRequest *in = call->request->get_token;
        t->service = (uint8_t)in->service;
        t->user_id = call->login.user_id;
        t->expires_ms = now + (int64_t)vault_quorum_now(call->vault).life_s * 1000;
        memcpy(t->user, call->login.user, sizeof(t->user));
        text_lower(in->target, strlen(in->target), t->target);
        (void)strncpy(t->node, call->vault->config.node_name, sizeof(t->node) - 1);
        partition_name(call, t);
        return vault_token_login(call, t->login) &&
               crypto_random(call->vault->deps.crypto, t->id, sizeof(t->id), &call->err);
}

static bool get_answer(struct vault_call *call, const struct vault_token *t, uint32_t needs)
{
        Chsm__GetTokenResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct buf text = BUF_INIT;
        struct slice copy, id = arena_copy(call->arena, slice_of(t->id, sizeof(t->id)));

        vault_token_text(t, &text);
        copy = buf_ok(&text) ? arena_copy(call->arena, buf_slice(&text)) : SLICE_EMPTY;
        buf_clear(&text);
        if (!r || !copy.p || !id.p)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__get_token_response__init(r);
        r->id = (ProtobufCBinaryData){ id.n, (uint8_t *)(uintptr_t)id.p };
        r->text = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        r->service_name = (char *)(uintptr_t)vault_service_name(t->service);
        r->node = arena_text(call->arena, slice_str(t->node));
        r->user = call->login.user;
        r->required = needs;
        r->expires_ms = t->expires_ms;
        call->response->get_token = r;
        call->response->body_case = CHSM__RESPONSE__BODY_GET_TOKEN;
        return r->node || err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}

/* What a token needs now; the key's own value for a key that is there. */
static uint32_t needs_of(struct vault_call *call, const struct vault_token *t, const struct vault_object *o)
{
        struct vault_quorum_values values = vault_quorum_now(call->vault);

        return vault_service_is_of_keys(t->service) ? (o ? o->quorum : 0)
                                                    : vault_quorum_needs(call->vault, &values, t->service);
}

bool vault_get_token(struct vault_call *call)
{
        const Chsm__GetTokenRequest *in = call->request->get_token;
        int64_t now = clock_wall_ms(&call->vault->deps.clock);
        struct vault_token t = { .service = 0 };
        struct vault_object *o = NULL;
        struct vault_user_view u;
        store_rev turn_rev;
        uint32_t needs;

        call->subject = arena_text(call->arena, slice_of(in->user, strnlen(in->user, 64)));
        if (in->user[0] &&
            (!vault_user_find(call->vault, slice_str(in->user), &u) || u.id != call->login.user_id))
                return err_set(&call->err, ERR_ROLE, "a token is for who is logged in: '%s'",
                               call->login.user);
        sec_wipe(&u, sizeof(u));
        if (!service_fits(call, in) || !token_fill(call, &t, now) || (in->handle && !key_of(call, &t)) ||
            !make_room(call, t.handle != 0, now, &turn_rev))
                return false;
        o = t.handle ? vault_objects_find(call->vault, t.handle) : NULL;
        needs = needs_of(call, &t, o);
        vault_object_unref(&o);
        return vault_token_put(call, &t) && put_turn(call, now, turn_rev) && get_answer(call, &t, needs);
}

/* ---- approving ---- */

struct approver {
        struct vault_user_view user;
        uint8_t key[32];
};

/* Everybody in the request is known, named once, has a key, and has signed the file with it. */
static bool approver_check(struct vault_call *call, const Chsm__Approval *a, struct slice file,
                           struct approver *out)
{
        struct vault *v = call->vault;
        bool known =
            vault_user_find(v, slice_str(a->user), &out->user) && (uint32_t)out->user.role == a->role;

        sec_wipe(out->user.password, sizeof(out->user.password));
        if (!known)
                return err_set(&call->err, ERR_USER_ABSENT, "there is no user '%s' of type %u to approve",
                               a->user, a->role);
        if (!out->user.quorum_key.n)
                return err_set(&call->err, ERR_QUORUM,
                               "'%s' has no key to approve with; run: registerQuorumPubKey", out->user.name);
        if (vault_user_locked(v, &out->user))
                return err_set(&call->err, ERR_QUORUM,
                               "the account '%s' is locked, so its approval does not count", out->user.name);
        if (!vault_person_signed(v, &out->user.quorum_key, file,
                                 slice_of(a->signature.data, a->signature.len)))
                return err_set(
                    &call->err, ERR_QUORUM,
                    "the approval of '%s' is no signature of this token file with the registered key",
                    out->user.name);
        return vault_person_key_hash(v, &out->user.quorum_key, out->key) ||
               err_set(&call->err, ERR_CRYPTO, "hashing failed");
}

static bool approvers_read(struct vault_call *call, struct slice file, struct approver **out)
{
        const Chsm__ApproveTokenRequest *in = call->request->approve_token;

        *out = arena_alloc(call->arena, (in->n_approvals + 1) * sizeof(**out));
        if (!*out)
                return err_set(&call->err, ERR_MEMORY, "no memory for approvals");
        for (size_t i = 0; i < in->n_approvals; i++) {
                if (!approver_check(call, in->approvals[i], file, &(*out)[i]))
                        return false;
                for (size_t k = 0; k < i; k++) {
                        if ((*out)[k].user.id == (*out)[i].user.id)
                                return err_set(&call->err, ERR_ARGUMENT, "'%s' approves twice",
                                               (*out)[i].user.name);
                }
        }
        return true;
}

/* Adds the approvals to a token. One of another key takes the place of the same person's older one; more than
 * a token holds are left out. */
static void approvals_add(struct vault_token *t, const struct approver *a, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                uint32_t k = 0;

                while (k < t->approval_count && t->approvals[k].user_id != a[i].user.id)
                        k++;
                if (k == VAULT_QUORUM_MAX)
                        continue;
                t->approvals[k].user_id = a[i].user.id;
                memcpy(t->approvals[k].key, a[i].key, sizeof(a[i].key));
                t->approval_count += k == t->approval_count;
        }
}

static bool approve_one(struct vault_call *call, struct vault_token *t, const struct approver *a, size_t n)
{
        struct vault_object *o = t->handle ? vault_objects_find(call->vault, t->handle) : NULL;
        bool ok = true;

        for (size_t i = 0; ok && i < n; i++) {
                if (!vault_quorum_may_approve(call->vault, t, o, &a[i].user))
                        ok = err_set(&call->err, ERR_QUORUM,
                                     "'%s' is not one who approves for service %u (%s)", a[i].user.name,
                                     t->service, vault_service_name(t->service));
        }
        vault_object_unref(&o);
        approvals_add(t, a, n);
        return ok && vault_token_put(call, t);
}

struct file_of {
        uint8_t login[32];
        int64_t now_ms;
        struct slice file;
};

static bool stands_in(const void *arg, const struct vault_token *t)
{
        const struct file_of *f = arg;

        return memcmp(t->login, f->login, sizeof(f->login)) == 0 && t->expires_ms > f->now_ms &&
               vault_token_file_has(f->file, t);
}

#define TOKENS_AT_ONCE 8

static Chsm__Token *token_answer(struct vault_call *call, const struct vault_token *t);
static bool tokens_answer(struct vault_call *call, const struct vault_token *t, size_t n);

/* Whoever signs a file approves one operation in each partition. */
static bool one_of_ours(struct vault_call *call, struct slice file)
{
        struct vault_token t = { .service = 0 };
        size_t n;

        partition_name(call, &t);
        n = vault_token_file_count(file, t.partition);
        return n == 1 ||
               err_set(
                   &call->err, ERR_QUORUM,
                   "the file holds %zu tokens of this partition; approvals are for one operation, so for a "
                   "file with one",
                   n);
}

bool vault_approve_token(struct vault_call *call)
{
        const Chsm__ApproveTokenRequest *in = call->request->approve_token;
        struct file_of f = { .now_ms = clock_wall_ms(&call->vault->deps.clock),
                             .file = slice_of(in->file.data, in->file.len) };
        struct vault_token tokens[TOKENS_AT_ONCE];
        struct approver *approvers;
        size_t n;

        call->subject = call->login.user;
        if (!vault_token_file_check(f.file))
                return err_set(&call->err, ERR_ARGUMENT,
                               "the file is not made of tokens alone; approvals are signatures of a file as "
                               "getToken wrote it");
        if (in->n_approvals < 1 || in->n_approvals > APPROVALS_MOST)
                return err_set(&call->err, ERR_ARGUMENT,
                               "a token is approved by 1 to %d people at once, not %zu", APPROVALS_MOST,
                               in->n_approvals);
        if (!one_of_ours(call, f.file))
                return false;
        if (!vault_token_login(call, f.login) || !approvers_read(call, f.file, &approvers))
                return false;
        n = vault_tokens_choose(call->vault, stands_in, &f, tokens, TOKENS_AT_ONCE);
        if (!n)
                return err_set(
                    &call->err, ERR_QUORUM,
                    "no token in the file belongs to this login and is still valid; run: getToken");
        for (size_t i = 0; i < n; i++) {
                if (!approve_one(call, &tokens[i], approvers, in->n_approvals))
                        return false;
        }
        return tokens_answer(call, tokens, n);
}

/* ---- telling ---- */

static Chsm__Token *token_answer(struct vault_call *call, const struct vault_token *t)
{
        Chsm__Token *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_object *o = t->handle ? vault_objects_find(call->vault, t->handle) : NULL;
        struct slice id = arena_copy(call->arena, slice_of(t->id, sizeof(t->id)));
        int64_t left = t->expires_ms - clock_wall_ms(&call->vault->deps.clock);

        if (r && id.p) {
                chsm__token__init(r);
                r->id = (ProtobufCBinaryData){ id.n, (uint8_t *)(uintptr_t)id.p };
                r->service = t->service;
                r->service_name = (char *)(uintptr_t)vault_service_name(t->service);
                r->node = arena_text(call->arena, slice_str(t->node));
                r->handle = t->handle;
                r->user = arena_text(call->arena, slice_str(t->user));
                r->target = arena_text(call->arena, slice_str(t->target));
                r->seconds_left = left > 0 ? (uint32_t)(left / 1000) : 0;
                r->required = needs_of(call, t, o);
                r->approvals = vault_quorum_holding(call, t, o);
                r->approvers = arena_alloc(call->arena, VAULT_QUORUM_MAX * sizeof(char *));
        }
        vault_object_unref(&o);
        if (!r || !id.p || !r->node || !r->user || !r->target || !r->approvers)
                return NULL;
        for (uint32_t i = 0; i < t->approval_count; i++) {
                char name[32] = "";

                if (vault_user_name(call->vault, t->approvals[i].user_id, name))
                        r->approvers[r->n_approvers++] = arena_text(call->arena, slice_str(name));
        }
        return r;
}

static bool tokens_answer(struct vault_call *call, const struct vault_token *t, size_t n)
{
        Chsm__TokensResponse *r = arena_alloc(call->arena, sizeof(*r));
        bool ok = r != NULL;

        if (ok) {
                chsm__tokens_response__init(r);
                r->tokens = arena_alloc(call->arena, (n + 1) * sizeof(*r->tokens));
                ok = r->tokens != NULL;
        }
        for (size_t i = 0; ok && i < n; i++) {
                r->tokens[r->n_tokens++] = token_answer(call, &t[i]);
                ok = r->tokens[i] != NULL;
        }
        if (!ok)
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of tokens");
        call->response->tokens = r;
        call->response->body_case = CHSM__RESPONSE__BODY_TOKENS;
        return true;
}

/* Officers see each other's tokens, crypto users those they asked for and those of keys they may approve. */
static bool shows(struct vault_call *call, const struct vault_token *t)
{
        struct vault_object *o;
        bool seen;

        if (!vault_service_is_of_keys(t->service))
                return call->login.role == VAULT_CO;
        if (call->login.role != VAULT_CU)
                return false;
        o = vault_objects_find(call->vault, t->handle);
        seen = t->user_id == call->login.user_id || (o && vault_policy_sees(o, &call->login));
        vault_object_unref(&o);
        return seen;
}

bool vault_list_tokens(struct vault_call *call)
{
        struct vault_token *all = arena_alloc(call->arena, VAULT_TOKENS_MAX * sizeof(*all));
        int64_t now = clock_wall_ms(&call->vault->deps.clock);
        size_t n = all ? vault_tokens_choose(call->vault, NULL, NULL, all, VAULT_TOKENS_MAX) : 0, kept = 0;

        if (!all)
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of tokens");
        for (size_t i = 0; i < n; i++) {
                if (all[i].expires_ms > now && shows(call, &all[i]))
                        all[kept++] = all[i];
        }
        return tokens_answer(call, all, kept);
}

/* ---- giving one up ---- */

bool vault_delete_token(struct vault_call *call)
{
        const Chsm__DeleteTokenRequest *in = call->request->delete_token;
        struct vault_token t;

        if (in->id.len != VAULT_TOKEN_ID || !vault_token_find(call->vault, in->id.data, &t) ||
            (t.user_id != call->login.user_id && !shows(call, &t)))
                return err_set(&call->err, ERR_ARGUMENT,
                               "there is no such token for this user; see: listTokens");
        if (t.user_id != call->login.user_id && call->login.role != VAULT_CO)
                return err_set(&call->err, ERR_ROLE, "the token is of '%s', who can delete it", t.user);
        call->subject = arena_text(call->arena, slice_str(t.user));
        return vault_token_delete(call, &t) && vault_call_done(call);
}
