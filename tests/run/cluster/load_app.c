#include "load.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A library that is loaded from another file has globals of its own. */
static bool copy_file(const char *from, const char *to)
{
        struct stat s;
        int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
        bool ok = in >= 0 && out >= 0 && fstat(in, &s) == 0;

        for (off_t at = 0; ok && at < s.st_size;)
                ok = sendfile(out, in, &at, (size_t)(s.st_size - at)) > 0;
        if (in >= 0)
                (void)close(in);
        if (out >= 0)
                (void)close(out);
        return ok;
}

bool app_open(struct app *app, const char *module, const char *folder, const char *who)
{
        CK_C_GetFunctionList list;
        char path[512];
        void *library;

        app->who = who;
        (void)snprintf(path, sizeof(path), "%s/%s-%d.so", folder, who, (int)getpid());
        library = copy_file(module, path) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        if (!library) {
                fprintf(stderr, "%s: %s\n", path, dlerror());
                return false;
        }
        (void)unlink(path);
        *(void **)&list = dlsym(library, "C_GetFunctionList");
        if (list(&app->f) == CKR_OK && app->f->C_Initialize(NULL) == CKR_OK)
                return true;
        fprintf(stderr, "%s: the module does not begin\n", who);
        return false;
}

void app_close(struct app *app)
{
        if (app->f)
                (void)app->f->C_Finalize(NULL);
}

CK_SESSION_HANDLE app_session(const struct app *app)
{
        CK_SESSION_HANDLE session = 0;

        (void)app->f->C_OpenSession(1, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
        return session;
}

CK_RV app_login(const struct app *app, CK_SESSION_HANDLE session, const char *user, const char *password)
{
        char pin[160];
        int n = snprintf(pin, sizeof(pin), "%s:%s", user, password);

        return app->f->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin, (CK_ULONG)n);
}

CK_RV app_make_key(const struct app *app, CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE *key)
{
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ULONG length = 32;
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE t[] = { { CKA_TOKEN, &yes, sizeof(yes) },
                             { CKA_ENCRYPT, &yes, sizeof(yes) },
                             { CKA_DECRYPT, &yes, sizeof(yes) },
                             { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
                             { CKA_VALUE_LEN, &length, sizeof(length) } };

        return app->f->C_GenerateKey(s, &m, t, 5, key);
}

CK_RV app_find(const struct app *app, CK_SESSION_HANDLE s, const char *label, CK_ULONG *count,
               CK_OBJECT_HANDLE *key)
{
        CK_ATTRIBUTE t = { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) };
        CK_OBJECT_HANDLE keys[4] = { 0 };
        CK_RV rv = app->f->C_FindObjectsInit(s, &t, 1);

        *count = 0;
        if (rv != CKR_OK)
                return rv;
        rv = app->f->C_FindObjects(s, keys, 4, count);
        (void)app->f->C_FindObjectsFinal(s);
        if (key)
                *key = keys[0];
        return rv;
}

CK_RV app_crypt(const struct app *app, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, uint32_t number, bool *good)
{
        CK_BYTE iv[16] = { 1 }, text[48] = "what goes in comes out again", sealed[64], again[64];
        CK_MECHANISM m = { CKM_AES_CBC_PAD, iv, sizeof(iv) };
        CK_ULONG n = sizeof(sealed), back = sizeof(again);
        CK_RV rv;

        *good = false;
        memcpy(text + 32, &number, sizeof(number));
        if ((rv = app->f->C_EncryptInit(s, &m, key)) != CKR_OK ||
            (rv = app->f->C_Encrypt(s, text, sizeof(text), sealed, &n)) != CKR_OK ||
            (rv = app->f->C_DecryptInit(s, &m, key)) != CKR_OK ||
            (rv = app->f->C_Decrypt(s, sealed, n, again, &back)) != CKR_OK)
                return rv;
        *good = back == sizeof(text) && memcmp(again, text, back) == 0;
        return rv;
}

/* ---- libchsm ---- */

struct chsm *direct_open(const char *user, const char *password, uint32_t role)
{
        struct chsm_endpoint endpoint = { getenv("CHSM_SOCKET"), 0 };
        struct chsm_options options = { .dialer = wire_unix_dialer(),
                                        .endpoints = &endpoint,
                                        .endpoint_count = 1,
                                        .name = "cluster_load" };
        struct err err = ERR_INIT;
        struct chsm *c = endpoint.host ? chsm_open(&options, &err) : NULL;

        if (c && chsm_login(c, role, slice_str(user), slice_str(password), &err) == 0)
                return c;
        fprintf(stderr, "%s: %s\n", user, err.detail);
        chsm_close(&c);
        return NULL;
}

uint32_t direct_create_user(struct chsm *c, const char *user, const char *password, uint64_t *id)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CreateUserRequest body = CHSM__CREATE_USER_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.role = 1;
        body.user = (char *)(uintptr_t)user;
        body.password = (ProtobufCBinaryData){ strlen(password), (uint8_t *)(uintptr_t)password };
        request.create_user = &body;
        request.body_case = CHSM__REQUEST__BODY_CREATE_USER;
        rv = chsm_call(c, &request, &answer, NULL);
        if (rv == 0 && id)
                *id = answer.response->user->id;
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t call_of(struct chsm *c, Chsm__Request *request)
{
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = chsm_call(c, request, &answer, NULL);

        chsm_answer_clear(&answer);
        return rv;
}

uint32_t direct_delete_user(struct chsm *c, const char *user)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DeleteUserRequest body = CHSM__DELETE_USER_REQUEST__INIT;

        body.role = 1;
        body.user = (char *)(uintptr_t)user;
        request.delete_user = &body;
        request.body_case = CHSM__REQUEST__BODY_DELETE_USER;
        return call_of(c, &request);
}

uint32_t direct_unlock_user(struct chsm *c, const char *user)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__UnlockUserRequest body = CHSM__UNLOCK_USER_REQUEST__INIT;

        body.user = (char *)(uintptr_t)user;
        request.unlock_user = &body;
        request.body_case = CHSM__REQUEST__BODY_UNLOCK_USER;
        return call_of(c, &request);
}

uint32_t direct_share(struct chsm *c, uint64_t handle, uint64_t user, bool share)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__ShareObjectRequest body = CHSM__SHARE_OBJECT_REQUEST__INIT;

        body.handle = handle;
        body.user = user;
        body.share = share;
        request.share_object = &body;
        request.body_case = CHSM__REQUEST__BODY_SHARE_OBJECT;
        return call_of(c, &request);
}

void load_pace(unsigned ms)
{
        struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

        (void)nanosleep(&t, NULL);
}
