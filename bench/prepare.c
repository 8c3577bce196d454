/* Fills a token with what the operations use. What is there already is left alone. */
#include "module.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct filler {
        const struct bench_target *target;
        unsigned first, step;
        char failure[160];
};

static CK_RV make_pair(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, const char *label)
{
        static CK_BYTE p256[] = { 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
        static CK_BBOOL yes = CK_TRUE;
        static CK_ULONG bits = 2048;
        bool rsa = type == CKM_RSA_PKCS_KEY_PAIR_GEN;
        CK_MECHANISM mechanism = { type, NULL, 0 };
        CK_ATTRIBUTE rsa_wanted[] = { { CKA_TOKEN, &yes, 1 },
                                      { CKA_VERIFY, &yes, 1 },
                                      { CKA_MODULUS_BITS, &bits, sizeof bits } };
        CK_ATTRIBUTE ec_wanted[] = { { CKA_TOKEN, &yes, 1 },
                                     { CKA_VERIFY, &yes, 1 },
                                     { CKA_EC_PARAMS, p256, sizeof p256 } };
        CK_ATTRIBUTE private_wanted[] = { { CKA_TOKEN, &yes, 1 },
                                          { CKA_SIGN, &yes, 1 },
                                          { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) } };
        CK_OBJECT_HANDLE public_key;
        CK_OBJECT_HANDLE private_key;

        return f->C_GenerateKeyPair(session, &mechanism, rsa ? rsa_wanted : ec_wanted, 3, private_wanted, 3,
                                    &public_key, &private_key);
}

static bool make_signing_keys(CK_SESSION_HANDLE session, char *failure, size_t room)
{
        CK_OBJECT_HANDLE key;
        CK_ULONG n = 0;

        if (bench_failed(bench_find_label(session, "bench-rsa", CKO_PRIVATE_KEY, &key, &n), "C_FindObjects",
                         failure, room))
                return false;
        return n == 1 ||
               (!bench_failed(make_pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, "bench-rsa"), "C_GenerateKeyPair",
                              failure, room) &&
                !bench_failed(make_pair(session, CKM_EC_KEY_PAIR_GEN, "bench-ec"), "C_GenerateKeyPair",
                              failure, room) &&
                !bench_failed(bench_create_aes(session, "bench-aes"), "C_GenerateKey", failure, room));
}

/* Makes every `step`th key to find that is not there yet. */
static void *fill(void *argument)
{
        struct filler *filler = argument;
        CK_SESSION_HANDLE session;
        bool ok = bench_open_session(&session, filler->failure, sizeof filler->failure);

        if (ok && filler->first == 0)
                ok = make_signing_keys(session, filler->failure, sizeof filler->failure);
        for (unsigned i = filler->first; ok && i < filler->target->n_keys; i += filler->step) {
                char label[32];
                CK_OBJECT_HANDLE key;
                CK_ULONG n = 0;

                snprintf(label, sizeof label, "find-%06u", i);
                ok = !bench_failed(bench_find_label(session, label, CKO_SECRET_KEY, &key, &n),
                                   "C_FindObjects", filler->failure, sizeof filler->failure);
                if (ok && n == 0)
                        ok = !bench_failed(bench_create_aes(session, label), "C_GenerateKey", filler->failure,
                                           sizeof filler->failure);
        }
        return NULL;
}

/* The body of the preparing process. */
static int prepare(const struct bench_target *target, unsigned threads)
{
        struct filler fillers[BENCH_MAX_THREADS];
        pthread_t ids[BENCH_MAX_THREADS];
        char failure[160] = "";
        int status = 0;

        if (!bench_module_load(target, failure, sizeof failure)) {
                fprintf(stderr, "chsm-bench: %s: %s\n", target->name, failure);
                return 1;
        }
        for (unsigned i = 0; i < threads; i++) {
                fillers[i] = (struct filler){ .target = target, .first = i, .step = threads };
                if (pthread_create(&ids[i], NULL, fill, &fillers[i]) != 0)
                        return 1;
        }
        for (unsigned i = 0; i < threads; i++) {
                pthread_join(ids[i], NULL);
                if (fillers[i].failure[0] != '\0') {
                        fprintf(stderr, "chsm-bench: %s: %s\n", target->name, fillers[i].failure);
                        status = 1;
                }
        }
        return status;
}

void bench_prepare(const struct bench_target *target, unsigned threads)
{
        pid_t child = fork();
        int status = 1;

        if (child == 0)
                _exit(prepare(target, threads));
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
                fprintf(stderr, "chsm-bench: '%s' could not be filled with its keys\n", target->name);
                exit(1);
        }
}
