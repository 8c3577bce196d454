/* What a storage engine gives store.c. One row per engine in engine_rows.c. */
#ifndef CHSM_STORE_ENGINE_H
#define CHSM_STORE_ENGINE_H

#include "store/store.h"

struct store_engine {
        const char *name;
        void *(*open)(const struct store_config *, struct err *);
        void (*close)(void *);
        enum store_rc (*txn)(void *, const struct store_guard *, size_t, const struct store_op *, size_t, int,
                             struct store_result *, struct err *);
        enum store_rc (*load)(void *, struct slice, bool (*)(void *, const struct store_event *), void *,
                              store_rev *, struct err *);
        enum store_rc (*follow)(void *, store_rev, const struct store_follower *, void **, struct err *);
        void (*unfollow)(void *, void *);
        enum store_rc (*barrier)(void *, int, store_rev *, struct err *);
        enum store_rc (*compact)(void *, store_rev, struct err *);
        /* Of a stage; NULL: the engine has none. */
        enum store_rc (*adopt)(void *, const struct store_guard *, size_t, int, struct err *);
        enum store_rc (*status)(void *, struct store_status *, struct err *);
        enum store_rc (*health)(void *, struct store_health *,
                                struct err *); /* NULL: one member, as status says */
};

/* NULL: no such engine. */
const struct store_engine *store_engine_find(const char *name);
extern const struct store_engine store_sqlite_engine, store_etcd_engine;
/* A store over an engine that is open; takes it over. NULL: no memory, then it is closed. */
struct store *store_over(const struct store_engine *, void *self, struct err *);

#endif
