#include "pkcs11/module.h"
#include "client/application_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct module module = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void forget(bool abandon)
{
        if (abandon)
                chsm_abandon(&module.chsm);
        else
                chsm_close(&module.chsm);
        mechanisms_clear();
        module.initialised = false;
}

CK_RV module_check(void)
{
        CK_RV rv;

        pthread_mutex_lock(&module.lock);
        rv = module.initialised && module.pid == getpid() ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
        pthread_mutex_unlock(&module.lock);
        return rv;
}

void module_log(const char *where, const struct err *err)
{
        const char *path = getenv("CHSM_LOG");
        FILE *f = path && path[0] ? fopen(path, "ae") : NULL;

        if (!f)
                return;
        fprintf(f, "%lld pid %d %s: %s: %s\n", (long long)time(NULL), (int)getpid(), where,
                err_row(err->id)->name, err->detail);
        fclose(f);
}

CK_RV module_err(const struct err *err)
{
        module_log("refused", err);
        return err_ckr(err);
}

CK_RV module_refuse(enum err_id id, const char *why)
{
        struct err err = ERR_INIT;

        err_set(&err, id, "%s", why);
        return module_err(&err);
}

CK_RV module_call(Chsm__Request *request, struct chsm_answer *answer)
{
        struct err err = ERR_INIT;
        CK_RV rv = chsm_call(module.chsm, request, answer, &err);

        if (rv == CKR_OK)
                return rv;
        module_log("refused", &err);
        if (err.id == ERR_TICKET)
                chsm_forget_login(module.chsm);
        return rv;
}

/* The application's locks are never used: ours are the system's. */
static CK_RV check_args(const CK_C_INITIALIZE_ARGS *args)
{
        int given;

        if (!args)
                return CKR_OK;
        if (args->pReserved)
                return CKR_ARGUMENTS_BAD;
        given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) +
                (args->UnlockMutex != NULL);
        if (given != 0 && given != 4)
                return CKR_ARGUMENTS_BAD;
        if (given == 4 && !(args->flags & CKF_OS_LOCKING_OK))
                return CKR_CANT_LOCK;
        return CKR_OK;
}

static CK_RV open_client(void)
{
        struct application_conf conf = { 0 };
        struct chsm_endpoint endpoint = { 0 };
        struct chsm_options options = { .dialer = wire_unix_dialer(),
                                        .endpoints = &endpoint,
                                        .endpoint_count = 1,
                                        .name = "libchsm-pkcs11/" CHSM_VERSION };
        struct err err = ERR_INIT;

        if (application_conf_read(&conf, &err)) {
                endpoint.host = application_socket(&conf);
                module.chsm = chsm_open(&options, &err);
        }
        application_conf_clear(&conf);
        if (module.chsm)
                return CKR_OK;
        module_log("C_Initialize", &err);
        return CKR_GENERAL_ERROR;
}

CK_RV C_Initialize(CK_VOID_PTR init_args)
{
        CK_RV rv = check_args(init_args);

        if (rv != CKR_OK)
                return rv;
        pthread_mutex_lock(&module.lock);
        if (module.initialised && module.pid == getpid()) {
                pthread_mutex_unlock(&module.lock);
                return CKR_CRYPTOKI_ALREADY_INITIALIZED;
        }
        if (module.initialised) { /* a fork: the parent's connections and sessions are not ours */
                module.sessions = module.objects = module.facts = NULL;
                forget(true);
        }
        module.sessions = map_new();
        module.objects = map_new();
        module.facts = map_new();
        module.next_handle = 1;
        rv = module.sessions && module.objects && module.facts ? open_client() : CKR_HOST_MEMORY;
        if (rv == CKR_OK) {
                module.initialised = true;
                module.pid = getpid();
        } else {
                map_free(&module.sessions);
                map_free(&module.objects);
                map_free(&module.facts);
        }
        pthread_mutex_unlock(&module.lock);
        return rv;
}

static bool free_facts(void *arg, struct slice key, void *value)
{
        (void)arg;
        (void)key;
        free(value);
        return true;
}

CK_RV C_Finalize(CK_VOID_PTR reserved)
{
        CK_RV rv = module_check();

        if (reserved)
                return CKR_ARGUMENTS_BAD;
        if (rv != CKR_OK)
                return rv;
        sessions_close_all();
        objects_drop_session(0);
        pthread_mutex_lock(&module.lock);
        map_each(module.facts, free_facts, NULL);
        map_free(&module.sessions);
        map_free(&module.objects);
        map_free(&module.facts);
        forget(false);
        pthread_mutex_unlock(&module.lock);
        return CKR_OK;
}

static void pad(CK_UTF8CHAR *out, size_t n, const char *text)
{
        memset(out, ' ', n);
        memcpy(out, text, strlen(text) < n ? strlen(text) : n);
}

CK_RV C_GetInfo(CK_INFO_PTR info)
{
        CK_RV rv = module_check();

        if (rv != CKR_OK)
                return rv;
        if (!info)
                return CKR_ARGUMENTS_BAD;
        memset(info, 0, sizeof(*info));
        info->cryptokiVersion = (CK_VERSION){ 2, 40 };
        pad(info->manufacturerID, sizeof(info->manufacturerID), "chsm project");
        pad(info->libraryDescription, sizeof(info->libraryDescription), "chsm PKCS#11 module");
        info->libraryVersion = (CK_VERSION){ 0, 1 };
        return CKR_OK;
}
