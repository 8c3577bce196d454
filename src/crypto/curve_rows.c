/* Curves by the DER object identifiers of CKA_EC_PARAMS. */
#include "ck/cryptoki.h"
#include "crypto/internal.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <strings.h>

#define OID(...) .oid = { __VA_ARGS__ }, .oid_n = sizeof((const uint8_t[]){ __VA_ARGS__ })

/* The most used ones first. */
static const struct crypto_curve curves[] = {
        { .name = "P-256",
          .key_type = CKK_EC,
          .bits = 256,
          OID(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07) },
        { .name = "P-384", .key_type = CKK_EC, .bits = 384, OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22) },
        { .name = "P-521", .key_type = CKK_EC, .bits = 521, OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23) },
        { .name = "P-224", .key_type = CKK_EC, .bits = 224, OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21) },
        { .name = "secp256k1",
          .key_type = CKK_EC,
          .bits = 256,
          OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a) },
        { .name = "brainpoolP256r1",
          .key_type = CKK_EC,
          .bits = 256,
          OID(0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07) },
        { .name = "brainpoolP384r1",
          .key_type = CKK_EC,
          .bits = 384,
          OID(0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b) },
        { .name = "brainpoolP512r1",
          .key_type = CKK_EC,
          .bits = 512,
          OID(0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d) },
        { .name = "brainpoolP224r1",
          .key_type = CKK_EC,
          .bits = 224,
          OID(0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x05) },
        { .name = "brainpoolP320r1",
          .key_type = CKK_EC,
          .bits = 320,
          OID(0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x09) },
        { .name = "P-192",
          .key_type = CKK_EC,
          .bits = 192,
          .non_fips = true,
          OID(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01) },
        { .name = "ED25519",
          .key_type = CKK_EC_EDWARDS,
          .bits = 256,
          OID(0x06, 0x03, 0x2b, 0x65, 0x70),
          .printable = "edwards25519" },
        { .name = "ED448",
          .key_type = CKK_EC_EDWARDS,
          .bits = 456,
          OID(0x06, 0x03, 0x2b, 0x65, 0x71),
          .printable = "edwards448" },
        { .name = "X25519",
          .key_type = CKK_EC_MONTGOMERY,
          .bits = 256,
          .non_fips = true,
          OID(0x06, 0x03, 0x2b, 0x65, 0x6e),
          .printable = "curve25519" },
        { .name = "X448",
          .key_type = CKK_EC_MONTGOMERY,
          .bits = 448,
          .non_fips = true,
          OID(0x06, 0x03, 0x2b, 0x65, 0x6f),
          .printable = "curve448" },
};

/* The object identifier of explicit domain parameters that are a named curve's in every number, generator and
 * order included. Empty: they are none's, or cannot be read. */
static struct slice explicit_name(struct slice params, uint8_t out[16])
{
        const unsigned char *at = params.p;
        EC_GROUP *group = params.n <= 1024 ? d2i_ECPKParameters(NULL, &at, (long)params.n) : NULL;
        int nid = group && at == params.p + params.n ? EC_GROUP_check_named_curve(group, 0, NULL) : NID_undef;
        const ASN1_OBJECT *object = nid != NID_undef ? OBJ_nid2obj(nid) : NULL;
        int n = object ? i2d_ASN1_OBJECT(object, NULL) : 0;

        if (n > 0 && n <= 16)
                (void)i2d_ASN1_OBJECT(object, &out);
        EC_GROUP_free(group);
        ERR_clear_error();
        return n > 0 && n <= 16 ? slice_of(out - n, (size_t)n) : SLICE_EMPTY;
}

const struct crypto_curve *crypto_curve_find(struct slice params)
{
        uint8_t name[16];

        if (params.n && params.p[0] == 0x30)
                params = explicit_name(params, name);
        for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
                const struct crypto_curve *c = &curves[i];

                if (slice_equal(params, slice_of(c->oid, c->oid_n)))
                        return c;
                if (c->printable && params.n > 2 && params.p[0] == 0x13 && params.p[1] == params.n - 2 &&
                    slice_equal(slice_of(params.p + 2, params.n - 2), slice_str(c->printable)))
                        return c;
        }
        return NULL;
}

const struct crypto_curve *crypto_curve_named(const char *name)
{
        for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
                const struct crypto_curve *c = &curves[i];

                if (strcasecmp(c->name, name) == 0 ||
                    slice_equal(slice_of(c->oid, c->oid_n), slice_str(name)))
                        return c;
        }
        return NULL;
}
