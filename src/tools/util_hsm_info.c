/* chsm-util: the partition and its certificates. */
#include "ck/names.h"
#include "tools/util.h"

static uint32_t partition_info(struct shell *sh, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__PartitionInfoRequest body = CHSM__PARTITION_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.partition_info = &body;
        request.body_case = CHSM__REQUEST__BODY_PARTITION_INFO;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__PartitionInfoResponse *r = answer.response->partition_info;
                const struct {
                        const char *label, *name;
                        uint64_t value;
                } rows[] = {
                        { "FIPS state", "fips_state", r->fips_state },
                        { "Users", "users", r->users },
                        { "Most users", "max_users", r->max_users },
                        { "Keys", "keys", r->keys },
                        { "Most keys", "max_keys", r->max_keys },
                        { "Shortest password", "min_password", r->min_password },
                        { "Longest password", "max_password", r->max_password },
                        { "Failures that lock", "lock_after", r->lock_after },
                };

                shell_say(sh, "\n\t%-20s :%s\n\t%-20s :%s\n", "Name", r->name, "Profile", r->profile);
                shell_set(sh, "name", json_string(r->name));
                shell_set(sh, "profile", json_string(r->profile));
                for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                        shell_say(sh, "\t%-20s :%llu\n", rows[i].label, (unsigned long long)rows[i].value);
                        shell_set(sh, rows[i].name, json_integer((json_int_t)rows[i].value));
                }
        }
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3GetPartitionInfo", rv);
}

static uint32_t get_cert(struct shell *sh, int argc, char **argv)
{
        const char *file = NULL, *type = NULL, *other = NULL;
        const struct util_option rows[] = { { "-f", &file, false, true },
                                            { "-s", &type, false, false },
                                            { "-t", &other, false, false } }; /* as one document spells it */
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetCertRequest body = CHSM__GET_CERT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t number = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0 && !type == !other)
                rv = shell_fail(sh, ERR_USAGE, "which certificate? -s 1, 2, 4, 8, 16, 32 or 64");
        if (rv == 0)
                rv = util_number(sh, "-s", type ? type : other, 1, 64, &number);
        if (rv == 0 && (number & (number - 1)))
                rv = shell_fail(sh, ERR_USAGE, "certificate types are 1, 2, 4, 8, 16, 32 and 64, not '%s'",
                                type ? type : other);
        if (rv)
                return rv;
        body.type = (uint32_t)number;
        request.get_cert = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_CERT;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0) {
                const ProtobufCBinaryData *pem = &answer.response->get_cert->pem;

                if (!util_write(sh, file, slice_of(pem->data, pem->len), 0644))
                        rv = err_ckr(&sh->err);
        }
        chsm_answer_clear(&answer);
        if (rv == 0) /* the documented form, which is not that of other commands */
                shell_say(sh, "\n\tCfm3GetCert() returned 0 :HSM Return: SUCCESS\n");
        else
                (void)util_result(sh, "Cfm3GetCert()", rv);
        return rv;
}

/* ---- Error2String ---- */

static const struct {
        uint64_t code;
        const char *text;
} more_codes[] = {
        { 0, "HSM Return: SUCCESS" },
        { 0x40000040, "LIQUIDSECURITY: Daemon socket connection error" },
};

/* The words of a code: the documented ones, what our reasons say, or the name in PKCS#11. */
static const char *words_of(uint64_t code, bool *plain)
{
        *plain = true;
        for (size_t i = 0; i < sizeof(more_codes) / sizeof(more_codes[0]); i++) {
                if (more_codes[i].code == code)
                        return more_codes[i].text;
        }
        for (const struct util_hsm_code *row = util_hsm_codes; row->text; row++) {
                if (row->code == code)
                        return row->text;
        }
        *plain = false;
        for (int id = 0; id < ERR_COUNT; id++) {
                const struct err_row *row = err_row((enum err_id)id);

                if (row->ckr == code && row->text)
                        return row->text;
        }
        return ck_name(CK_KIND_RETURN, code);
}

static uint32_t error_text(struct shell *sh, int argc, char **argv)
{
        const char *code = NULL, *words;
        const struct util_option rows[] = { { "-r", &code, false, true } };
        uint64_t number = 0;
        bool plain;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = util_number(sh, "-r", code, 0, UINT32_MAX, &number);
        if (rv)
                return rv;
        words = words_of(number, &plain);
        if (!words)
                return shell_fail(sh, ERR_ARGUMENT, "code %s is not one of ours", code);
        shell_say(sh, "\tError Code %llx maps to %s%s\n", (unsigned long long)number,
                  plain ? "" : "HSM Error: ", words);
        shell_set(sh, "text", json_string(words));
        return 0;
}

const struct shell_command util_hsm_info_rows[] = {
        { "getPartitionInfo", "", "describe the partition: users, keys, limits", 0, 0, false, partition_info,
          "getPartitionInfo" },
        { "getCert", "-f FILE -s 1|2|4|8|16|32|64", "write a certificate of the partition as PEM", 0, 4,
          false, get_cert, "getCert -f PO.crt -s 4" },
        { "Error2String", "-r CODE", "explain an error code", 0, 2, false, error_text,
          "Error2String -r 0xdb" },
        { 0 },
};
