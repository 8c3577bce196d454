/* Sequences that the key rules do not list: other users, shared keys, ended sessions, consent. */
#include "attack.h"

#include <sys/wait.h>
#include <unistd.h>

static CK_OBJECT_HANDLE trusted;

static void before(void)
{
        struct attack a = { .id = "before", .token = true, .session = attack_session() };

        if (attack_key(&a, AES, "+WRAP +UNWRAP", &trusted) || attack_trust(trusted, true))
                printf("Bail out! no trusted key\n");
}

/* ---- other users ---- */

static CK_RV role_keys(struct attack *a, const CK_ULONG *numbers)
{
        CK_OBJECT_HANDLE k = 0;

        (void)numbers;
        return attack_key(a, AES, "+WRAP +UNWRAP +EXTR +WWT", &k) ? 0 : k;
}

static CK_RV role_delete(struct attack *a, const CK_ULONG *numbers)
{
        return p11->C_DestroyObject(a->session, numbers[0]);
}

static CK_RV digest_key(struct attack *a, CK_OBJECT_HANDLE key)
{
        CK_BYTE out[32];
        CK_ULONG n = sizeof(out);
        CK_RV rv = p11->C_DigestKey(a->session, key);

        return rv ? rv : p11->C_DigestFinal(a->session, out, &n);
}

/* A handle of somebody else, or of nothing: all calls give the codes of what is not there. */
static void absent(struct attack *a, CK_OBJECT_HANDLE alien)
{
        CK_OBJECT_HANDLE own, x;
        struct wanted w = { .n = 0 };
        CK_BYTE label[8];
        CK_ULONG n = sizeof(label);
        CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
        struct mech m;
        struct blob b = { .n = 40 };

        MUST(a, attack_key(a, AES, "+WRAP +UNWRAP +EXTR +WWT", &own));
        (void)REFUSED(a, CKR_OBJECT_HANDLE_INVALID, attack_value(a, alien, CKA_LABEL, label, &n));
        (void)REFUSED(a, CKR_OBJECT_HANDLE_INVALID, attack_set(a, alien, "+ENCRYPT"));
        (void)REFUSED(a, CKR_OBJECT_HANDLE_INVALID, attack_copy(a, alien, "", &x));
        (void)REFUSED(a, CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(a->session, alien));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_ECB), alien));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_try(a, CKF_DECRYPT, mech_of(&m, CKM_AES_GCM), alien));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_try(a, CKF_SIGN, mech_of(&m, CKM_AES_CMAC), alien));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_try(a, CKF_VERIFY, mech_of(&m, CKM_AES_CMAC), alien));
        mech_of(&m, CKM_AES_KEY_WRAP);
        (void)REFUSED(a, CKR_WRAPPING_KEY_HANDLE_INVALID, attack_wrap(a, &m.m, alien, own, &b));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_wrap(a, &m.m, trusted, alien, &b));
        b.n = 40;
        (void)REFUSED(a, CKR_UNWRAPPING_KEY_HANDLE_INVALID,
                      attack_unwrap_as(a, &m.m, alien, &b, CKO_SECRET_KEY, CKK_AES, "", &x));
        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, "");
        mech_of(&m, CKM_AES_ECB_ENCRYPT_DATA);
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_derive(a, &m.m, alien, &w, &x));
        MUST(a, p11->C_DigestInit(a->session, &sha));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, digest_key(a, alien));
}

static void alien_handles(struct attack *a)
{
        CK_OBJECT_HANDLE alien = attack_other("i", "cu2", "keys", NULL, 0);

        CHECK(a, alien != 0 && alien != CK_UNAVAILABLE_INFORMATION);
        absent(a, alien);
        absent(a, 0x7fffffff); /* the same of a handle that nobody has */
        MUST(a, attack_other("i", "cu2", "delete", &alien, 1));
        absent(a, alien); /* and of one that somebody had */
}

static CK_RV role_shared(struct attack *a, const CK_ULONG *numbers)
{
        struct wanted w = { .n = 0 };
        CK_OBJECT_HANDLE x, k = numbers[0];
        CK_RV set, copy, gone;

        wanted_words(&w, "+DECRYPT");
        set = p11->C_SetAttributeValue(a->session, k, w.items, w.n);
        copy = p11->C_CopyObject(a->session, k, NULL, 0, &x);
        gone = p11->C_DestroyObject(a->session, k);
        return set == CKR_ACTION_PROHIBITED && copy == CKR_ACTION_PROHIBITED ? gone : CKR_GENERAL_ERROR;
}

static void shared(struct attack *a)
{
        unsigned long cu2 = attack_user_id("cu2");
        CK_OBJECT_HANDLE k;
        struct attack as_token = *a;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, "+ENCRYPT", &k));
        (void)attack_made(a, CKR_OK, &k);
        CHECK(a, attack_user("shareKey %lu %lu 1", k, cu2));
        CHECK(a, attack_other("i", "cu2", "shared", &k, 1) == CKR_ACTION_PROHIBITED);
        CHECK(a, !attack_reads(a, k, CKA_DECRYPT) && attack_reads(a, k, CKA_ENCRYPT));
}

/* ---- ended sessions ---- */

#define STEP(truth)                                                                                          \
        do {                                                                                                 \
                if (!(truth))                                                                                \
                        return __LINE__;                                                                     \
        } while (0)

static CK_RV log_in(struct attack *a, const char *pin)
{
        return p11->C_Login(a->session, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)pin, strlen(pin));
}

/* In a process of its own: what a login made is of no use to the next one. Tells the line of what was wrong.
 */
static CK_RV role_logout(struct attack *a, const CK_ULONG *numbers)
{
        CK_OBJECT_HANDLE session_key, token_key = numbers[0];
        char other[80];
        struct mech m;

        a->token = false;
        STEP(attack_key(a, AES, "+ENCRYPT", &session_key) == CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) == CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_OK);
        STEP(p11->C_EncryptInit(a->session, mech_of(&m, CKM_AES_CBC), token_key) == CKR_OK);
        STEP(p11->C_Logout(a->session) == CKR_OK);
        STEP(p11->C_EncryptUpdate(a->session, m.seed, 16, m.seed, &(CK_ULONG){ 16 }) != CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) != CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_USER_NOT_LOGGED_IN);
        STEP(attack_count(a->session) == 0);
        STEP(log_in(a, attack_pin()) == CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) == CKR_KEY_HANDLE_INVALID);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_OK);
        STEP(p11->C_Logout(a->session) == CKR_OK);
        (void)snprintf(other, sizeof(other), "cu2:%s", getenv("CHSM_CU_PASSWORD"));
        STEP(log_in(a, other) == CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) == CKR_KEY_HANDLE_INVALID);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_KEY_HANDLE_INVALID);
        STEP(attack_count(a->session) == 0 || !attack_reads(a, token_key, CKA_ENCRYPT));
        return CKR_OK;
}

/* The child of a fork has nothing of its parent's. */
static int orphan(struct attack *a, CK_OBJECT_HANDLE session_key, CK_OBJECT_HANDLE token_key)
{
        struct mech m;

        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) ==
             CKR_CRYPTOKI_NOT_INITIALIZED);
        STEP(p11->C_Initialize(NULL) == CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_SESSION_HANDLE_INVALID);
        a->session = attack_session();
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) != CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_USER_NOT_LOGGED_IN);
        STEP(attack_count(a->session) == 0);
        STEP(log_in(a, attack_pin()) == CKR_OK);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), session_key) == CKR_KEY_HANDLE_INVALID);
        STEP(attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), token_key) == CKR_OK);
        return 0;
}

static void ended(struct attack *a)
{
        CK_SESSION_HANDLE other = attack_session();
        struct attack in_other = *a, as_token = *a;
        CK_OBJECT_HANDLE k, token_key;
        struct mech m;
        int status = -1;
        pid_t pid;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, "+ENCRYPT", &token_key));
        (void)attack_made(a, CKR_OK, &token_key);
        in_other.session = other;
        in_other.token = false;
        MUST(a, attack_key(&in_other, AES, "+ENCRYPT", &k));
        MUST(a,
             attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), k)); /* sessions of one application share */
        pid = fork();
        if (pid == 0)
                _exit(orphan(a, k, token_key) != 0);
        (void)waitpid(pid, &status, 0);
        CHECK(a, WIFEXITED(status) && WEXITSTATUS(status) == 0);
        MUST(a, p11->C_CloseSession(other));
        (void)REFUSED(a, CKR_KEY_HANDLE_INVALID, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_CBC), k));
        status = (int)attack_other("i", "cu1", "logout", &token_key, 1);
        if (!CHECK(a, status == 0))
                printf("#   line %d of the role\n", status);
}

/* The state of a digest over a key does not travel: its first block would be the key. */
static void digest_states(struct attack *a)
{
        CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
        CK_BYTE state[4096];
        CK_ULONG n = sizeof(state);
        CK_OBJECT_HANDLE k;

        MUST(a, attack_key(a, GEN, "+SIGN", &k));
        MUST(a, p11->C_DigestInit(a->session, &sha));
        MUST(a, p11->C_DigestKey(a->session, k));
        CHECK(a, p11->C_GetOperationState(a->session, state, &n) == CKR_STATE_UNSAVEABLE);
        n = sizeof(state);
        MUST(a, p11->C_DigestFinal(a->session, state, &n));
}

static CK_RV sign_once(struct attack *a, CK_OBJECT_HANDLE key, const char *pin)
{
        CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
        CK_BYTE hash[32] = { 1 }, out[64];
        CK_ULONG n = sizeof(out);
        CK_RV rv = p11->C_SignInit(a->session, &m, key);

        if (rv == CKR_OK && pin)
                rv = p11->C_Login(a->session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR_PTR)(uintptr_t)pin,
                                  strlen(pin));
        return rv ? rv : p11->C_Sign(a->session, hash, sizeof(hash), out, &n);
}

/* One word of consent, one signature. */
static void consent(struct attack *a)
{
        static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_MECHANISM pair = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        struct wanted pub = { .n = 0 }, priv = { .n = 0 }, change = { .n = 0 };
        CK_OBJECT_HANDLE p, k, x;

        wanted_key(a, &pub, CKO_PUBLIC_KEY, "+VERIFY");
        wanted_bytes(&pub, CKA_EC_PARAMS, p256, sizeof(p256));
        wanted_key(a, &priv, CKO_PRIVATE_KEY, "+SIGN");
        wanted_bool(&priv, CKA_ALWAYS_AUTHENTICATE, true);
        MUST(a, p11->C_GenerateKeyPair(a->session, &pair, pub.items, pub.n, priv.items, priv.n, &p, &k));
        (void)attack_made(a, CKR_OK, &p);
        (void)attack_made(a, CKR_OK, &k);
        CHECK(a, sign_once(a, k, NULL) == CKR_USER_NOT_LOGGED_IN);
        MUST(a, sign_once(a, k, attack_pin()));
        CHECK(a, sign_once(a, k, NULL) == CKR_USER_NOT_LOGGED_IN);
        CHECK(a, sign_once(a, k, "cu1:not the password") == CKR_PIN_INCORRECT);
        (void)p11->C_SignInit(a->session, NULL, 0); /* ends what waits for the right one */
        wanted_bool(&change, CKA_ALWAYS_AUTHENTICATE, false);
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                      p11->C_SetAttributeValue(a->session, k, change.items, change.n));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                      p11->C_CopyObject(a->session, k, change.items, change.n, &x));
}

static const struct attack_row rows[] = {
        { "I01", "other users' handles", alien_handles },
        { "I02", "what a shared key is not", shared },
        { "I03", "ended sessions, logins and processes", ended },
        { "I04", "states of digests", digest_states },
        { "I05", "consent to each use", consent },
        { 0 },
};

static const struct attack_role roles[] = {
        { "keys", role_keys },
        { "delete", role_delete },
        { "shared", role_shared },
        { "logout", role_logout },
        { 0 },
};

const struct attack_group group_other = { "i", rows, roles, before };
