/* chsm-util: keys that are made and leave wrapped in one go, for the holder of a public key.
 *
 * The key is made a session key, wrapped, its file written, and only then made to stay. A tool that is killed
 * on the way leaves at most a file of a key that nobody has: nothing stays in the HSM without its wrapped
 * copy. */
#include "tools/util_move.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct atomic {
        const char *public_file, *out, *mechanism, *hash, *label, *id, *trusted, *role;
};
#define ATOMIC_OPTIONS(x)                                                                                    \
        { "-f", &(x).public_file, false, true }, { "-out", &(x).out, false, true },                          \
            { "-wm", &(x).mechanism, false, false }, { "-hash", &(x).hash, false, false },                   \
            { "-l", &(x).label, false, true }, { "-id", &(x).id, false, false },                             \
            { "-wrap_with_trusted", &(x).trusted, false, false },                                            \
        {                                                                                                    \
                "-role", &(x).role, false, false                                                             \
        }

static struct util_making making_of(const struct atomic *x)
{
        return (struct util_making){
                .label = x->label, .id = x->id, .trusted = x->trusted, .role = x->role, .session = "-sess"
        };
}

/* Wraps the session key and writes its file: with RSA-OAEP or RSA-AES, raw, as the holder of the private key
 * reads it. */
static uint32_t wrap_out(struct shell *sh, const struct atomic *x, const char *preset,
                         const Chsm__ObjectRef *with, const Chsm__ObjectRef *key)
{
        struct util_wrapping w = { .mechanism = x->mechanism ? x->mechanism : preset, .hash = x->hash };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_wrapping_read(sh, &w);

        if (rv == 0 && w.row->kind != UTIL_WRAP_OAEP && w.row->kind != UTIL_WRAP_RSA_AES)
                rv = shell_fail(sh, ERR_USAGE, "option -wm is 7 (RSA-AES) or 8 (RSA-OAEP), not %s",
                                w.mechanism);
        if (!x->hash)
                w.hash_number = 3; /* SHA-256 */
        if (rv == 0)
                rv = util_wrapping_ready(sh, &w);
        if (rv == 0)
                rv = util_wrap_call(sh, &w.m, with, key, &answer);
        if (rv == 0) {
                const Chsm__DataResponse *r = answer.response->data;

                if (!util_write(sh, x->out, slice_of(r->data.data, r->data.len), 0600))
                        rv = err_ckr(&sh->err);
        }
        util_wrapping_clear(&w);
        chsm_answer_clear(&answer);
        return rv;
}

/* A session key becomes a token key. */
static uint32_t keep(struct shell *sh, const Chsm__ObjectResponse *o, uint64_t *handle)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest body = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        ref.sealed = o->sealed;
        ask_bool(&a, CKA_TOKEN, true);
        body.object = &ref;
        body.attributes = a.list;
        body.n_attributes = a.n;
        request.set_attributes = &body;
        request.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        if (rv == 0)
                *handle = answer.response->object->handle;
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t taken(struct shell *sh, const struct atomic *x)
{
        bool is = false;
        uint32_t rv = x->id ? util_id_taken(sh, x->id, &is) : 0;

        return is ? shell_fail(sh, ERR_ATTRIBUTE_VALUE, "a key has the CKA_ID '%s' already", x->id) : rv;
}

/* Both kinds end so: wrapped, written, kept; the file goes when the key could not stay. */
static uint32_t finish(struct shell *sh, const struct atomic *x, const char *preset,
                       const Chsm__ObjectResponse *key, const Chsm__ObjectResponse *pub)
{
        Chsm__ObjectRef with, ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t handle = 0, public_handle = 0;
        uint32_t rv = util_public_session(sh, x->public_file, &answer, &with);

        ref.sealed = key->sealed;
        if (rv == 0)
                rv = wrap_out(sh, x, preset, &with, &ref);
        if (rv == 0) {
                if (pub)
                        rv = keep(sh, pub, &public_handle);
                if (rv == 0)
                        rv = keep(sh, key, &handle);
                if (rv)
                        (void)unlink(x->out);
        }
        if (rv == 0) {
                shell_say(sh, "\n\tKey Wrapped.  Written to file \"%s\"\n\n\tKey Handle: %llu\n", x->out,
                          (unsigned long long)handle);
                shell_set(sh, "handle", json_integer((json_int_t)handle));
                if (pub) {
                        shell_say(sh, "\tPublic Key Handle: %llu\n", (unsigned long long)public_handle);
                        shell_set(sh, "public_handle", json_integer((json_int_t)public_handle));
                }
                util_cluster_status(sh);
        }
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- atomicGenAndWrapSymKey ---- */

static uint32_t symmetric(struct shell *sh, int argc, char **argv)
{
        struct atomic x = { NULL };
        const char *type_text = NULL, *size_text = NULL;
        const struct util_option rows[] = { { "-t", &type_text, false, true },
                                            { "-s", &size_text, false, true },
                                            ATOMIC_OPTIONS(x) };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct util_making making;
        uint64_t type = 0, size = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        making = making_of(&x);
        if (rv == 0)
                rv = util_number(sh, "-t", type_text, 0, 64, &type);
        if (rv == 0 && type != CKK_AES && type != CKK_GENERIC_SECRET)
                rv = shell_fail(sh, ERR_KEY_TYPE, "key types are 31 (AES) and 16 (generic secret), not %s",
                                type_text);
        if (rv == 0)
                rv = util_number(sh, "-s", size_text, 1, 3072, &size);
        if (rv == 0)
                rv = taken(sh, &x);
        if (rv == 0)
                rv = util_making(sh, &making, true, &a);
        if (rv == 0)
                rv = util_role(sh, &making, CKO_SECRET_KEY, &a);
        if (rv == 0) {
                ask_number(&a, CKA_VALUE_LEN, size);
                m.number = type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN;
                body.mechanism = &m;
                body.template_ = a.list;
                body.n_template_ = a.n;
                request.generate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
                rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        }
        if (rv == 0)
                rv = finish(sh, &x, "8", answer.response->object, NULL);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3AtomicGenAndWrapSymKey", rv);
}

/* ---- atomicGenAndWrapASymKey ---- */

/* What kind of pair: -m BITS (RSA, exponent 65537) or -i CURVE. */
static uint32_t pair_kind(struct shell *sh, const char *bits_text, const char *curve_text,
                          struct ask_attributes *pub, uint64_t *mechanism)
{
        uint64_t bits = 0;
        struct slice params;
        uint32_t rv;

        if (!bits_text == !curve_text)
                return shell_fail(sh, ERR_USAGE, "give -m BITS for an RSA pair, or -i CURVE for an EC pair");
        if (bits_text) {
                rv = util_number(sh, "-m", bits_text, 1024, 16384, &bits);
                ask_number(pub, CKA_MODULUS_BITS, bits);
                *mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
                return rv;
        }
        rv = util_curve(sh, curve_text, &params, mechanism);
        if (rv == 0)
                ask_bytes(pub, CKA_EC_PARAMS, params);
        return rv;
}

static uint32_t asymmetric(struct shell *sh, int argc, char **argv)
{
        struct atomic x = { NULL };
        const char *bits = NULL, *curve = NULL;
        const struct util_option rows[] = { { "-m", &bits, false, false },
                                            { "-i", &curve, false, false },
                                            ATOMIC_OPTIONS(x) };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest body = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct ask_attributes pub = { .n = 0 }, priv = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct util_making making;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        making = making_of(&x);
        if (rv == 0)
                rv = pair_kind(sh, bits, curve, &pub, &m.number);
        if (rv == 0)
                rv = taken(sh, &x);
        if (rv == 0)
                rv = util_making(sh, &making, false, &pub);
        if (rv == 0)
                rv = util_making(sh, &making, true, &priv);
        if (rv == 0)
                rv = util_role(sh, &making, CKO_PUBLIC_KEY, &pub);
        if (rv == 0)
                rv = util_role(sh, &making, CKO_PRIVATE_KEY, &priv);
        if (rv == 0) {
                body.mechanism = &m;
                body.public_template = pub.list;
                body.n_public_template = pub.n;
                body.private_template = priv.list;
                body.n_private_template = priv.n;
                request.generate_key_pair = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
                rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        }
        if (rv == 0)
                rv = finish(sh, &x, "7", answer.response->key_pair->private_key,
                            answer.response->key_pair->public_key);
        chsm_answer_clear(&answer);
        return util_result(sh, "Cfm3AtomicGenAndWrapASymKey", rv);
}

#define REST                                                                                                 \
        "-f PUBLIC_KEY -out FILE -l LABEL [-id ID] [-role wrap|encrypt|sign] [-wrap_with_trusted 0|1] [-wm " \
        "7|8] [-hash HASH]"

const struct shell_command util_atomic_rows[] = {
        { "atomicGenAndWrapSymKey", "-t 31|16 -s BYTES " REST,
          "make a secret key and write it wrapped for the holder of an RSA public key (PEM or DER), both or "
          "nothing",
          0, 20, false, symmetric,
          "atomicGenAndWrapSymKey -t 31 -s 32 -l shared -f partner.der -out shared.bin -wrap_with_trusted "
          "0" },
        { "atomicGenAndWrapASymKey", "-m BITS|-i CURVE " REST,
          "make a pair and write its private half wrapped for the holder of an RSA public key, both or "
          "nothing",
          0, 20, false, asymmetric,
          "atomicGenAndWrapASymKey -i 2 -l device -f partner.der -out device.bin -wrap_with_trusted 0" },
        { 0 },
};
