/* What comes from the other region: the first byte chooses whether the rest is a batch of its changes, a
 * snapshot, or one of the messages with which a node is let in. */
#include "fuzz.h"
#include "cluster/join_message.h"
#include "vault/region_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Read revisions are what would be written again. */
static void batch(struct slice bytes)
{
        static struct region_revision r;
        struct buf again = BUF_INIT;
        struct reader in;
        store_rev last = 0;

        if (!region_batch_open(bytes, &in))
                return;
        region_batch_begin(&again);
        while (region_batch_next(&in, last, &r)) {
                if (r.rev <= last || !r.n || r.n > STORE_OPS_MAX)
                        abort();
                for (size_t i = 0; i < r.n; i++) {
                        uint32_t number;

                        if (!r.ops[i].key.n || r.ops[i].key.n > STORE_KEY_MAX ||
                            r.ops[i].value.n > STORE_VALUE_MAX)
                                abort();
                        (void)region_kind_of(r.ops[i].key, &number);
                }
                last = r.rev;
                region_batch_put(&again, r.rev, r.ops, r.n);
        }
        if (region_batch_ended(&in) && !slice_equal(buf_slice(&again), bytes))
                abort();
        buf_clear(&again);
}

static void snapshot(struct slice bytes)
{
        struct err err = ERR_INIT;
        struct buf again = BUF_INIT;
        struct region_snapshot *s;
        struct slice key, value;
        uint64_t count = 0, n = 0;
        FILE *f = tmpfile();
        bool ok;

        if (!f || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fflush(f) != 0)
                abort();
        ok = region_snapshot_check(fileno(f), &count, &err);
        if (ok == (err.id != 0))
                abort();
        err = ERR_INIT;
        s = region_snapshot_open(fileno(f), &err);
        buf_put_slice(&again, REGION_SNAPSHOT_MAGIC);
        while (s && region_snapshot_next(s, &key, &value, &err)) {
                region_snapshot_put(&again, key, value);
                n++;
        }
        region_snapshot_end(&again, n);
        if (ok && (err.id || n != count || !slice_equal(buf_slice(&again), bytes)))
                abort();
        region_snapshot_close(&s);
        buf_clear(&again);
        fclose(f);
}

static void message(struct slice bytes)
{
        struct join_request q;
        struct join_answer a;

        if (join_request_read(bytes, &q) && (!q.number || q.body.n > bytes.n))
                abort();
        if (join_answer_read(bytes, &a) && a.refusal && !a.refusal[0])
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const parsers[])(struct slice) = { batch, snapshot, message };

        if (size)
                parsers[data[0] % 3](slice_of(data + 1, size - 1));
        return 0;
}
