/* Reads the records of tests/vectors: what each field means stands in its README. */
#ifndef CHSM_TESTS_CRYPTO_VECTORS_H
#define CHSM_TESTS_CRYPTO_VECTORS_H

#include "engine.h"
#include "ck/names.h"

#define RECORDS_MAX 400

struct record {
        char from[80], mechanism[40], op[16], type[40];
        struct buf key, iv, aad, in, out;
        uint32_t n, bits;
};

static struct record records[RECORDS_MAX];
static size_t count;

static void take_field(struct record *r, const char *name, const char *value)
{
        const struct {
                const char *name;
                struct buf *bytes;
                char *text;
                size_t room;
                uint32_t *number;
        } fields[] = { { "from", NULL, r->from, sizeof(r->from), NULL },
                       { "mechanism", NULL, r->mechanism, sizeof(r->mechanism), NULL },
                       { "op", NULL, r->op, sizeof(r->op), NULL },
                       { "type", NULL, r->type, sizeof(r->type), NULL },
                       { "key", &r->key, NULL, 0, NULL },
                       { "iv", &r->iv, NULL, 0, NULL },
                       { "aad", &r->aad, NULL, 0, NULL },
                       { "in", &r->in, NULL, 0, NULL },
                       { "out", &r->out, NULL, 0, NULL },
                       { "n", NULL, NULL, 0, &r->n },
                       { "bits", NULL, NULL, 0, &r->bits } };

        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
                if (strcmp(name, fields[i].name) != 0)
                        continue;
                if (fields[i].text)
                        snprintf(fields[i].text, fields[i].room, "%s", value);
                else if (fields[i].number)
                        *fields[i].number = (uint32_t)strtoul(value, NULL, 10);
                else if (!text_from_hex(slice_str(value), fields[i].bytes))
                        exit(2);
                return;
        }
        exit(2); /* a field that nobody reads */
}

static void records_read(const char *name)
{
        char path[512], line[2200], field[20], value[2100];
        bool open = false;
        FILE *f;

        snprintf(path, sizeof(path), "%s/tests/vectors/%s", TEST_SOURCE_DIR, name);
        f = fopen(path, "r");
        if (!f)
                exit(2);
        while (fgets(line, sizeof(line), f) && count < RECORDS_MAX) {
                value[0] = '\0';
                if (sscanf(line, "%19s = %2099[^\n]", field, value) >= 1 && line[0] != '\n') {
                        take_field(&records[count], field, value);
                        open = true;
                } else if (open) {
                        count++;
                        open = false;
                }
        }
        count += open;
        fclose(f);
}

static void records_clear(void)
{
        for (size_t i = 0; i < count; i++) {
                buf_clear(&records[i].key);
                buf_clear(&records[i].iv);
                buf_clear(&records[i].aad);
                buf_clear(&records[i].in);
                buf_clear(&records[i].out);
        }
}

static inline const struct crypto_mechanism *record_mechanism(const struct record *r)
{
        uint64_t number = 0;
        const struct crypto_mechanism *m;

        assert_true(ck_number(CK_KIND_MECHANISM, r->mechanism, &number));
        m = crypto_mechanism_find(number);
        assert_non_null(m);
        return m;
}

/* The record's parameter; its slices belong to the record. */
static inline struct ck_mech_param record_param(const struct record *r, const struct crypto_mechanism *m)
{
        struct ck_mech_param p = { .kind = CK_PARAM_NONE };

        assert_true(ck_mech_param_kind(crypto_mechanism_number(m), &p.kind, NULL));
        p.present = r->iv.n > 0 || r->n > 0;
        switch (p.kind) {
        case CK_PARAM_NUMBER:
                p.u.number = r->n;
                break;
        case CK_PARAM_CTR:
                p.u.ctr.bits = r->bits;
                assert_int_equal(r->iv.n, sizeof(p.u.ctr.block));
                memcpy(p.u.ctr.block, r->iv.p, r->iv.n);
                break;
        case CK_PARAM_GCM:
                p.u.gcm.iv = buf_slice(&r->iv);
                p.u.gcm.aad = buf_slice(&r->aad);
                p.u.gcm.tag_bits = r->n * 8;
                break;
        case CK_PARAM_CCM:
                p.u.ccm.nonce = buf_slice(&r->iv);
                p.u.ccm.aad = buf_slice(&r->aad);
                p.u.ccm.mac_len = r->n;
                p.u.ccm.data_len = (uint32_t)r->in.n;
                break;
        case CK_PARAM_CHACHA:
                p.u.chacha.counter = slice_of(r->iv.p, r->bits / 8);
                p.u.chacha.nonce = slice_of(r->iv.p + r->bits / 8, r->iv.n - r->bits / 8);
                break;
        case CK_PARAM_CHACHA_POLY:
                p.u.chacha_poly.nonce = buf_slice(&r->iv);
                p.u.chacha_poly.aad = buf_slice(&r->aad);
                break;
        default:
                p.u.bytes = buf_slice(&r->iv);
        }
        return p;
}

static inline struct crypto_key *record_key(const struct record *r, const struct crypto_mechanism *m)
{
        static const uint64_t usual[] = { CKK_GENERIC_SECRET, CKK_AES,  CKK_AES_XTS,
                                          CKK_CHACHA20,       CKK_DES3, CKK_DES };
        struct crypto_key *key = NULL;
        struct err err = ERR_INIT;
        uint64_t type = 0;

        if (r->type[0])
                assert_true(ck_number(CK_KIND_KEY_TYPE, r->type, &type));
        for (size_t i = 0; !r->type[0] && i < sizeof(usual) / sizeof(usual[0]); i++) {
                if (crypto_mechanism_key_type(m, usual[i])) {
                        type = usual[i];
                        break;
                }
        }
        assert_true(crypto_key_open(engine, CRYPTO_SECRET, type, buf_slice(&r->key), &key, &err));
        return key;
}

#endif
