#include "tools/audit_keys.h"

struct tally {
        json_t *list;
        size_t keys, weak; /* weak: not protected and not public */
};

static void show(struct shell *sh, const Chsm__AuditedKey *k, struct tally *t)
{
        struct shell_cell label;
        bool weak = strcmp(k->exposure, "protected") != 0 && strcmp(k->exposure, "public") != 0;

        t->keys++;
        t->weak += weak;
        shell_say(sh, "%-11llu %-8llu %-30s %s\n", (unsigned long long)k->handle,
                  (unsigned long long)k->owner, k->exposure, shell_pad(&label, k->label, 0));
        shell_say(sh, "            %s\n", k->path);
        if (k->note[0])
                shell_say(sh, "            note: %s\n", k->note);
        (void)json_array_append_new(t->list, json_pack("{s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:s}", "handle",
                                                       (json_int_t)k->handle, "owner", (json_int_t)k->owner,
                                                       "class", (json_int_t)k->object_class, "key_type",
                                                       (json_int_t)k->key_type, "label", k->label, "exposure",
                                                       k->exposure, "path", k->path, "note", k->note));
}

static uint32_t audit_page(struct shell *sh, struct chsm *chsm, Chsm__AuditKeysRequest *body, struct tally *t,
                           bool *more)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.audit_keys = body;
        request.body_case = CHSM__REQUEST__BODY_AUDIT_KEYS;
        rv = chsm_call(chsm, &request, &answer, &sh->err);
        *more = false;
        if (rv == 0) {
                const Chsm__AuditKeysResponse *r = answer.response->audit_keys;

                for (size_t i = 0; i < r->n_keys; i++)
                        show(sh, r->keys[i], t);
                *more = r->more && r->next > body->after;
                body->after = r->next;
        }
        chsm_answer_clear(&answer);
        return rv;
}

uint32_t tool_audit_keys(struct shell *sh, struct chsm *chsm)
{
        Chsm__AuditKeysRequest body = CHSM__AUDIT_KEYS_REQUEST__INIT;
        struct tally t = { .list = json_array() };
        bool more = true;
        uint32_t rv = 0;

        shell_say(sh, "Handle      Owner    Exposure                       Label\n");
        while (rv == 0 && more)
                rv = audit_page(sh, chsm, &body, &t, &more);
        if (rv == 0)
                shell_say(sh, "%zu keys, of which %zu are not protected\n", t.keys, t.weak);
        shell_set(sh, "keys", t.list);
        shell_set(sh, "not_protected", json_integer((json_int_t)t.weak));
        return rv;
}
