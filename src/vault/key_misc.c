/* Random bytes, and which mechanisms there are. */
#include "vault/key_use.h"
#include "vault/policy.h"

#define RANDOM_MAX (64 * 1024)

bool vault_random(struct vault_call *call)
{
        uint32_t n = call->request->random->length;
        uint8_t *out;

        if (n > RANDOM_MAX)
                return err_set(&call->err, ERR_ARGUMENT, "one request gets at most %d random bytes",
                               RANDOM_MAX);
        out = arena_alloc(call->arena, n + 1);
        if (!out)
                return err_set(&call->err, ERR_MEMORY, "no memory for random bytes");
        return crypto_random(call->vault->deps.crypto, out, n, &call->err) &&
               vault_use_reply(call, slice_of(out, n), NULL, 0);
}

bool vault_seed_random(struct vault_call *call)
{
        const Chsm__SeedRandomRequest *in = call->request->seed_random;

        return crypto_random_add(call->vault->deps.crypto, slice_of(in->seed.data, in->seed.len),
                                 &call->err) &&
               vault_call_done(call);
}

bool vault_mechanisms(struct vault_call *call)
{
        Chsm__MechanismsResponse *r = arena_alloc(call->arena, sizeof(*r));
        const struct crypto_mechanism *m;
        Chsm__MechanismInfo *rows;
        bool approved_only = vault_policy_approved_only(call->vault);
        size_t n = 0;

        while (crypto_mechanism_at(n))
                n++;
        rows = arena_alloc(call->arena, n * sizeof(*rows));
        if (!r || !rows)
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of mechanisms");
        chsm__mechanisms_response__init(r);
        r->mechanisms = arena_alloc(call->arena, n * sizeof(Chsm__MechanismInfo *));
        if (!r->mechanisms)
                return err_set(&call->err, ERR_MEMORY, "no memory for the list of mechanisms");
        for (size_t i = 0; (m = crypto_mechanism_at(i)); i++) {
                uint64_t flags = crypto_mechanism_ck_flags(m, approved_only);

                if (!flags)
                        continue;
                chsm__mechanism_info__init(&rows[i]);
                rows[i].number = crypto_mechanism_number(m);
                crypto_mechanism_sizes_under(m, approved_only, &rows[i].min_size, &rows[i].max_size);
                rows[i].flags = flags;
                rows[i].key_types =
                    (uint64_t *)(uintptr_t)crypto_mechanism_key_types(m, &rows[i].n_key_types);
                r->mechanisms[r->n_mechanisms++] = &rows[i];
        }
        call->response->mechanisms = r;
        call->response->body_case = CHSM__RESPONSE__BODY_MECHANISMS;
        return true;
}
