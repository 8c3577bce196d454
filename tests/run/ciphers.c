/* Encryption of any size through the module: at once and in odd pieces, in place, with little room, altered.
 * Usage: ciphers MODULE PIN. Prints TAP; leaves key, IV, data and results in the working folder for openssl
 * to check. Run by ciphers.sh against a real node. */
#include "guest.h"

#define LARGE 3000017 /* some messages, and a piece */
#define MORE  64

static CK_SESSION_HANDLE s;
static CK_BYTE *data, *whole, *pieces, *back;
static CK_BYTE iv[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static uint32_t any(uint32_t below)
{
        static uint64_t state = 88172645463325252u;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (uint32_t)(state >> 16) % below;
}

struct row {
        const char *name;
        CK_MECHANISM_TYPE mechanism;
        CK_KEY_TYPE key_type;
        CK_ULONG key;
        CK_ULONG whole_blocks; /* data of whole blocks only */
        CK_ULONG more;         /* bytes that the result is longer */
        int tag;               /* it authenticates */
};

static const struct row rows[] = {
        { "ecb", CKM_AES_ECB, CKK_AES, 32, 16, 0, 0 },
        { "cbc", CKM_AES_CBC, CKK_AES, 32, 16, 0, 0 },
        { "cbc-pad", CKM_AES_CBC_PAD, CKK_AES, 32, 0, 16 - LARGE % 16, 0 },
        { "ctr", CKM_AES_CTR, CKK_AES, 32, 0, 0, 0 },
        { "ofb", CKM_AES_OFB, CKK_AES, 32, 0, 0, 0 },
        { "cfb", CKM_AES_CFB128, CKK_AES, 32, 0, 0, 0 },
        { "cfb8", CKM_AES_CFB8, CKK_AES, 32, 0, 0, 0 },
        { "cts", CKM_AES_CTS, CKK_AES, 32, 0, 0, 0 },
        { "xts", CKM_AES_XTS, CKK_AES_XTS, 64, 0, 0, 0 },
        { "chacha20", CKM_CHACHA20, CKK_CHACHA20, 32, 0, 0, 0 },
        { "des3-cbc", CKM_DES3_CBC, CKK_DES3, 24, 8, 0, 0 },
        { "des3-cbc-pad", CKM_DES3_CBC_PAD, CKK_DES3, 24, 0, 8 - LARGE % 8, 0 },
        { "des-cbc", CKM_DES_CBC, CKK_DES, 8, 8, 0, 0 },
        { "gcm", CKM_AES_GCM, CKK_AES, 32, 0, 16, 1 },
        { "vendor gcm", CKM_CLOUDHSM_AES_GCM, CKK_AES, 32, 0, 12 + 16, 1 },
        { "ccm", CKM_AES_CCM, CKK_AES, 32, 0, 16, 1 },
        { "chacha20-poly1305", CKM_CHACHA20_POLY1305, CKK_CHACHA20, 32, 0, 16, 1 },
};

/* The mechanism with its parameter for n bytes of data. */
static CK_MECHANISM *with(const struct row *r, CK_ULONG n)
{
        static CK_AES_CTR_PARAMS ctr = { 128, { 0 } };
        static CK_GCM_PARAMS gcm = { iv, 12, 96, (CK_BYTE_PTR) "additional", 10, 128 }, vendor;
        static CK_CCM_PARAMS ccm = { 0, iv, 11, (CK_BYTE_PTR) "additional", 10, 16 };
        static CK_CHACHA20_PARAMS chacha = { iv, 32, iv + 4, 96 };
        static CK_SALSA20_CHACHA20_POLY1305_PARAMS poly = { iv, 12, (CK_BYTE_PTR) "additional", 10 };
        static CK_MECHANISM m;

        memcpy(ctr.cb, iv, 16);
        vendor = (CK_GCM_PARAMS){ NULL, 0, 0, (CK_BYTE_PTR) "additional", 10, 128 };
        ccm.ulDataLen = n;
        m = (CK_MECHANISM){ r->mechanism, iv, r->key_type == CKK_DES3 || r->key_type == CKK_DES ? 8 : 16 };
        if (r->mechanism == CKM_AES_ECB)
                m.pParameter = NULL, m.ulParameterLen = 0;
        else if (r->mechanism == CKM_AES_CTR)
                m.pParameter = &ctr, m.ulParameterLen = sizeof(ctr);
        else if (r->mechanism == CKM_AES_GCM)
                m.pParameter = &gcm, m.ulParameterLen = sizeof(gcm);
        else if (r->mechanism == CKM_CLOUDHSM_AES_GCM)
                m.pParameter = &vendor, m.ulParameterLen = sizeof(vendor);
        else if (r->mechanism == CKM_AES_CCM)
                m.pParameter = &ccm, m.ulParameterLen = sizeof(ccm);
        else if (r->mechanism == CKM_CHACHA20)
                m.pParameter = &chacha, m.ulParameterLen = sizeof(chacha);
        else if (r->mechanism == CKM_CHACHA20_POLY1305)
                m.pParameter = &poly, m.ulParameterLen = sizeof(poly);
        return &m;
}

static CK_OBJECT_HANDLE import(const struct row *r)
{
        CK_OBJECT_CLASS class = CKO_SECRET_KEY;
        CK_KEY_TYPE type = r->key_type;
        CK_BBOOL yes = CK_TRUE;
        CK_BYTE value[64];
        CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) },
                                  { CKA_KEY_TYPE, &type, sizeof(type) },
                                  { CKA_VALUE, value, r->key },
                                  { CKA_ENCRYPT, &yes, 1 },
                                  { CKA_DECRYPT, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        for (size_t i = 0; i < sizeof(value); i++)
                value[i] = (CK_BYTE)(i * 5 + 1);
        is(r->name, F->C_CreateObject(s, wanted, 5, &key), CKR_OK);
        keep("key", value, 64);
        return key;
}

/* In pieces of odd lengths; the total, or 0 after a failure. */
static CK_ULONG in_pieces(int encrypts, const CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG room)
{
        CK_ULONG total = 0, piece, written;
        CK_RV rv = CKR_OK;

        for (CK_ULONG at = 0; rv == CKR_OK && at < n; at += piece) {
                CK_BYTE_PTR from = (CK_BYTE_PTR)(uintptr_t)(in + at);
                CK_ULONG wanted = 0;

                piece = any(9) == 0 ? 900000 + any(900000) : 1 + any(70000);
                piece = piece < n - at ? piece : n - at;
                rv = encrypts ? F->C_EncryptUpdate(s, from, piece, NULL, &wanted)
                              : F->C_DecryptUpdate(s, from, piece, NULL, &wanted);
                written = room - total;
                if (rv == CKR_OK)
                        rv = encrypts ? F->C_EncryptUpdate(s, from, piece, out + total, &written)
                                      : F->C_DecryptUpdate(s, from, piece, out + total, &written);
                if (rv == CKR_OK && written != wanted)
                        rv = CKR_GENERAL_ERROR; /* it said another length before */
                total += rv == CKR_OK ? written : 0;
        }
        written = room - total;
        if (rv == CKR_OK)
                rv = encrypts ? F->C_EncryptFinal(s, out + total, &written)
                              : F->C_DecryptFinal(s, out + total, &written);
        if (rv != CKR_OK)
                printf("# 0x%lx after %lu bytes\n", rv, total);
        return rv == CKR_OK ? total + written : 0;
}

static void altered(const struct row *r, CK_OBJECT_HANDLE key, CK_ULONG n, CK_ULONG out_n)
{
        CK_ULONG m = n, shown = 0;

        whole[out_n / 2] ^= 1;
        memset(back, 0xee, n);
        is("altered data", F->C_DecryptInit(s, with(r, n), key), CKR_OK);
        is("is refused", F->C_Decrypt(s, whole, out_n, back, &m), CKR_AEAD_DECRYPT_FAILED);
        is("altered data in pieces", F->C_DecryptInit(s, with(r, n), key), CKR_OK);
        is("is refused too", in_pieces(0, whole, out_n, back, n), 0);
        for (CK_ULONG i = 0; i < n; i++)
                shown += back[i] != 0xee;
        is("nothing of it is shown", shown, 0);
        whole[out_n / 2] ^= 1;
}

static void there_and_back(const struct row *r)
{
        CK_OBJECT_HANDLE key = import(r);
        CK_ULONG n = r->whole_blocks ? LARGE / r->whole_blocks * r->whole_blocks : LARGE, m = 0;
        int random_iv = r->mechanism == CKM_CLOUDHSM_AES_GCM;

        is("encryption", F->C_EncryptInit(s, with(r, n), key), CKR_OK);
        is("its length", F->C_Encrypt(s, data, n, NULL, &m), CKR_OK);
        is("is known", m, n + r->more);
        m--;
        is("with little room", F->C_Encrypt(s, data, n, whole, &m), CKR_BUFFER_TOO_SMALL);
        is("at once", F->C_Encrypt(s, data, n, whole, &m), CKR_OK);
        is("all of it", m, n + r->more);
        keep(r->name, whole, m);
        memcpy(pieces, data, n);
        is("in place", F->C_EncryptInit(s, with(r, n), key), CKR_OK);
        is("in one buffer", F->C_Encrypt(s, pieces, n, pieces, &m), CKR_OK);
        is("gives the same", random_iv ? 0 : (CK_RV)memcmp(pieces, whole, m), 0);
        is("in pieces", F->C_EncryptInit(s, with(r, n), key), CKR_OK);
        is("gives as much", in_pieces(1, data, n, pieces, n + MORE), m);
        is("and the same", random_iv ? 0 : (CK_RV)memcmp(pieces, whole, m), 0);
        is("decryption in pieces", F->C_DecryptInit(s, with(r, n), key), CKR_OK);
        is("gives as much", in_pieces(0, pieces, m, back, n + MORE), n);
        is("as there was", (CK_RV)memcmp(back, data, n), 0);
        is("decryption", F->C_DecryptInit(s, with(r, n), key), CKR_OK);
        m = n - 1;
        is("with little room", F->C_Decrypt(s, pieces, n + r->more, back, &m), CKR_BUFFER_TOO_SMALL);
        is("says how much", m, n);
        is("in place", F->C_Decrypt(s, pieces, n + r->more, pieces, &m), CKR_OK);
        is("gives as much", m, n);
        is("as there was", (CK_RV)memcmp(pieces, data, n), 0);
        if (r->tag)
                altered(r, key, n, n + r->more);
}

/* A zeroed IV asks the HSM for one, also for large data and in pieces. */
static void the_hsm_makes_the_iv(const struct row *r)
{
        CK_BYTE made[12] = { 0 }, zero[12] = { 0 };
        CK_GCM_PARAMS gcm = { made, 12, 96, NULL, 0, 128 };
        CK_MECHANISM m = { CKM_AES_GCM, &gcm, sizeof(gcm) };
        CK_OBJECT_HANDLE key = import(r);
        CK_ULONG n = LARGE + MORE;

        is("a zeroed IV", F->C_EncryptInit(s, &m, key), CKR_OK);
        is("in pieces", in_pieces(1, data, LARGE, whole, LARGE + MORE), LARGE + 16);
        is("is filled in", memcmp(made, zero, 12) != 0, 1);
        is("and opens", F->C_DecryptInit(s, &m, key), CKR_OK);
        is("the data", F->C_Decrypt(s, whole, LARGE + 16, back, &n), CKR_OK);
        is("as it was", (CK_RV)memcmp(back, data, LARGE), 0);
}

/* More than any buffer of the node: tests its memory. */
static void much(const struct row *r, CK_ULONG n)
{
        CK_OBJECT_HANDLE key = import(r);
        CK_BYTE *all = malloc(n + 16);
        CK_ULONG m = n + 16, wrong = 0;

        if (!all)
                exit(2);
        for (CK_ULONG i = 0; i < n; i++)
                all[i] = (CK_BYTE)(i * 31 >> 3);
        is("much data", F->C_EncryptInit(s, with(r, n), key), CKR_OK);
        is("in place", F->C_Encrypt(s, all, n, all, &m), CKR_OK);
        is("and back", F->C_DecryptInit(s, with(r, n), key), CKR_OK);
        is("in place", F->C_Decrypt(s, all, m, all, &m), CKR_OK);
        for (CK_ULONG i = 0; i < n; i++)
                wrong += all[i] != (CK_BYTE)(i * 31 >> 3);
        is("is what it was", m == n ? wrong : 1, 0);
        free(all);
}

int main(int argc, char **argv)
{

        data = malloc(LARGE);
        whole = malloc(LARGE + MORE);
        pieces = malloc(LARGE + MORE);
        back = malloc(LARGE + MORE);
        if (!data || !whole || !pieces || !back)
                return 2;
        for (CK_ULONG i = 0; i < LARGE; i++)
                data[i] = (CK_BYTE)any(256);
        keep("data", data, LARGE);
        keep("iv", iv, 16);
        s = guest_begin(argc, argv);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                there_and_back(&rows[i]);
        the_hsm_makes_the_iv(&rows[13]);
        much(&rows[13], 150000000);
        return guest_end();
}
