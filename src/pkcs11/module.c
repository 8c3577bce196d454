#include "pkcs11/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct module module = { .lock = PTHREAD_MUTEX_INITIALIZER,
                         .moved = PTHREAD_COND_INITIALIZER,
                         .login_lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- guests ---- */

bool module_enter_locked(void)
{
        if (module.state != MODULE_ON)
                return false;
        module.guests++;
        return true;
}

void module_leave_locked(void)
{
        if (--module.guests == 0 && module.state == MODULE_CLOSING)
                pthread_cond_broadcast(&module.moved);
}

CK_RV module_enter(void)
{
        bool in;

        pthread_mutex_lock(&module.lock);
        in = module_enter_locked();
        pthread_mutex_unlock(&module.lock);
        return in ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

void module_leave(void)
{
        pthread_mutex_lock(&module.lock);
        module_leave_locked();
        pthread_mutex_unlock(&module.lock);
}

CK_RV module_check(void)
{
        bool on;

        pthread_mutex_lock(&module.lock);
        on = module.state == MODULE_ON;
        pthread_mutex_unlock(&module.lock);
        return on ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

bool module_closing(void)
{
        bool closing;

        pthread_mutex_lock(&module.lock);
        closing = module.state == MODULE_CLOSING;
        pthread_mutex_unlock(&module.lock);
        return closing;
}

static void log_line(const char *where, const char *what, const char *detail)
{
        /* Before the options are read only the environment can name the file. */
        const char *path = module.conf.log_file ? module.conf.log_file : secure_getenv("CHSM_LOG");
        FILE *f = path && path[0] ? fopen(path, "ae") : NULL;

        if (!f)
                return;
        fprintf(f, "%lld pid %d %s: %s: %s\n", (long long)time(NULL), (int)getpid(), where, what, detail);
        fclose(f);
}

/* Trouble on the way to the HSM is an error; everything else that is logged is a refusal. */
void module_log(const char *where, const struct err *err)
{
        bool trouble = err->id == ERR_CONNECT || err->id == ERR_DEADLINE || err->id == ERR_CONFIG ||
                       err->id == ERR_FRAME || err->id == ERR_PROTOCOL;

        if (module.conf.log_level >= (trouble ? APPLICATION_LOG_ERRORS : APPLICATION_LOG_REFUSALS))
                log_line(where, err_row(err->id)->name, err->detail);
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

static int64_t now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void log_call(const Chsm__Request *request, CK_RV rv, int64_t began)
{
        const ProtobufCMessageDescriptor *d = &chsm__request__descriptor;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(d, (unsigned)request->body_case);
        char text[64];

        (void)snprintf(text, sizeof(text), "0x%lx after %lld us", rv, (long long)(now_us() - began));
        log_line("call", f ? f->name : "?", text);
}

CK_RV module_call(Chsm__Request *request, struct chsm_answer *answer)
{
        bool logs = module.conf.log_level == APPLICATION_LOG_CALLS;
        int64_t began = logs ? now_us() : 0;
        struct err err = ERR_INIT;
        CK_RV rv = chsm_call(module.chsm, request, answer, &err);

        if (logs)
                log_call(request, rv, began);
        if (rv != CKR_OK && err.id == ERR_QUORUM && approval_get(request)) {
                err = ERR_INIT;
                rv = chsm_call(module.chsm, request, answer, &err);
        }
        if (rv == CKR_OK)
                return rv;
        module_log("refused", &err);
        if (err.id == ERR_TICKET)
                chsm_forget_login(module.chsm);
        return err.id == ERR_CONNECT ? CKR_DEVICE_REMOVED : rv;
}

/* The application's locks are never needed: the system's hold between whatever threads it has. */
static CK_RV check_args(const CK_C_INITIALIZE_ARGS *args)
{
        int given;

        if (!args)
                return CKR_OK;
        if (args->pReserved)
                return CKR_ARGUMENTS_BAD;
        given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) +
                (args->UnlockMutex != NULL);
        return given == 0 || given == 4 ? CKR_OK : CKR_ARGUMENTS_BAD;
}

/* ---- forks ---- */

/* The child gets the memory of all threads but only the one that forked. With both locks held nothing that it
 * must read is half-written: the connection is closed in the child without a word, so that the parent goes on
 * with it, and the rest (sessions, in which other threads may have been at work) is left alone for ever. */
static struct inherited {
        struct inherited *older;
        struct map *sessions, *objects, *facts;
        struct application_conf conf;
} * inherited; /* what was left alone; to free it would cost each fork before an exec */

static void fork_prepare(void)
{
        pthread_mutex_lock(&module.lock);
        if (module.chsm)
                chsm_fork_prepare(module.chsm);
}

static void fork_parent(void)
{
        if (module.chsm)
                chsm_fork_parent(module.chsm);
        pthread_mutex_unlock(&module.lock);
}

static void fork_child(void)
{
        struct inherited *left = calloc(1, sizeof(*left));

        chsm_abandon(&module.chsm);
        if (left) {
                *left = (struct inherited){ inherited, module.sessions, module.objects, module.facts,
                                            module.conf };
                inherited = left;
        }
        module.sessions = module.objects = module.facts = NULL;
        mechanisms_clear();
        module.conf = (struct application_conf){ .daemon_id = 0 };
        module.guests = 0;
        module.state = MODULE_OFF;
        pthread_mutex_init(&module.login_lock, NULL); /* another thread may have had it */
        pthread_cond_init(&module.moved, NULL);
        pthread_mutex_unlock(&module.lock);
}

static void watch_forks(void)
{
        (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* ---- life ---- */

static struct chsm *open_client(void)
{
        struct chsm_endpoint endpoint = { 0 };
        struct chsm_options options = { .dialer = wire_unix_dialer(),
                                        .endpoints = &endpoint,
                                        .endpoint_count = 1,
                                        .name = "libchsm-pkcs11/" CHSM_VERSION };
        struct chsm *chsm = NULL;
        struct err err = ERR_INIT;

        application_conf_clear(&module.conf);
        if (application_conf_read(&module.conf, &err)) {
                options.lazy = module.conf.defer_connect;
                endpoint.host = application_socket(&module.conf);
                chsm = chsm_open(&options, &err);
        } else {
                module.conf.log_level = APPLICATION_LOG_ERRORS; /* this is one */
        }
        if (!chsm)
                module_log("C_Initialize", &err);
        return chsm;
}

/* Only one of several threads opens; the others wait for what comes of it. */
static bool begin_opening(void)
{
        bool first;

        pthread_mutex_lock(&module.lock);
        while (module.state == MODULE_OPENING || module.state == MODULE_CLOSING)
                pthread_cond_wait(&module.moved, &module.lock);
        first = module.state == MODULE_OFF;
        if (first)
                module.state = MODULE_OPENING;
        pthread_mutex_unlock(&module.lock);
        return first;
}

static void settle(enum module_state state)
{
        module.state = state;
        pthread_cond_broadcast(&module.moved);
}

CK_RV C_Initialize(CK_VOID_PTR init_args)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        CK_RV rv = check_args(init_args);
        struct chsm *chsm;

        if (rv != CKR_OK)
                return rv;
        (void)pthread_once(&once, watch_forks);
        if (!begin_opening())
                return CKR_CRYPTOKI_ALREADY_INITIALIZED;
        chsm = open_client();
        pthread_mutex_lock(&module.lock);
        module.chsm = chsm;
        module.sessions = map_new();
        module.objects = map_new();
        module.facts = map_new();
        module.next_handle = 1;
        if (!chsm)
                rv = CKR_GENERAL_ERROR;
        else if (!module.sessions || !module.objects || !module.facts)
                rv = CKR_HOST_MEMORY;
        if (rv != CKR_OK) {
                module.chsm = NULL;
                map_free(&module.sessions);
                map_free(&module.objects);
                map_free(&module.facts);
        }
        settle(rv == CKR_OK ? MODULE_ON : MODULE_OFF);
        pthread_mutex_unlock(&module.lock);
        if (rv != CKR_OK)
                chsm_close(&chsm);
        return rv;
}

/* Calls that wait for the HSM end now, with an error; nobody else comes in. */
static bool begin_closing(void)
{
        bool on;

        pthread_mutex_lock(&module.lock);
        on = module.state == MODULE_ON;
        if (on) {
                module.state = MODULE_CLOSING;
                chsm_interrupt(module.chsm);
                while (module.guests)
                        pthread_cond_wait(&module.moved, &module.lock);
        }
        pthread_mutex_unlock(&module.lock);
        return on;
}

CK_RV C_Finalize(CK_VOID_PTR reserved)
{
        struct chsm *chsm;

        if (reserved)
                return CKR_ARGUMENTS_BAD;
        if (!begin_closing())
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        sessions_close_all();
        objects_drop_session(0);
        facts_forget();
        pthread_mutex_lock(&module.lock);
        map_free(&module.sessions);
        map_free(&module.objects);
        map_free(&module.facts);
        mechanisms_clear();
        chsm = module.chsm;
        module.chsm = NULL;
        pthread_mutex_unlock(&module.lock);
        chsm_close(&chsm);
        pthread_mutex_lock(&module.lock);
        settle(MODULE_OFF);
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
