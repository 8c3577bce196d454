/* What an officer takes from a crypto user, and how a user keeps officers out: setUserAttributes,
 * disableUserAccess, getUserInfo. spec/semantics.md 6 and 7; spec/key-rules.md A15 and B13. */
#include "calls.h"
#include "vault/right.h"

#define SIGN 2 /* enum crypto_op */

/* Everything a crypto user's actions need. */
struct kit {
        struct caller cu;
        struct named aes, wrapped, pub, priv;
        struct given blob, mac;
        uint8_t point[65];
};

static int begin(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint32_t set_rights(struct caller *c, const char *user, uint32_t mask, uint32_t rights)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetUserRightsRequest in = CHSM__SET_USER_RIGHTS_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        in.mask = mask;
        in.rights = rights;
        r.set_user_rights = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_USER_RIGHTS;
        return ask(c, &r)->status;
}

static uint32_t close_account(struct caller *c, const char *user)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DisableUserAccessRequest in = CHSM__DISABLE_USER_ACCESS_REQUEST__INIT;

        in.user = (char *)(uintptr_t)user;
        r.disable_user_access = &in;
        r.body_case = CHSM__REQUEST__BODY_DISABLE_USER_ACCESS;
        return ask(c, &r)->status;
}

static uint32_t info_of(struct caller *c, const char *user, Chsm__UserInfoResponse *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UserInfoRequest in = CHSM__USER_INFO_REQUEST__INIT;
        const Chsm__Response *response;

        in.user = (char *)(uintptr_t)user;
        r.user_info = &in;
        r.body_case = CHSM__REQUEST__BODY_USER_INFO;
        response = ask(c, &r);
        if (response->status == 0)
                *out = *response->user_info;
        return response->status;
}

static uint32_t change_password(struct caller *c, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = 1;
        in.user = (char *)(uintptr_t)user;
        in.password = (ProtobufCBinaryData){ strlen(password), (uint8_t *)(uintptr_t)password };
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        return ask(c, &r)->status;
}

static uint32_t unlock_or_delete(struct caller *c, const char *user, bool unlock)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnlockUserRequest open = CHSM__UNLOCK_USER_REQUEST__INIT;
        Chsm__DeleteUserRequest delete = CHSM__DELETE_USER_REQUEST__INIT;

        open.user = delete.user = (char *)(uintptr_t)user;
        delete.role = 1;
        if (unlock) {
                r.unlock_user = &open;
                r.body_case = CHSM__REQUEST__BODY_UNLOCK_USER;
        } else {
                r.delete_user = &delete;
                r.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        }
        return ask(c, &r)->status;
}

/* ---- what a crypto user does ---- */

static uint32_t open_signing(struct kit *k, uint64_t *stream)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest in = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = CKM_AES_CMAC;
        in.operation = SIGN;
        in.mechanism = &m;
        in.key = &k->aes.ref;
        r.stream_open = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
        response = ask(&k->cu, &r);
        *stream = response->status ? 0 : response->stream_open->stream;
        return response->status;
}

static uint32_t end_signing(struct kit *k, uint64_t stream)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamPartRequest in = CHSM__STREAM_PART_REQUEST__INIT;

        in.stream = stream;
        in.last = true;
        in.data = (ProtobufCBinaryData){ 4, (uint8_t *)(uintptr_t) "data" };
        r.stream_part = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        return ask(&k->cu, &r)->status;
}

static uint32_t do_sign(struct kit *k)
{
        struct given mac;

        return use_sign(&k->cu, &k->aes, CKM_AES_CMAC, &mac);
}

static uint32_t do_stream(struct kit *k)
{
        uint64_t stream;
        uint32_t rv = open_signing(k, &stream);

        return rv ? rv : end_signing(k, stream);
}

static uint32_t do_wrap(struct kit *k)
{
        struct given blob;

        return use_wrap(&k->cu, &k->aes, &k->wrapped, &blob);
}

static uint32_t do_unwrap(struct kit *k)
{
        struct named child;

        return use_unwrap(&k->cu, &k->aes, &k->blob, NULL, &child);
}

static uint32_t do_change(struct kit *k)
{
        struct attributes a = { .n = 0 };

        add_bytes(&a, CKA_LABEL, SLICE_LIT("renamed"));
        return set_attribute(&k->cu, &k->aes, &a);
}

static uint32_t do_copy(struct kit *k)
{
        struct named copy;

        return copy_object(&k->cu, &k->aes, NULL, &copy);
}

static uint32_t do_derive(struct kit *k)
{
        struct named child;

        return use_derive(&k->cu, &k->priv, slice_of(k->point, sizeof(k->point)), &child);
}

static uint32_t do_generate(struct kit *k)
{
        struct named key;

        return make_aes(&k->cu, false, NULL, &key);
}

static uint32_t do_pair(struct kit *k)
{
        struct named pub, priv;

        return make_pair(&k->cu, CKM_EC_KEY_PAIR_GEN, false, NULL, NULL, &pub, &priv);
}

static uint32_t create(struct kit *k, uint64_t object_class)
{
        struct attributes a = { .n = 0 };
        struct named o;

        add_number(&a, CKA_CLASS, object_class);
        if (object_class == CKO_SECRET_KEY)
                add_number(&a, CKA_KEY_TYPE, CKK_AES);
        add_bytes(&a, CKA_VALUE, SLICE_LIT("0123456789abcdef"));
        return create_object(&k->cu, &a, &o);
}

static uint32_t do_create_key(struct kit *k)
{
        return create(k, CKO_SECRET_KEY);
}

static uint32_t do_create_data(struct kit *k)
{
        return create(k, CKO_DATA);
}

static uint32_t do_verify(struct kit *k)
{
        return use_verify(&k->cu, &k->aes, CKM_AES_CMAC, &k->mac);
}

static uint32_t do_encrypt(struct kit *k)
{
        struct given out;

        return use_encrypt(&k->cu, &k->aes, &out);
}

static const struct action {
        uint32_t needs;
        uint32_t (*act)(struct kit *);
} actions[] = {
        { VAULT_RIGHT_SIGN, do_sign },
        { VAULT_RIGHT_SIGN, do_stream },
        { VAULT_RIGHT_WRAP, do_wrap },
        { VAULT_RIGHT_UNWRAP, do_unwrap },
        { VAULT_RIGHT_MODIFIABLE, do_change },
        { VAULT_RIGHT_MODIFIABLE, do_copy },
        { VAULT_RIGHT_DERIVE, do_derive },
        { VAULT_RIGHT_KEYGEN, do_generate },
        { VAULT_RIGHT_KEYGEN, do_pair },
        { VAULT_RIGHT_KEYGEN | VAULT_RIGHT_UNWRAP, do_create_key },
        { 0, do_create_data },
        { 0, do_verify },
        { 0, do_encrypt },
};

static void pack(struct kit *k, struct hsm *h, const char *user)
{
        static const uint64_t usages[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
                                           CKA_VERIFY,  CKA_WRAP,    CKA_UNWRAP };
        struct attributes a = { .n = 0 }, priv = { .n = 0 };
        uint8_t der[80];
        size_t n;

        k->cu = caller_cu(h, user);
        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
                add_bool(&a, usages[i], true);
        assert_int_equal(make_aes(&k->cu, true, &a, &k->aes), 0);
        assert_int_equal(make_aes(&k->cu, false, NULL, &k->wrapped), 0);
        add_bool(&priv, CKA_DERIVE, true);
        assert_int_equal(make_pair(&k->cu, CKM_EC_KEY_PAIR_GEN, true, NULL, &priv, &k->pub, &k->priv), 0);
        assert_int_equal(get_attribute(&k->cu, &k->pub, CKA_EC_POINT, der, sizeof(der), &n), 0);
        assert_int_equal(n, 67);
        memcpy(k->point, der + 2, 65);
        assert_int_equal(use_wrap(&k->cu, &k->aes, &k->wrapped, &k->blob), 0);
        assert_int_equal(use_sign(&k->cu, &k->aes, CKM_AES_CMAC, &k->mac), 0);
}

static void each_right_stops_its_commands_and_no_others(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        struct kit k;
        const struct vault_right_row *row;

        pack(&k, h, "cu1");
        for (size_t i = 0; (row = vault_right_at(i)) && row->right != VAULT_RIGHT_MANAGE_BY_CO; i++) {
                assert_int_equal(set_rights(&co, "CU1", row->right, 0), 0); /* names have no case */
                for (size_t n = 0; n < sizeof(actions) / sizeof(actions[0]); n++) {
                        bool stopped = actions[n].needs & (uint32_t)row->right;

                        assert_int_equal(actions[n].act(&k), stopped ? CKR_FUNCTION_REJECTED : 0);
                        if (stopped) {
                                assert_non_null(strstr(h->detail, row->name));
                                assert_non_null(strstr(h->detail, "setUserAttributes cu1"));
                        }
                }
                assert_int_equal(set_rights(&co, "cu1", row->right, row->right), 0);
        }
        for (size_t n = 0; n < sizeof(actions) / sizeof(actions[0]); n++)
                assert_int_equal(actions[n].act(&k), 0);
}

static void a_right_taken_ends_what_is_under_way(void **state)
{
        struct caller co = caller_co(*state);
        struct kit k;
        uint64_t stream;

        pack(&k, *state, "cu1");
        assert_int_equal(open_signing(&k, &stream), 0);
        assert_int_equal(set_rights(&co, "cu1", VAULT_RIGHT_SIGN, 0), 0);
        assert_int_equal(end_signing(&k, stream), CKR_FUNCTION_REJECTED);
        hsm_restart(*state);
        assert_int_equal(do_sign(&k), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_rights(&co, "cu1", VAULT_RIGHT_SIGN, VAULT_RIGHT_SIGN), 0);
        assert_int_equal(do_sign(&k), 0);
}

static void rights_are_an_officers_to_set(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");
        Chsm__UserInfoResponse info = CHSM__USER_INFO_RESPONSE__INIT;

        assert_int_equal(set_rights(&cu, "cu1", VAULT_RIGHT_SIGN, VAULT_RIGHT_SIGN), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_rights(&co, "admin", VAULT_RIGHT_SIGN, 0), CKR_USER_TYPE_INVALID);
        assert_int_equal(set_rights(&co, "nobody", VAULT_RIGHT_SIGN, 0), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_rights(&co, "cu1", 0, 0), CKR_ARGUMENTS_BAD);
        assert_int_equal(set_rights(&co, "cu1", 1u << 7, 0), CKR_ARGUMENTS_BAD);
        /* Officers give their power up for nobody: who wants it away does it himself. */
        assert_int_equal(set_rights(&co, "cu1", VAULT_RIGHT_MANAGE_BY_CO, 0), CKR_FUNCTION_REJECTED);
        assert_non_null(strstr(h->detail, "disableUserAccess cu1"));
        assert_int_equal(
            set_rights(&co, "cu1", VAULT_RIGHTS_ALL, VAULT_RIGHTS_ALL & ~(uint32_t)VAULT_RIGHT_WRAP), 0);
        assert_int_equal(info_of(&co, "cu1", &info), 0);
        assert_int_equal(info.rights, VAULT_RIGHTS_ALL & ~(uint32_t)VAULT_RIGHT_WRAP);
        assert_string_equal(info.user->name, "cu1");
        assert_int_equal(info_of(&cu, "CU1", &info), 0);
        assert_int_equal(info.rights, VAULT_RIGHTS_ALL & ~(uint32_t)VAULT_RIGHT_WRAP);
        assert_int_equal(info_of(&other, "cu1", &info), CKR_FUNCTION_REJECTED);
        assert_int_equal(info_of(&co, "nobody", &info), CKR_FUNCTION_REJECTED);
        assert_int_equal(set_rights(&co, "cu1", VAULT_RIGHT_WRAP, VAULT_RIGHT_WRAP), 0);
}

/* Everything an officer could do to cu2, with the code it ends in once cu2 has closed his account. */
static void try_as_officer(struct hsm *h, struct kit *k, uint32_t expected)
{
        struct caller co = caller_co(h);

        assert_int_equal(set_bool(&co, &k->aes, CKA_TRUSTED, false), expected);
        assert_int_equal(set_rights(&co, "cu2", VAULT_RIGHT_SIGN, VAULT_RIGHT_SIGN), expected);
        assert_int_equal(set_rights(&co, "cu2", VAULT_RIGHT_MANAGE_BY_CO, VAULT_RIGHT_MANAGE_BY_CO),
                         expected);
        assert_int_equal(change_password(&co, "cu2", expected ? "officer1" : "user1234"), expected);
        if (expected)
                assert_non_null(strstr(h->detail, "disableUserAccess"));
}

static void a_user_closes_his_account_for_good(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h), other = caller_cu(h, "cu1");
        struct kit k;

        pack(&k, h, "cu2");
        assert_int_equal(close_account(&co, "cu2"), CKR_FUNCTION_REJECTED);
        assert_int_equal(close_account(&other, "cu2"), CKR_FUNCTION_REJECTED);
        assert_int_equal(close_account(&other, "nobody"), CKR_FUNCTION_REJECTED);
        try_as_officer(h, &k, 0);
        pack(&k, h, "cu2"); /* the officer's change of his password has logged him out */
        assert_int_equal(close_account(&k.cu, "CU2"), 0);
        assert_string_equal(h->note, "");
        assert_int_equal(close_account(&k.cu, "cu2"), 0); /* again, for a list of nodes gone through twice */
        try_as_officer(h, &k, CKR_FUNCTION_REJECTED);
        hsm_restart(h);
        try_as_officer(h, &k, CKR_FUNCTION_REJECTED);
        for (size_t n = 0; n < sizeof(actions) / sizeof(actions[0]); n++)
                assert_int_equal(actions[n].act(&k), 0); /* he himself works on */
        assert_int_equal(change_password(&k.cu, "cu2", "mine12345"), 0);
        assert_int_equal(caller_login(&k.cu, 1, "cu2", "mine12345"), 0);
        assert_int_equal(unlock_or_delete(&co, "cu2", false), CKR_FUNCTION_REJECTED); /* he owns keys */
        assert_int_equal(destroy(&k.cu, &k.aes), 0);
        assert_int_equal(destroy(&k.cu, &k.pub), 0);
        assert_int_equal(destroy(&k.cu, &k.priv), 0);
}

/* Locked out he would be lost for ever; a new try at his own password gives officers nothing. */
static void an_officer_still_unlocks_and_deletes_who_owns_nothing(void **state)
{
        struct caller co = caller_co(*state), guess = caller_new(*state);

        assert_int_equal(caller_create_user(&co, 1, "cu5", "user1234"), 0);
        guess = caller_cu(*state, "cu5");
        assert_int_equal(close_account(&guess, "cu5"), 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(caller_login(&guess, 1, "cu5", "guess1234"), CKR_PIN_INCORRECT);
        assert_int_equal(caller_login(&guess, 1, "cu5", "user1234"), CKR_PIN_LOCKED);
        assert_int_equal(unlock_or_delete(&co, "cu5", true), 0);
        assert_int_equal(caller_login(&guess, 1, "cu5", "user1234"), 0);
        assert_int_equal(unlock_or_delete(&co, "cu5", false), 0);
        assert_int_equal(caller_create_user(&co, 1, "cu5", "user1234"), 0);
        assert_int_equal(set_rights(&co, "cu5", VAULT_RIGHT_SIGN, 0), 0); /* a new user is another */
        guess = caller_cu(*state, "cu5");
        assert_int_equal(close_account(&guess, "cu5"), 0);
        assert_non_null(strstr(((struct hsm *)*state)->note, "will stay off"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_right_stops_its_commands_and_no_others),
                cmocka_unit_test(a_right_taken_ends_what_is_under_way),
                cmocka_unit_test(rights_are_an_officers_to_set),
                cmocka_unit_test(a_user_closes_his_account_for_good),
                cmocka_unit_test(an_officer_still_unlocks_and_deletes_who_owns_nothing),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
