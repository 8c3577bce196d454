/* Group J: what an officer took from a user, through every way in (A15); and what no officer can do to a user
 * who has closed his account (B13). B13 comes last: nothing opens the account again. */
#include "attack.h"

#include <unistd.h>

#define USER getenv("CHSM_CU_USER")

/* Sets one right of the user. */
static bool right(const char *name, bool on)
{
        FILE *f = fopen("rights.txt", "w");

        if (!f)
                return false;
        (void)fprintf(f, "%s\n%s\n", name, on ? "0x01" : "0x00");
        (void)fclose(f);
        return attack_officer("setUserAttributes %s rights.txt", USER);
}

/* Keys with every use, and one of each action. */
struct kit {
        CK_OBJECT_HANDLE kek, key, mac, pub, priv;
        struct blob wrapped;
};

static CK_RV do_sign(struct attack *a, struct kit *k)
{
        struct mech m;
        struct blob out;

        return attack_sign(a, mech_of(&m, CKM_AES_CMAC), k->mac, "0123456789abcdef", 16, &out);
}

static CK_RV do_wrap(struct attack *a, struct kit *k)
{
        struct mech m;
        struct blob out;

        return attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), k->kek, k->key, &out);
}

static CK_RV do_unwrap(struct attack *a, struct kit *k)
{
        CK_OBJECT_HANDLE x;
        struct mech m;

        return attack_unwrap_as(a, mech_of(&m, CKM_AES_KEY_WRAP), k->kek, &k->wrapped, CKO_SECRET_KEY,
                                CKK_AES, "", &x);
}

static CK_RV do_import(struct attack *a, struct kit *k)
{
        CK_OBJECT_HANDLE x;

        (void)k;
        return attack_import(a, CKK_AES, "0123456789abcdef", 16, "+ENCRYPT", &x);
}

static CK_RV do_set(struct attack *a, struct kit *k)
{
        return attack_set(a, k->key, "-ENCRYPT");
}

static CK_RV do_copy(struct attack *a, struct kit *k)
{
        CK_OBJECT_HANDLE x;

        return attack_copy(a, k->key, "", &x);
}

static CK_RV do_derive(struct attack *a, struct kit *k)
{
        struct wanted child = { .n = 0 };
        CK_OBJECT_HANDLE x;
        struct mech m;

        wanted_bare(a, &child, CKO_SECRET_KEY, CKK_AES, "");
        wanted_number(&child, CKA_VALUE_LEN, 32);
        (void)mech_of(&m, CKM_ECDH1_DERIVE);
        if (!oracle_p256_point(m.point))
                return CKR_GENERAL_ERROR;
        return attack_derive(a, &m.m, k->priv, &child, &x);
}

static CK_RV do_generate(struct attack *a, struct kit *k)
{
        CK_OBJECT_HANDLE x;

        (void)k;
        return attack_key(a, AES, "+ENCRYPT", &x);
}

static CK_RV do_pair(struct attack *a, struct kit *k)
{
        CK_OBJECT_HANDLE pub, priv;

        (void)k;
        return attack_ec(a, "+VERIFY", "+SIGN", &pub, &priv);
}

static const struct action {
        const char *right;
        CK_RV (*act)(struct attack *, struct kit *);
} actions[] = {
        { "CKA_USER_SIGN", do_sign },      { "CKA_USER_WRAP", do_wrap },
        { "CKA_USER_UNWRAP", do_unwrap },  { "CKA_USER_UNWRAP", do_import },
        { "CKA_USER_MODIFIABLE", do_set }, { "CKA_USER_MODIFIABLE", do_copy },
        { "CKA_USER_DERIVE", do_derive },  { "CKA_USER_KEYGEN", do_generate },
        { "CKA_USER_KEYGEN", do_pair },    { "CKA_USER_KEYGEN", do_import },
};

/* A key that its owner may wrap: in verified and strict under a trusted key only. */
static const char *leaving(void)
{
        return attack_verified ? "+EXTR +WWT +ENCRYPT" : "+EXTR +ENCRYPT";
}

static CK_RV wrapping_key(struct attack *a, CK_OBJECT_HANDLE *kek)
{
        struct attack as_token = *a;
        CK_RV rv;

        if (!attack_verified)
                return attack_key(a, AES, "+WRAP +UNWRAP", kek);
        as_token.token = true;
        rv = attack_made(a, attack_key(&as_token, AES, "+WRAP +UNWRAP", kek), kek);
        return rv ? rv : attack_trust(*kek, true);
}

static void a15(struct attack *a)
{
        struct kit k;
        struct mech m;

        MUST(a, wrapping_key(a, &k.kek));
        MUST(a, attack_key(a, AES, leaving(), &k.key));
        MUST(a, attack_key(a, AES, "+SIGN +VERIFY", &k.mac));
        MUST(a, attack_ec(a, "", "+DERIVE", &k.pub, &k.priv));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), k.kek, k.key, &k.wrapped));
        for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
                CHECK(a, right(actions[i].right, false));
                (void)REFUSED(a, CKR_FUNCTION_REJECTED, actions[i].act(a, &k));
                CHECK(a, right(actions[i].right, true));
                MUST(a, actions[i].act(a, &k));
        }
        if (!a->token)
                return;
        CHECK(a, right("CKA_USER_WRAP", false)); /* the tool's ways out are the same */
        CHECK(a, !attack_util("wrapKey -k %lu -w %lu -m 5 -out wrapped.bin", k.key, k.kek));
        CHECK(a, strstr(attack_said, "CKA_USER_WRAP") != NULL);
        CHECK(a, !attack_util("exSymKey -k %lu -w %lu -out plain.bin", k.key, k.kek));
        CHECK(a, access("plain.bin", F_OK) != 0 && access("wrapped.bin", F_OK) != 0);
        CHECK(a, right("CKA_USER_WRAP", true));
}

/* The officer's command is refused because the account is closed. */
static bool closed_to(const char *command)
{
        return !attack_officer("%s", command) && strstr(attack_said, "has closed his account to officers");
}

static void b13(struct attack *a)
{
        CK_OBJECT_HANDLE w;
        char command[200];
        CK_BYTE kcv[8];
        CK_ULONG n = sizeof(kcv);
        struct blob out;
        struct mech m;
        struct attack as_token = *a;

        as_token.token = true;
        MUST(a, attack_key(&as_token, AES, leaving(), &w));
        (void)attack_made(a, CKR_OK, &w);
        MUST(a, attack_value(a, w, CKA_CHECK_VALUE, kcv, &n));
        CHECK(a, attack_user("disableUserAccess %s", USER));
        (void)snprintf(command, sizeof(command), "setAttribute %lu 134 1", w);
        CHECK(a, closed_to(command));
        (void)snprintf(command, sizeof(command), "changePswd CU %s Officers-own-1", USER);
        CHECK(a, closed_to(command));
        CHECK(a,
              !right("CKA_MANAGE_BY_CO", true) && strstr(attack_said, "has closed his account to officers"));
        CHECK(a, !right("CKA_USER_SIGN", false));
        (void)snprintf(command, sizeof(command), "modifyKeyOwner %lu %lu %02x%02x%02x", w,
                       attack_user_id("cu2"), (unsigned)kcv[0], (unsigned)kcv[1], (unsigned)kcv[2]);
        CHECK(a, closed_to(command));
        (void)snprintf(command, sizeof(command), "extractMaskedObject masked.bin key %lu", w);
        CHECK(a, closed_to(command));
        CHECK(a, access("masked.bin", F_OK) != 0);
        CHECK(a, !attack_officer("deleteUser CU %s", USER)); /* he owns keys */
        MUST(a,
             attack_encrypt(a, mech_of(&m, CKM_AES_ECB), w, "0123456789abcdef", 16, &out)); /* and works on */
}

static const struct attack_row rows[] = {
        { "A15", "what an officer took from the user", a15 },
        { "B13", "a closed account", b13 },
        { 0 },
};

const struct attack_group group_rights = { "j", rows, NULL, NULL };
