#include "vault/index.h"
#include "base/map.h"
#include "ck/encoding.h"
#include "vault/index_table.h"

#include <stdlib.h>

/* Lists that are of no attribute. */
#define OWNED  UINT64_C(0xffffffff00000001) /* by owner, whoever sees them */
#define SHARED UINT64_C(0xffffffff00000002) /* by user they are shared with */
#define SEEN   UINT64_C(0xffffffff00000003) /* all of a scope */
#define KIND   UINT64_C(0xffffffff00000004) /* of a scope and kind */

/* Scopes besides those of users. */
#define EVERYBODY 0u         /* public objects */
#define ALL_USERS UINT32_MAX /* public keys that are private objects: every user's, nobody's before login */

#define BOOLS_MAX 32

struct kind {
        uint64_t object_class, key_type;
        uint32_t has, set; /* bits of booleans: present, true */
};

/* A kind of a scope, and how many objects it has. */
struct kind_use {
        struct kind kind;
        size_t uses, at; /* at: of kinds.list */
};

struct kinds {
        struct map *by_kind; /* -> struct kind_use */
        struct kind_use **list;
        size_t n, cap;
};

#define KINDS_READ 512 /* kinds a search looks at; a scope of more is searched without them */

struct vault_index {
        struct vault_table *table;
        struct map *kinds; /* scope -> struct kinds */
        uint64_t bools[BOOLS_MAX];
        size_t bool_count;
};

struct vault_index *vault_index_new(void)
{
        struct vault_index *x = calloc(1, sizeof(*x));
        const struct ck_attribute_row *row;

        if (!x)
                return NULL;
        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                if (row->value == CK_VALUE_BOOL && x->bool_count < BOOLS_MAX)
                        x->bools[x->bool_count++] = row->type;
        }
        x->table = vault_table_new();
        x->kinds = map_new();
        if (!x->table || !x->kinds)
                vault_index_free(&x);
        return x;
}

static bool free_kinds(void *arg, struct slice key, void *value)
{
        struct kinds *k = value;

        (void)arg;
        (void)key;
        for (size_t i = 0; i < k->n; i++)
                free(k->list[i]);
        map_free(&k->by_kind);
        free(k->list);
        free(k);
        return true;
}

void vault_index_free(struct vault_index **xp)
{
        struct vault_index *x = *xp;

        *xp = NULL;
        if (!x)
                return;
        vault_table_free(&x->table);
        if (x->kinds)
                map_each(x->kinds, free_kinds, NULL);
        map_free(&x->kinds);
        free(x);
}

/* ---- kinds ---- */

/* The bit of a boolean attribute, 0 when it is none. */
static uint32_t bool_bit(const struct vault_index *x, uint64_t type)
{
        for (size_t i = 0; i < x->bool_count; i++) {
                if (x->bools[i] == type)
                        return 1u << i;
        }
        return 0;
}

static struct kind kind_of(const struct vault_index *x, const struct vault_object *o)
{
        struct kind kind = { .object_class = o->object_class, .key_type = o->key_type };

        for (size_t i = 0; i < x->bool_count; i++) {
                struct slice value = vault_object_attribute(o, x->bools[i]);
                bool set = false;

                if (ck_value_bool(value, &set))
                        kind.has |= 1u << i;
                if (set)
                        kind.set |= 1u << i;
        }
        return kind;
}

static uint64_t kind_name(uint32_t scope, const struct kind *kind)
{
        const uint64_t words[3] = { kind->object_class, kind->key_type,
                                    (uint64_t)kind->has << 32 | kind->set };

        return vault_table_name(KIND, scope, slice_of(words, sizeof(words)));
}

static struct slice scope_key(const uint32_t *scope)
{
        return slice_of(scope, sizeof(*scope));
}

static struct slice kind_key(const struct kind *kind)
{
        return slice_of(kind, sizeof(*kind)); /* it has no padding */
}

static struct kinds *kinds_made(struct vault_index *x, uint32_t scope)
{
        struct kinds *kinds = map_get(x->kinds, scope_key(&scope));

        if (kinds)
                return kinds;
        kinds = calloc(1, sizeof(*kinds));
        if (kinds && (kinds->by_kind = map_new()) && map_put(x->kinds, scope_key(&scope), kinds, NULL))
                return kinds;
        if (kinds)
                (void)free_kinds(NULL, SLICE_EMPTY, kinds);
        return NULL;
}

static struct kind_use *kind_made(struct kinds *kinds, const struct kind *kind)
{
        struct kind_use *use = map_get(kinds->by_kind, kind_key(kind));

        if (use)
                return use;
        if (kinds->n == kinds->cap) {
                size_t cap = kinds->cap ? kinds->cap * 2 : 4;
                struct kind_use **more = realloc(kinds->list, cap * sizeof(struct kind_use *));
                if (!more)
                        return NULL;
                kinds->list = more;
                kinds->cap = cap;
        }
        use = calloc(1, sizeof(*use));
        if (!use || !map_put(kinds->by_kind, kind_key(kind), use, NULL)) {
                free(use);
                return NULL;
        }
        use->kind = *kind;
        use->at = kinds->n;
        kinds->list[kinds->n++] = use;
        return use;
}

static bool kind_add(struct vault_index *x, uint32_t scope, const struct kind *kind)
{
        struct kinds *kinds = kinds_made(x, scope);
        struct kind_use *use = kinds ? kind_made(kinds, kind) : NULL;

        if (use)
                use->uses++;
        return use != NULL;
}

static void kind_remove(struct vault_index *x, uint32_t scope, const struct kind *kind)
{
        struct kinds *kinds = map_get(x->kinds, scope_key(&scope));
        struct kind_use *use = kinds ? map_get(kinds->by_kind, kind_key(kind)) : NULL;

        if (!use || --use->uses)
                return;
        (void)map_remove(kinds->by_kind, kind_key(kind));
        kinds->list[use->at] = kinds->list[--kinds->n];
        kinds->list[use->at]->at = use->at;
        free(use);
        if (kinds->n == 0) {
                (void)map_remove(x->kinds, scope_key(&scope));
                (void)free_kinds(NULL, SLICE_EMPTY, kinds);
        }
}

/* ---- what is listed ---- */

static bool is_listed(uint64_t type)
{
        const struct ck_attribute_row *row = ck_attribute_find(type);

        return row && row->value != CK_VALUE_BOOL && type != CKA_CLASS && type != CKA_KEY_TYPE;
}

static bool scope_add(struct vault_index *x, const struct vault_object *o, uint32_t scope,
                      const struct kind *kind)
{
        bool ok = vault_table_add(x->table, vault_table_name(SEEN, scope, SLICE_EMPTY), o->handle) &&
                  vault_table_add(x->table, kind_name(scope, kind), o->handle) && kind_add(x, scope, kind);

        for (size_t i = 0; ok && i < o->attribute_count; i++) {
                const struct vault_attribute *a = &o->attributes[i];
                if (is_listed(a->type))
                        ok = vault_table_add(x->table, vault_table_name(a->type, scope, a->value), o->handle);
        }
        return ok;
}

static void scope_remove(struct vault_index *x, const struct vault_object *o, uint32_t scope,
                         const struct kind *kind)
{
        vault_table_remove(x->table, vault_table_name(SEEN, scope, SLICE_EMPTY), o->handle);
        vault_table_remove(x->table, kind_name(scope, kind), o->handle);
        kind_remove(x, scope, kind);
        for (size_t i = 0; i < o->attribute_count; i++) {
                const struct vault_attribute *a = &o->attributes[i];
                if (is_listed(a->type))
                        vault_table_remove(x->table, vault_table_name(a->type, scope, a->value), o->handle);
        }
}

/* The scope of what more people than owner and sharers see. */
static bool open_scope(const struct vault_object *o, uint32_t *scope)
{
        *scope = o->flags & VAULT_PRIVATE ? ALL_USERS : EVERYBODY;
        return !(o->flags & VAULT_PRIVATE) || o->object_class == CKO_PUBLIC_KEY;
}

bool vault_index_add(struct vault_index *x, const struct vault_object *o)
{
        struct kind kind = kind_of(x, o);
        uint32_t scope;
        bool ok = vault_table_add(x->table, vault_table_name(OWNED, o->owner, SLICE_EMPTY), o->handle) &&
                  vault_table_add(x->table, vault_table_name(SEEN, 0, SLICE_LIT("all")), o->handle);

        for (size_t i = 0; ok && i < o->shared_count; i++)
                ok =
                    vault_table_add(x->table, vault_table_name(SHARED, o->shared[i], SLICE_EMPTY), o->handle);
        if (ok && open_scope(o, &scope))
                return scope_add(x, o, scope, &kind);
        ok = ok && scope_add(x, o, o->owner, &kind);
        for (size_t i = 0; ok && i < o->shared_count; i++)
                ok = scope_add(x, o, o->shared[i], &kind);
        return ok;
}

void vault_index_remove(struct vault_index *x, const struct vault_object *o)
{
        struct kind kind = kind_of(x, o);
        uint32_t scope;

        vault_table_remove(x->table, vault_table_name(OWNED, o->owner, SLICE_EMPTY), o->handle);
        vault_table_remove(x->table, vault_table_name(SEEN, 0, SLICE_LIT("all")), o->handle);
        for (size_t i = 0; i < o->shared_count; i++)
                vault_table_remove(x->table, vault_table_name(SHARED, o->shared[i], SLICE_EMPTY), o->handle);
        if (open_scope(o, &scope)) {
                scope_remove(x, o, scope, &kind);
                return;
        }
        scope_remove(x, o, o->owner, &kind);
        for (size_t i = 0; i < o->shared_count; i++)
                scope_remove(x, o, o->shared[i], &kind);
}

size_t vault_index_owned(const struct vault_index *x, uint32_t user_id)
{
        struct vault_cursor c;

        return vault_table_find(x->table, vault_table_name(OWNED, user_id, SLICE_EMPTY), 0, &c);
}

/* ---- searches ---- */

/* What a template demands of an object's kind. */
struct demand {
        uint64_t object_class, key_type;
        bool by_class, by_key_type;
        uint32_t has, set;
};

static struct demand demand_of(const struct vault_index *x, const struct vault_template *t)
{
        struct demand d = { .by_class = false };

        for (size_t i = 0; i < t->n; i++) {
                struct slice value = t->items[i].value;
                uint32_t bit = bool_bit(x, t->items[i].type);
                bool set = false;

                if (t->items[i].type == CKA_CLASS)
                        d.by_class = ck_value_number(value, &d.object_class);
                if (t->items[i].type == CKA_KEY_TYPE)
                        d.by_key_type = ck_value_number(value, &d.key_type);
                if (bit && ck_value_bool(value, &set)) {
                        d.has |= bit;
                        d.set |= set ? bit : 0;
                }
        }
        return d;
}

static bool kind_fits(const struct kind *k, const struct demand *d)
{
        return (!d->by_class || k->object_class == d->object_class) &&
               (!d->by_key_type || k->key_type == d->key_type) && (k->has & d->has) == d->has &&
               (k->set & d->has) == d->set;
}

static void walk_add(struct vault_walk *w, struct vault_cursor c)
{
        if (w->n < VAULT_WALK_MAX)
                w->cursors[w->n++] = c;
}

/* How many objects have a fitting kind, and of how many kinds they are. */
static size_t fitting(const struct kinds *kinds, const struct demand *d, size_t *lists)
{
        size_t objects = 0;

        *lists = kinds->n;
        if (kinds->n > KINDS_READ)
                return SIZE_MAX - 1;
        *lists = 0;
        for (size_t i = 0; i < kinds->n; i++) {
                if (kind_fits(&kinds->list[i]->kind, d)) {
                        objects += kinds->list[i]->uses;
                        (*lists)++;
                }
        }
        return objects;
}

/* The shortest list of a value in the template; SIZE_MAX: no value of it is listed. */
static size_t by_value(const struct vault_index *x, uint32_t scope, const struct vault_template *t,
                       uint32_t after, struct vault_cursor *best)
{
        size_t shortest = SIZE_MAX;

        for (size_t i = 0; shortest && i < t->n; i++) {
                struct vault_cursor c;
                size_t n;

                if (!is_listed(t->items[i].type))
                        continue;
                n = vault_table_find(x->table, vault_table_name(t->items[i].type, scope, t->items[i].value),
                                     after, &c);
                if (n < shortest) {
                        shortest = n;
                        *best = c;
                }
        }
        return shortest;
}

static void scope_search(const struct vault_index *x, uint32_t scope, const struct vault_template *t,
                         const struct demand *d, uint32_t after, struct vault_walk *w)
{
        const struct kinds *kinds = map_get(x->kinds, scope_key(&scope));
        struct vault_cursor c;
        size_t lists = 0, of_kind, of_value = by_value(x, scope, t, after, &c);

        if (!kinds)
                return; /* nothing is in the scope */
        of_kind = fitting(kinds, d, &lists);
        if (of_value <= of_kind) {
                walk_add(w, c);
                return;
        }
        if (lists > VAULT_WALK_MAX / 3) { /* one list instead of so many */
                if (of_value == SIZE_MAX)
                        (void)vault_table_find(x->table, vault_table_name(SEEN, scope, SLICE_EMPTY), after,
                                               &c);
                walk_add(w, c);
                return;
        }
        for (size_t i = 0; i < kinds->n; i++) {
                if (kind_fits(&kinds->list[i]->kind, d)) {
                        (void)vault_table_find(x->table, kind_name(scope, &kinds->list[i]->kind), after, &c);
                        walk_add(w, c);
                }
        }
}

void vault_index_search(const struct vault_index *x, uint32_t user_id, const struct vault_template *t,
                        uint32_t after, struct vault_walk *w)
{
        struct demand d = demand_of(x, t);

        w->n = 0;
        scope_search(x, EVERYBODY, t, &d, after, w);
        if (!user_id)
                return;
        scope_search(x, ALL_USERS, t, &d, after, w);
        scope_search(x, user_id, t, &d, after, w);
}

void vault_index_list(const struct vault_index *x, uint32_t user_id, uint32_t after, struct vault_walk *w)
{
        struct vault_cursor c;

        w->n = 0;
        if (!user_id) {
                (void)vault_table_find(x->table, vault_table_name(SEEN, 0, SLICE_LIT("all")), after, &c);
                walk_add(w, c);
                return;
        }
        (void)vault_table_find(x->table, vault_table_name(OWNED, user_id, SLICE_EMPTY), after, &c);
        walk_add(w, c);
        (void)vault_table_find(x->table, vault_table_name(SHARED, user_id, SLICE_EMPTY), after, &c);
        walk_add(w, c);
}

bool vault_walk_next(struct vault_walk *w, uint32_t *handle)
{
        uint32_t one;
        bool any = false;

        for (size_t i = 0; i < w->n; i++) {
                if (vault_cursor_peek(&w->cursors[i], &one) && (!any || one < *handle)) {
                        *handle = one;
                        any = true;
                }
        }
        for (size_t i = 0; any && i < w->n; i++) {
                if (vault_cursor_peek(&w->cursors[i], &one) && one == *handle)
                        vault_cursor_next(&w->cursors[i]);
        }
        return any;
}
