/* Sessions, and the one login that all sessions of an application share. */
#include "pkcs11/module.h"

#include <stdlib.h>

static struct slice key_of(const CK_ULONG *handle)
{
        return slice_of(handle, sizeof(*handle));
}

static void session_drop(struct session *s)
{
        if (atomic_fetch_sub(&s->references, 1) != 1)
                return;
        ops_clear(s);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

CK_RV session_get(CK_SESSION_HANDLE handle, struct session **out)
{
        CK_RV rv = module_check();
        struct session *s;

        *out = NULL;
        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.lock);
        s = map_get(module.sessions, key_of(&handle));
        if (s)
                atomic_fetch_add(&s->references, 1);
        pthread_mutex_unlock(&module.lock);
        if (!s)
                return CKR_SESSION_HANDLE_INVALID;
        pthread_mutex_lock(&s->lock);
        *out = s;
        return CKR_OK;
}

void session_put(struct session *s)
{
        if (!s)
                return;
        pthread_mutex_unlock(&s->lock);
        session_drop(s);
}

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE_PTR session)
{
        CK_RV rv = module_check();
        struct session *s;
        bool ok;

        (void)application;
        (void)notify;
        if (rv != CKR_OK)
                return rv;
        if (slot != MODULE_SLOT)
                return CKR_SLOT_ID_INVALID;
        if (!session)
                return CKR_ARGUMENTS_BAD;
        if (!(flags & CKF_SERIAL_SESSION))
                return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
        s = calloc(1, sizeof(*s));
        if (!s)
                return CKR_HOST_MEMORY;
        pthread_mutex_init(&s->lock, NULL);
        atomic_init(&s->references, 1);
        s->read_write = flags & CKF_RW_SESSION;
        pthread_mutex_lock(&module.lock);
        s->handle = module.next_handle++;
        ok = map_put(module.sessions, key_of(&s->handle), s, NULL);
        pthread_mutex_unlock(&module.lock);
        *session = s->handle;
        if (!ok)
                session_drop(s);
        return ok ? CKR_OK : CKR_HOST_MEMORY;
}

/* Sessions gone, the login goes too: PKCS#11 3.1, 5.6. */
static void logout_when_last(void)
{
        bool last;

        pthread_mutex_lock(&module.lock);
        last = map_count(module.sessions) == 0;
        pthread_mutex_unlock(&module.lock);
        if (last && chsm_logged_in(module.chsm, NULL))
                (void)chsm_logout(module.chsm, NULL);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
        CK_RV rv = module_check();
        struct session *s;

        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.lock);
        s = map_remove(module.sessions, key_of(&session));
        pthread_mutex_unlock(&module.lock);
        if (!s)
                return CKR_SESSION_HANDLE_INVALID;
        session_drop(s);
        objects_drop_session(session);
        logout_when_last();
        return CKR_OK;
}

static bool first_visit(void *arg, struct slice key, void *value)
{
        (void)value;
        memcpy(arg, key.p, sizeof(CK_SESSION_HANDLE));
        return false;
}

void sessions_close_all(void)
{
        for (;;) {
                CK_SESSION_HANDLE handle = 0;
                struct session *s;

                pthread_mutex_lock(&module.lock);
                map_each(module.sessions, first_visit, &handle);
                s = handle ? map_remove(module.sessions, key_of(&handle)) : NULL;
                pthread_mutex_unlock(&module.lock);
                if (!s)
                        return;
                session_drop(s);
        }
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        if (slot != MODULE_SLOT)
                return CKR_SLOT_ID_INVALID;
        sessions_close_all();
        objects_drop_session(0);
        logout_when_last();
        return CKR_OK;
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

/* ---- login ---- */

static CK_RV login(struct slice user, struct slice password)
{
        struct err err = ERR_INIT;
        CK_RV rv = chsm_login(module.chsm, 1, user, password, &err);

        if (rv != CKR_OK)
                module_log("C_Login", &err);
        return rv;
}

/* Proves the user once more for each operation that a key with CKA_ALWAYS_AUTHENTICATE waits with. */
static CK_RV context_login(struct session *s, struct slice user, struct slice password)
{
        CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

        for (int kind = OP_ENCRYPT; kind <= OP_SIGN_RECOVER; kind++) {
                if (s->ops[kind].active && s->ops[kind].facts.always_authenticate) {
                        rv = login(user, password);
                        s->ops[kind].authorised = rv == CKR_OK;
                }
        }
        return rv;
}

static CK_RV login_as(CK_SESSION_HANDLE session, CK_USER_TYPE type, struct slice user, struct slice password)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (type == CKU_CONTEXT_SPECIFIC)
                rv = context_login(s, user, password);
        else if (type != CKU_USER)
                rv = CKR_USER_TYPE_INVALID; /* officers use chsm-mgmt */
        else if (chsm_logged_in(module.chsm, NULL))
                rv = CKR_USER_ALREADY_LOGGED_IN;
        else
                rv = login(user, password);
        session_put(s);
        return rv;
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
        const uint8_t *colon = pin && pin_len ? memchr(pin, ':', pin_len) : NULL;
        size_t name = colon ? (size_t)(colon - pin) : 0;
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        if (!pin && pin_len)
                return CKR_ARGUMENTS_BAD;
        if (!colon) {
                struct session *s;
                struct err err = ERR_INIT;

                rv = session_get(session, &s);
                session_put(s);
                if (rv != CKR_OK)
                        return rv;
                if (user != CKU_USER && user != CKU_CONTEXT_SPECIFIC)
                        return CKR_USER_TYPE_INVALID;
                err_set(&err, ERR_LOGIN_FAILED, "the PIN must be 'user:password'");
                return module_err(&err);
        }
        return login_as(session, user, slice_of(pin, name), slice_of(colon + 1, pin_len - name - 1));
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
                  CK_UTF8CHAR_PTR name, CK_ULONG name_len)
{
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        if (!pin || !name)
                return CKR_ARGUMENTS_BAD;
        return login_as(session, user, slice_of(name, name_len), slice_of(pin, pin_len));
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (!chsm_logged_in(module.chsm, NULL)) {
                session_put(s);
                return CKR_USER_NOT_LOGGED_IN;
        }
        (void)chsm_logout(module.chsm, NULL);
        chsm_forget_login(module.chsm);
        session_put(s);
        objects_drop_session(0);
        return CKR_OK;
}

/* old: "user:password"; new_password may repeat the user. */
static CK_RV change_password(struct slice user, struct slice old, struct slice fresh)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest body = CHSM__CHANGE_PASSWORD_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool was = chsm_logged_in(module.chsm, NULL);
        char name[64];
        CK_RV rv;

        memcpy(name, user.p, user.n);
        name[user.n] = 0;
        body.role = 1;
        body.user = name;
        body.password = (ProtobufCBinaryData){ fresh.n, (uint8_t *)(uintptr_t)fresh.p };
        body.old_password = (ProtobufCBinaryData){ old.n, (uint8_t *)(uintptr_t)old.p };
        request.change_password = &body;
        request.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        rv = was ? CKR_OK : login(user, old);
        if (rv == CKR_OK)
                rv = module_call(&request, &answer);
        if (!was ||
            rv ==
                CKR_OK) /* the change has ended the login, and nobody may come with a ticket that has ended */
                chsm_forget_login(module.chsm);
        if (rv == CKR_OK && was)
                rv = login(user, fresh);
        chsm_answer_clear(&answer);
        return rv;
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old_pin, CK_ULONG old_len, CK_UTF8CHAR_PTR new_pin,
               CK_ULONG new_len)
{
        const uint8_t *colon = old_pin && old_len ? memchr(old_pin, ':', old_len) : NULL;
        size_t n = colon ? (size_t)(colon - old_pin) : 0, skip = 0;
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        if (!old_pin || !new_pin)
                rv = CKR_ARGUMENTS_BAD;
        else if (!s->read_write)
                rv = CKR_SESSION_READ_ONLY;
        else if (!colon || n >= 64)
                rv = CKR_PIN_INCORRECT;
        if (rv == CKR_OK) {
                if (new_len > n && memcmp(new_pin, old_pin, n + 1) == 0)
                        skip = n + 1; /* the user again, colon included */
                rv = change_password(slice_of(old_pin, n), slice_of(colon + 1, old_len - n - 1),
                                     slice_of(new_pin + skip, new_len - skip));
        }
        session_put(s);
        return rv;
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
        static const struct {
                CK_FLAGS flag;
                enum op_kind kind;
        } rows[] = {
                { CKF_ENCRYPT, OP_ENCRYPT }, { CKF_DECRYPT, OP_DECRYPT },
                { CKF_SIGN, OP_SIGN },       { CKF_SIGN_RECOVER, OP_SIGN_RECOVER },
                { CKF_VERIFY, OP_VERIFY },   { CKF_VERIFY_RECOVER, OP_VERIFY_RECOVER },
                { CKF_DIGEST, OP_DIGEST },   { CKF_FIND_OBJECTS, OP_FIND },
        };
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (!(flags & rows[i].flag))
                        continue;
                op_stream_cancel(&s->ops[rows[i].kind]);
                op_clear(&s->ops[rows[i].kind]);
        }
        session_put(s);
        return CKR_OK;
}
