/* The stored form of a user and of his failure counter. */
#include "vault/partition.h"
#include "vault/users.h"

/* What follows the first version of the record begins with its own number. */
#define EXTENSION 2

bool vault_user_guard(struct vault_call *call, const struct vault_user_view *u)
{
        struct slice name = slice_str(u->key);

        return vault_call_guard(call, u->rev ? STORE_REV_IS : STORE_ABSENT, vault_call_key(call, "u/", name),
                                u->rev) &&
               vault_call_guard(call, u->failures_rev ? STORE_REV_IS : STORE_ABSENT,
                                vault_call_key(call, "f/", name), u->failures_rev);
}

bool vault_user_encode(const struct vault_user_view *u, struct buf *body)
{
        buf_put_u32(body, u->id);
        buf_put_u8(body, (uint8_t)u->role);
        buf_put_u64(body, u->epoch);
        buf_put_u64(body, (uint64_t)u->created_ms);
        buf_put_block(body, slice_str(u->name));
        buf_put_block(body, slice_str(u->password));
        buf_put_u8(body, EXTENSION);
        buf_put_u32(body, u->rights);
        buf_put_block(body, slice_of(u->quorum_key.der, u->quorum_key.n));
        buf_put_block(body, slice_of(u->second_factor.der, u->second_factor.n));
        return buf_ok(body);
}

bool vault_user_put(struct vault_call *call, const struct vault_user_view *u)
{
        struct buf body = BUF_INIT;
        struct slice key = vault_call_key(call, "u/", slice_str(u->key));
        bool ok;

        (void)vault_user_encode(u, &body); /* a body without memory is refused by the put */
        ok = vault_call_guard(call, u->rev ? STORE_REV_IS : STORE_ABSENT, key, u->rev) &&
             vault_record_put_sealed(call, key, &body);
        if (body.p)
                sec_wipe(body.p, body.n);
        buf_clear(&body);
        return ok;
}

static const uint8_t *key_once(const struct vault_call *call)
{
        static const uint8_t none[VAULT_ONCE_SIZE];

        return call->request->idempotency.len == VAULT_ONCE_SIZE ? call->request->idempotency.data : none;
}

bool vault_user_put_failures(struct vault_call *call, const struct vault_user_view *u, uint32_t failures)
{
        struct slice key = vault_call_key(call, "f/", slice_str(u->key));
        struct buf body = BUF_INIT;
        bool ok;

        if (!vault_call_guard(call, u->failures_rev ? STORE_REV_IS : STORE_ABSENT, key, u->failures_rev))
                return false;
        if (failures == 0)
                return u->failures_rev == 0 || vault_call_delete(call, key);
        buf_put_u32(&body, u->id);
        buf_put_u32(&body, failures);
        buf_put(&body, key_once(call), VAULT_ONCE_SIZE);
        ok = vault_record_put(call, key, &body);
        buf_clear(&body);
        return ok;
}

static bool text_of(struct slice in, char *out, size_t size)
{
        if (in.n >= size || memchr(in.p ? in.p : (const uint8_t *)"", 0, in.n))
                return false;
        memset(out, 0, size);
        if (in.n)
                memcpy(out, in.p, in.n);
        return true;
}

static void key_of(struct slice in, struct vault_user_key *key)
{
        key->n = (uint16_t)in.n;
        if (in.n)
                memcpy(key->der, in.p, in.n);
}

static bool read_extension(struct reader *in, struct vault_user_view *u)
{
        if (reader_u8(in) != EXTENSION)
                return false;
        u->rights = reader_u32(in);
        key_of(reader_block(in, VAULT_USER_KEY_MAX), &u->quorum_key);
        key_of(reader_block(in, VAULT_USER_KEY_MAX), &u->second_factor);
        return reader_end(in);
}

bool vault_user_decode(struct slice plain, struct slice key, struct vault_user_view *u)
{
        struct reader in = reader_of(plain);
        struct slice shown, password;

        *u = (struct vault_user_view){ .id = reader_u32(&in), .rights = VAULT_RIGHTS_ALL };
        u->role = (enum vault_role)reader_u8(&in);
        u->epoch = reader_u64(&in);
        u->created_ms = (int64_t)reader_u64(&in);
        shown = reader_block(&in, VAULT_NAME_MAX);
        password = reader_block(&in, CRYPTO_PASSWORD_TEXT_MAX);
        return reader_ok(&in) && u->id && shown.n && text_of(shown, u->name, sizeof(u->name)) &&
               text_of(password, u->password, sizeof(u->password)) && text_of(key, u->key, sizeof(u->key)) &&
               (reader_end(&in) || read_extension(&in, u));
}
