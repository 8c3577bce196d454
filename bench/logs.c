/* What logging costs a P-256 signature: the vault signs with and without each log, in turn, and the CPU time
 * of the whole process is compared, the logs' threads included. Through the vault's requests: without network
 * and TLS, so the shares are larger than a node's. Usage:
 * chsm-bench-logs [ROUNDS [SIGNATURES]]. docs/bench.md */
#include "hsm.h"

#include "events/events.h"
#include "vault/core.h"

#include <time.h>

enum { NONE, EVENTS, AUDIT, BOTH, KINDS };
#define ROUNDS_MAX 201

struct bench {
        struct hsm *hsm;
        struct caller cu;
        Chsm__Request request;
        struct audit_writer *audit;
        struct events *events;
        unsigned signatures;
};

static double cpu_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void event_add(void *arg, const struct vault_event *v)
{
        const struct events_event event = { .operation = v->operation,
                                            .opcode = v->opcode,
                                            .address = v->peer->address,
                                            .client = v->peer->client,
                                            .reason = v->reason,
                                            .duration_us = v->duration_us };

        events_add(arg, &event);
}

static bool event_may(void *arg, struct err *err)
{
        return events_may(arg, err);
}

static void events_settle(struct events *e, uint64_t taken)
{
        struct events_counts c = { .taken = 0 };

        while (c.taken + c.lost < taken) {
                (void)usleep(2000);
                events_counts(e, &c);
        }
        assert_int_equal(c.lost, 0);
}

/* CPU microseconds of one signature. */
static double round_run(struct bench *b, int kind)
{
        const struct vault_events on = { event_add, event_may, b->events }, off = { .add = NULL };
        struct events_counts before;
        struct err err = ERR_INIT;
        bool ticket;
        double start;

        vault_set_events(b->hsm->vault, kind == EVENTS || kind == BOTH ? &on : &off);
        vault_set_audit(b->hsm->vault, kind == AUDIT || kind == BOTH ? b->audit : NULL);
        events_counts(b->events, &before);
        start = cpu_us();
        for (unsigned i = 0; i < b->signatures; i++) {
                assert_int_equal(
                    vault_call(b->hsm->vault, &b->hsm->peer, &b->request, b->hsm->arena, &ticket)->status, 0);
                arena_reset(b->hsm->arena);
        }
        if (kind == AUDIT || kind == BOTH)
                assert_true(audit_writer_flush(b->audit, &err));
        if (kind == EVENTS || kind == BOTH)
                events_settle(b->events, before.taken + b->signatures);
        return (cpu_us() - start) / b->signatures;
}

static int ascending(const void *a, const void *b)
{
        double x, y;

        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return (x > y) - (x < y);
}

static double median(double *values, int n)
{
        qsort(values, (size_t)n, sizeof(*values), ascending);
        return values[n / 2];
}

static void logs_open(struct bench *b, char *file, char *folder)
{
        struct err err = ERR_INIT;
        struct events_config c = { .node = "hsm1",
                                   .folder = folder,
                                   .file = file,
                                   .file_max = 1 << 26,
                                   .file_keep = 1,
                                   .syslog = "",
                                   .journal = "",
                                   .url = "",
                                   .ca = "",
                                   .certificate = "",
                                   .key = "",
                                   .authorization = "",
                                   .tenant = "",
                                   .resource = "",
                                   .spool_max = 1 << 26,
                                   .batch = 100,
                                   .retry_max_s = 1 };
        struct audit_writer_config a = { .folder = folder,
                                         .node = "hsm1",
                                         .partition_id = vault_partition_id(b->hsm->vault),
                                         .crypto = b->hsm->crypto,
                                         .clock = clock_system() };

        b->events = events_open(&c, &err);
        b->audit = b->events ? audit_writer_open(&a, &err) : NULL;
        if (!b->audit)
                fail_msg("%s", err.detail);
}

static void measure(struct bench *b, int rounds)
{
        static const char *const names[KINDS] = { "no log", "operation event log", "audit log", "both" };
        static double us[KINDS][ROUNDS_MAX], share[KINDS][ROUNDS_MAX];

        for (int i = 0; i < rounds; i++) {
                for (int k = 0; k < KINDS; k++)
                        us[k][i] = round_run(b, k);
                for (int k = 0; k < KINDS; k++)
                        share[k][i] = (us[k][i] / us[NONE][i] - 1) * 100;
        }
        for (int k = 0; k < KINDS; k++)
                printf("%-20s %6.2f us of CPU a signature, %+5.1f %%\n", names[k], median(us[k], rounds),
                       median(share[k], rounds));
}

int main(int argc, char **argv)
{
        struct bench b = { .hsm = hsm_ready(), .signatures = 5000 };
        int rounds = argc > 1 ? atoi(argv[1]) : 21;
        Chsm__SignRequest in = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism mechanism = CHSM__MECHANISM__INIT;
        struct attributes priv = { .n = 0 };
        struct named public_key, private_key;
        uint8_t digest[32] = { 1 };
        char *folder = scratch_make(), file[200];

        b.signatures = argc > 2 ? (unsigned)atoi(argv[2]) : b.signatures;
        rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
        snprintf(file, sizeof(file), "%s/events.log", folder);
        strcpy(b.hsm->peer.client, "chsm-client/0.1.0");
        logs_open(&b, file, folder);
        b.cu = caller_cu(b.hsm, "cu1");
        add_bool(&priv, CKA_SIGN, true);
        assert_int_equal(make_pair(&b.cu, CKM_EC_KEY_PAIR_GEN, true, NULL, &priv, &public_key, &private_key),
                         0);
        mechanism.number = CKM_ECDSA;
        in.key = &private_key.ref;
        in.mechanism = &mechanism;
        in.data = (ProtobufCBinaryData){ sizeof(digest), digest };
        chsm__request__init(&b.request);
        b.request.sign = &in;
        b.request.body_case = CHSM__REQUEST__BODY_SIGN;
        b.request.ticket = (ProtobufCBinaryData){ b.cu.ticket_n, b.cu.ticket };
        b.request.context = (ProtobufCBinaryData){ sizeof(b.cu.context), b.cu.context };
        measure(&b, rounds);
        vault_set_audit(b.hsm->vault, NULL);
        audit_writer_close(&b.audit);
        events_close(&b.events);
        hsm_free(b.hsm);
        scratch_remove(folder);
        return 0;
}
