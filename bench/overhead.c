/* What the PKCS#11 module adds to the client library: P-256 signatures with one key, through C_SignInit and
 * C_Sign and through chsm_call, in turn, by the CPU time of this thread. The latter includes all that is paid
 * for waiting, which is the same on both sides; the difference is the module's.
 *
 * Usage: chsm-bench-overhead MODULE PIN [ROUNDS]; CHSM_SOCKET is the daemon's socket. */
#include "ck/cryptoki.h"
#include "client/chsm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IN_A_ROUND = 2000, MOST_ROUNDS = 99 };

static CK_FUNCTION_LIST_PTR f;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;
static struct chsm *library;
static CK_BYTE digest[32];

static double cpu_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool sign_module(void)
{
        CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
        CK_BYTE out[64];
        CK_ULONG n = sizeof out;

        return f->C_SignInit(session, &m, key) == CKR_OK &&
               f->C_Sign(session, digest, sizeof digest, out, &n) == CKR_OK;
}

static bool sign_library(void)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SignRequest body = CHSM__SIGN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        CK_BYTE out[64];
        bool ok;

        ref.handle = key;
        m.number = CKM_ECDSA;
        body.key = &ref;
        body.mechanism = &m;
        body.data = (ProtobufCBinaryData){ sizeof digest, digest };
        request.sign = &body;
        request.body_case = CHSM__REQUEST__BODY_SIGN;
        ok =
            chsm_call(library, &request, &answer, NULL) == 0 && answer.response->data->data.len == sizeof out;
        if (ok)
                memcpy(out, answer.response->data->data.data, sizeof out);
        chsm_answer_clear(&answer);
        return ok;
}

static double round_of(bool (*sign)(void))
{
        double before = cpu_us();

        for (int i = 0; i < IN_A_ROUND; i++) {
                if (!sign()) {
                        fprintf(stderr, "a signature failed\n");
                        exit(1);
                }
        }
        return (cpu_us() - before) / IN_A_ROUND;
}

static int by_size(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static bool open_module(const char *path, const char *pin)
{
        static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
        CK_BBOOL yes = CK_TRUE;
        CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
        CK_ATTRIBUTE pub[] = { { CKA_EC_PARAMS, p256, sizeof p256 } };
        CK_ATTRIBUTE priv[] = { { CKA_TOKEN, &yes, 1 }, { CKA_SIGN, &yes, 1 } };
        CK_OBJECT_HANDLE public_key;
        CK_C_GetFunctionList list;
        void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

        if (module == NULL)
                return false;
        *(void **)&list = dlsym(module, "C_GetFunctionList");
        return list(&f) == CKR_OK && f->C_Initialize(NULL) == CKR_OK &&
               f->C_OpenSession(1, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK &&
               f->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)pin, strlen(pin)) == CKR_OK &&
               f->C_GenerateKeyPair(session, &m, pub, 1, priv, 2, &public_key, &key) == CKR_OK;
}

static bool open_library(const char *pin, struct err *err)
{
        const char *colon = strchr(pin, ':');
        struct chsm_endpoint endpoint = { .host = getenv("CHSM_SOCKET") };
        struct chsm_options options = { .dialer = wire_unix_dialer(),
                                        .endpoints = &endpoint,
                                        .endpoint_count = 1,
                                        .name = "chsm-bench-overhead" };

        if (colon == NULL || endpoint.host == NULL || (library = chsm_open(&options, err)) == NULL)
                return false;
        return chsm_login(library, 1, slice_of(pin, (size_t)(colon - pin)), slice_str(colon + 1), err) == 0;
}

int main(int argc, char **argv)
{
        double module[MOST_ROUNDS], plain[MOST_ROUNDS], more[MOST_ROUNDS];
        int rounds = argc > 3 ? atoi(argv[3]) : 11;
        struct err err = ERR_INIT;

        if (argc < 3 || rounds < 1 || rounds > MOST_ROUNDS || !open_module(argv[1], argv[2]) ||
            !open_library(argv[2], &err)) {
                fprintf(stderr, "usage: chsm-bench-overhead MODULE PIN [ROUNDS], with CHSM_SOCKET set; %s\n",
                        err.detail);
                return 2;
        }
        (void)round_of(sign_module);
        (void)round_of(sign_library);
        for (int i = 0; i < rounds; i++) {
                plain[i] = round_of(sign_library);
                module[i] = round_of(sign_module);
                more[i] = module[i] - plain[i];
        }
        qsort(plain, (size_t)rounds, sizeof plain[0], by_size);
        qsort(module, (size_t)rounds, sizeof module[0], by_size);
        qsort(more, (size_t)rounds, sizeof more[0], by_size);
        printf("P-256 signature, CPU of the client in us, median of %d rounds: libchsm %.2f, module %.2f, "
               "difference of neighbours %.2f\n",
               rounds, plain[rounds / 2], module[rounds / 2], more[rounds / 2]);
        chsm_close(&library);
        (void)f->C_DestroyObject(session, key);
        return f->C_Finalize(NULL) != CKR_OK;
}
