#include "vault/manifest.h"

#include <stdlib.h>

#define PAGE      256
#define USERS_MAX 1000000
#define KEYS_MAX  6000000 /* a header holds no more */
#define KEY_BYTES 5

void vault_manifest_clear(struct vault_manifest *m)
{
        free(m->users);
        free(m->keys);
        *m = (struct vault_manifest){ .users = NULL };
}

static bool users_of(struct vault *v, struct vault_manifest *m)
{
        struct arena *arena = arena_new(64 * 1024, (size_t)256 * 1024 * 1024);
        struct vault_user_view *users;
        size_t n = 0;
        bool ok =
            arena && vault_users_list(v, arena, &users, &n) && (m->users = calloc(n + 1, sizeof(*m->users)));

        for (size_t i = 0; ok && i < n; i++) {
                struct vault_manifest_user *u = &m->users[m->user_count++];

                u->id = users[i].id;
                u->role = (uint8_t)users[i].role;
                u->epoch = users[i].epoch;
                u->rights = users[i].rights;
                u->flags = (uint8_t)((users[i].quorum_key.n ? 1 : 0) | (users[i].second_factor.n ? 2 : 0));
                memcpy(u->name, users[i].name, sizeof(u->name));
        }
        arena_free(&arena);
        return ok;
}

static bool keys_of(struct vault *v, struct vault_manifest *m)
{
        struct vault_object *page[PAGE];
        size_t cap = (size_t)vault_objects_count(v) + PAGE, n;
        uint32_t after = 0;
        bool more = true;

        m->keys = calloc(cap, sizeof(*m->keys));
        while (m->keys && more) {
                vault_objects_list(v, 0, after, PAGE, page, &n, &more);
                for (size_t i = 0; i < n; i++) {
                        after = page[i]->handle;
                        if (m->key_count < cap)
                                m->keys[m->key_count++] =
                                    (struct vault_manifest_key){ after,
                                                                 page[i]->flags & VAULT_TRUSTED ? 1 : 0 };
                        vault_object_unref(&page[i]);
                }
        }
        return m->keys != NULL;
}

bool vault_manifest_of(struct vault *v, struct vault_manifest *m, struct err *err)
{
        struct vault_quorum_values quorum = vault_quorum_now(v);

        *m = (struct vault_manifest){ .settings = vault_settings_now(v) };
        memcpy(m->quorum, quorum.m, sizeof(m->quorum));
        if (users_of(v, m) && keys_of(v, m))
                return true;
        vault_manifest_clear(m);
        return err_set(err, ERR_MEMORY, "no memory for the manifest of a backup");
}

void vault_manifest_encode(const struct vault_manifest *m, struct buf *out)
{
        struct buf settings = BUF_INIT;

        vault_settings_encode(&m->settings, &settings);
        buf_put_block(out, buf_slice(&settings));
        buf_clear(&settings);
        buf_put_block(out, slice_of(m->quorum, sizeof(m->quorum)));
        buf_put_u32(out, (uint32_t)m->user_count);
        for (size_t i = 0; i < m->user_count; i++) {
                const struct vault_manifest_user *u = &m->users[i];

                buf_put_u32(out, u->id);
                buf_put_u8(out, u->role);
                buf_put_u64(out, u->epoch);
                buf_put_u32(out, u->rights);
                buf_put_u8(out, u->flags);
                buf_put_block(out, slice_str(u->name));
        }
        buf_put_u32(out, (uint32_t)m->key_count);
        for (size_t i = 0; i < m->key_count; i++) {
                buf_put_u32(out, m->keys[i].handle);
                buf_put_u8(out, m->keys[i].flags);
        }
}

static bool read_users(struct reader *in, struct vault_manifest *m)
{
        uint32_t n = reader_u32(in);

        if (!reader_ok(in) || n > USERS_MAX || n > in->rest.n ||
            !(m->users = calloc((size_t)n + 1, sizeof(*m->users))))
                return false;
        for (; m->user_count < n; m->user_count++) {
                struct vault_manifest_user *u = &m->users[m->user_count];
                struct slice name;

                u->id = reader_u32(in);
                u->role = reader_u8(in);
                u->epoch = reader_u64(in);
                u->rights = reader_u32(in);
                u->flags = reader_u8(in);
                name = reader_block(in, sizeof(u->name) - 1);
                for (size_t k = 0; k < name.n; k++) { /* it is shown: nothing but what names may have */
                        if (name.p[k] <= ' ' || name.p[k] >= 0x7f)
                                return false;
                        u->name[k] = (char)name.p[k];
                }
                if (!reader_ok(in) || (m->user_count && u->id <= u[-1].id))
                        return false;
        }
        return true;
}

static bool read_keys(struct reader *in, struct vault_manifest *m)
{
        uint32_t n = reader_u32(in);

        if (!reader_ok(in) || n > KEYS_MAX || n > in->rest.n / KEY_BYTES ||
            !(m->keys = calloc((size_t)n + 1, sizeof(*m->keys))))
                return false;
        for (; m->key_count < n; m->key_count++) {
                struct vault_manifest_key *k = &m->keys[m->key_count];

                k->handle = reader_u32(in);
                k->flags = reader_u8(in);
                if (m->key_count && k->handle <= k[-1].handle)
                        return false;
        }
        return reader_ok(in);
}

bool vault_manifest_decode(struct reader *in, struct vault_manifest *m)
{
        struct slice settings = reader_block(in, 256), quorum = reader_block(in, 64);

        *m = (struct vault_manifest){ .users = NULL };
        if (reader_ok(in) && vault_settings_decode(settings, &m->settings)) {
                for (size_t i = 0; i < quorum.n && i < sizeof(m->quorum); i++)
                        m->quorum[i] = quorum.p[i];
                if (read_users(in, m) && read_keys(in, m))
                        return true;
        }
        vault_manifest_clear(m);
        in->failed = true;
        return false;
}
