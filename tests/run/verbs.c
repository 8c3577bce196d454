/* Calls the module as its arguments say and prints what each call answered, for scripts that change the
 * module's surroundings. Usage: verbs MODULE VERB[=TEXT]... */
#include "ck/cryptoki.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST_PTR f;
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_RV initialize(const char *text)
{
        (void)text;
        return f->C_Initialize(NULL);
}

static CK_RV finalize(const char *text)
{
        (void)text;
        return f->C_Finalize(NULL);
}

/* The number of slots: "all", or of those with a token. */
static CK_RV slots(const char *text)
{
        CK_SLOT_ID list[4];
        CK_ULONG n = 4;
        CK_RV rv = f->C_GetSlotList(strcmp(text, "all") != 0, list, &n);

        return rv ? rv : n;
}

static CK_RV present(const char *text)
{
        CK_SLOT_INFO info;
        CK_RV rv = f->C_GetSlotInfo(1, &info);

        (void)text;
        return rv ? rv : info.flags & CKF_TOKEN_PRESENT;
}

static CK_RV token(const char *text)
{
        CK_TOKEN_INFO info;

        (void)text;
        return f->C_GetTokenInfo(1, &info);
}

static CK_RV open_session(const char *text)
{
        (void)text;
        return f->C_OpenSession(1, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
}

static CK_RV login(const char *text)
{
        return f->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)text, strlen(text));
}

static CK_RV random_bytes(const char *text)
{
        CK_BYTE out[8];

        (void)text;
        return f->C_GenerateRandom(session, out, sizeof(out));
}

/* Makes an AES session key, readable if the text says so, and prints whether it is extractable and encrypts.
 */
static CK_RV key(const char *text)
{
        CK_ULONG length = 16;
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ATTRIBUTE wanted[] = { { CKA_VALUE_LEN, &length, sizeof(length) }, { CKA_SENSITIVE, &no, 1 } };
        CK_BBOOL extractable = no, encrypts = no;
        CK_ATTRIBUTE read[] = { { CKA_EXTRACTABLE, &extractable, 1 }, { CKA_ENCRYPT, &encrypts, 1 } };
        CK_OBJECT_HANDLE made;
        CK_RV rv = f->C_GenerateKey(session, &m, wanted, strcmp(text, "readable") == 0 ? 2 : 1, &made);

        rv = rv ? rv : f->C_GetAttributeValue(session, made, read, 2);
        return rv ? rv : (CK_RV)(extractable == yes ? 0xe : 0) * 16 + (CK_RV)(encrypts == yes ? 0xc : 0);
}

static const struct {
        const char *name;
        CK_RV (*run)(const char *);
} verbs[] = { { "initialize", initialize }, { "finalize", finalize },   { "slots", slots },
              { "present", present },       { "token", token },         { "open", open_session },
              { "login", login },           { "random", random_bytes }, { "key", key } };

static int run(const char *word)
{
        size_t n = strcspn(word, "=");
        const char *text = word[n] ? word + n + 1 : "";

        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                if (strlen(verbs[i].name) == n && strncmp(verbs[i].name, word, n) == 0) {
                        printf("%s %lx\n", verbs[i].name, verbs[i].run(text));
                        return 0;
                }
        }
        (void)fprintf(stderr, "no verb '%s'\n", word);
        return 2;
}

int main(int argc, char **argv)
{
        void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
        CK_C_GetFunctionList list;
        int bad = 0;

        if (!library) {
                (void)fprintf(stderr, "usage: verbs MODULE VERB[=TEXT]...\n");
                return 2;
        }
        *(void **)&list = dlsym(library, "C_GetFunctionList");
        if (list(&f) != CKR_OK)
                return 2;
        for (int i = 2; i < argc && !bad; i++)
                bad = run(argv[i]);
        return bad;
}
