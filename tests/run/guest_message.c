/* Message-based encryption and signing: parameters, generators of IVs, order of calls, and what a failed
 * message leaves. Ciphertexts are compared with those of C_Encrypt, which other tests compare with published
 * ones. */
#include "guest.h"

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE aes, chacha, hmac;
static CK_BYTE text[] = "a message of thirty-two bytes ok", aad[] = "header";
#define TEXT_N 32

static CK_RV encrypt_begin(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
        CK_MECHANISM m = { type, NULL, 0 };

        return F3->C_MessageEncryptInit(session, &m, key);
}

static CK_RV decrypt_begin(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
        CK_MECHANISM m = { type, NULL, 0 };

        return F3->C_MessageDecryptInit(session, &m, key);
}

static CK_RV encrypt(void *param, CK_ULONG param_n, CK_BYTE out[TEXT_N])
{
        CK_ULONG n = TEXT_N;

        return F3->C_EncryptMessage(session, param, param_n, aad, 6, text, TEXT_N, out, &n);
}

static CK_RV decrypt(void *param, CK_ULONG param_n, CK_BYTE_PTR cipher, CK_BYTE out[TEXT_N])
{
        CK_ULONG n = TEXT_N;

        return F3->C_DecryptMessage(session, param, param_n, aad, 6, cipher, TEXT_N, out, &n);
}

static CK_OBJECT_HANDLE make_chacha(void)
{
        CK_BBOOL yes = CK_TRUE;
        CK_MECHANISM m = { CKM_CHACHA20_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_ENCRYPT, &yes, 1 }, { CKA_DECRYPT, &yes, 1 } };
        CK_OBJECT_HANDLE key = 0;

        (void)F->C_GenerateKey(session, &m, wanted, 2, &key);
        return key;
}

/* ---- the same as C_Encrypt ---- */

static void same_as_single(const char *name, CK_MECHANISM *single, CK_OBJECT_HANDLE key, void *param,
                           CK_ULONG param_n, CK_BYTE_PTR tag, CK_ULONG tag_n)
{
        CK_BYTE wanted[TEXT_N + 16], cipher[TEXT_N], clear[TEXT_N];
        CK_ULONG n = sizeof(wanted);

        printf("# %s\n", name);
        is("C_Encrypt", F->C_EncryptInit(session, single, key), CKR_OK);
        is("gives the ciphertext", F->C_Encrypt(session, text, TEXT_N, wanted, &n), CKR_OK);
        is("C_MessageEncryptInit", encrypt_begin(single->mechanism, key), CKR_OK);
        is("a message", encrypt(param, param_n, cipher), CKR_OK);
        is("has the same text", (CK_RV)memcmp(cipher, wanted, TEXT_N), 0);
        is("and the same tag", n == TEXT_N + tag_n && memcmp(tag, wanted + TEXT_N, tag_n) == 0, 1);
        is("C_MessageEncryptFinal", F3->C_MessageEncryptFinal(session), CKR_OK);
        is("C_MessageDecryptInit", decrypt_begin(single->mechanism, key), CKR_OK);
        is("the message is decrypted", decrypt(param, param_n, cipher, clear), CKR_OK);
        is("to the text", (CK_RV)memcmp(clear, text, TEXT_N), 0);
        tag[0] ^= 1;
        is("one that was altered", decrypt(param, param_n, cipher, clear), CKR_AEAD_DECRYPT_FAILED);
        tag[0] ^= 1;
        is("ends alone: the next one", decrypt(param, param_n, cipher, clear), CKR_OK);
        is("a parameter of another size", decrypt(param, param_n - 1, cipher, clear),
           CKR_MECHANISM_PARAM_INVALID);
        is("C_MessageDecryptFinal", F3->C_MessageDecryptFinal(session), CKR_OK);
}

static void mechanisms(void)
{
        CK_BYTE iv[12] = { 1, 2, 3 }, tag[16];
        CK_GCM_PARAMS gcm = { iv, 12, 96, aad, 6, 128 };
        CK_CCM_PARAMS ccm = { TEXT_N, iv, 12, aad, 6, 12 };
        CK_SALSA20_CHACHA20_POLY1305_PARAMS cc20 = { iv, 12, aad, 6 };
        CK_GCM_MESSAGE_PARAMS gcm_message = { iv, 12, 0, CKG_NO_GENERATE, tag, 128 };
        CK_CCM_MESSAGE_PARAMS ccm_message = { TEXT_N, iv, 12, 0, CKG_NO_GENERATE, tag, 12 };
        CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS cc20_message = { iv, 12, tag };
        CK_MECHANISM single[] = { { CKM_AES_GCM, &gcm, sizeof(gcm) },
                                  { CKM_AES_CCM, &ccm, sizeof(ccm) },
                                  { CKM_CHACHA20_POLY1305, &cc20, sizeof(cc20) } };
        CK_MECHANISM_INFO info;

        same_as_single("GCM", &single[0], aes, &gcm_message, sizeof(gcm_message), tag, 16);
        same_as_single("CCM", &single[1], aes, &ccm_message, sizeof(ccm_message), tag, 12);
        same_as_single("ChaCha20-Poly1305", &single[2], chacha, &cc20_message, sizeof(cc20_message), tag, 16);
        is("the list of mechanisms", F->C_GetMechanismInfo(guest.slot, CKM_AES_GCM, &info), CKR_OK);
        is("says so", info.flags & CKF_MESSAGE_ENCRYPT, CKF_MESSAGE_ENCRYPT);
        is("but of CBC", F->C_GetMechanismInfo(guest.slot, CKM_AES_CBC, &info), CKR_OK);
        is("it does not", info.flags & CKF_MESSAGE_ENCRYPT, 0);
        is("which has no messages", encrypt_begin(CKM_AES_CBC, aes), CKR_MECHANISM_INVALID);
}

/* ---- IVs ---- */

/* Two messages; each is decrypted again with the IV it came with. */
static void two(CK_ULONG fixed, CK_ULONG generator, CK_BYTE first[12], CK_BYTE second[12])
{
        CK_BYTE iv[12] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xfe }, tag[16];
        CK_BYTE cipher[TEXT_N], clear[TEXT_N];
        CK_GCM_MESSAGE_PARAMS p = { iv, 12, fixed, generator, tag, 128 };
        CK_RV rv = encrypt_begin(CKM_AES_GCM, aes);

        for (int i = 0; i < 2 && rv == CKR_OK; i++) {
                rv = encrypt(&p, sizeof(p), cipher);
                memcpy(i ? second : first, iv, 12);
                if (rv == CKR_OK)
                        rv = decrypt_begin(CKM_AES_GCM, aes);
                p.ivGenerator = CKG_NO_GENERATE;
                if (rv == CKR_OK)
                        rv = decrypt(&p, sizeof(p), cipher, clear);
                p.ivGenerator = generator;
                (void)F3->C_MessageDecryptFinal(session);
        }
        is("two messages there and back", rv, CKR_OK);
        (void)F3->C_MessageEncryptFinal(session);
}

static uint64_t low(const CK_BYTE iv[12])
{
        uint64_t value = 0;

        for (int i = 4; i < 12; i++)
                value = value << 8 | iv[i];
        return value;
}

static void generators(void)
{
        CK_BYTE a[12], b[12], iv[12] = { 7 }, tag[16], cipher[TEXT_N];
        CK_GCM_MESSAGE_PARAMS p = { iv, 12, 88, CKG_GENERATE_COUNTER, tag, 128 };
        unsigned done = 0;

        two(0, CKG_GENERATE, a, b);
        is("whole IVs differ", memcmp(a, b, 12) != 0, 1);
        two(32, CKG_GENERATE_RANDOM, a, b);
        is("random ones keep the fixed bits", memcmp(a, b, 4) == 0 && a[0] == 0xa1 && a[3] == 0xa4, 1);
        is("and differ in others", low(a) != low(b), 1);
        two(30, CKG_GENERATE_RANDOM, a, b);
        is("fixed bits need not be whole bytes", (a[3] & 0xfc) == 0xa4 && (b[3] & 0xfc) == 0xa4, 1);
        two(32, CKG_GENERATE_COUNTER, a, b);
        is("a counter keeps them too", (CK_RV)memcmp(a, b, 4), 0);
        is("and counts by one", low(b) - low(a), 1);
        two(32, CKG_GENERATE_COUNTER_XOR, a, b);
        is("a counter mixed in begins with the IV given", a[11], 0xfe);
        is("and goes on beside it", b[11], 0xff);
        is("a counter of eight bits", encrypt_begin(CKM_AES_GCM, aes), CKR_OK);
        while (done < 300 && encrypt(&p, sizeof(p), cipher) == CKR_OK)
                done++;
        is("makes 256 IVs", done, 256);
        is("and then no more", encrypt(&p, sizeof(p), cipher), CKR_TOKEN_RESOURCE_EXCEEDED);
        p.ivGenerator = CKG_GENERATE_RANDOM;
        is("eight random bits would come twice", encrypt(&p, sizeof(p), cipher), CKR_MECHANISM_PARAM_INVALID);
        p.ulIvFixedBits = 96;
        is("no bits are left to make", encrypt(&p, sizeof(p), cipher), CKR_MECHANISM_PARAM_INVALID);
        p.ulIvFixedBits = 0;
        p.ivGenerator = 9;
        is("no such generator", encrypt(&p, sizeof(p), cipher), CKR_MECHANISM_PARAM_INVALID);
        p.ivGenerator = CKG_GENERATE;
        p.pTag = NULL;
        is("no place for the tag", encrypt(&p, sizeof(p), cipher), CKR_MECHANISM_PARAM_INVALID);
        p.pTag = tag;
        is("the operation has survived it all", encrypt(&p, sizeof(p), cipher), CKR_OK);
        is("C_MessageEncryptFinal", F3->C_MessageEncryptFinal(session), CKR_OK);
}

/* ---- order and parts ---- */

static CK_RV next(CK_GCM_MESSAGE_PARAMS *p, CK_BYTE_PTR part, CK_ULONG part_n, CK_BYTE_PTR out, CK_ULONG *n,
                  bool last)
{
        return F3->C_EncryptMessageNext(session, p, sizeof(*p), part, part_n, out, n,
                                        last ? CKF_END_OF_MESSAGE : 0);
}

static void parts(void)
{
        CK_BYTE iv[12] = { 3 }, tag[16], whole_tag[16], whole[TEXT_N], cipher[TEXT_N];
        CK_GCM_MESSAGE_PARAMS p = { iv, 12, 0, CKG_NO_GENERATE, whole_tag, 128 };
        CK_MECHANISM m = { CKM_AES_GCM, NULL, 0 };
        CK_ULONG n = TEXT_N, got = 0;

        is("a message without an operation", encrypt(&p, sizeof(p), whole), CKR_OPERATION_NOT_INITIALIZED);
        is("C_MessageEncryptInit", F3->C_MessageEncryptInit(session, &m, aes), CKR_OK);
        is("again", F3->C_MessageEncryptInit(session, &m, aes), CKR_OPERATION_ACTIVE);
        is("a whole message", encrypt(&p, sizeof(p), whole), CKR_OK);
        is("a part without a beginning", next(&p, text, 8, cipher, &n, false), CKR_OPERATION_NOT_INITIALIZED);
        p.pTag = tag;
        is("a beginning", F3->C_EncryptMessageBegin(session, &p, sizeof(p), aad, 6), CKR_OK);
        is("and another", F3->C_EncryptMessageBegin(session, &p, sizeof(p), aad, 6), CKR_OPERATION_ACTIVE);
        is("a whole message amid it", encrypt(&p, sizeof(p), cipher), CKR_OPERATION_ACTIVE);
        is("a part", next(&p, text, 10, cipher, &n, false), CKR_OK);
        got = n;
        n = 1;
        is("the last one, without room", next(&p, text + 10, TEXT_N - 10, cipher + got, &n, true),
           CKR_BUFFER_TOO_SMALL);
        is("is not lost", next(&p, text + 10, TEXT_N - 10, cipher + got, &n, true), CKR_OK);
        is("all is there", got + n, TEXT_N);
        is("and the same as the whole", (CK_RV)memcmp(cipher, whole, TEXT_N), 0);
        is("with the same tag", (CK_RV)memcmp(tag, whole_tag, 16), 0);
        is("a beginning", F3->C_EncryptMessageBegin(session, &p, sizeof(p), aad, 6), CKR_OK);
        is("a part that is missing", next(&p, NULL, 10, cipher, &n, false), CKR_ARGUMENTS_BAD);
        is("ends its message", next(&p, text, 10, cipher, &n, false), CKR_OPERATION_NOT_INITIALIZED);
        is("C_...Init without a mechanism", F3->C_MessageEncryptInit(session, NULL, aes), CKR_OK);
        is("is the end of all", F3->C_MessageEncryptFinal(session), CKR_OPERATION_NOT_INITIALIZED);
        is("C_MessageDecryptInit", F3->C_MessageDecryptInit(session, &m, aes), CKR_OK);
        is("a beginning", F3->C_DecryptMessageBegin(session, &p, sizeof(p), aad, 6), CKR_OK);
        is("nothing comes out of a part",
           F3->C_DecryptMessageNext(session, &p, sizeof(p), cipher, 20, whole, &n, 0), CKR_OK);
        is("before the tag was seen", n, 0);
        n = TEXT_N;
        is("all of it comes with the last",
           F3->C_DecryptMessageNext(session, &p, sizeof(p), cipher + 20, TEXT_N - 20, whole, &n,
                                    CKF_END_OF_MESSAGE),
           CKR_OK);
        is("as it was", n == TEXT_N && memcmp(whole, text, TEXT_N) == 0, 1);
        is("C_SessionCancel", F3->C_SessionCancel(session, CKF_MESSAGE_DECRYPT), CKR_OK);
        is("is an end too", F3->C_MessageDecryptFinal(session), CKR_OPERATION_NOT_INITIALIZED);
}

/* ---- more than a request holds ---- */

#define LARGE (3UL << 20)

static CK_RV large(bool decrypts, CK_GCM_MESSAGE_PARAMS *p, CK_BYTE_PTR in, CK_BYTE_PTR out)
{
        CK_ULONG n = LARGE;

        return decrypts ? F3->C_DecryptMessage(session, p, sizeof(*p), aad, 6, in, LARGE, out, &n)
                        : F3->C_EncryptMessage(session, p, sizeof(*p), aad, 6, in, LARGE, out, &n);
}

static void large_messages(void)
{
        CK_BYTE iv[12] = { 5 }, tag[16], small[TEXT_N], *clear = malloc(LARGE), *cipher = malloc(LARGE + 16);
        CK_GCM_PARAMS single = { iv, 12, 96, aad, 6, 128 };
        CK_MECHANISM m = { CKM_AES_GCM, &single, sizeof(single) };
        CK_GCM_MESSAGE_PARAMS p = { iv, 12, 0, CKG_NO_GENERATE, tag, 128 };
        CK_ULONG n = LARGE + 16;
        CK_BYTE_PTR wanted = malloc(LARGE + 16);

        for (CK_ULONG i = 0; i < LARGE; i++)
                clear[i] = (CK_BYTE)(i * 7 + i / 251);
        is("C_EncryptInit", F->C_EncryptInit(session, &m, aes), CKR_OK);
        is("much at once", F->C_Encrypt(session, clear, LARGE, wanted, &n), CKR_OK);
        is("C_MessageEncryptInit", encrypt_begin(CKM_AES_GCM, aes), CKR_OK);
        is("a large message", large(false, &p, clear, cipher), CKR_OK);
        is("is the same", (CK_RV)memcmp(cipher, wanted, LARGE), 0);
        is("with its tag", (CK_RV)memcmp(tag, wanted + LARGE, 16), 0);
        is("a small one after it", encrypt(&p, sizeof(p), small), CKR_OK);
        is("C_MessageEncryptFinal", F3->C_MessageEncryptFinal(session), CKR_OK);
        memcpy(tag, wanted + LARGE, 16);
        is("C_MessageDecryptInit", decrypt_begin(CKM_AES_GCM, aes), CKR_OK);
        tag[3] ^= 1;
        is("a large one that was altered", large(true, &p, cipher, wanted), CKR_AEAD_DECRYPT_FAILED);
        tag[3] ^= 1;
        is("as it was", large(true, &p, cipher, wanted), CKR_OK);
        is("it is the text", (CK_RV)memcmp(clear, wanted, LARGE), 0);
        is("C_MessageDecryptFinal", F3->C_MessageDecryptFinal(session), CKR_OK);
        free(clear);
        free(cipher);
        free(wanted);
}

/* ---- signatures ---- */

static void signing(void)
{
        CK_MECHANISM m = { CKM_SHA256_HMAC, NULL, 0 };
        CK_BYTE one[32], two_parts[32];
        CK_ULONG n = 32;

        is("without an operation", F3->C_SignMessage(session, NULL, 0, text, TEXT_N, one, &n),
           CKR_OPERATION_NOT_INITIALIZED);
        is("C_MessageSignInit", F3->C_MessageSignInit(session, &m, hmac), CKR_OK);
        is("again", F3->C_MessageSignInit(session, &m, hmac), CKR_OPERATION_ACTIVE);
        n = 31;
        is("a message, without room", F3->C_SignMessage(session, NULL, 0, text, TEXT_N, one, &n),
           CKR_BUFFER_TOO_SMALL);
        is("the message", F3->C_SignMessage(session, NULL, 0, text, TEXT_N, one, &n), CKR_OK);
        is("one in parts", F3->C_SignMessageBegin(session, NULL, 0), CKR_OK);
        is("no other meanwhile", F3->C_SignMessage(session, NULL, 0, text, TEXT_N, one, &n),
           CKR_OPERATION_ACTIVE);
        is("the first", F3->C_SignMessageNext(session, NULL, 0, text, 9, NULL, NULL), CKR_OK);
        n = 3;
        is("the last, without room",
           F3->C_SignMessageNext(session, NULL, 0, text + 9, TEXT_N - 9, two_parts, &n),
           CKR_BUFFER_TOO_SMALL);
        is("the last", F3->C_SignMessageNext(session, NULL, 0, text + 9, TEXT_N - 9, two_parts, &n), CKR_OK);
        is("makes the same signature", (CK_RV)memcmp(one, two_parts, 32), 0);
        is("a parameter", F3->C_SignMessage(session, one, 1, text, TEXT_N, one, &n),
           CKR_MECHANISM_PARAM_INVALID);
        is("C_MessageSignFinal", F3->C_MessageSignFinal(session), CKR_OK);
        is("C_MessageVerifyInit", F3->C_MessageVerifyInit(session, &m, hmac), CKR_OK);
        is("it is good", F3->C_VerifyMessage(session, NULL, 0, text, TEXT_N, two_parts, 32), CKR_OK);
        is("of other data not", F3->C_VerifyMessage(session, NULL, 0, text, TEXT_N - 1, two_parts, 32),
           CKR_SIGNATURE_INVALID);
        is("and good again", F3->C_VerifyMessage(session, NULL, 0, text, TEXT_N, two_parts, 32), CKR_OK);
        is("in parts", F3->C_VerifyMessageBegin(session, NULL, 0), CKR_OK);
        is("one", F3->C_VerifyMessageNext(session, NULL, 0, text, 5, NULL, 0), CKR_OK);
        is("and the last", F3->C_VerifyMessageNext(session, NULL, 0, text + 5, TEXT_N - 5, two_parts, 32),
           CKR_OK);
        is("a part of nothing", F3->C_VerifyMessageNext(session, NULL, 0, text, 5, NULL, 0),
           CKR_OPERATION_NOT_INITIALIZED);
        is("C_MessageVerifyFinal", F3->C_MessageVerifyFinal(session), CKR_OK);
        is("again", F3->C_MessageVerifyFinal(session), CKR_OPERATION_NOT_INITIALIZED);
}

static CK_FUNCTION_LIST_3_2_PTR version_3_2(void)
{
        CK_VERSION v32 = { 3, 2 };
        CK_INTERFACE_PTR interface;

        is("version 3.2", F3->C_GetInterface(NULL, &v32, &interface, 0), CKR_OK);
        return interface->pFunctionList;
}

/* ---- a signature that comes first ---- */

static void signature_first(void)
{
        CK_FUNCTION_LIST_3_2_PTR f2 = version_3_2();
        CK_MECHANISM m = { CKM_SHA256_HMAC, NULL, 0 };
        CK_BYTE mac[32];
        CK_ULONG n = 32;
        CK_FLAGS flags = 1;

        is("C_SignInit", f2->C_SignInit(session, &m, hmac), CKR_OK);
        is("a signature", f2->C_Sign(session, text, TEXT_N, mac, &n), CKR_OK);
        is("nothing has begun", f2->C_VerifySignature(session, text, TEXT_N), CKR_OPERATION_NOT_INITIALIZED);
        is("without the signature", f2->C_VerifySignatureInit(session, &m, hmac, NULL, 0), CKR_ARGUMENTS_BAD);
        is("C_VerifySignatureInit", f2->C_VerifySignatureInit(session, &m, hmac, mac, 32), CKR_OK);
        is("again", f2->C_VerifySignatureInit(session, &m, hmac, mac, 32), CKR_OPERATION_ACTIVE);
        is("the data", f2->C_VerifySignature(session, text, TEXT_N), CKR_OK);
        is("that was the end", f2->C_VerifySignatureFinal(session), CKR_OPERATION_NOT_INITIALIZED);
        is("C_VerifySignatureInit", f2->C_VerifySignatureInit(session, &m, hmac, mac, 32), CKR_OK);
        is("in parts", f2->C_VerifySignatureUpdate(session, text, 7), CKR_OK);
        is("not at once then", f2->C_VerifySignature(session, text, TEXT_N), CKR_OPERATION_ACTIVE);
        is("the rest", f2->C_VerifySignatureUpdate(session, text + 7, TEXT_N - 7), CKR_OK);
        is("is good", f2->C_VerifySignatureFinal(session), CKR_OK);
        mac[5] ^= 4;
        is("C_VerifySignatureInit", f2->C_VerifySignatureInit(session, &m, hmac, mac, 32), CKR_OK);
        is("another signature is not", f2->C_VerifySignature(session, text, TEXT_N), CKR_SIGNATURE_INVALID);
        is("nobody has validated it",
           f2->C_GetSessionValidationFlags(session, CKS_LAST_VALIDATION_OK, &flags), CKR_OK);
        is("so no flag says so", flags, 0);
        is("what is not offered", f2->C_AsyncGetID(session, text, &n), CKR_FUNCTION_NOT_SUPPORTED);
}

/* ---- key encapsulation: offered where libcrypto has it, and refused in the right order where not ---- */

static bool has_mechanism(CK_MECHANISM_TYPE type)
{
        CK_MECHANISM_INFO info;

        return F->C_GetMechanismInfo(guest.slot, type, &info) == CKR_OK;
}

static void encapsulation_round_trip(CK_FUNCTION_LIST_3_2_PTR f2, CK_ATTRIBUTE *shared, CK_ULONG shared_n)
{
        CK_ULONG set = CKP_ML_KEM_768;
        CK_ATTRIBUTE pub[] = { { CKA_PARAMETER_SET, &set, sizeof(set) } };
        CK_MECHANISM maker = { CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0 }, kem = { CKM_ML_KEM, NULL, 0 },
                     mac = { CKM_SHA256_HMAC, NULL, 0 };
        CK_OBJECT_HANDLE public_half, private_half, sent, got = 0;
        CK_BYTE ciphertext[1100], one[32], other[32];
        CK_ULONG n = 0, macs = 32;

        is("a pair", F->C_GenerateKeyPair(session, &maker, pub, 1, NULL, 0, &public_half, &private_half),
           CKR_OK);
        is("how long it will be",
           f2->C_EncapsulateKey(session, &kem, public_half, shared, shared_n, NULL, &n, NULL), CKR_OK);
        is("so long", n, 1088);
        n = 1087;
        is("a byte short",
           f2->C_EncapsulateKey(session, &kem, public_half, shared, shared_n, ciphertext, &n, &sent),
           CKR_BUFFER_TOO_SMALL);
        is("the length is told", n, 1088);
        is("C_EncapsulateKey",
           f2->C_EncapsulateKey(session, &kem, public_half, shared, shared_n, ciphertext, &n, &sent), CKR_OK);
        is("the wrong half",
           f2->C_DecapsulateKey(session, &kem, public_half, shared, shared_n, ciphertext, n, &got),
           CKR_KEY_FUNCTION_NOT_PERMITTED);
        is("a byte less",
           f2->C_DecapsulateKey(session, &kem, private_half, shared, shared_n, ciphertext, n - 1, &got),
           CKR_ENCRYPTED_DATA_LEN_RANGE);
        is("C_DecapsulateKey",
           f2->C_DecapsulateKey(session, &kem, private_half, shared, shared_n, ciphertext, n, &got), CKR_OK);
        is("C_SignInit", F->C_SignInit(session, &mac, sent), CKR_OK);
        is("C_Sign", F->C_Sign(session, text, TEXT_N, one, &macs), CKR_OK);
        is("C_SignInit", F->C_SignInit(session, &mac, got), CKR_OK);
        is("C_Sign", F->C_Sign(session, text, TEXT_N, other, &macs), CKR_OK);
        is("both have the same key", (CK_ULONG)memcmp(one, other, 32), 0);
}

static void encapsulation(void)
{
        CK_FUNCTION_LIST_3_2_PTR f2 = version_3_2();
        CK_OBJECT_CLASS class = CKO_SECRET_KEY;
        CK_KEY_TYPE type = CKK_GENERIC_SECRET;
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE shared[] = { { CKA_CLASS, &class, sizeof(class) },
                                  { CKA_KEY_TYPE, &type, sizeof(type) },
                                  { CKA_SIGN, &yes, sizeof(yes) } };
        CK_MECHANISM kem = { CKM_ML_KEM, NULL, 0 };
        CK_BYTE ciphertext[1100] = { 0 };
        CK_ULONG n = sizeof(ciphertext);
        CK_OBJECT_HANDLE key = 0;
        CK_RV absent = has_mechanism(CKM_ML_KEM) ? CKR_KEY_TYPE_INCONSISTENT : CKR_MECHANISM_INVALID;

        is("no mechanism", f2->C_EncapsulateKey(session, NULL, aes, shared, 3, ciphertext, &n, &key),
           CKR_ARGUMENTS_BAD);
        is("no length", f2->C_EncapsulateKey(session, &kem, aes, shared, 3, ciphertext, NULL, &key),
           CKR_ARGUMENTS_BAD);
        is("no place for the key", f2->C_EncapsulateKey(session, &kem, aes, shared, 3, ciphertext, &n, NULL),
           CKR_ARGUMENTS_BAD);
        is("no such key", f2->C_EncapsulateKey(session, &kem, 99999, shared, 3, ciphertext, &n, &key),
           CKR_KEY_HANDLE_INVALID);
        is("a key of another kind", f2->C_EncapsulateKey(session, &kem, aes, shared, 3, ciphertext, &n, &key),
           absent);
        is("no session", f2->C_EncapsulateKey(99999, &kem, aes, shared, 3, ciphertext, &n, &key),
           CKR_SESSION_HANDLE_INVALID);
        is("no ciphertext", f2->C_DecapsulateKey(session, &kem, aes, shared, 3, NULL, 9, &key),
           CKR_ARGUMENTS_BAD);
        is("no such private key", f2->C_DecapsulateKey(session, &kem, 99999, shared, 3, ciphertext, 9, &key),
           CKR_KEY_HANDLE_INVALID);
        is("a secret key does not decapsulate",
           f2->C_DecapsulateKey(session, &kem, aes, shared, 3, ciphertext, 9, &key), absent);
        is("nothing was made", key, 0);
        if (has_mechanism(CKM_ML_KEM))
                encapsulation_round_trip(f2, shared, 3);
}

void guest_message(void)
{
        session = arrive();
        aes = make_aes(session);
        chacha = make_chacha();
        hmac = make_hmac_key(session);
        mechanisms();
        generators();
        parts();
        large_messages();
        signing();
        signature_first();
        encapsulation();
        leave();
}
