#include "tools/kinds.h"
#include "ck/attribute.h"
#include "ck/cryptoki.h"

#include <stdio.h>
#include <string.h>

#define LABEL_MAX   120
#define LABELS_MOST 1024
#define PAGE        256

static void users(struct chsm *c, bool ids, kinds_add *add, void *arg)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListUsersRequest body = CHSM__LIST_USERS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;

        request.list_users = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_USERS;
        if (chsm_call(c, &request, &answer, NULL) == 0) {
                const Chsm__ListUsersResponse *r = answer.response->list_users;

                for (size_t i = 0; i < r->n_users; i++) {
                        char id[24];

                        (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)r->users[i]->id);
                        add(arg, ids ? id : r->users[i]->name);
                }
        }
        chsm_answer_clear(&answer);
}

void kinds_users(struct chsm *c, kinds_add *add, void *arg)
{
        users(c, false, add, arg);
}

void kinds_user_ids(struct chsm *c, kinds_add *add, void *arg)
{
        users(c, true, add, arg);
}

void kinds_settings(struct chsm *c, kinds_add *add, void *arg)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetPolicyRequest body = CHSM__GET_POLICY_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;

        request.get_policy = &body;
        request.body_case = CHSM__REQUEST__BODY_GET_POLICY;
        if (chsm_call(c, &request, &answer, NULL) == 0) {
                const Chsm__PolicyResponse *r = answer.response->policy;

                add(arg, "profile");
                for (size_t i = 0; i < r->n_settings; i++)
                        add(arg, r->settings[i]->name);
        }
        chsm_answer_clear(&answer);
}

void kinds_attributes(kinds_add *add, void *arg)
{
        const struct ck_attribute_row *row;

        for (size_t i = 0; (row = ck_attribute_at(i)); i++) {
                char name[64];

                (void)snprintf(name, sizeof(name), "OBJ_ATTR_%s", row->name + 4);
                add(arg, name);
        }
}

/* ---- labels ---- */

struct labels {
        char seen[LABELS_MOST][LABEL_MAX];
        size_t n;
        kinds_add *add;
        void *arg;
};

static void label(struct labels *all, const ProtobufCBinaryData *value)
{
        char text[LABEL_MAX];

        if (value->len == 0 || value->len >= sizeof(text) || memchr(value->data, 0, value->len) ||
            all->n == LABELS_MOST)
                return;
        memcpy(text, value->data, value->len);
        text[value->len] = 0;
        for (size_t i = 0; i < all->n; i++) {
                if (strcmp(all->seen[i], text) == 0)
                        return;
        }
        memcpy(all->seen[all->n++], text, value->len + 1);
        all->add(all->arg, text);
}

/* One page; false: it was the last, or none came. */
static bool labels_page(struct chsm *c, Chsm__FindObjectsRequest *body, struct labels *all)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool more = false;

        request.find_objects = body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        if (chsm_call(c, &request, &answer, NULL) == 0) {
                const Chsm__FindObjectsResponse *r = answer.response->find_objects;

                for (size_t i = 0; i < r->n_objects; i++) {
                        for (size_t k = 0; k < r->objects[i]->n_attributes; k++) {
                                if (r->objects[i]->attributes[k]->type == CKA_LABEL)
                                        label(all, &r->objects[i]->attributes[k]->value);
                        }
                }
                more = r->more && r->n_handles && all->n < LABELS_MOST;
                if (more)
                        body->after = r->handles[r->n_handles - 1];
        }
        chsm_answer_clear(&answer);
        return more;
}

void kinds_labels(struct chsm *c, kinds_add *add, void *arg)
{
        static struct labels all; /* large, and completion is one at a time */
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        int pages = 0;

        all.n = 0;
        all.add = add;
        all.arg = arg;
        body.with_attributes = true;
        body.limit = PAGE;
        while (pages++ < 8 && labels_page(c, &body, &all))
                ;
}
