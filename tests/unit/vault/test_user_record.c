/* The stored form of a user: what is written reads the same, what was written before there were rights still
 * reads, and nothing else does. */
#include "test.h"
#include "vault/users.h"

static struct vault_user_view sample(void)
{
        struct vault_user_view u = { .id = 7,
                                     .role = VAULT_CU,
                                     .epoch = 3,
                                     .created_ms = 1700000000000,
                                     .name = "Anna",
                                     .key = "anna" };

        memcpy(u.password, "$pbkdf2$x", 10);
        u.rights = VAULT_RIGHTS_ALL & ~(uint32_t)(VAULT_RIGHT_WRAP | VAULT_RIGHT_MANAGE_BY_CO);
        u.quorum_key.n = VAULT_USER_KEY_MAX;
        memset(u.quorum_key.der, 0x5a, VAULT_USER_KEY_MAX);
        u.second_factor.n = 91;
        memset(u.second_factor.der, 0xa5, 91);
        return u;
}

static void what_is_written_reads_the_same(void **state)
{
        struct vault_user_view u = sample(), back;
        struct buf body = BUF_INIT;

        (void)state;
        assert_true(vault_user_encode(&u, &body));
        assert_true(vault_user_decode(buf_slice(&body), slice_str("anna"), &back));
        assert_int_equal(back.id, 7);
        assert_int_equal(back.role, VAULT_CU);
        assert_int_equal(back.epoch, 3);
        assert_string_equal(back.name, "Anna");
        assert_string_equal(back.key, "anna");
        assert_string_equal(back.password, u.password);
        assert_int_equal(back.rights, u.rights);
        assert_int_equal(back.quorum_key.n, VAULT_USER_KEY_MAX);
        assert_memory_equal(back.quorum_key.der, u.quorum_key.der, VAULT_USER_KEY_MAX);
        assert_int_equal(back.second_factor.n, 91);
        assert_memory_equal(back.second_factor.der, u.second_factor.der, 91);
        buf_clear(&body);
}

/* As the first version wrote it. */
static void first_version(struct buf *body)
{
        buf_put_u32(body, 7);
        buf_put_u8(body, VAULT_CU);
        buf_put_u64(body, 3);
        buf_put_u64(body, 1700000000000);
        buf_put_block(body, slice_str("Anna"));
        buf_put_block(body, slice_str("$pbkdf2$x"));
}

static void an_old_record_has_all_rights_and_no_keys(void **state)
{
        struct buf body = BUF_INIT;
        struct vault_user_view back;

        (void)state;
        first_version(&body);
        assert_true(vault_user_decode(buf_slice(&body), slice_str("anna"), &back));
        assert_string_equal(back.name, "Anna");
        assert_int_equal(back.rights, VAULT_RIGHTS_ALL);
        assert_int_equal(back.quorum_key.n, 0);
        assert_int_equal(back.second_factor.n, 0);
        buf_clear(&body);
}

static void no_part_of_a_record_is_one(void **state)
{
        struct vault_user_view u = sample(), back;
        struct buf body = BUF_INIT, old = BUF_INIT;

        (void)state;
        assert_true(vault_user_encode(&u, &body));
        first_version(&old);
        for (size_t n = 0; n < body.n; n++) {
                if (n != old.n)
                        assert_false(vault_user_decode(slice_of(body.p, n), slice_str("anna"), &back));
        }
        buf_put_u8(&body, 0);
        assert_false(vault_user_decode(buf_slice(&body), slice_str("anna"), &back));
        buf_put_u8(&old, 9); /* of a version nobody knows */
        assert_false(vault_user_decode(buf_slice(&old), slice_str("anna"), &back));
        buf_clear(&body);
        buf_clear(&old);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_reads_the_same),
                cmocka_unit_test(an_old_record_has_all_rights_and_no_keys),
                cmocka_unit_test(no_part_of_a_record_is_one),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
