/* Group K: masked objects. Whoever puts an older copy of a key in gets back what he had when it was deleted
 * and no more; what an officer or a rotation took stays taken, and nobody gets a key that is no longer his.
 */
#include "attack.h"

#include <unistd.h>

/* Masks the token key into a file of its own. */
static bool masked(CK_OBJECT_HANDLE key)
{
        return attack_util("extractMaskedObject -o %lu -out masked.%lu", key, key);
}

/* Brings it back, as its owner; 0: refused. */
static CK_OBJECT_HANDLE inserted(struct attack *a, CK_OBJECT_HANDLE key)
{
        const char *words = "New Key Handle: ", *at;
        CK_OBJECT_HANDLE back = 0;

        if (attack_util("insertMaskedObject -f masked.%lu", key) && (at = strstr(attack_said, words)))
                back = strtoul(at + strlen(words), NULL, 10);
        return attack_made(a, back ? CKR_OK : CKR_GENERAL_ERROR, &back) ? 0 : back;
}

/* A key is masked, changed, deleted and brought back. */
static CK_OBJECT_HANDLE returned(struct attack *a, CK_OBJECT_HANDLE key, const char *change)
{
        bool ok = masked(key) && (!change || attack_set(a, key, change) == CKR_OK) &&
                  p11->C_DestroyObject(a->session, key) == CKR_OK;

        return ok ? inserted(a, key) : 0;
}

/* Only token keys are masked: both runs of a sequence begin with one. */
static CK_RV token_key(struct attack *a, const char *words, CK_OBJECT_HANDLE *key)
{
        struct attack as_token = *a;

        as_token.token = true;
        return attack_key(&as_token, AES, words, key);
}

static void k01(struct attack *a)
{
        CK_OBJECT_HANDLE key, kek, back;
        struct blob out;
        struct mech m;

        MUST(a, attack_key(a, AES, "+WRAP", &kek));
        MUST(a, token_key(a, "+EXTR +WWT +ENCRYPT", &key));
        CHECK(a, (back = returned(a, key, "-EXTR")) != 0);
        CHECK(a, !attack_reads(a, back, CKA_EXTRACTABLE) && attack_reads(a, back, CKA_WRAP_WITH_TRUSTED));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, back, "+EXTR"));
        EXPOSED(a, token_key(a, "+EXTR +ENCRYPT", &key));
        CHECK(a, (back = returned(a, key, "+WWT")) != 0);
        CHECK(a, attack_reads(a, back, CKA_WRAP_WITH_TRUSTED));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE,
                      attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), kek, back, &out));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, back, "-WWT"));
        EXPOSED(a, token_key(a, "+EXTR +ENCRYPT", &key));
        CHECK(a, (back = returned(a, key, "-EXTR")) != 0);
        CHECK(a, !attack_reads(a, back, CKA_EXTRACTABLE));
        (void)REFUSED(a, CKR_KEY_UNEXTRACTABLE,
                      attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), kek, back, &out));
        CHECK(a, !attack_reads(a, back, CKA_NEVER_EXTRACTABLE));
}

static void k02(struct attack *a)
{
        CK_OBJECT_HANDLE key, back, copy;
        struct mech m;

        MUST(a, token_key(a, "+ENCRYPT +DECRYPT", &key));
        CHECK(a, masked(key));
        MUST(a, attack_set(a, key, "-DECRYPT"));
        MUST(a, attack_set(a, key, "-COPYABLE"));
        MUST(a, p11->C_DestroyObject(a->session, key));
        CHECK(a, (back = inserted(a, key)) != 0);
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_try(a, CKF_DECRYPT, mech_of(&m, CKM_AES_CBC), back));
        MUST(a, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), back));
        (void)REFUSED(a, CKR_ACTION_PROHIBITED, attack_copy(a, back, "", &copy));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, back, "+COPYABLE"));
}

/* A retired version does nothing any more, on whatever way it comes back. */
static void k03(struct attack *a)
{
        CK_OBJECT_HANDLE key, back, copy, fresh;
        const char *at;
        struct mech m;

        MUST(a, token_key(a, "+ENCRYPT +DECRYPT", &key));
        CHECK(a, masked(key));
        CHECK(a, attack_util("rotateKey -k %lu", key));
        at = strstr(attack_said, "andle: ");
        fresh = at ? strtoul(at + 7, NULL, 10) : 0;
        CHECK(a, fresh != 0 && fresh != key);
        if (fresh)
                (void)attack_made(a, CKR_OK, &fresh);
        CHECK(a, attack_util("retireKey -k %lu", key));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_try(a, CKF_DECRYPT, mech_of(&m, CKM_AES_CBC), key));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, key, "+DECRYPT"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, key, "+ENCRYPT", &copy));
        MUST(a, p11->C_DestroyObject(a->session, key));
        CHECK(a, (back = inserted(a, key)) != 0);
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_try(a, CKF_DECRYPT, mech_of(&m, CKM_AES_CBC), back));
        (void)REFUSED(a, CKR_KEY_FUNCTION_NOT_PERMITTED,
                      attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), back));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_set(a, back, "+DECRYPT"));
        (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY, attack_copy(a, back, "+ENCRYPT", &copy));
        MUST(a, attack_try(a, CKF_ENCRYPT, mech_of(&m, CKM_AES_GCM), fresh));
}

/* ---- other owners ---- */

static CK_RV role_delete(struct attack *a, const CK_ULONG *numbers)
{
        return p11->C_DestroyObject(a->session, numbers[0]);
}

static void k04(struct attack *a)
{
        CK_OBJECT_HANDLE key;
        CK_BYTE kcv[3];
        CK_ULONG n = sizeof(kcv);
        size_t seen;

        MUST(a, token_key(a, "+ENCRYPT", &key));
        MUST(a, attack_value(a, key, CKA_CHECK_VALUE, kcv, &n));
        CHECK(a, masked(key));
        CHECK(a, attack_officer("modifyKeyOwner %lu %lu %02x%02x%02x", key, attack_user_id("cu2"),
                                (unsigned)kcv[0], (unsigned)kcv[1], (unsigned)kcv[2]));
        seen = attack_count(a->session);
        CHECK(a, inserted(a, key) == 0); /* it is there, though not his */
        MUST(a, attack_other("k", "cu2", "delete", &key, 1));
        CHECK(a, inserted(a, key) == 0);
        CHECK(a, strstr(attack_said, "another user's when it was deleted") != NULL);
        CHECK(a, !attack_officer("insertMaskedObject masked.%lu", key));
        CHECK(a, attack_count(a->session) == seen);
}

/* Inserting tells nobody but the owner whether a value is there, and makes no second object of it. */
static void k05(struct attack *a)
{
        CK_OBJECT_HANDLE key;
        size_t seen;

        MUST(a, token_key(a, "+ENCRYPT", &key));
        CHECK(a, masked(key));
        seen = attack_count(a->session);
        CHECK(a, !attack_util_cu2("insertMaskedObject -f masked.%lu", key) &&
                     strstr(attack_said, "only the key's owner") != NULL);
        CHECK(a, inserted(a, key) == 0 && strstr(attack_said, "has this value already") != NULL);
        CHECK(a, !attack_util_cu2("extractMaskedObject -o %lu -out alien.masked", key) &&
                     access("alien.masked", F_OK) != 0);
        CHECK(a, attack_count(a->session) == seen);
        MUST(a, p11->C_DestroyObject(a->session, key));
        CHECK(a, !attack_util_cu2("insertMaskedObject -f masked.%lu", key) &&
                     strstr(attack_said, "only the key's owner") != NULL);
        CHECK(a, !attack_officer("insertMaskedObject masked.%lu", key)); /* nor an officer undoes it */
}

/* ---- trust ---- */

static void k06(struct attack *a)
{
        CK_BYTE known[32] = "a value that the attacker knows";
        CK_OBJECT_HANDLE key, target, back;
        struct attack as_token = *a;
        struct blob out;
        struct mech m;

        as_token.token = true;
        MUST(a, attack_key(a, AES, "+EXTR +WWT", &target));
        known[31] = a->token;
        if (attack_separate) {
                (void)REFUSED(a, CKR_ATTRIBUTE_READ_ONLY,
                              attack_import(&as_token, CKK_AES, known, sizeof(known), "+WRAP", &key));
                return;
        }
        MUST(a, attack_import(&as_token, CKK_AES, known, sizeof(known), "+WRAP", &key));
        CHECK(a, (back = returned(a, key, NULL)) != 0);
        if (attack_trust(back, true) == CKR_OK)
                (void)REFUSED(a, CKR_WRAPPING_KEY_HANDLE_INVALID,
                              attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), back, target, &out));
}

/* Trust itself is given by officers and not brought in. */
static void k07(struct attack *a)
{
        CK_OBJECT_HANDLE key, target, back;
        struct blob out;
        struct mech m;

        MUST(a, attack_key(a, AES, "+EXTR +WWT", &target));
        MUST(a, token_key(a, "+WRAP +UNWRAP", &key));
        MUST(a, attack_trust(key, true));
        MUST(a, attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), key, target, &out));
        CHECK(a, (back = returned(a, key, NULL)) != 0);
        CHECK(a, !attack_reads(a, back, CKA_TRUSTED));
        (void)REFUSED(a, CKR_KEY_NOT_WRAPPABLE,
                      attack_wrap(a, mech_of(&m, CKM_AES_KEY_WRAP), back, target, &out));
        (void)REFUSED2(a, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_ATTRIBUTE_READ_ONLY,
                       attack_set(a, back, "+DECRYPT"));
}

static const struct attack_row rows[] = {
        { "K01", "an older copy, from before the key might leave under trusted keys only, or not at all",
          k01 },
        { "K02", "an older copy with more uses and copies", k02 },
        { "K03", "retired versions", k03 },
        { "K04", "a copy from before the key was given away", k04 },
        { "K05", "inserting as an oracle", k05 },
        { "K06", "masking as laundry of a known value", k06 },
        { "K07", "trust in a copy", k07 },
        { 0 },
};
static const struct attack_role roles[] = { { "delete", role_delete }, { 0 } };

const struct attack_group group_masked = { "k", rows, roles, NULL };
