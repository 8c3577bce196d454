/* The node's key-use log: callers queue formatted-to-be records, one thread chains and writes them in
 * batches. */
#include "audit/writer_internal.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Records in each of the two queues: some 18 MB, touched only when they fill up. */
#define QUEUE_PRESET 32768
#define BATCH_MOST   4096 /* records made and written at once */
#define FILE_PRESET  ((size_t)64 * 1024 * 1024)
#define STEP_MS      1000 /* a clock that goes back by less was corrected, not set */
#define PACE_MS      10   /* how long records gather before they are written together */

static const char *copy_text(char *into, size_t cap, const char *from)
{
        size_t n = from ? strnlen(from, cap - 1) : 0;

        if (!from)
                return NULL;
        memcpy(into, from, n);
        into[n] = '\0';
        return into;
}

void audit_writer_append(struct audit_writer *w, const struct audit_record *record)
{
        struct audit_waiting *slot;

        pthread_mutex_lock(&w->lock);
        while (w->count == w->capacity)
                pthread_cond_wait(&w->drained, &w->lock);
        slot = &w->queue[w->count];
        slot->record = *record;
        slot->record.user = copy_text(slot->user, sizeof(slot->user), record->user);
        slot->record.role = copy_text(slot->role, sizeof(slot->role), record->role);
        slot->record.context = copy_text(slot->context, sizeof(slot->context), record->context);
        slot->record.peer = copy_text(slot->peer, sizeof(slot->peer), record->peer);
        slot->record.subject = copy_text(slot->subject, sizeof(slot->subject), record->subject);
        slot->record.detail = copy_text(slot->detail, sizeof(slot->detail), record->detail);
        slot->record.udd = copy_text(slot->udd, sizeof(slot->udd), record->udd);
        slot->record.time_ms = clock_wall_ms(&w->config.clock);
        w->appended++;
        /* A signal a record would cost more than a P-256 signature does; the writer looks by itself soon. */
        w->count++;
        if (w->count > w->capacity - w->capacity / 8)
                atomic_store_explicit(&w->crowded, true, memory_order_relaxed);
        if (w->idle || w->count == w->capacity / 2)
                pthread_cond_signal(&w->filled);
        pthread_mutex_unlock(&w->lock);
}

bool audit_writer_crowded(struct audit_writer *w)
{
        return atomic_load_explicit(&w->crowded, memory_order_relaxed);
}

/* Chains one record onto the batch. */
static bool record_chain(struct audit_writer *w, struct audit_record *record, struct buf *batch)
{
        size_t before = batch->n;

        record->node = w->node;
        record->chain = "use";
        record->sequence = w->sequence;
        if (record->time_ms < w->last_ms)
                record->time_ms = w->last_ms; /* a clock set back does not break the order of records */
        w->last_ms = record->time_ms;
        if (!audit_record_format(record, w->hash, batch) ||
            !crypto_hasher_sha256(w->hasher, slice_of(batch->p + before, batch->n - before), w->hash))
                return false;
        w->sequence++;
        return true;
}

static bool bytes_write(struct audit_writer *w, struct slice bytes, struct err *err)
{
        while (bytes.n) {
                ssize_t n = write(w->fd, bytes.p, bytes.n);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_set_errno(err, ERR_AUDIT, errno,
                                             "audit log '%s' cannot be written: free space on its disk",
                                             w->path);
                bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
        }
        return true;
}

/* Opens the file whose first record has that sequence, or makes it. */
static bool file_open(struct audit_writer *w, uint64_t first, struct err *err)
{
        char name[40];
        struct stat facts;
        char *path;
        int fd;

        snprintf(name, sizeof(name), "use-%" PRIu64 ".jsonl", first);
        path = file_join(w->folder, name);
        if (!path)
                return err_set(err, ERR_MEMORY, "no memory for the audit log");
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 || fstat(fd, &facts) != 0) {
                err_set_errno(err, ERR_AUDIT, errno, "audit log '%s' cannot be opened", path);
                if (fd >= 0)
                        (void)close(fd);
                free(path);
                return false;
        }
        pthread_mutex_lock(&w->lock);
        if (w->fd >= 0)
                (void)close(w->fd);
        w->fd = fd;
        pthread_mutex_unlock(&w->lock);
        free(w->path);
        w->path = path;
        w->size = (size_t)facts.st_size;
        return true;
}

/* Goes on in a new file when this one is full. Whoever reads the folder may move full files away. */
static bool turn_over(struct audit_writer *w, struct err *err)
{
        if (w->size < (w->config.file_max ? w->config.file_max : FILE_PRESET))
                return true;
        return (fdatasync(w->fd) == 0 ||
                err_set_errno(err, ERR_AUDIT, errno, "audit log '%s' cannot be synced", w->path)) &&
               file_open(w, w->sequence, err);
}

/* What a full disk swallowed is told by the first record after it. */
static bool lost_chain(struct audit_writer *w, struct buf *batch)
{
        char text[80];
        struct audit_record note = { .operation = "CHSM_LOG_LOST", .detail = text };

        if (w->lost == 0)
                return true;
        (void)snprintf(text, sizeof(text), "%" PRIu64 " records could not be written", w->lost);
        note.time_ms = clock_wall_ms(&w->config.clock);
        return record_chain(w, &note, batch);
}

/* Times in the log never go back; that the clock did is told once, by a record of its own. */
static bool step_chain(struct audit_writer *w, int64_t time_ms, struct buf *batch)
{
        char text[80];
        struct audit_record note = { .operation = "CHSM_CLOCK_STEP", .detail = text };

        if (time_ms >= w->last_ms)
                w->stepped = false;
        if (time_ms + STEP_MS > w->last_ms || w->stepped)
                return true;
        w->stepped = true;
        (void)snprintf(text, sizeof(text), "the clock was set back by %" PRId64 " ms", w->last_ms - time_ms);
        note.time_ms = w->last_ms;
        return record_chain(w, &note, batch);
}

static void trouble_set(struct audit_writer *w, const struct err *trouble)
{
        pthread_mutex_lock(&w->lock);
        w->trouble = *trouble;
        pthread_mutex_unlock(&w->lock);
}

/* Writes what waits. On failure the file is cut back to whole records and the chain stays where it was. */
static void batch_write(struct audit_writer *w, struct audit_waiting *taken, size_t n, struct buf *batch)
{
        uint64_t sequence = w->sequence;
        uint8_t hash[AUDIT_HASH_SIZE];
        struct err trouble = ERR_INIT;
        bool ok = turn_over(w, &trouble);

        memcpy(hash, w->hash, sizeof(hash));
        buf_reset(batch);
        ok = ok && lost_chain(w, batch);
        for (size_t i = 0; ok && i < n; i++)
                ok =
                    step_chain(w, taken[i].record.time_ms, batch) && record_chain(w, &taken[i].record, batch);
        if (ok && bytes_write(w, buf_slice(batch), &trouble)) {
                atomic_store_explicit(&w->failing, false, memory_order_relaxed);
                w->size += batch->n;
                w->lost = 0;
                trouble_set(w, &trouble);
                return;
        }
        if (trouble.id == ERR_NONE)
                err_set(&trouble, ERR_AUDIT, "audit records cannot be made");
        log_error("%s", trouble.detail);
        if (ftruncate(w->fd, (off_t)w->size) != 0)
                log_error("audit log '%s' may end with a torn record", w->path);
        trouble_set(w, &trouble);
        w->lost += n;
        atomic_fetch_add(&w->dropped, n);
        atomic_store_explicit(&w->failing, true, memory_order_relaxed);
        w->sequence = sequence;
        memcpy(w->hash, hash, sizeof(hash));
}

/* With the lock held: lets records gather, unless somebody waits or the queue fills up. While some come, the
 * writer looks by itself, so that none costs its caller a system call. */
static void gather(struct audit_writer *w)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += PACE_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
                until.tv_nsec -= 1000000000L;
                until.tv_sec++;
        }
        while (!w->closing && w->waiters == 0 && w->count < w->capacity / 2) {
                if (pthread_cond_timedwait(&w->filled, &w->lock, &until) == ETIMEDOUT)
                        break;
        }
}

/* With the lock held: waits until everything up to the record `until` is in the file. */
static void await_written(struct audit_writer *w, uint64_t until)
{
        w->waiters++;
        pthread_cond_signal(&w->filled);
        while (w->written < until)
                pthread_cond_wait(&w->drained, &w->lock);
        w->waiters--;
}

/* With the lock held, or before there are threads: where the chain has come to, for whoever signs it. While a
 * batch is written its own numbers run ahead of that. */
static void tell_head(struct audit_writer *w)
{
        w->head = w->sequence;
        memcpy(w->head_hash, w->hash, AUDIT_HASH_SIZE);
}

/* With the lock held: waits until there are records to write. False: there are none, and the writer closes.
 */
static bool await_records(struct audit_writer *w)
{
        gather(w);
        while (w->count == 0 && !w->closing) {
                w->idle = true;
                while (w->count == 0 && !w->closing)
                        pthread_cond_wait(&w->filled, &w->lock);
                w->idle = false;
                gather(w);
        }
        return w->count != 0;
}

static void *writer_main(void *arg)
{
        struct audit_writer *w = arg;
        struct buf batch = BUF_INIT;

        pthread_mutex_lock(&w->lock);
        while (await_records(w)) {
                struct audit_waiting *taken;
                size_t n;

                /* The next records go into the other queue, from its start on: in memory that is warm. */
                taken = w->queue;
                n = w->count;
                w->queue = w->spare;
                w->spare = taken;
                w->count = 0;
                atomic_store_explicit(&w->crowded, false, memory_order_relaxed);
                pthread_cond_broadcast(&w->drained);
                pthread_mutex_unlock(&w->lock);
                for (size_t i = 0; i < n; i += BATCH_MOST)
                        batch_write(w, taken + i, n - i < BATCH_MOST ? n - i : BATCH_MOST, &batch);
                pthread_mutex_lock(&w->lock);
                tell_head(w);
                w->written += n;
                pthread_cond_broadcast(&w->drained);
        }
        pthread_mutex_unlock(&w->lock);
        buf_clear(&batch);
        return NULL;
}

bool audit_writer_flush(struct audit_writer *w, struct err *err)
{
        int fd;
        bool ok;

        pthread_mutex_lock(&w->lock);
        await_written(w, w->appended);
        ok = w->trouble.id == ERR_NONE;
        if (!ok && err)
                *err = w->trouble;
        fd = dup(w->fd); /* the writer may turn to a new file meanwhile; it syncs the old one first */
        pthread_mutex_unlock(&w->lock);
        if (ok && (fd < 0 || fdatasync(fd) != 0))
                ok =
                    err_set_errno(err, ERR_AUDIT, errno, "the audit log in '%s' cannot be synced", w->folder);
        if (fd >= 0)
                (void)close(fd);
        return ok;
}

void audit_writer_head(struct audit_writer *w, uint64_t *sequence, uint8_t hash[AUDIT_HASH_SIZE])
{
        pthread_mutex_lock(&w->lock);
        await_written(w, w->appended);
        *sequence = w->head;
        memcpy(hash, w->head_hash, AUDIT_HASH_SIZE);
        pthread_mutex_unlock(&w->lock);
}

/* Walks the newest files to the last whole record; *torn tells of bytes after it. */
static bool resume(struct audit_writer *w, bool *torn, struct err *err)
{
        struct audit_verify v = { .crypto = w->config.crypto, .checkpoint = w->config.checkpoint };
        struct audit_files files;
        size_t rest = 0, from;
        bool ok;

        if (!audit_files_list(w->folder, &files, err))
                return false;
        memcpy(v.checkpoint_hash, w->config.checkpoint_hash, AUDIT_HASH_SIZE);
        from = files.n > 1 ? files.n - 2 : 0;
        ok = audit_verify_files(&v, &files, from, w->config.partition_id, w->node, &rest, err) &&
             (files.n ||
              audit_genesis(w->config.crypto, w->config.partition_id, w->node, "use", v.expected)) &&
             file_open(w, files.n ? files.rows[files.n - 1].first : 0, err);
        *torn = rest != 0;
        if (ok && v.next_sequence < v.checkpoint)
                ok = err_set(err, ERR_AUDIT,
                             "the key-use log in '%s' ends after %" PRIu64
                             " records, the partition signed %" PRIu64
                             ": put its files back, or say accept_cut_log = yes",
                             w->folder, v.next_sequence, v.checkpoint);
        if (ok && rest && ftruncate(w->fd, (off_t)(w->size -= rest)) != 0)
                ok = err_set_errno(err, ERR_AUDIT, errno, "audit log '%s' cannot be cut", w->path);
        w->sequence = v.next_sequence;
        w->last_ms = v.last_time_ms;
        memcpy(w->hash, v.expected, AUDIT_HASH_SIZE);
        tell_head(w);
        audit_files_free(&files);
        return ok;
}

static void writer_free(struct audit_writer *w)
{
        if (w->fd >= 0)
                (void)close(w->fd);
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->filled);
        pthread_cond_destroy(&w->drained);
        crypto_hasher_free(&w->hasher);
        free(w->queue);
        free(w->spare);
        free(w->node);
        free(w->folder);
        free(w->path);
        free(w);
}

struct audit_writer *audit_writer_open(const struct audit_writer_config *config, struct err *err)
{
        struct audit_writer *w = calloc(1, sizeof(*w));
        pthread_condattr_t monotonic;
        bool torn = false;

        if (!w) {
                err_set(err, ERR_MEMORY, "no memory for the audit log");
                return NULL;
        }
        w->config = *config;
        w->capacity = config->queue ? config->queue : QUEUE_PRESET;
        w->queue = calloc(w->capacity, sizeof(*w->queue));
        w->spare = calloc(w->capacity, sizeof(*w->spare));
        w->node = strdup(config->node);
        w->folder = strdup(config->folder);
        w->fd = -1;
        pthread_mutex_init(&w->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&w->filled, &monotonic);
        pthread_condattr_destroy(&monotonic);
        pthread_cond_init(&w->drained, NULL);
        w->hasher = crypto_hasher_new(config->crypto);
        if (!w->queue || !w->spare || !w->node || !w->folder || !w->hasher) {
                err_set(err, ERR_MEMORY, "no memory for the audit log");
                goto fail;
        }
        if (!file_make_dir(config->folder, 0700, err))
                goto fail;
        if (!resume(w, &torn, err))
                goto fail;
        if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
                err_set(err, ERR_MEMORY, "the audit log's thread cannot be started");
                goto fail;
        }
        if (torn) {
                struct audit_record note = { .operation = "CHSM_LOG_RESUMED",
                                             .detail = "a torn record was cut off after a crash" };
                audit_writer_append(w, &note);
        }
        return w;
fail:
        writer_free(w);
        return NULL;
}

void audit_writer_close(struct audit_writer **wp)
{
        struct audit_writer *w = *wp;

        if (!w)
                return;
        *wp = NULL;
        pthread_mutex_lock(&w->lock);
        w->closing = true;
        pthread_cond_signal(&w->filled);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
        (void)fdatasync(w->fd);
        writer_free(w);
}
