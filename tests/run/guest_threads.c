/* Threads, forks and the end: what goes on at once in one process. */
#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS  8
#define SESSIONS 10000

static CK_OBJECT_HANDLE key;
static atomic_uint done, strange;
static atomic_bool stop;
#define CHILD_SECONDS 120 /* a child or a wait that takes longer hangs, and fails its test */

static void start_some(pthread_t *threads, int n, void *(*run)(void *), void *arg)
{
        for (int i = 0; i < n; i++) {
                if (pthread_create(&threads[i], NULL, run, arg) != 0)
                        abort();
        }
}

static void start(pthread_t *threads, void *(*run)(void *), void *arg)
{
        start_some(threads, THREADS, run, arg);
}

static void join(pthread_t *threads)
{
        for (int i = 0; i < THREADS; i++)
                (void)pthread_join(threads[i], NULL);
}

static void reset(void)
{
        atomic_store(&done, 0);
        atomic_store(&strange, 0);
        atomic_store(&stop, false);
}

static double seconds(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_for(unsigned n)
{
        double begin = seconds();

        while (atomic_load(&done) < n) {
                if (seconds() - begin > CHILD_SECONDS)
                        abort();
                (void)sched_yield();
        }
}

/* ---- beginning ---- */

static void *initialise(void *arg)
{
        CK_RV rv = F->C_Initialize(NULL);

        (void)arg;
        if (rv == CKR_OK)
                atomic_fetch_add(&done, 1);
        else if (rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
                atomic_fetch_add(&strange, 1);
        /* Whoever is back finds it ready, whoever made it so. */
        if (!open_session(false))
                atomic_fetch_add(&strange, 1);
        return NULL;
}

static void at_once(void)
{
        pthread_t threads[THREADS];
        unsigned ones = 0, bad = 0;

        for (int round = 0; round < 20; round++) {
                reset();
                start(threads, initialise, NULL);
                join(threads);
                ones += atomic_load(&done);
                bad += atomic_load(&strange);
                leave();
        }
        is("of several threads in C_Initialize one did it, each time", ones, 20);
        is("and the others were told so", bad, 0);
}

/* ---- sessions ---- */

static void *own_session(void *arg)
{
        CK_SESSION_HANDLE s = open_session(false);

        (void)arg;
        for (int i = 0; i < 200; i++) {
                if (sign(s, key) != CKR_OK)
                        atomic_fetch_add(&strange, 1);
                atomic_fetch_add(&done, 1);
        }
        (void)F->C_CloseSession(s);
        return NULL;
}

/* Threads that share a session take each other's operations: every answer but a defect is right. */
static void *shared_session(void *arg)
{
        CK_SESSION_HANDLE s = *(CK_SESSION_HANDLE *)arg;
        CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };
        CK_BYTE data[32] = { 0 }, out[64];

        for (int i = 0; i < 200; i++) {
                CK_ULONG n = sizeof(out);
                CK_RV rv = F->C_SignInit(s, &ecdsa, key);

                if (rv != CKR_OK && rv != CKR_OPERATION_ACTIVE)
                        atomic_fetch_add(&strange, 1);
                rv = i % 2 ? F->C_SignUpdate(s, data, sizeof(data)) : F->C_Sign(s, data, 32, out, &n);
                if (rv != CKR_OK && rv != CKR_OPERATION_ACTIVE && rv != CKR_OPERATION_NOT_INITIALIZED)
                        atomic_fetch_add(&strange, 1);
                rv = F->C_SignFinal(s, out, &n);
                if (rv != CKR_OK && rv != CKR_OPERATION_NOT_INITIALIZED)
                        atomic_fetch_add(&strange, 1);
                atomic_fetch_add(&done, 1);
        }
        return NULL;
}

static void many_threads(CK_SESSION_HANDLE session)
{
        pthread_t threads[THREADS];

        reset();
        start(threads, own_session, NULL);
        join(threads);
        is("each thread signs in its own session", atomic_load(&strange), 0);
        reset();
        start(threads, shared_session, &session);
        join(threads);
        is("all in one get PKCS#11's answers", atomic_load(&strange), 0);
        (void)F3->C_SessionCancel(session, CKF_SIGN);
        is("and it works on", sign(session, key), CKR_OK);
}

static void many_sessions(void)
{
        static CK_SESSION_HANDLE all[SESSIONS];
        CK_SESSION_INFO info;
        CK_TOKEN_INFO token;
        unsigned opened = 0, live = 0;

        for (int i = 0; i < SESSIONS; i++)
                opened += (all[i] = open_session(i % 2)) != 0;
        is("ten thousand sessions are opened", opened, SESSIONS);
        for (int i = 0; i < SESSIONS; i++)
                live += F->C_GetSessionInfo(all[i], &info) == CKR_OK && info.slotID == guest.slot;
        is("and live", live, SESSIONS);
        is("the token counts them", F->C_GetTokenInfo(guest.slot, &token), CKR_OK);
        is("all", token.ulSessionCount >= SESSIONS, 1);
        is("the last one signs", sign(all[SESSIONS - 1], key), CKR_OK);
        for (int i = 0; i < SESSIONS; i += 2)
                live -= F->C_CloseSession(all[i]) == CKR_OK;
        is("half of them are closed", live, SESSIONS / 2);
        is("then all", F->C_CloseAllSessions(guest.slot), CKR_OK);
        is("none is left", F->C_GetSessionInfo(all[1], &info), CKR_SESSION_HANDLE_INVALID);
}

/* ---- the end ---- */

static void *until_the_end(void *arg)
{
        CK_SESSION_HANDLE s = open_session(false);
        CK_RV rv;

        (void)arg;
        do {
                rv = sign(s, key);
                atomic_fetch_add(&done, 1);
        } while (rv == CKR_OK);
        if (rv != CKR_CRYPTOKI_NOT_INITIALIZED)
                atomic_fetch_add(&strange, 1);
        return NULL;
}

static void *slow_call(void *arg)
{
        CK_SESSION_HANDLE s = open_session(false);
        CK_ULONG bits = 8192;
        CK_MECHANISM m = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        CK_ATTRIBUTE pub[] = { { CKA_MODULUS_BITS, &bits, sizeof(bits) } };
        CK_OBJECT_HANDLE a, b;
        CK_RV rv;

        (void)arg;
        atomic_fetch_add(&done, 1);
        rv = F->C_GenerateKeyPair(s, &m, pub, 1, NULL, 0, &a, &b);
        if (rv != CKR_CRYPTOKI_NOT_INITIALIZED && rv != CKR_OK)
                atomic_fetch_add(&strange, 1);
        return NULL;
}

static void finalising(void)
{
        pthread_t threads[THREADS];
        double begin;
        unsigned bad = 0;

        for (int round = 0; round < 5; round++) {
                CK_SESSION_HANDLE session = arrive();
                CK_OBJECT_HANDLE public_key;

                if (!same("a key", make_pair(session, NULL, 0, &public_key, &key), CKR_OK))
                        break;
                reset();
                start(threads, until_the_end, NULL);
                wait_for(100);
                leave();
                join(threads);
                bad += atomic_load(&strange);
        }
        is("calls inside C_Finalize end with the error for it", bad, 0);
        (void)arrive();
        reset();
        start_some(threads, 1, slow_call, NULL);
        wait_for(1);
        begin = seconds();
        leave();
        is("it does not wait for a slow call", seconds() - begin < 5, 1);
        (void)pthread_join(threads[0], NULL);
        is("which ends too", atomic_load(&strange), 0);
}

/* ---- forks ---- */

/* Forks amid calls are what is tested; but the sanitizers' allocator, up to LLVM 16, leaves its own locks in
 * the child as they were, so with it no thread is inside at that moment. */
#ifdef CHSM_SANITIZED
static pthread_rwlock_t gate = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

static void sign_enter(void)
{
        (void)pthread_rwlock_rdlock(&gate);
}

static void fork_enter(void)
{
        (void)pthread_rwlock_wrlock(&gate);
}

static void gate_leave(void)
{
        (void)pthread_rwlock_unlock(&gate);
}
#else
static void sign_enter(void)
{
}

static void fork_enter(void)
{
}

static void gate_leave(void)
{
}
#endif

static void *until_stopped(void *arg)
{
        CK_SESSION_HANDLE s = open_session(false);

        (void)arg;
        while (!atomic_load(&stop)) {
                sign_enter();
                if (sign(s, key) != CKR_OK)
                        atomic_fetch_add(&strange, 1);
                gate_leave();
                atomic_fetch_add(&done, 1);
        }
        return NULL;
}

/* The child's exit code: which check failed. */
static int child(void)
{
        CK_SESSION_HANDLE s;
        CK_OBJECT_HANDLE public_key, own;

        (void)alarm(CHILD_SECONDS);
        if (F->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
                return 1;
        if (F->C_Initialize(NULL) != CKR_OK)
                return 2;
        s = open_session(true);
        if (!s || sign(s, key) == CKR_OK)
                return 3;
        if (login(s, guest.pin) != CKR_OK || make_pair(s, NULL, 0, &public_key, &own) != CKR_OK ||
            sign(s, own) != CKR_OK)
                return 4;
        return F->C_Finalize(NULL) == CKR_OK ? 0 : 5;
}

static int wait_child(pid_t pid)
{
        int status = -1;

        (void)waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void forking(void)
{
        pthread_t threads[THREADS];
        int worst = 0;

        reset();
        start(threads, until_stopped, NULL);
        for (int i = 0; i < 20; i++) {
                int code;
                pid_t pid;

                fork_enter();
                pid = fork();
                if (pid == 0)
                        _exit(child());
                gate_leave();
                code = wait_child(pid);
                worst = code > worst ? code : worst;
        }
        wait_for(atomic_load(&done) + 100);
        atomic_store(&stop, true);
        join(threads);
        is("children forked amid signing threads work", (CK_RV)worst, 0);
        is("and the parent's threads went on", atomic_load(&strange), 0);
}

/* exit without C_Finalize, with threads inside. */
static void exiting(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                pthread_t threads[THREADS];
                CK_OBJECT_HANDLE public_key;
                CK_SESSION_HANDLE s;

                (void)alarm(CHILD_SECONDS);
                s = arrive();
                if (make_pair(s, NULL, 0, &public_key, &key) != CKR_OK)
                        _exit(9);
                reset();
                start(threads, until_stopped, NULL);
                wait_for(50);
                exit(0);
        }
        is("exit without C_Finalize is the end, not a crash", (CK_RV)wait_child(pid), 0);
}

void guest_threads(void)
{
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE public_key;

        at_once();
        session = arrive();
        is("a key for all threads", make_pair(session, NULL, 0, &public_key, &key), CKR_OK);
        many_threads(session);
        forking();
        exiting();
        many_sessions();
        leave();
        finalising();
}
