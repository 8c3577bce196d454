/* auditKeys: every token key's exposure. Crypto users ask about their own keys, officers about all. */
#include "ck/encoding.h"
#include "vault/key_advice.h"
#include "vault/policy.h"
#include "vault/policy_exposure.h"

#define PAGE 128

static bool is_key(const struct vault_object *o)
{
        return o->object_class == CKO_SECRET_KEY || o->object_class == CKO_PRIVATE_KEY ||
               o->object_class == CKO_PUBLIC_KEY;
}

static bool describe(struct vault_call *call, const struct vault_object *o,
                     const struct vault_advice_limits *limits, Chsm__AuditedKey *row)
{
        struct vault_settings settings = vault_settings_now(call->vault);
        struct vault_key_facts facts = vault_policy_facts(o);
        struct vault_exposure_report report;
        uint64_t bytes = 0;

        if (o->object_class == CKO_SECRET_KEY &&
            ck_value_number(vault_object_attribute(o, CKA_VALUE_LEN), &bytes))
                facts.strength = (uint32_t)bytes * 8;
        report = vault_exposure_of(&settings, &facts);
        chsm__audited_key__init(row);
        row->handle = o->handle;
        row->owner = o->owner;
        row->object_class = o->object_class;
        row->key_type = o->key_type;
        row->label = arena_text(call->arena, vault_object_attribute(o, CKA_LABEL));
        row->exposure = (char *)(uintptr_t)report.name;
        row->path = (char *)(uintptr_t)report.path;
        row->note = (char *)(uintptr_t)report.note;
        return row->label && vault_advice_give(call, o, limits, &row->advice, &row->n_advice);
}

bool vault_audit_keys(struct vault_call *call)
{
        const Chsm__AuditKeysRequest *in = call->request->audit_keys;
        Chsm__AuditKeysResponse *r = arena_alloc(call->arena, sizeof(*r));
        Chsm__AuditedKey *rows = arena_alloc(call->arena, PAGE * sizeof(*rows));
        struct vault_advice_limits limits = vault_advice_limits_of(in);
        uint32_t user = call->login.role == VAULT_CU ? call->login.user_id : 0;
        struct vault_object *page[PAGE];
        bool more, ok = r && rows;
        size_t n;

        if (r) {
                chsm__audit_keys_response__init(r);
                r->keys = arena_alloc(call->arena, PAGE * sizeof(Chsm__AuditedKey *));
        }
        if (!ok || !r->keys)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        vault_objects_list(call->vault, user, in->after > UINT32_MAX ? UINT32_MAX : (uint32_t)in->after, PAGE,
                           page, &n, &more);
        for (size_t i = 0; i < n; i++) {
                r->next = page[i]->handle;
                if (is_key(page[i]) && (!user || page[i]->owner == user)) {
                        ok = ok && describe(call, page[i], &limits, &rows[r->n_keys]);
                        r->keys[r->n_keys] = &rows[r->n_keys];
                        r->n_keys++;
                }
                vault_object_unref(&page[i]);
        }
        r->more = more;
        ok = ok && (in->after || vault_advice_give(call, NULL, &limits, &r->partition, &r->n_partition));
        call->response->audit_keys = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUDIT_KEYS;
        return ok || err_set(&call->err, ERR_MEMORY, "no memory for the answer");
}
