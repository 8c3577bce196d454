/* Keys of files come in under the user KEK: what the KEK must be, and what the new key is. */
#include "calls.h"
#include "vault/right.h"

struct scene {
        struct hsm *hsm;
        struct caller cu, officer;
        struct named kek;
};

static const uint8_t value[32] = "a value known outside, 32 bytes";

static struct scene *scene_new(const char *profile, bool extractable)
{
        struct scene *s = calloc(1, sizeof(*s));
        struct attributes a = { .n = 0 };

        s->hsm = hsm_ready_as(profile);
        s->cu = caller_cu(s->hsm, "cu1");
        s->officer = caller_co(s->hsm);
        if (strcmp(profile, "documented") == 0)
                add_bool(&a, CKA_ENCRYPT, true);
        add_bool(&a, CKA_WRAP, true);
        add_bool(&a, CKA_UNWRAP, true);
        add_bool(&a, CKA_EXTRACTABLE, extractable);
        assert_int_equal(make_aes(&s->cu, true, &a, &s->kek), 0);
        assert_int_equal(set_bool(&s->officer, &s->kek, CKA_TRUSTED, true), 0);
        return s;
}

static void scene_free(struct scene *s)
{
        hsm_free(s->hsm);
        free(s);
}

/* An AES key of `value`; the answer's reason is in hsm->err. more may be NULL. */
static uint32_t import(struct scene *s, struct named *kek, struct attributes *more, bool wrapped,
                       struct named *out, struct given *blob)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ImportKeyRequest in = CHSM__IMPORT_KEY_REQUEST__INIT;
        struct attributes none = { .n = 0 };
        struct attributes *a = more ? more : &none;
        const Chsm__Response *r;

        in.kek = &kek->ref;
        in.value = (ProtobufCBinaryData){ sizeof(value), (uint8_t *)(uintptr_t)value };
        in.wrapped = wrapped;
        in.unique_id = true;
        add_number(a, CKA_CLASS, CKO_SECRET_KEY);
        add_number(a, CKA_KEY_TYPE, CKK_AES);
        attributes_lend(a, &in.template_, &in.n_template_);
        request.import_key = &in;
        request.body_case = CHSM__REQUEST__BODY_IMPORT_KEY;
        r = ask(&s->cu, &request);
        if (r->status == 0) {
                name_object(out, r->import_key->object);
                if (blob) {
                        blob->n = r->import_key->wrapped.len;
                        memcpy(blob->p, r->import_key->wrapped.data, blob->n);
                }
        }
        return r->status;
}

static void documented(void **state)
{
        struct scene *s = scene_new("documented", true);
        struct named key, w;

        (void)state;
        assert_int_equal(import(s, &s->kek, NULL, false, &key, NULL), 0);
        assert_int_equal(flag_of(&s->cu, &key, CKA_SENSITIVE), 1);
        assert_int_equal(flag_of(&s->cu, &key, CKA_WRAP_WITH_TRUSTED), 1);
        assert_int_equal(flag_of(&s->cu, &key, CKA_LOCAL), 0);
        assert_int_equal(flag_of(&s->cu, &key, CKA_ALWAYS_SENSITIVE), 0);
        assert_int_equal(flag_of(&s->cu, &key, CKA_NEVER_EXTRACTABLE), 0);
        /* and it stays inside: the KEK could have left, and no untrusted key takes it out */
        assert_int_equal(make_aes(&s->cu, false, NULL, &w), 0);
        assert_int_not_equal(use_wrap(&s->cu, &w, &key, &(struct given){ .n = 0 }), 0);
        assert_int_equal(use_wrap(&s->cu, &s->kek, &key, &(struct given){ .n = 0 }),
                         CKR_WRAPPING_KEY_HANDLE_INVALID);
        scene_free(s);
}

static void looser(void **state)
{
        struct scene *s = scene_new("documented", true);
        struct attributes off = { .n = 0 }, open = { .n = 0 };
        size_t before = count_objects(&s->cu, NULL);
        struct named key;

        (void)state;
        add_bool(&off, CKA_WRAP_WITH_TRUSTED, false);
        assert_int_equal(import(s, &s->kek, &off, false, &key, NULL), CKR_TEMPLATE_INCONSISTENT);
        add_bool(&open, CKA_SENSITIVE, false);
        assert_int_equal(import(s, &s->kek, &open, false, &key, NULL), CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(count_objects(&s->cu, NULL), before);
        scene_free(s);
}

/* The wrapped copy leaves as with C_WrapKey, or nothing happens. */
static void wrapped_copy(void **state)
{
        struct scene *s = scene_new("documented", false);
        struct named key;
        struct given blob;

        (void)state;
        assert_int_equal(import(s, &s->kek, NULL, true, &key, &blob), 0);
        assert_int_equal(blob.n, 40);
        scene_free(s);

        s = scene_new("documented", true);
        assert_int_equal(import(s, &s->kek, NULL, true, &key, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(count_objects(&s->cu, NULL), 1);
        scene_free(s);
}

/* Trust in a key whose value is known is set, as documented, and opens nothing: B08 by this way. */
static void known_value_trusted(void **state)
{
        struct scene *s = scene_new("documented", false);
        struct attributes usage = { .n = 0 }, protected = { .n = 0 };
        struct named known, target;
        struct given blob;

        (void)state;
        add_bool(&usage, CKA_WRAP, true);
        add_bool(&usage, CKA_TOKEN, true);
        assert_int_equal(import(s, &s->kek, &usage, false, &known, NULL), 0);
        assert_int_equal(set_bool(&s->officer, &known, CKA_TRUSTED, true), 0);
        add_bool(&protected, CKA_EXTRACTABLE, true);
        add_bool(&protected, CKA_WRAP_WITH_TRUSTED, true);
        assert_int_equal(make_aes(&s->cu, false, &protected, &target), 0);
        assert_int_equal(use_wrap(&s->cu, &known, &target, &blob), CKR_WRAPPING_KEY_HANDLE_INVALID);
        scene_free(s);
}

/* Where roles are separate a given value does not wrap, whatever key it came under. */
static void verified(void **state)
{
        struct scene *s = scene_new("verified", false);
        struct attributes wraps = { .n = 0 }, two = { .n = 0 }, encrypts = { .n = 0 }, again,
                          signs = { .n = 0 }, signs_on = { .n = 0 };
        struct named key;
        struct given blob;

        (void)state;
        add_bool(&wraps, CKA_WRAP, true);
        assert_int_equal(import(s, &s->kek, &wraps, false, &key, NULL), CKR_ATTRIBUTE_READ_ONLY);
        add_bool(&two, CKA_ENCRYPT, true);
        add_bool(&two, CKA_SIGN, true);
        assert_int_equal(import(s, &s->kek, &two, false, &key, NULL), CKR_TEMPLATE_INCONSISTENT);
        add_bool(&encrypts, CKA_ENCRYPT, true);
        add_bool(&encrypts, CKA_EXTRACTABLE, true);
        again = encrypts;
        assert_int_equal(import(s, &s->kek, &encrypts, true, &key, &blob), 0); /* a session key */
        add_bool(&again, CKA_TOKEN, true);
        assert_int_equal(import(s, &s->kek, &again, true, &key, &blob), 0);
        assert_int_equal(blob.n, 40);
        add_bool(&signs, CKA_SIGN, true);
        assert_int_equal(import(s, &s->kek, &signs, false, &key, NULL),
                         0); /* leaves no trace, as a session key */
        add_bool(&signs_on, CKA_SIGN, true);
        add_bool(&signs_on, CKA_TOKEN, true);
        assert_int_equal(import(s, &s->kek, &signs_on, false, &key, NULL), CKR_TEMPLATE_INCONSISTENT);
        scene_free(s);
}

static void not_a_kek(void **state)
{
        struct scene *s = scene_new("documented", true);
        struct attributes all = { .n = 0 }, once = { .n = 0 };
        struct named plain, key, session;

        (void)state;
        add_bool(&all, CKA_ENCRYPT, true);
        add_bool(&all, CKA_UNWRAP, true);
        assert_int_equal(make_aes(&s->cu, true, &all, &plain), 0);
        assert_int_equal(import(s, &plain, NULL, false, &key, NULL), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(make_aes(&s->cu, false, &once, &session), 0);
        assert_int_equal(import(s, &session, NULL, false, &key, NULL), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        assert_int_equal(set_bool(&s->officer, &s->kek, CKA_TRUSTED, false), 0);
        assert_int_equal(import(s, &s->kek, NULL, false, &key, NULL), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        scene_free(s);
}

static void take_right(struct scene *s, uint32_t right)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetUserRightsRequest in = CHSM__SET_USER_RIGHTS_REQUEST__INIT;

        in.user = (char *)(uintptr_t) "cu1";
        in.mask = VAULT_RIGHTS_ALL;
        in.rights = VAULT_RIGHTS_ALL & ~right;
        r.set_user_rights = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_USER_RIGHTS;
        assert_int_equal(ask(&s->officer, &r)->status, 0);
}

/* A15: who may not unwrap or make keys does not import either, nor keep a wrapped copy without the right to.
 */
static void rights(void **state)
{
        struct scene *s = scene_new("documented", false);
        struct named key;

        (void)state;
        take_right(s, VAULT_RIGHT_UNWRAP);
        assert_int_equal(import(s, &s->kek, NULL, false, &key, NULL), CKR_FUNCTION_REJECTED);
        take_right(s, VAULT_RIGHT_KEYGEN);
        assert_int_equal(import(s, &s->kek, NULL, false, &key, NULL), CKR_FUNCTION_REJECTED);
        take_right(s, VAULT_RIGHT_WRAP);
        assert_int_equal(import(s, &s->kek, NULL, true, &key, NULL), CKR_FUNCTION_REJECTED);
        assert_int_equal(import(s, &s->kek, NULL, false, &key, NULL), 0);
        scene_free(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(documented),   cmocka_unit_test(looser),
                cmocka_unit_test(wrapped_copy), cmocka_unit_test(known_value_trusted),
                cmocka_unit_test(verified),     cmocka_unit_test(not_a_kek),
                cmocka_unit_test(rights),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
