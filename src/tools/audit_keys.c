#include "tools/audit_keys.h"

#include <stdlib.h>

struct tally {
        json_t *list, *partition;
        size_t keys, weak; /* weak: not protected and not public */
        size_t advised;    /* those with advice that is more than a note */
};

static const char *severity_name(uint32_t severity)
{
        return severity >= 3 ? "serious" : severity == 2 ? "warning" : "note";
}

/* Says the advice, and gives it as a list. *gravest is raised to the highest severity among it. */
static json_t *advise(struct shell *sh, Chsm__KeyAdvice **advice, size_t n, uint32_t *gravest)
{
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++) {
                const Chsm__KeyAdvice *a = advice[i];

                *gravest = a->severity > *gravest ? a->severity : *gravest;
                shell_say(sh, "            %s: %s. %s\n", severity_name(a->severity), a->words, a->cure);
                (void)json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "rule", a->rule, "severity",
                                                            severity_name(a->severity), "words", a->words,
                                                            "cure", a->cure));
        }
        return list;
}

static void show(struct shell *sh, const Chsm__AuditedKey *k, struct tally *t)
{
        struct shell_cell label;
        uint32_t gravest = 0;
        json_t *advice;
        bool weak = strcmp(k->exposure, "protected") != 0 && strcmp(k->exposure, "public") != 0;

        t->keys++;
        t->weak += weak;
        shell_say(sh, "%-11llu %-8llu %-30s %s\n", (unsigned long long)k->handle,
                  (unsigned long long)k->owner, k->exposure, shell_pad(&label, k->label, 0));
        shell_say(sh, "            %s\n", k->path);
        if (k->note[0])
                shell_say(sh, "            note: %s\n", k->note);
        advice = advise(sh, k->advice, k->n_advice, &gravest);
        t->advised += gravest > 1;
        (void)json_array_append_new(
            t->list, json_pack("{s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:o}", "handle", (json_int_t)k->handle,
                               "owner", (json_int_t)k->owner, "class", (json_int_t)k->object_class,
                               "key_type", (json_int_t)k->key_type, "label", k->label, "exposure",
                               k->exposure, "path", k->path, "note", k->note, "advice", advice));
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
                if (r->n_partition) {
                        uint32_t gravest = 0;

                        shell_say(sh, "The partition\n");
                        json_decref(t->partition);
                        t->partition = advise(sh, r->partition, r->n_partition, &gravest);
                }
                *more = r->more && r->next > body->after;
                body->after = r->next;
        }
        chsm_answer_clear(&answer);
        return rv;
}

/* -unused, -expiring, -old, each with days. */
static uint32_t limits(struct shell *sh, int argc, char **argv, Chsm__AuditKeysRequest *body)
{
        const struct {
                const char *option;
                uint32_t *days;
        } rows[] = { { "-unused", &body->unused_days },
                     { "-expiring", &body->expiring_days },
                     { "-old", &body->old_days } };

        for (int i = 1; i < argc; i += 2) {
                char *end = NULL;
                unsigned long days = i + 1 < argc ? strtoul(argv[i + 1], &end, 10) : 0;
                size_t k = 0;

                while (k < 3 && strcmp(argv[i], rows[k].option) != 0)
                        k++;
                if (k == 3)
                        return shell_fail(sh, ERR_USAGE,
                                          "'%s' is no option of auditKeys; it takes -unused, "
                                          "-expiring and -old, each with days",
                                          argv[i]);
                if (!end || *end || days < 1 || days > 36500)
                        return shell_fail(sh, ERR_USAGE, "%s takes days, 1 to 36500", argv[i]);
                *rows[k].days = (uint32_t)days;
        }
        return 0;
}

uint32_t tool_audit_keys(struct shell *sh, struct chsm *chsm, int argc, char **argv)
{
        Chsm__AuditKeysRequest body = CHSM__AUDIT_KEYS_REQUEST__INIT;
        struct tally t = { .list = json_array(), .partition = json_array() };
        bool more = true;
        uint32_t rv = limits(sh, argc, argv, &body);

        if (rv == 0)
                shell_say(sh, "Handle      Owner    Exposure                       Label\n");
        while (rv == 0 && more)
                rv = audit_page(sh, chsm, &body, &t, &more);
        if (rv == 0)
                shell_say(sh, "%zu keys, of which %zu are not protected\n%zu with warnings\n", t.keys, t.weak,
                          t.advised);
        shell_set(sh, "keys", t.list);
        shell_set(sh, "partition", t.partition);
        shell_set(sh, "with_warnings", json_integer((json_int_t)t.advised));
        shell_set(sh, "not_protected", json_integer((json_int_t)t.weak));
        return rv;
}
