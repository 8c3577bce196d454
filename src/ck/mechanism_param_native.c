/* The application's side of mechanism_param.h: native structures to flat bytes. Nothing an application passes
 * is believed: structures are copied out before they are read, pointers and lengths are checked together. */
#include "base/sec.h"
#include "ck/mechanism_param.h"
#include "ck/names.h"
#include <inttypes.h>

/* The flat form in the making. bad sticks, like a failed write does. */
struct flat {
        struct buf out;
        CK_OBJECT_HANDLE second;
        bool bad;
};

static void put_bytes(struct flat *f, const void *p, CK_ULONG n)
{
        if (n > CK_MECH_PARAM_MAX || (n > 0 && !p)) {
                f->bad = true;
                return;
        }
        buf_put_block(&f->out, slice_of(p, n));
}

static void put_u32(struct flat *f, CK_ULONG value)
{
        if (value > UINT32_MAX)
                f->bad = true;
        else
                buf_put_u32(&f->out, (uint32_t)value);
}

static void put_flag(struct flat *f, CK_BBOOL value)
{
        if (value != CK_TRUE && value != CK_FALSE)
                f->bad = true;
        else
                buf_put_u8(&f->out, value);
}

/* Copies a structure of exactly n bytes from the application. */
static bool take(struct flat *f, void *to, size_t n, const void *from, CK_ULONG from_n)
{
        if (!from || from_n != n) {
                f->bad = true;
                return false;
        }
        memcpy(to, from, n);
        return true;
}

#define TAKE(f, m, to) take(f, &(to), sizeof(to), (m)->pParameter, (m)->ulParameterLen)

static void put_oaep(struct flat *f, const CK_RSA_PKCS_OAEP_PARAMS *oaep)
{
        buf_put_u64(&f->out, oaep->hashAlg);
        put_u32(f, oaep->mgf);
        put_u32(f, oaep->source);
        put_bytes(f, oaep->pSourceData, oaep->ulSourceDataLen);
}

static void put_iv(struct flat *f, const CK_MECHANISM *m)
{
        if (m->ulParameterLen > CK_MECH_PARAM_MAX || !m->pParameter)
                f->bad = true;
        else
                buf_put(&f->out, m->pParameter, m->ulParameterLen);
}

static void put_number(struct flat *f, const CK_MECHANISM *m)
{
        CK_ULONG number;
        if (TAKE(f, m, number))
                put_u32(f, number);
}

static void put_key(struct flat *f, const CK_MECHANISM *m)
{
        if (TAKE(f, m, f->second) && f->second == CK_INVALID_HANDLE)
                f->bad = true;
}

static void put_ctr(struct flat *f, const CK_MECHANISM *m)
{
        CK_AES_CTR_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        put_u32(f, p.ulCounterBits);
        buf_put(&f->out, p.cb, sizeof(p.cb));
}

static void put_gcm(struct flat *f, const CK_MECHANISM *m)
{
        CK_GCM_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        put_bytes(f, p.pIv, p.ulIvLen);
        /* Many applications leave ulIvBits unset, so it is passed on but never a reason to refuse. */
        put_u32(f, p.ulIvBits > UINT32_MAX ? 0 : p.ulIvBits);
        put_bytes(f, p.pAAD, p.ulAADLen);
        put_u32(f, p.ulTagBits);
}

static void put_ccm(struct flat *f, const CK_MECHANISM *m)
{
        CK_CCM_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        put_u32(f, p.ulDataLen);
        put_bytes(f, p.pNonce, p.ulNonceLen);
        put_bytes(f, p.pAAD, p.ulAADLen);
        put_u32(f, p.ulMACLen);
}

static void put_chacha(struct flat *f, const CK_MECHANISM *m)
{
        CK_CHACHA20_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        if (p.blockCounterBits % 8 != 0 || p.ulNonceBits % 8 != 0)
                f->bad = true;
        put_bytes(f, p.pBlockCounter, p.blockCounterBits / 8);
        put_bytes(f, p.pNonce, p.ulNonceBits / 8);
}

static void put_chacha_poly(struct flat *f, const CK_MECHANISM *m)
{
        CK_SALSA20_CHACHA20_POLY1305_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        put_bytes(f, p.pNonce, p.ulNonceLen);
        put_bytes(f, p.pAAD, p.ulAADLen);
}

static void put_pss(struct flat *f, const CK_MECHANISM *m)
{
        CK_RSA_PKCS_PSS_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u64(&f->out, p.hashAlg);
        put_u32(f, p.mgf);
        put_u32(f, p.sLen);
}

static void put_rsa_oaep(struct flat *f, const CK_MECHANISM *m)
{
        CK_RSA_PKCS_OAEP_PARAMS p;
        if (TAKE(f, m, p))
                put_oaep(f, &p);
}

static void put_rsa_aes(struct flat *f, const CK_MECHANISM *m)
{
        CK_RSA_AES_KEY_WRAP_PARAMS p;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        if (!TAKE(f, m, p) || !take(f, &oaep, sizeof(oaep), p.pOAEPParams, sizeof(oaep)))
                return;
        put_u32(f, p.ulAESKeyBits);
        put_oaep(f, &oaep);
}

static void put_ecdh(struct flat *f, const CK_MECHANISM *m)
{
        CK_ECDH1_DERIVE_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        put_u32(f, p.kdf);
        put_bytes(f, p.pSharedData, p.ulSharedDataLen);
        put_bytes(f, p.pPublicData, p.ulPublicDataLen);
}

static void put_eddsa(struct flat *f, const CK_MECHANISM *m)
{
        CK_EDDSA_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        put_flag(f, p.phFlag);
        put_bytes(f, p.pContextData, p.ulContextDataLen);
}

static void put_context(struct flat *f, const CK_MECHANISM *m)
{
        CK_SIGN_ADDITIONAL_CONTEXT p;
        if (!TAKE(f, m, p))
                return;
        put_u32(f, p.hedgeVariant);
        put_bytes(f, p.pContext, p.ulContextLen);
}

static void put_context_hash(struct flat *f, const CK_MECHANISM *m)
{
        CK_HASH_SIGN_ADDITIONAL_CONTEXT p;
        if (!TAKE(f, m, p))
                return;
        put_u32(f, p.hedgeVariant);
        put_bytes(f, p.pContext, p.ulContextLen);
        buf_put_u64(&f->out, p.hash);
}

static void put_string(struct flat *f, const CK_MECHANISM *m)
{
        CK_KEY_DERIVATION_STRING_DATA p;
        if (TAKE(f, m, p))
                put_bytes(f, p.pData, p.ulLen);
}

static void put_cbc_data_aes(struct flat *f, const CK_MECHANISM *m)
{
        CK_AES_CBC_ENCRYPT_DATA_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put(&f->out, p.iv, sizeof(p.iv));
        put_bytes(f, p.pData, p.length);
}

static void put_cbc_data_des(struct flat *f, const CK_MECHANISM *m)
{
        CK_DES_CBC_ENCRYPT_DATA_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put(&f->out, p.iv, sizeof(p.iv));
        put_bytes(f, p.pData, p.length);
}

static void put_hkdf(struct flat *f, const CK_MECHANISM *m)
{
        CK_HKDF_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        bool from_data = p.ulSaltType == CKF_HKDF_SALT_DATA;
        put_flag(f, p.bExtract);
        put_flag(f, p.bExpand);
        buf_put_u64(&f->out, p.prfHashMechanism);
        put_u32(f, p.ulSaltType);
        put_bytes(f, from_data ? p.pSalt : NULL, from_data ? p.ulSaltLen : 0);
        put_bytes(f, p.pInfo, p.ulInfoLen);
        if (p.ulSaltType == CKF_HKDF_SALT_KEY) {
                f->second = p.hSaltKey;
                f->bad = f->bad || p.hSaltKey == CK_INVALID_HANDLE;
        }
}

/* PKCS#11 before 2.40, and NSS to this day, have the password's length behind a pointer, in a structure of
 * the same size. No password is as long as the lowest address that a program may have is high. */
#define PASSWORD_MOST 65535

static void put_pbkdf2(struct flat *f, const CK_MECHANISM *m)
{
        CK_PKCS5_PBKD2_PARAMS2 p;
        CK_PKCS5_PBKD2_PARAMS old;
        if (!TAKE(f, m, p) || !TAKE(f, m, old))
                return;
        if (p.ulPasswordLen > PASSWORD_MOST && p.ulPasswordLen % sizeof(CK_ULONG) == 0)
                p.ulPasswordLen = *old.ulPasswordLen;
        if (p.ulPasswordLen > PASSWORD_MOST) {
                f->bad = true;
                return;
        }
        if (p.saltSource != CKZ_SALT_SPECIFIED || p.ulPrfDataLen != 0)
                f->bad = true;
        put_u32(f, p.prf);
        put_u32(f, p.iterations);
        put_bytes(f, p.pSaltSourceData, p.ulSaltSourceDataLen);
        put_bytes(f, p.pPassword, p.ulPasswordLen);
}

static void put_piece(struct flat *f, const CK_PRF_DATA_PARAM *piece)
{
        CK_SP800_108_COUNTER_FORMAT counter;
        CK_SP800_108_DKM_LENGTH_FORMAT length;
        bool bare = piece->type == CK_SP800_108_ITERATION_VARIABLE && piece->ulValueLen == 0;
        put_u32(f, piece->type);
        if (piece->type == CK_SP800_108_BYTE_ARRAY || bare) {
                put_flag(f, CK_FALSE);
                put_bytes(f, piece->pValue, piece->ulValueLen);
        } else if (piece->type == CK_SP800_108_DKM_LENGTH) {
                if (!take(f, &length, sizeof(length), piece->pValue, piece->ulValueLen))
                        return;
                put_flag(f, CK_TRUE);
                put_flag(f, length.bLittleEndian);
                put_u32(f, length.ulWidthInBits);
                put_u32(f, length.dkmLengthMethod);
        } else {
                if (!take(f, &counter, sizeof(counter), piece->pValue, piece->ulValueLen))
                        return;
                put_flag(f, CK_TRUE);
                put_flag(f, counter.bLittleEndian);
                put_u32(f, counter.ulWidthInBits);
                put_u32(f, 0);
        }
}

static void put_pieces(struct flat *f, CK_ULONG n, const void *pieces)
{
        struct flat list = { BUF_INIT, CK_INVALID_HANDLE, false };
        if (n > CK_KDF_PIECES_MAX || (n > 0 && !pieces)) {
                f->bad = true;
                return;
        }
        for (CK_ULONG i = 0; i < n; i++) {
                CK_PRF_DATA_PARAM piece;
                memcpy(&piece, (const uint8_t *)pieces + i * sizeof(piece), sizeof(piece));
                put_piece(&list, &piece);
        }
        put_u32(f, n);
        buf_put_block(&f->out, buf_slice(&list.out));
        f->bad = f->bad || list.bad || !buf_ok(&list.out);
        buf_clear(&list.out);
}

/* The lineage's own number comes with the structure as it was before 3.0: the first three fields only. */
static void put_kdf108(struct flat *f, const CK_MECHANISM *m)
{
        CK_SP800_108_KDF_PARAMS p = { 0 };
        size_t before_3_0 = offsetof(CK_SP800_108_KDF_PARAMS, ulAdditionalDerivedKeys);
        bool old = m->mechanism == CKM_CLOUDHSM_SP800_108_COUNTER_KDF && m->ulParameterLen == before_3_0;
        if (!take(f, &p, old ? before_3_0 : sizeof(p), m->pParameter, m->ulParameterLen))
                return;
        buf_put_u64(&f->out, p.prfType);
        put_pieces(f, p.ulNumberOfDataParams, p.pDataParams);
}

static void put_kdf108_feedback(struct flat *f, const CK_MECHANISM *m)
{
        CK_SP800_108_FEEDBACK_KDF_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u64(&f->out, p.prfType);
        put_bytes(f, p.pIV, p.ulIVLen);
        put_pieces(f, p.ulNumberOfDataParams, p.pDataParams);
}

/* ---- TLS ---- */

static void put_randoms(struct flat *f, const CK_SSL3_RANDOM_DATA *random)
{
        put_bytes(f, random->pClientRandom, random->ulClientRandomLen);
        put_bytes(f, random->pServerRandom, random->ulServerRandomLen);
}

static void put_tls_master(struct flat *f, const CK_MECHANISM *m)
{
        CK_TLS12_MASTER_KEY_DERIVE_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u64(&f->out, p.prfHashMechanism);
        put_randoms(f, &p.RandomInfo);
        put_flag(f, p.pVersion ? CK_TRUE : CK_FALSE);
}

static void put_tls_extended(struct flat *f, const CK_MECHANISM *m)
{
        CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u64(&f->out, p.prfHashMechanism);
        put_bytes(f, p.pSessionHash, p.ulSessionHashLen);
        put_flag(f, p.pVersion ? CK_TRUE : CK_FALSE);
}

static void put_tls_keys(struct flat *f, const CK_MECHANISM *m)
{
        CK_TLS12_KEY_MAT_PARAMS p;
        CK_SSL3_KEY_MAT_OUT out;
        bool tells = m->mechanism == CKM_TLS12_KEY_AND_MAC_DERIVE;
        if (!TAKE(f, m, p) || !take(f, &out, sizeof(out), p.pReturnedKeyMaterial, sizeof(out)))
                return;
        if (p.bIsExport != CK_FALSE || (tells && p.ulIVSizeInBits && (!out.pIVClient || !out.pIVServer)))
                f->bad = true;
        buf_put_u64(&f->out, p.prfHashMechanism);
        put_randoms(f, &p.RandomInfo);
        put_u32(f, p.ulMacSizeInBits);
        put_u32(f, p.ulKeySizeInBits);
        put_u32(f, tells ? p.ulIVSizeInBits : 0);
}

static void put_tls_kdf(struct flat *f, const CK_MECHANISM *m)
{
        CK_TLS_KDF_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u64(&f->out, p.prfMechanism);
        put_bytes(f, p.pLabel, p.ulLabelLength);
        put_randoms(f, &p.RandomInfo);
        put_flag(f, p.pContextData ? CK_TRUE : CK_FALSE);
        put_bytes(f, p.pContextData, p.ulContextDataLength);
}

static void put_tls_mac(struct flat *f, const CK_MECHANISM *m)
{
        CK_TLS_MAC_PARAMS p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u64(&f->out, p.prfHashMechanism);
        put_u32(f, p.ulMacLength);
        put_u32(f, p.ulServerOrClient);
}

static void put_version(struct flat *f, const CK_MECHANISM *m)
{
        CK_VERSION p;
        if (!TAKE(f, m, p))
                return;
        buf_put_u8(&f->out, p.major);
        buf_put_u8(&f->out, p.minor);
}

bool ck_mech_param_more(const CK_MECHANISM *m, CK_DERIVED_KEY *more, size_t *n)
{
        CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;
        CK_SP800_108_KDF_PARAMS p = { 0 };
        enum ck_param_kind kind = CK_PARAM_NONE;
        const uint8_t *from;

        *n = 0;
        (void)ck_mech_param_kind(m->mechanism, &kind, NULL);
        if (kind == CK_PARAM_KDF108_FEEDBACK && m->ulParameterLen == sizeof(feedback)) {
                memcpy(&feedback, m->pParameter, sizeof(feedback));
                p.ulAdditionalDerivedKeys = feedback.ulAdditionalDerivedKeys;
                p.pAdditionalDerivedKeys = feedback.pAdditionalDerivedKeys;
        } else if (kind == CK_PARAM_KDF108 && m->ulParameterLen == sizeof(p)) {
                memcpy(&p, m->pParameter, sizeof(p));
        }
        if (p.ulAdditionalDerivedKeys > CK_DERIVED_MORE_MAX ||
            (p.ulAdditionalDerivedKeys && !p.pAdditionalDerivedKeys))
                return false;
        from = (const uint8_t *)p.pAdditionalDerivedKeys;
        for (size_t i = 0; i < p.ulAdditionalDerivedKeys; i++) {
                memcpy(&more[i], from + i * sizeof(*more), sizeof(*more));
                if (!more[i].phKey || (more[i].ulAttributeCount && !more[i].pTemplate))
                        return false;
        }
        *n = p.ulAdditionalDerivedKeys;
        return true;
}

static void (*const writers[])(struct flat *, const CK_MECHANISM *) = {
        [CK_PARAM_IV] = put_iv,
        [CK_PARAM_NUMBER] = put_number,
        [CK_PARAM_CTR] = put_ctr,
        [CK_PARAM_GCM] = put_gcm,
        [CK_PARAM_CCM] = put_ccm,
        [CK_PARAM_CHACHA] = put_chacha,
        [CK_PARAM_CHACHA_POLY] = put_chacha_poly,
        [CK_PARAM_PSS] = put_pss,
        [CK_PARAM_OAEP] = put_rsa_oaep,
        [CK_PARAM_RSA_AES_WRAP] = put_rsa_aes,
        [CK_PARAM_ECDH] = put_ecdh,
        [CK_PARAM_EDDSA] = put_eddsa,
        [CK_PARAM_CONTEXT] = put_context,
        [CK_PARAM_CONTEXT_HASH] = put_context_hash,
        [CK_PARAM_STRING] = put_string,
        [CK_PARAM_CBC_DATA_AES] = put_cbc_data_aes,
        [CK_PARAM_CBC_DATA_DES] = put_cbc_data_des,
        [CK_PARAM_KEY] = put_key,
        [CK_PARAM_HKDF] = put_hkdf,
        [CK_PARAM_PBKDF2] = put_pbkdf2,
        [CK_PARAM_KDF108] = put_kdf108,
        [CK_PARAM_KDF108_FEEDBACK] = put_kdf108_feedback,
        [CK_PARAM_TLS_MASTER] = put_tls_master,
        [CK_PARAM_TLS_EXTENDED] = put_tls_extended,
        [CK_PARAM_TLS_KEYS] = put_tls_keys,
        [CK_PARAM_TLS_KDF] = put_tls_kdf,
        [CK_PARAM_TLS_MAC] = put_tls_mac,
        [CK_PARAM_VERSION] = put_version,
};

bool ck_mech_param_encode(const CK_MECHANISM *m, struct buf *out, CK_OBJECT_HANDLE *second, struct err *err)
{
        struct flat f = { BUF_INIT, CK_INVALID_HANDLE, false };
        struct ck_mech_param check;
        enum ck_param_kind kind;
        bool optional;
        bool ok = false;
        if (!ck_mech_param_kind(m->mechanism, &kind, &optional))
                return err_set(err, ERR_MECHANISM, "mechanism 0x%lx is not known", m->mechanism);
        bool without = m->ulParameterLen == 0 && (optional || kind == CK_PARAM_NONE);
        if (!without && writers[kind])
                writers[kind](&f, m);
        else if (!without)
                f.bad = true;
        if (!buf_ok(&f.out)) {
                err_set(err, ERR_MEMORY, "no memory for the parameter of a mechanism");
                goto out;
        }
        if (f.bad) {
                err_set(err, ERR_MECHANISM_PARAM,
                        "parameter of '%s' refused: wrong length, missing pointer or impossible value",
                        ck_name(CK_KIND_MECHANISM, m->mechanism));
                goto out;
        }
        /* One set of rules for both sides: what a node would refuse is refused here. */
        if (!ck_mech_param_decode(m->mechanism, buf_slice(&f.out), &check, err))
                goto out;
        buf_put_slice(out, buf_slice(&f.out));
        *second = f.second;
        ok = buf_ok(out) || err_set(err, ERR_MEMORY, "no memory for the parameter of a mechanism");
out:
        if (f.out.p)
                sec_wipe(f.out.p, f.out.cap);
        buf_clear(&f.out);
        return ok;
}
