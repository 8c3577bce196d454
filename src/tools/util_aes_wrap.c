/* chsm-util: a file's bytes under AES key wrap. This is encryption, so trusted keys refuse it.
 * spec/key-rules.md rule 3. */
#include "base/text.h"
#include "tools/util_move.h"

#include <stdio.h>

#define FILE_BELOW 4096

static const char preset_iv[] = "A6A6A6A6A6A6A6A6";

/* As the documented tool shows bytes: 16 a line. */
static void dump(struct shell *sh, struct slice bytes)
{
        shell_say(sh, "\n\tresult data:\n");
        for (size_t i = 0; i < bytes.n; i++)
                shell_say(sh, "%s%02X%s", i % 16 ? " " : "\t", bytes.p[i],
                          i % 16 == 15 || i + 1 == bytes.n ? "\n" : "");
}

/* Encrypts or decrypts with an AES key. Caller frees *out. */
static uint32_t cipher(struct shell *sh, bool wrap, Chsm__ObjectRef *key, Chsm__Mechanism *m, struct slice in,
                       struct sec **out)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__EncryptRequest encrypt = CHSM__ENCRYPT_REQUEST__INIT;
        Chsm__DecryptRequest decrypt = CHSM__DECRYPT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        encrypt.key = decrypt.key = key;
        encrypt.mechanism = decrypt.mechanism = m;
        encrypt.data = decrypt.data = (ProtobufCBinaryData){ in.n, (uint8_t *)(uintptr_t)in.p };
        if (wrap)
                request.encrypt = &encrypt;
        else
                request.decrypt = &decrypt;
        request.body_case = wrap ? CHSM__REQUEST__BODY_ENCRYPT : CHSM__REQUEST__BODY_DECRYPT;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;

                *out = sec_copy(slice_of(r->data.data, r->data.len));
                if (!*out)
                        rv = shell_fail(sh, ERR_MEMORY, "no memory for the result");
        }
        chsm_answer_clear(&answer);
        return rv;
}

/* File, key and mechanism of a verb, and what comes of it. */
struct job {
        const char *file, *key, *iv, *out, *function;
        bool wrap;
        uint64_t mechanism;
};

static uint32_t run(struct shell *sh, const struct job *job)
{
        struct sec *in = NULL, *result = NULL;
        struct buf iv = BUF_INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__ObjectRef key;
        uint32_t rv = util_ref(sh, "-w", job->key, &key);

        if (rv == 0 && (!text_from_hex(slice_str(job->iv ? job->iv : preset_iv), &iv) || iv.n != 8))
                rv = shell_fail(sh, ERR_USAGE, "option -i takes 16 hex digits, not '%s'", job->iv);
        if (rv == 0 && !(in = util_read_secret(sh, job->file)))
                rv = err_ckr(&sh->err);
        if (rv == 0 && sec_size(in) >= FILE_BELOW)
                rv = shell_fail(sh, ERR_USAGE, "'%s' has %zu bytes; less than %d are taken", job->file,
                                sec_size(in), FILE_BELOW);
        if (rv == 0) {
                m.number = job->mechanism;
                m.parameter = (ProtobufCBinaryData){ iv.n, iv.p };
                rv = util_result(sh, job->function, cipher(sh, job->wrap, &key, &m, sec_slice(in), &result));
        }
        if (rv == 0 && !util_write_secret(sh, job->out, sec_slice(result)))
                rv = err_ckr(&sh->err);
        if (rv == 0) {
                if (job->wrap) /* unwrapped bytes are a key: they are not shown */
                        dump(sh, sec_slice(result));
                shell_say(sh, "\n\tresult written to file %s\n", job->out);
                shell_set(sh, "length", json_integer((json_int_t)sec_size(result)));
        }
        sec_free(&result);
        sec_free(&in);
        buf_clear(&iv);
        return rv;
}

static uint32_t wrap_unwrap(struct shell *sh, int argc, char **argv)
{
        const char *mode = NULL;
        struct job job = { .mechanism = CKM_AES_KEY_WRAP };
        const struct util_option rows[] = { { "-m", &mode, false, true },
                                            { "-f", &job.file, false, true },
                                            { "-w", &job.key, false, true },
                                            { "-i", &job.iv, false, false },
                                            { "-out", &job.out, false, false } };
        uint64_t number = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 5);

        if (rv == 0)
                rv = util_number(sh, "-m", mode, 0, 1, &number);
        if (rv)
                return rv;
        job.wrap = number == 1;
        job.function = job.wrap ? "Cfm3WrapHostKey" : "Cfm3UnWrapHostKey";
        if (!job.out)
                job.out = job.wrap ? "wrapped_key" : "unwrapped_key";
        if (!job.iv)
                shell_say(sh, "\n\tWarning: IV (-i) is missing.\n\t\t Using default IV : %s\n", preset_iv);
        return run(sh, &job);
}

static uint32_t unwrap_padded(struct shell *sh, int argc, char **argv)
{
        struct job job = { .mechanism = CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD,
                           .function = "Cfm3UnWrapHostKey" };
        const struct util_option rows[] = { { "-f", &job.file, false, true },
                                            { "-w", &job.key, false, true },
                                            { "-i", &job.iv, false, false },
                                            { "-out", &job.out, false, true } };
        uint32_t rv = util_options(sh, argc, argv, rows, 4);

        return rv ? rv : run(sh, &job);
}

const struct shell_command util_aes_wrap_rows[] = {
        { "aesWrapUnwrap", "-m 1|0 -f FILE -w AES_HANDLE [-i IV] [-out FILE]",
          "wrap (1) or unwrap (0) the bytes of a file with AES key wrap (RFC 3394); below 4096 bytes", 0, 10,
          false, wrap_unwrap, "aesWrapUnwrap -m 1 -f secret.bin -w 262152 -out secret.wrapped" },
        { "aesUnwrapPkcs5Buffer", "-f FILE -w AES_HANDLE -out FILE [-i IV]",
          "unwrap the bytes of a file that were padded as PKCS#5 pads, then wrapped (mechanism 4 of wrapKey)",
          0, 8, false, unwrap_padded, "aesUnwrapPkcs5Buffer -f secret.wrapped -w 262152 -out secret.bin" },
        { 0 },
};
