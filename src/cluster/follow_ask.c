/* What a node asks the other region. */
#include "base/file.h"
#include "base/log.h"
#include "cluster/follow.h"
#include "cluster/join_message.h"
#include "vault/clone.h"
#include "vault/region_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STORE_MS 5000
#define TRIES    50 /* of one part of a snapshot, while the way to the other region is cut */

const Chsm__Response *follow_ask(struct cluster_follow *f, Chsm__Request *r, Chsm__Response__BodyCase body,
                                 struct err *err)
{
        uint8_t key[16];
        const Chsm__Response *response;

        if (!crypto_random(f->join->crypto, key, sizeof(key), err))
                return NULL;
        r->context = (ProtobufCBinaryData){ sizeof(f->context), f->context };
        r->idempotency = (ProtobufCBinaryData){ sizeof(key), key };
        arena_reset(f->arena);
        response = f->link.call(f->link.arg, r, f->arena, err);
        if (!response)
                return NULL;
        if (response->status) {
                err_set(err, response->reason < ERR_COUNT ? (enum err_id)response->reason : ERR_INTERNAL,
                        "the other region: %s", response->detail);
                return NULL;
        }
        if (response->body_case != body) {
                err_set(err, ERR_FRAME, "the other region gives no answer to what it was asked");
                return NULL;
        }
        return response;
}

/* ---- joining ---- */

static bool ask_partition(struct cluster_follow *f, uint8_t id[JOIN_PARTITION_ID], struct err *err)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__HelloRequest in = CHSM__HELLO_REQUEST__INIT;
        const Chsm__Response *response;

        in.client = (char *)(uintptr_t) "chsm-server/" CHSM_VERSION;
        r.hello = &in;
        r.body_case = CHSM__REQUEST__BODY_HELLO;
        response = follow_ask(f, &r, CHSM__RESPONSE__BODY_HELLO, err);
        if (!response)
                return false;
        if (response->hello->partition_id.len != JOIN_PARTITION_ID)
                return err_set(err, ERR_FRAME, "the other region says no partition's id");
        memcpy(id, response->hello->partition_id.data, JOIN_PARTITION_ID);
        return true;
}

struct has {
        struct slice key;
        bool found;
};

static bool has_visit(void *arg, const struct store_event *e)
{
        struct has *h = arg;

        h->found = h->found || slice_equal(e->key, h->key);
        return !h->found;
}

static struct slice pmk_key(uint32_t number, uint8_t out[10])
{
        memcpy(out, "p/pmk/", 6);
        for (unsigned i = 0; i < 4; i++)
                out[6 + i] = (uint8_t)(number >> (24 - 8 * i));
        return slice_of(out, 10);
}

static bool pmk_put(struct cluster_follow *f, struct sec *pmk, struct err *err)
{
        const struct cluster_join *j = f->join;
        struct buf sealed = BUF_INIT;
        uint8_t key[10];
        struct has has = { pmk_key(j->number, key), false };
        struct store_op op;
        struct store_result result;
        store_rev at;
        bool ok = store_load(j->store, has.key, has_visit, &has, &at, err) == STORE_OK;

        if (ok && !has.found) {
                struct store_guard guard = { STORE_ABSENT, has.key, 0 };

                ok = j->sealer.seal(j->sealer.arg, sec_slice(pmk), &sealed, err) && buf_ok(&sealed);
                op = (struct store_op){ STORE_PUT, has.key, buf_slice(&sealed) };
                ok = ok && store_txn(j->store, &guard, 1, &op, 1, STORE_MS, &result, err) == STORE_OK;
        }
        buf_clear(&sealed);
        return ok || (err->id ? false : err_set(err, ERR_STORE, "the master key cannot be stored"));
}

static bool answer_take(struct cluster_follow *f, struct slice bytes, struct slice partition,
                        struct crypto_agreement *own, const uint8_t hash[CRYPTO_HASH_SIZE], struct err *err)
{
        const struct cluster_join *j = f->join;
        char name[CRYPTO_IDENTITY_NAME_MAX];
        uint8_t info[CRYPTO_HASH_SIZE];
        struct join_answer a;
        struct sec *key = NULL, *pmk = NULL;
        bool ok;

        if (!join_answer_read(bytes, &a) || a.refusal)
                return err_set(err, ERR_FRAME, "the other region's answer to this node cannot be read");
        if (!join_answer_verify(j->crypto, &a, hash, j->identity, clock_wall_ms(&j->clock), name, err))
                return false;
        if (j->owner.n && !slice_equal(j->owner, a.owner))
                return err_set(err, ERR_CERT_INVALID,
                               "the partition has another owner than the owner_certificate of this node");
        if (join_info(j->crypto, partition, hash, a.point, a.certificate, info))
                key = crypto_agreement_derive(own, a.point, slice_of(info, sizeof(info)), err);
        if (key)
                pmk = crypto_open(j->crypto, sec_slice(key), slice_of(info, sizeof(info)), a.sealed, err);
        ok = pmk && sec_size(pmk) == CRYPTO_KEY_SIZE && pmk_put(f, pmk, err);
        sec_free(&key);
        sec_free(&pmk);
        if (ok)
                log_info("node '%s' of the other region lets this one in", name);
        return ok || (err->id ? false : err_set(err, ERR_MEMORY, "no memory to join the other region"));
}

bool follow_ask_join(struct cluster_follow *f, struct err *err)
{
        const struct cluster_join *j = f->join;
        struct crypto_agreement *own = crypto_agreement_new(j->crypto, err);
        uint8_t partition[JOIN_PARTITION_ID], hash[CRYPTO_HASH_SIZE];
        struct join_request q = { .number = j->number, .partition = slice_of(partition, sizeof(partition)) };
        struct buf permit = BUF_INIT, bytes = BUF_INIT;
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegionJoinRequest in = CHSM__REGION_JOIN_REQUEST__INIT;
        const Chsm__Response *response = NULL;
        bool ok =
            own && ask_partition(f, partition, err) && join_permit_read(f->join, q.partition, &permit, err);

        if (ok) {
                q.point = crypto_agreement_public(own);
                q.permit = buf_slice(&permit);
                ok = join_request_write(&q, j->identity, &bytes, err) &&
                     (crypto_sha256(j->crypto, buf_slice(&bytes), hash) ||
                      err_set(err, ERR_CRYPTO, "hashing failed"));
        }
        if (ok) {
                in.request = (ProtobufCBinaryData){ bytes.n, bytes.p };
                r.region_join = &in;
                r.body_case = CHSM__REQUEST__BODY_REGION_JOIN;
                response = follow_ask(f, &r, CHSM__RESPONSE__BODY_REGION_JOIN, err);
        }
        ok = response &&
             answer_take(f, slice_of(response->region_join->answer.data, response->region_join->answer.len),
                         q.partition, own, hash, err);
        crypto_agreement_free(&own);
        buf_clear(&permit);
        buf_clear(&bytes);
        return ok;
}

/* ---- the snapshot ---- */

char *follow_snapshot_path(const struct cluster_follow *f)
{
        return file_join(f->folder, "region.snapshot");
}

static bool write_all(int fd, const uint8_t *p, size_t n, struct err *err)
{
        while (n) {
                ssize_t k = write(fd, p, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return err_set_errno(err, ERR_FILE, errno, "the snapshot cannot be written");
                p += k;
                n -= (size_t)k;
        }
        return true;
}

/* One part, asked for again when the connection breaks: what is there already is kept. */
static const Chsm__Response *ask_part(struct cluster_follow *f, uint64_t stream, uint64_t offset,
                                      struct err *err)
{
        const Chsm__Response *response = NULL;

        for (int i = 0; i < TRIES && !response; i++) {
                Chsm__Request r = CHSM__REQUEST__INIT;
                Chsm__RegionReadRequest in = CHSM__REGION_READ_REQUEST__INIT;

                *err = ERR_INIT;
                in.stream = stream;
                in.offset = offset;
                r.region_read = &in;
                r.body_case = CHSM__REQUEST__BODY_REGION_READ;
                response = follow_ask(f, &r, CHSM__RESPONSE__BODY_DATA, err);
                if (!response && err->id != ERR_CONNECT && err->id != ERR_TLS && err->id != ERR_DEADLINE)
                        break;
                if (!response && !f->join->go_on(f->join->arg))
                        break;
        }
        return response;
}

static bool fetch(struct cluster_follow *f, int fd, struct err *err)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RegionSnapshotRequest in = CHSM__REGION_SNAPSHOT_REQUEST__INIT;
        const Chsm__Response *response;
        uint64_t stream, size, offset = 0;

        r.region_snapshot = &in;
        r.body_case = CHSM__REQUEST__BODY_REGION_SNAPSHOT;
        response = follow_ask(f, &r, CHSM__RESPONSE__BODY_REGION_SNAPSHOT, err);
        if (!response)
                return false;
        stream = response->region_snapshot->stream;
        size = response->region_snapshot->size;
        while (offset < size) {
                response = ask_part(f, stream, offset, err);
                if (!response)
                        return false;
                if (response->data->data.len == 0)
                        return err_set(err, ERR_FRAME, "the other region's snapshot ends before its end");
                if (!write_all(fd, response->data->data.data, response->data->data.len, err))
                        return false;
                offset += response->data->data.len;
        }
        return true;
}

bool follow_ask_snapshot(struct cluster_follow *f, struct err *err)
{
        char *path = follow_snapshot_path(f), *part = file_join(f->folder, "region.snapshot.part");
        uint64_t count = 0;
        int fd = part ? open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
        bool ok = path && fd >= 0;

        if (!ok)
                err_set_errno(err, ERR_FILE, errno, "a snapshot cannot be kept in '%s'", f->folder);
        ok = ok && fetch(f, fd, err) && region_snapshot_check(fd, &count, err);
        if (ok && (fsync(fd) != 0 || rename(part, path) != 0))
                ok = err_set_errno(err, ERR_FILE, errno, "the snapshot cannot be kept in '%s'", f->folder);
        if (fd >= 0)
                (void)close(fd);
        if (ok)
                log_info("a snapshot of the other region is here: %llu records", (unsigned long long)count);
        free(path);
        free(part);
        return ok;
}
