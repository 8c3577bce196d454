/* Masked objects: out of the HSM and back, into clones, and every way a file can be wrong. semantics 12. */
#include "mask_calls.h"

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

static void a_deleted_key_comes_back(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1");
        struct attributes a = { .n = 0 };
        struct named key, again;
        struct given masked, before, after;
        uint8_t label[32];
        size_t n;

        add_bytes(&a, CKA_LABEL, SLICE_LIT("escrow"));
        add_bool(&a, CKA_EXTRACTABLE, false);
        add_bool(&a, CKA_ENCRYPT, true);
        assert_int_equal(make_aes(&cu1, true, &a, &key), 0);
        assert_int_equal(use_encrypt(&cu1, &key, &before), 0);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), 0);
        assert_int_equal(insert(&cu1, &masked, &again), ERR_OBJECT_EXISTS);
        assert_int_equal(destroy(&cu1, &key), 0);
        assert_int_equal(insert(&cu1, &masked, &again), 0);
        assert_int_not_equal(again.ref.handle, key.ref.handle);
        assert_int_equal(insert(&cu1, &masked, NULL), ERR_OBJECT_EXISTS);
        assert_int_equal(use_encrypt(&cu1, &again, &after), 0);
        assert_memory_equal(before.p, after.p, before.n);
        assert_int_equal(get_attribute(&cu1, &again, CKA_LABEL, label, sizeof(label), &n), 0);
        assert_int_equal(n, 6);
        assert_memory_equal(label, "escrow", 6);
        assert_int_equal(flag_of(&cu1, &again, CKA_EXTRACTABLE), 0);
        assert_int_equal(flag_of(&cu1, &again, CKA_NEVER_EXTRACTABLE), 1);
        assert_int_equal(flag_of(&cu1, &again, CKA_LOCAL), 1);
        hsm_restart(*state);
        cu1 = caller_cu(*state, "cu1");
        assert_int_equal(insert(&cu1, &masked, NULL), ERR_OBJECT_EXISTS);
}

static void both_halves_of_a_pair_go_and_come(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1");
        struct named pub, priv, again;
        struct given masked[2], signature;

        assert_int_equal(make_pair(&cu1, CKM_EC_KEY_PAIR_GEN, true, NULL, NULL, &pub, &priv), 0);
        assert_int_equal(use_sign(&cu1, &priv, CKM_ECDSA_SHA256, &signature), 0);
        assert_int_equal(mask(&cu1, pub.ref.handle, 0, &masked[0]), 0);
        assert_int_equal(mask(&cu1, priv.ref.handle, 0, &masked[1]), 0);
        assert_int_equal(destroy(&cu1, &pub), 0);
        assert_int_equal(destroy(&cu1, &priv), 0);
        assert_int_equal(insert_as(&cu1, &masked[0], true, &again), 0);
        assert_int_equal(again.ref.handle, pub.ref.handle);
        assert_int_equal(use_verify(&cu1, &pub, CKM_ECDSA_SHA256, &signature), 0);
        assert_int_equal(insert_as(&cu1, &masked[1], true, &again), 0);
        assert_int_equal(again.ref.handle, priv.ref.handle);
        assert_int_equal(use_sign(&cu1, &priv, CKM_ECDSA_SHA256, &signature), 0);
}

static void a_clone_opens_it_and_nobody_else(void **state)
{
        struct hsm *h = *state, *clone = hsm_clone(h), *stranger = hsm_ready();
        struct caller here = caller_cu(h, "cu1"), there, co, foreign = caller_cu(stranger, "cu1");
        struct attributes a = { .n = 0 };
        struct named key, copy;
        struct given masked, user, x, y;

        add_bool(&a, CKA_ENCRYPT, true);
        assert_int_equal(make_aes(&here, true, &a, &key), 0);
        assert_int_equal(share_object(&here, &key, here.user_id + 1, true), 0);
        assert_int_equal(mask(&here, key.ref.handle, 0, &masked), 0);
        assert_int_equal(insert(&foreign, &masked, NULL), ERR_MASK_FOREIGN);
        there = caller_cu(clone, "cu1");
        assert_int_equal(insert_as(&there, &masked, true, &copy), 0);
        assert_int_equal(copy.ref.handle, key.ref.handle);
        assert_int_equal(use_encrypt(&here, &key, &x), 0);
        there = caller_cu(clone, "cu2"); /* it is still shared with him */
        assert_int_equal(use_encrypt(&there, &copy, &y), 0);
        assert_memory_equal(x.p, y.p, x.n);
        /* A user who was made later, and his key. */
        co = caller_co(h);
        assert_int_equal(caller_create_user(&co, 1, "later", "user1234"), 0);
        here = caller_cu(h, "later");
        assert_int_equal(make_aes(&here, true, NULL, &key), 0);
        assert_int_equal(mask(&co, key.ref.handle, 0, &masked), 0);
        assert_int_equal(mask(&co, 0, here.user_id, &user), 0);
        co = caller_co(clone);
        assert_int_equal(insert(&co, &masked, NULL), ERR_MASK_OWNER);
        assert_int_equal(insert(&co, &user, NULL), 0);
        assert_int_equal(insert(&co, &user, NULL), ERR_USER_EXISTS);
        assert_int_equal(insert(&co, &masked, &copy), 0);
        there = caller_cu(clone, "later");
        assert_int_equal(there.user_id, here.user_id);
        assert_int_equal(destroy(&there, &copy), 0);
        hsm_free(clone);
        hsm_free(stranger);
}

static void every_flipped_bit_is_found(void **state)
{
        struct caller co = caller_co(*state), cu1 = caller_cu(*state, "cu1");
        struct named key;
        struct given masked[2], wrong;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked[0]), 0);
        assert_int_equal(mask(&co, 0, cu1.user_id, &masked[1]), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        for (size_t k = 0; k < 2; k++) {
                for (size_t bit = 0; bit < masked[k].n * 8; bit++) {
                        uint32_t reason;

                        wrong = masked[k];
                        wrong.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                        reason = insert(k ? &co : &cu1, &wrong, NULL);
                        assert_true(reason >= ERR_MASK_FORMAT && reason <= ERR_MASK_ALTERED);
                        if (bit / 8 >= 55)
                                assert_int_equal(reason, ERR_MASK_ALTERED);
                }
        }
        assert_int_equal(insert(&cu1, &masked[0], &key), 0);
}

static void cut_lengthened_and_newer_files(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1");
        struct named key;
        struct given masked, wrong;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(mask(&cu1, key.ref.handle, 0, &masked), 0);
        assert_int_equal(destroy(&cu1, &key), 0);
        for (size_t n = 1; n < masked.n; n++) {
                uint32_t reason;

                wrong = masked;
                wrong.n = n;
                reason = insert(&cu1, &wrong, NULL);
                assert_int_equal(reason, n < 10 ? ERR_MASK_FORMAT : ERR_MASK_LENGTH);
        }
        wrong = masked;
        wrong.p[wrong.n++] = 0;
        assert_int_equal(insert(&cu1, &wrong, NULL), ERR_MASK_LENGTH);
        wrong = masked;
        wrong.p[9] = 2; /* a version that is to come */
        assert_int_equal(insert(&cu1, &wrong, NULL), ERR_MASK_FORMAT);
        assert_int_equal(insert(&cu1, &masked, &key), 0);
}

static void what_is_masked_is_named_once(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1"), co = caller_co(*state);
        struct named key;
        struct given out;

        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        assert_int_equal(mask(&cu1, 0, 0, &out), ERR_ARGUMENT);
        assert_int_equal(mask(&cu1, key.ref.handle, cu1.user_id, &out), ERR_ARGUMENT);
        assert_int_equal(mask(&cu1, key.ref.handle + 1000, 0, &out), ERR_KEY_HANDLE);
        assert_int_equal(mask(&co, 0, 4711, &out), ERR_USER_ABSENT);
        assert_int_equal(mask(&co, 0, 2, &out), ERR_USER_TYPE);
}

static void data_objects_are_not_masked(void **state)
{
        struct caller cu1 = caller_cu(*state, "cu1");
        struct attributes a = { .n = 0 };
        struct named data;
        struct given out;

        add_number(&a, CKA_CLASS, CKO_DATA);
        add_bool(&a, CKA_TOKEN, true);
        add_bytes(&a, CKA_VALUE, SLICE_LIT("words"));
        assert_int_equal(create_object(&cu1, &a, &data), 0);
        assert_int_equal(mask(&cu1, data.ref.handle, 0, &out), ERR_KEY_HANDLE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_deleted_key_comes_back),
                cmocka_unit_test(both_halves_of_a_pair_go_and_come),
                cmocka_unit_test(a_clone_opens_it_and_nobody_else),
                cmocka_unit_test(every_flipped_bit_is_found),
                cmocka_unit_test(cut_lengthened_and_newer_files),
                cmocka_unit_test(what_is_masked_is_named_once),
                cmocka_unit_test(data_objects_are_not_masked),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
