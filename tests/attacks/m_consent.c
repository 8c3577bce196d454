/* Group M: a key that two users must approve. No call of its owner, of the other user or of an officer comes
 * to a use, a change or a copy of it without the approvals. */
#include "attack.h"

#include <unistd.h>

#define REJECTED CKR_FUNCTION_REJECTED

static CK_OBJECT_HANDLE both; /* of cu1, shared with cu2 */
static struct blob sealed;    /* cu1's wrapped key */

/* cu1 has registered a key to approve with, so that nothing but the other's approval is missing. */
static bool registered(void)
{
        return system("openssl genrsa -out cu1.key 2048 2>/dev/null && openssl rsa -in cu1.key -pubout -out "
                      "cu1.pem 2>/dev/null && "
                      "head -c 245 /dev/urandom >cu1.token && openssl dgst -sha256 -sign cu1.key -out "
                      "cu1.sig cu1.token") == 0 &&
               attack_user("registerQuorumPubKey CU %s cu1.token cu1.sig cu1.pem", getenv("CHSM_CU_USER"));
}

static void before(void)
{
        const char *words = "andle: ", *at;

        if (!registered() ||
            !attack_util("genSymKey -t 31 -s 32 -l both -u %lu -m_value 2", attack_user_id("cu2")) ||
            !(at = strstr(attack_said, words)))
                printf("Bail out! no key that two must approve: %s\n", attack_said);
        else
                both = strtoul(at + strlen(words), NULL, 10);
        sealed.n = 40;
}

static void m01(struct attack *a)
{
        struct mech m;
        CK_OBJECT_HANDLE x;
        struct wanted w = { .n = 0 };
        CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };

        CHECK(a, both != 0);
        (void)REFUSED(a, REJECTED, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), both));
        (void)REFUSED(a, REJECTED, attack_try(a, CKF_DECRYPT, mech_of(&m, CKM_AES_CBC), both));
        if (attack_reads(a, both, CKA_SIGN))
                (void)REFUSED(a, REJECTED, attack_try(a, CKF_SIGN, mech_of(&m, CKM_AES_CMAC), both));
        if (attack_reads(a, both, CKA_UNWRAP))
                (void)REFUSED(a, REJECTED,
                              attack_unwrap_as(a, mech_of(&m, CKM_AES_KEY_WRAP), both, &sealed,
                                               CKO_SECRET_KEY, CKK_AES, "", &x));
        wanted_bare(a, &w, CKO_SECRET_KEY, CKK_AES, "");
        if (attack_reads(a, both, CKA_DERIVE))
                (void)REFUSED(a, REJECTED,
                              attack_derive(a, mech_of(&m, CKM_AES_ECB_ENCRYPT_DATA), both, &w, &x));
        MUST(a, p11->C_DigestInit(a->session, &sha));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_DigestKey(a->session, both));
}

static void m02(struct attack *a)
{
        static const char *const commands[] = { "rotateKey -k", "extractMaskedObject -out both.masked -o",
                                                "deleteKey -k", "exSymKey -w 0 -out both.value -k" };
        struct blob out;
        struct mech m;
        CK_OBJECT_HANDLE kek, x;
        size_t seen;

        MUST(a, attack_key(a, AES, "+WRAP", &kek));
        (void)REFUSED(a, REJECTED, attack_set(a, both, "-ENCRYPT"));
        (void)REFUSED(a, REJECTED, p11->C_DestroyObject(a->session, both));
        (void)REFUSED2(a, CKR_ACTION_PROHIBITED, REJECTED, attack_copy(a, both, "", &x));
        (void)REFUSED2(a, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE,
                       attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), kek, both, &out));
        seen = attack_count(a->session);
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
                CHECK(a, !attack_util("%s %lu", commands[i], both));
        CHECK(a, !attack_user("shareKey %lu %lu 0", both, attack_user_id("cu2")));
        CHECK(a, strstr(attack_said, "RET_MXN_AUTH_FAILED") != NULL);
        CHECK(a, access("both.masked", F_OK) != 0 && access("both.value", F_OK) != 0);
        CHECK(a, attack_count(a->session) == seen);
}

/* The approval of one user for himself, a token with nobody's, and a token of the other's login. */
static void m03(struct attack *a)
{
        struct mech m;

        CHECK(a, attack_util("getToken -k %lu -out both.token", both));
        (void)REFUSED(a, REJECTED, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), both));
        CHECK(a, attack_other("m", "cu2", "use", &both, 1) == REJECTED);
}

static CK_RV role_use(struct attack *a, const CK_ULONG *numbers)
{
        struct mech m;

        return attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), numbers[0]);
}

/* An officer chooses no other approvers by choosing another owner. */
static void m04(struct attack *a)
{
        CK_BYTE kcv[3];
        CK_ULONG n = sizeof(kcv);
        struct mech m;

        MUST(a, attack_value(a, both, CKA_CHECK_VALUE, kcv, &n));
        CHECK(a, !attack_officer("modifyKeyOwner %lu %lu %02x%02x%02x", both, attack_user_id("cu2"),
                                 (unsigned)kcv[0], (unsigned)kcv[1], (unsigned)kcv[2]));
        (void)REFUSED(a, REJECTED, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), both));
}

static const struct attack_row rows[] = {
        { "M01", "each use of a key that two must approve", m01 },
        { "M02", "changing, copying and masking it instead", m02 },
        { "M03", "tokens that nobody or somebody else has", m03 },
        { "M04", "another owner of it", m04 },
        { 0 },
};
static const struct attack_role roles[] = { { "use", role_use }, { 0 } };

const struct attack_group group_consent = { "m", rows, roles, before };
