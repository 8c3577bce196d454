/* A node with very many objects: how long it takes to start, how much memory, and what searching and making
 * cost then. Usage: chsm-bench-many [OBJECTS [ANSWERS [ETCD_FOLDER]]]. In one process, through the vault's
 * requests; the copies of one key are put into the store as a node would have put them, and ANSWERS records
 * of requests answered lately. ETCD_FOLDER: of scripts/dev-etcd, started anew; then the store is on its
 * members, and what CPU they need is told too. docs/bench.md */
#include "hsm.h"

#include "ck/encoding.h"
#include "store/store.h"
#include "vault/object.h"
#include "vault/partition.h"
#include <time.h>

#define BATCH 64 /* objects a transaction */

static double now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(void)
{
        FILE *f = fopen("/proc/self/statm", "r");
        unsigned long size = 0, resident = 0;

        if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
                resident = 0;
        if (f)
                (void)fclose(f);
        return (double)resident * 4096 / 1048576;
}

/* ---- where the store is ---- */

#define MEMBERS_MAX 9

static struct {
        struct store_config config;
        const char *etcd; /* NULL: SQLite in the HSM's folder */
        char members[1024], ca[300], certificate[300], key[300];
} place;

static void etcd_line(const char *name, char *out, size_t size)
{
        char path[300];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", place.etcd, name);
        f = fopen(path, "re");
        out[0] = '\0';
        if (f && !fgets(out, (int)size, f))
                out[0] = '\0';
        if (f)
                (void)fclose(f);
        out[strcspn(out, "\n")] = '\0';
}

/* Of all members together, in seconds. */
static double etcd_cpu(void)
{
        double sum = 0;

        for (unsigned i = 1; place.etcd && i <= MEMBERS_MAX; i++) {
                char name[32], path[64], line[32];
                unsigned long user = 0, kernel = 0;
                FILE *f;

                (void)snprintf(name, sizeof(name), "etcd%u.pid", i);
                etcd_line(name, line, sizeof(line));
                (void)snprintf(path, sizeof(path), "/proc/%lu/stat", strtoul(line, NULL, 10));
                f = line[0] ? fopen(path, "re") : NULL;
                if (f && fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                                &kernel) == 2)
                        sum += (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
                if (f)
                        (void)fclose(f);
        }
        return sum;
}

static struct hsm *begin(const char *etcd)
{
        struct hsm *h;
        struct err err = ERR_INIT;
        struct store *store;
        struct caller co;

        if (!etcd) {
                h = hsm_ready();
                place.config = (struct store_config){ .engine = "sqlite", .path = h->folder };
                return h;
        }
        place.etcd = etcd;
        etcd_line("members", place.members, sizeof(place.members));
        (void)snprintf(place.ca, sizeof(place.ca), "%s/ca.crt", etcd);
        (void)snprintf(place.certificate, sizeof(place.certificate), "%s/node1.crt", etcd);
        (void)snprintf(place.key, sizeof(place.key), "%s/node1.key", etcd);
        place.config = (struct store_config){ .engine = "etcd",
                                              .members = place.members,
                                              .ca = place.ca,
                                              .certificate = place.certificate,
                                              .key = place.key,
                                              .prefix = "/chsm/many/",
                                              .node = 1 };
        store = store_open(&place.config, &err);
        if (!store)
                fail_msg("%s", err.detail);
        h = hsm_over(store);
        hsm_ceremony(h);
        co = caller_co(h);
        assert_int_equal(caller_create_user(&co, 1, "cu1", "user1234"), 0);
        assert_int_equal(caller_create_user(&co, 1, "cu2", "user1234"), 0);
        return h;
}

/* ---- what is in it ---- */

/* One more of the object, with label, id and unique id of its own. */
static void replicate(struct hsm *h, const struct vault_object *o, struct slice material, uint32_t number,
                      uint8_t key[6], struct buf *sealed)
{
        static const uint64_t own[] = { CKA_LABEL, CKA_ID, CKA_UNIQUE_ID };
        uint32_t index = 5000 + number;
        struct vault_object_parts parts = vault_object_parts_of(o);
        struct vault_attribute list[VAULT_TEMPLATE_MAX];
        char text[40];
        struct sec *plain;

        memcpy(list, o->attributes, o->attribute_count * sizeof(list[0]));
        (void)snprintf(text, sizeof(text), "key-%08u-0123456789abcdef", number);
        for (size_t i = 0; i < o->attribute_count; i++) {
                for (size_t k = 0; k < 3; k++) {
                        if (list[i].type == own[k])
                                list[i].value = slice_str(text);
                }
        }
        parts.attributes = list;
        parts.material = material;
        plain = vault_object_encode(&parts);
        (void)vault_object_store_key((index >> 18) << 24 | 1u << 18 | (index & 0x3ffff), key);
        if (!vault_record_seal(h->vault, slice_of(key, 6), sec_slice(plain), sealed, &h->err))
                fail_msg("%s", h->err.detail);
        sec_free(&plain);
}

static void fill(struct hsm *h, const struct vault_object *o, struct slice material, uint32_t objects)
{
        static uint8_t keys[BATCH][6];
        struct store_op ops[BATCH];
        struct buf sealed[BATCH];
        struct store_result result;

        for (uint32_t done = 0; done < objects;) {
                uint32_t n = objects - done < BATCH ? objects - done : BATCH;

                for (uint32_t i = 0; i < n; i++) {
                        sealed[i] = BUF_INIT;
                        replicate(h, o, material, done + i, keys[i], &sealed[i]);
                        ops[i] = (struct store_op){ STORE_PUT, slice_of(keys[i], 6), buf_slice(&sealed[i]) };
                }
                if (store_txn(h->store, NULL, 0, ops, n, 60000, &result, &h->err) != STORE_OK)
                        fail_msg("%s", h->err.detail);
                for (uint32_t i = 0; i < n; i++)
                        buf_clear(&sealed[i]);
                done += n;
        }
}

/* Records as idempotency.c makes them; what the answer was is nobody's business before it is asked for. */
static void fill_answers(struct hsm *h, uint32_t answers)
{
        static uint8_t keys[BATCH][18];
        struct store_op ops[BATCH];
        struct buf values[BATCH];
        struct store_result result;

        for (uint32_t done = 0; done < answers;) {
                uint32_t n = answers - done < BATCH ? answers - done : BATCH;

                for (uint32_t i = 0; i < n; i++) {
                        uint8_t answer[100] = { 0 };

                        values[i] = BUF_INIT;
                        memcpy(keys[i], "i/", 2);
                        if (!crypto_random(h->crypto, keys[i] + 2, 16, &h->err) ||
                            !vault_record_write(h->vault, slice_of(keys[i], 18),
                                                slice_of(answer, sizeof(answer)), &values[i]))
                                fail_msg("%s", h->err.detail);
                        ops[i] = (struct store_op){ STORE_PUT, slice_of(keys[i], 18), buf_slice(&values[i]) };
                }
                if (store_txn(h->store, NULL, 0, ops, n, 60000, &result, &h->err) != STORE_OK)
                        fail_msg("%s", h->err.detail);
                for (uint32_t i = 0; i < n; i++)
                        buf_clear(&values[i]);
                done += n;
        }
}

/* What was put in past the books is accepted, as the owner would: the next key that is made brings them to
 * it. */
static void accept(struct hsm *h)
{
        struct caller cu;
        struct named key;

        if (!hsm_reopen(h, true))
                fail_msg("%s", h->err.detail);
        cu = caller_cu(h, "cu1");
        assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
        assert_int_equal(destroy(&cu, &key), 0);
}

static void time_search(struct caller *cu, const char *what, struct attributes *wanted, size_t expected,
                        int rounds)
{
        double begin = now();

        for (int i = 0; i < rounds; i++)
                assert_int_equal(count_objects(cu, wanted), expected);
        printf("%-44s %12.1f us\n", what, (now() - begin) * 1e6 / rounds);
}

static void measure(struct hsm *h, uint32_t objects)
{
        struct caller cu = caller_cu(h, "cu1"), other = caller_cu(h, "cu2");
        struct attributes label = { .n = 0 }, none = { .n = 0 }, kind = { .n = 0 }, all = { .n = 0 };
        struct named key;
        double begin;

        add_bytes(&label, CKA_LABEL, SLICE_LIT("key-00000042-0123456789abcdef"));
        add_bool(&label, CKA_TOKEN, true);
        add_bytes(&none, CKA_LABEL, SLICE_LIT("no such key"));
        add_number(&kind, CKA_CLASS, CKO_SECRET_KEY);
        add_bool(&kind, CKA_TRUSTED, true);
        time_search(&cu, "find one by label", &label, 1, 2000);
        time_search(&cu, "find nothing by label", &none, 0, 2000);
        time_search(&cu, "find nothing by class and flag", &kind, 0, 2000);
        time_search(&other, "another user finds nothing", &label, 0, 2000);
        time_search(&cu, "find all, page by page", &all, objects + 1, 1);
        begin = now();
        for (int i = 0; i < 100; i++) {
                assert_int_equal(make_aes(&cu, true, NULL, &key), 0);
                assert_int_equal(destroy(&cu, &key), 0);
        }
        printf("%-44s %12.1f us\n", "make and delete a key, durably", (now() - begin) * 1e6 / 100);
}

/* As a node starts that was away. */
static void start(struct hsm *h, double before, uint32_t objects)
{
        double began = now(), spent = cpu(), theirs = etcd_cpu();

        h->store = store_open(&place.config, &h->err);
        assert_non_null(h->store);
        if (place.etcd)
                printf("%-44s %12.2f s\n", "open the store", now() - began);
        else
                printf("%-44s %12.2f s\n", "open and check the store", now() - began);
        hsm_open_as(h, 1);
        printf("%-44s %12.2f s, %.2f s of CPU\n", "start, opening the store included", now() - began,
               cpu() - spent);
        if (place.etcd)
                printf("%-44s %12.2f s\n", "CPU of etcd's members for it", etcd_cpu() - theirs);
        printf("%-44s %12.0f bytes\n", "memory an object", (resident_mib() - before) * 1048576 / objects);
}

int main(int argc, char **argv)
{
        uint32_t objects = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
        uint32_t answers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
        struct hsm *h = begin(argc > 3 ? argv[3] : NULL);
        struct caller cu = caller_cu(h, "cu1");
        struct attributes named = { .n = 0 };
        struct named key;
        struct vault_object *o;
        struct sec *plain;
        struct slice material;
        double began, before = resident_mib();

        add_bytes(&named, CKA_LABEL, SLICE_LIT("original"));
        add_bytes(&named, CKA_ID, SLICE_LIT("original"));
        assert_int_equal(make_aes(&cu, true, &named, &key), 0);
        o = vault_objects_find(h->vault, (uint32_t)key.ref.handle);
        plain = vault_object_unseal(h->vault, o, &h->err);
        assert_true(vault_object_material(sec_slice(plain), &material));
        began = now();
        fill(h, o, material, objects);
        printf("%-44s %12.1f us\n", "store and index an object of a batch", (now() - began) * 1e6 / objects);
        vault_object_unref(&o);
        sec_free(&plain);
        fill_answers(h, answers);
        accept(h);
        began = now();
        vault_close(&h->vault);
        store_close(&h->store);
        printf("%-44s %12.2f s\n", "stop", now() - began);
        start(h, before, objects);
        measure(h, objects);
        hsm_free(h);
        return 0;
}
