/* What is done with users. */
#include "load.h"

#include <pthread.h>
#include <string.h>

#define NAME_ROOM 64
#define TRIES     8 /* each; more than an account allows together */

/* ---- a user who changes his password ---- */

/* Wrong is what the caller wants to be told of an old password; it is a failure of no call. */
static void check_password(CK_SESSION_HANDLE s, const char *password)
{
        const struct app *app = &load.changer;
        struct history_call call = history_begin("read", app->who, "C_Login");
        CK_RV rv = app_login(app, s, app->user, password);
        char other[NAME_ROOM + 2];

        (void)snprintf(other, sizeof(other), "!%s", password);
        history_end(&call, rv == CKR_PIN_INCORRECT ? 0 : (uint32_t)rv, rv == CKR_OK ? password : other,
                    "password:%s", app->user);
}

static bool change_password(CK_SESSION_HANDLE s, const char *from, const char *to)
{
        const struct app *app = &load.changer;
        struct history_call call = history_begin("write", app->who, "C_SetPIN");
        char old_pin[NAME_ROOM * 2], new_pin[NAME_ROOM * 2];
        int n = snprintf(old_pin, sizeof(old_pin), "%s:%s", app->user, from);
        int m = snprintf(new_pin, sizeof(new_pin), "%s:%s", app->user, to);
        CK_RV rv =
            app->f->C_SetPIN(s, (CK_UTF8CHAR_PTR)old_pin, (CK_ULONG)n, (CK_UTF8CHAR_PTR)new_pin, (CK_ULONG)m);

        history_end(&call, (uint32_t)rv, to, "password:%s", app->user);
        return rv == CKR_OK;
}

void *load_changer(void *arg)
{
        CK_SESSION_HANDLE s = app_session(&load.changer);
        char present[NAME_ROOM] = "password0", wanted[NAME_ROOM];

        (void)arg;
        for (unsigned i = 1; !atomic_load(&load.over); i++) {
                (void)snprintf(wanted, sizeof(wanted), "password%u", i);
                check_password(s, present);
                if (!change_password(s, present, wanted))
                        continue; /* in a cluster that fails calls the next login shows which one it is */
                (void)load.changer.f->C_Logout(s);
                check_password(s, present);
                check_password(s, wanted);
                (void)load.changer.f->C_Logout(s);
                memcpy(present, wanted, sizeof(present));
                load_pace(40);
        }
        return NULL;
}

/* ---- accounts that are attacked ---- */

struct attack {
        const struct app *app;
        CK_SESSION_HANDLE session;
        char name[NAME_ROOM];
};

/* Whether the account still looks at passwords. */
static CK_RV guess(const struct attack *a, const char *password)
{
        struct history_call call = history_begin("guess", a->app->who, "C_Login");
        CK_RV rv = app_login(a->app, a->session, a->name, password);

        history_end(&call, rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED ? 0 : (uint32_t)rv,
                    rv == CKR_OK           ? "in"
                    : rv == CKR_PIN_LOCKED ? "locked"
                                           : "wrong",
                    "user:%s", a->name);
        if (rv == CKR_OK)
                (void)a->app->f->C_Logout(a->session);
        return rv;
}

static void *attack_main(void *arg)
{
        for (unsigned i = 0; i < TRIES && guess(arg, "wrong1234") == CKR_PIN_INCORRECT; i++)
                ;
        return NULL;
}

static bool user_write(const char *call_name, const char *name, const char *value,
                       uint32_t (*change)(struct chsm *, const char *))
{
        struct history_call call = history_begin("write", "officer", call_name);
        uint32_t rv =
            change ? change(load.officer, name) : direct_create_user(load.officer, name, "right1234", NULL);

        history_end(&call, rv, value, "%s:%s", change == direct_unlock_user ? "unlock" : "user", name);
        return rv == 0;
}

static void account_attack(struct attack both[2], unsigned number)
{
        pthread_t threads[2];

        for (unsigned i = 0; i < 2; i++) {
                (void)snprintf(both[i].name, sizeof(both[i].name), "%s_u%u", load.prefix, number);
                if (i == 0 && !user_write("createUser", both[0].name, "1", NULL))
                        return;
        }
        for (unsigned i = 0; i < 2; i++)
                pthread_create(&threads[i], NULL, attack_main, &both[i]);
        for (unsigned i = 0; i < 2; i++)
                pthread_join(threads[i], NULL);
        (void)guess(&both[number % 2], "right1234");
        if (number % 2 == 0 || !user_write("unlockUser", both[0].name, "0", direct_unlock_user))
                return;
        (void)guess(&both[0], "right1234");
        if (number % 4 == 1 && user_write("deleteUser", both[0].name, "0", direct_delete_user))
                (void)guess(&both[1], "right1234");
}

void *load_guesser(void *arg)
{
        struct attack both[2] = { { .app = &load.guessers[0], .session = app_session(&load.guessers[0]) },
                                  { .app = &load.guessers[1], .session = app_session(&load.guessers[1]) } };

        (void)arg;
        for (unsigned i = 0; !atomic_load(&load.over); i++) {
                account_attack(both, i);
                load_pace(100);
        }
        return NULL;
}
