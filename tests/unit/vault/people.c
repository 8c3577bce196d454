#include "people.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static EVP_PKEY *key_of(int person)
{
        static EVP_PKEY *keys[PEOPLE];

        assert_true(person >= 0 && person < PEOPLE);
        if (!keys[person])
                keys[person] = EVP_RSA_gen(2048);
        assert_non_null(keys[person]);
        return keys[person];
}

struct slice person_pem(int person)
{
        static char pem[PEOPLE][1024];
        BIO *bio;
        int n;

        if (!pem[person][0]) {
                bio = BIO_new(BIO_s_mem());
                assert_true(PEM_write_bio_PUBKEY(bio, key_of(person)));
                n = BIO_read(bio, pem[person], sizeof(pem[person]) - 1);
                assert_true(n > 0);
                BIO_free(bio);
        }
        return slice_str(pem[person]);
}

struct given person_sign(int person, struct slice data)
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        struct given out = { .n = sizeof(out.p) };

        assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key_of(person)));
        assert_true(EVP_DigestSign(ctx, out.p, &out.n, data.p, data.n));
        EVP_MD_CTX_free(ctx);
        return out;
}

struct given person_sign_digest(int person, const uint8_t digest[32])
{
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key_of(person), NULL);
        struct given out = { .n = sizeof(out.p) };

        assert_true(EVP_PKEY_sign_init(ctx) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0);
        assert_true(EVP_PKEY_sign(ctx, out.p, &out.n, digest, 32) > 0);
        EVP_PKEY_CTX_free(ctx);
        return out;
}

static ProtobufCBinaryData data_of(struct slice s)
{
        return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

static char *text_of(const char *text)
{
        return (char *)(uintptr_t)text;
}

uint32_t register_key(struct caller *c, uint32_t role, const char *user, int person, int old)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegisterQuorumKeyRequest in = CHSM__REGISTER_QUORUM_KEY_REQUEST__INIT;
        struct slice token = SLICE_LIT("a registration token");
        struct given by_new = person_sign(person, token), by_old = { .n = 0 };

        if (old >= 0)
                by_old = person_sign(old, token);
        in.role = role;
        in.user = text_of(user);
        in.token = data_of(token);
        in.public_key = data_of(person_pem(person));
        in.signature = (ProtobufCBinaryData){ by_new.n, by_new.p };
        in.old_signature = (ProtobufCBinaryData){ by_old.n, by_old.p };
        r.register_quorum_key = &in;
        r.body_case = CHSM__REQUEST__BODY_REGISTER_QUORUM_KEY;
        return ask(c, &r)->status;
}

uint32_t set_m(struct caller *c, uint32_t service, uint32_t m)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetMValueRequest in = CHSM__SET_MVALUE_REQUEST__INIT;

        in.service = service;
        in.m = m;
        r.set_m_value = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_M_VALUE;
        return ask(c, &r)->status;
}

uint32_t get_m(struct caller *c, uint32_t service, uint32_t *m)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetMValueRequest in = CHSM__GET_MVALUE_REQUEST__INIT;
        const Chsm__Response *response;

        in.service = service;
        r.get_m_value = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_M_VALUE;
        response = ask(c, &r);
        if (response->status == 0)
                *m = response->m_value->m;
        return response->status;
}

uint32_t get_token(struct caller *c, uint32_t service, const char *user, uint64_t handle, const char *target,
                   struct token_file *file)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetTokenRequest in = CHSM__GET_TOKEN_REQUEST__INIT;
        const Chsm__Response *response;

        in.service = service;
        in.user = text_of(user);
        in.handle = handle;
        in.target = text_of(target ? target : "");
        r.get_token = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_TOKEN;
        response = ask(c, &r);
        if (response->status)
                return response->status;
        assert_int_equal(response->get_token->id.len, sizeof(file->id));
        memcpy(file->id, response->get_token->id.data, sizeof(file->id));
        assert_true(file->n + response->get_token->text.len <= sizeof(file->p));
        memcpy(file->p + file->n, response->get_token->text.data, response->get_token->text.len);
        file->n += response->get_token->text.len;
        return 0;
}

uint32_t approve(struct caller *c, const struct token_file *file, const struct approval *a, size_t n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ApproveTokenRequest in = CHSM__APPROVE_TOKEN_REQUEST__INIT;
        Chsm__Approval rows[10], *list[10];
        struct given signatures[10];

        assert_true(n <= 10);
        for (size_t i = 0; i < n; i++) {
                chsm__approval__init(&rows[i]);
                list[i] = &rows[i];
                signatures[i] = person_sign(a[i].person, slice_of(file->p, file->n));
                rows[i].role = a[i].role;
                rows[i].user = text_of(a[i].user);
                rows[i].signature = (ProtobufCBinaryData){ signatures[i].n, signatures[i].p };
        }
        in.file = data_of(slice_of(file->p, file->n));
        in.approvals = list;
        in.n_approvals = n;
        r.approve_token = &in;
        r.body_case = CHSM__REQUEST__BODY_APPROVE_TOKEN;
        return ask(c, &r)->status;
}

uint32_t approved_token(struct caller *c, uint32_t service, const char *user, uint64_t handle,
                        const struct approval *a, size_t n)
{
        struct token_file file = { .n = 0 };
        uint32_t rv = get_token(c, service, user, handle, NULL, &file);

        return rv ? rv : approve(c, &file, a, n);
}

size_t count_tokens(struct caller *c, uint32_t *held)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ListTokensRequest in = CHSM__LIST_TOKENS_REQUEST__INIT;
        const Chsm__Response *response;
        size_t n;

        r.list_tokens = &in;
        r.body_case = CHSM__REQUEST__BODY_LIST_TOKENS;
        response = ask(c, &r);
        assert_int_equal(response->status, 0);
        n = response->tokens->n_tokens;
        if (n && held)
                *held = response->tokens->tokens[n - 1]->approvals;
        return n;
}

uint32_t delete_token(struct caller *c, const uint8_t id[16])
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeleteTokenRequest in = CHSM__DELETE_TOKEN_REQUEST__INIT;

        in.id = data_of(slice_of(id, 16));
        r.delete_token = &in;
        r.body_case = CHSM__REQUEST__BODY_DELETE_TOKEN;
        return ask(c, &r)->status;
}

uint32_t set_timeout(struct caller *c, uint32_t seconds)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetTokenTimeoutRequest in = CHSM__SET_TOKEN_TIMEOUT_REQUEST__INIT;

        in.seconds = seconds;
        r.set_token_timeout = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_TOKEN_TIMEOUT;
        return ask(c, &r)->status;
}

uint32_t delete_user(struct caller *c, uint32_t role, const char *user)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeleteUserRequest in = CHSM__DELETE_USER_REQUEST__INIT;

        in.role = role;
        in.user = text_of(user);
        r.delete_user = &in;
        r.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        return ask(c, &r)->status;
}

uint32_t change_password(struct caller *c, uint32_t role, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest in = CHSM__CHANGE_PASSWORD_REQUEST__INIT;

        in.role = role;
        in.user = text_of(user);
        in.password = data_of(slice_str(password));
        r.change_password = &in;
        r.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        return ask(c, &r)->status;
}

uint32_t make_quorum_key(struct caller *c, uint32_t quorum, uint64_t shared_with, struct attributes *more,
                         struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes none = { .n = 0 }, *a = more ? more : &none;
        const Chsm__Response *response;

        m.number = CKM_AES_KEY_GEN;
        add_bool(a, CKA_TOKEN, true);
        add_number(a, CKA_VALUE_LEN, 32);
        in.mechanism = &m;
        in.quorum = quorum;
        in.share_with = &shared_with;
        in.n_share_with = shared_with ? 1 : 0;
        attributes_lend(a, &in.template_, &in.n_template_);
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        response = ask(c, &r);
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}
