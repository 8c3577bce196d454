#include "store/engine.h"

static const struct store_engine *const engines[] = { &store_sqlite_engine, &store_etcd_engine };

const struct store_engine *store_engine_find(const char *name)
{
        for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
                if (strcmp(engines[i]->name, name) == 0)
                        return engines[i];
        }
        return NULL;
}
