/* Writes to etcd from many threads until its standard input ends, while somebody else breaks things; then
 * compares what was acknowledged with what is there, and what a follower saw with both.
 *
 * Usage: etcd_workload FOLDER THREADS. Prints "begun", then a line of counts. Exit 0: every acknowledged
 * change is there once at its revision, nothing refused is there, and the follower has seen all of it in
 * order. */
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 1000000

enum fate { UNTRIED, ACKNOWLEDGED, REFUSED, UNKNOWN };

struct row {
        _Atomic uint8_t fate;
        store_rev rev;   /* as acknowledged */
        store_rev seen;  /* by the follower */
        store_rev there; /* by the load at the end */
        bool seen_twice;
};

static struct row *rows;
static _Atomic unsigned next;
static _Atomic bool over;
static _Atomic int64_t last_ms, longest_ms;
static _Atomic store_rev followed;
static _Atomic bool disorder, reset;
static _Atomic unsigned conflicts, failures;
static char failure[512];
static struct store *store;

static int64_t now_ms(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

static bool number_of(struct slice key, unsigned *number)
{
        char text[16] = "";

        if (key.n < 3 || key.n - 2 >= sizeof(text) || memcmp(key.p, "w/", 2) != 0)
                return false;
        memcpy(text, key.p + 2, key.n - 2);
        *number = (unsigned)strtoul(text, NULL, 10);
        return *number < KEYS_MAX;
}

static void gap_note(void)
{
        int64_t now = now_ms(), gap = now - atomic_exchange(&last_ms, now),
                longest = atomic_load(&longest_ms);

        while (gap > longest && !atomic_compare_exchange_weak(&longest_ms, &longest, gap))
                ;
}

static void *writer_main(void *arg)
{
        struct err err = ERR_INIT;

        (void)arg;
        while (!atomic_load(&over)) {
                unsigned number = atomic_fetch_add(&next, 1);
                char key[16], value[64] = "a value of about the size that small records have, or so";
                struct store_guard guard = { STORE_ABSENT, SLICE_EMPTY, 0 };
                struct store_op op = { STORE_PUT, SLICE_EMPTY, slice_of(value, sizeof(value)) };
                struct store_result result;

                if (number >= KEYS_MAX)
                        return NULL;
                snprintf(key, sizeof(key), "w/%u", number);
                guard.key = op.key = slice_str(key);
                switch (store_txn(store, &guard, 1, &op, 1, 5000, &result, &err)) {
                case STORE_OK:
                        rows[number].rev = result.rev;
                        atomic_store(&rows[number].fate, ACKNOWLEDGED);
                        gap_note();
                        break;
                case STORE_UNAVAIL:
                        atomic_store(&rows[number].fate, REFUSED);
                        break;
                case STORE_UNKNOWN:
                        atomic_store(&rows[number].fate, UNKNOWN);
                        break;
                case STORE_CONFLICT: /* never: each key is tried once */
                        atomic_fetch_add(&conflicts, 1);
                        break;
                default:
                        if (atomic_fetch_add(&failures, 1) == 0)
                                snprintf(failure, sizeof(failure), "%s", err.detail);
                }
        }
        return NULL;
}

static void follow_events(void *arg, store_rev rev, const struct store_event *events, size_t n)
{
        (void)arg;
        if (rev <= atomic_load(&followed))
                atomic_store(&disorder, true);
        atomic_store(&followed, rev);
        for (size_t i = 0; i < n; i++) {
                unsigned number;

                if (number_of(events[i].key, &number)) {
                        rows[number].seen_twice = rows[number].seen != 0;
                        rows[number].seen = rev;
                }
        }
}

static void follow_reset(void *arg)
{
        (void)arg;
        atomic_store(&reset, true);
}

static bool there_visit(void *arg, const struct store_event *e)
{
        unsigned number;

        (void)arg;
        if (number_of(e->key, &number))
                rows[number].there = e->rev;
        return true;
}

static bool judge(void)
{
        unsigned counts[4] = { 0 }, missing = 0, wrong = 0, unfollowed = 0;

        for (unsigned i = 0; i < KEYS_MAX && i < atomic_load(&next); i++) {
                const struct row *r = &rows[i];

                counts[r->fate]++;
                missing += r->fate == ACKNOWLEDGED && r->there != r->rev;
                wrong += r->fate == REFUSED && r->there != 0;
                unfollowed += r->seen != r->there || r->seen_twice;
        }
        printf("acknowledged %u, refused %u, unknown %u, missing %u, refused but there %u, not followed %u, "
               "conflicts %u, failures %u, longest gap %lld ms%s%s\n",
               counts[ACKNOWLEDGED], counts[REFUSED], counts[UNKNOWN], missing, wrong, unfollowed,
               atomic_load(&conflicts), atomic_load(&failures), (long long)atomic_load(&longest_ms),
               disorder ? ", out of order" : "", reset ? ", history lost" : "");
        if (atomic_load(&failures))
                printf("first failure: %s\n", failure);
        return counts[ACKNOWLEDGED] && !missing && !wrong && !unfollowed && !atomic_load(&conflicts) &&
               !atomic_load(&failures) && !disorder && !reset;
}

static struct store *open_folder(const char *folder, struct err *err)
{
        char members[1024] = "", ca[300], certificate[300], key[300], prefix[64];
        int fd;

        snprintf(ca, sizeof(ca), "%s/members", folder);
        fd = open(ca, O_RDONLY);
        if (fd < 0 || read(fd, members, sizeof(members) - 1) <= 0)
                return NULL;
        close(fd);
        snprintf(ca, sizeof(ca), "%s/ca.crt", folder);
        snprintf(certificate, sizeof(certificate), "%s/node1.crt", folder);
        snprintf(key, sizeof(key), "%s/node1.key", folder);
        snprintf(prefix, sizeof(prefix), "/chsm/workload-%ld/", (long)getpid());
        struct store_config config = { .engine = "etcd",
                                       .members = members,
                                       .ca = ca,
                                       .certificate = certificate,
                                       .key = key,
                                       .prefix = prefix,
                                       .node = 1 };
        return store_open(&config, err);
}

int main(int argc, char **argv)
{
        const struct store_follower follower = { follow_events, follow_reset, NULL, NULL };
        struct store_watch *watch = NULL;
        struct err err = ERR_INIT;
        pthread_t threads[64];
        unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
        store_rev at;
        char byte;
        bool good;

        if (n == 0 || n > 64) {
                fputs("usage: etcd_workload FOLDER THREADS\n", stderr);
                return 2;
        }
        rows = calloc(KEYS_MAX, sizeof(*rows));
        store = open_folder(argv[1], &err);
        if (!rows || !store || store_barrier(store, 5000, &at, &err) != STORE_OK ||
            store_follow(store, at, &follower, &watch, &err) != STORE_OK) {
                fprintf(stderr, "%s\n", err.detail);
                return 1;
        }
        atomic_store(&last_ms, now_ms());
        for (unsigned i = 0; i < n; i++)
                pthread_create(&threads[i], NULL, writer_main, NULL);
        puts("begun");
        fflush(stdout);
        while (read(0, &byte, 1) > 0)
                ;
        atomic_store(&over, true);
        for (unsigned i = 0; i < n; i++)
                pthread_join(threads[i], NULL);
        if (store_barrier(store, 20000, &at, &err) != STORE_OK ||
            store_load(store, SLICE_LIT("w/"), there_visit, NULL, &at, &err) != STORE_OK) {
                fprintf(stderr, "%s\n", err.detail);
                return 1;
        }
        good = judge();
        store_unfollow(&watch);
        store_close(&store);
        free(rows);
        return good ? 0 : 1;
}
