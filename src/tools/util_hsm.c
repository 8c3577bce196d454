/* chsm-util: results as the documented tool words them, and the keys that live as long as the tool. */
#include "tools/util.h"

#include <stdlib.h>

const struct util_hsm_code util_hsm_codes[] = {
        { ERR_SIGNATURE, 0x1b, "CSP Error: ERR_BAD_PKCS_DATA" },
        { ERR_USER_ABSENT, 0x9d, "HSM Error: user isn't initialized or user with this name doesn't exist" },
        { ERR_LOGIN_FAILED, 0xa3, "HSM Error: RET_USER_LOGIN_FAILURE" },
        { ERR_HANDLE, 0xa8, "HSM Error: Invalid object handle is passed to this operation" },
        { ERR_KEY_HANDLE, 0xa8, "HSM Error: Invalid object handle is passed to this operation" },
        { ERR_KEY_SIZE, 0xb3, "HSM Error: This operation violates the current configured/FIPS policies" },
        { ERR_ROLE, 0xc6, "HSM Error: Key Access is denied" },
        { ERR_USER_TYPE, 0xdb, "HSM Error: Invalid User Type." },
        { ERR_QUORUM, 0xe1, "HSM Error: RET_MXN_AUTH_FAILED" },
        { ERR_CONNECT, 0x30000085, "HSM CLUSTER ERROR: Server in cluster is unavailable" },
        { ERR_NONE, 0, NULL },
};

uint32_t util_result(struct shell *sh, const char *function, uint32_t rv)
{
        const struct util_hsm_code *row = util_hsm_codes;

        if (rv == 0) {
                shell_say(sh, "\n\t%s returned: 0x00 : HSM Return: SUCCESS\n", function);
                return 0;
        }
        if (sh->err.id == ERR_USAGE)
                return rv;
        while (row->text && row->id != sh->err.id)
                row++;
        if (row->text)
                shell_say(sh, "\n\t%s returned: 0x%02x : %s\n", function, row->code, row->text);
        else
                shell_say(sh, "\n\t%s returned: 0x%02x : HSM Error: %s\n", function, rv,
                          err_row(sh->err.id)->text);
        return rv;
}

void util_cluster_status(struct shell *sh)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ClusterInfoRequest body = CHSM__CLUSTER_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct err err = ERR_INIT;

        if (sh->json)
                return;
        request.cluster_info = &body;
        request.body_case = CHSM__REQUEST__BODY_CLUSTER_INFO;
        if (chsm_call(util_chsm(sh), &request, &answer, &err) == 0) {
                const Chsm__ClusterInfoResponse *r = answer.response->cluster_info;

                shell_say(sh, "\n\tCluster Status:\n");
                for (size_t i = 0; i < r->n_nodes; i++)
                        shell_say(sh, "\tNode id %u status: %s\n", r->nodes[i]->number,
                                  r->nodes[i]->connected
                                      ? "0x00000000 : HSM Return: SUCCESS"
                                      : "0x30000085 : HSM CLUSTER ERROR: Server in cluster is unavailable");
        }
        chsm_answer_clear(&answer);
}

/* ---- session keys ---- */

uint32_t util_ref(struct shell *sh, const char *option, const char *text, Chsm__ObjectRef *ref)
{
        struct util *u = sh->context;
        uint64_t handle = 0;
        uint32_t rv = util_number(sh, option, text, 1, UINT32_MAX, &handle);

        chsm__object_ref__init(ref);
        if (rv)
                return rv;
        if (handle < UTIL_SESSION_FIRST) {
                ref->handle = handle;
                return 0;
        }
        if (handle - UTIL_SESSION_FIRST < u->session_n && u->session[handle - UTIL_SESSION_FIRST].len) {
                ref->sealed = u->session[handle - UTIL_SESSION_FIRST];
                return 0;
        }
        return shell_fail(sh, ERR_HANDLE, "%s is no session key of this run of the tool", text);
}

uint64_t util_made(struct shell *sh, const Chsm__ObjectResponse *object)
{
        struct util *u = sh->context;
        ProtobufCBinaryData *slot = &u->session[u->session_n];

        if (!object->sealed.len)
                return object->handle;
        if (u->session_n == UTIL_SESSION_MOST || !(slot->data = malloc(object->sealed.len)))
                return 0; /* made, and gone with this answer: it cannot be named */
        slot->len = object->sealed.len;
        memcpy(slot->data, object->sealed.data, slot->len);
        return UTIL_SESSION_FIRST + u->session_n++;
}

void util_forget(struct shell *sh, const Chsm__ObjectRef *ref)
{
        struct util *u = sh->context;

        for (size_t i = 0; i < u->session_n; i++) {
                if (ref->sealed.len && u->session[i].data == ref->sealed.data) {
                        free(u->session[i].data);
                        u->session[i] = (ProtobufCBinaryData){ 0, NULL };
                }
        }
}

void util_clear(struct util *u)
{
        if (u->contexts[0])
                u->chsm = u->contexts[0];
        for (size_t i = 1; i < UTIL_CONTEXTS; i++)
                chsm_close(&u->contexts[i]);
        for (size_t i = 0; i < u->session_n; i++)
                free(u->session[i].data);
        u->session_n = 0;
}
