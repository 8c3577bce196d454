/* The index against the plain way: look at every object. */
#include "test.h"

#include "ck/encoding.h"
#include "vault/index.h"
#include "vault/index_table.h"

static uint64_t state_of_random = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
        state_of_random ^= state_of_random << 13;
        state_of_random ^= state_of_random >> 7;
        state_of_random ^= state_of_random << 17;
        return (uint32_t)(state_of_random % n);
}

/* ---- lists of handles ---- */

#define HANDLES 20000

static void lists_stay_sorted(void **state)
{
        static bool is[HANDLES + 1];
        struct vault_posting p = { 0 };
        size_t n = 0;

        (void)state;
        memset(is, 0, sizeof(is));
        for (int step = 0; step < 120000; step++) {
                uint32_t h = 1 + random_below(HANDLES);
                bool add = random_below(10) < (step < 60000 ? 7u : 4u);

                if (add)
                        assert_true(vault_posting_add(&p, h));
                else
                        vault_posting_remove(&p, h);
                if (add != is[h])
                        n = add ? n + 1 : n - 1;
                is[h] = add;
                assert_int_equal(p.n, n);
        }
        for (uint32_t after = 0; after < HANDLES; after += 997) {
                struct vault_cursor c = vault_posting_after(&p, after);
                uint32_t h;

                for (uint32_t wanted = after + 1; wanted <= HANDLES; wanted++) {
                        if (!is[wanted])
                                continue;
                        assert_true(vault_cursor_peek(&c, &h));
                        assert_int_equal(h, wanted);
                        vault_cursor_next(&c);
                }
                assert_false(vault_cursor_peek(&c, &h));
        }
        for (uint32_t h = 1; h <= HANDLES; h++)
                vault_posting_remove(&p, h);
        assert_int_equal(p.n, 0);
        vault_posting_clear(&p);
}

static void new_handles_fill_whole_chunks(void **state)
{
        struct vault_posting p = { 0 };

        (void)state;
        for (uint32_t h = 1; h <= 100 * 1024; h++)
                assert_true(vault_posting_add(&p, h));
        assert_int_equal(p.n, 100 * 1024);
        assert_true(p.chunk_count <= 101);
        vault_posting_clear(&p);
}

/* ---- names ---- */

static void names_come_and_go(void **state)
{
        enum { NAMES = 5000, MOST = 4 };
        static bool is[NAMES][MOST];
        struct vault_table *t = vault_table_new();
        struct vault_cursor c;
        uint32_t h;

        (void)state;
        memset(is, 0, sizeof(is));
        for (int step = 0; step < 200000; step++) {
                uint32_t i = random_below(NAMES), k = random_below(MOST);
                uint64_t name = vault_table_name(7, i % 3, slice_of(&i, sizeof(i)));

                is[i][k] = random_below(2);
                if (is[i][k])
                        assert_true(vault_table_add(t, name, k + 1));
                else
                        vault_table_remove(t, name, k + 1);
        }
        for (uint32_t i = 0; i < NAMES; i++) {
                size_t n = 0, found;

                found = vault_table_find(t, vault_table_name(7, i % 3, slice_of(&i, sizeof(i))), 0, &c);
                for (uint32_t k = 0; k < MOST; k++) {
                        if (!is[i][k])
                                continue;
                        n++;
                        assert_true(vault_cursor_peek(&c, &h));
                        assert_int_equal(h, k + 1);
                        vault_cursor_next(&c);
                }
                assert_false(vault_cursor_peek(&c, &h));
                assert_int_equal(found, n);
        }
        vault_table_free(&t);
}

/* ---- searches ---- */

enum { OBJECTS = 4000, USERS = 4 };

static const uint64_t numbers[] = { CKA_VALUE_LEN, CKA_KEY_GEN_MECHANISM };
static const uint64_t texts[] = { CKA_LABEL, CKA_ID, CKA_SUBJECT };
static const uint64_t bools[] = { CKA_TOKEN, CKA_SIGN, CKA_DERIVE, CKA_LOCAL, CKA_TRUSTED, CKA_DECAPSULATE };

struct values {
        struct vault_template t;
        uint8_t bytes[16][8];
};

static void add(struct values *v, uint64_t type, size_t n, uint32_t value)
{
        uint8_t *p = v->bytes[v->t.n];

        memset(p, 0, 8);
        if (n)
                p[n - 1] = (uint8_t)value;
        v->t.items[v->t.n++] = (struct vault_attribute){ type, slice_of(p, n) };
}

static int by_type(const void *a, const void *b)
{
        uint64_t x = ((const struct vault_attribute *)a)->type, y = ((const struct vault_attribute *)b)->type;

        return x < y ? -1 : x > y;
}

/* Attributes in a random mood; few values, so that much is equal. */
static void moody(struct values *v, uint32_t chance, uint32_t chance_of_bools)
{
        for (size_t i = 0; i < 2; i++) {
                if (random_below(10) < chance)
                        add(v, numbers[i], 8, random_below(3));
        }
        for (size_t i = 0; i < 3; i++) {
                if (random_below(10) < chance)
                        add(v, texts[i], random_below(4) ? 2 : 0, random_below(i == 1 ? 200 : 5));
        }
        for (size_t i = 0; i < 6; i++) {
                if (random_below(10) < chance_of_bools)
                        add(v, bools[i], 1, random_below(2));
        }
        qsort(v->t.items, v->t.n, sizeof(v->t.items[0]), by_type);
}

static struct vault_object *object_new(uint32_t handle)
{
        static const uint64_t classes[] = { CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_DATA };
        struct vault_object_parts parts = { .object_class = classes[random_below(4)],
                                            .key_type = random_below(2) ? CKK_AES : CKK_EC,
                                            .owner = 1 + random_below(USERS) };
        uint32_t shared[1] = { 1 + random_below(USERS) };
        struct values v = { .t = { .n = 0 } };
        struct vault_object *o;
        struct sec *plain;
        struct err err = ERR_INIT;

        add(&v, CKA_CLASS, 8, (uint32_t)parts.object_class);
        add(&v, CKA_PRIVATE, 1, random_below(2));
        moody(&v, 9, 10);
        parts.shared = shared;
        parts.shared_count = shared[0] != parts.owner && random_below(4) == 0;
        parts.attributes = v.t.items;
        parts.attribute_count = v.t.n;
        plain = vault_object_encode(&parts);
        o = vault_object_decode(sec_slice(plain), &err);
        sec_free(&plain);
        assert_non_null(o);
        o->handle = handle;
        return o;
}

static bool sees(const struct vault_object *o, uint32_t user)
{
        if (!user)
                return !(o->flags & VAULT_PRIVATE);
        return o->owner == user || vault_object_is_shared_with(o, user) || !(o->flags & VAULT_PRIVATE) ||
               o->object_class == CKO_PUBLIC_KEY;
}

static bool has_all(const struct vault_object *o, const struct vault_template *t)
{
        for (size_t i = 0; i < t->n; i++) {
                if (!slice_equal(vault_object_attribute(o, t->items[i].type), t->items[i].value) ||
                    !vault_attribute_find(o->attributes, o->attribute_count, t->items[i].type))
                        return false;
        }
        return true;
}

/* Compares one search; returns how many candidates it cost, *found how many objects it found. */
static size_t search(struct vault_index *x, struct vault_object **all, uint32_t user,
                     const struct vault_template *t, uint32_t after, size_t *found)
{
        struct vault_walk w;
        uint32_t h, next = after + 1;
        size_t candidates = 0;

        *found = 0;
        vault_index_search(x, user, t, after, &w);
        while (vault_walk_next(&w, &h)) {
                assert_true(h >= next && h <= OBJECTS && all[h]);
                assert_true(sees(all[h], user)); /* other people's are not even looked at */
                for (; next < h; next++)
                        assert_false(all[next] && sees(all[next], user) && has_all(all[next], t));
                next = h + 1;
                candidates++;
                *found += has_all(all[h], t);
        }
        for (; next <= OBJECTS; next++)
                assert_false(all[next] && sees(all[next], user) && has_all(all[next], t));
        return candidates;
}

static void fill(struct vault_index *x, struct vault_object **all)
{
        for (int step = 0; step < 3 * OBJECTS; step++) {
                uint32_t h = 1 + random_below(OBJECTS);

                if (all[h]) {
                        vault_index_remove(x, all[h]);
                        vault_object_unref(&all[h]);
                } else {
                        all[h] = object_new(h);
                        assert_true(vault_index_add(x, all[h]));
                }
        }
}

static void searches_find_what_is_there(void **state)
{
        static struct vault_object *all[OBJECTS + 1];
        struct vault_index *x = vault_index_new();
        struct vault_template none = { .n = 0 };
        size_t found;

        (void)state;
        fill(x, all);
        for (int round = 0; round < 1500; round++) {
                struct values v = { .t = { .n = 0 } };
                uint32_t user = random_below(USERS + 1);
                bool kind = random_below(3) == 0;
                size_t candidates;

                if (kind || random_below(3) == 0)
                        add(&v, CKA_CLASS, 8, random_below(5));
                moody(&v, kind ? 0 : 3, kind ? 10 : 2);
                candidates = search(x, all, user, &v.t, random_below(3) ? 0 : random_below(OBJECTS), &found);
                if (kind)
                        assert_int_equal(candidates, found); /* nothing is looked at in vain */
        }
        (void)search(x, all, 1, &none, 0, &found);
        assert_true(found > 0);
        for (uint32_t h = 1; h <= OBJECTS; h++) {
                if (all[h])
                        vault_index_remove(x, all[h]);
                vault_object_unref(&all[h]);
        }
        for (uint32_t user = 0; user <= USERS; user++) {
                assert_int_equal(search(x, all, user, &none, 0, &found), 0);
                assert_int_equal(vault_index_owned(x, user), 0);
        }
        vault_index_free(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_stay_sorted),
                cmocka_unit_test(new_handles_fill_whole_chunks),
                cmocka_unit_test(names_come_and_go),
                cmocka_unit_test(searches_find_what_is_there),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
