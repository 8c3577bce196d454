/* chsm-util: keys are made, found, described, changed, exported and deleted. */
#include "base/text.h"
#include "ck/encoding.h"
#include "tools/util.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
        uint64_t number;
        const char *name;
        uint8_t params[12];
        size_t n;
} curve_rows[] = {
        { 2, "prime256v1", { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 10 },
        { 13, "secp224r1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21 }, 7 },
        { 14, "secp384r1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 }, 7 },
        { 15, "secp521r1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 }, 7 },
        { 16, "secp256k1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a }, 7 },
        { 28, "Ed25519", { 0x06, 0x03, 0x2b, 0x65, 0x70 }, 5 },
};
#define CURVES (sizeof(curve_rows) / sizeof(curve_rows[0]))

static uint32_t list_curves(struct shell *sh, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        for (size_t i = 0; i < CURVES; i++) {
                shell_say(sh, "\t%-3llu %s\n", (unsigned long long)curve_rows[i].number, curve_rows[i].name);
                shell_set(sh, curve_rows[i].name, json_integer((json_int_t)curve_rows[i].number));
        }
        return 0;
}

/* ---- making ---- */

static uint32_t gen_sym(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *type_text = NULL, *size_text = NULL;
        const struct util_option rows[] = { { "-t", &type_text, false, true },
                                            { "-s", &size_text, false, true },
                                            UTIL_MAKING_OPTIONS(m) };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism mechanism = CHSM__MECHANISM__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t type = 0, size = 0, *users = NULL;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-t", type_text, 0, 64, &type);
        if (rv == 0 && type != CKK_AES && type != CKK_GENERIC_SECRET)
                rv = shell_fail(sh, ERR_KEY_TYPE, "key types are 31 (AES) and 16 (generic secret), not %s",
                                type_text);
        if (rv == 0)
                rv = util_number(sh, "-s", size_text, 1, 3072, &size);
        if (rv == 0)
                rv = util_users(sh, m.users, &users, &body.n_share_with);
        if (rv == 0)
                rv = util_making(sh, &m, true, &a);
        if (rv == 0) {
                ask_number(&a, CKA_VALUE_LEN, size);
                if (type == CKK_AES) { /* the documented tool's AES keys have every usage */
                        ask_bool(&a, CKA_ENCRYPT, true);
                        ask_bool(&a, CKA_DECRYPT, true);
                        ask_bool(&a, CKA_WRAP, true);
                        ask_bool(&a, CKA_UNWRAP, true);
                }
                mechanism.number = type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN;
                body.mechanism = &mechanism;
                body.template_ = a.list;
                body.n_template_ = a.n;
                body.share_with = users;
                body.unique_id = true;
                request.generate_key = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
                rv = util_result(sh, "Cfm3GenerateSymmetricKey",
                                 chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0) {
                shell_say(sh, "\n\tSymmetric Key Created.  Key Handle: %llu\n",
                          (unsigned long long)answer.response->object->handle);
                shell_set(sh, "handle", json_integer((json_int_t)answer.response->object->handle));
        }
        free(users);
        chsm_answer_clear(&answer);
        return rv;
}

/* Both halves; what is particular stands in the public template already. */
static uint32_t gen_pair(struct shell *sh, const struct util_making *m, uint64_t mechanism_number,
                         struct ask_attributes *pub)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest body = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism mechanism = CHSM__MECHANISM__INIT;
        struct ask_attributes priv = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t *users = NULL;
        uint32_t rv = util_users(sh, m->users, &users, &body.n_share_with);

        if (rv == 0)
                rv = util_making(sh, m, false, pub);
        if (rv == 0)
                rv = util_making(sh, m, true, &priv);
        if (rv == 0) {
                mechanism.number = mechanism_number;
                body.mechanism = &mechanism;
                body.public_template = pub->list;
                body.n_public_template = pub->n;
                body.private_template = priv.list;
                body.n_private_template = priv.n;
                body.share_with = users;
                body.unique_id = true;
                request.generate_key_pair = &body;
                request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
                rv = util_result(sh, "Cfm3GenerateKeyPair",
                                 chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        }
        if (rv == 0) {
                uint64_t a = answer.response->key_pair->public_key->handle;
                uint64_t b = answer.response->key_pair->private_key->handle;

                shell_say(sh,
                          "\n\tCfm3GenerateKeyPair:    public key handle: %llu    private key handle: %llu\n",
                          (unsigned long long)a, (unsigned long long)b);
                shell_set(sh, "public_handle", json_integer((json_int_t)a));
                shell_set(sh, "private_handle", json_integer((json_int_t)b));
        }
        free(users);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t gen_rsa(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *bits_text = NULL, *exponent_text = NULL;
        const struct util_option rows[] = { { "-m", &bits_text, false, true },
                                            { "-e", &exponent_text, false, true },
                                            UTIL_MAKING_OPTIONS(m) };
        struct ask_attributes pub = { .n = 0 };
        uint64_t bits = 0, exponent = 0;
        uint8_t e[8], skip = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-m", bits_text, 1024, 16384, &bits);
        if (rv == 0)
                rv = util_number(sh, "-e", exponent_text, 65537, UINT32_MAX, &exponent);
        if (rv)
                return rv;
        for (int i = 0; i < 8; i++)
                e[i] = (uint8_t)(exponent >> (56 - 8 * i));
        while (e[skip] == 0)
                skip++;
        ask_number(&pub, CKA_MODULUS_BITS, bits);
        ask_bytes(&pub, CKA_PUBLIC_EXPONENT, slice_of(e + skip, 8u - skip));
        return gen_pair(sh, &m, CKM_RSA_PKCS_KEY_PAIR_GEN, &pub);
}

static uint32_t gen_ecc(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *curve_text = NULL;
        const struct util_option rows[] = { { "-i", &curve_text, false, true }, UTIL_MAKING_OPTIONS(m) };
        struct ask_attributes pub = { .n = 0 };
        uint64_t curve = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-i", curve_text, 1, 64, &curve);
        if (rv)
                return rv;
        for (size_t i = 0; i < CURVES; i++) {
                if (curve_rows[i].number == curve) {
                        ask_bytes(&pub, CKA_EC_PARAMS, slice_of(curve_rows[i].params, curve_rows[i].n));
                        return gen_pair(
                            sh, &m, curve == 28 ? CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, &pub);
                }
        }
        return shell_fail(sh, ERR_CURVE, "curve %s is not offered; try: listECCCurveIds", curve_text);
}

/* ---- finding and describing ---- */

struct search {
        struct buf text;
        json_t *list;
        size_t n;
};

static uint32_t find_page(struct shell *sh, Chsm__FindObjectsRequest *body, struct search *s, bool *more)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.find_objects = body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        *more = false;
        if (rv == 0) {
                const Chsm__FindObjectsResponse *r = answer.response->find_objects;

                for (size_t i = 0; i < r->n_handles; i++) {
                        buf_printf(&s->text, "%s%llu", s->n++ ? ", " : "", (unsigned long long)r->handles[i]);
                        (void)json_array_append_new(s->list, json_integer((json_int_t)r->handles[i]));
                        body->after = r->handles[i];
                }
                *more = r->more && r->n_handles;
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t find_key(struct shell *sh, int argc, char **argv)
{
        const char *class = NULL, *type = NULL, *label = NULL, *id = NULL, *kcv = NULL;
        const struct util_option rows[] = { { "-c", &class, false, false },
                                            { "-t", &type, false, false },
                                            { "-l", &label, false, false },
                                            { "-id", &id, false, false },
                                            { "-kcv", &kcv, false, false } };
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        struct ask_attributes a = { .n = 0 };
        struct search s = { BUF_INIT, json_array(), 0 };
        struct buf check = BUF_INIT;
        uint64_t number = 0;
        bool more = true;
        uint32_t rv = util_options(sh, argc, argv, rows, 5);

        if (rv == 0 && class && (rv = util_number(sh, "-c", class, 2, 4, &number)) == 0)
                ask_number(&a, CKA_CLASS, number);
        if (rv == 0 && type && (rv = util_number(sh, "-t", type, 0, 1024, &number)) == 0)
                ask_number(&a, CKA_KEY_TYPE, number);
        if (rv == 0 && kcv && !text_from_hex(slice_str(kcv), &check))
                rv = shell_fail(sh, ERR_USAGE, "option -kcv takes hex digits, not '%s'", kcv);
        if (label)
                ask_bytes(&a, CKA_LABEL, slice_str(label));
        if (id)
                ask_bytes(&a, CKA_ID, slice_str(id));
        if (kcv)
                ask_bytes(&a, CKA_CHECK_VALUE, buf_slice(&check));
        body.template_ = a.list;
        body.n_template_ = a.n;
        while (rv == 0 && more)
                rv = find_page(sh, &body, &s, &more);
        if (rv == 0) {
                const char *text = buf_text(&s.text);

                shell_say(sh, "\n\tTotal number of keys present: %zu\n", s.n);
                shell_say(sh, "\tNumber of matching keys from start index 0::%zu\n", s.n ? s.n - 1 : 0);
                shell_say(sh, "\n\tHandles of matching keys:\n\t%s\n", text ? text : "");
        }
        shell_set(sh, "handles", s.list);
        buf_clear(&s.text);
        buf_clear(&check);
        return util_result(sh, "Cfm3FindKey", rv);
}

static uint32_t key_info(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ObjectInfoRequest body = CHSM__OBJECT_INFO_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = util_number(sh, "-k", key, 1, UINT32_MAX, &ref.handle);
        if (rv)
                return rv;
        body.object = &ref;
        request.object_info = &body;
        request.body_case = CHSM__REQUEST__BODY_OBJECT_INFO;
        rv = util_result(sh, "Cfm3GetKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        if (rv == 0) {
                const Chsm__ObjectInfoResponse *r = answer.response->object_info;
                json_t *users = json_array();

                shell_say(sh, "\n\tOwned by user %llu\n", (unsigned long long)r->owner);
                if (r->n_shared_with)
                        shell_say(sh, "\n\tShared to following %zu user(s):\n\t", r->n_shared_with);
                for (size_t i = 0; i < r->n_shared_with; i++) {
                        shell_say(sh, "%s%llu", i ? ", " : "", (unsigned long long)r->shared_with[i]);
                        (void)json_array_append_new(users, json_integer((json_int_t)r->shared_with[i]));
                }
                shell_say(sh, "\n");
                shell_set(sh, "owner", json_integer((json_int_t)r->owner));
                shell_set(sh, "shared_with", users);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t delete_key(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DestroyObjectRequest body = CHSM__DESTROY_OBJECT_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 1);

        if (rv == 0)
                rv = util_number(sh, "-k", key, 1, UINT32_MAX, &ref.handle);
        if (rv)
                return rv;
        body.object = &ref;
        request.destroy_object = &body;
        request.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
        rv = util_result(sh, "Cfm3DeleteKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- attributes ---- */

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
        uint64_t handle = 0, type = 0;
        size_t count = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0)
                rv = util_number(sh, "-o", key, 1, UINT32_MAX, &handle);
        if (rv == 0 && !ask_attribute_type(attribute, &type))
                rv = shell_fail(sh, ERR_USAGE, "'%s' is no attribute; try: listAttributes", attribute);
        if (rv)
                return rv;
        rv = ask_get(util_chsm(sh), handle, &type, type == 512 ? 0 : 1, &answer, &sh->err);
        for (size_t i = 0; rv == 0 && i < answer.response->attributes->n_attributes; i++)
                put_attribute(&out, answer.response->attributes->attributes[i], &count);
        if (rv == 0 && count == 0)
                rv = shell_fail(sh, ERR_ATTRIBUTE_SENSITIVE, "attribute %s of key %s is not shown", attribute,
                                key);
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
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t type = 0, value = 0;
        char line[16];
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0)
                rv = util_number(sh, "-o", key, 1, UINT32_MAX, &ref.handle);
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
        uint64_t handle = 0, class = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 2);

        if (rv == 0)
                rv = util_number(sh, "-k", key, 1, UINT32_MAX, &handle);
        if (rv)
                return rv;
        rv = ask_get(util_chsm(sh), handle, types, 2, &answer, &sh->err);
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

#define MAKING "-l LABEL [-id ID] [-sess] [-nex] [-wrap_with_trusted 0|1] [-u USER_IDS]"

const struct shell_command util_key_rows[] = {
        { "genSymKey", "-t 31|16 -s BYTES " MAKING, "make an AES or generic secret key", 0, 16, false,
          gen_sym },
        { "genRSAKeyPair", "-m BITS -e EXPONENT " MAKING, "make an RSA key pair", 0, 16, false, gen_rsa },
        { "genECCKeyPair", "-i CURVE " MAKING, "make an elliptic curve key pair", 0, 16, false, gen_ecc },
        { "listECCCurveIds", "", "list the numbers of curves", 0, 0, false, list_curves },
        { "findKey", "[-c CLASS] [-t TYPE] [-l LABEL] [-id ID] [-kcv HEX]", "find keys that match all of it",
          0, 10, false, find_key },
        { "getKeyInfo", "-k HANDLE", "owner of a key and whom it is shared with", 0, 2, false, key_info },
        { "deleteKey", "-k HANDLE", "delete a key of one's own", 0, 2, false, delete_key },
        { "getAttribute", "-o HANDLE -a ATTRIBUTE|512 -out FILE", "write attributes to a file", 0, 6, false,
          get_attribute },
        { "setAttribute", "-o HANDLE -a ATTRIBUTE [-v 0|1]", "change a boolean attribute", 0, 6, false,
          set_attribute },
        { "exportPubKey", "-k HANDLE -out FILE", "write a public key as PEM", 0, 4, false, export_public },
        { 0 },
};
