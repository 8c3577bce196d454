/* The two messages of joining, as they stand in the store. They are read by strangers, so everything that
 * counts is signed, and the master key in the answer is sealed under a key that only the two nodes can know.
 *
 * Request, from the node that wants in: who it is, a fresh P-521 point, its certificate, the owner's permit
 * if the partition asks for one; signed with its certificate's key. Answer: likewise of the node that lets it
 * in, with the hash of the request, the partition's certificates, the sealed key; signed by the partition and
 * by the node. DESIGN section 7; docs/cluster.md. */
#ifndef CHSM_CLUSTER_JOIN_MESSAGE_H
#define CHSM_CLUSTER_JOIN_MESSAGE_H

#include "base/buf.h"
#include "crypto/identity.h"
#include "crypto/seal.h"

#define JOIN_PARTITION_ID 16
#define JOIN_PART_MAX     (16 * 1024) /* of each variable part */

struct join_request {
        uint32_t number;
        struct slice partition; /* JOIN_PARTITION_ID bytes */
        struct slice point, certificate, permit;
        struct slice body, signature;
};
/* Signs and writes what stands in r but body and signature; certificate is the identity's. */
bool join_request_write(const struct join_request *r, struct crypto_identity *, struct buf *out,
                        struct err *);
/* Slices lend from bytes. False: not a request. */
bool join_request_read(struct slice bytes, struct join_request *);
bool join_request_verify(const struct join_request *, struct crypto_identity *, int64_t now_ms,
                         char name[CRYPTO_IDENTITY_NAME_MAX], struct err *);
/* The text that the owner signs to let a node in: partition, node, fingerprint of its certificate. */
bool join_permit_text(struct crypto *, struct slice partition, const char *node, struct slice certificate,
                      struct buf *out, struct err *);

struct join_answer {
        uint32_t number; /* of the node that answers */
        struct slice point, certificate, owner, poac, sealed;
        struct slice request_hash;
        struct slice body, partition_body, partition_signature, signature;
        const char *refusal; /* instead of all that; in the reader: text of at most 255 characters */
        char refusal_text[256];
};
/* sign_partition is called with what the partition is to sign. */
bool join_answer_write(const struct join_answer *, struct crypto_identity *,
                       bool (*sign_partition)(void *, struct slice, struct buf *, struct err *), void *arg,
                       struct buf *out, struct err *);
bool join_answer_read(struct slice bytes, struct join_answer *);
/* Is it the answer to that request (hash), by a node of this operator, for the partition that poac names? */
bool join_answer_verify(struct crypto *, const struct join_answer *, const uint8_t request_hash[32],
                        struct crypto_identity *, int64_t now_ms, char name[CRYPTO_IDENTITY_NAME_MAX],
                        struct err *);

/* What both know of each other, which the sealed key is bound to. */
bool join_info(struct crypto *, struct slice partition, const uint8_t request_hash[32], struct slice point,
               struct slice certificate, uint8_t out[32]);

#endif
