/* chsm-util: keys go out and come back, sealed for their security domain. */
#include "tools/util.h"

#define MASKED_MAX ((size_t)320 * 1024)

static uint32_t extract(struct shell *sh, int argc, char **argv)
{
        const char *handle = NULL, *out = NULL;
        const struct util_option rows[] = { { "-o", &handle, false, true }, { "-out", &out, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ExtractMaskedRequest body = CHSM__EXTRACT_MASKED_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t number = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 2);

        if (rv == 0)
                rv = util_number(sh, "-o", handle, 1, UINT32_MAX, &number);
        if (rv)
                return rv;
        if (number >= UTIL_SESSION_FIRST) {
                rv = shell_fail(sh, ERR_KEY_HANDLE, "key %s is a session key; only token keys are masked",
                                handle);
        } else {
                body.handle = number;
                request.extract_masked = &body;
                request.body_case = CHSM__REQUEST__BODY_EXTRACT_MASKED;
                rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        }
        if (rv == 0) {
                const ProtobufCBinaryData *data = &answer.response->data->data;

                if (!util_write(sh, out, slice_of(data->data, data->len), 0600))
                        rv = err_ckr(&sh->err);
                else
                        shell_say(sh, "\n\tObject was masked and written to file \"%s\"\n", out);
        }
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3ExtractMaskedObject", rv);
}

static uint32_t insert(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *file = NULL;
        const struct util_option rows[] = { { "-f", &file, false, true },
                                            { "-min_srv", &m.nodes, false, false },
                                            { "-timeout", &m.timeout, false, false } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__InsertMaskedRequest body = CHSM__INSERT_MASKED_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf masked = BUF_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0)
                rv = util_cluster_wishes(sh, &m);
        if (rv == 0 && !util_read(sh, file, MASKED_MAX, &masked))
                rv = err_ckr(&sh->err);
        if (rv == 0) {
                body.masked = (ProtobufCBinaryData){ masked.n, masked.p };
                request.insert_masked = &body;
                request.body_case = CHSM__REQUEST__BODY_INSERT_MASKED;
                rv = util_result(sh, "Cfm3InsertMaskedObject",
                                 chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0) {
                shell_say(sh, "\n\tNew Key Handle: %llu\n",
                          (unsigned long long)answer.response->inserted->handle);
                if (answer.response->note && answer.response->note[0])
                        shell_say(sh, "\n\tnote: %s\n", answer.response->note);
                shell_set(sh, "handle", json_integer((json_int_t)answer.response->inserted->handle));
                shell_set(sh, "note", json_string(answer.response->note));
                util_cluster_status(sh);
        }
        buf_clear(&masked);
        chsm_answer_clear(&answer);
        return rv;
}

const struct shell_command util_mask_rows[] = {
        { "extractMaskedObject", "-o HANDLE -out FILE", "write a key sealed for this security domain", 0, 4,
          false, extract, "extractMaskedObject -o 262150 -out signing.masked" },
        { "insertMaskedObject", "-f FILE [-min_srv N -timeout SECONDS]", "bring a masked key back", 0, 6,
          false, insert, "insertMaskedObject -f signing.masked" },
        { 0 },
};
