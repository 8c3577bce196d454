/* getPolicy and setPolicy, and the partition's settings in memory. */
#include "vault/partition.h"
#include "vault/setting.h"

/* Four bits each in one word, so that every call reads them without a lock. */
static uint64_t pack(const struct vault_settings *s)
{
        uint64_t word = s->profile;

        for (int i = 0; i < VAULT_SETTINGS; i++)
                word |= (uint64_t)s->value[i] << (4 * (i + 1));
        return word;
}

void vault_settings_open(struct vault *v)
{
        struct vault_settings s = vault_settings_of(VAULT_DOCUMENTED);

        atomic_store(&v->settings, pack(&s));
}

struct vault_settings vault_settings_now(struct vault *v)
{
        uint64_t word = atomic_load_explicit(&v->settings, memory_order_acquire);
        struct vault_settings s = { .profile = (uint8_t)(word & 15) };

        for (int i = 0; i < VAULT_SETTINGS; i++)
                s.value[i] = (uint8_t)(word >> (4 * (i + 1)) & 15);
        return s;
}

bool vault_settings_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct vault_settings s;
        struct slice body;

        if (!slice_equal(e->key, SLICE_LIT("s/policy")))
                return true;
        if (e->deleted || !vault_record_read(v, e->key, e->value, &body, err) ||
            !vault_settings_decode(body, &s))
                return err_set(err, ERR_STORE_DAMAGED,
                               "the partition's policy 's/policy' is gone, or of a newer version");
        atomic_store_explicit(&v->settings, pack(&s), memory_order_release);
        atomic_store_explicit(&v->settings_rev, e->rev, memory_order_release);
        return true;
}

static bool reply(struct vault_call *call, const struct vault_settings *s)
{
        Chsm__PolicyResponse *r = arena_alloc(call->arena, sizeof(*r));
        Chsm__PolicySetting *rows = arena_alloc(call->arena, VAULT_SETTINGS * sizeof(*rows));

        if (!r || !rows)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__policy_response__init(r);
        r->profile = (char *)(uintptr_t)vault_profile_name((enum vault_profile)s->profile);
        r->settings = arena_alloc(call->arena, VAULT_SETTINGS * sizeof(Chsm__PolicySetting *));
        if (!r->settings)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        for (int i = 0; i < VAULT_SETTINGS; i++) {
                const struct vault_setting_row *row = vault_setting_row((enum vault_setting)i);

                chsm__policy_setting__init(&rows[i]);
                rows[i].name = (char *)(uintptr_t)row->name;
                rows[i].value = s->value[i];
                rows[i].help = (char *)(uintptr_t)row->help;
                r->settings[i] = &rows[i];
        }
        r->n_settings = VAULT_SETTINGS;
        call->response->policy = r;
        call->response->body_case = CHSM__RESPONSE__BODY_POLICY;
        return true;
}

bool vault_get_policy(struct vault_call *call)
{
        struct vault_settings s = vault_settings_now(call->vault);

        return reply(call, &s);
}

bool vault_set_policy(struct vault_call *call)
{
        const Chsm__SetPolicyRequest *in = call->request->set_policy;
        struct vault *v = call->vault;
        /* The revision first: settings that are newer than it fail the guard, never the other way round. */
        store_rev rev = atomic_load_explicit(&v->settings_rev, memory_order_acquire);
        struct vault_settings s = vault_settings_now(v);
        struct slice key = vault_call_key(call, "s/policy", SLICE_EMPTY);
        struct buf body = BUF_INIT;
        bool ok;

        call->subject = arena_printf(call->arena, "%.20s=%.10s", in->name, in->value);
        if (!vault_settings_change(&s, in->name, in->value, vault_state(v) == VAULT_ACTIVATED, &call->err))
                return false;
        vault_settings_encode(&s, &body);
        ok = vault_partition_guard_state(call) &&
             vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, key, rev) &&
             vault_record_put(call, key, &body) && reply(call, &s);
        buf_clear(&body);
        return ok;
}
