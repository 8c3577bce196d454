#include "vault/second_factor.h"
#include "base/text.h"
#include "vault/authorise.h"
#include "vault/partition.h"
#include "vault/quorum.h"

#define VERSION 1
#define ID_SIZE 16
#define LIFE_MS (5 * 60 * 1000) /* people sign by hand */

struct challenge {
        uint8_t purpose;
        uint32_t role;
        char user[VAULT_NAME_MAX + 1]; /* lower case */
        uint8_t context[VAULT_CONTEXT_SIZE];
        int64_t expires_ms;
        uint8_t id[ID_SIZE];
};

/* ---- sealed ---- */

static bool place(struct vault *v, struct buf *out)
{
        buf_put_text(out, "second factor");
        buf_put_slice(out, vault_partition_id(v));
        return buf_ok(out);
}

/* What is signed: a hash that names its purpose, so that no signature for something else fits. */
static bool digest_of(struct vault *v, struct slice sealed, uint8_t out[CRYPTO_HASH_SIZE])
{
        struct buf text = BUF_INIT;
        bool ok;

        buf_put_text(&text, "chsm second factor ");
        ok = place(v, &text);
        buf_put_slice(&text, sealed);
        ok = ok && buf_ok(&text) && crypto_sha256(v->deps.crypto, buf_slice(&text), out);
        buf_clear(&text);
        return ok;
}

static bool seal(struct vault_call *call, const struct challenge *c, struct slice *out)
{
        struct vault *v = call->vault;
        struct buf plain = BUF_INIT, where = BUF_INIT, sealed = BUF_INIT;
        bool ok;

        buf_put_u8(&plain, VERSION);
        buf_put_u8(&plain, c->purpose);
        buf_put_u32(&plain, c->role);
        buf_put(&plain, c->user, sizeof(c->user));
        buf_put(&plain, c->context, sizeof(c->context));
        buf_put_u64(&plain, (uint64_t)c->expires_ms);
        buf_put(&plain, c->id, sizeof(c->id));
        ok = place(v, &where) && buf_ok(&plain) &&
             crypto_seal(v->deps.crypto, vault_ticket_key(v), buf_slice(&where), buf_slice(&plain), &sealed,
                         &call->err);
        *out = ok ? arena_copy(call->arena, buf_slice(&sealed)) : SLICE_EMPTY;
        buf_clear(&plain);
        buf_clear(&where);
        buf_clear(&sealed);
        return out->p || err_set(&call->err, ERR_MEMORY, "no memory for a challenge");
}

static void take(struct reader *in, void *out, size_t n)
{
        struct slice s = reader_bytes(in, n);

        if (s.n)
                memcpy(out, s.p, s.n);
}

static bool unseal(struct vault *v, struct slice sealed, struct challenge *c)
{
        struct buf where = BUF_INIT;
        struct sec *plain = NULL;
        struct reader in;
        bool ok = false;

        if (place(v, &where))
                plain = crypto_open(v->deps.crypto, vault_ticket_key(v), buf_slice(&where), sealed, NULL);
        buf_clear(&where);
        if (plain) {
                in = reader_of(sec_slice(plain));
                ok = reader_u8(&in) == VERSION;
                c->purpose = reader_u8(&in);
                c->role = reader_u32(&in);
                take(&in, c->user, sizeof(c->user));
                take(&in, c->context, sizeof(c->context));
                c->expires_ms = (int64_t)reader_u64(&in);
                take(&in, c->id, sizeof(c->id));
                ok = reader_end(&in) && ok;
        }
        sec_free(&plain);
        return ok;
}

/* ---- giving one ---- */

static bool challenge_fill(struct vault_call *call, const Chsm__AuthChallengeRequest *in, struct challenge *c)
{
        size_t n = strlen(in->user);

        *c = (struct challenge){ .purpose = (uint8_t)in->purpose,
                                 .role = in->role,
                                 .expires_ms = clock_wall_ms(&call->vault->deps.clock) + LIFE_MS };
        if (in->purpose > VAULT_FACTOR_KEY)
                return err_set(&call->err, ERR_ARGUMENT, "there is no challenge for purpose %u", in->purpose);
        if (call->request->context.len != VAULT_CONTEXT_SIZE)
                return err_set(&call->err, ERR_ARGUMENT,
                               "a challenge needs an application context of %d bytes", VAULT_CONTEXT_SIZE);
        if (n == 0 || n > VAULT_NAME_MAX)
                return err_set(&call->err, ERR_USER_NAME, "a user name has 1 to %d characters",
                               VAULT_NAME_MAX);
        text_lower(in->user, n, c->user);
        memcpy(c->context, call->context, sizeof(c->context));
        return crypto_random(call->vault->deps.crypto, c->id, sizeof(c->id), &call->err);
}

bool vault_auth_challenge(struct vault_call *call)
{
        const Chsm__AuthChallengeRequest *in = call->request->auth_challenge;
        Chsm__AuthChallengeResponse *r = arena_alloc(call->arena, sizeof(*r));
        uint8_t *digest = arena_alloc(call->arena, CRYPTO_HASH_SIZE);
        struct challenge c;
        struct slice sealed;

        call->subject = arena_text(call->arena, slice_of(in->user, strnlen(in->user, 64)));
        if (!r || !digest)
                return err_set(&call->err, ERR_MEMORY, "no memory for a challenge");
        if (!challenge_fill(call, in, &c) || !seal(call, &c, &sealed))
                return false;
        if (!digest_of(call->vault, sealed, digest))
                return err_set(&call->err, ERR_CRYPTO, "hashing failed");
        chsm__auth_challenge_response__init(r);
        r->challenge = (ProtobufCBinaryData){ sealed.n, (uint8_t *)(uintptr_t)sealed.p };
        r->digest = (ProtobufCBinaryData){ CRYPTO_HASH_SIZE, digest };
        r->node = (char *)(uintptr_t)call->vault->config.node_name;
        r->expires_ms = c.expires_ms;
        call->response->auth_challenge = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUTH_CHALLENGE;
        return true;
}

/* ---- using one ---- */

static bool refused(struct vault_call *call, const char *why)
{
        return err_set(&call->err, ERR_SECOND_FACTOR, "%s", why);
}

/* The challenge is ours, for this and for him, in its time, and used up by this call. */
static bool challenge_use(struct vault_call *call, enum vault_factor_purpose purpose, uint32_t role,
                          const char *user, struct slice sealed, uint8_t digest[CRYPTO_HASH_SIZE])
{
        int64_t now = clock_wall_ms(&call->vault->deps.clock);
        struct challenge c = { .purpose = 0 };
        char lower[VAULT_NAME_MAX + 1] = "";
        bool before;

        if (strlen(user) <= VAULT_NAME_MAX)
                text_lower(user, strlen(user), lower);
        if (!unseal(call->vault, sealed, &c))
                return refused(call, "the challenge is not one of this partition; ask for another one");
        if (c.purpose != (uint8_t)purpose || c.role != role || memcmp(c.user, lower, sizeof(lower)) != 0 ||
            memcmp(c.context, call->context, sizeof(c.context)) != 0)
                return refused(call, "the challenge is for another user, application or purpose");
        if (c.expires_ms <= now)
                return refused(call, "the challenge has expired; sign another one within five minutes");
        if (!vault_authorisation_spend(call, c.id, now, &before))
                return false;
        if (before)
                return refused(call, "the challenge was used already; ask for another one");
        return digest_of(call->vault, sealed, digest) || err_set(&call->err, ERR_CRYPTO, "hashing failed");
}

bool vault_factor_login(struct vault_call *call, const struct vault_user_view *u, bool *good)
{
        const Chsm__LoginRequest *in = call->request->login;
        uint8_t digest[CRYPTO_HASH_SIZE];

        *good = true;
        if (!u->second_factor.n)
                return true;
        if (!in->challenge.len || !in->signature.len)
                return err_set(&call->err, ERR_SECOND_FACTOR,
                               "'%s' logs in with a second factor: loginHSM %s %s PASSWORD -2fa FILE",
                               u->name, u->role == VAULT_CO ? "CO" : "CU", u->name);
        if (!challenge_use(call, VAULT_FACTOR_LOGIN, in->role, in->user,
                           slice_of(in->challenge.data, in->challenge.len), digest))
                return false;
        *good = vault_person_signed_digest(call->vault, &u->second_factor, digest,
                                           slice_of(in->signature.data, in->signature.len));
        return true;
}

bool vault_factor_take(struct vault_call *call, const Chsm__SecondFactor *in, uint32_t role, const char *user,
                       struct vault_user_key *out)
{
        uint8_t digest[CRYPTO_HASH_SIZE];

        *out = (struct vault_user_key){ .n = 0 };
        if (!in)
                return true;
        if (!vault_person_key_read(call->vault, slice_of(in->public_key.data, in->public_key.len), out,
                                   &call->err) ||
            !challenge_use(call, VAULT_FACTOR_KEY, role, user,
                           slice_of(in->challenge.data, in->challenge.len), digest))
                return false;
        return vault_person_signed_digest(call->vault, out, digest,
                                          slice_of(in->signature.data, in->signature.len)) ||
               err_set(&call->err, ERR_SIGNATURE,
                       "the signature of the digest does not verify with this public key; make it with: "
                       "openssl pkeyutl "
                       "-sign -inkey KEY -pkeyopt digest:sha256 -in DIGEST -out SIGNATURE");
}

void vault_factor_password_changed(struct vault_user_view *u)
{
        if (u->second_factor.n && slice_equal(slice_of(u->quorum_key.der, u->quorum_key.n),
                                              slice_of(u->second_factor.der, u->second_factor.n)))
                u->quorum_key = (struct vault_user_key){ .n = 0 };
}
