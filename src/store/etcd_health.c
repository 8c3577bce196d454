/* What each member says of itself: answered from its own state, so also without a quorum. */
#include "store/etcd.h"

/* The member's answer into out. False: it did not give one. */
static bool member_ask(struct etcd *e, unsigned member, struct store_health *out, bool *leader)
{
        Etcd__StatusRequest request = ETCD__STATUS_REQUEST__INIT;
        Etcd__StatusResponse *r;
        struct buf packed = BUF_INIT;
        enum etcd_outcome outcome = e->wire.ask(e->wire.self, member, "/etcdserverpb.Maintenance/Status",
                                                etcd_pack(&packed, &request.base), ETCD_TRY_MS, &e->health);

        buf_clear(&packed);
        if (outcome != ETCD_ANSWERED)
                return e->health.status > 0; /* it is there, and knows of no leader */
        r = etcd__status_response__unpack(NULL, e->health.message.n, e->health.message.p);
        if (!r || !r->header) {
                etcd__status_response__free_unpacked(r, NULL);
                return false;
        }
        *leader = *leader || r->leader;
        if (r->header->revision > out->rev)
                out->rev = r->header->revision;
        if (!out->identity)
                out->identity = r->header->cluster_id;
        etcd__status_response__free_unpacked(r, NULL);
        return true;
}

enum store_rc etcd_health(void *self, struct store_health *out, struct err *err)
{
        struct etcd *e = self;
        bool leader = false;

        (void)err;
        out->members = e->wire.members;
        pthread_mutex_lock(&e->health_lock);
        for (unsigned i = 0; i < out->members; i++)
                out->answering += member_ask(e, i, out, &leader);
        pthread_mutex_unlock(&e->health_lock);
        out->changes_possible = leader && out->answering * 2 > out->members && !atomic_load(&e->foreign) &&
                                !atomic_load(&e->fenced);
        return STORE_OK;
}
