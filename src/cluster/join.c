/* The joining side. */
#include "cluster/join.h"
#include "base/file.h"
#include "cluster/join_message.h"
#include "vault/clone.h"
#include "vault/format.h"

#include <stdlib.h>
#include <time.h>

#define STORE_MS   5000
#define PAUSE_MS   200
#define PERMIT_MAX 1024

struct found {
        struct buf state, pmk, answer, request, format;
        store_rev pmk_rev, request_rev;
        uint32_t number;
};

struct slice join_key(uint32_t number, char which, uint8_t out[JOIN_KEY_MAX])
{
        out[0] = 'j';
        out[1] = '/';
        for (unsigned i = 0; i < 4; i++)
                out[2 + i] = (uint8_t)(number >> (24 - 8 * i));
        out[6] = (uint8_t)which;
        return slice_of(out, 7);
}

static struct slice pmk_key(uint32_t number, uint8_t out[16])
{
        memcpy(out, "p/pmk/", 6);
        for (unsigned i = 0; i < 4; i++)
                out[6 + i] = (uint8_t)(number >> (24 - 8 * i));
        return slice_of(out, 10);
}

static bool found_visit(void *arg, const struct store_event *e)
{
        struct found *f = arg;
        uint8_t key[16];
        struct buf *into = NULL;

        if (slice_equal(e->key, SLICE_LIT("p/state")))
                into = &f->state;
        else if (slice_equal(e->key, SLICE_LIT(VAULT_FORMAT_KEY)))
                into = &f->format;
        else if (slice_equal(e->key, pmk_key(f->number, key))) {
                into = &f->pmk;
                f->pmk_rev = e->rev;
        } else if (slice_equal(e->key, join_key(f->number, 'a', key)))
                into = &f->answer;
        else if (slice_equal(e->key, join_key(f->number, 'q', key))) {
                into = &f->request;
                f->request_rev = e->rev;
        }
        if (into)
                buf_put_slice(into, e->value);
        return true;
}

static void found_clear(struct found *f)
{
        buf_clear(&f->state);
        buf_clear(&f->pmk);
        buf_clear(&f->answer);
        buf_clear(&f->request);
        buf_clear(&f->format);
        *f = (struct found){ .number = f->number };
}

static bool look(const struct cluster_join *j, struct found *f, struct err *err)
{
        store_rev at;

        found_clear(f);
        return store_load(j->store, SLICE_LIT("p/"), found_visit, f, &at, err) == STORE_OK &&
               store_load(j->store, SLICE_LIT("j/"), found_visit, f, &at, err) == STORE_OK &&
               ((buf_ok(&f->state) && buf_ok(&f->pmk) && buf_ok(&f->answer) && buf_ok(&f->format)) ||
                err_set(err, ERR_MEMORY, "no memory to read the store")) &&
               (!f->format.n || vault_format_known(buf_slice(&f->format), err));
}

static bool wait_more(const struct cluster_join *j, const char *what)
{
        j->tell(j->arg, what);
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
        return j->go_on(j->arg);
}

/* The partition's id stands in front of its record (partition.c), which nobody can check without the master
 * key: a wrong one only makes an answer that does not fit. */
static struct slice partition_id(const struct found *f)
{
        struct slice id = SLICE_EMPTY;

        (void)vault_clone_partition_id(buf_slice(&f->state), &id);
        return id;
}

/* ---- the request ---- */
bool join_permit_read(const struct cluster_join *j, struct slice partition, struct buf *permit,
                      struct err *err)
{
        char *text_path = file_join(j->permit_folder, "join-permit.txt");
        char *sig_path = file_join(j->permit_folder, "join-permit.sig");
        struct buf text = BUF_INIT;
        struct err absent = ERR_INIT;
        bool ok = text_path && sig_path &&
                  join_permit_text(j->crypto, partition, crypto_identity_name(j->identity),
                                   crypto_identity_certificate(j->identity), &text, err) &&
                  file_write(text_path, buf_slice(&text), 0644, err);

        /* Most partitions ask for none. */
        if (ok)
                (void)file_read(sig_path, PERMIT_MAX, permit, &absent);
        else if (!err->id)
                err_set(err, ERR_MEMORY, "no memory for the permit");
        free(text_path);
        free(sig_path);
        buf_clear(&text);
        return ok;
}

static bool request_put(const struct cluster_join *j, struct slice partition, struct crypto_agreement *own,
                        uint8_t hash[CRYPTO_HASH_SIZE], struct err *err)
{
        struct join_request r = { .number = j->number,
                                  .partition = partition,
                                  .point = crypto_agreement_public(own) };
        struct buf permit = BUF_INIT, out = BUF_INIT;
        uint8_t q[JOIN_KEY_MAX], a[JOIN_KEY_MAX];
        struct store_result result;
        bool ok = join_permit_read(j, partition, &permit, err);

        r.permit = buf_slice(&permit);
        ok = ok && join_request_write(&r, j->identity, &out, err) &&
             crypto_sha256(j->crypto, buf_slice(&out), hash);
        if (ok) {
                struct store_op ops[] = { { STORE_PUT, join_key(j->number, 'q', q), buf_slice(&out) },
                                          { STORE_DELETE, join_key(j->number, 'a', a), SLICE_EMPTY } };
                ok = store_txn(j->store, NULL, 0, ops, 2, STORE_MS, &result, err) == STORE_OK;
        }
        buf_clear(&permit);
        buf_clear(&out);
        return ok;
}

/* ---- the answer ---- */
static struct sec *answer_open(const struct cluster_join *j, const struct join_answer *a,
                               struct slice partition, struct crypto_agreement *own,
                               const uint8_t hash[CRYPTO_HASH_SIZE], struct err *err)
{
        uint8_t info[CRYPTO_HASH_SIZE];
        struct sec *key = NULL, *pmk = NULL;

        if (!join_info(j->crypto, partition, hash, a->point, a->certificate, info)) {
                err_set(err, ERR_MEMORY, "no memory for the answer");
                return NULL;
        }
        key = crypto_agreement_derive(own, a->point, slice_of(info, sizeof(info)), err);
        if (key)
                pmk = crypto_open(j->crypto, sec_slice(key), slice_of(info, sizeof(info)), a->sealed, err);
        sec_free(&key);
        return pmk;
}

/* The master key into the store, sealed for this node; the messages go. */
static bool pmk_put(const struct cluster_join *j, const struct found *f, struct sec *pmk, struct err *err)
{
        struct buf sealed = BUF_INIT;
        uint8_t p[16], q[JOIN_KEY_MAX], a[JOIN_KEY_MAX];
        struct slice key = pmk_key(j->number, p);
        struct store_guard guard = { f->pmk_rev ? STORE_REV_IS : STORE_ABSENT, key, f->pmk_rev };
        struct store_result result;
        bool ok = j->sealer.seal(j->sealer.arg, sec_slice(pmk), &sealed, err) && buf_ok(&sealed);

        if (ok) {
                struct store_op ops[] = { { STORE_PUT, key, buf_slice(&sealed) },
                                          { STORE_DELETE, join_key(j->number, 'q', q), SLICE_EMPTY },
                                          { STORE_DELETE, join_key(j->number, 'a', a), SLICE_EMPTY } };
                ok = store_txn(j->store, &guard, 1, ops, 3, STORE_MS, &result, err) == STORE_OK;
        }
        buf_clear(&sealed);
        return ok;
}

/* Takes the answer; *refused: it is a refusal, or cannot be believed, and was told. */
static bool answer_take(const struct cluster_join *j, const struct found *f, struct crypto_agreement *own,
                        const uint8_t hash[CRYPTO_HASH_SIZE], bool *refused, struct err *err)
{
        struct join_answer a;
        char name[CRYPTO_IDENTITY_NAME_MAX];
        struct sec *pmk = NULL;
        bool ok;

        *refused = true;
        if (!join_answer_read(buf_slice(&f->answer), &a))
                return err_set(err, ERR_STORE_DAMAGED, "the answer to this node's request cannot be read");
        if (a.refusal)
                return err_set(err, ERR_LIFE_CYCLE, "the cluster does not let this node in: %s", a.refusal);
        if (!join_answer_verify(j->crypto, &a, hash, j->identity, clock_wall_ms(&j->clock), name, err))
                return false;
        if (j->owner.n && !slice_equal(j->owner, a.owner))
                return err_set(err, ERR_CERT_INVALID,
                               "the partition has another owner than the owner_certificate of this node");
        pmk = answer_open(j, &a, partition_id(f), own, hash, err);
        if (!pmk)
                return err_prefix(err, "the answer of node '%s'", name);
        *refused = false;
        ok = sec_size(pmk) == CRYPTO_KEY_SIZE
                 ? pmk_put(j, f, pmk, err)
                 : err_set(err, ERR_STORE_DAMAGED, "the master key has a wrong size");
        sec_free(&pmk);
        return ok;
}

/* *moved: the request went to a partition in whose place another one was restored. */
static bool join_by_request(const struct cluster_join *j, struct found *f, bool *moved, struct err *err)
{
        struct crypto_agreement *own = crypto_agreement_new(j->crypto, err);
        uint8_t hash[CRYPTO_HASH_SIZE];
        bool ok = own && request_put(j, partition_id(f), own, hash, err), refused = false;

        *moved = false;
        while (ok) {
                ok = look(j, f, err);
                *moved = ok && !f->answer.n && !f->request.n;
                if (*moved)
                        break;
                if (ok && f->answer.n) {
                        ok = answer_take(j, f, own, hash, &refused, err);
                        break;
                }
                if (ok && !wait_more(j, "an activated node to let this one in"))
                        ok = false;
        }
        crypto_agreement_free(&own);
        return ok;
}

/* Can this node open the master key that the store has for it? */
static bool has_key(const struct cluster_join *j, const struct found *f, struct err *err)
{
        struct sec *pmk = f->pmk.n ? j->sealer.open(j->sealer.arg, buf_slice(&f->pmk), err) : NULL;
        bool ok = pmk != NULL;

        sec_free(&pmk);
        return ok;
}

static bool join_once(const struct cluster_join *j, struct found *f, bool *moved, struct err *err)
{
        bool ok;

        while ((ok = look(j, f, err)) && !f->state.n && j->number != 1) {
                if (!wait_more(j, "node 1 to make the partition"))
                        return false;
        }
        if (!ok || !f->state.n || has_key(j, f, err))
                return ok;
        if (!j->identity)
                return err_set(err, ERR_CONFIG,
                               "the store holds a partition but no master key that this node can open; to "
                               "join it, set operator_certificate, node_certificate and node_private_key");
        *err = ERR_INIT;
        return join_by_request(j, f, moved, err);
}

bool cluster_join(const struct cluster_join *j, struct err *err)
{
        struct found f = { .number = j->number };
        bool ok, moved;

        do {
                moved = false;
                ok = join_once(j, &f, &moved, err);
        } while (ok && moved);
        found_clear(&f);
        return ok;
}
