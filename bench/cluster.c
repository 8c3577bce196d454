/* What scripts/bench-cluster measures beside the module: transactions of etcd by themselves, and how soon a
 * change is seen on another node.
 *
 * Usage: chsm-bench-cluster txn ETCD_FOLDER THREADS SECONDS PUTS BYTES
 *        chsm-bench-cluster visible CONF_FOLDER USER:PASSWORD HOST:PORT HOST:PORT CHANGES
 *
 * txn: each of THREADS asks for one transaction after the other, of PUTS puts with BYTES in all, in gRPC over
 * a connection of its own, and nothing else: no guards, no lanes, no watch. Prints the median in us and the
 * rate. visible: makes keys on one node and asks the other for each until it is there, from the moment the
 * making has returned. Prints median, 99th percentile and longest in us.
 */
#include "client/chsm.h"
#include "ck/cryptoki.h"
#include "store/etcd.h"
#include "tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 32
#define PUTS_MAX    8
#define TIMES_MAX   1000000
#define BYTES_MAX   65536

static int64_t now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int ascending(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* ---- transactions ---- */

static struct {
        struct etcd_wire wire;
        unsigned puts;
        size_t bytes; /* of one value */
        int64_t ends_us;
        _Atomic size_t n, failed;
        int64_t times[TIMES_MAX];
} txn;

static bool transaction(unsigned line, unsigned number, struct etcd_reply *reply)
{
        static const uint8_t text[BYTES_MAX];
        Etcd__TxnRequest request = ETCD__TXN_REQUEST__INIT;
        Etcd__PutRequest put[PUTS_MAX];
        Etcd__RequestOp op[PUTS_MAX], *list[PUTS_MAX];
        char keys[PUTS_MAX][64];
        struct buf packed = BUF_INIT;
        enum etcd_outcome outcome;

        for (unsigned i = 0; i < txn.puts; i++) {
                int n = snprintf(keys[i], sizeof(keys[i]), "/chsm/bench/%u-%u-%u", line, number, i);

                etcd__put_request__init(&put[i]);
                put[i].key = (ProtobufCBinaryData){ (size_t)n, (uint8_t *)keys[i] };
                put[i].value = (ProtobufCBinaryData){ txn.bytes, (uint8_t *)(uintptr_t)text };
                etcd__request_op__init(&op[i]);
                op[i].request_case = ETCD__REQUEST_OP__REQUEST_PUT;
                op[i].put = &put[i];
                list[i] = &op[i];
        }
        request.n_success = txn.puts;
        request.success = list;
        outcome = txn.wire.call(txn.wire.self, line, "/etcdserverpb.KV/Txn",
                                etcd_pack(&packed, &request.base), 5000, reply);
        buf_clear(&packed);
        return outcome == ETCD_ANSWERED;
}

static void *writer_main(void *arg)
{
        unsigned line = (unsigned)(uintptr_t)arg;
        struct etcd_reply reply = { .message = BUF_INIT };

        for (unsigned number = 0; now_us() < txn.ends_us; number++) {
                int64_t began = now_us();
                bool good = transaction(line, number, &reply);
                size_t at = good ? atomic_fetch_add(&txn.n, 1) : TIMES_MAX;

                if (at < TIMES_MAX)
                        txn.times[at] = now_us() - began;
                if (!good && atomic_fetch_add(&txn.failed, 1) == 0)
                        fprintf(stderr, "%s\n", reply.words);
        }
        buf_clear(&reply.message);
        return NULL;
}

static bool read_members(const char *folder, char *members, size_t size)
{
        char path[300];
        FILE *f;
        bool ok;

        (void)snprintf(path, sizeof(path), "%s/members", folder);
        f = fopen(path, "re");
        ok = f && fgets(members, (int)size, f);
        if (f)
                (void)fclose(f);
        return ok;
}

static int measure_txn(char **argv)
{
        char members[1024], ca[300], certificate[300], key[300];
        struct store_config config = { .engine = "etcd",
                                       .members = members,
                                       .ca = ca,
                                       .certificate = certificate,
                                       .key = key,
                                       .prefix = "/chsm/bench/",
                                       .node = 1 };
        unsigned threads = (unsigned)strtoul(argv[3], NULL, 10);
        double seconds = strtod(argv[4], NULL);
        pthread_t ids[THREADS_MAX];
        struct err err = ERR_INIT;
        size_t n;

        (void)snprintf(ca, sizeof(ca), "%s/ca.crt", argv[2]);
        (void)snprintf(certificate, sizeof(certificate), "%s/node1.crt", argv[2]);
        (void)snprintf(key, sizeof(key), "%s/node1.key", argv[2]);
        txn.puts = (unsigned)strtoul(argv[5], NULL, 10);
        if (threads < 1 || threads > THREADS_MAX || txn.puts < 1 || txn.puts > PUTS_MAX ||
            !read_members(argv[2], members, sizeof(members)) || !etcd_curl_open(&config, &txn.wire, &err)) {
                fprintf(stderr, "txn: %s\n", err.id ? err.detail : "threads, puts or folder are wrong");
                return 1;
        }
        txn.bytes = strtoul(argv[6], NULL, 10) / txn.puts;
        txn.bytes = txn.bytes < BYTES_MAX ? txn.bytes : BYTES_MAX;
        txn.ends_us = now_us() + (int64_t)(seconds * 1e6);
        for (uintptr_t i = 0; i < threads; i++)
                pthread_create(&ids[i], NULL, writer_main, (void *)i);
        for (unsigned i = 0; i < threads; i++)
                pthread_join(ids[i], NULL);
        txn.wire.close(txn.wire.self);
        n = txn.n < TIMES_MAX ? txn.n : TIMES_MAX;
        qsort(txn.times, n, sizeof(txn.times[0]), ascending);
        printf("%lld %.0f\n", n ? (long long)txn.times[n / 2] : 0, (double)n / seconds);
        return n && !txn.failed ? 0 : 1;
}

/* ---- what one node changes and another shows ---- */

static struct chsm *node_login(const char *endpoint, struct tls_context *tls, const char *pair)
{
        char host[64] = "";
        const char *colon = strrchr(endpoint, ':'), *parts = strchr(pair, ':');
        struct chsm_endpoint at = { host, (uint16_t)strtoul(colon ? colon + 1 : "0", NULL, 10) };
        struct chsm_options options = { .dialer = tls_dialer(tls), .endpoints = &at, .endpoint_count = 1 };
        struct err err = ERR_INIT;
        struct chsm *c = NULL;

        if (colon && parts && (size_t)(colon - endpoint) < sizeof(host)) {
                memcpy(host, endpoint, (size_t)(colon - endpoint));
                c = chsm_open(&options, &err);
        }
        if (c && chsm_login(c, 1, slice_of(pair, (size_t)(parts - pair)), slice_str(parts + 1), &err) == 0)
                return c;
        fprintf(stderr, "%s: %s\n", endpoint, err.detail);
        chsm_close(&c);
        return NULL;
}

static Chsm__Attribute attribute(uint64_t type, const void *p, size_t n)
{
        Chsm__Attribute a = CHSM__ATTRIBUTE__INIT;

        a.type = type;
        a.value = (ProtobufCBinaryData){ n, (uint8_t *)(uintptr_t)p };
        return a;
}

static bool key_make(struct chsm *c, const char *label)
{
        static const uint8_t yes = 1, length[8] = { [7] = 32 }; /* numbers are big-endian */
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism mechanism = CHSM__MECHANISM__INIT;
        Chsm__Attribute a[] = { attribute(CKA_TOKEN, &yes, 1), attribute(CKA_LABEL, label, strlen(label)),
                                attribute(CKA_VALUE_LEN, length, sizeof(length)) };
        Chsm__Attribute *list[] = { &a[0], &a[1], &a[2] };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct err err = ERR_INIT;
        uint32_t rv;

        mechanism.number = CKM_AES_KEY_GEN;
        body.mechanism = &mechanism;
        body.n_template_ = 3;
        body.template_ = list;
        request.generate_key = &body;
        request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        rv = chsm_call(c, &request, &answer, &err);
        if (rv)
                fprintf(stderr, "a key was not made: %s\n", err.detail);
        chsm_answer_clear(&answer);
        return rv == 0;
}

static bool key_is_seen(struct chsm *c, const char *label, bool *seen)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__FindObjectsRequest body = CHSM__FIND_OBJECTS_REQUEST__INIT;
        Chsm__Attribute a = attribute(CKA_LABEL, label, strlen(label)), *list[] = { &a };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        body.n_template_ = 1;
        body.template_ = list;
        request.find_objects = &body;
        request.body_case = CHSM__REQUEST__BODY_FIND_OBJECTS;
        rv = chsm_call(c, &request, &answer, NULL);
        *seen = rv == 0 && answer.response->find_objects->n_handles > 0;
        chsm_answer_clear(&answer);
        return rv == 0;
}

static int measure_visible(char **argv)
{
        char owner[300], certificate[300], key[300];
        struct tls_client_config config = { owner, false, certificate, key };
        struct err err = ERR_INIT;
        struct tls_context *tls;
        struct chsm *one, *other;
        size_t changes = strtoul(argv[6], NULL, 10), n = 0;
        bool ok;

        (void)snprintf(owner, sizeof(owner), "%s/PO.crt", argv[2]);
        (void)snprintf(certificate, sizeof(certificate), "%s/client.crt", argv[2]);
        (void)snprintf(key, sizeof(key), "%s/client.key", argv[2]);
        tls = tls_client_context(&config, &err);
        if (!tls) {
                fprintf(stderr, "%s\n", err.detail);
                return 1;
        }
        one = node_login(argv[4], tls, argv[3]);
        other = one ? node_login(argv[5], tls, argv[3]) : NULL;
        ok = other != NULL;
        for (; ok && n < changes && n < TIMES_MAX; n++) {
                char label[64];
                bool seen = false;
                int64_t returned;

                (void)snprintf(label, sizeof(label), "visible-%lld", (long long)now_us());
                ok = key_make(one, label);
                returned = now_us();
                while (ok && !seen)
                        ok = key_is_seen(other, label, &seen);
                txn.times[n] = now_us() - returned;
        }
        qsort(txn.times, n, sizeof(txn.times[0]), ascending);
        if (ok && n)
                printf("%lld %lld %lld\n", (long long)txn.times[n / 2], (long long)txn.times[n * 99 / 100],
                       (long long)txn.times[n - 1]);
        chsm_close(&one);
        chsm_close(&other);
        tls_context_free(&tls);
        return ok && n ? 0 : 1;
}

int main(int argc, char **argv)
{
        if (argc == 7 && strcmp(argv[1], "txn") == 0)
                return measure_txn(argv);
        if (argc == 7 && strcmp(argv[1], "visible") == 0)
                return measure_visible(argv);
        fputs("usage: chsm-bench-cluster txn ETCD_FOLDER THREADS SECONDS PUTS BYTES\n"
              "       chsm-bench-cluster visible CONF_FOLDER USER:PASSWORD HOST:PORT HOST:PORT CHANGES\n",
              stderr);
        return 2;
}
