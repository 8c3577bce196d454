/* A backup is written, and read back at once. */
#include "vault/backup.h"
#include "ck/cryptoki.h"
#include "vault/commit.h"
#include "vault/partition.h"
#include "vault/region.h"

#include <stdlib.h>
#include <unistd.h>

#define CHUNK      ((size_t)64 * 1024) /* records gathered before they are sealed */
#define END        SLICE_LIT("chsm backup end 1\n")
#define HEADS_MAX  256
#define TRIES      20
#define OAEP_HASH  CKM_SHA256
#define SIGNATURES 512

/* What is not carried over: keys of nodes and what they say of themselves, answers to retries, and what could
 * be spent twice. */
static const char *const left_out[] = { "p/pmk/", "i/",     "x/",  "t/",        "a/",   "n/",
                                        "j/",     "p/went", "b/e", "p/tickets", "z/f/", "z/loading" };

static bool is_left_out(struct slice key)
{
        for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
                size_t n = strlen(left_out[i]);

                if (key.n >= n && memcmp(key.p, left_out[i], n) == 0)
                        return true;
        }
        return false;
}

struct writer {
        struct vault *vault;
        int fd;
        struct vault_backup_header *header;
        struct sec *key; /* the backup's own */
        struct buf chunk;
        uint64_t index, records, size, of_prefix[128];
        struct crypto_stream *digest, *whole; /* of all records; of the file */
        struct err *err;
        bool ok;
};

static bool put(struct writer *w, struct slice bytes)
{
        w->size += bytes.n;
        w->ok = w->ok && vault_backup_fd_write(w->fd, bytes, w->err) &&
                crypto_stream_update(w->whole, bytes, w->err);
        return w->ok;
}

static bool put_chunk(struct writer *w, struct slice plain, bool last)
{
        uint8_t aad[VAULT_BACKUP_AAD];
        struct buf out = BUF_INIT;

        buf_put_u32(&out, (uint32_t)(plain.n + CRYPTO_SEAL_EXTRA));
        vault_backup_aad(w->header, w->index++, last, aad);
        w->ok = w->ok &&
                crypto_seal(w->vault->deps.crypto, sec_slice(w->key), slice_of(aad, sizeof(aad)), plain, &out,
                            w->err) &&
                (buf_ok(&out) || err_set(w->err, ERR_MEMORY, "no memory for a backup")) &&
                put(w, buf_slice(&out));
        buf_clear(&out);
        return w->ok;
}

static bool flush(struct writer *w)
{
        if (!w->chunk.n)
                return w->ok;
        w->ok = w->ok && (buf_ok(&w->chunk) || err_set(w->err, ERR_MEMORY, "no memory for a backup")) &&
                crypto_stream_update(w->digest, buf_slice(&w->chunk), w->err) &&
                put_chunk(w, buf_slice(&w->chunk), false);
        buf_reset(&w->chunk);
        return w->ok;
}

static bool visit(void *arg, const struct store_event *e)
{
        struct writer *w = arg;

        if (is_left_out(e->key))
                return true;
        buf_put_block(&w->chunk, e->key);
        buf_put_block(&w->chunk, e->value);
        w->records++;
        w->of_prefix[e->key.n ? e->key.p[0] & 0x7f : 0]++;
        return w->chunk.n < CHUNK ? w->ok : flush(w);
}

/* Counts, audit heads and the digest of the records. */
static bool put_last(struct writer *w)
{
        struct vault_lane_head *heads = calloc(HEADS_MAX, sizeof(*heads));
        size_t n = heads ? vault_lane_heads(w->vault, heads, HEADS_MAX) : 0, digest_n = 0, kinds = 0;
        uint8_t digest[CRYPTO_BLOCK_MAX];
        struct buf out = BUF_INIT;

        w->ok = w->ok && heads && crypto_stream_block(w->digest, digest, &digest_n, w->err);
        buf_put_u64(&out, w->records);
        for (size_t i = 0; i < 128; i++)
                kinds += w->of_prefix[i] > 0;
        buf_put_u32(&out, (uint32_t)kinds);
        for (size_t i = 0; i < 128; i++) {
                if (!w->of_prefix[i])
                        continue;
                buf_put_u8(&out, (uint8_t)i);
                buf_put_u64(&out, w->of_prefix[i]);
        }
        buf_put_u32(&out, (uint32_t)n);
        for (size_t i = 0; i < n; i++) {
                buf_put_u32(&out, heads[i].node);
                buf_put_u32(&out, heads[i].lane);
                buf_put_u64(&out, heads[i].sequence);
                buf_put(&out, heads[i].hash, sizeof(heads[i].hash));
        }
        buf_put(&out, digest, w->ok ? digest_n : 0);
        w->ok = w->ok && buf_ok(&out) && put_chunk(w, buf_slice(&out), true);
        buf_clear(&out);
        free(heads);
        return w->ok;
}

void vault_backup_end_text(const struct vault_backup_header *h, const uint8_t sha256[32], struct buf *out)
{
        buf_put_slice(out, END);
        buf_put(out, h->id, sizeof(h->id));
        buf_put(out, sha256, 32);
}

static bool put_end(struct writer *w)
{
        const struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        uint8_t hash[CRYPTO_BLOCK_MAX], signature[SIGNATURES];
        size_t n = 0, signature_n = sizeof(signature);
        struct buf text = BUF_INIT, out = BUF_INIT;

        w->ok = w->ok && crypto_stream_block(w->whole, hash, &n, w->err);
        if (w->ok) {
                vault_backup_end_text(w->header, hash, &text);
                w->ok = buf_ok(&text) &&
                        crypto_sign(w->vault->deps.crypto, crypto_mechanism_find(CKM_SHA256_RSA_PKCS), &none,
                                    vault_partition_key(w->vault), buf_slice(&text), signature, &signature_n,
                                    w->err);
        }
        buf_put_slice(&out, VAULT_BACKUP_END);
        buf_put(&out, hash, n);
        buf_put_u16(&out, (uint16_t)signature_n);
        buf_put(&out, signature, w->ok ? signature_n : 0);
        w->size += out.n;
        w->ok = w->ok && buf_ok(&out) && vault_backup_fd_write(w->fd, buf_slice(&out), w->err);
        buf_clear(&text);
        buf_clear(&out);
        return w->ok;
}

/* The backup's key, encrypted to the owner's. */
static bool wrap_key(struct vault *v, struct vault_backup_header *h, const struct sec *key, struct err *err)
{
        struct ck_mech_param oaep = { .kind = CK_PARAM_OAEP, .present = true };
        struct crypto_key *owner = vault_backup_cert_key(v->deps.crypto, buf_slice(&h->owner), err);
        uint8_t out[512];
        size_t n = sizeof(out);
        bool ok;

        oaep.u.oaep.hash = OAEP_HASH;
        oaep.u.oaep.mgf = CKG_MGF1_SHA256;
        oaep.u.oaep.source = CKZ_DATA_SPECIFIED;
        ok = owner && crypto_encrypt(v->deps.crypto, crypto_mechanism_find(CKM_RSA_PKCS_OAEP), &oaep, owner,
                                     sec_slice(key), out, &n, NULL, err);
        buf_put(&h->wrapped, out, ok ? n : 0);
        crypto_key_unref(&owner);
        return ok;
}

static bool fill_header(struct vault *v, struct vault_backup_header *h, uint64_t epoch, struct err *err)
{
        h->epoch = epoch;
        h->revision = atomic_load(&v->revision);
        h->time_ms = clock_wall_ms(&v->deps.clock);
        memcpy(h->partition, vault_partition_id(v).p, sizeof(h->partition));
        memcpy(h->serial, vault_partition_serial(v), sizeof(h->serial));
        for (size_t i = 0; i < sizeof(h->node) - 1 && v->config.node_name[i]; i++)
                h->node[i] = v->config.node_name[i] > ' ' && v->config.node_name[i] < 0x7f
                                 ? v->config.node_name[i]
                                 : '_';
        return crypto_random(v->deps.crypto, h->id, sizeof(h->id), err) &&
               (vault_partition_cert(v, VAULT_CERT_OWNER, &h->owner, NULL) &&
                vault_partition_cert(v, VAULT_CERT_POAC, &h->certificate, NULL)) &&
               vault_manifest_of(v, &h->manifest, err);
}

static bool stream_new(struct vault *v, struct crypto_stream **out, struct err *err)
{
        static const struct ck_mech_param none = { .kind = CK_PARAM_NONE };

        return crypto_stream_new(v->deps.crypto, CRYPTO_DIGEST, crypto_mechanism_find(CKM_SHA256), &none,
                                 NULL, out, err);
}

static bool write_all(struct writer *w)
{
        struct vault *v = w->vault;
        struct buf head = BUF_INIT;
        store_rev at;

        w->ok = true;
        w->ok = stream_new(v, &w->digest, w->err) && stream_new(v, &w->whole, w->err) &&
                vault_backup_header_write(v, w->header, &head, w->err) && put(w, buf_slice(&head));
        buf_clear(&head);
        if (w->ok && !w->header->manifest_only)
                w->ok = put_chunk(w, vault_partition_master(v), false) &&
                        store_load(v->deps.store, SLICE_EMPTY, visit, w, &at, w->err) == STORE_OK &&
                        flush(w) && put_last(w);
        w->ok = w->ok && put_end(w);
        buf_clear(&w->chunk);
        crypto_stream_free(&w->digest);
        return w->ok;
}

static bool read_back(struct writer *w, struct vault_backup_info *info)
{
        struct vault_backup_summary s = { .master = NULL };
        struct vault_backup_header h;
        bool ok = vault_backup_header_read(w->vault->deps.crypto, w->fd, &h, w->err) &&
                  memcmp(h.hash, w->header->hash, sizeof(h.hash)) == 0 &&
                  vault_backup_read(w->vault->deps.crypto, w->fd, &h, h.manifest_only ? NULL : w->key, NULL,
                                    NULL, &s, w->err) &&
                  s.records == w->records;

        sec_free(&s.master);
        vault_backup_header_clear(&h);
        if (!ok)
                return err_prefix(w->err, "the backup does not read back as it was written");
        memcpy(info->id, w->header->id, sizeof(info->id));
        info->epoch = w->header->epoch;
        info->time_ms = w->header->time_ms;
        info->records = w->records;
        info->size = w->size;
        return true;
}

bool vault_backup_write(struct vault_call *call, int fd, bool manifest_only, struct vault_backup_info *info)
{
        struct vault *v = call->vault;
        store_rev rev;
        uint64_t epoch = vault_backup_epoch(v, &rev) + 1;
        struct vault_backup_header h = { .manifest_only = manifest_only,
                                         .owner = BUF_INIT,
                                         .certificate = BUF_INIT,
                                         .wrapped = BUF_INIT };
        struct writer w = { .vault = v, .fd = fd, .header = &h, .err = &call->err, .chunk = BUF_INIT };

        w.key = sec_new(CRYPTO_KEY_SIZE);
        w.ok = w.key && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
               crypto_random(v->deps.crypto, sec_bytes(w.key), CRYPTO_KEY_SIZE, &call->err) &&
               fill_header(v, &h, epoch, &call->err) &&
               (manifest_only || wrap_key(v, &h, w.key, &call->err)) && write_all(&w) &&
               read_back(&w, info) && vault_backup_epoch_put(call, epoch, rev);
        if (w.ok)
                call->subject = arena_printf(call->arena, "epoch %llu", (unsigned long long)epoch);
        crypto_stream_free(&w.whole);
        sec_free(&w.key);
        vault_backup_header_clear(&h);
        return w.ok || (!call->err.id && err_set(&call->err, ERR_MEMORY, "no memory for a backup"));
}

/* ---- the node's own ---- */

static bool now_once(struct vault_call *call, int fd, struct vault_backup_info *info, enum store_rc *rc)
{
        struct vault *v = call->vault;
        struct audit_record record = { .time_ms = clock_wall_ms(&v->deps.clock),
                                       .operation = "CN_BACKUP",
                                       .opcode = 0x17a,
                                       .role = "AU",
                                       .user = "app_user",
                                       .peer = call->peer->address };

        *rc = STORE_IO;
        if (!vault_backup_write(call, fd, false, info))
                return false;
        record.subject = call->subject;
        *rc = vault_lane_commit(call, &record, v->config.store_timeout_ms, &call->err);
        return *rc == STORE_OK;
}

bool vault_backup_now(struct vault *v, int fd, struct vault_backup_info *info, struct err *err)
{
        static const struct vault_peer peer = { .address = "schedule" };
        struct vault_call *call = calloc(1, sizeof(*call));
        enum store_rc rc = STORE_CONFLICT;
        bool ok = false;

        if (!call)
                return err_set(err, ERR_MEMORY, "no memory for a backup");
        if (vault_state(v) != VAULT_ACTIVATED) {
                free(call);
                return err_set(err, ERR_LIFE_CYCLE, "a partition is backed up once it is activated");
        }
        if (vault_region_role(v) == VAULT_FOLLOWER) {
                free(call);
                return err_set(err, ERR_REGION, "this region follows another one, which makes the backups");
        }
        for (int i = 0; !ok && rc == STORE_CONFLICT && i < TRIES; i++) {
                *call = (struct vault_call){ .vault = v, .peer = &peer };
                call->arena = arena_new(64 * 1024, 1024 * 1024);
                ok = call->arena && now_once(call, fd, info, &rc);
                arena_free(&call->arena);
        }
        if (!ok)
                err_set(err, call->err.id ? call->err.id : ERR_STORE, "%s",
                        call->err.id ? call->err.detail : "the store did not take the backup's record");
        free(call);
        return ok;
}
