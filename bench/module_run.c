/* The operations through a PKCS#11 module, as an application calls them: one session a thread. */
#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
        const struct bench_operation_row *row;
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE key, target; /* target: what is wrapped */
        unsigned n_keys;
        uint64_t counter;
        CK_BYTE input[4096];
        CK_BYTE output[4096 + 256];
        CK_BYTE given[512]; /* made when the state was opened: a signature, a ciphertext, a point */
        CK_ULONG given_n;
};

/* The row's mechanism with its parameter; IVs are never the same twice. */
union parameter {
        CK_GCM_PARAMS gcm;
        CK_RSA_PKCS_PSS_PARAMS pss;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        CK_ECDH1_DERIVE_PARAMS ecdh;
        CK_BYTE iv[16];
};

static CK_MECHANISM mechanism_of(struct state *s, union parameter *p, CK_BYTE iv[16])
{
        CK_MECHANISM m = { s->row->mechanism, p, 0 };

        memset(iv, 0, 16);
        memcpy(iv, &s->counter, sizeof s->counter);
        switch (m.mechanism) {
        case CKM_AES_GCM:
                p->gcm = (CK_GCM_PARAMS){ .pIv = iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = 128 };
                m.ulParameterLen = sizeof p->gcm;
                break;
        case CKM_AES_CBC:
                memcpy(p->iv, iv, sizeof p->iv);
                m.ulParameterLen = sizeof p->iv;
                break;
        case CKM_SHA256_RSA_PKCS_PSS:
                p->pss = (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256, 32 };
                m.ulParameterLen = sizeof p->pss;
                break;
        case CKM_RSA_PKCS_OAEP:
                p->oaep = (CK_RSA_PKCS_OAEP_PARAMS){ CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0 };
                m.ulParameterLen = sizeof p->oaep;
                break;
        case CKM_ECDH1_DERIVE:
                p->ecdh = (CK_ECDH1_DERIVE_PARAMS){ CKD_NULL, 0, NULL, s->given_n, s->given };
                m.ulParameterLen = sizeof p->ecdh;
                break;
        default:
                m.pParameter = NULL;
        }
        return m;
}

/* ---- one function a kind ---- */

static CK_RV sign(struct state *s)
{
        union parameter p;
        CK_BYTE iv[16];
        CK_MECHANISM m = mechanism_of(s, &p, iv);
        CK_ULONG n = sizeof s->output;
        CK_RV rv = f->C_SignInit(s->session, &m, s->key);

        memcpy(s->input, &s->counter, sizeof s->counter);
        return rv != CKR_OK ? rv : f->C_Sign(s->session, s->input, s->row->input, s->output, &n);
}

static CK_RV verify(struct state *s)
{
        union parameter p;
        CK_BYTE iv[16];
        CK_MECHANISM m = mechanism_of(s, &p, iv);
        CK_RV rv = f->C_VerifyInit(s->session, &m, s->key);

        return rv != CKR_OK ? rv : f->C_Verify(s->session, s->input, s->row->input, s->given, s->given_n);
}

static CK_RV encrypt(struct state *s)
{
        union parameter p;
        CK_BYTE iv[16];
        CK_MECHANISM m = mechanism_of(s, &p, iv);
        CK_ULONG n = sizeof s->output;
        CK_RV rv = f->C_EncryptInit(s->session, &m, s->key);

        return rv != CKR_OK ? rv : f->C_Encrypt(s->session, s->input, s->row->input, s->output, &n);
}

static CK_RV decrypt(struct state *s)
{
        union parameter p;
        CK_BYTE iv[16];
        CK_MECHANISM m = mechanism_of(s, &p, iv);
        CK_ULONG n = sizeof s->output;
        CK_RV rv = f->C_DecryptInit(s->session, &m, s->key);

        return rv != CKR_OK ? rv : f->C_Decrypt(s->session, s->given, s->given_n, s->output, &n);
}

static CK_RV derive(struct state *s)
{
        union parameter p;
        CK_BYTE iv[16];
        CK_MECHANISM m = mechanism_of(s, &p, iv);
        CK_OBJECT_CLASS class = CKO_SECRET_KEY;
        CK_KEY_TYPE type = CKK_GENERIC_SECRET;
        CK_ULONG length = 32;
        CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class },
                                  { CKA_KEY_TYPE, &type, sizeof type },
                                  { CKA_VALUE_LEN, &length, sizeof length } };
        CK_OBJECT_HANDLE key;
        CK_RV rv = f->C_DeriveKey(s->session, &m, s->key, wanted, 3, &key);

        return rv != CKR_OK ? rv : f->C_DestroyObject(s->session, key);
}

static CK_RV wrap(struct state *s)
{
        CK_MECHANISM m = { s->row->mechanism, NULL, 0 };
        CK_ULONG n = sizeof s->output;

        return f->C_WrapKey(s->session, &m, s->key, s->target, s->output, &n);
}

static CK_RV random_bytes(struct state *s)
{
        return f->C_GenerateRandom(s->session, s->output, s->row->input);
}

static CK_RV find_label(struct state *s)
{
        char label[32];
        CK_OBJECT_HANDLE key;
        CK_ULONG n = 0;
        CK_RV rv;

        snprintf(label, sizeof label, "find-%06u", (unsigned)(s->counter * 2654435761U % s->n_keys));
        rv = bench_find_label(s->session, label, CK_UNAVAILABLE_INFORMATION, &key, &n);
        return rv == CKR_OK && n != 1 ? CKR_OBJECT_HANDLE_INVALID : rv;
}

static CK_RV create_key(struct state *s)
{
        CK_OBJECT_HANDLE key;
        CK_RV rv = bench_create_aes(s->session, "bench-created", !s->row->session, &key);

        return rv == CKR_OK && s->row->session ? f->C_DestroyObject(s->session, key) : rv;
}

static CK_RV create_pair(struct state *s)
{
        return bench_create_pair(s->session, &bench_key_rows[BENCH_KEY_P256], CK_FALSE);
}

static CK_RV (*const functions[BENCH_KINDS])(struct state *) = {
        [BENCH_SIGN] = sign,
        [BENCH_VERIFY] = verify,
        [BENCH_ENCRYPT] = encrypt,
        [BENCH_DECRYPT] = decrypt,
        [BENCH_DERIVE] = derive,
        [BENCH_WRAP_KEY] = wrap,
        [BENCH_RANDOM_BYTES] = random_bytes,
        [BENCH_FIND_LABEL] = find_label,
        [BENCH_CREATE_KEY] = create_key,
        [BENCH_CREATE_PAIR_KEYS] = create_pair,
};

/* ---- what an operation needs before it can run ---- */

static bool find_key(struct state *s, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *key, char *failure,
                     size_t room)
{
        const char *label = bench_key_rows[s->row->key].label;
        CK_ULONG n = 0;

        if (bench_failed(bench_find_label(s->session, label, class, key, &n), "C_FindObjects", failure, room))
                return false;
        if (n == 0)
                snprintf(failure, room, "no key labelled '%s'", label);
        return n == 1;
}

/* The other half does its part once: signs what is verified, encrypts what is decrypted, gives its point. */
static CK_RV give(struct state *s, CK_OBJECT_HANDLE other)
{
        CK_ATTRIBUTE point = { CKA_EC_POINT, s->given, sizeof s->given };
        CK_OBJECT_HANDLE key = s->key;
        CK_RV rv = CKR_OK;

        s->given_n = sizeof s->given;
        s->key = other;
        if (s->row->kind == BENCH_VERIFY) {
                rv = sign(s);
                s->given_n = s->row->key == BENCH_KEY_RSA ? 256 : 64;
                memcpy(s->given, s->output, s->given_n);
        } else if (s->row->kind == BENCH_DECRYPT) {
                rv = encrypt(s);
                s->given_n = 256;
                memcpy(s->given, s->output, s->given_n);
        } else {
                rv = f->C_GetAttributeValue(s->session, other, &point, 1);
                s->given_n = point.ulValueLen;
        }
        s->key = key;
        return rv;
}

static bool open_keys(struct state *s, char *failure, size_t room)
{
        bool secret = s->row->key == BENCH_KEY_AES || s->row->key == BENCH_KEY_MAC;
        CK_OBJECT_CLASS class = secret                         ? CKO_SECRET_KEY
                                : s->row->kind == BENCH_VERIFY ? CKO_PUBLIC_KEY
                                                               : CKO_PRIVATE_KEY;
        CK_OBJECT_HANDLE other;

        if (s->row->key == BENCH_KEYS)
                return true;
        if (!find_key(s, class, &s->key, failure, room))
                return false;
        if (s->row->kind == BENCH_WRAP_KEY)
                return !bench_failed(bench_create_aes(s->session, "bench-wrapped", CK_FALSE, &s->target),
                                     "C_GenerateKey", failure, room);
        if (s->row->kind != BENCH_VERIFY && s->row->kind != BENCH_DECRYPT && s->row->kind != BENCH_DERIVE)
                return true;
        return find_key(s, class == CKO_PUBLIC_KEY ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY, &other, failure,
                        room) &&
               !bench_failed(give(s, other), "the other half", failure, room);
}

static void module_close(void *state)
{
        struct state *s = state;

        if (s->session != CK_INVALID_HANDLE)
                f->C_CloseSession(s->session);
        free(s);
}

static void *module_open(const struct bench_target *target, enum bench_operation operation, unsigned thread,
                         char *failure, size_t room)
{
        struct state *s = calloc(1, sizeof *s);

        if (s == NULL)
                return NULL;
        s->row = &bench_operation_rows[operation];
        s->n_keys = target->n_keys;
        s->counter = thread * 7919U;
        if (bench_open_session(&s->session, failure, room) && open_keys(s, failure, room))
                return s;
        module_close(s);
        return NULL;
}

static CK_RV module_run(void *state)
{
        struct state *s = state;

        s->counter++;
        return functions[s->row->kind](s);
}

const struct bench_way bench_module = { module_open, module_run, module_close };
