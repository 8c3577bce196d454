/* The first start: what the manufacturer and the service do to an HSM before its customer sees it. */
#include "base/log.h"
#include "ck/cryptoki.h"
#include "vault/ledger.h"
#include "vault/partition.h"
#include "vault/users.h"

#include <stdio.h>
#include <stdlib.h>

#define FACTORY_DAYS (30 * 365)

/* Makes certificates of both factory hierarchies; only the partition key is kept. */
struct factory {
        struct vault_call *call;
        struct crypto *crypto;
        int64_t now_ms;
        struct crypto_key *maker, *hsm, *owner; /* manufacturer, HSM, adapter owner */
        struct crypto_key *partition;
        const char *serial;
        struct buf der[VAULT_CERT_AOAC + 1]; /* by type */
};

static struct crypto_key *rsa_key(struct crypto *crypto, struct err *err)
{
        struct crypto_key_spec spec = { .key_type = CKK_RSA, .bits = 2048 };
        struct crypto_key *private_key = NULL, *public_key = NULL;

        if (!crypto_key_pair_generate(crypto, &spec, &private_key, &public_key, err))
                return NULL;
        crypto_key_unref(&public_key);
        return private_key;
}

static bool issue(struct factory *f, enum vault_cert_type type, const struct crypto_key *subject,
                  const char *cn, const char *unit, const struct crypto_key *issuer,
                  enum vault_cert_type issuer_type)
{
        struct crypto_cert_name name = { .cn = cn, .ou = unit, .o = "chsm", .c = "US" };
        struct slice issuer_der = issuer_type ? buf_slice(&f->der[issuer_type]) : SLICE_EMPTY;
        uint8_t type_byte = (uint8_t)type;
        struct slice key = vault_call_key(f->call, "c/", slice_of(&type_byte, 1));

        return crypto_cert_issue(f->crypto, subject, &name, issuer, issuer_der, type != VAULT_CERT_PAC,
                                 FACTORY_DAYS, f->now_ms, &f->der[type], &f->call->err) &&
               vault_record_put(f->call, key, &f->der[type]);
}

static bool make_certificates(struct factory *f)
{
        struct err *err = &f->call->err;
        char hsm[64], partition[64];

        (void)snprintf(hsm, sizeof(hsm), "HSM:%s", f->serial);
        (void)snprintf(partition, sizeof(partition), "HSM:%s:PARTN:1", f->serial);
        return (f->maker = rsa_key(f->crypto, err)) && (f->hsm = rsa_key(f->crypto, err)) &&
               (f->owner = rsa_key(f->crypto, err)) && (f->partition = rsa_key(f->crypto, err)) &&
               issue(f, VAULT_CERT_MARC, f->maker, "chsm manufacturer root", "manufacturer", f->maker,
                     (enum vault_cert_type)0) &&
               issue(f, VAULT_CERT_MAC, f->hsm, hsm, "manufacturer", f->maker, VAULT_CERT_MARC) &&
               issue(f, VAULT_CERT_PAC, f->partition, partition, "partition", f->hsm, VAULT_CERT_MAC) &&
               issue(f, VAULT_CERT_AOTAC, f->owner, "chsm operator root", "operator", f->owner,
                     (enum vault_cert_type)0) &&
               issue(f, VAULT_CERT_AOAC, f->hsm, hsm, "operator", f->owner, VAULT_CERT_AOTAC);
}

static bool put_state(struct factory *f)
{
        struct vault *v = f->call->vault;
        struct vault_partition_record record = { .state = VAULT_UNOWNED, .created_ms = f->now_ms };
        struct buf sealed = BUF_INIT, body = BUF_INIT;
        struct slice key = vault_call_key(f->call, "p/state", SLICE_EMPTY);
        struct sec *material = crypto_key_material(f->partition, &f->call->err);
        struct sec *seal = material ? vault_derive(v, "partition-key", SLICE_EMPTY, &f->call->err) : NULL;
        bool ok = seal && crypto_seal(f->crypto, sec_slice(seal), vault_partition_id(v), sec_slice(material),
                                      &sealed, &f->call->err);

        if (ok) {
                memcpy(record.id, vault_partition_id(v).p, VAULT_ID_SIZE);
                memcpy(record.serial, f->serial, VAULT_SERIAL_SIZE);
                record.sealed_key = buf_slice(&sealed);
                vault_partition_record_encode(&record, &body);
                ok = vault_call_guard(f->call, STORE_ABSENT, key, 0) && vault_record_put(f->call, key, &body);
        }
        sec_free(&material);
        sec_free(&seal);
        buf_clear(&sealed);
        buf_clear(&body);
        return ok;
}

static bool put_users(struct factory *f)
{
        struct vault *v = f->call->vault;
        struct vault_user_view admin = {
                .id = 1, .role = VAULT_PRECO, .rights = VAULT_RIGHTS_ALL, .name = "admin", .key = "admin"
        };
        struct vault_user_view app = {
                .id = 2, .role = VAULT_AU, .rights = VAULT_RIGHTS_ALL, .name = "app_user", .key = "app_user"
        };
        struct slice key = vault_call_key(f->call, "p/users", SLICE_EMPTY);
        struct buf next = BUF_INIT;
        bool ok;

        admin.epoch = app.epoch = 1;
        admin.created_ms = app.created_ms = f->now_ms;
        buf_put_u32(&next, 3);
        ok = crypto_password_hash(f->crypto, &v->config.password_cost, SLICE_LIT("tenantadmin"),
                                  admin.password, &f->call->err) &&
             vault_user_put(f->call, &admin) && vault_user_put(f->call, &app) &&
             vault_record_put(f->call, key, &next);
        buf_clear(&next);
        return ok;
}

static bool put_master_key(struct factory *f, struct slice pmk)
{
        struct vault *v = f->call->vault;
        struct buf sealed = BUF_INIT, node = BUF_INIT;
        bool ok;

        buf_put_u32(&node, v->config.node_number);
        ok = buf_ok(&node) && v->deps.sealer.seal(v->deps.sealer.arg, pmk, &sealed, &f->call->err) &&
             buf_ok(&sealed) &&
             vault_call_put(f->call, vault_call_key(f->call, "p/pmk/", buf_slice(&node)),
                            arena_copy(f->call->arena, buf_slice(&sealed)));
        buf_clear(&sealed);
        buf_clear(&node);
        return ok;
}

static bool commit(struct vault_call *call, struct err *err)
{
        struct vault *v = call->vault;
        struct store_guard guards[VAULT_CALL_OPS + VAULT_BOOKS_GUARDS(VAULT_CALL_OPS + 1)];
        struct store_op ops[VAULT_CALL_OPS + 1];
        size_t guard_count = call->guard_count, op_count = call->op_count;
        struct store_result result;

        memcpy(guards, call->guards, guard_count * sizeof(guards[0]));
        memcpy(ops, call->ops, op_count * sizeof(ops[0]));
        return vault_books_add(call, 0, guards, &guard_count, sizeof(guards) / sizeof(guards[0]), ops,
                               &op_count) &&
               store_txn(v->deps.store, guards, guard_count, ops, op_count, v->config.store_timeout_ms,
                         &result, err) == STORE_OK;
}

static bool make_partition(struct factory *f)
{
        struct vault *v = f->call->vault;
        struct err *err = &f->call->err;
        uint8_t id[VAULT_ID_SIZE];
        struct sec *pmk = sec_new(CRYPTO_KEY_SIZE);

        if (!pmk)
                return err_set(err, ERR_MEMORY, "no memory for the master key");
        if (!crypto_random(f->crypto, id, sizeof(id), err) ||
            !crypto_random(f->crypto, sec_bytes(pmk), CRYPTO_KEY_SIZE, err) ||
            !put_master_key(f, sec_slice(pmk))) {
                sec_free(&pmk);
                return false;
        }
        return vault_partition_adopt(v, id, pmk, err) && make_certificates(f) && put_users(f) &&
               put_state(f) && commit(f->call, err);
}

bool vault_partition_initialise(struct vault *v, struct err *err)
{
        struct arena *arena = arena_new(64 * 1024, 1024 * 1024);
        struct vault_call *call = calloc(1, sizeof(*call));
        struct factory f = { .call = call, .crypto = v->deps.crypto };
        struct buf serial = BUF_INIT;
        uint8_t number[VAULT_SERIAL_SIZE / 2];
        bool ok = false;

        if (!arena || !call) {
                err_set(err, ERR_MEMORY, "no memory to make a partition");
                goto out;
        }
        call->vault = v;
        call->arena = arena;
        f.now_ms = clock_wall_ms(&v->deps.clock);
        ok = crypto_random(v->deps.crypto, number, sizeof(number), &call->err);
        buf_put_hex(&serial, slice_of(number, sizeof(number)));
        f.serial = buf_text(&serial);
        ok = ok && f.serial && make_partition(&f);
        if (!ok)
                err_set(err, call->err.id ? call->err.id : ERR_MEMORY, "the partition cannot be made: %s",
                        call->err.detail);
        else
                log_info("made a new partition with serial %s; it waits for its owner", f.serial);
out:
        crypto_key_unref(&f.maker);
        crypto_key_unref(&f.hsm);
        crypto_key_unref(&f.owner);
        crypto_key_unref(&f.partition);
        for (size_t i = 0; i <= VAULT_CERT_AOAC; i++)
                buf_clear(&f.der[i]);
        buf_clear(&serial);
        free(call);
        arena_free(&arena);
        return ok;
}
