/* Backups and restores, as the tools ask for them; what the owner does with openssl is done with his key.
 * Each returns the reason, enum err_id. */
#ifndef CHSM_TESTS_VAULT_BACKUP_CALLS_H
#define CHSM_TESTS_VAULT_BACKUP_CALLS_H

#include "mask_calls.h"
#include "vault/backup.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

struct owner {
        EVP_PKEY *key;
};

/* The owner's key as libcrypto itself holds it: these tests do not check the vault with the vault. */
static inline struct owner owner_of(struct hsm *h)
{
        struct sec *der = crypto_key_material(h->owner_key, &h->err);
        const uint8_t *p;
        struct owner o;

        assert_non_null(der);
        p = sec_slice(der).p;
        o.key = d2i_AutoPrivateKey(NULL, &p, (long)sec_size(der));
        assert_non_null(o.key);
        sec_free(&der);
        return o;
}

static inline void owner_sign(struct owner *o, struct slice text, struct given *out)
{
        EVP_MD_CTX *context = EVP_MD_CTX_new();

        out->n = sizeof(out->p);
        assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, o->key), 1);
        assert_int_equal(EVP_DigestSign(context, out->p, &out->n, text.p, text.n), 1);
        EVP_MD_CTX_free(context);
}

static inline void oaep(EVP_PKEY_CTX *context)
{
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()), 1);
}

/* Decrypts what was encrypted to the owner and encrypts it to the key in the PEM text. */
static inline void owner_unlock(struct owner *o, struct slice wrapped, struct slice pem, struct given *out)
{
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
        EVP_PKEY *target = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        EVP_PKEY_CTX *open = EVP_PKEY_CTX_new(o->key, NULL), *close = EVP_PKEY_CTX_new(target, NULL);
        uint8_t key[512];
        size_t n = sizeof(key);

        assert_int_equal(EVP_PKEY_decrypt_init(open), 1);
        oaep(open);
        if (EVP_PKEY_decrypt(open, key, &n, wrapped.p, wrapped.n) != 1)
                memset(key, 0, n = 32); /* it was not for him */
        assert_int_equal(n, 32);
        assert_int_equal(EVP_PKEY_encrypt_init(close), 1);
        oaep(close);
        out->n = sizeof(out->p);
        assert_int_equal(EVP_PKEY_encrypt(close, out->p, &out->n, key, n), 1);
        EVP_PKEY_CTX_free(open);
        EVP_PKEY_CTX_free(close);
        EVP_PKEY_free(target);
        BIO_free(bio);
}

/* ---- requests ---- */

static inline uint32_t take_backup(struct caller *c, bool manifest_only, struct buf *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__OpenBackupRequest open = CHSM__OPEN_BACKUP_REQUEST__INIT;
        Chsm__ReadBackupRequest part = CHSM__READ_BACKUP_REQUEST__INIT;
        const Chsm__Response *response;
        uint64_t size;

        open.manifest_only = manifest_only;
        r.open_backup = &open;
        r.body_case = CHSM__REQUEST__BODY_OPEN_BACKUP;
        response = ask(c, &r);
        if (response->status)
                return response->reason;
        part.stream = response->backup->stream;
        size = response->backup->size;
        *out = BUF_INIT;
        do {
                Chsm__Request again = CHSM__REQUEST__INIT;

                part.offset = out->n;
                again.read_backup = &part;
                again.body_case = CHSM__REQUEST__BODY_READ_BACKUP;
                response = ask(c, &again);
                assert_int_equal(response->status, 0);
                buf_put(out, response->data->data.data, response->data->data.len);
        } while (response->data->data.len);
        assert_int_equal(out->n, size);
        return 0;
}

static inline uint32_t send_backup(struct caller *c, const struct buf *file, uint64_t *stream)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__OpenRestoreRequest open = CHSM__OPEN_RESTORE_REQUEST__INIT;
        const Chsm__Response *response;

        r.open_restore = &open;
        r.body_case = CHSM__REQUEST__BODY_OPEN_RESTORE;
        response = ask(c, &r);
        if (response->status)
                return response->reason;
        *stream = response->backup->stream;
        for (size_t at = 0; at < file->n;) {
                Chsm__Request again = CHSM__REQUEST__INIT;
                Chsm__WriteRestoreRequest part = CHSM__WRITE_RESTORE_REQUEST__INIT;
                size_t n = file->n - at < 100000 ? file->n - at : 100000;

                part.stream = *stream;
                part.offset = at;
                part.data = (ProtobufCBinaryData){ n, file->p + at };
                again.write_restore = &part;
                again.body_case = CHSM__REQUEST__BODY_WRITE_RESTORE;
                response = ask(c, &again);
                assert_int_equal(response->status, 0);
                at += n;
        }
        return 0;
}

/* A restore as far as it comes: plan, the owner's two answers, commit. */
struct restore {
        struct caller *caller;
        uint64_t stream, newest;
        char statement[16384];
        struct given signature, unlock;
};

static inline uint32_t restore_plan(struct restore *r, const struct buf *file, const struct buf *newest,
                                    struct owner *o)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__PlanRestoreRequest plan = CHSM__PLAN_RESTORE_REQUEST__INIT;
        const Chsm__Response *response;
        uint32_t rv = send_backup(r->caller, file, &r->stream);

        r->newest = 0;
        if (rv == 0 && newest)
                rv = send_backup(r->caller, newest, &r->newest);
        if (rv)
                return rv;
        plan.stream = r->stream;
        plan.newest = r->newest;
        request.plan_restore = &plan;
        request.body_case = CHSM__REQUEST__BODY_PLAN_RESTORE;
        response = ask(r->caller, &request);
        if (response->status)
                return response->reason;
        snprintf(r->statement, sizeof(r->statement), "%.*s", (int)response->plan_restore->statement.len,
                 (const char *)response->plan_restore->statement.data);
        owner_sign(o, slice_str(r->statement), &r->signature);
        owner_unlock(
            o, slice_of(response->plan_restore->wrapped.data, response->plan_restore->wrapped.len),
            slice_of(response->plan_restore->public_key.data, response->plan_restore->public_key.len),
            &r->unlock);
        return 0;
}

static inline uint32_t restore_commit(struct restore *r)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__CommitRestoreRequest commit = CHSM__COMMIT_RESTORE_REQUEST__INIT;

        commit.stream = r->stream;
        commit.newest = r->newest;
        commit.signature = (ProtobufCBinaryData){ r->signature.n, r->signature.p };
        commit.unlock = (ProtobufCBinaryData){ r->unlock.n, r->unlock.p };
        request.commit_restore = &commit;
        request.body_case = CHSM__REQUEST__BODY_COMMIT_RESTORE;
        return ask(r->caller, &request)->reason;
}

/* An unowned HSM with PRECO logged in. */
static inline struct hsm *fresh_hsm(struct caller *preco)
{
        struct hsm *h = hsm_new();

        *preco = caller_new(h);
        assert_int_equal(caller_login(preco, 6, "admin", "tenantadmin"), 0);
        return h;
}

#endif
