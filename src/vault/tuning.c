#include "vault/tuning.h"
#include "vault/partition.h"

#define HOUR_MS (INT64_C(3600) * 1000)

static const struct row {
        const char *name;
        uint16_t least, most;
        const char *help;
} rows[] = {
        [VAULT_TUNE_LOCK_AFTER] = { "lock_after", 1, 20, "failed logins that lock an account" },
        [VAULT_TUNE_LOGIN_HOURS] = { "login_hours", 1, 168, "hours after which a login must be renewed" },
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) == VAULT_TUNINGS, "every number needs its row");

/* Sixteen bits each in one word, so that a login reads them without a lock; 0: the node's own. */
static uint32_t packed(uint64_t word, int i)
{
        return (uint32_t)(word >> (16 * i) & 0xffff);
}

void vault_tunings_open(struct vault *v)
{
        atomic_store(&v->tunings, 0);
}

uint32_t vault_tuning_now(struct vault *v, enum vault_tuning which)
{
        uint32_t value = packed(atomic_load_explicit(&v->tunings, memory_order_acquire), (int)which);

        if (value)
                return value;
        if (which == VAULT_TUNE_LOCK_AFTER)
                return v->config.lock_after;
        return (uint32_t)((v->config.ticket_life_ms + HOUR_MS - 1) / HOUR_MS);
}

int64_t vault_login_life_ms(struct vault *v)
{
        uint32_t hours =
            packed(atomic_load_explicit(&v->tunings, memory_order_acquire), VAULT_TUNE_LOGIN_HOURS);

        return hours ? hours * HOUR_MS : v->config.ticket_life_ms;
}

int64_t vault_login_life_most_ms(struct vault *v)
{
        int64_t most = rows[VAULT_TUNE_LOGIN_HOURS].most * HOUR_MS;

        return most > v->config.ticket_life_ms ? most : v->config.ticket_life_ms;
}

static bool decode(struct slice body, uint64_t *word)
{
        struct reader in = reader_of(body);
        uint8_t n = reader_u8(&in);

        *word = 0;
        for (int i = 0; i < n && i < VAULT_TUNINGS; i++)
                *word |= (uint64_t)reader_u16(&in) << (16 * i);
        return reader_end(&in) && n <= VAULT_TUNINGS;
}

bool vault_tunings_apply(struct vault *v, const struct store_event *e, struct err *err)
{
        struct slice body;
        uint64_t word;

        if (!slice_equal(e->key, SLICE_LIT("e/config")))
                return true;
        if (e->deleted || !vault_record_read(v, e->key, e->value, &body, err) || !decode(body, &word))
                return err_set(err, ERR_STORE_DAMAGED,
                               "the partition's numbers 'e/config' are gone, or of a newer version");
        atomic_store_explicit(&v->tunings, word, memory_order_release);
        atomic_store_explicit(&v->tunings_rev, e->rev, memory_order_release);
        return true;
}

/* changed: of this call, not in memory yet; VAULT_TUNINGS: none. */
static bool reply(struct vault_call *call, enum vault_tuning changed, uint32_t value)
{
        Chsm__ConfigResponse *r = arena_alloc(call->arena, sizeof(*r));
        Chsm__ConfigNumber *list = arena_alloc(call->arena, VAULT_TUNINGS * sizeof(*list));

        if (r)
                chsm__config_response__init(r);
        if (r)
                r->numbers = arena_alloc(call->arena, VAULT_TUNINGS * sizeof(*r->numbers));
        if (!r || !list || !r->numbers)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        for (int i = 0; i < VAULT_TUNINGS; i++) {
                chsm__config_number__init(&list[i]);
                list[i].name = (char *)(uintptr_t)rows[i].name;
                list[i].help = (char *)(uintptr_t)rows[i].help;
                list[i].least = rows[i].least;
                list[i].most = rows[i].most;
                list[i].value =
                    i == (int)changed ? value : vault_tuning_now(call->vault, (enum vault_tuning)i);
                r->numbers[i] = &list[i];
        }
        r->n_numbers = VAULT_TUNINGS;
        call->response->config = r;
        call->response->body_case = CHSM__RESPONSE__BODY_CONFIG;
        return true;
}

bool vault_get_config(struct vault_call *call)
{
        return reply(call, VAULT_TUNINGS, 0);
}

static bool find(struct vault_call *call, const Chsm__SetConfigRequest *in, enum vault_tuning *which)
{
        for (int i = 0; i < VAULT_TUNINGS; i++) {
                if (strcmp(rows[i].name, in->name) != 0)
                        continue;
                *which = (enum vault_tuning)i;
                return (in->value >= rows[i].least && in->value <= rows[i].most) ||
                       err_set(&call->err, ERR_ARGUMENT, "'%s' takes a number from %u to %u, not %u: %s",
                               rows[i].name, rows[i].least, rows[i].most, in->value, rows[i].help);
        }
        return err_set(&call->err, ERR_ARGUMENT, "there is no number '%.32s'; getHSMConfig lists them",
                       in->name);
}

bool vault_set_config(struct vault_call *call)
{
        const Chsm__SetConfigRequest *in = call->request->set_config;
        struct vault *v = call->vault;
        /* The revision first: numbers that are newer than it fail the guard, never the other way round. */
        store_rev rev = atomic_load_explicit(&v->tunings_rev, memory_order_acquire);
        uint64_t word = atomic_load_explicit(&v->tunings, memory_order_acquire);
        struct slice key = vault_call_key(call, "e/config", SLICE_EMPTY);
        struct buf body = BUF_INIT;
        enum vault_tuning which = VAULT_TUNINGS;
        bool ok;

        call->subject = arena_printf(call->arena, "%.20s=%u", in->name, in->value);
        if (!find(call, in, &which))
                return false;
        buf_put_u8(&body, VAULT_TUNINGS);
        for (int i = 0; i < VAULT_TUNINGS; i++)
                buf_put_u16(&body, (uint16_t)(i == (int)which ? in->value : packed(word, i)));
        ok = vault_call_guard(call, rev ? STORE_REV_IS : STORE_ABSENT, key, rev) &&
             vault_record_put(call, key, &body) && reply(call, which, in->value);
        buf_clear(&body);
        return ok;
}
