/* Keys with CKA_ALWAYS_AUTHENTICATE: C_Login with CKU_CONTEXT_SPECIFIC for each use. */
#include "guest.h"

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE ec, rsa, rsa_public;
static CK_BBOOL yes = CK_TRUE;
static CK_BYTE data[] = "data", out[256];

static void make_keys(void)
{
        CK_ULONG bits = 2048;
        CK_MECHANISM m = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
        CK_ATTRIBUTE more[] = { { CKA_ALWAYS_AUTHENTICATE, &yes, 1 }, { CKA_TOKEN, &yes, 1 } };
        CK_ATTRIBUTE pub[] = { { CKA_MODULUS_BITS, &bits, sizeof(bits) }, { CKA_ENCRYPT, &yes, 1 } };
        CK_ATTRIBUTE priv[] = { { CKA_ALWAYS_AUTHENTICATE, &yes, 1 }, { CKA_DECRYPT, &yes, 1 } };
        CK_OBJECT_HANDLE public_key;
        CK_BBOOL asks = CK_FALSE;
        CK_ATTRIBUTE read = { CKA_ALWAYS_AUTHENTICATE, &asks, 1 };

        is("a key that asks each time", make_pair(session, more, 2, &public_key, &ec), CKR_OK);
        is("and a session key for decryption",
           F->C_GenerateKeyPair(session, &m, pub, 2, priv, 2, &rsa_public, &rsa), CKR_OK);
        is("the attribute is there", F->C_GetAttributeValue(session, ec, &read, 1), CKR_OK);
        is("and set", asks, CK_TRUE);
}

static CK_RV begin(void)
{
        CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };

        return F->C_SignInit(session, &ecdsa, ec);
}

static CK_RV finish(CK_BYTE_PTR where, CK_ULONG room)
{
        return F->C_Sign(session, data, 4, where, &room);
}

static void signing(void)
{
        const char *password = strchr(guest.pin, ':') + 1;
        char wrong[80];

        (void)snprintf(wrong, sizeof(wrong), "%sx", guest.pin);
        is("a context without an operation", login_context(session, guest.pin),
           CKR_OPERATION_NOT_INITIALIZED);
        is("C_SignInit", begin(), CKR_OK);
        is("the length may be asked for", finish(NULL, 0), CKR_OK);
        is("but no signature", finish(out, 64), CKR_USER_NOT_LOGGED_IN);
        is("and that was the end", finish(out, 64), CKR_OPERATION_NOT_INITIALIZED);
        is("C_SignInit", begin(), CKR_OK);
        is("with a wrong PIN", login_context(session, wrong), CKR_PIN_INCORRECT);
        is("or another user's", login_context(session, "cu9:user1234"), CKR_PIN_INCORRECT);
        is("the operation waits on", login_context(session, guest.pin), CKR_OK);
        is("too little room does not use the login up", finish(out, 63), CKR_BUFFER_TOO_SMALL);
        is("the signature does", finish(out, 64), CKR_OK);
        is("the next operation", begin(), CKR_OK);
        is("needs the next login", finish(out, 64), CKR_USER_NOT_LOGGED_IN);
        is("C_SignInit", begin(), CKR_OK);
        is("the password alone will do", login_context(session, password), CKR_OK);
        is("for a signature", finish(out, 64), CKR_OK);
        is("C_SignInit", begin(), CKR_OK);
        is("login", login_context(session, guest.pin), CKR_OK);
        is("then the operation is cancelled", F3->C_SessionCancel(session, CKF_SIGN), CKR_OK);
        is("C_SignInit", begin(), CKR_OK);
        is("begins without a login", finish(out, 64), CKR_USER_NOT_LOGGED_IN);
}

static void in_parts(void)
{
        CK_ULONG large = 3UL << 20, room = 64;
        CK_BYTE_PTR much = calloc(1, large);

        is("C_SignInit", begin(), CKR_OK);
        is("a part", F->C_SignUpdate(session, data, 4), CKR_OK);
        is("login between parts", login_context(session, guest.pin), CKR_OK);
        is("and the end", F->C_SignFinal(session, out, &room), CKR_OK);
        is("C_SignInit", begin(), CKR_OK);
        is("more than a message, without a login", F->C_SignUpdate(session, much, large),
           CKR_USER_NOT_LOGGED_IN);
        is("C_SignInit", begin(), CKR_OK);
        is("login", login_context(session, guest.pin), CKR_OK);
        is("more than a message", F->C_SignUpdate(session, much, large), CKR_OK);
        is("and again", F->C_SignUpdate(session, much, large), CKR_OK);
        room = 64;
        is("is one signature", F->C_SignFinal(session, out, &room), CKR_OK);
        free(much);
}

static void decrypting(void)
{
        CK_MECHANISM pkcs = { CKM_RSA_PKCS, NULL, 0 };
        CK_BYTE cipher[256];
        CK_ULONG n = sizeof(cipher);

        is("something", F->C_EncryptInit(session, &pkcs, rsa_public), CKR_OK);
        is("is encrypted, which needs no login", F->C_Encrypt(session, data, 4, cipher, &n), CKR_OK);
        is("C_DecryptInit", F->C_DecryptInit(session, &pkcs, rsa), CKR_OK);
        n = sizeof(out);
        is("without a login", F->C_Decrypt(session, cipher, 256, out, &n), CKR_USER_NOT_LOGGED_IN);
        is("C_DecryptInit", F->C_DecryptInit(session, &pkcs, rsa), CKR_OK);
        is("login", login_context(session, guest.pin), CKR_OK);
        n = 3;
        is("too little room", F->C_Decrypt(session, cipher, 256, out, &n), CKR_BUFFER_TOO_SMALL);
        is("is told", n, 4);
        is("and the same login does", F->C_Decrypt(session, cipher, 256, out, &n), CKR_OK);
        is("for the text", (CK_RV)memcmp(out, data, 4), 0);
}

void guest_auth(void)
{
        session = arrive();
        make_keys();
        signing();
        in_parts();
        decrypting();
        is("the key goes", F->C_DestroyObject(session, ec), CKR_OK);
        leave();
}
