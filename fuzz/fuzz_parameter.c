/* Flat mechanism parameters, as a node reads them. The first byte chooses the kind of parameter; all
 * mechanisms that take such a one are asked to decode the rest, so that a new row of the table is fuzzed
 * without a seed of its own.
 */
#include "ck/encoding.h"
#include "ck/mechanism_param.h"
#include "ck/mechanism_param_rows.h"
#include "fuzz.h"

static void decode(uint64_t mechanism, struct slice flat)
{
        struct ck_mech_param param;
        struct ck_kdf_piece piece;
        struct err err = ERR_INIT;
        struct reader pieces;

        if (!ck_mech_param_decode(mechanism, flat, &param, &err) ||
            (param.kind != CK_PARAM_KDF108 && param.kind != CK_PARAM_KDF108_FEEDBACK))
                return;
        pieces = reader_of(param.u.kdf108.pieces);
        while (ck_kdf_piece_next(&pieces, &piece))
                ;
        if (!reader_end(&pieces))
                abort(); /* what is decoded is whole */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size == 0)
                return 0;
        for (size_t i = 0; i < ck_mech_param_rows_n; i++) {
                if (ck_mech_param_rows[i].kind == data[0] % (CK_PARAM_VERSION + 1))
                        decode(ck_mech_param_rows[i].mechanism, slice_of(data + 1, size - 1));
        }
        return 0;
}
