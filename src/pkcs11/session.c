/* Sessions: opening, closing, what they tell, and ending what is going on in them. */
#include "pkcs11/module.h"

#include <stdlib.h>

static struct slice key_of(const CK_ULONG *handle)
{
        return slice_of(handle, sizeof(*handle));
}

static void session_free(struct session *s)
{
        ops_clear(s);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

/* With the module's lock held: true when nobody has it any more, and it is to be freed without the lock. */
static bool session_unref(struct session *s)
{
        return --s->references == 0;
}

CK_RV session_get(CK_SESSION_HANDLE handle, struct session **out)
{
        struct session *s = NULL;
        CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;

        *out = NULL;
        pthread_mutex_lock(&module.lock);
        if (module_enter_locked()) {
                s = map_get(module.sessions, key_of(&handle));
                rv = s ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
                if (s)
                        s->references++;
                else
                        module_leave_locked();
        }
        pthread_mutex_unlock(&module.lock);
        if (s)
                pthread_mutex_lock(&s->lock);
        *out = s;
        return rv;
}

void session_put(struct session *s)
{
        bool last;

        if (!s)
                return;
        pthread_mutex_unlock(&s->lock);
        pthread_mutex_lock(&module.lock);
        last = session_unref(s);
        module_leave_locked();
        pthread_mutex_unlock(&module.lock);
        if (last)
                session_free(s);
}

static struct session *session_new(CK_FLAGS flags)
{
        struct session *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        pthread_mutex_init(&s->lock, NULL);
        atomic_init(&s->made_objects, false);
        s->references = 1;
        s->read_write = flags & CKF_RW_SESSION;
        return s;
}

static CK_RV session_add(CK_FLAGS flags, CK_SESSION_HANDLE_PTR session)
{
        struct session *s = session_new(flags);
        bool ok;

        if (!s)
                return CKR_HOST_MEMORY;
        pthread_mutex_lock(&module.lock);
        s->handle = module.next_handle++;
        ok = map_put(module.sessions, key_of(&s->handle), s, NULL);
        *session = s->handle;
        pthread_mutex_unlock(&module.lock);
        if (!ok)
                session_free(s);
        return ok ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE_PTR session)
{
        CK_RV rv = module_enter();

        (void)application;
        (void)notify;
        if (rv != CKR_OK)
                return rv;
        if (slot != MODULE_SLOT)
                rv = CKR_SLOT_ID_INVALID;
        else if (!session)
                rv = CKR_ARGUMENTS_BAD;
        else if (!(flags & CKF_SERIAL_SESSION))
                rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
        else if (module.conf.defer_connect && !slot_has_token())
                rv = CKR_TOKEN_NOT_PRESENT;
        else
                rv = session_add(flags, session);
        module_leave();
        return rv;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
        CK_RV rv = module_enter();
        struct session *s;
        bool made_objects = false, last = false;

        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.lock);
        s = map_remove(module.sessions, key_of(&session));
        if (s) {
                made_objects = atomic_load(&s->made_objects);
                last = session_unref(s);
        }
        pthread_mutex_unlock(&module.lock);
        if (last)
                session_free(s);
        if (made_objects)
                objects_drop_session(session);
        if (s)
                login_end_with_sessions();
        module_leave();
        return s ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

struct taken {
        struct session **list;
        size_t n;
};

/* The table's own reference is taken over. */
static bool take_visit(void *arg, struct slice key, void *value)
{
        struct taken *t = arg;
        struct session *s = value;

        (void)key;
        if (session_unref(s))
                t->list[t->n++] = s;
        return true;
}

void sessions_close_all(void)
{
        struct map *fresh = map_new(), *old = NULL;
        struct taken t = { NULL, 0 };

        pthread_mutex_lock(&module.lock);
        t.list = calloc(map_count(module.sessions) + 1, sizeof(struct session *));
        if (fresh && t.list) {
                old = module.sessions;
                module.sessions = fresh;
                map_each(old, take_visit, &t);
        }
        pthread_mutex_unlock(&module.lock);
        if (!old)
                map_free(&fresh);
        map_free(&old);
        for (size_t i = 0; i < t.n; i++)
                session_free(t.list[i]);
        free(t.list);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
        CK_RV rv = module_enter();

        if (rv != CKR_OK)
                return rv;
        if (slot == MODULE_SLOT) {
                sessions_close_all();
                objects_drop_session(0);
                login_end_with_sessions();
        } else {
                rv = CKR_SLOT_ID_INVALID;
        }
        module_leave();
        return rv;
}

static bool count_visit(void *arg, struct slice key, void *value)
{
        (void)key;
        *(CK_ULONG *)arg += ((const struct session *)value)->read_write;
        return true;
}

size_t sessions_count(CK_ULONG *read_write)
{
        size_t n;

        *read_write = 0;
        pthread_mutex_lock(&module.lock);
        n = map_count(module.sessions);
        map_each(module.sessions, count_visit, read_write);
        pthread_mutex_unlock(&module.lock);
        return n;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);
        bool in;

        if (rv != CKR_OK)
                return rv;
        if (!info) {
                session_put(s);
                return CKR_ARGUMENTS_BAD;
        }
        in = chsm_logged_in(module.chsm, NULL);
        *info = (CK_SESSION_INFO){ .slotID = MODULE_SLOT, .flags = CKF_SERIAL_SESSION };
        info->flags |= s->read_write ? CKF_RW_SESSION : 0;
        info->state = s->read_write ? (in ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION)
                                    : (in ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION);
        session_put(s);
        return CKR_OK;
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
        static const struct {
                CK_FLAGS flag;
                enum op_kind kind;
        } rows[] = {
                { CKF_ENCRYPT, OP_ENCRYPT },
                { CKF_DECRYPT, OP_DECRYPT },
                { CKF_SIGN, OP_SIGN },
                { CKF_SIGN_RECOVER, OP_SIGN_RECOVER },
                { CKF_VERIFY, OP_VERIFY },
                { CKF_VERIFY, OP_VERIFY_SIGNATURE },
                { CKF_VERIFY_RECOVER, OP_VERIFY_RECOVER },
                { CKF_DIGEST, OP_DIGEST },
                { CKF_FIND_OBJECTS, OP_FIND },
                { CKF_MESSAGE_ENCRYPT, OP_MESSAGE_ENCRYPT },
                { CKF_MESSAGE_DECRYPT, OP_MESSAGE_DECRYPT },
                { CKF_MESSAGE_SIGN, OP_MESSAGE_SIGN },
                { CKF_MESSAGE_SIGN, OP_MESSAGE_SIGN_ONE },
                { CKF_MESSAGE_VERIFY, OP_MESSAGE_VERIFY },
                { CKF_MESSAGE_VERIFY, OP_MESSAGE_VERIFY_ONE },
        };
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (flags & rows[i].flag)
                        op_end(&s->ops[rows[i].kind]);
        }
        session_put(s);
        return CKR_OK;
}
