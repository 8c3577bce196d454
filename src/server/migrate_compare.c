#include "server/migrate.h"
#include "crypto/mechanism.h"

#include <stdio.h>
#include <string.h>

#define TELL_EVERY 1000

static const char *const left_out[] = { "p/went", "n/", "j/" };

bool migrate_leaves(struct slice key)
{
        for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
                size_t n = strlen(left_out[i]);

                if (key.n >= n && memcmp(key.p, left_out[i], n) == 0)
                        return true;
        }
        return false;
}

struct sum {
        struct migrate_sums *sums;
        struct crypto_stream *digest;
        struct buf record;
        void (*tell)(void *, uint64_t);
        void *arg;
        struct err *err;
        bool ok;
};

static bool visit(void *arg, const struct store_event *e)
{
        struct sum *s = arg;

        if (migrate_leaves(e->key))
                return true;
        buf_reset(&s->record);
        buf_put_block(&s->record, e->key);
        buf_put_block(&s->record, e->value);
        s->ok = (buf_ok(&s->record) || err_set(s->err, ERR_MEMORY, "no memory to read the store")) &&
                crypto_stream_update(s->digest, buf_slice(&s->record), s->err);
        s->sums->of_prefix[e->key.p[0] & 0x7f]++;
        if (++s->sums->records % TELL_EVERY == 0 && s->tell)
                s->tell(s->arg, s->sums->records);
        return s->ok;
}

bool migrate_sum(struct store *store, struct crypto *crypto, struct migrate_sums *sums,
                 void (*tell)(void *, uint64_t), void *arg, struct err *err)
{
        static const struct ck_mech_param none = { .kind = CK_PARAM_NONE };
        struct sum s = { .sums = sums, .record = BUF_INIT, .tell = tell, .arg = arg, .err = err };
        uint8_t digest[CRYPTO_BLOCK_MAX];
        store_rev at;
        size_t n = 0;

        *sums = (struct migrate_sums){ 0 };
        s.ok = crypto_stream_new(crypto, CRYPTO_DIGEST, crypto_mechanism_find(CKM_SHA256), &none, NULL,
                                 &s.digest, err);
        s.ok = s.ok && store_load(store, SLICE_EMPTY, visit, &s, &at, err) == STORE_OK && s.ok &&
               crypto_stream_block(s.digest, digest, &n, err);
        if (s.ok)
                memcpy(sums->digest, digest, sizeof(sums->digest));
        crypto_stream_free(&s.digest);
        buf_clear(&s.record);
        return s.ok;
}

static void print_digest(const char *name, const struct migrate_sums *sums)
{
        printf("  %-8s ", name);
        for (size_t i = 0; i < sizeof(sums->digest); i++)
                printf("%02x", sums->digest[i]);
        printf("\n");
}

bool migrate_same(const struct migrate_sums *from, const struct migrate_sums *to, const char *from_name,
                  const char *to_name)
{
        static const struct {
                char prefix;
                const char *name;
        } rows[] = { { 'o', "keys and objects" }, { 'u', "users" },        { 'm', "audit records" },
                     { 'l', "audit chains" },     { 'q', "fingerprints" }, { 'c', "certificates" },
                     { 's', "policies" },         { 'y', "use counts" } };
        uint64_t named_from = 0, named_to = 0;

        printf("%-20s %12s %12s\n", "", from_name, to_name);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint64_t a = from->of_prefix[(int)rows[i].prefix], b = to->of_prefix[(int)rows[i].prefix];

                printf("%-20s %12llu %12llu\n", rows[i].name, (unsigned long long)a, (unsigned long long)b);
                named_from += a;
                named_to += b;
        }
        printf("%-20s %12llu %12llu\n", "other records", (unsigned long long)(from->records - named_from),
               (unsigned long long)(to->records - named_to));
        printf("%-20s %12llu %12llu\nSHA-256 of all records:\n", "all records",
               (unsigned long long)from->records, (unsigned long long)to->records);
        print_digest(from_name, from);
        print_digest(to_name, to);
        return from->records == to->records &&
               memcmp(from->of_prefix, to->of_prefix, sizeof(from->of_prefix)) == 0 &&
               memcmp(from->digest, to->digest, sizeof(from->digest)) == 0;
}
