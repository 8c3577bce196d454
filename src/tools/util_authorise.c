/* chsm-util: keys with CKA_ALWAYS_AUTHENTICATE, for each use of which their owner gives his password. */
#include "tools/util.h"

#include <unistd.h>

static uint32_t ask_for(struct shell *sh, const Chsm__ObjectRef *key, uint32_t operation,
                        struct slice password, struct buf *out)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuthoriseRequest body = CHSM__AUTHORISE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.password = (ProtobufCBinaryData){ password.n, (uint8_t *)(uintptr_t)password.p };
        body.key = (Chsm__ObjectRef *)(uintptr_t)key;
        body.operation = operation;
        request.authorise = &body;
        request.body_case = CHSM__REQUEST__BODY_AUTHORISE;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0)
                buf_put(out, answer.response->authorise->authorisation.data,
                        answer.response->authorise->authorisation.len);
        chsm_answer_clear(&answer);
        return rv;
}

static bool always_asks(struct shell *sh, const Chsm__ObjectRef *key)
{
        static const uint64_t type = CKA_ALWAYS_AUTHENTICATE;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct err err = ERR_INIT;
        bool asks = false;

        if (ask_get(util_chsm(sh), key, &type, 1, &answer, &err) == 0) {
                const Chsm__Attribute *a = answer.response->attributes->attributes[0];
                asks = !a->status && a->value.len == 1 && a->value.data[0];
        }
        chsm_answer_clear(&answer);
        return asks;
}

uint32_t util_authorise(struct shell *sh, const Chsm__ObjectRef *key, uint32_t operation,
                        const char *password, bool hidden, struct buf *out)
{
        bool terminal = !sh->json && isatty(STDIN_FILENO);
        struct sec *secret;
        uint32_t rv;

        if (password && hidden)
                return shell_fail(sh, ERR_USAGE,
                                  "give the password with -p, or -hpswd to be asked for it, not both");
        if (!always_asks(sh, key))
                return password || hidden ? shell_fail(sh, ERR_USAGE,
                                                       "the key asks for no password; -p and -hpswd are for "
                                                       "keys with CKA_ALWAYS_AUTHENTICATE")
                                          : 0;
        if (!password && !hidden && !terminal)
                return shell_fail(sh, ERR_NOT_LOGGED_IN,
                                  "the key asks for its user's password at each use "
                                  "(CKA_ALWAYS_AUTHENTICATE); give it with -p, or -hpswd to be asked for it");
        secret = password ? sec_copy(slice_str(password)) : shell_password(sh, "Password for this key: ");
        if (!secret)
                return err_ckr(&sh->err);
        rv = ask_for(sh, key, operation, sec_slice(secret), out);
        sec_free(&secret);
        return rv;
}
