/* Digests of users and keys, so that nodes can be compared without telling what they hold: getUserHash,
 * getSingleUserHash, getUserDiffMap, getKeyDiffMap. They are HMACs under a key of the partition over all that
 * is stored of one, so equal digests mean equal objects, and nobody outside learns anything from one. Failure
 * counters are left out: each node has its own. */
#include "crypto/seal.h"
#include "vault/object.h"
#include "vault/users.h"

#define PAGE 256

enum kind { USERS = 1, KEYS = 2 };

/* The answer in the making. */
struct hashes {
        struct vault_call *call;
        struct sec *key;
        Chsm__StateHashResponse *answer;
        struct buf all; /* ids and digests one after the other */
        bool rows;      /* the page is wanted, not the digest over all */
};

static bool hash_one(struct hashes *h, uint64_t id, struct slice body)
{
        struct crypto *c = h->call->vault->deps.crypto;
        Chsm__StateHash *row = h->rows ? arena_alloc(h->call->arena, sizeof(*row)) : NULL;
        struct buf data = BUF_INIT;
        uint8_t hash[CRYPTO_HASH_SIZE];
        struct slice copy = SLICE_EMPTY;
        bool ok;

        buf_put_u64(&data, id);
        buf_put_slice(&data, body);
        ok = buf_ok(&data) && crypto_hmac_sha256(c, sec_slice(h->key), buf_slice(&data), hash);
        if (data.p)
                sec_wipe(data.p, data.n);
        buf_clear(&data);
        buf_put_u64(&h->all, id);
        buf_put(&h->all, hash, sizeof(hash));
        if (!h->rows || !ok)
                return ok;
        copy = arena_copy(h->call->arena, slice_of(hash, sizeof(hash)));
        if (row && copy.p) {
                chsm__state_hash__init(row);
                row->id = id;
                row->hash = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
                h->answer->rows[h->answer->n_rows++] = row;
        }
        return row && copy.p;
}

static bool hash_user(struct hashes *h, const struct vault_user_view *u)
{
        struct buf body = BUF_INIT;
        bool ok = vault_user_encode(u, &body) && hash_one(h, u->id, buf_slice(&body));

        if (body.p)
                sec_wipe(body.p, body.n);
        buf_clear(&body);
        return ok;
}

static bool hash_users(struct hashes *h, uint64_t only, uint64_t after)
{
        struct vault_user_view *users = NULL;
        size_t n = 0;
        bool ok = vault_users_list(h->call->vault, h->call->arena, &users, &n);

        for (size_t i = 0; ok && i < n; i++) {
                if (users[i].id <= after || (only && users[i].id != only))
                        continue;
                if (h->rows && h->answer->n_rows == PAGE) {
                        h->answer->more = true;
                        break;
                }
                ok = hash_user(h, &users[i]);
        }
        if (users)
                sec_wipe(users, n * sizeof(*users));
        return ok;
}

static bool hash_key(struct hashes *h, const struct vault_object *o)
{
        struct sec *plain = vault_object_unseal(h->call->vault, o, &h->call->err);
        bool ok = plain && hash_one(h, o->handle, sec_slice(plain));

        sec_free(&plain);
        return ok;
}

static bool hash_keys(struct hashes *h, uint32_t owner, uint32_t only, uint32_t after)
{
        struct vault_object *page[PAGE];
        bool more = true, ok = true;
        size_t n;

        if (only) {
                struct vault_object *o = vault_objects_find(h->call->vault, only);

                if (!o)
                        return err_set(&h->call->err, ERR_HANDLE, "there is no object with handle %u", only);
                ok = hash_key(h, o);
                vault_object_unref(&o);
                return ok;
        }
        while (ok && more) {
                vault_objects_list(h->call->vault, owner, after, PAGE, page, &n, &more);
                for (size_t i = 0; i < n; i++) {
                        after = page[i]->handle;
                        ok = ok && hash_key(h, page[i]);
                        vault_object_unref(&page[i]);
                }
                if (h->rows) {
                        h->answer->more = more;
                        break;
                }
        }
        return ok;
}

static bool fill(struct hashes *h, const Chsm__StateHashRequest *in)
{
        struct vault_call *call = h->call;
        uint8_t *total = arena_alloc(call->arena, CRYPTO_HASH_SIZE);
        bool ok;

        h->answer->rows = arena_alloc(call->arena, PAGE * sizeof(Chsm__StateHash *));
        if (!total || !h->answer->rows)
                return false;
        ok = in->kind == USERS ? hash_users(h, in->id, in->after)
                               : hash_keys(h, (uint32_t)in->user, (uint32_t)in->id, (uint32_t)in->after);
        if (!ok || !in->total)
                return ok;
        h->answer->total = (ProtobufCBinaryData){ CRYPTO_HASH_SIZE, total };
        return buf_ok(&h->all) &&
               crypto_hmac_sha256(call->vault->deps.crypto, sec_slice(h->key), buf_slice(&h->all), total);
}

static bool understood(struct vault_call *call, const Chsm__StateHashRequest *in)
{
        char name[32];

        if (in->kind != USERS && in->kind != KEYS)
                return err_set(&call->err, ERR_ARGUMENT,
                               "digests are made of users (1) and keys (2), not of %u", in->kind);
        if (in->kind == KEYS && call->login.role == VAULT_CU)
                return err_set(&call->err, ERR_ROLE, "digests of all keys are for crypto officers");
        if (in->id > UINT32_MAX || in->user > UINT32_MAX || in->after > UINT32_MAX)
                return err_set(&call->err, ERR_ARGUMENT, "ids and handles end at %u", UINT32_MAX);
        if ((in->kind == USERS && in->id && !vault_user_name(call->vault, (uint32_t)in->id, name)) ||
            (in->user && !vault_user_name(call->vault, (uint32_t)in->user, name)))
                return err_set(&call->err, ERR_USER_ABSENT, "there is no user with id %llu",
                               (unsigned long long)(in->user ? in->user : in->id));
        return true;
}

bool vault_state_hash(struct vault_call *call)
{
        const Chsm__StateHashRequest *in = call->request->state_hash;
        struct hashes h = { .call = call, .all = BUF_INIT, .rows = !in->total };
        bool ok;

        if (!understood(call, in))
                return false;
        h.answer = arena_alloc(call->arena, sizeof(*h.answer));
        h.key = vault_derive(call->vault, "state hash", SLICE_EMPTY, &call->err);
        if (h.answer)
                chsm__state_hash_response__init(h.answer);
        ok = h.answer && h.key && fill(&h, in);
        call->response->state_hash = h.answer;
        call->response->body_case = CHSM__RESPONSE__BODY_STATE_HASH;
        buf_clear(&h.all);
        sec_free(&h.key);
        return ok || (call->err.id ? false : err_set(&call->err, ERR_MEMORY, "no memory for digests"));
}
