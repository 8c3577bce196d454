/* The machine of policy_machine.c with splitting and joining, and keys that several users must approve. */
#include "policy_search.c"

static void nothing_reachable_breaks_a_promise(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++) {
                holds_in((enum world)w, SHARES, 2, 6, false);
                holds_in((enum world)w, APPROVED, 2, 5, false);
        }
}

static void nor_with_three_objects(void **state)
{
        (void)state;
        holds_in(DOCUMENTED, SHARES, 3, 5, false);
        holds_in(APART, SHARES, 3, 5, false);
        holds_in(VERIFIED, SHARES, 3, 7, false);
}

static void what_audit_keys_calls_protected_is_not_known(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, SHARES, 2, 4, true);
}

static const struct needed needed[] = {
        NEEDED(DOCUMENTED, RULE_QUORUM_COPY),
        NEEDED(DOCUMENTED, RULE_QUORUM_WRAP),
        NEEDED(DOCUMENTED, RULE_QUORUM_SPLIT),
        NEEDED(DOCUMENTED, RULE_CHILD_HIDDEN),
        NEEDED(DOCUMENTED, RULE_CHILD_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_CHILD_WWT),
        NEEDED(DOCUMENTED, RULE_TRUSTED_ONLY_WRAPS),
        NEEDED(DOCUMENTED, RULE_SPOILT_DERIVED),
        NEEDED(APART, RULE_CHILD_WRAPS),
};

static const struct needed passed_on[] = { NEEDED(DOCUMENTED, RULE_QUORUM_CHILD) };

static void without_any_rule_the_search_finds_the_attack(void **state)
{
        (void)state;
        attacks_are_found(needed, COUNT(needed), SHARES, 3, 6);
        attacks_are_found(passed_on, COUNT(passed_on), APPROVED, 2, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_reachable_breaks_a_promise),
                cmocka_unit_test(nor_with_three_objects),
                cmocka_unit_test(what_audit_keys_calls_protected_is_not_known),
                cmocka_unit_test(without_any_rule_the_search_finds_the_attack),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
