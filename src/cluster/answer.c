/* The side that lets others in. */
#include "base/log.h"
#include "cluster/join.h"
#include "cluster/join_message.h"
#include "vault/clone.h"
#include "vault/members.h"

#include <stdlib.h>

#define STORE_MS    5000
#define MOST        16 /* requests looked at in one go */
#define REVOKED_KEY (2 + CRYPTO_HASH_SIZE)

struct waiting {
        uint32_t number;
        store_rev rev;
        struct buf request;
};

struct list {
        struct waiting rows[MOST];
        size_t n;
        uint32_t answered; /* the node whose answer came last; it stands before its request */
};

static bool list_visit(void *arg, const struct store_event *e)
{
        struct list *l = arg;
        struct reader in = reader_of(slice_of(e->key.p + 2, e->key.n - 2));
        uint32_t number = reader_u32(&in);
        uint8_t which = reader_u8(&in);

        if (!reader_end(&in))
                return true;
        if (which == 'a') {
                l->answered = number;
        } else if (which == 'q' && number != l->answered) {
                l->rows[l->n].number = number;
                l->rows[l->n].rev = e->rev;
                buf_put_slice(&l->rows[l->n].request, e->value);
                l->n++;
        }
        return l->n < MOST;
}

static bool found_visit(void *arg, const struct store_event *e)
{
        (void)e;
        *(bool *)arg = true;
        return false;
}

/* What stands in the store when the certificate was of a node that an officer removed. */
static struct slice revoked_key(const struct cluster_join *j, struct slice certificate,
                                uint8_t out[REVOKED_KEY])
{
        memcpy(out, VAULT_REVOKED, 2);
        return crypto_identity_fingerprint(j->crypto, certificate, out + 2) ? slice_of(out, REVOKED_KEY)
                                                                            : SLICE_EMPTY;
}

static bool is_revoked(const struct cluster_join *j, struct slice certificate, bool *revoked, struct err *err)
{
        uint8_t bytes[REVOKED_KEY];
        struct slice key = revoked_key(j, certificate, bytes);
        store_rev at;

        *revoked = false;
        return key.n ? store_load(j->store, key, found_visit, revoked, &at, err) == STORE_OK
                     : err_set(err, ERR_INTERNAL, "a certificate cannot be hashed");
}

/* May this node in? err says why not; *policy: as long as the store's policy is the one that was looked at.
 */
static bool request_check(struct vault *v, const struct cluster_join *j, const struct waiting *w,
                          struct join_request *r, char name[CRYPTO_IDENTITY_NAME_MAX],
                          struct store_guard *policy, struct err *err)
{
        struct buf text = BUF_INIT;
        bool ok, revoked;

        name[0] = '\0';
        if (!join_request_read(buf_slice(&w->request), r))
                return err_set(err, ERR_FRAME, "the request cannot be read");
        if (r->number != w->number || !slice_equal(r->partition, vault_partition_id(v)))
                return err_set(err, ERR_LIFE_CYCLE, "the request is for another node or partition");
        if (!join_request_verify(r, j->identity, clock_wall_ms(&j->clock), name, err))
                return false;
        if (!vault_member_may_be(v, r->number, name, err) || !is_revoked(j, r->certificate, &revoked, err))
                return false;
        if (revoked)
                return err_set(err, ERR_CERT_INVALID,
                               "the certificate is of a node that an officer removed (removeNode); the "
                               "operator issues a new one to let it in again");
        if (!vault_clone_needs_owner(v, policy))
                return true;
        ok = join_permit_text(j->crypto, r->partition, name, r->certificate, &text, err) &&
             (vault_clone_owner_signed(v, buf_slice(&text), r->permit, err) ||
              err_set(err, ERR_LIFE_CYCLE,
                      "the partition's policy join_requires_owner asks for the owner's signature: sign "
                      "join-permit.txt of the node's data_dir with PO.key (openssl dgst -sha256 -sign PO.key "
                      "-out join-permit.sig join-permit.txt), put it beside, and start the node again"));
        buf_clear(&text);
        return ok;
}

static bool sign_partition(void *arg, struct slice data, struct buf *signature, struct err *err)
{
        return vault_clone_sign(arg, data, signature, err);
}

/* The master key, sealed for the node that asked. */
static bool answer_seal(struct vault *v, const struct cluster_join *j, const struct join_request *r,
                        const uint8_t hash[CRYPTO_HASH_SIZE], struct buf *out, struct err *err)
{
        struct crypto_agreement *own = crypto_agreement_new(j->crypto, err);
        struct buf owner = BUF_INIT, poac = BUF_INIT, sealed = BUF_INIT;
        struct sec *key = NULL;
        uint8_t info[CRYPTO_HASH_SIZE];
        bool ok = own &&
                  join_info(j->crypto, r->partition, hash, crypto_agreement_public(own),
                            crypto_identity_certificate(j->identity), info) &&
                  vault_clone_certificates(v, &owner, &poac, err);

        key = ok ? crypto_agreement_derive(own, r->point, slice_of(info, sizeof(info)), err) : NULL;
        ok = key && vault_clone_seal(v, sec_slice(key), slice_of(info, sizeof(info)), &sealed, err);
        if (ok) {
                struct join_answer a = { .number = j->number,
                                         .request_hash = slice_of(hash, CRYPTO_HASH_SIZE),
                                         .point = crypto_agreement_public(own),
                                         .owner = buf_slice(&owner),
                                         .poac = buf_slice(&poac),
                                         .sealed = buf_slice(&sealed) };
                ok = join_answer_write(&a, j->identity, sign_partition, v, out, err);
        }
        sec_free(&key);
        crypto_agreement_free(&own);
        buf_clear(&owner);
        buf_clear(&poac);
        buf_clear(&sealed);
        return ok;
}

/* Several nodes may answer the same request: the first one's answer counts. One who is let in has a
 * certificate that nobody has removed meanwhile, under a policy that nobody has changed. */
static bool answer_put(const struct cluster_join *j, const struct waiting *w, struct slice answer,
                       struct slice certificate, const struct store_guard *policy, bool *put, struct err *err)
{
        uint8_t q[JOIN_KEY_MAX], a[JOIN_KEY_MAX];
        struct slice request_key = join_key(w->number, 'q', q), answer_key = join_key(w->number, 'a', a);
        struct store_guard guards[] = { { STORE_REV_IS, request_key, w->rev },
                                        { STORE_ABSENT, answer_key, 0 },
                                        { STORE_ABSENT, SLICE_EMPTY, 0 },
                                        *policy };
        uint8_t revoked[REVOKED_KEY];
        size_t n = 2;
        struct store_op op = { STORE_PUT, answer_key, answer };
        struct store_result result;
        enum store_rc rc;

        if (certificate.n) {
                guards[n++].key = revoked_key(j, certificate, revoked);
                n++;
        }
        rc = store_txn(j->store, guards, n, &op, 1, STORE_MS, &result, err);
        *put = rc == STORE_OK;
        if (rc == STORE_CONFLICT)
                *err = ERR_INIT; /* it is asked again, or answered */
        return rc == STORE_OK || rc == STORE_CONFLICT;
}

/* What answer_put has in its guards, for an answer that does not go through the store. */
static bool still_holds(const struct cluster_join *j, struct slice certificate,
                        const struct store_guard *policy, struct err *err)
{
        uint8_t revoked[REVOKED_KEY];
        struct store_guard guards[] = { { STORE_ABSENT, revoked_key(j, certificate, revoked), 0 }, *policy };
        struct store_result result;
        enum store_rc rc = store_txn(j->store, guards, 2, NULL, 0, STORE_MS, &result, err);

        if (rc != STORE_CONFLICT)
                return rc == STORE_OK;
        *err = ERR_INIT;
        return err_set(err, ERR_RETRY, "the partition's policy or nodes changed meanwhile; ask again");
}

bool cluster_admit(struct vault *v, const struct cluster_join *j, struct slice request,
                   struct cluster_admitted *out, struct buf *answer, struct err *err)
{
        struct waiting w = { .request = BUF_INIT };
        struct join_request r;
        struct store_guard policy;
        uint8_t hash[CRYPTO_HASH_SIZE];
        bool ok;

        *out = (struct cluster_admitted){ .number = 0 };
        if (join_request_read(request, &r))
                w.number = out->number = r.number;
        buf_put_slice(&w.request, request);
        ok = request_check(v, j, &w, &r, out->name, &policy, err) &&
             crypto_sha256(j->crypto, request, hash) &&
             crypto_sha256(j->crypto, r.certificate, out->certificate) &&
             answer_seal(v, j, &r, hash, answer, err) && still_holds(j, r.certificate, &policy, err);
        if (!ok)
                buf_reset(answer);
        buf_clear(&w.request);
        return ok || (err->id ? false : err_set(err, ERR_MEMORY, "no memory to let a node in"));
}

static bool answer_one(struct vault *v, const struct cluster_join *j, const struct waiting *w,
                       struct err *err)
{
        struct join_request r;
        struct buf out = BUF_INIT;
        struct err why = ERR_INIT;
        struct slice certificate = SLICE_EMPTY;
        struct store_guard policy = { STORE_ABSENT, SLICE_EMPTY, 0 };
        char name[CRYPTO_IDENTITY_NAME_MAX];
        uint8_t hash[CRYPTO_HASH_SIZE];
        bool ok, put = false;

        if (request_check(v, j, w, &r, name, &policy, &why) &&
            crypto_sha256(j->crypto, buf_slice(&w->request), hash) &&
            answer_seal(v, j, &r, hash, &out, &why)) {
                certificate = r.certificate;
        } else {
                struct join_answer refusal = { .refusal = why.detail };

                vault_count_join(v, false);
                log_warning("node %u%s%s is not let into the cluster: %s", w->number, name[0] ? " " : "",
                            name, why.detail);
                buf_reset(&out);
                (void)join_answer_write(&refusal, j->identity, NULL, NULL, &out, &why);
        }
        ok = buf_ok(&out) ? answer_put(j, w, buf_slice(&out), certificate, &policy, &put, err)
                          : err_set(err, ERR_MEMORY, "no memory to answer a node");
        if (put && certificate.n) {
                log_info("node '%s' (%u) is let into the cluster", name, w->number);
                vault_count_join(v, true);
        }
        buf_clear(&out);
        return ok;
}

bool cluster_answer(struct vault *v, const struct cluster_join *j, struct err *err)
{
        struct list list = { .n = 0 };
        store_rev at;
        bool ok;

        if (!j->identity || vault_state(v) != VAULT_ACTIVATED)
                return true;
        ok = store_load(j->store, SLICE_LIT("j/"), list_visit, &list, &at, err) == STORE_OK;
        for (size_t i = 0; ok && i < list.n; i++)
                ok = !buf_ok(&list.rows[i].request) || answer_one(v, j, &list.rows[i], err);
        for (size_t i = 0; i < list.n; i++)
                buf_clear(&list.rows[i].request);
        return ok;
}
