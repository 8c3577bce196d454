#include "tools/util_bulk.h"
#include "tools/util_move.h"
#include "base/file.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 100000 /* keys of one command */

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t asked_to_stop;

static void stop(int signal_number)
{
        (void)signal_number;
        asked_to_stop = 1;
}

/* ---- the list ---- */

struct work {
        char **paths;
        size_t n, done, skipped;
};

static void work_clear(struct work *w)
{
        for (size_t i = 0; i < w->n; i++)
                free(w->paths[i]);
        free(w->paths);
}

static bool work_add(struct work *w, char *path)
{
        char **more = path && w->n < MOST ? realloc(w->paths, (w->n + 1) * sizeof(*more)) : NULL;

        if (!more) {
                free(path);
                return false;
        }
        w->paths = more;
        w->paths[w->n++] = path;
        return true;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_so(const char *name, const char *suffix)
{
        size_t n = strlen(name), k = strlen(suffix);

        return n > k && strcmp(name + n - k, suffix) == 0;
}

/* ---- doing it ---- */

/* The file's name without folder and suffix. */
static void name_of(const char *path, const char *suffix, char *out, size_t size)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        size_t n = strlen(name) - (suffix ? strlen(suffix) : 0);

        (void)snprintf(out, size, "%.*s", (int)n, name);
}

/* Words and fields of single keys would drown the sums. */
static uint32_t one_quietly(struct shell *sh, const struct work *w, size_t i, const char *suffix,
                            util_bulk_one one, bool *skipped, void *arg)
{
        struct shell quiet = *sh;
        char name[256];
        uint32_t rv;

        quiet.json = true; /* says nothing */
        quiet.answer = NULL;
        name_of(w->paths[i], suffix, name, sizeof(name));
        rv = one(&quiet, w->paths[i], name, skipped, arg);
        sh->err = quiet.err;
        return rv;
}

static uint32_t work_run(struct shell *sh, struct work *w, const char *suffix, util_bulk_one one, void *arg)
{
        struct sigaction act = { .sa_handler = stop }, before;
        uint32_t rv = 0;

        asked_to_stop = 0;
        (void)sigaction(SIGINT, &act, &before);
        for (size_t i = 0; rv == 0 && i < w->n && !asked_to_stop; i++) {
                bool skipped = false;

                shell_progress(sh, "done", w->done + w->skipped, w->n);
                rv = one_quietly(sh, w, i, suffix, one, &skipped, arg);
                w->done += rv == 0 && !skipped;
                w->skipped += rv == 0 && skipped;
                if (rv)
                        err_prefix(&sh->err, "'%s' (%zu of %zu)", w->paths[i], i + 1, w->n);
        }
        (void)sigaction(SIGINT, &before, NULL);
        shell_progress_clear(sh);
        shell_say(sh, "\n\t%zu done, %zu skipped as done before, of %zu\n", w->done, w->skipped, w->n);
        shell_set(sh, "done", json_integer((json_int_t)w->done));
        shell_set(sh, "skipped", json_integer((json_int_t)w->skipped));
        shell_set(sh, "total", json_integer((json_int_t)w->n));
        if (rv == 0 && asked_to_stop)
                rv = shell_fail(sh, ERR_RETRY, "stopped; the same command goes on from here");
        return rv;
}

uint32_t util_bulk_folder(struct shell *sh, const char *folder, const char *suffix, util_bulk_one one,
                          void *arg)
{
        DIR *dir = opendir(folder);
        struct work w = { NULL, 0, 0, 0 };
        struct dirent *entry;
        bool ok = true;
        uint32_t rv;

        if (!dir)
                return shell_fail(sh, ERR_FILE, "folder '%s' cannot be read", folder);
        while (ok && (entry = readdir(dir))) {
                if (ends_so(entry->d_name, suffix))
                        ok = work_add(&w, file_join(folder, entry->d_name));
        }
        (void)closedir(dir);
        if (!ok)
                rv = shell_fail(sh, ERR_LIMIT, "folder '%s' has more than %d files, or there is no memory",
                                folder, MOST);
        else if (w.n == 0)
                rv = shell_fail(sh, ERR_FILE, "folder '%s' has no file that ends with %s", folder, suffix);
        else
                rv = 0;
        if (rv == 0) {
                qsort(w.paths, w.n, sizeof(*w.paths), by_name);
                rv = work_run(sh, &w, suffix, one, arg);
        }
        work_clear(&w);
        return rv;
}

uint32_t util_bulk_list(struct shell *sh, const char *file, util_bulk_one one, void *arg)
{
        struct buf text = BUF_INIT;
        struct work w = { NULL, 0, 0, 0 };
        char *rest, *line;
        bool ok = true;
        uint32_t rv = 0;

        if (!util_read(sh, file, 8u << 20, &text) || !buf_text(&text))
                rv = err_ckr(&sh->err);
        rest = (char *)text.p;
        while (rv == 0 && ok && (line = strsep(&rest, "\r\n"))) {
                if (line[0] && line[0] != '#')
                        ok = work_add(&w, strdup(line));
        }
        if (rv == 0 && (!ok || w.n == 0))
                rv = shell_fail(sh, ERR_FILE, "'%s' names no keys, or more than %d", file, MOST);
        if (rv == 0)
                rv = work_run(sh, &w, NULL, one, arg);
        work_clear(&w);
        buf_clear(&text);
        return rv;
}

uint32_t util_id_taken(struct shell *sh, const char *id, bool *taken)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        ask_bytes(&a, CKA_ID, slice_str(id));
        body.template_ = a.list;
        body.n_template_ = a.n;
        body.limit = 1;
        request.find_objects = &body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        *taken = rv == 0 && answer.response->find_objects->n_handles > 0;
        chsm_answer_clear(&answer);
        return rv;
}
