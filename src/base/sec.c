#include "base/sec.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Small secrets are cut from locked slabs by size class; larger ones get pages of their own between two guard
 * pages. A free cell holds the link to the next free one, so nothing outside the slab points into it. */
#define SLAB_SIZE   ((size_t)256 * 1024)
#define SMALL_MAX   2048
#define CLASS_COUNT 7 /* 32, 64, ... 2048 */

struct sec {
        uint8_t *p;
        size_t n, cap;
        void *map; /* own mapping with its guard pages, or NULL: a cell */
        size_t map_n;
        unsigned size_class;
        unsigned generation; /* of the process that made it */
};

struct cell {
        struct cell *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cell *free_cells[CLASS_COUNT];
static unsigned generation;
static atomic_bool warned;

/* A forked child has the slabs, but not locked (mlock(2) is not inherited), and another thread may have had
 * the lock: it starts with none. What was made before the fork is not used again when it is freed. */
static void fork_child(void)
{
        pthread_mutex_init(&lock, NULL);
        memset(free_cells, 0, sizeof(free_cells));
        generation++;
}

/* At load, so that it runs before the handlers of others in the child, which free secrets. */
__attribute__((constructor)) static void watch_forks(void)
{
        (void)pthread_atfork(NULL, NULL, fork_child);
}

void sec_wipe(void *p, size_t n)
{
        if (n)
                explicit_bzero(p, n);
}

bool sec_equal(struct slice a, struct slice b)
{
        volatile uint8_t differ = 0;

        if (a.n != b.n)
                return false;
        for (size_t i = 0; i < a.n; i++)
                differ = (uint8_t)(differ | (a.p[i] ^ b.p[i]));
        return differ == 0;
}

/* Locked when the system allows it; kept out of core dumps; a forked child sees zeros. */
static void pages_protect(void *p, size_t n)
{
        if (mlock(p, n) != 0 && !atomic_exchange(&warned, true))
                log_warning(
                    "secrets cannot be locked in memory: raise the limit with 'ulimit -l' or LimitMEMLOCK=");
        (void)madvise(p, n, MADV_DONTDUMP);
        (void)madvise(p, n, MADV_WIPEONFORK);
}

static void *pages_map(size_t n)
{
        void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

static bool slab_cut(unsigned size_class)
{
        size_t size = (size_t)32 << size_class;
        uint8_t *slab = pages_map(SLAB_SIZE);

        if (!slab)
                return false;
        pages_protect(slab, SLAB_SIZE);
        for (size_t at = 0; at + size <= SLAB_SIZE; at += size) {
                struct cell *cell = (struct cell *)(void *)(slab + at);
                cell->next = free_cells[size_class];
                free_cells[size_class] = cell;
        }
        return true;
}

static bool small_alloc(struct sec *s, size_t n)
{
        struct cell *cell = NULL;

        while (((size_t)32 << s->size_class) < n)
                s->size_class++;
        pthread_mutex_lock(&lock);
        if (free_cells[s->size_class] || slab_cut(s->size_class)) {
                cell = free_cells[s->size_class];
                free_cells[s->size_class] = cell->next;
        }
        pthread_mutex_unlock(&lock);
        if (!cell)
                return false;
        s->p = (uint8_t *)cell;
        s->generation = generation;
        s->cap = (size_t)32 << s->size_class;
        memset(s->p, 0, s->cap);
        return true;
}

static bool large_alloc(struct sec *s, size_t n)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t body = (n + page - 1) / page * page;

        if (n > SIZE_MAX / 2)
                return false;
        s->map_n = body + 2 * page;
        s->map = pages_map(s->map_n);
        if (!s->map)
                return false;
        s->p = (uint8_t *)s->map + page;
        s->cap = body;
        (void)mprotect(s->map, page, PROT_NONE);
        (void)mprotect(s->p + body, page, PROT_NONE);
        pages_protect(s->p, body);
        return true;
}

struct sec *sec_new(size_t n)
{
        struct sec *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        if (!(n <= SMALL_MAX ? small_alloc(s, n) : large_alloc(s, n))) {
                free(s);
                return NULL;
        }
        s->n = n;
        return s;
}

struct sec *sec_copy(struct slice from)
{
        struct sec *s = sec_new(from.n);

        if (s && from.n)
                memcpy(s->p, from.p, from.n);
        return s;
}

void sec_free(struct sec **sp)
{
        struct sec *s = *sp;

        if (!s)
                return;
        *sp = NULL;
        sec_wipe(s->p, s->cap);
        if (s->map) {
                (void)munmap(s->map, s->map_n);
        } else if (s->generation == generation) {
                struct cell *cell = (struct cell *)(void *)s->p;

                pthread_mutex_lock(&lock);
                cell->next = free_cells[s->size_class];
                free_cells[s->size_class] = cell;
                pthread_mutex_unlock(&lock);
        }
        free(s);
}

uint8_t *sec_bytes(struct sec *s)
{
        return s->p;
}

size_t sec_size(const struct sec *s)
{
        return s->n;
}

struct slice sec_slice(const struct sec *s)
{
        return s ? slice_of(s->p, s->n) : SLICE_EMPTY;
}

void sec_shrink(struct sec *s, size_t n)
{
        if (n < s->n) {
                sec_wipe(s->p + n, s->n - n);
                s->n = n;
        }
}

bool sec_process_harden(void)
{
        const struct rlimit none = { 0, 0 };
        bool ok = setrlimit(RLIMIT_CORE, &none) == 0;

#ifndef CHSM_SANITIZED /* the leak check needs ptrace */
        ok = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && ok;
#endif
        return ok;
}
