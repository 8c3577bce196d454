/* chsm-util: keys that may be known to their owner go out in clear. Documented so (spec/semantics.md 11): the
 * key is wrapped inside under a key that wraps and decrypts, and that key decrypts it for the host. The node
 * refuses what its policy protects: keys that leave under trusted keys only, and trusted keys that would
 * decrypt. */
#include "tools/util_move.h"

struct out {
        const char *key, *with, *file, *mechanism, *wrapped_file;
};
#define OUT_OPTIONS(o)                                                                                       \
        {                                                                                                    \
                { "-k", &(o).key, false, true }, { "-w", &(o).with, false, true },                           \
                    { "-out", &(o).file, false, true }, { "-m", &(o).mechanism, false, false },              \
                {                                                                                            \
                        "-wk", &(o).wrapped_file, false, false                                               \
                }                                                                                            \
        }

/* The class decides about the verb. */
static uint32_t class_is(struct shell *sh, const Chsm__ObjectRef *ref, const char *key, uint64_t wanted)
{
        static const uint64_t type = CKA_CLASS;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = ask_get(util_chsm(sh), ref, &type, 1, &answer, &sh->err);
        const Chsm__Attribute *a = rv ? NULL : answer.response->attributes->attributes[0];

        if (a && !(a->value.len == 8 && a->value.data[7] == wanted))
                rv = shell_fail(sh, ERR_KEY_TYPE, "key %s is no %s key", key,
                                wanted == CKO_SECRET_KEY ? "secret" : "private");
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t decrypt(struct shell *sh, Chsm__Mechanism *m, Chsm__ObjectRef *with, struct slice wrapped,
                        struct sec **value)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DecryptRequest body = CHSM__DECRYPT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.key = with;
        body.mechanism = m;
        body.data = (ProtobufCBinaryData){ wrapped.n, (uint8_t *)(uintptr_t)wrapped.p };
        request.decrypt = &body;
        request.body_case = CHSM__REQUEST__BODY_DECRYPT;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;

                *value = sec_copy(slice_of(r->data.data, r->data.len));
                if (!*value)
                        rv = shell_fail(sh, ERR_MEMORY, "no memory for a key");
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t mechanism_of(struct shell *sh, const struct out *o, Chsm__Mechanism *m)
{
        uint64_t number = 4;
        uint32_t rv = o->mechanism ? util_number(sh, "-m", o->mechanism, 4, 6, &number) : 0;

        chsm__mechanism__init(m);
        if (rv == 0)
                m->number = util_wrap_row(number)->mechanism;
        return rv;
}

static uint32_t wrapped_copy(struct shell *sh, const struct out *o, struct slice wrapped)
{
        return !o->wrapped_file || util_write(sh, o->wrapped_file, wrapped, 0600) ? 0 : err_ckr(&sh->err);
}

/* The value of a key, as the documented tool gets it. */
static uint32_t take_out(struct shell *sh, const struct out *o, uint64_t object_class, struct sec **value)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct slice wrapped = SLICE_EMPTY;
        Chsm__ObjectRef key, with;
        Chsm__Mechanism m;
        uint32_t rv = util_ref(sh, "-k", o->key, &key);

        if (rv == 0)
                rv = util_ref(sh, "-w", o->with, &with);
        if (rv == 0)
                rv = mechanism_of(sh, o, &m);
        if (rv == 0)
                rv = class_is(sh, &key, o->key, object_class);
        if (rv == 0)
                rv = util_result(sh, "Cfm3WrapKey", util_wrap_call(sh, &m, &with, &key, &answer));
        if (rv == 0) {
                wrapped = slice_of(answer.response->data->data.data, answer.response->data->data.len);
                rv = util_result(sh, "Cfm3UnWrapHostKey", decrypt(sh, &m, &with, wrapped, value));
        }
        if (rv == 0)
                rv = wrapped_copy(sh, o, wrapped);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t export_symmetric(struct shell *sh, int argc, char **argv)
{
        struct out o = { NULL };
        const struct util_option rows[] = OUT_OPTIONS(o);
        struct sec *value = NULL;
        uint32_t rv = util_options(sh, argc, argv, rows, 5);

        if (rv == 0)
                rv = take_out(sh, &o, CKO_SECRET_KEY, &value);
        if (rv == 0 && !util_write_secret(sh, o.file, sec_slice(value)))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                shell_say(sh, "\n\tWrapped Symmetric Key written to file \"%s\"\n", o.file);
        sec_free(&value);
        return rv;
}

static uint32_t export_private(struct shell *sh, int argc, char **argv)
{
        struct out o = { NULL };
        const struct util_option rows[] = OUT_OPTIONS(o);
        struct sec *value = NULL, *pem = NULL;
        uint32_t rv = util_options(sh, argc, argv, rows, 5);

        if (rv == 0)
                rv = take_out(sh, &o, CKO_PRIVATE_KEY, &value);
        if (rv == 0 && !(pem = util_pem_of_private(sec_slice(value))))
                rv = shell_fail(sh, ERR_MEMORY, "no memory for a key");
        if (rv == 0 && !util_write_secret(sh, o.file, sec_slice(pem)))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                shell_say(sh, "\n\tPEM formatted private key is written to %s\n", o.file);
        sec_free(&pem);
        sec_free(&value);
        return rv;
}

const struct shell_command util_export_rows[] = {
        { "exSymKey", "-k HANDLE -w WRAPPING_HANDLE -out FILE [-m 4|5|6] [-wk FILE]",
          "write the bytes of a secret key, with a key that wraps and decrypts", 0, 10, false,
          export_symmetric, "exSymKey -k 262151 -w 262152 -out aes.bin" },
        { "exportPrivateKey", "-k HANDLE -w WRAPPING_HANDLE -out PEM [-m 4|5|6] [-wk FILE]",
          "write a private key as PEM, with a key that wraps and decrypts", 0, 10, false, export_private,
          "exportPrivateKey -k 262154 -w 262152 -out key.pem" },
        { 0 },
};
