/* Requests about masked objects. Each returns the reason, enum err_id: the codes of applications are fewer.
 */
#ifndef CHSM_TESTS_VAULT_MASK_CALLS_H
#define CHSM_TESTS_VAULT_MASK_CALLS_H

#include "calls.h"

static inline uint32_t mask(struct caller *c, uint64_t handle, uint64_t user, struct given *out)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__ExtractMaskedRequest in = CHSM__EXTRACT_MASKED_REQUEST__INIT;
        const Chsm__Response *response;

        in.handle = handle;
        in.user = user;
        r.extract_masked = &in;
        r.body_case = CHSM__REQUEST__BODY_EXTRACT_MASKED;
        response = ask(c, &r);
        if (response->status)
                return response->reason;
        assert_true(response->data->data.len <= sizeof(out->p));
        memcpy(out->p, response->data->data.data, response->data->data.len);
        out->n = response->data->data.len;
        return 0;
}

static inline uint32_t insert_as(struct caller *c, const struct given *masked, bool keep, struct named *o)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__InsertMaskedRequest in = CHSM__INSERT_MASKED_REQUEST__INIT;
        const Chsm__Response *response;

        in.masked.data = (uint8_t *)(uintptr_t)masked->p;
        in.masked.len = masked->n;
        in.keep_handle = keep;
        r.insert_masked = &in;
        r.body_case = CHSM__REQUEST__BODY_INSERT_MASKED;
        response = ask(c, &r);
        if (response->status)
                return response->reason;
        if (o) {
                chsm__object_ref__init(&o->ref);
                o->ref.handle = response->inserted->handle;
        }
        return 0;
}

static inline uint32_t insert(struct caller *c, const struct given *masked, struct named *o)
{
        return insert_as(c, masked, false, o);
}

#endif
