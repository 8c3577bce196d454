/* What each node of a cluster shows after the work: keys with handle, owner and sharers, users with failures
 * and lockouts, and which password of the changing user it takes. Goes into the history as reads of that
 * node.
 *
 * Usage: cluster_state HISTORY PREFIX CONF_FOLDER CU:PASSWORD CO:PASSWORD HOST:PORT...
 *
 * A login is a change of the store that the node has applied when it answers, so nothing that was
 * acknowledged before can be missing behind it.
 */
#include "ck/cryptoki.h"
#include "load.h"
#include "tls/tls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *prefix, *changer;
static uint64_t partner;
static char passwords[2][64]; /* the last two that were written, newest last */

static bool is_ours(const char *name)
{
        return strncmp(name, prefix, strlen(prefix)) == 0;
}

static void seen(const char *who, const char *kind, const char *name, uint64_t number)
{
        struct history_call call = history_begin("read", who, "state");
        char value[32];

        (void)snprintf(value, sizeof(value), "%" PRIu64, number);
        history_end(&call, 0, value, "%s:%s", kind, name);
}

/* ---- as an officer: users ---- */

static bool users_read(struct chsm *c, const char *who)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListUsersRequest body = CHSM__LIST_USERS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct history_call all = history_begin("all", who, "state");
        bool ok;

        request.list_users = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_USERS;
        ok = chsm_call(c, &request, &answer, NULL) == 0;
        for (size_t i = 0; ok && i < answer.response->list_users->n_users; i++) {
                const Chsm__User *u = answer.response->list_users->users[i];

                if (!is_ours(u->name))
                        continue;
                if (strcmp(u->name + strlen(prefix), "_partner") == 0)
                        partner = u->id;
                seen(who, "user", u->name, 1);
                seen(who, "failures", u->name, u->failures);
                seen(who, "locked", u->name, u->locked ? 1 : 0);
        }
        chsm_answer_clear(&answer);
        history_end(&all, ok ? 0 : CKR_DEVICE_ERROR, "", "user:%s", prefix);
        return ok;
}

/* ---- as the owner: keys ---- */

static bool key_read(struct chsm *c, const char *who, const char *label, uint64_t handle)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ObjectInfoRequest body = CHSM__OBJECT_INFO_REQUEST__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool ok, shared = false;

        ref.handle = handle;
        body.object = &ref;
        request.object_info = &body;
        request.body_case = CHSM__REQUEST__BODY_OBJECT_INFO;
        ok = chsm_call(c, &request, &answer, NULL) == 0;
        if (ok) {
                const Chsm__ObjectInfoResponse *r = answer.response->object_info;

                for (size_t i = 0; i < r->n_shared_with; i++)
                        shared = shared || r->shared_with[i] == partner;
                seen(who, "owner", label, r->owner);
                seen(who, "handle", label, handle);
                seen(who, "share", label, shared);
        }
        chsm_answer_clear(&answer);
        return ok;
}

/* Each label is listed as often as it is there, so a doubled one has a second line that says 2. */
static bool keys_page(struct chsm *c, const char *who, Chsm__FindObjectsRequest *body, bool *more)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool ok;

        request.find_objects = body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        ok = chsm_call(c, &request, &answer, NULL) == 0;
        *more = ok && answer.response->find_objects->more && answer.response->find_objects->n_handles;
        for (size_t i = 0; ok && i < answer.response->find_objects->n_objects; i++) {
                const Chsm__ObjectResponse *o = answer.response->find_objects->objects[i];

                for (size_t k = 0; k < o->n_attributes; k++) {
                        char label[128] = "";

                        if (o->attributes[k]->type == CKA_LABEL &&
                            o->attributes[k]->value.len < sizeof(label))
                                memcpy(label, o->attributes[k]->value.data, o->attributes[k]->value.len);
                        if (!label[0] || !is_ours(label))
                                continue;
                        seen(who, "key", label, 1);
                        ok = ok && key_read(c, who, label, answer.response->find_objects->handles[i]);
                }
        }
        if (*more)
                body->after =
                    answer.response->find_objects->handles[answer.response->find_objects->n_handles - 1];
        chsm_answer_clear(&answer);
        return ok;
}

static bool keys_read(struct chsm *c, const char *who)
{
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        struct history_call all = history_begin("all", who, "state");
        bool more = true, ok = true;

        body.with_attributes = 1;
        while (ok && more)
                ok = keys_page(c, who, &body, &more);
        history_end(&all, ok ? 0 : CKR_DEVICE_ERROR, "", "key:%s", prefix);
        return ok;
}

/* ---- as the changing user: which passwords the node takes; one that is wrong comes before one that is
 * right, so that no failures stay ---- */

static bool password_read(struct chsm *c, const char *who, const char *password)
{
        struct history_call call = history_begin("read", who, "state");
        uint32_t rv = chsm_login(c, 1, slice_str(changer), slice_str(password), NULL);
        char value[80];

        (void)snprintf(value, sizeof(value), "%s%s", rv == 0 ? "" : "!", password);
        history_end(&call, rv == CKR_PIN_INCORRECT ? 0 : rv, value, "password:%s", changer);
        if (rv == 0)
                (void)chsm_logout(c, NULL);
        return rv == 0 || rv == CKR_PIN_INCORRECT;
}

/* The last two passwords the history knows. */
static void passwords_find(const char *path)
{
        FILE *f = fopen(path, "re");
        char line[512], kind[16], subject[128], value[64];

        while (f && fgets(line, sizeof(line), f)) {
                if (sscanf(line, "%15s %*s %*s %*s %*s %*s %*s %127s %63s", kind, subject, value) == 3 &&
                    strcmp(kind, "write") == 0 && strncmp(subject, "password:", 9) == 0) {
                        memcpy(passwords[0], passwords[1], sizeof(passwords[0]));
                        memcpy(passwords[1], value, sizeof(value));
                }
        }
        if (f)
                (void)fclose(f);
}

/* ---- */

static struct chsm *node_open(const char *endpoint, struct tls_context *tls)
{
        char host[64];
        const char *colon = strrchr(endpoint, ':');
        struct chsm_endpoint at = { host, (uint16_t)strtoul(colon ? colon + 1 : "0", NULL, 10) };
        struct chsm_options options = {
                .dialer = tls_dialer(tls), .endpoints = &at, .endpoint_count = 1, .name = "cluster_state"
        };
        struct err err = ERR_INIT;
        struct chsm *c;

        if (!colon || (size_t)(colon - endpoint) >= sizeof(host))
                return NULL;
        memcpy(host, endpoint, (size_t)(colon - endpoint));
        host[colon - endpoint] = 0;
        c = chsm_open(&options, &err);
        if (!c)
                fprintf(stderr, "%s: %s\n", endpoint, err.detail);
        return c;
}

static bool login(struct chsm *c, uint32_t role, const char *pair)
{
        const char *colon = strchr(pair, ':');
        struct err err = ERR_INIT;

        if (colon &&
            chsm_login(c, role, slice_of(pair, (size_t)(colon - pair)), slice_str(colon + 1), &err) == 0)
                return true;
        fprintf(stderr, "%s: %s\n", pair, err.detail);
        return false;
}

static bool node_read(const char *endpoint, struct tls_context *tls, const char *who, char **argv)
{
        struct chsm *c = node_open(endpoint, tls);
        bool ok = c && login(c, 2, argv[5]) && users_read(c, who) && chsm_logout(c, NULL) == 0 &&
                  login(c, 1, argv[4]) && keys_read(c, who) && chsm_logout(c, NULL) == 0 &&
                  (!passwords[0][0] || password_read(c, who, passwords[0])) &&
                  (!passwords[1][0] || password_read(c, who, passwords[1]));

        chsm_close(&c);
        return ok;
}

int main(int argc, char **argv)
{
        char owner[300], certificate[300], key[300], name[100], who[16];
        struct tls_client_config config = { owner, false, certificate, key };
        struct err err = ERR_INIT;
        struct tls_context *tls;
        bool ok = true;

        if (argc < 7) {
                fputs(
                    "usage: cluster_state HISTORY PREFIX CONF_FOLDER CU:PASSWORD CO:PASSWORD HOST:PORT...\n",
                    stderr);
                return 2;
        }
        prefix = argv[2];
        (void)snprintf(owner, sizeof(owner), "%s/PO.crt", argv[3]);
        (void)snprintf(certificate, sizeof(certificate), "%s/client.crt", argv[3]);
        (void)snprintf(key, sizeof(key), "%s/client.key", argv[3]);
        (void)snprintf(name, sizeof(name), "%s_changer", prefix);
        changer = name;
        passwords_find(argv[1]);
        tls = tls_client_context(&config, &err);
        if (!tls || !history_open(argv[1])) {
                fprintf(stderr, "%s\n", err.detail);
                return 1;
        }
        for (int i = 6; i < argc; i++) {
                (void)snprintf(who, sizeof(who), "node%d", i - 5);
                ok = node_read(argv[i], tls, who, argv) && ok;
        }
        tls_context_free(&tls);
        history_close();
        return ok ? 0 : 1;
}
