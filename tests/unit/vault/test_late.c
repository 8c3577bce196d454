/* A node that is behind: what it may say, how long it may wait, and what it must not forget. */
#include "late.h"
#include "people.h"

#include "base/clock.h"

#include <pthread.h>

struct both {
        struct hsm *first, *second;
        struct late *news;
};

static int setup(void **state)
{
        struct both *b = calloc(1, sizeof(*b));

        b->first = hsm_ready();
        b->second = late_node(b->first, &b->news);
        *state = b;
        return 0;
}

static int teardown(void **state)
{
        struct both *b = *state;

        late_free(b->second);
        hsm_free(b->first);
        free(b);
        return 0;
}

static int64_t now(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

static Chsm__Request find_request(Chsm__FindObjectsRequest *in, int64_t min_revision)
{
        Chsm__Request r = CHSM__REQUEST__INIT;

        chsm__find_objects_request__init(in);
        r.find_objects = in;
        r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        r.min_revision = min_revision;
        return r;
}

static int64_t revision_of(struct caller *c)
{
        Chsm__FindObjectsRequest in;
        Chsm__Request r = find_request(&in, 0);

        return ask(c, &r)->revision;
}

/* A login just given by one node, shown to another that has not heard of the user: it is told to come again,
 * not that his login is no good. */
static void new_login_is_not_refused_by_a_late_node(void **state)
{
        struct both *b = *state;
        struct caller co = caller_co(b->first), cu, moved;
        Chsm__FindObjectsRequest in;
        Chsm__Request r;

        late_hold(b->news);
        assert_int_equal(caller_create_user(&co, 1, "fresh", "user1234"), 0);
        cu = caller_cu(b->first, "fresh");
        moved = cu;
        moved.hsm = b->second;
        r = find_request(&in, revision_of(&cu));
        assert_int_equal(ask(&moved, &r)->reason, ERR_RETRY);
        late_let_go(b->news);
        assert_int_equal(ask(&moved, &r)->status, 0);
        r.min_revision = 0;
        moved.ticket[20] ^= 1;
        assert_int_equal(ask(&moved, &r)->reason, ERR_TICKET);
}

/* Waiting is for callers with a ticket of the partition, and not in an event loop. */
static void event_loops_do_not_wait_for_what_anybody_says(void **state)
{
        struct both *b = *state;
        struct caller nobody = caller_new(b->first), cu = caller_cu(b->first, "cu1"), forger = cu;
        Chsm__FindObjectsRequest in;
        Chsm__Request r = find_request(&in, INT64_C(1) << 39);
        int64_t began = now();

        forger.ticket[30] ^= 1;
        for (int i = 0; i < 60; i++) {
                assert_int_equal(ask(&nobody, &r)->reason, ERR_RETRY);
                assert_int_equal(ask(&forger, &r)->reason, ERR_TICKET);
        }
        assert_true(now() - began < 1500); /* 120 waits would be 6 s */
        assert_int_equal(ask(&cu, &r)->reason, ERR_RETRY);
        assert_int_equal(vault_cost(b->first->vault, &r), VAULT_COMMIT); /* the ticket is still in it */
        r.min_revision = 0;
        assert_int_equal(vault_cost(b->first->vault, &r), VAULT_INLINE);
}

/* The answer to a change tells its revision, also when the node's own memory is not there yet. */
static void answer_tells_the_revision_of_its_change(void **state)
{
        struct both *b = *state;
        struct caller cu = caller_cu(b->first, "cu1"), moved = cu;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes a = { .n = 0 };
        const Chsm__Response *response;
        int64_t told;

        moved.hsm = b->second;
        m.number = CKM_AES_KEY_GEN;
        add_bool(&a, CKA_TOKEN, true);
        add_number(&a, CKA_VALUE_LEN, 16);
        in.mechanism = &m;
        attributes_lend(&a, &in.template_, &in.n_template_);
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        late_hold(b->news);
        response = ask(&moved, &r);
        assert_int_equal(response->status, 0);
        told = response->revision;
        assert_int_equal(told, revision_of(&cu));
        late_let_go(b->news);
}

/* News that stays away while changes conflict: the caller is told in the time of a transaction. */
static void conflicts_end_in_time_when_news_stays_away(void **state)
{
        struct both *b = *state;
        struct caller one = caller_new(b->first), two = caller_new(b->second);
        int64_t began;

        late_hold(b->news);
        assert_int_not_equal(caller_login(&one, 1, "cu1", "wrong-word"), 0);
        began = now();
        assert_int_not_equal(caller_login(&two, 1, "cu1", "user1234"), 0);
        assert_true(now() - began < 5000); /* 200 tries of 300 ms would be a minute */
        late_let_go(b->news);
        assert_int_equal(caller_login(&two, 1, "cu1", "user1234"), 0);
}

/* A node whose clock is a day ahead does not throw away what another one's retries need. */
static void a_clock_ahead_drops_no_answers(void **state)
{
        struct both *b = *state;
        struct caller cu = caller_cu(b->first, "cu1"), other;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        struct attributes a = { .n = 0 };
        const uint8_t key[16] = { 7, 7 };
        struct named made;
        uint64_t handle;

        m.number = CKM_AES_KEY_GEN;
        add_bool(&a, CKA_TOKEN, true);
        add_number(&a, CKA_VALUE_LEN, 16);
        in.mechanism = &m;
        attributes_lend(&a, &in.template_, &in.n_template_);
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        handle = ask_again(&cu, &r, key)->object->handle;
        b->second->wall_ms += INT64_C(86400000);
        other = caller_cu(b->second, "cu2");
        for (int i = 0; i < 20; i++)
                assert_int_equal(make_aes(&other, true, NULL, &made), 0);
        assert_int_equal(ask_again(&cu, &r, key)->object->handle, handle);
}

/* Neither a deletion that has not heard of a key nor a key whose maker was deleted leaves a key without its
 * owner. */
static void no_key_is_left_without_its_owner(void **state)
{
        struct both *b = *state;
        struct caller co = caller_co(b->first), elsewhere = co, cu1 = caller_cu(b->first, "cu1"), cu2;
        struct named key;

        elsewhere.hsm = b->second;
        cu2 = caller_cu(b->first, "cu2");
        late_hold(b->news);
        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_not_equal(delete_user(&elsewhere, 1, "cu1"), 0);
        assert_int_equal(delete_user(&co, 1, "cu2"), 0);
        cu2.hsm = b->second;
        assert_int_not_equal(make_aes(&cu2, true, NULL, &key), 0);
        late_let_go(b->news);
        assert_int_not_equal(delete_user(&elsewhere, 1, "cu1"), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(delete_user(&elsewhere, 1, "cu1"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(new_login_is_not_refused_by_a_late_node),
                TEST(event_loops_do_not_wait_for_what_anybody_says),
                TEST(answer_tells_the_revision_of_its_change),
                TEST(conflicts_end_in_time_when_news_stays_away),
                TEST(a_clock_ahead_drops_no_answers),
                TEST(no_key_is_left_without_its_owner),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
