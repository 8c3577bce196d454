/* The rows of role_requests.c on users, their rights, owners and officers. role_requests.c includes this
 * file.
 */
/* ---- rights ---- */

static void fill_set_user_rights(struct trial *t)
{
        char *user = fresh_user(t);
        Chsm__SetUserRightsRequest *in = body_of(t, "set_user_rights");

        in->user = user;
        in->mask = 1;
}

static void fill_disable_user_access(struct trial *t)
{
        ((Chsm__DisableUserAccessRequest *)body_of(t, "disable_user_access"))->user = text_of(t->user);
}

static void fill_user_info(struct trial *t)
{
        ((Chsm__UserInfoRequest *)body_of(t, "user_info"))->user = text_of(OWNER);
}

/* ---- owners and officers ---- */

static void fill_change_owner(struct trial *t)
{
        struct named *key = fresh_key(t);
        Chsm__ChangeOwnerRequest *in = body_of(t, "change_owner");
        size_t n = 0;

        in->handle = key->ref.handle;
        in->user = t->activated ? caller_cu(t->hsm, STRANGER).user_id : 3;
        if (t->activated)
                assert_int_equal(
                    get_attribute(&t->world->owner, key, CKA_CHECK_VALUE, t->kcv, sizeof(t->kcv), &n), 0);
        in->check_value = (ProtobufCBinaryData){ n, t->kcv };
}

static void fill_get_challenge(struct trial *t)
{
        ((Chsm__GetChallengeRequest *)body_of(t, "get_challenge"))->user = text_of("admin");
}

/* With the owner's signature of the present challenge. */
static void fill_unlock_officer(struct trial *t)
{
        struct caller anybody = caller_new(t->hsm);
        Chsm__UnlockOfficerRequest *in;
        size_t n = 0;

        if (t->activated)
                n = hsm_owner_signs(&anybody, "admin", t->signature);
        in = body_of(t, "unlock_officer");
        in->user = text_of("admin");
        in->signature = (ProtobufCBinaryData){ n, t->signature };
}

static void fill_hash_users(struct trial *t)
{
        ((Chsm__StateHashRequest *)body_of(t, "state_hash"))->kind = 1;
}

static void fill_hash_keys(struct trial *t)
{
        ((Chsm__StateHashRequest *)body_of(t, "state_hash"))->kind = 2;
}

static void fill_rename_officer(struct trial *t)
{
        Chsm__RenameOfficerRequest *in = body_of(t, "rename_officer");

        in->user = text_of("admin");
        in->name = text_of("first");
}
