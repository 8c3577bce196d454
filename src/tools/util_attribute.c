/* chsm-util: attributes are read and changed, public keys exported. */
#include "ck/encoding.h"
#include "tools/util.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

static void put_attribute(struct buf *out, const Chsm__Attribute *a, size_t *count)
{
        char *text;

        if (a->status)
                return;
        text = ask_value_text(a->type, slice_of(a->value.data, a->value.len));
        buf_printf(out, "OBJ_ATTR_%s\n%s\n", ask_attribute_name(a->type), text ? text : "");
        free(text);
        (*count)++;
}

static uint32_t get_attribute(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *attribute = NULL, *file = NULL;
        const struct util_option rows[] = { { "-o", &key, false, true },
                                            { "-a", &attribute, false, true },
                                            { "-out", &file, false, true } };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf out = BUF_INIT;
        Chsm__ObjectRef ref;
        uint64_t type = 0;
        size_t count = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0)
                rv = util_ref(sh, "-o", key, &ref);
        if (rv == 0 && !ask_attribute_type(attribute, &type))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no attribute; try: listAttributes", attribute);
        if (rv)
                return rv;
        rv = ask_get(util_chsm(sh), &ref, &type, type == 512 ? 0 : 1, &answer, &sh->err);
        for (size_t i = 0; rv == 0 && i < answer.response->attributes->n_attributes; i++)
                put_attribute(&out, answer.response->attributes->attributes[i], &count);
        if (rv == 0 && count == 0)
                rv = shell_fail(sh, ERR_ATTRIBUTE_SENSITIVE,
                                "%s of key %s is not shown: it is secret, or the key has no such attribute",
                                ask_attribute_name(type), key);
        if (rv == 0 && !util_write(sh, file, buf_slice(&out), 0644))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                shell_say(sh, "\n\tAttribute size: %zu, count: %zu\n\tWritten to: %s file\n", out.n, count,
                          file);
        buf_clear(&out);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3GetAttribute", rv);
}

static uint32_t set_attribute(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *attribute = NULL, *given = NULL;
        const struct util_option rows[] = { { "-o", &key, false, true },
                                            { "-a", &attribute, false, true },
                                            { "-v", &given, false, false } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest body = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t type = 0, value = 0;
        char line[16];
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0)
                rv = util_ref(sh, "-o", key, &ref);
        if (rv == 0 && (!ask_attribute_type(attribute, &type) || type == 512))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no attribute; try: listAttributes", attribute);
        if (rv == 0 && !given) {
                shell_say(sh, "Enter the boolean attribute value (0 or 1):");
                given = fgets(line, sizeof(line), stdin) ? (line[strcspn(line, "\r\n")] = 0, line) : "";
        }
        if (rv == 0)
                rv = util_number(sh, "-v", given, 0, 1, &value);
        if (rv)
                return rv;
        ask_bool(&a, type, value);
        body.object = &ref;
        body.attributes = a.list;
        body.n_attributes = a.n;
        request.set_attributes = &body;
        request.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
        rv = util_result(sh, "Cfm3SetAttribute", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- public keys out ---- */

static bool pem_of(struct slice der, struct buf *pem)
{
        const unsigned char *at = der.p;
        EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.n);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long n = key && bio && PEM_write_bio_PUBKEY(bio, key) == 1 ? BIO_get_mem_data(bio, &text) : 0;

        if (n > 0)
                buf_put(pem, text, (size_t)n);
        BIO_free(bio);
        EVP_PKEY_free(key);
        return n > 0 && buf_ok(pem);
}

static uint32_t export_public(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *file = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true }, { "-out", &file, false, true } };
        static const uint64_t types[] = { CKA_CLASS, CKA_PUBLIC_KEY_INFO };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct buf pem = BUF_INIT;
        Chsm__ObjectRef ref;
        uint64_t class = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 2);

        if (rv == 0)
                rv = util_ref(sh, "-k", key, &ref);
        if (rv)
                return rv;
        rv = ask_get(util_chsm(sh), &ref, types, 2, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__Attribute *const *a =
                    (const Chsm__Attribute *const *)answer.response->attributes->attributes;

                (void)ck_value_number(slice_of(a[0]->value.data, a[0]->value.len), &class);
                if (class != CKO_PUBLIC_KEY)
                        rv = shell_fail(sh, ERR_KEY_TYPE, "key %s is not a public key", key);
                else if (!pem_of(slice_of(a[1]->value.data, a[1]->value.len), &pem))
                        rv = shell_fail(sh, ERR_CRYPTO, "the public key cannot be read");
        }
        if (rv == 0 && !util_write(sh, file, buf_slice(&pem), 0644))
                rv = err_ckr(&sh->err);
        if (rv == 0)
                shell_say(sh, "\n\tPEM formatted public key is written to %s\n", file);
        buf_clear(&pem);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3ExportPubKey", rv);
}

const struct shell_command util_attribute_rows[] = {
        { "getAttribute", "-o HANDLE -a ATTRIBUTE|512 -out FILE", "write attributes to a file", 0, 6, false,
          get_attribute },
        { "setAttribute", "-o HANDLE -a ATTRIBUTE [-v 0|1]", "change a boolean attribute", 0, 6, false,
          set_attribute },
        { "exportPubKey", "-k HANDLE -out FILE", "write a public key as PEM", 0, 4, false, export_public },
        { 0 },
};
