/* Usage: search MODULE TOKEN PIN COUNT. Prints TAP. A search through COUNT objects: each is found once,
 * whatever is made and destroyed meanwhile, and the module holds a page of them at a time. */
#include "guest.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>

#define MAKERS 32
#define HELD   (size_t)(64 * 1024) /* bytes a search may hold */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static char application[] = "search";
static CK_OBJECT_CLASS class = CKO_DATA;
static CK_ATTRIBUTE made_as[] = { { CKA_CLASS, &class, sizeof(class) },
                                  { CKA_TOKEN, &yes, 1 },
                                  { CKA_PRIVATE, &no, 1 },
                                  { CKA_APPLICATION, application, sizeof(application) - 1 } };
static CK_ATTRIBUTE wanted = { CKA_APPLICATION, application, sizeof(application) - 1 };

struct maker {
        CK_ULONG todo, done;
};

static void *make(void *arg)
{
        struct maker *m = arg;
        CK_SESSION_HANDLE s = open_session(true);
        CK_OBJECT_HANDLE object;

        while (m->done < m->todo && F->C_CreateObject(s, made_as, 4, &object) == CKR_OK)
                m->done++;
        return NULL;
}

static CK_ULONG make_all(CK_ULONG n)
{
        static struct maker makers[MAKERS];
        pthread_t threads[MAKERS];
        CK_ULONG sum = 0;

        for (CK_ULONG i = 0; i < MAKERS; i++) {
                makers[i] = (struct maker){ n / MAKERS + (i < n % MAKERS), 0 };
                if (pthread_create(&threads[i], NULL, make, &makers[i]) != 0)
                        abort();
        }
        for (CK_ULONG i = 0; i < MAKERS; i++) {
                (void)pthread_join(threads[i], NULL);
                sum += makers[i].done;
        }
        return sum;
}

static int ascending(const void *a, const void *b)
{
        const CK_OBJECT_HANDLE *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static CK_ULONG repeated(CK_OBJECT_HANDLE *list, CK_ULONG n)
{
        CK_ULONG sum = 0;

        qsort(list, n, sizeof(*list), ascending);
        for (CK_ULONG i = 1; i < n; i++)
                sum += list[i] == list[i - 1];
        return sum;
}

/* All that is found, in portions of one size; the list has room for one more than there should be. */
static CK_ULONG find_all(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *list, CK_ULONG room, CK_ULONG portion)
{
        CK_ULONG n = 1, found = 0;

        while (n && found < room) {
                CK_ULONG most = room - found < portion ? room - found : portion;

                if (!same("C_FindObjects", F->C_FindObjects(s, list + found, most, &n), CKR_OK))
                        return 0;
                found += n;
        }
        return found;
}

static void whole(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *list, CK_ULONG count)
{
        size_t before = mallinfo2().uordblks, held;

        is("a search begins", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        is("it finds all", find_all(s, list, count + 1, 100), count);
        held = mallinfo2().uordblks;
        is("and holds a page of them", held < before + HELD, 1);
        if (held >= before + HELD)
                printf("# %zu bytes\n", held - before);
        is("it ends", F->C_FindObjectsFinal(s), CKR_OK);
        is("nothing was found twice", repeated(list, count), 0);
        is("a second one", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        is("finds all with one call", find_all(s, list, count + 1, count + 1), count);
        is("and ends", F->C_FindObjectsFinal(s), CKR_OK);
}

/* Who makes one for each that he finds comes to an end; who destroys what he finds misses nothing. */
static void changing(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *list, CK_ULONG count)
{
        CK_OBJECT_HANDLE one;
        CK_ULONG n = 1, found = 0, gone = 0;

        is("a search", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        is("finds some", F->C_FindObjects(s, list, 10, &n), CKR_OK);
        found = n;
        is("while others are made", make_all(MAKERS), MAKERS);
        is("and found ones destroyed", F->C_DestroyObject(s, list[0]), CKR_OK);
        while (n && F->C_FindObjects(s, &one, 1, &n) == CKR_OK)
                found += n;
        is("which it does not find", found, count);
        (void)F->C_FindObjectsFinal(s);
        is("a search of now", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        for (n = 1; n && F->C_FindObjects(s, list, 500, &n) == CKR_OK;) {
                for (CK_ULONG i = 0; i < n && gone < 2000; i++)
                        gone += F->C_DestroyObject(s, list[i]) == CKR_OK;
                found = n ? found : 0;
        }
        is("goes on after what was destroyed", gone, 2000);
        (void)F->C_FindObjectsFinal(s);
        is("what is left", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        is("is all the rest", find_all(s, list, count + 1, 1000), count + MAKERS - 1 - 2000);
        (void)F->C_FindObjectsFinal(s);
}

static void logging_out(CK_SESSION_HANDLE s)
{
        CK_OBJECT_HANDLE list[2000];
        CK_ULONG n;

        is("a search of a user's", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        is("who then logs out", F->C_Logout(s), CKR_OK);
        is("is over with his pages", F->C_FindObjects(s, list, 2000, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("and closed", F->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
        is("nobody's search", F->C_FindObjectsInit(s, &wanted, 1), CKR_OK);
        is("finds public ones", F->C_FindObjects(s, list, 2000, &n), CKR_OK);
        is("as many as he asks for", n, 2000);
        is("until somebody logs in", login(s, guest.pin), CKR_OK);
        is("whose is another view", F->C_FindObjects(s, list, 2000, &n), CKR_OPERATION_NOT_INITIALIZED);
}

int main(int argc, char **argv)
{
        CK_ULONG count = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
        CK_OBJECT_HANDLE *list = calloc(count + 1, sizeof(*list));
        CK_C_GetFunctionList functions;
        CK_SESSION_HANDLE s;

        guest.library = argc == 5 ? dlopen(argv[1], RTLD_NOW) : NULL;
        if (!guest.library || count < 5000 || !list) {
                printf("Bail out! %s\n",
                       argc == 5 && count >= 5000 ? dlerror() : "usage: search MODULE TOKEN PIN COUNT");
                return 1;
        }
        guest.token = argv[2];
        guest.pin = argv[3];
        guest.slot = 1;
        *(void **)&functions = dlsym(guest.library, "C_GetFunctionList");
        is("the list of functions", functions(&guest.f), CKR_OK);
        s = arrive();
        is("the objects are made", make_all(count), count);
        whole(s, list, count);
        changing(s, list, count);
        logging_out(s);
        leave();
        free(list);
        printf("1..%u\n", guest.count);
        return guest.bad != 0;
}
