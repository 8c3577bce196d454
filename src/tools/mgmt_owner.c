/* chsm-mgmt: owners of keys and names of officers. */
#include "base/text.h"
#include "tools/mgmt_user.h"

/* ---- modifyKeyOwner ---- */

static uint32_t owner_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ChangeOwnerRequest body = CHSM__CHANGE_OWNER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf kcv = BUF_INIT;
        uint32_t rv = 0;

        (void)index;
        if (!text_number(argv[1], 1, UINT32_MAX, &body.handle))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no key handle", argv[1]);
        else if (!text_number(argv[2], 1, UINT32_MAX, &body.user))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no user id; try: listUsers", argv[2]);
        else if (argc > 3 &&
                 !text_from_hex(slice_str(strncmp(argv[3], "0x", 2) == 0 ? argv[3] + 2 : argv[3]), &kcv))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no check value (KCV) in hex", argv[3]);
        if (rv == 0) {
                body.check_value = (ProtobufCBinaryData){ kcv.n, kcv.p };
                request.change_owner = &body;
                request.body_case = CHSM__REQUEST__BODY_CHANGE_OWNER;
                rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        buf_clear(&kcv);
        return rv;
}

uint32_t mgmt_modify_owner(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "modifyKeyOwner", owner_one, argc, argv);
}

/* ---- renamePCO ---- */

static uint32_t rename_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RenameOfficerRequest body = CHSM__RENAME_OFFICER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)index;
        (void)argc;
        body.user = argv[1];
        body.name = argv[2];
        request.rename_officer = &body;
        request.body_case = CHSM__REQUEST__BODY_RENAME_OFFICER;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t mgmt_rename_pco(struct shell *sh, int argc, char **argv)
{
        struct mgmt *m = mgmt_of(sh);
        uint32_t rv = mgmt_each(sh, "renamePCO", rename_one, argc, argv);

        for (size_t i = 0; rv == 0 && i < m->count; i++) { /* the logins were those of the old name */
                if (m->servers[i].chsm && (m->scope < 0 || (size_t)m->scope == i))
                        chsm_forget_login(m->servers[i].chsm);
                m->servers[i].login[0] = 0;
        }
        if (rv == 0)
                shell_say(sh, "logged out; log in as %s\n", argv[2]);
        return rv;
}
