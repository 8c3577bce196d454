/* What is written with a change: retries get the first answer, records chain, edited records are noticed. */
#include "hsm.h"

#include "audit/audit.h"

#include <pthread.h>

static int begin(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static Chsm__Request request_aes(Chsm__GenerateKeyRequest *in, Chsm__Mechanism *m, struct attributes *a,
                                 Chsm__Attribute **list)
{
        Chsm__Request r = CHSM__REQUEST__INIT;

        chsm__generate_key_request__init(in);
        chsm__mechanism__init(m);
        m->number = CKM_AES_KEY_GEN;
        add_bool(a, CKA_TOKEN, true);
        add_number(a, CKA_VALUE_LEN, 16);
        for (size_t i = 0; i < a->n; i++)
                list[i] = &a->rows[i];
        in->mechanism = m;
        in->template_ = list;
        in->n_template_ = a->n;
        r.generate_key = in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        return r;
}

static void a_retry_makes_one_key(void **state)
{
        struct hsm *h = *state;
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");
        struct attributes a = { .n = 0 }, wanted = { .n = 0 };
        Chsm__GenerateKeyRequest in;
        Chsm__Mechanism m;
        Chsm__Attribute *list[4];
        Chsm__Request r = request_aes(&in, &m, &a, list);
        const uint8_t key[16] = { 1, 2, 3 };
        uint64_t handle;

        handle = ask_again(&cu, &r, key)->object->handle;
        assert_int_equal(ask_again(&cu, &r, key)->object->handle, handle);
        hsm_restart(h);
        assert_int_equal(ask_again(&cu, &r, key)->object->handle, handle);
        assert_int_equal(count_objects(&cu, &wanted), 1);
        assert_int_equal(ask_again(&other, &r, key)->status, CKR_ARGUMENTS_BAD);
        h->wall_ms += 12 * 3600 * 1000; /* a clock that was set makes nothing older */
        other = caller_cu(h, "cu2");
        assert_int_equal(ask(&other, &r)->status, 0);
        assert_int_equal(ask_again(&cu, &r, key)->object->handle, handle);
        h->mono_more += 11 * 60 * 1000; /* past its life, the next change drops it */
        cu = caller_cu(h, "cu1");
        assert_int_not_equal(ask(&cu, &r)->object->handle, handle);
        assert_int_not_equal(ask_again(&cu, &r, key)->object->handle, handle);
}

struct worker {
        struct hsm h; /* a copy with an arena of its own */
        struct caller caller;
        pthread_t thread;
        unsigned made;
};

static void *work(void *arg)
{
        struct worker *w = arg;

        for (int i = 0; i < 40; i++) {
                struct attributes a = { .n = 0 };
                Chsm__GenerateKeyRequest in;
                Chsm__Mechanism m;
                Chsm__Attribute *list[4];
                Chsm__Request r = request_aes(&in, &m, &a, list);
                uint8_t key[16] = { 9, (uint8_t)i };

                memcpy(key + 4, w->caller.context, 8);
                w->made += ask_again(&w->caller, &r, key)->status == 0;
        }
        return NULL;
}

static void many_threads_make_keys_at_once(void **state)
{
        struct hsm *h = *state;
        struct worker workers[8];
        struct caller cu = caller_cu(h, "cu2");
        struct attributes wanted = { .n = 0 };
        size_t before = count_objects(&cu, &wanted);

        for (int i = 0; i < 8; i++) {
                workers[i] = (struct worker){ .h = *h };
                workers[i].h.arena = arena_new(64 * 1024, 1 << 20);
                workers[i].caller = caller_cu(h, "cu2");
                workers[i].caller.hsm = &workers[i].h;
        }
        for (int i = 0; i < 8; i++)
                assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        for (int i = 0; i < 8; i++) {
                pthread_join(workers[i].thread, NULL);
                arena_free(&workers[i].h.arena);
                assert_int_equal(workers[i].made, 40);
        }
        assert_int_equal(count_objects(&cu, &wanted), before + 320);
        hsm_restart(h);
        assert_int_equal(count_objects(&cu, &wanted), before + 320);
}

/* Every management chain verifies from its first record to the head the node tells. */
static void management_chains_verify(void **state)
{
        struct hsm *h = *state;
        struct caller co = caller_co(h);
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__AuditHeadsRequest heads = CHSM__AUDIT_HEADS_REQUEST__INIT;
        Chsm__AuditRecordsRequest records = CHSM__AUDIT_RECORDS_REQUEST__INIT;
        const Chsm__Response *response;
        uint8_t head[32], id[16];
        uint64_t sequence;
        char chain[16];

        r.partition_info = &(Chsm__PartitionInfoRequest)CHSM__PARTITION_INFO_REQUEST__INIT;
        r.body_case = CHSM__REQUEST__BODY_PARTITION_INFO;
        memcpy(id, ask(&co, &r)->partition_info->partition_id.data, 16);
        r.audit_heads = &heads;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_HEADS;
        response = ask(&co, &r);
        assert_int_equal(response->status, 0);
        assert_true(response->audit_heads->n_heads > 0);
        strcpy(chain, response->audit_heads->heads[0]->chain);
        sequence = response->audit_heads->heads[0]->sequence;
        memcpy(head, response->audit_heads->heads[0]->hash.data, 32);
        records.chain = chain;
        records.limit = 100000;
        r.audit_records = &records;
        r.body_case = CHSM__REQUEST__BODY_AUDIT_RECORDS;
        response = ask(&co, &r);
        assert_int_equal(response->status, 0);
        {
                struct audit_verify verify = { .crypto = h->crypto, .next_sequence = 1 };
                struct slice lines =
                    slice_of(response->audit_records->lines.data, response->audit_records->lines.len);

                assert_true(audit_genesis(h->crypto, slice_of(id, 16), "hsm1", chain, verify.expected));
                if (!audit_verify_lines(&verify, lines, &h->err))
                        fail_msg("%s", h->err.detail);
                if (!response->audit_records->more) {
                        assert_int_equal(verify.records, sequence);
                        assert_memory_equal(verify.expected, head, 32);
                }
                lines.p = memcpy(arena_alloc(h->arena, lines.n), lines.p, lines.n);
                ((uint8_t *)(uintptr_t)lines.p)[lines.n / 2] ^= 1;
                verify = (struct audit_verify){ .crypto = h->crypto, .next_sequence = 1 };
                assert_true(audit_genesis(h->crypto, slice_of(id, 16), "hsm1", chain, verify.expected));
                assert_false(audit_verify_lines(&verify, lines, &h->err));
        }
}

static void edited_records_keep_the_node_shut(void **state)
{
        static const char *const keys[] = { "u/cu1", "p/users", "c/\4" };

        (void)state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                struct store_op op = { STORE_PUT, slice_str(keys[i]),
                                       SLICE_LIT("\1 something else of some length") };
                struct store_result result;
                struct hsm *h = hsm_ready();
                struct caller cu = caller_new(h);

                assert_int_equal(store_txn(h->store, NULL, 0, &op, 1, 1000, &result, &h->err), STORE_OK);
                assert_int_not_equal(caller_login(&cu, 1, "cu2", "user1234"), 0); /* from then on */
                hsm_free(h);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_retry_makes_one_key),
                cmocka_unit_test(many_threads_make_keys_at_once),
                cmocka_unit_test(management_chains_verify),
                cmocka_unit_test(edited_records_keep_the_node_shut),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
