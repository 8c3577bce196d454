/* An application that works while nodes are drained, replaced and removed: two threads sign, one makes and
 * deletes keys, one encrypts in parts, which only one node can go on with, until standard input ends. No call
 * may fail.
 *
 * Usage: members_load MODULE PIN [pause MS]: MS between the calls of a thread. Prints "begun", then counts.
 */
#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define PARTS 8

static _Atomic unsigned calls[4], failures;
static _Atomic CK_RV first_failure;
static _Atomic bool over;
static _Atomic int64_t longest_ms;
static CK_OBJECT_HANDLE signing_key;
static struct timespec between;

static int64_t now_ms(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool note(unsigned who, CK_RV rv, int64_t began)
{
        int64_t took = now_ms() - began, most = atomic_load(&longest_ms);

        while (took > most && !atomic_compare_exchange_weak(&longest_ms, &most, took))
                ;
        atomic_fetch_add(&calls[who], 1);
        if (rv == CKR_OK)
                return true;
        if (atomic_fetch_add(&failures, 1) == 0)
                atomic_store(&first_failure, rv);
        return false;
}

static void rest(void)
{
        (void)nanosleep(&between, NULL);
}

static void *signer_main(void *arg)
{
        CK_SESSION_HANDLE s = open_session(true);
        unsigned who = *(unsigned *)arg;

        while (!atomic_load(&over)) {
                int64_t began = now_ms();

                (void)note(who, sign(s, signing_key), began);
                rest();
        }
        return NULL;
}

static CK_RV make_key(CK_SESSION_HANDLE s, bool token, CK_OBJECT_HANDLE *key)
{
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ULONG length = 32;
        CK_BBOOL yes = CK_TRUE, kept = token;
        CK_ATTRIBUTE t[] = { { CKA_TOKEN, &kept, sizeof(kept) },
                             { CKA_VALUE_LEN, &length, sizeof(length) },
                             { CKA_ENCRYPT, &yes, sizeof(yes) } };

        return F->C_GenerateKey(s, &m, t, 3, key);
}

static void *maker_main(void *arg)
{
        CK_SESSION_HANDLE s = open_session(true);
        unsigned who = *(unsigned *)arg;

        while (!atomic_load(&over)) {
                CK_OBJECT_HANDLE key;
                int64_t began = now_ms();

                if (note(who, make_key(s, true, &key), began)) {
                        began = now_ms();
                        (void)note(who, F->C_DestroyObject(s, key), began);
                }
                rest();
        }
        return NULL;
}

static void *encryptor_main(void *arg)
{
        CK_SESSION_HANDLE s = open_session(true);
        unsigned who = *(unsigned *)arg;
        CK_OBJECT_HANDLE key;
        CK_BYTE iv[16] = { 1 }, in[64] = { 2 }, out[128];

        if (!note(who, make_key(s, false, &key), now_ms()))
                return NULL;
        while (!atomic_load(&over)) {
                CK_MECHANISM m = { CKM_AES_CBC_PAD, iv, sizeof(iv) };
                CK_ULONG n = sizeof(out);
                int64_t began = now_ms();
                CK_RV rv = F->C_EncryptInit(s, &m, key);

                for (unsigned i = 0; rv == CKR_OK && i < PARTS; i++) {
                        n = sizeof(out);
                        rv = F->C_EncryptUpdate(s, in, sizeof(in), out, &n);
                        rest();
                }
                n = sizeof(out);
                (void)note(who, rv == CKR_OK ? F->C_EncryptFinal(s, out, &n) : rv,
                           began + (int64_t)PARTS * (between.tv_nsec / 1000000));
        }
        return NULL;
}

int main(int argc, char **argv)
{
        static void *(*const mains[])(void *) = { signer_main, signer_main, maker_main, encryptor_main };
        static unsigned numbers[] = { 0, 1, 2, 3 };
        CK_C_GetFunctionList list;
        CK_OBJECT_HANDLE public_key;
        pthread_t threads[4];
        char byte;

        guest.library = argc >= 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
        if (!guest.library) {
                fprintf(stderr, "%s\n", argc >= 3 ? dlerror() : "usage: members_load MODULE PIN [MS]");
                return 2;
        }
        if (argc > 3)
                between.tv_nsec = atol(argv[3]) * 1000000L;
        guest.pin = argv[2];
        guest.slot = 1;
        *(void **)&list = dlsym(guest.library, "C_GetFunctionList");
        if (list(&guest.f) != CKR_OK || make_pair(arrive(), NULL, 0, &public_key, &signing_key) != CKR_OK)
                return 1;
        for (unsigned i = 0; i < 4; i++)
                pthread_create(&threads[i], NULL, mains[i], &numbers[i]);
        puts("begun");
        (void)fflush(stdout);
        while (read(0, &byte, 1) > 0)
                ;
        atomic_store(&over, true);
        for (unsigned i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        printf("signatures %u, changes %u, encryptions in parts %u, failed %u (0x%lx), longest %lld ms\n",
               atomic_load(&calls[0]) + atomic_load(&calls[1]), atomic_load(&calls[2]),
               atomic_load(&calls[3]), atomic_load(&failures), (unsigned long)atomic_load(&first_failure),
               (long long)atomic_load(&longest_ms));
        leave();
        return atomic_load(&failures) == 0 && atomic_load(&calls[0]) && atomic_load(&calls[2]) &&
                       atomic_load(&calls[3]) > 1
                   ? 0
                   : 1;
}
