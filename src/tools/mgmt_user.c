/* chsm-mgmt: logins and users. */
#include "tools/mgmt_factor.h"
#include "tools/mgmt_user.h"
#include "tools/show.h"
#include "tools/password_advice.h"

#include <stdio.h>

static uint32_t login_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        uint32_t role = mgmt_role(sh, argv[1]), rv;
        char remark[CHSM_REMARK_MAX];
        const Chsm__SecondFactor *factor;
        struct sec *password;

        (void)argc;
        if (!role)
                return err_ckr(&sh->err);
        if (!s->owned && role != 6)
                return shell_fail(
                    sh, ERR_TLS, "server %zu is not verified under PO.crt; only PRECO logs in to such a node",
                    index);
        password = shell_secret(sh, argv[3]);
        if (!password)
                return err_ckr(&sh->err);
        factor = mgmt_factor_of(index);
        rv = factor ? chsm_login_signed(s->chsm, role, slice_str(argv[2]), sec_slice(password),
                                        slice_of(factor->challenge.data, factor->challenge.len),
                                        slice_of(factor->signature.data, factor->signature.len), &sh->err)
                    : chsm_login(s->chsm, role, slice_str(argv[2]), sec_slice(password), &sh->err);
        sec_free(&password);
        if (rv == 0) {
                (void)snprintf(s->login, sizeof(s->login), "%.40s(%s)", argv[2], mgmt_role_name(role));
                chsm_login_remark(s->chsm, remark);
                mgmt_say_note(sh, remark);
        }
        return rv;
}

static uint32_t login(struct shell *sh, int argc, char **argv)
{
        uint32_t rv = mgmt_factor_begin(sh, argc, argv, 4, 0);

        if (rv == 0)
                rv = mgmt_each(sh, "loginHSM", login_one, argc, argv);
        mgmt_factor_end();
        return rv;
}

static uint32_t logout_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)index;
        (void)argc;
        (void)argv;
        s->login[0] = 0;
        return chsm_logout(s->chsm, &sh->err);
}

static uint32_t logout(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "logoutHSM", logout_one, argc, argv);
}

static uint32_t list_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListUsersRequest body = CHSM__LIST_USERS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        json_t *list = json_array();
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.list_users = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_USERS;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__ListUsersResponse *r = answer.response->list_users;

                shell_say(sh, "Users on server %zu(%s):\nNumber of users found:%zu\n\n", index, s->host,
                          r->n_users);
                shell_say(
                    sh,
                    "    User Id    User Type    User Name              MofnPubKey  LoginFailureCnt  2FA\n");
                for (size_t i = 0; i < r->n_users; i++) {
                        const Chsm__User *u = r->users[i];

                        shell_say(sh, "    %-10llu %-12s %-22s %-11s %u%-15s %s\n", (unsigned long long)u->id,
                                  mgmt_role_name(u->role), u->name, u->quorum_key ? "YES" : "NO", u->failures,
                                  u->locked ? " locked" : "", u->second_factor ? "YES" : "NO");
                        (void)json_array_append_new(list, tool_user_json(u));
                }
        }
        shell_set(sh, "users", list);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t list_users(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, list_one, argc, argv);
}

/* A password that is typed once serves for all servers. */
static struct sec *new_password(struct shell *sh, const char *word)
{
        struct sec *first = shell_secret(sh, word), *second;

        if (!first || strcmp(word, "-hpswd") != 0)
                return first;
        second = shell_password(sh, "Enter password again: ");
        if (!second || !sec_equal(sec_slice(first), sec_slice(second))) {
                if (second)
                        (void)shell_fail(sh, ERR_PASSWORD, "the two passwords differ");
                sec_free(&first);
        }
        sec_free(&second);
        return first;
}

/* What makes a password weak, said where it was typed: it travels nowhere. */
static void advise(struct shell *sh, const struct sec *password, const char *user)
{
        char words[PASSWORD_ADVICE_MAX];

        if (!password_advice(sec_slice(password), user, words))
                return;
        shell_say(sh, "Advice: %s\n", words);
        shell_set(sh, "advice", json_string(words));
}

static ProtobufCBinaryData secret_data(struct sec *s)
{
        return (ProtobufCBinaryData){ sec_size(s), sec_bytes(s) };
}

static struct sec *typed; /* of the running command, for each of its servers */

static uint32_t create_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CreateUserRequest body = CHSM__CREATE_USER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)index;
        (void)argc;
        body.role = mgmt_role(sh, argv[1]);
        body.user = argv[2];
        body.password = secret_data(typed);
        body.factor = mgmt_factor_of(index);
        request.create_user = &body;
        request.body_case = CHSM__REQUEST__BODY_CREATE_USER;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                shell_set(sh, "id", json_integer((json_int_t)answer.response->user->id));
                mgmt_note(sh, answer.response);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t create_user(struct shell *sh, int argc, char **argv)
{
        uint32_t role = mgmt_role(sh, argv[1]), rv;

        if (!role || !(typed = new_password(sh, argv[3])))
                return err_ckr(&sh->err);
        shell_say(sh, "Creating User %s(%s) on %zu nodes\n", argv[2], mgmt_role_name(role),
                  mgmt_scope_size(sh));
        advise(sh, typed, argv[2]);
        rv = mgmt_factor_begin(sh, argc, argv, 4, 1);
        if (rv == 0)
                rv = mgmt_each(sh, "createUser", create_one, argc, argv);
        mgmt_factor_end();
        sec_free(&typed);
        return rv;
}

static uint32_t delete_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeleteUserRequest body = CHSM__DELETE_USER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)index;
        (void)argc;
        body.role = mgmt_role(sh, argv[1]);
        body.user = argv[2];
        request.delete_user = &body;
        request.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                mgmt_note(sh, answer.response);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t delete_user(struct shell *sh, int argc, char **argv)
{
        uint32_t role = mgmt_role(sh, argv[1]);

        if (!role)
                return err_ckr(&sh->err);
        shell_say(sh, "Deleting user %s(%s) on %zu nodes\n", argv[2], mgmt_role_name(role),
                  mgmt_scope_size(sh));
        return mgmt_each(sh, "deleteUser", delete_one, argc, argv);
}

static uint32_t change_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest body = CHSM__CHANGE_PASSWORD_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        if (!s->owned)
                return shell_fail(sh, ERR_TLS,
                                  "server %zu is not verified under PO.crt; no new password is told to it",
                                  index);
        body.role = mgmt_role(sh, argv[1]);
        body.user = argv[2];
        body.password = secret_data(typed);
        body.factor = mgmt_factor_of(index);
        request.change_password = &body;
        request.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                mgmt_note(sh, answer.response);
        chsm_answer_clear(&answer);
        return rv;
}

/* The change has ended the logins it was made with, on every node of the partition. */
static void login_again(struct shell *sh, uint32_t role, const char *user)
{
        struct mgmt *m = mgmt_of(sh);
        uint32_t role_then = role == 6 ? 2 : role;
        struct err err = ERR_INIT;
        char self[64];

        (void)snprintf(self, sizeof(self), "%.40s(%s)", user, mgmt_role_name(role));
        for (size_t i = 0; i < m->count; i++) {
                struct mgmt_server *s = &m->servers[i];

                if (!s->chsm || (m->scope >= 0 && (size_t)m->scope != i) || strcasecmp(self, s->login) != 0)
                        continue;
                chsm_forget_login(s->chsm);
                s->login[0] = 0;
                if (chsm_login(s->chsm, role_then, slice_str(user), sec_slice(typed), &err) == 0)
                        (void)snprintf(s->login, sizeof(s->login), "%.40s(%s)", user,
                                       mgmt_role_name(role_then));
        }
}

static uint32_t change_password(struct shell *sh, int argc, char **argv)
{
        uint32_t role = mgmt_role(sh, argv[1]), rv;

        if (!role || !(typed = new_password(sh, argv[3])))
                return err_ckr(&sh->err);
        shell_say(sh, "Changing password for %s(%s) on %zu nodes\n", argv[2], mgmt_role_name(role),
                  mgmt_scope_size(sh));
        advise(sh, typed, argv[2]);
        rv = mgmt_factor_begin(sh, argc, argv, 4, 1);
        if (rv == 0)
                rv = mgmt_each(sh, "changePswd", change_one, argc, argv);
        if (rv == 0)
                login_again(sh, role, argv[2]);
        mgmt_factor_end();
        sec_free(&typed);
        return rv;
}

static uint32_t unlock_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__UnlockUserRequest body = CHSM__UNLOCK_USER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)index;
        (void)argc;
        body.user = argv[1];
        request.unlock_user = &body;
        request.body_case = CHSM__REQUEST__BODY_UNLOCK_USER;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t unlock_user(struct shell *sh, int argc, char **argv)
{
        shell_say(sh, "UnlockUser %s on %zu nodes\n", argv[1], mgmt_scope_size(sh));
        return mgmt_each(sh, "unlockUser", unlock_one, argc, argv);
}

const struct shell_command mgmt_user_rows[] = {
        { "loginHSM", "PRECO|CO|CU USER PASSWORD|-hpswd [-2fa FILE]", "log in", 3, 5, false, login },
        { "logoutHSM", "", "log out", 0, 0, false, logout },
        { "listUsers", "", "list the partition's users", 0, 0, false, list_users },
        { "createUser", "CO|CU USER PASSWORD|-hpswd [-2fa FILE]", "make a user", 3, 5, true, create_user },
        { "deleteUser", "CO|CU USER", "delete a user who owns nothing", 2, 2, false, delete_user },
        { "changePswd", "CO|CU|PRECO USER PASSWORD|-hpswd [-2fa FILE]",
          "change a password; PRECO's makes him CO", 3, 5, true, change_password },
        { "unlockUser", "USER", "unlock a crypto user after too many failed logins", 1, 1, true,
          unlock_user },
        { "getChallenge", "OFFICER CHALLENGE_FOLDER SIGNATURE_FOLDER",
          "get what the owner signs to let an officer in", 3, 3, false, mgmt_get_challenge },
        { "unlockCO", "OFFICER TEMPLATE", "let an officer in with the owner's signatures", 2, 2, true,
          mgmt_unlock_officer },
        { "getUserHash", "", "show a digest of all users, for comparing nodes", 0, 0, false, mgmt_user_hash },
        { "getSingleUserHash", "USER_ID", "the same of one user", 1, 1, false, mgmt_user_hash },
        { "getUserDiffMap", "[SERVER] USER_ID|0 [FILE]", "on which servers users are the same", 1, 3, false,
          mgmt_user_diff },
        { "getKeyDiffMap", "[SERVER] USER_ID|0 HANDLE|0 [FILE]", "on which servers keys are the same", 2, 4,
          false, mgmt_key_diff },
        { "modifyKeyOwner", "HANDLE USER_ID [KCV]", "give a key to another crypto user", 2, 3, true,
          mgmt_modify_owner },
        { "renamePCO", "OFFICER NAME", "change your own name as an officer", 2, 2, true, mgmt_rename_pco },
        { 0 },
};
