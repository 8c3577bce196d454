#include "tools/mgmt_factor.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SERVERS_MAX 16
#define FILE_MAX    (64 * 1024)

/* Of the running command. */
static struct {
        bool used;
        struct {
                struct buf challenge, digest, signature; /* digest in base64 */
                char node[65];
                Chsm__SecondFactor message;
        } rows[SERVERS_MAX];
        struct buf public_key;
} factor;

void mgmt_factor_end(void)
{
        for (size_t i = 0; i < SERVERS_MAX; i++) {
                buf_clear(&factor.rows[i].challenge);
                buf_clear(&factor.rows[i].digest);
                buf_clear(&factor.rows[i].signature);
        }
        buf_clear(&factor.public_key);
        memset(&factor, 0, sizeof(factor));
}

Chsm__SecondFactor *mgmt_factor_of(size_t index)
{
        Chsm__SecondFactor *m;

        if (!factor.used || index >= SERVERS_MAX)
                return NULL;
        m = &factor.rows[index].message;
        chsm__second_factor__init(m);
        m->public_key = (ProtobufCBinaryData){ factor.public_key.n, factor.public_key.p };
        m->challenge =
            (ProtobufCBinaryData){ factor.rows[index].challenge.n, factor.rows[index].challenge.p };
        m->signature =
            (ProtobufCBinaryData){ factor.rows[index].signature.n, factor.rows[index].signature.p };
        return m;
}

/* ---- challenges ---- */

static uint32_t wanted; /* purpose */

static uint32_t ask_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuthChallengeRequest body = CHSM__AUTH_CHALLENGE_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        (void)argc;
        body.role = mgmt_role(sh, argv[1]);
        body.user = argv[2];
        body.purpose = wanted;
        if (index >= SERVERS_MAX)
                return shell_fail(sh, ERR_LIMIT, "a second factor is for at most %d servers", SERVERS_MAX);
        request.auth_challenge = &body;
        request.body_case = CHSM__REQUEST__BODY_AUTH_CHALLENGE;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__AuthChallengeResponse *r = answer.response->auth_challenge;

                buf_put(&factor.rows[index].challenge, r->challenge.data, r->challenge.len);
                (void)text_to_base64(slice_of(r->digest.data, r->digest.len), &factor.rows[index].digest);
                (void)snprintf(factor.rows[index].node, sizeof(factor.rows[index].node), "%s", r->node);
        }
        chsm_answer_clear(&answer);
        return rv;
}

/* ---- the file ---- */

static uint32_t file_out(struct shell *sh, const char *path)
{
        json_t *data = json_array(), *root;
        char *text;
        bool ok;

        for (size_t i = 0; i < SERVERS_MAX; i++) {
                if (factor.rows[i].challenge.n)
                        (void)json_array_append_new(
                            data, json_pack("{s:s,s:s,s:s}", "HsmId", factor.rows[i].node, "Digest",
                                            buf_text(&factor.rows[i].digest), "Signature", ""));
        }
        root = json_pack("{s:s,s:s,s:o}", "Version", "1.0", "PublicKey", "", "Data", data);
        text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
        ok = text && file_write(path, slice_str(text), 0600, &sh->err);
        if (!text)
                (void)shell_fail(sh, ERR_MEMORY, "no memory for a file");
        json_decref(root);
        free(text);
        return ok ? 0 : err_ckr(&sh->err);
}

/* The signature that stands beside a digest. */
static uint32_t signature_in(struct shell *sh, const char *path, const json_t *data, size_t index)
{
        const char *digest = buf_text(&factor.rows[index].digest);
        const json_t *entry;
        size_t i;

        json_array_foreach((json_t *)(uintptr_t)data, i, entry)
        {
                const char *signature = json_string_value(json_object_get(entry, "Signature"));
                const char *of = json_string_value(json_object_get(entry, "Digest"));

                if (!of || !signature || !digest || strcmp(of, digest) != 0)
                        continue;
                if (*signature && text_from_base64(slice_str(signature), &factor.rows[index].signature))
                        return 0;
                return shell_fail(sh, ERR_USAGE, "%s: the signature of digest '%s' is not there in base64",
                                  path, of);
        }
        return shell_fail(sh, ERR_USAGE, "%s does not have the digest of '%s' any more", path,
                          factor.rows[index].node);
}

static uint32_t file_in(struct shell *sh, const char *path)
{
        struct buf text = BUF_INIT;
        json_t *root = NULL;
        const char *key;
        uint32_t rv = 0;

        if (file_read(path, FILE_MAX, &text, &sh->err))
                root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
        else
                rv = err_ckr(&sh->err);
        if (rv == 0 && !json_is_array(json_object_get(root, "Data")))
                rv = shell_fail(sh, ERR_USAGE, "%s is not the JSON that was written there", path);
        key = json_string_value(json_object_get(root, "PublicKey"));
        buf_put_text(&factor.public_key, key ? key : "");
        for (size_t i = 0; rv == 0 && i < SERVERS_MAX; i++) {
                if (factor.rows[i].challenge.n)
                        rv = signature_in(sh, path, json_object_get(root, "Data"), i);
        }
        if (rv == 0 && wanted && !factor.public_key.n)
                rv = shell_fail(sh, ERR_USAGE, "%s: put the public key (PEM) into 'PublicKey'", path);
        json_decref(root);
        buf_clear(&text);
        return rv;
}

/* Somebody signs meanwhile; a line says that he has. */
static uint32_t wait_for_people(struct shell *sh, const char *path)
{
        struct sec *line;

        shell_say(sh,
                  "Digests are written to '%s'. Sign each (base64 -d, then openssl pkeyutl -sign -inkey KEY "
                  "-pkeyopt "
                  "digest:sha256), put the signatures there in base64%s, and press Enter.\n",
                  path, wanted ? ", and the public key into PublicKey" : "");
        (void)fflush(stdout);
        line = shell_password(sh, "Press Enter when the file is ready: ");
        if (!line)
                return err_ckr(&sh->err);
        sec_free(&line);
        return 0;
}

uint32_t mgmt_factor_begin(struct shell *sh, int argc, char **argv, int at, uint32_t purpose)
{
        uint32_t rv;

        if (argc <= at)
                return 0;
        if (argc != at + 2 || strcmp(argv[at], "-2fa") != 0)
                return shell_fail(sh, ERR_USAGE, "'%s' is no option here; try: %s ... -2fa FILE", argv[at],
                                  argv[0]);
        if (!mgmt_role(sh, argv[1]))
                return err_ckr(&sh->err);
        wanted = purpose;
        factor.used = true;
        rv = mgmt_each(sh, NULL, ask_one, argc, argv);
        if (rv == 0)
                rv = file_out(sh, argv[at + 1]);
        if (rv == 0)
                rv = wait_for_people(sh, argv[at + 1]);
        return rv ? rv : file_in(sh, argv[at + 1]);
}

/* ---- the commands on keys ---- */

static uint32_t mode; /* of the running command */

static uint32_t set_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SetAuthKeyRequest body = CHSM__SET_AUTH_KEY_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        char self[64];
        uint32_t rv;

        (void)argc;
        body.mode = mode;
        body.role = mgmt_role(sh, argv[1]);
        body.user = argv[2];
        body.factor = mgmt_factor_of(index);
        if (!body.role)
                return err_ckr(&sh->err);
        request.set_auth_key = &body;
        request.body_case = CHSM__REQUEST__BODY_SET_AUTH_KEY;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        chsm_answer_clear(&answer);
        (void)snprintf(self, sizeof(self), "%.40s(%s)", argv[2], mgmt_role_name(body.role));
        if (rv == 0 && strcasecmp(self, s->login) == 0) { /* the login had another factor, and has ended */
                chsm_forget_login(s->chsm);
                s->login[0] = 0;
                shell_say(sh, "logging out\n");
        }
        return rv;
}

static uint32_t set_key(struct shell *sh, int argc, char **argv, uint32_t how)
{
        char two_fa[] = "-2fa", *words[] = { argv[0], argv[1], argv[2], two_fa, argc > 3 ? argv[3] : NULL };
        uint32_t rv = argc > 3 ? mgmt_factor_begin(sh, 5, words, 3, 1) : 0;

        mode = how;
        if (rv == 0)
                rv = mgmt_each(sh, argv[0], set_one, argc, argv);
        mgmt_factor_end();
        return rv;
}

static uint32_t register_key(struct shell *sh, int argc, char **argv)
{
        return set_key(sh, argc, argv, 1);
}

static uint32_t replace_key(struct shell *sh, int argc, char **argv)
{
        return set_key(sh, argc, argv, 2);
}

static uint32_t update_key(struct shell *sh, int argc, char **argv)
{
        return set_key(sh, argc, argv, 3);
}

static uint32_t reset_key(struct shell *sh, int argc, char **argv)
{
        return set_key(sh, argc, argv, 4);
}

static uint32_t deregister_key(struct shell *sh, int argc, char **argv)
{
        return set_key(sh, argc, argv, 5);
}

static uint32_t list_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ListAuthKeysRequest body = CHSM__LIST_AUTH_KEYS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        json_t *list = json_array();
        uint32_t rv;

        (void)argc;
        (void)argv;
        request.list_auth_keys = &body;
        request.body_case = CHSM__REQUEST__BODY_LIST_AUTH_KEYS;
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0) {
                const Chsm__ListAuthKeysResponse *r = answer.response->list_auth_keys;

                shell_say(sh, "Users with a second factor on server %zu(%s): %zu\n\n", index, s->host,
                          r->n_keys);
                if (r->n_keys)
                        shell_say(
                            sh,
                            "    User Id    User Type    User Name              SHA-256 of the public key\n");
                for (size_t i = 0; i < r->n_keys; i++) {
                        const Chsm__AuthKey *k = r->keys[i];
                        struct buf hex = BUF_INIT;

                        buf_put_hex(&hex, slice_of(k->hash.data, k->hash.len));
                        shell_say(sh, "    %-10llu %-12s %-22s %s\n", (unsigned long long)k->id,
                                  mgmt_role_name(k->role), k->user, buf_text(&hex));
                        (void)json_array_append_new(list,
                                                    json_pack("{s:I,s:s,s:s,s:s}", "id", (json_int_t)k->id,
                                                              "type", mgmt_role_name(k->role), "name",
                                                              k->user, "sha256", buf_text(&hex)));
                        buf_clear(&hex);
                }
        }
        shell_set(sh, "keys", list);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t list_keys(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, list_one, argc, argv);
}

const struct shell_command mgmt_factor_rows[] = {
        { "registerUserAuthPubKey", "CO|CU USER FILE", "let a user's logins need a signature by a key too", 3,
          3, true, register_key, "registerUserAuthPubKey CU cu1 cu1.authdata" },
        { "setUserAuthPubKey", "CO|CU USER FILE", "the same, whether or not he has a key", 3, 3, true,
          replace_key, "setUserAuthPubKey CU cu1 cu1.authdata" },
        { "updateUserAuthPubKey", "CO|CU USER FILE", "change one's own key", 3, 3, true, update_key,
          "updateUserAuthPubKey CU cu1 cu1.authdata" },
        { "resetUserAuthPubKey", "CO|CU USER FILE", "give another user, who has lost his, a new key", 3, 3,
          true, reset_key, "resetUserAuthPubKey CU cu1 cu1.authdata" },
        { "deregisterUserAuthPubKey", "CO|CU USER", "let a user log in with his password alone again", 2, 2,
          true, deregister_key, "deregisterUserAuthPubKey CU cu1" },
        { "listUserAuthPubKeys", "", "list who logs in with a second factor", 0, 0, false, list_keys,
          "listUserAuthPubKeys" },
        { 0 },
};
