/* Searches: a page of handles at a time, fetched when it is wanted.
 *
 * A search finds what was there when it began and is there still when its page comes, each object once:
 * what is made meanwhile is not found (a loop that copies what it finds ends), what is destroyed may be. It
 * goes on under the login it was begun with and ends with it. Of any number of objects one page is held. */
#include "ck/encoding.h"
#include "pkcs11/module.h"

#include <stdlib.h>

#define ARENA_FIRST 4096
#define ARENA_MOST  ((size_t)4 * 1024 * 1024)
#define PAGE        1024 /* the node may send fewer */

struct search {
        struct buf wanted; /* template encoding of ck/encoding.h */
        uint64_t after;    /* the last handle of this page */
        int64_t until;     /* revision at the first page */
        bool more;         /* pages */
        bool in;           /* somebody was logged in: user */
        uint64_t user;
        CK_OBJECT_HANDLE page[PAGE];
        size_t n, at;
        CK_OBJECT_HANDLE *local; /* session objects, after all pages */
        size_t local_n, local_at;
};

void search_free(struct search **sp)
{
        struct search *s = *sp;

        if (!s)
                return;
        if (s->wanted.p)
                sec_wipe(s->wanted.p, s->wanted.n);
        buf_clear(&s->wanted);
        free(s->local);
        free(s);
        *sp = NULL;
}

/* ---- pages ---- */

static bool wanted_list(const struct search *s, struct arena *arena, Chsm__FindObjectsRequest *body)
{
        struct reader in = reader_of(buf_slice(&s->wanted));
        struct slice value;
        uint64_t type;
        size_t n = 0;
        Chsm__Attribute *rows;

        while (ck_template_next(&in, &type, &value))
                n++;
        rows = arena_alloc(arena, (n + 1) * sizeof(*rows));
        body->template_ = arena_alloc(arena, (n + 1) * sizeof(Chsm__Attribute *));
        if (!rows || !body->template_)
                return false;
        in = reader_of(buf_slice(&s->wanted));
        for (size_t i = 0; i < n && ck_template_next(&in, &type, &value); i++) {
                chsm__attribute__init(&rows[i]);
                rows[i].type = type;
                rows[i].value = (ProtobufCBinaryData){ value.n, (uint8_t *)(uintptr_t)value.p };
                body->template_[i] = &rows[i];
        }
        body->n_template_ = n;
        return true;
}

static void page_take(struct search *s, const Chsm__Response *response)
{
        const Chsm__FindObjectsResponse *r = response->find_objects;

        s->n = r->n_handles < PAGE ? r->n_handles : PAGE;
        s->at = 0;
        for (size_t i = 0; i < s->n; i++)
                s->page[i] = (CK_OBJECT_HANDLE)r->handles[i];
        s->more = s->n && (r->more || s->n < r->n_handles);
        if (s->n)
                s->after = r->handles[s->n - 1];
        if (!s->until)
                s->until = response->revision;
}

static CK_RV page_fetch(struct search *s)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        CK_RV rv = arena && wanted_list(s, arena, &body) ? CKR_OK : CKR_HOST_MEMORY;

        body.after = s->after;
        body.limit = PAGE;
        body.until = s->until;
        request.find_objects = &body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        if (rv == CKR_OK)
                rv = module_call(&request, &answer);
        if (rv == CKR_OK)
                page_take(s, answer.response);
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

/* Other people see other objects, and the pages before were not theirs. */
static bool same_login(const struct search *s)
{
        uint64_t user;
        bool in = chsm_logged_in(module.chsm, &user);

        return in == s->in && (!in || user == s->user);
}

static CK_RV next_handle(struct search *s, CK_OBJECT_HANDLE *out, bool *found)
{
        CK_RV rv = CKR_OK;

        *found = true;
        if (s->at == s->n && s->more) {
                if (!same_login(s))
                        return CKR_OPERATION_NOT_INITIALIZED;
                s->more = false;
                rv = page_fetch(s);
        }
        if (rv == CKR_OK && s->at < s->n)
                *out = s->page[s->at++];
        else if (rv == CKR_OK && s->local_at < s->local_n)
                *out = s->local[s->local_at++];
        else
                *found = false;
        return rv;
}

/* ---- beginning ---- */

/* An attribute that no object here has is on none of them: nothing is found, which is no error. */
static bool nothing_has(CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
        for (CK_ULONG i = 0; i < count; i++) {
                if (!ck_attribute_find(templ[i].type))
                        return true;
        }
        return false;
}

static CK_RV wanted_keep(struct search *s, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
        struct arena *arena = arena_new(ARENA_FIRST, ARENA_MOST);
        Chsm__Attribute **list;
        size_t n = 0;
        CK_RV rv = arena ? template_encode(arena, templ, count, &list, &n) : CKR_HOST_MEMORY;

        for (size_t i = 0; rv == CKR_OK && i < n; i++)
                ck_template_put(&s->wanted, list[i]->type, slice_of(list[i]->value.data, list[i]->value.len));
        arena_free(&arena);
        return rv == CKR_OK && !buf_ok(&s->wanted) ? CKR_HOST_MEMORY : rv;
}

static CK_RV search_begin(struct op *op, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
        struct search *s = op->search = calloc(1, sizeof(*s));
        CK_RV rv;

        if (!s)
                return CKR_HOST_MEMORY;
        s->wanted = BUF_INIT;
        if (nothing_has(templ, count))
                return CKR_OK;
        s->in = chsm_logged_in(module.chsm, &s->user);
        rv = wanted_keep(s, templ, count);
        if (rv == CKR_OK)
                rv = page_fetch(s);
        if (rv == CKR_USER_NOT_LOGGED_IN)
                rv = CKR_OK; /* nothing is seen before login */
        return rv == CKR_OK ? objects_match(templ, count, &s->local, &s->local_n) : rv;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        struct op *op;

        if (rv != CKR_OK)
                return rv;
        op = &s->ops[OP_FIND];
        if (op->active)
                rv = CKR_OPERATION_ACTIVE;
        else if (!templ && count)
                rv = CKR_ARGUMENTS_BAD;
        if (rv == CKR_OK) {
                rv = search_begin(op, templ, count);
                op->active = rv == CKR_OK;
                if (rv != CKR_OK)
                        op_clear(op);
        }
        session_put(s);
        return rv;
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG max, CK_ULONG_PTR count)
{
        struct session *s;
        struct op *op;
        bool found = true;
        CK_RV rv = op_enter(session, OP_FIND, STEP_PART, &s, &op);

        if (rv != CKR_OK)
                return rv;
        if (!count || (!objects && max))
                return op_leave(s, op, CKR_ARGUMENTS_BAD);
        *count = 0;
        while (rv == CKR_OK && *count < max && found) {
                rv = next_handle(op->search, &objects[*count], &found);
                *count += rv == CKR_OK && found;
        }
        if (rv != CKR_OK)
                *count = 0;
        return op_leave(s, op, rv);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
        struct session *s;
        struct op *op;
        CK_RV rv = op_enter(session, OP_FIND, STEP_END, &s, &op);

        if (rv != CKR_OK)
                return rv;
        op_end(op);
        return op_leave(s, op, CKR_OK);
}
