/* Group L: what a key or an account goes through. Rotation is no laundry, a shared user does not decide about
 * a key's life, values that are derived again have one role, and a deleted account ends for those who are
 * inside. */
#include "attack.h"

static CK_RV token_key(struct attack *a, const char *words, CK_OBJECT_HANDLE *key)
{
        struct attack as_token = *a;
        CK_RV rv;

        as_token.token = true;
        rv = attack_key(&as_token, AES, words, key);
        return attack_made(a, rv, key);
}

/* The new version of a token key; 0: refused. */
static CK_OBJECT_HANDLE rotated(struct attack *a, CK_OBJECT_HANDLE key)
{
        const char *words = "andle: ", *at;
        CK_OBJECT_HANDLE fresh = 0;

        if (attack_util("rotateKey -k %lu", key) && (at = strstr(attack_said, words)))
                fresh = strtoul(at + strlen(words), NULL, 10);
        return attack_made(a, fresh && fresh != key ? CKR_OK : CKR_GENERAL_ERROR, &fresh) ? 0 : fresh;
}

static void l01(struct attack *a)
{
        CK_OBJECT_HANDLE kek, key, fresh;
        struct blob out;
        struct mech m;

        MUST(a, attack_key(a, AES, "+WRAP", &kek));
        MUST(a, token_key(a, "+EXTR +WWT +ENCRYPT", &key));
        CHECK(a, (fresh = rotated(a, key)) != 0);
        CHECK(a, attack_reads(a, fresh, CKA_WRAP_WITH_TRUSTED) && attack_reads(a, fresh, CKA_SENSITIVE));
        mech_of(&m, CKM_AES_KEY_WRAP);
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, kek, fresh, &out));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, kek, key, &out));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), key));
        MUST(a, token_key(a, "+ENCRYPT", &key));
        CHECK(a, (fresh = rotated(a, key)) != 0);
        mech_of(&m, CKM_AES_KEY_WRAP);
        (void)REFUSED(a, CKR_KEY_UNEXTRACTABLE, attack_wrap(a, &m.m, kek, fresh, &out));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, fresh, "+EXTR"));
}

static void l02(struct attack *a)
{
        CK_OBJECT_HANDLE trusted, target, fresh;
        struct blob out;
        struct mech m;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &target));
        MUST(a, token_key(a, "+WRAP +UNWRAP", &trusted));
        MUST(a, attack_trust(trusted, true));
        CHECK(a, (fresh = rotated(a, trusted)) != 0);
        CHECK(a, !attack_reads(a, fresh, CKA_TRUSTED));
        mech_of(&m, CKM_AES_KEY_WRAP);
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE, attack_wrap(a, &m.m, fresh, target, &out));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, attack_wrap(a, &m.m, trusted, target, &out));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_try(a, CKF_DECRYPT, mech_of(&m, CKM_AES_CBC), trusted));
}

static CK_RV derived(struct attack *a, CK_OBJECT_HANDLE base, const char *words, CK_OBJECT_HANDLE *child)
{
        struct wanted w = { .n = 0 };
        struct mech m;

        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, words);
        wanted_number(&w, CKA_VALUE_LEN, 32);
        return attack_derive(a, mech_of(&m, CKM_HKDF_DERIVE), base, &w, child);
}

/* The same value derived twice, to wrap with one and open with the other, or to encrypt with one what the
 * other unwraps. Nobody remembers derived values, so where roles are separate they never wrap or unwrap. */
static void l03(struct attack *a)
{
        CK_OBJECT_HANDLE base, x;

        MUST(a, attack_key(a, GEN, "+DERIVE", &base));
        MUST(a, derived(a, base, "-EXTR +DECRYPT", &x));
        (void)SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, derived(a, base, "-EXTR +WRAP", &x));
        MUST(a, derived(a, base, "-EXTR +ENCRYPT", &x));
        (void)SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, derived(a, base, "-EXTR +UNWRAP", &x));
        (void)SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, derived(a, base, "-EXTR +WRAP +UNWRAP", &x));
        (void)SEPARATE(a, CKR_TEMPLATE_INCONSISTENT, derived(a, base, "-EXTR +ENCRYPT +SIGN", &x));
}

static void l04(struct attack *a)
{
        static const char *const commands[] = { "rotateKey -k", "retireKey -k",
                                                "extractMaskedObject -out stolen.masked -o", "deleteKey -k" };
        CK_OBJECT_HANDLE key;
        size_t seen;
        struct mech m;

        MUST(a, token_key(a, "+ENCRYPT", &key));
        CHECK(a, attack_user("shareKey %lu %lu 1", key, attack_user_id("cu2")));
        seen = attack_count(a->session);
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
                CHECK(a,
                      !attack_util_cu2("%s %lu", commands[i], key) && strstr(attack_said, "owner") != NULL);
        }
        CHECK(a, attack_count(a->session) == seen);
        MUST(a, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), key));
}

/* As cu3, who is deleted and made again while he is logged in. */
static CK_RV role_deleted(struct attack *a, const CK_ULONG *numbers)
{
        CK_OBJECT_HANDLE x;
        CK_RV before, gone, again;

        (void)numbers;
        a->token = false; /* who owns token keys is not deleted */
        before = attack_key(a, AES, "+ENCRYPT", &x);
        if (!attack_officer("deleteUser CU cu3"))
                return CKR_GENERAL_ERROR;
        gone = attack_try(a, CKF_ENCRYPT, &(CK_MECHANISM){ CKM_AES_ECB, NULL, 0 }, x);
        if (!attack_officer("createUser CU cu3 %s", getenv("CHSM_CU_PASSWORD")))
                return CKR_GENERAL_ERROR;
        again = attack_key(a, AES, "+ENCRYPT", &x);
        return before == CKR_OK && gone == CKR_USER_NOT_LOGGED_IN ? again : CKR_FUNCTION_FAILED;
}

static void l05(struct attack *a)
{
        CHECK(a, attack_officer("createUser CU cu3 %s", getenv("CHSM_CU_PASSWORD")));
        CHECK(a, attack_other("l", "cu3", "deleted", NULL, 0) == CKR_USER_NOT_LOGGED_IN);
        CHECK(a, attack_officer("deleteUser CU cu3"));
}

static const struct attack_row rows[] = {
        { "L01", "rotation as laundry of attributes", l01 },
        { "L02", "rotation as laundry of trust", l02 },
        { "L03", "one value derived for two roles", l03 },
        { "L04", "a shared user and the key's life", l04 },
        { "L05", "a user who is deleted, and made again, while he is logged in", l05 },
        { 0 },
};
static const struct attack_role roles[] = { { "deleted", role_deleted }, { 0 } };

const struct attack_group group_life = { "l", rows, roles, NULL };
