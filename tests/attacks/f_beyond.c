/* Sequences that the key rules do not list: laundering of history, other users, ended sessions, searches. */
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

/* ---- a wrapping key whose value is at hand elsewhere, made trusted ---- */

/* The officer trusts it: then no protected key leaves under it. True when one did. */
static bool opens_protected(struct attack *a, CK_OBJECT_HANDLE t, CK_OBJECT_HANDLE *k, struct blob *b)
{
        struct mech m;

        if (attack_trust(t, true) != CKR_OK)
                return false;
        if (attack_key(a, AES, "+EXTR +WWT", k) != CKR_OK)
                return CHECK(a, !"no target");
        return !REFUSED(a, CKR_WRAPPING_KEY_HANDLE_INVALID,
                        attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), t, *k, b));
}

/* A copy with another use, made before the trust. */
static void copied(struct attack *a)
{
        CK_OBJECT_HANDLE t, copy, k;
        struct attack as_token = *a;
        struct mech m;
        struct blob b, v;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, "+WRAP", &t));
        (void)attack_made(a, CKR_OK, &t);
        if (!SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY,
                      attack_copy(a, t, a->token ? "+DECRYPT" : "-TOKEN +DECRYPT", &copy)))
                return;
        if (!opens_protected(a, t, &k, &b))
                return;
        MUST(a, attack_decrypt(a, mech_of(&m, CKM_AES_KEY_WRAP), copy, b.p, b.n, &v));
        KEPT(a, k, v.p, v.n);
}

/* The other way round: the copy becomes trusted, the original decrypts. */
static void copied_back(struct attack *a)
{
        CK_OBJECT_HANDLE original, t, k;
        struct mech m;
        struct blob b, v;

        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_key(a, AES, "+WRAP +DECRYPT", &original)))
                return;
        MUST(a, attack_copy(a, original, "+TOKEN -DECRYPT", &t));
        if (!opens_protected(a, t, &k, &b))
                return;
        MUST(a, attack_decrypt(a, mech_of(&m, CKM_AES_KEY_WRAP), original, b.p, b.n, &v));
        KEPT(a, k, v.p, v.n);
}

/* What a trusted key unwraps is not a new trusted key. */
static void unwrapped(struct attack *a)
{
        CK_OBJECT_HANDLE second, t, k;
        struct mech m;
        struct blob b, c;

        MUST(a, attack_key(a, AES, "+EXTR +WWT +WRAP", &second));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), trusted, second, &b));
        MUST(a, attack_unwrap_as(a, &m.m, trusted, &b, CKO_SECRET_KEY, CKK_AES, "+TOKEN -EXTR +WRAP", &t));
        CHECK(a, !opens_protected(a, t, &k, &c));
}

/* The public half of a pair whose private half decrypts, or of one that the attacker has. */
static void trusted_public(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS, CKM_RSA_AES_KEY_WRAP };
        CK_OBJECT_HANDLE evil, pub = 0, priv, k;
        struct wanted w = { .n = 0 };
        struct mech m;
        struct blob b;

        wanted_bare(a, &w, CKO_PUBLIC_KEY, CKK_RSA, "+WRAP +TOKEN");
        wanted_bytes(&w, CKA_MODULUS, oracle_rsa_modulus(), 256);
        wanted_bytes(&w, CKA_PUBLIC_EXPONENT, "\1\0\1", 3);
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        if (SEPARATE(a, CKR_ATTRIBUTE_READ_ONLY, attack_create(a, &w, &evil)) &&
            attack_trust(evil, true) == CKR_OK) {
                for (size_t i = 0; i < 3; i++)
                        (void)REFUSED2(a, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID,
                                       attack_wrap(a, mech_of(&m, ways[i]), evil, k, &b));
        }
        if (!SEPARATE(a, CKR_TEMPLATE_INCONSISTENT,
                      attack_rsa(a, "+WRAP +TOKEN", "+DECRYPT +TOKEN", &pub, &priv)) ||
            attack_trust(pub, true) != CKR_OK)
                return;
        for (size_t i = 0; i < 3; i++)
                (void)REFUSED2(a, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID,
                               attack_wrap(a, mech_of(&m, ways[i]), pub, k, &b));
}

/* ---- what an officer can change ---- */

static void officer(struct attack *a)
{
        CK_OBJECT_HANDLE k;
        struct attack as_token = *a;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, "+WWT +WRAP", &k));
        (void)attack_made(a, CKR_OK, &k);
        CHECK(a, !attack_officer("setAttribute %lu 354 1", k)); /* EXTRACTABLE */
        CHECK(a, !attack_officer("setAttribute %lu 528 0", k)); /* WRAP_WITH_TRUSTED */
        CHECK(a, !attack_officer("setAttribute %lu 259 0", k)); /* SENSITIVE */
        CHECK(a, !attack_officer("setAttribute %lu 261 1", k)); /* DECRYPT */
        CHECK(a, !attack_officer("setAttribute %lu 258 1", k)); /* ID */
        CHECK(a, attack_reads(a, k, CKA_WRAP_WITH_TRUSTED) && attack_reads(a, k, CKA_SENSITIVE) &&
                     !attack_reads(a, k, CKA_EXTRACTABLE) && !attack_reads(a, k, CKA_DECRYPT));
        CHECK(a, !attack_officer("changePswd CU cu9 user1234") && !attack_officer("deleteUser CU cu1"));
}

/* Copies are never looser. */
static void looser(struct attack *a)
{
        static const CK_BYTE value[32] = "a session key that can be read.";
        CK_OBJECT_HANDLE k, open, x;
        struct wanted w = { .n = 0 };

        MUST(a, attack_key(a, AES, "+WWT", &k));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, "+EXTR", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, "-WWT", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, k, "-SENS", &x));
        (void)REFUSED2(a, CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT,
                       attack_copy(a, k, "-PRIVATE", &x));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "+EXTR"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "-WWT"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "-SENS"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, k, "-PRIVATE"));
        if (attack_verified)
                return;
        wanted_number(&w, CKA_CLASS, CKO_SECRET_KEY);
        wanted_number(&w, CKA_KEY_TYPE, CKK_AES);
        wanted_bytes(&w, CKA_VALUE, value, 32);
        wanted_words(&w, "-SENS -TOKEN");
        MUST(a, attack_create(a, &w, &open));
        (void)REFUSED(a, CKR_TEMPLATE_INCONSISTENT, attack_copy(a, open, "+TOKEN", &x));
}

/* ---- lengths of what comes back ---- */

/* Half a key is found in half the time: what was wrapped comes back whole. */
static void truncated(struct attack *a)
{
        static const CK_MECHANISM_TYPE ways[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_GCM };
        static const CK_ULONG lengths[] = { 1, 8, 16, 24, 31, 33, 64 };
        CK_OBJECT_HANDLE k, x;
        struct mech m;
        struct blob b;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &k));
        for (size_t i = 0; i < 3; i++) {
                MUST(a, attack_wrap(a, mech_of(&m, ways[i]), trusted, k, &b));
                for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
                        struct wanted w = { .n = 0 };
                        wanted_bare(a, &w, CKO_SECRET_KEY, n % 2 ? CKK_GENERIC_SECRET : CKK_AES, "");
                        wanted_number(&w, CKA_VALUE_LEN, lengths[n]);
                        (void)REFUSED2(a, CKR_WRAPPED_KEY_INVALID, CKR_KEY_SIZE_RANGE,
                                       attack_unwrap(a, &m.m, trusted, &b, &w, &x));
                }
        }
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
        CK_OBJECT_HANDLE alien = attack_other("f", "cu2", "keys", NULL, 0);

        CHECK(a, alien != 0 && alien != CK_UNAVAILABLE_INFORMATION);
        absent(a, alien);
        absent(a, 0x7fffffff); /* the same of a handle that nobody has */
        MUST(a, attack_other("f", "cu2", "delete", &alien, 1));
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
        CHECK(a, attack_other("f", "cu2", "shared", &k, 1) == CKR_ACTION_PROHIBITED);
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
        status = (int)attack_other("f", "cu1", "logout", &token_key, 1);
        if (!CHECK(a, status == 0))
                printf("#   line %d of the role\n", status);
}

/* ---- reading and searching ---- */

static size_t found_by(struct attack *a, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
        CK_ATTRIBUTE by = { type, (void *)(uintptr_t)value, n };
        CK_OBJECT_HANDLE found[4];
        CK_ULONG count = 0;

        if (p11->C_FindObjectsInit(a->session, &by, 1) != CKR_OK)
                return 0;
        (void)p11->C_FindObjects(a->session, found, 4, &count);
        (void)p11->C_FindObjectsFinal(a->session);
        return count;
}

static void searched(struct attack *a)
{
        static const CK_BYTE value[32] = "a guess is compared with this 32";
        CK_OBJECT_HANDLE k, rsa;
        struct wanted w = { .n = 0 };

        MUST(a, attack_import(a, CKK_AES, value, 32, "+ENCRYPT +WWT", &k));
        CHECK(a, found_by(a, CKA_VALUE, value, 32) == 0);
        CHECK(a, found_by(a, CKA_VALUE, value, 0) == 0);
        wanted_bare(a, &w, CKO_PRIVATE_KEY, CKK_RSA, "+SIGN +WWT");
        CHECK(a, oracle_rsa_private(&w));
        MUST(a, attack_create(a, &w, &rsa));
        for (CK_ULONG i = 0; i < w.n; i++) {
                CK_ATTRIBUTE_TYPE t = w.items[i].type;
                if (t == CKA_PRIVATE_EXPONENT || (t >= CKA_PRIME_1 && t <= CKA_COEFFICIENT))
                        CHECK(a, found_by(a, t, w.items[i].pValue, w.items[i].ulValueLen) == 0);
        }
        CHECK(a, found_by(a, CKA_MODULUS, oracle_rsa_modulus(), 256) > 0); /* what may be searched is found */
}

/* No length, no byte, whatever the buffer. */
static void read_secret(struct attack *a, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
        CK_BYTE out[600];
        CK_BYTE label[32];
        CK_ATTRIBUTE mixed[] = { { CKA_LABEL, label, sizeof(label) },
                                 { type, out, sizeof(out) },
                                 { CKA_CLASS, label, sizeof(label) } };
        CK_ATTRIBUTE query = { type, NULL, 0 };

        memset(out, 0x77, sizeof(out));
        (void)REFUSED(a, CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(a->session, key, mixed, 3));
        CHECK(a, mixed[1].ulValueLen == CK_UNAVAILABLE_INFORMATION);
        CHECK(a, mixed[0].ulValueLen == 0 && mixed[2].ulValueLen == sizeof(CK_ULONG));
        for (size_t i = 0; i < sizeof(out); i++) {
                if (out[i] != 0x77) {
                        CHECK(a, !"the buffer was written to");
                        break;
                }
        }
        (void)REFUSED(a, CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(a->session, key, &query, 1));
        CHECK(a, query.ulValueLen == CK_UNAVAILABLE_INFORMATION);
}

static void read_all(struct attack *a)
{
        static const CK_ATTRIBUTE_TYPE parts[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                                   CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT };
        CK_OBJECT_HANDLE aes, pub, rsa, ec, gen;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &aes));
        MUST(a, attack_key(a, GEN, "", &gen));
        MUST(a, attack_rsa(a, "", "+SIGN", &pub, &rsa));
        MUST(a, attack_ec(a, "", "+SIGN +EXTR +WWT", &pub, &ec));
        read_secret(a, aes, CKA_VALUE);
        read_secret(a, gen, CKA_VALUE);
        read_secret(a, ec, CKA_VALUE);
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                read_secret(a, rsa, parts[i]);
        if (!a->token && !attack_verified) { /* readable, but not extractable: not readable */
                MUST(a, attack_key(a, AES, "-SENS -EXTR", &aes));
                read_secret(a, aes, CKA_VALUE);
        }
}

/* Check values: three bytes of what has enough of them, nothing of what has not. */
static void check_values(struct attack *a)
{
        CK_OBJECT_HANDLE k;
        CK_BYTE check[64];
        CK_ULONG n = sizeof(check);
        struct wanted w = { .n = 0 };

        MUST(a, attack_key(a, AES, "+WWT", &k));
        MUST(a, attack_value(a, k, CKA_CHECK_VALUE, check, &n));
        CHECK(a, n == 3);
        MUST(a, attack_key(a, GEN, "+SIGN", &k));
        n = sizeof(check);
        CHECK(a, attack_value(a, k, CKA_CHECK_VALUE, check, &n) != CKR_OK || n == 0);
        wanted_key(a, &w, CKO_SECRET_KEY, "+WRAP");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        wanted_bytes(&w, CKA_CHECK_VALUE, "\0\0\0", 3); /* a guess about a key that is yet to be made */
        (void)REFUSED2(a, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY,
                       attack_key_of(a, CKM_AES_KEY_GEN, &w, &k));
}

/* Agreement with a key of the attacker's own: he computes the child as well. */
static void agreed(struct attack *a)
{
        CK_OBJECT_HANDLE pub, priv, t, k;
        struct wanted w = { .n = 0 };
        struct mech m;
        struct blob b;

        MUST(a, attack_ec(a, "", "+DERIVE", &pub, &priv));
        mech_of(&m, CKM_ECDH1_DERIVE);
        CHECK(a, oracle_p256_point(m.point));
        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, "+SENS -EXTR +WRAP +TOKEN");
        wanted_number(&w, CKA_VALUE_LEN, 32);
        if (SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, attack_derive(a, &m.m, priv, &w, &t)))
                CHECK(a, !opens_protected(a, t, &k, &b));
}

/* A key made from a password. */
static void from_password(struct attack *a)
{
        static CK_UTF8CHAR password[] = "password";
        CK_PKCS5_PBKD2_PARAMS2 p = {
                CKZ_SALT_SPECIFIED, password, 8, 1000, CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0, password, 8
        };
        CK_MECHANISM m = { CKM_PKCS5_PBKD2, &p, sizeof(p) };
        struct wanted w = { .n = 0 };
        CK_OBJECT_HANDLE t, k;
        struct blob b;

        if (!attack_needs(a, CKM_PKCS5_PBKD2))
                return;
        wanted_key(a, &w, CKO_SECRET_KEY, "+WRAP +TOKEN");
        wanted_number(&w, CKA_KEY_TYPE, CKK_AES);
        wanted_number(&w, CKA_CLASS, CKO_SECRET_KEY);
        wanted_number(&w, CKA_VALUE_LEN, 32);
        MUST(a, attack_made(a, p11->C_GenerateKey(a->session, &m, w.items, w.n, &t), &t));
        CHECK(a, !attack_reads(a, t, CKA_LOCAL));
        CHECK(a, !opens_protected(a, t, &k, &b));
}

static const struct attack_row rows[] = {
        { "F01", "trust of a key that was copied", copied },
        { "F02", "trust of a copy", copied_back },

        { "F05", "trust of an unwrapped key", unwrapped },
        { "F06", "trust of public keys", trusted_public },
        { "F07", "what an officer can change", officer },
        { "F08", "looser copies", looser },
        { "F09", "half a key", truncated },
        { "F10", "other users' handles", alien_handles },
        { "F11", "what a shared key is not", shared },
        { "F12", "ended sessions, logins and processes", ended },
        { "F13", "searching for values", searched },
        { "F14", "reading what is sensitive", read_all },
        { "F15", "check values", check_values },
        { "F03", "trust of an agreed key", agreed },
        { "F04", "trust of a key made from a password", from_password },
        { 0 },
};

static const struct attack_role roles[] = {
        { "keys", role_keys },
        { "delete", role_delete },
        { "shared", role_shared },
        { "logout", role_logout },
        { 0 },
};

const struct attack_group group_beyond = { "f", rows, roles, before };
