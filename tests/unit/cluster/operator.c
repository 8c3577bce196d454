#include "operator.h"

static void make_key(struct hsm *h, struct crypto_key **key, struct crypto_key **pub)
{
        struct crypto_key_spec spec = { .key_type = CKK_EC, .curve = slice_of(hsm_p256, 10) };

        if (!crypto_key_pair_generate(h->crypto, &spec, key, pub, &h->err))
                fail_msg("%s", h->err.detail);
}

void operator_make(struct hsm *h, struct operator* o)
{
        struct crypto_cert_name name = { .cn = "operator" };

        *o = (struct operator){ .der = BUF_INIT };
        make_key(h, &o->key, &o->pub);
        assert_true(crypto_cert_issue(h->crypto, o->key, &name, o->key, SLICE_EMPTY, true, 3650, h->wall_ms,
                                      &o->der, &h->err));
        assert_true(crypto_cert_pem(h->crypto, buf_slice(&o->der), &o->pem, &h->err));
}

void operator_free(struct operator* o)
{
        crypto_key_unref(&o->key);
        crypto_key_unref(&o->pub);
        buf_clear(&o->der);
        buf_clear(&o->pem);
}

struct crypto_identity *identity_make(struct hsm *h, struct operator* issuer, struct operator* anchor,
                                      const char *cn, int64_t issued_ms)
{
        struct crypto_cert_name name = { .cn = cn };
        struct crypto_key *key, *pub;
        struct buf der = BUF_INIT, pem = BUF_INIT;
        struct sec *private_pem;
        struct crypto_identity *id;

        make_key(h, &key, &pub);
        assert_true(crypto_cert_issue(h->crypto, key, &name, issuer->key, buf_slice(&issuer->der), false, 30,
                                      issued_ms, &der, &h->err));
        assert_true(crypto_cert_pem(h->crypto, buf_slice(&der), &pem, &h->err));
        private_pem = crypto_key_private_pem(key, &h->err);
        assert_non_null(private_pem);
        id = crypto_identity_open(h->crypto, buf_slice(&pem), sec_slice(private_pem), buf_slice(&anchor->pem),
                                  issued_ms, &h->err);
        sec_free(&private_pem);
        buf_clear(&der);
        buf_clear(&pem);
        crypto_key_unref(&key);
        crypto_key_unref(&pub);
        return id;
}
