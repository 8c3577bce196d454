#include "server/recover.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "server/node.h"
#include "server/restore.h"
#include "server/seen.h"
#include "server/status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMED 200 /* records in the list */
#define WORD  "accept"

static const char cost[] =
    "What this costs: everything that is 'removed' or 'older' above is lost for good. Keys made since are "
    "gone\n"
    "and what they encrypted with them; keys destroyed, users deleted, passwords changed, accounts locked "
    "and\n"
    "policies tightened since are as they were before; new keys may get the handles of lost ones; audit "
    "records\n"
    "since are gone from the store (exports and the nodes' logs of key use still have them).\n";

struct recover {
        struct node node;
        struct buf seen, records;
        struct vault_acceptance what;
        struct vault_differences sums;
        uint64_t named;
        bool noted; /* sums are known */
};

/* Nothing is made where nothing is. */
static bool find_any(void *arg, const struct store_event *e)
{
        (void)e;
        *(bool *)arg = true;
        return false;
}

static bool open_store(struct recover *r, struct err *err)
{
        const struct server_conf *c = r->node.conf;
        char *path = file_join(c->data_dir, "store"), *key = file_join(c->data_dir, "node.key");
        struct store_config config = node_store_config(c, path);
        bool any = false;
        store_rev at;

        if (path && key && (c->store || file_exists(path)) && file_exists(key) &&
            server_sealer_open(&r->node.sealer, r->node.crypto, key, err))
                r->node.store = store_open(&config, err);
        free(path);
        free(key);
        if (!r->node.store)
                return err->id ? false
                               : err_set(err, ERR_STORE, "this node has no partition in '%s'", c->data_dir);
        return store_load(r->node.store, SLICE_EMPTY, find_any, &any, &at, err) == STORE_OK &&
               (any || err_set(err, ERR_STORE, "the store holds no partition: restore a backup"));
}

static bool open_vault(struct recover *r, struct err *err)
{
        const struct server_conf *c = r->node.conf;
        const struct vault_deps deps = { .store = r->node.store,
                                         .crypto = r->node.crypto,
                                         .clock = clock_system(),
                                         .sealer = server_sealer_of(&r->node.sealer),
                                         .config = { .node_name = c->node_name,
                                                     .node_number = (uint32_t)c->node_number,
                                                     .max_keys = (uint64_t)c->max_keys,
                                                     .max_users = (uint64_t)c->max_users,
                                                     .lanes = (uint32_t)c->commit_threads,
                                                     .rebase = true } };

        r->node.vault = vault_open(&deps, err);
        return r->node.vault != NULL;
}

/* ---- what would be accepted ---- */

static void show_one(void *arg, enum vault_difference kind, struct slice key)
{
        struct recover *r = arg;
        char name[160];

        if (kind == VAULT_IS_ADDED || r->named++ >= NAMED)
                return;
        (void)vault_record_title(key, name, sizeof(name));
        printf("  %-9s %s\n", vault_difference_name(kind), name);
}

static void show(struct recover *r)
{
        const struct vault_differences *d = &r->sums;

        printf("changes of the partition: %llu seen by this node, %llu in the store\n",
               (unsigned long long)r->what.seen, (unsigned long long)r->what.found);
        printf("etcd cluster or file: %s\n",
               r->what.foreign ? "another one than this node had" : "as before");
        printf("books: %s\n", r->what.edited ? "records do not agree with them: the store was edited"
                                             : "records agree with them");
        r->noted = vault_noted_compare(r->node.vault, buf_slice(&r->records), &r->sums, show_one, r);
        if (!r->noted) {
                printf("records: this node has no note of them\n");
                return;
        }
        if (r->named > NAMED)
                printf("  and %llu more\n", (unsigned long long)(r->named - NAMED));
        printf("records: %llu seen, %llu in the store; newest revision %lld seen, %lld in the store\n",
               (unsigned long long)d->noted, (unsigned long long)d->found, (long long)d->noted_rev,
               (long long)d->found_rev);
        for (int i = 0; i < VAULT_DIFFERENCES; i++)
                printf("%s%s %llu", i ? ", " : "", vault_difference_name((enum vault_difference)i),
                       (unsigned long long)d->of[i]);
        printf(" (changed and added: after what this node has seen)\n");
}

static bool ask(const char *yes, struct err *err)
{
        char line[32] = "";

        if (yes)
                return true;
        printf("Type '" WORD "' to accept the store as it is: ");
        (void)fflush(stdout);
        if (fgets(line, sizeof(line), stdin) && strcmp(line, WORD "\n") == 0)
                return true;
        return err_set(err, ERR_USAGE, "not accepted; nothing was changed");
}

static bool accept(struct recover *r, struct err *err)
{
        char subject[192];
        const struct vault_acceptance *a = &r->what;

        (void)snprintf(subject, sizeof(subject), "seen=%llu found=%llu removed=%llu older=%llu%s%s",
                       (unsigned long long)a->seen, (unsigned long long)a->found,
                       (unsigned long long)r->sums.of[VAULT_IS_REMOVED],
                       (unsigned long long)r->sums.of[VAULT_IS_OLDER], a->foreign ? " foreign" : "",
                       a->edited ? " edited" : "");
        log_error("ALARM: the operator accepts the store as it is: %s", subject);
        if (!vault_accept(r->node.vault, a, subject, err) || !server_seen_write(&r->node, err))
                return false;
        printf("accepted; start the node\n");
        return true;
}

static bool run(struct recover *r, const char *yes, struct err *err)
{
        const struct vault_acceptance *a = &r->what;

        if (server_status_lives(r->node.conf))
                return err_set(err, ERR_LIFE_CYCLE, "the node runs: stop it first");
        r->node.crypto = crypto_new(NULL, err);
        if (!r->node.crypto || !server_seen_read(r->node.conf, &r->seen, err) ||
            !server_seen_records(r->node.conf, &r->records, err) || !open_store(r, err) ||
            !open_vault(r, err) || !vault_acceptance_ask(r->node.vault, buf_slice(&r->seen), &r->what, err))
                return false;
        if (a->found >= a->seen && !a->foreign && !a->edited) {
                printf(
                    "the store has all that this node has seen: nothing is to be accepted; start the node\n");
                return true;
        }
        show(r);
        printf("%s", a->found < a->seen || a->edited ? cost : "Nothing that this node has seen is lost.\n");
        return ask(yes, err) && accept(r, err);
}

int server_recover(const struct server_conf *conf, int argc, char **argv)
{
        const char *yes = NULL;
        const struct opt_row rows[] = {
                { 'y', "yes", NULL, "accept without being asked", &yes },
        };
        const struct opt_program program = {
                "chsm-server [--config=FILE] recover",
                "Shows how the store differs from what this node has seen of it, "
                "and accepts it as it is.",
                "",
                "See chsm-server(8).",
                rows,
                sizeof(rows) / sizeof(rows[0])
        };
        struct recover r = { .node = { .conf = conf } };
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
        ok = log_open("chsm-server", conf->log_target, (enum log_level)conf->log_level, &err) &&
             run(&r, yes, &err);
        vault_close(&r.node.vault);
        store_close(&r.node.store);
        server_sealer_close(&r.node.sealer);
        crypto_free(&r.node.crypto);
        buf_clear(&r.seen);
        buf_clear(&r.records);
        log_close();
        if (ok)
                return 0;
        fprintf(stderr, "chsm-server: recover: %s\n", err.detail);
        return err_row(err.id)->exit_code ? err_row(err.id)->exit_code : 1;
}
