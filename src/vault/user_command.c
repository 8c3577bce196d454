/* The commands on users. Who may try them is a column of dispatch_rows.c; what depends on the user acted upon
 * is decided here. spec/semantics.md 2.1, 5 and 6. */
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/second_factor.h"
#include "vault/users.h"

const char *vault_role_name(uint32_t role)
{
        switch (role) {
        case VAULT_CU:
                return "CU";
        case VAULT_CO:
                return "CO";
        case VAULT_AU:
                return "AU";
        case VAULT_PRECO:
                return "PRECO";
        default:
                return "user type";
        }
}

bool vault_user_target(struct vault_call *call, uint32_t role, const char *name, struct vault_user_view *u)
{
        if (vault_user_find(call->vault, slice_str(name), u) && (!role || (uint32_t)u->role == role)) {
                call->subject = arena_text(call->arena, slice_str(u->name));
                return true;
        }
        call->subject = arena_text(call->arena, slice_of(name, strnlen(name, 64)));
        return err_set(&call->err, ERR_USER_ABSENT, "there is no %s '%.*s'",
                       role ? vault_role_name(role) : "user", VAULT_NAME_MAX, name);
}

bool vault_list_users(struct vault_call *call)
{
        Chsm__ListUsersResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_user_view *users = NULL;
        Chsm__User *rows;
        size_t n = 0;

        if (!r || !vault_users_list(call->vault, call->arena, &users, &n))
                goto memory;
        chsm__list_users_response__init(r);
        rows = arena_alloc(call->arena, (n + 1) * sizeof(*rows));
        r->users = arena_alloc(call->arena, (n + 1) * sizeof(*r->users));
        if (!rows || !r->users)
                goto memory;
        for (size_t i = 0; i < n; i++) {
                chsm__user__init(&rows[i]);
                rows[i].id = users[i].id;
                rows[i].role = (uint32_t)users[i].role;
                rows[i].name = users[i].name;
                rows[i].failures = users[i].failures;
                rows[i].locked = vault_user_locked(call->vault, &users[i]);
                rows[i].quorum_key = users[i].quorum_key.n != 0;
                rows[i].second_factor = users[i].second_factor.n != 0;
                r->users[i] = &rows[i];
        }
        r->n_users = n;
        call->response->list_users = r;
        call->response->body_case = CHSM__RESPONSE__BODY_LIST_USERS;
        return true;
memory:
        return err_set(&call->err, ERR_MEMORY, "no memory for the list of users");
}

static bool user_answer(struct vault_call *call, uint32_t id)
{
        Chsm__UserResponse *r = arena_alloc(call->arena, sizeof(*r));

        if (!r)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__user_response__init(r);
        r->id = id;
        call->response->user = r;
        call->response->body_case = CHSM__RESPONSE__BODY_USER;
        return true;
}

/* The password's record; kept across runs, as it costs more than all the rest. */
static bool hash(struct vault_call *call, struct slice password, char out[CRYPTO_PASSWORD_TEXT_MAX])
{
        struct vault *v = call->vault;

        if (!call->memo) {
                char *made = arena_alloc(call->arena, CRYPTO_PASSWORD_TEXT_MAX);
                if (!made)
                        return err_set(&call->err, ERR_MEMORY, "no memory for a password");
                if (!crypto_password_hash(v->deps.crypto, &v->config.password_cost, password, made,
                                          &call->err))
                        return false;
                call->memo = made;
        }
        memcpy(out, call->memo, CRYPTO_PASSWORD_TEXT_MAX);
        return true;
}

/* The same user again is success, so that a list of nodes can be gone through twice (spec/semantics.md 6). A
 * wrong password counts like one at login, or an officer could guess here without end. */
static bool same_user(struct vault_call *call, const struct vault_user_view *u, uint32_t role,
                      struct slice password)
{
        bool good = false, ok = false;

        if ((uint32_t)u->role == role && u->password[0]) {
                call->memo = NULL; /* a hash, when the user was made between two runs */
                ok = vault_login_verdict(call, u, password, &good);
                call->memo = NULL;
                if (!ok && call->err.id != ERR_LOGIN_LOCKED)
                        return false;
        }
        if (ok && good) {
                call->guard_count = call->op_count = 0; /* nothing changes, the failure counter neither */
                return user_answer(call, u->id);
        }
        call->err = ERR_INIT;
        err_set(&call->err, ERR_USER_EXISTS, "there is a %s '%s' already, with id %u",
                vault_role_name((uint32_t)u->role), u->name, u->id);
        return ok; /* true: the failure is counted */
}

bool vault_create_user(struct vault_call *call)
{
        struct vault *v = call->vault;
        const Chsm__CreateUserRequest *in = call->request->create_user;
        struct slice password = slice_of(in->password.data, in->password.len);
        struct vault_user_view u = { 0 };
        store_rev rev;
        bool ok;

        call->subject = arena_text(call->arena, slice_of(in->user, strnlen(in->user, 64)));
        if (in->role != VAULT_CU && in->role != VAULT_CO)
                return err_set(&call->err, ERR_USER_TYPE,
                               "a crypto officer makes CU (1) and CO (2), not type %u", in->role);
        if (!vault_user_name_check(in->user, &call->err) || !vault_user_password_check(password, &call->err))
                return false;
        if (vault_user_find(v, slice_str(in->user), &u)) {
                ok = same_user(call, &u, in->role, password);
                sec_wipe(u.password, sizeof(u.password));
                return ok;
        }
        if (vault_users_count(v) >= v->config.max_users)
                return err_set(&call->err, ERR_LIMIT,
                               "the partition has its most users, %llu; a crypto officer can run: deleteUser",
                               (unsigned long long)v->config.max_users);
        u = (struct vault_user_view){ .role = (enum vault_role)in->role,
                                      .epoch = 1,
                                      .rights = VAULT_RIGHTS_ALL };
        u.id = vault_partition_next_user(v, &rev);
        u.created_ms = clock_wall_ms(&v->deps.clock);
        memcpy(u.name, in->user, strlen(in->user));
        for (size_t i = 0; u.name[i]; i++)
                u.key[i] = (char)(u.name[i] >= 'A' && u.name[i] <= 'Z' ? u.name[i] | 0x20 : u.name[i]);
        ok = vault_factor_take(call, in->factor, in->role, in->user, &u.second_factor) &&
             hash(call, password, u.password) && vault_user_put(call, &u) &&
             vault_partition_put_next_user(call, u.id + 1, rev) && user_answer(call, u.id);
        vault_officers_note(call, 0, in->role == VAULT_CO);
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}

/* A key that was made on another node a moment ago must be seen, or it would be left without its owner. */
static bool know_all_keys(struct vault_call *call)
{
        struct vault *v = call->vault;
        store_rev now;

        if (store_barrier(v->deps.store, v->config.store_timeout_ms, &now, &call->err) != STORE_OK)
                return false;
        return vault_revision_wait(v, now, v->config.store_timeout_ms) ||
               err_set(&call->err, ERR_RETRY,
                       "node '%s' does not hear of all changes at the moment, so it does not know whose keys "
                       "there are; try another node",
                       v->config.node_name);
}

bool vault_delete_user(struct vault_call *call)
{
        struct vault *v = call->vault;
        const Chsm__DeleteUserRequest *in = call->request->delete_user;
        struct slice name;
        struct vault_user_view u;
        uint64_t keys;
        uint32_t next;
        store_rev rev;

        if (!vault_user_target(call, in->role, in->user, &u))
                return false;
        sec_wipe(u.password, sizeof(u.password));
        if (u.role != VAULT_CU && u.role != VAULT_CO)
                return err_set(&call->err, ERR_USER_TYPE, "the %s '%s' cannot be deleted",
                               vault_role_name((uint32_t)u.role), u.name);
        if (u.id == call->login.user_id)
                return err_set(&call->err, ERR_USER_BUSY,
                               "'%s' is logged in here; another officer can delete it", u.name);
        next = vault_partition_next_user(v, &rev);
        if (u.role == VAULT_CO && vault_users_officers(v, u.id) == 0)
                return err_set(&call->err, ERR_USER_BUSY, "'%s' is the last crypto officer who can log in",
                               u.name);
        if (!know_all_keys(call))
                return false;
        keys = vault_objects_owned(v, u.id);
        if (keys)
                return err_set(&call->err, ERR_USER_BUSY, "'%s' owns %llu keys; delete them first", u.name,
                               (unsigned long long)keys);
        vault_officers_note(call, u.id, 0);
        name = slice_str(u.key);
        /* Writing the user counter makes deletions take turns: two cannot both spare the other as the last.
         */
        return vault_user_guard(call, &u) && vault_call_delete(call, vault_call_key(call, "u/", name)) &&
               (!u.failures_rev || vault_call_delete(call, vault_call_key(call, "f/", name))) &&
               vault_partition_put_next_user(call, next, rev) && vault_call_done(call);
}

/* Who may change whose password. */
static bool may_change(struct vault_call *call, const struct vault_user_view *u)
{
        if (u->id == call->login.user_id)
                return true;
        if (call->login.role != VAULT_CO)
                return err_set(&call->err, ERR_ROLE, "only a crypto officer changes another user's password");
        if (u->role != VAULT_CU && u->role != VAULT_CO)
                return err_set(&call->err, ERR_USER_TYPE, "the %s '%s' has no password to change",
                               vault_role_name((uint32_t)u->role), u->name);
        return vault_user_admits_officers(call, u->id, "change his password");
}

static bool change(struct vault_call *call, struct vault_user_view *u, struct slice password,
                   const struct vault_user_key *factor)
{
        bool promote = u->role == VAULT_PRECO;

        if (!hash(call, password, u->password))
                return false;
        u->epoch++;                              /* ends his tickets, this one too when it is his own */
        if (call->login.role == VAULT_RECOVERED) /* whom the owner let in has perhaps lost these too */
                u->second_factor.n = u->quorum_key.n = 0;
        if (promote)
                u->role = VAULT_CO;
        if (u->role == VAULT_CO)
                vault_officers_note(call, u->id, 1);
        vault_factor_password_changed(u);
        if (factor->n)
                u->second_factor = *factor;
        return vault_user_put(call, u) && (!u->failures_rev || vault_user_put_failures(call, u, 0)) &&
               (!promote || vault_partition_put_state(call, VAULT_ACTIVATED)) && vault_call_done(call);
}

bool vault_change_password(struct vault_call *call)
{
        const Chsm__ChangePasswordRequest *in = call->request->change_password;
        struct slice password = slice_of(in->password.data, in->password.len);
        struct slice old = slice_of(in->old_password.data, in->old_password.len);
        struct vault_user_view u;
        struct vault_user_key factor;
        bool good = true, ok;

        if (!vault_user_target(call, in->role, in->user, &u))
                return false;
        ok = may_change(call, &u) && vault_user_password_check(password, &call->err);
        if (ok && old.n) {
                /* A conflict between the two hashes runs both again: rare, and never wrong. */
                call->memo = NULL;
                ok = vault_login_verdict(call, &u, old, &good);
                call->memo = NULL;
                call->guard_count = good ? 0 : call->guard_count;
                call->op_count = good ? 0 : call->op_count;
        }
        if (ok && good)
                ok = vault_user_guard(call, &u) &&
                     vault_factor_take(call, in->factor, in->role, in->user, &factor) &&
                     change(call, &u, password, &factor);
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}

bool vault_unlock_user(struct vault_call *call)
{
        struct vault_user_view u;

        if (!vault_user_target(call, 0, call->request->unlock_user->user, &u))
                return false;
        sec_wipe(u.password, sizeof(u.password));
        if (u.role != VAULT_CU)
                return err_set(&call->err, ERR_USER_TYPE,
                               "'%s' is not a crypto user; another crypto officer can run changePswd",
                               u.name);
        if (!vault_user_locked(call->vault, &u))
                return err_set(&call->err, ERR_ARGUMENT, "'%s' is not locked", u.name);
        return vault_user_put_failures(call, &u, 0) && vault_call_done(call);
}
