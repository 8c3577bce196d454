#include "fake_internal.h"

#include <stdio.h>

/* ---- what tests ask for ---- */
#define LOCKED(f, change)                                                                                    \
        do {                                                                                                 \
                pthread_mutex_lock(&(f)->lock);                                                              \
                change;                                                                                      \
                pthread_mutex_unlock(&(f)->lock);                                                            \
        } while (0)

void fake_next(struct fake *f, enum fake_fault fault, unsigned times, int status, const char *words)
{
        pthread_mutex_lock(&f->lock);
        f->fault = fault;
        f->times = times;
        f->status = status;
        snprintf(f->words, sizeof(f->words), "%s", words ? words : "");
        pthread_mutex_unlock(&f->lock);
}

void fake_storm(struct fake *f, unsigned mask, unsigned per_mille, unsigned seed)
{
        pthread_mutex_lock(&f->lock);
        f->mask = mask;
        f->per_mille = per_mille;
        f->seed = seed;
        pthread_mutex_unlock(&f->lock);
}

void fake_cut_streams(struct fake *f, unsigned after)
{
        LOCKED(f, f->cut_after = after);
}

void fake_double_streams(struct fake *f, bool on)
{
        LOCKED(f, f->doubled = on);
}

void fake_silence(struct fake *f, bool on)
{
        LOCKED(f, f->silent = on);
}

void fake_cut_off(struct fake *f, unsigned after)
{
        LOCKED(f, (f->until_cut = after, f->cut_off = false));
}

bool fake_is_cut_off(struct fake *f)
{
        bool cut_off;

        LOCKED(f, cut_off = f->cut_off);
        return cut_off;
}

void fake_swallow(struct fake *f, unsigned revisions)
{
        LOCKED(f, f->swallow = revisions);
}

void fake_edit(struct fake *f, const char *prefix, struct slice key, const struct slice *value)
{
        struct buf name = BUF_INIT;
        ProtobufCBinaryData k, d = { 0, NULL };

        buf_put_text(&name, prefix);
        buf_put_slice(&name, key);
        k = (ProtobufCBinaryData){ name.n, name.p };
        if (value)
                d = (ProtobufCBinaryData){ value->n, (uint8_t *)(uintptr_t)value->p };
        pthread_mutex_lock(&f->lock);
        f->rev++;
        fake_entry_add(f, &k, value ? &d : NULL);
        pthread_mutex_unlock(&f->lock);
        buf_clear(&name);
}

void fake_forget(struct fake *f)
{
        LOCKED(f, f->compacted = f->rev);
        fake_cut_streams(f, 1);
}

void fake_compact(struct fake *f)
{
        LOCKED(f, f->compacted = f->rev);
}

void fake_fill(struct fake *f, bool full)
{
        LOCKED(f, f->fills = full; f->full = false);
}

void fake_replace(struct fake *f)
{
        LOCKED(f, f->cluster++);
}

bool fake_value(struct fake *f, const char *key, char value[FAKE_VALUE_MAX], store_rev *rev)
{
        char path[160];
        ProtobufCBinaryData k = { 0, (uint8_t *)path };
        const struct entry *e;

        k.len = (size_t)snprintf(path, sizeof(path), "/t/d/%s", key);
        pthread_mutex_lock(&f->lock);
        e = fake_entry(f, &k);
        if (e) {
                memcpy(value, e->value, e->value_n);
                value[e->value_n] = '\0';
                *rev = e->rev;
        }
        pthread_mutex_unlock(&f->lock);
        return e != NULL;
}

unsigned fake_calls(struct fake *f)
{
        unsigned n;

        LOCKED(f, n = f->calls);
        return n;
}

unsigned fake_streams(struct fake *f)
{
        unsigned n;

        LOCKED(f, n = f->streams);
        return n;
}
