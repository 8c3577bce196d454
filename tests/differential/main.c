/* Sequences of random calls, and the comparison of what the modules answered. */
#include "differential.h"

#include "ck/names.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define CALLS_A_SEQUENCE 40

/* ---- randomness that a seed repeats: xorshift64* ---- */

static uint64_t next_random(struct world *w)
{
        w->random ^= w->random >> 12;
        w->random ^= w->random << 25;
        w->random ^= w->random >> 27;
        return w->random * UINT64_C(2685821657736338717);
}

uint32_t random_below(struct world *w, uint32_t n)
{
        return (uint32_t)((next_random(w) >> 32) * n >> 32);
}

void random_bytes(struct world *w, CK_BYTE *out, size_t n)
{
        for (size_t i = 0; i < n; i++)
                out[i] = (CK_BYTE)(next_random(w) >> 56);
}

/* ---- comparison ---- */

void trail(struct world *w, const char *format, ...)
{
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(w->trail + w->trail_n, sizeof w->trail - w->trail_n, format, args);
        va_end(args);
        if (n > 0 && (size_t)n < sizeof w->trail - w->trail_n)
                w->trail_n += (size_t)n;
}

void finding(struct world *w, const char *what)
{
        printf("# finding: %s\n# calls:%s\n", what, w->trail);
        w->findings++;
        w->over = true;
}

/* Is this difference of the operation at hand explained? */
static bool is_explained(struct world *w, const char *function, const CK_RV rv[SIDES])
{
        const char *name = w->row ? ck_name(CK_KIND_MECHANISM, w->row->mechanism) : "";

        for (size_t i = 0; i < explained_rows_n; i++) {
                const struct explained_row *row = &explained_rows[i];

                if (fnmatch(row->function, function, FNM_EXTMATCH) != 0 ||
                    fnmatch(row->mechanism ? row->mechanism : "", name, FNM_EXTMATCH) != 0 ||
                    (row->ours != rv[OURS] && row->ours != CK_UNAVAILABLE_INFORMATION) ||
                    (row->theirs != rv[THEIRS] && row->theirs != CK_UNAVAILABLE_INFORMATION))
                        continue;
                w->explained++;
                w->used[i]++;
                return true;
        }
        return false;
}

bool compare(struct world *w, const char *function, const CK_RV rv[SIDES])
{
        char words[160];

        w->calls++;
        trail(w, " -> 0x%lx", rv[OURS]);
        if (rv[OURS] == rv[THEIRS])
                return rv[OURS] == CKR_OK;
        if (is_explained(w, function, rv)) {
                w->apart = true; /* what follows would differ for this reason alone */
                return false;
        }
        (void)snprintf(words, sizeof words, "%s %s: ours 0x%lx, theirs 0x%lx", function,
                       w->row ? ck_name(CK_KIND_MECHANISM, w->row->mechanism) : "", rv[OURS], rv[THEIRS]);
        finding(w, words);
        return false;
}

void compare_results(struct world *w, const char *function)
{
        const struct side *ours = &w->side[OURS], *theirs = &w->side[THEIRS];
        const CK_RV done[SIDES] = { CKR_OK, CKR_OK };
        char words[160];

        if (ours->result_n == theirs->result_n && memcmp(ours->result, theirs->result, ours->result_n) == 0)
                return;
        if (is_explained(w, function, done))
                return;
        (void)snprintf(words, sizeof words, "%s: the results differ (%lu and %lu bytes)", function,
                       ours->result_n, theirs->result_n);
        finding(w, words);
}

/* ---- the modules ---- */

static bool load(struct side *s, const char *path, const char *pin)
{
        CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
        CK_C_GetFunctionList get;
        CK_SLOT_ID slots[8];
        CK_ULONG n = 8;
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

        *s = (struct side){ .pin = pin };
        if (!library) {
                fprintf(stderr, "%s\n", dlerror());
                return false;
        }
        *(void **)&get = dlsym(library, "C_GetFunctionList");
        if (!get || get(&s->f) != CKR_OK || s->f->C_Initialize(&args) != CKR_OK ||
            s->f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK || n == 0)
                return false;
        s->slot = slots[0];
        return true;
}

static bool session_open(struct side *s, int i)
{
        return s->f->C_OpenSession(s->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                   &s->session[i]) == CKR_OK;
}

static bool sessions_open(struct side *s)
{
        for (int i = 0; i <= HOME; i++) {
                if (!session_open(s, i))
                        return false;
        }
        return s->f->C_Login(s->session[0], CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)s->pin, strlen(s->pin)) ==
               CKR_OK;
}

/* The operations of that session end; of all, when an object goes that they may be using. */
static void sessions_renew(struct world *w)
{
        for (int at = 0; at < SESSIONS_MAX; at++) {
                for (int i = 0; i < SIDES && (w->touched || at == w->session_at); i++) {
                        struct side *s = &w->side[i];

                        if (s->f->C_CloseSession(s->session[at]) != CKR_OK || !session_open(s, at))
                                finding(w, "a session cannot be opened again");
                }
        }
}

void resynchronise(struct world *w)
{
        struct object *o = w->touched;

        w->apart = false;
        w->row = NULL;
        sessions_renew(w);
        if (!o)
                return;
        for (int i = 0; i < SIDES; i++) /* the one that has it; the other has no such object */
                (void)w->side[i].f->C_DestroyObject(w->side[i].session[HOME], o->handle[i]);
        o->gone = true;
        object_create(w, o->kind);
        w->apart = false;
}

static void call_any(struct world *w)
{
        unsigned total = 0, pick;

        for (size_t i = 0; i < call_rows_n; i++)
                total += call_rows[i].weight;
        pick = random_below(w, total);
        for (size_t i = 0; i < call_rows_n; i++) {
                if (pick < call_rows[i].weight) {
                        w->session_at = -1;
                        w->row = NULL;
                        w->touched = NULL;
                        w->apart = false;
                        call_rows[i].run(w);
                        if (w->apart && !w->over)
                                resynchronise(w);
                        return;
                }
                pick -= call_rows[i].weight;
        }
}

static bool sequence(struct world *w, uint64_t seed)
{
        w->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
        w->over = false;
        w->apart = false;
        w->session_at = -1;
        w->row = NULL;
        w->object_count = 0;
        w->trail_n = 0;
        trail(w, " seed %llu", (unsigned long long)seed);
        if (!sessions_open(&w->side[OURS]) || !sessions_open(&w->side[THEIRS]))
                return false;
        for (enum kind kind = 0; kind < KINDS && !w->over; kind++)
                object_create(w, kind);
        for (int i = 0; i < CALLS_A_SEQUENCE && !w->over; i++)
                call_any(w);
        for (int i = 0; i < SIDES; i++) {
                if (w->side[i].f->C_CloseAllSessions(w->side[i].slot) != CKR_OK)
                        return false;
        }
        return true;
}

int main(int argc, char **argv)
{
        static struct world w;
        unsigned long first = argc > 5 ? strtoul(argv[5], NULL, 10) : 1;
        unsigned long count = argc > 6 ? strtoul(argv[6], NULL, 10) : 200;

        if (argc < 5 || !load(&w.side[OURS], argv[1], argv[2]) || !load(&w.side[THEIRS], argv[3], argv[4])) {
                fprintf(stderr, "usage: differential MODULE PIN OTHER-MODULE OTHER-PIN [SEED [COUNT]]\n");
                return 2;
        }
        for (unsigned long seed = first; seed < first + count; seed++) {
                if (!sequence(&w, seed)) {
                        printf("# sessions cannot be opened or closed any more (seed %lu)\n", seed);
                        w.findings++;
                        break;
                }
        }
        printf("%lu sequences, %lu calls compared, %lu explained differences, %lu findings\n", count, w.calls,
               w.explained, w.findings);
        for (size_t i = 0; i < explained_rows_n; i++)
                printf("%6lu %s\n", w.used[i], explained_rows[i].why);
        (void)fflush(stdout);
        w.side[OURS].f->C_Finalize(NULL);
        w.side[THEIRS].f->C_Finalize(NULL);
        _exit(w.findings != 0); /* SoftHSM2 does not survive libcrypto's handlers of exit */
}
