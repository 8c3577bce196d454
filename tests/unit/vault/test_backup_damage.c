/* A backup that is not what was written, in every way, is refused, and nothing is changed. */
#include "backup_calls.h"

struct world {
        struct hsm *source, *target;
        struct owner owner;
        struct caller preco;
        struct buf backup;
};

static int begin(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        struct caller co, cu1;
        struct named key;

        w->source = hsm_ready();
        co = caller_co(w->source);
        cu1 = caller_cu(w->source, "cu1");
        assert_int_equal(make_aes(&cu1, true, NULL, &key), 0);
        w->owner = owner_of(w->source);
        assert_int_equal(take_backup(&co, false, &w->backup), 0);
        w->target = fresh_hsm(&w->preco);
        *state = w;
        return 0;
}

static int end(void **state)
{
        struct world *w = *state;

        buf_clear(&w->backup);
        EVP_PKEY_free(w->owner.key);
        hsm_free(w->source);
        hsm_free(w->target);
        free(w);
        return 0;
}

/* The backup's own key, as only its owner has it. */
static struct sec *key_of(struct world *w, const struct vault_backup_header *h)
{
        EVP_PKEY_CTX *open = EVP_PKEY_CTX_new(w->owner.key, NULL);
        struct sec *key = sec_new(512);
        size_t n = 512;

        assert_int_equal(EVP_PKEY_decrypt_init(open), 1);
        oaep(open);
        assert_int_equal(EVP_PKEY_decrypt(open, sec_bytes(key), &n, h->wrapped.p, h->wrapped.n), 1);
        EVP_PKEY_CTX_free(open);
        sec_shrink(key, n);
        return key;
}

/* What reading the whole file says: a reason, 0 for all right. */
static uint32_t reads(struct world *w, const struct buf *file, const struct sec *key)
{
        FILE *f = tmpfile();
        struct vault_backup_header h;
        struct vault_backup_summary s = { .master = NULL };
        struct err err = ERR_INIT;
        bool ok;

        assert_int_equal(fwrite(file->p, 1, file->n, f), file->n);
        assert_int_equal(fflush(f), 0);
        ok = vault_backup_header_read(w->source->crypto, fileno(f), &h, &err) &&
             vault_backup_read(w->source->crypto, fileno(f), &h, key, NULL, NULL, &s, &err);
        sec_free(&s.master);
        vault_backup_header_clear(&h);
        fclose(f);
        assert_true(ok == (err.id == 0));
        return (uint32_t)err.id;
}

static struct sec *own_key(struct world *w)
{
        struct vault_backup_header h;
        struct err err = ERR_INIT;
        struct sec *key;

        assert_true(vault_backup_header_parse(buf_slice(&w->backup), &h, &err) || err.id);
        key = key_of(w, &h);
        vault_backup_header_clear(&h);
        return key;
}

static void flipped_bits(void **state)
{
        struct world *w = *state;
        struct sec *key = own_key(w);

        assert_int_equal(reads(w, &w->backup, key), 0);
        assert_int_equal(reads(w, &w->backup, NULL), 0);
        /* Every byte; every bit of the first and last ones, where the form is told. */
        for (size_t i = 0; i < w->backup.n; i += i < 64 || i + 400 > w->backup.n ? 1 : 97) {
                for (int bit = 0; bit < 8; bit += i < 64 ? 1 : 3) {
                        w->backup.p[i] ^= (uint8_t)(1u << bit);
                        assert_int_not_equal(reads(w, &w->backup, key), 0);
                        assert_int_not_equal(reads(w, &w->backup, NULL), 0);
                        w->backup.p[i] ^= (uint8_t)(1u << bit);
                }
        }
        sec_free(&key);
}

static void cut_and_lengthened(void **state)
{
        struct world *w = *state;
        struct sec *key = own_key(w);
        struct buf longer = BUF_INIT, file = w->backup;

        for (size_t n = 0; n < w->backup.n; n += n < 64 || n + 400 > w->backup.n ? 1 : 131) {
                uint32_t reason;

                file.n = n;
                reason = reads(w, &file, key);
                assert_true(reason == ERR_BACKUP_FORMAT || reason == ERR_BACKUP_ALTERED);
        }
        buf_put_slice(&longer, buf_slice(&w->backup));
        buf_put_u8(&longer, 0);
        assert_int_equal(reads(w, &longer, key), ERR_BACKUP_FORMAT);
        buf_clear(&longer);
        sec_free(&key);
}

static void of_a_newer_version(void **state)
{
        struct world *w = *state;
        struct restore r = { .caller = &w->preco };
        uint64_t stream;

        w->backup.p[9] = 2;
        assert_int_equal(send_backup(&w->preco, &w->backup, &stream), 0);
        assert_int_equal(restore_plan(&r, &w->backup, NULL, &w->owner), ERR_BACKUP_FORMAT);
        w->backup.p[9] = 1;
}

/* Records of one backup put into another, chunks in another order: each has its place. */
static void chunks_keep_their_place(void **state)
{
        struct world *w = *state;
        struct vault_backup_header h;
        struct buf mixed = BUF_INIT;
        struct err err = ERR_INIT;
        struct sec *key;
        FILE *f = tmpfile();
        uint32_t first;
        const uint8_t *p;

        assert_int_equal(fwrite(w->backup.p, 1, w->backup.n, f), w->backup.n);
        assert_int_equal(fflush(f), 0);
        assert_true(vault_backup_header_read(w->source->crypto, fileno(f), &h, &err));
        fclose(f);
        key = key_of(w, &h);
        p = w->backup.p + h.size;
        first = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        /* The first chunk twice, then the rest. */
        buf_put(&mixed, w->backup.p, h.size + 4 + first);
        buf_put(&mixed, p, w->backup.n - h.size);
        assert_int_equal(reads(w, &mixed, key), ERR_BACKUP_ALTERED);
        /* Without the first. */
        buf_reset(&mixed);
        buf_put(&mixed, w->backup.p, h.size);
        buf_put(&mixed, p + 4 + first, w->backup.n - h.size - 4 - first);
        assert_int_equal(reads(w, &mixed, key), ERR_BACKUP_KEY);
        buf_clear(&mixed);
        sec_free(&key);
        key = sec_copy(SLICE_LIT("thirty-two bytes of another key!"));
        assert_int_equal(reads(w, &w->backup, key), ERR_BACKUP_KEY);
        sec_free(&key);
        vault_backup_header_clear(&h);
}

/* A refused restore leaves the target as it was, and a whole one still works there. */
static void the_target_is_as_before(void **state)
{
        struct world *w = *state;
        struct restore r = { .caller = &w->preco };
        uint8_t id[16];

        memcpy(id, vault_partition_id(w->target->vault).p, 16);
        assert_int_equal(restore_plan(&r, &w->backup, NULL, &w->owner), 0);
        r.unlock.p[5] ^= 1;
        assert_int_equal(restore_commit(&r), ERR_BACKUP_KEY);
        hsm_restart(w->target);
        assert_memory_equal(vault_partition_id(w->target->vault).p, id, 16);
        assert_int_equal(vault_state(w->target->vault), 1);
        w->preco = caller_new(w->target);
        assert_int_equal(caller_login(&w->preco, 6, "admin", "tenantadmin"), 0);
        assert_int_equal(restore_plan(&r, &w->backup, NULL, &w->owner), 0);
        assert_int_equal(restore_commit(&r), 0);
        hsm_restart(w->target);
        assert_int_equal(vault_state(w->target->vault), 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(flipped_bits),
                cmocka_unit_test(cut_and_lengthened),
                cmocka_unit_test(of_a_newer_version),
                cmocka_unit_test(chunks_keep_their_place),
                cmocka_unit_test(the_target_is_as_before),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, begin, end);
}
