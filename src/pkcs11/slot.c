/* The slot, its token, and the mechanisms. */
#include "pkcs11/module.h"

#include <stdlib.h>

#define PIN_MIN 10 /* one letter of a name, a colon, a password of 8 */
#define PIN_MAX 255

#define REACH_WAIT_MS 1000

static void pad(CK_UTF8CHAR *out, size_t n, const char *text)
{
        memset(out, ' ', n);
        memcpy(out, text, strlen(text) < n ? strlen(text) : n);
}

/* The token is there as long as a node answers. */
bool slot_has_token(void)
{
        return chsm_reach(module.chsm, REACH_WAIT_MS);
}

CK_RV C_GetSlotList(CK_BBOOL with_token, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count)
{
        CK_RV rv = module_enter();
        CK_ULONG room;

        if (rv != CKR_OK)
                return rv;
        if (!count) {
                rv = CKR_ARGUMENTS_BAD;
        } else {
                room = *count;
                *count = !with_token || slot_has_token();
                if (slots && room < *count)
                        rv = CKR_BUFFER_TOO_SMALL;
                else if (slots && *count)
                        slots[0] = MODULE_SLOT;
        }
        module_leave();
        return rv;
}

static CK_RV check_slot(CK_SLOT_ID slot, const void *out)
{
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        if (slot != MODULE_SLOT)
                return CKR_SLOT_ID_INVALID;
        return out ? CKR_OK : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info)
{
        CK_RV rv = check_slot(slot, info);

        if (rv == CKR_OK)
                rv = module_enter();
        if (rv != CKR_OK)
                return rv;
        memset(info, 0, sizeof(*info));
        pad(info->slotDescription, sizeof(info->slotDescription), "chsm partition");
        pad(info->manufacturerID, sizeof(info->manufacturerID), "chsm project");
        info->flags = CKF_HW_SLOT | (slot_has_token() ? CKF_TOKEN_PRESENT : 0);
        info->hardwareVersion = (CK_VERSION){ 0, 1 };
        info->firmwareVersion = (CK_VERSION){ 0, 1 };
        module_leave();
        return CKR_OK;
}

static void fill_token(CK_TOKEN_INFO_PTR info, const Chsm__NodeInfoResponse *node)
{
        CK_ULONG read_write, all = (CK_ULONG)sessions_count(&read_write);

        memset(info, 0, sizeof(*info));
        pad(info->label, sizeof(info->label), node->label);
        pad(info->manufacturerID, sizeof(info->manufacturerID), node->manufacturer);
        pad(info->model, sizeof(info->model), node->model);
        pad(info->serialNumber, sizeof(info->serialNumber), node->serial);
        info->flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
        info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
        info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
        info->ulSessionCount = all;
        info->ulRwSessionCount = read_write;
        info->ulMaxPinLen = PIN_MAX;
        info->ulMinPinLen = PIN_MIN;
        info->ulTotalPublicMemory = (CK_ULONG)node->total_public_memory;
        info->ulFreePublicMemory = (CK_ULONG)node->free_public_memory;
        info->ulTotalPrivateMemory = (CK_ULONG)node->total_private_memory;
        info->ulFreePrivateMemory = (CK_ULONG)node->free_private_memory;
        if (node->firmware) {
                info->firmwareVersion =
                    (CK_VERSION){ (CK_BYTE)node->firmware->major, (CK_BYTE)node->firmware->minor };
                info->hardwareVersion = info->firmwareVersion;
        }
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__NodeInfoRequest body = CHSM__NODE_INFO_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv = check_slot(slot, info);

        if (rv == CKR_OK)
                rv = module_enter();
        if (rv != CKR_OK)
                return rv;
        request.node_info = &body;
        request.body_case = CHSM__REQUEST__BODY_NODE_INFO;
        rv = module_call(&request, &answer);
        if (rv == CKR_OK)
                fill_token(info, answer.response->node_info);
        else if (rv == CKR_DEVICE_REMOVED)
                rv = CKR_TOKEN_NOT_PRESENT;
        chsm_answer_clear(&answer);
        module_leave();
        return rv;
}

/* ---- mechanisms ---- */

void mechanisms_clear(void)
{
        free(module.mechanisms);
        module.mechanisms = NULL;
        module.mechanism_count = 0;
}

/* Message-based functions are this module's: it makes them of the node's others. */
static CK_FLAGS with_messages(CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
        if (flags & CKF_SIGN)
                flags |= CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE;
        if (flags & CKF_VERIFY)
                flags |= CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
        if (op_has_messages(type))
                flags |= CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
        return flags;
}

static struct mechanism taken(const Chsm__MechanismInfo *r)
{
        struct mechanism m = { .type = r->number,
                               .info = { r->min_size, r->max_size, with_messages(r->number, r->flags) } };

        if (r->n_key_types <= sizeof(m.key_types) / sizeof(m.key_types[0])) {
                for (size_t i = 0; i < r->n_key_types; i++)
                        m.key_types[m.key_type_count++] = r->key_types[i];
        }
        return m;
}

static int ascending(const void *a, const void *b)
{
        CK_MECHANISM_TYPE x = ((const struct mechanism *)a)->type, y = ((const struct mechanism *)b)->type;

        return (x > y) - (x < y);
}

static CK_RV keep(const Chsm__MechanismsResponse *r)
{
        struct mechanism *all = calloc(r->n_mechanisms + 1, sizeof(*all));

        if (!all)
                return CKR_HOST_MEMORY;
        for (size_t i = 0; i < r->n_mechanisms; i++)
                all[i] = taken(r->mechanisms[i]);
        qsort(all, r->n_mechanisms, sizeof(*all), ascending);
        pthread_mutex_lock(&module.lock);
        mechanisms_clear();
        module.mechanisms = all;
        module.mechanism_count = (CK_ULONG)r->n_mechanisms;
        module.mechanism_revision = chsm_revision(module.chsm);
        pthread_mutex_unlock(&module.lock);
        return CKR_OK;
}

static CK_RV load(void)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__MechanismsRequest body = CHSM__MECHANISMS_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_RV rv;

        request.mechanisms = &body;
        request.body_case = CHSM__REQUEST__BODY_MECHANISMS;
        rv = module_call(&request, &answer);
        if (rv == CKR_OK)
                rv = keep(answer.response->mechanisms);
        chsm_answer_clear(&answer);
        return rv;
}

/* Whether the list is there, and what it says of one mechanism, if anything. */
static bool look_up(CK_MECHANISM_TYPE type, struct mechanism *out, bool *there, int64_t *revision)
{
        const struct mechanism wanted = { .type = type }, *found = NULL;

        pthread_mutex_lock(&module.lock);
        *there = module.mechanisms != NULL;
        *revision = module.mechanism_revision;
        if (*there)
                found =
                    bsearch(&wanted, module.mechanisms, module.mechanism_count, sizeof(wanted), ascending);
        if (found)
                *out = *found;
        pthread_mutex_unlock(&module.lock);
        return found != NULL;
}

CK_RV mechanism_find(CK_MECHANISM_TYPE type, struct mechanism *out)
{
        int64_t revision;
        bool there;
        CK_RV rv = CKR_OK;

        if (look_up(type, out, &there, &revision))
                return CKR_OK;
        /* A no holds as long as nothing has changed since; a yes is checked by the node in any case. */
        if (!there || revision < chsm_revision(module.chsm)) {
                rv = load();
                if (rv == CKR_OK && look_up(type, out, &there, &revision))
                        return CKR_OK;
        }
        return rv == CKR_OK ? CKR_MECHANISM_INVALID : rv;
}

bool mechanism_takes(const struct mechanism *m, CK_KEY_TYPE type)
{
        bool takes = m->key_type_count == 0;

        for (size_t i = 0; i < m->key_type_count; i++)
                takes = takes || m->key_types[i] == type;
        return takes;
}

static CK_RV mechanism_list(CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count)
{
        CK_ULONG room = *count;
        CK_RV rv = CKR_OK;
        bool there;

        pthread_mutex_lock(&module.lock);
        there = module.mechanisms != NULL;
        pthread_mutex_unlock(&module.lock);
        if (!there && (rv = load()) != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.lock);
        *count = module.mechanism_count;
        if (list && room < module.mechanism_count)
                rv = CKR_BUFFER_TOO_SMALL;
        for (CK_ULONG i = 0; list && rv == CKR_OK && i < module.mechanism_count; i++)
                list[i] = module.mechanisms[i].type;
        pthread_mutex_unlock(&module.lock);
        return rv;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count)
{
        CK_RV rv = check_slot(slot, count);

        if (rv == CKR_OK)
                rv = module_enter();
        if (rv != CKR_OK)
                return rv;
        rv = mechanism_list(list, count);
        module_leave();
        return rv;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
        struct mechanism m;
        CK_RV rv = check_slot(slot, info);

        if (rv == CKR_OK)
                rv = module_enter();
        if (rv != CKR_OK)
                return rv;
        rv = mechanism_find(type, &m);
        if (rv == CKR_OK)
                *info = m.info;
        module_leave();
        return rv;
}

/* ---- what a token of this kind has no use for ---- */

CK_RV C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label)
{
        CK_RV rv = check_slot(slot, &slot);

        (void)pin;
        (void)pin_len;
        (void)label;
        return rv == CKR_OK ? CKR_FUNCTION_NOT_SUPPORTED : rv;
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved)
{
        CK_RV rv = module_check();

        (void)slot;
        if (rv != CKR_OK)
                return rv;
        if (reserved)
                return CKR_ARGUMENTS_BAD;
        return flags & CKF_DONT_BLOCK ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
}
