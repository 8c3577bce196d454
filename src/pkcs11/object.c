/* Objects: handles of the token's are the node's own; session objects are sealed blobs kept here. */
#include "ck/encoding.h"
#include "pkcs11/module.h"

#include <stdlib.h>

static struct slice key_of(const CK_ULONG *handle)
{
        return slice_of(handle, sizeof(*handle));
}

static void local_free(struct local_object *o)
{
        if (!o)
                return;
        buf_clear(&o->sealed);
        buf_clear(&o->attributes);
        free(o);
}

CK_RV object_ref(CK_OBJECT_HANDLE handle, struct arena *arena, Chsm__ObjectRef *ref)
{
        struct local_object *o;
        struct slice copy = SLICE_EMPTY;
        CK_RV rv = CKR_OK;

        chsm__object_ref__init(ref);
        if (handle < LOCAL_HANDLE) {
                ref->handle = handle;
                return handle ? CKR_OK : module_refuse(ERR_HANDLE, "there is no object with handle 0");
        }
        pthread_mutex_lock(&module.lock);
        o = map_get(module.objects, key_of(&handle));
        if (o && o->token)
                ref->handle = o->token;
        else if (o)
                copy = arena_copy(arena, buf_slice(&o->sealed));
        pthread_mutex_unlock(&module.lock);
        if (!o)
                rv = module_refuse(ERR_HANDLE, "the session object is gone, or never was");
        else if (!ref->handle && !copy.p)
                rv = CKR_HOST_MEMORY;
        ref->sealed = (ProtobufCBinaryData){ copy.n, (uint8_t *)(uintptr_t)copy.p };
        return rv;
}

static bool local_fill(struct local_object *o, const Chsm__ObjectResponse *r)
{
        buf_reset(&o->sealed);
        buf_reset(&o->attributes);
        buf_put(&o->sealed, r->sealed.data, r->sealed.len);
        for (size_t i = 0; i < r->n_attributes; i++) {
                if (!r->attributes[i]->status)
                        ck_template_put(&o->attributes, r->attributes[i]->type,
                                        slice_of(r->attributes[i]->value.data, r->attributes[i]->value.len));
        }
        return buf_ok(&o->sealed) && buf_ok(&o->attributes);
}

CK_RV object_take(struct session *s, const Chsm__ObjectResponse *r, CK_OBJECT_HANDLE *out)
{
        struct local_object *o;
        bool ok;

        if (r->handle) {
                *out = (CK_OBJECT_HANDLE)r->handle;
                return CKR_OK;
        }
        o = calloc(1, sizeof(*o));
        if (!o)
                return CKR_HOST_MEMORY;
        o->session = s->handle;
        atomic_store(&s->made_objects, true);
        ok = local_fill(o, r);
        pthread_mutex_lock(&module.lock);
        o->handle = LOCAL_HANDLE + module.next_handle++;
        ok = ok && map_put(module.objects, key_of(&o->handle), o, NULL);
        pthread_mutex_unlock(&module.lock);
        *out = o->handle;
        if (!ok)
                local_free(o);
        return ok ? CKR_OK : CKR_HOST_MEMORY;
}

struct victims {
        CK_SESSION_HANDLE session; /* 0: every session */
        struct local_object **list;
        size_t n;
};

static bool victim_visit(void *arg, struct slice key, void *value)
{
        struct victims *v = arg;
        struct local_object *o = value;

        (void)key;
        if (!v->session || o->session == v->session)
                v->list[v->n++] = o;
        return true;
}

void objects_drop_session(CK_SESSION_HANDLE session)
{
        struct victims v = { session, NULL, 0 };

        pthread_mutex_lock(&module.lock);
        v.list = calloc(map_count(module.objects) + 1, sizeof(struct local_object *));
        if (v.list)
                map_each(module.objects, victim_visit, &v);
        for (size_t i = 0; i < v.n; i++)
                (void)map_remove(module.objects, key_of(&v.list[i]->handle));
        pthread_mutex_unlock(&module.lock);
        for (size_t i = 0; i < v.n; i++)
                local_free(v.list[i]);
        free(v.list);
}

/* ---- matching local objects ---- */

struct match {
        const Chsm__Attribute *const *wanted;
        size_t wanted_n;
        CK_OBJECT_HANDLE **list;
        size_t *n;
        bool failed;
};

static bool match_visit(void *arg, struct slice key, void *value)
{
        struct match *m = arg;
        const struct local_object *o = value;
        CK_OBJECT_HANDLE *more;

        (void)key;
        if (o->token)
                return true; /* the node finds it */
        for (size_t i = 0; i < m->wanted_n; i++) {
                struct slice has = template_find(&o->attributes, (CK_ATTRIBUTE_TYPE)m->wanted[i]->type);
                if (!has.p || !slice_equal(has, slice_of(m->wanted[i]->value.data, m->wanted[i]->value.len)))
                        return true;
        }
        more = realloc(*m->list, (*m->n + 1) * sizeof(*more));
        if (!more) {
                m->failed = true;
                return false;
        }
        *m->list = more;
        more[(*m->n)++] = o->handle;
        return true;
}

CK_RV objects_match(CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE **list, size_t *n)
{
        struct arena *arena = arena_new(4096, 1 << 20);
        Chsm__Attribute **wanted;
        struct match m = { .list = list, .n = n };
        CK_RV rv = arena ? template_encode(arena, templ, count, &wanted, &m.wanted_n) : CKR_HOST_MEMORY;

        if (rv == CKR_OK) {
                m.wanted = (const Chsm__Attribute *const *)wanted;
                pthread_mutex_lock(&module.lock);
                map_each(module.objects, match_visit, &m);
                pthread_mutex_unlock(&module.lock);
                rv = m.failed ? CKR_HOST_MEMORY : CKR_OK;
        }
        arena_free(&arena);
        return rv;
}

/* ---- facts ---- */

static const CK_ATTRIBUTE_TYPE fact_types[] = { CKA_CLASS,
                                                CKA_KEY_TYPE,
                                                CKA_MODULUS,
                                                CKA_EC_PARAMS,
                                                CKA_ENCRYPT,
                                                CKA_DECRYPT,
                                                CKA_SIGN,
                                                CKA_SIGN_RECOVER,
                                                CKA_VERIFY,
                                                CKA_VERIFY_RECOVER,
                                                CKA_ALWAYS_AUTHENTICATE,
                                                CKA_TRUSTED,
                                                CKA_ALLOWED_MECHANISMS };
#define FACTS (sizeof(fact_types) / sizeof(fact_types[0]))

/* Bytes of a curve's field, by the last byte of its object identifier or name. */
static size_t field_bytes(struct slice params)
{
        static const struct {
                uint8_t oid[12];
                size_t n, bytes;
        } rows[] = {
                { { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 10, 32 },
                { { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 }, 7, 48 },
                { { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 }, 7, 66 },
                { { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21 }, 7, 28 },
                { { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a }, 7, 32 },
                { { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 }, 11, 32 },
                { { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b }, 11, 48 },
                { { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d }, 11, 64 },
                { { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x05 }, 11, 28 },
                { { 0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x09 }, 11, 40 },
                { { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01 }, 10, 24 },
                { { 0x06, 0x03, 0x2b, 0x65, 0x70 }, 5, 32 },
                { { 0x06, 0x03, 0x2b, 0x65, 0x71 }, 5, 57 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (slice_equal(params, slice_of(rows[i].oid, rows[i].n)))
                        return rows[i].bytes;
        }
        return 0;
}

static void fact_allowed(struct key_facts *f, struct slice value)
{
        struct reader in = reader_of(value);

        for (f->allowed_n = 0; in.rest.n >= 8; f->allowed_n++)
                f->allowed[f->allowed_n] = reader_u64(&in);
}

static void fact_set(struct key_facts *f, CK_ATTRIBUTE_TYPE type, struct slice value)
{
        static const struct {
                CK_ATTRIBUTE_TYPE type;
                enum op_kind kind;
        } usages[] = { { CKA_ENCRYPT, OP_ENCRYPT }, { CKA_DECRYPT, OP_DECRYPT },
                       { CKA_SIGN, OP_SIGN },       { CKA_SIGN_RECOVER, OP_SIGN_RECOVER },
                       { CKA_VERIFY, OP_VERIFY },   { CKA_VERIFY_RECOVER, OP_VERIFY_RECOVER } };
        uint64_t number = CK_UNAVAILABLE_INFORMATION;
        bool set = false;

        (void)ck_value_number(value, &number);
        (void)ck_value_bool(value, &set);
        if (type == CKA_CLASS)
                f->object_class = number;
        else if (type == CKA_KEY_TYPE)
                f->key_type = number;
        else if (type == CKA_MODULUS && value.n)
                f->bytes = value.n;
        else if (type == CKA_EC_PARAMS && value.n)
                f->bytes = field_bytes(value);
        else if (type == CKA_ALWAYS_AUTHENTICATE)
                f->always_authenticate = set;
        else if (type == CKA_TRUSTED)
                f->trusted = set;
        else if (type == CKA_ALLOWED_MECHANISMS && value.n / 8 <= FACTS_ALLOWED)
                fact_allowed(f, value);
        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
                if (usages[i].type == type && set)
                        f->usage |= 1u << usages[i].kind;
        }
}

/* *token: the handle of the token object that it became, else 0. */
static CK_RV facts_local(CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE *token, struct key_facts *f)
{
        struct local_object *o;

        pthread_mutex_lock(&module.lock);
        o = map_get(module.objects, key_of(&handle));
        *token = o ? o->token : 0;
        for (size_t i = 0; o && i < FACTS; i++)
                fact_set(f, fact_types[i], template_find(&o->attributes, fact_types[i]));
        pthread_mutex_unlock(&module.lock);
        return o ? CKR_OK : module_refuse(ERR_KEY_HANDLE, "the session key is gone, or never was");
}

static CK_RV facts_ask(CK_OBJECT_HANDLE handle, struct key_facts *f)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetAttributesRequest body = CHSM__GET_ATTRIBUTES_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t types[FACTS];
        CK_RV rv;

        for (size_t i = 0; i < FACTS; i++)
                types[i] = fact_types[i];
        ref.handle = handle;
        body.object = &ref;
        body.types = types;
        body.n_types = FACTS;
        request.get_attributes = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_ATTRIBUTES;
        rv = module_call(&request, &answer);
        for (size_t i = 0; rv == CKR_OK && i < answer.response->attributes->n_attributes && i < FACTS; i++) {
                const Chsm__Attribute *a = answer.response->attributes->attributes[i];
                fact_set(f, fact_types[i], slice_of(a->value.data, a->value.len));
        }
        chsm_answer_clear(&answer);
        return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
}

static void facts_keep(CK_OBJECT_HANDLE handle, const struct key_facts *f)
{
        struct key_facts *copy = malloc(sizeof(*copy));
        void *old = NULL;

        if (!copy)
                return;
        *copy = *f;
        pthread_mutex_lock(&module.lock);
        if (!map_put(module.facts, key_of(&handle), copy, &old))
                old = copy;
        pthread_mutex_unlock(&module.lock);
        free(old);
}

static bool free_visit(void *arg, struct slice key, void *value)
{
        (void)arg;
        (void)key;
        free(value);
        return true;
}

void facts_forget(void)
{
        struct map *fresh = map_new(), *old = NULL;

        pthread_mutex_lock(&module.lock);
        if (fresh) {
                old = module.facts;
                module.facts = fresh;
        }
        pthread_mutex_unlock(&module.lock);
        if (old)
                map_each(old, free_visit, NULL);
        map_free(&old);
}

CK_RV object_facts(CK_OBJECT_HANDLE handle, bool refresh, struct key_facts *f)
{
        const struct key_facts *known;
        CK_RV rv;

        *f = (struct key_facts){ .object_class = CK_UNAVAILABLE_INFORMATION,
                                 .key_type = CK_UNAVAILABLE_INFORMATION };
        if (handle == CK_INVALID_HANDLE)
                return module_refuse(ERR_KEY_HANDLE, "there is no key with handle 0");
        if (handle >= LOCAL_HANDLE) {
                rv = facts_local(handle, &handle, f);
                if (rv != CKR_OK || !handle)
                        return rv;
        }
        if (!chsm_logged_in(module.chsm, NULL))
                return CKR_USER_NOT_LOGGED_IN;
        pthread_mutex_lock(&module.lock);
        known = refresh ? NULL : map_get(module.facts, key_of(&handle));
        if (known)
                *f = *known;
        pthread_mutex_unlock(&module.lock);
        if (known)
                return CKR_OK;
        rv = facts_ask(handle, f);
        if (rv == CKR_OK)
                facts_keep(handle, f);
        return rv;
}

/* ---- after a change ---- */

/* Facts of the token object that is behind a handle; module.lock is held. */
static void facts_drop(CK_OBJECT_HANDLE handle, const struct local_object *o)
{
        CK_OBJECT_HANDLE token = o && o->token ? o->token : handle;

        free(map_remove(module.facts, key_of(&token)));
}

void facts_forget_key(CK_OBJECT_HANDLE handle)
{
        pthread_mutex_lock(&module.lock);
        facts_drop(handle, map_get(module.objects, key_of(&handle)));
        pthread_mutex_unlock(&module.lock);
}

CK_RV object_changed(CK_OBJECT_HANDLE handle, const Chsm__ObjectResponse *r)
{
        struct local_object *o;
        bool ok = true;

        pthread_mutex_lock(&module.lock);
        o = map_get(module.objects, key_of(&handle));
        facts_drop(handle, o);
        if (o && !r->handle) {
                ok = local_fill(o, r);
        } else if (o) { /* the application goes on using the handle it knows */
                o->token = (CK_OBJECT_HANDLE)r->handle;
                o->session = CK_INVALID_HANDLE;
                buf_clear(&o->sealed);
                buf_clear(&o->attributes);
        }
        pthread_mutex_unlock(&module.lock);
        return ok ? CKR_OK : CKR_HOST_MEMORY;
}

void object_forget(CK_OBJECT_HANDLE handle)
{
        struct local_object *o;

        pthread_mutex_lock(&module.lock);
        o = map_remove(module.objects, key_of(&handle));
        facts_drop(handle, o);
        pthread_mutex_unlock(&module.lock);
        local_free(o);
}
