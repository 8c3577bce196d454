/* Lengths of results by row. */
#include "ck/mechanism_size.h"

const struct ck_mech_size *ck_mech_size(uint64_t mechanism)
{
        size_t low = 0, high = ck_mech_size_count();

        while (low < high) {
                size_t middle = (low + high) / 2;
                const struct ck_mech_size *row = ck_mech_size_at(middle);

                if (row->mechanism == mechanism)
                        return row;
                if (row->mechanism < mechanism)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

size_t ck_mech_result(uint64_t mechanism, const struct ck_mech_param *p)
{
        const struct ck_mech_size *row = ck_mech_size(mechanism);

        if (!row || !row->result)
                return 0;
        if (p->kind == CK_PARAM_NUMBER)
                return p->u.number;
        if (p->kind == CK_PARAM_TLS_MAC)
                return p->u.tls_mac.length;
        return p->kind == CK_PARAM_GCM ? p->u.gcm.tag_bits / 8 : row->result;
}

size_t ck_mech_tag(const struct ck_mech_param *p)
{
        switch (p->kind) {
        case CK_PARAM_GCM:
                return p->u.gcm.tag_bits / 8;
        case CK_PARAM_CCM:
                return p->u.ccm.mac_len;
        case CK_PARAM_CHACHA_POLY:
                return 16;
        default:
                return 0;
        }
}

size_t ck_mech_ready(const struct ck_mech_size *row, bool encrypts, size_t n)
{
        size_t keep = encrypts ? row->keep_encrypt : row->keep_decrypt;

        if (n <= keep || (row->authenticates && !encrypts))
                return 0;
        return (n - keep) / row->unit * row->unit;
}

size_t ck_mech_end(const struct ck_mech_size *row, const struct ck_mech_param *p, bool encrypts, size_t n)
{
        size_t more = row->authenticates ? ck_mech_tag(p) : 0;

        if (encrypts)
                return row->pads ? n / row->unit * row->unit + row->unit : n + more;
        more += row->prefix;
        return n > more ? n - more : row->authenticates ? 0 : n;
}
