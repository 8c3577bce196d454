/* Every attribute in every template: what tests/vectors/attributes.txt says must come out. */
#include "hsm.h"

#include "ck/attribute.h"
#include "ck/encoding.h"
#include "ck/mechanism_param.h"
#include "ck/names.h"

#define KINDS  11
#define SORTS  5
#define COLUMN (KINDS + 2 * SORTS)

/* A template as it is sent. */
struct list {
        Chsm__Attribute rows[16];
        Chsm__Attribute *at[16];
        size_t n;
};

struct sample {
        struct hsm *hsm;
        struct caller cu;
        struct named wrapping, base;    /* session keys */
        struct buf secret, private_key; /* wrapped */
        struct buf ecdh;                /* flat parameter */
        struct named objects[SORTS];    /* session objects, to be copied */
        struct named made;              /* by the last request */
        struct buf before;              /* all attributes of what is to be changed */
};

static const uint8_t scalar[32] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
static uint8_t point[67]; /* DER */
static const uint8_t number_0[8], number_1[8] = { [7] = 1 }, number_2[8] = { [7] = 2 },
                                  number_3[8] = { [7] = 3 }, number_4[8] = { [7] = 4 },
                                  number_16[8] = { [7] = 16 }, number_aes[8] = { [7] = CKK_AES };
static const uint8_t no[1] = { 0 }, yes[1] = { 1 };

#define BYTES(x) slice_of(x, sizeof(x))

static void put(struct list *l, uint64_t type, struct slice value)
{
        size_t i = 0;

        while (i < l->n && l->rows[i].type != type)
                i++;
        if (i == l->n) {
                assert_true(l->n < 16);
                chsm__attribute__init(&l->rows[l->n++]);
        }
        l->rows[i].type = type;
        l->rows[i].value = (ProtobufCBinaryData){ value.n, (uint8_t *)(uintptr_t)value.p };
}

/* The list for a request; late, as the struct may have been copied. */
static Chsm__Attribute **aim(struct list *l)
{
        for (size_t i = 0; i < l->n; i++)
                l->at[i] = &l->rows[i];
        return l->at;
}

/* ---- the sample objects ---- */

static struct list create_list(size_t sort)
{
        struct list l = { .n = 0 };
        static const uint8_t secret[16] = "a secret of 16 b";

        switch (sort) {
        case 0:
                put(&l, CKA_CLASS, BYTES(number_4));
                put(&l, CKA_KEY_TYPE, BYTES(number_aes));
                put(&l, CKA_VALUE, BYTES(secret));
                break;
        case 1:
                put(&l, CKA_CLASS, BYTES(number_3));
                put(&l, CKA_KEY_TYPE, BYTES(number_3));
                put(&l, CKA_EC_PARAMS, BYTES(hsm_p256));
                put(&l, CKA_VALUE, BYTES(scalar));
                break;
        case 2:
                put(&l, CKA_CLASS, BYTES(number_2));
                put(&l, CKA_KEY_TYPE, BYTES(number_3));
                put(&l, CKA_EC_PARAMS, BYTES(hsm_p256));
                put(&l, CKA_EC_POINT, BYTES(point));
                break;
        case 3:
                put(&l, CKA_CLASS, BYTES(number_1));
                put(&l, CKA_CERTIFICATE_TYPE, BYTES(number_0));
                put(&l, CKA_SUBJECT, SLICE_LIT("\x30\x00"));
                put(&l, CKA_VALUE, SLICE_LIT("8 bytes."));
                break;
        default:
                put(&l, CKA_CLASS, BYTES(number_0));
                put(&l, CKA_VALUE, SLICE_LIT("data"));
        }
        return l;
}

static uint32_t create(struct sample *s, struct list *l, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateObjectRequest in = CHSM__CREATE_OBJECT_REQUEST__INIT;
        const Chsm__Response *response;

        in.template_ = aim(l);
        in.n_template_ = l->n;
        r.create_object = &in;
        r.body_case = CHSM__REQUEST__BODY_CREATE_OBJECT;
        response = ask(&s->cu, &r);
        if (response->status == 0)
                name_object(o, response->object);
        return response->status;
}

static void wrap_sample(struct sample *s, uint64_t mechanism, struct named *key, struct buf *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__WrapKeyRequest in = CHSM__WRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        in.wrapping_key = &s->wrapping.ref;
        in.mechanism = &m;
        in.key = &key->ref;
        r.wrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_WRAP_KEY;
        response = ask(&s->cu, &r);
        assert_int_equal(response->status, 0);
        buf_put(out, response->data->data.data, response->data->data.len);
}

static void derive_parameter(struct sample *s)
{
        CK_ECDH1_DERIVE_PARAMS native = { CKD_NULL, 0, NULL, sizeof(point) - 2, point + 2 };
        CK_MECHANISM m = { CKM_ECDH1_DERIVE, &native, sizeof(native) };
        CK_OBJECT_HANDLE second;
        struct err err = ERR_INIT;

        assert_true(ck_mech_param_encode(&m, &s->ecdh, &second, &err));
}

static int begin(void **state)
{
        struct sample *s = calloc(1, sizeof(*s));
        struct list l = create_list(1);
        size_t n;

        s->hsm = hsm_ready();
        s->cu = caller_cu(s->hsm, "cu1");
        assert_int_equal(make_aes(&s->cu, false, NULL, &s->wrapping), 0);
        assert_int_equal(create(s, &l, &s->base), 0);
        assert_int_equal(get_attribute(&s->cu, &s->base, CKA_EC_POINT, point, sizeof(point), &n), 0);
        assert_int_equal(n, sizeof(point));
        derive_parameter(s);
        for (size_t i = 0; i < SORTS; i++) {
                l = create_list(i);
                assert_int_equal(create(s, &l, &s->objects[i]), 0);
        }
        wrap_sample(s, CKM_AES_KEY_WRAP, &s->objects[0], &s->secret);
        wrap_sample(s, CKM_AES_KEY_WRAP_KWP, &s->base, &s->private_key);
        *state = s;
        return 0;
}

static int end(void **state)
{
        struct sample *s = *state;

        buf_clear(&s->secret);
        buf_clear(&s->private_key);
        buf_clear(&s->ecdh);
        buf_clear(&s->before);
        hsm_free(s->hsm);
        free(s);
        return 0;
}

/* ---- one cell ---- */

static uint32_t generate(struct sample *s, struct list *more)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest in = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;
        struct list l = { .n = 0 };

        put(&l, CKA_VALUE_LEN, BYTES(number_16));
        for (size_t i = 0; i < more->n; i++)
                put(&l, more->rows[i].type, slice_of(more->rows[i].value.data, more->rows[i].value.len));
        m.number = CKM_AES_KEY_GEN;
        in.mechanism = &m;
        in.template_ = aim(&l);
        in.n_template_ = l.n;
        r.generate_key = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        response = ask(&s->cu, &r);
        if (response->status == 0)
                name_object(&s->made, response->object);
        return response->status;
}

static uint32_t generate_pair(struct sample *s, struct list *pub, struct list *priv, bool want_public)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyPairRequest in = CHSM__GENERATE_KEY_PAIR_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        put(pub, CKA_EC_PARAMS, BYTES(hsm_p256));
        m.number = CKM_EC_KEY_PAIR_GEN;
        in.mechanism = &m;
        in.public_template = aim(pub);
        in.n_public_template = pub->n;
        in.private_template = aim(priv);
        in.n_private_template = priv->n;
        r.generate_key_pair = &in;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY_PAIR;
        response = ask(&s->cu, &r);
        if (response->status == 0)
                name_object(&s->made,
                            want_public ? response->key_pair->public_key : response->key_pair->private_key);
        return response->status;
}

static uint32_t unwrap(struct sample *s, bool secret, struct list *more)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__UnwrapKeyRequest in = CHSM__UNWRAP_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;
        const struct buf *wrapped = secret ? &s->secret : &s->private_key;

        put(more, CKA_CLASS, secret ? BYTES(number_4) : BYTES(number_3));
        put(more, CKA_KEY_TYPE, secret ? BYTES(number_aes) : BYTES(number_3));
        m.number = secret ? CKM_AES_KEY_WRAP : CKM_AES_KEY_WRAP_KWP;
        in.unwrapping_key = &s->wrapping.ref;
        in.mechanism = &m;
        in.wrapped.data = wrapped->p;
        in.wrapped.len = wrapped->n;
        in.template_ = aim(more);
        in.n_template_ = more->n;
        r.unwrap_key = &in;
        r.body_case = CHSM__REQUEST__BODY_UNWRAP_KEY;
        response = ask(&s->cu, &r);
        if (response->status == 0)
                name_object(&s->made, response->object);
        return response->status;
}

static uint32_t derive(struct sample *s, struct list *more)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__DeriveKeyRequest in = CHSM__DERIVE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;
        struct list l = { .n = 0 };

        put(&l, CKA_VALUE_LEN, BYTES(number_16));
        put(&l, CKA_CLASS, BYTES(number_4));
        put(&l, CKA_KEY_TYPE, BYTES(number_aes));
        for (size_t i = 0; i < more->n; i++)
                put(&l, more->rows[i].type, slice_of(more->rows[i].value.data, more->rows[i].value.len));
        m.number = CKM_ECDH1_DERIVE;
        m.parameter.data = s->ecdh.p;
        m.parameter.len = s->ecdh.n;
        in.base_key = &s->base.ref;
        in.mechanism = &m;
        in.template_ = aim(&l);
        in.n_template_ = l.n;
        r.derive_key = &in;
        r.body_case = CHSM__REQUEST__BODY_DERIVE_KEY;
        response = ask(&s->cu, &r);
        if (response->status == 0)
                name_object(&s->made, response->derived->objects[0]);
        return response->status;
}

static uint32_t copy(struct sample *s, size_t sort, struct list *l)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CopyObjectRequest in = CHSM__COPY_OBJECT_REQUEST__INIT;
        const Chsm__Response *response;

        in.object = &s->objects[sort].ref;
        in.template_ = aim(l);
        in.n_template_ = l->n;
        r.copy_object = &in;
        r.body_case = CHSM__REQUEST__BODY_COPY_OBJECT;
        response = ask(&s->cu, &r);
        if (response->status == 0)
                name_object(&s->made, response->object);
        return response->status;
}

/* All that can be read of the object. */
static void snapshot(struct sample *s, struct buf *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest in = CHSM__GET_ATTRIBUTES_REQUEST__INIT;
        const Chsm__Response *response;

        in.object = &s->made.ref;
        r.get_attributes = &in;
        r.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
        response = ask(&s->cu, &r);
        assert_int_equal(response->status, 0);
        buf_reset(out);
        for (size_t i = 0; i < response->attributes->n_attributes; i++) {
                const Chsm__Attribute *a = response->attributes->attributes[i];
                ck_template_put(out, a->type, slice_of(a->value.data, a->value.len));
        }
}

static uint32_t set(struct sample *s, size_t sort, struct list *l)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SetAttributesRequest in = CHSM__SET_ATTRIBUTES_REQUEST__INIT;
        struct list fresh = create_list(sort);
        const Chsm__Response *response;

        put(&fresh, CKA_TOKEN, BYTES(yes));
        assert_int_equal(create(s, &fresh, &s->made), 0);
        snapshot(s, &s->before);
        in.object = &s->made.ref;
        in.attributes = aim(l);
        in.n_attributes = l->n;
        r.set_attributes = &in;
        r.body_case = CHSM__REQUEST__BODY_SET_ATTRIBUTES;
        response = ask(&s->cu, &r);
        return response->status;
}

/* Does column `at` with one more attribute. */
static uint32_t attempt(struct sample *s, size_t at, uint64_t type, struct slice value)
{
        static const uint8_t sort_of_kind[] = { ['s'] = 0, ['p'] = 1, ['b'] = 2, ['c'] = 3, ['d'] = 4 };
        const char kind = "GURspbcdwxv"[at < KINDS ? at : 0];
        struct list more = { .n = 0 }, other = { .n = 0 };

        if (at >= KINDS || !strchr("spbcd", kind)) {
                put(&more, type, value);
                if (at >= KINDS)
                        return at < KINDS + SORTS ? copy(s, at - KINDS, &more)
                                                  : set(s, at - KINDS - SORTS, &more);
        } else {
                more = create_list(sort_of_kind[(uint8_t)kind]);
                put(&more, type, value);
                return create(s, &more, &s->made);
        }
        switch (kind) {
        case 'G':
                return generate(s, &more);
        case 'U':
                return generate_pair(s, &more, &other, true);
        case 'R':
                return generate_pair(s, &other, &more, false);
        case 'w':
        case 'x':
                return unwrap(s, kind == 'w', &more);
        default:
                return derive(s, &more);
        }
}

static const char *column_name(size_t at, char out[16])
{
        if (at < KINDS)
                (void)snprintf(out, 16, "%c", "GURspbcdwxv"[at]);
        else
                (void)snprintf(out, 16, "%s of %c", at < KINDS + SORTS ? "copy" : "set",
                               "SPBCD"[(at - KINDS) % SORTS]);
        return out;
}

/* What came of a refused call: nothing new, and what was to be changed is as before. */
static void nothing_happened(struct sample *s, size_t at, size_t before)
{
        struct attributes all = { .n = 0 };
        struct buf now = BUF_INIT;

        assert_int_equal(count_objects(&s->cu, &all), at < KINDS + SORTS ? before : before + 1);
        if (at < KINDS + SORTS)
                return;
        snapshot(s, &now);
        assert_true(slice_equal(buf_slice(&now), buf_slice(&s->before)));
        buf_clear(&now);
}

static bool reads_as(struct sample *s, char wanted, uint64_t type, struct slice value)
{
        uint8_t is[4096];
        size_t n = 0;
        uint32_t rv = get_attribute(&s->cu, &s->made, type, is, sizeof(is), &n);

        if (wanted == '0')
                return rv == CKR_ATTRIBUTE_TYPE_INVALID;
        return rv == 0 && slice_equal(value, slice_of(is, n)) == (wanted == '.');
}

static void cell(struct sample *s, const char *line, size_t at, char wanted, uint64_t type,
                 struct slice value)
{
        static const struct {
                char letter;
                uint32_t rv;
        } codes[] = { { '.', 0 },
                      { '~', 0 },
                      { '0', 0 },
                      { 'R', CKR_ATTRIBUTE_READ_ONLY },
                      { 'I', CKR_TEMPLATE_INCONSISTENT },
                      { 'V', CKR_ATTRIBUTE_VALUE_INVALID },
                      { 'T', CKR_ATTRIBUTE_TYPE_INVALID } };
        struct attributes all = { .n = 0 };
        char name[16];
        size_t c = 0, before = count_objects(&s->cu, &all);
        uint32_t rv;

        s->made.ref.handle = 0;
        rv = attempt(s, at, type, value);
        while (codes[c].letter != wanted)
                assert_true(++c < sizeof(codes) / sizeof(codes[0]));
        if (rv != codes[c].rv)
                fail_msg("%s: %s gives 0x%x, not '%c'", line, column_name(at, name), rv, wanted);
        if (rv)
                nothing_happened(s, at, before);
        else if (!reads_as(s, wanted, type, value))
                fail_msg("%s: %s reads not so", line, column_name(at, name));
        if (s->made.ref.handle)
                (void)destroy(&s->cu, &s->made); /* refused where the cell made it undestroyable */
}

/* ---- the file ---- */

static uint64_t type_of(const char *name)
{
        uint64_t type;

        if (strncmp(name, "0x", 2) == 0)
                return strtoull(name, NULL, 16);
        assert_true(ck_number(CK_KIND_ATTRIBUTE, name, &type));
        return type;
}

static void hex_bytes(const char *text, struct buf *out)
{
        for (; text[0] && text[1]; text += 2) {
                char pair[3] = { text[0], text[1], 0 };
                buf_put_u8(out, (uint8_t)strtoul(pair, NULL, 16));
        }
}

static void value_of(const char *text, struct buf *out)
{
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
                buf_put_slice(out, text[0] == 't' ? BYTES(yes) : BYTES(no));
        else if (text[0] == '#')
                buf_put_u64(out, strtoull(text + 1, NULL, 10));
        else if (text[0] == '"')
                buf_put_text(out, text + 1);
        else if (strcmp(text, "[label]") == 0)
                ck_template_put(out, CKA_LABEL, SLICE_LIT("a"));
        else if (strcmp(text, "{mech}") == 0)
                buf_put_u64(out, CKM_ECDSA), buf_put_u64(out, CKM_AES_CBC);
        else if (text[0] == '@')
                buf_put_slice(out, strcmp(text, "@p256") == 0 ? BYTES(hsm_p256) : BYTES(point));
        else
                hex_bytes(text + 2, out);
}

/* Calls visit for every line of the file; line as a name for messages. */
static void each_line(struct sample *s, void (*visit)(struct sample *, const char *line, uint64_t type,
                                                      struct slice value, const char *cells))
{
        FILE *f = fopen(TEST_SOURCE_DIR "/tests/vectors/attributes.txt", "r");
        char line[256], name[64], text[64], cells[COLUMN + 1];

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                struct buf value = BUF_INIT;

                if (line[0] == '#')
                        continue;
                assert_int_equal(sscanf(line, "%63s %63s %11s %5s %5s", name, text, cells, cells + KINDS,
                                        cells + KINDS + SORTS),
                                 5);
                assert_int_equal(strlen(cells), COLUMN);
                value_of(text, &value);
                (void)snprintf(line, sizeof(line), "%s %s", name, text);
                visit(s, line, type_of(name), buf_slice(&value), cells);
                buf_clear(&value);
        }
        fclose(f);
}

static void visit_making(struct sample *s, const char *line, uint64_t type, struct slice value,
                         const char *cells)
{
        for (size_t at = 0; at < KINDS; at++) {
                if (cells[at] != '-')
                        cell(s, line, at, cells[at], type, value);
        }
}

static void visit_copies(struct sample *s, const char *line, uint64_t type, struct slice value,
                         const char *cells)
{
        for (size_t at = KINDS; at < KINDS + SORTS; at++)
                cell(s, line, at, cells[at], type, value);
}

static void visit_sets(struct sample *s, const char *line, uint64_t type, struct slice value,
                       const char *cells)
{
        for (size_t at = KINDS + SORTS; at < COLUMN; at++)
                cell(s, line, at, cells[at], type, value);
}

static void in_templates_that_make(void **state)
{
        each_line(*state, visit_making);
}

static void in_copies(void **state)
{
        each_line(*state, visit_copies);
}

static void in_changes(void **state)
{
        each_line(*state, visit_sets);
}

static uint64_t seen[256];
static size_t seen_n;

static void visit_seen(struct sample *s, const char *line, uint64_t type, struct slice value,
                       const char *cells)
{
        (void)s;
        (void)line;
        (void)value;
        (void)cells;
        assert_true(seen_n < 256);
        seen[seen_n++] = type;
}

static void of_every_row(void **state)
{
        const struct ck_attribute_row *row;

        each_line(*state, visit_seen);
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                size_t k = 0;

                while (k < seen_n && seen[k] != row->type)
                        k++;
                if (k == seen_n)
                        fail_msg("%s is not in the file", row->name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(of_every_row),
                cmocka_unit_test(in_templates_that_make),
                cmocka_unit_test(in_copies),
                cmocka_unit_test(in_changes),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
