#include "server/migrate.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "server/restore.h"
#include "vault/members.h"
#include "vault/moved.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NOBODY                                                                                               \
        0 /* writes as this number: node numbers begin with 1, so no node is pushed aside by a look          \
           */

struct migrate {
        const char *from_path, *to_path, *cancel;
        struct server_conf from, to;
        struct crypto *crypto;
        struct server_sealer sealer;
        struct store *source, *stage;
        struct vault *vault; /* of the source */
        char from_place[192], to_place[192];
        const char *doing;
        uint64_t records; /* of the source */
        int64_t told_ms;
        bool marked; /* by this run */
};

static int64_t now_ms(void)
{
        struct clock clock = clock_system();

        return clock_mono_ms(&clock);
}

/* Each second. */
static void tell(void *arg, uint64_t records)
{
        struct migrate *m = arg;

        if (now_ms() - m->told_ms < 1000)
                return;
        m->told_ms = now_ms();
        if (m->records)
                fprintf(stderr, "chsm-server: %s %llu of %llu records\n", m->doing,
                        (unsigned long long)records, (unsigned long long)m->records);
        else
                fprintf(stderr, "chsm-server: %s record %llu\n", m->doing, (unsigned long long)records);
}

static const char *engine(const struct server_conf *c)
{
        return c->store ? "etcd" : "sqlite";
}

static void place_of(const struct server_conf *c, char *out, size_t size)
{
        if (c->store)
                (void)snprintf(out, size, "etcd, prefix %s", c->etcd_prefix);
        else
                (void)snprintf(out, size, "sqlite, %s/store", c->data_dir);
}

static bool same_node(const struct migrate *m, struct err *err)
{
        if (m->from.store == m->to.store)
                return err_set(err, ERR_CONFIG,
                               "both configurations have store = %s: a partition moves from sqlite to etcd "
                               "or back; to copy "
                               "one use backupPartition and restorePartition",
                               engine(&m->from));
        if (strcmp(m->from.data_dir, m->to.data_dir) != 0 ||
            strcmp(m->from.node_name, m->to.node_name) != 0 || m->from.node_number != m->to.node_number)
                return err_set(err, ERR_CONFIG,
                               "the node stays what it is, with its log and its key file: data_dir, "
                               "node_name and node_number "
                               "must be the same in both configurations");
        return true;
}

static bool conf_of(const char *path, struct server_conf *c, struct err *err)
{
        return conf_defaults(server_conf_rows, server_conf_rows_n, c, err) &&
               conf_read(server_conf_rows, server_conf_rows_n, c, path, err);
}

/* A store as it is, without being its node. NULL: err, or (sqlite) there is none: *absent. */
static struct store *look_into(const struct server_conf *c, bool *absent, struct err *err)
{
        char *path = file_join(c->data_dir, "store");
        struct store_config config = node_store_config(c, path);
        struct store *s = NULL;

        config.node = NOBODY;
        *absent = !c->store && path && !file_exists(path);
        if (!path)
                err_set(err, ERR_MEMORY, "no memory to open a store");
        else if (!*absent)
                s = store_open(&config, err);
        free(path);
        return s;
}

static bool find_any(void *arg, const struct store_event *e)
{
        (void)e;
        *(bool *)arg = true;
        return false;
}

/* The target holds nothing. */
static bool target_is_free(const struct migrate *m, struct err *err)
{
        char *path = file_join(m->to.data_dir, "restore"), *mark = path ? file_join(path, "complete") : NULL;
        bool absent = false, found = !m->to.store && mark && file_exists(mark), ok = true;
        struct store *s = found ? NULL : look_into(&m->to, &absent, err);
        store_rev at;

        if (s)
                ok = store_load(s, SLICE_EMPTY, find_any, &found, &at, err) == STORE_OK;
        else if (!absent && !found)
                ok = false;
        store_close(&s);
        free(path);
        free(mark);
        if (ok && found)
                ok = err_set(
                    err, ERR_LIFE_CYCLE,
                    m->to.store
                        ? "there is a partition already in %s: if it is this one, moved before, start the "
                          "node "
                          "with its new configuration; else choose another etcd_prefix, or remove what is "
                          "there"
                        : "there is a partition already in %s: if it is this one, moved before, start the "
                          "node "
                          "with its new configuration; else move the folder away, as in 'mv store store.old'",
                    m->to_place);
        return ok;
}

static bool beat_visit(void *arg, const struct store_event *e)
{
        struct buf *beats = arg;

        buf_put_slice(beats, e->key);
        buf_put_u64(beats, (uint64_t)e->rev);
        return true;
}

/* Nodes of a cluster say every few seconds that they are there; a store of one host is locked. */
static bool is_idle(struct migrate *m, struct err *err)
{
        struct buf before = BUF_INIT, after = BUF_INIT;
        store_rev at;
        bool ok = true;

        if (m->from.store) {
                fprintf(stderr, "chsm-server: looking for %d s whether a node serves the partition\n",
                        VAULT_BEAT_MS / 1000 + 2);
                ok = store_load(m->source, SLICE_LIT("n/"), beat_visit, &before, &at, err) == STORE_OK;
                if (ok)
                        nanosleep(&(struct timespec){ .tv_sec = VAULT_BEAT_MS / 1000 + 2 }, NULL);
                ok = ok && store_load(m->source, SLICE_LIT("n/"), beat_visit, &after, &at, err) == STORE_OK &&
                     (slice_equal(buf_slice(&before), buf_slice(&after)) ||
                      err_set(err, ERR_LIFE_CYCLE,
                              "the partition in %s is being served: stop all of its nodes first",
                              m->from_place));
        }
        buf_clear(&before);
        buf_clear(&after);
        return ok;
}

static struct vault *vault_over(struct migrate *m, struct store *store, struct err *err)
{
        const struct vault_deps deps = { .store = store,
                                         .crypto = m->crypto,
                                         .clock = clock_system(),
                                         .sealer = server_sealer_of(&m->sealer),
                                         .config = { .node_name = m->from.node_name,
                                                     .node_number = (uint32_t)m->from.node_number,
                                                     .max_keys = (uint64_t)m->from.max_keys,
                                                     .max_users = (uint64_t)m->from.max_users,
                                                     .lanes = (uint32_t)m->from.commit_threads,
                                                     .moving = true } };

        return vault_open(&deps, err);
}

/* The source opened as the vault that it is: every record is proved on the way. */
static bool open_source(struct migrate *m, struct err *err)
{
        char *key = file_join(m->from.data_dir, "node.key");
        bool absent = false, any = false;
        store_rev at;

        m->crypto = crypto_new(NULL, err);
        if (m->crypto && key && server_sealer_open(&m->sealer, m->crypto, key, err))
                m->source = look_into(&m->from, &absent, err);
        free(key);
        if (!m->source)
                return absent ? err_set(err, ERR_STORE, "there is no partition in %s", m->from_place) : false;
        if (store_load(m->source, SLICE_EMPTY, find_any, &any, &at, err) != STORE_OK)
                return false;
        if (!any)
                return err_set(err, ERR_STORE, "there is no partition in %s", m->from_place);
        if (!is_idle(m, err))
                return false;
        m->vault = vault_over(m, m->source, err);
        return m->vault != NULL;
}

/* A file without a name, beside the node's data. */
static FILE *scratch(const struct migrate *m, struct err *err)
{
        char *path = file_join(m->from.data_dir, "migrate.XXXXXX");
        int fd = path ? mkstemp(path) : -1;
        FILE *f = fd >= 0 ? fdopen(fd, "w+") : NULL;

        if (fd >= 0)
                (void)unlink(path);
        if (!f) {
                err_set(err, ERR_FILE, "a copy of the partition cannot be kept in '%s'", m->from.data_dir);
                if (fd >= 0)
                        (void)close(fd);
        }
        free(path);
        return f;
}

/* What is left out does not stay in the copy. */
struct leaving {
        struct store_op ops[STORE_OPS_MAX];
        struct buf keys[STORE_OPS_MAX];
        size_t n;
};

static bool leaving_visit(void *arg, const struct store_event *e)
{
        struct leaving *l = arg;

        if (!migrate_leaves(e->key) || l->n == STORE_OPS_MAX)
                return l->n < STORE_OPS_MAX;
        buf_put_slice(&l->keys[l->n], e->key);
        l->ops[l->n] = (struct store_op){ .kind = STORE_DELETE, .key = buf_slice(&l->keys[l->n]) };
        l->n++;
        return true;
}

static bool drop_left_out(struct store *s, struct err *err)
{
        struct leaving *l = calloc(1, sizeof(*l));
        struct store_result result;
        store_rev at;
        bool ok = l != NULL, more = true;

        while (ok && more) {
                l->n = 0;
                ok = store_load(s, SLICE_EMPTY, leaving_visit, l, &at, err) == STORE_OK;
                more = l->n > 0;
                ok = ok && (!more || store_txn(s, NULL, 0, l->ops, l->n, 30000, &result, err) == STORE_OK);
                for (size_t i = 0; i < l->n; i++)
                        buf_clear(&l->keys[i]);
        }
        free(l);
        return ok;
}

static bool copy(struct migrate *m, struct err *err)
{
        FILE *f = scratch(m, err);
        struct migrate_sums sums;
        store_rev at;
        bool ok;

        if (!f)
                return false;
        m->doing = "reading";
        ok = migrate_sum(m->source, m->crypto, &sums, tell, m, err);
        m->records = ok ? sums.records : 0;
        m->doing = "writing";
        ok = ok && store_backup(m->source, fileno(f), &at, err) == STORE_OK &&
             lseek(fileno(f), 0, SEEK_SET) == 0 && (m->stage = server_stage_open(&m->to, err)) &&
             store_restore(m->stage, fileno(f), tell, m, err) == STORE_OK && drop_left_out(m->stage, err);
        (void)fclose(f);
        return ok || (!err->id && err_set(err, ERR_FILE, "the copy cannot be read again"));
}

/* Both read anew, from the mark on: what was changed meanwhile is found. */
static bool compare(struct migrate *m, struct err *err)
{
        struct migrate_sums from, to;

        m->doing = "comparing";
        if (!migrate_sum(m->source, m->crypto, &from, tell, m, err) ||
            !migrate_sum(m->stage, m->crypto, &to, tell, m, err))
                return false;
        return migrate_same(&from, &to, engine(&m->from), engine(&m->to)) ||
               err_set(err, ERR_STORE, "the copy differs from the partition: something changed it meanwhile");
}

/* The copy opens as the same partition, and its audit chain goes on with where it came from. */
static bool begin(struct migrate *m, struct err *err)
{
        struct vault *v = vault_over(m, m->stage, err);
        bool ok = v && slice_equal(vault_partition_id(v), vault_partition_id(m->vault)) &&
                  vault_moved_begin(v, m->from_place, err);

        vault_close(&v);
        return ok || (!err->id && err_set(err, ERR_STORE, "the copy is another partition"));
}

static bool move(struct migrate *m, struct err *err)
{
        const struct store_guard absent = { STORE_ABSENT, SLICE_LIT("p/state"), 0 };
        char place[192];

        if (vault_moved_away(m->vault, place, sizeof(place)) && strcmp(place, m->to_place) != 0)
                return err_set(err, ERR_LIFE_CYCLE, "this partition was moved to %s: move it from there",
                               place);
        m->marked = vault_moved_mark(m->vault, m->to_place, err);
        if (!m->marked || !copy(m, err) || !compare(m, err) || !begin(m, err))
                return false;
        /* An answer may be lost: from here on only a look at the target tells (--cancel takes one). */
        m->marked = false;
        return server_stage_adopt(&m->to, &m->stage, &absent, 1, err);
}

static bool cancel(struct migrate *m, struct err *err)
{
        char place[192];

        if (!vault_moved_away(m->vault, place, sizeof(place)))
                return err_set(err, ERR_LIFE_CYCLE, "the partition in %s was not moved anywhere",
                               m->from_place);
        if (strcmp(place, m->to_place) != 0)
                return err_set(err, ERR_LIFE_CYCLE, "this partition was moved to %s, not to %s", place,
                               m->to_place);
        return target_is_free(m, err) && vault_moved_mark(m->vault, NULL, err);
}

static bool run(struct migrate *m, struct err *err)
{
        struct err undo = ERR_INIT;
        bool ok;

        if (!m->from_path || !m->to_path)
                return err_set(
                    err, ERR_USAGE,
                    "migrate needs --from FILE and --to FILE, the configurations before and after");
        if (!conf_of(m->from_path, &m->from, err) || !conf_of(m->to_path, &m->to, err) || !same_node(m, err))
                return false;
        place_of(&m->from, m->from_place, sizeof(m->from_place));
        place_of(&m->to, m->to_place, sizeof(m->to_place));
        if ((!m->cancel && !target_is_free(m, err)) || !open_source(m, err))
                return false;
        if (m->cancel) {
                if (!cancel(m, err))
                        return false;
                printf("the partition stays in %s\n", m->from_place);
                return true;
        }
        ok = move(m, err);
        if (ok)
                printf("the partition has moved to %s; start the node with --config %s\n", m->to_place,
                       m->to_path);
        else if (m->marked && !vault_moved_mark(m->vault, NULL, &undo))
                fprintf(stderr, "chsm-server: %s; use --cancel\n", undo.detail);
        return ok;
}

int server_migrate(int argc, char **argv)
{
        struct migrate m = { .from_path = NULL };
        const struct opt_row rows[] = {
                { 0, "from", "FILE", "configuration of the node as it is", &m.from_path },
                { 0, "to", "FILE", "its configuration with the other store", &m.to_path },
                { 0, "cancel", NULL, "take back a move that was broken off", &m.cancel },
        };
        const struct opt_program program = { "chsm-server migrate",
                                             "Moves a partition from sqlite to etcd or back.",
                                             "",
                                             "See chsm-server(8).",
                                             rows,
                                             sizeof(rows) / sizeof(rows[0]) };
        struct err err = ERR_INIT;
        int first;
        bool ok;

        switch (opt_parse(&program, argc, argv, &first)) {
        case OPT_EXIT_OK:
                return 0;
        case OPT_EXIT_USAGE:
                return 2;
        default:
                break;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        (void)sec_process_harden();
        ok = log_open("chsm-server", "none", LOG_LEVEL_ERROR, &err) && run(&m, &err);
        vault_close(&m.vault);
        store_close(&m.stage);
        store_close(&m.source);
        server_sealer_close(&m.sealer);
        crypto_free(&m.crypto);
        conf_clear(server_conf_rows, server_conf_rows_n, &m.from);
        conf_clear(server_conf_rows, server_conf_rows_n, &m.to);
        log_close();
        if (ok)
                return 0;
        fprintf(stderr, "chsm-server: migrate: %s\n", err.detail);
        return err_row(err.id)->exit_code ? err_row(err.id)->exit_code : 1;
}
