/* Measures one cell in a child process: threads wait at a barrier, work until told to stop, and leave a
 * histogram of latencies; the CPU of client, daemon and server is read around the interval. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct worker {
        const struct bench_target *target;
        const struct bench_way *way;
        enum bench_operation operation;
        unsigned number;
        pthread_barrier_t *start;
        atomic_bool *stop;
        uint64_t operations;
        uint32_t latencies[BENCH_BUCKETS];
        char failure[160];
};

/* 32 buckets to the octave: a bucket is 3 % wide. */
static unsigned bucket_of(uint64_t ns)
{
        unsigned high;

        if (ns < 32)
                return (unsigned)ns;
        high = 63U - (unsigned)__builtin_clzll(ns);
        return (high - 4) * 32 + (unsigned)(ns >> (high - 5) & 31);
}

static double bucket_value(unsigned bucket)
{
        unsigned high = bucket / 32 + 4;

        return bucket < 32 ? (double)bucket : (double)((uint64_t)(32 + bucket % 32) << (high - 5));
}

static uint64_t now_of(clockid_t clock)
{
        struct timespec t = { 0 };

        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* CPU time a process has used, all threads; 0 when there is none. */
static uint64_t cpu_of(pid_t pid)
{
        clockid_t clock;

        return pid != 0 && clock_getcpuclockid(pid, &clock) == 0 ? now_of(clock) : 0;
}

static void *work(void *argument)
{
        struct worker *w = argument;
        void *state = w->way->open(w->target, w->operation, w->number, w->failure, sizeof w->failure);
        unsigned long code = state != NULL ? w->way->run(state) : 1;
        bool ok = code == 0;
        uint64_t then;

        if (state != NULL && !ok)
                snprintf(w->failure, sizeof w->failure, "the operation answered 0x%lx", code);
        pthread_barrier_wait(w->start);
        then = now_of(CLOCK_MONOTONIC);
        while (ok && !atomic_load_explicit(w->stop, memory_order_relaxed)) {
                uint64_t now;

                code = w->way->run(state);
                if (code != 0) {
                        snprintf(w->failure, sizeof w->failure, "the operation answered 0x%lx under load",
                                 code);
                        break;
                }
                now = now_of(CLOCK_MONOTONIC);
                w->latencies[bucket_of(now - then)]++;
                w->operations++;
                then = now;
        }
        if (state != NULL)
                w->way->close(state);
        return NULL;
}

static double percentile(const uint64_t *buckets, uint64_t total, double share)
{
        uint64_t seen = 0;

        for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
                seen += buckets[i];
                if ((double)seen >= share * (double)total)
                        return bucket_value(i) / 1000.0;
        }
        return 0;
}

static void gather(struct bench_figures *figures, struct worker *workers, unsigned threads)
{
        static uint64_t buckets[BENCH_BUCKETS];

        for (unsigned i = 0; i < threads; i++) {
                figures->operations += workers[i].operations;
                for (unsigned b = 0; b < BENCH_BUCKETS; b++)
                        buckets[b] += workers[i].latencies[b];
                if (workers[i].failure[0] != '\0')
                        memcpy(figures->failure, workers[i].failure, sizeof figures->failure);
        }
        figures->p50 = percentile(buckets, figures->operations, 0.50);
        figures->p99 = percentile(buckets, figures->operations, 0.99);
}

/* Lets the workers run for so long and reads the clocks around it. */
static void interval(struct bench_figures *figures, const struct bench_target *target,
                     pthread_barrier_t *start, atomic_bool *stop, double seconds)
{
        struct timespec wait = { .tv_sec = (time_t)seconds,
                                 .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
        uint64_t client;
        uint64_t daemon;
        uint64_t server;
        uint64_t begin;

        pthread_barrier_wait(start);
        begin = now_of(CLOCK_MONOTONIC);
        client = now_of(CLOCK_PROCESS_CPUTIME_ID);
        daemon = cpu_of(target->daemon);
        server = cpu_of(target->server);
        nanosleep(&wait, NULL);
        atomic_store(stop, true);
        figures->seconds = (double)(now_of(CLOCK_MONOTONIC) - begin) / 1e9;
        figures->client_cpu = (double)(now_of(CLOCK_PROCESS_CPUTIME_ID) - client) / 1e9;
        figures->daemon_cpu = (double)(cpu_of(target->daemon) - daemon) / 1e9;
        figures->server_cpu = (double)(cpu_of(target->server) - server) / 1e9;
}

static void measure(struct bench_figures *figures, const struct bench_target *target,
                    enum bench_operation operation, unsigned threads, double seconds)
{
        struct worker *workers = calloc(threads, sizeof *workers);
        pthread_t ids[BENCH_MAX_THREADS];
        pthread_barrier_t start;
        atomic_bool stop = false;

        if (workers == NULL || pthread_barrier_init(&start, NULL, threads + 1) != 0)
                return;
        if (target->module != NULL && !bench_module_load(target, figures->failure, sizeof figures->failure))
                return;
        for (unsigned i = 0; i < threads; i++) {
                workers[i] = (struct worker){
                        .target = target, .operation = operation, .number = i, .start = &start, .stop = &stop
                };
                workers[i].way = target->module != NULL ? &bench_module : &bench_raw;
                if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0)
                        abort();
        }
        interval(figures, target, &start, &stop, seconds);
        for (unsigned i = 0; i < threads; i++)
                pthread_join(ids[i], NULL);
        gather(figures, workers, threads);
        free(workers);
}

struct bench_figures bench_cell(const struct bench_target *target, enum bench_operation operation,
                                unsigned threads, double seconds)
{
        struct bench_figures *shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        struct bench_figures figures = { .failure = "the measuring process died" };
        int status = 1;
        pid_t child;

        if (shared == MAP_FAILED)
                return figures;
        child = fork();
        if (child == 0) {
                measure(shared, target, operation, threads, seconds);
                _exit(0);
        }
        if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
                figures = *shared;
        munmap(shared, sizeof *shared);
        return figures;
}
