/* Flat mechanism parameters and nested templates, as a node reads them. The first bytes choose the mechanism.
 */
#include "ck/encoding.h"
#include "ck/mechanism_param.h"
#include "ck/names.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct reader r = reader_of(slice_of(data, size));
        size_t which = reader_u16(&r);
        struct ck_mech_param param;
        struct err err = ERR_INIT;
        const char *name;
        uint64_t number;

        if (!reader_ok(&r) || !ck_name_at(CK_KIND_MECHANISM, which % 400, &number, &name))
                return 0;
        if (ck_mech_param_decode(number, r.rest, &param, &err)) {
                struct ck_kdf_piece piece;
                struct reader pieces = reader_of(param.u.kdf108.pieces);

                if (param.kind == CK_PARAM_KDF108 || param.kind == CK_PARAM_KDF108_FEEDBACK) {
                        while (ck_kdf_piece_next(&pieces, &piece))
                                ;
                }
        }
        return 0;
}
