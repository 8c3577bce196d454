/* chsm-util: keys get new versions, and old ones are retired. */
#include "tools/util.h"

#include <ctype.h>

/* "20300131", as CKA_START_DATE holds it. */
static uint32_t date(struct shell *sh, const char *option, const char *text, ProtobufCBinaryData *out)
{
        if (!text)
                return 0;
        for (size_t i = 0; i < 8; i++) {
                if (!isdigit((unsigned char)text[i]) || (i == 7 && text[8]))
                        return shell_fail(sh, ERR_USAGE,
                                          "%s takes a date as YYYYMMDD, such as 20301231, not '%s'", option,
                                          text);
        }
        *out = (ProtobufCBinaryData){ 8, (uint8_t *)(uintptr_t)text };
        return 0;
}

static void say_pair(struct shell *sh, const Chsm__KeyPairResponse *pair)
{
        uint64_t a = util_made(sh, pair->public_key), b = util_made(sh, pair->private_key);

        shell_say(sh, "\n\tKey Pair Rotated.  New public key handle: %llu    private key handle: %llu\n",
                  (unsigned long long)a, (unsigned long long)b);
        shell_set(sh, "public_handle", json_integer((json_int_t)a));
        shell_set(sh, "private_handle", json_integer((json_int_t)b));
}

static void say_key(struct shell *sh, const Chsm__ObjectResponse *key)
{
        uint64_t handle = util_made(sh, key);

        shell_say(sh, "\n\tKey Rotated.  New Key Handle: %llu\n", (unsigned long long)handle);
        shell_set(sh, "handle", json_integer((json_int_t)handle));
}

static uint32_t rotate_key(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *from = NULL, *until = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true },
                                            { "-sd", &from, false, false },
                                            { "-ed", &until, false, false } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RotateKeyRequest body = CHSM__ROTATE_KEY_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_ref(sh, "-k", key, &ref);
        if (rv == 0)
                rv = date(sh, "-sd", from, &body.start_date);
        if (rv == 0)
                rv = date(sh, "-ed", until, &body.end_date);
        if (rv == 0) {
                body.key = &ref;
                request.rotate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_ROTATE_KEY;
                rv = util_result(sh, "Cfm3RotateKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0) {
                if (answer.response->body_case == CHSM__RESPONSE__BODY_KEY_PAIR)
                        say_pair(sh, answer.response->key_pair);
                else
                        say_key(sh, answer.response->object);
                shell_set(sh, "superseded", json_integer((json_int_t)ref.handle));
                util_cluster_status(sh);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t retire_key(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__RetireKeyRequest body = CHSM__RETIRE_KEY_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = util_ref(sh, "-k", key, &ref);
        if (rv == 0) {
                body.key = &ref;
                request.retire_key = &body;
                request.body_case = CHSM__REQUEST__BODY_RETIRE_KEY;
                rv = util_result(sh, "Cfm3RetireKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0)
                util_cluster_status(sh);
        chsm_answer_clear(&answer);
        return rv;
}

const struct shell_command util_life_rows[] = {
        { "rotateKey", "-k HANDLE [-sd YYYYMMDD] [-ed YYYYMMDD]",
          "make a new version of a key or pair; the old one then only opens and verifies", 0, 6, false,
          rotate_key, "rotateKey -k 262150 -ed 20301231" },
        { "retireKey", "-k HANDLE", "end a version that is not the current one: it does nothing any more", 0,
          2, false, retire_key, "retireKey -k 262150" },
        { 0 },
};
