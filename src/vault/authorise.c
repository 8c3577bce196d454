#include "vault/authorise.h"
#include "vault/partition.h"
#include "vault/policy.h"
#include "vault/users.h"

#include <stdlib.h>

#define VERSION 1
#define ID_SIZE 16
#define LIFE_MS (60 * 1000)
/* A use is remembered for longer, so that it is forgotten after all nodes have let it expire. */
#define REMEMBER_MS (10 * 60 * 1000)
#define DROP        4 /* records deleted with one use */

struct authorisation {
        uint32_t user_id;
        uint64_t epoch;
        uint8_t context[VAULT_CONTEXT_SIZE];
        uint8_t operation;
        uint8_t key[CRYPTO_HASH_SIZE]; /* hash of handle or blob */
        int64_t expires_ms;
        uint8_t id[ID_SIZE];
};

/* A use that is in the store. */
struct used {
        struct used *next;
        uint8_t id[ID_SIZE];
        uint8_t request[CRYPTO_HASH_SIZE];
        int64_t since_ms; /* when this node heard of it, monotonic: no clock that is set makes it old */
        bool gone;        /* deleted, and only in the queue yet */
};

struct vault_authorisations {
        pthread_mutex_t lock;
        struct map *by_id;
        struct used *first, **last; /* as they were used */
};

bool vault_authorisations_open(struct vault *v, struct err *err)
{
        struct vault_authorisations *a = calloc(1, sizeof(*a));

        v->authorisations = a;
        if (!a)
                return err_set(err, ERR_MEMORY, "no memory for authorisations");
        pthread_mutex_init(&a->lock, NULL);
        a->last = &a->first;
        a->by_id = map_new();
        return a->by_id || err_set(err, ERR_MEMORY, "no memory for authorisations");
}

void vault_authorisations_close(struct vault *v)
{
        struct vault_authorisations *a = v->authorisations;

        if (!a)
                return;
        while (a->first) {
                struct used *next = a->first->next;

                free(a->first);
                a->first = next;
        }
        map_free(&a->by_id);
        pthread_mutex_destroy(&a->lock);
        free(a);
        v->authorisations = NULL;
}

/* ---- the store's records in memory ---- */

static void forget(struct vault_authorisations *a, struct slice id)
{
        struct used *u = map_remove(a->by_id, id);

        if (u)
                u->gone = true;
        while (a->first && a->first->gone) {
                u = a->first;
                a->first = u->next;
                if (!a->first)
                        a->last = &a->first;
                free(u);
        }
}

static bool remember(struct vault_authorisations *a, struct slice id, struct slice body, int64_t now)
{
        struct reader in = reader_of(body);
        struct used *u;
        struct slice request;

        if (map_get(a->by_id, id))
                return true; /* loaded already, and told once more by the feed */
        u = calloc(1, sizeof(*u));
        if (!u)
                return false;
        memcpy(u->id, id.p, ID_SIZE);
        u->since_ms = now;
        (void)reader_u64(&in);
        request = reader_bytes(&in, sizeof(u->request));
        if (!reader_end(&in) || !map_put(a->by_id, slice_of(u->id, ID_SIZE), u, NULL)) {
                free(u);
                return false;
        }
        memcpy(u->request, request.p, request.n);
        *a->last = u;
        a->last = &u->next;
        return true;
}

bool vault_authorisations_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_authorisations *a = v->authorisations;
        struct slice id = slice_of(e->key.p + 2, e->key.n - 2), body;
        bool ok = true;

        if (id.n != ID_SIZE)
                return err_set(err, ERR_STORE_DAMAGED, "an authorisation's record has a name of %zu bytes",
                               id.n);
        if (!e->deleted && !vault_record_read(v, e->key, e->value, &body, err))
                return false;
        pthread_mutex_lock(&a->lock);
        if (e->deleted)
                forget(a, id);
        else
                ok = remember(a, id, body, clock_mono_ms(&v->deps.clock));
        pthread_mutex_unlock(&a->lock);
        return ok || err_set(err, ERR_MEMORY, "no memory for a used authorisation");
}

/* 0: not used; 1: by this very request; -1: by another one. */
static int was_used(struct vault *v, const struct authorisation *a, const uint8_t request[CRYPTO_HASH_SIZE])
{
        const struct used *u;
        int answer = 0;

        pthread_mutex_lock(&v->authorisations->lock);
        u = map_get(v->authorisations->by_id, slice_of(a->id, ID_SIZE));
        if (u)
                answer = memcmp(u->request, request, CRYPTO_HASH_SIZE) == 0 ? 1 : -1;
        pthread_mutex_unlock(&v->authorisations->lock);
        return answer;
}

/* The oldest go with a new one. */
static bool drop_old(struct vault_call *call)
{
        int64_t before = clock_mono_ms(&call->vault->deps.clock) - REMEMBER_MS;
        struct vault_authorisations *a = call->vault->authorisations;
        uint8_t ids[DROP][ID_SIZE];
        size_t n = 0;

        pthread_mutex_lock(&a->lock);
        for (const struct used *u = a->first; u && n < DROP && u->since_ms < before; u = u->next) {
                if (!u->gone)
                        memcpy(ids[n++], u->id, ID_SIZE);
        }
        pthread_mutex_unlock(&a->lock);
        for (size_t i = 0; i < n; i++) {
                if (!vault_call_delete(call, vault_call_key(call, "x/", slice_of(ids[i], ID_SIZE))))
                        return false;
        }
        return true;
}

/* ---- sealed ---- */

static bool seal_place(struct vault *v, struct buf *out)
{
        buf_put_text(out, "authorisation");
        buf_put_slice(out, vault_partition_id(v));
        return buf_ok(out);
}

static bool key_hash(struct vault_call *call, const struct vault_object *o, uint8_t out[CRYPTO_HASH_SIZE])
{
        struct buf text = BUF_INIT;
        bool ok;

        buf_put_u32(&text, o->handle);
        if (!o->handle)
                buf_put_slice(&text, buf_slice(&o->sealed));
        ok = buf_ok(&text) && crypto_sha256(call->vault->deps.crypto, buf_slice(&text), out);
        buf_clear(&text);
        return ok || err_set(&call->err, ERR_MEMORY, "no memory for an authorisation");
}

static bool seal(struct vault_call *call, const struct authorisation *a, struct slice *out)
{
        struct vault *v = call->vault;
        struct buf plain = BUF_INIT, place = BUF_INIT, sealed = BUF_INIT;
        bool ok;

        buf_put_u8(&plain, VERSION);
        buf_put_u32(&plain, a->user_id);
        buf_put_u64(&plain, a->epoch);
        buf_put(&plain, a->context, sizeof(a->context));
        buf_put_u8(&plain, a->operation);
        buf_put(&plain, a->key, sizeof(a->key));
        buf_put_u64(&plain, (uint64_t)a->expires_ms);
        buf_put(&plain, a->id, sizeof(a->id));
        ok = seal_place(v, &place) && buf_ok(&plain) &&
             crypto_seal(v->deps.crypto, vault_ticket_key(v), buf_slice(&place), buf_slice(&plain), &sealed,
                         &call->err);
        *out = ok ? arena_copy(call->arena, buf_slice(&sealed)) : SLICE_EMPTY;
        buf_clear(&plain);
        buf_clear(&place);
        buf_clear(&sealed);
        return out->p || err_set(&call->err, ERR_MEMORY, "no memory for an authorisation");
}

static bool unseal(struct vault *v, struct slice sealed, struct authorisation *a)
{
        struct buf place = BUF_INIT;
        struct sec *plain = NULL;
        struct reader in;
        struct slice context, key, id;
        bool ok = false;

        if (seal_place(v, &place))
                plain = crypto_open(v->deps.crypto, vault_ticket_key(v), buf_slice(&place), sealed, NULL);
        buf_clear(&place);
        if (plain) {
                in = reader_of(sec_slice(plain));
                ok = reader_u8(&in) == VERSION;
                a->user_id = reader_u32(&in);
                a->epoch = reader_u64(&in);
                context = reader_bytes(&in, sizeof(a->context));
                a->operation = reader_u8(&in);
                key = reader_bytes(&in, sizeof(a->key));
                a->expires_ms = (int64_t)reader_u64(&in);
                id = reader_bytes(&in, sizeof(a->id));
                ok = reader_end(&in) && ok;
        }
        if (ok) {
                memcpy(a->context, context.p, context.n);
                memcpy(a->key, key.p, key.n);
                memcpy(a->id, id.p, id.n);
        }
        sec_free(&plain);
        return ok;
}

/* ---- giving one ---- */

static bool authorisation_make(struct vault_call *call, const struct vault_object *o, uint8_t operation)
{
        Chsm__AuthoriseResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct authorisation a = { .user_id = call->login.user_id,
                                   .epoch = call->login.epoch,
                                   .operation = operation,
                                   .expires_ms = clock_wall_ms(&call->vault->deps.clock) + LIFE_MS };
        struct slice sealed;

        memcpy(a.context, call->context, sizeof(a.context));
        if (!r || !crypto_random(call->vault->deps.crypto, a.id, sizeof(a.id), &call->err) ||
            !key_hash(call, o, a.key) || !seal(call, &a, &sealed))
                return r ? false : err_set(&call->err, ERR_MEMORY, "no memory for an authorisation");
        chsm__authorise_response__init(r);
        r->authorisation = (ProtobufCBinaryData){ sealed.n, (uint8_t *)(uintptr_t)sealed.p };
        r->expires_ms = a.expires_ms;
        call->response->authorise = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUTHORISE;
        return true;
}

static bool needs_one(const struct vault_object *o, enum crypto_op op)
{
        return (o->flags & VAULT_ALWAYS_AUTHENTICATE) &&
               (op == CRYPTO_SIGN || op == CRYPTO_DECRYPT || op == CRYPTO_SIGN_RECOVER);
}

/* The password of who is logged in; a try counts like one at login. */
static bool prove(struct vault_call *call, const Chsm__AuthoriseRequest *in, bool *good)
{
        struct vault *v = call->vault;
        struct slice password = slice_of(in->password.data, in->password.len);
        struct vault_user_view user, named;
        bool ok = true, same = true;

        *good = false;
        if (!vault_user_find_id(v, call->login.user_id, &user))
                return err_set(&call->err, ERR_TICKET, "the user is no more");
        if (in->user[0]) {
                same = vault_user_find(v, slice_str(in->user), &named) && named.id == user.id;
                sec_wipe(named.password, sizeof(named.password));
        }
        if (!same || password.n > VAULT_PASSWORD_MAX) {
                crypto_password_waste(v->deps.crypto, &v->config.password_cost, password);
                ok = err_set(&call->err, ERR_LOGIN_FAILED, "user name or password is wrong");
        } else {
                ok = vault_login_verdict(call, &user, password, good);
        }
        sec_wipe(user.password, sizeof(user.password));
        return ok;
}

bool vault_authorise(struct vault_call *call)
{
        const Chsm__AuthoriseRequest *in = call->request->authorise;
        struct vault_object *o = vault_object_of(call, in->key, ERR_KEY_HANDLE);
        bool good = false, ok = o != NULL;

        if (ok) {
                call->object = o->handle;
                call->subject = call->login.user;
        }
        if (ok && (in->operation > CRYPTO_DERIVE || !needs_one(o, (enum crypto_op)in->operation)))
                ok = err_set(&call->err, ERR_OPERATION_MISSING,
                             "the key needs no authorisation for this operation");
        ok = ok && prove(call, in, &good) && (!good || authorisation_make(call, o, (uint8_t)in->operation));
        vault_object_unref(&o);
        return ok;
}

/* ---- using one ---- */

static bool refused(struct vault_call *call, const char *why)
{
        return err_set(&call->err, ERR_NOT_LOGGED_IN,
                       "the key has CKA_ALWAYS_AUTHENTICATE=TRUE, and %s; log in for this operation", why);
}

/* What makes two requests the same one sent twice: all but what the way adds. */
static bool request_hash(struct vault_call *call, uint8_t out[CRYPTO_HASH_SIZE])
{
        Chsm__Request r = *call->request;
        size_t n;
        uint8_t *packed;

        r.id = 1;
        r.ticket = (ProtobufCBinaryData){ 0, NULL };
        r.min_revision = 0;
        r.deadline_ms = 0;
        n = chsm__request__get_packed_size(&r);
        packed = arena_alloc(call->arena, n + 1);
        if (!packed)
                return err_set(&call->err, ERR_MEMORY, "no memory for an authorisation");
        (void)chsm__request__pack(&r, packed);
        return crypto_sha256(call->vault->deps.crypto, slice_of(packed, n), out) ||
               err_set(&call->err, ERR_CRYPTO, "hashing failed");
}

static bool use(struct vault_call *call, const struct authorisation *a, int64_t now)
{
        struct slice key = vault_call_key(call, "x/", slice_of(a->id, ID_SIZE));
        uint8_t request[CRYPTO_HASH_SIZE];
        struct buf body = BUF_INIT;
        int used;
        bool ok;

        if (!request_hash(call, request))
                return false;
        used = was_used(call->vault, a, request);
        /* Opening a multi-part operation twice would be two operations. */
        if (used < 0 || (used && call->request->body_case == CHSM__REQUEST__BODY_STREAM_OPEN))
                return refused(call, "this authorisation was used already");
        if (used)
                return true;
        buf_put_u64(&body, (uint64_t)(now + REMEMBER_MS));
        buf_put(&body, request, sizeof(request));
        ok = vault_call_guard(call, STORE_ABSENT, key, 0) && vault_record_put(call, key, &body) &&
             drop_old(call);
        buf_clear(&body);
        call->spent_guards = call->guard_count;
        call->spent_ops = call->op_count;
        return ok;
}

bool vault_authorised(struct vault_call *call, const struct vault_object *o, enum crypto_op op)
{
        struct slice sealed = slice_of(call->request->authorisation.data, call->request->authorisation.len);
        int64_t now = clock_wall_ms(&call->vault->deps.clock);
        uint8_t key[CRYPTO_HASH_SIZE];
        struct authorisation a;

        if (!needs_one(o, op))
                return true;
        /* A multi-part operation was authorised when it was opened, or would not be there. */
        if (call->request->body_case == CHSM__REQUEST__BODY_STREAM_PART)
                return true;
        if (!sealed.n)
                return refused(call, "nobody has logged in for it");
        if (!unseal(call->vault, sealed, &a))
                return refused(call, "the authorisation is not one of this partition");
        if (!key_hash(call, o, key))
                return false;
        if (a.user_id != call->login.user_id || a.epoch != call->login.epoch ||
            memcmp(a.context, call->context, sizeof(a.context)) != 0 ||
            memcmp(a.key, key, sizeof(key)) != 0 || a.operation != (uint8_t)op)
                return refused(call, "the authorisation is for another user, application, key or operation");
        if (a.expires_ms <= now)
                return refused(call, "the authorisation has expired");
        return use(call, &a, now);
}

bool vault_authorisation_spend(struct vault_call *call, const uint8_t id[16], int64_t now_ms, bool *before)
{
        static const uint8_t nobodys[CRYPTO_HASH_SIZE];
        struct authorisation a = { .user_id = 0 };
        struct slice key = vault_call_key(call, "x/", slice_of(id, ID_SIZE));
        struct buf body = BUF_INIT;
        bool ok;

        memcpy(a.id, id, ID_SIZE);
        *before = was_used(call->vault, &a, nobodys) != 0;
        if (*before)
                return true;
        buf_put_u64(&body, (uint64_t)(now_ms + REMEMBER_MS));
        buf_put(&body, nobodys, sizeof(nobodys));
        ok = vault_call_guard(call, STORE_ABSENT, key, 0) && vault_record_put(call, key, &body) &&
             drop_old(call);
        buf_clear(&body);
        return ok;
}
