/* Requests of a quorum for the role matrix; role_requests.c includes this file. Whoever may, registers the
 * key of person 0 and asks for a token first. */
#include "people.h"

static bool is_officer(const struct trial *t)
{
        return strcmp(t->user, "admin") == 0;
}

static struct slice signed_token(void)
{
        return SLICE_LIT("role");
}

static void fill_get_m_value(struct trial *t)
{
        ((Chsm__GetMValueRequest *)body_of(t, "get_m_value"))->service = 3;
}

static void fill_set_m_value(struct trial *t)
{
        Chsm__SetMValueRequest *in = body_of(t, "set_m_value");

        in->service = 3;
        in->m = 1;
}

static void fill_register_quorum_key(struct trial *t)
{
        static struct given signature;
        Chsm__RegisterQuorumKeyRequest *in = body_of(t, "register_quorum_key");

        signature = person_sign(0, signed_token());
        in->role = is_officer(t) ? 2 : 1;
        in->user = text_of(t->user);
        in->token = (ProtobufCBinaryData){ signed_token().n, (uint8_t *)(uintptr_t)signed_token().p };
        in->signature = in->old_signature = (ProtobufCBinaryData){ signature.n, signature.p };
        in->public_key = (ProtobufCBinaryData){ person_pem(0).n, (uint8_t *)(uintptr_t)person_pem(0).p };
}

static void fill_get_officers_token(struct trial *t)
{
        Chsm__GetTokenRequest *in = body_of(t, "get_token");

        in->service = 3;
        in->user = text_of(t->user);
}

static void fill_get_key_token(struct trial *t)
{
        Chsm__GetTokenRequest *in = body_of(t, "get_token");
        struct caller sharer;

        in->service = 1;
        in->user = text_of(t->user);
        in->handle = 1;
        if (!t->activated)
                return;
        sharer = caller_cu(t->hsm, SHARER);
        assert_int_equal(make_quorum_key(&t->world->owner, 2, sharer.user_id, NULL, &t->fresh), 0);
        in->handle = t->fresh.ref.handle;
}

/* A token of the caller's own, where he may have one. */
static struct token_file *own_token(struct trial *t)
{
        static struct token_file file;

        file = (struct token_file){ .n = 0 };
        if (t->activated && t->me->ticket_n && is_officer(t))
                (void)get_token(t->me, 3, t->user, 0, NULL, &file);
        else if (t->activated && t->me->ticket_n && make_quorum_key(t->me, 1, 0, NULL, &t->fresh) == 0)
                (void)get_token(t->me, 1, t->user, t->fresh.ref.handle, NULL, &file);
        return &file;
}

static void fill_approve_token(struct trial *t)
{
        static struct given signature;
        static Chsm__Approval approval, *list[1] = { &approval };
        const struct token_file *file = own_token(t);
        uint32_t role = is_officer(t) ? 2 : 1;
        Chsm__ApproveTokenRequest *in;

        if (file->n)
                (void)register_key(t->me, role, t->user, 0, 0);
        in = body_of(t, "approve_token");
        signature = person_sign(0, slice_of(file->p, file->n));
        chsm__approval__init(&approval);
        approval.role = role;
        approval.user = text_of(t->user);
        approval.signature = (ProtobufCBinaryData){ signature.n, signature.p };
        in->file = (ProtobufCBinaryData){ file->n, (uint8_t *)(uintptr_t)file->p };
        in->approvals = list;
        in->n_approvals = 1;
}

static void fill_delete_token(struct trial *t)
{
        struct token_file *file = own_token(t);
        Chsm__DeleteTokenRequest *in = body_of(t, "delete_token");

        in->id = (ProtobufCBinaryData){ sizeof(file->id), file->id };
}

static void fill_set_token_timeout(struct trial *t)
{
        ((Chsm__SetTokenTimeoutRequest *)body_of(t, "set_token_timeout"))->seconds = 600;
}

static void fill_auth_challenge(struct trial *t)
{
        ((Chsm__AuthChallengeRequest *)body_of(t, "auth_challenge"))->user = text_of(OWNER);
}

/* A key that the request's signature fits, for a user. */
static void auth_key(struct trial *t, uint32_t role, const char *user)
{
        static Chsm__SecondFactor factor;
        static struct given signature;
        static uint8_t sealed[256];
        Chsm__AuthChallengeRequest *ask_for;
        Chsm__SetAuthKeyRequest *in;
        const Chsm__Response *r;

        chsm__second_factor__init(&factor);
        factor.public_key = (ProtobufCBinaryData){ person_pem(0).n, (uint8_t *)(uintptr_t)person_pem(0).p };
        ask_for = body_of(t, "auth_challenge");
        ask_for->role = role;
        ask_for->user = text_of(user);
        ask_for->purpose = 1;
        r = ask(t->me, &t->request);
        if (r->status == 0) {
                signature = person_sign_digest(0, r->auth_challenge->digest.data);
                memcpy(sealed, r->auth_challenge->challenge.data, r->auth_challenge->challenge.len);
                factor.challenge = (ProtobufCBinaryData){ r->auth_challenge->challenge.len, sealed };
                factor.signature = (ProtobufCBinaryData){ signature.n, signature.p };
        }
        chsm__request__init(&t->request);
        in = body_of(t, "set_auth_key");
        in->mode = 1;
        in->role = role;
        in->user = text_of(user);
        in->factor = &factor;
}

static void fill_own_auth_key(struct trial *t)
{
        auth_key(t, is_officer(t) ? 2 : 1, t->user);
}

static void fill_other_auth_key(struct trial *t)
{
        auth_key(t, 1, fresh_user(t));
}
