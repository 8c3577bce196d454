/* An application that works while its cluster is broken: two threads sign, two make and delete keys, until
 * standard input ends. No call may fail, every key that was made must be found, none that was deleted.
 *
 * Usage: cluster_workload MODULE PIN [sign]; sign: four threads sign and nobody makes keys. Prints "begun",
 * then a line of counts; exit 0 when the books balance.
 */
#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 200000
#define THREADS  4

enum fate { UNTRIED, MADE, GONE, FAILED };

static _Atomic uint8_t fates[KEYS_MAX];
static _Atomic unsigned next, calls, failures;
static _Atomic CK_RV first_failure;
static _Atomic int64_t longest_use_ms, longest_change_ms;
static _Atomic bool over;
static CK_OBJECT_HANDLE signing_key;
static bool only_signs;

static int64_t now_ms(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Counts the call. What it gave: true when it was done. */
static bool note(CK_RV rv, int64_t began, _Atomic int64_t *longest)
{
        int64_t took = now_ms() - began, most = atomic_load(longest);

        while (took > most && !atomic_compare_exchange_weak(longest, &most, took))
                ;
        atomic_fetch_add(&calls, 1);
        if (rv == CKR_OK)
                return true;
        if (atomic_fetch_add(&failures, 1) == 0)
                atomic_store(&first_failure, rv);
        return false;
}

static void *signer_main(void *arg)
{
        CK_SESSION_HANDLE s = open_session(true);

        (void)arg;
        while (!atomic_load(&over)) {
                int64_t began = now_ms();

                (void)note(sign(s, signing_key), began, &longest_use_ms);
        }
        return NULL;
}

static CK_RV make_key(CK_SESSION_HANDLE s, unsigned number, CK_OBJECT_HANDLE *key)
{
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ULONG length = 32;
        CK_BBOOL yes = CK_TRUE;
        char label[32];
        int n = snprintf(label, sizeof(label), "work-%d-%u", (int)getpid(), number);
        CK_ATTRIBUTE t[] = { { CKA_TOKEN, &yes, sizeof(yes) },
                             { CKA_LABEL, label, (CK_ULONG)n },
                             { CKA_VALUE_LEN, &length, sizeof(length) } };

        return F->C_GenerateKey(s, &m, t, 3, key);
}

/* Of three keys two stay. */
static void *maker_main(void *arg)
{
        CK_SESSION_HANDLE s = open_session(true);
        unsigned number;

        (void)arg;
        while (!atomic_load(&over) && (number = atomic_fetch_add(&next, 1)) < KEYS_MAX) {
                CK_OBJECT_HANDLE key;
                int64_t began = now_ms();

                if (!note(make_key(s, number, &key), began, &longest_change_ms)) {
                        atomic_store(&fates[number], FAILED);
                        continue;
                }
                atomic_store(&fates[number], MADE);
                began = now_ms();
                if (number % 3 == 0)
                        atomic_store(&fates[number],
                                     note(F->C_DestroyObject(s, key), began, &longest_change_ms) ? GONE
                                                                                                 : FAILED);
        }
        return NULL;
}

static CK_ULONG found(CK_SESSION_HANDLE s, unsigned number)
{
        char label[32];
        int n = snprintf(label, sizeof(label), "work-%d-%u", (int)getpid(), number);
        CK_ATTRIBUTE t = { CKA_LABEL, label, (CK_ULONG)n };
        CK_OBJECT_HANDLE keys[4];
        CK_ULONG count = 99;

        if (F->C_FindObjectsInit(s, &t, 1) == CKR_OK) {
                (void)F->C_FindObjects(s, keys, 4, &count);
                (void)F->C_FindObjectsFinal(s);
        }
        return count;
}

static bool judge(CK_SESSION_HANDLE s)
{
        unsigned made = 0, gone = 0, missing = 0, doubled = 0, risen = 0;

        for (unsigned i = 0; i < KEYS_MAX && i < atomic_load(&next); i++) {
                uint8_t fate = atomic_load(&fates[i]);
                CK_ULONG n = fate == MADE || fate == GONE ? found(s, i) : 0;

                made += fate == MADE;
                gone += fate == GONE;
                missing += fate == MADE && n == 0;
                doubled += n > 1;
                risen += fate == GONE && n != 0;
        }
        printf("calls %u, failed %u (0x%lx), keys kept %u, deleted %u, missing %u, doubled %u, risen %u, "
               "longest "
               "use %lld ms, longest change %lld ms\n",
               atomic_load(&calls), atomic_load(&failures), (unsigned long)atomic_load(&first_failure), made,
               gone, missing, doubled, risen, (long long)atomic_load(&longest_use_ms),
               (long long)atomic_load(&longest_change_ms));
        return (only_signs || (made && gone)) && !missing && !doubled && !risen &&
               atomic_load(&failures) == 0;
}

int main(int argc, char **argv)
{
        CK_C_GetFunctionList list;
        CK_SESSION_HANDLE s;
        CK_OBJECT_HANDLE public_key;
        pthread_t threads[THREADS];
        char byte;
        bool good;

        only_signs = argc == 4 && strcmp(argv[3], "sign") == 0;
        guest.library = argc == 3 || only_signs ? dlopen(argv[1], RTLD_NOW) : NULL;
        if (!guest.library) {
                fprintf(stderr, "%s\n", argc > 2 ? dlerror() : "usage: cluster_workload MODULE PIN [sign]");
                return 2;
        }
        guest.pin = argv[2];
        guest.slot = 1;
        *(void **)&list = dlsym(guest.library, "C_GetFunctionList");
        if (list(&guest.f) != CKR_OK)
                return 1;
        s = arrive();
        if (make_pair(s, NULL, 0, &public_key, &signing_key) != CKR_OK)
                return 1;
        for (unsigned i = 0; i < THREADS; i++)
                pthread_create(&threads[i], NULL, i < 2 || only_signs ? signer_main : maker_main, NULL);
        puts("begun");
        (void)fflush(stdout);
        while (read(0, &byte, 1) > 0)
                ;
        atomic_store(&over, true);
        for (unsigned i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        good = judge(s);
        leave();
        return good ? 0 : 1;
}
