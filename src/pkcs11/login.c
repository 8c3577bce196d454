/* The one login that all sessions of an application share, and changing its password. */
#include "pkcs11/module.h"

/* A PIN is 'user:password'; the first colon parts them, as neither may hold one. */
struct pin {
        struct slice user; /* p NULL: there was no colon */
        struct slice password;
};

static struct pin pin_parse(CK_UTF8CHAR_PTR text, CK_ULONG n)
{
        const uint8_t *colon = text && n ? memchr(text, ':', n) : NULL;
        size_t name = colon ? (size_t)(colon - text) : 0;

        if (!colon)
                return (struct pin){ SLICE_EMPTY, slice_of(text, n) };
        return (struct pin){ slice_of(text, name), slice_of(colon + 1, n - name - 1) };
}

/* What applications of the documented system look for, where the owner of the host wants it so. */
static CK_RV pin_code(CK_RV rv)
{
        return rv == CKR_PIN_INCORRECT && module.conf.pin_error_code ? CKR_PIN_EXPIRED : rv;
}

static CK_RV wrong_pin(const char *why)
{
        struct err err = ERR_INIT;

        err_set(&err, ERR_LOGIN_FAILED, "%s", why);
        return module_err(&err);
}

/* ---- with the login's lock held ---- */

static CK_RV login(struct slice user, struct slice password)
{
        const struct helper second_factor = { module.conf.second_factor_command, 0, module_closing };
        struct err err = ERR_INIT;
        CK_RV rv = CKR_PIN_INCORRECT;

        if (user.n < sizeof(module.user))
                rv = helper_login(module.chsm, &second_factor, 1, user, password, &err);
        else
                err_set(&err, ERR_LOGIN_FAILED, "no user has a name of %zu bytes", user.n);
        if (rv != CKR_OK) {
                module_log("C_Login", &err);
                return rv;
        }
        memcpy(module.user, user.p, user.n);
        module.user[user.n] = 0;
        return CKR_OK;
}

/* The node is told, but not asked: whoever logs out is logged out. */
static void logout(void)
{
        (void)chsm_logout(module.chsm, NULL);
        chsm_forget_login(module.chsm);
        facts_forget(); /* the next user may see other keys */
}

void login_end_with_sessions(void)
{
        bool none;

        pthread_mutex_lock(&module.login_lock);
        pthread_mutex_lock(&module.lock);
        none = map_count(module.sessions) == 0;
        pthread_mutex_unlock(&module.lock);
        if (none && chsm_logged_in(module.chsm, NULL))
                logout();
        pthread_mutex_unlock(&module.login_lock);
}

/* One authorisation for one operation: the node checks the password and will ask for what it gave. */
static CK_RV authorise(struct op *op, enum op_kind kind, const struct pin *pin)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__AuthoriseRequest body = CHSM__AUTHORISE_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(1024, (size_t)1024 * 1024);
        CK_RV rv = arena ? object_ref(op->key, arena, &ref) : CKR_HOST_MEMORY;

        if (rv == CKR_OK && pin->user.p && !(body.user = arena_text(arena, pin->user)))
                rv = CKR_HOST_MEMORY;
        if (rv == CKR_OK) {
                body.password =
                    (ProtobufCBinaryData){ pin->password.n, (uint8_t *)(uintptr_t)pin->password.p };
                body.key = &ref;
                body.operation = op_number(kind);
                request.authorise = &body;
                request.body_case = CHSM__REQUEST__BODY_AUTHORISE;
                rv = module_call(&request, &answer);
        }
        if (rv == CKR_OK) {
                const Chsm__AuthoriseResponse *r = answer.response->authorise;

                buf_reset(&op->authorisation);
                buf_put(&op->authorisation, r->authorisation.data, r->authorisation.len);
                rv = buf_ok(&op->authorisation) ? CKR_OK : CKR_HOST_MEMORY;
        }
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

/* For each operation that waits with a key that has CKA_ALWAYS_AUTHENTICATE. A wrong PIN may be tried again.
 */
static CK_RV context_login(struct session *s, const struct pin *pin)
{
        static const enum op_kind kinds[] = { OP_DECRYPT, OP_SIGN, OP_SIGN_RECOVER, OP_MESSAGE_SIGN };
        CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                struct op *op = &s->ops[kinds[i]];

                if (op->active && op->facts.always_authenticate && !op->authorisation.n &&
                    (rv = authorise(op, kinds[i], pin)) != CKR_OK)
                        return rv;
        }
        return rv;
}

static CK_RV login_as(CK_SESSION_HANDLE session, CK_USER_TYPE type, struct pin pin)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.login_lock);
        if (!pin.user.p && module.conf.default_user)
                pin.user = slice_str(module.conf.default_user);
        if (type != CKU_USER && type != CKU_CONTEXT_SPECIFIC)
                rv = CKR_USER_TYPE_INVALID; /* officers use chsm-mgmt */
        else if (type == CKU_USER && chsm_logged_in(module.chsm, NULL))
                rv = CKR_USER_ALREADY_LOGGED_IN;
        else if (type == CKU_CONTEXT_SPECIFIC)
                rv = context_login(s, &pin);
        else if (!pin.user.p)
                rv = wrong_pin("the PIN must be 'user:password'");
        else
                rv = login(pin.user, pin.password);
        pthread_mutex_unlock(&module.login_lock);
        session_put(s);
        return pin_code(rv);
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        return !pin && pin_len ? CKR_ARGUMENTS_BAD : login_as(session, user, pin_parse(pin, pin_len));
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
                  CK_UTF8CHAR_PTR name, CK_ULONG name_len)
{
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        if (!pin || !name)
                return CKR_ARGUMENTS_BAD;
        return login_as(session, user, (struct pin){ slice_of(name, name_len), slice_of(pin, pin_len) });
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.login_lock);
        if (chsm_logged_in(module.chsm, NULL)) {
                logout();
                objects_drop_session(0);
        } else {
                rv = CKR_USER_NOT_LOGGED_IN;
        }
        pthread_mutex_unlock(&module.login_lock);
        session_put(s);
        return rv;
}

/* ---- the password ---- */

static CK_RV change_password(struct slice user, struct slice old, struct slice fresh)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ChangePasswordRequest body = CHSM__CHANGE_PASSWORD_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        bool was = chsm_logged_in(module.chsm, NULL);
        CK_RV rv = was ? CKR_OK : login(user, old);

        body.role = 1;
        body.user = module.user;
        body.password = (ProtobufCBinaryData){ fresh.n, (uint8_t *)(uintptr_t)fresh.p };
        body.old_password = (ProtobufCBinaryData){ old.n, (uint8_t *)(uintptr_t)old.p };
        request.change_password = &body;
        request.body_case = CHSM__REQUEST__BODY_CHANGE_PASSWORD;
        if (rv == CKR_OK)
                rv = module_call(&request, &answer);
        if (rv == CKR_OK || !was) /* the change has ended the login; nobody may come with its ticket */
                chsm_forget_login(module.chsm);
        if (rv == CKR_OK && was)
                rv = login(user, fresh);
        chsm_answer_clear(&answer);
        return rv;
}

/* Whose password it is: the old PIN says so, or the login. */
static CK_RV set_pin(struct pin old, struct pin fresh)
{
        bool in = chsm_logged_in(module.chsm, NULL);
        struct slice user = old.user;

        if (!user.p && in)
                user = slice_str(module.user);
        else if (!user.p && module.conf.default_user)
                user = slice_str(module.conf.default_user);
        if (!user.p)
                return wrong_pin("the old PIN must be 'user:password'");
        if (in && !slice_equal(user, slice_str(module.user)))
                return wrong_pin("the old PIN is of another user than is logged in");
        if (fresh.user.p && !slice_equal(fresh.user, user)) {
                struct err err = ERR_INIT;

                err_set(&err, ERR_PASSWORD, "the new PIN names another user than the old one");
                (void)module_err(&err);
                return CKR_PIN_INVALID;
        }
        return change_password(user, old.password, fresh.password);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old_pin, CK_ULONG old_len, CK_UTF8CHAR_PTR new_pin,
               CK_ULONG new_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.login_lock);
        if (!old_pin || !new_pin)
                rv = CKR_ARGUMENTS_BAD;
        else if (!s->read_write)
                rv = CKR_SESSION_READ_ONLY;
        else
                rv = set_pin(pin_parse(old_pin, old_len), pin_parse(new_pin, new_len));
        pthread_mutex_unlock(&module.login_lock);
        session_put(s);
        return pin_code(rv);
}

/* Users are made by officers, in the management tool. */
CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
        struct session *s;
        CK_RV rv = session_get(session, &s);

        (void)pin;
        (void)pin_len;
        session_put(s);
        return rv == CKR_OK ? CKR_FUNCTION_NOT_SUPPORTED : rv;
}
