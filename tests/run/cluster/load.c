/* Works on a cluster until standard input ends, and writes down what it saw.
 *
 * Usage: cluster_load MODULE FOLDER HISTORY PREFIX CU:PASSWORD CO:PASSWORD [uses]; CHSM_SOCKET is the
 * daemon's. uses: nothing but signatures and encryption, with keys and a login made before "begun" is said.
 */
#include "load.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 8

struct load load;

static bool part(const char *pair, char user[64], char password[64])
{
        const char *colon = strchr(pair, ':');

        if (!colon || (size_t)(colon - pair) >= 64 || strlen(colon + 1) >= 64)
                return false;
        memcpy(user, pair, (size_t)(colon - pair));
        user[colon - pair] = 0;
        memcpy(password, colon + 1, strlen(colon + 1) + 1);
        return true;
}

/* A user of this run, made by the officer. */
static bool user_make(struct app *app, const char *name, const char *password)
{
        struct history_call call;
        uint32_t rv;

        (void)snprintf(app->user, sizeof(app->user), "%s_%s", load.prefix, name);
        call = history_begin("write", "officer", "createUser");
        rv = direct_create_user(load.officer, app->user, password, &app->user_id);
        history_end(&call, rv, "1", "user:%s", app->user);
        history_end(&call, rv, password, "password:%s", app->user);
        return rv == 0;
}

static bool users_ready(char **argv)
{
        char co[64], co_password[64], cu[64], cu_password[64];

        if (!part(argv[5], cu, cu_password) || !part(argv[6], co, co_password))
                return false;
        load.officer = direct_open(co, co_password, 2);
        load.owner = direct_open(cu, cu_password, 1);
        return load.officer && load.owner && chsm_logged_in(load.owner, &load.worker.user_id) &&
               user_make(&load.partner, "partner", "partner1") &&
               user_make(&load.changer, "changer", "password0") &&
               app_login(&load.worker, app_session(&load.worker), cu, cu_password) == CKR_OK &&
               app_login(&load.partner, app_session(&load.partner), load.partner.user, "partner1") == CKR_OK;
}

static bool apps_open(const char *module, const char *folder)
{
        return app_open(&load.worker, module, folder, "worker") &&
               app_open(&load.partner, module, folder, "partner") &&
               app_open(&load.changer, module, folder, "changer") &&
               app_open(&load.guessers[0], module, folder, "guesser") &&
               app_open(&load.guessers[1], module, folder, "guesser2");
}

static void close_all(void)
{
        app_close(&load.worker);
        app_close(&load.partner);
        app_close(&load.changer);
        app_close(&load.guessers[0]);
        app_close(&load.guessers[1]);
        chsm_close(&load.owner);
        chsm_close(&load.officer);
        history_close();
}

int main(int argc, char **argv)
{
        void *(*const all[])(void *) = { load_signer, load_cipher,  load_maker,  load_maker,
                                         load_sharer, load_changer, load_guesser };
        pthread_t threads[THREADS_MAX];
        size_t n;
        char byte;

        load.uses_only = argc == 8 && strcmp(argv[7], "uses") == 0;
        if (argc < 7 || (argc == 8 && !load.uses_only) || argc > 8) {
                fputs("usage: cluster_load MODULE FOLDER HISTORY PREFIX CU:PASSWORD CO:PASSWORD [uses]\n",
                      stderr);
                return 2;
        }
        load.prefix = argv[4];
        if (!history_open(argv[3]) || !apps_open(argv[1], argv[2]) || !users_ready(argv))
                return 1;
        n = load.uses_only ? 2 : sizeof(all) / sizeof(all[0]);
        for (size_t i = 0; i < n; i++)
                pthread_create(&threads[i], NULL, all[i], NULL);
        puts("begun");
        (void)fflush(stdout);
        while (read(0, &byte, 1) > 0)
                ;
        atomic_store(&load.over, true);
        for (size_t i = 0; i < n; i++)
                pthread_join(threads[i], NULL);
        close_all();
        return 0;
}
