/* What is recorded of each command, and how auditors read it back. DESIGN section 5.10. */
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/udd.h"

#include <stdio.h>

#define NODES_MAX 64

static const char *role_name(enum vault_role role)
{
        static const char *const names[] = { [VAULT_CU] = "CU",
                                             [VAULT_CO] = "CO",
                                             [VAULT_AU] = "AU",
                                             [VAULT_PRECO] = "PRECO",
                                             [VAULT_RECOVERED] = "CO" };

        return (size_t)role < sizeof(names) / sizeof(names[0]) ? names[role] : NULL;
}

/* The first four bytes in hex; this is written for every signature, and printf takes its time. */
static const char *context_name(struct vault_call *call)
{
        static const char digits[] = "0123456789abcdef";
        char *text = arena_alloc(call->arena, 9);

        for (size_t i = 0; text && i < 8; i++)
                text[i] = digits[call->context[i / 2] >> (i % 2 ? 0 : 4) & 15];
        return text;
}

/* Creating an officer has a name and number of its own. */
static void documented_name(const struct vault_call *call, const char **operation, uint32_t *opcode)
{
        if (call->request->body_case != CHSM__REQUEST__BODY_CREATE_USER ||
            call->request->create_user->role != VAULT_CO)
                return;
        *operation = "CN_CREATE_CO";
        *opcode = 0x4;
}

void vault_audit_fill(struct vault_call *call, const struct vault_command *row, struct audit_record *r)
{
        *r = (struct audit_record){ .node = call->vault->config.node_name,
                                    .operation = row->operation,
                                    .opcode = row->opcode,
                                    .role = role_name(call->login.role),
                                    .peer = call->peer->address,
                                    .subject = call->subject,
                                    .object = call->object,
                                    .object2 = call->second_object,
                                    .mechanism = call->mechanism,
                                    .result = err_ckr(&call->err) };
        documented_name(call, &r->operation, &r->opcode);
        if (call->login.role != VAULT_NOBODY)
                r->user = call->login.user;
        r->udd = vault_udd(call);
        r->boot = call->vault->starts;
        if (call->request->context.len == VAULT_CONTEXT_SIZE)
                r->context = context_name(call);
        if (call->err.id) {
                r->reason = err_row(call->err.id)->name;
                r->detail = call->err.detail;
        }
}

void vault_audit_use(struct vault_call *call, const struct vault_command *row)
{
        struct audit_record record;

        if (!call->vault->deps.audit || !row->operation || call->unaudited)
                return;
        vault_audit_fill(call, row, &record);
        audit_writer_append(call->vault->deps.audit, &record);
}

bool vault_audit_may(struct vault_call *call, const struct vault_command *row)
{
        struct vault *v = call->vault;

        call->unaudited = v->deps.audit && row->operation && audit_writer_crowded(v->deps.audit);
        return !call->unaudited ||
               err_set(
                   &call->err, ERR_RETRY,
                   "node '%s' cannot write its log of key use as fast as it is asked (look at the disk of "
                   "its data_dir), and does nothing that it does not record; try another node",
                   v->config.node_name);
}

bool vault_events_may(struct vault_call *call, const struct vault_command *row)
{
        const struct vault_events *e = &call->vault->events;

        call->unrecorded = e->may && row->operation && !e->may(e->arg, &call->err);
        return !call->unrecorded;
}

void vault_events_add(struct vault_call *call, const struct vault_command *row, uint64_t duration_us)
{
        const struct vault_events *e = &call->vault->events;
        struct vault_event event;

        if (!e->add || !row || !row->operation || call->unrecorded)
                return;
        event = (struct vault_event){ .peer = call->peer,
                                      .operation = row->operation,
                                      .opcode = row->opcode,
                                      .reason = call->err.id,
                                      .duration_us = duration_us,
                                      .user = call->login.role == VAULT_NOBODY ? NULL : call->login.user,
                                      .object = call->object,
                                      .session = (uint32_t)call->context[0] << 24 |
                                                 (uint32_t)call->context[1] << 16 |
                                                 (uint32_t)call->context[2] << 8 | call->context[3] };
        documented_name(call, &event.operation, &event.opcode);
        e->add(e->arg, &event);
}

bool vault_audit_heads(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__AuditHeadsResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct vault_lane_head heads[256];
        size_t n = vault_lane_heads(v, heads, 256), uses = 0;
        Chsm__AuditHead *rows = arena_alloc(call->arena, (n + 1) * sizeof(*rows));

        if (!r || !rows)
                goto memory;
        chsm__audit_heads_response__init(r);
        r->heads = arena_alloc(call->arena, (n + NODES_MAX) * sizeof(*r->heads));
        if (!r->heads)
                goto memory;
        for (size_t i = 0; i < n; i++) {
                struct slice hash = arena_copy(call->arena, slice_of(heads[i].hash, sizeof(heads[i].hash)));
                chsm__audit_head__init(&rows[i]);
                rows[i].chain = arena_printf(call->arena, "mgmt-%02u", heads[i].lane);
                rows[i].node = heads[i].node == v->config.node_number
                                   ? arena_text(call->arena, slice_str(v->config.node_name))
                                   : arena_printf(call->arena, "%u", heads[i].node);
                rows[i].sequence = heads[i].sequence;
                rows[i].time_ms = heads[i].time_ms;
                rows[i].hash.data = (uint8_t *)(uintptr_t)hash.p;
                rows[i].hash.len = hash.n;
                if (!rows[i].chain || !rows[i].node || !hash.p)
                        goto memory;
                r->heads[i] = &rows[i];
        }
        if (!vault_use_heads(call, r->heads + n, NODES_MAX, &uses))
                return false;
        r->n_heads = n + uses;
        call->response->audit_heads = r;
        call->response->body_case = CHSM__RESPONSE__BODY_AUDIT_HEADS;
        return true;
memory:
        return err_set(&call->err, ERR_MEMORY, "no memory for the heads of the audit chains");
}
