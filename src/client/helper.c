#include "client/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_S    300
#define LOOK_MS   100 /* how often it is asked whether to stop */
#define WORDS_MAX 32
#define SAYS_MAX  (16 * 1024)
#define INPUT_MAX 4096 /* a pipe takes that without a reader */

extern char **environ;

bool helper_check(const char *command)
{
        return command[0] == '/';
}

struct program {
        char *text; /* of the words */
        char *words[WORDS_MAX + 1];
        char user[80], key[48];
        char **environment;
};

static void program_clear(struct program *p)
{
        free(p->text);
        free(p->environment);
}

static bool is_ours(const char *variable)
{
        return strncmp(variable, "CHSM_HELPER_", strlen("CHSM_HELPER_")) == 0;
}

static bool environment_make(struct program *p)
{
        size_t n = 0, k = 0;

        while (environ && environ[n])
                n++;
        p->environment = calloc(n + 3, sizeof(char *));
        if (!p->environment)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (!is_ours(environ[i]))
                        p->environment[k++] = environ[i];
        }
        p->environment[k++] = p->user;
        p->environment[k] = p->key;
        return true;
}

static bool program_make(struct program *p, const char *command, const char *user, uint64_t key)
{
        char *rest;
        size_t n = 0;

        *p = (struct program){ .text = strdup(command) };
        if (!p->text || !environment_make(p))
                return false;
        for (char *w = strtok_r(p->text, " ", &rest); w && n < WORDS_MAX; w = strtok_r(NULL, " ", &rest))
                p->words[n++] = w;
        (void)snprintf(p->user, sizeof(p->user), "CHSM_HELPER_USER=%s", user);
        (void)snprintf(p->key, sizeof(p->key), "CHSM_HELPER_KEY=%llu", (unsigned long long)key);
        return n > 0;
}

/* Its standard error is the application's. Nothing else that the application has open goes with it. */
static bool program_start(const struct program *p, int in, int out, pid_t *pid)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, usual;
        bool ok;

        (void)sigemptyset(&none);
        (void)sigfillset(&usual);
        if (posix_spawn_file_actions_init(&actions))
                return false;
        if (posix_spawnattr_init(&attributes)) {
                (void)posix_spawn_file_actions_destroy(&actions);
                return false;
        }
        ok = !posix_spawn_file_actions_adddup2(&actions, in, 0) &&
             !posix_spawn_file_actions_adddup2(&actions, out, 1) &&
             !posix_spawn_file_actions_addclosefrom_np(&actions, 3) &&
             !posix_spawnattr_setsigmask(&attributes, &none) &&
             !posix_spawnattr_setsigdefault(&attributes, &usual) &&
             !posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) &&
             !posix_spawn(pid, p->words[0], &actions, &attributes, p->words, p->environment);
        (void)posix_spawnattr_destroy(&attributes);
        (void)posix_spawn_file_actions_destroy(&actions);
        return ok;
}

/* Until it closes its output; false when it takes too long or nobody waits any more. */
static bool listen_to(int fd, const struct helper *h, struct buf *out)
{
        struct clock clock = clock_system();
        int64_t until = clock_mono_ms(&clock) + (int64_t)(h->wait_s ? h->wait_s : WAIT_S) * 1000;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint8_t some[1024];
        ssize_t n;

        while (out->n <= SAYS_MAX) {
                if (clock_mono_ms(&clock) >= until || (h->stopped && h->stopped()))
                        return false;
                if (poll(&p, 1, LOOK_MS) <= 0)
                        continue;
                n = read(fd, some, sizeof(some));
                if (n == 0)
                        return buf_ok(out);
                if (n < 0 && errno != EINTR)
                        return false;
                buf_put(out, some, n < 0 ? 0 : (size_t)n);
        }
        return false;
}

/* An application that waits for all its children may have taken this one: then nothing is known of it. */
static bool ended_well(pid_t pid, bool kill_it)
{
        int status = 0;
        pid_t got;

        if (kill_it && waitpid(pid, &status, WNOHANG) == 0)
                (void)kill(pid, SIGKILL);
        do {
                got = waitpid(pid, &status, 0);
        } while (got < 0 && errno == EINTR);
        return got < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool run(const struct helper *h, const struct program *p, struct slice input, struct buf *out)
{
        int in[2] = { -1, -1 }, said[2] = { -1, -1 };
        pid_t pid = -1;
        bool ok = input.n <= INPUT_MAX && !pipe2(in, O_CLOEXEC) && !pipe2(said, O_CLOEXEC) &&
                  write(in[1], input.p, input.n) == (ssize_t)input.n &&
                  program_start(p, in[0], said[1], &pid);

        for (int i = 0; i < 2; i++) {
                if (in[i] >= 0)
                        (void)close(in[i]);
        }
        if (said[1] >= 0)
                (void)close(said[1]);
        if (ok) {
                ok = listen_to(said[0], h, out);
                ok = ended_well(pid, !ok) && ok;
        }
        if (said[0] >= 0)
                (void)close(said[0]);
        return ok;
}

bool helper_run(const struct helper *h, const char *user, uint64_t key, struct slice input, enum err_id id,
                struct buf *out, struct err *err)
{
        struct program p;
        bool ok;

        if (getauxval(AT_SECURE))
                return err_set(err, id,
                               "a program that runs with more rights than who started it starts no "
                               "other: '%s'",
                               h->command);
        ok = program_make(&p, h->command, user, key) && run(h, &p, input, out) && out->n;
        program_clear(&p);
        return ok || err_set(err, id, "'%s' failed, took too long or said nothing", h->command);
}
