/* What the module tells: slot and token, keys that other applications change, and lists of thousands. */
#include "guest.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_SESSION_HANDLE session;

/* ---- slot and token ---- */

static void token(void)
{
        CK_SLOT_INFO slot;
        CK_TOKEN_INFO info;
        CK_FLAGS wanted = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;

        is("the slot", F->C_GetSlotInfo(guest.slot, &slot), CKR_OK);
        is("has a token that stays", slot.flags & (CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE),
           CKF_TOKEN_PRESENT);
        is("the token", F->C_GetTokenInfo(guest.slot, &info), CKR_OK);
        is("says what it can and wants", info.flags & wanted, wanted);
        is("and can be written", info.flags & CKF_WRITE_PROTECTED, 0);
        is("its PIN is typed here", info.flags & CKF_PROTECTED_AUTHENTICATION_PATH, 0);
        is("sessions without end", info.ulMaxSessionCount, CK_EFFECTIVELY_INFINITE);
        is("to write as well", info.ulMaxRwSessionCount, CK_EFFECTIVELY_INFINITE);
        is("a name, a colon and a password fit", info.ulMaxPinLen >= 255 && info.ulMinPinLen <= 10, 1);
        is("one session is counted", info.ulSessionCount, 1);
        is("as one that writes", info.ulRwSessionCount, 1);
}

/* ---- another application ---- */

struct other {
        int ask[2], answer[2];
        pid_t pid;
        CK_OBJECT_HANDLE key;
};

static CK_RV set_sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_BBOOL *value)
{
        CK_ATTRIBUTE a = { CKA_SIGN, value, 1 };

        return F->C_SetAttributeValue(s, key, &a, 1);
}

/* One letter an order: on, off, destroy; the answer is whether it went well. */
static int other_run(struct other *o)
{
        CK_SESSION_HANDLE s = arrive();
        char order;

        while (read(o->ask[0], &order, 1) == 1) {
                CK_RV rv = order == 'd' ? F->C_DestroyObject(s, o->key)
                                        : set_sign(s, o->key, order == '+' ? &yes : &no);
                char answer = rv == CKR_OK ? 'y' : 'n';

                if (write(o->answer[1], &answer, 1) != 1)
                        break;
        }
        return F->C_Finalize(NULL) != CKR_OK;
}

static void other_start(struct other *o)
{
        if (pipe(o->ask) != 0 || pipe(o->answer) != 0)
                abort();
        o->pid = fork();
        if (o->pid == 0) {
                (void)close(o->ask[1]);
                _exit(other_run(o));
        }
        (void)close(o->ask[0]);
}

static CK_RV other_does(struct other *o, char order)
{
        char answer = 'n';

        return write(o->ask[1], &order, 1) == 1 && read(o->answer[0], &answer, 1) == 1 && answer == 'y'
                   ? CKR_OK
                   : CKR_GENERAL_ERROR;
}

static CK_RV begin(CK_OBJECT_HANDLE key)
{
        CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };

        return F->C_SignInit(session, &ecdsa, key);
}

static CK_RV finish(void)
{
        CK_BYTE data[4] = "data", out[64];
        CK_ULONG n = sizeof(out);

        return F->C_Sign(session, data, 4, out, &n);
}

static void others(void)
{
        CK_ATTRIBUTE token_key[] = { { CKA_TOKEN, &yes, 1 } };
        CK_OBJECT_HANDLE public_key;
        struct other o = { .pid = -1 };
        int status = -1;

        is("a key", make_pair(session, token_key, 1, &public_key, &o.key), CKR_OK);
        is("signs", sign(session, o.key), CKR_OK);
        other_start(&o);
        is("another application forbids it", other_does(&o, '-'), CKR_OK);
        is("the node knows, whatever is remembered here",
           begin(o.key) == CKR_OK ? finish() : CKR_KEY_FUNCTION_NOT_PERMITTED,
           CKR_KEY_FUNCTION_NOT_PERMITTED);
        is("and then it is known here too", begin(o.key), CKR_KEY_FUNCTION_NOT_PERMITTED);
        is("the other allows it", other_does(&o, '+'), CKR_OK);
        is("which a no of before does not hide", sign(session, o.key), CKR_OK);
        is("the other destroys it", other_does(&o, 'd'), CKR_OK);
        is("nothing signs", begin(o.key) == CKR_OK ? finish() : CKR_KEY_HANDLE_INVALID,
           CKR_KEY_HANDLE_INVALID);
        is("nothing is there", begin(o.key), CKR_KEY_HANDLE_INVALID);
        (void)close(o.ask[1]);
        (void)waitpid(o.pid, &status, 0);
        is("the other ends well", (CK_RV)status, 0);
}

/* ---- thousands ---- */

#define MAKERS 8
#define EACH   300

static char application[] = "guest_view";

static void *make_many(void *arg)
{
        CK_OBJECT_CLASS class = CKO_DATA;
        CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) },
                                  { CKA_TOKEN, &yes, 1 },
                                  { CKA_APPLICATION, application, sizeof(application) - 1 } };
        CK_SESSION_HANDLE s = open_session(true);
        unsigned *made = arg;
        CK_OBJECT_HANDLE object;

        for (int i = 0; i < EACH; i++)
                *made += F->C_CreateObject(s, wanted, 3, &object) == CKR_OK;
        return NULL;
}

struct share {
        CK_OBJECT_HANDLE *list;
        unsigned gone;
};

static void *destroy_many(void *arg)
{
        struct share *mine = arg;
        CK_SESSION_HANDLE s = open_session(true);

        for (int i = 0; i < EACH; i++)
                mine->gone += F->C_DestroyObject(s, mine->list[i]) == CKR_OK;
        return NULL;
}

static int by_number(const void *a, const void *b)
{
        const CK_OBJECT_HANDLE *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static void many(void)
{
        static CK_OBJECT_HANDLE all[MAKERS * EACH + 1];
        CK_ATTRIBUTE wanted = { CKA_APPLICATION, application, sizeof(application) - 1 };
        pthread_t threads[MAKERS];
        unsigned made[MAKERS] = { 0 }, sum = 0, repeated = 0;
        struct share shares[MAKERS];
        CK_ULONG n = 1, found = 0;

        for (int i = 0; i < MAKERS; i++)
                (void)pthread_create(&threads[i], NULL, make_many, &made[i]);
        for (int i = 0; i < MAKERS; i++) {
                (void)pthread_join(threads[i], NULL);
                sum += made[i];
        }
        is("thousands of objects are made", sum, MAKERS * EACH);
        is("a search for them", F->C_FindObjectsInit(session, &wanted, 1), CKR_OK);
        while (n && found < MAKERS * EACH && F->C_FindObjects(session, all + found, 70, &n) == CKR_OK)
                found += n;
        is("finds them all", found, MAKERS * EACH);
        is("and nothing else", F->C_FindObjects(session, all + found, 1, &n) == CKR_OK ? n : 99, 0);
        is("the search ends", F->C_FindObjectsFinal(session), CKR_OK);
        qsort(all, found, sizeof(all[0]), by_number);
        for (CK_ULONG i = 1; i < found; i++)
                repeated += all[i] == all[i - 1];
        is("none is there twice", repeated, 0);
        sum = 0;
        for (int i = 0; i < MAKERS; i++) {
                shares[i] = (struct share){ all + i * EACH, 0 };
                (void)pthread_create(&threads[i], NULL, destroy_many, &shares[i]);
        }
        for (int i = 0; i < MAKERS; i++) {
                (void)pthread_join(threads[i], NULL);
                sum += shares[i].gone;
        }
        is("all are destroyed", sum, MAKERS * EACH);
}

void guest_view(void)
{
        session = arrive();
        token();
        others();
        many();
        leave();
}
