/* Any amount of data through a cipher on the node: in messages, from and to the application's own memory. */
#include "ck/mechanism_size.h"
#include "pkcs11/module.h"

#include <stdlib.h>

#define RECEIPT 32

/* Output runs ahead of input where something stood before it, and an application may have both in one place.
 */
static bool collides(struct slice data, const CK_BYTE *out, size_t room, size_t ahead)
{
        uintptr_t in = (uintptr_t)data.p, to = (uintptr_t)out;

        return data.n && in < to + room && to < in + data.n && (to != in || ahead);
}

/* One message's worth: what is left of first, then of data. joined is room for a message when both are there.
 */
static struct slice next_piece(struct slice *first, struct slice *data, size_t most, struct buf *joined)
{
        size_t n = data->n < most - first->n ? data->n : most - first->n;
        struct slice piece = slice_of(data->p, n);

        if (first->n) {
                buf_put_slice(joined, *first);
                buf_put(joined, data->p, n);
                piece = buf_slice(joined);
                *first = SLICE_EMPTY;
        }
        *data = slice_of(n ? data->p + n : data->p, data->n - n);
        return piece;
}

static CK_RV send_all(struct op *op, struct slice first, struct slice data, bool last, CK_BYTE_PTR out,
                      size_t *n)
{
        size_t most = chsm_data_max(module.chsm), room = *n, written;
        struct buf joined = BUF_INIT;
        CK_RV rv = CKR_OK;
        bool more = true;

        *n = 0;
        while (rv == CKR_OK && more) {
                struct slice piece = next_piece(&first, &data, most, &joined);

                more = data.n > 0;
                written = room - *n;
                rv = buf_ok(&joined)
                         ? op_stream_crypt(op, piece, last && !more, SLICE_EMPTY, out + *n, &written)
                         : CKR_HOST_MEMORY;
                *n += rv == CKR_OK ? written : 0;
        }
        if (joined.p)
                sec_wipe(joined.p, joined.n);
        buf_clear(&joined);
        return rv;
}

CK_RV op_bulk(struct op *op, enum op_kind kind, struct slice first, struct slice data, bool last,
              CK_BYTE_PTR out, size_t *n)
{
        const struct ck_mech_size *row = ck_mech_size(op->mechanism);
        size_t ahead = op->behind + first.n + (kind == OP_ENCRYPT && !op->shown ? row->prefix : 0);
        uint8_t *copy = NULL;
        CK_RV rv = CKR_OK;

        if (data.n > chsm_data_max(module.chsm) && collides(data, out, *n, ahead)) {
                copy = malloc(data.n);
                if (!copy)
                        return CKR_HOST_MEMORY;
                memcpy(copy, data.p, data.n);
        }
        if (!op->stream)
                rv = op_stream_open(op, kind);
        if (rv == CKR_OK)
                rv = send_all(op, first, copy ? slice_of(copy, data.n) : data, last, out, n);
        op->shown = true;
        if (last && rv == CKR_OK)
                op->stream = 0;
        if (copy)
                sec_wipe(copy, data.n);
        free(copy);
        return rv;
}

/* The first pass: the node looks at all of it and gives a receipt for each part. */
static CK_RV check(struct op *op, struct slice data, struct buf *receipts)
{
        size_t most = chsm_data_max(module.chsm), n;
        CK_RV rv = CKR_OK;

        for (size_t at = 0, part; rv == CKR_OK && at < data.n; at += part) {
                uint8_t *receipt = buf_extend(receipts, RECEIPT);

                part = data.n - at < most ? data.n - at : most;
                n = RECEIPT;
                rv = receipt ? op_stream_crypt(op, slice_of(data.p + at, part), at + part == data.n,
                                               SLICE_EMPTY, receipt, &n)
                             : CKR_HOST_MEMORY;
        }
        return rv;
}

/* The second: the same parts with their receipts come back in clear. */
static CK_RV show(struct op *op, struct slice data, struct slice receipts, CK_BYTE_PTR out, size_t *n)
{
        size_t most = chsm_data_max(module.chsm), room = *n, written;
        CK_RV rv = CKR_OK;

        *n = 0;
        for (size_t at = 0, i = 0, part; rv == CKR_OK && at < data.n; at += part, i++) {
                part = data.n - at < most ? data.n - at : most;
                written = room - *n;
                rv = op_stream_crypt(op, slice_of(data.p + at, part), at + part == data.n,
                                     slice_of(receipts.p + i * RECEIPT, RECEIPT), out + *n, &written);
                *n += rv == CKR_OK ? written : 0;
        }
        return rv;
}

CK_RV op_bulk_open(struct op *op, struct slice data, CK_BYTE_PTR out, size_t *n)
{
        struct buf receipts = BUF_INIT;
        uint8_t *copy = NULL;
        CK_RV rv = CKR_OK;

        if (collides(data, out, *n, 0)) {
                copy = malloc(data.n);
                if (!copy)
                        return CKR_HOST_MEMORY;
                memcpy(copy, data.p, data.n);
                data = slice_of(copy, data.n);
        }
        rv = op_stream_open(op, OP_DECRYPT);
        if (rv == CKR_OK)
                rv = check(op, data, &receipts);
        if (rv == CKR_OK)
                rv = show(op, data, buf_slice(&receipts), out, n);
        if (rv == CKR_OK)
                op->stream = 0;
        buf_clear(&receipts);
        free(copy);
        return rv;
}
