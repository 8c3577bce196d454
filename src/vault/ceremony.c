/* The ceremony: how a customer becomes the partition's owner. spec/semantics.md 3 and 4. */
#include "vault/partition.h"

static bool fill(struct vault_call *call, const struct buf *from, ProtobufCBinaryData *to)
{
        struct slice copy = arena_copy(call->arena, buf_slice(from));

        if (!buf_ok(from) || !copy.p)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        to->data = (uint8_t *)(uintptr_t)copy.p;
        to->len = copy.n;
        return true;
}

static const char *cert_name(uint32_t type)
{
        switch (type) {
        case VAULT_CERT_MARC:
                return "manufacturer root (1)";
        case VAULT_CERT_MAC:
                return "HSM certificate of the manufacturer (2)";
        case VAULT_CERT_OWNER:
                return "partition owner certificate (4)";
        case VAULT_CERT_POAC:
                return "partition certificate issued by the owner (8)";
        case VAULT_CERT_PAC:
                return "partition certificate issued by the HSM (16)";
        case VAULT_CERT_AOTAC:
                return "operator root (32)";
        case VAULT_CERT_AOAC:
                return "HSM certificate of the operator (64)";
        default:
                return NULL;
        }
}

bool vault_get_cert(struct vault_call *call)
{
        uint32_t type = call->request->get_cert->type;
        Chsm__GetCertResponse *r = arena_alloc(call->arena, sizeof(*r));
        struct buf der = BUF_INIT, pem = BUF_INIT;
        bool ok = false;

        if (!r) {
                err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        } else if (!cert_name(type)) {
                err_set(&call->err, ERR_ARGUMENT, "there is no certificate type %u; types are 1, 2, 4 ... 64",
                        type);
        } else if (!vault_partition_cert(call->vault, type, &der, NULL)) {
                err_set(&call->err, ERR_CERT_ABSENT, "the %s has not been stored", cert_name(type));
        } else {
                chsm__get_cert_response__init(r);
                ok = crypto_cert_pem(call->vault->deps.crypto, buf_slice(&der), &pem, &call->err) &&
                     fill(call, &pem, &r->pem);
                call->response->get_cert = r;
                call->response->body_case = CHSM__RESPONSE__BODY_GET_CERT;
        }
        buf_clear(&der);
        buf_clear(&pem);
        return ok;
}

bool vault_cert_request(struct vault_call *call)
{
        struct vault *v = call->vault;
        Chsm__CertRequestResponse *r = arena_alloc(call->arena, sizeof(*r));
        const char *cn =
            arena_printf(call->arena, "HSM:%s:PARTN:1, for non-FIPS mode", vault_partition_serial(v));
        struct crypto_cert_name name = {
                .cn = cn, .ou = "N3FIPS", .o = "Cavium", .l = "SanJose", .st = "CA", .c = "US"
        };
        struct buf pem = BUF_INIT;
        bool ok;

        if (!r || !cn)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__cert_request_response__init(r);
        ok = crypto_cert_request(v->deps.crypto, vault_partition_key(v), &name, &pem, &call->err) &&
             fill(call, &pem, &r->pem);
        call->response->cert_request = r;
        call->response->body_case = CHSM__RESPONSE__BODY_CERT_REQUEST;
        buf_clear(&pem);
        return ok;
}

/* What is already there decides first: a second owner is refused before his certificate is looked at. */
static bool check_order(struct vault_call *call, uint32_t type, struct buf *owner)
{
        bool has_owner = vault_partition_cert(call->vault, VAULT_CERT_OWNER, owner, NULL);

        if (type != VAULT_CERT_OWNER && type != VAULT_CERT_POAC)
                return err_set(
                    &call->err, ERR_ARGUMENT,
                    "only the owner's certificate (4) and the partition's (8) can be stored, not %u", type);
        if (vault_partition_cert(call->vault, type, NULL, NULL))
                return err_set(&call->err, ERR_CERT_EXISTS, "the %s is stored already and permanent",
                               cert_name(type));
        if (type == VAULT_CERT_POAC && !has_owner)
                return err_set(&call->err, ERR_CERT_ABSENT,
                               "the owner certificate is missing; run: storeCert <PO.crt> 4 first");
        return true;
}

bool vault_store_cert(struct vault_call *call)
{
        struct vault *v = call->vault;
        const Chsm__StoreCertRequest *in = call->request->store_cert;
        uint8_t type = (uint8_t)in->type;
        struct slice key = vault_call_key(call, "c/", slice_of(&type, 1));
        struct slice given = slice_of(in->certificate.data, in->certificate.len);
        int64_t now = clock_wall_ms(&v->deps.clock);
        struct buf der = BUF_INIT, owner = BUF_INIT;
        bool ok =
            check_order(call, in->type, &owner) && crypto_cert_read(v->deps.crypto, given, &der, &call->err);

        if (ok && in->type == VAULT_CERT_OWNER)
                ok = crypto_cert_check_owner(v->deps.crypto, buf_slice(&der), now, &call->err);
        else if (ok)
                ok = crypto_cert_check_issued(v->deps.crypto, buf_slice(&der), buf_slice(&owner),
                                              vault_partition_key(v), now, &call->err) &&
                     vault_partition_put_state(call, VAULT_OWNED);
        ok = ok && vault_call_guard(call, STORE_ABSENT, key, 0) && vault_record_put(call, key, &der) &&
             vault_call_done(call);
        buf_clear(&der);
        buf_clear(&owner);
        return ok;
}
