#include "vault/users.h"
#include "base/text.h"
#include "vault/partition.h"
#include "vault/tuning.h"

#include <stdlib.h>

struct vault_user {
        struct vault_user_view view; /* its live_ pointers point below */
        _Atomic uint64_t epoch;
        _Atomic uint32_t rights;
        struct vault_user *next; /* every one ever seen, freed at close */
};

struct vault_users {
        pthread_rwlock_t lock;
        struct map *by_name; /* lower-case name -> struct vault_user */
        struct map *by_id;   /* 4 bytes big-endian -> the same */
        struct vault_user *all;
        size_t count;
        struct recovered *recovered;
};

/* An officer was let in on this node. */
struct recovered {
        struct recovered *next;
        uint32_t user_id;
        store_rev rev;
};

bool vault_users_open(struct vault *v, struct err *err)
{
        struct vault_users *u = calloc(1, sizeof(*u));

        v->users = u;
        if (!u)
                return err_set(err, ERR_MEMORY, "no memory for users");
        pthread_rwlock_init(&u->lock, NULL);
        u->by_name = map_new();
        u->by_id = map_new();
        return (u->by_name && u->by_id) || err_set(err, ERR_MEMORY, "no memory for users");
}

void vault_users_close(struct vault *v)
{
        struct vault_users *u = v->users;

        if (!u)
                return;
        while (u->all) {
                struct vault_user *user = u->all;
                u->all = user->next;
                sec_wipe(user, sizeof(*user));
                free(user);
        }
        while (u->recovered) {
                struct recovered *r = u->recovered;
                u->recovered = r->next;
                free(r);
        }
        map_free(&u->by_name);
        map_free(&u->by_id);
        pthread_rwlock_destroy(&u->lock);
        free(u);
        v->users = NULL;
}

uint64_t vault_users_count(struct vault *v)
{
        uint64_t n;

        pthread_rwlock_rdlock(&v->users->lock);
        n = v->users->count;
        pthread_rwlock_unlock(&v->users->lock);
        return n;
}

static struct slice id_bytes(uint32_t id, uint8_t out[4])
{
        out[0] = (uint8_t)(id >> 24);
        out[1] = (uint8_t)(id >> 16);
        out[2] = (uint8_t)(id >> 8);
        out[3] = (uint8_t)id;
        return slice_of(out, 4);
}

bool vault_user_find(struct vault *v, struct slice name, struct vault_user_view *view)
{
        char key[VAULT_NAME_MAX + 1];
        const struct vault_user *user;

        if (name.n == 0 || name.n > VAULT_NAME_MAX)
                return false;
        text_lower((const char *)name.p, name.n, key);
        pthread_rwlock_rdlock(&v->users->lock);
        user = map_get(v->users->by_name, slice_of(key, name.n));
        if (user)
                *view = user->view;
        pthread_rwlock_unlock(&v->users->lock);
        return user != NULL;
}

bool vault_user_find_id(struct vault *v, uint32_t id, struct vault_user_view *view)
{
        uint8_t key[4];
        const struct vault_user *user;

        pthread_rwlock_rdlock(&v->users->lock);
        user = map_get(v->users->by_id, id_bytes(id, key));
        if (user)
                *view = user->view;
        pthread_rwlock_unlock(&v->users->lock);
        return user != NULL;
}

bool vault_user_name(struct vault *v, uint32_t user_id, char name[32])
{
        struct vault_user_view view;

        if (!vault_user_find_id(v, user_id, &view))
                return false;
        memcpy(name, view.name, sizeof(view.name));
        return true;
}

bool vault_user_is_cu(struct vault *v, uint32_t user_id)
{
        struct vault_user_view view;

        return vault_user_find_id(v, user_id, &view) && view.role == VAULT_CU;
}

bool vault_user_locked(struct vault *v, const struct vault_user_view *view)
{
        return (view->role == VAULT_CO || view->role == VAULT_CU) &&
               view->failures >= vault_tuning_now(v, VAULT_TUNE_LOCK_AFTER);
}

size_t vault_users_officers(struct vault *v, uint32_t without)
{
        size_t n = 0;

        pthread_rwlock_rdlock(&v->users->lock);
        for (const struct vault_user *u = v->users->all; u; u = u->next)
                n += atomic_load(&u->epoch) != VAULT_EPOCH_DEAD && u->view.role == VAULT_CO &&
                     u->view.id != without && !vault_user_locked(v, &u->view);
        pthread_rwlock_unlock(&v->users->lock);
        return n;
}

static int by_id(const void *a, const void *b)
{
        const struct vault_user_view *x = a, *y = b;

        return x->id < y->id ? -1 : x->id > y->id;
}

bool vault_users_list(struct vault *v, struct arena *arena, struct vault_user_view **out, size_t *n)
{
        struct vault_users *u = v->users;

        *n = 0;
        pthread_rwlock_rdlock(&u->lock);
        *out = arena_alloc(arena, (u->count + 1) * sizeof(**out));
        for (struct vault_user *user = *out ? u->all : NULL; user; user = user->next) {
                if (atomic_load(&user->epoch) != VAULT_EPOCH_DEAD)
                        (*out)[(*n)++] = user->view;
        }
        pthread_rwlock_unlock(&u->lock);
        if (*out)
                qsort(*out, *n, sizeof(**out), by_id);
        return *out != NULL;
}

/* ---- rules for names and passwords ---- */

bool vault_user_name_check(const char *name, struct err *err)
{
        size_t n = strlen(name);

        if (n == 0 || n > VAULT_NAME_MAX)
                return err_set(err, ERR_USER_NAME, "a user name has 1 to %d characters, this one %zu",
                               VAULT_NAME_MAX, n);
        for (size_t i = 0; i < n; i++) {
                char c = name[i];
                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
                        return err_set(err, ERR_USER_NAME,
                                       "a user name has letters, digits and '_' only; character %zu is not",
                                       i + 1);
        }
        return true;
}

bool vault_user_password_check(struct slice password, struct err *err)
{
        if (password.n < VAULT_PASSWORD_MIN || password.n > VAULT_PASSWORD_MAX)
                return err_set(err, ERR_PASSWORD, "a password has %d to %d characters, this one %zu",
                               VAULT_PASSWORD_MIN, VAULT_PASSWORD_MAX, password.n);
        for (size_t i = 0; i < password.n; i++) {
                if (password.p[i] < 0x20 || password.p[i] == 0x7f)
                        return err_set(err, ERR_PASSWORD, "a password has no control characters");
                if (memchr("#:;'", password.p[i], 4))
                        return err_set(
                            err, ERR_PASSWORD,
                            "a password must not have '#', ':', ';' or \"'\", which the tools cut at");
        }
        return true;
}

/* ---- apply ---- */

static void user_remove(struct vault_users *u, struct slice name)
{
        struct vault_user *user = map_remove(u->by_name, name);
        uint8_t id[4];

        if (!user)
                return;
        if (map_get(u->by_id, id_bytes(user->view.id, id)) == user) /* else he has another name by now */
                (void)map_remove(u->by_id, id_bytes(user->view.id, id));
        atomic_store(&user->epoch, VAULT_EPOCH_DEAD);
        sec_wipe(user->view.password, sizeof(user->view.password));
        u->count--;
}

/* The lock is held. */
static bool user_set(struct vault_users *u, const struct vault_user_view *view)
{
        struct slice name = slice_str(view->key);
        struct vault_user *user = map_get(u->by_name, name);
        uint8_t id[4];

        if (user && user->view.id != view->id) {
                user_remove(u, name);
                user = NULL;
        }
        if (!user) {
                user = calloc(1, sizeof(*user));
                if (!user)
                        return false;
                user->next = u->all;
                u->all = user;
                u->count++;
                if (!map_put(u->by_name, name, user, NULL) ||
                    !map_put(u->by_id, id_bytes(view->id, id), user, NULL))
                        return false;
        }
        {
                uint32_t failures = user->view.failures;
                store_rev failures_rev = user->view.failures_rev;
                uint8_t failed[VAULT_ONCE_SIZE];

                memcpy(failed, user->view.failed, sizeof(failed));
                user->view = *view;
                user->view.failures = failures;
                user->view.failures_rev = failures_rev;
                memcpy(user->view.failed, failed, sizeof(failed));
        }
        user->view.live_epoch = &user->epoch;
        user->view.live_rights = &user->rights;
        atomic_store(&user->rights, view->rights);
        atomic_store(&user->epoch, view->epoch);
        return true;
}

bool vault_users_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice name = slice_of(e->key.p + 2, e->key.n - 2);
        struct vault_user_view view;
        struct sec *plain;
        bool ok;

        if (e->deleted) {
                pthread_rwlock_wrlock(&v->users->lock);
                user_remove(v->users, name);
                pthread_rwlock_unlock(&v->users->lock);
                return true;
        }
        plain = vault_record_open(v, e->key, e->value, err);
        if (!plain)
                return false;
        ok = vault_user_decode(sec_slice(plain), name, &view);
        sec_free(&plain);
        if (!ok)
                return err_set(err, ERR_STORE_DAMAGED, "the record of a user cannot be read");
        view.rev = e->rev;
        pthread_rwlock_wrlock(&v->users->lock);
        ok = user_set(v->users, &view);
        pthread_rwlock_unlock(&v->users->lock);
        sec_wipe(view.password, sizeof(view.password));
        return ok || err_set(err, ERR_MEMORY, "no memory for a user");
}

bool vault_failures_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice name = slice_of(e->key.p + 2, e->key.n - 2), body;
        struct reader in = reader_of(SLICE_EMPTY);
        struct vault_user *user;
        uint32_t id = 0, failures = 0;
        struct slice last = SLICE_EMPTY;

        if (!e->deleted) {
                if (!vault_record_read(v, e->key, e->value, &body, err))
                        return false;
                in = reader_of(body);
                id = reader_u32(&in);
                failures = reader_u32(&in);
                if (in.rest.n) /* not in records of before 2026-11-24 */
                        last = reader_bytes(&in, VAULT_ONCE_SIZE);
                if (!reader_end(&in))
                        return err_set(err, ERR_STORE_DAMAGED, "a failure counter cannot be read");
        }
        pthread_rwlock_wrlock(&v->users->lock);
        user = map_get(v->users->by_name, name);
        if (user && (e->deleted || user->view.id == id)) {
                user->view.failures = failures;
                memset(user->view.failed, 0, sizeof(user->view.failed));
                if (last.n)
                        memcpy(user->view.failed, last.p, sizeof(user->view.failed));
                user->view.failures_rev = e->deleted ? 0 : e->rev;
        }
        pthread_rwlock_unlock(&v->users->lock);
        return true;
}

/* ---- officers whom the owner let in: a handful in the life of a partition ---- */

static struct recovered *recovered_find(struct vault_users *u, uint32_t user_id)
{
        struct recovered *r = u->recovered;

        while (r && r->user_id != user_id)
                r = r->next;
        return r;
}

store_rev vault_user_recovered(struct vault *v, uint32_t user_id)
{
        const struct recovered *r;
        store_rev rev;

        pthread_rwlock_rdlock(&v->users->lock);
        r = recovered_find(v->users, user_id);
        rev = r ? r->rev : 0;
        pthread_rwlock_unlock(&v->users->lock);
        return rev;
}

bool vault_recoveries_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct reader key = reader_of(slice_of(e->key.p + 2, e->key.n - 2));
        uint32_t node = reader_u32(&key), user_id = reader_u32(&key);
        struct recovered *r;
        struct slice body;

        if (!reader_end(&key))
                return err_set(err, ERR_STORE_DAMAGED, "the record of a recovery is misnamed");
        if (!e->deleted && !vault_record_read(v, e->key, e->value, &body, err))
                return false;
        if (node != v->config.node_number)
                return true;
        pthread_rwlock_wrlock(&v->users->lock);
        r = recovered_find(v->users, user_id);
        if (!r && (r = calloc(1, sizeof(*r)))) {
                r->user_id = user_id;
                r->next = v->users->recovered;
                v->users->recovered = r;
        }
        if (r)
                r->rev = e->deleted ? 0 : e->rev;
        pthread_rwlock_unlock(&v->users->lock);
        return r || err_set(err, ERR_MEMORY, "no memory for a recovery");
}
