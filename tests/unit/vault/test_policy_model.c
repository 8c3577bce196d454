/* The machine of policy_machine.c with secret keys. No state that can be reached may break a promise; and
 * with each rule switched off in turn the search must find the attack. */
#include "policy_search.c"

static void nothing_reachable_breaks_a_promise(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, SECRETS, 2, 0, false);
}

static void nor_with_three_objects(void **state)
{
        (void)state;
        holds_in(DOCUMENTED, SECRETS, 3, 6, false);
        holds_in(APART, SECRETS, 3, 6, false);
        holds_in(VERIFIED, SECRETS, 3, 0, false);
}

static void what_audit_keys_calls_protected_is_not_known(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, SECRETS, 2, 4, true);
}

static const struct needed needed[] = {
        NEEDED(DOCUMENTED, RULE_TRUST_IS_GIVEN),
        NEEDED(DOCUMENTED, RULE_UNWRAPPED_HIDDEN),
        NEEDED(DOCUMENTED, RULE_UNWRAPPED_WWT),
        NEEDED(DOCUMENTED, RULE_CHILD_HIDDEN),
        NEEDED(DOCUMENTED, RULE_CHILD_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_CHILD_WWT),
        NEEDED(DOCUMENTED, RULE_STAYS_HIDDEN),
        NEEDED(DOCUMENTED, RULE_STAYS_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_STAYS_WWT),
        NEEDED(DOCUMENTED, RULE_TRUSTED_COPY),
        NEEDED(DOCUMENTED, RULE_TRUSTED_CHANGE),
        NEEDED(DOCUMENTED, RULE_OFFICER_ONLY),
        NEEDED(DOCUMENTED, RULE_TRUSTED_ONLY_WRAPS),
        NEEDED(DOCUMENTED, RULE_TRUSTED_UNAUTHENTICATED),
        NEEDED(DOCUMENTED, RULE_WRAP_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_WRAP_ITSELF),
        NEEDED(DOCUMENTED, RULE_WRAP_UNTRUSTED),
        NEEDED(DOCUMENTED, RULE_SPOILT_IMPORTED),
        NEEDED(DOCUMENTED, RULE_SPOILT_DERIVED),
        NEEDED(DOCUMENTED, RULE_SPOILT_AGREED),
        NEEDED(DOCUMENTED, RULE_SPOILT_EXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_SPOILT_DATA),
        { VAULT_MARK_LEFT, VAULT_MARK_EXTRACTABLE, DOCUMENTED, "MARK_LEFT and MARK_EXTRACTABLE" },
        NEEDED(DOCUMENTED, MARK_DATA),
        NEEDED(DOCUMENTED, MARK_COPIED),
        NEEDED(DOCUMENTED, MARK_TRUSTED),
        NEEDED(DOCUMENTED, MARK_IMPORTED),
        NEEDED(DOCUMENTED, MARK_DERIVED),
        NEEDED(DOCUMENTED, MARK_AGREED),
        NEEDED(DOCUMENTED, MARK_SESSION),
        NEEDED(APART, RULE_USAGE),
        NEEDED(APART, RULE_TWO_ROLES),
        NEEDED(APART, RULE_KNOWN_WRAPS),
        NEEDED(APART, RULE_CHILD_WRAPS),
        NEEDED(APART, RULE_AGREED_WRAPS),
        NEEDED(APART, RULE_ROLE_GAINED),
        NEEDED(APART, MARK_ROLES),
        NEEDED(APART, MARK_LIVES),
        NEEDED(VERIFIED, RULE_BORN_PROTECTED),
        NEEDED(VERIFIED, RULE_TRUST_BORN),
};

static void without_any_rule_the_search_finds_the_attack(void **state)
{
        (void)state;
        attacks_are_found(needed, COUNT(needed), SECRETS, 3, 7);
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
