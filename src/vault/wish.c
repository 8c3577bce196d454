/* What the documented tools ask of new keys besides their attributes. spec/tools.md 7.2. */
#include "vault/wish.h"
#include "vault/users.h"

static bool check_sharer(struct vault_call *call, uint64_t id)
{
        if (id == call->login.user_id)
                return err_set(&call->err, ERR_ARGUMENT, "a key is not shared with its own owner");
        if (id > UINT32_MAX || !vault_user_is_cu(call->vault, (uint32_t)id))
                return err_set(&call->err, ERR_USER_ABSENT, "there is no crypto user with id %llu",
                               (unsigned long long)id);
        return true;
}

bool vault_wish_sharers(struct vault_call *call, const uint64_t *ids, size_t n,
                        const struct vault_template *t, uint32_t out[VAULT_SHARED_MAX])
{
        if (n > VAULT_SHARED_MAX)
                return err_set(&call->err, ERR_LIMIT, "a key is shared with at most %d users",
                               VAULT_SHARED_MAX);
        if (n && !vault_template_bool(t, CKA_TOKEN, false))
                return err_set(&call->err, ERR_ARGUMENT, "a session key cannot be shared");
        for (size_t i = 0; i < n; i++) {
                if (!check_sharer(call, ids[i]))
                        return false;
                for (size_t k = 0; k < i; k++) {
                        if (out[k] == ids[i])
                                return err_set(&call->err, ERR_ARGUMENT, "user %u stands twice in the list",
                                               out[k]);
                }
                out[i] = (uint32_t)ids[i];
        }
        return true;
}

bool vault_wish_id_free(struct vault_call *call, const struct vault_template *t)
{
        struct vault_template wanted = { .n = 0 };
        struct vault_object *found[1];
        bool more;
        size_t n;

        if (!vault_template_get(t, CKA_ID).n)
                return true;
        if (!vault_template_set(call, &wanted, CKA_ID, vault_template_get(t, CKA_ID)) ||
            !vault_objects_search(call, &wanted, 0, 0, 1, found, &n, &more))
                return false;
        if (!n)
                return true;
        err_set(&call->err, ERR_ATTRIBUTE_VALUE,
                "object %u has this CKA_ID already, and an id is unique in the partition", found[0]->handle);
        vault_object_unref(&found[0]);
        return false;
}
