/* chsm-mgmt: rights of crypto users. */
#include "base/file.h"
#include "tools/mgmt.h"

#include <ctype.h>
#include <stdio.h>

#define FILE_MAX (64 * 1024)

/* Bits of the protocol, names in files and names as getUserInfo shows them, as documented. */
static const struct right {
        uint32_t bit;
        const char *name, *shown;
} rights[] = {
        { 1u << 0, "CKA_USER_SIGN", "SIGN" },
        { 1u << 1, "CKA_USER_WRAP", "WRAP" },
        { 1u << 2, "CKA_USER_UNWRAP", "UNWRAP" },
        { 1u << 3, "CKA_USER_MODIFIABLE", "MODIFY OBJECT" },
        { 1u << 4, "CKA_USER_DERIVE", "DERIVE KEY" },
        { 1u << 5, "CKA_USER_KEYGEN", "KEYGEN" },
        { 1u << 6, "CKA_MANAGE_BY_CO", "MANAGE BY CO" },
};
#define RIGHTS (sizeof(rights) / sizeof(rights[0]))

/* ---- the file of setUserAttributes: a line with the name, a line with 0x01 or 0x00 ---- */

static const struct right *right_of(const char *name)
{
        for (size_t i = 0; i < RIGHTS; i++) {
                if (strcmp(rights[i].name, name) == 0)
                        return &rights[i];
        }
        return NULL;
}

/* The next line that says something, without blanks around it; false: there is none. */
static bool next_line(char **at, unsigned *number, char **line)
{
        while (**at) {
                char *end = strchr(*at, '\n'), *begin = *at, *last;

                *at = end ? end + 1 : begin + strlen(begin);
                if (end)
                        *end = 0;
                ++*number;
                while (isspace((unsigned char)*begin))
                        begin++;
                for (last = begin + strlen(begin); last > begin && isspace((unsigned char)last[-1]);)
                        *--last = 0;
                *line = begin;
                if (*begin && *begin != '#')
                        return true;
        }
        return false;
}

static uint32_t read_rights(struct shell *sh, const char *path, char *text, Chsm__SetUserRightsRequest *body)
{
        unsigned number = 0;
        char *line;

        while (next_line(&text, &number, &line)) {
                const struct right *right = right_of(line);
                const char *name = line;

                if (!right)
                        return shell_fail(
                            sh, ERR_CONFIG,
                            "%s:%u: '%.64s' is no user attribute; they are CKA_USER_SIGN, "
                            "_WRAP, _UNWRAP, _MODIFIABLE, _DERIVE, _KEYGEN and CKA_MANAGE_BY_CO",
                            path, number, line);
                if (body->mask & right->bit)
                        return shell_fail(sh, ERR_CONFIG, "%s:%u: %s stands here twice", path, number, name);
                if (!next_line(&text, &number, &line) ||
                    (strcmp(line, "0x01") != 0 && strcmp(line, "0x00") != 0))
                        return shell_fail(sh, ERR_CONFIG,
                                          "%s:%u: the line after %s must be 0x01 (on) or 0x00 (off)", path,
                                          number, name);
                body->mask |= right->bit;
                if (line[3] == '1')
                        body->rights |= right->bit;
        }
        return body->mask ? 0 : shell_fail(sh, ERR_CONFIG, "%s has no user attribute", path);
}

static uint32_t set_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetUserRightsRequest body = CHSM__SET_USER_RIGHTS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf text = BUF_INIT;
        uint32_t rv = 0;

        (void)index;
        (void)argc;
        if (!file_read(argv[2], FILE_MAX, &text, &sh->err))
                rv = err_ckr(&sh->err);
        buf_put_u8(&text, 0);
        if (rv == 0)
                rv = read_rights(sh, argv[2], (char *)text.p, &body);
        if (rv == 0) {
                body.user = argv[1];
                request.set_user_rights = &body;
                request.body_case = CHSM__REQUEST__BODY_SET_USER_RIGHTS;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        buf_clear(&text);
        return rv;
}

static uint32_t set_attributes(struct shell *sh, int argc, char **argv)
{
        shell_say(sh, "setUserAttributes Info of user %s on %zu nodes\n", argv[1], mgmt_scope_size(sh));
        return mgmt_each(sh, "setUserAttributes", set_one, argc, argv);
}

/* ---- disableUserAccess ---- */

static uint32_t disable_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DisableUserAccessRequest body = CHSM__DISABLE_USER_ACCESS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)index;
        (void)argc;
        body.user = argv[1];
        request.disable_user_access = &body;
        request.body_case = CHSM__REQUEST__BODY_DISABLE_USER_ACCESS;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                mgmt_note(sh, answer.response);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t disable_access(struct shell *sh, int argc, char **argv)
{
        shell_say(sh, "Disabling access of crypto officers to user %s on %zu nodes\n", argv[1],
                  mgmt_scope_size(sh));
        return mgmt_each(sh, "disableUserAccess", disable_one, argc, argv);
}

/* ---- getUserInfo ---- */

static void info_text(struct mgmt_server *s, size_t index, const Chsm__UserInfoResponse *r, struct buf *text)
{
        const Chsm__User *u = r->user;

        buf_printf(text, "User Info on server %zu(%s):\n\n", index, s->host);
        buf_printf(text, "\tUser ID: %llu\n\tUser Type: %s\n\tUser Name: %s\n\tLoginFailureCnt: %u%s\n",
                   (unsigned long long)u->id, mgmt_role_name(u->role), u->name, u->failures,
                   u->locked ? " locked" : "");
        buf_printf(text, "\tMofnPubKey: %s\n\t2FA: %s\n\tKeys owned: %llu\n", u->quorum_key ? "YES" : "NO",
                   u->second_factor ? "YES" : "NO", (unsigned long long)r->keys);
        if (u->role != 1)
                return;
        buf_printf(text, "\tUSER ATTRIBUTES\n");
        for (size_t i = 0; i < RIGHTS; i++)
                buf_printf(text, "\t|-- %s: %s\n", rights[i].shown,
                           r->rights & rights[i].bit ? "ENABLED" : "DISABLED");
}

static void info_json(struct shell *sh, const Chsm__UserInfoResponse *r)
{
        json_t *list = json_object();

        for (size_t i = 0; i < RIGHTS && r->user->role == 1; i++)
                (void)json_object_set_new(list, rights[i].name,
                                          json_boolean((r->rights & rights[i].bit) != 0));
        shell_set(sh, "user",
                  json_pack("{s:I,s:s,s:s,s:i,s:b,s:b,s:b,s:I,s:I,s:o}", "id", (json_int_t)r->user->id,
                            "type", mgmt_role_name(r->user->role), "name", r->user->name, "failures",
                            (int)r->user->failures, "locked", (int)r->user->locked, "quorum_key",
                            (int)r->user->quorum_key, "second_factor", (int)r->user->second_factor,
                            "created_ms", (json_int_t)r->created_ms, "keys", (json_int_t)r->keys,
                            "attributes", list));
}

static uint32_t info_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__UserInfoRequest body = CHSM__USER_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf text = BUF_INIT;
        uint32_t rv;

        body.user = argv[1];
        request.user_info = &body;
        request.body_case = CHSM__REQUEST__BODY_USER_INFO;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const char *words;

                info_text(s, index, answer.response->user_info, &text);
                words = buf_text(&text);
                shell_say(sh, "%s", words ? words : "");
                info_json(sh, answer.response->user_info);
                if (argc > 2 && !file_write(argv[2], buf_slice(&text), 0644, &sh->err))
                        rv = err_ckr(&sh->err);
        }
        buf_clear(&text);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t user_info(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "getUserInfo", info_one, argc, argv);
}

const struct shell_command mgmt_right_rows[] = {
        { "setUserAttributes", "USER FILE", "give rights to a crypto user, or take them", 2, 2, true,
          set_attributes },
        { "disableUserAccess", "USER", "take officers' power over yourself and your keys, for good", 1, 1,
          true, disable_access },
        { "getUserInfo", "USER [FILE]", "show a user and his rights", 1, 2, false, user_info },
        { 0 },
};
