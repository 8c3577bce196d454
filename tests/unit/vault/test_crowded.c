/* A node whose log of key use is not written any more, because its disk hangs: it says so and answers on. The
 * disk is a pipe that nobody reads. */
#include "calls.h"

#include "audit/audit.h"
#include "base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct drain {
        int fd; /* does not block; open for writing as well, so that it never ends */
        _Atomic bool over;
};

static void *drain(void *arg)
{
        struct drain *d = arg;
        char bytes[4096];

        while (!atomic_load(&d->over)) {
                struct pollfd one = { .fd = d->fd, .events = POLLIN };

                if (poll(&one, 1, 20) > 0)
                        (void)!read(d->fd, bytes, sizeof(bytes));
        }
        return NULL;
}

static uint32_t say_hello(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__HelloRequest hello = CHSM__HELLO_REQUEST__INIT;
        Chsm__Version version = CHSM__VERSION__INIT;

        hello.version = &version;
        r.hello = &hello;
        r.body_case = CHSM__REQUEST__BODY_HELLO;
        return ask(c, &r)->status;
}

static uint32_t find(struct caller *c)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest in = CHSM__FIND_OBJECTS_REQUEST__INIT;

        r.find_objects = &in;
        r.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        return ask(c, &r)->reason;
}

/* A writer whose next file is a pipe; its path into path. */
static struct audit_writer *writer_before_a_pipe(struct hsm *h, const char *folder, char path[256])
{
        static const uint8_t id[16] = { 1 };
        struct audit_writer_config config = { .folder = folder,
                                              .node = "hsm1",
                                              .partition_id = slice_of(id, sizeof(id)),
                                              .crypto = h->crypto,
                                              .clock = clock_system(),
                                              .queue = 64,
                                              .file_max = 1 };
        struct audit_record first = { .operation = "CN_FIRST" };
        struct audit_writer *w = audit_writer_open(&config, &h->err);
        uint8_t hash[AUDIT_HASH_SIZE];
        uint64_t next;

        assert_non_null(w);
        audit_writer_append(w, &first);
        audit_writer_head(w, &next, hash);
        (void)snprintf(path, 256, "%s/use-%llu.jsonl", folder, (unsigned long long)next);
        assert_int_equal(mkfifo(path, 0600), 0);
        return w;
}

/* Fills the pipe up, so that the next who writes waits. */
static int stop_up(const char *path)
{
        static const char bytes[4096];
        int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

        assert_true(fd >= 0);
        while (write(fd, bytes, sizeof(bytes)) > 0 || write(fd, bytes, 1) > 0)
                ;
        return fd;
}

static void a_hanging_log_refuses_and_does_not_block(void **state)
{
        struct hsm *h = hsm_ready();
        struct caller cu = caller_cu(h, "cu1");
        char *folder = scratch_make(), path[256];
        struct audit_writer *w = writer_before_a_pipe(h, folder, path);
        uint32_t reason = 0;
        pthread_t reader;
        struct drain d = { .fd = stop_up(path) };

        (void)state;
        vault_set_audit(h->vault, w);
        (void)alarm(60); /* a call that waits is a failure */
        for (int i = 0; i < 20000 && !reason; i++)
                reason = find(&cu);
        assert_int_equal(reason, ERR_RETRY);
        for (int i = 0; i < 200; i++) /* none of these refusals takes room either */
                assert_int_equal(find(&cu), ERR_RETRY);
        assert_int_equal(say_hello(&cu), 0);
        assert_int_equal(pthread_create(&reader, NULL, drain, &d), 0);
        while (find(&cu))
                (void)sched_yield();
        (void)alarm(0);
        vault_set_audit(h->vault, NULL);
        audit_writer_close(&w);
        atomic_store(&d.over, true);
        pthread_join(reader, NULL);
        (void)close(d.fd);
        scratch_remove(folder);
        hsm_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(a_hanging_log_refuses_and_does_not_block) };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
