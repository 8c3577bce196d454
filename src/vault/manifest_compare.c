/* What going back from one state of a partition to an earlier one would undo, in words for its owner. */
#include "vault/manifest.h"
#include "vault/right.h"

#define SHOWN 20 /* handles in one line */

static void compare_rights(const struct vault_manifest_user *then, const struct vault_manifest_user *now,
                           struct buf *out)
{
        uint32_t back = then->rights & ~now->rights;
        const struct vault_right_row *row;

        if (back & VAULT_RIGHT_MANAGE_BY_CO)
                buf_printf(
                    out,
                    "- officers get back their power over user '%s' (id %u), who had closed his account "
                    "to them (disableUserAccess)\n",
                    then->name, then->id);
        for (size_t i = 0; (row = vault_right_at(i)); i++) {
                if (row->right != VAULT_RIGHT_MANAGE_BY_CO && (back & (uint32_t)row->right))
                        buf_printf(out, "- user '%s' (id %u) gets back %s, which was taken from him\n",
                                   then->name, then->id, row->name);
        }
}

static void compare_user(const struct vault_manifest_user *then, const struct vault_manifest_user *now,
                         struct buf *out)
{
        if (now->epoch != then->epoch)
                buf_printf(out, "- user '%s' (id %u) gets back the password he had then\n", then->name,
                           then->id);
        compare_rights(then, now, out);
        if ((now->flags & 2) && !(then->flags & 2))
                buf_printf(out, "- user '%s' (id %u) logs in without his second factor again\n", then->name,
                           then->id);
        if ((now->flags & 1) && !(then->flags & 1))
                buf_printf(out, "- user '%s' (id %u) loses the key he signs approvals with\n", then->name,
                           then->id);
}

static void compare_users(const struct vault_manifest *then, const struct vault_manifest *now,
                          struct buf *out)
{
        size_t a = 0, b = 0;

        while (a < then->user_count || b < now->user_count) {
                const struct vault_manifest_user *x = &then->users[a], *y = &now->users[b];

                if (b == now->user_count || (a < then->user_count && x->id < y->id)) {
                        buf_printf(out, "- user '%s' (id %u) comes back, who was deleted\n", x->name, x->id);
                        a++;
                } else if (a == then->user_count || y->id < x->id) {
                        buf_printf(out, "- user '%s' (id %u) is lost, who was made later\n", y->name, y->id);
                        b++;
                } else {
                        compare_user(x, y, out);
                        a++;
                        b++;
                }
        }
}

/* A line with the first handles of a set. */
struct set {
        struct buf text;
        size_t n;
};

static void set_add(struct set *s, uint32_t handle)
{
        if (s->n < SHOWN)
                buf_printf(&s->text, "%s%u", s->n ? ", " : "", handle);
        s->n++;
}

static void set_end(struct set *s, const char *what, struct buf *out)
{
        const char *text = buf_text(&s->text);

        if (s->n)
                buf_printf(out, "- %zu keys %s: %s%s\n", s->n, what, text ? text : "?",
                           s->n > SHOWN ? " and more" : "");
        buf_clear(&s->text);
}

static void compare_keys(const struct vault_manifest *then, const struct vault_manifest *now, struct buf *out)
{
        struct set deleted = { BUF_INIT, 0 }, later = { BUF_INIT, 0 }, trusted = { BUF_INIT, 0 };
        size_t a = 0, b = 0;

        while (a < then->key_count || b < now->key_count) {
                const struct vault_manifest_key *x = &then->keys[a], *y = &now->keys[b];

                if (b == now->key_count || (a < then->key_count && x->handle < y->handle)) {
                        set_add(&deleted, x->handle);
                        a++;
                } else if (a == then->key_count || y->handle < x->handle) {
                        set_add(&later, y->handle);
                        b++;
                } else {
                        if ((x->flags & 1) && !(y->flags & 1))
                                set_add(&trusted, x->handle);
                        a++;
                        b++;
                }
        }
        set_end(&deleted, "come back that were deleted", out);
        set_end(&later, "are lost that were made later", out);
        set_end(&trusted, "are trusted again", out);
}

static void compare_policy(const struct vault_manifest *then, const struct vault_manifest *now,
                           struct buf *out)
{
        if (then->settings.profile != now->settings.profile)
                buf_printf(out, "- the policy's profile goes back to '%s' from '%s'\n",
                           vault_profile_name((enum vault_profile)then->settings.profile),
                           vault_profile_name((enum vault_profile)now->settings.profile));
        for (int i = 0; i < VAULT_SETTINGS; i++) {
                if (then->settings.value[i] != now->settings.value[i])
                        buf_printf(out, "- policy setting '%s' goes back to %u from %u\n",
                                   vault_setting_row((enum vault_setting)i)->name, then->settings.value[i],
                                   now->settings.value[i]);
        }
        for (unsigned i = 0; i < VAULT_SERVICES; i++) {
                if (then->quorum[i] < now->quorum[i])
                        buf_printf(out, "- service %u needs %u approvals again instead of %u\n", i,
                                   then->quorum[i], now->quorum[i]);
        }
}

void vault_manifest_compare(const struct vault_manifest *then, const struct vault_manifest *now,
                            struct buf *lines)
{
        compare_users(then, now, lines);
        compare_keys(then, now, lines);
        compare_policy(then, now, lines);
}
