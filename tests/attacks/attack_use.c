/* Keys in use: mechanisms with parameters, and one function a call. */
#include "attack.h"
#include "ck/names.h"

static CK_BYTE aad[4] = "aad", zeros[32];

static void give(struct mech *m, void *p, size_t n)
{
        m->m.pParameter = p;
        m->m.ulParameterLen = n;
}

static void oaep(CK_RSA_PKCS_OAEP_PARAMS *p)
{
        *p = (CK_RSA_PKCS_OAEP_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
}

/* Only counter mode has its counter as the iteration variable. */
static void kdf_pieces(struct mech *m, bool counter)
{
        m->counter = (CK_SP800_108_COUNTER_FORMAT){ CK_FALSE, 32 };
        m->pieces[0] = (CK_PRF_DATA_PARAM){ CK_SP800_108_ITERATION_VARIABLE, counter ? &m->counter : NULL,
                                            counter ? sizeof(m->counter) : 0 };
        m->pieces[1] = (CK_PRF_DATA_PARAM){ CK_SP800_108_BYTE_ARRAY, m->seed, sizeof(m->seed) };
}

static void derive_parameter(struct mech *m)
{
        switch (m->m.mechanism) {
        case CKM_ECDH1_DERIVE:
        case CKM_ECDH1_COFACTOR_DERIVE:
                m->p.ecdh = (CK_ECDH1_DERIVE_PARAMS){ CKD_NULL, 0, NULL, sizeof(m->point), m->point };
                give(m, &m->p.ecdh, sizeof(m->p.ecdh));
                break;
        case CKM_AES_CBC_ENCRYPT_DATA:
                m->p.cbc_data = (CK_AES_CBC_ENCRYPT_DATA_PARAMS){ { 0 }, m->seed, 32 };
                give(m, &m->p.cbc_data, sizeof(m->p.cbc_data));
                break;
        case CKM_AES_ECB_ENCRYPT_DATA:
        case CKM_XOR_BASE_AND_DATA:
        case CKM_CONCATENATE_BASE_AND_DATA:
        case CKM_CONCATENATE_DATA_AND_BASE:
                m->p.string = (CK_KEY_DERIVATION_STRING_DATA){ m->seed, 32 };
                give(m, &m->p.string, sizeof(m->p.string));
                break;
        case CKM_HKDF_DERIVE:
        case CKM_HKDF_DATA:
                m->p.hkdf = (CK_HKDF_PARAMS){ CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL,
                                              0,       0,       m->seed,    sizeof(m->seed) };
                give(m, &m->p.hkdf, sizeof(m->p.hkdf));
                break;
        case CKM_SP800_108_COUNTER_KDF:
        case CKM_CLOUDHSM_SP800_108_COUNTER_KDF:
        case CKM_SP800_108_DOUBLE_PIPELINE_KDF:
                kdf_pieces(m, m->m.mechanism != CKM_SP800_108_DOUBLE_PIPELINE_KDF);
                m->p.kdf = (CK_SP800_108_KDF_PARAMS){ CKM_SHA256_HMAC, 2, m->pieces, 0, NULL };
                give(m, &m->p.kdf, sizeof(m->p.kdf));
                break;
        case CKM_SP800_108_FEEDBACK_KDF:
                kdf_pieces(m, false);
                m->p.feedback =
                    (CK_SP800_108_FEEDBACK_KDF_PARAMS){ CKM_SHA256_HMAC, 2, m->pieces, 0, NULL, 0, NULL };
                give(m, &m->p.feedback, sizeof(m->p.feedback));
                break;
        case CKM_PKCS5_PBKD2:
                m->p.password = (CK_PKCS5_PBKD2_PARAMS2){ CKZ_SALT_SPECIFIED,
                                                          m->seed,
                                                          16,
                                                          1000,
                                                          CKP_PKCS5_PBKD2_HMAC_SHA256,
                                                          NULL,
                                                          0,
                                                          m->seed,
                                                          8 };
                give(m, &m->p.password, sizeof(m->p.password));
                break;
        case CKM_EXTRACT_KEY_FROM_KEY:
                give(m, &m->p.extract, sizeof(m->p.extract));
                break;
        default:
                break;
        }
}

/* Families whose members differ in a digest only are told by their names. */
static void named_parameter(struct mech *m)
{
        static const char *const digests[] = { "SHA1",     "SHA256",   "SHA384",   "SHA512",  "SHA224",
                                               "SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512" };
        const char *name = ck_name(CK_KIND_MECHANISM, m->m.mechanism);
        uint64_t hash = CKM_SHA256;
        char digest[24];

        if (name && strstr(name, "_PSS")) {
                m->p.pss = (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256, 20 };
                for (CK_ULONG i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
                        (void)snprintf(digest, sizeof(digest), "CKM_%s_", digests[i]);
                        if (strncmp(name, digest, strlen(digest)) != 0)
                                continue;
                        digest[strlen(digest) - 1] = 0;
                        (void)ck_number(CK_KIND_MECHANISM, i ? digest : "CKM_SHA_1", &hash);
                        m->p.pss = (CK_RSA_PKCS_PSS_PARAMS){ hash, i + 1, 20 };
                }
                give(m, &m->p.pss, sizeof(m->p.pss));
        } else if (name && strstr(name, "_GENERAL")) {
                m->p.general = 8;
                give(m, &m->p.general, sizeof(m->p.general));
        } else {
                derive_parameter(m);
        }
}

static void rsa_parameter(struct mech *m)
{
        switch (m->m.mechanism) {
        case CKM_RSA_PKCS_OAEP:
                oaep(&m->p.oaep);
                give(m, &m->p.oaep, sizeof(m->p.oaep));
                break;
        case CKM_RSA_AES_KEY_WRAP:
                oaep(&m->oaep);
                m->p.rsa_wrap = (CK_RSA_AES_KEY_WRAP_PARAMS){ 256, &m->oaep };
                give(m, &m->p.rsa_wrap, sizeof(m->p.rsa_wrap));
                break;
        case CKM_ECDH_AES_KEY_WRAP:
                m->p.ecdh_wrap = (CK_ECDH_AES_KEY_WRAP_PARAMS){ 256, CKD_SHA256_KDF, 0, NULL };
                give(m, &m->p.ecdh_wrap, sizeof(m->p.ecdh_wrap));
                break;
        default:
                named_parameter(m);
        }
}

CK_MECHANISM_PTR mech_of(struct mech *m, CK_MECHANISM_TYPE type)
{
        *m = (struct mech){ .m = { type, NULL, 0 } };
        switch (type) {
        case CKM_AES_CBC:
        case CKM_AES_CBC_PAD:
        case CKM_AES_CTS:
        case CKM_AES_OFB:
        case CKM_AES_CFB1:
        case CKM_AES_CFB8:
        case CKM_AES_CFB64:
        case CKM_AES_XTS:
        case CKM_AES_CFB128:
                give(m, m->iv, 16);
                break;
        case CKM_DES_CBC:
        case CKM_DES_CBC_PAD:
        case CKM_DES3_CBC:
        case CKM_DES3_CBC_PAD:
                give(m, m->iv, 8);
                break;
        case CKM_AES_CTR:
                m->p.ctr.ulCounterBits = 32;
                give(m, &m->p.ctr, sizeof(m->p.ctr));
                break;
        case CKM_AES_GCM:
        case CKM_CLOUDHSM_AES_GCM:
                m->p.gcm = (CK_GCM_PARAMS){ type == CKM_AES_GCM ? m->iv : NULL,
                                            type == CKM_AES_GCM ? 12 : 0,
                                            type == CKM_AES_GCM ? 96 : 0,
                                            aad,
                                            3,
                                            128 };
                give(m, &m->p.gcm, sizeof(m->p.gcm));
                break;
        case CKM_AES_GMAC:
                m->p.gcm = (CK_GCM_PARAMS){ m->iv, 12, 96, NULL, 0, 128 };
                give(m, &m->p.gcm, sizeof(m->p.gcm));
                break;
        case CKM_CHACHA20:
                m->p.chacha20 = (CK_CHACHA20_PARAMS){ m->seed, 32, m->iv, 96 };
                give(m, &m->p.chacha20, sizeof(m->p.chacha20));
                break;
        case CKM_AES_CCM:
                m->p.ccm = (CK_CCM_PARAMS){ 32, m->iv, 12, aad, 3, 16 };
                give(m, &m->p.ccm, sizeof(m->p.ccm));
                break;
        case CKM_CHACHA20_POLY1305:
                m->p.chacha = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){ m->iv, 12, aad, 3 };
                give(m, &m->p.chacha, sizeof(m->p.chacha));
                break;
        default:
                rsa_parameter(m);
        }
        return &m->m;
}

/* ---- calls ---- */

CK_RV attack_wrap(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
                  struct blob *out)
{
        out->n = sizeof(out->p);
        return p11->C_WrapKey(a->session, m, wrapping, key, out->p, &out->n);
}

CK_RV attack_unwrap(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE unwrapping, const struct blob *in,
                    const struct wanted *w, CK_OBJECT_HANDLE *key)
{
        CK_RV rv = p11->C_UnwrapKey(a->session, m, unwrapping, (CK_BYTE_PTR)(uintptr_t)in->p, in->n,
                                    (CK_ATTRIBUTE_PTR)(uintptr_t)w->items, w->n, key);

        return attack_made(a, rv, key);
}

CK_RV attack_unwrap_as(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE unwrapping,
                       const struct blob *in, CK_OBJECT_CLASS class, CK_KEY_TYPE type, const char *words,
                       CK_OBJECT_HANDLE *key)
{
        struct wanted w = { .n = 0 };

        wanted_bare(a, &w, class, type, words);
        return attack_unwrap(a, m, unwrapping, in, &w, key);
}

CK_RV attack_derive(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE base, const struct wanted *w,
                    CK_OBJECT_HANDLE *key)
{
        CK_RV rv = p11->C_DeriveKey(a->session, m, base, (CK_ATTRIBUTE_PTR)(uintptr_t)w->items, w->n, key);

        return attack_made(a, rv, key);
}

CK_RV attack_encrypt(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, const void *in, size_t n,
                     struct blob *out)
{
        CK_RV rv = p11->C_EncryptInit(a->session, m, key);

        out->n = sizeof(out->p);
        return rv ? rv : p11->C_Encrypt(a->session, (CK_BYTE_PTR)(uintptr_t)in, n, out->p, &out->n);
}

CK_RV attack_decrypt(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, const void *in, size_t n,
                     struct blob *out)
{
        CK_RV rv = p11->C_DecryptInit(a->session, m, key);

        out->n = sizeof(out->p);
        return rv ? rv : p11->C_Decrypt(a->session, (CK_BYTE_PTR)(uintptr_t)in, n, out->p, &out->n);
}

CK_RV attack_sign(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, const void *in, size_t n,
                  struct blob *out)
{
        CK_RV rv = p11->C_SignInit(a->session, m, key);

        out->n = sizeof(out->p);
        return rv ? rv : p11->C_Sign(a->session, (CK_BYTE_PTR)(uintptr_t)in, n, out->p, &out->n);
}

static CK_RV recover(struct attack *a, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, bool sign, struct blob *out)
{
        CK_RV rv =
            sign ? p11->C_SignRecoverInit(a->session, m, key) : p11->C_VerifyRecoverInit(a->session, m, key);

        out->n = sizeof(out->p);
        if (rv)
                return rv;
        return sign ? p11->C_SignRecover(a->session, zeros, 32, out->p, &out->n)
                    : p11->C_VerifyRecover(a->session, zeros, 32, out->p, &out->n);
}

CK_RV attack_try(struct attack *a, CK_FLAGS operation, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key)
{
        struct blob out;
        CK_RV rv;

        switch (operation) {
        case CKF_ENCRYPT:
                return attack_encrypt(a, m, key, zeros, sizeof(zeros), &out);
        case CKF_DECRYPT:
                return attack_decrypt(a, m, key, zeros, sizeof(zeros), &out);
        case CKF_SIGN:
                return attack_sign(a, m, key, zeros, sizeof(zeros), &out);
        case CKF_VERIFY:
                rv = p11->C_VerifyInit(a->session, m, key);
                return rv ? rv : p11->C_Verify(a->session, zeros, 32, zeros, 32);
        case CKF_SIGN_RECOVER:
        case CKF_VERIFY_RECOVER:
                return recover(a, m, key, operation == CKF_SIGN_RECOVER, &out);
        default:
                abort();
        }
}
