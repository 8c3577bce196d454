/* Numbers of wrapping mechanisms. 9 and 11 to 12 are not printed in any document: the names are, and the
 * order. spec/tools.md 8. */
#include "tools/util_move.h"

static const struct util_wrap_row rows[] = {
        { 4, "AES_KEY_WRAP_PAD_PKCS5", CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, UTIL_WRAP_KW, false, false },
        { 5, "NIST_AES_WRAP_NO_PAD", CKM_AES_KEY_WRAP, UTIL_WRAP_KW, false, false },
        { 6, "NIST_AES_WRAP_PAD", CKM_AES_KEY_WRAP_KWP, UTIL_WRAP_PLAIN, false, false },
        { 7, "RSA_AES", CKM_RSA_AES_KEY_WRAP, UTIL_WRAP_RSA_AES, false, false },
        { 8, "RSA_OAEP", CKM_RSA_PKCS_OAEP, UTIL_WRAP_OAEP, false, false },
        { 9, "NIST_TDEA_WRAP", CKM_DES3_NIST_WRAP, UTIL_WRAP_PLAIN, false, true },
        { 10, "AES_GCM", CKM_AES_GCM, UTIL_WRAP_GCM, false, false },
        { 11, "CLOUDHSM_AES_GCM", CKM_CLOUDHSM_AES_GCM, UTIL_WRAP_GCM, true, false },
        { 12, "RSA_PKCS", CKM_RSA_PKCS, UTIL_WRAP_PLAIN, false, false },
};

const struct util_wrap_row *util_wrap_row(uint64_t number)
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].number == number)
                        return &rows[i];
        }
        return NULL;
}
