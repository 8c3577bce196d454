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

static CK_RV make_mac_key(CK_SESSION_HANDLE session, const char *label)
{
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG length = 32;
        CK_MECHANISM mechanism = { CKM_GENERIC_SECRET_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_TOKEN, &yes, sizeof yes },
                                  { CKA_SIGN, &yes, sizeof yes },
                                  { CKA_VALUE_LEN, &length, sizeof length },
                                  { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) } };
        CK_OBJECT_HANDLE key;

        return f->C_GenerateKey(session, &mechanism, wanted, sizeof wanted / sizeof *wanted, &key);
}

static CK_RV make_key(CK_SESSION_HANDLE session, const struct bench_key_row *row)
{
        CK_OBJECT_HANDLE key;

        switch (row->mechanism) {
        case CKM_AES_KEY_GEN:
                return bench_create_aes(session, row->label, CK_TRUE, &key);
        case CKM_GENERIC_SECRET_KEY_GEN:
                return make_mac_key(session, row->label);
        default:
                return bench_create_pair(session, row, CK_TRUE);
        }
}

/* A module that cannot make one of them lacks it; the cells that need it say so. */
static bool make_keys(const struct bench_target *target, CK_SESSION_HANDLE session, char *failure,
                      size_t room)
{
        for (size_t i = 0; i < BENCH_KEYS; i++) {
                CK_OBJECT_HANDLE key;
                CK_ULONG n = 0;
                CK_RV rv =
                    bench_find_label(session, bench_key_rows[i].label, CK_UNAVAILABLE_INFORMATION, &key, &n);

                if (rv == CKR_OK && n == 0)
                        rv = make_key(session, &bench_key_rows[i]);
                if (target->server != 0 && bench_failed(rv, bench_key_rows[i].label, failure, room))
                        return false;
        }
        return true;
}

/* Makes every `step`th key to find that is not there yet. */
static void *fill(void *argument)
{
        struct filler *filler = argument;
        CK_SESSION_HANDLE session;
        bool ok = bench_open_session(&session, filler->failure, sizeof filler->failure);

        if (ok && filler->first == 0)
                ok = make_keys(filler->target, session, filler->failure, sizeof filler->failure);
        for (unsigned i = filler->first; ok && i < filler->target->n_keys; i += filler->step) {
                char label[32];
                CK_OBJECT_HANDLE key;
                CK_ULONG n = 0;

                snprintf(label, sizeof label, "find-%06u", i);
                ok = !bench_failed(bench_find_label(session, label, CKO_SECRET_KEY, &key, &n),
                                   "C_FindObjects", filler->failure, sizeof filler->failure);
                if (ok && n == 0)
                        ok = !bench_failed(bench_create_aes(session, label, CK_TRUE, &key), "C_GenerateKey",
                                           filler->failure, sizeof filler->failure);
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
