/* The order of calls: every sequence of calls of every kind of operation, up to a length, against a model of
 * spec/interfaces.md 1.2 that is written here once more. */
#include "guest.h"

enum step {
        INIT,
        INIT_NULL,
        WHOLE,
        WHOLE_ASK,
        WHOLE_SMALL,
        WHOLE_BAD,
        PART,
        PART_BAD,
        END,
        END_ASK,
        END_SMALL,
        CANCEL,
        STEPS,
};
static const char *const step_names[] = { "init",         "init NULL",  "whole",      "whole?",
                                          "whole, small", "whole, bad", "part",       "part, bad",
                                          "end",          "end, asked", "end, small", "cancel" };

/* `asked` states: a result may lie ready, so a call of another kind may be refused. */
enum state { IDLE, BEGUN, WHOLE_ASKED, PARTS, PARTS_ASKED, END_ASKED };

enum kind { ENCRYPT, DECRYPT, SIGN, VERIFY, RECOVER, DIGEST, FIND };

struct row {
        const char *name;
        enum kind kind;
        CK_MECHANISM_TYPE mechanism;
        CK_FLAGS flag;
        bool no_tail; /* the end has nothing to give */
};

static const struct row rows[] = {
        { "encrypt CBC_PAD", ENCRYPT, CKM_AES_CBC_PAD, CKF_ENCRYPT, false },
        { "encrypt GCM", ENCRYPT, CKM_AES_GCM, CKF_ENCRYPT, false },
        { "decrypt CBC", DECRYPT, CKM_AES_CBC, CKF_DECRYPT, true },
        { "sign HMAC", SIGN, CKM_SHA256_HMAC, CKF_SIGN, false },
        { "sign ECDSA", SIGN, CKM_ECDSA_SHA256, CKF_SIGN, false },
        { "verify HMAC", VERIFY, CKM_SHA256_HMAC, CKF_VERIFY, false },
        { "sign with recovery", RECOVER, CKM_RSA_PKCS, CKF_SIGN_RECOVER, false },
        { "digest", DIGEST, CKM_SHA256, CKF_DIGEST, false },
        { "find", FIND, 0, CKF_FIND_OBJECTS, false },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE aes, hmac, private_key, rsa;
static CK_BYTE data[32], signature[32];

static CK_RV init(const struct row *r, bool null)
{
        static CK_BYTE iv[16], gcm_iv[12] = { 1 };
        CK_GCM_PARAMS gcm = { .pIv = gcm_iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = 128 };
        CK_MECHANISM m = { r->mechanism, NULL, 0 }, *mp = null ? NULL : &m;

        if (r->mechanism == CKM_AES_GCM)
                m = (CK_MECHANISM){ r->mechanism, &gcm, sizeof(gcm) };
        else if (r->kind == ENCRYPT || r->kind == DECRYPT)
                m = (CK_MECHANISM){ r->mechanism, iv, sizeof(iv) };
        switch (r->kind) {
        case ENCRYPT:
                return F->C_EncryptInit(session, mp, aes);
        case DECRYPT:
                return F->C_DecryptInit(session, mp, aes);
        case SIGN:
                return F->C_SignInit(session, mp, r->mechanism == CKM_ECDSA_SHA256 ? private_key : hmac);
        case VERIFY:
                return F->C_VerifyInit(session, mp, hmac);
        case RECOVER:
                return F->C_SignRecoverInit(session, mp, rsa);
        case DIGEST:
                return F->C_DigestInit(session, mp);
        default:
                return F->C_FindObjectsInit(session, NULL, 0);
        }
}

/* in NULL: a missing argument. */
static CK_RV whole(const struct row *r, CK_BYTE_PTR in, CK_BYTE_PTR out, CK_ULONG room)
{
        switch (r->kind) {
        case ENCRYPT:
                return F->C_Encrypt(session, in, 32, out, &room);
        case DECRYPT:
                return F->C_Decrypt(session, in, 32, out, &room);
        case SIGN:
                return F->C_Sign(session, in, 32, out, &room);
        case VERIFY:
                return F->C_Verify(session, in, 32, signature, 32);
        case RECOVER:
                return F->C_SignRecover(session, in, 32, out, &room);
        default:
                return F->C_Digest(session, in, 32, out, &room);
        }
}

static CK_RV part(const struct row *r, CK_BYTE_PTR in)
{
        static CK_BYTE out[64];
        CK_OBJECT_HANDLE found[4];
        CK_ULONG room = sizeof(out), n;

        switch (r->kind) {
        case ENCRYPT:
                return F->C_EncryptUpdate(session, in, 16, out, &room);
        case DECRYPT:
                return F->C_DecryptUpdate(session, in, 16, out, &room);
        case SIGN:
                return F->C_SignUpdate(session, in, 16);
        case VERIFY:
                return F->C_VerifyUpdate(session, in, 16);
        case DIGEST:
                return F->C_DigestUpdate(session, in, 16);
        default:
                return F->C_FindObjects(session, in ? found : NULL, 4, &n);
        }
}

static CK_RV end(const struct row *r, CK_BYTE_PTR out, CK_ULONG room)
{
        switch (r->kind) {
        case ENCRYPT:
                return F->C_EncryptFinal(session, out, &room);
        case DECRYPT:
                return F->C_DecryptFinal(session, out, &room);
        case SIGN:
                return F->C_SignFinal(session, out, &room);
        case VERIFY:
                return F->C_VerifyFinal(session, signature, 32);
        case DIGEST:
                return F->C_DigestFinal(session, out, &room);
        default:
                return F->C_FindObjectsFinal(session);
        }
}

static CK_RV run(const struct row *r, enum step step)
{
        static CK_BYTE out[256];

        switch (step) {
        case INIT:
        case INIT_NULL:
                return init(r, step == INIT_NULL);
        case WHOLE:
        case WHOLE_BAD:
                return whole(r, step == WHOLE ? data : NULL, out, sizeof(out));
        case WHOLE_ASK:
                return whole(r, data, NULL, 0);
        case WHOLE_SMALL:
                return whole(r, data, out, 1);
        case PART:
        case PART_BAD:
                return part(r, step == PART ? data : NULL);
        case END:
                return end(r, out, sizeof(out));
        case END_ASK:
                return end(r, NULL, 0);
        case END_SMALL:
                return end(r, out, 1);
        default:
                return F3->C_SessionCancel(session, r->flag);
        }
}

/* ---- the model ---- */

static bool offered(const struct row *r, enum step step)
{
        bool sized = step == WHOLE_ASK || step == WHOLE_SMALL || step == END_ASK || step == END_SMALL;
        bool at_once = step == WHOLE || step == WHOLE_BAD || step == INIT_NULL;

        bool parts = step >= PART && step <= END_SMALL;

        return !(parts && r->kind == RECOVER) && !(sized && (r->kind == VERIFY || r->kind == FIND)) &&
               !(at_once && r->kind == FIND);
}

/* What the step gets when it may come, and the state after it. */
static CK_RV allowed(const struct row *r, enum step step, enum state *s)
{
        switch (step) {
        case WHOLE_ASK:
                *s = WHOLE_ASKED;
                return CKR_OK;
        case WHOLE_SMALL:
                *s = WHOLE_ASKED;
                return CKR_BUFFER_TOO_SMALL;
        case PART:
                *s = PARTS;
                return CKR_OK;
        case END_ASK:
                *s = *s == PARTS || *s == PARTS_ASKED ? PARTS_ASKED : END_ASKED;
                return CKR_OK;
        case END_SMALL:
                if (r->no_tail)
                        break;
                *s = *s == PARTS || *s == PARTS_ASKED ? PARTS_ASKED : END_ASKED;
                return CKR_BUFFER_TOO_SMALL;
        case WHOLE_BAD:
        case PART_BAD:
                *s = IDLE;
                return CKR_ARGUMENTS_BAD;
        default:
                break;
        }
        *s = IDLE;
        return CKR_OK;
}

/* True when the answer fits; *s becomes the state after it. */
static bool expect(const struct row *r, enum step step, enum state *s, CK_RV got, CK_RV *wanted)
{
        bool at_once = step >= WHOLE && step <= WHOLE_BAD, parts = step == PART || step == PART_BAD;
        bool may_refuse = (*s == WHOLE_ASKED && !at_once) || (*s == END_ASKED && (at_once || parts)) ||
                          (*s == PARTS_ASKED && parts);

        if (step == CANCEL) {
                *wanted = CKR_OK;
                *s = IDLE;
                return got == CKR_OK;
        }
        if (step == INIT || step == INIT_NULL) {
                bool begins = step == INIT ? *s == IDLE : *s != IDLE;

                *wanted = begins ? CKR_OK : step == INIT ? CKR_OPERATION_ACTIVE : CKR_ARGUMENTS_BAD;
                *s = !begins ? *s : step == INIT ? BEGUN : IDLE;
                return got == *wanted;
        }
        if (*s == IDLE)
                *wanted = CKR_OPERATION_NOT_INITIALIZED;
        else if (at_once && (*s == PARTS || *s == PARTS_ASKED))
                *wanted = CKR_OPERATION_ACTIVE;
        else if (may_refuse && got == CKR_OPERATION_ACTIVE)
                *wanted = got;
        else
                *wanted = allowed(r, step, s);
        if (r->kind == VERIFY && step == END && got == CKR_SIGNATURE_INVALID)
                *wanted = got; /* of other data, and the end all the same */
        return got == *wanted;
}

#define LENGTH 3 /* of a sequence after C_...Init */

static bool sequence(const struct row *r, unsigned number, bool begun)
{
        char words[200];
        enum state s = begun ? BEGUN : IDLE;

        (void)F3->C_SessionCancel(session, r->flag);
        (void)snprintf(words, sizeof(words), "%s", begun ? "begun" : "idle");
        if (begun && !same("init", init(r, false), CKR_OK))
                return false;
        for (unsigned i = 0; i < LENGTH; i++, number /= STEPS) {
                enum step step = (enum step)(number % STEPS);
                size_t at = strlen(words);
                CK_RV got, wanted;

                if (!offered(r, step))
                        return true;
                (void)snprintf(words + at, sizeof(words) - at, ", %s", step_names[step]);
                got = run(r, step);
                if (!expect(r, step, &s, got, &wanted)) {
                        char name[256];

                        (void)snprintf(name, sizeof(name), "%s: %s", r->name, words);
                        return same(name, got, wanted);
                }
        }
        return true;
}

static CK_RV make_rsa(void)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG bits = 2048;
        CK_MECHANISM m = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        CK_ATTRIBUTE pub[] = { { CKA_MODULUS_BITS, &bits, sizeof(bits) } };
        CK_ATTRIBUTE priv[] = { { CKA_SIGN, &yes, 1 }, { CKA_SIGN_RECOVER, &yes, 1 } };
        CK_OBJECT_HANDLE public_key;

        return F->C_GenerateKeyPair(session, &m, pub, 1, priv, 2, &public_key, &rsa);
}

void guest_order(void)
{
        CK_OBJECT_HANDLE public_key;
        unsigned all = 1;
        CK_MECHANISM m = { CKM_SHA256_HMAC, NULL, 0 };
        CK_ULONG n = sizeof(signature);

        session = arrive();
        aes = make_aes(session);
        hmac = make_hmac_key(session);
        is("keys are made", make_pair(session, NULL, 0, &public_key, &private_key), CKR_OK);
        is("an RSA key too", make_rsa(), CKR_OK);
        is("something is signed", F->C_SignInit(session, &m, hmac), CKR_OK);
        is("for the verification", F->C_Sign(session, data, sizeof(data), signature, &n), CKR_OK);
        for (unsigned i = 0; i < LENGTH; i++)
                all *= STEPS;
        for (size_t i = 0; i < ROWS; i++) {
                char name[80];
                unsigned wrong = 0;

                for (unsigned number = 0; number < all && wrong < 5; number++)
                        wrong +=
                            sequence(&rows[i], number, true) && sequence(&rows[i], number, false) ? 0U : 1U;
                (void)snprintf(name, sizeof(name), "every order of calls: %s", rows[i].name);
                is(name, wrong, 0);
        }
        leave();
}
