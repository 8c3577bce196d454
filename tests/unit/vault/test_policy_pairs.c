/* The machine of policy_machine.c whose first key is a pair of RSA or of a curve: asymmetric wrapping, public
 * keys from outside, trusted pairs, agreement. */
#include "policy_search.c"

static void nothing_reachable_breaks_a_promise(void **state)
{
        (void)state;
        holds_in(DOCUMENTED, PAIRS, 3, 6, false);
        holds_in(APART, PAIRS, 3, 7, false);
        holds_in(VERIFIED, PAIRS, 3, 0, false);
        holds_in(STRICT, PAIRS, 3, 0, false);
}

static void nor_with_four_objects(void **state)
{
        (void)state;
        holds_in(DOCUMENTED, PAIRS, 4, 5, false);
        holds_in(APART, PAIRS, 4, 6, false);
        holds_in(VERIFIED, PAIRS, 4, 7, false);
}

static void what_audit_keys_calls_protected_is_not_known(void **state)
{
        (void)state;
        for (int w = 0; w < WORLDS; w++)
                holds_in((enum world)w, PAIRS, 3, w == DOCUMENTED ? 3 : 4, true);
}

/* The rules that only another one stands behind, and those about the same attack of secret keys, are in
 * test_policy_model.c. Raw RSA with a key that unwraps breaks no promise of the model, as what such a key
 * wraps counts as known to its owner: tests/attacks, E06. */
static const struct needed needed[] = {
        NEEDED(DOCUMENTED, RULE_TRUST_IS_GIVEN),
        NEEDED(DOCUMENTED, RULE_OFFICER_ONLY),
        NEEDED(DOCUMENTED, RULE_UNWRAPPED_HIDDEN),
        NEEDED(DOCUMENTED, RULE_STAYS_HIDDEN),
        NEEDED(DOCUMENTED, RULE_STAYS_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_STAYS_WWT),
        NEEDED(DOCUMENTED, RULE_CHILD_WWT),
        NEEDED(DOCUMENTED, RULE_CHILD_HIDDEN),
        NEEDED(DOCUMENTED, RULE_CHILD_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_WRAP_UNEXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_SPOILT_HALF),
        NEEDED(DOCUMENTED, RULE_SPOILT_IMPORTED),
        NEEDED(DOCUMENTED, RULE_SPOILT_EXTRACTABLE),
        NEEDED(DOCUMENTED, RULE_SPOILT_DATA),
        { VAULT_RULE_SPOILT_DERIVED, VAULT_RULE_SPOILT_AGREED, DOCUMENTED,
          "SPOILT_DERIVED and SPOILT_AGREED" },
        { VAULT_MARK_DERIVED, VAULT_MARK_AGREED, DOCUMENTED, "MARK_DERIVED and MARK_AGREED" },
        NEEDED(DOCUMENTED, RULE_TRUSTED_COPY),
        NEEDED(DOCUMENTED, RULE_TRUSTED_CHANGE),
        NEEDED(DOCUMENTED, MARK_HALF),
        NEEDED(APART, RULE_SENT_WRAPS),
        { VAULT_RULE_WRAP_KNOWN, VAULT_RULE_KNOWN_WRAPS, APART, "WRAP_KNOWN and KNOWN_WRAPS" },
        NEEDED(APART, RULE_TWO_ROLES),
        NEEDED(APART, RULE_ROLE_GAINED),
        NEEDED(APART, RULE_CHILD_WRAPS),
        NEEDED(APART, RULE_AGREED_WRAPS),
        NEEDED(APART, MARK_ROLES),
        NEEDED(APART, MARK_LIVES),
        NEEDED(VERIFIED, RULE_BORN_PROTECTED),
        NEEDED(VERIFIED, RULE_TRUST_BORN),
};

static void without_any_rule_the_search_finds_the_attack(void **state)
{
        (void)state;
        attacks_are_found(needed, COUNT(needed), PAIRS, 3, 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_reachable_breaks_a_promise),
                cmocka_unit_test(nor_with_four_objects),
                cmocka_unit_test(what_audit_keys_calls_protected_is_not_known),
                cmocka_unit_test(without_any_rule_the_search_finds_the_attack),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
