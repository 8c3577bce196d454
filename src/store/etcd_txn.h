/* Inside the etcd engine: one transaction on its way through a lane. See etcd.h. */
#ifndef CHSM_STORE_ETCD_TXN_H
#define CHSM_STORE_ETCD_TXN_H

#include "store/etcd.h"

/* Guards and operations of ours besides the caller's: the lane and the run; the lane, written and read back.
 */
#define ETCD_OWN_GUARDS 2
#define ETCD_GUARDS_MAX (STORE_GUARDS_MAX + ETCD_OWN_GUARDS)
#define ETCD_OPS_MAX    (STORE_OPS_MAX + 5)
#define ETCD_STRAY_MAX  6 /* so many answers that cannot be are not strays of other calls: it is so */

/* The parts of one request, made again and again in place. */
struct etcd_txn_parts {
        Etcd__TxnRequest request;
        Etcd__Compare compares[ETCD_GUARDS_MAX], *compare_list[ETCD_GUARDS_MAX];
        Etcd__RequestOp ops[ETCD_OPS_MAX], *op_list[ETCD_OPS_MAX];
        union {
                Etcd__PutRequest put;
                Etcd__DeleteRangeRequest delete_range;
                Etcd__RangeRequest range;
        } op_bodies[ETCD_OPS_MAX];
        Etcd__RequestOp looks[ETCD_GUARDS_MAX], *look_list[ETCD_GUARDS_MAX];
        Etcd__RangeRequest look_bodies[ETCD_GUARDS_MAX];
};

/* A transaction on its way. */
struct etcd_attempt {
        struct etcd *e;
        struct etcd_lane *lane;
        const struct store_guard *guards;
        const struct store_op *ops;
        size_t guard_count, op_count;
        const struct etcd_own *own; /* keys outside d/, instead of guards and ops */
        bool takes_node;            /* writes n/, so does not guard it */
        store_rev floor;            /* no honest answer is older */
        unsigned older;             /* answers that were */
        unsigned others;            /* answers that say another process writes as this node */
        struct store_result *result;
        struct err *err;
};

/* NO_ROOM: the members are full and refuse the settling. */
enum etcd_settled { ETCD_APPLIED, ETCD_NOT_APPLIED, ETCD_UNSETTLED, ETCD_BROKEN, ETCD_NO_ROOM };

/* ---- etcd_parts.c: making requests and looking into answers, without I/O ---- */
/* The transaction, under its lane's pending id, in lane->request. False: no memory. */
bool etcd_parts_txn(struct etcd_attempt *);
/* The settling of its lane, in lane->request. */
bool etcd_parts_settle(struct etcd_attempt *);
/* A look at its lane that writes nothing, in lane->request: succeeds when the lane has moved. */
bool etcd_parts_look(struct etcd_attempt *);
/* What the i-th read of the branch found; NULL: nothing. */
const Etcd__KeyValue *etcd_look_at(const Etcd__TxnResponse *, size_t i);
bool etcd_value_is(const Etcd__KeyValue *, const uint8_t id[ETCD_ID_SIZE]);

/* ---- etcd_settle.c ---- */
/* The decoded answer to the transaction that wrote `id`, or NULL when it is none or not to be believed: then
 * it is as good as lost. */
Etcd__TxnResponse *etcd_answer_read(struct etcd_attempt *, const uint8_t id[ETCD_ID_SIZE]);
/* Settles a transaction whose answer was lost: see etcd.h. */
enum etcd_settled etcd_settle(struct etcd_attempt *, int64_t deadline);
/* The same for members that are full, who say so also of the transaction with which they filled up although
 * they have made it, and refuse every write after it: the lane is read. NOT_APPLIED holds for a transaction
 * that was answered, and leaves the lane in doubt until it can be written. */
enum etcd_settled etcd_settle_full(struct etcd_attempt *, int64_t deadline);

#endif
