/* An HSM whose store is in the test's hands: the file of SQLite, or an etcd that is a fake. */
#ifndef CHSM_TESTS_VAULT_STORED_H
#define CHSM_TESTS_VAULT_STORED_H

#include "people.h"
#include "../store/fake_etcd.h"

struct fixture {
        struct hsm *hsm;
        struct fake *fake; /* NULL: SQLite */
        struct buf seen;   /* what the node noted of the store */
};

static inline struct store *fake_store(struct fake *f)
{
        struct store_config config = { .engine = "etcd", .prefix = "/t/", .node = 1 };
        struct err err = ERR_INIT;
        void *self = etcd_open_over(&config, fake_wire(f), &err);

        return self ? store_over(&store_etcd_engine, self, &err) : NULL;
}

static inline int on_sqlite(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->hsm = hsm_ready();
        *state = f;
        return 0;
}

static inline int on_etcd(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        struct caller co;

        f->fake = fake_make();
        f->hsm = hsm_over(fake_store(f->fake));
        hsm_ceremony(f->hsm);
        co = caller_co(f->hsm);
        assert_int_equal(caller_create_user(&co, 1, "cu1", "user1234"), 0);
        assert_int_equal(caller_create_user(&co, 1, "cu2", "user1234"), 0);
        *state = f;
        return 0;
}

static inline int end(void **state)
{
        struct fixture *f = *state;

        buf_clear(&f->seen);
        hsm_free(f->hsm);
        if (f->fake)
                fake_free(f->fake);
        free(f);
        return 0;
}

#endif
