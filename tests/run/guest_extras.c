/* Functions that few programs use: states, dual operations, results that wait, passwords, what is answered
 * before login, and what is not offered. */
#include "guest.h"

static CK_SESSION_HANDLE session;

static CK_RV digest(const void *data, CK_ULONG n, CK_BYTE out[32])
{
        CK_MECHANISM m = { CKM_SHA256, NULL, 0 };
        CK_ULONG room = 32;
        CK_RV rv = F->C_DigestInit(session, &m);

        return rv ? rv : F->C_Digest(session, (CK_BYTE_PTR)(uintptr_t)data, n, out, &room);
}

static void before_login(void)
{
        static const CK_BYTE abc[] = { 0xba, 0x78, 0x16, 0xbf };
        CK_BYTE out[32], data[5000] = { 0 };
        CK_ULONG room = 32;
        CK_MECHANISM m = { CKM_SHA256, NULL, 0 };
        CK_OBJECT_HANDLE key;

        is("random bytes need no login", F->C_GenerateRandom(session, out, 32), CKR_OK);
        is("nor does a seed", F->C_SeedRandom(session, data, 16), CKR_OK);
        is("nor a digest", digest("abc", 3, out), CKR_OK);
        is("which is right", (CK_RV)memcmp(out, abc, 4), 0);
        is("a large one neither", F->C_DigestInit(session, &m), CKR_OK);
        is("though a node takes little at once before login",
           F->C_Digest(session, data, sizeof(data), out, &room), CKR_OK);
        is("it is right too", (CK_RV)(out[0] << 8 | out[1]), 0x7ca5);
        is("the connection is as before", digest("abc", 3, out), CKR_OK);
        key = make_aes(session);
        is("no key is made", key, 0);
}

/* ---- not offered ---- */

static void not_offered(void)
{
        CK_UTF8CHAR text[] = "12345678", label[32] = "label";
        CK_SLOT_ID other;

        is("C_InitToken", F->C_InitToken(guest.slot, text, 8, label), CKR_FUNCTION_NOT_SUPPORTED);
        is("C_InitPIN", F->C_InitPIN(session, text, 8), CKR_FUNCTION_NOT_SUPPORTED);
        is("C_InitPIN of no session", F->C_InitPIN(424242, text, 8), CKR_SESSION_HANDLE_INVALID);
        is("C_GetFunctionStatus", F->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
        is("C_CancelFunction", F->C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL);
        is("no slot ever changes", F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &other, NULL), CKR_NO_EVENT);
        is("so nobody waits for it", F->C_WaitForSlotEvent(0, &other, NULL), CKR_FUNCTION_NOT_SUPPORTED);
        is("a reserved argument", F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &other, text), CKR_ARGUMENTS_BAD);
}

/* ---- the state of a digest ---- */

static void states(void)
{
        CK_MECHANISM m = { CKM_SHA256, NULL, 0 }, mac = { CKM_SHA256_HMAC, NULL, 0 };
        CK_SESSION_HANDLE other = open_session(false);
        CK_OBJECT_HANDLE key = make_hmac_key(session);
        CK_BYTE state[256], out[32], wanted[32], data[] = "a digest that is moved";
        CK_ULONG n = 0, room = 32, small;

        is("the digest to compare with", digest(data, 22, wanted), CKR_OK);
        is("no state", F->C_GetOperationState(session, NULL, &n), CKR_OPERATION_NOT_INITIALIZED);
        is("a digest begins", F->C_DigestInit(session, &m), CKR_OK);
        is("and has a part", F->C_DigestUpdate(session, data, 9), CKR_OK);
        is("its state has a length", F->C_GetOperationState(session, NULL, &n), CKR_OK);
        small = n - 1;
        is("and needs it", F->C_GetOperationState(session, state, &small), CKR_BUFFER_TOO_SMALL);
        is("and is saved", F->C_GetOperationState(session, state, &n), CKR_OK);
        is("the digest goes on", F->C_DigestUpdate(session, data + 9, 13), CKR_OK);
        is("to its end", F->C_DigestFinal(session, out, &room), CKR_OK);
        is("and is right", (CK_RV)memcmp(out, wanted, 32), 0);
        is("a key is not needed", F->C_SetOperationState(other, state, n, key, 0), CKR_KEY_NOT_NEEDED);
        is("another session takes the state", F->C_SetOperationState(other, state, n, 0, 0), CKR_OK);
        is("goes on", F->C_DigestUpdate(other, data + 9, 13), CKR_OK);
        is("to its end", F->C_DigestFinal(other, out, &room), CKR_OK);
        is("with the same result", (CK_RV)memcmp(out, wanted, 32), 0);
        state[0] ^= 1;
        is("an altered state", F->C_SetOperationState(other, state, n, 0, 0), CKR_SAVED_STATE_INVALID);
        is("a state cut off", F->C_SetOperationState(other, state, 5, 0, 0), CKR_SAVED_STATE_INVALID);
        is("a signature", F->C_SignInit(session, &mac, key), CKR_OK);
        is("has no state", F->C_GetOperationState(session, NULL, &n), CKR_STATE_UNSAVEABLE);
        is("and takes none", F->C_SetOperationState(session, state, n, 0, 0), CKR_OPERATION_ACTIVE);
        is("it is cancelled", F3->C_SessionCancel(session, CKF_SIGN), CKR_OK);
        is("the other session goes", F->C_CloseSession(other), CKR_OK);
}

/* ---- dual functions ---- */

#define TEXT_N 48

static void dual_there(CK_OBJECT_HANDLE aes, CK_OBJECT_HANDLE hmac, CK_BYTE *cipher, CK_BYTE *mac)
{
        CK_BYTE iv[16] = { 0 }, text[TEXT_N] = "text that is signed and encrypted", wanted[32], out[32];
        CK_MECHANISM cbc = { CKM_AES_CBC, iv, 16 }, sha = { CKM_SHA256, NULL, 0 };
        CK_MECHANISM hm = { CKM_SHA256_HMAC, NULL, 0 };
        CK_ULONG n = TEXT_N, room = 32;

        is("digest and encrypt: one is missing", F->C_DigestEncryptUpdate(session, text, 32, cipher, &n),
           CKR_OPERATION_NOT_INITIALIZED);
        is("the cipher", F->C_EncryptInit(session, &cbc, aes), CKR_OK);
        is("the other is missing", F->C_DigestEncryptUpdate(session, text, 32, cipher, &n),
           CKR_OPERATION_NOT_INITIALIZED);
        is("the digest", F->C_DigestInit(session, &sha), CKR_OK);
        is("the length of a part", F->C_DigestEncryptUpdate(session, text, 32, NULL, &n), CKR_OK);
        is("is that of its blocks", n, 32);
        n = 31;
        is("too little room", F->C_DigestEncryptUpdate(session, text, 32, cipher, &n), CKR_BUFFER_TOO_SMALL);
        n = TEXT_N;
        memcpy(cipher, text, 32);
        is("a part, in place", F->C_DigestEncryptUpdate(session, cipher, 32, cipher, &n), CKR_OK);
        n = TEXT_N - 32;
        is("and another", F->C_DigestEncryptUpdate(session, text + 32, 16, cipher + 32, &n), CKR_OK);
        n = TEXT_N;
        is("the end of one", F->C_EncryptFinal(session, out, &n), CKR_OK);
        is("and of the other", F->C_DigestFinal(session, out, &room), CKR_OK);
        is("the digest", digest(text, TEXT_N, wanted), CKR_OK);
        is("is that of the clear text", (CK_RV)memcmp(out, wanted, 32), 0);
        n = TEXT_N;
        is("sign and encrypt", F->C_EncryptInit(session, &cbc, aes), CKR_OK);
        is("both begin", F->C_SignInit(session, &hm, hmac), CKR_OK);
        is("both take", F->C_SignEncryptUpdate(session, text, TEXT_N, cipher, &n), CKR_OK);
        is("both end", F->C_SignFinal(session, mac, &room), CKR_OK);
        n = TEXT_N;
        is("with nothing left", F->C_EncryptFinal(session, out, &n), CKR_OK);
}

static void dual_back(CK_OBJECT_HANDLE aes, CK_OBJECT_HANDLE hmac, CK_BYTE *cipher, CK_BYTE *mac)
{
        CK_BYTE iv[16] = { 0 }, text[TEXT_N], wanted[32], out[32];
        CK_MECHANISM cbc = { CKM_AES_CBC, iv, 16 }, sha = { CKM_SHA256, NULL, 0 };
        CK_MECHANISM hm = { CKM_SHA256_HMAC, NULL, 0 };
        CK_ULONG n = TEXT_N, room = 32;

        is("decrypt and verify", F->C_DecryptInit(session, &cbc, aes), CKR_OK);
        is("both begin", F->C_VerifyInit(session, &hm, hmac), CKR_OK);
        is("both take", F->C_DecryptVerifyUpdate(session, cipher, TEXT_N, text, &n), CKR_OK);
        is("the text is there", (CK_RV)memcmp(text, "text that is signed and encrypted", 33), 0);
        is("and the signature is good", F->C_VerifyFinal(session, mac, 32), CKR_OK);
        is("nothing is left", F->C_DecryptFinal(session, out, &room), CKR_OK);
        n = TEXT_N;
        is("decrypt and digest", F->C_DecryptInit(session, &cbc, aes), CKR_OK);
        is("both begin", F->C_DigestInit(session, &sha), CKR_OK);
        is("a missing argument", F->C_DecryptDigestUpdate(session, NULL, TEXT_N, text, &n),
           CKR_ARGUMENTS_BAD);
        is("ends one", F->C_DecryptFinal(session, out, &room), CKR_OPERATION_NOT_INITIALIZED);
        is("and the other", F->C_DigestFinal(session, out, &room), CKR_OPERATION_NOT_INITIALIZED);
        is("once more", F->C_DecryptInit(session, &cbc, aes), CKR_OK);
        is("both begin", F->C_DigestInit(session, &sha), CKR_OK);
        is("both take", F->C_DecryptDigestUpdate(session, cipher, TEXT_N, text, &n), CKR_OK);
        room = 32;
        is("the digest", F->C_DigestFinal(session, out, &room), CKR_OK);
        n = TEXT_N;
        is("nothing is left", F->C_DecryptFinal(session, cipher, &n), CKR_OK);
        is("the digest of the text", digest(text, TEXT_N, wanted), CKR_OK);
        is("is the same", (CK_RV)memcmp(out, wanted, 32), 0);
}

static void dual(void)
{
        CK_OBJECT_HANDLE aes = make_aes(session), hmac = make_hmac_key(session);
        CK_BYTE cipher[TEXT_N], mac[32];

        dual_there(aes, hmac, cipher, mac);
        dual_back(aes, hmac, cipher, mac);
}

/* ---- results that wait for room ---- */

static void waiting(void)
{
        CK_OBJECT_HANDLE aes = make_aes(session);
        CK_BYTE iv[16] = { 0 }, one[32], two[32], out[32];
        CK_MECHANISM pad = { CKM_AES_CBC_PAD, iv, 16 };
        CK_ULONG n = 32;

        is("text", F->C_EncryptInit(session, &pad, aes), CKR_OK);
        is("is encrypted", F->C_Encrypt(session, (CK_BYTE_PTR) "first, twenty bytes.", 20, one, &n), CKR_OK);
        is("and other text", F->C_EncryptInit(session, &pad, aes), CKR_OK);
        is("is encrypted", F->C_Encrypt(session, (CK_BYTE_PTR) "other text, 23 bytes...", 23, two, &n),
           CKR_OK);
        is("it is decrypted", F->C_DecryptInit(session, &pad, aes), CKR_OK);
        n = 19;
        is("with too little room", F->C_Decrypt(session, one, 32, out, &n), CKR_BUFFER_TOO_SMALL);
        is("how much is needed is told", n, 20);
        is("then with just enough", F->C_Decrypt(session, one, 32, out, &n), CKR_OK);
        is("it is the text", (CK_RV)memcmp(out, "first, twenty bytes.", 20), 0);
        is("the same again", F->C_DecryptInit(session, &pad, aes), CKR_OK);
        n = 1;
        is("with too little room", F->C_Decrypt(session, one, 32, out, &n), CKR_BUFFER_TOO_SMALL);
        n = 32;
        is("then for other data", F->C_Decrypt(session, two, 32, out, &n), CKR_OK);
        is("which is what comes out", n == 23 && memcmp(out, "other text, 23 bytes...", 23) == 0, 1);
}

static void digest_keys(void)
{
        CK_BYTE value[16] = "sixteen bytes ok", out[32], wanted[32];
        CK_OBJECT_CLASS class = CKO_SECRET_KEY;
        CK_KEY_TYPE type = CKK_GENERIC_SECRET;
        CK_ATTRIBUTE wanted_key[] = { { CKA_CLASS, &class, sizeof(class) },
                                      { CKA_KEY_TYPE, &type, sizeof(type) },
                                      { CKA_VALUE, value, 16 } };
        CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
        CK_OBJECT_HANDLE key = 0;
        CK_ULONG room = 32, size = 0;

        is("a key is imported", F->C_CreateObject(session, wanted_key, 3, &key), CKR_OK);
        is("it has a size", F->C_GetObjectSize(session, key, &size), CKR_OK);
        is("which is not nothing", size > 16, 1);
        is("no object has none", F->C_GetObjectSize(session, 424242, &size), CKR_OBJECT_HANDLE_INVALID);
        is("C_DigestKey without a digest", F->C_DigestKey(session, key), CKR_OPERATION_NOT_INITIALIZED);
        is("a digest begins", F->C_DigestInit(session, &sha), CKR_OK);
        is("takes a part", F->C_DigestUpdate(session, (CK_BYTE_PTR) "before", 6), CKR_OK);
        is("the key", F->C_DigestKey(session, key), CKR_OK);
        is("has no state now", F->C_GetOperationState(session, NULL, &room), CKR_STATE_UNSAVEABLE);
        is("another part", F->C_DigestUpdate(session, (CK_BYTE_PTR) "after", 5), CKR_OK);
        room = 32;
        is("and ends", F->C_DigestFinal(session, out, &room), CKR_OK);
        is("as the same digest", digest("beforesixteen bytes okafter", 27, wanted), CKR_OK);
        is("of known bytes", (CK_RV)memcmp(out, wanted, 32), 0);
        is("a digest", F->C_DigestInit(session, &sha), CKR_OK);
        is("of what is no key", F->C_DigestKey(session, 424242), CKR_KEY_HANDLE_INVALID);
        is("has ended", F->C_DigestFinal(session, out, &room), CKR_OPERATION_NOT_INITIALIZED);
}

/* ---- passwords ---- */

static CK_RV set_pin(CK_SESSION_HANDLE s, const char *old, const char *fresh)
{
        return F->C_SetPIN(s, (CK_UTF8CHAR_PTR)(uintptr_t)old, strlen(old), (CK_UTF8CHAR_PTR)(uintptr_t)fresh,
                           strlen(fresh));
}

static CK_RV login_user(const char *name, const char *password)
{
        return F3->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)password, strlen(password),
                               (CK_UTF8CHAR_PTR)(uintptr_t)name, strlen(name));
}

static void passwords(void)
{
        const char *old = guest.pin, *password = strchr(old, ':') + 1;
        CK_SESSION_HANDLE read_only = open_session(false);
        CK_OBJECT_HANDLE public_key, key;
        char user[32], wrong[80], other[] = "cu9:other-password";

        (void)snprintf(user, sizeof(user), "%.*s", (int)(password - 1 - old), old);
        (void)snprintf(wrong, sizeof(wrong), "%sx", old);
        is("a key before", make_pair(session, NULL, 0, &public_key, &key), CKR_OK);
        is("a read-only session", set_pin(read_only, old, "new-password"), CKR_SESSION_READ_ONLY);
        is("a wrong old password", set_pin(session, wrong, "new-password"), CKR_PIN_INCORRECT);
        is("another user's name", set_pin(session, old, other), CKR_PIN_INVALID);
        is("another user's password", set_pin(session, other, "new-password"), CKR_PIN_INCORRECT);
        is("too short a new one", set_pin(session, old, "short"), CKR_PIN_LEN_RANGE);
        is("the old one still holds", sign(session, key), CKR_OK);
        is("a new password alone", set_pin(session, old, "new-password"), CKR_OK);
        is("the login goes on, session keys too", sign(session, key), CKR_OK);
        is("logout", F->C_Logout(session), CKR_OK);
        is("the old one is over", login(session, old), CKR_PIN_INCORRECT);
        (void)snprintf(wrong, sizeof(wrong), "%s:new-password", user);
        is("back, with the name, without a login", set_pin(session, wrong, old), CKR_OK);
        is("which made none", sign(session, key) == CKR_OK, 0);
        is("C_LoginUser of an officer",
           F3->C_LoginUser(session, CKU_SO, (CK_UTF8CHAR_PTR) "x", 1, (CK_UTF8CHAR_PTR) "admin", 5),
           CKR_USER_TYPE_INVALID);
        is("with a wrong password", login_user(user, "wrong-password"), CKR_PIN_INCORRECT);
        is("with the right one", login_user(user, password), CKR_OK);
        is("twice", login_user(user, password), CKR_USER_ALREADY_LOGGED_IN);
        is("the session goes", F->C_CloseSession(read_only), CKR_OK);
}

void guest_extras(void)
{
        is("C_Initialize", F->C_Initialize(NULL), CKR_OK);
        session = open_session(true);
        before_login();
        is("login", login(session, guest.pin), CKR_OK);
        not_offered();
        states();
        dual();
        waiting();
        digest_keys();
        passwords();
        leave();
}
