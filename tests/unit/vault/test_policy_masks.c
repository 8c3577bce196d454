/* The machine of policy_machine.c with masked copies: whatever was taken from a key after it was masked, and
 * whatever it went through, an older copy that is inserted neither gives it back nor forgets it. */
#include "policy_search.c"

static void nothing_reachable_breaks_a_promise(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, MASKS, 2, w < VERIFIED ? 6 : 8, false);
}

static void nor_with_three_objects_or_all_that_is_remembered(void **state)
{
        (void)state;
        holds_in(DOCUMENTED, MASKS, 2, 4, true);
        holds_in(VERIFIED, MASKS, 3, 6, false);
}

static const struct needed needed[] = {
        NEEDED(DOCUMENTED, MARK_INSERTED),       NEEDED(VERIFIED, MARK_INSERTED),
        NEEDED(DOCUMENTED, RULE_INSERTED_LESS),  NEEDED(VERIFIED, RULE_INSERTED_LESS),
        NEEDED(DOCUMENTED, RULE_INSERTED_TRUST), NEEDED(VERIFIED, RULE_INSERTED_TRUST),
};

static void without_any_rule_the_search_finds_the_attack(void **state)
{
        (void)state;
        attacks_are_found(needed, COUNT(needed), MASKS, 2, 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_reachable_breaks_a_promise),
                cmocka_unit_test(nor_with_three_objects_or_all_that_is_remembered),
                cmocka_unit_test(without_any_rule_the_search_finds_the_attack),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
