/* The owner lets an officer in who is locked or has forgotten his password: getChallenge, PO.key, unlockCO.
 *
 * A challenge is not kept. It is made again from what it is bound to: node, officer, time, his present
 * password and the last recovery here, under a key of the partition. So nobody fills memory with challenges
 * or pushes out another's, a restart changes nothing, and each use, each change of the password and half an
 * hour or an hour end it. spec/semantics.md 5. */
#include "crypto/cert.h"
#include "crypto/mechanism.h"
#include "crypto/seal.h"
#include "vault/partition.h"
#include "vault/quorum.h"
#include "vault/ticket.h"

#define CHALLENGE_SIZE 176
#define TEXT_SIZE      64
#define PERIOD_MS      (30 * 60 * 1000) /* a challenge is good to the end of the period after its own */
#define SIGNATURE_MAX  512

/* So that the owner sees what he signs, and nothing else that is signed looks like it. */
static const char text[TEXT_SIZE + 1] = "chsm: the owner of a partition lets a crypto officer in again.  ";

static bool officer_of(struct vault_call *call, const char *name, struct vault_user_view *u)
{
        if (!vault_user_target(call, 0, name, u))
                return false;
        if (u->role == VAULT_CO)
                return true;
        sec_wipe(u->password, sizeof(u->password));
        return err_set(&call->err, ERR_USER_TYPE, "'%s' is a %s; the owner lets crypto officers in only%s",
                       u->name, vault_role_name((uint32_t)u->role),
                       u->role == VAULT_CU ? ", and a crypto officer unlocks crypto users: unlockUser" : "");
}

/* What only this partition can make of the rest. */
static bool put_proof(struct vault_call *call, const struct vault_user_view *u, struct buf *challenge)
{
        struct sec *key = vault_derive(call->vault, "officer recovery", SLICE_EMPTY, &call->err);
        struct buf data = BUF_INIT;
        uint8_t proof[CRYPTO_HASH_SIZE];
        bool ok;

        buf_put_slice(&data, buf_slice(challenge));
        buf_put_block(&data, slice_str(u->password));
        buf_put_u64(&data, (uint64_t)vault_user_recovered(call->vault, u->id));
        ok = key && buf_ok(&data) &&
             crypto_hmac_sha256(call->vault->deps.crypto, sec_slice(key), buf_slice(&data), proof);
        buf_put(challenge, proof, sizeof(proof));
        if (data.p)
                sec_wipe(data.p, data.n);
        buf_clear(&data);
        sec_free(&key);
        return ok || (call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory for a challenge"));
}

static bool challenge_make(struct vault_call *call, const struct vault_user_view *u, int64_t period,
                           struct buf *out)
{
        char name[VAULT_NAME_MAX + 1] = "";

        memcpy(name, u->name, sizeof(name));
        buf_put(out, text, TEXT_SIZE);
        buf_put_slice(out, vault_partition_id(call->vault));
        buf_put_u32(out, call->vault->config.node_number);
        buf_put_u32(out, u->id);
        buf_put(out, name, sizeof(name));
        buf_put_u64(out, (uint64_t)u->created_ms);
        buf_put_u64(out, (uint64_t)(period * PERIOD_MS));
        buf_put_u64(out, (uint64_t)((period + 2) * PERIOD_MS));
        return put_proof(call, u, out) &&
               (buf_ok(out) || err_set(&call->err, ERR_MEMORY, "no memory for a challenge")) &&
               (out->n == CHALLENGE_SIZE ||
                err_set(&call->err, ERR_INTERNAL, "a challenge of %zu bytes", out->n));
}

static int64_t period_now(struct vault *v)
{
        return clock_wall_ms(&v->deps.clock) / PERIOD_MS;
}

static bool challenge_answer(struct vault_call *call, struct slice challenge, int64_t expires_ms)
{
        const struct ck_mech_param none = { .present = false };
        Chsm__ChallengeResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct slice copy = arena_copy(call->arena, challenge);
        uint8_t *signature = arena_alloc(call->arena, SIGNATURE_MAX);
        size_t n = SIGNATURE_MAX;

        if (!r || !copy.p || !signature)
                return err_set(&call->err, ERR_MEMORY, "no memory for a challenge");
        if (!crypto_sign(call->vault->deps.crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none,
                         vault_partition_key(call->vault), challenge, signature, &n, &call->err))
                return false;
        chsm__challenge_response__init(r);
        r->challenge = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        r->signature = (ProtobufCBinaryData){ n, signature };
        r->expires_ms = expires_ms;
        call->response->challenge = r;
        call->response->body_case = CHSM__RESPONSE__BODY_CHALLENGE;
        return true;
}

bool vault_get_challenge(struct vault_call *call)
{
        struct vault_user_view u;
        struct buf challenge = BUF_INIT;
        int64_t period = period_now(call->vault);
        bool ok;

        if (!officer_of(call, call->request->get_challenge->user, &u))
                return false;
        ok = challenge_make(call, &u, period, &challenge) &&
             challenge_answer(call, buf_slice(&challenge), (period + 2) * PERIOD_MS);
        sec_wipe(u.password, sizeof(u.password));
        buf_clear(&challenge);
        return ok;
}

static bool owner_key(struct vault_call *call, struct vault_user_key *key)
{
        struct buf owner = BUF_INIT, info = BUF_INIT;
        bool ok =
            vault_partition_cert(call->vault, VAULT_CERT_OWNER, &owner, NULL) &&
            crypto_cert_field(call->vault->deps.crypto, buf_slice(&owner), CKA_PUBLIC_KEY_INFO, &info) &&
            info.n <= sizeof(key->der);

        key->n = (uint16_t)(ok ? info.n : 0);
        if (ok)
                memcpy(key->der, info.p, info.n);
        buf_clear(&owner);
        buf_clear(&info);
        return ok ||
               err_set(&call->err, ERR_CERT_ABSENT, "the owner's public key cannot be read from PO.crt");
}

/* The owner has signed the challenge of this period or of the one before. */
static bool owner_signed(struct vault_call *call, const struct vault_user_view *u, struct slice signature)
{
        struct vault_user_key key;
        int64_t period = period_now(call->vault);
        bool good = false;

        if (!owner_key(call, &key))
                return false;
        for (int64_t p = period; !good && p >= period - 1; p--) {
                struct buf challenge = BUF_INIT;
                bool made = challenge_make(call, u, p, &challenge);

                good = made && vault_person_signed(call->vault, &key, buf_slice(&challenge), signature);
                buf_clear(&challenge);
                if (!made)
                        return false;
        }
        return good ||
               err_set(&call->err, ERR_SIGNATURE,
                       "this is not the owner's signature of the present challenge of node %u for '%s'; "
                       "a challenge is for one node, one officer, one use and half an hour: getChallenge %s",
                       call->vault->config.node_number, u->name, u->name);
}

/* The challenge is used up: the next one is another. */
static bool put_recovery(struct vault_call *call, const struct vault_user_view *u)
{
        uint32_t numbers[2] = { call->vault->config.node_number, u->id };
        store_rev rev = vault_user_recovered(call->vault, u->id);
        struct buf key = BUF_INIT, body = BUF_INIT;
        struct slice name;
        bool ok;

        buf_put_u32(&key, numbers[0]);
        buf_put_u32(&key, numbers[1]);
        name = buf_ok(&key) ? vault_call_key(call, "g/", buf_slice(&key)) : SLICE_EMPTY;
        buf_put_u64(&body, (uint64_t)clock_wall_ms(&call->vault->deps.clock));
        ok = vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, name, rev) &&
             vault_record_put(call, name, &body);
        buf_clear(&key);
        buf_clear(&body);
        return ok;
}

/* A ticket with which he may change his own password, and nothing else. */
static bool let_in(struct vault_call *call, struct vault_user_view *u)
{
        struct vault_user_view as = *u;
        Chsm__LoginResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct slice ticket;
        bool ok;

        as.role = VAULT_RECOVERED;
        ok = r || err_set(&call->err, ERR_MEMORY, "no memory for a login");
        if (ok)
                chsm__login_response__init(r);
        ok = ok && vault_ticket_make(call, &as, &ticket, &r->expires_ms);
        if (ok) {
                r->ticket = (ProtobufCBinaryData){ ticket.n, (uint8_t *)(uintptr_t)ticket.p };
                r->user_id = u->id;
                r->role = VAULT_RECOVERED;
                call->response->login = r;
                call->response->body_case = CHSM__RESPONSE__BODY_LOGIN;
                vault_officers_note(call, u->id, 1);
        }
        sec_wipe(as.password, sizeof(as.password));
        return ok;
}

bool vault_unlock_officer(struct vault_call *call)
{
        const Chsm__UnlockOfficerRequest *in = call->request->unlock_officer;
        struct vault_user_view u;
        bool ok;

        if (!officer_of(call, in->user, &u))
                return false;
        if (call->request->context.len != VAULT_CONTEXT_SIZE) {
                ok = err_set(&call->err, ERR_ARGUMENT, "unlockCO needs an application context of %d bytes",
                             VAULT_CONTEXT_SIZE);
        } else {
                ok = owner_signed(call, &u, slice_of(in->signature.data, in->signature.len)) &&
                     vault_user_guard(call, &u) && put_recovery(call, &u) &&
                     (!u.failures_rev || vault_user_put_failures(call, &u, 0)) && let_in(call, &u);
        }
        sec_wipe(u.password, sizeof(u.password));
        return ok;
}
