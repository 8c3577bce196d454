/* chsm-util: keys are made. */
#include "tools/util_move.h"

#include <stdio.h>
#include <stdlib.h>

/* 1 to 16 and 28 are documented; the others are ours, as the numbers between are printed nowhere. */
static const struct {
        uint64_t number;
        const char *name;
        uint8_t params[12];
        size_t n;
} curve_rows[] = {
        { 1, "prime192v1", { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01 }, 10 },
        { 2, "prime256v1", { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 10 },
        { 13, "secp224r1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21 }, 7 },
        { 14, "secp384r1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 }, 7 },
        { 15, "secp521r1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 }, 7 },
        { 16, "secp256k1", { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a }, 7 },
        { 17, "brainpoolP224r1", { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x05 }, 11 },
        { 18, "brainpoolP256r1", { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 }, 11 },
        { 19, "brainpoolP320r1", { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x09 }, 11 },
        { 20, "brainpoolP384r1", { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b }, 11 },
        { 21, "brainpoolP512r1", { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d }, 11 },
        { 28, "Ed25519", { 0x06, 0x03, 0x2b, 0x65, 0x70 }, 5 },
        { 29, "Ed448", { 0x06, 0x03, 0x2b, 0x65, 0x71 }, 5 },
        { 30, "X25519", { 0x06, 0x03, 0x2b, 0x65, 0x6e }, 5 },
        { 31, "X448", { 0x06, 0x03, 0x2b, 0x65, 0x6f }, 5 },
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

/* What makes keys of a type; 0: nothing does here. */
static uint64_t maker_of(uint64_t type)
{
        switch (type) {
        case CKK_AES:
                return CKM_AES_KEY_GEN;
        case CKK_GENERIC_SECRET:
                return CKM_GENERIC_SECRET_KEY_GEN;
        case CKK_DES3:
                return CKM_DES3_KEY_GEN;
        default:
                return 0;
        }
}

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
        uint64_t maker = 0, type = 0, size = 0, *users = NULL;
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        if (rv == 0)
                rv = util_number(sh, "-t", type_text, 0, 64, &type);
        if (rv == 0 && !(maker = maker_of(type)))
                rv = shell_fail(sh, ERR_KEY_TYPE,
                                "key types are 31 (AES), 16 (generic secret) and 21 (triple DES), not %s",
                                type_text);
        if (rv == 0)
                rv = util_number(sh, "-s", size_text, 1, 3072, &size);
        if (rv == 0)
                rv = util_users(sh, m.users, &users, &body.n_share_with);
        if (rv == 0)
                rv = util_quorum(sh, &m, &body.quorum);
        if (rv == 0)
                rv = util_making(sh, &m, true, &a);
        if (rv == 0) /* without -role the node decides: as documented, every usage of an AES key */
                rv = util_role(sh, &m, CKO_SECRET_KEY, &a);
        if (rv == 0) {
                ask_number(&a, CKA_VALUE_LEN, size);
                mechanism.number = maker;
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
                uint64_t handle = util_made(sh, answer.response->object);

                shell_say(sh, "\n\tSymmetric Key Created.  Key Handle: %llu\n", (unsigned long long)handle);
                shell_set(sh, "handle", json_integer((json_int_t)handle));
                util_cluster_status(sh);
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
                rv = util_quorum(sh, m, &body.quorum);
        if (rv == 0)
                rv = util_making(sh, m, false, pub);
        if (rv == 0)
                rv = util_making(sh, m, true, &priv);
        if (rv == 0)
                rv = util_role(sh, m, CKO_PUBLIC_KEY, pub);
        if (rv == 0)
                rv = util_role(sh, m, CKO_PRIVATE_KEY, &priv);
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
                uint64_t a = util_made(sh, answer.response->key_pair->public_key);
                uint64_t b = util_made(sh, answer.response->key_pair->private_key);

                shell_say(sh,
                          "\n\tCfm3GenerateKeyPair:    public key handle: %llu    private key handle: %llu\n",
                          (unsigned long long)a, (unsigned long long)b);
                shell_set(sh, "public_handle", json_integer((json_int_t)a));
                shell_set(sh, "private_handle", json_integer((json_int_t)b));
                util_cluster_status(sh);
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

uint32_t util_curve(struct shell *sh, const char *number, struct slice *params, uint64_t *mechanism)
{
        uint64_t curve = 0;
        uint32_t rv = util_number(sh, "-i", number, 1, 64, &curve);

        for (size_t i = 0; rv == 0 && i < CURVES; i++) {
                if (curve_rows[i].number == curve) {
                        *params = slice_of(curve_rows[i].params, curve_rows[i].n);
                        *mechanism = curve == 28 || curve == 29 ? CKM_EC_EDWARDS_KEY_PAIR_GEN
                                     : curve >= 30              ? CKM_EC_MONTGOMERY_KEY_PAIR_GEN
                                                                : CKM_EC_KEY_PAIR_GEN;
                        return 0;
                }
        }
        return rv ? rv : shell_fail(sh, ERR_CURVE, "curve %s is not offered; try: listECCCurveIds", number);
}

static uint32_t gen_ecc(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { NULL };
        const char *curve_text = NULL;
        const struct util_option rows[] = { { "-i", &curve_text, false, true }, UTIL_MAKING_OPTIONS(m) };
        struct ask_attributes pub = { .n = 0 };
        uint32_t rv = util_options(sh, argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

        struct slice params;
        uint64_t mechanism = 0;

        if (rv == 0)
                rv = util_curve(sh, curve_text, &params, &mechanism);
        if (rv)
                return rv;
        ask_bytes(&pub, CKA_EC_PARAMS, params);
        return gen_pair(sh, &m, mechanism, &pub);
}

#define MAKING                                                                                               \
        "-l LABEL [-id ID] [-role wrap|encrypt|sign] [-sess] [-nex] [-wrap_with_trusted 0|1] [-u USER_IDS "  \
        "[-m_value 0..8]] "                                                                                  \
        "[-min_srv N [-timeout S]]"

const struct shell_command util_key_rows[] = {
        { "genSymKey", "-t 31|16|21 -s BYTES " MAKING, "make an AES, generic secret or triple DES key", 0, 28,
          false, gen_sym },
        { "genRSAKeyPair", "-m BITS -e EXPONENT " MAKING, "make an RSA key pair", 0, 28, false, gen_rsa },
        { "genECCKeyPair", "-i CURVE " MAKING, "make an elliptic curve key pair", 0, 28, false, gen_ecc },
        { "listECCCurveIds", "", "list the numbers of curves", 0, 0, false, list_curves },
        { 0 },
};
