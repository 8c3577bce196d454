#include "server/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool {
        pthread_mutex_t lock;
        pthread_cond_t filled;
        struct job *first, **last;
        bool stopping;
        unsigned count;
        pthread_t threads[];
};

static void *work(void *arg)
{
        struct pool *p = arg;

        for (;;) {
                struct job *job;

                pthread_mutex_lock(&p->lock);
                while (!p->first && !p->stopping)
                        pthread_cond_wait(&p->filled, &p->lock);
                job = p->first;
                if (job) {
                        p->first = job->next;
                        if (!p->first)
                                p->last = &p->first;
                }
                pthread_mutex_unlock(&p->lock);
                if (!job)
                        return NULL;
                job->run(job);
        }
}

struct pool *pool_new(const char *name, unsigned threads, struct err *err)
{
        struct pool *p = calloc(1, sizeof(*p) + threads * sizeof(pthread_t));

        if (!p) {
                err_set(err, ERR_MEMORY, "no memory for %s threads", name);
                return NULL;
        }
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->filled, NULL);
        p->last = &p->first;
        while (p->count < threads && pthread_create(&p->threads[p->count], NULL, work, p) == 0)
                p->count++;
        if (p->count < threads) {
                err_set(err, ERR_MEMORY, "%u %s threads cannot be started", threads, name);
                pool_free(&p);
        }
        return p;
}

bool pool_submit(struct pool *p, struct job *job)
{
        bool takes;

        job->next = NULL;
        pthread_mutex_lock(&p->lock);
        takes = !p->stopping;
        if (takes) {
                *p->last = job;
                p->last = &job->next;
                pthread_cond_signal(&p->filled);
        }
        pthread_mutex_unlock(&p->lock);
        return takes;
}

void pool_stop(struct pool *p)
{
        if (!p)
                return;
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        pthread_cond_broadcast(&p->filled);
        pthread_mutex_unlock(&p->lock);
        while (p->count)
                pthread_join(p->threads[--p->count], NULL);
}

void pool_free(struct pool **pp)
{
        struct pool *p = *pp;

        *pp = NULL;
        if (!p)
                return;
        pool_stop(p);
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->filled);
        free(p);
}
